//! Prints the short form of a state. Whether it is right is for the caller to prove.

use std::collections::{BTreeMap, BTreeSet};

use super::explicit::{
    flag_text, map_text, memlet_text, nested_text, range_text, reduce_tail_text, ref_text,
};
use super::order::Children;
use super::show::Row;
use super::{cursor::quoted, wcr_assign, wcr_name};
use crate::names::Name;
use crate::sdfg::{
    Data, Edge, EdgeId, Library, LibraryKind, MapId, Memlet, Nested, Node, NodeId, Scopes, StateGraph,
    Tasklet,
};
use crate::tasklet::Leaves;

pub struct Short<'g> {
    graph: &'g StateGraph,
    data: &'g BTreeMap<Name, Data>,
    children: Children,
    /// Edges outside a map whose memlet is not the propagated one.
    given: BTreeSet<EdgeId>,
    rows: Vec<Row>,
}

/// The rows of a state, or `None` where the form has no words for it.
pub fn rows(
    graph: &StateGraph,
    data: &BTreeMap<Name, Data>,
    given: BTreeSet<EdgeId>,
    nested: &mut dyn FnMut(&Nested) -> Vec<Row>,
) -> Option<Vec<Row>> {
    let scopes = Scopes::of(graph)?;
    let children = Children::of(graph, &scopes);
    let mut short = Short { graph, data, children, given, rows: vec![] };
    short.scope(None, 0, nested)?;
    Some(short.rows)
}

impl Short<'_> {
    fn row(&mut self, indent: usize, text: String, node: NodeId) {
        let span = self.graph.span(node);
        self.rows.push(Row { indent, text, span });
    }

    fn scope(
        &mut self,
        scope: Option<MapId>,
        indent: usize,
        nested: &mut dyn FnMut(&Nested) -> Vec<Row>,
    ) -> Option<()> {
        for id in self.children.in_order(self.graph, scope) {
            let graph = self.graph;
            match graph.node(id) {
                Node::Access(_) => self.copies(id, indent)?,
                Node::Tasklet(t) => self.tasklet(id, t, indent)?,
                Node::Library(l) => {
                    let text = self.library(id, l)?;
                    self.row(indent, text, id);
                }
                Node::Nested(n) => {
                    self.row(indent, nested_text(n) + &self.after(id), id);
                    for edge in graph.in_edges(id) {
                        let (Some(conn), Some(memlet)) = (edge.dst.conn, &edge.memlet) else { continue };
                        let text = format!("in {} = {}", quoted(conn), plain(memlet)?);
                        self.rows.push(Row { indent: indent + 1, text, span: None });
                    }
                    for edge in graph.out_edges(id) {
                        let (Some(conn), Some(memlet)) = (edge.src.conn, &edge.memlet) else { continue };
                        let text = format!("out {} {}", written(memlet)?, quoted(conn));
                        self.rows.push(Row { indent: indent + 1, text, span: None });
                    }
                    let inner = nested(n);
                    self.rows.extend(inner.into_iter().map(|r| Row { indent: r.indent + indent + 1, ..r }));
                }
                Node::MapEntry(map) => {
                    self.row(indent, map_text(graph.map(*map)) + &self.after(id), id);
                    self.declarations(*map, id, indent + 1);
                    self.scope(Some(*map), indent + 1, nested)?;
                }
                Node::MapExit(_) => return None,
            }
        }
        Some(())
    }

    /// `local`, `reads` and `writes` of a map.
    fn declarations(&mut self, map: MapId, entry: NodeId, indent: usize) {
        let graph = self.graph;
        let mut local = BTreeSet::new();
        for (id, node) in graph.nodes() {
            let Node::Access(data) = node else { continue };
            if self.children.scope(id) != Some(map) {
                continue;
            }
            let scalar = self.data.get(data).is_some_and(|d| d.is_scalar() && d.transient);
            let set = graph.in_edges(id).iter().all(|e| {
                e.memlet.as_ref().is_some_and(|m| m.wcr.is_none())
                    && !matches!(graph.node(e.src.node), Node::MapExit(_))
            });
            if !(scalar && set) {
                local.insert(quoted(*data));
            }
        }
        if !local.is_empty() {
            let text = format!("local {}", local.into_iter().collect::<Vec<_>>().join(", "));
            self.rows.push(Row { indent, text, span: None });
        }
        let exit = self.children.exit(map).map(|exit| graph.out_edges(exit)).unwrap_or_default();
        for (word, edges) in [("reads", graph.in_edges(entry)), ("writes", exit)] {
            for edge in edges.iter().filter(|e| self.given.contains(&e.id)) {
                if let Some(memlet) = &edge.memlet {
                    let text = format!("{word} {}", memlet_text(memlet));
                    self.rows.push(Row { indent, text, span: None });
                }
            }
        }
    }

    /// Copies into an access node, and from it through the exit of its scope.
    fn copies(&mut self, id: NodeId, indent: usize) -> Option<()> {
        let graph = self.graph;
        let Node::Access(here) = graph.node(id) else { return None };
        for edge in graph.in_edges(id) {
            let from_access = matches!(graph.node(edge.src.node), Node::Access(_));
            let from_entry = matches!(graph.node(edge.src.node), Node::MapEntry(_));
            let Some(memlet) = edge.memlet.as_ref().filter(|_| from_access || from_entry) else { continue };
            let other = memlet.other.as_ref()?;
            let text = format!("copy {} -> {}", plain(memlet)?, ref_text(*here, other, false));
            self.row(indent, text, id);
        }
        for edge in graph.out_edges(id) {
            let to_exit = matches!(graph.node(edge.dst.node), Node::MapExit(_));
            let Some(memlet) = edge.memlet.as_ref().filter(|_| to_exit) else { continue };
            let other = memlet.other.as_ref()?;
            let text = format!("copy {} -> {}", ref_text(*here, other, false), plain(memlet)?);
            self.row(indent, text, id);
        }
        Some(())
    }

    /// ` after X, …`: what ordering edges into the node say.
    fn after(&self, id: NodeId) -> String {
        let mut names = vec![];
        for edge in self.graph.in_edges(id).into_iter().filter(|e| e.memlet.is_none()) {
            match self.graph.node(edge.src.node) {
                Node::Access(data) => names.push(quoted(*data)),
                Node::Tasklet(t) => names.push(quoted(t.label)),
                Node::Nested(n) => names.push(quoted(n.label)),
                Node::Library(l) => names.push(quoted(l.label)),
                Node::MapExit(map) => names.push(quoted(self.graph.map(*map).label)),
                Node::MapEntry(_) => {}
            }
        }
        if names.is_empty() { String::new() } else { format!(" after {}", names.join(", ")) }
    }

    fn tasklet(&mut self, id: NodeId, t: &Tasklet, indent: usize) -> Option<()> {
        let graph = self.graph;
        let reads = one_edge_each(&graph.in_edges(id), |e| e.dst.conn)?;
        let writes = one_edge_each(&graph.out_edges(id), |e| e.src.conn)?;
        let mut sources = BTreeMap::new();
        let arrays = t.arrays();
        for (conn, _) in &t.inputs {
            let memlet = *reads.get(conn)?;
            let whole = || Some(Memlet::gather(memlet.data, self.data.get(&memlet.data)?));
            let text = match arrays.contains(conn) {
                true if whole().as_ref() == Some(memlet) => quoted(memlet.data),
                true => return None,
                false => plain(memlet)?,
            };
            sources.insert(*conn, text);
        }
        let targets: BTreeSet<Name> = t.outputs.iter().map(|o| o.0).collect();
        let is_local = |n: Name| !targets.contains(&n) && t.code.iter().any(|a| a.target == n);
        let var = |name: Name| match sources.get(&name) {
            Some(text) => text.clone(),
            None if is_local(name) => quoted(name),
            None => format!("var({})", quoted(name)),
        };
        let is_var = |name: Name| self.data.contains_key(&name) || is_local(name);
        let leaves = Leaves { var: &var, is_var: &is_var };
        let after = self.after(id);
        let label = quoted(t.label);
        let mut lines = vec![];
        for assign in &t.code {
            let value = assign.value.to_text_with(&leaves);
            lines.push(match writes.get(&assign.target) {
                Some(memlet) => format!("{} {value}", written(memlet)?),
                None => format!("let {} = {value}", quoted(assign.target)),
            });
        }
        match (&lines[..], t.outputs.len()) {
            ([line], 1) if !line.starts_with("let ") => {
                self.row(indent, format!("{label}: {line}{after}"), id)
            }
            _ => {
                self.row(indent, format!("tasklet {label}{after}"), id);
                self.rows.extend(lines.into_iter().map(|text| Row { indent: indent + 1, text, span: None }));
            }
        }
        Some(())
    }

    fn library(&self, id: NodeId, l: &Library) -> Option<String> {
        let reads = one_edge_each(&self.graph.in_edges(id), |e| e.dst.conn)?;
        let writes = one_edge_each(&self.graph.out_edges(id), |e| e.src.conn)?;
        let read = |conn: &str| plain(reads.get(&Name::new(conn))?);
        let write = |conn: &str| written(writes.get(&Name::new(conn))?);
        let text = match &l.kind {
            LibraryKind::MatMul { trans_a, trans_b } => {
                let transposed = |on: bool| if on { ".T" } else { "" };
                let (a, b) = (read("a")?, read("b")?);
                format!("matmul {} {a}{} @ {b}{}", write("c")?, transposed(*trans_a), transposed(*trans_b))
            }
            LibraryKind::Reduce { op, axes, identity } => {
                let (name, tail) = (wcr_name(*op), reduce_tail_text(axes, *identity));
                format!("reduce {name} {} {}{tail}", write("output")?, read("input")?)
            }
            LibraryKind::Call(op) => {
                let plain_write = |conn: &str| plain(writes.get(&Name::new(conn))?);
                let outs: Option<Vec<String>> = op.outputs().iter().map(|c| plain_write(c.0)).collect();
                let ins: Option<Vec<String>> = op.inputs().iter().map(|c| read(c.0)).collect();
                let (outs, ins) = (outs?.join(", "), ins?.join(", "));
                format!("{} {outs} = {ins}{}", op.name(), flag_text(*op))
            }
            // In the explicit form only.
            LibraryKind::Foreign(_) => return None,
        };
        Some(format!("{}: {text}{}", quoted(l.label), self.after(id)))
    }
}

/// Memlets by connector; `None` if a connector has several edges or an edge lacks its connector.
fn one_edge_each<'e>(
    edges: &[&'e Edge],
    conn: impl Fn(&Edge) -> Option<Name>,
) -> Option<BTreeMap<Name, &'e Memlet>> {
    let mut found = BTreeMap::new();
    for edge in edges {
        let Some(memlet) = &edge.memlet else { continue };
        if found.insert(conn(edge)?, memlet).is_some() {
            return None;
        }
    }
    Some(found)
}

/// A memlet that only reads.
fn plain(memlet: &Memlet) -> Option<String> {
    memlet.wcr.is_none().then(|| ref_text(memlet.data, &memlet.subset, memlet.dynamic))
}

/// `A[i] +=`
fn written(memlet: &Memlet) -> Option<String> {
    let text = ref_text(memlet.data, &memlet.subset, memlet.dynamic);
    memlet.other.is_none().then(|| format!("{text} {}", wcr_assign(memlet.wcr)))
}

/// `t = 1:N`
pub fn loop_text(var: Name, range: &crate::symbolic::Range) -> String {
    format!("{} = {}", quoted(var), range_text(range))
}
