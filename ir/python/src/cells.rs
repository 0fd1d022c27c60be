//! Variables that loops and branches assign.
//!
//! A scalar that a loop or branch assigns becomes a container (a cell) before it; its kind must be the
//! same on every way. An array becomes one where it is read before it is assigned again, or afterwards:
//! assigning copies into the container. Python gives the array another name instead, which is the same
//! unless one of the two is then written in place: [`Importer::check_aliases`] finds that.

use std::collections::{BTreeMap, BTreeSet};

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Span};
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp};

use crate::context::{Alias, Cell, Importer, Join, JoinKey, Lazy, Res, Stop, fail_hint};
use crate::diagnostic::Diagnostic;
use crate::doubt::{same_type, stands_for};
use crate::value::{Kind, Num, Src, Stale, Value, View};

const LOOP_CARRIED: &str = "is given another array inside of a loop";
const ONE_BRANCH: &str = "is not the same after all branches";
const AFTER_LOOP: &str = "is assigned inside of a loop that may not run";

/// What to undo where a loop or branch ends.
#[derive(Default)]
pub struct Opened {
    cells: Vec<String>,
    lazy: Vec<String>,
    /// Names that have no container, or none from the start, and what they were.
    loose: Vec<(String, Option<Value>)>,
    /// Names that got a container around, and whether they were assigned for certain before.
    around: Vec<(String, bool)>,
}

impl Opened {
    /// Is there no name whose assignment must be certain?
    pub fn is_empty(&self) -> bool {
        self.lazy.is_empty() && self.around.is_empty()
    }
}

impl Importer<'_> {
    pub fn join_key(&self, name: &str) -> JoinKey {
        (self.path.clone(), name.to_string())
    }

    /// Makes cells of what `names` assigns; `rebound` are those of them that are given another value.
    pub fn open(
        &mut self,
        names: &BTreeSet<String>,
        rebound: &BTreeSet<String>,
        is_loop: bool,
        span: Span,
    ) -> Res<Opened> {
        let mut opened = Opened::default();
        for name in names {
            let value = self.frame().vars.get(name).cloned();
            if self.frame().cells.contains_key(name) || self.frame().lazy.contains_key(name) {
                if rebound.contains(name) {
                    self.keep_others(name, true, span);
                }
                let certain = matches!(value, Some(Value::Num(_) | Value::Array(_)));
                opened.around.push((name.clone(), certain));
                continue;
            }
            let key = self.join_key(name);
            let join = self.plan.joins.get(&key).copied();
            match (value, join) {
                (Some(Value::Num(num)), join) if !matches!(join, Some(Join::Drop | Join::Keep)) => {
                    let kind = match join {
                        Some(Join::Kind(kind)) => kind,
                        _ => num.kind,
                    };
                    self.open_scalar(name, kind, Some(Value::Num(num)), key, span)?;
                    opened.cells.push(name.clone());
                }
                (None | Some(Value::Stale(_)), Some(Join::Kind(kind))) => {
                    self.open_scalar(name, kind, None, key, span)?;
                    opened.cells.push(name.clone());
                }
                (Some(Value::Array(view)), Some(join @ (Join::Carry | Join::Resize))) => {
                    self.open_array(name, &view, join == Join::Resize, key, span)?;
                    opened.cells.push(name.clone());
                }
                (Some(Value::Array(_)), _) if !rebound.contains(name) => {}
                (Some(Value::Poison), _) => {}
                (Some(Value::Maybe(before, flag)), _) => {
                    let lazy = Lazy { key: key.clone(), flag: Some(flag) };
                    self.frame().lazy.insert(name.clone(), lazy);
                    let (kind, view) = match &*before {
                        Value::Num(Num { kind, src: Src::Elem(view) }) => (Some(*kind), view.clone()),
                        Value::Array(view) => (None, view.clone()),
                        _ => continue,
                    };
                    self.add_cell(
                        name,
                        Cell { kind, view, capacity: None, sizes: vec![], key, flag: None },
                        false,
                    );
                    opened.lazy.push(name.clone());
                    opened.loose.push((name.clone(), Some(Value::Maybe(before, flag))));
                }
                (before, Some(Join::Keep)) => {
                    let flag = self.flag("assigned", span)?;
                    let lazy = Lazy { key: key.clone(), flag: Some(flag) };
                    self.frame().lazy.insert(name.clone(), lazy);
                    opened.lazy.push(name.clone());
                    if let Some(kind) = self.plan.kinds.get(&key).copied() {
                        self.open_scalar(name, kind, None, key, span)?;
                        self.uncertain(name);
                    } else if is_loop {
                        let fix = Some((key, Join::Keep));
                        self.frame()
                            .vars
                            .insert(name.clone(), Value::Stale(Stale { why: LOOP_CARRIED, fix }));
                    }
                    opened.loose.push((name.clone(), before));
                }
                (before, _) => {
                    if is_loop {
                        let fix = match &before {
                            Some(Value::Array(_)) => Some((key, Join::Carry)),
                            _ => Some((key, Join::Keep)),
                        };
                        let why = if before.is_some() { LOOP_CARRIED } else { crate::stmt::UNASSIGNED };
                        self.frame().vars.insert(name.clone(), Value::Stale(Stale { why, fix }));
                    }
                    opened.loose.push((name.clone(), before));
                }
            }
        }
        Ok(opened)
    }

    /// A variable that lives in a container is given another array: other names keep the one that they have.
    /// `may_stay` where the variable may keep it too, so that both are names of one array.
    fn keep_others(&mut self, name: &str, may_stay: bool, span: Span) {
        let Some(cell) = self.frame().cells.get(name).cloned() else { return };
        let base = cell.view.base;
        let last = self.frames.len().saturating_sub(1);
        let others = self.frames.iter().enumerate().any(|(i, frame)| {
            let same = |n: &String| i == last && n == name;
            frame.vars.iter().any(|(n, v)| !same(n) && cell.kind.is_none() && mentions(v, base))
        });
        if !others {
            return;
        }
        let hint = self.hint.take();
        let old = self.materialize(&cell.view, cell.view.dtype, span);
        self.hint = hint;
        for (i, frame) in self.frames.iter_mut().enumerate() {
            for (n, value) in frame.vars.iter_mut().filter(|(n, _)| !(i == last && *n == name)) {
                let is_cell = frame.cells.get(n).is_some_and(|c| c.view.base == base);
                if !is_cell {
                    rebase(value, base, old.base);
                }
            }
        }
        if may_stay {
            self.alias(&old, &cell.view, name, span);
        }
    }

    /// A new bool that is false here.
    pub fn flag(&mut self, stem: &str, span: Span) -> Res<Name> {
        self.hint = None;
        let flag = self.transient(stem, DType::Bool, vec![]);
        self.store(&flag, &Value::bool(false), span)?;
        Ok(flag.base)
    }

    pub fn set_flag(&mut self, flag: Name, span: Span) -> Res<()> {
        self.store(&View::full(flag, DType::Bool, &[]), &Value::bool(true), span)
    }

    /// From here on a name that has a container is only assigned if its flag says so.
    fn uncertain(&mut self, name: &str) {
        let frame = self.frame();
        let (Some(cell), Some(Lazy { flag: Some(flag), .. })) = (frame.cells.get(name), frame.lazy.get(name))
        else {
            return;
        };
        let value = Value::Maybe(Box::new(cell.value()), *flag);
        frame.vars.insert(name.to_string(), value);
    }

    fn open_scalar(
        &mut self,
        name: &str,
        kind: Kind,
        value: Option<Value>,
        key: JoinKey,
        span: Span,
    ) -> Res<()> {
        self.hint = Some(name.trim_matches(['<', '>']).to_string());
        let view = self.transient("var", kind.dtype(), vec![]);
        let other = self.plan.doubtful.get(&key).copied().filter(|_| !self.is_certain(&key));
        let flag = other.map(|other| self.doubted(&view, other));
        if let Some(value) = value {
            let number = self.settled_for(&value, kind.dtype());
            self.trusting(|s| s.store(&view, &number, span))?;
            if let Some(flag) = flag {
                self.note_kind(flag, &value, span);
            }
        }
        let cell = Cell { kind: Some(kind), view, capacity: None, sizes: vec![], key, flag };
        self.add_cell(name, cell, true);
        Ok(())
    }

    fn add_cell(&mut self, name: &str, cell: Cell, readable: bool) {
        let value = cell.value();
        let frame = self.frame();
        if readable {
            frame.vars.insert(name.to_string(), value);
        }
        frame.cells.insert(name.to_string(), cell);
    }

    fn open_array(&mut self, name: &str, from: &View, resize: bool, key: JoinKey, span: Span) -> Res<()> {
        self.hint = Some(name.to_string());
        let whole = self.transient("var", from.dtype, from.shape.clone());
        self.copy_into(from, &whole, span);
        if !self.is_fresh(from, &[name.to_string()]) {
            self.alias(&whole, from, name, span);
        }
        let mut cell = Cell { kind: None, view: whole, capacity: None, sizes: vec![], key, flag: None };
        if resize {
            let extents = from.shape.clone();
            cell.capacity = Some(extents.clone());
            self.resize(&mut cell, &extents, span);
        }
        self.add_cell(name, cell, true);
        Ok(())
    }

    /// Gives the extents of a cell new values. `sizes` keep them where ways meet; what reads the array
    /// here uses symbols of its own, which no later assignment changes.
    fn resize(&mut self, cell: &mut Cell, extents: &[Expr], span: Span) {
        let now: Vec<Expr> = extents.iter().map(|n| self.extent_symbol(n, span)).collect();
        for (i, n) in now.iter().enumerate() {
            let value = tasklet::Expr::Sym(n.clone());
            match cell.sizes.get(i).copied() {
                Some(symbol) => self.block("assign", BlockKind::Assign { symbol, value }, span),
                None => {
                    let symbol = self.assign_symbol("size", value, span);
                    cell.sizes.push(symbol);
                }
            }
        }
        self.take_shape(cell, now);
    }

    fn extent_symbol(&mut self, n: &Expr, span: Span) -> Expr {
        let symbol = Expr::sym(self.assign_symbol("n", tasklet::Expr::Sym(n.clone()), span));
        self.assume(weft_ir::symbolic::Fact::NonNeg(symbol.clone()));
        symbol
    }

    fn take_shape(&mut self, cell: &mut Cell, shape: Vec<Expr>) {
        for (n, capacity) in shape.iter().zip(cell.capacity.iter().flatten()) {
            self.assume(weft_ir::symbolic::Fact::NonNeg(capacity - n));
            if let Some(symbol) = n.as_sym() {
                self.bounds.insert(symbol, capacity.clone());
            }
        }
        cell.view.shape = shape;
    }

    /// After a loop or branch: the extents of what it has changed.
    pub fn refresh_closed(&mut self, span: Span) {
        self.refresh_cells(span);
        for (name, mut cell) in std::mem::take(&mut self.closed) {
            self.refresh(&mut cell, span);
            self.frame().vars.insert(name, cell.value());
        }
    }

    /// Where ways meet, arrays of changing extents have those that the way here gave them.
    pub fn refresh_cells(&mut self, span: Span) {
        let mut cells = self.frame().cells.clone();
        cells.retain(|_, c| c.capacity.is_some());
        for (name, mut cell) in cells {
            self.refresh(&mut cell, span);
            self.add_cell(&name, cell, true);
        }
    }

    fn refresh(&mut self, cell: &mut Cell, span: Span) {
        let sizes = cell.sizes.clone();
        let shape = sizes.into_iter().map(|s| self.extent_symbol(&Expr::sym(s), span)).collect();
        self.take_shape(cell, shape);
    }

    /// Is this array only seen under these names, and not the caller's?
    pub fn is_fresh(&self, view: &View, names: &[String]) -> bool {
        let owned = self.sdfg.data.get(&view.base).is_some_and(|d| d.transient);
        owned && !self.parts.contains_key(&view.base) && !self.is_seen(view.base, names)
    }

    /// Is this a container of a call's own, which no name refers to?
    fn is_fresh_base(&self, base: Name) -> bool {
        self.sdfg.data.get(&base).is_some_and(|d| d.transient) && !self.is_seen(base, &[])
    }

    /// Does a name refer to the container, other than these of the innermost function?
    fn is_seen(&self, base: Name, but: &[String]) -> bool {
        let last = self.frames.len().saturating_sub(1);
        let names = |(i, f): (usize, &'_ crate::context::Frame)| {
            f.vars.iter().any(|(name, v)| mentions(v, base) && !(i == last && but.contains(name)))
        };
        self.frames.iter().enumerate().any(names)
            || self.lists.iter().any(|l| {
                l.grown.as_ref().is_some_and(|g| g.room.base == base)
                    || l.items.iter().any(|v| mentions(v, base))
            })
    }

    /// A loop has certainly given these names other arrays than those that they had before.
    pub fn end_aliases(&mut self, opened: &Opened, certain: &BTreeSet<String>) {
        let cells = &self.frames.last().map(|f| &f.cells);
        let renewed = opened.cells.iter().filter(|name| certain.contains(*name));
        let renewed: Vec<Name> =
            renewed.filter_map(|name| cells.and_then(|c| c.get(name))).map(|c| c.view.base).collect();
        for alias in self.aliases.iter_mut().filter(|a| renewed.contains(&a.copy)) {
            alias.until = alias.until.min(self.clock);
        }
    }

    /// Is a cell of the loop or branch another name of an array that it may yet be rid of?
    pub fn has_aliases(&self, opened: &Opened) -> bool {
        let cells = self.frames.last().map(|f| &f.cells);
        let bases = opened.cells.iter().filter_map(|name| cells.and_then(|c| c.get(name)));
        bases.into_iter().any(|cell| self.aliases.iter().any(|a| a.copy == cell.view.base))
    }

    /// A list has a copy of an array.
    pub fn note_copy(&mut self, copy: &View, original: &View, span: Span) {
        if !self.is_fresh(original, &[]) {
            self.alias(copy, original, "the list", span);
        }
    }

    /// A container has a copy of an array that Python gives another name.
    pub fn alias(&mut self, copy: &View, original: &View, variable: &str, span: Span) {
        // Of a copy that stands for a view, what counts is the array itself.
        let original = self.parts.get(&original.base).copied().unwrap_or(original.base);
        let begun = self.loop_clocks.first().copied().unwrap_or(self.clock);
        // An array that each iteration makes anew is not the one that the last iteration wrote.
        let born = self.born.get(&original).copied().unwrap_or(0);
        let since = if born > begun { self.clock } else { begun };
        self.clock += 1;
        let names = self.frames.iter().flat_map(|f| &f.vars);
        let other = names.filter(|(name, v)| name.as_str() != variable && mentions(v, original));
        let other = other.map(|(name, _)| name.clone()).next();
        let variable = variable.into();
        let (copy, until) = (copy.base, u32::MAX);
        self.aliases.push(Alias { copy, original, since, variable, other, span, until, harmless: vec![] });
    }

    /// An array of the user's is about to be written in place: by an index, an operator, `out=`, a method.
    pub fn note_write(&mut self, target: &View, span: Span) -> Res<()> {
        let base = target.base;
        if let Some(original) = self.parts.get(&base).filter(|o| !self.is_fresh_base(**o)) {
            let reason = format!("a write to this part of '{original}' would not reach it");
            let hint = "assign to the array in its own order, or the whole number: z[i] = x + 1j * z[i].imag";
            return fail_hint(span, reason, hint);
        }
        if self.sdfg.data.get(&base).is_none_or(|d| d.is_scalar()) || !self.is_seen(base, &[]) {
            return Ok(());
        }
        self.clock += 1;
        let now = self.clock;
        self.writes.entry(base).or_default().push(now);
        let mut aliases = std::mem::take(&mut self.aliases);
        for alias in &mut aliases {
            let other = if alias.original == base { alias.copy } else { alias.original };
            let concerned = alias.original == base || alias.copy == base;
            if concerned && self.is_fresh_base(other) && !self.is_cell_base(other) {
                alias.harmless.push(now);
            }
        }
        self.aliases = aliases;
        let part = self.parts.iter().find(|(copy, original)| **original == base && self.is_seen(**copy, &[]));
        match part {
            Some((copy, _)) => {
                let reason = format!("'{copy}' is a part of '{base}', which is written in place here");
                fail_hint(span, reason, "copy the part where it is taken: z.real.copy()")
            }
            None => Ok(()),
        }
    }

    /// What was copied where Python gives another name must not be written under one of the names.
    pub fn check_aliases(&mut self) {
        let aliases = std::mem::take(&mut self.aliases);
        for alias in aliases {
            let written = |name: &Name| {
                let counts = |t: &u32| *t > alias.since && *t <= alias.until && !alias.harmless.contains(t);
                self.writes.get(name).is_some_and(|times| times.iter().any(counts))
            };
            if written(&alias.copy) || written(&alias.original) {
                let name = &alias.variable;
                let (reason, hint) = match &alias.other {
                    Some(other) => (
                        format!(
                            "'{name}' and '{other}' are two names of one array here, which is written in place"
                        ),
                        format!("make two arrays of them: {other} = {name}.copy()"),
                    ),
                    None => (
                        format!(
                            "'{name}' is the caller's array or another one here, and is written in place"
                        ),
                        format!("work on a copy: {name} = {name}.copy()"),
                    ),
                };
                self.diags.push(Diagnostic::new(alias.span, reason).hint(hint));
            }
        }
    }

    // ---- assignment ------------------------------------------------------------------------

    /// `name = value` where the name has a container, or gets one; false where it has none.
    pub fn bind_cell(&mut self, name: &str, value: &Value, span: Span) -> Res<bool> {
        if let Some(cell) = self.frame().cells.get(name).cloned() {
            match (value, cell.kind) {
                (Value::Num(num), Some(kind)) if num.kind == kind => {
                    self.keep_doubt(&cell, value, span)?;
                    let number = self.settled_for(value, kind.dtype());
                    self.trusting(|s| s.store(&cell.view, &number, span))?;
                    let value = cell.value();
                    self.frame().vars.insert(name.into(), value);
                }
                (Value::Array(view), None) => self.assign_array(name, cell, view, span)?,
                _ => self.join_failed(name, &cell, value, span)?,
            }
            if let Some(flag) = self.frame().lazy.get(name).and_then(|l| l.flag) {
                self.set_flag(flag, span)?;
            }
            return Ok(true);
        }
        let Some(Lazy { key, .. }) = self.frame().lazy.get(name).cloned() else { return Ok(false) };
        match value {
            Value::Num(num) => {
                let kind = match self.plan.joins.get(&key) {
                    Some(Join::Kind(kind)) => *kind,
                    _ => num.kind,
                };
                self.plan.kinds.entry(key.clone()).or_insert(kind);
                self.open_scalar(name, kind, None, key, span)?;
            }
            Value::Array(view) => {
                if view.shape.iter().any(|n| self.depends_on_loop(n)) {
                    return self.unroll_for(&key, name, span).map(|()| true);
                }
                if view.shape.iter().flat_map(|n| n.free_symbols()).any(|s| self.is_of_this_branch(s)) {
                    let reason = "an array is made in a branch with extents that data decide there";
                    return fail_hint(span, reason, "make it before the branch, as large as it can be");
                }
                self.hint = Some(name.trim_matches(['<', '>']).to_string());
                let view = self.transient("var", view.dtype, view.shape.clone());
                self.add_cell(
                    name,
                    Cell { kind: None, view, capacity: None, sizes: vec![], key, flag: None },
                    false,
                );
            }
            _ => return Ok(false),
        }
        self.bind_cell(name, value, span)
    }

    /// Has the symbol its value in the branch or loop that is being built only?
    fn is_of_this_branch(&self, symbol: Name) -> bool {
        self.nesting() > 1 && self.depths.get(&symbol).is_some_and(|&depth| depth >= self.nesting())
    }

    fn depends_on_loop(&self, e: &Expr) -> bool {
        self.loops.iter().any(|l| e.contains(l.0))
    }

    fn assign_array(&mut self, name: &str, mut cell: Cell, view: &View, span: Span) -> Res<()> {
        if view.dtype != cell.view.dtype {
            return self.join_failed(name, &cell.clone(), &Value::Array(view.clone()), span);
        }
        let mut fits = view.rank() == cell.view.rank();
        if cell.capacity.is_none() {
            for (n, m) in view.shape.iter().zip(&cell.view.shape) {
                fits = fits && self.same(n, m)?.is_yes();
            }
        }
        if !fits {
            return self.shape_failed(name, &cell, view, span);
        }
        if let Some(capacity) = cell.capacity.clone() {
            let extents = view.shape.clone();
            for (n, most) in extents.iter().zip(&capacity) {
                match self.nonneg_everywhere(&(most - n), span)? {
                    Truth::Yes => {}
                    Truth::No => return self.unroll_for(&cell.key, name, span),
                    Truth::Unknown => {
                        let cond = tasklet::Expr::bin(
                            BinOp::Le,
                            tasklet::Expr::Sym(n.clone()),
                            tasklet::Expr::Sym(most.clone()),
                        );
                        self.check(cond, format!("'{name}' grows beyond its first extent"), span);
                    }
                }
            }
            let held = self.materialize(view, view.dtype, span);
            self.resize(&mut cell, &extents, span);
            let mut held = held;
            held.shape = cell.view.shape.clone();
            self.copy_into(&held, &cell.view, span);
        } else if *view != cell.view {
            self.keep_others(name, false, span);
            let mut from = view.clone();
            if view.base == cell.view.base {
                from = self.materialize(view, view.dtype, span);
            } else if !self.is_fresh(view, &[name.to_string()]) && !self.moving.contains(&view.base) {
                self.alias(&cell.view, view, name, span);
            }
            from.shape = cell.view.shape.clone();
            self.copy_into(&from, &cell.view, span);
        }
        let value = cell.value();
        let frame = self.frame();
        frame.vars.insert(name.to_string(), value);
        frame.cells.insert(name.to_string(), cell);
        Ok(())
    }

    /// Another shape than the container's: extents that change, or a loop that is written out.
    fn shape_failed(&mut self, name: &str, cell: &Cell, view: &View, span: Span) -> Res<()> {
        let varies = view.shape.iter().any(|n| self.depends_on_loop(n));
        let known = self.plan.joins.get(&cell.key).copied();
        if view.rank() == cell.view.rank() && !varies && known == Some(Join::Carry) {
            self.plan.joins.insert(cell.key.clone(), Join::Resize);
            return self.restart();
        }
        self.unroll_for(&cell.key, name, span)
    }

    /// The loop that a variable belongs to is written out, iteration by iteration.
    fn unroll_for(&mut self, key: &JoinKey, name: &str, span: Span) -> Res<()> {
        if self.plan.unroll.insert(key.0.clone()) {
            return self.restart();
        }
        let reason = format!("'{name}' has another shape here than before");
        fail_hint(span, reason, "give the second array another name")
    }

    /// A cell got a value of another kind: import again with the kind that holds both, if there is one.
    fn join_failed(&mut self, name: &str, cell: &Cell, value: &Value, span: Span) -> Res<()> {
        let (Some(from), Some(to)) = (cell.kind, value.kind().filter(|_| matches!(value, Value::Num(_))))
        else {
            return self.drop_join(name, cell, value, span);
        };
        let joined = joined(from, to);
        match joined {
            Some(kind) if kind != from => {
                self.plan.joins.insert(cell.key.clone(), Join::Kind(kind));
                if self.doubt_of(value).is_some() {
                    self.plan.unsure.insert(cell.key.clone());
                }
                if let Some((_, other)) = stands_for(from, to).filter(|_| !same_type(from, to)) {
                    self.doubt_variable(&cell.key, other);
                }
                self.restart()
            }
            // The value converts to the cell's kind: a literal or a Python float in a NumPy cell.
            Some(_) => {
                if let Some((_, other)) = stands_for(from, to).filter(|_| !same_type(from, to))
                    && self.doubt_variable(&cell.key, other)
                {
                    return self.restart();
                }
                if let Some(flag) = cell.flag {
                    self.note_kind(flag, value, span);
                }
                self.store(&cell.view.clone(), value, span)?;
                let value = cell.value();
                self.frame().vars.insert(name.to_string(), value);
                Ok(())
            }
            None => self.drop_join(name, cell, value, span),
        }
    }

    /// Does the loop around give the variable a number of its container's kind, whatever the data are?
    fn is_certain(&self, key: &JoinKey) -> bool {
        self.certain.contains(key) && !self.plan.unsure.contains(key)
    }

    /// A variable is given numbers of NumPy's and of Python's; is that news?
    fn doubt_variable(&mut self, key: &JoinKey, other: Kind) -> bool {
        if self.is_certain(key) {
            return false;
        }
        let before = self.plan.doubtful.get(key).copied();
        let after = before.map_or(other, |kind| kind.max(other));
        self.plan.doubtful.insert(key.clone(), after);
        before != Some(after)
    }

    /// A cell's bool says whether its value is of its kind; one without a bool has no value that may not be.
    fn keep_doubt(&mut self, cell: &Cell, value: &Value, span: Span) -> Res<()> {
        match (cell.flag, self.doubt_of(value)) {
            (Some(flag), _) => self.note_kind(flag, value, span),
            (None, Some(doubt)) if !self.is_certain(&cell.key) => {
                if self.doubt_variable(&cell.key, doubt.other) {
                    return self.restart();
                }
                self.ensure_kind(value, span);
            }
            (None, Some(_)) => self.ensure_kind(value, span),
            (None, None) => {}
        }
        Ok(())
    }

    fn drop_join(&mut self, name: &str, cell: &Cell, value: &Value, span: Span) -> Res<()> {
        if !self.plan.joins.contains_key(&cell.key) {
            self.plan.joins.insert(cell.key.clone(), Join::Drop);
            return self.restart();
        }
        if self.plan.unroll.insert(cell.key.0.clone()) {
            return self.restart();
        }
        let (from, to) = (cell.value().describe(), value.describe());
        let reason = format!("'{name}' was {from} and becomes {to} here");
        fail_hint(span, reason, "give it one type from the start, such as 0.0 instead of 0")
    }

    /// A name that must not be read: another attempt may make it readable.
    pub fn stale(&mut self, name: &str, stale: &Stale, span: Span) -> Res<Value> {
        if let Some((key, join)) = &stale.fix {
            let known = self.plan.joins.get(key).copied();
            if known.is_none() {
                self.plan.joins.insert(key.clone(), *join);
                return self.restart();
            }
            if self.again {
                // The next attempt knows more.
                return Err(Stop::Silent);
            }
            if known == Some(Join::Keep) && stale.why == LOOP_CARRIED && !self.plan.kinds.contains_key(key) {
                // Its kind is found where it is assigned, further down.
                self.wanted.entry(key.clone()).or_insert(span);
                return Err(Stop::Silent);
            }
            if self.plan.unroll.insert(key.0.clone()) {
                return self.restart();
            }
        }
        crate::context::fail(span, format!("'{name}' {}", stale.why))
    }

    // ---- where ways meet -------------------------------------------------------------------

    /// Cells end with their loop or branch: the container keeps the value.
    pub fn close(&mut self, opened: &Opened) {
        self.closed.clear();
        for name in opened.cells.iter().chain(&opened.lazy) {
            if let Some(cell) = self.frame().cells.get(name).filter(|c| c.capacity.is_some()).cloned() {
                self.closed.push((name.clone(), cell));
            }
        }
        for name in &opened.lazy {
            let frame = self.frame();
            frame.lazy.remove(name);
            frame.cells.remove(name);
        }
        for name in &opened.cells {
            self.frame().cells.remove(name);
        }
    }

    /// The containers that names got since `open`, and their flags.
    fn kept(&mut self, opened: &Opened) -> BTreeMap<String, (Value, Option<Name>)> {
        let frame = self.frame();
        let found = opened.lazy.iter().filter_map(|name| {
            let flag = frame.lazy.get(name).and_then(|l| l.flag);
            Some((name.clone(), (frame.cells.get(name)?.value(), flag)))
        });
        found.collect()
    }

    /// After a loop, names that it assigns and that have no container are not known; `certain` are those
    /// that it has assigned whatever the data are.
    pub fn end_loop(&mut self, opened: &Opened, certain: &BTreeSet<String>) {
        let mut kept = self.kept(opened);
        self.close(opened);
        for (name, before) in &opened.loose {
            let value = match (kept.remove(name), before) {
                (Some((value, Some(flag))), _) if !certain.contains(name) => {
                    Value::Maybe(Box::new(value), flag)
                }
                (Some((value, _)), _) => value,
                (None, Some(Value::Array(_) | Value::Num(_))) => {
                    let fix = Some((self.join_key(name), Join::Carry));
                    Value::Stale(Stale { why: LOOP_CARRIED, fix })
                }
                // A loop around carries it, if one does.
                (None, Some(Value::Stale(Stale { fix: fix @ Some(_), .. }))) => {
                    Value::Stale(Stale { why: AFTER_LOOP, fix: fix.clone() })
                }
                (None, _) => {
                    let fix = Some((self.join_key(name), Join::Keep));
                    Value::Stale(Stale { why: AFTER_LOOP, fix })
                }
            };
            self.frame().vars.insert(name.clone(), value);
        }
        for (name, before) in &opened.around {
            if !before && !certain.contains(name) {
                self.uncertain(name);
            }
        }
    }

    /// What names mean after two branches, of which some end here.
    pub fn meet(&mut self, lives: &[(bool, BTreeMap<String, Value>); 2], opened: &Opened) {
        let kept = self.kept(opened);
        self.close(opened);
        let alive: Vec<_> = lives.iter().filter(|l| l.0).map(|l| &l.1).collect();
        let Some(first) = alive.first() else { return };
        self.frame().vars = (*first).clone();
        let assigned = |v: Option<&Value>| matches!(v, Some(Value::Num(_) | Value::Array(_)));
        for (name, before) in &opened.loose {
            let known: Vec<Option<&Value>> = alive.iter().map(|vars| vars.get(name)).collect();
            if known.iter().all(|v| *v == known[0]) {
                continue;
            }
            let key = self.join_key(name);
            // What a loop before has not given a container yet comes first.
            let earlier = known
                .iter()
                .flatten()
                .find(|v| matches!(v, Value::Stale(Stale { fix: Some((k, _)), .. }) if *k != key));
            let value = match (earlier, kept.get(name)) {
                (Some(stale), _) => (**stale).clone(),
                (None, Some((value, Some(flag)))) if !known.iter().all(|v| assigned(*v)) => {
                    Value::Maybe(Box::new(value.clone()), *flag)
                }
                (None, Some((value, _))) => value.clone(),
                (None, None) if known.contains(&Some(&Value::Poison)) => Value::Poison,
                (None, None) => {
                    let join = match before {
                        Some(Value::Array(_)) => Join::Carry,
                        _ => Join::Keep,
                    };
                    Value::Stale(Stale { why: ONE_BRANCH, fix: Some((key, join)) })
                }
            };
            self.frame().vars.insert(name.clone(), value);
        }
        for (name, before) in &opened.around {
            if !before && !alive.iter().all(|vars| assigned(vars.get(name))) {
                self.uncertain(name);
            }
        }
    }
}

/// The kind that holds the values of both, where computing in it from the start gives the same.
pub fn joined(from: Kind, to: Kind) -> Option<Kind> {
    let (Kind::Np(a), Kind::Np(b)) = (from, to) else {
        return Some(match crate::promote::strong(&[from, to]) {
            Some(t) => Kind::Np(t),
            None => from.max(to),
        });
    };
    let t = a.promote(b);
    let rounds = t != a && !(a.is_int() || a == DType::Bool) && !t.is_complex();
    (!rounds).then_some(Kind::Np(t))
}

/// Is the array, or a part of it, in a value?
pub fn mentions(value: &Value, base: Name) -> bool {
    match value {
        Value::Array(v) => v.base == base,
        Value::Num(Num { src: Src::Elem(v), .. }) => v.base == base && v.rank() > 0,
        Value::Tuple(items) => items.iter().any(|v| mentions(v, base)),
        Value::Maybe(v, _) => mentions(v, base),
        Value::Method(object, _) => mentions(object, base),
        _ => false,
    }
}

/// Views of one container become views of another.
fn rebase(value: &mut Value, from: Name, to: Name) {
    match value {
        Value::Array(v) | Value::Num(Num { src: Src::Elem(v), .. }) if v.base == from => v.base = to,
        Value::Tuple(items) => items.iter_mut().for_each(|v| rebase(v, from, to)),
        Value::Maybe(v, _) => rebase(v, from, to),
        Value::Method(object, _) => rebase(object, from, to),
        _ => {}
    }
}
