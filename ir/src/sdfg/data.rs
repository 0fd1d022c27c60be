//! Data containers and memlets.

use std::sync::Arc;

use super::Foreign;
use crate::dtype::DType;
use crate::names::Name;
use crate::symbolic::{Expr, Subset};

/// Where a container lives. DaCe's `StorageType`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Storage {
    #[default]
    Default,
    Register,
    CpuHeap,
    GpuGlobal,
    GpuShared,
}

/// How long a transient lives. DaCe's `AllocationLifetime`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lifetime {
    /// The innermost scope that holds all its uses.
    #[default]
    Scope,
    /// One call of the SDFG.
    Sdfg,
}

/// A container. Rank 0 (`shape` empty) is a scalar: DaCe's `Scalar`; else DaCe's `Array`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Data {
    pub dtype: DType,
    /// Elements per dimension; non-negative.
    pub shape: Vec<Expr>,
    /// Elements (not bytes) between neighbours in each dimension.
    pub strides: Vec<Expr>,
    /// Allocated by the SDFG itself, invisible outside.
    pub transient: bool,
    pub storage: Storage,
    pub lifetime: Lifetime,
    /// It is no array of numbers: a stream, a structure, …. Type, shape and strides then mean nothing
    /// to this graph, nor do the ranks of memlets.
    pub foreign: Option<Arc<Foreign>>,
}

impl Data {
    /// A row-major (C order) container.
    pub fn array(dtype: DType, shape: Vec<Expr>, transient: bool) -> Data {
        let strides = row_major(&shape);
        let (storage, lifetime) = Default::default();
        Data { dtype, shape, strides, transient, storage, lifetime, foreign: None }
    }

    pub fn scalar(dtype: DType, transient: bool) -> Data {
        Data::array(dtype, vec![], transient)
    }

    pub fn is_scalar(&self) -> bool {
        self.shape.is_empty()
    }

    pub fn full_subset(&self) -> Subset {
        Subset::full(&self.shape)
    }

    /// Elements in the container, if it is packed.
    pub fn volume(&self) -> Expr {
        self.shape.iter().fold(Expr::one(), |acc, n| &acc * n)
    }
}

/// Strides, in elements, of a packed C-order array.
pub fn row_major(shape: &[Expr]) -> Vec<Expr> {
    let mut strides = vec![Expr::one(); shape.len()];
    for d in (0..shape.len().saturating_sub(1)).rev() {
        strides[d] = &strides[d + 1] * &shape[d + 1];
    }
    strides
}

/// Strides, in elements, of a packed Fortran-order array.
pub fn column_major(shape: &[Expr]) -> Vec<Expr> {
    let mut strides = vec![Expr::one(); shape.len()];
    for d in 1..shape.len() {
        strides[d] = &strides[d - 1] * &shape[d - 1];
    }
    strides
}

/// How conflicting writes to one element are resolved; each is associative and commutative,
/// and may be reassociated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wcr {
    Sum,
    Product,
    Min,
    Max,
    And,
    Or,
}

/// Data moved along an edge.
///
/// On an edge between two access nodes (a copy), `data` is the source, `subset` is of the
/// source and `other` of the destination (same number of elements, row-major order). On every
/// other edge `data` is the container read or written, and `other` is `None`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Memlet {
    pub data: Name,
    pub subset: Subset,
    pub other: Option<Subset>,
    pub wcr: Option<Wcr>,
    /// The subset is an upper bound of what is touched, not exact.
    pub dynamic: bool,
}

impl Memlet {
    pub fn new(data: impl Into<Name>, subset: Subset) -> Memlet {
        Memlet { data: data.into(), subset, other: None, wcr: None, dynamic: false }
    }

    pub fn element(data: impl Into<Name>, indices: Vec<Expr>) -> Memlet {
        Memlet::new(data, Subset::indices(indices))
    }

    pub fn copy(source: impl Into<Name>, subset: Subset, other: Subset) -> Memlet {
        Memlet { other: Some(other), ..Memlet::new(source, subset) }
    }

    /// What a connector reads whose elements a tasklet picks itself: any of them.
    pub fn gather(data: impl Into<Name>, container: &Data) -> Memlet {
        Memlet { dynamic: true, ..Memlet::new(data, container.full_subset()) }
    }

    pub fn with_wcr(mut self, wcr: Wcr) -> Memlet {
        self.wcr = Some(wcr);
        self
    }

    pub fn subst(&self, f: &dyn Fn(Name) -> Option<Expr>) -> Memlet {
        Memlet {
            subset: self.subset.subst(f),
            other: self.other.as_ref().map(|s| s.subst(f)),
            ..self.clone()
        }
    }
}
