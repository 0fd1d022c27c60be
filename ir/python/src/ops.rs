//! Operators and NumPy's elementwise functions on values.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::Span;
use weft_ir::tasklet::{self, BinOp, Func, UnOp};

use crate::args::Args;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::emit::Inputs;
use crate::promote::{self, Binary, code, common, float_of, loop_of, strong, verb};
use crate::truth::Test;
use crate::value::{Kind, Num, Src, Value};

impl Importer<'_> {
    /// An operator of Python on any two values.
    pub fn binary(&mut self, op: BinOp, a: &Value, b: &Value, span: Span) -> Res<Value> {
        if let Some((a, b)) = self.settled(Binary::Op(op), a, b, span)? {
            return self.binary(op, &a, &b, span);
        }
        if let Some(value) = self.doubtful(op, a, b, span)? {
            return Ok(value);
        }
        if let (BinOp::Pow, Value::Array(base), Some(Kind::Int)) = (op, a, b.kind())
            && base.dtype == DType::Bool
        {
            match b.as_const_int() {
                // NumPy squares in the array's own type.
                Some(2) => return self.convert(a, DType::I8, span),
                Some(_) => {}
                None => {
                    return fail_hint(
                        span,
                        "a power of bool that is not a constant",
                        "convert by astype first",
                    );
                }
            }
        }
        match (a.kind(), b.kind()) {
            (Some(ka), Some(kb)) if strong(&[ka, kb]).is_none() => self.python_binary(op, a, b, span),
            (Some(_), Some(_)) => self.ufunc2(Binary::Op(op), a, b, span),
            _ => {
                let (a, b) = (a.describe(), b.describe());
                fail(span, format!("'{}' is not supported on {a} and {b}", verb(Binary::Op(op))))
            }
        }
    }

    /// A two-argument function of NumPy.
    pub fn ufunc2(&mut self, op: Binary, a: &Value, b: &Value, span: Span) -> Res<Value> {
        let shape = self.broadcast(&[a.shape(), b.shape()], span)?;
        let mut inputs = Inputs::default();
        let hint = self.hint.take();
        let (dtype, code) = self.ufunc2_code(op, a, b, &mut inputs, span)?;
        self.hint = hint;
        let out = self.elementwise(verb(op), dtype, shape, &inputs, code, span);
        let result = self.result(out);
        if self.may_turn(&[a, b], "") {
            self.note_turned(&result, &[a, b]);
        }
        Ok(result)
    }

    /// The type and the code of a two-argument function.
    pub fn ufunc2_code(
        &mut self,
        op: Binary,
        a: &Value,
        b: &Value,
        inputs: &mut Inputs,
        span: Span,
    ) -> Res<(DType, tasklet::Expr)> {
        if let Some((a, b)) = self.settled(op, a, b, span)? {
            return self.ufunc2_code(op, &a, &b, inputs, span);
        }
        let (Some(ka), Some(kb)) = (a.kind(), b.kind()) else {
            return fail(
                span,
                format!("'{}' is not supported on {} and {}", verb(op), a.describe(), b.describe()),
            );
        };
        self.ensure_one_type(&|a, b| loop_of(op, common(&[a, b])).ok().map(|l| l.0), a, b, span);
        let t = common(&[ka, kb]);
        let mixed = |x: DType, y: DType| x == DType::U64 && y.is_signed();
        let compares = matches!(op, Binary::Op(o) if o.is_comparison());
        if compares && (mixed(ka.dtype(), kb.dtype()) || mixed(kb.dtype(), ka.dtype())) && t == DType::F64 {
            return self.compare_signs(op, a, b, inputs, span);
        }
        let (dtype, out) = loop_of(op, t).map_err(|e| {
            // NumPy raises an error, too.
            let raises = e.contains("is not defined for");
            crate::Diagnostic { raises, ..crate::Diagnostic::new(span, e) }
        })?;
        if compares && let Some(result) = outside(op, dtype, a, b) {
            return Ok((out, tasklet::Expr::Lit(Scalar::Bool(result))));
        }
        if op == Binary::Op(BinOp::Pow) {
            return self.power_code(a, b, dtype, inputs, span);
        }
        let (x, y) = if matches!(op, Binary::Op(_)) {
            (self.operand(a, dtype, inputs, span)?, self.operand(b, dtype, inputs, span)?)
        } else {
            (self.truth_operand(a, inputs, span)?, self.truth_operand(b, inputs, span)?)
        };
        if let (Binary::Op(op), true, Value::Num(_), Value::Num(_)) = (op, dtype.is_complex(), a, b)
            && matches!(op, BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge)
        {
            return Ok((out, promote::ordered_scalars(op, x, y)));
        }
        Ok((out, code(op, dtype, x, y)))
    }

    /// A comparison of uint64 with signed integers, as of whole numbers.
    fn compare_signs(
        &mut self,
        op: Binary,
        a: &Value,
        b: &Value,
        inputs: &mut Inputs,
        span: Span,
    ) -> Res<(DType, tasklet::Expr)> {
        let signed_first = a.kind().is_some_and(|k| k.dtype().is_signed());
        let (signed, unsigned) = if signed_first { (a, b) } else { (b, a) };
        let s = self.operand(signed, DType::I64, inputs, span)?;
        let u = self.operand(unsigned, DType::U64, inputs, span)?;
        let negative = tasklet::Expr::bin(BinOp::Lt, s.clone(), zero(DType::I64));
        let s = tasklet::Expr::cast(DType::U64, s);
        let Binary::Op(op) = op else { return fail(span, "a comparison is none") };
        let less = matches!(op, BinOp::Lt | BinOp::Le);
        let more = matches!(op, BinOp::Gt | BinOp::Ge);
        let then = op == BinOp::Ne || if signed_first { less } else { more };
        let (x, y) = if signed_first { (s, u) } else { (u, s) };
        let lit = tasklet::Expr::Lit(Scalar::Bool(then));
        Ok((DType::Bool, tasklet::Expr::select(negative, lit, tasklet::Expr::bin(op, x, y))))
    }

    /// An operand as a bool: is it not zero?
    fn truth_operand(&mut self, v: &Value, inputs: &mut Inputs, span: Span) -> Res<tasklet::Expr> {
        let t = v.kind().map_or(DType::Bool, Kind::dtype);
        let e = self.operand(v, t, inputs, span)?;
        Ok(if t == DType::Bool { e } else { tasklet::Expr::bin(BinOp::Ne, e, zero(t)) })
    }

    /// `a ** b` in type `t`, with NumPy's shortcuts for literal exponents.
    fn power_code(
        &mut self,
        a: &Value,
        b: &Value,
        t: DType,
        inputs: &mut Inputs,
        span: Span,
    ) -> Res<(DType, tasklet::Expr)> {
        let exponent = match b {
            Value::Num(Num { src: Src::Lit(Scalar::F64(x)), .. }) => Some(*x),
            Value::Num(Num { src: Src::Lit(Scalar::F32(x)), .. }) => Some(f64::from(*x)),
            other => other.as_const_int().map(|i| i as f64),
        };
        if t.is_int() && !t.is_unsigned() {
            let reason = "integers to negative integer powers are not allowed";
            match exponent {
                Some(x) if x < 0.0 => return fail_hint(span, reason, "use a float base"),
                Some(_) => {}
                None if b.kind().is_some_and(|k| k.dtype().is_signed()) => {
                    self.check_not_negative(b, reason, span)?;
                }
                None => {}
            }
        }
        let x = self.operand(a, t, inputs, span)?;
        let value = match exponent {
            Some(2.0) => tasklet::Expr::bin(BinOp::Mul, x.clone(), x),
            Some(1.0) => x,
            Some(0.5) if t.is_float() => tasklet::Expr::call(Func::Sqrt, x),
            Some(-1.0) if t.is_float() => {
                let one = self.operand(&Value::float(1.0), t, inputs, span)?;
                tasklet::Expr::bin(BinOp::Div, one, x)
            }
            _ => {
                let y = self.operand(b, t, inputs, span)?;
                tasklet::Expr::bin(BinOp::Pow, x, y)
            }
        };
        Ok((t, value))
    }

    /// No element may be negative.
    fn check_not_negative(&mut self, v: &Value, message: &str, span: Span) -> Res<()> {
        let hint = self.hint.take();
        let good = self.binary(BinOp::Ge, v, &Value::int(0), span)?;
        let good = match good {
            Value::Array(_) => self.call_path("numpy.all", Args::new("np.all", vec![good], span))?,
            other => other,
        };
        self.hint = hint;
        match self.test(&good, span)? {
            Test::Known(true) => Ok(()),
            Test::Known(false) => fail(span, message),
            Test::Cond(c) => {
                self.check(c, message, span);
                Ok(())
            }
        }
    }

    /// A unary operator or one-argument function, elementwise.
    pub fn map1(
        &mut self,
        name: &str,
        a: &Value,
        from: DType,
        to: DType,
        f: impl FnOnce(tasklet::Expr) -> tasklet::Expr,
        span: Span,
    ) -> Res<Value> {
        let mut inputs = Inputs::default();
        let x = self.operand(a, from, &mut inputs, span)?;
        let out = self.elementwise(name, to, a.shape(), &inputs, f(x), span);
        let result = self.result(out);
        if self.may_turn(&[a], "") {
            self.note_turned(&result, &[a]);
        }
        Ok(result)
    }

    /// `-a`, `+a`, `~a`.
    pub fn unary(&mut self, op: UnOp, a: &Value, span: Span) -> Res<Value> {
        let Some(kind) = a.kind() else { return fail(span, format!("{} has no sign", a.describe())) };
        let t = kind.dtype();
        if op == UnOp::Neg {
            match a {
                Value::Num(Num { kind, src: Src::Lit(Scalar::F64(x)) }) => {
                    return Ok(Value::lit(*kind, Scalar::F64(-x)));
                }
                Value::Num(Num { kind, src: Src::Lit(Scalar::Complex(t, re, im)) }) => {
                    return Ok(Value::lit(*kind, Scalar::Complex(*t, -re, -im)));
                }
                _ => {}
            }
            if matches!(kind, Kind::Int | Kind::Bool) {
                let e = self.as_int(a, span)?;
                return self.int_value(-&e, span);
            }
            if t == DType::Bool {
                return fail_hint(span, "the minus sign is not defined for bool", "use '~' or logical_not");
            }
            let value = self.map1("negative", a, t, t, |x| tasklet::Expr::un(UnOp::Neg, x), span)?;
            return Ok(rekind(value, kind));
        }
        if matches!(kind, Kind::Int | Kind::Bool) {
            let e = self.as_int(a, span)?;
            return self.int_value(-&e - 1, span);
        }
        if t == DType::Bool {
            return self.map1("logical_not", a, t, t, |x| tasklet::Expr::un(UnOp::Not, x), span);
        }
        if !t.is_int() {
            return fail(span, format!("'~' is not defined for {}", t.numpy()));
        }
        self.map1("invert", a, t, t, |x| tasklet::Expr::un(UnOp::Invert, x), span)
    }

    /// A mathematical function by its tasklet name.
    pub fn call1(&mut self, name: &str, func: Func, a: &Value, span: Span) -> Res<Value> {
        let Some(kind) = a.kind() else {
            return fail(span, format!("{name} of {}", a.describe()));
        };
        let t = kind.dtype();
        if kind == Kind::Number && !matches!(func, Func::Floor | Func::Ceil | Func::Trunc | Func::Sign) {
            return self.call1(name, func, &self.settled_for(a, t), span);
        }
        let float = match func {
            Func::Exp2 if t.is_complex() => {
                let log = self.operand(
                    &Value::float(std::f64::consts::LN_2),
                    t.part(),
                    &mut Inputs::default(),
                    span,
                )?;
                let scaled = |f, x: &tasklet::Expr| {
                    tasklet::Expr::bin(BinOp::Mul, tasklet::Expr::call(f, x.clone()), log.clone())
                };
                let power = |x: tasklet::Expr| {
                    let power =
                        tasklet::Expr::bin(BinOp::Complex, scaled(Func::Real, &x), scaled(Func::Imag, &x));
                    tasklet::Expr::call(Func::Exp, power)
                };
                return self.map1(name, a, t, t, power, span);
            }
            Func::IsNan | Func::IsInf | Func::IsFinite if !t.is_float() && !t.is_complex() => DType::F64,
            Func::Floor | Func::Ceil | Func::Trunc if t.is_int() || t == DType::Bool => {
                return self.map1(name, a, t, t, |x| x, span);
            }
            Func::Sign if t.is_int() || t == DType::Bool => {
                let hint = "integers need no rounding; convert by astype where a float is wanted";
                return fail_hint(span, format!("{name} of {}", kind.describe()), hint);
            }
            _ => float_of(t),
        };
        let real_only = matches!(
            func,
            Func::Floor | Func::Ceil | Func::Trunc | Func::Rint | Func::Sign | Func::Cbrt | Func::Exp2
        );
        if float.is_complex() && func == Func::Rint {
            let rint = |x: tasklet::Expr| {
                let part = |f| tasklet::Expr::call(Func::Rint, tasklet::Expr::call(f, x.clone()));
                tasklet::Expr::bin(BinOp::Complex, part(Func::Real), part(Func::Imag))
            };
            return self.map1(name, a, float, float, rint, span);
        }
        if float.is_complex() && real_only {
            return fail_hint(span, format!("{name} of complex numbers"), "take the real or imaginary part");
        }
        let to = if matches!(func, Func::IsNan | Func::IsInf | Func::IsFinite) { DType::Bool } else { float };
        self.map1(name, a, float, to, |x| tasklet::Expr::call(func, x), span)
    }

    /// `abs`, for all kinds.
    pub fn abs(&mut self, a: &Value, span: Span) -> Res<Value> {
        let Some(kind) = a.kind() else { return fail(span, format!("abs of {}", a.describe())) };
        if matches!(kind, Kind::Int | Kind::Bool) {
            let e = self.as_int(a, span)?;
            return self.int_value(e.clone().max(-&e), span);
        }
        let t = kind.dtype();
        if t.is_complex() {
            let value = self.map1("abs", a, t, t.part(), |x| tasklet::Expr::un(UnOp::Abs, x), span)?;
            return Ok(if kind == Kind::Complex { rekind(value, Kind::Float) } else { value });
        }
        if t == DType::Bool || t.is_unsigned() {
            return self.map1("abs", a, t, t, |x| x, span);
        }
        let value = self.map1("abs", a, t, t, |x| tasklet::Expr::un(UnOp::Abs, x), span)?;
        Ok(rekind(value, kind))
    }

    /// `np.where` with three arguments.
    pub fn select(&mut self, c: &Value, a: &Value, b: &Value, span: Span) -> Res<Value> {
        let (Some(_), Some(ka), Some(kb)) = (c.kind(), a.kind(), b.kind()) else {
            return fail(span, "where takes numbers and arrays");
        };
        self.ensure_one_type(&|a, b| Some(common(&[a, b])), a, b, span);
        let t = common(&[ka, kb]);
        let floats =
            [ka, kb].iter().any(|k| *k != Kind::Number && (k.dtype().is_float() || k.dtype().is_complex()));
        let (a, b) = if floats { (&self.settled_for(a, t), &self.settled_for(b, t)) } else { (a, b) };
        let shape = self.broadcast(&[c.shape(), a.shape(), b.shape()], span)?;
        let mut inputs = Inputs::default();
        let hint = self.hint.take();
        let cond = self.truth_operand(c, &mut inputs, span)?;
        let (x, y) =
            (self.wrapped_operand(a, t, &mut inputs, span)?, self.wrapped_operand(b, t, &mut inputs, span)?);
        self.hint = hint;
        let out = self.elementwise("where", t, shape, &inputs, tasklet::Expr::select(cond, x, y), span);
        Ok(self.result(out))
    }

    /// An operand of `where`: of a Python int that the type does not have the low bits count.
    fn wrapped_operand(
        &mut self,
        v: &Value,
        t: DType,
        inputs: &mut Inputs,
        span: Span,
    ) -> Res<tasklet::Expr> {
        match v {
            Value::Num(Num { kind: Kind::Int, src: Src::Sym(e) }) if t.is_int() => {
                Ok(tasklet::Expr::cast(t, tasklet::Expr::Sym(e.clone())))
            }
            other => self.operand(other, t, inputs, span),
        }
    }

    /// The value in another type (`astype`, `np.float32(x)`); a new array.
    pub fn convert(&mut self, a: &Value, to: DType, span: Span) -> Res<Value> {
        let a = &self.settled_for(a, to);
        let Some(kind) = a.kind() else { return fail(span, format!("{} has no element type", a.describe())) };
        let from = kind.dtype();
        if from.is_complex() && !to.is_complex() {
            if kind.is_python() {
                return fail(span, "a complex value does not convert to a real one");
            }
            // As NumPy does with a warning: the imaginary part goes.
            let part = |x: tasklet::Expr| match to {
                DType::Bool => tasklet::Expr::bin(BinOp::Ne, x, zero(from)),
                _ => {
                    let float = if from == DType::C64 { DType::F32 } else { DType::F64 };
                    let real = tasklet::Expr::call(Func::Real, x);
                    if to == float { real } else { tasklet::Expr::cast(to, real) }
                }
            };
            return self.map1("cast", a, from, to, part, span);
        }
        if let Value::Num(Num { src: Src::Lit(value), .. }) = a
            && let Some(value) = promote::convert(*value, to)
        {
            return Ok(Value::lit(Kind::Np(to), value));
        }
        if let Value::Num(Num { src: Src::Sym(e), .. }) = a
            && let Some(value) = e.as_int().and_then(|i| promote::convert(Scalar::i64(i), to))
        {
            return Ok(Value::lit(Kind::Np(to), value));
        }
        let cast = |x: tasklet::Expr| if from == to { x } else { tasklet::Expr::cast(to, x) };
        match a {
            Value::Array(v) if v.rank() > 0 && from == to => Ok(Value::Array(self.materialize(v, to, span))),
            _ => self.map1("cast", a, from, to, cast, span),
        }
    }

    // ---- Python's own numbers ------------------------------------------------------------

    fn python_binary(&mut self, op: BinOp, a: &Value, b: &Value, span: Span) -> Res<Value> {
        let (ka, kb) = (a.kind().unwrap_or(Kind::Int), b.kind().unwrap_or(Kind::Int));
        let kind = ka.max(kb).max(Kind::Int);
        if ka == Kind::Bool && kb == Kind::Bool && matches!(op, BinOp::BitAnd | BinOp::BitOr | BinOp::BitXor)
        {
            return self.python_ufunc(op, a, b, Kind::Bool, span);
        }
        if kind == Kind::Int {
            let (x, y) = (self.as_int(a, span)?, self.as_int(b, span)?);
            return self.int_binary(op, &x, &y, span);
        }
        if let (Some(x), Some(y)) = (as_f64(a), as_f64(b))
            && let Some(value) = fold(op, x, y)
        {
            return Ok(value);
        }
        let divides = matches!(op, BinOp::Div | BinOp::FloorDiv | BinOp::Mod);
        let constant = as_f64(b).or(b.as_const_int().map(|i| i as f64));
        if divides && constant.is_none_or(|y| y == 0.0) {
            self.check_nonzero(b, kind, "float division by zero", span)?;
        }
        let harmless = constant.is_some_and(|y| y.fract() == 0.0 && y >= 0.0);
        if op == BinOp::Pow && !harmless {
            if kind == Kind::Complex {
                return fail_hint(span, "a Python complex number to this power", "use np.power");
            }
            return self.float_power(a, b, span);
        }
        self.python_ufunc(op, a, b, kind, span)
    }

    /// `a ** b` of Python floats: where the result is no float, the run ends.
    pub fn float_power(&mut self, a: &Value, b: &Value, span: Span) -> Res<Value> {
        let (a, b) = (self.hold(a.clone(), span)?, self.hold(b.clone(), span)?);
        let power = self.python_ufunc(BinOp::Pow, &a, &b, Kind::Float, span)?;
        let mut term = |v: &Value| -> Res<tasklet::Expr> {
            Ok(match v {
                Value::Num(Num { src: Src::Elem(view), .. }) => {
                    let var = self.scalar_var(view, span)?;
                    if view.dtype == DType::F64 { var } else { tasklet::Expr::cast(DType::F64, var) }
                }
                other => self.operand(other, DType::F64, &mut Inputs::default(), span)?,
            })
        };
        let (x, y, z) = (term(&a)?, term(&b)?, term(&power)?);
        let bin = |op, a: &tasklet::Expr, b: &tasklet::Expr| tasklet::Expr::bin(op, a.clone(), b.clone());
        let call = |f, a: &tasklet::Expr| tasklet::Expr::call(f, a.clone());
        let either = |a, b| tasklet::Expr::bin(BinOp::Or, a, b);
        let nil = zero(DType::F64);
        let whole = bin(BinOp::Eq, &y, &call(Func::Floor, &y));
        let real = either(tasklet::Expr::un(UnOp::Not, bin(BinOp::Lt, &x, &nil)), whole);
        self.check(
            real,
            "a negative float to a power that is no integer is complex, which is not supported here",
            span,
        );
        let defined =
            either(bin(BinOp::Ne, &x, &nil), tasklet::Expr::un(UnOp::Not, bin(BinOp::Lt, &y, &nil)));
        self.check(defined, "zero to a negative power", span);
        let finite = |e: &tasklet::Expr| call(Func::IsFinite, e);
        let unbounded = tasklet::Expr::un(UnOp::Not, tasklet::Expr::bin(BinOp::And, finite(&x), finite(&y)));
        self.check(either(finite(&z), unbounded), "the result of the power is too large", span);
        Ok(power)
    }

    pub fn python_ufunc(&mut self, op: BinOp, a: &Value, b: &Value, kind: Kind, span: Span) -> Res<Value> {
        let t = kind.dtype();
        let mut inputs = Inputs::default();
        let (x, y) = (self.operand(a, t, &mut inputs, span)?, self.operand(b, t, &mut inputs, span)?);
        let (_, out) = loop_of(Binary::Op(op), t).map_err(|e| crate::Diagnostic::new(span, e))?;
        let square = op == BinOp::Pow && b.as_const_int() == Some(2);
        let value =
            if square { tasklet::Expr::bin(BinOp::Mul, x.clone(), x) } else { code(Binary::Op(op), t, x, y) };
        let view = self.elementwise(verb(Binary::Op(op)), out, vec![], &inputs, value, span);
        let kind = if out == DType::Bool { Kind::Bool } else { kind };
        Ok(Value::elem(kind, view))
    }

    fn check_nonzero(&mut self, v: &Value, kind: Kind, message: &str, span: Span) -> Res<()> {
        let t = kind.dtype();
        let e = match v {
            Value::Num(Num { src: Src::Elem(view), .. }) => {
                let var = self.scalar_var(&view.clone(), span)?;
                if view.dtype == t { var } else { tasklet::Expr::cast(t, var) }
            }
            other => self.operand(other, t, &mut Inputs::default(), span)?,
        };
        self.check(tasklet::Expr::bin(BinOp::Ne, e, zero(t)), message, span);
        Ok(())
    }
}

/// What a comparison of integers of type `t` gives where one side is a Python int that the type does not have.
fn outside(op: Binary, t: DType, a: &Value, b: &Value) -> Option<bool> {
    let (low, high) = promote::int_range(t)?;
    let far = |v: &Value| match v {
        Value::Num(Num { kind: Kind::Int, .. }) => v.as_const_int().map(i128::from),
        _ => None,
    };
    let side = |i: i128| if i < low { Some(-1) } else { (i > high).then_some(1) };
    // The sign of a - b.
    let sign = match (far(a).and_then(side), far(b).and_then(side)) {
        (Some(sign), None) => sign,
        (None, Some(sign)) => -sign,
        _ => return None,
    };
    let Binary::Op(op) = op else { return None };
    Some(match op {
        BinOp::Lt | BinOp::Le => sign < 0,
        BinOp::Gt | BinOp::Ge => sign > 0,
        BinOp::Ne => true,
        _ => false,
    })
}

/// A result that keeps being Python's.
pub fn rekind(value: Value, kind: Kind) -> Value {
    match value {
        Value::Num(num) => Value::Num(Num { kind, ..num }),
        other => other,
    }
}

pub fn zero(t: DType) -> tasklet::Expr {
    tasklet::Expr::Lit(promote::convert(Scalar::Bool(false), t).unwrap_or(Scalar::F64(0.0)))
}

/// A Python float or int literal as a float.
pub fn as_f64(v: &Value) -> Option<f64> {
    match v {
        Value::Num(Num { src: Src::Lit(Scalar::F64(x)), .. }) => Some(*x),
        other => other.as_const_int().filter(|i| i.unsigned_abs() < 1 << 53).map(|i| i as f64),
    }
}

/// Python's arithmetic on float literals.
fn fold(op: BinOp, x: f64, y: f64) -> Option<Value> {
    Some(match op {
        BinOp::Add => Value::float(x + y),
        BinOp::Sub => Value::float(x - y),
        BinOp::Mul => Value::float(x * y),
        BinOp::Div if y != 0.0 => Value::float(x / y),
        BinOp::Pow if y == 2.0 && (x * x).is_finite() => Value::float(x * x),
        BinOp::Lt => Value::bool(x < y),
        BinOp::Le => Value::bool(x <= y),
        BinOp::Gt => Value::bool(x > y),
        BinOp::Ge => Value::bool(x >= y),
        BinOp::Eq => Value::bool(x == y),
        BinOp::Ne => Value::bool(x != y),
        _ => return None,
    })
}
