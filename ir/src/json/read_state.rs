//! Reads the dataflow of a state; what its nodes compute is read by `read_nodes`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::at::{At, Read};
use super::copies::name_copies;
use super::foreign;
use super::ranges::{ranges, wcr};
use super::read::{Around, GraphReader};
use crate::names::Name;
use crate::sdfg::{
    Data, EdgeId, Foreign, Library, LibraryKind, Map, MapId, Memlet, Node, NodeId, Port, Schedule, Scopes,
    StateGraph, order,
};
use crate::symbolic::{Expr, Subset};

/// The state while it is read.
pub struct State<'a, 'v> {
    pub around: &'a Around<'a>,
    pub graph: StateGraph,
    /// Nodes of the graph where edges end and where they begin; those of a scope that is kept whole are one.
    ids: Vec<Option<(NodeId, NodeId)>>,
    /// For each node its connectors in our names.
    pub renamed: Vec<BTreeMap<String, String>>,
    pub nodes: Vec<At<'v>>,
    pub edges: Vec<RawEdge<'v>>,
    /// Edges by the node that they enter, and that they leave.
    pub ins: Vec<Vec<usize>>,
    pub outs: Vec<Vec<usize>>,
    /// Edges that lead from views to what they show.
    marked: BTreeSet<EdgeId>,
    /// Edges whose memlet has the part of the target first.
    of_target: BTreeSet<EdgeId>,
    /// Parts that connectors of nested graphs stand for.
    parts: BTreeMap<(NodeId, Name), Subset>,
}

/// An edge as in the file.
pub struct RawEdge<'v> {
    at: At<'v>,
    pub src: usize,
    pub dst: usize,
    pub src_conn: Option<&'v str>,
    pub dst_conn: Option<&'v str>,
    /// The attributes of its memlet, if it is not empty.
    pub memlet: Option<At<'v>>,
    pub data: Option<&'v str>,
}

impl<'v> RawEdge<'v> {
    fn read(at: At<'v>, count: usize) -> Read<RawEdge<'v>> {
        let (src, dst) = (at.get("src")?.index()?, at.get("dst")?.index()?);
        if src >= count || dst >= count {
            return at.error("an edge to a node that does not exist");
        }
        let conn = |key| at.find(key).map(|c| c.text()).transpose();
        let (src_conn, dst_conn) = (conn("src_connector")?, conn("dst_connector")?);
        let memlet = at.find("attributes").and_then(|a| a.find("data")).and_then(|d| d.find("attributes"));
        let data = match memlet.as_ref().and_then(|m| m.find("data")) {
            Some(data) => Some(data.text()?),
            None => None,
        };
        let memlet = memlet.filter(|_| data.is_some());
        Ok(RawEdge { at, src, dst, src_conn, dst_conn, memlet, data })
    }
}

impl GraphReader<'_> {
    pub fn state(&mut self, at: &At, around: &Around) -> Read<StateGraph> {
        let nodes = at.get("nodes")?.items()?;
        let count = nodes.len();
        let edges = at.get("edges")?.items()?;
        let edges = edges.into_iter().map(|e| RawEdge::read(e, count)).collect::<Read<Vec<RawEdge>>>()?;
        let (mut ins, mut outs) = (vec![vec![]; count], vec![vec![]; count]);
        for (i, edge) in edges.iter().enumerate() {
            ins[edge.dst].push(i);
            outs[edge.src].push(i);
        }
        let mut state = State {
            around,
            graph: StateGraph::new(),
            ids: vec![None; count],
            renamed: vec![BTreeMap::new(); count],
            nodes,
            edges,
            ins,
            outs,
            marked: BTreeSet::new(),
            of_target: BTreeSet::new(),
            parts: BTreeMap::new(),
        };
        let folded = folded(&state)?;
        let mut maps: BTreeMap<usize, MapId> = BTreeMap::new();
        for i in 0..count {
            if let Some((reason, members)) = folded.get(&i) {
                let id = self.foreign_node(&mut state, members, reason.clone());
                members.iter().for_each(|&m| state.ids[m] = Some((id, id)));
            }
            if state.ids[i].is_some() {
                continue;
            }
            if let Some(axes) = transposed(&state.nodes[i])?
                && let Some(ends) = self.transpose(&mut state, i, &axes)?
            {
                state.ids[i] = Some(ends);
                continue;
            }
            match self.node(&state, i, &mut maps) {
                Ok((node, renamed)) => {
                    if let Node::MapEntry(id) = node {
                        let map = self.map(&state.nodes[i])?;
                        state.graph.insert_map(id, map);
                    }
                    let id = state.graph.add_node(node, None);
                    state.ids[i] = Some((id, id));
                    self.trail.borrow_mut().nodes.insert(id, state.nodes[i].path());
                    state
                        .parts
                        .extend(std::mem::take(&mut self.parts).into_iter().map(|(n, s)| ((id, n), s)));
                    state.renamed[i] = renamed;
                }
                Err(fault) if fault.beyond => {
                    let id = self.foreign_node(&mut state, &[i], fault.error.message);
                    state.ids[i] = Some((id, id));
                }
                Err(fault) => return Err(fault),
            }
        }
        for i in 0..state.edges.len() {
            self.edge(&mut state, i)?;
        }
        let (mut graph, marked, mut of_target) = (state.graph, state.marked, state.of_target);
        self.name_foreign_symbols(&mut graph, around);
        if !self.views.is_empty() {
            self.resolve_views(&mut graph, &marked, &mut of_target, around, at)?;
        }
        name_copies(&mut graph, &around.sdfg.data, &of_target, at)?;
        self.own_parameters(&mut graph);
        if self.orders(at) {
            order(&mut graph, &around.sdfg.data, &around.sdfg.assumptions());
        }
        Ok(graph)
    }

    /// One node for some of the file that are kept as they are.
    fn foreign_node(&mut self, state: &mut State, members: &[usize], reason: String) -> NodeId {
        let edges: Vec<At> = state.edges.iter().map(|e| e.at.clone()).collect();
        let mut foreign = foreign::nodes(reason, &state.nodes, &edges, members);
        let (mut inputs, mut outputs) = (BTreeSet::new(), BTreeSet::new());
        for edge in &state.edges {
            if members.contains(&edge.dst) && !members.contains(&edge.src) {
                inputs.extend(edge.dst_conn.map(Name::new));
            }
            if members.contains(&edge.src) && !members.contains(&edge.dst) {
                outputs.extend(edge.src_conn.map(Name::new));
            }
        }
        foreign.inputs = inputs.into_iter().collect();
        foreign.outputs = outputs.into_iter().collect();
        let first = &state.nodes[members[0]];
        let label = first.find("attributes").and_then(|a| a.word("label")).or_else(|| first.word("label"));
        let label = self.label(label.unwrap_or("node"));
        let kind = LibraryKind::Foreign(Arc::new(foreign));
        state.graph.add_node(Node::Library(Library { label, kind }), None)
    }

    /// Symbols of foreign nodes: words of their JSON that mean one where the node is.
    fn name_foreign_symbols(&self, graph: &mut StateGraph, around: &Around) {
        let foreign = |n: &Node| matches!(n, Node::Library(Library { kind: LibraryKind::Foreign(_), .. }));
        let ids: Vec<NodeId> = graph.nodes().filter(|(_, n)| foreign(n)).map(|(id, _)| id).collect();
        if ids.is_empty() {
            return;
        }
        let scopes = Scopes::of(graph);
        for id in ids {
            let mut known: BTreeSet<Name> = around.symbols.clone();
            for map in scopes.as_ref().map(|s| s.enclosing(id)).unwrap_or_default() {
                known.extend(graph.map(map).params.iter().map(|p| p.0));
            }
            let Node::Library(Library { kind: LibraryKind::Foreign(foreign), .. }) = graph.node_mut(id)
            else {
                continue;
            };
            let foreign: &mut Foreign = Arc::make_mut(foreign);
            let mut used = BTreeSet::new();
            if let Ok(json) = serde_json::from_str(&foreign.json) {
                foreign::words(&json, &mut used);
            }
            let own = |n: &Name| foreign.inputs.contains(n) || foreign.outputs.contains(n);
            foreign.symbols = used
                .into_iter()
                .filter(|n| known.contains(n) && !own(n))
                .map(|n| (n, Expr::sym(n)))
                .collect();
        }
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
                let Some(name) = self.container_of(data.text()?, state.around.sdfg) else {
                    return data.error(format!("no container '{}'", data.text()?));
                };
                (Node::Access(name), none)
            }
            "MapEntry" => (Node::MapEntry(*maps.entry(i).or_insert_with(MapId::new)), none),
            "MapExit" => {
                let entry = at.get("scope_entry")?;
                let index = entry.index()?;
                if !state.nodes.get(index).is_some_and(|n| n.is("MapEntry")) {
                    return entry.error("a map exit without its entry");
                }
                (Node::MapExit(*maps.entry(index).or_insert_with(MapId::new)), none)
            }
            "Tasklet" => (Node::Tasklet(self.tasklet(state, i, &attributes)?), none),
            "NestedSDFG" => {
                let (nested, renamed, parts) = self.nested(state, i, &attributes)?;
                self.parts = parts;
                (Node::Nested(nested), renamed)
            }
            "LibraryNode" => self.library(state, i, &attributes)?,
            other => return at.beyond(format!("a node of kind {other}")),
        })
    }

    fn map(&mut self, at: &At) -> Read<Map> {
        let attributes = at.get("attributes")?;
        let ranges = ranges(&attributes.get("range")?)?;
        let params = attributes.get("params")?.items()?;
        if params.len() != ranges.0.len() {
            return attributes.error("as many ranges as parameters are needed");
        }
        let schedule = match attributes.word("schedule").unwrap_or("Default") {
            "Sequential" | "Unrolled" => Schedule::Sequential,
            "CPU_Multicore" | "CPU_Persistent" => Schedule::Parallel,
            "GPU_Device" => Schedule::GpuDevice,
            "GPU_ThreadBlock" | "GPU_ThreadBlock_Dynamic" => Schedule::GpuThreadBlock,
            _ => Schedule::Default,
        };
        let names = params.iter().map(|p| p.text().map(Name::new)).collect::<Read<Vec<Name>>>()?;
        let label = attributes.word("label").unwrap_or("map");
        Ok(Map { label: self.label(label), params: names.into_iter().zip(ranges.0).collect(), schedule })
    }

    fn edge(&mut self, state: &mut State, i: usize) -> Read<()> {
        let edge = &state.edges[i];
        let (Some((_, from)), Some((to, _))) = (state.ids[edge.src], state.ids[edge.dst]) else {
            return edge.at.error("an edge of a node that could not be read");
        };
        if from == to && edge.src != edge.dst {
            // Inside a scope that is kept whole.
            return Ok(());
        }
        let conn = |node: usize, conn: Option<&str>| {
            conn.map(|c| Name::new(state.renamed[node].get(c).map_or(c, String::as_str)))
        };
        let (src, dst) = (conn(edge.src, edge.src_conn), conn(edge.dst, edge.dst_conn));
        let access = |id| matches!(state.graph.node(id), Node::Access(_));
        let reduces = |id| {
            matches!(state.graph.node(id), Node::Library(Library { kind: LibraryKind::Reduce { .. }, .. }))
        };
        let mut memlet = self.memlet(state.around, edge)?;
        if let Some(memlet) = &mut memlet {
            // By the file's own names.
            for (id, conn) in [(from, edge.src_conn), (to, edge.dst_conn)] {
                let part = conn.and_then(|c| state.parts.get(&(id, Name::new(c))));
                if let Some(part) = part.filter(|p| **p != memlet.subset) {
                    memlet.subset = part.clone();
                    memlet.dynamic = true;
                }
            }
        }
        let mut src = if reduces(from) { Some(Name::new("output")) } else { src };
        let mut dst = if reduces(to) { Some(Name::new("input")) } else { dst };
        let views = [(from, src), (to, dst)]
            .iter()
            .any(|(id, c)| access(*id) && c.is_some_and(|c| c.as_str() == "views"));
        for (id, conn) in [(from, &mut src), (to, &mut dst)] {
            if access(id) {
                if conn.is_some_and(|c| c.as_str() == "set") {
                    return edge.at.beyond("a reference that is set");
                }
                *conn = None;
            }
        }
        if let (Node::MapEntry(_), Some(conn)) = (state.graph.node(to), dst)
            && !conn.as_str().starts_with("IN_")
        {
            dst = Some(Name::new(&format!("IN_{conn}")));
        }
        if memlet.is_none() && (src.is_some() || dst.is_some()) {
            return edge.at.beyond("a connector with an empty memlet");
        }
        if memlet.is_some() && [(from, src), (to, dst)].iter().any(|(id, c)| !access(*id) && c.is_none()) {
            return edge.at.beyond("a memlet without a connector");
        }
        if let (Node::Tasklet(t), Some(conn), Some(memlet)) = (state.graph.node(to), dst, &mut memlet) {
            memlet.dynamic |= t.arrays().contains(&conn);
        }
        let (src, dst) = (Port { node: from, conn: src }, Port { node: to, conn: dst });
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
        let from_target =
            edge.memlet.as_ref().and_then(|m| m.value.get("is_data_src")?.as_bool()) == Some(false);
        let id = state.graph.connect(src, dst, memlet);
        if from_target {
            state.of_target.insert(id);
        }
        if views {
            state.marked.insert(id);
        }
        Ok(())
    }

    /// As in the file: which side `data` is on is settled later.
    pub fn memlet(&self, around: &Around, edge: &RawEdge) -> Read<Option<Memlet>> {
        let (Some(attributes), Some(data)) = (&edge.memlet, edge.data) else { return Ok(None) };
        let Some(name) = self.container_of(data, around.sdfg) else {
            return attributes.error(format!("no container '{data}'"));
        };
        let container = &around.sdfg.data[&name];
        let wcr = attributes.find("wcr").map(|w| wcr(&w)).transpose()?;
        let dynamic = attributes.flag("dynamic");
        let subset = match attributes.find("subset") {
            Some(subset) => match ranges(&subset) {
                Err(fault) if fault.beyond && container.foreign.is_some() => Subset(vec![]),
                read => read?,
            },
            None => container.full_subset(),
        };
        let subset = fitted(subset, container);
        if container.foreign.is_none() && subset.rank() != container.shape.len() {
            let (rank, got) = (container.shape.len(), subset.rank());
            return attributes.error(format!("'{name}' has {rank} dimensions, not {got}"));
        }
        let other = attributes.find("other_subset").map(|o| ranges(&o)).transpose()?;
        Ok(Some(Memlet { data: name, subset, other, wcr, dynamic }))
    }
}

/// The order of axes of a library node that transposes.
fn transposed(at: &At) -> Read<Option<Vec<usize>>> {
    let class = at.word("classpath").unwrap_or_default();
    let attributes = at.find("attributes");
    Ok(match class.rsplit('.').next() {
        Some("Transpose") if at.is("LibraryNode") => Some(vec![1, 0]),
        Some("TensorTranspose") if at.is("LibraryNode") => {
            let Some(axes) = attributes.as_ref().and_then(|a| a.find("axes")) else { return Ok(None) };
            Some(axes.items()?.iter().map(At::index).collect::<Read<_>>()?)
        }
        _ => None,
    })
}

/// Scalars are indexed by 0 in DaCe, by nothing here.
fn fitted(subset: Subset, container: &Data) -> Subset {
    if container.is_scalar() && container.foreign.is_none() { Subset(vec![]) } else { subset }
}

/// Scopes that the graph has no words for, by their first node: what they are, and their nodes, entry first
/// and exit last.
fn folded(state: &State) -> Read<BTreeMap<usize, (String, Vec<usize>)>> {
    let mut found = BTreeMap::new();
    let entry = |at: &At| at.find("scope_entry").map(|e| e.index()).transpose();
    for (i, at) in state.nodes.iter().enumerate() {
        let kind = at.get("type")?.text()?;
        if !kind.ends_with("Entry") || kind == "MapEntry" {
            continue;
        }
        let mut members = vec![i];
        let mut exit = None;
        for (k, node) in state.nodes.iter().enumerate() {
            // Inside if the chain of entries leads here.
            let mut around = entry(node)?;
            for _ in 0..state.nodes.len() {
                match around {
                    Some(at) if at != i && at < state.nodes.len() => around = entry(&state.nodes[at])?,
                    _ => break,
                }
            }
            if around != Some(i) || k == i {
                continue;
            }
            let closes = node.word("type").is_some_and(|t| t.ends_with("Exit")) && entry(node)? == Some(i);
            if closes { exit = Some(k) } else { members.push(k) }
        }
        let Some(exit) = exit else { return at.error("a scope without its end") };
        members.push(exit);
        let what = kind.trim_end_matches("Entry").to_lowercase();
        found.insert(*members.iter().min().unwrap_or(&i), (format!("a {what} scope"), members));
    }
    Ok(found)
}
