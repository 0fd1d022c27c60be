//! SDFG to a tree of loops: the one lowering, shared by all machines.

mod tree;

pub use tree::*;
