//! The verifier of programs. It lists every violation of these invariants:
//!
//! 1. Buffers, locals, accumulators, loop variables and symbols have names of their own.
//! 2. Arguments are the buffers placed there, at their positions.
//! 3. A local, an accumulator's result, a loop variable or a symbol is defined before it is used,
//!    in the list or around it.
//! 4. A transient is allocated exactly once, before its first use, in the list or around it; a
//!    buffer on the stack has constant extents.
//! 5. An index has one expression for each dimension of its buffer, that of a gather one value; an
//!    operand starts with one.
//! 6. Values are typed strictly; what is stored, combined, folded or let has the type of its
//!    target, conditions are `bool`, assigned symbols are `i64`.
//! 7. `Break` and `Continue` are in a loop that is sequential, without a loop of another kind
//!    in between; `Return` is in no unordered loop.
//! 8. An accumulator is folded into only inside its loop, and is not read there.
//! 9. Steps of loops are constants that are not zero.
//! 10. Parallel loops do not nest; the bodies of vector loops have no control flow.
//! 11. In an unordered loop nothing is stored, copied or combined, unless atomically or in a
//!     buffer of the iteration, at an index that does not depend on the loop variable.
//! 12. In a parallel loop no symbol is assigned that is defined outside of it.
//! 13. The operands of a copy have the same rank and type; those of a product fit `matmul`, those of a
//!     library call its operation. A call that can fail has a check.
//! 14. A check has its message.

use std::collections::{BTreeMap, BTreeSet};

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::{Guard, LibraryOp};
use weft_ir::symbolic::Expr;

use crate::tree::{BufferId, For, LoopSchedule, Operand, Placement, Program, Stmt, Value};
use crate::typing::dtype_of;
use crate::visit::{self, Touch, allocated_in};

/// One broken invariant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation(pub String);

/// All violations of a program.
pub fn verify(program: &Program) -> Result<(), Vec<Violation>> {
    let mut v = Verifier {
        program,
        found: vec![],
        scope: Scope::default(),
        names: BTreeSet::new(),
        assigned: BTreeSet::new(),
        allocated: BTreeSet::new(),
    };
    v.header();
    v.list(&program.body);
    v.unallocated();
    if v.found.is_empty() { Ok(()) } else { Err(v.found) }
}

#[derive(Clone, Default)]
struct Scope {
    locals: BTreeMap<Name, DType>,
    symbols: BTreeSet<Name>,
    /// Accumulators whose loops are around.
    open: BTreeMap<Name, DType>,
    memory: BTreeSet<BufferId>,
    around: Vec<Around>,
    /// Symbols defined outside the parallel loop around.
    shared: Option<BTreeSet<Name>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Around {
    Sequential,
    Unordered,
    Parallel,
}

struct Verifier<'p> {
    program: &'p Program,
    found: Vec<Violation>,
    scope: Scope,
    /// Names that were defined anywhere before.
    names: BTreeSet<Name>,
    assigned: BTreeSet<Name>,
    allocated: BTreeSet<BufferId>,
}

impl<'p> Verifier<'p> {
    fn say(&mut self, text: impl Into<String>) {
        self.found.push(Violation(text.into()));
    }

    fn name_of(&self, id: BufferId) -> String {
        self.program.buffers.get(id.0 as usize).map_or(format!("buffer {}", id.0), |b| b.name.to_string())
    }

    fn define(&mut self, name: Name) {
        if !self.names.insert(name) {
            self.say(format!("'{name}' is defined twice"));
        }
    }

    fn header(&mut self) {
        let program = self.program;
        for &symbol in &program.symbols {
            self.define(symbol);
            self.scope.symbols.insert(symbol);
        }
        for (at, buffer) in program.buffers.iter().enumerate() {
            let id = BufferId(at as u32);
            if buffer.shape.len() != buffer.strides.len() {
                self.say(format!(
                    "'{}' has {} extents and {} strides",
                    buffer.name,
                    buffer.shape.len(),
                    buffer.strides.len()
                ));
            }
            match buffer.placement {
                Placement::Argument(position) => {
                    if program.arguments.get(position) != Some(&id) {
                        self.say(format!("'{}' is not argument {position}", buffer.name));
                    }
                    self.scope.memory.insert(id);
                }
                Placement::Stack if buffer.shape.iter().any(|e| e.as_int().is_none()) => {
                    self.say(format!("'{}' is on the stack and its extents vary", buffer.name));
                }
                _ => {}
            }
        }
        let mut names: BTreeSet<Name> = BTreeSet::new();
        for buffer in &program.buffers {
            // A scalar that became a local keeps its name; its buffer is gone.
            if !names.insert(buffer.name) || self.names.contains(&buffer.name) {
                self.say(format!("'{}' is defined twice", buffer.name));
            }
        }
        self.names.append(&mut names);
        for &id in &program.arguments {
            if !matches!(
                program.buffers.get(id.0 as usize).map(|b| b.placement),
                Some(Placement::Argument(_))
            ) {
                self.say(format!("{} is an argument and placed elsewhere", self.name_of(id)));
                continue;
            }
            let buffer = &program.buffers[id.0 as usize];
            for e in buffer.shape.iter().chain(&buffer.strides) {
                self.expr(e);
            }
        }
        for guard in &program.guards {
            let (Guard::NonNegative(e) | Guard::Zero(e)) = guard;
            self.expr(e);
        }
    }

    fn unallocated(&mut self) {
        for (at, buffer) in self.program.buffers.iter().enumerate() {
            let argument = matches!(buffer.placement, Placement::Argument(_));
            if !argument && !self.allocated.contains(&BufferId(at as u32)) {
                self.say(format!("'{}' is never allocated", buffer.name));
            }
        }
    }

    /// What a list defines ends with it, except symbols, which outlive it.
    fn list(&mut self, list: &'p [Stmt]) {
        let before = self.scope.clone();
        for stmt in list {
            self.stmt(stmt);
        }
        let symbols = std::mem::take(&mut self.scope.symbols);
        self.scope = before;
        self.scope.symbols.extend(symbols);
    }

    fn stmt(&mut self, stmt: &'p Stmt) {
        let values: Vec<Option<DType>> = stmt.values().into_iter().map(|v| self.value(v)).collect();
        let dtype = values.first().copied().flatten();
        stmt.touches_here(&mut |buffer, touch, index| {
            if !matches!(touch, Touch::Load | Touch::Gather) {
                self.place(buffer, index);
            }
        });
        match stmt {
            Stmt::For(l) => self.for_loop(l, &values),
            Stmt::While { body, .. } => {
                self.expect(dtype, DType::Bool, "condition");
                self.scope.around.push(Around::Sequential);
                self.list(body);
                self.scope.around.pop();
            }
            Stmt::If { then, otherwise, .. } => {
                self.expect(dtype, DType::Bool, "condition");
                let before = self.scope.symbols.clone();
                self.list(then);
                let one = std::mem::replace(&mut self.scope.symbols, before);
                self.list(otherwise);
                // The front end promises that symbols are assigned on every path to a use.
                self.scope.symbols.extend(one);
            }
            Stmt::Break | Stmt::Continue => {
                if self.scope.around.last() != Some(&Around::Sequential) {
                    self.say("break or continue outside of a sequential loop");
                }
            }
            Stmt::Return => {
                if self.scope.around.iter().any(|a| *a != Around::Sequential) {
                    self.say("return in an unordered loop");
                }
            }
            Stmt::Alloc(id) => self.alloc(*id),
            Stmt::Assign { symbol, .. } => self.assign(*symbol, dtype),
            Stmt::Let { name, dtype: declared, .. } => {
                self.expect(dtype, *declared, name.as_str());
                self.define(*name);
                self.scope.locals.insert(*name, *declared);
            }
            Stmt::Store { buffer, .. } | Stmt::Combine { buffer, .. } => {
                if let Some(b) = self.program.buffers.get(buffer.0 as usize) {
                    self.expect(dtype, b.dtype, b.name.as_str());
                }
            }
            Stmt::Update { accumulator, .. } => match self.scope.open.get(accumulator).copied() {
                Some(declared) => self.expect(dtype, declared, accumulator.as_str()),
                None => self.say(format!("'{accumulator}' is folded into outside of its loop")),
            },
            Stmt::Copy { from, to } => self.copy(from, to),
            Stmt::MatMul { a, b, c } => self.matmul(a, b, c),
            Stmt::Library { op, inputs, outputs, check } => self.library(*op, inputs, outputs, *check),
            Stmt::Check { id, .. } => {
                self.expect(dtype, DType::Bool, "check");
                if self.program.checks.len() <= *id as usize {
                    self.say(format!("check {id} has no message"));
                }
            }
            Stmt::Comment(_) => {}
        }
    }

    fn for_loop(&mut self, l: &'p For, inits: &[Option<DType>]) {
        for e in visit::range_exprs(&l.range) {
            self.expr(e);
        }
        self.expr(&l.work);
        if l.range.step.as_int().is_none_or(|s| s == 0) {
            self.say(format!("the step of '{}' is not a constant other than 0", l.var));
        }
        for (a, init) in l.accumulators.iter().zip(inits) {
            self.expect(*init, a.dtype, a.name.as_str());
            self.define(a.name);
        }
        self.define(l.var);
        if l.schedule != LoopSchedule::Sequential {
            self.conflicts(l);
        }
        if l.schedule == LoopSchedule::Vector && !l.is_straight_line(&self.program.buffers) {
            self.say(format!("vector loop '{}' has control flow", l.var));
        }
        if l.schedule == LoopSchedule::Parallel && self.scope.around.contains(&Around::Parallel) {
            self.say(format!("parallel loop '{}' in a parallel loop", l.var));
        }
        let before = self.scope.clone();
        self.scope.around.push(match l.schedule {
            LoopSchedule::Sequential => Around::Sequential,
            LoopSchedule::Parallel => Around::Parallel,
            _ => Around::Unordered,
        });
        if l.schedule == LoopSchedule::Parallel {
            self.scope.shared = Some(self.scope.symbols.clone());
        }
        self.scope.symbols.insert(l.var);
        self.scope.open.extend(l.accumulators.iter().map(|a| (a.name, a.dtype)));
        self.list(&l.body);
        let mut symbols = std::mem::take(&mut self.scope.symbols);
        symbols.remove(&l.var);
        self.scope = before;
        if l.schedule != LoopSchedule::Parallel {
            self.scope.symbols = symbols;
        }
        self.scope.locals.extend(l.accumulators.iter().map(|a| (a.name, a.dtype)));
    }

    /// Writes that every iteration of an unordered loop makes to one element.
    fn conflicts(&mut self, l: &For) {
        // A single iteration meets no other.
        if l.range.extent().as_int().is_some_and(|n| n <= 1) {
            return;
        }
        let private = allocated_in(&l.body);
        // Whatever depends on the loop variable, directly or through other names.
        let mut varying: BTreeSet<Name> = BTreeSet::from([l.var]);
        visit::walk(&l.body, &mut |stmt| match stmt {
            Stmt::For(inner) => {
                let depends = visit::range_exprs(&inner.range).iter().any(|e| depends(e, &varying));
                if depends {
                    varying.insert(inner.var);
                }
            }
            // What it is given may come from anywhere.
            Stmt::Assign { symbol, .. } => {
                varying.insert(*symbol);
            }
            _ => {}
        });
        let mut found = vec![];
        visit::walk(&l.body, &mut |stmt| {
            let atomic = matches!(stmt, Stmt::Combine { atomic: true, .. });
            stmt.touches_here(&mut |buffer, touch, index| {
                let writes = !matches!(touch, Touch::Load | Touch::Gather | Touch::OperandRead);
                if writes
                    && !atomic
                    && !private.contains(&buffer)
                    && !index.iter().any(|e| depends(e, &varying))
                {
                    found.push(buffer);
                }
            });
        });
        for id in found {
            let name = self.name_of(id);
            self.say(format!("iterations of '{}' write the same element of '{name}'", l.var));
        }
    }

    fn alloc(&mut self, id: BufferId) {
        let Some(buffer) = self.program.buffers.get(id.0 as usize) else {
            return self.say(format!("buffer {} does not exist", id.0));
        };
        if matches!(buffer.placement, Placement::Argument(_)) || !self.allocated.insert(id) {
            self.say(format!("'{}' is allocated twice", buffer.name));
        }
        for e in buffer.shape.iter().chain(&buffer.strides) {
            self.expr(e);
        }
        self.scope.memory.insert(id);
    }

    fn assign(&mut self, symbol: Name, dtype: Option<DType>) {
        self.expect(dtype, DType::I64, symbol.as_str());
        // A symbol may be assigned many times, but it is nothing else.
        if self.assigned.insert(symbol) {
            self.define(symbol);
        }
        if self.scope.shared.as_ref().is_some_and(|s| s.contains(&symbol)) {
            self.say(format!("'{symbol}' is shared and assigned in a parallel loop"));
        }
        self.scope.symbols.insert(symbol);
    }

    fn copy(&mut self, from: &Operand, to: &Operand) {
        self.operand(from);
        self.operand(to);
        if from.shape.len() != to.shape.len() || self.dtype(from) != self.dtype(to) {
            self.say("a copy between different ranks or types");
        }
    }

    fn matmul(&mut self, a: &Operand, b: &Operand, c: &Operand) {
        for operand in [a, b, c] {
            self.operand(operand);
        }
        let (ra, rb, rc) = (a.shape.len(), b.shape.len(), c.shape.len());
        if !(1..=2).contains(&ra) || !(1..=2).contains(&rb) || rc + 2 != ra + rb {
            self.say(format!("a product of ranks {ra} and {rb} into rank {rc}"));
            return;
        }
        if self.dtype(a) != self.dtype(c) || self.dtype(b) != self.dtype(c) {
            self.say("a product of different types");
        }
        if [a, b].iter().any(|o| o.buffer == c.buffer) {
            self.say("a product into its own operand");
        }
    }

    fn library(&mut self, op: LibraryOp, inputs: &[Operand], outputs: &[Operand], check: Option<u32>) {
        for operand in inputs.iter().chain(outputs) {
            self.operand(operand);
        }
        let name = op.name();
        if check.is_some_and(|id| self.program.checks.len() <= id as usize) {
            self.say(format!("the check of {name} has no message"));
        }
        if check.is_none() && op.failure().is_some() {
            self.say(format!("{name} may fail, and has no check"));
        }
        let shapes = |operands: &[Operand]| -> Option<Vec<(DType, Vec<Expr>)>> {
            operands.iter().map(|o| Some((self.dtype(o)?, o.shape.clone()))).collect()
        };
        let (Some(given), Some(made)) = (shapes(inputs), shapes(outputs)) else { return };
        if given.len() != op.inputs().len() {
            return self.say(format!("{name} of {} operands", given.len()));
        }
        let fit = match op.fit(&given) {
            Ok(fit) => fit,
            Err(message) => return self.say(message),
        };
        let wanted = fit.outputs.iter().map(|(dtype, shape)| (*dtype, shape.len()));
        if !wanted.eq(made.iter().map(|(dtype, shape)| (*dtype, shape.len()))) {
            self.say(format!("the results of {name} do not fit"));
        }
    }

    fn dtype(&self, operand: &Operand) -> Option<DType> {
        self.program.buffers.get(operand.buffer.0 as usize).map(|b| b.dtype)
    }

    fn operand(&mut self, operand: &Operand) {
        for e in operand.shape.iter().chain(&operand.strides) {
            self.expr(e);
        }
        if operand.shape.len() != operand.strides.len() {
            self.say("an operand whose shape and strides differ in rank");
        }
    }

    /// An element of a buffer, or the first of an operand.
    fn place(&mut self, id: BufferId, index: &[Expr]) {
        self.used(id, index.len());
        for e in index {
            self.expr(e);
        }
    }

    /// A buffer is used with this number of indices.
    fn used(&mut self, id: BufferId, rank: usize) {
        let name = self.name_of(id);
        match self.program.buffers.get(id.0 as usize) {
            None => self.say(format!("{name} does not exist")),
            Some(buffer) if buffer.shape.len() != rank => {
                self.say(format!("'{name}' of rank {} has {rank} indices", buffer.shape.len()));
            }
            _ => {}
        }
        if !self.scope.memory.contains(&id) {
            self.say(format!("'{name}' is used where it is not allocated"));
        }
    }

    fn expr(&mut self, e: &Expr) {
        for symbol in e.free_symbols() {
            if !self.scope.symbols.contains(&symbol) {
                self.say(format!("'{symbol}' is not defined where '{e}' is computed"));
            }
        }
    }

    fn value(&mut self, value: &Value) -> Option<DType> {
        value.visit(&mut |v| match v {
            Value::Load { buffer, index } => self.place(*buffer, index),
            Value::Gather { buffer, index } => self.used(*buffer, index.len()),
            Value::Index(e) => self.expr(e),
            _ => {}
        });
        let scope = &self.scope;
        let local = |n: Name| scope.locals.get(&n).copied();
        match dtype_of(value, &self.program.buffers, &local) {
            Ok(dtype) => Some(dtype),
            Err(message) => {
                self.say(message);
                None
            }
        }
    }

    /// Nothing more to say where the value has no type.
    fn expect(&mut self, found: Option<DType>, wanted: DType, what: &str) {
        if let Some(found) = found
            && found != wanted
        {
            self.say(format!("'{what}' is {wanted} and its value {found}"));
        }
    }
}

fn depends(e: &Expr, names: &BTreeSet<Name>) -> bool {
    e.free_symbols().iter().any(|n| names.contains(n))
}
