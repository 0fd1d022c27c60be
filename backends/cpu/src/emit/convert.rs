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
        if from == DType::F16 {
            let wide = self.f.op(&format!("fpext half {a} to float"));
            return self.convert_scalar(&wide, DType::F32, to);
        }
        if to == DType::F16 {
            let near = match from {
                DType::F64 => self.odd_neighbour(a),
                _ => self.convert_scalar(a, from, DType::F32)?,
            };
            return Ok(self.f.op(&format!("fptrunc float {near} to half")));
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

    /// A double as the float next to it that has an odd last bit, unless it is a float itself: rounded to
    /// `half`, that gives what rounding the double once gives.
    fn odd_neighbour(&mut self, a: &str) -> String {
        let near = self.f.op(&format!("fptrunc double {a} to float"));
        let back = self.f.op(&format!("fpext float {near} to double"));
        let bits = self.f.op(&format!("bitcast float {near} to i32"));
        self.declare("declare double @llvm.fabs.f64(double)");
        let (far, own) = (
            self.f.op(&format!("call double @llvm.fabs.f64(double {back})")),
            self.f.op(&format!("call double @llvm.fabs.f64(double {a})")),
        );
        let above = self.f.op(&format!("fcmp ogt double {far}, {own}"));
        let step = self.f.op(&format!("sext i1 {above} to i32"));
        let below = self.f.op(&format!("add i32 {bits}, {step}"));
        let odd = self.f.op(&format!("or i32 {below}, 1"));
        let inexact = self.f.op(&format!("fcmp one double {back}, {a}"));
        let chosen = self.f.op(&format!("select i1 {inexact}, i32 {odd}, i32 {bits}"));
        self.f.op(&format!("bitcast i32 {chosen} to float"))
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
