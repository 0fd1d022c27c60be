//! Which loops may run as they are meant to: lanes need straight-line bodies, and unordered
//! iterations that combine into one element need atomic operations or an order.

use weft_ir::names::Name;
use weft_ir::symbolic::{Assumptions, Expr, Range, Truth};

use super::assigned;
use crate::tree::{BufferId, For, LoopSchedule, Program, Stmt, Value};
use crate::visit::{allocated_in, mentions};

pub(super) fn run(program: &mut Program, facts: &Assumptions) {
    let mutable = assigned(&program.body);
    let sizes: Vec<(usize, bool)> =
        program.buffers.iter().map(|b| (b.dtype.size(), b.dtype.is_complex())).collect();
    let can_be_atomic = |b: BufferId| {
        let (size, complex) = sizes[b.0 as usize];
        size >= 4 && !complex
    };
    list(&mut program.body, facts, &|range| !mentions(&[range.begin.clone(), range.end.clone()], &mutable), &can_be_atomic);
}

fn list(
    stmts: &mut [Stmt],
    facts: &Assumptions,
    fixed: &dyn Fn(&Range) -> bool,
    can_be_atomic: &dyn Fn(BufferId) -> bool,
) {
    for stmt in stmts {
        let mut inner = facts.clone();
        if let Stmt::For(l) = stmt
            && fixed(&l.range)
        {
            inner.assume_in(l.var, &l.range);
        }
        for body in stmt.lists_mut() {
            list(body, &inner, fixed, can_be_atomic);
        }
        if let Stmt::For(l) = stmt {
            resolve(l, &inner, can_be_atomic);
            if l.schedule == LoopSchedule::Vector && !l.is_straight_line() {
                l.schedule = LoopSchedule::Unordered;
            }
        }
    }
}

fn resolve(l: &mut For, facts: &Assumptions, can_be_atomic: &dyn Fn(BufferId) -> bool) {
    if l.schedule == LoopSchedule::Sequential {
        return;
    }
    let private = allocated_in(&l.body);
    let mut conflicts = false;
    let mut hopeless = false;
    combines(&mut l.body, &mut vec![], &mut |buffer, index, value, _, inner| {
        if !private.contains(&buffer) && !is_apart(l.var, &l.range, index, inner, facts) {
            conflicts = true;
            // An atomic operation pays where it ends a sum, not where it is the sum.
            hopeless |= !matches!(value, Value::Local(_)) || !can_be_atomic(buffer);
        }
    });
    if !conflicts {
        return;
    }
    if l.schedule != LoopSchedule::Parallel || hopeless {
        l.schedule = LoopSchedule::Sequential;
        return;
    }
    let (var, range) = (l.var, l.range.clone());
    combines(&mut l.body, &mut vec![], &mut |buffer, index, _, atomic, inner| {
        if !private.contains(&buffer) && !is_apart(var, &range, index, inner, facts) {
            *atomic = true;
        }
    });
}

type Visit<'f> = dyn FnMut(BufferId, &[Expr], &Value, &mut bool, &[(Name, Range)]) + 'f;

/// Every combination with the loops between it and the list, outermost first.
fn combines(stmts: &mut [Stmt], loops: &mut Vec<(Name, Range)>, f: &mut Visit) {
    for stmt in stmts {
        if let Stmt::Combine { buffer, index, value, atomic, .. } = stmt {
            f(*buffer, index, value, atomic, loops);
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

/// Do different iterations certainly touch different elements? In some dimension the interval
/// that one iteration touches ends before that of the next one begins.
pub(crate) fn is_apart(
    var: Name,
    range: &Range,
    index: &[Expr],
    inner: &[(Name, Range)],
    facts: &Assumptions,
) -> bool {
    let Some(step) = range.step.as_int().filter(|s| *s > 0) else { return false };
    let mut facts = facts.clone();
    for (name, range) in inner {
        facts.assume_in(*name, range);
    }
    index.iter().any(|e| {
        let (Some(low), Some(high)) = (bound(e, inner, false), bound(e, inner, true)) else { return false };
        // Intervals in order for one step apart are in order for more if they move monotonously.
        let Some((coef, _)) = low.linear(&[var]).map(|(c, r)| (c[0], r)) else { return false };
        let next = |e: &Expr| e.subst1(var, &(Expr::sym(var) + step));
        if coef > 0 {
            facts.lt(&high, &next(&low)) == Truth::Yes
        } else {
            coef < 0 && high.linear(&[var]).is_some() && facts.gt(&low, &next(&high)) == Truth::Yes
        }
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
        if !range.step.as_int().is_some_and(|s| s > 0) {
            return None;
        }
        let at = if (coefs[0] > 0) == upper { &range.end - 1 } else { range.begin.clone() };
        e = e.subst1(*name, &at);
    }
    Some(e)
}
