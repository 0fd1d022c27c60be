//! From a graph to boxes and curves at fixed places. Knows no window; the same graph always gives
//! the same picture.
//!
//! A region is a column of blocks. A state holds its dataflow graph, laid out in layers by an
//! [`engine`]; a map scope is one box in the graph around it, with a graph of its own inside.

mod build;
pub mod engine;
mod label;
mod ports;

use std::collections::BTreeSet;

use egui::{Pos2, Rect, Vec2};
use weft_ir::sdfg::{EdgeId, Place, Sdfg, Span};

pub use engine::Cache;
pub use label::{data_type, memlet as memlet_text, node as node_text, tasklet_lines};

/// Sizes of the picture, in points at zoom 1.
pub mod metrics {
    /// Size of the monospaced text in boxes.
    pub const TEXT: f32 = 12.0;
    /// Size of the text at edges.
    pub const SMALL: f32 = 10.0;
    /// Advance of a character, in parts of the text size; exact for the embedded font.
    pub const ADVANCE: f32 = 0.6;
    pub const LINE: f32 = 16.0;
    /// Around the contents of a box.
    pub const PAD: f32 = 14.0;
    /// Height of the title of a box that holds others.
    pub const TITLE: f32 = 26.0;
    /// Between blocks of a region.
    pub const GAP: f32 = 30.0;
    /// Longest text of a box, in characters; the inspector shows all of it.
    pub const LONGEST: usize = 44;
    /// Most lines of a tasklet.
    pub const LINES: usize = 5;
}

/// What a box stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    Access {
        transient: bool,
    },
    Tasklet,
    MapEntry,
    MapExit,
    Library,
    Nested,
    /// A map with what is inside it; folded, a single box.
    Scope,
    State,
    Loop,
    Conditional,
    /// One branch of a conditional.
    Branch,
    /// Assignment, check, break, continue or return.
    Statement,
}

impl Shape {
    /// Is it a box around others?
    pub fn is_group(self) -> bool {
        matches!(
            self,
            Shape::Nested | Shape::Scope | Shape::State | Shape::Loop | Shape::Conditional | Shape::Branch
        )
    }
}

/// One box, in absolute coordinates.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    pub place: Place,
    pub shape: Shape,
    pub rect: Rect,
    /// One line each.
    pub text: Vec<String>,
    /// Shown weaker after the first line: a schedule, a count.
    pub note: String,
    /// `Some(true)`: has contents that are not shown.
    pub folded: Option<bool>,
    pub span: Option<Span>,
    /// Items of the same tree follow; this is the index after the last one inside.
    pub end: usize,
    pub depth: usize,
}

/// What a curve stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WireKind {
    /// Moves data.
    Data,
    /// Moves data and resolves conflicting writes.
    Conflict,
    /// A dependence without data.
    Order,
    /// From a block to the next one.
    Control,
}

/// One curve: cubic Bézier pieces, end to end.
#[derive(Clone, PartialEq, Debug)]
pub struct Wire {
    pub edge: Option<EdgeId>,
    pub kind: WireKind,
    pub pieces: Vec<[Pos2; 4]>,
    pub bounds: Rect,
    /// What the curve is drawn on.
    pub ground: Shape,
    pub label: String,
    /// Where the label fits without covering anything; `None` where it does not.
    pub label_at: Option<Rect>,
}

/// A graph with a place for everything.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Picture {
    pub size: Vec2,
    /// Outer before inner.
    pub items: Vec<Item>,
    pub wires: Vec<Wire>,
}

impl Picture {
    /// The smallest box around a place, if it is shown.
    pub fn rect_of(&self, place: Place) -> Option<Rect> {
        if let Place::Edge(id) = place {
            return self.wires.iter().find(|w| w.edge == Some(id)).map(|w| w.bounds);
        }
        self.items.iter().find(|i| i.place == place).map(|i| i.rect)
    }

    /// The box at a point, inner before outer.
    pub fn item_at(&self, at: Pos2) -> Option<&Item> {
        self.items.iter().rev().find(|i| i.rect.contains(at))
    }

    /// The curve within `reach` of a point.
    pub fn wire_at(&self, at: Pos2, reach: f32) -> Option<&Wire> {
        let near = self.wires.iter().filter(|w| w.edge.is_some() && w.bounds.expand(reach).contains(at));
        near.map(|w| (distance(w, at), w))
            .filter(|(d, _)| *d <= reach)
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, w)| w)
    }
}

fn distance(wire: &Wire, at: Pos2) -> f32 {
    let mut least = f32::INFINITY;
    for piece in &wire.pieces {
        for step in 0..=16 {
            least = least.min(point_on(piece, step as f32 / 16.0).distance(at));
        }
    }
    least
}

/// A point of a cubic Bézier curve, `t` from 0 to 1.
pub fn point_on(p: &[Pos2; 4], t: f32) -> Pos2 {
    let s = 1.0 - t;
    let v = p[0].to_vec2() * (s * s * s)
        + p[1].to_vec2() * (3.0 * s * s * t)
        + p[2].to_vec2() * (3.0 * s * t * t)
        + p[3].to_vec2() * (t * t * t);
    v.to_pos2()
}

/// Lays a graph out. What is in `folded` is drawn as one box.
pub fn picture(graph: &Sdfg, folded: &BTreeSet<Place>, cache: &mut Cache) -> Picture {
    build::picture(graph, folded, cache)
}
