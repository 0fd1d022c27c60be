//! One substitution of names for a whole region: symbols, containers, labels.

use std::collections::BTreeSet;
use std::sync::Arc;

use weft_ir::Name;
use weft_ir::sdfg::{Block, BlockKind, Edge, Library, LibraryKind, Memlet, Node, Region, StateGraph};
use weft_ir::symbolic::{Expr, Subset};
use weft_ir::tasklet;

/// What names become. Names that are defined inside are renamed by `defined` before `symbol` is asked.
pub struct Rewrite<'a> {
    /// A free symbol's value.
    pub symbol: &'a dyn Fn(Name) -> Option<Expr>,
    /// Loop variables, assigned symbols and map parameters.
    pub defined: &'a dyn Fn(Name) -> Name,
    /// Where a container's elements are: element `x` is `subset[x]` of the other one.
    pub container: &'a dyn Fn(Name) -> Option<(Name, Option<Subset>)>,
    pub label: &'a dyn Fn(Name) -> Name,
}

/// Symbols that a region gives values to: loop variables, assigned symbols, map parameters.
pub fn defined_symbols(region: &Region) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    region.walk(&mut |block| match &block.kind {
        BlockKind::Loop { var, .. } => {
            found.insert(*var);
        }
        BlockKind::Assign { symbol, .. } => {
            found.insert(*symbol);
        }
        BlockKind::State(graph) => {
            for (id, map) in graph.maps() {
                found.extend(map.params.iter().map(|p| p.0));
                // Dynamic inputs of the map.
                if let Some((entry, _)) = graph.map_nodes(id) {
                    found.extend(dynamic_inputs(graph, entry));
                }
            }
        }
        _ => {}
    });
    found
}

/// Names of the dynamic inputs of a map entry.
pub fn dynamic_inputs(graph: &StateGraph, entry: weft_ir::sdfg::NodeId) -> Vec<Name> {
    let passed: BTreeSet<Option<Name>> =
        graph.out_edges(entry).iter().map(|e| e.src.conn.map(crate::nest::partner)).collect();
    let ins = graph.in_edges(entry);
    let dynamic = ins.iter().filter(|e| e.memlet.is_some() && !passed.contains(&e.dst.conn));
    dynamic.filter_map(|e| Some(Name::new(e.dst.conn?.as_str().strip_prefix("IN_")?))).collect()
}

/// Symbols that a region uses, those that it defines included; containers of conditions are not.
pub fn used_symbols(region: &Region) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    region.walk(&mut |block| match &block.kind {
        BlockKind::State(graph) => state_symbols(graph, &mut found),
        BlockKind::Loop { range, .. } => {
            found.extend(range_symbols(range));
        }
        BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => found.extend(cond.symbols()),
        BlockKind::Conditional { branches, .. } => {
            branches.iter().for_each(|(c, _)| found.extend(c.symbols()));
        }
        BlockKind::Assign { value, .. } => found.extend(value.symbols()),
        BlockKind::Break | BlockKind::Continue | BlockKind::Return => {}
    });
    found
}

fn range_symbols(range: &weft_ir::symbolic::Range) -> BTreeSet<Name> {
    [&range.begin, &range.end, &range.step].into_iter().flat_map(|e| e.free_symbols()).collect()
}

fn state_symbols(graph: &StateGraph, found: &mut BTreeSet<Name>) {
    for (_, map) in graph.maps() {
        map.params.iter().for_each(|(_, r)| found.extend(range_symbols(r)));
    }
    for memlet in graph.edges().filter_map(|e| e.memlet.as_ref()) {
        for subset in [Some(&memlet.subset), memlet.other.as_ref()].into_iter().flatten() {
            subset.0.iter().for_each(|r| found.extend(range_symbols(r)));
        }
    }
    for (_, node) in graph.nodes() {
        match node {
            Node::Tasklet(t) => t.code.iter().for_each(|a| found.extend(a.value.symbols())),
            Node::Nested(n) => n.symbols.values().for_each(|e| found.extend(e.free_symbols())),
            Node::Library(Library { kind: LibraryKind::Foreign(f), .. }) => {
                f.symbols.values().for_each(|e| found.extend(e.free_symbols()));
            }
            _ => {}
        }
    }
}

impl Rewrite<'_> {
    fn sym(&self, name: Name) -> Option<Expr> {
        let renamed = (self.defined)(name);
        if renamed != name { Some(Expr::sym(renamed)) } else { (self.symbol)(name) }
    }

    pub fn expr(&self, e: &Expr) -> Expr {
        e.subst(&|n| self.sym(n))
    }

    /// Conditions and assigned values; scalar containers must become scalar containers.
    fn condition(&self, e: &tasklet::Expr) -> tasklet::Expr {
        let e = e.subst_symbols(&|n| self.sym(n));
        e.subst_vars(&|n| Some(tasklet::Expr::Var((self.container)(n)?.0)))
    }

    pub fn memlet(&self, memlet: &Memlet, inside: Option<Name>) -> Memlet {
        let mut out = memlet.subst(&|n| self.sym(n));
        let place = |name: Name, subset: &Subset| match (self.container)(name) {
            Some((to, Some(part))) => (to, Subset::compose(&part, subset)),
            Some((to, None)) => (to, subset.clone()),
            None => (name, subset.clone()),
        };
        (out.data, out.subset) = place(memlet.data, &out.subset);
        if let (Some(other), Some(inside)) = (&out.other, inside) {
            out.other = Some(place(inside, other).1);
        }
        out
    }

    pub fn region(&self, region: &Region) -> Region {
        Region { blocks: region.blocks.iter().map(|b| Arc::new(self.block(b))).collect() }
    }

    fn block(&self, block: &Block) -> Block {
        let kind = match &block.kind {
            BlockKind::State(graph) => BlockKind::State(self.state(graph)),
            BlockKind::Loop { var, range, body } => BlockKind::Loop {
                var: (self.defined)(*var),
                range: range.subst(&|n| self.sym(n)),
                body: self.region(body),
            },
            BlockKind::While { cond, body } => {
                BlockKind::While { cond: self.condition(cond), body: self.region(body) }
            }
            BlockKind::Conditional { branches, otherwise } => BlockKind::Conditional {
                branches: branches.iter().map(|(c, r)| (self.condition(c), self.region(r))).collect(),
                otherwise: self.region(otherwise),
            },
            BlockKind::Assign { symbol, value } => {
                BlockKind::Assign { symbol: (self.defined)(*symbol), value: self.condition(value) }
            }
            BlockKind::Check { cond, message } => {
                BlockKind::Check { cond: self.condition(cond), message: message.clone() }
            }
            BlockKind::Break => BlockKind::Break,
            BlockKind::Continue => BlockKind::Continue,
            BlockKind::Return => BlockKind::Return,
        };
        Block { id: block.id, label: (self.label)(block.label), span: block.span, kind }
    }

    pub fn state(&self, graph: &StateGraph) -> StateGraph {
        let mut out = StateGraph::new();
        for (id, map) in graph.maps() {
            let mut map = map.clone();
            map.label = (self.label)(map.label);
            for (name, range) in &mut map.params {
                *range = range.subst(&|n| self.sym(n));
                *name = (self.defined)(*name);
            }
            out.insert_map(id, map);
        }
        for (id, node) in graph.nodes() {
            out.insert_node(id, self.node(node), graph.span(id));
        }
        for edge in graph.edges() {
            let mut edge: Edge = edge.clone();
            if let Some(memlet) = &edge.memlet {
                let accessed = |n: &Node| if let Node::Access(d) = n { Some(*d) } else { None };
                let ends = [accessed(graph.node(edge.src.node)), accessed(graph.node(edge.dst.node))];
                // The other end of a copy: the destination, or the side that is inside of a map.
                let inside = match ends {
                    [Some(_), Some(to)] => Some(to),
                    [from, to] => from.or(to),
                };
                edge.memlet = Some(self.memlet(memlet, inside));
            }
            if let Node::MapEntry(_) = graph.node(edge.dst.node)
                && let Some(stem) = edge.dst.conn.and_then(|c| c.as_str().strip_prefix("IN_"))
            {
                let dynamic = dynamic_inputs(graph, edge.dst.node);
                if dynamic.iter().any(|d| d.as_str() == stem) {
                    let renamed = (self.defined)(Name::new(stem));
                    edge.dst.conn = Some(Name::new(&format!("IN_{renamed}")));
                }
            }
            out.insert_edge(edge);
        }
        out
    }

    fn node(&self, node: &Node) -> Node {
        let mut node = node.clone();
        match &mut node {
            Node::Access(name) => *name = (self.container)(*name).map_or(*name, |c| c.0),
            Node::Tasklet(t) => {
                t.label = (self.label)(t.label);
                for assign in &mut t.code {
                    assign.value = assign.value.subst_symbols(&|n| self.sym(n));
                }
            }
            Node::Nested(n) => {
                n.label = (self.label)(n.label);
                n.symbols.values_mut().for_each(|e| *e = self.expr(e));
            }
            Node::Library(l) => {
                l.label = (self.label)(l.label);
                if let LibraryKind::Foreign(foreign) = &mut l.kind {
                    Arc::make_mut(foreign).symbols.values_mut().for_each(|e| *e = self.expr(e));
                }
            }
            Node::MapEntry(_) | Node::MapExit(_) => {}
        }
        node
    }
}
