//! Expressions in the Python that DaCe's tasklets and conditions are written in.

use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::symbolic;
use crate::tasklet::{BinOp, Expr, Func, UnOp, type_of};

/// What names stand for in the text.
pub struct Names<'a> {
    pub var: &'a dyn Fn(Name) -> String,
    pub symbol: &'a dyn Fn(Name) -> Name,
    /// Types of variables. In conditions, which SymPy reads, all numbers are 64 bits wide: none are needed.
    pub types: Option<&'a dyn Fn(Name) -> Option<DType>>,
}

/// The expression with parentheses around every operation.
pub fn python(e: &Expr, names: &Names) -> String {
    let sub = |e: &Expr| python(e, names);
    match e {
        Expr::Lit(s) => literal(*s),
        Expr::Var(name) => (names.var)(*name),
        Expr::Sym(s) => {
            let renamed = s.subst(&|n| Some(symbolic::Expr::sym((names.symbol)(n))));
            let text = match renamed.as_sym() {
                Some(name) => name.to_string(),
                None => format!("({})", renamed.to_dace().replace("Min(", "min(").replace("Max(", "max(")),
            };
            // The parameters of a map are of C's `int` in DaCe's code.
            if names.types.is_some() { cast(DType::I64, &text) } else { text }
        }
        Expr::Un(UnOp::Neg, a) => narrowed(e, format!("(- {})", sub(a)), names),
        Expr::Un(UnOp::Not, a) => format!("(not {})", sub(a)),
        Expr::Un(UnOp::Invert, a) => narrowed(e, format!("(~ {})", sub(a)), names),
        Expr::Un(UnOp::Abs, a) => format!("abs({})", sub(a)),
        Expr::Bin(op @ (BinOp::FloorDiv | BinOp::Mod), a, b) => {
            let same = |e: &Expr| exactly_typed(e, &sub(e), names);
            binary(*op, &same(a), &same(b))
        }
        Expr::Bin(BinOp::Complex, a, b) => {
            let known = names.types.and_then(|types| type_of(e, types).ok());
            format!("dace.{}({}, {})", known.unwrap_or(DType::C128).numpy(), sub(a), sub(b))
        }
        Expr::Bin(op, a, b) => narrowed(e, binary(*op, &sub(a), &sub(b)), names),
        Expr::Call(func, a) => format!("{}({})", function(*func), sub(a)),
        Expr::Select(c, a, b) => format!("({} if {} else {})", sub(a), sub(c), sub(b)),
        Expr::Cast(dtype, a) => cast(*dtype, &sub(a)),
        Expr::Index(array, at) => {
            let at: Vec<String> = at.iter().map(sub).collect();
            format!("{}[{}]", (names.var)(*array), at.join(", "))
        }
    }
}

/// The operand of a function that is a template in C++: of its own type, where C's rules say `int`.
fn exactly_typed(e: &Expr, text: &str, names: &Names) -> String {
    let is_int = |t: &DType| t.is_int();
    match names.types.and_then(|types| type_of(e, types).ok()).filter(is_int) {
        Some(dtype) if !matches!(e, Expr::Var(_) | Expr::Cast(..) | Expr::Sym(_)) => cast(dtype, text),
        _ => text.to_string(),
    }
}

/// Brings the result of an operation on narrow integers, an `int` by C's rules, back to their width.
fn narrowed(e: &Expr, text: String, names: &Names) -> String {
    match names.types.and_then(|types| type_of(e, types).ok()) {
        Some(dtype) if dtype.is_int() && dtype.size() < 4 => cast(dtype, &text),
        _ => text,
    }
}

fn cast(dtype: DType, text: &str) -> String {
    match dtype {
        DType::Bool => format!("dace.bool({text})"),
        other => format!("dace.{}({text})", other.numpy()),
    }
}

fn literal(s: Scalar) -> String {
    match s {
        Scalar::Bool(true) => "True".into(),
        Scalar::Bool(false) => "False".into(),
        Scalar::Int(DType::I64, v) if v.abs() < 1 << 31 => parenthesized(v.to_string()),
        Scalar::Int(dtype, v) => cast(dtype, &v.to_string()),
        Scalar::F64(v) => float(v),
        Scalar::F16(v) => cast(DType::F16, &float(v.into())),
        Scalar::F32(v) => cast(DType::F32, &float(f64::from(v))),
        Scalar::Complex(dtype, re, im) => format!("dace.{}({}, {})", dtype.numpy(), float(re), float(im)),
    }
}

fn float(v: f64) -> String {
    if v.is_nan() {
        "nan".into()
    } else if v.is_infinite() {
        if v > 0.0 { "inf" } else { "(- inf)" }.into()
    } else {
        parenthesized(format!("{v:?}"))
    }
}

fn parenthesized(text: String) -> String {
    if text.starts_with('-') { format!("({text})") } else { text }
}

fn binary(op: BinOp, a: &str, b: &str) -> String {
    let infix = |symbol: &str| format!("({a} {symbol} {b})");
    let call = |name: &str| format!("{name}({a}, {b})");
    match op {
        BinOp::Add => infix("+"),
        BinOp::Sub => infix("-"),
        BinOp::Mul => infix("*"),
        BinOp::Div => infix("/"),
        // DaCe's `//` truncates and its `%` is C's.
        BinOp::FloorDiv => call("py_floor"),
        BinOp::Mod => call("py_mod"),
        BinOp::Pow => infix("**"),
        BinOp::BitAnd => infix("&"),
        BinOp::BitOr => infix("|"),
        BinOp::BitXor => infix("^"),
        BinOp::Shl => infix("<<"),
        BinOp::Shr => infix(">>"),
        BinOp::And => infix("and"),
        BinOp::Or => infix("or"),
        BinOp::Eq => infix("=="),
        BinOp::Ne => infix("!="),
        BinOp::Lt => infix("<"),
        BinOp::Le => infix("<="),
        BinOp::Gt => infix(">"),
        BinOp::Ge => infix(">="),
        BinOp::Min => call("min"),
        BinOp::Max => call("max"),
        BinOp::Atan2 => call("atan2"),
        BinOp::Hypot => call("hypot"),
        BinOp::CopySign => call("copysign"),
        BinOp::Fmod => call("fmod"),
        BinOp::NextAfter => call("nextafter"),
        // Written with its type by the caller.
        BinOp::Complex => call("dace.complex128"),
    }
}

/// C's name, which DaCe leaves as it is.
fn function(func: Func) -> &'static str {
    match func {
        Func::Asin => "asin",
        Func::Acos => "acos",
        Func::Atan => "atan",
        Func::Asinh => "asinh",
        Func::Acosh => "acosh",
        Func::Atanh => "atanh",
        Func::Gamma => "tgamma",
        other => other.name(),
    }
}
