//! Answers that are kept: an import asks the same few things over and over.
//!
//! The tables only save work. A question has one answer, whatever was asked before; and an assignment that
//! satisfies the facts and something else proves that the opposite does not follow from them, wherever the
//! assignment comes from.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::examples::Examples;
use super::expr::Table;
use super::omega::{self, Feasible, System};
use super::{Expr, Truth};
use crate::Name;

/// Answers that a table remembers; beyond that all are forgotten.
const MAX_ANSWERS: usize = 1 << 13;
/// Assignments that are tried before something is proven at length.
const MAX_WITNESSES: usize = 12;

#[derive(Default)]
struct Memo {
    refuted: Table<System, bool>,
    signs: Table<(System, Expr), Truth>,
    /// Assignments that satisfied some system, the one that was of use last in front.
    witnesses: VecDeque<HashMap<Name, i64>>,
}

thread_local! {
    static MEMO: RefCell<Memo> = RefCell::default();
}

/// Is it proven that no integers satisfy the system?
pub(super) fn refuted(system: System, budget: u32) -> bool {
    MEMO.with_borrow_mut(|memo| {
        if let Some(&answer) = memo.refuted.get(&system) {
            return answer;
        }
        let answer = !memo.satisfied(&system) && memo.solve(&system, budget);
        remember(&mut memo.refuted, system, answer);
        answer
    })
}

/// Is the expression at least zero wherever the system is satisfied? `decide` finds that out, and is told
/// whether it may be yes, and whether it may be no.
pub(super) fn sign(
    system: System,
    e: &Expr,
    examples: &Examples,
    decide: impl FnOnce(bool, bool) -> Truth,
) -> Truth {
    let key = (system, e.clone());
    let known = MEMO.with_borrow_mut(|memo| {
        if let Some(&answer) = memo.signs.get(&key) {
            return Err(answer);
        }
        let mut possible = |e: Expr| {
            let mut system = key.0.clone();
            system.ge0(&e);
            examples.each().any(|example| system.holds(&example)) || memo.satisfied(&system)
        };
        Ok((!possible(-e - 1), !possible(e.clone())))
    });
    let answer = match known {
        Err(answer) => return answer,
        Ok((false, false)) => Truth::Unknown,
        Ok((may_yes, may_no)) => decide(may_yes, may_no),
    };
    MEMO.with_borrow_mut(|memo| remember(&mut memo.signs, key, answer));
    answer
}

fn remember<K: Hash + Eq, V>(table: &mut Table<K, V>, key: K, value: V) {
    if table.len() >= MAX_ANSWERS {
        table.clear();
    }
    table.insert(key, value);
}

impl Memo {
    /// Does an assignment at hand satisfy the system? Symbols that it lacks are zero.
    fn satisfied(&mut self, system: &System) -> bool {
        let fits = |w: &HashMap<Name, i64>| system.holds(&|name| Some(w.get(&name).copied().unwrap_or(0)));
        let Some(at) = self.witnesses.iter().position(fits) else { return false };
        if let Some(found) = self.witnesses.remove(at) {
            self.witnesses.push_front(found);
        }
        true
    }

    fn solve(&mut self, system: &System, budget: u32) -> bool {
        match omega::solve(system, budget) {
            Feasible::No => true,
            Feasible::Yes(witness) => {
                self.witnesses.truncate(MAX_WITNESSES - 1);
                self.witnesses.push_front(witness.into_iter().collect());
                false
            }
            Feasible::Unknown => false,
        }
    }
}
