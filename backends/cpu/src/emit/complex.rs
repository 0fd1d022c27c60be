//! Complex numbers: a value is two floats, in memory one after the other. What the operations mean is
//! said by [`weft_ir::tasklet`].

use weft_ir::dtype::DType;
use weft_ir::sdfg::Wcr;
use weft_ir::tasklet::{BinOp, Func as Function, UnOp};

use super::func::Ssa;
use super::math::libm_name;
use super::value::{Operand, float};
use super::{Emitter, Result, malformed, scalar_type, slot_type};

impl Emitter<'_> {
    /// Applies an operation to the parts of a value, one or two.
    pub fn each(&mut self, a: &Ssa, mut f: impl FnMut(&mut Self, &str) -> Result<String>) -> Result<Ssa> {
        match a.parts() {
            Some((re, im)) => Ok(Ssa::pair(f(self, re)?, f(self, im)?)),
            None => Ok(f(self, a.first())?.into()),
        }
    }

    /// Applies an operation to the parts of two values of one type.
    pub fn each_of(
        &mut self,
        a: &Ssa,
        b: &Ssa,
        mut f: impl FnMut(&mut Self, &str, &str) -> Result<String>,
    ) -> Result<Ssa> {
        match (a.parts(), b.parts()) {
            (Some((ar, ai)), Some((br, bi))) => Ok(Ssa::pair(f(self, ar, br)?, f(self, ai, bi)?)),
            _ => Ok(f(self, a.first(), b.first())?.into()),
        }
    }

    pub fn load_pair(&mut self, at: &str, dtype: DType, access: &str) -> Result<Ssa> {
        let (part, ty) = (dtype.part(), scalar_type(dtype.part())?);
        let next = self.f.op(&format!("getelementptr inbounds {ty}, ptr {at}, i64 1"));
        let mut load = |at: &str| self.f.op(&format!("load {ty}, ptr {at}, align {}{access}", part.size()));
        Ok(Ssa::pair(load(at), load(&next)))
    }

    pub fn store_pair(&mut self, at: &str, value: &Ssa, dtype: DType, access: &str) -> Result<()> {
        let (part, ty) = (dtype.part(), scalar_type(dtype.part())?);
        let (re, im) = parts(value)?;
        let next = self.f.op(&format!("getelementptr inbounds {ty}, ptr {at}, i64 1"));
        for (at, value) in [(at, re), (&next, im)] {
            self.f.line(&format!("store {ty} {value}, ptr {at}, align {}{access}", part.size()));
        }
        Ok(())
    }

    /// To a complex number, or from one: to a real type goes the real part.
    pub fn convert_complex(&mut self, a: &Ssa, from: DType, to: DType) -> Result<Ssa> {
        if from.is_complex() && to.is_complex() {
            return self.each(a, |e, a| e.convert_scalar(a, from.part(), to.part()));
        }
        if to.is_complex() {
            let re = self.convert_scalar(a.first(), from, to.part())?;
            return Ok(Ssa::pair(re, float(0.0)));
        }
        let (re, im) = parts(a)?;
        if to != DType::Bool {
            return Ok(self.convert_scalar(re, from.part(), to)?.into());
        }
        let re = self.convert_scalar(re, from.part(), to)?;
        let im = self.convert_scalar(im, from.part(), to)?;
        Ok(self.f.op(&format!("or i1 {re}, {im}")).into())
    }

    pub fn complex_unary(&mut self, op: UnOp, a: &Ssa, dtype: DType) -> Result<Operand> {
        let part = dtype.part();
        match op {
            UnOp::Neg => {
                let ty = scalar_type(part)?;
                Ok((self.each(a, |e, a| Ok(e.f.op(&format!("fneg {ty} {a}"))))?, dtype))
            }
            UnOp::Abs => {
                let (re, im) = parts(a)?;
                Ok((self.float_op(BinOp::Hypot, part, re, im, "")?.into(), part))
            }
            _ => Err(malformed(format!("{op:?} of {dtype}"))),
        }
    }

    pub fn complex_binary(&mut self, op: BinOp, dtype: DType, a: &Ssa, b: &Ssa) -> Result<Operand> {
        let part = dtype.part();
        let value = match op {
            BinOp::Add | BinOp::Sub => self.each_of(a, b, |e, a, b| e.float_op(op, part, a, b, ""))?,
            BinOp::Mul => self.complex_product(part, a, b)?,
            BinOp::Div => self.complex_quotient(part, a, b)?,
            BinOp::Pow if *b == Ssa::pair(float(1.0), float(0.0)) => a.clone(),
            BinOp::Pow if *b == Ssa::pair(float(2.0), float(0.0)) => self.complex_product(part, a, a)?,
            BinOp::Pow => {
                let ((ar, ai), (br, bi)) = (parts(a)?, parts(b)?);
                self.complex_call("cpow", dtype, &[ar, ai, br, bi])?
            }
            BinOp::Eq | BinOp::Ne => {
                let ((ar, ai), (br, bi)) = (parts(a)?, parts(b)?);
                let re = self.compare(op, part, ar, br)?;
                let im = self.compare(op, part, ai, bi)?;
                let join = if op == BinOp::Eq { "and" } else { "or" };
                return Ok((self.f.op(&format!("{join} i1 {re}, {im}")).into(), DType::Bool));
            }
            _ => return Err(malformed(format!("{op:?} of {dtype}"))),
        };
        Ok((value, dtype))
    }

    /// The plain formula, without contraction.
    fn complex_product(&mut self, part: DType, a: &Ssa, b: &Ssa) -> Result<Ssa> {
        let ((ar, ai), (br, bi)) = (parts(a)?, parts(b)?);
        let mut op = |op, a: &str, b: &str| self.float_op(op, part, a, b, "");
        let (rr, ii) = (op(BinOp::Mul, ar, br)?, op(BinOp::Mul, ai, bi)?);
        let (ri, ir) = (op(BinOp::Mul, ar, bi)?, op(BinOp::Mul, ai, br)?);
        Ok(Ssa::pair(op(BinOp::Sub, &rr, &ii)?, op(BinOp::Add, &ri, &ir)?))
    }

    /// Scaled by the larger part of the divisor (Smith), as NumPy does it.
    fn complex_quotient(&mut self, part: DType, a: &Ssa, b: &Ssa) -> Result<Ssa> {
        let ((ar, ai), (br, bi)) = (parts(a)?, parts(b)?);
        let ty = scalar_type(part)?;
        let (size_re, size_im) = (self.intrinsic("fabs", part, &[br])?, self.intrinsic("fabs", part, &[bi])?);
        let plain = self.f.op(&format!("fcmp oge {ty} {size_re}, {size_im}"));
        // With the parts of both numbers exchanged, the other case is the same up to a sign.
        let mut pick = |yes: &str, no: &str| self.f.op(&format!("select i1 {plain}, {ty} {yes}, {ty} {no}"));
        let (large, small) = (pick(br, bi), pick(bi, br));
        let (x, y) = (pick(ar, ai), pick(ai, ar));
        let mut op = |op, a: &str, b: &str| self.float_op(op, part, a, b, "");
        let ratio = op(BinOp::Div, &small, &large)?;
        let below = op(BinOp::Mul, &small, &ratio)?;
        let below = op(BinOp::Add, &large, &below)?;
        let scale = op(BinOp::Div, &float(1.0), &below)?;
        let turned = op(BinOp::Mul, &y, &ratio)?;
        let re = op(BinOp::Add, &x, &turned)?;
        let re = op(BinOp::Mul, &re, &scale)?;
        let turned = op(BinOp::Mul, &x, &ratio)?;
        let (ahead, behind) = (op(BinOp::Sub, &y, &turned)?, op(BinOp::Sub, &turned, &y)?);
        let im = self.f.op(&format!("select i1 {plain}, {ty} {ahead}, {ty} {behind}"));
        let im = self.float_op(BinOp::Mul, part, &im, &scale, "")?;
        // By zero, each part is divided by +0.
        let (zero, infinity) = (float(0.0), float(f64::INFINITY));
        let none = self.f.op(&format!("fcmp oeq {ty} {size_re}, {zero}"));
        let none = self.f.op(&format!("and i1 {none}, {plain}"));
        self.each_of(&Ssa::pair(ar, ai), &Ssa::pair(re, im), |e, a, quotient| {
            let by_zero = e.float_op(BinOp::Mul, part, a, &infinity, "")?;
            Ok(e.f.op(&format!("select i1 {none}, {ty} {by_zero}, {ty} {quotient}")))
        })
    }

    pub fn complex_function(&mut self, func: Function, a: &Ssa, dtype: DType) -> Result<Operand> {
        let (re, im) = parts(a)?;
        let (part, ty) = (dtype.part(), scalar_type(dtype.part())?);
        match func {
            Function::Real => Ok((re.into(), part)),
            Function::Imag => Ok((im.into(), part)),
            Function::Conj => Ok((Ssa::pair(re, self.f.op(&format!("fneg {ty} {im}"))), dtype)),
            Function::IsNan | Function::IsInf | Function::IsFinite => {
                let (re, im) = (self.float_test(func, part, re)?, self.float_test(func, part, im)?);
                let join = if func == Function::IsFinite { "and" } else { "or" };
                Ok((self.f.op(&format!("{join} i1 {re}, {im}")).into(), DType::Bool))
            }
            _ if func.has_complex() => {
                Ok((self.complex_call(&format!("c{}", libm_name(func)), dtype, &[re, im])?, dtype))
            }
            _ => Err(malformed(format!("{func:?} of {dtype}"))),
        }
    }

    /// A function of the run-time library, which writes its result to memory.
    fn complex_call(&mut self, name: &str, dtype: DType, args: &[&str]) -> Result<Ssa> {
        let (ty, name) = (scalar_type(dtype.part())?, format!("weft_{name}_{}", dtype.short()));
        let parameters = vec![ty; args.len()].join(", ");
        self.declare(format!("declare void @{name}(ptr, {parameters}) #3"));
        let slot = self.f.alloca(slot_type(dtype)?, 16);
        let args: Vec<String> = args.iter().map(|a| format!("{ty} {a}")).collect();
        self.f.line(&format!("call void @{name}(ptr {slot}, {}) #3", args.join(", ")));
        self.load_slot(&slot, dtype)
    }

    /// One step of a reduction; sums may be reassociated.
    pub fn complex_fold(&mut self, op: Wcr, dtype: DType, a: &Ssa, b: &Ssa) -> Result<Ssa> {
        let part = dtype.part();
        match op {
            Wcr::Sum => self.each_of(a, b, |e, a, b| e.float_op(BinOp::Add, part, a, b, "reassoc ")),
            Wcr::Product => self.complex_product(part, a, b),
            _ => Err(malformed(format!("{op:?} of {dtype}"))),
        }
    }

    /// The parts of a sum are sums of their own; a product needs both parts at once.
    pub fn complex_atomic(&mut self, at: &str, op: Wcr, value: &Ssa, dtype: DType) -> Result<()> {
        let (re, im) = parts(value)?;
        let (part, ty) = (dtype.part(), scalar_type(dtype.part())?);
        match op {
            Wcr::Sum => {
                let next = self.f.op(&format!("getelementptr inbounds {ty}, ptr {at}, i64 1"));
                for (at, value) in [(at, re), (&next, im)] {
                    let align = part.size();
                    self.f.op(&format!("atomicrmw fadd ptr {at}, {ty} {value} monotonic, align {align}"));
                }
                Ok(())
            }
            Wcr::Product => {
                let name = format!("weft_atomic_product_{}", dtype.short());
                self.declare(format!("declare void @{name}(ptr, {ty}, {ty}) #2"));
                self.f.line(&format!("call void @{name}(ptr {at}, {ty} {re}, {ty} {im}) #2"));
                Ok(())
            }
            _ => Err(malformed(format!("{op:?} of {dtype}"))),
        }
    }
}

fn parts(value: &Ssa) -> Result<(&str, &str)> {
    value.parts().ok_or_else(|| malformed("one value where a complex number is needed".into()))
}
