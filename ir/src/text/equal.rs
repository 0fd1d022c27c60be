//! Equality up to ids: graphs are brought to a canonical numbering and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::explicit::{assigns, map_text, memlet_text, nested_text};
use crate::names::Name;
use crate::sdfg::{Block, BlockKind, Edge, Node, NodeId, Port, Region, Sdfg, StateGraph, Tasklet};
use crate::tasklet::{Assign, Expr};

/// Equal up to ids, spans, the source, connector names of tasklets and maps, and several
/// connectors for one read. Never true for different graphs; false where two access nodes of
/// one container cannot be told apart by what is around them, but are not interchangeable.
pub fn equivalent(a: &Sdfg, b: &Sdfg) -> bool {
    a.name == b.name
        && a.args == b.args
        && a.symbols == b.symbols
        && a.data == b.data
        && a.returns == b.returns
        && a.guards == b.guards
        && regions(&a.body, &b.body)
}

fn regions(a: &Region, b: &Region) -> bool {
    a.blocks.len() == b.blocks.len() && a.blocks.iter().zip(&b.blocks).all(|(a, b)| blocks(a, b))
}

fn blocks(a: &Block, b: &Block) -> bool {
    if a.label != b.label {
        return false;
    }
    match (&a.kind, &b.kind) {
        (BlockKind::State(a), BlockKind::State(b)) => states(a, b),
        (BlockKind::Loop { var: v, range: r, body: x }, BlockKind::Loop { var: w, range: s, body: y }) => {
            v == w && r == s && regions(x, y)
        }
        (BlockKind::While { cond: c, body: x }, BlockKind::While { cond: d, body: y }) => {
            c == d && regions(x, y)
        }
        (
            BlockKind::Conditional { branches: p, otherwise: x },
            BlockKind::Conditional { branches: q, otherwise: y },
        ) => {
            p.len() == q.len()
                && p.iter().zip(q).all(|((c, x), (d, y))| c == d && regions(x, y))
                && regions(x, y)
        }
        (BlockKind::State(_), _) | (_, BlockKind::State(_)) => false,
        (a, b) => a == b,
    }
}

/// Equality of states, as in [`equivalent`].
pub fn states(a: &StateGraph, b: &StateGraph) -> bool {
    let count = |g: &StateGraph| (g.node_ids().count(), g.maps().count());
    if count(a) != count(b) {
        return false;
    }
    let (x, y) = (Canonical::of(a), Canonical::of(b));
    x.nodes == y.nodes
        && x.edges == y.edges
        && x.nested.iter().zip(&y.nested).all(|(&i, &j)| match (a.node(i), b.node(j)) {
            (Node::Nested(m), Node::Nested(n)) => equivalent(&m.sdfg, &n.sdfg),
            _ => false,
        })
}

/// Nodes and edges in an order that does not depend on ids.
struct Canonical {
    nodes: Vec<String>,
    edges: Vec<(usize, usize, String)>,
    nested: Vec<NodeId>,
}

/// A node, or a pair of connectors of a map entry or exit, which becomes a node of its own.
type Vertex = (NodeId, Option<Name>);

impl Canonical {
    fn of(graph: &StateGraph) -> Canonical {
        let mut labels: BTreeMap<Vertex, String> = BTreeMap::new();
        let mut edges: BTreeSet<(Vertex, Vertex, String)> = BTreeSet::new();
        let mut renamed: BTreeMap<(NodeId, Name), String> = BTreeMap::new();
        for (id, node) in graph.nodes() {
            let label = match node {
                Node::Access(data) => format!("access {data}"),
                Node::MapEntry(map) => map_text(graph.map(*map)),
                Node::MapExit(map) => format!("exit {}", graph.map(*map).label),
                Node::Tasklet(t) => tasklet(graph, id, t, &mut renamed),
                Node::Nested(n) => nested_text(n),
                Node::Library(l) => format!("{l:?}"),
            };
            labels.insert((id, None), label);
        }
        for edge in graph.edges() {
            let (from, src) = end(graph, edge.src, &renamed);
            let (to, dst) = end(graph, edge.dst, &renamed);
            for vertex in [from, to] {
                if let (id, Some(stem)) = vertex
                    && !labels.contains_key(&vertex)
                {
                    let dynamic = !paired(graph, id, stem);
                    labels.insert(vertex, if dynamic { format!("input {stem}") } else { "pair".into() });
                    edges.insert(((id, None), vertex, "pair".into()));
                }
            }
            let memlet = edge.memlet.as_ref().map(memlet_text).unwrap_or_default();
            // Equal reads of a tasklet fall together here.
            edges.insert((from, to, format!("{src} {dst} {memlet}")));
        }
        number(graph, &labels, &edges)
    }
}

fn stem(port: Port) -> Option<Name> {
    let (_, stem) = port.conn?.as_str().split_once('_')?;
    Some(Name::new(stem))
}

/// Where an edge ends, and the connector's text there.
fn end(graph: &StateGraph, port: Port, renamed: &BTreeMap<(NodeId, Name), String>) -> (Vertex, String) {
    if matches!(graph.node(port.node), Node::MapEntry(_) | Node::MapExit(_))
        && let Some(stem) = stem(port)
    {
        return ((port.node, Some(stem)), String::new());
    }
    let conn = match port.conn {
        Some(conn) => renamed.get(&(port.node, conn)).cloned().unwrap_or_else(|| conn.to_string()),
        None => "-".into(),
    };
    ((port.node, None), conn)
}

/// Has a stem edges on both sides of a map entry or exit?
fn paired(graph: &StateGraph, id: NodeId, name: Name) -> bool {
    let side = |edges: Vec<&Edge>, port: fn(&Edge) -> Port| edges.iter().any(|e| stem(port(e)) == Some(name));
    side(graph.in_edges(id), |e| e.dst) && side(graph.out_edges(id), |e| e.src)
}

/// The text of a tasklet with connectors named by their first use.
fn tasklet(
    graph: &StateGraph,
    id: NodeId,
    t: &Tasklet,
    renamed: &mut BTreeMap<(NodeId, Name), String>,
) -> String {
    let mut used: Vec<Name> = vec![];
    for assign in &t.code {
        assign.value.visit(&mut |e| {
            if let Expr::Var(name) | Expr::Index(name, _) = e {
                used.push(*name);
            }
        });
    }
    let is_input = |n: &Name| t.inputs.iter().any(|i| i.0 == *n);
    let ordered = used.into_iter().filter(is_input).chain(t.inputs.iter().map(|i| i.0));
    let mut source: BTreeMap<Name, String> = BTreeMap::new();
    for edge in graph.in_edges(id) {
        if let (Some(conn), Some(memlet)) = (edge.dst.conn, &edge.memlet) {
            let text = source.entry(conn).or_default();
            *text += &format!("{:?} {} ", edge.src, memlet_text(memlet));
        }
    }
    let mut names: BTreeMap<Name, Name> = BTreeMap::new();
    let mut by_source: BTreeMap<(String, &str), Name> = BTreeMap::new();
    let mut inputs = vec![];
    for conn in ordered {
        if names.contains_key(&conn) {
            continue;
        }
        let dtype = t.inputs.iter().find(|i| i.0 == conn).map_or("", |i| i.1.short());
        let fresh = Name::new(&format!("%{}", inputs.len()));
        let name = match source.get(&conn) {
            Some(text) => *by_source.entry((text.clone(), dtype)).or_insert(fresh),
            None => fresh,
        };
        if name == fresh {
            inputs.push((name, dtype));
        }
        names.insert(conn, name);
    }
    let assigned = t.code.iter().map(|a| a.target).filter(|n| t.outputs.iter().any(|o| o.0 == *n));
    let mut outputs = vec![];
    for conn in assigned.chain(t.outputs.iter().map(|o| o.0)) {
        names.entry(conn).or_insert_with(|| {
            let name = Name::new(&format!("%out{}", outputs.len()));
            outputs.push((name, t.outputs.iter().find(|o| o.0 == conn).map_or("", |o| o.1.short())));
            name
        });
    }
    let rename = |n: Name| names.get(&n).copied().unwrap_or(n);
    let code = t.code.iter().map(|a| Assign {
        target: rename(a.target),
        value: a.value.subst_vars(&|n| Some(Expr::Var(rename(n)))),
    });
    let named = Tasklet { code: code.collect(), ..t.clone() };
    for (conn, name) in names {
        renamed.insert((id, conn), name.to_string());
    }
    format!("tasklet {} {inputs:?} {outputs:?} {:?}", t.label, assigns(&named))
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Orders the vertices by what is around them, refined until nothing more is told apart.
fn number(
    graph: &StateGraph,
    labels: &BTreeMap<Vertex, String>,
    edges: &BTreeSet<(Vertex, Vertex, String)>,
) -> Canonical {
    let index: BTreeMap<Vertex, usize> = labels.keys().enumerate().map(|(i, &v)| (v, i)).collect();
    let texts: Vec<&String> = labels.values().collect();
    let links: Vec<(usize, usize, u64)> =
        edges.iter().map(|(a, b, t)| (index[a], index[b], hash(t))).collect();
    let mut colors: Vec<u64> = texts.iter().map(hash).collect();
    let classes = |colors: &[u64]| colors.iter().collect::<BTreeSet<_>>().len();
    let mut count = classes(&colors);
    loop {
        let mut around: Vec<Vec<(u8, u64, u64)>> = vec![vec![]; colors.len()];
        for &(a, b, text) in &links {
            around[a].push((0, text, colors[b]));
            around[b].push((1, text, colors[a]));
        }
        for list in &mut around {
            list.sort_unstable();
        }
        colors = colors.iter().zip(&around).map(|(c, list)| hash((c, list))).collect();
        let now = classes(&colors);
        if now <= count {
            break;
        }
        count = now;
    }
    let mut order: Vec<usize> = (0..colors.len()).collect();
    order.sort_by_key(|&i| (colors[i], i));
    let mut place = vec![0; order.len()];
    for (at, &i) in order.iter().enumerate() {
        place[i] = at;
    }
    let mut numbered: Vec<(usize, usize, String)> =
        edges.iter().map(|(a, b, t)| (place[index[a]], place[index[b]], t.clone())).collect();
    numbered.sort();
    let vertices: Vec<Vertex> = labels.keys().copied().collect();
    let is_nested = |id: &NodeId| matches!(graph.node(*id), Node::Nested(_));
    Canonical {
        nodes: order.iter().map(|&i| texts[i].clone()).collect(),
        edges: numbered,
        nested: order.iter().map(|&i| vertices[i].0).filter(is_nested).collect(),
    }
}
