//! Scalar functions that are too long to write out in generated code.

/// `base ** exponent` modulo 2^64; the low bits are right for every narrower type, signed or not.
pub extern "C" fn weft_ipow(base: u64, exponent: u64) -> u64 {
    let (mut base, mut exponent, mut result) = (base, exponent, 1u64);
    while exponent != 0 {
        if exponent & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    result
}

macro_rules! python_division {
    ($float:ty, $floordiv:ident, $modulo:ident) => {
        /// NumPy's `floor_divide`.
        pub extern "C" fn $floordiv(a: $float, b: $float) -> $float {
            if b == 0.0 {
                return a / b;
            }
            let remainder = a % b;
            let mut quotient = (a - remainder) / b;
            if remainder != 0.0 && (b < 0.0) != (remainder < 0.0) {
                quotient -= 1.0;
            }
            if quotient == 0.0 {
                return (0.0 as $float).copysign(a / b);
            }
            let floor = quotient.floor();
            if quotient - floor > 0.5 { floor + 1.0 } else { floor }
        }

        /// NumPy's `remainder`: the sign is the divisor's.
        pub extern "C" fn $modulo(a: $float, b: $float) -> $float {
            let remainder = a % b;
            if b == 0.0 || remainder.is_nan() {
                remainder
            } else if remainder == 0.0 {
                (0.0 as $float).copysign(b)
            } else if (b < 0.0) != (remainder < 0.0) {
                remainder + b
            } else {
                remainder
            }
        }
    };
}

python_division!(f64, weft_floordiv_f64, weft_mod_f64);
python_division!(f32, weft_floordiv_f32, weft_mod_f32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_has_pythons_signs() {
        assert_eq!((weft_floordiv_f64(-7.0, 2.0), weft_mod_f64(-7.0, 2.0)), (-4.0, 1.0));
        assert_eq!((weft_floordiv_f64(7.0, -2.0), weft_mod_f64(7.0, -2.0)), (-4.0, -1.0));
        assert!(weft_floordiv_f64(1.0, 0.0).is_infinite() && weft_mod_f64(1.0, 0.0).is_nan());
        assert_eq!(weft_mod_f64(1.0, f64::INFINITY), 1.0);
        assert!(weft_mod_f64(-0.0, 3.0).is_sign_positive());
    }

    #[test]
    fn powers_wrap() {
        assert_eq!(weft_ipow(3, 4), 81);
        assert_eq!(weft_ipow((-2i64) as u64, 63) as i64, i64::MIN);
        assert_eq!(weft_ipow(0, 0), 1);
        assert_eq!(weft_ipow(10, 30), 10u64.wrapping_pow(30));
    }
}
