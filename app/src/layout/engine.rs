//! Places the boxes of one flat acyclic graph in layers, behind one trait.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use egui::{Pos2, Vec2, pos2, vec2};
use layout::core::base::Orientation;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::{Point, Position};
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;

/// Boxes in whole points, and edges between them: acyclic, no duplicates, none from a box to itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flow {
    pub sizes: Vec<(u32, u32)>,
    /// Sources in topological order.
    pub edges: Vec<(usize, usize)>,
}

/// Where everything is, from (0, 0) on.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Placed {
    pub size: Vec2,
    /// Top left corner of each box.
    pub corners: Vec<Pos2>,
    /// Points on the way of each edge, without its ends.
    pub routes: Vec<Vec<Pos2>>,
}

/// Finds places for boxes.
pub trait Engine {
    fn place(&self, flow: &Flow) -> Placed;
}

/// Space between boxes: beside each other, and between layers.
const SPACE: (f32, f32) = (28.0, 46.0);

/// Results by input: the scopes that an edit left alone are not laid out again.
#[derive(Default)]
pub struct Cache {
    known: HashMap<Flow, Placed>,
}

impl Cache {
    const MOST: usize = 4096;

    pub fn place(&mut self, flow: Flow) -> Placed {
        if let Some(found) = self.known.get(&flow) {
            return found.clone();
        }
        let placed = place(&flow);
        if self.known.len() >= Cache::MOST {
            self.known.clear();
        }
        self.known.insert(flow, placed.clone());
        placed
    }
}

/// Above this many boxes layout-rs takes longer than a person waits.
const MOST_FOR_LAYOUT_RS: usize = 250;

fn place(flow: &Flow) -> Placed {
    if flow.sizes.len() <= MOST_FOR_LAYOUT_RS {
        // A fault in the library must not take the window with it.
        if let Ok(placed) = catch_unwind(AssertUnwindSafe(|| LayoutRs.place(flow)))
            && is_sound(&placed, flow)
        {
            return placed;
        }
    }
    Layers.place(flow)
}

fn is_sound(placed: &Placed, flow: &Flow) -> bool {
    let finite = |p: &Pos2| p.x.is_finite() && p.y.is_finite() && p.x.abs() < 1e7 && p.y.abs() < 1e7;
    placed.corners.len() == flow.sizes.len()
        && placed.routes.len() == flow.edges.len()
        && placed.corners.iter().chain(placed.routes.iter().flatten()).all(finite)
}

/// Layers, crossings and columns by layout-rs.
struct LayoutRs;

impl Engine for LayoutRs {
    fn place(&self, flow: &Flow) -> Placed {
        if flow.sizes.is_empty() {
            return Placed::default();
        }
        let mut graph = VisualGraph::new(Orientation::TopToBottom);
        // Its validation takes exponential time on diamonds.
        graph.dag.set_validate(false);
        let handles: Vec<_> = flow
            .sizes
            .iter()
            .map(|&(w, h)| {
                let size = Point::new(w as f64, h as f64);
                let look = StyleAttr::simple();
                let mut element =
                    Element::create(ShapeKind::new_box(""), look, Orientation::TopToBottom, size);
                let halo = Point::new(SPACE.0 as f64, SPACE.1 as f64);
                element.pos = Position::new(Point::zero(), size, Point::zero(), halo);
                graph.add_node(element)
            })
            .collect();
        for (i, &(from, to)) in flow.edges.iter().enumerate() {
            let arrow = Arrow { properties: Some(i.to_string()), ..Arrow::simple("") };
            graph.add_edge(arrow, handles[from], handles[to]);
        }
        let mut routes = Routes(vec![vec![]; flow.edges.len()]);
        graph.do_it(false, false, false, &mut routes);
        let corners = handles.iter().map(|&h| point(graph.pos(h).bbox(false).0)).collect();
        normalized(Placed { size: Vec2::ZERO, corners, routes: routes.0 }, flow)
    }
}

fn point(p: Point) -> Pos2 {
    pos2(p.x as f32, p.y as f32)
}

/// Collects where the edges go.
struct Routes(Vec<Vec<Pos2>>);

impl RenderBackend for Routes {
    fn draw_rect(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>, _: Option<ClipHandle>) {}
    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}
    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}
    fn draw_text(&mut self, _: Point, _: &str, _: &StyleAttr) {}

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _: bool,
        _: (bool, bool),
        _: &StyleAttr,
        properties: Option<String>,
        _: &str,
    ) {
        let Some(index) = properties.and_then(|p| p.parse::<usize>().ok()) else { return };
        let inner = path.iter().skip(1).take(path.len().saturating_sub(2));
        if let Some(route) = self.0.get_mut(index) {
            *route = inner.map(|step| point(step.1)).collect();
        }
    }

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

/// Moves everything so that it starts at (0, 0), and sets the size.
fn normalized(mut placed: Placed, flow: &Flow) -> Placed {
    let mut low = pos2(f32::INFINITY, f32::INFINITY);
    let mut high = pos2(f32::NEG_INFINITY, f32::NEG_INFINITY);
    for (corner, size) in placed.corners.iter().zip(&flow.sizes) {
        low = low.min(*corner);
        high = high.max(*corner + vec2(size.0 as f32, size.1 as f32));
    }
    for at in placed.routes.iter().flatten() {
        low.x = low.x.min(at.x - SPACE.0 / 4.0);
        high.x = high.x.max(at.x + SPACE.0 / 4.0);
    }
    let shift = low.to_vec2();
    for at in placed.corners.iter_mut().chain(placed.routes.iter_mut().flatten()) {
        *at -= shift;
    }
    placed.size = high - low;
    placed
}

/// Layers by longest path, ordered by the mean of the neighbours: linear time, for large scopes.
pub struct Layers;

impl Engine for Layers {
    fn place(&self, flow: &Flow) -> Placed {
        let n = flow.sizes.len();
        if n == 0 {
            return Placed { routes: vec![vec![]; flow.edges.len()], ..Placed::default() };
        }
        let mut level = vec![0usize; n];
        // Sources come in topological order, so one sweep suffices.
        for &(from, to) in &flow.edges {
            level[to] = level[to].max(level[from] + 1);
        }
        let depth = level.iter().max().map_or(0, |m| m + 1);
        let mut layers: Vec<Vec<usize>> = vec![vec![]; depth];
        for (i, &l) in level.iter().enumerate() {
            layers[l].push(i);
        }
        let mut order = vec![0.0f32; n];
        let number = |layer: &[usize], order: &mut [f32]| {
            for (k, &i) in layer.iter().enumerate() {
                order[i] = (k as f32 + 0.5) / layer.len() as f32;
            }
        };
        for layer in &layers {
            number(layer, &mut order);
        }
        for sweep in 0..8 {
            let mean = neighbour_means(flow, &order, sweep % 2 == 0);
            for layer in &mut layers {
                layer.sort_by(|&a, &b| mean[a].total_cmp(&mean[b]).then(a.cmp(&b)));
                number(layer, &mut order);
            }
        }
        let mut corners = vec![Pos2::ZERO; n];
        let mut y = 0.0;
        for layer in &layers {
            let width: f32 = layer.iter().map(|&i| flow.sizes[i].0 as f32 + SPACE.0).sum();
            let mut x = -width / 2.0;
            let height = layer.iter().map(|&i| flow.sizes[i].1).max().unwrap_or(0) as f32;
            for &i in layer {
                corners[i] = pos2(x, y + (height - flow.sizes[i].1 as f32) / 2.0);
                x += flow.sizes[i].0 as f32 + SPACE.0;
            }
            y += height + SPACE.1;
        }
        normalized(Placed { size: Vec2::ZERO, corners, routes: vec![vec![]; flow.edges.len()] }, flow)
    }
}

fn neighbour_means(flow: &Flow, order: &[f32], down: bool) -> Vec<f32> {
    let mut sum = vec![(0.0f32, 0u32); order.len()];
    for &(from, to) in &flow.edges {
        let (here, other) = if down { (to, from) } else { (from, to) };
        sum[here].0 += order[other];
        sum[here].1 += 1;
    }
    sum.iter().zip(order).map(|(&(s, n), &own)| if n == 0 { own } else { s / n as f32 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diamond() -> Flow {
        Flow {
            sizes: vec![(60, 30), (80, 30), (40, 50), (60, 30)],
            edges: vec![(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)],
        }
    }

    fn overlaps(placed: &Placed, flow: &Flow) -> bool {
        let rect = |i: usize| {
            egui::Rect::from_min_size(placed.corners[i], vec2(flow.sizes[i].0 as f32, flow.sizes[i].1 as f32))
        };
        (0..flow.sizes.len()).any(|i| (0..i).any(|j| rect(i).shrink(1.0).intersects(rect(j).shrink(1.0))))
    }

    #[test]
    fn both_engines_place_a_diamond_downwards_without_overlap() {
        let flow = diamond();
        for engine in [&LayoutRs as &dyn Engine, &Layers] {
            let placed = engine.place(&flow);
            assert!(is_sound(&placed, &flow) && !overlaps(&placed, &flow), "{placed:?}");
            for &(from, to) in &flow.edges {
                assert!(placed.corners[from].y < placed.corners[to].y);
            }
            assert_eq!(placed, engine.place(&flow));
        }
    }

    #[test]
    fn nothing_and_much() {
        let mut cache = Cache::default();
        assert_eq!(cache.place(Flow::default()).corners.len(), 0);
        let n = 2000;
        let chain = Flow { sizes: vec![(10, 10); n], edges: (1..n).map(|i| ((i - 1) / 2, i)).collect() };
        let placed = cache.place(chain.clone());
        assert!(is_sound(&placed, &chain) && !overlaps(&placed, &chain));
    }
}
