//! StateFusion: two states that follow each other become one.

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_ir::analysis::facts_at;
use weft_ir::sdfg::{
    Block, BlockId, BlockKind, Edge, Node, NodeId, Paths, Place, Port, Region, Scopes, Sdfg, StateGraph,
    Verified,
};

use crate::order::{Event, events, unordered};
use crate::{
    Category, Condition, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation,
    no_such_site, require,
};

pub struct StateFusion;

static INFO: Info = Info {
    name: "StateFusion",
    category: Category::Simplify,
    what: "Merges two states that follow each other; what the second reads is connected to what the first wrote.",
    why: "Only within a state can maps be fused and can independent work run at the same time. Imported \
          kernels have one state per statement.",
    conditions: &[Condition {
        id: "conflicts-are-ordered",
        text: "wherever both states touch the same elements and one writes, the merged graph has a path from \
               the access of the first to that of the second",
    }],
    params: &[],
    before: "\
sdfg f(A: f64[N], B: f64[N])
  transient tmp: f64[N]
  state s0
    map m0 [i = 0:N]
      t0: tmp[i] = A[i] * 2.0
  state s1
    map m1 [j = 0:N]
      t1: B[j] = tmp[j] + 1.0
",
    after: "\
sdfg f(A: f64[N], B: f64[N])
  transient tmp: f64[N]
  state s0
    map m0 [i = 0:N]
      t0: tmp[i] = A[i] * 2.0
    map m1 [j = 0:N]
      t1: B[j] = tmp[j] + 1.0
",
    keeps: Keeps::Exactly,
};

impl Transformation for StateFusion {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        pairs(graph)
            .into_iter()
            .map(|(a, b)| Site {
                label: format!("{}, {}", a.label, b.label),
                places: vec![Place::Block(a.id), Place::Block(b.id)],
                span: a.span.or(b.span),
            })
            .collect()
    }

    fn plan(&self, graph: &Verified, site: &Site, _: &Settings) -> Result<Plan, Refusal> {
        let [Place::Block(first), Place::Block(second)] = site.places[..] else {
            return Err(no_such_site(site));
        };
        if !pairs(graph).iter().any(|(a, b)| a.id == first && b.id == second) {
            return Err(no_such_site(site));
        }
        let mut forwarding = Forwarding::default();
        let edited = fuse(graph, first, second, &mut forwarding)?;
        Plan::new(graph, edited, forwarding)
    }
}

/// States that follow each other, in order.
pub fn pairs(graph: &Sdfg) -> Vec<(&Block, &Block)> {
    fn walk<'a>(region: &'a Region, found: &mut Vec<(&'a Block, &'a Block)>) {
        for (at, block) in region.blocks.iter().enumerate() {
            if let Some(next) = region.blocks.get(at + 1)
                && block.state().is_some()
                && next.state().is_some()
            {
                found.push((block, next));
            }
            block.regions().into_iter().for_each(|r| walk(r, found));
        }
    }
    let mut found = vec![];
    walk(&graph.body, &mut found);
    found
}

/// The access nodes of the second state that stand for nodes of the first: what it reads.
fn meeting(first: &StateGraph, second: &StateGraph) -> BTreeMap<NodeId, NodeId> {
    let (Some(order), Some(scopes)) = (Paths::of(first), Scopes::of(first)) else { return BTreeMap::new() };
    let mut merged = BTreeMap::new();
    for (id, node) in second.nodes() {
        let Node::Access(data) = node else { continue };
        if !second.in_edges(id).is_empty() {
            continue;
        }
        // The last node that is written, else one that is only read.
        let same = first.nodes().filter(|(n, x)| **x == Node::Access(*data) && scopes.parent(*n).is_none());
        let written = |n: NodeId| first.in_edges(n).iter().any(|e| e.memlet.is_some());
        if let Some((target, _)) = same.max_by_key(|(n, _)| (written(*n), order.position(*n))) {
            merged.insert(id, target);
        }
    }
    merged
}

/// Merges `second` into `first`; both are in one region, one after the other.
pub fn fuse(
    graph: &Sdfg,
    first: BlockId,
    second: BlockId,
    forwarding: &mut Forwarding,
) -> Result<Sdfg, Refusal> {
    let state = |id| graph.body.find(id).and_then(Block::state).expect("a state of the graph");
    let (a, b) = (state(first), state(second));
    let merged = meeting(a, b);
    let now = |id: NodeId| merged.get(&id).copied().unwrap_or(id);
    let mut union = a.clone();
    for (id, map) in b.maps() {
        union.insert_map(id, map.clone());
    }
    for (id, node) in b.nodes().filter(|(id, _)| !merged.contains_key(id)) {
        union.insert_node(id, node.clone(), b.span(id));
    }
    for edge in b.edges() {
        let port = |p: Port| Port { node: now(p.node), ..p };
        union.insert_edge(Edge { src: port(edge.src), dst: port(edge.dst), ..edge.clone() });
    }
    check(graph, first, second, (a, b), (&union, &now))?;
    let mut edited = graph.clone();
    let (region, at) = edited.body.parent_mut(second).expect("a block of the graph");
    region.blocks.remove(at);
    let block = Arc::make_mut(&mut region.blocks[at - 1]);
    block.span = block.span.or(graph.body.find(second).and_then(|b| b.span));
    block.kind = BlockKind::State(union);
    forwarding.moved(Place::Block(second), Place::Block(first));
    for (from, to) in merged {
        forwarding.moved(Place::Node(from), Place::Node(to));
    }
    Ok(edited)
}

fn check(
    graph: &Sdfg,
    first: BlockId,
    second: BlockId,
    (a, b): (&StateGraph, &StateGraph),
    (union, now): (&StateGraph, &dyn Fn(NodeId) -> NodeId),
) -> Result<(), Refusal> {
    let before = events(graph, a);
    let touches = |e: &Event| {
        before.iter().any(|f| f.access.data == e.access.data && (f.access.write || e.access.write))
    };
    let mut after: Vec<Event> = events(graph, b).into_iter().filter(touches).collect();
    if after.is_empty() {
        return Ok(());
    }
    for event in &mut after {
        (event.start, event.end) = (now(event.start), now(event.end));
    }
    let order = Paths::of(union).expect("no edge leads back from the second state");
    let facts = facts_at(graph, Place::Block(first));
    let open = unordered(&before, &after, &order, &facts);
    require("conflicts-are-ordered", open.is_none(), Place::Block(second), || {
        let (a, b) = open.expect("an unordered pair");
        let verb = |e: &Event| if e.access.write { "writes" } else { "reads" };
        let label = |id| graph.body.find(id).map_or("?".to_string(), |b| b.label.to_string());
        format!(
            "'{}' {} {data}[{}] and '{}' {} {data}[{}], and no path would order the two in one state",
            label(first),
            verb(a),
            a.access.subset,
            label(second),
            verb(b),
            b.access.subset,
            data = a.access.data,
        )
    })
}
