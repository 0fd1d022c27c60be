//! Every operation on every type, over special values, against the definition in `weft_ir::tasklet`.

mod common;

use common::*;
use weft_ir::dtype::{DType, Scalar, f16};
use weft_ir::tasklet::{BinOp, Func, OpError, UnOp, binary, call, cast, unary};
use weft_looptree::*;

const BINARY: [BinOp; 24] = [
    BinOp::Add,
    BinOp::Sub,
    BinOp::Mul,
    BinOp::Div,
    BinOp::FloorDiv,
    BinOp::Mod,
    BinOp::Pow,
    BinOp::BitAnd,
    BinOp::BitOr,
    BinOp::BitXor,
    BinOp::Shl,
    BinOp::Shr,
    BinOp::And,
    BinOp::Or,
    BinOp::Eq,
    BinOp::Ne,
    BinOp::Lt,
    BinOp::Le,
    BinOp::Gt,
    BinOp::Ge,
    BinOp::Min,
    BinOp::Max,
    BinOp::Atan2,
    BinOp::Hypot,
];
const MORE_BINARY: [BinOp; 4] = [BinOp::CopySign, BinOp::Fmod, BinOp::Complex, BinOp::NextAfter];
const UNARY: [UnOp; 4] = [UnOp::Neg, UnOp::Not, UnOp::Invert, UnOp::Abs];
fn types() -> impl Iterator<Item = DType> {
    DType::all()
}

fn values(dtype: DType) -> Vec<Scalar> {
    if dtype == DType::Bool {
        return vec![Scalar::Bool(false), Scalar::Bool(true)];
    }
    if dtype.is_complex() {
        let inf = f64::INFINITY;
        let parts = [0.0, -0.0, 1.0, -1.0, 2.0, -2.5, 3.0, 0.1, 1e-3, 1e10, 1e30, 1e-30, inf, -inf, f64::NAN];
        let number = |re: f64, im: f64| cast(dtype, Scalar::Complex(DType::C128, re, im));
        return parts.iter().flat_map(|&re| parts.iter().map(move |&im| number(re, im))).collect();
    }
    if dtype.is_float() {
        let inf = f64::INFINITY;
        let mut list =
            vec![0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, 0.5, -0.5, 1.5, 2.5, -2.5, 7.25, -8.0, 1e-3, 0.1];
        list.extend([
            inf,
            -inf,
            f64::NAN,
            1e10,
            -1e10,
            127.5,
            128.0,
            -129.0,
            255.9,
            300.0,
            32768.0,
            65536.0,
            1e-20,
            // Rounded to a float first, these would become another half.
            1.000_488_281_250_909,
            65_519.999_999_999,
        ]);
        list.extend([
            2147483647.0,
            2147483648.0,
            -2147483648.0,
            -2147483649.0,
            -2147483648.5,
            4294967296.0,
            1e18,
        ]);
        list.extend([
            9223372036854775807.0,
            -9223372036854775808.0,
            1.8e19,
            1e20,
            708.0,
            -745.0,
            88.0,
            0.9999,
        ]);
        if dtype == DType::F64 {
            list.extend([1e300, -1e300, 1e-310, 1e308, 709.7, 5e-324]);
            return list.into_iter().map(Scalar::F64).collect();
        }
        list.extend([1e38, 1e-40]);
        return list.into_iter().map(|x| cast(dtype, Scalar::F64(x))).collect();
    }
    let bits = 8 * dtype.size() as u32;
    let (low, high) = if dtype.is_signed() {
        (-1i128 << (bits - 1), (1i128 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    let list = [
        0,
        1,
        2,
        3,
        5,
        7,
        8,
        31,
        63,
        64,
        100,
        -1,
        -2,
        -3,
        -7,
        -8,
        -64,
        low,
        low + 1,
        high,
        high - 1,
        high / 2,
    ];
    list.iter().filter(|&&v| (low..=high).contains(&v)).map(|&v| Scalar::Int(dtype, v)).collect()
}

fn put(bytes: &mut Vec<u8>, value: Scalar) {
    match value {
        Scalar::Bool(b) => bytes.push(u8::from(b)),
        Scalar::Int(t, v) => bytes.extend(&v.to_le_bytes()[..t.size()]),
        Scalar::F16(x) => bytes.extend(x.to_le_bytes()),
        Scalar::F32(x) => bytes.extend(x.to_le_bytes()),
        Scalar::F64(x) => bytes.extend(x.to_le_bytes()),
        Scalar::Complex(DType::C64, re, im) => {
            bytes.extend((re as f32).to_le_bytes());
            bytes.extend((im as f32).to_le_bytes());
        }
        Scalar::Complex(_, re, im) => {
            bytes.extend(re.to_le_bytes());
            bytes.extend(im.to_le_bytes());
        }
    }
}

fn get(bytes: &[u8], dtype: DType, at: usize) -> Scalar {
    let raw = &bytes[at * dtype.size()..][..dtype.size()];
    let mut wide = [0u8; 16];
    wide[..raw.len()].copy_from_slice(raw);
    let bits = i128::from_le_bytes(wide);
    match dtype {
        DType::Bool => Scalar::Bool(bits != 0),
        DType::F16 => Scalar::F16(f16::from_bits(bits as u16)),
        DType::F32 => Scalar::F32(f32::from_bits(bits as u32)),
        DType::F64 => Scalar::F64(f64::from_bits(bits as u64)),
        DType::C64 => {
            let part = |bits: i128| f64::from(f32::from_bits(bits as u32));
            Scalar::Complex(dtype, part(bits), part(bits >> 32))
        }
        DType::C128 => {
            Scalar::Complex(dtype, f64::from_bits(bits as u64), f64::from_bits((bits >> 64) as u64))
        }
        _ => {
            let shift = 128 - 8 * dtype.size() as u32;
            let signed = (bits << shift) >> shift;
            Scalar::Int(dtype, if dtype.is_signed() { signed } else { bits })
        }
    }
}

/// Equal; floats may differ by a few units in the last place where `exact` is not asked for.
fn same(got: Scalar, expected: Scalar, exact: bool) -> bool {
    let close = |a: f64, b: f64, tolerance: f64, least: f64| {
        a == b || (a.is_nan() && b.is_nan()) || (!exact && (a - b).abs() <= tolerance * b.abs() + least)
    };
    match (got, expected) {
        (Scalar::F64(a), Scalar::F64(b)) => close(a, b, 2e-15, 1e-320),
        (Scalar::F16(a), Scalar::F16(b)) => close(a.into(), b.into(), 1e-3, 6e-8),
        (Scalar::F32(a), Scalar::F32(b)) => close(a.into(), b.into(), 1e-6, 1e-43),
        (Scalar::Complex(t, a, b), Scalar::Complex(u, c, d)) => {
            let (tolerance, least) = if t == DType::C64 { (1e-6, 1e-43) } else { (2e-15, 1e-320) };
            t == u && close(a, c, tolerance, least) && close(b, d, tolerance, least)
        }
        _ => got == expected,
    }
}

struct Case {
    label: String,
    value: Value,
    out: DType,
    exact: bool,
    expected: Vec<Scalar>,
}

/// One loop and one output a case, all in one program.
fn check(dtype: DType, a: &[Scalar], b: &[Scalar], cases: &[Case], schedule: LoopSchedule) -> Vec<String> {
    let n = a.len();
    let mut buffers = vec![
        buffer("A", dtype, &["N"], Placement::Argument(0)),
        buffer("B", dtype, &["N"], Placement::Argument(1)),
    ];
    let mut body = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        buffers.push(buffer(&format!("O{i}"), case.out, &["N"], Placement::Argument(i + 2)));
        body.push(for_loop("i", "0:N", schedule, vec![store(i as u32 + 2, &["i"], case.value.clone())]));
    }
    let p = program(buffers, &["N"], body);
    let mut arrays: Vec<Vec<u8>> = vec![Vec::new(), Vec::new()];
    a.iter().for_each(|&v| put(&mut arrays[0], v));
    b.iter().for_each(|&v| put(&mut arrays[1], v));
    arrays.extend(cases.iter().map(|c| vec![0xaa; n * c.out.size()]));
    let pointers: Vec<*mut u8> = arrays.iter_mut().map(|a| a.as_mut_ptr()).collect();
    // SAFETY: every array has N elements of its type.
    unsafe { kernel(&p).call(&pointers, &[n as i64]) }.expect("runs");
    let mut wrong = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        for at in 0..n {
            let got = get(&arrays[i + 2], case.out, at);
            if !same(got, case.expected[at], case.exact) {
                let (x, y) = (a[at], b[at]);
                wrong.push(format!(
                    "{} of {x:?}, {y:?}: {got:?} instead of {:?}",
                    case.label, case.expected[at]
                ));
            }
        }
    }
    wrong
}

fn all_cases(dtype: DType, a: &[Scalar], b: &[Scalar]) -> Vec<Case> {
    let (x, y) = (|| load(0, &["i"]), || load(1, &["i"]));
    let mut cases = Vec::new();
    let mut case =
        |label: String, value: Value, exact: bool, f: &dyn Fn(Scalar, Scalar) -> Result<Scalar, OpError>| {
            let expected: Result<Vec<Scalar>, OpError> = a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect();
            if let Ok(expected) = expected {
                cases.push(Case { label, value, out: expected[0].dtype(), exact, expected });
            }
        };
    for op in BINARY.into_iter().chain(MORE_BINARY) {
        // Negative exponents of integers are an error that lowering checks for.
        let b_value = if op == BinOp::Pow && dtype.is_signed() {
            bin(BinOp::BitAnd, y(), Value::Lit(Scalar::Int(dtype, 63)))
        } else {
            y()
        };
        let f = |a: Scalar, b: Scalar| {
            let b = if op == BinOp::Pow && dtype.is_signed() {
                binary(BinOp::BitAnd, b, Scalar::Int(dtype, 63))?
            } else {
                b
            };
            binary(op, a, b)
        };
        let exact = dtype.is_complex() || !matches!(op, BinOp::Pow | BinOp::Atan2 | BinOp::Hypot);
        case(format!("{op:?} {dtype}"), bin(op, x(), b_value), exact, &f);
    }
    for op in UNARY {
        case(format!("{op:?} {dtype}"), Value::Un(op, Box::new(x())), !dtype.is_complex(), &|a, _| {
            unary(op, a)
        });
    }
    for (func, _) in Func::all() {
        let exact =
            matches!(func, Func::Sqrt | Func::Floor | Func::Ceil | Func::Trunc | Func::Rint | Func::Sign);
        case(format!("{func:?} {dtype}"), Value::Call(func, Box::new(x())), exact, &|a, _| call(func, a));
    }
    for to in types() {
        case(format!("{dtype} to {to}"), Value::Cast(to, Box::new(x())), true, &|a, _| Ok(cast(to, a)));
    }
    cases
}

#[test]
fn every_operation_on_every_type() {
    let mut wrong = Vec::new();
    for dtype in types() {
        let list = values(dtype);
        let pairs: Vec<(Scalar, Scalar)> =
            list.iter().flat_map(|&a| list.iter().map(move |&b| (a, b))).collect();
        let (a, b): (Vec<Scalar>, Vec<Scalar>) = pairs.into_iter().unzip();
        let cases = all_cases(dtype, &a, &b);
        assert!(cases.len() > 10);
        for schedule in [LoopSchedule::Vector, LoopSchedule::Sequential] {
            wrong.extend(check(dtype, &a, &b, &cases, schedule));
        }
    }
    let shown = wrong.iter().take(80).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} wrong:\n{shown}", wrong.len());
}
