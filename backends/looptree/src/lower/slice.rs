//! Parts of buffers: what a container of a (nested) SDFG stands for, and what a memlet selects.

use weft_ir::sdfg::Place;
use weft_ir::symbolic::{Assumptions, Expr, Range, Subset};
use weft_ir::tasklet::BinOp;

use super::{Result, refuse};
use crate::tree::{Buffer, BufferId, Operand, Value};

/// What an index into a container becomes in each dimension of its buffer.
#[derive(Clone, Debug)]
enum Dim {
    At(Expr),
    /// The next index `i` of the container: `begin + i * step`.
    Along {
        begin: Expr,
        step: Expr,
    },
}

/// The part of a buffer that a container stands for.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub buffer: BufferId,
    dims: Vec<Dim>,
}

impl View {
    pub fn whole(buffer: BufferId, shape: &[Expr]) -> View {
        let along = || Dim::Along { begin: Expr::zero(), step: Expr::one() };
        View { buffer, dims: shape.iter().map(|_| along()).collect() }
    }

    pub fn rank(&self) -> usize {
        self.dims.iter().filter(|d| matches!(d, Dim::Along { .. })).count()
    }

    /// The element of the buffer; an index for each of the container's dimensions.
    pub fn index(&self, at: &[Expr]) -> Vec<Expr> {
        let mut at = at.iter();
        let mut next = |dim: &Dim| match dim {
            Dim::At(e) => e.clone(),
            Dim::Along { begin, step } => begin + at.next().unwrap_or(&Expr::zero()) * step,
        };
        self.dims.iter().map(&mut next).collect()
    }

    /// The element at indices that are values.
    pub fn gather(&self, at: Vec<Value>) -> Value {
        let mut at = at.into_iter();
        let both = |op, a: Value, b: Value| Value::Bin(op, Box::new(a), Box::new(b));
        let index = self.dims.iter().map(|dim| match dim {
            Dim::At(e) => Value::Index(e.clone()),
            Dim::Along { begin, step } => {
                let mut index = at.next().unwrap_or(Value::Index(Expr::zero()));
                if !step.is_one() {
                    index = both(BinOp::Mul, index, Value::Index(step.clone()));
                }
                if begin.is_zero() { index } else { both(BinOp::Add, index, Value::Index(begin.clone())) }
            }
        });
        Value::Gather { buffer: self.buffer, index: index.collect() }
    }

    /// The part that a subset selects, as a container of the given rank: surplus dimensions that
    /// are single indices are dropped, the first ones first. `None` if there are not as many.
    pub fn part(&self, subset: &Subset, rank: usize) -> Option<View> {
        let mut surplus = subset.rank().checked_sub(rank)?;
        let mut ranges = subset.0.iter();
        let mut dims = vec![];
        for dim in &self.dims {
            let Dim::Along { begin, step } = dim else {
                dims.push(dim.clone());
                continue;
            };
            let range = ranges.next()?;
            let first = begin + &range.begin * step;
            if surplus > 0 && range.is_index().is_some() {
                surplus -= 1;
                dims.push(Dim::At(first));
            } else {
                dims.push(Dim::Along { begin: first, step: step * &range.step });
            }
        }
        (surplus == 0 && ranges.next().is_none()).then_some(View { buffer: self.buffer, dims })
    }

    /// The elements that a subset selects.
    pub fn slice(&self, subset: &Subset, facts: &Assumptions, place: Place) -> Result<Slice> {
        if subset.rank() != self.rank() {
            return refuse(place, "a memlet has another rank than its container");
        }
        let mut ranges = subset.0.iter();
        let mut slice = Slice { buffer: self.buffer, start: vec![], axes: vec![] };
        for (d, dim) in self.dims.iter().enumerate() {
            match dim {
                Dim::At(e) => slice.start.push(e.clone()),
                Dim::Along { begin, step } => {
                    let range: &Range = ranges.next().expect("ranks agree");
                    slice.start.push(begin + &range.begin * step);
                    let size = range.size_under(facts);
                    let unit = size.is_one();
                    slice.axes.push(Axis { dim: d, step: step * &range.step, size, unit });
                }
            }
        }
        Ok(slice)
    }
}

/// One dimension of a slice.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// Of the buffer.
    pub dim: usize,
    /// In indices of that dimension.
    pub step: Expr,
    pub size: Expr,
    /// One element for certain.
    pub unit: bool,
}

/// A box of elements of a buffer.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    pub buffer: BufferId,
    /// The first element.
    pub start: Vec<Expr>,
    pub axes: Vec<Axis>,
}

impl Slice {
    /// The element at a position within the slice, one coordinate an axis.
    pub fn at(&self, position: &[Expr]) -> Vec<Expr> {
        let mut index = self.start.clone();
        for (axis, p) in self.axes.iter().zip(position) {
            index[axis.dim] = &index[axis.dim] + p * &axis.step;
        }
        index
    }

    pub fn load(&self, position: &[Expr]) -> Value {
        Value::Load { buffer: self.buffer, index: self.at(position) }
    }

    /// Without the axes that have one element.
    pub fn squeezed(&self) -> Slice {
        self.keeping(|axis| !axis.unit)
    }

    pub fn keeping(&self, keep: impl Fn(&Axis) -> bool) -> Slice {
        Slice { axes: self.axes.iter().filter(|a| keep(a)).cloned().collect(), ..self.clone() }
    }

    /// With the axes at these positions, in this order.
    pub fn choosing(&self, axes: &[usize]) -> Slice {
        Slice { axes: axes.iter().map(|&a| self.axes[a].clone()).collect(), ..self.clone() }
    }

    pub fn is_element(&self) -> bool {
        self.axes.iter().all(|a| a.unit)
    }

    /// Elements of the buffer from one position to the next, an axis each.
    pub fn strides(&self, buffers: &[Buffer]) -> Vec<Expr> {
        let strides = &buffers[self.buffer.0 as usize].strides;
        self.axes.iter().map(|a| &a.step * &strides[a.dim]).collect()
    }

    pub fn sizes(&self) -> Vec<Expr> {
        self.axes.iter().map(|a| a.size.clone()).collect()
    }

    pub fn operand(&self, buffers: &[Buffer]) -> Operand {
        Operand {
            buffer: self.buffer,
            start: self.start.clone(),
            shape: self.sizes(),
            strides: self.strides(buffers),
        }
    }

    /// The indices of the buffer that the slice covers.
    pub fn subset(&self) -> Subset {
        let mut ranges: Vec<Range> = self.start.iter().map(|e| Range::index(e.clone())).collect();
        for axis in &self.axes {
            let begin = &self.start[axis.dim];
            ranges[axis.dim] =
                Range::with_step(begin.clone(), begin + &axis.size * &axis.step, axis.step.clone());
        }
        Subset(ranges)
    }
}
