//! Loops and branches as a state machine, in the shapes that DaCe finds loops and branches in.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Names, python};
use super::names::Renames;
use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::sdfg::{Block, BlockKind, Data, Region, Sdfg, StateGraph};
use crate::symbolic::{Expr, Range};
use crate::tasklet;

pub struct FlatState<'g> {
    pub label: String,
    pub graph: Option<&'g StateGraph>,
}

pub struct FlatEdge {
    pub src: usize,
    pub dst: usize,
    /// `1` where it always holds.
    pub condition: String,
    /// Symbols and values.
    pub assignments: Vec<(String, String)>,
}

pub struct Flat<'g> {
    pub states: Vec<FlatState<'g>>,
    pub edges: Vec<FlatEdge>,
    /// Symbols that edges assign.
    pub assigned: BTreeSet<Name>,
}

/// Where `break`, `continue` and `return` go.
#[derive(Clone, Copy, Default)]
struct Targets<'g> {
    after: Option<usize>,
    again: Option<(usize, Option<(Name, &'g Range)>)>,
}

pub struct Flattener<'g, 'r> {
    flat: Flat<'g>,
    labels: BTreeSet<String>,
    renames: &'r mut Renames,
    data: &'g BTreeMap<Name, Data>,
    /// Containers of one element that are arrays in DaCe.
    boxed: &'r BTreeSet<Name>,
    end: Option<usize>,
}

pub fn flatten<'g>(sdfg: &'g Sdfg, renames: &mut Renames, boxed: &BTreeSet<Name>) -> Flat<'g> {
    let flat = Flat { states: vec![], edges: vec![], assigned: BTreeSet::new() };
    let mut f = Flattener { flat, labels: BTreeSet::new(), renames, data: &sdfg.data, boxed, end: None };
    let first = match sdfg.body.blocks.first() {
        // The first state may as well be the start.
        Some(block) if block.state().is_some() => None,
        _ => Some(f.state("start", None)),
    };
    let last = f.region(&sdfg.body, first, Targets::default());
    if let (Some(last), Some(end)) = (last, f.end) {
        f.go(last, end);
    }
    f.flat
}

impl<'g> Flattener<'g, '_> {
    fn state(&mut self, label: &str, graph: Option<&'g StateGraph>) -> usize {
        let base = super::names::identifier(label);
        let mut label = base.clone();
        let mut i = 0;
        while !self.labels.insert(label.clone()) {
            label = format!("{base}_{i}");
            i += 1;
        }
        self.flat.states.push(FlatState { label, graph });
        self.flat.states.len() - 1
    }

    fn edge(&mut self, src: usize, dst: usize, condition: String, assignments: Vec<(String, String)>) {
        self.flat.edges.push(FlatEdge { src, dst, condition, assignments });
    }

    fn go(&mut self, src: usize, dst: usize) {
        self.edge(src, dst, "1".into(), vec![]);
    }

    fn symbolic(&self, e: &Expr) -> String {
        e.subst(&|n| Some(Expr::sym(self.renames.find(n)))).to_dace()
    }

    fn code(&self, e: &tasklet::Expr) -> String {
        let var = |name: Name| {
            let new = self.renames.find(name);
            if self.boxed.contains(&name) { format!("{new}[0]") } else { new.to_string() }
        };
        // C++ widens integers by itself; DaCe's conditions have no casts.
        let types = |n: Name| self.data.get(&n).map(|d| d.dtype);
        let narrow =
            |e: &tasklet::Expr| tasklet::type_of(e, &types).is_ok_and(|t| t.is_int() || t == DType::Bool);
        let e = e.map(&|e| match e {
            tasklet::Expr::Cast(DType::I64, inner) if narrow(&inner) => *inner,
            tasklet::Expr::Cast(DType::Bool, inner) => match tasklet::type_of(&inner, &types) {
                Ok(t) if t.is_int() => {
                    tasklet::Expr::bin(tasklet::BinOp::Ne, *inner, tasklet::Expr::Lit(Scalar::Int(t, 0)))
                }
                Ok(DType::F64) => tasklet::Expr::bin(tasklet::BinOp::Ne, *inner, tasklet::Expr::f64(0.0)),
                _ => tasklet::Expr::Cast(DType::Bool, inner),
            },
            other => other,
        });
        python(&e, &Names { var: &var, symbol: &|n| self.renames.find(n), types: None })
    }

    /// Emits blocks after `at`; the state where control is afterwards, if it gets there.
    fn region(&mut self, region: &'g Region, at: Option<usize>, targets: Targets<'g>) -> Option<usize> {
        let mut at = at;
        let starting = self.flat.states.is_empty();
        for (i, block) in region.blocks.iter().enumerate() {
            if at.is_none() && !(starting && i == 0) {
                // What follows a jump is never reached.
                return None;
            }
            at = self.block(block, at, targets);
        }
        at
    }

    fn block(&mut self, block: &'g Block, at: Option<usize>, targets: Targets<'g>) -> Option<usize> {
        let label = block.label.as_str();
        if let BlockKind::State(graph) = &block.kind {
            let state = self.state(label, Some(graph));
            if let Some(at) = at {
                self.go(at, state);
            }
            return Some(state);
        }
        let at = at?;
        match &block.kind {
            BlockKind::State(_) => None,
            BlockKind::Loop { var, range, body } => Some(self.for_loop(label, *var, range, body, at)),
            BlockKind::While { cond, body } => {
                let guard = self.state(&format!("{label}_guard"), None);
                let inside = self.state(&format!("{label}_body"), None);
                let after = self.state(&format!("{label}_end"), None);
                self.go(at, guard);
                let cond = self.code(cond);
                self.edge(guard, inside, cond.clone(), vec![]);
                self.edge(guard, after, format!("(not {cond})"), vec![]);
                let inner = Targets { after: Some(after), again: Some((guard, None)) };
                if let Some(end) = self.region(body, Some(inside), inner) {
                    self.go(end, guard);
                }
                Some(after)
            }
            BlockKind::Conditional { branches, otherwise } => {
                self.conditional(label, branches, otherwise, at, targets)
            }
            BlockKind::Assign { symbol, value } => {
                let next = self.state(label, None);
                // C++ converts to the symbol's type by itself.
                let value = match value {
                    tasklet::Expr::Cast(DType::I64, inner) => self.code(inner),
                    value => self.code(value),
                };
                let name = self.renames.find(*symbol);
                self.flat.assigned.insert(*symbol);
                self.edge(at, next, "1".into(), vec![(name.to_string(), value)]);
                Some(next)
            }
            // DaCe has no checks; the text form in the file keeps them.
            BlockKind::Check { .. } => Some(at),
            BlockKind::Break => {
                if let Some(after) = targets.after {
                    self.go(at, after);
                }
                None
            }
            BlockKind::Continue => {
                if let Some((guard, step)) = targets.again {
                    let next = step.map(|(var, range)| self.stepped(var, range));
                    self.edge(at, guard, "1".into(), next.into_iter().collect());
                }
                None
            }
            BlockKind::Return => {
                let end = match self.end {
                    Some(end) => end,
                    None => {
                        let end = self.state("end", None);
                        self.end = Some(end);
                        end
                    }
                };
                self.go(at, end);
                None
            }
        }
    }

    fn stepped(&self, var: Name, range: &Range) -> (String, String) {
        let name = self.renames.find(var);
        (name.to_string(), format!("({name} + {})", self.symbolic(&range.step)))
    }

    fn for_loop(&mut self, label: &str, var: Name, range: &'g Range, body: &'g Region, at: usize) -> usize {
        let name = self.renames.find(var);
        self.flat.assigned.insert(var);
        let mut init = vec![(name.to_string(), self.symbolic(&range.begin))];
        // The range is evaluated once: an end that the body changes is kept aside.
        let mut changed = BTreeSet::new();
        body.walk(&mut |block| match &block.kind {
            BlockKind::Assign { symbol, .. } => {
                changed.insert(*symbol);
            }
            BlockKind::Loop { var, .. } => {
                changed.insert(*var);
            }
            _ => {}
        });
        changed.insert(var);
        let end = if range.end.free_symbols().is_disjoint(&changed) {
            self.symbolic(&range.end)
        } else {
            let kept = self.renames.fresh(&format!("{name}_end"));
            self.flat.assigned.insert(kept);
            init.push((kept.to_string(), self.symbolic(&range.end)));
            kept.to_string()
        };
        let backward = range.step.as_int().is_some_and(|s| s < 0);
        let cond = format!("({name} {} {end})", if backward { ">" } else { "<" });
        let guard = self.state(&format!("{label}_guard"), None);
        let inside = self.state(&format!("{label}_body"), None);
        let after = self.state(&format!("{label}_end"), None);
        self.edge(at, guard, "1".into(), init);
        self.edge(guard, inside, cond.clone(), vec![]);
        self.edge(guard, after, format!("(not {cond})"), vec![]);
        let targets = Targets { after: Some(after), again: Some((guard, Some((var, range)))) };
        if let Some(end) = self.region(body, Some(inside), targets) {
            let next = self.stepped(var, range);
            self.edge(end, guard, "1".into(), vec![next]);
        }
        after
    }

    fn conditional(
        &mut self,
        label: &str,
        branches: &'g [(tasklet::Expr, Region)],
        otherwise: &'g Region,
        at: usize,
        targets: Targets<'g>,
    ) -> Option<usize> {
        let mut ends = vec![];
        // Each condition is asked in a state of its own: if, else (if, else (…)).
        let mut from = at;
        for (i, (cond, body)) in branches.iter().enumerate() {
            let cond = self.code(cond);
            let inside = self.state(&format!("{label}_then"), None);
            let other = self.state(&format!("{label}_else"), None);
            self.edge(from, inside, cond.clone(), vec![]);
            self.edge(from, other, format!("(not {cond})"), vec![]);
            ends.push((i, self.region(body, Some(inside), targets)));
            from = other;
        }
        ends.push((branches.len(), self.region(otherwise, Some(from), targets)));
        if ends.iter().all(|(_, end)| end.is_none()) {
            return None;
        }
        // Branches close from the inside out, so that every question has its own meeting point.
        let mut joined = ends.pop().and_then(|(_, end)| end);
        while let Some((_, end)) = ends.pop() {
            let meet = self.state(&format!("{label}_join"), None);
            for from in [end, joined].into_iter().flatten() {
                self.go(from, meet);
            }
            joined = if end.is_none() && joined.is_none() { None } else { Some(meet) };
        }
        joined
    }
}
