//! What an SDFG is. This crate knows no egui, no LLVM and no file system.

#[cfg(test)]
extern crate self as weft_ir;

pub mod analysis;
pub mod dtype;
pub mod interp;
pub mod json;
pub mod names;
pub mod sdfg;
pub mod symbolic;
pub mod tasklet;
pub mod text;

pub use dtype::DType;
pub use names::Name;
