//! Reads tasklets, nested graphs and library nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::at::{At, Read, spelled};
use super::ranges::wcr;
use super::read::{GraphReader, types};
use super::read_code::{Scope, assignments};
use super::read_state::State;
use super::value::as_f64;
use crate::dtype::{DType, Scalar, f16_of};
use crate::names::Name;
use crate::sdfg::{
    BlockKind, Data, Edge, Library, LibraryKind, LibraryOp, Memlet, Nested, Node, Sdfg, Tasklet, row_major,
};
use crate::symbolic::{Expr, Range, Subset};

pub type Renamed = BTreeMap<String, String>;

/// Parts of containers by connector.
pub type Parts = BTreeMap<Name, Subset>;

impl GraphReader<'_> {
    /// Memlets at a node by connector: of what comes in, or of what goes out.
    fn connected(&self, state: &State, i: usize, inputs: bool) -> Read<Vec<(Name, Memlet)>> {
        let mut found = vec![];
        for &e in if inputs { &state.ins[i] } else { &state.outs[i] } {
            let edge = &state.edges[e];
            let conn = if inputs { edge.dst_conn } else { edge.src_conn };
            if let (Some(conn), Some(memlet)) = (conn, self.memlet(state.around, edge)?) {
                found.push((Name::new(conn), memlet));
            }
        }
        Ok(found)
    }

    pub fn tasklet(&mut self, state: &State, i: usize, attributes: &At) -> Read<Tasklet> {
        let Some(code) = attributes.find("code") else { return attributes.beyond("a tasklet without code") };
        let language = code.word("language").unwrap_or("Python");
        if language != "Python" {
            let name = if language == "CPP" { "C++" } else { language };
            return code.beyond(format!("a tasklet in {name}"));
        }
        let text = match code.value.get("string_data").unwrap_or(code.value) {
            Value::String(text) => text.as_str(),
            _ => return code.error("expected code"),
        };
        let dtypes = types(state.around.sdfg);
        let mut arrays = BTreeSet::new();
        let mut typed = |inputs: bool| -> Read<Vec<(Name, DType)>> {
            let mut found: Vec<(Name, DType)> = vec![];
            for (conn, memlet) in self.connected(state, i, inputs)? {
                let Some(dtype) = dtypes.get(&memlet.data) else {
                    return code
                        .beyond(format!("a tasklet of '{}', which is no array of numbers", memlet.data));
                };
                let single = memlet.subset.0.iter().all(|r| r.extent().is_one());
                if !single && inputs {
                    arrays.insert(conn);
                } else if !single {
                    return code.beyond("a tasklet that writes a whole array");
                }
                if !found.iter().any(|f| f.0 == conn) {
                    found.push((conn, *dtype));
                }
            }
            found.sort();
            Ok(found)
        };
        let (inputs, outputs) = (typed(true)?, typed(false)?);
        // Any name that is no connector is a symbol or a map parameter; the verifier knows which.
        let data = &state.around.sdfg.data;
        let symbol = |n: Name| (!data.contains_key(&n)).then_some(n);
        let vars = inputs.iter().copied().collect();
        let mut scope = Scope { vars, arrays, symbol: &symbol, constants: &self.constants };
        let list = assignments(&spelled(text), &mut scope, &outputs.iter().copied().collect());
        let code = match list {
            Ok(list) => list,
            Err(message) => return code.beyond(format!("a tasklet with {message}")),
        };
        if let Some((name, _)) = outputs.iter().find(|(n, _)| !code.iter().any(|a| a.target == *n)) {
            return attributes.beyond(format!("a tasklet that does not always set '{name}'"));
        }
        if let Some(a) = code.iter().find(|a| inputs.iter().any(|i| i.0 == a.target)) {
            return attributes.beyond(format!("a tasklet that changes its input '{}'", a.target));
        }
        let label = attributes.word("label").unwrap_or("tasklet");
        Ok(Tasklet { label: self.label(label), inputs, outputs, code })
    }

    /// The node, its connectors' names here, and the parts that they stand for.
    pub fn nested(&mut self, state: &State, i: usize, attributes: &At) -> Read<(Nested, Renamed, Parts)> {
        let (mut ins, mut outs) = (self.connected(state, i, true)?, self.connected(state, i, false)?);
        same_parts(&mut ins, &mut outs);
        let mut reader = self.inside();
        for (conn, memlet) in ins.iter().chain(&outs) {
            if state.around.sdfg.data.get(&memlet.data).is_some_and(|d| d.is_scalar() && d.foreign.is_none())
            {
                reader.scalars.insert(*conn);
            }
        }
        let mut symbols = BTreeMap::new();
        if let Some(mapping) = attributes.find("symbol_mapping") {
            for (name, value) in mapping.members()? {
                symbols.insert(Name::new(name), value.symbolic()?);
            }
        }
        reader.given = symbols.keys().copied().collect();
        let Some(sdfg) = attributes.find("sdfg") else {
            return attributes.beyond("a nested graph that is in another file");
        };
        let mut inner = match reader.sdfg(sdfg) {
            Err(mut fault) if fault.beyond => {
                fault.error.message = format!("a nested graph with {}", fault.error.message);
                return Err(fault);
            }
            read => read?,
        };
        // DaCe lets a symbol that is called the same outside go without saying.
        for name in inner.symbols.keys() {
            symbols.entry(*name).or_insert_with(|| Expr::sym(*name));
        }
        symbols.retain(|name, _| inner.symbols.contains_key(name));
        let mut parts: Vec<(Name, Vec<Option<Expr>>)> = vec![];
        for (conn, memlet) in ins.iter().chain(&outs) {
            let outer = &state.around.sdfg.data[&memlet.data];
            let inside = |e: &Expr| e.subst(&|n| symbols.get(&n).cloned());
            let Some(data) = inner.data.get_mut(conn) else { continue };
            if data.foreign.is_some() || outer.foreign.is_some() {
                continue;
            }
            let dims = dimensions(data.shape.len(), outer, memlet);
            let Some(dims) = dims.filter(|dims| lies(data, dims, &inside)) else {
                let message = format!("a nested graph in which '{conn}' has other strides than outside");
                return attributes.beyond(message);
            };
            let fewer: Vec<Option<Expr>> = data
                .shape
                .iter()
                .zip(&dims)
                .map(|(extent, (range, _))| {
                    let outside = range.extent();
                    (range.is_index().is_none() && inside(extent) != outside).then_some(outside)
                })
                .collect();
            parts.push((*conn, fewer));
        }
        for (conn, fewer) in parts {
            reader.shrink(&mut inner, &mut symbols, conn, fewer);
        }
        let wanted = ins.iter().chain(&outs).map(|(n, m)| (*n, m.subset.clone())).collect();
        let renamed = merge(&mut inner, &ins, &outs);
        inner.args.clear();
        inner.returns.clear();
        let label = attributes.word("label").unwrap_or("nested");
        Ok((Nested { label: self.label(label), sdfg: Arc::new(inner), symbols }, renamed, wanted))
    }

    /// Gives an inner container the extents of the part that it stands for, where DaCe's are larger.
    fn shrink(
        &mut self,
        inner: &mut Sdfg,
        symbols: &mut BTreeMap<Name, Expr>,
        conn: Name,
        fewer: Vec<Option<Expr>>,
    ) {
        let Some(data) = inner.data.get(&conn) else { return };
        let full = data.full_subset();
        let picked = inner.states().iter().any(|(_, graph)| {
            graph
                .edges()
                .any(|e| e.memlet.as_ref().is_some_and(|m| m.data == conn && m.dynamic && m.subset == full))
        });
        let mut shape = data.shape.clone();
        for (extent, outside) in shape.iter_mut().zip(fewer) {
            let Some(outside) = outside.filter(|_| !picked) else { continue };
            *extent = match outside.as_int() {
                Some(n) => Expr::int(n),
                None => {
                    let name = self.label(&format!("{conn}_part"));
                    inner.symbols.insert(name, DType::I64);
                    symbols.insert(name, outside);
                    Expr::sym(name)
                }
            };
        }
        if let Some(data) = inner.data.get_mut(&conn) {
            data.strides = row_major(&shape);
            data.shape = shape;
        }
    }

    pub fn library(&mut self, state: &State, i: usize, attributes: &At) -> Read<(Node, Renamed)> {
        let at = &state.nodes[i];
        let class = at.get("classpath")?.text()?;
        let named =
            |list: &[(&str, &str)]| list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let label = attributes.word("label").unwrap_or("library").to_string();
        let (trans_a, trans_b) = (attributes.flag("transA"), attributes.flag("transB"));
        let (kind, conns) = match class.rsplit('.').next().unwrap_or("") {
            "MatMul" | "Gemm" | "BatchedMatMul" => {
                (LibraryKind::MatMul { trans_a, trans_b }, named(&[("_a", "a"), ("_b", "b"), ("_c", "c")]))
            }
            "Dot" => {
                let kind = LibraryKind::MatMul { trans_a: false, trans_b: false };
                (kind, named(&[("_x", "a"), ("_y", "b"), ("_result", "c")]))
            }
            "Gemv" => {
                let kind = LibraryKind::MatMul { trans_a, trans_b: false };
                (kind, named(&[("_A", "a"), ("_x", "b"), ("_y", "c")]))
            }
            "Cholesky" => {
                let upper = attributes.find("lower").is_some_and(|v| *v.value == Value::Bool(false));
                if upper {
                    return attributes.beyond("a Cholesky factorization with an upper factor");
                }
                (LibraryKind::Call(LibraryOp::Cholesky), named(&[("_a", "input"), ("_b", "output")]))
            }
            "Inv" => (LibraryKind::Call(LibraryOp::Inv), named(&[("_ain", "input"), ("_aout", "output")])),
            "Solve" => {
                (LibraryKind::Call(LibraryOp::Solve), named(&[("_ain", "a"), ("_bin", "b"), ("_bout", "x")]))
            }
            _ if class == super::OWN_CALL => {
                let flag = attributes.word("flag");
                let op = attributes.word("operation");
                match op.and_then(|name| LibraryOp::from_name(name, |f| flag == Some(f))) {
                    Some(op) => (LibraryKind::Call(op), BTreeMap::new()),
                    None => return attributes.error("an unknown operation"),
                }
            }
            "Reduce" => (self.reduce(state, i, attributes)?, BTreeMap::new()),
            other => return at.beyond(format!("a library node {other}")),
        };
        let scaled = |key| {
            attributes
                .find(key)
                .is_some_and(|v| as_f64(v.value) != Some(if key == "alpha" { 1.0 } else { 0.0 }))
        };
        if scaled("alpha") || scaled("beta") {
            return attributes.beyond("a product with factors alpha or beta");
        }
        if matches!(kind, LibraryKind::MatMul { .. }) {
            for (_, memlet) in self.connected(state, i, true)?.iter().chain(&self.connected(state, i, false)?)
            {
                let long = memlet.subset.0.iter().filter(|r| r.is_index().is_none()).count();
                if long > 2 {
                    return at.beyond("a product of more than two dimensions");
                }
            }
        }
        Ok((Node::Library(Library { label: self.label(&label), kind }), conns))
    }

    fn reduce(&mut self, state: &State, i: usize, attributes: &At) -> Read<LibraryKind> {
        let op = wcr(&attributes.get("wcr")?)?;
        let data = |edges: &[usize]| {
            let edge = edges.iter().find_map(|&e| state.edges[e].data);
            edge.and_then(|n| state.around.sdfg.data.get(&self.data_name(n)))
        };
        let (Some(input), Some(output)) = (data(&state.ins[i]), data(&state.outs[i])) else {
            return attributes.beyond("a reduction without input or output");
        };
        let axes = match attributes.find("axes") {
            Some(axes) => axes.items()?.iter().map(At::index).collect::<Read<Vec<usize>>>()?,
            None => (0..input.shape.len()).collect(),
        };
        let identity = attributes.find("identity").and_then(|v| as_f64(v.value).map(|f| (v.value, f)));
        let identity = identity.map(|(value, f)| match output.dtype {
            DType::Bool => Scalar::Bool(f != 0.0),
            DType::F16 => Scalar::F16(f16_of(f)),
            DType::F32 => Scalar::F32(f as f32),
            DType::F64 => Scalar::F64(f),
            DType::C64 | DType::C128 => Scalar::Complex(output.dtype, f, 0.0),
            int => Scalar::Int(int, value.as_i64().map_or(f as i128, i128::from)),
        });
        let mut axes = axes;
        axes.sort_unstable();
        Ok(LibraryKind::Reduce { op, axes, identity })
    }
}

/// The dimensions of a part that an inner container of this rank has: single indices are dropped, the first
/// ones first.
fn dimensions(rank: usize, outer: &Data, memlet: &Memlet) -> Option<Vec<(Range, Expr)>> {
    let mut dropped = outer.shape.len().checked_sub(rank)?;
    let mut found = vec![];
    for (range, stride) in memlet.subset.0.iter().zip(&outer.strides) {
        if dropped > 0 && range.is_index().is_some() {
            dropped -= 1;
        } else {
            found.push((range.clone(), stride * &range.step));
        }
    }
    (found.len() == rank).then_some(found)
}

/// Are the elements of the inner container those of the part outside, dimension by dimension? DaCe's inner
/// extents may be larger than the part.
fn lies(inner: &Data, dims: &[(Range, Expr)], inside: &dyn Fn(&Expr) -> Expr) -> bool {
    let sides = inner.shape.iter().zip(&inner.strides).zip(dims);
    sides.into_iter().all(|((extent, stride), (_, outside))| extent.is_one() || inside(stride) == *outside)
}

/// A connector on both sides stands for one part in DaCe, whatever the two memlets say: the larger one.
fn same_parts(ins: &mut [(Name, Memlet)], outs: &mut [(Name, Memlet)]) {
    for (name, read) in ins {
        for (_, written) in outs.iter_mut().filter(|(n, m)| n == name && m.data == read.data) {
            let mut both = read.subset.clone();
            for (a, b) in both.0.iter_mut().zip(&written.subset.0) {
                if a.begin == b.begin && a.step == b.step && (&b.end - &a.end).as_int().is_some_and(|d| d > 0)
                {
                    a.end = b.end.clone();
                }
            }
            let begins = |s: &Subset| s.0.iter().map(|r| r.begin.clone()).collect::<Vec<_>>();
            if begins(&read.subset) == begins(&written.subset) {
                read.subset = both.clone();
                written.subset = both;
            }
        }
    }
}

/// Where one part is read by one connector and written by another one, both are one.
fn merge(inner: &mut Sdfg, ins: &[(Name, Memlet)], outs: &[(Name, Memlet)]) -> Renamed {
    let mut renamed = Renamed::new();
    for (out, written) in outs {
        let same = ins
            .iter()
            .find(|(name, read)| name != out && read.data == written.data && read.subset == written.subset);
        let Some((name, _)) = same else { continue };
        let (Some(a), Some(b)) = (inner.data.get(name), inner.data.get(out)) else { continue };
        if a.shape != b.shape || a.dtype != b.dtype || ins.iter().any(|(n, _)| n == out) {
            continue;
        }
        rename(inner, *out, *name);
        merge_inside(inner);
        renamed.insert(out.to_string(), name.to_string());
    }
    renamed
}

/// Containers that became one may be what nested graphs inside read and write.
fn merge_inside(sdfg: &mut Sdfg) {
    let states: Vec<_> = sdfg.states().into_iter().map(|(b, _)| b.id).collect();
    for block in states {
        let Some(graph) = sdfg.state_mut(block) else { continue };
        let nested: Vec<_> =
            graph.nodes().filter(|(_, n)| matches!(n, Node::Nested(_))).map(|(id, _)| id).collect();
        for id in nested {
            let at = |edges: Vec<&Edge>, inputs: bool| -> Vec<(Name, Memlet)> {
                let port = |e: &Edge| if inputs { e.dst.conn } else { e.src.conn };
                edges.into_iter().filter_map(|e| Some((port(e)?, e.memlet.clone()?))).collect()
            };
            let (ins, outs) = (at(graph.in_edges(id), true), at(graph.out_edges(id), false));
            let Node::Nested(node) = graph.node_mut(id) else { continue };
            let renamed = merge(Arc::make_mut(&mut node.sdfg), &ins, &outs);
            let edges: Vec<Edge> = graph.out_edges(id).into_iter().cloned().collect();
            for mut edge in edges {
                let new = edge.src.conn.and_then(|c| renamed.get(c.as_str()));
                if let Some(new) = new {
                    edge.src.conn = Some(Name::new(new));
                    graph.remove_edge(edge.id);
                    graph.insert_edge(edge);
                }
            }
        }
    }
}

/// One container takes the place of another one.
fn rename(sdfg: &mut Sdfg, from: Name, to: Name) {
    sdfg.data.remove(&from);
    let var = |n: Name| (n == from).then_some(crate::tasklet::Expr::Var(to));
    let blocks: Vec<_> = {
        let mut ids = vec![];
        sdfg.body.walk(&mut |b| ids.push(b.id));
        ids
    };
    for id in blocks {
        let Some(block) = sdfg.body.find_mut(id) else { continue };
        match &mut block.kind {
            BlockKind::State(graph) => {
                let nodes: Vec<_> = graph.node_ids().collect();
                for node in nodes {
                    if *graph.node(node) == Node::Access(from) {
                        *graph.node_mut(node) = Node::Access(to);
                    }
                }
                let edges: Vec<_> = graph.edges().map(|e| e.id).collect();
                for edge in edges {
                    if let Some(memlet) = graph.memlet_mut(edge).as_mut().filter(|m| m.data == from) {
                        memlet.data = to;
                    }
                }
            }
            BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => *cond = cond.subst_vars(&var),
            BlockKind::Assign { value, .. } => *value = value.subst_vars(&var),
            BlockKind::Conditional { branches, .. } => {
                branches.iter_mut().for_each(|b| b.0 = b.0.subst_vars(&var));
            }
            _ => {}
        }
    }
}
