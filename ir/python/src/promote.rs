//! NumPy's result types (NEP 50) and which loop an operation runs in.

use weft_ir::dtype::{DType, Scalar, f16_of};
use weft_ir::tasklet::{BinOp, Expr, Func, UnOp};

use crate::value::Kind;

/// A two-argument function of NumPy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binary {
    Op(BinOp),
    LogicalAnd,
    LogicalOr,
    LogicalXor,
}

/// The common type of scalars and arrays; `None` if all are Python's.
pub fn strong(kinds: &[Kind]) -> Option<DType> {
    let strong = kinds
        .iter()
        .filter(|k| !k.is_python() || **k == Kind::Bool)
        .map(|k| k.dtype())
        .reduce(DType::promote);
    if kinds.iter().all(|k| k.is_python()) {
        return None;
    }
    let strong = strong?;
    Some(kinds.iter().fold(strong, |t, k| match k {
        Kind::Int if t == DType::Bool => DType::I64,
        Kind::Float | Kind::Number if !(t.is_float() || t.is_complex()) => DType::F64,
        Kind::Complex if matches!(t, DType::F16 | DType::F32 | DType::C64) => DType::C64,
        Kind::Complex => DType::C128,
        _ => t,
    }))
}

/// The common type where NumPy itself makes arrays of Python scalars.
pub fn common(kinds: &[Kind]) -> DType {
    strong(kinds)
        .unwrap_or_else(|| kinds.iter().map(|k| k.dtype()).reduce(DType::promote).unwrap_or(DType::F64))
}

/// The type that a mathematical function computes in for this input.
pub fn float_of(t: DType) -> DType {
    match t {
        DType::Bool | DType::I8 | DType::U8 => DType::F16,
        DType::I16 | DType::U16 => DType::F32,
        t if t.is_int() => DType::F64,
        t => t,
    }
}

/// `to_array`: results of bool go to i8 where NumPy has no loop for bool.
fn no_bool(t: DType) -> DType {
    if t == DType::Bool { DType::I8 } else { t }
}

/// Operand type and result type of a binary function on operands of common type `t`.
pub fn loop_of(op: Binary, t: DType) -> Result<(DType, DType), String> {
    use BinOp::*;
    let Binary::Op(bin) = op else { return Ok((DType::Bool, DType::Bool)) };
    let wrong = |what: &str| Err(format!("'{}' is not defined for {what}", verb(op)));
    Ok(match bin {
        Add | Mul => (t, t),
        Sub if t == DType::Bool => return wrong("bool; use '^' or logical_xor"),
        Sub => (t, t),
        Div if t.is_float() || t.is_complex() => (t, t),
        Div => (DType::F64, DType::F64),
        FloorDiv | Mod | Fmod if t.is_complex() => return wrong("complex numbers"),
        FloorDiv | Mod | Fmod | Pow => (no_bool(t), no_bool(t)),
        BitAnd | BitOr | BitXor if t == DType::Bool || t.is_int() => (t, t),
        BitAnd | BitOr | BitXor => return wrong(t.numpy()),
        Shl | Shr if t == DType::Bool || t.is_int() => (no_bool(t), no_bool(t)),
        Shl | Shr => return wrong(t.numpy()),
        And | Or => (DType::Bool, DType::Bool),
        Eq | Ne | Lt | Le | Gt | Ge => (t, DType::Bool),
        Min | Max => (t, t),
        // There is no complex type of two halves.
        Complex => {
            let f = float_of(t).promote(DType::F32);
            (f, f.complex().ok_or_else(|| format!("'{}' is not defined for {}", verb(op), t.numpy()))?)
        }
        Atan2 | Hypot | CopySign | NextAfter => {
            let f = float_of(t);
            if bin == NextAfter && f == DType::F16 {
                return wrong("float16; convert by astype(np.float32)");
            }
            if f.is_complex() {
                return wrong("complex numbers");
            }
            (f, f)
        }
    })
}

/// The operation on operands of type `t`, in the tasklet language.
pub fn code(op: Binary, t: DType, a: Expr, b: Expr) -> Expr {
    let op = match op {
        Binary::Op(op) => op,
        Binary::LogicalAnd => BinOp::And,
        Binary::LogicalOr => BinOp::Or,
        Binary::LogicalXor => BinOp::Ne,
    };
    if t.is_complex() && matches!(op, BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::Min | BinOp::Max)
    {
        return ordered(op, a, b);
    }
    let op = match (op, t) {
        (BinOp::Add | BinOp::Max | BinOp::BitOr, DType::Bool) => BinOp::Or,
        (BinOp::Mul | BinOp::Min | BinOp::BitAnd, DType::Bool) => BinOp::And,
        (BinOp::BitXor, DType::Bool) => BinOp::Ne,
        (op, _) => op,
    };
    Expr::bin(op, a, b)
}

/// As [`ordered`], for NumPy's scalars: an imaginary part that is NaN matters only between equal real parts.
pub fn ordered_scalars(op: BinOp, a: Expr, b: Expr) -> Expr {
    let part = |f, x: &Expr| Expr::call(f, x.clone());
    let by = |op, f| Expr::bin(op, part(f, &a), part(f, &b));
    Expr::select(by(BinOp::Eq, Func::Real), by(op, Func::Imag), by(op, Func::Real))
}

/// NumPy's order of complex numbers: by their real parts, then by the imaginary ones.
fn ordered(op: BinOp, a: Expr, b: Expr) -> Expr {
    let bin = |op, x: Expr, y: Expr| Expr::bin(op, x, y);
    let call = |f, x: &Expr| Expr::call(f, x.clone());
    let not_nan = |x: &Expr| Expr::un(UnOp::Not, call(Func::IsNan, x));
    if matches!(op, BinOp::Min | BinOp::Max) {
        // The first that is NaN stays.
        let first = ordered(if op == BinOp::Min { BinOp::Le } else { BinOp::Ge }, a.clone(), b.clone());
        return Expr::select(bin(BinOp::Or, call(Func::IsNan, &a), first), a, b);
    }
    let (x, y) = (call(Func::Real, &a), call(Func::Real, &b));
    let (u, v) = (call(Func::Imag, &a), call(Func::Imag, &b));
    let strict = if matches!(op, BinOp::Lt | BinOp::Le) { BinOp::Lt } else { BinOp::Gt };
    let known = bin(BinOp::And, not_nan(&u), not_nan(&v));
    let by_real = bin(BinOp::And, bin(strict, x.clone(), y.clone()), known);
    bin(BinOp::Or, by_real, bin(BinOp::And, bin(BinOp::Eq, x, y), bin(op, u, v)))
}

/// The stem of the label.
pub fn verb(op: Binary) -> &'static str {
    use BinOp::*;
    match op {
        Binary::LogicalAnd => "logical_and",
        Binary::LogicalOr => "logical_or",
        Binary::LogicalXor => "logical_xor",
        Binary::Op(op) => match op {
            Add => "add",
            Sub => "sub",
            Mul => "mul",
            Div => "div",
            FloorDiv => "floor_div",
            Mod => "mod",
            Pow => "pow",
            BitAnd => "bit_and",
            BitOr => "bit_or",
            BitXor => "bit_xor",
            Shl => "shl",
            Shr => "shr",
            And => "both",
            Or => "either",
            Eq => "equal",
            Ne => "not_equal",
            Lt => "less",
            Le => "less_equal",
            Gt => "greater",
            Ge => "greater_equal",
            Min => "minimum",
            Max => "maximum",
            Atan2 => "arctan2",
            Hypot => "hypot",
            CopySign => "copysign",
            Fmod => "fmod",
            Complex => "complex",
            NextAfter => "nextafter",
        },
    }
}

/// The two-argument functions by NumPy's name.
pub fn binary_named(name: &str) -> Option<Binary> {
    use BinOp::*;
    Some(Binary::Op(match name {
        "add" => Add,
        "subtract" => Sub,
        "multiply" => Mul,
        "divide" | "true_divide" => Div,
        "floor_divide" => FloorDiv,
        "mod" | "remainder" => Mod,
        "fmod" => Fmod,
        "power" => Pow,
        "bitwise_and" => BitAnd,
        "bitwise_or" => BitOr,
        "bitwise_xor" => BitXor,
        "left_shift" => Shl,
        "right_shift" => Shr,
        "equal" => Eq,
        "not_equal" => Ne,
        "less" => Lt,
        "less_equal" => Le,
        "greater" => Gt,
        "greater_equal" => Ge,
        "minimum" => Min,
        "maximum" => Max,
        "arctan2" | "atan2" => Atan2,
        "hypot" => Hypot,
        "copysign" => CopySign,
        "nextafter" => NextAfter,
        "logical_and" => return Some(Binary::LogicalAnd),
        "logical_or" => return Some(Binary::LogicalOr),
        "logical_xor" => return Some(Binary::LogicalXor),
        _ => return None,
    }))
}

/// The integer range of a type.
pub fn int_range(t: DType) -> Option<(i128, i128)> {
    let bits = t.size() as u32 * 8;
    if t.is_signed() {
        Some((-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1))
    } else if t.is_unsigned() {
        Some((0, (1i128 << bits) - 1))
    } else {
        None
    }
}

/// A literal in another type, where that is exact or NumPy's rounding; `None` for narrowing.
pub fn convert(value: Scalar, to: DType) -> Option<Scalar> {
    if value.dtype() == to {
        return Some(value);
    }
    let real = match value {
        Scalar::Bool(b) => f64::from(u8::from(b)),
        Scalar::Int(_, i) => i as f64,
        Scalar::F16(x) => x.into(),
        Scalar::F32(x) => f64::from(x),
        Scalar::F64(x) => x,
        Scalar::Complex(_, re, im) if to.is_complex() => {
            return Some(match to {
                DType::C64 => Scalar::Complex(to, f64::from(re as f32), f64::from(im as f32)),
                _ => Scalar::Complex(to, re, im),
            });
        }
        Scalar::Complex(..) => return None,
    };
    Some(match (to, value) {
        (DType::Bool, _) => Scalar::Bool(real != 0.0),
        (DType::F64, _) => Scalar::F64(real),
        (DType::F16, _) => Scalar::F16(f16_of(real)),
        (DType::F32, _) => Scalar::F32(real as f32),
        (DType::C64, _) => Scalar::Complex(to, f64::from(real as f32), 0.0),
        (DType::C128, _) => Scalar::Complex(to, real, 0.0),
        (t, Scalar::Bool(b)) => Scalar::Int(t, i128::from(b)),
        (t, Scalar::Int(_, i)) => {
            let (low, high) = int_range(t)?;
            if i < low || i > high {
                return None;
            }
            Scalar::Int(t, i)
        }
        _ => return None,
    })
}
