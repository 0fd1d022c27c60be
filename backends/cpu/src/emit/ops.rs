//! Unary and binary operations; what they mean is said by [`weft_ir::tasklet`].

use weft_ir::dtype::{DType, f16_of};
use weft_ir::sdfg::Wcr;
use weft_ir::tasklet::{BinOp, UnOp};

use super::func::Ssa;
use super::value::{Operand, float, half};
use super::{Emitter, Result, malformed, scalar_type};

impl Emitter<'_> {
    pub fn unary(&mut self, op: UnOp, (a, dtype): Operand) -> Result<Operand> {
        if dtype.is_complex() {
            return self.complex_unary(op, &a, dtype);
        }
        let (a, ty) = (a.first(), scalar_type(dtype)?);
        let value = match op {
            UnOp::Not if dtype == DType::Bool => self.f.op(&format!("xor i1 {a}, true")),
            UnOp::Invert if dtype == DType::Bool => self.f.op(&format!("xor i1 {a}, true")),
            UnOp::Invert if dtype.is_int() => self.f.op(&format!("xor {ty} {a}, -1")),
            UnOp::Neg if dtype.is_float() => self.f.op(&format!("fneg {ty} {a}")),
            UnOp::Neg if dtype.is_int() => self.f.op(&format!("sub {ty} 0, {a}")),
            UnOp::Abs if dtype.is_float() => self.intrinsic("fabs", dtype, &[a])?,
            UnOp::Abs if dtype.is_signed() => {
                self.declare(format!("declare {ty} @llvm.abs.{ty}({ty}, i1)"));
                self.f.op(&format!("call {ty} @llvm.abs.{ty}({ty} {a}, i1 false)"))
            }
            UnOp::Abs => a.to_owned(),
            _ => return Err(malformed(format!("{op:?} of {dtype}"))),
        };
        Ok((value.into(), dtype))
    }

    pub fn binary(&mut self, op: BinOp, (a, ta): Operand, (b, tb): Operand) -> Result<Operand> {
        if ta != tb {
            return Err(malformed(format!("{op:?} of {ta} and {tb}")));
        }
        if ta.is_complex() {
            return self.complex_binary(op, ta, &a, &b);
        }
        let (a, b) = (a.first(), b.first());
        if op.is_comparison() {
            return Ok((self.compare(op, ta, a, b)?.into(), DType::Bool));
        }
        if let (BinOp::Complex, Some(joined)) = (op, ta.complex()) {
            return Ok((Ssa::pair(a, b), joined));
        }
        let value = match ta {
            DType::Bool => self.bool_op(op, a, b)?,
            _ if ta.is_float() => self.float_op(op, ta, a, b, "")?,
            _ => self.int_op(op, ta, a, b)?,
        };
        Ok((value.into(), ta))
    }

    pub fn compare(&mut self, op: BinOp, dtype: DType, a: &str, b: &str) -> Result<String> {
        let ty = scalar_type(dtype)?;
        let name = match op {
            BinOp::Eq => "eq",
            BinOp::Ne => "ne",
            BinOp::Lt => "lt",
            BinOp::Le => "le",
            BinOp::Gt => "gt",
            _ => "ge",
        };
        let text = if dtype.is_float() {
            format!("fcmp {}{name} {ty} {a}, {b}", if op == BinOp::Ne { "u" } else { "o" })
        } else {
            let sign = match op {
                BinOp::Eq | BinOp::Ne => "",
                _ if dtype.is_signed() => "s",
                _ => "u",
            };
            format!("icmp {sign}{name} {ty} {a}, {b}")
        };
        Ok(self.f.op(&text))
    }

    fn bool_op(&mut self, op: BinOp, a: &str, b: &str) -> Result<String> {
        let name = match op {
            BinOp::And | BinOp::BitAnd | BinOp::Mul | BinOp::Min => "and",
            BinOp::Or | BinOp::BitOr | BinOp::Add | BinOp::Max => "or",
            BinOp::BitXor => "xor",
            _ => return Err(malformed(format!("{op:?} of bool"))),
        };
        Ok(self.f.op(&format!("{name} i1 {a}, {b}")))
    }

    /// `flags` is empty or ends with a space.
    pub fn float_op(&mut self, op: BinOp, dtype: DType, a: &str, b: &str, flags: &str) -> Result<String> {
        let ty = scalar_type(dtype)?;
        let suffix = if dtype == DType::F32 { "f" } else { "" };
        Ok(match op {
            BinOp::Add => self.f.op(&format!("fadd {flags}{ty} {a}, {b}")),
            BinOp::Sub => self.f.op(&format!("fsub {ty} {a}, {b}")),
            BinOp::Mul => self.f.op(&format!("fmul {flags}{ty} {a}, {b}")),
            BinOp::Div => self.f.op(&format!("fdiv {ty} {a}, {b}")),
            BinOp::Fmod => self.f.op(&format!("frem {ty} {a}, {b}")),
            BinOp::Min => self.intrinsic("minimum", dtype, &[a, b])?,
            BinOp::Max => self.intrinsic("maximum", dtype, &[a, b])?,
            BinOp::CopySign => self.intrinsic("copysign", dtype, &[a, b])?,
            BinOp::Pow if b == float(2.0) => self.f.op(&format!("fmul {ty} {a}, {a}")),
            BinOp::Pow => self.libm(&format!("pow{suffix}"), dtype, &[a, b])?,
            BinOp::Atan2 => self.libm(&format!("atan2{suffix}"), dtype, &[a, b])?,
            BinOp::Hypot => self.libm(&format!("hypot{suffix}"), dtype, &[a, b])?,
            BinOp::NextAfter => self.libm(&format!("nextafter{suffix}"), dtype, &[a, b])?,
            BinOp::FloorDiv | BinOp::Mod => {
                let stem = if op == BinOp::Mod { "mod" } else { "floordiv" };
                let name = format!("weft_{stem}_{}", dtype.short());
                self.declare(format!("declare {ty} @{name}({ty}, {ty}) #1"));
                self.f.op(&format!("call {ty} @{name}({ty} {a}, {ty} {b}) #1"))
            }
            _ => return Err(malformed(format!("{op:?} of {dtype}"))),
        })
    }

    fn int_op(&mut self, op: BinOp, dtype: DType, a: &str, b: &str) -> Result<String> {
        let ty = scalar_type(dtype)?;
        let sign = if dtype.is_signed() { "s" } else { "u" };
        let plain = |name: &str| format!("{name} {ty} {a}, {b}");
        Ok(match op {
            BinOp::Add => self.f.op(&plain("add")),
            BinOp::Sub => self.f.op(&plain("sub")),
            BinOp::Mul => self.f.op(&plain("mul")),
            BinOp::BitAnd => self.f.op(&plain("and")),
            BinOp::BitOr => self.f.op(&plain("or")),
            BinOp::BitXor => self.f.op(&plain("xor")),
            BinOp::Min | BinOp::Max => {
                let which = if op == BinOp::Min { "min" } else { "max" };
                self.int_intrinsic(&format!("{sign}{which}"), ty, a, b)
            }
            BinOp::FloorDiv | BinOp::Mod | BinOp::Fmod => self.guarded_division(op, dtype, a, b)?,
            BinOp::Shl | BinOp::Shr => self.shift(op, dtype, a, b)?,
            BinOp::Pow => self.int_power(dtype, a, b)?,
            _ => return Err(malformed(format!("{op:?} of {dtype}"))),
        })
    }

    pub fn int_intrinsic(&mut self, name: &str, ty: &str, a: &str, b: &str) -> String {
        self.declare(format!("declare {ty} @llvm.{name}.{ty}({ty}, {ty})"));
        self.f.op(&format!("call {ty} @llvm.{name}.{ty}({ty} {a}, {ty} {b})"))
    }

    /// Division that never traps: by zero gives 0, the least number by −1 wraps.
    fn guarded_division(&mut self, op: BinOp, dtype: DType, a: &str, b: &str) -> Result<String> {
        let ty = scalar_type(dtype)?;
        let constant = b.parse::<i128>().ok();
        let safe = match constant {
            Some(v) if v != 0 && v != -1 => b.to_owned(),
            _ => {
                let zero = self.f.op(&format!("icmp eq {ty} {b}, 0"));
                let mut bad = zero;
                if dtype.is_signed() {
                    let minus = self.f.op(&format!("icmp eq {ty} {b}, -1"));
                    bad = self.f.op(&format!("or i1 {bad}, {minus}"));
                }
                self.f.op(&format!("select i1 {bad}, {ty} 1, {ty} {b}"))
            }
        };
        let result = match op {
            BinOp::Fmod => {
                let rem = if dtype.is_signed() { "srem" } else { "urem" };
                self.f.op(&format!("{rem} {ty} {a}, {safe}"))
            }
            _ => self.floor_division(dtype, a, &safe, op == BinOp::FloorDiv)?,
        };
        if safe == b {
            return Ok(result);
        }
        // The stand-in divisor 1 leaves remainder 0, which is right for −1; its quotient is `a`.
        let mut result = result;
        if op == BinOp::FloorDiv && dtype.is_signed() {
            let negated = self.f.op(&format!("sub {ty} 0, {a}"));
            let minus = self.f.op(&format!("icmp eq {ty} {b}, -1"));
            result = self.f.op(&format!("select i1 {minus}, {ty} {negated}, {ty} {result}"));
        }
        let zero = self.f.op(&format!("icmp eq {ty} {b}, 0"));
        Ok(self.f.op(&format!("select i1 {zero}, {ty} 0, {ty} {result}")))
    }

    /// Quotient or remainder with Python's signs; the divisor is neither 0 nor −1 with the least `a`.
    pub fn floor_division(&mut self, dtype: DType, a: &str, b: &str, quotient: bool) -> Result<String> {
        let ty = scalar_type(dtype)?;
        if !dtype.is_signed() {
            let name = if quotient { "udiv" } else { "urem" };
            return Ok(self.f.op(&format!("{name} {ty} {a}, {b}")));
        }
        let r = self.f.op(&format!("srem {ty} {a}, {b}"));
        let signs = self.f.op(&format!("xor {ty} {r}, {b}"));
        let differ = self.f.op(&format!("icmp slt {ty} {signs}, 0"));
        let some = self.f.op(&format!("icmp ne {ty} {r}, 0"));
        let fix = self.f.op(&format!("and i1 {differ}, {some}"));
        if quotient {
            let q = self.f.op(&format!("sdiv {ty} {a}, {b}"));
            let one = self.f.op(&format!("zext i1 {fix} to {ty}"));
            Ok(self.f.op(&format!("sub {ty} {q}, {one}")))
        } else {
            let add = self.f.op(&format!("select i1 {fix}, {ty} {b}, {ty} 0"));
            Ok(self.f.op(&format!("add {ty} {r}, {add}")))
        }
    }

    /// NumPy's shifts: by the width or more, or by a negative number, everything is shifted out.
    fn shift(&mut self, op: BinOp, dtype: DType, a: &str, b: &str) -> Result<String> {
        let ty = scalar_type(dtype)?;
        let bits = 8 * dtype.size();
        let last = (bits - 1).to_string();
        if op == BinOp::Shr && dtype.is_signed() {
            let by = self.int_intrinsic("umin", ty, b, &last);
            return Ok(self.f.op(&format!("ashr {ty} {a}, {by}")));
        }
        let name = if op == BinOp::Shl { "shl" } else { "lshr" };
        let inside = self.f.op(&format!("icmp ult {ty} {b}, {bits}"));
        let by = self.f.op(&format!("select i1 {inside}, {ty} {b}, {ty} 0"));
        let shifted = self.f.op(&format!("{name} {ty} {a}, {by}"));
        Ok(self.f.op(&format!("select i1 {inside}, {ty} {shifted}, {ty} 0")))
    }

    /// Negative exponents give the truncated reciprocal: 0, except for the bases 1 and −1.
    fn int_power(&mut self, dtype: DType, a: &str, b: &str) -> Result<String> {
        let ty = scalar_type(dtype)?;
        match b {
            "2" => return Ok(self.f.op(&format!("mul {ty} {a}, {a}"))),
            "3" => {
                let square = self.f.op(&format!("mul {ty} {a}, {a}"));
                return Ok(self.f.op(&format!("mul {ty} {square}, {a}")));
            }
            _ => {}
        }
        let base = self.convert_scalar(a, dtype, DType::I64)?;
        let exponent = self.convert_scalar(b, dtype, DType::I64)?;
        self.declare("declare i64 @weft_ipow(i64, i64) #1");
        if !dtype.is_signed() {
            let power = self.f.op(&format!("call i64 @weft_ipow(i64 {base}, i64 {exponent}) #1"));
            return self.convert_scalar(&power, DType::I64, dtype);
        }
        let odd = self.f.op(&format!("and i64 {exponent}, 1"));
        let negative = self.f.op(&format!("icmp slt i64 {exponent}, 0"));
        let exponent = self.f.op(&format!("select i1 {negative}, i64 {odd}, i64 {exponent}"));
        let power = self.f.op(&format!("call i64 @weft_ipow(i64 {base}, i64 {exponent}) #1"));
        let shifted = self.f.op(&format!("add i64 {base}, 1"));
        let unit = self.f.op(&format!("icmp ule i64 {shifted}, 2"));
        let nonzero = self.f.op(&format!("icmp ne i64 {base}, 0"));
        let unit = self.f.op(&format!("and i1 {unit}, {nonzero}"));
        let lost = self.f.op(&format!("xor i1 {unit}, true"));
        let lost = self.f.op(&format!("and i1 {lost}, {negative}"));
        let power = self.f.op(&format!("select i1 {lost}, i64 0, i64 {power}"));
        self.convert_scalar(&power, DType::I64, dtype)
    }

    /// One step of a reduction, which may be reassociated.
    pub fn fold(&mut self, op: Wcr, dtype: DType, a: &Ssa, b: &Ssa) -> Result<Ssa> {
        if dtype.is_complex() {
            return self.complex_fold(op, dtype, a, b);
        }
        if dtype == DType::F16 {
            let operands = [(a.clone(), dtype), (b.clone(), dtype)];
            let folded = self.rounded(operands, |e, [a, b]| Ok((e.fold(op, a.1, &a.0, &b.0)?, a.1)))?;
            return Ok(folded.0);
        }
        let (a, b) = (a.first(), b.first());
        let op = match op {
            Wcr::Sum => BinOp::Add,
            Wcr::Product => BinOp::Mul,
            Wcr::Min => BinOp::Min,
            Wcr::Max => BinOp::Max,
            Wcr::And if dtype.is_int() => BinOp::BitAnd,
            Wcr::Or if dtype.is_int() => BinOp::BitOr,
            Wcr::And => BinOp::And,
            Wcr::Or => BinOp::Or,
        };
        let value = match dtype {
            DType::Bool => self.bool_op(op, a, b)?,
            _ if dtype.is_float() => self.float_op(op, dtype, a, b, "reassoc ")?,
            _ => self.int_op(op, dtype, a, b)?,
        };
        Ok(value.into())
    }
}

/// The neutral element of a reduction, as a constant.
pub fn neutral(op: Wcr, dtype: DType) -> Ssa {
    let part = neutral_part(op, dtype.part());
    match op {
        _ if !dtype.is_complex() => part.into(),
        Wcr::Product => Ssa::pair(part, float(0.0)),
        _ => Ssa::pair(part.clone(), part),
    }
}

fn neutral_part(op: Wcr, dtype: DType) -> String {
    if dtype == DType::Bool {
        return matches!(op, Wcr::Product | Wcr::Min | Wcr::And).to_string();
    }
    if dtype.is_float() {
        let value = match op {
            Wcr::Sum | Wcr::Or => -0.0,
            Wcr::Product | Wcr::And => 1.0,
            Wcr::Min => f64::INFINITY,
            Wcr::Max => f64::NEG_INFINITY,
        };
        return if dtype == DType::F16 { half(f16_of(value)) } else { float(value) };
    }
    let bits = 8 * dtype.size() as u32;
    let (least, most) =
        if dtype.is_signed() { (-1i128 << (bits - 1), (1i128 << (bits - 1)) - 1) } else { (0, -1) };
    match op {
        Wcr::Sum | Wcr::Or => "0".into(),
        Wcr::Product => "1".into(),
        Wcr::And => "-1".into(),
        Wcr::Min => most.to_string(),
        Wcr::Max => least.to_string(),
    }
}
