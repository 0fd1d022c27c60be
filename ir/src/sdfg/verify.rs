//! The verifier: lists everything that is wrong with a graph. Only it makes a [`Verified`].
//!
//! The invariants of a graph, by number; each has a test that breaks it.
//!
//! Names
//! 1. Labels of blocks, maps, tasklets, library nodes and nested SDFGs are unique in their SDFG, and
//!    so are the ids of its parts.
//! 2. A name is one thing: a container, a free symbol, a loop variable, an assigned symbol, a map
//!    parameter or a map's dynamic input. Map parameters are unique; loops that are not inside each
//!    other may share a variable.
//! 3. `args` and `returns` exist, are listed once, and are non-transient containers (or, in `args`,
//!    free symbols); every non-transient container is in one of them, but for nested SDFGs, whose
//!    connectors they are. Symbols are integers.
//! 4. No extent of a container is a negative number, and there is a stride for each dimension. Those of
//!    non-transient containers are over free symbols, those of transients over symbols that have a value
//!    at each of their access nodes.
//! 5. Guards are over free symbols.
//!
//! Control flow
//! 6. Every symbol that is used has a value: it is free, assigned before on every path, the variable
//!    of a loop around, or a parameter or dynamic input of a map around.
//! 7. The step of a loop and of a map range is a constant other than zero.
//! 8. Conditions are `bool`, assigned values `i64`. They read scalar containers and symbols.
//! 9. `break` and `continue` are in a loop.
//! 10. Blocks, maps and nested SDFGs are at most [`MAX_NESTING`] deep together, and expressions at most
//!     [`MAX_DEPTH`](crate::tasklet::MAX_DEPTH), so that no recursion over a graph exhausts the stack.
//!
//! States
//! 11. A state is acyclic, scopes nest, and each map has one entry and one exit, and parameters. Its
//!     ranges do not use its own parameters.
//! 12. Connectors: access nodes have none. Those of tasklets, library nodes and nested SDFGs exist,
//!     inputs have one edge, outputs at least one, and exactly one but for tasklets. Map entries and exits
//!     have `IN_x` and `OUT_x` in pairs, the outer one with one edge; an `IN_x` alone at an entry is a
//!     dynamic input, one integer. An edge with a memlet has connectors where the node has them, an edge
//!     without has none.
//! 13. A memlet names the container of the access node at the outer end of its path, has a range for
//!     each of its dimensions, no step of zero, and is not out of bounds for every execution. Values go
//!     from access node to access node: no memlet leads from one tasklet, library node or nested SDFG to
//!     the next.
//! 14. A copy directly between access nodes has `data` of its source and `other` of its destination. Into
//!     or out of a map, `data` is the container outside, and `other`, if there is one, of that inside. No
//!     other memlet has `other`. Types are the same, and numbers of elements not provably different.
//! 15. Only what is written has write-conflict resolution, of an operation that the type has; the memlets
//!     of one path have the same.
//!
//! Nodes
//! 16. A tasklet's memlets are single elements of the connector's type. Its code has types; every target
//!     is assigned once, is no input, and every output is assigned a value of its type. An input that
//!     the code indexes (a gather) is read in no other way; its memlet is dynamic and all of a container
//!     that has a dimension for each index. Conditions and assigned values index nothing.
//! 17. `MatMul` has `a`, `b` and `c`, `Reduce` has `input` and `output`, of one type that has the operation,
//!     and their ranks fit; axes are sorted and in range, the identity has the type. A `Call` has the
//!     connectors of its operation, of types that it has, and shapes that provably do not differ from
//!     those that follow from its inputs; its outputs are apart and resolve no conflicts.
//! 18. A nested SDFG is valid. Each of its non-transient containers is a connector, and an output if
//!     written inside; types and ranks fit, extents are not provably different. Each of its free symbols is
//!     given a value, and no other. One connector on both sides stands for one subset; different connectors
//!     do not overlap where one is written.
//! 19. Copies and library nodes do not write what they read.
//! 20. Conflicting accesses of a state are ordered by a path: what reads or writes an element is done
//!     before what writes it starts, or the other way round; or both resolve the conflict by the same
//!     operation; or they are provably disjoint. What a map's iterations gather from, they do not write,
//!     unless each has its own.
//!
//! Of foreign containers ([`Foreign`](super::Foreign)) types, shapes, ranks of subsets and order are not
//! looked at, of foreign nodes what they do with their memlets.

mod call;
mod control;
mod edges;
mod names;
mod nodes;
mod order;
mod state;
#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::sync::Arc;

use super::{Place, Sdfg};
use crate::names::Name;
use crate::symbolic::{Atom, Expr};

/// How deep blocks, maps and nested SDFGs may be inside each other.
pub const MAX_NESTING: usize = 100;

/// A graph that keeps every invariant; the only kind that can be transformed or lowered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified(Arc<Sdfg>);

impl Deref for Verified {
    type Target = Sdfg;
    fn deref(&self) -> &Sdfg {
        &self.0
    }
}

impl Verified {
    /// Do both stand for the same version (not only equal ones)?
    pub fn same_version(&self, other: &Verified) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The graph, to be edited; blocks stay shared until they are changed.
    pub fn into_inner(self) -> Sdfg {
        Arc::unwrap_or_clone(self.0)
    }

    /// A graph that differs from a verified one in its origin only.
    pub(crate) fn of_origin(sdfg: Sdfg) -> Verified {
        Verified(Arc::new(sdfg))
    }

    /// A copy to be edited; blocks stay shared until they are changed.
    pub fn clone_sdfg(&self) -> Sdfg {
        (*self.0).clone()
    }
}

/// One broken invariant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    pub place: Place,
    pub message: String,
    /// The graph is malformed there, whatever it is meant to do: invariants 3, 11, 12, and names in 13.
    pub malformed: bool,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// All violations, or the graph as a [`Verified`].
pub fn verify(sdfg: Sdfg) -> Result<Verified, Vec<Violation>> {
    let mut found = Vec::new();
    check(&sdfg, 0, false, &mut found);
    if found.is_empty() { Ok(Verified(Arc::new(sdfg))) } else { Err(found) }
}

/// Checks one SDFG that is inside `depth` others, blocks and maps.
fn check(sdfg: &Sdfg, depth: usize, nested: bool, found: &mut Vec<Violation>) {
    let mut checker = Checker { sdfg, found, depth, nested };
    if checker.nesting() {
        checker.names();
        checker.control();
    }
}

struct Checker<'g, 'v> {
    sdfg: &'g Sdfg,
    found: &'v mut Vec<Violation>,
    depth: usize,
    nested: bool,
}

impl Checker<'_, '_> {
    fn report(&mut self, place: Place, message: impl Into<String>) {
        self.found.push(Violation { place, message: message.into(), malformed: false });
    }

    fn malformed(&mut self, place: Place, message: impl Into<String>) {
        self.found.push(Violation { place, message: message.into(), malformed: true });
    }
}

/// Calls `f` for each symbol of an expression, repeatedly if it is there repeatedly.
fn each_symbol(e: &Expr, f: &mut dyn FnMut(Name)) {
    for (atom, _) in e.terms().iter().flat_map(|t| t.factors.iter()) {
        match atom {
            Atom::Sym(name) => f(*name),
            other => other.args().into_iter().for_each(|a| each_symbol(a, f)),
        }
    }
}
