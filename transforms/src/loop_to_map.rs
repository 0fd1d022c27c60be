//! LoopToMap: a loop whose iterations are independent becomes a map.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_ir::Name;
use weft_ir::analysis::{Access, Carried, accesses_of_region, carried, facts_at, written_before_read};
use weft_ir::dtype::DType;
use weft_ir::sdfg::{
    Block, BlockId, BlockKind, Edge, Library, LibraryKind, Lifetime, Map, MapId, Memlet, Nested, Node,
    NodeId, Place, Port, Region, Schedule, Scopes, Sdfg, StateGraph, Verified,
};
use weft_ir::symbolic::{Expr, Range};

use crate::rewrite::{Rewrite, defined_symbols, used_symbols};
use crate::{
    Category, Condition, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation, block_uses,
    no_such_site, require,
};

pub struct LoopToMap;

static INFO: Info = Info {
    name: "LoopToMap",
    category: Category::Loop,
    what: "Turns a loop whose iterations are independent into a map.",
    why: "A map can run in parallel and be fused, tiled and collapsed with others; a loop cannot.",
    conditions: &[
        Condition {
            id: "no-carried-dependence",
            text: "no two iterations touch the same element of a container, one of them writing; transients \
                   that each iteration writes before it reads them and that are used nowhere else do not count",
        },
        Condition { id: "no-jump", text: "nothing in the body leaves the loop or stops the program" },
        Condition {
            id: "local-symbols",
            text: "no symbol that the body assigns is assigned or used outside of the body",
        },
    ],
    params: &[],
    before: "\
sdfg f(A: f64[N], B: f64[N])
  loop i = 0:N @l
    state s0
      t0: B[i] = A[i] * 2.0
",
    after: "\
sdfg f(A: f64[N], B: f64[N])
  state s0
    map l [i = 0:N]
      t0: B[i] = A[i] * 2.0
",
    keeps: Keeps::Exactly,
};

impl Transformation for LoopToMap {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        let mut sites = vec![];
        graph.body.walk(&mut |block| {
            if let BlockKind::Loop { .. } = block.kind {
                sites.push(Site {
                    label: block.label.to_string(),
                    places: vec![Place::Block(block.id)],
                    span: block.span,
                });
            }
        });
        sites
    }

    fn plan(&self, graph: &Verified, site: &Site, _: &Settings) -> Result<Plan, Refusal> {
        let [Place::Block(id)] = site.places[..] else { return Err(no_such_site(site)) };
        let Some(block) = graph.body.find(id) else { return Err(no_such_site(site)) };
        let BlockKind::Loop { var, range, body } = &block.kind else { return Err(no_such_site(site)) };
        let private = check(graph, block, *var, range, body)?;
        let mut forwarding = Forwarding::default();
        let edited = edit(graph, block, &private, &mut forwarding);
        Plan::new(graph, edited, forwarding)
    }
}

/// Checks the conditions; gives the transients of which each iteration gets its own.
fn check(
    graph: &Sdfg,
    block: &Block,
    var: Name,
    range: &Range,
    body: &Region,
) -> Result<BTreeSet<Name>, Refusal> {
    let here = Place::Block(block.id);
    let mut jump = None;
    body.walk(&mut |b| {
        let leaves = matches!(b.kind, BlockKind::Break | BlockKind::Continue | BlockKind::Return);
        let calls = b.state().is_some_and(may_stop);
        if leaves || calls || matches!(b.kind, BlockKind::Check { .. } | BlockKind::While { .. }) {
            jump = jump.or(Some(b.label));
        }
    });
    require("no-jump", jump.is_none(), here, || {
        format!("'{}' may leave the loop or stop the program", jump.expect("a jump"))
    })?;
    let assigned = assigned_symbols(body);
    let outside = names_outside(graph, block.id);
    let shared = assigned.iter().find(|s| outside.contains(s));
    require("local-symbols", shared.is_none(), here, || {
        format!("'{}' is assigned in the loop and has a value outside too", shared.expect("a symbol"))
    })?;
    let accesses = accesses_of_region(graph, body);
    let mut facts = facts_at(graph, here);
    let mut inside = facts.clone();
    inside.assume_in(var, range);
    let private: BTreeSet<Name> = accesses
        .iter()
        .map(|a| a.data)
        .collect::<BTreeSet<Name>>()
        .into_iter()
        .filter(|n| graph.data.get(n).is_some_and(|d| d.transient))
        .filter(|n| !used_outside(graph, block.id, *n))
        .filter(|n| is_local_to_a_map(body, *n) || written_before_read(*n, &accesses, &inside))
        .collect();
    // The variable is an unknown of the question, but the loop runs: its range has an element.
    facts = inside;
    let answer = carried(&[(var, range.clone())], &accesses, &facts, &|n| private.contains(&n));
    require("no-carried-dependence", answer == Carried::No, here, || match answer {
        Carried::Yes(why) | Carried::Unknown(why) => why,
        Carried::No => String::new(),
    })?;
    Ok(private)
}

/// Has the state a library call that ends the program where the values do not allow it?
fn may_stop(state: &StateGraph) -> bool {
    state.nodes().any(|(_, node)| match node {
        Node::Library(Library { kind: LibraryKind::Call(op), .. }) => op.failure().is_some(),
        Node::Library(Library { kind: LibraryKind::Foreign(_), .. }) => true,
        Node::Nested(nested) => nested.sdfg.states().iter().any(|(_, inner)| may_stop(inner)),
        _ => false,
    })
}

/// All access nodes are inside one map: each of its iterations has its own already.
fn is_local_to_a_map(body: &Region, data: Name) -> bool {
    let mut around: Option<BTreeSet<MapId>> = None;
    let mut local = true;
    body.walk(&mut |block| {
        let Some(state) = block.state() else { return };
        let Some(scopes) = Scopes::of(state) else { return };
        for (id, _) in state.nodes().filter(|(_, n)| **n == Node::Access(data)) {
            let maps: BTreeSet<MapId> = scopes.enclosing(id).into_iter().collect();
            let common = match &around {
                Some(others) => others.intersection(&maps).copied().collect(),
                None => maps,
            };
            local &= !common.is_empty();
            around = Some(common);
        }
    });
    local && around.is_some()
}

fn assigned_symbols(body: &Region) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    body.walk(&mut |b| {
        if let BlockKind::Assign { symbol, .. } = &b.kind {
            found.insert(*symbol);
        }
    });
    found
}

/// Symbols that are used or defined outside of a block.
fn names_outside(graph: &Sdfg, block: BlockId) -> BTreeSet<Name> {
    let mut rest = graph.body.clone();
    if let Some((region, at)) = rest.parent_mut(block) {
        region.blocks.remove(at);
    }
    let mut found = used_symbols(&rest);
    found.extend(defined_symbols(&rest));
    found.extend(graph.symbols.keys().copied());
    found
}

fn used_outside(graph: &Sdfg, block: BlockId, data: Name) -> bool {
    fn walk(region: &Region, block: BlockId, data: Name) -> bool {
        region
            .blocks
            .iter()
            .filter(|b| b.id != block)
            .any(|b| block_uses(b, data) || b.regions().into_iter().any(|r| walk(r, block, data)))
    }
    walk(&graph.body, block, data)
}

// ---- the edit --------------------------------------------------------------------------

fn edit(graph: &Sdfg, block: &Block, private: &BTreeSet<Name>, forwarding: &mut Forwarding) -> Sdfg {
    let BlockKind::Loop { var, range, body } = &block.kind else { unreachable!("a loop") };
    let mut edited = graph.clone();
    // Parameters of maps are unique, variables of loops need not be.
    let unique = !names_outside(graph, block.id).contains(var);
    let param = if unique { *var } else { graph.fresh(var.as_str()) };
    let renamed;
    let body = if param == *var {
        body
    } else {
        let rewrite = Rewrite {
            symbol: &|n| (n == *var).then(|| Expr::sym(param)),
            defined: &|n| n,
            container: &|_| None,
            label: &|n| n,
        };
        renamed = rewrite.region(body);
        &renamed
    };
    let map = Map { label: block.label, params: vec![(param, range.clone())], schedule: Schedule::Default };
    let states: Vec<&Arc<Block>> =
        body.blocks.iter().filter(|b| !b.state().is_some_and(StateGraph::is_empty)).collect();
    let single = match states[..] {
        [only] => only.state().and_then(|s| splice(s, private, &map, block)).map(|s| (only, s)),
        _ => None,
    };
    let (id, label, state) = match single {
        Some((only, state)) => (only.id, only.label, state),
        None => {
            let label = graph.fresh(&format!("{}_state", block.label));
            (BlockId::new(), label, nest(graph, body, private, map, block))
        }
    };
    let nested = state.nodes().any(|(_, n)| matches!(n, Node::Nested(x) if x.sdfg.body == *body));
    for name in private {
        if nested {
            edited.data.remove(name);
        } else if let Some(data) = edited.data.get_mut(name) {
            data.lifetime = Lifetime::Scope;
        }
    }
    forwarding.moved(Place::Block(block.id), Place::Block(id));
    if !nested {
        for (_, old) in body.blocks.iter().filter_map(|b| Some((b, b.state()?))) {
            for node in old.node_ids().filter(|n| !state.contains(*n)) {
                forwarding.gone(Place::Node(node));
            }
        }
        for gone in body.blocks.iter().filter(|b| b.id != id) {
            forwarding.gone(Place::Block(gone.id));
        }
    }
    let (region, at) = edited.body.parent_mut(block.id).expect("a block of the graph");
    region.blocks[at] = Arc::new(Block { id, label, span: block.span, kind: BlockKind::State(state) });
    crate::nest::repropagate(&mut edited, id);
    edited
}

/// The state's graph under a map. `None` if it does not fit there: a container that is shared with
/// other iterations is both written and read, or copied to another such one.
fn splice(state: &StateGraph, private: &BTreeSet<Name>, map: &Map, block: &Block) -> Option<StateGraph> {
    let mut out = state.clone();
    let (entry, exit, _) = out.add_map(map.clone(), block.span);
    let shared = |n: &Node| matches!(n, Node::Access(d) if !private.contains(d));
    let scopes = weft_ir::sdfg::Scopes::of(state)?;
    let mut outside: BTreeMap<(bool, String), NodeId> = BTreeMap::new();
    for id in scopes.children(None) {
        let Node::Access(data) = state.node(id) else { continue };
        if private.contains(data) {
            continue;
        }
        let (ins, outs) = (state.in_edges(id), state.out_edges(id));
        if !ins.is_empty() && !outs.is_empty() {
            return None;
        }
        let reads = ins.is_empty();
        for edge in if reads { outs } else { ins } {
            let far = if reads { edge.dst.node } else { edge.src.node };
            let memlet = edge.memlet.as_ref()?;
            if shared(state.node(far)) {
                return None;
            }
            out.remove_edge(edge.id);
            let stem = match memlet.wcr {
                None => data.to_string(),
                Some(wcr) => format!("{data}_{}", weft_ir::text::wcr_name(wcr)),
            };
            let (inner, outer) = (Name::new(&format!("OUT_{stem}")), Name::new(&format!("IN_{stem}")));
            let key = (reads, stem);
            let first = !outside.contains_key(&key);
            let end = *outside.entry(key).or_insert(id);
            let local = moved(memlet, state.node(far), *data);
            if reads {
                out.insert_edge(Edge {
                    src: Port::new(entry, inner),
                    memlet: Some(local.clone()),
                    ..edge.clone()
                });
                if first {
                    out.connect(end, Port::new(entry, outer), Memlet { other: None, ..local });
                }
            } else {
                out.insert_edge(Edge {
                    dst: Port::new(exit, outer),
                    memlet: Some(local.clone()),
                    ..edge.clone()
                });
                if first {
                    out.connect(Port::new(exit, inner), end, Memlet { other: None, ..local });
                }
            }
        }
        let kept = outside.values().any(|n| *n == id);
        if !kept {
            out.remove_node(id);
        }
    }
    let kept: BTreeSet<NodeId> = outside.values().copied().collect();
    for id in scopes.children(None) {
        if !out.contains(id) || kept.contains(&id) {
            continue;
        }
        let (ends, starts) = match state.node(id) {
            Node::MapExit(_) => (true, false),
            Node::MapEntry(_) => (false, true),
            _ => (true, true),
        };
        if starts && out.in_edges(id).is_empty() {
            out.connect(entry, id, None);
        }
        if ends && out.out_edges(id).is_empty() {
            out.connect(id, exit, None);
        }
    }
    Some(out)
}

/// A memlet that now leads to or from a scope: `data` is the container outside.
fn moved(memlet: &Memlet, far: &Node, data: Name) -> Memlet {
    match (far, &memlet.other) {
        (Node::Access(_), Some(other)) if memlet.data != data => {
            Memlet { data, subset: other.clone(), other: Some(memlet.subset.clone()), ..memlet.clone() }
        }
        _ => memlet.clone(),
    }
}

/// A state with a map around a nested SDFG that holds the body.
fn nest(graph: &Sdfg, body: &Region, private: &BTreeSet<Name>, map: Map, block: &Block) -> StateGraph {
    let mut inner = Sdfg::new(block.label);
    inner.body = body.clone();
    let accesses = accesses_of_region(graph, body);
    let mut used: BTreeMap<Name, (bool, bool)> = BTreeMap::new();
    for Access { data, write, .. } in &accesses {
        let entry = used.entry(*data).or_default();
        if *write { entry.1 = true } else { entry.0 = true }
    }
    let mut symbols = used_symbols(body);
    for name in used.keys() {
        let mut data = graph.data[name].clone();
        data.transient = private.contains(name);
        for extent in data.shape.iter().chain(&data.strides) {
            symbols.extend(extent.free_symbols());
        }
        if !data.transient {
            inner.args.push(*name);
        }
        inner.data.insert(*name, data);
    }
    let defined = defined_symbols(body);
    let free: BTreeSet<Name> = symbols.into_iter().filter(|s| !defined.contains(s)).collect();
    inner.symbols = free.iter().map(|s| (*s, DType::I64)).collect();
    let label = graph.fresh(&format!("{}_body", block.label));
    let symbols = free.iter().map(|s| (*s, Expr::sym(*s))).collect();
    let mut state = StateGraph::new();
    let (entry, exit, _) = state.add_map(map, block.span);
    let node = state.add_node(Node::Nested(Nested { label, sdfg: Arc::new(inner), symbols }), block.span);
    let conn = |prefix: &str, name: Name| Name::new(&format!("{prefix}_{name}"));
    for (name, (reads, writes)) in used.iter().filter(|(n, _)| !private.contains(n)) {
        let all = Memlet::new(*name, graph.data[name].full_subset());
        let all = Memlet { dynamic: true, ..all };
        if *reads {
            let outer = state.add_node(Node::Access(*name), block.span);
            state.connect(outer, Port::new(entry, conn("IN", *name)), all.clone());
            state.connect(Port::new(entry, conn("OUT", *name)), Port::new(node, *name), all.clone());
        }
        if *writes {
            let outer = state.add_node(Node::Access(*name), block.span);
            state.connect(Port::new(node, *name), Port::new(exit, conn("IN", *name)), all.clone());
            state.connect(Port::new(exit, conn("OUT", *name)), outer, all);
        }
    }
    if state.in_edges(node).is_empty() {
        state.connect(entry, node, None);
    }
    if state.out_edges(node).is_empty() {
        state.connect(node, exit, None);
    }
    state
}
