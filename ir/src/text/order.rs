//! The order in which the nodes of a scope are printed.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::Name;
use crate::sdfg::{MapId, Node, NodeId, Scopes, StateGraph};

/// The nodes of each scope; a map stands for itself by its entry.
pub struct Children {
    by_scope: BTreeMap<Option<MapId>, Vec<NodeId>>,
    entry_of: BTreeMap<MapId, NodeId>,
    exit_of: BTreeMap<MapId, NodeId>,
    scope: BTreeMap<NodeId, Option<MapId>>,
}

impl Children {
    pub fn of(graph: &StateGraph, scopes: &Scopes) -> Children {
        let mut out = Children {
            by_scope: BTreeMap::new(),
            entry_of: BTreeMap::new(),
            exit_of: BTreeMap::new(),
            scope: BTreeMap::new(),
        };
        for (id, node) in graph.nodes() {
            let scope = scopes.parent(id);
            out.scope.insert(id, scope);
            match node {
                Node::MapExit(map) => {
                    out.exit_of.insert(*map, id);
                    continue;
                }
                Node::MapEntry(map) => {
                    out.entry_of.insert(*map, id);
                }
                _ => {}
            }
            out.by_scope.entry(scope).or_default().push(id);
        }
        out
    }

    pub fn exit(&self, map: MapId) -> Option<NodeId> {
        self.exit_of.get(&map).copied()
    }

    pub fn scope(&self, node: NodeId) -> Option<MapId> {
        self.scope.get(&node).copied().flatten()
    }

    /// The entry where the node is an exit.
    fn stands_for(&self, graph: &StateGraph, node: NodeId) -> NodeId {
        match graph.node(node) {
            Node::MapExit(map) => self.entry_of.get(map).copied().unwrap_or(node),
            _ => node,
        }
    }

    /// Nodes that directly follow or precede within the scope, maps by their entries.
    fn next(&self, graph: &StateGraph, scope: Option<MapId>, node: NodeId) -> Vec<NodeId> {
        let from = match graph.node(node) {
            Node::MapEntry(map) => self.exit(*map).unwrap_or(node),
            _ => node,
        };
        let inside = |id: &NodeId| {
            self.scope(*id) == scope && !matches!(graph.node(*id), Node::MapExit(m) if Some(*m) == scope)
        };
        graph.out_edges(from).into_iter().map(|e| e.dst.node).filter(inside).collect()
    }

    /// Every node after those that it depends on, oldest first; and where that leaves a choice,
    /// what reads the newest access node of a container before what writes the container anew.
    pub fn in_order(&self, graph: &StateGraph, scope: Option<MapId>) -> Vec<NodeId> {
        let none = vec![];
        let nodes = self.by_scope.get(&scope).unwrap_or(&none);
        let mut after: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        let mut waits: BTreeMap<NodeId, usize> = nodes.iter().map(|&n| (n, 0)).collect();
        for &node in nodes {
            let next = self.next(graph, scope, node);
            for to in &next {
                *waits.entry(self.stands_for(graph, *to)).or_default() += 1;
            }
            after.insert(node, next);
        }
        let mut newest: BTreeMap<Name, NodeId> = BTreeMap::new();
        let mut done: BTreeSet<NodeId> = BTreeSet::new();
        let (mut accesses, mut ready) = (BTreeSet::new(), BTreeSet::new());
        let sort = |id: NodeId, accesses: &mut BTreeSet<NodeId>, ready: &mut BTreeSet<NodeId>| {
            let _ = match graph.node(id) {
                Node::Access(_) => accesses.insert(id),
                _ => ready.insert(id),
            };
        };
        for (&node, _) in waits.iter().filter(|(_, n)| **n == 0) {
            sort(node, &mut accesses, &mut ready);
        }
        let mut order = vec![];
        loop {
            let blocked = |node: &NodeId| {
                after[node].iter().any(|to| match graph.node(*to) {
                    Node::Access(data) => newest.get(data).is_some_and(|old| {
                        after[old].iter().any(|reader| reader != node && !done.contains(reader))
                    }),
                    _ => false,
                })
            };
            let node = match accesses.pop_first() {
                Some(node) => node,
                None => {
                    let free = ready.iter().find(|n| !blocked(n)).or(ready.first());
                    let Some(&node) = free else { break };
                    ready.remove(&node);
                    node
                }
            };
            if let Node::Access(data) = graph.node(node) {
                newest.insert(*data, node);
            }
            done.insert(node);
            order.push(node);
            for to in &after[&node] {
                let Some(left) = waits.get_mut(to) else { continue };
                *left -= 1;
                if *left == 0 {
                    sort(*to, &mut accesses, &mut ready);
                }
            }
        }
        order
    }
}
