//! Reads the dataflow of a state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::read::{Around, At, GraphReader, Read, types};
use super::read_code::{Scope, assignments};
use super::value::as_f64;
use crate::dtype::{DType, Scalar, f16_of};
use crate::names::Name;
use crate::sdfg::{
    Data, Library, LibraryKind, LibraryOp, Map, MapId, Memlet, Nested, Node, NodeId, Port, Schedule, Scopes,
    StateGraph, Tasklet, Wcr,
};
use crate::symbolic::{Expr, Range, Subset};

/// The state while it is read.
struct State<'a, 'v> {
    around: &'a Around<'a>,
    graph: StateGraph,
    ids: Vec<NodeId>,
    /// For each node its connectors in our names.
    renamed: Vec<BTreeMap<String, String>>,
    nodes: Vec<At<'v>>,
    edges: Vec<At<'v>>,
}

impl GraphReader {
    pub fn state(&mut self, at: &At, around: &Around) -> Read<StateGraph> {
        let nodes = at.get("nodes")?.items()?;
        let edges = at.get("edges")?.items()?;
        let mut state =
            State { around, graph: StateGraph::new(), ids: vec![], renamed: vec![], nodes, edges };
        let mut maps: BTreeMap<usize, MapId> = BTreeMap::new();
        for i in 0..state.nodes.len() {
            let (node, renamed) = self.node(&state, i, &mut maps)?;
            if let Node::MapEntry(id) = node {
                let map = self.map(&state.nodes[i])?;
                state.graph.insert_map(id, map);
            }
            let id = state.graph.add_node(node, None);
            state.ids.push(id);
            state.renamed.push(renamed);
        }
        for edge in state.edges.clone() {
            self.edge(&mut state, &edge)?;
        }
        let mut graph = state.graph;
        name_copies(&mut graph, &around.sdfg.data, at)?;
        self.own_parameters(&mut graph);
        Ok(graph)
    }

    fn node(
        &mut self,
        state: &State,
        i: usize,
        maps: &mut BTreeMap<usize, MapId>,
    ) -> Read<(Node, BTreeMap<String, String>)> {
        let at = &state.nodes[i];
        let attributes = at.get("attributes")?;
        let none = BTreeMap::new();
        Ok(match at.get("type")?.text()? {
            "AccessNode" => {
                let data = attributes.get("data")?;
                let name = self.data_name(data.text()?);
                if !state.around.sdfg.data.contains_key(&name) {
                    return data.error(format!("no container '{name}'"));
                }
                (Node::Access(name), none)
            }
            "MapEntry" => (Node::MapEntry(*maps.entry(i).or_insert_with(MapId::new)), none),
            "MapExit" => {
                let entry = at.get("scope_entry")?;
                let index = entry.index()?;
                if state.nodes.get(index).and_then(|n| n.value.get("type")).and_then(Value::as_str)
                    != Some("MapEntry")
                {
                    return entry.error("a map exit without its entry");
                }
                (Node::MapExit(*maps.entry(index).or_insert_with(MapId::new)), none)
            }
            "Tasklet" => (Node::Tasklet(self.tasklet(state, i, &attributes)?), none),
            "NestedSDFG" => (Node::Nested(self.nested(state, i, &attributes)?), none),
            "LibraryNode" => self.library(state, i, &attributes)?,
            other => return at.error(format!("a node of kind {other}")),
        })
    }

    fn map(&mut self, at: &At) -> Read<Map> {
        let attributes = at.get("attributes")?;
        let ranges = ranges(&attributes.get("range")?)?;
        let params = attributes.get("params")?.items()?;
        if params.len() != ranges.0.len() {
            return attributes.error("as many ranges as parameters are needed");
        }
        let schedule = match attributes.find("schedule").and_then(|s| s.value.as_str()).unwrap_or("Default") {
            "Default" => Schedule::Default,
            "Sequential" => Schedule::Sequential,
            "CPU_Multicore" => Schedule::Parallel,
            "GPU_Device" => Schedule::GpuDevice,
            "GPU_ThreadBlock" => Schedule::GpuThreadBlock,
            other => return attributes.error(format!("schedule {other}")),
        };
        let names = params.iter().map(|p| p.text().map(Name::new)).collect::<Read<Vec<Name>>>()?;
        let label = attributes.find("label").and_then(|l| l.value.as_str()).unwrap_or("map");
        Ok(Map { label: self.label(label), params: names.into_iter().zip(ranges.0).collect(), schedule })
    }

    /// Data of the memlets at a node, by connector.
    fn connected(&self, state: &State, i: usize, end: &str) -> Read<BTreeMap<Name, Name>> {
        let mut found = BTreeMap::new();
        for edge in &state.edges {
            if edge.get(end)?.index()? != i {
                continue;
            }
            let conn = edge.find(&format!("{end}_connector"));
            let data = edge.get("attributes")?.get("data")?.find("attributes").and_then(|a| a.find("data"));
            if let (Some(conn), Some(data)) = (conn, data) {
                found.insert(Name::new(conn.text()?), self.data_name(data.text()?));
            }
        }
        Ok(found)
    }

    /// Input connectors that bring more than one element.
    fn pointers(&self, state: &State, i: usize) -> Read<BTreeSet<Name>> {
        let mut found = BTreeSet::new();
        for edge in &state.edges {
            let Some(conn) = edge.find("dst_connector").filter(|_| edge.find("dst").is_some()) else {
                continue;
            };
            if edge.get("dst")?.index()? == i
                && let Some(memlet) = self.memlet(state, &edge.get("attributes")?.get("data")?)?
                && !memlet.subset.0.iter().all(|r| r.extent().is_one())
            {
                found.insert(Name::new(conn.text()?));
            }
        }
        Ok(found)
    }

    fn tasklet(&mut self, state: &State, i: usize, attributes: &At) -> Read<Tasklet> {
        let code = attributes.get("code")?;
        let language = code.find("language").and_then(|l| l.value.as_str()).unwrap_or("Python");
        if language != "Python" {
            return code.error(format!("a tasklet in {language}"));
        }
        let text = match code.value.get("string_data").unwrap_or(code.value) {
            Value::String(text) => text.as_str(),
            _ => return code.error("expected code"),
        };
        let dtypes = types(state.around.sdfg);
        let typed = |end: &str| -> Read<Vec<(Name, DType)>> {
            let list = self.connected(state, i, end)?.into_iter();
            Ok(list.filter_map(|(conn, data)| Some((conn, *dtypes.get(&data)?))).collect())
        };
        let (inputs, outputs) = (typed("dst")?, typed("src")?);
        // Any name that is no connector is a symbol or a map parameter; the verifier knows which.
        let symbol = |n: Name| Some(n);
        let arrays = self.pointers(state, i)?;
        let mut scope = Scope { vars: inputs.iter().copied().collect(), arrays, symbol: &symbol };
        let code = match assignments(text, &mut scope, &outputs.iter().copied().collect()) {
            Ok(list) => list,
            Err(message) => return code.error(format!("cannot read the tasklet: {message}")),
        };
        let label = attributes.find("label").and_then(|l| l.value.as_str()).unwrap_or("tasklet");
        Ok(Tasklet { label: self.label(label), inputs, outputs, code })
    }

    fn nested(&mut self, state: &State, i: usize, attributes: &At) -> Read<Nested> {
        let mut scalars = BTreeSet::new();
        for end in ["src", "dst"] {
            for (conn, data) in self.connected(state, i, end)? {
                if state.around.sdfg.data.get(&data).is_some_and(|d| d.is_scalar()) {
                    scalars.insert(conn);
                }
            }
        }
        let mut reader =
            GraphReader { labels: BTreeSet::new(), scalars, depth: self.depth + 1, outer: false };
        let mut inner = reader.sdfg(attributes.get("sdfg")?)?;
        let mut symbols = BTreeMap::new();
        if let Some(mapping) = attributes.find("symbol_mapping") {
            for (name, value) in mapping.members()? {
                symbols.insert(Name::new(name), value.symbolic()?);
            }
        }
        // DaCe lets a symbol that is called the same outside go without saying.
        for name in inner.symbols.keys() {
            symbols.entry(*name).or_insert_with(|| Expr::sym(*name));
        }
        symbols.retain(|name, _| inner.symbols.contains_key(name));
        inner.args.clear();
        let label = attributes.find("label").and_then(|l| l.value.as_str()).unwrap_or("nested");
        Ok(Nested { label: self.label(label), sdfg: Arc::new(inner), symbols })
    }

    fn library(
        &mut self,
        state: &State,
        i: usize,
        attributes: &At,
    ) -> Read<(Node, BTreeMap<String, String>)> {
        let at = &state.nodes[i];
        let class = at.get("classpath")?.text()?;
        let rename =
            |list: [(&str, &str); 3]| list.map(|(a, b)| (a.to_string(), b.to_string())).into_iter().collect();
        let named =
            |list: &[(&str, &str)]| list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let label = attributes.find("label").and_then(|l| l.value.as_str()).unwrap_or("library").to_string();
        let scaled =
            |key: &str, plain: f64| attributes.find(key).is_some_and(|v| as_f64(v.value) != Some(plain));
        if scaled("alpha", 1.0) || scaled("beta", 0.0) {
            return attributes.error("a product with factors alpha or beta");
        }
        let (trans_a, trans_b) = (attributes.flag("transA"), attributes.flag("transB"));
        let (kind, conns) = match class.rsplit('.').next().unwrap_or("") {
            "MatMul" | "Gemm" => {
                let kind = LibraryKind::MatMul { trans_a, trans_b };
                (kind, rename([("_a", "a"), ("_b", "b"), ("_c", "c")]))
            }
            "Dot" => {
                let kind = LibraryKind::MatMul { trans_a: false, trans_b: false };
                (kind, rename([("_x", "a"), ("_y", "b"), ("_result", "c")]))
            }
            "Gemv" => {
                let kind = LibraryKind::MatMul { trans_a, trans_b: false };
                (kind, rename([("_A", "a"), ("_x", "b"), ("_y", "c")]))
            }
            "Cholesky" => {
                let upper = attributes.find("lower").is_some_and(|v| *v.value == Value::Bool(false));
                if upper {
                    return attributes.error("an upper factor");
                }
                (LibraryKind::Call(LibraryOp::Cholesky), named(&[("_a", "input"), ("_b", "output")]))
            }
            "Inv" => (LibraryKind::Call(LibraryOp::Inv), named(&[("_ain", "input"), ("_aout", "output")])),
            "Solve" => {
                (LibraryKind::Call(LibraryOp::Solve), named(&[("_ain", "a"), ("_bin", "b"), ("_bout", "x")]))
            }
            _ if class == super::OWN_CALL => {
                let word = |key: &str| attributes.find(key).and_then(|v| v.value.as_str());
                let flag = word("flag");
                match word("operation").and_then(|name| LibraryOp::from_name(name, |f| flag == Some(f))) {
                    Some(op) => (LibraryKind::Call(op), BTreeMap::new()),
                    None => return attributes.error("an unknown operation"),
                }
            }
            "Reduce" => (self.reduce(state, i, attributes)?, BTreeMap::new()),
            _ => return at.error(format!("a library node {class}")),
        };
        Ok((Node::Library(Library { label: self.label(&label), kind }), conns))
    }

    fn reduce(&mut self, state: &State, i: usize, attributes: &At) -> Read<LibraryKind> {
        let op = wcr(&attributes.get("wcr")?)?;
        let mut ends = [None, None];
        for edge in &state.edges {
            for (slot, end) in ends.iter_mut().zip(["dst", "src"]) {
                if edge.get(end)?.index()? == i {
                    let memlet = edge.get("attributes")?.get("data")?.get("attributes")?;
                    *slot = Some(self.data_name(memlet.get("data")?.text()?));
                }
            }
        }
        let data = |slot: Option<Name>| slot.and_then(|n| state.around.sdfg.data.get(&n));
        let (Some(input), Some(output)) = (data(ends[0]), data(ends[1])) else {
            return attributes.error("a reduction without input or output");
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

    fn edge(&mut self, state: &mut State, at: &At) -> Read<()> {
        let end = |key: &str| -> Read<(usize, Option<Name>)> {
            let node = at.get(key)?.index()?;
            if node >= state.ids.len() {
                return at.error("an edge to a node that does not exist");
            }
            let conn = match at.find(&format!("{key}_connector")) {
                Some(conn) => Some(conn.text()?),
                None => None,
            };
            let conn = conn.map(|c| Name::new(state.renamed[node].get(c).map_or(c, String::as_str)));
            Ok((node, conn))
        };
        let ((from, src), (to, dst)) = (end("src")?, end("dst")?);
        let reduces = |i: usize| {
            matches!(
                state.graph.node(state.ids[i]),
                Node::Library(Library { kind: LibraryKind::Reduce { .. }, .. })
            )
        };
        let src = if reduces(from) { Some(Name::new("output")) } else { src };
        let dst = if reduces(to) { Some(Name::new("input")) } else { dst };
        let memlet = at.get("attributes")?.get("data")?;
        let mut memlet = self.memlet(state, &memlet)?;
        if let (Node::Tasklet(t), Some(conn), Some(memlet)) =
            (state.graph.node(state.ids[to]), dst, &mut memlet)
        {
            memlet.dynamic |= t.arrays().contains(&conn);
        }
        let port = |i: usize, conn| Port { node: state.ids[i], conn };
        let (src, dst) = (port(from, src), port(to, dst));
        let computes = |p: Port| {
            matches!(state.graph.node(p.node), Node::Tasklet(_) | Node::Nested(_) | Node::Library(_))
        };
        if let Some(memlet) = &memlet
            && computes(src)
            && computes(dst)
        {
            // DaCe lets values go from tasklet to tasklet: here a scalar is in between.
            let between = state.graph.add_node(Node::Access(memlet.data), None);
            state.graph.connect(src, between, memlet.clone());
            state.graph.connect(between, dst, memlet.clone());
            return Ok(());
        }
        state.graph.connect(src, dst, memlet);
        Ok(())
    }

    /// As in the file: which side `data` is on is settled later.
    fn memlet(&self, state: &State, at: &At) -> Read<Option<Memlet>> {
        let Some(attributes) = at.find("attributes") else { return Ok(None) };
        let Some(data) = attributes.find("data") else { return Ok(None) };
        let name = self.data_name(data.text()?);
        let Some(container) = state.around.sdfg.data.get(&name) else {
            return data.error(format!("no container '{name}'"));
        };
        let mut subset = ranges(&attributes.get("subset")?)?;
        if container.is_scalar() {
            subset = Subset(vec![]);
        }
        if subset.rank() != container.shape.len() {
            return attributes.error(format!(
                "'{name}' has {} dimensions, not {}",
                container.shape.len(),
                subset.rank()
            ));
        }
        let other = attributes.find("other_subset").map(|o| ranges(&o)).transpose()?;
        let wcr = attributes.find("wcr").map(|w| wcr(&w)).transpose()?;
        Ok(Some(Memlet { data: name, subset, other, wcr, dynamic: attributes.flag("dynamic") }))
    }

    /// Gives maps parameters of their own: DaCe uses names again.
    fn own_parameters(&mut self, graph: &mut StateGraph) {
        let Some(scopes) = Scopes::of(graph) else { return };
        for map in scopes.maps_inner_first().into_iter().rev() {
            let mut renames: BTreeMap<Name, Name> = BTreeMap::new();
            for (name, _) in graph.map(map).params.clone() {
                let new = self.label(name.as_str());
                if new != name {
                    renames.insert(name, new);
                }
            }
            if !renames.is_empty() {
                rename_scope(graph, &scopes, map, &renames);
            }
        }
    }
}

fn rename_scope(graph: &mut StateGraph, scopes: &Scopes, map: MapId, renames: &BTreeMap<Name, Name>) {
    let f = |n: Name| renames.get(&n).map(|n| Expr::sym(*n));
    let params = &mut graph.map_mut(map).params;
    for (name, _) in params.iter_mut() {
        *name = renames.get(name).copied().unwrap_or(*name);
    }
    let Some((entry, exit)) = graph.map_nodes(map) else { return };
    let inside: BTreeSet<NodeId> = graph
        .node_ids()
        .filter(|n| *n != exit && *n != entry && scopes.enclosing(*n).contains(&map))
        .collect();
    let edges: Vec<_> = graph
        .edges()
        .filter(|e| inside.contains(&e.src.node) || inside.contains(&e.dst.node))
        .map(|e| e.id)
        .collect();
    for edge in edges {
        if let Some(memlet) = graph.memlet_mut(edge) {
            *memlet = memlet.subst(&f);
        }
    }
    for id in inside {
        match graph.node_mut(id) {
            Node::Tasklet(t) => {
                for assign in &mut t.code {
                    assign.value = assign.value.subst_symbols(&f);
                }
            }
            Node::Nested(n) => {
                for value in n.symbols.values_mut() {
                    *value = value.subst(&f);
                }
            }
            Node::MapEntry(inner) => {
                let inner = *inner;
                for (_, range) in &mut graph.map_mut(inner).params {
                    *range = range.subst(&f);
                }
            }
            _ => {}
        }
    }
}

/// Brings copies to our form: `data` is the source, or the container outside of a scope.
fn name_copies(graph: &mut StateGraph, data: &BTreeMap<Name, Data>, at: &At) -> Read<()> {
    let rank = |name: &Name| data.get(name).map_or(0, |d| d.shape.len());
    let edges: Vec<_> = graph.edges().cloned().collect();
    for edge in edges {
        let Some(memlet) = edge.memlet else { continue };
        let access = |id: NodeId| match graph.node(id) {
            Node::Access(data) => Some(*data),
            _ => None,
        };
        let (near, far) = match (access(edge.src.node), access(edge.dst.node)) {
            (Some(src), Some(dst)) => (src, dst),
            (None, Some(dst)) if matches!(graph.node(edge.src.node), Node::MapEntry(_)) => {
                match root(graph, edge.src, true) {
                    Some(src) => (src, dst),
                    None => continue,
                }
            }
            (Some(src), None) if matches!(graph.node(edge.dst.node), Node::MapExit(_)) => {
                match root(graph, edge.dst, false) {
                    // Outside first, as for what comes in.
                    Some(dst) => (dst, src),
                    None => continue,
                }
            }
            _ => {
                if let Some(m) = graph.memlet_mut(edge.id) {
                    m.other = None;
                }
                continue;
            }
        };
        let whole = |subset: &Subset| {
            let sizes = subset.extents().into_iter().map(|n| Range::new(0, n));
            Subset(sizes.collect())
        };
        let swapped = memlet.data != near;
        if swapped && memlet.data != far {
            return at
                .error(format!("a copy between '{near}' and '{far}' whose memlet is of '{}'", memlet.data));
        }
        let other_rank = rank(if swapped { &near } else { &far });
        let mut other = memlet.other.clone().unwrap_or_else(|| whole(&memlet.subset));
        if other_rank == 0 {
            other = Subset(vec![]);
        } else if memlet.other.is_none() && other.rank() > other_rank {
            // Single indices have no counterpart in a container of smaller rank.
            let single = |r: &Range| r.is_index().is_some();
            other.0.retain(|r| !single(r));
        }
        if other.rank() != other_rank {
            return at
                .error(format!("a copy between '{near}' and '{far}' of parts with different dimensions"));
        }
        let (subset, other) =
            if swapped { (other, memlet.subset.clone()) } else { (memlet.subset.clone(), other) };
        *graph.memlet_mut(edge.id) = Some(Memlet { data: near, subset, other: Some(other), ..memlet });
    }
    Ok(())
}

/// The container where the path through scopes begins (or ends).
fn root(graph: &StateGraph, port: Port, backwards: bool) -> Option<Name> {
    let mut port = port;
    for _ in 0..100 {
        if let Node::Access(data) = graph.node(port.node) {
            return Some(*data);
        }
        let stem = port.conn?.as_str().split_once('_')?.1;
        let (edges, prefix) =
            if backwards { (graph.in_edges(port.node), "IN_") } else { (graph.out_edges(port.node), "OUT_") };
        let partner = Some(Name::new(&format!("{prefix}{stem}")));
        let edge =
            edges.into_iter().find(|e| (if backwards { e.dst.conn } else { e.src.conn }) == partner)?;
        port = if backwards { edge.src } else { edge.dst };
    }
    None
}

/// A `Range` or `Indices` of DaCe with half-open ends.
fn ranges(at: &At) -> Read<Subset> {
    if at.find("type").and_then(|t| t.value.as_str()) == Some("Indices") {
        let indices = at.get("indices")?.items()?;
        return Ok(Subset::indices(indices.iter().map(At::symbolic).collect::<Read<Vec<Expr>>>()?));
    }
    let mut out = vec![];
    for range in at.get("ranges")?.items()? {
        let part = |key: &str| range.get(key)?.symbolic();
        let (begin, last, step) = (part("start")?, part("end")?, part("step")?);
        if range.find("tile").is_some() && !part("tile")?.is_one() {
            return range.error("a range with tiles");
        }
        if step.is_zero() {
            return range.error("a range with step 0");
        }
        let end = if step.as_int().is_some_and(|s| s < 0) { last - 1 } else { last + 1 };
        out.push(Range { begin, end, step });
    }
    Ok(Subset(out))
}

/// The operation of a `lambda a, b: (a + b)`.
fn wcr(at: &At) -> Read<Wcr> {
    let text = at.value.as_str().or_else(|| at.value.get("string_data")?.as_str()).unwrap_or_default();
    let compact: String = text.chars().filter(|c| !matches!(c, '(' | ')' | ' ')).collect();
    let found = compact.strip_prefix("lambda").and_then(|rest| {
        let (names, body) = rest.split_once(':')?;
        let (a, b) = names.split_once(',')?;
        let is = |format: [&str; 3]| {
            let [open, middle, close] = format;
            [(a, b), (b, a)].iter().any(|(a, b)| body == format!("{open}{a}{middle}{b}{close}"))
        };
        Some(match () {
            () if is(["", "+", ""]) => Wcr::Sum,
            () if is(["", "*", ""]) => Wcr::Product,
            () if is(["min", ",", ""]) => Wcr::Min,
            () if is(["max", ",", ""]) => Wcr::Max,
            () if is(["", "and", ""]) => Wcr::And,
            () if is(["", "or", ""]) => Wcr::Or,
            () => return None,
        })
    });
    match found {
        Some(op) => Ok(op),
        None => at.error(format!("conflict resolution by '{text}'")),
    }
}
