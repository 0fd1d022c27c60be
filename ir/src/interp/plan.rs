//! What the interpreter looks up once for each SDFG and state, instead of at every iteration.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::{Fault, Machine};
use crate::names::Name;
use crate::sdfg::{
    Block, BlockKind, Library, Lifetime, Map, MapId, Memlet, Nested, Node, NodeId, Place, Port, Scopes, Sdfg,
    StateGraph, Tasklet, Wcr,
};
use crate::symbolic::{Expr, Subset};
use crate::tasklet;

/// Plans by the address of what they are for, which stays put during a run.
#[derive(Default)]
pub struct Plans<'g> {
    sdfgs: HashMap<usize, Rc<SdfgPlan>>,
    states: HashMap<usize, Rc<StatePlan<'g>>>,
}

/// Containers by position in [`Sdfg::data`].
pub struct SdfgPlan {
    pub index: HashMap<Name, usize>,
    pub names: Vec<Name>,
    /// Transients that each iteration of a map has for itself.
    private: BTreeMap<MapId, Vec<usize>>,
}

pub struct StatePlan<'g> {
    pub steps: Vec<Step<'g>>,
    /// Transients used here that are not private to a map.
    pub shared: Vec<usize>,
}

pub enum Step<'g> {
    Tasklet(TaskletPlan<'g>),
    Map(MapPlan<'g>),
    Copy(CopyPlan<'g>),
    Nested(NestedPlan<'g>),
    Library(LibraryPlan<'g>),
}

/// A connector and the element that it carries.
pub struct Element<'g> {
    pub conn: Name,
    pub container: usize,
    pub index: Vec<&'g Expr>,
    pub wcr: Option<Wcr>,
}

pub struct TaskletPlan<'g> {
    pub place: Place,
    pub tasklet: &'g Tasklet,
    pub inputs: Vec<Element<'g>>,
    /// Connectors whose elements the code picks, and their containers.
    pub arrays: Vec<(Name, usize)>,
    pub outputs: Vec<Element<'g>>,
}

pub struct MapPlan<'g> {
    pub place: Place,
    pub map: &'g Map,
    /// Symbols that the ranges take from containers.
    pub dynamic: Vec<Element<'g>>,
    pub private: Vec<usize>,
    pub steps: Vec<Step<'g>>,
}

/// A box of a container; all of it without a subset.
pub struct Part<'g> {
    pub container: usize,
    pub subset: Option<&'g Subset>,
    pub wcr: Option<Wcr>,
}

pub struct CopyPlan<'g> {
    pub place: Place,
    pub from: Part<'g>,
    pub to: Part<'g>,
}

pub struct NestedPlan<'g> {
    pub place: Place,
    pub nested: &'g Nested,
    /// Inner containers and what they stand for.
    pub bindings: Vec<(Name, Part<'g>)>,
}

pub struct LibraryPlan<'g> {
    pub place: Place,
    pub library: &'g Library,
    pub operands: Vec<(Name, Part<'g>)>,
    pub results: Vec<(Name, Part<'g>)>,
}

fn internal(message: impl Into<String>, place: Place) -> Fault {
    Fault::Internal { message: message.into(), place }
}

impl<'g> Machine<'g> {
    pub fn plan(&mut self, sdfg: &'g Sdfg) -> Result<Rc<SdfgPlan>, Fault> {
        let key = std::ptr::from_ref(sdfg) as usize;
        if let Some(plan) = self.plans.sdfgs.get(&key) {
            return Ok(plan.clone());
        }
        let plan = Rc::new(SdfgPlan::of(sdfg)?);
        self.plans.sdfgs.insert(key, plan.clone());
        Ok(plan)
    }

    pub fn state_plan(
        &mut self,
        sdfg: &SdfgPlan,
        graph: &'g StateGraph,
        place: Place,
    ) -> Result<Rc<StatePlan<'g>>, Fault> {
        let key = std::ptr::from_ref(graph) as usize;
        if let Some(plan) = self.plans.states.get(&key) {
            return Ok(plan.clone());
        }
        let scopes = Scopes::of(graph).ok_or_else(|| internal("scopes do not nest", place))?;
        let order = graph.topological().ok_or_else(|| internal("cyclic state", place))?;
        let planner = Planner { sdfg, graph, scopes, order };
        let steps = planner.scope(None)?;
        let private: BTreeSet<usize> =
            graph.maps().flat_map(|(id, _)| sdfg.private.get(&id).into_iter().flatten().copied()).collect();
        let mut shared = BTreeSet::new();
        for (id, node) in graph.nodes() {
            if let Node::Access(name) = node {
                let at = planner.container(*name, Place::Node(id))?;
                if !private.contains(&at) {
                    shared.insert(at);
                }
            }
        }
        let plan = Rc::new(StatePlan { steps, shared: shared.into_iter().collect() });
        self.plans.states.insert(key, plan.clone());
        Ok(plan)
    }
}

/// Where a container is used: in conditions or several scopes, or only inside one map.
#[derive(Clone, PartialEq)]
enum Uses {
    Everywhere,
    /// The state, and the maps around all access nodes, outermost first.
    Inside(usize, Vec<MapId>),
}

impl SdfgPlan {
    fn of(sdfg: &Sdfg) -> Result<SdfgPlan, Fault> {
        let names: Vec<Name> = sdfg.data.keys().copied().collect();
        let index: HashMap<Name, usize> = names.iter().enumerate().map(|(i, &n)| (n, i)).collect();
        let mut uses: HashMap<Name, Uses> = HashMap::new();
        sdfg.body.walk(&mut |block| note_uses(block, &mut uses));
        let mut private: BTreeMap<MapId, Vec<usize>> = BTreeMap::new();
        for (at, (name, data)) in sdfg.data.iter().enumerate() {
            if data.transient
                && data.lifetime == Lifetime::Scope
                && let Some(Uses::Inside(_, maps)) = uses.get(name)
                && let Some(map) = maps.last()
            {
                private.entry(*map).or_default().push(at);
            }
        }
        Ok(SdfgPlan { index, names, private })
    }
}

fn note_uses(block: &Block, uses: &mut HashMap<Name, Uses>) {
    let mut read = |cond: &tasklet::Expr| {
        for name in cond.vars() {
            uses.insert(name, Uses::Everywhere);
        }
    };
    match &block.kind {
        BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => read(cond),
        BlockKind::Assign { value, .. } => read(value),
        BlockKind::Conditional { branches, .. } => branches.iter().for_each(|b| read(&b.0)),
        BlockKind::State(graph) => {
            let Some(scopes) = Scopes::of(graph) else { return };
            let state = std::ptr::from_ref(graph) as usize;
            for (id, node) in graph.nodes() {
                let Node::Access(name) = node else { continue };
                let mut around = scopes.enclosing(id);
                around.reverse();
                let all = match uses.get(name) {
                    None => Uses::Inside(state, around),
                    Some(Uses::Inside(other, maps)) if *other == state => {
                        let common = maps.iter().zip(&around).take_while(|(a, b)| a == b).count();
                        Uses::Inside(state, maps[..common].to_vec())
                    }
                    Some(_) => Uses::Everywhere,
                };
                uses.insert(*name, all);
            }
        }
        _ => {}
    }
}

struct Planner<'g, 'p> {
    sdfg: &'p SdfgPlan,
    graph: &'g StateGraph,
    scopes: Scopes,
    order: Vec<NodeId>,
}

impl<'g> Planner<'g, '_> {
    fn container(&self, name: Name, place: Place) -> Result<usize, Fault> {
        self.sdfg.index.get(&name).copied().ok_or_else(|| internal(format!("no container '{name}'"), place))
    }

    fn scope(&self, scope: Option<MapId>) -> Result<Vec<Step<'g>>, Fault> {
        let mut steps = vec![];
        for &id in self.order.iter().filter(|&&id| self.scopes.parent(id) == scope) {
            let place = Place::Node(id);
            match self.graph.node(id) {
                Node::Access(name) => self.copies(id, *name, &mut steps)?,
                Node::Tasklet(tasklet) => {
                    let picked = tasklet.arrays();
                    let (arrays, inputs): (Vec<_>, Vec<_>) =
                        self.elements(id, true)?.into_iter().partition(|e| picked.contains(&e.conn));
                    let arrays = arrays.into_iter().map(|e| (e.conn, e.container)).collect();
                    let outputs = self.elements(id, false)?;
                    steps.push(Step::Tasklet(TaskletPlan { place, tasklet, inputs, arrays, outputs }));
                }
                Node::MapEntry(map) => steps.push(Step::Map(self.map(id, *map)?)),
                Node::MapExit(_) => {}
                Node::Nested(nested) => steps.push(Step::Nested(self.nested(id, nested)?)),
                Node::Library(library) => {
                    let (operands, results) = (self.parts(id, true)?, self.parts(id, false)?);
                    steps.push(Step::Library(LibraryPlan { place, library, operands, results }));
                }
            }
        }
        Ok(steps)
    }

    fn map(&self, entry: NodeId, id: MapId) -> Result<MapPlan<'g>, Fault> {
        let place = Place::Map(id);
        let map = self.graph.get_map(id).ok_or_else(|| internal("unknown map", place))?;
        let leaving: BTreeSet<&str> = self
            .graph
            .out_edges(entry)
            .into_iter()
            .filter_map(|e| e.src.conn?.as_str().strip_prefix("OUT_"))
            .collect();
        let mut dynamic = vec![];
        for edge in self.graph.in_edges(entry) {
            if let Some(stem) = edge.dst.conn.and_then(|c| c.as_str().strip_prefix("IN_"))
                && !leaving.contains(stem)
                && let Some(memlet) = &edge.memlet
            {
                dynamic.push(self.element(Name::new(stem), memlet, place)?);
            }
        }
        let private = self.sdfg.private.get(&id).cloned().unwrap_or_default();
        Ok(MapPlan { place, map, dynamic, private, steps: self.scope(Some(id))? })
    }

    fn element(&self, conn: Name, memlet: &'g Memlet, place: Place) -> Result<Element<'g>, Fault> {
        let container = self.container(memlet.data, place)?;
        let index = memlet.subset.0.iter().map(|r| &r.begin).collect();
        Ok(Element { conn, container, index, wcr: memlet.wcr })
    }

    /// Edges of a node that carry data, with its connectors.
    fn memlets(&self, id: NodeId, inputs: bool) -> Vec<(Name, &'g Memlet)> {
        let edges = if inputs { self.graph.in_edges(id) } else { self.graph.out_edges(id) };
        let here = |port: Port| port.conn;
        edges
            .into_iter()
            .filter_map(|e| Some((here(if inputs { e.dst } else { e.src })?, e.memlet.as_ref()?)))
            .collect()
    }

    fn elements(&self, id: NodeId, inputs: bool) -> Result<Vec<Element<'g>>, Fault> {
        self.memlets(id, inputs).into_iter().map(|(conn, m)| self.element(conn, m, Place::Node(id))).collect()
    }

    fn parts(&self, id: NodeId, inputs: bool) -> Result<Vec<(Name, Part<'g>)>, Fault> {
        let part = |(conn, m): (Name, &'g Memlet)| {
            let container = self.container(m.data, Place::Node(id))?;
            Ok((conn, Part { container, subset: Some(&m.subset), wcr: m.wcr }))
        };
        self.memlets(id, inputs).into_iter().map(part).collect()
    }

    fn nested(&self, id: NodeId, nested: &'g Nested) -> Result<NestedPlan<'g>, Fault> {
        let mut bindings = self.parts(id, true)?;
        for (name, part) in self.parts(id, false)? {
            if !bindings.iter().any(|b| b.0 == name) {
                bindings.push((name, part));
            }
        }
        Ok(NestedPlan { place: Place::Node(id), nested, bindings })
    }

    /// Copies into an access node, then those that leave the scope from it.
    fn copies(&self, id: NodeId, name: Name, steps: &mut Vec<Step<'g>>) -> Result<(), Fault> {
        let here = |subset| Ok(Part { container: self.container(name, Place::Node(id))?, subset, wcr: None });
        for edge in self.graph.in_edges(id) {
            let Some(memlet) = &edge.memlet else { continue };
            let place = Place::Edge(edge.id);
            if matches!(self.graph.node(edge.src.node), Node::Access(_) | Node::MapEntry(_)) {
                let container = self.container(memlet.data, place)?;
                let from = Part { container, subset: Some(&memlet.subset), wcr: None };
                let to = Part { wcr: memlet.wcr, ..here(memlet.other.as_ref())? };
                steps.push(Step::Copy(CopyPlan { place, from, to }));
            }
        }
        for edge in self.graph.out_edges(id) {
            let Some(memlet) = &edge.memlet else { continue };
            let place = Place::Edge(edge.id);
            if matches!(self.graph.node(edge.dst.node), Node::MapExit(_)) {
                let container = self.container(memlet.data, place)?;
                let from = here(memlet.other.as_ref())?;
                let to = Part { container, subset: Some(&memlet.subset), wcr: memlet.wcr };
                steps.push(Step::Copy(CopyPlan { place, from, to }));
            }
        }
        Ok(())
    }
}
