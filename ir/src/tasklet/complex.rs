//! Complex numbers, in the precision of their type.
//!
//! The arithmetic is that of NumPy's loops: the product is the plain formula, the quotient is scaled by
//! the larger part of the divisor (R. L. Smith, 1962), small integer powers are products. The functions
//! are those of C99 (branch cuts, signed zeros and infinities as its Annex G says), which NumPy calls.

use super::{BinOp, Func};
use crate::dtype::{DType, Scalar};

/// Laid out and passed like C's `_Complex`.
#[derive(Clone, Copy, PartialEq)]
#[repr(C)]
struct Complex<T> {
    re: T,
    im: T,
}

/// A complex number of that type, its parts rounded to it.
pub fn of(dtype: DType, re: f64, im: f64) -> Scalar {
    if dtype == DType::C64 {
        Scalar::Complex(dtype, (re as f32).into(), (im as f32).into())
    } else {
        Scalar::Complex(dtype, re, im)
    }
}

/// Both numbers have the same type.
pub fn binary(op: BinOp, a: Scalar, b: Scalar) -> Option<Scalar> {
    let (Scalar::Complex(dtype, ar, ai), Scalar::Complex(_, br, bi)) = (a, b) else { return None };
    match op {
        BinOp::Eq => return Some(Scalar::Bool(ar == br && ai == bi)),
        BinOp::Ne => return Some(Scalar::Bool(ar != br || ai != bi)),
        _ => {}
    }
    if dtype == DType::C64 {
        let narrow = |re: f64, im: f64| Complex { re: re as f32, im: im as f32 };
        let z = f32::binary(op, narrow(ar, ai), narrow(br, bi))?;
        return Some(Scalar::Complex(dtype, z.re.into(), z.im.into()));
    }
    let z = f64::binary(op, Complex { re: ar, im: ai }, Complex { re: br, im: bi })?;
    Some(Scalar::Complex(dtype, z.re, z.im))
}

pub fn call(func: Func, a: Scalar) -> Option<Scalar> {
    let Scalar::Complex(dtype, re, im) = a else { return None };
    let part = |x: f64| if dtype == DType::C64 { Scalar::F32(x as f32) } else { Scalar::F64(x) };
    Some(match func {
        Func::Real => part(re),
        Func::Imag => part(im),
        Func::Conj => Scalar::Complex(dtype, re, -im),
        Func::IsNan => Scalar::Bool(re.is_nan() || im.is_nan()),
        Func::IsInf => Scalar::Bool(re.is_infinite() || im.is_infinite()),
        Func::IsFinite => Scalar::Bool(re.is_finite() && im.is_finite()),
        _ if dtype == DType::C64 => {
            let z = f32::call(func, Complex { re: re as f32, im: im as f32 })?;
            Scalar::Complex(dtype, z.re.into(), z.im.into())
        }
        _ => {
            let z = f64::call(func, Complex { re, im })?;
            Scalar::Complex(dtype, z.re, z.im)
        }
    })
}

/// Arithmetic and functions in one precision.
macro_rules! complex {
    ($float:ident, $pow:ident, [$($func:ident => $name:ident),* $(,)?]) => {
        mod $float {
            use super::{BinOp, Complex, Func};
            use std::$float::consts::{LN_2, LOG2_E, LOG10_E};

            type C = Complex<$float>;

            unsafe extern "C" {
                $(safe fn $name(z: C) -> C;)*
                safe fn $pow(a: C, b: C) -> C;
            }

            pub fn binary(op: BinOp, a: C, b: C) -> Option<C> {
                Some(match op {
                    BinOp::Add => C { re: a.re + b.re, im: a.im + b.im },
                    BinOp::Sub => C { re: a.re - b.re, im: a.im - b.im },
                    BinOp::Mul => product(a, b),
                    BinOp::Div => quotient(a, b),
                    BinOp::Pow => power(a, b),
                    _ => return None,
                })
            }

            fn product(a: C, b: C) -> C {
                C { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re }
            }

            fn quotient(a: C, b: C) -> C {
                if b.re == 0.0 && b.im == 0.0 {
                    return C { re: a.re / b.re.abs(), im: a.im / b.re.abs() };
                }
                if b.re.abs() >= b.im.abs() {
                    let ratio = b.im / b.re;
                    let scale = 1.0 / (b.re + b.im * ratio);
                    C { re: (a.re + a.im * ratio) * scale, im: (a.im - a.re * ratio) * scale }
                } else {
                    let ratio = b.re / b.im;
                    let scale = 1.0 / (b.im + b.re * ratio);
                    C { re: (a.re * ratio + a.im) * scale, im: (a.im * ratio - a.re) * scale }
                }
            }

            fn power(a: C, b: C) -> C {
                const ONE: C = C { re: 1.0, im: 0.0 };
                if b.re == 0.0 && b.im == 0.0 {
                    return ONE;
                }
                if a.re == 0.0 && a.im == 0.0 {
                    let value = if b.re > 0.0 { 0.0 } else { $float::NAN };
                    return C { re: value, im: value };
                }
                if b.im != 0.0 || b.re.trunc() != b.re || b.re.abs() >= 100.0 {
                    return $pow(a, b);
                }
                match b.re as i32 {
                    1 => a,
                    2 => product(a, a),
                    3 => product(a, product(a, a)),
                    exponent => {
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
                        if exponent < 0 { quotient(ONE, result) } else { result }
                    }
                }
            }

            pub fn call(func: Func, z: C) -> Option<C> {
                let scaled = |z: C, by: $float| C { re: z.re * by, im: z.im * by };
                Some(match func {
                    $(Func::$func => $name(z),)*
                    Func::Exp2 => call(Func::Exp, scaled(z, LN_2))?,
                    Func::Log2 => scaled(call(Func::Log, z)?, LOG2_E),
                    Func::Log10 => scaled(call(Func::Log, z)?, LOG10_E),
                    Func::Log1p => {
                        let re = z.re + 1.0;
                        C { re: re.hypot(z.im).ln(), im: z.im.atan2(re) }
                    }
                    Func::Expm1 => {
                        let half = (z.im / 2.0).sin();
                        C {
                            re: z.re.exp_m1() * z.im.cos() - 2.0 * half * half,
                            im: z.re.exp() * z.im.sin(),
                        }
                    }
                    _ => return None,
                })
            }
        }
    };
}

complex!(f32, cpowf, [
    Sqrt => csqrtf, Exp => cexpf, Log => clogf, Sin => csinf, Cos => ccosf, Tan => ctanf,
    Asin => casinf, Acos => cacosf, Atan => catanf, Sinh => csinhf, Cosh => ccoshf,
    Tanh => ctanhf, Asinh => casinhf, Acosh => cacoshf, Atanh => catanhf,
]);
complex!(f64, cpow, [
    Sqrt => csqrt, Exp => cexp, Log => clog, Sin => csin, Cos => ccos, Tan => ctan,
    Asin => casin, Acos => cacos, Atan => catan, Sinh => csinh, Cosh => ccosh,
    Tanh => ctanh, Asinh => casinh, Acosh => cacosh, Atanh => catanh,
]);
