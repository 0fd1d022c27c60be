//! Loops of one thread, and the accumulators that they carry.

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_looptree::{Accumulator, For, LoopSchedule, Stmt, Value};

use super::func::{Bind, Key, LoopContext, Ssa};
use super::{Emitter, Result, children, malformed, slot_type};

/// The bounds of a loop, as operands; the step is a constant that is not zero.
pub struct Bounds {
    pub begin: String,
    pub end: String,
    pub step: i64,
}

impl Emitter<'_> {
    pub fn for_loop(&mut self, f: &For) -> Result<()> {
        if f.schedule == LoopSchedule::Parallel && !self.f.outlined && !self.escapes(f) {
            return self.parallel(f);
        }
        let bounds = self.bounds(f)?;
        let mut slots = Vec::new();
        let mark = self.f.open();
        for accumulator in &f.accumulators {
            let (init, found) = self.value(&accumulator.init)?;
            let init = self.expect(init, found, accumulator.dtype)?;
            slots.push(self.accumulate(accumulator, &init)?);
        }
        let vector = f.schedule != LoopSchedule::Unordered && !has_loop(&f.body);
        self.counted(f.var, &bounds, f.schedule != LoopSchedule::Sequential, vector, &f.body)?;
        self.f.close(mark);
        for (accumulator, slot) in f.accumulators.iter().zip(slots) {
            self.finish_accumulator(accumulator, &slot)?;
        }
        Ok(())
    }

    pub fn bounds(&mut self, f: &For) -> Result<Bounds> {
        let step = match f.range.step.as_int() {
            Some(step) if step != 0 => step,
            _ => return Err(malformed(format!("the step of {} is not a constant", f.var))),
        };
        Ok(Bounds { begin: self.index(&f.range.begin)?, end: self.index(&f.range.end)?, step })
    }

    /// Makes the slot of an accumulator, with its first value.
    pub fn accumulate(&mut self, accumulator: &Accumulator, init: &Ssa) -> Result<String> {
        let slot = self.f.alloca(slot_type(accumulator.dtype)?, 8);
        self.store_slot(&slot, init, accumulator.dtype)?;
        self.accumulator_ops.insert(accumulator.name, accumulator.op);
        self.f.bind(Key::Accumulator(accumulator.name), Bind::Slot(slot.as_str().into()), accumulator.dtype);
        Ok(slot)
    }

    /// After the loop the accumulator is a local.
    pub fn finish_accumulator(&mut self, accumulator: &Accumulator, slot: &str) -> Result<()> {
        let value = self.load_slot(slot, accumulator.dtype)?;
        self.f.bind(Key::Local(accumulator.name), Bind::Value(value), accumulator.dtype);
        Ok(())
    }

    /// A loop over the bounds, tested before the first iteration.
    pub fn counted(
        &mut self,
        var: Name,
        bounds: &Bounds,
        independent: bool,
        vector: bool,
        body: &[Stmt],
    ) -> Result<()> {
        let (head, latch, exit) =
            (self.f.fresh_label("loop"), self.f.fresh_label("latch"), self.f.fresh_label("after"));
        let less = if bounds.step > 0 { "slt" } else { "sgt" };
        let (begin, end) = (&bounds.begin, &bounds.end);
        let any = self.f.op(&format!("icmp {less} i64 {begin}, {end}"));
        let before = self.f.block.clone();
        self.f.line(&format!("br i1 {any}, label %{head}, label %{exit}"));
        self.f.label(&head);
        let next = self.f.fresh();
        let value = self.f.op(&format!("phi i64 [ {begin}, %{before} ], [ {next}, %{latch} ]"));
        let group = independent.then(|| self.node("distinct !{}"));
        let mark = self.f.open();
        self.f.bind(Key::Symbol(var), Bind::Value(value.as_str().into()), DType::I64);
        let context =
            LoopContext { var: Some(var), group, continue_to: latch.clone(), break_to: exit.clone() };
        self.f.loops.push(context);
        self.list(body)?;
        self.f.loops.pop();
        self.f.close(mark);
        self.f.line(&format!("br label %{latch}"));
        self.f.label(&latch);
        self.f.line(&format!("{next} = add nsw i64 {value}, {}", bounds.step));
        let more = self.f.op(&format!("icmp {less} i64 {next}, {end}"));
        let metadata = group.map(|g| self.loop_metadata(g, vector)).unwrap_or_default();
        self.f.line(&format!("br i1 {more}, label %{head}, label %{exit}{metadata}"));
        self.f.label(&exit);
        Ok(())
    }

    fn loop_metadata(&mut self, group: usize, vector: bool) -> String {
        let parallel = self.node(&format!("!{{!\"llvm.loop.parallel_accesses\", !{group}}}"));
        let id = self.node("");
        let enable = vector.then(|| self.node("!{!\"llvm.loop.vectorize.enable\", i1 true}"));
        let enable = enable.map(|e| format!(", !{e}")).unwrap_or_default();
        self.metadata[id] = format!("distinct !{{!{id}, !{parallel}{enable}}}");
        format!(", !llvm.loop !{id}")
    }

    pub fn while_loop(&mut self, cond: &Value, body: &[Stmt]) -> Result<()> {
        let (head, inside, exit) =
            (self.f.fresh_label("while"), self.f.fresh_label("body"), self.f.fresh_label("after"));
        self.f.line(&format!("br label %{head}"));
        self.f.label(&head);
        let mark = self.f.open();
        let cond = self.condition(cond)?;
        self.f.line(&format!("br i1 {cond}, label %{inside}, label %{exit}"));
        self.f.label(&inside);
        let context =
            LoopContext { var: None, group: None, continue_to: head.clone(), break_to: exit.clone() };
        self.f.loops.push(context);
        self.list(body)?;
        self.f.loops.pop();
        self.f.close(mark);
        self.f.line(&format!("br label %{head}"));
        self.f.label(&exit);
        Ok(())
    }

    /// The body leaves the loop or folds into something outside: it cannot be a function.
    fn escapes(&self, f: &For) -> bool {
        let own: Vec<Name> = f.accumulators.iter().map(|a| a.name).collect();
        let mut outside = false;
        visit(&f.body, 0, &mut |stmt, depth| match stmt {
            Stmt::Return => outside = true,
            Stmt::Break | Stmt::Continue => outside |= depth == 0,
            Stmt::Update { accumulator, .. } => {
                outside |=
                    !own.contains(accumulator) && self.f.lookup(Key::Accumulator(*accumulator)).is_some();
            }
            Stmt::Assign { symbol, .. } => outside |= self.f.lookup(Key::Symbol(*symbol)).is_some(),
            _ => {}
        });
        outside
    }
}

/// Visits statements with the number of loops of the body around them.
fn visit(stmts: &[Stmt], depth: usize, f: &mut dyn FnMut(&Stmt, usize)) {
    for stmt in stmts {
        f(stmt, depth);
        let inner = depth + usize::from(matches!(stmt, Stmt::For(_) | Stmt::While { .. }));
        for list in children(stmt) {
            visit(list, inner, f);
        }
    }
}

pub fn has_loop(stmts: &[Stmt]) -> bool {
    let mut found = false;
    visit(stmts, 0, &mut |stmt, _| found |= matches!(stmt, Stmt::For(_) | Stmt::While { .. }));
    found
}
