//! Every sample: the loop tree does what the imported graph does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weft_ir::dtype::Scalar;
use weft_ir::interp::{Array, Options, run};
use weft_ir::names::Name;
use weft_ir::sdfg::{Source, verify};
use weft_looptree::{interpret, lower, print};
use weft_python::{Sample, import, parameters, spec};

fn names() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let entries = std::fs::read_dir(root).expect("the samples");
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "py"))
        .map(|p| (p.file_stem().expect("a name").to_string_lossy().into_owned(), p))
        .collect();
    found.sort();
    found
}

/// The samples that the interpreters run in seconds.
const CORE: &str = include_str!("../../../tests/core_samples.txt");

/// One run of both interpreters; whether the sample can be imported at this size.
fn compare(name: &str, path: &Path, size: i64, equal: bool) -> bool {
    let text = std::fs::read_to_string(path).expect("a sample");
    let source = Arc::new(Source::new("kernel.py", text));
    let spec =
        spec::parse(&std::fs::read_to_string(path.with_extension("toml")).expect("a spec")).expect("valid");
    let keys = spec.sizes[0].1.keys().enumerate();
    let sizes: BTreeMap<String, i64> =
        keys.map(|(i, k)| (k.clone(), if equal { size } else { size + i as i64 })).collect();
    let mut samples = vec![];
    let mut arrays = BTreeMap::new();
    for p in parameters(&source, name).expect("parameters") {
        // A time step for a grid of one cell is a division by zero.
        let Ok((kind, dtype, shape, bytes)) = spec.value(&p.name, &sizes) else { return false };
        let array = Array::from_bytes(dtype, &shape, bytes).expect("as many bytes");
        let sample = match (kind, (!array.is_empty()).then(|| array.get(0))) {
            ("int", Some(Scalar::Int(_, i))) => Sample::Int(i as i64),
            ("float", Some(Scalar::F64(x))) => Sample::Float(x),
            ("bool", Some(Scalar::Bool(b))) => Sample::Bool(b),
            ("array", _) => Sample::Array {
                dtype,
                shape: shape.iter().map(|&n| n as i64).collect(),
                fortran: false,
                extents: spec.extents(&p.name),
            },
            (_, Some(value)) => Sample::NumpyScalar(value),
            _ => panic!("an empty scalar"),
        };
        if kind != "int" {
            arrays.insert(Name::new(&p.name), array);
        }
        samples.push((p.name, sample));
    }
    let Ok(import) = import(source, name, &samples) else { return false };
    let symbols = import.bind(&samples).expect("the arguments of the import");
    // A graph that is out of bounds for certain at this size is not lowered.
    let Ok(graph) = verify(import.sdfg) else { return false };
    let program = lower(&graph).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (mut expected, mut got) = (arrays.clone(), arrays);
    let reference = run(&graph, &symbols, &mut expected, Options::default());
    let mine = interpret(&program, &symbols, &mut got);
    if reference.is_err() && mine.is_err() {
        return false;
    }
    assert!(
        reference.is_ok() && mine.is_ok(),
        "{name} at {size}: {reference:?}, but {mine:?}\n{}",
        print(&program)
    );
    for (array, value) in &expected {
        let pairs = value.to_f64().into_iter().zip(got[array].to_f64());
        for (at, (a, b)) in pairs.enumerate() {
            let near = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-5 * (1.0 + a.abs());
            assert!(near, "{name} at {size}: {array}[{at}] is {b}, not {a}\n{}", print(&program));
        }
    }
    true
}

#[test]
fn samples_run_the_same() {
    let names = names();
    assert_eq!(names.len(), 57);
    let mut imported = 0;
    for (name, path) in names.iter().filter(|n| CORE.lines().any(|line| line == n.0)) {
        let sizes = [(0, true), (1, true), (2, true), (3, false), (5, false), (7, true)];
        let ran = sizes.iter().filter(|(size, equal)| compare(name, path, *size, *equal)).count();
        // The front end refuses some kernels, and some need sizes that fit each other.
        imported += usize::from(ran >= 3);
    }
    assert!(imported >= 17, "{imported} samples ran");
}
