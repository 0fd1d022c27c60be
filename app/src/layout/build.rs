//! Walks a graph and makes the boxes: a column for a region, layers for a state or map scope.

use std::collections::{BTreeMap, BTreeSet};

use egui::{Rect, Vec2, pos2, vec2};
use weft_ir::sdfg::{
    Block, BlockKind, Edge, MapId, Node, NodeId, Place, Region, Scopes, Sdfg, Span, StateGraph,
};

use super::engine::{Cache, Flow};
use super::label::{self, elide};
use super::metrics::{ADVANCE, GAP, LINE, LONGEST, PAD, TEXT, TITLE};
use super::ports::{self, End};
use super::{Item, Picture, Shape, Wire, WireKind};

/// Deeper nesting than this is drawn folded.
const DEEPEST: usize = 40;

pub fn picture(graph: &Sdfg, folded: &BTreeSet<Place>, cache: &mut Cache) -> Picture {
    let mut builder = Builder { folded, cache, depth: 0 };
    let content = builder.region(graph, &graph.body);
    let mut picture = Picture { size: content.size, ..Picture::default() };
    content.flatten(Vec2::ZERO, 0, &mut picture);
    picture
}

/// Boxes and curves relative to a corner.
#[derive(Default)]
struct Content {
    size: Vec2,
    parts: Vec<(Vec2, Part)>,
    wires: Vec<Wire>,
}

/// One box with what is inside it.
struct Part {
    head: Head,
    size: Vec2,
    /// Relative to the box.
    inside: Content,
    /// Where curves arrive and leave, relative to the box.
    inlet: Rect,
    outlet: Rect,
}

struct Head {
    place: Place,
    shape: Shape,
    text: Vec<String>,
    note: String,
    folded: Option<bool>,
    span: Option<Span>,
}

impl Content {
    fn flatten(self, at: Vec2, depth: usize, picture: &mut Picture) {
        for (offset, part) in self.parts {
            part.flatten(at + offset, depth, picture);
        }
        picture.wires.extend(self.wires.into_iter().map(|w| moved(w, at)));
    }
}

impl Part {
    /// A box without contents.
    fn leaf(head: Head, size: Vec2) -> Part {
        let all = Rect::from_min_size(pos2(0.0, 0.0), size);
        Part { head, size, inside: Content::default(), inlet: all, outlet: all }
    }

    /// A titled box around contents.
    fn group(head: Head, inside: Content, title: f32) -> Part {
        let least = width(&head.text, TEXT).max(0.0) + width(std::slice::from_ref(&head.note), TEXT) + 48.0;
        let size = vec2(inside.size.x.max(least - 2.0 * PAD) + 2.0 * PAD, inside.size.y + title + PAD);
        let at = vec2((size.x - inside.size.x) / 2.0, title);
        let all = Rect::from_min_size(pos2(0.0, 0.0), size);
        let inner = Content { size, parts: inside.parts, wires: inside.wires };
        let inner = Content {
            parts: inner.parts.into_iter().map(|(o, p)| (o + at, p)).collect(),
            wires: inner.wires.into_iter().map(|w| moved(w, at)).collect(),
            size,
        };
        Part { head, size, inside: inner, inlet: all, outlet: all }
    }

    fn flatten(self, at: Vec2, depth: usize, picture: &mut Picture) {
        let index = picture.items.len();
        let Head { place, shape, text, note, folded, span } = self.head;
        let rect = Rect::from_min_size(at.to_pos2(), self.size);
        picture.items.push(Item { place, shape, rect, text, note, folded, span, end: index + 1, depth });
        self.inside.flatten(at, depth + 1, picture);
        picture.items[index].end = picture.items.len();
    }
}

fn moved(mut wire: Wire, by: Vec2) -> Wire {
    for point in wire.pieces.iter_mut().flatten() {
        *point += by;
    }
    wire.bounds = wire.bounds.translate(by);
    wire.label_at = wire.label_at.map(|r| r.translate(by));
    wire
}

/// Width of the longest line.
fn width(lines: &[String], size: f32) -> f32 {
    lines.iter().map(|l| l.chars().count()).max().unwrap_or(0) as f32 * size * ADVANCE
}

struct Builder<'a> {
    folded: &'a BTreeSet<Place>,
    cache: &'a mut Cache,
    depth: usize,
}

/// A state with its scopes sorted out.
struct Level<'a> {
    sdfg: &'a Sdfg,
    graph: &'a StateGraph,
    nodes: BTreeMap<Option<MapId>, Vec<NodeId>>,
    edges: BTreeMap<Option<MapId>, Vec<&'a Edge>>,
}

impl<'a> Level<'a> {
    fn of(sdfg: &'a Sdfg, graph: &'a StateGraph) -> Level<'a> {
        // `None` cannot be: the graph is verified. Then everything is on one level.
        let scopes = Scopes::of(graph);
        let parent = |id: NodeId| scopes.as_ref().and_then(|s| s.parent(id));
        let mut level = Level { sdfg, graph, nodes: BTreeMap::new(), edges: BTreeMap::new() };
        for id in graph.node_ids() {
            level.nodes.entry(parent(id)).or_default().push(id);
        }
        for edge in graph.edges() {
            let inside = match (graph.node(edge.src.node), graph.node(edge.dst.node)) {
                _ if scopes.is_none() => None,
                (Node::MapEntry(map), _) => Some(*map),
                (_, Node::MapExit(map)) => Some(*map),
                _ => parent(edge.src.node),
            };
            level.edges.entry(inside).or_default().push(edge);
        }
        level
    }
}

impl Builder<'_> {
    fn is_folded(&self, place: Place) -> bool {
        self.depth > DEEPEST || self.folded.contains(&place)
    }

    // ---- control flow ------------------------------------------------------------------

    fn region(&mut self, sdfg: &Sdfg, region: &Region) -> Content {
        self.depth += 1;
        let parts: Vec<Part> = region.blocks.iter().map(|block| self.block(sdfg, block)).collect();
        self.depth -= 1;
        let widest = parts.iter().map(|p| p.size.x).fold(0.0, f32::max);
        let mut content = Content { size: vec2(widest, 0.0), ..Content::default() };
        let mut previous: Option<egui::Pos2> = None;
        let mut y = 0.0;
        for part in parts {
            if let Some(from) = previous {
                y += GAP;
                let to = pos2(widest / 2.0, y);
                content.wires.push(ports::straight(from, to, WireKind::Control));
            }
            let at = vec2((widest - part.size.x) / 2.0, y);
            y += part.size.y;
            previous = Some(pos2(widest / 2.0, y));
            content.parts.push((at, part));
        }
        content.size.y = y;
        content
    }

    fn block(&mut self, sdfg: &Sdfg, block: &Block) -> Part {
        let place = Place::Block(block.id);
        let head = |shape: Shape, text: String, note: &str| Head {
            place,
            shape,
            text: vec![elide(&text, LONGEST)],
            note: note.to_string(),
            folded: None,
            span: block.span,
        };
        let statement = |text: String| {
            let head = head(Shape::Statement, text, "");
            let size = vec2(width(&head.text, TEXT) + 2.0 * PAD, LINE + 12.0);
            Part::leaf(head, size)
        };
        let label = block.label;
        match &block.kind {
            BlockKind::State(graph) => self.state(sdfg, graph, head(Shape::State, label.to_string(), "")),
            BlockKind::Loop { var, range, body } => {
                self.titled(sdfg, body, head(Shape::Loop, format!("for {var} = {range}"), label.as_str()))
            }
            BlockKind::While { cond, body } => {
                let text = format!("while {}", label::expression(cond));
                self.titled(sdfg, body, head(Shape::Loop, text, label.as_str()))
            }
            BlockKind::Conditional { branches, otherwise } => {
                let mut titled: Vec<(String, &Region)> = vec![];
                for (i, (cond, body)) in branches.iter().enumerate() {
                    let word = if i == 0 { "if" } else { "elif" };
                    titled.push((format!("{word} {}", label::expression(cond)), body));
                }
                if !otherwise.blocks.is_empty() {
                    titled.push(("else".into(), otherwise));
                }
                self.conditional(sdfg, &titled, head(Shape::Conditional, "if".into(), label.as_str()))
            }
            BlockKind::Assign { symbol, value } => {
                statement(format!("{symbol} := {}", label::expression(value)))
            }
            BlockKind::Check { message, .. } if weft_python::why_left_out(message).is_some() => {
                statement("not imported".into())
            }
            BlockKind::Check { cond, .. } => statement(format!("check {}", label::expression(cond))),
            BlockKind::Break => statement("break".into()),
            BlockKind::Continue => statement("continue".into()),
            BlockKind::Return => statement("return".into()),
        }
    }

    fn titled(&mut self, sdfg: &Sdfg, body: &Region, mut head: Head) -> Part {
        if self.is_folded(head.place) {
            let n = body.blocks.len();
            return self.closed(head, &format!("{n} block{}", if n == 1 { "" } else { "s" }));
        }
        head.folded = Some(false);
        let inside = self.region(sdfg, body);
        Part::group(head, inside, TITLE)
    }

    /// A box whose contents are not shown.
    fn closed(&self, mut head: Head, what: &str) -> Part {
        head.folded = Some(true);
        head.note = if head.note.is_empty() { what.to_string() } else { format!("{} · {what}", head.note) };
        let text = width(&head.text, TEXT) + width(std::slice::from_ref(&head.note), TEXT);
        let size = vec2(text + 2.0 * PAD + 34.0, LINE * head.text.len().max(1) as f32 + 18.0);
        Part::leaf(head, size)
    }

    fn conditional(&mut self, sdfg: &Sdfg, branches: &[(String, &Region)], mut head: Head) -> Part {
        if self.is_folded(head.place) {
            return self.closed(head, &format!("{} branches", branches.len()));
        }
        head.folded = Some(false);
        let mut content = Content::default();
        for (title, body) in branches {
            let inside = self.region(sdfg, body);
            let text = vec![elide(title, LONGEST)];
            let branch = Head {
                place: head.place,
                shape: Shape::Branch,
                text,
                note: String::new(),
                folded: None,
                span: head.span,
            };
            let part = Part::group(branch, inside, TITLE);
            let x = if content.parts.is_empty() { 0.0 } else { content.size.x + PAD };
            content.size = vec2(x + part.size.x, content.size.y.max(part.size.y));
            content.parts.push((vec2(x, 0.0), part));
        }
        Part::group(head, content, TITLE)
    }

    // ---- dataflow ----------------------------------------------------------------------

    fn state(&mut self, sdfg: &Sdfg, graph: &StateGraph, mut head: Head) -> Part {
        if self.is_folded(head.place) {
            let n = graph.nodes().count();
            return self.closed(head, &format!("{n} node{}", if n == 1 { "" } else { "s" }));
        }
        head.folded = Some(false);
        let inside = self.level(&Level::of(sdfg, graph), None);
        Part::group(head, inside, TITLE)
    }

    fn level(&mut self, level: &Level, scope: Option<MapId>) -> Content {
        self.depth += 1;
        let mut parts: Vec<Part> = vec![];
        let mut index: BTreeMap<NodeId, usize> = BTreeMap::new();
        if let Some((entry, exit)) = scope.and_then(|map| level.graph.map_nodes(map)) {
            for node in [entry, exit] {
                index.insert(node, parts.len());
                parts.push(self.node(level, node));
            }
        }
        for &id in level.nodes.get(&scope).into_iter().flatten() {
            let at = parts.len();
            match level.graph.node(id) {
                Node::MapEntry(map) if level.graph.map_nodes(*map).is_some() => {
                    let Some((_, exit)) = level.graph.map_nodes(*map) else { continue };
                    index.insert(id, at);
                    index.insert(exit, at);
                    parts.push(self.scope(level, *map));
                }
                Node::MapExit(_) => {}
                _ => {
                    index.insert(id, at);
                    parts.push(self.node(level, id));
                }
            }
        }
        self.depth -= 1;
        let edges = level.edges.get(&scope).map(|e| &e[..]).unwrap_or_default();
        self.arrange(parts, &index, edges, if scope.is_some() { Shape::Scope } else { Shape::State })
    }

    /// Places parts in layers and draws the edges between them.
    fn arrange(
        &mut self,
        parts: Vec<Part>,
        index: &BTreeMap<NodeId, usize>,
        edges: &[&Edge],
        ground: Shape,
    ) -> Content {
        let ends = |e: &Edge| Some((*index.get(&e.src.node)?, *index.get(&e.dst.node)?));
        let pairs: BTreeSet<(usize, usize)> =
            edges.iter().filter_map(|e| ends(e)).filter(|(a, b)| a != b).collect();
        let rank = ranks(parts.len(), &pairs);
        let mut forward: Vec<(usize, usize)> =
            pairs.iter().copied().filter(|&(a, b)| rank[a] < rank[b]).collect();
        forward.sort_by_key(|&(a, b)| (rank[a], rank[b]));
        let sizes = parts.iter().map(|p| (p.size.x.ceil() as u32, p.size.y.ceil() as u32)).collect();
        let placed = self.cache.place(Flow { sizes, edges: forward.clone() });
        let route: BTreeMap<(usize, usize), usize> =
            forward.iter().enumerate().map(|(i, &e)| (e, i)).collect();
        let boxes: Vec<Rect> =
            parts.iter().zip(&placed.corners).map(|(p, &c)| Rect::from_min_size(c, p.size)).collect();
        let round = |p: &Part| matches!(p.head.shape, Shape::Access { .. });
        let ends_of = |k: usize, out: bool| End {
            rect: if out { parts[k].outlet } else { parts[k].inlet }.translate(placed.corners[k].to_vec2()),
            round: round(&parts[k]),
        };
        let lines: Vec<ports::Line> = edges
            .iter()
            .filter_map(|edge| {
                let (a, b) = ends(edge)?;
                if a == b {
                    return None;
                }
                let via = route.get(&(a, b)).map(|&i| placed.routes[i].clone()).unwrap_or_default();
                Some(ports::Line { edge, from: (a, ends_of(a, true)), to: (b, ends_of(b, false)), via })
            })
            .collect();
        let wires = ports::wires(&lines, &boxes, ground);
        let parts = placed.corners.iter().map(|c| c.to_vec2()).zip(parts).collect();
        Content { size: placed.size, parts, wires }
    }

    /// A map with what is inside it.
    fn scope(&mut self, level: &Level, map: MapId) -> Part {
        let place = Place::Map(map);
        let nodes = level.graph.map_nodes(map);
        let span = nodes.and_then(|(entry, _)| level.graph.span(entry));
        let (text, note) = label::node(level.graph, &Node::MapEntry(map));
        let mut head = Head { place, shape: Shape::Scope, text, note, folded: None, span };
        if self.is_folded(place) {
            let n = level.nodes.get(&Some(map)).map_or(0, |n| n.len());
            return self.closed(head, &format!("{n} node{}", if n == 1 { "" } else { "s" }));
        }
        head.folded = Some(false);
        // Entry and exit say what it is.
        head.text = vec![];
        head.note = String::new();
        let inside = self.level(level, Some(map));
        let mut part = Part::group(head, inside, PAD);
        let rect =
            |i: usize| part.inside.parts.get(i).map(|(at, p)| Rect::from_min_size(at.to_pos2(), p.size));
        if let (Some(entry), Some(exit)) = (rect(0), rect(1)) {
            (part.inlet, part.outlet) = (entry, exit);
        }
        part
    }

    fn node(&mut self, level: &Level, id: NodeId) -> Part {
        let node = level.graph.node(id);
        let (text, note) = label::node(level.graph, node);
        let mut place = Place::Node(id);
        let (shape, pad) = match node {
            Node::Access(name) => {
                let transient = level.sdfg.data.get(name).is_some_and(|d| d.transient);
                (Shape::Access { transient }, vec2(18.0, 7.0))
            }
            Node::Tasklet(_) => (Shape::Tasklet, vec2(16.0, 8.0)),
            Node::MapEntry(map) => {
                place = Place::Map(*map);
                (Shape::MapEntry, vec2(26.0, 6.0))
            }
            Node::MapExit(map) => {
                place = Place::Map(*map);
                (Shape::MapExit, vec2(26.0, 6.0))
            }
            Node::Library(_) => (Shape::Library, vec2(16.0, 8.0)),
            Node::Nested(nested) => {
                let span = level.graph.span(id);
                let head = Head { place, shape: Shape::Nested, text, note, folded: Some(false), span };
                if self.is_folded(place) {
                    return self.closed(head, "folded");
                }
                let inside = self.region(&nested.sdfg, &nested.sdfg.body);
                return Part::group(head, inside, TITLE);
            }
        };
        let words =
            width(&text, TEXT) + if note.is_empty() { 0.0 } else { width(&[format!("{note} ")], TEXT) };
        let size = vec2((words + 2.0 * pad.x).max(44.0), LINE * text.len() as f32 + 2.0 * pad.y);
        Part::leaf(Head { place, shape, text, note, folded: None, span: level.graph.span(id) }, size)
    }
}

/// Position of each part in a topological order; what is on a cycle comes last.
fn ranks(n: usize, edges: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let mut waiting = vec![0usize; n];
    let mut after: Vec<Vec<usize>> = vec![vec![]; n];
    for &(a, b) in edges {
        waiting[b] += 1;
        after[a].push(b);
    }
    let mut ready: BTreeSet<usize> = (0..n).filter(|&i| waiting[i] == 0).collect();
    let mut rank = vec![usize::MAX; n];
    let mut next = 0;
    while let Some(i) = ready.pop_first() {
        rank[i] = next;
        next += 1;
        for &j in &after[i] {
            waiting[j] -= 1;
            if waiting[j] == 0 {
                ready.insert(j);
            }
        }
    }
    for slot in rank.iter_mut().filter(|r| **r == usize::MAX) {
        *slot = next;
        next += 1;
    }
    rank
}
