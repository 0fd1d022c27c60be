//! DeadDataflowElimination: what nobody reads is not computed.

use std::collections::BTreeSet;

use weft_ir::Name;
use weft_ir::analysis::{Liveness, facts_at};
use weft_ir::sdfg::{
    Block, BlockId, BlockKind, Edge, EdgeId, LibraryKind, MapId, Node, NodeId, Place, Region, Scopes, Sdfg,
    StateGraph, Verified,
};

use crate::{
    Category, Condition, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation,
    no_such_site, require, used_containers, uses_of,
};

pub struct DeadDataflowElimination;

static INFO: Info = Info {
    name: "DeadDataflowElimination",
    category: Category::Simplify,
    what: "Removes the computation of values that are never read, transients without a use, and empty states.",
    why: "Other transformations leave such remains behind. Run-time checks are no dataflow and stay.",
    conditions: &[
        Condition { id: "never-read", text: "no path of the program reads the value" },
        Condition { id: "only-result", text: "what computes the value has no other result" },
        Condition {
            id: "cannot-fail",
            text: "what computes it cannot stop the program: a reduction without an identity has elements, \
                   and no library call fails on its values",
        },
    ],
    params: &[],
    before: "\
sdfg f(A: f64[N], B: f64[N])
  transient tmp: f64[N]
  state s0
    map m0 [i = 0:N]
      t0: tmp[i] = A[i] * 2.0
    map m1 [j = 0:N]
      t1: B[j] = A[j] + 1.0
",
    after: "\
sdfg f(A: f64[N], B: f64[N])
  state s0
    map m1 [j = 0:N]
      t1: B[j] = A[j] + 1.0
",
    keeps: Keeps::Exactly,
};

impl Transformation for DeadDataflowElimination {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        let mut sites = vec![];
        for (block, state) in graph.states() {
            if state.is_empty() {
                sites.push(Site {
                    label: block.label.to_string(),
                    places: vec![Place::Block(block.id)],
                    span: block.span,
                });
            }
        }
        let written = last_writes(graph);
        for (name, _) in graph.data.iter().filter(|(_, d)| d.transient) {
            let mut places: Vec<Place> =
                written.iter().filter(|(n, ..)| n == name).map(|(.., node)| Place::Node(*node)).collect();
            if places.is_empty() {
                if uses_of(graph, *name) > 0 {
                    continue;
                }
                places.push(Place::Whole);
            }
            sites.push(Site { label: name.to_string(), places, span: None });
        }
        sites
    }

    fn plan(&self, graph: &Verified, site: &Site, _: &Settings) -> Result<Plan, Refusal> {
        let mut forwarding = Forwarding::default();
        let edited = if let [Place::Block(block)] = site.places[..] {
            let empty = graph.body.find(block).and_then(Block::state).is_some_and(StateGraph::is_empty);
            if !empty {
                return Err(no_such_site(site));
            }
            let mut edited = graph.clone_sdfg();
            remove_block(&mut edited, block, &mut forwarding);
            edited
        } else {
            let data = Name::new(&site.label);
            if !graph.data.get(&data).is_some_and(|d| d.transient) {
                return Err(no_such_site(site));
            }
            eliminate(graph, data, &Reading::of(graph), &mut forwarding)?
        };
        Plan::new(graph, edited, forwarding)
    }
}

/// Access nodes of transients whose value is not read in their state.
fn last_writes(graph: &Sdfg) -> Vec<(Name, BlockId, NodeId)> {
    let mut found = vec![];
    for (block, state) in graph.states() {
        for (id, node) in state.nodes() {
            if let Node::Access(name) = node
                && graph.data.get(name).is_some_and(|d| d.transient)
                && state.out_edges(id).iter().all(|e| e.memlet.is_none())
            {
                found.push((*name, block.id, id));
            }
        }
    }
    found
}

/// What the elimination asks about a graph, for all containers at once.
pub struct Reading {
    live: Liveness,
    /// As `last_writes` has them.
    last: Vec<(Name, BlockId, NodeId)>,
}

impl Reading {
    pub fn of(graph: &Sdfg) -> Reading {
        Reading { live: Liveness::of(graph), last: last_writes(graph) }
    }

    /// Transients that have a value that is not read in its state, or no use.
    pub fn candidates(&self, graph: &Sdfg) -> BTreeSet<Name> {
        let used = used_containers(graph);
        let mut found: BTreeSet<Name> =
            graph.data.iter().filter(|(n, d)| d.transient && !used.contains(n)).map(|(n, _)| *n).collect();
        found.extend(self.last.iter().map(|w| w.0));
        found
    }
}

pub fn remove_block(graph: &mut Sdfg, block: BlockId, forwarding: &mut Forwarding) {
    if let Some((region, at)) = graph.body.parent_mut(block) {
        region.blocks.remove(at);
        forwarding.gone(Place::Block(block));
    }
}

/// Removes the computations of a transient that are not read, and the transient if nothing uses it then.
/// `reading` is of this graph.
pub fn eliminate(
    graph: &Sdfg,
    data: Name,
    reading: &Reading,
    forwarding: &mut Forwarding,
) -> Result<Sdfg, Refusal> {
    let mut refusal = None;
    let mut dead = vec![];
    for &(_, block, node) in reading.last.iter().filter(|w| w.0 == data) {
        match removable(graph, &reading.live, block, node, data) {
            Ok(()) => dead.push((block, node)),
            Err(r) => refusal = refusal.or(Some(r)),
        }
    }
    if let Some(refusal) = refusal.filter(|_| dead.is_empty()) {
        return Err(refusal);
    }
    let mut edited = graph.clone();
    for (block, node) in dead {
        remove_value(&mut edited, block, node, forwarding);
    }
    if uses_of(&edited, data) == 0 {
        edited.data.remove(&data);
    }
    Ok(edited)
}

fn removable(graph: &Sdfg, live: &Liveness, block: BlockId, node: NodeId, data: Name) -> Result<(), Refusal> {
    let state = graph.body.find(block).and_then(Block::state).expect("a state of the graph");
    // Inside a scope every iteration has its own; a later node of the same container reads it at most.
    let later = state.nodes().any(|(id, n)| {
        id != node && *n == Node::Access(data) && state.out_edges(id).iter().any(|e| e.memlet.is_some())
    });
    require("never-read", !later && !live.after(block, data), Place::Node(node), || {
        format!("'{data}' may be read later")
    })?;
    let dead = carrying(state, node);
    let shared = dead.iter().map(|e| state.edge(*e).src.node).find(|&source| {
        !matches!(state.node(source), Node::Access(_) | Node::MapEntry(_) | Node::MapExit(_))
            && state.out_edges(source).iter().any(|e| e.memlet.is_some() && !dead.contains(&e.id))
    });
    require("only-result", shared.is_none(), Place::Node(node), || {
        format!("what computes '{data}' has another result")
    })?;
    let facts = facts_at(graph, Place::Block(block));
    let fails = state.in_edges(node).into_iter().find(|edge| match state.node(edge.src.node) {
        Node::Library(library) => match &library.kind {
            LibraryKind::Reduce { axes, identity: None, .. } => {
                let input = state.in_edges(edge.src.node).into_iter().find_map(|e| e.memlet.as_ref());
                !input.is_some_and(|m| {
                    axes.iter().all(|&a| m.subset.0.get(a).is_some_and(|r| r.is_empty(&facts).is_no()))
                })
            }
            LibraryKind::Call(op) => op.failure().is_some(),
            LibraryKind::Foreign(_) => true,
            _ => false,
        },
        Node::Nested(nested) => stops(&nested.sdfg.body),
        Node::MapExit(map) => scope_may_fail(state, *map),
        _ => false,
    });
    require("cannot-fail", fails.is_none(), Place::Node(node), || {
        format!("what computes '{data}' may stop the program")
    })
}

/// Checks, and loops that may not end, inside a nested SDFG.
fn stops(region: &Region) -> bool {
    let mut found = false;
    region.walk(&mut |block| {
        found |= matches!(block.kind, BlockKind::Check { .. } | BlockKind::While { .. });
        if let Some(state) = block.state() {
            found |= state.nodes().any(|(_, n)| may_fail(n));
        }
    });
    found
}

fn may_fail(node: &Node) -> bool {
    match node {
        Node::Library(library) => match &library.kind {
            LibraryKind::Call(op) => op.failure().is_some(),
            LibraryKind::Reduce { identity, .. } => identity.is_none(),
            LibraryKind::MatMul { .. } => false,
            LibraryKind::Foreign(_) => true,
        },
        Node::Nested(nested) => stops(&nested.sdfg.body),
        _ => false,
    }
}

fn scope_may_fail(state: &StateGraph, map: MapId) -> bool {
    let Some(scopes) = Scopes::of(state) else { return true };
    state.nodes().any(|(id, n)| may_fail(n) && scopes.enclosing(id).contains(&map))
}

/// The edges that lead the value to its access node, from the tasklets and library nodes on.
fn carrying(state: &StateGraph, node: NodeId) -> BTreeSet<EdgeId> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Edge> = state.in_edges(node);
    while let Some(edge) = open.pop() {
        found.insert(edge.id);
        if let (Node::MapExit(_), Some(conn)) = (state.node(edge.src.node), edge.src.conn) {
            let partner = crate::nest::partner(conn);
            open.extend(state.in_edges(edge.src.node).into_iter().filter(|e| e.dst.conn == Some(partner)));
        }
    }
    found
}

/// Removes an access node that is not read, with everything that only computes it.
fn remove_value(graph: &mut Sdfg, block: BlockId, node: NodeId, forwarding: &mut Forwarding) {
    let state = graph.state_mut(block).expect("a state of the graph");
    let before: Vec<NodeId> = state.node_ids().collect();
    let maps: Vec<MapId> = state.maps().map(|(id, _)| id).collect();
    let mut open: Vec<Edge> = state.in_edges(node).into_iter().cloned().collect();
    state.remove_node(node);
    while let Some(edge) = open.pop() {
        state.remove_edge(edge.id);
        let source = edge.src.node;
        if !state.contains(source) {
            continue;
        }
        let unused = state.out_edges(source).is_empty();
        match state.node(source) {
            Node::Access(_) => {
                if unused && state.in_edges(source).is_empty() {
                    state.remove_node(source);
                }
            }
            Node::MapEntry(map) | Node::MapExit(map) => {
                let map = *map;
                let shared = state.out_edges(source).iter().any(|e| e.src.conn == edge.src.conn);
                if let Some(conn) = edge.src.conn.filter(|_| !shared) {
                    let partner = Some(crate::nest::partner(conn));
                    open.extend(
                        state.in_edges(source).into_iter().filter(|e| e.dst.conn == partner).cloned(),
                    );
                }
                if unused && *state.node(source) == Node::MapEntry(map) {
                    open.extend(state.in_edges(source).into_iter().cloned());
                    if let Some((entry, exit)) = state.map_nodes(map) {
                        state.remove_node(entry);
                        state.remove_node(exit);
                    }
                }
            }
            _ => {
                if !state.out_edges(source).iter().any(|e| e.memlet.is_some()) {
                    open.extend(state.in_edges(source).into_iter().cloned());
                    state.remove_node(source);
                }
            }
        }
    }
    for id in before.into_iter().filter(|id| !state.contains(*id)) {
        forwarding.gone(Place::Node(id));
    }
    for id in maps.into_iter().filter(|id| state.get_map(*id).is_none()) {
        forwarding.gone(Place::Map(id));
    }
}
