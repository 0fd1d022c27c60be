//! Expressions as text: Python's syntax and precedence, NumPy's names, no needless parentheses.

use std::fmt::Write;

use super::{BinOp, Expr, Func, UnOp};
use crate::dtype::{DType, Scalar, f16};
use crate::names::Name;
use crate::text::cursor::quoted;

/// Binding strength, as in Python.
pub(super) mod strength {
    pub const SELECT: u8 = 0;
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const NOT: u8 = 3;
    pub const COMPARE: u8 = 4;
    pub const UNARY: u8 = 11;
    pub const POWER: u8 = 12;
    pub const ATOM: u8 = 13;
}
use strength::*;

impl BinOp {
    /// Symbol and binding strength of an operator, `None` for what is written as a call.
    pub(super) fn infix(self) -> Option<(&'static str, u8)> {
        Some(match self {
            BinOp::Or => ("or", OR),
            BinOp::And => ("and", AND),
            BinOp::Eq => ("==", COMPARE),
            BinOp::Ne => ("!=", COMPARE),
            BinOp::Lt => ("<", COMPARE),
            BinOp::Le => ("<=", COMPARE),
            BinOp::Gt => (">", COMPARE),
            BinOp::Ge => (">=", COMPARE),
            BinOp::BitOr => ("|", 5),
            BinOp::BitXor => ("^", 6),
            BinOp::BitAnd => ("&", 7),
            BinOp::Shl => ("<<", 8),
            BinOp::Shr => (">>", 8),
            BinOp::Add => ("+", 9),
            BinOp::Sub => ("-", 9),
            BinOp::Mul => ("*", 10),
            BinOp::Div => ("/", 10),
            BinOp::FloorDiv => ("//", 10),
            BinOp::Mod => ("%", 10),
            BinOp::Pow => ("**", POWER),
            _ => return None,
        })
    }

    /// NumPy's name of an operation that is written as a call.
    pub(super) fn call_name(self) -> Option<&'static str> {
        Some(match self {
            BinOp::Min => "minimum",
            BinOp::Max => "maximum",
            BinOp::Atan2 => "arctan2",
            BinOp::Hypot => "hypot",
            BinOp::CopySign => "copysign",
            BinOp::Fmod => "fmod",
            BinOp::Complex => "complex",
            BinOp::NextAfter => "nextafter",
            _ => return None,
        })
    }

    pub(super) fn from_call(name: &str) -> Option<BinOp> {
        // NumPy's names of operators are read as well.
        match name {
            "floor_divide" => return Some(BinOp::FloorDiv),
            "remainder" => return Some(BinOp::Mod),
            "power" => return Some(BinOp::Pow),
            _ => {}
        }
        use BinOp::*;
        [Min, Max, Atan2, Hypot, CopySign, Fmod, Complex, NextAfter]
            .into_iter()
            .find(|op| op.call_name() == Some(name))
    }
}

const FUNCS: [(Func, &str); 37] = [
    (Func::Sqrt, "sqrt"),
    (Func::Cbrt, "cbrt"),
    (Func::Exp, "exp"),
    (Func::Exp2, "exp2"),
    (Func::Expm1, "expm1"),
    (Func::Log, "log"),
    (Func::Log2, "log2"),
    (Func::Log10, "log10"),
    (Func::Log1p, "log1p"),
    (Func::Sin, "sin"),
    (Func::Cos, "cos"),
    (Func::Tan, "tan"),
    (Func::Asin, "arcsin"),
    (Func::Acos, "arccos"),
    (Func::Atan, "arctan"),
    (Func::Sinh, "sinh"),
    (Func::Cosh, "cosh"),
    (Func::Tanh, "tanh"),
    (Func::Asinh, "arcsinh"),
    (Func::Acosh, "arccosh"),
    (Func::Atanh, "arctanh"),
    (Func::Floor, "floor"),
    (Func::Ceil, "ceil"),
    (Func::Trunc, "trunc"),
    (Func::Rint, "rint"),
    (Func::Sign, "sign"),
    (Func::IsNan, "isnan"),
    (Func::IsInf, "isinf"),
    (Func::IsFinite, "isfinite"),
    (Func::SignBit, "signbit"),
    (Func::Conj, "conj"),
    (Func::Real, "real"),
    (Func::Imag, "imag"),
    (Func::Erf, "erf"),
    (Func::Erfc, "erfc"),
    (Func::Gamma, "gamma"),
    (Func::Lgamma, "lgamma"),
];

impl Func {
    /// All functions with their names.
    pub fn all() -> impl Iterator<Item = (Func, &'static str)> {
        FUNCS.into_iter()
    }

    /// NumPy's name; that of Python's `math` where NumPy has none.
    pub fn name(self) -> &'static str {
        FUNCS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    pub fn from_name(name: &str) -> Option<Func> {
        FUNCS.iter().find(|row| row.1 == name).map(|row| row.0)
    }
}

/// How the leaves of an expression are written.
pub struct Leaves<'a> {
    /// The text of a variable, or of an array that is indexed.
    pub var: &'a dyn Fn(Name) -> String,
    /// Would a plain name be read as a variable? Then a symbol of that name is `sym(name)`.
    pub is_var: &'a dyn Fn(Name) -> bool,
}

impl Expr {
    /// The text; `is_var` says which plain names the reader takes for variables.
    pub fn to_text(&self, is_var: &dyn Fn(Name) -> bool) -> String {
        let var = |name: Name| {
            if is_var(name) { quoted(name) } else { format!("var({})", quoted(name)) }
        };
        self.to_text_with(&Leaves { var: &var, is_var })
    }

    /// The text with variables written as the caller says.
    pub fn to_text_with(&self, leaves: &Leaves) -> String {
        let mut out = String::new();
        write(&mut out, self, SELECT, leaves);
        out
    }
}

fn write(out: &mut String, e: &Expr, least: u8, leaves: &Leaves) {
    let own = binding(e);
    if own < least {
        out.push('(');
        bare(out, e, leaves);
        out.push(')');
    } else {
        bare(out, e, leaves);
    }
}

fn binding(e: &Expr) -> u8 {
    match e {
        Expr::Lit(s) if is_negative(*s) => UNARY,
        Expr::Lit(_) | Expr::Var(_) | Expr::Sym(_) | Expr::Call(..) | Expr::Cast(..) => ATOM,
        Expr::Index(..) => ATOM,
        Expr::Un(UnOp::Abs, _) => ATOM,
        Expr::Un(UnOp::Not, _) => NOT,
        Expr::Un(..) => UNARY,
        Expr::Bin(op, ..) => op.infix().map_or(ATOM, |(_, strength)| strength),
        Expr::Select(..) => SELECT,
    }
}

fn is_negative(s: Scalar) -> bool {
    match s {
        Scalar::Int(_, v) => v < 0,
        Scalar::F16(v) => !v.is_nan() && v.is_sign_negative(),
        Scalar::F32(v) => !v.is_nan() && v.is_sign_negative(),
        Scalar::F64(v) => !v.is_nan() && v.is_sign_negative(),
        Scalar::Bool(_) | Scalar::Complex(..) => false,
    }
}

fn bare(out: &mut String, e: &Expr, leaves: &Leaves) {
    match e {
        Expr::Lit(s) => out.push_str(&scalar_text(*s)),
        Expr::Var(name) => out.push_str(&(leaves.var)(*name)),
        Expr::Sym(s) => match s.as_sym() {
            Some(name) if !(leaves.is_var)(name) && quoted(name) == name.as_str() => {
                out.push_str(name.as_str())
            }
            _ => {
                let _ = write!(out, "sym({s})");
            }
        },
        Expr::Un(UnOp::Abs, a) => call(out, "abs", &[a], leaves),
        Expr::Un(UnOp::Not, a) => {
            out.push_str("not ");
            write(out, a, NOT, leaves);
        }
        Expr::Un(op, a) => {
            out.push(if *op == UnOp::Neg { '-' } else { '~' });
            // A minus before a number belongs to the number.
            let least = if matches!(**a, Expr::Lit(_)) { ATOM + 1 } else { UNARY };
            write(out, a, least, leaves);
        }
        Expr::Bin(op, a, b) => match op.infix() {
            None => call(out, op.call_name().unwrap_or_default(), &[a, b], leaves),
            Some((symbol, own)) => {
                let (left, right) = match own {
                    COMPARE => (own + 1, own + 1),
                    POWER => (own + 1, UNARY),
                    _ => (own, own + 1),
                };
                write(out, a, left, leaves);
                let _ = write!(out, " {symbol} ");
                write(out, b, right, leaves);
            }
        },
        Expr::Call(func, a) => call(out, func.name(), &[a], leaves),
        Expr::Cast(dtype, a) => call(out, dtype.short(), &[a], leaves),
        Expr::Index(array, at) => {
            out.push_str(&(leaves.var)(*array));
            let at: Vec<&Expr> = at.iter().collect();
            // Indices over symbols alone would be read as a memlet: symbols are spelled out.
            if at.iter().all(|e| e.vars().is_empty()) {
                list(out, ['[', ']'], &at, &Leaves { is_var: &|_| true, ..*leaves });
            } else {
                list(out, ['[', ']'], &at, leaves);
            }
        }
        Expr::Select(cond, yes, no) => {
            write(out, yes, SELECT + 1, leaves);
            out.push_str(" if ");
            write(out, cond, SELECT + 1, leaves);
            out.push_str(" else ");
            write(out, no, SELECT, leaves);
        }
    }
}

fn call(out: &mut String, name: &str, args: &[&Expr], leaves: &Leaves) {
    out.push_str(name);
    list(out, ['(', ')'], args, leaves);
}

fn list(out: &mut String, around: [char; 2], args: &[&Expr], leaves: &Leaves) {
    out.push(around[0]);
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(out, arg, SELECT, leaves);
    }
    out.push(around[1]);
}

/// A literal: `0.2`, `3`, `True`, `1.0f32`, `3i32`, `inf`, `c128(0.0, 1.0)`.
pub fn scalar_text(s: Scalar) -> String {
    match s {
        Scalar::Bool(true) => "True".into(),
        Scalar::Bool(false) => "False".into(),
        Scalar::Int(DType::I64, v) => v.to_string(),
        Scalar::Int(dtype, v) => format!("{v}{}", dtype.short()),
        Scalar::F64(v) => f64_text(v),
        Scalar::F16(v) if v.is_nan() && v.to_bits() == f16::NAN.to_bits() => "nan16".into(),
        Scalar::F16(v) if v.is_nan() => format!("nan16({})", v.to_bits()),
        Scalar::F16(v) if v.is_infinite() => if v > f16::ZERO { "inf16" } else { "-inf16" }.into(),
        Scalar::F16(v) => format!("{:?}f16", f32::from(v)),
        Scalar::F32(v) if v.is_nan() && v.to_bits() == f32::NAN.to_bits() => "nan32".into(),
        Scalar::F32(v) if v.is_nan() => format!("nan32({})", v.to_bits()),
        Scalar::F32(v) if v.is_infinite() => if v > 0.0 { "inf32" } else { "-inf32" }.into(),
        Scalar::F32(v) => format!("{v:?}f32"),
        Scalar::Complex(dtype, re, im) => format!("{}({}, {})", dtype.short(), f64_text(re), f64_text(im)),
    }
}

fn f64_text(v: f64) -> String {
    if v.is_nan() && v.to_bits() == f64::NAN.to_bits() {
        "nan".into()
    } else if v.is_nan() {
        format!("nan({})", v.to_bits())
    } else if v.is_infinite() {
        if v > 0.0 { "inf" } else { "-inf" }.into()
    } else {
        format!("{v:?}")
    }
}
