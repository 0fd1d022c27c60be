//! Element types and scalar values, with NumPy's names and promotion.

use std::fmt;

pub use half::f16;

/// The type of an element. Text form `f64`, NumPy and DaCe name `float64`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum DType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
    C64,
    C128,
}

use DType::*;

const TABLE: [(DType, &str, &str, usize); 14] = [
    (Bool, "bool", "bool", 1),
    (I8, "i8", "int8", 1),
    (I16, "i16", "int16", 2),
    (I32, "i32", "int32", 4),
    (I64, "i64", "int64", 8),
    (U8, "u8", "uint8", 1),
    (U16, "u16", "uint16", 2),
    (U32, "u32", "uint32", 4),
    (U64, "u64", "uint64", 8),
    (F16, "f16", "float16", 2),
    (F32, "f32", "float32", 4),
    (F64, "f64", "float64", 8),
    (C64, "c64", "complex64", 8),
    (C128, "c128", "complex128", 16),
];

impl DType {
    pub fn all() -> impl Iterator<Item = DType> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static (DType, &'static str, &'static str, usize) {
        &TABLE[self as usize]
    }

    /// Text form: `f64`.
    pub fn short(self) -> &'static str {
        self.row().1
    }

    /// NumPy's and DaCe's name: `float64`.
    pub fn numpy(self) -> &'static str {
        self.row().2
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        self.row().3
    }

    pub fn from_short(text: &str) -> Option<DType> {
        TABLE.iter().find(|row| row.1 == text).map(|row| row.0)
    }

    pub fn from_numpy(text: &str) -> Option<DType> {
        TABLE.iter().find(|row| row.2 == text).map(|row| row.0)
    }

    pub fn is_signed(self) -> bool {
        matches!(self, I8 | I16 | I32 | I64)
    }

    pub fn is_unsigned(self) -> bool {
        matches!(self, U8 | U16 | U32 | U64)
    }

    /// Signed or unsigned integer; `bool` is neither.
    pub fn is_int(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }

    pub fn is_float(self) -> bool {
        matches!(self, F16 | F32 | F64)
    }

    pub fn is_complex(self) -> bool {
        matches!(self, C64 | C128)
    }

    /// The type of the real and of the imaginary part; other types are their own.
    pub fn part(self) -> DType {
        match self {
            C64 => F32,
            C128 => F64,
            other => other,
        }
    }

    /// The complex type whose parts are of this floating-point type.
    pub fn complex(self) -> Option<DType> {
        match self {
            F32 => Some(C64),
            F64 => Some(C128),
            _ => None,
        }
    }

    /// NumPy's `promote_types` for two array or NumPy-scalar types.
    pub fn promote(self, other: DType) -> DType {
        if self == other {
            return self;
        }
        let (a, b) = (self.min(other), self.max(other));
        // Ordered Bool < signed < unsigned < float < complex by declaration.
        match (a, b) {
            (Bool, _) => b,
            (_, C128) => C128,
            (_, C64) => match a {
                F64 | I32 | I64 | U32 | U64 => C128,
                _ => C64,
            },
            (F32, F64) => F64,
            (_, F64) => F64,
            (_, F32) => match a {
                I8 | I16 | U8 | U16 | F16 => F32,
                _ => F64,
            },
            (_, F16) => match a {
                I8 | U8 => F16,
                I16 | U16 => F32,
                _ => F64,
            },
            _ if a.is_signed() && b.is_unsigned() => {
                if a.size() > b.size() {
                    a
                } else {
                    match b {
                        U8 => I16,
                        U16 => I32,
                        U32 => I64,
                        _ => F64,
                    }
                }
            }
            _ => {
                if a.size() >= b.size() {
                    a
                } else {
                    b
                }
            }
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short())
    }
}

/// The nearest half, ties to even. (`f16::from_f64` rounds twice where the processor has no such instruction.)
pub fn f16_of(x: f64) -> f16 {
    let near = x as f32;
    if f64::from(near) == x || x.is_nan() {
        return f16::from_f32(near);
    }
    // The neighbour with an odd last bit, which never lies in the middle between two halves.
    let below = near.to_bits() - u32::from(f64::from(near).abs() > x.abs());
    f16::from_f32(f32::from_bits(below | 1))
}

/// One typed value. Integers are stored as `i128` within the range of their type.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    Bool(bool),
    Int(DType, i128),
    F16(f16),
    F32(f32),
    F64(f64),
    /// `C64` or `C128`, real and imaginary part.
    Complex(DType, f64, f64),
}

impl Scalar {
    pub fn dtype(self) -> DType {
        match self {
            Scalar::Bool(_) => Bool,
            Scalar::Int(dtype, _) | Scalar::Complex(dtype, ..) => dtype,
            Scalar::F16(_) => F16,
            Scalar::F32(_) => F32,
            Scalar::F64(_) => F64,
        }
    }

    pub fn i64(value: i64) -> Scalar {
        Scalar::Int(I64, value as i128)
    }
}

/// Bitwise: NaN equals itself, so that graphs can be compared and hashed.
impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        match (*self, *other) {
            (Scalar::Bool(a), Scalar::Bool(b)) => a == b,
            (Scalar::Int(s, a), Scalar::Int(t, b)) => s == t && a == b,
            (Scalar::F16(a), Scalar::F16(b)) => a.to_bits() == b.to_bits(),
            (Scalar::F32(a), Scalar::F32(b)) => a.to_bits() == b.to_bits(),
            (Scalar::F64(a), Scalar::F64(b)) => a.to_bits() == b.to_bits(),
            (Scalar::Complex(s, a, b), Scalar::Complex(t, c, d)) => {
                s == t && a.to_bits() == c.to_bits() && b.to_bits() == d.to_bits()
            }
            _ => false,
        }
    }
}
impl Eq for Scalar {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promotion_is_numpys() {
        assert_eq!(I32.promote(F32), F64);
        assert_eq!(I16.promote(F32), F32);
        assert_eq!(I8.promote(F16), F16);
        assert_eq!(U16.promote(F16), F32);
        assert_eq!(I32.promote(F16), F64);
        assert_eq!(F16.promote(C64), C64);
        assert_eq!(I8.promote(U8), I16);
        assert_eq!(I64.promote(U64), F64);
        assert_eq!(U8.promote(I32), I32);
        assert_eq!(Bool.promote(U16), U16);
        assert_eq!(F64.promote(C64), C128);
        for a in DType::all() {
            for b in DType::all() {
                assert_eq!(a.promote(b), b.promote(a));
            }
        }
    }
}
