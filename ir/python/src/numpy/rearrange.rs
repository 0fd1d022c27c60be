//! Functions that give other views of the same elements: axes moved, reversed, dropped, cut in parts.

use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Truth};

use super::Function;
use crate::args::{Args, Bound};
use crate::bounds::Item;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::value::{Num, Src, Value, View};

pub const FUNCTIONS: &[Function] = &[
    Function::new("numpy.squeeze", "a, axis=None", squeeze),
    Function::new("numpy.swapaxes", "a, axis1, axis2", swapaxes),
    Function::new("numpy.matrix_transpose", "x", matrix_transpose),
    Function::new("numpy.moveaxis", "a, source, destination", moveaxis),
    Function::new("numpy.rollaxis", "a, axis, start=0", rollaxis),
    Function::new("numpy.atleast_1d", "*arys", |s, b| at_least(s, b, 1)),
    Function::new("numpy.atleast_2d", "*arys", |s, b| at_least(s, b, 2)),
    Function::new("numpy.atleast_3d", "*arys", |s, b| at_least(s, b, 3)),
    Function::new("numpy.flip", "m, axis=None", flip),
    Function::new("numpy.fliplr", "m", |s, b| flip_one(s, b, 1)),
    Function::new("numpy.flipud", "m", |s, b| flip_one(s, b, 0)),
    Function::new("numpy.rot90", "m, k=1, axes=None", rot90),
    Function::new("numpy.diagonal", "a, offset=0, axis1=0, axis2=1", diagonal),
    Function::new("numpy.trace", "a, offset=0, axis1=0, axis2=1, dtype=None, out=None", trace),
    Function::new("numpy.broadcast_arrays", "*args, ~subok=False", broadcast_arrays),
    Function::new("numpy.broadcast_shapes", "*args", broadcast_shapes),
    Function::new("numpy.split", "ary, indices_or_sections, axis=0", |s, b| split(s, b, true)),
    Function::new("numpy.array_split", "ary, indices_or_sections, axis=0", |s, b| split(s, b, false)),
    Function::new("numpy.hsplit", "ary, indices_or_sections", |s, b| split_along(s, b, 1)),
    Function::new("numpy.vsplit", "ary, indices_or_sections", |s, b| split_along(s, b, 0)),
    Function::new("numpy.dsplit", "ary, indices_or_sections", |s, b| split_along(s, b, 2)),
];

fn squeeze(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let view = s.view_of(b.get("a"), span)?;
    let axis = b.given("axis");
    let (all, mut dims) = match axis {
        None => (true, (0..view.rank()).collect()),
        Some(axis) => (false, s.ordered_axes(&axis, view.rank(), span)?),
    };
    dims.sort_unstable();
    let mut out = view.clone();
    for &d in dims.iter().rev() {
        if s.is_unit(&view.shape[d], span)? {
            out = out.fix_dim(d, &Expr::zero());
        } else if !all {
            return fail(span, "cannot select an axis to squeeze out which has size not equal to one");
        }
    }
    Ok(Value::Array(out))
}

fn swapaxes(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.view_of(b.get("a"), b.span)?;
    let (p, q) = (b.get("axis1"), b.get("axis2"));
    let (p, q) = (s.axis_of(&p, view.rank(), b.span)?, s.axis_of(&q, view.rank(), b.span)?);
    let mut perm: Vec<usize> = (0..view.rank()).collect();
    perm.swap(p, q);
    Ok(Value::Array(view.permute(&perm)))
}

fn matrix_transpose(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.view_of(b.get("x"), b.span)?;
    let n = view.rank();
    if n < 2 {
        return fail(b.span, "matrix_transpose takes at least two dimensions");
    }
    let mut perm: Vec<usize> = (0..n).collect();
    perm.swap(n - 1, n - 2);
    Ok(Value::Array(view.permute(&perm)))
}

fn moveaxis(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.view_of(b.get("a"), b.span)?;
    let (from, to) = (b.get("source"), b.get("destination"));
    let (from, to) = (s.ordered_axes(&from, view.rank(), b.span)?, s.ordered_axes(&to, view.rank(), b.span)?);
    if from.len() != to.len() {
        return fail(b.span, "'source' and 'destination' must have the same number of elements");
    }
    let mut order: Vec<usize> = (0..view.rank()).filter(|d| !from.contains(d)).collect();
    let mut pairs: Vec<(usize, usize)> = to.into_iter().zip(from).collect();
    pairs.sort_unstable();
    for (to, from) in pairs {
        order.insert(to.min(order.len()), from);
    }
    Ok(Value::Array(view.permute(&order)))
}

fn rollaxis(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.view_of(b.get("a"), b.span)?;
    let n = view.rank();
    let (axis, start) = (b.get("axis"), b.get("start"));
    let axis = s.axis_of(&axis, n, b.span)?;
    // The axis goes before this one, which may be the end.
    let start = match start.as_const_int() {
        Some(i) if i == n as i64 => n,
        _ => s.axis_of(&start, n, b.span)?,
    };
    let mut order: Vec<usize> = (0..n).filter(|&d| d != axis).collect();
    order.insert(if axis < start { start - 1 } else { start }, axis);
    Ok(Value::Array(view.permute(&order)))
}

fn at_least(s: &mut Importer, b: &mut Bound, least: usize) -> Res<Value> {
    let mut out = vec![];
    for v in std::mem::take(&mut b.rest) {
        let view = s.view_of(v, b.span)?;
        out.push(Value::Array(raised(&view, least)));
    }
    Ok(if out.len() == 1 { out.remove(0) } else { Value::Tuple(out) })
}

/// The view with at least so many dimensions, where `np.atleast_3d` and its kind put them.
pub fn raised(view: &View, least: usize) -> View {
    let mut view = view.clone();
    while view.rank() < least {
        let at = if view.rank() == 2 { 2 } else { 0 };
        view = view.insert_dim(at);
    }
    view
}

fn flip(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.view_of(b.get("m"), b.span)?;
    let dims = match b.given("axis") {
        None => (0..view.rank()).collect(),
        Some(axis) => s.ordered_axes(&axis, view.rank(), b.span)?,
    };
    Ok(Value::Array(dims.into_iter().fold(view, |v, d| reversed(&v, d))))
}

fn flip_one(s: &mut Importer, b: &mut Bound, d: usize) -> Res<Value> {
    let view = s.view_of(b.get("m"), b.span)?;
    if view.rank() <= d {
        return fail(b.span, format!("{} takes at least {} dimensions", b.name, d + 1));
    }
    Ok(Value::Array(reversed(&view, d)))
}

/// Dimension `d` from its end to its beginning.
pub fn reversed(view: &View, d: usize) -> View {
    let n = view.shape[d].clone();
    let last = if n.is_zero() { Expr::zero() } else { &n - 1 };
    view.slice_dim(d, &last, &Expr::int(-1), n)
}

fn rot90(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let view = s.view_of(b.get("m"), span)?;
    let k = b.get("k");
    let k = s.known_int(&k, "the number of turns", span)?.rem_euclid(4);
    let axes = match b.given("axes") {
        None => Value::Tuple(vec![Value::int(0), Value::int(1)]),
        Some(axes) => axes,
    };
    let axes = s.ordered_axes(&axes, view.rank(), span)?;
    let [p, q] = axes[..] else { return fail(span, "rot90 takes two axes") };
    let mut perm: Vec<usize> = (0..view.rank()).collect();
    perm.swap(p, q);
    Ok(Value::Array(match k {
        0 => view,
        1 => reversed(&view, q).permute(&perm),
        2 => reversed(&reversed(&view, p), q),
        _ => reversed(&view.permute(&perm), q),
    }))
}

fn diagonal(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.view_of(b.get("a"), b.span)?;
    let (k, p, q) = (b.get("offset"), b.get("axis1"), b.get("axis2"));
    let k = s.as_int(&k, b.span)?;
    if view.rank() < 2 {
        return fail(b.span, "diagonal takes at least two dimensions");
    }
    let (p, q) = (s.axis_of(&p, view.rank(), b.span)?, s.axis_of(&q, view.rank(), b.span)?);
    if p == q {
        return fail(b.span, "axis1 and axis2 cannot be the same");
    }
    s.diagonal_of(&view, p, q, &k, b.span).map(Value::Array)
}

fn trace(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let hint = s.hint.take();
    let of = diagonal(s, b)?;
    s.hint = hint;
    let mut args = Args::new("np.sum", vec![of], b.span);
    args.kw.insert("axis".into(), Value::int(-1));
    for name in ["dtype", "out"] {
        if let Some(v) = b.given(name) {
            args.kw.insert(name.into(), v);
        }
    }
    s.call_path("numpy.sum", args)
}

fn broadcast_arrays(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let mut views = vec![];
    for v in std::mem::take(&mut b.rest) {
        views.push(s.view_of(v, b.span)?);
    }
    let shapes: Vec<Vec<Expr>> = views.iter().map(|v| v.shape.clone()).collect();
    let shape = s.broadcast(&shapes, b.span)?;
    let mut out = vec![];
    for view in views {
        out.push(Value::Array(s.broadcast_view(&view, &shape, b.span)?));
    }
    Ok(Value::Tuple(out))
}

fn broadcast_shapes(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let mut shapes = vec![];
    for v in std::mem::take(&mut b.rest) {
        shapes.push(s.shape_of(&v, b.span)?);
    }
    let shape = s.broadcast(&shapes, b.span)?;
    Ok(Value::Tuple(shape.into_iter().map(Value::sym).collect()))
}

fn split_along(s: &mut Importer, b: &mut Bound, axis: usize) -> Res<Value> {
    let view = s.view_of(b.get("ary"), b.span)?;
    if view.rank() <= axis && (axis != 1 || view.rank() == 0) || axis == 0 && view.rank() < 2 {
        return fail(b.span, format!("{} takes an array of more dimensions", b.name));
    }
    let axis = axis.min(view.rank() - 1);
    let cuts = b.get("indices_or_sections");
    s.split(&view, &cuts, axis, true, b.span)
}

fn split(s: &mut Importer, b: &mut Bound, equal: bool) -> Res<Value> {
    let view = s.view_of(b.get("ary"), b.span)?;
    let (cuts, axis) = (b.get("indices_or_sections"), b.get("axis"));
    let axis = s.axis_of(&axis, view.rank(), b.span)?;
    s.split(&view, &cuts, axis, equal, b.span)
}

impl Importer<'_> {
    /// An argument as an array.
    pub fn view_of(&mut self, v: Value, span: Span) -> Res<View> {
        let hint = self.hint.take();
        let v = self.array_like(v, span)?;
        let view = self.as_view(&v, span);
        self.hint = hint;
        view
    }

    /// An integer that the import must know; what only the arguments decide becomes constant.
    pub fn known_int(&mut self, v: &Value, what: &str, span: Span) -> Res<i64> {
        match (v.as_const_int(), v) {
            (Some(i), _) => Ok(i),
            (None, Value::Num(Num { src: Src::Sym(e), .. })) if self.on_sample(e).is_some() => {
                self.make_constant(&e.clone(), span)
            }
            _ => fail_hint(span, format!("{what} must be a constant integer"), "write it as a number"),
        }
    }

    /// One axis of `rank`.
    pub fn axis_of(&mut self, v: &Value, rank: usize, span: Span) -> Res<usize> {
        let (i, n) = (self.known_int(v, "an axis", span)?, rank as i64);
        if (-n..n).contains(&i) {
            return Ok(i.rem_euclid(n) as usize);
        }
        fail(span, format!("axis {i} is out of bounds for array of dimension {rank}"))
    }

    /// One axis or several, in the order in which they are given.
    pub fn ordered_axes(&mut self, v: &Value, rank: usize, span: Span) -> Res<Vec<usize>> {
        let items = self.elements(v).unwrap_or_else(|| vec![v.clone()]);
        let mut axes = vec![];
        for item in items {
            let axis = self.axis_of(&item, rank, span)?;
            if axes.contains(&axis) {
                return fail(span, "repeated axis");
            }
            axes.push(axis);
        }
        Ok(axes)
    }

    /// Is an extent 1? Decided by the sample, and guarded.
    pub fn is_unit(&mut self, n: &Expr, span: Span) -> Res<bool> {
        match self.facts().eq(n, &Expr::one()) {
            Truth::Yes => return Ok(true),
            Truth::No => return Ok(false),
            Truth::Unknown => {}
        }
        match self.on_sample(n) {
            Some(v) if v > 1 => Ok(!self.nonneg(&(n - 2), span)?.is_yes()),
            Some(_) => self.make_constant(n, span),
            None => fail(span, "whether an extent is 1 only the run knows"),
        }
    }

    fn split(&mut self, view: &View, cuts: &Value, axis: usize, equal: bool, span: Span) -> Res<Value> {
        let n = view.shape[axis].clone();
        let mut parts = vec![];
        let points = match (self.elements(cuts), cuts) {
            (Some(items), _) => Some(items),
            (None, Value::Array(a)) if a.rank() > 0 => Some(self.unpacked(cuts, span)?),
            _ => None,
        };
        if let Some(points) = points {
            let mut bounds = vec![];
            for p in points {
                bounds.push(Some(self.as_int(&p, span)?));
            }
            bounds.push(None);
            let mut before = None;
            for upper in bounds {
                let mut items = vec![Item::Slice { lower: None, upper: None, step: Expr::one() }; axis];
                items.push(Item::Slice { lower: before, upper: upper.clone(), step: Expr::one() });
                parts.push(self.part(view, &items, span)?);
                before = upper;
            }
            return Ok(self.list(parts));
        }
        let count = self.known_int(cuts, "the number of parts", span)?;
        if !(1..=10_000).contains(&count) {
            return fail(span, "the number of parts must be from 1 to 10000");
        }
        if equal {
            let rest = n.modulo(&Expr::int(count));
            self.must_be_zero(&rest, "array split does not result in an equal division", span)?;
        }
        let mut begin = Expr::zero();
        for i in 0..count {
            let extent = if equal {
                n.floor_div(&Expr::int(count))
            } else {
                (&n + (count - 1 - i)).floor_div(&Expr::int(count))
            };
            let extent = self.facts().simplify(&extent);
            parts.push(Value::Array(view.slice_dim(axis, &begin, &Expr::one(), extent.clone())));
            begin = &begin + &extent;
        }
        Ok(self.list(parts))
    }
}
