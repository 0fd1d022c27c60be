//! States: maps, tasklets, copies and nested SDFGs.

use std::cell::RefCell;

use super::control::Frame;
use super::memory::View;
use super::plan::{CopyPlan, Element, MapPlan, NestedPlan, Part, Step, TaskletPlan};
use super::{Fault, Machine, list};
use crate::dtype::Scalar;
use crate::names::Name;
use crate::sdfg::{Place, StateGraph};
use crate::tasklet::{self, EvalError};

impl<'g> Machine<'g> {
    pub fn state(&mut self, frame: &mut Frame<'g>, graph: &'g StateGraph, place: Place) -> Result<(), Fault> {
        let sdfg = frame.plan.clone();
        let plan = self.state_plan(&sdfg, graph, place)?;
        for &at in &plan.shared {
            if frame.sdfg.data[&sdfg.names[at]].transient {
                self.refresh(frame, at, place)?;
            }
        }
        self.steps(frame, &plan.steps)
    }

    /// Allocates a transient that is not there yet, or that is there with another shape.
    fn refresh(&mut self, frame: &mut Frame<'g>, at: usize, place: Place) -> Result<(), Fault> {
        let shape = frame.shape(at, place)?;
        if let Some(view) = &frame.views[at] {
            if view.dims.iter().map(|d| d.0).eq(shape.iter().copied()) {
                return Ok(());
            }
            let old = view.buffer;
            frame.owned.retain(|&b| b != old);
            self.memory.release(old);
        }
        let view = self.allocate(frame, at, &shape, place)?;
        frame.owned.push(view.buffer);
        frame.views[at] = Some(view);
        Ok(())
    }

    fn allocate(&mut self, frame: &Frame<'g>, at: usize, shape: &[i64], place: Place) -> Result<View, Fault> {
        let name = frame.plan.names[at];
        let dtype = frame.sdfg.data[&name].dtype;
        let bytes = shape.iter().try_fold(dtype.size() as i64, |n, &d| n.checked_mul(d));
        // What would take longer to fill than the run may take is not allocated.
        if bytes.is_none_or(|b| b as u64 / 8 > self.max_steps) {
            return Err(Fault::Memory { container: name, shape: shape.to_vec(), place });
        }
        self.memory.allocate(name, dtype, shape, place)
    }

    fn steps(&mut self, frame: &mut Frame<'g>, steps: &[Step<'g>]) -> Result<(), Fault> {
        for step in steps {
            match step {
                Step::Tasklet(plan) => self.tasklet(frame, plan)?,
                Step::Map(plan) => self.map(frame, plan)?,
                Step::Copy(plan) => self.copy(frame, plan)?,
                Step::Nested(plan) => self.nested(frame, plan)?,
                Step::Library(plan) => self.library(frame, plan)?,
            }
        }
        Ok(())
    }

    // ---- tasklets ----------------------------------------------------------------------

    fn locate(&self, frame: &Frame<'g>, element: &Element, place: Place) -> Result<(usize, usize), Fault> {
        let view = view(frame, element.container, place)?;
        let index = |d: usize| frame.eval(element.index[d], place);
        Ok((view.buffer, self.memory.locate(view, element.index.len(), &index, place)?))
    }

    fn tasklet(&mut self, frame: &Frame<'g>, plan: &TaskletPlan<'g>) -> Result<(), Fault> {
        self.step(1)?;
        let place = plan.place;
        self.locals.clear();
        for input in &plan.inputs {
            let (buffer, at) = self.locate(frame, input, place)?;
            let value = self.memory.read(buffer, at, place)?;
            self.locals.push((input.conn, value));
        }
        for assign in &plan.tasklet.code {
            let vars = |name| self.locals.iter().rev().find(|l| l.0 == name).map(|l| l.1);
            let (memory, fault) = (RefCell::new(&mut self.memory), RefCell::new(None));
            let pick = |array: Name, index: &[i64]| {
                let found = plan.arrays.iter().find(|a| a.0 == array);
                let (_, container) = found.ok_or(EvalError::NoArray(array))?;
                let read = || {
                    let (view, mut memory) = (view(frame, *container, place)?, memory.borrow_mut());
                    let at = memory.locate(view, index.len(), &|d| Ok(index[d]), place)?;
                    memory.read(view.buffer, at, place)
                };
                read().map_err(|error| {
                    fault.replace(Some(error));
                    EvalError::NoArray(array)
                })
            };
            let value = tasklet::eval_with(&assign.value, &vars, &|n| frame.symbol(n), &pick);
            let value = value.map_err(|error| {
                fault.take().unwrap_or(Fault::Value { message: error.to_string(), place })
            })?;
            self.locals.push((assign.target, value));
        }
        for output in &plan.outputs {
            let value = self.locals.iter().rev().find(|l| l.0 == output.conn).map(|l| l.1);
            let value = value.ok_or_else(|| Fault::Internal {
                message: format!("output '{}' has no value", output.conn),
                place,
            })?;
            let (buffer, at) = self.locate(frame, output, place)?;
            self.memory.write(buffer, at, value, output.wcr, place)?;
        }
        Ok(())
    }

    // ---- maps --------------------------------------------------------------------------

    fn map(&mut self, frame: &mut Frame<'g>, plan: &MapPlan<'g>) -> Result<(), Fault> {
        let place = plan.place;
        let outer = frame.symbols.len();
        for input in &plan.dynamic {
            let (buffer, at) = self.locate(frame, input, place)?;
            let value = match self.memory.read(buffer, at, place)? {
                Scalar::Int(_, v) => i64::try_from(v).ok(),
                _ => None,
            };
            let value = value.ok_or_else(|| Fault::Value {
                message: format!("the value of '{}' is no 64-bit integer", input.conn),
                place,
            })?;
            frame.symbols.push((input.conn, value));
        }
        let params = frame.symbols.len();
        let mut ranges = vec![];
        for (_, range) in &plan.map.params {
            ranges.push(frame.range(range, place)?);
        }
        let total = ranges.iter().try_fold(1u64, |n, r| n.checked_mul(r.1)).unwrap_or(u64::MAX);
        if ranges.iter().all(|r| r.1 > 0) {
            // Also keeps the order's memory, and iterations below 2^32, within bounds.
            self.step(total)?;
            if total >= u64::from(u32::MAX) {
                return Err(Fault::Steps { limit: self.max_steps });
            }
            frame.symbols.extend(plan.map.params.iter().map(|p| (p.0, 0)));
            self.memory.enter_map(plan.map.label, place);
            let done = self.iterations(frame, plan, &ranges, params, total as u32);
            self.memory.leave_map();
            done?;
        }
        frame.symbols.truncate(outer);
        Ok(())
    }

    fn iterations(
        &mut self,
        frame: &mut Frame<'g>,
        plan: &MapPlan<'g>,
        ranges: &[(i64, u64, i64)],
        params: usize,
        total: u32,
    ) -> Result<(), Fault> {
        let order = self.order(total);
        for k in 0..total {
            let mut rest = u64::from(order.as_ref().map_or(k, |o| o[k as usize]));
            for (d, &(begin, count, step)) in ranges.iter().enumerate().rev() {
                let at = (rest % count) as i64;
                rest /= count;
                frame.symbols[params + d].1 = begin.wrapping_add(at.wrapping_mul(step));
            }
            self.memory.next_iteration();
            for &at in &plan.private {
                let shape = frame.shape(at, plan.place)?;
                frame.views[at] = Some(self.allocate(frame, at, &shape, plan.place)?);
            }
            let done = self.steps(frame, &plan.steps);
            for &at in &plan.private {
                if let Some(view) = frame.views[at].take() {
                    self.memory.release(view.buffer);
                }
            }
            done?;
        }
        Ok(())
    }

    /// A permutation (Fisher and Yates), or `None` for the order of the range.
    fn order(&mut self, total: u32) -> Option<Vec<u32>> {
        if !self.shuffled || total < 2 {
            return None;
        }
        let mut order: Vec<u32> = (0..total).collect();
        for i in (1..order.len()).rev() {
            let j = (self.next_random() % (i as u64 + 1)) as usize;
            order.swap(i, j);
        }
        Some(order)
    }

    // ---- copies ------------------------------------------------------------------------

    /// Resolves a part to a view of its own, within bounds unless it is empty.
    pub fn part(&self, frame: &Frame<'g>, part: &Part<'g>, place: Place) -> Result<View, Fault> {
        let outer = view(frame, part.container, place)?;
        let Some(subset) = part.subset else { return Ok(outer.clone()) };
        let ranges: Vec<(i64, u64, i64)> =
            subset.0.iter().map(|r| frame.range(r, place)).collect::<Result<_, _>>()?;
        let mut inner = View { buffer: outer.buffer, offset: outer.offset, dims: vec![] };
        if ranges.iter().all(|r| r.1 > 0) {
            for last in [false, true] {
                let corner = |d: usize| {
                    let (begin, count, step) = ranges[d];
                    Ok(if last { begin.wrapping_add((count as i64 - 1).wrapping_mul(step)) } else { begin })
                };
                let at = self.memory.locate(outer, ranges.len(), &corner, place)?;
                if !last {
                    inner.offset = at as i64;
                }
            }
        }
        for ((_, count, step), (_, stride)) in ranges.into_iter().zip(&outer.dims) {
            inner.dims.push((count as i64, step.wrapping_mul(*stride)));
        }
        Ok(inner)
    }

    /// Every element in C order.
    pub fn read_all(&mut self, view: &View, place: Place) -> Result<Vec<Scalar>, Fault> {
        self.step(volume(view))?;
        let mut values = Vec::with_capacity(volume(view) as usize);
        for at in positions(view) {
            values.push(self.memory.read(view.buffer, at, place)?);
        }
        Ok(values)
    }

    pub fn write_all(
        &mut self,
        view: &View,
        part: &Part<'g>,
        values: &[Scalar],
        place: Place,
    ) -> Result<(), Fault> {
        for (at, &value) in positions(view).zip(values) {
            self.memory.write(view.buffer, at, value, part.wcr, place)?;
        }
        Ok(())
    }

    fn copy(&mut self, frame: &Frame<'g>, plan: &CopyPlan<'g>) -> Result<(), Fault> {
        let place = plan.place;
        let (from, to) = (self.part(frame, &plan.from, place)?, self.part(frame, &plan.to, place)?);
        if volume(&from) != volume(&to) {
            let sizes = |v: &View| list(&v.dims.iter().map(|d| d.0).collect::<Vec<_>>());
            let message = format!("a copy from [{}] to [{}] elements", sizes(&from), sizes(&to));
            return Err(Fault::Shape { message, place });
        }
        let values = self.read_all(&from, place)?;
        self.write_all(&to, &plan.to, &values, place)
    }

    // ---- nested ------------------------------------------------------------------------

    fn nested(&mut self, frame: &Frame<'g>, plan: &NestedPlan<'g>) -> Result<(), Fault> {
        self.step(1)?;
        let place = plan.place;
        let sdfg = &*plan.nested.sdfg;
        let mut inner = Frame::new(sdfg, self.plan(sdfg)?);
        for (&name, value) in &plan.nested.symbols {
            inner.symbols.push((name, frame.eval(value, place)?));
        }
        self.check_guards(&inner)?;
        for (name, part) in &plan.bindings {
            let missing = || Fault::Internal { message: format!("no container '{name}' inside"), place };
            let at = *inner.plan.index.get(name).ok_or_else(missing)?;
            let shape = inner.shape(at, place)?;
            let view = squeeze(self.part(frame, part, place)?, shape.len());
            if !view.dims.iter().map(|d| d.0).eq(shape.iter().copied()) {
                let outer = list(&view.dims.iter().map(|d| d.0).collect::<Vec<_>>());
                let message = format!("'{name}' of shape [{}] stands for [{outer}] elements", list(&shape));
                return Err(Fault::Shape { message, place });
            }
            inner.views[at] = Some(view);
        }
        self.body(&mut inner)
    }
}

/// Drops dimensions of one element until the rank fits.
fn squeeze(mut view: View, rank: usize) -> View {
    while view.dims.len() > rank {
        let Some(d) = view.dims.iter().position(|d| d.0 == 1) else { break };
        view.dims.remove(d);
    }
    view
}

fn view<'f>(frame: &'f Frame, container: usize, place: Place) -> Result<&'f View, Fault> {
    frame.views[container].as_ref().ok_or_else(|| Fault::Internal {
        message: format!("'{}' is not allocated", frame.plan.names[container]),
        place,
    })
}

/// Number of elements.
pub fn volume(view: &View) -> u64 {
    view.dims.iter().fold(1u64, |n, d| n.saturating_mul(d.0 as u64))
}

/// Positions in the buffer, in C order of the view.
fn positions(view: &View) -> impl Iterator<Item = usize> + use<> {
    let view = view.clone();
    (0..volume(&view)).map(move |k| {
        let (mut rest, mut at) = (k as i64, view.offset);
        for &(extent, stride) in view.dims.iter().rev() {
            at += rest % extent * stride;
            rest /= extent;
        }
        at as usize
    })
}
