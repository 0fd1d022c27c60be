//! Scalars of which data decide whether they are Python's or NumPy's, or which of NumPy's.
//!
//! Such a scalar is computed as if it had one kind, and a bool beside it says whether it has. Where the
//! other kind would give another type or another value, a check ends the run.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::Span;
use weft_ir::tasklet::{self, BinOp, Func, UnOp};

use crate::context::{Importer, Res};
use crate::emit::cast;
use crate::promote::{Binary, common, loop_of};
use crate::truth::Test;
use crate::value::{Kind, Num, Src, Value, View};

/// What a scalar is if its bool is false.
#[derive(Clone, Copy, Debug)]
pub struct Doubt {
    pub other: Kind,
    pub flag: Name,
    /// There are more kinds than the two.
    pub strict: bool,
}

/// Which of two kinds a scalar is computed in where data pick one; none where that gives other values.
pub fn stands_for(a: Kind, b: Kind) -> Option<(Kind, Kind)> {
    let (strong, weak) = match (a, b) {
        (Kind::Np(_), Kind::Np(_)) => return None,
        (Kind::Np(_), weak) => (a, weak),
        (weak, Kind::Np(_)) => (b, weak),
        _ => return None,
    };
    let t = strong.dtype();
    let fits = match weak {
        Kind::Int => t != DType::Bool,
        Kind::Float => t.is_float() || t.is_complex(),
        _ => false,
    };
    fits.then_some((strong, weak))
}

/// Would one be as good as the other in most places: do results have one type?
pub fn same_type(a: Kind, b: Kind) -> bool {
    a.dtype() == b.dtype()
}

impl Importer<'_> {
    pub fn doubt_of(&self, v: &Value) -> Option<Doubt> {
        match v {
            Value::Num(Num { src: Src::Elem(view), .. }) if view.at.is_empty() => {
                self.doubts.get(&view.base).copied()
            }
            _ => None,
        }
    }

    /// Is the scalar of the kind that it is computed in?
    pub fn is_sure(&self, v: &Value) -> Test {
        match (self.doubt_of(v), v.kind()) {
            (Some(doubt), _) => Test::Cond(tasklet::Expr::Var(doubt.flag)),
            (None, kind) => Test::Known(kind.is_some_and(|k| !k.is_python())),
        }
    }

    /// From here on the scalar is of the kind that it is computed in: a run where it is not ends.
    pub fn ensure_kind(&mut self, v: &Value, span: Span) {
        if self.trusting {
            return;
        }
        if let (Some(doubt), Some(kind)) = (self.doubt_of(v), v.kind()) {
            let message = format!(
                "data decide whether this is {} or {}, and that this run has the other one is not supported here",
                kind.describe(),
                doubt.other.describe()
            );
            self.check(tasklet::Expr::Var(doubt.flag), message, span);
        }
    }

    /// As [`Importer::ensure_kind`], of the type of its value alone.
    pub fn ensure_type(&mut self, v: &Value, span: Span) {
        if let (Some(doubt), Some(kind)) = (self.doubt_of(v), v.kind())
            && (doubt.strict || !same_type(kind, doubt.other))
        {
            self.ensure_kind(v, span);
        }
    }

    /// A bool for a scalar that may be of another kind.
    pub fn doubted(&mut self, view: &View, other: Kind) -> Name {
        let hint = self.hint.take();
        let flag = self.transient("numpy", DType::Bool, vec![]).base;
        self.hint = hint;
        self.doubts.insert(view.base, Doubt { other, flag, strict: false });
        flag
    }

    /// The bool of a container that gets this value.
    pub fn note_kind(&mut self, flag: Name, value: &Value, span: Span) {
        let test = self.is_sure(value);
        self.set_test(&View::full(flag, DType::Bool, &[]), test, span);
    }

    /// Runs what treats a scalar the same whatever its kind.
    pub fn trusting<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.trusting, true);
        let result = run(self);
        self.trusting = before;
        result
    }

    /// An operation of which an operand is in doubt.
    pub fn doubtful(&mut self, op: BinOp, a: &Value, b: &Value, span: Span) -> Res<Option<Value>> {
        let (x, y) = (self.doubt_of(a), self.doubt_of(b));
        let (Some(ka), Some(kb)) = (a.kind(), b.kind()) else { return Ok(None) };
        if self.trusting || (x.is_none() && y.is_none()) {
            return Ok(None);
        }
        let kinds = |k: Kind, doubt: Option<Doubt>| match doubt {
            Some(doubt) => vec![k, doubt.other],
            None => vec![k],
        };
        let (left, right) = (kinds(ka, x), kinds(kb, y));
        let outcome = |a: Kind, b: Kind| loop_of(Binary::Op(op), common(&[a, b])).ok();
        let pairs = || left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b)));
        let all_python = |(a, b): &(Kind, Kind)| a.is_python() && b.is_python();
        let first = outcome(ka, kb);
        let agrees = pairs().filter(|p| !all_python(p)).all(|(a, b)| outcome(a, b) == first);
        let python = pairs().find(all_python);
        let t = common(&[ka, kb]);
        let strict = x.iter().chain(&y).any(|d| d.strict);
        // Where Python's result is a float both compute the same, but for what Python raises.
        let float = python.is_some_and(|(a, b)| a.max(b) == Kind::Float) && t == DType::F64;
        let divides = matches!(op, BinOp::Div | BinOp::FloorDiv | BinOp::Mod | BinOp::Pow);
        let counts =
            matches!(op, BinOp::Add | BinOp::Sub | BinOp::Mul) && !t.is_complex() && t != DType::Bool;
        let exact = counts || float && divides;
        if strict || !agrees {
            for v in [a, b] {
                self.ensure_kind(v, span);
            }
            return self.trusting(|s| s.binary(op, a, b, span)).map(Some);
        }
        let Some((other, with)) = python else {
            return self.trusting(|s| s.binary(op, a, b, span)).map(Some);
        };
        // Both may be Python's: then the result is, and must be what Python computes.
        let (a, b) = (self.hold(a.clone(), span)?, self.hold(b.clone(), span)?);
        let result = self.trusting(|s| s.binary(op, &a, &b, span))?;
        let Value::Num(Num { src: Src::Elem(view), .. }) = &result else { return Ok(Some(result)) };
        let compares = op.is_comparison();
        let bits = matches!(op, BinOp::BitAnd | BinOp::BitOr | BinOp::BitXor);
        let truth = compares || bits && t == DType::Bool;
        let python = if truth { Kind::Bool } else { other.max(with).max(Kind::Int) };
        let flag = self.doubted(view, python);
        let sure = crate::truth::both(self.is_sure(&a), self.is_sure(&b), false);
        self.set_test(&View::full(flag, DType::Bool, &[]), sure, span);
        const MESSAGE: &str =
            "data decide whether this is a number of Python or of NumPy, which is not supported here";
        if bits && (t == DType::Bool || t.is_int()) {
            return Ok(Some(result));
        }
        if compares && (t == DType::F64 || t.is_int()) {
            for v in [&a, &b].into_iter().filter(|_| t == DType::F64) {
                let Some(doubt) = self.doubt_of(v) else { continue };
                let Value::Num(Num { src: Src::Elem(view), .. }) = v else { continue };
                // Larger integers are not all floats.
                let size =
                    tasklet::Expr::un(UnOp::Abs, cast(DType::F64, view.dtype, self.scalar_var(view, span)?));
                let limit = tasklet::Expr::Lit(Scalar::F64(9_007_199_254_740_992.0));
                let small = tasklet::Expr::bin(BinOp::Le, size, limit);
                let good = tasklet::Expr::bin(BinOp::Or, tasklet::Expr::Var(doubt.flag), small);
                if doubt.other == Kind::Int {
                    self.check(good, MESSAGE, span);
                }
            }
            return Ok(Some(result));
        }
        if !exact {
            self.check(tasklet::Expr::Var(flag), MESSAGE, span);
            return Ok(Some(result));
        }
        let mut wide = |v: &Value| -> Res<tasklet::Expr> {
            Ok(match v {
                Value::Num(Num { src: Src::Elem(view), .. }) => {
                    let var = self.scalar_var(view, span)?;
                    cast(DType::F64, view.dtype, var)
                }
                other => self.operand(other, DType::F64, &mut Default::default(), span)?,
            })
        };
        let (x, y, z) = (wide(&a)?, wide(&b)?, wide(&result)?);
        let bin = tasklet::Expr::bin;
        let nil = || tasklet::Expr::Lit(Scalar::F64(0.0));
        let same = match op {
            BinOp::Pow => {
                let whole = bin(BinOp::Eq, y.clone(), tasklet::Expr::call(Func::Floor, y));
                let based = bin(BinOp::And, bin(BinOp::Ne, x.clone(), nil()), whole);
                let real = bin(BinOp::Or, bin(BinOp::Gt, x, nil()), based);
                bin(BinOp::And, real, tasklet::Expr::call(Func::IsFinite, z))
            }
            _ if divides => bin(BinOp::Ne, y, nil()),
            _ => bin(BinOp::Eq, z, bin(op, x, y)),
        };
        let good = tasklet::Expr::bin(BinOp::Or, tasklet::Expr::Var(flag), same);
        self.check(good, MESSAGE, span);
        Ok(Some(result))
    }

    /// A function of NumPy's of which an operand is in doubt must have one type.
    pub fn ensure_one_type(
        &mut self,
        outcome: &dyn Fn(Kind, Kind) -> Option<DType>,
        a: &Value,
        b: &Value,
        span: Span,
    ) {
        let (Some(ka), Some(kb)) = (a.kind(), b.kind()) else { return };
        let (x, y) = (self.doubt_of(a), self.doubt_of(b));
        let (left, right) = ([Some(ka), x.map(|d| d.other)], [Some(kb), y.map(|d| d.other)]);
        let first = outcome(ka, kb);
        let pairs = left.iter().flatten().flat_map(|a| right.iter().flatten().map(move |b| (*a, *b)));
        if x.iter().chain(&y).any(|d| d.strict) || !pairs.into_iter().all(|(a, b)| outcome(a, b) == first) {
            self.ensure_kind(a, span);
            self.ensure_kind(b, span);
        }
    }
}
