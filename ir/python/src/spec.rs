//! Argument specs: what to call a kernel with. `samples/README.md` documents the format.
//!
//! Also reads the part of NPBench's `bench_info` files that says sizes and parameters. This
//! module takes texts and gives bytes: it opens no file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weft_ir::symbolic::Expr;
use weft_ir::{DType, Name};

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

/// A number as a user writes it: `2` is an int and `2.0` a float, as in Python.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Written {
    Int(i64),
    Float(f64),
}

impl std::str::FromStr for Written {
    type Err = std::num::ParseFloatError;

    fn from_str(text: &str) -> Result<Written, Self::Err> {
        // A whole number that 64 bits do not hold must not turn into another one.
        let whole = text.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(i) => Ok(Written::Int(i)),
            Err(_) if whole => "".parse::<f64>().map(Written::Float),
            Err(_) => text.parse().map(Written::Float),
        }
    }
}

/// One parameter of the function.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// `kind`: `int`, `float`, `bool`, `complex`, or `scalar` for a NumPy scalar of `dtype`.
    Scalar {
        kind: &'static str,
        dtype: DType,
        value: Number,
    },
    Array {
        dtype: DType,
        shape: Vec<Expr>,
        fill: Fill,
    },
}

/// A number, or an integer expression in the symbols.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    Float(f64),
    Expr(Expr),
}

/// How an array is filled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    Constant(f64),
    Uniform(f64, f64),
    Normal,
    Integers(i64, i64),
    /// Symmetric positive definite.
    Spd,
}

/// Sizes and arguments of one function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    pub function: Option<String>,
    /// Preset -> symbol -> value, presets in the order of the file.
    pub sizes: Vec<(String, BTreeMap<String, i64>)>,
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
        let symbols: Option<BTreeMap<String, i64>> =
            table.iter().map(|(k, v)| Some((k.clone(), v.as_integer()?))).collect();
        let symbols =
            symbols.ok_or_else(|| SpecError::Toml(format!("[sizes] {preset}: integers, please")))?;
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
            Ok(Arg::Array { dtype, shape, fill: parse_fill(fill)? })
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

fn number(value: &toml::Value) -> Result<Number, String> {
    match value {
        toml::Value::Integer(n) => Ok(Number::Expr(Expr::int(*n))),
        toml::Value::Float(x) => Ok(Number::Float(*x)),
        toml::Value::Boolean(b) => Ok(Number::Expr(Expr::int(*b as i64))),
        toml::Value::String(text) => match text.parse::<f64>() {
            Ok(x) if text.parse::<i64>().is_err() => Ok(Number::Float(x)),
            _ => Expr::parse(text).map(Number::Expr).map_err(|e| format!("value '{text}': {}", e.message)),
        },
        other => Err(format!("value: {other} is neither a number nor an expression")),
    }
}

fn parse_fill(text: &str) -> Result<Fill, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let real = |t: &str| t.parse::<f64>().map_err(|_| format!("fill '{text}': '{t}' is not a number"));
    let whole = |t: &str| t.parse::<i64>().map_err(|_| format!("fill '{text}': '{t}' is not an integer"));
    Ok(match parts[..] {
        ["zeros"] => Fill::Constant(0.0),
        ["ones"] => Fill::Constant(1.0),
        ["uniform"] => Fill::Uniform(0.0, 1.0),
        ["uniform", low, high] => Fill::Uniform(real(low)?, real(high)?),
        ["normal"] => Fill::Normal,
        ["integers", low, high] if whole(low)? < whole(high)? => Fill::Integers(whole(low)?, whole(high)?),
        ["spd"] => Fill::Spd,
        _ => {
            return Err(format!(
                "fill '{text}' is none of zeros, ones, uniform[:LO:HI], normal, integers:LO:HI, spd"
            ));
        }
    })
}

/// Kind, type, shape and little-endian bytes in C order.
pub type Elements = (&'static str, DType, Vec<usize>, Vec<u8>);

impl Spec {
    /// The symbols of a preset; the first one if `None`. `set` overrides.
    pub fn symbols(
        &self,
        size: Option<&str>,
        set: &BTreeMap<String, Written>,
    ) -> Result<BTreeMap<String, i64>, SpecError> {
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
        for (name, value) in set {
            if symbols.contains_key(name) {
                match *value {
                    Written::Int(i) => symbols.insert(name.clone(), i),
                    Written::Float(value) => return Err(SpecError::Float { name: name.clone(), value }),
                };
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
    pub fn value(&self, name: &str, symbols: &BTreeMap<String, i64>) -> Result<Elements, SpecError> {
        let fail = |reason: String| SpecError::Arg { name: name.to_string(), reason };
        let arg = self.args.get(name).ok_or_else(|| fail("is missing in the spec".into()))?;
        let lookup = |n: Name| symbols.get(n.as_str()).copied();
        let eval = |e: &Expr| e.eval(&lookup).map_err(|error| fail(format!("{e}: {error}")));
        match arg {
            Arg::Scalar { kind, dtype, value } => {
                let value = match value {
                    Number::Float(x) => *x,
                    Number::Expr(e) => eval(e)? as f64,
                };
                Ok((kind, *dtype, vec![], encode(*dtype, value)))
            }
            Arg::Array { dtype, shape, fill } => {
                let mut extents = vec![];
                for e in shape {
                    let n = eval(e)?;
                    extents.push(
                        usize::try_from(n).map_err(|_| fail(format!("the extent {e} is negative ({n})")))?,
                    );
                }
                let bytes = fill_array(name, *dtype, &extents, *fill).map_err(fail)?;
                Ok(("array", *dtype, extents, bytes))
            }
        }
    }
}

fn encode(dtype: DType, x: f64) -> Vec<u8> {
    match dtype {
        DType::Bool => vec![(x != 0.0) as u8],
        DType::I8 => (x as i8).to_le_bytes().to_vec(),
        DType::I16 => (x as i16).to_le_bytes().to_vec(),
        DType::I32 => (x as i32).to_le_bytes().to_vec(),
        DType::I64 => (x as i64).to_le_bytes().to_vec(),
        DType::U8 => (x as u8).to_le_bytes().to_vec(),
        DType::U16 => (x as u16).to_le_bytes().to_vec(),
        DType::U32 => (x as u32).to_le_bytes().to_vec(),
        DType::U64 => (x as u64).to_le_bytes().to_vec(),
        DType::F32 => (x as f32).to_le_bytes().to_vec(),
        DType::F64 => x.to_le_bytes().to_vec(),
        DType::C64 => [(x as f32).to_le_bytes(), 0f32.to_le_bytes()].concat(),
        DType::C128 => [x.to_le_bytes(), 0f64.to_le_bytes()].concat(),
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and good enough for test data.
struct Random(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// Seeded by the argument's name, so that arguments differ and runs do not.
    fn for_argument(name: &str) -> Random {
        Random(name.bytes().fold(42, |h, b| (h ^ b as u64).wrapping_mul(0x100_0000_01b3)))
    }

    /// The same numbers from the one after the first `draws`.
    fn after(&self, draws: u64) -> Random {
        Random(self.0.wrapping_add(draws.wrapping_mul(STEP)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 ≤ x < 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Box and Muller's transform.
    fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

impl Fill {
    /// Random numbers that the real part of an element takes.
    fn draws(self) -> u64 {
        match self {
            Fill::Constant(_) => 0,
            Fill::Normal => 2,
            Fill::Uniform(..) | Fill::Integers(..) | Fill::Spd => 1,
        }
    }

    fn next(self, random: &mut Random) -> f64 {
        match self {
            Fill::Constant(x) => x,
            Fill::Uniform(low, high) => low + random.uniform() * (high - low),
            Fill::Normal => random.normal(),
            Fill::Integers(low, high) => {
                (low as i128 + (random.next() as i128 % (high as i128 - low as i128))) as f64
            }
            // Filled as a whole.
            Fill::Spd => 0.0,
        }
    }
}

fn has_imaginary(dtype: DType, fill: Fill) -> bool {
    dtype.is_complex() && matches!(fill, Fill::Uniform(..) | Fill::Normal)
}

/// Elements in a row, the first from the next random numbers.
fn fill_part(dtype: DType, fill: Fill, mut random: Random, out: &mut [u8]) {
    match dtype {
        DType::F64 => {
            for slot in out.chunks_exact_mut(8) {
                slot.copy_from_slice(&fill.next(&mut random).to_le_bytes());
            }
        }
        DType::F32 => {
            for slot in out.chunks_exact_mut(4) {
                slot.copy_from_slice(&(fill.next(&mut random) as f32).to_le_bytes());
            }
        }
        _ => {
            for slot in out.chunks_exact_mut(dtype.size()) {
                slot.copy_from_slice(&encode(dtype, fill.next(&mut random)));
                if has_imaginary(dtype, fill) {
                    let (y, half) = (random.uniform(), slot.len() / 2);
                    if half == 4 {
                        slot[half..].copy_from_slice(&(y as f32).to_le_bytes());
                    } else {
                        slot[half..].copy_from_slice(&y.to_le_bytes());
                    }
                }
            }
        }
    }
}

fn fill_array(name: &str, dtype: DType, shape: &[usize], fill: Fill) -> Result<Vec<u8>, String> {
    let bytes =
        shape.iter().try_fold(dtype.size(), |n, &d| n.checked_mul(d)).filter(|&n| n <= isize::MAX as usize);
    let bytes = bytes.ok_or_else(|| format!("the shape {shape:?} is too large"))?;
    let count = bytes / dtype.size();
    let mut random = Random::for_argument(name);
    let mut out: Vec<u8> = vec![];
    out.try_reserve_exact(bytes).map_err(|_| format!("the shape {shape:?} does not fit into memory"))?;
    if fill == Fill::Spd {
        let [n, m] = shape[..] else { return Err("fill 'spd' needs two dimensions".into()) };
        if n != m {
            return Err(format!("fill 'spd' needs a square, and the shape is {n} by {m}"));
        }
        let u: Vec<f64> = (0..count).map(|_| random.uniform()).collect();
        for i in 0..n {
            for j in 0..n {
                let x = (u[i * n + j] + u[j * n + i]) / 2.0 + if i == j { n as f64 } else { 0.0 };
                out.extend(encode(dtype, x));
            }
        }
        return Ok(out);
    }
    out.resize(bytes, 0);
    let draws = fill.draws() + u64::from(has_imaginary(dtype, fill));
    let threads =
        if count < 1 << 16 { 1 } else { std::thread::available_parallelism().map_or(1, |n| n.get()) };
    let part = count.div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (i, chunk) in out.chunks_mut(part * dtype.size()).enumerate() {
            let random = random.after((i * part) as u64 * draws);
            if threads == 1 {
                fill_part(dtype, fill, random, chunk);
            } else {
                scope.spawn(move || fill_part(dtype, fill, random, chunk));
            }
        }
    });
    Ok(out)
}

/// Evenly spread elements, for a graph that says nothing about its data: 0 ≤ x < 1, or small
/// integers. Little-endian bytes.
pub fn random_array(name: &str, dtype: DType, shape: &[usize]) -> Result<Vec<u8>, SpecError> {
    let fill =
        if dtype.is_float() || dtype.is_complex() { Fill::Uniform(0.0, 1.0) } else { Fill::Integers(0, 2) };
    fill_array(name, dtype, shape, fill).map_err(|reason| SpecError::Arg { name: name.to_string(), reason })
}

/// What NPBench's `bench_info/NAME.json` says; the data come from its `initialize` function.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchInfo {
    pub sizes: Vec<(String, BTreeMap<String, i64>)>,
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
            (preset, table.into_iter().filter_map(|(k, v)| Some((k, v.as_i64()?))).collect())
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
        assert_eq!(spec.symbols(None, &set(Written::Int(7))).expect("a size")["N"], 7);
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
