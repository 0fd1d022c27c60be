//! Reductions and the functions that make arrays.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::{Span, Wcr};
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp};

use crate::calls::Args;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::emit::Inputs;
use crate::ops::zero;
use crate::promote::convert;
use crate::value::{Kind, Value, View};

impl Importer<'_> {
    /// `np.sum(a, axis, keepdims)` and the like, also as methods.
    pub fn reduction(&mut self, name: &str, a: &Value, mut args: Args) -> Res<Value> {
        let span = args.span;
        let hint = self.hint.take();
        let (axis, dtype) = (args.take(0, "axis"), args.kw.remove("dtype"));
        let keepdims = match args.kw.remove("keepdims") {
            None => false,
            Some(v) => match v.as_const_int() {
                Some(i) => i != 0,
                None => return fail(span, "keepdims must be a constant"),
            },
        };
        args.done(1)?;
        let view = match a {
            Value::Array(view) => view.clone(),
            Value::Num(_) => {
                let t = a.kind().map_or(DType::F64, Kind::dtype);
                let held = self.transient("value", t, vec![]);
                self.store(&held, a, span)?;
                held
            }
            other => return fail(span, format!("{name} of {}", other.describe())),
        };
        let dims = self.axes(axis, view.rank(), span)?;
        let to = match dtype {
            Some(Value::None) | None => None,
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
        Ok(self.result(out))
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
    fn axes(&mut self, axis: Option<Value>, rank: usize, span: Span) -> Res<Vec<usize>> {
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

    /// `np.float32`, `float`, `'float32'`, `a.dtype`.
    pub fn dtype_of(&mut self, v: &Value, span: Span) -> Res<DType> {
        let name = match v {
            Value::Path(p) => p.strip_prefix("numpy.").or(p.strip_prefix("builtins.")).unwrap_or(p),
            Value::Str(s) => s,
            _ => "",
        };
        let known = DType::from_numpy(name).or(match name {
            "float" | "double" | "float_" => Some(DType::F64),
            "int" | "int_" | "intp" => Some(DType::I64),
            "bool_" => Some(DType::Bool),
            "complex" | "complex_" => Some(DType::C128),
            "single" => Some(DType::F32),
            _ => None,
        });
        match known {
            Some(t) => Ok(t),
            None => fail_hint(
                span,
                format!("{} is no element type that is known", v.describe()),
                "use np.float64 or the like",
            ),
        }
    }

    /// A shape argument: an int or a tuple of them, all non-negative.
    fn shape_of(&mut self, v: &Value, span: Span) -> Res<Vec<Expr>> {
        let items = match v {
            Value::Tuple(items) => items.clone(),
            other => vec![other.clone()],
        };
        let mut shape = vec![];
        for item in items {
            let n = self.as_int(&item, span)?;
            match self.nonneg_everywhere(&n, span)? {
                Truth::Yes => {}
                Truth::No => return fail(span, "negative dimensions are not allowed"),
                Truth::Unknown => {
                    let cond = tasklet::Expr::bin(BinOp::Ge, tasklet::Expr::Sym(n.clone()), zero(DType::I64));
                    self.check(cond, "negative dimensions are not allowed", span);
                    self.assume(weft_ir::symbolic::Fact::NonNeg(n.clone()));
                }
            }
            shape.push(n);
        }
        Ok(shape)
    }

    /// `zeros`, `full_like`, `arange`, `eye`, …
    pub fn create(&mut self, name: &str, mut args: Args) -> Res<Value> {
        let span = args.span;
        let hint = self.hint.take();
        if name == "arange" {
            return self.arange(args, hint);
        }
        if name == "eye" || name == "identity" {
            let n = args.need(0, "N")?;
            let t = args.kw.remove("dtype");
            args.done(1)?;
            let t = t.map_or(Ok(DType::F64), |t| self.dtype_of(&t, span))?;
            let n = self.shape_of(&n, span)?.remove(0);
            self.hint = hint;
            let out = self.transient("array", t, vec![n.clone(), n.clone()]);
            self.store(&out, &Value::int(0), span)?;
            let mut diagonal = out.clone();
            diagonal.shape = vec![n];
            diagonal.axes.iter_mut().for_each(|a| a.dim = Some(0));
            self.store(&diagonal, &Value::int(1), span)?;
            return Ok(Value::Array(out));
        }
        let like = name.ends_with("_like");
        let first = args.need(0, if like { "a" } else { "shape" })?;
        let mut at = 1;
        let value = match name {
            "full" | "full_like" => {
                at = 2;
                Some(args.need(1, "fill_value")?)
            }
            "zeros" | "zeros_like" => Some(Value::int(0)),
            "ones" | "ones_like" => Some(Value::int(1)),
            _ => None,
        };
        let t = args.take(at, "dtype").filter(|t| *t != Value::None);
        args.done(at + 1)?;
        let dtype = match (&t, &first, &value) {
            (Some(t), ..) => self.dtype_of(t, span)?,
            (None, first, _) if like => match first.kind() {
                Some(kind) => kind.dtype(),
                None => return fail(span, format!("{name} of {}", first.describe())),
            },
            (None, _, Some(value)) if name == "full" => value.kind().map_or(DType::F64, Kind::dtype),
            _ => DType::F64,
        };
        let shape = if like { first.shape() } else { self.shape_of(&first, span)? };
        self.hint = hint;
        let out = self.transient("array", dtype, shape);
        if let Some(value) = value {
            self.store(&out, &value, span)?;
        }
        Ok(Value::Array(out))
    }

    fn arange(&mut self, mut args: Args, hint: Option<String>) -> Res<Value> {
        let span = args.span;
        let t = args.kw.remove("dtype");
        let mut bounds = vec![];
        for v in std::mem::take(&mut args.pos) {
            if !matches!(v.kind(), Some(k) if k.dtype().is_int()) {
                return fail_hint(
                    span,
                    "arange of numbers that are not integers",
                    "scale an arange of integers",
                );
            }
            bounds.push(self.as_int(&v, span)?);
        }
        args.done(0)?;
        let (begin, end, step) = match &bounds[..] {
            [n] => (Expr::zero(), n.clone(), 1),
            [a, b] => (a.clone(), b.clone(), 1),
            [a, b, s] => match s.as_int() {
                Some(s) if s != 0 && s != i64::MIN => (a.clone(), b.clone(), s),
                _ => return fail(span, "the step of arange must be a constant that is not zero"),
            },
            _ => return fail(span, "arange takes one to three integers"),
        };
        let distance = if step > 0 { &end - &begin } else { &begin - &end };
        let extent = match self.nonneg_everywhere(&distance, span)? {
            Truth::Yes => distance,
            Truth::No => Expr::zero(),
            Truth::Unknown => distance.max(Expr::zero()),
        }
        .ceil_div(&Expr::int(step.abs()));
        let dtype = t.map_or(Ok(DType::I64), |t| self.dtype_of(&t, span))?;
        self.hint = hint;
        let out = self.transient("array", dtype, vec![extent]);
        self.iota(&out, &begin, step, span);
        Ok(Value::Array(out))
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
