//! Access sets: every element that a state, a map scope or a region may read and write, in order.

use std::collections::BTreeSet;

use crate::names::Name;
use crate::sdfg::{
    Block, BlockId, BlockKind, Edge, LibraryKind, MapId, Memlet, Nested, Node, NodeId, Place, Region, Scopes,
    Sdfg, StateGraph, Wcr,
};
use crate::symbolic::{Assumptions, Expr, Range, Subset};
use crate::tasklet;

/// One read or write of a container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Access {
    pub data: Name,
    pub subset: Subset,
    pub write: bool,
    /// Write-conflict resolution of a write.
    pub wcr: Option<Wcr>,
    /// All of the subset is touched whenever this runs; otherwise at most the subset.
    pub exact: bool,
    /// Runs in every iteration of its `params`, not only under some condition.
    pub always: bool,
    /// Map parameters and loop variables around the access, within the part that was asked about,
    /// outermost first. `None` is a symbol of which only the name is known.
    pub params: Vec<(Name, Option<Range>)>,
    /// The node or edge where it happens; block for conditions.
    pub place: Place,
}

impl Access {
    /// The subset over all values of `params`: the hull, or `None` where that is not known.
    pub fn hull(&self, facts: &Assumptions) -> Option<Subset> {
        let params: Option<Vec<(Name, Range)>> =
            self.params.iter().map(|(n, r)| Some((*n, r.clone()?))).collect();
        self.subset.image(&params?, facts)
    }
}

/// Everything that a state reads and writes, in a topological order.
pub fn accesses_of_state(sdfg: &Sdfg, graph: &StateGraph) -> Vec<Access> {
    let mut collector = Collector::new(sdfg);
    collector.state(graph, None);
    collector.found
}

/// Everything that one iteration of a map reads and writes; the map's own parameters are free.
pub fn accesses_of_scope(sdfg: &Sdfg, graph: &StateGraph, map: MapId) -> Vec<Access> {
    let mut collector = Collector::new(sdfg);
    collector.state(graph, Some(map));
    collector.found
}

/// Everything that a region reads and writes, in order of execution.
pub fn accesses_of_region(sdfg: &Sdfg, region: &Region) -> Vec<Access> {
    let mut collector = Collector::new(sdfg);
    collector.assigned(region);
    collector.region(region);
    collector.found
}

struct Collector<'a> {
    sdfg: &'a Sdfg,
    found: Vec<Access>,
    params: Vec<(Name, Option<Range>)>,
    always: bool,
}

impl<'a> Collector<'a> {
    fn new(sdfg: &'a Sdfg) -> Collector<'a> {
        Collector { sdfg, found: vec![], params: vec![], always: true }
    }

    /// Symbols that the region assigns have unknown values in it.
    fn assigned(&mut self, region: &Region) {
        let mut symbols = BTreeSet::new();
        region.walk(&mut |block| {
            if let BlockKind::Assign { symbol, .. } = &block.kind {
                symbols.insert(*symbol);
            }
        });
        self.params.extend(symbols.into_iter().map(|s| (s, None)));
    }

    fn push(&mut self, data: Name, subset: Subset, write: Option<Option<Wcr>>, exact: bool, place: Place) {
        let unknown = self.params.iter().any(|(n, r)| r.is_none() && subset.contains(*n));
        self.found.push(Access {
            data,
            write: write.is_some(),
            wcr: write.flatten(),
            exact: exact && !unknown,
            always: self.always,
            params: self.params.clone(),
            place,
            subset,
        });
    }

    fn read_scalars(&mut self, expr: &tasklet::Expr, place: Place) {
        for name in expr.vars() {
            if self.sdfg.data.contains_key(&name) {
                self.push(name, Subset::default(), None, true, place);
            }
        }
    }

    fn region(&mut self, region: &Region) {
        let always = self.always;
        for block in &region.blocks {
            self.block(block);
            // After a block that may leave the region, nothing is sure to run.
            if leaves(block) {
                self.always = false;
            }
        }
        self.always = always;
    }

    fn block(&mut self, block: &Block) {
        let place = Place::Block(block.id);
        match &block.kind {
            BlockKind::State(graph) => self.state(graph, None),
            BlockKind::Loop { var, range, body } => {
                self.params.push((*var, Some(range.clone())));
                self.region(body);
                self.params.pop();
            }
            BlockKind::While { cond, body } => {
                self.read_scalars(cond, place);
                let always = std::mem::replace(&mut self.always, false);
                self.region(body);
                self.always = always;
            }
            BlockKind::Conditional { branches, otherwise } => {
                let always = self.always;
                for (cond, body) in branches {
                    self.read_scalars(cond, place);
                    self.always = false;
                    self.region(body);
                }
                self.region(otherwise);
                self.always = always;
            }
            BlockKind::Assign { value, .. } => self.read_scalars(value, place),
            BlockKind::Check { cond, .. } => self.read_scalars(cond, place),
            BlockKind::Break | BlockKind::Continue | BlockKind::Return => {}
        }
    }

    /// The accesses of a state, or of one iteration of one of its maps.
    fn state(&mut self, graph: &StateGraph, within: Option<MapId>) {
        let (Some(order), Some(scopes)) = (graph.topological(), Scopes::of(graph)) else { return };
        let outside = self.params.len();
        for id in order {
            let mut maps = scopes.enclosing(id);
            if let Node::MapEntry(map) | Node::MapExit(map) = graph.node(id) {
                // The edges inside of an entry are looked at from their inner ends.
                if within == Some(*map) {
                    continue;
                }
            }
            if let Some(map) = within {
                match maps.iter().position(|m| *m == map) {
                    Some(at) => maps.truncate(at),
                    None => continue,
                }
            }
            self.params.truncate(outside);
            for map in maps.iter().rev() {
                let params = graph.map(*map).params.iter().map(|(n, r)| (*n, Some(r.clone())));
                self.params.extend(params);
            }
            self.node(graph, id);
        }
        self.params.truncate(outside);
    }

    fn node(&mut self, graph: &StateGraph, id: NodeId) {
        match graph.node(id) {
            Node::Access(name) => self.copies(graph, id, *name),
            Node::MapEntry(_) => {
                let passed: BTreeSet<Option<Name>> =
                    graph.out_edges(id).iter().filter_map(|e| partner(e.src.conn)).map(Some).collect();
                for edge in graph.in_edges(id) {
                    if let Some(memlet) = &edge.memlet
                        && !passed.contains(&edge.dst.conn)
                    {
                        self.push(memlet.data, memlet.subset.clone(), None, !memlet.dynamic, Place::Node(id));
                    }
                }
            }
            Node::MapExit(_) => {}
            Node::Tasklet(_) => self.plain(graph, id, true),
            Node::Library(library) => {
                let exact = match &library.kind {
                    LibraryKind::Call(op) => op.reads_all(),
                    LibraryKind::Foreign(_) => false,
                    _ => true,
                };
                self.plain(graph, id, exact);
            }
            Node::Nested(nested) => self.nested(graph, id, nested),
        }
    }

    /// Reads, then writes, as the memlets say.
    fn plain(&mut self, graph: &StateGraph, id: NodeId, exact: bool) {
        let place = Place::Node(id);
        for memlet in graph.in_edges(id).into_iter().filter_map(|e| e.memlet.as_ref()) {
            self.push(memlet.data, memlet.subset.clone(), None, exact && !memlet.dynamic, place);
        }
        for memlet in graph.out_edges(id).into_iter().filter_map(|e| e.memlet.as_ref()) {
            self.push(memlet.data, memlet.subset.clone(), Some(memlet.wcr), exact && !memlet.dynamic, place);
        }
    }

    /// Copies into an access node, and out of a scope from one.
    fn copies(&mut self, graph: &StateGraph, id: NodeId, name: Name) {
        let full = |this: &Self| this.sdfg.data.get(&name).map(|d| d.full_subset()).unwrap_or_default();
        for edge in graph.in_edges(id) {
            let Some(memlet) = copy_into(graph, edge) else { continue };
            let place = Place::Edge(edge.id);
            self.push(memlet.data, memlet.subset.clone(), None, !memlet.dynamic, place);
            let to = memlet.other.clone().unwrap_or_else(|| full(self));
            self.push(name, to, Some(memlet.wcr), !memlet.dynamic && memlet.other.is_some(), place);
        }
        for edge in graph.out_edges(id) {
            let Some(memlet) = &edge.memlet else { continue };
            if matches!(graph.node(edge.dst.node), Node::MapExit(_)) {
                let place = Place::Edge(edge.id);
                let from = memlet.other.clone().unwrap_or_else(|| full(self));
                self.push(name, from, None, !memlet.dynamic && memlet.other.is_some(), place);
                self.push(memlet.data, memlet.subset.clone(), Some(memlet.wcr), !memlet.dynamic, place);
            }
        }
    }

    /// The accesses inside a nested SDFG, in terms of the containers outside.
    fn nested(&mut self, graph: &StateGraph, id: NodeId, nested: &Nested) {
        let place = Place::Node(id);
        let binding = |name: Name, write: bool| -> Option<&Memlet> {
            let ins = graph.in_edges(id).into_iter().find(|e| e.dst.conn == Some(name));
            let outs = graph.out_edges(id).into_iter().find(|e| e.src.conn == Some(name));
            (if write { outs.or(ins) } else { ins.or(outs) })?.memlet.as_ref()
        };
        for inner in accesses_of_region(&nested.sdfg, &nested.sdfg.body) {
            if nested.sdfg.data.get(&inner.data).is_none_or(|d| d.transient) {
                continue;
            }
            let Some(memlet) = binding(inner.data, inner.write) else { continue };
            let mut renamed: Vec<(Name, Name)> = vec![];
            let mut params = vec![];
            let subst = |renamed: &[(Name, Name)], n: Name| match renamed.iter().rev().find(|r| r.0 == n) {
                Some((_, to)) => Some(Expr::sym(*to)),
                None => nested.symbols.get(&n).cloned(),
            };
            for (name, range) in &inner.params {
                let range = range.as_ref().map(|r| r.subst(&|n| subst(&renamed, n)));
                let unique = Name::new(&format!("{name}'{}", id.index()));
                renamed.push((*name, unique));
                params.push((unique, range));
            }
            let part = inner.subset.subst(&|n| subst(&renamed, n));
            let before = self.params.len();
            self.params.extend(params);
            let always = self.always;
            self.always = always && inner.always;
            let write = inner.write.then_some(inner.wcr.or(memlet.wcr));
            let unit = memlet.subset.0.iter().all(|r| r.step.is_one());
            let subset = if unit { Subset::compose(&memlet.subset, &part) } else { memlet.subset.clone() };
            self.push(memlet.data, subset, write, unit && inner.exact, place);
            self.always = always;
            self.params.truncate(before);
        }
    }
}

fn partner(conn: Option<Name>) -> Option<Name> {
    Some(Name::new(&format!("IN_{}", conn?.as_str().strip_prefix("OUT_")?)))
}

/// The memlet of an edge that copies into its access node.
fn copy_into<'e>(graph: &StateGraph, edge: &'e Edge) -> Option<&'e Memlet> {
    let copies = matches!(graph.node(edge.src.node), Node::Access(_) | Node::MapEntry(_));
    if copies { edge.memlet.as_ref() } else { None }
}

/// May the block end the iteration or the call that it is in?
fn leaves(block: &Block) -> bool {
    match &block.kind {
        BlockKind::Break | BlockKind::Continue | BlockKind::Return => true,
        _ => block.regions().into_iter().any(|r| r.blocks.iter().any(|b| leaves(b))),
    }
}

/// Adds that the variables of the loops around a block are in their ranges.
pub fn facts_around(sdfg: &Sdfg, block: BlockId, facts: &mut Assumptions) {
    fn walk(region: &Region, block: BlockId, facts: &mut Assumptions) -> bool {
        let Some(at) = region
            .blocks
            .iter()
            .find(|b| b.id == block || b.regions().into_iter().any(|r| r.find(block).is_some()))
        else {
            return false;
        };
        if at.id == block {
            return true;
        }
        if let BlockKind::Loop { var, range, .. } = &at.kind {
            facts.assume_in(*var, range);
        }
        at.regions().into_iter().any(|r| walk(r, block, facts))
    }
    walk(&sdfg.body, block, facts);
}

/// Everything that holds at a place: guards, extents, loops and maps around it. For a map, its own
/// parameters are not included.
pub fn facts_at(sdfg: &Sdfg, place: Place) -> Assumptions {
    let mut facts = sdfg.assumptions();
    if let Place::Block(block) = place {
        facts_around(sdfg, block, &mut facts);
        return facts;
    }
    for (block, graph) in sdfg.states() {
        let node = match place {
            Place::Node(id) if graph.contains(id) => id,
            Place::Edge(id) if graph.get_edge(id).is_some() => {
                let edge = graph.edge(id);
                // The end that is further inside.
                if matches!(graph.node(edge.src.node), Node::MapEntry(_)) {
                    edge.dst.node
                } else {
                    edge.src.node
                }
            }
            Place::Map(id) if graph.get_map(id).is_some() => match graph.map_nodes(id) {
                Some((entry, _)) => entry,
                None => continue,
            },
            _ => continue,
        };
        facts_around(sdfg, block.id, &mut facts);
        if let Some(scopes) = Scopes::of(graph) {
            for (name, range) in scopes.params(graph, node) {
                facts.assume_in(name, &range);
            }
        }
    }
    facts
}
