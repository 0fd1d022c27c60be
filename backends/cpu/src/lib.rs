//! Loop tree to machine code: LLVM IR, an object file, and a function to call.
//!
//! [`compile`] makes an object from a [`Program`]; [`Kernel::load`] links it into this process.
//! Objects can be kept in a folder ([`compile_cached`]). The IR is written as text and read by
//! LLVM's own parser: distinct metadata nodes, alias scopes and access groups cannot be made
//! through the C API, and whatever is malformed becomes an [`Error`] instead of a crash.
//!
//! A kernel is `i64 kernel(ptr arrays[], i64 symbols[])`: 0 is success, `id + 1` a failed check,
//! −1 out of memory, `−2 − i` a guard that does not hold.

mod cache;
mod emit;
mod kernel;
mod llvm;
mod mvec;

use std::path::Path;
use std::time::Instant;

use thiserror::Error;
use weft_looptree::Program;

pub use kernel::{Kernel, Status};

/// How to compile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Threads of the pool when the kernel runs, 0 for all cores. Code does not depend on it.
    pub threads: usize,
    /// Widest SIMD registers to use; `None` is the widest that the processor has.
    pub vector_bits: Option<u32>,
}

/// An object file and how long it took.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub object: Vec<u8>,
    pub phases: Phases,
    pub from_cache: bool,
}

/// Milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Phases {
    /// Writing and optimizing the IR and generating code.
    pub llvm_ms: f64,
    /// Linking, measured by [`Kernel::load`].
    pub link_ms: f64,
}

#[derive(Error, Debug)]
pub enum Error {
    /// The program uses something that has no code on the CPU yet.
    #[error("{0} is not supported on the CPU")]
    Unsupported(String),
    /// The program is malformed; its maker is wrong.
    #[error("malformed loop tree: {0}")]
    Malformed(String),
    /// LLVM refused the generated code; this crate is wrong.
    #[error("LLVM: {0}")]
    Llvm(String),
}

/// LLVM IR before optimization.
pub fn emit_ll(program: &Program) -> Result<String, Error> {
    emit::module(program, &llvm::target(&Options::default()))
}

/// Assembly of this machine's processor.
pub fn emit_asm(program: &Program, options: &Options) -> Result<String, Error> {
    let target = llvm::target(options);
    let text = emit::module(program, &target)?;
    Ok(String::from_utf8_lossy(&llvm::assembly(&text)?).into_owned())
}

/// LLVM IR after optimization, for people who want to see what became of a loop.
pub fn emit_optimized_ll(program: &Program, options: &Options) -> Result<String, Error> {
    llvm::optimized(&emit::module(program, &llvm::target(options))?)
}

/// Makes the first compilation in this process as fast as the next ones; for a thread
/// beside the one that waits for work.
pub fn warm_up() {
    // A fault shows when a kernel is compiled.
    let _ = llvm::warm_up();
    mvec::variants();
}

/// Compiles for this machine's processor.
pub fn compile(program: &Program, options: &Options) -> Result<Compiled, Error> {
    compile_cached(program, options, None)
}

/// As [`compile`], with objects kept in a folder. A damaged or unwritable cache only costs time.
pub fn compile_cached(program: &Program, options: &Options, cache: Option<&Path>) -> Result<Compiled, Error> {
    let start = Instant::now();
    let target = llvm::target(options);
    let text = emit::module(program, &target)?;
    let entry = cache.map(|folder| cache::Entry::new(folder, &[&text, &target.identity]));
    let kept = entry.as_ref().and_then(cache::Entry::read);
    let from_cache = kept.is_some();
    let object = match kept {
        Some(object) => object,
        None => {
            let object = llvm::object(&text)?;
            if let Some(entry) = &entry {
                entry.write(&object);
            }
            object
        }
    };
    let llvm_ms = start.elapsed().as_secs_f64() * 1e3;
    Ok(Compiled { object, phases: Phases { llvm_ms, link_ms: 0.0 }, from_cache })
}
