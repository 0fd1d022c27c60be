//! Arguments that a Python function makes (NPBench's `initialize`).

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::arrays::{HostArray, read_npz};
use crate::baseline::{BaselineError, Folder, find_python};

const SCRIPT: &str = r#"
import importlib.util, json, os, sys
import numpy as np
call = json.loads(sys.argv[1])
sys.path.insert(0, os.path.dirname(os.path.abspath(call["file"])))
spec = importlib.util.spec_from_file_location("arguments", call["file"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
values = getattr(module, call["function"])(*call["sizes"])
if len(call["names"]) == 1 and not isinstance(values, tuple):
    values = (values,)
np.savez(call["output"], **dict(zip(call["names"], values)))
"#;

/// Calls `function(*sizes)` of a Python file and gives its results under `names`.
/// This executes the file: ask before.
pub fn initialize<T: serde::Serialize>(
    file: &Path,
    function: &str,
    sizes: &[T],
    names: &[String],
) -> Result<Vec<(String, HostArray)>, BaselineError> {
    let python = find_python().ok_or(BaselineError::NoPython)?;
    let setup = |e: &dyn std::fmt::Display| BaselineError::Setup(e.to_string());
    let folder = Folder::new().map_err(|e| setup(&e))?;
    let output = folder.0.join("arguments.npz");
    let call = serde_json::json!({"file": file, "function": function, "sizes": sizes, "names": names, "output": output});
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, &call.to_string()]).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    // SAFETY: one async-signal-safe call between fork and exec.
    unsafe {
        command.pre_exec(|| {
            // This thread waits for it; if it goes, so does the Python process.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    let run = command.output().map_err(|e| setup(&e));
    run.and_then(|run| {
        if run.status.success() {
            return read_npz(&output).map_err(|e| setup(&e));
        }
        let text = String::from_utf8_lossy(&run.stderr);
        Err(BaselineError::Raised(text.lines().last().unwrap_or("no message").to_string()))
    })
}
