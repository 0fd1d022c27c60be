//! Indices and slices: Python's rules, decided on facts, guards, the sample, or at run time.

use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Fact, Truth};
use weft_ir::tasklet::{self, BinOp};

use crate::context::{Importer, Res, Stop, fail, fail_hint};
use crate::value::{Value, View};

/// A part of a subscript.
#[derive(Clone, Debug)]
pub enum Item {
    Index(Expr),
    Slice {
        lower: Option<Expr>,
        upper: Option<Expr>,
        step: Expr,
    },
    NewAxis,
    Ellipsis,
    /// Integers that pick, or a mask.
    Array(View),
    /// One bool: a mask without dimensions.
    Flag(Value),
}

/// A slice without Python's special cases: `begin, begin + step, …`, `extent` elements.
pub struct Normal {
    pub begin: Expr,
    pub extent: Expr,
}

/// `lo <= i < hi` as a condition.
fn within(i: &Expr, lo: &Expr, hi: &Expr) -> tasklet::Expr {
    let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
    let above = tasklet::Expr::bin(BinOp::Ge, sym(i), sym(lo));
    let below = tasklet::Expr::bin(BinOp::Lt, sym(i), sym(hi));
    tasklet::Expr::bin(BinOp::And, above, below)
}

impl Importer<'_> {
    /// An index into an axis of `n` elements, from 0: wrapped if negative, checked.
    pub fn index(&mut self, i: &Expr, n: &Expr, axis: usize, what: &str, span: Span) -> Res<Expr> {
        if let (Some(at), Some(size)) = (i.as_int(), n.as_int())
            && !(-size..size).contains(&at)
        {
            let message = format!("index {at} is out of bounds for axis {axis} with size {size}");
            self.check(tasklet::Expr::Lit(weft_ir::dtype::Scalar::Bool(false)), message, span);
            return Err(Stop::Raises);
        }
        let wrapped = match self.sign(i, span)? {
            Truth::Yes => i.clone(),
            Truth::No => n + i,
            Truth::Unknown => {
                let low = self.nonneg_everywhere(&(n + i), span)?;
                let zero = Expr::zero();
                if !(low.is_yes() && self.facts().lt(i, n).is_yes()) {
                    let cond = within(i, &-n, n);
                    self.check(cond, format!("index {i} is out of bounds for axis {axis} of {what}"), span);
                }
                let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
                let cond = tasklet::Expr::bin(BinOp::Lt, sym(i), sym(&zero));
                let value = tasklet::Expr::select(cond, sym(&(n + i)), sym(i));
                let at = Expr::sym(self.assign_symbol("at", value, span));
                self.assume(Fact::NonNeg(at.clone()));
                self.assume(Fact::NonNeg(n - &at - 1));
                return Ok(at);
            }
        };
        let low =
            if self.sign(i, span)?.is_yes() { Truth::Yes } else { self.nonneg_everywhere(&wrapped, span)? };
        let room = n - &wrapped - 1;
        let high = self.nonneg_everywhere(&room, span)?;
        if low.is_yes() && high.is_yes() {
            return Ok(wrapped);
        }
        let cond = within(&wrapped, &Expr::zero(), n);
        self.check(cond, format!("index {i} is out of bounds for axis {axis} of {what}"), span);
        if !low.is_no() && !high.is_no() {
            self.assume(Fact::NonNeg(wrapped.clone()));
            self.assume(Fact::NonNeg(room));
        }
        Ok(wrapped)
    }

    /// `i >= 0`, also where only `i < 0` can be shown by a guard.
    fn sign(&mut self, i: &Expr, span: Span) -> Res<Truth> {
        let negative = -i - 1;
        match self.facts().nonneg(i) {
            Truth::Unknown if self.facts().nonneg(&negative).is_yes() => return Ok(Truth::No),
            Truth::Unknown => {}
            known => return Ok(known),
        }
        match self.on_sample(i) {
            Some(v) if v >= 0 => self.nonneg(i, span),
            Some(_) => {
                self.nonneg(&negative, span)?;
                Ok(Truth::No)
            }
            None => self.nonneg_everywhere(i, span),
        }
    }

    /// Python's `slice.indices` for an axis of `n` elements.
    pub fn slice(
        &mut self,
        lower: Option<&Expr>,
        upper: Option<&Expr>,
        step: &Expr,
        n: &Expr,
        span: Span,
    ) -> Res<Normal> {
        if step.is_zero() {
            return fail(span, "slice step cannot be zero");
        }
        if step.as_int() == Some(i64::MIN) {
            return fail(span, "the slice step is too large");
        }
        let up = self.nonneg_everywhere(&(step - 1), span)?.is_yes();
        if !up && !self.nonneg_everywhere(&(-step - 1), span)?.is_yes() {
            let hint = "write the step as a number, or compute its sign beforehand";
            return fail_hint(span, "a slice step whose sign only the run knows", hint);
        }
        let size = if up { step.clone() } else { -step };
        let (low, high) = if up { (Expr::zero(), n.clone()) } else { (Expr::int(-1), n - 1) };
        let begin = match lower {
            Some(e) => self.clamp(e, n, &low, &high, span)?,
            None if up => low.clone(),
            None => high.clone(),
        };
        let end = match upper {
            Some(e) => self.clamp(e, n, &low, &high, span)?,
            None if up => high,
            None => low,
        };
        let distance = if up { &end - &begin } else { &begin - &end };
        let extent = match self.nonneg_everywhere(&distance, span)? {
            Truth::Yes => distance.ceil_div(&size),
            Truth::No => Expr::zero(),
            Truth::Unknown => distance.max(Expr::zero()).ceil_div(&size),
        };
        let extent = self.facts().simplify(&extent);
        // An empty slice begins anywhere: at 0 its subset stays inside the container.
        let begin = if extent.is_zero() { Expr::zero() } else { begin };
        Ok(Normal { begin, extent })
    }

    /// One bound: wrapped if negative, then moved into `low..=high`.
    pub fn clamp(&mut self, e: &Expr, n: &Expr, low: &Expr, high: &Expr, span: Span) -> Res<Expr> {
        let wrapped = match self.sign(e, span)? {
            Truth::Yes => e.clone(),
            Truth::No => n + e,
            Truth::Unknown => {
                let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
                let cond = tasklet::Expr::bin(BinOp::Lt, sym(e), sym(&Expr::zero()));
                let value = tasklet::Expr::select(cond, sym(&(n + e)), sym(e));
                Expr::sym(self.assign_symbol("at", value, span))
            }
        };
        let raised = match self.nonneg_everywhere(&(&wrapped - low), span)? {
            Truth::Yes => wrapped,
            Truth::No => return Ok(low.clone()),
            Truth::Unknown => wrapped.max(low.clone()),
        };
        Ok(match self.nonneg_everywhere(&(high - &raised), span)? {
            Truth::Yes => raised,
            Truth::No => high.clone(),
            Truth::Unknown => raised.min(high.clone()),
        })
    }

    /// The common shape of operands (NumPy's broadcasting).
    pub fn broadcast(&mut self, shapes: &[Vec<Expr>], span: Span) -> Res<Vec<Expr>> {
        let rank = shapes.iter().map(Vec::len).max().unwrap_or(0);
        let mut out = vec![Expr::one(); rank];
        for shape in shapes {
            for (d, n) in shape.iter().enumerate() {
                let at = rank - shape.len() + d;
                if n.is_one() || *n == out[at] {
                    continue;
                }
                if out[at].is_one() {
                    out[at] = n.clone();
                    continue;
                }
                let have = out[at].clone();
                match self.same(&have, n)? {
                    Truth::Yes => {}
                    Truth::No => match (self.on_sample(&have), self.on_sample(n)) {
                        (Some(1), _) => return self.make_constant(&have, span),
                        (_, Some(1)) => return self.make_constant(n, span),
                        _ => return self.no_broadcast(shapes, span),
                    },
                    Truth::Unknown => {
                        let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
                        let cond = tasklet::Expr::bin(BinOp::Eq, sym(&have), sym(n));
                        let message = format!(
                            "operands of extents {have} and {n} do not fit: broadcasting that only the run decides is \
                             not supported here"
                        );
                        self.check(cond, message, span);
                        self.assume(Fact::Zero(&have - n));
                    }
                }
            }
        }
        Ok(out)
    }

    fn no_broadcast<T>(&self, shapes: &[Vec<Expr>], span: Span) -> Res<T> {
        let list: Vec<String> = shapes.iter().map(|s| self.show_shape(s)).collect();
        let hint = "shapes are compared from the last dimension on; extents must be equal or 1";
        let reason = format!("operands could not be broadcast together with shapes {}", list.join(" "));
        fail_hint(span, reason, hint)
    }

    /// The shape on the sample, as NumPy prints it.
    pub fn show_shape(&self, shape: &[Expr]) -> String {
        let one = |e: &Expr| self.on_sample(e).map_or_else(|| e.to_string(), |v| v.to_string());
        match shape {
            [n] => format!("({},)", one(n)),
            _ => format!("({})", shape.iter().map(one).collect::<Vec<_>>().join(",")),
        }
    }
}
