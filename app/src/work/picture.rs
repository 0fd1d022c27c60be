//! The graph as a picture for documents: Graphviz's text, or SVG with the window's own layout.

use std::collections::BTreeSet;
use std::fmt::Write;

use egui::{Color32, Pos2, Rect};
use weft_ir::sdfg::{Node, Region, StateGraph, Verified};

use crate::layout::metrics::{LINE, SMALL, TEXT, TITLE};
use crate::layout::{Cache, Item, Picture, Shape, Wire, WireKind, memlet_text, node_text, picture};
use crate::theme::{Colors, Mode, Pair, of};

/// Graphviz: a cluster for each state and map.
pub fn dot(graph: &Verified) -> String {
    let mut out = format!(
        "digraph \"{}\" {{\n  compound=true; node [fontname=\"monospace\" fontsize=11];\n",
        graph.name
    );
    region(&mut out, &graph.body);
    out.push_str("}\n");
    out
}

fn region(out: &mut String, region_: &Region) {
    for block in &region_.blocks {
        if let Some(state) = block.state() {
            let _ = writeln!(out, "  subgraph cluster_{} {{ label=\"{}\";", block.id.index(), block.label);
            nodes(out, state);
            out.push_str("  }\n");
        }
        for inner in block.regions() {
            let _ = writeln!(out, "  subgraph cluster_{} {{ label=\"{}\";", block.id.index(), block.label);
            region(out, inner);
            out.push_str("  }\n");
        }
    }
}

fn nodes(out: &mut String, graph: &StateGraph) {
    for (id, node) in graph.nodes() {
        let (lines, _) = node_text(graph, node);
        let shape = match node {
            Node::Access(_) => "ellipse",
            Node::Tasklet(_) => "octagon",
            Node::MapEntry(_) => "trapezium",
            Node::MapExit(_) => "invtrapezium",
            Node::Nested(_) | Node::Library(_) => "box",
        };
        let label = lines.join("\\n").replace('"', "\\\"");
        let _ = writeln!(out, "    n{} [shape={shape} label=\"{label}\"];", id.index());
        if let Node::Nested(nested) = node {
            region(out, &nested.sdfg.body);
        }
    }
    for edge in graph.edges() {
        let label = edge.memlet.as_ref().map_or(String::new(), memlet_text).replace('"', "\\\"");
        let _ = writeln!(
            out,
            "    n{} -> n{} [label=\"{label}\" fontsize=9];",
            edge.src.node.index(),
            edge.dst.node.index()
        );
    }
}

/// The picture that the window shows, in light colours, with all of the graph unfolded.
pub fn svg(graph: &Verified) -> String {
    let drawn = picture(graph, &BTreeSet::new(), &mut Cache::default());
    render(&drawn, of(Mode::Light))
}

const MARGIN: f32 = 24.0;

fn render(picture: &Picture, colors: &Colors) -> String {
    let (w, h) = (picture.size.x + 2.0 * MARGIN, picture.size.y + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{h:.0}\" viewBox=\"{:.0} {:.0} {w:.0} {h:.0}\" font-family=\"JetBrains Mono, monospace\">\n",
        -MARGIN, -MARGIN
    );
    let _ = writeln!(
        out,
        "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{w:.0}\" height=\"{h:.0}\" fill=\"{}\"/>",
        -MARGIN,
        -MARGIN,
        hex(colors.canvas)
    );
    for item in picture.items.iter().filter(|i| i.shape.is_group()) {
        group(&mut out, item, colors);
    }
    for wire in &picture.wires {
        curve(&mut out, wire, colors);
    }
    for item in picture.items.iter().filter(|i| !i.shape.is_group()) {
        leaf(&mut out, item, colors);
    }
    out.push_str("</svg>\n");
    out
}

fn hex(c: Color32) -> String {
    format!("#{:02x}{:02x}{:02x}", c.r(), c.g(), c.b())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn text(out: &mut String, at: Pos2, size: f32, anchor: &str, color: Color32, words: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
        at.x,
        at.y + size * 0.35,
        hex(color),
        escape(words)
    );
}

fn frame(out: &mut String, rect: Rect, round: f32, pair: &Pair) {
    let _ = writeln!(
        out,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{round}\" fill=\"{}\" stroke=\"{}\"/>",
        rect.left(),
        rect.top(),
        rect.width(),
        rect.height(),
        hex(pair.fill),
        hex(pair.line)
    );
}

fn group(out: &mut String, item: &Item, colors: &Colors) {
    frame(out, item.rect, 6.0, crate::views::pair(item.shape, colors));
    let y = item.rect.top() + TITLE / 2.0;
    let words = item.text.first().map_or(String::new(), |t| format!("{t}  {}", item.note));
    text(out, egui::pos2(item.rect.left() + 12.0, y), TEXT, "start", colors.text, words.trim());
}

fn leaf(out: &mut String, item: &Item, colors: &Colors) {
    let pair = crate::views::pair(item.shape, colors);
    let rect = item.rect;
    let points: Option<Vec<Pos2>> = match item.shape {
        Shape::Tasklet => Some(crate::views::octagon(rect, (rect.height() * 0.28).min(12.0))),
        Shape::MapEntry => Some(crate::views::trapezoid(rect, 14.0, true)),
        Shape::MapExit => Some(crate::views::trapezoid(rect, 14.0, false)),
        _ => None,
    };
    match (points, item.shape) {
        (Some(points), _) => {
            let list: Vec<String> = points.iter().map(|p| format!("{:.1},{:.1}", p.x, p.y)).collect();
            let (fill, line) = (hex(pair.fill), hex(pair.line));
            let _ =
                writeln!(out, "<polygon points=\"{}\" fill=\"{fill}\" stroke=\"{line}\"/>", list.join(" "));
        }
        (None, Shape::Access { transient }) => {
            let dash = if transient { " stroke-dasharray=\"5 3\"" } else { "" };
            let _ = writeln!(
                out,
                "<ellipse cx=\"{:.1}\" cy=\"{:.1}\" rx=\"{:.1}\" ry=\"{:.1}\" fill=\"{}\" stroke=\"{}\"{dash}/>",
                rect.center().x,
                rect.center().y,
                rect.width() / 2.0,
                rect.height() / 2.0,
                hex(pair.fill),
                hex(pair.line)
            );
        }
        (None, _) => frame(out, rect, 3.0, pair),
    }
    let top = rect.center().y - LINE * item.text.len().saturating_sub(1) as f32 / 2.0;
    for (i, words) in item.text.iter().enumerate() {
        let line =
            if i == 0 && !item.note.is_empty() { format!("{words}  {}", item.note) } else { words.clone() };
        let at = egui::pos2(rect.center().x, top + i as f32 * LINE);
        text(out, at, TEXT, "middle", colors.strong, &line);
    }
}

fn curve(out: &mut String, wire: &Wire, colors: &Colors) {
    let color = hex(if wire.kind == WireKind::Conflict { colors.graph.conflict } else { colors.graph.wire });
    let Some(first) = wire.pieces.first() else { return };
    let mut path = format!("M {:.1} {:.1}", first[0].x, first[0].y);
    for p in &wire.pieces {
        let _ = write!(
            path,
            " C {:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            p[1].x, p[1].y, p[2].x, p[2].y, p[3].x, p[3].y
        );
    }
    let dash = if wire.kind == WireKind::Order { " stroke-dasharray=\"4 4\"" } else { "" };
    let _ = writeln!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\"{dash}/>");
    if let Some(last) = wire.pieces.last() {
        let tip = last[3];
        let (x, y) = (tip.x, tip.y);
        let _ = writeln!(
            out,
            "<polygon points=\"{x:.1},{y:.1} {:.1},{:.1} {:.1},{:.1}\" fill=\"{color}\"/>",
            x - 3.2,
            y - 7.0,
            x + 3.2,
            y - 7.0
        );
    }
    if let Some(at) = wire.label_at {
        text(out, at.center(), SMALL, "middle", colors.graph.label, &wire.label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn svg_is_escaped_and_complete() {
        let graph = weft_ir::text::parse(
            "sdfg f(A: f64[N])\n  state s0\n    map m [i = 0:N]\n      t: A[i] = A[i] * 2.0\n",
        );
        let graph = weft_ir::sdfg::verify(graph.expect("parses")).expect("valid");
        let image = svg(&graph);
        assert!(image.starts_with("<svg") && image.trim_end().ends_with("</svg>"));
        assert!(image.contains("m [i = 0:N]") && image.matches("<ellipse").count() == 2);
        assert!(dot(&graph).contains("trapezium"));
    }
}
