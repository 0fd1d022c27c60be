//! The strict type check of tasklet expressions: nothing converts implicitly.

use super::{BinOp, Expr, Func, UnOp};
use crate::dtype::DType;
use crate::names::Name;

/// Expressions nested deeper are refused, so that no recursion over one exhausts the stack.
pub const MAX_DEPTH: usize = 256;

/// Why an expression has no type.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TypeError {
    #[error("'{0}' is not defined")]
    Undefined(Name),
    #[error("{op:?} of {left} and {right}: both sides need the same type")]
    Mixed { op: BinOp, left: DType, right: DType },
    #[error("{op} is not defined on {dtype}")]
    Unsupported { op: String, dtype: DType },
    #[error("condition of type {0} instead of bool")]
    Condition(DType),
    #[error("branches of types {0} and {1}: both need the same type")]
    Branches(DType, DType),
    #[error("index of '{array}' of type {found} instead of i64")]
    Index { array: Name, found: DType },
    #[error("literal {0} does not fit its type")]
    Literal(String),
    #[error("expression nested deeper than {MAX_DEPTH}")]
    TooDeep,
}

/// The type of an expression; `env` gives the types of variables, and those of the elements of
/// arrays. Symbols are `i64`.
pub fn type_of(expr: &Expr, env: &dyn Fn(Name) -> Option<DType>) -> Result<DType, TypeError> {
    walk(expr, env, 0)
}

fn walk(expr: &Expr, env: &dyn Fn(Name) -> Option<DType>, depth: usize) -> Result<DType, TypeError> {
    if depth > MAX_DEPTH {
        return Err(TypeError::TooDeep);
    }
    let sub = |e: &Expr| walk(e, env, depth + 1);
    match expr {
        Expr::Lit(value) => literal(*value),
        Expr::Var(name) => env(*name).ok_or(TypeError::Undefined(*name)),
        Expr::Sym(_) => Ok(DType::I64),
        Expr::Un(op, a) => unary_type(*op, sub(a)?),
        Expr::Bin(op, a, b) => {
            let (left, right) = (sub(a)?, sub(b)?);
            if left != right {
                return Err(TypeError::Mixed { op: *op, left, right });
            }
            binary_type(*op, left)
        }
        Expr::Call(func, a) => call_type(*func, sub(a)?),
        Expr::Cast(to, a) => sub(a).map(|_| *to),
        Expr::Select(cond, yes, no) => {
            let cond = sub(cond)?;
            if cond != DType::Bool {
                return Err(TypeError::Condition(cond));
            }
            let (yes, no) = (sub(yes)?, sub(no)?);
            if yes == no { Ok(yes) } else { Err(TypeError::Branches(yes, no)) }
        }
        Expr::Index(array, at) => {
            for index in at {
                let found = sub(index)?;
                if found != DType::I64 {
                    return Err(TypeError::Index { array: *array, found });
                }
            }
            env(*array).ok_or(TypeError::Undefined(*array))
        }
    }
}

/// A literal whose value is one of its type.
fn literal(value: crate::dtype::Scalar) -> Result<DType, TypeError> {
    use crate::dtype::Scalar;
    let fits = match value {
        Scalar::Int(t, v) => t.is_int() && super::ops::wrap(t, v) == v,
        Scalar::Complex(t, re, im) => {
            let single = |x: f64| x.is_nan() || f64::from(x as f32) == x;
            t == DType::C128 || (t == DType::C64 && single(re) && single(im))
        }
        _ => true,
    };
    if fits { Ok(value.dtype()) } else { Err(TypeError::Literal(format!("{value:?}"))) }
}

/// The result type of a unary operation.
pub fn unary_type(op: UnOp, t: DType) -> Result<DType, TypeError> {
    let ok = match op {
        UnOp::Neg => t != DType::Bool,
        UnOp::Not => t == DType::Bool,
        UnOp::Invert => t.is_int(),
        UnOp::Abs => true,
    };
    if ok {
        Ok(if op == UnOp::Abs { t.part() } else { t })
    } else {
        Err(TypeError::Unsupported { op: format!("{op:?}"), dtype: t })
    }
}

/// The result type of a binary operation on two values of type `t`.
pub fn binary_type(op: BinOp, t: DType) -> Result<DType, TypeError> {
    let unsupported = || TypeError::Unsupported { op: format!("{op:?}"), dtype: t };
    let ok = match op {
        BinOp::Add | BinOp::Mul => true,
        BinOp::Sub => t != DType::Bool,
        BinOp::Div => t.is_float() || t.is_complex(),
        BinOp::Pow => t != DType::Bool,
        BinOp::FloorDiv | BinOp::Mod | BinOp::Fmod => t.is_int() || t.is_float(),
        BinOp::BitAnd | BinOp::BitOr | BinOp::BitXor => t.is_int() || t == DType::Bool,
        BinOp::Shl | BinOp::Shr => t.is_int(),
        BinOp::And | BinOp::Or => t == DType::Bool,
        BinOp::Eq | BinOp::Ne => true,
        BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::Min | BinOp::Max => !t.is_complex(),
        BinOp::Complex => return t.complex().ok_or_else(unsupported),
        BinOp::NextAfter if t == DType::F16 => false,
        BinOp::Atan2 | BinOp::Hypot | BinOp::CopySign | BinOp::NextAfter => t.is_float(),
    };
    match ok {
        true if op.is_comparison() => Ok(DType::Bool),
        true => Ok(t),
        false => Err(unsupported()),
    }
}

/// The result type of a function.
pub fn call_type(func: Func, t: DType) -> Result<DType, TypeError> {
    let result = match func {
        Func::IsNan | Func::IsInf | Func::IsFinite if t.is_complex() => Some(DType::Bool),
        Func::Conj if t.is_complex() => Some(t),
        Func::Real | Func::Imag if t.is_complex() => Some(t.part()),
        Func::Conj | Func::Real | Func::Imag => None,
        Func::Sign if t.is_int() => Some(t),
        _ if func.is_test() => t.is_float().then_some(DType::Bool),
        _ => (t.is_float() || (t.is_complex() && func.has_complex())).then_some(t),
    };
    result.ok_or_else(|| TypeError::Unsupported { op: format!("{func:?}"), dtype: t })
}
