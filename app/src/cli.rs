//! The command line: arguments in, exit status out.

mod batch;
mod inspect;
mod run;
mod signals;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};

use crate::work::{Fault, Format, Inputs, Kernel, Problem, Strategy, Target};

const STATUS: &str = "\
Exit status: 0 right; 1 the kernel failed while running (an index out of bounds, out of memory, the
time limit, a crash of the worker); 2 refused or wrong usage, the reason on stderr.";

/// A workbench for dataflow graphs of NumPy kernels: import, transform, compile, measure.
#[derive(Parser)]
#[command(name = "weft", version, about, disable_help_subcommand = true, after_help = STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile a kernel, run it, measure it
    Run(run::RunArgs),
    /// Say what of a file is imported and what is refused
    Check {
        #[command(flatten)]
        file: FileArgs,
        /// For editors
        #[arg(long)]
        json: bool,
    },
    /// List the transformations, or those that fit a file
    Transforms {
        file: Option<String>,
        #[command(flatten)]
        inputs: InputArgs,
        #[arg(long)]
        json: bool,
        /// Rewrite first: none, simplify, auto or a RECIPE.json
        #[arg(long, value_name = "HOW", default_value = "none")]
        optimize: Strategy,
    },
    /// The help of one transformation
    Explain { name: String },
    /// Apply one transformation and write the graph
    Apply {
        file: String,
        /// See `weft transforms`
        name: String,
        #[command(flatten)]
        inputs: InputArgs,
        /// Where, as `weft transforms FILE` prints it; may be left out if there is one place
        #[arg(long)]
        at: Option<String>,
        /// A parameter of the transformation
        #[arg(long = "param", value_name = "K=V")]
        params: Vec<String>,
        /// Rewrite first: none, simplify, auto or a RECIPE.json
        #[arg(long, value_name = "HOW", default_value = "none")]
        optimize: Strategy,
        #[arg(long, value_name = "FILE.sdfg")]
        output: PathBuf,
    },
    /// Write the graph, or what is generated from it, to a file
    Export {
        #[command(flatten)]
        file: FileArgs,
        /// Rewrite first: none, simplify, auto or a RECIPE.json
        #[arg(long, value_name = "HOW", default_value = "none")]
        optimize: Strategy,
        #[arg(long = "to", value_enum)]
        format: Format,
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Open the window; without a display, do the same job in the terminal
    Open {
        file: Option<String>,
        #[command(flatten)]
        inputs: InputArgs,
        /// Import again when the file is saved, do the steps again, measure again
        #[arg(long)]
        watch: bool,
    },
    /// Run kernels that lines on stdin name (used by the test scripts)
    #[command(hide = true)]
    Batch(batch::BatchArgs),
    /// Serve compile and run requests (used by the other commands)
    Worker {
        #[arg(long)]
        socket: Option<i32>,
    },
}

#[derive(Args)]
pub struct FileArgs {
    /// FILE.py, FILE.py::FUNC, FILE.sdfg, FILE.sdfgz or FILE.weft
    file: String,
    #[command(flatten)]
    inputs: InputArgs,
}

#[derive(Args)]
pub struct InputArgs {
    /// Arguments: one entry per parameter, by name
    #[arg(long = "inputs", value_name = "IN.npz")]
    npz: Option<PathBuf>,
    /// The value of a symbol or scalar
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A preset of the argument spec: S, M, L, paper
    #[arg(long, value_name = "PRESET")]
    size: Option<String>,
    /// Let the kernel's Python files run where arguments come from them (NPBench's initialize)
    #[arg(long)]
    trust: bool,
    /// Let Python run this function, which makes the arguments: of the kernel's file, or FILE.py::FUNC.
    /// Its own parameters come from --set and the sizes
    #[arg(long, value_name = "FUNC")]
    init: Option<String>,
}

impl InputArgs {
    fn inputs(&self) -> Result<Inputs, Problem> {
        let mut set = std::collections::BTreeMap::new();
        for text in &self.set {
            let parsed =
                text.split_once('=').and_then(|(k, v)| Some((k.trim().to_string(), v.trim().parse().ok()?)));
            let (name, value) =
                parsed.ok_or_else(|| Problem::usage(format!("--set {text}: write NAME=NUMBER")))?;
            set.insert(name, value);
        }
        let init = self.init.as_deref().map(Target::parse);
        Ok(Inputs { npz: self.npz.clone(), set, size: self.size.clone(), trusted: self.trust, init })
    }
}

impl FileArgs {
    fn load(&self) -> Result<Kernel, Problem> {
        Kernel::load(&Target::parse(&self.file), &self.inputs.inputs()?)
    }
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let start = Instant::now();
    signals::install();
    let level = std::env::var("WEFT_LOG").ok().and_then(|l| l.parse().ok()).unwrap_or(tracing::Level::WARN);
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match catch_unwind(AssertUnwindSafe(|| dispatch(cli.command, start))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(fault)) => {
            say(&fault);
            ExitCode::from(if matches!(fault, Fault::Problem(_)) { 2 } else { 1 })
        }
        // The hook has said what it was.
        Err(_) => ExitCode::from(2),
    }
}

/// Says on stderr why a job did not come to an end.
fn say(fault: &Fault) {
    match fault {
        Fault::Problem(problem) => eprintln!("{}", problem.to_string().trim_end()),
        fault => eprintln!("error: {fault}"),
    }
}

fn dispatch(command: Command, start: Instant) -> Result<(), Fault> {
    match command {
        Command::Run(args) => run::run(&args, start),
        Command::Check { file, json } => inspect::check(&file, json),
        Command::Transforms { file, inputs, json, optimize } => {
            inspect::transforms(file.as_deref(), &inputs, &optimize, json)
        }
        Command::Explain { name } => inspect::explain(&name),
        Command::Apply { file, name, inputs, at, params, optimize, output } => {
            let kernel = Kernel::load(&Target::parse(&file), &inputs.inputs()?)?;
            inspect::apply(&kernel, &optimize, &name, at.as_deref(), &params, &output)
        }
        Command::Export { file, optimize, format, output } => {
            inspect::export(&file.load()?, &optimize, format, &output)
        }
        Command::Open { file, inputs, watch } => run::open(file.as_deref(), inputs.inputs()?, watch, start),
        Command::Batch(args) => batch::batch(&args),
        Command::Worker { socket } => {
            weft_measure::serve(socket).map_err(|e| Fault::Kernel(format!("the connection broke: {e}")))
        }
    }
}

/// Writes a text file that the user asked for.
fn write(path: &std::path::Path, text: &str) -> Result<(), Problem> {
    std::fs::write(path, text).map_err(|e| Problem::usage(format!("{}: {e}", path.display())))
}
