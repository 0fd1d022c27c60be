//! Tasklets under maps, copies and library nodes for operations on views.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Input, Library, LibraryKind, Map, Memlet, Schedule, Span, Tasklet, Wcr};
use weft_ir::symbolic::{Expr, Range, Truth};
use weft_ir::tasklet::{self, Assign};

use crate::context::{Importer, Res, fail, fail_hint, fail_raises};
use crate::promote::{convert, int_range};
use crate::value::{Axis, Kind, Num, Src, Value, View};

/// The views that a tasklet reads, one connector each.
#[derive(Default)]
pub struct Inputs(Vec<View>);

impl Inputs {
    pub fn read(&mut self, view: &View) -> tasklet::Expr {
        let at = self.0.iter().position(|v| v == view).unwrap_or_else(|| {
            self.0.push(view.clone());
            self.0.len() - 1
        });
        tasklet::Expr::Var(Name::new(&format!("in{at}")))
    }
}

pub fn cast(to: DType, from: DType, e: tasklet::Expr) -> tasklet::Expr {
    if to == from { e } else { tasklet::Expr::cast(to, e) }
}

impl Importer<'_> {
    /// An operand of an operation in type `to`, read through `inputs`.
    pub fn operand(&mut self, v: &Value, to: DType, inputs: &mut Inputs, span: Span) -> Res<tasklet::Expr> {
        self.ensure_type(v, span);
        match v {
            Value::Array(view) => Ok(cast(to, view.dtype, inputs.read(view))),
            Value::Num(num) if num.kind == Kind::Number => crate::either::undecided(span),
            Value::Num(num) => self.scalar_operand(num, to, inputs, span),
            other => fail(span, format!("{} is not a number or an array", other.describe())),
        }
    }

    fn scalar_operand(
        &mut self,
        num: &Num,
        to: DType,
        inputs: &mut Inputs,
        span: Span,
    ) -> Res<tasklet::Expr> {
        Ok(match &num.src {
            Src::Lit(value) => match convert(*value, to) {
                Some(value) => tasklet::Expr::Lit(value),
                None => cast(to, value.dtype(), tasklet::Expr::Lit(*value)),
            },
            Src::Sym(e) => {
                self.check_fits(e, num.kind, to, span)?;
                match e.as_int().and_then(|i| convert(Scalar::i64(i), to)) {
                    Some(value) => tasklet::Expr::Lit(value),
                    None => cast(to, DType::I64, tasklet::Expr::Sym(e.clone())),
                }
            }
            Src::Cond(c) => cast(to, DType::Bool, c.clone()),
            Src::Elem(view) => cast(to, view.dtype, inputs.read(view)),
        })
    }

    /// NumPy raises where a Python int does not fit the type of the array.
    fn check_fits(&mut self, e: &Expr, kind: Kind, to: DType, span: Span) -> Res<()> {
        let Some((low, high)) = int_range(to) else { return Ok(()) };
        if kind != Kind::Int || to == DType::I64 {
            return Ok(());
        }
        let message = |e: &str| format!("Python integer {e} out of bounds for {}", to.numpy());
        if let Some(i) = e.as_int() {
            let fits = (low..=high).contains(&i128::from(i));
            return if fits { Ok(()) } else { fail(span, message(&i.to_string())) };
        }
        let bound = |b: i128| i64::try_from(b).ok().map(Expr::int);
        let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
        if let Some(low) = bound(low)
            && !self.facts().ge(e, &low).is_yes()
        {
            self.check(tasklet::Expr::bin(tasklet::BinOp::Ge, sym(e), sym(&low)), message("value"), span);
        }
        if let Some(high) = bound(high)
            && !self.facts().le(e, &high).is_yes()
        {
            self.check(tasklet::Expr::bin(tasklet::BinOp::Le, sym(e), sym(&high)), message("value"), span);
        }
        Ok(())
    }

    /// One state: `out = code` for every element of `out`; inputs are broadcast.
    pub fn map_into(&mut self, verb: &str, out: &View, inputs: &Inputs, code: tasklet::Expr, span: Span) {
        // One element as it is is a copy, which can go if what computes the element can write it there.
        if let ([from], tasklet::Expr::Var(_)) = (&inputs.0[..], &code)
            && (from.rank(), out.rank()) == (0, 0)
            && from.dtype == out.dtype
            && from.base != out.base
            && from.subset().is_some()
            && out.subset().is_some()
        {
            self.copy_edge(from, out, span);
            return;
        }
        self.map_indexed(verb, out, inputs, |_| code, span);
    }

    /// `begin, begin + step, …`
    pub fn iota(&mut self, out: &View, begin: &Expr, step: &Expr, span: Span) {
        let dtype = out.dtype;
        let code = |at: &[Expr]| {
            let value = begin + &(&at[0] * step);
            cast(dtype, DType::I64, tasklet::Expr::Sym(value))
        };
        self.map_indexed("arange", out, &Inputs::default(), code, span);
    }

    /// As [`Importer::map_into`]; the code may depend on the indices.
    pub fn map_indexed(
        &mut self,
        verb: &str,
        out: &View,
        inputs: &Inputs,
        code: impl FnOnce(&[Expr]) -> tasklet::Expr,
        span: Span,
    ) {
        let mut params = vec![];
        let mut at = vec![];
        for (d, n) in out.shape.iter().enumerate() {
            if n.is_one() {
                at.push(Expr::zero());
                continue;
            }
            let base = ["i", "j", "k", "l", "m", "n"].get(d).copied().unwrap_or("p");
            let param = self.fresh(base);
            at.push(Expr::sym(param));
            params.push((param, Range::new(0, n)));
        }
        let code = code(&at);
        let label = self.numbered(verb);
        let map = Map { label: self.numbered("m"), params, schedule: Schedule::Default };
        let conn = |i: usize| Name::new(&format!("in{i}"));
        let target = Name::new("out");
        let tasklet = Tasklet {
            label,
            inputs: inputs.0.iter().enumerate().map(|(i, v)| (conn(i), v.dtype)).collect(),
            outputs: vec![(target, out.dtype)],
            code: vec![Assign { target, value: code }],
        };
        self.state(span, |b| {
            let mut reads: Vec<Input> = vec![];
            for (i, view) in inputs.0.iter().enumerate() {
                let seen = reads.iter().find(|r| r.memlet.data == view.base).map(|r| r.node);
                let node = seen.unwrap_or_else(|| b.access(view.base, Some(span)));
                let skip = at.len() - view.rank();
                let index: Vec<Expr> = view
                    .shape
                    .iter()
                    .zip(&at[skip..])
                    .map(|(n, i)| if n.is_one() { Expr::zero() } else { i.clone() })
                    .collect();
                reads.push(Input {
                    node,
                    conn: conn(i),
                    memlet: Memlet::element(view.base, view.index(&index)),
                });
            }
            let node = b.access(out.base, Some(span));
            let write = Input { node, conn: target, memlet: Memlet::element(out.base, out.index(&at)) };
            b.mapped(map, tasklet, &reads, &[write], Some(span));
        });
    }

    /// A new container for the result of an operation on operands of these shapes.
    pub fn elementwise(
        &mut self,
        verb: &str,
        dtype: DType,
        shape: Vec<Expr>,
        inputs: &Inputs,
        code: tasklet::Expr,
        span: Span,
    ) -> View {
        let out = self.transient(verb_stem(verb), dtype, shape);
        self.map_into(verb, &out, inputs, code, span);
        out
    }

    /// A result as a value: scalars of rank 0 are NumPy scalars.
    pub fn result(&self, view: View) -> Value {
        if view.rank() == 0 { Value::elem(Kind::Np(view.dtype), view) } else { Value::Array(view) }
    }

    /// A copy in a new container, in type `to`.
    pub fn materialize(&mut self, view: &View, to: DType, span: Span) -> View {
        let out = self.transient("copy", to, view.shape.clone());
        self.copy_into(view, &out, span);
        out
    }

    /// `to[...] = from`, of equal shapes, which do not overlap.
    pub fn copy_into(&mut self, from: &View, to: &View, span: Span) {
        if from.dtype == to.dtype
            && from.is_plain()
            && to.is_plain()
            && from.shape == to.shape
            && from.rank() > 0
        {
            self.copy_edge(from, to, span);
            return;
        }
        let mut inputs = Inputs::default();
        let value = cast(to.dtype, from.dtype, inputs.read(from));
        let verb = if from.dtype == to.dtype { "copy" } else { "cast" };
        self.map_into(verb, to, &inputs, value, span);
    }

    /// A scalar container with the value as it is now.
    pub fn snapshot(&mut self, num: &Num, span: Span) -> Res<Num> {
        let Src::Elem(view) = &num.src else { return Ok(num.clone()) };
        // A scalar parameter is a value: where a name gets another one, it gets a container of its own.
        if view.at.is_empty() && self.sdfg.args.contains(&view.base) {
            return Ok(num.clone());
        }
        let out = self.transient("value", view.dtype, vec![]);
        let mut inputs = Inputs::default();
        let code = inputs.read(view);
        self.map_into("copy", &out, &inputs, code, span);
        if view.at.is_empty()
            && let Some(doubt) = self.doubts.get(&view.base).copied()
        {
            let flag = self.doubted(&out, doubt.other);
            self.note_kind(flag, &Value::Num(num.clone()), span);
        }
        if let Some(number) = self.numbers.get(&view.base).copied() {
            self.numbers.insert(out.base, number);
        }
        Ok(Num { kind: num.kind, src: Src::Elem(out) })
    }

    /// Writes a value into a view: NumPy's `target[...] = value`.
    pub fn store(&mut self, target: &View, value: &Value, span: Span) -> Res<()> {
        let value = &self.array_like(value.clone(), span)?;
        self.note_write(target, span)?;
        let kind = value.kind();
        let Some(kind) = kind else {
            return fail(span, format!("{} cannot be stored in an array", value.describe()));
        };
        if kind.dtype().is_complex() && !target.dtype.is_complex() {
            return fail_hint(
                span,
                "a complex value cannot be stored in a real array",
                "take its real part first",
            );
        }
        let value = self.fit_shape(target, value, span)?;
        if let Value::Array(from) = &value {
            if self.copied_in_order(from, target, span)? {
                return Ok(());
            }
            let from = if from.base == target.base && from != target && self.may_overlap(from, target) {
                self.materialize(from, from.dtype, span)
            } else {
                from.clone()
            };
            if from != *target {
                self.copy_into(&from, target, span);
            }
            return Ok(());
        }
        let mut inputs = Inputs::default();
        let code = self.operand(&value, target.dtype, &mut inputs, span)?;
        let overlaps = inputs.0.iter().any(|v| v.base == target.base && v != target && target.rank() > 0);
        if overlaps && let Value::Num(num) = &value {
            let held = Value::Num(self.snapshot(num, span)?);
            inputs = Inputs::default();
            let code = self.operand(&held, target.dtype, &mut inputs, span)?;
            self.map_into("set", target, &inputs, code, span);
            return Ok(());
        }
        self.map_into("set", target, &inputs, code, span);
        Ok(())
    }

    /// Between parts of one array that run in one direction NumPy copies one element after the other, and
    /// reads what it has just written. With one distance between elements that is the same as a copy.
    fn copied_in_order(&mut self, from: &View, to: &View, span: Span) -> Res<bool> {
        // One element that is set everywhere is read once.
        let single = from.shape.first().is_some_and(Expr::is_one);
        if to.rank() != 1 || from.rank() != 1 || single || from.base != to.base || from == to {
            return Ok(false);
        }
        let lays = self.sdfg.data.get(&to.base).map(|d| d.strides.clone()).unwrap_or_default();
        let place = |view: &View| {
            let index = view.index(&[Expr::zero()]);
            index.iter().zip(&lays).fold(Expr::zero(), |sum, (i, s)| &sum + &(i * s))
        };
        let n = to.shape[0].clone();
        let (source, target) = (place(from), place(to));
        let steps = [from.strides[0].clone(), to.strides[0].clone()];
        let up = |s: &Self, step: &Expr| s.facts().gt(step, &Expr::zero()).is_yes();
        let down = |s: &Self, step: &Expr| s.facts().lt(step, &Expr::zero()).is_yes();
        let rising = up(self, &steps[0]) && up(self, &steps[1]);
        if steps[0] == steps[1] || !(rising || down(self, &steps[0]) && down(self, &steps[1])) {
            return Ok(false);
        }
        if !self.may_overlap(from, to) || self.facts().le(&n, &Expr::one()).is_yes() {
            return Ok(false);
        }
        // From the lowest address on, or down to it where the source begins below the target.
        let last = &n - 1;
        let (low, high) = match rising {
            true => (source.clone(), target.clone()),
            false => (&source + &(&last * &steps[0]), &target + &(&last * &steps[1])),
        };
        let size = if rising { steps[0].clone() } else { -&steps[0] };
        let backwards = match self.nonneg_everywhere(&(&low - &high), span)? {
            Truth::Yes => false,
            _ if self.nonneg_everywhere(&(&high - &(&low + &(&n * &size))), span)?.is_yes() => false,
            Truth::No => true,
            Truth::Unknown => {
                let hint = "copy the part that is read: a[::2] = a[:4].copy()";
                return fail_hint(span, "an array is copied onto itself, in an order that data decide", hint);
            }
        };
        let var = self.fresh("at");
        self.push_region();
        let at = if backwards == rising { &last - &Expr::sym(var) } else { Expr::sym(var) };
        let mut inputs = Inputs::default();
        let code = inputs.read(&from.fix_dim(0, &at));
        self.map_indexed("copy", &to.fix_dim(0, &at), &inputs, |_| code, span);
        let body = self.pop_region();
        self.block("loop", BlockKind::Loop { var, range: Range::new(0, &n), body }, span);
        Ok(true)
    }

    fn may_overlap(&self, a: &View, b: &View) -> bool {
        match (a.subset(), b.subset()) {
            (Some(a), Some(b)) => !a.disjoint(&b, self.facts()).is_yes(),
            _ => true,
        }
    }

    /// The value's shape must broadcast to the target's; extra leading dimensions of 1 go.
    fn fit_shape(&mut self, target: &View, value: &Value, span: Span) -> Res<Value> {
        let Value::Array(view) = value else { return Ok(value.clone()) };
        let mut view = view.clone();
        while view.rank() > target.rank() && view.shape[0].is_one() {
            view = view.fix_dim(0, &Expr::zero());
        }
        if view.rank() > target.rank()
            && let Some(1) = self.on_sample(&view.shape[0])
        {
            return self.make_constant(&view.shape[0].clone(), span);
        }
        let mut common = vec![];
        if view.rank() <= target.rank() {
            common = self.broadcast(&[target.shape.clone(), view.shape.clone()], span)?;
        }
        // Broadcasting must not stretch the target.
        let stretched = common.iter().zip(&target.shape).any(|(c, t)| t.is_one() && !c.is_one());
        if stretched {
            self.settle_ones(&common, &target.shape, span)?;
        }
        if stretched || view.rank() > target.rank() {
            let (from, to) = (self.show_shape(&view.shape), self.show_shape(&target.shape));
            return fail_raises(
                span,
                format!("could not broadcast input array from shape {from} into shape {to}"),
                "",
            );
        }
        // Equal extents may be written differently: the target's are used.
        let skip = target.rank() - view.rank();
        for (n, t) in view.shape.iter_mut().zip(&target.shape[skip..]) {
            if !n.is_one() {
                *n = t.clone();
            }
        }
        Ok(if view.rank() == 0 { Value::elem(Kind::Np(view.dtype), view) } else { Value::Array(view) })
    }

    /// An extent that is 1 for the arguments at hand becomes the constant where the target has 1.
    pub fn settle_ones(&mut self, common: &[Expr], target: &[Expr], span: Span) -> Res<()> {
        let stretched = common.iter().zip(target).filter(|(c, t)| t.is_one() && !c.is_one());
        match stretched.map(|s| s.0).find(|c| self.on_sample(c) == Some(1)) {
            Some(c) => self.make_constant(&c.clone(), span),
            None => Ok(()),
        }
    }

    /// Extents that only the run knows must be 1 where the target's are. Are there no others?
    pub fn ones_in_run(&mut self, common: &[Expr], target: &[Expr], span: Span) -> bool {
        let stretched = common.iter().zip(target).filter(|(c, t)| t.is_one() && !c.is_one());
        let extents: Vec<Expr> = stretched.map(|s| s.0.clone()).collect();
        if common.len() > target.len() || extents.iter().any(|n| self.on_sample(n).is_some()) {
            return false;
        }
        for n in extents {
            let cond = tasklet::Expr::bin(
                tasklet::BinOp::Eq,
                tasklet::Expr::Sym(n),
                tasklet::Expr::Sym(Expr::one()),
            );
            self.check(cond, "the value has more elements than what it is written to", span);
        }
        true
    }

    /// `target = code(target, …)` in place; operands that overlap otherwise are copied first.
    pub fn separate(&mut self, target: &View, value: &Value, span: Span) -> Value {
        match value {
            Value::Array(v) if v.base == target.base && v != target => {
                Value::Array(self.materialize(v, v.dtype, span))
            }
            Value::Num(Num { kind, src: Src::Elem(v) }) if v.base == target.base && v != target => {
                Value::elem(*kind, self.materialize(v, v.dtype, span))
            }
            other => other.clone(),
        }
    }

    /// A library product into a new container: `m` dims from `a`, `n` from `b`.
    pub fn matmul(&mut self, a: &View, b: &View, shape: Vec<Expr>, span: Span) -> View {
        let (a, trans_a) = self.product_operand(a, span);
        let (b, trans_b) = self.product_operand(b, span);
        let hint = self.hint.take();
        self.hint = hint;
        let out = self.transient("product", a.dtype, shape);
        let library =
            Library { label: self.numbered("matmul"), kind: LibraryKind::MatMul { trans_a, trans_b } };
        self.state(span, |s| {
            let left = s.access(a.base, Some(span));
            let right = if a.base == b.base { left } else { s.access(b.base, Some(span)) };
            let to = s.access(out.base, Some(span));
            let end = |node, conn: &str, v: &View| Input {
                node,
                conn: Name::new(conn),
                memlet: Memlet::new(v.base, v.subset().unwrap_or_default()),
            };
            s.library(library, &[end(left, "a", &a), end(right, "b", &b)], &[end(to, "c", &out)], Some(span));
        });
        out
    }

    /// A view that a library node can read, and whether it reads the transposed.
    fn product_operand(&mut self, v: &View, span: Span) -> (View, bool) {
        let axes = v.axes();
        let fixed = axes.iter().flatten().filter(|a| a.dim.is_none()).count();
        if v.is_plain() && (fixed == 0 || v.rank() == 1) {
            return (v.clone(), false);
        }
        if v.rank() == 2 && fixed == 0 && v.permute(&[1, 0]).is_plain() {
            return (v.clone(), true);
        }
        let hint = self.hint.take();
        let copy = self.materialize(v, v.dtype, span);
        self.hint = hint;
        (copy, false)
    }

    /// A library reduction over logical dimensions of a view, into a new container without them.
    pub fn reduce(
        &mut self,
        v: &View,
        op: Wcr,
        dims: &[usize],
        identity: Option<Scalar>,
        span: Span,
    ) -> View {
        let hint = self.hint.take();
        let v = if v.is_plain() { v.clone() } else { self.materialize(v, v.dtype, span) };
        self.hint = hint;
        let kept = |d: &usize| !dims.contains(d);
        let shape = (0..v.rank()).filter(kept).map(|d| v.shape[d].clone()).collect();
        let out = self.transient("total", v.dtype, shape);
        let over = |a: Option<Axis>| a.is_some_and(|a| a.dim.is_none_or(|d| dims.contains(&d)));
        let axes: Vec<usize> =
            v.axes().into_iter().enumerate().filter(|(_, a)| over(a.clone())).map(|(i, _)| i).collect();
        let stem = match op {
            Wcr::Sum => "sum",
            Wcr::Product => "prod",
            Wcr::Min => "min",
            Wcr::Max => "max",
            Wcr::And => "all",
            Wcr::Or => "any",
        };
        let library =
            Library { label: self.numbered(stem), kind: LibraryKind::Reduce { op, axes, identity } };
        self.state(span, |s| {
            let from = s.access(v.base, Some(span));
            let to = s.access(out.base, Some(span));
            let input = Input {
                node: from,
                conn: Name::new("input"),
                memlet: Memlet::new(v.base, v.subset().unwrap_or_default()),
            };
            let output = Input {
                node: to,
                conn: Name::new("output"),
                memlet: Memlet::new(out.base, out.subset().unwrap_or_default()),
            };
            s.library(library, &[input], &[output], Some(span));
        });
        out
    }
}

/// Transients are called after what made them, without clashing with labels.
fn verb_stem(verb: &str) -> &str {
    match verb {
        "set" | "copy" | "cast" => "value",
        _ => "tmp",
    }
}
