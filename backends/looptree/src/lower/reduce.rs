//! Reductions: sums in registers along contiguous axes, else rows added to rows.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::{Place, Span, Wcr};
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::BinOp;

use super::matmul::{block_range, blocks};
use super::slice::Slice;
use super::{Ctx, Lowerer, Result, accumulator, count, loop_over, neutral, refuse};
use crate::tree::{LoopSchedule, Stmt, Value};

/// `output[kept] = op over reduced of input[kept, reduced]`.
struct Reduction {
    op: Wcr,
    dtype: DType,
    input: Slice,
    /// Axes of the input, in order.
    kept: Vec<usize>,
    reduced: Vec<usize>,
    output: Slice,
    init: Scalar,
    neutral: Scalar,
    /// Folded into what is there.
    combines: bool,
}

impl Lowerer {
    pub(super) fn reduce(
        &mut self,
        ctx: &Ctx,
        (op, axes, identity): (Wcr, &[usize], Option<Scalar>),
        input: Slice,
        (output, wcr): (Slice, Option<Wcr>),
        (place, span): (Place, Option<Span>),
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let dtype = self.dtype(output.buffer);
        if self.dtype(input.buffer) != dtype {
            return refuse(place, "a reduction into another type");
        }
        if wcr.is_some_and(|w| w != op) {
            return refuse(place, "a reduction combined with another operation");
        }
        let Some(neutral) = neutral(op, dtype) else {
            return refuse(place, format!("a reduction of {dtype} that has no neutral element"));
        };
        let output = output.squeezed();
        let kept: Vec<usize> =
            (0..input.axes.len()).filter(|d| !axes.contains(d) && !input.axes[*d].unit).collect();
        let reduced: Vec<usize> =
            (0..input.axes.len()).filter(|d| axes.contains(d) && !input.axes[*d].unit).collect();
        let fits = kept.len() == output.axes.len()
            && kept
                .iter()
                .zip(&output.axes)
                .all(|(&d, o)| ctx.facts.eq(&input.axes[d].size, &o.size) != Truth::No);
        if !fits {
            return refuse(place, "the shapes of a reduction do not fit");
        }
        if identity.is_none() {
            self.check_not_empty(ctx, &input, axes, &output, span, out);
        }
        let init = identity.unwrap_or(neutral);
        if init.dtype() != dtype {
            return refuse(place, "a reduction that starts from another type");
        }
        let combines = wcr.is_some();
        let r = Reduction { op, dtype, input, kept, reduced, output, init, neutral, combines };
        let strides = r.input.strides(&self.buffers);
        let contiguous = |d: &usize| strides[*d].is_one();
        if r.kept.iter().any(contiguous) && !r.reduced.is_empty() && (!combines || identity.is_none()) {
            self.rows(ctx, &r, &strides, out);
        } else {
            self.registers(ctx, &r, &strides, out);
        }
        Ok(())
    }

    /// Without an identity, an axis of no elements is an error, unless there are no results.
    fn check_not_empty(
        &mut self,
        ctx: &Ctx,
        input: &Slice,
        axes: &[usize],
        output: &Slice,
        span: Option<Span>,
        out: &mut Vec<Stmt>,
    ) {
        let none = |e: &Expr| compare(BinOp::Le, e, &Expr::zero());
        let some = |e: &Expr| compare(BinOp::Gt, e, &Expr::zero());
        let either = |a: Value, b: Value| Value::Bin(BinOp::Or, Box::new(a), Box::new(b));
        let both = |a: Value, b: Value| Value::Bin(BinOp::And, Box::new(a), Box::new(b));
        let unknown = axes
            .iter()
            .filter_map(|&d| input.axes.get(d))
            .filter(|a| ctx.facts.gt(&a.size, &Expr::zero()) != Truth::Yes);
        let Some(full) = unknown.map(|a| some(&a.size)).reduce(both) else { return };
        let cond = output.axes.iter().map(|a| none(&a.size)).fold(full, either);
        let id = self.check("reduction of no elements, without an identity", span);
        out.push(Stmt::Check { id, cond });
    }

    /// Outputs outside, the reduced axes inside with accumulators.
    fn registers(&mut self, ctx: &Ctx, r: &Reduction, strides: &[Expr], out: &mut Vec<Stmt>) {
        let names: Vec<Name> = r.input.axes.iter().map(|_| self.names.fresh("r")).collect();
        let position: Vec<Expr> = (0..r.input.axes.len())
            .map(|d| if r.input.axes[d].unit { Expr::zero() } else { Expr::sym(names[d]) })
            .collect();
        // The axis with stride one is the innermost.
        let mut reduced = r.reduced.clone();
        reduced.sort_by_key(|&d| strides[d].is_one());
        let parallel = !ctx.in_loop && r.kept.is_empty();
        let mut body = vec![];
        let mut value = r.input.load(&position);
        for (level, &d) in reduced.iter().enumerate().rev() {
            let name = self.names.fresh("acc");
            self.locals.insert(name, r.dtype);
            body.push(Stmt::Update { accumulator: name, value });
            let schedule = match (level, level + 1 == reduced.len()) {
                (0, _) if parallel => LoopSchedule::Parallel,
                (_, true) => LoopSchedule::Vector,
                _ => LoopSchedule::Unordered,
            };
            let mut l = count(names[d], r.input.axes[d].size.clone(), schedule, body);
            let init = if level == 0 { r.init } else { r.neutral };
            l.accumulators.push(accumulator(name, r.dtype, r.op, Value::Lit(init)));
            body = vec![Stmt::For(l)];
            value = Value::Local(name);
        }
        if reduced.is_empty() && r.init != r.neutral {
            let init = Value::Lit(r.init);
            value = fold(r.op, init, value);
        }
        let to: Vec<Expr> = r.kept.iter().map(|&d| Expr::sym(names[d])).collect();
        body.push(self.put(r, &to, value));
        let loops = r.kept.iter().map(|&d| (names[d], r.input.axes[d].size.clone())).collect();
        out.extend(around(ctx, loops, body));
    }

    /// A contiguous axis is kept: blocks of it stay in the cache while rows are folded into them.
    fn rows(&mut self, ctx: &Ctx, r: &Reduction, strides: &[Expr], out: &mut Vec<Stmt>) {
        let at = r.kept.iter().position(|&d| strides[d].is_one()).unwrap_or(0);
        let lane = r.kept[at];
        let size = r.input.axes[lane].size.clone();
        let names: Vec<Name> = r.input.axes.iter().map(|_| self.names.fresh("r")).collect();
        let (block, first) = (self.names.fresh("block"), self.names.fresh("r"));
        let range = block_range(block, &size);
        let mut to: Vec<Expr> = r.kept.iter().map(|&d| Expr::sym(names[d])).collect();
        let position: Vec<Expr> = (0..r.input.axes.len())
            .map(|d| if r.input.axes[d].unit { Expr::zero() } else { Expr::sym(names[d]) })
            .collect();
        let value = r.input.load(&position);
        let add = Stmt::Combine {
            buffer: r.output.buffer,
            index: r.output.at(&to),
            op: r.op,
            value,
            atomic: false,
        };
        let mut folding =
            vec![Stmt::For(loop_over(names[lane], range.clone(), LoopSchedule::Vector, vec![add]))];
        for &d in r.reduced.iter().rev() {
            let l = count(names[d], r.input.axes[d].size.clone(), LoopSchedule::Sequential, folding);
            folding = vec![Stmt::For(l)];
        }
        let mut body = vec![];
        if !r.combines {
            to[at] = Expr::sym(first);
            let store =
                Stmt::Store { buffer: r.output.buffer, index: r.output.at(&to), value: Value::Lit(r.init) };
            body.push(Stmt::For(loop_over(first, range, LoopSchedule::Vector, vec![store])));
        }
        body.append(&mut folding);
        let outer: Vec<(Name, Expr)> = r
            .kept
            .iter()
            .filter(|&&d| d != lane)
            .map(|&d| (names[d], r.input.axes[d].size.clone()))
            .collect();
        let alone = outer.is_empty() && !ctx.in_parallel;
        let schedule = if alone { LoopSchedule::Parallel } else { LoopSchedule::Unordered };
        body = vec![Stmt::For(blocks(block, &size, schedule, body))];
        out.extend(around(ctx, outer, body));
    }

    fn put(&self, r: &Reduction, at: &[Expr], value: Value) -> Stmt {
        let (buffer, index) = (r.output.buffer, r.output.at(at));
        if r.combines {
            Stmt::Combine { buffer, index, op: r.op, value, atomic: false }
        } else {
            Stmt::Store { buffer, index, value }
        }
    }
}

/// Loops over independent elements, the first one parallel outside of parallel loops.
fn around(ctx: &Ctx, loops: Vec<(Name, Expr)>, mut body: Vec<Stmt>) -> Vec<Stmt> {
    let dims = loops.len();
    for (i, (var, size)) in loops.into_iter().enumerate().rev() {
        let schedule = match i {
            0 if !ctx.in_parallel => LoopSchedule::Parallel,
            _ if i + 1 == dims => LoopSchedule::Vector,
            _ => LoopSchedule::Unordered,
        };
        body = vec![Stmt::For(count(var, size, schedule, body))];
    }
    body
}

pub(crate) fn compare(op: BinOp, a: &Expr, b: &Expr) -> Value {
    Value::Bin(op, Box::new(Value::Index(a.clone())), Box::new(Value::Index(b.clone())))
}

fn fold(op: Wcr, a: Value, b: Value) -> Value {
    let op = match op {
        Wcr::Sum => BinOp::Add,
        Wcr::Product => BinOp::Mul,
        Wcr::Min => BinOp::Min,
        Wcr::Max => BinOp::Max,
        Wcr::And => BinOp::And,
        Wcr::Or => BinOp::Or,
    };
    Value::Bin(op, Box::new(a), Box::new(b))
}
