//! What is selected, in words, and what can be done with it.

use egui::{ScrollArea, Ui};
use weft_ir::sdfg::{BlockKind, Edge, Guard, Memlet, Node, Place, Sdfg, StateGraph};

use super::{Commands, offers, widgets};
use crate::layout::{data_type, memlet_text, tasklet_lines};
use crate::state::{Document, State, visit};
use crate::theme::{colors, panel_frame};

pub fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let rect = ui.available_rect_before_wrap();
    ui.painter().rect_filled(rect, 0.0, colors(ui).panel);
    let Some(document) = &state.document else { return };
    panel_frame(ui).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(rect.width() - 24.0);
            match document.selection.as_slice() {
                [] => whole(ui, document),
                [place] => one(ui, document, *place),
                many => widgets::section(ui, &format!("{} parts selected", many.len())),
            }
            ui.add_space(4.0);
            ui.separator();
            offers::show(ui, state, document, commands);
        });
    });
}

/// Name and properties of a place.
struct Facts {
    title: String,
    rows: Vec<(&'static str, String)>,
}

fn whole(ui: &mut Ui, document: &Document) {
    let graph = document.graph();
    let mut states = 0;
    let mut nodes = 0;
    visit(graph, &mut |_, place, _| match place {
        Place::Node(_) => nodes += 1,
        Place::Block(_) => states += 1,
        _ => {}
    });
    let mut rows = vec![("size", format!("{states} blocks, {nodes} nodes"))];
    for name in graph.args.iter().chain(&graph.returns) {
        let text = match graph.data.get(name) {
            Some(data) => format!("{name}: {}", data_type(data)),
            None => format!("{name}: i64"),
        };
        rows.push(("argument", text));
    }
    let transients = graph.data.values().filter(|d| d.transient).count();
    if transients > 0 {
        rows.push(("transients", transients.to_string()));
    }
    for guard in &graph.guards {
        let text = match guard {
            Guard::NonNegative(e) => format!("{e} >= 0"),
            Guard::Zero(e) => format!("{e} == 0"),
        };
        rows.push(("relies on", text));
    }
    facts(ui, &Facts { title: graph.name.to_string(), rows });
}

fn one(ui: &mut Ui, document: &Document, place: Place) {
    if let Some(found) = describe(document.graph(), place) {
        facts(ui, &found);
    }
}

fn facts(ui: &mut Ui, facts: &Facts) {
    widgets::section(ui, &facts.title);
    ui.spacing_mut().item_spacing.y = 4.0;
    let mut last = "";
    for (name, value) in &facts.rows {
        widgets::property(ui, if *name == last { "" } else { name }, value);
        last = name;
    }
}

/// What the pointer is over.
pub fn tooltip(ui: &mut Ui, document: &Document, place: Place) {
    ui.set_max_width(460.0);
    let described = match &document.preview {
        Some(_) => None,
        None => describe(document.graph(), place),
    };
    match described {
        Some(found) => facts(ui, &found),
        None => drop(widgets::weak(ui, "part of the preview")),
    }
}

fn describe(sdfg: &Sdfg, place: Place) -> Option<Facts> {
    if place == Place::Whole {
        return None;
    }
    if let Place::Block(id) = place
        && let Some(block) = sdfg.body.find(id)
    {
        return Some(of_block(block));
    }
    for (_, graph) in sdfg.states() {
        match place {
            Place::Node(id) if graph.contains(id) => return Some(of_node(sdfg, graph, graph.node(id))),
            Place::Map(id) if graph.get_map(id).is_some() => {
                return Some(of_node(sdfg, graph, &Node::MapEntry(id)));
            }
            Place::Edge(id) => {
                if let Some(edge) = graph.get_edge(id) {
                    return Some(of_edge(sdfg, graph, edge));
                }
            }
            _ => {}
        }
        for (_, node) in graph.nodes() {
            if let Node::Nested(nested) = node
                && let Some(found) = describe(&nested.sdfg, place)
            {
                return Some(found);
            }
        }
    }
    None
}

fn of_block(block: &weft_ir::sdfg::Block) -> Facts {
    let (kind, mut rows) = match &block.kind {
        BlockKind::State(graph) => ("State", vec![("nodes", graph.nodes().count().to_string())]),
        BlockKind::Loop { var, range, .. } => {
            ("Loop", vec![("variable", var.to_string()), ("range", range.to_string())])
        }
        BlockKind::While { .. } => ("While loop", vec![]),
        BlockKind::Conditional { branches, .. } => {
            ("Conditional", vec![("branches", branches.len().to_string())])
        }
        BlockKind::Assign { symbol, .. } => ("Assignment", vec![("symbol", symbol.to_string())]),
        BlockKind::Check { message, .. } if weft_python::why_left_out(message).is_some() => {
            let why = weft_python::why_left_out(message).unwrap_or_default();
            (
                "Not imported",
                vec![("reason", why.into()), ("then", "a run that comes here is refused".into())],
            )
        }
        BlockKind::Check { message, .. } => ("Check", vec![("message", message.clone())]),
        BlockKind::Break => ("Break", vec![]),
        BlockKind::Continue => ("Continue", vec![]),
        BlockKind::Return => ("Return", vec![]),
    };
    rows.insert(0, ("label", block.label.to_string()));
    Facts { title: kind.to_string(), rows }
}

fn of_node(sdfg: &Sdfg, graph: &StateGraph, node: &Node) -> Facts {
    match node {
        Node::Access(name) => {
            let mut rows = vec![];
            if let Some(data) = sdfg.data.get(name) {
                rows.push(("type", data_type(data)));
                let strides: Vec<String> = data.strides.iter().map(|e| e.to_string()).collect();
                if !strides.is_empty() {
                    rows.push(("strides", format!("[{}]", strides.join(", "))));
                }
                rows.push(("elements", data.volume().to_string()));
                rows.push((
                    "kind",
                    if data.transient { "transient" } else { "argument or result" }.to_string(),
                ));
                rows.push(("storage", format!("{:?}, {:?}", data.storage, data.lifetime).to_lowercase()));
            }
            Facts { title: format!("Container {name}"), rows }
        }
        Node::Tasklet(t) => {
            let mut rows: Vec<(&'static str, String)> =
                tasklet_lines(t).into_iter().map(|l| ("code", l)).collect();
            rows.extend(t.inputs.iter().map(|(n, d)| ("in", format!("{n}: {d}"))));
            rows.extend(t.outputs.iter().map(|(n, d)| ("out", format!("{n}: {d}"))));
            Facts { title: format!("Tasklet {}", t.label), rows }
        }
        Node::MapEntry(id) | Node::MapExit(id) => {
            let Some(map) = graph.get_map(*id) else { return Facts { title: "Map".into(), rows: vec![] } };
            let mut rows: Vec<(&'static str, String)> =
                map.params.iter().map(|(name, range)| ("range", format!("{name} = {range}"))).collect();
            let size = map.params.iter().fold(weft_ir::symbolic::Expr::one(), |acc, (_, r)| &acc * &r.size());
            rows.push(("iterations", size.to_string()));
            rows.push(("schedule", format!("{:?}", map.schedule).to_lowercase()));
            Facts { title: format!("Map {}", map.label), rows }
        }
        Node::Nested(n) => {
            let rows = n.symbols.iter().map(|(name, e)| ("symbol", format!("{name} = {e}"))).collect();
            Facts { title: format!("Nested graph {}", n.label), rows }
        }
        Node::Library(l) => {
            let (text, _) = crate::layout::node_text(graph, node);
            let rows = text.into_iter().skip(1).map(|t| ("operation", t)).collect();
            Facts { title: format!("Library node {}", l.label), rows }
        }
    }
}

fn of_edge(sdfg: &Sdfg, graph: &StateGraph, edge: &Edge) -> Facts {
    let name =
        |node| crate::layout::node_text(graph, graph.node(node)).0.into_iter().next().unwrap_or_default();
    let mut rows = vec![("from", name(edge.src.node)), ("to", name(edge.dst.node))];
    match &edge.memlet {
        None => rows.push(("moves", "nothing: an order only".into())),
        Some(memlet) => {
            rows.push(("memlet", memlet_text(memlet)));
            rows.push(("elements", memlet.subset.volume().to_string()));
            if let Some(bytes) = bytes(sdfg, memlet) {
                rows.push(("bytes", bytes));
            }
            if let Some(wcr) = memlet.wcr {
                rows.push(("conflicts", format!("{wcr:?}").to_lowercase()));
            }
        }
    }
    Facts { title: "Memlet".into(), rows }
}

fn bytes(sdfg: &Sdfg, memlet: &Memlet) -> Option<String> {
    let size = sdfg.data.get(&memlet.data)?.dtype.size() as i64;
    Some((&memlet.subset.volume() * &weft_ir::symbolic::Expr::int(size)).to_string())
}
