//! Walks over statements and values, and the few questions that every pass asks.

use std::collections::BTreeSet;

use weft_ir::names::Name;
use weft_ir::symbolic::{Expr, Range};

use crate::tree::{Buffer, BufferId, For, Operand, Placement, Stmt, Value};

impl Value {
    /// The direct operands.
    pub fn operands(&self) -> Vec<&Value> {
        match self {
            Value::Lit(_) | Value::Local(_) | Value::Index(_) | Value::Load { .. } => vec![],
            Value::Un(_, a) | Value::Call(_, a) | Value::Cast(_, a) => vec![a],
            Value::Bin(_, a, b) => vec![a, b],
            Value::Select(c, a, b) => vec![c, a, b],
            Value::Gather { index, .. } => index.iter().collect(),
        }
    }

    /// Does it pick an element by values?
    pub fn gathers(&self) -> bool {
        let mut found = false;
        self.visit(&mut |v| found |= matches!(v, Value::Gather { .. }));
        found
    }

    pub(crate) fn operands_mut(&mut self) -> Vec<&mut Value> {
        match self {
            Value::Lit(_) | Value::Local(_) | Value::Index(_) | Value::Load { .. } => vec![],
            Value::Un(_, a) | Value::Call(_, a) | Value::Cast(_, a) => vec![a],
            Value::Bin(_, a, b) => vec![a, b],
            Value::Select(c, a, b) => vec![c, a, b],
            Value::Gather { index, .. } => index.iter_mut().collect(),
        }
    }

    /// Operands after their operation.
    pub fn visit<'a>(&'a self, f: &mut dyn FnMut(&'a Value)) {
        f(self);
        for operand in self.operands() {
            operand.visit(f);
        }
    }

    /// Operands before their operation.
    pub(crate) fn rewrite(&mut self, f: &mut dyn FnMut(&mut Value)) {
        for operand in self.operands_mut() {
            operand.rewrite(f);
        }
        f(self);
    }

    pub(crate) fn size(&self) -> usize {
        let mut n = 0;
        self.visit(&mut |_| n += 1);
        n
    }
}

/// How a statement touches a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Touch {
    Load,
    /// A load of any element.
    Gather,
    Store,
    Combine,
    /// A whole operand of a library call, read or written.
    OperandRead,
    OperandWrite,
}

impl Stmt {
    /// The lists directly inside.
    pub fn lists(&self) -> Vec<&Vec<Stmt>> {
        match self {
            Stmt::For(l) => vec![&l.body],
            Stmt::While { body, .. } => vec![body],
            Stmt::If { then, otherwise, .. } => vec![then, otherwise],
            _ => vec![],
        }
    }

    pub(crate) fn lists_mut(&mut self) -> Vec<&mut Vec<Stmt>> {
        match self {
            Stmt::For(l) => vec![&mut l.body],
            Stmt::While { body, .. } => vec![body],
            Stmt::If { then, otherwise, .. } => vec![then, otherwise],
            _ => vec![],
        }
    }

    /// The values that this statement itself evaluates, without those of the lists inside.
    pub fn values(&self) -> Vec<&Value> {
        match self {
            Stmt::For(l) => l.accumulators.iter().map(|a| &a.init).collect(),
            Stmt::While { cond, .. } | Stmt::If { cond, .. } | Stmt::Check { cond, .. } => vec![cond],
            Stmt::Assign { value, .. }
            | Stmt::Let { value, .. }
            | Stmt::Store { value, .. }
            | Stmt::Combine { value, .. }
            | Stmt::Update { value, .. } => vec![value],
            _ => vec![],
        }
    }

    pub(crate) fn values_mut(&mut self) -> Vec<&mut Value> {
        match self {
            Stmt::For(l) => l.accumulators.iter_mut().map(|a| &mut a.init).collect(),
            Stmt::While { cond, .. } | Stmt::If { cond, .. } | Stmt::Check { cond, .. } => vec![cond],
            Stmt::Assign { value, .. }
            | Stmt::Let { value, .. }
            | Stmt::Store { value, .. }
            | Stmt::Combine { value, .. }
            | Stmt::Update { value, .. } => vec![value],
            _ => vec![],
        }
    }

    pub(crate) fn operands(&self) -> Vec<(&Operand, Touch)> {
        match self {
            Stmt::Copy { from, to } => vec![(from, Touch::OperandRead), (to, Touch::OperandWrite)],
            Stmt::MatMul { a, b, c } => {
                vec![(a, Touch::OperandRead), (b, Touch::OperandRead), (c, Touch::OperandWrite)]
            }
            Stmt::Library { inputs, outputs, .. } => {
                let read = inputs.iter().map(|o| (o, Touch::OperandRead));
                read.chain(outputs.iter().map(|o| (o, Touch::OperandWrite))).collect()
            }
            _ => vec![],
        }
    }

    /// This statement, then those inside.
    pub fn walk<'a>(&'a self, f: &mut dyn FnMut(&'a Stmt)) {
        f(self);
        for list in self.lists() {
            walk(list, f);
        }
    }

    /// Buffers touched by this statement itself, without the lists inside and without allocation.
    pub(crate) fn touches_here<'a>(&'a self, f: &mut dyn FnMut(BufferId, Touch, &'a [Expr])) {
        for value in self.values() {
            value.visit(&mut |v| match v {
                Value::Load { buffer, index } => f(*buffer, Touch::Load, index),
                Value::Gather { buffer, .. } => f(*buffer, Touch::Gather, &[]),
                _ => {}
            });
        }
        match self {
            Stmt::Store { buffer, index, .. } => f(*buffer, Touch::Store, index),
            Stmt::Combine { buffer, index, .. } => f(*buffer, Touch::Combine, index),
            _ => {}
        }
        for (operand, touch) in self.operands() {
            f(operand.buffer, touch, &operand.start);
        }
    }

    pub(crate) fn touches<'a>(&'a self, f: &mut dyn FnMut(BufferId, Touch, &'a [Expr])) {
        self.walk(&mut |stmt| stmt.touches_here(f));
    }
}

/// All statements of a list and below, outer before inner, in order.
pub fn walk<'a>(list: &'a [Stmt], f: &mut dyn FnMut(&'a Stmt)) {
    for stmt in list {
        stmt.walk(f);
    }
}

/// Calls `f` on every list, inner ones first.
pub(crate) fn lists_inner_first(list: &mut Vec<Stmt>, f: &mut dyn FnMut(&mut Vec<Stmt>)) {
    for stmt in list.iter_mut() {
        for inner in stmt.lists_mut() {
            lists_inner_first(inner, f);
        }
    }
    f(list);
}

/// Loop variables, assigned symbols, and nothing else, that are defined inside the list.
pub(crate) fn defined_in(list: &[Stmt]) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    walk(list, &mut |stmt| match stmt {
        Stmt::For(l) => {
            found.insert(l.var);
        }
        Stmt::Assign { symbol, .. } => {
            found.insert(*symbol);
        }
        _ => {}
    });
    found
}

/// Buffers whose memory is made inside the list: private to each iteration of a loop around it.
pub(crate) fn allocated_in(list: &[Stmt]) -> BTreeSet<BufferId> {
    let mut found = BTreeSet::new();
    walk(list, &mut |stmt| {
        if let Stmt::Alloc(buffer) = stmt {
            found.insert(*buffer);
        }
    });
    found
}

pub(crate) fn mentions(exprs: &[Expr], names: &BTreeSet<Name>) -> bool {
    exprs.iter().any(|e| e.free_symbols().iter().any(|n| names.contains(n)))
}

/// `begin, end, step` together.
pub(crate) fn range_exprs(range: &Range) -> [&Expr; 3] {
    [&range.begin, &range.end, &range.step]
}

impl For {
    /// The body is computed from front to end: no control flow, library calls or heap.
    pub(crate) fn is_straight_line(&self, buffers: &[Buffer]) -> bool {
        self.body.iter().all(|stmt| match stmt {
            Stmt::Let { .. } | Stmt::Store { .. } | Stmt::Combine { .. } | Stmt::Update { .. } => true,
            Stmt::Alloc(id) => buffers.get(id.0 as usize).is_some_and(|b| b.placement == Placement::Stack),
            Stmt::Comment(_) => true,
            _ => false,
        })
    }
}
