//! What names a graph uses.

use std::collections::BTreeSet;

use crate::names::Name;
use crate::sdfg::{BlockKind, LibraryKind, Node, Sdfg, StateGraph};
use crate::symbolic::{Expr, Range};

/// Symbols that the graph uses and does not define.
pub fn free(sdfg: &Sdfg) -> BTreeSet<Name> {
    let (mut used, mut defined) = (BTreeSet::new(), BTreeSet::new());
    for data in sdfg.data.values() {
        data.shape.iter().chain(&data.strides).for_each(|e| used.extend(e.free_symbols()));
    }
    sdfg.body.walk(&mut |block| match &block.kind {
        BlockKind::State(graph) => in_state(graph, &mut used, &mut defined),
        BlockKind::Loop { var, range, .. } => {
            of_range(range, &mut used);
            defined.insert(*var);
        }
        BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => used.extend(cond.symbols()),
        BlockKind::Conditional { branches, .. } => used.extend(branches.iter().flat_map(|b| b.0.symbols())),
        BlockKind::Assign { symbol, value } => {
            used.extend(value.symbols());
            defined.insert(*symbol);
        }
        _ => {}
    });
    used.retain(|n| !defined.contains(n));
    used
}

fn of_range(range: &Range, used: &mut BTreeSet<Name>) {
    [&range.begin, &range.end, &range.step].into_iter().for_each(|e| used.extend(e.free_symbols()));
}

fn in_state(graph: &StateGraph, used: &mut BTreeSet<Name>, defined: &mut BTreeSet<Name>) {
    for (_, map) in graph.maps() {
        for (name, range) in &map.params {
            of_range(range, used);
            defined.insert(*name);
        }
    }
    for edge in graph.edges() {
        if let (Node::MapEntry(_), Some(conn)) = (graph.node(edge.dst.node), edge.dst.conn) {
            // Those that a map takes from a container are called like their connector.
            defined.extend(conn.as_str().strip_prefix("IN_").map(Name::new));
        }
        let Some(memlet) = &edge.memlet else { continue };
        memlet.subset.0.iter().chain(memlet.other.iter().flat_map(|s| &s.0)).for_each(|r| of_range(r, used));
    }
    let all = |es: &mut dyn Iterator<Item = &Expr>, used: &mut BTreeSet<Name>| {
        es.for_each(|e| used.extend(e.free_symbols()));
    };
    for (_, node) in graph.nodes() {
        match node {
            Node::Tasklet(t) => t.code.iter().for_each(|a| used.extend(a.value.symbols())),
            Node::Nested(n) => all(&mut n.symbols.values(), used),
            Node::Library(l) => {
                if let LibraryKind::Foreign(f) = &l.kind {
                    all(&mut f.symbols.values(), used);
                }
            }
            _ => {}
        }
    }
}

/// Containers that states and conditions of the graph touch.
pub fn containers(sdfg: &Sdfg) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    sdfg.body.walk(&mut |block| match &block.kind {
        BlockKind::State(graph) => {
            for (_, node) in graph.nodes() {
                if let Node::Access(name) = node {
                    found.insert(*name);
                }
            }
        }
        BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => found.extend(cond.vars()),
        BlockKind::Conditional { branches, .. } => found.extend(branches.iter().flat_map(|b| b.0.vars())),
        BlockKind::Assign { value, .. } => found.extend(value.vars()),
        _ => {}
    });
    found
}
