//! Memlets: invariants 13 to 15, the copies of 19, and symbols of 6.

use super::Checker;
use super::state::State;
use crate::DType;
use crate::names::Name;
use crate::sdfg::{Data, Edge, Memlet, Node, NodeId, Place, Wcr};
use crate::symbolic::{Assumptions, Expr, Range, Subset, Truth};

/// What a memlet does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// From an access node into a map or a node that computes.
    Read {
        from: NodeId,
    },
    /// From a node that computes, or a map, to an access node.
    Write {
        to: NodeId,
    },
    Copy {
        from: NodeId,
        to: NodeId,
    },
    /// A copy from a container outside a map into one inside.
    CopyIn {
        from: NodeId,
        to: NodeId,
    },
    /// A copy from a container inside a map to one outside.
    CopyOut {
        from: NodeId,
        to: NodeId,
    },
}

impl<'s> State<'s> {
    /// `None` if the edge joins nodes that a memlet cannot join.
    pub fn role(&self, edge: &Edge) -> Option<Role> {
        let (source, target) = (self.node(edge.src.node), self.node(edge.dst.node));
        match (source, target) {
            (Node::Access(_), Node::Access(_)) => Some(Role::Copy { from: edge.src.node, to: edge.dst.node }),
            (Node::MapEntry(_), Node::Access(_)) => {
                Some(Role::CopyIn { from: self.origin(edge)?, to: edge.dst.node })
            }
            (Node::Access(_), Node::MapExit(_)) => {
                Some(Role::CopyOut { from: edge.src.node, to: self.target(edge)? })
            }
            (Node::MapEntry(_), Node::MapExit(_)) => None,
            (Node::Access(_) | Node::MapEntry(_), _) => Some(Role::Read { from: self.origin(edge)? }),
            (_, Node::Access(_) | Node::MapExit(_)) => Some(Role::Write { to: self.target(edge)? }),
            _ => None,
        }
    }

    /// The access node outside that a path comes from.
    fn origin(&self, edge: &Edge) -> Option<NodeId> {
        let mut port = edge.src;
        while let Node::MapEntry(_) = self.node(port.node) {
            let stem = port.conn?.as_str().strip_prefix("OUT_")?;
            let into = |e: &&&Edge| e.dst.conn.is_some_and(|c| c.as_str().strip_prefix("IN_") == Some(stem));
            port = self.ends[&port.node].ins.iter().find(into)?.src;
        }
        matches!(self.node(port.node), Node::Access(_)).then_some(port.node)
    }

    /// The access node outside that a path leads to.
    fn target(&self, edge: &Edge) -> Option<NodeId> {
        let mut port = edge.dst;
        while let Node::MapExit(_) = self.node(port.node) {
            port = self.next_out(port.node, port.conn?)?.dst;
        }
        matches!(self.node(port.node), Node::Access(_)).then_some(port.node)
    }

    /// The edge that goes on from `IN_x` of an exit.
    fn next_out(&self, exit: NodeId, conn: Name) -> Option<&'s Edge> {
        let stem = conn.as_str().strip_prefix("IN_")?;
        let out = |e: &&&Edge| e.src.conn.is_some_and(|c| c.as_str().strip_prefix("OUT_") == Some(stem));
        self.ends[&exit].outs.iter().find(out).copied()
    }

    fn access(&self, node: NodeId) -> Option<Name> {
        match self.node(node) {
            Node::Access(name) => Some(*name),
            _ => None,
        }
    }
}

impl Checker<'_, '_> {
    pub fn edge(&mut self, state: &State, edge: &Edge) {
        let place = Place::Edge(edge.id);
        let Some(memlet) = &edge.memlet else { return };
        let Some(role) = state.role(edge) else {
            let message = format!("the memlet of '{}' joins nodes with no access node between", memlet.data);
            return self.malformed(place, message);
        };
        let Some(data) = self.sdfg.data.get(&memlet.data) else {
            return self
                .malformed(place, format!("the memlet names '{}', which does not exist", memlet.data));
        };
        let scope = state.scope(edge);
        for range in memlet.subset.0.iter().chain(memlet.other.iter().flat_map(|s| &s.0)) {
            for e in [&range.begin, &range.end, &range.step] {
                self.uses(e, state.defined(scope), place);
            }
            if range.step.is_zero() {
                self.report(place, format!("the step of {range} is zero"));
            }
        }
        let (named, other) = match role {
            Role::Read { from } => (from, None),
            Role::Write { to } => (to, None),
            Role::Copy { from, to } | Role::CopyIn { from, to } => (from, Some(to)),
            Role::CopyOut { from, to } => (to, Some(from)),
        };
        let Some(expected) = state.access(named) else { return };
        if expected != memlet.data {
            let message = format!("the memlet names '{}' on a path of '{expected}'", memlet.data);
            return self.malformed(place, message);
        }
        let fits = self.subset(state, edge, memlet.data, data, &memlet.subset);
        match other.and_then(|node| state.access(node)) {
            Some(other) => self.copy(state, edge, memlet, other, role, fits),
            None if memlet.other.is_some() => {
                self.report(place, "a second subset on a memlet that is no copy");
            }
            None => {}
        }
        self.resolution(state, edge, memlet, role);
    }

    /// Rank and bounds; whether the rank is right.
    fn subset(&mut self, state: &State, edge: &Edge, name: Name, data: &Data, subset: &Subset) -> bool {
        let place = Place::Edge(edge.id);
        if data.foreign.is_some() {
            return false;
        }
        if subset.rank() != data.shape.len() {
            let (got, rank) = (subset.rank(), data.shape.len());
            self.report(place, format!("a subset of {got} dimensions of '{name}', which has {rank}"));
            return false;
        }
        // Memlets outside a map are hulls, and may be larger than what is touched.
        let hull = matches!(state.node(edge.dst.node), Node::MapEntry(_))
            || matches!(state.node(edge.src.node), Node::MapExit(_));
        if hull || !state.context.certain {
            return true;
        }
        for (range, extent) in subset.0.iter().zip(&data.shape) {
            if suspicious(range, extent) && !range_is_empty(range) {
                let facts = state.facts(self, state.scope(edge));
                if outside(range, extent, &facts) {
                    let message = format!("{range} is out of bounds for '{name}' of extent {extent}");
                    self.report(place, message);
                }
            }
        }
        true
    }

    fn copy(&mut self, state: &State, edge: &Edge, memlet: &Memlet, other: Name, role: Role, fits: bool) {
        let place = Place::Edge(edge.id);
        let (data, Some(end)) = (&self.sdfg.data[&memlet.data], self.sdfg.data.get(&other)) else { return };
        if data.foreign.is_some() || end.foreign.is_some() {
            return;
        }
        if data.dtype != end.dtype {
            let (from, to) = (data.dtype, end.dtype);
            self.report(place, format!("a copy between '{}' of {from} and '{other}' of {to}", memlet.data));
        }
        let full = end.full_subset();
        let subset = match &memlet.other {
            Some(subset) => subset,
            None if matches!(role, Role::Copy { .. }) => {
                return self.report(place, format!("a copy without the subset of its destination '{other}'"));
            }
            None => &full,
        };
        if !self.subset(state, edge, other, end, subset) || !fits {
            return;
        }
        if other == memlet.data {
            let facts = state.facts(self, state.scope(edge));
            if !memlet.subset.disjoint(subset, &facts).is_yes() {
                let message =
                    format!("a copy within '{other}', from [{}] to [{subset}], may overlap", memlet.subset);
                self.report(place, message);
            }
        }
        let volume = |s: &Subset| s.extents().into_iter().fold(Expr::one(), |v, n| v * n);
        let (a, b) = (volume(&memlet.subset), volume(subset));
        if a == b {
            return;
        }
        let facts = state.facts(self, state.scope(edge));
        let different = facts.eq(&memlet.subset.volume(), &subset.volume()).is_no();
        if different && possible(&facts) {
            self.report(place, format!("a copy between {a} elements and {b}"));
        }
    }

    fn resolution(&mut self, state: &State, edge: &Edge, memlet: &Memlet, role: Role) {
        let place = Place::Edge(edge.id);
        if let Role::Read { .. } = role
            && memlet.wcr.is_some()
        {
            self.report(place, "write-conflict resolution of a read");
        }
        if let Some(wcr) = memlet.wcr
            && let Some(data) = self.sdfg.data.get(&memlet.data)
            && data.foreign.is_none()
            && !resolves(wcr, data.dtype)
        {
            self.report(place, format!("{wcr:?} is no write-conflict resolution of {}", data.dtype));
        }
        if let (Node::MapExit(_), Some(conn)) = (state.node(edge.dst.node), edge.dst.conn)
            && let Some(outer) = state.next_out(edge.dst.node, conn)
            && outer.memlet.as_ref().is_some_and(|m| m.wcr != memlet.wcr)
        {
            self.report(Place::Edge(outer.id), "write-conflict resolution differs along the path");
        }
    }
}

/// Whether a type has the operation.
pub fn resolves(wcr: Wcr, dtype: DType) -> bool {
    crate::tasklet::binary_type(crate::tasklet::ops::wcr_op(wcr), dtype) == Ok(dtype)
}

/// Some execution satisfies the facts.
pub fn possible(facts: &Assumptions) -> bool {
    !facts.refutes(&[])
}

/// Cheap and generous: only what differs by a constant can be provably outside.
fn suspicious(range: &Range, extent: &Expr) -> bool {
    let negative = |e: &Expr| e.as_int().is_some_and(|c| c < 0);
    let inside = |e: &Expr| (extent - e).as_int().map(|c| c > 0);
    negative(&range.begin)
        || inside(&range.begin) == Some(false)
        || negative(&range.last())
        || inside(&range.last()) == Some(false)
}

fn range_is_empty(range: &Range) -> bool {
    range.extent().as_int().is_some_and(|n| n <= 0)
}

/// The first or the last element is outside in every execution, and there is one.
fn outside(range: &Range, extent: &Expr, facts: &Assumptions) -> bool {
    let inside = |e: &Expr| facts.nonneg(e).and(facts.lt(e, extent));
    let out = inside(&range.begin) == Truth::No || inside(&range.last()) == Truth::No;
    out && range.is_empty(facts).is_no() && possible(facts)
}
