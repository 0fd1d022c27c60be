//! What happens in a state, and in which order.

use std::collections::BTreeMap;

use weft_ir::analysis::{Access, accesses_of_state, conflict};
use weft_ir::sdfg::{MapId, Node, NodeId, Place, Scopes, Sdfg, StateGraph};
use weft_ir::symbolic::Assumptions;

/// Which node is reached from which.
pub struct Order {
    index: BTreeMap<NodeId, usize>,
    reach: Vec<Vec<u64>>,
}

impl Order {
    /// `None` if the graph has a cycle.
    pub fn of(graph: &StateGraph) -> Option<Order> {
        let order = graph.topological()?;
        let index: BTreeMap<NodeId, usize> = order.iter().enumerate().map(|(i, &n)| (n, i)).collect();
        let mut reach = vec![vec![0u64; order.len().div_ceil(64)]; order.len()];
        for &node in order.iter().rev() {
            let at = index[&node];
            reach[at][at / 64] |= 1 << (at % 64);
            for edge in graph.out_edges(node) {
                let next = reach[index[&edge.dst.node]].clone();
                reach[at].iter_mut().zip(next).for_each(|(a, b)| *a |= b);
            }
        }
        Some(Order { index, reach })
    }

    /// Is there a path, possibly of no edges?
    pub fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        match (self.index.get(&from), self.index.get(&to)) {
            (Some(&a), Some(&b)) => self.reach[a][b / 64] >> (b % 64) & 1 == 1,
            _ => false,
        }
    }

    /// The position in a topological order.
    pub fn position(&self, node: NodeId) -> usize {
        self.index.get(&node).copied().unwrap_or(usize::MAX)
    }
}

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
    let accesses = accesses_of_state(sdfg, graph);
    accesses.into_iter().filter_map(|access| event(graph, &scopes, access)).collect()
}

fn event(graph: &StateGraph, scopes: &Scopes, access: Access) -> Option<Event> {
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
        Some(map) => graph.map_nodes(map)?,
        None => (first, last),
    };
    Some(Event { start, end, map, access })
}

/// The first pair of conflicting accesses that no path orders, `first` before `second`.
pub fn unordered<'e>(
    first: &'e [Event],
    second: &'e [Event],
    order: &Order,
    facts: &Assumptions,
) -> Option<(&'e Event, &'e Event)> {
    for b in second {
        for a in first {
            let may = a.access.data == b.access.data && (a.access.write || b.access.write);
            if may && !order.reaches(a.end, b.start) && conflict(&a.access, &b.access, facts) {
                return Some((a, b));
            }
        }
    }
    None
}
