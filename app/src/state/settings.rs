//! What the window remembers from one start to the next.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::theme::Mode;

/// Written when it changes; a missing or damaged file is the default.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    pub mode: Mode,
    /// Newest first.
    pub recent: Vec<PathBuf>,
    /// Files that may be executed for the baseline.
    pub trusted: Vec<PathBuf>,
}

impl Remembered {
    pub const MOST_RECENT: usize = 12;

    pub fn read() -> Remembered {
        let text = state_folder().and_then(|dir| std::fs::read_to_string(dir.join("window.json")).ok());
        text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
    }

    /// A folder that cannot be written costs only the memory.
    pub fn write(&self) -> std::io::Result<()> {
        let Some(dir) = state_folder() else { return Ok(()) };
        std::fs::create_dir_all(&dir)?;
        let text = serde_json::to_string_pretty(self)?;
        let temporary = dir.join("window.json.tmp");
        std::fs::write(&temporary, text)?;
        std::fs::rename(temporary, dir.join("window.json"))
    }
}

/// `$XDG_STATE_HOME/weft`, else `~/.local/state/weft`.
fn state_folder() -> Option<PathBuf> {
    // Tests neither see nor leave anything.
    if cfg!(test) {
        return None;
    }
    let base = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    Some(base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?.join("weft"))
}

/// Where the steps on a file are saved continuously: one session for each file and function.
pub fn session_path(file: &Path, function: Option<&str>) -> Option<PathBuf> {
    let whole = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let key = format!("{}::{}", whole.display(), function.unwrap_or_default());
    // FNV-1a: the same in every version of Weft, unlike the standard library's hash.
    let hash =
        key.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ b as u64).wrapping_mul(0x0100_0000_01b3));
    let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or("kernel");
    Some(state_folder()?.join("sessions").join(format!("{stem}-{hash:016x}.weft")))
}
