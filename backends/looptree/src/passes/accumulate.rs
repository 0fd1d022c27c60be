//! Conflict resolution to accumulators: where all iterations of a loop combine into one element,
//! and touch its buffer in no other way, they fold into a register.

use std::collections::{BTreeMap, BTreeSet};

use weft_ir::names::Name;
use weft_ir::sdfg::Wcr;
use weft_ir::symbolic::{Assumptions, Expr, Truth};
use weft_ir::tasklet::BinOp;

use crate::lower::{Names, compare, neutral};
use crate::tree::{Accumulator, Buffer, BufferId, For, Program, Stmt, Value};
use crate::visit::{self, Touch, allocated_in, defined_in, mentions};

pub(super) fn run(program: &mut Program, facts: &Assumptions, names: &mut Names) {
    let mutable = super::assigned(&program.body);
    let mut pass = Pass { buffers: &program.buffers, names, mutable };
    let mut body = std::mem::take(&mut program.body);
    pass.list(&mut body, facts);
    program.body = body;
}

struct Pass<'a> {
    buffers: &'a [Buffer],
    names: &'a mut Names,
    mutable: BTreeSet<Name>,
}

/// An element that a loop only combines into.
struct Target {
    buffer: BufferId,
    index: Vec<Expr>,
    op: Wcr,
}

impl Pass<'_> {
    fn list(&mut self, list: &mut Vec<Stmt>, facts: &Assumptions) {
        let old = std::mem::take(list);
        for mut stmt in old {
            let mut inner = facts.clone();
            if let Stmt::For(l) = &stmt
                && !mentions(&[l.range.begin.clone(), l.range.end.clone()], &self.mutable)
            {
                inner.assume_in(l.var, &l.range);
            }
            for body in stmt.lists_mut() {
                self.list(body, &inner);
            }
            let Stmt::For(mut l) = stmt else {
                list.push(stmt);
                continue;
            };
            let mut after = vec![];
            for target in targets(&l) {
                after.extend(self.extract(&mut l, target, facts));
            }
            list.push(Stmt::For(l));
            list.append(&mut after);
        }
    }

    /// Makes the accumulator; returns what follows the loop.
    fn extract(&mut self, l: &mut For, target: Target, facts: &Assumptions) -> Option<Stmt> {
        let buffer = &self.buffers[target.buffer.0 as usize];
        let init = neutral(target.op, buffer.dtype)?;
        let name = self.names.fresh(&format!("{}_acc", buffer.name));
        visit::lists_inner_first(&mut l.body, &mut |list| {
            for stmt in list.iter_mut() {
                if let Stmt::Combine { buffer, value, .. } = stmt
                    && *buffer == target.buffer
                {
                    let value = std::mem::replace(value, Value::Local(name));
                    *stmt = Stmt::Update { accumulator: name, value };
                }
            }
        });
        l.accumulators.push(Accumulator { name, dtype: buffer.dtype, op: target.op, init: Value::Lit(init) });
        let last = Stmt::Combine {
            buffer: target.buffer,
            index: target.index.clone(),
            op: target.op,
            value: Value::Local(name),
            atomic: false,
        };
        if within(buffer, &target.index, facts) || is_inhabited(l, facts) {
            return Some(last);
        }
        let sign = l.range.step.as_int().unwrap_or(1);
        let (low, high) =
            if sign > 0 { (&l.range.begin, &l.range.end) } else { (&l.range.end, &l.range.begin) };
        let cond = compare(BinOp::Lt, low, high);
        Some(Stmt::If { cond, then: vec![last], otherwise: vec![] })
    }
}

/// Without iterations the element need not exist: is it in bounds all the same?
fn within(buffer: &Buffer, index: &[Expr], facts: &Assumptions) -> bool {
    index
        .iter()
        .zip(&buffer.shape)
        .all(|(at, extent)| facts.nonneg(at) == Truth::Yes && facts.lt(at, extent) == Truth::Yes)
}

fn is_inhabited(l: &For, facts: &Assumptions) -> bool {
    l.range.is_empty(facts) == Truth::No
}

/// Elements into which the loop's iterations combine and which nothing else in it touches.
fn targets(l: &For) -> Vec<Target> {
    let mut varying = defined_in(&l.body);
    varying.insert(l.var);
    let private = allocated_in(&l.body);
    let mut whiles = false;
    let mut leaves = false;
    visit::walk(&l.body, &mut |stmt| {
        whiles |= matches!(stmt, Stmt::While { .. });
        leaves |= matches!(stmt, Stmt::Return);
    });
    if leaves || whiles {
        return vec![];
    }
    let mut combined: BTreeMap<BufferId, Option<(Vec<Expr>, Wcr)>> = BTreeMap::new();
    let mut spoiled: BTreeSet<BufferId> = private;
    visit::walk(&l.body, &mut |stmt| {
        stmt.touches_here(&mut |buffer, touch, _| {
            if touch != Touch::Combine {
                spoiled.insert(buffer);
            }
        });
        if let Stmt::Combine { buffer, index, op, .. } = stmt {
            let this = Some((index.clone(), *op));
            let known = combined.entry(*buffer).or_insert_with(|| this.clone());
            if *known != this {
                *known = None;
            }
        }
    });
    let found = combined.into_iter().filter(|(buffer, _)| !spoiled.contains(buffer));
    found
        .filter_map(|(buffer, what)| {
            let (index, op) = what?;
            (!mentions(&index, &varying)).then_some(Target { buffer, index, op })
        })
        .collect()
}
