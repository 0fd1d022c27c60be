//! Dense products of strided operands: `c = a @ b` for every element type.
//!
//! Floats (and complex numbers, to faer) go to the library ([`crate::blas`]) where each operand has a unit stride, else to faer,
//! which takes any strides; other types to a plain loop. Vectors are matrices with one row or
//! column. Large products are shared among the pool's threads by blocks of `c`.

use std::ffi::c_void;

use crate::blas::{self, Routines};
use crate::dtype::*;
use crate::pool::{threads, weft_parallel_for};

/// A strided matrix; strides are in elements.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct View {
    data: *mut u8,
    row: i64,
    col: i64,
}

#[derive(Clone, Copy)]
struct Product {
    dtype: i64,
    m: i64,
    n: i64,
    k: i64,
    a: View,
    b: View,
    c: View,
    /// Iterations are blocks of rows of `c`, else of columns.
    by_rows: bool,
    /// Rows or columns per block.
    block: i64,
}

/// `c[m, n] = a[m, k] @ b[k, n]`. `dtype` is the position in [`weft_ir::DType`]'s declaration.
///
/// # Safety
/// The views are valid for their shapes; `c` overlaps neither operand.
pub unsafe extern "C" fn weft_matmul(
    dtype: i64,
    m: i64,
    n: i64,
    k: i64,
    a: *const View,
    b: *const View,
    c: *const View,
) {
    if m <= 0 || n <= 0 {
        return;
    }
    // SAFETY: the caller passes three views.
    let (a, b, c) = unsafe { (*a, *b, *c) };
    let work = m.saturating_mul(n).saturating_mul(k.max(1)) / 8;
    let threads = threads() as i64;
    let by_rows = m >= n;
    let long = if by_rows { m } else { n };
    // Blocks keep the library's kernels full; large products have several a thread, to balance.
    let share = long / threads + 1;
    let block = match share {
        _ if threads < 2 || work < 24_000 => long,
        share if share >= 512 => (share / 4 + 7) / 8 * 8,
        share => share.max(16) / 8 * 8 + 8,
    };
    let mut product = Product { dtype, m, n, k, a, b, c, by_rows, block };
    let blocks = (long + block - 1) / block;
    // SAFETY: blocks of `c` are disjoint.
    unsafe { weft_parallel_for(blocks, run_blocks, (&raw mut product).cast(), work / blocks + 1) };
}

unsafe extern "C" fn run_blocks(ctx: *mut c_void, begin: i64, end: i64, _chunk: i64) {
    // SAFETY: the context is the `Product` of this job.
    let p = unsafe { *ctx.cast::<Product>() };
    let mut part = p;
    let from = begin * p.block;
    if p.by_rows {
        part.m = (end * p.block).min(p.m) - from;
        (part.a, part.c) = (p.a.at(p.dtype, from, 0), p.c.at(p.dtype, from, 0));
    } else {
        part.n = (end * p.block).min(p.n) - from;
        (part.b, part.c) = (p.b.at(p.dtype, 0, from), p.c.at(p.dtype, 0, from));
    }
    // SAFETY: inside the operands.
    unsafe {
        match p.dtype {
            F32 => part.float::<f32>(blas::get().map(|b| &b.f32)),
            F64 => part.float::<f64>(blas::get().map(|b| &b.f64)),
            C64 => part.float::<faer::c32>(None),
            C128 => part.float::<faer::c64>(None),
            BOOL => part.plain::<u8>(|s, a, b| s | (a & b)),
            I8 | U8 => part.plain::<u8>(|s, a, b| s.wrapping_add(a.wrapping_mul(b))),
            I16 | U16 => part.plain::<u16>(|s, a, b| s.wrapping_add(a.wrapping_mul(b))),
            I32 | U32 => part.plain::<u32>(|s, a, b| s.wrapping_add(a.wrapping_mul(b))),
            _ => part.plain::<u64>(|s, a, b| s.wrapping_add(a.wrapping_mul(b))),
        }
    }
}

fn size(dtype: i64) -> i64 {
    match dtype {
        BOOL | I8 | U8 => 1,
        I16 | U16 => 2,
        I32 | U32 | F32 => 4,
        C128 => 16,
        _ => 8,
    }
}

impl View {
    fn at(self, dtype: i64, row: i64, col: i64) -> View {
        let offset = (row * self.row + col * self.col) * size(dtype);
        View { data: self.data.wrapping_offset(offset as isize), ..self }
    }

    fn transposed(self) -> View {
        View { row: self.col, col: self.row, ..self }
    }

    /// Leading dimension and whether the matrix is stored by columns, for a library call.
    fn leading(self, rows: i64, cols: i64) -> Option<(i32, bool)> {
        let fits = |ld: i64, least: i64| i32::try_from(ld).ok().filter(|&ld| i64::from(ld) >= least.max(1));
        if self.col == 1 || cols == 1 {
            let ld = if rows == 1 { cols.max(1) } else { self.row };
            if let Some(ld) = fits(ld, cols) {
                return Some((ld, false));
            }
        }
        if self.row == 1 || rows == 1 {
            let ld = if cols == 1 { rows.max(1) } else { self.col };
            return fits(ld, rows).map(|ld| (ld, true));
        }
        None
    }
}

const ROW_MAJOR: i32 = 101;
const NO_TRANS: i32 = 111;
const TRANS: i32 = 112;

trait Float: faer::traits::ComplexField + Copy {
    const ZERO: Self;
    const ONE: Self;
}
impl Float for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
}
impl Float for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
}
impl Float for faer::c32 {
    const ZERO: faer::c32 = faer::c32::new(0.0, 0.0);
    const ONE: faer::c32 = faer::c32::new(1.0, 0.0);
}
impl Float for faer::c64 {
    const ZERO: faer::c64 = faer::c64::new(0.0, 0.0);
    const ONE: faer::c64 = faer::c64::new(1.0, 0.0);
}

impl Product {
    fn fits(&self) -> bool {
        [self.m, self.n, self.k].iter().all(|&x| i32::try_from(x).is_ok())
    }

    fn fill<T: Copy>(&self, value: T) {
        let c = self.c.data.cast::<T>();
        for i in 0..self.m {
            for j in 0..self.n {
                // SAFETY: inside `c`.
                unsafe { c.wrapping_offset((i * self.c.row + j * self.c.col) as isize).write(value) };
            }
        }
    }

    /// `cᵀ = bᵀ @ aᵀ`.
    fn transposed(self) -> Product {
        let (a, b, c) = (self.b.transposed(), self.a.transposed(), self.c.transposed());
        Product { m: self.n, n: self.m, a, b, c, ..self }
    }

    unsafe fn float<T: Float>(self, blas: Option<&Routines<T>>) {
        if self.k <= 0 {
            return self.fill(T::ZERO);
        }
        // SAFETY: the operands are valid for their shapes.
        unsafe {
            if let Some(blas) = blas.filter(|_| self.fits())
                && (self.vector(blas) || self.transposed().vector(blas) || self.gemm(blas))
            {
                return;
            }
            self.faer::<T>();
        }
    }

    /// A product whose result is one column; false where the library cannot take it.
    unsafe fn vector<T: Float>(self, blas: &Routines<T>) -> bool {
        if self.n != 1 {
            return false;
        }
        let inc = |s: i64| i32::try_from(s).ok().filter(|&s| s > 0);
        let (a, x, y) = (self.a.data.cast::<T>(), self.b.data.cast::<T>(), self.c.data.cast::<T>());
        let Some(incx) = inc(if self.k == 1 { 1 } else { self.b.row }) else { return false };
        if self.m == 1 {
            let Some(inca) = inc(if self.k == 1 { 1 } else { self.a.col }) else { return false };
            // SAFETY: `k` elements in each vector.
            unsafe { y.write((blas.dot)(self.k as i32, a, inca, x, incx)) };
            return true;
        }
        let (Some(incy), Some((ld, by_columns))) = (inc(self.c.row), self.a.leading(self.m, self.k)) else {
            return false;
        };
        // Some releases multiply what is in `y` by zero, which keeps a NaN.
        self.fill(T::ZERO);
        let (trans, rows, cols) =
            if by_columns { (TRANS, self.k, self.m) } else { (NO_TRANS, self.m, self.k) };
        // SAFETY: shapes and strides describe the operands.
        unsafe {
            (blas.gemv)(ROW_MAJOR, trans, rows as i32, cols as i32, T::ONE, a, ld, x, incx, T::ZERO, y, incy)
        };
        true
    }

    unsafe fn gemm<T: Float>(self, blas: &Routines<T>) -> bool {
        let Some((mut ldc, by_columns)) = self.c.leading(self.m, self.n) else { return false };
        let p = if by_columns { self.transposed() } else { self };
        let (Some((lda, ta)), Some((ldb, tb))) = (p.a.leading(p.m, p.k), p.b.leading(p.k, p.n)) else {
            return false;
        };
        ldc = ldc.max(p.n as i32);
        let trans = |t: bool| if t { TRANS } else { NO_TRANS };
        let (m, n, k) = (p.m as i32, p.n as i32, p.k as i32);
        let (a, b, c) = (p.a.data.cast::<T>(), p.b.data.cast::<T>(), p.c.data.cast::<T>());
        // SAFETY: shapes and strides describe the operands.
        unsafe {
            (blas.gemm)(ROW_MAJOR, trans(ta), trans(tb), m, n, k, T::ONE, a, lda, b, ldb, T::ZERO, c, ldc)
        };
        true
    }

    unsafe fn faer<T: Float>(self) {
        let (m, n, k) = (self.m as usize, self.n as usize, self.k as usize);
        // SAFETY: shapes and strides describe the operands, which do not overlap.
        unsafe {
            let view = |v: View, r, c| {
                faer::MatRef::<T>::from_raw_parts(v.data.cast(), r, c, v.row as isize, v.col as isize)
            };
            let c = faer::MatMut::<T>::from_raw_parts_mut(
                self.c.data.cast(),
                m,
                n,
                self.c.row as isize,
                self.c.col as isize,
            );
            let (a, b) = (view(self.a, m, k), view(self.b, k, n));
            faer::linalg::matmul::matmul(c, faer::Accum::Replace, a, b, T::ONE, faer::Par::Seq);
        }
    }

    unsafe fn plain<T: Copy + Default>(self, fma: impl Fn(T, T, T) -> T) {
        let at =
            |v: View, i: i64, j: i64| v.data.cast::<T>().wrapping_offset((i * v.row + j * v.col) as isize);
        self.fill(T::default());
        for i in 0..self.m {
            for l in 0..self.k {
                for j in 0..self.n {
                    // SAFETY: inside the operands.
                    unsafe {
                        let c = at(self.c, i, j);
                        c.write(fma(c.read(), at(self.a, i, l).read(), at(self.b, l, j).read()));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*seed >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    }

    /// Lays an `r × c` matrix out with the strides and returns memory and view.
    fn laid(r: i64, c: i64, row: i64, col: i64, values: &[f64]) -> (Vec<f64>, i64, i64) {
        let mut memory = vec![f64::NAN; (r * row + c * col + 1) as usize];
        for i in 0..r {
            for j in 0..c {
                memory[(i * row + j * col) as usize] = values[(i * c + j) as usize];
            }
        }
        (memory, row, col)
    }

    fn check(m: i64, n: i64, k: i64, layout: [usize; 3]) {
        let strides = |kind: usize, r: i64, c: i64| match kind {
            0 => (c, 1),
            1 => (1, r),
            2 => (c + 3, 1),
            3 => (1, r + 5),
            _ => (2 * c + 1, 2),
        };
        let mut seed = (m * 31 + n * 7 + k) as u64;
        let av: Vec<f64> = (0..m * k).map(|_| value(&mut seed)).collect();
        let bv: Vec<f64> = (0..k * n).map(|_| value(&mut seed)).collect();
        let (sa, sb, sc) = (strides(layout[0], m, k), strides(layout[1], k, n), strides(layout[2], m, n));
        let (a, ..) = laid(m, k, sa.0, sa.1, &av);
        let (b, ..) = laid(k, n, sb.0, sb.1, &bv);
        let (mut c, ..) = laid(m, n, sc.0, sc.1, &vec![f64::NAN; (m * n) as usize]);
        let view = |data: *const f64, s: (i64, i64)| View { data: data as *mut u8, row: s.0, col: s.1 };
        // SAFETY: the vectors hold all that the views reach.
        unsafe {
            weft_matmul(F64, m, n, k, &view(a.as_ptr(), sa), &view(b.as_ptr(), sb), &view(c.as_mut_ptr(), sc))
        };
        for i in 0..m {
            for j in 0..n {
                let exact: f64 = (0..k).map(|l| av[(i * k + l) as usize] * bv[(l * n + j) as usize]).sum();
                let got = c[(i * sc.0 + j * sc.1) as usize];
                assert!((got - exact).abs() < 1e-11, "{m} {n} {k} {layout:?}: {got} {exact}");
            }
        }
    }

    #[test]
    fn every_layout_and_odd_size() {
        crate::set_threads(2);
        for (m, n, k) in [
            (0, 3, 2),
            (3, 0, 2),
            (3, 2, 0),
            (1, 1, 1),
            (1, 1, 9),
            (5, 1, 7),
            (1, 5, 7),
            (5, 7, 1),
            (17, 13, 11),
            (97, 101, 31),
            (200, 1, 300),
            (1500, 90, 20),
        ] {
            for layout in 0..125 {
                check(m, n, k, [layout % 5, layout / 5 % 5, layout / 25]);
            }
        }
        println!("{}", crate::blas_name());
    }

    #[test]
    fn complex_products() {
        crate::set_threads(2);
        let mut seed = 5;
        let (m, n, k) = (37usize, 70usize, 41usize);
        let mut number = || faer::c64::new(value(&mut seed), value(&mut seed));
        let a: Vec<faer::c64> = (0..m * k).map(|_| number()).collect();
        let b: Vec<faer::c64> = (0..k * n).map(|_| number()).collect();
        let mut c = vec![faer::c64::new(f64::NAN, 0.0); m * n];
        // `b` is stored by columns.
        let view = |data: *const faer::c64, row: usize, col: usize| View {
            data: data as *mut u8,
            row: row as i64,
            col: col as i64,
        };
        let (av, bv, cv) = (view(a.as_ptr(), k, 1), view(b.as_ptr(), 1, k), view(c.as_mut_ptr(), n, 1));
        // SAFETY: the vectors hold all that the views reach.
        unsafe { weft_matmul(C128, m as i64, n as i64, k as i64, &av, &bv, &cv) };
        for i in 0..m {
            for j in 0..n {
                let sum = (0..k).fold((0.0, 0.0), |(re, im), l| {
                    let (x, y) = (a[i * k + l], b[j * k + l]);
                    (re + x.re * y.re - x.im * y.im, im + x.re * y.im + x.im * y.re)
                });
                let got = c[i * n + j];
                assert!((got.re - sum.0).abs() < 1e-12 && (got.im - sum.1).abs() < 1e-12, "{i} {j} {got}");
            }
        }
    }

    #[test]
    fn integers_wrap() {
        let (a, b, mut c) = ([100i8, 2, 3, 4], [5i8, 6, 7, 8], [0i8; 4]);
        let view = |data: *const i8| View { data: data as *mut u8, row: 2, col: 1 };
        // SAFETY: 2 × 2 each.
        unsafe { weft_matmul(I8, 2, 2, 2, &view(a.as_ptr()), &view(b.as_ptr()), &view(c.as_mut_ptr())) };
        assert_eq!(c, [(500 + 14) as u8 as i8, (600 + 16) as u8 as i8, 43, 50]);
    }
}
