//! Views: containers that stand for a part of another one, with dimensions of their own.
//!
//! Where each dimension of a view is one of the container that it stands for, accesses of the view become
//! accesses of the container. A view with other dimensions, a reshape, is a copy: into it where it is read, out
//! of it where all of it is written.

use std::collections::BTreeSet;

use super::at::{At, Read};
use super::read::{Around, GraphReader};
use crate::names::Name;
use crate::sdfg::{Data, Edge, EdgeId, Guard, Memlet, Node, NodeId, Port, StateGraph, row_major};
use crate::symbolic::{Expr, Range, Subset};

/// The edge between a view and what it stands for.
struct Link {
    edge: Edge,
    /// From the container to the view.
    into: bool,
}

impl GraphReader<'_> {
    /// Resolves the views of a state. `marked` has the edges that the file says lead to what is viewed; those
    /// of `of_target` have the part of their target first.
    pub fn resolve_views(
        &mut self,
        graph: &mut StateGraph,
        marked: &BTreeSet<EdgeId>,
        of_target: &mut BTreeSet<EdgeId>,
        around: &Around,
        at: &At,
    ) -> Read<()> {
        let data = &around.sdfg.data;
        let is_view = |n: &Node| matches!(n, Node::Access(name) if self.views.contains(name));
        let mut open: Vec<NodeId> = graph.nodes().filter(|(_, n)| is_view(n)).map(|(id, _)| id).collect();
        while !open.is_empty() {
            let mut ready = None;
            for (i, &view) in open.iter().enumerate() {
                let Some(link) = link(graph, view, marked, &self.views) else {
                    return at.beyond("a view of nothing");
                };
                let port = if link.into { link.edge.src } else { link.edge.dst };
                match end(graph, port, link.into) {
                    Some((far, _)) if !open.contains(&far) => {
                        ready = Some((i, link, far));
                        break;
                    }
                    Some(_) => {}
                    None => return at.beyond("a view of nothing"),
                }
            }
            let Some((i, link, far)) = ready else { return at.beyond("views of each other") };
            let view = open.remove(i);
            let (Node::Access(name), Node::Access(of)) = (graph.node(view), graph.node(far)) else {
                return at.beyond("a view of nothing");
            };
            let (name, of) = (*name, *of);
            let (shown, whole) = (&data[&name], &data[&of]);
            if whole.foreign.is_some() || shown.foreign.is_some() || whole.dtype != shown.dtype {
                return at.beyond(format!("'{name}', a view of '{of}', which has elements of another kind"));
            }
            let part = viewed(&link, name, whole);
            if part.rank() != whole.shape.len() {
                return at.beyond(format!("'{name}', a view of a part with other dimensions"));
            }
            match dimensions(shown, whole, &part) {
                Some(dims) => substitute(graph, view, &link, (name, of), (&part, &dims), of_target, at)?,
                None if reshapes(shown, whole, &part) => {
                    let (a, b) = (volume(&part), shown.volume());
                    if a != b {
                        // Which DaCe takes for granted.
                        self.guards.push(Guard::Zero(a - b));
                    }
                    reshape(graph, view, &link, (name, of), part, shown, at)?;
                }
                None => return at.beyond(format!("'{name}', a view of '{of}' with other strides")),
            }
        }
        Ok(())
    }
}

/// The access node at the other end of a path through maps, and the last edge.
fn end(graph: &StateGraph, port: Port, backwards: bool) -> Option<(NodeId, Option<EdgeId>)> {
    let (mut port, mut last) = (port, None);
    for _ in 0..100 {
        match graph.node(port.node) {
            Node::Access(_) => return Some((port.node, last)),
            Node::MapEntry(_) if backwards => {}
            Node::MapExit(_) if !backwards => {}
            _ => return None,
        }
        let stem = port.conn?.as_str().split_once('_')?.1;
        let edges = if backwards { graph.in_edges(port.node) } else { graph.out_edges(port.node) };
        let edge = edges.into_iter().find(|e| {
            let conn = if backwards { e.dst.conn } else { e.src.conn };
            conn.and_then(|c| Some(c.as_str().split_once('_')?.1)) == Some(stem)
        })?;
        last = Some(edge.id);
        port = if backwards { edge.src } else { edge.dst };
    }
    None
}

/// DaCe's rules for which edge of a view leads to what it stands for.
fn link(graph: &StateGraph, view: NodeId, marked: &BTreeSet<EdgeId>, views: &BTreeSet<Name>) -> Option<Link> {
    let carries = |e: &&Edge| e.memlet.is_some();
    let ins: Vec<&Edge> = graph.in_edges(view).into_iter().filter(carries).collect();
    let outs: Vec<&Edge> = graph.out_edges(view).into_iter().filter(carries).collect();
    let made = |edge: &Edge, into: bool| Some(Link { edge: edge.clone(), into });
    if let Some(edge) = ins.iter().find(|e| marked.contains(&e.id)) {
        return made(edge, true);
    }
    if let Some(edge) = outs.iter().find(|e| marked.contains(&e.id)) {
        return made(edge, false);
    }
    let leads = |e: &Edge, into: bool| end(graph, if into { e.src } else { e.dst }, into).map(|(n, _)| n);
    match (&ins[..], &outs[..]) {
        ([edge], []) => made(edge, true),
        ([], [edge]) => made(edge, false),
        ([one], [other]) => match (leads(one, true), leads(other, false)) {
            (Some(_), None) => made(one, true),
            (None, Some(_)) => made(other, false),
            (Some(from), Some(to)) => {
                let Node::Access(own) = graph.node(view) else { return None };
                let names = |e: &Edge| e.memlet.as_ref().is_some_and(|m| m.data == *own);
                let other_is_view = matches!(graph.node(to), Node::Access(n) if views.contains(n));
                let _ = from;
                match (names(one), names(other)) {
                    (true, false) if !other_is_view => made(other, false),
                    _ => made(one, true),
                }
            }
            (None, None) => None,
        },
        ([one], _) if leads(one, true).is_some() => made(one, true),
        (_, [other]) if leads(other, false).is_some() => made(other, false),
        _ => None,
    }
}

/// The part of the container that the view stands for.
fn viewed(link: &Link, view: Name, whole: &Data) -> Subset {
    let memlet = link.edge.memlet.as_ref();
    match memlet {
        Some(m) if m.data != view => m.subset.clone(),
        Some(Memlet { other: Some(other), .. }) => other.clone(),
        _ => whole.full_subset(),
    }
}

/// For each dimension of the view the one of the container that it is; those of one element are none.
fn dimensions(view: &Data, whole: &Data, part: &Subset) -> Option<Vec<Option<usize>>> {
    let mut used = BTreeSet::new();
    let mut found = vec![];
    for (extent, stride) in view.shape.iter().zip(&view.strides) {
        if extent.is_one() {
            found.push(None);
            continue;
        }
        let fits = |d: &usize| {
            let range = &part.0[*d];
            !used.contains(d) && range.extent() == *extent && *stride == &whole.strides[*d] * &range.step
        };
        let d = (0..part.rank()).find(fits)?;
        used.insert(d);
        found.push(Some(d));
    }
    let rest = part.0.iter().enumerate().filter(|(d, _)| !used.contains(d));
    rest.clone().all(|(_, r)| r.extent().is_one()).then_some(found)
}

/// The part of the container that a part of the view is.
fn placed(inner: &Subset, part: &Subset, dims: &[Option<usize>]) -> Option<Subset> {
    if inner.rank() != dims.len() {
        return None;
    }
    let mut ranges: Vec<Range> = part.0.iter().map(|r| Range::index(r.begin.clone())).collect();
    for (range, dim) in inner.0.iter().zip(dims) {
        let Some(d) = dim else { continue };
        let outer = &part.0[*d];
        let begin = &outer.begin + &range.begin * &outer.step;
        ranges[*d] = match range.is_index() {
            Some(_) => Range::index(begin),
            None if outer.step.is_one() => {
                Range { begin, end: &outer.begin + &range.end, step: range.step.clone() }
            }
            None => {
                let last = &outer.begin + range.last() * &outer.step;
                let step = &range.step * &outer.step;
                let past = if step.as_int().is_some_and(|s| s < 0) { -1 } else { 1 };
                Range { begin, end: last + past, step }
            }
        };
    }
    Some(Subset(ranges))
}

/// An edge and those that carry the same data on through maps, away from the node.
fn tree(graph: &StateGraph, edge: &Edge, forward: bool) -> Vec<EdgeId> {
    let mut found = vec![];
    let mut open = vec![edge.clone()];
    while let Some(edge) = open.pop() {
        found.push(edge.id);
        let port = if forward { edge.dst } else { edge.src };
        let through = match graph.node(port.node) {
            Node::MapEntry(_) => forward,
            Node::MapExit(_) => !forward,
            _ => false,
        };
        let stem = port.conn.and_then(|c| Some(c.as_str().split_once('_')?.1));
        let (true, Some(stem)) = (through, stem) else { continue };
        let next = if forward { graph.out_edges(port.node) } else { graph.in_edges(port.node) };
        open.extend(
            next.into_iter()
                .filter(|e| {
                    let conn = if forward { e.src.conn } else { e.dst.conn };
                    conn.and_then(|c| Some(c.as_str().split_once('_')?.1)) == Some(stem)
                })
                .cloned(),
        );
    }
    found
}

/// Accesses of the view become accesses of the container.
fn substitute(
    graph: &mut StateGraph,
    view: NodeId,
    link: &Link,
    (name, of): (Name, Name),
    (part, dims): (&Subset, &[Option<usize>]),
    of_target: &mut BTreeSet<EdgeId>,
    at: &At,
) -> Read<()> {
    let other = |e: &&Edge| e.id != link.edge.id;
    let ins: Vec<Edge> = graph.in_edges(view).into_iter().filter(other).cloned().collect();
    let outs: Vec<Edge> = graph.out_edges(view).into_iter().filter(other).cloned().collect();
    for (edge, forward) in ins.iter().map(|e| (e, false)).chain(outs.iter().map(|e| (e, true))) {
        for id in tree(graph, edge, forward) {
            let Some(memlet) = graph.memlet_mut(id) else { continue };
            if (memlet.data == name) == forward {
                of_target.remove(&id);
            } else {
                of_target.insert(id);
            }
            let moved = if memlet.data == name {
                placed(&memlet.subset, part, dims).map(|s| (memlet.subset, memlet.data) = (s, of))
            } else {
                let inner = match &memlet.other {
                    Some(other) => other.clone(),
                    None => Subset(memlet.subset.extents().into_iter().map(|n| Range::new(0, n)).collect()),
                };
                placed(&inner, part, dims).map(|s| memlet.other = Some(s))
            };
            if moved.is_none() {
                return at.beyond(format!("'{name}', a view that is accessed with other dimensions"));
            }
        }
    }
    // Where readers find the container, and where writers put it.
    let writes = ins.iter().any(|e| e.memlet.is_some());
    let reads = outs.iter().any(|e| e.memlet.is_some());
    let (from, to) = match link.into {
        true if writes => {
            if !matches!(graph.node(link.edge.src.node), Node::Access(_)) {
                return at.beyond(format!("'{name}', a view that is read and written in a map"));
            }
            let after = graph.add_node(Node::Access(of), None);
            (Port::from(after), Port::from(after))
        }
        true => (link.edge.src, link.edge.src),
        false if reads && !matches!(graph.node(link.edge.dst.node), Node::Access(_)) => {
            return at.beyond(format!("'{name}', a view that is read and written in a map"));
        }
        false => (link.edge.dst, link.edge.dst),
    };
    let plain = |port: Port| Port::from(port.node);
    for edge in &outs {
        let memlet = graph.edge(edge.id).memlet.clone();
        let src = if memlet.is_some() { from } else { plain(from) };
        let new = graph.connect(src, edge.dst, memlet);
        if of_target.contains(&edge.id) {
            of_target.insert(new);
        }
    }
    for edge in &ins {
        let memlet = graph.edge(edge.id).memlet.clone();
        match memlet {
            Some(memlet) => {
                let new = graph.connect(edge.src, to, memlet);
                if of_target.contains(&edge.id) {
                    of_target.insert(new);
                }
            }
            None if link.into && !writes => {
                for out in &outs {
                    graph.connect(edge.src, plain(out.dst), None);
                }
            }
            None => _ = graph.connect(edge.src, plain(to), None),
        }
    }
    if link.into && writes {
        // What is written there comes after what was read before.
        for edge in &ins {
            if edge.memlet.is_some() && graph.in_edges(edge.src.node).is_empty() {
                graph.connect(plain(link.edge.src), plain(edge.src), None);
            }
        }
    }
    let linked = link.edge.id;
    graph.remove_edge(linked);
    graph.remove_node(view);
    prune(graph, if link.into { link.edge.src } else { link.edge.dst }, link.into);
    Ok(())
}

/// Takes away what led through maps to a view only.
fn prune(graph: &mut StateGraph, port: Port, backwards: bool) {
    let mut port = port;
    while let (Node::MapEntry(_) | Node::MapExit(_), Some(conn)) = (graph.node(port.node), port.conn) {
        let Some((_, stem)) = conn.as_str().split_once('_') else { return };
        let used = |e: &&Edge, conn: Option<Name>| {
            e.memlet.is_some() && conn.and_then(|c| Some(c.as_str().split_once('_')?.1)) == Some(stem)
        };
        let inner = if backwards { graph.out_edges(port.node) } else { graph.in_edges(port.node) };
        if inner.iter().any(|e| used(e, if backwards { e.src.conn } else { e.dst.conn })) {
            return;
        }
        let outer = if backwards { graph.in_edges(port.node) } else { graph.out_edges(port.node) };
        let Some(edge) = outer.into_iter().find(|e| used(e, if backwards { e.dst.conn } else { e.src.conn }))
        else {
            return;
        };
        let edge = edge.clone();
        graph.remove_edge(edge.id);
        port = if backwards { edge.src } else { edge.dst };
    }
}

/// Are the elements of the view those of the part, one after the other?
fn reshapes(view: &Data, whole: &Data, part: &Subset) -> bool {
    let mut next = Expr::one();
    for (range, stride) in part.0.iter().zip(&whole.strides).rev() {
        let extent = range.extent();
        if extent.is_one() {
            continue;
        }
        if stride * &range.step != next {
            return false;
        }
        next = &next * &extent;
    }
    let packed = row_major(&view.shape);
    let same =
        view.shape.iter().zip(view.strides.iter().zip(&packed)).all(|(n, (a, b))| n.is_one() || a == b);
    same && next.as_int().zip(view.volume().as_int()).is_none_or(|(a, b)| a == b)
}

fn volume(part: &Subset) -> Expr {
    part.extents().into_iter().fold(Expr::one(), |v, n| v * n)
}

/// The view is a container of its own, filled from the part or written back into it.
fn reshape(
    graph: &mut StateGraph,
    view: NodeId,
    link: &Link,
    (name, of): (Name, Name),
    part: Subset,
    shown: &Data,
    at: &At,
) -> Read<()> {
    let full = shown.full_subset();
    let writers: Vec<&Edge> = graph.in_edges(view).into_iter().filter(|e| e.memlet.is_some()).collect();
    if link.into && writers.len() > 1 {
        return at.beyond(format!("'{name}', a view with other dimensions that is read and written"));
    }
    if !link.into {
        let covers = |e: &&&Edge| match &e.memlet {
            Some(m) if m.data == name => m.subset == full && !m.dynamic && m.wcr.is_none(),
            Some(m) => m.other.as_ref().is_some_and(|o| *o == full) || m.subset.volume() == full.volume(),
            None => false,
        };
        if !writers.iter().any(|e| covers(&e)) {
            return at.beyond(format!("'{name}', a view with other dimensions that is written in part"));
        }
    }
    let memlet = match link.into {
        true => Memlet::copy(of, part, full),
        false => Memlet::copy(name, full, part),
    };
    *graph.memlet_mut(link.edge.id) = Some(memlet);
    Ok(())
}
