//! NumPy's time and results for the same call, in a Python process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use crate::arrays::{HostArray, read_npz, write_npz};
use crate::process::Process;

/// What went wrong in or with the Python process; none of it touches Weft's own result.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    #[error("no Python with NumPy was found; name one in WEFT_PYTHON")]
    NoPython,
    #[error("the baseline cannot be prepared: {0}")]
    Setup(String),
    #[error("NumPy: {0}")]
    Raised(String),
    #[error("the Python process ended")]
    Died,
    #[error("stopped after the time limit")]
    Time,
    #[error("cancelled")]
    Cancelled,
}

/// The Python for baselines: `WEFT_PYTHON`, a `.venv` beside the program or the working folder
/// or above them, or `python3`.
pub fn find_python() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("WEFT_PYTHON") {
        return Some(path.into());
    }
    let roots = [std::env::current_exe().ok(), std::env::current_dir().ok().map(|d| d.join("_"))];
    let found = roots.into_iter().flatten().find_map(|start| {
        start.ancestors().skip(1).map(|dir| dir.join(".venv/bin/python")).find(|python| python.exists())
    });
    found.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|dir| dir.join("python3")).find(|python| python.exists())
    })
}

/// A Python process that has the user's module and the arguments loaded. Dropping it kills it.
pub struct Baseline {
    process: Process,
    stdin: ChildStdin,
    lines: Receiver<String>,
    folder: Folder,
    /// NumPy's version.
    pub numpy: String,
}

#[derive(Deserialize)]
struct Line {
    error: Option<String>,
    numpy: Option<String>,
    runs_ms: Option<Vec<f64>>,
}

impl Baseline {
    /// `parameters`: name and kind (`int`, `float`, `complex`, `bool`, `scalar` for NumPy's own,
    /// `array`) in the function's order; `arrays` has an entry for each, scalars of rank 0.
    ///
    /// This executes the user's file: ask before.
    pub fn start(
        file: &Path,
        function: &str,
        parameters: &[(String, &'static str)],
        arrays: &[(String, HostArray)],
        threads: usize,
        cancel: &AtomicBool,
    ) -> Result<Baseline, BaselineError> {
        let python = find_python().ok_or(BaselineError::NoPython)?;
        let folder = Folder::new().map_err(|e| BaselineError::Setup(e.to_string()))?;
        let inputs = folder.0.join("inputs.npz");
        write_npz(&inputs, arrays).map_err(|e| BaselineError::Setup(e.to_string()))?;
        let threads = threads.to_string();
        let mut command = Command::new(&python);
        command
            .args(["-c", concat!(include_str!("load.py"), include_str!("baseline.py"))])
            .env("OMP_NUM_THREADS", &threads)
            .env("OPENBLAS_NUM_THREADS", &threads)
            .env("MKL_NUM_THREADS", &threads)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let (process, pipes) = Process::start(&mut command, Some(folder.0.clone()))
            .map_err(|e| BaselineError::Setup(format!("{}: {e}", python.display())))?;
        let stdin = pipes.stdin.expect("piped");
        let stdout = pipes.stdout.expect("piped");
        let (sender, lines) = channel();
        std::thread::Builder::new()
            .name("baseline-reader".into())
            .spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            })
            .map_err(|e| BaselineError::Setup(e.to_string()))?;
        let mut baseline = Baseline { process, stdin, lines, folder, numpy: String::new() };
        let setup = json!({"parent": std::process::id(), "folder": baseline.folder.0, "file": file, "function": function, "parameters": parameters, "inputs": inputs});
        let line = baseline.ask(&setup, Duration::from_secs(60), cancel)?;
        baseline.numpy = line.numpy.unwrap_or_default();
        Ok(baseline)
    }

    /// Times that many calls, arguments restored before each; milliseconds.
    pub fn measure(
        &mut self,
        runs: usize,
        limit: Duration,
        cancel: &AtomicBool,
    ) -> Result<Vec<f64>, BaselineError> {
        let line = self.ask(&json!({"runs": runs}), limit, cancel)?;
        line.runs_ms.ok_or_else(|| BaselineError::Raised("no times".into()))
    }

    /// The arrays after the last measured call, then `return_0`, ….
    pub fn results(&mut self, cancel: &AtomicBool) -> Result<Vec<(String, HostArray)>, BaselineError> {
        let output = self.folder.0.join("outputs.npz");
        self.ask(&json!({"output": output}), Duration::from_secs(120), cancel)?;
        read_npz(&output).map_err(|e| BaselineError::Setup(e.to_string()))
    }

    fn ask(
        &mut self,
        request: &serde_json::Value,
        limit: Duration,
        cancel: &AtomicBool,
    ) -> Result<Line, BaselineError> {
        self.process.resume();
        writeln!(self.stdin, "{request}").map_err(|_| BaselineError::Died)?;
        let start = Instant::now();
        let text = loop {
            match self.lines.recv_timeout(Duration::from_millis(20)) {
                Ok(text) => break text,
                Err(RecvTimeoutError::Disconnected) => return Err(BaselineError::Died),
                Err(RecvTimeoutError::Timeout) if cancel.load(Ordering::SeqCst) => {
                    return Err(BaselineError::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) if start.elapsed() > limit => return Err(BaselineError::Time),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        // The threads of a BLAS spin for tens of milliseconds after a call, on the cores that the
        // other side is about to be timed on.
        self.process.pause();
        let line: Line = serde_json::from_str(&text).map_err(|e| BaselineError::Raised(e.to_string()))?;
        match line.error {
            Some(error) => Err(BaselineError::Raised(error)),
            None => Ok(line),
        }
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        // Before the folder that it works in goes.
        self.process.stop();
    }
}

/// A temporary folder, removed when dropped.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> std::io::Result<Folder> {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("weft-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in a temporary folder does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
