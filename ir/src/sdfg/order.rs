//! Order within a state: accesses that conflict have to be ordered by a path.
//!
//! Dataflow orders a write and the reads of what it wrote. It does not order a read and a later
//! write of the same container (or two writes): ordering edges, which carry no memlet, do.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use super::data::{Data, Memlet, Wcr};
use super::ids::{MapId, NodeId};
use super::paths::Paths;
use super::scope::Scopes;
use super::state::{Node, StateGraph};
use crate::names::Name;
use crate::symbolic::{Assumptions, Subset};

/// Something that runs as a whole in its scope: a tasklet, a map, a nested SDFG, a copy.
struct Event {
    first: NodeId,
    last: NodeId,
    reads: Vec<(Name, Subset)>,
    writes: Vec<(Name, Subset, Option<Wcr>)>,
}

/// Pairs in one scope that may touch the same element, at least one writing, and that no path
/// orders; the older one first. Each is given by the last node of one and the first of the other.
pub fn unordered(
    graph: &StateGraph,
    data: &BTreeMap<Name, Data>,
    facts: &Assumptions,
) -> Vec<(NodeId, NodeId, Name)> {
    let Some((scopes, paths)) = Scopes::of(graph).zip(Paths::of(graph)) else { return vec![] };
    let mut found = vec![];
    let maps: Vec<Option<MapId>> = [None].into_iter().chain(graph.maps().map(|(id, _)| Some(id))).collect();
    for scope in maps {
        // Few scopes have a pair for which this is asked.
        let inside = LazyCell::new(|| {
            let mut facts = facts.clone();
            if let Some((map, (entry, _))) = scope.and_then(|map| Some((map, graph.map_nodes(map)?))) {
                for (name, range) in scopes.params(graph, entry).iter().chain(&graph.map(map).params) {
                    facts.assume_in(*name, range);
                }
            }
            facts
        });
        let events = events(graph, data, &scopes, scope);
        for (i, a) in events.iter().enumerate() {
            for b in &events[i + 1..] {
                // Most pairs have a path or share nothing; the subsets are the slow question.
                if !paths.reaches(a.last, b.first)
                    && !paths.reaches(b.last, a.first)
                    && let Some(name) = conflict(a, b, &|| &inside)
                {
                    found.push((a.last, b.first, name));
                }
            }
        }
    }
    found
}

/// Orders what [`unordered`] finds: the older before the newer.
pub fn order(graph: &mut StateGraph, data: &BTreeMap<Name, Data>, facts: &Assumptions) {
    order_as(graph, data, facts, |_, _| false);
}

/// As [`order`], where `before` knows of some nodes that the first runs before the second.
pub fn order_as(
    graph: &mut StateGraph,
    data: &BTreeMap<Name, Data>,
    facts: &Assumptions,
    before: impl Fn(NodeId, NodeId) -> bool,
) {
    let ends = |graph: &StateGraph, node: NodeId| match graph.node(node) {
        Node::MapEntry(map) | Node::MapExit(map) => graph.map_nodes(*map).unwrap_or((node, node)),
        _ => (node, node),
    };
    for (mut from, mut to, _) in unordered(graph, data, facts) {
        if before(to, from) {
            (from, to) = (ends(graph, to).1, ends(graph, from).0);
        }
        // An edge that was added a moment ago may have settled this pair too.
        if !graph.reaches(from, to) && !graph.reaches(to, from) {
            graph.connect(from, to, None);
        }
    }
}

/// The events of a scope, oldest first.
fn events(
    graph: &StateGraph,
    data: &BTreeMap<Name, Data>,
    scopes: &Scopes,
    scope: Option<MapId>,
) -> Vec<Event> {
    let mut events = vec![];
    for node in scopes.children(scope) {
        let (first, last) = match graph.node(node) {
            Node::MapEntry(map) => match graph.map_nodes(*map) {
                Some(nodes) => nodes,
                None => continue,
            },
            Node::MapExit(_) => continue,
            _ => (node, node),
        };
        let mut event = Event { first, last, reads: vec![], writes: vec![] };
        if let Node::Access(name) = graph.node(node) {
            // A copy runs when its destination is reached.
            for edge in graph.in_edges(node) {
                let Some(memlet) = &edge.memlet else { continue };
                if let (Node::Access(_) | Node::MapEntry(_), Some(other)) =
                    (graph.node(edge.src.node), &memlet.other)
                {
                    event.reads.push((memlet.data, memlet.subset.clone()));
                    event.writes.push((*name, other.clone(), memlet.wcr));
                }
            }
        } else {
            let full = |m: &Memlet| data.get(&m.data).is_none_or(|d| d.shape.len() == m.subset.rank());
            for edge in graph.in_edges(first) {
                if let Some(memlet) = edge.memlet.as_ref().filter(|m| full(m)) {
                    event.reads.push((memlet.data, memlet.subset.clone()));
                }
            }
            for edge in graph.out_edges(last) {
                if let Some(memlet) = edge.memlet.as_ref().filter(|m| full(m)) {
                    event.writes.push((memlet.data, memlet.subset.clone(), memlet.wcr));
                }
            }
        }
        if !event.reads.is_empty() || !event.writes.is_empty() {
            events.push(event);
        }
    }
    events
}

/// A container that both touch, one of them writing.
fn conflict<'f>(a: &Event, b: &Event, facts: &dyn Fn() -> &'f Assumptions) -> Option<Name> {
    let apart = |x: &Subset, y: &Subset| x.rank() == y.rank() && x.disjoint(y, facts()).is_yes();
    for (w, r) in [(a, b), (b, a)] {
        for (name, subset, _) in &w.writes {
            if r.reads.iter().any(|(n, s)| n == name && !apart(subset, s)) {
                return Some(*name);
            }
        }
    }
    for (name, subset, wcr) in &a.writes {
        let meets = |(n, s, w): &(Name, Subset, Option<Wcr>)| {
            n == name && !(wcr.is_some() && w == wcr) && !apart(subset, s)
        };
        if b.writes.iter().any(meets) {
            return Some(*name);
        }
    }
    None
}

impl StateGraph {
    /// Is there a path from one node to another?
    pub fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                open.extend(self.out_edges(at).iter().map(|e| e.dst.node));
            }
        }
        false
    }
}
