//! What the functions that are written in Python ask about their arguments; `weft.kind(a)` there.

use weft_ir::dtype::{DType, Scalar, f16};
use weft_ir::sdfg::library::float_part;
use weft_ir::symbolic::{Expr, Fact, Truth};
use weft_ir::tasklet::BinOp;

use super::Function;
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail, fail_hint};
use crate::promote::{Binary, float_of};
use crate::value::{Kind, Value};

pub const FUNCTIONS: &[Function] = &[
    Function { name: "weft.kind", parameters: "a", run: kind, limits: "" },
    Function { name: "weft.count", parameters: "a, axis=None", run: count, limits: "" },
    Function { name: "weft.sum_type", parameters: "a", run: sum_type, limits: "" },
    Function { name: "weft.float_type", parameters: "a", run: float_type, limits: "" },
    Function { name: "weft.math_type", parameters: "a", run: math_type, limits: "" },
    Function::new("weft.complex_type", "a", complex_type),
    Function::new("weft.real_type", "a", real_type),
    Function { name: "weft.largest", parameters: "a", run: largest, limits: "" },
    Function { name: "weft.places", parameters: "mask", run: places, limits: "" },
    Function::new("weft.complex", "re, im", complex),
    Function::new("weft.is_more", "a, b", is_more),
    Function::new("weft.is_python", "x", is_python),
    Function::new("weft.is_function", "x", is_function),
    Function::new("weft.is_sliced", "indices", is_sliced),
    Function::new("weft.like", "x, value", like),
    Function { name: "weft.refuse", parameters: "reason, hint", run: refuse, limits: "" },
];

fn element(s: &mut Importer, b: &mut Bound) -> Res<DType> {
    let a = s.array_like(b.get("a"), b.span)?;
    match a.kind().map(Kind::dtype) {
        Some(t) => Ok(t),
        None => fail(b.span, format!("{} has no element type", a.describe())),
    }
}

/// Is there a slice, `...` or None among the indices?
fn is_sliced(_: &mut Importer, b: &mut Bound) -> Res<Value> {
    let sliced = |v: &Value| matches!(v, Value::Slice(_) | Value::Ellipsis | Value::None);
    Ok(Value::bool(match b.get("indices") {
        Value::Tuple(items) => items.iter().any(sliced),
        other => sliced(&other),
    }))
}

/// `'b'`, `'i'`, `'u'`, `'f'` or `'c'`, as NumPy's `dtype.kind`.
fn kind(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    Ok(Value::Str(
        match element(s, b)? {
            DType::Bool => "b",
            t if t.is_unsigned() => "u",
            t if t.is_int() => "i",
            t if t.is_complex() => "c",
            _ => "f",
        }
        .into(),
    ))
}

/// How many elements a reduction over `axis` combines.
fn count(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let a = s.array_like(b.get("a"), b.span)?;
    let shape = a.shape();
    let dims = s.axes(b.given("axis"), shape.len(), b.span)?;
    Ok(Value::sym(dims.iter().fold(Expr::one(), |n, &d| &n * &shape[d])))
}

/// The type in which NumPy adds up.
fn sum_type(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let t = super::reduce::sum_type(element(s, b)?);
    Ok(Value::Path(format!("numpy.{}", t.numpy())))
}

/// The type of a quotient by an integer.
fn float_type(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let t = element(s, b)?;
    let t = if t.is_float() || t.is_complex() { t } else { DType::F64 };
    Ok(Value::Path(format!("numpy.{}", t.numpy())))
}

/// The type in which NumPy computes a mathematical function.
fn math_type(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    Ok(Value::Path(format!("numpy.{}", float_of(element(s, b)?).numpy())))
}

/// The type in which NumPy transforms.
fn complex_type(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    Ok(Value::Path(match element(s, b)? {
        DType::F16 | DType::F32 | DType::C64 => "numpy.complex64".into(),
        _ => "numpy.complex128".into(),
    }))
}

/// The type of the real part.
fn real_type(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let t = float_part(element(s, b)?);
    Ok(Value::Path(format!("numpy.{}", t.numpy())))
}

/// A complex number of its parts.
fn complex(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (re, im) = (b.get("re"), b.get("im"));
    s.ufunc2(Binary::Op(BinOp::Complex), &re, &im, b.span)
}

/// The largest finite number of a floating-point type.
fn largest(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    Ok(match element(s, b)? {
        DType::F16 => Value::lit(Kind::Np(DType::F16), Scalar::F16(f16::MAX)),
        DType::F32 | DType::C64 => Value::lit(Kind::Np(DType::F32), Scalar::F32(f32::MAX)),
        _ => Value::float(f64::MAX),
    })
}

/// How many elements of a mask are true: an int that is bounded by the mask's extent.
fn places(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let mask = b.get("mask");
    let most = mask.shape().first().cloned().unwrap_or(Expr::one());
    let total = s.call_path("numpy.sum", Args::new("sum", vec![mask], b.span))?;
    let n = s.as_int(&total, b.span)?;
    s.assume(Fact::NonNeg(n.clone()));
    s.assume(Fact::NonNeg(&most - &n));
    if let Some(symbol) = n.as_sym() {
        s.bounds.insert(symbol, most);
    }
    Ok(Value::sym(n))
}

/// `a > b` of extents, decided by the arguments at hand where they do.
fn is_more(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (x, y) = (b.get("a"), b.get("b"));
    let (m, n) = (s.as_int(&x, b.span)?, s.as_int(&y, b.span)?);
    match s.nonneg_everywhere(&(&m - &n - 1), b.span)? {
        Truth::Unknown => s.binary(BinOp::Gt, &x, &y, b.span),
        known => Ok(Value::bool(known.is_yes())),
    }
}

/// Is this a number of Python's?
fn is_python(_: &mut Importer, b: &mut Bound) -> Res<Value> {
    let kind = b.get("x").kind();
    Ok(Value::bool(kind.is_some_and(Kind::is_python)))
}

fn is_function(_: &mut Importer, b: &mut Bound) -> Res<Value> {
    let x = b.get("x");
    Ok(Value::bool(matches!(x, Value::Path(_) | Value::User(..) | Value::Closure(_))))
}

/// The value as a number of the kind of `x`.
fn like(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let value = b.get("value");
    match b.get("x").kind() {
        Some(Kind::Int) => s.truncated(&value, b.span),
        Some(kind) if kind.is_python() => s.python_scalar(&value, kind, b.span),
        _ => Ok(value),
    }
}

fn refuse(_: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (reason, hint) = (b.text("reason")?, b.text("hint")?);
    fail_hint(b.span, reason.unwrap_or_default(), hint.unwrap_or_default())
}
