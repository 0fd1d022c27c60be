//! Conversions as NumPy's `astype` does them on x86-64.

use weft_ir::dtype::DType;

use super::func::Ssa;
use super::value::float;
use super::{Emitter, Result, scalar_type};

impl Emitter<'_> {
    pub fn convert(&mut self, a: &Ssa, from: DType, to: DType) -> Result<Ssa> {
        if from.is_complex() || to.is_complex() {
            return self.convert_complex(a, from, to);
        }
        Ok(self.convert_scalar(a.first(), from, to)?.into())
    }

    pub fn convert_scalar(&mut self, a: &str, from: DType, to: DType) -> Result<String> {
        let (tf, tt) = (scalar_type(from)?, scalar_type(to)?);
        if from == to {
            return Ok(a.to_owned());
        }
        let text = match (from, to) {
            (_, DType::Bool) if from.is_float() => format!("fcmp une {tf} {a}, {}", float(0.0)),
            (_, DType::Bool) => format!("icmp ne {tf} {a}, 0"),
            (DType::F32, DType::F64) => format!("fpext float {a} to double"),
            (DType::F64, DType::F32) => format!("fptrunc double {a} to float"),
            _ if from.is_float() => return self.float_to_int(a, from, to),
            _ if to.is_float() => {
                format!("{} {tf} {a} to {tt}", if from.is_signed() { "sitofp" } else { "uitofp" })
            }
            _ if from == DType::Bool || from.size() < to.size() => {
                format!("{} {tf} {a} to {tt}", if from.is_signed() { "sext" } else { "zext" })
            }
            _ if from.size() > to.size() => format!("trunc {tf} {a} to {tt}"),
            _ => return Ok(a.to_owned()),
        };
        Ok(self.f.op(&text))
    }

    /// What does not fit becomes the least number of the register that the processor converts to:
    /// 64 bits for `i64`, `u32` and `u64`, else 32; narrower types keep its low bits.
    fn float_to_int(&mut self, a: &str, from: DType, to: DType) -> Result<String> {
        if to == DType::U64 {
            return self.float_to_u64(a, from);
        }
        let wide = matches!(to, DType::I64 | DType::U32);
        let register = if wide { DType::I64 } else { DType::I32 };
        let converted = self.float_to_register(a, from, register)?;
        if to.size() < register.size() {
            let (tr, tt) = (scalar_type(register)?, scalar_type(to)?);
            return Ok(self.f.op(&format!("trunc {tr} {converted} to {tt}")));
        }
        Ok(converted)
    }

    fn float_to_register(&mut self, a: &str, from: DType, register: DType) -> Result<String> {
        let (tf, tr) = (scalar_type(from)?, scalar_type(register)?);
        let limit = if register == DType::I64 { 9_223_372_036_854_775_808.0 } else { 2_147_483_648.0 };
        // For 64 bits and for f32, no number lies between the limit and the least number less one.
        let (above, least) = match (from, register) {
            (DType::F64, DType::I32) => ("ogt", -limit - 1.0),
            _ => ("oge", -limit),
        };
        let low = self.f.op(&format!("fcmp {above} {tf} {a}, {}", float(least)));
        let high = self.f.op(&format!("fcmp olt {tf} {a}, {}", float(limit)));
        let inside = self.f.op(&format!("and i1 {low}, {high}"));
        let safe = self.f.op(&format!("select i1 {inside}, {tf} {a}, {tf} {}", float(0.0)));
        let converted = self.f.op(&format!("fptosi {tf} {safe} to {tr}"));
        let bad = if register == DType::I64 { i64::MIN } else { i64::from(i32::MIN) };
        Ok(self.f.op(&format!("select i1 {inside}, {tr} {converted}, {tr} {bad}")))
    }

    /// Numbers from 2^63 on are converted less 2^63.
    fn float_to_u64(&mut self, a: &str, from: DType) -> Result<String> {
        let tf = scalar_type(from)?;
        let limit = float(9_223_372_036_854_775_808.0);
        let big = self.f.op(&format!("fcmp oge {tf} {a}, {limit}"));
        let less = self.f.op(&format!("fsub {tf} {a}, {limit}"));
        let part = self.f.op(&format!("select i1 {big}, {tf} {less}, {tf} {a}"));
        let converted = self.float_to_register(&part, from, DType::I64)?;
        let flipped = self.f.op(&format!("xor i64 {converted}, {}", i64::MIN));
        Ok(self.f.op(&format!("select i1 {big}, i64 {flipped}, i64 {converted}")))
    }
}
