//! The NumPy front end: imports unmodified Python as an SDFG.
//!
//! A function is interpreted abstractly: every value is known by its kind (Python's or NumPy's type) and
//! symbolic shape. Each NumPy operation becomes one map or library node in its own state. What the facts
//! do not decide about shapes is decided on a sample of the arguments, and becomes a guard or a constant.

mod aliases;
mod annotations;
mod args;
mod assign;
mod bounds;
mod calls;
mod cells;
mod context;
mod control;
mod desugar;
mod diagnostic;
mod dicts;
mod doubt;
mod either;
mod emit;
mod expr;
mod extents;
mod fancy;
mod grow;
mod grown;
mod import;
mod ints;
mod iterate;
mod joins;
mod layout;
mod link;
mod lists;
mod module;
mod nd_loops;
mod numpy;
mod ops;
mod parts;
mod promote;
mod results;
mod scan;
mod sequences;
pub mod spec;
mod stmt;
mod syntax;
mod truth;
mod value;

pub use annotations::{Declared, annotations, notes};
pub use diagnostic::{Diagnostic, left_out, why_left_out};
pub use import::{Binding, Import, Mismatch, Parameter, Sample, functions, import, parameters, select};
pub use link::absolute;
pub use module::{Wanted, wanted};
pub use numpy::support;
