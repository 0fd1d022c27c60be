//! What each operation of the tasklet language does to values: the definition that the
//! interpreters follow and generated code is tested against.
//!
//! Every function means what NumPy's ufunc (or `astype`) means on arrays of that type on x86-64:
//! integers wrap around, `//` and `%` by integer zero are 0, shifts by the width or more give 0
//! (or −1), conversions of floats that do not fit an integer follow `cvttsd2si`. Operations on
//! `f32` and `c64` are carried out in single precision, those on `f16` too, rounded afterwards. What NumPy leaves to the C library (functions of
//! complex numbers) or does not have (`erf`, `gamma`) is the C library's.

use super::{BinOp, Func, UnOp, complex, special};
use crate::dtype::{DType, Scalar, f16, f16_of};
use crate::sdfg::Wcr;

/// Why an operation has no value. The first is the kernel's fault, the second the graph's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpError {
    #[error("integers to negative integer powers are not allowed")]
    NegativePower,
    #[error("{operation} is not defined on {operands}")]
    Undefined { operation: String, operands: String },
}

fn undefined(operation: impl std::fmt::Debug, operands: &[Scalar]) -> OpError {
    let operands: Vec<String> = operands.iter().map(|s| s.dtype().to_string()).collect();
    OpError::Undefined { operation: format!("{operation:?}"), operands: operands.join(" and ") }
}

/// The low bits of `value` as an integer of type `dtype`.
pub fn wrap(dtype: DType, value: i128) -> i128 {
    match dtype {
        DType::I8 => value as i8 as i128,
        DType::I16 => value as i16 as i128,
        DType::I32 => value as i32 as i128,
        DType::I64 => value as i64 as i128,
        DType::U8 => value as u8 as i128,
        DType::U16 => value as u16 as i128,
        DType::U32 => value as u32 as i128,
        DType::U64 => value as u64 as i128,
        _ => value,
    }
}

/// Least and greatest value of an integer type.
pub fn int_limits(dtype: DType) -> (i128, i128) {
    let bits = dtype.size() as u32 * 8;
    if dtype.is_unsigned() { (0, (1 << bits) - 1) } else { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) }
}

fn int(dtype: DType, value: i128) -> Scalar {
    Scalar::Int(dtype, wrap(dtype, value))
}

/// What an operation on `f16` gives: that on `f32`, rounded.
fn rounded(of_f32: Result<Scalar, OpError>) -> Result<Scalar, OpError> {
    Ok(match of_f32? {
        Scalar::F32(x) => Scalar::F16(f16::from_f32(x)),
        other => other,
    })
}

pub fn unary(op: UnOp, a: Scalar) -> Result<Scalar, OpError> {
    Ok(match (op, a) {
        (_, Scalar::F16(a)) => return rounded(unary(op, Scalar::F32(a.into()))),
        (UnOp::Neg, Scalar::Int(t, a)) => int(t, -a),
        (UnOp::Neg, Scalar::F32(a)) => Scalar::F32(-a),
        (UnOp::Neg, Scalar::F64(a)) => Scalar::F64(-a),
        (UnOp::Neg, Scalar::Complex(t, re, im)) => Scalar::Complex(t, -re, -im),
        (UnOp::Not, Scalar::Bool(a)) => Scalar::Bool(!a),
        (UnOp::Invert, Scalar::Int(t, a)) => int(t, !a),
        (UnOp::Abs, Scalar::Bool(_)) => a,
        (UnOp::Abs, Scalar::Int(t, a)) => int(t, a.abs()),
        (UnOp::Abs, Scalar::F32(a)) => Scalar::F32(a.abs()),
        (UnOp::Abs, Scalar::F64(a)) => Scalar::F64(a.abs()),
        (UnOp::Abs, Scalar::Complex(DType::C64, re, im)) => Scalar::F32((re as f32).hypot(im as f32)),
        (UnOp::Abs, Scalar::Complex(_, re, im)) => Scalar::F64(re.hypot(im)),
        _ => return Err(undefined(op, &[a])),
    })
}

/// Both operands have the same type.
pub fn binary(op: BinOp, a: Scalar, b: Scalar) -> Result<Scalar, OpError> {
    let done = match (a, b) {
        (Scalar::Bool(x), Scalar::Bool(y)) => bools(op, x, y),
        (Scalar::Int(s, x), Scalar::Int(t, y)) if s == t => return ints(op, s, x, y),
        (Scalar::F16(x), Scalar::F16(y)) if !matches!(op, BinOp::NextAfter | BinOp::Complex) => {
            return rounded(binary(op, Scalar::F32(x.into()), Scalar::F32(y.into())));
        }
        (Scalar::F32(x), Scalar::F32(y)) => f32s(op, x, y),
        (Scalar::F64(x), Scalar::F64(y)) => f64s(op, x, y),
        (Scalar::Complex(s, ..), Scalar::Complex(t, ..)) if s == t => complex::binary(op, a, b),
        _ => None,
    };
    done.ok_or_else(|| undefined(op, &[a, b]))
}

fn bools(op: BinOp, a: bool, b: bool) -> Option<Scalar> {
    Some(Scalar::Bool(match op {
        BinOp::Add | BinOp::Or | BinOp::BitOr | BinOp::Max => a | b,
        BinOp::Mul | BinOp::And | BinOp::BitAnd | BinOp::Min => a & b,
        BinOp::BitXor | BinOp::Ne => a != b,
        BinOp::Eq => a == b,
        BinOp::Lt => !a & b,
        BinOp::Le => a <= b,
        BinOp::Gt => a & !b,
        BinOp::Ge => a >= b,
        _ => return None,
    }))
}

fn ints(op: BinOp, t: DType, a: i128, b: i128) -> Result<Scalar, OpError> {
    let bits = t.size() as i128 * 8;
    let shift_fits = (0..bits).contains(&b);
    Ok(match op {
        BinOp::Add => int(t, a + b),
        BinOp::Sub => int(t, a - b),
        BinOp::Mul => int(t, a.wrapping_mul(b)),
        BinOp::FloorDiv if b == 0 => int(t, 0),
        BinOp::FloorDiv => {
            let (q, r) = (a / b, a % b);
            int(t, if r != 0 && (r < 0) != (b < 0) { q - 1 } else { q })
        }
        BinOp::Mod | BinOp::Fmod if b == 0 => int(t, 0),
        BinOp::Mod => {
            let r = a % b;
            int(t, if r != 0 && (r < 0) != (b < 0) { r + b } else { r })
        }
        BinOp::Fmod => int(t, a % b),
        BinOp::Pow => return int_pow(t, a, b),
        BinOp::BitAnd => int(t, a & b),
        BinOp::BitOr => int(t, a | b),
        BinOp::BitXor => int(t, a ^ b),
        BinOp::Shl => int(t, if shift_fits { a << b } else { 0 }),
        BinOp::Shr => int(
            t,
            if shift_fits {
                a >> b
            } else if a < 0 {
                -1
            } else {
                0
            },
        ),
        BinOp::Eq => Scalar::Bool(a == b),
        BinOp::Ne => Scalar::Bool(a != b),
        BinOp::Lt => Scalar::Bool(a < b),
        BinOp::Le => Scalar::Bool(a <= b),
        BinOp::Gt => Scalar::Bool(a > b),
        BinOp::Ge => Scalar::Bool(a >= b),
        BinOp::Min => int(t, a.min(b)),
        BinOp::Max => int(t, a.max(b)),
        BinOp::Div
        | BinOp::And
        | BinOp::Or
        | BinOp::Atan2
        | BinOp::Hypot
        | BinOp::CopySign
        | BinOp::Complex
        | BinOp::NextAfter => {
            return Err(undefined(op, &[int(t, a), int(t, b)]));
        }
    })
}

fn int_pow(t: DType, base: i128, exponent: i128) -> Result<Scalar, OpError> {
    if exponent < 0 {
        return Err(OpError::NegativePower);
    }
    let (mut base, mut exponent, mut result) = (wrap(t, base), exponent, 1i128);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = wrap(t, result.wrapping_mul(base));
        }
        base = wrap(t, base.wrapping_mul(base));
        exponent >>= 1;
    }
    Ok(int(t, result))
}

/// Operations on one floating-point type.
macro_rules! floats {
    ($float:ident, $variant:ident, $complex:ident, $binary:ident, $call:ident, $divmod:ident) => {
        /// Quotient and remainder with Python's signs, as NumPy computes them.
        fn $divmod(a: $float, b: $float) -> ($float, $float) {
            let mut rest = a % b;
            if b == 0.0 {
                return (a / b, rest);
            }
            let mut quotient = (a - rest) / b;
            if rest == 0.0 {
                rest = (0.0 as $float).copysign(b);
            } else if (b < 0.0) != (rest < 0.0) {
                rest += b;
                quotient -= 1.0;
            }
            if quotient == 0.0 {
                return ((0.0 as $float).copysign(a / b), rest);
            }
            let mut floor = quotient.floor();
            if quotient - floor > 0.5 {
                floor += 1.0;
            }
            (floor, rest)
        }

        fn $binary(op: BinOp, a: $float, b: $float) -> Option<Scalar> {
            Some(match op {
                BinOp::Eq => Scalar::Bool(a == b),
                BinOp::Ne => Scalar::Bool(a != b),
                BinOp::Lt => Scalar::Bool(a < b),
                BinOp::Le => Scalar::Bool(a <= b),
                BinOp::Gt => Scalar::Bool(a > b),
                BinOp::Ge => Scalar::Bool(a >= b),
                BinOp::Complex => Scalar::Complex(DType::$complex, a.into(), b.into()),
                _ => Scalar::$variant(match op {
                    BinOp::Add => a + b,
                    BinOp::Sub => a - b,
                    BinOp::Mul => a * b,
                    BinOp::Div => a / b,
                    BinOp::FloorDiv => $divmod(a, b).0,
                    BinOp::Mod => $divmod(a, b).1,
                    BinOp::Fmod => a % b,
                    BinOp::Pow => a.powf(b),
                    BinOp::Min if a <= b || a.is_nan() => a,
                    BinOp::Max if a >= b || a.is_nan() => a,
                    BinOp::Min | BinOp::Max => b,
                    BinOp::Atan2 => a.atan2(b),
                    BinOp::Hypot => a.hypot(b),
                    BinOp::CopySign => a.copysign(b),
                    BinOp::NextAfter => special::$float::next_after(a, b),
                    _ => return None,
                }),
            })
        }

        fn $call(func: Func, a: $float) -> Option<Scalar> {
            Some(Scalar::$variant(match func {
                Func::Sqrt => a.sqrt(),
                Func::Cbrt => a.cbrt(),
                Func::Exp => a.exp(),
                Func::Exp2 => a.exp2(),
                Func::Expm1 => a.exp_m1(),
                Func::Log => a.ln(),
                Func::Log2 => a.log2(),
                Func::Log10 => a.log10(),
                Func::Log1p => a.ln_1p(),
                Func::Sin => a.sin(),
                Func::Cos => a.cos(),
                Func::Tan => a.tan(),
                Func::Asin => a.asin(),
                Func::Acos => a.acos(),
                Func::Atan => a.atan(),
                Func::Sinh => a.sinh(),
                Func::Cosh => a.cosh(),
                Func::Tanh => a.tanh(),
                Func::Asinh => c_asinh(a.into()) as $float,
                Func::Acosh => c_acosh(a.into()) as $float,
                Func::Atanh => c_atanh(a.into()) as $float,
                Func::Floor => a.floor(),
                Func::Ceil => a.ceil(),
                Func::Trunc => a.trunc(),
                Func::Rint => a.round_ties_even(),
                Func::Sign if a > 0.0 => 1.0,
                Func::Sign if a < 0.0 => -1.0,
                Func::Sign if a == 0.0 => 0.0,
                Func::Sign => a,
                Func::IsNan => return Some(Scalar::Bool(a.is_nan())),
                Func::IsInf => return Some(Scalar::Bool(a.is_infinite())),
                Func::IsFinite => return Some(Scalar::Bool(a.is_finite())),
                Func::SignBit => return Some(Scalar::Bool(a.is_sign_negative())),
                Func::Erf => special::$float::erf(a),
                Func::Erfc => special::$float::erfc(a),
                Func::Gamma => special::$float::gamma(a),
                Func::Lgamma => special::$float::lgamma(a),
                Func::Conj | Func::Real | Func::Imag => return None,
            }))
        }
    };
}

floats!(f32, F32, C64, f32s, f32_call, f32_divmod);
floats!(f64, F64, C128, f64s, f64_call, f64_divmod);

// Rust's own inverse hyperbolic functions lose digits near zero (asinh) and are up to 10 ulp off;
// these are exact enough where `ln_1p` is.

fn c_asinh(x: f64) -> f64 {
    let a = x.abs();
    let r = if !x.is_finite() || x == 0.0 {
        return x;
    } else if a > 1e150 {
        a.ln() + std::f64::consts::LN_2
    } else {
        (a + a * a / (1.0 + (a * a + 1.0).sqrt())).ln_1p()
    };
    r.copysign(x)
}

fn c_acosh(x: f64) -> f64 {
    if x < 1.0 || x.is_nan() {
        f64::NAN
    } else if x > 1e150 {
        x.ln() + std::f64::consts::LN_2
    } else {
        let t = x - 1.0;
        (t + (2.0 * t + t * t).sqrt()).ln_1p()
    }
}

fn c_atanh(x: f64) -> f64 {
    let a = x.abs();
    if x == 0.0 {
        return x;
    }
    (0.5 * (2.0 * a / (1.0 - a)).ln_1p()).copysign(x)
}

/// A function of a float or a complex number; `Sign` takes integers as well.
pub fn call(func: Func, a: Scalar) -> Result<Scalar, OpError> {
    let value = match (func, a) {
        (_, Scalar::F16(a)) => return rounded(call(func, Scalar::F32(a.into()))),
        (_, Scalar::F32(a)) => f32_call(func, a),
        (_, Scalar::F64(a)) => f64_call(func, a),
        (_, Scalar::Complex(..)) => complex::call(func, a),
        (Func::Sign, Scalar::Int(t, a)) => Some(int(t, a.signum())),
        _ => None,
    };
    value.ok_or_else(|| undefined(func, &[a]))
}

/// Truncated towards zero; what does not fit follows `cvttsd2si` as compilers use it.
fn float_to_int(to: DType, value: f64) -> i128 {
    let (low, high) = int_limits(DType::I64);
    let wide = |v: f64| {
        let t = v.trunc();
        // −2^63 is exact; 2^63 is the first that does not fit.
        if t >= low as f64 && t < high as f64 { t as i128 } else { low }
    };
    let narrow = |v: f64| {
        let t = v.trunc();
        let (low, high) = int_limits(DType::I32);
        if t >= low as f64 && t <= high as f64 { t as i128 } else { low }
    };
    match to {
        DType::I64 => wide(value),
        DType::U32 => wrap(to, wide(value)),
        DType::U64 => {
            let half = 9_223_372_036_854_775_808.0;
            if value >= half { wrap(to, wide(value - half) ^ low) } else { wrap(to, wide(value)) }
        }
        _ => wrap(to, narrow(value)),
    }
}

/// NumPy's `astype`. To `bool`: not zero (NaN is true). Complex to real drops the imaginary part.
pub fn cast(to: DType, a: Scalar) -> Scalar {
    if a.dtype() == to {
        return a;
    }
    match to {
        DType::Bool => Scalar::Bool(match a {
            Scalar::Bool(a) => a,
            Scalar::Int(_, a) => a != 0,
            Scalar::F16(a) => a != f16::ZERO,
            Scalar::F32(a) => a != 0.0,
            Scalar::F64(a) => a != 0.0,
            Scalar::Complex(_, re, im) => re != 0.0 || im != 0.0,
        }),
        DType::F16 => Scalar::F16(match a {
            Scalar::F64(a) | Scalar::Complex(DType::C128, a, _) => f16_of(a),
            _ => match cast(DType::F32, a) {
                Scalar::F32(a) => f16::from_f32(a),
                _ => unreachable!("cast to f32"),
            },
        }),
        DType::F32 => Scalar::F32(match a {
            Scalar::Bool(a) => u8::from(a).into(),
            Scalar::Int(_, a) => a as f32,
            Scalar::F16(a) => a.into(),
            Scalar::F32(a) => a,
            Scalar::F64(a) | Scalar::Complex(_, a, _) => a as f32,
        }),
        DType::F64 => Scalar::F64(to_f64(a)),
        DType::C64 | DType::C128 => match a {
            Scalar::Complex(_, re, im) => complex::of(to, re, im),
            // An integer is rounded once, to the type of the parts.
            Scalar::Int(_, a) if to == DType::C64 => Scalar::Complex(to, (a as f32).into(), 0.0),
            _ => complex::of(to, to_f64(a), 0.0),
        },
        _ => match a {
            Scalar::Bool(a) => Scalar::Int(to, a.into()),
            Scalar::Int(_, a) => int(to, a),
            _ => Scalar::Int(to, float_to_int(to, to_f64(a))),
        },
    }
}

/// The value as `f64`; the real part of a complex number.
pub fn to_f64(a: Scalar) -> f64 {
    match a {
        Scalar::Bool(a) => u8::from(a).into(),
        Scalar::Int(_, a) => a as f64,
        Scalar::F16(a) => a.into(),
        Scalar::F32(a) => a.into(),
        Scalar::F64(a) | Scalar::Complex(_, a, _) => a,
    }
}

/// The operation that a write-conflict resolution folds with.
pub fn wcr_op(wcr: Wcr) -> BinOp {
    match wcr {
        Wcr::Sum => BinOp::Add,
        Wcr::Product => BinOp::Mul,
        Wcr::Min => BinOp::Min,
        Wcr::Max => BinOp::Max,
        Wcr::And => BinOp::And,
        Wcr::Or => BinOp::Or,
    }
}

/// `old` and `new` folded.
pub fn combine(wcr: Wcr, old: Scalar, new: Scalar) -> Result<Scalar, OpError> {
    binary(wcr_op(wcr), old, new)
}

/// The value that folds to the other operand; `None` where the type has no such operation.
pub fn identity(wcr: Wcr, dtype: DType) -> Option<Scalar> {
    let number = |n: i128| match dtype {
        DType::Bool => Scalar::Bool(n != 0),
        _ => cast(dtype, Scalar::Int(DType::I64, n)),
    };
    Some(match wcr {
        Wcr::Sum => number(0),
        Wcr::Product => number(1),
        Wcr::And if dtype == DType::Bool => Scalar::Bool(true),
        Wcr::Or if dtype == DType::Bool => Scalar::Bool(false),
        Wcr::Min | Wcr::Max => {
            let least = wcr == Wcr::Max;
            let infinity = if least { f64::NEG_INFINITY } else { f64::INFINITY };
            match dtype {
                DType::Bool => Scalar::Bool(!least),
                DType::F16 => Scalar::F16(f16_of(infinity)),
                DType::F32 => Scalar::F32(infinity as f32),
                DType::F64 => Scalar::F64(infinity),
                _ if dtype.is_int() => {
                    let (low, high) = int_limits(dtype);
                    Scalar::Int(dtype, if least { low } else { high })
                }
                _ => return None,
            }
        }
        _ => return None,
    })
}
