//! Library calls: operands in the forms that the operation has for them.

use weft_ir::names::Name;
use weft_ir::sdfg::library::Form;
use weft_ir::sdfg::{Edge, LibraryOp, NodeId, Place, Span, StateGraph};
use weft_ir::symbolic::Expr;

use super::{Ctx, Env, Lowerer, Result, refuse};
use crate::tree::{CheckInfo, Operand, Stmt};

impl Lowerer {
    pub(super) fn call(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        (graph, id): (&StateGraph, NodeId),
        op: LibraryOp,
        span: Option<Span>,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let place = Place::Node(id);
        let (ins, outs) = (graph.in_edges(id), graph.out_edges(id));
        let (mut inputs, mut outputs): (Vec<Operand>, Vec<Operand>) = (vec![], vec![]);
        for &(name, form) in op.inputs() {
            let edge = ins.iter().copied().find(|e| e.dst.conn == Some(Name::new(name)));
            let one_row = first_extent(&inputs, 0);
            inputs.push(self.call_operand(env, ctx, edge, form, one_row, place)?);
        }
        for &(name, form) in op.outputs() {
            let edge = outs.iter().copied().find(|e| e.src.conn == Some(Name::new(name)));
            // The rows of a solution are the columns of the matrix.
            let one_row = first_extent(&inputs, 1);
            outputs.push(self.call_operand(env, ctx, edge, form, one_row, place)?);
        }
        let check = op.failure().map(|message| {
            self.checks.push(CheckInfo { message: message.into(), span });
            self.checks.len() as u32 - 1
        });
        out.push(Stmt::Library { op, inputs, outputs, check });
        Ok(())
    }

    fn call_operand(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        edge: Option<&Edge>,
        form: Form,
        one_row: bool,
        place: Place,
    ) -> Result<Operand> {
        let Some(memlet) = edge.and_then(|e| e.memlet.as_ref()).filter(|m| m.wcr.is_none()) else {
            return refuse(place, "an operand of a library call is missing or resolves conflicts");
        };
        let Some(kept) = form.dimensions(&memlet.subset) else {
            return refuse(place, format!("'{}[{}]' has the wrong rank", memlet.data, memlet.subset));
        };
        let slice = self.slice(env, ctx, memlet.data, &memlet.subset, place)?.choosing(&kept);
        let operand = slice.operand(&self.buffers);
        let shape = form.shape(operand.shape, one_row, Expr::one());
        // What has one element has no stride.
        let strides = form.shape(operand.strides, one_row, Expr::zero());
        Ok(Operand { shape, strides, ..operand })
    }
}

/// Does a dimension of the first operand have one element for certain?
fn first_extent(operands: &[Operand], dimension: usize) -> bool {
    operands.first().and_then(|a| a.shape.get(dimension)).is_some_and(|n| n.is_one())
}
