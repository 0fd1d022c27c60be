//! Functions that make arrays.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::{Span, row_major};
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp};

use super::Function;
use super::PRELUDE_ID;
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail, fail_hint};
use crate::ops::zero;
use crate::promote::common;
use crate::value::{Axis, Kind, Num, Src, Value, View};

pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "numpy.empty",
        parameters: "shape, dtype=None, ~order=None",
        run: |s, b| filled(s, b, None),
        limits: "",
    },
    Function {
        name: "numpy.zeros",
        parameters: "shape, dtype=None, ~order=None",
        run: |s, b| filled(s, b, Some(0)),
        limits: "",
    },
    Function {
        name: "numpy.ones",
        parameters: "shape, dtype=None, ~order=None",
        run: |s, b| filled(s, b, Some(1)),
        limits: "",
    },
    Function {
        name: "numpy.full",
        parameters: "shape, fill_value, dtype=None, ~order=None",
        run: full,
        limits: "",
    },
    Function {
        name: "numpy.empty_like",
        parameters: "a, dtype=None, ~order=None, ~subok=None, shape=None",
        run: |s, b| like(s, b, None),
        limits: "",
    },
    Function {
        name: "numpy.zeros_like",
        parameters: "a, dtype=None, ~order=None, ~subok=None, shape=None",
        run: |s, b| like(s, b, Some(0)),
        limits: "",
    },
    Function {
        name: "numpy.ones_like",
        parameters: "a, dtype=None, ~order=None, ~subok=None, shape=None",
        run: |s, b| like(s, b, Some(1)),
        limits: "",
    },
    Function {
        name: "numpy.full_like",
        parameters: "a, fill_value, dtype=None, ~order=None, ~subok=None, shape=None",
        run: full_like,
        limits: "",
    },
    Function::new("numpy.arange", "*args, start=None, stop=None, step=None, dtype=None", arange),
    Function {
        name: "numpy.eye",
        parameters: "N, M=None, k=0, dtype=None, ~order=None",
        run: eye,
        limits: "",
    },
    Function { name: "numpy.identity", parameters: "N, dtype=None", run: eye, limits: "" },
    Function {
        name: "numpy.array",
        parameters: "a, dtype=None, *, ~copy=True, ~order=None, ~subok=None, ndmin=0",
        run: array,
        limits: "",
    },
    Function { name: "numpy.copy", parameters: "a, ~order=None", run: array, limits: "" },
    Function { name: "numpy.asarray", parameters: "a, dtype=None, ~order=None", run: as_array, limits: "" },
    Function {
        name: "numpy.ascontiguousarray",
        parameters: "a, dtype=None",
        run: |s, b| contiguous(s, b, false),
        limits: "",
    },
    Function {
        name: "numpy.asfortranarray",
        parameters: "a, dtype=None",
        run: |s, b| contiguous(s, b, true),
        limits: "",
    },
    Function::new("numpy.ndarray", "shape, dtype=None, *, ~order=None", |s, b| filled(s, b, None)),
];

fn filled(s: &mut Importer, b: &mut Bound, value: Option<i64>) -> Res<Value> {
    let (shape, dtype) = (b.get("shape"), b.given("dtype"));
    s.make(&shape, dtype, DType::F64, value.map(Value::int), b.span)
}

fn full(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (shape, dtype, value) = (b.get("shape"), b.given("dtype"), b.get("fill_value"));
    let hint = s.hint.take();
    let value = s.array_like(value, b.span)?;
    s.hint = hint;
    let natural = value.kind().map_or(DType::F64, Kind::dtype);
    s.make(&shape, dtype, natural, Some(value), b.span)
}

fn like(s: &mut Importer, b: &mut Bound, value: Option<i64>) -> Res<Value> {
    make_like(s, b, value.map(Value::int))
}

fn full_like(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let value = b.get("fill_value");
    make_like(s, b, Some(value))
}

fn make_like(s: &mut Importer, b: &mut Bound, value: Option<Value>) -> Res<Value> {
    let hint = s.hint.take();
    let a = b.get("a");
    let a = s.array_like(a, b.span)?;
    s.hint = hint;
    let Some(kind) = a.kind() else { return fail(b.span, format!("{} of {}", b.name, a.describe())) };
    let shape = match b.given("shape") {
        Some(shape) => shape,
        None => Value::Tuple(a.shape().into_iter().map(Value::sym).collect()),
    };
    s.make(&shape, b.given("dtype"), kind.dtype(), value, b.span)
}

fn eye(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let (n, m, k) = (b.get("N"), b.given("M"), b.get("k"));
    let t = match b.given("dtype") {
        Some(t) => s.dtype_of(&t, span)?,
        None => DType::F64,
    };
    let n = s.shape_of(&n, span)?.remove(0);
    let m = match m {
        Some(m) => s.shape_of(&m, span)?.remove(0),
        None => n.clone(),
    };
    let k = if k == Value::None { Expr::zero() } else { s.as_int(&k, span)? };
    s.hint = hint;
    let out = s.transient("array", t, vec![n, m]);
    s.store(&out, &Value::int(0), span)?;
    let diagonal = s.diagonal_of(&out, 0, 1, &k, span)?;
    s.store(&diagonal, &Value::int(1), span)?;
    Ok(Value::Array(out))
}

fn array(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let (a, dtype, least) = (b.get("a"), b.given("dtype"), b.constant("ndmin")?.unwrap_or(0));
    let fresh = matches!(a, Value::Tuple(_) | Value::List(_) | Value::Range(_));
    let a = s.array_like(a, span)?;
    let to = match dtype {
        Some(t) => s.dtype_of(&t, span)?,
        None => match a.kind() {
            Some(kind) => kind.dtype(),
            None => return fail(span, format!("an array of {}", a.describe())),
        },
    };
    s.hint = hint;
    let mut out = match &a {
        Value::Array(view) if fresh && view.dtype == to => view.clone(),
        Value::Array(view) => s.convert_into_new(view, to, span)?,
        scalar => {
            let out = s.transient("array", to, vec![]);
            s.store(&out, scalar, span)?;
            out
        }
    };
    while (out.rank() as i64) < least {
        out = out.insert_dim(0);
    }
    Ok(Value::Array(out))
}

fn as_array(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (a, dtype) = (b.get("a"), b.given("dtype"));
    let a = s.array_like(a, span)?;
    let to = match (dtype, a.kind()) {
        (Some(t), _) => s.dtype_of(&t, span)?,
        (None, Some(kind)) => kind.dtype(),
        (None, None) => return fail(span, format!("an array of {}", a.describe())),
    };
    match &a {
        Value::Array(view) if view.dtype == to => Ok(a),
        Value::Array(view) => s.convert_into_new(view, to, span).map(Value::Array),
        scalar => {
            let out = s.transient("array", to, vec![]);
            s.store(&out, scalar, span)?;
            Ok(Value::Array(out))
        }
    }
}

/// As `asarray`, with at least one dimension, in C or Fortran order: the array itself if it is in it.
fn contiguous(s: &mut Importer, b: &mut Bound, fortran: bool) -> Res<Value> {
    let span = b.span;
    let name = b.name.clone();
    let value = as_array(s, b)?;
    let view = s.view_of(value, span)?;
    if view.rank() == 0 {
        return Ok(Value::Array(view.insert_dim(0)));
    }
    let mut wanted = view.shape.clone();
    if fortran {
        wanted.reverse();
    }
    let mut wanted = row_major(&wanted);
    if fortran {
        wanted.reverse();
    }
    // Where an extent is 1 its stride is of no account.
    if let Some(n) =
        view.shape.iter().find(|n| n.as_int().is_none() && s.on_sample(n).is_some_and(|n| n <= 1))
    {
        return s.make_constant(&n.clone(), span);
    }
    let fits = view.shape.iter().any(Expr::is_zero)
        || view.shape.iter().zip(view.strides.iter().zip(&wanted)).all(|(n, (a, b))| n.is_one() || a == b);
    // Of some results only NumPy knows the order, except where there is one dimension.
    let known = view.rank() == 1 || !s.uneven.contains(&view.base);
    if (known && fits) || s.is_fresh(&view, &[]) {
        return Ok(Value::Array(view));
    }
    let copy = s.materialize(&view, view.dtype, span);
    // So do the real parts of complex numbers.
    let mut gaps =
        s.parts.contains_key(&view.base) && view.shape.iter().any(|n| s.on_sample(n).is_some_and(|n| n > 1));
    for axis in view.axes().into_iter().flatten() {
        if let Axis { dim: Some(d), step, .. } = axis
            && step.as_int().is_some_and(|step| step.abs() > 1)
        {
            gaps |= s.nonneg_everywhere(&(&view.shape[d] - 2), span)?.is_yes();
        }
    }
    if !gaps && (!known || view.shape.iter().any(|n| s.on_sample(n).is_none())) {
        s.alias(&copy, &view, &name, span);
    }
    Ok(Value::Array(copy))
}

fn arange(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let mut items = std::mem::take(&mut b.rest);
    let (start, stop, step) = (b.given("start"), b.given("stop"), b.given("step"));
    if start.is_some() && stop.is_none() && items.is_empty() {
        items.extend(start);
    } else if start.is_some() || stop.is_some() || step.is_some() {
        // As three by position.
        let mut given = items.into_iter();
        let first = given.next();
        let (start, stop) = match (start, stop, given.next()) {
            (None, Some(stop), None) => (first.unwrap_or(Value::int(0)), stop),
            (Some(start), Some(stop), None) if first.is_none() => (start, stop),
            (Some(start), None, None) => match first {
                Some(stop) => (start, stop),
                None => return fail(span, "arange lacks the argument 'stop'"),
            },
            (None, None, Some(stop)) => (first.unwrap_or(Value::int(0)), stop),
            (None, None, None) => match first {
                Some(stop) => (Value::int(0), stop),
                None => return fail(span, "arange lacks the argument 'stop'"),
            },
            _ => return fail(span, "arange has an argument twice"),
        };
        items = vec![start, stop, step.unwrap_or(Value::int(1))];
    }
    let integers = items.iter().all(|v| matches!(v.kind(), Some(k) if k.dtype().is_int()));
    let literals: Option<Vec<f64>> = items.iter().map(literal).collect();
    if let (false, Some(x)) = (integers, literals) {
        let (first, last, step) = match x[..] {
            [last] => (0.0, last, 1.0),
            [first, last] => (first, last, 1.0),
            [first, last, step, ..] => (first, last, step),
            [] => return fail(span, "arange takes one to three numbers"),
        };
        let count = ((last - first) / step).ceil();
        if !count.is_finite() || count > 9e15 {
            return fail(span, "arange: the number of elements is not finite");
        }
        let count =
            s.call_path("numpy.arange", Args::new("arange", vec![Value::int(count.max(0.0) as i64)], span))?;
        let delta = s.binary(BinOp::Sub, &Value::float(first + step), &Value::float(first), span)?;
        let scaled = s.binary(BinOp::Mul, &count, &delta, span)?;
        s.hint = hint;
        let out = s.binary(BinOp::Add, &scaled, &Value::float(first), span)?;
        return match b.given("dtype") {
            Some(t) => {
                let t = s.dtype_of(&t, span)?;
                s.convert(&out, t, span)
            }
            None => Ok(out),
        };
    }
    if !integers {
        let mut args = Args::new("np.arange", items, span);
        if let Some(t) = b.given("dtype") {
            args.kw.insert("dtype".into(), t);
        }
        s.hint = hint;
        return s.inline(PRELUDE_ID, "arange_of_floats", args);
    }
    let mut bounds = vec![];
    for v in items {
        bounds.push(s.as_int(&v, span)?);
    }
    let (begin, end, step) = match &bounds[..] {
        [n] => (Expr::zero(), n.clone(), Expr::one()),
        [a, b] => (a.clone(), b.clone(), Expr::one()),
        [a, b, c] => (a.clone(), b.clone(), c.clone()),
        _ => return fail(span, "arange takes one to three numbers"),
    };
    let extent = s.steps(&begin, &end, &step, span)?;
    let dtype = match b.given("dtype") {
        Some(t) => s.dtype_of(&t, span)?,
        None => DType::I64,
    };
    s.hint = hint;
    let out = s.transient("array", dtype, vec![extent]);
    s.iota(&out, &begin, &step, span);
    Ok(Value::Array(out))
}

/// A Python number that is known.
fn literal(v: &Value) -> Option<f64> {
    match v {
        Value::Num(Num { src: Src::Lit(Scalar::F64(x)), .. }) => Some(*x),
        other => other.as_const_int().map(|i| i as f64),
    }
}

/// NumPy's short codes of types: `f8`, `<i4`, `d`.
fn type_code(code: &str) -> Option<DType> {
    Some(match code.trim_start_matches(['<', '=', '|']) {
        "b1" | "?" => DType::Bool,
        "i1" | "b" => DType::I8,
        "i2" | "h" => DType::I16,
        "i4" | "i" => DType::I32,
        "i8" | "l" | "q" | "p" => DType::I64,
        "u1" | "B" => DType::U8,
        "u2" | "H" => DType::U16,
        "u4" | "I" => DType::U32,
        "u8" | "L" | "Q" | "P" => DType::U64,
        "f2" | "e" => DType::F16,
        "f4" | "f" => DType::F32,
        "f8" | "d" => DType::F64,
        "c8" | "F" => DType::C64,
        "c16" | "D" => DType::C128,
        _ => return None,
    })
}

impl Importer<'_> {
    fn make(
        &mut self,
        shape: &Value,
        dtype: Option<Value>,
        natural: DType,
        value: Option<Value>,
        span: Span,
    ) -> Res<Value> {
        let hint = self.hint.take();
        let dtype = match dtype {
            Some(t) => self.dtype_of(&t, span)?,
            None => natural,
        };
        let shape = self.shape_of(shape, span)?;
        self.hint = hint;
        let out = self.transient("array", dtype, shape);
        if let Some(value) = value {
            self.store(&out, &value, span)?;
        }
        Ok(Value::Array(out))
    }

    /// The number of values of `begin, begin + step, …` before `end`. A step that only the run knows
    /// must not be zero.
    pub fn steps(&mut self, begin: &Expr, end: &Expr, step: &Expr, span: Span) -> Res<Expr> {
        let up = match self.nonneg_everywhere(&(step - 1), span)? {
            Truth::Yes => true,
            _ => {
                if step.is_zero() {
                    return fail(span, "the step must not be zero");
                }
                match self.nonneg_everywhere(&(-step - 1), span)? {
                    Truth::Yes => false,
                    _ => {
                        let hint = "write the step as a number, or compute its sign beforehand";
                        return fail_hint(span, "a step whose sign only the run knows", hint);
                    }
                }
            }
        };
        let (distance, size) = if up { (end - begin, step.clone()) } else { (begin - end, -step) };
        Ok(match self.nonneg_everywhere(&distance, span)? {
            Truth::Yes => distance,
            Truth::No => Expr::zero(),
            Truth::Unknown => distance.max(Expr::zero()),
        }
        .ceil_div(&size))
    }

    /// Lists and tuples of numbers (and of arrays) as arrays; everything else as it is.
    pub fn array_like(&mut self, v: Value, span: Span) -> Res<Value> {
        if let Some(view) = self.grown(&v, span)? {
            return Ok(Value::Array(self.materialize(&view, view.dtype, span)));
        }
        let items = match &v {
            Value::Tuple(_) | Value::List(_) => self.elements(&v).unwrap_or_default(),
            Value::Range(r) => {
                let r = r.clone();
                let extent = self.steps(&r.begin, &r.end, &r.step, span)?;
                let out = self.transient("array", DType::I64, vec![extent]);
                self.iota(&out, &r.begin, &r.step, span);
                return Ok(Value::Array(out));
            }
            _ => return Ok(v),
        };
        let hint = self.hint.take();
        let mut parts = vec![];
        for item in items {
            parts.push(self.array_like(item, span)?);
        }
        let mut kinds = vec![];
        for part in &parts {
            match part.kind() {
                Some(kind) => kinds.push(kind),
                None => return fail(span, format!("{} cannot be an element of an array", part.describe())),
            }
        }
        let inner = parts.first().map(Value::shape).unwrap_or_default();
        for part in &parts {
            let shape = part.shape();
            let mut same = shape.len() == inner.len();
            for (a, b) in shape.iter().zip(&inner) {
                same = same && self.same(a, b)?.is_yes();
            }
            if !same {
                return fail(span, "the elements of the list have different shapes");
            }
        }
        let dtype = if parts.is_empty() { DType::F64 } else { common(&kinds) };
        let mut shape = vec![Expr::int(parts.len() as i64)];
        shape.extend(inner);
        self.hint = hint;
        let out = self.transient("array", dtype, shape);
        for (i, part) in parts.iter().enumerate() {
            let target = out.fix_dim(0, &Expr::int(i as i64));
            self.store(&target, part, span)?;
        }
        Ok(Value::Array(out))
    }

    /// A new array of another type.
    pub fn convert_into_new(&mut self, view: &View, to: DType, span: Span) -> Res<View> {
        if view.dtype.is_complex() && !to.is_complex() {
            let value = self.convert(&Value::Array(view.clone()), to, span)?;
            return self.as_view(&value, span);
        }
        Ok(self.materialize(view, to, span))
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
            "half" => Some(DType::F16),
            "single" => Some(DType::F32),
            "csingle" => Some(DType::C64),
            "cdouble" => Some(DType::C128),
            "byte" => Some(DType::I8),
            "ubyte" => Some(DType::U8),
            "short" => Some(DType::I16),
            "ushort" => Some(DType::U16),
            "intc" => Some(DType::I32),
            "uintc" => Some(DType::U32),
            "long" | "longlong" => Some(DType::I64),
            "uint" | "uintp" | "ulong" | "ulonglong" => Some(DType::U64),
            code if matches!(v, Value::Str(_)) => type_code(code),
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
    pub fn shape_of(&mut self, v: &Value, span: Span) -> Res<Vec<Expr>> {
        let items = match self.elements(v) {
            Some(items) => items,
            None if matches!(v, Value::Array(a) if a.rank() == 1) => self.unpacked(v, span)?,
            None => vec![v.clone()],
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
}
