//! What happens in a state, and in which order.

use std::collections::BTreeMap;

use weft_ir::analysis::{Access, accesses_of_state, conflict};
use weft_ir::sdfg::{MapId, Node, NodeId, Place, Scopes, Sdfg, StateGraph};
use weft_ir::symbolic::Assumptions;

/// An access, with the nodes at the top of the state between which it happens: a node alone, entry
/// and exit of a map, both ends of a copy.
#[derive(Clone, Debug)]
pub struct Event {
    pub start: NodeId,
    pub end: NodeId,
    pub map: Option<MapId>,
    pub access: Access,
}

/// All accesses of a state.
pub fn events(sdfg: &Sdfg, graph: &StateGraph) -> Vec<Event> {
    let Some(scopes) = Scopes::of(graph) else { return vec![] };
    let ends = graph.ends_of_maps();
    let accesses = accesses_of_state(sdfg, graph);
    accesses.into_iter().filter_map(|access| event(graph, &scopes, &ends, access)).collect()
}

fn event(
    graph: &StateGraph,
    scopes: &Scopes,
    ends: &BTreeMap<MapId, (NodeId, NodeId)>,
    access: Access,
) -> Option<Event> {
    let (first, last) = match access.place {
        Place::Node(node) => (node, node),
        Place::Edge(edge) => (graph.edge(edge).src.node, graph.edge(edge).dst.node),
        _ => return None,
    };
    let outermost = |node: NodeId| {
        let own = match graph.node(node) {
            Node::MapEntry(map) | Node::MapExit(map) => Some(*map),
            _ => None,
        };
        scopes.enclosing(node).last().copied().or(own)
    };
    let map = outermost(first).or(outermost(last));
    let (start, end) = match map {
        Some(map) => *ends.get(&map)?,
        None => (first, last),
    };
    Some(Event { start, end, map, access })
}

/// The first pair of conflicting accesses that no path orders, `first` before `second`.
pub fn unordered<'e>(
    first: &'e [Event],
    second: &'e [Event],
    reaches: impl Fn(NodeId, NodeId) -> bool,
    facts: &Assumptions,
) -> Option<(&'e Event, &'e Event)> {
    for b in second {
        for a in first {
            let may = a.access.data == b.access.data && (a.access.write || b.access.write);
            if may && !reaches(a.end, b.start) && conflict(&a.access, &b.access, facts) {
                return Some((a, b));
            }
        }
    }
    None
}
