//! Map scopes of a state, and memlet propagation through them.

use std::collections::BTreeMap;

use super::data::{Data, Memlet};
use super::ids::{EdgeId, MapId, NodeId};
use super::state::{Node, StateGraph};
use crate::names::Name;
use crate::symbolic::{Assumptions, Range, Subset};

/// Which map scope each node is in. Entry and exit of a map belong to the scope around it.
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    parent: BTreeMap<NodeId, Option<MapId>>,
    around: BTreeMap<MapId, Option<MapId>>,
}

impl Scopes {
    /// `None` if the graph is cyclic or its scopes do not nest (the verifier says where).
    pub fn of(graph: &StateGraph) -> Option<Scopes> {
        let mut scopes = Scopes::default();
        for id in graph.topological()? {
            let mut scope: Option<Option<MapId>> = None;
            for edge in graph.in_edges(id) {
                let from = edge.src.node;
                let inside = match graph.node(from) {
                    Node::MapEntry(map) => Some(*map),
                    _ => scopes.parent[&from],
                };
                if *scope.get_or_insert(inside) != inside {
                    return None;
                }
            }
            let mut scope = scope.unwrap_or(None);
            match graph.node(id) {
                Node::MapExit(map) => {
                    if scope != Some(*map) {
                        return None;
                    }
                    scope = *scopes.around.get(map)?;
                }
                Node::MapEntry(map) => {
                    scopes.around.insert(*map, scope);
                }
                _ => {}
            }
            scopes.parent.insert(id, scope);
        }
        Some(scopes)
    }

    /// The innermost map around a node.
    pub fn parent(&self, node: NodeId) -> Option<MapId> {
        self.parent[&node]
    }

    /// The map around a map.
    pub fn around(&self, map: MapId) -> Option<MapId> {
        self.around[&map]
    }

    /// The maps around a node, innermost first.
    pub fn enclosing(&self, node: NodeId) -> Vec<MapId> {
        let mut found = vec![];
        let mut at = self.parent(node);
        while let Some(map) = at {
            found.push(map);
            at = self.around(map);
        }
        found
    }

    /// Nodes directly in a scope (`None`: the state itself), in order of creation.
    pub fn children(&self, scope: Option<MapId>) -> Vec<NodeId> {
        self.parent.iter().filter(|(_, p)| **p == scope).map(|(&id, _)| id).collect()
    }

    /// Maps, inner before outer.
    pub fn maps_inner_first(&self) -> Vec<MapId> {
        let depth = |map: MapId| std::iter::successors(self.around(map), |&m| self.around(m)).count();
        let mut maps: Vec<MapId> = self.around.keys().copied().collect();
        maps.sort_by_key(|&m| (std::cmp::Reverse(depth(m)), m));
        maps
    }

    /// All parameters around a node with their ranges, outermost first.
    pub fn params(&self, graph: &StateGraph, node: NodeId) -> Vec<(Name, Range)> {
        let mut maps = self.enclosing(node);
        maps.reverse();
        maps.into_iter().flat_map(|m| graph.map(m).params.clone()).collect()
    }
}

/// Do the iterations touch every element of the hull? Sufficient: single elements, each parameter
/// in exactly one dimension with factor ±1.
fn is_exact(memlet: &Memlet, params: &[(Name, Range)], facts: &Assumptions) -> bool {
    let Some(indices) = memlet.subset.is_index() else { return params.is_empty() };
    let names: Vec<Name> = params.iter().map(|p| p.0).collect();
    let mut uses = vec![0; names.len()];
    for index in &indices {
        let Some((factors, _)) = index.linear(&names) else { return false };
        let used: Vec<usize> = (0..names.len()).filter(|&k| factors[k] != 0).collect();
        if used.len() > 1 || used.iter().any(|&k| factors[k].abs() != 1) {
            return false;
        }
        used.iter().for_each(|&k| uses[k] += 1);
    }
    let unit = params.iter().all(|(_, r)| r.step.is_one() && uses_none(r, &names));
    // A parameter that no index uses must have an iteration at all.
    unit && uses.iter().zip(params).all(|(&n, (_, r))| n == 1 || (n == 0 && r.is_empty(facts).is_no()))
}

fn uses_none(range: &Range, names: &[Name]) -> bool {
    !names.iter().any(|&n| range.contains(n))
}

/// Recomputes the memlets outside every map from those inside: the hull of the image of the
/// inner subsets under the map's parameters, or the whole container where that is not known.
/// A graph whose scopes do not nest is left as it is.
pub fn propagate(graph: &mut StateGraph, data: &BTreeMap<Name, Data>, facts: &Assumptions) {
    propagate_from(graph, data, facts, |_| true);
}

/// As [`propagate`], for those maps only that `changed` names.
pub fn propagate_from(
    graph: &mut StateGraph,
    data: &BTreeMap<Name, Data>,
    facts: &Assumptions,
    changed: impl Fn(MapId) -> bool,
) {
    let Some(scopes) = Scopes::of(graph) else { return };
    for map in scopes.maps_inner_first().into_iter().filter(|&m| changed(m)) {
        let Some((entry, exit)) = graph.map_nodes(map) else { continue };
        let params = graph.map(map).params.clone();
        let mut facts = facts.clone();
        for (name, range) in scopes.params(graph, entry).iter().chain(&params) {
            facts.assume_in(*name, range);
        }
        let mut found: Vec<(EdgeId, Memlet)> = vec![];
        for (node, outer_is_in) in [(entry, true), (exit, false)] {
            let (outer, inner) = if outer_is_in {
                (graph.in_edges(node), graph.out_edges(node))
            } else {
                (graph.out_edges(node), graph.in_edges(node))
            };
            for edge in outer {
                let (here, to) = if outer_is_in { (edge.dst.conn, "OUT_") } else { (edge.src.conn, "IN_") };
                let Some(stem) = here.and_then(|c| c.as_str().split_once('_')).map(|(_, stem)| stem) else {
                    continue;
                };
                let partner = Name::new(&format!("{to}{stem}"));
                let port = |e: &super::Edge| if outer_is_in { e.src.conn } else { e.dst.conn };
                let memlets: Vec<&Memlet> = inner
                    .iter()
                    .filter(|e| port(e) == Some(partner))
                    .filter_map(|e| e.memlet.as_ref())
                    .collect();
                let Some(first) = memlets.first() else { continue };
                // Inside a scope an edge may carry a copy out of or into a local container.
                let outside = edge.memlet.as_ref().map_or(first.data, |m| m.data);
                let side =
                    |m: &Memlet| if m.data == outside { Some(m.subset.clone()) } else { m.other.clone() };
                let hull = memlets
                    .iter()
                    .map(|m| side(m)?.image_under(&params, &facts, &facts))
                    .reduce(|a, b| a?.union_hull(&b?, &facts))
                    .flatten();
                let Some(container) = data.get(&outside) else { continue };
                let exact = hull.is_some() && memlets.len() == 1 && is_exact(first, &params, &facts);
                let subset = hull.unwrap_or_else(|| Subset::full(&container.shape));
                // What is written only in part must not pass for an overwrite.
                let dynamic = memlets.iter().any(|m| m.dynamic) || (!outer_is_in && !exact);
                found.push((edge.id, Memlet { data: outside, subset, other: None, dynamic, wcr: first.wcr }));
            }
        }
        for (edge, memlet) in found {
            *graph.memlet_mut(edge) = Some(memlet);
        }
    }
}
