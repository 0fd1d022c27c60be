//! Arrays in host memory, and NumPy's `.npz` files.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use weft_ir::dtype::{DType, f16};

/// A packed array in C or Fortran order; rank 0 is a scalar. Little-endian bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct HostArray {
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub fortran: bool,
    pub bytes: Vec<u8>,
}

impl HostArray {
    /// All bytes zero. Fails where the size cannot be allocated.
    pub fn zeros(dtype: DType, shape: Vec<usize>) -> Result<HostArray, ArrayError> {
        let size = shape
            .iter()
            .try_fold(dtype.size(), |n, &d| n.checked_mul(d))
            .ok_or_else(|| ArrayError::Size(shape.clone()))?;
        let mut bytes = vec![];
        bytes.try_reserve_exact(size).map_err(|_| ArrayError::Size(shape.clone()))?;
        bytes.resize(size, 0);
        Ok(HostArray { dtype, shape, fortran: false, bytes })
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in C order as `f64` (complex numbers as two), for comparisons.
    pub fn numbers(&self) -> Vec<f64> {
        let size = self.dtype.size();
        let strides = self.strides();
        let mut index = vec![0; self.shape.len()];
        let mut numbers = Vec::with_capacity(self.len());
        for _ in 0..self.len() {
            let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
            push_numbers(self.dtype, &self.bytes[at * size..(at + 1) * size], &mut numbers);
            for d in (0..index.len()).rev() {
                index[d] += 1;
                if index[d] < self.shape[d] {
                    break;
                }
                index[d] = 0;
            }
        }
        numbers
    }

    /// The elements at the start of each dimension, in C order; `None` where there are not as many.
    pub fn start(&self, shape: &[usize]) -> Option<HostArray> {
        if shape.len() != self.shape.len() || shape.iter().zip(&self.shape).any(|(n, all)| n > all) {
            return None;
        }
        let mut start = HostArray::zeros(self.dtype, shape.to_vec()).ok()?;
        let (size, strides) = (self.dtype.size(), self.strides());
        let mut index = vec![0; shape.len()];
        for slot in start.bytes.chunks_exact_mut(size) {
            let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
            slot.copy_from_slice(&self.bytes[at * size..(at + 1) * size]);
            for d in (0..index.len()).rev() {
                index[d] += 1;
                if index[d] < shape[d] {
                    break;
                }
                index[d] = 0;
            }
        }
        Some(start)
    }

    /// Elements between neighbours in each dimension.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.shape.len()];
        let mut step = 1;
        let order: Vec<usize> = if self.fortran {
            (0..self.shape.len()).collect()
        } else {
            (0..self.shape.len()).rev().collect()
        };
        for d in order {
            strides[d] = step;
            step *= self.shape[d];
        }
        strides
    }
}

fn push_numbers(dtype: DType, b: &[u8], numbers: &mut Vec<f64>) {
    macro_rules! as_f64 {
        ($t:ty) => {
            <$t>::from_le_bytes(b.try_into().expect("bytes of one element")) as f64
        };
    }
    let f64_at = |at: usize| f64::from_le_bytes(b[at..at + 8].try_into().expect("eight bytes"));
    let f32_at = |at: usize| f32::from_le_bytes(b[at..at + 4].try_into().expect("four bytes")) as f64;
    numbers.push(match dtype {
        DType::Bool | DType::U8 => b[0] as f64,
        DType::I8 => as_f64!(i8),
        DType::I16 => as_f64!(i16),
        DType::I32 => as_f64!(i32),
        DType::I64 => as_f64!(i64),
        DType::U16 => as_f64!(u16),
        DType::U32 => as_f64!(u32),
        DType::U64 => as_f64!(u64),
        DType::F16 => f16::from_le_bytes(b.try_into().expect("bytes of one element")).into(),
        DType::F32 | DType::C64 => f32_at(0),
        DType::F64 | DType::C128 => f64_at(0),
    });
    match dtype {
        DType::C64 => numbers.push(f32_at(4)),
        DType::C128 => numbers.push(f64_at(8)),
        _ => {}
    }
}

/// The user's file is at fault.
#[derive(Debug, thiserror::Error)]
pub enum ArrayError {
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    #[error("{file}: not an .npz file: {reason}")]
    NotNpz { file: String, reason: String },
    #[error("{file}: entry '{entry}': {reason}")]
    Entry { file: String, entry: String, reason: String },
    #[error("an array of shape {0:?} does not fit into memory")]
    Size(Vec<usize>),
}

/// Every entry, in the order of the file.
pub fn read_npz(path: &Path) -> Result<Vec<(String, HostArray)>, ArrayError> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| ArrayError::Io(file.clone(), e))?;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|e| ArrayError::NotNpz { file: file.clone(), reason: e.to_string() })?;
    let mut arrays = vec![];
    for i in 0..archive.len() {
        let mut entry = archive
            .by_index(i)
            .map_err(|e| ArrayError::NotNpz { file: file.clone(), reason: e.to_string() })?;
        let name = entry.name().trim_end_matches(".npy").to_string();
        let fail = |reason: String| ArrayError::Entry { file: file.clone(), entry: name.clone(), reason };
        let array = read_npy(&mut entry).map_err(fail)?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

fn read_npy(reader: &mut dyn Read) -> Result<HostArray, String> {
    let header = npyz::NpyHeader::from_reader(&mut *reader).map_err(|e| e.to_string())?;
    let npyz::DType::Plain(kind) = header.dtype() else {
        return Err("structured arrays are not supported".into());
    };
    if matches!(kind.endianness(), npyz::Endianness::Big) {
        return Err("big-endian arrays are not supported; use `a.astype(a.dtype.newbyteorder('<'))`".into());
    }
    use npyz::TypeChar as T;
    let name = match (kind.type_char(), kind.size_field()) {
        (T::Bool, _) => "bool".to_string(),
        (T::Int, n) => format!("int{}", n * 8),
        (T::Uint, n) => format!("uint{}", n * 8),
        (T::Float, n) => format!("float{}", n * 8),
        (T::Complex, n) => format!("complex{}", n * 8),
        _ => kind.to_string(),
    };
    let dtype = DType::from_numpy(&name).ok_or_else(|| {
        format!("the type {name} is not supported; use float64, int64 or another of NumPy's")
    })?;
    let shape: Vec<usize> = header.shape().iter().map(|&n| n as usize).collect();
    let fortran = header.order() == npyz::Order::Fortran && shape.len() > 1;
    let size = shape
        .iter()
        .try_fold(dtype.size(), |n, &d| n.checked_mul(d))
        .ok_or_else(|| format!("the shape {shape:?} is too large"))?;
    let mut bytes = vec![];
    reader.take(size as u64).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() != size {
        return Err(format!("has {} bytes of data where its shape needs {size}", bytes.len()));
    }
    Ok(HostArray { dtype, shape, fortran, bytes })
}

/// Writes an uncompressed `.npz`.
pub fn write_npz(path: &Path, arrays: &[(String, HostArray)]) -> Result<(), ArrayError> {
    let file = path.display().to_string();
    let io = |e: std::io::Error| ArrayError::Io(file.clone(), e);
    let out = std::fs::File::create(path).map_err(io)?;
    let mut archive = zip::ZipWriter::new(std::io::BufWriter::new(out));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(true);
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), options).map_err(|e| io(e.into()))?;
        archive.write_all(&npy_header(array)).map_err(io)?;
        archive.write_all(&array.bytes).map_err(io)?;
    }
    archive.finish().map_err(|e| io(e.into()))?.flush().map_err(io)
}

/// Version 1.0 of the header, padded to 64 bytes.
fn npy_header(array: &HostArray) -> Vec<u8> {
    let kind = match array.dtype {
        DType::Bool => "|b1".to_string(),
        t if t.is_signed() => format!("{}i{}", if t.size() == 1 { '|' } else { '<' }, t.size()),
        t if t.is_unsigned() => format!("{}u{}", if t.size() == 1 { '|' } else { '<' }, t.size()),
        t if t.is_float() => format!("<f{}", t.size()),
        t => format!("<c{}", t.size()),
    };
    let mut shape: String = array.shape.iter().map(|n| format!("{n}, ")).collect();
    if array.shape.len() != 1 {
        shape = shape.trim_end_matches(", ").to_string();
    }
    let order = if array.fortran { "True" } else { "False" };
    let text = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({}), }}", shape.trim_end());
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((length as u16).to_le_bytes());
    header.extend(format!("{text:<width$}\n", width = length - 1).bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_an_array() {
        let bytes: Vec<u8> = (0..12).collect();
        for (fortran, expected) in [(false, vec![0, 1, 4, 5]), (true, vec![0, 3, 1, 4])] {
            let array = HostArray { dtype: DType::U8, shape: vec![3, 4], fortran, bytes: bytes.clone() };
            let start = array.start(&[2, 2]).expect("smaller");
            assert_eq!((start.shape, start.bytes), (vec![2, 2], expected));
            assert_eq!(array.start(&[0, 4]).expect("empty").bytes, Vec::<u8>::new());
            assert!(array.start(&[2]).is_none() && array.start(&[4, 4]).is_none());
        }
    }

    #[test]
    fn npz_round_trip() {
        let dir = std::env::temp_dir().join(format!("weft-npz-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("temporary folder");
        let path = dir.join("a.npz");
        let mut arrays = vec![];
        for (i, dtype) in DType::all().enumerate() {
            for shape in [vec![], vec![0], vec![3], vec![2, 5]] {
                let fortran = i % 2 == 0 && shape.len() > 1;
                let mut array =
                    HostArray { fortran, ..HostArray::zeros(dtype, shape.clone()).expect("small") };
                for (k, byte) in array.bytes.iter_mut().enumerate() {
                    *byte = if dtype == DType::Bool { (k % 2) as u8 } else { k as u8 };
                }
                arrays.push((format!("{dtype}_{}", arrays.len()), array));
            }
        }
        write_npz(&path, &arrays).expect("written");
        assert_eq!(read_npz(&path).expect("read"), arrays);
        let whole = std::fs::read(&path).expect("bytes");
        for cut in [0, 10, whole.len() / 2, whole.len() - 3] {
            std::fs::write(&path, &whole[..cut]).expect("written");
            assert!(read_npz(&path).is_err());
        }
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
