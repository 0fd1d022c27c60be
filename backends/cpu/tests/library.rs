//! Library operations from the graph to the run-time library, compared with NumPy.

#[path = "../../../ir/src/interp/call_tests.rs"]
mod cases;
mod common;

use std::collections::BTreeMap;

use common::arrays::{Arrays, call, layouts};
use weft_cpu::{Kernel, Options, Status, compile};
use weft_ir::dtype::DType;
use weft_ir::interp::{Array, Operand};
use weft_ir::names::Name;
use weft_ir::sdfg::LibraryOp;
use weft_ir::symbolic::Expr;
use weft_looptree::{Program, lower};

fn extents(texts: &[&str]) -> Vec<Expr> {
    texts.iter().map(|t| Expr::parse(t).expect("an expression")).collect()
}

/// Symbolic shapes of the inputs.
fn shapes(op: LibraryOp) -> Vec<Vec<Expr>> {
    match op {
        LibraryOp::Sort | LibraryOp::ArgSort | LibraryOp::Fft { .. } => vec![extents(&["M", "N"])],
        LibraryOp::Qr | LibraryOp::Svd { .. } => vec![extents(&["M", "N"])],
        LibraryOp::Lstsq => vec![extents(&["M", "N"]), extents(&["M", "K"])],
        LibraryOp::Solve => vec![extents(&["N", "N"]), extents(&["N", "K"])],
        _ => vec![extents(&["N", "N"])],
    }
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|i| i.to_string()).collect::<Vec<_>>().join(", ")
}

/// A graph that is one call.
fn graph(op: LibraryOp, dtype: DType) -> String {
    let inputs: Vec<(DType, Vec<Expr>)> = shapes(op).into_iter().map(|s| (dtype, s)).collect();
    let fit = op.fit(&inputs).expect("inputs that fit");
    let declared = |prefix: &str, of: &[(DType, Vec<Expr>)]| {
        list(of.iter().enumerate().map(|(i, (t, shape))| {
            let brackets =
                if shape.is_empty() && !t.is_int() { String::new() } else { format!("[{}]", list(shape)) };
            format!("{prefix}{i}: {}{brackets}", t.short())
        }))
    };
    let used = |prefix: &str, of: &[(DType, Vec<Expr>)]| {
        list(of.iter().enumerate().map(|(i, (_, shape))| {
            let brackets = list(shape.iter().map(|n| format!("0:{n}")));
            if shape.is_empty() { format!("{prefix}{i}") } else { format!("{prefix}{i}[{brackets}]") }
        }))
    };
    format!(
        "sdfg one({}) -> {}\n  state s\n    c: {} {} = {} {}\n",
        declared("x", &inputs),
        declared("return_", &fit.outputs),
        op.name(),
        used("return_", &fit.outputs),
        used("x", &inputs),
        op.flag().unwrap_or_default()
    )
}

fn program(text: &str) -> Program {
    let sdfg = weft_ir::text::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let verified = weft_ir::sdfg::verify(sdfg).unwrap_or_else(|v| panic!("{v:?}\n{text}"));
    lower(&verified).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn run(
    op: LibraryOp,
    program: &Program,
    kernel: &Kernel,
    inputs: &[Operand],
) -> Result<Vec<Operand>, String> {
    let mut symbols: BTreeMap<Name, i64> = BTreeMap::new();
    for (shape, input) in shapes(op).iter().zip(inputs) {
        for (extent, &n) in shape.iter().zip(&input.shape) {
            symbols.insert(extent.as_sym().expect("a symbol"), n as i64);
        }
    }
    let layouts = layouts(program, &symbols).expect("sizes");
    let mut arrays = Arrays::new();
    for (at, (id, (shape, _))) in program.arguments.iter().zip(&layouts).enumerate() {
        let buffer = &program.buffers[id.0 as usize];
        let array = match inputs.get(at) {
            Some(input) => Array::from_scalars(buffer.dtype, shape, &input.values).expect("fits"),
            None => Array::zeros(buffer.dtype, shape),
        };
        arrays.insert(buffer.name, array);
    }
    match call(program, kernel, &layouts, &symbols, &mut arrays) {
        Ok(()) => {}
        Err(Status::Check(id)) => return Err(program.checks[id as usize].message.to_string()),
        Err(other) => panic!("{op:?}: {other}"),
    }
    let results = program.arguments.iter().zip(&layouts).skip(inputs.len());
    Ok(results
        .map(|(id, (shape, _))| {
            let array = &arrays[&program.buffers[id.0 as usize].name];
            Operand { dtype: array.dtype(), shape: shape.clone(), values: array.scalars().collect() }
        })
        .collect())
}

#[test]
fn compiled_operations_do_what_numpy_does() {
    weft_rt::set_threads(2);
    let mut kernels: Vec<(LibraryOp, DType, Program, Kernel)> = vec![];
    let mut lines = vec![];
    for (op, inputs) in cases::cases(|_| true) {
        let dtype = inputs[0].dtype;
        if !kernels.iter().any(|k| k.0 == op && k.1 == dtype) {
            let program = program(&graph(op, dtype));
            let compiled = compile(&program, &Options::default()).unwrap_or_else(|e| panic!("{op:?}: {e}"));
            let kernel = Kernel::load(&compiled.object).expect("links");
            kernels.push((op, dtype, program, kernel));
        }
        let (_, _, program, kernel) = kernels.iter().find(|k| k.0 == op && k.1 == dtype).expect("made");
        lines.push(cases::line(op, &inputs, &run(op, program, kernel, &inputs)));
    }
    cases::judge(&lines);
}
