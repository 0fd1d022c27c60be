//! Functions that put arrays together, repeat and shift them.

use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Fact};
use weft_ir::tasklet;

use super::rearrange::raised;
use super::{Function, same_kind};
use crate::args::{Args, Bound};
use crate::bounds::Item;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::value::{Value, View, dim};

pub const FUNCTIONS: &[Function] = &[
    Function::new("numpy.concatenate", "arrays, axis=0, out=None, *, dtype=None, ~casting=None", concatenate),
    Function::new("numpy.stack", "arrays, axis=0, out=None, *, dtype=None, ~casting=None", stack),
    Function::new("numpy.vstack", "tup, *, dtype=None, ~casting=None", |s, b| {
        join_raised(s, b, |v| raised(v, 2), 0)
    }),
    Function::new("numpy.hstack", "tup, *, dtype=None, ~casting=None", |s, b| {
        join_raised(s, b, |v| raised(v, 1), 1)
    }),
    Function::new("numpy.dstack", "tup", |s, b| join_raised(s, b, |v| raised(v, 3), 2)),
    Function::new("numpy.column_stack", "tup", |s, b| join_raised(s, b, column, 1)),
    Function::new("numpy.append", "arr, values, axis=None", append),
    Function::new("numpy.block", "arrays", block),
    Function::new("numpy.repeat", "a, repeats, axis=None", repeat),
    Function::new("numpy.tile", "A, reps", tile),
    Function::new("numpy.roll", "a, shift, axis=None", roll),
    Function::new("numpy.resize", "a, new_shape", resize),
    Function::new("numpy.take", "a, indices, axis=None, out=None, mode='raise'", take),
    Function::new("numpy.copyto", "dst, src, ~casting=None, where=True", copyto),
];

/// Whole dimensions before an index.
fn whole(count: usize) -> Vec<Item> {
    vec![Item::Slice { lower: None, upper: None, step: Expr::one() }; count]
}

fn concatenate(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let arrays = b.get("arrays");
    let mut parts = s.parts_of(&arrays, span)?;
    let axis = match b.given("axis") {
        None => {
            for part in &mut parts {
                let flat = s.flattened(&Value::Array(part.clone()), span)?;
                *part = s.view_of(flat, span)?;
            }
            0
        }
        Some(axis) => s.axis_of(&axis, parts[0].rank(), span)?,
    };
    let (dtype, out) = (b.given("dtype"), b.given("out"));
    s.join(&parts, axis, dtype, out, span).map(Value::Array)
}

fn stack(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (arrays, axis) = (b.get("arrays"), b.get("axis"));
    let parts = s.parts_of(&arrays, b.span)?;
    let axis = s.axis_of(&axis, parts[0].rank() + 1, b.span)?;
    if parts.iter().any(|p| p.rank() != parts[0].rank()) {
        return fail(b.span, "all input arrays must have the same shape");
    }
    let parts: Vec<View> = parts.iter().map(|p| p.insert_dim(axis)).collect();
    let (dtype, out) = (b.given("dtype"), b.given("out"));
    s.join(&parts, axis, dtype, out, b.span).map(Value::Array)
}

fn join_raised(s: &mut Importer, b: &mut Bound, raise: fn(&View) -> View, axis: usize) -> Res<Value> {
    let arrays = b.get("tup");
    let parts: Vec<View> = s.parts_of(&arrays, b.span)?.iter().map(raise).collect();
    let axis = axis.min(parts[0].rank().saturating_sub(1));
    let dtype = b.given("dtype");
    s.join(&parts, axis, dtype, None, b.span).map(Value::Array)
}

/// Vectors become columns.
fn column(view: &View) -> View {
    match view.rank() {
        0 => raised(view, 2),
        1 => view.insert_dim(1),
        _ => view.clone(),
    }
}

fn append(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let mut parts = vec![s.view_of(b.get("arr"), span)?, s.view_of(b.get("values"), span)?];
    let axis = match b.given("axis") {
        Some(axis) => s.axis_of(&axis, parts[0].rank(), span)?,
        None => {
            for part in &mut parts {
                let flat = s.flattened(&Value::Array(part.clone()), span)?;
                *part = s.view_of(flat, span)?;
            }
            0
        }
    };
    s.join(&parts, axis, None, None, span).map(Value::Array)
}

fn block(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let arrays = b.get("arrays");
    let (mut depth, mut inner) = (0, arrays.clone());
    while let Value::List(_) = inner {
        depth += 1;
        match s.elements(&inner).and_then(|items| items.into_iter().next()) {
            Some(first) => inner = first,
            None => return fail(b.span, "np.block takes no empty lists"),
        }
    }
    let mut leaves = vec![];
    s.block_leaves(&arrays, depth, &mut leaves, b.span)?;
    let rank = leaves.iter().map(View::rank).max().unwrap_or(0).max(depth);
    let mut leaves = leaves.into_iter();
    let out = s.block_level(&arrays, depth, rank, &mut leaves, b.span)?;
    Ok(Value::Array(if depth == 0 { s.materialize(&out, out.dtype, b.span) } else { out }))
}

fn repeat(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (a, repeats) = (b.get("a"), b.get("repeats"));
    let mut view = s.view_of(a, span)?;
    let axis = match b.given("axis") {
        Some(axis) => s.axis_of(&axis, view.rank(), span)?,
        None => {
            let flat = s.flattened(&Value::Array(view), span)?;
            view = s.view_of(flat, span)?;
            0
        }
    };
    let several = match (s.elements(&repeats), &repeats) {
        (Some(items), _) => items.len() != 1,
        (None, Value::Array(a)) => a.rank() > 0 && !a.shape[0].is_one(),
        (None, _) => false,
    };
    if several {
        let args = vec![Value::Array(view), repeats, Value::int(axis as i64)];
        return s.inline(1, "repeat_counts", Args::new("np.repeat", args, span));
    }
    let times = s.shape_of(&repeats, span)?.remove(0);
    let n = view.shape[axis].clone();
    let mut shape = view.shape.clone();
    shape[axis] = &n * &times;
    let out = s.transient("repeated", view.dtype, shape);
    // Element i of the axis goes to i * times + j.
    let at: Vec<Expr> = (0..view.rank() + 1).map(|d| Expr::sym(dim(d))).collect();
    let mut index = at.clone();
    index.remove(axis + 1);
    index[axis] = &(&at[axis] * &times) + &at[axis + 1];
    let mut target = out.insert_dim(axis);
    target.shape[axis] = n;
    target.shape[axis + 1] = times.clone();
    target.at = out.index(&index);
    let source = view.insert_dim(axis + 1).repeat_dim(axis + 1, times);
    s.fill_from(&source, &target, span);
    Ok(Value::Array(out))
}

fn tile(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (a, reps) = (b.get("A"), b.get("reps"));
    let mut view = s.view_of(a, span)?;
    let mut reps = s.shape_of(&reps, span)?;
    while reps.len() < view.rank() {
        reps.insert(0, Expr::one());
    }
    while view.rank() < reps.len() {
        view = view.insert_dim(0);
    }
    let shape = view.shape.iter().zip(&reps).map(|(n, r)| n * r).collect();
    let out = s.transient("tiled", view.dtype, shape);
    // Element i of the axis goes to r * n + i for every r.
    let (mut index, mut extents) = (vec![], vec![]);
    for (n, r) in view.shape.iter().zip(&reps) {
        let k = extents.len();
        if r.is_one() {
            index.push(Expr::sym(dim(k)));
        } else {
            index.push(&(&Expr::sym(dim(k)) * n) + &Expr::sym(dim(k + 1)));
            extents.push(r.clone());
        }
        extents.push(n.clone());
    }
    let mut source = view.clone();
    for (d, r) in reps.iter().enumerate().rev() {
        if !r.is_one() {
            source = source.insert_dim(d).repeat_dim(d, r.clone());
        }
    }
    let strides = vec![Expr::one(); extents.len()];
    let target = View { shape: extents, at: out.index(&index), strides, ..out.clone() };
    s.fill_from(&source, &target, span);
    Ok(Value::Array(out))
}

fn roll(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (a, shift) = (b.get("a"), b.get("shift"));
    let view = s.view_of(a, span)?;
    let Some(axis) = b.given("axis") else {
        let flat = s.flattened(&Value::Array(view.clone()), span)?;
        let flat = s.view_of(flat, span)?;
        let shifts = s.elements(&shift).unwrap_or_else(|| vec![shift]);
        let mut total = Expr::zero();
        for v in shifts {
            total = &total + &s.as_int(&v, span)?;
        }
        let rolled = s.rolled(&flat, &[(0, total)], span)?;
        let shape = Value::Tuple(view.shape.into_iter().map(Value::sym).collect());
        return s.reshape(&rolled, &shape, span);
    };
    let axes = s.elements(&axis).unwrap_or_else(|| vec![axis]);
    let shifts = s.elements(&shift).unwrap_or_else(|| vec![shift]);
    let count = axes.len().max(shifts.len());
    if [&axes, &shifts].iter().any(|v| v.len() != count && v.len() != 1) {
        return fail(span, "'shift' and 'axis' should be scalars or 1D sequences of one length");
    }
    let mut by: Vec<(usize, Expr)> = vec![];
    for i in 0..count {
        let axis = s.axis_of(&axes[i.min(axes.len() - 1)], view.rank(), span)?;
        let shift = s.as_int(&shifts[i.min(shifts.len() - 1)], span)?;
        match by.iter_mut().find(|b| b.0 == axis) {
            Some(b) => b.1 = &b.1 + &shift,
            None => by.push((axis, shift)),
        }
    }
    s.rolled(&view, &by, span).map(Value::Array)
}

fn resize(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (a, shape) = (b.get("a"), b.get("new_shape"));
    let shape = s.shape_of(&shape, span)?;
    let flat = s.flattened(&a, span)?;
    let view = s.view_of(flat, span)?;
    let n = view.shape[0].clone();
    let total = shape.iter().fold(Expr::one(), |p, n| &p * n);
    let shape = Value::Tuple(shape.into_iter().map(Value::sym).collect());
    if n.is_zero() {
        let dtype = Value::Path(format!("numpy.{}", view.dtype.numpy()));
        return s.call_path("numpy.zeros", Args::new("np.zeros", vec![shape, dtype], span));
    }
    let source = picked(&view, 0, total, |i| i.modulo(&n));
    let out = s.materialize(&source, view.dtype, span);
    s.reshape(&out, &shape, span)
}

/// Dimension `d` with another extent: index `i` of it is index `at(i)` of the view's.
pub fn picked(view: &View, d: usize, extent: Expr, at: impl Fn(&Expr) -> Expr) -> View {
    let index: Vec<Expr> = (0..view.rank())
        .map(|k| {
            let i = Expr::sym(dim(k));
            if k == d { at(&i) } else { i }
        })
        .collect();
    let mut out = view.clone();
    out.shape[d] = extent;
    out.at = view.index(&index);
    out
}

fn take(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (a, mut indices, mode) = (b.get("a"), b.get("indices"), b.text("mode")?);
    let mut view = s.view_of(a, span)?;
    let axis = match b.given("axis") {
        Some(axis) => s.axis_of(&axis, view.rank(), span)?,
        None => {
            let flat = s.flattened(&Value::Array(view), span)?;
            view = s.view_of(flat, span)?;
            0
        }
    };
    let hint = s.hint.take();
    if indices.kind().is_some_and(|k| k.dtype() == DType::Bool) {
        indices = s.convert(&indices, DType::I64, span)?;
    }
    let n = Value::sym(view.shape[axis].clone());
    let last = Value::sym(&view.shape[axis] - 1);
    let name = match mode.as_deref() {
        Some("clip") => Some(("numpy.clip", vec![Value::int(0), last])),
        Some("wrap") => Some(("numpy.remainder", vec![n])),
        None | Some("raise") => None,
        Some(other) => return fail(span, format!("the mode '{other}' of np.take")),
    };
    if let Some((name, rest)) = name {
        let indices_array = s.array_like(indices, span)?;
        let mut args = vec![indices_array];
        args.extend(rest);
        indices = s.call_path(name, Args::new(name, args, span))?;
    }
    s.hint = hint;
    let mut items = whole(axis);
    items.push(s.item_value(indices, span)?);
    let value = s.part(&view, &items, span)?;
    // A scalar index of an array with more dimensions would be a view.
    let value = match value {
        Value::Array(v) if v.base == view.base => Value::Array(s.materialize(&v, v.dtype, span)),
        other => other,
    };
    s.give_out(b.given("out"), value, span)
}

fn copyto(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (to, from, mask) = (b.get("dst"), b.get("src"), b.get("where"));
    let from = s.array_like(from, b.span)?;
    s.finish_ufunc(from, Some(to), mask, b.span)?;
    Ok(Value::None)
}

impl Importer<'_> {
    /// Arrays that are given as a list, a tuple, or the rows of an array.
    pub fn parts_of(&mut self, v: &Value, span: Span) -> Res<Vec<View>> {
        let mut parts = vec![];
        for item in self.unpacked(v, span)? {
            parts.push(self.view_of(item, span)?);
        }
        if parts.is_empty() { fail(span, "need at least one array to join") } else { Ok(parts) }
    }

    /// A copy, unless nothing is to be copied.
    pub fn fill_from(&mut self, source: &View, target: &View, span: Span) {
        if target.shape.iter().all(|n| !n.is_zero()) {
            self.copy_into(source, target, span);
        }
    }

    /// The arrays one after the other along an axis.
    pub fn join(
        &mut self,
        parts: &[View],
        axis: usize,
        dtype: Option<Value>,
        out: Option<Value>,
        span: Span,
    ) -> Res<View> {
        let first = &parts[0];
        if first.rank() == 0 {
            return fail_hint(span, "zero-dimensional arrays cannot be concatenated", "use np.stack");
        }
        let mut shape = first.shape.clone();
        shape[axis] = Expr::zero();
        for part in parts {
            if part.rank() != first.rank() {
                return fail(span, "all the input arrays must have the same number of dimensions");
            }
            let message =
                "all the input array dimensions except for the concatenation axis must match exactly";
            for d in (0..part.rank()).filter(|&d| d != axis) {
                self.must_be_zero(&(&part.shape[d] - &shape[d]), message, span)?;
            }
            shape[axis] = &shape[axis] + &part.shape[axis];
        }
        let natural = parts.iter().map(|p| p.dtype).reduce(DType::promote).unwrap_or(DType::F64);
        let out = match (out, dtype) {
            (Some(Value::Array(out)), None) => {
                if out.rank() != shape.len() {
                    return fail(span, "'out' has the wrong shape");
                }
                for (n, m) in shape.iter().zip(&out.shape) {
                    self.must_be_zero(&(n - m), "'out' has the wrong shape", span)?;
                }
                out
            }
            (Some(_), _) => return fail(span, "'out' must be an array, without 'dtype'"),
            (None, dtype) => {
                let t = match dtype {
                    Some(t) => self.dtype_of(&t, span)?,
                    None => natural,
                };
                self.transient("joined", t, shape)
            }
        };
        if let Some(p) = parts.iter().find(|p| !same_kind(p.dtype, out.dtype)) {
            return fail(span, format!("cannot cast {} to {}", p.dtype.numpy(), out.dtype.numpy()));
        }
        let mut begin = Expr::zero();
        let overlap = parts.iter().any(|p| p.base == out.base);
        for part in parts.to_vec() {
            let n = part.shape[axis].clone();
            let part = if overlap { self.materialize(&part, part.dtype, span) } else { part };
            if !n.is_zero() {
                let target = out.slice_dim(axis, &begin, &Expr::one(), n.clone());
                self.store(&target, &Value::Array(part), span)?;
            }
            begin = &begin + &n;
        }
        Ok(out)
    }

    fn block_leaves(&mut self, v: &Value, depth: usize, out: &mut Vec<View>, span: Span) -> Res<()> {
        match v {
            Value::List(_) if depth > 0 => {
                for item in self.unpacked(v, span)? {
                    self.block_leaves(&item, depth - 1, out, span)?;
                }
                Ok(())
            }
            Value::List(_) | Value::Tuple(_) => fail(span, "the lists of np.block have different depths"),
            _ if depth > 0 => fail(span, "the lists of np.block have different depths"),
            _ => {
                out.push(self.view_of(v.clone(), span)?);
                Ok(())
            }
        }
    }

    fn block_level(
        &mut self,
        v: &Value,
        depth: usize,
        rank: usize,
        leaves: &mut std::vec::IntoIter<View>,
        span: Span,
    ) -> Res<View> {
        if depth == 0 {
            let Some(mut leaf) = leaves.next() else { return fail(span, "np.block takes no empty lists") };
            while leaf.rank() < rank {
                leaf = leaf.insert_dim(0);
            }
            return Ok(leaf);
        }
        let mut parts = vec![];
        for item in self.unpacked(v, span)? {
            parts.push(self.block_level(&item, depth - 1, rank, leaves, span)?);
        }
        if parts.is_empty() {
            return fail(span, "np.block takes no empty lists");
        }
        self.join(&parts, rank - depth, None, None, span)
    }

    /// A new array with some axes shifted around: a copy of each of the parts that stay together.
    fn rolled(&mut self, view: &View, by: &[(usize, Expr)], span: Span) -> Res<View> {
        let mut pieces: Vec<(View, View)> = vec![];
        let hint = self.hint.take();
        let mut shifts = vec![];
        for (axis, shift) in by {
            shifts.push((*axis, self.shift_within(shift, &view.shape[*axis], span)?));
        }
        self.hint = hint;
        let out = self.transient("rolled", view.dtype, view.shape.clone());
        pieces.push((view.clone(), out.clone()));
        for (axis, k) in shifts {
            let n = view.shape[axis].clone();
            if k.is_zero() {
                continue;
            }
            let (one, rest) = (Expr::one(), &n - &k);
            let mut next = vec![];
            for (from, to) in pieces {
                let zero = Expr::zero();
                for (source, target, length) in [(&zero, &k, &rest), (&rest, &zero, &k)] {
                    if !length.is_zero() {
                        next.push((
                            from.slice_dim(axis, source, &one, length.clone()),
                            to.slice_dim(axis, target, &one, length.clone()),
                        ));
                    }
                }
            }
            pieces = next;
        }
        for (from, to) in pieces {
            self.fill_from(&from, &to, span);
        }
        Ok(out)
    }

    /// A shift from 0 to the extent that does the same.
    fn shift_within(&mut self, shift: &Expr, n: &Expr, span: Span) -> Res<Expr> {
        if n.is_zero() {
            return Ok(Expr::zero());
        }
        if let (Some(k), Some(n)) = (shift.as_int(), n.as_int()) {
            return Ok(Expr::int(k.rem_euclid(n)));
        }
        let (up, wide) = (self.on_sample(shift), self.on_sample(n));
        if let (Some(k), Some(wide)) = (up, wide)
            && k.unsigned_abs() <= wide.unsigned_abs()
        {
            if k >= 0 && self.nonneg_everywhere(shift, span)?.is_yes() {
                if self.nonneg_everywhere(&(n - shift), span)?.is_yes() {
                    return Ok(shift.clone());
                }
            } else if self.nonneg_everywhere(&-shift, span)?.is_yes()
                && self.nonneg_everywhere(&(n + shift), span)?.is_yes()
            {
                return Ok(n + shift);
            }
        }
        let value = shift.modulo(&n.max(&Expr::one()));
        let k = Expr::sym(self.assign_symbol("shift", tasklet::Expr::Sym(value), span));
        self.assume(Fact::NonNeg(k.clone()));
        self.assume(Fact::NonNeg(n - &k));
        Ok(k)
    }
}
