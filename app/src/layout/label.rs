//! The words in the picture: short, in the terms of the text form.

use weft_ir::sdfg::{Data, Library, LibraryKind, Map, Memlet, Node, Schedule, StateGraph, Tasklet, Wcr};
use weft_ir::{Name, tasklet};

use super::metrics::{LINES, LONGEST};

/// Cut in the middle of nowhere, with an ellipsis, at `most` characters.
pub fn elide(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `A[i + 1, j]`, `A[0:N] -> [1:N + 1]`, with the conflict resolution before it.
pub fn memlet(memlet: &Memlet) -> String {
    let wcr = memlet.wcr.map_or(String::new(), |w| format!("{} ", wcr_sign(w)));
    let other = memlet.other.as_ref().map_or(String::new(), |o| format!(" -> {}", bracketed(&o.to_string())));
    let dynamic = if memlet.dynamic { " (at most)" } else { "" };
    let subset = memlet.subset.to_string();
    let subset = if memlet.subset.rank() == 0 { String::new() } else { bracketed(&subset) };
    format!("{wcr}{}{subset}{other}{dynamic}", memlet.data)
}

fn bracketed(text: &str) -> String {
    if text.starts_with('[') { text.to_string() } else { format!("[{text}]") }
}

pub fn wcr_sign(wcr: Wcr) -> &'static str {
    match wcr {
        Wcr::Sum => "+=",
        Wcr::Product => "*=",
        Wcr::Min => "min=",
        Wcr::Max => "max=",
        Wcr::And => "and=",
        Wcr::Or => "or=",
    }
}

/// `f64[N, N]`.
pub fn data_type(data: &Data) -> String {
    if data.is_scalar() {
        return data.dtype.to_string();
    }
    let shape: Vec<String> = data.shape.iter().map(|e| e.to_string()).collect();
    format!("{}[{}]", data.dtype, shape.join(", "))
}

/// `i = 0:N, j = 0:M`.
pub fn map_ranges(map: &Map) -> String {
    map.params.iter().map(|(name, range)| format!("{name} = {range}")).collect::<Vec<_>>().join(", ")
}

pub fn schedule(schedule: Schedule) -> &'static str {
    match schedule {
        Schedule::Default => "",
        Schedule::Sequential => "sequential",
        Schedule::Parallel => "parallel",
        Schedule::Vector => "vector",
        Schedule::GpuDevice => "gpu",
        Schedule::GpuThreadBlock => "gpu block",
    }
}

/// An expression with its variables by name.
pub fn expression(e: &tasklet::Expr) -> String {
    e.to_text(&|_: Name| true)
}

/// One line an assignment, all of them.
pub fn tasklet_lines(tasklet: &Tasklet) -> Vec<String> {
    tasklet.code.iter().map(|a| format!("{} = {}", a.target, expression(&a.value))).collect()
}

pub fn library(library: &Library) -> String {
    match &library.kind {
        LibraryKind::MatMul { trans_a, trans_b } => {
            let t = |on: bool| if on { "ᵀ" } else { "" };
            format!("a{} @ b{}", t(*trans_a), t(*trans_b))
        }
        LibraryKind::Reduce { op, axes, .. } => {
            let name = match op {
                Wcr::Sum => "sum",
                Wcr::Product => "product",
                Wcr::Min => "min",
                Wcr::Max => "max",
                Wcr::And => "and",
                Wcr::Or => "or",
            };
            let axes: Vec<String> = axes.iter().map(|a| a.to_string()).collect();
            format!("{name} over {}", axes.join(", "))
        }
        LibraryKind::Call(op) => match op.flag() {
            Some(flag) => format!("{} {flag}", op.name()),
            None => op.name().to_string(),
        },
        LibraryKind::Foreign(foreign) => foreign.reason.clone(),
    }
}

/// The lines in the box of a node, cut to a readable length, and a weak note.
pub fn node(graph: &StateGraph, node: &Node) -> (Vec<String>, String) {
    let cut = |text: &str| elide(text, LONGEST);
    match node {
        Node::Access(name) => (vec![cut(name.as_str())], String::new()),
        Node::Tasklet(t) => {
            let all = tasklet_lines(t);
            let mut lines: Vec<String> = all.iter().take(LINES).map(|l| cut(l)).collect();
            if all.len() > LINES {
                lines.push(format!("… {} more", all.len() - LINES));
            }
            if lines.is_empty() {
                lines.push(cut(t.label.as_str()));
            }
            (lines, String::new())
        }
        Node::MapEntry(id) => match graph.get_map(*id) {
            Some(map) => (
                vec![cut(&format!("{} [{}]", map.label, map_ranges(map)))],
                schedule(map.schedule).to_string(),
            ),
            None => (vec!["map".into()], String::new()),
        },
        Node::MapExit(id) => {
            (vec![graph.get_map(*id).map_or("map".into(), |m| cut(m.label.as_str()))], String::new())
        }
        Node::Nested(n) => (vec![cut(n.label.as_str())], "nested".into()),
        Node::Library(l) => (vec![cut(l.label.as_str()), cut(&library(l))], String::new()),
    }
}
