//! StateFusion: two states that follow each other become one.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use weft_ir::Name;
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
        let mut edited = graph.clone_sdfg();
        fuse(&mut edited, &mut Head::of(graph, first), second, &mut forwarding)?;
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

/// What fusing asks about the first of two states. It is kept up to date, so that many states are fused
/// with it one after the other in time that is linear in theirs.
pub struct Head {
    pub block: BlockId,
    events: Vec<Event>,
    /// Access nodes outside of maps.
    nodes: BTreeMap<Name, Vec<NodeId>>,
}

impl Head {
    pub fn of(graph: &Sdfg, block: BlockId) -> Head {
        let state = state(graph, block);
        Head { block, events: events(graph, state), nodes: access_nodes(state) }
    }

    /// The access nodes of the second state that stand for nodes of the first: what it reads.
    fn meeting(&self, first: &StateGraph, second: &StateGraph) -> BTreeMap<NodeId, NodeId> {
        let written = |n: NodeId| first.in_edges(n).iter().any(|e| e.memlet.is_some());
        let mut order: Option<Vec<NodeId>> = None;
        let mut merged = BTreeMap::new();
        for (data, nodes) in access_nodes(second) {
            let Some(candidates) = self.nodes.get(&data) else { continue };
            for id in nodes.into_iter().filter(|id| second.in_edges(*id).is_empty()) {
                // The last node that is written, else one that is only read.
                let target = if let [only] = candidates[..] {
                    Some(only)
                } else {
                    let order = order.get_or_insert_with(|| first.topological().unwrap_or_default());
                    let position = |n: NodeId| order.iter().position(|o| *o == n);
                    candidates.iter().copied().max_by_key(|&n| (written(n), position(n)))
                };
                merged.extend(target.map(|target| (id, target)));
            }
        }
        merged
    }
}

fn state(graph: &Sdfg, block: BlockId) -> &StateGraph {
    graph.body.find(block).and_then(Block::state).expect("a state of the graph")
}

fn access_nodes(state: &StateGraph) -> BTreeMap<Name, Vec<NodeId>> {
    let mut found: BTreeMap<Name, Vec<NodeId>> = BTreeMap::new();
    let Some(scopes) = Scopes::of(state) else { return found };
    for (id, node) in state.nodes() {
        if let Node::Access(data) = node
            && scopes.parent(id).is_none()
        {
            found.entry(*data).or_default().push(id);
        }
    }
    found
}

/// Merges `second` into the state of `head`; both are in one region, one after the other. Changes nothing
/// where it refuses.
pub fn fuse(
    graph: &mut Sdfg,
    head: &mut Head,
    second: BlockId,
    forwarding: &mut Forwarding,
) -> Result<(), Refusal> {
    let first = head.block;
    let (a, b) = (state(graph, first), state(graph, second));
    let merged = head.meeting(a, b);
    let now = |id: NodeId| merged.get(&id).copied().unwrap_or(id);
    let mut after = events(graph, b);
    check(graph, head, second, &after, &merged)?;
    for event in &mut after {
        (event.start, event.end) = (now(event.start), now(event.end));
    }
    head.events.extend(after);
    for (data, nodes) in access_nodes(b) {
        head.nodes.entry(data).or_default().extend(nodes.into_iter().filter(|id| !merged.contains_key(id)));
    }

    let (region, at) = graph.body.parent_mut(second).expect("a block of the graph");
    let second_block = region.blocks.remove(at);
    let b = second_block.state().expect("a state");
    let block = Arc::make_mut(&mut region.blocks[at - 1]);
    block.span = block.span.or(second_block.span);
    let BlockKind::State(union) = &mut block.kind else { unreachable!("two states follow each other") };
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
    forwarding.moved(Place::Block(second), Place::Block(first));
    for (from, to) in merged {
        forwarding.moved(Place::Node(from), Place::Node(to));
    }
    Ok(())
}

fn check(
    graph: &Sdfg,
    head: &Head,
    second: BlockId,
    after: &[Event],
    merged: &BTreeMap<NodeId, NodeId>,
) -> Result<(), Refusal> {
    let first = head.block;
    let touches = |e: &Event| {
        head.events.iter().any(|f| f.access.data == e.access.data && (f.access.write || e.access.write))
    };
    let after: Vec<Event> = after.iter().filter(|e| touches(e)).cloned().collect();
    if after.is_empty() {
        return Ok(());
    }
    let (a, b) = (state(graph, first), state(graph, second));
    let inner = Paths::of(b).expect("no cycle in a state");
    // A path of the merged graph leads into the second state through a node that both share.
    let mut before: BTreeMap<NodeId, HashSet<NodeId>> = BTreeMap::new();
    for node in merged.values() {
        before.entry(*node).or_insert_with(|| a.leading_to(*node));
    }
    let reaches = |from: NodeId, to: NodeId| {
        merged.iter().any(|(inside, node)| inner.reaches(*inside, to) && before[node].contains(&from))
    };
    let facts = facts_at(graph, Place::Block(first));
    let open = unordered(&head.events, &after, reaches, &facts);
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
