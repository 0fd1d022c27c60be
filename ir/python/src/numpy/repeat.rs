//! Functions that repeat and shift elements.

use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Fact};
use weft_ir::tasklet;

use super::Function;
use super::PRELUDE_ID;
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail};
use crate::value::{Value, View, dim};

pub const FUNCTIONS: &[Function] = &[
    Function::new("numpy.repeat", "a, repeats, axis=None", repeat),
    Function::new("numpy.tile", "A, reps", tile),
    Function::new("numpy.roll", "a, shift, axis=None", roll),
    Function::new("numpy.resize", "a, new_shape", resize),
];

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
        if let Some(items) = s.elements(&repeats)
            && let Some(counts) = items.iter().map(Value::as_const_int).collect::<Option<Vec<_>>>()
            && counts.iter().all(|&c| c >= 0)
        {
            let message = "operands could not be broadcast together: as many repeats as elements are needed";
            s.must_be_zero(&(&view.shape[axis] - counts.len() as i64), message, span)?;
            return s.repeated_each(&view, axis, &counts, span).map(Value::Array);
        }
        let args = vec![Value::Array(view), repeats, Value::int(axis as i64)];
        return s.inline(PRELUDE_ID, "repeat_counts", Args::new("np.repeat", args, span));
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
    if s.on_sample(&n) == Some(0) && !n.is_zero() {
        return s.make_constant(&n, span);
    }
    if n.is_zero() {
        let dtype = Value::Path(format!("numpy.{}", view.dtype.numpy()));
        return s.call_path("numpy.zeros", Args::new("np.zeros", vec![shape, dtype], span));
    }
    s.must_have_elements(&n, "np.resize of an array that turns out to be empty", span)?;
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

impl Importer<'_> {
    /// Each element along an axis as often as its count says.
    fn repeated_each(&mut self, view: &View, axis: usize, counts: &[i64], span: Span) -> Res<View> {
        let mut shape = view.shape.clone();
        shape[axis] = Expr::int(counts.iter().fold(0i64, |a, c| a.saturating_add(*c)));
        let out = self.transient("repeated", view.dtype, shape);
        let mut begin = 0i64;
        for (i, &count) in counts.iter().enumerate() {
            let n = Expr::int(count);
            let at = Expr::int(i as i64);
            let source = view.slice_dim(axis, &at, &Expr::one(), Expr::one()).repeat_dim(axis, n.clone());
            let target = out.slice_dim(axis, &Expr::int(begin), &Expr::one(), n);
            self.fill_from(&source, &target, span);
            begin = begin.saturating_add(count);
        }
        Ok(out)
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
