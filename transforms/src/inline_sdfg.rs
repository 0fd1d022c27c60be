//! InlineSDFG: the content of a nested SDFG moves to where the node is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_ir::Name;
use weft_ir::sdfg::{
    Block, BlockId, BlockKind, Edge, Guard, Memlet, Nested, Node, NodeId, Place, Port, Region, Scopes, Sdfg,
    StateGraph, Verified,
};
use weft_ir::symbolic::Expr;

use crate::rewrite::{Rewrite, defined_symbols};
use crate::{
    Category, Condition, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation,
    no_such_site, require,
};

pub struct InlineSDFG;

static INFO: Info = Info {
    name: "InlineSDFG",
    category: Category::Simplify,
    what: "Moves the content of a nested SDFG to where its node is.",
    why: "No transformation looks across the border of a nested SDFG.",
    conditions: &[
        Condition { id: "no-return", text: "nothing inside returns: a return ends the nested SDFG only" },
        Condition {
            id: "scalars-stay-scalars",
            text: "a scalar that a condition inside reads is a scalar outside",
        },
        Condition {
            id: "gathers-from-all",
            text: "what values pick elements of inside is the whole of a container outside",
        },
        Condition { id: "guards-hold", text: "the guards of the nested SDFG follow from those outside" },
        Condition { id: "one-state", text: "the node is alone in its state, or there is one state inside" },
        Condition {
            id: "one-way",
            text: "the node is alone in its state, or no container from outside is read where it is written, \
                   or copied to another one",
        },
    ],
    params: &[],
    before: "\
sdfg f(A: f64[N], B: f64[N])
  state s0
    nested call (N = N)
      in x = A[0:N]
      out B[0:N] = y
      sdfg inner(x: f64[N], y: f64[N])
        state s1
          map m0 [i = 0:N]
            t0: y[i] = x[i] * 2.0
",
    after: "\
sdfg f(A: f64[N], B: f64[N])
  state s1
    map m0 [i = 0:N]
      t0: B[i] = A[i] * 2.0
",
    keeps: Keeps::Exactly,
};

impl Transformation for InlineSDFG {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        candidates(graph)
            .into_iter()
            .map(|c| Site {
                label: c.label.to_string(),
                places: vec![Place::Node(c.node)],
                span: graph.state_of(c.node).and_then(|(_, g)| g.span(c.node)),
            })
            .collect()
    }

    fn plan(&self, graph: &Verified, site: &Site, _: &Settings) -> Result<Plan, Refusal> {
        let found = candidates(graph).into_iter().find(|c| site.places == [Place::Node(c.node)]);
        let mut forwarding = Forwarding::default();
        let edited = inline(graph, &found.ok_or_else(|| no_such_site(site))?, &mut forwarding)?;
        Plan::new(graph, edited, forwarding)
    }
}

/// A nested SDFG.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub label: Name,
    pub state: BlockId,
    pub node: NodeId,
}

pub fn candidates(graph: &Sdfg) -> Vec<Candidate> {
    let mut found = vec![];
    for (block, state) in graph.states() {
        for (id, node) in state.nodes() {
            if let Node::Nested(nested) = node {
                found.push(Candidate { label: nested.label, state: block.id, node: id });
            }
        }
    }
    found
}

pub fn inline(graph: &Sdfg, at: &Candidate, forwarding: &mut Forwarding) -> Result<Sdfg, Refusal> {
    let block = graph.body.find(at.state).expect("a block of the graph");
    let (label, state) = (block.label, block.state().expect("a state"));
    let Node::Nested(nested) = state.node(at.node) else { unreachable!("a nested SDFG") };
    let bound = bindings(state, at.node);
    check(graph, at, nested, &bound)?;
    let scopes = Scopes::of(state).expect("a verified state");
    let alone = scopes.parent(at.node).is_none()
        && state.nodes().all(|(id, n)| id == at.node || matches!(n, Node::Access(_)))
        && state.edges().all(|e| e.src.node == at.node || e.dst.node == at.node);
    let states: Vec<&Arc<Block>> =
        nested.sdfg.body.blocks.iter().filter(|b| !b.state().is_some_and(StateGraph::is_empty)).collect();
    let one = match states[..] {
        [only] => only.state(),
        _ => None,
    };
    require("one-state", alone || one.is_some(), Place::Node(at.node), || {
        format!("'{}' has more than one state and is not alone in '{}'", at.label, label)
    })?;
    let passing = one.and_then(|s| passing(s, nested));
    require("one-way", alone || passing.is_none(), Place::Node(at.node), || {
        let data = passing.map_or("", |n| n.as_str());
        format!("'{data}' is read where it is written in '{}', which is not alone in '{label}'", at.label)
    })?;
    let mut edited = graph.clone();
    let names = Names::new(graph, nested);
    let rewrite = Rewrite {
        symbol: &|n| names.symbols.get(&n).cloned(),
        defined: &|n| names.defined.get(&n).copied().unwrap_or(n),
        container: &|n| match bound.get(&n) {
            Some(memlet) => Some((memlet.data, Some(memlet.subset.clone()))),
            None => Some((*names.transients.get(&n)?, None)),
        },
        label: &|n| names.labels.get(&n).copied().unwrap_or(n),
    };
    for (name, data) in nested.sdfg.data.iter().filter(|(_, d)| d.transient) {
        let mut data = data.clone();
        for e in data.shape.iter_mut().chain(&mut data.strides) {
            *e = rewrite.expr(e);
        }
        edited.data.insert(names.transients[name], data);
    }
    if let Some(one) = one.filter(|_| !alone) {
        splice(&mut edited, at, rewrite.state(one), one, &bound, forwarding);
        for block in &nested.sdfg.body.blocks {
            forwarding.moved(Place::Block(block.id), Place::Block(at.state));
        }
        for id in one.node_ids().filter(|id| edited.state_of(*id).is_none()) {
            forwarding.gone(Place::Node(id));
        }
        // What was ordered by the node, or inside of it, still is.
        let inner = |id: NodeId| one.contains(id);
        crate::nest::repropagate_as(&mut edited, at.state, |a, b| match (inner(a), inner(b)) {
            (true, true) => one.reaches(a, b),
            (true, false) => state.contains(b) && state.reaches(at.node, b),
            (false, true) => state.contains(a) && state.reaches(a, at.node),
            (false, false) => state.contains(a) && state.contains(b) && state.reaches(a, b),
        });
    } else {
        whole(&mut edited, at, state, rewrite.region(&nested.sdfg.body), forwarding);
    }
    Ok(edited)
}

/// What each container from outside stands for.
fn bindings(state: &StateGraph, node: NodeId) -> BTreeMap<Name, Memlet> {
    let ins = state.in_edges(node).into_iter().filter_map(|e| Some((e.dst.conn?, e.memlet.clone()?)));
    let outs = state.out_edges(node).into_iter().filter_map(|e| Some((e.src.conn?, e.memlet.clone()?)));
    ins.chain(outs).collect()
}

fn check(
    graph: &Sdfg,
    at: &Candidate,
    nested: &Nested,
    bound: &BTreeMap<Name, Memlet>,
) -> Result<(), Refusal> {
    let here = Place::Node(at.node);
    let mut returns = None;
    let mut read: BTreeSet<Name> = BTreeSet::new();
    nested.sdfg.body.walk(&mut |block| match &block.kind {
        BlockKind::Return => returns = returns.or(Some(block.label)),
        BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => read.extend(cond.vars()),
        BlockKind::Conditional { branches, .. } => branches.iter().for_each(|(c, _)| read.extend(c.vars())),
        BlockKind::Assign { value, .. } => read.extend(value.vars()),
        _ => {}
    });
    require("no-return", returns.is_none(), here, || {
        format!("'{}' returns from '{}'", returns.expect("a return"), at.label)
    })?;
    let element = read.iter().find_map(|n| bound.get(n)).filter(|m| !graph.data[&m.data].is_scalar());
    require("scalars-stay-scalars", element.is_none(), here, || {
        let memlet = element.expect("an element");
        format!("a condition in '{}' reads {}[{}]", at.label, memlet.data, memlet.subset)
    })?;
    let part = gathered(&nested.sdfg)
        .into_iter()
        .filter_map(|name| bound.get(&name))
        .find(|m| m.subset != graph.data[&m.data].full_subset());
    require("gathers-from-all", part.is_none(), here, || {
        let memlet = part.expect("a part");
        format!("values pick elements of {}[{}] in '{}'", memlet.data, memlet.subset, at.label)
    })?;
    let facts = weft_ir::analysis::facts_at(graph, here);
    let outer = |e: &Expr| e.subst(&|n| nested.symbols.get(&n).cloned());
    let open = nested.sdfg.guards.iter().find(|g| match g {
        Guard::NonNegative(e) => !facts.nonneg(&outer(e)).is_yes(),
        Guard::Zero(e) => !facts.eq(&outer(e), &Expr::zero()).is_yes(),
    });
    require("guards-hold", open.is_none(), here, || {
        let text = match open {
            Some(Guard::NonNegative(e)) => format!("{} >= 0", outer(e)),
            Some(Guard::Zero(e)) => format!("{} == 0", outer(e)),
            None => String::new(),
        };
        format!("'{}' relies on {text}", at.label)
    })
}

/// Containers of which values pick elements.
fn gathered(sdfg: &Sdfg) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    for (_, state) in sdfg.states() {
        let picked = state.edges().filter(|e| crate::nest::gathers(state, e));
        found.extend(picked.filter_map(|e| Some(e.memlet.as_ref()?.data)));
    }
    found
}

/// A container from outside that is read and written at one access node, or copied to another one.
fn passing(state: &StateGraph, nested: &Nested) -> Option<Name> {
    let outer = |n: &Node| matches!(n, Node::Access(d) if !nested.sdfg.data[d].transient);
    let scopes = Scopes::of(state).expect("a verified state");
    state.nodes().find_map(|(id, node)| {
        let Node::Access(data) = node else { return None };
        if !outer(node) {
            return None;
        }
        let (ins, outs) = (state.in_edges(id), state.out_edges(id));
        let far = ins.iter().map(|e| e.src.node).chain(outs.iter().map(|e| e.dst.node));
        let fits = (ins.is_empty() || outs.is_empty())
            && scopes.parent(id).is_none()
            && far.into_iter().all(|n| !outer(state.node(n)))
            && ins.iter().chain(&outs).all(|e| e.memlet.is_some());
        (!fits).then_some(*data)
    })
}

/// New names for what the nested SDFG defines, where the graph has them already.
struct Names {
    symbols: BTreeMap<Name, Expr>,
    defined: BTreeMap<Name, Name>,
    transients: BTreeMap<Name, Name>,
    labels: BTreeMap<Name, Name>,
}

impl Names {
    fn new(graph: &Sdfg, nested: &Nested) -> Names {
        let taken: RefCell<BTreeSet<Name>> = RefCell::new(all_names(graph));
        let unique = |name: Name| {
            let fresh = Name::fresh(name.as_str(), |n| taken.borrow().contains(&n));
            taken.borrow_mut().insert(fresh);
            (name, fresh)
        };
        let mut labels = BTreeSet::new();
        nested.sdfg.body.walk(&mut |block| {
            labels.insert(block.label);
            if let Some(state) = block.state() {
                labels.extend(state.maps().map(|(_, m)| m.label));
                labels.extend(state.nodes().filter_map(|(_, n)| match n {
                    Node::Tasklet(t) => Some(t.label),
                    Node::Nested(n) => Some(n.label),
                    Node::Library(l) => Some(l.label),
                    _ => None,
                }));
            }
        });
        let transients =
            nested.sdfg.data.iter().filter(|(_, d)| d.transient).map(|(n, _)| unique(*n)).collect();
        let defined = defined_symbols(&nested.sdfg.body).into_iter().map(unique).collect();
        Names {
            symbols: nested.symbols.clone(),
            defined,
            transients,
            labels: labels.into_iter().map(unique).collect(),
        }
    }
}

fn all_names(graph: &Sdfg) -> BTreeSet<Name> {
    let mut found: BTreeSet<Name> = graph.data.keys().chain(graph.symbols.keys()).copied().collect();
    found.extend(defined_symbols(&graph.body));
    graph.body.walk(&mut |block| {
        found.insert(block.label);
        let Some(state) = block.state() else { return };
        found.extend(state.maps().map(|(_, m)| m.label));
        found.extend(state.nodes().filter_map(|(_, n)| match n {
            Node::Tasklet(t) => Some(t.label),
            Node::Nested(n) => Some(n.label),
            Node::Library(l) => Some(l.label),
            _ => None,
        }));
    });
    found
}

/// The blocks of the nested SDFG in place of the state that only has its node.
fn whole(edited: &mut Sdfg, at: &Candidate, state: &StateGraph, region: Region, forwarding: &mut Forwarding) {
    for id in state.node_ids() {
        forwarding.gone(Place::Node(id));
    }
    forwarding.gone(Place::Block(at.state));
    let (outer, position) = edited.body.parent_mut(at.state).expect("a block of the graph");
    outer.blocks.splice(position..=position, region.blocks);
}

/// The nodes of the only state inside in place of the node.
fn splice(
    edited: &mut Sdfg,
    at: &Candidate,
    inner: StateGraph,
    original: &StateGraph,
    bound: &BTreeMap<Name, Memlet>,
    forwarding: &mut Forwarding,
) {
    let state = edited.state_mut(at.state).expect("a state of the graph");
    let ins: Vec<Edge> = state.in_edges(at.node).into_iter().cloned().collect();
    let outs: Vec<Edge> = state.out_edges(at.node).into_iter().cloned().collect();
    state.remove_node(at.node);
    for (id, map) in inner.maps() {
        state.insert_map(id, map.clone());
    }
    let from_outside = |id: NodeId| match original.node(id) {
        Node::Access(data) => bound.get(data).map(|_| *data),
        _ => None,
    };
    for (id, node) in inner.nodes().filter(|(id, _)| from_outside(*id).is_none()) {
        state.insert_node(id, node.clone(), inner.span(id));
    }
    for edge in inner.edges() {
        let mut edge = edge.clone();
        if let Some(data) = from_outside(edge.src.node) {
            let Some(outer) = ins.iter().find(|e| e.dst.conn == Some(data)) else { continue };
            edge.src = outer.src;
        }
        if let Some(data) = from_outside(edge.dst.node) {
            let Some(outer) = outs.iter().find(|e| e.src.conn == Some(data)) else { continue };
            edge.dst = outer.dst;
            // A copy that now leaves a scope names the container outside.
            if matches!(state.node(edge.dst.node), Node::MapExit(_))
                && let Some(memlet) = &mut edge.memlet
                && let Some(other) = memlet.other.take()
            {
                let local = std::mem::replace(&mut memlet.subset, other);
                memlet.other = Some(local);
                memlet.data = bound[&data].data;
            }
        }
        state.insert_edge(edge);
    }
    order(state, &ins, &outs, &inner);
    forwarding.gone(Place::Node(at.node));
}

/// Nodes that have lost all edges on one side stay in their scope; what the node was ordered after
/// or before stays so.
fn order(state: &mut StateGraph, ins: &[Edge], outs: &[Edge], inner: &StateGraph) {
    let entry = ins.iter().map(|e| e.src.node).find(|n| matches!(state.node(*n), Node::MapEntry(_)));
    let exit = outs.iter().map(|e| e.dst.node).find(|n| matches!(state.node(*n), Node::MapExit(_)));
    let moved: Vec<NodeId> = inner.node_ids().filter(|id| state.contains(*id)).collect();
    let first: Vec<NodeId> = moved.iter().copied().filter(|id| state.in_edges(*id).is_empty()).collect();
    let last: Vec<NodeId> = moved.iter().copied().filter(|id| state.out_edges(*id).is_empty()).collect();
    for id in &first {
        if let Some(entry) = entry {
            state.connect(entry, *id, None);
        }
    }
    for id in &last {
        if let Some(exit) = exit {
            state.connect(*id, exit, None);
        }
    }
    // Connectors of entries and exits that nothing uses inside go.
    for edge in ins {
        close(state, edge.src, true);
    }
    for edge in outs {
        close(state, edge.dst, false);
    }
}

fn close(state: &mut StateGraph, port: Port, entry: bool) {
    let Some(conn) = port.conn else { return };
    if !state.contains(port.node) {
        return;
    }
    let used = if entry {
        state.out_edges(port.node).iter().any(|e| e.src.conn == Some(conn))
    } else {
        state.in_edges(port.node).iter().any(|e| e.dst.conn == Some(conn))
    };
    if used {
        return;
    }
    let partner = Some(crate::nest::partner(conn));
    let edges: Vec<Edge> = if entry { state.in_edges(port.node) } else { state.out_edges(port.node) }
        .into_iter()
        .filter(|e| if entry { e.dst.conn == partner } else { e.src.conn == partner })
        .cloned()
        .collect();
    for edge in edges {
        state.remove_edge(edge.id);
        let far = if entry { edge.src } else { edge.dst };
        if matches!(state.node(far.node), Node::Access(_)) {
            if state.in_edges(far.node).is_empty() && state.out_edges(far.node).is_empty() {
                state.remove_node(far.node);
            }
        } else {
            close(state, far, entry);
        }
    }
}
