//! The samples and the fixtures, as they are, simplified and optimized: the interpreter of graphs,
//! the interpreter of loop trees and the compiled code say the same.

#[path = "../../backends/cpu/tests/common/arrays.rs"]
mod arrays;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrays::{Arrays, call, layouts};
use weft_cpu::{Options, Status, compile};
use weft_ir::dtype::{DType, Scalar};
use weft_ir::interp::{self, Array, Fault};
use weft_ir::names::Name;
use weft_ir::sdfg::{Sdfg, Source, Verified};
use weft_looptree::{Failure, interpret, lower};
use weft_python::{Sample, spec};

type Symbols = BTreeMap<Name, i64>;

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let entries = std::fs::read_dir(&root).unwrap_or_else(|e| panic!("{}: {e}", root.display()));
    let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    found.retain(|p| p.extension().is_some_and(|e| e == extension));
    found.sort();
    found
}

fn verified(name: &str, sdfg: Sdfg) -> Verified {
    weft_ir::sdfg::verify(sdfg).unwrap_or_else(|v| panic!("{name}: {v:?}"))
}

/// Up to rounding: optimized graphs add up in another order.
fn near(a: Scalar, b: Scalar) -> bool {
    let near = |x: f64, y: f64, eps: f64| {
        x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= eps * (1.0 + x.abs().max(y.abs()))
    };
    match (a, b) {
        (Scalar::F64(x), Scalar::F64(y)) => near(x, y, 1e-11),
        (Scalar::F32(x), Scalar::F32(y)) => near(x.into(), y.into(), 1e-4),
        _ => a == b,
    }
}

fn same(what: &str, expected: &Arrays, got: &Arrays) {
    for (name, array) in expected {
        assert_eq!(array.shape(), got[name].shape(), "{what}: {name}");
        for (at, (a, b)) in array.scalars().zip(got[name].scalars()).enumerate() {
            assert!(near(a, b), "{what}: {name}[{at}] is {b:?}, not {a:?}");
        }
    }
}

/// A graph in one of its forms, and what is made of it.
struct Form {
    level: &'static str,
    graph: Verified,
    program: weft_looptree::Program,
    kernel: weft_cpu::Kernel,
}

fn forms(name: &str, raw: &Verified) -> Vec<Form> {
    let levels = [
        ("none", raw.clone()),
        ("simplify", weft_transforms::simplify(raw).0),
        ("auto", weft_transforms::auto(raw).0),
    ];
    let form = |(level, graph): (&'static str, Verified)| {
        let program = lower(&graph).unwrap_or_else(|e| panic!("{name}, {level}: {e}"));
        let compiled =
            compile(&program, &Options::default()).unwrap_or_else(|e| panic!("{name}, {level}: {e}"));
        let kernel = weft_cpu::Kernel::load(&compiled.object).expect("links");
        Form { level, graph, program, kernel }
    };
    levels.into_iter().map(form).collect()
}

/// Does the raw graph run on these arguments? Then all forms give what it gives.
fn agree(name: &str, forms: &[Form], symbols: &Symbols, before: &Arrays) -> bool {
    let options = |seed| interp::Options { seed, ..interp::Options::default() };
    let mut expected = before.clone();
    let reference = interp::run(&forms[0].graph, symbols, &mut expected, options(0));
    if !matches!(reference, Ok(()) | Err(Fault::Check { .. })) {
        return false;
    }
    for form in forms {
        let what = format!("{name} {symbols:?}, {}", form.level);
        let mut graph = before.clone();
        let by_graph = interp::run(&form.graph, symbols, &mut graph, options(7));
        let Some(layouts) = layouts(&form.program, symbols) else { panic!("{what}: no layout") };
        let mut tree = before.clone();
        for (id, (shape, _)) in form.program.arguments.iter().zip(&layouts) {
            let buffer = &form.program.buffers[id.0 as usize];
            tree.entry(buffer.name).or_insert_with(|| Array::zeros(buffer.dtype, shape));
        }
        let mut code = tree.clone();
        let by_tree = interpret(&form.program, symbols, &mut tree);
        let by_code = call(&form.program, &form.kernel, &layouts, symbols, &mut code);
        if reference.is_ok() {
            assert_eq!(by_graph, Ok(()), "{what}");
            assert_eq!(by_tree, Ok(()), "{what}");
            assert_eq!(by_code, Ok(()), "{what}");
            same(&format!("{what}, the graph"), &expected, &graph);
            same(&format!("{what}, the loop tree"), &expected, &tree);
            same(&format!("{what}, the code"), &expected, &code);
        } else {
            assert!(matches!(by_graph, Err(Fault::Check { .. })), "{what}: {by_graph:?}");
            assert!(matches!(by_tree, Err(Failure::Check { .. })), "{what}: {by_tree:?}");
            assert!(matches!(by_code, Err(Status::Check(_))), "{what}: {by_code:?}");
        }
    }
    true
}

// ---- samples ----

type Call = (Vec<(String, Sample)>, Arrays);

/// What a spec gives for these sizes.
fn arguments(name: &str, spec: &spec::Spec, source: &Arc<Source>, sizes: &BTreeMap<String, i64>) -> Call {
    let mut samples = vec![];
    let mut given = Arrays::new();
    for parameter in weft_python::parameters(source, name).expect("parameters") {
        let (kind, dtype, shape, bytes) = spec.value(&parameter.name, sizes).expect("an argument");
        let array = Array::from_bytes(dtype, &shape, bytes).expect("as many bytes");
        let extents = spec.extents(&parameter.name);
        let sample = match (kind, (!array.is_empty()).then(|| array.get(0))) {
            ("array", _) => {
                let shape = shape.iter().map(|&n| n as i64).collect();
                Sample::Array { dtype, shape, fortran: false, extents }
            }
            ("int", Some(Scalar::Int(_, v))) => Sample::Int(v as i64),
            ("float", Some(Scalar::F64(v))) => Sample::Float(v),
            (_, Some(value)) => Sample::NumpyScalar(value),
            _ => panic!("{name}: no value for {}", parameter.name),
        };
        if !matches!(sample, Sample::Int(_)) {
            given.insert(Name::new(&parameter.name), array);
        }
        samples.push((parameter.name, sample));
    }
    (samples, given)
}

/// The samples that the interpreters run in seconds.
const CORE: &str = include_str!("../../tests/core_samples.txt");

#[test]
fn samples_are_the_same_in_all_forms_and_by_all_means() {
    weft_rt::set_threads(2);
    let paths = files("samples", "py");
    let mut imported = 0;
    for path in paths {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if !CORE.lines().any(|line| line == name) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a sample");
        let toml = std::fs::read_to_string(path.with_extension("toml")).expect("a spec");
        let spec = spec::parse(&toml).expect("a valid spec");
        let source = Arc::new(Source::new("kernel.py", text));
        let sizes = |size: i64| {
            let names = spec.sizes[0].1.keys().enumerate();
            names.map(|(i, k)| (k.clone(), size + i as i64)).collect::<BTreeMap<_, _>>()
        };
        let (samples, _) = arguments(&name, &spec, &source, &sizes(9));
        // What the front end refuses has no graph to compare; tests of the front end say what it takes.
        let Ok(import) = weft_python::import(source.clone(), &name, &samples) else { continue };
        imported += 1;
        let forms = forms(&name, &verified(&name, import.sdfg.clone()));
        // One graph for several sizes.
        for size in [4, 9] {
            let (samples, given) = arguments(&name, &spec, &source, &sizes(size));
            let symbols = import.bind(&samples).expect("symbols");
            assert!(agree(&name, &forms, &symbols, &given), "{name} does not run at size {size}");
        }
    }
    assert!(imported >= 17);
}

// ---- fixtures ----

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn scalar(&mut self, dtype: DType) -> Scalar {
        // Not negative: in-place relaxation (floyd_warshall) is independent of order only then.
        let small = (self.next() % 7) as i128;
        match dtype {
            DType::Bool => Scalar::Bool(small > 3),
            DType::F32 => Scalar::F32(small as f32 * 0.5),
            DType::F64 => Scalar::F64(small as f64 * 0.25),
            DType::C64 | DType::C128 => Scalar::Complex(dtype, small as f64, 0.5),
            t => Scalar::Int(t, small),
        }
    }

    /// Arguments for these sizes; `None` where one is negative.
    fn arrays(&mut self, graph: &Verified, symbols: &Symbols) -> Option<Arrays> {
        let mut arrays = Arrays::new();
        for (name, data) in graph.data.iter().filter(|(n, d)| !d.transient && !graph.returns.contains(n)) {
            let extent = |e: &weft_ir::symbolic::Expr| {
                usize::try_from(e.eval(&|s| symbols.get(&s).copied()).ok()?).ok()
            };
            let shape: Vec<usize> = data.shape.iter().map(extent).collect::<Option<_>>()?;
            let values: Vec<Scalar> = (0..shape.iter().product()).map(|_| self.scalar(data.dtype)).collect();
            arrays.insert(*name, Array::from_scalars(data.dtype, &shape, &values)?);
        }
        Some(arrays)
    }
}

#[test]
fn fixtures_are_the_same_in_all_forms_and_by_all_means() {
    weft_rt::set_threads(2);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let paths = [files("ir/fixtures", "weft"), files("backends/looptree/fixtures", "weft")].concat();
    assert!(paths.len() > 20);
    for path in paths {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a fixture");
        let sdfg = weft_ir::text::parse(&text).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let forms = forms(&name, &verified(&name, sdfg));
        let mut ran = 0;
        for size in [0, 1, 2, 3, 5, 8] {
            for _ in 0..3 {
                let names = forms[0].graph.symbols.keys();
                let symbols: Symbols = names.map(|&s| (s, size + (random.next() % 3) as i64)).collect();
                let Some(before) = random.arrays(&forms[0].graph, &symbols) else { continue };
                ran += usize::from(agree(&name, &forms, &symbols, &before));
            }
        }
        assert!(ran > 0, "{name} never ran");
    }
}
