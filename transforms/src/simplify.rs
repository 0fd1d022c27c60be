//! `simplify`: StateFusion, InlineSDFG, RedundantArray and DeadDataflowElimination to a fixed point.

use std::collections::BTreeSet;

use weft_ir::Name;
use weft_ir::sdfg::{BlockId, NodeId, Sdfg, Verified, verify};

use crate::dead_dataflow_elimination::Reading;
use crate::state_fusion::Head;
use crate::{
    Forwarding, Recipe, Refusal, Settings, Step, dead_dataflow_elimination as dead, inline_sdfg as inline,
    redundant_array as redundant, state_fusion as fusion,
};

/// Simplifies the graph. The recipe does the same when replayed.
pub fn simplify(graph: &Verified) -> (Verified, Recipe, Forwarding) {
    // Each edit is checked by its own conditions; the verifier runs once, at the end. Should it find
    // something, every edit is verified and those that it rejects are left out.
    let fast = Simplifier::new(graph, false).run();
    if let Ok(result) = verify(fast.graph) {
        return (result, fast.recipe, Forwarding::chain(fast.moved));
    }
    let careful = Simplifier::new(graph, true).run();
    match verify(careful.graph) {
        Ok(result) => (result, careful.recipe, Forwarding::chain(careful.moved)),
        Err(_) => (graph.clone(), Recipe::default(), Forwarding::default()),
    }
}

struct Simplifier {
    graph: Sdfg,
    recipe: Recipe,
    /// Of each edit, in order.
    moved: Vec<Forwarding>,
    careful: bool,
    changed: bool,
}

impl Simplifier {
    fn new(graph: &Sdfg, careful: bool) -> Simplifier {
        Simplifier { graph: graph.clone(), recipe: Recipe::default(), moved: vec![], careful, changed: true }
    }

    fn run(mut self) -> Simplifier {
        // Every step removes a block, a node or a container, or one nested SDFG: this ends.
        while std::mem::take(&mut self.changed) {
            self.inline();
            self.fuse();
            self.copies();
            self.dead();
            self.empty();
        }
        self
    }

    /// Takes an edit over, if it is one; what refuses leaves the graph as it is.
    fn take(
        &mut self,
        transform: &str,
        at: String,
        edit: impl FnOnce(&mut Sdfg, &mut Forwarding) -> Result<(), Refusal>,
    ) -> bool {
        let before = self.careful.then(|| self.graph.clone());
        let mut moved = Forwarding::default();
        if edit(&mut self.graph, &mut moved).is_err() {
            return false;
        }
        if let Some(before) = before
            && verify(self.graph.clone()).is_err()
        {
            self.graph = before;
            return false;
        }
        self.moved.push(moved);
        self.recipe.0.push(Step { transform: transform.to_string(), at, params: Settings::new() });
        self.changed = true;
        true
    }

    fn inline(&mut self) {
        let mut refused: BTreeSet<NodeId> = BTreeSet::new();
        while let Some(at) = inline::candidates(&self.graph).into_iter().find(|c| !refused.contains(&c.node))
        {
            let label = at.label.to_string();
            if !self.take("InlineSDFG", label, |graph, moved| {
                *graph = inline::inline(graph, &at, moved)?;
                Ok(())
            }) {
                refused.insert(at.node);
            }
        }
    }

    fn fuse(&mut self) {
        let mut refused: BTreeSet<(BlockId, BlockId)> = BTreeSet::new();
        let mut head: Option<Head> = None;
        loop {
            let pair = fusion::pairs(&self.graph)
                .into_iter()
                .find(|(a, b)| !refused.contains(&(a.id, b.id)))
                .map(|(a, b)| ((a.id, b.id), format!("{}, {}", a.label, b.label)));
            let Some((ids, label)) = pair else { return };
            let known = head.take().filter(|h| h.block == ids.0);
            let mut known = known.unwrap_or_else(|| Head::of(&self.graph, ids.0));
            if self.take("StateFusion", label, |graph, moved| fusion::fuse(graph, &mut known, ids.1, moved)) {
                head = Some(known);
            } else {
                refused.insert(ids);
            }
        }
    }

    fn copies(&mut self) {
        let mut refused: BTreeSet<Name> = BTreeSet::new();
        loop {
            let mut all = redundant::candidates(&self.graph);
            let mut progress = false;
            for at in all.clone() {
                if refused.contains(&at.data) {
                    continue;
                }
                // An edit before may have taken the node away.
                let Some(at) = all.iter().find(|c| c.data == at.data).copied() else { continue };
                let done = self.take("RedundantArray", at.data.to_string(), |graph, moved| {
                    *graph = redundant::remove(graph, &at, moved)?;
                    Ok(())
                });
                if done {
                    progress = true;
                    all = redundant::candidates(&self.graph);
                } else {
                    refused.insert(at.data);
                }
            }
            if !progress {
                return;
            }
            refused.clear();
        }
    }

    fn dead(&mut self) {
        loop {
            let mut progress = false;
            let mut reading = Reading::of(&self.graph);
            for data in reading.candidates(&self.graph) {
                let edited = self.take("DeadDataflowElimination", data.to_string(), |graph, moved| {
                    *graph = dead::eliminate(graph, data, &reading, moved)?;
                    Ok(())
                });
                if edited {
                    progress = true;
                    reading = Reading::of(&self.graph);
                }
            }
            if !progress {
                return;
            }
        }
    }

    fn empty(&mut self) {
        let states = self.graph.states();
        let empty: Vec<(BlockId, Name)> =
            states.iter().filter(|(_, s)| s.is_empty()).map(|(b, _)| (b.id, b.label)).collect();
        for (block, label) in empty {
            self.take("DeadDataflowElimination", label.to_string(), |graph, moved| {
                dead::remove_block(graph, block, moved);
                Ok(())
            });
        }
    }
}
