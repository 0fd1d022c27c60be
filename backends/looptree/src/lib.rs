//! SDFG to a tree of loops: the one lowering, shared by all machines.
//!
//! [`lower`] makes a [`Program`] of a verified graph, [`print`] shows it as pseudo-code,
//! [`verify`] lists what is wrong with one, [`interpret`] runs one slowly, and [`work`] and
//! [`cost`] count what it does.

mod cost;
mod interp;
mod lower;
mod passes;
mod print;
mod tree;
mod typing;
mod verify;
mod visit;
mod work;

pub use cost::{Cost, cost};
pub use interp::{Failure, interpret};
pub use lower::{LowerError, lower};
pub use print::print;
pub use tree::*;
pub use verify::{Violation, verify};
pub use work::{Work, work};
