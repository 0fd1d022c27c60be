//! Memory of a run: buffers that know which elements were written, and by which map iterations.

use super::{Array, Fault};
use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::sdfg::{Place, Wcr};
use crate::tasklet;

/// What a container stands for: a box of a buffer's elements.
#[derive(Clone, Debug)]
pub struct View {
    pub buffer: usize,
    /// Position of the first element in the buffer.
    pub offset: i64,
    /// Extent and stride, in elements of the buffer, of each dimension.
    pub dims: Vec<(i64, i64)>,
}

/// A map that runs, and its current iteration (from 1).
#[derive(Clone, Copy, Debug)]
struct Active {
    epoch: u32,
    iteration: u32,
    label: Name,
    place: Place,
}

/// Which iterations of one map have touched an element; 0 is none.
#[derive(Clone, Copy, Default)]
struct Cell {
    epoch: u32,
    write: u32,
    read: u32,
    resolve: u32,
    wcr: Option<Wcr>,
}

/// More than one iteration.
const MANY: u32 = u32::MAX;

struct Buffer {
    name: Name,
    array: Array,
    /// Which elements have a value; `None` if all have.
    written: Option<Vec<bool>>,
    /// How many maps ran when it was allocated: iterations of those cannot meet here.
    born: usize,
    /// One table for each map that has been inside since.
    shadow: Vec<Vec<Cell>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    Read,
    Write,
    Resolve(Wcr),
}

#[derive(Default)]
pub struct Memory {
    buffers: Vec<Option<Buffer>>,
    free: Vec<usize>,
    active: Vec<Active>,
    epochs: u32,
}

impl Memory {
    fn insert(&mut self, buffer: Buffer) -> View {
        let mut stride = 1;
        let mut dims: Vec<(i64, i64)> = buffer.array.shape().iter().map(|&n| (n as i64, 0)).collect();
        for dim in dims.iter_mut().rev() {
            dim.1 = stride;
            stride = stride.saturating_mul(dim.0);
        }
        let at = self.free.pop().unwrap_or_else(|| {
            self.buffers.push(None);
            self.buffers.len() - 1
        });
        self.buffers[at] = Some(buffer);
        View { buffer: at, offset: 0, dims }
    }

    /// Takes the caller's array, all of which has values.
    pub fn adopt(&mut self, name: Name, array: Array) -> View {
        let born = self.active.len();
        self.insert(Buffer { name, array, written: None, born, shadow: vec![] })
    }

    /// Poisoned memory (zeros, should an unwritten result get out).
    pub fn allocate(&mut self, name: Name, dtype: DType, shape: &[i64], place: Place) -> Result<View, Fault> {
        let fault = || Fault::Memory { container: name, shape: shape.to_vec(), place };
        let sizes: Option<Vec<usize>> = shape.iter().map(|&n| usize::try_from(n).ok()).collect();
        let sizes = sizes.ok_or_else(fault)?;
        let array = Array::try_zeros(dtype, &sizes).ok_or_else(fault)?;
        let written = Some(vec![false; array.len()]);
        let born = self.active.len();
        Ok(self.insert(Buffer { name, array, written, born, shadow: vec![] }))
    }

    pub fn release(&mut self, buffer: usize) {
        self.buffers[buffer] = None;
        self.free.push(buffer);
    }

    /// Releases a buffer and gives its array.
    pub fn take(&mut self, buffer: usize) -> Array {
        self.free.push(buffer);
        self.buffers[buffer].take().expect("a buffer in use").array
    }

    // ---- maps --------------------------------------------------------------------------

    pub fn enter_map(&mut self, label: Name, place: Place) {
        self.epochs += 1;
        self.active.push(Active { epoch: self.epochs, iteration: 0, label, place });
    }

    pub fn next_iteration(&mut self) {
        self.active.last_mut().expect("a map that runs").iteration += 1;
    }

    pub fn leave_map(&mut self) {
        self.active.pop();
    }

    // ---- elements ----------------------------------------------------------------------

    /// Position in the buffer of the element at an index of the view.
    pub fn locate(
        &self,
        view: &View,
        rank: usize,
        index: &dyn Fn(usize) -> Result<i64, Fault>,
        place: Place,
    ) -> Result<usize, Fault> {
        let mut at = view.offset;
        let mut outside = rank != view.dims.len();
        for (d, &(extent, stride)) in view.dims.iter().enumerate().take(rank) {
            let i = index(d)?;
            outside |= i < 0 || i >= extent;
            at = at.wrapping_add(i.wrapping_mul(stride));
        }
        if outside {
            let index = (0..rank).map(index).collect::<Result<_, _>>()?;
            let shape = view.dims.iter().map(|d| d.0).collect();
            return Err(Fault::OutOfBounds { container: self.name(view), index, shape, place });
        }
        Ok(at as usize)
    }

    fn name(&self, view: &View) -> Name {
        self.buffer(view.buffer).name
    }

    fn buffer(&self, at: usize) -> &Buffer {
        self.buffers[at].as_ref().expect("a buffer in use")
    }

    pub fn read(&mut self, buffer: usize, at: usize, place: Place) -> Result<Scalar, Fault> {
        self.touch(buffer, at, Touch::Read, place)?;
        let buffer = self.buffer(buffer);
        if buffer.written.as_ref().is_some_and(|w| !w[at]) {
            let element = unravel(at, buffer.array.shape());
            return Err(Fault::Uninitialized { container: buffer.name, element, place });
        }
        Ok(buffer.array.get(at))
    }

    pub fn write(
        &mut self,
        buffer: usize,
        at: usize,
        value: Scalar,
        wcr: Option<Wcr>,
        place: Place,
    ) -> Result<(), Fault> {
        self.touch(buffer, at, wcr.map_or(Touch::Write, Touch::Resolve), place)?;
        let buffer = self.buffers[buffer].as_mut().expect("a buffer in use");
        let mut value = value;
        if let Some(wcr) = wcr {
            if buffer.written.as_ref().is_some_and(|w| !w[at]) {
                let element = unravel(at, buffer.array.shape());
                return Err(Fault::Uninitialized { container: buffer.name, element, place });
            }
            value = tasklet::combine(wcr, buffer.array.get(at), value)
                .map_err(|e| Fault::Value { message: e.to_string(), place })?;
        }
        if value.dtype() != buffer.array.dtype() {
            let message = format!("{} is stored to '{}'", value.dtype(), buffer.name);
            return Err(Fault::Internal { message, place });
        }
        buffer.array.set(at, value);
        if let Some(written) = &mut buffer.written {
            written[at] = true;
        }
        Ok(())
    }

    /// Notes the access in the tables of all maps that run, and compares it with other iterations'.
    fn touch(&mut self, buffer: usize, at: usize, touch: Touch, place: Place) -> Result<(), Fault> {
        let buffer = self.buffers[buffer].as_mut().expect("a buffer in use");
        for (level, active) in self.active[buffer.born..].iter().enumerate() {
            if buffer.shadow.len() <= level {
                buffer.shadow.push(vec![Cell::default(); buffer.array.len()]);
            }
            let cell = &mut buffer.shadow[level][at];
            if cell.epoch != active.epoch {
                *cell = Cell { epoch: active.epoch, ..Cell::default() };
            }
            let Some(what) = cell.meet(active.iteration, touch) else { continue };
            return Err(Fault::Conflict {
                container: buffer.name,
                element: unravel(at, buffer.array.shape()),
                what,
                label: active.label,
                map: active.place,
                place,
            });
        }
        Ok(())
    }
}

impl Cell {
    /// Adds an access of an iteration; what conflicts, if anything does.
    fn meet(&mut self, now: u32, touch: Touch) -> Option<&'static str> {
        let other = |seen: u32| seen != 0 && seen != now;
        let add = |seen: u32| if other(seen) { MANY } else { now };
        match touch {
            Touch::Read => {
                if other(self.write) || other(self.resolve) {
                    return Some("one writes and another reads");
                }
                self.read = add(self.read);
            }
            Touch::Write => {
                if other(self.read) {
                    return Some("one reads and another writes");
                }
                if other(self.write) || other(self.resolve) {
                    return Some("two write");
                }
                self.write = now;
            }
            Touch::Resolve(wcr) => {
                if other(self.read) {
                    return Some("one reads and another writes");
                }
                if other(self.write) {
                    return Some("two write");
                }
                if other(self.resolve) && self.wcr != Some(wcr) {
                    return Some("two resolve differently their writes to");
                }
                self.resolve = add(self.resolve);
                self.wcr = Some(wcr);
            }
        }
        None
    }
}

/// The index of a position in C order.
pub fn unravel(at: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = at;
    let mut index = vec![0; shape.len()];
    for (d, &n) in shape.iter().enumerate().rev() {
        if n > 0 {
            index[d] = rest % n;
            rest /= n;
        }
    }
    index
}
