//! Loop tree to the text of an LLVM module.
//!
//! Invariants of the text:
//! - Every access of a buffer carries the buffer's alias scope, and `noalias` for all others.
//! - `nsw` only on index arithmetic; data wraps. `reassoc` only where an accumulator or a
//!   write-conflict resolution folds; no other fast-math flag anywhere.
//! - Symbols that are assigned live in memory slots of the function, everything else in values.
//! - Every exit goes through the block `exit`, which frees what is still allocated.

mod complex;
mod convert;
mod func;
mod index;
mod library;
mod loops;
mod math;
mod ops;
mod parallel;
mod stmt;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::Wcr;
use weft_looptree::{Buffer, BufferId, Placement, Program, Stmt};

use crate::Error;
use crate::llvm::TargetInfo;
use crate::mvec;
use func::{Bind, Func, Key};

type Result<T> = std::result::Result<T, Error>;

/// The module of a program, with the function `kernel`.
pub fn module(program: &Program, target: &TargetInfo) -> Result<String> {
    let mut emitter = Emitter::new(program, target)?;
    emitter.kernel()?;
    Ok(emitter.finish())
}

/// The state of one module, and of the function that is being written.
struct Emitter<'p> {
    program: &'p Program,
    target: &'p TargetInfo,
    /// Symbols that some statement assigns.
    assigned: BTreeSet<Name>,
    functions: Vec<String>,
    declarations: BTreeSet<String>,
    /// Function attributes of vectorizable calls, by text.
    attributes: BTreeMap<String, usize>,
    /// Symbols of vector variants that must survive until the vectorizer runs.
    used: BTreeSet<String>,
    metadata: Vec<String>,
    /// Metadata suffix of accesses, per buffer.
    alias: Vec<String>,
    /// How the accumulators of open loops fold.
    accumulator_ops: BTreeMap<Name, Wcr>,
    f: Func,
}

impl<'p> Emitter<'p> {
    fn new(program: &'p Program, target: &'p TargetInfo) -> Result<Emitter<'p>> {
        let mut assigned = BTreeSet::new();
        collect_assigned(&program.body, &mut assigned);
        let mut emitter = Emitter {
            program,
            target,
            assigned,
            functions: Vec::new(),
            declarations: BTreeSet::new(),
            attributes: BTreeMap::new(),
            used: BTreeSet::new(),
            metadata: Vec::new(),
            alias: Vec::new(),
            accumulator_ops: BTreeMap::new(),
            f: Func::new(Vec::new(), false),
        };
        emitter.alias_scopes();
        Ok(emitter)
    }

    fn alias_scopes(&mut self) {
        let domain = self.node("distinct !{}");
        self.metadata[domain] = format!("distinct !{{!{domain}}}");
        let n = self.program.buffers.len();
        let scopes: Vec<usize> = (0..n).map(|_| self.node("")).collect();
        for &scope in &scopes {
            self.metadata[scope] = format!("distinct !{{!{scope}, !{domain}}}");
        }
        for i in 0..n {
            let own = self.node(&format!("!{{!{}}}", scopes[i]));
            let mut suffix = format!(", !alias.scope !{own}");
            if n > 1 {
                let others: Vec<String> = scopes
                    .iter()
                    .enumerate()
                    .filter(|(j, _)| *j != i)
                    .map(|(_, s)| format!("!{s}"))
                    .collect();
                let others = self.node(&format!("!{{{}}}", others.join(", ")));
                let _ = write!(suffix, ", !noalias !{others}");
            }
            self.alias.push(suffix);
        }
    }

    /// Adds a metadata node and returns its number.
    fn node(&mut self, text: &str) -> usize {
        self.metadata.push(text.to_owned());
        self.metadata.len() - 1
    }

    fn declare(&mut self, text: impl Into<String>) {
        self.declarations.insert(text.into());
    }

    fn buffer(&self, id: BufferId) -> Result<&'p Buffer> {
        let program = self.program;
        program.buffers.get(id.0 as usize).ok_or_else(|| malformed(format!("no buffer {}", id.0)))
    }

    fn kernel(&mut self) -> Result<()> {
        let program = self.program;
        self.f.allocas.push_str("  %status = alloca i64, align 8\n  store i64 0, ptr %status, align 8\n");
        for (i, &id) in program.arguments.iter().enumerate() {
            let buffer = self.buffer(id)?;
            if !matches!(buffer.placement, Placement::Argument(at) if at == i) {
                return Err(malformed(format!("argument {i} is not the buffer {}", buffer.name)));
            }
            let at = self.f.op(&format!("getelementptr inbounds ptr, ptr %arrays, i64 {i}"));
            let pointer = self.f.op(&format!("load ptr, ptr {at}, align 8"));
            self.f.bind(Key::Buffer(id), Bind::Value(pointer.into()), buffer.dtype);
        }
        for (i, &symbol) in program.symbols.iter().enumerate() {
            let at = self.f.op(&format!("getelementptr inbounds i64, ptr %symbols, i64 {i}"));
            let value = self.f.op(&format!("load i64, ptr {at}, align 8"));
            self.f.bind(Key::Symbol(symbol), Bind::Value(value.clone().into()), DType::I64);
            if self.assigned.contains(&symbol) {
                let slot = self.f.slot_for_symbol(symbol);
                self.f.line(&format!("store i64 {value}, ptr {slot}, align 8"));
            }
        }
        self.guards()?;
        self.list(&program.body)?;
        self.f.line("br label %exit");
        self.f.label("exit");
        self.free_all();
        let status = self.f.op("load i64, ptr %status, align 8");
        self.f.line(&format!("ret i64 {status}"));
        let header = "define i64 @kernel(ptr noalias readonly %arrays, ptr noalias readonly %symbols) #0";
        let text = self.f.finish(header);
        self.functions.insert(0, text);
        Ok(())
    }

    fn guards(&mut self) -> Result<()> {
        use weft_ir::sdfg::Guard;
        for (i, guard) in self.program.guards.iter().enumerate() {
            let (value, predicate) = match guard {
                Guard::NonNegative(e) => (self.index(e)?, "sge"),
                Guard::Zero(e) => (self.index(e)?, "eq"),
            };
            let holds = self.f.op(&format!("icmp {predicate} i64 {value}, 0"));
            self.fail_unless(&holds, -2 - i as i64);
        }
        Ok(())
    }

    fn finish(self) -> String {
        let mut text = self.functions.join("\n");
        text.push('\n');
        for declaration in &self.declarations {
            text.push_str(declaration);
            text.push('\n');
        }
        if !self.used.is_empty() {
            let list: Vec<String> = self.used.iter().map(|u| format!("ptr @{u}")).collect();
            let _ = writeln!(
                text,
                "@llvm.compiler.used = appending global [{} x ptr] [{}], section \"llvm.metadata\"",
                list.len(),
                list.join(", ")
            );
        }
        let _ = writeln!(
            text,
            "attributes #0 = {{ nounwind \"prefer-vector-width\"=\"{}\" }}\n\
             attributes #1 = {{ nounwind willreturn memory(none) }}\n\
             attributes #2 = {{ nounwind }}\n\
             attributes #3 = {{ nounwind willreturn memory(argmem: write) }}",
            self.target.vector_bits
        );
        for (attribute, number) in &self.attributes {
            let _ = writeln!(text, "attributes #{number} = {{ {attribute} }}");
        }
        for (number, node) in self.metadata.iter().enumerate() {
            let _ = writeln!(text, "!{number} = {node}");
        }
        text
    }

    /// The attribute group of calls to a function that has vector variants.
    fn vector_attributes(&mut self, name: &str) -> usize {
        let Some(variants) = mvec::variants().get(name) else { return 1 };
        let mut mappings = Vec::new();
        let bits = |v: &mvec::Variant| (v.lanes * v.dtype.size() * 8) as u32;
        for variant in variants.iter().filter(|v| bits(v) <= self.target.vector_bits) {
            let stem = variant.symbol.strip_suffix(&format!("_{name}")).unwrap_or_default();
            mappings.push(format!("{stem}_{name}({})", variant.symbol));
            let scalar = if variant.dtype == DType::F32 { "float" } else { "double" };
            let vector = format!("<{} x {scalar}>", variant.lanes);
            let parameters = vec![vector.as_str(); variant.arguments].join(", ");
            self.declarations.insert(format!("declare {vector} @{}({parameters}) #1", variant.symbol));
            self.used.insert(variant.symbol.clone());
        }
        if mappings.is_empty() {
            return 1;
        }
        let text = format!(
            "nounwind willreturn memory(none) \"vector-function-abi-variant\"=\"{}\"",
            mappings.join(",")
        );
        let next = self.attributes.len() + 4;
        *self.attributes.entry(text).or_insert(next)
    }
}

fn malformed(text: String) -> Error {
    Error::Malformed(text)
}

fn unsupported(text: impl Into<String>) -> Error {
    Error::Unsupported(text.into())
}

/// The LLVM type of a value; `bool` is `i1`. Complex numbers are two values of [`DType::part`].
fn scalar_type(dtype: DType) -> Result<&'static str> {
    Ok(match dtype {
        DType::Bool => "i1",
        DType::I8 | DType::U8 => "i8",
        DType::I16 | DType::U16 => "i16",
        DType::I32 | DType::U32 => "i32",
        DType::I64 | DType::U64 => "i64",
        DType::F16 => "half",
        DType::F32 => "float",
        DType::F64 => "double",
        DType::C64 | DType::C128 => return Err(malformed(format!("{dtype} is no single value"))),
    })
}

/// The LLVM type in memory; `bool` is a byte that is 0 or 1, a complex number an array of its parts.
fn memory_type(dtype: DType) -> Result<&'static str> {
    if dtype == DType::Bool { Ok("i8") } else { slot_type(dtype) }
}

/// The LLVM type of a slot for values of this function.
fn slot_type(dtype: DType) -> Result<&'static str> {
    match dtype {
        DType::C64 => Ok("[2 x float]"),
        DType::C128 => Ok("[2 x double]"),
        _ => scalar_type(dtype),
    }
}

fn collect_assigned(stmts: &[Stmt], found: &mut BTreeSet<Name>) {
    for stmt in stmts {
        if let Stmt::Assign { symbol, .. } = stmt {
            found.insert(*symbol);
        }
        for inner in children(stmt) {
            collect_assigned(inner, found);
        }
    }
}

/// The statement lists directly inside.
fn children(stmt: &Stmt) -> Vec<&[Stmt]> {
    match stmt {
        Stmt::For(f) => vec![&f.body],
        Stmt::While { body, .. } => vec![body],
        Stmt::If { then, otherwise, .. } => vec![then, otherwise],
        _ => vec![],
    }
}
