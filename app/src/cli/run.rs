//! `run`, and `open` where there is no display.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Args;
use weft_measure::{Machine, Reply, Request, Summary, cache_folder, write_npz};

use super::{FileArgs, watch, write};
use crate::work::{
    self, BaselineReport, Comparison, Effort, Fault, Inputs, Job, Kernel, Measuring, Optimized, Problem,
    Report, Strategy, Target,
};

#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Rewrite first: none, simplify, auto or a RECIPE.json
    #[arg(long, value_name = "HOW", default_value = "auto")]
    optimize: Strategy,
    /// Where to run
    #[arg(long, default_value = "cpu", value_parser = ["cpu"])]
    device: String,
    /// How many threads compute; all cores if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: Option<u64>,
    /// Write every array parameter as it is after the call, and return_0, …
    #[arg(long, value_name = "OUT.npz")]
    output: Option<PathBuf>,
    /// Write times, steps and limits as JSON instead of a table
    #[arg(long, value_name = "REPORT.json")]
    report: Option<PathBuf>,
    /// Timed runs; 0 compiles only
    #[arg(long, value_name = "N")]
    repeat: Option<usize>,
    /// How long to measure. A call that takes ten times as long is stopped; 0 lets a call take
    /// forever. Without it, 2 s are measured and a call is stopped after 600 s
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time_budget: Option<Duration>,
    /// Measure NumPy beside it; this executes the kernel's Python file
    #[arg(long, value_parser = ["numpy"])]
    baseline: Option<String>,
    /// Compile even what was compiled before
    #[arg(long)]
    no_cache: bool,
    /// Run again whenever the file, or one that it imports, is saved; Ctrl-C ends
    #[arg(long)]
    watch: bool,
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value = text.parse().ok().and_then(|v| Duration::try_from_secs_f64(v).ok());
    value.filter(|v| v.as_secs() < 1 << 32).ok_or_else(|| "a number of seconds, please".into())
}

/// Of one call where nothing is said.
const CALL_LIMIT: Duration = Duration::from_secs(600);
/// Of the measurement where nothing is said.
const BUDGET: Duration = Duration::from_secs(2);

/// The time limit of a call, and the time to measure.
fn limits(given: Option<Duration>) -> (Option<Duration>, Duration) {
    match given {
        None => (Some(CALL_LIMIT), BUDGET),
        Some(Duration::ZERO) => (None, BUDGET),
        Some(budget) => (Some(budget * 10), budget),
    }
}

pub fn run(args: &RunArgs, start: Instant) -> Result<(), Fault> {
    if !args.watch {
        return once(args, start, false);
    }
    let recipe: Vec<PathBuf> = match &args.optimize {
        Strategy::Recipe(path) => vec![path.clone()],
        _ => vec![],
    };
    watch::again(&Target::parse(&args.file.file), &args.file.inputs.inputs()?, &recipe, start, &mut |start| {
        once(args, start, true)
    })
}

/// `lenient`: steps that do not fit are left out with a message.
fn once(args: &RunArgs, start: Instant, lenient: bool) -> Result<(), Fault> {
    let (time_limit, budget) = limits(args.time_budget);
    let job = Job {
        threads: args.threads.map_or_else(cores, |n| n as usize),
        time_limit,
        cache: if args.no_cache { None } else { cache_folder().map(|dir| dir.join("objects")) },
    };
    // The worker starts while the kernel is imported.
    let worker = work::start_worker(&job)?;
    let kernel = args.file.load()?;
    let optimized = if lenient {
        let (optimized, lost) = work::optimize_what_fits(&kernel, &args.optimize)?;
        lost.iter().for_each(|problem| eprintln!("warning: {problem}"));
        optimized
    } else {
        work::optimize(&kernel, &args.optimize)?
    };
    let mut measuring = Measuring::compile(worker, &kernel, &optimized.graph, &job)?;
    let mut report = new_report(&kernel, &optimized, &measuring, job.threads, start);
    // Without a purpose for numbers, one call is enough.
    let measures = args.report.is_some() || args.baseline.is_some() || args.repeat.is_some() || args.watch;
    let mut outputs = vec![];
    if args.repeat != Some(0) {
        measuring.load(&kernel, &optimized.graph)?;
        outputs = measuring.run(&kernel)?.0;
        report.first_call_ms = Some(start.elapsed().as_secs_f64() * 1e3);
    }
    if let Some(path) = &args.output {
        write_npz(path, &outputs).map_err(Problem::usage)?;
    }
    if measures && args.repeat != Some(0) {
        let effort = Effort { repeat: args.repeat, budget };
        let comparison = measure(&mut measuring, &kernel, &optimized, args.baseline.is_some(), effort, &job)?;
        fill(&mut report, &comparison.0);
        report.baseline = comparison.1.map(|(numpy, reference)| {
            let error = work::max_rel_error(&outputs, &reference);
            baseline_report(numpy, comparison.0.numpy.as_ref().and_then(|m| m.summary()), error)
        });
        if let Some(problem) = comparison.0.numpy_problem {
            eprintln!("warning: no baseline: {problem}");
        }
        report.machine = limits_of_machine(&mut measuring, job.threads);
    }
    report.peak_rss_mb = measuring.worker.peak_rss().map(|b| b as f64 / 1e6);
    match &args.report {
        Some(path) => {
            let text = serde_json::to_string_pretty(&report).map_err(Problem::usage)?;
            write(path, &text)?;
        }
        None => print_table(&report),
    }
    Ok(())
}

fn new_report(
    kernel: &Kernel,
    optimized: &Optimized,
    measuring: &Measuring,
    threads: usize,
    start: Instant,
) -> Report {
    let mut phases = optimized.phases;
    phases.looptree = measuring.phases.looptree;
    phases.llvm = measuring.phases.llvm;
    phases.link = measuring.phases.link;
    let cost = kernel
        .symbols(&optimized.graph)
        .ok()
        .map(|symbols| weft_looptree::cost(&kernel.graph, &symbols))
        .unwrap_or_default();
    Report {
        kernel: optimized.graph.name.to_string(),
        device: "cpu",
        threads,
        phases_ms: phases,
        callable_ms: start.elapsed().as_secs_f64() * 1e3,
        first_call_ms: None,
        runs_ms: vec![],
        median_ms: None,
        ci95_ms: None,
        peak_rss_mb: None,
        baseline: None,
        work_flop: cost.flop,
        moved_bytes: cost.bytes,
        machine: None,
        recipe: optimized.recipe.0.clone(),
    }
}

type Reference = (String, Vec<(String, weft_measure::HostArray)>);

fn measure(
    measuring: &mut Measuring,
    kernel: &Kernel,
    optimized: &Optimized,
    with_numpy: bool,
    effort: Effort,
    job: &Job,
) -> Result<(Comparison, Option<Reference>), Fault> {
    let never = AtomicBool::new(false);
    let mut problem = None;
    let mut baseline = None;
    if with_numpy {
        match work::start_baseline(kernel, &optimized.graph, job.threads, &never) {
            Ok(started) => baseline = Some(started),
            Err(error) => problem = Some(error.to_string()),
        }
    }
    let mut comparison =
        work::compare(&mut [(measuring, kernel)], baseline.as_mut(), effort, &never, &mut |_| {})?;
    if problem.is_some() {
        comparison.numpy_problem = problem;
    }
    let mut reference = None;
    if let Some(mut baseline) = baseline.filter(|_| comparison.numpy.is_some()) {
        match baseline.results(&never) {
            Ok(arrays) => reference = Some((baseline.numpy.clone(), arrays)),
            Err(error) => comparison.numpy_problem = Some(error.to_string()),
        }
    }
    Ok((comparison, reference))
}

fn fill(report: &mut Report, comparison: &Comparison) {
    let Some(mine) = comparison.versions.first() else { return };
    report.runs_ms = mine.runs_ms.clone();
    if let Some(summary) = mine.summary() {
        report.median_ms = Some(summary.median);
        report.ci95_ms = Some([summary.low, summary.high]);
    }
}

fn baseline_report(numpy: String, summary: Option<Summary>, error: f64) -> BaselineReport {
    let summary = summary.unwrap_or(Summary { median: 0.0, low: 0.0, high: 0.0, runs: 0 });
    BaselineReport {
        numpy,
        numpy_median_ms: summary.median,
        numpy_ci95_ms: [summary.low, summary.high],
        max_rel_error: error.is_finite().then_some(error),
    }
}

fn limits_of_machine(measuring: &mut Measuring, threads: usize) -> Option<Machine> {
    match measuring.worker.request(&Request::Machine { threads }, &[]) {
        Ok((Reply::Machine { cpu, bandwidth_gbs, peak_gflops }, _)) => {
            Some(Machine { cpu, threads, bandwidth_gbs, peak_gflops })
        }
        _ => None,
    }
}

/// The report as a person reads it.
fn print_table(report: &Report) {
    println!("{} on {} with {} threads", report.kernel, report.device, report.threads);
    let phases = report.phases_ms;
    let rows = [
        ("parse", phases.parse),
        ("import", phases.lower),
        ("simplify", phases.simplify),
        ("optimize", phases.optimize),
        ("loop tree", phases.looptree),
        ("LLVM", phases.llvm),
        ("link", phases.link),
        ("callable after", Some(report.callable_ms)),
        ("first call after", report.first_call_ms),
    ];
    for (name, value) in rows {
        if let Some(ms) = value {
            println!("  {name:<18} {ms:>10.3} ms");
        }
    }
    if let (Some(median), Some([low, high])) = (report.median_ms, report.ci95_ms) {
        println!("  {:<18} {median:>10.3} ms   [{low:.3}, {high:.3}]  {} runs", "Weft", report.runs_ms.len());
        if let Some(numpy) = &report.baseline {
            let [low, high] = numpy.numpy_ci95_ms;
            let name = format!("NumPy {}", numpy.numpy);
            println!("  {name:<18} {:>10.3} ms   [{low:.3}, {high:.3}]", numpy.numpy_median_ms);
            println!("  {:<18} {:>10.2} ×", "speed-up", numpy.numpy_median_ms / median);
            match numpy.max_rel_error {
                Some(error) => println!("  {:<18} {error:>10.1e}", "largest error"),
                None => println!("  results differ from NumPy's in type, shape or places of NaN"),
            }
        }
        let gbs = report.moved_bytes / median / 1e6;
        let gflops = report.work_flop / median / 1e6;
        if let Some(machine) = &report.machine {
            println!(
                "  {:<18} {gbs:>10.2} GB/s    of {:.1} of this machine",
                "at least moved", machine.bandwidth_gbs
            );
            println!(
                "  {:<18} {gflops:>10.2} GFLOP/s of {:.1} of this machine",
                "computed", machine.peak_gflops
            );
        }
    }
}

/// The window, or its job in the terminal.
pub fn open(file: Option<&str>, inputs: Inputs, watches: bool, start: Instant) -> Result<(), Fault> {
    let target = file.map(Target::parse);
    let display =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|v| std::env::var_os(v).is_some_and(|s| !s.is_empty()));
    if display {
        return crate::window::open(target, inputs, watches);
    }
    let target =
        target.ok_or_else(|| Problem::usage("there is no display: name a file, and it is measured here"))?;
    println!(
        "there is no display (DISPLAY and WAYLAND_DISPLAY are unset): doing the window's job in the terminal"
    );
    if watches {
        return watch::again(&target, &inputs, &[], start, &mut |start| in_terminal(&target, &inputs, start));
    }
    in_terminal(&target, &inputs, start)
}

/// Import, simplify, auto, compile, measure beside NumPy, export.
fn in_terminal(target: &Target, inputs: &Inputs, start: Instant) -> Result<(), Fault> {
    let bar = indicatif::ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    let say = |what: &str| {
        if bar.is_hidden() { println!("… {what}") } else { bar.set_message(what.to_string()) }
    };
    let job = Job {
        threads: cores(),
        time_limit: Some(Duration::from_secs(60)),
        cache: cache_folder().map(|dir| dir.join("objects")),
    };
    let worker = work::start_worker(&job)?;
    say("importing");
    let kernel = Kernel::load(target, inputs)?;
    say("optimizing: simplify, auto");
    let optimized = work::optimize(&kernel, &Strategy::Auto)?;
    say("compiling");
    let mut measuring = Measuring::compile(worker, &kernel, &optimized.graph, &job)?;
    let mut report = new_report(&kernel, &optimized, &measuring, job.threads, start);
    say("running");
    measuring.load(&kernel, &optimized.graph)?;
    let outputs = measuring.run(&kernel)?.0;
    report.first_call_ms = Some(start.elapsed().as_secs_f64() * 1e3);
    say("measuring beside NumPy");
    let effort = Effort { repeat: None, budget: Duration::from_secs(3) };
    // Asked for by opening the kernel; a file that is not ours is measured without NumPy.
    let trusted = crate::work::is_shipped_sample(&target.file);
    let (comparison, reference) = measure(&mut measuring, &kernel, &optimized, trusted, effort, &job)?;
    fill(&mut report, &comparison);
    report.baseline = reference.map(|(numpy, arrays)| {
        let error = work::max_rel_error(&outputs, &arrays);
        baseline_report(numpy, comparison.numpy.as_ref().and_then(|m| m.summary()), error)
    });
    report.machine = limits_of_machine(&mut measuring, job.threads);
    let output = std::env::current_dir().unwrap_or_default().join(format!("{}.sdfg", report.kernel));
    say("exporting");
    write(&output, &work::export(&optimized.graph, work::Format::Sdfg)?)?;
    bar.finish_and_clear();
    print_table(&report);
    println!("  steps              {}", report.recipe.len());
    println!("  exported to        {}", output.display());
    if let Some(problem) = comparison.numpy_problem {
        println!("  no baseline: {problem}");
    } else if !trusted {
        println!("  no baseline: it would run the file; `weft run FILE --baseline numpy` does");
    }
    Ok(())
}
