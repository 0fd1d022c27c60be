//! Reductions.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::{Span, Wcr};
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp};

use super::Function;
use crate::args::Bound;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::emit::Inputs;
use crate::ops::zero;
use crate::promote::convert;
use crate::value::{Kind, Value, View};

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
        if b.given("initial").is_some() || b.given("where").is_some_and(|w| w != Value::bool(true)) {
            return fail_hint(
                span,
                format!("'initial' or 'where' of {name}"),
                "combine afterwards, or select by np.where",
            );
        }
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
                return fail(span, format!("{name} of complex numbers is not supported"));
            }
            self.not_empty(&view, &dims, name, span)?;
        }
        let op = match (op, from) {
            (Wcr::Max, DType::Bool) => Wcr::Or,
            (Wcr::Min, DType::Bool) => Wcr::And,
            (op, _) => op,
        };
        let source = if from == view.dtype { view.clone() } else { self.cast_for(&view, from, span)? };
        let identity = match op {
            Wcr::Sum | Wcr::Or => convert(Scalar::Bool(false), from),
            Wcr::Product | Wcr::And => convert(Scalar::Bool(true), from),
            _ => None,
        };
        let averages = matches!(name, "mean" | "average");
        if averages && from.is_complex() {
            return fail_hint(span, "the mean of complex numbers", "sum them and scale by a real number");
        }
        self.hint = hint.clone().filter(|_| !averages);
        let mut out = if dims.is_empty() {
            self.materialize(&source, from, span)
        } else {
            self.reduce(&source, op, &dims, identity, span)
        };
        if averages {
            self.hint = hint;
            let count = dims.iter().fold(Expr::one(), |n, &d| &n * &view.shape[d]);
            let mut inputs = Inputs::default();
            let total = inputs.read(&out);
            let count = self.operand(&Value::sym(count), from, &mut inputs, span)?;
            let code = tasklet::Expr::bin(BinOp::Div, total, count);
            out = self.elementwise("div", from, out.shape.clone(), &inputs, code, span);
        }
        if keepdims {
            for &d in &dims {
                out = out.insert_dim(d);
            }
        }
        let value = self.result(out);
        self.give_out(b.given("out"), value, span)
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
            return fail(span, "a complex array does not reduce to a real type");
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
        let items = match axis {
            None | Some(Value::None) => return Ok((0..rank).collect()),
            Some(Value::Tuple(items)) => items,
            Some(v) => vec![v],
        };
        let n = rank as i64;
        let mut dims = vec![];
        for item in items {
            match item.as_const_int() {
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
fn sum_type(t: DType) -> DType {
    match t {
        t if t.is_unsigned() => DType::U64,
        t if t.is_int() || t == DType::Bool => DType::I64,
        t => t,
    }
}
