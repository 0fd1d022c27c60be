//! Reads the Python of DaCe's tasklets and conditions, and gives it types as C does.

use std::collections::{BTreeMap, BTreeSet};

use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::tasklet::{Assign, BinOp, Expr, Func, UnOp, binary_type, call_type, parse};
use crate::text::cursor::Cursor;

/// What names mean in a text.
pub struct Scope<'a> {
    /// Containers, connectors and locals with their types.
    pub vars: BTreeMap<Name, DType>,
    /// Those of them that are arrays, by the types of their elements.
    pub arrays: BTreeSet<Name>,
    /// Our name of a symbol, `None` where there is none.
    pub symbol: &'a dyn Fn(Name) -> Option<Name>,
    /// Names of numbers.
    pub constants: &'a BTreeMap<Name, Scalar>,
}

type Typed = (Expr, DType);

/// A value and its type.
pub fn value(text: &str, scope: &Scope) -> Result<Typed, String> {
    let text = spelled(text);
    let mut cursor = Cursor::new(&text);
    let e = parse::parse_at(&mut cursor, &mut |c, name, at| {
        if scope.arrays.contains(&name) {
            if !c.sees("[") {
                return c.fault_at(at, format!("the array '{name}' is not indexed"), "");
            }
            return Ok(Expr::Var(name));
        }
        if scope.vars.contains_key(&name) {
            // An element of what stands for a scalar.
            if c.eat("[") && !(c.eat("0") && c.eat("]")) {
                return c.fault_at(at, format!("'{name}' is indexed"), "");
            }
            return Ok(Expr::Var(name));
        }
        if let Some(number) = scope.constants.get(&name).filter(|_| !c.sees("[")) {
            return Ok(Expr::Lit(*number));
        }
        match (scope.symbol)(name) {
            Some(symbol) if !c.sees("[") => Ok(parse::leaf(symbol, false)),
            _ => c.fault_at(at, format!("unknown name '{name}'"), ""),
        }
    })
    .and_then(|e| cursor.end().map(|()| e))
    .map_err(|fault| format!("{} in '{text}'", fault.message))?;
    typed(&e, scope)
}

/// A value converted to a type.
pub fn value_of(text: &str, scope: &Scope, dtype: DType) -> Result<Expr, String> {
    Ok(to(value(text, scope)?, dtype))
}

/// The assignments of a tasklet; `outputs` have types, locals get those of their values.
pub fn assignments(
    text: &str,
    scope: &mut Scope,
    outputs: &BTreeMap<Name, DType>,
) -> Result<Vec<Assign>, String> {
    let mut code = vec![];
    for line in text.split(['\n', ';']).map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let plain = |i: usize| {
            let before = line[..i].chars().next_back();
            !line[i + 1..].starts_with('=') && !before.is_some_and(|c| "=<>!+-*/%&|^".contains(c))
        };
        let Some(at) = line.match_indices('=').map(|(i, _)| i).find(|&i| plain(i)) else {
            return Err(format!("'{line}' is no assignment"));
        };
        let target = line[..at].trim();
        let simple = !target.is_empty() && target.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !simple {
            return Err(format!("an assignment to '{target}'"));
        }
        let target = Name::new(target);
        if code.iter().any(|a: &Assign| a.target == target) {
            return Err(format!("'{target}' is assigned twice"));
        }
        let (value, dtype) = value(&line[at + 1..], scope)?;
        let wanted = outputs.get(&target).copied().unwrap_or(dtype);
        code.push(Assign { target, value: to((value, dtype), wanted) });
        scope.vars.insert(target, wanted);
    }
    Ok(code)
}

/// The text with our names of functions and types.
fn spelled(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_digit() || c == '.' {
            let number = |c: char| c.is_ascii_alphanumeric() || c == '.';
            let len = rest.find(|c| !number(c)).unwrap_or(rest.len());
            out += &rest[..len];
            rest = &rest[len..];
        } else if c.is_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len());
            let called = rest[len..].trim_start().starts_with('(');
            out += &word(&rest[..len], called);
            rest = &rest[len..];
        } else {
            out.push(if c == '\n' { ' ' } else { c });
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn word(word: &str, called: bool) -> String {
    let short = ["dace.math.", "dace.", "math.", "numpy.", "np."]
        .iter()
        .find_map(|p| word.strip_prefix(p))
        .unwrap_or(word);
    if !called {
        return short.to_string();
    }
    let known = match short {
        "float" | "double" => "f64",
        "int" => "i64",
        "bool" | "bool_" => "bool",
        "min" | "Min" => "minimum",
        "max" | "Max" => "maximum",
        "asin" => "arcsin",
        "acos" => "arccos",
        "atan" => "arctan",
        "atan2" => "arctan2",
        "asinh" => "arcsinh",
        "acosh" => "arccosh",
        "atanh" => "arctanh",
        "tgamma" => "gamma",
        "fabs" | "Abs" => "abs",
        "pow" => "power",
        "py_floor" | "int_floor" => "floor_divide",
        "py_mod" => "remainder",
        _ => match DType::from_numpy(short) {
            Some(dtype) => dtype.short(),
            None => short,
        },
    };
    known.to_string()
}

fn to(e: Typed, dtype: DType) -> Expr {
    match e {
        (e, own) if own == dtype => e,
        (Expr::Lit(Scalar::Int(_, v)), _) if dtype.is_int() => Expr::Lit(Scalar::Int(dtype, v)),
        (Expr::Lit(Scalar::Int(_, v)), _) if dtype == DType::F64 => Expr::f64(v as f64),
        (Expr::Lit(Scalar::Int(_, v)), _) if dtype == DType::F32 => Expr::Lit(Scalar::F32(v as f32)),
        (e, _) => Expr::cast(dtype, e),
    }
}

/// C's usual arithmetic conversions.
fn common(a: DType, b: DType) -> DType {
    use DType::*;
    if a.is_complex() || b.is_complex() {
        return a.promote(b);
    }
    match (a, b) {
        (F64, _) | (_, F64) => F64,
        (F32, _) | (_, F32) => F32,
        (F16, _) | (_, F16) => F16,
        _ => {
            let (a, b) = (arithmetic(a), arithmetic(b));
            if a == b {
                a
            } else if a.size() != b.size() {
                if a.size() > b.size() { a } else { b }
            } else if a.is_unsigned() {
                a
            } else {
                b
            }
        }
    }
}

/// Small integers and `bool` become `int`.
fn arithmetic(t: DType) -> DType {
    if t == DType::Bool || (t.is_int() && t.size() < 4) { DType::I32 } else { t }
}

fn typed(e: &Expr, scope: &Scope) -> Result<Typed, String> {
    let sub = |e: &Expr| typed(e, scope);
    Ok(match e {
        Expr::Lit(Scalar::Int(DType::I64, v)) if i32::try_from(*v).is_ok() => {
            (Expr::Lit(Scalar::Int(DType::I32, *v)), DType::I32)
        }
        Expr::Lit(s) => (e.clone(), s.dtype()),
        Expr::Var(name) => {
            (e.clone(), *scope.vars.get(name).ok_or_else(|| format!("unknown name '{name}'"))?)
        }
        Expr::Sym(_) => (e.clone(), DType::I64),
        Expr::Un(UnOp::Not, a) => (Expr::un(UnOp::Not, to(sub(a)?, DType::Bool)), DType::Bool),
        Expr::Un(op, a) => {
            let a = sub(a)?;
            let dtype = arithmetic(a.1);
            let result = if *op == UnOp::Abs { dtype.part() } else { dtype };
            (Expr::un(*op, to(a, dtype)), result)
        }
        Expr::Bin(op, a, b) => return binary(*op, sub(a)?, sub(b)?),
        Expr::Call(func, a) => {
            let a = sub(a)?;
            let dtype = match func {
                Func::Conj | Func::Real | Func::Imag if a.1 == DType::F32 => DType::C64,
                Func::Conj | Func::Real | Func::Imag if !a.1.is_complex() => DType::C128,
                _ if a.1.is_float() || a.1.is_complex() => a.1,
                _ => DType::F64,
            };
            let result = call_type(*func, dtype).map_err(|e| e.to_string())?;
            (Expr::call(*func, to(a, dtype)), result)
        }
        Expr::Select(c, a, b) => {
            let (c, a, b) = (to(sub(c)?, DType::Bool), sub(a)?, sub(b)?);
            let dtype = if a.1 == b.1 { a.1 } else { common(a.1, b.1) };
            (Expr::select(c, to(a, dtype), to(b, dtype)), dtype)
        }
        // The parts of a complex number, in the precision of its type.
        Expr::Cast(dtype, pair) if dtype.is_complex() && matches!(**pair, Expr::Bin(BinOp::Complex, ..)) => {
            let parts = pair.operands().into_iter().map(|e| Ok(to(sub(e)?, dtype.part())));
            let mut parts = parts.collect::<Result<Vec<Expr>, String>>()?.into_iter();
            let (Some(re), Some(im)) = (parts.next(), parts.next()) else {
                return Err("a complex number without parts".into());
            };
            (Expr::bin(BinOp::Complex, re, im), *dtype)
        }
        Expr::Cast(dtype, a) => {
            let a = sub(a)?;
            (to(a, *dtype), *dtype)
        }
        Expr::Index(array, at) => {
            let at = at.iter().map(|e| Ok(to(sub(e)?, DType::I64))).collect::<Result<_, String>>()?;
            let dtype = *scope.vars.get(array).ok_or_else(|| format!("unknown name '{array}'"))?;
            (Expr::Index(*array, at), dtype)
        }
    })
}

fn binary(op: BinOp, a: Typed, b: Typed) -> Result<Typed, String> {
    let dtype = match op {
        BinOp::And | BinOp::Or => DType::Bool,
        BinOp::BitAnd | BinOp::BitOr | BinOp::BitXor if a.1 == DType::Bool && b.1 == DType::Bool => {
            DType::Bool
        }
        BinOp::Atan2 | BinOp::Hypot | BinOp::CopySign | BinOp::Fmod | BinOp::NextAfter | BinOp::Complex => {
            let common = common(a.1, b.1);
            if common.is_float() { common } else { DType::F64 }
        }
        _ => common(a.1, b.1),
    };
    if op == BinOp::Div && dtype.is_int() {
        return Err("'/' between integers, which truncates in DaCe".into());
    }
    let result = binary_type(op, dtype).map_err(|e| e.to_string())?;
    Ok((Expr::bin(op, to(a, dtype), to(b, dtype)), result))
}
