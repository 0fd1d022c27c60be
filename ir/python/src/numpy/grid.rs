//! Grids: index arrays, meshes, evenly spaced numbers, triangles and diagonals.

use ruff_python_ast as ast;
use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;

use super::Function;
use super::PRELUDE_ID;
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail, fail_hint};
use crate::emit::{Inputs, cast};
use crate::ops::zero;
use crate::promote::common;
use crate::value::{Kind, Num, Src, Value, View};
use weft_ir::tasklet::{self, BinOp};

pub const FUNCTIONS: &[Function] = &[
    Function::new("numpy.indices", "dimensions, dtype=None, sparse=False", indices),
    Function::new("numpy.meshgrid", "*xi, copy=True, sparse=False, indexing='xy'", meshgrid),
    Function::new("numpy.ix_", "*args", open_mesh),
    Function::new("numpy.tri", "N, M=None, k=0, dtype=None", tri),
    Function::new("numpy.tril", "m, k=0", |s, b| triangle(s, b, true)),
    Function::new("numpy.triu", "m, k=0", |s, b| triangle(s, b, false)),
    Function::new("numpy.tril_indices", "n, k=0, m=None", |s, b| triangle_indices(s, b, true)),
    Function::new("numpy.triu_indices", "n, k=0, m=None", |s, b| triangle_indices(s, b, false)),
    Function::new("numpy.diag", "v, k=0", diag),
    Function::new("numpy.diagflat", "v, k=0", diagflat),
    Function {
        name: "numpy.fill_diagonal",
        parameters: "a, val, wrap=False",
        run: fill_diagonal,
        limits: "`wrap` is not supported.",
    },
];

fn indices(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (dims, sparse) = (b.get("dimensions"), b.flag("sparse")?);
    let hint = s.hint.take();
    let t = match b.given("dtype") {
        Some(t) => s.dtype_of(&t, span)?,
        None => DType::I64,
    };
    let dims = s.shape_of(&dims, span)?;
    s.hint = hint;
    if sparse {
        let mut lines = vec![];
        for n in &dims {
            lines.push(s.numbers(t, n, span));
        }
        return Ok(Value::Tuple(along_axes(&lines).into_iter().map(Value::Array).collect()));
    }
    let mut shape = vec![Expr::int(dims.len() as i64)];
    shape.extend(dims.iter().cloned());
    let out = s.transient("indices", t, shape);
    for d in 0..dims.len() {
        let target = out.fix_dim(0, &Expr::int(d as i64));
        let code = |at: &[Expr]| cast(t, DType::I64, tasklet::Expr::Sym(at[d].clone()));
        s.map_indexed("index", &target, &Inputs::default(), code, span);
    }
    Ok(Value::Array(out))
}

/// Vectors, each along an axis of its own.
fn along_axes(lines: &[View]) -> Vec<View> {
    let place = |(axis, line): (usize, &View)| {
        let mut view = line.clone();
        for d in (0..lines.len()).filter(|&d| d != axis) {
            view = view.insert_dim(d);
        }
        view
    };
    lines.iter().enumerate().map(place).collect()
}

fn meshgrid(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (copy, sparse) = (b.flag("copy")?, b.flag("sparse")?);
    let swap = match b.text("indexing")?.as_deref() {
        Some("xy") | None => true,
        Some("ij") => false,
        Some(_) => return fail(span, "valid values for 'indexing' are 'xy' and 'ij'"),
    };
    let mut lines = vec![];
    for v in std::mem::take(&mut b.rest) {
        let flat = s.flattened(&v, span)?;
        lines.push(s.view_of(flat, span)?);
    }
    let swap = swap && lines.len() > 1;
    if swap {
        lines.swap(0, 1);
    }
    let shape: Vec<Expr> = lines.iter().map(|l| l.shape[0].clone()).collect();
    let mut out = vec![];
    for (axis, view) in along_axes(&lines).into_iter().enumerate() {
        let mut view = view;
        for (d, n) in shape.iter().enumerate() {
            if d != axis && !sparse {
                view = view.repeat_dim(d, n.clone());
            }
        }
        out.push(Value::Array(if copy { s.materialize(&view, view.dtype, span) } else { view }));
    }
    if swap {
        out.swap(0, 1);
    }
    Ok(Value::Tuple(out))
}

fn open_mesh(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let mut lines = vec![];
    for v in std::mem::take(&mut b.rest) {
        let empty = s.elements(&v).is_some_and(|items| items.is_empty());
        let mut view = s.view_of(v, span)?;
        if view.rank() != 1 {
            return fail(span, "cross index must be 1 dimensional");
        }
        if view.dtype == DType::Bool {
            let args = Args::new("np.nonzero", vec![Value::Array(view)], span);
            let places = s.call_path("numpy.nonzero", args)?;
            let Some(first) = s.elements(&places).and_then(|p| p.into_iter().next()) else {
                return fail(span, "a mask has no places");
            };
            view = s.view_of(first, span)?;
        } else if empty {
            view = s.materialize(&view, DType::I64, span);
        }
        lines.push(view);
    }
    Ok(Value::Tuple(along_axes(&lines).into_iter().map(Value::Array).collect()))
}

fn offset(s: &mut Importer, b: &mut Bound) -> Res<Expr> {
    let k = b.get("k");
    s.as_int(&k, b.span)
}

/// Is an element on or below diagonal `k`?
fn below(at: &[Expr], k: &Expr) -> tasklet::Expr {
    let (i, j) = (&at[at.len() - 2], &at[at.len() - 1]);
    tasklet::Expr::bin(BinOp::Le, tasklet::Expr::Sym(j.clone()), tasklet::Expr::Sym(i + k))
}

fn tri(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let (n, m) = (b.get("N"), b.given("M"));
    let k = offset(s, b)?;
    let t = match b.given("dtype") {
        Some(t) => s.dtype_of(&t, span)?,
        None => DType::F64,
    };
    let n = s.shape_of(&n, span)?.remove(0);
    let m = match m {
        Some(m) => s.shape_of(&m, span)?.remove(0),
        None => n.clone(),
    };
    s.hint = hint;
    let out = s.transient("array", t, vec![n, m]);
    let code = |at: &[Expr]| cast(t, DType::Bool, below(at, &k));
    s.map_indexed("tri", &out, &Inputs::default(), code, span);
    Ok(Value::Array(out))
}

fn triangle(s: &mut Importer, b: &mut Bound, lower: bool) -> Res<Value> {
    let span = b.span;
    let mut view = s.view_of(b.get("m"), span)?;
    let k = offset(s, b)?;
    match view.rank() {
        0 => return fail(span, format!("{} takes at least one dimension", b.name)),
        // Rows of a matrix that are all the same.
        1 => {
            let n = view.shape[0].clone();
            view = view.insert_dim(0).repeat_dim(0, n);
        }
        _ => {}
    }
    let out = s.transient("triangle", view.dtype, view.shape.clone());
    let mut inputs = Inputs::default();
    let x = inputs.read(&view);
    let none = zero(view.dtype);
    let code = |at: &[Expr]| {
        if lower {
            tasklet::Expr::select(below(at, &k), x, none)
        } else {
            tasklet::Expr::select(below(at, &(&k - 1)), none, x)
        }
    };
    s.map_indexed(if lower { "tril" } else { "triu" }, &out, &inputs, code, span);
    Ok(Value::Array(out))
}

fn triangle_indices(s: &mut Importer, b: &mut Bound, lower: bool) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let (n, m) = (b.get("n"), b.given("m"));
    let k = offset(s, b)?;
    let n = s.shape_of(&n, span)?.remove(0);
    let m = match m {
        Some(m) => s.shape_of(&m, span)?.remove(0),
        None => n.clone(),
    };
    let mut args: Vec<Value> = [&n, &m, &k].into_iter().cloned().map(Value::sym).collect();
    args.push(Value::bool(lower));
    let Some(count) = triangle_size(&n, &m, &k, lower) else {
        return s.inline(PRELUDE_ID, "triangle_indices", Args::new(&b.name, args, span));
    };
    s.hint = hint;
    let places = [s.transient("rows", DType::I64, vec![count.clone()]), {
        s.transient("columns", DType::I64, vec![count])
    }];
    let places = places.map(Value::Array);
    let args = places.iter().cloned().chain(args).collect();
    s.inline(PRELUDE_ID, "fill_triangle", Args::new(&b.name, args, span))?;
    Ok(Value::Tuple(places.to_vec()))
}

/// The number of elements on one side of diagonal `k`, with it; `None` where there is no simple formula.
fn triangle_size(n: &Expr, m: &Expr, k: &Expr, lower: bool) -> Option<Expr> {
    const MOST_ROWS: i64 = 1_000_000;
    let k = k.as_int()?;
    if let (Some(n @ 0..=MOST_ROWS), Some(m)) = (n.as_int(), m.as_int()) {
        let in_row = |i: i64| {
            let edge = i.saturating_add(k);
            if lower { edge.saturating_add(1).clamp(0, m) } else { m - edge.clamp(0, m) }
        };
        return (0..n).try_fold(0i64, |sum, i| sum.checked_add(in_row(i))).map(Expr::int);
    }
    if n != m {
        return None;
    }
    match (k, lower) {
        (0, _) => Some((n * &(n + 1)).floor_div(&Expr::int(2))),
        (-1, true) | (1, false) => Some((n * &(n - 1)).floor_div(&Expr::int(2))),
        _ => None,
    }
}

fn diag(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.view_of(b.get("v"), b.span)?;
    let k = offset(s, b)?;
    match view.rank() {
        1 => s.diagonal_matrix(&view, &k, b.span).map(Value::Array),
        2 => s.diagonal_of(&view, 0, 1, &k, b.span).map(Value::Array),
        _ => fail(b.span, "the input of np.diag must have one or two dimensions"),
    }
}

fn diagflat(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let flat = b.get("v");
    let flat = s.array_like(flat, b.span)?;
    let flat = s.flattened(&flat, b.span)?;
    let view = s.view_of(flat, b.span)?;
    let k = offset(s, b)?;
    s.diagonal_matrix(&view, &k, b.span).map(Value::Array)
}

fn fill_diagonal(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let view = s.view_of(b.get("a"), span)?;
    let value = b.get("val");
    if b.flag("wrap")? {
        return fail(span, "'wrap' of np.fill_diagonal");
    }
    if view.rank() < 2 {
        return fail(span, "array must be at least 2-d");
    }
    let mut part = s.diagonal_of(&view, 0, 1, &Expr::zero(), span)?;
    while part.rank() > 1 {
        let message = "all dimensions of input must be of equal length";
        s.must_be_zero(&(&part.shape[0] - &part.shape[part.rank() - 1]), message, span)?;
        part = s.diagonal_of(&part, 0, part.rank() - 1, &Expr::zero(), span)?;
    }
    let value = s.array_like(value, span)?;
    if matches!(&value, Value::Array(v) if v.rank() > 0) {
        return fail_hint(span, "np.fill_diagonal takes one number here", "assign to the diagonal in a loop");
    }
    s.store(&part, &value, span)?;
    Ok(Value::None)
}

/// What stands in brackets after `np.mgrid` and the like.
enum Part {
    /// Begin, end and step.
    Slice([Value; 3]),
    Other(Value),
}

impl Importer<'_> {
    /// `0, 1, 2, …` in a new array.
    fn numbers(&mut self, t: DType, n: &Expr, span: Span) -> View {
        let out = self.transient("array", t, vec![n.clone()]);
        self.iota(&out, &Expr::zero(), &Expr::one(), span);
        out
    }

    /// A matrix of zeros, but for a diagonal.
    fn diagonal_matrix(&mut self, view: &View, k: &Expr, span: Span) -> Res<View> {
        let size = if self.nonneg_everywhere(k, span)?.is_yes() {
            k.clone()
        } else if self.nonneg_everywhere(&-k, span)?.is_yes() {
            -k
        } else {
            Expr::max(k, &-k)
        };
        let n = &view.shape[0] + &size;
        let out = self.transient("array", view.dtype, vec![n.clone(), n]);
        self.store(&out, &Value::int(0), span)?;
        let mut target = self.diagonal_of(&out, 0, 1, k, span)?;
        target.shape = view.shape.clone();
        self.fill_from(view, &target, span);
        Ok(out)
    }

    /// `np.mgrid[0:3, 0:4]`, `np.ogrid[…]`, `np.r_[…]`, `np.c_[…]`, `np.s_[…]`.
    pub fn grid(&mut self, name: &str, slice: &ast::Expr, span: Span) -> Res<Value> {
        let (list, single) = match slice {
            ast::Expr::Tuple(t) => (t.elts.clone(), false),
            other => (vec![other.clone()], true),
        };
        let mut parts = vec![];
        for e in &list {
            parts.push(match e {
                ast::Expr::Slice(s) => {
                    let mut bound = |b: &Option<Box<ast::Expr>>| match b {
                        Some(b) => self.eval(b),
                        None => Ok(Value::None),
                    };
                    Part::Slice([bound(&s.lower)?, bound(&s.upper)?, bound(&s.step)?])
                }
                e => match self.eval(e)? {
                    Value::Slice(bounds) => Part::Slice(*bounds),
                    other => Part::Other(other),
                },
            });
        }
        match name {
            "s_" | "index_exp" => {
                let value = |p| match p {
                    Part::Slice(bounds) => Value::Slice(Box::new(bounds)),
                    Part::Other(v) => v,
                };
                let mut items: Vec<Value> = parts.into_iter().map(value).collect();
                let one = single && name == "s_" && items.len() == 1;
                Ok(if one { items.remove(0) } else { Value::Tuple(items) })
            }
            "r_" | "c_" => self.joined_parts(parts, name == "c_", span),
            _ => self.mesh(parts, single, name == "ogrid", span),
        }
    }

    fn mesh(&mut self, parts: Vec<Part>, single: bool, open: bool, span: Span) -> Res<Value> {
        let mut lines = vec![];
        for part in parts {
            let Part::Slice(bounds) = part else {
                return fail(span, "a grid takes slices");
            };
            lines.push(self.line(&bounds, span)?);
        }
        let t = lines.iter().map(|l| l.dtype).reduce(DType::promote).unwrap_or(DType::I64);
        for line in &mut lines {
            if line.dtype != t {
                *line = self.materialize(line, t, span);
            }
        }
        if single {
            return Ok(Value::Array(lines.remove(0)));
        }
        let lines = along_axes(&lines);
        if open {
            return Ok(Value::Tuple(lines.into_iter().map(Value::Array).collect()));
        }
        let dims: Vec<Expr> = lines.iter().enumerate().map(|(d, l)| l.shape[d].clone()).collect();
        let mut shape = vec![Expr::int(lines.len() as i64)];
        shape.extend(dims.iter().cloned());
        let out = self.transient("grid", t, shape);
        for (d, line) in lines.iter().enumerate() {
            let source = self.broadcast_view(line, &dims, span)?;
            self.fill_from(&source, &out.fix_dim(0, &Expr::int(d as i64)), span);
        }
        Ok(Value::Array(out))
    }

    /// `begin:end:step` as numbers; a complex step is how many, the end included.
    fn line(&mut self, bounds: &[Value; 3], span: Span) -> Res<View> {
        let [begin, end, step] = bounds;
        let begin = if *begin == Value::None { Value::int(0) } else { begin.clone() };
        let step = if *step == Value::None { Value::int(1) } else { step.clone() };
        if *end == Value::None {
            return fail(span, "the slices of a grid need an end");
        }
        let value = match &step {
            Value::Num(Num { src: Src::Lit(Scalar::Complex(_, re, im)), .. }) => {
                let count = re.hypot(*im).floor();
                if count > 1e15 {
                    return fail(span, "the grid has too many elements");
                }
                let args = vec![begin, end.clone(), Value::int(count as i64)];
                self.call_path("numpy.linspace", Args::new("np.linspace", args, span))?
            }
            _ => {
                let args = vec![begin, end.clone(), step];
                self.call_path("numpy.arange", Args::new("np.arange", args, span))?
            }
        };
        self.view_of(value, span)
    }

    fn joined_parts(&mut self, parts: Vec<Part>, columns: bool, span: Span) -> Res<Value> {
        let (mut values, mut kinds) = (vec![], vec![]);
        for part in parts {
            let value = match part {
                Part::Slice(bounds) => Value::Array(self.line(&bounds, span)?),
                Part::Other(Value::Str(_)) => {
                    let name = if columns { "c_" } else { "r_" };
                    return fail_hint(span, format!("text in np.{name}"), "use np.concatenate or np.stack");
                }
                Part::Other(v) => self.array_like(v, span)?,
            };
            match value.kind() {
                Some(kind) => kinds.push(kind),
                None => return fail(span, format!("{} cannot be an element of an array", value.describe())),
            }
            values.push(value);
        }
        let t = common(&kinds);
        let mut views = vec![];
        for value in values {
            let mut view = match &value {
                Value::Num(_) if value.kind().map(Kind::dtype) != Some(t) => {
                    let held = self.transient("value", t, vec![]);
                    self.store(&held, &value, span)?;
                    held
                }
                other => self.view_of(other.clone(), span)?,
            };
            if view.rank() == 0 {
                view = view.insert_dim(0);
            }
            if columns && view.rank() == 1 {
                view = view.insert_dim(1);
            }
            views.push(view);
        }
        let Some(first) = views.first() else { return fail(span, "nothing to join") };
        let axis = if columns { first.rank() - 1 } else { 0 };
        let t = Value::Path(format!("numpy.{}", t.numpy()));
        self.join(&views, axis, Some(t), None, span).map(Value::Array)
    }
}
