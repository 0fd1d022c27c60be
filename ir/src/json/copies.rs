//! Brings what DaCe writes in several ways to one form: the memlets of copies, and the names of parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::at::{At, Read};
use super::read::GraphReader;
use crate::names::Name;
use crate::sdfg::{Data, EdgeId, LibraryKind, MapId, Memlet, Node, NodeId, Port, Scopes, StateGraph};
use crate::symbolic::{Expr, Range, Subset};

impl GraphReader<'_> {
    /// Gives maps parameters of their own: DaCe uses names again.
    pub fn own_parameters(&mut self, graph: &mut StateGraph) {
        let Some(scopes) = Scopes::of(graph) else { return };
        for map in scopes.maps_inner_first().into_iter().rev() {
            let mut renames: BTreeMap<Name, Name> = BTreeMap::new();
            for (name, _) in graph.map(map).params.clone() {
                let new = self.label(name.as_str());
                if new != name {
                    renames.insert(name, new);
                }
            }
            if !renames.is_empty() {
                rename_scope(graph, &scopes, map, &renames);
            }
        }
    }
}

fn rename_scope(graph: &mut StateGraph, scopes: &Scopes, map: MapId, renames: &BTreeMap<Name, Name>) {
    let f = |n: Name| renames.get(&n).map(|n| Expr::sym(*n));
    let params = &mut graph.map_mut(map).params;
    for (name, _) in params.iter_mut() {
        *name = renames.get(name).copied().unwrap_or(*name);
    }
    let Some((entry, exit)) = graph.map_nodes(map) else { return };
    let inside: BTreeSet<NodeId> = graph
        .node_ids()
        .filter(|n| *n != exit && *n != entry && scopes.enclosing(*n).contains(&map))
        .collect();
    let edges: Vec<_> = graph
        .edges()
        .filter(|e| inside.contains(&e.src.node) || inside.contains(&e.dst.node))
        .map(|e| e.id)
        .collect();
    for edge in edges {
        if let Some(memlet) = graph.memlet_mut(edge) {
            *memlet = memlet.subst(&f);
        }
    }
    for id in inside {
        match graph.node_mut(id) {
            Node::Tasklet(t) => {
                for assign in &mut t.code {
                    assign.value = assign.value.subst_symbols(&f);
                }
            }
            Node::Nested(n) => {
                for value in n.symbols.values_mut() {
                    *value = value.subst(&f);
                }
            }
            Node::MapEntry(inner) => {
                let inner = *inner;
                for (_, range) in &mut graph.map_mut(inner).params {
                    *range = range.subst(&f);
                }
            }
            Node::Library(l) => {
                if let LibraryKind::Foreign(foreign) = &mut l.kind {
                    Arc::make_mut(foreign).symbols.values_mut().for_each(|e| *e = e.subst(&f));
                }
            }
            _ => {}
        }
    }
}

/// Brings copies to our form: `data` is the source, or the container outside of a scope. The memlets of
/// `of_target` begin with the part of their target, which counts where both are of one container.
pub fn name_copies(
    graph: &mut StateGraph,
    data: &BTreeMap<Name, Data>,
    of_target: &BTreeSet<EdgeId>,
    at: &At,
) -> Read<()> {
    let rank = |name: &Name| data.get(name).map_or(0, |d| d.shape.len());
    let edges: Vec<_> = graph.edges().cloned().collect();
    for edge in edges {
        let Some(memlet) = edge.memlet else { continue };
        let access = |id: NodeId| match graph.node(id) {
            Node::Access(data) => Some(*data),
            _ => None,
        };
        let (near, far) = match (access(edge.src.node), access(edge.dst.node)) {
            (Some(src), Some(dst)) => (src, dst),
            (None, Some(dst)) if matches!(graph.node(edge.src.node), Node::MapEntry(_)) => {
                match root(graph, edge.src, true) {
                    Some(src) => (src, dst),
                    None => continue,
                }
            }
            (Some(src), None) if matches!(graph.node(edge.dst.node), Node::MapExit(_)) => {
                match root(graph, edge.dst, false) {
                    // Outside first, as for what comes in.
                    Some(dst) => (dst, src),
                    None => continue,
                }
            }
            _ => {
                if let Some(m) = graph.memlet_mut(edge.id) {
                    m.other = None;
                }
                continue;
            }
        };
        let whole = |subset: &Subset| {
            let sizes = subset.extents().into_iter().map(|n| Range::new(0, n));
            Subset(sizes.collect())
        };
        let foreign = |n: &Name| data.get(n).is_none_or(|d| d.foreign.is_some());
        if foreign(&near) || foreign(&far) {
            continue;
        }
        let swapped = memlet.data != near || (near == far && of_target.contains(&edge.id));
        if swapped && memlet.data != far {
            return at
                .beyond(format!("a copy between '{near}' and '{far}' whose memlet is of '{}'", memlet.data));
        }
        let other_rank = rank(if swapped { &near } else { &far });
        let mut other = memlet.other.clone().unwrap_or_else(|| whole(&memlet.subset));
        if other_rank == 0 {
            other = Subset(vec![]);
        } else if memlet.other.is_none() && other.rank() > other_rank {
            // Single indices have no counterpart in a container of smaller rank.
            let single = |r: &Range| r.is_index().is_some();
            other.0.retain(|r| !single(r));
        }
        if other.rank() != other_rank {
            return at
                .beyond(format!("a copy between '{near}' and '{far}' of parts with different dimensions"));
        }
        let (subset, other) =
            if swapped { (other, memlet.subset.clone()) } else { (memlet.subset.clone(), other) };
        *graph.memlet_mut(edge.id) = Some(Memlet { data: near, subset, other: Some(other), ..memlet });
    }
    Ok(())
}

/// The container where the path through scopes begins (or ends).
fn root(graph: &StateGraph, port: Port, backwards: bool) -> Option<Name> {
    let mut port = port;
    for _ in 0..100 {
        if let Node::Access(data) = graph.node(port.node) {
            return Some(*data);
        }
        let stem = port.conn?.as_str().split_once('_')?.1;
        let (edges, prefix) =
            if backwards { (graph.in_edges(port.node), "IN_") } else { (graph.out_edges(port.node), "OUT_") };
        let partner = Some(Name::new(&format!("{prefix}{stem}")));
        let edge =
            edges.into_iter().find(|e| (if backwards { e.dst.conn } else { e.src.conn }) == partner)?;
        port = if backwards { edge.src } else { edge.dst };
    }
    None
}
