//! From the arguments of a call to the values of the graph's symbols.

use std::collections::BTreeMap;

use weft_ir::Name;
use weft_ir::sdfg::{Guard, Sdfg};
use weft_ir::symbolic::Expr;

use crate::arrays::HostArray;

/// The arguments are at fault.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum CallError {
    #[error("the argument '{0}' is missing")]
    Missing(Name),
    #[error("'{name}' must be {expected}, and is {found}")]
    Mismatch { name: Name, expected: String, found: String },
    #[error("the symbol '{0}' has no value; give it by --set {0}=VALUE")]
    Unbound(Name),
    #[error("the arguments do not fit the imported graph: {0} does not hold")]
    Guard(String),
    #[error("{0}")]
    Value(String),
}

/// Values of all free symbols, from integer arguments, from `known`, from the extents of the
/// arrays and from equations among the guards (solving what is linear in one unknown symbol).
/// Types, ranks, extents and guards are checked.
pub fn bind_symbols(
    sdfg: &Sdfg,
    known: &BTreeMap<Name, i64>,
    arrays: &BTreeMap<Name, &HostArray>,
) -> Result<BTreeMap<Name, i64>, CallError> {
    let mut values = known.clone();
    let mut open: Vec<(Name, usize, &Expr, i64)> = vec![];
    for &arg in &sdfg.args {
        let Some(data) = sdfg.data.get(&arg) else {
            if !values.contains_key(&arg) {
                return Err(CallError::Missing(arg));
            }
            continue;
        };
        let array = arrays.get(&arg).ok_or(CallError::Missing(arg))?;
        if array.dtype != data.dtype || array.shape.len() != data.shape.len() {
            return Err(CallError::Mismatch {
                name: arg,
                expected: format!("{} of {} dimensions", data.dtype.numpy(), data.shape.len()),
                found: format!("{} of {}", array.dtype.numpy(), array.shape.len()),
            });
        }
        open.extend(
            data.shape.iter().zip(&array.shape).enumerate().map(|(d, (e, &n))| (arg, d, e, n as i64)),
        );
    }
    let extents = open.iter().map(|&(_, _, extent, size)| (extent, size));
    let zeros = sdfg.guards.iter().filter_map(|g| if let Guard::Zero(e) = g { Some((e, 0)) } else { None });
    let equations: Vec<(&Expr, i64)> = extents.chain(zeros).collect();
    // Each round solves the equations that have one unknown left.
    loop {
        let before = values.len();
        for &(extent, size) in &equations {
            let unknown: Vec<Name> =
                extent.free_symbols().into_iter().filter(|s| !values.contains_key(s)).collect();
            let [symbol] = unknown[..] else { continue };
            let known = extent.subst(&|n| values.get(&n).map(|&v| Expr::int(v)));
            let Some((factors, rest)) = known.linear(&[symbol]) else { continue };
            let (Some(rest), factor) = (rest.as_int(), factors[0]) else { continue };
            let value = size.checked_sub(rest).filter(|&v| v.checked_rem(factor) == Some(0));
            if let Some(value) = value.and_then(|v| v.checked_div(factor)) {
                values.insert(symbol, value);
            }
        }
        if values.len() == before {
            break;
        }
    }
    if let Some(&symbol) = sdfg.symbols.keys().find(|s| !values.contains_key(s)) {
        return Err(CallError::Unbound(symbol));
    }
    let get = |n: Name| values.get(&n).copied();
    for (arg, d, extent, size) in open {
        let expected = extent.eval(&get).map_err(|e| CallError::Value(e.to_string()))?;
        if expected != size {
            return Err(CallError::Mismatch {
                name: arg,
                expected: format!("{expected} long ({extent}) in dimension {d}"),
                found: size.to_string(),
            });
        }
    }
    for guard in &sdfg.guards {
        let (holds, text) = match guard {
            Guard::NonNegative(e) => (e.eval(&get).map(|v| v >= 0), format!("{e} >= 0")),
            Guard::Zero(e) => (e.eval(&get).map(|v| v == 0), format!("{e} == 0")),
        };
        if !holds.map_err(|e| CallError::Value(e.to_string()))? {
            return Err(CallError::Guard(text));
        }
    }
    Ok(values)
}

/// Evaluated extents of a container; a negative one is an error.
pub fn elements(shape: &[Expr], symbols: &BTreeMap<Name, i64>) -> Result<Vec<usize>, CallError> {
    shape
        .iter()
        .map(|extent| {
            let n = extent
                .eval(&|s| symbols.get(&s).copied())
                .map_err(|e| CallError::Value(format!("the extent {extent}: {e}")))?;
            usize::try_from(n).map_err(|_| CallError::Value(format!("the extent {extent} is negative ({n})")))
        })
        .collect()
}
