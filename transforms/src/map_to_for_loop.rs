//! MapToForLoop: a map becomes loops around states.

use std::collections::BTreeSet;
use std::sync::Arc;

use weft_ir::Name;
use weft_ir::sdfg::{
    Block, BlockId, BlockKind, Edge, Lifetime, MapId, Memlet, Node, NodeId, Paths, Place, Region, Scopes,
    Sdfg, StateGraph, Verified,
};

use crate::nest::partner;
use crate::rewrite::dynamic_inputs;
use crate::{
    Category, Condition, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation,
    no_such_site, require,
};

pub struct MapToForLoop;

static INFO: Info = Info {
    name: "MapToForLoop",
    category: Category::Loop,
    what: "Turns a map into loops, one for each parameter, around a state with its body. The state is split \
           before and after the map.",
    why: "To fix the order of the iterations, or to work on the body's states and loops alone.",
    conditions: &[
        Condition { id: "outermost", text: "no other map is around the map" },
        Condition { id: "known-ranges", text: "no range takes a value from a container" },
    ],
    params: &[],
    before: "\
sdfg f(A: f64[N], B: f64[N])
  state s0
    map m0 [i = 0:N]
      t0: B[i] = A[i] * 2.0
",
    after: "\
sdfg f(A: f64[N], B: f64[N])
  loop i = 0:N @m0
    state m0_body
      t0: B[i] = A[i] * 2.0
",
    keeps: Keeps::UpToRounding,
};

impl Transformation for MapToForLoop {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        crate::nest::map_sites(graph, |_, _| true)
    }

    fn plan(&self, graph: &Verified, site: &Site, _: &Settings) -> Result<Plan, Refusal> {
        let [Place::Map(map)] = site.places[..] else { return Err(no_such_site(site)) };
        let Some((block, state)) = graph.states().into_iter().find(|(_, s)| s.get_map(map).is_some()) else {
            return Err(no_such_site(site));
        };
        let scopes = Scopes::of(state).expect("a verified state");
        let (entry, _) = state.map_nodes(map).expect("a verified map");
        let label = state.map(map).label;
        require("outermost", scopes.around(map).is_none(), Place::Map(map), || {
            let outer = scopes.around(map).map_or(label, |m| state.map(m).label);
            format!("'{label}' is inside of '{outer}'")
        })?;
        require("known-ranges", dynamic_inputs(state, entry).is_empty(), Place::Map(map), || {
            format!("a range of '{label}' takes its value from a container")
        })?;
        let mut forwarding = Forwarding::default();
        let edited = edit(graph, block, state, &scopes, map, &mut forwarding);
        Plan::new(graph, edited, forwarding)
    }
}

fn edit(
    graph: &Sdfg,
    block: &Block,
    state: &StateGraph,
    scopes: &Scopes,
    map: MapId,
    forwarding: &mut Forwarding,
) -> Sdfg {
    let (entry, exit) = state.map_nodes(map).expect("a verified map");
    let description = state.map(map).clone();
    let order = Paths::of(state).expect("a verified state");
    let inside: BTreeSet<NodeId> =
        state.node_ids().filter(|id| scopes.enclosing(*id).contains(&map)).collect();
    let rest = |id: &NodeId| !inside.contains(id) && *id != entry && *id != exit;
    let after: BTreeSet<NodeId> =
        state.node_ids().filter(|id| rest(id) && order.reaches(exit, *id)).collect();
    let before: BTreeSet<NodeId> = state.node_ids().filter(|id| rest(id) && !after.contains(id)).collect();
    let body = body(state, &inside, entry, exit);
    let before = part(state, &before);
    let after = part(state, &after);
    // A container that was private to the iterations still is: a loop keeps it for the whole call, and
    // each iteration writes before it reads.
    let mut edited = graph.clone();
    for (_, node) in body.nodes() {
        if let Node::Access(name) = node
            && let Some(data) = edited.data.get_mut(name).filter(|d| d.transient)
        {
            data.lifetime = Lifetime::Scope;
        }
    }
    let label = graph.fresh(&format!("{}_body", description.label));
    let inner = Block::new(label, BlockKind::State(body), block.span);
    let body_id = inner.id;
    let mut region = Region { blocks: vec![Arc::new(inner)] };
    let mut outermost = body_id;
    for (at, (var, range)) in description.params.iter().enumerate().rev() {
        let label =
            if at == 0 { description.label } else { graph.fresh(&format!("{}_{var}", description.label)) };
        let kind = BlockKind::Loop { var: *var, range: range.clone(), body: region };
        let outer = Block::new(label, kind, state.span(entry).or(block.span));
        outermost = outer.id;
        region = Region { blocks: vec![Arc::new(outer)] };
    }
    let mut blocks = vec![];
    let mut old = Some((block.id, block.label));
    let mut targets = vec![];
    for (graph_part, is_loop) in [(before, false), (StateGraph::new(), true), (after, false)] {
        if is_loop {
            blocks.append(&mut region.blocks);
            targets.push(outermost);
        } else if !graph_part.is_empty() {
            let (id, label) = old
                .take()
                .unwrap_or_else(|| (BlockId::new(), graph.fresh(&format!("{}_after", block.label))));
            blocks.push(Arc::new(Block { id, label, span: block.span, kind: BlockKind::State(graph_part) }));
            targets.push(id);
        }
    }
    forwarding.0.insert(Place::Block(block.id), targets.into_iter().map(Place::Block).collect());
    forwarding.moved(Place::Map(map), Place::Block(outermost));
    forwarding.moved(Place::Node(entry), Place::Block(outermost));
    forwarding.moved(Place::Node(exit), Place::Block(outermost));
    let (outer, at) = edited.body.parent_mut(block.id).expect("a block of the graph");
    outer.blocks.splice(at..=at, blocks);
    for id in state.node_ids().filter(|id| edited.state_of(*id).is_none() && *id != entry && *id != exit) {
        forwarding.gone(Place::Node(id));
    }
    edited
}

/// The nodes inside of the map, with an access node for each one that led there from outside.
fn body(state: &StateGraph, inside: &BTreeSet<NodeId>, entry: NodeId, exit: NodeId) -> StateGraph {
    let mut out = part_with(state, inside, |_| false);
    let mut reads: Vec<(Name, NodeId)> = vec![];
    let mut writes: Vec<(Name, NodeId)> = vec![];
    let access = |out: &mut StateGraph, known: &mut Vec<(Name, NodeId)>, data: Name| {
        if let Some((_, id)) = known.iter().find(|k| k.0 == data) {
            return *id;
        }
        let id = out.add_node(Node::Access(data), None);
        known.push((data, id));
        id
    };
    for edge in state.out_edges(entry) {
        let (Some(conn), Some(memlet)) = (edge.src.conn, &edge.memlet) else { continue };
        let far = outer_end(state, entry, conn).unwrap_or(memlet.data);
        let id = access(&mut out, &mut reads, far);
        let memlet = copy_memlet(state.node(edge.dst.node), memlet, true, inside_shape(state, edge.dst.node));
        out.insert_edge(Edge { src: id.into(), memlet: Some(memlet), ..edge.clone() });
    }
    for edge in state.in_edges(exit) {
        let (Some(conn), Some(memlet)) = (edge.dst.conn, &edge.memlet) else { continue };
        let far = outer_end(state, exit, conn).unwrap_or(memlet.data);
        let id = access(&mut out, &mut writes, far);
        let memlet =
            copy_memlet(state.node(edge.src.node), memlet, false, inside_shape(state, edge.src.node));
        out.insert_edge(Edge { dst: id.into(), memlet: Some(memlet), ..edge.clone() });
    }
    out
}

fn inside_shape(state: &StateGraph, node: NodeId) -> Option<Name> {
    match state.node(node) {
        Node::Access(name) => Some(*name),
        _ => None,
    }
}

/// The container at the other side of an entry or exit.
fn outer_end(state: &StateGraph, scope: NodeId, conn: Name) -> Option<Name> {
    let partner = Some(partner(conn));
    let ins = state.in_edges(scope).into_iter().find(|e| e.dst.conn == partner).map(|e| e.src.node);
    let outs = state.out_edges(scope).into_iter().find(|e| e.src.conn == partner).map(|e| e.dst.node);
    inside_shape(state, ins.or(outs)?)
}

/// A copy that led through the entry or exit now leads directly from access node to access node.
fn copy_memlet(local: &Node, memlet: &Memlet, reads: bool, name: Option<Name>) -> Memlet {
    match (local, name, &memlet.other) {
        (Node::Access(_), Some(name), Some(other)) if !reads => {
            Memlet { data: name, subset: other.clone(), other: Some(memlet.subset.clone()), ..memlet.clone() }
        }
        _ => memlet.clone(),
    }
}

/// Some nodes at the top of a state, with the access nodes that they share with the others.
fn part(state: &StateGraph, nodes: &BTreeSet<NodeId>) -> StateGraph {
    part_with(state, nodes, |n| matches!(n, Node::Access(_)))
}

fn part_with(state: &StateGraph, nodes: &BTreeSet<NodeId>, shared: impl Fn(&Node) -> bool) -> StateGraph {
    let mut out = StateGraph::new();
    for &id in nodes {
        if let Node::MapEntry(map) = state.node(id) {
            out.insert_map(*map, state.map(*map).clone());
        }
        out.insert_node(id, state.node(id).clone(), state.span(id));
    }
    let mut copies = std::collections::BTreeMap::new();
    for edge in state.edges() {
        let (from, to) = (nodes.contains(&edge.src.node), nodes.contains(&edge.dst.node));
        if from && to {
            out.insert_edge(edge.clone());
        } else if to && shared(state.node(edge.src.node)) && edge.memlet.is_some() {
            let id = *copies.entry(edge.src.node).or_insert_with(|| {
                out.add_node(state.node(edge.src.node).clone(), state.span(edge.src.node))
            });
            let mut edge = Edge { ..edge.clone() };
            edge.src.node = id;
            out.insert_edge(edge);
        }
    }
    // Access nodes that only led to the map.
    let idle: Vec<NodeId> = out
        .node_ids()
        .filter(|id| out.in_edges(*id).is_empty() && out.out_edges(*id).is_empty())
        .filter(|id| matches!(out.node(*id), Node::Access(_)))
        .collect();
    idle.into_iter().for_each(|id| out.remove_node(id));
    out
}
