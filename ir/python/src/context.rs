//! The state of one import: names, blocks, facts, and what a restart must remember.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ruff_text_size::{Ranged, TextRange};
use weft_ir::analysis::accesses_of_region;
use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::{Block, BlockKind, Data, Guard, Memlet, Region, Sdfg, Span, StateBuilder};
use weft_ir::symbolic::{Assumptions, Expr, Fact, Range, Truth};
use weft_ir::tasklet;

use crate::diagnostic::Diagnostic;
use crate::grow::{Around, Grown, Growth, Site};
use crate::module::Module;
use crate::value::{Closure, Kind, Value, View};

/// Why the evaluation of a statement ended.
#[derive(Clone, Debug)]
pub enum Stop {
    Diag(Box<Diagnostic>),
    /// The reason has been given elsewhere.
    Silent,
    /// What was evaluated always raises; the check that does is in the graph.
    Raises,
}

impl From<Diagnostic> for Stop {
    fn from(d: Diagnostic) -> Stop {
        Stop::Diag(Box::new(d))
    }
}

pub type Res<T> = Result<T, Stop>;

/// The calls and the loop or branch that lead to a place, and a variable.
pub type JoinKey = (Vec<u32>, String);

/// What a variable must be where ways meet: around a loop, after a branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Join {
    /// A scalar container of this kind from the start.
    Kind(Kind),
    /// Not carried: to be assigned before it is read.
    Drop,
    /// An array container from the start, which begins with the value before.
    Carry,
    /// A container from the first assignment on, read afterwards.
    Keep,
    /// As `Carry`, with extents that change.
    Resize,
    /// The variable of a loop that runs to its end: afterwards it is the last item.
    Last,
}

/// What earlier attempts have found out.
#[derive(Default, Debug)]
pub struct Plan {
    /// Symbols whose value the graph depends on.
    pub constants: BTreeMap<Name, i64>,
    /// Extents that are the same as another.
    pub unify: BTreeMap<Name, Name>,
    pub joins: BTreeMap<JoinKey, Join>,
    /// Loops that are written out, by the calls and loops that lead there.
    pub unroll: BTreeSet<Vec<u32>>,
    /// The kinds of variables that are read before they are assigned in the order of the text.
    pub kinds: BTreeMap<JoinKey, Kind>,
    /// Variables in NumPy's kinds that are also given values of this kind of Python's.
    pub doubtful: BTreeMap<JoinKey, Kind>,
    /// Variables that are given numbers in doubt.
    pub unsure: BTreeSet<JoinKey>,
    /// Lists that grow, by the places that make them.
    pub growing: BTreeMap<Site, Growth>,
    /// What is refused on some ways only is refused by the run that goes there.
    pub defer: bool,
}

/// A variable that gets its container where it is assigned first.
#[derive(Clone, Debug)]
pub struct Lazy {
    pub key: JoinKey,
    /// A bool that says whether it has been assigned, where that is not certain.
    pub flag: Option<Name>,
}

/// A variable that lives in a container because a loop or a branch assigns it.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Of a scalar; `None` for arrays.
    pub kind: Option<Kind>,
    /// What the name is now. The extents of arrays that change are symbols.
    pub view: View,
    /// The extents of the container, where those of the view change.
    pub capacity: Option<Vec<Expr>>,
    /// The symbols that hold the extents where ways meet.
    pub sizes: Vec<Name>,
    pub key: JoinKey,
    /// Of a scalar that may be of another kind: a bool that says whether it is not.
    pub flag: Option<Name>,
}

impl Cell {
    pub fn value(&self) -> Value {
        match self.kind {
            Some(kind) => Value::elem(kind, self.view.clone()),
            None => Value::Array(self.view.clone()),
        }
    }
}

/// The names of one (inlined) call.
#[derive(Default, Debug)]
pub struct Frame {
    pub vars: BTreeMap<String, Value>,
    pub cells: BTreeMap<String, Cell>,
    pub function: String,
    pub id: u32,
    /// Of [`Importer::modules`]: where names are looked up last.
    pub module: usize,
    /// The function around the definition, whose names are seen as well.
    pub closure: Option<Arc<Closure>>,
    /// Names that get a container at their first assignment.
    pub lazy: BTreeMap<String, Lazy>,
    /// Of a function that returns out of a loop: a bool that such a `return` sets.
    pub early: Option<Name>,
    /// The calls and loops that lead to the call.
    pub path: Vec<u32>,
    /// How many values the function returns, a tuple's length; known at its first `return`.
    pub returns: Option<Option<usize>>,
}

/// A copy that Python does not make.
#[derive(Clone, Debug)]
pub struct Alias {
    pub copy: Name,
    pub original: Name,
    /// Writes since then are seen under both names.
    pub since: u32,
    pub variable: String,
    /// Another name of the array; none where it is the caller's.
    pub other: Option<String>,
    pub span: Span,
    /// From then on the variable has another array.
    pub until: u32,
    /// Writes when nothing referred to the one that is not written any more.
    pub harmless: Vec<u32>,
}

/// A Python list: its elements, and how deep in loops and branches it was made.
#[derive(Clone, Debug)]
pub struct List {
    pub items: Vec<Value>,
    pub depth: usize,
    /// How many loops around had no count.
    pub whiles: u32,
    /// How many of [`Importer::around`] there were.
    pub around: usize,
    /// Where it was made, if it may grow.
    pub site: Option<Site>,
    /// The container that has the elements instead.
    pub grown: Option<Grown>,
    /// It was copied, and must not change any more.
    pub frozen: bool,
}

/// Builds the graph of one function for one sample of arguments.
pub struct Importer<'a> {
    /// The user's file first, then the functions that are written in Python.
    pub modules: Vec<&'a Module>,
    pub plan: &'a mut Plan,
    pub sdfg: Sdfg,
    pub frames: Vec<Frame>,
    /// Offsets of the calls being inlined and of the loops around.
    pub path: Vec<u32>,
    /// Sample values of the symbols that the arguments give.
    pub values: BTreeMap<Name, i64>,
    pub diags: Vec<Diagnostic>,
    pub results: Option<Vec<crate::results::Returned>>,
    /// Does the function return a value anywhere?
    pub gives_values: bool,
    /// Has a branch or loop returned from the function, so that what follows may not run?
    pub left: bool,
    /// What the next operation's result is called.
    pub hint: Option<String>,
    pub depth: u32,
    /// Loops around, for `break` and the elimination of their variables.
    pub loops: Vec<(Name, Range)>,
    pub loop_depth: u32,
    /// The counted loops around, as [`Plan::unroll`] names them.
    pub around: Vec<Around>,
    /// Loops around that are not among [`Importer::around`].
    pub whiles: u32,
    /// Symbols that decide a branch by themselves.
    pub undecided: BTreeSet<Name>,
    /// Undecided branches around.
    pub open_branches: usize,
    /// Elements of lists, by [`Value::List`].
    pub lists: Vec<List>,
    /// The lists that loops around go over.
    pub iterated: Vec<usize>,
    /// Where calls of functions that are not the user's were written.
    pub at: Option<Span>,
    /// Functions that were inlined so far.
    pub calls: u32,
    /// A bool to set at a `break`, for each loop around.
    pub breaks: Vec<Option<Name>>,
    /// The plan has changed, and this attempt only looks for more that must change.
    pub again: bool,
    /// Copies that stand for views which NumPy would give, and the containers that those are of.
    pub parts: BTreeMap<Name, Name>,
    /// When containers were made.
    pub born: BTreeMap<Name, u32>,
    /// How deep in loops and branches symbols were assigned.
    pub depths: BTreeMap<Name, usize>,
    /// The most that a symbol which data decide can be.
    pub bounds: BTreeMap<Name, Expr>,
    /// Arrays that were copied where Python gives them another name: the copy, the original, when.
    pub aliases: Vec<Alias>,
    /// Cells that the loop or branch which has just ended has closed.
    pub closed: Vec<(String, Cell)>,
    /// Containers that lose their name in the assignment that is being carried out.
    pub moving: Vec<Name>,
    /// Variables of which the kind must be found in this attempt.
    pub wanted: BTreeMap<JoinKey, Span>,
    /// Sample values of floats, by their containers.
    pub floats: BTreeMap<Name, f64>,
    /// Python's numbers of which data decide whether they are floats: a bool that says so, and the sample's.
    pub numbers: BTreeMap<Name, (Name, bool)>,
    /// Results that NumPy may not lay out row by row: it follows its operands.
    pub uneven: BTreeSet<Name>,
    /// Scalars that may be of another kind than they are computed in, by their containers.
    pub doubts: BTreeMap<Name, crate::doubt::Doubt>,
    /// Nothing of what is being built depends on that.
    pub trusting: bool,
    /// Variables that a loop around certainly gives the kind of their container.
    pub certain: BTreeSet<JoinKey>,
    /// Containers that were written in place, and when.
    pub writes: BTreeMap<Name, Vec<u32>>,
    /// Counts writes and copies.
    pub clock: u32,
    /// When the loops around began.
    pub loop_clocks: Vec<u32>,
    frame_ids: u32,
    regions: Vec<Region>,
    taken: BTreeSet<Name>,
    counters: BTreeMap<String, u32>,
    local: Vec<Fact>,
    facts: Assumptions,
    /// The places of the mask that was last asked for, and how many blocks the region had then. Only in
    /// the region where that was.
    pub places: Option<(View, Vec<View>, usize)>,
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

/// As [`fail`], of what Python refuses as well.
pub fn fail_raises<T>(span: Span, reason: impl Into<String>, hint: &str) -> Res<T> {
    let hint = (!hint.is_empty()).then(|| hint.to_string());
    Err(Diagnostic { raises: true, hint, ..Diagnostic::new(span, reason) }.into())
}

pub fn fail_hint<T>(span: Span, reason: impl Into<String>, hint: impl Into<String>) -> Res<T> {
    Err(Diagnostic::new(span, reason).hint(hint).into())
}

impl<'a> Importer<'a> {
    pub fn new(modules: Vec<&'a Module>, plan: &'a mut Plan, name: &str) -> Importer<'a> {
        Importer {
            modules,
            plan,
            sdfg: Sdfg::new(name),
            frames: vec![],
            path: vec![],
            values: BTreeMap::new(),
            diags: vec![],
            results: None,
            gives_values: false,
            left: false,
            hint: None,
            depth: 0,
            loops: vec![],
            loop_depth: 0,
            around: vec![],
            whiles: 0,
            undecided: BTreeSet::new(),
            open_branches: 0,
            lists: vec![],
            iterated: vec![],
            at: None,
            calls: 0,
            breaks: vec![],
            again: false,
            aliases: vec![],
            closed: vec![],
            moving: vec![],
            wanted: BTreeMap::new(),
            floats: BTreeMap::new(),
            numbers: BTreeMap::new(),
            uneven: BTreeSet::new(),
            doubts: BTreeMap::new(),
            trusting: false,
            certain: BTreeSet::new(),
            parts: BTreeMap::new(),
            born: BTreeMap::new(),
            bounds: BTreeMap::new(),
            depths: BTreeMap::new(),
            writes: BTreeMap::new(),
            clock: 0,
            loop_clocks: vec![],
            frame_ids: 0,
            regions: vec![Region::default()],
            taken: BTreeSet::new(),
            counters: BTreeMap::new(),
            local: vec![],
            facts: Assumptions::new(),
            places: None,
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
        self.born.insert(name, self.clock);
        view
    }

    pub fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        self.frames.last_mut().expect("a frame")
    }

    pub fn frame_id(&mut self) -> u32 {
        self.frame_ids += 1;
        self.frame_ids
    }

    /// The module whose code is being evaluated.
    pub fn module(&self) -> &'a Module {
        self.modules[self.frames.last().map_or(0, |f| f.module)]
    }

    /// How many loops and undecided branches are around.
    pub fn nesting(&self) -> usize {
        self.regions.len()
    }

    /// A list that is known element by element.
    pub fn list(&mut self, items: Vec<Value>) -> Value {
        self.lists.push(List {
            items,
            depth: self.nesting(),
            whiles: self.whiles,
            around: self.around.len(),
            site: None,
            grown: None,
            frozen: false,
        });
        Value::List(self.lists.len() - 1)
    }

    /// The elements of a tuple, list or constant range.
    pub fn elements(&self, v: &Value) -> Option<Vec<Value>> {
        match v {
            Value::Tuple(items) => Some(items.clone()),
            Value::List(id) => self.lists.get(*id).filter(|l| l.grown.is_none()).map(|l| l.items.clone()),
            Value::Range(r) => {
                let (begin, step) = (r.begin.as_int()?, r.step.as_int()?);
                let count = r.extent().as_int()?.max(0);
                (count <= 10_000).then(|| (0..count).map(|i| Value::int(begin + i * step)).collect())
            }
            _ => None,
        }
    }

    // ---- blocks ------------------------------------------------------------------------

    pub fn push_region(&mut self) {
        self.places = None;
        self.regions.push(Region::default());
    }

    pub fn pop_region(&mut self) -> Region {
        self.places = None;
        let region = self.regions.pop().unwrap_or_default();
        if self.regions.is_empty() {
            self.regions.push(Region::default());
        }
        region
    }

    /// How many blocks the innermost region has.
    pub fn blocks_here(&self) -> usize {
        self.regions.last().map_or(0, |region| region.blocks.len())
    }

    /// Does a block of the innermost region write the container, from this block on?
    pub fn written_since(&self, data: Name, block: usize) -> bool {
        let blocks = self.regions.last().and_then(|region| region.blocks.get(block..)).unwrap_or_default();
        let region = Region { blocks: blocks.to_vec() };
        accesses_of_region(&self.sdfg, &region).iter().any(|access| access.write && access.data == data)
    }

    pub fn append(&mut self, region: Region) {
        self.regions.last_mut().expect("a region").blocks.extend(region.blocks);
    }

    pub fn block(&mut self, stem: &str, kind: BlockKind, span: Span) {
        let label = self.numbered(stem);
        let span = self.at.unwrap_or(span);
        self.regions.last_mut().expect("a region").push(Block::new(label, kind, Some(span)));
    }

    /// A state with what `build` adds.
    pub fn state(&mut self, span: Span, build: impl FnOnce(&mut StateBuilder<'_>)) {
        let mut builder = StateBuilder::new(&self.sdfg.data, self.facts.clone());
        build(&mut builder);
        let mut graph = builder.finish();
        if let Some(at) = self.at {
            for node in graph.node_ids().collect::<Vec<_>>() {
                graph.set_span(node, Some(at));
            }
        }
        let span = self.at.unwrap_or(span);
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
        self.depths.insert(symbol, self.nesting());
        self.block("assign", BlockKind::Assign { symbol, value }, span);
        symbol
    }

    /// A copy edge between plain views of equal shape.
    pub fn copy_edge(&mut self, from: &View, to: &View, span: Span) {
        self.state(span, |b| {
            let (Some(source), Some(target)) = (from.subset(), to.subset()) else { return };
            let (src, dst) = (b.access(from.base, Some(span)), b.access(to.base, Some(span)));
            b.copy(src, dst, Memlet::copy(from.base, source, target));
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
        self.facts.suggest_in(var, range);
        for fact in scratch.facts().cloned().collect::<Vec<_>>() {
            self.assume(fact);
        }
    }

    /// The extents of arguments are non-negative.
    pub fn rebuild(&mut self) {
        self.facts = self.sdfg.assumptions();
        self.values.iter().for_each(|(&name, &value)| self.facts.suggest(name, value));
        self.loops.iter().for_each(|(var, range)| self.facts.suggest_in(*var, range));
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

    /// The plan has changed. Until the next attempt the statement has no result.
    pub fn restart<T>(&mut self) -> Res<T> {
        self.again = true;
        Err(Stop::Silent)
    }

    /// Symbols of `e` become constants with the sample's values; the import starts again.
    pub fn make_constant<T>(&mut self, e: &Expr, span: Span) -> Res<T> {
        let mut new = false;
        for symbol in e.free_symbols() {
            if let Some(&value) = self.values.get(&symbol) {
                new |= self.plan.constants.insert(symbol, value).is_none();
            }
        }
        if new { self.restart() } else { fail(span, format!("cannot decide '{e}'")) }
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
                // What follows is still true of the sample: go on, and find more.
                self.again = true;
            }
        }
        self.guard(Guard::Zero(a - b));
        Ok(Truth::Yes)
    }

    /// The most that an extent can be, in terms of the arguments; `None` where that is not known.
    pub fn most(&self, e: &Expr) -> Option<Expr> {
        crate::extents::Limits { importer: self }.of(e, true, 0).map(|most| self.facts.simplify(&most))
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
