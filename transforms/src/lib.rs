//! Rewrites of SDFGs. Each is one file with its help, its conditions and its edit.

mod protocol;

pub use protocol::*;

/// Every transformation, in the order in which it is listed.
pub static ALL: &[&dyn Transformation] = &[];
