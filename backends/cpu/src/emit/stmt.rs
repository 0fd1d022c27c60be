//! Statements.

use weft_ir::dtype::DType;
use weft_ir::sdfg::{Wcr, column_major, row_major};
use weft_ir::symbolic::Expr;
use weft_looptree::{BufferId, Placement, Stmt, Value};

use super::func::{Bind, Key, Ssa};
use super::{Emitter, Result, malformed, memory_type, scalar_type, unsupported};

impl Emitter<'_> {
    /// A statement list; what it allocates is freed at its end.
    pub fn list(&mut self, stmts: &[Stmt]) -> Result<()> {
        let mark = self.f.open();
        let mut allocated = Vec::new();
        for stmt in stmts {
            match stmt {
                Stmt::Alloc(id) => allocated.extend(self.alloc(*id)?),
                _ => self.stmt(stmt)?,
            }
        }
        for slot in allocated.iter().rev() {
            self.free(slot);
        }
        self.f.close(mark);
        Ok(())
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<()> {
        match stmt {
            Stmt::For(f) => self.for_loop(f),
            Stmt::While { cond, body } => self.while_loop(cond, body),
            Stmt::If { cond, then, otherwise } => self.branch(cond, then, otherwise),
            Stmt::Break => {
                let to = self.innermost()?.break_to.clone();
                self.leave(&to);
                Ok(())
            }
            Stmt::Continue => {
                let to = self.innermost()?.continue_to.clone();
                self.leave(&to);
                Ok(())
            }
            Stmt::Return if self.f.outlined => Err(malformed("a return inside a parallel loop".into())),
            Stmt::Return => {
                self.leave("exit");
                Ok(())
            }
            Stmt::Alloc(_) | Stmt::Comment(_) => Ok(()),
            Stmt::Assign { symbol, value } => {
                let (value, dtype) = self.value(value)?;
                let value = self.expect(value, dtype, DType::I64)?;
                let slot = self.f.slot_for_symbol(*symbol);
                self.store_slot(&slot, &value, DType::I64)
            }
            Stmt::Let { name, dtype, value } => {
                let (value, found) = self.value(value)?;
                let value = self.expect(value, found, *dtype)?;
                self.f.bind(Key::Local(*name), Bind::Value(value), *dtype);
                Ok(())
            }
            Stmt::Store { buffer, index, value } => {
                let (value, found) = self.value(value)?;
                let dtype = self.buffer(*buffer)?.dtype;
                let value = self.expect(value, found, dtype)?;
                let at = self.address(*buffer, index)?;
                let access = self.access(*buffer, None);
                self.store_at(&at, &value, dtype, &access)
            }
            Stmt::Combine { buffer, index, op, value, atomic } => {
                let (value, found) = self.value(value)?;
                let dtype = self.buffer(*buffer)?.dtype;
                let value = self.expect(value, found, dtype)?;
                if *atomic && self.f.outlined {
                    return self.combine_atomic(*buffer, index, *op, &value, dtype);
                }
                let at = self.address(*buffer, index)?;
                let access = self.access(*buffer, Some(index));
                let old = self.load_at(&at, dtype, &access)?;
                let new = self.fold(*op, dtype, &old, &value)?;
                self.store_at(&at, &new, dtype, &access)
            }
            Stmt::Update { accumulator, value } => {
                let (value, found) = self.value(value)?;
                let Some((Bind::Slot(slot), dtype)) = self.f.lookup(Key::Accumulator(*accumulator)) else {
                    return Err(malformed(format!("no loop here accumulates {accumulator}")));
                };
                let value = self.expect(value, found, dtype)?;
                let op = self.accumulator_ops[accumulator];
                let old = self.load_slot(&slot, dtype)?;
                let new = self.fold(op, dtype, &old, &value)?;
                self.store_slot(&slot, &new, dtype)
            }
            Stmt::Copy { from, to } => self.copy(from, to),
            Stmt::MatMul { a, b, c } => self.matmul(a, b, c),
            Stmt::Library { op, inputs, outputs, check } => self.library(*op, inputs, outputs, *check),
            Stmt::Check { id, cond } => {
                let cond = self.condition(cond)?;
                self.fail_unless(&cond, i64::from(*id) + 1);
                Ok(())
            }
        }
    }

    pub fn expect(&self, value: Ssa, found: DType, wanted: DType) -> Result<Ssa> {
        if found == wanted {
            return Ok(value);
        }
        Err(malformed(format!("a value of type {found} where {wanted} is stored")))
    }

    fn innermost(&self) -> Result<&super::func::LoopContext> {
        self.f.loops.last().ok_or_else(|| malformed("break or continue outside of a loop".into()))
    }

    /// Jumps away; what follows in the list is unreachable.
    fn leave(&mut self, to: &str) {
        self.f.line(&format!("br label %{to}"));
        let dead = self.f.fresh_label("dead");
        self.f.label(&dead);
    }

    /// Ends the program with the status unless the condition holds.
    pub fn fail_unless(&mut self, cond: &str, status: i64) {
        let (ok, fail) = (self.f.fresh_label("ok"), self.f.fresh_label("fail"));
        self.f.line(&format!("br i1 {cond}, label %{ok}, label %{fail}"));
        self.f.label(&fail);
        self.fail(&status.to_string());
        self.f.label(&ok);
    }

    /// Ends the program with the status. In a parallel loop the first failure is kept.
    pub fn fail(&mut self, status: &str) {
        self.f.fails = true;
        if self.f.outlined {
            self.f.op(&format!("cmpxchg ptr %ctx, i64 0, i64 {status} monotonic monotonic, align 8"));
        } else {
            self.f.line(&format!("store i64 {status}, ptr %status, align 8"));
        }
        self.f.line("br label %exit");
    }

    fn branch(&mut self, cond: &Value, then: &[Stmt], otherwise: &[Stmt]) -> Result<()> {
        let cond = self.condition(cond)?;
        let (yes, no, end) =
            (self.f.fresh_label("then"), self.f.fresh_label("else"), self.f.fresh_label("end"));
        let no_target = if otherwise.is_empty() { &end } else { &no };
        self.f.line(&format!("br i1 {cond}, label %{yes}, label %{no_target}"));
        self.f.label(&yes);
        self.list(then)?;
        self.f.line(&format!("br label %{end}"));
        if !otherwise.is_empty() {
            self.f.label(&no);
            self.list(otherwise)?;
            self.f.line(&format!("br label %{end}"));
        }
        self.f.label(&end);
        Ok(())
    }

    /// Returns the slot of a heap block that the list must free.
    fn alloc(&mut self, id: BufferId) -> Result<Option<String>> {
        let buffer = self.buffer(id)?;
        let ty = memory_type(buffer.dtype)?;
        match buffer.placement {
            Placement::Argument(_) => Err(malformed(format!("the argument {} is allocated", buffer.name))),
            Placement::Stack => {
                let count =
                    buffer.shape.iter().try_fold(1i64, |n, e| e.as_int().map(|e| n.saturating_mul(e.max(1))));
                let Some(count) = count.filter(|&n| n <= 1 << 16) else {
                    return Err(unsupported(format!("{} elements on the stack for {}", "many", buffer.name)));
                };
                let pointer = if count == 1 {
                    self.f.alloca(ty, 8)
                } else {
                    self.f.alloca(&format!("[{count} x {ty}]"), 64)
                };
                self.f.bind(Key::Buffer(id), Bind::Value(pointer.into()), buffer.dtype);
                Ok(None)
            }
            Placement::Heap => {
                let dims = self.extents(id)?;
                let slot = self.f.alloca("ptr", 8);
                self.f.allocas.push_str(&format!("  store ptr null, ptr {slot}\n"));
                let list = self.numbers(&dims)?;
                // A block that a `break` or `continue` left behind is freed here.
                let old = self.f.op(&format!("load ptr, ptr {slot}"));
                self.declare("declare void @weft_free(ptr) #2");
                self.f.line(&format!("call void @weft_free(ptr {old}) #2"));
                self.declare("declare noalias ptr @weft_alloc(ptr, i64, i64) #2");
                let size = buffer.dtype.size();
                let pointer = self.f.op(&format!(
                    "call noalias ptr @weft_alloc(ptr {list}, i64 {}, i64 {size}) #2",
                    dims.len()
                ));
                self.f.line(&format!("store ptr {pointer}, ptr {slot}"));
                let got = self.f.op(&format!("icmp ne ptr {pointer}, null"));
                self.fail_unless(&got, weft_rt::MEMORY);
                self.f.bind(Key::Buffer(id), Bind::Value(pointer.into()), buffer.dtype);
                self.f.heap.push(slot.clone());
                Ok(Some(slot))
            }
        }
    }

    /// Numbers whose product is at least the elements that the strides reach.
    fn extents(&self, id: BufferId) -> Result<Vec<Expr>> {
        let buffer = self.buffer(id)?;
        if buffer.strides == row_major(&buffer.shape) || buffer.strides == column_major(&buffer.shape) {
            return Ok(buffer.shape.clone());
        }
        let mut reach = Expr::one();
        for (size, stride) in buffer.shape.iter().zip(&buffer.strides) {
            reach = reach + (size.max(&Expr::one()) - 1) * stride;
        }
        Ok(vec![reach])
    }

    fn free(&mut self, slot: &str) {
        let block = self.f.op(&format!("load ptr, ptr {slot}"));
        self.declare("declare void @weft_free(ptr) #2");
        self.f.line(&format!("call void @weft_free(ptr {block}) #2"));
        self.f.line(&format!("store ptr null, ptr {slot}"));
    }

    /// At the end of the function: frees whatever an early exit left.
    pub fn free_all(&mut self) {
        for slot in std::mem::take(&mut self.f.heap).iter().rev() {
            self.free(slot);
        }
    }

    /// Numbers in a row in memory, for a call.
    pub fn numbers(&mut self, list: &[Expr]) -> Result<String> {
        let memory = self.f.alloca(&format!("[{} x i64]", list.len().max(1)), 8);
        for (i, e) in list.iter().enumerate() {
            let value = self.index(e)?;
            let at = self.f.op(&format!("getelementptr inbounds i64, ptr {memory}, i64 {i}"));
            self.f.line(&format!("store i64 {value}, ptr {at}, align 8"));
        }
        Ok(memory)
    }

    fn combine_atomic(
        &mut self,
        id: BufferId,
        index: &[Expr],
        op: Wcr,
        value: &Ssa,
        dtype: DType,
    ) -> Result<()> {
        let at = self.address(id, index)?;
        if dtype.is_complex() {
            return self.complex_atomic(&at, op, value, dtype);
        }
        let ty = memory_type(dtype)?;
        let rmw = match op {
            Wcr::Sum if dtype.is_float() && dtype != DType::F16 => Some("fadd"),
            Wcr::Sum if dtype.is_int() => Some("add"),
            Wcr::And if dtype.is_int() => Some("and"),
            Wcr::Or if dtype.is_int() => Some("or"),
            Wcr::Min if dtype.is_signed() => Some("min"),
            Wcr::Max if dtype.is_signed() => Some("max"),
            Wcr::Min if dtype.is_unsigned() => Some("umin"),
            Wcr::Max if dtype.is_unsigned() => Some("umax"),
            _ => None,
        };
        let align = dtype.size();
        if let Some(rmw) = rmw {
            let value = value.first();
            self.f.op(&format!("atomicrmw {rmw} ptr {at}, {ty} {value} monotonic, align {align}"));
            return Ok(());
        }
        let bits = format!("i{}", 8 * dtype.size());
        let first = self.f.op(&format!("load atomic {bits}, ptr {at} monotonic, align {align}"));
        let before = self.f.block.clone();
        let (again, done) = (self.f.fresh_label("again"), self.f.fresh_label("done"));
        self.f.line(&format!("br label %{again}"));
        self.f.label(&again);
        let next = self.f.fresh();
        let old = self.f.op(&format!("phi {bits} [ {first}, %{before} ], [ {next}, %{again} ]"));
        let typed = self.typed_of_bits(&old, dtype)?;
        let new = self.fold(op, dtype, &typed.into(), value)?;
        let new = self.bits_of_typed(new.first(), dtype)?;
        let pair = self
            .f
            .op(&format!("cmpxchg ptr {at}, {bits} {old}, {bits} {new} monotonic monotonic, align {align}"));
        self.f.line(&format!("{next} = extractvalue {{ {bits}, i1 }} {pair}, 0"));
        let ok = self.f.op(&format!("extractvalue {{ {bits}, i1 }} {pair}, 1"));
        self.f.line(&format!("br i1 {ok}, label %{done}, label %{again}"));
        self.f.label(&done);
        Ok(())
    }

    fn typed_of_bits(&mut self, bits: &str, dtype: DType) -> Result<String> {
        let ty = scalar_type(dtype)?;
        Ok(match dtype {
            DType::Bool => self.f.op(&format!("icmp ne i8 {bits}, 0")),
            _ if dtype.is_float() => self.f.op(&format!("bitcast i{} {bits} to {ty}", 8 * dtype.size())),
            _ => bits.to_owned(),
        })
    }

    fn bits_of_typed(&mut self, value: &str, dtype: DType) -> Result<String> {
        let ty = scalar_type(dtype)?;
        Ok(match dtype {
            DType::Bool => self.f.op(&format!("zext i1 {value} to i8")),
            _ if dtype.is_float() => self.f.op(&format!("bitcast {ty} {value} to i{}", 8 * dtype.size())),
            _ => value.to_owned(),
        })
    }
}
