//! Functions that give the same elements another shape.

use weft_ir::sdfg::{Span, row_major};
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp};

use super::Function;
use crate::args::Bound;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::value::{Value, View, dim};

pub const FUNCTIONS: &[Function] = &[
    Function { name: "numpy.transpose", parameters: "a, axes=None", run: transpose, limits: "" },
    Function { name: "numpy.expand_dims", parameters: "a, axis", run: expand_dims, limits: "" },
    Function {
        name: "numpy.reshape",
        parameters: "a, shape=None, order='C', *, newshape=None, ~copy=None",
        run: reshape,
        limits: "",
    },
    Function { name: "numpy.ravel", parameters: "a, order='C'", run: ravel, limits: "" },
    Function { name: "numpy.shape", parameters: "a", run: shape, limits: "" },
    Function { name: "numpy.size", parameters: "a, axis=None", run: size, limits: "" },
    Function { name: "numpy.ndim", parameters: "a", run: ndim, limits: "" },
    Function {
        name: "numpy.broadcast_to",
        parameters: "array, shape, ~subok=None",
        run: broadcast_to,
        limits: "",
    },
];

fn view_argument(s: &mut Importer, b: &mut Bound, name: &str) -> Res<View> {
    let a = b.get(name);
    let a = s.array_like(a, b.span)?;
    s.as_view(&a, b.span)
}

fn transpose(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = view_argument(s, b, "a")?;
    let axes = b.given("axes");
    s.transpose(&view, axes, b.span)
}

fn expand_dims(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let mut view = view_argument(s, b, "a")?;
    let axis = b.get("axis");
    let items = s.elements(&axis).unwrap_or(vec![axis]);
    let rank = view.rank() + items.len();
    let mut dims = s.axes(Some(Value::Tuple(items)), rank, b.span)?;
    dims.sort_unstable();
    for d in dims {
        view = view.insert_dim(d);
    }
    Ok(Value::Array(view))
}

fn reshape(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = view_argument(s, b, "a")?;
    let Some(shape) = b.given("shape").or(b.given("newshape")) else {
        return fail(b.span, "reshape lacks the shape");
    };
    let order = b.text("order")?;
    s.reshape_in(&view, &shape, order.as_deref(), b.span)
}

fn ravel(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let mut view = view_argument(s, b, "a")?;
    let order = b.text("order")?;
    // What has gaps is copied even where it has one dimension already.
    if view.rank() == 1 && (s.parts.contains_key(&view.base) || !s.lies_in_rows(&view)) {
        view = s.materialize(&view, view.dtype, b.span);
    }
    s.reshape_in(&view, &Value::int(-1), order.as_deref(), b.span)
}

fn shape(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let a = b.get("a");
    let a = s.array_like(a, b.span)?;
    Ok(Value::Tuple(a.shape().into_iter().map(Value::sym).collect()))
}

fn size(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = view_argument(s, b, "a")?;
    let dims = match b.given("axis") {
        Some(axis) => s.axes(Some(axis), view.rank(), b.span)?,
        None => (0..view.rank()).collect(),
    };
    s.int_value(dims.iter().fold(Expr::one(), |n, &d| &n * &view.shape[d]), b.span)
}

fn ndim(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let a = b.get("a");
    let a = s.array_like(a, b.span)?;
    Ok(Value::int(a.shape().len() as i64))
}

fn broadcast_to(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = view_argument(s, b, "array")?;
    let shape = b.get("shape");
    let shape = s.shape_of(&shape, b.span)?;
    s.broadcast_view(&view, &shape, b.span).map(Value::Array)
}

impl Importer<'_> {
    pub fn transpose(&mut self, view: &View, axes: Option<Value>, span: Span) -> Res<Value> {
        let n = view.rank() as i64;
        let perm: Vec<usize> = match axes {
            None | Some(Value::None) => (0..view.rank()).rev().collect(),
            Some(items) => {
                let at = |v: &Value| {
                    v.as_const_int().filter(|i| (-n..n).contains(i)).map(|i| i.rem_euclid(n) as usize)
                };
                self.elements(&items).unwrap_or_default().iter().filter_map(at).collect()
            }
        };
        let mut sorted = perm.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..view.rank()) {
            return fail(span, "the axes of transpose are not a permutation of constants");
        }
        Ok(Value::Array(view.permute(&perm)))
    }

    /// All elements in C order, as one dimension.
    pub fn flattened(&mut self, v: &Value, span: Span) -> Res<Value> {
        let view = self.as_view(v, span)?;
        if view.rank() == 1 {
            return Ok(Value::Array(view));
        }
        self.reshape(&view, &Value::int(-1), span)
    }

    /// The view repeated to a shape.
    pub fn broadcast_view(&mut self, view: &View, shape: &[Expr], span: Span) -> Res<View> {
        let common = self.broadcast(&[view.shape.clone(), shape.to_vec()], span)?;
        if common.len() != shape.len() {
            return fail(span, "the shape to broadcast to has fewer dimensions than the array");
        }
        let mut view = view.clone();
        while view.rank() < shape.len() {
            view = view.insert_dim(0);
        }
        for (d, n) in shape.iter().enumerate() {
            if view.shape[d].is_one() && !n.is_one() {
                view = view.repeat_dim(d, n.clone());
            } else if common[d] != *n && !self.same(&common[d].clone(), n)?.is_yes() {
                return fail(span, format!("an extent of {} does not broadcast to {n}", common[d]));
            }
        }
        Ok(view)
    }

    /// The elements on a diagonal of dimensions `a` and `b`, as the last dimension.
    pub fn diagonal_of(&mut self, view: &View, a: usize, b: usize, k: &Expr, span: Span) -> Res<View> {
        let (n, m) = (view.shape[a].clone(), view.shape[b].clone());
        let zero = Expr::zero();
        let (i, j, length) = if self.nonneg_everywhere(k, span)?.is_yes() {
            (zero.clone(), k.clone(), Expr::min(&n, &(&m - k)))
        } else if self.nonneg_everywhere(&-k, span)?.is_yes() {
            (-k, zero.clone(), Expr::min(&(&n + k), &m))
        } else {
            let (i, j) = (Expr::max(&-k, &zero), Expr::max(k, &zero));
            let length = Expr::min(&(&n - &i), &(&m - &j));
            (i, j, length)
        };
        let length = match self.nonneg_everywhere(&length, span)? {
            Truth::Yes => length,
            Truth::No => zero,
            Truth::Unknown => length.max(zero),
        };
        let length = self.facts().simplify(&length);
        Ok(view.diagonal(a, b, (&i, &j), length))
    }

    /// A shape argument with at most one extent of −1, for this many elements.
    fn new_shape(&mut self, shape: &Value, total: &Expr, span: Span) -> Res<Vec<Expr>> {
        let items = self.elements(shape).unwrap_or_else(|| vec![shape.clone()]);
        let mut extents = vec![];
        let mut open = None;
        for (d, item) in items.iter().enumerate() {
            let n = self.as_int(item, span)?;
            if n.as_int() == Some(-1) {
                if open.replace(d).is_some() {
                    return fail(span, "can only specify one unknown dimension");
                }
                extents.push(Expr::one());
                continue;
            }
            extents.push(n);
        }
        if let Some(d) = open {
            let known = extents.iter().fold(Expr::one(), |a, n| &a * n);
            if known.is_zero() || self.on_sample(&known) == Some(0) {
                return fail(span, "cannot reshape to an unknown extent beside an empty one");
            }
            extents[d] = self.facts().simplify(&total.floor_div(&known));
        }
        let count = extents.iter().fold(Expr::one(), |a, n| &a * n);
        self.must_be_zero(&(&count - total), "cannot reshape: another number of elements", span)?;
        Ok(extents)
    }

    pub fn must_be_zero(&mut self, e: &Expr, message: &str, span: Span) -> Res<()> {
        match self.same(e, &Expr::zero())? {
            Truth::Yes => Ok(()),
            Truth::No => fail(span, message),
            Truth::Unknown => {
                let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
                self.check(tasklet::Expr::bin(BinOp::Eq, sym(e), sym(&Expr::zero())), message, span);
                self.assume(weft_ir::symbolic::Fact::Zero(e.clone()));
                Ok(())
            }
        }
    }

    /// Is the array contiguous, row by row?
    fn lies_in_rows(&self, view: &View) -> bool {
        let rows = row_major(&view.shape);
        let mut dims = rows.iter().zip(&view.strides).zip(&view.shape);
        dims.all(|((a, b), n)| n.is_one() || a == b || self.facts().eq(a, b).is_yes())
    }

    /// `np.reshape` in an order: `C`, `F`, or that of the memory (`A`, `K`).
    pub fn reshape_in(&mut self, view: &View, shape: &Value, order: Option<&str>, span: Span) -> Res<Value> {
        let columns = match order {
            None | Some("C") => false,
            Some("F") => true,
            Some(order @ ("A" | "K")) if view.rank() > 1 && self.uneven.contains(&view.base) => {
                let reason =
                    format!("order '{order}' of an array that was computed: NumPy decides how it lies");
                return fail_hint(span, reason, "use order 'C' or 'F'");
            }
            Some(order @ ("A" | "K")) => {
                let turned = view.permute(&(0..view.rank()).rev().collect::<Vec<_>>());
                if self.lies_in_rows(view) {
                    false
                } else if self.lies_in_rows(&turned) {
                    true
                } else if order == "A" {
                    false
                } else {
                    return fail_hint(span, "order 'K' of an array with gaps", "use order 'C' or 'F'");
                }
            }
            Some(other) => {
                return fail(span, format!("order must be one of 'C', 'F', 'A' or 'K', not '{other}'"));
            }
        };
        if !columns {
            return self.reshape(view, shape, span);
        }
        // In C order of the reversed dimensions.
        let total = view.shape.iter().fold(Expr::one(), |a, n| &a * n);
        let shape = self.new_shape(shape, &total, span)?;
        let reversed = |n: usize| (0..n).rev().collect::<Vec<_>>();
        let turned = Value::Tuple(shape.iter().rev().cloned().map(Value::sym).collect());
        let out = self.reshape(&view.permute(&reversed(view.rank())), &turned, span)?;
        let out = self.view_of(out, span)?;
        Ok(Value::Array(out.permute(&reversed(shape.len()))))
    }

    /// `np.reshape` in C order: a view where NumPy's is one, else a copy.
    pub fn reshape(&mut self, view: &View, shape: &Value, span: Span) -> Res<Value> {
        let total = view.shape.iter().fold(Expr::one(), |a, n| &a * n);
        let shape = self.new_shape(shape, &total, span)?;
        if shape == view.shape {
            return Ok(Value::Array(view.clone()));
        }
        if shape.iter().any(|n| self.facts().eq(n, &Expr::zero()).is_yes()) {
            // Without elements there is nothing to show or to copy.
            return Ok(Value::Array(self.transient("empty", view.dtype, shape)));
        }
        if self.uneven.contains(&view.base)
            && !self.only_ones(&view.shape, &shape)?
            && !self.is_fresh(view, &[])
        {
            // NumPy copies or not, as the array lies.
            let hint = self.hint.take();
            let copy = self.materialize(view, view.dtype, span);
            self.hint = hint;
            self.alias(&copy, view, "the reshaped array", span);
            if let Some(reshaped) = self.regroup(&copy, &shape)? {
                return Ok(Value::Array(reshaped));
            }
        }
        if let Some(reshaped) = self.regroup(view, &shape)? {
            return Ok(Value::Array(reshaped));
        }
        // Where an extent is 1 its stride is of no account, and NumPy may not copy.
        let short = |n: &&Expr| n.as_int().is_none() && self.on_sample(n).is_some_and(|n| n <= 1);
        if let Some(n) = view.shape.iter().find(short) {
            return self.make_constant(&n.clone(), span);
        }
        let hint = self.hint.take();
        let copy = self.materialize(view, view.dtype, span);
        self.hint = hint;
        match self.regroup(&copy, &shape)? {
            Some(reshaped) => Ok(Value::Array(reshaped)),
            None => fail(span, "this reshape is not supported"),
        }
    }

    /// Do two shapes differ by extents of 1 alone?
    fn only_ones(&mut self, a: &[Expr], b: &[Expr]) -> Res<bool> {
        let long = |shape: &[Expr]| shape.iter().filter(|n| !n.is_one()).cloned().collect::<Vec<_>>();
        let (a, b) = (long(a), long(b));
        let mut same = a.len() == b.len();
        for (n, m) in a.iter().zip(&b) {
            same = same && self.same(n, m)?.is_yes();
        }
        Ok(same)
    }

    /// The reshaped view: groups of dimensions with equal numbers of elements become one another,
    /// where the old dimensions of each group lie in memory like one.
    fn regroup(&mut self, view: &View, shape: &[Expr]) -> Res<Option<View>> {
        let old: Vec<usize> = (0..view.rank()).filter(|&d| !view.shape[d].is_one()).collect();
        let new: Vec<usize> = (0..shape.len()).filter(|&d| !shape[d].is_one()).collect();
        let mut to: Vec<Option<Expr>> = vec![None; view.rank()];
        let mut strides = vec![Expr::zero(); shape.len()];
        let (mut i, mut j) = (0, 0);
        while i < old.len() || j < new.len() {
            let (a, b) = self.group(view, shape, &old[i..], &new[j..])?;
            let (from, into) = (&old[i..i + a], &new[j..j + b]);
            for pair in from.windows(2) {
                let step = &view.strides[pair[1]] * &view.shape[pair[1]];
                if view.strides[pair[0]] != step && !self.facts().eq(&view.strides[pair[0]], &step).is_yes() {
                    return Ok(None);
                }
            }
            let mut scale = from.last().map_or(Expr::one(), |&d| view.strides[d].clone());
            let mut linear = Expr::zero();
            let mut weight = Expr::one();
            for &d in into.iter().rev() {
                linear = &linear + &(&Expr::sym(dim(d)) * &weight);
                weight = &weight * &shape[d];
                strides[d] = scale.clone();
                scale = &scale * &shape[d];
            }
            if let ([one], [_]) = (from, into) {
                to[*one] = Some(linear);
            } else {
                let mut rest = Expr::one();
                for (k, &d) in from.iter().enumerate().rev() {
                    let mut index = linear.floor_div(&rest);
                    if k > 0 {
                        index = index.modulo(&view.shape[d]);
                    }
                    to[d] = Some(index);
                    rest = &rest * &view.shape[d];
                }
            }
            (i, j) = (i + a, j + b);
        }
        let at = view.index(&to.into_iter().map(|e| e.unwrap_or_else(Expr::zero)).collect::<Vec<_>>());
        Ok(Some(View { shape: shape.to_vec(), strides, at, ..view.clone() }))
    }

    /// The fewest leading dimensions of both sides with as many elements; all of them where that is
    /// not known.
    fn group(&mut self, view: &View, shape: &[Expr], old: &[usize], new: &[usize]) -> Res<(usize, usize)> {
        let (mut a, mut b) = (old.len().min(1), new.len().min(1));
        let product = |dims: &[usize], shape: &[Expr]| dims.iter().fold(Expr::one(), |p, &d| &p * &shape[d]);
        while a <= old.len() && b <= new.len() {
            let (x, y) = (product(&old[..a], &view.shape), product(&new[..b], shape));
            if x == y || self.facts().eq(&x, &y).is_yes() {
                // What is left has one element in all.
                let done = a == old.len() || b == new.len();
                return Ok(if done { (old.len(), new.len()) } else { (a, b) });
            }
            match (self.on_sample(&x), self.on_sample(&y)) {
                (Some(x), Some(y)) if x < y => a += 1,
                (Some(_), Some(_)) => b += 1,
                _ => break,
            }
        }
        Ok((old.len(), new.len()))
    }
}
