//! Annotations of the parameters: an argument spec where there is no other, else a promise to check.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_ir::sdfg::{Source, Span};
use weft_ir::symbolic::Expr;
use weft_ir::{DType, Name};
use weft_measure::HostArray;
use weft_python::spec::{Written, random_array};
use weft_python::{Declared, Diagnostic, Parameter, Sample};

use super::arguments::{Arguments, as_type, from_number, kind};
use super::input::{Inputs, Problem};

/// What is declared of each parameter, and where.
pub type Annotations = Vec<Option<(Span, Declared)>>;

/// What says how to give arguments that annotations do not give.
pub const OTHER_WAYS: &str =
    "pass --inputs FILE.npz, name a function that makes the arguments with --init, or write an argument spec";

/// Arguments that annotations describe: sizes from `--set`, random data.
///
/// # Errors
/// Every parameter that they do not describe, with its place.
pub fn from_annotations(
    source: &Arc<Source>,
    parameters: &[Parameter],
    declared: &Annotations,
    inputs: &Inputs,
) -> Result<Arguments, Problem> {
    let sizes: BTreeMap<Name, i64> = inputs
        .set
        .iter()
        .filter_map(|(name, value)| match value {
            Written::Int(i) => Some((Name::new(name), *i)),
            Written::Float(_) => None,
        })
        .collect();
    let mut maker = Maker { sizes, inputs, asked: BTreeSet::new(), problems: vec![] };
    let mut values = vec![];
    for (parameter, declared) in parameters.iter().zip(declared) {
        let name = &parameter.name;
        let made = match declared {
            Some((span, declared)) => maker.value(name, *span, declared, parameter.default.is_some()),
            None => match inputs.set.get(name) {
                Some(&number) => Some(from_number(number)).map(|v| (kind(&v), v)),
                None if parameter.default.is_some() => None,
                None => {
                    let reason =
                        format!("no value is given for the parameter '{name}', and it has no annotation");
                    maker.problems.push(Diagnostic::new(parameter.span, reason).hint(OTHER_WAYS));
                    None
                }
            },
        };
        values.extend(made.map(|(kind, value)| (name.clone(), kind, value)));
    }
    if maker.problems.is_empty() {
        Ok(Arguments { values })
    } else {
        Err(Problem::Python(source.clone(), maker.problems))
    }
}

struct Maker<'i> {
    sizes: BTreeMap<Name, i64>,
    inputs: &'i Inputs,
    /// Sizes whose lack is reported.
    asked: BTreeSet<Name>,
    problems: Vec<Diagnostic>,
}

impl Maker<'_> {
    fn value(
        &mut self,
        name: &str,
        span: Span,
        declared: &Declared,
        has_default: bool,
    ) -> Option<(&'static str, HostArray)> {
        let set = self.inputs.set.get(name).copied();
        let (scalar, dtype) = match declared {
            Declared::Array { dtypes, .. } => {
                let dtype = dtypes.first().copied().unwrap_or(DType::F64);
                return if has_default && declared.extents().is_none() {
                    None
                } else {
                    self.array(name, span, dtype, declared)
                };
            }
            Declared::Scalar("int") => ("int", DType::I64),
            Declared::Scalar("bool") => ("bool", DType::Bool),
            Declared::Scalar("complex") => ("complex", DType::C128),
            Declared::Scalar(_) => ("float", DType::F64),
            Declared::NumpyScalar(dtype) => ("scalar", *dtype),
        };
        match set {
            // A Python number is what is written; NumPy's have their type.
            Some(number) if scalar == "scalar" || scalar == "bool" => {
                match as_type(from_number(number), dtype) {
                    Ok(value) => Some((scalar, value)),
                    Err(reason) => {
                        self.problems.push(Diagnostic::new(span, format!("--set {name}: '{name}' {reason}")));
                        None
                    }
                }
            }
            Some(number) => Some(from_number(number)).map(|v| (kind(&v), v)),
            None if has_default => None,
            None if dtype.is_float() || dtype.is_complex() => {
                let bytes = random_array(name, dtype, &[]).ok()?;
                Some((scalar, HostArray { dtype, shape: vec![], fortran: false, bytes }))
            }
            None => {
                self.ask(Name::new(name), span, &format!("no value is given for the parameter '{name}'"));
                None
            }
        }
    }

    fn array(
        &mut self,
        name: &str,
        span: Span,
        dtype: DType,
        declared: &Declared,
    ) -> Option<(&'static str, HostArray)> {
        let Some(extents) = declared.extents() else {
            let reason = format!("the annotation of '{name}' does not give its extents");
            self.problems.push(Diagnostic::new(span, reason).hint(OTHER_WAYS));
            return None;
        };
        let mut shape = vec![];
        for extent in &extents {
            let lacking: Vec<Name> =
                extent.free_symbols().into_iter().filter(|s| !self.sizes.contains_key(s)).collect();
            for &symbol in &lacking {
                self.ask(symbol, span, &format!("no value is given for the size '{symbol}'"));
            }
            if lacking.is_empty() {
                shape.push(self.extent(name, span, extent)?);
            }
        }
        if shape.len() < extents.len() {
            return None;
        }
        match random_array(name, dtype, &shape) {
            Ok(bytes) => Some(("array", HostArray { dtype, shape, fortran: false, bytes })),
            Err(error) => {
                self.problems.push(Diagnostic::new(span, error.to_string()));
                None
            }
        }
    }

    fn extent(&mut self, name: &str, span: Span, extent: &Expr) -> Option<usize> {
        let value = extent.eval(&|n| self.sizes.get(&n).copied()).map_err(|e| e.to_string());
        let size = value.and_then(|n| usize::try_from(n).map_err(|_| format!("it is negative ({n})")));
        size.map_err(|reason| {
            let reason = format!("the extent {extent} of '{name}' cannot be computed: {reason}");
            self.problems.push(Diagnostic::new(span, reason));
        })
        .ok()
    }

    fn ask(&mut self, name: Name, span: Span, reason: &str) {
        if self.asked.insert(name) {
            self.problems.push(Diagnostic::new(span, reason).hint(format!("give it: --set {name}=100")));
        }
    }
}

/// Do the arguments have the types and ranks that are declared?
pub fn agree(
    source: &Arc<Source>,
    parameters: &[Parameter],
    declared: &Annotations,
    samples: &[(String, Sample)],
) -> Result<(), Problem> {
    let mut problems = vec![];
    for (parameter, declared) in parameters.iter().zip(declared) {
        let Some((span, declared)) = declared else { continue };
        let Some((_, sample)) = samples.iter().find(|(name, _)| *name == parameter.name) else { continue };
        if let Some(reason) = declared.mismatch(sample) {
            let hint = "pass what the annotation says, or change the annotation";
            problems.push(Diagnostic::new(*span, format!("'{}' {reason}", parameter.name)).hint(hint));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Problem::Python(source.clone(), problems)) }
}
