//! Which transients are still read, and which values a part makes for itself.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, accesses_of_state};
use crate::names::Name;
use crate::sdfg::{Block, BlockId, BlockKind, Region, Sdfg};
use crate::symbolic::{Assumptions, Range, Subset};
use crate::tasklet;

/// For each block, the containers that may be read after it before they are overwritten as a whole.
#[derive(Clone, Debug, Default)]
pub struct Liveness {
    after: BTreeMap<BlockId, BTreeSet<Name>>,
}

impl Liveness {
    pub fn of(sdfg: &Sdfg) -> Liveness {
        let visible: BTreeSet<Name> =
            sdfg.data.iter().filter(|(_, d)| !d.transient).map(|(n, _)| *n).collect();
        let mut liveness = Liveness::default();
        let exits = Exits { after_loop: visible.clone(), loop_start: visible.clone(), end: visible.clone() };
        liveness.region(sdfg, &sdfg.body, visible, &exits);
        liveness
    }

    /// May the container be read after the block?
    pub fn after(&self, block: BlockId, data: Name) -> bool {
        self.after.get(&block).is_none_or(|live| live.contains(&data))
    }

    fn region(
        &mut self,
        sdfg: &Sdfg,
        region: &Region,
        mut live: BTreeSet<Name>,
        exits: &Exits,
    ) -> BTreeSet<Name> {
        for block in region.blocks.iter().rev() {
            self.after.entry(block.id).or_default().extend(live.iter().copied());
            live = self.block(sdfg, block, live, exits);
        }
        live
    }

    fn block(&mut self, sdfg: &Sdfg, block: &Block, live: BTreeSet<Name>, exits: &Exits) -> BTreeSet<Name> {
        match &block.kind {
            BlockKind::State(graph) => {
                let mut before = live;
                for access in accesses_of_state(sdfg, graph).iter().rev() {
                    let whole = access.write
                        && access.wcr.is_none()
                        && access.exact
                        && access.params.is_empty()
                        && sdfg.data.get(&access.data).is_some_and(|d| d.full_subset() == access.subset);
                    if whole {
                        before.remove(&access.data);
                    } else if !access.write || access.wcr.is_some() {
                        before.insert(access.data);
                    }
                }
                before
            }
            BlockKind::Loop { body, .. } => self.repeated(sdfg, body, live, BTreeSet::new(), exits),
            BlockKind::While { cond, body } => self.repeated(sdfg, body, live, reads(cond), exits),
            BlockKind::Conditional { branches, otherwise } => {
                let mut before = self.region(sdfg, otherwise, live.clone(), exits);
                for (cond, body) in branches {
                    before.extend(self.region(sdfg, body, live.clone(), exits));
                    before.extend(reads(cond));
                }
                before
            }
            BlockKind::Assign { value, .. } => live.into_iter().chain(reads(value)).collect(),
            BlockKind::Check { cond, .. } => {
                // A failing check ends the call: what the caller sees counts.
                live.into_iter().chain(reads(cond)).chain(exits.end.iter().copied()).collect()
            }
            BlockKind::Break => exits.after_loop.clone(),
            BlockKind::Continue => exits.loop_start.clone(),
            BlockKind::Return => exits.end.clone(),
        }
    }

    fn repeated(
        &mut self,
        sdfg: &Sdfg,
        body: &Region,
        mut live: BTreeSet<Name>,
        cond: BTreeSet<Name>,
        exits: &Exits,
    ) -> BTreeSet<Name> {
        live.extend(cond);
        let after_loop = live.clone();
        loop {
            let inner =
                Exits { after_loop: after_loop.clone(), loop_start: live.clone(), end: exits.end.clone() };
            let before = self.region(sdfg, body, live.clone(), &inner);
            let count = live.len();
            live.extend(before);
            if live.len() == count {
                return live;
            }
        }
    }
}

struct Exits {
    after_loop: BTreeSet<Name>,
    loop_start: BTreeSet<Name>,
    end: BTreeSet<Name>,
}

fn reads(expr: &tasklet::Expr) -> BTreeSet<Name> {
    expr.vars()
}

/// Is every read of `data` in this list preceded by a write, in the same list, that is sure to
/// have set what is read? The list is what one iteration does, in order.
pub fn written_before_read(data: Name, accesses: &[Access], facts: &Assumptions) -> bool {
    let mut written: Vec<Subset> = vec![];
    for access in accesses.iter().filter(|a| a.data == data) {
        if !access.write || access.wcr.is_some() {
            let Some(read) = access.hull(facts) else { return false };
            if !written.iter().any(|w| w.covers(&read, facts).is_yes()) {
                return false;
            }
        } else if let Some(subset) = certainly_written(access, facts) {
            written.push(subset);
        }
    }
    true
}

/// What is sure to be written by all iterations of the access's parameters together.
fn certainly_written(access: &Access, facts: &Assumptions) -> Option<Subset> {
    if !access.exact || !access.always {
        return None;
    }
    let mut params: Vec<(Name, Range)> = vec![];
    for (name, range) in &access.params {
        match range {
            Some(range) => params.push((*name, range.clone())),
            None if access.subset.contains(*name) => return None,
            None => {}
        }
    }
    let names: Vec<Name> = params.iter().map(|p| p.0).collect();
    let mut used = BTreeSet::new();
    let mut dims = vec![];
    for range in &access.subset.0 {
        if !names.iter().any(|&n| range.contains(n)) {
            dims.push(range.clone());
            continue;
        }
        // Exactly one parameter, with factor one: the index runs over the parameter's range.
        let (coefs, rest) = range.is_index()?.linear(&names)?;
        let mut moving = coefs.iter().enumerate().filter(|(_, c)| **c != 0);
        let ((at, 1), None) = (moving.next()?, moving.next()) else { return None };
        let over = &params[at].1;
        if !used.insert(at) || names.iter().any(|&n| over.contains(n)) {
            return None;
        }
        dims.push(over.offset(&rest));
    }
    // Without an iteration nothing is written at all.
    let runs = |at: usize| used.contains(&at) || params[at].1.is_empty(facts).is_no();
    (0..params.len()).all(runs).then_some(Subset(dims))
}
