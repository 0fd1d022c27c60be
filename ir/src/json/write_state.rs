//! Writes the dataflow of a state.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::code::{Names, python};
use super::names::{Renames, identifier};
use super::origin::{Origin, reworded};
use super::value::float;
use super::write::graph;
use crate::dtype::{DType, Scalar, f16};
use crate::names::Name;
use crate::sdfg::{
    Foreign, Library, LibraryKind, LibraryOp, Memlet, Nested, Node, NodeId, Port, Schedule, Scopes, Sdfg,
    Source, Span, StateGraph, Tasklet, Wcr,
};
use crate::symbolic::{Expr, Range, Subset};
use crate::tasklet::type_of;

pub struct StateWriter<'s> {
    pub sdfg: &'s Sdfg,
    pub renames: &'s mut Renames,
    pub graphs: &'s mut usize,
    pub source: Option<&'s Source>,
    pub origin: Option<&'s Origin>,
}

/// Connectors of one node in the file, by ours.
type Connectors = BTreeMap<Name, Option<String>>;

impl StateWriter<'_> {
    pub fn state(&mut self, graph: &StateGraph, label: &str, id: usize) -> Value {
        let order = graph.topological().unwrap_or_else(|| graph.node_ids().collect());
        let foreign: BTreeMap<NodeId, Value> =
            order.iter().filter_map(|&n| Some((n, self.foreign(graph, n)?))).collect();
        if let Some(state) = foreign.values().find(|f| f["type"] == "SDFGState") {
            let mut state = state.clone();
            state["id"] = json!(id);
            state["label"] = json!(label);
            return state;
        }
        let count = |n: &NodeId| foreign.get(n).and_then(|f| f["nodes"].as_array()).map_or(1, Vec::len);
        let mut at: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut next = 0;
        for node in &order {
            at.insert(*node, next);
            next += count(node);
        }
        let scopes = Scopes::of(graph);
        let place = |n: NodeId| at[&n].to_string();
        let last = |n: NodeId| (at[&n] + count(&n) - 1).to_string();
        let mut edges: Vec<Value> = vec![];
        let mut scope_dict: BTreeMap<i64, Vec<usize>> = BTreeMap::from([(-1, vec![])]);
        let mut connectors: BTreeMap<NodeId, Connectors> = BTreeMap::new();
        let mut nodes = vec![];
        for &node in &order {
            let i = at[&node];
            let map = scopes.as_ref().and_then(|s| s.parent(node));
            let (mut value, conns) = self.node(graph, node);
            // In DaCe an exit belongs to the scope that it closes.
            let scope = match graph.node(node) {
                Node::MapExit(map) => graph.map_nodes(*map),
                _ => map.and_then(|m| graph.map_nodes(m)),
            };
            let own = match graph.node(node) {
                Node::MapEntry(m) | Node::MapExit(m) => graph.map_nodes(*m),
                _ => None,
            };
            if let Some(members) = foreign.get(&node).and_then(|f| f["nodes"].as_array()) {
                let key = scope.map_or(-1, |(entry, _)| at[&entry] as i64);
                let around = scope.map(|(entry, exit)| (at[&entry], at[&exit]));
                for (k, member) in members.iter().enumerate() {
                    let mut value = member.clone();
                    for (side, outer) in
                        [("scope_entry", around.map(|a| a.0)), ("scope_exit", around.map(|a| a.1))]
                    {
                        let own = value[side].as_str().and_then(|s| s.parse::<usize>().ok()).map(|p| p + i);
                        value[side] = json!(own.or(outer).map(|p| p.to_string()));
                    }
                    value["id"] = json!(i + k);
                    let own = value["scope_entry"].as_str().and_then(|s| s.parse::<i64>().ok());
                    scope_dict.entry(own.unwrap_or(key)).or_default().push(i + k);
                    nodes.push(value);
                }
                for edge in foreign[&node]["edges"].as_array().into_iter().flatten() {
                    let mut edge = edge.clone();
                    for side in ["src", "dst"] {
                        let own = edge[side].as_str().and_then(|s| s.parse::<usize>().ok()).unwrap_or(0);
                        edge[side] = json!((own + i).to_string());
                    }
                    edges.push(edge);
                }
                let named = |c: Name| (c, Some(super::names::dace_result(c)));
                let ends = graph.in_edges(node).into_iter().filter_map(|e| e.dst.conn);
                let ends = ends.chain(graph.out_edges(node).into_iter().filter_map(|e| e.src.conn));
                connectors.insert(node, ends.map(named).collect());
                continue;
            }
            if let Some(origin) = self.origin {
                origin.complete_node(node, &mut value);
            }
            value["id"] = json!(i);
            value["scope_entry"] = json!(scope.map(|(entry, _)| place(entry)));
            value["scope_exit"] = json!(own.or(scope).map(|(_, exit)| place(exit)));
            let key = scope.map_or(-1, |(entry, _)| at[&entry] as i64);
            scope_dict.entry(key).or_default().push(i);
            nodes.push(value);
            connectors.insert(node, conns);
        }
        for edge in graph.edges() {
            let port = |p: Port| match p.conn {
                None => Value::Null,
                // What a map takes from a container has DaCe's own kind of name.
                Some(conn) if dynamic(graph, p.node).contains(&conn) => {
                    json!(self.renames.find(Name::new(conn.as_str().trim_start_matches("IN_"))).as_str())
                }
                Some(conn) => match connectors[&p.node].get(&conn) {
                    Some(name) => json!(name),
                    None => json!(conn.as_str()),
                },
            };
            edges.push(json!({
                "type": "MultiConnectorEdge",
                "attributes": {"data": self.memlet(edge.memlet.as_ref())},
                "src": last(edge.src.node),
                "dst": place(edge.dst.node),
                "src_connector": port(edge.src),
                "dst_connector": port(edge.dst),
            }));
        }
        let scope_dict: Map<String, Value> =
            scope_dict.into_iter().map(|(k, v)| (k.to_string(), json!(v))).collect();
        json!({
            "type": "SDFGState",
            "label": label,
            "id": id,
            "collapsed": false,
            "scope_dict": scope_dict,
            "nodes": nodes,
            "edges": edges,
            "attributes": {},
        })
    }

    /// The JSON of a foreign node in the names that the file has now.
    fn foreign(&self, graph: &StateGraph, id: NodeId) -> Option<Value> {
        let Node::Library(Library { kind: LibraryKind::Foreign(foreign), .. }) = graph.node(id) else {
            return None;
        };
        let json: Value = serde_json::from_str(&foreign.json).ok()?;
        let mut names = BTreeMap::new();
        for (name, value) in &foreign.symbols {
            let text = self.text(value);
            let plain = text.chars().all(|c| c.is_alphanumeric() || c == '_');
            names.insert(name.to_string(), if plain { text } else { format!("({text})") });
        }
        if json["type"] == "SDFGState" {
            // There connectors are containers.
            let inputs = graph.in_edges(id).into_iter().map(|e| (e.dst.conn, &e.memlet));
            for (conn, memlet) in
                inputs.chain(graph.out_edges(id).into_iter().map(|e| (e.src.conn, &e.memlet)))
            {
                if let (Some(conn), Some(memlet)) = (conn, memlet) {
                    names.insert(super::names::dace_result(conn), self.renames.find(memlet.data).to_string());
                }
            }
        }
        names.retain(|old, new| old != new);
        if json["type"] == "SDFG" {
            let json = reworded(&json, &BTreeMap::new());
            return Some(json!({"nodes": [self.foreign_graph(graph, id, foreign, json)], "edges": []}));
        }
        Some(reworded(&json, &names))
    }

    /// A whole graph that is foreign, as a nested one.
    fn foreign_graph(&self, graph: &StateGraph, id: NodeId, foreign: &Foreign, json: Value) -> Value {
        let label = match graph.node(id) {
            Node::Library(l) => l.label.to_string(),
            _ => String::new(),
        };
        let list = |names: &[Name]| -> Value {
            Value::Object(names.iter().map(|n| (super::names::dace_result(*n), Value::Null)).collect())
        };
        let mapping: Map<String, Value> =
            foreign.symbols.iter().map(|(n, e)| (n.to_string(), json!(self.text(e)))).collect();
        json!({
            "type": "NestedSDFG",
            "label": identifier(&label),
            "attributes": {
                "label": identifier(&label),
                "sdfg": json,
                "symbol_mapping": mapping,
                "in_connectors": list(&foreign.inputs),
                "out_connectors": list(&foreign.outputs),
            },
        })
    }

    fn text(&self, e: &Expr) -> String {
        e.subst(&|n| Some(Expr::sym(self.renames.find(n)))).to_dace()
    }

    /// The subset with inclusive ends; a scalar's is index 0.
    fn subset(&self, subset: &Subset) -> Value {
        let zero = [Range::index(0)];
        let ranges = if subset.rank() == 0 { &zero[..] } else { &subset.0 };
        let ranges: Vec<Value> = ranges.iter().map(|r| self.range(r)).collect();
        json!({"type": "Range", "ranges": ranges})
    }

    fn range(&self, r: &Range) -> Value {
        let backward = r.step.as_int().is_some_and(|s| s < 0);
        let last = if backward { &r.end + 1 } else { &r.end - 1 };
        json!({"start": self.text(&r.begin), "end": self.text(&last), "step": self.text(&r.step), "tile": "1"})
    }

    fn memlet(&self, memlet: Option<&Memlet>) -> Value {
        let Some(m) = memlet else {
            let attributes = json!({"data": null, "subset": null, "volume": "0", "num_accesses": "0"});
            return json!({"type": "Memlet", "attributes": attributes});
        };
        let volume = self.text(&m.subset.extents().iter().fold(Expr::one(), |v, e| v * e));
        let mut attributes = json!({
            "data": self.renames.find(m.data).as_str(),
            "subset": self.subset(&m.subset),
            "volume": volume,
            "num_accesses": volume,
            "dynamic": m.dynamic,
        });
        if let Some(other) = &m.other {
            attributes["other_subset"] = self.subset(other);
        }
        if let Some(op) = m.wcr {
            attributes["wcr"] = json!(wcr(op));
        }
        json!({"type": "Memlet", "attributes": attributes})
    }

    fn node(&mut self, graph: &StateGraph, id: NodeId) -> (Value, Connectors) {
        let (kind, label, mut attributes, conns) = match graph.node(id) {
            Node::Access(data) => {
                let name = self.renames.find(*data);
                ("AccessNode", name.to_string(), json!({"data": name.as_str()}), Connectors::new())
            }
            Node::MapEntry(map) => {
                let map = graph.map(*map);
                let params: Vec<&str> = map.params.iter().map(|p| self.renames.find(p.0).as_str()).collect();
                let ranges: Vec<Value> = map.params.iter().map(|p| self.range(&p.1)).collect();
                let attributes = json!({
                    "label": identifier(map.label.as_str()),
                    "params": params,
                    "range": {"type": "Range", "ranges": ranges},
                    "schedule": schedule(map.schedule),
                });
                ("MapEntry", map.label.to_string(), attributes, Connectors::new())
            }
            Node::MapExit(map) => {
                ("MapExit", graph.map(*map).label.to_string(), json!({}), Connectors::new())
            }
            Node::Tasklet(t) => {
                let (attributes, conns) = self.tasklet(t);
                ("Tasklet", t.label.to_string(), attributes, conns)
            }
            Node::Nested(n) => {
                let (attributes, conns) = self.nested(graph, id, n);
                ("NestedSDFG", n.label.to_string(), attributes, conns)
            }
            Node::Library(l) => return self.library(graph, id, l),
        };
        self.finish(graph, id, &mut attributes, &conns);
        (json!({"type": kind, "label": identifier(&label), "attributes": attributes}), conns)
    }

    /// Adds connectors and the place in the source.
    fn finish(&self, graph: &StateGraph, id: NodeId, attributes: &mut Value, conns: &Connectors) {
        let typed: BTreeMap<Name, Value> = match graph.node(id) {
            Node::Tasklet(t) => {
                let arrays = t.arrays();
                let kind = |(name, dtype): &(Name, DType)| match arrays.contains(name) {
                    true => (*name, json!({"type": "pointer", "dtype": dtype.numpy()})),
                    false => (*name, json!(dtype.numpy())),
                };
                t.inputs.iter().chain(&t.outputs).map(kind).collect()
            }
            _ => BTreeMap::new(),
        };
        let list = |names: BTreeSet<Name>| {
            let named = names.into_iter().filter_map(|n| {
                let name = conns.get(&n).cloned().unwrap_or_else(|| Some(n.to_string()))?;
                Some((name, json!(typed.get(&n))))
            });
            Value::Object(named.collect())
        };
        let plain = dynamic(graph, id);
        let own = |c: Name| match plain.contains(&c) {
            true => Name::new(self.renames.find(Name::new(c.as_str().trim_start_matches("IN_"))).as_str()),
            false => c,
        };
        let ins = graph.in_edges(id).iter().filter_map(|e| e.dst.conn).map(own).collect();
        let outs = graph.out_edges(id).iter().filter_map(|e| e.src.conn).collect();
        attributes["in_connectors"] = list(ins);
        attributes["out_connectors"] = list(outs);
        // DaCe's map exits have no place: theirs is the entry's.
        let has_place = !matches!(graph.node(id), Node::MapExit(_));
        if let (true, Some(span), Some(source)) = (has_place, graph.span(id), self.source) {
            attributes["debuginfo"] = debuginfo(span, source);
        }
    }

    fn tasklet(&self, t: &Tasklet) -> (Value, Connectors) {
        // DaCe's own style of names, which no container and no symbol has.
        let mut names = Connectors::new();
        for (i, (conn, _)) in t.inputs.iter().enumerate() {
            names.insert(*conn, Some(format!("__in{}", i + 1)));
        }
        for (i, (conn, _)) in t.outputs.iter().enumerate() {
            let text = if t.outputs.len() == 1 { "__out".to_string() } else { format!("__out{}", i + 1) };
            names.insert(*conn, Some(text));
        }
        let mut known = names.clone();
        for assign in &t.code {
            let local = || Some(format!("__v_{}", identifier(assign.target.as_str())));
            known.entry(assign.target).or_insert_with(local);
        }
        let text = |n: Name| known.get(&n).cloned().flatten().unwrap_or_else(|| n.to_string());
        let mut types: BTreeMap<Name, DType> = t.inputs.iter().chain(&t.outputs).copied().collect();
        for assign in &t.code {
            if let Ok(dtype) = type_of(&assign.value, &|n| types.get(&n).copied()) {
                types.insert(assign.target, dtype);
            }
        }
        let dtype = |n: Name| types.get(&n).copied();
        let names_in = Names { var: &text, symbol: &|n| self.renames.find(n), types: Some(&dtype) };
        let lines: Vec<String> =
            t.code.iter().map(|a| format!("{} = {}", text(a.target), python(&a.value, &names_in))).collect();
        let attributes = json!({
            "label": identifier(t.label.as_str()),
            "code": {"string_data": lines.join("\n"), "language": "Python"},
        });
        (attributes, names)
    }

    fn nested(&mut self, graph_: &StateGraph, id: NodeId, n: &Nested) -> (Value, Connectors) {
        let mut inner = (*n.sdfg).clone();
        let mut symbols = n.symbols.clone();
        for edge in graph_.in_edges(id).into_iter().chain(graph_.out_edges(id)) {
            let conn = if edge.dst.node == id { edge.dst.conn } else { edge.src.conn };
            if let (Some(conn), Some(memlet)) = (conn, &edge.memlet) {
                self.restride(&mut inner, &mut symbols, conn, memlet);
            }
        }
        let (value, names) = graph(&inner, false, self.graphs, self.origin);
        let mapping: Map<String, Value> =
            symbols.iter().map(|(n, e)| (names.find(*n).to_string(), json!(self.text(e)))).collect();
        let conns = inner.data.keys().map(|n| (*n, Some(names.find(*n).to_string()))).collect();
        let attributes = json!({
            "label": identifier(n.label.as_str()),
            "sdfg": value,
            "symbol_mapping": mapping,
        });
        (attributes, conns)
    }

    /// Gives an inner container the strides of the part of the outer one that it stands for.
    fn restride(&self, inner: &mut Sdfg, symbols: &mut BTreeMap<Name, Expr>, conn: Name, memlet: &Memlet) {
        let (Some(outer), Some(data)) = (self.sdfg.data.get(&memlet.data), inner.data.get(&conn)) else {
            return;
        };
        let mut dropped = outer.shape.len().saturating_sub(data.shape.len());
        let mut strides = vec![];
        for (range, stride) in memlet.subset.0.iter().zip(&outer.strides) {
            if dropped > 0 && range.is_index().is_some() {
                dropped -= 1;
                continue;
            }
            strides.push(stride * &range.step);
        }
        if strides.len() != data.shape.len() {
            return;
        }
        // The stride in terms of the inner symbols, adding those that are missing.
        let mut inside: BTreeMap<Name, Name> = BTreeMap::new();
        for symbol in strides.iter().flat_map(|s| s.free_symbols()) {
            let same = symbols.iter().find(|(_, e)| e.as_sym() == Some(symbol)).map(|(n, _)| *n);
            let name = same.unwrap_or_else(|| inner.fresh(symbol.as_str()));
            inner.symbols.entry(name).or_insert(DType::I64);
            symbols.entry(name).or_insert_with(|| Expr::sym(symbol));
            inside.insert(symbol, name);
        }
        let strides = strides.iter().map(|s| s.subst(&|n| inside.get(&n).map(|n| Expr::sym(*n)))).collect();
        if let Some(data) = inner.data.get_mut(&conn) {
            data.strides = strides;
        }
    }

    fn library(&self, graph: &StateGraph, id: NodeId, l: &Library) -> (Value, Connectors) {
        let rank = |conn: &str| {
            let edges = graph.in_edges(id);
            let edge = edges.iter().find(|e| e.dst.conn == Some(Name::new(conn)));
            let memlet = edge.and_then(|e| e.memlet.as_ref());
            memlet.map_or(2, |m| m.subset.0.iter().filter(|r| r.is_index().is_none()).count())
        };
        let (class, name, mut attributes, conns) = match &l.kind {
            LibraryKind::MatMul { trans_a, trans_b } => product(rank("a"), rank("b"), *trans_a, *trans_b),
            LibraryKind::Reduce { op, axes, identity } => {
                let dtype = graph
                    .out_edges(id)
                    .first()
                    .and_then(|e| e.memlet.as_ref())
                    .and_then(|m| Some(self.sdfg.data.get(&m.data)?.dtype));
                let identity = identity.or_else(|| least(*op, dtype?));
                let attributes = json!({
                    "wcr": wcr(*op),
                    "axes": axes,
                    "identity": identity.map(scalar),
                });
                (
                    "dace.libraries.standard.nodes.reduce.Reduce",
                    "Reduce",
                    attributes,
                    [("input", None), ("output", None)].to_vec(),
                )
            }
            LibraryKind::Call(op) => called(*op),
            LibraryKind::Foreign(_) => ("", "", json!({}), vec![]),
        };
        let conns: Connectors =
            conns.into_iter().map(|(ours, name)| (Name::new(ours), name.map(str::to_string))).collect();
        attributes["name"] = json!(name);
        attributes["label"] = json!(identifier(l.label.as_str()));
        self.finish(graph, id, &mut attributes, &conns);
        let value = json!({
            "type": "LibraryNode",
            "label": identifier(l.label.as_str()),
            "attributes": attributes,
            "classpath": class,
        });
        (value, conns)
    }
}

/// Connectors of a map's dynamic inputs.
fn dynamic(graph: &StateGraph, node: NodeId) -> Vec<Name> {
    if !matches!(graph.node(node), Node::MapEntry(_)) {
        return vec![];
    }
    let outs = graph.out_edges(node);
    let leaves = |stem: &str| {
        outs.iter().any(|e| e.src.conn.and_then(|c| c.as_str().strip_prefix("OUT_")) == Some(stem))
    };
    let conns = graph.in_edges(node).into_iter().filter_map(|e| e.dst.conn);
    conns.filter(|c| c.as_str().strip_prefix("IN_").is_some_and(|stem| !leaves(stem))).collect()
}

type LibraryClass = (&'static str, &'static str, Value, Vec<(&'static str, Option<&'static str>)>);

/// The BLAS node for operands of these ranks.
fn product(rank_a: usize, rank_b: usize, trans_a: bool, trans_b: bool) -> LibraryClass {
    let named = |a, b, c| vec![("a", Some(a)), ("b", Some(b)), ("c", Some(c))];
    match (rank_a, rank_b) {
        (1, 1) => ("dace.libraries.blas.nodes.dot.Dot", "dot", json!({}), named("_x", "_y", "_result")),
        (2, 1) => {
            let attributes = json!({"transA": trans_a, "alpha": 1, "beta": 0});
            ("dace.libraries.blas.nodes.gemv.Gemv", "gemv", attributes, named("_A", "_x", "_y"))
        }
        (1, 2) => {
            let attributes = json!({"transA": !trans_b, "alpha": 1, "beta": 0});
            ("dace.libraries.blas.nodes.gemv.Gemv", "gemv", attributes, named("_x", "_A", "_y"))
        }
        _ if trans_a || trans_b => {
            let attributes = json!({"transA": trans_a, "transB": trans_b, "alpha": 1, "beta": 0});
            ("dace.libraries.blas.nodes.gemm.Gemm", "gemm", attributes, named("_a", "_b", "_c"))
        }
        _ => ("dace.libraries.blas.nodes.matmul.MatMul", "matmul", json!({}), named("_a", "_b", "_c")),
    }
}

/// DaCe's node for an operation; one of ours, that only we can read, where it has none.
fn called(op: LibraryOp) -> LibraryClass {
    let node = |class, name, attributes, conns: &[(&'static str, &'static str)]| {
        (class, name, attributes, conns.iter().map(|&(ours, theirs)| (ours, Some(theirs))).collect())
    };
    match op {
        LibraryOp::Cholesky => {
            let conns = [("input", "_a"), ("output", "_b")];
            node("dace.libraries.linalg.nodes.cholesky.Cholesky", "Cholesky", json!({"lower": true}), &conns)
        }
        LibraryOp::Inv => node(
            "dace.libraries.linalg.nodes.inv.Inv",
            "Inv",
            json!({}),
            &[("input", "_ain"), ("output", "_aout")],
        ),
        LibraryOp::Solve => {
            let conns = [("a", "_ain"), ("b", "_bin"), ("x", "_bout")];
            node("dace.libraries.linalg.nodes.solve.Solve", "Solve", json!({}), &conns)
        }
        _ => {
            let conns: Vec<_> = op.inputs().iter().chain(op.outputs()).map(|c| (c.0, c.0)).collect();
            node(super::OWN_CALL, op.name(), json!({"operation": op.name(), "flag": op.flag()}), &conns)
        }
    }
}

fn debuginfo(span: Span, source: &Source) -> Value {
    let ((l, c), (m, d)) = (source.line_column(span.start), source.line_column(span.end));
    json!({
        "type": "DebugInfo", "start_line": l, "start_column": c - 1, "end_line": m, "end_column": d - 1,
        "filename": source.path_of(span.start),
    })
}

fn wcr(op: Wcr) -> &'static str {
    match op {
        Wcr::Sum => "(lambda a, b: (a + b))",
        Wcr::Product => "(lambda a, b: (a * b))",
        Wcr::Min => "(lambda a, b: min(a, b))",
        Wcr::Max => "(lambda a, b: max(a, b))",
        Wcr::And => "(lambda a, b: (a and b))",
        Wcr::Or => "(lambda a, b: (a or b))",
    }
}

/// What a reduction without a start begins with in DaCe, which has no other way.
fn least(op: Wcr, dtype: DType) -> Option<Scalar> {
    let bits = dtype.size() as u32 * 8;
    let int = |low: bool| {
        let signed = dtype.is_signed();
        let (min, max) = if signed {
            (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        } else {
            (0, (1i128 << bits) - 1)
        };
        Scalar::Int(dtype, if low { min } else { max })
    };
    Some(match op {
        Wcr::Sum => Scalar::i64(0),
        Wcr::Product => Scalar::i64(1),
        Wcr::And => Scalar::Bool(true),
        Wcr::Or => Scalar::Bool(false),
        Wcr::Max if dtype == DType::F16 => Scalar::F64(f16::MIN.into()),
        Wcr::Min if dtype == DType::F16 => Scalar::F64(f16::MAX.into()),
        Wcr::Max if dtype == DType::F32 => Scalar::F64(f64::from(f32::MIN)),
        Wcr::Min if dtype == DType::F32 => Scalar::F64(f64::from(f32::MAX)),
        Wcr::Max if dtype.is_float() => Scalar::F64(f64::MIN),
        Wcr::Min if dtype.is_float() => Scalar::F64(f64::MAX),
        Wcr::Max if dtype.is_int() => int(true),
        Wcr::Min if dtype.is_int() => int(false),
        Wcr::Max | Wcr::Min => return None,
    })
}

fn scalar(s: Scalar) -> Value {
    match s {
        Scalar::Bool(b) => json!(b),
        Scalar::Int(_, v) => i64::try_from(v).map_or_else(|_| json!(v as u64), |v| json!(v)),
        Scalar::F16(v) => float(v.into()),
        Scalar::F32(v) => float(f64::from(v)),
        Scalar::F64(v) | Scalar::Complex(_, v, _) => float(v),
    }
}

pub fn schedule(schedule: Schedule) -> &'static str {
    match schedule {
        Schedule::Default => "Default",
        Schedule::Sequential | Schedule::Vector => "Sequential",
        Schedule::Parallel => "CPU_Multicore",
        Schedule::GpuDevice => "GPU_Device",
        Schedule::GpuThreadBlock => "GPU_ThreadBlock",
    }
}
