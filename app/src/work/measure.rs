//! Compiles versions in a worker, runs them, and times them beside each other and NumPy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use weft_ir::Name;
use weft_ir::sdfg::Verified;
use weft_measure::{
    ArrayHeader, Baseline, BaselineError, FailureKind, HostArray, Limits, Phases, Reply, Request, Summary,
    Worker, WorkerError, written,
};

use super::input::{Kernel, Problem};

/// Why a job did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Refused or wrong usage: exit status 2.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The kernel failed while running: exit status 1.
    #[error("{0}")]
    Kernel(String),
    #[error("cancelled")]
    Cancelled,
}

impl Fault {
    fn from_worker(error: WorkerError, kernel: &Kernel) -> Fault {
        match error {
            WorkerError::Failed(failure) => {
                let place = failure
                    .span
                    .and_then(|(start, _)| Some(format!("{}: ", kernel.source.as_ref()?.place(start))));
                let message = format!("{}{}", place.unwrap_or_default(), failure.message);
                match failure.kind {
                    FailureKind::Refused | FailureKind::Guard => Problem::Usage(message).into(),
                    FailureKind::Check if weft_python::why_left_out(&failure.message).is_some() => {
                        Problem::Usage(message).into()
                    }
                    FailureKind::Check | FailureKind::Memory | FailureKind::Internal => {
                        Fault::Kernel(message)
                    }
                }
            }
            WorkerError::Cancelled => Fault::Cancelled,
            WorkerError::Start(_) => Problem::usage(error).into(),
            other => Fault::Kernel(other.to_string()),
        }
    }
}

/// How to compile and run.
#[derive(Clone, Debug)]
pub struct Job {
    pub threads: usize,
    /// Of every request to the worker.
    pub time_limit: Option<Duration>,
    /// Folder of compiled objects; `None` compiles always.
    pub cache: Option<PathBuf>,
}

/// Starts this program again as a worker.
pub fn start_worker(job: &Job) -> Result<Worker, Fault> {
    let limits = Limits { time: job.time_limit, ..Limits::of_this_machine() };
    // The very file that runs here, even if it was built anew or removed meanwhile.
    Worker::start(Path::new("/proc/self/exe"), limits).map_err(|e| Problem::usage(e).into())
}

/// A version that is compiled and loaded in a worker of its own.
pub struct Measuring {
    pub worker: Worker,
    pub phases: Phases,
    kernel: u32,
    arguments: Option<u32>,
    /// The results of the graph.
    returns: Vec<Name>,
}

impl Measuring {
    /// Compiles `graph`, a version of `kernel`.
    pub fn compile(
        mut worker: Worker,
        kernel: &Kernel,
        graph: &Verified,
        job: &Job,
    ) -> Result<Measuring, Fault> {
        let request = Request::Compile {
            sdfg: weft_ir::text::print_with_spans(graph),
            threads: job.threads,
            cache: job.cache.clone(),
        };
        match worker.request(&request, &[]).map_err(|e| Fault::from_worker(e, kernel))?.0 {
            Reply::Compiled { kernel, phases_ms, .. } => Ok(Measuring {
                worker,
                phases: phases_ms,
                kernel,
                arguments: None,
                returns: graph.returns.clone(),
            }),
            other => Err(unexpected(&other)),
        }
    }

    /// Hands the arguments over.
    pub fn load(&mut self, kernel: &Kernel, graph: &Verified) -> Result<(), Fault> {
        let symbols = kernel.symbols(graph)?;
        let mut headers = vec![];
        let mut parts: Vec<&[u8]> = vec![];
        let mut offset = 0;
        for &name in graph.args.iter().filter(|a| graph.data.contains_key(a)) {
            let missing = || Problem::usage(format!("the argument '{name}' is missing"));
            let array = kernel.arguments.array(name).ok_or_else(missing)?;
            headers.push(header(name, array, offset));
            parts.push(&array.bytes);
            offset += array.bytes.len();
        }
        let symbols: BTreeMap<String, i64> = symbols.iter().map(|(k, &v)| (k.to_string(), v)).collect();
        let request = Request::Load { kernel: self.kernel, symbols, arrays: headers };
        match self.worker.request(&request, &parts).map_err(|e| Fault::from_worker(e, kernel))?.0 {
            Reply::Loaded { arguments } => {
                self.arguments = Some(arguments);
                Ok(())
            }
            other => Err(unexpected(&other)),
        }
    }

    /// One call on fresh arguments: arrays after the call, then results, and its time in ms.
    pub fn run(&mut self, kernel: &Kernel) -> Result<(Vec<(String, HostArray)>, f64), Fault> {
        let request = Request::Run { arguments: self.arguments.unwrap_or(0) };
        let (reply, payload) =
            self.worker.request(&request, &[]).map_err(|e| Fault::from_worker(e, kernel))?;
        let Reply::Ran { arrays, ms } = reply else { return Err(unexpected(&reply)) };
        let mut outputs = vec![];
        // A scalar that was passed is not changed by the call.
        let passed = |name: &str| kernel.arguments.array(Name::new(name)).is_some_and(|a| a.shape.is_empty());
        for head in arrays {
            if passed(&head.name) {
                continue;
            }
            let dtype = head.dtype().ok_or_else(|| Fault::Kernel("a malformed reply".into()))?;
            let mut array = HostArray::zeros(dtype, head.shape).map_err(|e| Fault::Kernel(e.to_string()))?;
            array.fortran = head.fortran;
            payload.read(head.offset, &mut array.bytes).map_err(|e| Fault::Kernel(e.to_string()))?;
            outputs.push((head.name, array));
        }
        trim(&mut outputs, &self.returns).map_err(Fault::Kernel)?;
        Ok((outputs, ms))
    }

    fn batch(&mut self, runs: usize, kernel: &Kernel) -> Result<Vec<f64>, Fault> {
        let request = Request::Measure { arguments: self.arguments.unwrap_or(0), runs };
        match self.worker.request(&request, &[]).map_err(|e| Fault::from_worker(e, kernel))?.0 {
            Reply::Measured { runs_ms } => Ok(runs_ms),
            other => Err(unexpected(&other)),
        }
    }
}

/// The result that `name` holds the real shape of, where extents depend on data.
pub fn shape_of(name: &str, returns: &[Name]) -> Option<Name> {
    let of = Name::new(name.strip_suffix("_shape")?);
    (returns.contains(&of) && returns.contains(&Name::new(name))).then_some(of)
}

/// A result whose extents depend on data has room for the most there can be: cuts it to what there
/// is, and takes the shape away.
fn trim(outputs: &mut Vec<(String, HostArray)>, returns: &[Name]) -> Result<(), String> {
    let find = |outputs: &[(String, HostArray)], name: &str| outputs.iter().position(|(n, _)| n == name);
    for shape in returns {
        let Some(of) = shape_of(shape.as_str(), returns) else { continue };
        let (Some(at), Some(array)) = (find(outputs, shape.as_str()), find(outputs, of.as_str())) else {
            continue;
        };
        let whole = outputs[at].1.bytes.chunks_exact(8);
        let extents: Option<Vec<usize>> =
            whole.map(|b| usize::try_from(i64::from_le_bytes(b.try_into().ok()?)).ok()).collect();
        let start = extents.and_then(|extents| outputs[array].1.start(&extents));
        outputs[array].1 = start.ok_or_else(|| format!("the result '{of}' has an impossible shape"))?;
        outputs.remove(at);
    }
    Ok(())
}

fn unexpected(reply: &Reply) -> Fault {
    Fault::Kernel(format!("the worker answered something unexpected: {reply:?}"))
}

fn header(name: Name, array: &HostArray, offset: usize) -> ArrayHeader {
    ArrayHeader {
        name: name.to_string(),
        dtype: array.dtype.numpy().into(),
        shape: array.shape.clone(),
        fortran: array.fortran,
        offset,
        bytes: array.bytes.len(),
    }
}

/// Times of one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    pub runs_ms: Vec<f64>,
}

impl Measurement {
    pub fn summary(&self) -> Option<Summary> {
        Summary::of(&self.runs_ms)
    }
}

/// Times of versions and of NumPy, taken in turns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    pub versions: Vec<Measurement>,
    pub numpy: Option<Measurement>,
    /// Why there is none.
    pub numpy_problem: Option<String>,
}

/// When a measurement ends.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Exactly that many runs a side, if the budget allows.
    pub repeat: Option<usize>,
    /// Wall time for all sides together, unless `repeat` is given.
    pub budget: Duration,
}

/// Interleaved measurement: short batches in turns, until every interval is tighter than 2 % or
/// the budget ends. `progress` sees the state after each round.
pub fn compare(
    versions: &mut [(&mut Measuring, &Kernel)],
    mut numpy: Option<&mut Baseline>,
    effort: Effort,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(&Comparison),
) -> Result<Comparison, Fault> {
    const BATCH_MS: f64 = 30.0;
    let start = Instant::now();
    let mut result = Comparison {
        versions: vec![Measurement::default(); versions.len()],
        numpy: numpy.is_some().then(Measurement::default),
        numpy_problem: None,
    };
    let runs_for = |m: &Measurement| {
        let per_run = m.summary().map_or(BATCH_MS, |s| s.median.max(1e-4));
        let batch = ((BATCH_MS / per_run) as usize).clamp(1, 2000);
        effort.repeat.map_or(batch, |n| batch.min(n - n.min(m.runs_ms.len())))
    };
    // Warm-up: caches, page tables and clocks settle.
    for (version, kernel) in versions.iter_mut() {
        version.batch(1, kernel)?;
    }
    loop {
        for (i, (version, kernel)) in versions.iter_mut().enumerate() {
            let n = runs_for(&result.versions[i]);
            if n > 0 {
                result.versions[i].runs_ms.extend(version.batch(n, kernel)?);
            }
        }
        if let (Some(baseline), Some(times)) = (numpy.as_deref_mut(), result.numpy.as_mut()) {
            let n = runs_for(times);
            let limit = effort.budget.max(Duration::from_secs(2)) * 20;
            match if n > 0 { baseline.measure(n, limit, cancel) } else { Ok(vec![]) } {
                Ok(runs) => times.runs_ms.extend(runs),
                Err(BaselineError::Cancelled) => return Err(Fault::Cancelled),
                Err(error) => {
                    result.numpy_problem = Some(error.to_string());
                    result.numpy = None;
                    numpy = None;
                }
            }
        }
        progress(&result);
        if cancel.load(Ordering::SeqCst) {
            return Err(Fault::Cancelled);
        }
        let sides = || result.versions.iter().chain(&result.numpy);
        let done = match effort.repeat {
            Some(n) => sides().all(|m| m.runs_ms.len() >= n),
            None => {
                let tight =
                    |m: &Measurement| m.runs_ms.len() >= 30 && m.summary().is_some_and(|s| s.spread() < 0.02);
                start.elapsed() > effort.budget || sides().all(tight)
            }
        };
        if done || (effort.repeat.is_some() && start.elapsed() > effort.budget * 60) {
            return Ok(result);
        }
    }
}

/// Starts NumPy on the kernel's Python file with the same arguments. This executes the file.
pub fn start_baseline(
    kernel: &Kernel,
    graph: &Verified,
    threads: usize,
    cancel: &AtomicBool,
) -> Result<Baseline, BaselineError> {
    let function = kernel
        .function
        .as_ref()
        .ok_or_else(|| BaselineError::Setup("the graph did not come from a Python file".into()))?;
    let writes = written(graph);
    let parameters: Vec<(String, &'static str)> = kernel
        .arguments
        .values
        .iter()
        .map(|(name, kind, _)| {
            let kind = if *kind == "array" && !writes.contains(&Name::new(name)) { "input" } else { kind };
            (name.clone(), kind)
        })
        .collect();
    let arrays: Vec<(String, HostArray)> =
        kernel.arguments.values.iter().map(|(name, _, value)| (name.clone(), value.clone())).collect();
    Baseline::start(&kernel.target.file, function, &parameters, &arrays, threads, cancel)
}

/// Largest difference between two sets of arrays, relative to the largest magnitude of each
/// reference array; infinite where types, shapes, exact values or the places of NaN differ.
pub fn max_rel_error(found: &[(String, HostArray)], reference: &[(String, HostArray)]) -> f64 {
    let mut worst = 0.0f64;
    for (name, expected) in reference {
        let Some((_, actual)) = found.iter().find(|(n, _)| n == name) else { return f64::INFINITY };
        if actual.dtype != expected.dtype || actual.shape != expected.shape {
            return f64::INFINITY;
        }
        let (a, b) = (actual.numbers(), expected.numbers());
        let scale = b.iter().copied().filter(|x| x.is_finite()).fold(0.0f64, |m, x| m.max(x.abs()));
        for (x, y) in a.iter().zip(&b) {
            let same = x == y || (x.is_nan() && y.is_nan());
            let error = (x - y).abs() / if scale > 0.0 { scale } else { 1.0 };
            worst = worst.max(if same {
                0.0
            } else if error.is_nan() {
                f64::INFINITY
            } else {
                error
            });
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_ir::DType;

    fn ints(values: &[i64], shape: &[usize]) -> HostArray {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        HostArray { dtype: DType::I64, shape: shape.to_vec(), fortran: false, bytes }
    }

    #[test]
    fn results_are_cut_to_their_shape() {
        let returns = ["return_0", "return_0_shape", "return_1"].map(Name::new);
        let mut outputs = vec![
            ("return_0".to_string(), ints(&[1, 2, 3, 4, 5, 6], &[2, 3])),
            ("return_0_shape".to_string(), ints(&[2, 1], &[2])),
            ("return_1".to_string(), ints(&[7], &[1])),
        ];
        trim(&mut outputs, &returns).expect("fits");
        let names: Vec<&str> = outputs.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["return_0", "return_1"]);
        assert_eq!(outputs[0].1, ints(&[1, 4], &[2, 1]));
        let mut wrong = vec![
            ("return_0".to_string(), ints(&[1], &[1])),
            ("return_0_shape".to_string(), ints(&[2], &[1])),
        ];
        assert!(trim(&mut wrong, &returns).is_err());
        // An argument of such a name is left alone.
        let mut argument = vec![("x_shape".to_string(), ints(&[2], &[1]))];
        trim(&mut argument, &returns).expect("nothing to do");
        assert_eq!(argument.len(), 1);
    }
}
