//! One state: maps to loops, tasklets to stores.

use std::collections::{BTreeMap, BTreeSet};

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::{
    Edge, Lifetime, MapId, Memlet, Node, NodeId, Place, Schedule, Scopes, StateGraph, Tasklet,
};
use weft_ir::symbolic::Expr;

use super::slice::View;
use super::{Ctx, Env, Lowerer, Result, loop_over, refuse};
use crate::tree::{BufferId, LoopSchedule, Placement, Stmt, Value};

/// A state being lowered.
pub(super) struct State<'g> {
    pub graph: &'g StateGraph,
    scopes: Scopes,
    order: Vec<NodeId>,
}

impl Lowerer {
    pub(super) fn state(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        graph: &StateGraph,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let (Some(order), Some(scopes)) = (graph.topological(), Scopes::of(graph)) else {
            return refuse(Place::Whole, "a state has a cycle or scopes that do not nest");
        };
        self.scope(env, ctx, &State { graph, scopes, order }, None, out)
    }

    /// The nodes directly in a scope, in an order that follows the edges.
    fn scope(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        state: &State,
        scope: Option<MapId>,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        for &id in state.order.iter().filter(|&&id| state.scopes.parent(id) == scope) {
            match state.graph.node(id) {
                Node::Access(_) => {
                    for edge in state.graph.in_edges(id) {
                        self.edge_copy(env, ctx, state, edge, out)?;
                    }
                }
                Node::Tasklet(tasklet) => self.tasklet(env, ctx, state, id, tasklet, out)?,
                Node::MapEntry(map) => self.map(env, ctx, state, id, *map, out)?,
                // Belongs to the scope around it; its copies were made inside.
                Node::MapExit(_) => {}
                Node::Nested(nested) => {
                    let memlets = self.bound(state.graph, id)?;
                    self.nested(env, ctx, nested, &memlets, Place::Node(id), out)?;
                }
                Node::Library(library) => self.library(env, ctx, state.graph, id, library, out)?,
            }
        }
        Ok(())
    }

    /// The copy that an edge into an access node makes, if it makes one.
    fn edge_copy(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        state: &State,
        edge: &Edge,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let (Some(memlet), Node::Access(to)) = (&edge.memlet, state.graph.node(edge.dst.node)) else {
            return Ok(());
        };
        match state.graph.node(edge.src.node) {
            Node::Access(from) => self.copy(env, ctx, *from, *to, memlet, Place::Edge(edge.id), out),
            Node::MapEntry(_) => {
                let from =
                    if memlet.data == *to { outermost(state.graph, edge, true) } else { Some(memlet.data) };
                let Some(from) = from else { return refuse(Place::Edge(edge.id), "a copy from nowhere") };
                self.copy(env, ctx, from, *to, memlet, Place::Edge(edge.id), out)
            }
            _ => Ok(()),
        }
    }

    fn map(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        state: &State,
        entry: NodeId,
        id: MapId,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let map = state.graph.map(id);
        let place = Place::Map(id);
        let mut env = env.clone();
        self.dynamic_ranges(&mut env, state.graph, entry, out)?;
        let schedules = loop_schedules(map.schedule, map.params.len(), ctx.in_parallel);
        let Some(schedules) = schedules else {
            return refuse(place, format!("map '{}' is scheduled for the GPU", map.label));
        };
        let mut inner = ctx.clone();
        inner.leave_direct();
        inner.in_map = true;
        let mut loops = vec![];
        let mut waiting = None;
        for ((param, range), schedule) in map.params.iter().zip(schedules) {
            let range = env.range(range);
            if inner.facts.le(&range.extent(), &Expr::zero()).is_yes() {
                return Ok(());
            }
            // A single iteration has nothing to share; the next dimension may.
            let mut schedule = waiting.take().unwrap_or(schedule);
            if inner.facts.le(&range.extent(), &Expr::one()).is_yes() {
                waiting = (schedule == LoopSchedule::Parallel).then_some(schedule);
                schedule = LoopSchedule::Sequential;
            }
            let var = self.names.fresh(param.as_str());
            env.bind(*param, var);
            inner = self.enter(&inner, var, &range);
            inner.in_parallel |= schedule == LoopSchedule::Parallel;
            let mut l = loop_over(var, range, schedule, vec![]);
            l.span = state.graph.span(entry);
            loops.push(l);
        }
        self.privatize(&mut env, state, id);
        let mut body = vec![];
        self.scope(&env, &inner, state, Some(id), &mut body)?;
        if let Some((_, exit)) = state.graph.map_nodes(id) {
            for edge in state.graph.in_edges(exit) {
                self.copy_out(&env, &inner, state.graph, edge, &mut body)?;
            }
        }
        for mut l in loops.into_iter().rev() {
            l.body = body;
            body = vec![Stmt::For(l)];
        }
        out.append(&mut body);
        Ok(())
    }

    /// A transient that only the nodes inside of a map touch, and no edge leads in or out of it, is
    /// private to an iteration: memory of its own, even where other scopes use the same name.
    fn privatize(&mut self, env: &mut Env, state: &State, map: MapId) {
        let Some((entry, exit)) = state.graph.map_nodes(map) else { return };
        let crossing = state.graph.in_edges(entry).into_iter().chain(state.graph.out_edges(entry));
        let crossing = crossing.chain(state.graph.in_edges(exit)).chain(state.graph.out_edges(exit));
        let crossing: BTreeSet<Name> = crossing.filter_map(|e| Some(e.memlet.as_ref()?.data)).collect();
        let mut local: BTreeSet<Name> = BTreeSet::new();
        for (id, node) in state.graph.nodes() {
            if let Node::Access(name) = node
                && state.scopes.enclosing(id).contains(&map)
                && !crossing.contains(name)
            {
                local.insert(*name);
            }
        }
        for name in local {
            let Some(data) = env.sdfg.data.get(&name) else { continue };
            if data.transient && data.lifetime == Lifetime::Scope {
                let shape: Vec<Expr> = data.shape.iter().map(|e| env.expr(e)).collect();
                let strides: Vec<Expr> = data.strides.iter().map(|e| env.expr(e)).collect();
                let id = self.buffer(name, data.dtype, &shape, &strides, Placement::Heap);
                self.private.insert(id);
                env.views.insert(name, View::whole(id, &shape));
            }
        }
    }

    /// The copy that an edge from an access node in a scope out of the scope makes.
    fn copy_out(
        &mut self,
        env: &Env,
        ctx: &Ctx,
        graph: &StateGraph,
        edge: &Edge,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let (Some(memlet), Node::Access(from)) = (&edge.memlet, graph.node(edge.src.node)) else {
            return Ok(());
        };
        let to = if memlet.data == *from { outermost(graph, edge, false) } else { Some(memlet.data) };
        let Some(to) = to else { return refuse(Place::Edge(edge.id), "a copy to nowhere") };
        self.copy(env, ctx, *from, to, memlet, Place::Edge(edge.id), out)
    }

    /// Symbols of the ranges that arrive as data: `IN_x` without `OUT_x`.
    fn dynamic_ranges(
        &mut self,
        env: &mut Env,
        graph: &StateGraph,
        entry: NodeId,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let leaving: Vec<Name> = graph.out_edges(entry).iter().filter_map(|e| e.src.conn).collect();
        for edge in graph.in_edges(entry) {
            let (Some(conn), Some(memlet)) = (edge.dst.conn, &edge.memlet) else { continue };
            let stem = conn.as_str().strip_prefix("IN_").unwrap_or(conn.as_str());
            if leaving.contains(&Name::new(&format!("OUT_{stem}"))) {
                continue;
            }
            let place = Place::Edge(edge.id);
            let (buffer, index) = self.element(env, memlet, place)?;
            if self.dtype(buffer) != DType::I64 {
                return refuse(place, "the bound of a map is not i64");
            }
            let symbol = self.names.fresh(stem);
            self.mutable.insert(symbol);
            env.bind(Name::new(stem), symbol);
            out.push(Stmt::Assign { symbol, value: Value::Load { buffer, index } });
        }
        Ok(())
    }

    /// The element that a memlet selects.
    pub(super) fn element(&self, env: &Env, memlet: &Memlet, place: Place) -> Result<(BufferId, Vec<Expr>)> {
        let Some(view) = env.views.get(&memlet.data) else {
            return refuse(place, format!("container '{}' is not known here", memlet.data));
        };
        if view.rank() == 0 {
            return Ok((view.buffer, view.index(&[])));
        }
        let subset = memlet.subset.subst(&|n| env.symbol(n));
        let single = |r: &weft_ir::symbolic::Range| r.is_index().is_some() || r.size().is_one();
        if subset.rank() != view.rank() || !subset.0.iter().all(single) {
            return refuse(place, format!("{}[{}] is not one element", memlet.data, memlet.subset));
        }
        let at: Vec<Expr> = subset.0.into_iter().map(|r| r.begin).collect();
        Ok((view.buffer, view.index(&at)))
    }

    fn tasklet(
        &mut self,
        env: &Env,
        _ctx: &Ctx,
        state: &State,
        id: NodeId,
        tasklet: &Tasklet,
        out: &mut Vec<Stmt>,
    ) -> Result<()> {
        let place = Place::Node(id);
        let mut vars: BTreeMap<Name, Value> = BTreeMap::new();
        let (picked, mut arrays) = (tasklet.arrays(), BTreeMap::new());
        for edge in state.graph.in_edges(id) {
            let (Some(conn), Some(memlet)) = (edge.dst.conn, &edge.memlet) else { continue };
            if picked.contains(&conn) {
                arrays.insert(conn, memlet.data);
                continue;
            }
            let (buffer, index) = self.element(env, memlet, place)?;
            vars.insert(conn, Value::Load { buffer, index });
        }
        let outputs: Vec<(Name, &Memlet)> = state
            .graph
            .out_edges(id)
            .into_iter()
            .filter_map(|e| Some((e.src.conn?, e.memlet.as_ref()?)))
            .collect();
        for (i, assign) in tasklet.code.iter().enumerate() {
            let named = |n| vars.get(&n).cloned();
            let value = self.value(env, &assign.value, &named, &|n| arrays.get(&n).copied(), place)?;
            let later =
                tasklet.code[i + 1..].iter().map(|a| count_uses(&a.value, assign.target)).sum::<usize>();
            let stores = outputs.iter().filter(|(conn, _)| *conn == assign.target).count();
            // Several outputs: all values are there before the first is written.
            let keep = later + stores > 1 || (outputs.len() > 1 && stores > 0);
            let value = if keep && value.size() > 0 && !matches!(value, Value::Lit(_) | Value::Local(_)) {
                let dtype = crate::typing::dtype_of(&value, &self.buffers, &|n| self.local_type(n));
                let dtype = dtype.map_err(|m| super::LowerError { place, message: m })?;
                let name = self.names.fresh(assign.target.as_str());
                self.locals.insert(name, dtype);
                out.push(Stmt::Let { name, dtype, value });
                Value::Local(name)
            } else {
                value
            };
            vars.insert(assign.target, value);
        }
        for (conn, memlet) in outputs {
            let Some(value) = vars.get(&conn).cloned() else {
                return refuse(place, format!("output '{conn}' is not assigned"));
            };
            let (buffer, index) = self.element(env, memlet, place)?;
            out.push(match memlet.wcr {
                None => Stmt::Store { buffer, index, value },
                Some(op) => Stmt::Combine { buffer, index, op, value, atomic: false },
            });
        }
        Ok(())
    }

    fn local_type(&self, name: Name) -> Option<DType> {
        self.locals.get(&name).copied()
    }

    /// The memlet of every connector of a nested SDFG.
    fn bound(&self, graph: &StateGraph, id: NodeId) -> Result<BTreeMap<Name, Memlet>> {
        let mut found: BTreeMap<Name, Memlet> = BTreeMap::new();
        let inputs = graph.in_edges(id).into_iter().map(|e| (e.dst.conn, e));
        let outputs = graph.out_edges(id).into_iter().map(|e| (e.src.conn, e));
        for (conn, edge) in inputs.chain(outputs) {
            let (Some(conn), Some(memlet)) = (conn, &edge.memlet) else { continue };
            let place = Place::Edge(edge.id);
            if memlet.wcr.is_some() {
                return refuse(place, "write-conflict resolution on the output of a nested SDFG");
            }
            if let Some(other) = found.insert(conn, memlet.clone())
                && (other.data != memlet.data || other.subset != memlet.subset)
            {
                return refuse(place, format!("'{conn}' stands for two different subsets"));
            }
        }
        Ok(found)
    }
}

fn count_uses(expr: &weft_ir::tasklet::Expr, name: Name) -> usize {
    let mut n = 0;
    expr.visit(&mut |e| n += (*e == weft_ir::tasklet::Expr::Var(name)) as usize);
    n
}

/// The container at the far end of the path of an edge through map entries (or exits).
fn outermost(graph: &StateGraph, edge: &Edge, reads: bool) -> Option<Name> {
    let mut edge = edge.clone();
    // No path is longer than the number of edges.
    for _ in 0..graph.edges().count() {
        let port = if reads { edge.src } else { edge.dst };
        if let Node::Access(name) = graph.node(port.node) {
            return Some(*name);
        }
        let stem = port.conn?.as_str().split_once('_')?.1;
        let next = if reads { graph.in_edges(port.node) } else { graph.out_edges(port.node) };
        let partner = Name::new(&format!("{}{stem}", if reads { "IN_" } else { "OUT_" }));
        edge = next
            .into_iter()
            .find(|e| (if reads { e.dst.conn } else { e.src.conn }) == Some(partner))?
            .clone();
    }
    None
}

/// One schedule a dimension, before the body is known; `None` for schedules of a GPU.
fn loop_schedules(schedule: Schedule, dims: usize, in_parallel: bool) -> Option<Vec<LoopSchedule>> {
    let outer = match schedule {
        Schedule::Sequential => return Some(vec![LoopSchedule::Sequential; dims]),
        Schedule::GpuDevice | Schedule::GpuThreadBlock => return None,
        Schedule::Parallel if !in_parallel => LoopSchedule::Parallel,
        Schedule::Default | Schedule::Parallel | Schedule::Vector => LoopSchedule::Unordered,
    };
    let mut schedules = vec![LoopSchedule::Unordered; dims];
    if let Some(last) = schedules.last_mut() {
        *last = LoopSchedule::Vector;
    }
    if outer == LoopSchedule::Parallel
        && let Some(first) = schedules.first_mut()
    {
        *first = LoopSchedule::Parallel;
    }
    Some(schedules)
}
