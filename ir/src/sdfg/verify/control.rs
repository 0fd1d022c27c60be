//! Control flow: invariants 6 to 9, and which symbols have a value where.

use super::{Checker, each_symbol};
use crate::DType;
use crate::names::Name;
use crate::sdfg::{Block, BlockKind, Place, Region};
use crate::symbolic::{Expr, Range};
use crate::tasklet::{self, type_of};

/// What is known where a block starts.
#[derive(Clone, Default)]
pub struct Context {
    /// Symbols that have a value.
    pub defined: Vec<Name>,
    /// Variables of the loops around.
    pub loops: Vec<(Name, Range)>,
    /// In a loop of either kind.
    breakable: bool,
    /// Runs in every call, but for empty loops.
    pub certain: bool,
    /// Blocks and graphs around.
    pub depth: usize,
}

impl Checker<'_, '_> {
    pub fn control(&mut self) {
        let sdfg = self.sdfg;
        let defined = sdfg.symbols.keys().copied().collect();
        let mut context = Context { defined, certain: true, depth: self.depth, ..Context::default() };
        self.region(&sdfg.body, &mut context);
    }

    /// Checks a region and adds the symbols that it assigns; whether its end can be reached.
    fn region(&mut self, region: &Region, context: &mut Context) -> bool {
        let mut reached = true;
        for block in &region.blocks {
            reached &= self.block(block, context);
        }
        reached
    }

    fn block(&mut self, block: &Block, context: &mut Context) -> bool {
        let place = Place::Block(block.id);
        match &block.kind {
            BlockKind::State(graph) => self.state(graph, context, place),
            BlockKind::Loop { var, range, body } => {
                self.step(range, place);
                for e in [&range.begin, &range.end] {
                    self.uses(e, &context.defined, place);
                }
                if context.defined.contains(var) {
                    self.report(place, format!("loop variable '{var}' has a value already"));
                }
                let mut inner = self.inside(context);
                inner.defined.push(*var);
                inner.loops.push((*var, range.clone()));
                inner.breakable = true;
                self.region(body, &mut inner);
            }
            BlockKind::While { cond, body } => {
                self.typed(cond, DType::Bool, context, place);
                let mut inner = self.inside(context);
                inner.breakable = true;
                inner.certain = false;
                self.region(body, &mut inner);
            }
            BlockKind::Conditional { branches, otherwise } => {
                return self.conditional(branches, otherwise, context, place);
            }
            BlockKind::Assign { symbol, value } => {
                self.typed(value, DType::I64, context, place);
                if context.loops.iter().any(|l| l.0 == *symbol) || self.sdfg.symbols.contains_key(symbol) {
                    self.report(place, format!("'{symbol}' is assigned, but is no assignable symbol"));
                }
                if !context.defined.contains(symbol) {
                    context.defined.push(*symbol);
                }
            }
            BlockKind::Check { cond, .. } => self.typed(cond, DType::Bool, context, place),
            BlockKind::Break | BlockKind::Continue => {
                if !context.breakable {
                    let what = if block.kind == BlockKind::Break { "break" } else { "continue" };
                    self.report(place, format!("'{what}' outside a loop"));
                }
                return false;
            }
            BlockKind::Return => return false,
        }
        true
    }

    fn inside(&self, context: &Context) -> Context {
        Context { depth: context.depth + 1, ..context.clone() }
    }

    /// After it, a symbol has a value if it has one at the end of each branch whose end is reached.
    fn conditional(
        &mut self,
        branches: &[(tasklet::Expr, Region)],
        otherwise: &Region,
        context: &mut Context,
        place: Place,
    ) -> bool {
        let mut after: Option<Vec<Name>> = None;
        let conditions = branches.iter().map(|b| Some(&b.0)).chain([None]);
        for (cond, region) in conditions.zip(branches.iter().map(|b| &b.1).chain([otherwise])) {
            if let Some(cond) = cond {
                self.typed(cond, DType::Bool, context, place);
            }
            let mut inner = self.inside(context);
            inner.certain = false;
            if self.region(region, &mut inner) {
                match &mut after {
                    None => after = Some(inner.defined),
                    Some(names) => names.retain(|n| inner.defined.contains(n)),
                }
            }
        }
        let reached = after.is_some();
        context.defined = after.unwrap_or(std::mem::take(&mut context.defined));
        reached
    }

    /// A condition or an assigned value.
    fn typed(&mut self, e: &tasklet::Expr, expected: DType, context: &Context, place: Place) {
        if !matches!(type_of(e, &|_| Some(DType::I64)), Err(tasklet::TypeError::TooDeep))
            && let Some(array) = e.arrays().first()
        {
            return self.report(place, format!("an element of '{array}' is picked outside of a tasklet"));
        }
        let env = |name: Name| self.sdfg.data.get(&name).filter(|d| d.is_scalar()).map(|d| d.dtype);
        match type_of(e, &env) {
            Ok(found) if found == expected => {}
            Ok(found) => self.report(place, format!("an expression of type {found} instead of {expected}")),
            Err(tasklet::TypeError::TooDeep) => {
                return self.report(place, tasklet::TypeError::TooDeep.to_string());
            }
            Err(tasklet::TypeError::Undefined(name)) => {
                self.report(place, format!("'{name}' is not a scalar container"));
            }
            Err(error) => self.report(place, error.to_string()),
        }
        self.code_symbols(e, &context.defined, place);
    }

    /// The symbols of a tasklet expression that is not too deep.
    pub fn code_symbols(&mut self, e: &tasklet::Expr, defined: &[Name], place: Place) {
        e.visit(&mut |e| {
            if let tasklet::Expr::Sym(e) = e {
                self.uses(e, defined, place);
            }
        });
    }

    pub fn step(&mut self, range: &Range, place: Place) {
        if matches!(range.step.as_int(), None | Some(0)) {
            let message = format!("the step of {range} is not a constant other than zero");
            self.report(place, message);
        }
    }

    /// Every symbol has a value.
    pub fn uses(&mut self, e: &Expr, defined: &[Name], place: Place) {
        each_symbol(e, &mut |symbol| {
            if !defined.contains(&symbol) {
                self.report(place, format!("symbol '{symbol}' has no value here"));
            }
        });
    }
}
