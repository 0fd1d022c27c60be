//! Keeps what the graph has no words for: containers, nodes, scopes, states and whole graphs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::at::{At, Read};
use super::read::{Around, GraphReader};
use super::value::compact;
use crate::names::Name;
use crate::sdfg::{BlockKind, Foreign, Library, LibraryKind, Memlet, Node, Port, Region, StateGraph};
use crate::symbolic::Expr;

/// A container, with the JSON at a place.
pub fn container(reason: &str, at: &At) -> Foreign {
    Foreign::container(reason, compact(at.value))
}

/// Nodes of a state, by their indices: the first takes what comes in, the last gives what goes out.
pub fn nodes(reason: String, nodes: &[At], edges: &[At], members: &[usize]) -> Foreign {
    let place = |i: usize| members.iter().position(|&m| m == i);
    let local = |value: &Value| {
        let index = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        index.and_then(|i| place(usize::try_from(i).ok()?))
    };
    let mut kept = vec![];
    for &i in members {
        let mut node = nodes[i].value.clone();
        if let Some(map) = node.as_object_mut() {
            map.shift_remove("id");
            for key in ["scope_entry", "scope_exit"] {
                let inside = map.get(key).and_then(local).filter(|_| members.len() > 1);
                map.insert(key.into(), json!(inside.map(|i| i.to_string())));
            }
        }
        kept.push(node);
    }
    let mut inner = vec![];
    for edge in edges {
        if let (Some(src), Some(dst)) =
            (edge.value.get("src").and_then(local), edge.value.get("dst").and_then(local))
        {
            let mut edge = edge.value.clone();
            edge["src"] = json!(src.to_string());
            edge["dst"] = json!(dst.to_string());
            inner.push(edge);
        }
    }
    Foreign { reason, json: compact(&json!({"nodes": kept, "edges": inner})), ..Foreign::default() }
}

/// The JSON without what says nothing about meaning.
fn bare(value: &Value) -> Value {
    let mut object: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    object.shift_remove("id");
    Value::Object(object)
}

/// Words of the texts in JSON.
pub fn words(value: &Value, found: &mut BTreeSet<Name>) {
    match value {
        Value::String(text) => {
            let word = |w: &&str| w.starts_with(|c: char| c.is_alphabetic() || c == '_');
            found.extend(text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(word).map(Name::new));
        }
        Value::Array(items) => items.iter().for_each(|v| words(v, found)),
        Value::Object(map) => {
            let says = |key: &str| {
                !matches!(key, "debuginfo" | "guid" | "label" | "type" | "classpath" | "language")
            };
            map.iter().filter(|(key, _)| says(key)).for_each(|(_, v)| words(v, found));
        }
        _ => {}
    }
}

impl GraphReader<'_> {
    /// A state as one node that reads and writes what the state's access nodes do.
    pub fn foreign_state(&mut self, at: &At, around: &Around, reason: String) -> Read<StateGraph> {
        let (mut reads, mut writes) = (BTreeSet::new(), BTreeSet::new());
        let (mut sources, mut targets) = (BTreeSet::new(), BTreeSet::new());
        let nodes = at.get("nodes")?.items()?;
        for edge in at.get("edges")?.items()? {
            sources.insert(edge.get("src")?.index()?);
            targets.insert(edge.get("dst")?.index()?);
        }
        if let Some(missing) = sources.iter().chain(&targets).find(|i| **i >= nodes.len()) {
            return at.error(format!("an edge to node {missing}, which does not exist"));
        }
        for (i, node) in nodes.iter().enumerate().filter(|(_, n)| n.is("AccessNode")) {
            let data = node.get("attributes")?.get("data")?;
            let name = self.data_name(data.text()?);
            if around.sdfg.data.contains_key(&name) {
                if sources.contains(&i) {
                    reads.insert(name);
                }
                if targets.contains(&i) {
                    writes.insert(name);
                }
            }
        }
        let base = at.word("label").unwrap_or("state");
        Ok(self.foreign_graph(base, bare(at.value), reason, (reads, writes), around))
    }

    /// A whole graph as one state that reads and writes all that the caller sees.
    pub fn foreign_body(&mut self, at: &At, around: &Around, reason: String) -> Read<Region> {
        let seen: BTreeSet<Name> =
            around.sdfg.data.iter().filter(|(_, d)| !d.transient).map(|(n, _)| *n).collect();
        let graph = self.foreign_graph("graph", bare(at.value), reason, (seen.clone(), seen), around);
        let mut body = Region::default();
        self.push(&mut body, "state", BlockKind::State(graph));
        Ok(body)
    }

    fn foreign_graph(
        &mut self,
        label: &str,
        json: Value,
        reason: String,
        (reads, writes): (BTreeSet<Name>, BTreeSet<Name>),
        around: &Around,
    ) -> StateGraph {
        let mut used = BTreeSet::new();
        words(&json, &mut used);
        let symbols: BTreeMap<Name, Expr> =
            around.symbols.iter().filter(|n| used.contains(n)).map(|n| (*n, Expr::sym(*n))).collect();
        let foreign = Foreign {
            reason,
            json: compact(&json),
            inputs: reads.iter().copied().collect(),
            outputs: writes.iter().copied().collect(),
            symbols,
        };
        let mut graph = StateGraph::new();
        let kind = LibraryKind::Foreign(Arc::new(foreign));
        let id = graph.add_node(Node::Library(Library { label: self.label(label), kind }), None);
        for name in reads {
            let access = graph.add_node(Node::Access(name), None);
            graph.connect(access, Port::new(id, name), Memlet::gather(name, &around.sdfg.data[&name]));
        }
        for name in writes {
            let access = graph.add_node(Node::Access(name), None);
            graph.connect(Port::new(id, name), access, Memlet::gather(name, &around.sdfg.data[&name]));
        }
        graph
    }
}
