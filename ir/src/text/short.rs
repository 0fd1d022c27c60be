//! Reads the short form of a state.

use std::collections::{BTreeMap, BTreeSet};

use super::cursor::{Cursor, Fault, Parsed};
use super::explicit::{memlet, params, reduce_tail, schedule, wcr_word};
use super::lines::Line;
use super::parse::{Context, Parser, no_lines_below};
use super::{ParseError, WCRS};
use crate::names::Name;
use crate::sdfg::library::Connectors;
use crate::sdfg::{
    Library, LibraryKind, LibraryOp, Map, MapId, Memlet, Nested, Node, Port, Span, StateGraph, Tasklet, Wcr,
    propagate,
};
use crate::symbolic::{Expr, Subset};
use crate::tasklet::{self, Assign, parse as expr};

/// A node before it has an id: an index into [`Builder::nodes`].
type Index = usize;
type End = (Index, Option<Name>);

/// What stands in a scope, in the order in which nodes get their ids.
enum Item {
    Node(Index),
    Scope { before: Vec<Index>, entry: Index, body: Vec<Item>, exit: Index },
}

/// What leaves a scope through its exit.
struct Out {
    data: Name,
    /// The level whose access node is written.
    level: usize,
    stem: Name,
    memlet: Memlet,
}

#[derive(Default)]
struct Scope {
    map: Option<(Map, Index, Index)>,
    newest: BTreeMap<Name, Index>,
    local: BTreeSet<Name>,
    /// Access nodes that a read inside makes in the state, before the map.
    before: Vec<Index>,
    items: Vec<Item>,
    /// Connector stems of the entry, by access node outside.
    ins: BTreeMap<Index, Name>,
    outs: Vec<Out>,
    labels: BTreeMap<Name, (Index, Index)>,
    /// Memlets outside that are not the propagated ones; `true` for reads.
    given: Vec<(bool, Memlet)>,
}

struct Builder<'c, 's> {
    context: &'c Context<'s>,
    nodes: Vec<(Node, Option<Span>)>,
    maps: Vec<(MapId, Map)>,
    edges: Vec<(End, End, Option<Memlet>)>,
    degrees: Vec<(u32, u32)>,
    given: Vec<(Index, bool, Memlet)>,
    /// The state, then the open maps.
    scopes: Vec<Scope>,
}

/// A part of a container as it is written in a line.
pub struct Ref {
    memlet: Memlet,
}

/// The reads of a tasklet as they are met in its expressions.
#[derive(Default)]
struct Reads {
    inputs: Vec<(Memlet, Name)>,
    /// Connectors of which elements are picked.
    gathered: BTreeSet<Name>,
    /// Locals that are assigned so far.
    locals: BTreeSet<Name>,
    /// Names that connectors must not take.
    taken: BTreeSet<Name>,
}

pub fn parse(parser: &mut Parser, lines: &[Line], context: &Context) -> Result<StateGraph, ParseError> {
    let mut builder = Builder {
        context,
        nodes: vec![],
        maps: vec![],
        edges: vec![],
        degrees: vec![],
        given: vec![],
        scopes: vec![Scope::default()],
    };
    builder.lines(parser, lines)?;
    Ok(builder.finish())
}

impl Builder<'_, '_> {
    fn lines(&mut self, parser: &mut Parser, lines: &[Line]) -> Result<(), ParseError> {
        for line in lines {
            self.line(parser, line)?;
        }
        Ok(())
    }

    fn line(&mut self, parser: &mut Parser, line: &Line) -> Result<(), ParseError> {
        let mut ahead = line.cursor();
        let word = ahead.peek_word();
        match word {
            "map" => return self.map(parser, line),
            "tasklet" => return self.block_tasklet(parser, line),
            "nested" => return self.nested(parser, line),
            "copy" => {
                no_lines_below(line)?;
                return line.read(|c| self.copy(c, line.span));
            }
            "edge" => {
                return Err(line.wrong("edges belong to the explicit form", "begin the state with '%1 = …'"));
            }
            _ => {}
        }
        if ahead.peek() == Some('%') {
            return Err(line.wrong("a state is written either short or explicit", ""));
        }
        no_lines_below(line)?;
        line.read(|c| {
            let mut labelled = c.clone();
            let label = match labelled.name("a label, a container, 'map', 'copy', 'nested' or 'tasklet'") {
                Ok(name) if labelled.eat(":") => {
                    *c = labelled;
                    Some(name)
                }
                Ok(_) => None,
                Err(fault) => return Err(fault),
            };
            match c.peek_word() {
                "matmul" => {
                    c.eat_word("matmul");
                    self.matmul(c, label.unwrap_or_else(|| parser.fresh("matmul")), line.span)
                }
                "reduce" => {
                    c.eat_word("reduce");
                    self.reduce(c, label.unwrap_or_else(|| parser.fresh("reduce")), line.span)
                }
                word if is_call(c) && LibraryOp::from_name(word, |_| false).is_some() => {
                    let name = LibraryOp::from_name(word, |_| false).map_or("", LibraryOp::name);
                    c.eat_word(word);
                    self.call(c, name, label.unwrap_or_else(|| parser.fresh(name)), line.span)
                }
                _ => self.tasklet(c, label.unwrap_or_else(|| parser.fresh("t")), line.span),
            }
        })
    }

    // ---- nodes and edges ---------------------------------------------------------------

    fn add(&mut self, node: Node, span: Option<Span>) -> Index {
        self.nodes.push((node, span));
        self.degrees.push((0, 0));
        self.nodes.len() - 1
    }

    /// Adds a node to the innermost scope.
    fn place(&mut self, node: Node, span: Option<Span>) -> Index {
        let index = self.add(node, span);
        self.top().items.push(Item::Node(index));
        index
    }

    fn top(&mut self) -> &mut Scope {
        self.scopes.last_mut().expect("the state's scope")
    }

    fn edge(&mut self, from: End, to: End, memlet: Option<Memlet>) {
        self.degrees[from.0].1 += 1;
        self.degrees[to.0].0 += 1;
        self.edges.push((from, to, memlet));
    }

    /// The newest access node of a container and the level where it is.
    fn newest(&mut self, data: Name, span: Option<Span>) -> (Index, usize) {
        for (level, scope) in self.scopes.iter().enumerate().rev() {
            if let Some(&node) = scope.newest.get(&data) {
                return (node, level);
            }
        }
        let node = self.add(Node::Access(data), span);
        self.scopes[0].newest.insert(data, node);
        match self.scopes.get_mut(1) {
            Some(map) => map.before.push(node),
            None => self.scopes[0].items.push(Item::Node(node)),
        }
        (node, 0)
    }

    /// Leads a container from its newest access node through the entries to the innermost scope.
    fn source(&mut self, memlet: &Memlet, span: Option<Span>) -> End {
        let (access, level) = self.newest(memlet.data, span);
        let mut end = (access, None);
        for level in level + 1..self.scopes.len() {
            let scope = &mut self.scopes[level];
            let Some((_, entry, _)) = scope.map else { continue };
            let found = scope.ins.get(&access).copied();
            let stem = found.unwrap_or_else(|| {
                let stem = Name::fresh(memlet.data.as_str(), |n| scope.ins.values().any(|&t| t == n));
                scope.ins.insert(access, stem);
                stem
            });
            if found.is_none() {
                let outside = Memlet { other: None, ..memlet.clone() };
                self.edge(end, (entry, Some(Name::new(&format!("IN_{stem}")))), Some(outside));
            }
            end = (entry, Some(Name::new(&format!("OUT_{stem}"))));
        }
        end
    }

    /// Where a write of the innermost scope goes: a new access node, or the exit of the scope.
    fn target(&mut self, memlet: &Memlet, span: Option<Span>) -> End {
        let data = memlet.data;
        let top = self.scopes.len() - 1;
        let scalar = self.context.data.get(&data).is_some_and(|d| d.is_scalar() && d.transient);
        let declared = self.scopes.iter().rposition(|s| s.local.contains(&data));
        let level = match declared {
            Some(level) => level,
            None if scalar && memlet.wcr.is_none() => top,
            None => 0,
        };
        self.leave(top, level, memlet, span)
    }

    /// The end of an edge at scope `from` for a write to an access node at `level`.
    fn leave(&mut self, from: usize, level: usize, memlet: &Memlet, span: Option<Span>) -> End {
        let data = memlet.data;
        if from == level {
            let node = self.add(Node::Access(data), span);
            self.scopes[from].items.push(Item::Node(node));
            self.scopes[from].newest.insert(data, node);
            return (node, None);
        }
        let scope = &mut self.scopes[from];
        let exit = scope.map.as_ref().map_or(0, |m| m.2);
        let found = scope.outs.iter().find(|o| o.data == data && o.level == level).map(|o| o.stem);
        let stem = found.unwrap_or_else(|| {
            let stem = Name::fresh(data.as_str(), |n| scope.outs.iter().any(|o| o.stem == n));
            let outside = Memlet { other: None, ..memlet.clone() };
            scope.outs.push(Out { data, level, stem, memlet: outside });
            stem
        });
        (exit, Some(Name::new(&format!("IN_{stem}"))))
    }

    /// Ties a node without edges to its scope, and gives it its label.
    fn settle(&mut self, label: Name, first: Index, last: Index) {
        let top = self.top();
        top.labels.insert(label, (first, last));
        let Some((_, entry, exit)) = top.map else { return };
        if self.degrees[first].0 == 0 {
            self.edge((entry, None), (first, None), None);
        }
        if self.degrees[last].1 == 0 {
            self.edge((last, None), (exit, None), None);
        }
    }

    /// `after X, …`.
    fn after(&mut self, c: &mut Cursor, node: Index, span: Option<Span>) -> Parsed<()> {
        if !c.eat_word("after") {
            return Ok(());
        }
        loop {
            c.peek();
            let at = c.at();
            let name = c.name("a container or a label")?;
            let from = if self.context.data.contains_key(&name) {
                self.newest(name, span).0
            } else {
                match self.top().labels.get(&name) {
                    Some(&(_, last)) => last,
                    None => {
                        return c.fault_at(at, format!("no node '{name}' before this one in its scope"), "");
                    }
                }
            };
            self.edge((from, None), (node, None), None);
            if !c.eat(",") {
                return Ok(());
            }
        }
    }

    // ---- lines -------------------------------------------------------------------------

    fn map(&mut self, parser: &mut Parser, line: &Line) -> Result<(), ParseError> {
        let mut tail = line.cursor();
        let map = (|c: &mut Cursor| {
            c.eat_word("map");
            let label = if c.sees_name() { c.name("a label")? } else { parser.fresh("map") };
            Ok(Map { label, params: params(c)?, schedule: schedule(c)? })
        })(&mut tail)
        .map_err(|fault| line.error(fault))?;
        let label = map.label;
        let id = MapId::new();
        let entry = self.add(Node::MapEntry(id), line.span);
        let exit = self.add(Node::MapExit(id), line.span);
        self.maps.push((id, map.clone()));
        self.after(&mut tail, entry, line.span)
            .and_then(|()| tail.end())
            .map_err(|fault| line.error(fault))?;
        self.scopes.push(Scope { map: Some((map, entry, exit)), ..Scope::default() });
        for line in &line.below {
            let mut c = line.cursor();
            match c.peek_word() {
                "local"
                    if {
                        c.eat_word("local");
                        c.sees_name()
                    } =>
                {
                    line.read(|c| {
                        c.eat_word("local");
                        while {
                            let name = self.container(c)?;
                            self.top().local.insert(name);
                            c.eat(",")
                        } {}
                        Ok(())
                    })?;
                }
                word @ ("reads" | "writes")
                    if {
                        c.eat_word(word);
                        c.sees_name()
                    } =>
                {
                    let given = line.read(|c| {
                        c.eat_word(word);
                        memlet(c, self.context)
                    })?;
                    self.top().given.push((word == "reads", given));
                }
                _ => self.line(parser, line)?,
            }
        }
        self.close(label, line.span);
        Ok(())
    }

    fn close(&mut self, label: Name, span: Option<Span>) {
        let Some(scope) = self.scopes.pop() else { return };
        let Some((_, entry, exit)) = scope.map else { return };
        if self.degrees[exit].0 == 0 {
            self.edge((entry, None), (exit, None), None);
        }
        self.given
            .extend(scope.given.into_iter().map(|(reads, m)| (if reads { entry } else { exit }, reads, m)));
        self.top().items.push(Item::Scope { before: scope.before, entry, body: scope.items, exit });
        let outside = self.scopes.len() - 1;
        for out in scope.outs {
            let to = self.leave(outside, out.level, &out.memlet, span);
            self.edge((exit, Some(Name::new(&format!("OUT_{}", out.stem)))), to, Some(out.memlet));
        }
        self.settle(label, entry, exit);
    }

    fn container(&self, c: &mut Cursor) -> Parsed<Name> {
        c.peek();
        let at = c.at();
        let name = c.name("a container")?;
        if self.context.data.contains_key(&name) {
            return Ok(name);
        }
        c.fault_at(at, format!("no container '{name}'"), "declare it in the first line or as 'transient'")
    }

    /// `A[i, 0:N]` with `?` where it is dynamic.
    fn reference(&self, c: &mut Cursor) -> Parsed<Ref> {
        c.peek();
        let at = c.at();
        let data = self.container(c)?;
        self.indexed(c, data, at)
    }

    fn indexed(&self, c: &mut Cursor, data: Name, at: usize) -> Parsed<Ref> {
        let subset: Subset = c.subset()?;
        let rank = self.context.data.get(&data).map_or(0, |d| d.shape.len());
        if subset.rank() != rank {
            let message = format!("'{data}' has {rank} dimensions, not {}", subset.rank());
            return c.fault_at(at, message, "");
        }
        let dynamic = c.eat("?");
        Ok(Ref { memlet: Memlet { dynamic, ..Memlet::new(data, subset) } })
    }

    /// `REF =`, `REF +=`, ….
    fn written(&self, c: &mut Cursor) -> Parsed<Memlet> {
        let mut memlet = self.reference(c)?.memlet;
        memlet.wcr = assign_op(c)?;
        Ok(memlet)
    }

    fn value(&self, c: &mut Cursor, reads: &mut Reads) -> Parsed<tasklet::Expr> {
        expr::parse_at(c, &mut |c, name, at| {
            if reads.locals.contains(&name) {
                return Ok(tasklet::Expr::Var(name));
            }
            if let Some(data) = self.context.data.get(&name) {
                // An index that has a value in it makes it a gather; its indices are read next.
                let gathers = self.indexed_by_values(c, reads);
                let memlet =
                    if gathers { Memlet::gather(name, data) } else { self.indexed(c, name, at)?.memlet };
                return Ok(tasklet::Expr::Var(reads.connector(memlet, gathers)));
            }
            if c.sees("[") {
                return c.fault_at(at, format!("no container '{name}'"), "");
            }
            Ok(expr::leaf(name, false))
        })
    }

    /// Does a container, a local or a spelled-out leaf stand in the brackets that follow?
    fn indexed_by_values(&self, c: &mut Cursor, reads: &Reads) -> bool {
        if !c.sees("[") {
            return false;
        }
        let (mut ahead, mut depth) = (c.clone(), 0);
        while let Some(next) = ahead.peek() {
            if ahead.sees_name() {
                let Ok(name) = ahead.name("a name") else { return false };
                let spelled = matches!(name.as_str(), "sym" | "var") && ahead.sees("(");
                if spelled || self.context.data.contains_key(&name) || reads.locals.contains(&name) {
                    return true;
                }
                continue;
            }
            match next {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return false;
            }
            ahead.skip(next.len_utf8());
        }
        false
    }

    fn tasklet(&mut self, c: &mut Cursor, label: Name, span: Option<Span>) -> Parsed<()> {
        let out = self.written(c)?;
        let mut reads = Reads::default();
        let value = self.value(c, &mut reads)?;
        let target = Name::new("out");
        let code = vec![Assign { target, value }];
        self.add_tasklet(c, label, reads, vec![(out, target)], code, span)
    }

    fn add_tasklet(
        &mut self,
        c: &mut Cursor,
        label: Name,
        reads: Reads,
        outputs: Vec<(Memlet, Name)>,
        code: Vec<Assign>,
        span: Option<Span>,
    ) -> Parsed<()> {
        let typed = |list: &[(Memlet, Name)]| {
            list.iter().filter_map(|(m, conn)| Some((*conn, self.context.data.get(&m.data)?.dtype))).collect()
        };
        let tasklet = Tasklet { label, inputs: typed(&reads.inputs), outputs: typed(&outputs), code };
        let sources: Vec<End> = reads.inputs.iter().map(|(m, _)| self.source(m, span)).collect();
        let node = self.place(Node::Tasklet(tasklet), span);
        for (from, (memlet, conn)) in sources.into_iter().zip(reads.inputs) {
            self.edge(from, (node, Some(conn)), Some(memlet));
        }
        self.after(c, node, span)?;
        for (memlet, conn) in outputs {
            let to = self.target(&memlet, span);
            self.edge((node, Some(conn)), to, Some(memlet));
        }
        self.settle(label, node, node);
        Ok(())
    }

    fn block_tasklet(&mut self, parser: &mut Parser, line: &Line) -> Result<(), ParseError> {
        let mut tail = line.cursor();
        tail.eat_word("tasklet");
        let label = if tail.sees_name() && tail.peek_word() != "after" {
            tail.name("a label").map_err(|fault| line.error(fault))?
        } else {
            parser.fresh("t")
        };
        let mut reads = Reads::default();
        for line in &line.below {
            let mut c = line.cursor();
            if c.eat_word("let") && c.sees_name() {
                reads.taken.extend(c.name("a local").ok());
            }
        }
        let (mut outputs, mut code) = (vec![], vec![]);
        for line in &line.below {
            no_lines_below(line)?;
            line.read(|c| {
                if c.eat_word("let") {
                    let target = c.name("a local")?;
                    c.expect("=")?;
                    let value = self.value(c, &mut reads)?;
                    reads.locals.insert(target);
                    code.push(Assign { target, value });
                    return Ok(());
                }
                let memlet = self.written(c)?;
                let value = self.value(c, &mut reads)?;
                let target = reads.fresh("out", outputs.len());
                outputs.push((memlet, target));
                code.push(Assign { target, value });
                Ok(())
            })?;
        }
        self.add_tasklet(&mut tail, label, reads, outputs, code, line.span)
            .and_then(|()| tail.end())
            .map_err(|fault| line.error(fault))
    }

    /// Connects a node that is not a tasklet: reads, the node, writes.
    fn add_node(
        &mut self,
        c: &mut Cursor,
        label: Name,
        node: Node,
        inputs: Vec<(Memlet, Name)>,
        outputs: Vec<(Memlet, Name)>,
        span: Option<Span>,
    ) -> Parsed<()> {
        let sources: Vec<End> = inputs.iter().map(|(m, _)| self.source(m, span)).collect();
        let node = self.place(node, span);
        for (from, (memlet, conn)) in sources.into_iter().zip(inputs) {
            self.edge(from, (node, Some(conn)), Some(memlet));
        }
        self.after(c, node, span)?;
        for (memlet, conn) in outputs {
            let to = self.target(&memlet, span);
            self.edge((node, Some(conn)), to, Some(memlet));
        }
        self.settle(label, node, node);
        Ok(())
    }

    fn matmul(&mut self, c: &mut Cursor, label: Name, span: Option<Span>) -> Parsed<()> {
        let out = self.written(c)?;
        let a = self.reference(c)?.memlet;
        let trans_a = c.eat(".T");
        c.expect("@")?;
        let b = self.reference(c)?.memlet;
        let trans_b = c.eat(".T");
        let node = Node::Library(Library { label, kind: LibraryKind::MatMul { trans_a, trans_b } });
        let inputs = vec![(a, Name::new("a")), (b, Name::new("b"))];
        self.add_node(c, label, node, inputs, vec![(out, Name::new("c"))], span)
    }

    fn reduce(&mut self, c: &mut Cursor, label: Name, span: Option<Span>) -> Parsed<()> {
        let op = wcr_word(c)?;
        let out = self.written(c)?;
        let input = self.reference(c)?.memlet;
        let (axes, identity) = reduce_tail(c)?;
        let node = Node::Library(Library { label, kind: LibraryKind::Reduce { op, axes, identity } });
        self.add_node(
            c,
            label,
            node,
            vec![(input, Name::new("input"))],
            vec![(out, Name::new("output"))],
            span,
        )
    }

    /// `NAME OUTS = INS [flag]`, behind the name.
    fn call(&mut self, c: &mut Cursor, name: &str, label: Name, span: Option<Span>) -> Parsed<()> {
        let list = |c: &mut Cursor| -> Parsed<Vec<Memlet>> {
            let mut found = vec![self.reference(c)?.memlet];
            while c.eat(",") {
                found.push(self.reference(c)?.memlet);
            }
            Ok(found)
        };
        c.peek();
        let at = c.at();
        let outs = list(c)?;
        c.expect("=")?;
        let ins = list(c)?;
        let Some(op) = LibraryOp::from_name(name, |flag| c.eat_word(flag)) else {
            return c.fault_at(at, format!("no operation '{name}'"), "");
        };
        if outs.len() != op.outputs().len() || ins.len() != op.inputs().len() {
            let (to, from) = (op.outputs().len(), op.inputs().len());
            return c.fault_at(at, format!("'{name}' has {to} results and {from} operands"), "");
        }
        let named = |list: Vec<Memlet>, to: Connectors| {
            list.into_iter().zip(to).map(|(m, conn)| (m, Name::new(conn.0))).collect::<Vec<_>>()
        };
        let (inputs, outputs) = (named(ins, op.inputs()), named(outs, op.outputs()));
        let node = Node::Library(Library { label, kind: LibraryKind::Call(op) });
        self.add_node(c, label, node, inputs, outputs, span)
    }

    fn copy(&mut self, c: &mut Cursor, span: Option<Span>) -> Parsed<()> {
        c.eat_word("copy");
        let from = self.reference(c)?.memlet;
        c.expect("->")?;
        let to = self.reference(c)?.memlet;
        let dynamic = from.dynamic || to.dynamic;
        let source = self.source(&from, span);
        let target = self.target(&to, span);
        // At the border of a scope the memlet names the container outside.
        let crosses_out = matches!(self.nodes[target.0].0, Node::MapExit(_));
        let (near, far) = if crosses_out { (to, from) } else { (from, to) };
        self.edge(source, target, Some(Memlet { other: Some(far.subset), dynamic, ..near }));
        Ok(())
    }

    fn nested(&mut self, parser: &mut Parser, line: &Line) -> Result<(), ParseError> {
        let mut tail = line.cursor();
        let (label, symbols) = nested_head(parser, &mut tail).map_err(|fault| line.error(fault))?;
        let (mut inputs, mut outputs, mut inner) = (vec![], vec![], None);
        for line in &line.below {
            match line.cursor().peek_word() {
                "in" => inputs.push(line.read(|c| {
                    c.eat_word("in");
                    let conn = c.name("a container inside")?;
                    c.expect("=")?;
                    Ok((self.reference(c)?.memlet, conn))
                })?),
                "out" => outputs.push(line.read(|c| {
                    c.eat_word("out");
                    let memlet = self.written(c)?;
                    Ok((memlet, c.name("a container inside")?))
                })?),
                "sdfg" if inner.is_none() => inner = Some(parser.sdfg(line)?),
                _ => return Err(line.wrong("expected 'in', 'out' or one 'sdfg'", "")),
            }
        }
        let Some(inner) = inner else {
            return Err(line.wrong("the nested graph is missing", "add 'sdfg …' below"));
        };
        let node = Node::Nested(Nested { label, sdfg: inner.into(), symbols });
        self.add_node(&mut tail, label, node, inputs, outputs, line.span)
            .and_then(|()| tail.end())
            .map_err(|fault| line.error(fault))
    }

    // ---- the graph ---------------------------------------------------------------------

    fn finish(mut self) -> StateGraph {
        let mut graph = StateGraph::new();
        for (id, map) in self.maps {
            graph.insert_map(id, map);
        }
        let mut order = vec![];
        if let Some(state) = self.scopes.pop() {
            flatten(&state.items, &mut order);
        }
        let mut ids = vec![None; self.nodes.len()];
        for index in order {
            let (node, span) = self.nodes[index].clone();
            ids[index] = Some(graph.add_node(node, span));
        }
        let port = |end: End| Some(Port { node: ids[end.0]?, conn: end.1 });
        for (from, to, memlet) in self.edges {
            if let (Some(from), Some(to)) = (port(from), port(to)) {
                graph.connect(from, to, memlet);
            }
        }
        propagate(&mut graph, self.context.data, &self.context.facts);
        crate::sdfg::order(&mut graph, self.context.data, &self.context.facts);
        for (index, reads, memlet) in self.given {
            let Some(node) = ids[index] else { continue };
            let outside = if reads { graph.in_edges(node) } else { graph.out_edges(node) };
            let same = |m: &Option<Memlet>| m.as_ref().is_some_and(|m| m.data == memlet.data);
            let found = outside.iter().find(|e| same(&e.memlet)).map(|e| e.id);
            if let Some(edge) = found {
                *graph.memlet_mut(edge) = Some(memlet);
            }
        }
        graph
    }
}

fn flatten(items: &[Item], order: &mut Vec<Index>) {
    for item in items {
        match item {
            Item::Node(index) => order.push(*index),
            Item::Scope { before, entry, body, exit } => {
                order.extend(before);
                order.push(*entry);
                flatten(body, order);
                order.push(*exit);
            }
        }
    }
}

impl Reads {
    /// The connector that reads this; equal reads share one.
    fn connector(&mut self, memlet: Memlet, gathers: bool) -> Name {
        let same = |conn: &Name| self.gathered.contains(conn) == gathers;
        if let Some((_, conn)) = self.inputs.iter().find(|(m, conn)| *m == memlet && same(conn)) {
            return *conn;
        }
        let conn = self.fresh("in", self.inputs.len());
        if gathers {
            self.gathered.insert(conn);
        }
        self.inputs.push((memlet, conn));
        conn
    }

    fn fresh(&self, base: &str, count: usize) -> Name {
        (count..)
            .map(|i| Name::new(&format!("{base}{i}")))
            .find(|n| !self.taken.contains(n))
            .expect("a free name")
    }
}

/// Is the word that comes the name of an operation, and not that of a container that is assigned?
fn is_call(c: &Cursor) -> bool {
    let mut ahead = c.clone();
    ahead.take_word();
    ahead.sees_name() && !WCRS.iter().any(|row| ahead.sees(row.1))
}

/// `=`, `+=`, `min=`, ….
pub fn assign_op(c: &mut Cursor) -> Parsed<Option<Wcr>> {
    if c.sees("==") {
        return c.fault("expected '='");
    }
    if c.eat("=") {
        return Ok(None);
    }
    match WCRS.iter().find(|row| c.sees(row.1)) {
        Some(row) => {
            c.eat(row.1);
            Ok(Some(row.0))
        }
        None => {
            Err(Fault { at: c.at(), message: "expected '=' or an update such as '+='".into(), hint: None })
        }
    }
}

/// `nested L (N = EXPR, …)`.
pub fn nested_head(parser: &mut Parser, c: &mut Cursor) -> Parsed<(Name, BTreeMap<Name, Expr>)> {
    c.eat_word("nested");
    let label = if c.sees_name() { c.name("a label")? } else { parser.fresh("nested") };
    let mut symbols = BTreeMap::new();
    if c.sees("(") {
        let list = c.list("(", ")", |c| {
            let name = c.name("a symbol inside")?;
            c.expect("=")?;
            Ok((name, c.symbolic()?))
        })?;
        symbols.extend(list);
    }
    Ok((label, symbols))
}
