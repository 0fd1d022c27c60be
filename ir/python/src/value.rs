//! Abstract values: what a Python expression is while its graph is built.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::symbolic::{Expr, Range, Subset};
use weft_ir::tasklet;

/// Python's and NumPy's scalar types; Python's are weak in promotions (NEP 50).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Bool,
    Int,
    Float,
    Complex,
    Np(DType),
}

impl Kind {
    /// The element type that carries a value of this kind.
    pub fn dtype(self) -> DType {
        match self {
            Kind::Bool => DType::Bool,
            Kind::Int => DType::I64,
            Kind::Float => DType::F64,
            Kind::Complex => DType::C128,
            Kind::Np(t) => t,
        }
    }

    pub fn is_python(self) -> bool {
        !matches!(self, Kind::Np(_))
    }

    /// As people know it.
    pub fn describe(self) -> String {
        match self {
            Kind::Bool => "a Python bool".into(),
            Kind::Int => "a Python int".into(),
            Kind::Float => "a Python float".into(),
            Kind::Complex => "a Python complex".into(),
            Kind::Np(t) => format!("a NumPy {}", t.numpy()),
        }
    }
}

/// Where one dimension of a container is read: at `offset`, or at `offset + step * index[dim]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Axis {
    pub offset: Expr,
    pub step: i64,
    pub dim: Option<usize>,
}

/// An array or element as a part of a container. Dimensions that no axis names have extent 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    pub base: Name,
    pub dtype: DType,
    pub shape: Vec<Expr>,
    pub axes: Vec<Axis>,
}

impl View {
    /// The whole container.
    pub fn full(base: Name, dtype: DType, shape: &[Expr]) -> View {
        let axis = |d| Axis { offset: Expr::zero(), step: 1, dim: Some(d) };
        View { base, dtype, shape: shape.to_vec(), axes: (0..shape.len()).map(axis).collect() }
    }

    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Indices into the container.
    pub fn index(&self, at: &[Expr]) -> Vec<Expr> {
        let place = |a: &Axis| match a.dim {
            Some(d) => &a.offset + &(&at[d] * &Expr::int(a.step)),
            None => a.offset.clone(),
        };
        self.axes.iter().map(place).collect()
    }

    /// All of the view, in the container's order of dimensions.
    pub fn subset(&self) -> Subset {
        let range = |a: &Axis| match a.dim {
            None => Range::index(a.offset.clone()),
            Some(d) => Range::with_step(
                a.offset.clone(),
                &a.offset + &(&self.shape[d] * &Expr::int(a.step)),
                Expr::int(a.step),
            ),
        };
        Subset(self.axes.iter().map(range).collect())
    }

    /// The logical dimensions in the container's order.
    pub fn order(&self) -> Vec<usize> {
        self.axes.iter().filter_map(|a| a.dim).collect()
    }

    /// A box with steps of one, its dimensions in the container's order.
    pub fn is_plain(&self) -> bool {
        self.axes.iter().all(|a| a.step == 1 || a.dim.is_none())
            && self.order().iter().copied().eq(0..self.rank())
    }

    /// Logical dimension `d` of the result is dimension `perm[d]` of this view.
    pub fn permute(&self, perm: &[usize]) -> View {
        let mut view = self.clone();
        view.shape = perm.iter().map(|&p| self.shape[p].clone()).collect();
        for axis in &mut view.axes {
            axis.dim = axis.dim.and_then(|d| perm.iter().position(|&p| p == d));
        }
        view
    }

    /// A dimension of extent 1 before dimension `at`.
    pub fn insert_dim(&self, at: usize) -> View {
        let mut view = self.clone();
        view.shape.insert(at, Expr::one());
        for axis in &mut view.axes {
            axis.dim = axis.dim.map(|d| if d >= at { d + 1 } else { d });
        }
        view
    }

    /// Dimension `at` becomes the index `i`.
    pub fn fix_dim(&self, at: usize, i: &Expr) -> View {
        let mut view = self.clone();
        view.shape.remove(at);
        for axis in &mut view.axes {
            match axis.dim {
                Some(d) if d == at => {
                    axis.offset = &axis.offset + &(i * &Expr::int(axis.step));
                    axis.step = 1;
                    axis.dim = None;
                }
                Some(d) if d > at => axis.dim = Some(d - 1),
                _ => {}
            }
        }
        view
    }

    /// Dimension `at` becomes `begin, begin + step, …` of `extent` elements.
    pub fn slice_dim(&self, at: usize, begin: &Expr, step: i64, extent: Expr) -> Option<View> {
        let mut view = self.clone();
        view.shape[at] = extent;
        for axis in view.axes.iter_mut().filter(|a| a.dim == Some(at)) {
            axis.offset = &axis.offset + &(begin * &Expr::int(axis.step));
            axis.step = axis.step.checked_mul(step)?;
        }
        Some(view)
    }
}

/// Where a scalar's value is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Src {
    Lit(Scalar),
    /// A Python int over symbols.
    Sym(Expr),
    /// A Python bool over symbols; no containers.
    Cond(tasklet::Expr),
    /// One element of a container, as it is when it is used.
    Elem(View),
}

/// A scalar: Python's, or NumPy's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Num {
    pub kind: Kind,
    pub src: Src,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    Num(Num),
    Array(View),
    Tuple(Vec<Value>),
    None,
    Ellipsis,
    Str(String),
    /// A module or something in it: `numpy.add.outer`.
    Path(String),
    /// A function of the file, by name.
    User(String),
    /// A method bound to its object.
    Method(Box<Value>, String),
    /// A name that must not be read, and why.
    Stale(String),
    /// Something whose diagnostic has been given.
    Poison,
}

impl Value {
    pub fn int(value: i64) -> Value {
        Value::sym(Expr::int(value))
    }

    pub fn sym(e: Expr) -> Value {
        Value::Num(Num { kind: Kind::Int, src: Src::Sym(e) })
    }

    pub fn lit(kind: Kind, value: Scalar) -> Value {
        Value::Num(Num { kind, src: Src::Lit(value) })
    }

    pub fn float(value: f64) -> Value {
        Value::lit(Kind::Float, Scalar::F64(value))
    }

    pub fn bool(value: bool) -> Value {
        Value::lit(Kind::Bool, Scalar::Bool(value))
    }

    pub fn elem(kind: Kind, view: View) -> Value {
        Value::Num(Num { kind, src: Src::Elem(view) })
    }

    /// The kind of a scalar, or that of an array's elements.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Value::Num(num) => Some(num.kind),
            Value::Array(view) => Some(Kind::Np(view.dtype)),
            _ => None,
        }
    }

    pub fn shape(&self) -> Vec<Expr> {
        match self {
            Value::Array(view) => view.shape.clone(),
            _ => vec![],
        }
    }

    pub fn as_const_int(&self) -> Option<i64> {
        match self {
            Value::Num(Num { src: Src::Sym(e), .. }) => e.as_int(),
            Value::Num(Num { src: Src::Lit(Scalar::Bool(b)), .. }) => Some(i64::from(*b)),
            _ => None,
        }
    }

    /// As a message names it.
    pub fn describe(&self) -> String {
        match self {
            Value::Num(num) => num.kind.describe(),
            Value::Array(view) => format!("a {}-dimensional {} array", view.rank(), view.dtype.numpy()),
            Value::Tuple(_) => "a tuple".into(),
            Value::None => "None".into(),
            Value::Ellipsis => "'...'".into(),
            Value::Str(_) => "a string".into(),
            Value::Path(p) => format!("'{p}'"),
            Value::User(f) => format!("the function '{f}'"),
            Value::Method(_, m) => format!("the method '{m}'"),
            Value::Stale(_) | Value::Poison => "nothing".into(),
        }
    }
}
