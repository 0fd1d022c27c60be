//! Data of arrays: what a `fill` asks for, from a generator with a fixed seed.

use std::collections::BTreeMap;

use weft_ir::dtype::{DType, f16_of};

use super::SpecError;
use super::formula::{Formula, Written};

/// How an array is filled.
#[derive(Clone, Debug, PartialEq)]
pub enum Fill {
    Constant(f64),
    Uniform(Formula, Formula),
    Normal,
    Integers(Formula, Formula),
    /// Symmetric positive definite.
    Spd,
    /// Ascending from 0 to the given number: where the rows of a compressed sparse matrix start.
    RowPointers(Formula),
}

impl Fill {
    /// Reads the text of a `fill`, whose writer is at fault if it fails.
    pub fn parse(text: &str) -> Result<Fill, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let bound = |t: &str| Formula::parse(t).map_err(|e| format!("fill '{text}': {e}"));
        Ok(match parts[..] {
            ["zeros"] => Fill::Constant(0.0),
            ["ones"] => Fill::Constant(1.0),
            ["uniform"] => Fill::Uniform(bound("0")?, bound("1")?),
            ["uniform", low, high] => Fill::Uniform(bound(low)?, bound(high)?),
            ["normal"] => Fill::Normal,
            ["integers", low, high] => Fill::Integers(bound(low)?, bound(high)?),
            ["spd"] => Fill::Spd,
            ["row_pointers", last] => Fill::RowPointers(bound(last)?),
            _ => {
                return Err(format!(
                    "fill '{text}' is none of zeros, ones, uniform[:LO:HI], normal, integers:LO:HI, spd, \
                     row_pointers:LAST"
                ));
            }
        })
    }
}

/// Elements of an array of `shape`, little-endian and in C order.
pub(super) fn fill_array<V: Copy + Into<Written>>(
    name: &str,
    dtype: DType,
    shape: &[usize],
    fill: &Fill,
    symbols: &BTreeMap<String, V>,
) -> Result<Vec<u8>, String> {
    let real = |f: &Formula| f.eval(symbols).map(Written::as_f64);
    let part = match fill {
        Fill::Constant(x) => Part::Constant(*x),
        Fill::Uniform(low, high) => Part::Uniform(real(low)?, real(high)?),
        Fill::Normal => Part::Normal,
        Fill::Integers(low, high) => {
            let (low, high) = (low.integer(symbols)?, high.integer(symbols)?);
            if low >= high && !shape.contains(&0) {
                return Err(format!("no integer is in {low} ≤ n < {high}"));
            }
            Part::Integers(low, high)
        }
        Fill::Spd => return spd(name, dtype, shape),
        Fill::RowPointers(last) => return row_pointers(name, dtype, shape, last.integer(symbols)?),
    };
    fill_parts(name, dtype, shape, part)
}

/// Evenly spread elements, for a graph that says nothing about its data: 0 ≤ x < 1, or small
/// integers. Little-endian bytes.
pub fn random_array(name: &str, dtype: DType, shape: &[usize]) -> Result<Vec<u8>, SpecError> {
    let part =
        if dtype.is_float() || dtype.is_complex() { Part::Uniform(0.0, 1.0) } else { Part::Integers(0, 2) };
    fill_parts(name, dtype, shape, part).map_err(|reason| SpecError::Arg { name: name.to_string(), reason })
}

/// A number as an element of this type; what it cannot be is an error.
pub(super) fn encode_number(dtype: DType, number: Written) -> Result<Vec<u8>, String> {
    let no = || format!("{number} is not of type {}", dtype.numpy());
    macro_rules! integer {
        ($t:ty) => {
            match number {
                Written::Int(i) => Ok(<$t>::try_from(i).map_err(|_| no())?.to_le_bytes().to_vec()),
                Written::Float(_) => Err(no()),
            }
        };
    }
    match dtype {
        DType::I8 => integer!(i8),
        DType::I16 => integer!(i16),
        DType::I32 => integer!(i32),
        DType::I64 => integer!(i64),
        DType::U8 => integer!(u8),
        DType::U16 => integer!(u16),
        DType::U32 => integer!(u32),
        DType::U64 => integer!(u64),
        _ => Ok(encode(dtype, number.as_f64())),
    }
}

fn encode(dtype: DType, x: f64) -> Vec<u8> {
    match dtype {
        DType::Bool => vec![(x != 0.0) as u8],
        DType::I8 => (x as i8).to_le_bytes().to_vec(),
        DType::I16 => (x as i16).to_le_bytes().to_vec(),
        DType::I32 => (x as i32).to_le_bytes().to_vec(),
        DType::I64 => (x as i64).to_le_bytes().to_vec(),
        DType::U8 => (x as u8).to_le_bytes().to_vec(),
        DType::U16 => (x as u16).to_le_bytes().to_vec(),
        DType::U32 => (x as u32).to_le_bytes().to_vec(),
        DType::U64 => (x as u64).to_le_bytes().to_vec(),
        DType::F16 => f16_of(x).to_le_bytes().to_vec(),
        DType::F32 => (x as f32).to_le_bytes().to_vec(),
        DType::F64 => x.to_le_bytes().to_vec(),
        DType::C64 => [(x as f32).to_le_bytes(), 0f32.to_le_bytes()].concat(),
        DType::C128 => [x.to_le_bytes(), 0f64.to_le_bytes()].concat(),
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and good enough for test data.
struct Random(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// Seeded by the argument's name, so that arguments differ and runs do not.
    fn for_argument(name: &str) -> Random {
        Random(name.bytes().fold(42, |h, b| (h ^ b as u64).wrapping_mul(0x100_0000_01b3)))
    }

    /// The same numbers from the one after the first `draws`.
    fn after(&self, draws: u64) -> Random {
        Random(self.0.wrapping_add(draws.wrapping_mul(STEP)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 ≤ x < 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Box and Muller's transform.
    fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// `low ≤ n < high`.
    fn integer(&mut self, low: i64, high: i64) -> i64 {
        (low as i128 + (self.next() as i128 % (high as i128 - low as i128))) as i64
    }
}

/// A fill whose elements do not depend on each other; also the parts of a complex number.
#[derive(Clone, Copy)]
enum Part {
    Constant(f64),
    Uniform(f64, f64),
    Normal,
    Integers(i64, i64),
}

impl Part {
    /// Random numbers that one takes.
    fn draws(self) -> u64 {
        match self {
            Part::Constant(_) => 0,
            Part::Normal => 2,
            Part::Uniform(..) | Part::Integers(..) => 1,
        }
    }

    fn next(self, random: &mut Random) -> f64 {
        match self {
            Part::Constant(x) => x,
            Part::Uniform(low, high) => low + random.uniform() * (high - low),
            Part::Normal => random.normal(),
            Part::Integers(low, high) => random.integer(low, high) as f64,
        }
    }

    /// Constants and integers are real.
    fn has_imaginary(self, dtype: DType) -> bool {
        dtype.is_complex() && matches!(self, Part::Uniform(..) | Part::Normal)
    }

    /// Elements in a row, the first from the next random numbers.
    fn fill(self, dtype: DType, mut random: Random, out: &mut [u8]) {
        match dtype {
            DType::F64 => {
                for slot in out.chunks_exact_mut(8) {
                    slot.copy_from_slice(&self.next(&mut random).to_le_bytes());
                }
            }
            DType::F32 => {
                for slot in out.chunks_exact_mut(4) {
                    slot.copy_from_slice(&(self.next(&mut random) as f32).to_le_bytes());
                }
            }
            _ => {
                for slot in out.chunks_exact_mut(dtype.size()) {
                    slot.copy_from_slice(&encode(dtype, self.next(&mut random)));
                    if self.has_imaginary(dtype) {
                        let (y, half) = (self.next(&mut random), slot.len() / 2);
                        if half == 4 {
                            slot[half..].copy_from_slice(&(y as f32).to_le_bytes());
                        } else {
                            slot[half..].copy_from_slice(&y.to_le_bytes());
                        }
                    }
                }
            }
        }
    }
}

/// Room for an array of this shape, empty.
fn reserve(dtype: DType, shape: &[usize]) -> Result<(Vec<u8>, usize), String> {
    let bytes =
        shape.iter().try_fold(dtype.size(), |n, &d| n.checked_mul(d)).filter(|&n| n <= isize::MAX as usize);
    let bytes = bytes.ok_or_else(|| format!("the shape {shape:?} is too large"))?;
    let mut out: Vec<u8> = vec![];
    out.try_reserve_exact(bytes).map_err(|_| format!("the shape {shape:?} does not fit into memory"))?;
    Ok((out, bytes))
}

fn fill_parts(name: &str, dtype: DType, shape: &[usize], part: Part) -> Result<Vec<u8>, String> {
    let (mut out, bytes) = reserve(dtype, shape)?;
    out.resize(bytes, 0);
    let count = bytes / dtype.size();
    let random = Random::for_argument(name);
    let draws = part.draws() * if part.has_imaginary(dtype) { 2 } else { 1 };
    let threads =
        if count < 1 << 16 { 1 } else { std::thread::available_parallelism().map_or(1, |n| n.get()) };
    let share = count.div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (i, chunk) in out.chunks_mut(share * dtype.size()).enumerate() {
            let random = random.after((i * share) as u64 * draws);
            if threads == 1 {
                part.fill(dtype, random, chunk);
            } else {
                scope.spawn(move || part.fill(dtype, random, chunk));
            }
        }
    });
    Ok(out)
}

fn spd(name: &str, dtype: DType, shape: &[usize]) -> Result<Vec<u8>, String> {
    let (mut out, _) = reserve(dtype, shape)?;
    let [n, m] = shape[..] else { return Err("fill 'spd' needs two dimensions".into()) };
    if n != m {
        return Err(format!("fill 'spd' needs a square, and the shape is {n} by {m}"));
    }
    let mut random = Random::for_argument(name);
    let u: Vec<f64> = (0..n * n).map(|_| random.uniform()).collect();
    for i in 0..n {
        for j in 0..n {
            let x = (u[i * n + j] + u[j * n + i]) / 2.0 + if i == j { n as f64 } else { 0.0 };
            out.extend(encode(dtype, x));
        }
    }
    Ok(out)
}

fn row_pointers(name: &str, dtype: DType, shape: &[usize], last: i64) -> Result<Vec<u8>, String> {
    let (mut out, _) = reserve(dtype, shape)?;
    let [n] = shape[..] else { return Err("fill 'row_pointers' needs one dimension".into()) };
    if !dtype.is_int() {
        return Err("fill 'row_pointers' needs a type of integers".into());
    }
    if last < 0 {
        return Err(format!("fill 'row_pointers': {last} is negative"));
    }
    let mut random = Random::for_argument(name);
    let mut all: Vec<i64> = (0..n).map(|_| random.integer(0, last.saturating_add(1))).collect();
    all.sort_unstable();
    if let Some(end) = all.last_mut() {
        *end = last;
    }
    if let Some(start) = all.first_mut() {
        *start = 0;
    }
    for pointer in all {
        out.extend(encode_number(dtype, Written::Int(pointer))?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(fill: &str, dtype: DType, shape: &[usize]) -> Result<Vec<u8>, String> {
        let symbols = BTreeMap::from([("N".to_string(), 4)]);
        fill_array("a", dtype, shape, &Fill::parse(fill)?, &symbols)
    }

    fn reals(fill: &str, dtype: DType, shape: &[usize]) -> Vec<f64> {
        let bytes = filled(fill, dtype, shape).expect(fill);
        bytes.chunks(8).map(|b| f64::from_le_bytes(b.try_into().expect("eight"))).collect()
    }

    fn integers(fill: &str, shape: &[usize]) -> Vec<i64> {
        let bytes = filled(fill, DType::I64, shape).expect(fill);
        bytes.chunks(8).map(|b| i64::from_le_bytes(b.try_into().expect("eight"))).collect()
    }

    #[test]
    fn bounds_are_expressions() {
        let all = reals("uniform:-1 / N:1 / N", DType::F64, &[100]);
        assert!(all.iter().all(|x| x.abs() <= 0.25) && all.iter().any(|&x| x < 0.0), "{all:?}");
        let all = integers("integers:N - 1:2 * N", &[100]);
        assert!(all.iter().all(|n| (3..8).contains(n)) && all.contains(&7), "{all:?}");
        assert_eq!(integers("integers:N:N", &[0]), [0i64; 0]);
    }

    #[test]
    fn both_parts_of_complex_numbers_are_filled() {
        let all = reals("uniform:2:3", DType::C128, &[100]);
        assert!(all.len() == 200 && all.iter().all(|x| (2.0..3.0).contains(x)), "{all:?}");
        // The same numbers whether one thread fills the array or several.
        let long = reals("normal", DType::C128, &[1 << 17]);
        assert_eq!(long[..64], reals("normal", DType::C128, &[32]));
        assert_eq!(long[1 << 17..], reals("normal", DType::C128, &[1 << 17])[1 << 17..]);
        assert_eq!(reals("ones", DType::C128, &[2]), [1.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn row_pointers_ascend_from_zero_to_the_last() {
        let all = integers("row_pointers:10 * N", &[9]);
        assert_eq!((all[0], all[8]), (0, 40));
        assert!(all.is_sorted(), "{all:?}");
        assert_eq!(integers("row_pointers:N", &[1]), [0]);
        assert_eq!(integers("row_pointers:N", &[0]), [0i64; 0]);
    }

    #[test]
    fn faults_have_reasons() {
        for (fill, dtype, shape, part) in [
            ("integers:N:4", DType::I64, &[1][..], "no integer"),
            ("integers:0:N / 2", DType::I64, &[1], "not an integer"),
            ("uniform:0:K", DType::F64, &[1], "no size is called K"),
            ("uniform:0", DType::F64, &[1], "none of"),
            ("row_pointers:N", DType::I64, &[1, 1], "one dimension"),
            ("row_pointers:N", DType::F64, &[1], "integers"),
            ("row_pointers:-N", DType::I64, &[1], "negative"),
            ("row_pointers:100 * N", DType::I8, &[2], "not of type int8"),
            ("spd", DType::F64, &[2, 3], "square"),
            ("zeros", DType::F64, &[usize::MAX, 2], "too large"),
        ] {
            let error = filled(fill, dtype, shape).expect_err(fill);
            assert!(error.contains(part), "{fill}: {error}");
        }
        assert!(encode_number(DType::U8, Written::Int(256)).is_err());
        assert!(encode_number(DType::I64, Written::Float(0.5)).is_err());
    }
}
