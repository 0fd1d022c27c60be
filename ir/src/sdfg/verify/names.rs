//! Names, the interface, and nesting: invariants 1 to 5 and 10.

use std::collections::{HashMap, HashSet};

use super::{Checker, MAX_NESTING, each_symbol};
use crate::names::Name;
use crate::sdfg::{Block, BlockKind, Guard, Node, Place, Region, StateGraph};
use crate::symbolic::Expr;

impl Checker<'_, '_> {
    /// Whether the blocks are not nested too deep.
    pub fn nesting(&mut self) -> bool {
        if depth_of(&self.sdfg.body, self.depth) {
            return true;
        }
        self.report(Place::Whole, format!("blocks, maps and nested graphs are more than {MAX_NESTING} deep"));
        false
    }

    pub fn names(&mut self) {
        let sdfg = self.sdfg;
        self.interface();
        let mut seen = Seen::default();
        for &name in sdfg.data.keys() {
            self.role(&mut seen, name, "a container", Place::Whole);
        }
        for &name in sdfg.symbols.keys() {
            self.role(&mut seen, name, "a free symbol", Place::Whole);
        }
        sdfg.body.walk(&mut |block| self.block_names(block, &mut seen));
        self.containers();
        for guard in &sdfg.guards {
            let (Guard::NonNegative(e) | Guard::Zero(e)) = guard;
            self.free_only(e, "a guard");
        }
    }

    fn interface(&mut self) {
        let sdfg = self.sdfg;
        let mut listed = HashSet::new();
        for &name in &sdfg.args {
            if !listed.insert(name) {
                self.report(Place::Whole, format!("argument '{name}' is listed twice"));
            }
            match sdfg.data.get(&name) {
                Some(data) if data.transient => {
                    self.report(Place::Whole, format!("argument '{name}' is transient"));
                }
                None if !sdfg.symbols.contains_key(&name) => {
                    self.report(Place::Whole, format!("argument '{name}' does not exist"));
                }
                _ => {}
            }
        }
        for &name in &sdfg.returns {
            if !listed.insert(name) {
                self.report(Place::Whole, format!("result '{name}' is listed twice"));
            }
            match sdfg.data.get(&name) {
                Some(data) if data.transient => {
                    self.report(Place::Whole, format!("result '{name}' is transient"));
                }
                None => self.report(Place::Whole, format!("result '{name}' is not a container")),
                _ => {}
            }
        }
        for (name, data) in &sdfg.data {
            if !data.transient && !listed.contains(name) && !self.nested {
                let message = format!("container '{name}' is neither transient nor an argument nor a result");
                self.report(Place::Whole, message);
            }
        }
        for (name, dtype) in &sdfg.symbols {
            if !dtype.is_int() {
                self.report(Place::Whole, format!("symbol '{name}' has type {dtype}, which is no integer"));
            }
        }
    }

    fn containers(&mut self) {
        for (name, data) in &self.sdfg.data {
            if data.shape.len() != data.strides.len() {
                let (rank, strides) = (data.shape.len(), data.strides.len());
                self.report(Place::Whole, format!("container '{name}' of rank {rank} has {strides} strides"));
            }
            if let Some(n) = data.shape.iter().filter_map(Expr::as_int).find(|&n| n < 0) {
                self.report(Place::Whole, format!("container '{name}' has the extent {n}"));
            }
            if !data.transient {
                for e in data.shape.iter().chain(&data.strides) {
                    self.free_only(e, &format!("the shape of '{name}'"));
                }
            }
        }
    }

    fn free_only(&mut self, e: &Expr, what: &str) {
        each_symbol(e, &mut |symbol| {
            if !self.sdfg.symbols.contains_key(&symbol) {
                self.report(Place::Whole, format!("{what} uses '{symbol}', which is not a free symbol"));
            }
        });
    }

    fn block_names(&mut self, block: &Block, seen: &mut Seen) {
        let place = Place::Block(block.id);
        self.label(seen, block.label, place);
        if !seen.ids.insert(block.id.index()) {
            self.report(place, format!("the id of block '{}' is used twice", block.label));
        }
        match &block.kind {
            BlockKind::Loop { var, .. } => self.role(seen, *var, "a loop variable", place),
            BlockKind::Assign { symbol, .. } => self.role(seen, *symbol, "an assigned symbol", place),
            BlockKind::State(graph) => self.state_names(graph, seen),
            _ => {}
        }
    }

    fn state_names(&mut self, graph: &StateGraph, seen: &mut Seen) {
        for (id, map) in graph.maps() {
            let place = Place::Map(id);
            self.label(seen, map.label, place);
            self.id(seen, id.index(), place);
            for &(param, _) in &map.params {
                self.role(seen, param, "a map parameter", place);
            }
        }
        for (id, node) in graph.nodes() {
            let place = Place::Node(id);
            self.id(seen, id.index(), place);
            match node {
                Node::Tasklet(t) => self.label(seen, t.label, place),
                Node::Nested(n) => self.label(seen, n.label, place),
                Node::Library(l) => self.label(seen, l.label, place),
                Node::MapEntry(map) => {
                    for input in super::state::dynamic_inputs(graph, id) {
                        self.role(seen, input, "a dynamic input", Place::Map(*map));
                    }
                }
                _ => {}
            }
        }
        for edge in graph.edges() {
            self.id(seen, edge.id.index(), Place::Edge(edge.id));
        }
    }

    fn label(&mut self, seen: &mut Seen, label: Name, place: Place) {
        if !seen.labels.insert(label) {
            self.report(place, format!("label '{label}' is used twice"));
        }
    }

    fn id(&mut self, seen: &mut Seen, id: u32, place: Place) {
        if !seen.ids.insert(id) {
            self.report(place, format!("the id of {place:?} is used twice"));
        }
    }

    fn role(&mut self, seen: &mut Seen, name: Name, role: &'static str, place: Place) {
        let shareable = matches!(role, "a loop variable" | "an assigned symbol");
        match seen.roles.insert(name, role) {
            Some(other) if other != role || !shareable => {
                let message =
                    if other == role { format!("two are '{name}'") } else { format!("another is {other}") };
                self.report(place, format!("{role} has the name '{name}': {message}"));
            }
            _ => {}
        }
    }
}

#[derive(Default)]
struct Seen {
    labels: HashSet<Name>,
    ids: HashSet<u32>,
    roles: HashMap<Name, &'static str>,
}

/// Whether nothing is deeper than allowed.
fn depth_of(region: &Region, depth: usize) -> bool {
    depth <= MAX_NESTING
        && region.blocks.iter().all(|b| b.regions().into_iter().all(|r| depth_of(r, depth + 1)))
}
