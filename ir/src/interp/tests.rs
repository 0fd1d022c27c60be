//! Hand-built graphs with known results, and planted faults that have to be found.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Array, Fault, Options, run};
use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::sdfg::*;
use crate::symbolic::{Expr, Range, Subset};
use crate::tasklet::{Assign, BinOp, Expr as E, UnOp};

fn e(text: &str) -> Expr {
    Expr::parse(text).expect("an expression")
}

fn range(text: &str) -> Range {
    Range::parse(text).expect("a range")
}

fn subset(text: &str) -> Subset {
    if text.is_empty() { Subset::default() } else { Subset::parse(text).expect("a subset") }
}

fn memlet(data: &str, at: &str) -> Memlet {
    Memlet::new(data, subset(at))
}

fn array(shape: &[&str], transient: bool) -> Data {
    Data::array(DType::F64, shape.iter().map(|s| e(s)).collect(), transient)
}

/// An SDFG with `f64` arguments and transients (those that begin with `t`), by name and shape.
fn sdfg(symbols: &[&str], containers: &[(&str, &[&str])]) -> Sdfg {
    let mut sdfg = Sdfg::new("test");
    for &s in symbols {
        sdfg.symbols.insert(s.into(), DType::I64);
        sdfg.args.push(s.into());
    }
    for &(name, shape) in containers {
        let transient = name.starts_with('t');
        sdfg.data.insert(name.into(), array(shape, transient));
        if !transient {
            sdfg.args.push(name.into());
        }
    }
    sdfg
}

fn map(label: &str, params: &[(&str, &str)]) -> Map {
    let params = params.iter().map(|(n, r)| (Name::new(n), range(r))).collect();
    Map { label: label.into(), params, schedule: Schedule::Default }
}

/// A tasklet of `f64` connectors: `o = value`.
fn tasklet(label: &str, inputs: &[&str], value: E) -> Tasklet {
    Tasklet {
        label: label.into(),
        inputs: inputs.iter().map(|&n| (n.into(), DType::F64)).collect(),
        outputs: vec![("o".into(), DType::F64)],
        code: vec![Assign { target: "o".into(), value }],
    }
}

fn input(node: NodeId, conn: &str, memlet: Memlet) -> Input {
    Input { node, conn: conn.into(), memlet }
}

fn add(a: &str, b: &str) -> E {
    E::bin(BinOp::Add, E::var(a), E::var(b))
}

/// A state that a closure fills.
fn state(sdfg: &mut Sdfg, label: &str, fill: impl FnOnce(&mut StateBuilder)) -> Block {
    let mut builder = StateBuilder::new(&sdfg.data, sdfg.assumptions());
    fill(&mut builder);
    Block::new(label.into(), BlockKind::State(builder.finish()), None)
}

fn block(label: &str, kind: BlockKind) -> Block {
    Block::new(label.into(), kind, None)
}

fn execute(
    sdfg: Sdfg,
    symbols: &[(&str, i64)],
    arrays: &[(&str, Array)],
    seed: u64,
) -> Result<BTreeMap<Name, Array>, Fault> {
    let verified = verify(sdfg).unwrap_or_else(|v| panic!("valid graph: {v:#?}"));
    let symbols = symbols.iter().map(|&(n, v)| (n.into(), v)).collect();
    let mut arrays: BTreeMap<Name, Array> = arrays.iter().map(|(n, a)| (Name::new(n), a.clone())).collect();
    run(&verified, &symbols, &mut arrays, Options { seed, max_steps: 1_000_000 }).map(|()| arrays)
}

fn vector(values: &[f64]) -> Array {
    Array::from_f64(&[values.len()], values)
}

/// `C[target] = A[i] + B[i]` for `i` in `0:N`.
fn vector_add(target: &str, wcr: Option<Wcr>) -> Sdfg {
    let mut g = sdfg(&["N"], &[("A", &["N"]), ("B", &["N"]), ("C", &["N"])]);
    let s = state(&mut g, "s0", |s| {
        let [a, b, c] = ["A", "B", "C"].map(|n| s.access(n, None));
        let inputs = [input(a, "a", memlet("A", "i")), input(b, "b", memlet("B", "i"))];
        let out = Memlet { wcr, ..memlet("C", target) };
        s.mapped(
            map("m", &[("i", "0:N")]),
            tasklet("t0", &["a", "b"], add("a", "b")),
            &inputs,
            &[input(c, "o", out)],
            None,
        );
    });
    g.body.push(s);
    g
}

fn three_vectors() -> [(&'static str, Array); 3] {
    [("A", vector(&[1., 2., 3.])), ("B", vector(&[10., 20., 30.])), ("C", vector(&[0.; 3]))]
}

#[test]
fn adds_vectors_in_any_order() {
    for seed in 0..4 {
        let out = execute(vector_add("i", None), &[("N", 3)], &three_vectors(), seed).expect("runs");
        assert_eq!(out[&"C".into()].to_f64(), [11., 22., 33.]);
    }
}

#[test]
fn finds_a_race_between_iterations() {
    let fault = execute(vector_add("0", None), &[("N", 3)], &three_vectors(), 1).expect_err("a race");
    assert!(matches!(&fault, Fault::Conflict { element, .. } if element == &[0]), "{fault}");
    assert_eq!(fault.to_string(), "iterations of map 'm' conflict: two write 'C[0]'");
    let out = execute(vector_add("0", Some(Wcr::Sum)), &[("N", 3)], &three_vectors(), 1).expect("resolved");
    assert_eq!(out[&"C".into()].to_f64(), [66., 0., 0.]);
    // One iteration cannot conflict with itself.
    let one = [("A", vector(&[1.])), ("B", vector(&[2.])), ("C", vector(&[0.]))];
    execute(vector_add("0", None), &[("N", 1)], &one, 1).expect("runs");
}

#[test]
fn finds_a_carried_dependence() {
    let mut g = sdfg(&["N"], &[("A", &["N"])]);
    let s = state(&mut g, "s0", |s| {
        let (from, to) = (s.access("A", None), s.access("A", None));
        let ins = [input(from, "a", memlet("A", "i"))];
        s.mapped(
            map("m", &[("i", "0:N - 1")]),
            tasklet("t0", &["a"], E::var("a")),
            &ins,
            &[input(to, "o", memlet("A", "i + 1"))],
            None,
        );
    });
    g.body.push(s);
    for seed in 0..4 {
        let fault = execute(g.clone(), &[("N", 5)], &[("A", vector(&[1.; 5]))], seed).expect_err("a race");
        assert!(matches!(fault, Fault::Conflict { .. }), "{fault}");
    }
}

#[test]
fn finds_accesses_out_of_bounds() {
    let fault =
        execute(vector_add("2 * i", None), &[("N", 3)], &three_vectors(), 0).expect_err("out of bounds");
    assert_eq!(fault.to_string(), "index [4] is out of bounds for 'C' of shape [3]");
}

#[test]
fn refuses_arguments_that_do_not_fit() {
    let mut arrays = three_vectors();
    arrays[1].1 = vector(&[1.; 4]);
    let fault = execute(vector_add("i", None), &[("N", 3)], &arrays, 1).expect_err("a wrong shape");
    assert_eq!(fault.to_string(), "argument 'B': the shape is [4] instead of [3]");
    let fault = execute(vector_add("i", None), &[], &arrays, 1).expect_err("no N");
    assert!(matches!(fault, Fault::Argument { .. }));
    let mut g = vector_add("i", None);
    g.guards.push(Guard::NonNegative(e("N - 4")));
    let fault = execute(g, &[("N", 3)], &three_vectors(), 1).expect_err("a guard");
    assert_eq!(fault.to_string(), "the graph relies on N - 4 >= 0, which does not hold for these arguments");
}

/// `t` steps of `B[1:-1] = (A[:-2] + A[2:]) / 2; A = B` on the inner part.
fn jacobi() -> Sdfg {
    let mut g = sdfg(&["N", "T"], &[("A", &["N"]), ("tmp", &["N - 2"])]);
    g.guards.push(Guard::NonNegative(e("N - 3")));
    let s = state(&mut g, "s0", |s| {
        let (a, tmp, to) = (s.access("A", None), s.access("tmp", None), s.access("A", None));
        let half = E::bin(BinOp::Mul, E::f64(0.5), add("l", "r"));
        let ins = [input(a, "l", memlet("A", "i")), input(a, "r", memlet("A", "i + 2"))];
        s.mapped(
            map("m", &[("i", "0:N - 2")]),
            tasklet("t0", &["l", "r"], half),
            &ins,
            &[input(tmp, "o", memlet("tmp", "i"))],
            None,
        );
        s.copy(tmp, to, Memlet::copy("tmp", subset("0:N - 2"), subset("1:N - 1")));
    });
    let body = Region { blocks: vec![Arc::new(s)] };
    g.body.push(block("loop", BlockKind::Loop { var: "t".into(), range: range("0:T"), body }));
    g
}

#[test]
fn iterates_jacobi() {
    let out =
        execute(jacobi(), &[("N", 5), ("T", 2)], &[("A", vector(&[0., 0., 0., 0., 8.]))], 3).expect("runs");
    assert_eq!(out[&"A".into()].to_f64(), [0., 0., 2., 4., 8.]);
}

#[test]
fn multiplies_and_reduces() {
    let mut g = sdfg(&["M", "K"], &[("A", &["K", "M"]), ("x", &["K"]), ("y", &["M"]), ("s", &[])]);
    let s = state(&mut g, "s0", |s| {
        let [a, x, y, sum] = ["A", "x", "y", "s"].map(|n| s.access(n, None));
        let matmul =
            Library { label: "mm".into(), kind: LibraryKind::MatMul { trans_a: true, trans_b: false } };
        let ins = [input(a, "a", memlet("A", "0:K, 0:M")), input(x, "b", memlet("x", "0:K"))];
        s.library(matmul, &ins, &[input(y, "c", memlet("y", "0:M"))], None);
        let kind = LibraryKind::Reduce { op: Wcr::Max, axes: vec![0], identity: None };
        let reduce = Library { label: "red".into(), kind };
        s.library(
            reduce,
            &[input(y, "input", memlet("y", "0:M"))],
            &[input(sum, "output", memlet("s", ""))],
            None,
        );
    });
    g.body.push(s);
    let args = [
        ("A", Array::from_f64(&[3, 2], &[1., 2., 3., 4., 5., 6.])),
        ("x", vector(&[1., 10., 100.])),
        ("y", vector(&[0., 0.])),
        ("s", Array::scalar(Scalar::F64(0.))),
    ];
    let out = execute(g.clone(), &[("M", 2), ("K", 3)], &args, 1).expect("runs");
    assert_eq!(out[&"y".into()].to_f64(), [531., 642.]);
    assert_eq!(out[&"s".into()].to_f64(), [642.]);
    // No products: zeros. Nothing to reduce: a fault.
    let args = [
        ("A", Array::from_f64(&[0, 0], &[])),
        ("x", vector(&[])),
        ("y", vector(&[])),
        ("s", Array::scalar(Scalar::F64(0.))),
    ];
    let fault = execute(g, &[("M", 0), ("K", 0)], &args, 1).expect_err("an empty maximum");
    assert!(matches!(fault, Fault::Value { .. }), "{fault}");
}

#[test]
fn loops_while_and_breaks() {
    // while True: n = n + 1; if n >= 5: break; y = n
    let mut g = sdfg(&[], &[("y", &[])]);
    let at_least = |n: i64| E::bin(BinOp::Ge, E::Sym(e("n")), E::Lit(Scalar::i64(n)));
    let assign = |label: &str, value: E| block(label, BlockKind::Assign { symbol: "n".into(), value });
    let stop = Region { blocks: vec![Arc::new(block("stop", BlockKind::Break))] };
    let mut body = Region::default();
    body.push(assign("next", E::Sym(e("n + 1"))));
    let branches = vec![(at_least(5), stop)];
    body.push(block("test", BlockKind::Conditional { branches, otherwise: Region::default() }));
    g.body.push(assign("start", E::Lit(Scalar::i64(0))));
    g.body.push(block("while", BlockKind::While { cond: E::Lit(Scalar::Bool(true)), body }));
    let s = state(&mut g, "s0", |s| {
        let y = s.access("y", None);
        let value = E::cast(DType::F64, E::Sym(e("n")));
        s.mapped(map("m", &[]), tasklet("t0", &[], value), &[], &[input(y, "o", memlet("y", ""))], None);
    });
    g.body.push(s);
    let message = "n too small".to_string();
    let cond = E::bin(BinOp::Gt, E::var("y"), E::f64(5.0));
    let mut failing = g.clone();
    failing.body.push(block("check", BlockKind::Check { cond, message }));
    let arrays = [("y", Array::scalar(Scalar::F64(0.)))];
    let out = execute(g, &[], &arrays, 1).expect("runs");
    assert_eq!(out[&"y".into()].to_f64(), [5.]);
    let fault = execute(failing, &[], &arrays, 1).expect_err("the check");
    assert!(matches!(&fault, Fault::Check { message, .. } if message == "n too small"));
}

#[test]
fn gives_up_on_endless_loops() {
    let mut g = sdfg(&[], &[]);
    let cond = E::un(UnOp::Not, E::Lit(Scalar::Bool(false)));
    g.body.push(block("while", BlockKind::While { cond, body: Region::default() }));
    assert_eq!(execute(g, &[], &[], 1), Err(Fault::Steps { limit: 1_000_000 }));
}

#[test]
fn finds_reads_of_unwritten_elements() {
    let mut g = jacobi();
    let BlockKind::Loop { body, .. } = &mut Arc::make_mut(&mut g.body.blocks[0]).kind else { panic!() };
    let BlockKind::State(graph) = &mut Arc::make_mut(&mut body.blocks[0]).kind else { panic!() };
    let map = graph.maps().next().expect("the map").0;
    graph.map_mut(map).params[0].1 = range("1:N - 2");
    let arrays = [("A", vector(&[0., 0., 0., 0., 8.]))];
    let fault = execute(g, &[("N", 5), ("T", 1)], &arrays, 3).expect_err("an unwritten element");
    assert_eq!(fault.to_string(), "'tmp[0]' is read before it is written");
}

/// `C[i] = (A[i] + B[i])` through a transient inside the map.
fn with_local(lifetime: Lifetime) -> Sdfg {
    let mut g = sdfg(&["N"], &[("A", &["N"]), ("C", &["N"]), ("tmp", &[])]);
    g.data.get_mut(&"tmp".into()).expect("tmp").lifetime = lifetime;
    let mut graph = StateGraph::new();
    let (a, tmp, c) = (
        graph.add_node(Node::Access("A".into()), None),
        graph.add_node(Node::Access("tmp".into()), None),
        graph.add_node(Node::Access("C".into()), None),
    );
    let (entry, exit, _) = graph.add_map(map("m", &[("i", "0:N")]), None);
    let double = tasklet("t0", &["a"], add("a", "a"));
    let double = graph.add_node(Node::Tasklet(double), None);
    graph.connect(a, Port::new(entry, "IN_A"), memlet("A", "0:N"));
    graph.connect(Port::new(entry, "OUT_A"), tmp, memlet("A", "i"));
    graph.connect(tmp, Port::new(double, "a"), memlet("tmp", ""));
    graph.connect(Port::new(double, "o"), Port::new(exit, "IN_C"), memlet("C", "i"));
    graph.connect(Port::new(exit, "OUT_C"), c, memlet("C", "0:N"));
    g.body.push(block("s0", BlockKind::State(graph)));
    g
}

#[test]
fn locals_are_private_to_an_iteration() {
    let args = [("A", vector(&[1., 2., 3.])), ("C", vector(&[0.; 3]))];
    let out = execute(with_local(Lifetime::Scope), &[("N", 3)], &args, 1).expect("runs");
    assert_eq!(out[&"C".into()].to_f64(), [2., 4., 6.]);
    let fault = execute(with_local(Lifetime::Sdfg), &[("N", 3)], &args, 1).expect_err("shared");
    assert!(matches!(fault, Fault::Conflict { .. }), "{fault}");
}

/// For each row `i` of `A`, a nested SDFG that doubles the row in place and stops at `T` rounds.
fn nested(stride: &str) -> Sdfg {
    let mut inner = sdfg(&["n", "rounds"], &[("row", &["n"])]);
    let s = state(&mut inner, "inner_state", |s| {
        let (from, to) = (s.access("row", None), s.access("row", None));
        let ins = [input(from, "a", memlet("row", "k"))];
        let double = tasklet("double", &["a"], add("a", "a"));
        s.mapped(
            map("inner_map", &[("k", "0:n")]),
            double,
            &ins,
            &[input(to, "o", memlet("row", "k"))],
            None,
        );
    });
    let body = Region { blocks: vec![Arc::new(s)] };
    inner.body.push(block("inner_loop", BlockKind::Loop { var: "r".into(), range: range("0:rounds"), body }));

    let mut g = sdfg(&["M", "N"], &[("A", &["M", "2 * N"])]);
    let symbols = [("n".into(), e("N")), ("rounds".into(), e("i"))].into();
    let mut graph = StateGraph::new();
    let (from, to) =
        (graph.add_node(Node::Access("A".into()), None), graph.add_node(Node::Access("A".into()), None));
    let (entry, exit, _) = graph.add_map(map("m", &[("i", "0:M")]), None);
    let call = Nested { label: "call".into(), sdfg: Arc::new(inner), symbols };
    let call = graph.add_node(Node::Nested(call), None);
    let row = format!("i, 0:{stride} * N:{stride}");
    graph.connect(from, Port::new(entry, "IN_A"), memlet("A", "0:M, 0:2 * N"));
    graph.connect(Port::new(entry, "OUT_A"), Port::new(call, "row"), memlet("A", &row));
    graph.connect(Port::new(call, "row"), Port::new(exit, "IN_A"), memlet("A", &row));
    graph.connect(Port::new(exit, "OUT_A"), to, memlet("A", "0:M, 0:2 * N"));
    g.body.push(block("s0", BlockKind::State(graph)));
    g
}

#[test]
fn nested_graphs_work_on_their_part() {
    let args = [("A", Array::from_f64(&[3, 4], &[1.; 12]))];
    let out = execute(nested("1"), &[("M", 3), ("N", 2)], &args, 5).expect("runs");
    assert_eq!(out[&"A".into()].to_f64(), [1., 1., 1., 1., 2., 2., 1., 1., 4., 4., 1., 1.]);
    let out = execute(nested("2"), &[("M", 3), ("N", 2)], &args, 5).expect("runs");
    assert_eq!(out[&"A".into()].to_f64(), [1., 1., 1., 1., 2., 1., 2., 1., 4., 1., 4., 1.]);
}

#[test]
fn deep_nesting_does_not_overflow() {
    let mut g = sdfg(&[], &[]);
    let mut region = Region::default();
    for depth in 0..60 {
        let label = format!("if_{depth}");
        let branches = vec![(E::Lit(Scalar::Bool(true)), region)];
        region = Region::default();
        region.push(block(&label, BlockKind::Conditional { branches, otherwise: Region::default() }));
    }
    g.body = region;
    execute(g, &[], &[], 1).expect("runs");
}

#[test]
fn a_million_tasklets_take_seconds() {
    let g = vector_add("i", None);
    let n = 200_000;
    let zeros = Array::zeros(DType::F64, &[n]);
    let mut arrays = ["A", "B", "C"].map(|n| (n.into(), zeros.clone())).into();
    let verified = verify(g).expect("valid");
    let start = std::time::Instant::now();
    let options = Options { seed: 1, max_steps: 1_000_000 };
    run(&verified, &[("N".into(), n as i64)].into(), &mut arrays, options).expect("runs");
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    println!("{:?} a tasklet", start.elapsed() / n as u32);
}

#[test]
fn the_deepest_valid_graphs_run_on_a_small_stack() {
    // Nested graphs in maps in loops, as deep as the verifier allows, and a deep expression inside.
    let deep = (0..200).fold(E::var("a"), |e, _| E::un(UnOp::Neg, e));
    let mut inner = sdfg(&[], &[("x", &[])]);
    let s = state(&mut inner, "s", |s| {
        let (from, to) = (s.access("x", None), s.access("x", None));
        let out = [input(to, "o", memlet("x", ""))];
        s.mapped(
            map("none", &[]),
            tasklet("t", &["a"], deep),
            &[input(from, "a", memlet("x", ""))],
            &out,
            None,
        );
    });
    inner.body.push(s);
    for _ in 0..verify::MAX_NESTING / 3 {
        let mut graph = StateGraph::new();
        let nested = Nested { label: "call".into(), sdfg: Arc::new(inner), symbols: BTreeMap::new() };
        let call = graph.add_node(Node::Nested(nested), None);
        let (from, to) =
            (graph.add_node(Node::Access("x".into()), None), graph.add_node(Node::Access("x".into()), None));
        let (entry, exit, _) = graph.add_map(map("m", &[("i", "0:1")]), None);
        graph.connect(from, Port::new(entry, "IN_x"), memlet("x", ""));
        graph.connect(Port::new(entry, "OUT_x"), Port::new(call, "x"), memlet("x", ""));
        graph.connect(Port::new(call, "x"), Port::new(exit, "IN_x"), memlet("x", ""));
        graph.connect(Port::new(exit, "OUT_x"), to, memlet("x", ""));
        inner = sdfg(&[], &[("x", &[])]);
        let body = Region { blocks: vec![Arc::new(block("s", BlockKind::State(graph)))] };
        inner.body.push(block("loop", BlockKind::Loop { var: "k".into(), range: range("0:1"), body }));
    }
    let arrays = [("x", Array::scalar(Scalar::F64(3.)))];
    let run = move || execute(inner, &[], &arrays, 1).expect("runs")[&"x".into()].to_f64();
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).expect("a thread");
    assert_eq!(thread.join().expect("no overflow"), [3.]);
}

#[test]
fn copies_cross_map_scopes_and_ranges_read_containers() {
    // tmp = A[i, :] inside the map, doubled, and copied out to C[i, :]; the map's end is read from n.
    let mut g = sdfg(&["N"], &[("A", &["N", "2"]), ("C", &["N", "2"]), ("tmp", &["2"])]);
    g.data.insert("rows".into(), Data::scalar(DType::I32, false));
    g.args.push("rows".into());
    let mut graph = StateGraph::new();
    let [a, c, rows, tmp] = ["A", "C", "rows", "tmp"].map(|n| graph.add_node(Node::Access(n.into()), None));
    let (entry, exit, _) = graph.add_map(map("m", &[("i", "0:end")]), None);
    graph.connect(rows, Port::new(entry, "IN_end"), memlet("rows", ""));
    graph.connect(a, Port::new(entry, "IN_A"), memlet("A", "0:N, 0:2"));
    graph.connect(Port::new(entry, "OUT_A"), tmp, memlet("A", "i, 0:2"));
    let out = Memlet { other: Some(subset("0:2")), ..memlet("C", "i, 0:2") };
    graph.connect(tmp, Port::new(exit, "IN_C"), out);
    graph.connect(Port::new(exit, "OUT_C"), c, memlet("C", "0:N, 0:2"));
    g.body.push(block("s0", BlockKind::State(graph)));
    let args = |rows: i128| {
        [
            ("A", Array::from_f64(&[3, 2], &[1., 2., 3., 4., 5., 6.])),
            ("C", Array::from_f64(&[3, 2], &[0.; 6])),
            ("rows", Array::scalar(Scalar::Int(DType::I32, rows))),
        ]
    };
    let out = execute(g.clone(), &[("N", 3)], &args(2), 4).expect("runs");
    assert_eq!(out[&"C".into()].to_f64(), [1., 2., 3., 4., 0., 0.]);
    let fault = execute(g, &[("N", 3)], &args(4), 4).expect_err("out of bounds");
    assert!(matches!(fault, Fault::OutOfBounds { .. }), "{fault}");
}

/// Runs a graph given as text.
fn execute_text(text: &str, symbols: &[(&str, i64)], arrays: &[(&str, Array)]) -> Result<Vec<f64>, Fault> {
    let g = crate::text::parse(text).unwrap_or_else(|e| panic!("{e}"));
    Ok(execute(g, symbols, arrays, 5)?[&"y".into()].to_f64())
}

#[test]
fn gathers_pick_elements() {
    let args = |idx: &[i64]| {
        [
            ("A", Array::from_f64(&[2, 3], &[1., 2., 3., 4., 5., 6.])),
            ("idx", Array::from_i64(&[2], idx)),
            ("y", Array::from_f64(&[2], &[0.; 2])),
        ]
    };
    let gather = |value: &str| {
        format!(
            "sdfg g(A: f64[2, 3], idx: i64[2], y: f64[2])\n  state s\n    map m [i = 0:2]\n      t: y[i] = {value}\n"
        )
    };
    let run = |value: &str, idx: &[i64]| execute_text(&gather(value), &[], &args(idx));
    assert_eq!(run("A[idx[i] - 1, idx[1 - i]]", &[2, 1]), Ok(vec![5., 3.]));
    assert_eq!(run("A[idx[idx[i]], sym(i)]", &[1, 0]), Ok(vec![1., 5.]));
    assert_eq!(run("A[sym(i), idx[i]] if idx[i] < 3 else -1.0", &[2, 3]), Ok(vec![3., -1.]));
    let fault = run("A[sym(i), idx[i]]", &[2, 3]).expect_err("out of bounds");
    let at = |f: &Fault| matches!(f, Fault::OutOfBounds { index, .. } if *index == [1, 3]);
    assert!(at(&fault), "{fault}");
    let fault = run("A[idx[i], 0 * idx[i]]", &[-1, 0]).expect_err("out of bounds");
    assert!(matches!(fault, Fault::OutOfBounds { .. }), "{fault}");
}

#[test]
fn gathers_are_watched_for_conflicts() {
    // Each iteration writes what it alone reads, but for one that picks its neighbour's element.
    let text = "sdfg g(y: f64[N], idx: i64[N])\n  state s\n    map m [i = 0:N]\n      nested n (N = N)\n        \
                in a = y[0:N]\n        in at = idx[i]\n        out y[0:N] = a\n        sdfg inner(a: f64[N], at: i64[])\n          \
                state t\n            u: a[0] = a[at] + 0.0\n";
    let args = [("y", Array::from_f64(&[2], &[1., 2.])), ("idx", Array::from_i64(&[2], &[0, 1]))];
    let fault = execute_text(text, &[("N", 2)], &args).expect_err("a conflict");
    assert!(matches!(fault, Fault::Conflict { .. }), "{fault}");
}

#[test]
fn library_calls_report_what_numpy_raises() {
    let text = |op: &str| {
        format!("sdfg g(a: f64[2, 2], y: f64[2, 2])\n  state s\n    c: {op} y[0:2, 0:2] = a[0:2, 0:2]\n")
    };
    let args = |a: &[f64]| [("a", Array::from_f64(&[2, 2], a)), ("y", Array::from_f64(&[2, 2], &[0.; 4]))];
    let run = |op: &str, a: &[f64]| execute_text(&text(op), &[], &args(a));
    assert_eq!(run("inv", &[2., 0., 0., 4.]), Ok(vec![0.5, 0., 0., 0.25]));
    // Only the lower triangle counts.
    assert_eq!(run("cholesky", &[4., 9., 2., 5.]), Ok(vec![2., 0., 1., 2.]));
    for (op, message) in [("inv", "Singular matrix"), ("cholesky", "Matrix is not positive definite")] {
        let fault = run(op, &[1., 1., 1., 1.]).expect_err("it fails");
        assert!(matches!(&fault, Fault::Failed { message: m, .. } if m == message), "{fault}");
    }
    let wrong = text("inv").replace("a[0:2, 0:2]\n", "a[0:2, 0:N]\n").replace("(a", "(N: i64, a");
    let fault = execute_text(&wrong, &[("N", 1)], &args(&[1.; 4])).expect_err("shapes do not fit");
    assert!(matches!(fault, Fault::Shape { .. }), "{fault}");
}
