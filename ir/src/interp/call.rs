//! What a library operation computes, plainly. Both interpreters use it; back ends have their own.

use std::cmp::Ordering;

use super::matrix::{Cx, Matrix};
use crate::dtype::{DType, Scalar};
use crate::sdfg::LibraryOp;
use crate::sdfg::library::float_part;
use crate::tasklet::cast;

/// An operand: its shape in the form that the operation has for it, and its elements in C order.
#[derive(Clone, PartialEq, Debug)]
pub struct Operand {
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub values: Vec<Scalar>,
}

/// Why there is no result.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallError {
    /// The kernel's: the values do not allow the operation. NumPy's message.
    #[error("{0}")]
    Values(&'static str),
    /// The graph's: shapes that do not fit.
    #[error("{0}")]
    Shape(String),
}

type Outputs = Result<Vec<Vec<Scalar>>, CallError>;

/// The elements of each output, in C order.
pub fn call(op: LibraryOp, inputs: &[Operand]) -> Outputs {
    let misfit = || {
        let shapes: Vec<String> = inputs.iter().map(|i| format!("{:?}", i.shape)).collect();
        CallError::Shape(format!("{} of {}", op.name(), shapes.join(" and ")))
    };
    let first = inputs.first().ok_or_else(misfit)?;
    match op {
        LibraryOp::Sort => return Ok(vec![along(first, |row| sorted(row).map(|i| row[i]).collect())]),
        LibraryOp::ArgSort => {
            return Ok(vec![along(first, |row| sorted(row).map(|i| Scalar::i64(i as i64)).collect())]);
        }
        LibraryOp::Fft { inverse } => return Ok(vec![along(first, |row| transform(row, inverse))]),
        _ => {}
    }
    let a = matrix(first).ok_or_else(misfit)?;
    let (square, dtype) = (a.rows == a.cols, first.dtype);
    let back = |m: Matrix| -> Vec<Scalar> { m.at.into_iter().map(|x| scalar(dtype, x)).collect() };
    let reals = |s: Vec<f64>| -> Vec<Scalar> {
        s.into_iter().map(|x| scalar(float_part(dtype), Cx(x, 0.0))).collect()
    };
    let fails = || CallError::Values(op.failure().unwrap_or("the operation failed"));
    let needs_square = !matches!(op, LibraryOp::Qr | LibraryOp::Svd { .. } | LibraryOp::Lstsq);
    if needs_square && !square {
        return Err(misfit());
    }
    Ok(match op {
        LibraryOp::Cholesky => vec![back(a.cholesky().ok_or_else(fails)?)],
        LibraryOp::Inv => vec![back(a.lu().solve(&Matrix::identity(a.rows)).ok_or_else(fails)?)],
        LibraryOp::Det => vec![vec![scalar(dtype, a.lu().det())]],
        LibraryOp::Qr => {
            let (q, r) = a.qr();
            vec![back(q), back(r)]
        }
        LibraryOp::Svd { full } => {
            let (u, s, v) = a.svd(full).ok_or_else(fails)?;
            vec![back(u), reals(s), back(v)]
        }
        LibraryOp::Eigh => {
            let (w, v) = a.eigh().ok_or_else(fails)?;
            vec![reals(w), back(v)]
        }
        _ => {
            let b = inputs.get(1).and_then(matrix).filter(|b| b.rows == a.rows).ok_or_else(misfit)?;
            if op == LibraryOp::Solve {
                return Ok(vec![back(a.lu().solve(&b).ok_or_else(fails)?)]);
            }
            let (x, rank, s) = lstsq(&a, &b, dtype).ok_or_else(fails)?;
            vec![back(x), vec![Scalar::i64(rank)], reals(s)]
        }
    })
}

// ---- along the last axis -------------------------------------------------------------------

fn along(input: &Operand, f: impl Fn(&[Scalar]) -> Vec<Scalar>) -> Vec<Scalar> {
    match input.shape.last() {
        Some(&n) if n > 0 => input.values.chunks(n).flat_map(f).collect(),
        _ => vec![],
    }
}

fn sorted(row: &[Scalar]) -> impl Iterator<Item = usize> + use<> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&i, &j| compare(row[i], row[j]));
    order.into_iter()
}

/// NaN is last.
fn compare(a: Scalar, b: Scalar) -> Ordering {
    let floats = |x: f64, y: f64| x.partial_cmp(&y).unwrap_or_else(|| x.is_nan().cmp(&y.is_nan()));
    match (a, b) {
        (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(&b),
        (Scalar::Int(_, a), Scalar::Int(_, b)) => a.cmp(&b),
        (Scalar::F16(a), Scalar::F16(b)) => floats(a.into(), b.into()),
        (Scalar::F32(a), Scalar::F32(b)) => floats(a.into(), b.into()),
        (Scalar::F64(a), Scalar::F64(b)) => floats(a, b),
        _ => Ordering::Equal,
    }
}

fn transform(row: &[Scalar], inverse: bool) -> Vec<Scalar> {
    let n = row.len();
    let sign = if inverse { 1.0 } else { -1.0 };
    let roots: Vec<Cx> = (0..n)
        .map(|k| {
            let angle = sign * 2.0 * std::f64::consts::PI * k as f64 / n as f64;
            Cx(angle.cos(), angle.sin())
        })
        .collect();
    let scale = if inverse { 1.0 / n as f64 } else { 1.0 };
    let at = |k: usize| {
        let term =
            |(j, x): (usize, &Scalar)| number(*x) * roots[(j as u128 * k as u128 % n as u128) as usize];
        row.iter().enumerate().map(term).fold(Cx::ZERO, |sum, x| sum + x).scaled(scale)
    };
    (0..n).map(|k| scalar(row[0].dtype(), at(k))).collect()
}

// ---- matrices ------------------------------------------------------------------------------

fn lstsq(a: &Matrix, b: &Matrix, dtype: DType) -> Option<(Matrix, i64, Vec<f64>)> {
    let (u, s, v) = a.svd(false)?;
    let epsilon = if float_part(dtype) == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let least = s.first().map_or(0.0, |largest| largest * epsilon * a.rows.max(a.cols) as f64);
    let rank = s.iter().filter(|&&x| x > least).count();
    let mut x = Matrix::zeros(a.cols, b.cols);
    for j in 0..b.cols {
        for k in 0..rank {
            let dot = (0..a.rows).fold(Cx::ZERO, |sum, i| sum + u[(i, k)].conj() * b[(i, j)]);
            let by = dot.scaled(1.0 / s[k]);
            (0..a.cols).for_each(|i| x[(i, j)] = x[(i, j)] + v[(k, i)].conj() * by);
        }
    }
    Some((x, rank as i64, s))
}

fn matrix(operand: &Operand) -> Option<Matrix> {
    let [rows, cols] = operand.shape[..] else { return None };
    let at: Vec<Cx> = operand.values.iter().map(|x| number(*x)).collect();
    (at.len() == rows * cols).then_some(Matrix { rows, cols, at })
}

fn number(x: Scalar) -> Cx {
    match x {
        Scalar::Complex(_, re, im) => Cx(re, im),
        real => Cx(crate::tasklet::ops::to_f64(real), 0.0),
    }
}

fn scalar(dtype: DType, x: Cx) -> Scalar {
    if dtype.is_complex() {
        cast(dtype, Scalar::Complex(DType::C128, x.0, x.1))
    } else {
        cast(dtype, Scalar::F64(x.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::call_tests::{cases, judge, line};
    use super::*;
    use crate::symbolic::Expr;

    /// Results as arrays of the shapes that the operation's outputs have.
    fn results(op: LibraryOp, inputs: &[Operand]) -> Result<Vec<Operand>, String> {
        let given: Vec<_> = inputs
            .iter()
            .map(|i| (i.dtype, i.shape.iter().map(|&n| Expr::int(n as i64)).collect::<Vec<_>>()))
            .collect();
        let fit = op.fit(&given).expect("inputs that fit");
        let values = call(op, inputs).map_err(|error| error.to_string())?;
        let shaped = fit.outputs.into_iter().zip(values).map(|((dtype, shape), values)| {
            let shape = shape.iter().map(|e| e.as_int().expect("a number") as usize).collect();
            Operand { dtype, shape, values }
        });
        Ok(shaped.collect())
    }

    #[test]
    fn operations_do_what_numpy_does() {
        let lines: Vec<String> =
            cases(|_| true).iter().map(|(op, inputs)| line(*op, inputs, &results(*op, inputs))).collect();
        judge(&lines);
    }

    #[test]
    fn nan_ends_a_factorization() {
        let a = Operand { dtype: DType::F64, shape: vec![1, 1], values: vec![Scalar::F64(f64::NAN)] };
        for op in [LibraryOp::Cholesky, LibraryOp::Eigh, LibraryOp::Svd { full: false }] {
            assert_eq!(
                call(op, std::slice::from_ref(&a)),
                Err(CallError::Values(op.failure().expect("a message")))
            );
        }
        let b = Operand { shape: vec![2, 1], values: vec![Scalar::F64(0.0); 2], ..a.clone() };
        assert!(matches!(call(LibraryOp::Solve, &[a, b]), Err(CallError::Shape(_))));
    }
}
