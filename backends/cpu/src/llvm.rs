//! The one file that knows LLVM: target, parsing, optimization, code generation and linking.
//!
//! What differs between LLVM 19 and 22 stays in here.

use std::ffi::{CStr, CString, c_void};
use std::fmt::Display;

use inkwell::OptimizationLevel;
use inkwell::context::Context;
use inkwell::llvm_sys::core::{
    LLVMContextSetDiagnosticHandler, LLVMCreateMemoryBufferWithMemoryRangeCopy, LLVMGetVersion,
};
use inkwell::llvm_sys::error::{LLVMDisposeErrorMessage, LLVMErrorRef, LLVMGetErrorMessage};
use inkwell::llvm_sys::orc2::lljit::*;
use inkwell::llvm_sys::orc2::*;
use inkwell::llvm_sys::prelude::LLVMDiagnosticInfoRef;
use inkwell::memory_buffer::MemoryBuffer;
use inkwell::module::Module;
use inkwell::passes::PassBuilderOptions;
use inkwell::targets::{
    CodeModel, FileType, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple,
};

use crate::{Error, Options};

/// What the generated text depends on besides the program.
#[derive(Clone, Debug)]
pub struct TargetInfo {
    pub vector_bits: u32,
    /// Processor, its features and LLVM's version: part of a cache key.
    pub identity: String,
}

fn llvm_error(e: impl Display) -> Error {
    Error::Llvm(e.to_string())
}

/// This machine, as the options limit it.
pub fn target(options: &Options) -> TargetInfo {
    let (cpu, features) = host();
    let has = |name: &str| features.split(',').any(|f| f.strip_prefix('+') == Some(name));
    let widest = if has("avx512f") && has("avx512vl") && has("avx512dq") {
        512
    } else if has("avx") {
        256
    } else {
        128
    };
    let vector_bits = options.vector_bits.map_or(widest, |bits| bits.min(widest));
    TargetInfo { vector_bits, identity: format!("{cpu}\n{features}\n{}\n{PASSES}", version()) }
}

fn host() -> (String, String) {
    let text = |s: inkwell::support::LLVMString| s.to_string();
    (text(TargetMachine::get_host_cpu_name()), text(TargetMachine::get_host_cpu_features()))
}

/// `22.1.8`.
pub fn version() -> String {
    let (mut major, mut minor, mut patch) = (0, 0, 0);
    // SAFETY: three places to write to.
    unsafe { LLVMGetVersion(&mut major, &mut minor, &mut patch) };
    format!("{major}.{minor}.{patch}")
}

const PASSES: &str = "default<O3>";

fn machine() -> Result<(TargetMachine, TargetTriple), Error> {
    Target::initialize_x86(&InitializationConfig {
        asm_parser: false,
        disassembler: false,
        ..Default::default()
    });
    let triple = TargetMachine::get_default_triple();
    let target = Target::from_triple(&triple).map_err(llvm_error)?;
    let (cpu, features) = host();
    let level = OptimizationLevel::Aggressive;
    let machine = target
        .create_target_machine(&triple, &cpu, &features, level, RelocMode::PIC, CodeModel::Default)
        .ok_or_else(|| Error::Llvm(format!("no target machine for {cpu}")))?;
    Ok((machine, triple))
}

/// Remarks such as "loop not vectorized" are of no use to anyone here.
extern "C" fn ignore(_: LLVMDiagnosticInfoRef, _: *mut c_void) {}

fn with_module<R>(
    text: &str,
    body: impl FnOnce(&Module, &TargetMachine) -> Result<R, Error>,
) -> Result<R, Error> {
    let (machine, triple) = machine()?;
    let context = Context::create();
    // SAFETY: the context is alive and the handler is a function of this crate.
    unsafe { LLVMContextSetDiagnosticHandler(context.raw(), Some(ignore), std::ptr::null_mut()) };
    let buffer = MemoryBuffer::create_from_memory_range_copy(text.as_bytes(), "kernel");
    let module = context.create_module_from_ir(buffer).map_err(llvm_error)?;
    module.set_triple(&triple);
    module.set_data_layout(&machine.get_target_data().get_data_layout());
    module.verify().map_err(llvm_error)?;
    let options = PassBuilderOptions::create();
    options.set_loop_vectorization(true);
    options.set_loop_slp_vectorization(true);
    options.set_loop_unrolling(true);
    options.set_loop_interleaving(true);
    module.run_passes(PASSES, &machine, options).map_err(llvm_error)?;
    body(&module, &machine)
}

fn generate(text: &str, kind: FileType) -> Result<Vec<u8>, Error> {
    with_module(text, |module, machine| {
        let buffer = machine.write_to_memory_buffer(module, kind).map_err(llvm_error)?;
        Ok(buffer.as_slice().to_vec())
    })
}

/// A loop like those of kernels.
const FIRST: &str = "\
define i64 @kernel(ptr noalias %a, ptr noalias %b, i64 %n) {
entry:
  %any = icmp sgt i64 %n, 0
  br i1 %any, label %loop, label %exit
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %s = phi double [ 0.0, %entry ], [ %t, %loop ]
  %p = getelementptr inbounds double, ptr %a, i64 %i
  %q = getelementptr inbounds double, ptr %b, i64 %i
  %x = load double, ptr %p, align 8
  %y = load double, ptr %q, align 8
  %z = fmul double %x, %y
  %t = fadd reassoc double %s, %z
  store double %z, ptr %q, align 8
  %next = add nsw i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %exit
exit:
  %r = phi double [ 0.0, %entry ], [ %t, %loop ]
  %k = fptosi double %r to i64
  ret i64 %k
}
";

/// Has LLVM do once what it does for a kernel, so that the first kernel does not wait for its
/// start: pages of the library, tables of the target, the linker.
pub fn warm_up() -> Result<(), Error> {
    let object = object(FIRST)?;
    Jit::link(&object, &[])?.lookup("kernel")?;
    Ok(())
}

/// The object file of a module.
pub fn object(text: &str) -> Result<Vec<u8>, Error> {
    generate(text, FileType::Object)
}

pub fn assembly(text: &str) -> Result<Vec<u8>, Error> {
    generate(text, FileType::Assembly)
}

pub fn optimized(text: &str) -> Result<String, Error> {
    with_module(text, |module, _| Ok(module.print_to_string().to_string()))
}

/// An object that is linked into this process; unlinked when dropped.
pub struct Jit(LLVMOrcLLJITRef);

// SAFETY: the reference is only used to dispose of it; ORC itself may be used from any thread.
unsafe impl Send for Jit {}
// SAFETY: nothing is reachable through a shared reference.
unsafe impl Sync for Jit {}

impl Drop for Jit {
    fn drop(&mut self) {
        // SAFETY: made by `LLVMOrcCreateLLJIT`, disposed of once.
        let _ = check(unsafe { LLVMOrcDisposeLLJIT(self.0) });
    }
}

fn check(error: LLVMErrorRef) -> Result<(), Error> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the error is consumed once, its message freed once.
    unsafe {
        let message = LLVMGetErrorMessage(error);
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        LLVMDisposeErrorMessage(message);
        Err(Error::Llvm(text))
    }
}

impl Jit {
    /// Links an object against the given functions and the process's own.
    pub fn link(object: &[u8], symbols: &[(&str, usize)]) -> Result<Jit, Error> {
        Target::initialize_x86(&InitializationConfig {
            asm_parser: false,
            disassembler: false,
            ..Default::default()
        });
        let mut raw = std::ptr::null_mut();
        // SAFETY: no builder means the defaults.
        check(unsafe { LLVMOrcCreateLLJIT(&mut raw, std::ptr::null_mut()) })?;
        let jit = Jit(raw);
        // SAFETY: the names are interned (and so kept) by ORC, which takes ownership of the pairs'
        // names, the generator and the buffer.
        unsafe {
            let library = LLVMOrcLLJITGetMainJITDylib(raw);
            let mut pairs = Vec::with_capacity(symbols.len());
            for (name, address) in symbols {
                let name = CString::new(*name).map_err(llvm_error)?;
                let flags = LLVMJITSymbolFlags { GenericFlags: 1 | 4, TargetFlags: 0 };
                pairs.push(LLVMOrcCSymbolMapPair {
                    Name: LLVMOrcLLJITMangleAndIntern(raw, name.as_ptr()),
                    Sym: LLVMJITEvaluatedSymbol { Address: *address as u64, Flags: flags },
                });
            }
            check(LLVMOrcJITDylibDefine(library, LLVMOrcAbsoluteSymbols(pairs.as_mut_ptr(), pairs.len())))?;
            let mut generator = std::ptr::null_mut();
            check(LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
                &mut generator,
                LLVMOrcLLJITGetGlobalPrefix(raw),
                None,
                std::ptr::null_mut(),
            ))?;
            LLVMOrcJITDylibAddGenerator(library, generator);
            let name = c"kernel.o";
            let buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
                object.as_ptr().cast(),
                object.len(),
                name.as_ptr(),
            );
            check(LLVMOrcLLJITAddObjectFile(raw, library, buffer))?;
        }
        Ok(jit)
    }

    /// The address of an exported function.
    pub fn lookup(&self, name: &str) -> Result<u64, Error> {
        let name = CString::new(name).map_err(llvm_error)?;
        let mut address = 0;
        // SAFETY: the JIT is alive.
        check(unsafe { LLVMOrcLLJITLookup(self.0, &mut address, name.as_ptr()) })?;
        Ok(address)
    }
}
