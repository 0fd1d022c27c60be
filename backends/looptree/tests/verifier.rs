//! Every invariant of programs has a program that breaks it, and only it.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::Wcr;
use weft_ir::symbolic::{Expr, Range};
use weft_ir::tasklet::BinOp;
use weft_looptree::*;

const A: BufferId = BufferId(0);
const B: BufferId = BufferId(1);
const T: BufferId = BufferId(2);

fn sym(name: &str) -> Expr {
    Expr::sym(name)
}

fn load(buffer: BufferId, at: &str) -> Value {
    Value::Load { buffer, index: vec![sym(at)] }
}

fn store(buffer: BufferId, at: &str, value: Value) -> Stmt {
    Stmt::Store { buffer, index: vec![sym(at)], value }
}

fn one() -> Value {
    Value::Lit(Scalar::F64(1.0))
}

fn each(var: &str, schedule: LoopSchedule, body: Vec<Stmt>) -> For {
    let range = Range::new(0, sym("N"));
    For { var: var.into(), range, schedule, accumulators: vec![], work: Expr::zero(), body, span: None }
}

fn buffer(name: &str, dtype: DType, placement: Placement) -> Buffer {
    Buffer { name: name.into(), dtype, shape: vec![sym("N")], strides: vec![Expr::one()], placement }
}

/// `f(A: f64[N], B: i64[N], N)` with a transient `T: f64[N]`, allocated first.
fn program(body: Vec<Stmt>) -> Program {
    Program {
        name: "f".into(),
        arguments: vec![A, B],
        symbols: vec!["N".into()],
        buffers: vec![
            buffer("A", DType::F64, Placement::Argument(0)),
            buffer("B", DType::I64, Placement::Argument(1)),
            buffer("T", DType::F64, Placement::Heap),
        ],
        guards: vec![],
        checks: vec![],
        body: [vec![Stmt::Alloc(T)], body].concat(),
    }
}

/// The only violation, which says `what`.
fn breaks(program: &Program, what: &str) {
    let found = verify(program).expect_err(what);
    assert!(found.len() == 1 && found[0].0.contains(what), "{found:?} instead of {what}");
}

fn broken(body: Vec<Stmt>, what: &str) {
    breaks(&program(body), what);
}

fn whole(buffer: BufferId) -> Operand {
    Operand { buffer, start: vec![Expr::zero()], shape: vec![sym("N")], strides: vec![Expr::one()] }
}

fn define(name: &str) -> Stmt {
    Stmt::Let { name: name.into(), dtype: DType::F64, value: one() }
}

#[test]
fn a_sound_program_passes() {
    let mut sum =
        each("i", LoopSchedule::Vector, vec![Stmt::Update { accumulator: "s".into(), value: load(A, "i") }]);
    sum.accumulators.push(Accumulator { name: "s".into(), dtype: DType::F64, op: Wcr::Sum, init: one() });
    let body = vec![
        Stmt::For(sum),
        Stmt::For(each("j", LoopSchedule::Parallel, vec![store(T, "j", Value::Local("s".into()))])),
    ];
    assert_eq!(verify(&program(body)), Ok(()));
}

#[test]
fn names_are_unique() {
    let twice = |schedule| Stmt::For(each("i", schedule, vec![]));
    broken(vec![twice(LoopSchedule::Sequential), twice(LoopSchedule::Sequential)], "'i' is defined twice");
    broken(vec![define("A")], "'A' is defined twice");
}

#[test]
fn arguments_are_at_their_positions() {
    let mut p = program(vec![]);
    p.arguments = vec![B, A];
    let found = verify(&p).expect_err("swapped");
    assert_eq!(found.len(), 2);
    assert!(found[0].0.contains("is not argument 0"));
}

#[test]
fn definitions_come_first() {
    broken(vec![store(A, "k", one())], "'k' is not defined");
    let inner = Stmt::For(each("i", LoopSchedule::Sequential, vec![define("x")]));
    let index = Stmt::Store { buffer: A, index: vec![Expr::zero()], value: Value::Local("x".into()) };
    broken(vec![inner, index], "local 'x' is not defined");
}

#[test]
fn transients_are_allocated_once_and_first() {
    let mut p = program(vec![Stmt::For(each("i", LoopSchedule::Sequential, vec![store(T, "i", one())]))]);
    p.body.swap(0, 1);
    breaks(&p, "used where it is not allocated");
    broken(vec![Stmt::Alloc(T)], "'T' is allocated twice");
    let mut p = program(vec![]);
    p.body.clear();
    breaks(&p, "'T' is never allocated");
    let mut p = program(vec![]);
    p.buffers[2].placement = Placement::Stack;
    breaks(&p, "on the stack and its extents vary");
}

#[test]
fn ranks_agree() {
    let index = vec![Expr::zero(), Expr::zero()];
    broken(vec![Stmt::Store { buffer: A, index, value: one() }], "'A' of rank 1 has 2 indices");
}

#[test]
fn types_agree() {
    let at_zero = |buffer, value| Stmt::Store { buffer, index: vec![Expr::zero()], value };
    broken(vec![at_zero(B, one())], "'B' is i64 and its value f64");
    let mixed = Value::Bin(BinOp::Add, Box::new(one()), Box::new(Value::Index(sym("N"))));
    broken(vec![at_zero(A, mixed)], "Add of f64 and i64");
    let branch = Stmt::If { cond: one(), then: vec![], otherwise: vec![] };
    broken(vec![branch], "'condition' is bool");
    broken(vec![Stmt::Assign { symbol: "k".into(), value: one() }], "'k' is i64");
    let rank_zero = Value::Bin(
        BinOp::Pow,
        Box::new(Value::Lit(Scalar::Bool(true))),
        Box::new(Value::Lit(Scalar::Bool(true))),
    );
    let local = Stmt::Let { name: "x".into(), dtype: DType::Bool, value: rank_zero };
    broken(vec![local], "Pow");
}

#[test]
fn only_sequential_loops_are_left_early() {
    broken(vec![Stmt::Break], "outside of a sequential loop");
    let inner = Stmt::For(each("i", LoopSchedule::Unordered, vec![Stmt::Continue]));
    let outer = Stmt::For(each("j", LoopSchedule::Sequential, vec![inner]));
    broken(vec![outer], "outside of a sequential loop");
    broken(
        vec![Stmt::For(each("i", LoopSchedule::Parallel, vec![Stmt::Return]))],
        "return in an unordered loop",
    );
}

#[test]
fn accumulators_belong_to_their_loop() {
    let update = || Stmt::Update { accumulator: "s".into(), value: one() };
    let sum = |body| {
        let mut l = each("i", LoopSchedule::Sequential, body);
        l.accumulators.push(Accumulator { name: "s".into(), dtype: DType::F64, op: Wcr::Sum, init: one() });
        Stmt::For(l)
    };
    broken(vec![sum(vec![]), update()], "folded into outside of its loop");
    broken(vec![sum(vec![store(A, "i", Value::Local("s".into()))])], "local 's' is not defined");
}

#[test]
fn steps_are_constants() {
    let mut l = each("i", LoopSchedule::Sequential, vec![]);
    l.range.step = sym("N");
    broken(vec![Stmt::For(l.clone())], "the step of 'i'");
    l.range.step = Expr::zero();
    broken(vec![Stmt::For(l)], "the step of 'i'");
}

#[test]
fn schedules_nest() {
    let inner = Stmt::For(each("i", LoopSchedule::Parallel, vec![]));
    broken(
        vec![Stmt::For(each("j", LoopSchedule::Parallel, vec![inner]))],
        "parallel loop 'i' in a parallel loop",
    );
    let inner = Stmt::For(each("i", LoopSchedule::Sequential, vec![]));
    broken(vec![Stmt::For(each("j", LoopSchedule::Vector, vec![inner]))], "vector loop 'j' has control flow");
}

#[test]
fn iterations_do_not_meet() {
    let same = || Stmt::Store { buffer: A, index: vec![Expr::zero()], value: one() };
    for schedule in [LoopSchedule::Parallel, LoopSchedule::Vector, LoopSchedule::Unordered] {
        broken(vec![Stmt::For(each("i", schedule, vec![same()]))], "write the same element of 'A'");
    }
    // One iteration meets no other; two do.
    for (count, fine) in [(0, true), (1, true), (2, false)] {
        let mut one_or_two = each("i", LoopSchedule::Parallel, vec![same()]);
        one_or_two.range = Range::new(0, count);
        assert_eq!(verify(&program(vec![Stmt::For(one_or_two)])).is_ok(), fine, "{count} iterations");
    }
    let sum =
        |atomic| Stmt::Combine { buffer: A, index: vec![Expr::zero()], op: Wcr::Sum, value: one(), atomic };
    broken(
        vec![Stmt::For(each("i", LoopSchedule::Parallel, vec![sum(false)]))],
        "write the same element of 'A'",
    );
    assert_eq!(verify(&program(vec![Stmt::For(each("i", LoopSchedule::Parallel, vec![sum(true)]))])), Ok(()));
    let copy = Stmt::Copy { from: whole(T), to: whole(A) };
    broken(vec![Stmt::For(each("i", LoopSchedule::Unordered, vec![copy]))], "write the same element of 'A'");
}

#[test]
fn parallel_loops_assign_only_their_own_symbols() {
    let assign = || Stmt::Assign { symbol: Name::new("k"), value: Value::Index(sym("N")) };
    let inside = Stmt::For(each("i", LoopSchedule::Parallel, vec![assign()]));
    assert_eq!(verify(&program(vec![inside.clone()])), Ok(()));
    broken(vec![assign(), inside], "'k' is shared");
}

#[test]
fn operands_fit() {
    broken(vec![Stmt::Copy { from: whole(A), to: whole(B) }], "a copy between different ranks or types");
    broken(vec![Stmt::MatMul { a: whole(A), b: whole(T), c: whole(A) }], "a product");
}

#[test]
fn checks_have_messages() {
    broken(vec![Stmt::Check { id: 0, cond: Value::Lit(Scalar::Bool(true)) }], "check 0 has no message");
}
