//! Labels of places, as `--at`, recipes and refusals write them.

use super::cursor::quoted;
use super::explicit::{memlet_text, ref_text};
use crate::names::Name;
use crate::sdfg::{BlockKind, Node, NodeId, Place, Sdfg, StateGraph};

/// The label of a place: of a block, map, tasklet, library node or nested SDFG its own;
/// `state.A` for an access node (`state.A#1` for the second of that container in the state);
/// `a -> b` for an edge; after `nested/` inside a nested SDFG. The graph's name for the whole.
pub fn describe_place(sdfg: &Sdfg, place: Place) -> String {
    describe(sdfg, place).unwrap_or_else(|| sdfg.name.to_string())
}

fn describe(sdfg: &Sdfg, place: Place) -> Option<String> {
    if let Place::Block(id) = place
        && let Some(block) = sdfg.body.find(id)
    {
        return Some(block.label.to_string());
    }
    for (block, graph) in sdfg.states() {
        let found = match place {
            Place::Node(id) if graph.contains(id) => Some(node(graph, block.label, id)),
            Place::Map(id) => graph.get_map(id).map(|m| m.label.to_string()),
            Place::Edge(id) => graph.get_edge(id).map(|e| {
                let memlet = e.memlet.as_ref().map(|m| format!(" ({})", memlet_text(m))).unwrap_or_default();
                format!(
                    "{} -> {}{memlet}",
                    node(graph, block.label, e.src.node),
                    node(graph, block.label, e.dst.node)
                )
            }),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        for (_, node) in graph.nodes() {
            if let Node::Nested(n) = node
                && let Some(inner) = describe(&n.sdfg, place)
            {
                return Some(format!("{}/{inner}", n.label));
            }
        }
    }
    None
}

/// The access nodes of a container in a state, in order of creation.
fn accesses(graph: &StateGraph, data: Name) -> Vec<NodeId> {
    graph.nodes().filter(|(_, n)| **n == Node::Access(data)).map(|(id, _)| id).collect()
}

fn node(graph: &StateGraph, state: Name, id: NodeId) -> String {
    match graph.node(id) {
        Node::Access(data) => {
            let at = accesses(graph, *data).iter().position(|&n| n == id).unwrap_or(0);
            let nth = if at == 0 { String::new() } else { format!("#{at}") };
            format!("{state}.{data}{nth}")
        }
        Node::Tasklet(t) => t.label.to_string(),
        Node::MapEntry(map) | Node::MapExit(map) => graph.map(*map).label.to_string(),
        Node::Nested(n) => n.label.to_string(),
        Node::Library(l) => l.label.to_string(),
    }
}

/// The place with this label, as [`describe_place`] writes it; not for edges.
pub fn find_label(sdfg: &Sdfg, label: &str) -> Option<Place> {
    let label = label.trim();
    if label.is_empty() {
        return None;
    }
    if let Some((nested, rest)) = label.split_once('/')
        && let Some(inner) = sdfg.states().into_iter().find_map(|(_, graph)| {
            graph.nodes().find_map(|(_, node)| match node {
                Node::Nested(n) if n.label.as_str() == nested => Some(n.sdfg.clone()),
                _ => None,
            })
        })
        && let Some(place) = find_label(&inner, rest)
    {
        return Some(place);
    }
    let mut found = None;
    sdfg.body.walk(&mut |block| {
        if found.is_some() {
            return;
        }
        if block.label.as_str() == label {
            found = Some(Place::Block(block.id));
        } else if let BlockKind::State(graph) = &block.kind {
            found = in_state(graph, block.label, label);
        }
    });
    found.or_else(|| (sdfg.name.as_str() == label).then_some(Place::Whole))
}

fn in_state(graph: &StateGraph, state: Name, label: &str) -> Option<Place> {
    if let Some((id, _)) = graph.maps().find(|(_, m)| m.label.as_str() == label) {
        return Some(Place::Map(id));
    }
    let named = graph.nodes().find(|(_, n)| match n {
        Node::Tasklet(t) => t.label.as_str() == label,
        Node::Nested(n) => n.label.as_str() == label,
        Node::Library(l) => l.label.as_str() == label,
        _ => false,
    });
    if let Some((id, _)) = named {
        return Some(Place::Node(id));
    }
    let rest = label.strip_prefix(state.as_str())?.strip_prefix('.')?;
    let (data, nth) = match rest.rsplit_once('#') {
        Some((data, nth)) => (data, nth.parse().ok()?),
        None => (rest, 0usize),
    };
    accesses(graph, Name::new(data)).get(nth).map(|&id| Place::Node(id))
}

/// A memlet's container and subset as the text form writes them, such as `A[i, 0:N]`.
pub fn reference(data: Name, subset: &crate::symbolic::Subset) -> String {
    ref_text(data, subset, false)
}

/// A name as the text form writes it.
pub fn name(name: Name) -> String {
    quoted(name)
}
