//! Copies between containers.

use weft_ir::names::Name;
use weft_ir::sdfg::{Memlet, Place};
use weft_ir::symbolic::{Expr, Subset, Truth};

use super::slice::Slice;
use super::{Ctx, Env, Lowerer, Result, count, refuse};
use crate::tree::{LoopSchedule, Placement, Stmt, Value};

impl Lowerer {
    /// `memlet.data` is one of the two; `memlet.other` belongs to the other one, all of it if absent.
    #[expect(clippy::too_many_arguments, reason = "two ends, what moves, and where we are")]
    pub(super) fn copy(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        from: Name,
        to: Name,
        memlet: &Memlet,
        place: Place,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let whole = |name: Name| env.sdfg.data.get(&name).map(|d| d.full_subset());
        let (Some(all_from), Some(all_to)) = (whole(from), whole(to)) else {
            return refuse(place, "a copy of something that is no container");
        };
        let named = Some(memlet.subset.clone());
        let (source, target) =
            if memlet.data == from { (named, memlet.other.clone()) } else { (memlet.other.clone(), named) };
        let mut source = self.slice(env, ctx, from, &source.unwrap_or(all_from), place)?;
        let target = self.slice(env, ctx, to, &target.unwrap_or(all_to), place)?;
        if self.dtype(source.buffer) != self.dtype(target.buffer) {
            return refuse(place, "a copy between containers of different types");
        }
        let apart = || source.subset().disjoint(&target.subset(), &ctx.facts) == Truth::Yes;
        if source.buffer == target.buffer && !(source.is_element() && target.is_element()) && !apart() {
            source = self.saved(ctx, &source, out);
        }
        self.copy_slices(ctx, &source, &target, memlet.wcr, out);
        Ok(())
    }

    pub(super) fn slice(
        &self,
        env: &Env,
        ctx: &Ctx,
        data: Name,
        subset: &Subset,
        place: Place,
    ) -> Result<Slice> {
        let Some(view) = env.views.get(&data) else {
            return refuse(place, format!("container '{data}' is not known here"));
        };
        if view.rank() == 0 {
            return view.slice(&Subset::default(), &ctx.facts, place);
        }
        view.slice(&subset.subst(&|n| env.symbol(n)), &ctx.facts, place)
    }

    /// A copy of the elements in memory of its own.
    fn saved(&mut self, ctx: &Ctx, slice: &Slice, out: &mut Vec<Stmt>) -> Slice {
        let shape = slice.sizes();
        let strides = weft_ir::sdfg::row_major(&shape);
        let dtype = self.dtype(slice.buffer);
        let id = self.buffer(Name::new("saved"), dtype, &shape, &strides, Placement::Heap);
        let mut saved = slice.clone();
        saved.buffer = id;
        saved.start = vec![Expr::zero(); shape.len()];
        for (dim, axis) in saved.axes.iter_mut().enumerate() {
            axis.dim = dim;
            axis.step = Expr::one();
        }
        self.copy_slices(ctx, slice, &saved, None, out);
        saved
    }

    fn copy_slices(
        &mut self,
        ctx: &Ctx,
        from: &Slice,
        to: &Slice,
        wcr: Option<weft_ir::sdfg::Wcr>,
        out: &mut Vec<Stmt>,
    ) {
        let (from, to) = (from.squeezed(), to.squeezed());
        let write = |index: Vec<Expr>, value: Value| match wcr {
            None => Stmt::Store { buffer: to.buffer, index, value },
            Some(op) => Stmt::Combine { buffer: to.buffer, index, op, value, atomic: false },
        };
        let same = from.axes.len() == to.axes.len()
            && from.axes.iter().zip(&to.axes).all(|(a, b)| ctx.facts.eq(&a.size, &b.size) == Truth::Yes);
        if from.axes.is_empty() && to.axes.is_empty() {
            out.push(write(to.start.clone(), from.load(&[])));
            return;
        }
        if same && wcr.is_none() {
            let from = from.operand(&self.buffers);
            // The same sizes in the same words.
            let to = crate::tree::Operand { shape: from.shape.clone(), ..to.operand(&self.buffers) };
            out.push(Stmt::Copy { from, to });
            return;
        }
        if same {
            let vars: Vec<Name> = from.axes.iter().map(|_| self.names.fresh("i")).collect();
            let at: Vec<Expr> = vars.iter().map(|&v| Expr::sym(v)).collect();
            let mut body = vec![write(to.at(&at), from.load(&at))];
            for (i, (&var, axis)) in vars.iter().zip(&from.axes).enumerate().rev() {
                let last = i + 1 == vars.len();
                let schedule = if last { LoopSchedule::Vector } else { LoopSchedule::Unordered };
                body = vec![Stmt::For(count(var, axis.size.clone(), schedule, body))];
            }
            out.append(&mut body);
            return;
        }
        // Another shape: element by element in row-major order.
        let flat = self.names.fresh("k");
        let body = vec![write(unflatten(&to, flat), from_flat(&from, flat))];
        let size = from.axes.iter().fold(Expr::one(), |n, a| &n * &a.size);
        out.push(Stmt::For(count(flat, size, LoopSchedule::Unordered, body)));
    }
}

fn from_flat(slice: &Slice, flat: Name) -> Value {
    Value::Load { buffer: slice.buffer, index: unflatten(slice, flat) }
}

/// The element at a position in row-major order.
fn unflatten(slice: &Slice, flat: Name) -> Vec<Expr> {
    let mut rest = Expr::sym(flat);
    let mut at = vec![Expr::zero(); slice.axes.len()];
    for (i, axis) in slice.axes.iter().enumerate().rev() {
        if i == 0 {
            at[0] = rest.clone();
        } else {
            at[i] = rest.modulo(&axis.size);
            rest = rest.floor_div(&axis.size);
        }
    }
    slice.at(&at)
}
