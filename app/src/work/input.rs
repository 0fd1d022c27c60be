//! From a file and arguments to a verified graph.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use weft_ir::Name;
use weft_ir::sdfg::{Sdfg, Source, Verified, verify};
use weft_measure::{Phases, bind_symbols};
use weft_python::Diagnostic;

use super::arguments::{Arguments, arguments_for, arguments_of_graph};
use super::modules::gather;
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
}

/// Where the arguments come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    pub npz: Option<PathBuf>,
    /// Values of symbols and scalars.
    pub set: BTreeMap<String, weft_python::spec::Written>,
    /// A preset of the argument spec; the first if `None`.
    pub size: Option<String>,
    /// The user's Python may be run to make arguments (NPBench's `initialize`).
    pub trusted: bool,
    /// A function that makes the arguments, which is asked for explicitly; one of the kernel's own file
    /// has no `function` here.
    pub init: Option<Target>,
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
        let source = Arc::new(gather(&target.file)?.source);
        let python = |problems| Problem::Python(source.clone(), problems);
        let function = match &target.function {
            Some(name) => name.clone(),
            None => select(&source, inputs).map_err(python)?,
        };
        let parameters = weft_python::parameters(&source, &function).map_err(python)?;
        let parse = start.elapsed().as_secs_f64() * 1e3;
        let declared = weft_python::annotations(&source, &function).map_err(python)?;
        let (samples, arguments) = arguments_for(&target.file, &source, &parameters, &declared, inputs)?;
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
        let graph = weft_ir::json::open(&text)
            .map_err(|e| Problem::usage(format!("{}: {e}", target.file.display())))?;
        let phases = Phases { parse: Some(start.elapsed().as_secs_f64() * 1e3), ..Phases::default() };
        let source = graph.source.clone();
        let arguments = arguments_of_graph(&graph, inputs)?;
        Ok(Kernel { target: target.clone(), source, function: None, graph, arguments, recipe: None, phases })
    }

    /// Values of all free symbols for these arguments.
    pub fn symbols(&self, graph: &Sdfg) -> Result<BTreeMap<Name, i64>, Problem> {
        let arrays = self.arguments.values.iter().map(|(name, _, value)| (Name::new(name), value)).collect();
        bind_symbols(graph, &self.arguments.symbols(graph), &arrays).map_err(Problem::usage)
    }
}

/// The kernel of a file where none is named; the function that makes the arguments is none.
fn select(source: &Arc<Source>, inputs: &Inputs) -> Result<String, Vec<Diagnostic>> {
    let found = weft_python::select(source);
    let Some(init) = inputs.init.as_ref().filter(|i| i.function.is_none() && found.is_err()) else {
        return found;
    };
    let mut others = weft_python::functions(source)?;
    others.retain(|(name, _)| init.file.as_os_str() != name.as_str());
    match &others[..] {
        [(name, _)] => Ok(name.clone()),
        _ => found,
    }
}

fn verified(sdfg: Sdfg) -> Result<Verified, Problem> {
    let name = sdfg.name;
    verify(sdfg).map_err(|violations| {
        let list: Vec<String> = violations.into_iter().map(|v| format!("  {}", v.message)).collect();
        Problem::usage(format!("the graph '{name}' is not valid:\n{}", list.join("\n")))
    })
}

pub fn read_text(path: &Path) -> Result<String, Problem> {
    let bytes = std::fs::read(path).map_err(|e| Problem::usage(format!("{}: {e}", path.display())))?;
    String::from_utf8(bytes).map_err(|e| Problem::usage(format!("{}: not UTF-8 text: {e}", path.display())))
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
