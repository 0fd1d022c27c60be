//! Operations that a library carries out as a whole: names, connectors, types and shapes.
//!
//! An operand is a matrix (rank 2), a vector, a scalar, the right-hand sides of an equation, or has
//! any rank from 1 up; dimensions of its memlet that are single indices are dropped as far as that
//! needs. Types and shapes of the outputs follow from those of the inputs.

use crate::dtype::DType;
use crate::symbolic::{Expr, Subset};

/// What a library node of the kind [`LibraryKind::Call`](super::LibraryKind::Call) does. Results are
/// NumPy's; factors are unique up to the signs (phases) of their columns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LibraryOp {
    /// `output` is `input` sorted along the last axis, stably, with NaN last.
    Sort,
    /// The indices that sort `input` along the last axis.
    ArgSort,
    /// The discrete Fourier transform along the last axis; the inverse is scaled by 1/n.
    Fft {
        inverse: bool,
    },
    /// The lower factor of a Hermitian positive definite matrix, of which the lower triangle is read.
    Cholesky,
    Inv,
    /// The determinant, a scalar.
    Det,
    /// `x` with `a @ x = b`.
    Solve,
    /// `q @ r = input` with orthonormal columns of `q` and upper triangular `r`, reduced.
    Qr,
    /// `u @ diag(s) @ v = input`; `v` is what NumPy calls `Vh`. `full` has square `u` and `v`.
    Svd {
        full: bool,
    },
    /// Eigenvalues `w`, ascending, and vectors `v` of a Hermitian matrix, of which the lower triangle
    /// is read.
    Eigh,
    /// `x` of least norm with the least `norm(a @ x - b)`; the `rank` and the singular values `s` of `a`.
    /// Singular values below the machine's epsilon times the longer side, relative to the largest, are
    /// zero.
    Lstsq,
}

/// The form that an operand has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Rank 1 or more; the operation is along the last axis.
    Any,
    /// As many dimensions.
    Rank(usize),
    /// A vector, or a matrix of columns, as long as `a` has rows.
    Columns,
}

/// Names and forms of the connectors on one side.
pub type Connectors = &'static [(&'static str, Form)];

/// What the types and shapes of the inputs mean for the rest.
#[derive(Clone, PartialEq, Debug)]
pub struct Fit {
    /// Of each output, as [`LibraryOp::outputs`] lists them. Those of the form [`Form::Columns`] are
    /// matrices.
    pub outputs: Vec<(DType, Vec<Expr>)>,
    /// Extents that have to be the same.
    pub equal: Vec<(Expr, Expr)>,
}

const MATRIX: Form = Form::Rank(2);
const VECTOR: Form = Form::Rank(1);
const SCALAR: Form = Form::Rank(0);
const INPUT: Connectors = &[("input", MATRIX)];
const EQUATION: Connectors = &[("a", MATRIX), ("b", Form::Columns)];

impl LibraryOp {
    /// Every operation, without the flags and with them.
    pub fn all() -> [LibraryOp; 13] {
        use LibraryOp::*;
        [
            Sort,
            ArgSort,
            Fft { inverse: false },
            Fft { inverse: true },
            Cholesky,
            Inv,
            Det,
            Solve,
            Qr,
            Svd { full: false },
            Svd { full: true },
            Eigh,
            Lstsq,
        ]
    }

    /// The word for it in the text form; [`LibraryOp::flag`] follows the operands.
    pub fn name(self) -> &'static str {
        match self {
            LibraryOp::Sort => "sort",
            LibraryOp::ArgSort => "argsort",
            LibraryOp::Fft { .. } => "fft",
            LibraryOp::Cholesky => "cholesky",
            LibraryOp::Inv => "inv",
            LibraryOp::Det => "det",
            LibraryOp::Solve => "solve",
            LibraryOp::Qr => "qr",
            LibraryOp::Svd { .. } => "svd",
            LibraryOp::Eigh => "eigh",
            LibraryOp::Lstsq => "lstsq",
        }
    }

    pub fn flag(self) -> Option<&'static str> {
        match self {
            LibraryOp::Fft { inverse: true } => Some("inverse"),
            LibraryOp::Svd { full: true } => Some("full"),
            _ => None,
        }
    }

    /// The operation of this name; `flag` says whether the word for its flag is there.
    pub fn from_name(name: &str, mut flag: impl FnMut(&str) -> bool) -> Option<LibraryOp> {
        let named: Vec<LibraryOp> = LibraryOp::all().into_iter().filter(|op| op.name() == name).collect();
        let flagged = named.iter().find(|op| op.flag().is_some_and(&mut flag));
        flagged.or_else(|| named.iter().find(|op| op.flag().is_none())).copied()
    }

    pub fn inputs(self) -> Connectors {
        match self {
            LibraryOp::Sort | LibraryOp::ArgSort | LibraryOp::Fft { .. } => &[("input", Form::Any)],
            LibraryOp::Solve | LibraryOp::Lstsq => EQUATION,
            _ => INPUT,
        }
    }

    pub fn outputs(self) -> Connectors {
        match self {
            LibraryOp::Sort | LibraryOp::ArgSort | LibraryOp::Fft { .. } => &[("output", Form::Any)],
            LibraryOp::Cholesky | LibraryOp::Inv => &[("output", MATRIX)],
            LibraryOp::Det => &[("output", SCALAR)],
            LibraryOp::Solve => &[("x", Form::Columns)],
            LibraryOp::Qr => &[("q", MATRIX), ("r", MATRIX)],
            LibraryOp::Svd { .. } => &[("u", MATRIX), ("s", VECTOR), ("v", MATRIX)],
            LibraryOp::Eigh => &[("w", VECTOR), ("v", MATRIX)],
            LibraryOp::Lstsq => &[("x", Form::Columns), ("rank", SCALAR), ("s", VECTOR)],
        }
    }

    /// The message of NumPy's error where the values of the operands do not allow the operation.
    pub fn failure(self) -> Option<&'static str> {
        match self {
            LibraryOp::Cholesky => Some("Matrix is not positive definite"),
            LibraryOp::Inv | LibraryOp::Solve => Some("Singular matrix"),
            LibraryOp::Svd { .. } => Some("SVD did not converge"),
            LibraryOp::Eigh => Some("Eigenvalues did not converge"),
            LibraryOp::Lstsq => Some("SVD did not converge in Linear Least Squares"),
            _ => None,
        }
    }

    /// Does it read every element of its inputs?
    pub fn reads_all(self) -> bool {
        !matches!(self, LibraryOp::Cholesky | LibraryOp::Eigh)
    }

    /// Is it defined on elements of this type?
    pub fn takes(self, dtype: DType) -> bool {
        match self {
            LibraryOp::Sort | LibraryOp::ArgSort => !dtype.is_complex(),
            LibraryOp::Fft { .. } => dtype.is_complex(),
            _ => (dtype.is_float() && dtype != DType::F16) || dtype.is_complex(),
        }
    }

    /// The outputs for inputs of these types and shapes, in the order and form of
    /// [`LibraryOp::inputs`] (columns as matrices).
    pub fn fit(self, inputs: &[(DType, Vec<Expr>)]) -> Result<Fit, String> {
        let Some((dtype, shape)) = inputs.first() else { return Err("an operation without inputs".into()) };
        let (dtype, name) = (*dtype, self.name());
        if !self.takes(dtype) {
            return Err(format!("{name} is not defined on {dtype}"));
        }
        if let Some((other, _)) = inputs.iter().find(|i| i.0 != dtype) {
            return Err(format!("{name} of {dtype} and {other}"));
        }
        let same = |dtype| Ok(Fit { outputs: vec![(dtype, shape.clone())], equal: vec![] });
        match self {
            LibraryOp::Sort | LibraryOp::Fft { .. } => return same(dtype),
            LibraryOp::ArgSort => return same(DType::I64),
            _ => {}
        }
        let [m, n] = &shape[..] else { return Err(format!("{name} of rank {}", shape.len())) };
        let matrix = |r: &Expr, c: &Expr| (dtype, vec![r.clone(), c.clone()]);
        let real = |n: &Expr| (float_part(dtype), vec![n.clone()]);
        let least = m.min(n);
        let square = (m.clone(), n.clone());
        let columns = match inputs {
            [_, (_, b)] if b.len() == 2 => Some((b[0].clone(), b[1].clone())),
            _ => None,
        };
        let (outputs, equal) = match self {
            LibraryOp::Cholesky | LibraryOp::Inv => (vec![matrix(m, n)], vec![square]),
            LibraryOp::Det => (vec![(dtype, vec![])], vec![square]),
            LibraryOp::Qr => (vec![matrix(m, &least), matrix(&least, n)], vec![]),
            LibraryOp::Svd { full: true } => (vec![matrix(m, m), real(&least), matrix(n, n)], vec![]),
            LibraryOp::Svd { full: false } => {
                (vec![matrix(m, &least), real(&least), matrix(&least, n)], vec![])
            }
            LibraryOp::Eigh => (vec![real(n), matrix(m, n)], vec![square]),
            _ => {
                let Some((rows, k)) = columns else { return Err(format!("{name} without right-hand sides")) };
                let x = matrix(n, &k);
                match self {
                    LibraryOp::Solve => (vec![x], vec![square, (m.clone(), rows)]),
                    _ => (vec![x, (DType::I64, vec![]), real(&least)], vec![(m.clone(), rows)]),
                }
            }
        };
        Ok(Fit { outputs, equal })
    }
}

/// The type of the real part.
pub fn float_part(dtype: DType) -> DType {
    match dtype {
        DType::C64 => DType::F32,
        DType::C128 => DType::F64,
        other => other,
    }
}

impl Form {
    /// The dimensions of a subset that the operand has: single indices are dropped, the first ones
    /// first, until the form fits. `None` if it cannot.
    pub fn dimensions(self, subset: &Subset) -> Option<Vec<usize>> {
        let single = |d: usize| subset.0[d].extent().is_one();
        let all = 0..subset.rank();
        match self {
            Form::Any => {
                let last = subset.rank().checked_sub(1)?;
                Some(all.filter(|&d| d == last || !single(d)).collect())
            }
            Form::Columns => {
                let long: Vec<usize> = all.filter(|&d| !single(d)).collect();
                (long.len() <= 2).then_some(long)
            }
            Form::Rank(rank) => {
                let mut surplus = subset.rank().checked_sub(rank)?;
                let kept = all.filter(|&d| {
                    let dropped = surplus > 0 && single(d);
                    surplus -= usize::from(dropped);
                    !dropped
                });
                let kept: Vec<usize> = kept.collect();
                (kept.len() == rank).then_some(kept)
            }
        }
    }

    /// The shape of the operand from the extents of its dimensions: columns become a matrix. `one_row`
    /// says that they have one row for certain.
    pub fn shape<T: Clone>(self, extents: Vec<T>, one_row: bool, one: T) -> Vec<T> {
        match (self, &extents[..]) {
            (Form::Columns, []) => vec![one.clone(), one],
            (Form::Columns, [n]) if one_row => vec![one, n.clone()],
            (Form::Columns, [n]) => vec![n.clone(), one],
            _ => extents,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e(text: &str) -> Expr {
        Expr::parse(text).expect("an expression")
    }

    #[test]
    fn names_lead_back() {
        for op in LibraryOp::all() {
            assert_eq!(LibraryOp::from_name(op.name(), |w| Some(w) == op.flag()), Some(op));
            let inputs: Vec<(DType, Vec<Expr>)> = op
                .inputs()
                .iter()
                .map(|_| {
                    (
                        if matches!(op, LibraryOp::Fft { .. }) { DType::C128 } else { DType::F64 },
                        vec![e("N"), e("N")],
                    )
                })
                .collect();
            let fit = op.fit(&inputs).expect("fits");
            assert_eq!(fit.outputs.len(), op.outputs().len());
        }
        assert_eq!(LibraryOp::from_name("sorted", |_| false), None);
        assert!(LibraryOp::Inv.fit(&[(DType::I64, vec![e("N"), e("N")])]).is_err());
        assert!(LibraryOp::Sort.fit(&[(DType::C64, vec![e("N")])]).is_err());
    }

    #[test]
    fn dimensions_are_dropped_from_the_front() {
        let dims = |form: Form, text: &str| form.dimensions(&Subset::parse(text).expect("a subset"));
        assert_eq!(dims(Form::Rank(2), "k, 0:N, 0:M"), Some(vec![1, 2]));
        assert_eq!(dims(Form::Rank(2), "k, 0:N, 3"), Some(vec![1, 2]));
        assert_eq!(dims(Form::Rank(1), "0:N, 3"), Some(vec![0]));
        assert_eq!(dims(Form::Rank(1), "0:N, 0:M"), None);
        assert_eq!(dims(Form::Any, "k, 0:N, 3"), Some(vec![1, 2]));
        assert_eq!(dims(Form::Columns, "0:N, 3"), Some(vec![0]));
        assert_eq!(Form::Columns.shape(vec![e("N")], true, Expr::one()), [Expr::one(), e("N")]);
    }
}
