//! Where curves meet boxes, how they run, and where their labels fit.

use egui::{Pos2, Rect, pos2, vec2};
use weft_ir::sdfg::Edge;

use super::label::{elide, memlet};
use super::metrics::{ADVANCE, LONGEST, SMALL};
use super::{Shape, Wire, WireKind, point_on};

/// One end of a line: the box that it meets.
#[derive(Clone, Copy)]
pub struct End {
    pub rect: Rect,
    /// An ellipse: ends are on its border.
    pub round: bool,
}

/// An edge between two boxes of one level.
pub struct Line<'a> {
    pub edge: &'a Edge,
    pub from: (usize, End),
    pub to: (usize, End),
    /// Points on the way.
    pub via: Vec<Pos2>,
}

/// A vertical arrow without a label.
pub fn straight(from: Pos2, to: Pos2, kind: WireKind) -> Wire {
    let pieces = vec![[from, from.lerp(to, 0.33), from.lerp(to, 0.66), to]];
    Wire {
        edge: None,
        kind,
        pieces,
        bounds: Rect::from_two_pos(from, to),
        ground: Shape::Loop,
        label: String::new(),
        label_at: None,
    }
}

/// Curves for all lines of a level whose boxes are `boxes`.
pub fn wires(lines: &[Line], boxes: &[Rect], ground: Shape) -> Vec<Wire> {
    let leave = port_xs(lines, true);
    let arrive = port_xs(lines, false);
    let mut wires: Vec<Wire> = lines
        .iter()
        .enumerate()
        .map(|(i, line)| {
            let from = on_border(&line.from.1, leave[i], true);
            let to = on_border(&line.to.1, arrive[i], false);
            let kind = match &line.edge.memlet {
                None => WireKind::Order,
                Some(m) if m.wcr.is_some() => WireKind::Conflict,
                Some(_) => WireKind::Data,
            };
            let pieces = pieces(from, &line.via, to, boxes);
            let bounds = pieces
                .iter()
                .flatten()
                .fold(Rect::from_two_pos(from, to), |r, p| r.union(Rect::from_pos(*p)));
            let label = line.edge.memlet.as_ref().map_or(String::new(), |m| elide(&memlet(m), LONGEST));
            Wire { edge: Some(line.edge.id), kind, pieces, bounds, ground, label, label_at: None }
        })
        .collect();
    place_labels(&mut wires, boxes);
    wires
}

/// The x of each line at one side of its box: in the order of where the lines come from.
fn port_xs(lines: &[Line], out: bool) -> Vec<f32> {
    let mut by_box: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
    for (i, line) in lines.iter().enumerate() {
        by_box.entry(if out { line.from.0 } else { line.to.0 }).or_default().push(i);
    }
    let far = |i: usize| {
        let line = &lines[i];
        let toward = if out { line.via.first() } else { line.via.last() };
        let other = if out { line.to.1.rect } else { line.from.1.rect };
        toward.map_or(other.center().x, |p| p.x)
    };
    let mut xs = vec![0.0; lines.len()];
    for mut group in by_box.into_values() {
        group.sort_by(|&a, &b| far(a).total_cmp(&far(b)).then(lines[a].edge.id.cmp(&lines[b].edge.id)));
        let n = group.len() as f32;
        for (k, &i) in group.iter().enumerate() {
            let end = if out { lines[i].from.1 } else { lines[i].to.1 };
            let usable = end.rect.width() * if end.round { 0.6 } else { 0.8 };
            xs[i] = end.rect.center().x + ((k as f32 + 0.5) / n - 0.5) * usable;
        }
    }
    xs
}

fn on_border(end: &End, x: f32, out: bool) -> Pos2 {
    let rect = end.rect;
    let y = if end.round && rect.width() > 0.0 {
        let part = ((x - rect.center().x) / (rect.width() / 2.0)).clamp(-1.0, 1.0);
        let rise = (1.0 - part * part).sqrt() * rect.height() / 2.0;
        if out { rect.center().y + rise } else { rect.center().y - rise }
    } else if out {
        rect.bottom()
    } else {
        rect.top()
    };
    pos2(x, y)
}

/// Through all points with vertical tangents; beside tall boxes straight down.
fn pieces(from: Pos2, via: &[Pos2], to: Pos2, boxes: &[Rect]) -> Vec<[Pos2; 4]> {
    let mut points: Vec<Pos2> = vec![from];
    for at in via {
        let beside = boxes.iter().filter(|b| b.top() <= at.y && at.y <= b.bottom());
        let (top, bottom) = beside.fold((at.y, at.y), |(t, b), r| (t.min(r.top()), b.max(r.bottom())));
        points.push(pos2(at.x, top));
        if bottom > top {
            points.push(pos2(at.x, bottom));
        }
    }
    points.push(to);
    points
        .windows(2)
        .map(|pair| {
            let (a, b) = (pair[0], pair[1]);
            let pull = if a.x == b.x { (b.y - a.y) / 3.0 } else { ((b.y - a.y) * 0.5).max(14.0) };
            [a, a + vec2(0.0, pull), b - vec2(0.0, pull), b]
        })
        .collect()
}

/// Gives labels a place where they cover neither boxes nor each other; the rest has none.
fn place_labels(wires: &mut [Wire], boxes: &[Rect]) {
    let mut taken: Vec<Rect> = boxes.to_vec();
    // Long lines that run straight down beside boxes.
    let straight: Vec<(usize, Rect)> = wires
        .iter()
        .enumerate()
        .flat_map(|(i, w)| w.pieces.iter().map(move |p| (i, p)))
        .filter(|(_, p)| p[0].x == p[3].x)
        .map(|(i, p)| (i, Rect::from_two_pos(p[0], p[3])))
        .collect();
    for (i, wire) in wires.iter_mut().enumerate() {
        if wire.label.is_empty() || wire.pieces.is_empty() {
            continue;
        }
        let size = vec2(wire.label.chars().count() as f32 * SMALL * ADVANCE + 6.0, SMALL + 4.0);
        let count = wire.pieces.len();
        // The ends first, then further in; long lines have several pieces.
        let spots = [0.5, 0.62, 0.38, 0.74, 0.26, 0.84, 0.16];
        wire.label_at = [0, count - 1, count / 2].into_iter().find_map(|piece| {
            spots.iter().find_map(|&t| {
                let rect = Rect::from_center_size(point_on(&wire.pieces[piece], t), size);
                let free = taken.iter().all(|r| !r.expand(1.0).intersects(rect))
                    && straight.iter().all(|(other, r)| *other == i || !r.intersects(rect));
                free.then_some(rect)
            })
        });
        taken.extend(wire.label_at);
    }
}
