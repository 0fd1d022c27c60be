//! Complex numbers and matrices, and the factorizations of [`super::call`] on them. Everything is
//! computed in double precision, whatever the operands are; real matrices stay exactly real.

use std::ops::{Add, Mul, Sub};

/// A complex number.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Cx(pub f64, pub f64);

impl Add for Cx {
    type Output = Cx;
    fn add(self, o: Cx) -> Cx {
        Cx(self.0 + o.0, self.1 + o.1)
    }
}
impl Sub for Cx {
    type Output = Cx;
    fn sub(self, o: Cx) -> Cx {
        Cx(self.0 - o.0, self.1 - o.1)
    }
}
impl Mul for Cx {
    type Output = Cx;
    fn mul(self, o: Cx) -> Cx {
        Cx(self.0 * o.0 - self.1 * o.1, self.0 * o.1 + self.1 * o.0)
    }
}

impl Cx {
    pub const ZERO: Cx = Cx(0.0, 0.0);
    pub const ONE: Cx = Cx(1.0, 0.0);

    pub fn conj(self) -> Cx {
        Cx(self.0, -self.1)
    }

    pub fn scaled(self, by: f64) -> Cx {
        Cx(self.0 * by, self.1 * by)
    }

    pub fn abs(self) -> f64 {
        self.0.hypot(self.1)
    }

    fn square(self) -> f64 {
        self.0 * self.0 + self.1 * self.1
    }

    /// Scaled by the larger part, so that nothing overflows on the way.
    pub fn over(self, o: Cx) -> Cx {
        if o.1 == 0.0 {
            return Cx(self.0 / o.0, self.1 / o.0);
        }
        let scale = o.0.abs().max(o.1.abs());
        let by = Cx(o.0 / scale, o.1 / scale);
        let top = self * by.conj();
        let below = by.square() * scale;
        Cx(top.0 / below, top.1 / below)
    }

    fn is_nan(self) -> bool {
        self.0.is_nan() || self.1.is_nan()
    }
}

/// In C order.
#[derive(Clone, Debug)]
pub struct Matrix {
    pub rows: usize,
    pub cols: usize,
    pub at: Vec<Cx>,
}

impl std::ops::Index<(usize, usize)> for Matrix {
    type Output = Cx;
    fn index(&self, (i, j): (usize, usize)) -> &Cx {
        &self.at[i * self.cols + j]
    }
}
impl std::ops::IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut Cx {
        &mut self.at[i * self.cols + j]
    }
}

/// Rows of a square matrix after elimination with partial pivoting.
pub struct Lu {
    factors: Matrix,
    order: Vec<usize>,
    odd: bool,
}

impl Matrix {
    pub fn zeros(rows: usize, cols: usize) -> Matrix {
        Matrix { rows, cols, at: vec![Cx::ZERO; rows * cols] }
    }

    pub fn identity(n: usize) -> Matrix {
        let mut m = Matrix::zeros(n, n);
        (0..n).for_each(|i| m[(i, i)] = Cx::ONE);
        m
    }

    /// The conjugate transpose.
    pub fn adjoint(&self) -> Matrix {
        let mut out = Matrix::zeros(self.cols, self.rows);
        for i in 0..self.rows {
            for j in 0..self.cols {
                out[(j, i)] = self[(i, j)].conj();
            }
        }
        out
    }

    fn has_nan(&self) -> bool {
        self.at.iter().any(|x| x.is_nan() || x.0.is_infinite() || x.1.is_infinite())
    }

    /// The lower factor, from the lower triangle; `None` if the matrix is not positive definite.
    pub fn cholesky(&self) -> Option<Matrix> {
        let n = self.rows;
        let mut l = Matrix::zeros(n, n);
        for j in 0..n {
            let pivot = (0..j).fold(self[(j, j)].0, |sum, k| sum - l[(j, k)].square());
            if pivot.is_nan() || pivot <= 0.0 {
                return None;
            }
            l[(j, j)] = Cx(pivot.sqrt(), 0.0);
            for i in j + 1..n {
                let sum = (0..j).fold(self[(i, j)], |sum, k| sum - l[(i, k)] * l[(j, k)].conj());
                l[(i, j)] = sum.over(l[(j, j)]);
            }
        }
        Some(l)
    }

    pub fn lu(&self) -> Lu {
        let n = self.rows;
        let (mut a, mut order, mut odd) = (self.clone(), (0..n).collect::<Vec<_>>(), false);
        for k in 0..n {
            let size = |i: usize| a[(i, k)].0.abs() + a[(i, k)].1.abs();
            let best = (k..n).fold(k, |best, i| if size(i) > size(best) { i } else { best });
            if best != k {
                (0..n).for_each(|j| a.at.swap(k * n + j, best * n + j));
                order.swap(k, best);
                odd = !odd;
            }
            if a[(k, k)] == Cx::ZERO {
                continue;
            }
            for i in k + 1..n {
                let factor = a[(i, k)].over(a[(k, k)]);
                a[(i, k)] = factor;
                for j in k + 1..n {
                    a[(i, j)] = a[(i, j)] - factor * a[(k, j)];
                }
            }
        }
        Lu { factors: a, order, odd }
    }

    /// Reduced: `rows × k` and `k × cols` with `k` the smaller side, by Householder's reflections with
    /// LAPACK's signs.
    pub fn qr(&self) -> (Matrix, Matrix) {
        let (m, n) = (self.rows, self.cols);
        let k = m.min(n);
        let mut r = self.clone();
        let mut vectors: Vec<(Vec<Cx>, Cx)> = vec![];
        for j in 0..k {
            let alpha = r[(j, j)];
            let below: f64 = (j + 1..m).map(|i| r[(i, j)].square()).sum();
            let mut v = vec![Cx::ZERO; m];
            v[j] = Cx::ONE;
            let mut tau = Cx::ZERO;
            if below != 0.0 || alpha.1 != 0.0 {
                let norm = (alpha.square() + below).sqrt();
                let beta = if alpha.0 >= 0.0 { -norm } else { norm };
                tau = Cx((beta - alpha.0) / beta, -alpha.1 / beta);
                (j + 1..m).for_each(|i| v[i] = r[(i, j)].over(Cx(alpha.0 - beta, alpha.1)));
            }
            // H^H is applied to what is left.
            reflect(&mut r, &v, tau.conj(), j);
            (j + 1..m).for_each(|i| r[(i, j)] = Cx::ZERO);
            vectors.push((v, tau));
        }
        let mut q = Matrix::zeros(m, k);
        (0..k).for_each(|i| q[(i, i)] = Cx::ONE);
        for (v, tau) in vectors.iter().rev() {
            reflect(&mut q, v, *tau, 0);
        }
        r.at.truncate(k * n);
        r.rows = k;
        (q, r)
    }

    /// Eigenvalues in ascending order and the vectors in columns, from the lower triangle, by Jacobi's
    /// rotations. `None` if they do not come to an end.
    pub fn eigh(&self) -> Option<(Vec<f64>, Matrix)> {
        let n = self.rows;
        let mut a = Matrix::zeros(n, n);
        for i in 0..n {
            a[(i, i)] = Cx(self[(i, i)].0, 0.0);
            for j in 0..i {
                (a[(i, j)], a[(j, i)]) = (self[(i, j)], self[(i, j)].conj());
            }
        }
        if a.has_nan() {
            return None;
        }
        let mut v = Matrix::identity(n);
        let scale = a.at.iter().map(|x| x.square()).sum::<f64>().sqrt();
        for sweep in 0.. {
            let mut rotated = false;
            for p in 0..n {
                for q in p + 1..n {
                    let off = a[(p, q)];
                    if off.abs() <= scale * 1e-17 {
                        continue;
                    }
                    rotated = true;
                    let turn = Rotation::of(a[(p, p)].0, a[(q, q)].0, off);
                    turn.columns(&mut a, p, q);
                    turn.rows(&mut a, p, q);
                    turn.columns(&mut v, p, q);
                    (a[(p, q)], a[(q, p)]) = (Cx::ZERO, Cx::ZERO);
                }
            }
            if !rotated {
                break;
            }
            if sweep == SWEEPS {
                return None;
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| a[(i, i)].0.total_cmp(&a[(j, j)].0));
        Some((order.iter().map(|&i| a[(i, i)].0).collect(), v.choose(&order)))
    }

    /// `u`, `s` descending and `v^H`, the reduced or the full ones, by one-sided rotations.
    pub fn svd(&self, full: bool) -> Option<(Matrix, Vec<f64>, Matrix)> {
        if self.rows < self.cols {
            let (u, s, v) = self.adjoint().svd(full)?;
            return Some((v.adjoint(), s, u.adjoint()));
        }
        let (m, n) = (self.rows, self.cols);
        if self.has_nan() {
            return None;
        }
        let (mut g, mut v) = (self.clone(), Matrix::identity(n));
        for sweep in 0.. {
            let mut rotated = false;
            for p in 0..n {
                for q in p + 1..n {
                    let (alpha, beta) = (g.norm2(p), g.norm2(q));
                    let gamma = (0..m).fold(Cx::ZERO, |sum, i| sum + g[(i, p)].conj() * g[(i, q)]);
                    if gamma.abs() <= 1e-16 * (alpha * beta).sqrt() || gamma.abs() < f64::MIN_POSITIVE {
                        continue;
                    }
                    rotated = true;
                    let turn = Rotation::of(alpha, beta, gamma);
                    turn.columns(&mut g, p, q);
                    turn.columns(&mut v, p, q);
                }
            }
            if !rotated || sweep == SWEEPS {
                break;
            }
        }
        let norms: Vec<f64> = (0..n).map(|j| g.norm2(j).sqrt()).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
        let s: Vec<f64> = order.iter().map(|&j| norms[j]).collect();
        let mut u = Matrix::zeros(m, if full { m } else { n });
        let floor = s.first().map_or(0.0, |largest| largest * f64::EPSILON * m as f64);
        for (to, &from) in order.iter().enumerate() {
            if norms[from] > floor {
                (0..m).for_each(|i| u[(i, to)] = g[(i, from)].scaled(1.0 / norms[from]));
            }
        }
        let known = s.iter().filter(|&&x| x > floor).count();
        u.complete(known);
        Some((u, s, v.choose(&order).adjoint()))
    }

    fn norm2(&self, column: usize) -> f64 {
        (0..self.rows).map(|i| self[(i, column)].square()).sum()
    }

    /// Columns in this order.
    fn choose(&self, order: &[usize]) -> Matrix {
        let mut out = Matrix::zeros(self.rows, order.len());
        for i in 0..self.rows {
            for (to, &from) in order.iter().enumerate() {
                out[(i, to)] = self[(i, from)];
            }
        }
        out
    }

    /// Fills the columns from `known` on so that all are orthonormal.
    fn complete(&mut self, known: usize) {
        let mut from = 0;
        for column in known..self.cols {
            while from < self.rows {
                let mut v = vec![Cx::ZERO; self.rows];
                v[from] = Cx::ONE;
                from += 1;
                for _ in 0..2 {
                    for j in 0..column {
                        let dot = (0..self.rows).fold(Cx::ZERO, |s, i| s + self[(i, j)].conj() * v[i]);
                        (0..self.rows).for_each(|i| v[i] = v[i] - dot * self[(i, j)]);
                    }
                }
                let norm = v.iter().map(|x| x.square()).sum::<f64>().sqrt();
                // What was left out so far has at least this much left in one of the axes.
                if norm > 0.5 / (self.rows as f64).sqrt() / self.rows as f64 {
                    (0..self.rows).for_each(|i| self[(i, column)] = v[i].scaled(1.0 / norm));
                    break;
                }
            }
        }
    }
}

/// Sweeps of rotations before they are given up; ten are many.
const SWEEPS: usize = 60;

/// Subtracts `tau v (v^H m)` from the columns from `first` on.
fn reflect(m: &mut Matrix, v: &[Cx], tau: Cx, first: usize) {
    for j in first..m.cols {
        let dot = (0..m.rows).fold(Cx::ZERO, |sum, i| sum + v[i].conj() * m[(i, j)]);
        let by = tau * dot;
        (0..m.rows).for_each(|i| m[(i, j)] = m[(i, j)] - v[i] * by);
    }
}

/// What makes `[[a, off], [off*, b]]` diagonal.
struct Rotation {
    cos: f64,
    sin: f64,
    /// The second column is turned by it first.
    phase: Cx,
}

impl Rotation {
    fn of(a: f64, b: f64, off: Cx) -> Rotation {
        let size = off.abs();
        let tau = (b - a) / (2.0 * size);
        let sign = if tau >= 0.0 { 1.0 } else { -1.0 };
        let tan = sign / (tau.abs() + (1.0 + tau * tau).sqrt());
        let cos = 1.0 / (1.0 + tan * tan).sqrt();
        Rotation { cos, sin: tan * cos, phase: off.conj().scaled(1.0 / size) }
    }

    fn turn(&self, x: Cx, y: Cx) -> (Cx, Cx) {
        (x.scaled(self.cos) - y.scaled(self.sin), x.scaled(self.sin) + y.scaled(self.cos))
    }

    fn columns(&self, m: &mut Matrix, p: usize, q: usize) {
        for i in 0..m.rows {
            (m[(i, p)], m[(i, q)]) = self.turn(m[(i, p)], m[(i, q)] * self.phase);
        }
    }

    fn rows(&self, m: &mut Matrix, p: usize, q: usize) {
        for j in 0..m.cols {
            (m[(p, j)], m[(q, j)]) = self.turn(m[(p, j)], m[(q, j)] * self.phase.conj());
        }
    }
}

impl Lu {
    fn is_singular(&self) -> bool {
        (0..self.factors.rows).any(|i| self.factors[(i, i)] == Cx::ZERO)
    }

    pub fn det(&self) -> Cx {
        let sign = if self.odd { Cx(-1.0, 0.0) } else { Cx::ONE };
        (0..self.factors.rows).fold(sign, |product, i| product * self.factors[(i, i)])
    }

    /// `None` if the matrix is singular.
    pub fn solve(&self, b: &Matrix) -> Option<Matrix> {
        if self.is_singular() {
            return None;
        }
        let n = self.factors.rows;
        let mut x = Matrix::zeros(n, b.cols);
        for j in 0..b.cols {
            for i in 0..n {
                let start = b[(self.order[i], j)];
                x[(i, j)] = (0..i).fold(start, |sum, k| sum - self.factors[(i, k)] * x[(k, j)]);
            }
            for i in (0..n).rev() {
                let sum = (i + 1..n).fold(x[(i, j)], |sum, k| sum - self.factors[(i, k)] * x[(k, j)]);
                x[(i, j)] = sum.over(self.factors[(i, i)]);
            }
        }
        Some(x)
    }
}
