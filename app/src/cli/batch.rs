//! `weft batch`: one call after the other from lines on stdin, for the scripts that try thousands of
//! kernels. A process of its own for each would cost more than the kernels do.
//!
//! Each line is a JSON object, `{"target": "FILE.py::FUNC", "inputs": "IN.npz", "optimize": "auto",
//! "output": "OUT.npz"}`; all but `target` may be left out. Each is answered by a line
//! `{"status": …, "message": …, "ms": …}`, where `status` is `ran`, `refused` (exit status 2 of
//! `weft run`), `failed` (exit status 1) or `panicked`. The worker is shared until it dies or has
//! run [`CALLS_OF_A_WORKER`] kernels, which it keeps.

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde::{Deserialize, Serialize};
use weft_measure::{Worker, write_npz};

use crate::work::{self, Fault, Inputs, Job, Kernel, Measuring, Problem, Strategy, Target};

/// A worker is replaced then, since it keeps every kernel that it compiled.
const CALLS_OF_A_WORKER: usize = 256;

#[derive(Args)]
pub struct BatchArgs {
    /// How many threads compute
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: u64,
    /// How long compiling or running one kernel may take
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    time_limit: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    target: String,
    inputs: Option<PathBuf>,
    optimize: Option<String>,
    output: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer {
    status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    ms: f64,
}

/// Answers line by line until stdin ends.
pub fn batch(args: &BatchArgs) -> Result<(), Fault> {
    let job = Job {
        threads: args.threads as usize,
        time_limit: Some(Duration::from_secs(args.time_limit)),
        cache: None,
    };
    let mut pool = Pool { job, worker: None };
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(Problem::usage)?;
        if line.trim().is_empty() {
            continue;
        }
        let start = Instant::now();
        let (status, message) = match catch_unwind(AssertUnwindSafe(|| pool.answer(&line))) {
            Ok(Ok(())) => ("ran", String::new()),
            Ok(Err(Fault::Problem(problem))) => ("refused", problem.to_string()),
            Ok(Err(fault)) => ("failed", fault.to_string()),
            Err(panic) => ("panicked", panic_text(&*panic)),
        };
        let answer = Answer { status, message, ms: start.elapsed().as_secs_f64() * 1e3 };
        let text = serde_json::to_string(&answer).map_err(Problem::usage)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Problem::usage)?;
    }
    Ok(())
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

struct Pool {
    job: Job,
    /// With the number of kernels that it has run.
    worker: Option<(Worker, usize)>,
}

impl Pool {
    fn answer(&mut self, line: &str) -> Result<(), Fault> {
        let call: Call = serde_json::from_str(line).map_err(Problem::usage)?;
        let strategy: Strategy = match call.optimize.as_deref() {
            Some(text) => text.parse().map_err(Problem::Usage)?,
            None => Strategy::Auto,
        };
        let inputs = Inputs { npz: call.inputs, ..Inputs::default() };
        let kernel = Kernel::load(&Target::parse(&call.target), &inputs)?;
        let optimized = work::optimize(&kernel, &strategy)?;
        // A worker that failed is not used again: it is dropped, and the next call starts another.
        let (worker, calls) = match self.worker.take() {
            Some((worker, calls)) if calls < CALLS_OF_A_WORKER => (worker, calls),
            _ => (work::start_worker(&self.job)?, 0),
        };
        let mut measuring = Measuring::compile(worker, &kernel, &optimized.graph, &self.job)?;
        measuring.load(&kernel, &optimized.graph)?;
        let (outputs, _) = measuring.run(&kernel)?;
        self.worker = Some((measuring.worker, calls + 1));
        match &call.output {
            Some(path) => Ok(write_npz(path, &outputs).map_err(Problem::usage)?),
            None => Ok(()),
        }
    }
}
