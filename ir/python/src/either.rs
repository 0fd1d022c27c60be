//! Numbers of which data decide the kind: what `max` and `min` give of several kinds.

use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp};

use crate::context::{Importer, Res, fail_hint};
use crate::ops::rekind;
use crate::promote::Binary;
use crate::value::{Kind, Num, Src, Value};

const HINT: &str = "make it a float: write 0.0 for 0, or float(...)";

impl Importer<'_> {
    /// The kind that stands for two kinds of which data pick one, and the other one; `None` where nothing does.
    pub fn either(&self, a: Kind, b: Kind) -> Option<(Kind, Option<Kind>)> {
        let number = |k| matches!(k, Kind::Int | Kind::Number | Kind::Float);
        let real = |k: Kind| number(k) || matches!(k, Kind::Np(t) if t.is_float() || t.is_int());
        if a == b {
            return Some((a, None));
        }
        if number(a) && number(b) {
            return Some((Kind::Number, None));
        }
        if !real(a) || !real(b) {
            return None;
        }
        match (a, b) {
            (Kind::Np(x), Kind::Number) if x.is_float() => Some((a, Some(b))),
            (Kind::Number, Kind::Np(y)) if y.is_float() => Some((b, Some(a))),
            (Kind::Np(x), Kind::Np(y)) => {
                let t = x.promote(y);
                [(a, b), (b, a)].into_iter().find(|k| k.0.dtype() == t).map(|(k, other)| (k, Some(other)))
            }
            _ => crate::doubt::stands_for(a, b).map(|(k, other)| (k, Some(other))),
        }
    }

    /// What a number is that `return` gives: which of the two is seen from the sample, and checked in the run.
    pub fn decided(&mut self, v: &Value, span: Span) -> Res<Value> {
        let Value::Num(Num { kind: Kind::Number, src: Src::Elem(view) }) = v else { return Ok(v.clone()) };
        let Some((flag, float)) = self.numbers.get(&view.base).copied() else { return undecided(span) };
        let is_float = tasklet::Expr::Var(flag);
        let message = "data decide whether this is an int or a float, and that this run has the other one is not supported here";
        if float {
            self.check(is_float, message, span);
            return Ok(rekind(v.clone(), Kind::Float));
        }
        self.check(tasklet::Expr::un(tasklet::UnOp::Not, is_float), message, span);
        let whole = self.map1(
            "cast",
            &rekind(v.clone(), Kind::Float),
            DType::F64,
            DType::I64,
            |x| tasklet::Expr::cast(DType::I64, x),
            span,
        )?;
        Ok(rekind(whole, Kind::Int))
    }

    fn is_decided(&self, v: &Value) -> bool {
        match v {
            Value::Num(Num { kind: Kind::Number, src: Src::Elem(view) }) => {
                self.numbers.contains_key(&view.base)
            }
            _ => true,
        }
    }

    /// A scalar on the sample.
    pub fn scalar_on_sample(&self, v: &Value) -> Option<f64> {
        match v {
            Value::Num(Num { src: Src::Sym(e), .. }) => self.on_sample(e).map(|i| i as f64),
            Value::Num(Num { src: Src::Elem(view), .. }) => self.floats.get(&view.base).copied(),
            other => crate::ops::as_f64(other),
        }
    }

    /// Of a Python int the float that it is kept as; it must be exact.
    pub fn as_number(&mut self, v: &Value, span: Span) -> Res<Value> {
        const EXACT: i64 = 1 << 53;
        match v {
            Value::Num(Num { kind: Kind::Number, .. }) => Ok(rekind(v.clone(), Kind::Float)),
            Value::Num(Num { kind: Kind::Int, src: Src::Sym(e) }) => {
                for side in [&Expr::int(EXACT) - e, e + EXACT] {
                    if self.nonneg_everywhere(&side, span)? != Truth::Yes {
                        let zero = tasklet::Expr::Sym(Expr::zero());
                        let cond = tasklet::Expr::bin(BinOp::Ge, tasklet::Expr::Sym(side), zero);
                        self.check(cond, "the integer is too large to be compared with a float", span);
                    }
                }
                Ok(v.clone())
            }
            other => Ok(other.clone()),
        }
    }

    /// Operands of an operation that gives the same whether a number is an int or a float.
    pub fn settled(&mut self, op: Binary, a: &Value, b: &Value, span: Span) -> Res<Option<(Value, Value)>> {
        let (Some(x), Some(y)) = (a.kind(), b.kind()) else { return Ok(None) };
        if x != Kind::Number && y != Kind::Number {
            return Ok(None);
        }
        let float = |k: Kind| k == Kind::Float || k == Kind::Complex || !k.is_python() && is_inexact(k);
        let always = match op {
            Binary::Op(op) => op.is_comparison() || op == BinOp::Div,
            _ => true,
        };
        if !always && !float(x) && !float(y) && self.is_decided(a) && self.is_decided(b) {
            return Ok(Some((self.decided(a, span)?, self.decided(b, span)?)));
        }
        if !always && !float(x) && !float(y) {
            let reason = format!("the kind of the result: {} and {}", x.describe(), y.describe());
            return fail_hint(span, reason, HINT);
        }
        Ok(Some((as_float(a), as_float(b))))
    }

    /// A value that is stored where only floats are: what it was before makes no difference.
    pub fn settled_for(&self, v: &Value, to: DType) -> Value {
        if to.is_float() || to.is_complex() { as_float(v) } else { v.clone() }
    }
}

fn is_inexact(k: Kind) -> bool {
    k.dtype().is_float() || k.dtype().is_complex()
}

fn as_float(v: &Value) -> Value {
    if v.kind() == Some(Kind::Number) { rekind(v.clone(), Kind::Float) } else { v.clone() }
}

/// The refusal of a number whose kind matters.
pub fn undecided<T>(span: Span) -> Res<T> {
    fail_hint(span, "data decide whether this is an int or a float, and it matters here", HINT)
}
