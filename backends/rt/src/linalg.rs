//! Equations and factorizations of dense matrices, by faer on one thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use faer::linalg::solvers::{DenseSolveCore, Solve};
use faer::traits::ext::ComplexFieldExt;
use faer::traits::{ComplexField, RealField};
use faer::{Mat, MatRef, Par, Side, c32, c64};

use crate::dtype::{C64, F32, F64};
use crate::strided::Strided;

/// Numbers of the operations, as generated code passes them.
pub const CHOLESKY: i64 = 4;
pub const INV: i64 = 5;
pub const DET: i64 = 6;
pub const SOLVE: i64 = 7;
pub const QR: i64 = 8;
pub const SVD: i64 = 9;
pub const FULL_SVD: i64 = 10;
pub const EIGH: i64 = 11;
pub const LSTSQ: i64 = 12;

/// What the values do not allow.
pub const FAILED: i64 = 1;

/// The operands are the inputs, then the outputs, of the operation. `dtype` is that of the
/// inputs, as [`crate::dtype`] numbers it. Returns 0, [`FAILED`] or [`crate::MEMORY`].
///
/// # Safety
/// There are as many operands as the operation has; they are valid for their types and shapes, the
/// shapes fit, and no output overlaps another operand.
pub unsafe extern "C" fn weft_linalg(op: i64, dtype: i64, operands: *const Strided) -> i64 {
    // Threads are the pool's affair: a call may come from inside a parallel loop.
    faer::set_global_parallelism(Par::Seq);
    // SAFETY: the caller's promise.
    let done = catch_unwind(AssertUnwindSafe(|| unsafe {
        match dtype {
            F32 => run::<f32>(op, operands),
            F64 => run::<f64>(op, operands),
            C64 => run::<c32>(op, operands),
            _ => run::<c64>(op, operands),
        }
    }));
    match done {
        Ok(Some(())) => 0,
        Ok(None) | Err(_) => FAILED,
    }
}

/// An element type.
trait Element: ComplexField<Real = Self::Part> + Copy + PartialEq {
    type Part: RealField + Copy + PartialOrd + Into<f64>;
    fn part(self) -> [Self::Part; 2];
}
impl Element for f32 {
    type Part = f32;
    fn part(self) -> [f32; 2] {
        [self, 0.0]
    }
}
impl Element for f64 {
    type Part = f64;
    fn part(self) -> [f64; 2] {
        [self, 0.0]
    }
}
impl Element for c32 {
    type Part = f32;
    fn part(self) -> [f32; 2] {
        [self.re, self.im]
    }
}
impl Element for c64 {
    type Part = f64;
    fn part(self) -> [f64; 2] {
        [self.re, self.im]
    }
}

unsafe fn read<T: Element>(from: &Strided) -> Mat<T> {
    // SAFETY: the caller's promise.
    unsafe {
        let (rows, cols) = (from.dimension(0).0, from.dimension(1).0);
        Mat::from_fn(rows, cols, |i, j| from.at::<T>(i, j).read())
    }
}

unsafe fn write<T: Copy>(to: &Strided, value: impl Fn(usize, usize) -> T) {
    // SAFETY: the caller's promise.
    unsafe {
        let (rows, cols) = (to.dimension(0).0, to.dimension(1).0);
        for i in 0..rows {
            for j in 0..cols {
                to.at::<T>(i, j).write(value(i, j));
            }
        }
    }
}

/// With the real parts on the diagonal: what else is there does not count for NumPy, but for faer.
fn hermitian<T: Element>(mut a: Mat<T>) -> Mat<T> {
    for i in 0..a.nrows() {
        a[(i, i)] = T::from_real_impl(&a[(i, i)].part()[0]);
    }
    a
}

fn is_finite<T: Element>(a: &Mat<T>) -> bool {
    (0..a.ncols()).all(|j| (0..a.nrows()).all(|i| a[(i, j)].part().into_iter().all(|x| x.into().is_finite())))
}

/// `None` if the values do not allow it.
unsafe fn run<T: Element>(op: i64, operands: *const Strided) -> Option<()> {
    // SAFETY: the caller passes as many operands as the operation has.
    unsafe {
        let at = |i: usize| &*operands.add(i);
        let a = read::<T>(at(0));
        let square = !matches!(op, QR | SVD | FULL_SVD | LSTSQ);
        let sides = |b: &Strided| b.dimension(0).0 == a.nrows();
        if (square && a.nrows() != a.ncols()) || (matches!(op, SOLVE | LSTSQ) && !sides(at(1))) {
            return None;
        }
        if a.nrows().min(a.ncols()) == 0 {
            empty::<T>(op, operands);
            return Some(());
        }
        let conj = |x: &T| x.conj();
        match op {
            CHOLESKY => {
                let factor = hermitian(a.clone()).llt(Side::Lower).ok()?;
                let l = factor.L();
                if !(0..a.nrows()).all(|i| l[(i, i)].part()[0].into() > 0.0) {
                    return None;
                }
                write::<T>(at(1), |i, j| if i >= j { l[(i, j)] } else { T::zero_impl() });
            }
            INV | SOLVE => {
                let lu = a.partial_piv_lu();
                let pivots = lu.U();
                if (0..a.nrows()).any(|i| pivots[(i, i)] == T::zero_impl()) {
                    return None;
                }
                if op == INV {
                    let x = lu.inverse();
                    write::<T>(at(1), |i, j| x[(i, j)]);
                } else {
                    let x = lu.solve(read::<T>(at(1)));
                    write::<T>(at(2), |i, j| x[(i, j)]);
                }
            }
            DET => {
                let lu = a.partial_piv_lu();
                let pivots = lu.U();
                // Behind a pivot that is zero may be anything.
                let singular = (0..a.nrows()).any(|i| pivots[(i, i)] == T::zero_impl());
                let sign = if is_odd(lu.P().arrays().0) { T::from_f64_impl(-1.0) } else { T::one_impl() };
                let det = match singular {
                    true => T::zero_impl(),
                    false => (0..a.nrows()).fold(sign, |product, i| product * pivots[(i, i)]),
                };
                write::<T>(at(1), |_, _| det);
            }
            QR => {
                let qr = a.qr();
                let (q, r) = (qr.compute_thin_Q(), qr.thin_R());
                write::<T>(at(1), |i, j| q[(i, j)]);
                write::<T>(at(2), |i, j| if i <= j { r[(i, j)] } else { T::zero_impl() });
            }
            SVD | FULL_SVD => {
                if !is_finite(&a) {
                    return None;
                }
                let svd = if op == SVD { a.thin_svd() } else { a.svd() }.ok()?;
                let (u, s, v) = (svd.U(), svd.S(), svd.V());
                write::<T>(at(1), |i, j| u[(i, j)]);
                write::<T::Part>(at(2), |i, _| s.column_vector()[i].part()[0]);
                write::<T>(at(3), |i, j| conj(&v[(j, i)]));
            }
            EIGH => {
                if !is_finite(&a) {
                    return None;
                }
                let eigen = hermitian(a).self_adjoint_eigen(Side::Lower).ok()?;
                let (v, w) = (eigen.U(), eigen.S());
                write::<T::Part>(at(1), |i, _| w.column_vector()[i].part()[0]);
                write::<T>(at(2), |i, j| v[(i, j)]);
            }
            LSTSQ => lstsq::<T>(&a, read::<T>(at(1)).as_ref(), [at(2), at(3), at(4)])?,
            _ => return None,
        }
    }
    Some(())
}

/// The parity of a permutation: that of the exchanges in its cycles.
fn is_odd(order: &[usize]) -> bool {
    let mut seen = vec![false; order.len()];
    let mut odd = false;
    for start in 0..order.len() {
        let mut at = start;
        while !std::mem::replace(&mut seen[at], true) {
            at = order[at];
            odd ^= at != start;
        }
    }
    odd
}

/// Results for a matrix without elements, which faer does not always take.
unsafe fn empty<T: Element>(op: i64, operands: *const Strided) {
    let identity = |i: usize, j: usize| if i == j { T::one_impl() } else { T::zero_impl() };
    // SAFETY: the caller passes as many operands as the operation has.
    unsafe {
        let at = |i: usize| &*operands.add(i);
        match op {
            DET => write::<T>(at(1), identity),
            FULL_SVD => {
                write::<T>(at(1), identity);
                write::<T>(at(3), identity);
            }
            LSTSQ => {
                write::<T>(at(2), |_, _| T::zero_impl());
                write::<i64>(at(3), |_, _| 0);
            }
            // All others have no elements either.
            _ => {}
        }
    }
}

/// The solution of least norm, by the singular values that count.
unsafe fn lstsq<T: Element>(a: &Mat<T>, b: MatRef<T>, out: [&Strided; 3]) -> Option<()> {
    if !is_finite(a) {
        return None;
    }
    let svd = a.thin_svd().ok()?;
    let (u, s, v) = (svd.U(), svd.S().column_vector(), svd.V());
    let size = a.nrows().max(a.ncols()) as f64;
    let epsilon = if size_of::<T::Part>() == 4 { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let values: Vec<f64> = (0..s.nrows()).map(|i| s[i].part()[0].into()).collect();
    let least = values.first().map_or(0.0, |largest| largest * epsilon * size);
    let rank = values.iter().filter(|&&x| x > least).count();
    let mut y: Mat<T> = u.subcols(0, rank).adjoint() * b;
    for j in 0..y.ncols() {
        for i in 0..rank {
            y[(i, j)] = y[(i, j)].mul_real(&s[i].real().recip());
        }
    }
    let x: Mat<T> = v.subcols(0, rank) * &y;
    // SAFETY: the caller's promise.
    unsafe {
        write::<T>(out[0], |i, j| x[(i, j)]);
        write::<i64>(out[1], |_, _| rank as i64);
        write::<T::Part>(out[2], |i, _| s[i].part()[0]);
    }
    Some(())
}
