//! Complex arguments and results go through files, the worker and compiled code unchanged.

use std::path::{Path, PathBuf};
use std::process::Command;

use weft_ir::DType;
use weft_ir::dtype::Scalar;
use weft_ir::interp::Array;
use weft_measure::{HostArray, read_npz, write_npz};

const GRAPH: &str = "\
sdfg mixed(z: c128[N, M], u: c64[N], s: c128, t: c64) -> return_0: c128[N, M], return_1: c64[N], return_2: f64, return_3: c128
  state s0
    map m0 [i = 0:N, j = 0:M]
      t0: return_0[i, j] = z[i, j] * s / complex(2.0, -1.0)
    map m1 [k = 0:N]
      t1: return_1[k] = conj(u[k]) + t
    t2: return_2 = abs(s)
    r: reduce product return_3 = z[0:N, 0:M] over 0, 1 from c128(1.0, 0.0)
";

fn array(dtype: DType, shape: &[usize], numbers: &[(f64, f64)]) -> HostArray {
    let values: Vec<Scalar> = numbers.iter().map(|&(re, im)| Scalar::Complex(dtype, re, im)).collect();
    let bytes = Array::from_scalars(dtype, shape, &values).expect("as many values").into_bytes();
    HostArray { dtype, shape: shape.to_vec(), fortran: false, bytes }
}

fn run(folder: &Path) -> Vec<(String, HostArray)> {
    let graph = weft_ir::text::parse(GRAPH).expect("a graph");
    let (file, inputs, output) = (folder.join("mixed.sdfg"), folder.join("in.npz"), folder.join("out.npz"));
    std::fs::write(&file, weft_ir::json::write(&graph)).expect("written");
    let z = [(1.0, 2.0), (0.5, -1.0), (3.0, 0.0), (0.0, 1.0), (-2.0, 0.25), (1.0, 1.0)];
    let arrays = vec![
        ("z".to_string(), array(DType::C128, &[2, 3], &z)),
        ("u".to_string(), array(DType::C64, &[2], &[(0.5, 1.5), (-1.0, 4.0)])),
        ("s".to_string(), array(DType::C128, &[], &[(3.0, -4.0)])),
        ("t".to_string(), array(DType::C64, &[], &[(0.25, 8.0)])),
    ];
    write_npz(&inputs, &arrays).expect("written");
    let done = Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(["run", "--no-cache", "--inputs"])
        .args([&inputs, &file])
        .arg("--output")
        .arg(&output)
        .output()
        .expect("started");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    read_npz(&output).expect("results")
}

#[test]
fn complex_arguments_and_results_travel() {
    let folder: PathBuf = std::env::temp_dir().join(format!("weft-complex-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let results = run(&folder);
    let _ = std::fs::remove_dir_all(&folder);
    let result = |name: &str| &results.iter().find(|r| r.0 == name).unwrap_or_else(|| panic!("no {name}")).1;
    // By NumPy.
    assert_eq!(result("return_1").dtype, DType::C64);
    assert_eq!(result("return_1").numbers(), [0.75, 6.5, -0.75, 4.0]);
    assert_eq!(result("return_2").numbers(), [5.0]);
    assert_eq!((result("return_0").dtype, &result("return_0").shape[..]), (DType::C128, &[2, 3][..]));
    let first = result("return_0").numbers();
    // (1+2j) (3-4j) / (2-1j) = (11+2j) / (2-1j)
    assert!((first[0] - 4.0).abs() < 1e-14 && (first[1] - 3.0).abs() < 1e-14, "{first:?}");
    // (1+2j) (0.5-1j) = 2.5; times 3, 1j, (-2+0.25j), (1+1j): 7.5j (-2+0.25j) (1+1j)
    let product = result("return_3").numbers();
    assert!((product[0] - 13.125).abs() < 1e-12 && (product[1] + 16.875).abs() < 1e-12, "{product:?}");
}
