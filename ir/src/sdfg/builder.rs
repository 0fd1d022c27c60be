//! Builds the common shapes of a state: a tasklet under a map, a library node, a copy.

use std::collections::BTreeMap;

use super::Span;
use super::data::{Data, Memlet};
use super::ids::{EdgeId, MapId, NodeId};
use super::order::order;
use super::scope::propagate;
use super::state::{Library, Map, Node, Port, StateGraph, Tasklet};
use crate::names::Name;
use crate::symbolic::Assumptions;

/// What a connector reads: the access node outside, and the memlet at the tasklet.
#[derive(Clone, Debug)]
pub struct Input {
    pub node: NodeId,
    pub conn: Name,
    pub memlet: Memlet,
}

/// What a connector writes.
pub type Output = Input;

/// Adds nodes to a state; [`StateBuilder::finish`] propagates the memlets and
/// orders conflicting accesses as they were added.
pub struct StateBuilder<'a> {
    graph: StateGraph,
    data: &'a BTreeMap<Name, Data>,
    facts: Assumptions,
}

impl<'a> StateBuilder<'a> {
    pub fn new(data: &'a BTreeMap<Name, Data>, facts: Assumptions) -> StateBuilder<'a> {
        StateBuilder { graph: StateGraph::new(), data, facts }
    }

    /// Adds to a state that has something already.
    pub fn resume(graph: StateGraph, data: &'a BTreeMap<Name, Data>, facts: Assumptions) -> StateBuilder<'a> {
        StateBuilder { graph, data, facts }
    }

    pub fn graph(&mut self) -> &mut StateGraph {
        &mut self.graph
    }

    pub fn access(&mut self, data: impl Into<Name>, span: Option<Span>) -> NodeId {
        self.graph.add_node(Node::Access(data.into()), span)
    }

    /// A copy between two access nodes.
    pub fn copy(&mut self, from: NodeId, to: NodeId, memlet: Memlet) -> EdgeId {
        self.graph.connect(from, to, memlet)
    }

    /// A library node between access nodes.
    pub fn library(
        &mut self,
        library: Library,
        inputs: &[Input],
        outputs: &[Output],
        span: Option<Span>,
    ) -> NodeId {
        let node = self.graph.add_node(Node::Library(library), span);
        for input in inputs {
            self.graph.connect(input.node, Port::new(node, input.conn), input.memlet.clone());
        }
        for output in outputs {
            self.graph.connect(Port::new(node, output.conn), output.node, output.memlet.clone());
        }
        node
    }

    /// A tasklet, under a map if it has parameters. Reads of one access node share a connector.
    /// Returns the tasklet and its map.
    pub fn mapped(
        &mut self,
        map: Map,
        tasklet: Tasklet,
        inputs: &[Input],
        outputs: &[Output],
        span: Option<Span>,
    ) -> (NodeId, Option<MapId>) {
        let node = self.graph.add_node(Node::Tasklet(tasklet), span);
        if map.params.is_empty() {
            for input in inputs {
                self.graph.connect(input.node, Port::new(node, input.conn), input.memlet.clone());
            }
            for output in outputs {
                self.graph.connect(Port::new(node, output.conn), output.node, output.memlet.clone());
            }
            return (node, None);
        }
        let (entry, exit, id) = self.graph.add_map(map, span);
        for input in inputs {
            let stem = self.through(entry, input, true);
            let from = Port::new(entry, Name::new(&format!("OUT_{stem}")));
            self.graph.connect(from, Port::new(node, input.conn), input.memlet.clone());
        }
        if inputs.is_empty() {
            self.graph.connect(entry, node, None);
        }
        for output in outputs {
            let stem = self.through(exit, output, false);
            let to = Port::new(exit, Name::new(&format!("IN_{stem}")));
            self.graph.connect(Port::new(node, output.conn), to, output.memlet.clone());
        }
        if outputs.is_empty() {
            self.graph.connect(node, exit, None);
        }
        (node, Some(id))
    }

    /// The connector stem that leads from an access node through an entry (or exit), added if new.
    fn through(&mut self, scope: NodeId, end: &Input, reads: bool) -> String {
        let data = end.memlet.data;
        let edges = if reads { self.graph.in_edges(scope) } else { self.graph.out_edges(scope) };
        let mut taken = vec![];
        for edge in edges {
            let (other, here) = if reads { (edge.src, edge.dst) } else { (edge.dst, edge.src) };
            let conn = here.conn.map(|c| c.as_str()).unwrap_or_default();
            let stem = conn.split_once('_').map_or("", |(_, s)| s).to_string();
            if other.node == end.node {
                return stem;
            }
            taken.push(stem);
        }
        let stem = Name::fresh(data.as_str(), |n| taken.iter().any(|t| t == n.as_str())).as_str().to_string();
        // The memlet outside is set by propagation.
        if reads {
            let port = Port::new(scope, Name::new(&format!("IN_{stem}")));
            self.graph.connect(end.node, port, end.memlet.clone());
        } else {
            let port = Port::new(scope, Name::new(&format!("OUT_{stem}")));
            self.graph.connect(port, end.node, end.memlet.clone());
        }
        stem
    }

    pub fn finish(mut self) -> StateGraph {
        propagate(&mut self.graph, self.data, &self.facts);
        order(&mut self.graph, self.data, &self.facts);
        self.graph
    }
}
