//! The explicit form of a state, both ways, and the pieces that the short form shares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cursor::{Cursor, Parsed, quoted, string};
use super::lines::Line;
use super::parse::{Context, Parser, no_lines_below};
use super::short::nested_head;
use super::{ParseError, SCHEDULES, WCRS, header, schedule_name, wcr_name};
use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::sdfg::{
    Foreign, Library, LibraryKind, LibraryOp, Map, MapId, Memlet, Nested, Node, NodeId, Port, Schedule,
    StateGraph, Tasklet, Wcr,
};
use crate::symbolic::{Range, Subset};
use crate::tasklet::{Assign, parse as expr};

/// Connectors of a tasklet with their types.
type Connectors = Vec<(Name, DType)>;

// ---- pieces ----------------------------------------------------------------------------

/// `A[i, 0:N]?`
pub fn ref_text(data: Name, subset: &Subset, dynamic: bool) -> String {
    let brackets = if subset.rank() == 0 { String::new() } else { format!("[{subset}]") };
    format!("{}{brackets}{}", quoted(data), if dynamic { "?" } else { "" })
}

/// `A[i, 0:N]? as [..] with sum`
pub fn memlet_text(memlet: &Memlet) -> String {
    let mut out = ref_text(memlet.data, &memlet.subset, memlet.dynamic);
    if let Some(other) = &memlet.other {
        out += &format!(" as [{other}]");
    }
    if let Some(op) = memlet.wcr {
        out += &format!(" with {}", wcr_name(op));
    }
    out
}

pub fn memlet(c: &mut Cursor, context: &Context) -> Parsed<Memlet> {
    c.peek();
    let at = c.at();
    let data = c.name("a container")?;
    if !context.data.contains_key(&data) {
        return c.fault_at(at, format!("no container '{data}'"), "");
    }
    let subset = c.subset()?;
    let dynamic = c.eat("?");
    let other = if c.eat_word("as") { Some(Subset(c.list("[", "]", |c| c.range())?)) } else { None };
    let wcr = if c.eat_word("with") { Some(wcr_word(c)?) } else { None };
    Ok(Memlet { data, subset, other, wcr, dynamic })
}

pub fn wcr_word(c: &mut Cursor) -> Parsed<Wcr> {
    c.peek();
    let (at, word) = (c.at(), c.take_word());
    match WCRS.iter().find(|row| wcr_name(row.0) == word) {
        Some(row) => Ok(row.0),
        None => {
            c.fault_at(at, format!("unknown operation '{word}'"), "one of sum, product, min, max, and, or")
        }
    }
}

/// `over 0, 1 from 0.0`
pub fn reduce_tail(c: &mut Cursor) -> Parsed<(Vec<usize>, Option<Scalar>)> {
    let mut axes = vec![];
    if c.eat_word("over") {
        loop {
            axes.push(c.integer()? as usize);
            if !c.eat(",") {
                break;
            }
        }
    }
    let identity = if c.eat_word("from") { Some(expr::parse_scalar(c)?) } else { None };
    Ok((axes, identity))
}

pub fn reduce_tail_text(axes: &[usize], identity: Option<Scalar>) -> String {
    let mut out = String::new();
    if !axes.is_empty() {
        let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
        out += &format!(" over {}", axes.join(", "));
    }
    if let Some(identity) = identity {
        out += &format!(" from {}", crate::tasklet::scalar_text(identity));
    }
    out
}

/// ` full`, where an operation has a flag that is set.
pub fn flag_text(op: LibraryOp) -> String {
    op.flag().map_or(String::new(), |flag| format!(" {flag}"))
}

/// `0:N`, with both ends even where there is one element.
pub fn range_text(range: &Range) -> String {
    if range.step.is_one() {
        return format!("{}:{}", range.begin, range.end);
    }
    range.to_string()
}

pub fn params(c: &mut Cursor) -> Parsed<Vec<(Name, Range)>> {
    c.list("[", "]", |c| {
        let name = c.name("a map parameter")?;
        c.expect("=")?;
        Ok((name, c.range()?))
    })
}

pub fn schedule(c: &mut Cursor) -> Parsed<Schedule> {
    let found = SCHEDULES.into_iter().find(|s| c.peek_word() == schedule_name(*s));
    if found.is_some() {
        c.take_word();
    }
    Ok(found.unwrap_or_default())
}

/// `map L [i = 0:N] parallel`
pub fn map_text(map: &Map) -> String {
    let params: Vec<String> =
        map.params.iter().map(|(n, r)| format!("{} = {}", quoted(*n), range_text(r))).collect();
    let schedule = schedule_name(map.schedule);
    let space = if schedule.is_empty() { "" } else { " " };
    format!("map {} [{}]{space}{schedule}", quoted(map.label), params.join(", "))
}

/// `nested L (N = N)`
pub fn nested_text(nested: &Nested) -> String {
    let symbols: Vec<String> = nested.symbols.iter().map(|(n, e)| format!("{} = {e}", quoted(*n))).collect();
    let list = if symbols.is_empty() { String::new() } else { format!(" ({})", symbols.join(", ")) };
    format!("nested {}{list}", quoted(nested.label))
}

// ---- parse -----------------------------------------------------------------------------

struct Reader<'c, 's> {
    context: &'c Context<'s>,
    graph: StateGraph,
    nodes: BTreeMap<u64, NodeId>,
    maps: BTreeMap<Name, MapId>,
}

pub fn parse(parser: &mut Parser, lines: &[Line], context: &Context) -> Result<StateGraph, ParseError> {
    let mut reader =
        Reader { context, graph: StateGraph::new(), nodes: BTreeMap::new(), maps: BTreeMap::new() };
    for line in lines {
        if line.cursor().peek_word() == "edge" {
            no_lines_below(line)?;
            line.read(|c| reader.edge(c))?;
            continue;
        }
        let (number, node) = reader.node(parser, line)?;
        let id = reader.graph.add_node(node, line.span);
        if reader.nodes.insert(number, id).is_some() {
            return Err(line.wrong(format!("%{number} is there already"), ""));
        }
    }
    Ok(reader.graph)
}

impl Reader<'_, '_> {
    fn edge(&mut self, c: &mut Cursor) -> Parsed<()> {
        c.eat_word("edge");
        let src = self.port(c)?;
        c.expect("->")?;
        let dst = self.port(c)?;
        let memlet = if c.eat(":") { Some(memlet(c, self.context)?) } else { None };
        self.graph.connect(src, dst, memlet);
        Ok(())
    }

    fn port(&self, c: &mut Cursor) -> Parsed<Port> {
        c.expect("%")?;
        let at = c.at();
        let number = c.integer()?;
        let Some(&node) = self.nodes.get(&number) else {
            return c.fault_at(at, format!("no node %{number} above"), "");
        };
        let conn = if c.eat(".") { Some(c.name("a connector")?) } else { None };
        Ok(Port { node, conn })
    }

    fn node(&mut self, parser: &mut Parser, line: &Line) -> Result<(u64, Node), ParseError> {
        let mut c = line.cursor();
        let c = &mut c;
        let fail = |fault| line.error(fault);
        let number = c.expect("%").and_then(|()| c.integer()).map_err(fail)?;
        c.expect("=").map_err(fail)?;
        let word = c.peek_word();
        if !matches!(word, "tasklet" | "nested") {
            no_lines_below(line)?;
        }
        let node = match word {
            "tasklet" => Node::Tasklet(tasklet(c, line)?),
            "nested" => {
                let (label, symbols) = nested_head(parser, c).map_err(fail)?;
                let [inner] = &line.below[..] else {
                    return Err(line.wrong("expected one 'sdfg' below", ""));
                };
                Node::Nested(Nested { label, sdfg: parser.sdfg(inner)?.into(), symbols })
            }
            _ => self.plain(c).map_err(fail)?,
        };
        c.end().map_err(fail)?;
        Ok((number, node))
    }

    fn plain(&mut self, c: &mut Cursor) -> Parsed<Node> {
        c.peek();
        let at = c.at();
        let word = c.take_word();
        Ok(match word {
            "access" => {
                let data = c.name("a container")?;
                if !self.context.data.contains_key(&data) {
                    return c.fault_at(at, format!("no container '{data}'"), "");
                }
                Node::Access(data)
            }
            "map" => {
                let map = Map { label: c.name("a label")?, params: params(c)?, schedule: schedule(c)? };
                let id = MapId::new();
                if self.maps.insert(map.label, id).is_some() {
                    return c.fault_at(at, format!("map '{}' is there already", map.label), "");
                }
                self.graph.insert_map(id, map);
                Node::MapEntry(id)
            }
            "exit" => {
                let label = c.name("the label of a map")?;
                match self.maps.get(&label) {
                    Some(id) => Node::MapExit(*id),
                    None => return c.fault_at(at, format!("no map '{label}' above"), ""),
                }
            }
            "matmul" => {
                let label = c.name("a label")?;
                let trans_a = c.eat_word("trans_a");
                let trans_b = c.eat_word("trans_b");
                Node::Library(Library { label, kind: LibraryKind::MatMul { trans_a, trans_b } })
            }
            "reduce" => {
                let label = c.name("a label")?;
                let op = wcr_word(c)?;
                let (axes, identity) = reduce_tail(c)?;
                Node::Library(Library { label, kind: LibraryKind::Reduce { op, axes, identity } })
            }
            "foreign" => {
                let (label, foreign) = foreign(c)?;
                Node::Library(Library { label, kind: LibraryKind::Foreign(Arc::new(foreign)) })
            }
            _ if LibraryOp::from_name(word, |_| false).is_some() => {
                let label = c.name("a label")?;
                let op = LibraryOp::from_name(word, |flag| c.eat_word(flag));
                Node::Library(Library { label, kind: LibraryKind::Call(op.expect("a known name")) })
            }
            _ => {
                let hint =
                    "nodes are access, map, exit, tasklet, nested, matmul, reduce, or a library operation";
                return c.fault_at(at, format!("unknown node '{word}'"), hint);
            }
        })
    }
}

fn tasklet(c: &mut Cursor, line: &Line) -> Result<Tasklet, ParseError> {
    let connectors = |c: &mut Cursor| {
        c.list("(", ")", |c| {
            let name = c.name("a connector")?;
            c.expect(":")?;
            Ok((name, header::dtype(c)?))
        })
    };
    c.eat_word("tasklet");
    let head = |c: &mut Cursor| -> Parsed<(Name, Connectors, Connectors)> {
        let label = c.name("a label")?;
        let inputs = connectors(c)?;
        c.expect("->")?;
        Ok((label, inputs, connectors(c)?))
    };
    let (label, inputs, outputs) = head(c).map_err(|fault| line.error(fault))?;
    let mut known: BTreeSet<Name> = inputs.iter().map(|i| i.0).collect();
    let mut code = vec![];
    for line in &line.below {
        no_lines_below(line)?;
        let assign = line.read(|c| {
            let target = c.name("a target")?;
            c.expect("=")?;
            let value = expr::parse_at(c, &mut |_, name, _| Ok(expr::leaf(name, known.contains(&name))))?;
            Ok(Assign { target, value })
        })?;
        known.insert(assign.target);
        code.push(assign);
    }
    Ok(Tasklet { label, inputs, outputs, code })
}

// ---- print -----------------------------------------------------------------------------

/// The lines of a state, each with its indentation below the state's, and the node it shows.
pub fn lines(
    graph: &StateGraph,
    nested: &mut dyn FnMut(&Nested) -> Vec<String>,
) -> Vec<(usize, String, Option<NodeId>)> {
    let order = graph.topological().unwrap_or_else(|| graph.node_ids().collect());
    let number: BTreeMap<NodeId, usize> = order.iter().enumerate().map(|(i, &id)| (id, i + 1)).collect();
    let mut out = vec![];
    for &id in &order {
        let head = format!("%{} = ", number[&id]);
        let mut below = vec![];
        let text = match graph.node(id) {
            Node::Access(data) => format!("access {}", quoted(*data)),
            Node::MapEntry(map) => map_text(graph.map(*map)),
            Node::MapExit(map) => format!("exit {}", quoted(graph.map(*map).label)),
            Node::Tasklet(t) => {
                below = assigns(t);
                format!(
                    "tasklet {} ({}) -> ({})",
                    quoted(t.label),
                    connectors(&t.inputs),
                    connectors(&t.outputs)
                )
            }
            Node::Nested(n) => {
                below = nested(n);
                nested_text(n)
            }
            Node::Library(l) => library_text(l),
        };
        out.push((0, head + &text, Some(id)));
        out.extend(below.into_iter().map(|text| (1, text, None)));
    }
    for edge in graph.edges() {
        let port = |p: Port| {
            let conn = p.conn.map(|c| format!(".{}", quoted(c))).unwrap_or_default();
            format!("%{}{conn}", number[&p.node])
        };
        let memlet = edge.memlet.as_ref().map(|m| format!(" : {}", memlet_text(m))).unwrap_or_default();
        out.push((0, format!("edge {} -> {}{memlet}", port(edge.src), port(edge.dst)), None));
    }
    out
}

fn connectors(list: &[(Name, DType)]) -> String {
    list.iter().map(|(n, t)| format!("{}: {t}", quoted(*n))).collect::<Vec<_>>().join(", ")
}

/// The assignments of a tasklet by connector names.
pub fn assigns(t: &Tasklet) -> Vec<String> {
    let mut known: BTreeSet<Name> = t.inputs.iter().map(|i| i.0).collect();
    let mut out = vec![];
    for Assign { target, value } in &t.code {
        out.push(format!("{} = {}", quoted(*target), value.to_text(&|n| known.contains(&n))));
        known.insert(*target);
    }
    out
}

fn library_text(l: &Library) -> String {
    match &l.kind {
        LibraryKind::MatMul { trans_a, trans_b } => {
            let flag = |on: bool, name: &str| if on { format!(" {name}") } else { String::new() };
            format!("matmul {}{}{}", quoted(l.label), flag(*trans_a, "trans_a"), flag(*trans_b, "trans_b"))
        }
        LibraryKind::Reduce { op, axes, identity } => {
            format!("reduce {} {}{}", quoted(l.label), wcr_name(*op), reduce_tail_text(axes, *identity))
        }
        LibraryKind::Call(op) => format!("{} {}{}", op.name(), quoted(l.label), flag_text(*op)),
        LibraryKind::Foreign(f) => {
            let names = |list: &[Name]| list.iter().map(|n| quoted(*n)).collect::<Vec<_>>().join(", ");
            let symbols: Vec<String> =
                f.symbols.iter().map(|(n, e)| format!("{} = {e}", quoted(*n))).collect();
            let (ins, outs, symbols) = (names(&f.inputs), names(&f.outputs), symbols.join(", "));
            format!("foreign {} ({ins}) -> ({outs}) using ({symbols}) {}", quoted(l.label), foreign_text(f))
        }
    }
}

/// `"a stream" json "{…}"`
pub fn foreign_text(foreign: &Foreign) -> String {
    format!("{} json {}", string(&foreign.reason), string(&foreign.json))
}

/// The reason and the JSON.
pub fn foreign_tail(c: &mut Cursor) -> Parsed<Foreign> {
    let reason = c.string()?;
    if !c.eat_word("json") {
        return c.fault("expected 'json'");
    }
    Ok(Foreign { reason, json: c.string()?, ..Foreign::default() })
}

/// `foreign L (inputs) -> (outputs) using (N = N) "…" json "…"` after its first word.
fn foreign(c: &mut Cursor) -> Parsed<(Name, Foreign)> {
    let label = c.name("a label")?;
    let inputs = c.list("(", ")", |c| c.name("a connector"))?;
    c.expect("->")?;
    let outputs = c.list("(", ")", |c| c.name("a connector"))?;
    if !c.eat_word("using") {
        return c.fault("expected 'using'");
    }
    let symbols = c.list("(", ")", |c| {
        let name = c.name("a symbol")?;
        c.expect("=")?;
        Ok((name, c.symbolic()?))
    })?;
    Ok((label, Foreign { inputs, outputs, symbols: symbols.into_iter().collect(), ..foreign_tail(c)? }))
}
