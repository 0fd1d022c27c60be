//! Typed values.

use weft_ir::dtype::{DType, Scalar, f16};
use weft_ir::symbolic::Expr;
use weft_looptree::{BufferId, Value};

use super::func::{Key, Ssa};
use super::{Emitter, Result, malformed, memory_type, scalar_type};

/// An operand and its type.
pub type Operand = (Ssa, DType);

impl Emitter<'_> {
    pub fn value(&mut self, value: &Value) -> Result<Operand> {
        match value {
            Value::Lit(scalar) => Ok((literal(*scalar), scalar.dtype())),
            Value::Local(name) => match self.read(Key::Local(*name))? {
                Some(found) => Ok(found),
                None => Err(malformed(format!("the local {name} has no value here"))),
            },
            Value::Index(e) => Ok((self.index(e)?.into(), DType::I64)),
            Value::Load { buffer, index } => self.load(*buffer, index),
            Value::Un(op, a) => {
                let a = self.value(a)?;
                self.rounded([a], |e, [a]| e.unary(*op, a))
            }
            Value::Bin(op, a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                self.rounded([a, b], |e, [a, b]| e.binary(*op, a, b))
            }
            Value::Call(func, a) => {
                let a = self.value(a)?;
                self.rounded([a], |e, [a]| e.function(*func, a))
            }
            Value::Gather { buffer, index } => self.gather(*buffer, index),
            Value::Select(cond, a, b) if a.gathers() || b.gathers() => self.choice(cond, a, b),
            Value::Select(cond, a, b) => {
                let cond = self.condition(cond)?;
                let ((a, ta), (b, tb)) = (self.value(a)?, self.value(b)?);
                if ta != tb {
                    return Err(malformed(format!("a choice between {ta} and {tb}")));
                }
                let ty = scalar_type(ta.part())?;
                let choice = self.each_of(&a, &b, |e, a, b| {
                    Ok(e.f.op(&format!("select i1 {cond}, {ty} {a}, {ty} {b}")))
                })?;
                Ok((choice, ta))
            }
            Value::Cast(to, a) => {
                let (a, from) = self.value(a)?;
                Ok((self.convert(&a, from, *to)?, *to))
            }
        }
    }

    /// A value of type `bool`.
    pub fn condition(&mut self, value: &Value) -> Result<String> {
        match self.value(value)? {
            (cond, DType::Bool) => Ok(cond.first().to_owned()),
            (_, other) => Err(malformed(format!("a condition of type {other}"))),
        }
    }

    fn load(&mut self, buffer: BufferId, index: &[Expr]) -> Result<Operand> {
        let dtype = self.buffer(buffer)?.dtype;
        let at = self.address(buffer, index)?;
        let access = self.access(buffer, None);
        Ok((self.load_at(&at, dtype, &access)?, dtype))
    }

    /// The address is computed plainly, so that the optimizer sees the loads of a vector.
    fn gather(&mut self, id: BufferId, index: &[Value]) -> Result<Operand> {
        let buffer = self.buffer(id)?;
        if buffer.strides.len() != index.len() {
            return Err(malformed(format!("{} indices for {}", index.len(), buffer.name)));
        }
        let mut offset: Option<String> = None;
        for (at, stride) in index.iter().zip(&buffer.strides) {
            let (at, found) = self.value(at)?;
            let at = self.expect(at, found, DType::I64)?.first().to_string();
            let stride = self.index(stride)?;
            let term = match stride.as_str() {
                "1" => at,
                _ => self.f.op(&format!("mul nsw i64 {at}, {stride}")),
            };
            offset = Some(match offset {
                None => term,
                Some(sum) => self.f.op(&format!("add nsw i64 {sum}, {term}")),
            });
        }
        let (base, ty) = (self.base(id)?, memory_type(buffer.dtype)?);
        let offset = offset.unwrap_or_else(|| "0".into());
        let at = self.f.op(&format!("getelementptr inbounds {ty}, ptr {base}, i64 {offset}"));
        let access = self.access(id, None);
        Ok((self.load_at(&at, buffer.dtype, &access)?, buffer.dtype))
    }

    /// A choice whose sides must not both be evaluated.
    fn choice(&mut self, cond: &Value, a: &Value, b: &Value) -> Result<Operand> {
        let cond = self.condition(cond)?;
        let (yes, no, end) =
            (self.f.fresh_label("pick"), self.f.fresh_label("other"), self.f.fresh_label("picked"));
        self.f.line(&format!("br i1 {cond}, label %{yes}, label %{no}"));
        let mut sides = vec![];
        for (label, side) in [(yes, a), (no, b)] {
            self.f.label(&label);
            // What a side learns does not hold behind it.
            let mark = self.f.open();
            let (value, dtype) = self.value(side)?;
            self.f.close(mark);
            sides.push((value, dtype, self.f.block.clone()));
            self.f.line(&format!("br label %{end}"));
        }
        self.f.label(&end);
        let [(a, ta, from_a), (b, tb, from_b)] = &sides[..] else { return Err(malformed("a choice".into())) };
        if ta != tb {
            return Err(malformed(format!("a choice between {ta} and {tb}")));
        }
        let ty = scalar_type(ta.part())?;
        let chosen = self.each_of(a, b, |e, a, b| {
            Ok(e.f.op(&format!("phi {ty} [ {a}, %{from_a} ], [ {b}, %{from_b} ]")))
        })?;
        Ok((chosen, *ta))
    }

    /// An operation, which on `f16` is carried out on `f32` and rounded.
    pub fn rounded<const N: usize>(
        &mut self,
        mut operands: [Operand; N],
        operation: impl FnOnce(&mut Self, [Operand; N]) -> Result<Operand>,
    ) -> Result<Operand> {
        if operands.iter().any(|(_, dtype)| *dtype != DType::F16) {
            return operation(self, operands);
        }
        for operand in &mut operands {
            *operand = (self.convert(&operand.0, DType::F16, DType::F32)?, DType::F32);
        }
        match operation(self, operands)? {
            (value, DType::F32) => Ok((self.convert(&value, DType::F32, DType::F16)?, DType::F16)),
            other => Ok(other),
        }
    }

    pub fn load_at(&mut self, at: &str, dtype: DType, access: &str) -> Result<Ssa> {
        if dtype.is_complex() {
            return self.load_pair(at, dtype, access);
        }
        let ty = memory_type(dtype)?;
        let loaded = self.f.op(&format!("load {ty}, ptr {at}, align {}{access}", dtype.size()));
        Ok(match dtype {
            DType::Bool => self.f.op(&format!("icmp ne i8 {loaded}, 0")).into(),
            _ => loaded.into(),
        })
    }

    pub fn store_at(&mut self, at: &str, value: &Ssa, dtype: DType, access: &str) -> Result<()> {
        if dtype.is_complex() {
            return self.store_pair(at, value, dtype, access);
        }
        let value = value.first();
        let byte;
        let value = match dtype {
            DType::Bool => {
                byte = self.f.op(&format!("zext i1 {value} to i8"));
                &byte
            }
            _ => value,
        };
        let ty = memory_type(dtype)?;
        self.f.line(&format!("store {ty} {value}, ptr {at}, align {}{access}", dtype.size()));
        Ok(())
    }

    /// The value of a slot, which is of type [`super::slot_type`].
    pub fn load_slot(&mut self, slot: &str, dtype: DType) -> Result<Ssa> {
        if dtype.is_complex() {
            return self.load_pair(slot, dtype, "");
        }
        let ty = scalar_type(dtype)?;
        Ok(self.f.op(&format!("load {ty}, ptr {slot}")).into())
    }

    pub fn store_slot(&mut self, slot: &str, value: &Ssa, dtype: DType) -> Result<()> {
        if dtype.is_complex() {
            return self.store_pair(slot, value, dtype, "");
        }
        self.f.line(&format!("store {} {}, ptr {slot}", scalar_type(dtype)?, value.first()));
        Ok(())
    }
}

/// The text of a constant.
pub fn literal(scalar: Scalar) -> Ssa {
    match scalar {
        Scalar::Bool(b) => b.to_string().into(),
        Scalar::Int(dtype, value) => {
            // Unsigned constants are written as the signed number with the same bits.
            let bits = 8 * dtype.size() as u32;
            ((value << (128 - bits)) >> (128 - bits)).to_string().into()
        }
        Scalar::F16(x) => half(x).into(),
        Scalar::F32(x) => float(f64::from(x)).into(),
        Scalar::F64(x) => float(x).into(),
        Scalar::Complex(_, re, im) => Ssa::pair(float(re), float(im)),
    }
}

pub fn half(x: f16) -> String {
    format!("0xH{:04X}", x.to_bits())
}

pub fn float(x: f64) -> String {
    format!("0x{:016X}", x.to_bits())
}
