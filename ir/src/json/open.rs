//! Reads a file and verifies it; what is well-formed and against the graph's rules stays foreign.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::JsonError;
use super::origin::Origin;
use super::read::{Kept, ORDER, Trail, graph};
use crate::sdfg::{BlockId, Node, Place, Region, Sdfg, StateGraph, Verified, Violation, verify};

/// How often states or graphs are given up before the whole is.
const ROUNDS: usize = 6;

/// The graph of a file that is not ours.
pub fn open(root: Value) -> Result<Verified, JsonError> {
    let (verified, trail) = verified(&root)?;
    let mut sdfg = verified.into_inner();
    sdfg.origin = Some(Arc::new(Origin::new(root, sdfg.clone(), trail)));
    // Verified as it is, but for where it comes from.
    Ok(Verified::of_origin(sdfg))
}

fn verified(root: &Value) -> Result<(Verified, Trail), JsonError> {
    let mut kept = Kept::new();
    for _ in 0..ROUNDS {
        let (sdfg, trail) = graph(root, &kept)?;
        let violations = match verify(sdfg.clone()) {
            Ok(verified) => return Ok((verified, trail)),
            Err(violations) => violations,
        };
        let places = Places::of(&sdfg, &trail);
        if let Some(wrong) = violations.iter().find(|v| v.malformed) {
            return Err(JsonError { path: places.path(wrong.place), message: wrong.message.clone() });
        }
        let before = kept.clone();
        let mut fresh = BTreeSet::new();
        for violation in &violations {
            let path = places.path(violation.place);
            let what = if path == "$" { "a graph" } else { "a part" };
            let reason = match violation.message.ends_with("no path orders them") && path != "$" {
                true if !kept.contains_key(&path) => ORDER.to_string(),
                _ => format!("{what} in which {}", violation.message),
            };
            match kept.get_mut(&path) {
                Some(old) if *old == ORDER && reason != ORDER && !fresh.contains(&path) => *old = reason,
                Some(_) => {}
                None => {
                    fresh.insert(path.clone());
                    kept.insert(path, reason);
                }
            }
        }
        if kept == before {
            kept = whole(&violations[0]);
        }
    }
    let (sdfg, trail) = graph(root, &kept)?;
    match verify(sdfg.clone()) {
        Ok(verified) => Ok((verified, trail)),
        Err(violations) => {
            let (sdfg, trail) = match graph(root, &whole(&violations[0])) {
                Ok(read) => read,
                Err(_) => (sdfg, trail),
            };
            match verify(sdfg.clone()) {
                Ok(verified) => Ok((verified, trail)),
                Err(violations) => {
                    let path = Places::of(&sdfg, &trail).path(violations[0].place);
                    Err(JsonError { path, message: violations[0].message.clone() })
                }
            }
        }
    }
}

fn whole(violation: &Violation) -> Kept {
    Kept::from([("$".to_string(), format!("a graph in which {}", violation.message))])
}

/// Where in the file the parts of a graph are, as near as is known.
struct Places<'t> {
    trail: &'t Trail,
    states: BTreeMap<Place, BlockId>,
}

impl Places<'_> {
    fn of<'t>(sdfg: &Sdfg, trail: &'t Trail) -> Places<'t> {
        let mut places = Places { trail, states: BTreeMap::new() };
        places.region(&sdfg.body);
        places
    }

    fn region(&mut self, region: &Region) {
        region.walk(&mut |block| {
            if let Some(state) = block.state() {
                self.state(state, block.id);
            }
        });
    }

    fn state(&mut self, graph: &StateGraph, block: BlockId) {
        for (id, node) in graph.nodes() {
            self.states.insert(Place::Node(id), block);
            if let Node::Nested(nested) = node {
                self.region(&nested.sdfg.body);
            }
        }
        self.states.extend(graph.edges().map(|e| (Place::Edge(e.id), block)));
        self.states.extend(graph.maps().map(|(id, _)| (Place::Map(id), block)));
    }

    fn path(&self, place: Place) -> String {
        let block = match place {
            Place::Block(id) => Some(id),
            other => self.states.get(&other).copied(),
        };
        block.and_then(|b| self.trail.blocks.get(&b)).cloned().unwrap_or_else(|| "$".into())
    }
}
