//! Loop trees by hand, compiled and compared with what they say.

mod common;

use common::*;
use weft_cpu::Status;
use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::Wcr;
use weft_ir::symbolic::Expr;
use weft_ir::tasklet::BinOp;
use weft_looptree::*;

use DType::F64;
use LoopSchedule::{Parallel, Sequential, Unordered, Vector};

fn jacobi(outer: LoopSchedule, inner: LoopSchedule) -> Program {
    let five = ["", " - 1", " + 1"];
    let at = |i: usize, j: usize| load(0, &[&format!("i{}", five[i]), &format!("j{}", five[j])]);
    let sum = add(add(add(add(at(0, 0), at(0, 1)), at(0, 2)), at(2, 0)), at(1, 0));
    let body = store(1, &["i", "j"], mul(f64(0.2), sum));
    program(
        vec![
            buffer("A", F64, &["N", "N"], Placement::Argument(0)),
            buffer("B", F64, &["N", "N"], Placement::Argument(1)),
        ],
        &["N"],
        vec![for_loop("i", "1:N - 1", outer, vec![for_loop("j", "1:N - 1", inner, vec![body])])],
    )
}

#[test]
fn vector_add() {
    for schedule in [Sequential, Parallel, Vector, Unordered] {
        let p = program(
            vec![
                buffer("A", F64, &["N"], Placement::Argument(0)),
                buffer("B", F64, &["N"], Placement::Argument(1)),
            ],
            &["N"],
            vec![for_loop(
                "i",
                "0:N",
                schedule,
                vec![store(1, &["i"], add(load(0, &["i"]), load(1, &["i"])))],
            )],
        );
        for n in [0, 1, 2, 7, 8, 31, 64, 1009] {
            let (mut a, mut b) = (random(n, 1), random(n, 2));
            let expected: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
            run(&p, &mut [&mut a, &mut b], &[n as i64]).expect("runs");
            assert_eq!(b, expected, "{schedule:?} {n}");
        }
    }
}

#[test]
fn stencil() {
    for (outer, inner) in
        [(Parallel, Vector), (Sequential, Sequential), (Parallel, Parallel), (Unordered, Vector)]
    {
        let p = jacobi(outer, inner);
        for n in [1usize, 2, 3, 5, 17, 67] {
            let (mut a, mut b) = (random(n * n, 3), random(n * n, 4));
            let mut expected = b.clone();
            for i in 1..n.saturating_sub(1) {
                for j in 1..n - 1 {
                    let at = |i: usize, j: usize| a[i * n + j];
                    expected[i * n + j] =
                        0.2 * (at(i, j) + at(i, j - 1) + at(i, j + 1) + at(i + 1, j) + at(i - 1, j));
                }
            }
            run(&p, &mut [&mut a, &mut b], &[n as i64]).expect("runs");
            assert_eq!(b, expected, "{outer:?} {inner:?} {n}");
        }
    }
}

fn reduction(schedule: LoopSchedule, op: Wcr, over: &str) -> Program {
    let body = vec![Stmt::Update { accumulator: Name::new("s"), value: load(0, &["i"]) }];
    let f = For {
        var: Name::new("i"),
        range: range(over),
        schedule,
        accumulators: vec![Accumulator { name: Name::new("s"), dtype: F64, op, init: f64(0.5) }],
        work: Expr::int(1 << 20),
        body,
        span: None,
    };
    program(
        vec![buffer("A", F64, &["N"], Placement::Argument(0)), buffer("r", F64, &[], Placement::Argument(1))],
        &["N"],
        vec![Stmt::For(f), store(1, &[], local("s"))],
    )
}

#[test]
fn reductions_of_every_kind() {
    type Fold = fn(f64, f64) -> f64;
    let ops: [(Wcr, Fold); 4] =
        [(Wcr::Sum, |a, b| a + b), (Wcr::Product, |a, b| a * b), (Wcr::Min, f64::min), (Wcr::Max, f64::max)];
    for schedule in [Sequential, Parallel, Vector, Unordered] {
        for (op, fold) in ops {
            for (over, step) in [("0:N", 1), ("N - 1:-1:-1", 1), ("0:N:3", 3)] {
                let p = reduction(schedule, op, over);
                for n in [0usize, 1, 2, 3, 9, 100, 1003] {
                    let mut a = random(n, 5).iter().map(|x| x + 1.5).collect::<Vec<_>>();
                    let expected = a.iter().step_by(step).copied().fold(0.5, fold);
                    let mut r = [0.0];
                    run(&p, &mut [&mut a, &mut r], &[n as i64]).expect("runs");
                    assert!(((r[0] - expected) / expected).abs() < 1e-12, "{schedule:?} {op:?} {over} {n}");
                }
            }
        }
    }
}

#[test]
fn minimum_keeps_nan() {
    for schedule in [Sequential, Parallel, Vector] {
        let p = reduction(schedule, Wcr::Min, "0:N");
        let mut a = random(100, 1);
        a[57] = f64::NAN;
        let mut r = [0.0];
        run(&p, &mut [&mut a, &mut r], &[100]).expect("runs");
        assert!(r[0].is_nan());
    }
}

#[test]
fn histogram_is_atomic() {
    for op in [Wcr::Sum, Wcr::Max] {
        let combine = Stmt::Combine {
            buffer: BufferId(1),
            index: vec![e("i % 7")],
            op,
            value: load(0, &["i"]),
            atomic: true,
        };
        let p = program(
            vec![
                buffer("A", F64, &["N"], Placement::Argument(0)),
                buffer("H", F64, &["7"], Placement::Argument(1)),
            ],
            &["N"],
            vec![for_loop("i", "0:N", Parallel, vec![combine])],
        );
        let n = 10_007;
        let (mut a, mut h) = (random(n, 1), vec![0.0; 7]);
        let mut expected = vec![0.0f64; 7];
        for (i, x) in a.iter().enumerate() {
            let cell = &mut expected[i % 7];
            *cell = if op == Wcr::Sum { *cell + x } else { cell.max(*x) };
        }
        run(&p, &mut [&mut a, &mut h], &[n as i64]).expect("runs");
        assert!(h.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-10));
    }
}

/// Numbers of size one, so that long products stay in range.
fn turns(n: usize) -> Vec<f64> {
    random(n, 3).iter().flat_map(|x| [(3.0 * x).cos(), (3.0 * x).sin()]).collect()
}

fn times((ar, ai): (f64, f64), (br, bi): (f64, f64)) -> (f64, f64) {
    (ar * br - ai * bi, ar * bi + ai * br)
}

/// The folds of complex numbers as pairs, by class `i % classes`, from a start.
fn folded(op: Wcr, numbers: &[f64], classes: usize, start: (f64, f64)) -> Vec<f64> {
    let mut cells = vec![start; classes];
    for (i, z) in numbers.chunks(2).enumerate() {
        let cell = &mut cells[i % classes];
        *cell = match op {
            Wcr::Sum => (cell.0 + z[0], cell.1 + z[1]),
            _ => times(*cell, (z[0], z[1])),
        };
    }
    cells.into_iter().flat_map(|(re, im)| [re, im]).collect()
}

fn near(got: &[f64], expected: &[f64]) {
    let close = got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close, "{got:?} instead of {expected:?}");
}

#[test]
fn threads_share_complex_elements() {
    for op in [Wcr::Sum, Wcr::Product] {
        let value = load(0, &["i"]);
        let combine = Stmt::Combine { buffer: BufferId(1), index: vec![e("i % 7")], op, value, atomic: true };
        let p = program(
            vec![
                buffer("A", DType::C128, &["N"], Placement::Argument(0)),
                buffer("H", DType::C128, &["7"], Placement::Argument(1)),
            ],
            &["N"],
            vec![for_loop("i", "0:N", Parallel, vec![combine])],
        );
        let n = 10_007;
        let (mut a, mut h) = (turns(n), [1.0, 0.5].repeat(7));
        let expected = folded(op, &a, 7, (1.0, 0.5));
        run(&p, &mut [&mut a, &mut h], &[n as i64]).expect("runs");
        near(&h, &expected);
    }
}

/// A complex local of the outside, and accumulators of every thread.
#[test]
fn parallel_loops_accumulate_complex_numbers() {
    let name = Name::new;
    let number = |re, im| Value::Lit(Scalar::Complex(DType::C128, re, im));
    for schedule in [Parallel, Vector, Sequential] {
        let update = |to: &str, value| Stmt::Update { accumulator: name(to), value };
        let body = vec![update("sum", mul(load(0, &["i"]), local("s"))), update("prod", load(0, &["i"]))];
        let mut l = for_loop("i", "0:N", schedule, body);
        if let Stmt::For(l) = &mut l {
            let start = |name, op, init| Accumulator { name, dtype: DType::C128, op, init };
            l.accumulators.push(start(name("sum"), Wcr::Sum, number(0.25, 0.0)));
            l.accumulators.push(start(name("prod"), Wcr::Product, number(0.0, 2.0)));
        }
        let first = Stmt::Let { name: name("s"), dtype: DType::C128, value: load(1, &["0"]) };
        let last = [store(1, &["0"], local("sum")), store(1, &["1"], local("prod"))];
        let p = program(
            vec![
                buffer("A", DType::C128, &["N"], Placement::Argument(0)),
                buffer("H", DType::C128, &["2"], Placement::Argument(1)),
            ],
            &["N"],
            [vec![first, l], last.to_vec()].concat(),
        );
        let n = 10_007;
        let (mut a, mut h) = (turns(n), vec![0.5, -2.0, 0.0, 0.0]);
        let sum = folded(Wcr::Sum, &a, 1, (0.0, 0.0));
        let sum = times((sum[0], sum[1]), (0.5, -2.0));
        let product = folded(Wcr::Product, &a, 1, (0.0, 2.0));
        run(&p, &mut [&mut a, &mut h], &[n as i64]).expect("runs");
        near(&h, &[sum.0 + 0.25, sum.1, product[0], product[1]]);
    }
}

/// A combine that is not atomic may still meet itself from iteration to iteration of one thread.
#[test]
fn vector_loop_that_combines_into_one_place() {
    for index in ["0", "i // 2", "i - i % 4"] {
        let combine = Stmt::Combine {
            buffer: BufferId(1),
            index: vec![e(index)],
            op: Wcr::Sum,
            value: load(0, &["i"]),
            atomic: false,
        };
        let p = program(
            vec![
                buffer("A", F64, &["N"], Placement::Argument(0)),
                buffer("H", F64, &["N"], Placement::Argument(1)),
            ],
            &["N"],
            vec![for_loop("i", "0:N", Vector, vec![combine])],
        );
        let n = 1001;
        let (mut a, mut h) = (random(n, 1), vec![0.0; n]);
        let mut expected = vec![0.0; n];
        for (i, x) in a.iter().enumerate() {
            let at = match index {
                "0" => 0,
                "i // 2" => i / 2,
                _ => i - i % 4,
            };
            expected[at] += x;
        }
        run(&p, &mut [&mut a, &mut h], &[n as i64]).expect("runs");
        assert!(h.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12), "{index}");
    }
}

fn compare(op: BinOp, a: Value, b: Value) -> Value {
    bin(op, a, b)
}

#[test]
fn checks_end_the_program() {
    for schedule in [Sequential, Parallel] {
        let p = program(
            vec![buffer("A", F64, &["N"], Placement::Argument(0))],
            &["N"],
            vec![
                for_loop(
                    "i",
                    "0:N",
                    schedule,
                    vec![Stmt::Check { id: 3, cond: compare(BinOp::Lt, load(0, &["i"]), f64(0.5)) }],
                ),
                store(0, &["0"], f64(9.0)),
            ],
        );
        let mut a = vec![0.0; 100];
        run(&p, &mut [&mut a], &[100]).expect("no check fails");
        assert_eq!(a[0], 9.0);
        let mut a = vec![0.0; 100];
        a[70] = 1.0;
        assert_eq!(run(&p, &mut [&mut a], &[100]), Err(Status::Check(3)));
        assert_eq!(a[0], 0.0);
    }
}

#[test]
fn heap_memory_and_its_limit() {
    let body = |inner: LoopSchedule| {
        vec![for_loop(
            "t",
            "0:3",
            Sequential,
            vec![
                Stmt::Alloc(BufferId(1)),
                for_loop("i", "0:N", inner, vec![store(1, &["i"], mul(f64(2.0), load(0, &["i"])))]),
                for_loop("i", "0:N", inner, vec![store(0, &["i"], load(1, &["N - 1 - i"]))]),
            ],
        )]
    };
    let buffers =
        vec![buffer("A", F64, &["N"], Placement::Argument(0)), buffer("T", F64, &["N"], Placement::Heap)];
    let p = program(buffers, &["N"], body(Parallel));
    let n = 20_001;
    let mut a = random(n, 9);
    let expected: Vec<f64> = a.iter().rev().map(|x| 8.0 * x).collect();
    run(&p, &mut [&mut a], &[n as i64]).expect("runs");
    assert_eq!(a, expected);
    let huge = program(
        vec![buffer("T", F64, &["N"], Placement::Heap), buffer("U", F64, &["N", "N"], Placement::Heap)],
        &["N"],
        vec![Stmt::Alloc(BufferId(0)), Stmt::Alloc(BufferId(1)), store(1, &["0", "0"], f64(1.0))],
    );
    assert_eq!(run(&huge, &mut [], &[1 << 20]), Err(Status::Memory));
    assert_eq!(run(&huge, &mut [], &[1 << 40]), Err(Status::Memory));
}

#[test]
fn control_flow() {
    // s counts: while s < N: if s % 3 == 1: s += 2, continue; if s > 50: break; s += 1
    let s = || Value::Index(e("s"));
    let int = |v: i64| Value::Lit(Scalar::i64(v));
    let assign = |text: &str| Stmt::Assign { symbol: Name::new("s"), value: Value::Index(e(text)) };
    let body = vec![
        assign("0"),
        Stmt::While {
            cond: compare(BinOp::Lt, s(), Value::Index(e("N"))),
            body: vec![
                Stmt::If {
                    cond: compare(BinOp::Eq, bin(BinOp::Mod, s(), int(3)), int(1)),
                    then: vec![assign("s + 2"), Stmt::Continue],
                    otherwise: vec![],
                },
                Stmt::If {
                    cond: compare(BinOp::Gt, s(), int(50)),
                    then: vec![Stmt::Break],
                    otherwise: vec![Stmt::Comment("on".into())],
                },
                assign("s + 1"),
            ],
        },
        store(0, &[], Value::Cast(F64, Box::new(s()))),
        Stmt::If {
            cond: compare(BinOp::Lt, Value::Index(e("N")), int(5)),
            then: vec![Stmt::Return],
            otherwise: vec![],
        },
        store(0, &[], add(load(0, &[]), f64(0.25))),
    ];
    let p = program(vec![buffer("r", F64, &[], Placement::Argument(0))], &["N"], body);
    for n in [0i64, 1, 4, 5, 20, 100] {
        let mut s = 0i64;
        while s < n {
            if s % 3 == 1 {
                s += 2;
                continue;
            }
            if s > 50 {
                break;
            }
            s += 1;
        }
        let expected = if n < 5 { s as f64 } else { s as f64 + 0.25 };
        let mut r = [0.0];
        run(&p, &mut [&mut r], &[n]).expect("runs");
        assert_eq!(r[0], expected, "{n}");
    }
}

#[test]
fn inner_loop_of_stencil_is_wide_and_unchecked() {
    let asm = weft_cpu::emit_asm(&jacobi(Parallel, Vector), &weft_cpu::Options::default()).expect("compiles");
    let wide = if is_x86_feature_detected!("avx512f") { "zmm" } else { "ymm" };
    assert!(asm.contains(wide), "{asm}");
    assert!(!asm.contains("vgather"));
    let ll = weft_cpu::emit_optimized_ll(&jacobi(Parallel, Vector), &Default::default()).expect("compiles");
    assert!(!ll.contains("vector.memcheck"), "{ll}");
}

/// Functions of libmvec are called with whole vectors.
#[test]
fn mathematics_is_vectorized() {
    use weft_ir::tasklet::Func;
    let exp = Value::Call(Func::Exp, Box::new(load(0, &["i"])));
    let p = program(
        vec![
            buffer("A", F64, &["N"], Placement::Argument(0)),
            buffer("B", F64, &["N"], Placement::Argument(1)),
        ],
        &["N"],
        vec![for_loop("i", "0:N", Vector, vec![store(1, &["i"], exp)])],
    );
    let asm = weft_cpu::emit_asm(&p, &weft_cpu::Options::default()).expect("compiles");
    if is_x86_feature_detected!("avx512f")
        && std::path::Path::new("/lib/x86_64-linux-gnu/libmvec.so.1").exists()
    {
        assert!(asm.contains("_ZGVeN8v_exp"), "{asm}");
    }
    let narrow = weft_cpu::Options { vector_bits: Some(256), ..Default::default() };
    assert!(!weft_cpu::emit_asm(&p, &narrow).expect("compiles").contains("zmm"));
}
