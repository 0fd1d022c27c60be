//! What is particular to tasklets, library nodes and nested SDFGs: invariants 12 and 16 to 19.

use std::collections::{BTreeMap, HashMap};

use super::edges::{possible, resolves};
use super::state::State;
use super::{Checker, check};
use crate::DType;
use crate::dtype::Scalar;
use crate::names::Name;
use crate::sdfg::{
    BlockKind, Data, Edge, Library, LibraryKind, MapId, Memlet, Nested, Node, NodeId, Place, Sdfg, Tasklet,
    Wcr,
};
use crate::symbolic::{Expr, Range, Subset};
use crate::tasklet::{Expr as E, TypeError, type_of};

impl Checker<'_, '_> {
    pub fn node(&mut self, state: &State, id: NodeId, node: &Node) {
        let place = Place::Node(id);
        match node {
            Node::Access(name) => match self.sdfg.data.get(name) {
                None => self.report(place, format!("an access node of '{name}', which does not exist")),
                Some(data) if data.transient => {
                    for e in data.shape.iter().chain(&data.strides) {
                        self.uses(e, state.defined(state.scopes.parent(id)), place);
                    }
                }
                Some(_) => {}
            },
            Node::Tasklet(tasklet) => self.tasklet(state, id, tasklet),
            Node::MapEntry(_) => self.dynamic(state, id),
            Node::MapExit(_) => {}
            Node::Library(library) => self.library(state, id, library),
            Node::Nested(nested) => self.nested(state, id, nested),
        }
    }

    /// A dynamic input is one integer.
    fn dynamic(&mut self, state: &State, entry: NodeId) {
        let inputs = super::state::dynamic_inputs(state.graph, entry);
        for edge in &state.ends[&entry].ins {
            let stem = edge.dst.conn.and_then(|c| c.as_str().strip_prefix("IN_"));
            let Some(name) = stem.map(Name::new).filter(|n| inputs.contains(n)) else { continue };
            if let Some((memlet, data)) = self.memlet(edge) {
                if !data.dtype.is_int() {
                    let message = format!("the dynamic input '{name}' has type {}", data.dtype);
                    self.report(Place::Edge(edge.id), message);
                }
                self.single(state, edge, memlet);
            }
        }
    }

    fn memlet<'e>(&self, edge: &'e Edge) -> Option<(&'e Memlet, &Data)>
    where
        Self: 'e,
    {
        let memlet = edge.memlet.as_ref()?;
        Some((memlet, self.sdfg.data.get(&memlet.data)?))
    }

    fn single(&mut self, state: &State, edge: &Edge, memlet: &Memlet) {
        if memlet.subset.0.iter().all(|r| r.is_index().is_some()) {
            return;
        }
        let facts = state.facts(self, state.scope(edge));
        if !memlet.subset.extents().iter().all(|n| facts.eq(n, &Expr::one()).is_yes()) {
            let message = format!("'{}[{}]' is not a single element", memlet.data, memlet.subset);
            self.report(Place::Edge(edge.id), message);
        }
    }

    // ---- tasklets ----------------------------------------------------------------------

    fn tasklet(&mut self, state: &State, id: NodeId, tasklet: &Tasklet) {
        let place = Place::Node(id);
        let ends = &state.ends[&id];
        let arrays = self.gathers(tasklet, place);
        for (edges, conns, inputs) in
            [(&ends.ins, &tasklet.inputs, true), (&ends.outs, &tasklet.outputs, false)]
        {
            for edge in edges {
                let Some((memlet, data)) = self.memlet(edge) else { continue };
                let dtype = data.dtype;
                let conn = if inputs { edge.dst.conn } else { edge.src.conn };
                if let Some(declared) = conns.iter().find(|c| Some(c.0) == conn)
                    && declared.1 != dtype
                {
                    let (name, want) = declared;
                    let message =
                        format!("connector '{name}' of {want} carries '{}' of {dtype}", memlet.data);
                    self.report(Place::Edge(edge.id), message);
                }
                match conn.and_then(|c| arrays.get(&c)) {
                    Some(&rank) if inputs => self.whole(state, edge, rank),
                    _ => self.single(state, edge, memlet),
                }
            }
        }
        self.code(state, id, tasklet, place);
    }

    /// The connectors that the code indexes, with their numbers of indices; each is an input and is
    /// read in no other way.
    fn gathers(&mut self, tasklet: &Tasklet, place: Place) -> BTreeMap<Name, usize> {
        let (mut arrays, mut read): (BTreeMap<Name, usize>, Vec<Name>) = Default::default();
        let mut uneven = vec![];
        for assign in &tasklet.code {
            // What is too deep is reported with the types.
            if matches!(type_of(&assign.value, &|_| Some(DType::I64)), Err(TypeError::TooDeep)) {
                continue;
            }
            assign.value.visit(&mut |e| match e {
                E::Var(name) => read.push(*name),
                E::Index(name, at) if *arrays.entry(*name).or_insert(at.len()) != at.len() => {
                    uneven.push(*name);
                }
                _ => {}
            });
        }
        for name in uneven {
            self.report(place, format!("'{name}' is indexed with different numbers of indices"));
        }
        for name in arrays.keys() {
            if !tasklet.inputs.iter().any(|i| i.0 == *name) {
                self.report(place, format!("'{name}' is indexed, but is no input"));
            } else if read.contains(name) {
                self.report(place, format!("'{name}' is both indexed and read as one element"));
            }
        }
        arrays
    }

    /// What is gathered from is the whole container.
    fn whole(&mut self, state: &State, edge: &Edge, rank: usize) {
        let Some((memlet, data)) = self.memlet(edge) else { return };
        let (place, name) = (Place::Edge(edge.id), memlet.data);
        if data.shape.len() != rank {
            let dimensions = data.shape.len();
            return self.report(place, format!("{rank} indices into '{name}' of rank {dimensions}"));
        }
        let full = data.full_subset();
        if !memlet.dynamic {
            self.report(place, format!("a gather from '{name}' by a memlet that is not dynamic"));
        }
        if memlet.subset == full {
            return;
        }
        let facts = state.facts(self, state.scope(edge));
        let same = |a: &Range, b: &Range| {
            a.step.is_one() && facts.eq(&a.begin, &b.begin).is_yes() && facts.eq(&a.end, &b.end).is_yes()
        };
        if memlet.subset.rank() != rank || !memlet.subset.0.iter().zip(&full.0).all(|(a, b)| same(a, b)) {
            self.report(place, format!("a gather from '{name}[{}]', which is not all of it", memlet.subset));
        }
    }

    fn code(&mut self, state: &State, id: NodeId, tasklet: &Tasklet, place: Place) {
        let mut types: HashMap<Name, DType> = HashMap::new();
        for &(name, dtype) in &tasklet.inputs {
            if types.insert(name, dtype).is_some() {
                self.report(place, format!("input '{name}' is declared twice"));
            }
        }
        let defined = state.defined(state.scopes.parent(id));
        for assign in &tasklet.code {
            let target = assign.target;
            let found = type_of(&assign.value, &|n| types.get(&n).copied());
            let too_deep = matches!(found, Err(TypeError::TooDeep));
            let known = types.contains_key(&target);
            if known {
                self.report(place, format!("'{target}' is assigned, but has a value already"));
            }
            match found {
                Ok(found) => {
                    if let Some((_, want)) = tasklet.outputs.iter().find(|o| o.0 == target)
                        && *want != found
                    {
                        self.report(place, format!("output '{target}' of {want} is assigned a {found}"));
                    }
                    types.insert(target, found);
                }
                Err(error) => {
                    self.report(place, format!("'{target}': {error}"));
                    // Whatever uses it is not wrong for that.
                    if let Some((_, want)) = tasklet.outputs.iter().find(|o| o.0 == target) {
                        types.insert(target, *want);
                    }
                }
            }
            if !too_deep {
                self.code_symbols(&assign.value, defined, place);
            }
        }
        for (i, (name, _)) in tasklet.outputs.iter().enumerate() {
            if tasklet.outputs[..i].iter().any(|o| o.0 == *name) {
                self.report(place, format!("output '{name}' is declared twice"));
            }
            if !tasklet.code.iter().any(|a| a.target == *name) {
                self.report(place, format!("output '{name}' is not assigned"));
            }
        }
    }

    // ---- library nodes -----------------------------------------------------------------

    fn library(&mut self, state: &State, id: NodeId, library: &Library) {
        let place = Place::Node(id);
        let ends = &state.ends[&id];
        let operand = |edges: &[&Edge], conn: &str, inputs: bool| -> Option<(Subset, Name)> {
            let port = |e: &Edge| if inputs { e.dst.conn } else { e.src.conn };
            let edge = edges.iter().find(|e| port(e).is_some_and(|c| c.as_str() == conn))?;
            let memlet = edge.memlet.as_ref()?;
            Some((memlet.subset.clone(), memlet.data))
        };
        match &library.kind {
            LibraryKind::MatMul { trans_a, trans_b } => {
                let a = operand(&ends.ins, "a", true);
                let b = operand(&ends.ins, "b", true);
                let c = operand(&ends.outs, "c", false);
                if let (Some(a), Some(b), Some(c)) = (a, b, c) {
                    if self.sdfg.data.get(&c.1).is_some_and(|d| d.dtype == DType::F16) {
                        self.report(place, "a product of f16: multiply as f32 and round");
                    }
                    self.same_types(&[a.1, b.1, c.1], Wcr::Sum, place);
                    self.product(state, id, [&a.0, &b.0, &c.0], [*trans_a, *trans_b]);
                }
            }
            LibraryKind::Reduce { op, axes, identity } => {
                let from = operand(&ends.ins, "input", true);
                let to = operand(&ends.outs, "output", false);
                if let (Some(from), Some(to)) = (from, to) {
                    self.same_types(&[from.1, to.1], *op, place);
                    self.reduction(state, id, [&from.0, &to.0], axes);
                    self.start(*identity, from.1, place);
                }
            }
            LibraryKind::Call(op) => self.call(state, id, *op),
            // Its memlets are checked like all others; what it does with them nobody knows.
            LibraryKind::Foreign(foreign) => {
                for e in foreign.symbols.values() {
                    self.uses(e, state.defined(state.scopes.parent(id)), place);
                }
                return;
            }
        }
        for input in &ends.ins {
            for output in &ends.outs {
                self.apart(state, input, output, "a library node reads and writes");
            }
        }
    }

    fn same_types(&mut self, names: &[Name], op: Wcr, place: Place) {
        let types: Vec<DType> = names.iter().filter_map(|n| Some(self.sdfg.data.get(n)?.dtype)).collect();
        if let Some(other) = types.iter().find(|&&t| t != types[0]) {
            self.report(place, format!("operands of types {} and {other}", types[0]));
        } else if let Some(&t) = types.first()
            && !resolves(op, t)
        {
            self.report(place, format!("{op:?} is not defined on {t}"));
        }
    }

    fn start(&mut self, identity: Option<Scalar>, data: Name, place: Place) {
        if let (Some(identity), Some(data)) = (identity, self.sdfg.data.get(&data))
            && identity.dtype() != data.dtype
        {
            let message = format!("the identity is {} and the elements are {}", identity.dtype(), data.dtype);
            self.report(place, message);
        }
    }

    /// Shapes of a product, single indices left out where the rank is above 2.
    fn product(&mut self, state: &State, id: NodeId, subsets: [&Subset; 3], trans: [bool; 2]) {
        let place = Place::Node(id);
        let [a, b, c] = subsets.map(|s| long(s, &[]));
        if a.len() > 2 || b.len() > 2 || c.len() > 2 {
            return self.report(place, "operands of a matrix product have rank 1 or 2");
        }
        // Extents that are the constant 1 leave it open which dimension is missing.
        if subsets.iter().zip([&a, &b, &c]).any(|(s, long)| s.rank() != long.len()) {
            return;
        }
        let (inner_a, rest_a) = split(&a, !trans[0]);
        let (inner_b, rest_b) = split(&b, trans[1]);
        let expected: Vec<&Expr> = rest_a.into_iter().chain(rest_b).collect();
        let facts = state.facts(self, state.scopes.parent(id));
        if let (Some(x), Some(y)) = (inner_a, inner_b)
            && facts.eq(x, y).is_no()
            && possible(&facts)
        {
            self.report(place, format!("a matrix product over {x} and {y} elements"));
        }
        if expected.len() != c.len() {
            let message =
                format!("a matrix product of rank {} in a subset of rank {}", expected.len(), c.len());
            self.report(place, message);
        } else if let Some((x, y)) = expected.iter().zip(&c).find(|(x, y)| facts.eq(x, y).is_no())
            && possible(&facts)
        {
            self.report(place, format!("a matrix product of extent {x} in a subset of extent {y}"));
        }
    }

    fn reduction(&mut self, state: &State, id: NodeId, subsets: [&Subset; 2], axes: &[usize]) {
        let place = Place::Node(id);
        let [from, to] = subsets;
        if !axes.is_sorted_by(|a, b| a < b) || axes.iter().any(|&a| a >= from.rank()) {
            return self.report(place, format!("axes {axes:?} of a reduction of rank {}", from.rank()));
        }
        let (kept, out) = (long(from, axes), long(to, &[]));
        if kept.len() != out.len() {
            let message = format!("a reduction to rank {} in a subset of rank {}", kept.len(), out.len());
            return self.report(place, message);
        }
        let different = kept.iter().zip(&out).find(|(a, b)| {
            a != b && {
                let facts = state.facts(self, state.scopes.parent(id));
                facts.eq(a, b).is_no() && possible(&facts)
            }
        });
        if let Some((a, b)) = different {
            self.report(place, format!("a reduction of extent {a} in a subset of extent {b}"));
        }
    }

    /// Two memlets of one container do not overlap.
    pub fn apart(&mut self, state: &State, one: &Edge, other: &Edge, what: &str) {
        let (Some(a), Some(b)) = (&one.memlet, &other.memlet) else { return };
        if a.data != b.data {
            return;
        }
        let facts = state.facts(self, state.scope(one));
        if !a.subset.disjoint(&b.subset, &facts).is_yes() {
            let message =
                format!("{what} '{}' in [{}] and [{}], which may overlap", a.data, a.subset, b.subset);
            self.report(Place::Edge(other.id), message);
        }
    }

    // ---- nested SDFGs ------------------------------------------------------------------

    fn nested(&mut self, state: &State, id: NodeId, nested: &Nested) {
        let place = Place::Node(id);
        let inner = &*nested.sdfg;
        let scope = state.scopes.parent(id);
        let around = std::iter::successors(scope, |&m: &MapId| state.scopes.around(m)).count();
        check(inner, state.context.depth + around + 1, true, self.found);
        for symbol in inner.symbols.keys() {
            if !nested.symbols.contains_key(symbol) {
                self.report(place, format!("the inner symbol '{symbol}' is given no value"));
            }
        }
        for (symbol, value) in &nested.symbols {
            if !inner.symbols.contains_key(symbol) {
                self.report(place, format!("'{symbol}' is given a value, but is no inner symbol"));
            }
            self.uses(value, state.defined(scope), place);
        }
        let ends = &state.ends[&id];
        for (&name, data) in inner.data.iter().filter(|(_, d)| !d.transient) {
            let input = ends.ins.iter().find(|e| e.dst.conn == Some(name));
            let output = ends.outs.iter().find(|e| e.src.conn == Some(name));
            let (reads, writes) = touched(inner, name);
            if input.is_none() && output.is_none() {
                self.report(place, format!("inner container '{name}' has no edge"));
            } else if writes && output.is_none() {
                self.report(place, format!("inner container '{name}' is written, but is no output"));
            } else if reads && !writes && input.is_none() {
                self.report(place, format!("inner container '{name}' is read, but is no input"));
            }
            for edge in input.into_iter().chain(output) {
                self.binding(state, edge, name, data, nested);
            }
            if let (Some(i), Some(o)) = (input, output)
                && let (Some(i), Some(m)) = (&i.memlet, &o.memlet)
                && (i.data != m.data || i.subset != m.subset)
            {
                let message =
                    format!("'{name}' stands for '{}[{}]' and '{}[{}]'", i.data, i.subset, m.data, m.subset);
                self.report(Place::Edge(o.id), message);
            }
        }
        for (i, output) in ends.outs.iter().enumerate() {
            let others = ends.ins.iter().map(|e| (*e, e.dst.conn));
            let others = others.chain(ends.outs[..i].iter().map(|e| (*e, e.src.conn)));
            for (other, _) in others.filter(|o| o.1 != output.src.conn) {
                self.apart(state, other, output, "a nested graph uses and writes");
            }
        }
    }

    /// Type and shape of what an inner container stands for.
    fn binding(&mut self, state: &State, edge: &Edge, name: Name, inner: &Data, nested: &Nested) {
        let Some((memlet, outer)) = self.memlet(edge) else { return };
        if outer.foreign.is_some() || inner.foreign.is_some() {
            return;
        }
        let (place, rank) = (Place::Edge(edge.id), inner.shape.len());
        if outer.dtype != inner.dtype {
            let (a, b) = (inner.dtype, outer.dtype);
            return self.report(place, format!("'{name}' of {a} stands for '{}' of {b}", memlet.data));
        }
        let full = memlet.subset.extents();
        let part = if full.len() == rank { full } else { long(&memlet.subset, &[]) };
        let indices = memlet.subset.rank() - part.len();
        // Some of the single indices may remain as dimensions of extent 1.
        if rank < part.len() || rank > part.len() + indices {
            let message = format!("'{name}' of rank {rank} stands for '{}[{}]'", memlet.data, memlet.subset);
            return self.report(place, message);
        }
        if rank != part.len() {
            return;
        }
        let value = |symbol: Name| nested.symbols.get(&symbol).cloned();
        for (extent, outside) in inner.shape.iter().zip(&part) {
            let extent = extent.subst(&value);
            if extent == *outside {
                continue;
            }
            let facts = state.facts(self, state.scope(edge));
            if facts.eq(&extent, outside).is_no() && possible(&facts) {
                self.report(place, format!("'{name}' of extent {extent} stands for {outside} elements"));
            }
        }
    }
}

/// Extents of the dimensions that are no single indices, without those dropped.
fn long(subset: &Subset, drop: &[usize]) -> Vec<Expr> {
    let kept = subset.0.iter().enumerate().filter(|(d, _)| !drop.contains(d));
    kept.map(|(_, r)| r.extent()).filter(|n| !n.is_one()).collect()
}

/// The extent that a product sums over, and the one that remains.
fn split(extents: &[Expr], last: bool) -> (Option<&Expr>, Option<&Expr>) {
    match extents {
        [k] => (Some(k), None),
        [n, k] if last => (Some(k), Some(n)),
        [k, n] => (Some(k), Some(n)),
        _ => (None, None),
    }
}

/// Whether a container is read, and written, in an SDFG.
fn touched(sdfg: &Sdfg, name: Name) -> (bool, bool) {
    let (mut reads, mut writes) = (false, false);
    sdfg.body.walk(&mut |block| match &block.kind {
        BlockKind::State(graph) => {
            for edge in graph.edges().filter(|e| e.memlet.is_some()) {
                let here = |n: NodeId| *graph.node(n) == Node::Access(name);
                reads |= here(edge.src.node);
                writes |= here(edge.dst.node);
            }
        }
        BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => reads |= mentions(cond, name),
        BlockKind::Assign { value, .. } => reads |= mentions(value, name),
        BlockKind::Conditional { branches, .. } => {
            reads |= branches.iter().any(|b| mentions(&b.0, name));
        }
        _ => {}
    });
    (reads, writes)
}

/// Whether an expression, if it is not too deep to look, reads a container.
fn mentions(e: &crate::tasklet::Expr, name: Name) -> bool {
    let shallow = !matches!(type_of(e, &|_| Some(DType::Bool)), Err(TypeError::TooDeep));
    shallow && e.vars().contains(&name)
}
