//! Operations and bytes of kernels whose counts are known.

use std::collections::BTreeMap;
use std::path::Path;

use weft_ir::names::Name;
use weft_ir::sdfg::Verified;
use weft_looptree::{cost, lower, work};

fn load(name: &str) -> Verified {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ir/fixtures").join(format!("{name}.weft"));
    let text = std::fs::read_to_string(path).expect("a fixture");
    weft_ir::sdfg::verify(weft_ir::text::parse(&text).expect("parses")).expect("verifies")
}

fn sizes(all: &[(&str, i64)]) -> BTreeMap<Name, i64> {
    all.iter().map(|&(n, v)| (Name::new(n), v)).collect()
}

#[test]
fn a_stencil() {
    // Five reads, one write: 4 additions and a product a point, twice a step.
    let graph = load("jacobi_2d");
    let found = cost(&graph, &sizes(&[("N", 12), ("TSTEPS", 5)]));
    assert_eq!(found.flop, 4.0 * 2.0 * 100.0 * 5.0);
    // Both arrays are read (all but the corners, in the hull all) and written inside.
    assert_eq!(found.bytes, 8.0 * 2.0 * (144.0 + 100.0));
}

#[test]
fn a_vector_sum() {
    let graph = load("vecadd");
    let found = cost(&graph, &sizes(&[("N", 1000)]));
    assert_eq!((found.flop, found.bytes), (1000.0, 24000.0));
}

#[test]
fn a_triangle_is_counted_by_its_iterations() {
    let graph = load("cholesky");
    for n in [1i64, 7, 300] {
        let found = cost(&graph, &sizes(&[("N", n)]));
        let exact: f64 = (0..n).map(|j| (2 * j + 2 + (n - 1 - j) * (2 * j + 2)) as f64).sum();
        assert!((found.flop - exact).abs() <= 0.01 * exact, "{} and {exact}", found.flop);
    }
}

#[test]
fn work_is_symbolic() {
    let program = lower(&load("jacobi_2d")).expect("a program");
    let symbols = sizes(&[("N", 12), ("TSTEPS", 5)]);
    let flop = work(&program).flop.eval(&|n| symbols.get(&n).copied());
    assert_eq!(flop, Ok(5 * 2 * 100 * 4));
}
