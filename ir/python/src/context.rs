//! The state of one import: names, blocks, facts, and what a restart must remember.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ruff_text_size::{Ranged, TextRange};
use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::{Block, BlockKind, Data, Guard, Memlet, Region, Sdfg, Span, StateBuilder};
use weft_ir::symbolic::{Assumptions, Expr, Fact, Range, Truth};
use weft_ir::tasklet;

use crate::diagnostic::Diagnostic;
use crate::module::Module;
use crate::value::{Kind, Value, View};

/// Why the evaluation of a statement ended.
#[derive(Clone, Debug)]
pub enum Stop {
    Diag(Box<Diagnostic>),
    /// The reason has been given elsewhere.
    Silent,
    /// The plan has changed: import again.
    Restart,
    /// What was evaluated always raises; the check that does is in the graph.
    Raises,
}

impl From<Diagnostic> for Stop {
    fn from(d: Diagnostic) -> Stop {
        Stop::Diag(Box::new(d))
    }
}

pub type Res<T> = Result<T, Stop>;

/// What a variable that a loop carries must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Join {
    /// A container of this kind from the start.
    Kind(Kind),
    /// Not carried: to be assigned before it is read.
    Drop,
}

/// What earlier attempts have found out.
#[derive(Default, Debug)]
pub struct Plan {
    /// Symbols whose value the graph depends on.
    pub constants: BTreeMap<Name, i64>,
    /// Extents that are the same as another.
    pub unify: BTreeMap<Name, Name>,
    /// By the calls and the loop that lead there, and the variable.
    pub joins: BTreeMap<(Vec<u32>, String), Join>,
}

/// A variable that lives in a container because a loop or a branch assigns it.
#[derive(Clone, Debug)]
pub struct Cell {
    pub kind: Kind,
    pub view: View,
}

/// The names of one (inlined) call.
#[derive(Default, Debug)]
pub struct Frame {
    pub vars: BTreeMap<String, Value>,
    pub cells: BTreeMap<String, Cell>,
    pub function: String,
}

/// Builds the graph of one function for one sample of arguments.
pub struct Importer<'a> {
    pub module: &'a Module,
    pub plan: &'a mut Plan,
    pub sdfg: Sdfg,
    pub frames: Vec<Frame>,
    /// Offsets of the calls being inlined and of the loops around.
    pub path: Vec<u32>,
    /// Sample values of the symbols that the arguments give.
    pub values: BTreeMap<Name, i64>,
    pub diags: Vec<Diagnostic>,
    pub results: Option<Vec<(Kind, Vec<Expr>, bool)>>,
    /// What the next operation's result is called.
    pub hint: Option<String>,
    pub depth: u32,
    /// Loops around, for `break` and the elimination of their variables.
    pub loops: Vec<(Name, Range)>,
    pub loop_depth: u32,
    /// Undecided branches around.
    pub open_branches: usize,
    regions: Vec<Region>,
    taken: BTreeSet<Name>,
    counters: BTreeMap<String, u32>,
    local: Vec<Fact>,
    facts: Assumptions,
}

pub fn span_of(node: &impl Ranged) -> Span {
    span(node.range())
}

pub fn span(range: TextRange) -> Span {
    Span { start: range.start().into(), end: range.end().into() }
}

pub fn fail<T>(span: Span, reason: impl Into<String>) -> Res<T> {
    Err(Diagnostic::new(span, reason).into())
}

pub fn fail_hint<T>(span: Span, reason: impl Into<String>, hint: impl Into<String>) -> Res<T> {
    Err(Diagnostic::new(span, reason).hint(hint).into())
}

impl<'a> Importer<'a> {
    pub fn new(module: &'a Module, plan: &'a mut Plan, name: &str) -> Importer<'a> {
        Importer {
            module,
            plan,
            sdfg: Sdfg::new(name),
            frames: vec![],
            path: vec![],
            values: BTreeMap::new(),
            diags: vec![],
            results: None,
            hint: None,
            depth: 0,
            loops: vec![],
            loop_depth: 0,
            open_branches: 0,
            regions: vec![Region::default()],
            taken: BTreeSet::new(),
            counters: BTreeMap::new(),
            local: vec![],
            facts: Assumptions::new(),
        }
    }

    // ---- names -------------------------------------------------------------------------

    /// A name that nothing has: `base`, else `base_0`, ….
    pub fn fresh(&mut self, base: &str) -> Name {
        let first = Name::new(base);
        if self.taken.insert(first) {
            return first;
        }
        self.numbered(base)
    }

    /// `base_0`, `base_1`, …
    pub fn numbered(&mut self, base: &str) -> Name {
        loop {
            let counter = self.counters.entry(base.to_string()).or_insert(0);
            let name = Name::new(&format!("{base}_{counter}"));
            *counter += 1;
            if self.taken.insert(name) {
                return name;
            }
        }
    }

    /// A new transient, called by the hint or `base`.
    pub fn transient(&mut self, base: &str, dtype: DType, shape: Vec<Expr>) -> View {
        let name = match self.hint.take() {
            Some(hint) => self.fresh(&hint),
            None => self.numbered(base),
        };
        let view = View::full(name, dtype, &shape);
        self.sdfg.data.insert(name, Data::array(dtype, shape, true));
        view
    }

    pub fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        self.frames.last_mut().expect("a frame")
    }

    // ---- blocks ------------------------------------------------------------------------

    pub fn push_region(&mut self) {
        self.regions.push(Region::default());
    }

    pub fn pop_region(&mut self) -> Region {
        let region = self.regions.pop().unwrap_or_default();
        if self.regions.is_empty() {
            self.regions.push(Region::default());
        }
        region
    }

    pub fn append(&mut self, region: Region) {
        self.regions.last_mut().expect("a region").blocks.extend(region.blocks);
    }

    pub fn block(&mut self, stem: &str, kind: BlockKind, span: Span) {
        let label = self.numbered(stem);
        self.regions.last_mut().expect("a region").push(Block::new(label, kind, Some(span)));
    }

    /// A state with what `build` adds.
    pub fn state(&mut self, span: Span, build: impl FnOnce(&mut StateBuilder<'_>)) {
        let mut builder = StateBuilder::new(&self.sdfg.data, self.facts.clone());
        build(&mut builder);
        let graph = builder.finish();
        let label = self.numbered("s");
        let block = Block { span: Some(span), ..Block::new(label, BlockKind::State(graph), None) };
        self.regions.last_mut().expect("a region").blocks.push(Arc::new(block));
    }

    pub fn check(&mut self, cond: tasklet::Expr, message: impl Into<String>, span: Span) {
        self.block("check", BlockKind::Check { cond, message: message.into() }, span);
    }

    /// A new symbol with this value, as it is now.
    pub fn assign_symbol(&mut self, base: &str, value: tasklet::Expr, span: Span) -> Name {
        let symbol = self.fresh(base);
        self.block("assign", BlockKind::Assign { symbol, value }, span);
        symbol
    }

    /// A copy edge between plain views of equal shape.
    pub fn copy_edge(&mut self, from: &View, to: &View, span: Span) {
        self.state(span, |b| {
            let (src, dst) = (b.access(from.base, Some(span)), b.access(to.base, Some(span)));
            b.copy(src, dst, Memlet::copy(from.base, from.subset(), to.subset()));
        });
    }

    // ---- facts -------------------------------------------------------------------------

    pub fn facts(&self) -> &Assumptions {
        &self.facts
    }

    /// Facts that hold until [`Importer::forget`].
    pub fn mark(&self) -> usize {
        self.local.len()
    }

    pub fn forget(&mut self, mark: usize) {
        if self.local.len() > mark {
            self.local.truncate(mark);
            self.rebuild();
        }
    }

    pub fn assume(&mut self, fact: Fact) {
        self.facts.assume(fact.clone());
        self.local.push(fact);
    }

    pub fn assume_in(&mut self, var: Name, range: &Range) {
        let mut scratch = Assumptions::new();
        scratch.assume_in(var, range);
        for fact in scratch.facts().cloned().collect::<Vec<_>>() {
            self.assume(fact);
        }
    }

    /// The extents of arguments are non-negative.
    pub fn rebuild(&mut self) {
        self.facts = self.sdfg.assumptions();
        for fact in &self.local {
            self.facts.assume(fact.clone());
        }
    }

    fn guard(&mut self, guard: Guard) {
        match &guard {
            Guard::NonNegative(e) => self.facts.assume_ge(e, &Expr::zero()),
            Guard::Zero(e) => self.facts.assume_eq(e, &Expr::zero()),
        }
        if !self.sdfg.guards.contains(&guard) {
            self.sdfg.guards.push(guard);
        }
    }

    /// The value on the sample, if only the arguments decide.
    pub fn on_sample(&self, e: &Expr) -> Option<i64> {
        e.eval(&|n| self.values.get(&n).copied()).ok()
    }

    /// Symbols of `e` become constants with the sample's values; the import starts again.
    pub fn make_constant<T>(&mut self, e: &Expr, span: Span) -> Res<T> {
        let mut new = false;
        for symbol in e.free_symbols() {
            if let Some(&value) = self.values.get(&symbol) {
                new |= self.plan.constants.insert(symbol, value).is_none();
            }
        }
        if new { Err(Stop::Restart) } else { fail(span, format!("cannot decide '{e}'")) }
    }

    /// Is `e >= 0`? A fact about arguments only is decided: by a guard if the sample agrees,
    /// else by making its symbols constant. `Unknown` is left for what loops and data decide.
    pub fn nonneg(&mut self, e: &Expr, span: Span) -> Res<Truth> {
        let truth = self.facts.nonneg(e);
        if truth != Truth::Unknown {
            return Ok(truth);
        }
        match self.on_sample(e) {
            Some(v) if v >= 0 => {
                self.guard(Guard::NonNegative(e.clone()));
                Ok(Truth::Yes)
            }
            Some(_) => self.make_constant(e, span),
            None => Ok(Truth::Unknown),
        }
    }

    /// Like [`Importer::nonneg`], and guards the worst case over the loops around where the sample agrees.
    pub fn nonneg_everywhere(&mut self, e: &Expr, span: Span) -> Res<Truth> {
        let truth = self.nonneg(e, span)?;
        if truth != Truth::Unknown {
            return Ok(truth);
        }
        let mut worst = e.clone();
        for (var, range) in self.loops.clone().iter().rev() {
            let Some((coefs, _)) = worst.linear(&[*var]) else { return Ok(Truth::Unknown) };
            let up = range.step.as_int().unwrap_or(1) > 0;
            let (low, high) = if up {
                (range.begin.clone(), &range.end - 1)
            } else {
                (&range.end + 1, range.begin.clone())
            };
            let at = if coefs[0] < 0 { high } else { low };
            worst = worst.subst1(*var, &at);
        }
        if self.facts.nonneg(&worst).is_yes() {
            return Ok(Truth::Yes);
        }
        match self.on_sample(&worst) {
            Some(v) if v >= 0 => {
                self.guard(Guard::NonNegative(worst));
                // The prover need not see that the worst case implies it.
                self.assume(Fact::NonNeg(e.clone()));
                Ok(Truth::Yes)
            }
            _ => Ok(Truth::Unknown),
        }
    }

    /// Are two extents equal? Decided for what arguments decide.
    pub fn same(&mut self, a: &Expr, b: &Expr) -> Res<Truth> {
        let truth = self.facts.eq(a, b);
        if truth != Truth::Unknown || a == b {
            return Ok(if a == b { Truth::Yes } else { truth });
        }
        let (Some(va), Some(vb)) = (self.on_sample(a), self.on_sample(b)) else { return Ok(Truth::Unknown) };
        if va != vb {
            return Ok(Truth::No);
        }
        if let (Some(x), Some(y)) = (a.as_sym(), b.as_sym()) {
            let args = &self.sdfg.args;
            // An integer parameter keeps its name.
            let (keep, drop) = if args.contains(&y) { (y, x) } else { (x, y) };
            if !args.contains(&drop) && self.plan.unify.insert(drop, keep).is_none() {
                return Err(Stop::Restart);
            }
        }
        self.guard(Guard::Zero(a - b));
        Ok(Truth::Yes)
    }

    /// The graph, with the body that was built.
    pub fn finish(&mut self) -> Sdfg {
        self.sdfg.body = self.pop_region();
        let guards = std::mem::take(&mut self.sdfg.guards);
        let mut kept: Vec<Guard> = vec![];
        for (i, guard) in guards.iter().enumerate() {
            let Guard::NonNegative(e) = guard else {
                kept.push(guard.clone());
                continue;
            };
            self.sdfg.guards = kept.iter().chain(&guards[i + 1..]).cloned().collect();
            if !self.sdfg.assumptions().nonneg(e).is_yes() {
                kept.push(guard.clone());
            }
        }
        self.sdfg.guards = kept;
        std::mem::replace(&mut self.sdfg, Sdfg::new("done"))
    }

    /// A name that the graph has from the start.
    pub fn reserve(&mut self, name: Name) {
        self.taken.insert(name);
    }
}
