//! Parallel loops: the body becomes a function that the pool calls for chunks of iterations.
//!
//! The context is an array of 8-byte slots: the status of the first failure, then the captured
//! values. Each chunk folds into private accumulators and leaves them in an array by chunk;
//! they are combined in order after the loop, so that results are the same in every run.

use weft_looptree::For;

use super::func::{Bind, Func};
use super::loops::{Bounds, has_loop};
use super::ops::neutral;
use super::{Emitter, Result, slot_type};

impl Emitter<'_> {
    pub fn parallel(&mut self, f: &For) -> Result<()> {
        let bounds = self.bounds(f)?;
        let trip = self.trip_count(&bounds);
        let work = self.index(&f.work)?;
        let mut partials = Vec::new();
        let mut inits = Vec::new();
        for accumulator in &f.accumulators {
            let (init, found) = self.value(&accumulator.init)?;
            inits.push(self.expect(init, found, accumulator.dtype)?);
            let ty = slot_type(accumulator.dtype)?;
            partials.push(self.f.alloca(&format!("[{} x {ty}]", weft_rt::MAX_CHUNKS), 64));
        }
        let child = Func::new(self.f.outer_env(), true);
        let parent = std::mem::replace(&mut self.f, child);
        let written = self.chunk(f, &bounds, &partials);
        let child = std::mem::replace(&mut self.f, parent);
        let name = written?;
        let context = self.context(child.captures);
        self.declare("declare i64 @weft_parallel_for(i64, ptr, ptr, i64) #2");
        let chunks = self.f.op(&format!(
            "call i64 @weft_parallel_for(i64 {trip}, ptr @{name}, ptr {context}, i64 {work}) #2"
        ));
        if child.fails {
            let status = self.f.op(&format!("load i64, ptr {context}, align 8"));
            let good = self.f.op(&format!("icmp eq i64 {status}, 0"));
            let (ok, bad) = (self.f.fresh_label("ok"), self.f.fresh_label("fail"));
            self.f.line(&format!("br i1 {good}, label %{ok}, label %{bad}"));
            self.f.label(&bad);
            self.fail(&status);
            self.f.label(&ok);
        }
        for ((accumulator, init), partial) in f.accumulators.iter().zip(inits).zip(partials) {
            let (dtype, ty) = (accumulator.dtype, slot_type(accumulator.dtype)?);
            let slot = self.f.alloca(ty, 8);
            self.store_slot(&slot, &init, dtype)?;
            self.each_chunk(&chunks, |e, chunk| {
                let at = e.f.op(&format!("getelementptr inbounds {ty}, ptr {partial}, i64 {chunk}"));
                let (part, sum) = (e.load_slot(&at, dtype)?, e.load_slot(&slot, dtype)?);
                let sum = e.fold(accumulator.op, dtype, &sum, &part)?;
                e.store_slot(&slot, &sum, dtype)
            })?;
            self.finish_accumulator(accumulator, &slot)?;
        }
        Ok(())
    }

    fn trip_count(&mut self, bounds: &Bounds) -> String {
        let (from, to) =
            if bounds.step > 0 { (&bounds.begin, &bounds.end) } else { (&bounds.end, &bounds.begin) };
        let distance = self.f.op(&format!("sub nsw i64 {to}, {from}"));
        match bounds.step.unsigned_abs() {
            1 => distance,
            step => {
                let up = self.f.op(&format!("add nsw i64 {distance}, {}", step - 1));
                self.f.op(&format!("sdiv i64 {up}, {step}"))
            }
        }
    }

    /// Writes the function of the body and returns its name.
    fn chunk(&mut self, f: &For, bounds: &Bounds, partials: &[String]) -> Result<String> {
        let begin = self.capture(Bind::Value(bounds.begin.as_str().into()), "i64");
        let place = |e: &mut Self, at: &str| {
            let scaled = match bounds.step {
                1 => at.to_owned(),
                step => e.f.op(&format!("mul nsw i64 {at}, {step}")),
            };
            e.f.op(&format!("add nsw i64 {begin}, {scaled}"))
        };
        let (from, to) = (place(self, "%begin"), place(self, "%end"));
        let mut slots = Vec::new();
        for accumulator in &f.accumulators {
            slots.push(self.accumulate(accumulator, &neutral(accumulator.op, accumulator.dtype))?);
        }
        let own = Bounds { begin: from, end: to, step: bounds.step };
        self.counted(f.var, &own, true, !has_loop(&f.body), &f.body)?;
        for ((accumulator, slot), partial) in f.accumulators.iter().zip(slots).zip(partials) {
            let ty = slot_type(accumulator.dtype)?;
            let partial = self.capture(Bind::Value(partial.as_str().into()), "ptr");
            let at = self.f.op(&format!("getelementptr inbounds {ty}, ptr {partial}, i64 %chunk"));
            let value = self.load_slot(&slot, accumulator.dtype)?;
            self.store_slot(&at, &value, accumulator.dtype)?;
        }
        self.f.line("br label %exit");
        self.f.label("exit");
        self.free_all();
        self.f.line("ret void");
        let name = format!("kernel.parallel.{}", self.functions.len());
        let header =
            format!("define internal void @{name}(ptr noalias %ctx, i64 %begin, i64 %end, i64 %chunk) #0");
        let text = self.f.finish(&header);
        self.functions.push(text);
        Ok(name)
    }

    /// The context of a call: no failure yet, and the captured values.
    fn context(&mut self, captures: Vec<super::func::Capture>) -> String {
        let context = self.f.alloca(&format!("[{} x i64]", captures.len() + 1), 64);
        self.f.line(&format!("store i64 0, ptr {context}, align 8"));
        for (i, capture) in captures.into_iter().enumerate() {
            let ty = capture.ty;
            let value = match capture.source {
                Bind::Slot(slot) => self.f.op(&format!("load {ty}, ptr {slot}")),
                Bind::Value(value) => value.first().to_owned(),
                Bind::Outer(_) => {
                    unreachable!("only outlined functions have outer names, and none is nested")
                }
            };
            let at = self.f.op(&format!("getelementptr inbounds i8, ptr {context}, i64 {}", 8 * (i + 1)));
            self.f.line(&format!("store {ty} {value}, ptr {at}, align 8"));
        }
        context
    }

    fn each_chunk(&mut self, chunks: &str, body: impl FnOnce(&mut Self, &str) -> Result<()>) -> Result<()> {
        let (head, inside, after) =
            (self.f.fresh_label("chunks"), self.f.fresh_label("fold"), self.f.fresh_label("after"));
        let before = self.f.block.clone();
        self.f.line(&format!("br label %{head}"));
        self.f.label(&head);
        let next = self.f.fresh();
        let chunk = self.f.op(&format!("phi i64 [ 0, %{before} ], [ {next}, %{inside} ]"));
        let more = self.f.op(&format!("icmp slt i64 {chunk}, {chunks}"));
        self.f.line(&format!("br i1 {more}, label %{inside}, label %{after}"));
        self.f.label(&inside);
        body(self, &chunk)?;
        self.f.line(&format!("{next} = add nsw i64 {chunk}, 1"));
        self.f.line(&format!("br label %{head}"));
        self.f.label(&after);
        Ok(())
    }
}
