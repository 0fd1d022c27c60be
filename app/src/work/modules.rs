//! The user's own modules that a Python file imports, found as Python finds them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use weft_ir::sdfg::Source;

use super::input::{Problem, read_text};

/// Modules that are Python's before any file beside the kernel is looked at.
const BUILT_IN: [&str; 8] = ["builtins", "sys", "math", "cmath", "time", "itertools", "__future__", "gc"];
const MOST_FILES: usize = 256;
const MOST_BYTES: usize = 32 << 20;

/// A file and the modules that it imports.
pub struct Gathered {
    pub source: Source,
    /// Of all files, the first one first.
    pub files: Vec<PathBuf>,
}

/// Reads a Python file and the modules of the user's that it needs: those in its folder, in the
/// packages there, and what relative imports lead to.
pub fn gather(file: &Path) -> Result<Gathered, Problem> {
    let text = read_text(file)?;
    let folder = file.parent().map_or(PathBuf::new(), Path::to_path_buf);
    let mut search = Search {
        roots: [Some(folder.clone()), outside_of_packages(&folder)].into_iter().flatten().collect(),
        seen: BTreeSet::new(),
        gathered: Gathered {
            source: Source::new(file.display().to_string(), text.clone()),
            files: vec![file.to_path_buf()],
        },
    };
    search.imports_of(&text, "", true)?;
    Ok(search.gathered)
}

/// The folder that a package is in, if the folder is one.
fn outside_of_packages(folder: &Path) -> Option<PathBuf> {
    let is_package = |f: &Path| f.join("__init__.py").is_file();
    let whole = folder.canonicalize().ok().filter(|f| is_package(f))?;
    whole.ancestors().find(|f| !is_package(f)).map(Path::to_path_buf)
}

struct Search {
    /// Where absolute imports are looked for.
    roots: Vec<PathBuf>,
    seen: BTreeSet<String>,
    gathered: Gathered,
}

impl Search {
    fn imports_of(&mut self, text: &str, name: &str, package: bool) -> Result<(), Problem> {
        for wanted in weft_python::wanted(text) {
            let top = wanted.module.split('.').next().unwrap_or_default();
            if wanted.level == 0 && BUILT_IN.contains(&top) {
                continue;
            }
            let module = match wanted.level {
                0 => wanted.module.clone(),
                level => weft_python::absolute(name, package, level, &wanted.module),
            };
            if wanted.level > 0 && module.is_empty() {
                self.module("")?;
            }
            // A package runs before what is in it.
            let ends = module.match_indices('.').map(|(at, _)| at).chain([module.len()]);
            for end in ends.collect::<Vec<_>>() {
                self.module(&module[..end])?;
            }
        }
        Ok(())
    }

    /// Reads a module that was not read yet; one that is not there is somebody else's.
    fn module(&mut self, module: &str) -> Result<(), Problem> {
        if !self.seen.insert(module.to_string()) {
            return Ok(());
        }
        let Some((file, package)) = self.roots.iter().find_map(|root| find(root, module)) else {
            return Ok(());
        };
        let text = read_text(&file)?;
        let text = text.trim_start_matches('\u{feff}');
        let too_much = self.gathered.source.text.len() + text.len() > MOST_BYTES;
        if self.gathered.files.len() >= MOST_FILES || too_much {
            return Err(Problem::usage(format!(
                "{}: it imports too much: at most {MOST_FILES} files and {} MB are read",
                self.gathered.source.path,
                MOST_BYTES >> 20
            )));
        }
        self.gathered.source.push(file.display().to_string(), module, package, text);
        self.gathered.files.push(file);
        self.imports_of(text, module, package)
    }
}

fn find(root: &Path, module: &str) -> Option<(PathBuf, bool)> {
    let mut path = root.to_path_buf();
    for part in module.split('.').filter(|p| !p.is_empty()) {
        if part == "^" {
            path.push("..");
        } else {
            path.push(part);
        }
    }
    let package = path.join("__init__.py");
    if package.is_file() && (module.is_empty() || !module.ends_with('^')) {
        return Some((package, true));
    }
    if module.is_empty() || module.ends_with('^') {
        return None;
    }
    let file = path.with_file_name(format!("{}.py", path.file_name()?.to_str()?));
    file.is_file().then_some((file, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_and_in_packages() {
        let dir = std::env::temp_dir().join(format!("weft-modules-{}", std::process::id()));
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        write(
            "k.py",
            "import numpy as np, math\nimport helpers\nfrom pkg import ops\nfrom pkg.deep.more import x\n",
        );
        write("math.py", "not python (");
        write("helpers.py", "import k\nfrom .other import y\n");
        write("other.py", "");
        write("pkg/__init__.py", "from . import lazy\n");
        write("pkg/ops.py", "from ..helpers import z\n");
        write("pkg/lazy.py", "");
        write("pkg/deep/more.py", "");
        let gathered = gather(&dir.join("k.py")).expect("gathered");
        let mut modules: Vec<&str> = gathered.source.others.iter().map(|f| f.module.as_str()).collect();
        modules.sort();
        assert_eq!(modules, ["helpers", "k", "other", "pkg", "pkg.deep.more", "pkg.lazy", "pkg.ops"]);
        assert_eq!(gathered.files.len(), 8);
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
