//! Reductions.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::{Span, Wcr};
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp, Func};

use super::{Function, PRELUDE_ID};
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail, fail_hint};
use crate::emit::Inputs;
use crate::ops::zero;
use crate::promote::{self, convert, int_range};
use crate::value::{Kind, Num, Value, View};

macro_rules! reductions {
    ($($name:literal $parameters:literal,)*) => {
        pub const FUNCTIONS: &[Function] = &[$(Function {
            name: concat!("numpy.", $name),
            parameters: $parameters,
            run: |s, b| s.reduction($name, b),
            limits: "",
        },)*];
    };
}

reductions! {
    "sum" "a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True",
    "prod" "a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True",
    "max" "a, axis=None, out=None, keepdims=False, initial=None, where=True",
    "min" "a, axis=None, out=None, keepdims=False, initial=None, where=True",
    "any" "a, axis=None, out=None, keepdims=False, *, where=True",
    "all" "a, axis=None, out=None, keepdims=False, *, where=True",
    "mean" "a, axis=None, dtype=None, out=None, keepdims=False, *, where=True",
}

impl Importer<'_> {
    /// `np.sum(a, axis, keepdims)` and the like, also as methods.
    pub fn reduction(&mut self, name: &str, b: &mut Bound) -> Res<Value> {
        let span = b.span;
        let hint = self.hint.take();
        let (axis, dtype) = (b.given("axis"), b.given("dtype"));
        let keepdims = b.flag("keepdims")?;
        let initial = b.given("initial");
        let mask = b.given("where").filter(|w| *w != Value::bool(true));
        let a = b.get("a");
        let a = self.array_like(a, span)?;
        let view = self.as_view(&a, span)?;
        let dims = self.axes(axis, view.rank(), span)?;
        let to = match dtype {
            None => None,
            Some(t) => Some(self.dtype_of(&t, span)?),
        };
        let (op, from) = match name {
            "sum" | "prod" | "product" => {
                let op = if name == "sum" { Wcr::Sum } else { Wcr::Product };
                (op, to.unwrap_or(sum_type(view.dtype)))
            }
            "mean" | "average" => {
                let float =
                    if view.dtype.is_float() || view.dtype.is_complex() { view.dtype } else { DType::F64 };
                (Wcr::Sum, to.unwrap_or(float))
            }
            "any" => (Wcr::Or, DType::Bool),
            "all" => (Wcr::And, DType::Bool),
            "max" | "amax" => (Wcr::Max, view.dtype),
            _ => (Wcr::Min, view.dtype),
        };
        if matches!(op, Wcr::Max | Wcr::Min) {
            if view.dtype.is_complex() {
                if initial.is_some() || mask.is_some() {
                    return fail(span, format!("{name} of complex numbers with 'initial' or 'where'"));
                }
                self.not_empty(&view, &dims, name, span)?;
                return self.complex_extreme(name, &view, &dims, keepdims, b.given("out"), span);
            }
            if initial.is_none() {
                if mask.is_some() {
                    return fail(span, format!("{name} with 'where' takes 'initial' as well"));
                }
                self.not_empty(&view, &dims, name, span)?;
            }
        }
        // Halves are added up and multiplied in single precision, and the result is rounded.
        let rounds = from == DType::F16 && matches!(op, Wcr::Sum | Wcr::Product);
        let from = if rounds { DType::F32 } else { from };
        let op = match (op, from) {
            (Wcr::Max, DType::Bool) => Wcr::Or,
            (Wcr::Min, DType::Bool) => Wcr::And,
            (op, _) => op,
        };
        let source = if from == view.dtype { view.clone() } else { self.cast_for(&view, from, span)? };
        let identity = match op {
            Wcr::Sum | Wcr::Or => convert(Scalar::Bool(false), from),
            Wcr::Product | Wcr::And => convert(Scalar::Bool(true), from),
            Wcr::Max if initial.is_some() => least(from, false),
            Wcr::Min if initial.is_some() => least(from, true),
            _ => None,
        };
        let (source, counted) = match (&mask, identity) {
            (Some(mask), Some(identity)) => {
                let (masked, counted) = self.masked(&source, mask, identity, span)?;
                (masked, Some(counted))
            }
            _ => (source, None),
        };
        let averages = matches!(name, "mean" | "average");
        self.hint = hint.clone().filter(|_| !averages && !rounds && initial.is_none());
        let mut out = if dims.is_empty() {
            self.materialize(&source, from, span)
        } else {
            self.reduce(&source, op, &dims, identity, span)
        };
        if averages {
            self.hint = hint.clone().filter(|_| !rounds && initial.is_none());
            let count = dims.iter().fold(Expr::one(), |n, &d| &n * &view.shape[d]);
            let mut inputs = Inputs::default();
            let total = inputs.read(&out);
            let count = match counted {
                Some(mask) => {
                    let ones = self.cast_for(&mask, from, span)?;
                    let none = convert(Scalar::Bool(false), from);
                    let counts = self.reduce(&ones, Wcr::Sum, &dims, none, span);
                    inputs.read(&counts)
                }
                None => self.operand(&Value::sym(count), from, &mut inputs, span)?,
            };
            let wide = |e| if from.is_int() { tasklet::Expr::cast(DType::F64, e) } else { e };
            let quotient = tasklet::Expr::bin(BinOp::Div, wide(total), wide(count));
            let code = if from.is_int() { tasklet::Expr::cast(from, quotient) } else { quotient };
            out = self.elementwise("div", from, out.shape.clone(), &inputs, code, span);
        }
        if let Some(initial) = initial {
            self.hint = hint.clone().filter(|_| !rounds);
            out = self.begun(&out, op, &initial, span)?;
        }
        if rounds {
            self.hint = hint;
            out = self.cast_for(&out, DType::F16, span)?;
        }
        if keepdims {
            for &d in &dims {
                out = out.insert_dim(d);
            }
        }
        let value = self.result(out);
        self.give_out(b.given("out"), value, span)
    }

    /// `max` and `min` of complex numbers, one element after the other.
    fn complex_extreme(
        &mut self,
        name: &str,
        v: &View,
        dims: &[usize],
        keepdims: bool,
        out: Option<Value>,
        span: Span,
    ) -> Res<Value> {
        let kept: Vec<usize> = (0..v.rank()).filter(|d| !dims.contains(d)).collect();
        let order: Vec<usize> = kept.iter().chain(dims).copied().collect();
        let mut shape: Vec<Value> = kept.iter().map(|&d| Value::sym(v.shape[d].clone())).collect();
        shape.push(Value::sym(dims.iter().fold(Expr::one(), |n, &d| &n * &v.shape[d])));
        let rows = self.reshape(&v.permute(&order), &Value::Tuple(shape), span)?;
        let ufunc = Value::Path(format!("numpy.{}imum", &name[..3]));
        let args = Args::new(name, vec![ufunc, rows, Value::int(-1)], span);
        let mut value = self.inline(PRELUDE_ID, "ufunc__reduce", args)?;
        if keepdims {
            let mut view = self.as_view(&value, span)?;
            dims.iter().for_each(|&d| view = view.insert_dim(d));
            value = Value::Array(view);
        }
        self.give_out(out, value, span)
    }

    /// The elements where the mask is not set are the identity; and the mask in the same shape.
    fn masked(&mut self, v: &View, mask: &Value, identity: Scalar, span: Span) -> Res<(View, View)> {
        let mask = self.array_like(mask.clone(), span)?;
        if mask.kind().map(Kind::dtype) != Some(DType::Bool) {
            return fail_hint(span, "'where' takes bools", "compare first");
        }
        if mask.shape().len() > v.rank() {
            return fail(span, "'where' has more dimensions than the array");
        }
        let mut whole = self.as_view(&mask, span)?;
        while whole.rank() < v.rank() {
            whole = whole.insert_dim(0);
        }
        for d in 0..v.rank() {
            if whole.shape[d].is_one() && !v.shape[d].is_one() {
                whole = whole.repeat_dim(d, v.shape[d].clone());
            } else if !self.same(&whole.shape[d].clone(), &v.shape[d])?.is_yes() {
                return fail(span, "'where' does not have the shape of the array");
            } else {
                whole.shape[d] = v.shape[d].clone();
            }
        }
        let mut inputs = Inputs::default();
        let (cond, x) = (inputs.read(&whole), inputs.read(v));
        let code = tasklet::Expr::select(cond, x, tasklet::Expr::Lit(identity));
        Ok((self.elementwise("where", v.dtype, v.shape.clone(), &inputs, code, span), whole))
    }

    /// A reduction's result combined with `initial`.
    fn begun(&mut self, out: &View, op: Wcr, initial: &Value, span: Span) -> Res<View> {
        let Value::Num(Num { kind, .. }) = initial else {
            return fail(span, "'initial' must be a scalar");
        };
        let weak = kind.is_python() && promote::strong(&[*kind, Kind::Np(out.dtype)]) == Some(out.dtype);
        if !weak && !super::same_kind(kind.dtype(), out.dtype) {
            let (from, to) = (kind.dtype().numpy(), out.dtype.numpy());
            return fail_hint(span, format!("'initial' of type {from} for {to}"), "give 'dtype' as well");
        }
        let mut inputs = Inputs::default();
        let x = inputs.read(out);
        let y = if out.dtype == DType::Bool && kind.dtype() != DType::Bool {
            return fail(span, "'initial' must be a bool");
        } else {
            self.operand(initial, out.dtype, &mut inputs, span)?
        };
        let op = match op {
            Wcr::Sum => BinOp::Add,
            Wcr::Product => BinOp::Mul,
            Wcr::Min => BinOp::Min,
            Wcr::Max => BinOp::Max,
            Wcr::And => BinOp::And,
            Wcr::Or => BinOp::Or,
        };
        let code = tasklet::Expr::bin(op, x, y);
        Ok(self.elementwise("initial", out.dtype, out.shape.clone(), &inputs, code, span))
    }

    /// An array's view; a scalar in a container of rank 0.
    pub fn as_view(&mut self, v: &Value, span: Span) -> Res<View> {
        match v {
            Value::Array(view) => Ok(view.clone()),
            Value::Num(_) => {
                let t = v.kind().map_or(DType::F64, Kind::dtype);
                let held = self.transient("value", t, vec![]);
                self.store(&held, v, span)?;
                Ok(held)
            }
            other => fail(span, format!("{} is not an array", other.describe())),
        }
    }

    /// The elements as the reduction adds them up.
    fn cast_for(&mut self, view: &View, to: DType, span: Span) -> Res<View> {
        let mut inputs = Inputs::default();
        let x = inputs.read(view);
        let from = view.dtype;
        let code = if to == DType::Bool {
            tasklet::Expr::bin(BinOp::Ne, x, zero(from))
        } else if from.is_complex() && !to.is_complex() {
            // As NumPy does with a warning: the imaginary part goes.
            tasklet::Expr::cast(to, tasklet::Expr::call(Func::Real, x))
        } else {
            tasklet::Expr::cast(to, x)
        };
        Ok(self.elementwise("cast", to, view.shape.clone(), &inputs, code, span))
    }

    fn not_empty(&mut self, view: &View, dims: &[usize], name: &str, span: Span) -> Res<()> {
        for &d in dims {
            let n = view.shape[d].clone();
            let reason = format!("zero-size array to reduction operation {name}, which has no identity");
            match self.nonneg_everywhere(&(&n - 1), span)? {
                Truth::Yes => {}
                Truth::No => return fail(span, reason),
                Truth::Unknown => {
                    let cond = tasklet::Expr::bin(BinOp::Gt, tasklet::Expr::Sym(n), zero(DType::I64));
                    self.check(cond, reason, span);
                }
            }
        }
        Ok(())
    }

    /// Sorted dimensions that an `axis` argument names.
    pub fn axes(&mut self, axis: Option<Value>, rank: usize, span: Span) -> Res<Vec<usize>> {
        let single = !matches!(axis, Some(Value::Tuple(_)));
        let items = match axis {
            None | Some(Value::None) => return Ok((0..rank).collect()),
            Some(Value::Tuple(items)) => items,
            Some(v) => vec![v],
        };
        let n = rank as i64;
        let mut dims = vec![];
        for item in items {
            match item.as_const_int() {
                // NumPy lets these pass for scalars.
                Some(0 | -1) if rank == 0 && single => {}
                Some(i) if (-n..n).contains(&i) => dims.push(i.rem_euclid(n) as usize),
                Some(i) => {
                    return fail(span, format!("axis {i} is out of bounds for array of dimension {rank}"));
                }
                None => {
                    return fail_hint(span, "an axis that is not a constant", "write the axis as a number");
                }
            }
        }
        dims.sort_unstable();
        let count = dims.len();
        dims.dedup();
        if dims.len() < count { fail(span, "duplicate value in 'axis'") } else { Ok(dims) }
    }
}

/// NumPy adds small integers up in 64 bits.
pub fn sum_type(t: DType) -> DType {
    match t {
        t if t.is_unsigned() => DType::U64,
        t if t.is_int() || t == DType::Bool => DType::I64,
        t => t,
    }
}

/// The least value of a type, or the greatest.
fn least(t: DType, greatest: bool) -> Option<Scalar> {
    let end = if greatest { f64::INFINITY } else { f64::NEG_INFINITY };
    match t {
        DType::F64 => Some(Scalar::F64(end)),
        DType::F32 => Some(Scalar::F32(end as f32)),
        t => int_range(t).map(|(low, high)| Scalar::Int(t, if greatest { high } else { low })),
    }
}
