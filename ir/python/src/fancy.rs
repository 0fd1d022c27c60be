//! Indexing by arrays: gathers, scatters, masks.
//!
//! A read is one map whose tasklet picks elements by value; a write goes one index after the other, so
//! that the last of several to one element stays. A mask is the list of the places where it is true,
//! except where a selection between two values does.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Input, Map, Memlet, Schedule, Span, Tasklet, Wcr};
use weft_ir::symbolic::{Expr, Range, Truth};
use weft_ir::tasklet::{self, Assign, BinOp};

use crate::args::Args;
use crate::bounds::Item;
use crate::context::{Importer, Res, fail, fail_hint, fail_raises};
use crate::emit::Inputs;
use crate::numpy::PRELUDE_ID;
use crate::value::{Kind, Value, View};

/// An array that is indexed by arrays: in the view all slices are done, and each of `at` picks along one
/// dimension of it.
struct Picked {
    view: View,
    at: Vec<(usize, View)>,
    /// The common shape of the index arrays.
    shape: Vec<Expr>,
    /// Where the dimensions of `shape` come among those that are left.
    place: usize,
}

impl Picked {
    /// The dimensions of the view that are not picked from.
    fn rest(&self) -> Vec<usize> {
        (0..self.view.rank()).filter(|d| self.at.iter().all(|a| a.0 != *d)).collect()
    }

    fn full_shape(&self) -> Vec<Expr> {
        let rest = self.rest();
        let mut shape: Vec<Expr> = rest.iter().map(|&d| self.view.shape[d].clone()).collect();
        shape.splice(self.place..self.place, self.shape.iter().cloned());
        shape
    }
}

/// Is there an array among the indices?
pub fn is_fancy(items: &[Item]) -> bool {
    items.iter().any(|i| matches!(i, Item::Array(_)))
}

impl Importer<'_> {
    /// The parts of an index in terms of the view: slices done, masks turned into places.
    fn picked(&mut self, view: &View, items: &[Item], span: Span) -> Res<Picked> {
        let mut list = vec![];
        for item in items {
            match item {
                Item::Array(mask) if mask.dtype == DType::Bool => {
                    for places in self.places(mask, span)? {
                        list.push((Item::Array(places), true));
                    }
                }
                other => list.push((other.clone(), false)),
            }
        }
        let used = list.iter().filter(|i| !matches!(i.0, Item::NewAxis | Item::Ellipsis)).count();
        if used > view.rank() {
            let reason = format!(
                "too many indices: the array is {}-dimensional, but {used} were indexed",
                view.rank()
            );
            return fail(span, reason);
        }
        let dots = view.rank() - used;
        if !list.iter().any(|i| matches!(i.0, Item::Ellipsis)) {
            list.push((Item::Ellipsis, false));
        }
        // Positions of the indices that pick: together they make one block of dimensions, or go first.
        let picks: Vec<usize> =
            (0..list.len()).filter(|&i| matches!(list[i].0, Item::Array(_) | Item::Index(_))).collect();
        let (first, last) = (picks[0], picks[picks.len() - 1]);
        let apart = list[first..=last].iter().any(|i| !matches!(i.0, Item::Array(_) | Item::Index(_)));
        let (mut out, mut d, mut place) = (view.clone(), 0, 0);
        let mut at = vec![];
        for (i, (item, trusted)) in list.into_iter().enumerate() {
            if i == first {
                place = d;
            }
            match item {
                Item::NewAxis => {
                    out = out.insert_dim(d);
                    d += 1;
                }
                Item::Ellipsis => d += dots,
                Item::Slice { lower, upper, step } => {
                    let n = out.shape[d].clone();
                    let normal = self.slice(lower.as_ref(), upper.as_ref(), &step, &n, span)?;
                    out = out.slice_dim(d, &normal.begin, &step, normal.extent);
                    d += 1;
                }
                Item::Index(e) => {
                    let i = self.index(&e, &out.shape[d].clone(), d, view.base.as_str(), span)?;
                    out = out.fix_dim(d, &i);
                }
                Item::Array(indices) => {
                    if !indices.dtype.is_int() {
                        return fail_raises(
                            span,
                            "arrays used as indices must be of integer or bool type",
                            "",
                        );
                    }
                    let indices = if indices.dtype == DType::I64 {
                        indices
                    } else {
                        self.materialize(&indices, DType::I64, span)
                    };
                    let n = out.shape[d].clone();
                    let indices = if trusted { indices } else { self.wrapped(&indices, &n, d, span)? };
                    at.push((d, indices));
                    d += 1;
                }
            }
        }
        let shapes: Vec<Vec<Expr>> = at.iter().map(|a: &(usize, View)| a.1.shape.clone()).collect();
        let shape = self.broadcast(&shapes, span)?;
        Ok(Picked { view: out, at, shape, place: if apart { 0 } else { place } })
    }

    /// Indices from 0 on, checked.
    fn wrapped(&mut self, indices: &View, n: &Expr, axis: usize, span: Span) -> Res<View> {
        let hint = self.hint.take();
        let mut inputs = Inputs::default();
        let at = inputs.read(indices);
        let compare = |op, with: &Expr| tasklet::Expr::bin(op, at.clone(), tasklet::Expr::Sym(with.clone()));
        let inside = tasklet::Expr::bin(BinOp::And, compare(BinOp::Ge, &-n), compare(BinOp::Lt, n));
        let good = self.elementwise("inside", DType::Bool, indices.shape.clone(), &inputs, inside, span);
        let dims: Vec<usize> = (0..good.rank()).collect();
        let all = if dims.is_empty() {
            good
        } else {
            self.reduce(&good, Wcr::And, &dims, Some(Scalar::Bool(true)), span)
        };
        let cond = tasklet::Expr::Var(all.base);
        self.check(cond, format!("an index is out of bounds for axis {axis} with size {n}"), span);
        let moved = tasklet::Expr::bin(BinOp::Add, at.clone(), tasklet::Expr::Sym(n.clone()));
        let wrapped = tasklet::Expr::select(compare(BinOp::Lt, &Expr::zero()), moved, at);
        let out = self.elementwise("wrap", DType::I64, indices.shape.clone(), &inputs, wrapped, span);
        self.hint = hint;
        Ok(out)
    }

    /// The indices of the elements of a mask that are true, a dimension each, in C order.
    fn places(&mut self, mask: &View, span: Span) -> Res<Vec<View>> {
        // `a[mask] = f(b[mask])` asks twice.
        if let Some((known, places, since)) = &self.places
            && known == mask
            && !self.written_since(mask.base, *since)
        {
            return Ok(places.clone());
        }
        let hint = self.hint.take();
        let args = Args::new("nonzero", vec![Value::Array(mask.clone())], span);
        let places = self.inline(PRELUDE_ID, "numpy__nonzero", args)?;
        self.hint = hint;
        let Value::Tuple(items) = places else { return fail(span, "a mask has no places") };
        let places: Vec<View> = items.iter().map(|v| self.as_view(v, span)).collect::<Res<_>>()?;
        self.places = Some((mask.clone(), places.clone(), self.blocks_here()));
        Ok(places)
    }

    /// A mask must have the extents of the dimensions that it selects from.
    fn mask_fits(&mut self, mask: &View, view: &View, d: usize, span: Span) -> Res<()> {
        if d + mask.rank() > view.rank() {
            return fail(span, "too many indices: the mask has more dimensions than the array");
        }
        for k in 0..mask.rank() {
            let (n, m) = (view.shape[d + k].clone(), mask.shape[k].clone());
            match self.same(&n, &m)? {
                Truth::Yes => {}
                Truth::No => {
                    let reason = format!("boolean index did not match: the extent is {n}, the mask's is {m}");
                    return fail(span, reason);
                }
                Truth::Unknown => {
                    let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
                    let cond = tasklet::Expr::bin(BinOp::Eq, sym(&n), sym(&m));
                    self.check(cond, "boolean index did not match the extent of the array", span);
                }
            }
        }
        Ok(())
    }

    fn masks_fit(&mut self, view: &View, items: &[Item], span: Span) -> Res<()> {
        let mut d = 0;
        let used: usize = items
            .iter()
            .map(|i| match i {
                Item::Array(m) if m.dtype == DType::Bool => m.rank(),
                Item::NewAxis | Item::Ellipsis => 0,
                _ => 1,
            })
            .sum();
        for item in items {
            match item {
                Item::Array(m) if m.dtype == DType::Bool => {
                    self.mask_fits(m, view, d, span)?;
                    d += m.rank();
                }
                Item::NewAxis => {}
                Item::Ellipsis => d += view.rank().saturating_sub(used),
                _ => d += 1,
            }
        }
        Ok(())
    }

    // ---- reading ---------------------------------------------------------------------------

    /// `a[i, :, j]` with arrays among the indices: a new array.
    pub fn gather(&mut self, view: &View, items: &[Item], span: Span) -> Res<Value> {
        let hint = self.hint.take();
        self.masks_fit(view, items, span)?;
        let mut picked = self.picked(view, items, span)?;
        let axes = picked.view.axes();
        if axes.is_empty() || axes.iter().any(Option::is_none) {
            picked.view = self.materialize(&picked.view.clone(), view.dtype, span);
        }
        self.hint = hint;
        let out = self.transient("picked", view.dtype, picked.full_shape());
        self.gather_into(&picked, &out, span);
        let inside = picked.rest().len() + picked.shape.len() > 1 && picked.place > 0;
        if inside || !self.lies_evenly(view) || picked.at.iter().any(|(_, at)| !self.lies_evenly(at)) {
            self.uneven.insert(out.base);
        }
        Ok(Value::Array(out))
    }

    fn gather_into(&mut self, picked: &Picked, out: &View, span: Span) {
        let (mut params, mut at) = (vec![], vec![]);
        for n in &out.shape {
            if n.is_one() {
                at.push(Expr::zero());
                continue;
            }
            let param = self.fresh("i");
            at.push(Expr::sym(param));
            params.push((param, Range::new(0, n)));
        }
        let block = &at[picked.place..picked.place + picked.shape.len()];
        let rest: Vec<Expr> =
            at[..picked.place].iter().chain(&at[picked.place + block.len()..]).cloned().collect();
        let (source, target) = (Name::new("from"), Name::new("out"));
        let mut inputs = vec![];
        let mut reads = vec![];
        let mut values = vec![None; picked.view.rank()];
        for (k, (d, indices)) in picked.at.iter().enumerate() {
            let conn = Name::new(&format!("at{k}"));
            let skip = block.len() - indices.rank();
            let place: Vec<Expr> = indices
                .shape
                .iter()
                .zip(&block[skip..])
                .map(|(n, i)| if n.is_one() { Expr::zero() } else { i.clone() })
                .collect();
            inputs.push((conn, DType::I64));
            reads.push((conn, Memlet::element(indices.base, indices.index(&place))));
            values[*d] = Some(tasklet::Expr::Var(conn));
        }
        for (d, i) in picked.rest().into_iter().zip(rest) {
            values[d] = Some(tasklet::Expr::Sym(i));
        }
        let index = |axis: Option<crate::value::Axis>| {
            let Some(axis) = axis else { return tasklet::Expr::Sym(Expr::zero()) };
            let offset = tasklet::Expr::Sym(axis.offset.clone());
            match axis.dim.and_then(|d| values[d].clone()) {
                None => offset,
                Some(tasklet::Expr::Sym(i)) => tasklet::Expr::Sym(&axis.offset + &(&i * &axis.step)),
                Some(value) => {
                    let step = tasklet::Expr::Sym(axis.step.clone());
                    let moved =
                        if axis.step.is_one() { value } else { tasklet::Expr::bin(BinOp::Mul, value, step) };
                    if axis.offset.is_zero() { moved } else { tasklet::Expr::bin(BinOp::Add, offset, moved) }
                }
            }
        };
        let code = tasklet::Expr::Index(source, picked.view.axes().into_iter().map(index).collect());
        inputs.push((source, picked.view.dtype));
        let label = self.numbered("pick");
        let map = Map { label: self.numbered("m"), params, schedule: Schedule::Default };
        let tasklet = Tasklet {
            label,
            inputs,
            outputs: vec![(target, out.dtype)],
            code: vec![Assign { target, value: code }],
        };
        let base = picked.view.base;
        let whole = self.sdfg.data.get(&base).map(|d| d.full_subset()).unwrap_or_default();
        let from = Memlet { dynamic: true, ..Memlet::new(base, whole) };
        self.state(span, |b| {
            let mut ends: Vec<Input> = vec![];
            for (conn, memlet) in reads.into_iter().chain([(source, from)]) {
                let seen =
                    ends.iter().find(|e| e.memlet.data == memlet.data && !memlet.dynamic).map(|e| e.node);
                let node = seen.unwrap_or_else(|| b.access(memlet.data, Some(span)));
                ends.push(Input { node, conn, memlet });
            }
            let node = b.access(out.base, Some(span));
            let write = Input { node, conn: target, memlet: Memlet::element(out.base, out.index(&at)) };
            b.mapped(map, tasklet, &ends, &[write], Some(span));
        });
    }

    // ---- writing ---------------------------------------------------------------------------

    /// `a[i, :, j] = value` with arrays among the indices.
    pub fn scatter(&mut self, view: &View, items: &[Item], value: &Value, span: Span) -> Res<()> {
        let value = self.array_like(value.clone(), span)?;
        self.masks_fit(view, items, span)?;
        let rest = |m: &View| view.rank() - m.rank();
        if let [Item::Array(mask)] = items
            && mask.dtype == DType::Bool
            && value.shape().len() <= rest(mask)
        {
            let mut mask = mask.clone();
            for _ in 0..rest(&mask) {
                mask = mask.insert_dim(mask.rank());
            }
            let kept = Value::Array(view.clone());
            let value = self.store_type(&value, view.dtype, span)?;
            let value = self.separate(view, &value, span);
            let mixed = self.select(&Value::Array(mask), &value, &kept, span)?;
            return self.store(view, &mixed, span);
        }
        let picked = self.picked(view, items, span)?;
        let full = picked.full_shape();
        let value = match &value {
            Value::Array(v) => {
                let v = if v.base == view.base { self.materialize(v, v.dtype, span) } else { v.clone() };
                let mut v = v;
                while v.rank() > full.len() && v.shape[0].is_one() {
                    v = v.fix_dim(0, &Expr::zero());
                }
                Value::Array(self.broadcast_view(&v, &full, span)?)
            }
            other => self.hold(other.clone(), span)?,
        };
        self.one_by_one(
            &picked,
            &mut |s, target, part| {
                let part = match &value {
                    Value::Array(v) => part(v),
                    other => other.clone(),
                };
                s.store(&target, &part, span)
            },
            span,
        )
    }

    /// A value as a selection with an array of this type takes it.
    fn store_type(&mut self, value: &Value, to: DType, span: Span) -> Res<Value> {
        match value.kind() {
            Some(k) if k.dtype().is_complex() && !to.is_complex() => fail_hint(
                span,
                "a complex value cannot be stored in a real array",
                "take its real part first",
            ),
            Some(_) => self.convert(value, to, span),
            None => fail(span, format!("{} cannot be stored in an array", value.describe())),
        }
    }

    /// Runs `write` for every place in the index arrays, in order.
    #[expect(clippy::type_complexity, reason = "a callback that is given a callback")]
    fn one_by_one(
        &mut self,
        picked: &Picked,
        write: &mut dyn FnMut(&mut Self, View, &dyn Fn(&View) -> Value) -> Res<()>,
        span: Span,
    ) -> Res<()> {
        let mark = self.mark();
        let mut vars = vec![];
        for n in &picked.shape {
            let var = self.fresh("at");
            let range = Range::new(0, n);
            self.push_region();
            self.assume_in(var, &range);
            self.loops.push((var, range.clone()));
            self.loop_depth += 1;
            vars.push((var, range));
        }
        let at: Vec<Expr> = vars.iter().map(|v| Expr::sym(v.0)).collect();
        let written = self.write_one(picked, &at, write, span);
        for (var, range) in vars.into_iter().rev() {
            self.loop_depth -= 1;
            self.loops.pop();
            let body = self.pop_region();
            self.block("loop", BlockKind::Loop { var, range, body }, span);
        }
        self.forget(mark);
        written
    }

    #[expect(clippy::type_complexity, reason = "a callback that is given a callback")]
    fn write_one(
        &mut self,
        picked: &Picked,
        at: &[Expr],
        write: &mut dyn FnMut(&mut Self, View, &dyn Fn(&View) -> Value) -> Res<()>,
        span: Span,
    ) -> Res<()> {
        let mut target = picked.view.clone();
        let mut dims: Vec<&(usize, View)> = picked.at.iter().collect();
        dims.sort_by_key(|d| std::cmp::Reverse(d.0));
        for (d, indices) in dims {
            let skip = at.len() - indices.rank();
            let mut element = indices.clone();
            for (n, i) in indices.shape.iter().zip(&at[skip..]) {
                let i = if n.is_one() { Expr::zero() } else { i.clone() };
                element = element.fix_dim(0, &i);
            }
            let index = self.as_int(&Value::elem(Kind::Np(DType::I64), element), span)?;
            target = target.fix_dim(*d, &index);
        }
        let place = picked.place;
        let part = |v: &View| {
            let mut v = v.clone();
            for i in at {
                v = v.fix_dim(place, i);
            }
            if v.rank() == 0 { Value::elem(Kind::Np(v.dtype), v) } else { Value::Array(v) }
        };
        write(self, target, &part)
    }
}
