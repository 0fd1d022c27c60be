//! Watching files: `--watch` imports again when one of them is saved.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::input::{Inputs, Target};
use super::modules::gather;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(150);
/// A file that was written so recently may be in the middle of it.
const SETTLED: Duration = Duration::from_millis(60);

/// When a file was written, and its size.
type Stamp = Option<(SystemTime, u64)>;

/// Files as they were at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched(Vec<(PathBuf, Stamp)>);

fn stamp(file: &Path) -> Stamp {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}

impl Watched {
    /// Everything that an import of the target reads: the file, its modules, its argument spec, the
    /// arguments, the recipe.
    pub fn of(target: &Target, inputs: &Inputs, more: &[PathBuf]) -> Watched {
        let mut files = vec![target.file.clone()];
        if target.file.extension().is_some_and(|e| e == "py") {
            if let Ok(gathered) = gather(&target.file) {
                files = gathered.files;
            }
            files.push(target.file.with_extension("toml"));
        }
        files.extend(inputs.npz.clone());
        files.extend(inputs.init.as_ref().filter(|i| i.function.is_some()).map(|i| i.file.clone()));
        files.extend_from_slice(more);
        let mut stamped: Vec<(PathBuf, Stamp)> = files.into_iter().map(|f| (f.clone(), stamp(&f))).collect();
        stamped.sort();
        stamped.dedup();
        Watched(stamped)
    }

    /// A file that is there and was saved since, and is not being written now.
    pub fn changed(&self) -> Option<&Path> {
        let (file, now) = self.0.iter().find_map(|(file, old)| {
            let now = stamp(file)?;
            (Some(now) != *old).then_some((file, now))
        })?;
        std::thread::sleep(SETTLED);
        (stamp(file) == Some(now)).then_some(file)
    }

    /// Waits for a change, or until `stopped`.
    pub fn wait(&self, stopped: &dyn Fn() -> bool) -> Option<PathBuf> {
        while !stopped() {
            if let Some(file) = self.changed() {
                return Some(file.to_path_buf());
            }
            std::thread::sleep(EVERY);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_is_seen_once() {
        let dir = std::env::temp_dir().join(format!("weft-watch-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        let file = dir.join("k.py");
        std::fs::write(&file, "import helper\n").expect("written");
        std::fs::write(dir.join("helper.py"), "x = 1\n").expect("written");
        let watch = || Watched::of(&Target { file: file.clone(), function: None }, &Inputs::default(), &[]);
        let before = watch();
        assert_eq!(before.changed(), None);
        std::fs::write(dir.join("helper.py"), "x = 12\n").expect("written");
        assert_eq!(before.changed(), Some(dir.join("helper.py").as_path()));
        assert_eq!(watch().changed(), None);
        // Editors move the old file away before the new one is there.
        let before = watch();
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(before.changed(), None);
        std::fs::write(&file, "import helper \n").expect("written");
        assert_eq!(before.changed(), Some(file.as_path()));
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
