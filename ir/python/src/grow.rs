//! Lists that loops fill or change: a container with room for all that may be appended, and how many
//! elements there are.
//!
//! A list starts as one whose elements are known one by one. Where that cannot be kept, because a loop
//! appends to it or a condition does, the plan gets a [`Growth`] for the place that makes the list, and
//! the import starts again.

use std::collections::BTreeMap;

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;
use weft_ir::tasklet::{self, BinOp};

use crate::context::{Importer, Res, fail_hint, span_of};
use crate::diagnostic::NOT_IMPORTED;
use crate::joins::joined;
use crate::lists::LONGEST;
use crate::value::{Kind, Value, View};

/// The calls and loops that lead to a place, and the place.
pub type Site = Vec<u32>;

/// What a list that grows must have room for.
#[derive(Clone, PartialEq, Debug)]
pub struct Growth {
    /// Of its numbers, also of those in lists in it; `None` where the elements are arrays.
    pub kind: Option<Kind>,
    pub dtype: DType,
    /// Of an element.
    pub shape: Vec<Expr>,
    /// Are the elements lists themselves?
    pub nested: bool,
    /// Are there numbers of different kinds among them?
    pub mixed: Mixed,
    /// The elements are tuples: the kinds of their numbers.
    pub columns: Vec<Kind>,
    pub appends: BTreeMap<Site, Append>,
    /// Only the run can tell how many elements there are.
    pub counted: bool,
    /// There are numbers of a narrower kind among them: without others NumPy makes another array.
    pub widened: bool,
}

/// Numbers of different kinds in one list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mixed {
    No,
    /// Integers and floats of 64 bits: data decide what an element is.
    Real,
    /// What an element is cannot be told.
    Any,
}

/// How many elements a list has room for that a `while` loop fills, and at least if they are large.
const ROOM: i64 = 1 << 16;
const LEAST_ROOM: i64 = 1 << 8;

/// A place that appends.
#[derive(Clone, PartialEq, Debug)]
pub struct Append {
    /// How often at most.
    pub most: Expr,
    /// The loops around, and how often each runs, if every iteration appends once.
    pub loops: Option<Vec<(Site, Expr)>>,
    /// Nothing bounds how often: the run checks that there is room.
    pub guessed: bool,
}

/// A list in a container.
#[derive(Clone, Debug)]
pub struct Grown {
    /// The list that the plan knows: itself, or the one that this is a row of.
    pub site: Site,
    /// All elements that there is room for.
    pub room: View,
    pub kind: Option<Kind>,
    pub nested: bool,
    pub mixed: Mixed,
    pub columns: Vec<Kind>,
    /// A bool that says whether an element of the widest kind has come.
    pub wide: Option<Name>,
    /// Of integers and floats of NumPy's in one list: which of them are NumPy's.
    pub flags: Option<View>,
    pub length: Length,
}

#[derive(Clone, Debug)]
pub enum Length {
    /// A container of one integer.
    Counted(View),
    /// One more in each iteration of the loops, from the first elements on.
    Steady { first: Expr, loops: Vec<(Site, Expr)>, done: bool },
}

impl Length {
    /// A container that is full.
    pub fn steady(room: &View) -> Length {
        Length::Steady { first: room.shape[0].clone(), loops: vec![], done: false }
    }
}

impl Grown {
    /// A list in it.
    pub fn row(&self, row: View) -> Grown {
        let length = Length::steady(&row);
        Grown { nested: row.rank() > 1, room: row, length, flags: None, ..self.clone() }
    }
}

/// A loop around, as lists see it.
#[derive(Clone, Debug)]
pub struct Around {
    pub var: Name,
    pub path: Site,
    pub count: Expr,
    /// Does each iteration run to its end?
    pub whole: bool,
}

impl Importer<'_> {
    /// The calls and loops that lead to an expression, and the expression.
    fn site(&self, span: Span) -> Site {
        // What is repeated begins where the list that is repeated does.
        self.path.iter().copied().chain([span.start, span.end]).collect()
    }

    /// A list of items, written at a place; `times` over.
    pub fn list_at(&mut self, items: Vec<Value>, times: &Expr, span: Span) -> Res<Value> {
        let site = self.site(span);
        let growth = self.plan.growing.get(&site).cloned();
        let (mut known, mut grown) = (vec![], None);
        match (growth, times.as_int()) {
            (Some(growth), _) => grown = Some(self.room(&site, &growth, &items, times, span)?),
            (None, Some(n)) => known = (0..n.max(0)).flat_map(|_| items.clone()).collect(),
            (None, None) => {
                if let Some(item) = items.first() {
                    return self.grow(site, &item.clone(), None, span);
                }
            }
        }
        Ok(self.list_of(known, grown, Some(site)))
    }

    pub fn list_of(&mut self, items: Vec<Value>, grown: Option<Grown>, site: Option<Site>) -> Value {
        let list = self.list(items);
        if let Some(last) = self.lists.last_mut() {
            (last.grown, last.site) = (grown, site);
        }
        list
    }

    /// `[elt for ...]`: element by element where that is short, in a container where it is not.
    pub fn list_comprehension(&mut self, c: &ruff_python_ast::ExprListComp, span: Span) -> Res<Value> {
        let site = self.site(span);
        let growth = self.plan.growing.get(&site).cloned();
        let long = match &c.generators[..] {
            // What a function of the user's does must not happen twice.
            [g] if g.ifs.is_empty() && growth.is_none() && !self.calls_user(&g.iter, 0) => {
                self.is_long(&g.iter)?
            }
            _ => false,
        };
        if (long || growth.is_some())
            && let Some((elt, array)) = self.comprehension_rows(&c.elt, &c.generators, span)?
        {
            let inside = self.kind_inside(&elt);
            let growth = growth.unwrap_or_else(|| Growth {
                kind: inside.map(|i| i.0),
                dtype: array.dtype,
                shape: array.shape[1..].to_vec(),
                nested: matches!(elt, Value::List(_) | Value::Tuple(_)),
                mixed: inside.map_or(Mixed::No, |i| i.1),
                columns: vec![],
                appends: BTreeMap::new(),
                counted: false,
                widened: false,
            });
            if !growth.appends.is_empty() || growth.counted {
                return fail_hint(
                    span,
                    "a list that a comprehension makes grows",
                    "start from an empty list",
                );
            }
            let same = growth.dtype == array.dtype;
            let room = if same { array } else { self.materialize(&array, growth.dtype, span) };
            let length = Length::steady(&room);
            let (kind, nested, mixed) = (growth.kind, growth.nested, growth.mixed);
            let columns = growth.columns.clone();
            let grown = Grown {
                site: site.clone(),
                room,
                kind,
                nested,
                mixed,
                columns,
                wide: None,
                flags: None,
                length,
            };
            self.plan.growing.entry(site.clone()).or_insert(growth);
            return Ok(self.list_of(vec![], Some(grown), Some(site)));
        }
        if self.plan.looped.contains(&site) {
            return self.looped_comprehension(c, span);
        }
        self.comprehending.push(site.clone());
        let items = self.comprehension(&c.elt, &c.generators, span);
        self.comprehending.pop();
        Ok(self.list_of(items?, None, Some(site)))
    }

    fn is_long(&mut self, iter: &ruff_python_ast::Expr) -> Res<bool> {
        let span = span_of(iter);
        let iter = self.iterable(iter, span)?;
        let length = self.dynamic_length(&iter, span)?;
        Ok(length.is_some_and(|n| n.as_int().is_none() && self.on_sample(&n).is_none_or(|n| n > LONGEST)))
    }

    /// The container of a list that grows, with its first items.
    fn room(&mut self, site: &Site, g: &Growth, items: &[Value], times: &Expr, span: Span) -> Res<Grown> {
        let one = Expr::int(items.len() as i64);
        let times =
            if self.nonneg(times, span)?.is_yes() { times.clone() } else { Expr::max(times, &Expr::zero()) };
        if g.nested && !times.is_one() {
            return fail_hint(
                span,
                "a list that has one list many times",
                "make each of them by a comprehension",
            );
        }
        let first = &one * &times;
        let capacity = g.appends.values().fold(first.clone(), |n, append| &n + &append.most);
        let mut shape = vec![capacity];
        shape.extend(g.shape.iter().cloned());
        let room = self.transient("list", g.dtype, shape);
        let steady = match &g.appends.values().collect::<Vec<_>>()[..] {
            [] => Some(vec![]),
            [append] => append.loops.clone(),
            _ => None,
        };
        let length = match steady {
            Some(loops) if !g.counted => Length::Steady { first: first.clone(), done: false, loops },
            _ => {
                let count = self.transient("length", DType::I64, vec![]);
                self.store(&count, &Value::sym(first.clone()), span)?;
                Length::Counted(count)
            }
        };
        let (kind, nested, mixed, columns) = (g.kind, g.nested, g.mixed, g.columns.clone());
        let wide = if g.widened { Some(self.flag("wide", span)?) } else { None };
        let flags = if mixed == Mixed::Real && room.rank() == 1 {
            Some(self.transient("numpy", DType::Bool, room.shape.clone()))
        } else {
            None
        };
        let grown = Grown { site: site.clone(), room, kind, nested, mixed, columns, wide, flags, length };
        for (i, item) in items.iter().enumerate() {
            let element = self.element_of_list(item.clone(), &grown, span)?;
            let count = if items.len() == 1 { first.clone() } else { times.clone() };
            let places = grown.room.slice_dim(0, &Expr::int(i as i64), &one, count);
            self.trusting(|s| s.store(&places, &element, span))?;
            let count = places.shape[0].clone();
            let flags = grown.flags.as_ref().map(|f| f.slice_dim(0, &Expr::int(i as i64), &one, count));
            self.note_element(flags, item, span)?;
            self.move_in(item, &grown, &Expr::int(i as i64));
        }
        Ok(grown)
    }

    /// The kind of a number, or of all numbers in a list of numbers; and whether there are several.
    fn kind_inside(&self, v: &Value) -> Option<(Kind, Mixed)> {
        let items = match v {
            Value::Num(num) => return Some((num.kind, Mixed::No)),
            Value::List(id) => match &self.lists[*id] {
                crate::context::List { grown: Some(g), .. } => return Some((g.kind?, g.mixed)),
                list => &list.items,
            },
            Value::Tuple(items) => items,
            _ => return None,
        };
        let mut found: Option<(Kind, Mixed)> = None;
        for item in items {
            let one = self.kind_inside(item)?;
            found = Some(match found {
                None => one,
                Some(before) => joined_kinds(before, one),
            });
        }
        found
    }

    /// Starts again with a list that grows, made at this place, of elements like this one.
    fn grow<T>(&mut self, site: Site, item: &Value, append: Option<(Site, Append)>, span: Span) -> Res<T> {
        if self.again {
            // What this attempt sees may not be what there will be.
            return self.restart();
        }
        let nested = matches!(item, Value::List(_) | Value::Tuple(_));
        let inside = self.kind_inside(item);
        let element = self.array_like(item.clone(), span)?;
        let Some(dtype) = element.kind().map(Kind::dtype) else {
            return fail_hint(
                span,
                format!("a list that a loop fills with {}", item.describe()),
                "make an array of the final size beforehand and assign its elements",
            );
        };
        let shape = element.shape();
        if shape.iter().any(|n| n.free_symbols().iter().any(|s| !self.values.contains_key(s))) {
            let hint = "make an array of the final size beforehand and assign its elements";
            return fail_hint(span, "a list of arrays whose extents the run decides", hint);
        }
        let growth = Growth {
            kind: inside.map(|i| i.0),
            dtype,
            shape,
            nested,
            mixed: inside.map_or(Mixed::No, |i| i.1),
            columns: columns_of(item).unwrap_or_default(),
            appends: append.into_iter().collect(),
            counted: false,
            widened: false,
        };
        self.plan.growing.insert(site, growth);
        self.restart()
    }

    /// A value as an element of a list that grows; starts again if the list must hold another type.
    pub fn element_of_list(&mut self, value: Value, g: &Grown, span: Span) -> Res<Value> {
        let nested = matches!(value, Value::List(_) | Value::Tuple(_));
        if !g.columns.is_empty() {
            return self.tuple_of_list(&value, g, span);
        }
        let inside = self.kind_inside(&value);
        let value = if g.mixed == Mixed::Real { self.as_number(&value, span)? } else { value };
        let element = self.array_like(value, span)?;
        let mut same = nested == g.nested;
        match (g.kind, inside) {
            (Some(kind), Some(found)) => {
                if found.0.dtype() != kind.dtype() && g.wide.is_none() && self.widen(g) {
                    return self.restart();
                }
                let (joined, mixed) = joined_kinds((kind, g.mixed), found);
                if joined != kind || mixed != g.mixed {
                    if let Some(growth) = self.plan.growing.get_mut(&g.site).filter(|_| !self.again) {
                        growth.widened |= joined.dtype() != kind.dtype() || found.0.dtype() != joined.dtype();
                        (growth.kind, growth.dtype, growth.mixed) = (Some(joined), joined.dtype(), mixed);
                    }
                    return self.restart();
                }
            }
            (None, None) => same &= element.kind().map(Kind::dtype) == Some(g.room.dtype),
            _ => same = false,
        }
        if let (Some(wide), Some((found, _))) = (g.wide, inside)
            && found.dtype() == g.room.dtype
        {
            self.set_flag(wide, span)?;
        }
        let shape = element.shape();
        same &= shape.len() + 1 == g.room.rank();
        for (a, b) in shape.iter().zip(&g.room.shape[1..]) {
            same = same && self.same(a, b)?.is_yes();
        }
        if !same {
            return fail_hint(
                span,
                "the elements of a list that a loop fills have different types or shapes",
                "use arrays, or one type from the start, such as 0.0 instead of 0",
            );
        }
        Ok(element)
    }

    /// A list has numbers of a narrower kind; false where that is known.
    fn widen(&mut self, g: &Grown) -> bool {
        match self.plan.growing.get_mut(&g.site) {
            Some(growth) if !growth.widened && !self.again => {
                growth.widened = true;
                true
            }
            _ => false,
        }
    }

    /// Whether an element of a list of integers and floats is one of NumPy's.
    pub fn note_element(&mut self, flags: Option<View>, value: &Value, span: Span) -> Res<()> {
        let Some(flags) = flags else { return Ok(()) };
        if !matches!(value.kind(), Some(Kind::Int | Kind::Np(DType::F64))) {
            let hint = "convert all of them by float(...)";
            return fail_hint(span, "a list of numbers of different kinds", hint);
        }
        let sure = self.is_sure(value);
        let sure = self.test_value(sure, span)?;
        self.store(&flags, &sure, span)
    }

    /// A tuple of numbers as an element of a list of such.
    fn tuple_of_list(&mut self, value: &Value, g: &Grown, span: Span) -> Res<Value> {
        let hint = "append tuples of as many numbers, each of one kind";
        let reason = "the elements of a list that a loop fills have different types or shapes";
        let found = columns_of(value).filter(|c| c.len() == g.columns.len());
        let Some(found) = found else { return fail_hint(span, reason, hint) };
        let mut columns = vec![];
        for (a, b) in g.columns.iter().zip(found) {
            let joined = match (*a, b) {
                (a, b) if a == b => Some(a),
                (Kind::Int | Kind::Number, Kind::Float | Kind::Number) => Some(Kind::Number),
                (Kind::Float, Kind::Int | Kind::Number) => Some(Kind::Number),
                (a, b) => self.either(a, b).filter(|k| k.1.is_none()).map(|k| k.0),
            };
            match joined {
                Some(kind) => columns.push(kind),
                None => return fail_hint(span, reason, hint),
            }
        }
        if let (Some(wide), true) =
            (g.wide, columns_of(value).is_some_and(|c| c.iter().any(|k| k.dtype() == g.room.dtype)))
        {
            self.set_flag(wide, span)?;
        }
        if columns != g.columns {
            if let Some(growth) = self.plan.growing.get_mut(&g.site).filter(|_| !self.again) {
                let before = growth.dtype;
                growth.widened |= columns.iter().all(|k| k.dtype() != before);
                growth.dtype = columns.iter().fold(growth.dtype, |t, k| t.promote(k.dtype()));
                growth.columns = columns;
            }
            return self.restart();
        }
        let mut items = self.elements(value).unwrap_or_default();
        for (item, kind) in items.iter_mut().zip(&g.columns) {
            if kind.dtype() == DType::F64 || g.room.dtype == DType::F64 {
                *item = self.as_number(item, span)?;
            }
        }
        self.array_like(Value::Tuple(items), span)
    }

    /// `list.append(value)` where the list was made outside of a loop or branch around.
    pub fn append_far(&mut self, id: usize, value: Value, span: Span) -> Res<()> {
        let mut here = self.path.clone();
        here.push(span.start);
        let Some(site) = self.lists[id].site.clone() else {
            return fail_hint(
                span,
                "a list is changed in a loop or branch that it was not made in",
                "make an array of the final size beforehand and assign its elements",
            );
        };
        let Some(grown) = self.lists[id].grown.clone() else {
            if self.can_unroll(id) {
                return self.restart();
            }
            let append = self.append_here(id, span)?;
            let append = Append { most: self.guess(append.guessed, &append.most, &value), ..append };
            return self.grow(site, &value, Some((here, append)), span);
        };
        let Some(mut growth) = self.plan.growing.get(&site).cloned() else { return self.restart() };
        let element = self.element_of_list(value.clone(), &grown, span)?;
        let known = growth.appends.contains_key(&here);
        if !known {
            let append = self.append_here(id, span)?;
            let append = Append { most: self.guess(append.guessed, &append.most, &value), ..append };
            growth.appends.insert(here, append);
            self.plan.growing.insert(site, growth);
            return self.restart();
        }
        self.of_this_iteration(&value, span)?;
        let at = self.length_of(id, span)?;
        if growth.appends.values().any(|append| append.guessed) {
            let room = &grown.room.shape[0] - &at;
            let zero = tasklet::Expr::Sym(Expr::zero());
            let cond = tasklet::Expr::bin(BinOp::Gt, tasklet::Expr::Sym(room), zero);
            let reason = "a list of so many elements that a 'while' loop fills";
            self.check(cond, format!("{NOT_IMPORTED}{reason}"), span);
        }
        self.trusting(|s| s.store(&grown.room.fix_dim(0, &at), &element, span))?;
        self.note_element(grown.flags.as_ref().map(|f| f.fix_dim(0, &at)), &value, span)?;
        self.move_in(&value, &grown, &at);
        if let Value::Array(view) = &value {
            self.note_copy(&grown.room, view, span);
        }
        self.lengthen(id, &at, 1, span)
    }

    /// A list that is appended is made anew for it.
    fn of_this_iteration(&self, value: &Value, span: Span) -> Res<()> {
        let Value::List(inner) = value else { return Ok(()) };
        let list = &self.lists[*inner];
        if list.around == self.around.len() && list.whiles == self.whiles {
            return Ok(());
        }
        fail_hint(span, "a list is appended that an earlier iteration may share", "append a copy of it")
    }

    /// A list that has become an element lives on in the container of the list that it is in.
    fn move_in(&mut self, value: &Value, outer: &Grown, at: &Expr) {
        let Value::List(inner) = value else { return };
        let row = outer.row(outer.room.fix_dim(0, at));
        let list = &mut self.lists[*inner];
        if list.grown.as_ref().is_some_and(|g| g.nested) {
            // Its own rows may have names that do not know.
            list.frozen = true;
            return;
        }
        let items = std::mem::take(&mut list.items);
        (list.grown, list.site) = (Some(row.clone()), None);
        for (k, item) in items.iter().enumerate() {
            self.move_in(item, &row, &Expr::int(k as i64));
        }
    }

    /// Loops around with known counts are written out, if the list stays short.
    fn can_unroll(&mut self, id: usize) -> bool {
        let list = &self.lists[id];
        let inner = &self.around[list.around.min(self.around.len())..];
        let counts: Option<Vec<i64>> = inner.iter().map(|l| l.count.as_int()).collect();
        let Some(counts) = counts else { return false };
        let whiles = self.whiles != list.whiles;
        let short = counts.iter().try_fold(1i64, |n, c| n.checked_mul(*c)).is_some_and(|n| n <= LONGEST);
        match inner.first() {
            Some(first) if short && !whiles && inner.iter().all(|l| l.whole) => {
                let path = first.path.clone();
                self.plan.unroll.insert(path)
            }
            _ => false,
        }
    }

    /// Room for elements of which nothing bounds the number: less where they are large.
    fn guess(&self, guessed: bool, most: &Expr, value: &Value) -> Expr {
        if !guessed {
            return most.clone();
        }
        let shape = value.shape();
        let size = shape.iter().fold(Expr::one(), |a, n| &a * n);
        let size = self.on_sample(&size).unwrap_or(ROOM).max(1);
        Expr::int((16 * ROOM / size).clamp(LEAST_ROOM, ROOM))
    }

    /// How often this place appends to a list.
    fn append_here(&mut self, id: usize, span: Span) -> Res<Append> {
        let list = &self.lists[id];
        let inner: Vec<Around> = self.around[list.around.min(self.around.len())..].to_vec();
        if self.whiles != list.whiles {
            return Ok(Append { most: Expr::int(ROOM), loops: None, guessed: true });
        }
        let only_loops = self.nesting() - list.depth == inner.len();
        let mut most = Some(Expr::one());
        let mut loops = vec![];
        let mut steady = only_loops;
        let around = self.loops.clone();
        for l in inner.iter().rev() {
            let count = if self.nonneg(&l.count, span)?.is_yes() {
                l.count.clone()
            } else {
                Expr::max(&l.count, &Expr::zero())
            };
            let mut bound = Some(count.clone());
            for (var, range) in around.iter().rev() {
                bound = bound.and_then(|e| if e.contains(*var) { largest(&e, *var, range) } else { Some(e) });
            }
            most = most.zip(bound).map(|(a, b)| &a * &b);
            steady &= l.whole && !inner.iter().any(|outer| count.contains(outer.var));
            loops.insert(0, (l.path.clone(), count));
        }
        for (var, range) in &around {
            steady &=
                !inner.iter().any(|l| l.var == *var) || range.step.as_int().is_some_and(|s| s.abs() == 1);
        }
        match most.and_then(|most| self.most(&most)) {
            Some(most) => Ok(Append { most, loops: steady.then_some(loops), guessed: false }),
            None => Ok(Append { most: Expr::int(ROOM), loops: None, guessed: true }),
        }
    }

    /// A list of known elements that a loop or branch changes becomes one in a container.
    pub fn settle<T>(&mut self, id: usize, value: Option<&Value>, span: Span) -> Res<T> {
        let first = self.lists[id].items.first().cloned();
        match (self.lists[id].site.clone(), first.as_ref().or(value)) {
            (Some(site), Some(item)) => self.grow(site, &item.clone(), None, span),
            _ => fail_hint(
                span,
                "a list is changed in a loop or branch that it was not made in",
                "make an array of the final size beforehand and assign its elements",
            ),
        }
    }
}

/// The kind of two numbers in one list, and whether only the array that NumPy makes of them is the same.
fn joined_kinds((a, mixed): (Kind, Mixed), (b, also): (Kind, Mixed)) -> (Kind, Mixed) {
    let (mixed, dtype) = (mixed.max(also), a.dtype().promote(b.dtype()));
    let real = |k: Kind| matches!(k.dtype(), DType::I64 | DType::F64);
    match joined(a, b) {
        _ if a == b => (a, mixed),
        // As where ways meet: a Python number among NumPy's of the same type is one of them.
        _ if a.dtype() == b.dtype() => (Kind::Np(dtype), mixed),
        Some(kind) if a.is_python() && b.is_python() && mixed == Mixed::No => (kind, Mixed::No),
        _ => (Kind::Np(dtype), mixed.max(if real(a) && real(b) { Mixed::Real } else { Mixed::Any })),
    }
}

/// The kinds of the numbers in a tuple that can be a row of a list.
pub fn columns_of(v: &Value) -> Option<Vec<Kind>> {
    let Value::Tuple(items) = v else { return None };
    let plain = |v: &Value| match v {
        Value::Num(num) if matches!(num.kind.dtype(), DType::I64 | DType::F64) => Some(num.kind),
        _ => None,
    };
    items.iter().map(plain).collect::<Option<Vec<_>>>().filter(|c| (1..=16).contains(&c.len()))
}

/// The most that an expression can be while a loop's variable takes its values.
fn largest(e: &Expr, var: Name, range: &weft_ir::symbolic::Range) -> Option<Expr> {
    let (coefs, _) = e.linear(&[var])?;
    let up = range.step.as_int()? > 0;
    let (low, high) =
        if up { (range.begin.clone(), &range.end - 1) } else { (&range.end + 1, range.begin.clone()) };
    Some(e.subst1(var, if coefs[0] < 0 { &low } else { &high }))
}
