//! Boxes of ranges: what a memlet reads or writes of a container.

use std::fmt;

use super::{Expr, Range};
use crate::Name;

/// One range a dimension; no dimensions for a scalar.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Subset(pub Vec<Range>);

impl Subset {
    /// One element.
    pub fn indices(at: Vec<Expr>) -> Subset {
        Subset(at.into_iter().map(Range::index).collect())
    }

    /// Everything of a container with this shape.
    pub fn full(shape: &[Expr]) -> Subset {
        Subset(shape.iter().map(|n| Range::new(0, n)).collect())
    }

    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The indices if every dimension is an index.
    pub fn is_index(&self) -> Option<Vec<Expr>> {
        self.0.iter().map(|r| r.is_index().cloned()).collect()
    }

    /// Elements a dimension, never negative.
    pub fn sizes(&self) -> Vec<Expr> {
        self.0.iter().map(Range::size).collect()
    }

    /// Elements a dimension for subsets that are not empty, such as `N` for `0:N`.
    pub fn extents(&self) -> Vec<Expr> {
        self.0.iter().map(Range::extent).collect()
    }

    /// The number of elements.
    pub fn volume(&self) -> Expr {
        self.0.iter().fold(Expr::one(), |v, r| v * r.size())
    }

    pub fn subst(&self, map: &dyn Fn(Name) -> Option<Expr>) -> Subset {
        Subset(self.0.iter().map(|r| r.subst(map)).collect())
    }

    pub fn contains(&self, name: Name) -> bool {
        self.0.iter().any(|r| r.contains(name))
    }

    /// Moved by `by`; dimensions that one side lacks stay as they are.
    pub fn offset_by(&self, by: &[Expr]) -> Subset {
        let zero = Expr::zero();
        Subset(self.0.iter().enumerate().map(|(d, r)| r.offset(by.get(d).unwrap_or(&zero))).collect())
    }

    /// Moved so that `origin` begins at zero.
    pub fn relative_to(&self, origin: &Subset) -> Subset {
        self.offset_by(&origin.0.iter().map(|r| -&r.begin).collect::<Vec<_>>())
    }

    /// What `inner` selects of the container's part that `outer` selects: `outer[inner]`.
    ///
    /// Dimensions that `inner` lacks because they are indices in `outer` are taken from `outer`.
    /// Steps of `outer` are taken to divide out: element `k` of a dimension is `begin + k * step`.
    pub fn compose(outer: &Subset, inner: &Subset) -> Subset {
        let mut surplus = outer.rank().saturating_sub(inner.rank());
        let mut from = inner.0.iter();
        let mut pick = |r: &Range| {
            if surplus > 0 && r.is_index().is_some() {
                surplus -= 1;
                return r.clone();
            }
            let Some(i) = from.next() else { return r.clone() };
            if let Some(at) = i.is_index() {
                return Range::index(&r.begin + at * &r.step);
            }
            Range {
                begin: &r.begin + &i.begin * &r.step,
                end: &r.begin + &i.end * &r.step,
                step: &i.step * &r.step,
            }
        };
        Subset(outer.0.iter().map(&mut pick).collect())
    }
}

impl fmt::Display for Subset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, r) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{r}")?;
        }
        Ok(())
    }
}
