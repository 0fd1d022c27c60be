//! Abstract values: what a Python expression is while its graph is built.

use std::sync::{Arc, LazyLock};

use ruff_python_ast as ast;
use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::row_major;
use weft_ir::symbolic::{Expr, Range, Subset};
use weft_ir::tasklet;

use crate::context::{Join, JoinKey};

/// Python's and NumPy's scalar types; Python's are weak in promotions (NEP 50).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Bool,
    Int,
    /// A Python int or a Python float: data decide. Its value is kept as a float.
    Number,
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
            Kind::Number | Kind::Float => DType::F64,
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
            Kind::Number => "a Python int or float, as data decide,".into(),
            Kind::Float => "a Python float".into(),
            Kind::Complex => "a Python complex".into(),
            Kind::Np(t) => format!("a NumPy {}", t.numpy()),
        }
    }
}

/// The placeholder for index `d` of a view in [`View::at`].
pub fn dim(d: usize) -> Name {
    static NAMES: LazyLock<Vec<Name>> =
        LazyLock::new(|| (0..64).map(|d| Name::new(&format!("__d{d}"))).collect());
    NAMES.get(d).copied().unwrap_or_else(|| Name::new(&format!("__d{d}")))
}

/// An index into one dimension of a container: `offset`, or `offset + step * index[dim]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Axis {
    pub offset: Expr,
    pub step: Expr,
    pub dim: Option<usize>,
}

/// An array or element as a part of a container. Dimensions that no index names are repeated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    pub base: Name,
    pub dtype: DType,
    pub shape: Vec<Expr>,
    /// The index into each dimension of the container, over [`dim`]`(0)`, [`dim`]`(1)`, ….
    pub at: Vec<Expr>,
    /// Elements in memory from one index to the next, a dimension each: they decide where NumPy's
    /// `reshape` copies.
    pub strides: Vec<Expr>,
}

impl View {
    /// The whole container, in C order.
    pub fn full(base: Name, dtype: DType, shape: &[Expr]) -> View {
        View::whole(base, dtype, shape, row_major(shape))
    }

    /// The whole container, with its strides in elements.
    pub fn whole(base: Name, dtype: DType, shape: &[Expr], strides: Vec<Expr>) -> View {
        let at = (0..shape.len()).map(|d| Expr::sym(dim(d))).collect();
        View { base, dtype, shape: shape.to_vec(), at, strides }
    }

    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Indices into the container.
    pub fn index(&self, at: &[Expr]) -> Vec<Expr> {
        self.at.iter().map(|e| place(e, &|d| at.get(d).cloned())).collect()
    }

    /// Per dimension of the container, where an index is affine in at most one dimension of the view.
    pub fn axes(&self) -> Vec<Option<Axis>> {
        let names: Vec<Name> = (0..self.rank()).map(dim).collect();
        let axis = |e: &Expr| {
            let (steps, offset) = e.linear_sym(&names)?;
            let mut used = (0..names.len()).filter(|&d| !steps[d].is_zero());
            let first = used.next();
            if used.next().is_some() || names.iter().any(|&n| offset.contains(n)) {
                return None;
            }
            let step = first.map_or_else(Expr::one, |d| steps[d].clone());
            (!names.iter().any(|&n| step.contains(n))).then_some(Axis { offset, step, dim: first })
        };
        self.at.iter().map(axis).collect()
    }

    /// All of the view as a box, in the container's order of dimensions; `None` where it is none.
    pub fn subset(&self) -> Option<Subset> {
        let range = |a: Option<Axis>| {
            let a = a?;
            Some(match a.dim {
                None => Range::index(a.offset),
                Some(d) => {
                    Range::with_step(a.offset.clone(), &a.offset + &(&self.shape[d] * &a.step), a.step)
                }
            })
        };
        self.axes().into_iter().map(range).collect::<Option<Vec<_>>>().map(Subset)
    }

    /// The view's dimensions in the container's order.
    pub fn order(&self) -> Vec<usize> {
        self.axes().into_iter().flatten().filter_map(|a| a.dim).collect()
    }

    /// A box with steps of one, its dimensions in the container's order.
    pub fn is_plain(&self) -> bool {
        let axes = self.axes();
        axes.iter().all(|a| a.as_ref().is_some_and(|a| a.step.is_one()))
            && self.order().iter().copied().eq(0..self.rank())
    }

    /// Every index of the view is put through `f`.
    fn moved(&self, f: &dyn Fn(usize) -> Option<Expr>) -> Vec<Expr> {
        self.at.iter().map(|e| place(e, f)).collect()
    }

    /// Dimension `d` of the result is dimension `perm[d]` of this view.
    pub fn permute(&self, perm: &[usize]) -> View {
        let to = |p: usize| perm.iter().position(|&q| q == p).map(|d| Expr::sym(dim(d)));
        View {
            shape: perm.iter().map(|&p| self.shape[p].clone()).collect(),
            strides: perm.iter().map(|&p| self.strides[p].clone()).collect(),
            at: self.moved(&to),
            ..self.clone()
        }
    }

    /// A dimension of extent 1 before dimension `at`.
    pub fn insert_dim(&self, at: usize) -> View {
        let mut view = self.clone();
        view.shape.insert(at, Expr::one());
        view.strides.insert(at, Expr::zero());
        view.at = self.moved(&|d| Some(Expr::sym(dim(if d >= at { d + 1 } else { d }))));
        view
    }

    /// Dimension `at` becomes the index `i`.
    pub fn fix_dim(&self, at: usize, i: &Expr) -> View {
        let mut view = self.clone();
        view.shape.remove(at);
        view.strides.remove(at);
        view.at = self.moved(&|d| {
            Some(match d {
                d if d == at => i.clone(),
                d if d > at => Expr::sym(dim(d - 1)),
                d => Expr::sym(dim(d)),
            })
        });
        view
    }

    /// Dimension `at` becomes `begin, begin + step, …` of `extent` elements.
    pub fn slice_dim(&self, at: usize, begin: &Expr, step: &Expr, extent: Expr) -> View {
        let mut view = self.clone();
        view.shape[at] = extent;
        view.strides[at] = &self.strides[at] * step;
        view.at = self.moved(&|d| (d == at).then(|| begin + &(&Expr::sym(dim(d)) * step)));
        view
    }

    /// Dimension `at`, of extent 1, is repeated `extent` times.
    pub fn repeat_dim(&self, at: usize, extent: Expr) -> View {
        let mut view = self.clone();
        view.shape[at] = extent;
        view.strides[at] = Expr::zero();
        view.at = self.moved(&|d| (d == at).then(Expr::zero));
        view
    }

    /// Dimensions `a` and `b` run together from index `(i, j)` on, as the last dimension.
    pub fn diagonal(&self, a: usize, b: usize, (i, j): (&Expr, &Expr), extent: Expr) -> View {
        let kept: Vec<usize> = (0..self.rank()).filter(|&d| d != a && d != b).collect();
        let last = Expr::sym(dim(kept.len()));
        let mut shape: Vec<Expr> = kept.iter().map(|&d| self.shape[d].clone()).collect();
        let mut strides: Vec<Expr> = kept.iter().map(|&d| self.strides[d].clone()).collect();
        shape.push(extent);
        strides.push(&self.strides[a] + &self.strides[b]);
        let at = self.moved(&|d| {
            Some(match d {
                d if d == a => i + &last,
                d if d == b => j + &last,
                d => Expr::sym(dim(kept.iter().position(|&k| k == d)?)),
            })
        });
        View { shape, strides, at, ..self.clone() }
    }
}

/// Replaces the placeholders of dimensions.
fn place(e: &Expr, f: &dyn Fn(usize) -> Option<Expr>) -> Expr {
    e.subst(&|n| n.as_str().strip_prefix("__d").and_then(|d| d.parse().ok()).and_then(f))
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

/// Why a name must not be read, and what would make it readable in another attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stale {
    pub why: &'static str,
    pub fix: Option<(JoinKey, Join)>,
}

impl Stale {
    pub fn new(why: &'static str) -> Stale {
        Stale { why, fix: None }
    }
}

/// A function inside of a function, or a lambda.
#[derive(Clone, Debug)]
pub struct Closure {
    pub name: String,
    /// Of [`crate::context::Importer::modules`].
    pub module: usize,
    pub parameters: ast::Parameters,
    pub body: Body,
    /// The frame that defines it.
    pub frame: u32,
    /// The names of that frame when it was defined, for calls after it has ended.
    pub captured: std::collections::BTreeMap<String, Value>,
}

#[derive(Clone, Debug)]
pub enum Body {
    Block(Vec<ast::Stmt>),
    Value(ast::Expr),
}

impl PartialEq for Closure {
    fn eq(&self, other: &Closure) -> bool {
        std::ptr::eq(self, other)
    }
}
impl Eq for Closure {}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    Num(Num),
    Array(View),
    Tuple(Vec<Value>),
    /// A list that is known element by element; of [`crate::context::Importer::lists`].
    List(usize),
    /// A dict whose keys are known; of [`crate::context::Importer::dicts`].
    Dict(usize),
    /// `range(...)`.
    Range(Range),
    /// `slice(begin, end, step)`.
    Slice(Box<[Value; 3]>),
    None,
    Ellipsis,
    Str(String),
    /// A module or something in it: `numpy.add.outer`.
    Path(String),
    /// A function at the top level of a module, by name.
    User(usize, String),
    Closure(Arc<Closure>),
    /// A method bound to its object.
    Method(Box<Value>, String),
    /// What a name is if this bool says that it has been assigned.
    Maybe(Box<Value>, Name),
    /// This value if the bool is set, else `None`.
    Optional(Box<Value>, Name),
    /// A tuple whose items are variables of their own.
    Parts(usize),
    /// A name that must not be read.
    Stale(Stale),
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
            Value::Tuple(_) | Value::Parts(_) => "a tuple".into(),
            Value::None => "None".into(),
            Value::Ellipsis => "'...'".into(),
            Value::Str(_) => "a string".into(),
            Value::Path(p) => format!("'{p}'"),
            Value::List(_) => "a list".into(),
            Value::Dict(_) => "a dict".into(),
            Value::Range(_) => "a range".into(),
            Value::Slice(_) => "a slice".into(),
            Value::User(_, f) => format!("the function '{f}'"),
            Value::Closure(f) => format!("the function '{}'", f.name),
            Value::Method(_, m) => format!("the method '{m}'"),
            Value::Maybe(v, _) | Value::Optional(v, _) => v.describe(),
            Value::Stale(_) | Value::Poison => "nothing".into(),
        }
    }
}

/// The view that a value stands for.
pub fn view_of(v: &Value) -> Option<View> {
    match v {
        Value::Array(view) | Value::Num(Num { src: Src::Elem(view), .. }) => Some(view.clone()),
        _ => None,
    }
}
