//! For each invariant a graph that breaks it, by its number in the module doc; and random damage.

use std::sync::Arc;

use super::*;
use crate::DType;
use crate::dtype::Scalar;
use crate::interp;
use crate::sdfg::*;
use crate::symbolic::{Range, Subset};
use crate::tasklet::{BinOp, Expr as E};
use crate::text;

const GOOD: &str = "
sdfg good(N: i64, A: f64[N, N], B: f64[N], flag: bool) -> return_0: f64
  guard N - 1 >= 0
  transient tmp: f64[N]
  assign n = N @n0
  loop t = 0:N @loop
    if flag @if
      break @break
    state s0
      map m0 [i = 0:N]
        double: tmp[i] = A[i, t] + A[i, t]
      map m1 [j = 0:N]
        move: B[j] = tmp[j]
  state s1
    mm: matmul tmp[0:N] = A[0:N, 0:N] @ B[0:N]
    red: reduce sum return_0 = tmp[0:N] over 0 from 0.0
    copy tmp[0:N] -> B[0:N]
";

fn parse(text: &str) -> Sdfg {
    text::parse(text).unwrap_or_else(|e| panic!("{e:?}"))
}

fn good() -> Sdfg {
    parse(GOOD)
}

fn messages(sdfg: Sdfg) -> Vec<String> {
    verify(sdfg).err().unwrap_or_default().into_iter().map(|v| v.message).collect()
}

#[track_caller]
fn breaks(sdfg: Sdfg, message: &str) {
    let found = messages(sdfg);
    assert!(found.iter().any(|m| m.contains(message)), "'{message}' is not among {found:#?}");
}

/// The good graph with one thing changed.
#[track_caller]
fn changed(message: &str, change: impl FnOnce(&mut Sdfg)) {
    let mut sdfg = good();
    change(&mut sdfg);
    breaks(sdfg, message);
}

fn block<'g>(region: &'g mut Region, label: &str) -> Option<&'g mut Block> {
    let mut id = None;
    region.walk(&mut |b| {
        if b.label.as_str() == label {
            id = Some(b.id);
        }
    });
    region.find_mut(id?)
}

fn state<'g>(sdfg: &'g mut Sdfg, label: &str) -> &'g mut StateGraph {
    match &mut block(&mut sdfg.body, label).expect("a block").kind {
        BlockKind::State(graph) => graph,
        _ => panic!("no state"),
    }
}

fn node(graph: &StateGraph, label: &str) -> NodeId {
    let named = |n: &Node| match n {
        Node::Tasklet(t) => t.label.as_str() == label,
        Node::Library(l) => l.label.as_str() == label,
        Node::Nested(n) => n.label.as_str() == label,
        Node::Access(name) => name.as_str() == label,
        Node::MapEntry(m) => graph.map(*m).label.as_str() == label,
        Node::MapExit(_) => false,
    };
    graph.nodes().find(|(_, n)| named(n)).expect("a node").0
}

fn memlet(graph: &mut StateGraph, find: impl Fn(&StateGraph, &Edge) -> bool) -> &mut Memlet {
    let id = graph.edges().find(|e| e.memlet.is_some() && find(graph, e)).expect("an edge").id;
    graph.memlet_mut(id).as_mut().expect("a memlet")
}

fn into(label: &str) -> impl Fn(&StateGraph, &Edge) -> bool {
    move |g, e| e.dst.node == node(g, label)
}

fn out_of(label: &str) -> impl Fn(&StateGraph, &Edge) -> bool {
    move |g, e| e.src.node == node(g, label)
}

fn tasklet<'g>(sdfg: &'g mut Sdfg, label: &str) -> &'g mut Tasklet {
    let graph = state(sdfg, "s0");
    let id = node(graph, label);
    match graph.node_mut(id) {
        Node::Tasklet(tasklet) => tasklet,
        _ => panic!("no tasklet"),
    }
}

fn subset(text: &str) -> Subset {
    Subset::parse(text).expect("a subset")
}

fn expr(text: &str) -> Expr {
    Expr::parse(text).expect("an expression")
}

#[test]
fn the_good_graph_and_the_fixtures_are_valid() {
    assert_eq!(messages(good()), [""; 0]);
    for (name, sdfg) in fixtures() {
        assert_eq!(messages(sdfg), [""; 0], "{name}");
    }
}

fn fixtures() -> Vec<(String, Sdfg)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut paths: Vec<_> =
        std::fs::read_dir(root).expect("fixtures").map(|e| e.expect("a file").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "weft"));
    paths.sort();
    let load =
        |p: std::path::PathBuf| (p.display().to_string(), parse(&std::fs::read_to_string(p).expect("text")));
    paths.into_iter().map(load).collect()
}

#[test]
fn i01_labels_and_ids_are_unique() {
    changed("label 'double' is used twice", |g| tasklet(g, "move").label = "double".into());
    changed("is used twice", |g| {
        let copy = Block { label: "again".into(), ..(*g.body.blocks[2]).clone() };
        g.body.push(copy);
    });
}

#[test]
fn i02_names_are_one_thing() {
    changed("a map parameter has the name 'i': two are 'i'", |g| {
        let graph = state(g, "s0");
        let map = graph.maps().nth(1).expect("m1").0;
        graph.map_mut(map).params[0].0 = "i".into();
    });
    changed("a loop variable has the name 'tmp': another is a container", |g| {
        if let BlockKind::Loop { var, .. } = &mut block(&mut g.body, "loop").expect("loop").kind {
            *var = "tmp".into();
        }
    });
}

#[test]
fn i03_interface() {
    changed("argument 'X' does not exist", |g| g.args.push("X".into()));
    changed("argument 'tmp' is transient", |g| g.args.push("tmp".into()));
    changed("result 'X' is not a container", |g| g.returns.push("X".into()));
    changed("result 'tmp' is transient", |g| g.returns.push("tmp".into()));
    changed("argument 'A' is listed twice", |g| g.args.push("A".into()));
    changed("result 'A' is listed twice", |g| g.returns.push("A".into()));
    changed("container 'return_0' is neither", |g| g.returns.clear());
    changed("symbol 'N' has type f64", |g| {
        g.symbols.insert("N".into(), DType::F64);
    });
}

#[test]
fn i04_shapes() {
    changed("the shape of 'B' uses 'n'", |g| g.data.get_mut(&"B".into()).expect("B").shape[0] = expr("n"));
    changed("has the extent -1", |g| g.data.get_mut(&"tmp".into()).expect("tmp").shape[0] = expr("-1"));
    changed("of rank 1 has 0 strides", |g| g.data.get_mut(&"tmp".into()).expect("tmp").strides.clear());
    changed("symbol 'q' has no value here", |g| {
        g.data.get_mut(&"tmp".into()).expect("tmp").shape[0] = expr("q")
    });
}

#[test]
fn i05_guards() {
    changed("a guard uses 'n'", |g| g.guards.push(Guard::Zero(expr("n - 2"))));
}

#[test]
fn i06_symbols_have_values() {
    changed("symbol 'q' has no value here", |g| {
        memlet(state(g, "s0"), into("double")).subset = subset("i, q");
    });
    changed("symbol 'j' has no value here", |g| {
        memlet(state(g, "s0"), into("double")).subset = subset("j, t");
    });
    changed("symbol 't' has no value here", |g| {
        memlet(state(g, "s1"), |_, e| e.src.conn.is_none()).subset = subset("t, 0:N");
    });
    let text = "sdfg f(N: i64, c: bool, x: f64)\n  if c @if\n    assign k = 1 @a\n  state s\n    t: x = f64(sym(k))\n";
    breaks(parse(text), "symbol 'k' has no value here");
    let both = "sdfg f(N: i64, c: bool, x: f64)\n  if c @if\n    assign k = 1 @a\n  else\n    return @r\n  state s\n    t: x = f64(sym(k))\n";
    assert_eq!(messages(parse(both)), [""; 0]);
}

#[test]
fn i07_steps_are_constants() {
    for step in ["0", "N"] {
        changed("is not a constant other than zero", |g| {
            if let BlockKind::Loop { range, .. } = &mut block(&mut g.body, "loop").expect("loop").kind {
                range.step = expr(step);
            }
        });
        changed("is not a constant other than zero", |g| {
            let graph = state(g, "s0");
            let map = graph.maps().next().expect("m0").0;
            graph.map_mut(map).params[0].1.step = expr(step);
        });
    }
}

#[test]
fn i08_conditions_have_types() {
    let check = |cond: E| Block::new("check".into(), BlockKind::Check { cond, message: String::new() }, None);
    changed("an expression of type f64 instead of bool", |g| {
        g.body.push(check(E::f64(1.0)));
    });
    changed("'B' is not a scalar container", |g| {
        let cond = E::bin(BinOp::Gt, E::var("B"), E::f64(1.0));
        g.body.push(check(cond));
    });
    changed("Add of f64 and i64", |g| {
        g.body.push(check(E::bin(BinOp::Add, E::f64(1.0), E::Lit(Scalar::i64(1)))));
    });
    changed("an expression of type f64 instead of i64", |g| {
        let kind = BlockKind::Assign { symbol: "n".into(), value: E::f64(1.0) };
        g.body.push(Block::new("n1".into(), kind, None));
    });
}

#[test]
fn i09_break_is_in_a_loop() {
    for (kind, name) in [(BlockKind::Break, "'break'"), (BlockKind::Continue, "'continue'")] {
        changed(&format!("{name} outside a loop"), |g| {
            g.body.push(Block::new("b".into(), kind, None));
        });
    }
}

#[test]
fn i10_nesting_is_bounded() {
    let nest = |depth: usize| {
        let mut region = Region::default();
        for k in 0..depth {
            let body = std::mem::take(&mut region);
            let kind = BlockKind::While { cond: E::Lit(Scalar::Bool(false)), body };
            region.push(Block::new(Name::new(&format!("w{k}")), kind, None));
        }
        let mut sdfg = Sdfg::new("deep");
        sdfg.body = region;
        sdfg
    };
    assert_eq!(messages(nest(MAX_NESTING)), [""; 0]);
    breaks(nest(MAX_NESTING + 1), "deep");
    breaks(nest(5000), "deep");
    let deep = (0..5000).fold(E::f64(1.0), |e, _| E::un(crate::tasklet::UnOp::Neg, e));
    changed("nested deeper than", |g| tasklet(g, "double").code[0].value = deep);
    // Nested graphs count together with the blocks inside them.
    let mut sdfg = Sdfg::new("inner");
    for k in 0..=MAX_NESTING {
        let mut graph = StateGraph::new();
        let nested = Nested { label: "n".into(), sdfg: Arc::new(sdfg), symbols: Default::default() };
        graph.add_node(Node::Nested(nested), None);
        sdfg = Sdfg::new(Name::new(&format!("outer_{k}")));
        sdfg.body.push(Block::new("s".into(), BlockKind::State(graph), None));
    }
    breaks(sdfg, "deep");
}

#[test]
fn i11_scopes() {
    changed("the state has a cycle", |g| {
        let graph = state(g, "s1");
        let (a, b) = (node(graph, "red"), node(graph, "mm"));
        graph.connect(a, b, None);
    });
    changed("map scopes do not nest", |g| {
        let graph = state(g, "s0");
        let (a, b) = (node(graph, "double"), node(graph, "move"));
        graph.connect(a, b, None);
    });
    changed("map 'm0' has no entry", |g| {
        let graph = state(g, "s0");
        let entry = node(graph, "m0");
        graph.remove_node(entry);
    });
    changed("map 'm0' has no exit", |g| {
        let graph = state(g, "s0");
        let map = graph.maps().next().expect("m0").0;
        let exit = graph.map_nodes(map).expect("nodes").1;
        graph.remove_node(exit);
    });
    changed("map 'm0' has no parameters", |g| {
        let graph = state(g, "s0");
        let map = graph.maps().next().expect("m0").0;
        graph.map_mut(map).params.clear();
    });
    changed("symbol 'i' has no value here", |g| {
        let graph = state(g, "s0");
        let map = graph.maps().next().expect("m0").0;
        graph.map_mut(map).params.push(("i2".into(), Range::parse("0:i").expect("a range")));
    });
    changed("a map has a second entry", |g| {
        let graph = state(g, "s0");
        let map = graph.maps().next().expect("m0").0;
        graph.add_node(Node::MapEntry(map), None);
    });
}

#[test]
fn i12_connectors() {
    let rewire = |graph: &mut StateGraph, id: EdgeId, f: &dyn Fn(&mut Edge)| {
        let mut edge = graph.remove_edge(id).expect("the edge");
        f(&mut edge);
        graph.insert_edge(edge);
    };
    let into_double = |g: &StateGraph| g.in_edges(node(g, "double"))[0].id;
    changed("there is no input 'nowhere'", |g| {
        let graph = state(g, "s0");
        rewire(graph, into_double(graph), &|e| e.dst.conn = Some("nowhere".into()));
    });
    changed("has no edge", |g| {
        let graph = state(g, "s0");
        let id = into_double(graph);
        graph.remove_edge(id);
    });
    changed("has 2 edges", |g| {
        let graph = state(g, "s0");
        let edge = graph.edge(into_double(graph)).clone();
        graph.connect(edge.src, edge.dst, edge.memlet);
    });
    changed("a memlet without a connector", |g| {
        let graph = state(g, "s0");
        rewire(graph, into_double(graph), &|e| e.dst.conn = None);
    });
    changed("has an edge without a memlet", |g| {
        let graph = state(g, "s0");
        rewire(graph, into_double(graph), &|e| e.memlet = None);
    });
    changed("has no partner", |g| {
        let graph = state(g, "s0");
        rewire(graph, into_double(graph), &|e| e.src.conn = Some("OUT_other".into()));
    });
    changed("does not begin with OUT_", |g| {
        let graph = state(g, "s0");
        rewire(graph, into_double(graph), &|e| e.src.conn = Some("A".into()));
    });
    changed("an access node has the connector 'x'", |g| {
        let graph = state(g, "s0");
        let id = graph.in_edges(node(graph, "m0"))[0].id;
        rewire(graph, id, &|e| e.src.conn = Some("x".into()));
    });
    changed("the dynamic input 'A' has type f64", |g| {
        let graph = state(g, "s0");
        let (from, entry) = (node(graph, "A"), node(graph, "m0"));
        let edge = graph.in_edges(entry)[0].id;
        let inner = into_double(graph);
        graph.remove_edge(edge);
        graph.remove_edge(inner);
        let double = node(graph, "double");
        graph.connect(entry, double, None);
        graph.connect(from, Port::new(entry, "IN_A"), Memlet::new("A", subset("0, 0")));
        let double = tasklet(g, "double");
        double.inputs.clear();
        double.code[0].value = E::f64(1.0);
        // A dynamic input is a symbol, which no container may be.
        g.data.remove(&Name::new("nothing"));
    });
}

#[test]
fn i13_memlets() {
    changed("which does not exist", |g| memlet(state(g, "s0"), into("double")).data = "X".into());
    changed("the memlet names 'B' on a path of 'A'", |g| {
        let memlet = memlet(state(g, "s0"), into("double"));
        memlet.data = "B".into();
        memlet.subset = subset("i");
    });
    changed("a subset of 1 dimensions of 'A', which has 2", |g| {
        memlet(state(g, "s0"), into("double")).subset = subset("i");
    });
    changed("is out of bounds for 'A' of extent N", |g| {
        memlet(state(g, "s0"), into("double")).subset = subset("N, t");
    });
    changed("is out of bounds for 'A' of extent N", |g| {
        memlet(state(g, "s0"), into("double")).subset = subset("-1, t");
    });
    changed("with no access node between", |g| {
        let graph = state(g, "s1");
        let (a, b) = (node(graph, "mm"), node(graph, "red"));
        let edge = graph.in_edges(b)[0].clone();
        graph.remove_edge(edge.id);
        graph.connect(Port::new(a, "c"), edge.dst, edge.memlet);
        let first = graph.out_edges(a)[0].id;
        graph.remove_edge(first);
    });
    changed("an access node of 'X', which does not exist", |g| {
        state(g, "s0").add_node(Node::Access("X".into()), None);
    });
}

fn is_copy(g: &StateGraph, e: &Edge) -> bool {
    matches!((g.node(e.src.node), g.node(e.dst.node)), (Node::Access(_), Node::Access(_)))
}

#[test]
fn i14_copies() {
    changed("a copy without the subset of its destination", |g| memlet(state(g, "s1"), is_copy).other = None);
    changed("a copy between N - 1 elements and N", |g| {
        memlet(state(g, "s1"), is_copy).subset = subset("1:N")
    });
    changed("a second subset on a memlet that is no copy", |g| {
        memlet(state(g, "s0"), into("double")).other = Some(subset("i"));
    });
    changed("a copy between 'tmp' of f32 and 'B' of f64", |g| {
        g.data.get_mut(&"tmp".into()).expect("tmp").dtype = DType::F32;
    });
}

#[test]
fn i15_write_conflict_resolution() {
    changed("write-conflict resolution of a read", |g| {
        memlet(state(g, "s0"), into("double")).wcr = Some(Wcr::Sum);
    });
    changed("differs along the path", |g| memlet(state(g, "s0"), out_of("double")).wcr = Some(Wcr::Sum));
    changed("And is no write-conflict resolution of f64", |g| {
        memlet(state(g, "s0"), out_of("double")).wcr = Some(Wcr::And);
    });
}

#[test]
fn i16_tasklets() {
    changed("is not a single element", |g| memlet(state(g, "s0"), into("double")).subset = subset("i, 0:N"));
    changed("carries 'A' of f64", |g| tasklet(g, "double").inputs[0].1 = DType::F32);
    changed("is not defined", |g| tasklet(g, "double").code[0].value = E::var("nothing"));
    changed("of f64 is assigned a bool", |g| tasklet(g, "double").code[0].value = E::Lit(Scalar::Bool(true)));
    changed("is assigned, but has a value already", |g| {
        let code = &mut tasklet(g, "double").code;
        code.push(code[0].clone());
    });
    changed("is not assigned", |g| tasklet(g, "double").code.clear());
    changed("symbol 'q' has no value here", |g| {
        tasklet(g, "double").code[0].value = E::cast(DType::F64, E::Sym(expr("q")));
    });
}

/// A gather of two dimensions, by values and by symbols.
fn gathers() -> Sdfg {
    parse(
        "sdfg g(A: f64[N, M], idx: i64[K]) -> return_0: f64[K]
  state s0
    map m [i = 0:K]
      pick: return_0[i] = A[idx[i], sym(i)]
",
    )
}

#[track_caller]
fn changed_gather(message: &str, change: impl FnOnce(&mut Sdfg)) {
    let mut sdfg = gathers();
    change(&mut sdfg);
    breaks(sdfg, message);
}

#[test]
fn i16_gathers() {
    assert_eq!(messages(gathers()), [""; 0]);
    let whole = |g: &StateGraph, e: &Edge| {
        matches!(g.node(e.dst.node), Node::Tasklet(_)) && e.memlet.as_ref().is_some_and(|m| m.dynamic)
    };
    changed_gather("a gather from 'A[0:N, 1:M]', which is not all of it", |g| {
        memlet(state(g, "s0"), whole).subset = subset("0:N, 1:M");
    });
    changed_gather("a gather from 'A[0:N, 0:K]', which is not all of it", |g| {
        memlet(state(g, "s0"), whole).subset = subset("0:N, 0:K");
    });
    changed_gather("by a memlet that is not dynamic", |g| memlet(state(g, "s0"), whole).dynamic = false);
    let index = |at: Vec<E>| E::index("in0", at);
    let code = |g: &mut Sdfg, e: E| tasklet(g, "pick").code[0].value = e;
    changed_gather("1 indices into 'A' of rank 2", |g| code(g, index(vec![E::var("in1")])));
    changed_gather("with different numbers of indices", |g| {
        let one = index(vec![E::var("in1")]);
        code(g, E::bin(BinOp::Add, one, index(vec![E::var("in1"), E::var("in1")])));
    });
    changed_gather("index of 'in0' of type f64 instead of i64", |g| {
        code(g, index(vec![E::var("in1"), E::f64(1.0)]));
    });
    changed_gather("'in0' is both indexed and read as one element", |g| {
        let element = index(vec![E::var("in1"), E::var("in1")]);
        code(g, E::bin(BinOp::Add, element, E::var("in0")));
    });
    changed_gather("'local' is indexed, but is no input", |g| {
        let value = E::var("in1");
        tasklet(g, "pick").code.insert(0, tasklet::Assign { target: "local".into(), value });
        let value = E::index("local", vec![E::var("in1")]);
        tasklet(g, "pick").code[1].value = E::cast(DType::F64, value);
    });
    changed_gather("is not a single element", |g| code(g, E::var("in0")));
    changed("an element of 'flag' is picked outside of a tasklet", |g| {
        if let Some(block) = block(&mut g.body, "if")
            && let BlockKind::Conditional { branches, .. } = &mut block.kind
        {
            branches[0].0 = E::index("flag", vec![E::Lit(Scalar::i64(0))]);
        }
    });
}

#[test]
fn i20_gathers_are_of_what_no_iteration_writes() {
    let text = |body: &str| {
        format!(
            "sdfg g(A: f64[N], idx: i64[N])
  transient t: f64[N]
  state s0
{body}"
        )
    };
    let conflict = "write 'A' and gather from it";
    let one = text(
        "    map m [i = 0:N]
      pick: A[i] = A[idx[i]]
",
    );
    breaks(parse(&one), conflict);
    let nested = "    map m [i = 0:N]
      map n [j = 0:N]
        pick: A[i] += A[idx[j]]
";
    breaks(parse(&text(nested)), conflict);
    let apart = "    map m [i = 0:N]
      pick: t[i] = A[idx[i]]
    map n [j = 0:N]
      put: A[j] = t[j]
";
    assert_eq!(messages(parse(&text(apart))), [""; 0]);
    // Each iteration has its own.
    let own = "    map m [i = 0:N]
      local t
      map n [j = 0:N]
        fill: t[j] = A[j]
      map o [k = 0:N]
                       pick: A2[i, k] = t[idx[k]]
";
    let own = text(own).replace("idx: i64[N]", "idx: i64[N], A2: f64[N, N]");
    assert_eq!(messages(parse(&own)), [""; 0]);
}

fn library<'g>(sdfg: &'g mut Sdfg, label: &str) -> &'g mut LibraryKind {
    let graph = state(sdfg, "s1");
    let id = node(graph, label);
    match graph.node_mut(id) {
        Node::Library(library) => &mut library.kind,
        _ => panic!("no library node"),
    }
}

#[test]
fn i17_library_nodes() {
    let reduce = |op, axes: &[usize], identity| LibraryKind::Reduce { op, axes: axes.to_vec(), identity };
    changed("axes [1] of a reduction of rank 1", |g| *library(g, "red") = reduce(Wcr::Sum, &[1], None));
    changed("axes [0, 0]", |g| *library(g, "red") = reduce(Wcr::Sum, &[0, 0], None));
    changed("a reduction to rank 1 in a subset of rank 0", |g| {
        *library(g, "red") = reduce(Wcr::Sum, &[], None)
    });
    changed("And is not defined on f64", |g| *library(g, "red") = reduce(Wcr::And, &[0], None));
    let one = Some(Scalar::i64(1));
    changed("the identity is i64", |g| *library(g, "red") = reduce(Wcr::Sum, &[0], one));
    changed("there is no input 'input'", |g| {
        *library(g, "red") = LibraryKind::MatMul { trans_a: false, trans_b: false };
    });
    changed("a matrix product over N and N - 1 elements", |g| {
        memlet(state(g, "s1"), |_, e| e.dst.conn == Some("b".into())).subset = subset("1:N");
    });
    changed("a matrix product of extent N in a subset of extent N - 1", |g| {
        memlet(state(g, "s1"), |_, e| e.src.conn == Some("c".into())).subset = subset("1:N");
    });
    changed("operands of types", |g| g.data.get_mut(&"B".into()).expect("B").dtype = DType::F32);
}

/// One call of each kind of form.
fn calls() -> Sdfg {
    parse(
        "sdfg c(A: f64[N, M], B: f64[N, N], b: f64[N], k: i64[N], z: c128[N]) -> x: f64[N], u: f64[N, N], s: f64[min(N, M)], v: f64[M, M], d: f64
  transient o: i64[N]
  transient y: f64[2, N]
  state s1
    solve: solve x[0:N] = B[0:N, 0:N], b[0:N]
    svd: svd u[0:N, 0:N], s[0:min(N, M)], v[0:M, 0:M] = A[0:N, 0:M] full
    det: det d = B[0:N, 0:N]
    order: argsort o[0:N] = b[0:N]
    row: sort y[1, 0:N] = b[0:N]
",
    )
}

#[track_caller]
fn changed_call(message: &str, change: impl FnOnce(&mut Sdfg)) {
    let mut sdfg = calls();
    change(&mut sdfg);
    breaks(sdfg, message);
}

#[test]
fn i17_library_calls() {
    assert_eq!(messages(calls()), [""; 0]);
    let kind = |g: &mut Sdfg, label: &str, op: LibraryOp| *library(g, label) = LibraryKind::Call(op);
    changed_call("there is no output 'd'", |g| {
        let graph = state(g, "s1");
        let edge = graph.out_edges(node(graph, "det"))[0].clone();
        graph.remove_edge(edge.id);
        graph.connect(Port::new(edge.src.node, "d"), edge.dst, edge.memlet);
    });
    changed_call("fft is not defined on f64", |g| kind(g, "order", LibraryOp::Fft { inverse: false }));
    changed_call("'output' of sort is of f64", |g| kind(g, "order", LibraryOp::Sort));
    changed_call("'output' of argsort is of i64", |g| kind(g, "row", LibraryOp::ArgSort));
    changed_call("'input' needs rank 2: 'b[0:N]'", |g| kind(g, "order", LibraryOp::Inv));
    changed_call("extents N - 1 and N of sort are not the same", |g| {
        memlet(state(g, "s1"), into("row")).subset = subset("1:N");
    });
    changed_call("extents N and N - 1 of svd are not the same", |g| {
        memlet(state(g, "s1"), |_, e| e.src.conn == Some("u".into())).subset = subset("0:N, 1:N");
    });
    changed_call("extents N and N - 1 of solve are not the same", |g| {
        memlet(state(g, "s1"), |_, e| e.dst.conn == Some("b".into())).subset = subset("1:N");
    });
    changed_call("'output' of det is of f64", |g| {
        g.data.get_mut(&"d".into()).expect("d").dtype = DType::F32;
    });
    changed_call("sort resolves no conflicts", |g| {
        memlet(state(g, "s1"), out_of("row")).wcr = Some(Wcr::Sum)
    });
    changed_call("a library node writes twice 'u'", |g| {
        let graph = state(g, "s1");
        let end = graph.edges().find(|e| e.src.conn == Some("u".into())).expect("an edge").dst;
        let edge = graph.edges().find(|e| e.src.conn == Some("v".into())).expect("an edge").clone();
        graph.remove_edge(edge.id);
        graph.connect(edge.src, end, Memlet::new("u", subset("0:N, 0:N")));
    });
}

fn nested() -> Sdfg {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/nested_in_state.weft");
    parse(&std::fs::read_to_string(path).expect("a fixture"))
}

/// The nested fixture with its nested node or the graph around changed.
#[track_caller]
fn changed_nested(message: &str, change: impl FnOnce(&mut StateGraph, NodeId)) {
    let mut sdfg = nested();
    let (id, at) = {
        let found = sdfg.states().into_iter().find_map(|(b, g)| {
            g.nodes().find(|(_, n)| matches!(n, Node::Nested(_))).map(|(id, _)| (b.id, id))
        });
        found.expect("a nested node")
    };
    change(sdfg.state_mut(id).expect("the state"), at);
    breaks(sdfg, message);
}

fn inner(graph: &mut StateGraph, id: NodeId) -> &mut Nested {
    match graph.node_mut(id) {
        Node::Nested(nested) => nested,
        _ => panic!("no nested node"),
    }
}

#[test]
fn i18_nested_graphs() {
    changed_nested("is given a value, but is no inner symbol", |g, id| {
        inner(g, id).symbols.insert("extra".into(), Expr::one());
    });
    changed_nested("is given no value", |g, id| {
        let nested = inner(g, id);
        Arc::make_mut(&mut nested.sdfg).symbols.insert("more".into(), DType::I64);
    });
    changed_nested("has no edge", |g, id| {
        let edge = g.in_edges(id)[0].id;
        g.remove_edge(edge);
    });
    changed_nested("stands for", |g, id| {
        let nested = inner(g, id);
        for data in Arc::make_mut(&mut nested.sdfg).data.values_mut() {
            data.dtype = DType::I8;
        }
    });
    changed_nested("an access node of 'X', which does not exist", |g, id| {
        let nested = inner(g, id);
        let mut graph = StateGraph::new();
        graph.add_node(Node::Access("X".into()), None);
        let block = Block::new("bad".into(), BlockKind::State(graph), None);
        Arc::make_mut(&mut nested.sdfg).body.push(block);
    });
    changed_nested("is written, but is no output", |g, id| {
        let edge = g.out_edges(id)[0].clone();
        g.remove_edge(edge.id);
        g.connect(id, edge.dst.node, None);
        let name = edge.src.conn.expect("a connector");
        let outer = g.in_edges(id)[0].clone();
        g.connect(outer.src, Port::new(id, name), outer.memlet);
    });
}

#[test]
fn i19_nothing_reads_what_it_writes() {
    changed("a copy within 'B', from [0:N] to [0:N], may overlap", |g| {
        let graph = state(g, "s1");
        let (a, b) =
            (graph.add_node(Node::Access("B".into()), None), graph.add_node(Node::Access("B".into()), None));
        graph.connect(a, b, Memlet::copy("B", subset("0:N"), subset("0:N")));
    });
    changed("a library node reads and writes 'tmp'", |g| {
        let graph = state(g, "s1");
        let red = node(graph, "red");
        let edge = graph.out_edges(red)[0].clone();
        graph.remove_edge(edge.id);
        let to = graph.add_node(Node::Access("tmp".into()), None);
        graph.connect(edge.src, to, Memlet::new("tmp", subset("0")));
    });
}

#[test]
fn i20_conflicts_are_ordered() {
    // Two maps write one array, a read beside a write, and the same with halves that do not overlap.
    let text = |first: &str, second: &str, extra: &str| {
        format!(
            "sdfg f(A: f64[N], B: f64[N], C: f64[N])\n  guard N - 8 >= 0\n  state s\n    map m0 [i = {first}]\n      a: \
             B[i] = A[i]\n    map m1 [j = {second}]\n      b: {extra}\n"
        )
    };
    // The text form orders conflicts as the lines are; these graphs have none of that.
    let plain = |text: &str| {
        let mut graph = parse(text);
        let block = graph.states()[0].0.id;
        let state = graph.state_mut(block).expect("a state");
        let edges: Vec<_> = state.edges().filter(|e| e.memlet.is_none()).cloned().collect();
        for edge in edges {
            if !matches!(state.node(edge.src.node), Node::MapEntry(_)) {
                state.remove_edge(edge.id);
            }
        }
        graph
    };
    let unordered = "may overlap and no path orders them";
    breaks(plain(&text("0:N", "0:N", "B[j] = C[j]")), unordered);
    breaks(plain(&text("0:N", "0:N", "A[j] = C[j]")), unordered);
    assert_eq!(messages(plain(&text("0:4", "4:8", "B[j] = C[j]"))), [""; 0]);
    assert_eq!(messages(plain(&text("0:N", "0:N", "C[j] = B[j]"))), [""; 0]);
    assert_eq!(messages(plain(&text("0:N", "0:N", "A[j] = B[j]"))), [""; 0]);
    assert_eq!(messages(plain(&text("0:N", "0:N", "A[j] = A[j]")).clone()).len(), 1);
    // Inside one iteration as well.
    let fused = |to: &str| {
        format!(
            "sdfg f(A: f64[N], B: f64[N])\n  state s\n    map m [i = 0:N - 1]\n      a: B[i] = A[i]\n      b: A[{to}] = 1.0\n"
        )
    };
    breaks(plain(&fused("i")), unordered);
    assert_eq!(messages(plain(&fused("i + 1"))), [""; 0]);
}

#[test]
fn fast_enough_for_every_edit() {
    let mut text = String::from("sdfg f(A: f64[N, N], B: f64[N, N])\n  guard N - 3 >= 0\n");
    for k in 0..8 {
        text += &format!("  transient t{k}: f64[N, N]\n");
    }
    text += "  state s\n";
    for k in 0..8 {
        let from = if k == 0 { "A".to_string() } else { format!("t{}", k - 1) };
        text += &format!(
            "    map m{k} [i{k} = 1:N - 1, j{k} = 1:N - 1]\n      c{k}: t{k}[i{k}, j{k}] = {from}[i{k}, j{k}] + \
             {from}[i{k} - 1, j{k}] + {from}[i{k}, j{k} + 1] + B[i{k}, j{k}]\n"
        );
    }
    let sdfg = parse(&text);
    let start = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(messages(sdfg.clone()), [""; 0]);
    }
    println!("{:?} for {} nodes", start.elapsed() / 20, sdfg.states()[0].1.nodes().count());
    assert!(start.elapsed().as_millis() < 20 * 50);
}

// ---- random damage -------------------------------------------------------------------------

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).cloned()
    }
}

fn damage(sdfg: &mut Sdfg, random: &mut Random) {
    let names: Vec<Name> =
        sdfg.data.keys().chain(sdfg.symbols.keys()).copied().chain(["zz".into()]).collect();
    let some = |r: &mut Random| r.pick(&names).expect("a name");
    let value = |r: &mut Random| match r.below(4) {
        0 => Expr::sym(r.pick(&names).expect("a name")),
        1 => Expr::int(r.below(5) as i64 - 2),
        2 => Expr::int(i64::MAX - r.below(2) as i64),
        _ => Expr::sym("i").floor_div(&Expr::sym("N")),
    };
    let states: Vec<BlockId> = sdfg.states().iter().map(|s| s.0.id).collect();
    let choice = random.below(20);
    if choice < 4 {
        let (name, other) = (some(random), some(random));
        match choice {
            0 => drop(sdfg.data.remove(&name)),
            1 => drop(sdfg.symbols.remove(&name)),
            2 => sdfg.args.push(name),
            _ => {
                let extent = value(random);
                if let Some(data) = sdfg.data.get_mut(&other) {
                    data.shape.push(extent);
                    data.transient ^= random.below(2) == 0;
                }
            }
        }
        return;
    }
    let Some(graph) = random.pick(&states).and_then(|id| sdfg.state_mut(id)) else { return };
    let nodes: Vec<NodeId> = graph.node_ids().collect();
    let edges: Vec<EdgeId> = graph.edges().map(|e| e.id).collect();
    let maps: Vec<MapId> = graph.maps().map(|m| m.0).collect();
    let (Some(a), Some(b)) = (random.pick(&nodes), random.pick(&nodes)) else { return };
    let edge = random.pick(&edges);
    match (choice, edge) {
        (4, _) => graph.remove_node(a),
        (5, Some(e)) => drop(graph.remove_edge(e)),
        (6, _) => drop(graph.connect(a, b, None)),
        (7, Some(e)) => {
            let memlet = graph.edge(e).memlet.clone();
            graph.connect(Port { node: a, conn: Some(some(random)) }, b, memlet);
        }
        (8, Some(e)) => {
            let mut edge = graph.remove_edge(e).expect("the edge");
            let conns = ["IN_A", "OUT_A", "a", "b", "zz"];
            edge.dst.conn = random.pick(&conns).map(Name::new);
            graph.insert_edge(edge);
        }
        (9, Some(e)) => {
            let mut edge = graph.remove_edge(e).expect("the edge");
            edge.src.node = a;
            graph.insert_edge(edge);
        }
        (10, Some(e)) => *graph.memlet_mut(e) = None,
        (11..=15, Some(e)) => {
            let (name, begin, end, step) = (some(random), value(random), value(random), value(random));
            let wcr = random.pick(&[None, Some(Wcr::Sum), Some(Wcr::And)]).flatten();
            let Some(memlet) = graph.memlet_mut(e) else { return };
            match choice {
                11 => memlet.data = name,
                12 => memlet.subset.0.push(Range::with_step(begin, end, step)),
                13 => {
                    if let Some(range) = memlet.subset.0.last_mut() {
                        *range = Range::with_step(begin, end, step);
                    }
                }
                14 => memlet.other = Some(Subset(vec![Range::new(begin, end)])),
                _ => memlet.wcr = wcr,
            }
        }
        (16, _) => *graph.node_mut(a) = Node::Access(some(random)),
        (17, _) => *graph.node_mut(a) = graph.node(b).clone(),
        (18, _) => {
            if let Some(map) = random.pick(&maps) {
                let range = Range::with_step(value(random), value(random), value(random));
                graph.map_mut(map).params.push((some(random), range));
            }
        }
        _ => {
            if let Node::Tasklet(tasklet) = graph.node_mut(a) {
                let expr = E::bin(BinOp::Mod, E::var(some(random)), E::Sym(value(random)));
                if let Some(assign) = tasklet.code.first_mut() {
                    assign.value = expr;
                }
            }
        }
    }
}

#[test]
fn damaged_graphs_never_panic() {
    let graphs: Vec<Sdfg> = fixtures().into_iter().map(|f| f.1).chain([good(), nested()]).collect();
    let (mut random, mut valid, mut ran) = (Random(7), 0, 0);
    for round in 0..6000 {
        let mut sdfg = graphs[round % graphs.len()].clone();
        for _ in 0..=random.below(3) {
            damage(&mut sdfg, &mut random);
        }
        // What is still valid runs without a panic, whatever comes out.
        let Ok(verified) = verify(sdfg) else { continue };
        valid += 1;
        let symbols: std::collections::BTreeMap<Name, i64> =
            verified.symbols.keys().map(|&s| (s, 1 + random.below(4) as i64)).collect();
        let mut arrays = std::collections::BTreeMap::new();
        for (&name, data) in &verified.data {
            let shape: Result<Vec<i64>, _> =
                data.shape.iter().map(|e| e.eval(&|s| symbols.get(&s).copied())).collect();
            if let Some(shape) = shape.ok().filter(|s| s.iter().all(|&n| (0..100).contains(&n))) {
                let shape: Vec<usize> = shape.into_iter().map(|n| n as usize).collect();
                arrays.insert(name, interp::Array::zeros(data.dtype, &shape));
            }
        }
        let options = interp::Options { seed: round as u64, max_steps: 20_000 };
        ran += u32::from(interp::run(&verified, &symbols, &mut arrays, options).is_ok());
    }
    println!("{valid} still valid, {ran} ran");
    assert!(valid > 100 && ran > 50, "{valid} valid, {ran} ran");
}
