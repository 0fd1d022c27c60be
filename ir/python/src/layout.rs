//! How NumPy lays out what it computes: row by row, or as its operands lie. That decides where `reshape` copies.

use weft_ir::sdfg::row_major;

use crate::context::Importer;
use crate::value::{Value, View};

/// Their results lie row by row whatever the operands are.
const IN_ROWS: &[&str] = &[
    "ascontiguousarray",
    "copy",
    "dot",
    "empty",
    "eye",
    "flatten",
    "full",
    "identity",
    "matmul",
    "ones",
    "ravel",
    "reshape",
    "zeros",
];

/// Their results may lie otherwise though the operands lie row by row.
const TURNING: &[&str] = &["apply_along_axis", "argwhere", "einsum"];

impl Importer<'_> {
    /// Does the array lie row by row for certain, apart from gaps and directions?
    pub fn lies_evenly(&self, view: &View) -> bool {
        if view.rank() < 2 {
            return true;
        }
        let even = self.sdfg.data.get(&view.base).is_some_and(|d| d.strides == row_major(&d.shape));
        even && !self.uneven.contains(&view.base) && view.order().is_sorted()
    }

    fn has_uneven(&self, value: &Value) -> bool {
        match value {
            Value::Array(view) => !self.lies_evenly(view),
            Value::Tuple(items) => items.iter().any(|v| self.has_uneven(v)),
            Value::List(id) => self.lists[*id].items.iter().any(|v| self.has_uneven(v)),
            _ => false,
        }
    }

    /// Is an operand laid out in a way that the result may follow?
    pub fn may_turn(&self, operands: &[&Value], function: &str) -> bool {
        let name = function.rsplit('.').next().unwrap_or(function);
        TURNING.contains(&name) || !IN_ROWS.contains(&name) && operands.iter().any(|v| self.has_uneven(v))
    }

    /// New arrays of an operation whose operands do not lie row by row.
    pub fn note_turned(&mut self, result: &Value, operands: &[&Value]) {
        match result {
            Value::Array(view) if view.rank() > 1 => {
                let fresh = self.sdfg.data.get(&view.base).is_some_and(|d| d.transient);
                if fresh && !operands.iter().any(|v| crate::aliases::mentions(v, view.base)) {
                    self.uneven.insert(view.base);
                }
            }
            Value::Tuple(items) => items.iter().for_each(|v| self.note_turned(v, operands)),
            _ => {}
        }
    }
}
