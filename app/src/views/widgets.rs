//! Small widgets that every panel shares.

use egui::{
    Align, Align2, Color32, FontId, Layout, Response, RichText, Role, Sense, Stroke, Ui, Vec2, WidgetInfo,
    WidgetText, pos2, vec2,
};
use egui_material_icons::MaterialIcon;

use crate::commands::{Action, Command};
use crate::state::State;
use crate::theme::{body, colors, size, strong_family};

/// One row of a list, highlighted over the full width.
pub struct Row<'a> {
    pub icon: Option<(MaterialIcon, Color32)>,
    pub text: &'a str,
    /// Weak, after the text.
    pub note: &'a str,
    /// At the right end.
    pub right: &'a str,
    pub indent: f32,
    pub selected: bool,
    pub weak: bool,
}

impl<'a> Row<'a> {
    pub fn new(text: &'a str) -> Row<'a> {
        Row { icon: None, text, note: "", right: "", indent: 0.0, selected: false, weak: false }
    }

    pub fn show(self, ui: &mut Ui) -> Response {
        let c = colors(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::click());
        let label = format!("{} {}", self.text, self.note).trim().to_string();
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, self.selected, &label));
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let painter = ui.painter();
        if self.selected {
            painter.rect_filled(rect, size::CORNER, c.selected);
        } else if response.hovered() || response.has_focus() {
            painter.rect_filled(rect, size::CORNER, c.hover);
        }
        let mut x = rect.left() + 8.0 + self.indent;
        let y = rect.center().y;
        if let Some((icon, color)) = self.icon {
            let font = FontId::new(size::ICON, icon.font_family());
            painter.text(pos2(x + size::ICON / 2.0, y), Align2::CENTER_CENTER, icon.codepoint, font, color);
            x += size::ICON + 6.0;
        }
        let mut right = rect.right() - 8.0;
        if !self.right.is_empty() {
            let color = if self.selected { c.strong } else { c.weak };
            let taken =
                painter.text(pos2(right, y), Align2::RIGHT_CENTER, self.right, body(size::SMALL), color);
            right = taken.left() - 8.0;
        }
        let color = if self.weak {
            c.weak
        } else if self.selected {
            c.strong
        } else {
            c.text
        };
        let taken = cut_text(ui, pos2(x, y), right - x, self.text, body(size::BODY), color);
        if !self.note.is_empty() {
            cut_text(
                ui,
                pos2(x + taken + 8.0, y),
                right - x - taken - 8.0,
                self.note,
                body(size::SMALL),
                c.weak,
            );
        }
        response
    }
}

/// Paints one line, ending in an ellipsis where it does not fit; returns its width.
pub fn cut_text(
    ui: &Ui,
    left_center: egui::Pos2,
    width: f32,
    text: &str,
    font: FontId,
    color: Color32,
) -> f32 {
    if width < 8.0 {
        return 0.0;
    }
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_string(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    let galley = ui.painter().layout_job(job);
    let taken = galley.size();
    ui.painter().galley(left_center - vec2(0.0, taken.y / 2.0), galley, color);
    taken.x
}

/// The title of a part of a panel.
pub fn section(ui: &mut Ui, title: &str) {
    ui.add_space(2.0);
    ui.label(RichText::new(title).font(FontId::new(size::BODY, strong_family())).color(colors(ui).strong));
}

pub fn weak(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = colors(ui).weak;
    ui.add(egui::Label::new(RichText::new(text).color(color)).wrap())
}

/// Text in the middle of an empty panel.
pub fn empty(ui: &mut Ui, text: &str) {
    let color = colors(ui).weak;
    ui.with_layout(Layout::centered_and_justified(egui::Direction::TopDown), |ui| {
        ui.add(egui::Label::new(RichText::new(text).color(color)).wrap());
    });
}

/// A name and a value in a monospaced font.
pub fn property(ui: &mut Ui, name: &str, value: &str) {
    ui.horizontal_top(|ui| {
        let c = colors(ui);
        ui.spacing_mut().item_spacing.x = 8.0;
        let (rect, _) = ui.allocate_exact_size(vec2(76.0, 18.0), Sense::hover());
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, body(size::BODY), c.weak);
        ui.add(egui::Label::new(RichText::new(value).monospace().color(c.text)).wrap().selectable(true));
    });
}

/// A button with an icon and a name.
pub fn button(ui: &mut Ui, icon: MaterialIcon, text: &str, enabled: bool) -> Response {
    let icon = RichText::new(icon.codepoint).font(FontId::new(size::ICON, icon.font_family()));
    let response = ui.add_enabled(enabled, egui::Button::new((icon, WidgetText::from(text))));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, text));
    response
}

/// The button that matters most in its panel.
pub fn primary(ui: &mut Ui, icon: MaterialIcon, text: &str, enabled: bool) -> Response {
    let c = colors(ui);
    let color = if enabled { c.on_accent } else { c.weak };
    let icon = RichText::new(icon.codepoint).font(FontId::new(size::ICON, icon.font_family())).color(color);
    let button = egui::Button::new((icon, RichText::new(text).color(color)))
        .fill(if enabled { c.accent } else { c.raised })
        .stroke(Stroke::NONE);
    let response = ui.add_enabled(enabled, button);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, text));
    response
}

/// A command as an icon only, with its name and shortcut as the tooltip.
pub fn icon(ui: &mut Ui, state: &State, action: Action, commands: &mut Vec<Command>) {
    let entry = action.entry();
    let enabled = action.enabled(state);
    let name = entry.name.trim_end_matches('…');
    let glyph =
        RichText::new(entry.icon.codepoint).font(FontId::new(size::ICON + 2.0, entry.icon.font_family()));
    let response = ui.add_enabled(enabled, egui::Button::new(glyph).frame(false).min_size(Vec2::splat(28.0)));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    let tip = match shortcut_text(ui.ctx(), action) {
        Some(keys) => format!("{name}  ({keys})"),
        None => name.to_string(),
    };
    if response.on_hover_text(tip).clicked() {
        commands.push(Command::Do(action));
    }
}

/// A command as a button with its name.
pub fn action(ui: &mut Ui, state: &State, action: Action, commands: &mut Vec<Command>) {
    let entry = action.entry();
    let response = button(ui, entry.icon, entry.name.trim_end_matches('…'), action.enabled(state));
    let tip = shortcut_text(ui.ctx(), action).unwrap_or_default();
    let response = if tip.is_empty() { response } else { response.on_hover_text(tip) };
    if response.clicked() {
        commands.push(Command::Do(action));
    }
}

pub fn shortcut_text(ctx: &egui::Context, action: Action) -> Option<String> {
    action.entry().shortcut.map(|s| ctx.format_shortcut(&s))
}

/// Adds contents from the right end of a row.
pub fn right(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::right_to_left(Align::Center), add);
}

/// `1.23 ms`, `456 µs`.
pub fn duration(ms: f64) -> String {
    match ms {
        m if !m.is_finite() => "–".into(),
        m if m >= 1000.0 => format!("{:.2} s", m / 1e3),
        m if m >= 100.0 => format!("{m:.0} ms"),
        m if m >= 10.0 => format!("{m:.1} ms"),
        m if m >= 1.0 => format!("{m:.2} ms"),
        m if m >= 0.1 => format!("{:.0} µs", m * 1e3),
        m => format!("{:.1} µs", m * 1e3),
    }
}
