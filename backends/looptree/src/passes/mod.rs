//! From a straight translation to the finished program. The order matters: memory is placed
//! first, because what is private to an iteration conflicts with nothing.

mod accumulate;
mod locals;
mod place;
mod schedule;

use std::collections::BTreeSet;

use weft_ir::names::Name;
use weft_ir::symbolic::Assumptions;

use crate::lower::Names;
use crate::tree::{BufferId, Placement, Program, Stmt, Value};
use crate::visit;

/// Fails with a message where the tree has no form for what the graph does.
pub(crate) fn run(
    program: &mut Program,
    facts: &Assumptions,
    names: &mut Names,
    lifelong: &BTreeSet<BufferId>,
    private: &BTreeSet<BufferId>,
) -> Result<(), String> {
    place::run(program, lifelong, private);
    place::check(program)?;
    locals::run(program);
    accumulate::run(program, facts, names);
    schedule::run(program, facts);
    crate::work::annotate(program);
    drop_unused(program);
    Ok(())
}

/// Symbols that a statement assigns: what is known about them may change.
fn assigned(body: &[Stmt]) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    visit::walk(body, &mut |stmt| {
        if let Stmt::Assign { symbol, .. } = stmt {
            found.insert(*symbol);
        }
    });
    found
}

/// Transients that nothing touches any more go; the others move up.
fn drop_unused(program: &mut Program) {
    let mut used: BTreeSet<BufferId> = program.arguments.iter().copied().collect();
    for stmt in &program.body {
        stmt.touches(&mut |buffer, _, _| {
            used.insert(buffer);
        });
    }
    let order: Vec<BufferId> = used.into_iter().collect();
    let new = |old: BufferId| BufferId(order.binary_search(&old).unwrap_or(0) as u32);
    program.buffers = order.iter().map(|b| program.buffers[b.0 as usize].clone()).collect();
    program.arguments.iter_mut().for_each(|b| *b = new(*b));
    visit::lists_inner_first(&mut program.body, &mut |list| {
        list.retain(|stmt| !matches!(stmt, Stmt::Alloc(b) if order.binary_search(b).is_err()));
        for stmt in list.iter_mut() {
            match stmt {
                Stmt::Alloc(b) | Stmt::Store { buffer: b, .. } | Stmt::Combine { buffer: b, .. } => {
                    *b = new(*b)
                }
                Stmt::Copy { from, to } => {
                    for operand in [from, to] {
                        operand.buffer = new(operand.buffer);
                    }
                }
                Stmt::MatMul { a, b, c } => {
                    for operand in [a, b, c] {
                        operand.buffer = new(operand.buffer);
                    }
                }
                Stmt::Library { inputs, outputs, .. } => {
                    for operand in inputs.iter_mut().chain(outputs) {
                        operand.buffer = new(operand.buffer);
                    }
                }
                _ => {}
            }
            for value in stmt.values_mut() {
                value.rewrite(&mut |v| {
                    if let Value::Load { buffer, .. } | Value::Gather { buffer, .. } = v {
                        *buffer = new(*buffer);
                    }
                });
            }
        }
    });
}

fn is_transient(program: &Program, buffer: BufferId) -> bool {
    !matches!(program.buffers[buffer.0 as usize].placement, Placement::Argument(_))
}
