//! Operands of library calls: strided parts of memory.

/// A part of memory as generated code passes it. Strides are in elements.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Strided {
    data: *mut u8,
    rank: i64,
    shape: *const i64,
    strides: *const i64,
}

impl Strided {
    #[cfg(test)]
    pub fn new(data: *mut u8, shape: &[i64], strides: &[i64]) -> Strided {
        Strided { data, rank: shape.len() as i64, shape: shape.as_ptr(), strides: strides.as_ptr() }
    }

    /// # Safety
    /// `shape` and `strides` have `rank` numbers.
    unsafe fn numbers(&self, of: *const i64) -> &[i64] {
        if self.rank <= 0 {
            return &[];
        }
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(of, self.rank as usize) }
    }

    /// Extents; a negative one counts as none.
    ///
    /// # Safety
    /// `shape` has `rank` numbers.
    pub unsafe fn shape(&self) -> Vec<usize> {
        // SAFETY: the caller's promise.
        unsafe { self.numbers(self.shape) }.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect()
    }

    /// Extent and stride of a dimension; of one that is not there, one element.
    ///
    /// # Safety
    /// `shape` and `strides` have `rank` numbers.
    pub unsafe fn dimension(&self, d: usize) -> (usize, isize) {
        // SAFETY: the caller's promise.
        let (shape, strides) = unsafe { (self.numbers(self.shape), self.numbers(self.strides)) };
        match (shape.get(d), strides.get(d)) {
            (Some(&n), Some(&s)) => (usize::try_from(n).unwrap_or(0), s as isize),
            _ => (1, 0),
        }
    }

    /// The rows along the last axis: their number, length and the stride in them.
    ///
    /// # Safety
    /// As for [`Strided::dimension`].
    pub unsafe fn rows(&self) -> Rows {
        // SAFETY: the caller's promise.
        unsafe {
            let shape = self.shape();
            let (length, step) = self.dimension(shape.len().saturating_sub(1));
            let outer: Vec<(usize, isize)> =
                (0..shape.len().saturating_sub(1)).map(|d| self.dimension(d)).collect();
            let count = outer.iter().map(|d| d.0).product();
            Rows { data: self.data, outer, count, length, step }
        }
    }

    /// The address of an element of a matrix, a vector or a scalar.
    ///
    /// # Safety
    /// As for [`Strided::dimension`]; the element is there, and of type `T`.
    pub unsafe fn at<T>(&self, i: usize, j: usize) -> *mut T {
        // SAFETY: the caller's promise.
        let (rows, cols) = unsafe { (self.dimension(0), self.dimension(1)) };
        self.data.cast::<T>().wrapping_offset(i as isize * rows.1 + j as isize * cols.1)
    }
}

/// One-dimensional parts of an operand.
#[derive(Clone, Debug)]
pub struct Rows {
    data: *mut u8,
    outer: Vec<(usize, isize)>,
    pub count: usize,
    pub length: usize,
    step: isize,
}

impl Rows {
    fn start<T>(&self, row: usize) -> *mut T {
        let (mut rest, mut offset) = (row, 0isize);
        for &(n, stride) in self.outer.iter().rev() {
            offset += (rest % n.max(1)) as isize * stride;
            rest /= n.max(1);
        }
        self.data.cast::<T>().wrapping_offset(offset)
    }

    /// Copies a row to `to`.
    ///
    /// # Safety
    /// The row is there, and of type `T`.
    pub unsafe fn read<T: Copy>(&self, row: usize, to: &mut Vec<T>) {
        let start = self.start::<T>(row);
        to.clear();
        // SAFETY: the caller's promise.
        to.extend((0..self.length).map(|i| unsafe { start.wrapping_offset(i as isize * self.step).read() }));
    }

    /// # Safety
    /// The row is there, of type `T`, and nothing else uses it.
    pub unsafe fn write<T: Copy>(&self, row: usize, from: impl Iterator<Item = T>) {
        let start = self.start::<T>(row);
        for (i, value) in from.take(self.length).enumerate() {
            // SAFETY: the caller's promise.
            unsafe { start.wrapping_offset(i as isize * self.step).write(value) };
        }
    }
}
