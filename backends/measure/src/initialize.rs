//! Arguments that a Python function makes: `--init`, and NPBench's `initialize`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::arrays::{HostArray, read_npz};
use crate::baseline::{Folder, find_python};

/// The user's function, or the Python that should run it, is at fault.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("no Python with NumPy was found; name one in WEFT_PYTHON")]
    NoPython,
    #[error("{0}")]
    Setup(String),
    /// Parameters of the function that no value is given for.
    #[error("{function}() needs a value for {}", .names.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", "))]
    Lacking { function: String, names: Vec<String> },
    #[error("{0}")]
    Raised(String),
}

/// What such a function returned.
#[derive(Debug)]
pub struct Made {
    /// The keys, if it was a dict.
    pub names: Option<Vec<String>>,
    /// `int`, `float`, `complex`, `bool`, `scalar` (NumPy's) or `array`, and the value.
    pub values: Vec<(&'static str, HostArray)>,
}

#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    lacking: Option<Vec<String>>,
    names: Option<Vec<String>>,
    #[serde(default)]
    kinds: Vec<String>,
}

/// What the function is called with.
pub enum Given {
    Positional(Vec<Value>),
    /// Those of these numbers that it has a parameter for.
    Named(Map<String, Value>),
}

/// Calls a function of a Python file. This executes the file: ask before.
pub fn initialize(file: &Path, function: &str, given: Given) -> Result<Made, InitError> {
    let values = match given {
        Given::Positional(values) => Value::Array(values),
        Given::Named(values) => Value::Object(values),
    };
    let python = find_python().ok_or(InitError::NoPython)?;
    let setup = |e: &dyn std::fmt::Display| InitError::Setup(e.to_string());
    let folder = Folder::new().map_err(|e| setup(&e))?;
    let (output, answer) = (folder.0.join("arguments.npz"), folder.0.join("answer.json"));
    let call = serde_json::json!({
        "file": file, "function": function, "values": values, "output": output, "answer": answer,
    });
    let script = concat!(include_str!("load.py"), include_str!("initialize.py"));
    let mut command = Command::new(&python);
    command.args(["-c", script, &call.to_string()]).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    // SAFETY: one async-signal-safe call between fork and exec.
    unsafe {
        command.pre_exec(|| {
            // This thread waits for it; if it goes, so does the Python process.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    let run = command.output().map_err(|e| InitError::Setup(format!("{}: {e}", python.display())))?;
    let Ok(text) = std::fs::read_to_string(&answer) else {
        // It ended before it could answer: no NumPy, a signal, `os._exit`.
        let said = String::from_utf8_lossy(&run.stderr);
        let last = said.lines().last().map_or_else(|| run.status.to_string(), str::to_string);
        return Err(InitError::Raised(last));
    };
    let answer: Answer = serde_json::from_str(&text).map_err(|e| setup(&e))?;
    if let Some(names) = answer.lacking {
        return Err(InitError::Lacking { function: function.into(), names });
    }
    if let Some(error) = answer.error {
        return Err(InitError::Raised(error));
    }
    let mut arrays: std::collections::BTreeMap<String, HostArray> =
        read_npz(&output).map_err(|e| setup(&e))?.into_iter().collect();
    let mut values = vec![];
    for (i, kind) in answer.kinds.iter().enumerate() {
        let known = ["int", "float", "complex", "bool", "scalar", "array"].into_iter().find(|k| k == kind);
        match (known, arrays.remove(&format!("v{i}"))) {
            (Some(kind), Some(value)) => values.push((kind, value)),
            _ => return Err(InitError::Setup("the arguments were not written".into())),
        }
    }
    Ok(Made { names: answer.names, values })
}
