//! Small programs by hand.
#![allow(dead_code)]

pub mod arrays;

use weft_cpu::{Kernel, Options, Status, compile};
use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::row_major;
use weft_ir::symbolic::{Expr, Range};
use weft_ir::tasklet::BinOp;
use weft_looptree::*;

pub fn e(text: &str) -> Expr {
    Expr::parse(text).expect("an expression")
}

pub fn range(text: &str) -> Range {
    Range::parse(text).expect("a range")
}

pub fn buffer(name: &str, dtype: DType, shape: &[&str], placement: Placement) -> Buffer {
    let shape: Vec<Expr> = shape.iter().map(|s| e(s)).collect();
    Buffer { name: Name::new(name), dtype, strides: row_major(&shape), shape, placement }
}

pub fn program(buffers: Vec<Buffer>, symbols: &[&str], body: Vec<Stmt>) -> Program {
    let arguments = (0..buffers.len() as u32)
        .filter(|&i| matches!(buffers[i as usize].placement, Placement::Argument(_)))
        .map(BufferId)
        .collect();
    Program {
        name: Name::new("test"),
        arguments,
        symbols: symbols.iter().map(|&s| Name::new(s)).collect(),
        buffers,
        guards: vec![],
        checks: vec![],
        body,
    }
}

pub fn for_loop(var: &str, over: &str, schedule: LoopSchedule, body: Vec<Stmt>) -> Stmt {
    Stmt::For(For {
        var: Name::new(var),
        range: range(over),
        schedule,
        accumulators: vec![],
        work: Expr::int(1 << 20),
        body,
        span: None,
    })
}

pub fn load(buffer: u32, index: &[&str]) -> Value {
    Value::Load { buffer: BufferId(buffer), index: index.iter().map(|s| e(s)).collect() }
}

pub fn store(buffer: u32, index: &[&str], value: Value) -> Stmt {
    Stmt::Store { buffer: BufferId(buffer), index: index.iter().map(|s| e(s)).collect(), value }
}

pub fn bin(op: BinOp, a: Value, b: Value) -> Value {
    Value::Bin(op, Box::new(a), Box::new(b))
}

pub fn add(a: Value, b: Value) -> Value {
    bin(BinOp::Add, a, b)
}

pub fn mul(a: Value, b: Value) -> Value {
    bin(BinOp::Mul, a, b)
}

pub fn local(name: &str) -> Value {
    Value::Local(Name::new(name))
}

pub fn f64(x: f64) -> Value {
    Value::Lit(weft_ir::dtype::Scalar::F64(x))
}

pub fn kernel(program: &Program) -> Kernel {
    let compiled = match compile(program, &Options::default()) {
        Ok(compiled) => compiled,
        Err(error) => panic!("{error}\n{}", weft_cpu::emit_ll(program).unwrap_or_default()),
    };
    Kernel::load(&compiled.object).expect("links")
}

pub fn run(program: &Program, arrays: &mut [&mut [f64]], symbols: &[i64]) -> Result<(), Status> {
    weft_rt::set_threads(2);
    let pointers: Vec<*mut u8> = arrays.iter_mut().map(|a| a.as_mut_ptr().cast()).collect();
    // SAFETY: the tests pass arrays of the program's shapes.
    unsafe { kernel(program).call(&pointers, symbols) }
}

pub fn random(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
        })
        .collect()
}
