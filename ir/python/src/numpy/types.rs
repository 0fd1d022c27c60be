//! Element types as values: `np.dtype`, `np.result_type`, `np.finfo`, `np.iinfo`.

use weft_ir::dtype::{DType, Scalar, f16};
use weft_ir::sdfg::Span;
use weft_ir::tasklet;

use super::Function;
use crate::args::Bound;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::promote::{common, int_range};
use crate::value::{Kind, Value};

pub const FUNCTIONS: &[Function] = &[
    Function::new("numpy.dtype", "dtype, ~align=None, ~copy=None", dtype),
    Function::new("numpy.result_type", "*args", result_type),
    Function::new("numpy.promote_types", "type1, type2", promote_types),
    Function {
        name: "numpy.finfo",
        parameters: "dtype",
        run: |s, b| limits(s, b, "finfo"),
        limits: "The attributes eps, epsneg, max, min, tiny, smallest_normal, smallest_subnormal, resolution, bits, precision and dtype are known.",
    },
    Function {
        name: "numpy.iinfo",
        parameters: "type",
        run: |s, b| limits(s, b, "iinfo"),
        limits: "The attributes max, min, bits and dtype are known; the maximum of uint64 is not supported.",
    },
];

fn as_path(t: DType) -> Value {
    Value::Path(format!("numpy.{}", t.numpy()))
}

fn dtype(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let t = b.get("dtype");
    s.dtype_of(&t, b.span).map(as_path)
}

fn result_type(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let mut kinds = vec![];
    for v in std::mem::take(&mut b.rest) {
        kinds.push(match v.kind() {
            Some(kind) => kind,
            None => Kind::Np(s.dtype_of(&v, b.span)?),
        });
    }
    if kinds.is_empty() {
        return fail(b.span, "at least one array or dtype is required");
    }
    Ok(as_path(common(&kinds)))
}

fn promote_types(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (x, y) = (b.get("type1"), b.get("type2"));
    Ok(as_path(s.dtype_of(&x, b.span)?.promote(s.dtype_of(&y, b.span)?)))
}

fn limits(s: &mut Importer, b: &mut Bound, name: &str) -> Res<Value> {
    let v = if name == "finfo" { b.get("dtype") } else { b.get("type") };
    let t = match v.kind() {
        Some(kind) => kind.dtype(),
        None => s.dtype_of(&v, b.span)?,
    };
    let t = match t {
        DType::C64 if name == "finfo" => DType::F32,
        DType::C128 if name == "finfo" => DType::F64,
        t => t,
    };
    if (name == "finfo" && !t.is_float()) || (name == "iinfo" && !t.is_int()) {
        return fail(b.span, format!("np.{name} of {}", t.numpy()));
    }
    Ok(Value::Path(format!("numpy.{name}({})", t.numpy())))
}

impl Importer<'_> {
    /// A path that may be an attribute of an element type or of its limits; else the path itself.
    pub fn type_attribute(&mut self, path: String, span: Span) -> Res<Value> {
        let Some(name) = path.strip_prefix("numpy.") else { return Ok(Value::Path(path)) };
        for kind in ["finfo(", "iinfo("] {
            if let Some((t, attribute)) = name.strip_prefix(kind).and_then(|rest| rest.split_once(")."))
                && let Some(t) = DType::from_numpy(t)
            {
                return limit(t, attribute, span);
            }
        }
        let Some((t, attribute)) = name.split_once('.') else { return Ok(Value::Path(path)) };
        let Some(t) = DType::from_numpy(t) else { return Ok(Value::Path(path)) };
        match attribute {
            "itemsize" => Ok(Value::int(t.size() as i64)),
            "name" => Ok(Value::Str(t.numpy().into())),
            "type" => Ok(as_path(t)),
            "kind" => Ok(Value::Str(
                match t {
                    DType::Bool => "b",
                    t if t.is_signed() => "i",
                    t if t.is_unsigned() => "u",
                    t if t.is_float() => "f",
                    _ => "c",
                }
                .into(),
            )),
            _ => Ok(Value::Path(path)),
        }
    }
}

fn limit(t: DType, attribute: &str, span: Span) -> Res<Value> {
    let bits = Value::int(8 * t.size() as i64);
    match attribute {
        "bits" => return Ok(bits),
        "dtype" => return Ok(as_path(t)),
        _ => {}
    }
    if let Some((low, high)) = int_range(t) {
        let value = match attribute {
            "max" => high,
            "min" => low,
            _ => return fail(span, format!("np.iinfo has no attribute '{attribute}'")),
        };
        return match i64::try_from(value) {
            Ok(i) => Ok(Value::int(i)),
            Err(_) => fail_hint(span, "the integer is too large", "integers have 64 bits here"),
        };
    }
    let pick = |half: f16, narrow: f32, wide: f64| match t {
        DType::F16 => f64::from(half),
        DType::F32 => f64::from(narrow),
        _ => wide,
    };
    let value = match attribute {
        "eps" => pick(f16::EPSILON, f32::EPSILON, f64::EPSILON),
        "epsneg" => pick(f16::from_f32(f16::EPSILON.to_f32() / 2.0), f32::EPSILON / 2.0, f64::EPSILON / 2.0),
        "max" => pick(f16::MAX, f32::MAX, f64::MAX),
        "min" => pick(f16::MIN, f32::MIN, f64::MIN),
        "tiny" | "smallest_normal" => pick(f16::MIN_POSITIVE, f32::MIN_POSITIVE, f64::MIN_POSITIVE),
        "smallest_subnormal" => pick(f16::from_bits(1), f32::from_bits(1), f64::from_bits(1)),
        "resolution" => pick(f16::from_f32(1e-3), 1e-6, 1e-15),
        "precision" => return Ok(Value::int(pick(f16::from_f32(3.0), 6.0, 15.0) as i64)),
        _ => return fail(span, format!("the attribute '{attribute}' of np.finfo is not known")),
    };
    Ok(Value::lit(Kind::Np(t), tasklet::cast(t, Scalar::F64(value))))
}
