//! MapFusion: the producer of an intermediate array moves into its consumer.

use std::collections::BTreeMap;

use weft_ir::Name;
use weft_ir::analysis::{Carried, carried_between};
use weft_ir::sdfg::{
    BlockId, Data, Edge, MapId, Memlet, Node, NodeId, Place, Port, Scopes, Sdfg, StateGraph, Verified,
};
use weft_ir::symbolic::Expr;

use crate::nest::{accessed, fresh, owned, partner, repropagate_map, site};
use crate::{
    Category, Condition, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation,
    no_such_site, require,
};

pub struct MapFusion;

static INFO: Info = Info {
    name: "MapFusion",
    category: Category::Map,
    what: "Computes the elements of an intermediate array where they are used, and drops the array.",
    why: "The array is neither written to memory nor read back: for NumPy expressions, where every operation \
          makes an array, this is most of the traffic. An element that the consumer reads at several offsets \
          is computed once for each.",
    conditions: &[
        Condition {
            id: "intermediate-is-transient",
            text: "the array between the maps is a transient that nothing else reads or writes",
        },
        Condition { id: "producer-has-one-result", text: "the first map writes nothing but that array" },
        Condition { id: "flat-producer", text: "the first map holds no map and no nested SDFG" },
        Condition { id: "read-by-tasklets", text: "the second map reads the array in tasklets" },
        Condition { id: "read-at-indices", text: "no value picks the element that the second map reads" },
        Condition {
            id: "element-for-element",
            text: "each iteration of the first map writes one element that tells the iteration, without conflict resolution",
        },
        Condition {
            id: "reads-before-writes",
            text: "nothing that the first map reads is written by another iteration of the second one",
        },
        Condition {
            id: "no-write-between",
            text: "nothing that the first map reads is overwritten before the second one starts",
        },
    ],
    params: &[],
    before: "\
sdfg axpy(x: f64[N], y: f64[N])
  transient tmp: f64[N]
  state s0
    map m0 [i = 0:N]
      mul: tmp[i] = 2.0 * x[i]
    map m1 [j = 0:N]
      add: y[j] = tmp[j] + 1.0
",
    after: "\
sdfg axpy(x: f64[N], y: f64[N])
  transient tmp_0: f64
  state s0
    map m1 [j = 0:N]
      mul: tmp_0 = 2.0 * x[j]
      add: y[j] = tmp_0 + 1.0
",
    keeps: Keeps::Exactly,
};

/// Two maps with an array between them.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    block: BlockId,
    pub first: MapId,
    pub second: MapId,
    access: NodeId,
    data: Name,
}

impl Transformation for MapFusion {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        candidates(graph)
            .into_iter()
            .map(|p| {
                let state = graph.state_of(p.access).expect("found there").1;
                let mut found =
                    site(state, &[(p.first, state.map(p.first)), (p.second, state.map(p.second))]);
                found.places.push(Place::Node(p.access));
                found
            })
            .collect()
    }

    fn plan(&self, graph: &Verified, site: &Site, _: &Settings) -> Result<Plan, Refusal> {
        let parts = candidates(graph)
            .into_iter()
            .find(|p| [Place::Map(p.first), Place::Map(p.second)] == site.places[..2.min(site.places.len())])
            .ok_or_else(|| no_such_site(site))?;
        let (edited, forwarding) = fuse(graph, &parts)?;
        Plan::new(graph, edited, forwarding)
    }
}

/// Checks every condition and fuses; the result is still to be verified.
pub fn fuse(graph: &Sdfg, parts: &Candidate) -> Result<(Sdfg, Forwarding), Refusal> {
    let state = graph.state_of(parts.access).expect("found there").1;
    let reads = check(graph, state, parts)?;
    let mut edited = crate::editable(graph);
    let forwarding = move_in(&mut edited, parts, &reads);
    repropagate_map(&mut edited, parts.block, parts.second);
    Ok((edited, forwarding))
}

/// The label of the site: those of both maps.
pub fn label(graph: &Sdfg, at: &Candidate) -> String {
    let state = graph.state_of(at.access).expect("found there").1;
    format!("{}, {}", state.map(at.first).label, state.map(at.second).label)
}

/// Map exit -> access node -> map entry, in the same scope.
pub fn candidates(graph: &Sdfg) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = vec![];
    for (block, state) in graph.states() {
        for (access, node) in state.nodes() {
            let Some(data) = accessed(node) else { continue };
            for into in state.in_edges(access) {
                let Node::MapExit(first) = *state.node(into.src.node) else { continue };
                for out in state.out_edges(access) {
                    let Node::MapEntry(second) = *state.node(out.dst.node) else { continue };
                    let known = found.iter().any(|p| p.first == first && p.second == second);
                    if into.memlet.is_some() && out.memlet.is_some() && !known {
                        found.push(Candidate { block: block.id, first, second, access, data });
                    }
                }
            }
        }
    }
    found
}

/// One read of the intermediate in the consumer, and the producer's iteration that makes it.
struct Read {
    edge: Edge,
    /// Producer parameter -> expression in the consumer's parameters.
    iteration: BTreeMap<Name, Expr>,
}

fn check(graph: &Sdfg, state: &StateGraph, parts: &Candidate) -> Result<Vec<Read>, Refusal> {
    let (first, second) = (state.map(parts.first), state.map(parts.second));
    let (entry, exit) = state.map_nodes(parts.first).expect("a map has two nodes");
    let (second_entry, second_exit) = state.map_nodes(parts.second).expect("a map has two nodes");
    let place = Place::Node(parts.access);
    let nodes = state.nodes().filter(|(_, n)| accessed(n) == Some(parts.data)).count();
    let private = graph.data[&parts.data].transient && crate::uses_of(graph, parts.data) == 1 && nodes == 1;
    let alone = state.in_edges(parts.access).iter().all(|e| e.src.node == exit)
        && state.out_edges(parts.access).iter().all(|e| e.dst.node == second_entry);
    require("intermediate-is-transient", private && alone, place, || {
        let why = if !graph.data[&parts.data].transient { "visible outside" } else { "used elsewhere too" };
        format!("'{}', between '{}' and '{}', is {why}", parts.data, first.label, second.label)
    })?;
    let others: Vec<Name> = state
        .out_edges(exit)
        .iter()
        .filter(|e| e.dst.node != parts.access)
        .filter_map(|e| e.memlet.as_ref().map(|m| m.data))
        .collect();
    require("producer-has-one-result", others.is_empty(), Place::Map(parts.first), || {
        format!("'{}' also writes '{}'", first.label, others.first().map_or("", |n| n.as_str()))
    })?;
    let scopes = Scopes::of(state).expect("verified");
    let body = crate::nest::inside(state, &scopes, parts.first);
    let scope = body.iter().find_map(|&n| match state.node(n) {
        Node::MapEntry(map) => Some(state.map(*map).label),
        Node::Nested(nested) => Some(nested.label),
        _ => None,
    });
    let stem = state
        .in_edges(second_entry)
        .into_iter()
        .find(|e| e.src.node == parts.access)
        .and_then(|e| e.dst.conn);
    let leads: Vec<Edge> = owned(state.out_edges(second_entry))
        .into_iter()
        .filter(|e| e.src.conn.is_some() && e.src.conn == stem.map(partner))
        .collect();
    let direct = leads.iter().all(|e| matches!(state.node(e.dst.node), Node::Tasklet(_)));
    require("flat-producer", scope.is_none(), Place::Map(parts.first), || {
        format!("'{}' holds '{}'", first.label, scope.map_or("", |n| n.as_str()))
    })?;
    require("read-by-tasklets", direct && !leads.is_empty(), Place::Map(parts.second), || {
        format!("'{}' is read by more than tasklets in '{}'", parts.data, second.label)
    })?;
    let gathered = leads.iter().any(|e| crate::nest::gathers(state, e));
    require("read-at-indices", !gathered, Place::Map(parts.second), || {
        format!("'{}' picks elements of '{}' by values", second.label, parts.data)
    })?;
    let reads = match_iterations(state, parts, exit, leads)?;
    check_dependence(graph, state, parts, &reads, entry, second_exit)?;
    Ok(reads)
}

/// For every read, the iteration of the producer that wrote the element.
fn match_iterations(
    state: &StateGraph,
    parts: &Candidate,
    exit: NodeId,
    leads: Vec<Edge>,
) -> Result<Vec<Read>, Refusal> {
    let first = state.map(parts.first);
    let writes: Vec<&Memlet> = state
        .in_edges(exit)
        .into_iter()
        .filter_map(|e| e.memlet.as_ref())
        .filter(|m| m.data == parts.data)
        .collect();
    let written = writes.first().map(|&m| m.clone());
    let indices = written.as_ref().filter(|m| m.wcr.is_none()).and_then(|m| m.subset.is_index());
    let names: Vec<Name> = first.params.iter().map(|p| p.0).collect();
    // Dimension of the array -> (parameter, sign, constant): index = sign * parameter + constant.
    let solved: Option<Vec<Option<(Name, i64, Expr)>>> = indices.as_ref().and_then(|indices| {
        indices
            .iter()
            .map(|index| {
                let (factors, rest) = index.linear(&names)?;
                let used: Vec<usize> = (0..names.len()).filter(|&k| factors[k] != 0).collect();
                match used[..] {
                    [] => Some(None),
                    [k] if factors[k].abs() == 1 => Some(Some((names[k], factors[k], rest))),
                    _ => None,
                }
            })
            .collect()
    });
    let complete = |dims: &Vec<Option<(Name, i64, Expr)>>| {
        names.iter().all(|n| dims.iter().flatten().filter(|d| d.0 == *n).count() == 1)
    };
    let solved = solved.filter(|dims| writes.len() == 1 && complete(dims));
    let text = || match &written {
        Some(m) if m.wcr.is_some() => {
            format!("'{}' writes '{}' with conflict resolution", first.label, parts.data)
        }
        Some(m) => format!(
            "the element {}[{}] that '{}' writes does not tell its iteration",
            parts.data, m.subset, first.label
        ),
        None => format!("'{}' writes nothing", first.label),
    };
    require("element-for-element", solved.is_some(), Place::Map(parts.first), text)?;
    // Only with the condition switched off in a test: pretend that iterations correspond by position.
    let second: Vec<Name> = state.map(parts.second).params.iter().map(|p| p.0).collect();
    let by_position: BTreeMap<Name, Expr> =
        names.iter().zip(second.iter().cycle()).map(|(&p, &q)| (p, Expr::sym(q))).collect();
    Ok(leads
        .into_iter()
        .map(|edge| {
            let at = edge.memlet.as_ref().and_then(|m| m.subset.is_index()).unwrap_or_default();
            let iteration = match &solved {
                Some(dims) => dims
                    .iter()
                    .zip(&at)
                    .filter_map(|(dim, index)| {
                        let (name, sign, rest) = dim.as_ref()?;
                        Some((*name, &(index - rest) * *sign))
                    })
                    .collect(),
                None => by_position.clone(),
            };
            Read { edge, iteration }
        })
        .collect())
}

/// The producer's reads, at their new place in the consumer, against writes there and between.
fn check_dependence(
    graph: &Sdfg,
    state: &StateGraph,
    parts: &Candidate,
    reads: &[Read],
    entry: NodeId,
    second_exit: NodeId,
) -> Result<(), Refusal> {
    let (first, second) = (state.map(parts.first), state.map(parts.second));
    let mut facts = graph.assumptions();
    crate::facts_around(graph, parts.block, &mut facts);
    let scopes = Scopes::of(state).expect("verified");
    for (name, range) in scopes.params(state, entry) {
        facts.assume_in(name, &range);
    }
    let consumer_writes: Vec<Memlet> =
        state.in_edges(second_exit).iter().filter_map(|e| e.memlet.clone()).collect();
    for edge in state.out_edges(entry) {
        let Some(memlet) = &edge.memlet else { continue };
        for read in reads {
            let moved = memlet.subst(&|n| read.iteration.get(&n).cloned());
            for write in consumer_writes.iter().filter(|w| w.data == moved.data) {
                let answer = carried_between(&second.params, &moved.subset, &write.subset, &facts);
                require(
                    "reads-before-writes",
                    matches!(answer, Carried::No),
                    Place::Map(parts.second),
                    || {
                        let how = match &answer {
                            Carried::Yes(witness) if !memlet.dynamic => format!(": {witness}"),
                            _ => " (it cannot be shown that they are apart)".to_string(),
                        };
                        format!(
                            "'{}' reads {}[{}] and '{}' writes {}[{}] in another iteration{how}",
                            first.label, moved.data, memlet.subset, second.label, write.data, write.subset
                        )
                    },
                )?;
            }
        }
    }
    // What has to wait for the producer's reads will wait for the consumer, if it can.
    let (_, exit) = state.map_nodes(parts.first).expect("a map has two nodes");
    let (second_entry, _) = state.map_nodes(parts.second).expect("a map has two nodes");
    let waiting = state
        .out_edges(exit)
        .into_iter()
        .map(|e| e.dst.node)
        .find(|&node| node != parts.access && state.reaches(node, second_entry));
    require("no-write-between", waiting.is_none(), Place::Map(parts.first), || {
        format!("'{}' reads what is overwritten before '{}' starts", first.label, second.label)
    })
}

/// Puts a copy of the producer's body into the consumer for every distinct iteration read.
fn move_in(edited: &mut Sdfg, parts: &Candidate, reads: &[Read]) -> Forwarding {
    let mut forwarding = Forwarding::default();
    let mut groups: Vec<(BTreeMap<Name, Expr>, Vec<Edge>)> = vec![];
    for read in reads {
        match groups.iter_mut().find(|g| g.0 == read.iteration) {
            Some(group) => group.1.push(read.edge.clone()),
            None => groups.push((read.iteration.clone(), vec![read.edge.clone()])),
        }
    }
    let dtype = edited.data[&parts.data].dtype;
    for (k, (iteration, edges)) in groups.into_iter().enumerate() {
        let local = fresh(edited, &[], &format!("{}_0", parts.data));
        edited.data.insert(local, Data::scalar(dtype, true));
        let (copies, result) = copy_body(edited, parts, &iteration, k > 0, local, &mut forwarding);
        let state = edited.state_mut(parts.block).expect("state of the site");
        for edge in edges {
            state.remove_edge(edge.id);
            state.connect(result, edge.dst, Memlet::element(local, vec![]));
        }
        read_before_write(state, &copies, parts.second);
    }
    remove_producer(edited, parts, &mut forwarding);
    forwarding
}

/// The producer read before the consumer wrote: in each iteration too.
fn read_before_write(state: &mut StateGraph, copies: &[NodeId], second: MapId) {
    let (entry, exit) = state.map_nodes(second).expect("a map has two nodes");
    for &copy in copies {
        let reads: Vec<Name> = state
            .in_edges(copy)
            .iter()
            .filter(|e| e.src.node == entry)
            .filter_map(|e| e.memlet.as_ref().map(|m| m.data))
            .collect();
        for write in owned(state.in_edges(exit)) {
            let touches = write.memlet.as_ref().is_some_and(|m| reads.contains(&m.data));
            if touches && !state.reaches(copy, write.src.node) && !state.reaches(write.src.node, copy) {
                state.connect(copy, write.src.node, None);
            }
        }
    }
}

/// The copied nodes, and the local access node that holds their result.
fn copy_body(
    edited: &mut Sdfg,
    parts: &Candidate,
    iteration: &BTreeMap<Name, Expr>,
    rename: bool,
    local: Name,
    forwarding: &mut Forwarding,
) -> (Vec<NodeId>, NodeId) {
    let state = edited.state_of(parts.access).expect("state of the site").1.clone();
    let scopes = Scopes::of(&state).expect("verified");
    let (entry, exit) = state.map_nodes(parts.first).expect("a map has two nodes");
    let (target, _) = state.map_nodes(parts.second).expect("a map has two nodes");
    let subst = |n: Name| iteration.get(&n).cloned();
    let mut nodes: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    let mut locals: BTreeMap<Name, Name> = BTreeMap::new();
    for id in crate::nest::inside(&state, &scopes, parts.first) {
        let node = match state.node(id).clone() {
            Node::Tasklet(mut tasklet) => {
                if rename {
                    tasklet.label = edited.fresh(tasklet.label.as_str());
                }
                for assign in &mut tasklet.code {
                    assign.value = assign.value.subst_symbols(&subst);
                }
                Node::Tasklet(tasklet)
            }
            Node::Library(mut library) if rename => {
                library.label = edited.fresh(library.label.as_str());
                Node::Library(library)
            }
            Node::Access(name) if rename => {
                let new = *locals.entry(name).or_insert_with(|| edited.fresh(name.as_str()));
                let local = edited.data[&name].clone();
                edited.data.insert(new, local);
                Node::Access(new)
            }
            other => other,
        };
        let graph = edited.state_mut(parts.block).expect("state of the site");
        let copy = graph.add_node(node, state.span(id));
        forwarding.moved(Place::Node(id), Place::Node(copy));
        nodes.insert(id, copy);
    }
    let moved = |memlet: &Memlet| {
        let mut memlet = memlet.subst(&subst);
        memlet.data = locals.get(&memlet.data).copied().unwrap_or(memlet.data);
        memlet
    };
    let graph = edited.state_mut(parts.block).expect("state of the site");
    let result = graph.add_node(Node::Access(local), state.span(parts.access));
    for edge in state.edges() {
        let memlet = edge.memlet.as_ref().map(moved);
        match (nodes.get(&edge.src.node), nodes.get(&edge.dst.node)) {
            (Some(&src), Some(&dst)) => {
                graph.connect(Port { node: src, ..edge.src }, Port { node: dst, ..edge.dst }, memlet);
            }
            (None, Some(&dst)) if edge.src.node == entry => {
                let dst = Port { node: dst, ..edge.dst };
                match edge.src.conn {
                    Some(conn) => {
                        let outer =
                            state.in_edges(entry).into_iter().find(|e| e.dst.conn == Some(partner(conn)));
                        let outer = outer.expect("connectors of a verified map are paired").clone();
                        let conn = enter(graph, target, &outer);
                        graph.connect(Port::new(target, conn), dst, memlet);
                    }
                    None => {
                        graph.connect(target, dst, None);
                    }
                }
            }
            (Some(&src), None)
                if edge.dst.node == exit && edge.memlet.as_ref().is_some_and(|m| m.data == parts.data) =>
            {
                graph.connect(Port { node: src, ..edge.src }, result, Memlet::element(local, vec![]));
            }
            _ => {}
        }
    }
    (nodes.into_values().collect(), result)
}

/// The `OUT_` connector through which the consumer sees what came along `outer`.
fn enter(graph: &mut StateGraph, target: NodeId, outer: &Edge) -> Name {
    let edges = graph.in_edges(target);
    if let Some(same) = edges.iter().find(|e| e.src == outer.src && e.dst.conn.is_some()) {
        return partner(same.dst.conn.expect("just checked"));
    }
    let base = outer.memlet.as_ref().map_or("x", |m| m.data.as_str());
    let conn = Name::fresh(&format!("IN_{base}"), |n| edges.iter().any(|e| e.dst.conn == Some(n)));
    graph.connect(outer.src, Port::new(target, conn), outer.memlet.clone());
    partner(conn)
}

fn remove_producer(edited: &mut Sdfg, parts: &Candidate, forwarding: &mut Forwarding) {
    let state = edited.state_mut(parts.block).expect("state of the site");
    let scopes = Scopes::of(state);
    let (entry, exit) = state.map_nodes(parts.first).expect("a map has two nodes");
    let (second_entry, second_exit) = state.map_nodes(parts.second).expect("a map has two nodes");
    for edge in owned(state.in_edges(entry)).into_iter().filter(|e| e.memlet.is_none()) {
        state.connect(edge.src, second_entry, None);
    }
    for edge in owned(state.out_edges(exit)).into_iter().filter(|e| e.memlet.is_none()) {
        state.connect(second_exit, edge.dst, None);
    }
    // The scopes are those of the graph with the copies in: the producer's own body is still there.
    let body = match scopes {
        Some(scopes) => crate::nest::inside(state, &scopes, parts.first),
        None => vec![],
    };
    for node in body {
        state.remove_node(node);
    }
    for node in [entry, exit, parts.access] {
        forwarding.gone(Place::Node(node));
        state.remove_node(node);
    }
    forwarding.moved(Place::Map(parts.first), Place::Map(parts.second));
    edited.data.remove(&parts.data);
}
