//! What a file has and the graph has no words for.

use std::collections::BTreeMap;

use super::{LibraryKind, Node, Place, Sdfg};
use crate::names::Name;
use crate::symbolic::Expr;

/// A part of DaCe's file that is kept as it is: shown, saved and moved with the rest, refused when it is
/// to run. It stands for a node, a scope or a state ([`LibraryKind::Foreign`]), or for a container.
///
/// What it reads and writes is known from its memlets alone, which is all that the rest of the
/// graph needs to know.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Foreign {
    /// What it is or has, as in "it is …": `a tasklet in C++`. Lowercase, no final period.
    pub reason: String,
    /// DaCe's JSON: of a container; of a state or an SDFG (the object); else of nodes and the edges
    /// between them, `{"nodes": […], "edges": […]}` with places counted from 0.
    pub json: String,
    /// Connectors, as the JSON names them; for whole states, the containers.
    pub inputs: Vec<Name>,
    pub outputs: Vec<Name>,
    /// Symbols that the JSON may use, by what they are called there.
    pub symbols: BTreeMap<Name, Expr>,
}

impl Foreign {
    /// A container.
    pub fn container(reason: &str, json: String) -> Foreign {
        Foreign { reason: reason.into(), json, ..Foreign::default() }
    }
}

/// The first part of a graph that is foreign: its place, what it is called, and what it is.
pub fn first_foreign(sdfg: &Sdfg) -> Option<(Place, Name, String)> {
    let container = sdfg.data.iter().find_map(|(n, d)| Some((*n, d.foreign.as_ref()?)));
    if let Some((name, foreign)) = container {
        let access = sdfg.states().into_iter().find_map(|(_, graph)| {
            graph.nodes().find(|(_, node)| **node == Node::Access(name)).map(|(id, _)| Place::Node(id))
        });
        return Some((access.unwrap_or(Place::Whole), name, foreign.reason.clone()));
    }
    sdfg.states().into_iter().find_map(|(_, graph)| {
        graph.nodes().find_map(|(id, node)| match node {
            Node::Library(l) => match &l.kind {
                LibraryKind::Foreign(f) => Some((Place::Node(id), l.label, f.reason.clone())),
                _ => None,
            },
            Node::Nested(n) => first_foreign(&n.sdfg),
            _ => None,
        })
    })
}
