//! Counts of operations: for reports, and for the runtime's choice between one thread and many.

use std::collections::{BTreeMap, BTreeSet};

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::LibraryOp;
use weft_ir::symbolic::{Atom, Expr, Range};
use weft_ir::tasklet::{BinOp, Func, UnOp};

use crate::tree::{For, LoopSchedule, Operand, Program, Stmt, Value};
use crate::typing::dtype_of;
use crate::visit::{self, range_exprs};

/// How much a program computes, over its symbols. Branches count as taken, the bodies of `while`
/// loops once, and triangular loops by their mean length.
#[derive(Clone, PartialEq, Debug)]
pub struct Work {
    /// Floating-point operations: one for each arithmetic operation or function of a float, two for
    /// a complex addition, six for a complex product and eleven for a complex quotient.
    pub flop: Expr,
}

/// Symbolic work of a program.
pub fn work(program: &Program) -> Work {
    Work { flop: closed(program, count(program, &program.body, &Weight::Flop)) }
}

/// Floating-point operations of a call. Loops whose bodies do not depend on the iteration are counted
/// exactly, others by evenly spread iterations.
pub(crate) fn flop_at(program: &Program, symbols: &BTreeMap<Name, i64>) -> f64 {
    let mut varying = BTreeSet::new();
    visit::walk(&program.body, &mut |stmt| {
        if let Stmt::For(l) = stmt
            && count(program, &l.body, &Weight::Flop).contains(l.var)
        {
            varying.insert(l.var);
        }
    });
    sample(program, &varying, &program.body, &mut symbols.clone(), SAMPLES)
}

/// Iterations that stand for all of a loop, at most.
const SAMPLES: i64 = 64;

/// `varying` are the loops whose iterations differ in work.
fn sample(
    program: &Program,
    varying: &BTreeSet<Name>,
    list: &[Stmt],
    at: &mut BTreeMap<Name, i64>,
    samples: i64,
) -> f64 {
    let eval = |e: &Expr, at: &BTreeMap<Name, i64>| e.eval(&|n| at.get(&n).copied()).unwrap_or(1);
    let mut sum = 0.0;
    for stmt in list {
        let Stmt::For(l) = stmt else {
            let inner: f64 =
                stmt.lists().iter().map(|body| sample(program, varying, body, at, samples)).sum();
            let own =
                if stmt.lists().is_empty() { of_stmt(program, stmt, &Weight::Flop) } else { Expr::zero() };
            sum += inner + eval(&own, at) as f64;
            continue;
        };
        let trips = eval(&l.range.extent(), at).max(0);
        let taken = if varying.contains(&l.var) { trips.min(samples) } else { trips.min(1) };
        let mut total = 0.0;
        for k in 0..taken {
            let iteration = (2 * k + 1) * trips / (2 * taken);
            at.insert(l.var, eval(&l.range.begin, at) + iteration * eval(&l.range.step, at));
            total += sample(program, varying, &l.body, at, (samples / 2).max(8));
        }
        at.remove(&l.var);
        if taken > 0 {
            sum += total * trips as f64 / taken as f64;
        }
    }
    sum
}

/// Names that are no symbols of the program count as one.
fn closed(program: &Program, e: Expr) -> Expr {
    e.subst(&|n| (!program.symbols.contains(&n)).then(Expr::one))
}

#[derive(Clone, Copy)]
pub(crate) enum Weight {
    /// Floating-point operations.
    Flop,
    /// Rough cost in scalar operations, memory included.
    Cost,
}

/// Sets [`For::work`] of parallel loops.
pub(crate) fn annotate(program: &mut Program) {
    let mut body = std::mem::take(&mut program.body);
    visit::lists_inner_first(&mut body, &mut |list| {
        for stmt in list.iter_mut() {
            if let Stmt::For(l) = stmt
                && l.schedule == LoopSchedule::Parallel
            {
                let per_iteration = count(program, &l.body, &Weight::Cost);
                let unknown = visit::defined_in(&l.body);
                l.work = mean(l, per_iteration).subst(&|n| unknown.contains(&n).then(Expr::one));
            }
        }
    });
    program.body = body;
}

/// Replaces the loop variable by its middle value.
fn mean(l: &For, e: Expr) -> Expr {
    if !e.contains(l.var) {
        return e;
    }
    let middle = (&l.range.begin + &l.range.end).floor_div(&Expr::int(2));
    e.subst1(l.var, &middle)
}

/// Operations of a list, over the names defined around it.
fn count(program: &Program, list: &[Stmt], weight: &Weight) -> Expr {
    list.iter().fold(Expr::zero(), |sum, stmt| sum + of_stmt(program, stmt, weight))
}

fn of_stmt(program: &Program, stmt: &Stmt, weight: &Weight) -> Expr {
    let own: i64 = stmt.values().iter().map(|v| of_value(program, v, weight)).sum();
    let own = own + of_target(program, stmt, weight);
    let below = match stmt {
        Stmt::For(l) => {
            let assigned = visit::defined_in(&l.body);
            let inner = count(program, &l.body, weight).subst(&|n| assigned.contains(&n).then(Expr::one));
            mean(l, inner) * trips(&l.range)
        }
        Stmt::Copy { from, .. } => match weight {
            Weight::Flop => Expr::zero(),
            Weight::Cost => volume(&from.shape) * 2,
        },
        Stmt::MatMul { a, b, .. } => {
            let columns = if b.shape.len() == 2 { b.shape[1].clone() } else { Expr::one() };
            volume(&a.shape) * columns * 2
        }
        Stmt::Library { op, inputs, .. } => call(*op, inputs, weight),
        _ => stmt.lists().iter().fold(Expr::zero(), |sum, list| sum + count(program, list, weight)),
    };
    below + own
}

/// Operations of a library call, the leading term; logarithms count as a few.
fn call(op: LibraryOp, inputs: &[Operand], weight: &Weight) -> Expr {
    let Some(a) = inputs.first() else { return Expr::zero() };
    let elements = volume(&a.shape);
    let side = a.shape.last().cloned().unwrap_or_else(Expr::one);
    let columns = inputs.get(1).and_then(|b| b.shape.get(1)).cloned().unwrap_or_else(Expr::zero);
    match (op, weight) {
        (LibraryOp::Sort | LibraryOp::ArgSort, Weight::Flop) => Expr::zero(),
        (LibraryOp::Sort | LibraryOp::ArgSort, Weight::Cost) => elements * 30,
        (LibraryOp::Fft { .. }, _) => elements * 50,
        (LibraryOp::Cholesky, _) => (elements * side).floor_div(&Expr::int(3)),
        (LibraryOp::Det, _) => (elements * side * 2).floor_div(&Expr::int(3)),
        (LibraryOp::Solve, _) => (&elements * side * 2).floor_div(&Expr::int(3)) + elements * columns * 2,
        (LibraryOp::Inv | LibraryOp::Qr, _) => elements * side * 2,
        (LibraryOp::Eigh, _) => elements * side * 9,
        (LibraryOp::Svd { .. } | LibraryOp::Lstsq, _) => elements * side * 12,
    }
}

fn volume(shape: &[Expr]) -> Expr {
    shape.iter().fold(Expr::one(), |n, e| n * e)
}

/// Iterations, estimated: an end that is a minimum counts as the side that makes the length constant
/// (a whole tile), and extents over symbols as not negative.
fn trips(range: &Range) -> Expr {
    let free: BTreeSet<Name> = range_exprs(range).iter().flat_map(|e| e.free_symbols()).collect();
    if free.is_empty() {
        return range.size();
    }
    if let Some(Atom::Min(a, b)) = range.end.as_atom() {
        let to = |end: &Expr| Range { end: end.clone(), ..range.clone() }.extent();
        return [to(a), to(b)].into_iter().find(|n| n.as_int().is_some()).unwrap_or_else(|| range.extent());
    }
    range.extent()
}

/// What combining or folding costs beside its value.
fn of_target(program: &Program, stmt: &Stmt, weight: &Weight) -> i64 {
    match (stmt, weight) {
        (Stmt::Combine { buffer, .. }, Weight::Flop) => flops(program.buffers[buffer.0 as usize].dtype, 1),
        (Stmt::Update { value, .. }, Weight::Flop) => {
            type_of(program, value).map_or(1, |dtype| flops(dtype, 1))
        }
        (Stmt::Store { .. } | Stmt::Combine { .. } | Stmt::Update { .. }, Weight::Cost) => 1,
        _ => 0,
    }
}

/// The type of a value whose locals may be defined anywhere.
fn type_of(program: &Program, value: &Value) -> Option<DType> {
    dtype_of(value, &program.buffers, &|_| None).ok()
}

fn is_complex(program: &Program, value: &Value) -> bool {
    type_of(program, value).is_some_and(DType::is_complex)
}

fn flops(dtype: DType, n: i64) -> i64 {
    if dtype.is_float() {
        n
    } else if dtype.is_complex() {
        2 * n
    } else {
        0
    }
}

fn of_value(program: &Program, value: &Value, weight: &Weight) -> i64 {
    let below: i64 = value.operands().into_iter().map(|v| of_value(program, v, weight)).sum();
    let own = match weight {
        Weight::Cost => match value {
            Value::Lit(_) | Value::Local(_) | Value::Index(_) | Value::Cast(..) => 0,
            Value::Load { .. } | Value::Select(..) | Value::Un(..) => 1,
            // The lines of memory are seldom in order.
            Value::Gather { .. } => 4,
            Value::Bin(BinOp::Mul, a, _) if is_complex(program, a) => 4,
            Value::Bin(BinOp::Div, a, _) if is_complex(program, a) => 20,
            Value::Bin(op, ..) => match op {
                BinOp::Complex => 0,
                BinOp::Div | BinOp::FloorDiv | BinOp::Mod => 4,
                BinOp::Pow | BinOp::Atan2 | BinOp::Hypot | BinOp::Fmod => 15,
                _ => 1,
            },
            Value::Call(Func::Floor | Func::Ceil | Func::Trunc | Func::Rint | Func::Sqrt, _) => 4,
            Value::Call(Func::Conj | Func::Real | Func::Imag, _) => 0,
            Value::Call(Func::Sign, _) => 1,
            Value::Call(func, _) if func.is_test() => 1,
            Value::Call(..) => 15,
        },
        Weight::Flop => match value {
            Value::Bin(op, a, b) => {
                // A local on one side has the type of the other side.
                let dtype = type_of(program, a).or_else(|| type_of(program, b)).unwrap_or(DType::F64);
                match op {
                    BinOp::Mul if dtype.is_complex() => 6,
                    BinOp::Div if dtype.is_complex() => 11,
                    BinOp::Complex => 0,
                    BinOp::And | BinOp::Or | BinOp::Eq | BinOp::Ne => 0,
                    _ => flops(dtype, 1),
                }
            }
            Value::Call(Func::Conj | Func::Real | Func::Imag | Func::SignBit, _) => 0,
            Value::Call(..) => 1,
            Value::Un(UnOp::Neg | UnOp::Abs, a) => flops(type_of(program, a).unwrap_or(DType::F64), 1),
            _ => 0,
        },
    };
    below + own
}
