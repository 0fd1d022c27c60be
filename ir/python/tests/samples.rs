//! The samples, and NPBench's originals where they are found, equal NumPy at several sizes.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{Arg, Case, compare, numpy};
use weft_python::spec;

const NAMES: [&str; 17] = [
    "arc_distance",
    "atax",
    "cholesky",
    "fdtd_2d",
    "floyd_warshall",
    "gemm",
    "gesummv",
    "go_fast",
    "hdiff",
    "heat_3d",
    "jacobi_1d",
    "jacobi_2d",
    "lstsqr",
    "mvt",
    "softmax",
    "specialconvolve",
    "wdist",
];

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

/// A sample's arguments with its symbols set to consecutive small numbers from `size`.
fn arguments(name: &str, source: &str, function: &str, size: i64, equal: bool, named: bool) -> Vec<Arg> {
    let text = std::fs::read_to_string(samples().join(format!("{name}.toml"))).expect("a spec");
    let spec = spec::parse(&text).expect("a valid spec");
    let symbols: BTreeMap<String, i64> = spec.sizes[0]
        .1
        .keys()
        .enumerate()
        .map(|(i, k)| (k.clone(), if equal { size } else { size + i as i64 }))
        .collect();
    let file = std::sync::Arc::new(weft_ir::sdfg::Source::new("kernel.py", source));
    let parameters = weft_python::parameters(&file, function).expect("parameters");
    parameters
        .iter()
        .map(|p| {
            let (kind, dtype, shape, bytes) = spec.value(&p.name, &symbols).expect("an argument");
            let extents = if named { spec.extents(&p.name) } else { None };
            Arg { name: p.name.clone(), kind, dtype, shape, fortran: false, extents, bytes }
        })
        .collect()
}

fn original(name: &str) -> Option<(String, String)> {
    let root = std::env::var("WEFT_NPBENCH").ok()?;
    root.split(':').find_map(|root| {
        let file = find(Path::new(root), &format!("{name}_numpy.py"), 6)?;
        let text = std::fs::read_to_string(file).ok()?;
        let function = if text.contains("def kernel(") { "kernel" } else { name };
        Some((text, function.to_string()))
    })
}

fn find(dir: &Path, name: &str, depth: u32) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(dir).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
    entries.sort();
    if let Some(file) = entries.iter().find(|p| p.file_name().is_some_and(|n| n == name)) {
        return Some(file.clone());
    }
    let dirs = entries.iter().filter(|p| p.is_dir() && depth > 0);
    dirs.into_iter().find_map(|d| find(d, name, depth - 1))
}

fn check(sources: Vec<(String, String, String)>) {
    let only = std::env::var("WEFT_ONLY").unwrap_or_default();
    let mut cases = vec![];
    for (name, source, function) in sources.iter().filter(|s| s.0.contains(&only)) {
        for (size, equal, named) in [
            (0, true, true),
            (1, true, true),
            (2, true, false),
            (3, false, true),
            (5, false, false),
            (7, true, true),
        ] {
            let title = format!("{name} at {size}, equal {equal}, named {named}");
            let args = arguments(name, source, function, size, equal, named);
            cases.push(Case { title, source: source.clone(), function: function.clone(), args });
        }
    }
    let Some(expected) = numpy(&cases) else { return };
    let mut failures = vec![];
    for (case, want) in cases.iter().zip(&expected) {
        if let Err(e) = compare(case, want) {
            failures.push(format!("== {}\n{e}", case.title));
        }
    }
    assert!(failures.is_empty(), "{} of {}\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn samples_equal_numpy() {
    let read = |n: &&str| {
        let text = std::fs::read_to_string(samples().join(format!("{n}.py"))).expect("a sample");
        (n.to_string(), text, n.to_string())
    };
    check(NAMES.iter().map(read).collect());
}

#[test]
fn npbench_originals_equal_numpy() {
    let found: Vec<_> =
        NAMES.iter().filter_map(|n| original(n).map(|(s, f)| (n.to_string(), s, f))).collect();
    println!("note: {} of NPBench's originals found (WEFT_NPBENCH)", found.len());
    check(found);
}
