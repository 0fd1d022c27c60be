//! Paints a picture: only what is in view, with as much detail as the zoom allows.

use egui::epaint::{CubicBezierShape, PathStroke};
use egui::{Align2, Color32, Painter, Pos2, Rect, Shape as Paint, Stroke, StrokeKind, pos2, vec2};
use weft_ir::sdfg::Place;

use super::canvas::{PLAIN_ZOOM, Screen, TEXT_ZOOM};
use crate::layout::metrics::{LINE, SMALL, TEXT};
use crate::layout::{Item, Picture, Shape, Wire, WireKind};
use crate::state::Document;
use crate::theme::{Colors, Pair, mono};

pub fn picture(painter: &Painter, picture: &Picture, screen: Screen, document: &Document, colors: &Colors) {
    let seen = |rect: Rect| screen.rect(rect).expand(4.0).intersects(screen.view);
    let mut at = 0;
    // Whole subtrees out of view are skipped. Groups lie under the curves, other boxes over them.
    let mut leaves = vec![];
    while at < picture.items.len() {
        let item = &picture.items[at];
        if !seen(item.rect) {
            at = item.end.max(at + 1);
            continue;
        }
        if item.shape.is_group() && item.folded != Some(true) {
            group(painter, item, screen, document, colors);
        } else {
            leaves.push(item);
        }
        at += 1;
    }
    for wire in &picture.wires {
        if seen(wire.bounds) {
            curve(painter, wire, screen, document, colors);
        }
    }
    // Over all curves: a label that is crossed cannot be read.
    for wire in picture.wires.iter().filter(|w| !w.label.is_empty() && seen(w.bounds)) {
        label(painter, wire, screen, document, colors);
    }
    for item in leaves {
        leaf(painter, item, screen, document, colors);
    }
}

pub fn pair(shape: Shape, colors: &Colors) -> &Pair {
    let g = &colors.graph;
    match shape {
        Shape::Access { transient: true } => &g.transient,
        Shape::Access { transient: false } => &g.access,
        Shape::Tasklet => &g.tasklet,
        Shape::MapEntry | Shape::MapExit => &g.map,
        Shape::Library => &g.library,
        Shape::Nested => &g.nested,
        Shape::Scope => &g.scope,
        Shape::State => &g.state,
        Shape::Loop | Shape::Conditional | Shape::Branch => &g.control,
        Shape::Statement => &g.statement,
    }
}

/// The border of an item: what is selected or hovered stands out.
fn border(item: &Item, document: &Document, colors: &Colors, base: Color32) -> Stroke {
    if document.is_selected(item.place) {
        Stroke::new(2.5, colors.accent)
    } else if document.hover == Some(item.place) {
        Stroke::new(1.5, colors.strong)
    } else {
        Stroke::new(1.0, base)
    }
}

fn font_size(base: f32, zoom: f32) -> f32 {
    // Whole sizes only: each is a set of glyphs in the atlas. Rounded down, so that it fits.
    (base * zoom + 0.15).floor().max(4.0)
}

fn group(painter: &Painter, item: &Item, screen: Screen, document: &Document, colors: &Colors) {
    let rect = screen.rect(item.rect);
    let Pair { fill, line } = pair(item.shape, colors);
    let stroke = border(item, document, colors, *line);
    painter.rect(rect, 6.0 * screen.camera.zoom.min(1.5), *fill, stroke, StrokeKind::Inside);
    if screen.camera.zoom < TEXT_ZOOM {
        return;
    }
    let zoom = screen.camera.zoom;
    let mut x = rect.left() + 10.0 * zoom;
    if let Some(at) = triangle(item, screen) {
        arrow(painter, at, item.folded == Some(true), colors.weak);
        x = at.right() + 6.0 * zoom;
    }
    let y = rect.top() + 14.0 * zoom;
    let font = mono(font_size(TEXT, zoom));
    let Some(text) = item.text.first() else { return };
    let text_color = if item.shape == Shape::State { colors.weak } else { colors.text };
    let taken = painter.text(pos2(x, y), Align2::LEFT_CENTER, text, font, text_color);
    if !item.note.is_empty() {
        let at = pos2(taken.right() + 10.0 * zoom, y);
        painter.text(at, Align2::LEFT_CENTER, &item.note, mono(font_size(SMALL, zoom)), colors.weak);
    }
}

/// Where the triangle that folds a group is, on the screen.
pub fn triangle(item: &Item, screen: Screen) -> Option<Rect> {
    item.folded?;
    let zoom = screen.camera.zoom;
    let rect = screen.rect(item.rect);
    let y = if item.folded == Some(true) { rect.center().y } else { rect.top() + 14.0 * zoom };
    (zoom >= TEXT_ZOOM)
        .then(|| Rect::from_center_size(pos2(rect.left() + 14.0 * zoom, y), vec2(8.0, 8.0) * zoom))
}

fn arrow(painter: &Painter, at: Rect, folded: bool, color: Color32) {
    let points = if folded {
        vec![at.left_top(), pos2(at.right(), at.center().y), at.left_bottom()]
    } else {
        vec![at.left_top(), at.right_top(), pos2(at.center().x, at.bottom())]
    };
    painter.add(Paint::convex_polygon(points, color, Stroke::NONE));
}

fn leaf(painter: &Painter, item: &Item, screen: Screen, document: &Document, colors: &Colors) {
    let rect = screen.rect(item.rect);
    let zoom = screen.camera.zoom;
    let Pair { fill, line } = pair(item.shape, colors);
    let stroke = border(item, document, colors, *line);
    if zoom < PLAIN_ZOOM {
        painter.rect_filled(
            rect,
            0.0,
            if document.is_selected(item.place) { colors.accent } else { line.gamma_multiply(0.75) },
        );
        return;
    }
    let bevel = (rect.height() * 0.28).min(12.0 * zoom);
    match item.shape {
        Shape::Access { transient } => {
            let radius = rect.size() / 2.0;
            painter.add(Paint::ellipse_filled(rect.center(), radius, *fill));
            if transient && stroke.width < 1.2 && zoom >= TEXT_ZOOM {
                painter.extend(Paint::dashed_line(&ellipse(rect), stroke, 5.0, 3.5));
            } else {
                painter.add(Paint::ellipse_stroke(rect.center(), radius, stroke));
            }
        }
        Shape::Tasklet => polygon(painter, octagon(rect, bevel), *fill, stroke),
        Shape::MapEntry => polygon(painter, trapezoid(rect, 14.0 * zoom, true), *fill, stroke),
        Shape::MapExit => polygon(painter, trapezoid(rect, 14.0 * zoom, false), *fill, stroke),
        Shape::Library => {
            painter.rect(rect, 2.0, *fill, stroke, StrokeKind::Inside);
            painter.rect_stroke(
                rect.shrink(3.0 * zoom),
                1.0,
                Stroke::new(1.0, line.gamma_multiply(0.6)),
                StrokeKind::Inside,
            );
        }
        _ => drop(painter.rect(rect, 5.0 * zoom, *fill, stroke, StrokeKind::Inside)),
    }
    if zoom >= TEXT_ZOOM {
        words(painter, item, screen, colors);
    }
}

fn words(painter: &Painter, item: &Item, screen: Screen, colors: &Colors) {
    let rect = screen.rect(item.rect);
    let zoom = screen.camera.zoom;
    let font = mono(font_size(TEXT, zoom));
    let line = LINE * zoom;
    let top = rect.center().y - line * (item.text.len().saturating_sub(1)) as f32 / 2.0;
    let color = if matches!(item.shape, Shape::MapExit) { colors.weak } else { colors.strong };
    if item.folded == Some(true) || !item.note.is_empty() {
        let mut x = rect.left() + 14.0 * zoom;
        if let Some(at) = triangle(item, screen) {
            arrow(painter, at, true, colors.weak);
            x = at.right() + 6.0 * zoom;
        } else {
            x += 8.0 * zoom;
        }
        for (i, text) in item.text.iter().enumerate() {
            let taken =
                painter.text(pos2(x, top + i as f32 * line), Align2::LEFT_CENTER, text, font.clone(), color);
            if i == 0 {
                let at = pos2(taken.right() + 8.0 * zoom, top);
                let note = if item.shape == Shape::MapEntry { colors.graph.map.line } else { colors.weak };
                painter.text(at, Align2::LEFT_CENTER, &item.note, mono(font_size(SMALL, zoom)), note);
            }
        }
        return;
    }
    for (i, text) in item.text.iter().enumerate() {
        let second = i > 0 && item.shape == Shape::Library;
        let color = if second { colors.weak } else { color };
        painter.text(
            pos2(rect.center().x, top + i as f32 * line),
            Align2::CENTER_CENTER,
            text,
            font.clone(),
            color,
        );
    }
}

fn polygon(painter: &Painter, points: Vec<Pos2>, fill: Color32, stroke: Stroke) {
    painter.add(Paint::convex_polygon(points, fill, PathStroke::from(stroke)));
}

pub fn octagon(r: Rect, b: f32) -> Vec<Pos2> {
    vec![
        pos2(r.left() + b, r.top()),
        pos2(r.right() - b, r.top()),
        pos2(r.right(), r.top() + b),
        pos2(r.right(), r.bottom() - b),
        pos2(r.right() - b, r.bottom()),
        pos2(r.left() + b, r.bottom()),
        pos2(r.left(), r.bottom() - b),
        pos2(r.left(), r.top() + b),
    ]
}

/// Wide at the bottom for an entry, at the top for an exit.
pub fn trapezoid(r: Rect, slant: f32, entry: bool) -> Vec<Pos2> {
    let slant = slant.min(r.width() / 3.0);
    let (top, bottom) = if entry { (slant, 0.0) } else { (0.0, slant) };
    vec![
        pos2(r.left() + top, r.top()),
        pos2(r.right() - top, r.top()),
        pos2(r.right() - bottom, r.bottom()),
        pos2(r.left() + bottom, r.bottom()),
    ]
}

fn ellipse(r: Rect) -> Vec<Pos2> {
    let steps = 48;
    (0..=steps)
        .map(|i| {
            let angle = i as f32 / steps as f32 * std::f32::consts::TAU;
            r.center() + vec2(angle.cos() * r.width() / 2.0, angle.sin() * r.height() / 2.0)
        })
        .collect()
}

fn curve(painter: &Painter, wire: &Wire, screen: Screen, document: &Document, colors: &Colors) {
    let zoom = screen.camera.zoom;
    let place = wire.edge.map(Place::Edge);
    let selected = place.is_some_and(|p| document.is_selected(p));
    let hovered = place.is_some() && document.hover == place;
    let base = if wire.kind == WireKind::Conflict { colors.graph.conflict } else { colors.graph.wire };
    let stroke = if selected {
        Stroke::new(2.5, colors.accent)
    } else if hovered {
        Stroke::new(2.0, colors.strong)
    } else {
        Stroke::new(if wire.kind == WireKind::Control { 1.5 } else { 1.1 }, base)
    };
    for piece in &wire.pieces {
        let points = piece.map(|p| screen.to(p));
        if zoom < PLAIN_ZOOM {
            painter.line_segment([points[0], points[3]], stroke);
        } else if wire.kind == WireKind::Order {
            let flat: Vec<Pos2> =
                (0..=12).map(|i| crate::layout::point_on(&points, i as f32 / 12.0)).collect();
            painter.extend(Paint::dashed_line(&flat, stroke, 4.0, 4.0));
        } else {
            painter.add(CubicBezierShape::from_points_stroke(points, false, Color32::TRANSPARENT, stroke));
        }
    }
    if zoom >= PLAIN_ZOOM
        && let Some(last) = wire.pieces.last()
    {
        head(painter, screen.to(last[3]), zoom, stroke.color);
    }
}

/// The memlet at a curve: where it fits, and always when the curve is selected or hovered.
fn label(painter: &Painter, wire: &Wire, screen: Screen, document: &Document, colors: &Colors) {
    let zoom = screen.camera.zoom;
    let place = wire.edge.map(Place::Edge);
    let emphasized = place.is_some_and(|p| document.is_selected(p) || document.hover == Some(p));
    let at = wire.label_at.or_else(|| {
        let middle =
            wire.pieces.get(wire.pieces.len() / 2).filter(|_| emphasized && !wire.label.is_empty())?;
        Some(Rect::from_center_size(crate::layout::point_on(middle, 0.5), vec2(0.0, SMALL)))
    });
    if let Some(at) = at.filter(|_| zoom >= 0.6 || (emphasized && zoom >= TEXT_ZOOM)) {
        let color = if emphasized { colors.strong } else { colors.graph.label };
        let galley = painter.layout_no_wrap(wire.label.clone(), mono(font_size(SMALL, zoom)), color);
        let rect = Rect::from_center_size(screen.rect(at).center(), galley.size());
        // The curve runs behind its label.
        painter.rect_filled(rect.expand(1.0), 2.0, pair(wire.ground, colors).fill.gamma_multiply(0.9));
        painter.galley(rect.min, galley, color);
    }
}

/// Curves arrive from above.
fn head(painter: &Painter, tip: Pos2, zoom: f32, color: Color32) {
    let (w, h) = (3.2 * zoom, 7.0 * zoom);
    let points = vec![tip, tip + vec2(-w, -h), tip + vec2(w, -h)];
    painter.add(Paint::convex_polygon(points, color, Stroke::NONE));
}

/// What a screen reader says, and tests look for.
pub fn spoken(item: &Item) -> String {
    let kind = match item.shape {
        Shape::Access { .. } => "container",
        Shape::Tasklet => "tasklet",
        Shape::MapEntry => "map",
        Shape::MapExit => "end of map",
        Shape::Library => "library node",
        Shape::Nested => "nested graph",
        Shape::Scope if item.folded == Some(true) => "map",
        Shape::Scope => "scope",
        Shape::State => "state",
        Shape::Loop => "loop",
        Shape::Conditional => "conditional",
        Shape::Branch => "branch",
        Shape::Statement => "statement",
    };
    format!("{kind} {}", item.text.first().map_or("", |t| t))
}
