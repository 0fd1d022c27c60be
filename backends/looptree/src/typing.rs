//! Types of values, strictly.

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::tasklet::{binary_type, call_type, unary_type};

use crate::tree::{Buffer, BufferId, Value};

/// The type of a value; an error says what does not fit. Ranks and bounds are not looked at.
pub(crate) fn dtype_of(
    value: &Value,
    buffers: &[Buffer],
    locals: &dyn Fn(Name) -> Option<DType>,
) -> Result<DType, String> {
    let sub = |v: &Value| dtype_of(v, buffers, locals);
    match value {
        Value::Lit(s) => Ok(s.dtype()),
        Value::Local(name) => locals(*name).ok_or_else(|| format!("local '{name}' is not defined here")),
        Value::Index(_) => Ok(DType::I64),
        Value::Load { buffer, .. } => element(*buffer, buffers),
        Value::Gather { buffer, index } => {
            for at in index {
                let found = sub(at)?;
                if found != DType::I64 {
                    return Err(format!("an index of type {found}"));
                }
            }
            element(*buffer, buffers)
        }
        Value::Un(op, a) => unary_type(*op, sub(a)?).map_err(|e| e.to_string()),
        Value::Bin(op, a, b) => {
            let (left, right) = (sub(a)?, sub(b)?);
            if left != right {
                return Err(format!("{op:?} of {left} and {right}"));
            }
            binary_type(*op, left).map_err(|e| e.to_string())
        }
        Value::Call(func, a) => call_type(*func, sub(a)?).map_err(|e| e.to_string()),
        Value::Cast(to, a) => sub(a).map(|_| *to),
        Value::Select(cond, yes, no) => {
            let (cond, yes, no) = (sub(cond)?, sub(yes)?, sub(no)?);
            if cond != DType::Bool {
                return Err(format!("condition of type {cond}"));
            }
            if yes == no { Ok(yes) } else { Err(format!("branches of types {yes} and {no}")) }
        }
    }
}

fn element(buffer: BufferId, buffers: &[Buffer]) -> Result<DType, String> {
    match buffers.get(buffer.0 as usize) {
        Some(b) => Ok(b.dtype),
        None => Err(format!("buffer {} does not exist", buffer.0)),
    }
}
