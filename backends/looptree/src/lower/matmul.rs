//! Library nodes, and products: a library call where that pays, else loops.

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::{Library, LibraryKind, NodeId, Place, StateGraph, Wcr};
use weft_ir::symbolic::{Assumptions, Expr, Range, Truth};
use weft_ir::tasklet::BinOp;

use super::slice::Slice;
use super::{Ctx, Env, Lowerer, Result, accumulator, count, loop_over, neutral, refuse};
use crate::tree::{LoopSchedule, Placement, Stmt, Value};

/// Elements that stay in the first-level cache while others are added to them.
pub(super) const BLOCK: i64 = 1024;
/// Columns that are added in one go: sums are stored once for that many loads, and so many
/// streams of memory hide each other's latency.
const TOGETHER: i64 = 8;
/// Partial sums of a product by columns; threads share them.
const GROUPS: i64 = 8;
/// Products with fewer multiplications than this, for certain, are loops.
const SMALL: i64 = 4096;

/// `c[m, n] += a[m, k] * b[k, n]` with the axes in this order; vectors lack an axis.
struct Product {
    a: Slice,
    b: Slice,
    c: Slice,
    dtype: DType,
    /// Added to what is there.
    adds: bool,
}

impl Lowerer {
    pub(super) fn library(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        graph: &StateGraph,
        id: NodeId,
        library: &Library,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let place = Place::Node(id);
        let end = |this: &Lowerer, name: &str, reads: bool| {
            let edges = if reads { graph.in_edges(id) } else { graph.out_edges(id) };
            let conn = Some(Name::new(name));
            let edge = edges.into_iter().find(|e| (if reads { e.dst.conn } else { e.src.conn }) == conn);
            let Some(memlet) = edge.and_then(|e| e.memlet.as_ref()) else {
                return refuse(place, format!("'{}' has nothing at '{name}'", library.label));
            };
            Ok((this.slice(env, ctx, memlet.data, &memlet.subset, place)?, memlet.wcr))
        };
        let span = graph.span(id);
        let first = out.len();
        match &library.kind {
            LibraryKind::MatMul { trans_a, trans_b } => {
                let (a, _) = end(self, "a", true)?;
                let (b, _) = end(self, "b", true)?;
                let (c, wcr) = end(self, "c", false)?;
                if wcr.is_some_and(|w| w != Wcr::Sum) {
                    return refuse(place, "a product can only be added to its output");
                }
                let dtype = self.dtype(c.buffer);
                if self.dtype(a.buffer) != dtype || self.dtype(b.buffer) != dtype {
                    return refuse(place, "a product of different types");
                }
                let Some((a, b, c)) = shapes(&ctx.facts, [&a, &b, &c], *trans_a, *trans_b) else {
                    return refuse(place, "the shapes of a product do not fit");
                };
                self.product(ctx, &Product { a, b, c, dtype, adds: wcr.is_some() }, place, out)?;
            }
            LibraryKind::Reduce { op, axes, identity } => {
                let (input, _) = end(self, "input", true)?;
                let (output, wcr) = end(self, "output", false)?;
                self.reduce(ctx, (*op, axes, *identity), input, (output, wcr), (place, span), out)?;
            }
            LibraryKind::Call(op) => self.call(env, ctx, (graph, id), *op, span, out)?,
            LibraryKind::Foreign(f) => {
                return refuse(
                    place,
                    format!("'{}' is {}, which is kept but not compiled", library.label, f.reason),
                );
            }
        }
        for stmt in &mut out[first..] {
            if let Stmt::For(l) = stmt {
                l.span = span;
            }
        }
        Ok(())
    }

    fn product(&mut self, ctx: &Ctx, p: &Product, place: Place, out: &mut Vec<Stmt>) -> Result<()> {
        match (p.a.axes.len(), p.b.axes.len()) {
            (1, 1) => self.dot(ctx, p, place, out),
            (2, 1) => self.matrix_vector(ctx, &p.a, &p.b, p, place, out),
            (1, 2) => self.matrix_vector(ctx, &p.b.choosing(&[1, 0]), &p.a, p, place, out),
            _ => {
                if p.dtype.part().is_float() && !p.adds && !is_small(p) {
                    let operand = |s: &Slice| s.operand(&self.buffers);
                    out.push(Stmt::MatMul { a: operand(&p.a), b: operand(&p.b), c: operand(&p.c) });
                    return Ok(());
                }
                self.matrix_matrix(ctx, p, out)
            }
        }
    }

    fn dot(&mut self, ctx: &Ctx, p: &Product, place: Place, out: &mut Vec<Stmt>) -> Result<()> {
        let size = p.a.axes[0].size.clone();
        let schedule = if ctx.in_loop { LoopSchedule::Vector } else { LoopSchedule::Parallel };
        let k = self.names.fresh("k");
        let at = [Expr::sym(k)];
        let value = times(p.dtype, p.a.load(&at), p.b.load(&at));
        self.sum_loop(k, size, schedule, p, value, &[], place, out)
    }

    /// One loop that sums `value`, and the store of the sum at a position of `c`.
    #[expect(clippy::too_many_arguments, reason = "the parts of one loop")]
    fn sum_loop(
        &mut self,
        var: Name,
        size: Expr,
        schedule: LoopSchedule,
        p: &Product,
        value: Value,
        at: &[Expr],
        place: Place,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let sum = self.names.fresh("sum");
        self.locals.insert(sum, p.dtype);
        let Some(init) = zero(p.dtype) else { return refuse(place, "a product of this type") };
        let mut l = count(var, size, schedule, vec![Stmt::Update { accumulator: sum, value }]);
        l.accumulators.push(accumulator(sum, p.dtype, Wcr::Sum, Value::Lit(init)));
        out.push(Stmt::For(l));
        out.push(put(&p.c, at, Value::Local(sum), p.adds));
        Ok(())
    }

    /// `c[m] = Σ_k a[m, k] x[k]`.
    fn matrix_vector(
        &mut self,
        ctx: &Ctx,
        a: &Slice,
        x: &Slice,
        p: &Product,
        place: Place,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let strides = a.strides(&self.buffers);
        let outer = if ctx.in_parallel { LoopSchedule::Unordered } else { LoopSchedule::Parallel };
        let (rows, columns) = (a.axes[0].size.clone(), a.axes[1].size.clone());
        if strides[0].is_one() && !strides[1].is_one() {
            return self.by_columns(outer, a, x, p, out);
        }
        let (m, k) = (self.names.fresh("m"), self.names.fresh("k"));
        let value = times(p.dtype, a.load(&[Expr::sym(m), Expr::sym(k)]), x.load(&[Expr::sym(k)]));
        let mut body = vec![];
        self.sum_loop(k, columns, LoopSchedule::Vector, p, value, &[Expr::sym(m)], place, &mut body)?;
        out.push(Stmt::For(count(m, rows, outer, body)));
        Ok(())
    }

    /// Columns are added to a block of rows at a time, so that memory is read in order.
    fn by_columns(
        &mut self,
        outer: LoopSchedule,
        a: &Slice,
        x: &Slice,
        p: &Product,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let (rows, columns) = (a.axes[0].size.clone(), a.axes[1].size.clone());
        if outer == LoopSchedule::Parallel && !p.adds {
            return self.by_groups_of_columns(a, x, p, out);
        }
        let (block, m0) = (self.names.fresh("block"), self.names.fresh("m"));
        let range = block_range(block, &rows);
        let mut body = vec![];
        if !p.adds
            && let Some(init) = zero(p.dtype)
        {
            let store = put(&p.c, &[Expr::sym(m0)], Value::Lit(init), false);
            body.push(Stmt::For(loop_over(m0, range.clone(), LoopSchedule::Vector, vec![store])));
        }
        let target = |m: &Expr, value| put(&p.c, std::slice::from_ref(m), value, true);
        self.add_columns(p.dtype, (a, x), range, Range::new(Expr::zero(), columns), target, &mut body);
        out.push(Stmt::For(blocks(block, &rows, outer, body)));
        Ok(())
    }

    /// Groups of columns, each added up in memory of its own by one thread, which reads whole columns.
    fn by_groups_of_columns(&mut self, a: &Slice, x: &Slice, p: &Product, out: &mut Vec<Stmt>) -> Result<()> {
        let (rows, columns) = (a.axes[0].size.clone(), a.axes[1].size.clone());
        let Some(init) = zero(p.dtype).map(Value::Lit) else { return Ok(()) };
        let (shape, strides) = ([Expr::int(GROUPS), rows.clone()], [rows.clone(), Expr::one()]);
        let parts = self.buffer(Name::new("parts"), p.dtype, &shape, &strides, Placement::Heap);
        let [group, m0, m1] = ["group", "m", "m"].map(|base| self.names.fresh(base));
        let g = Expr::sym(group);
        let store = |m: Name| vec![Expr::sym(group), Expr::sym(m)];
        let clear = Stmt::Store { buffer: parts, index: store(m0), value: init };
        let mut body = vec![Stmt::For(count(m0, rows.clone(), LoopSchedule::Vector, vec![clear]))];
        let cut = |g: &Expr| (g * &columns).floor_div(&Expr::int(GROUPS));
        let range = Range::new(cut(&g), cut(&(&g + 1)));
        let target = |m: &Expr, value| Stmt::Combine {
            buffer: parts,
            index: vec![g.clone(), m.clone()],
            op: Wcr::Sum,
            value,
            atomic: false,
        };
        self.add_columns(p.dtype, (a, x), Range::new(Expr::zero(), rows.clone()), range, target, &mut body);
        out.push(Stmt::For(count(group, Expr::int(GROUPS), LoopSchedule::Parallel, body)));
        let part = |g: i64| Value::Load { buffer: parts, index: vec![Expr::int(g), Expr::sym(m1)] };
        let sum = (0..GROUPS).map(part).reduce(|s, v| plus(p.dtype, s, v));
        let last = sum.map(|sum| put(&p.c, &[Expr::sym(m1)], sum, false));
        out.push(Stmt::For(count(m1, rows, LoopSchedule::Parallel, last.into_iter().collect())));
        Ok(())
    }

    /// Adds the products of a range of columns to a range of rows, some columns in one go.
    fn add_columns(
        &mut self,
        dtype: DType,
        (a, x): (&Slice, &Slice),
        rows: Range,
        columns: Range,
        target: impl Fn(&Expr, Value) -> Stmt,
        body: &mut Vec<Stmt>,
    ) {
        let (begin, end) = (columns.begin, columns.end);
        let whole = &begin + (&end - &begin).floor_div(&Expr::int(TOGETHER)) * TOGETHER;
        for (range, together) in [
            (Range::with_step(begin, whole.clone(), Expr::int(TOGETHER)), TOGETHER),
            (Range::new(whole, end), 1),
        ] {
            let (k, m) = (self.names.fresh("k"), self.names.fresh("m"));
            let products = (0..together).map(|c| {
                let k = Expr::sym(k) + c;
                times(dtype, a.load(&[Expr::sym(m), k.clone()]), x.load(&[k]))
            });
            let Some(value) = products.reduce(|s, v| plus(dtype, s, v)) else { continue };
            let add = target(&Expr::sym(m), value);
            let inner = loop_over(m, rows.clone(), LoopSchedule::Vector, vec![add]);
            body.push(Stmt::For(loop_over(k, range, LoopSchedule::Sequential, vec![Stmt::For(inner)])));
        }
    }

    /// Rows of `c` in order, each the sum of rows of `b`.
    fn matrix_matrix(&mut self, ctx: &Ctx, p: &Product, out: &mut Vec<Stmt>) -> Result<()> {
        let (rows, depth) = (p.a.axes[0].size.clone(), p.a.axes[1].size.clone());
        let columns = p.b.axes[1].size.clone();
        let names = ["m", "n", "k", "n"].map(|base| self.names.fresh(base));
        let [m, n0, k, n] = names.map(Expr::sym);
        let mut body = vec![];
        if !p.adds
            && let Some(init) = zero(p.dtype)
        {
            let store = put(&p.c, &[m.clone(), n0], Value::Lit(init), false);
            body.push(Stmt::For(count(names[1], columns.clone(), LoopSchedule::Vector, vec![store])));
        }
        let value = times(p.dtype, p.a.load(&[m.clone(), k.clone()]), p.b.load(&[k, n.clone()]));
        let inner = count(names[3], columns, LoopSchedule::Vector, vec![put(&p.c, &[m, n], value, true)]);
        body.push(Stmt::For(count(names[2], depth, LoopSchedule::Sequential, vec![Stmt::For(inner)])));
        let outer = if ctx.in_loop { LoopSchedule::Unordered } else { LoopSchedule::Parallel };
        out.push(Stmt::For(count(names[0], rows, outer, body)));
        Ok(())
    }
}

/// Sums that are stored start from a true zero.
fn zero(dtype: DType) -> Option<weft_ir::dtype::Scalar> {
    use weft_ir::dtype::Scalar;
    Some(match neutral(Wcr::Sum, dtype)? {
        Scalar::F32(_) => Scalar::F32(0.0),
        Scalar::F64(_) => Scalar::F64(0.0),
        Scalar::Complex(t, ..) => Scalar::Complex(t, 0.0, 0.0),
        other => other,
    })
}

fn times(dtype: DType, a: Value, b: Value) -> Value {
    let op = if dtype == DType::Bool { BinOp::And } else { BinOp::Mul };
    Value::Bin(op, Box::new(a), Box::new(b))
}

fn plus(dtype: DType, a: Value, b: Value) -> Value {
    let op = if dtype == DType::Bool { BinOp::Or } else { BinOp::Add };
    Value::Bin(op, Box::new(a), Box::new(b))
}

fn put(c: &Slice, at: &[Expr], value: Value, adds: bool) -> Stmt {
    let (buffer, index) = (c.buffer, c.at(at));
    if adds {
        Stmt::Combine { buffer, index, op: Wcr::Sum, value, atomic: false }
    } else {
        Stmt::Store { buffer, index, value }
    }
}

/// The loop over blocks of `size` elements.
pub(super) fn blocks(var: Name, size: &Expr, schedule: LoopSchedule, body: Vec<Stmt>) -> crate::tree::For {
    loop_over(var, Range::with_step(Expr::zero(), size.clone(), Expr::int(BLOCK)), schedule, body)
}

/// The elements of the block that starts at `var`.
pub(super) fn block_range(var: Name, size: &Expr) -> Range {
    let begin = Expr::sym(var);
    Range::new(begin.clone(), Expr::min(&(&begin + BLOCK), size))
}

fn is_small(p: &Product) -> bool {
    let sizes = [&p.a.axes[0].size, &p.a.axes[1].size, &p.b.axes[1].size];
    let product = sizes.iter().try_fold(1i64, |n, e| n.checked_mul(e.as_int()?));
    product.is_some_and(|n| n < SMALL)
}

/// The operands as `[m, k]`, `[k, n]` and `[m, n]`, or vectors where `m` or `n` is missing:
/// dimensions that are single indices are dropped where that makes the shapes fit. Shapes that
/// are known to be equal come first.
fn shapes(facts: &Assumptions, [a, b, c]: [&Slice; 3], ta: bool, tb: bool) -> Option<(Slice, Slice, Slice)> {
    let turn = |s: Slice, t: bool| if t && s.axes.len() == 2 { s.choosing(&[1, 0]) } else { s };
    let variants = |s: &Slice, most: usize| -> Vec<Slice> {
        let units: Vec<usize> = (0..s.axes.len()).filter(|&i| s.axes[i].unit).collect();
        let sets = 0..1usize << units.len().min(8);
        let kept = sets.map(|set| {
            let dropped: Vec<usize> =
                units.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, &u)| u).collect();
            let keep: Vec<usize> = (0..s.axes.len()).filter(|i| !dropped.contains(i)).collect();
            s.choosing(&keep)
        });
        kept.filter(|s| s.axes.len() <= most).collect()
    };
    for certain in [true, false] {
        let equal = |x: &Expr, y: &Expr| match facts.eq(x, y) {
            Truth::Yes => true,
            Truth::Unknown => !certain,
            Truth::No => false,
        };
        for c in variants(c, 2) {
            for a in variants(a, 2).into_iter().map(|s| turn(s, ta)) {
                for b in variants(b, 2).into_iter().map(|s| turn(s, tb)) {
                    let (Some(inner), Some(first)) = (a.axes.last(), b.axes.first()) else { continue };
                    let mut outer: Vec<&Expr> = vec![];
                    outer.extend((a.axes.len() == 2).then(|| &a.axes[0].size));
                    outer.extend((b.axes.len() == 2).then(|| &b.axes[1].size));
                    let fits = outer.len() == c.axes.len()
                        && outer.iter().zip(&c.axes).all(|(x, y)| equal(x, &y.size))
                        && equal(&inner.size, &first.size);
                    if fits {
                        return Some((a, b, c));
                    }
                }
            }
        }
    }
    None
}
