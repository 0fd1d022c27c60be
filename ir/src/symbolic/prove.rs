//! Quick proofs that an expression is not negative: signs of terms, and bounds put in for atoms.
//!
//! Unlike the engine this also handles products of symbols, such as `i*N + j < M*N`.

use std::collections::{BTreeSet, HashSet};

use super::assume::{Assumptions, Fact};
use super::expr::{Atom, Expr, Term};
use crate::Name;

pub(super) struct Prover<'a> {
    facts: &'a Assumptions,
    budget: u32,
    failed: HashSet<Expr>,
}

/// `numerator / denominator`, where the denominator is known to be positive.
type Bound = (Expr, Expr);

const BUDGET: u32 = 120;
const DEPTH: u32 = 6;
/// Longer sums go to the engine at once.
const MAX_TERMS: usize = 40;

impl<'a> Prover<'a> {
    pub(super) fn new(facts: &'a Assumptions) -> Prover<'a> {
        Prover { facts, budget: BUDGET, failed: HashSet::new() }
    }

    pub(super) fn nonneg(&mut self, e: &Expr) -> bool {
        self.prove(e, DEPTH)
    }

    fn positive(&mut self, e: &Expr, depth: u32) -> bool {
        e.as_int().map_or_else(|| self.prove(&(e - 1), depth), |c| c > 0)
    }

    fn prove(&mut self, e: &Expr, depth: u32) -> bool {
        if let Some(c) = e.as_int() {
            return c >= 0;
        }
        if depth == 0 || self.budget == 0 || e.terms().len() > MAX_TERMS || !self.failed.insert(e.clone()) {
            return false;
        }
        self.budget -= 1;
        let proven = e.terms().iter().all(|t| self.term_nonneg(t, depth - 1))
            || self.is_fact(e)
            || self.by_bounds(e, depth - 1);
        if proven {
            self.failed.remove(e);
        }
        proven
    }

    fn is_fact(&self, e: &Expr) -> bool {
        self.facts.facts().any(|f| match f {
            Fact::NonNeg(f) => apart(e, f, 1).is_some_and(|c| c >= 0),
            Fact::Zero(f) => apart(e, f, 1).or_else(|| apart(e, f, -1)).is_some_and(|c| c >= 0),
        })
    }

    fn term_nonneg(&mut self, t: &Term, depth: u32) -> bool {
        t.coef > 0 && t.factors.iter().all(|(atom, power)| power % 2 == 0 || self.atom_nonneg(atom, depth))
    }

    fn atom_nonneg(&mut self, atom: &Atom, depth: u32) -> bool {
        match atom {
            Atom::Sym(name) => self.facts.lower_bound(*name).is_some_and(|l| l >= 0),
            Atom::Mod(_, d) => self.positive(d, depth),
            Atom::FloorDiv(x, d) => self.positive(d, depth) && self.prove(x, depth),
            Atom::Min(a, b) => self.prove(a, depth) && self.prove(b, depth),
            Atom::Max(a, b) => self.prove(a, depth) || self.prove(b, depth),
            Atom::Call(..) => false,
        }
    }

    fn by_bounds(&mut self, e: &Expr, depth: u32) -> bool {
        let atoms: BTreeSet<&Atom> = e.terms().iter().flat_map(|t| t.factors.iter()).map(|f| &f.0).collect();
        for atom in atoms {
            let Some((coef, rest)) = split(e, atom) else { continue };
            let rising = match coef.as_int() {
                Some(c) => c > 0,
                None if self.prove(&coef, depth) => true,
                None if self.prove(&-&coef, depth) => false,
                None => continue,
            };
            if let (Atom::Min(a, b), true) | (Atom::Max(a, b), false) = (atom, rising) {
                if self.prove(&(&rest + &coef * a), depth) && self.prove(&(&rest + &coef * b), depth) {
                    return true;
                }
                continue;
            }
            for (num, den) in self.bounds(atom, rising, depth) {
                if self.prove(&(&rest * den + &coef * num), depth) {
                    return true;
                }
            }
        }
        false
    }

    /// Lower bounds of the atom, or upper ones.
    fn bounds(&mut self, atom: &Atom, lower: bool, depth: u32) -> Vec<Bound> {
        let one = Expr::one();
        match atom {
            Atom::Sym(name) => self.symbol_bounds(atom, *name, lower),
            Atom::Mod(_, d) if self.positive(d, depth) => {
                vec![(if lower { Expr::zero() } else { d - 1 }, one)]
            }
            Atom::FloorDiv(x, d) if self.positive(d, depth) => {
                let mut out = vec![(if lower { x - d + 1 } else { x.clone() }, d.clone())];
                if lower && self.prove(x, depth) {
                    out.insert(0, (Expr::zero(), one));
                }
                out
            }
            Atom::Min(a, b) | Atom::Max(a, b) => vec![(a.clone(), one.clone()), (b.clone(), one)],
            _ => Vec::new(),
        }
    }

    fn symbol_bounds(&self, atom: &Atom, name: Name, lower: bool) -> Vec<Bound> {
        let mut out = Vec::new();
        for fact in self.facts.facts_on(name) {
            // k*s + r >= 0
            let mut add = |e: &Expr| {
                if let Some((k, r)) = split(e, atom)
                    && let Some(k) = k.as_int()
                    && (k > 0) == lower
                    && let Some(den) = k.checked_abs()
                {
                    out.push((if lower { -r } else { r }, Expr::int(den)));
                }
            };
            match fact {
                Fact::NonNeg(e) => add(e),
                Fact::Zero(e) => {
                    add(e);
                    add(&-e);
                }
            }
        }
        out.sort_by_key(|(num, _)| num.as_int().is_none());
        out
    }
}

/// `e - sign * f`, where that is a constant.
fn apart(e: &Expr, f: &Expr, sign: i64) -> Option<i64> {
    let constant = |e: &Expr| e.terms().last().filter(|t| t.is_constant()).map_or(0, |t| t.coef);
    let varying = |e: &Expr| e.terms().len() - usize::from(e.terms().last().is_some_and(Term::is_constant));
    let n = varying(e);
    let same = n == varying(f)
        && e.terms()[..n]
            .iter()
            .zip(f.terms())
            .all(|(a, b)| b.coef.checked_mul(sign) == Some(a.coef) && a.factors == b.factors);
    if same { constant(e).checked_sub(constant(f).checked_mul(sign)?) } else { None }
}

/// `e = coef * atom + rest`, where neither part has the atom as a factor, nor the symbol at all.
pub(super) fn split(e: &Expr, atom: &Atom) -> Option<(Expr, Expr)> {
    let (mut coef, mut rest) = (Vec::new(), Vec::new());
    for t in e.terms() {
        match t.factors.iter().position(|f| f.0 == *atom) {
            Some(i) if t.factors[i].1 == 1 => {
                let mut factors = t.factors.to_vec();
                factors.remove(i);
                coef.push(Term { coef: t.coef, factors: factors.into() });
            }
            Some(_) => return None,
            None => rest.push(t.clone()),
        }
    }
    coef.sort();
    let (coef, rest) = (Expr::build(coef), Expr::build(rest));
    if coef.is_zero() {
        return None;
    }
    match atom {
        Atom::Sym(name) if coef.contains(*name) || rest.contains(*name) => None,
        _ => Some((coef, rest)),
    }
}
