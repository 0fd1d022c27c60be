//! Which loops may run as they are meant to: lanes need straight-line bodies, and unordered
//! iterations that combine into one element need atomic operations or an order.

use std::collections::BTreeSet;

use weft_ir::names::Name;
use weft_ir::symbolic::{Assumptions, Expr, Range, Truth};

use super::assigned;
use crate::tree::{Buffer, BufferId, For, LoopSchedule, Program, Stmt, Value};
use crate::visit::{allocated_in, mentions};

pub(super) fn run(program: &mut Program, facts: &Assumptions) {
    let mutable = assigned(&program.body);
    let mut body = std::mem::take(&mut program.body);
    list(&mut body, facts, &Known { mutable, buffers: &program.buffers });
    program.body = body;
}

struct Known<'a> {
    mutable: BTreeSet<Name>,
    buffers: &'a [Buffer],
}

impl Known<'_> {
    fn can_be_atomic(&self, buffer: BufferId) -> bool {
        let dtype = self.buffers[buffer.0 as usize].dtype;
        dtype.size() >= 4 && !dtype.is_complex()
    }
}

fn list(stmts: &mut [Stmt], facts: &Assumptions, known: &Known) {
    for stmt in stmts {
        let mut inner = facts.clone();
        if let Stmt::For(l) = stmt
            && !mentions(&[l.range.begin.clone(), l.range.end.clone()], &known.mutable)
        {
            inner.assume_in(l.var, &l.range);
        }
        for body in stmt.lists_mut() {
            list(body, &inner, known);
        }
        if let Stmt::For(l) = stmt {
            resolve(l, &inner, known);
            if l.schedule == LoopSchedule::Vector && !l.is_straight_line(known.buffers) {
                l.schedule = LoopSchedule::Unordered;
            }
        }
    }
}

/// One combination in the body of a loop.
struct Site {
    buffer: BufferId,
    index: Vec<Expr>,
    /// The loops between the loop and the statement, outermost first.
    inner: Vec<(Name, Range)>,
    /// An atomic operation pays where it ends a sum, not where it is the sum.
    ends_sum: bool,
}

fn resolve(l: &mut For, facts: &Assumptions, known: &Known) {
    if l.schedule == LoopSchedule::Sequential {
        return;
    }
    let private = allocated_in(&l.body);
    let mut sites = vec![];
    combines(&mut l.body, &mut vec![], &mut |site, _| sites.push(site));
    sites.retain(|s| !private.contains(&s.buffer));
    let meets = |a: &Site| {
        let mut others = sites.iter().filter(|b| b.buffer == a.buffer);
        others.any(|b| !is_apart(l.var, &l.range, a, b, facts))
    };
    let conflicts: Vec<&Site> = sites.iter().filter(|s| meets(s)).collect();
    if conflicts.is_empty() {
        return;
    }
    let atomic = conflicts.iter().all(|s| s.ends_sum && known.can_be_atomic(s.buffer));
    if l.schedule != LoopSchedule::Parallel || !atomic {
        l.schedule = LoopSchedule::Sequential;
        return;
    }
    let shared: BTreeSet<BufferId> = conflicts.iter().map(|s| s.buffer).collect();
    combines(&mut l.body, &mut vec![], &mut |site, atomic| *atomic |= shared.contains(&site.buffer));
}

fn combines(stmts: &mut [Stmt], loops: &mut Vec<(Name, Range)>, f: &mut dyn FnMut(Site, &mut bool)) {
    for stmt in stmts {
        if let Stmt::Combine { buffer, index, value, atomic, .. } = stmt {
            let ends_sum = matches!(value, Value::Local(_));
            let site = Site { buffer: *buffer, index: index.clone(), inner: loops.clone(), ends_sum };
            f(site, atomic);
        }
        let entered = if let Stmt::For(l) = &*stmt { Some((l.var, l.range.clone())) } else { None };
        let depth = loops.len();
        loops.extend(entered);
        for body in stmt.lists_mut() {
            combines(body, loops, f);
        }
        loops.truncate(depth);
    }
}

/// Do different iterations certainly touch different elements at two sites? In some dimension the
/// interval that an iteration touches ends before those of the next one begin.
fn is_apart(var: Name, range: &Range, a: &Site, b: &Site, facts: &Assumptions) -> bool {
    let Some(step) = range.step.as_int().filter(|s| *s > 0) else { return false };
    let mut facts = facts.clone();
    for (name, range) in a.inner.iter().chain(&b.inner) {
        facts.assume_in(*name, range);
    }
    let next = |e: &Expr| e.subst1(var, &(Expr::sym(var) + step));
    // Intervals in order one step apart stay in order further apart if they only move one way.
    let moves = |e: &Expr| e.linear(&[var]).map_or(0, |(coefs, _)| coefs[0].signum());
    let ordered = |a: &(Expr, Expr), b: &(Expr, Expr)| match (moves(&a.0), moves(&b.0)) {
        (1, 1) => facts.lt(&a.1, &next(&b.0)) == Truth::Yes,
        _ if moves(&a.1) == -1 && moves(&b.1) == -1 => facts.gt(&a.0, &next(&b.1)) == Truth::Yes,
        _ => false,
    };
    a.index.iter().zip(&b.index).any(|(x, y)| {
        let interval = |e: &Expr, s: &Site| Some((bound(e, &s.inner, false)?, bound(e, &s.inner, true)?));
        let (Some(x), Some(y)) = (interval(x, a), interval(y, b)) else { return false };
        ordered(&x, &y) && ordered(&y, &x)
    })
}

/// The least or greatest value over the inner loops, innermost eliminated first.
fn bound(e: &Expr, inner: &[(Name, Range)], upper: bool) -> Option<Expr> {
    let mut e = e.clone();
    for (name, range) in inner.iter().rev() {
        if !e.contains(*name) {
            continue;
        }
        let (coefs, _) = e.linear(&[*name])?;
        if range.step.as_int().is_none_or(|s| s <= 0) {
            return None;
        }
        let at = if (coefs[0] > 0) == upper { &range.end - 1 } else { range.begin.clone() };
        e = e.subst1(*name, &at);
    }
    Some(e)
}
