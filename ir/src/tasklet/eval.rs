//! Evaluation of tasklet expressions, by the meaning that [`ops`](super::ops) gives each operation.

use super::Expr;
use super::ops::{OpError, binary, call, cast, unary};
use super::types::MAX_DEPTH;
use crate::dtype::Scalar;
use crate::names::Name;
use crate::symbolic;

/// Why an expression has no value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvalError {
    #[error("variable '{0}' has no value")]
    Unbound(Name),
    #[error(transparent)]
    Symbolic(#[from] symbolic::EvalError),
    #[error(transparent)]
    Op(#[from] OpError),
    #[error("condition of type {0} instead of bool")]
    Condition(crate::DType),
    #[error("expression nested deeper than {MAX_DEPTH}")]
    TooDeep,
}

/// The value of an expression; `vars` gives variables and `symbols` gives symbols their values.
pub fn eval(
    expr: &Expr,
    vars: &dyn Fn(Name) -> Option<Scalar>,
    symbols: &dyn Fn(Name) -> Option<i64>,
) -> Result<Scalar, EvalError> {
    walk(expr, vars, symbols, 0)
}

fn walk(
    expr: &Expr,
    vars: &dyn Fn(Name) -> Option<Scalar>,
    symbols: &dyn Fn(Name) -> Option<i64>,
    depth: usize,
) -> Result<Scalar, EvalError> {
    if depth > MAX_DEPTH {
        return Err(EvalError::TooDeep);
    }
    let sub = |e: &Expr| walk(e, vars, symbols, depth + 1);
    Ok(match expr {
        Expr::Lit(value) => *value,
        Expr::Var(name) => vars(*name).ok_or(EvalError::Unbound(*name))?,
        Expr::Sym(e) => Scalar::i64(e.eval(symbols)?),
        Expr::Un(op, a) => unary(*op, sub(a)?)?,
        Expr::Bin(op, a, b) => binary(*op, sub(a)?, sub(b)?)?,
        Expr::Call(func, a) => call(*func, sub(a)?)?,
        Expr::Cast(to, a) => cast(*to, sub(a)?),
        Expr::Select(cond, yes, no) => match sub(cond)? {
            Scalar::Bool(true) => sub(yes)?,
            Scalar::Bool(false) => sub(no)?,
            other => return Err(EvalError::Condition(other.dtype())),
        },
    })
}
