//! How subsets relate: covers, disjoint, union.

use super::{Assumptions, Expr, Fact, Range, Subset, Truth};
use crate::Name;

impl Range {
    /// `at` is an element.
    fn has(&self, at: &Expr, facts: &Assumptions) -> Truth {
        let zero = Expr::zero();
        let inside = if facts.gt(&self.step, &zero).is_yes() {
            facts.ge(at, &self.begin).and(facts.lt(at, &self.end))
        } else if facts.lt(&self.step, &zero).is_yes() {
            facts.le(at, &self.begin).and(facts.gt(at, &self.end))
        } else {
            Truth::Unknown
        };
        let offset = at - &self.begin;
        let on_step = if offset.is_zero() { Truth::Yes } else { facts.eq(&offset.modulo(&self.step), &zero) };
        inside.and(on_step)
    }

    /// `at` is an element, as facts; `None` if the step's sign is not known.
    fn membership(&self, at: &Expr, facts: &Assumptions) -> Option<Vec<Fact>> {
        let mut out = if facts.gt(&self.step, &Expr::zero()).is_yes() {
            vec![Fact::NonNeg(at - &self.begin), Fact::NonNeg(&self.end - at - 1)]
        } else if facts.lt(&self.step, &Expr::zero()).is_yes() {
            vec![Fact::NonNeg(&self.begin - at), Fact::NonNeg(at - &self.end - 1)]
        } else {
            return None;
        };
        if !self.step.is_one() {
            out.push(Fact::Zero((at - &self.begin).modulo(&self.step)));
        }
        Some(out)
    }

    /// All elements of `other` are elements of this range.
    fn covers(&self, other: &Range, facts: &Assumptions) -> Truth {
        if self == other {
            return Truth::Yes;
        }
        if let Some(at) = other.is_index() {
            return self.has(at, facts);
        }
        let quick = self.step.is_one()
            && other.step.is_one()
            && facts.le(&self.begin, &other.begin).is_yes()
            && facts.le(&other.end, &self.end).is_yes();
        if quick || self.covers_exactly(other, facts) {
            return Truth::Yes;
        }
        // The first element is outside, or the last one is.
        let missing = !self.has(&other.begin, facts).and(self.has(&other.last(), facts));
        if missing.is_yes() && other.is_empty(facts).is_no() { Truth::No } else { Truth::Unknown }
    }

    /// No element of `other` lies below, above or between this range's elements.
    fn covers_exactly(&self, other: &Range, facts: &Assumptions) -> bool {
        let at = element(&[self, other]);
        let Some(inside) = other.membership(&at, facts) else { return false };
        let Some(mine) = self.membership(&at, facts) else { return false };
        mine.into_iter().all(|fact| {
            let mut case = inside.clone();
            case.push(match fact {
                Fact::NonNeg(e) => Fact::NonNeg(-e - 1),
                // A remainder has the step's sign.
                Fact::Zero(e) if facts.gt(&self.step, &Expr::zero()).is_yes() => Fact::NonNeg(e - 1),
                Fact::Zero(e) => Fact::NonNeg(-e - 1),
            });
            facts.refutes(&case)
        })
    }
}

/// A symbol that the ranges do not mention.
fn element(ranges: &[&Range]) -> Expr {
    Expr::sym(Name::fresh("__at", |n| ranges.iter().any(|r| r.contains(n))))
}

impl Subset {
    /// Some dimension has no elements; `No` if all have some.
    pub fn is_empty(&self, facts: &Assumptions) -> Truth {
        self.0.iter().fold(Truth::No, |t, r| t.or(r.is_empty(facts)))
    }

    /// Every element of `other` is an element of this subset.
    pub fn covers(&self, other: &Subset, facts: &Assumptions) -> Truth {
        if self == other {
            return Truth::Yes;
        }
        if self.rank() != other.rank() {
            return Truth::Unknown;
        }
        let all = self.0.iter().zip(&other.0).fold(Truth::Yes, |t, (a, b)| t.and(a.covers(b, facts)));
        match all {
            Truth::Yes => Truth::Yes,
            _ => match other.is_empty(facts) {
                Truth::Yes => Truth::Yes,
                Truth::No => all,
                Truth::Unknown => Truth::Unknown,
            },
        }
    }

    /// No element is in both.
    pub fn disjoint(&self, other: &Subset, facts: &Assumptions) -> Truth {
        if self.rank() != other.rank() {
            return Truth::Unknown;
        }
        let pairs = || self.0.iter().zip(&other.0);
        let apart = |(a, b): (&Range, &Range)| {
            a.step.is_one()
                && b.step.is_one()
                && (facts.le(&a.end, &b.begin).is_yes() || facts.le(&b.end, &a.begin).is_yes())
        };
        if pairs().any(apart) || self.is_empty(facts).is_yes() || other.is_empty(facts).is_yes() {
            return Truth::Yes;
        }
        let shared = |(a, b): (&Range, &Range)| {
            let first = |a: &Range, b: &Range| b.has(&a.begin, facts).is_yes() && a.is_empty(facts).is_no();
            first(a, b) || first(b, a)
        };
        if pairs().all(shared) {
            return Truth::No;
        }
        if self.no_common_element(other, facts) { Truth::Yes } else { Truth::Unknown }
    }

    /// One question over all dimensions, because they share symbols.
    fn no_common_element(&self, other: &Subset, facts: &Assumptions) -> bool {
        let mut case = Vec::new();
        for (d, (a, b)) in self.0.iter().zip(&other.0).enumerate() {
            let taken = |n: Name| self.contains(n) || other.contains(n);
            let at = Expr::sym(Name::fresh(&format!("__at{d}"), taken));
            for r in [a, b] {
                match r.is_index() {
                    Some(index) => case.push(Fact::Zero(&at - index)),
                    None => case.extend(r.membership(&at, facts).unwrap_or_default()),
                }
            }
        }
        facts.refutes(&case)
    }

    /// The smallest box (as far as provable) with both; `None` for different ranks or unknown step signs.
    pub fn union_hull(&self, other: &Subset, facts: &Assumptions) -> Option<Subset> {
        if self.rank() != other.rank() {
            return None;
        }
        let hull = |(a, b): (&Range, &Range)| {
            if a == b {
                return Some(a.clone());
            }
            let (a, b) = (ascending(a, facts)?, ascending(b, facts)?);
            let begin = facts.simplify(&a.begin.min(b.begin));
            let end = facts.simplify(&a.end.max(b.end));
            Some(Range::new(begin, end))
        };
        self.0.iter().zip(&other.0).map(hull).collect::<Option<Vec<_>>>().map(Subset)
    }
}

/// A range with step 1 around the elements.
fn ascending(r: &Range, facts: &Assumptions) -> Option<Range> {
    if facts.gt(&r.step, &Expr::zero()).is_yes() {
        return Some(Range::new(&r.begin, &r.end));
    }
    facts.lt(&r.step, &Expr::zero()).is_yes().then(|| Range::new(&r.end + 1, &r.begin + 1))
}
