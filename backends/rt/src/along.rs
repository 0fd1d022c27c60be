//! Operations along the last axis: sorting and Fourier transforms. Rows are shared among threads.

use std::cell::RefCell;
use std::ffi::c_void;

use half::f16;
use rustfft::num_complex::Complex;
use rustfft::{FftNum, FftPlanner};

use crate::dtype::*;
use crate::pool::weft_parallel_for;
use crate::strided::{Rows, Strided};

/// Numbers of the operations, as generated code passes them.
#[cfg(test)]
pub const SORT: i64 = 0;
pub const ARGSORT: i64 = 1;
pub const FFT: i64 = 2;
pub const IFFT: i64 = 3;

struct Job {
    op: i64,
    dtype: i64,
    input: Rows,
    output: Rows,
}

/// `operands` are the input and the output, of one shape. `dtype` is that of the input,
/// as [`crate::dtype`] numbers it. Returns 0, or [`crate::MEMORY`].
///
/// # Safety
/// The operands are valid for their shapes and types, and do not overlap.
pub unsafe extern "C" fn weft_along(op: i64, dtype: i64, operands: *const Strided) -> i64 {
    // SAFETY: the caller passes two operands.
    let (input, output) = unsafe { ((*operands).rows(), (*operands.add(1)).rows()) };
    if input.count == 0 || input.length == 0 || output.count != input.count || output.length != input.length {
        return 0;
    }
    let steps = usize::BITS - input.length.leading_zeros();
    let work = (input.length as i64).saturating_mul(4 * i64::from(steps));
    let mut job = Job { op, dtype, input, output };
    let count = job.input.count as i64;
    // SAFETY: each row is written by one thread.
    unsafe { weft_parallel_for(count, run_rows, (&raw mut job).cast(), work) };
    0
}

unsafe extern "C" fn run_rows(ctx: *mut c_void, begin: i64, end: i64, _chunk: i64) {
    // SAFETY: the context is the `Job` of this call.
    let job = unsafe { &*ctx.cast::<Job>() };
    let rows = begin as usize..end as usize;
    // SAFETY: rows of the operands, of these types.
    unsafe {
        match (job.op, job.dtype) {
            (FFT | IFFT, C64) => transform::<f32>(job, rows),
            (FFT | IFFT, _) => transform::<f64>(job, rows),
            (_, I8) => order::<i8>(job, rows),
            (_, I16) => order::<i16>(job, rows),
            (_, I32) => order::<i32>(job, rows),
            (_, I64) => order::<i64>(job, rows),
            (_, BOOL | U8) => order::<u8>(job, rows),
            (_, U16) => order::<u16>(job, rows),
            (_, U32) => order::<u32>(job, rows),
            (_, U64) => order::<u64>(job, rows),
            (_, F16) => order::<f16>(job, rows),
            (_, F32) => order::<f32>(job, rows),
            _ => order::<f64>(job, rows),
        }
    }
}

/// Element types by integers in the same order, which sort without branches.
trait Sorted: Copy {
    type Key: Ord + Copy;
    fn key(self) -> Self::Key;
}

macro_rules! sorted_ints {
    ($($int:ty)*) => { $(
        impl Sorted for $int {
            type Key = $int;
            fn key(self) -> $int {
                self
            }
        }
    )* };
}
sorted_ints!(i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! sorted_floats {
    ($float:ty, $bits:ty) => {
        impl Sorted for $float {
            type Key = $bits;
            /// NaN of any sign is last; zeros are equal.
            fn key(self) -> $bits {
                if self.is_nan() {
                    return <$bits>::MAX;
                }
                let bits = (self + <$float>::default()).to_bits();
                let sign = 1 << (<$bits>::BITS - 1);
                if bits & sign == 0 { bits | sign } else { !bits }
            }
        }
    };
}
sorted_floats!(f16, u16);
sorted_floats!(f32, u32);
sorted_floats!(f64, u64);

/// Both sorts are stable.
unsafe fn order<T: Sorted>(job: &Job, rows: std::ops::Range<usize>) {
    let (mut values, mut places): (Vec<T>, Vec<(T::Key, i64)>) = (vec![], vec![]);
    for row in rows {
        // SAFETY: the caller's promise.
        unsafe {
            job.input.read(row, &mut values);
            if job.op != ARGSORT {
                // What has one key looks the same, but for the sign of zero, which NumPy leaves open too.
                values.sort_unstable_by_key(|v| v.key());
                job.output.write(row, values.iter().copied());
            } else {
                places.clear();
                places.extend(values.iter().map(|v| v.key()).zip(0i64..));
                places.sort_unstable();
                job.output.write(row, places.iter().map(|x| x.1));
            }
        }
    }
}

/// The float types that have a planner.
trait Planned: FftNum {
    fn with<R>(f: impl FnOnce(&mut FftPlanner<Self>) -> R) -> R;
    fn inverse_of(n: usize) -> Self;
}

macro_rules! planned {
    ($float:ty) => {
        impl Planned for $float {
            fn with<R>(f: impl FnOnce(&mut FftPlanner<Self>) -> R) -> R {
                thread_local! {
                    static PLANNER: RefCell<FftPlanner<$float>> = RefCell::new(FftPlanner::new());
                }
                PLANNER.with_borrow_mut(f)
            }
            fn inverse_of(n: usize) -> Self {
                1.0 / n as $float
            }
        }
    };
}
planned!(f32);
planned!(f64);

unsafe fn transform<T: Planned>(job: &Job, rows: std::ops::Range<usize>) {
    let n = job.input.length;
    let inverse = job.op == IFFT;
    let fft =
        T::with(|planner| if inverse { planner.plan_fft_inverse(n) } else { planner.plan_fft_forward(n) });
    let mut scratch = vec![Complex::new(T::zero(), T::zero()); fft.get_inplace_scratch_len()];
    let mut values: Vec<Complex<T>> = vec![];
    let scale = T::inverse_of(n);
    for row in rows {
        // SAFETY: the caller's promise; a complex number is two floats.
        unsafe {
            job.input.read(row, &mut values);
            fft.process_with_scratch(&mut values, &mut scratch);
            match inverse {
                true => job.output.write(row, values.iter().map(|x| x.scale(scale))),
                false => job.output.write(row, values.iter().copied()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<A, B>(op: i64, dtype: i64, input: &[A], output: &mut [B], shape: &[i64], strides: [&[i64]; 2]) {
        let operands = [
            Strided::new(input.as_ptr() as *mut u8, shape, strides[0]),
            Strided::new(output.as_mut_ptr().cast(), shape, strides[1]),
        ];
        // SAFETY: the slices have what the shapes reach.
        assert_eq!(unsafe { weft_along(op, dtype, operands.as_ptr()) }, 0);
    }

    #[test]
    fn sorts_columns_of_a_matrix_with_nan_last() {
        crate::set_threads(2);
        let nan = f64::NAN;
        let values = [3.0, nan, 1.0, 2.0, -1.0, 5.0];
        // Three rows of two in memory; seen as two rows of three.
        let (mut sorted, mut order) = ([0.0f64; 6], [0i64; 6]);
        call(SORT, F64, &values, &mut sorted, &[2, 3], [&[1, 2], &[3, 1]]);
        assert_eq!(sorted[..5], [-1.0, 1.0, 3.0, 2.0, 5.0]);
        assert!(sorted[5].is_nan());
        call(ARGSORT, F64, &values, &mut order, &[2, 3], [&[1, 2], &[3, 1]]);
        assert_eq!(order, [2, 1, 0, 1, 2, 0]);
    }

    #[test]
    fn sorting_is_stable() {
        let values: Vec<u8> = (0..1000u32).map(|i| (i * 7 % 5) as u8).collect();
        let mut order = vec![0i64; 1000];
        call(ARGSORT, U8, &values, &mut order, &[1000], [&[1], &[1]]);
        let key = |i: &i64| (values[*i as usize], *i);
        assert!(order.is_sorted_by_key(key));
    }

    #[test]
    fn transforms_and_back() {
        for n in [1i64, 2, 3, 5, 8, 13, 97, 360] {
            let input: Vec<Complex<f64>> =
                (0..n).map(|i| Complex::new((i * i % 11) as f64, (i % 3) as f64)).collect();
            let (mut there, mut back) = (input.clone(), input.clone());
            call(FFT, C128, &input, &mut there, &[n], [&[1], &[1]]);
            for k in 0..n {
                let at = |j: i64| -2.0 * std::f64::consts::PI * (j * k % n) as f64 / n as f64;
                let exact: Complex<f64> =
                    (0..n).map(|j| input[j as usize] * Complex::new(at(j).cos(), at(j).sin())).sum();
                assert!((exact - there[k as usize]).norm() < 1e-9 * n as f64, "{n} {k}");
            }
            call(IFFT, C128, &there, &mut back, &[n], [&[1], &[1]]);
            assert!(input.iter().zip(&back).all(|(a, b)| (a - b).norm() < 1e-12 * n as f64));
        }
    }
}
