//! RedundantArray: a transient that is only a copy goes away.

use std::collections::HashSet;

use weft_ir::Name;
use weft_ir::analysis::{Access, Carried, accesses_of_scope, carried, conflict, facts_at};
use weft_ir::sdfg::{
    Block, BlockId, Edge, EdgeId, MapId, Memlet, Node, NodeId, Paths, Place, Sdfg, StateGraph, Verified,
};
use weft_ir::symbolic::{Assumptions, Subset, Truth};

use crate::order::{Event, events};
use crate::{
    Category, Condition, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation,
    no_such_site, require, uses_of,
};

pub struct RedundantArray;

static INFO: Info = Info {
    name: "RedundantArray",
    category: Category::Simplify,
    what: "Removes a transient that is copied as a whole: its producer writes to where the copy went, or its \
           readers read where the copy came from.",
    why: "Each copy costs a pass over memory. Imported kernels compute into a temporary and copy that into the \
          assigned slice.",
    conditions: &[
        Condition {
            id: "used-once",
            text: "the transient has one access node in the whole graph, and no other use of its value",
        },
        Condition { id: "copied-once", text: "all that its node gives, or all that it gets, is one copy" },
        Condition {
            id: "copied-as-a-whole",
            text: "the copy takes every element of the transient to the same place of an equally shaped part; \
                   of the whole container if elements of the transient are picked by values",
        },
        Condition {
            id: "no-conflict-between",
            text: "what the copy wrote is not accessed between the producer and the copy, or what it read is \
                   not written between the copy and the last reader",
        },
        Condition {
            id: "no-carried-conflict",
            text: "no iteration of the producer reads elements that another one then writes, or no iteration \
                   of a reader writes elements that another one then reads",
        },
    ],
    params: &[],
    before: "\
sdfg f(A: f64[N], B: f64[N])
  transient tmp: f64[N]
  state s0
    map m0 [i = 0:N]
      t0: tmp[i] = A[i] * 2.0
    copy tmp[0:N] -> B[0:N]
",
    after: "\
sdfg f(A: f64[N], B: f64[N])
  state s0
    map m0 [i = 0:N]
      t0: B[i] = A[i] * 2.0
",
    keeps: Keeps::Exactly,
};

impl Transformation for RedundantArray {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        candidates(graph)
            .into_iter()
            .map(|c| Site {
                label: c.data.to_string(),
                places: vec![Place::Node(c.node), Place::Edge(c.copy)],
                span: graph.state_of(c.node).and_then(|(_, g)| g.span(c.node)),
            })
            .collect()
    }

    fn plan(&self, graph: &Verified, site: &Site, _: &Settings) -> Result<Plan, Refusal> {
        let found = candidates(graph).into_iter().find(|c| site.places.first() == Some(&Place::Node(c.node)));
        let mut forwarding = Forwarding::default();
        let edited = remove(graph, &found.ok_or_else(|| no_such_site(site))?, &mut forwarding)?;
        Plan::new(graph, edited, forwarding)
    }
}

/// A transient with a copy at the top of a state.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub data: Name,
    pub state: BlockId,
    pub node: NodeId,
    copy: EdgeId,
}

/// Transients that are copied from or to, each once, by name.
pub fn candidates(graph: &Sdfg) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = vec![];
    let mut known: HashSet<Name> = HashSet::new();
    for (block, state) in graph.states() {
        for edge in state.edges().filter(|e| e.memlet.is_some()) {
            let (Node::Access(from), Node::Access(to)) =
                (state.node(edge.src.node), state.node(edge.dst.node))
            else {
                continue;
            };
            for (data, node) in [(*from, edge.src.node), (*to, edge.dst.node)] {
                if from != to && graph.data[&data].transient && known.insert(data) {
                    found.push(Candidate { data, state: block.id, node, copy: edge.id });
                }
            }
        }
    }
    found
}

/// Where the transient's elements are really kept: an element `x` of it is `subset[x]` of `data`.
struct Home {
    data: Name,
    subset: Subset,
    node: NodeId,
    copy: EdgeId,
    /// The producer writes there; else the readers read there.
    written: bool,
}

/// Removes the transient, by its producer if that can be done, else by its readers.
pub fn remove(graph: &Sdfg, at: &Candidate, forwarding: &mut Forwarding) -> Result<Sdfg, Refusal> {
    let state = graph.body.find(at.state).and_then(Block::state).expect("a state of the graph");
    let mut homes: Vec<Home> =
        [true, false].into_iter().filter_map(|written| home(state, at.node, written)).collect();
    require("copied-once", !homes.is_empty(), Place::Node(at.node), || {
        format!("'{}' is both written and read in other ways than by one copy", at.data)
    })?;
    // Only with the condition switched off in a test: one of the copies.
    if homes.is_empty() {
        homes.extend(home_by(state, at.copy, state.edge(at.copy).src.node == at.node));
    }
    let mut refusal = None;
    for home in homes {
        match check(graph, state, at, &home) {
            Ok(()) => return Ok(edit(graph, at, &home, forwarding)),
            Err(r) => refusal = refusal.or(Some(r)),
        }
    }
    Err(refusal.expect("each home that does not fit gives a refusal"))
}

fn home(state: &StateGraph, node: NodeId, written: bool) -> Option<Home> {
    let edges = if written { state.out_edges(node) } else { state.in_edges(node) };
    let mut data = edges.into_iter().filter(|e| e.memlet.is_some());
    let (edge, None) = (data.next()?, data.next()) else { return None };
    home_by(state, edge.id, written)
}

/// At the other end of a copy.
fn home_by(state: &StateGraph, copy: EdgeId, written: bool) -> Option<Home> {
    let edge = state.edge(copy);
    let other = if written { edge.dst.node } else { edge.src.node };
    let (Node::Access(name), Some(memlet)) = (state.node(other), &edge.memlet) else { return None };
    let subset = if written { memlet.other.clone()? } else { memlet.subset.clone() };
    Some(Home { data: *name, subset, node: other, copy: edge.id, written })
}

fn check(graph: &Sdfg, state: &StateGraph, at: &Candidate, home: &Home) -> Result<(), Refusal> {
    let here = Place::Node(at.node);
    let nodes = state.nodes().filter(|(_, n)| **n == Node::Access(at.data)).count();
    require("used-once", nodes == 1 && uses_of(graph, at.data) == 1, here, || {
        format!("'{}' is used elsewhere too", at.data)
    })?;
    let own = &graph.data[&at.data];
    let copy = state.edge(home.copy);
    let memlet = copy.memlet.as_ref().expect("a copy");
    let part = if home.written { Some(&memlet.subset) } else { memlet.other.as_ref() };
    let facts = facts_at(graph, Place::Block(at.state));
    let whole = part.is_some_and(|p| p.covers(&own.full_subset(), &facts).is_yes()) && memlet.wcr.is_none();
    let alike = same_shape(&own.full_subset(), &home.subset, &facts);
    let gathered = !home.written
        && home.subset != graph.data[&home.data].full_subset()
        && paths(state, at, home).into_iter().any(|e| crate::nest::gathers(state, state.edge(e)));
    require("copied-as-a-whole", whole && alike && !gathered, Place::Edge(home.copy), || {
        if gathered {
            return format!("'{}' is only a part of '{}', and values pick its elements", at.data, home.data);
        }
        let (from, to) = (&memlet.subset, memlet.other.as_ref().map(|s| s.to_string()).unwrap_or_default());
        let names = if home.written { (at.data, home.data) } else { (home.data, at.data) };
        format!("{}[{from}] to {}[{to}] is not all of '{}' in its shape", names.0, names.1, at.data)
    })?;
    dependence(graph, state, at, home, &facts)
}

/// Does element `x` of the whole go to element `x` of the part, dimension by dimension?
fn same_shape(whole: &Subset, part: &Subset, facts: &Assumptions) -> bool {
    let mut surplus = part.rank().saturating_sub(whole.rank());
    let mut dims = whole.0.iter();
    for range in &part.0 {
        if surplus > 0 && range.is_index().is_some() {
            surplus -= 1;
            continue;
        }
        let Some(own) = dims.next() else { return false };
        if facts.eq(&range.extent(), &own.end) != Truth::Yes {
            return false;
        }
    }
    dims.next().is_none()
}

/// Accesses of the other container that could see that the copy happens elsewhere.
fn dependence(
    graph: &Sdfg,
    state: &StateGraph,
    at: &Candidate,
    home: &Home,
    facts: &Assumptions,
) -> Result<(), Refusal> {
    let order = Paths::of(state).expect("a verified state");
    let all = events(graph, state);
    // The events that write the transient, or that read it.
    let ends: Vec<&Event> =
        all.iter().filter(|e| e.access.data == at.data && e.access.place != Place::Edge(home.copy)).collect();
    let moved = Access {
        data: home.data,
        subset: home.subset.clone(),
        write: home.written,
        wcr: None,
        exact: true,
        always: true,
        params: vec![],
        place: Place::Edge(home.copy),
    };
    let mut inside: Vec<(NodeId, Option<MapId>)> = vec![];
    for event in all.iter().filter(|e| e.access.data == home.data && e.access.place != Place::Edge(home.copy))
    {
        if !conflict(&event.access, &moved, facts) {
            continue;
        }
        let before = |e: &Event, p: &Event| order.reaches(e.end, p.start);
        let ordered = if home.written {
            order.reaches(home.node, event.start) || ends.iter().all(|p| before(event, p) || same(event, p))
        } else {
            order.reaches(event.end, home.node) || ends.iter().all(|p| before(p, event) || same(event, p))
        };
        require("no-conflict-between", ordered, event.access.place, || {
            let verb = if event.access.write { "written" } else { "read" };
            let when = if home.written {
                format!("before '{}' is copied there", at.data)
            } else {
                format!("while its copy '{}' is still needed", at.data)
            };
            format!("{}[{}] is {verb} {when}", home.data, event.access.subset)
        })?;
        if ends.iter().any(|p| same(event, p)) && !inside.contains(&(event.start, event.map)) {
            inside.push((event.start, event.map));
        }
    }
    for (node, map) in inside {
        let answer = match map {
            Some(map) => within(graph, state, map, at, home, facts),
            // A tasklet or a library node reads all before it writes.
            None if matches!(state.node(node), Node::Tasklet(_)) => Carried::No,
            None => Carried::Unknown(format!("'{}' is read and written by one node", home.data)),
        };
        require("no-carried-conflict", answer == Carried::No, Place::Node(node), || match answer {
            Carried::Yes(why) | Carried::Unknown(why) => {
                format!("without the copy '{}', {why}", at.data)
            }
            Carried::No => String::new(),
        })?;
    }
    Ok(())
}

fn same(a: &Event, b: &Event) -> bool {
    a.start == b.start && a.end == b.end
}

/// Do different iterations of the map conflict, or accesses of one iteration that no path orders, once
/// the transient is gone?
fn within(
    graph: &Sdfg,
    state: &StateGraph,
    map: MapId,
    at: &Candidate,
    home: &Home,
    facts: &Assumptions,
) -> Carried {
    let mut accesses = accesses_of_scope(graph, state, map);
    for access in accesses.iter_mut().filter(|a| a.data == at.data) {
        access.subset = Subset::compose(&home.subset, &access.subset);
        access.data = home.data;
    }
    accesses.retain(|a| a.data == home.data);
    // All maps around an access, so that iterations of inner maps are told apart as well.
    let mut params = state.map(map).params.clone();
    let inner = accesses.first().map(|a| a.params.clone()).unwrap_or_default();
    if accesses.iter().any(|a| a.params != inner) {
        return Carried::Unknown(format!("'{}' is read and written in different inner maps", home.data));
    }
    for access in &mut accesses {
        access.params.clear();
    }
    for (name, range) in inner {
        let Some(range) = range else { return Carried::Unknown(format!("'{name}' is not known")) };
        params.push((name, range));
    }
    let order = Paths::of(state).expect("a verified state");
    let node = |a: &Access| match a.place {
        Place::Node(node) => Some(node),
        Place::Edge(edge) => Some(state.edge(edge).src.node),
        _ => None,
    };
    for w in accesses.iter().filter(|a| a.write) {
        for r in accesses.iter().filter(|a| !a.write) {
            if !node(r).zip(node(w)).is_some_and(|(r, w)| order.reaches(r, w)) {
                return Carried::Unknown(format!("one iteration writes '{}' before it reads it", home.data));
            }
        }
    }
    carried(&params, &accesses, facts, &|_| false)
}

// ---- the edit --------------------------------------------------------------------------

/// Edges that carry the transient, but for the copy itself.
fn paths(state: &StateGraph, at: &Candidate, home: &Home) -> Vec<EdgeId> {
    let first: Vec<&Edge> = if home.written { state.in_edges(at.node) } else { state.out_edges(at.node) };
    let mut found: Vec<EdgeId> = vec![];
    let mut open: Vec<&Edge> = first.into_iter().filter(|e| e.memlet.is_some()).collect();
    while let Some(edge) = open.pop() {
        found.push(edge.id);
        let (node, conn) =
            if home.written { (edge.src.node, edge.src.conn) } else { (edge.dst.node, edge.dst.conn) };
        let Some(stem) = conn.and_then(|c| c.as_str().split_once('_')).map(|(_, s)| s) else { continue };
        match (state.node(node), home.written) {
            (Node::MapExit(_), true) => {
                let partner = Some(Name::new(&format!("IN_{stem}")));
                open.extend(state.in_edges(node).into_iter().filter(|e| e.dst.conn == partner));
            }
            (Node::MapEntry(_), false) => {
                let partner = Some(Name::new(&format!("OUT_{stem}")));
                open.extend(state.out_edges(node).into_iter().filter(|e| e.src.conn == partner));
            }
            _ => {}
        }
    }
    found.sort();
    found
}

/// The memlet with the transient's elements where they are really kept.
fn rehome(memlet: &Memlet, at: &Candidate, home: &Home) -> Memlet {
    let mut memlet = memlet.clone();
    if memlet.data == at.data {
        memlet.data = home.data;
        memlet.subset = Subset::compose(&home.subset, &memlet.subset);
    } else {
        let part = memlet.other.as_ref().map(|o| Subset::compose(&home.subset, o));
        memlet.other = Some(part.unwrap_or_else(|| home.subset.clone()));
    }
    memlet
}

fn edit(graph: &Sdfg, at: &Candidate, home: &Home, forwarding: &mut Forwarding) -> Sdfg {
    let mut edited = graph.clone();
    let state = edited.state_mut(at.state).expect("a state of the graph");
    let carrying = paths(state, at, home);
    for id in carrying {
        let memlet = state.edge(id).memlet.as_ref().map(|m| rehome(m, at, home));
        *state.memlet_mut(id) = memlet;
    }
    let mut edges: Vec<Edge> = state.in_edges(at.node).into_iter().cloned().collect();
    edges.extend(state.out_edges(at.node).into_iter().cloned());
    state.remove_node(at.node);
    for mut edge in edges.into_iter().filter(|e| e.id != home.copy) {
        for port in [&mut edge.src, &mut edge.dst] {
            if port.node == at.node {
                port.node = home.node;
            }
        }
        // A mere order that a path gives anyway would be a loop.
        if edge.src.node != edge.dst.node {
            state.insert_edge(edge);
        }
    }
    edited.data.remove(&at.data);
    forwarding.moved(Place::Node(at.node), Place::Node(home.node));
    forwarding.gone(Place::Edge(home.copy));
    edited
}
