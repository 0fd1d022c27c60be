//! Copies, dense products and library calls: calls of the run-time library.

use weft_ir::sdfg::LibraryOp;
use weft_ir::symbolic::Expr;
use weft_looptree::Operand;

use super::{Emitter, Result, malformed, memory_type};

/// Copies of up to this many elements are written out.
const INLINE: i64 = 8;

impl Emitter<'_> {
    pub fn copy(&mut self, from: &Operand, to: &Operand) -> Result<()> {
        let dtype = self.buffer(from.buffer)?.dtype;
        if dtype != self.buffer(to.buffer)?.dtype {
            return Err(malformed("a copy between types".into()));
        }
        if from.shape.len() != to.shape.len() || from.strides.len() != to.strides.len() {
            return Err(malformed("a copy between ranks".into()));
        }
        let count = to.shape.iter().try_fold(1i64, |n, e| Some(n.saturating_mul(e.as_int()?.max(0))));
        if let Some(count) = count.filter(|&n| n <= INLINE) {
            return self.copy_inline(from, to, count);
        }
        let (source, target) = (self.address(from.buffer, &from.start)?, self.address(to.buffer, &to.start)?);
        let shape = self.numbers(&to.shape)?;
        let (from_strides, to_strides) = (self.numbers(&from.strides)?, self.numbers(&to.strides)?);
        self.declare("declare void @weft_copy(i64, i64, ptr, ptr, ptr, ptr, ptr) #2");
        let (size, rank) = (dtype.size(), to.shape.len());
        self.f.line(&format!(
            "call void @weft_copy(i64 {size}, i64 {rank}, ptr {shape}, ptr {target}, ptr {to_strides}, \
             ptr {source}, ptr {from_strides}) #2"
        ));
        Ok(())
    }

    fn copy_inline(&mut self, from: &Operand, to: &Operand, count: i64) -> Result<()> {
        let shape: Vec<i64> = to.shape.iter().map(|e| e.as_int().unwrap_or(0)).collect();
        for flat in 0..count {
            let (mut rest, mut source, mut target) = (flat, Expr::zero(), Expr::zero());
            for d in (0..shape.len()).rev() {
                let i = Expr::int(rest % shape[d]);
                rest /= shape[d];
                source = source + &i * &from.strides[d];
                target = target + &i * &to.strides[d];
            }
            let dtype = self.buffer(to.buffer)?.dtype;
            let at = self.element(from, &source)?;
            let access = self.access(from.buffer, None);
            let value = self.load_at(&at, dtype, &access)?;
            let at = self.element(to, &target)?;
            let access = self.access(to.buffer, None);
            self.store_at(&at, &value, dtype, &access)?;
        }
        Ok(())
    }

    fn element(&mut self, operand: &Operand, offset: &Expr) -> Result<String> {
        let start = self.address(operand.buffer, &operand.start)?;
        let offset = self.index(offset)?;
        let ty = memory_type(self.buffer(operand.buffer)?.dtype)?;
        Ok(self.f.op(&format!("getelementptr inbounds {ty}, ptr {start}, i64 {offset}")))
    }

    pub fn matmul(&mut self, a: &Operand, b: &Operand, c: &Operand) -> Result<()> {
        let dtype = self.buffer(c.buffer)?.dtype;
        if self.buffer(a.buffer)?.dtype != dtype || self.buffer(b.buffer)?.dtype != dtype {
            return Err(malformed("a product of different types".into()));
        }
        let ranks = (a.shape.len(), b.shape.len(), c.shape.len());
        let (one, zero) = (Expr::one(), Expr::zero());
        // Rows, columns and their strides; a vector is a row on the left and a column on the right.
        let (m, k, a_strides) = match &a.shape[..] {
            [m, k] => (m.clone(), k.clone(), [a.strides[0].clone(), a.strides[1].clone()]),
            [k] => (one.clone(), k.clone(), [zero.clone(), a.strides[0].clone()]),
            _ => return Err(malformed(format!("a product of ranks {ranks:?}"))),
        };
        let (n, b_strides) = match &b.shape[..] {
            [_, n] => (n.clone(), [b.strides[0].clone(), b.strides[1].clone()]),
            [_] => (one, [b.strides[0].clone(), zero.clone()]),
            _ => return Err(malformed(format!("a product of ranks {ranks:?}"))),
        };
        let c_strides = match ranks {
            (2, 2, 2) => [c.strides[0].clone(), c.strides[1].clone()],
            (2, 1, 1) => [c.strides[0].clone(), zero],
            (1, 2, 1) => [zero, c.strides[0].clone()],
            (1, 1, 0) => [zero.clone(), zero],
            _ => return Err(malformed(format!("a product of ranks {ranks:?}"))),
        };
        let sizes = [self.index(&m)?, self.index(&n)?, self.index(&k)?];
        let a = self.view(a, &a_strides)?;
        let b = self.view(b, &b_strides)?;
        let c = self.view(c, &c_strides)?;
        self.declare("declare void @weft_matmul(i64, i64, i64, i64, ptr, ptr, ptr) #2");
        let [m, n, k] = sizes;
        self.f.line(&format!(
            "call void @weft_matmul(i64 {}, i64 {m}, i64 {n}, i64 {k}, ptr {a}, ptr {b}, ptr {c}) #2",
            dtype as i64
        ));
        Ok(())
    }

    /// A call of the run-time library with its operands in a row.
    pub fn library(
        &mut self,
        op: LibraryOp,
        inputs: &[Operand],
        outputs: &[Operand],
        check: Option<u32>,
    ) -> Result<()> {
        let Some(first) = inputs.first() else { return Err(malformed(format!("{} of nothing", op.name()))) };
        let dtype = self.buffer(first.buffer)?.dtype;
        let count = inputs.len() + outputs.len();
        let memory = self.f.alloca(&format!("[{} x i64]", 4 * count), 8);
        for (i, operand) in inputs.iter().chain(outputs).enumerate() {
            let pointer = self.address(operand.buffer, &operand.start)?;
            let (shape, strides) = (self.numbers(&operand.shape)?, self.numbers(&operand.strides)?);
            let fields = [
                format!("ptr {pointer}"),
                format!("i64 {}", operand.shape.len()),
                format!("ptr {shape}"),
                format!("ptr {strides}"),
            ];
            for (j, field) in fields.iter().enumerate() {
                let at = self.f.op(&format!("getelementptr inbounds i64, ptr {memory}, i64 {}", 4 * i + j));
                self.f.line(&format!("store {field}, ptr {at}, align 8"));
            }
        }
        let entry = match op {
            LibraryOp::Sort | LibraryOp::ArgSort | LibraryOp::Fft { .. } => "weft_along",
            _ => "weft_linalg",
        };
        self.declare(format!("declare i64 @{entry}(i64, i64, ptr) #2"));
        let number = LibraryOp::all().iter().position(|o| *o == op).unwrap_or_default();
        let status =
            self.f.op(&format!("call i64 @{entry}(i64 {number}, i64 {}, ptr {memory}) #2", dtype as i64));
        let enough = self.f.op(&format!("icmp ne i64 {status}, {}", weft_rt::MEMORY));
        self.fail_unless(&enough, weft_rt::MEMORY);
        if let Some(id) = check {
            let done = self.f.op(&format!("icmp eq i64 {status}, 0"));
            self.fail_unless(&done, i64::from(id) + 1);
        }
        Ok(())
    }

    /// Pointer, row stride and column stride, in memory.
    fn view(&mut self, operand: &Operand, strides: &[Expr; 2]) -> Result<String> {
        let pointer = self.address(operand.buffer, &operand.start)?;
        let memory = self.f.alloca("[3 x i64]", 8);
        self.f.line(&format!("store ptr {pointer}, ptr {memory}, align 8"));
        for (i, stride) in strides.iter().enumerate() {
            let stride = self.index(stride)?;
            let at = self.f.op(&format!("getelementptr inbounds i64, ptr {memory}, i64 {}", i + 1));
            self.f.line(&format!("store i64 {stride}, ptr {at}, align 8"));
        }
        Ok(memory)
    }
}
