//! The samples as imported: the compiled kernel does what the loop tree's interpreter does.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use common::arrays::{Arrays, call, close, layouts};
use common::kernel;
use weft_ir::dtype::{DType, Scalar};
use weft_ir::interp::Array;
use weft_ir::sdfg::Source;
use weft_looptree::{interpret, lower};
use weft_python::{Sample, spec};

/// Checks one sample with its symbols set to consecutive numbers from `size`; `false` if the
/// front end refuses it.
fn check(path: &Path, size: i64) -> bool {
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).expect("a sample");
    let toml = std::fs::read_to_string(path.with_extension("toml")).expect("a spec");
    let spec = spec::parse(&toml).expect("a valid spec");
    let sizes: BTreeMap<String, i64> =
        spec.sizes[0].1.keys().enumerate().map(|(i, k)| (k.clone(), size + i as i64)).collect();
    let source = Arc::new(Source::new("kernel.py", text));
    let mut samples = Vec::new();
    let mut given = BTreeMap::new();
    for parameter in weft_python::parameters(&source, &name).expect("parameters") {
        let (kind, dtype, shape, bytes) = spec.value(&parameter.name, &sizes).expect("an argument");
        let array = Array::from_bytes(dtype, &shape, bytes).expect("as many bytes");
        let sample = match (kind, (!array.is_empty()).then(|| array.get(0))) {
            ("array", _) => Sample::Array {
                dtype,
                shape: shape.iter().map(|&n| n as i64).collect(),
                fortran: false,
                extents: spec.extents(&parameter.name),
            },
            ("int", Some(Scalar::Int(_, v))) => Sample::Int(v as i64),
            ("float", Some(Scalar::F64(v))) => Sample::Float(v),
            (_, Some(value)) => Sample::NumpyScalar(value),
            _ => panic!("{name}: no value for {}", parameter.name),
        };
        given.insert(parameter.name.clone(), array);
        samples.push((parameter.name.clone(), sample));
    }
    let Ok(import) = weft_python::import(source, &name, &samples) else { return false };
    let symbols = import.bind(&samples).expect("symbols");
    let verified = weft_ir::sdfg::verify(import.sdfg).expect("a right graph");
    let program = lower(&verified).expect("a loop tree");
    let layouts = layouts(&program, &symbols).expect("sizes");
    let mut expected = Arrays::new();
    for (id, (shape, _)) in program.arguments.iter().zip(&layouts) {
        let buffer = &program.buffers[id.0 as usize];
        let array = given.get(buffer.name.as_str()).cloned();
        expected.insert(buffer.name, array.unwrap_or_else(|| Array::zeros(buffer.dtype, shape)));
    }
    let mut got = expected.clone();
    interpret(&program, &symbols, &mut expected).unwrap_or_else(|e| panic!("{name}: {e}"));
    let status = call(&program, &kernel(&program), &layouts, &symbols, &mut got);
    assert_eq!(status, Ok(()), "{name} {symbols:?}");
    for (array, values) in &expected {
        for (i, (a, b)) in values.scalars().zip(got[array].scalars()).enumerate() {
            let near = match (a, b) {
                (Scalar::F32(a), Scalar::F32(b)) => {
                    (a - b).abs() <= 1e-4 * (1.0 + a.abs()) || a.is_nan() && b.is_nan()
                }
                _ => close(b, a),
            };
            assert!(
                near,
                "{name} {symbols:?}: {array}[{i}] is {b:?}, not {a:?}\n{}",
                weft_looptree::print(&program)
            );
        }
    }
    assert!(values_are_used(&expected), "{name} computes nothing");
    true
}

fn values_are_used(arrays: &Arrays) -> bool {
    arrays.values().any(|a| a.dtype() != DType::Bool && !a.is_empty())
}

/// The samples that the interpreters run in seconds.
const CORE: &str = include_str!("../../../tests/core_samples.txt");

#[test]
fn compiled_samples_do_what_their_loop_trees_do() {
    weft_rt::set_threads(2);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let mut paths: Vec<_> = std::fs::read_dir(root).expect("samples").flatten().map(|e| e.path()).collect();
    let core = |p: &Path| p.file_stem().is_some_and(|s| CORE.lines().any(|line| s == line));
    paths.retain(|p| p.extension().is_some_and(|e| e == "py") && core(p));
    paths.sort();
    for size in [5, 14] {
        let imported = paths.iter().filter(|path| check(path, size)).count();
        assert!(imported >= 17, "{imported} samples are imported at size {size}");
    }
}
