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

use crate::context::{Cell, Importer, Join, JoinKey, Lazy, Res, fail_hint};
use crate::value::{Kind, Num, Src, Stale, Value, View};

pub const LOOP_CARRIED: &str = "is given another array inside of a loop";
const ONE_BRANCH: &str = "is not the same after all branches";
const AFTER_LOOP: &str = "is assigned inside of a loop that may not run";

/// What to undo where a loop or branch ends.
#[derive(Default)]
pub struct Opened {
    pub cells: Vec<String>,
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
        let (names, rebound) = (&self.with_parts(names), &self.with_parts(rebound));
        for name in names {
            let value = self.frame().vars.get(name).cloned();
            if self.frame().cells.contains_key(name) || self.frame().lazy.contains_key(name) {
                if rebound.contains(name) {
                    self.keep_others(name, true, span);
                }
                let certain = matches!(value, Some(Value::Num(_) | Value::Array(_)));
                opened.around.push((name.clone(), certain));
                if is_loop && self.frame().lazy.get(name).is_some_and(|l| l.none) {
                    self.uncertain(name);
                }
                continue;
            }
            let key = self.join_key(name);
            let join = self.plan.joins.get(&key).copied();
            match (value, join) {
                (Some(Value::Num(num)), join)
                    if !matches!(join, Some(Join::Drop | Join::Keep | Join::Optional)) =>
                {
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
                (Some(old @ (Value::Maybe(..) | Value::Optional(..))), _) => {
                    let none = matches!(old, Value::Optional(..));
                    let (Value::Maybe(before, flag) | Value::Optional(before, flag)) = old.clone() else {
                        continue;
                    };
                    let lazy = Lazy { key: key.clone(), flag: Some(flag), none };
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
                    opened.loose.push((name.clone(), Some(old)));
                }
                (before, Some(join @ (Join::Keep | Join::Optional))) => {
                    let none = join == Join::Optional || before == Some(Value::None);
                    let flag = self.flag("assigned", span)?;
                    let lazy = Lazy { key: key.clone(), flag: Some(flag), none };
                    self.frame().lazy.insert(name.clone(), lazy);
                    opened.lazy.push(name.clone());
                    self.open_kept(name, before.as_ref(), none, is_loop, (key, span))?;
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

    /// The container of a variable that has a flag, if it is known what it must hold.
    fn open_kept(
        &mut self,
        name: &str,
        before: Option<&Value>,
        none: bool,
        is_loop: bool,
        (key, span): (JoinKey, Span),
    ) -> Res<()> {
        match before {
            Some(Value::Num(num)) if none => drop(self.plan.kinds.entry(key.clone()).or_insert(num.kind)),
            Some(Value::Array(view)) if none => self.note_array(&key, view),
            _ => {}
        }
        if let Some(kind) = self.plan.kinds.get(&key).copied() {
            self.open_scalar(name, kind, None, key, span)?;
        } else if let Some((dtype, shape)) = self.array_of(&key) {
            self.hint = Some(name.trim_matches(['<', '>']).to_string());
            let view = self.transient("var", dtype, shape);
            self.add_cell(
                name,
                Cell { kind: None, view, capacity: None, sizes: vec![], key, flag: None },
                false,
            );
        } else {
            if is_loop {
                let stale = Stale { why: LOOP_CARRIED, fix: Some((key, Join::Keep)) };
                self.frame().vars.insert(name.to_string(), Value::Stale(stale));
            }
            return Ok(());
        }
        if let (true, Some(value @ (Value::Num(_) | Value::Array(_)))) = (none, before) {
            self.bind_cell(name, value, span)?;
        }
        if is_loop || before != Some(&Value::None) {
            self.uncertain(name);
        }
        Ok(())
    }

    /// An array that is assigned later in the text can have its container before, if its extents are known.
    fn note_array(&mut self, key: &JoinKey, view: &View) {
        let known = |n: &Expr| n.free_symbols().iter().all(|s| self.values.contains_key(s));
        if view.shape.iter().all(known) && self.array_of(key).is_none() {
            self.plan.arrays.insert(key.clone(), (view.dtype, view.shape.clone()));
        }
    }

    /// What an earlier attempt has found, if its symbols are still those of the arguments.
    pub fn array_of(&self, key: &JoinKey) -> Option<(DType, Vec<Expr>)> {
        let (dtype, shape) = self.plan.arrays.get(key)?;
        // Symbols may have become constants since.
        let shape: Vec<Expr> = shape.iter().map(|n| self.known(n)).collect();
        let is_known = |n: &Expr| n.free_symbols().iter().all(|s| self.values.contains_key(s));
        shape.iter().all(is_known).then_some((*dtype, shape))
    }

    /// `name = None` where the name has a container, or gets one.
    fn bind_none(&mut self, name: &str, span: Span) -> Res<bool> {
        let Some(lazy) = self.frame().lazy.get(name).cloned() else { return Ok(false) };
        match lazy.flag {
            Some(flag) if lazy.none => {
                self.store(&View::full(flag, DType::Bool, &[]), &Value::bool(false), span)?;
                self.frame().vars.insert(name.into(), Value::None);
                Ok(true)
            }
            Some(_) if self.plan.joins.get(&lazy.key) != Some(&Join::Optional) => {
                self.plan.joins.insert(lazy.key, Join::Optional);
                self.restart()
            }
            _ => Ok(false),
        }
    }

    /// `name = f(x)`, which is `None` where the bool is not set.
    fn bind_optional(&mut self, name: &str, value: &Value, given: Name, span: Span) -> Res<bool> {
        let (lazy, cell) = (self.frame().lazy.get(name).cloned(), self.frame().cells.get(name).cloned());
        let key = match (&lazy, &cell) {
            (None, None) => return Ok(false),
            (Some(lazy), _) => lazy.key.clone(),
            (None, Some(cell)) => cell.key.clone(),
        };
        let Some(Lazy { flag: Some(flag), none: true, .. }) = lazy else {
            if self.plan.joins.insert(key, Join::Optional) != Some(Join::Optional) {
                return self.restart();
            }
            return fail_hint(span, "a function gives None on some ways", "return a value on all ways");
        };
        self.bind_cell(name, value, span)?;
        let given = Value::elem(Kind::Bool, View::full(given, DType::Bool, &[]));
        self.store(&View::full(flag, DType::Bool, &[]), &given, span)?;
        self.uncertain(name);
        Ok(true)
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
        let (Some(cell), Some(lazy)) = (frame.cells.get(name), frame.lazy.get(name)) else { return };
        let Some(value) = uncertain_value(cell.value(), lazy.flag, lazy.none) else { return };
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

    // ---- assignment ------------------------------------------------------------------------

    /// `name = value` where the name has a container, or gets one; false where it has none.
    pub fn bind_cell(&mut self, name: &str, value: &Value, span: Span) -> Res<bool> {
        if *value == Value::None && self.bind_none(name, span)? {
            return Ok(true);
        }
        if let Value::Optional(value, flag) = value {
            return self.bind_optional(name, value, *flag, span);
        }
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
                self.note_array(&key, view);
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

    pub fn depends_on_loop(&self, e: &Expr) -> bool {
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
    fn kept(&mut self, opened: &Opened) -> BTreeMap<String, (Value, Option<Name>, bool)> {
        let frame = self.frame();
        let found = opened.lazy.iter().filter_map(|name| {
            let lazy = frame.lazy.get(name);
            let (flag, none) = (lazy.and_then(|l| l.flag), lazy.is_some_and(|l| l.none));
            Some((name.clone(), (frame.cells.get(name)?.value(), flag, none)))
        });
        found.collect()
    }

    /// Is the variable one that may be `None`?
    fn is_optional(&mut self, name: &str) -> bool {
        self.frame().lazy.get(name).is_some_and(|l| l.none)
    }

    /// After a loop, names that it assigns and that have no container are not known; `certain` are those
    /// that it has assigned whatever the data are.
    pub fn end_loop(&mut self, opened: &Opened, certain: &BTreeSet<String>) {
        let certain = &self.with_parts(certain);
        let mut kept = self.kept(opened);
        self.close(opened);
        for (name, before) in &opened.loose {
            let value = match (kept.remove(name), before) {
                (Some((value, Some(flag), true)), _) => Value::Optional(Box::new(value), flag),
                (Some((value, Some(flag), _)), _) if !certain.contains(name) => {
                    Value::Maybe(Box::new(value), flag)
                }
                (Some((value, ..)), _) => value,
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
            if self.is_optional(name) || !before && !certain.contains(name) {
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
                (None, Some((value, Some(flag), none))) if !known.iter().all(|v| assigned(*v)) => {
                    match none {
                        true => Value::Optional(Box::new(value.clone()), *flag),
                        false => Value::Maybe(Box::new(value.clone()), *flag),
                    }
                }
                (None, Some((value, ..))) => value.clone(),
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
            let sure = alive.iter().all(|vars| assigned(vars.get(name)));
            let none = alive.iter().all(|vars| vars.get(name) == Some(&Value::None));
            if !sure && !none && (!before || self.is_optional(name)) {
                self.uncertain(name);
            }
        }
    }
}

/// What a name is if its flag decides.
fn uncertain_value(value: Value, flag: Option<Name>, none: bool) -> Option<Value> {
    let value = Box::new(value);
    Some(if none { Value::Optional(value, flag?) } else { Value::Maybe(value, flag?) })
}
