//! Half-open ranges with a step.

use std::fmt;

use super::{Assumptions, Expr, Truth};
use crate::Name;

/// `begin, begin + step, …` up to and without `end`; the step is not zero and may be negative.
///
/// DaCe stores `end` inclusive; everything in Weft is half-open.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Range {
    pub begin: Expr,
    pub end: Expr,
    pub step: Expr,
}

impl Range {
    /// Step 1.
    pub fn new(begin: impl Into<Expr>, end: impl Into<Expr>) -> Range {
        Range { begin: begin.into(), end: end.into(), step: Expr::one() }
    }

    pub fn with_step(begin: impl Into<Expr>, end: impl Into<Expr>, step: impl Into<Expr>) -> Range {
        Range { begin: begin.into(), end: end.into(), step: step.into() }
    }

    /// `e : e + 1`.
    pub fn index(e: impl Into<Expr>) -> Range {
        let begin = e.into();
        Range { end: &begin + 1, begin, step: Expr::one() }
    }

    pub fn is_index(&self) -> Option<&Expr> {
        (self.step.is_one() && self.end == &self.begin + 1).then_some(&self.begin)
    }

    /// The number of elements if the range is not empty; may be negative if it is.
    pub fn extent(&self) -> Expr {
        (&self.end - &self.begin).ceil_div(&self.step)
    }

    /// The number of elements, never negative.
    pub fn size(&self) -> Expr {
        self.extent().max(Expr::zero())
    }

    /// The number of elements, simplified under the facts.
    pub fn size_under(&self, facts: &Assumptions) -> Expr {
        let extent = facts.simplify(&self.extent());
        match facts.nonneg(&extent) {
            Truth::Yes => extent,
            Truth::No => Expr::zero(),
            Truth::Unknown if facts.le(&extent, &Expr::zero()) == Truth::Yes => Expr::zero(),
            Truth::Unknown => facts.simplify(&extent.max(Expr::zero())),
        }
    }

    /// The range has no elements.
    pub fn is_empty(&self, facts: &Assumptions) -> Truth {
        facts.le(&self.extent(), &Expr::zero())
    }

    pub fn subst(&self, map: &dyn Fn(Name) -> Option<Expr>) -> Range {
        Range { begin: self.begin.subst(map), end: self.end.subst(map), step: self.step.subst(map) }
    }

    pub fn contains(&self, name: Name) -> bool {
        self.begin.contains(name) || self.end.contains(name) || self.step.contains(name)
    }

    /// Moved by `by`.
    pub fn offset(&self, by: &Expr) -> Range {
        Range { begin: &self.begin + by, end: &self.end + by, step: self.step.clone() }
    }

    /// The last element, if there is one.
    pub fn last(&self) -> Expr {
        &self.begin + (self.extent() - 1) * &self.step
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_index() {
            Some(e) => write!(f, "{e}"),
            None if self.step.is_one() => write!(f, "{}:{}", self.begin, self.end),
            None => write!(f, "{}:{}:{}", self.begin, self.end, self.step),
        }
    }
}
