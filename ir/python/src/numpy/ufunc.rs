//! NumPy's universal functions: one or two arguments, elementwise, with `out`, `where`, `dtype`, and
//! their methods.

use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;
use weft_ir::tasklet::{self, BinOp, Func, UnOp};

use super::PRELUDE_ID;
use crate::args::Args;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::emit::Inputs;
use crate::ops::zero;
use crate::promote::{Binary, binary_named};
use crate::value::{Kind, Value};

use super::same_kind;

/// One-argument functions of floating-point numbers, by NumPy's names.
pub const FUNCTIONS: &[(&str, Func)] = &[
    ("sqrt", Func::Sqrt),
    ("cbrt", Func::Cbrt),
    ("exp", Func::Exp),
    ("exp2", Func::Exp2),
    ("expm1", Func::Expm1),
    ("log", Func::Log),
    ("log2", Func::Log2),
    ("log10", Func::Log10),
    ("log1p", Func::Log1p),
    ("sin", Func::Sin),
    ("cos", Func::Cos),
    ("tan", Func::Tan),
    ("arcsin", Func::Asin),
    ("arccos", Func::Acos),
    ("arctan", Func::Atan),
    ("asin", Func::Asin),
    ("acos", Func::Acos),
    ("atan", Func::Atan),
    ("sinh", Func::Sinh),
    ("cosh", Func::Cosh),
    ("tanh", Func::Tanh),
    ("arcsinh", Func::Asinh),
    ("arccosh", Func::Acosh),
    ("arctanh", Func::Atanh),
    ("asinh", Func::Asinh),
    ("acosh", Func::Acosh),
    ("atanh", Func::Atanh),
    ("floor", Func::Floor),
    ("ceil", Func::Ceil),
    ("trunc", Func::Trunc),
    ("rint", Func::Rint),
    ("isnan", Func::IsNan),
    ("isinf", Func::IsInf),
    ("isfinite", Func::IsFinite),
];

/// Other one-argument functions; [`Importer::unary_named`] carries them out.
pub const OTHERS: &[&str] = &[
    "abs",
    "absolute",
    "fabs",
    "negative",
    "positive",
    "square",
    "reciprocal",
    "logical_not",
    "invert",
    "bitwise_not",
    "bitwise_invert",
    "sign",
    "conj",
    "conjugate",
];

pub fn func_named(name: &str) -> Option<Func> {
    FUNCTIONS.iter().find(|f| f.0 == name).map(|f| f.1)
}

/// Ufuncs of two arguments that are written in Python.
const WRITTEN: &[&str] =
    &["gcd", "lcm", "fmax", "fmin", "logaddexp", "logaddexp2", "heaviside", "float_power"];

fn is_unary(name: &str) -> bool {
    func_named(name).is_some() || OTHERS.contains(&name)
}

/// The ufunc and its method, if the path is one.
fn parts(path: &str) -> Option<(&str, Option<&str>)> {
    let name = path.strip_prefix("numpy.")?;
    let (base, method) = match name.split_once('.') {
        Some((base, method)) => (base, Some(method)),
        None => (name, None),
    };
    let methods = ["outer", "reduce", "accumulate", "reduceat", "at"];
    let known = binary_named(base).is_some()
        || (is_unary(base) && method.is_none_or(|m| m == "at"))
        || (WRITTEN.contains(&base) && method.is_some());
    (known && method.is_none_or(|m| methods.contains(&m))).then_some((base, method))
}

pub fn is_ufunc(path: &str) -> bool {
    parts(path).is_some()
}

/// Calls a ufunc, or one of its methods; `None` if the path is none.
pub fn call(importer: &mut Importer, path: &str, args: &mut Args) -> Res<Option<Value>> {
    let Some((name, method)) = parts(path) else { return Ok(None) };
    let args = std::mem::replace(args, Args::new("", vec![], args.span));
    let this = Value::Path(format!("numpy.{name}"));
    let value = match method {
        None if is_unary(name) => importer.unary_ufunc(name, args)?,
        None => importer.binary_ufunc(name, args)?,
        Some("outer") => {
            let mut bound = args.bind("A, B, *, dtype=None")?;
            let (a, b) = (bound.get("A"), bound.get("B"));
            importer.outer(name, &a, &b, bound.span)?
        }
        Some("accumulate") if matches!(name, "add" | "multiply") => {
            let mut bound = args.bind("array, axis=0, dtype=None, out=None")?;
            let f = if name == "add" { "numpy.cumsum" } else { "numpy.cumprod" };
            let (a, axis) = (bound.get("array"), bound.get("axis"));
            let mut args = Args::new(f, vec![a, axis], bound.span);
            for name in ["dtype", "out"] {
                if let Some(v) = bound.given(name) {
                    args.kw.insert(name.into(), v);
                }
            }
            importer.call_path(f, args)?
        }
        Some("reduce") => importer.ufunc_reduce(name, args)?,
        Some(method) => {
            let mut args = args;
            args.pos.insert(0, this);
            importer.inline(PRELUDE_ID, &format!("ufunc__{method}"), args)?
        }
    };
    Ok(Some(value))
}

impl Importer<'_> {
    fn unary_ufunc(&mut self, name: &str, args: Args) -> Res<Value> {
        let mut b =
            args.bind("x, out=None, *, where=True, dtype=None, ~casting=None, ~order=None, ~subok=None")?;
        let span = b.span;
        let hint = self.hint.take();
        let mut x = self.array_like(b.get("x"), span)?;
        if let Some(t) = b.given("dtype") {
            let t = self.dtype_of(&t, span)?;
            x = self.convert(&x, t, span)?;
        }
        self.hint = hint;
        let value = self.unary_named(name, &x, span)?;
        self.finish_ufunc(value, b.given("out"), b.get("where"), span)
    }

    fn binary_ufunc(&mut self, name: &str, args: Args) -> Res<Value> {
        let mut b = args
            .bind("x1, x2, out=None, *, where=True, dtype=None, ~casting=None, ~order=None, ~subok=None")?;
        let span = b.span;
        let hint = self.hint.take();
        let (mut x, mut y) = (self.array_like(b.get("x1"), span)?, self.array_like(b.get("x2"), span)?);
        let Some(op) = binary_named(name) else { return fail(span, format!("np.{name} is not supported")) };
        if let Some(t) = b.given("dtype") {
            let t = self.dtype_of(&t, span)?;
            let compares = matches!(op, Binary::Op(o) if o.is_comparison()) || !matches!(op, Binary::Op(_));
            if !compares {
                x = self.convert(&x, t, span)?;
                y = self.convert(&y, t, span)?;
            }
        }
        self.hint = hint;
        let value = self.ufunc2(op, &x, &y, span)?;
        self.finish_ufunc(value, b.given("out"), b.get("where"), span)
    }

    /// Puts a ufunc's result where `out` says, in the elements that `where` says.
    pub fn finish_ufunc(&mut self, value: Value, out: Option<Value>, mask: Value, span: Span) -> Res<Value> {
        let out = match out {
            Some(Value::Tuple(mut items)) if items.len() == 1 => items.pop(),
            out => out,
        };
        if mask == Value::bool(true) {
            return self.give_out(out, value, span);
        }
        let Some(Value::Array(target)) = out else {
            let hint = "give 'out' as well: elements where the mask is False have no value otherwise";
            return fail_hint(span, "'where' without 'out'", hint);
        };
        let kind = value.kind().map_or(DType::F64, Kind::dtype);
        if !same_kind(kind, target.dtype) {
            return self.give_out(Some(Value::Array(target)), value, span);
        }
        let value = if kind == target.dtype { value } else { self.convert(&value, target.dtype, span)? };
        let old = Value::Array(target.clone());
        let value = self.separate(&target, &value, span);
        let mixed = self.select(&mask, &value, &old, span)?;
        self.store(&target, &mixed, span)?;
        Ok(old)
    }

    pub fn give_out(&mut self, out: Option<Value>, value: Value, span: Span) -> Res<Value> {
        match out {
            None | Some(Value::None) => Ok(value),
            Some(Value::Array(target)) => {
                let from = value.kind().map_or(DType::F64, Kind::dtype);
                if !same_kind(from, target.dtype) {
                    return fail(
                        span,
                        format!("cannot cast {} to {} for 'out'", from.numpy(), target.dtype.numpy()),
                    );
                }
                self.store(&target, &value, span)?;
                Ok(Value::Array(target))
            }
            Some(other) => fail(span, format!("'out' is {}", other.describe())),
        }
    }

    /// `np.add.outer(a, b)`.
    pub fn outer(&mut self, name: &str, a: &Value, b: &Value, span: Span) -> Res<Value> {
        let (a, b) = (self.array_like(a.clone(), span)?, self.array_like(b.clone(), span)?);
        let left = match (&a, &b) {
            (Value::Array(x), Value::Array(y)) => {
                Value::Array((0..y.rank()).fold(x.clone(), |left, _| left.insert_dim(left.rank())))
            }
            _ => a,
        };
        match binary_named(name) {
            Some(op) => self.ufunc2(op, &left, &b, span),
            None => self.call_path(&format!("numpy.{name}"), Args::new(name, vec![left, b], span)),
        }
    }

    /// `np.add.reduce(a, axis=0, …)`.
    fn ufunc_reduce(&mut self, name: &str, args: Args) -> Res<Value> {
        let same = match name {
            "add" => "sum",
            "multiply" => "prod",
            "minimum" => "min",
            "maximum" => "max",
            "logical_and" => "all",
            "logical_or" => "any",
            _ => {
                let mut b = args.bind("a, axis=0, ~dtype=None, ~out=None, keepdims=False")?;
                if b.flag("keepdims")? {
                    return fail_hint(
                        b.span,
                        "'keepdims' of this reduction",
                        "add the dimension by [:, None]",
                    );
                }
                let this = Value::Path(format!("numpy.{name}"));
                let mut args = Args::new(name, vec![this, b.get("a"), b.get("axis")], b.span);
                let neutral = match name {
                    "bitwise_and" => Some(Value::None),
                    "bitwise_or" | "bitwise_xor" | "gcd" => Some(Value::int(0)),
                    "hypot" => Some(Value::float(0.0)),
                    "logaddexp" | "logaddexp2" => Some(Value::float(f64::NEG_INFINITY)),
                    _ => None,
                };
                if let Some(start) = neutral {
                    args.pos.push(start);
                    return self.inline(PRELUDE_ID, "ufunc__reduce_from", args);
                }
                return self.inline(PRELUDE_ID, "ufunc__reduce", args);
            }
        };
        let mut b = args.bind("a, axis=0, dtype=None, out=None, keepdims=False, initial=None, where=True")?;
        self.reduction(same, &mut b)
    }

    /// A one-argument function by NumPy's name.
    pub fn unary_named(&mut self, name: &str, a: &Value, span: Span) -> Res<Value> {
        if let Some(func) = func_named(name) {
            let value = self.call1(name, func, a, span)?;
            return Ok(self.numpy_kind(value));
        }
        let a = &self.as_numpy(a, span)?;
        let Some(t) = a.kind().map(Kind::dtype) else {
            return fail(span, format!("{name} of {}", a.describe()));
        };
        let value = match name {
            "abs" | "absolute" => self.abs(a, span)?,
            "fabs" => {
                let a = self.as_float(a, span)?;
                self.abs(&a, span)?
            }
            "sign" => self.sign_of(a, span)?,
            "conj" | "conjugate" if t.is_complex() => {
                self.map1("conj", a, t, t, |x| tasklet::Expr::call(Func::Conj, x), span)?
            }
            "conj" | "conjugate" if t == DType::Bool => self.convert(a, DType::I8, span)?,
            "negative" => self.unary(UnOp::Neg, a, span)?,
            "invert" | "bitwise_not" | "bitwise_invert" => self.unary(UnOp::Invert, a, span)?,
            "square" if t == DType::Bool => self.convert(a, DType::I8, span)?,
            "square" => self.map1(name, a, t, t, |x| tasklet::Expr::bin(BinOp::Mul, x.clone(), x), span)?,
            "reciprocal" if t.is_float() || t.is_complex() => {
                let one = self.operand(&Value::int(1), t, &mut Inputs::default(), span)?;
                self.map1(name, a, t, t, |x| tasklet::Expr::bin(BinOp::Div, one, x), span)?
            }
            "reciprocal" if t == DType::Bool => self.convert(a, DType::I8, span)?,
            // The quotient, rounded towards zero.
            "reciprocal" => {
                let one = self.operand(&Value::int(1), t, &mut Inputs::default(), span)?;
                let size = |x: &tasklet::Expr| match t.is_signed() {
                    true => tasklet::Expr::un(UnOp::Abs, x.clone()),
                    false => x.clone(),
                };
                let code = |x: tasklet::Expr| {
                    let unit = tasklet::Expr::bin(BinOp::Eq, size(&x), one);
                    tasklet::Expr::select(unit, x, zero(t))
                };
                self.map1(name, a, t, t, code, span)?
            }
            "logical_not" => {
                let not = |x: tasklet::Expr| {
                    if t == DType::Bool {
                        tasklet::Expr::un(UnOp::Not, x)
                    } else {
                        tasklet::Expr::bin(BinOp::Eq, x, zero(t))
                    }
                };
                self.map1(name, a, t, DType::Bool, not, span)?
            }
            _ => self.map1("positive", a, t, t, |x| x, span)?,
        };
        Ok(self.numpy_kind(value))
    }
}
