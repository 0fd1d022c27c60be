//! Scalars that are written once before all reads become locals, and locals that are read once
//! go to where they are read.

use std::collections::{BTreeMap, BTreeSet};

use weft_ir::names::Name;

use super::is_transient;
use crate::tree::{BufferId, Placement, Program, Stmt, Value};
use crate::visit::{self, Touch};

/// Values with more operations are not put into one expression.
const LARGEST: usize = 256;

pub(super) fn run(program: &mut Program) {
    promote(program);
    visit::lists_inner_first(&mut program.body, &mut forward_copies);
    loop {
        let uses = local_uses(&program.body);
        let mut changed = false;
        visit::lists_inner_first(&mut program.body, &mut |list| changed |= forward(list, &uses));
        if !changed {
            break;
        }
    }
}

/// Reads and writes of one scalar, in the whole program.
#[derive(Default, Clone, Copy)]
struct Count {
    loads: usize,
    stores: usize,
    others: usize,
}

fn promote(program: &mut Program) {
    let mut counts: BTreeMap<BufferId, Count> = BTreeMap::new();
    for stmt in &program.body {
        stmt.touches(&mut |buffer, touch, _| {
            let count = counts.entry(buffer).or_default();
            match touch {
                Touch::Load => count.loads += 1,
                Touch::Store => count.stores += 1,
                _ => count.others += 1,
            }
        });
    }
    let scalar = |b: &BufferId| {
        let buffer = &program.buffers[b.0 as usize];
        is_transient(program, *b) && buffer.shape.is_empty() && buffer.placement == Placement::Stack
    };
    counts.retain(|b, c| c.stores == 1 && c.others == 0 && scalar(b));
    let buffers = &program.buffers;
    let mut promoted = BTreeSet::new();
    let mut body = std::mem::take(&mut program.body);
    visit::lists_inner_first(&mut body, &mut |list| {
        for at in 0..list.len() {
            let Stmt::Store { buffer, value, .. } = &list[at] else { continue };
            let Some(count) = counts.get(buffer) else { continue };
            let (id, name, dtype) =
                (*buffer, buffers[buffer.0 as usize].name, buffers[buffer.0 as usize].dtype);
            let mut after = 0;
            for stmt in &list[at + 1..] {
                stmt.touches(&mut |b, _, _| after += (b == id) as usize);
            }
            if after != count.loads {
                continue;
            }
            promoted.insert(id);
            list[at] = Stmt::Let { name, dtype, value: value.clone() };
            for stmt in &mut list[at + 1..] {
                replace(stmt, &mut |v| {
                    if matches!(v, Value::Load { buffer, .. } if *buffer == id) {
                        *v = Value::Local(name);
                    }
                });
            }
        }
    });
    visit::lists_inner_first(&mut body, &mut |list| {
        list.retain(|stmt| !matches!(stmt, Stmt::Alloc(id) if promoted.contains(id)));
    });
    program.body = body;
}

/// Rewrites the values of a statement and of all below.
fn replace(stmt: &mut Stmt, f: &mut dyn FnMut(&mut Value)) {
    for value in stmt.values_mut() {
        value.rewrite(f);
    }
    for list in stmt.lists_mut() {
        for stmt in list {
            replace(stmt, f);
        }
    }
}

fn local_uses(body: &[Stmt]) -> BTreeMap<Name, usize> {
    let mut uses = BTreeMap::new();
    visit::walk(body, &mut |stmt| {
        for value in stmt.values() {
            value.visit(&mut |v| {
                if let Value::Local(name) = v {
                    *uses.entry(*name).or_insert(0) += 1;
                }
            });
        }
    });
    uses
}

/// Locals that only name a literal or another local.
fn forward_copies(list: &mut Vec<Stmt>) {
    let mut at = 0;
    while at < list.len() {
        let known = match &list[at] {
            Stmt::Let { name, value: value @ (Value::Lit(_) | Value::Local(_)), .. } => {
                Some((*name, value.clone()))
            }
            _ => None,
        };
        let Some((name, known)) = known else {
            at += 1;
            continue;
        };
        list.remove(at);
        for stmt in &mut list[at..] {
            replace(stmt, &mut |v| {
                if *v == Value::Local(name) {
                    *v = known.clone();
                }
            });
        }
    }
}

/// Puts values of locals that are read once where they are read, and drops those never read.
fn forward(list: &mut Vec<Stmt>, uses: &BTreeMap<Name, usize>) -> bool {
    let mut changed = false;
    let mut at = 0;
    while at < list.len() {
        let Stmt::Let { name, value, .. } = &list[at] else {
            at += 1;
            continue;
        };
        let (name, value) = (*name, value.clone());
        let gone = match uses.get(&name).copied().unwrap_or(0) {
            0 => true,
            1 => move_to_use(&mut list[at + 1..], name, &value),
            _ => false,
        };
        if gone {
            list.remove(at);
            changed = true;
        } else {
            at += 1;
        }
    }
    changed
}

/// The use must be in the same list, with nothing in between that changes what the value reads.
fn move_to_use(rest: &mut [Stmt], name: Name, value: &Value) -> bool {
    let mut reads = vec![];
    let mut symbolic = false;
    value.visit(&mut |v| match v {
        Value::Load { buffer, index } => {
            reads.push(*buffer);
            symbolic |= !index.is_empty();
        }
        Value::Gather { buffer, .. } => reads.push(*buffer),
        Value::Index(_) => symbolic = true,
        _ => {}
    });
    for stmt in rest {
        let mut uses = 0;
        let mut size = 0;
        for v in stmt.values() {
            v.visit(&mut |v| uses += (*v == Value::Local(name)) as usize);
            size += v.size();
        }
        if uses > 0 {
            let once = !matches!(stmt, Stmt::While { .. });
            if once && size + value.size() <= LARGEST {
                for v in stmt.values_mut() {
                    v.rewrite(&mut |v| {
                        if *v == Value::Local(name) {
                            *v = value.clone();
                        }
                    });
                }
                return true;
            }
            return false;
        }
        let passes = match stmt {
            Stmt::Let { .. } | Stmt::Alloc(_) | Stmt::Update { .. } | Stmt::Comment(_) => true,
            Stmt::Store { buffer, .. } | Stmt::Combine { buffer, .. } => !reads.contains(buffer),
            Stmt::Assign { .. } => !symbolic,
            _ => false,
        };
        if !passes {
            return false;
        }
    }
    false
}
