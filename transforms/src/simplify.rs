//! `simplify`: StateFusion, InlineSDFG, RedundantArray and DeadDataflowElimination to a fixed point.

use std::collections::BTreeSet;

use weft_ir::Name;
use weft_ir::analysis::Liveness;
use weft_ir::sdfg::{BlockId, NodeId, Sdfg, Verified, verify};

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
        return (result, fast.recipe, fast.forwarding);
    }
    let careful = Simplifier::new(graph, true).run();
    match verify(careful.graph) {
        Ok(result) => (result, careful.recipe, careful.forwarding),
        Err(_) => (graph.clone(), Recipe::default(), Forwarding::default()),
    }
}

struct Simplifier {
    graph: Sdfg,
    recipe: Recipe,
    forwarding: Forwarding,
    careful: bool,
    changed: bool,
}

impl Simplifier {
    fn new(graph: &Sdfg, careful: bool) -> Simplifier {
        Simplifier {
            graph: graph.clone(),
            recipe: Recipe::default(),
            forwarding: Forwarding::default(),
            careful,
            changed: true,
        }
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

    /// Takes an edit over, if it is one.
    fn take(
        &mut self,
        transform: &str,
        at: String,
        edit: impl FnOnce(&Sdfg, &mut Forwarding) -> Result<Sdfg, Refusal>,
    ) -> bool {
        let mut moved = Forwarding::default();
        let Ok(edited) = edit(&self.graph, &mut moved) else { return false };
        if self.careful && verify(edited.clone()).is_err() {
            return false;
        }
        self.graph = edited;
        self.forwarding = std::mem::take(&mut self.forwarding).then(&moved);
        self.recipe.0.push(Step { transform: transform.to_string(), at, params: Settings::new() });
        self.changed = true;
        true
    }

    fn inline(&mut self) {
        let mut refused: BTreeSet<NodeId> = BTreeSet::new();
        while let Some(at) = inline::candidates(&self.graph).into_iter().find(|c| !refused.contains(&c.node))
        {
            let label = at.label.to_string();
            if !self.take("InlineSDFG", label, |graph, moved| inline::inline(graph, &at, moved)) {
                refused.insert(at.node);
            }
        }
    }

    fn fuse(&mut self) {
        let mut refused: BTreeSet<(BlockId, BlockId)> = BTreeSet::new();
        loop {
            let pair = fusion::pairs(&self.graph)
                .into_iter()
                .map(|(a, b)| ((a.id, b.id), format!("{}, {}", a.label, b.label)))
                .find(|(ids, _)| !refused.contains(ids));
            let Some((ids, label)) = pair else { return };
            if !self.take("StateFusion", label, |graph, moved| fusion::fuse(graph, ids.0, ids.1, moved)) {
                refused.insert(ids);
            }
        }
    }

    fn copies(&mut self) {
        let mut refused: BTreeSet<Name> = BTreeSet::new();
        loop {
            let all = redundant::candidates(&self.graph);
            let mut progress = false;
            for at in all.into_iter().filter(|c| !refused.contains(&c.data)).collect::<Vec<_>>() {
                // An edit before may have taken the node away.
                let now = redundant::candidates(&self.graph).into_iter().find(|c| c.data == at.data);
                let Some(at) = now else { continue };
                let done = self.take("RedundantArray", at.data.to_string(), |graph, moved| {
                    redundant::remove(graph, &at, moved)
                });
                if done {
                    progress = true;
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
            // What is live changes with an edit only.
            let mut live: Option<Liveness> = None;
            for data in dead::candidates(&self.graph) {
                let known = live.take().unwrap_or_else(|| Liveness::of(&self.graph));
                let edited = self.take("DeadDataflowElimination", data.to_string(), |graph, moved| {
                    dead::eliminate(graph, data, &known, moved)
                });
                progress |= edited;
                live = Some(known).filter(|_| !edited);
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
                let mut edited = graph.clone();
                dead::remove_block(&mut edited, block, moved);
                Ok(edited)
            });
        }
    }
}
