//! The graph: pan, zoom, fold, select.

use egui::{Key, Pos2, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2};
use weft_ir::sdfg::Place;

use super::{Commands, draw, inspector, widgets};
use crate::commands::Command;
use crate::layout::{Item, Picture, Shape};
use crate::state::{Camera, Document, State, View};
use crate::theme::colors;

const LEAST_ZOOM: f32 = 0.02;
const MOST_ZOOM: f32 = 6.0;
/// Below this there is no text and boxes are no widgets of their own.
pub const TEXT_ZOOM: f32 = 0.45;
/// Below this curves are straight lines.
pub const PLAIN_ZOOM: f32 = 0.25;
/// So many boxes in view are widgets (for screen readers and tests); more are hit-tested only.
const MOST_WIDGETS: usize = 400;

/// From the picture to the screen.
#[derive(Clone, Copy)]
pub struct Screen {
    pub camera: Camera,
    pub view: Rect,
}

impl Screen {
    pub fn to(&self, at: Pos2) -> Pos2 {
        self.view.center() + (at - self.camera.center) * self.camera.zoom
    }

    pub fn rect(&self, rect: Rect) -> Rect {
        Rect::from_min_max(self.to(rect.min), self.to(rect.max))
    }

    pub fn from(&self, at: Pos2) -> Pos2 {
        self.camera.center + (at - self.view.center()) / self.camera.zoom
    }
}

pub fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let view = ui.available_rect_before_wrap();
    ui.painter().rect_filled(view, 0.0, colors(ui).canvas);
    let Some(document) = &state.document else {
        return super::source::refused_summary(ui, state, commands);
    };
    if view.width() < 8.0 || view.height() < 8.0 {
        return;
    }
    let preview = document.preview.as_ref().and_then(|p| p.picture.clone());
    let Some(picture) = preview.clone().or_else(|| document.picture().cloned()) else {
        return widgets::empty(ui, "laying out…");
    };
    if picture.items.is_empty() {
        return widgets::empty(ui, "the graph is empty");
    }
    let canvas = ui.interact(view, ui.scope_id().with("canvas"), Sense::click_and_drag());
    canvas.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Graph"));
    let screen = Screen { camera: resolve(document, &picture, view), view };
    if screen.camera != document.seen {
        commands.push(Command::Seen(screen.camera));
    }
    navigate(ui, &canvas, screen, commands);
    let clip = ui.painter().with_clip_rect(view);
    draw::picture(&clip, &picture, screen, document, colors(ui));
    let hit = pointer(ui, &canvas, &picture, screen, document, commands);
    keys(ui, state, &picture, document, commands);
    if let Some(place) = hit {
        canvas.clone().on_hover_ui_at_pointer(|ui| inspector::tooltip(ui, document, place));
    }
    if hit.is_some() {
        commands.push(Command::Hover(hit));
    }
    overlay(ui, state, document, view, preview.is_some(), commands);
}

/// What is wanted, as a camera.
fn resolve(document: &Document, picture: &Picture, view: Rect) -> Camera {
    let all = Rect::from_min_size(Pos2::ZERO, picture.size);
    let fit = |rect: Rect, most: f32| {
        let margin = vec2(48.0, 48.0);
        let room = (view.size() - margin).max(Vec2::splat(16.0));
        let size = rect.size().max(Vec2::splat(1.0));
        (room.x / size.x).min(room.y / size.y).clamp(LEAST_ZOOM, most)
    };
    let camera = match &document.version().view {
        View::At(camera) => *camera,
        View::All => Camera { center: all.center(), zoom: fit(all, 1.25) },
        View::Places(places) => {
            let rect =
                places.iter().filter_map(|p| picture.rect_of(*p)).reduce(|a, b| a.union(b)).unwrap_or(all);
            Camera { center: rect.center(), zoom: fit(rect, 1.25) }
        }
        View::Start => {
            // As large as the width allows; what is longer starts at the top.
            let wide = Rect::from_min_size(all.min, vec2(all.width(), 1.0));
            let zoom = fit(wide, 1.0).max(0.62);
            let shown = view.size() / zoom;
            let top = if all.height() + 48.0 / zoom > shown.y {
                shown.y / 2.0 - 24.0 / zoom
            } else {
                all.center().y
            };
            Camera { center: egui::pos2(all.center().x, top), zoom }
        }
    };
    let sound = camera.center.x.is_finite() && camera.center.y.is_finite() && camera.zoom.is_finite();
    if sound { camera } else { Camera { center: all.center(), zoom: 1.0 } }
}

/// Drag and scroll to pan, wheel with Ctrl or pinch to zoom; a plain wheel zooms too.
fn navigate(ui: &Ui, canvas: &Response, screen: Screen, commands: &mut Commands) {
    let mut camera = screen.camera;
    if canvas.dragged() {
        camera.center -= canvas.drag_delta() / camera.zoom;
    }
    if let Some(pointer) = ui.ctx().pointer_latest_pos().filter(|p| screen.view.contains(*p))
        && (canvas.contains_pointer() || canvas.hovered())
    {
        let (pinch, scroll, shift) =
            ui.input(|i| (i.zoom_delta(), i.smooth_scroll_delta(), i.modifiers.shift));
        let mut factor = pinch;
        if shift {
            camera.center -= scroll / camera.zoom;
        } else {
            camera.center.x -= scroll.x / camera.zoom;
            factor *= (scroll.y / 240.0).exp();
        }
        if factor != 1.0 && factor.is_finite() {
            let zoom = (camera.zoom * factor).clamp(LEAST_ZOOM, MOST_ZOOM);
            // The point under the pointer stays where it is.
            let at = screen.from(pointer);
            camera.center = at - (pointer - screen.view.center()) / zoom;
            camera.zoom = zoom;
        }
    }
    if camera != screen.camera {
        commands.push(Command::Camera(camera));
    }
}

/// Hit-tests, selects and folds. Returns what is under the pointer.
fn pointer(
    ui: &Ui,
    canvas: &Response,
    picture: &Picture,
    screen: Screen,
    document: &Document,
    commands: &mut Commands,
) -> Option<Place> {
    let extend = ui.input(|i| i.modifiers.shift || i.modifiers.command);
    let mut clicked = None;
    let mut folded = None;
    let visible: Vec<&Item> = if screen.camera.zoom >= TEXT_ZOOM {
        picture
            .items
            .iter()
            .filter(|i| screen.rect(i.rect).intersects(screen.view))
            .take(MOST_WIDGETS + 1)
            .collect()
    } else {
        vec![]
    };
    let mut over_box = false;
    if visible.len() <= MOST_WIDGETS {
        for (k, item) in visible.iter().enumerate() {
            let rect = screen.rect(item.rect).intersect(screen.view);
            if item.shape == Shape::Branch || !rect.is_positive() {
                continue;
            }
            let response = ui.interact(rect, canvas.id.with((k, item.place, item.end)), Sense::click());
            let label = draw::spoken(item);
            response.widget_info(|| {
                WidgetInfo::selected(Role::Button, true, document.is_selected(item.place), &label)
            });
            over_box |= response.contains_pointer();
            if response.double_clicked() {
                folded = item.folded.map(|_| item.place);
            } else if response.clicked() {
                clicked = Some(item.place);
            }
        }
    }
    let at = canvas.ctx.pointer_latest_pos().filter(|p| screen.view.contains(*p));
    let at = at.filter(|_| canvas.contains_pointer() || over_box).map(|p| screen.from(p));
    let item = at.and_then(|p| picture.item_at(p));
    let on_leaf = item.is_some_and(|i| !i.shape.is_group());
    let wire = at.filter(|_| !on_leaf).and_then(|p| picture.wire_at(p, 5.0 / screen.camera.zoom));
    let mut hit = item.map(|i| i.place);
    if let Some(edge) = wire.and_then(|w| w.edge) {
        hit = Some(Place::Edge(edge));
        if clicked.is_some() {
            clicked = hit;
        }
    }
    let triangle = item.filter(|i| {
        i.folded.is_some()
            && draw::triangle(i, screen)
                .is_some_and(|r| at.is_some_and(|p| r.expand(4.0).contains(screen.to(p))))
    });
    let any_click = clicked.is_some() || canvas.clicked();
    if let Some(item) = triangle.filter(|_| any_click) {
        commands.push(Command::Fold(item.place));
        return hit;
    }
    if canvas.double_clicked() {
        folded = item.and_then(|i| i.folded.map(|_| i.place));
    }
    if let Some(place) = folded {
        commands.push(Command::Fold(place));
    } else if let Some(place) = clicked.or(hit.filter(|_| canvas.clicked())) {
        commands.push(Command::Select { places: vec![place], extend });
    } else if canvas.clicked() && !extend {
        commands.push(Command::Select { places: vec![], extend: false });
    }
    hit
}

/// Arrows go to the nearest box in that direction, Enter folds.
fn keys(ui: &Ui, state: &State, picture: &Picture, document: &Document, commands: &mut Commands) {
    if ui.ctx().egui_wants_keyboard_input() || state.palette.is_some() || state.dialog.is_some() {
        return;
    }
    let directions = [
        (Key::ArrowUp, vec2(0.0, -1.0)),
        (Key::ArrowDown, vec2(0.0, 1.0)),
        (Key::ArrowLeft, vec2(-1.0, 0.0)),
        (Key::ArrowRight, vec2(1.0, 0.0)),
    ];
    let from = document.selection.last().and_then(|p| picture.rect_of(*p)).map(|r| r.center());
    for (key, direction) in directions {
        if !ui.input(|i| i.key_pressed(key) && i.modifiers.is_none()) {
            continue;
        }
        let next = match from {
            None => picture.items.iter().find(|i| !i.shape.is_group()),
            Some(from) => nearest(picture, document, from, direction),
        };
        if let Some(item) = next {
            commands.push(Command::Select { places: vec![item.place], extend: false });
            let Camera { center, zoom } = document.seen;
            let off = (item.rect.center() - center).abs() * zoom;
            if off.x > 260.0 || off.y > 180.0 {
                commands.push(Command::Camera(Camera { center: item.rect.center(), zoom }));
            }
        }
    }
    if ui.input(|i| i.key_pressed(Key::Enter) && i.modifiers.is_none())
        && let Some(place) = document.selection.last()
        && picture.items.iter().any(|i| i.place == *place && i.folded.is_some())
    {
        commands.push(Command::Fold(*place));
    }
}

fn nearest<'a>(picture: &'a Picture, document: &Document, from: Pos2, direction: Vec2) -> Option<&'a Item> {
    let leaves = picture.items.iter().filter(|i| !i.shape.is_group() && !document.is_selected(i.place));
    let scored = leaves.filter_map(|item| {
        let to = item.rect.center() - from;
        let along = to.dot(direction);
        let across = (to - direction * along).length();
        (along > 4.0 && across < along * 2.5 + 40.0).then_some((along + 2.0 * across, item))
    });
    scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, item)| item)
}

/// The zoom, and what a preview is.
fn overlay(
    ui: &mut Ui,
    state: &State,
    document: &Document,
    view: Rect,
    preview: bool,
    commands: &mut Commands,
) {
    use crate::commands::Action;
    let bar = Rect::from_min_size(view.left_bottom() + vec2(10.0, -42.0), vec2(200.0, 32.0));
    if view.width() < 260.0 || view.height() < 120.0 {
        return;
    }
    let c = colors(ui);
    ui.painter().rect(bar, 6, c.panel, egui::Stroke::new(1.0, c.line), egui::StrokeKind::Inside);
    let mut child = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(bar.shrink2(vec2(4.0, 2.0)))
            .layout(egui::Layout::left_to_right(egui::Align::Center)),
    );
    child.spacing_mut().item_spacing.x = 2.0;
    for action in [Action::ZoomOut, Action::ZoomIn, Action::Fit, Action::FoldAll, Action::UnfoldAll] {
        widgets::icon(&mut child, state, action, commands);
    }
    let zoom = egui::RichText::new(format!("{:.0} %", document.seen.zoom * 100.0)).color(c.weak);
    child.add(egui::Label::new(zoom).extend());
    if preview && let Some(preview) = &document.preview {
        let text = format!("Preview: {} at {}", preview.step.transform, preview.step.at);
        let font = crate::theme::body(crate::theme::size::BODY);
        let galley = ui.painter().layout_no_wrap(text, font, c.on_accent);
        let rect = egui::Align2::CENTER_TOP
            .align_size_within_rect(galley.size() + vec2(24.0, 10.0), view.shrink(10.0));
        ui.painter().rect_filled(rect, 12, c.accent);
        ui.painter().galley(rect.min + vec2(12.0, 5.0), galley, c.on_accent);
        ui.painter().rect_stroke(
            view.shrink(1.0),
            0.0,
            egui::Stroke::new(2.0, c.accent),
            egui::StrokeKind::Inside,
        );
    }
}
