//! Control flow, and nested SDFGs put in place.

use std::collections::BTreeMap;

use weft_ir::sdfg::{Block, BlockKind, Memlet, Nested, Place, Region};
use weft_ir::symbolic::{Expr, Range};

use super::{Ctx, Env, Lowerer, Nesting, Result, is_mutable, loop_over, refuse};
use crate::tree::{CheckInfo, LoopSchedule, Stmt};

impl Lowerer {
    pub(super) fn region(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        region: &Region,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        for block in &region.blocks {
            self.block(env, ctx, block, out)?;
        }
        Ok(())
    }

    fn block(&mut self, env: &Env, ctx: &Ctx, block: &Block, out: &mut Vec<Stmt>) -> Result<()> {
        let place = Place::Block(block.id);
        match &block.kind {
            BlockKind::State(graph) => self.state(env, ctx, graph, out)?,
            BlockKind::Loop { var, range, body } => {
                let range = env.range(range);
                let name = self.names.fresh(var.as_str());
                let mut env = env.clone();
                env.bind(*var, name);
                let mut inner = self.enter(ctx, name, &range);
                inner.leave_direct();
                let mut stmts = vec![];
                self.region(&env, &inner, body, &mut stmts)?;
                let mut l = loop_over(name, range, LoopSchedule::Sequential, stmts);
                l.span = block.span;
                out.push(Stmt::For(l));
            }
            BlockKind::While { cond, body } => {
                let cond = self.condition(env, cond, place)?;
                let mut stmts = vec![];
                self.region(env, &ctx.inside_while(), body, &mut stmts)?;
                out.push(Stmt::While { cond, body: stmts });
            }
            BlockKind::Conditional { branches, otherwise } => {
                let mut rest = vec![];
                self.region(env, ctx, otherwise, &mut rest)?;
                for (cond, region) in branches.iter().rev() {
                    let cond = self.condition(env, cond, place)?;
                    let mut then = vec![];
                    self.region(env, ctx, region, &mut then)?;
                    rest = vec![Stmt::If { cond, then, otherwise: rest }];
                }
                out.append(&mut rest);
            }
            BlockKind::Assign { symbol, value } => {
                let value = self.symbol_value(env, value, place)?;
                let Some(symbol) = env.symbol(*symbol).and_then(|e| e.as_sym()) else {
                    return refuse(place, format!("'{symbol}' cannot be assigned"));
                };
                out.push(Stmt::Assign { symbol, value });
            }
            BlockKind::Check { cond, message } => {
                let cond = self.condition(env, cond, place)?;
                let id = self.check(message, block.span);
                out.push(Stmt::Check { id, cond });
            }
            BlockKind::Break => out.push(Stmt::Break),
            BlockKind::Continue => out.push(Stmt::Continue),
            BlockKind::Return => out.push(match ctx.nested {
                None => Stmt::Return,
                Some(Nesting::Direct) => Stmt::Break,
                Some(Nesting::InLoop) => {
                    return refuse(place, "a return out of a loop of a nested SDFG");
                }
            }),
        }
        Ok(())
    }

    pub(super) fn check(&mut self, message: &str, span: Option<weft_ir::sdfg::Span>) -> u32 {
        let id = self.checks.len() as u32;
        self.checks.push(CheckInfo { message: message.into(), span });
        id
    }

    /// What is known in the body of a loop.
    pub(super) fn enter(&self, ctx: &Ctx, var: weft_ir::Name, range: &Range) -> Ctx {
        if is_mutable(range, &self.mutable) {
            return Ctx { in_loop: true, ..ctx.clone() };
        }
        ctx.inside(var, range)
    }

    /// A nested SDFG with its names replaced and its containers as parts of ours.
    pub(super) fn nested(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        nested: &Nested,
        memlets: &BTreeMap<weft_ir::Name, Memlet>,
        place: Place,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let sdfg = &*nested.sdfg;
        let mut inner = Env { sdfg, symbols: BTreeMap::new(), views: BTreeMap::new() };
        for (&name, value) in &nested.symbols {
            inner.symbols.insert(name, env.expr(value));
        }
        for (&name, memlet) in memlets {
            let (Some(data), Some(view)) = (sdfg.data.get(&name), env.views.get(&memlet.data)) else {
                return refuse(place, format!("connector '{name}' binds no container"));
            };
            let subset = memlet.subset.subst(&|n| env.symbol(n));
            if self.dtype(view.buffer) != data.dtype {
                return refuse(place, format!("'{name}' has another type inside the nested SDFG"));
            }
            let Some(part) = view.part(&subset, data.shape.len()) else {
                return refuse(place, format!("'{name}' has another rank inside the nested SDFG"));
            };
            inner.views.insert(name, part);
        }
        let before = inner.symbols.clone();
        self.assigned_symbols(&mut inner);
        for (name, value) in before {
            if inner.symbol(name) != Some(value.clone())
                && let Some(symbol) = inner.symbol(name).and_then(|e| e.as_sym())
            {
                out.push(Stmt::Assign { symbol, value: crate::tree::Value::Index(value) });
            }
        }
        self.transients(&mut inner, ctx.in_map)?;
        self.nested_body(&inner, ctx, out)
    }

    fn nested_body(&mut self, env: &Env, ctx: &Ctx, out: &mut Vec<Stmt>) -> Result<()> {
        let blocks = &env.sdfg.body.blocks;
        let trailing = matches!(blocks.last().map(|b| &b.kind), Some(BlockKind::Return));
        let region = Region { blocks: blocks[..blocks.len() - trailing as usize].to_vec() };
        let mut returns = false;
        region.walk(&mut |block| returns |= block.kind == BlockKind::Return);
        if !returns {
            return self.region(env, ctx, &region, out);
        }
        let once = self.names.fresh("once");
        let ctx = Ctx { nested: Some(Nesting::Direct), ..ctx.clone() };
        let mut body = vec![];
        self.region(env, &ctx, &region, &mut body)?;
        let range = Range::new(Expr::zero(), Expr::one());
        out.push(Stmt::For(loop_over(once, range, LoopSchedule::Sequential, body)));
        Ok(())
    }
}
