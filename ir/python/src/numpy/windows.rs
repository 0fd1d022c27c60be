//! Views that go over the same elements several times: `np.lib.stride_tricks`.

use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;
use weft_ir::tasklet::{self, BinOp};

use super::Function;
use crate::args::Bound;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::value::{Value, View, dim};

pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "numpy.lib.stride_tricks.sliding_window_view",
        parameters: "x, window_shape, axis=None, *, ~subok=False, ~writeable=False",
        run: sliding_window_view,
        limits: "",
    },
    Function {
        name: "numpy.lib.stride_tricks.as_strided",
        parameters: "x, shape=None, strides=None, ~subok=False, ~writeable=True, *, ~check_bounds=None",
        run: as_strided,
        limits: "the result is not written to; with strides that are computed from `x.strides`",
    },
];

fn sliding_window_view(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (x, windows, axis) = (b.get("x"), b.get("window_shape"), b.get("axis"));
    let span = b.span;
    let Value::Array(view) = s.array_like(x, span)? else {
        return fail(span, "sliding_window_view takes an array");
    };
    let sizes = sizes_of(s, &windows, span)?;
    let axes: Vec<usize> = match axis {
        Value::None if sizes.len() == view.rank() => (0..view.rank()).collect(),
        Value::None => return fail(span, "sliding_window_view takes a window size for each axis"),
        other => {
            let n = view.rank() as i64;
            let axes: Option<Vec<i64>> = match s.elements(&other) {
                Some(items) => items.iter().map(Value::as_const_int).collect(),
                None => other.as_const_int().map(|i| vec![i]),
            };
            let axes =
                axes.filter(|axes| axes.len() == sizes.len() && axes.iter().all(|a| (-n..n).contains(a)));
            let Some(axes) = axes else { return fail(span, "axis must match window_shape") };
            axes.into_iter().map(|a| a.rem_euclid(n) as usize).collect()
        }
    };
    let rank = view.rank();
    let mut shape = view.shape.clone();
    let mut strides = view.strides.clone();
    let mut at: Vec<Expr> = (0..rank).map(|d| Expr::sym(dim(d))).collect();
    for (i, (&axis, size)) in axes.iter().zip(&sizes).enumerate() {
        let left = &(&shape[axis] - size) + 1;
        let message = "window shape cannot be larger than input array shape";
        at_least(s, &(&left - 1), message, span)?;
        at_least(s, size, "window shape must be positive", span)?;
        shape[axis] = left;
        shape.push(size.clone());
        strides.push(view.strides[axis].clone());
        at[axis] = &at[axis] + &Expr::sym(dim(rank + i));
    }
    let out = View { shape, strides, at: view.index(&at), ..view };
    Ok(Value::Array(out))
}

/// `e >= 0`, by what is known or by a check.
fn at_least(s: &mut Importer, e: &Expr, message: &str, span: Span) -> Res<()> {
    if !s.nonneg_everywhere(e, span)?.is_yes() {
        let zero = tasklet::Expr::Sym(Expr::zero());
        s.check(tasklet::Expr::bin(BinOp::Ge, tasklet::Expr::Sym(e.clone()), zero), message, span);
    }
    Ok(())
}

fn sizes_of(s: &mut Importer, v: &Value, span: Span) -> Res<Vec<Expr>> {
    match v {
        Value::Num(_) => Ok(vec![s.as_int(v, span)?]),
        other => s.unpacked(other, span)?.iter().map(|v| s.as_int(v, span)).collect(),
    }
}

/// The elements are those of a copy in C order, so nothing may be written.
fn as_strided(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (x, shape, strides) = (b.get("x"), b.get("shape"), b.get("strides"));
    let span = b.span;
    let Value::Array(view) = s.array_like(x, span)? else { return fail(span, "as_strided takes an array") };
    let shape = if shape == Value::None { view.shape.clone() } else { sizes_of(s, &shape, span)? };
    let given = if strides == Value::None {
        let size = Expr::int(view.dtype.size() as i64);
        view.strides.iter().map(|n| n * &size).collect()
    } else {
        sizes_of(s, &strides, span)?
    };
    if given.len() != shape.len() {
        return fail(span, "mismatch in length of strides and shape");
    }
    let size = view.dtype.size() as i64;
    let mut steps = vec![];
    for n in &given {
        let step = n.floor_div(&Expr::int(size));
        if s.facts().simplify(&(&(&step * size) - n)) != Expr::zero() {
            return fail_hint(
                span,
                "strides that are no multiples of the element size",
                "compute them from x.strides",
            );
        }
        steps.push(step);
    }
    // In memory from the first element on: what the view skips is there as well, where it has gaps.
    let row_major = weft_ir::sdfg::row_major(&view.shape);
    for (n, m) in view.strides.iter().zip(&row_major) {
        if !s.same(n, m)?.is_yes() {
            return fail_hint(span, "as_strided of an array that is not contiguous", "copy it first");
        }
    }
    let count = view.shape.iter().fold(Expr::one(), |a, n| &a * n);
    let (mut first, mut last) = (Expr::zero(), Expr::zero());
    for (step, n) in steps.iter().zip(&shape) {
        let far = step * &(n - 1);
        if s.nonneg_everywhere(step, span)?.is_yes() {
            last = &last + &far;
        } else {
            first = &first + &far;
        }
    }
    let message = "as_strided goes beyond the array, which is not supported here";
    at_least(s, &first, message, span)?;
    at_least(s, &(&(&count - 1) - &last), message, span)?;
    let whole = s.materialize(&view, view.dtype, span);
    let flat = match s.reshape(&whole, &Value::int(-1), span)? {
        Value::Array(flat) => flat,
        _ => return fail(span, "as_strided takes an array"),
    };
    let offset =
        steps.iter().enumerate().fold(Expr::zero(), |a, (d, step)| &a + &(step * &Expr::sym(dim(d))));
    let out = View { at: flat.index(&[offset]), shape, strides: steps, ..flat };
    s.parts.insert(out.base, view.base);
    Ok(Value::Array(out))
}

/// `a.strides`: in bytes.
pub fn strides_of(view: &View) -> Value {
    let size = Expr::int(DType::size(view.dtype) as i64);
    Value::Tuple(view.strides.iter().map(|n| Value::sym(n * &size)).collect())
}
