//! Where transients are allocated: before their first use in the innermost list that holds all
//! uses, or further out. What an unordered loop uses alone is private to its iterations; what a
//! sequential loop or branch uses may be carried on, so it is allocated outside as long as the
//! shape is known there.

use std::collections::{BTreeMap, BTreeSet};

use weft_ir::names::Name;
use weft_ir::symbolic::Expr;

use super::is_transient;
use crate::tree::{Buffer, BufferId, LoopSchedule, Placement, Program, Stmt};
use crate::visit::defined_in;

/// Transients of at most this many bytes, for certain, live on the stack.
const STACK_BYTES: i64 = 4096;

pub(super) fn run(program: &mut Program, lifelong: &BTreeSet<BufferId>, private: &BTreeSet<BufferId>) {
    for id in (0..program.buffers.len() as u32).map(BufferId) {
        if is_transient(program, id) && is_small(&program.buffers[id.0 as usize]) {
            program.buffers[id.0 as usize].placement = Placement::Stack;
        }
    }
    let uses: Vec<BTreeSet<BufferId>> = program.body.iter().map(used).collect();
    let all: BTreeSet<BufferId> = uses.into_iter().flatten().filter(|&b| is_transient(program, b)).collect();
    let mut body = std::mem::take(&mut program.body);
    let mut order = Order { buffers: &program.buffers, lifelong, private };
    order.list(&mut body, all);
    program.body = body;
}

/// A shape that changes while its buffer lives cannot be expressed.
pub(super) fn check(program: &Program) -> Result<(), String> {
    let mut lists = vec![&program.body];
    while let Some(list) = lists.pop() {
        for (at, stmt) in list.iter().enumerate() {
            lists.extend(stmt.lists());
            let Stmt::Alloc(id) = stmt else { continue };
            let buffer = &program.buffers[id.0 as usize];
            let changed = super::assigned(&list[at..]);
            if let Some(symbol) = shape_symbols(buffer).intersection(&changed).next() {
                return Err(format!("'{}' is used while its extent '{symbol}' changes", buffer.name));
            }
        }
    }
    Ok(())
}

fn used(stmt: &Stmt) -> BTreeSet<BufferId> {
    let mut found = BTreeSet::new();
    stmt.touches(&mut |buffer, _, _| {
        found.insert(buffer);
    });
    found
}

fn is_small(buffer: &Buffer) -> bool {
    let count = buffer.shape.iter().try_fold(1i64, |n, e| n.checked_mul(e.as_int()?));
    let packed = buffer.strides == weft_ir::sdfg::row_major(&buffer.shape);
    packed && count.is_some_and(|n| n.saturating_mul(buffer.dtype.size() as i64) <= STACK_BYTES)
}

struct Order<'a> {
    buffers: &'a [Buffer],
    lifelong: &'a BTreeSet<BufferId>,
    /// Those of an iteration of a map: iterations must not share them.
    private: &'a BTreeSet<BufferId>,
}

impl Order<'_> {
    /// Allocates the buffers in this list or below; all their uses are here.
    fn list(&mut self, list: &mut Vec<Stmt>, buffers: BTreeSet<BufferId>) {
        let uses: Vec<BTreeSet<BufferId>> = list.iter().map(used).collect();
        let mut here: BTreeMap<usize, Vec<BufferId>> = BTreeMap::new();
        let mut below: BTreeMap<usize, BTreeSet<BufferId>> = BTreeMap::new();
        for id in buffers {
            let at: Vec<usize> = (0..list.len()).filter(|&i| uses[i].contains(&id)).collect();
            let Some(&first) = at.first() else { continue };
            if at.len() == 1 && self.goes_below(&mut list[first], id) {
                below.entry(first).or_default().insert(id);
            } else {
                here.entry(first).or_default().push(id);
            }
        }
        for (at, buffers) in below {
            // Only one of the lists of a branch holds all uses of a buffer that goes below.
            for inner in list[at].lists_mut() {
                let held: BTreeSet<BufferId> = inner.iter().flat_map(used).collect();
                self.list(inner, buffers.intersection(&held).copied().collect());
            }
        }
        let old = std::mem::take(list);
        for (at, stmt) in old.into_iter().enumerate() {
            list.extend(here.remove(&at).into_iter().flatten().map(Stmt::Alloc));
            list.push(stmt);
        }
    }

    /// Is a buffer whose only uses are in this statement allocated inside of it? Loops that would
    /// allocate on the heap in every iteration become sequential, if the shape allows it.
    fn goes_below(&self, stmt: &mut Stmt, id: BufferId) -> bool {
        let buffer = &self.buffers[id.0 as usize];
        let mut own = false;
        stmt.touches_here(&mut |b, _, _| own |= b == id);
        let holders = stmt.lists().iter().filter(|l| l.iter().any(|s| used(s).contains(&id))).count();
        if own || holders != 1 {
            return false;
        }
        let free = shape_symbols(buffer);
        let varies = match &*stmt {
            Stmt::For(l) => free.contains(&l.var),
            _ => false,
        } || stmt.lists().iter().any(|l| defined_in(l).iter().any(|n| free.contains(n)));
        if varies {
            return true;
        }
        if self.lifelong.contains(&id) {
            return false;
        }
        // A loop around a map may carry on what only the map uses, but not what is an iteration's own.
        let private = self.private.contains(&id) && is_held_below(stmt, id);
        match stmt {
            Stmt::For(l) => match l.schedule {
                LoopSchedule::Parallel => true,
                LoopSchedule::Sequential => private,
                LoopSchedule::Vector | LoopSchedule::Unordered => {
                    let heap = buffer.placement == Placement::Heap;
                    if heap {
                        l.schedule = LoopSchedule::Sequential;
                    }
                    !heap
                }
            },
            _ => private,
        }
    }
}

/// Does an unordered loop further in hold all uses?
fn is_held_below(stmt: &Stmt, id: BufferId) -> bool {
    let lists = stmt.lists();
    let mut holders = lists.iter().flat_map(|l| l.iter()).filter(|s| used(s).contains(&id));
    let (Some(inner), None) = (holders.next(), holders.next()) else { return false };
    let mut own = false;
    inner.touches_here(&mut |b, _, _| own |= b == id);
    let unordered = matches!(inner, Stmt::For(l) if l.schedule != LoopSchedule::Sequential);
    !own && (unordered || is_held_below(inner, id))
}

fn shape_symbols(buffer: &Buffer) -> BTreeSet<Name> {
    buffer.shape.iter().chain(&buffer.strides).flat_map(Expr::free_symbols).collect()
}
