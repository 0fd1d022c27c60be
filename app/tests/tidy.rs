//! What ARCHITECTURE.md promises about the folders, checked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

/// Crate folder -> Weft's own crates that it may name as dependencies.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("ir", &[]),
    ("ir/python", &["weft-ir"]),
    ("transforms", &["weft-ir"]),
    ("backends/rt", &[]),
    ("backends/looptree", &["weft-ir"]),
    ("backends/cpu", &["weft-ir", "weft-looptree", "weft-rt"]),
    ("backends/measure", &["weft-ir", "weft-looptree", "weft-cpu", "weft-rt"]),
    (
        "app",
        &[
            "weft-ir",
            "weft-python",
            "weft-transforms",
            "weft-looptree",
            "weft-cpu",
            "weft-rt",
            "weft-measure",
        ],
    ),
];

/// The part of a manifest that says what the crate itself (not its tests) depends on.
fn dependencies(folder: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
    let section = text.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_string)
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn crates_point_one_way() {
    for (folder, allowed) in MAY_USE {
        for name in dependencies(folder).iter().filter(|n| n.starts_with("weft-")) {
            assert!(allowed.contains(&name.as_str()), "{folder} must not depend on {name}");
        }
    }
}

/// Crates with their features, as cargo builds them for a selection; not those of build scripts and
/// procedural macros, which are built apart.
fn built(selection: &[&str]) -> BTreeSet<String> {
    let features = ["--no-default-features", "--features", "llvm22"];
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["tree", "--offline", "--prefix", "none", "--no-dedupe", "--format", "{p}|{f}"])
        .args(features)
        .args(selection)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("utf-8");
    text.lines().filter(|l| !l.is_empty()).map(|l| l.trim_end_matches(" (*)").to_string()).collect()
}

/// `make run` after `make test` builds nothing again: what the tests depend on turns on no feature of
/// what the program depends on.
#[test]
fn the_program_and_the_tests_share_their_dependencies() {
    let program = built(&["--package", "weft", "--edges", "normal,no-proc-macro"]);
    let tests = built(&["--workspace", "--edges", "normal,dev,no-proc-macro"]);
    let apart: Vec<&String> = program.difference(&tests).collect();
    assert!(apart.is_empty(), "built twice, because the tests turn on other features: {apart:#?}");
}

#[test]
fn every_crate_is_in_the_table() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace manifest");
    let members = manifest.split("members = [").nth(1).and_then(|t| t.split(']').next()).expect("members");
    for member in members.split(',').map(|m| m.trim().trim_matches('"')).filter(|m| !m.is_empty()) {
        assert!(MAY_USE.iter().any(|(folder, _)| *folder == member), "{member} is not in MAY_USE");
    }
}

#[test]
fn versions_are_in_one_place() {
    for (folder, _) in MAY_USE {
        let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        let own: Vec<&str> = text.lines().filter(|l| l.contains("version = \"")).collect();
        assert!(own.is_empty(), "{folder}/Cargo.toml has versions of its own: {own:?}");
    }
}

#[test]
fn absences() {
    let forbidden: [(&str, &[&str]); 4] = [
        ("ir/src", &["egui", "inkwell", "std::fs", "std::process", "std::net"]),
        ("ir/python/src", &["egui", "inkwell", "std::fs", "std::net"]),
        ("transforms/src", &["egui", "inkwell", "std::net", "std::process"]),
        ("backends/looptree/src", &["egui", "inkwell", "std::fs", "std::process", "std::net"]),
    ];
    for (folder, words) in forbidden {
        for path in sources(&root().join(folder)) {
            // Tests may read fixtures and call Python.
            if path.components().any(|c| c.as_os_str().to_string_lossy().contains("test")) {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source file");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for line in code.lines().filter(|l| !l.trim_start().starts_with("//")) {
                for word in words {
                    assert!(!line.contains(word), "{}: {word} has no place here: {line}", path.display());
                }
            }
        }
    }
}

#[test]
fn nothing_is_left_open() {
    // Split so that this file does not find itself.
    let words = [
        concat!("to", "do!("),
        concat!("unimplem", "ented!("),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
    ];
    for (folder, _) in MAY_USE {
        for path in sources(&root().join(folder)) {
            let text = fs::read_to_string(&path).expect("a source file");
            for word in words {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
}

#[test]
fn a_transformation_is_one_file_one_fixture_one_line() {
    let folder = root().join("transforms/src");
    let list = fs::read_to_string(folder.join("lib.rs")).expect("lib.rs");
    for path in sources(&folder) {
        let text = fs::read_to_string(&path).expect("a source file");
        if !text.contains("\nimpl Transformation for ") {
            continue;
        }
        let stem = path.file_stem().and_then(|s| s.to_str()).expect("a stem");
        assert!(list.contains(&format!("&{stem}::")), "{stem} is not in ALL");
        let fixture = root().join("transforms/fixtures").join(format!("{stem}.fixture"));
        assert!(fixture.exists(), "{} is missing", fixture.display());
    }
}
