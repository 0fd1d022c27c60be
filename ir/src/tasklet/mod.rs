//! The small typed expression language of tasklets, conditions and symbol assignments.
//!
//! Strictly typed: both sides of a binary operation have the same type, and every conversion
//! is an explicit [`Expr::Cast`]. Operations mean what NumPy's mean on values of that type:
//! integers wrap around, integer division by zero gives 0, `//` and `%` follow Python's signs,
//! `minimum` and `maximum` propagate NaN. Symbols are `i64`.

mod complex;
mod eval;
#[cfg(test)]
mod numpy_tests;
pub mod ops;
pub mod parse;
mod print;
mod special;
mod types;

pub use eval::{Elements, EvalError, eval, eval_with};
pub use ops::{OpError, binary, call, cast, combine, identity, unary};
pub use print::{Leaves, scalar_text};
pub use types::{MAX_DEPTH, TypeError, binary_type, call_type, type_of, unary_type};

use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::symbolic;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnOp {
    Neg,
    /// Logical not of a `bool`.
    Not,
    /// Bitwise complement of an integer.
    Invert,
    /// Of a complex number, its size: a float.
    Abs,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    /// True division, floats and complex only.
    Div,
    FloorDiv,
    Mod,
    Pow,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
    /// Logical, on `bool`; both sides are evaluated.
    And,
    Or,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// `np.minimum`: NaN if either side is.
    Min,
    Max,
    Atan2,
    Hypot,
    CopySign,
    /// C's `fmod` (`np.fmod`), sign of the dividend.
    Fmod,
    /// The complex number with these parts, of two floats.
    Complex,
    /// The float after the first on the way to the second.
    NextAfter,
}

impl BinOp {
    /// The result is `bool` whatever the operands are.
    pub fn is_comparison(self) -> bool {
        matches!(self, BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge)
    }
}

impl Func {
    /// The result is `bool` whatever the operand is.
    pub fn is_test(self) -> bool {
        matches!(self, Func::IsNan | Func::IsInf | Func::IsFinite | Func::SignBit)
    }

    /// Complex to complex as well as float to float.
    pub fn has_complex(self) -> bool {
        use Func::*;
        matches!(
            self,
            Sqrt | Exp
                | Exp2
                | Expm1
                | Log
                | Log2
                | Log10
                | Log1p
                | Sin
                | Cos
                | Tan
                | Asin
                | Acos
                | Atan
                | Sinh
                | Cosh
                | Tanh
                | Asinh
                | Acosh
                | Atanh
        )
    }
}

/// One-argument mathematical functions, float to float of the same type, many of them complex to
/// complex as well.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Func {
    Sqrt,
    Cbrt,
    Exp,
    Exp2,
    Expm1,
    Log,
    Log2,
    Log10,
    Log1p,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Floor,
    Ceil,
    Trunc,
    /// To the nearest, halves to even.
    Rint,
    /// −1, 0, 1 or NaN.
    Sign,
    /// `bool` results.
    IsNan,
    IsInf,
    IsFinite,
    /// Of floats; true for −0.0 as well, `bool`.
    SignBit,
    /// Of complex numbers.
    Conj,
    /// The parts of a complex number, floats.
    Real,
    Imag,
    Erf,
    /// 1 − erf, without its cancellation.
    Erfc,
    /// C's `tgamma`.
    Gamma,
    /// Logarithm of the size of Γ.
    Lgamma,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expr {
    Lit(Scalar),
    /// A connector, an earlier local, or (in conditions and assignments) a scalar container.
    Var(Name),
    /// An integer expression over symbols, of type `i64`.
    Sym(symbolic::Expr),
    Un(UnOp, Box<Expr>),
    Bin(BinOp, Box<Expr>, Box<Expr>),
    Call(Func, Box<Expr>),
    /// `if_true if condition else if_false`; the untaken side has no effect.
    Select(Box<Expr>, Box<Expr>, Box<Expr>),
    /// C's conversion as NumPy's `astype` does it.
    Cast(DType, Box<Expr>),
    /// An element of an array connector, at `i64` indices into the whole container. Only in
    /// tasklets; a connector that is indexed is read in no other way.
    Index(Name, Vec<Expr>),
}

impl Expr {
    pub fn var(name: impl Into<Name>) -> Expr {
        Expr::Var(name.into())
    }

    pub fn f64(value: f64) -> Expr {
        Expr::Lit(Scalar::F64(value))
    }

    pub fn bin(op: BinOp, a: Expr, b: Expr) -> Expr {
        Expr::Bin(op, Box::new(a), Box::new(b))
    }

    pub fn un(op: UnOp, a: Expr) -> Expr {
        Expr::Un(op, Box::new(a))
    }

    pub fn call(func: Func, a: Expr) -> Expr {
        Expr::Call(func, Box::new(a))
    }

    pub fn cast(dtype: DType, a: Expr) -> Expr {
        Expr::Cast(dtype, Box::new(a))
    }

    pub fn select(cond: Expr, yes: Expr, no: Expr) -> Expr {
        Expr::Select(Box::new(cond), Box::new(yes), Box::new(no))
    }

    pub fn index(array: impl Into<Name>, at: Vec<Expr>) -> Expr {
        Expr::Index(array.into(), at)
    }

    /// The direct operands.
    pub fn operands(&self) -> Vec<&Expr> {
        match self {
            Expr::Lit(_) | Expr::Var(_) | Expr::Sym(_) => vec![],
            Expr::Un(_, a) | Expr::Call(_, a) | Expr::Cast(_, a) => vec![a],
            Expr::Bin(_, a, b) => vec![a, b],
            Expr::Select(c, a, b) => vec![c, a, b],
            Expr::Index(_, at) => at.iter().collect(),
        }
    }

    /// Rebuilds the tree from the leaves up.
    pub fn map(&self, f: &dyn Fn(Expr) -> Expr) -> Expr {
        let sub = |e: &Expr| Box::new(e.map(f));
        f(match self {
            Expr::Lit(_) | Expr::Var(_) | Expr::Sym(_) => self.clone(),
            Expr::Un(op, a) => Expr::Un(*op, sub(a)),
            Expr::Call(func, a) => Expr::Call(*func, sub(a)),
            Expr::Cast(t, a) => Expr::Cast(*t, sub(a)),
            Expr::Bin(op, a, b) => Expr::Bin(*op, sub(a), sub(b)),
            Expr::Select(c, a, b) => Expr::Select(sub(c), sub(a), sub(b)),
            Expr::Index(array, at) => Expr::Index(*array, at.iter().map(|e| e.map(f)).collect()),
        })
    }

    /// Replaces symbols inside [`Expr::Sym`].
    pub fn subst_symbols(&self, f: &dyn Fn(Name) -> Option<symbolic::Expr>) -> Expr {
        self.map(&|e| match e {
            Expr::Sym(s) => Expr::Sym(s.subst(f)),
            other => other,
        })
    }

    /// Replaces variables. An array that is indexed is renamed where another variable takes its
    /// place; no other expression can.
    pub fn subst_vars(&self, f: &dyn Fn(Name) -> Option<Expr>) -> Expr {
        self.map(&|e| match e {
            Expr::Var(name) => f(name).unwrap_or(Expr::Var(name)),
            Expr::Index(array, at) => match f(array) {
                Some(Expr::Var(renamed)) => Expr::Index(renamed, at),
                _ => Expr::Index(array, at),
            },
            other => other,
        })
    }

    pub fn visit(&self, f: &mut dyn FnMut(&Expr)) {
        f(self);
        for operand in self.operands() {
            operand.visit(f);
        }
    }

    /// Variables read, arrays included, each once, ordered by name.
    pub fn vars(&self) -> std::collections::BTreeSet<Name> {
        let mut found = std::collections::BTreeSet::new();
        self.visit(&mut |e| {
            if let Expr::Var(name) | Expr::Index(name, _) = e {
                found.insert(*name);
            }
        });
        found
    }

    /// Arrays that are indexed, each once, ordered by name.
    pub fn arrays(&self) -> std::collections::BTreeSet<Name> {
        let mut found = std::collections::BTreeSet::new();
        self.visit(&mut |e| {
            if let Expr::Index(name, _) = e {
                found.insert(*name);
            }
        });
        found
    }

    /// Symbols read inside [`Expr::Sym`].
    pub fn symbols(&self) -> std::collections::BTreeSet<Name> {
        let mut found = std::collections::BTreeSet::new();
        self.visit(&mut |e| {
            if let Expr::Sym(s) = e {
                found.extend(s.free_symbols());
            }
        });
        found
    }
}

/// `target = value`, where the target is a local or an output connector; each is assigned once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assign {
    pub target: Name,
    pub value: Expr,
}
