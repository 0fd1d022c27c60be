//! Which transients are still read, and which values a part makes for itself.

use std::collections::{BTreeSet, HashMap};

use super::access::{Access, accesses_of_state};
use crate::names::Name;
use crate::sdfg::{Block, BlockId, BlockKind, Region, Sdfg, StateGraph};
use crate::symbolic::{Assumptions, Range, Subset};
use crate::tasklet;

/// For each block, the containers that may be read after it before they are overwritten as a whole.
#[derive(Clone, Debug, Default)]
pub struct Liveness {
    index: HashMap<Name, usize>,
    after: HashMap<BlockId, Names>,
}

impl Liveness {
    pub fn of(sdfg: &Sdfg) -> Liveness {
        let index: HashMap<Name, usize> = sdfg.data.keys().enumerate().map(|(i, n)| (*n, i)).collect();
        let mut visible = Names::none(index.len());
        for (name, _) in sdfg.data.iter().filter(|(_, d)| !d.transient) {
            visible.insert(index[name]);
        }
        let mut finder =
            Finder { sdfg, live: Liveness { index, after: HashMap::new() }, states: HashMap::new() };
        let exits = Exits { after_loop: visible.clone(), loop_start: visible.clone(), end: visible.clone() };
        finder.region(&sdfg.body, visible, &exits);
        finder.live
    }

    /// May the container be read after the block?
    pub fn after(&self, block: BlockId, data: Name) -> bool {
        let known = self.after.get(&block).zip(self.index.get(&data));
        known.is_none_or(|(live, at)| live.contains(*at))
    }
}

/// A set of containers, by their places in the graph's list of them.
#[derive(Clone, PartialEq, Debug)]
struct Names(Vec<u64>);

impl Names {
    fn none(of: usize) -> Names {
        Names(vec![0; of.div_ceil(64)])
    }

    fn contains(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn remove(&mut self, at: usize) {
        self.0[at / 64] &= !(1 << (at % 64));
    }

    fn add(&mut self, others: &Names) {
        self.0.iter_mut().zip(&others.0).for_each(|(a, b)| *a |= b);
    }

    fn take_away(&mut self, others: &Names) {
        self.0.iter_mut().zip(&others.0).for_each(|(a, b)| *a &= !b);
    }
}

struct Finder<'g> {
    sdfg: &'g Sdfg,
    live: Liveness,
    /// What a state overwrites as a whole before it reads it, and what it may read before. A state in loops
    /// is asked repeatedly.
    states: HashMap<BlockId, (Names, Names)>,
}

impl Finder<'_> {
    fn region(&mut self, region: &Region, mut live: Names, exits: &Exits) -> Names {
        for block in region.blocks.iter().rev() {
            let after = self.live.after.entry(block.id);
            after.and_modify(|known| known.add(&live)).or_insert_with(|| live.clone());
            live = self.block(block, live, exits);
        }
        live
    }

    fn block(&mut self, block: &Block, mut live: Names, exits: &Exits) -> Names {
        match &block.kind {
            BlockKind::State(graph) => {
                if !self.states.contains_key(&block.id) {
                    let found = self.state(graph);
                    self.states.insert(block.id, found);
                }
                let (overwritten, read) = &self.states[&block.id];
                live.take_away(overwritten);
                live.add(read);
                live
            }
            BlockKind::Loop { body, .. } => self.repeated(body, live, exits),
            BlockKind::While { cond, body } => {
                live.add(&self.reads(cond));
                self.repeated(body, live, exits)
            }
            BlockKind::Conditional { branches, otherwise } => {
                let mut before = self.region(otherwise, live.clone(), exits);
                for (cond, body) in branches {
                    before.add(&self.region(body, live.clone(), exits));
                    before.add(&self.reads(cond));
                }
                before
            }
            BlockKind::Assign { value, .. } => {
                live.add(&self.reads(value));
                live
            }
            BlockKind::Check { cond, .. } => {
                // A failing check ends the call: what the caller sees counts.
                live.add(&self.reads(cond));
                live.add(&exits.end);
                live
            }
            BlockKind::Break => exits.after_loop.clone(),
            BlockKind::Continue => exits.loop_start.clone(),
            BlockKind::Return => exits.end.clone(),
        }
    }

    fn state(&self, graph: &StateGraph) -> (Names, Names) {
        let (mut overwritten, mut read) = (self.nothing(), self.nothing());
        for access in accesses_of_state(self.sdfg, graph).iter().rev() {
            let Some(&at) = self.live.index.get(&access.data) else { continue };
            let whole = access.write
                && access.wcr.is_none()
                && access.exact
                && access.params.is_empty()
                && self.sdfg.data.get(&access.data).is_some_and(|d| d.full_subset() == access.subset);
            if whole {
                overwritten.insert(at);
                read.remove(at);
            } else if !access.write || access.wcr.is_some() {
                read.insert(at);
                overwritten.remove(at);
            }
        }
        (overwritten, read)
    }

    fn repeated(&mut self, body: &Region, mut live: Names, exits: &Exits) -> Names {
        let after_loop = live.clone();
        loop {
            let inner =
                Exits { after_loop: after_loop.clone(), loop_start: live.clone(), end: exits.end.clone() };
            let before = self.region(body, live.clone(), &inner);
            let known = live.clone();
            live.add(&before);
            if live == known {
                return live;
            }
        }
    }

    fn reads(&self, expr: &tasklet::Expr) -> Names {
        let mut found = self.nothing();
        expr.vars().iter().filter_map(|name| self.live.index.get(name)).for_each(|at| found.insert(*at));
        found
    }

    fn nothing(&self) -> Names {
        Names::none(self.live.index.len())
    }
}

struct Exits {
    after_loop: Names,
    loop_start: Names,
    end: Names,
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
