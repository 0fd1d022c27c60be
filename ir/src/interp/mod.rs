//! The reference interpreter: slow, obvious, the oracle for transformations and back ends.
//!
//! - Iterations of a map run in an order drawn from the seed, and are watched: two iterations that
//!   touch the same element, at least one of them writing, are a [`Fault::Conflict`] unless both
//!   resolve their conflict by the same write-conflict resolution.
//! - A transient with [`Lifetime::Scope`](crate::sdfg::Lifetime) whose access nodes all lie in one
//!   map scope is private to each iteration. Every other transient lives for one call of its SDFG,
//!   so its content survives from one iteration of a `Loop` or `While` to the next; where its shape
//!   has changed at the entry of a state that uses it, it is allocated afresh.
//! - Memory starts poisoned: reading an element that was not written is [`Fault::Uninitialized`].
//! - Copies and library nodes read all their operands before they write.
//! - A return inside a nested SDFG ends that SDFG only.
//!
//! Tasklet operations mean what [`crate::tasklet::ops`] says. The interpreter itself is at fault
//! for [`Fault::Internal`]; every other fault is the kernel's, the caller's or the graph's.

mod array;
mod call;
#[cfg(test)]
mod call_tests;
mod control;
mod library;
mod matrix;
mod memory;
mod plan;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use array::Array;
pub use call::{CallError, Operand, call};

use crate::names::Name;
use crate::sdfg::{Place, Verified};
use control::Frame;
use memory::Memory;

/// How to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Draws the order of map iterations. 0 is the order of the ranges.
    pub seed: u64,
    /// Tasklets, iterations, blocks and copied elements before the run is given up.
    pub max_steps: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 1, max_steps: 100_000_000 }
    }
}

/// Why a run ended early.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// The caller's: an argument is missing or does not fit its container.
    #[error("argument '{name}': {reason}")]
    Argument { name: Name, reason: String },
    /// The graph was not made for these arguments.
    #[error("the graph relies on {guard}, which does not hold for these arguments")]
    Guard { guard: String },
    /// Part of it is only kept, from a file.
    #[error("'{name}' is {what}, which does not run here")]
    Foreign { name: Name, what: String },
    /// A `Check` block of the kernel.
    #[error("{message}")]
    Check { message: String, place: Place },
    #[error("index [{}] is out of bounds for '{container}' of shape [{}]", list(index), list(shape))]
    OutOfBounds { container: Name, index: Vec<i64>, shape: Vec<i64>, place: Place },
    #[error("'{container}[{}]' is read before it is written", list(element))]
    Uninitialized { container: Name, element: Vec<usize>, place: Place },
    /// `map` is the map whose iterations conflict, `place` the later of the two accesses.
    #[error("iterations of map '{label}' conflict: {what} '{container}[{}]'", list(element))]
    Conflict {
        container: Name,
        element: Vec<usize>,
        what: &'static str,
        label: Name,
        map: Place,
        place: Place,
    },
    /// Values that a library operation is not defined on, such as a singular matrix.
    #[error("{message}")]
    Failed { message: String, place: Place },
    /// Shapes that only the run shows not to fit, such as a copy between different sizes.
    #[error("{message}")]
    Shape { message: String, place: Place },
    /// An expression without a value, such as an integer to a negative power.
    #[error("{message}")]
    Value { message: String, place: Place },
    #[error("'{container}' of shape [{}] does not fit in memory", list(shape))]
    Memory { container: Name, shape: Vec<i64>, place: Place },
    #[error("stopped after {limit} steps")]
    Steps { limit: u64 },
    #[error("internal error: {message}")]
    Internal { message: String, place: Place },
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// Runs a graph.
///
/// `symbols` has a value for each of the graph's symbols. `arrays` has each container of `args`,
/// which are overwritten by what the run writes to them; the containers of `returns` are put
/// there, with zeros where the run wrote nothing. After a fault the content of `arrays` is that of the moment of the fault.
pub fn run(
    graph: &Verified,
    symbols: &BTreeMap<Name, i64>,
    arrays: &mut BTreeMap<Name, Array>,
    options: Options,
) -> Result<(), Fault> {
    if let Some((_, name, what)) = crate::sdfg::first_foreign(graph) {
        return Err(Fault::Foreign { name, what });
    }
    let mut machine = Machine {
        memory: Memory::default(),
        plans: Default::default(),
        locals: vec![],
        random: options.seed,
        shuffled: options.seed != 0,
        steps: 0,
        max_steps: options.max_steps,
    };
    let mut frame = Frame::new(graph, machine.plan(graph)?);
    for &name in graph.symbols.keys() {
        let value =
            symbols.get(&name).ok_or(Fault::Argument { name, reason: "the symbol has no value".into() })?;
        frame.symbols.push((name, *value));
    }
    machine.check_guards(&frame)?;
    // Shapes are checked before anything moves, so that a refusal leaves `arrays` as it was.
    for (at, (&name, data)) in graph.data.iter().enumerate() {
        if !data.transient && !graph.returns.contains(&name) {
            let shape = frame.shape(at, Place::Whole)?;
            check_argument(name, data.dtype, &shape, arrays.get(&name))?;
        }
    }
    let mut bound = vec![];
    for (at, (&name, data)) in graph.data.iter().enumerate().filter(|(_, (_, d))| !d.transient) {
        let shape = frame.shape(at, Place::Whole)?;
        let view = if graph.returns.contains(&name) {
            machine.memory.allocate(name, data.dtype, &shape, Place::Whole)?
        } else {
            let array = arrays.remove(&name).expect("an argument that was checked");
            machine.memory.adopt(name, array)
        };
        bound.push((name, view.buffer));
        frame.views[at] = Some(view);
    }
    let done = machine.body(&mut frame);
    for (name, buffer) in bound {
        arrays.insert(name, machine.memory.take(buffer));
    }
    done
}

fn check_argument(
    name: Name,
    dtype: crate::DType,
    shape: &[i64],
    array: Option<&Array>,
) -> Result<(), Fault> {
    let fail = |reason: String| Err(Fault::Argument { name, reason });
    let Some(array) = array else { return fail("the array is missing".into()) };
    if array.dtype() != dtype {
        return fail(format!("the type is {} instead of {dtype}", array.dtype()));
    }
    if !array.shape().iter().map(|&n| n as i64).eq(shape.iter().copied()) {
        return fail(format!("the shape is [{}] instead of [{}]", list(array.shape()), list(shape)));
    }
    Ok(())
}

/// What a run carries from node to node.
struct Machine<'g> {
    memory: Memory,
    plans: plan::Plans<'g>,
    /// Connectors and locals of the tasklet that runs.
    locals: Vec<(Name, crate::dtype::Scalar)>,
    random: u64,
    shuffled: bool,
    steps: u64,
    max_steps: u64,
}

impl Machine<'_> {
    fn step(&mut self, count: u64) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(count);
        if self.steps > self.max_steps { Err(Fault::Steps { limit: self.max_steps }) } else { Ok(()) }
    }

    /// SplitMix64.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
