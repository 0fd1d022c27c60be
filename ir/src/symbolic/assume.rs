//! What is known about symbols, and what follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::examples::Examples;
use super::expr::{Atom, Expr};
use super::memo;
use super::omega::{self, Feasible, System};
use super::prove::Prover;
use super::range::Range;
use crate::Name;

/// The answer for every assignment that satisfies the facts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Truth {
    /// True for all of them.
    Yes,
    /// False for all of them.
    No,
    /// Not decided; it may also depend on the assignment.
    Unknown,
}

impl Truth {
    pub fn is_yes(self) -> bool {
        self == Truth::Yes
    }

    pub fn is_no(self) -> bool {
        self == Truth::No
    }

    /// Both hold.
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::No, _) | (_, Truth::No) => Truth::No,
            (Truth::Yes, Truth::Yes) => Truth::Yes,
            _ => Truth::Unknown,
        }
    }

    /// At least one holds.
    pub fn or(self, other: Truth) -> Truth {
        !(!self).and(!other)
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;
    fn not(self) -> Truth {
        match self {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

/// One thing that is known.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Fact {
    /// The expression is at least zero.
    NonNeg(Expr),
    /// The expression is zero.
    Zero(Expr),
}

impl Fact {
    pub fn expr(&self) -> &Expr {
        match self {
            Fact::NonNeg(e) | Fact::Zero(e) => e,
        }
    }
}

/// A fact with the symbols that it is about.
#[derive(Clone, Debug)]
struct Known {
    fact: Fact,
    symbols: Arc<[Name]>,
}

/// Facts about symbols.
#[derive(Clone, Default, Debug)]
pub struct Assumptions {
    facts: Vec<Known>,
    /// Constant lower bounds of symbols.
    low: BTreeMap<Name, i64>,
    examples: Examples,
}

/// Rows that the engine may derive for one comparison.
const ENGINE_BUDGET: u32 = 3000;
/// Facts that one comparison hands to the engine.
const ENGINE_FACTS: usize = 40;
/// Arguments of one minimum that are compared pair by pair.
const MAX_COMPARED: usize = 12;

impl Assumptions {
    pub fn new() -> Assumptions {
        Assumptions::default()
    }

    pub fn assume_ge(&mut self, a: &Expr, b: &Expr) {
        self.assume(Fact::NonNeg(a - b));
    }

    pub fn assume_gt(&mut self, a: &Expr, b: &Expr) {
        self.assume(Fact::NonNeg(a - b - 1));
    }

    pub fn assume_eq(&mut self, a: &Expr, b: &Expr) {
        self.assume(Fact::Zero(a - b));
    }

    /// The facts are likely to hold where the symbol has this value. Changes no answer, but saves work.
    pub fn suggest(&mut self, sym: Name, value: i64) {
        self.examples.set(sym, value);
    }

    /// As [`Assumptions::suggest`], for an element of a range.
    pub fn suggest_in(&mut self, sym: Name, range: &Range) {
        self.examples.element(sym, range);
    }

    /// `sym` is an element of `range`.
    pub fn assume_in(&mut self, sym: Name, range: &Range) {
        self.suggest_in(sym, range);
        let at = Expr::sym(sym);
        let positive = self.gt(&range.step, &Expr::zero());
        let negative = self.lt(&range.step, &Expr::zero());
        if positive.is_yes() {
            self.assume_ge(&at, &range.begin);
            self.assume_gt(&range.end, &at);
        } else if negative.is_yes() {
            self.assume_ge(&range.begin, &at);
            self.assume_gt(&at, &range.end);
        }
        self.assume(Fact::Zero((at - &range.begin).modulo(&range.step)));
    }

    pub fn assume(&mut self, fact: Fact) {
        if fact.expr().as_int().is_some_and(|c| c == 0 || (c > 0 && matches!(fact, Fact::NonNeg(_))))
            || self.facts().any(|f| *f == fact)
        {
            return;
        }
        for sign in [1, -1] {
            let e = fact.expr() * sign;
            let (varying, constant) = e.split_const();
            if let [t] = varying.terms()
                && t.coef > 0
                && let [(Atom::Sym(name), 1)] = &t.factors[..]
                && (sign == 1 || matches!(fact, Fact::Zero(_)))
                && let Some(bound) = constant.checked_neg()
            {
                let bound = bound.div_euclid(t.coef) + i64::from(bound.rem_euclid(t.coef) != 0);
                self.low.entry(*name).and_modify(|l| *l = bound.max(*l)).or_insert(bound);
            }
        }
        let symbols = fact.expr().free_symbols().into_iter().collect();
        self.facts.push(Known { fact, symbols });
    }

    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter().map(|known| &known.fact)
    }

    /// The facts that mention the symbol.
    pub(super) fn facts_on(&self, name: Name) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(move |known| known.symbols.contains(&name)).map(|known| &known.fact)
    }

    /// The greatest constant that the symbol is known to be at least.
    pub fn lower_bound(&self, name: Name) -> Option<i64> {
        self.low.get(&name).copied()
    }

    pub fn nonneg(&self, e: &Expr) -> Truth {
        if let Some(c) = e.as_int() {
            return if c >= 0 { Truth::Yes } else { Truth::No };
        }
        let (near, complete) = self.near(std::iter::once(e));
        let mut system = System::new();
        near.into_iter().for_each(|f| system.fact(f));
        // Facts that the engine would not see may still serve the prover.
        if !complete {
            return self.decide(e, true, true);
        }
        memo::sign(system, e, &self.examples, |may_yes, may_no| self.decide(e, may_yes, may_no))
    }

    /// Proves that `e` is not negative, or that it is, as far as that is not known to be impossible.
    fn decide(&self, e: &Expr, may_yes: bool, may_no: bool) -> Truth {
        let opposite = -e - 1;
        if may_yes && Prover::new(self).nonneg(e) {
            Truth::Yes
        } else if may_no && Prover::new(self).nonneg(&opposite) {
            Truth::No
        } else if may_yes && self.refutes(&[Fact::NonNeg(opposite)]) {
            Truth::Yes
        } else if may_no && self.refutes(&[Fact::NonNeg(e.clone())]) {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    pub fn le(&self, a: &Expr, b: &Expr) -> Truth {
        self.nonneg(&(b - a))
    }

    pub fn lt(&self, a: &Expr, b: &Expr) -> Truth {
        self.nonneg(&(b - a - 1))
    }

    pub fn ge(&self, a: &Expr, b: &Expr) -> Truth {
        self.le(b, a)
    }

    pub fn gt(&self, a: &Expr, b: &Expr) -> Truth {
        self.lt(b, a)
    }

    pub fn eq(&self, a: &Expr, b: &Expr) -> Truth {
        let d = a - b;
        if let Some(c) = d.as_int() {
            return if c == 0 { Truth::Yes } else { Truth::No };
        }
        match (self.nonneg(&d), self.nonneg(&-&d)) {
            (Truth::Yes, Truth::Yes) => Truth::Yes,
            (Truth::No, _) | (_, Truth::No) => Truth::No,
            _ if self.refutes(&[Fact::Zero(d)]) => Truth::No,
            _ => Truth::Unknown,
        }
    }

    /// No assignment satisfies the facts and these as well.
    pub fn refutes(&self, more: &[Fact]) -> bool {
        memo::refuted(self.system_with(more), ENGINE_BUDGET)
    }

    /// An assignment that satisfies all facts and these as well: the witness of a refusal.
    pub fn find(&self, more: &[Fact]) -> Feasible {
        let mut system = System::under(self);
        more.iter().for_each(|f| system.fact(f));
        omega::solve(&system, ENGINE_BUDGET)
    }

    /// `more`, and the facts that share symbols with it, directly or through others.
    pub(super) fn system_with(&self, more: &[Fact]) -> System {
        let mut system = System::new();
        let (near, _) = self.near(more.iter().map(Fact::expr));
        more.iter().chain(near).for_each(|f| system.fact(f));
        system
    }

    /// The facts that share symbols with the expressions, directly or through others; whether that is all
    /// of them.
    fn near<'a>(&self, of: impl Iterator<Item = &'a Expr>) -> (Vec<&Fact>, bool) {
        let mut symbols: Vec<Name> = of.flat_map(Expr::free_symbols).collect();
        let mut pending: Vec<&Known> = self.facts.iter().collect();
        let mut found = vec![];
        loop {
            let (near, far): (Vec<_>, Vec<_>) =
                pending.into_iter().partition(|k| k.symbols.iter().any(|n| symbols.contains(n)));
            if near.is_empty() {
                return (found, true);
            }
            for known in near {
                if found.len() == ENGINE_FACTS {
                    return (found, false);
                }
                found.push(&known.fact);
                symbols.extend(
                    known.symbols.iter().filter(|n| !symbols.contains(n)).copied().collect::<Vec<_>>(),
                );
            }
            pending = far;
        }
    }

    /// Resolves minima, maxima, quotients and remainders where the facts decide them.
    pub fn simplify(&self, e: &Expr) -> Expr {
        let e = e.subst(&|name| self.constant(name).map(Expr::int));
        self.simplify_atoms(&e).unwrap_or(e)
    }

    fn constant(&self, name: Name) -> Option<i64> {
        let low = self.low.get(&name)?;
        let at = Expr::sym(name) - *low;
        self.facts().any(|f| matches!(f, Fact::Zero(z) if *z == at || *z == -&at)).then_some(*low)
    }

    fn simplify_atoms(&self, e: &Expr) -> Option<Expr> {
        e.rewrite(&mut |atom| {
            if let Atom::Sym(_) = atom {
                return None;
            }
            let inner = |e: &Expr| self.simplify_atoms(e).unwrap_or_else(|| e.clone());
            let (zero, one) = (Expr::zero(), Expr::one());
            let new = match atom {
                Atom::Min(a, b) => self.extremum(a, b, false),
                Atom::Max(a, b) => self.extremum(a, b, true),
                Atom::FloorDiv(a, b) | Atom::Mod(a, b) => {
                    let quotient = matches!(atom, Atom::FloorDiv(..));
                    let (a, b) = (inner(a), inner(b));
                    let within = self.nonneg(&a).is_yes() && self.lt(&a, &b).is_yes();
                    let negative = !within && self.lt(&a, &zero).is_yes() && self.nonneg(&(&a + &b)).is_yes();
                    match (quotient, within, negative) {
                        (true, true, _) => zero,
                        (false, true, _) => a,
                        (true, _, true) => -one,
                        (false, _, true) => a + b,
                        (true, ..) => a.floor_div(&b),
                        (false, ..) => {
                            let rest = a.modulo(&b);
                            let known = |f: &Fact| matches!(f, Fact::Zero(z) if z.terms().iter().any(is_mod));
                            if self.facts().any(known) && self.eq(&rest, &zero).is_yes() {
                                zero
                            } else {
                                rest
                            }
                        }
                    }
                }
                Atom::Call(name, args) => Expr::call(*name, args.iter().map(inner).collect()),
                Atom::Sym(_) => return None,
            };
            (new.as_atom() != Some(atom)).then_some(new)
        })
    }

    /// Drops arguments that another one dominates.
    fn extremum(&self, a: &Expr, b: &Expr, max: bool) -> Expr {
        let args = std::iter::once(a).chain(b.extremum_args(max));
        let args: Vec<Expr> = args.map(|e| self.simplify_atoms(e).unwrap_or_else(|| e.clone())).collect();
        if args.len() > MAX_COMPARED {
            let out = if max { Expr::max_of(&args) } else { Expr::min_of(&args) };
            return out.unwrap_or_default();
        }
        let mut kept: Vec<Expr> = Vec::new();
        for arg in args {
            let dominates =
                |x: &Expr, y: &Expr| if max { self.ge(x, y).is_yes() } else { self.le(x, y).is_yes() };
            if kept.iter().any(|k| dominates(k, &arg)) {
                continue;
            }
            kept.retain(|k| !dominates(&arg, k));
            kept.push(arg);
        }
        let out = if max { Expr::max_of(&kept) } else { Expr::min_of(&kept) };
        out.unwrap_or_default()
    }
}

fn is_mod(t: &super::Term) -> bool {
    t.factors.iter().any(|f| matches!(f.0, Atom::Mod(..)))
}
