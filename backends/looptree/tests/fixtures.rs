//! Every fixture of the IR: the loop tree does what the graph does, on random arguments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use weft_ir::dtype::{DType, Scalar};
use weft_ir::interp::{Array, Fault, Options, run};
use weft_ir::names::Name;
use weft_ir::sdfg::{Sdfg, Verified};
use weft_ir::text;
use weft_looptree::{Failure, interpret, lower, print, verify};

fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<PathBuf> = std::fs::read_dir(root).map_or(vec![], |entries| {
        entries
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| p.extension().is_some_and(|e| e == "weft"))
            .collect()
    });
    found.sort();
    found
}

fn load(path: &Path) -> Verified {
    let text = std::fs::read_to_string(path).expect("a fixture");
    let sdfg = text::parse(&text).unwrap_or_else(|e| panic!("{}: {e:?}", path.display()));
    weft_ir::sdfg::verify(sdfg).unwrap_or_else(|v| panic!("{}: {v:?}", path.display()))
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn scalar(&mut self, dtype: DType) -> Scalar {
        let small = (self.next() % 7) as i128 - 3;
        match dtype {
            DType::Bool => Scalar::Bool(small > 0),
            DType::F32 => Scalar::F32(small as f32 * 0.5),
            DType::F64 => Scalar::F64((self.next() % 1000) as f64 * 0.004 - 1.0),
            t if t.is_complex() => Scalar::Complex(t, small as f64, (self.next() % 3) as f64 * 0.5),
            t if t.is_unsigned() => Scalar::Int(t, small.abs()),
            t => Scalar::Int(t, small),
        }
    }
}

fn arguments(
    sdfg: &Sdfg,
    symbols: &BTreeMap<Name, i64>,
    random: &mut Random,
) -> Option<BTreeMap<Name, Array>> {
    let mut arrays = BTreeMap::new();
    for (name, data) in sdfg.data.iter().filter(|(n, d)| !d.transient && !sdfg.returns.contains(n)) {
        let mut shape = vec![];
        for extent in &data.shape {
            let n = extent.eval(&|s| symbols.get(&s).copied()).ok()?;
            shape.push(usize::try_from(n).ok()?);
        }
        let count = shape.iter().product();
        let values: Vec<Scalar> = (0..count).map(|_| random.scalar(data.dtype)).collect();
        arrays.insert(*name, Array::from_scalars(data.dtype, &shape, &values)?);
    }
    Some(arrays)
}

fn close(a: Scalar, b: Scalar) -> bool {
    let near = |x: f64, y: f64, eps: f64| {
        x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= eps * (1.0 + x.abs().max(y.abs()))
    };
    match (a, b) {
        (Scalar::F64(x), Scalar::F64(y)) => near(x, y, 1e-12),
        (Scalar::F32(x), Scalar::F32(y)) => near(x.into(), y.into(), 1e-5),
        // The parts of a product are as exact as its size.
        (Scalar::Complex(t, x, y), Scalar::Complex(_, z, w)) => {
            let eps = if t == DType::C64 { 1e-5 } else { 1e-12 };
            let size = 1.0 + z.abs().max(w.abs());
            let same = |x: f64, y: f64| near(x, y, eps) || (x - y).abs() <= eps * size;
            same(x, z) && same(y, w)
        }
        _ => a == b,
    }
}

/// Runs both on one choice of sizes; whether the graph ran without a fault.
fn compare(name: &str, graph: &Verified, symbols: &BTreeMap<Name, i64>, seed: u64) -> bool {
    let program = lower(graph).unwrap_or_else(|e| panic!("{name}: {e}"));
    let Some(before) = arguments(graph, symbols, &mut Random(seed)) else { return false };
    let (mut expected, mut got) = (before.clone(), before);
    let reference = run(graph, symbols, &mut expected, Options::default());
    let mine = interpret(&program, symbols, &mut got);
    match (&reference, &mine) {
        (Ok(()), Ok(())) => {
            for (array, value) in &expected {
                let other = &got[array];
                assert_eq!(value.shape(), other.shape());
                for (at, (a, b)) in value.scalars().zip(other.scalars()).enumerate() {
                    assert!(
                        close(a, b),
                        "{name} {symbols:?}: {array}[{at}] is {b:?}, not {a:?}\n{}",
                        print(&program)
                    );
                }
            }
            true
        }
        (Err(Fault::Check { .. }), Err(Failure::Check { .. })) => true,
        (Err(Fault::Value { .. } | Fault::Failed { .. }), Err(Failure::Check { .. })) => true,
        // Sizes that the graph does not allow; races, for which only the graph's interpreter looks.
        (Err(_), Err(_)) | (Err(Fault::Conflict { .. }), Ok(())) => false,
        _ => panic!("{name} {symbols:?}: {reference:?}, but {mine:?}\n{}", print(&program)),
    }
}

fn compare_sizes(name: &str, graph: &Verified) -> usize {
    let names: Vec<Name> = graph.symbols.keys().copied().collect();
    let mut ran = 0;
    for (round, size) in [0i64, 1, 2, 3, 5, 7].into_iter().cycle().take(18).enumerate() {
        let mut random = Random(0x9e37_79b9 + round as u64);
        let symbols: BTreeMap<Name, i64> = names
            .iter()
            .map(|&n| (n, if round < 6 { size } else { [0, 1, 2, 3, 5, 7][random.next() as usize % 6] }))
            .collect();
        ran += compare(name, graph, &symbols, 77 + round as u64) as usize;
    }
    ran
}

#[test]
fn fixtures_run_the_same() {
    let files: Vec<PathBuf> = [files("../../ir/fixtures"), files("fixtures")].concat();
    assert!(files.len() > 10, "the fixtures are there");
    for path in files {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let graph = load(&path);
        let program = lower(&graph).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(verify(&program), Ok(()), "{name}\n{}", print(&program));
        let ran = compare_sizes(&name, &graph);
        assert!(ran > 0, "{name} ran for no size");
    }
}

/// What the loop trees look like; `WEFT_BLESS=1` writes them anew.
#[test]
fn fixtures_print_as_before() {
    let mut all = String::new();
    for path in [files("../../ir/fixtures"), files("fixtures")].concat() {
        all += &print(&lower(&load(&path)).expect("a program"));
        all.push('\n');
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/printed.txt");
    if std::env::var_os("WEFT_BLESS").is_some() {
        std::fs::write(&golden, &all).expect("written");
    }
    let before = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(all == before, "the printed trees changed; look at them with WEFT_BLESS=1 and git diff\n{all}");
}
