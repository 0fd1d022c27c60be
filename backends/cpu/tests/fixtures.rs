//! Every fixture of the IR, lowered: the compiled kernel does what the loop tree's interpreter does.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::arrays::{Arrays, call, close, layouts};
use common::kernel;
use weft_cpu::Status;
use weft_ir::dtype::{DType, Scalar};
use weft_ir::interp::Array;
use weft_ir::names::Name;
use weft_looptree::{Failure, Program, interpret, lower};

fn files() -> Vec<PathBuf> {
    let roots = ["../../ir/fixtures", "../looptree/fixtures"];
    let mut found = Vec::new();
    for root in roots {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        let Ok(entries) = std::fs::read_dir(root) else { continue };
        found.extend(
            entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "weft")),
        );
    }
    found.sort();
    found
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
        // Not negative: in-place relaxation (floyd_warshall) is independent of order only then.
        let small = (self.next() % 7) as i128;
        match dtype {
            DType::Bool => Scalar::Bool(small > 3),
            DType::F32 => Scalar::F32(small as f32 * 0.5),
            DType::F64 => Scalar::F64((self.next() % 1000) as f64 * 0.004 - 1.0),
            t if t.is_complex() => Scalar::Complex(t, small as f64 * 0.5, (self.next() % 5) as f64 * 0.25),
            t => Scalar::Int(t, small),
        }
    }
}

fn compare(
    path: &Path,
    program: &Program,
    loaded: &weft_cpu::Kernel,
    random: &mut Random,
    size: i64,
) -> bool {
    let symbols: BTreeMap<Name, i64> =
        program.symbols.iter().map(|&s| (s, size + (random.next() % 3) as i64)).collect();
    let Some(layouts) = layouts(program, &symbols) else { return false };
    let mut expected = Arrays::new();
    for (id, (shape, _)) in program.arguments.iter().zip(&layouts) {
        let buffer = &program.buffers[id.0 as usize];
        let values: Vec<Scalar> = (0..shape.iter().product()).map(|_| random.scalar(buffer.dtype)).collect();
        expected.insert(buffer.name, Array::from_scalars(buffer.dtype, shape, &values).expect("fits"));
    }
    let mut got = expected.clone();
    let said = interpret(program, &symbols, &mut expected);
    let place = format!("{} {symbols:?}", path.display());
    match said {
        Ok(()) => {}
        Err(Failure::Check { id, .. }) => {
            let status = call(program, loaded, &layouts, &symbols, &mut got);
            assert_eq!(status, Err(Status::Check(id)), "{place}");
            return true;
        }
        Err(Failure::Guard(_)) => {
            let status = call(program, loaded, &layouts, &symbols, &mut got);
            assert!(matches!(status, Err(Status::Guard(_))), "{place}: {status:?}");
            return false;
        }
        // Sizes that do not go together: generated code does not check what the graph does not say.
        Err(_) => return false,
    }
    let status = call(program, loaded, &layouts, &symbols, &mut got);
    assert_eq!(status, Ok(()), "{place}");
    for (name, array) in &expected {
        for (i, (a, b)) in array.scalars().zip(got[name].scalars()).enumerate() {
            assert!(
                close(b, a),
                "{place}: {name}[{i}] is {b:?}, not {a:?}\n{}",
                weft_looptree::print(program)
            );
        }
    }
    true
}

#[test]
fn compiled_fixtures_do_what_their_loop_trees_do() {
    weft_rt::set_threads(3);
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut compared = 0;
    for path in files() {
        let text = std::fs::read_to_string(&path).expect("a fixture");
        let sdfg = weft_ir::text::parse(&text).expect("parses");
        let Ok(verified) = weft_ir::sdfg::verify(sdfg) else {
            eprintln!("{}: refused by the verifier", path.display());
            continue;
        };
        let program = match lower(&verified) {
            Ok(program) => program,
            Err(error) => panic!("{}: {error:?}", path.display()),
        };
        let loaded = kernel(&program);
        let mut ran = 0;
        for size in [0, 1, 2, 3, 5, 8, 13, 17, 31] {
            for _ in 0..6 {
                ran += usize::from(compare(&path, &program, &loaded, &mut random, size));
            }
        }
        eprintln!("{}: {ran} runs", path.file_name().unwrap_or_default().display());
        assert!(ran > 0, "{} never ran", path.display());
        compared += 1;
    }
    assert!(compared >= 10);
}
