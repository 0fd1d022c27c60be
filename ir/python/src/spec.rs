//! Argument specs: what to call a kernel with. `samples/README.md` documents the format.
//!
//! Also reads the part of NPBench's `bench_info` files that says sizes and parameters. This
//! module takes texts and gives bytes: it opens no file.

use std::collections::BTreeMap;

use serde::Deserialize;
use weft_ir::symbolic::Expr;
use weft_ir::{DType, Name};

mod fill;
mod formula;

pub use fill::{Fill, random_array};
pub use formula::{Formula, Operator, Written};

/// The spec's writer is at fault.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpecError {
    #[error("{0}")]
    Toml(String),
    #[error("[args.{name}]: {reason}")]
    Arg { name: String, reason: String },
    #[error("no size '{size}'; there are {among}")]
    Size { size: String, among: String },
    #[error("the size {name} is an integer, not {value}")]
    Float { name: String, value: f64 },
}

/// One parameter of the function.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// `kind`: `int`, `float`, `bool`, `complex`, or `scalar` for a NumPy scalar of `dtype`.
    Scalar {
        kind: &'static str,
        dtype: DType,
        value: Formula,
    },
    Array {
        dtype: DType,
        shape: Vec<Expr>,
        fill: Fill,
    },
}

/// Sizes and arguments of one function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    pub function: Option<String>,
    /// Preset -> symbol -> value, presets in the order of the file.
    pub sizes: Vec<(String, BTreeMap<String, Written>)>,
    pub args: BTreeMap<String, Arg>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    function: Option<Function>,
    #[serde(default)]
    sizes: toml::Table,
    #[serde(default)]
    args: BTreeMap<String, RawArg>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArg {
    #[serde(rename = "type")]
    kind: String,
    value: Option<toml::Value>,
    shape: Option<Vec<toml::Value>>,
    fill: Option<String>,
}

/// Reads the TOML beside a kernel.
pub fn parse(text: &str) -> Result<Spec, SpecError> {
    let file: File = toml::from_str(text).map_err(|e| SpecError::Toml(e.to_string()))?;
    let mut spec = Spec { function: file.function.map(|f| f.name), ..Spec::default() };
    for (preset, values) in file.sizes {
        let table =
            values.as_table().ok_or_else(|| SpecError::Toml(format!("[sizes] {preset}: not a table")))?;
        let number = |v: &toml::Value| match v {
            toml::Value::Integer(i) => Some(Written::Int(*i)),
            toml::Value::Float(x) => Some(Written::Float(*x)),
            _ => None,
        };
        let symbols: Option<BTreeMap<String, Written>> =
            table.iter().map(|(k, v)| Some((k.clone(), number(v)?))).collect();
        let symbols = symbols.ok_or_else(|| SpecError::Toml(format!("[sizes] {preset}: numbers, please")))?;
        spec.sizes.push((preset, symbols));
    }
    for (name, raw) in file.args {
        let arg = argument(&raw).map_err(|reason| SpecError::Arg { name: name.clone(), reason })?;
        spec.args.insert(name, arg);
    }
    Ok(spec)
}

fn argument(raw: &RawArg) -> Result<Arg, String> {
    let python =
        [("int", DType::I64), ("float", DType::F64), ("bool", DType::Bool), ("complex", DType::C128)];
    let found = python.into_iter().find(|(kind, _)| *kind == raw.kind && raw.shape.is_none());
    let numpy = || match raw.kind.as_str() {
        "bool_" => Some(DType::Bool),
        "int" => Some(DType::I64),
        "float" => Some(DType::F64),
        other => DType::from_numpy(other),
    };
    let (kind, dtype) = match found {
        Some(found) => found,
        None => {
            ("scalar", numpy().ok_or_else(|| format!("'{}' is not a type of Python or NumPy", raw.kind))?)
        }
    };
    match (&raw.shape, &raw.value) {
        (Some(shape), None) => {
            let shape = shape.iter().map(extent).collect::<Result<_, _>>()?;
            let fill = raw.fill.as_deref().unwrap_or("uniform");
            Ok(Arg::Array { dtype, shape, fill: Fill::parse(fill)? })
        }
        (None, Some(value)) => Ok(Arg::Scalar { kind, dtype, value: number(value)? }),
        _ => Err("needs either 'shape' (an array) or 'value' (a scalar)".into()),
    }
}

fn extent(value: &toml::Value) -> Result<Expr, String> {
    match value {
        toml::Value::Integer(n) => Ok(Expr::int(*n)),
        toml::Value::String(text) => Expr::parse(text).map_err(|e| format!("shape '{text}': {}", e.message)),
        other => Err(format!("shape: {other} is neither an integer nor an expression")),
    }
}

fn number(value: &toml::Value) -> Result<Formula, String> {
    match value {
        toml::Value::Integer(n) => Ok(Formula::Number(Written::Int(*n))),
        toml::Value::Float(x) => Ok(Formula::Number(Written::Float(*x))),
        toml::Value::Boolean(b) => Ok(Formula::Number(Written::Int(*b as i64))),
        toml::Value::String(text) => Formula::parse(text).map_err(|e| format!("value '{text}': {e}")),
        other => Err(format!("value: {other} is neither a number nor an expression")),
    }
}

/// Kind, type, shape and little-endian bytes in C order.
pub type Elements = (&'static str, DType, Vec<usize>, Vec<u8>);

impl Spec {
    /// The symbols of a preset; the first one if `None`. `set` overrides.
    pub fn symbols(
        &self,
        size: Option<&str>,
        set: &BTreeMap<String, Written>,
    ) -> Result<BTreeMap<String, Written>, SpecError> {
        let chosen = match size {
            None => self.sizes.first(),
            Some(name) => {
                Some(self.sizes.iter().find(|(n, _)| n == name).ok_or_else(|| SpecError::Size {
                    size: name.to_string(),
                    among: self.sizes.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(", "),
                })?)
            }
        };
        let mut symbols = chosen.map(|(_, s)| s.clone()).unwrap_or_default();
        for (name, &value) in set {
            match (symbols.get_mut(name), value) {
                (Some(Written::Int(_)), Written::Float(value)) => {
                    return Err(SpecError::Float { name: name.clone(), value });
                }
                (Some(symbol), value) => *symbol = value,
                (None, _) => {}
            }
        }
        Ok(symbols)
    }

    /// Extents of an array in the spec's symbols, for readable names.
    pub fn extents(&self, name: &str) -> Option<Vec<String>> {
        match self.args.get(name)? {
            Arg::Array { shape, .. } => Some(shape.iter().map(|e| e.to_string()).collect()),
            Arg::Scalar { .. } => None,
        }
    }

    /// One argument's elements; the kind is as in [`Arg::Scalar`], or `array`.
    pub fn value<V: Copy + Into<Written>>(
        &self,
        name: &str,
        symbols: &BTreeMap<String, V>,
    ) -> Result<Elements, SpecError> {
        let fail = |reason: String| SpecError::Arg { name: name.to_string(), reason };
        let arg = self.args.get(name).ok_or_else(|| fail("is missing in the spec".into()))?;
        let lookup = |n: Name| match (*symbols.get(n.as_str())?).into() {
            Written::Int(i) => Some(i),
            Written::Float(_) => None,
        };
        let eval = |e: &Expr| e.eval(&lookup).map_err(|error| fail(format!("{e}: {error}")));
        match arg {
            Arg::Scalar { kind, dtype, value } => {
                let bytes = value.eval(symbols).and_then(|n| fill::encode_number(*dtype, n)).map_err(fail)?;
                Ok((kind, *dtype, vec![], bytes))
            }
            Arg::Array { dtype, shape, fill } => {
                let mut extents = vec![];
                for e in shape {
                    let n = eval(e)?;
                    extents.push(
                        usize::try_from(n).map_err(|_| fail(format!("the extent {e} is negative ({n})")))?,
                    );
                }
                let bytes = fill::fill_array(name, *dtype, &extents, fill, symbols).map_err(fail)?;
                Ok(("array", *dtype, extents, bytes))
            }
        }
    }
}

/// What NPBench's `bench_info/NAME.json` says; the data come from its `initialize` function.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchInfo {
    pub sizes: Vec<(String, BTreeMap<String, Written>)>,
    /// The module that holds `initialize`, without `.py`.
    pub module: String,
    /// Its name, parameters and results; `None` if the kernel needs sizes only.
    pub init: Option<(String, Vec<String>, Vec<String>)>,
    /// The kernel's parameters.
    pub input_args: Vec<String>,
}

/// Reads NPBench's description of a kernel.
pub fn parse_bench_info(text: &str) -> Result<BenchInfo, SpecError> {
    #[derive(Deserialize)]
    struct Outer {
        benchmark: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        parameters: serde_json::Map<String, serde_json::Value>,
        module_name: String,
        init: Option<Init>,
        input_args: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Init {
        func_name: String,
        input_args: Vec<String>,
        output_args: Vec<String>,
    }
    let outer: Outer = serde_json::from_str(text).map_err(|e| SpecError::Toml(e.to_string()))?;
    let inner = outer.benchmark;
    let sizes = inner
        .parameters
        .into_iter()
        .map(|(preset, values)| {
            let table = values.as_object().cloned().unwrap_or_default();
            let number = |v: &serde_json::Value| {
                v.as_i64().map(Written::Int).or_else(|| v.as_f64().map(Written::Float))
            };
            (preset, table.iter().filter_map(|(k, v)| Some((k.clone(), number(v)?))).collect())
        })
        .collect();
    Ok(BenchInfo {
        sizes,
        module: inner.module_name,
        init: inner.init.map(|i| (i.func_name, i.input_args, i.output_args)),
        input_args: inner.input_args,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [function]
        name = "f"
        [sizes]
        S = { N = 4 }
        M = { N = 8 }
        [args.n]
        type = "int"
        value = "2 * N"
        [args.A]
        type = "float32"
        shape = ["N + 1", 3]
        fill = "uniform:1:2"
        [args.P]
        type = "float64"
        shape = ["N", "N"]
        fill = "spd"
    "#;

    #[test]
    fn arguments_of_a_spec() {
        let spec = parse(TEXT).expect("parses");
        let symbols = spec.symbols(None, &BTreeMap::new()).expect("first preset");
        let (kind, _, _, bytes) = spec.value("n", &symbols).expect("a scalar");
        assert_eq!((kind, bytes), ("int", 8i64.to_le_bytes().to_vec()));
        let (_, dtype, shape, bytes) = spec.value("A", &symbols).expect("an array");
        assert_eq!((dtype, shape, bytes.len()), (DType::F32, vec![5, 3], 60));
        assert!(
            bytes.chunks(4).all(|b| (1.0..2.0).contains(&f32::from_le_bytes(b.try_into().expect("four"))))
        );
        assert_eq!(spec.extents("A"), Some(vec!["N + 1".into(), "3".into()]));
        assert!(spec.symbols(Some("XL"), &BTreeMap::new()).is_err());
    }

    #[test]
    fn numbers_are_what_they_are_written_as() {
        let number = |text: &str| text.parse::<Written>().ok();
        assert_eq!(number("2"), Some(Written::Int(2)));
        assert_eq!(number("2.0"), Some(Written::Float(2.0)));
        assert_eq!(number("-1e3"), Some(Written::Float(-1000.0)));
        assert_eq!(number("99999999999999999999"), None);
        assert_eq!(number("two"), None);
        let spec = parse(TEXT).expect("parses");
        let set = |value| BTreeMap::from([("N".to_string(), value)]);
        assert_eq!(spec.symbols(None, &set(Written::Int(7))).expect("a size")["N"], Written::Int(7));
        assert!(spec.symbols(None, &set(Written::Float(7.0))).is_err());
    }

    #[test]
    fn faults_are_named() {
        for (text, part) in [
            ("[args.A]\ntype = \"float6\"\nshape = [1]", "float6"),
            ("[args.A]\ntype = \"float64\"", "either"),
            ("[args.A]\ntype = \"float64\"\nshape = [\"N +\"]", "shape"),
            ("[args.A]\ntype = \"float64\"\nshape = [1]\nfill = \"what\"", "fill"),
            ("[sizes]\nS = 3", "S"),
            ("nonsense", ""),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
