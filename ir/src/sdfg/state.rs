//! The dataflow graph of one state, on petgraph, with ids that are never reused.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashSet};
use std::sync::Arc;

use petgraph::Direction;
use petgraph::stable_graph::{EdgeIndex, NodeIndex, StableDiGraph};
use petgraph::visit::{EdgeRef, IntoEdgeReferences, NodeIndexable};

use super::data::Memlet;
use super::ids::{EdgeId, MapId, NodeId};
use super::{Sdfg, Span};
use crate::dtype::DType;
use crate::names::Name;
use crate::symbolic::{Expr, Range};
use crate::tasklet;

/// How the iterations of a map run. DaCe's `ScheduleType`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Schedule {
    /// Left to the code generator.
    #[default]
    Default,
    Sequential,
    /// Threads; DaCe's `CPU_Multicore`.
    Parallel,
    /// SIMD lanes of one thread; DaCe has none for CPUs, written as `Sequential`.
    Vector,
    GpuDevice,
    GpuThreadBlock,
}

/// A map scope: its iterations are unordered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Map {
    /// Unique in its SDFG.
    pub label: Name,
    /// Outermost first. Parameter names are unique in their SDFG.
    pub params: Vec<(Name, Range)>,
    pub schedule: Schedule,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tasklet {
    /// Unique in its SDFG.
    pub label: Name,
    /// Connectors with the type of the value that arrives; each carries one element, but for those
    /// that the code indexes ([`Tasklet::arrays`]), which stand for a whole container.
    pub inputs: Vec<(Name, DType)>,
    pub outputs: Vec<(Name, DType)>,
    pub code: Vec<tasklet::Assign>,
}

impl Tasklet {
    /// Input connectors whose elements the code picks itself.
    pub fn arrays(&self) -> BTreeSet<Name> {
        self.code.iter().flat_map(|a| a.value.arrays()).collect()
    }
}

/// An SDFG inside a node. Each connector is named like the inner container that it binds.
///
/// The inner container stands for the memlet's subset: inner index 0 is the subset's begin,
/// and the dimensions of the subset that are single indices are dropped when the inner
/// container has a smaller rank.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nested {
    pub label: Name,
    pub sdfg: Arc<Sdfg>,
    /// Every free symbol of the inner SDFG, in terms of the outer symbols.
    pub symbols: BTreeMap<Name, Expr>,
}

/// An operation that a library or an expansion carries out. Connector names are fixed per kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LibraryKind {
    /// `c = a @ b` with NumPy's `matmul` shapes, ranks 1 and 2, each operand transposed on demand.
    /// Inputs `a`, `b`; output `c`.
    MatMul { trans_a: bool, trans_b: bool },
    /// Reduction of `input` over `axes` (sorted) into `output`. The output subset has the input's
    /// rank without the axes, or with them as single indices (`keepdims`).
    /// `identity` starts the fold; `None` takes the first element (an empty axis is an error).
    Reduce { op: super::Wcr, axes: Vec<usize>, identity: Option<crate::dtype::Scalar> },
    /// One call of a library: sorting, transforms, equations, factorizations.
    Call(super::LibraryOp),
    /// What the graph has no words for: kept from a file, and never run.
    Foreign(Arc<super::Foreign>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Library {
    pub label: Name,
    pub kind: LibraryKind,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node {
    Access(Name),
    Tasklet(Tasklet),
    MapEntry(MapId),
    MapExit(MapId),
    Nested(Nested),
    Library(Library),
}

/// One end of an edge: a node and, where the node has them, a connector.
///
/// Connectors of map entries and exits are `IN_x` and `OUT_x` in pairs; an `IN_` without its
/// `OUT_` at a map entry is a dynamic range input. Access nodes have no connectors.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Port {
    pub node: NodeId,
    pub conn: Option<Name>,
}

impl Port {
    pub fn new(node: NodeId, conn: impl Into<Name>) -> Port {
        Port { node, conn: Some(conn.into()) }
    }
}

impl From<NodeId> for Port {
    fn from(node: NodeId) -> Port {
        Port { node, conn: None }
    }
}

/// An edge as seen from outside. `memlet` is `None` for a pure ordering edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    pub id: EdgeId,
    pub src: Port,
    pub dst: Port,
    pub memlet: Option<Memlet>,
}

#[derive(Clone, Debug)]
struct NodeEntry {
    id: NodeId,
    node: Node,
    span: Option<Span>,
}

/// A dataflow multigraph.
#[derive(Clone, Debug, Default)]
pub struct StateGraph {
    graph: StableDiGraph<NodeEntry, Edge>,
    nodes: BTreeMap<NodeId, NodeIndex>,
    edges: BTreeMap<EdgeId, EdgeIndex>,
    maps: BTreeMap<MapId, Map>,
}

impl StateGraph {
    pub fn new() -> StateGraph {
        StateGraph::default()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    // ---- nodes -------------------------------------------------------------------------

    pub fn add_node(&mut self, node: Node, span: Option<Span>) -> NodeId {
        let id = NodeId::new();
        self.insert_node(id, node, span);
        id
    }

    /// Puts a node under an id that it had in another version or state.
    pub fn insert_node(&mut self, id: NodeId, node: Node, span: Option<Span>) {
        assert!(!self.nodes.contains_key(&id), "node id used twice");
        let index = self.graph.add_node(NodeEntry { id, node, span });
        self.nodes.insert(id, index);
    }

    /// Adds an entry and exit pair for a new map.
    pub fn add_map(&mut self, map: Map, span: Option<Span>) -> (NodeId, NodeId, MapId) {
        let id = MapId::new();
        self.maps.insert(id, map);
        let entry = self.add_node(Node::MapEntry(id), span);
        let exit = self.add_node(Node::MapExit(id), span);
        (entry, exit, id)
    }

    /// Puts a map description under an id that it had elsewhere; its nodes are added apart.
    pub fn insert_map(&mut self, id: MapId, map: Map) {
        self.maps.insert(id, map);
    }

    /// Removes a node with its edges; the map goes with the last of its two nodes.
    pub fn remove_node(&mut self, id: NodeId) {
        let Some(index) = self.nodes.remove(&id) else { return };
        let edges: Vec<EdgeId> = self.edges_of(index).collect();
        for edge in edges {
            self.remove_edge(edge);
        }
        let entry = self.graph.remove_node(index).expect("node in the graph");
        if let Node::MapEntry(map) | Node::MapExit(map) = entry.node {
            let used = |n: &Node| matches!(n, Node::MapEntry(m) | Node::MapExit(m) if *m == map);
            if !self.graph.node_weights().any(|w| used(&w.node)) {
                self.maps.remove(&map);
            }
        }
    }

    pub fn contains(&self, id: NodeId) -> bool {
        self.nodes.contains_key(&id)
    }

    /// Ids in order of creation.
    pub fn node_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.nodes.keys().copied()
    }

    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> + '_ {
        self.nodes.iter().map(|(&id, &index)| (id, &self.graph[index].node))
    }

    /// Panics on an id that is not of this state.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.graph[self.nodes[&id]].node
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.graph[self.nodes[&id]].node
    }

    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id).map(|&index| &self.graph[index].node)
    }

    pub fn span(&self, id: NodeId) -> Option<Span> {
        self.graph[self.nodes[&id]].span
    }

    pub fn set_span(&mut self, id: NodeId, span: Option<Span>) {
        self.graph[self.nodes[&id]].span = span;
    }

    // ---- maps --------------------------------------------------------------------------

    pub fn maps(&self) -> impl Iterator<Item = (MapId, &Map)> + '_ {
        self.maps.iter().map(|(&id, map)| (id, map))
    }

    pub fn map(&self, id: MapId) -> &Map {
        &self.maps[&id]
    }

    pub fn map_mut(&mut self, id: MapId) -> &mut Map {
        self.maps.get_mut(&id).expect("map of this state")
    }

    pub fn get_map(&self, id: MapId) -> Option<&Map> {
        self.maps.get(&id)
    }

    /// Entry and exit node.
    pub fn map_nodes(&self, id: MapId) -> Option<(NodeId, NodeId)> {
        let (mut entry, mut exit) = (None, None);
        for weight in self.graph.node_weights() {
            match weight.node {
                Node::MapEntry(map) if map == id => entry = Some(weight.id),
                Node::MapExit(map) if map == id => exit = Some(weight.id),
                _ => {}
            }
        }
        entry.zip(exit)
    }

    /// Entry and exit of every map that has both.
    pub fn ends_of_maps(&self) -> BTreeMap<MapId, (NodeId, NodeId)> {
        let (mut entries, mut exits) = (BTreeMap::new(), vec![]);
        for weight in self.graph.node_weights() {
            match weight.node {
                Node::MapEntry(map) => _ = entries.insert(map, weight.id),
                Node::MapExit(map) => exits.push((map, weight.id)),
                _ => {}
            }
        }
        exits.into_iter().filter_map(|(map, exit)| Some((map, (*entries.get(&map)?, exit)))).collect()
    }

    // ---- edges -------------------------------------------------------------------------

    pub fn connect(
        &mut self,
        src: impl Into<Port>,
        dst: impl Into<Port>,
        memlet: impl Into<Option<Memlet>>,
    ) -> EdgeId {
        let id = EdgeId::new();
        self.insert_edge(Edge { id, src: src.into(), dst: dst.into(), memlet: memlet.into() });
        id
    }

    /// Puts an edge under an id that it had in another version or state.
    pub fn insert_edge(&mut self, edge: Edge) {
        let (from, to) = (self.nodes[&edge.src.node], self.nodes[&edge.dst.node]);
        let id = edge.id;
        let index = self.graph.add_edge(from, to, edge);
        self.edges.insert(id, index);
    }

    pub fn remove_edge(&mut self, id: EdgeId) -> Option<Edge> {
        let index = self.edges.remove(&id)?;
        self.graph.remove_edge(index)
    }

    pub fn edge(&self, id: EdgeId) -> &Edge {
        &self.graph[self.edges[&id]]
    }

    pub fn get_edge(&self, id: EdgeId) -> Option<&Edge> {
        self.edges.get(&id).map(|&index| &self.graph[index])
    }

    pub fn memlet_mut(&mut self, id: EdgeId) -> &mut Option<Memlet> {
        &mut self.graph[self.edges[&id]].memlet
    }

    /// In order of creation.
    pub fn edges(&self) -> impl DoubleEndedIterator<Item = &Edge> + '_ {
        self.edges.values().map(|&index| &self.graph[index])
    }

    /// Incoming edges in order of creation.
    pub fn in_edges(&self, id: NodeId) -> Vec<&Edge> {
        self.directed(id, Direction::Incoming)
    }

    /// Outgoing edges in order of creation.
    pub fn out_edges(&self, id: NodeId) -> Vec<&Edge> {
        self.directed(id, Direction::Outgoing)
    }

    fn directed(&self, id: NodeId, direction: Direction) -> Vec<&Edge> {
        let Some(&index) = self.nodes.get(&id) else { return vec![] };
        let mut edges: Vec<&Edge> = self.graph.edges_directed(index, direction).map(|e| e.weight()).collect();
        edges.sort_by_key(|e| e.id);
        edges
    }

    fn edges_of(&self, index: NodeIndex) -> impl Iterator<Item = EdgeId> + '_ {
        let outgoing = self.graph.edges_directed(index, Direction::Outgoing);
        let incoming = self.graph.edges_directed(index, Direction::Incoming);
        outgoing.chain(incoming).map(|e| e.weight().id)
    }

    /// The nodes from which a path, possibly of no edges, leads to the node.
    pub fn leading_to(&self, id: NodeId) -> HashSet<NodeId> {
        let mut open: Vec<NodeIndex> = self.nodes.get(&id).copied().into_iter().collect();
        let mut found: HashSet<NodeId> = open.iter().map(|&at| self.graph[at].id).collect();
        while let Some(at) = open.pop() {
            for before in self.graph.neighbors_directed(at, Direction::Incoming) {
                if found.insert(self.graph[before].id) {
                    open.push(before);
                }
            }
        }
        found
    }

    // ---- order -------------------------------------------------------------------------

    /// Nodes so that every edge goes forward; among the possible orders, oldest first.
    /// `None` if there is a cycle.
    pub fn topological(&self) -> Option<Vec<NodeId>> {
        let mut waiting = vec![0usize; self.graph.node_bound()];
        for edge in self.graph.edge_references() {
            waiting[edge.target().index()] += 1;
        }
        // The smallest id first.
        let mut ready: BinaryHeap<Reverse<(NodeId, NodeIndex)>> = self
            .nodes
            .iter()
            .filter(|(_, index)| waiting[index.index()] == 0)
            .map(|(&id, &index)| Reverse((id, index)))
            .collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some(Reverse((id, at))) = ready.pop() {
            order.push(id);
            for edge in self.graph.edges_directed(at, Direction::Outgoing) {
                let target = edge.target();
                let left = &mut waiting[target.index()];
                *left -= 1;
                if *left == 0 {
                    ready.push(Reverse((self.graph[target].id, target)));
                }
            }
        }
        (order.len() == self.nodes.len()).then_some(order)
    }
}

/// Equal up to the ids of nodes and edges only if created in the same order with equal ids:
/// for versions of one graph. Use the text form to compare across graphs.
impl PartialEq for StateGraph {
    fn eq(&self, other: &StateGraph) -> bool {
        self.maps == other.maps && self.nodes().eq(other.nodes()) && self.edges().eq(other.edges())
    }
}
impl Eq for StateGraph {}
