//! Raises a state machine to loops and branches.

use std::collections::{BTreeMap, BTreeSet};

/// An edge between blocks, with its texts.
#[derive(Clone, Debug)]
pub struct Jump {
    pub src: usize,
    pub dst: usize,
    /// `None`: always.
    pub condition: Option<String>,
    pub assignments: Vec<(String, String)>,
}

/// Structured control flow over the blocks of a machine.
#[derive(Debug)]
pub enum Tree {
    Block(usize),
    Assign(String, String),
    While {
        /// Where its condition is in the file; `None` for the machine itself.
        guard: Option<usize>,
        condition: String,
        body: Vec<Tree>,
    },
    /// `variable = variable + step` is taken out of the body.
    For {
        guard: usize,
        variable: String,
        condition: String,
        begin: String,
        next: String,
        body: Vec<Tree>,
    },
    If {
        branches: Vec<(String, Vec<Tree>)>,
        otherwise: Vec<Tree>,
    },
    Break,
    Continue,
    Return,
}

pub struct Machine<'j> {
    count: usize,
    jumps: &'j [Jump],
    /// Blocks that hold nothing.
    empty: Vec<bool>,
    /// Blocks by where they jump to.
    next: Vec<Vec<usize>>,
    /// For each first block of a loop all blocks of the loop.
    loops: BTreeMap<usize, Set>,
    /// For each block the blocks that every way to the end passes.
    after: Vec<Set>,
    budget: usize,
}

#[derive(Clone, Copy)]
struct Loop<'v> {
    guard: usize,
    exit: Option<usize>,
    variable: Option<&'v str>,
}

/// The tree of a machine that starts at `start`; the error says what cannot be raised.
pub fn raise(empty: Vec<bool>, jumps: &[Jump], start: usize) -> Result<Vec<Tree>, String> {
    let count = empty.len();
    if count > 3000 {
        return Err("a state machine of more than 3000 states".into());
    }
    if count == 0 {
        return Ok(vec![]);
    }
    let mut machine = Machine {
        count,
        jumps,
        empty,
        next: vec![],
        loops: BTreeMap::new(),
        after: vec![],
        budget: 8 * count + 64,
    };
    machine.next = (0..count).map(|b| machine.out(b).iter().map(|j| j.dst).collect()).collect();
    machine.find_loops(start)?;
    machine.find_after();
    let mut out = vec![];
    machine.from(start, None, None, &mut out, 0)?;
    Ok(out)
}

/// A machine that is not made of loops and branches: a loop over its blocks, with the number of the next one
/// in a symbol.
pub fn dispatch(count: usize, jumps: &[Jump], start: usize, next: &str) -> Vec<Tree> {
    let go = |to: String| Tree::Assign(next.into(), to);
    let mut blocks = vec![];
    for block in 0..count {
        let mut body = vec![Tree::Block(block)];
        let (mut branches, mut otherwise) = (vec![], vec![go("-1".into())]);
        for jump in jumps.iter().filter(|j| j.src == block) {
            let mut taken: Vec<Tree> =
                jump.assignments.iter().map(|(n, v)| Tree::Assign(n.clone(), v.clone())).collect();
            taken.push(go(jump.dst.to_string()));
            match &jump.condition {
                Some(condition) => branches.push((condition.clone(), taken)),
                None => {
                    otherwise = taken;
                    break;
                }
            }
        }
        match branches.is_empty() {
            true => body.append(&mut otherwise),
            false => body.push(Tree::If { branches, otherwise }),
        }
        blocks.push((format!("{next} == {block}"), body));
    }
    let body = vec![Tree::If { branches: blocks, otherwise: vec![] }];
    let assigned: BTreeSet<&String> = jumps.iter().flat_map(|j| &j.assignments).map(|(n, _)| n).collect();
    // Each symbol has a value from the start: which way it gets one is beyond the structure.
    let mut out: Vec<Tree> = assigned.into_iter().map(|n| Tree::Assign(n.clone(), "0".into())).collect();
    out.push(go(start.to_string()));
    out.push(Tree::While { guard: None, condition: format!("{next} >= 0"), body });
    out
}

impl Machine<'_> {
    fn out(&self, block: usize) -> Vec<&Jump> {
        self.jumps.iter().filter(|j| j.src == block).collect()
    }

    /// Edges that go back, found by a walk with its own stack, and the blocks between their ends.
    fn find_loops(&mut self, start: usize) -> Result<(), String> {
        let mut state = vec![0u8; self.count];
        let mut stack = vec![(start, 0)];
        let mut back = vec![];
        state[start] = 1;
        while let Some((block, at)) = stack.pop() {
            match self.next[block].get(at) {
                None => state[block] = 2,
                Some(&to) => {
                    stack.push((block, at + 1));
                    match state[to] {
                        0 => {
                            state[to] = 1;
                            stack.push((to, 0));
                        }
                        1 => back.push((block, to)),
                        _ => {}
                    }
                }
            }
        }
        if back.is_empty() {
            return Ok(());
        }
        let mut before = vec![vec![]; self.count];
        for (block, targets) in self.next.iter().enumerate().filter(|(b, _)| state[*b] != 0) {
            targets.iter().for_each(|&to| before[to].push(block));
        }
        let dominators = common(&before, start, |b| state[b] != 0);
        for (from, header) in back {
            if !dominators[from].has(header) {
                return Err("a loop that is entered at several places".into());
            }
            let count = self.count;
            let blocks = self.loops.entry(header).or_insert_with(|| Set::new(count));
            blocks.add(header);
            let mut open = vec![from];
            while let Some(block) = open.pop() {
                if !blocks.has(block) {
                    blocks.add(block);
                    open.extend(&before[block]);
                }
            }
        }
        Ok(())
    }

    fn find_after(&mut self) {
        let all = Set::all(self.count);
        let ends = |b: usize| if self.next[b].is_empty() { Set::of(self.count, b) } else { all.clone() };
        let mut after: Vec<Set> = (0..self.count).map(ends).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for block in (0..self.count).rev() {
                let Some(first) = self.next[block].first() else { continue };
                let mut common = after[*first].clone();
                for to in &self.next[block][1..] {
                    common.keep(&after[*to]);
                }
                common.add(block);
                if common != after[block] {
                    after[block] = common;
                    changed = true;
                }
            }
        }
        self.after = after;
    }

    /// The nearest block that every way from `block` passes.
    fn meeting(&self, block: usize) -> Option<usize> {
        // The nearest one is passed by none of the others only.
        let candidates = (0..self.count).filter(|&b| b != block && self.after[block].has(b));
        candidates.max_by_key(|&b| self.after[b].len())
    }

    fn assign(&self, jump: &Jump, inside: Option<Loop>, out: &mut Vec<Tree>) {
        for (name, value) in &jump.assignments {
            let stepped = inside.is_some_and(|l| l.guard == jump.dst && l.variable == Some(name));
            if !stepped {
                out.push(Tree::Assign(name.clone(), value.clone()));
            }
        }
    }

    /// Blocks from `at` up to `stop`.
    fn from(
        &mut self,
        at: usize,
        stop: Option<usize>,
        inside: Option<Loop>,
        out: &mut Vec<Tree>,
        depth: usize,
    ) -> Result<(), String> {
        if depth > 60 {
            return Err("control flow nested more than 60 deep".into());
        }
        let mut at = at;
        // The first block of a loop without a guard is where its body starts.
        let mut first = inside.is_some_and(|l| l.guard == at);
        loop {
            self.budget =
                self.budget.checked_sub(1).ok_or("control flow that is not made of loops and branches")?;
            if !first {
                if let Some(l) = inside
                    && Some(at) == l.exit
                {
                    out.push(Tree::Break);
                    return Ok(());
                }
                if Some(at) == stop {
                    return Ok(());
                }
                if let Some(l) = inside
                    && at == l.guard
                {
                    out.push(Tree::Continue);
                    return Ok(());
                }
                if self.loops.contains_key(&at) {
                    match self.natural_loop(at, out, depth)? {
                        Some(exit) => at = exit,
                        None => return Ok(()),
                    }
                    continue;
                }
            }
            first = false;
            out.push(Tree::Block(at));
            let jumps: Vec<Jump> = self.out(at).into_iter().cloned().collect();
            match &jumps[..] {
                [] => {
                    if inside.is_some() || stop.is_some() {
                        out.push(Tree::Return);
                    }
                    return Ok(());
                }
                [jump] => {
                    if let Some(condition) = &jump.condition {
                        return Err(format!("a condition '{condition}' without an alternative"));
                    }
                    self.assign(jump, inside, out);
                    at = jump.dst;
                }
                _ => {
                    // Where some way leaves before `stop`, the others go on to it.
                    let leaves = stop.is_some_and(|s| !self.after[at].has(s));
                    let end = if leaves { stop } else { self.meeting(at) };
                    let branch = self.branches(&jumps, end, inside, depth)?;
                    out.push(branch);
                    match end {
                        Some(end) if !leaves => at = end,
                        _ => return Ok(()),
                    }
                }
            }
        }
    }

    fn branches(
        &mut self,
        jumps: &[Jump],
        end: Option<usize>,
        inside: Option<Loop>,
        depth: usize,
    ) -> Result<Tree, String> {
        let mut branches = vec![];
        let mut otherwise = vec![];
        for (i, jump) in jumps.iter().enumerate() {
            let mut body = vec![];
            self.assign(jump, inside, &mut body);
            self.from(jump.dst, end, inside, &mut body, depth + 1)?;
            let last = i + 1 == jumps.len();
            match &jump.condition {
                Some(condition) if !last => branches.push((condition.clone(), body)),
                None if last => otherwise = body,
                Some(condition) if jumps.len() == 2 && complements(condition, &branches) => otherwise = body,
                _ => return Err("branches whose conditions do not exclude each other".into()),
            }
        }
        Ok(Tree::If { branches, otherwise })
    }

    /// Emits the loop at a block; the block after it, if it is ever left.
    fn natural_loop(
        &mut self,
        guard: usize,
        out: &mut Vec<Tree>,
        depth: usize,
    ) -> Result<Option<usize>, String> {
        let blocks = self.loops[&guard].clone();
        let jumps: Vec<Jump> = self.out(guard).into_iter().cloned().collect();
        let sides = match &jumps[..] {
            [one, two] if blocks.has(one.dst) != blocks.has(two.dst) => {
                if blocks.has(one.dst) {
                    Some((one, two))
                } else {
                    Some((two, one))
                }
            }
            _ => None,
        };
        let guarded = sides.filter(|(enter, leave)| {
            let known = enter.condition.clone().map(|c| [(c, vec![])]);
            let opposite = |c: &String| known.as_ref().is_some_and(|k| complements(c, k));
            self.empty[guard]
                && known.is_some()
                && leave.assignments.is_empty()
                && leave.condition.as_ref().is_none_or(opposite)
        });
        let Some((enter, leave)) = guarded else { return self.endless_loop(guard, &blocks, out, depth) };
        let condition = enter.condition.clone().unwrap_or_default();
        // All ways back take the same step, and the way in gives the start.
        let back: Vec<Jump> =
            self.jumps.iter().filter(|j| j.dst == guard && blocks.has(j.src)).cloned().collect();
        let step = |j: &Jump| j.assignments.last().cloned();
        let next = back.first().and_then(step).filter(|s| back.iter().all(|j| step(j).as_ref() == Some(s)));
        let begin = match (out.last(), &next) {
            (Some(Tree::Assign(name, value)), Some((variable, _))) if name == variable => Some(value.clone()),
            _ => None,
        };
        let variable = begin.as_ref().and(next.as_ref()).map(|n| n.0.clone());
        let mut body = vec![];
        for (name, value) in &enter.assignments {
            body.push(Tree::Assign(name.clone(), value.clone()));
        }
        let inside = Loop { guard, exit: Some(leave.dst), variable: variable.as_deref() };
        self.from(enter.dst, Some(guard), Some(inside), &mut body, depth + 1)?;
        if let Some(Tree::Continue) = body.last() {
            body.pop();
        }
        let exit = leave.dst;
        match (begin, next) {
            (Some(begin), Some((variable, next))) => {
                out.pop();
                out.push(Tree::For { guard, variable, condition, begin, next, body });
            }
            _ => out.push(Tree::While { guard: Some(guard), condition, body }),
        }
        Ok(Some(exit))
    }

    /// A loop that is left from the middle or the end, or never.
    fn endless_loop(
        &mut self,
        guard: usize,
        blocks: &Set,
        out: &mut Vec<Tree>,
        depth: usize,
    ) -> Result<Option<usize>, String> {
        let leaving = self.jumps.iter().filter(|j| blocks.has(j.src) && !blocks.has(j.dst));
        let exits: BTreeSet<usize> = leaving.map(|j| j.dst).collect();
        let exit = exits.first().copied();
        if exits.len() > 1 {
            return Err("a loop that is left to several places".into());
        }
        let mut body = vec![];
        self.from(guard, None, Some(Loop { guard, exit, variable: None }), &mut body, depth + 1)?;
        if let Some(Tree::Continue) = body.last() {
            body.pop();
        }
        out.push(Tree::While { guard: Some(guard), condition: "True".into(), body });
        Ok(exit)
    }
}

/// A set of blocks.
#[derive(Clone, PartialEq, Debug)]
struct Set(Vec<u64>);

impl Set {
    fn new(count: usize) -> Set {
        Set(vec![0; count.div_ceil(64)])
    }

    fn all(count: usize) -> Set {
        Set(vec![u64::MAX; count.div_ceil(64)])
    }

    fn of(count: usize, block: usize) -> Set {
        let mut set = Set::new(count);
        set.add(block);
        set
    }

    fn add(&mut self, block: usize) {
        self.0[block / 64] |= 1 << (block % 64);
    }

    fn has(&self, block: usize) -> bool {
        self.0[block / 64] & (1 << (block % 64)) != 0
    }

    fn keep(&mut self, other: &Set) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= b);
    }

    fn len(&self) -> u32 {
        self.0.iter().map(|w| w.count_ones()).sum()
    }
}

/// For each block the blocks that every way from the start to it passes.
fn common(before: &[Vec<usize>], start: usize, reached: impl Fn(usize) -> bool) -> Vec<Set> {
    let count = before.len();
    let mut found = vec![Set::all(count); count];
    found[start] = Set::of(count, start);
    let mut changed = true;
    while changed {
        changed = false;
        for block in (0..count).filter(|&b| b != start && reached(b)) {
            let mut all = Set::all(count);
            before[block].iter().for_each(|&b| all.keep(&found[b]));
            all.add(block);
            if all != found[block] {
                found[block] = all;
                changed = true;
            }
        }
    }
    found
}

/// Is the condition the negation of the one branch before it?
fn complements(condition: &str, branches: &[(String, Vec<Tree>)]) -> bool {
    let [(first, _)] = branches else { return false };
    let (a, b) = (bare(first), bare(condition));
    negation(&b).is_some_and(|n| n == a) || negation(&a).is_some_and(|n| n == b) || opposite(&a, &b)
}

/// Without spaces and outer parentheses.
fn bare(text: &str) -> String {
    let mut text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    while text.starts_with('(') && text.ends_with(')') {
        let mut depth = 0i32;
        let inner = &text[1..text.len() - 1];
        let whole = inner.chars().all(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth >= 0
        });
        if !whole {
            break;
        }
        text = inner.trim().to_string();
    }
    text
}

fn negation(text: &str) -> Option<String> {
    let rest = text.strip_prefix("not").or_else(|| text.strip_prefix('!'))?;
    // `not` binds more strongly than `and` and `or`: there it must have parentheses around all.
    let whole = bare(rest) != rest.trim();
    let simple =
        rest.starts_with(' ') && !rest.contains(" and ") && !rest.contains(" or ") && !rest.contains(" if ");
    (whole || simple).then(|| bare(rest))
}

fn opposite(a: &str, b: &str) -> bool {
    const PAIRS: [(&str, &str); 3] = [("<=", ">"), (">=", "<"), ("==", "!=")];
    let simple =
        |t: &str| !t.contains(" and ") && !t.contains(" or ") && !t.contains("not ") && !t.contains("if ");
    if !simple(a) || !simple(b) {
        return false;
    }
    let parts = |t: &str, op: &str| {
        let (l, r) = t.split_once(op)?;
        let clean = |s: &str| !s.contains(['<', '>', '=', '!']);
        (clean(l) && clean(r)).then(|| (l.trim().to_string(), r.trim().to_string()))
    };
    PAIRS.iter().any(|(x, y)| {
        let same = |p: &str, q: &str| parts(a, p).is_some_and(|l| parts(b, q).is_some_and(|r| l == r));
        same(x, y) || same(y, x)
    })
}
