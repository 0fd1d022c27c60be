//! `.weft` sessions: which file, which arguments, which steps; saved continuously by the window.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weft_transforms::Recipe;

use super::input::{Inputs, Kernel, Problem, Target};

/// Everything that is needed to come back to the same picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Of this file format.
    pub weft: u32,
    /// The kernel's file; relative to the session's folder if it is below it.
    pub file: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, weft_python::spec::Written>,
    /// Steps up to the current version.
    pub recipe: Recipe,
    /// Steps that were undone and can be redone.
    #[serde(default)]
    pub redo: Recipe,
}

impl Session {
    pub const FORMAT: u32 = 1;

    pub fn read(path: &Path) -> Result<Session, Problem> {
        let fail = |e: &dyn std::fmt::Display| Problem::usage(format!("{}: {e}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| fail(&e))?;
        let mut session: Session =
            serde_json::from_str(&text).map_err(|e| fail(&format!("not a Weft session: {e}")))?;
        if session.weft != Session::FORMAT {
            return Err(fail(&format!(
                "a session of format {}, this Weft reads {}",
                session.weft,
                Session::FORMAT
            )));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        session.file = folder.join(&session.file);
        session.inputs = session.inputs.map(|inputs| folder.join(inputs));
        Ok(session)
    }

    /// Writes beside and renames, so that a crash leaves the old or the new one.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let temporary = path.with_extension("weft.tmp");
        std::fs::write(&temporary, text)?;
        std::fs::rename(temporary, path)
    }

    /// What a command line says wins over what the session says.
    pub fn open(&self, inputs: &Inputs) -> Result<Kernel, Problem> {
        let target = Target { file: self.file.clone(), function: self.function.clone() };
        if self.file.extension().is_some_and(|e| e == "weft") {
            return Err(Problem::usage("a session cannot refer to a session"));
        }
        let mut set = self.set.clone();
        set.extend(inputs.set.clone());
        let merged = Inputs {
            npz: inputs.npz.clone().or_else(|| self.inputs.clone()),
            set,
            size: inputs.size.clone().or_else(|| self.size.clone()),
            trusted: inputs.trusted,
            init: inputs.init.clone(),
        };
        let mut kernel = Kernel::load(&target, &merged)?;
        kernel.recipe = Some(self.recipe.clone());
        Ok(kernel)
    }
}
