//! Elementwise functions of NumPy that are no ufuncs.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::Span;
use weft_ir::tasklet::{self, BinOp, Func, UnOp};

use super::{Function, PRELUDE_ID};
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail};
use crate::emit::Inputs;
use crate::ops::{rekind, zero};
use crate::promote::{Binary, common, float_of};
use crate::value::{Kind, Num, Src, Value};

pub const FUNCTIONS: &[Function] = &[
    Function { name: "numpy.real", parameters: "val", run: |s, b| part(s, b, "real"), limits: "" },
    Function { name: "numpy.imag", parameters: "val", run: |s, b| part(s, b, "imag"), limits: "" },
    Function { name: "numpy.where", parameters: "condition, x=None, y=None", run: select, limits: "" },
    Function {
        name: "numpy.clip",
        parameters: "a, a_min=None, a_max=None, out=None, *, min=None, max=None",
        run: clip,
        limits: "",
    },
];

fn part(s: &mut Importer, b: &mut Bound, name: &str) -> Res<Value> {
    let v = b.get("val");
    let v = s.array_like(v, b.span)?;
    s.complex_part(&v, name, b.span)
}

fn select(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (c, x, y) = (b.get("condition"), b.given("x"), b.given("y"));
    let (Some(x), Some(y)) = (x, y) else {
        return s.call_path("numpy.nonzero", Args::new("nonzero", vec![c], b.span));
    };
    let hint = s.hint.take();
    let (c, x, y) = (s.array_like(c, b.span)?, s.array_like(x, b.span)?, s.array_like(y, b.span)?);
    s.hint = hint;
    s.select(&c, &x, &y, b.span)
}

fn clip(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let a = b.get("a");
    let a = s.array_like(a, span)?;
    let low = b.given("a_min").or(b.given("min"));
    let high = b.given("a_max").or(b.given("max"));
    let bounds = [(low, BinOp::Max), (high, BinOp::Min)];
    let mut kinds: Vec<Kind> = a.kind().into_iter().collect();
    let mut shapes = vec![a.shape()];
    for v in bounds.iter().filter_map(|b| b.0.as_ref()) {
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
    let shape = s.broadcast(&shapes, span)?;
    let mut inputs = Inputs::default();
    let hint = s.hint.take();
    let mut code = s.operand(&a, t, &mut inputs, span)?;
    for (v, op) in bounds {
        if let Some(v) = v {
            let bound = s.operand(&v, t, &mut inputs, span)?;
            code = crate::promote::code(Binary::Op(op), t, code, bound);
        }
    }
    s.hint = hint;
    let out = s.elementwise("clip", t, shape, &inputs, code, span);
    let value = s.result(out);
    s.give_out(b.given("out"), value, span)
}

impl Importer<'_> {
    /// NumPy's result for a Python scalar is a NumPy scalar.
    pub fn as_numpy(&mut self, v: &Value, span: Span) -> Res<Value> {
        match v {
            Value::Num(Num { kind, src: Src::Sym(_) | Src::Cond(_) }) => self.convert(v, kind.dtype(), span),
            other => Ok(other.clone()),
        }
    }

    pub fn as_float(&mut self, v: &Value, span: Span) -> Res<Value> {
        let t = v.kind().map_or(DType::F64, Kind::dtype);
        if float_of(t) == t { Ok(v.clone()) } else { self.convert(v, float_of(t), span) }
    }

    pub fn numpy_kind(&self, v: Value) -> Value {
        match v.kind() {
            Some(k) => rekind(v, Kind::Np(k.dtype())),
            None => v,
        }
    }

    pub fn sign_of(&mut self, a: &Value, span: Span) -> Res<Value> {
        let t = a.kind().map_or(DType::F64, Kind::dtype);
        if t.is_complex() {
            return self.inline(PRELUDE_ID, "complex_sign", Args::new("sign", vec![a.clone()], span));
        }
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
}
