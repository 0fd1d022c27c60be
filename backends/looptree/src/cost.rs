//! What a call must at least do: floating-point operations, and bytes that have to move once.

use std::collections::BTreeMap;

use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Memlet, Node, Region, Scopes, StateGraph, Verified};
use weft_ir::symbolic::{Assumptions, Range, Subset};

use crate::lower;
use crate::work::flop_at;

/// For one call with given sizes.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Cost {
    /// Floating-point operations; see [`crate::Work`].
    pub flop: f64,
    /// What is read and what is written of the arguments, each element once, in bytes.
    pub bytes: f64,
}

/// Counts of zero where a size is not known or the graph cannot be lowered.
pub fn cost(sdfg: &Verified, symbols: &BTreeMap<Name, i64>) -> Cost {
    let eval = |e: &weft_ir::symbolic::Expr| e.eval(&|n| symbols.get(&n).copied()).unwrap_or(0).max(0) as f64;
    let flop = lower(sdfg).map_or(0.0, |program| flop_at(&program, symbols));
    let mut touched = Touched { reads: BTreeMap::new(), writes: BTreeMap::new() };
    touched.region(sdfg, &sdfg.body, &mut vec![], &sdfg.assumptions());
    let mut bytes = 0.0;
    for side in [&touched.reads, &touched.writes] {
        for (name, subset) in side {
            let data = &sdfg.data[name];
            let whole = data.shape.iter().map(&eval).product::<f64>();
            let part = match subset {
                Some(subset) => subset.sizes().iter().map(&eval).product::<f64>().min(whole),
                None => whole,
            };
            bytes += part * data.dtype.size() as f64;
        }
    }
    Cost { flop, bytes }
}

/// The hull of what is touched of each argument; `None` for all of it.
struct Touched {
    reads: BTreeMap<Name, Option<Subset>>,
    writes: BTreeMap<Name, Option<Subset>>,
}

impl Touched {
    fn region(
        &mut self,
        sdfg: &Verified,
        region: &Region,
        loops: &mut Vec<(Name, Range)>,
        facts: &Assumptions,
    ) {
        for block in &region.blocks {
            if let BlockKind::State(graph) = &block.kind {
                self.state(sdfg, graph, loops, facts);
            }
            let depth = loops.len();
            if let BlockKind::Loop { var, range, .. } = &block.kind {
                loops.push((*var, range.clone()));
            }
            for inner in block.regions() {
                self.region(sdfg, inner, loops, facts);
            }
            loops.truncate(depth);
        }
    }

    fn state(&mut self, sdfg: &Verified, graph: &StateGraph, loops: &[(Name, Range)], facts: &Assumptions) {
        let Some(scopes) = Scopes::of(graph) else { return };
        for edge in graph.edges() {
            let Some(memlet) = &edge.memlet else { continue };
            for (end, reads) in [(edge.src.node, true), (edge.dst.node, false)] {
                let Node::Access(name) = graph.node(end) else { continue };
                let transient = sdfg.data.get(name).is_none_or(|d| d.transient);
                if transient || scopes.parent(end).is_some() {
                    continue;
                }
                let subset = part(memlet, *name, loops, facts);
                let side = if reads { &mut self.reads } else { &mut self.writes };
                let joined = match (side.remove(name), subset) {
                    (None, new) => new,
                    (Some(Some(old)), Some(new)) => old.union_hull(&new, facts),
                    _ => None,
                };
                side.insert(*name, joined);
            }
        }
    }
}

/// What a memlet touches of a container over all iterations of the loops around it.
fn part(memlet: &Memlet, name: Name, loops: &[(Name, Range)], facts: &Assumptions) -> Option<Subset> {
    let subset = if memlet.data == name { &memlet.subset } else { memlet.other.as_ref()? };
    subset.image(loops, facts)
}
