//! `np.linspace`.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;
use weft_ir::tasklet::{self, BinOp, Func};

use super::Function;
use super::PRELUDE_ID;
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail};
use crate::emit::{Inputs, cast};
use crate::ops::zero;
use crate::promote::{Binary, common};
use crate::value::{Kind, Num, Src, Value};

pub const FUNCTIONS: &[Function] = &[Function::new(
    "numpy.linspace",
    "start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0",
    linspace,
)];

fn linspace(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let (start, stop, num) = (b.get("start"), b.get("stop"), b.get("num"));
    let (start, stop) = (s.array_like(start, span)?, s.array_like(stop, span)?);
    let (end, step) = (b.flag("endpoint")?, b.flag("retstep")?);
    let dtype = match b.given("dtype") {
        Some(t) => Some(s.dtype_of(&t, span)?),
        None => None,
    };
    if !start.shape().is_empty() || !stop.shape().is_empty() {
        let t = dtype.map_or(Value::None, |t| Value::Path(format!("numpy.{}", t.numpy())));
        let flags = [Value::bool(end), Value::bool(step)];
        let mut args = vec![start, stop, num];
        args.extend(flags);
        args.extend([t, b.get("axis")]);
        return s.inline(PRELUDE_ID, "linspace_of_arrays", Args::new("np.linspace", args, span));
    }
    let n = s.shape_of(&num, span)?.remove(0);
    s.hint = hint;
    s.spaced([&start, &stop], &n, end, step, dtype, span)
}

/// A number that is known, as a float.
fn known(v: &Value) -> Option<f64> {
    match v {
        Value::Num(Num { src: Src::Lit(Scalar::F64(x)), .. }) => Some(*x),
        other => other.as_const_int().map(|i| i as f64),
    }
}

impl Importer<'_> {
    /// Numbers from one scalar to another: `i * step + start`, and the last exactly.
    fn spaced(
        &mut self,
        [start, stop]: [&Value; 2],
        n: &Expr,
        endpoint: bool,
        with_step: bool,
        dtype: Option<DType>,
        span: Span,
    ) -> Res<Value> {
        let hint = self.hint.take();
        let (Some(a), Some(z)) = (start.kind(), stop.kind()) else {
            return fail(span, "np.linspace takes numbers");
        };
        let t = common(&[a, z, Kind::Float]);
        let real = match t {
            DType::C64 => DType::F32,
            DType::C128 => DType::F64,
            t => t,
        };
        let intervals = if endpoint { n - 1 } else { n.clone() };
        let at_least_one = Expr::max(&intervals, &Expr::one());
        let divisor = if self.facts().nonneg(&(&intervals - 1)).is_yes() { intervals } else { at_least_one };
        let (delta, step) = match (known(start), known(stop), divisor.as_int()) {
            (Some(x), Some(y), Some(d)) if t == DType::F64 => {
                let lit = |v: f64| Value::lit(Kind::Np(t), Scalar::F64(v));
                (lit(y - x), lit((y - x) / d as f64))
            }
            _ => {
                let (x, y) = (self.convert(start, t, span)?, self.convert(stop, t, span)?);
                let delta = self.ufunc2(Binary::Op(BinOp::Sub), &y, &x, span)?;
                let by = self.convert(&Value::sym(divisor.clone()), real, span)?;
                let step = self.ufunc2(Binary::Op(BinOp::Div), &delta, &by, span)?;
                (delta, step)
            }
        };
        let target = dtype.unwrap_or(t);
        if t.is_complex() && !target.is_complex() {
            return fail(span, "a complex value does not convert to a real one");
        }
        let mut inputs = Inputs::default();
        let first = self.operand(start, t, &mut inputs, span)?;
        let ends_exactly = endpoint && n.as_int() != Some(1);
        let last = match ends_exactly {
            true => Some(self.operand(stop, t, &mut inputs, span)?),
            false => None,
        };
        let by = self.operand(&step, t, &mut inputs, span)?;
        // Where the step underflows, NumPy divides first.
        let careful = match &step {
            Value::Num(Num { src: Src::Lit(Scalar::F64(x)), .. }) => *x == 0.0,
            _ => true,
        };
        let whole = self.operand(&delta, t, &mut inputs, span)?;
        self.hint = hint;
        let out = self.transient("array", target, vec![n.clone()]);
        let code = |at: &[Expr]| {
            let i = cast(t, DType::I64, tasklet::Expr::Sym(at[0].clone()));
            let mut scaled = tasklet::Expr::bin(BinOp::Mul, i.clone(), by.clone());
            if careful {
                let parts = cast(t, DType::I64, tasklet::Expr::Sym(divisor.clone()));
                let fraction = tasklet::Expr::bin(BinOp::Div, i, parts);
                let slow = tasklet::Expr::bin(BinOp::Mul, fraction, whole.clone());
                let tiny = tasklet::Expr::bin(BinOp::Eq, by.clone(), zero(t));
                scaled = tasklet::Expr::select(tiny, slow, scaled);
            }
            let mut value = tasklet::Expr::bin(BinOp::Add, scaled, first.clone());
            if let Some(last) = &last {
                let sym = |e: Expr| tasklet::Expr::Sym(e);
                let mut ends = tasklet::Expr::bin(BinOp::Eq, sym(at[0].clone()), sym(n - 1));
                if n.as_int().is_none() {
                    let several = tasklet::Expr::bin(BinOp::Gt, sym(n.clone()), sym(Expr::one()));
                    ends = tasklet::Expr::bin(BinOp::And, ends, several);
                }
                value = tasklet::Expr::select(ends, last.clone(), value);
            }
            if target.is_int() && !t.is_complex() {
                value = tasklet::Expr::call(Func::Floor, value);
            }
            cast(target, t, value)
        };
        if !n.is_zero() {
            self.map_indexed("linspace", &out, &inputs, code, span);
        }
        if !with_step {
            return Ok(Value::Array(out));
        }
        let one_at_most = n.as_int().is_some_and(|n| n < if endpoint { 2 } else { 1 });
        let step = if one_at_most { Value::lit(Kind::Np(DType::F64), Scalar::F64(f64::NAN)) } else { step };
        Ok(Value::Tuple(vec![Value::Array(out), step]))
    }
}
