//! Library operations on matrices of every type and of odd sizes, with what NumPy says to their
//! results. Also a module of the tests of back ends.

use std::io::Write;
use std::process::{Command, Stdio};

use weft_ir::dtype::{DType, Scalar};
use weft_ir::interp::{Array, Operand};
use weft_ir::sdfg::LibraryOp;
use weft_ir::tasklet::cast;

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    }

    fn scalar(&mut self, dtype: DType) -> Scalar {
        let x = self.next();
        match dtype {
            DType::Bool => Scalar::Bool(x > 0.0),
            t if t.is_complex() => cast(t, Scalar::Complex(DType::C128, x, self.next())),
            // Few values, so that some are equal.
            t if t.is_int() => cast(t, Scalar::Int(DType::I64, (x * 6.0).floor() as i128 + 6)),
            t => cast(t, Scalar::F64(x)),
        }
    }

    fn array(&mut self, dtype: DType, shape: &[usize]) -> Operand {
        let values = (0..shape.iter().product()).map(|_| self.scalar(dtype)).collect();
        Operand { dtype, shape: shape.to_vec(), values }
    }
}

/// Adds to the diagonal, which makes small matrices regular, and positive definite.
fn regular(mut m: Operand) -> Operand {
    let n = m.shape[0];
    for i in 0..n {
        let by = cast(m.dtype, Scalar::Int(DType::I64, 2 * n as i128));
        let at = &mut m.values[i * n + i];
        // Of a Hermitian matrix the diagonal is real.
        let real = cast(m.dtype, Scalar::F64(weft_ir::tasklet::ops::to_f64(*at)));
        *at = weft_ir::tasklet::binary(weft_ir::tasklet::BinOp::Add, real, by).expect("a sum");
    }
    m
}

/// A matrix whose columns repeat.
fn deficient(random: &mut Random, dtype: DType, m: usize, n: usize) -> Operand {
    let half = random.array(dtype, &[m, n.div_ceil(2)]);
    let k = half.shape[1];
    let values = (0..m * n).map(|at| half.values[at / n * k + at % n % k]).collect();
    Operand { dtype, shape: vec![m, n], values }
}

fn zeros(dtype: DType, n: usize) -> Operand {
    let zero = cast(dtype, Scalar::F64(0.0));
    Operand { dtype, shape: vec![n, n], values: vec![zero; n * n] }
}

/// Every operation on its types.
pub fn cases(types: impl Fn(DType) -> bool) -> Vec<(LibraryOp, Vec<Operand>)> {
    let mut random = Random(7);
    let mut found = vec![];
    for dtype in DType::all().filter(|t| types(*t)) {
        for n in [0, 1, 2, 3, 5, 13, 31] {
            if dtype.is_complex() {
                let rows = random.array(dtype, &[3, n.max(1)]);
                found.push((LibraryOp::Fft { inverse: false }, vec![rows.clone()]));
                found.push((LibraryOp::Fft { inverse: true }, vec![rows]));
            } else {
                let mut rows = random.array(dtype, &[2, n]);
                if dtype.is_float() {
                    let nan = cast(dtype, Scalar::F64(f64::NAN));
                    (0..rows.values.len()).step_by(4).for_each(|i| rows.values[i] = nan);
                }
                found.push((LibraryOp::Sort, vec![rows.clone()]));
                found.push((LibraryOp::ArgSort, vec![rows]));
            }
        }
        if LibraryOp::Inv.takes(dtype) {
            matrices(&mut random, dtype, &mut found);
        }
    }
    found
}

fn matrices(random: &mut Random, dtype: DType, found: &mut Vec<(LibraryOp, Vec<Operand>)>) {
    for n in [0, 1, 2, 3, 5, 13] {
        let a = regular(random.array(dtype, &[n, n]));
        for op in [LibraryOp::Cholesky, LibraryOp::Inv, LibraryOp::Det, LibraryOp::Eigh] {
            found.push((op, vec![a.clone()]));
        }
        for k in [1, 2, 7] {
            let b = random.array(dtype, &[n, k]);
            found.push((LibraryOp::Solve, vec![a.clone(), b]));
        }
        let any = random.array(dtype, &[n, n]);
        found.push((LibraryOp::Eigh, vec![any.clone()]));
        found.push((LibraryOp::Det, vec![any]));
        if n > 0 {
            for op in [LibraryOp::Cholesky, LibraryOp::Inv, LibraryOp::Det, LibraryOp::Eigh] {
                found.push((op, vec![zeros(dtype, n)]));
            }
            found.push((LibraryOp::Solve, vec![zeros(dtype, n), random.array(dtype, &[n, 2])]));
        }
        for m in [0, 1, 2, 4, 11] {
            let a = random.array(dtype, &[m, n]);
            found.push((LibraryOp::Qr, vec![a.clone()]));
            found.push((LibraryOp::Svd { full: false }, vec![a.clone()]));
            found.push((LibraryOp::Svd { full: true }, vec![a]));
            if m > 0 && n > 0 {
                let a = deficient(random, dtype, m, n);
                found.push((LibraryOp::Svd { full: true }, vec![a.clone()]));
                found.push((LibraryOp::Lstsq, vec![a, random.array(dtype, &[m, 2])]));
            }
        }
    }
}

fn text(dtype: DType, shape: &[usize], values: &[Scalar]) -> String {
    let array = Array::from_scalars(dtype, shape, values).expect("values of the shape");
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    let hex: String = array.bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("{}:{}:{hex}", dtype.short(), shape.join(","))
}

/// The line for one case; `results` are arrays, or a message.
pub fn line(op: LibraryOp, inputs: &[Operand], results: &Result<Vec<Operand>, String>) -> String {
    let mut fields =
        vec![op.name().to_string(), op.flag().unwrap_or("-").to_string(), inputs.len().to_string()];
    let field = |o: &Operand| text(o.dtype, &o.shape, &o.values);
    fields.extend(inputs.iter().map(field));
    match results {
        Ok(arrays) => fields.extend(arrays.iter().map(field)),
        Err(message) => fields.push(format!("fail:{}", message.replace(' ', "_"))),
    }
    fields.join(" ")
}

/// What NumPy says about each line. `None`, and a word of it, where there is no NumPy.
pub fn ask(lines: &[String]) -> Option<Vec<String>> {
    let candidates = [std::env::var("WEFT_PYTHON").ok(), Some("python3".to_string())];
    let python = candidates.into_iter().flatten().find(|python| {
        let probe = Command::new(python).args(["-c", "import numpy"]).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    });
    let Some(python) = python else {
        println!("skipped: no Python with NumPy");
        return None;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/library_check.py");
    let script = script.replace("backends/cpu/fixtures", "ir/fixtures");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("a pipe");
    let text = lines.join("\n") + "\n";
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("Python ends");
    writer.join().expect("no panic").expect("Python reads");
    Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_string).collect())
}

/// Panics with the cases that NumPy does not agree with.
pub fn judge(lines: &[String]) {
    let Some(answers) = ask(lines) else { return };
    assert_eq!(answers.len(), lines.len(), "an answer for each line");
    let wrong: Vec<String> = lines
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| *answer != "ok")
        .map(|(line, answer)| format!("{}: {answer}", line.chars().take(60).collect::<String>()))
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ from NumPy:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
    println!("{} cases", lines.len());
}
