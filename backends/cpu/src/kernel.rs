//! A linked kernel.

use std::time::Instant;

use crate::{Error, llvm, mvec};

/// Why a call did not complete.
#[derive(thiserror::Error, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Position in [`weft_looptree::Program::checks`].
    #[error("check {0} failed")]
    Check(u32),
    /// Position in [`weft_looptree::Program::guards`].
    #[error("guard {0} does not hold")]
    Guard(usize),
    #[error("out of memory")]
    Memory,
}

type Entry = unsafe extern "C" fn(*const *mut u8, *const i64) -> i64;

/// Machine code in this process; unlinked when dropped.
pub struct Kernel {
    entry: Entry,
    /// Milliseconds that linking took.
    pub link_ms: f64,
    _code: llvm::Jit,
}

impl Kernel {
    /// Links an object that [`crate::compile`] made.
    pub fn load(object: &[u8]) -> Result<Kernel, Error> {
        let start = Instant::now();
        let mut symbols = weft_rt::symbols();
        let vector = mvec::variants().values().flatten().map(|v| (v.symbol.as_str(), v.address));
        symbols.extend(vector);
        let code = llvm::Jit::link(object, &symbols)?;
        let address = code.lookup("kernel")?;
        // SAFETY: `kernel` is emitted with this signature.
        let entry = unsafe { std::mem::transmute::<usize, Entry>(address as usize) };
        Ok(Kernel { entry, link_ms: start.elapsed().as_secs_f64() * 1e3, _code: code })
    }

    /// Runs the kernel.
    ///
    /// # Safety
    /// `arrays` and `symbols` are what the program's `arguments` and `symbols` say: as many, and
    /// each array is valid for its shape and strides, and overlaps no other that is written.
    pub unsafe fn call(&self, arrays: &[*mut u8], symbols: &[i64]) -> Result<(), Status> {
        // SAFETY: the caller's promise.
        match unsafe { (self.entry)(arrays.as_ptr(), symbols.as_ptr()) } {
            0 => Ok(()),
            weft_rt::MEMORY => Err(Status::Memory),
            code if code > 0 => Err(Status::Check((code - 1) as u32)),
            code => Err(Status::Guard((-2 - code) as usize)),
        }
    }
}
