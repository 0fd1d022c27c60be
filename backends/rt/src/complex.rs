//! Functions of complex numbers, for which LLVM has no instructions: C's, as NumPy uses them.
//!
//! A function takes the parts of its arguments and writes the result to memory.

use std::sync::Mutex;

/// Laid out and passed like C's `_Complex`.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
pub struct Complex<T> {
    pub re: T,
    pub im: T,
}

/// Products that several threads fold into memory.
static FOLDING: Mutex<()> = Mutex::new(());

macro_rules! functions {
    (
        $float:ident, $short:literal, $power:literal,
        [$($name:ident: $c:literal),* $(,)?], [$($composed:ident),*]
    ) => {
        pub mod $float {
            use super::{Complex, FOLDING};
            use std::$float::consts::{LN_2, LOG2_E, LOG10_E};

            type C = Complex<$float>;

            mod c {
                use super::C;
                unsafe extern "C" {
                    $(#[link_name = $c] pub safe fn $name(z: C) -> C;)*
                    #[link_name = $power]
                    pub safe fn cpow(a: C, b: C) -> C;
                }
            }

            fn scaled(z: C, by: $float) -> C {
                C { re: z.re * by, im: z.im * by }
            }

            fn cexp2(z: C) -> C {
                c::cexp(scaled(z, LN_2))
            }

            fn clog2(z: C) -> C {
                scaled(c::clog(z), LOG2_E)
            }

            fn clog10(z: C) -> C {
                scaled(c::clog(z), LOG10_E)
            }

            fn clog1p(z: C) -> C {
                let re = z.re + 1.0;
                C { re: re.hypot(z.im).ln(), im: z.im.atan2(re) }
            }

            fn cexpm1(z: C) -> C {
                let half = (z.im / 2.0).sin();
                let re = z.re.exp_m1() * z.im.cos() - 2.0 * half * half;
                C { re, im: z.re.exp() * z.im.sin() }
            }

            pub fn product(a: C, b: C) -> C {
                C { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re }
            }

            /// One over a number that is not zero, scaled by its larger part.
            fn reciprocal(z: C) -> C {
                if z.re == 0.0 && z.im == 0.0 {
                    return C { re: $float::INFINITY, im: $float::NAN };
                }
                if z.re.abs() >= z.im.abs() {
                    let ratio = z.im / z.re;
                    let scale = 1.0 / (z.re + z.im * ratio);
                    C { re: (1.0 + 0.0 * ratio) * scale, im: (0.0 - ratio) * scale }
                } else {
                    let ratio = z.re / z.im;
                    let scale = 1.0 / (z.im + z.re * ratio);
                    C { re: (ratio + 0.0) * scale, im: (0.0 * ratio - 1.0) * scale }
                }
            }

            /// NumPy's power: small integer exponents are repeated products, and only zero to a
            /// power with a positive real part is zero.
            pub fn power(a: C, b: C) -> C {
                const ONE: C = C { re: 1.0, im: 0.0 };
                if b.re == 0.0 && b.im == 0.0 {
                    return ONE;
                }
                if a.re == 0.0 && a.im == 0.0 {
                    let value = if b.re > 0.0 { 0.0 } else { $float::NAN };
                    return C { re: value, im: value };
                }
                if b.im != 0.0 || b.re.trunc() != b.re || b.re.abs() >= 100.0 {
                    return c::cpow(a, b);
                }
                let exponent = b.re as i32;
                match exponent {
                    1 => return a,
                    2 => return product(a, a),
                    3 => return product(a, product(a, a)),
                    _ => {}
                }
                let (mut result, mut base, mut left) = (ONE, a, exponent.unsigned_abs());
                loop {
                    if left & 1 == 1 {
                        result = product(result, base);
                    }
                    left >>= 1;
                    if left == 0 {
                        break;
                    }
                    base = product(base, base);
                }
                if exponent < 0 { reciprocal(result) } else { result }
            }

            /// # Safety
            /// `out` is a place for the result.
            unsafe extern "C" fn weft_cpow(out: *mut C, ar: $float, ai: $float, br: $float, bi: $float) {
                // SAFETY: the caller's promise.
                unsafe { out.write(power(C { re: ar, im: ai }, C { re: br, im: bi })) };
            }

            /// Multiplies a number in memory that other threads multiply as well.
            ///
            /// # Safety
            /// `at` is a number that is only changed by this function meanwhile.
            unsafe extern "C" fn weft_atomic_product(at: *mut C, re: $float, im: $float) {
                let _held = FOLDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                // SAFETY: the caller's promise; the lock is held.
                unsafe { at.write_unaligned(product(at.read_unaligned(), C { re, im })) };
            }

            pub fn symbols(list: &mut Vec<(&'static str, usize)>) {
                $({
                    /// # Safety
                    /// `out` is a place for the result.
                    unsafe extern "C" fn $name(out: *mut C, re: $float, im: $float) {
                        // SAFETY: the caller's promise.
                        unsafe { out.write(c::$name(C { re, im })) };
                    }
                    list.push((concat!("weft_", stringify!($name), "_", $short), $name as *const () as usize));
                })*
                $({
                    /// # Safety
                    /// `out` is a place for the result.
                    unsafe extern "C" fn entry(out: *mut C, re: $float, im: $float) {
                        // SAFETY: the caller's promise.
                        unsafe { out.write($composed(C { re, im })) };
                    }
                    list.push((concat!("weft_", stringify!($composed), "_", $short), entry as *const () as usize));
                })*
                list.push((concat!("weft_cpow_", $short), weft_cpow as *const () as usize));
                let product = weft_atomic_product as *const () as usize;
                list.push((concat!("weft_atomic_product_", $short), product));
            }
        }
    };
}

functions!(f32, "c64", "cpowf", [
    csqrt: "csqrtf", cexp: "cexpf", clog: "clogf", csin: "csinf", ccos: "ccosf", ctan: "ctanf",
    casin: "casinf", cacos: "cacosf", catan: "catanf", csinh: "csinhf", ccosh: "ccoshf",
    ctanh: "ctanhf", casinh: "casinhf", cacosh: "cacoshf", catanh: "catanhf",
], [cexp2, clog2, clog10, clog1p, cexpm1]);
functions!(f64, "c128", "cpow", [
    csqrt: "csqrt", cexp: "cexp", clog: "clog", csin: "csin", ccos: "ccos", ctan: "ctan",
    casin: "casin", cacos: "cacos", catan: "catan", csinh: "csinh", ccosh: "ccosh",
    ctanh: "ctanh", casinh: "casinh", cacosh: "cacosh", catanh: "catanh",
], [cexp2, clog2, clog10, clog1p, cexpm1]);

/// Name and address of every function here.
pub fn symbols() -> Vec<(&'static str, usize)> {
    let mut list = vec![];
    f32::symbols(&mut list);
    f64::symbols(&mut list);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_numpys() {
        let z = |re, im| Complex { re, im };
        let same = |a: Complex<f64>, b: Complex<f64>| {
            let part = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan());
            assert!(part(a.re, b.re) && part(a.im, b.im), "{a:?} {b:?}");
        };
        same(f64::power(z(2.0, 1.0), z(3.0, 0.0)), z(2.0, 11.0));
        same(f64::power(z(2.0, 1.0), z(-1.0, 0.0)), z(0.4, -0.2));
        same(f64::power(z(0.0, 0.0), z(0.0, 0.0)), z(1.0, 0.0));
        same(f64::power(z(0.0, 0.0), z(1.0, 5.0)), z(0.0, 0.0));
        same(f64::power(z(0.0, 0.0), z(-1.0, 0.0)), z(f64::NAN, f64::NAN));
    }

    #[test]
    fn threads_fold_products() {
        let mut list = vec![];
        f64::symbols(&mut list);
        assert!(
            list.iter().any(|s| s.0 == "weft_csqrt_c128") && list.iter().any(|s| s.0 == "weft_cpow_c128")
        );
        let names: std::collections::BTreeSet<&str> = symbols().iter().map(|s| s.0).collect();
        assert_eq!(names.len(), symbols().len());
    }
}
