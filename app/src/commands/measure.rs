//! Measures versions beside each other and NumPy, in workers of their own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_ir::sdfg::Verified;
use weft_measure::{Machine, Reply, Request, cache_folder};

use super::jobs::{Event, Measured, Post, Stop};
use crate::state::Timing;
use crate::work::{self, Comparison, Effort, Fault, Job, Kernel, Measuring};

/// Wall time of the timed runs.
const BUDGET: Duration = Duration::from_secs(3);
/// Of one request to a worker.
const LIMIT: Duration = Duration::from_secs(60);

/// What to measure: versions by their index, the first is the one that matters.
pub struct Wanted {
    pub kernel: Arc<Kernel>,
    pub versions: Vec<(usize, Verified)>,
    pub numpy: bool,
    pub threads: usize,
}

pub fn measure(wanted: Wanted, post: &Post, stop: &Stop) {
    let indices: Vec<usize> = wanted.versions.iter().map(|v| v.0).collect();
    let mut report = Measured::default();
    match run(&wanted, &indices, &mut report, post, stop) {
        Ok(()) | Err(Fault::Cancelled) => {}
        Err(fault) => report.problem = Some(fault.to_string()),
    }
    post.send(Event::Measured { versions: indices, report: Box::new(report) });
}

fn run(
    wanted: &Wanted,
    indices: &[usize],
    report: &mut Measured,
    post: &Post,
    stop: &Stop,
) -> Result<(), Fault> {
    let job = Job {
        threads: wanted.threads,
        time_limit: Some(LIMIT),
        cache: cache_folder().map(|dir| dir.join("objects")),
    };
    let kernel = &*wanted.kernel;
    let mut compiled = vec![];
    for (_, graph) in &wanted.versions {
        let worker = work::start_worker(&job)?;
        stop.watch(worker.canceller());
        let start = Instant::now();
        let mut measuring = Measuring::compile(worker, kernel, graph, &job)?;
        let mut timing = cost(kernel, graph);
        timing.compile_ms = start.elapsed().as_secs_f64() * 1e3;
        measuring.load(kernel, graph)?;
        report.timings.push(timing);
        compiled.push(measuring);
    }
    if stop.stopped() {
        return Err(Fault::Cancelled);
    }
    let first = compiled.first_mut().map(|m| m.run(kernel)).transpose()?;
    let mut baseline = None;
    let mut problem = None;
    if wanted.numpy {
        match work::start_baseline(kernel, &wanted.versions[0].1, wanted.threads, &stop.flag) {
            Ok(started) => {
                report.numpy = Some(started.numpy.clone());
                baseline = Some(started);
            }
            Err(error) => problem = Some(error.to_string()),
        }
    }
    let effort = Effort { repeat: None, budget: BUDGET };
    let mut sides: Vec<(&mut Measuring, &Kernel)> = compiled.iter_mut().map(|m| (m, kernel)).collect();
    let partial = report.clone();
    let mut progress = |comparison: &Comparison| {
        let mut now = partial.clone();
        take(&mut now, comparison);
        post.send(Event::Measured { versions: indices.to_vec(), report: Box::new(now) });
    };
    let comparison = work::compare(&mut sides, baseline.as_mut(), effort, &stop.flag, &mut progress)?;
    take(report, &comparison);
    if problem.is_some() {
        report.comparison.numpy_problem = problem;
    }
    if let (Some(mut baseline), Some((outputs, _))) = (baseline.filter(|_| comparison.numpy.is_some()), first)
    {
        match baseline.results(&stop.flag) {
            Ok(reference) => {
                let error = work::max_rel_error(&outputs, &reference);
                if let Some(timing) = report.timings.first_mut() {
                    timing.error = Some(error);
                }
            }
            Err(error) => report.comparison.numpy_problem = Some(error.to_string()),
        }
    }
    if let Some(measuring) = compiled.first_mut() {
        let request = Request::Machine { threads: wanted.threads };
        if let Ok((Reply::Machine { cpu, bandwidth_gbs, peak_gflops }, _)) =
            measuring.worker.request(&request, &[])
        {
            report.machine = Some(Machine { cpu, threads: wanted.threads, bandwidth_gbs, peak_gflops });
        }
    }
    Ok(())
}

fn take(report: &mut Measured, comparison: &Comparison) {
    report.comparison = comparison.clone();
    for (timing, runs) in report.timings.iter_mut().zip(&comparison.versions) {
        timing.runs = runs.clone();
    }
}

fn cost(kernel: &Kernel, graph: &Verified) -> Timing {
    let Ok(symbols) = kernel.symbols(graph) else { return Timing::default() };
    // Of the imported graph: a version that does more work is not a faster one.
    let cost = weft_looptree::cost(&kernel.graph, &symbols);
    Timing { flop: cost.flop, bytes: cost.bytes, ..Timing::default() }
}
