//! From a file and arguments to a verified graph.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use weft_ir::sdfg::{Sdfg, Source, Verified, verify};
use weft_ir::{DType, Name};
use weft_measure::{HostArray, Phases, bind_symbols, elements, read_npz};
use weft_python::{Diagnostic, Sample, spec};

use super::session::Session;

/// What the user did wrong, or what Weft cannot do yet; exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// About places in the Python file.
    #[error("{}", .1.iter().map(|d| d.render(.0)).collect::<Vec<_>>().join("\n"))]
    Python(Arc<Source>, Vec<Diagnostic>),
    #[error("{0}")]
    Usage(String),
}

impl Problem {
    pub fn usage(text: impl ToString) -> Problem {
        Problem::Usage(text.to_string())
    }
}

/// `FILE` or `FILE.py::FUNC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub file: PathBuf,
    pub function: Option<String>,
}

impl Target {
    pub fn parse(text: &str) -> Target {
        match text.rsplit_once("::") {
            Some((file, function)) => Target { file: file.into(), function: Some(function.to_string()) },
            None => Target { file: text.into(), function: None },
        }
    }

    fn extension(&self) -> &str {
        self.file.extension().and_then(|e| e.to_str()).unwrap_or_default()
    }

    pub fn is_python(&self) -> bool {
        self.extension() == "py"
    }
}

/// Where the arguments come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    pub npz: Option<PathBuf>,
    /// Values of symbols and scalars.
    pub set: BTreeMap<String, f64>,
    /// A preset of the argument spec; the first if `None`.
    pub size: Option<String>,
}

/// A scalar argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    Int(i64),
    Float(f64),
    Bool(bool),
    Complex(f64, f64),
}

/// The arguments of a call, in the function's order.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// Name, kind for the baseline, value; scalars have rank 0.
    pub values: Vec<(String, &'static str, HostArray)>,
}

impl Arguments {
    /// Values of the integer parameters, which are symbols of the graph.
    pub fn symbols(&self, sdfg: &Sdfg) -> BTreeMap<Name, i64> {
        let ints = self.values.iter().filter(|(name, _, value)| {
            value.shape.is_empty() && sdfg.symbols.contains_key(&Name::new(name))
        });
        ints.filter_map(|(name, _, value)| Some((Name::new(name), integer(value)?))).collect()
    }

    pub fn array(&self, name: Name) -> Option<&HostArray> {
        self.values.iter().find(|(n, ..)| n == name.as_str()).map(|(_, _, value)| value)
    }
}

/// The value of a rank-0 integer or `bool`.
pub fn integer(value: &HostArray) -> Option<i64> {
    let b = &value.bytes;
    Some(match value.dtype {
        DType::Bool => b[0] as i64,
        DType::I8 => b[0] as i8 as i64,
        DType::U8 => b[0] as i64,
        DType::I16 => i16::from_le_bytes(b[..2].try_into().ok()?) as i64,
        DType::U16 => u16::from_le_bytes(b[..2].try_into().ok()?) as i64,
        DType::I32 => i32::from_le_bytes(b[..4].try_into().ok()?) as i64,
        DType::U32 => u32::from_le_bytes(b[..4].try_into().ok()?) as i64,
        DType::I64 => i64::from_le_bytes(b[..8].try_into().ok()?),
        DType::U64 => i64::try_from(u64::from_le_bytes(b[..8].try_into().ok()?)).ok()?,
        _ => return None,
    })
}

/// A kernel as imported: the graph before any rewrite, and the arguments of a call.
#[derive(Clone, Debug)]
pub struct Kernel {
    pub target: Target,
    pub source: Option<Arc<Source>>,
    /// The Python function, where there is one.
    pub function: Option<String>,
    pub graph: Verified,
    pub arguments: Arguments,
    /// Steps stored in the file (a session), to be replayed on `graph`.
    pub recipe: Option<weft_transforms::Recipe>,
    pub phases: Phases,
}

impl Kernel {
    /// Reads any file that Weft knows: `.py`, `.sdfg`, `.sdfgz`, `.weft`.
    pub fn load(target: &Target, inputs: &Inputs) -> Result<Kernel, Problem> {
        match target.extension() {
            "py" => Kernel::load_python(target, inputs),
            "sdfg" | "sdfgz" => Kernel::load_sdfg(target, inputs),
            "weft" => Session::read(&target.file)?.open(inputs),
            other => Err(Problem::usage(format!(
                "{}: Weft opens .py, .sdfg, .sdfgz and .weft, not '{other}'",
                target.file.display()
            ))),
        }
    }

    fn load_python(target: &Target, inputs: &Inputs) -> Result<Kernel, Problem> {
        let start = Instant::now();
        let source = Arc::new(read_source(&target.file)?);
        let function = match &target.function {
            Some(name) => name.clone(),
            None => weft_python::default_function(&source)
                .map_err(|problem| Problem::Python(source.clone(), vec![problem]))?,
        };
        let python = |problems| Problem::Python(source.clone(), problems);
        let parameters = weft_python::parameters(&source, &function).map_err(python)?;
        let parse = start.elapsed().as_secs_f64() * 1e3;
        let (samples, arguments) = arguments_for(&target.file, &function, &parameters, inputs)?;
        let start = Instant::now();
        let import = weft_python::import(source.clone(), &function, &samples).map_err(python)?;
        let graph = verified(import.sdfg)?;
        let phases = Phases {
            parse: Some(parse),
            lower: Some(start.elapsed().as_secs_f64() * 1e3),
            ..Phases::default()
        };
        Ok(Kernel {
            target: target.clone(),
            source: Some(source),
            function: Some(function),
            graph,
            arguments,
            recipe: None,
            phases,
        })
    }

    fn load_sdfg(target: &Target, inputs: &Inputs) -> Result<Kernel, Problem> {
        let start = Instant::now();
        let text = read_sdfg_text(&target.file)?;
        let sdfg = weft_ir::json::read(&text)
            .map_err(|e| Problem::usage(format!("{}: {e}", target.file.display())))?;
        let phases = Phases { parse: Some(start.elapsed().as_secs_f64() * 1e3), ..Phases::default() };
        let source = sdfg.source.clone();
        let graph = verified(sdfg)?;
        let arguments = arguments_of_graph(&graph, inputs)?;
        Ok(Kernel { target: target.clone(), source, function: None, graph, arguments, recipe: None, phases })
    }

    /// Values of all free symbols for these arguments.
    pub fn symbols(&self, graph: &Sdfg) -> Result<BTreeMap<Name, i64>, Problem> {
        let arrays = self.arguments.values.iter().map(|(name, _, value)| (Name::new(name), value)).collect();
        bind_symbols(graph, &self.arguments.symbols(graph), &arrays).map_err(Problem::usage)
    }
}

fn verified(sdfg: Sdfg) -> Result<Verified, Problem> {
    let name = sdfg.name;
    verify(sdfg).map_err(|violations| {
        let list: Vec<String> = violations.into_iter().map(|v| format!("  {}", v.message)).collect();
        Problem::usage(format!("the graph '{name}' is not valid:\n{}", list.join("\n")))
    })
}

pub fn read_source(path: &Path) -> Result<Source, Problem> {
    let bytes = std::fs::read(path).map_err(|e| Problem::usage(format!("{}: {e}", path.display())))?;
    let text = String::from_utf8(bytes)
        .map_err(|e| Problem::usage(format!("{}: not UTF-8 text: {e}", path.display())))?;
    Ok(Source { path: path.display().to_string(), text })
}

fn read_sdfg_text(path: &Path) -> Result<String, Problem> {
    use std::io::Read;
    let fail = |e: &dyn std::fmt::Display| Problem::usage(format!("{}: {e}", path.display()));
    let bytes = std::fs::read(path).map_err(|e| fail(&e))?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return String::from_utf8(bytes).map_err(|e| fail(&e));
    }
    const MOST: u64 = 1 << 30;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).take(MOST).read_to_string(&mut text).map_err(|e| fail(&e))?;
    Ok(text)
}

/// Samples for the import and values for the call, from `--inputs`, else from the spec.
fn arguments_for(
    file: &Path,
    function: &str,
    parameters: &[weft_python::Parameter],
    inputs: &Inputs,
) -> Result<(Vec<(String, Sample)>, Arguments), Problem> {
    let spec = find_spec(file, function)?;
    let values = match &inputs.npz {
        Some(path) => values_from_npz(path, parameters, inputs)?,
        None => {
            let spec = spec.as_ref().ok_or_else(|| {
                Problem::usage(format!(
                    "{}: no arguments: pass --inputs FILE.npz, or put an argument spec at {}",
                    file.display(),
                    file.with_extension("toml").display()
                ))
            })?;
            values_from_spec(spec, parameters, inputs)?
        }
    };
    let samples = values
        .values
        .iter()
        .map(|(name, kind, value)| {
            let extents = spec.as_ref().and_then(|s| s.extents(name));
            Ok((name.clone(), sample(kind, value, extents)?))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    Ok((samples, values))
}

/// The argument spec beside the kernel: `NAME.toml`, or NPBench's `bench_info/NAME.json` above it.
fn find_spec(file: &Path, function: &str) -> Result<Option<spec::Spec>, Problem> {
    let toml = file.with_extension("toml");
    if toml.exists() {
        let text = read_source(&toml)?.text;
        return spec::parse(&text)
            .map(Some)
            .map_err(|e| Problem::usage(format!("{}: {e}", toml.display())));
    }
    let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
    let kernel = stem.trim_end_matches("_numpy");
    for dir in file.ancestors().skip(1).take(8) {
        let json = dir.join("bench_info").join(format!("{kernel}.json"));
        if json.exists() {
            let text = read_source(&json)?.text;
            return spec::parse_npbench(&text, function)
                .map(Some)
                .map_err(|e| Problem::usage(format!("{}: {e}", json.display())));
        }
    }
    Ok(None)
}

fn values_from_npz(
    path: &Path,
    parameters: &[weft_python::Parameter],
    inputs: &Inputs,
) -> Result<Arguments, Problem> {
    let mut entries: BTreeMap<String, HostArray> =
        read_npz(path).map_err(Problem::usage)?.into_iter().collect();
    let mut values = vec![];
    for parameter in parameters {
        let name = &parameter.name;
        let value = match inputs.set.get(name) {
            Some(&number) => from_number(number),
            None => match entries.remove(name) {
                Some(value) => value,
                None if parameter.has_default => continue,
                None => {
                    return Err(Problem::usage(format!(
                        "{}: no entry '{name}' for the parameter of that name",
                        path.display()
                    )));
                }
            },
        };
        values.push((name.clone(), kind(&value), value));
    }
    Ok(Arguments { values })
}

fn from_number(number: f64) -> HostArray {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        HostArray { dtype: DType::I64, shape: vec![], fortran: false, bytes: (number as i64).to_le_bytes().to_vec() }
    } else {
        HostArray { dtype: DType::F64, shape: vec![], fortran: false, bytes: number.to_le_bytes().to_vec() }
    }
}

/// How the baseline passes the value: a Python scalar, a NumPy scalar or an array.
fn kind(value: &HostArray) -> &'static str {
    if !value.shape.is_empty() {
        return "array";
    }
    match value.dtype {
        DType::I64 => "int",
        DType::F64 => "float",
        DType::C128 => "complex",
        DType::Bool => "bool",
        _ => "scalar",
    }
}

fn sample(kind: &str, value: &HostArray, extents: Option<Vec<String>>) -> Result<Sample, Problem> {
    let b = &value.bytes;
    let f64_at = |at: usize| f64::from_le_bytes(b[at..at + 8].try_into().expect("eight bytes"));
    Ok(match kind {
        "int" => Sample::Int(integer(value).expect("an int64")),
        "float" => Sample::Float(f64_at(0)),
        "bool" => Sample::Bool(b[0] != 0),
        "complex" => Sample::Complex(f64_at(0), f64_at(8)),
        "array" => Sample::Array {
            dtype: value.dtype,
            shape: value.shape.iter().map(|&n| n as i64).collect(),
            fortran: value.fortran,
            extents,
        },
        _ => match (value.dtype, integer(value)) {
            (dtype, Some(n)) => Sample::NumpyScalar(weft_ir::dtype::Scalar::Int(dtype, n as i128)),
            (DType::F32, _) => {
                let x = f32::from_le_bytes(b[..4].try_into().expect("four bytes"));
                Sample::NumpyScalar(weft_ir::dtype::Scalar::F32(x))
            }
            (dtype, _) => {
                return Err(Problem::usage(format!("scalar arguments of type {} are not supported", dtype.numpy())));
            }
        },
    })
}
