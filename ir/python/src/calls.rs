//! Calls: functions of the file, Python's built-ins, `math`, NumPy, methods.

use std::collections::BTreeMap;

use ruff_python_ast as ast;
use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;
use weft_ir::tasklet::{self, BinOp, Func, UnOp};

use crate::context::{Importer, Res, fail, fail_hint, span_of};
use crate::emit::Inputs;
use crate::ops::{rekind, zero};
use crate::promote::{Binary, binary_named, common, float_of};
use crate::value::{Kind, Num, Src, Value, View};

/// Evaluated arguments of a call.
pub struct Args {
    pub pos: Vec<Value>,
    pub kw: BTreeMap<String, Value>,
    pub name: String,
    pub span: Span,
}

impl Args {
    /// The argument at a position or by name; each is taken once.
    pub fn take(&mut self, at: usize, name: &str) -> Option<Value> {
        match self.pos.get_mut(at) {
            Some(value) => Some(std::mem::replace(value, Value::Poison)),
            None => self.kw.remove(name),
        }
    }

    pub fn need(&mut self, at: usize, name: &str) -> Res<Value> {
        let reason = format!("{} lacks the argument '{name}'", self.name);
        match self.take(at, name) {
            Some(value) => Ok(value),
            None => fail(self.span, reason),
        }
    }

    /// No more than `count` positional arguments and no other keyword are given.
    pub fn done(&self, count: usize) -> Res<()> {
        if let Some((name, _)) = self.kw.iter().next() {
            return fail_hint(
                self.span,
                format!("the argument '{name}' of {} is not supported", self.name),
                "leave it out",
            );
        }
        if self.pos.len() > count {
            return fail(self.span, format!("{} has too many arguments", self.name));
        }
        Ok(())
    }
}

/// One-argument functions by NumPy's and `math`'s names.
pub fn func_named(name: &str) -> Option<Func> {
    use Func::*;
    Some(match name {
        "sqrt" => Sqrt,
        "cbrt" => Cbrt,
        "exp" => Exp,
        "exp2" => Exp2,
        "expm1" => Expm1,
        "log" => Log,
        "log2" => Log2,
        "log10" => Log10,
        "log1p" => Log1p,
        "sin" => Sin,
        "cos" => Cos,
        "tan" => Tan,
        "arcsin" | "asin" => Asin,
        "arccos" | "acos" => Acos,
        "arctan" | "atan" => Atan,
        "sinh" => Sinh,
        "cosh" => Cosh,
        "tanh" => Tanh,
        "arcsinh" | "asinh" => Asinh,
        "arccosh" | "acosh" => Acosh,
        "arctanh" | "atanh" => Atanh,
        "floor" => Floor,
        "ceil" => Ceil,
        "trunc" => Trunc,
        "rint" => Rint,
        "sign" => Sign,
        "isnan" => IsNan,
        "isinf" => IsInf,
        "isfinite" => IsFinite,
        _ => return None,
    })
}

impl Importer<'_> {
    pub fn call(&mut self, c: &ast::ExprCall, hint: Option<String>, span: Span) -> Res<Value> {
        let func = self.eval(&c.func)?;
        if let Value::Path(p) = &func
            && p == "builtins.print"
        {
            return fail_hint(span, "print is not supported", "return the value");
        }
        let mut args = Args { pos: vec![], kw: BTreeMap::new(), name: String::new(), span };
        let user =
            |s: &Self, e: &ast::Expr| matches!(e, ast::Expr::Call(_)) && !s.module.functions.is_empty();
        let later_calls = c.arguments.args.iter().skip(1).any(|e| user(self, e));
        for e in &c.arguments.args {
            let value = self.eval(e)?;
            args.pos.push(if later_calls { self.hold(value, span_of(e))? } else { value });
        }
        for k in &c.arguments.keywords {
            let Some(name) = &k.arg else { return fail(span, "'**' in a call is not supported") };
            let value = self.eval(&k.value)?;
            args.kw.insert(name.to_string(), value);
        }
        self.hint = hint;
        match func {
            Value::User(name) => self.inline(&name, args),
            Value::Path(path) => {
                args.name = path.clone();
                self.call_path(&path, args)
            }
            Value::Method(object, name) => {
                args.name = name.clone();
                self.call_method(*object, &name, args)
            }
            other => fail(span, format!("{} is not a function", other.describe())),
        }
    }

    fn call_path(&mut self, path: &str, mut args: Args) -> Res<Value> {
        if let Some(name) = path.strip_prefix("builtins.") {
            return self.call_builtin(name, args);
        }
        if let Some(name) = path.strip_prefix("math.") {
            return self.call_math(name, args);
        }
        if let Some(name) = path.strip_prefix("numpy.") {
            if let Some(op) = name.strip_suffix(".outer").and_then(binary_named) {
                return self.outer(op, args);
            }
            return self.call_numpy(name, args);
        }
        args.pos.clear();
        let module = path.split('.').next().unwrap_or(path);
        fail_hint(
            args.span,
            format!("'{path}' is not supported"),
            format!("NumPy and math are known, {module} is not"),
        )
    }

    // ---- Python's own ------------------------------------------------------------------

    fn call_builtin(&mut self, name: &str, mut args: Args) -> Res<Value> {
        let span = args.span;
        match name {
            "abs" => {
                let v = args.need(0, "x")?;
                args.done(1)?;
                self.abs(&v, span)
            }
            "len" => {
                let v = args.need(0, "obj")?;
                args.done(1)?;
                match &v {
                    Value::Tuple(items) => Ok(Value::int(items.len() as i64)),
                    Value::Array(view) if view.rank() > 0 => Ok(Value::sym(view.shape[0].clone())),
                    _ => fail(span, format!("{} has no length", v.describe())),
                }
            }
            "min" | "max" => self.min_max(name, args),
            "float" => {
                let v = args.need(0, "x")?;
                args.done(1)?;
                self.python_scalar(&v, Kind::Float, span)
            }
            "bool" => {
                let v = args.need(0, "x")?;
                args.done(1)?;
                let test = self.test(&v, span)?;
                self.test_value(test, span)
            }
            "int" => {
                let v = args.need(0, "x")?;
                args.done(1)?;
                self.truncated(&v, span)
            }
            "sum" => fail_hint(span, "Python's sum is not supported", "use np.sum"),
            "range" => fail_hint(span, "range is supported in 'for' only", "use np.arange"),
            _ => fail_hint(span, format!("'{name}' is not supported"), "write a loop with range"),
        }
    }

    /// `float(x)`: Python's kind, the same value.
    fn python_scalar(&mut self, v: &Value, kind: Kind, span: Span) -> Res<Value> {
        let Some(from) = v.kind() else { return fail(span, format!("float of {}", v.describe())) };
        if matches!(v, Value::Array(a) if a.rank() > 0) || from.dtype().is_complex() {
            return fail(span, format!("float of {}", v.describe()));
        }
        if let Some(i) = v.as_const_int() {
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

    fn truncated(&mut self, v: &Value, span: Span) -> Res<Value> {
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

    fn min_max(&mut self, name: &str, mut args: Args) -> Res<Value> {
        let span = args.span;
        let items = match args.pos.len() {
            1 => match args.need(0, "iterable")? {
                Value::Tuple(items) => items,
                _ => return fail_hint(span, format!("{name} of one value"), format!("use np.{name}")),
            },
            _ => std::mem::take(&mut args.pos),
        };
        args.done(0)?;
        let mut items = items.into_iter();
        let Some(mut acc) = items.next() else { return fail(span, format!("{name} of nothing")) };
        let op = if name == "min" { BinOp::Min } else { BinOp::Max };
        for item in items {
            let (Some(a), Some(b)) = (acc.kind(), item.kind()) else {
                return fail(span, format!("{name} of {} and {}", acc.describe(), item.describe()));
            };
            if a != b || acc.shape().len() + item.shape().len() > 0 {
                let hint = format!("use np.{name}imum", name = name);
                return fail_hint(
                    span,
                    format!("{name} of {} and {}", acc.describe(), item.describe()),
                    hint,
                );
            }
            if matches!(a, Kind::Int | Kind::Bool) {
                acc = self.binary(op, &acc, &item, span)?;
                continue;
            }
            // Python keeps the first unless the other is strictly smaller, so NaN is kept as it stands.
            let t = a.dtype();
            let mut inputs = Inputs::default();
            let x = self.operand(&acc, t, &mut inputs, span)?;
            let y = self.operand(&item, t, &mut inputs, span)?;
            let cond =
                tasklet::Expr::bin(if name == "min" { BinOp::Lt } else { BinOp::Gt }, y.clone(), x.clone());
            let out = self.elementwise(name, t, vec![], &inputs, tasklet::Expr::select(cond, y, x), span);
            acc = Value::elem(a, out);
        }
        Ok(acc)
    }

    /// `math.f`: a Python float; raises where the result is not finite though the argument is.
    fn call_math(&mut self, name: &str, mut args: Args) -> Res<Value> {
        let span = args.span;
        let hint = "use NumPy's function";
        let Some(func) = func_named(name) else {
            return match name {
                "fabs" => {
                    let v = args.need(0, "x")?;
                    let v = self.python_scalar(&v, Kind::Float, span)?;
                    self.abs(&v, span)
                }
                "pow" | "atan2" | "hypot" | "fmod" | "copysign" if args.pos.len() == 2 && name != "pow" => {
                    let op = match name {
                        "atan2" => BinOp::Atan2,
                        "hypot" => BinOp::Hypot,
                        "copysign" => BinOp::CopySign,
                        _ => return fail_hint(span, "math.fmod is not supported", hint),
                    };
                    let (a, b) = (args.need(0, "x")?, args.need(1, "y")?);
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
        let v = args.need(0, "x")?;
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

    // ---- NumPy -------------------------------------------------------------------------

    fn call_numpy(&mut self, name: &str, mut args: Args) -> Res<Value> {
        let span = args.span;
        if let Some(op) = binary_named(name) {
            let out = args.take(2, "out");
            let (a, b) = (args.need(0, "x1")?, args.need(1, "x2")?);
            args.done(3)?;
            let value = self.ufunc2(op, &a, &b, span)?;
            return self.give_out(out, value, span);
        }
        if let Some(func) = func_named(name).filter(|_| !name.starts_with('a') || name.starts_with("arc")) {
            let out = args.take(1, "out");
            let a = args.need(0, "x")?;
            args.done(2)?;
            let value =
                if func == Func::Sign { self.sign_of(&a, span)? } else { self.call1(name, func, &a, span)? };
            return self.give_out(out, value, span);
        }
        if let Some(to) = DType::from_numpy(name).or(match name {
            "bool_" => Some(DType::Bool),
            "int_" | "intp" => Some(DType::I64),
            "double" => Some(DType::F64),
            "single" => Some(DType::F32),
            _ => None,
        }) {
            let a = args.need(0, "x")?;
            args.done(1)?;
            return self.convert(&a, to, span);
        }
        match name {
            "abs" | "absolute" | "fabs" => {
                let a = args.need(0, "x")?;
                args.done(1)?;
                let a = if name == "fabs" { self.as_float(&a, span)? } else { self.as_numpy(&a, span)? };
                let value = self.abs(&a, span)?;
                Ok(self.numpy_kind(value))
            }
            "negative" | "positive" | "square" | "reciprocal" | "logical_not" | "invert" | "bitwise_not" => {
                let a = args.need(0, "x")?;
                args.done(1)?;
                self.unary_named(name, &a, span)
            }
            "where" => {
                if args.pos.len() != 3 {
                    return fail_hint(
                        span,
                        "where with one argument is not supported",
                        "give the two values as well",
                    );
                }
                let (c, a, b) = (args.need(0, "c")?, args.need(1, "x")?, args.need(2, "y")?);
                args.done(3)?;
                self.select(&c, &a, &b, span)
            }
            "clip" => self.clip(args),
            "sum" | "prod" | "product" | "max" | "min" | "amax" | "amin" | "any" | "all" | "mean"
            | "average" => {
                let a = args.need(0, "a")?;
                args.pos.remove(0);
                self.reduction(name, &a, args)
            }
            "zeros" | "ones" | "empty" | "full" | "zeros_like" | "ones_like" | "empty_like" | "full_like"
            | "arange" | "eye" | "identity" => self.create(name, args),
            "copy" | "array" | "asarray" | "ascontiguousarray" => {
                let a = args.need(0, "a")?;
                let to = args.take(1, "dtype");
                args.done(2)?;
                let Value::Array(view) = &a else {
                    return fail_hint(
                        span,
                        format!("{name} of {}", a.describe()),
                        "make it by zeros and assign its elements",
                    );
                };
                let dtype = match to {
                    Some(t) => self.dtype_of(&t, span)?,
                    None => view.dtype,
                };
                if name.starts_with("as") && dtype == view.dtype {
                    return Ok(a.clone());
                }
                Ok(Value::Array(self.materialize(view, dtype, span)))
            }
            "dot" | "matmul" => {
                let out = args.take(2, "out");
                let (a, b) = (args.need(0, "a")?, args.need(1, "b")?);
                args.done(3)?;
                let value = self.product(&a, &b, name == "matmul", span)?;
                self.give_out(out, value, span)
            }
            "outer" => self.outer(Binary::Op(BinOp::Mul), args),
            "transpose" => {
                let a = args.need(0, "a")?;
                let axes = args.take(1, "axes");
                args.done(2)?;
                self.transpose(&a, axes, span)
            }
            "expand_dims" => {
                let (a, axis) = (args.need(0, "a")?, args.need(1, "axis")?);
                args.done(2)?;
                match (&a, axis.as_const_int()) {
                    (Value::Array(v), Some(i)) => {
                        let n = v.rank() as i64 + 1;
                        if !(-n..n).contains(&i) {
                            return fail(span, format!("axis {i} is out of bounds"));
                        }
                        Ok(Value::Array(v.insert_dim(i.rem_euclid(n) as usize)))
                    }
                    _ => fail(span, "expand_dims takes an array and a constant axis"),
                }
            }
            "reshape" | "ravel" | "flatten" => {
                fail_hint(span, format!("{name} is not supported"), "index the array by its own dimensions")
            }
            "shape" => {
                let a = args.need(0, "a")?;
                args.done(1)?;
                Ok(Value::Tuple(a.shape().into_iter().map(Value::sym).collect()))
            }
            _ => fail_hint(
                span,
                format!("np.{name} is not supported"),
                "write it with arithmetic, slices and loops",
            ),
        }
    }

    /// NumPy's result for a Python scalar is a NumPy scalar.
    fn as_numpy(&mut self, v: &Value, span: Span) -> Res<Value> {
        match v {
            Value::Num(Num { kind, src: Src::Sym(_) | Src::Cond(_) }) => self.convert(v, kind.dtype(), span),
            other => Ok(other.clone()),
        }
    }

    fn as_float(&mut self, v: &Value, span: Span) -> Res<Value> {
        let t = v.kind().map_or(DType::F64, Kind::dtype);
        match float_of(t) {
            Ok(f) if f == t => Ok(v.clone()),
            Ok(f) => self.convert(v, f, span),
            Err(e) => fail_hint(span, e, "convert by astype(np.float64) first"),
        }
    }

    fn numpy_kind(&self, v: Value) -> Value {
        match v.kind() {
            Some(k) => rekind(v, Kind::Np(k.dtype())),
            None => v,
        }
    }

    fn sign_of(&mut self, a: &Value, span: Span) -> Res<Value> {
        let t = a.kind().map_or(DType::F64, Kind::dtype);
        if !t.is_int() {
            return self.call1("sign", Func::Sign, a, span);
        }
        let one = crate::promote::convert(Scalar::i64(1), t).unwrap_or(Scalar::i64(1));
        let code = |x: tasklet::Expr| {
            let up = tasklet::Expr::bin(BinOp::Gt, x.clone(), zero(t));
            let down = tasklet::Expr::bin(BinOp::Lt, x, zero(t));
            let one = tasklet::Expr::Lit(one);
            let minus = tasklet::Expr::un(UnOp::Neg, one.clone());
            tasklet::Expr::select(up, one, tasklet::Expr::select(down, minus, zero(t)))
        };
        self.map1("sign", a, t, t, code, span)
    }

    fn unary_named(&mut self, name: &str, a: &Value, span: Span) -> Res<Value> {
        let a = &self.as_numpy(a, span)?;
        let Some(t) = a.kind().map(Kind::dtype) else {
            return fail(span, format!("{name} of {}", a.describe()));
        };
        let value = match name {
            "negative" => self.unary(UnOp::Neg, a, span)?,
            "invert" | "bitwise_not" => self.unary(UnOp::Invert, a, span)?,
            "square" if t == DType::Bool => return fail(span, "square of bool"),
            "square" => self.map1(name, a, t, t, |x| tasklet::Expr::bin(BinOp::Mul, x.clone(), x), span)?,
            "reciprocal" if t.is_float() => {
                let one = self.operand(&Value::int(1), t, &mut Inputs::default(), span)?;
                self.map1(name, a, t, t, |x| tasklet::Expr::bin(BinOp::Div, one, x), span)?
            }
            "reciprocal" => return fail_hint(span, "reciprocal of integers", "divide 1.0 by it"),
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

    fn clip(&mut self, mut args: Args) -> Res<Value> {
        let span = args.span;
        let a = args.need(0, "a")?;
        let low = args.take(1, "a_min").or_else(|| args.kw.remove("min"));
        let high = args.take(2, "a_max").or_else(|| args.kw.remove("max"));
        args.done(3)?;
        let bounds = [(low, BinOp::Max), (high, BinOp::Min)];
        let mut kinds: Vec<Kind> = a.kind().into_iter().collect();
        let mut shapes = vec![a.shape()];
        for v in bounds.iter().filter_map(|b| b.0.as_ref()).filter(|v| **v != Value::None) {
            match v.kind() {
                Some(k) => kinds.push(k),
                None => return fail(span, format!("clip to {}", v.describe())),
            }
            shapes.push(v.shape());
        }
        if a.kind().is_none() {
            return fail(span, format!("clip of {}", a.describe()));
        }
        let t = common(&kinds);
        let shape = self.broadcast(&shapes, span)?;
        let mut inputs = Inputs::default();
        let hint = self.hint.take();
        let mut code = self.operand(&a, t, &mut inputs, span)?;
        for (v, op) in bounds {
            if let Some(v) = v.filter(|v| *v != Value::None) {
                let bound = self.operand(&v, t, &mut inputs, span)?;
                code = crate::promote::code(Binary::Op(op), t, code, bound);
            }
        }
        self.hint = hint;
        let out = self.elementwise("clip", t, shape, &inputs, code, span);
        Ok(self.result(out))
    }

    /// `np.add.outer(a, b)`.
    fn outer(&mut self, op: Binary, mut args: Args) -> Res<Value> {
        let span = args.span;
        let (a, b) = (args.need(0, "A")?, args.need(1, "B")?);
        args.done(2)?;
        let (Value::Array(x), Value::Array(y)) = (&a, &b) else { return self.ufunc2(op, &a, &b, span) };
        if args.name == "numpy.outer" && (x.rank() != 1 || y.rank() != 1) {
            return fail_hint(span, "np.outer of arrays that are not vectors", "use np.multiply.outer");
        }
        let mut left = x.clone();
        for _ in 0..y.rank() {
            left = left.insert_dim(left.rank());
        }
        self.ufunc2(op, &Value::Array(left), &b, span)
    }

    fn give_out(&mut self, out: Option<Value>, value: Value, span: Span) -> Res<Value> {
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

    fn transpose(&mut self, a: &Value, axes: Option<Value>, span: Span) -> Res<Value> {
        let Value::Array(view) = a else { return fail(span, format!("transpose of {}", a.describe())) };
        let n = view.rank() as i64;
        let perm: Vec<usize> = match axes {
            None | Some(Value::None) => (0..view.rank()).rev().collect(),
            Some(Value::Tuple(items)) => {
                let at = |v: &Value| {
                    v.as_const_int().filter(|i| (-n..n).contains(i)).map(|i| i.rem_euclid(n) as usize)
                };
                items.iter().filter_map(at).collect()
            }
            Some(_) => vec![],
        };
        let mut sorted = perm.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..view.rank()) {
            return fail(span, "the axes of transpose are not a permutation of constants");
        }
        Ok(Value::Array(view.permute(&perm)))
    }

    /// `a @ b` and `np.dot`, ranks 1 and 2.
    pub fn product(&mut self, a: &Value, b: &Value, matmul: bool, span: Span) -> Res<Value> {
        let rank = |v: &Value| match v {
            Value::Array(view) => Some(view.rank()),
            Value::Num(_) => Some(0),
            _ => None,
        };
        let (x, y) = match (a, b, rank(a), rank(b)) {
            (_, _, Some(0), Some(_)) | (_, _, Some(_), Some(0)) if !matmul => {
                return self.ufunc2(Binary::Op(BinOp::Mul), a, b, span);
            }
            (Value::Array(x), Value::Array(y), Some(1 | 2), Some(1 | 2)) => (x, y),
            (_, _, Some(_), Some(_)) => {
                return fail_hint(
                    span,
                    "a product of these dimensions",
                    "one- and two-dimensional arrays are supported",
                );
            }
            _ => return fail(span, format!("a product of {} and {}", a.describe(), b.describe())),
        };
        let (k, l) = (x.shape[x.rank() - 1].clone(), y.shape[0].clone());
        match self.same(&k, &l)? {
            weft_ir::symbolic::Truth::Yes => {}
            weft_ir::symbolic::Truth::No => {
                let (p, q) = (self.show_shape(&x.shape), self.show_shape(&y.shape));
                return fail_hint(
                    span,
                    format!("shapes {p} and {q} do not fit a product"),
                    "the inner extents must be equal",
                );
            }
            weft_ir::symbolic::Truth::Unknown => {
                let cond = tasklet::Expr::bin(
                    BinOp::Eq,
                    tasklet::Expr::Sym(k.clone()),
                    tasklet::Expr::Sym(l.clone()),
                );
                self.check(cond, format!("the inner extents {k} and {l} of a product differ"), span);
            }
        }
        let t = x.dtype.promote(y.dtype);
        if t == DType::Bool {
            return fail_hint(span, "a product of bools", "convert by astype");
        }
        let hint = self.hint.take();
        let to = |s: &mut Self, v: &View| if v.dtype == t { v.clone() } else { s.materialize(v, t, span) };
        let (x, y) = (to(self, x), to(self, y));
        self.hint = hint;
        if k.is_one() || l.is_one() {
            return self.product_of_one(&x, &y, span);
        }
        let shape = x.shape[..x.rank() - 1].iter().chain(&y.shape[1..]).cloned().collect();
        let out = self.matmul(&x, &y, shape, span);
        Ok(self.result(out))
    }

    /// A product over one element: in a subset, an extent of 1 cannot be told from an index, so a
    /// library node would not know which dimensions it multiplies.
    fn product_of_one(&mut self, x: &View, y: &View, span: Span) -> Res<Value> {
        let value = |s: &Self, v: View| if v.rank() == 0 { s.result(v) } else { Value::Array(v) };
        let left = if x.rank() == 2 && y.rank() == 2 {
            let mut column = x.clone();
            column.shape[1] = Expr::one();
            column
        } else {
            x.fix_dim(x.rank() - 1, &Expr::zero())
        };
        let (left, right) = (value(self, left), value(self, y.fix_dim(0, &Expr::zero())));
        self.ufunc2(Binary::Op(BinOp::Mul), &left, &right, span)
    }

    fn call_method(&mut self, object: Value, name: &str, mut args: Args) -> Res<Value> {
        let span = args.span;
        let view = match &object {
            Value::Array(view) => view.clone(),
            Value::Num(Num { src: Src::Elem(view), kind: Kind::Np(_) }) => view.clone(),
            other => {
                return fail(span, format!("the method '{name}' of {} is not supported", other.describe()));
            }
        };
        match name {
            "sum" | "prod" | "max" | "min" | "any" | "all" | "mean" => self.reduction(name, &object, args),
            "copy" => {
                args.done(0)?;
                match object {
                    Value::Num(num) => self.snapshot(&num, span).map(Value::Num),
                    _ => Ok(Value::Array(self.materialize(&view, view.dtype, span))),
                }
            }
            "astype" => {
                let t = args.need(0, "dtype")?;
                args.done(1)?;
                let t = self.dtype_of(&t, span)?;
                self.convert(&object, t, span)
            }
            "dot" => {
                let b = args.need(0, "b")?;
                args.done(1)?;
                self.product(&object, &b, false, span)
            }
            "transpose" => {
                let axes = match args.pos.len() {
                    0 => args.take(0, "axes"),
                    1 => Some(args.need(0, "axes")?),
                    _ => Some(Value::Tuple(std::mem::take(&mut args.pos))),
                };
                self.transpose(&object, axes, span)
            }
            "fill" => {
                let v = args.need(0, "value")?;
                args.done(1)?;
                self.store(&view, &v, span)?;
                Ok(Value::None)
            }
            "clip" => {
                args.pos.insert(0, object);
                self.clip(args)
            }
            "item" if view.rank() == 0 && args.pos.is_empty() => match view.dtype {
                t if t.is_float() => self.python_scalar(&object, Kind::Float, span),
                t if t.is_int() => self.truncated(&object, span),
                _ => fail(span, "item of this type is not supported"),
            },
            "reshape" | "ravel" | "flatten" => {
                fail_hint(span, format!("{name} is not supported"), "index the array by its own dimensions")
            }
            _ => fail_hint(
                span,
                format!("the method '{name}' is not supported"),
                "use arithmetic, slices and loops",
            ),
        }
    }
}

/// NumPy's `same_kind` casting.
pub fn same_kind(from: DType, to: DType) -> bool {
    let rank = |t: DType| match t {
        DType::Bool => 0,
        t if t.is_unsigned() => 1,
        t if t.is_signed() => 2,
        t if t.is_float() => 3,
        _ => 4,
    };
    rank(from) <= rank(to)
}
