//! Python's integers, which are symbolic where data do not decide them.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{EvalError, Expr, Truth};
use weft_ir::tasklet::{self, BinOp, UnOp};

use crate::context::{Importer, Res, fail, fail_hint};
use crate::promote::{Binary, verb};
use crate::value::{Kind, Num, Src, Value, View};

impl Importer<'_> {
    /// The value as an integer over symbols; data are read into a new symbol.
    pub fn as_int(&mut self, v: &Value, span: Span) -> Res<Expr> {
        if v.kind() == Some(Kind::Number) {
            let v = self.decided(v, span)?;
            return match v.kind() {
                Some(Kind::Int) => self.as_int(&v, span),
                _ => fail(span, format!("{} is not an integer", v.describe())),
            };
        }
        let wrong = || fail(span, format!("{} is not an integer", v.describe()));
        match v {
            Value::Num(Num { src: Src::Sym(e), .. }) => Ok(e.clone()),
            Value::Num(Num { src: Src::Lit(Scalar::Bool(b)), .. }) => Ok(Expr::int(i64::from(*b))),
            Value::Num(Num { src: Src::Lit(Scalar::Int(_, i)), .. }) => match i64::try_from(*i) {
                Ok(i) => Ok(Expr::int(i)),
                Err(_) => fail(span, "the integer is too large"),
            },
            Value::Num(Num { src: Src::Cond(c), .. }) => {
                let value = tasklet::Expr::cast(DType::I64, c.clone());
                Ok(Expr::sym(self.assign_symbol("n", value, span)))
            }
            Value::Num(Num { src: Src::Elem(view), kind }) => self.read_int(view, *kind, span),
            Value::Array(view) if view.rank() == 0 => {
                self.read_int(&view.clone(), Kind::Np(view.dtype), span)
            }
            _ => wrong(),
        }
    }

    pub fn read_int(&mut self, view: &View, kind: Kind, span: Span) -> Res<Expr> {
        let t = view.dtype;
        if !(t.is_int() || t == DType::Bool) {
            return fail(span, format!("{} is not an integer", kind.describe()));
        }
        let var = self.scalar_var(view, span)?;
        if t == DType::U64 {
            let most = tasklet::Expr::Lit(Scalar::Int(t, i128::from(i64::MAX)));
            let fits = tasklet::Expr::bin(BinOp::Le, var.clone(), most);
            self.check(fits, "the integer is too large: integers have 64 bits here", span);
        }
        let value = if t == DType::I64 { var } else { tasklet::Expr::cast(DType::I64, var) };
        Ok(Expr::sym(self.assign_symbol("n", value, span)))
    }

    /// A variable for conditions: the name of a scalar container.
    pub fn scalar_var(&mut self, view: &View, span: Span) -> Res<tasklet::Expr> {
        if view.at.is_empty() {
            return Ok(tasklet::Expr::Var(view.base));
        }
        let num = self.snapshot(&Num { kind: Kind::Np(view.dtype), src: Src::Elem(view.clone()) }, span)?;
        match num.src {
            Src::Elem(v) => Ok(tasklet::Expr::Var(v.base)),
            _ => fail(span, "no value"),
        }
    }

    /// A symbolic int, if it can be evaluated and fits 64 bits for the arguments at hand.
    pub fn int_value(&mut self, e: Expr, span: Span) -> Res<Value> {
        let constant = e.free_symbols().is_empty();
        if (constant && e.as_int().is_none()) || (!constant && self.fits(&e) == Truth::No) {
            return fail_hint(span, "the integer is too large", "integers have 64 bits here");
        }
        Ok(Value::sym(e))
    }

    /// Do the values of `e` fit 64 bits, over the loops around? `Unknown` where data decide.
    pub fn fits(&self, e: &Expr) -> Truth {
        const MOST_CORNERS: usize = 64;
        let mut corners = vec![e.clone()];
        for (var, range) in self.loops.iter().rev() {
            if !corners.iter().any(|c| c.free_symbols().contains(var)) {
                continue;
            }
            if corners.len() > MOST_CORNERS {
                return Truth::Unknown;
            }
            corners = corners
                .iter()
                .flat_map(|c| [&range.begin, &range.end].map(|at| c.subst1(*var, at)))
                .collect();
        }
        let values = corners.iter().map(|c| c.eval(&|n| self.values.get(&n).copied()));
        values.fold(Truth::Yes, |all, value| match value {
            Err(EvalError::Overflow) => Truth::No,
            Err(_) if all == Truth::Yes => Truth::Unknown,
            _ => all,
        })
    }

    /// An operation on ints whose values only the run decides, and that may leave 64 bits: Python's
    /// ints grow, so this ends the run instead of wrapping around.
    pub fn check_fits_i64(&mut self, op: BinOp, a: &Expr, b: &Expr, e: &Expr, span: Span) {
        const LIMIT: f64 = 9.2e18;
        // Counting by constants does not get there.
        let counts = matches!(op, BinOp::Add | BinOp::Sub) && (a.as_int().is_some() || b.as_int().is_some());
        if counts || e.as_int().is_some() || self.fits(e) != Truth::Unknown {
            return;
        }
        let wide = |e: &Expr| tasklet::Expr::cast(DType::F64, tasklet::Expr::Sym(e.clone()));
        let lit = |x: f64| tasklet::Expr::Lit(Scalar::F64(x));
        let value = || tasklet::Expr::bin(op, wide(a), wide(b));
        let low = tasklet::Expr::bin(BinOp::Ge, value(), lit(-LIMIT));
        let high = tasklet::Expr::bin(BinOp::Le, value(), lit(LIMIT));
        let cond = tasklet::Expr::bin(BinOp::And, low, high);
        self.check(cond, "the integer is too large: integers have 64 bits here", span);
    }

    pub fn int_binary(&mut self, op: BinOp, a: &Expr, b: &Expr, span: Span) -> Res<Value> {
        let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
        match op {
            BinOp::Add | BinOp::Sub | BinOp::Mul => {
                let e = match op {
                    BinOp::Add => a + b,
                    BinOp::Sub => a - b,
                    _ => a * b,
                };
                self.check_fits_i64(op, a, b, &e, span);
                self.int_value(e, span)
            }
            BinOp::FloorDiv | BinOp::Mod | BinOp::Div => {
                let positive = self.facts().gt(b, &Expr::zero()).is_yes();
                let negative = self.facts().lt(b, &Expr::zero()).is_yes();
                let message =
                    if op == BinOp::Div { "division by zero" } else { "integer division or modulo by zero" };
                if b.is_zero() {
                    return fail(span, message);
                }
                if !positive && !negative && b.as_int().is_none() {
                    self.check(tasklet::Expr::bin(BinOp::Ne, sym(b), sym(&Expr::zero())), message, span);
                }
                match op {
                    BinOp::FloorDiv => self.int_value(a.floor_div(b), span),
                    BinOp::Mod => self.int_value(a.modulo(b), span),
                    _ => match (a.as_int(), b.as_int()) {
                        (Some(x), Some(y)) => Ok(Value::float(x as f64 / y as f64)),
                        _ => self.python_ufunc(
                            op,
                            &Value::sym(a.clone()),
                            &Value::sym(b.clone()),
                            Kind::Float,
                            span,
                        ),
                    },
                }
            }
            BinOp::Pow => match b.as_int() {
                Some(k @ 0..=64) => {
                    let e = a.pow(k as u32);
                    self.check_fits_i64(op, a, b, &e, span);
                    self.int_value(e, span)
                }
                Some(k) if k < 0 && a.as_int().is_some_and(|a| a != 0) => {
                    Ok(Value::float((a.as_int().unwrap_or(1) as f64).powi(k.max(-2000) as i32)))
                }
                Some(k) if k < 0 => {
                    let base = self.python_scalar(&Value::sym(a.clone()), Kind::Float, span)?;
                    self.float_power(&base, &Value::float(k as f64), span)
                }
                _ => self.int_power(a, b, span),
            },
            _ if op.is_comparison() => Ok(self.int_compare(op, a, b)),
            BinOp::Min => self.int_value(a.min(b), span),
            BinOp::Max => self.int_value(a.max(b), span),
            BinOp::Shl if matches!(b.as_int(), Some(0..=62)) => {
                let factor = Expr::int(1 << b.as_int().unwrap_or(0));
                self.int_binary(BinOp::Mul, a, &factor, span)
            }
            BinOp::Shr if matches!(b.as_int(), Some(0..=62)) => {
                self.int_value(a.floor_div(&Expr::int(1 << b.as_int().unwrap_or(0))), span)
            }
            BinOp::Shl | BinOp::Shr => {
                let factor = self.int_power(&Expr::int(2), b, span)?;
                let factor = self.as_int(&factor, span)?;
                let op = if op == BinOp::Shl { BinOp::Mul } else { BinOp::FloorDiv };
                self.int_binary(op, a, &factor, span)
            }
            BinOp::BitAnd | BinOp::BitOr | BinOp::BitXor => match (a.as_int(), b.as_int()) {
                (Some(x), Some(y)) => Ok(Value::int(match op {
                    BinOp::BitAnd => x & y,
                    BinOp::BitOr => x | y,
                    _ => x ^ y,
                })),
                _ => {
                    let value = tasklet::Expr::bin(op, sym(a), sym(b));
                    Ok(Value::sym(Expr::sym(self.assign_symbol("n", value, span))))
                }
            },
            _ => fail(span, format!("'{}' is not supported on Python ints here", verb(Binary::Op(op)))),
        }
    }

    /// `a ** b` with an exponent that only the run knows: not negative, and of 64 bits.
    pub fn int_power(&mut self, a: &Expr, b: &Expr, span: Span) -> Res<Value> {
        if b.as_int().is_some_and(|k| k < 0) {
            return fail_hint(span, "an integer to a negative power", "use a float base");
        }
        if b.free_symbols().iter().all(|s| self.values.contains_key(s)) && self.on_sample(b).is_some() {
            return self.make_constant(b, span);
        }
        let key = self.around.iter().find(|l| b.contains(l.var)).map(|l| l.path.clone());
        if let Some(key) = key
            && self.short_loop(b)
            && self.plan.unroll.insert(key)
        {
            return self.restart();
        }
        let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
        let wide = |e: &Expr| tasklet::Expr::cast(DType::F64, sym(e));
        let least = tasklet::Expr::bin(BinOp::Ge, sym(b), sym(&Expr::zero()));
        self.check(
            least,
            "an integer to a negative power or shifted by a negative number, which is not supported here",
            span,
        );
        let size = tasklet::Expr::bin(BinOp::Pow, tasklet::Expr::un(UnOp::Abs, wide(a)), wide(b));
        let fits = tasklet::Expr::bin(BinOp::Le, size, tasklet::Expr::Lit(Scalar::F64(9.2e18)));
        self.check(fits, "the integer is too large: integers have 64 bits here", span);
        let value = tasklet::Expr::bin(BinOp::Pow, sym(a), sym(b));
        Ok(Value::sym(Expr::sym(self.assign_symbol("n", value, span))))
    }

    /// Has the loop whose variable this depends on few iterations for the arguments at hand?
    pub fn short_loop(&self, e: &Expr) -> bool {
        const FEW: i64 = 20;
        let ranges = self.loops.iter().filter(|l| e.contains(l.0));
        ranges.map(|l| self.on_sample(&l.1.extent())).all(|n| n.is_some_and(|n| n <= FEW))
    }

    /// Decided by the facts, or a condition over symbols.
    pub fn int_compare(&self, op: BinOp, a: &Expr, b: &Expr) -> Value {
        let f = self.facts();
        let truth = match op {
            BinOp::Lt => f.lt(a, b),
            BinOp::Le => f.le(a, b),
            BinOp::Gt => f.gt(a, b),
            BinOp::Ge => f.ge(a, b),
            BinOp::Eq => f.eq(a, b),
            _ => match f.eq(a, b) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                t => t,
            },
        };
        match truth {
            Truth::Yes => Value::bool(true),
            Truth::No => Value::bool(false),
            Truth::Unknown => {
                let cond =
                    tasklet::Expr::bin(op, tasklet::Expr::Sym(a.clone()), tasklet::Expr::Sym(b.clone()));
                Value::Num(Num { kind: Kind::Bool, src: Src::Cond(cond) })
            }
        }
    }
}
