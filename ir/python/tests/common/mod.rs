//! Runs a function by NumPy and by the interpreter of its graph, and compares.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use weft_ir::dtype::{DType, Scalar};
use weft_ir::interp::{self, Array, Options};
use weft_ir::names::Name;
use weft_ir::sdfg::{Source, verify};
use weft_python::{Diagnostic, Import, Sample, import};

/// An argument with its data.
#[derive(Clone, Debug)]
pub struct Arg {
    pub name: String,
    /// `int`, `float`, `bool`, `complex`, `scalar` or `array`.
    pub kind: &'static str,
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub fortran: bool,
    pub extents: Option<Vec<String>>,
    /// In C order, little endian.
    pub bytes: Vec<u8>,
}

impl Arg {
    pub fn sample(&self) -> Sample {
        let array = Array::from_bytes(self.dtype, &self.shape, self.bytes.clone()).expect("as many bytes");
        match (self.kind, (!array.is_empty()).then(|| array.get(0))) {
            ("array", _) => Sample::Array {
                dtype: self.dtype,
                shape: self.shape.iter().map(|&n| n as i64).collect(),
                fortran: self.fortran,
                extents: self.extents.clone(),
            },
            ("int", Some(Scalar::Int(_, i))) => Sample::Int(i as i64),
            ("float", Some(Scalar::F64(x))) => Sample::Float(x),
            ("bool", Some(Scalar::Bool(b))) => Sample::Bool(b),
            ("complex", Some(Scalar::Complex(_, re, im))) => Sample::Complex(re, im),
            (_, Some(value)) => Sample::NumpyScalar(value),
            _ => panic!("an empty scalar"),
        }
    }
}

/// One call of one function.
#[derive(Clone, Debug)]
pub struct Case {
    pub title: String,
    pub source: String,
    pub function: String,
    pub args: Vec<Arg>,
}

const DRIVER: &str = r#"
import sys, json, warnings
warnings.simplefilter("ignore")
import numpy as np
np.seterr(all="ignore")
def enc(x):
    a = np.asarray(x)
    if a.dtype.byteorder == ">": a = a.astype(a.dtype.newbyteorder("<"))
    return {"dtype": a.dtype.name, "shape": list(a.shape), "hex": np.ascontiguousarray(a).tobytes().hex()}
out = []
for case in json.load(sys.stdin):
    args = []
    for a in case["args"]:
        v = np.frombuffer(bytes.fromhex(a["hex"]), dtype=a["dtype"]).reshape(a["shape"]).copy()
        if a["kind"] == "array":
            if a["fortran"]: v = np.asfortranarray(v)
        elif a["kind"] == "scalar": v = v[()]
        else: v = v.item()
        args.append(v)
    env = {"__name__": "kernel"}
    try:
        exec(case["source"], env)
        r = env[case["function"]](*args)
        r = () if r is None else r if isinstance(r, tuple) else (r,)
        out.append({"args": [enc(a) for a in args], "returns": [enc(x) for x in r]})
    except Exception as e:
        out.append({"error": type(e).__name__ + ": " + str(e)})
json.dump(out, sys.stdout)
"#;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks(2).map(|c| digit(c[0]) * 16 + digit(c[1])).collect()
}

/// What NumPy gives for each case; `None` (and a note) where there is no NumPy.
pub fn numpy(cases: &[Case]) -> Option<Vec<Value>> {
    let python = std::env::var("WEFT_PYTHON").unwrap_or_else(|_| "python3".into());
    let ready = Command::new(&python).args(["-c", "import numpy"]).stderr(Stdio::null()).status();
    if !ready.is_ok_and(|s| s.success()) {
        println!("note: {python} has no NumPy; nothing is compared. Set WEFT_PYTHON");
        return None;
    }
    let input: Vec<Value> = cases
        .iter()
        .map(|c| {
            let args: Vec<Value> = c
                .args
                .iter()
                .map(|a| json!({"kind": a.kind, "dtype": a.dtype.numpy(), "shape": a.shape, "fortran": a.fortran, "hex": hex(&a.bytes)}))
                .collect();
            json!({"source": c.source, "function": c.function, "args": args})
        })
        .collect();
    let mut child = Command::new(&python)
        .args(["-c", DRIVER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let text = serde_json::to_string(&input).expect("JSON");
    child.stdin.take().expect("stdin").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("python ends");
    Some(serde_json::from_slice(&output.stdout).expect("JSON from python"))
}

pub fn import_case(case: &Case) -> Result<Import, Vec<Diagnostic>> {
    let samples: Vec<(String, Sample)> = case.args.iter().map(|a| (a.name.clone(), a.sample())).collect();
    import(source(case), &case.function, &samples)
}

pub fn source(case: &Case) -> Arc<Source> {
    Arc::new(Source::new("kernel.py", case.source.clone()))
}

/// The arguments after the call and the results, by the interpreter.
pub fn interpret(case: &Case, import: &Import, seed: u64) -> Result<(Vec<Array>, Vec<Array>), String> {
    let samples: Vec<(String, Sample)> = case.args.iter().map(|a| (a.name.clone(), a.sample())).collect();
    let symbols = import.bind(&samples).map_err(|e| e.to_string())?;
    let graph = verify(import.sdfg.clone()).map_err(|v| {
        let list: Vec<String> = v.iter().map(|v| v.message.clone()).collect();
        format!("verifier: {}\n{}", list.join("; "), weft_ir::text::print(&import.sdfg))
    })?;
    let mut arrays = BTreeMap::new();
    for a in &case.args {
        if a.kind != "int" {
            let array = Array::from_bytes(a.dtype, &a.shape, a.bytes.clone()).expect("as many bytes");
            arrays.insert(Name::new(&a.name), array);
        }
    }
    interp::run(&graph, &symbols, &mut arrays, Options { seed, ..Options::default() })
        .map_err(|e| e.to_string())?;
    let after = case
        .args
        .iter()
        .map(|a| match arrays.get(&Name::new(&a.name)) {
            Some(array) => array.clone(),
            None => Array::from_bytes(a.dtype, &a.shape, a.bytes.clone()).expect("as many bytes"),
        })
        .collect();
    let returns = import.sdfg.returns.iter().map(|n| arrays[n].clone()).collect();
    Ok((after, returns))
}

/// Compares; the differences, in words.
pub fn compare(case: &Case, expected: &Value) -> Result<(), String> {
    let import = match import_case(case) {
        Ok(import) => import,
        Err(diags) => {
            if expected.get("error").is_some() {
                return Ok(());
            }
            return Err(diags.iter().map(|d| d.render(&source(case))).collect::<Vec<_>>().join("\n"));
        }
    };
    for seed in [0, 7] {
        let result = interpret(case, &import, seed);
        if let Some(error) = expected.get("error") {
            match result {
                Err(_) => continue,
                Ok(_) => return Err(format!("NumPy raises {error}, the graph does not")),
            }
        }
        let graph = || weft_ir::text::print(&import.sdfg);
        let (after, returns) = result.map_err(|e| format!("{e}\n{}", graph()))?;
        for (what, got, want) in
            [("argument", &after, &expected["args"]), ("result", &returns, &expected["returns"])]
        {
            let want = want.as_array().expect("a list");
            if got.len() != want.len() {
                return Err(format!("{} {what}s instead of {}", got.len(), want.len()));
            }
            for (i, (g, w)) in got.iter().zip(want).enumerate() {
                equal(g, w).map_err(|e| format!("{what} {i}: {e}\n{}", graph()))?;
            }
        }
    }
    Ok(())
}

fn equal(got: &Array, want: &Value) -> Result<(), String> {
    let dtype = want["dtype"].as_str().expect("a dtype");
    let shape: Vec<usize> =
        want["shape"].as_array().expect("a shape").iter().map(|n| n.as_u64().expect("n") as usize).collect();
    if got.dtype().numpy() != dtype || got.shape() != shape {
        return Err(format!("{} {:?} instead of {dtype} {shape:?}", got.dtype().numpy(), got.shape()));
    }
    let want =
        Array::from_bytes(got.dtype(), &shape, unhex(want["hex"].as_str().expect("hex"))).expect("bytes");
    let parts = |s: Scalar| match s {
        Scalar::F32(x) => vec![f64::from(x)],
        Scalar::F64(x) => vec![x],
        Scalar::Complex(_, re, im) => vec![re, im],
        _ => vec![],
    };
    let rtol = if matches!(got.dtype(), DType::F32 | DType::C64) { 1e-4 } else { 1e-10 };
    let largest =
        want.scalars().flat_map(parts).filter(|x| x.is_finite()).fold(0.0f64, |m, x| m.max(x.abs()));
    for (i, (g, w)) in got.scalars().zip(want.scalars()).enumerate() {
        let same = match (g, w) {
            (Scalar::Int(..), _) | (Scalar::Bool(_), _) => g == w,
            _ => parts(g).iter().zip(parts(w)).all(|(&a, b)| {
                a == b
                    || (a.is_nan() && b.is_nan())
                    || (a - b).abs() <= rtol * b.abs() + rtol * 1e-2 * largest
            }),
        };
        if !same {
            return Err(format!("element {i} is {g:?} instead of {w:?}"));
        }
    }
    Ok(())
}
