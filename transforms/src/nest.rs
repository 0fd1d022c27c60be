//! Putting one map around another and taking them together: shared by the map transformations.

use std::collections::BTreeMap;

use weft_ir::Name;
use weft_ir::sdfg::{
    BlockId, Edge, Map, MapId, Node, NodeId, Place, Port, Schedule, Scopes, Sdfg, StateGraph, Verified,
    order_as, propagate_from,
};
use weft_ir::symbolic::Range;

use crate::{Condition, Refusal, Site, no_such_site, require};

/// Every map of the SDFG (not of nested ones): state, map, description.
pub fn maps(graph: &Sdfg) -> Vec<(BlockId, &StateGraph, MapId, &Map)> {
    let states = graph.states();
    states
        .into_iter()
        .flat_map(|(block, state)| state.maps().map(move |(id, map)| (block.id, state, id, map)))
        .collect()
}

/// One site per map that `fits`.
pub fn map_sites(graph: &Verified, fits: impl Fn(&StateGraph, &Map) -> bool) -> Vec<Site> {
    maps(graph)
        .into_iter()
        .filter(|(_, state, _, map)| fits(state, map))
        .map(|(_, state, id, map)| site(state, &[(id, map)]))
        .collect()
}

/// A site made of maps, the main one first.
pub fn site(state: &StateGraph, maps: &[(MapId, &Map)]) -> Site {
    let span = maps.first().and_then(|(id, _)| state.map_nodes(*id)).and_then(|(entry, _)| state.span(entry));
    Site {
        label: maps.iter().map(|(_, m)| m.label.as_str()).collect::<Vec<_>>().join(", "),
        places: maps.iter().map(|(id, _)| Place::Map(*id)).collect(),
        span,
    }
}

/// Pairs of maps where the inner one is directly inside the outer one.
pub fn nested_pairs(graph: &Verified) -> Vec<Site> {
    let mut sites = vec![];
    for (_, state, inner, map) in maps(graph) {
        let around = Scopes::of(state).and_then(|scopes| scopes.around(inner));
        if let Some(outer) = around {
            sites.push(site(state, &[(outer, state.map(outer)), (inner, map)]));
        }
    }
    sites
}

/// The map at position `at` of a site: its state's block and id.
pub fn site_map(graph: &Sdfg, site: &Site, at: usize) -> Result<(BlockId, MapId), Refusal> {
    let found = match site.places.get(at) {
        Some(Place::Map(id)) => {
            maps(graph).into_iter().find(|(_, _, m, _)| m == id).map(|(block, _, id, _)| (block, id))
        }
        _ => None,
    };
    found.ok_or_else(|| no_such_site(site))
}

/// Memlets of one state, propagated again.
pub fn repropagate(graph: &mut Sdfg, block: BlockId) {
    repropagate_where(graph, block, |_| true);
}

/// Memlets through one map and the maps around it, propagated again.
pub fn repropagate_map(graph: &mut Sdfg, block: BlockId, map: MapId) {
    let scopes = graph.state_mut(block).and_then(|state| Scopes::of(state));
    let Some(scopes) = scopes else { return };
    let around: Vec<MapId> = std::iter::successors(Some(map), |&m| scopes.around(m)).collect();
    repropagate_where(graph, block, |m| around.contains(&m));
}

/// As [`repropagate`], where `before` knows of some nodes that the first runs before the second.
pub fn repropagate_as(graph: &mut Sdfg, block: BlockId, before: impl Fn(NodeId, NodeId) -> bool) {
    propagate_where(graph, block, |_| true, before);
}

fn repropagate_where(graph: &mut Sdfg, block: BlockId, changed: impl Fn(MapId) -> bool) {
    propagate_where(graph, block, changed, |_, _| false);
}

fn propagate_where(
    graph: &mut Sdfg,
    block: BlockId,
    changed: impl Fn(MapId) -> bool,
    before: impl Fn(NodeId, NodeId) -> bool,
) {
    let mut facts = graph.assumptions();
    crate::facts_around(graph, block, &mut facts);
    let data = graph.data.clone();
    if let Some(state) = graph.state_mut(block) {
        propagate_from(state, &data, &facts, changed);
        order_as(state, &data, &facts, before);
    }
}

/// A name that neither the graph nor `taken` has.
pub fn fresh(graph: &Sdfg, taken: &[Name], base: &str) -> Name {
    Name::fresh(base, |n| taken.contains(&n) || graph.uses_name(n))
}

/// Puts a new map around an existing one; all edges of the existing one lead through it.
/// Memlets have to be propagated afterwards.
pub fn surround(state: &mut StateGraph, inner: MapId, outer: Map) -> MapId {
    let (entry, exit) = state.map_nodes(inner).expect("a map has two nodes");
    let (outer_entry, outer_exit, id) = state.add_map(outer, state.span(entry));
    for edge in owned(state.in_edges(entry)) {
        state.remove_edge(edge.id);
        match edge.dst.conn {
            Some(conn) => {
                state.connect(edge.src, Port::new(outer_entry, conn), edge.memlet.clone());
                state.connect(Port::new(outer_entry, partner(conn)), edge.dst, edge.memlet);
            }
            None => {
                state.connect(edge.src, outer_entry, edge.memlet);
            }
        }
    }
    if state.in_edges(entry).is_empty() {
        state.connect(outer_entry, entry, None);
    }
    for edge in owned(state.out_edges(exit)) {
        state.remove_edge(edge.id);
        match edge.src.conn {
            Some(conn) => {
                state.connect(edge.src, Port::new(outer_exit, partner(conn)), edge.memlet.clone());
                state.connect(Port::new(outer_exit, conn), edge.dst, edge.memlet);
            }
            None => {
                state.connect(outer_exit, edge.dst, edge.memlet);
            }
        }
    }
    if state.out_edges(exit).is_empty() {
        state.connect(exit, outer_exit, None);
    }
    id
}

/// `IN_x` for `OUT_x` and the other way round.
pub fn partner(conn: Name) -> Name {
    match conn.as_str().split_once('_') {
        Some(("IN", stem)) => Name::new(&format!("OUT_{stem}")),
        Some(("OUT", stem)) => Name::new(&format!("IN_{stem}")),
        _ => conn,
    }
}

pub fn owned(edges: Vec<&Edge>) -> Vec<Edge> {
    edges.into_iter().cloned().collect()
}

/// Is the inner map all that there is in the outer one?
pub fn only_child(state: &StateGraph, outer: MapId, inner: MapId) -> bool {
    let Some(((entry, exit), (inner_entry, inner_exit))) = state.map_nodes(outer).zip(state.map_nodes(inner))
    else {
        return false;
    };
    state.out_edges(entry).iter().all(|e| e.dst.node == inner_entry)
        && state.in_edges(exit).iter().all(|e| e.src.node == inner_exit)
        && state.in_edges(inner_entry).iter().all(|e| e.src.node == entry)
        && state.out_edges(inner_exit).iter().all(|e| e.dst.node == exit)
}

/// Takes the inner map's nodes away; its edges continue from and to the outer map, which gets
/// the inner parameters after its own. The inner map must be the only child.
pub fn merge(state: &mut StateGraph, outer: MapId, inner: MapId) {
    let (entry, exit) = state.map_nodes(outer).expect("a map has two nodes");
    let (inner_entry, inner_exit) = state.map_nodes(inner).expect("a map has two nodes");
    let params = state.map(inner).params.clone();
    splice(state, inner_entry, entry, true);
    splice(state, inner_exit, exit, false);
    state.remove_node(inner_entry);
    state.remove_node(inner_exit);
    state.map_mut(outer).params.extend(params);
}

fn splice(state: &mut StateGraph, inner: NodeId, outer: NodeId, entry: bool) {
    let (near, far) = if entry {
        (owned(state.in_edges(inner)), owned(state.out_edges(inner)))
    } else {
        (owned(state.out_edges(inner)), owned(state.in_edges(inner)))
    };
    // Inner connector stem -> connector on the inside of the outer node.
    let mut lead: BTreeMap<Name, Name> = BTreeMap::new();
    for edge in near {
        let (here, there) =
            if entry { (edge.dst.conn, edge.src.conn) } else { (edge.src.conn, edge.dst.conn) };
        if let (Some(here), Some(there)) = (here, there) {
            lead.insert(partner(here), there);
        }
        state.remove_edge(edge.id);
    }
    for mut edge in far {
        state.remove_edge(edge.id);
        let end = if entry { &mut edge.src } else { &mut edge.dst };
        *end = Port { node: outer, conn: end.conn.and_then(|c| lead.get(&c).copied()) };
        state.insert_edge(edge);
    }
}

/// Is the step a positive constant?
pub fn is_constant_positive(range: &Range) -> bool {
    range.step.as_int().is_some_and(|s| s > 0)
}

/// Does a range of the list use one of the names?
pub fn uses(params: &[(Name, Range)], names: &[Name]) -> Option<Name> {
    params.iter().find_map(|(_, r)| names.iter().copied().find(|&n| r.contains(n)))
}

/// Nodes inside a map's scope, all levels, without its own entry and exit.
pub fn inside(state: &StateGraph, scopes: &Scopes, map: MapId) -> Vec<NodeId> {
    state.node_ids().filter(|&n| scopes.enclosing(n).contains(&map)).collect()
}

/// Maps that a split makes keep the schedule outside; inside is left to the code generator.
pub fn inner_schedule(schedule: Schedule) -> Schedule {
    match schedule {
        Schedule::Parallel | Schedule::GpuDevice => Schedule::Default,
        other => other,
    }
}

/// The node of an access, if it is one.
pub fn accessed(node: &Node) -> Option<Name> {
    match node {
        Node::Access(name) => Some(*name),
        _ => None,
    }
}

pub const PERFECTLY_NESTED: Condition = Condition {
    id: "perfectly-nested",
    text: "the inner map is all that the outer one holds, and everything passes through both",
};

pub const INDEPENDENT_RANGES: Condition =
    Condition { id: "independent-ranges", text: "the inner ranges do not depend on the outer parameters" };

/// Checks [`PERFECTLY_NESTED`] and [`INDEPENDENT_RANGES`] of two maps.
pub fn require_perfect_nest(state: &StateGraph, outer: MapId, inner: MapId) -> Result<(), Refusal> {
    let (around, inside) = (state.map(outer), state.map(inner));
    require(PERFECTLY_NESTED.id, only_child(state, outer, inner), Place::Map(outer), || {
        format!("'{}' holds more than '{}'", around.label, inside.label)
    })?;
    let names: Vec<Name> = around.params.iter().map(|p| p.0).collect();
    let dependent = uses(&inside.params, &names);
    require(INDEPENDENT_RANGES.id, dependent.is_none(), Place::Map(inner), || {
        let name = dependent.map_or("", |n| n.as_str());
        format!("a range of '{}' depends on {name}, a parameter of '{}'", inside.label, around.label)
    })
}

/// Does the edge end at a tasklet that picks elements of its container by values?
pub fn gathers(state: &StateGraph, edge: &Edge) -> bool {
    match (state.node(edge.dst.node), edge.dst.conn) {
        (Node::Tasklet(t), Some(conn)) => t.arrays().contains(&conn),
        _ => false,
    }
}
