//! The graph of a state: invariants 11 and 12, and the scopes that the others need.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::control::Context;
use super::{Checker, MAX_NESTING};
use crate::names::Name;
use crate::sdfg::{Edge, LibraryKind, MapId, Node, NodeId, Place, Scopes, StateGraph};
use crate::symbolic::Assumptions;

/// A state whose scopes nest, with what its checks look up.
pub struct State<'s> {
    pub graph: &'s StateGraph,
    pub context: &'s Context,
    pub scopes: Scopes,
    pub ends: HashMap<NodeId, Ends<'s>>,
    pub maps: HashMap<MapId, (NodeId, NodeId)>,
    /// Symbols with a value in each scope.
    defined: HashMap<Option<MapId>, Vec<Name>>,
    facts: OnceCell<Assumptions>,
}

/// Edges of a node, in order of creation.
#[derive(Default)]
pub struct Ends<'s> {
    pub ins: Vec<&'s Edge>,
    pub outs: Vec<&'s Edge>,
}

impl<'s> State<'s> {
    pub fn node(&self, id: NodeId) -> &'s Node {
        self.graph.node(id)
    }

    /// The scope that an edge is in.
    pub fn scope(&self, edge: &Edge) -> Option<MapId> {
        match self.node(edge.src.node) {
            Node::MapEntry(map) => Some(*map),
            _ => self.scopes.parent(edge.src.node),
        }
    }

    pub fn defined(&self, scope: Option<MapId>) -> &[Name] {
        self.defined.get(&scope).map_or(&[], Vec::as_slice)
    }

    /// What is known in a scope. Built on demand, since most checks can do without.
    pub fn facts(&self, checker: &Checker, scope: Option<MapId>) -> Assumptions {
        let outside = self.facts.get_or_init(|| {
            let mut facts = checker.sdfg.assumptions();
            for (var, range) in &self.context.loops {
                facts.assume_in(*var, range);
            }
            facts
        });
        let mut facts = outside.clone();
        let chain: Vec<MapId> = std::iter::successors(scope, |&m| self.scopes.around(m)).collect();
        for map in chain.into_iter().rev() {
            for (param, range) in self.graph.get_map(map).map_or(&[][..], |m| &m.params) {
                facts.assume_in(*param, range);
            }
        }
        facts
    }
}

impl Checker<'_, '_> {
    pub fn state(&mut self, graph: &StateGraph, context: &Context, place: Place) {
        let before = self.found.len();
        let maps = self.pairs(graph);
        let scopes = Scopes::of(graph);
        if scopes.is_none() {
            let cyclic = graph.topological().is_none();
            let message = if cyclic { "the state has a cycle" } else { "map scopes do not nest" };
            self.malformed(place, message);
        }
        let mut ends: HashMap<NodeId, Ends> = graph.node_ids().map(|id| (id, Ends::default())).collect();
        for edge in graph.edges() {
            ends.entry(edge.src.node).or_default().outs.push(edge);
            ends.entry(edge.dst.node).or_default().ins.push(edge);
        }
        for (id, node) in graph.nodes() {
            self.connectors(id, node, &ends[&id]);
        }
        // What follows relies on scopes and connectors.
        let Some(scopes) = scopes.filter(|_| self.found.len() == before) else { return };
        let mut state =
            State { graph, context, scopes, ends, maps, defined: HashMap::new(), facts: OnceCell::new() };
        self.scopes(&mut state);
        for edge in graph.edges() {
            self.edge(&state, edge);
        }
        for (id, node) in graph.nodes() {
            self.node(&state, id, node);
        }
        if self.found.len() == before {
            self.order(&state);
        }
    }

    /// Entry and exit of each map.
    fn pairs(&mut self, graph: &StateGraph) -> HashMap<MapId, (NodeId, NodeId)> {
        let mut entries: HashMap<MapId, NodeId> = HashMap::new();
        let mut exits: HashMap<MapId, NodeId> = HashMap::new();
        for (id, node) in graph.nodes() {
            let (Node::MapEntry(map) | Node::MapExit(map)) = node else { continue };
            let (side, what) = if matches!(node, Node::MapEntry(_)) {
                (&mut entries, "entry")
            } else {
                (&mut exits, "exit")
            };
            if side.insert(*map, id).is_some() {
                self.malformed(Place::Node(id), format!("a map has a second {what}"));
            }
            if graph.get_map(*map).is_none() {
                self.malformed(Place::Node(id), format!("a map {what} without its map"));
            }
        }
        let mut pairs = HashMap::new();
        for (id, map) in graph.maps() {
            let place = Place::Map(id);
            match (entries.get(&id), exits.get(&id)) {
                (Some(&entry), Some(&exit)) => {
                    pairs.insert(id, (entry, exit));
                }
                (None, _) => self.malformed(place, format!("map '{}' has no entry", map.label)),
                (_, None) => self.malformed(place, format!("map '{}' has no exit", map.label)),
            }
            if map.params.is_empty() {
                self.malformed(place, format!("map '{}' has no parameters", map.label));
            }
            for (_, range) in &map.params {
                self.step(range, place);
            }
        }
        pairs
    }

    fn connectors(&mut self, id: NodeId, node: &Node, ends: &Ends) {
        let place = Place::Node(id);
        for (edges, inputs) in [(&ends.ins, true), (&ends.outs, false)] {
            let port = |e: &Edge| if inputs { e.dst.conn } else { e.src.conn };
            for edge in edges {
                let plain = matches!(node, Node::Access(_));
                match port(edge) {
                    Some(conn) if plain => {
                        self.malformed(
                            Place::Edge(edge.id),
                            format!("an access node has the connector '{conn}'"),
                        );
                    }
                    Some(conn) if edge.memlet.is_none() => {
                        let message = format!("connector '{conn}' has an edge without a memlet");
                        self.malformed(Place::Edge(edge.id), message);
                    }
                    None if edge.memlet.is_some() && !plain => {
                        self.malformed(Place::Edge(edge.id), "a memlet without a connector");
                    }
                    _ => {}
                }
            }
            let mut used: HashMap<Name, usize> = HashMap::new();
            for conn in edges.iter().filter_map(|e| port(e)) {
                *used.entry(conn).or_default() += 1;
            }
            let mut used: Vec<(Name, usize)> = used.into_iter().collect();
            used.sort();
            match node {
                Node::Access(_) => {}
                Node::MapEntry(_) | Node::MapExit(_) => {
                    self.passing(matches!(node, Node::MapEntry(_)), &used, inputs, ends, place);
                }
                _ => self.declared(node, &used, inputs, place),
            }
        }
    }

    /// Connectors of tasklets, library nodes and nested SDFGs.
    fn declared(&mut self, node: &Node, used: &[(Name, usize)], inputs: bool, place: Place) {
        let side = if inputs { "input" } else { "output" };
        let names: Vec<Name> = match node {
            Node::Tasklet(t) => (if inputs { &t.inputs } else { &t.outputs }).iter().map(|c| c.0).collect(),
            Node::Library(l) => library_connectors(&l.kind, inputs).iter().map(|n| Name::new(n)).collect(),
            Node::Nested(n) => n.sdfg.data.iter().filter(|(_, d)| !d.transient).map(|(&n, _)| n).collect(),
            _ => return,
        };
        for &(conn, count) in used {
            if !names.contains(&conn) {
                self.malformed(place, format!("there is no {side} '{conn}'"));
            }
            let several = match node {
                Node::Tasklet(_) => !inputs,
                Node::Library(l) => matches!(l.kind, LibraryKind::Foreign(_)),
                _ => false,
            };
            if count > 1 && !several {
                self.malformed(place, format!("{side} '{conn}' has {count} edges"));
            }
        }
        // Those of a nested SDFG may be on either side; its own check sees to it.
        if !matches!(node, Node::Nested(_)) {
            for name in names {
                if !used.iter().any(|u| u.0 == name) {
                    self.malformed(place, format!("{side} '{name}' has no edge"));
                }
            }
        }
    }

    /// Connectors of map entries and exits.
    fn passing(&mut self, entry: bool, used: &[(Name, usize)], inputs: bool, ends: &Ends, place: Place) {
        let (prefix, partner) = if inputs { ("IN_", "OUT_") } else { ("OUT_", "IN_") };
        for &(conn, count) in used {
            let Some(stem) = conn.as_str().strip_prefix(prefix) else {
                self.malformed(place, format!("connector '{conn}' does not begin with {prefix}"));
                continue;
            };
            if count > 1 && inputs == entry {
                self.malformed(place, format!("connector '{conn}' has {count} edges"));
            }
            let other = |c: Option<Name>| c.and_then(|c| c.as_str().strip_prefix(partner)) == Some(stem);
            let paired = if inputs {
                ends.outs.iter().any(|e| other(e.src.conn))
            } else {
                ends.ins.iter().any(|e| other(e.dst.conn))
            };
            let dynamic = entry && inputs;
            if !paired && !dynamic {
                self.malformed(place, format!("connector '{conn}' has no partner '{partner}{stem}'"));
            }
        }
    }

    /// Symbols of every scope, and what ranges use.
    fn scopes(&mut self, state: &mut State) {
        state.defined.insert(None, state.context.defined.clone());
        let mut maps = state.scopes.maps_inner_first();
        maps.reverse();
        for map in maps {
            let place = Place::Map(map);
            let Some(&(entry, _)) = state.maps.get(&map) else { continue };
            let around = state.scopes.around(map);
            let mut defined = state.defined(around).to_vec();
            defined.extend(dynamic_inputs(state.graph, entry));
            let params = &state.graph.map(map).params;
            for e in params.iter().flat_map(|p| [&p.1.begin, &p.1.end]) {
                self.uses(e, &defined, place);
            }
            defined.extend(params.iter().map(|p| p.0));
            state.defined.insert(Some(map), defined);
            let inside = std::iter::successors(Some(map), |&m| state.scopes.around(m)).count();
            if state.context.depth + inside > MAX_NESTING {
                self.report(
                    place,
                    format!("blocks, maps and nested graphs are more than {MAX_NESTING} deep"),
                );
            }
        }
    }
}

pub fn library_connectors(kind: &LibraryKind, inputs: bool) -> Vec<&str> {
    match (kind, inputs) {
        (LibraryKind::MatMul { .. }, true) => vec!["a", "b"],
        (LibraryKind::MatMul { .. }, false) => vec!["c"],
        (LibraryKind::Reduce { .. }, true) => vec!["input"],
        (LibraryKind::Reduce { .. }, false) => vec!["output"],
        (LibraryKind::Call(op), true) => op.inputs().iter().map(|c| c.0).collect(),
        (LibraryKind::Call(op), false) => op.outputs().iter().map(|c| c.0).collect(),
        (LibraryKind::Foreign(f), true) => f.inputs.iter().map(|n| n.as_str()).collect(),
        (LibraryKind::Foreign(f), false) => f.outputs.iter().map(|n| n.as_str()).collect(),
    }
}

/// Symbols that a map takes from containers: `x` of each `IN_x` without an `OUT_x`.
pub fn dynamic_inputs(graph: &StateGraph, entry: NodeId) -> Vec<Name> {
    let outs = graph.out_edges(entry);
    let leaves = |stem: &str| {
        outs.iter().any(|e| e.src.conn.and_then(|c| c.as_str().strip_prefix("OUT_")) == Some(stem))
    };
    let stem = |e: &&Edge| e.dst.conn.and_then(|c| c.as_str().strip_prefix("IN_"));
    graph.in_edges(entry).iter().filter_map(stem).filter(|s| !leaves(s)).map(Name::new).collect()
}
