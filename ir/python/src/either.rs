//! Numbers of which data decide the kind: what `max` and `min` give of several kinds.

use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp};

use crate::context::{Importer, Res, fail_hint};
use crate::diagnostic::Diagnostic;
use crate::ops::rekind;
use crate::promote::Binary;
use crate::value::{Kind, Num, Src, Value};

const HINT: &str = "make it a float: write 0.0 for 0, or float(...)";

impl Importer<'_> {
    /// The kind that stands for two kinds of which data pick one; `None` where nothing does.
    pub fn either(&mut self, a: Kind, b: Kind, span: Span) -> Option<Kind> {
        let whole = |k| matches!(k, Kind::Int | Kind::Np(DType::I64));
        let real = |k| matches!(k, Kind::Int | Kind::Number | Kind::Float | Kind::Np(DType::F64));
        if a == b {
            return Some(a);
        }
        if !(whole(a) && whole(b) || real(a) && real(b)) {
            return None;
        }
        if !a.is_python() || !b.is_python() {
            self.loose = self.loose.or(Some((span, false)));
            if whole(a) && whole(b) {
                self.loose = Some((span, true));
            }
        }
        Some(match (a, b) {
            _ if whole(a) && whole(b) => Kind::Np(DType::I64),
            _ if matches!(a, Kind::Int | Kind::Number) || matches!(b, Kind::Int | Kind::Number) => {
                Kind::Number
            }
            _ => Kind::Np(DType::F64),
        })
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
    pub fn settled(&self, op: Binary, a: &Value, b: &Value, span: Span) -> Res<Option<(Value, Value)>> {
        let (Some(x), Some(y)) = (a.kind(), b.kind()) else { return Ok(None) };
        if x != Kind::Number && y != Kind::Number {
            return Ok(None);
        }
        let float = |k: Kind| k == Kind::Float || k == Kind::Complex || !k.is_python() && is_inexact(k);
        let always = match op {
            Binary::Op(op) => op.is_comparison() || op == BinOp::Div,
            _ => true,
        };
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

    /// A number that data decide to be Python's or NumPy's must not meet arrays that tell them apart.
    pub fn check_loose(&mut self) {
        let Some((span, whole)) = self.loose else { return };
        let narrow = |t: DType| match t {
            DType::F32 | DType::C64 => true,
            DType::F64 | DType::C128 | DType::I64 | DType::Bool => false,
            _ => whole,
        };
        if let Some((name, data)) = self.sdfg.data.iter().find(|d| narrow(d.1.dtype)) {
            let t = data.dtype.numpy();
            let reason = format!(
                "data decide whether this is a Python number or one of NumPy; with '{name}', of {t}, that matters"
            );
            self.diags.push(Diagnostic::new(span, reason).hint("use np.maximum or np.minimum"));
        }
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
