//! Mathematical functions: intrinsics where the processor has an instruction, else libm, whose
//! calls say which vector variants exist.

use weft_ir::dtype::DType;
use weft_ir::tasklet::Func as Function;

use super::value::{Operand, float};
use super::{Emitter, Result, malformed, scalar_type};

impl Emitter<'_> {
    pub fn function(&mut self, func: Function, (a, dtype): Operand) -> Result<Operand> {
        if dtype.is_complex() {
            return self.complex_function(func, &a, dtype);
        }
        let a = a.first();
        if !dtype.is_float() {
            return self.function_of_int(func, a, dtype);
        }
        let value = match func {
            Function::Sqrt => self.intrinsic("sqrt", dtype, &[a])?,
            Function::Floor => self.intrinsic("floor", dtype, &[a])?,
            Function::Ceil => self.intrinsic("ceil", dtype, &[a])?,
            Function::Trunc => self.intrinsic("trunc", dtype, &[a])?,
            Function::Rint => self.intrinsic("roundeven", dtype, &[a])?,
            Function::Sign => self.float_sign(dtype, a)?,
            _ if func.is_test() => return Ok((self.float_test(func, dtype, a)?.into(), DType::Bool)),
            Function::Conj | Function::Real | Function::Imag => {
                return Err(malformed(format!("{func:?} of {dtype}")));
            }
            _ => {
                let suffix = if dtype == DType::F32 { "f" } else { "" };
                self.libm(&format!("{}{suffix}", libm_name(func)), dtype, &[a])?
            }
        };
        Ok((value.into(), dtype))
    }

    /// A function from a float to `bool`.
    pub fn float_test(&mut self, func: Function, dtype: DType, a: &str) -> Result<String> {
        let ty = scalar_type(dtype)?;
        Ok(match func {
            Function::IsNan => self.f.op(&format!("fcmp uno {ty} {a}, {a}")),
            Function::SignBit => {
                let bits = 8 * dtype.size();
                let a = self.f.op(&format!("bitcast {ty} {a} to i{bits}"));
                self.f.op(&format!("icmp slt i{bits} {a}, 0"))
            }
            _ => {
                let size = self.intrinsic("fabs", dtype, &[a])?;
                let predicate = if func == Function::IsInf { "oeq" } else { "olt" };
                self.f.op(&format!("fcmp {predicate} {ty} {size}, {}", float(f64::INFINITY)))
            }
        })
    }

    fn function_of_int(&mut self, func: Function, a: &str, dtype: DType) -> Result<Operand> {
        let ty = scalar_type(dtype)?;
        match func {
            Function::Floor | Function::Ceil | Function::Trunc | Function::Rint => Ok((a.into(), dtype)),
            Function::IsNan | Function::IsInf => Ok(("false".into(), DType::Bool)),
            Function::IsFinite => Ok(("true".into(), DType::Bool)),
            Function::Sign if dtype.is_int() => {
                let least = if dtype.is_signed() { "-1" } else { "0" };
                let which = if dtype.is_signed() { "s" } else { "u" };
                let low = self.int_intrinsic(&format!("{which}max"), ty, a, least);
                Ok((self.int_intrinsic(&format!("{which}min"), ty, &low, "1").into(), dtype))
            }
            _ => Err(malformed(format!("{func:?} of {dtype}"))),
        }
    }

    fn float_sign(&mut self, dtype: DType, a: &str) -> Result<String> {
        let ty = scalar_type(dtype)?;
        let zero = float(0.0);
        let negative = self.f.op(&format!("fcmp olt {ty} {a}, {zero}"));
        let positive = self.f.op(&format!("fcmp ogt {ty} {a}, {zero}"));
        let is_zero = self.f.op(&format!("fcmp oeq {ty} {a}, {zero}"));
        let rest = self.f.op(&format!("select i1 {is_zero}, {ty} {zero}, {ty} {a}"));
        let rest = self.f.op(&format!("select i1 {negative}, {ty} {}, {ty} {rest}", float(-1.0)));
        Ok(self.f.op(&format!("select i1 {positive}, {ty} {}, {ty} {rest}", float(1.0))))
    }

    /// An LLVM intrinsic from floats to a float of the same type.
    pub fn intrinsic(&mut self, name: &str, dtype: DType, args: &[&str]) -> Result<String> {
        let (ty, short) = (scalar_type(dtype)?, dtype.short());
        let parameters = vec![ty; args.len()].join(", ");
        self.declare(format!("declare {ty} @llvm.{name}.{short}({parameters})"));
        let args: Vec<String> = args.iter().map(|a| format!("{ty} {a}")).collect();
        Ok(self.f.op(&format!("call {ty} @llvm.{name}.{short}({})", args.join(", "))))
    }

    /// A function of libm, vectorized where libmvec has it.
    pub fn libm(&mut self, name: &str, dtype: DType, args: &[&str]) -> Result<String> {
        let ty = scalar_type(dtype)?;
        let parameters = vec![ty; args.len()].join(", ");
        self.declare(format!("declare {ty} @{name}({parameters}) #1"));
        let attributes = self.vector_attributes(name);
        let args: Vec<String> = args.iter().map(|a| format!("{ty} {a}")).collect();
        Ok(self.f.op(&format!("call {ty} @{name}({}) #{attributes}", args.join(", "))))
    }
}

pub fn libm_name(func: Function) -> &'static str {
    match func {
        Function::Cbrt => "cbrt",
        Function::Exp => "exp",
        Function::Exp2 => "exp2",
        Function::Expm1 => "expm1",
        Function::Log => "log",
        Function::Log2 => "log2",
        Function::Log10 => "log10",
        Function::Log1p => "log1p",
        Function::Sin => "sin",
        Function::Cos => "cos",
        Function::Tan => "tan",
        Function::Asin => "asin",
        Function::Acos => "acos",
        Function::Atan => "atan",
        Function::Sinh => "sinh",
        Function::Cosh => "cosh",
        Function::Tanh => "tanh",
        Function::Asinh => "asinh",
        Function::Acosh => "acosh",
        Function::Atanh => "atanh",
        Function::Sqrt => "sqrt",
        Function::Floor => "floor",
        Function::Ceil => "ceil",
        Function::Trunc => "trunc",
        Function::Rint => "rint",
        Function::Erf => "erf",
        Function::Erfc => "erfc",
        Function::Gamma => "tgamma",
        Function::Lgamma => "lgamma",
        Function::Conj => "conj",
        Function::Real => "real",
        Function::Imag => "imag",
        Function::Sign | Function::IsNan | Function::IsInf | Function::IsFinite | Function::SignBit => "fabs",
    }
}
