//! Conflicting accesses of a state are ordered: invariant 20.

use std::collections::HashMap;

use super::Checker;
use super::edges::Role;
use super::state::State;
use crate::names::Name;
use crate::sdfg::{Edge, MapId, Memlet, Node, NodeId, Paths, Place, Wcr};
use crate::symbolic::Subset;

/// One read or write of a container by a node that is no map.
struct Event<'s> {
    edge: &'s Edge,
    /// The access node at the outer end of the path.
    at: NodeId,
    /// What reads or writes. Copies are their destination's work, or that of the node inside the map.
    by: NodeId,
    reads: bool,
    wcr: Option<Wcr>,
    /// `None`: all of it.
    subset: Option<&'s Subset>,
    /// A tasklet picks the elements.
    gathers: bool,
}

impl Checker<'_, '_> {
    pub fn order(&mut self, state: &State) {
        let mut events: HashMap<Name, Vec<Event>> = HashMap::new();
        for edge in state.graph.edges() {
            let (Some(memlet), Some(role)) = (&edge.memlet, state.role(edge)) else { continue };
            events_of(state, edge, memlet, role, &mut |at, by, reads, subset| {
                if let Node::Access(name) = state.node(at) {
                    let gathers = reads && edge.dst.node == by && picks(state.node(by), edge);
                    let event = Event { edge, at, by, reads, wcr: memlet.wcr, subset, gathers };
                    events.entry(*name).or_default().push(event);
                }
            });
        }
        let mut names: Vec<Name> = events.keys().copied().collect();
        names.sort();
        let Some(paths) = Sequence::of(state) else { return };
        for name in names {
            let events = &events[&name];
            let foreign = self.sdfg.data.get(&name).is_some_and(|d| d.foreign.is_some());
            if foreign || events.iter().all(|e| e.reads) {
                continue;
            }
            for (i, one) in events.iter().enumerate() {
                for other in &events[..i] {
                    self.pair(state, name, other, one, &paths);
                    self.gathered(state, name, one, other);
                    self.gathered(state, name, other, one);
                }
            }
        }
    }

    fn pair(&mut self, state: &State, name: Name, one: &Event, other: &Event, paths: &Sequence) {
        let resolved = one.wcr.is_some() && one.wcr == other.wcr && !one.reads && !other.reads;
        if (one.reads && other.reads) || resolved || paths.ordered(one, other) {
            return;
        }
        // Parameters of maps around both are the same; all others vary independently.
        if let (Some(x), Some(y)) = (one.subset, other.subset) {
            let mut facts = state.facts(self, state.scope(one.edge));
            for (param, range) in state.scopes.params(state.graph, other.by) {
                facts.assume_in(param, &range);
            }
            if x.disjoint(y, &facts).is_yes() {
                return;
            }
        }
        let verb = |e: &Event| if e.reads { "a read" } else { "a write" };
        let message =
            format!("{} and {} of '{name}' may overlap and no path orders them", verb(one), verb(other));
        self.report(Place::Edge(other.edge.id), message);
    }
}

impl Checker<'_, '_> {
    /// Which element a gather reads is not known: iterations of a map around it leave all alone.
    fn gathered(&mut self, state: &State, name: Name, read: &Event, write: &Event) {
        if !read.gathers || write.reads {
            return;
        }
        let own = state.scopes.enclosing(write.at);
        let around = state.scopes.enclosing(write.by);
        let shared = |m: &&MapId| around.contains(m) && !own.contains(m);
        if let Some(map) = state.scopes.enclosing(read.by).iter().find(shared) {
            let label = state.graph.map(*map).label;
            let message = format!("iterations of '{label}' write '{name}' and gather from it");
            self.report(Place::Edge(read.edge.id), message);
        }
    }
}

/// Does the node pick the elements of what the edge brings?
fn picks(node: &Node, edge: &Edge) -> bool {
    match (node, edge.dst.conn) {
        (Node::Tasklet(t), Some(conn)) => t.arrays().contains(&conn),
        _ => false,
    }
}

/// The accesses that the innermost edge of a path makes.
fn events_of<'s>(
    state: &State<'s>,
    edge: &'s Edge,
    memlet: &'s Memlet,
    role: Role,
    add: &mut dyn FnMut(NodeId, NodeId, bool, Option<&'s Subset>),
) {
    let (subset, other) = (Some(&memlet.subset), memlet.other.as_ref());
    match role {
        Role::Read { from } if state.is_innermost_read(edge) => add(from, edge.dst.node, true, subset),
        Role::Write { to } if !matches!(state.node(edge.src.node), Node::MapExit(_)) => {
            add(to, edge.src.node, false, subset);
        }
        Role::Read { .. } | Role::Write { .. } => {}
        Role::Copy { from, to } | Role::CopyIn { from, to } => {
            add(from, to, true, subset);
            add(to, to, false, other);
        }
        Role::CopyOut { from, to } => {
            add(from, from, true, other);
            add(to, from, false, subset);
        }
    }
}

impl State<'_> {
    /// The edge ends at what reads: no map entry, or one that takes a dynamic input.
    fn is_innermost_read(&self, edge: &Edge) -> bool {
        if !matches!(self.node(edge.dst.node), Node::MapEntry(_)) {
            return true;
        }
        let stem = edge.dst.conn.and_then(|c| c.as_str().strip_prefix("IN_"));
        let goes_on = |e: &&Edge| e.src.conn.and_then(|c| c.as_str().strip_prefix("OUT_")) == stem;
        !self.ends[&edge.dst.node].outs.iter().any(goes_on)
    }
}

/// Which events are done before which start.
struct Sequence<'s, 'c> {
    state: &'c State<'s>,
    paths: Paths,
}

impl<'s, 'c> Sequence<'s, 'c> {
    /// `None` for a cyclic graph, which is reported elsewhere.
    fn of(state: &'c State<'s>) -> Option<Sequence<'s, 'c>> {
        Some(Sequence { state, paths: Paths::of(state.graph)? })
    }

    /// One is done before the other starts, or both are one node's own affair.
    fn ordered(&self, one: &Event, other: &Event) -> bool {
        if one.by == other.by {
            return one.reads != other.reads;
        }
        let (a, b) = (self.span(one.by, other.by), self.span(other.by, one.by));
        self.before(one, a, b) || self.before(other, b, a)
    }

    /// `first` ends at `a.1`, or at its access node if it writes; the other starts at `b.0`.
    fn before(&self, first: &Event, a: (NodeId, NodeId), b: (NodeId, NodeId)) -> bool {
        self.paths.reaches(a.1, b.0) || (!first.reads && self.paths.reaches(first.at, b.0))
    }

    /// Where a node's work starts and ends, seen from another: the outermost map around only it.
    fn span(&self, node: NodeId, other: NodeId) -> (NodeId, NodeId) {
        let scopes = &self.state.scopes;
        let own = |id: NodeId| match self.state.node(id) {
            Node::MapEntry(map) => Some(*map),
            _ => None,
        };
        let around = scopes.enclosing(other);
        let mut mine: Vec<_> = own(node).into_iter().chain(scopes.enclosing(node)).collect();
        mine.reverse();
        let lifted = mine.into_iter().find(|m| !around.contains(m));
        lifted.and_then(|m| self.state.maps.get(&m).copied()).unwrap_or((node, node))
    }
}
