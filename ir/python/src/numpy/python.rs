//! Python's own functions, and the module `math`.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Range};
use weft_ir::tasklet::{self, BinOp, Func, UnOp};

use super::Function;
use super::PRELUDE_ID;
use super::ufunc::func_named;
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail, fail_hint};
use crate::doubt::Doubt;
use crate::emit::Inputs;
use crate::ops::{as_f64, rekind};
use crate::promote::Binary;
use crate::truth::Test;
use crate::value::{Kind, Num, Src, Value, View};

pub const FUNCTIONS: &[Function] = &[
    Function { name: "builtins.abs", parameters: "x", run: abs, limits: "" },
    Function { name: "builtins.len", parameters: "obj", run: len, limits: "" },
    Function { name: "builtins.min", parameters: "*args", run: |s, b| s.min_max("min", b), limits: "" },
    Function { name: "builtins.max", parameters: "*args", run: |s, b| s.min_max("max", b), limits: "" },
    Function { name: "builtins.float", parameters: "x=0.0", run: float, limits: "" },
    Function { name: "builtins.int", parameters: "x=0", run: int, limits: "" },
    Function { name: "builtins.bool", parameters: "x=False", run: boolean, limits: "" },
    Function { name: "builtins.complex", parameters: "real=0.0, imag=0.0", run: complex, limits: "" },
    Function { name: "builtins.sum", parameters: "iterable, start=0", run: sum, limits: "" },
    Function { name: "builtins.any", parameters: "iterable", run: |s, b| any_all(s, b, false), limits: "" },
    Function { name: "builtins.all", parameters: "iterable", run: |s, b| any_all(s, b, true), limits: "" },
    Function { name: "builtins.pow", parameters: "base, exp, mod=None", run: pow, limits: "" },
    Function { name: "builtins.divmod", parameters: "a, b", run: divmod, limits: "" },
    Function { name: "builtins.range", parameters: "*args", run: range, limits: "" },
    Function { name: "builtins.slice", parameters: "*args", run: slice, limits: "" },
    Function { name: "builtins.tuple", parameters: "iterable=None", run: tuple, limits: "" },
    Function { name: "builtins.list", parameters: "iterable=None", run: list, limits: "" },
    Function {
        name: "builtins.enumerate",
        parameters: "iterable, start=0",
        run: enumerate,
        limits: "in 'for' over arrays and ranges, and over what is known element by element",
    },
    Function {
        name: "builtins.zip",
        parameters: "*args, strict=False",
        run: zip,
        limits: "in 'for' over arrays and ranges, and over what is known element by element",
    },
    Function { name: "builtins.reversed", parameters: "sequence", run: reversed, limits: "" },
    Function {
        name: "builtins.isinstance",
        parameters: "obj, cls",
        run: isinstance,
        limits: "of int, float, complex, bool, tuple, list and np.ndarray",
    },
];

fn abs(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let v = b.get("x");
    s.abs(&v, b.span)
}

fn len(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let obj = b.get("obj");
    if let Some(view) = s.grown(&obj, b.span)? {
        return Ok(Value::sym(view.shape[0].clone()));
    }
    match obj {
        Value::Array(view) if view.rank() > 0 => Ok(Value::sym(view.shape[0].clone())),
        Value::Range(r) => s.steps(&r.begin, &r.end, &r.step, b.span).map(Value::sym),
        Value::Str(text) => Ok(Value::int(text.chars().count() as i64)),
        other => match s.elements(&other) {
            Some(items) => Ok(Value::int(items.len() as i64)),
            None => fail(b.span, format!("{} has no length", other.describe())),
        },
    }
}

fn float(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let v = b.get("x");
    if let Value::Str(text) = &v {
        return match text.trim().to_lowercase().trim_start_matches('+') {
            "inf" | "infinity" => Ok(Value::float(f64::INFINITY)),
            "-inf" | "-infinity" => Ok(Value::float(f64::NEG_INFINITY)),
            other => match other.parse() {
                Ok(x) => Ok(Value::float(x)),
                Err(_) => fail(b.span, format!("could not convert string to float: '{text}'")),
            },
        };
    }
    s.python_scalar(&v, Kind::Float, b.span)
}

fn int(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let v = b.get("x");
    s.truncated(&v, b.span)
}

fn boolean(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let v = b.get("x");
    let test = s.test(&v, b.span)?;
    s.test_value(test, b.span)
}

fn complex(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (re, im) = (b.get("real"), b.get("imag"));
    if im == Value::float(0.0) {
        return s.python_scalar(&re, Kind::Complex, b.span);
    }
    if [&re, &im].iter().all(|v| v.kind().is_some_and(|k| !k.dtype().is_complex())) {
        let (re, im) =
            (s.python_scalar(&re, Kind::Float, b.span)?, s.python_scalar(&im, Kind::Float, b.span)?);
        let value = s.ufunc2(Binary::Op(BinOp::Complex), &re, &im, b.span)?;
        return Ok(rekind(value, Kind::Complex));
    }
    let i = Value::lit(Kind::Complex, Scalar::Complex(DType::C128, 0.0, 1.0));
    let im = s.binary(BinOp::Mul, &im, &i, b.span)?;
    let sum = s.binary(BinOp::Add, &re, &im, b.span)?;
    s.python_scalar(&sum, Kind::Complex, b.span)
}

fn sum(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (items, mut total) = (b.get("iterable"), b.get("start"));
    if let Some(kind) = s.grown_kind(&items) {
        let items = s.grown(&items, b.span)?.map_or(items, Value::Array);
        let sum =
            s.inline(PRELUDE_ID, "sum_of_items", Args::new("sum", vec![items, total.clone()], b.span))?;
        let kind = if kind.is_python() { total.kind().map_or(kind, |k| k.max(kind)) } else { kind };
        return Ok(rekind(sum, kind));
    }
    if matches!(items, Value::Array(_)) || (matches!(items, Value::Range(_)) && s.elements(&items).is_none())
    {
        return s.inline(PRELUDE_ID, "sum_of_items", Args::new("sum", vec![items, total], b.span));
    }
    for item in s.unpacked(&items, b.span)? {
        total = s.binary(BinOp::Add, &total, &item, b.span)?;
    }
    Ok(total)
}

fn any_all(s: &mut Importer, b: &mut Bound, all: bool) -> Res<Value> {
    let items = b.get("iterable");
    let items = match s.grown(&items, b.span)? {
        Some(view) => Value::Array(view),
        None => items,
    };
    if let Value::Array(view) = &items
        && view.rank() == 1
    {
        let name = if all { "numpy.all" } else { "numpy.any" };
        let value = s.call_path(name, Args::new(name, vec![items], b.span))?;
        return Ok(rekind(value, Kind::Bool));
    }
    let mut result = Test::Known(all);
    for item in s.unpacked(&items, b.span)? {
        let one = s.test(&item, b.span)?;
        result = crate::truth::both(result, one, all);
    }
    s.test_value(result, b.span)
}

fn pow(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (x, y) = (b.get("base"), b.get("exp"));
    let power = s.binary(BinOp::Pow, &x, &y, b.span)?;
    match b.given("mod") {
        Some(m) => s.binary(BinOp::Mod, &power, &m, b.span),
        None => Ok(power),
    }
}

fn divmod(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (x, y) = (b.get("a"), b.get("b"));
    Ok(Value::Tuple(vec![s.binary(BinOp::FloorDiv, &x, &y, b.span)?, s.binary(BinOp::Mod, &x, &y, b.span)?]))
}

fn range(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let mut bounds = vec![];
    for v in std::mem::take(&mut b.rest) {
        if v.kind().is_some_and(|k| !k.dtype().is_int() && k != Kind::Bool) {
            return fail_hint(span, "range takes integers", "convert by int(...) or divide by //");
        }
        bounds.push(s.as_int(&v, span)?);
    }
    Ok(Value::Range(match &bounds[..] {
        [n] => Range::new(0, n),
        [a, b] => Range::new(a, b),
        [_, _, step] if step.is_zero() => return fail(span, "the step of range must not be zero"),
        [a, b, step] => Range::with_step(a, b, step),
        _ => return fail(span, "range takes one to three integers"),
    }))
}

/// The bounds are what they are now, whatever is written before the slice is used.
fn slice(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (span, given) = (b.span, b.rest.len());
    let mut bounds = vec![];
    for v in std::mem::take(&mut b.rest) {
        let whole = v.kind().is_some_and(|k| k.dtype().is_int());
        bounds.push(if whole { Value::sym(s.as_int(&v, span)?) } else { s.hold(v, span)? });
    }
    if bounds.len() == 1 {
        bounds.insert(0, Value::None);
    }
    bounds.resize(3.max(bounds.len()), Value::None);
    match <[Value; 3]>::try_from(bounds) {
        Ok(parts) if given > 0 => Ok(Value::Slice(Box::new(parts))),
        _ => fail(span, "slice takes one to three values"),
    }
}

fn tuple(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    match b.given("iterable") {
        None => Ok(Value::Tuple(vec![])),
        Some(v) => s.unpacked(&v, b.span).map(Value::Tuple),
    }
}

fn list(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let items = match b.given("iterable") {
        None => vec![],
        Some(v) if s.is_grown(&v) => return s.copied_list(&v, b.span),
        Some(v) => s.unpacked(&v, b.span)?,
    };
    s.list_at(items, &Expr::one(), b.span)
}

fn enumerate(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (items, start) = (b.get("iterable"), b.get("start"));
    let start = s.as_int(&start, b.span)?;
    let items = s.unpacked(&items, b.span)?;
    let pair = |(i, v): (usize, Value)| Value::Tuple(vec![Value::sym(&start + i as i64), v]);
    Ok(Value::Tuple(items.into_iter().enumerate().map(pair).collect()))
}

fn zip(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let mut columns = vec![];
    for v in std::mem::take(&mut b.rest) {
        columns.push(s.unpacked(&v, b.span)?);
    }
    let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
    let row = |i: usize| Value::Tuple(columns.iter().map(|c| c[i].clone()).collect());
    Ok(Value::Tuple((0..rows).map(row).collect()))
}

fn reversed(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    match b.get("sequence") {
        Value::Range(r) => {
            let count = s.steps(&r.begin, &r.end, &r.step, b.span)?;
            let last = &r.begin + &(&(&count - 1) * &r.step);
            Ok(Value::Range(Range::with_step(last, &r.begin - &r.step, -&r.step)))
        }
        Value::Array(view) if view.rank() > 0 => {
            let n = view.shape[0].clone();
            Ok(Value::Array(view.slice_dim(0, &(&n - 1), &Expr::int(-1), n)))
        }
        other if s.is_grown(&other) => s.reversed_list(&other, b.span),
        other => {
            let mut items = s.unpacked(&other, b.span)?;
            items.reverse();
            Ok(Value::Tuple(items))
        }
    }
}

fn isinstance(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (v, class) = (b.get("obj"), b.get("cls"));
    let classes = s.elements(&class).unwrap_or_else(|| vec![class]);
    let mut found = false;
    for class in classes {
        let Value::Path(path) = class else { return fail(b.span, "isinstance takes types") };
        let kind = match &v {
            Value::Num(num) => Some(num.kind),
            _ => None,
        };
        found |= match path.as_str() {
            "builtins.int" => matches!(kind, Some(Kind::Int | Kind::Bool)),
            "builtins.float" => matches!(kind, Some(Kind::Float | Kind::Np(DType::F64))),
            "builtins.complex" => matches!(kind, Some(Kind::Complex | Kind::Np(DType::C128))),
            "builtins.bool" => kind == Some(Kind::Bool),
            "builtins.tuple" => matches!(v, Value::Tuple(_)),
            "builtins.list" => matches!(v, Value::List(_)),
            "builtins.str" => matches!(v, Value::Str(_)),
            "numpy.ndarray" => matches!(v, Value::Array(_)),
            "numpy.floating" => matches!(kind, Some(Kind::Np(t)) if t.is_float()),
            "numpy.integer" => matches!(kind, Some(Kind::Np(t)) if t.is_int()),
            _ => return fail(b.span, format!("isinstance of '{path}' is not supported")),
        };
        if kind == Some(Kind::Number) && matches!(path.as_str(), "builtins.int" | "builtins.float") {
            return crate::either::undecided(b.span);
        }
    }
    Ok(Value::bool(found))
}

fn need(args: &mut Args, at: usize, name: &str) -> Res<Value> {
    match args.take(at, name) {
        Some(value) => Ok(value),
        None => fail(args.span, format!("{} lacks the argument '{name}'", args.name)),
    }
}

impl Importer<'_> {
    /// The items of what Python can iterate over, if they can be told one by one.
    pub fn unpacked(&mut self, v: &Value, span: Span) -> Res<Vec<Value>> {
        if let Some(items) = self.elements(v) {
            return Ok(items);
        }
        match v {
            Value::Array(view) if view.rank() > 0 => {
                let n = match view.shape[0].as_int() {
                    Some(n) => n,
                    None if self.on_sample(&view.shape[0]).is_some_and(|n| n <= 64) => {
                        return self.make_constant(&view.shape[0].clone(), span);
                    }
                    None => {
                        return fail(
                            span,
                            "an array of which the length only the run knows cannot be unpacked",
                        );
                    }
                };
                let at = |i| self.part(view, &[crate::bounds::Item::Index(Expr::int(i))], span);
                (0..n).map(at).collect()
            }
            Value::Range(r) if self.on_sample(&r.extent()).is_some_and(|n| n <= 64) => {
                let all = &(&r.begin + &r.end) + &r.step;
                self.make_constant(&all, span)
            }
            other => fail(span, format!("{} cannot be unpacked", other.describe())),
        }
    }

    /// `float(x)`: Python's kind, the same value.
    pub fn python_scalar(&mut self, v: &Value, kind: Kind, span: Span) -> Res<Value> {
        let Some(from) = v.kind() else { return fail(span, format!("a Python number of {}", v.describe())) };
        let narrows = from.dtype().is_complex() && kind != Kind::Complex;
        if matches!(v, Value::Array(a) if a.rank() > 0) || narrows {
            return fail(span, format!("a Python number of {}", v.describe()));
        }
        if let Some(i) = v.as_const_int()
            && kind == Kind::Float
        {
            return Ok(Value::float(i as f64));
        }
        if from.dtype() == kind.dtype() {
            return Ok(match v {
                Value::Array(view) => Value::elem(kind, view.clone()),
                other => rekind(other.clone(), kind),
            });
        }
        let value = self.convert(v, kind.dtype(), span)?;
        Ok(rekind(value, kind))
    }

    pub fn truncated(&mut self, v: &Value, span: Span) -> Res<Value> {
        let kind = v.kind();
        match v {
            Value::Num(Num { src: Src::Lit(Scalar::F64(x)), .. }) => {
                if x.is_finite() && x.abs() < 9e18 {
                    Ok(Value::int(*x as i64))
                } else {
                    fail(span, "the float is no integer")
                }
            }
            _ if kind.is_some_and(|k| k.dtype().is_float()) => {
                let view = match v {
                    Value::Num(Num { src: Src::Elem(view), .. }) | Value::Array(view) if view.rank() == 0 => {
                        view.clone()
                    }
                    _ => return fail(span, format!("int of {}", v.describe())),
                };
                let t = view.dtype;
                let var = self.scalar_var(&view, span)?;
                let bound = Value::float(9.2e18);
                let bound = self.operand(&bound, t, &mut Inputs::default(), span)?;
                let small = tasklet::Expr::bin(BinOp::Lt, tasklet::Expr::un(UnOp::Abs, var.clone()), bound);
                self.check(small, "cannot convert float to a 64-bit integer", span);
                let value = tasklet::Expr::cast(DType::I64, var);
                Ok(Value::sym(Expr::sym(self.assign_symbol("n", value, span))))
            }
            _ => {
                let e = self.as_int(v, span)?;
                self.int_value(e, span)
            }
        }
    }

    /// Python's `min` and `max`, of a list of values.
    fn min_max(&mut self, name: &str, b: &mut Bound) -> Res<Value> {
        let span = b.span;
        if let [one] = &b.rest[..]
            && let Some(kind) = self.grown_kind(one)
        {
            let array = self.array_like(one.clone(), span)?;
            let best =
                self.inline(PRELUDE_ID, &format!("{name}_of_array"), Args::new(name, vec![array], span))?;
            return Ok(rekind(best, kind));
        }
        let items = match &b.rest[..] {
            [Value::Array(view)] if view.rank() == 1 => {
                let view = view.clone();
                return self.inline(
                    PRELUDE_ID,
                    &format!("{name}_of_array"),
                    Args::new(name, vec![Value::Array(view)], span),
                );
            }
            [one] => self.unpacked(&one.clone(), span)?,
            _ => std::mem::take(&mut b.rest),
        };
        let mut items = items.into_iter();
        let Some(mut acc) = items.next() else { return fail(span, format!("{name} of nothing")) };
        let op = if name == "min" { BinOp::Min } else { BinOp::Max };
        for item in items {
            let (Some(a), Some(b)) = (acc.kind(), item.kind()) else {
                return fail(span, format!("{name} of {} and {}", acc.describe(), item.describe()));
            };
            let plain = !a.dtype().is_complex() && acc.shape().len() + item.shape().len() == 0;
            let Some((kind, other)) = (if plain { self.either(a, b) } else { None }) else {
                let hint = format!("use np.{name}imum", name = name);
                return fail_hint(
                    span,
                    format!("{name} of {} and {}", acc.describe(), item.describe()),
                    hint,
                );
            };
            if matches!(kind, Kind::Int | Kind::Bool) {
                acc = self.binary(op, &acc, &item, span)?;
                continue;
            }
            if let (Some(x), Some(y)) = (as_f64(&acc), as_f64(&item)) {
                let other = if name == "min" { y < x } else { y > x };
                acc = if other { item } else { acc };
                continue;
            }
            acc = self.trusting(|s| s.better(name, &acc, &item, (kind, other), span))?;
        }
        Ok(acc)
    }

    /// The second of two numbers where it is strictly better, else the first: a NaN is kept as it stands.
    fn better(
        &mut self,
        name: &str,
        acc: &Value,
        item: &Value,
        (kind, other): (Kind, Option<Kind>),
        span: Span,
    ) -> Res<Value> {
        let t = kind.dtype();
        let (x, y) = match t {
            DType::F64 => (self.as_number(acc, span)?, self.as_number(item, span)?),
            _ => (acc.clone(), item.clone()),
        };
        let compare = if name == "min" { BinOp::Lt } else { BinOp::Gt };
        let mut inputs = Inputs::default();
        let (p, q) = (self.operand(&x, t, &mut inputs, span)?, self.operand(&y, t, &mut inputs, span)?);
        let cond = tasklet::Expr::bin(compare, q.clone(), p.clone());
        let code = tasklet::Expr::select(cond.clone(), q, p);
        let out = self.elementwise(name, t, vec![], &inputs, code, span);
        // Which of the two it is.
        let mut others: Vec<Kind> = other.into_iter().collect();
        others.extend([acc, item].into_iter().filter_map(|v| self.doubt_of(v)).map(|d| d.other));
        let samples = (self.scalar_on_sample(acc), self.scalar_on_sample(item));
        let second = match samples {
            (Some(p), Some(q)) => Some(if name == "min" { q < p } else { q > p }),
            _ => None,
        };
        if let (Some(second), (Some(p), Some(q))) = (second, samples) {
            self.floats.insert(out.base, if second { q } else { p });
        }
        let mut is = |s: &Self, v: &Value| -> tasklet::Expr {
            let known = |b| tasklet::Expr::Lit(Scalar::Bool(b));
            let flag = match v {
                Value::Num(Num { kind: Kind::Number, src: Src::Elem(view) }) => {
                    s.numbers.get(&view.base).map(|n| n.0)
                }
                _ => s.doubt_of(v).filter(|_| v.kind() == Some(kind)).map(|d| d.flag),
            };
            match flag {
                Some(flag) => inputs.read(&View::full(flag, DType::Bool, &[])),
                None if kind == Kind::Number => known(v.kind() == Some(Kind::Float)),
                None => known(v.kind() == Some(kind)),
            }
        };
        let (p, q) = (is(self, acc), is(self, item));
        let which = tasklet::Expr::select(cond, q, p);
        if kind == Kind::Number {
            let flag = self.elementwise("float", DType::Bool, vec![], &inputs, which, span).base;
            let float = |v: &Value| match v {
                Value::Num(Num { kind: Kind::Number, src: Src::Elem(view) }) => {
                    self.numbers.get(&view.base).is_none_or(|n| n.1)
                }
                _ => v.kind() == Some(Kind::Float),
            };
            let float = second.is_none_or(|second| float(if second { item } else { acc }));
            self.numbers.insert(out.base, (flag, float));
        } else if let Some(first) = others.first().copied() {
            let strict = others.iter().any(|k| *k != first);
            let flag = self.elementwise("numpy", DType::Bool, vec![], &inputs, which, span).base;
            self.doubts.insert(out.base, Doubt { other: first, flag, strict });
        }
        Ok(Value::elem(kind, out))
    }

    /// `math.f`: a Python float; raises where the result is not finite though the argument is.
    pub fn call_math(&mut self, name: &str, mut args: Args) -> Res<Value> {
        let span = args.span;
        let hint = "use NumPy's function";
        let special = match name {
            "erf" => Some(Func::Erf),
            "erfc" => Some(Func::Erfc),
            "gamma" => Some(Func::Gamma),
            "lgamma" => Some(Func::Lgamma),
            _ => func_named(name).filter(|_| !name.starts_with("arc")),
        };
        if name == "log" && args.pos.len() == 2 {
            let base = args.pos.pop().unwrap_or(Value::None);
            let parts = [need(&mut args, 0, "x")?, base];
            let [x, y] = parts.map(|v| self.call_math("log", Args::new("math.log", vec![v], span)));
            return self.binary(BinOp::Div, &x?, &y?, span);
        }
        let Some(func) = special else {
            return match name {
                "pow" => {
                    let (a, b) = (need(&mut args, 0, "x")?, need(&mut args, 1, "y")?);
                    let (a, b) = (
                        self.python_scalar(&a, Kind::Float, span)?,
                        self.python_scalar(&b, Kind::Float, span)?,
                    );
                    self.float_power(&a, &b, span)
                }
                "fabs" => {
                    let v = need(&mut args, 0, "x")?;
                    let v = self.python_scalar(&v, Kind::Float, span)?;
                    self.abs(&v, span)
                }
                "atan2" | "hypot" | "fmod" | "copysign" if args.pos.len() == 2 => {
                    let op = match name {
                        "atan2" => BinOp::Atan2,
                        "hypot" => BinOp::Hypot,
                        "copysign" => BinOp::CopySign,
                        _ => return fail_hint(span, "math.fmod is not supported", hint),
                    };
                    let (a, b) = (need(&mut args, 0, "x")?, need(&mut args, 1, "y")?);
                    let (a, b) = (
                        self.python_scalar(&a, Kind::Float, span)?,
                        self.python_scalar(&b, Kind::Float, span)?,
                    );
                    let value = self.ufunc2(Binary::Op(op), &a, &b, span)?;
                    Ok(rekind(value, Kind::Float))
                }
                _ => fail_hint(span, format!("math.{name} is not supported"), hint),
            };
        };
        let v = need(&mut args, 0, "x")?;
        args.done(1)?;
        if matches!(func, Func::Sign | Func::Rint) {
            return fail_hint(span, format!("math.{name} is not supported"), hint);
        }
        let v = self.python_scalar(&v, Kind::Float, span)?;
        if matches!(func, Func::IsNan | Func::IsInf | Func::IsFinite) {
            let value = self.call1(name, func, &v, span)?;
            return Ok(rekind(value, Kind::Bool));
        }
        let num = match &v {
            Value::Num(num) => self.snapshot(num, span)?,
            _ => return fail(span, "math takes scalars"),
        };
        let out = self.call1(name, func, &Value::Num(num.clone()), span)?;
        if let Value::Num(Num { src: Src::Elem(view), .. }) = &out {
            let result = tasklet::Expr::Var(view.base);
            let x = match &num.src {
                Src::Elem(v) => tasklet::Expr::Var(v.base),
                _ => self.operand(&Value::Num(num.clone()), DType::F64, &mut Inputs::default(), span)?,
            };
            let call = |f: Func, e: &tasklet::Expr| tasklet::Expr::call(f, e.clone());
            let good = tasklet::Expr::bin(
                BinOp::Or,
                call(Func::IsFinite, &result),
                tasklet::Expr::bin(
                    BinOp::Or,
                    call(Func::IsNan, &x),
                    tasklet::Expr::bin(BinOp::And, call(Func::IsInf, &x), call(Func::IsInf, &result)),
                ),
            );
            self.check(good, "math domain or range error", span);
        }
        let value = rekind(out, Kind::Float);
        if matches!(func, Func::Floor | Func::Ceil | Func::Trunc) {
            self.truncated(&value, span)
        } else {
            Ok(value)
        }
    }
}
