//! Every operation on every type, on special values, compared with NumPy itself.
//!
//! Needs a Python with NumPy: `WEFT_PYTHON`, or `python3`. Without one the test says so and passes.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use super::ops::int_limits;
use super::{BinOp, Func, UnOp, binary, binary_type, call, call_type, cast, unary, unary_type};
use crate::dtype::{DType, Scalar, f16, f16_of};

/// Reads lines `op type hex hex…` and answers with the bytes of the results; `skip` if NumPy refuses.
const SCRIPT: &str = r#"
import math, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
T = dict(bool=np.bool_, i8=np.int8, i16=np.int16, i32=np.int32, i64=np.int64, u8=np.uint8, u16=np.uint16,
         u32=np.uint32, u64=np.uint64, f16=np.float16, f32=np.float32, f64=np.float64, c64=np.complex64,
         c128=np.complex128)
F = dict(Neg=np.negative, Not=np.logical_not, Invert=np.invert, Abs=np.abs, Add=np.add, Sub=np.subtract,
         Mul=np.multiply, Div=np.divide, FloorDiv=np.floor_divide, Mod=np.remainder, Pow=np.power,
         BitAnd=np.bitwise_and, BitOr=np.bitwise_or, BitXor=np.bitwise_xor, Shl=np.left_shift,
         Shr=np.right_shift, And=np.logical_and, Or=np.logical_or, Eq=np.equal, Ne=np.not_equal, Lt=np.less,
         Le=np.less_equal, Gt=np.greater, Ge=np.greater_equal, Min=np.minimum, Max=np.maximum,
         Atan2=np.arctan2, Hypot=np.hypot, CopySign=np.copysign, Fmod=np.fmod,
         Sqrt=np.sqrt, Cbrt=np.cbrt, Exp=np.exp, Exp2=np.exp2, Expm1=np.expm1, Log=np.log, Log2=np.log2,
         Log10=np.log10, Log1p=np.log1p, Sin=np.sin, Cos=np.cos, Tan=np.tan, Asin=np.arcsin, Acos=np.arccos,
         Atan=np.arctan, Sinh=np.sinh, Cosh=np.cosh, Tanh=np.tanh, Asinh=np.arcsinh, Acosh=np.arccosh,
         Atanh=np.arctanh, Floor=np.floor, Ceil=np.ceil, Trunc=np.trunc, Rint=np.rint, Sign=np.sign,
         IsNan=np.isnan, IsInf=np.isinf, IsFinite=np.isfinite)
def joined(re, im):
    result = np.empty(re.shape, np.complex64 if re.dtype == np.float32 else np.complex128)
    result.real, result.imag = re, im
    return result
# What NumPy does not have: Python's functions, which raise where C's give infinities and NaN.
def python(function, pole):
    def one(x):
        try:
            return function(float(x))
        except OverflowError:
            return math.inf
        except ValueError:
            return pole(float(x))
    return lambda a: np.array([one(x) for x in a], np.float64).astype(a.dtype)
F.update(NextAfter=np.nextafter, Complex=joined, SignBit=np.signbit, Conj=np.conj, Real=np.real, Imag=np.imag,
         Erf=python(math.erf, None), Erfc=python(math.erfc, None), Lgamma=python(math.lgamma, lambda x: math.inf),
         Gamma=python(math.gamma, lambda x: math.nan if x < 0 else math.copysign(math.inf, x)))
for line in sys.stdin:
    op, dtype, *operands = line.split()
    arrays = [np.frombuffer(bytes.fromhex(h), T[dtype]) for h in operands]
    if op.startswith("Cast:"):
        result = arrays[0].astype(T[op[5:]])
    else:
        result = F[op](*arrays)
    print(str(result.dtype), result.tobytes().hex(), flush=True)
"#;

fn python() -> Option<String> {
    let candidates = [std::env::var("WEFT_PYTHON").ok(), Some("python3".to_string())];
    candidates.into_iter().flatten().find(|python| {
        let probe = Command::new(python).args(["-c", "import numpy"]).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    })
}

/// Special values of a type, and some ordinary ones.
fn values(dtype: DType) -> Vec<Scalar> {
    let floats = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        3.0,
        -3.0,
        0.1,
        -0.7,
        7.25,
        -7.25,
        1e-3,
        // Rounded to a float first, these would become another half.
        1.000_488_281_250_909,
        65_519.999_999_999,
        1e-300,
        -1e-40,
        1e10,
        -1e10,
        1e19,
        -1e19,
        1e30,
        1e300,
        127.5,
        128.0,
        -129.0,
        255.9,
        256.0,
        32768.0,
        -32769.0,
        65536.0,
        2147483647.0,
        2147483648.0,
        -2147483649.0,
        4294967296.0,
        9223372036854775808.0,
        -9223372036854775808.0,
        18446744073709551616.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::MAX,
        f64::MIN_POSITIVE,
    ];
    match dtype {
        DType::Bool => vec![Scalar::Bool(false), Scalar::Bool(true)],
        DType::F16 => floats.iter().map(|&v| Scalar::F16(f16_of(v))).collect(),
        DType::F32 => floats.iter().map(|&v| Scalar::F32(v as f32)).collect(),
        DType::F64 => floats.iter().map(|&v| Scalar::F64(v)).collect(),
        DType::C64 | DType::C128 => {
            let inf = f64::INFINITY;
            let parts =
                [0.0, -0.0, 1.0, -1.0, -2.5, 1e10, 0.1, 2.0, 3.0, 1e-3, 1e30, 1e-30, inf, -inf, f64::NAN];
            let pairs = parts.iter().flat_map(|&re| parts.iter().map(move |&im| (re, im)));
            pairs.map(|(re, im)| complex(dtype, re, im)).collect()
        }
        _ => {
            let (low, high) = int_limits(dtype);
            let wanted = [
                0,
                1,
                -1,
                2,
                -2,
                3,
                -3,
                5,
                7,
                -7,
                8,
                13,
                31,
                32,
                33,
                63,
                64,
                65,
                100,
                1 << 20,
                low,
                low + 1,
                high,
                high - 1,
            ];
            wanted.iter().filter(|v| (low..=high).contains(v)).map(|&v| Scalar::Int(dtype, v)).collect()
        }
    }
}

fn complex(dtype: DType, re: f64, im: f64) -> Scalar {
    let round = |v: f64| if dtype == DType::C64 { v as f32 as f64 } else { v };
    Scalar::Complex(dtype, round(re), round(im))
}

fn hex(dtype: DType, values: &[Scalar]) -> String {
    let array =
        crate::interp::Array::from_scalars(dtype, &[values.len()], values).expect("values of the type");
    array.bytes().iter().map(|b| format!("{b:02x}")).collect()
}

/// How far a result may be from NumPy's, in units of rounding: 0 for what IEEE 754 defines.
fn tolerance(name: &str, operand: DType) -> f64 {
    match name {
        // NumPy may contract products of complex numbers.
        "Mul" | "Div" if operand.is_complex() => 2.0,
        "Abs" if operand.is_complex() => 2.0,
        // The error of the logarithm grows with the exponent.
        "Pow" if operand.is_complex() => 256.0,
        "Erf" | "Erfc" | "Gamma" | "Lgamma" => 16.0,
        "Exp" | "Exp2" | "Expm1" | "Log" | "Log2" | "Log10" | "Log1p" | "Sin" | "Cos" | "Tan" | "Asin"
        | "Acos" | "Atan" | "Sinh" | "Cosh" | "Tanh" | "Asinh" | "Acosh" | "Atanh" | "Cbrt" | "Pow"
        | "Atan2" | "Hypot" => 8.0,
        _ => 0.0,
    }
}

fn agree(name: &str, operand: DType, mine: Scalar, theirs: Scalar) -> bool {
    let tolerance = tolerance(name, operand);
    let near = |x: f64, y: f64, eps: f64, tiny: f64| {
        if x.is_nan() || y.is_nan() {
            return x.is_nan() && y.is_nan();
        }
        // NumPy's vector code and scalar code differ in which zero a minimum of zeros is.
        let zeros = x == 0.0 && y == 0.0;
        if zeros {
            return x.is_sign_negative() == y.is_sign_negative() || matches!(name, "Min" | "Max");
        }
        x == y || (x - y).abs() <= tolerance * (eps * x.abs().max(y.abs()) + tiny)
    };
    match (mine, theirs) {
        (Scalar::F32(x), Scalar::F32(y)) if name == "Lgamma" => {
            near(x.into(), y.into(), f32::EPSILON.into(), f32::EPSILON.into())
        }
        (Scalar::F16(x), Scalar::F16(y)) => near(x.into(), y.into(), f16::EPSILON.into(), 6e-8),
        (Scalar::F32(x), Scalar::F32(y)) => near(x.into(), y.into(), f32::EPSILON.into(), 1e-45),
        // Near its zeros only the size of the error is small.
        (Scalar::F64(x), Scalar::F64(y)) if name == "Lgamma" => near(x, y, f64::EPSILON, f64::EPSILON),
        (Scalar::F64(x), Scalar::F64(y)) => near(x, y, f64::EPSILON, 5e-324),
        (Scalar::Complex(t, a, b), Scalar::Complex(u, c, d)) => {
            let eps = if t == DType::C64 { f32::EPSILON.into() } else { f64::EPSILON };
            let size = |x: f64| if x.is_finite() { x.abs() } else { 0.0 };
            let scale = size(c).max(size(d));
            let same = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan());
            let close = |x: f64, y: f64| same(x, y) || (x - y).abs() <= tolerance * eps * scale;
            t == u && close(a, c) && close(b, d)
        }
        _ => mine == theirs,
    }
}

/// NumPy's vector code and scalar code differ on floats that fit neither `u32` nor `i32`, so that its
/// result depends on the position in the array.
fn unsettled(name: &str, operands: &[Scalar]) -> bool {
    let operand = operands[0];
    if let (Scalar::Complex(..), "Mul") = (operand, name) {
        return overflows(operands);
    }
    let value = super::ops::to_f64(operand);
    let fits = (-2147483648.0..4294967296.0).contains(&value.trunc());
    name == "Cast:u32" && (operand.dtype().is_float() || operand.dtype().is_complex()) && !fits
}

/// Does a product of parts leave the range of the type? With and without contraction, the difference of
/// two such products is another one.
fn overflows(operands: &[Scalar]) -> bool {
    let [Scalar::Complex(t, ar, ai), Scalar::Complex(_, br, bi)] = *operands else { return false };
    let most = if t == DType::C64 { f32::MAX.into() } else { f64::MAX };
    let over = |x: f64, y: f64| x.is_finite() && y.is_finite() && (x * y).abs() > most;
    over(ar, br) || over(ai, bi) || over(ar, bi) || over(ai, br)
}

/// One question: name, type, operands; and what we say.
struct Question {
    name: String,
    dtype: DType,
    operands: Vec<Vec<Scalar>>,
    results: Vec<Scalar>,
}

/// Every operation that the type checker allows.
fn questions() -> Vec<Question> {
    let mut asked = vec![];
    let mut ask =
        |name: String, dtype: DType, operands: Vec<Vec<Scalar>>, op: &dyn Fn(&[Scalar]) -> Option<Scalar>| {
            let mut kept: Vec<Vec<Scalar>> = vec![vec![]; operands.len()];
            let mut results = vec![];
            for k in 0..operands[0].len() {
                let row: Vec<Scalar> = operands.iter().map(|o| o[k]).collect();
                // What has no value (integers to negative powers) is not asked.
                let Some(result) = op(&row) else { continue };
                results.push(result);
                for (column, value) in kept.iter_mut().zip(row) {
                    column.push(value);
                }
            }
            asked.push(Question { name, dtype, operands: kept, results });
        };
    for dtype in DType::all() {
        let v = values(dtype);
        for op in UNARY {
            if unary_type(op, dtype).is_ok() {
                ask(format!("{op:?}"), dtype, vec![v.clone()], &|r| unary(op, r[0]).ok());
            }
        }
        for (func, _) in Func::all() {
            if call_type(func, dtype).is_ok() {
                ask(format!("{func:?}"), dtype, vec![v.clone()], &|r| call(func, r[0]).ok());
            }
        }
        let pairs: Vec<(Scalar, Scalar)> = v.iter().flat_map(|&a| v.iter().map(move |&b| (a, b))).collect();
        let (left, right): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        for op in BINARY {
            if binary_type(op, dtype).is_ok() {
                ask(format!("{op:?}"), dtype, vec![left.clone(), right.clone()], &|r| {
                    binary(op, r[0], r[1]).ok()
                });
            }
        }
        for to in DType::all() {
            ask(format!("Cast:{to}"), dtype, vec![v.clone()], &|r| Some(cast(to, r[0])));
        }
    }
    asked
}

#[test]
fn operations_are_numpys() {
    let Some(python) = python() else {
        println!("skipped: no Python with NumPy (set WEFT_PYTHON)");
        return;
    };
    let asked = questions();
    let mut input = String::new();
    for q in &asked {
        let operands: Vec<String> = q.operands.iter().map(|o| hex(q.dtype, o)).collect();
        input += &format!("{} {} {}\n", q.name, q.dtype, operands.join(" "));
    }
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("Python ends");
    writer.join().expect("no panic").expect("Python reads");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), asked.len(), "answers");
    // Lines by operation and type, some of each.
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut compared = 0;
    for (q, line) in asked.iter().zip(lines) {
        let mut words = line.split(' ');
        let dtype = words.next().and_then(DType::from_numpy).expect("a type");
        let hex = words.next().unwrap_or_default();
        let bytes = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex"));
        let theirs =
            crate::interp::Array::from_bytes(dtype, &[q.results.len()], bytes.collect()).expect("results");
        for (k, (&mine, theirs)) in q.results.iter().zip(theirs.scalars()).enumerate() {
            compared += 1;
            let operands: Vec<Scalar> = q.operands.iter().map(|o| o[k]).collect();
            if !agree(&q.name, q.dtype, mine, theirs) && !unsettled(&q.name, &operands) {
                let line = format!("{} {operands:?}: {mine:?}, NumPy {theirs:?}", q.name);
                wrong.entry(format!("{} {}", q.name, q.dtype)).or_default().push(line);
            }
        }
    }
    println!("{compared} results compared");
    let count: usize = wrong.values().map(Vec::len).sum();
    let shown: Vec<&str> =
        wrong.values().flat_map(|lines| lines.iter().take(6)).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{count} differ:\n{}", shown.join("\n"));
}

const UNARY: [UnOp; 4] = [UnOp::Neg, UnOp::Not, UnOp::Invert, UnOp::Abs];

const BINARY: [BinOp; 28] = {
    use BinOp::*;
    [
        Add, Sub, Mul, Div, FloorDiv, Mod, Pow, BitAnd, BitOr, BitXor, Shl, Shr, And, Or, Eq, Ne, Lt, Le, Gt,
        Ge, Min, Max, Atan2, Hypot, CopySign, Fmod, Complex, NextAfter,
    ]
};
