//! Arguments of a call: from `.npz`, from the argument spec, or made up for a graph.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weft_ir::dtype::Scalar;
use weft_ir::sdfg::{Sdfg, Source};
use weft_ir::{DType, Name};
use weft_measure::{Given, HostArray, bind_symbols, elements, initialize, read_npz};
use weft_python::spec::Written;
use weft_python::{Parameter, Sample, spec};

use super::declared::{Annotations, OTHER_WAYS, agree, from_annotations};
use super::init::from_init;
use super::input::{Inputs, Problem, read_text};

/// The arguments of a call, in the function's order.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// Name, kind for the baseline, value; scalars have rank 0.
    pub values: Vec<(String, &'static str, HostArray)>,
}

impl Arguments {
    /// Values of the integer parameters, which are symbols of the graph.
    pub fn symbols(&self, sdfg: &Sdfg) -> BTreeMap<Name, i64> {
        let ints = self
            .values
            .iter()
            .filter(|(name, _, value)| value.shape.is_empty() && sdfg.symbols.contains_key(&Name::new(name)));
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

/// Samples for the import and values for the call: from `--inputs`, `--init`, the argument spec,
/// NPBench's description or the annotations, whichever of these comes first.
pub fn arguments_for(
    file: &Path,
    source: &Arc<Source>,
    parameters: &[Parameter],
    declared: &Annotations,
    inputs: &Inputs,
) -> Result<(Vec<(String, Sample)>, Arguments), Problem> {
    let spec = find_spec(file)?;
    let bench_info = find_bench_info(file);
    let arguments = match (&inputs.npz, &inputs.init, &spec, bench_info) {
        (Some(path), ..) => {
            let entries = read_npz(path).map_err(Problem::usage)?;
            from_entries(&path.display().to_string(), entries, parameters, inputs)?
        }
        (None, Some(init), spec, bench_info) => {
            let mut numbers = sizes(file, spec.as_ref(), bench_info.as_deref(), inputs)?;
            numbers.extend(inputs.set.iter().map(|(name, value)| (name.clone(), *value)));
            from_init(init, file, parameters, &numbers)?
        }
        (None, None, Some(spec), _) => from_spec(file, spec, parameters, inputs)?,
        (None, None, None, Some(info)) => from_bench_info(&info, file, parameters, inputs)?,
        (None, None, None, None) if declared.iter().any(Option::is_some) => {
            from_annotations(source, parameters, declared, inputs)?
        }
        (None, None, None, None) => without_arrays(file, parameters, inputs)?,
    };
    let samples = arguments
        .values
        .iter()
        .map(|(name, kind, value)| {
            let extents = spec.as_ref().and_then(|s| s.extents(name));
            let annotated = || {
                let at = parameters.iter().position(|p| p.name == *name)?;
                let extents = declared.get(at)?.as_ref()?.1.extents()?;
                (extents.len() == value.shape.len()).then(|| extents.iter().map(|e| e.to_string()).collect())
            };
            Ok((name.clone(), sample(kind, value, extents.or_else(annotated))?))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    agree(source, parameters, declared, &samples)?;
    Ok((samples, arguments))
}

/// `NAME.toml` beside the kernel.
fn find_spec(file: &Path) -> Result<Option<spec::Spec>, Problem> {
    let path = file.with_extension("toml");
    if !path.exists() {
        return Ok(None);
    }
    let text = read_text(&path)?;
    spec::parse(&text).map(Some).map_err(|e| Problem::usage(format!("{}: {e}", path.display())))
}

fn from_spec(
    file: &Path,
    spec: &spec::Spec,
    parameters: &[Parameter],
    inputs: &Inputs,
) -> Result<Arguments, Problem> {
    let fail = |e: spec::SpecError| Problem::usage(format!("{}: {e}", file.with_extension("toml").display()));
    let symbols = spec.symbols(inputs.size.as_deref(), &inputs.set).map_err(fail)?;
    let mut values = vec![];
    for parameter in parameters {
        let name = &parameter.name;
        if parameter.default.is_some() && !spec.args.contains_key(name) {
            continue;
        }
        let (spec_kind, dtype, shape, bytes) = spec.value(name, &symbols).map_err(fail)?;
        let mut value = HostArray { dtype, shape, fortran: false, bytes };
        let mut kind_of_value = spec_kind;
        if let Some(&number) = inputs.set.get(name).filter(|_| spec_kind != "array") {
            // What is a NumPy scalar in the spec stays one; a Python number is what is written.
            value = from_number(number);
            match spec_kind {
                "scalar" => {
                    value = as_type(value, dtype).map_err(|e| Problem::usage(format!("--set {name}: {e}")))?
                }
                _ => kind_of_value = kind(&value),
            }
        }
        values.push((name.clone(), kind_of_value, value));
    }
    Ok(Arguments { values })
}

/// NPBench's `bench_info/NAME.json` above the kernel.
fn find_bench_info(file: &Path) -> Option<PathBuf> {
    let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
    let kernel = stem.trim_end_matches("_numpy");
    let above = file.ancestors().skip(1);
    above.map(|dir| dir.join("bench_info").join(format!("{kernel}.json"))).find(|p| p.exists())
}

/// A kernel of numbers only needs no more than `--set`.
fn without_arrays(file: &Path, parameters: &[Parameter], inputs: &Inputs) -> Result<Arguments, Problem> {
    let lacking = parameters.iter().find(|p| p.default.is_none() && !inputs.set.contains_key(&p.name));
    match lacking {
        None => from_entries("--set", vec![], parameters, inputs),
        Some(parameter) => Err(Problem::usage(format!(
            "{}: nothing says what to call it with: there is no value for '{}'\n  hint: {OTHER_WAYS} at {}",
            file.display(),
            parameter.name,
            file.with_extension("toml").display()
        ))),
    }
}

/// Sizes by name: of the preset in the argument spec or in NPBench's description.
fn sizes(
    file: &Path,
    spec: Option<&spec::Spec>,
    bench_info: Option<&Path>,
    inputs: &Inputs,
) -> Result<BTreeMap<String, Written>, Problem> {
    let (path, presets) = match (spec, bench_info) {
        (Some(spec), _) => (file.with_extension("toml"), spec.clone()),
        (None, Some(path)) => {
            let info = spec::parse_bench_info(&read_text(path)?)
                .map_err(|e| Problem::usage(format!("{}: {e}", path.display())))?;
            (path.to_path_buf(), spec::Spec { sizes: info.sizes, ..spec::Spec::default() })
        }
        (None, None) if inputs.size.is_some() => {
            return Err(Problem::usage("--size: there is no argument spec, which has the presets"));
        }
        (None, None) => return Ok(BTreeMap::new()),
    };
    let symbols = presets
        .symbols(inputs.size.as_deref(), &inputs.set)
        .map_err(|e| Problem::usage(format!("{}: {e}", path.display())))?;
    Ok(symbols)
}

/// NPBench: sizes from its description, arrays from its `initialize`.
fn from_bench_info(
    path: &Path,
    file: &Path,
    parameters: &[Parameter],
    inputs: &Inputs,
) -> Result<Arguments, Problem> {
    let fail = |e: &dyn std::fmt::Display| Problem::usage(format!("{}: {e}", path.display()));
    let info = spec::parse_bench_info(&read_text(path)?).map_err(|e| fail(&e))?;
    let sizes = spec::Spec { sizes: info.sizes, ..spec::Spec::default() };
    let symbols = sizes.symbols(inputs.size.as_deref(), &inputs.set).map_err(|e| fail(&e))?;
    let mut entries: Vec<(String, HostArray)> =
        symbols.iter().map(|(name, &value)| (name.clone(), from_number(value))).collect();
    if let Some((function, takes, gives)) = info.init {
        let module = file.with_file_name(format!("{}.py", info.module));
        if !inputs.trusted {
            return Err(Problem::usage(format!(
                "the arguments come from {function}() in {}: allow it to run with --trust, or pass --inputs FILE.npz",
                module.display()
            )));
        }
        let values: Option<Vec<Written>> = takes.iter().map(|name| symbols.get(name).copied()).collect();
        let values = values.ok_or_else(|| fail(&format!("{function} takes a size that no preset has")))?;
        let made = initialize(&module, &function, Given::Positional(values.iter().map(as_json).collect()))
            .map_err(Problem::usage)?;
        if made.values.len() != gives.len() {
            let count = made.values.len();
            return Err(fail(&format!(
                "{function}() returns {count} values instead of {}",
                gives.join(", ")
            )));
        }
        entries.extend(gives.into_iter().zip(made.values.into_iter().map(|(_, value)| value)));
    }
    from_entries(&path.display().to_string(), entries, parameters, inputs)
}

fn from_entries(
    origin: &str,
    entries: Vec<(String, HostArray)>,
    parameters: &[Parameter],
    inputs: &Inputs,
) -> Result<Arguments, Problem> {
    let mut entries: BTreeMap<String, HostArray> = entries.into_iter().collect();
    let mut values = vec![];
    for parameter in parameters {
        let name = &parameter.name;
        let value = match inputs.set.get(name) {
            Some(&number) => from_number(number),
            None => match entries.remove(name) {
                Some(value) => value,
                None if parameter.default.is_some() => continue,
                None => {
                    return Err(Problem::usage(format!(
                        "{origin}: no entry '{name}' for the parameter of that name"
                    )));
                }
            },
        };
        values.push((name.clone(), kind(&value), value));
    }
    Ok(Arguments { values })
}

/// For a graph without a Python file: `--inputs`, else random arrays for sizes from `--set`.
pub fn arguments_of_graph(graph: &Sdfg, inputs: &Inputs) -> Result<Arguments, Problem> {
    if let Some(path) = &inputs.npz {
        let span = weft_ir::sdfg::Span { start: 0, end: 0 };
        let parameters: Vec<Parameter> =
            graph.args.iter().map(|a| Parameter { name: a.to_string(), span, default: None }).collect();
        let mut entries = read_npz(path).map_err(Problem::usage)?;
        // A name that means something to SymPy is written for DaCe with a `_` behind it.
        for (name, _) in &mut entries {
            let written = Name::new(&format!("{name}_"));
            if !graph.args.contains(&Name::new(name)) && graph.args.contains(&written) {
                *name = written.to_string();
            }
        }
        let mut arguments = from_entries(&path.display().to_string(), entries, &parameters, inputs)?;
        add_symbols(graph, inputs, &mut arguments);
        return Ok(arguments);
    }
    let mut arguments = Arguments::default();
    add_symbols(graph, inputs, &mut arguments);
    let symbols: BTreeMap<Name, i64> = arguments.symbols(graph);
    for &arg in &graph.args {
        let Some(data) = graph.data.get(&arg) else { continue };
        // Arguments that cannot be made yet are asked for when the kernel is run.
        let Ok(shape) = elements(&data.shape, &symbols) else { return Ok(arguments) };
        let bytes = spec::random_array(arg.as_str(), data.dtype, &shape).map_err(Problem::usage)?;
        let fortran = shape.len() > 1 && data.strides.first().is_some_and(|s| s.is_one());
        let value = HostArray { dtype: data.dtype, shape, fortran, bytes };
        arguments.values.push((arg.to_string(), kind(&value), value));
    }
    let arrays = arguments.values.iter().map(|(name, _, value)| (Name::new(name), value)).collect();
    // So are symbols that no argument decides.
    let decided = |s: &Name| {
        symbols.contains_key(s)
            || graph.data.values().any(|d| !d.transient && d.shape.iter().any(|e| e.as_sym() == Some(*s)))
    };
    if !graph.symbols.keys().all(decided) {
        return Ok(arguments);
    }
    // A graph's own guards decide whether these sizes are allowed.
    bind_symbols(graph, &symbols, &arrays).map_err(Problem::usage)?;
    Ok(arguments)
}

/// Free symbols that `--set` gives; parameters come first, in order.
fn add_symbols(graph: &Sdfg, inputs: &Inputs, arguments: &mut Arguments) {
    let of_args = graph.args.iter().filter(|a| graph.symbols.contains_key(a));
    for symbol in of_args.chain(graph.symbols.keys().filter(|s| !graph.args.contains(s))) {
        let known = arguments.values.iter().any(|(name, ..)| name == symbol.as_str());
        if let Some(number @ Written::Int(_)) = inputs.set.get(symbol.as_str()).filter(|_| !known) {
            arguments.values.push((symbol.to_string(), "int", from_number(*number)));
        }
    }
}

pub fn from_number(number: Written) -> HostArray {
    let (dtype, bytes) = match number {
        Written::Int(i) => (DType::I64, i.to_le_bytes()),
        Written::Float(x) => (DType::F64, x.to_le_bytes()),
    };
    HostArray { dtype, shape: vec![], fortran: false, bytes: bytes.to_vec() }
}

pub fn as_json(number: &Written) -> serde_json::Value {
    match number {
        Written::Int(i) => serde_json::json!(i),
        Written::Float(x) => serde_json::json!(x),
    }
}

/// A number as a NumPy scalar of this type.
pub fn as_type(value: HostArray, dtype: DType) -> Result<HostArray, String> {
    let from = if value.dtype == DType::I64 {
        Scalar::i64(integer(&value).unwrap_or_default())
    } else {
        Scalar::F64(f64::from_le_bytes(value.bytes[..8].try_into().expect("eight bytes")))
    };
    let wrong = || format!("is {}, and the number given is not", dtype.numpy());
    let fits = match (from, dtype) {
        (Scalar::Int(_, i), t) if t.is_int() => {
            let bits = t.size() as u32 * 8;
            let low = if t.is_signed() { -(1i128 << (bits - 1)) } else { 0 };
            (low..low + (1i128 << bits)).contains(&i).then_some(Scalar::Int(t, i))
        }
        (Scalar::Int(_, i @ (0 | 1)), DType::Bool) => Some(Scalar::Bool(i == 1)),
        (number, t) if t.is_float() || t.is_complex() => Some(weft_ir::tasklet::cast(t, number)),
        _ => None,
    };
    let one = weft_ir::interp::Array::from_scalars(dtype, &[], &[fits.ok_or_else(wrong)?]);
    Ok(HostArray { dtype, bytes: one.ok_or_else(wrong)?.into_bytes(), ..value })
}

/// How the baseline passes the value: a Python scalar, a NumPy scalar or an array.
pub fn kind(value: &HostArray) -> &'static str {
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
            (DType::Bool, Some(n)) => Sample::NumpyScalar(Scalar::Bool(n != 0)),
            (dtype, Some(n)) => Sample::NumpyScalar(Scalar::Int(dtype, n as i128)),
            (DType::F16 | DType::F32 | DType::C64 | DType::C128, _) => {
                let value = weft_ir::interp::Array::from_bytes(value.dtype, &[], b.clone());
                let value = value.expect("the bytes of one element").get(0);
                Sample::NumpyScalar(value)
            }
            (DType::F64, _) => Sample::NumpyScalar(Scalar::F64(f64_at(0))),
            (dtype, _) => {
                return Err(Problem::usage(format!(
                    "scalar arguments of type {} are not supported",
                    dtype.numpy()
                )));
            }
        },
    })
}
