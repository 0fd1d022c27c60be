//! Arrays of the interpreters: logical content in C order, whatever the strides of the container.

use crate::dtype::{DType, Scalar, f16};

/// An array. Rank 0 is a scalar with one element. Two arrays are equal if they are bitwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Array {
    dtype: DType,
    shape: Vec<usize>,
    /// Elements back to back in C order, little endian.
    bytes: Vec<u8>,
}

impl Array {
    /// Filled with zeros. `None` if the size in bytes does not fit.
    pub fn try_zeros(dtype: DType, shape: &[usize]) -> Option<Array> {
        let count = shape.iter().try_fold(dtype.size(), |n, &d| n.checked_mul(d))?;
        isize::try_from(count).ok()?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(count).ok()?;
        bytes.resize(count, 0);
        Some(Array { dtype, shape: shape.to_vec(), bytes })
    }

    /// Filled with zeros. Panics if it does not fit in memory.
    pub fn zeros(dtype: DType, shape: &[usize]) -> Array {
        Array::try_zeros(dtype, shape).expect("an array that fits in memory")
    }

    /// From elements in C order, little endian; `None` if the length is not that of the shape.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Option<Array> {
        let count = shape.iter().try_fold(dtype.size(), |n, &d| n.checked_mul(d))?;
        (bytes.len() == count).then(|| Array { dtype, shape: shape.to_vec(), bytes })
    }

    /// A scalar.
    pub fn scalar(value: Scalar) -> Array {
        let mut array = Array::zeros(value.dtype(), &[]);
        array.set(0, value);
        array
    }

    /// From values in C order, each of type `dtype`; `None` if number or types do not fit.
    pub fn from_scalars(dtype: DType, shape: &[usize], values: &[Scalar]) -> Option<Array> {
        let mut array = Array::try_zeros(dtype, shape)?;
        if array.len() != values.len() || values.iter().any(|v| v.dtype() != dtype) {
            return None;
        }
        for (i, &value) in values.iter().enumerate() {
            array.set(i, value);
        }
        Some(array)
    }

    /// From `f64` values in C order. Panics if the number is not that of the shape.
    pub fn from_f64(shape: &[usize], values: &[f64]) -> Array {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Array::from_bytes(DType::F64, shape, bytes).expect("as many values as the shape has")
    }

    /// From `i64` values in C order. Panics if the number is not that of the shape.
    pub fn from_i64(shape: &[usize], values: &[i64]) -> Array {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Array::from_bytes(DType::I64, shape, bytes).expect("as many values as the shape has")
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Elements in C order, little endian.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The element at a position in C order. Panics outside.
    #[inline]
    pub fn get(&self, at: usize) -> Scalar {
        let size = self.dtype.size();
        read(self.dtype, &self.bytes[at * size..(at + 1) * size])
    }

    /// Panics outside, or if the value is of another type.
    #[inline]
    pub fn set(&mut self, at: usize, value: Scalar) {
        assert_eq!(value.dtype(), self.dtype, "type of an element");
        let size = self.dtype.size();
        write(value, &mut self.bytes[at * size..(at + 1) * size]);
    }

    /// Every element, in C order.
    pub fn scalars(&self) -> impl Iterator<Item = Scalar> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Every element as `f64`, complex ones without the imaginary part.
    pub fn to_f64(&self) -> Vec<f64> {
        self.scalars().map(crate::tasklet::ops::to_f64).collect()
    }
}

fn read(dtype: DType, bytes: &[u8]) -> Scalar {
    macro_rules! le {
        ($t:ty, $bytes:expr) => {
            <$t>::from_le_bytes($bytes.try_into().expect("bytes of one element"))
        };
    }
    let int = |v: i128| Scalar::Int(dtype, v);
    match dtype {
        DType::Bool => Scalar::Bool(bytes[0] != 0),
        DType::I8 => int(le!(i8, bytes).into()),
        DType::I16 => int(le!(i16, bytes).into()),
        DType::I32 => int(le!(i32, bytes).into()),
        DType::I64 => int(le!(i64, bytes).into()),
        DType::U8 => int(le!(u8, bytes).into()),
        DType::U16 => int(le!(u16, bytes).into()),
        DType::U32 => int(le!(u32, bytes).into()),
        DType::U64 => int(le!(u64, bytes).into()),
        DType::F16 => Scalar::F16(le!(f16, bytes)),
        DType::F32 => Scalar::F32(le!(f32, bytes)),
        DType::F64 => Scalar::F64(le!(f64, bytes)),
        DType::C64 => Scalar::Complex(dtype, le!(f32, &bytes[..4]).into(), le!(f32, &bytes[4..]).into()),
        DType::C128 => Scalar::Complex(dtype, le!(f64, &bytes[..8]), le!(f64, &bytes[8..])),
    }
}

fn write(value: Scalar, bytes: &mut [u8]) {
    match value {
        Scalar::Bool(v) => bytes[0] = v.into(),
        Scalar::Int(_, v) => {
            let size = bytes.len();
            bytes.copy_from_slice(&v.to_le_bytes()[..size]);
        }
        Scalar::F16(v) => bytes.copy_from_slice(&v.to_le_bytes()),
        Scalar::F32(v) => bytes.copy_from_slice(&v.to_le_bytes()),
        Scalar::F64(v) => bytes.copy_from_slice(&v.to_le_bytes()),
        Scalar::Complex(DType::C64, re, im) => {
            bytes[..4].copy_from_slice(&(re as f32).to_le_bytes());
            bytes[4..].copy_from_slice(&(im as f32).to_le_bytes());
        }
        Scalar::Complex(_, re, im) => {
            bytes[..8].copy_from_slice(&re.to_le_bytes());
            bytes[8..].copy_from_slice(&im.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_values() {
        for dtype in DType::all() {
            let mut array = Array::zeros(dtype, &[2, 3]);
            let value = crate::tasklet::cast(dtype, Scalar::Int(DType::I64, -7));
            array.set(4, value);
            assert_eq!(array.get(4), value);
            assert_eq!(array.len(), 6);
            let back = Array::from_bytes(dtype, &[2, 3], array.bytes().to_vec());
            assert_eq!(back.as_ref(), Some(&array));
        }
        assert!(Array::from_bytes(DType::F64, &[2], vec![0; 15]).is_none());
        assert!(Array::try_zeros(DType::F64, &[usize::MAX, 2]).is_none());
        assert_eq!(Array::scalar(Scalar::F64(2.5)).to_f64(), [2.5]);
    }
}
