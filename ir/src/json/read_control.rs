//! Reads control flow: state machines, regions, and what their conditions read.

use std::collections::BTreeSet;

use super::at::{At, Read, spelled};
use super::raise::{Jump, Tree, dispatch, raise};
use super::read::{Around, GraphReader};
use super::read_code::{Scope, value_of};
use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::sdfg::{Block, BlockKind, Data, Memlet, Node, Region, StateGraph};
use crate::symbolic::{Expr, Range, Subset};
use crate::tasklet::{BinOp, Expr as E, UnOp};

/// The blocks of a machine while it is read.
struct Blocks<'n, 'v> {
    at: &'n At<'v>,
    nodes: Vec<At<'v>>,
    /// States without nodes.
    empty: Vec<bool>,
}

/// What a loop sets, and to what.
type Step<'t> = Option<(&'t str, &'t str)>;

/// A loop over a variable, in its texts.
struct Counting<'t> {
    variable: &'t str,
    condition: &'t str,
    begin: &'t str,
    next: &'t str,
}

impl GraphReader<'_> {
    /// The blocks of a graph or region.
    pub fn machine(&mut self, at: &At, around: &Around) -> Read<Region> {
        let nodes = at.get("nodes")?.items()?;
        let mut jumps = vec![];
        for edge in at.get("edges")?.items()? {
            jumps.push(jump(&edge, nodes.len())?);
        }
        let empty = |n: &At| {
            n.is("SDFGState") && n.value.get("nodes").and_then(|l| l.as_array()).is_some_and(|l| l.is_empty())
        };
        let blocks = Blocks { at, empty: nodes.iter().map(empty).collect(), nodes };
        // As DaCe: the only block that nothing leads to, else the one that the file names.
        let mut sources = (0..blocks.nodes.len()).filter(|&b| jumps.iter().all(|j| j.dst != b));
        let start = match (sources.next(), sources.next()) {
            (Some(only), None) => only,
            _ => match at.find("start_block").or_else(|| at.find("start_state")) {
                Some(start) => start.index()?,
                None => 0,
            },
        };
        if !blocks.nodes.is_empty() && start >= blocks.nodes.len() {
            return at.error("the first block does not exist");
        }
        let trees = match raise(blocks.empty.clone(), &jumps, start) {
            Ok(trees) => trees,
            Err(_) if blocks.nodes.len() <= 3000 => {
                let sizes = around.sdfg.data.values().filter(|d| d.transient).flat_map(|d| &d.shape);
                let moves = |e: &Expr| e.free_symbols().iter().any(|n| !around.sdfg.symbols.contains_key(n));
                if sizes.clone().any(moves) {
                    return at.beyond("a state machine that is not made of loops, with containers that grow");
                }
                let pc = self.label("pc");
                dispatch(blocks.nodes.len(), &jumps, start, pc.as_str())
            }
            Err(message) => return at.beyond(message),
        };
        let mut region = Region::default();
        self.emit(trees, &blocks, around, &mut region)?;
        Ok(region)
    }

    fn emit(&mut self, trees: Vec<Tree>, blocks: &Blocks, around: &Around, region: &mut Region) -> Read<()> {
        let at = blocks.at;
        for tree in trees {
            match tree {
                Tree::Block(i) if blocks.empty[i] => {}
                Tree::Block(i) => self.block(&blocks.nodes[i], around, region)?,
                Tree::Assign(name, value) => self.assign(&name, &value, around, region, at)?,
                Tree::While { guard, condition, body } => {
                    let at = guard.map_or(at, |g| &blocks.nodes[g]);
                    let inner = self.inner(body, blocks, around)?;
                    self.while_loop(&condition, inner, around, region, at)?;
                }
                Tree::For { guard, variable, condition, begin, next, body } => {
                    let inner = self.inner(body, blocks, around)?;
                    let texts =
                        Counting { variable: &variable, condition: &condition, begin: &begin, next: &next };
                    self.close_loop(region, &texts, inner, around, &blocks.nodes[guard])?;
                }
                Tree::If { branches, otherwise } => {
                    let mut list = vec![];
                    for (condition, body) in branches {
                        let cond = self.condition(&condition, around, region, at)?;
                        list.push((cond, self.inner(body, blocks, around)?));
                    }
                    let otherwise = self.inner(otherwise, blocks, around)?;
                    if otherwise.blocks.is_empty() && list.iter().all(|(_, r)| r.blocks.is_empty()) {
                        continue;
                    }
                    self.push(region, "cond", BlockKind::Conditional { branches: list, otherwise });
                }
                Tree::Break => _ = self.push(region, "break", BlockKind::Break),
                Tree::Continue => _ = self.push(region, "continue", BlockKind::Continue),
                Tree::Return => _ = self.push(region, "return", BlockKind::Return),
            }
        }
        Ok(())
    }

    fn inner(&mut self, trees: Vec<Tree>, blocks: &Blocks, around: &Around) -> Read<Region> {
        let mut region = Region::default();
        self.emit(trees, blocks, around, &mut region)?;
        Ok(region)
    }

    /// A loop as long as a condition holds. What the condition needs is loaded in each iteration.
    fn while_loop(
        &mut self,
        condition: &str,
        body: Region,
        around: &Around,
        region: &mut Region,
        at: &At,
    ) -> Read<()> {
        let mut first = Region::default();
        let cond = self.condition(condition, around, &mut first, at)?;
        if first.blocks.is_empty() {
            self.push(region, "while", BlockKind::While { cond, body });
            return Ok(());
        }
        let mut leave = Region::default();
        self.push(&mut leave, "break", BlockKind::Break);
        let branches = vec![(E::un(UnOp::Not, cond), leave)];
        self.push(&mut first, "leave", BlockKind::Conditional { branches, otherwise: Region::default() });
        first.blocks.extend(body.blocks);
        let cond = E::Lit(Scalar::Bool(true));
        self.push(region, "while", BlockKind::While { cond, body: first });
        Ok(())
    }

    /// A loop over a range, or what it stands for where it is none.
    fn close_loop(
        &mut self,
        region: &mut Region,
        texts: &Counting,
        body: Region,
        around: &Around,
        at: &At,
    ) -> Read<()> {
        let var = Name::new(texts.variable);
        if let Some(mut range) = for_range(texts, &body) {
            if !self.freeze(&mut range, &body, around, region, at)? {
                return self.counting_while(region, texts, body, around, at);
            }
            self.push(region, "loop", BlockKind::Loop { var, range, body });
            return Ok(());
        }
        self.counting_while(region, texts, body, around, at)
    }

    /// Brings the values of containers that a range uses into symbols; whether the body leaves them alone.
    fn freeze(
        &mut self,
        range: &mut Range,
        body: &Region,
        around: &Around,
        region: &mut Region,
        at: &At,
    ) -> Read<bool> {
        let used: BTreeSet<Name> = [&range.begin, &range.end].iter().flat_map(|e| e.free_symbols()).collect();
        let read: Vec<Name> = used.into_iter().filter(|n| around.sdfg.data.contains_key(n)).collect();
        let mut written = false;
        body.walk(&mut |block| {
            for (id, node) in
                block.state().into_iter().flat_map(|graph| graph.nodes().map(move |n| ((graph, n.0), n.1)))
            {
                let (graph, id) = id;
                let here = matches!(node, Node::Access(n) if read.contains(n));
                written |= here && graph.in_edges(id).iter().any(|e| e.memlet.is_some());
            }
        });
        if written {
            return Ok(false);
        }
        for name in read {
            let value = self.value(name.as_str(), DType::I64, around, region, at)?;
            let symbol = self.label(name.as_str());
            self.push(region, "assign", BlockKind::Assign { symbol, value });
            *range = range.subst(&|n| (n == name).then(|| Expr::sym(symbol)));
        }
        Ok(true)
    }

    /// A loop over a variable that is no range.
    fn counting_while(
        &mut self,
        region: &mut Region,
        texts: &Counting,
        body: Region,
        around: &Around,
        at: &At,
    ) -> Read<()> {
        let mut step = Region::default();
        self.assign(texts.variable, texts.next, around, &mut step, at)?;
        let mut body = body;
        self.before_continue(&mut body, &step, at)?;
        body.blocks.extend(step.blocks);
        self.assign(texts.variable, texts.begin, around, region, at)?;
        self.while_loop(texts.condition, body, around, region, at)
    }

    /// The same blocks with ids and labels of their own.
    fn copied(&mut self, region: &Region, at: &At) -> Read<Region> {
        let mut out = Region::default();
        for block in &region.blocks {
            let mut kind = block.kind.clone();
            match &mut kind {
                BlockKind::State(_) => {
                    return at.beyond("a loop that continues and whose step reads an array");
                }
                BlockKind::Conditional { branches, otherwise } => {
                    for inner in branches.iter_mut().map(|b| &mut b.1).chain([otherwise]) {
                        *inner = self.copied(inner, at)?;
                    }
                }
                _ => {}
            }
            self.push(&mut out, block.label.as_str(), kind);
        }
        Ok(out)
    }

    /// Puts copies of blocks before each `continue` of the loop with this body.
    fn before_continue(&mut self, region: &mut Region, step: &Region, at: &At) -> Read<()> {
        let mut blocks = vec![];
        for mut block in std::mem::take(&mut region.blocks) {
            if let BlockKind::Conditional { .. } = block.kind {
                for inner in std::sync::Arc::make_mut(&mut block).regions_mut() {
                    self.before_continue(inner, step, at)?;
                }
            }
            if let BlockKind::Continue = block.kind {
                blocks.extend(self.copied(step, at)?.blocks);
            }
            blocks.push(block);
        }
        region.blocks = blocks;
        Ok(())
    }

    fn condition(&mut self, text: &str, around: &Around, region: &mut Region, at: &At) -> Read<E> {
        self.value(text, DType::Bool, around, region, at)
    }

    fn assign(&mut self, name: &str, text: &str, around: &Around, region: &mut Region, at: &At) -> Read<()> {
        let value = self.value(text, DType::I64, around, region, at)?;
        self.push(region, "assign", BlockKind::Assign { symbol: Name::new(name), value });
        Ok(())
    }

    /// A value of symbols, scalars and elements of arrays; states before it load the elements.
    fn value(&mut self, text: &str, dtype: DType, around: &Around, region: &mut Region, at: &At) -> Read<E> {
        let text = spelled(text);
        let data = |n: Name| around.sdfg.data.get(&n).or_else(|| self.extra.get(&n));
        let symbol = |n: Name| data(n).is_none().then_some(n);
        let known =
            || around.sdfg.data.iter().filter(|(n, d)| d.foreign.is_none() && !self.views.contains(n));
        let vars = known().map(|(n, d)| (*n, d.dtype)).collect();
        let arrays = known().filter(|(_, d)| !d.is_scalar()).map(|(n, _)| *n).collect();
        let scope = Scope { vars, arrays, symbol: &symbol, constants: &self.constants };
        let value = match value_of(&text, &scope, dtype) {
            Ok(value) => value,
            Err(message) => return at.beyond(format!("the expression '{text}': {message}")),
        };
        self.loaded(value, around, region, at)
    }

    /// The value with the elements of arrays that it reads in scalars of their own.
    fn loaded(&mut self, value: E, around: &Around, region: &mut Region, at: &At) -> Read<E> {
        let mut found: Vec<E> = vec![];
        value.visit(&mut |e| {
            if matches!(e, E::Index(..)) && !found.contains(e) {
                found.push(e.clone());
            }
        });
        let mut value = value;
        for element in found {
            let E::Index(array, indices) = &element else { continue };
            if !contains(&value, &element) {
                continue;
            }
            let data = &around.sdfg.data[array];
            if data.shape.len() != indices.len() {
                return at.error(format!("'{array}' has {} dimensions", data.shape.len()));
            }
            let mut places = vec![];
            for index in indices {
                let index = self.loaded(index.clone(), around, region, at)?;
                places.push(match symbolic(&index) {
                    Some(place) => place,
                    None => {
                        let name = self.label("at");
                        self.push(region, "assign", BlockKind::Assign { symbol: name, value: index });
                        Expr::sym(name)
                    }
                });
            }
            let name = self.label(&format!("{array}_at"));
            self.extra.insert(name, Data::scalar(data.dtype, true));
            let mut graph = StateGraph::new();
            let from = graph.add_node(Node::Access(*array), None);
            let to = graph.add_node(Node::Access(name), None);
            let memlet = Memlet::copy(*array, Subset::indices(places), Subset(vec![]));
            graph.connect(from, to, memlet);
            self.push(region, "load", BlockKind::State(graph));
            value = replaced(&value, &element, &E::Var(name));
        }
        Ok(value)
    }

    fn block(&mut self, at: &At, around: &Around, region: &mut Region) -> Read<()> {
        match at.get("type")?.text()? {
            "SDFGState" => {
                let graph = match self.keeps(at) {
                    Some(reason) => self.foreign_state(at, around, reason)?,
                    None => match self.state(at, around) {
                        Err(fault) if fault.beyond => {
                            self.foreign_state(at, around, format!("a state with {}", fault.error.message))?
                        }
                        read => read?,
                    },
                };
                let label = at.word("label").unwrap_or("state");
                let id = self.push(region, label, BlockKind::State(graph));
                self.trail.borrow_mut().blocks.insert(id, at.path());
            }
            "LoopRegion" => self.loop_region(at, around, region)?,
            "ConditionalBlock" => {
                let (mut branches, mut otherwise) = (vec![], Region::default());
                for branch in at.get("branches")?.items()? {
                    let [condition, body] = &branch.items()?[..] else {
                        return branch.error("expected a pair");
                    };
                    let inner = self.machine(body, around)?;
                    match condition.code() {
                        Some(text) => {
                            branches.push((self.condition(text, around, region, condition)?, inner))
                        }
                        None => otherwise = inner,
                    }
                }
                self.push(region, "cond", BlockKind::Conditional { branches, otherwise });
            }
            "ControlFlowRegion" | "FunctionCallRegion" | "NamedRegion" => {
                let inner = self.machine(at, around)?;
                if inner.blocks.iter().any(|b| b.kind == BlockKind::Return) {
                    return at.beyond("a region that returns");
                }
                region.blocks.extend(inner.blocks);
            }
            "BreakBlock" => _ = self.push(region, "break", BlockKind::Break),
            "ContinueBlock" => _ = self.push(region, "continue", BlockKind::Continue),
            "ReturnBlock" => _ = self.push(region, "return", BlockKind::Return),
            other => return at.beyond(format!("a block of kind {other}")),
        }
        Ok(())
    }

    fn loop_region(&mut self, at: &At, around: &Around, region: &mut Region) -> Read<()> {
        let attributes = at.get("attributes")?;
        let Some(condition) = attributes.find("loop_condition").and_then(|c| c.code()) else {
            return at.error("a loop without a condition");
        };
        let body = self.machine(at, around)?;
        let step = |key| {
            let text = attributes.find(key).and_then(|c| c.code())?;
            let (name, value) = text.split_once('=')?;
            Some((name.trim(), value.trim()))
        };
        if attributes.flag("inverted") {
            let update_before = attributes.value.get("update_before_condition");
            let late = update_before.is_some_and(|v| v.as_bool() == Some(false));
            return match late {
                true => at.beyond("a loop that asks at its end, before its step"),
                false => self.repeat(
                    condition,
                    (step("init_statement"), step("update_statement")),
                    body,
                    around,
                    region,
                    at,
                ),
            };
        }
        match (step("init_statement"), step("update_statement")) {
            (Some((variable, begin)), Some((same, next))) if variable == same => {
                let texts = Counting { variable, condition, begin, next };
                self.close_loop(region, &texts, body, around, at)
            }
            (None, None) => self.while_loop(condition, body, around, region, at),
            _ => at.beyond("a loop with a start but no step, or the other way round"),
        }
    }

    /// A loop that asks at its end.
    fn repeat(
        &mut self,
        condition: &str,
        (init, update): (Step, Step),
        body: Region,
        around: &Around,
        region: &mut Region,
        at: &At,
    ) -> Read<()> {
        if let Some((name, value)) = init {
            self.assign(name, value, around, region, at)?;
        }
        // Once around without being asked: a flag stands for the first time.
        let mut ask = Region::default();
        if let Some((name, value)) = update {
            self.assign(name, value, around, &mut ask, at)?;
        }
        let cond = self.condition(condition, around, &mut ask, at)?;
        let mut leave = Region::default();
        self.push(&mut leave, "break", BlockKind::Break);
        let branches = vec![(E::un(UnOp::Not, cond), leave)];
        self.push(&mut ask, "leave", BlockKind::Conditional { branches, otherwise: Region::default() });
        let mut body = body;
        self.before_continue(&mut body, &ask, at)?;
        body.blocks.extend(ask.blocks);
        let cond = E::Lit(Scalar::Bool(true));
        self.push(region, "while", BlockKind::While { cond, body });
        Ok(())
    }
}

/// The value with an expression in the place of another one.
fn replaced(e: &E, old: &E, new: &E) -> E {
    e.map(&|sub| if sub == *old { new.clone() } else { sub })
}

fn contains(e: &E, part: &E) -> bool {
    let mut found = false;
    e.visit(&mut |e| found |= e == part);
    found
}

/// An integer expression over symbols; `None` if it is something else.
fn symbolic(e: &E) -> Option<Expr> {
    Some(match e {
        E::Lit(Scalar::Int(_, v)) => Expr::int(i64::try_from(*v).ok()?),
        E::Sym(e) => e.clone(),
        E::Cast(t, e) if t.is_int() => symbolic(e)?,
        E::Un(UnOp::Neg, e) => Expr::zero() - symbolic(e)?,
        E::Bin(BinOp::Add, a, b) => symbolic(a)? + symbolic(b)?,
        E::Bin(BinOp::Sub, a, b) => symbolic(a)? - symbolic(b)?,
        E::Bin(BinOp::Mul, a, b) => symbolic(a)? * symbolic(b)?,
        _ => return None,
    })
}

fn jump(at: &At, count: usize) -> Read<Jump> {
    let (src, dst) = (at.get("src")?.index()?, at.get("dst")?.index()?);
    if src >= count || dst >= count {
        return at.error("an edge to a block that does not exist");
    }
    let mut jump = Jump { src, dst, condition: None, assignments: vec![] };
    let data = at.find("attributes").and_then(|a| a.find("data")).and_then(|d| d.find("attributes"));
    let Some(data) = data else { return Ok(jump) };
    let condition = data.find("condition").and_then(|c| c.code()).map(str::trim);
    jump.condition = condition
        .filter(|c| !matches!(*c, "1" | "True" | "true" | "(1)" | "(True)"))
        .map(|c| spelled(c).into_owned());
    if let Some(list) = data.find("assignments") {
        for (name, value) in list.members()? {
            let text = match value.value {
                serde_json::Value::String(text) => spelled(text).into_owned(),
                other => other.to_string(),
            };
            jump.assignments.push((name.to_string(), text));
        }
    }
    jump.assignments = in_turn(std::mem::take(&mut jump.assignments));
    Ok(jump)
}

/// All take place at once: in an order in which none sees what another has set, with copies of the old
/// values where there is no such order.
fn in_turn(mut list: Vec<(String, String)>) -> Vec<(String, String)> {
    let reads = |value: &str, name: &str| {
        value.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
    };
    let mut out: Vec<(String, String)> = vec![];
    let mut last: Vec<(String, String)> = vec![];
    while !list.is_empty() {
        // Next comes what no other one still has to read.
        let free = (0..list.len())
            .find(|&i| list.iter().enumerate().all(|(k, (_, value))| k == i || !reads(value, &list[i].0)));
        match free {
            Some(i) => out.push(list.remove(i)),
            None => {
                let (name, value) = list.remove(0);
                let kept = format!("{name}_next");
                out.push((kept.clone(), value));
                last.push((name, kept));
            }
        }
    }
    out.extend(last);
    out
}

/// Symbols that edges and loops of a graph assign, without those of nested graphs.
pub fn assigned(at: &At) -> Read<BTreeSet<Name>> {
    let mut found = BTreeSet::new();
    if let Some(edges) = at.find("edges") {
        for edge in edges.items()? {
            let data =
                edge.find("attributes").and_then(|a| a.find("data")).and_then(|d| d.find("attributes"));
            if let Some(list) = data.and_then(|d| d.find("assignments")) {
                found.extend(list.members()?.into_iter().map(|(name, _)| Name::new(name)));
            }
        }
    }
    let variable = at.find("attributes").and_then(|a| a.word("loop_variable"));
    if let Some(name) = variable.filter(|v| !v.is_empty()) {
        found.insert(Name::new(name));
    }
    for block in at.find("nodes").map_or(Ok(vec![]), |n| n.items())? {
        if !block.is("SDFGState") && block.find("edges").is_some() && block.find("type").is_some() {
            found.extend(assigned(&block)?);
        }
        for_branches(&block, &mut |body| {
            found.extend(assigned(body)?);
            Ok(())
        })?;
    }
    Ok(found)
}

fn for_branches(block: &At, f: &mut dyn FnMut(&At) -> Read<()>) -> Read<()> {
    if let Some(branches) = block.find("branches") {
        for branch in branches.items()? {
            if let [_, body] = &branch.items()?[..] {
                f(body)?;
            }
        }
    }
    Ok(())
}

/// Containers that states of a graph touch, without those of nested graphs.
pub fn accessed(at: &At) -> Read<BTreeSet<Name>> {
    let mut found = BTreeSet::new();
    for node in at.find("nodes").map_or(Ok(vec![]), |n| n.items())? {
        if node.is("AccessNode") {
            let data = node.find("attributes").and_then(|a| a.word("data"));
            found.extend(data.map(Name::new));
        } else if !node.is("NestedSDFG") {
            found.extend(accessed(&node)?);
        }
        for_branches(&node, &mut |body| {
            found.extend(accessed(body)?);
            Ok(())
        })?;
    }
    Ok(found)
}

/// The range of a loop from its texts; `None` where the body changes what it depends on.
fn for_range(texts: &Counting, body: &Region) -> Option<Range> {
    let var = Name::new(texts.variable);
    let parse = |text: &str| Expr::parse(&spelled(text)).ok();
    let step = parse(texts.next)? - Expr::sym(var);
    let constant = step.as_int()?;
    let trimmed = texts.condition.trim();
    let condition = trimmed.strip_prefix('(').and_then(|c| c.strip_suffix(')')).unwrap_or(trimmed);
    let (op, at) = ["<=", ">=", "<", ">"].iter().find_map(|op| Some((*op, condition.find(op)?)))?;
    let (left, right) = (parse(&condition[..at])?, parse(&condition[at + op.len()..])?);
    let (bound, op) = if left.as_sym() == Some(var) {
        (right, op)
    } else if right.as_sym() == Some(var) {
        let turned = match op {
            "<=" => ">=",
            ">=" => "<=",
            "<" => ">",
            _ => "<",
        };
        (left, turned)
    } else {
        return None;
    };
    let end = match (op, constant > 0) {
        ("<", true) | (">", false) => bound,
        ("<=", true) => bound + 1,
        (">=", false) => bound - 1,
        _ => return None,
    };
    let mut changed = BTreeSet::new();
    body.walk(&mut |block: &Block| match &block.kind {
        BlockKind::Assign { symbol, .. } => {
            changed.insert(*symbol);
        }
        BlockKind::Loop { var, .. } => {
            changed.insert(*var);
        }
        _ => {}
    });
    let moves = changed.contains(&var) || end.contains(var) || changed.iter().any(|n| end.contains(*n));
    if constant == 0 || moves {
        return None;
    }
    Some(Range { begin: parse(texts.begin)?, end, step })
}
