//! Functions that put arrays together, repeat and shift them.

use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;

use super::PRELUDE_ID;
use super::rearrange::raised;
use super::{Function, same_kind};
use crate::args::{Args, Bound};
use crate::bounds::Item;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::promote::common;
use crate::value::{Value, View};

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
    Function::new("numpy.delete", "arr, obj, axis=None", delete),
    Function::new("numpy.block", "arrays", block),
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

fn delete(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (mut view, obj) = (s.view_of(b.get("arr"), span)?, b.get("obj"));
    let axis = match b.given("axis") {
        Some(axis) => s.axis_of(&axis, view.rank(), span)?,
        None => {
            let flat = s.flattened(&Value::Array(view), span)?;
            view = s.view_of(flat, span)?;
            0
        }
    };
    let gone = match &obj {
        Value::Num(num) if num.kind.dtype() != DType::Bool => Some(vec![obj.clone()]),
        other => s.elements(other).filter(|items| items.iter().all(|v| v.as_const_int().is_some())),
    };
    let bools = |v: &Value| v.kind().is_some_and(|k| k.dtype() == DType::Bool);
    if let Some(gone) = gone.filter(|items| !items.iter().any(bools))
        && let Some(parts) = s.without(&view, axis, &gone, span)?
    {
        return s.join(&parts, axis, None, None, span).map(Value::Array);
    }
    let args = vec![Value::Array(view), obj, Value::int(axis as i64)];
    s.inline(PRELUDE_ID, "delete_by_mask", Args::new("np.delete", args, span))
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
    let mut from = s.array_like(from, b.span)?;
    // A Python number takes the array's type, if it is of its kind.
    if let (Some(kind), Some(t)) = (from.kind(), to.kind())
        && kind.is_python()
        && common(&[kind, t]) == t.dtype()
    {
        from = s.convert(&from, t.dtype(), b.span)?;
    }
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
        for part in parts {
            let n = part.shape[axis].clone();
            let part = if overlap { self.materialize(part, part.dtype, span) } else { part.clone() };
            if !n.is_zero() {
                let target = out.slice_dim(axis, &begin, &Expr::one(), n.clone());
                self.store(&target, &Value::Array(part), span)?;
            }
            begin = &begin + &n;
        }
        Ok(out)
    }

    /// What is left along an axis without some indices; `None` where their order is not known.
    fn without(&mut self, view: &View, axis: usize, gone: &[Value], span: Span) -> Res<Option<Vec<View>>> {
        let n = view.shape[axis].clone();
        let mut places = vec![];
        for v in gone {
            let at = self.as_int(v, span)?;
            places.push(self.index(&at, &n, axis, "the array", span)?);
        }
        if places.len() > 1 {
            let on_sample = |e: &Expr| self.on_sample(e);
            let mut known: Vec<(i64, Expr)> = vec![];
            for e in &places {
                let Some(at) = on_sample(e) else { return Ok(None) };
                known.push((at, e.clone()));
            }
            known.sort();
            known.dedup();
            places = known.into_iter().map(|k| k.1).collect();
            for pair in places.clone().windows(2) {
                let apart = &(&pair[1] - &pair[0]) - 1;
                if self.on_sample(&apart).is_none_or(|v| v < 0) {
                    return Ok(None);
                }
                if !self.nonneg_everywhere(&apart, span)?.is_yes() {
                    return Ok(None);
                }
            }
        }
        let (mut parts, mut begin) = (vec![], Expr::zero());
        let one = Expr::one();
        for at in &places {
            parts.push(view.slice_dim(axis, &begin, &one, at - &begin));
            begin = at + 1;
        }
        parts.push(view.slice_dim(axis, &begin, &one, &n - &begin));
        Ok(Some(parts))
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
}
