//! Bounding boxes over all values of map parameters: memlet propagation.

use super::expr::{Atom, Expr};
use super::prove::split;
use super::{Assumptions, Range, Subset, Truth};
use crate::Name;

/// The extreme values of a parameter.
struct Param<'a> {
    name: Name,
    low: Expr,
    high: Expr,
    facts: &'a Assumptions,
}

impl Subset {
    /// The smallest box (as far as provable) with all elements for all values of `params`.
    ///
    /// Ranges of later parameters may depend on earlier ones. Values of the parameters for which a range
    /// is empty contribute nothing, so the box is only meaningful where the iteration space has points.
    /// `None` where an index is not monotone in a parameter; use the full shape then.
    pub fn image(&self, params: &[(Name, Range)], facts: &Assumptions) -> Option<Subset> {
        let mut known = facts.clone();
        for (name, range) in params {
            known.assume_in(*name, range);
        }
        self.image_under(params, &known, facts)
    }

    /// As [`Subset::image`], where what the ranges say is in `known` already. The box is simplified by `facts`.
    pub fn image_under(
        &self,
        params: &[(Name, Range)],
        known: &Assumptions,
        facts: &Assumptions,
    ) -> Option<Subset> {
        self.0.iter().map(|r| image_of(r, params, known, facts)).collect::<Option<Vec<_>>>().map(Subset)
    }
}

fn image_of(r: &Range, params: &[(Name, Range)], known: &Assumptions, facts: &Assumptions) -> Option<Range> {
    let mut r = r.clone();
    if params.iter().any(|p| r.step.contains(p.0)) {
        return None;
    }
    let names: Vec<Name> = params.iter().map(|p| p.0).collect();
    if !names.iter().any(|&n| r.contains(n)) {
        return Some(r);
    }
    match known.gt(&r.step, &Expr::zero()) {
        Truth::Yes => {}
        _ if known.lt(&r.step, &Expr::zero()).is_yes() => {
            // The elements of begin:end:-s lie in end+1 : begin+1.
            r = Range::new(&r.end + 1, &r.begin + 1);
        }
        _ => return None,
    }
    let step = stride(&r, params);
    for (name, range) in params.iter().rev() {
        if !r.contains(*name) {
            continue;
        }
        let (low, high) = extremes(range, known)?;
        let param = Param { name: *name, low, high, facts: known };
        r.begin = param.bound(&r.begin, false)?;
        r.end = param.bound(&r.end, true)?;
    }
    Some(Range {
        begin: facts.simplify(&r.begin),
        end: facts.simplify(&r.end),
        step: Expr::int(step.unwrap_or(1)),
    })
}

/// The least and the greatest value of a parameter that has any.
fn extremes(range: &Range, facts: &Assumptions) -> Option<(Expr, Expr)> {
    if facts.gt(&range.step, &Expr::zero()).is_yes() {
        let constant = range.extent().as_int().is_some() || range.is_index().is_some();
        let high = if constant { range.last() } else { &range.end - 1 };
        return Some((range.begin.clone(), high));
    }
    facts.lt(&range.step, &Expr::zero()).is_yes().then(|| (&range.end + 1, range.begin.clone()))
}

/// A step that all elements keep from the first: the greatest common divisor of what moves them.
fn stride(r: &Range, params: &[(Name, Range)]) -> Option<i64> {
    let names: Vec<Name> = params.iter().map(|p| p.0).collect();
    let (coefs, rest) = r.begin.linear(&names)?;
    if names.iter().any(|&n| rest.contains(n)) {
        return None;
    }
    let mut step = if r.is_index().is_some() { 0 } else { r.step.as_int()?.unsigned_abs() };
    for (c, (_, range)) in coefs.iter().zip(params) {
        let moves = c.checked_mul(range.step.as_int()?)?;
        // The least element must be one that the parameter reaches: its first value, not its last.
        let depends = names.iter().any(|&n| range.begin.contains(n));
        if *c != 0 && (depends || (moves < 0 && range.step.as_int()?.unsigned_abs() != 1)) {
            return None;
        }
        step = gcd(step, moves.unsigned_abs());
    }
    i64::try_from(step).ok().filter(|&s| s > 0)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Param<'_> {
    /// An expression free of the parameter that is at least (`upper`) or at most `e`.
    fn bound(&self, e: &Expr, upper: bool) -> Option<Expr> {
        if !e.contains(self.name) {
            return Some(e.clone());
        }
        let mut out = Expr::zero();
        let mut left = e.clone();
        while let Some(atom) = self.next_atom(&left) {
            let (coef, rest) = split(&left, &atom).or_else(|| self.split_power(&left, &atom))?;
            if coef.contains(self.name) {
                return None;
            }
            let rising = self.sign(&coef)?;
            out = out + &coef * self.bound_atom(&atom, upper == rising)?;
            left = rest;
        }
        (!left.contains(self.name)).then(|| out + left)
    }

    fn next_atom(&self, e: &Expr) -> Option<Atom> {
        let mut atoms = e.terms().iter().flat_map(|t| t.factors.iter()).map(|f| &f.0);
        atoms.find(|a| Expr::atom(a).contains(self.name)).cloned()
    }

    /// As `split` for a symbol that other atoms mention too.
    fn split_power(&self, e: &Expr, atom: &Atom) -> Option<(Expr, Expr)> {
        let (mut coef, mut rest) = (Expr::zero(), Expr::zero());
        for t in e.terms() {
            match t.factors.iter().position(|f| f.0 == *atom) {
                Some(i) if t.factors[i].1 == 1 => {
                    let mut t = t.clone();
                    let mut factors = t.factors.to_vec();
                    factors.remove(i);
                    t.factors = factors.into();
                    coef = coef + t.to_expr();
                }
                Some(_) => return None,
                None => rest = rest + t.to_expr(),
            }
        }
        Some((coef, rest))
    }

    /// Whether the expression is known to be at least zero, or at most.
    fn sign(&self, e: &Expr) -> Option<bool> {
        match self.facts.nonneg(e) {
            Truth::Yes => Some(true),
            Truth::No => Some(false),
            Truth::Unknown => self.facts.nonneg(&-e).is_yes().then_some(false),
        }
    }

    fn bound_atom(&self, atom: &Atom, upper: bool) -> Option<Expr> {
        match atom {
            Atom::Sym(_) => Some(if upper { self.high.clone() } else { self.low.clone() }),
            Atom::Min(a, b) => Some(self.bound(a, upper)?.min(self.bound(b, upper)?)),
            Atom::Max(a, b) => Some(self.bound(a, upper)?.max(self.bound(b, upper)?)),
            Atom::FloorDiv(a, b) if !b.contains(self.name) => {
                let positive = match self.facts.gt(b, &Expr::zero()) {
                    Truth::Yes => true,
                    _ if self.facts.lt(b, &Expr::zero()).is_yes() => false,
                    _ => return None,
                };
                Some(self.bound(a, upper == positive)?.floor_div(b))
            }
            Atom::Mod(_, b) if !b.contains(self.name) && self.facts.gt(b, &Expr::zero()).is_yes() => {
                Some(if upper { b - 1 } else { Expr::zero() })
            }
            _ => None,
        }
    }
}
