//! The interpreter: slow and obvious, to compare generated code with. Every access is checked,
//! iterations that are unordered run in another order than written, and memory that nobody
//! wrote is poison.

use std::collections::{BTreeMap, HashMap};

use weft_ir::dtype::{DType, Scalar};
use weft_ir::interp::{self, Array, CallError};
use weft_ir::names::Name;
use weft_ir::sdfg::{Guard, LibraryOp, Wcr};
use weft_ir::symbolic::{Expr, Range};
use weft_ir::tasklet::{BinOp, binary, call, cast, combine, unary};

use crate::lower::neutral;
use crate::tree::{BufferId, For, LoopSchedule, Operand, Program, Stmt, Value};

/// Why a run ended early.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// The kernel's own error.
    #[error("{message}")]
    Check { id: u32, message: String },
    #[error("the arguments do not fit: {0}")]
    Argument(String),
    #[error("guard {0} does not hold")]
    Guard(String),
    #[error("index {index:?} is out of bounds for '{buffer}' of shape {shape:?}")]
    OutOfBounds { buffer: Name, index: Vec<i64>, shape: Vec<i64> },
    #[error("'{0}' is read before it is written")]
    Uninitialized(Name),
    #[error("stopped after {0} steps")]
    Steps(u64),
    /// The program is wrong; the verifier should have said so.
    #[error("internal error: {0}")]
    Internal(String),
}

type Result<T> = std::result::Result<T, Failure>;

/// Statements and iterations before a run is given up.
const MAX_STEPS: u64 = 50_000_000;
/// Elements that one buffer may have.
const MAX_ELEMENTS: i64 = 1 << 28;

/// Runs a program. `arrays` has every argument by name, results included or not (they are made
/// where they are missing); all are in C order, whatever the buffer's strides are.
pub fn interpret(
    program: &Program,
    symbols: &BTreeMap<Name, i64>,
    arrays: &mut BTreeMap<Name, Array>,
) -> Result<()> {
    let mut machine = Machine {
        program,
        symbols: HashMap::new(),
        locals: HashMap::new(),
        memory: program.buffers.iter().map(|_| None).collect(),
        ops: HashMap::new(),
        steps: 0,
    };
    crate::visit::walk(&program.body, &mut |stmt| {
        if let Stmt::For(l) = stmt {
            machine.ops.extend(l.accumulators.iter().map(|a| (a.name, a.op)));
        }
    });
    for name in &program.symbols {
        let value = symbols.get(name).ok_or_else(|| Failure::Argument(format!("no value for '{name}'")))?;
        machine.symbols.insert(*name, *value);
    }
    machine.guards()?;
    for &id in &program.arguments {
        let buffer = &program.buffers[id.0 as usize];
        let shape = machine.shape(id)?;
        let memory = match arrays.get(&buffer.name) {
            Some(array) => Memory::of(array, &shape, buffer.dtype)
                .ok_or_else(|| Failure::Argument(format!("'{}' has another type or shape", buffer.name)))?,
            None => Memory::poison(&shape)?,
        };
        machine.memory[id.0 as usize] = Some(memory);
    }
    let done = machine.list(&program.body).map(|_| ());
    for &id in &program.arguments {
        let buffer = &program.buffers[id.0 as usize];
        if let Some(memory) = machine.memory[id.0 as usize].take() {
            arrays.insert(buffer.name, memory.into_array(buffer.dtype));
        }
    }
    done
}

/// Elements in C order; `None` where nothing has been written.
struct Memory {
    shape: Vec<i64>,
    values: Vec<Option<Scalar>>,
}

impl Memory {
    fn poison(shape: &[i64]) -> Result<Memory> {
        let count = shape.iter().try_fold(1i64, |n, &e| n.checked_mul(e)).filter(|n| *n <= MAX_ELEMENTS);
        let count = count.ok_or_else(|| Failure::Internal("a buffer is too large".into()))?;
        Ok(Memory { shape: shape.to_vec(), values: vec![None; count.max(0) as usize] })
    }

    fn of(array: &Array, shape: &[i64], dtype: DType) -> Option<Memory> {
        let fits =
            array.dtype() == dtype && array.shape().iter().map(|&n| n as i64).eq(shape.iter().copied());
        fits.then(|| Memory { shape: shape.to_vec(), values: array.scalars().map(Some).collect() })
    }

    /// Elements never written become zero.
    fn into_array(self, dtype: DType) -> Array {
        let shape: Vec<usize> = self.shape.iter().map(|&n| n.max(0) as usize).collect();
        let mut array = Array::zeros(dtype, &shape);
        for (at, value) in self.values.into_iter().enumerate() {
            if let Some(value) = value {
                array.set(at, value);
            }
        }
        array
    }

    fn position(&self, index: &[i64]) -> Option<usize> {
        if index.len() != self.shape.len() {
            return None;
        }
        let mut at = 0;
        for (&i, &n) in index.iter().zip(&self.shape) {
            if i < 0 || i >= n {
                return None;
            }
            at = at * n as usize + i as usize;
        }
        Some(at)
    }
}

/// How a list was left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
    Return,
}

struct Machine<'p> {
    program: &'p Program,
    symbols: HashMap<Name, i64>,
    locals: HashMap<Name, Scalar>,
    memory: Vec<Option<Memory>>,
    /// Of all accumulators.
    ops: HashMap<Name, Wcr>,
    steps: u64,
}

impl Machine<'_> {
    fn guards(&self) -> Result<()> {
        for guard in &self.program.guards {
            let (e, holds): (&Expr, fn(i64) -> bool) = match guard {
                Guard::NonNegative(e) => (e, |v| v >= 0),
                Guard::Zero(e) => (e, |v| v == 0),
            };
            if !holds(self.eval(e)?) {
                return Err(Failure::Guard(e.to_string()));
            }
        }
        Ok(())
    }

    fn eval(&self, e: &Expr) -> Result<i64> {
        e.eval(&|n| self.symbols.get(&n).copied()).map_err(|err| Failure::Internal(format!("{e}: {err}")))
    }

    fn evals(&self, exprs: &[Expr]) -> Result<Vec<i64>> {
        exprs.iter().map(|e| self.eval(e)).collect()
    }

    fn shape(&self, id: BufferId) -> Result<Vec<i64>> {
        self.evals(&self.program.buffers[id.0 as usize].shape)
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(Failure::Steps(MAX_STEPS)) } else { Ok(()) }
    }

    fn memory(&mut self, id: BufferId) -> Result<&mut Memory> {
        let name = self.program.buffers[id.0 as usize].name;
        self.memory[id.0 as usize]
            .as_mut()
            .ok_or_else(|| Failure::Internal(format!("'{name}' is not allocated")))
    }

    fn position(&mut self, id: BufferId, index: Vec<i64>) -> Result<usize> {
        let buffer = self.program.buffers[id.0 as usize].name;
        let memory = self.memory(id)?;
        memory.position(&index).ok_or_else(|| Failure::OutOfBounds {
            buffer,
            index,
            shape: memory.shape.clone(),
        })
    }

    fn read(&mut self, id: BufferId, index: Vec<i64>) -> Result<Scalar> {
        let at = self.position(id, index)?;
        let name = self.program.buffers[id.0 as usize].name;
        self.memory(id)?.values[at].ok_or(Failure::Uninitialized(name))
    }

    fn write(&mut self, id: BufferId, index: Vec<i64>, value: Scalar) -> Result<()> {
        let at = self.position(id, index)?;
        self.memory(id)?.values[at] = Some(value);
        Ok(())
    }

    fn list(&mut self, list: &[Stmt]) -> Result<Flow> {
        for stmt in list {
            self.step()?;
            let flow = self.stmt(stmt)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<Flow> {
        match stmt {
            Stmt::For(l) => return self.for_loop(l),
            Stmt::While { cond, body } => {
                while self.truth(cond)? {
                    self.step()?;
                    match self.list(body)? {
                        Flow::Break => break,
                        Flow::Return => return Ok(Flow::Return),
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            Stmt::If { cond, then, otherwise } => {
                let branch = if self.truth(cond)? { then } else { otherwise };
                return self.list(branch);
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
            Stmt::Return => return Ok(Flow::Return),
            Stmt::Alloc(id) => {
                let shape = self.shape(*id)?;
                self.memory[id.0 as usize] = Some(Memory::poison(&shape)?);
            }
            Stmt::Assign { symbol, value } => {
                let value = match self.value(value)? {
                    Scalar::Int(DType::I64, v) => v as i64,
                    other => return Err(Failure::Internal(format!("'{symbol}' := {other:?}"))),
                };
                self.symbols.insert(*symbol, value);
            }
            Stmt::Let { name, value, .. } => {
                let value = self.value(value)?;
                self.locals.insert(*name, value);
            }
            Stmt::Store { buffer, index, value } => {
                let value = self.value(value)?;
                let index = self.evals(index)?;
                self.write(*buffer, index, value)?;
            }
            Stmt::Combine { buffer, index, op, value, .. } => {
                let value = self.value(value)?;
                let index = self.evals(index)?;
                let old = self.read(*buffer, index.clone())?;
                let new = combine(*op, old, value).map_err(|e| Failure::Internal(e.to_string()))?;
                self.write(*buffer, index, new)?;
            }
            Stmt::Update { accumulator, value } => {
                let value = self.value(value)?;
                self.update(*accumulator, value)?;
            }
            Stmt::Copy { from, to } => self.copy(from, to)?,
            Stmt::MatMul { a, b, c } => self.matmul(a, b, c)?,
            Stmt::Library { op, inputs, outputs, check } => self.library(*op, inputs, outputs, *check)?,
            Stmt::Check { id, cond } => {
                if !self.truth(cond)? {
                    let message = self.program.checks[*id as usize].message.to_string();
                    return Err(Failure::Check { id: *id, message });
                }
            }
            Stmt::Comment(_) => {}
        }
        Ok(Flow::On)
    }

    fn update(&mut self, name: Name, value: Scalar) -> Result<()> {
        let (op, old) = match (self.ops.get(&name), self.locals.get(&name)) {
            (Some(op), Some(old)) => (*op, *old),
            _ => return Err(Failure::Internal(format!("'{name}' is no accumulator here"))),
        };
        let new = combine(op, old, value).map_err(|e| Failure::Internal(e.to_string()))?;
        self.locals.insert(name, new);
        Ok(())
    }

    fn for_loop(&mut self, l: &For) -> Result<Flow> {
        let (begin, count, step) = self.trips(&l.range)?;
        let mut inits = vec![];
        for a in &l.accumulators {
            let init = self.value(&a.init)?;
            let unordered = l.schedule != LoopSchedule::Sequential;
            // As threads do it: private sums are folded into the first value at the end.
            let start = if unordered { neutral(a.op, a.dtype).unwrap_or(init) } else { init };
            let folded = unordered && neutral(a.op, a.dtype).is_some();
            inits.push((a.name, a.op, init, folded));
            self.locals.insert(a.name, start);
        }
        let mut flow = Flow::On;
        for k in 0..count {
            self.step()?;
            let k = if l.schedule == LoopSchedule::Sequential { k } else { shuffled(k, count) };
            self.symbols.insert(l.var, begin + k * step);
            match self.list(&l.body)? {
                Flow::Break => break,
                Flow::Return => {
                    flow = Flow::Return;
                    break;
                }
                Flow::On | Flow::Continue => {}
            }
        }
        self.symbols.remove(&l.var);
        for (name, op, init, folded) in inits {
            if folded {
                let sum = self.locals[&name];
                let value = combine(op, init, sum).map_err(|e| Failure::Internal(e.to_string()))?;
                self.locals.insert(name, value);
            }
        }
        Ok(flow)
    }

    /// Begin, number of iterations and step.
    fn trips(&self, range: &Range) -> Result<(i64, i64, i64)> {
        let (begin, end, step) = (self.eval(&range.begin)?, self.eval(&range.end)?, self.eval(&range.step)?);
        if step == 0 {
            return Err(Failure::Internal("a loop with step 0".into()));
        }
        let span = (end as i128 - begin as i128) * step.signum() as i128;
        let size = step.unsigned_abs() as i128;
        Ok((begin, ((span + size - 1) / size).max(0) as i64, step))
    }

    fn truth(&mut self, cond: &Value) -> Result<bool> {
        match self.value(cond)? {
            Scalar::Bool(b) => Ok(b),
            other => Err(Failure::Internal(format!("condition {other:?}"))),
        }
    }

    fn value(&mut self, value: &Value) -> Result<Scalar> {
        let wrong = |e: weft_ir::tasklet::OpError| Failure::Internal(e.to_string());
        Ok(match value {
            Value::Lit(s) => *s,
            Value::Local(name) => {
                *self.locals.get(name).ok_or_else(|| Failure::Internal(format!("'{name}' has no value")))?
            }
            Value::Index(e) => Scalar::i64(self.eval(e)?),
            Value::Load { buffer, index } => {
                let index = self.evals(index)?;
                self.read(*buffer, index)?
            }
            Value::Un(op, a) => unary(*op, self.value(a)?).map_err(wrong)?,
            Value::Bin(op, a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                binary(*op, a, b).map_err(wrong)?
            }
            Value::Call(func, a) => call(*func, self.value(a)?).map_err(wrong)?,
            Value::Gather { buffer, index } => {
                let mut at = vec![];
                for value in index {
                    match self.value(value)? {
                        Scalar::Int(DType::I64, v) => at.push(v as i64),
                        other => return Err(Failure::Internal(format!("index {other:?}"))),
                    }
                }
                self.read(*buffer, at)?
            }
            Value::Select(c, a, b) if a.gathers() || b.gathers() => {
                let side = if self.truth(c)? { a } else { b };
                self.value(side)?
            }
            Value::Select(c, a, b) => {
                let (yes, no) = (self.value(a)?, self.value(b)?);
                if self.truth(c)? { yes } else { no }
            }
            Value::Cast(t, a) => cast(*t, self.value(a)?),
        })
    }

    // ---- library operations ------------------------------------------------------------

    /// Index in the buffer of each element of an operand, in row-major order, by its strides.
    fn elements(&self, operand: &Operand) -> Result<(Vec<i64>, Vec<Vec<i64>>)> {
        let buffer = &self.program.buffers[operand.buffer.0 as usize];
        let start = self.evals(&operand.start)?;
        let shape: Vec<i64> = self.evals(&operand.shape)?.into_iter().map(|n| n.max(0)).collect();
        let strides = self.evals(&operand.strides)?;
        let outer = self.evals(&buffer.strides)?;
        let extents = self.evals(&buffer.shape)?;
        let offset = |index: &[i64]| index.iter().zip(&outer).map(|(i, s)| i * s).sum::<i64>();
        let count: i64 = shape.iter().product();
        let base = offset(&start);
        let mut found = vec![];
        for flat in 0..count {
            let mut rest = flat;
            let mut position = base;
            for (n, stride) in shape.iter().zip(&strides).rev() {
                position += rest % n * stride;
                rest /= n;
            }
            let index = unravel(position, &extents, &outer).ok_or_else(|| Failure::OutOfBounds {
                buffer: buffer.name,
                index: start.clone(),
                shape: extents.clone(),
            })?;
            found.push(index);
        }
        Ok((shape, found))
    }

    fn copy(&mut self, from: &Operand, to: &Operand) -> Result<()> {
        let ((source, reads), (target, writes)) = (self.elements(from)?, self.elements(to)?);
        if source != target {
            return Err(Failure::Internal(format!("copy of {source:?} to {target:?}")));
        }
        for (read, write) in reads.into_iter().zip(writes) {
            self.step()?;
            let value = self.read(from.buffer, read)?;
            self.write(to.buffer, write, value)?;
        }
        Ok(())
    }

    fn library(
        &mut self,
        op: LibraryOp,
        inputs: &[Operand],
        outputs: &[Operand],
        check: Option<u32>,
    ) -> Result<()> {
        let mut given = vec![];
        for operand in inputs {
            let (shape, elements) = self.elements(operand)?;
            let dtype = self.program.buffers[operand.buffer.0 as usize].dtype;
            let shape = shape.into_iter().map(|n| n as usize).collect();
            let mut values = vec![];
            for index in elements {
                values.push(self.read(operand.buffer, index)?);
            }
            given.push(interp::Operand { dtype, shape, values });
        }
        let made = interp::call(op, &given).map_err(|error| match (error, check) {
            (CallError::Values(message), Some(id)) => Failure::Check { id, message: message.into() },
            (error, _) => Failure::Internal(error.to_string()),
        })?;
        for (operand, values) in outputs.iter().zip(made) {
            let (shape, elements) = self.elements(operand)?;
            if elements.len() != values.len() {
                return Err(Failure::Internal(format!("a result of {} for {shape:?}", op.name())));
            }
            for (index, value) in elements.into_iter().zip(values) {
                self.write(operand.buffer, index, value)?;
            }
        }
        Ok(())
    }

    fn matmul(&mut self, a: &Operand, b: &Operand, c: &Operand) -> Result<()> {
        let ((sa, ia), (sb, ib), (sc, ic)) = (self.elements(a)?, self.elements(b)?, self.elements(c)?);
        let (m, k) = if sa.len() == 2 { (sa[0], sa[1]) } else { (1, sa[0]) };
        let (kb, n) = if sb.len() == 2 { (sb[0], sb[1]) } else { (sb[0], 1) };
        if k != kb || sc.iter().product::<i64>() != m * n {
            return Err(Failure::Internal(format!("matmul of {sa:?} and {sb:?} into {sc:?}")));
        }
        let wrong = |e: weft_ir::tasklet::OpError| Failure::Internal(e.to_string());
        let dtype = self.program.buffers[c.buffer.0 as usize].dtype;
        for i in 0..m {
            for j in 0..n {
                let mut sum = cast(dtype, Scalar::i64(0));
                for l in 0..k {
                    self.step()?;
                    let x = self.read(a.buffer, ia[(i * k + l) as usize].clone())?;
                    let y = self.read(b.buffer, ib[(l * n + j) as usize].clone())?;
                    sum = binary(BinOp::Add, sum, binary(BinOp::Mul, x, y).map_err(wrong)?).map_err(wrong)?;
                }
                self.write(c.buffer, ic[(i * n + j) as usize].clone(), sum)?;
            }
        }
        Ok(())
    }
}

/// The index of an element at a position in memory, if there is exactly this element.
fn unravel(position: i64, shape: &[i64], strides: &[i64]) -> Option<Vec<i64>> {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    order.sort_by_key(|&d| std::cmp::Reverse((strides[d], shape[d])));
    let mut index = vec![0; shape.len()];
    let mut rest = position;
    for d in order {
        if shape[d] <= 1 {
            continue;
        }
        index[d] = if strides[d] == 0 { 0 } else { rest / strides[d] };
        rest -= index[d] * strides[d];
    }
    let inside = index.iter().zip(shape).all(|(&i, &n)| 0 <= i && i < n.max(1));
    (rest == 0 && inside && position >= 0).then_some(index)
}

/// A permutation of `0..count`: odd ones from the end, then even ones.
fn shuffled(k: i64, count: i64) -> i64 {
    let odd = count / 2;
    if k < odd { 2 * (odd - 1 - k) + 1 } else { 2 * (k - odd) }
}
