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
    #[error("'{0}' is no array whose elements can be read here")]
    NoArray(Name),
    #[error("expression nested deeper than {MAX_DEPTH}")]
    TooDeep,
}

/// Reads an element of an array, at one index a dimension.
pub type Elements<'a> = dyn Fn(Name, &[i64]) -> Result<Scalar, EvalError> + 'a;

/// The value of an expression; `vars` gives variables and `symbols` gives symbols their values.
pub fn eval(
    expr: &Expr,
    vars: &dyn Fn(Name) -> Option<Scalar>,
    symbols: &dyn Fn(Name) -> Option<i64>,
) -> Result<Scalar, EvalError> {
    eval_with(expr, vars, symbols, &|array, _| Err(EvalError::NoArray(array)))
}

/// As [`eval`], where arrays may be indexed. Only what the value depends on is read.
pub fn eval_with(
    expr: &Expr,
    vars: &dyn Fn(Name) -> Option<Scalar>,
    symbols: &dyn Fn(Name) -> Option<i64>,
    elements: &Elements,
) -> Result<Scalar, EvalError> {
    walk(expr, vars, symbols, elements, 0)
}

fn walk(
    expr: &Expr,
    vars: &dyn Fn(Name) -> Option<Scalar>,
    symbols: &dyn Fn(Name) -> Option<i64>,
    elements: &Elements,
    depth: usize,
) -> Result<Scalar, EvalError> {
    if depth > MAX_DEPTH {
        return Err(EvalError::TooDeep);
    }
    let sub = |e: &Expr| walk(e, vars, symbols, elements, depth + 1);
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
        Expr::Index(array, at) => {
            let mut index = Vec::with_capacity(at.len());
            for e in at {
                match sub(e)? {
                    // An `i64` by the type check.
                    Scalar::Int(_, v) => index.push(v as i64),
                    _ => return Err(EvalError::NoArray(*array)),
                }
            }
            elements(*array, &index)?
        }
    })
}
