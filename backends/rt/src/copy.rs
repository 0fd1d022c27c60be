//! Copies between strided blocks of memory.

use std::ffi::c_void;

use crate::pool::weft_parallel_for;

const MAX_RANK: usize = 32;

#[derive(Clone, Copy, Default)]
struct Dim {
    size: i64,
    /// Bytes between elements.
    to: i64,
    from: i64,
}

struct Copy {
    dims: [Dim; MAX_RANK],
    rank: usize,
    to: *mut u8,
    from: *const u8,
    element: usize,
}

/// Copies `shape[0] × … × shape[rank - 1]` elements of `element` bytes; strides are in elements.
///
/// # Safety
/// Both sides are valid for their shape and strides and do not overlap.
pub unsafe extern "C" fn weft_copy(
    element: i64,
    rank: i64,
    shape: *const i64,
    to: *mut u8,
    to_strides: *const i64,
    from: *const u8,
    from_strides: *const i64,
) {
    let mut copy = Copy { dims: [Dim::default(); MAX_RANK], rank: 0, to, from, element: element as usize };
    let mut total = 1i64;
    for d in 0..(rank as usize).min(MAX_RANK) {
        // SAFETY: the caller passes `rank` numbers in each list.
        let (size, t, f) = unsafe { (*shape.add(d), *to_strides.add(d), *from_strides.add(d)) };
        if size <= 0 {
            return;
        }
        total = total.saturating_mul(size);
        if size > 1 {
            copy.dims[copy.rank] = Dim { size, to: t * element, from: f * element };
            copy.rank += 1;
        }
    }
    copy.merge();
    let outer = if copy.rank == 0 { 1 } else { copy.dims[0].size };
    if copy.rank == 1 && copy.contiguous() && total * element > 1 << 20 {
        copy.split();
        let pieces = copy.dims[0].size;
        // SAFETY: pieces of disjoint destination memory.
        unsafe { weft_parallel_for(pieces, part, (&raw mut copy).cast(), total / pieces) };
        // SAFETY: what is left over after the whole pieces.
        unsafe { copy.rest(total) };
        return;
    }
    // SAFETY: iterations of the outermost dimension write disjoint memory.
    unsafe { weft_parallel_for(outer, part, (&raw mut copy).cast(), (total / outer).max(1)) };
}

unsafe extern "C" fn part(ctx: *mut c_void, begin: i64, end: i64, _chunk: i64) {
    // SAFETY: the context is the `Copy` of this job.
    let copy = unsafe { &*ctx.cast::<Copy>() };
    let mut dims = copy.dims;
    let first = dims[0];
    dims[0].size = end - begin;
    let (to, from) = (
        copy.to.wrapping_offset((begin * first.to) as isize),
        copy.from.wrapping_offset((begin * first.from) as isize),
    );
    // SAFETY: inside both operands.
    unsafe { run(&dims[..copy.rank], copy.element, to, from) };
}

impl Copy {
    /// Joins neighbouring dimensions that are one run of memory on both sides, and puts the
    /// dimension in which the destination is densest last.
    fn merge(&mut self) {
        let dims = &mut self.dims[..self.rank];
        dims.sort_by_key(|d| std::cmp::Reverse(d.to.abs()));
        let mut kept = 0;
        for d in 1..self.rank {
            let (outer, inner) = (self.dims[kept], self.dims[d]);
            if outer.to == inner.to * inner.size && outer.from == inner.from * inner.size {
                self.dims[kept] = Dim { size: outer.size * inner.size, ..inner };
            } else {
                kept += 1;
                self.dims[kept] = inner;
            }
        }
        self.rank = self.rank.min(kept + 1);
    }

    fn contiguous(&self) -> bool {
        let e = self.element as i64;
        self.dims[0].to == e && self.dims[0].from == e
    }

    /// One run of memory as pieces of a page each.
    fn split(&mut self) {
        let e = self.element as i64;
        let piece = (1 << 16) / e;
        self.dims[1] = Dim { size: piece, to: e, from: e };
        self.dims[0] = Dim { size: self.dims[0].size / piece, to: e * piece, from: e * piece };
        self.rank = 2;
    }

    unsafe fn rest(&self, total: i64) {
        let done = self.dims[0].size * self.dims[1].size;
        let at = done as usize * self.element;
        // SAFETY: `total` elements are valid on both sides.
        unsafe {
            self.to
                .add(at)
                .copy_from_nonoverlapping(self.from.add(at), (total - done) as usize * self.element)
        };
    }
}

unsafe fn run(dims: &[Dim], element: usize, to: *mut u8, from: *const u8) {
    // SAFETY (all below): every address is inside the operands, as the caller of `weft_copy` promised.
    match dims {
        [] => unsafe { to.copy_from_nonoverlapping(from, element) },
        [d] if d.to == element as i64 && d.from == element as i64 => unsafe {
            to.copy_from_nonoverlapping(from, d.size as usize * element);
        },
        [d] => unsafe {
            match element {
                1 => strided::<u8>(*d, to, from),
                2 => strided::<u16>(*d, to, from),
                4 => strided::<u32>(*d, to, from),
                8 => strided::<u64>(*d, to, from),
                _ => {
                    for i in 0..d.size {
                        to.offset((i * d.to) as isize)
                            .copy_from_nonoverlapping(from.offset((i * d.from) as isize), element);
                    }
                }
            }
        },
        [d, inner @ ..] => {
            for i in 0..d.size {
                unsafe {
                    run(inner, element, to.offset((i * d.to) as isize), from.offset((i * d.from) as isize))
                };
            }
        }
    }
}

unsafe fn strided<T: std::marker::Copy>(d: Dim, to: *mut u8, from: *const u8) {
    for i in 0..d.size as isize {
        // SAFETY: as in `run`.
        unsafe {
            let value = from.offset(i * d.from as isize).cast::<T>().read_unaligned();
            to.offset(i * d.to as isize).cast::<T>().write_unaligned(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shape: &[i64], to_strides: &[i64], from_strides: &[i64]) {
        let reach =
            |s: &[i64]| shape.iter().zip(s).map(|(n, s)| (n - 1).max(0) * s).sum::<i64>() as usize + 1;
        let from: Vec<u64> = (0..reach(from_strides) as u64).map(|i| i * 3 + 1).collect();
        let mut to = vec![0u64; reach(to_strides)];
        let mut expected = to.clone();
        let total: i64 = shape.iter().product();
        for flat in 0..total {
            let (mut rest, mut t, mut f) = (flat, 0, 0);
            for d in (0..shape.len()).rev() {
                let i = rest % shape[d];
                rest /= shape[d];
                (t, f) = (t + i * to_strides[d], f + i * from_strides[d]);
            }
            expected[t as usize] = from[f as usize];
        }
        // SAFETY: the vectors hold all that the strides reach.
        unsafe {
            weft_copy(
                8,
                shape.len() as i64,
                shape.as_ptr(),
                to.as_mut_ptr().cast(),
                to_strides.as_ptr(),
                from.as_ptr().cast(),
                from_strides.as_ptr(),
            );
        }
        assert!(to == expected, "{shape:?} {to_strides:?} {from_strides:?}");
    }

    #[test]
    fn copies_are_exact() {
        crate::set_threads(3);
        check(&[], &[], &[]);
        check(&[7], &[1], &[1]);
        check(&[7], &[2], &[3]);
        check(&[0, 5], &[5, 1], &[5, 1]);
        check(&[5, 7], &[7, 1], &[1, 5]);
        check(&[5, 7], &[9, 1], &[7, 1]);
        check(&[3, 1, 4], &[4, 100, 1], &[4, 1, 1]);
        check(&[300, 701], &[701, 1], &[1, 300]);
        check(&[300, 701], &[701, 1], &[701, 1]);
        check(&[2, 3, 200_003], &[600_009, 200_003, 1], &[600_009, 200_003, 1]);
    }
}
