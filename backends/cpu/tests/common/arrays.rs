//! Runs a compiled program on arrays in C order, whatever the strides of its buffers are.
#![allow(dead_code)]

use std::collections::BTreeMap;

use weft_cpu::Status;
use weft_ir::dtype::Scalar;
use weft_ir::interp::Array;
use weft_ir::names::Name;
use weft_looptree::Program;

pub type Arrays = BTreeMap<Name, Array>;

/// Shapes and strides of the arguments, or `None` where a size is negative.
pub fn layouts(program: &Program, symbols: &BTreeMap<Name, i64>) -> Option<Vec<(Vec<usize>, Vec<usize>)>> {
    let value =
        |e: &weft_ir::symbolic::Expr| usize::try_from(e.eval(&|s| symbols.get(&s).copied()).ok()?).ok();
    let each = |id: &weft_looptree::BufferId| {
        let buffer = &program.buffers[id.0 as usize];
        let shape: Vec<usize> = buffer.shape.iter().map(value).collect::<Option<_>>()?;
        Some((shape, buffer.strides.iter().map(value).collect::<Option<_>>()?))
    };
    program.arguments.iter().map(each).collect()
}

/// Position in memory of the element with this number in C order.
fn position(mut at: usize, shape: &[usize], strides: &[usize]) -> usize {
    let mut offset = 0;
    for d in (0..shape.len()).rev() {
        offset += at % shape[d] * strides[d];
        at /= shape[d];
    }
    offset
}

pub fn call(
    program: &Program,
    loaded: &weft_cpu::Kernel,
    layouts: &[(Vec<usize>, Vec<usize>)],
    symbols: &BTreeMap<Name, i64>,
    arrays: &mut Arrays,
) -> Result<(), Status> {
    let mut memory = Vec::new();
    for (id, (shape, strides)) in program.arguments.iter().zip(layouts) {
        let buffer = &program.buffers[id.0 as usize];
        let reach: usize = shape.iter().zip(strides).map(|(n, s)| n.saturating_sub(1) * s).sum();
        let mut flat = Array::zeros(buffer.dtype, &[reach + 1]);
        for (i, value) in arrays[&buffer.name].scalars().enumerate() {
            flat.set(position(i, shape, strides), value);
        }
        memory.push(flat);
    }
    let pointers: Vec<*mut u8> = memory.iter_mut().map(|m| m.bytes_mut().as_mut_ptr()).collect();
    let values: Vec<i64> = program.symbols.iter().map(|s| symbols[s]).collect();
    // SAFETY: each array has the memory that its strides reach.
    let status = unsafe { loaded.call(&pointers, &values) };
    for ((id, (shape, strides)), flat) in program.arguments.iter().zip(layouts).zip(&memory) {
        let array = arrays.get_mut(&program.buffers[id.0 as usize].name).expect("an argument");
        for i in 0..array.len() {
            array.set(i, flat.get(position(i, shape, strides)));
        }
    }
    status
}

pub fn close(a: Scalar, b: Scalar) -> bool {
    let near = |x: f64, y: f64, eps: f64| {
        x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= eps * (1.0 + x.abs().max(y.abs()))
    };
    match (a, b) {
        (Scalar::F64(x), Scalar::F64(y)) => near(x, y, 1e-12),
        (Scalar::F32(x), Scalar::F32(y)) => near(x.into(), y.into(), 1e-5),
        // As numbers of the plane: one part may be all rounding.
        (Scalar::Complex(t, x, y), Scalar::Complex(u, z, w)) if t == u && (x - z + y - w).is_finite() => {
            let eps = if t == weft_ir::DType::C64 { 1e-5 } else { 1e-12 };
            (x - z).hypot(y - w) <= eps * (1.0 + x.hypot(y).max(z.hypot(w)))
        }
        _ => a == b,
    }
}
