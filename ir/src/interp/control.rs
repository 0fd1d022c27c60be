//! Control flow: the calls of SDFGs, their blocks and symbols.

use std::rc::Rc;

use super::memory::View;
use super::plan::SdfgPlan;
use super::{Fault, Machine};
use crate::dtype::Scalar;
use crate::names::Name;
use crate::sdfg::{Block, BlockKind, Guard, Place, Region, Sdfg};
use crate::symbolic::{Expr, Range};
use crate::tasklet;

/// One call of an SDFG.
pub struct Frame<'g> {
    pub sdfg: &'g Sdfg,
    pub plan: Rc<SdfgPlan>,
    /// The last of a name counts.
    pub symbols: Vec<(Name, i64)>,
    /// By position in [`Sdfg::data`]; `None` if not allocated yet.
    pub views: Vec<Option<View>>,
    /// Buffers of transients, which end with the call.
    pub owned: Vec<usize>,
}

/// What comes after a block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Next,
    Break,
    Continue,
    Return,
}

impl<'g> Frame<'g> {
    pub fn new(sdfg: &'g Sdfg, plan: Rc<SdfgPlan>) -> Frame<'g> {
        let views = vec![None; plan.names.len()];
        Frame { sdfg, plan, symbols: vec![], views, owned: vec![] }
    }

    pub fn symbol(&self, name: Name) -> Option<i64> {
        self.symbols.iter().rev().find(|s| s.0 == name).map(|s| s.1)
    }

    pub fn set_symbol(&mut self, name: Name, value: i64) {
        match self.symbols.iter_mut().rev().find(|s| s.0 == name) {
            Some(entry) => entry.1 = value,
            None => self.symbols.push((name, value)),
        }
    }

    pub fn eval(&self, e: &Expr, place: Place) -> Result<i64, Fault> {
        e.eval(&|n| self.symbol(n)).map_err(|error| Fault::Value { message: format!("{e}: {error}"), place })
    }

    /// Begin, number of elements and step of a range.
    pub fn range(&self, range: &Range, place: Place) -> Result<(i64, u64, i64), Fault> {
        let begin = self.eval(&range.begin, place)?;
        let end = self.eval(&range.end, place)?;
        let step = self.eval(&range.step, place)?;
        if step == 0 {
            return Err(Fault::Value { message: format!("the step of {range} is zero"), place });
        }
        let span = i128::from(end) - i128::from(begin);
        let step_wide = i128::from(step);
        let count = if (span > 0) == (step > 0) && span != 0 {
            (span.abs() + step_wide.abs() - 1) / step_wide.abs()
        } else {
            0
        };
        Ok((begin, count as u64, step))
    }

    /// The shape of a container, by position.
    pub fn shape(&self, at: usize, place: Place) -> Result<Vec<i64>, Fault> {
        let name = self.plan.names[at];
        let shape = &self.sdfg.data[&name].shape;
        let shape: Vec<i64> = shape.iter().map(|e| self.eval(e, place)).collect::<Result<_, _>>()?;
        if shape.iter().any(|&n| n < 0) {
            let sizes = super::list(&shape);
            let message = format!("'{name}' would have the shape [{sizes}], which is negative");
            return Err(Fault::Shape { message, place });
        }
        Ok(shape)
    }
}

impl<'g> Machine<'g> {
    pub fn check_guards(&self, frame: &Frame) -> Result<(), Fault> {
        for guard in &frame.sdfg.guards {
            let (holds, text) = match guard {
                Guard::NonNegative(e) => (frame.eval(e, Place::Whole)? >= 0, format!("{e} >= 0")),
                Guard::Zero(e) => (frame.eval(e, Place::Whole)? == 0, format!("{e} == 0")),
            };
            if !holds {
                return Err(Fault::Guard { guard: text });
            }
        }
        Ok(())
    }

    /// Runs the blocks of a call whose symbols and views are bound, and frees its transients.
    pub fn body(&mut self, frame: &mut Frame<'g>) -> Result<(), Fault> {
        let sdfg = frame.sdfg;
        let done = self.region(frame, &sdfg.body);
        for buffer in frame.owned.drain(..) {
            self.memory.release(buffer);
        }
        done.map(|_| ())
    }

    fn region(&mut self, frame: &mut Frame<'g>, region: &'g Region) -> Result<Flow, Fault> {
        for block in &region.blocks {
            let flow = self.block(frame, block)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn block(&mut self, frame: &mut Frame<'g>, block: &'g Block) -> Result<Flow, Fault> {
        let place = Place::Block(block.id);
        self.step(1)?;
        match &block.kind {
            BlockKind::State(graph) => self.state(frame, graph, place)?,
            BlockKind::Loop { var, range, body } => return self.counted(frame, *var, range, body, place),
            BlockKind::While { cond, body } => {
                while self.condition(frame, cond, place)? {
                    self.step(1)?;
                    match self.region(frame, body)? {
                        Flow::Break => break,
                        Flow::Return => return Ok(Flow::Return),
                        Flow::Next | Flow::Continue => {}
                    }
                }
            }
            BlockKind::Conditional { branches, otherwise } => {
                for (cond, body) in branches {
                    if self.condition(frame, cond, place)? {
                        return self.region(frame, body);
                    }
                }
                return self.region(frame, otherwise);
            }
            BlockKind::Assign { symbol, value } => match self.value(frame, value, place)? {
                Scalar::Int(_, v) if i64::try_from(v).is_ok() => frame.set_symbol(*symbol, v as i64),
                other => {
                    let message = format!("{} is assigned to symbol '{symbol}'", other.dtype());
                    return Err(Fault::Internal { message, place });
                }
            },
            BlockKind::Check { cond, message } => {
                if !self.condition(frame, cond, place)? {
                    return Err(Fault::Check { message: message.clone(), place });
                }
            }
            BlockKind::Break => return Ok(Flow::Break),
            BlockKind::Continue => return Ok(Flow::Continue),
            BlockKind::Return => return Ok(Flow::Return),
        }
        Ok(Flow::Next)
    }

    fn counted(
        &mut self,
        frame: &mut Frame<'g>,
        var: Name,
        range: &Range,
        body: &'g Region,
        place: Place,
    ) -> Result<Flow, Fault> {
        let (begin, count, step) = frame.range(range, place)?;
        let mut flow = Flow::Next;
        for k in 0..count {
            self.step(1)?;
            // Within the range, so it fits.
            frame.set_symbol(var, begin.wrapping_add((k as i64).wrapping_mul(step)));
            match self.region(frame, body)? {
                Flow::Break => break,
                Flow::Return => {
                    flow = Flow::Return;
                    break;
                }
                Flow::Next | Flow::Continue => {}
            }
        }
        frame.symbols.retain(|s| s.0 != var);
        Ok(flow)
    }

    fn condition(&mut self, frame: &Frame, cond: &tasklet::Expr, place: Place) -> Result<bool, Fault> {
        match self.value(frame, cond, place)? {
            Scalar::Bool(b) => Ok(b),
            other => Err(Fault::Internal { message: format!("condition of type {}", other.dtype()), place }),
        }
    }

    /// The value of an expression over symbols and scalar containers.
    fn value(&mut self, frame: &Frame, e: &tasklet::Expr, place: Place) -> Result<Scalar, Fault> {
        let mut scalars = vec![];
        for name in e.vars() {
            let at = frame.plan.index.get(&name).copied();
            let unwritten = || Fault::Uninitialized { container: name, element: vec![], place };
            let view = at.and_then(|at| frame.views[at].clone()).ok_or_else(unwritten)?;
            let element = self.memory.locate(&view, 0, &|_| Ok(0), place)?;
            scalars.push((name, self.memory.read(view.buffer, element, place)?));
        }
        let vars = |name| scalars.iter().find(|s| s.0 == name).map(|s| s.1);
        tasklet::eval(e, &vars, &|n| frame.symbol(n))
            .map_err(|error| Fault::Value { message: error.to_string(), place })
    }
}
