//! The bar at the top: menus, the file, what runs, threads, theme.

use egui::{Align, Frame, Layout, Margin, Panel as Bar, RichText, Ui};
use weft_ir::sdfg::Place;

use super::{Commands, widgets};
use crate::commands::{Action, Command, Menu};
use crate::state::{Panel, State};
use crate::theme::{Mode, colors, size};
use crate::work::Target;

pub fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let frame = Frame::new().fill(colors(ui).bar).inner_margin(Margin::symmetric(10, 0));
    Bar::top("top").exact_size(size::TOP_BAR).frame(frame).show_separator_line(false).show(ui, |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            menus(ui, state, commands);
            ui.add_space(12.0);
            title(ui, state);
            widgets::right(ui, |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                let other = if state.mode == Mode::Dark { Action::Light } else { Action::Dark };
                widgets::icon(ui, state, other, commands);
                widgets::icon(ui, state, Action::Palette, commands);
                threads(ui, state, commands);
                widgets::icon(ui, state, Action::Redo, commands);
                widgets::icon(ui, state, Action::Undo, commands);
                busy(ui, state);
            });
        });
    });
}

fn menus(ui: &mut Ui, state: &State, commands: &mut Commands) {
    for (menu, name) in [
        (Menu::File, "File"),
        (Menu::Edit, "Edit"),
        (Menu::View, "View"),
        (Menu::Measure, "Measure"),
        (Menu::Help, "Help"),
    ] {
        let button = egui::Button::new(name).frame_when_inactive(false);
        egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
            ui.set_min_width(240.0);
            ui.spacing_mut().item_spacing.y = 0.0;
            for action in Action::ALL.into_iter().filter(|a| a.entry().menu == menu) {
                entry(ui, state, action, commands);
                if action == Action::Open && !state.recent.is_empty() {
                    recent(ui, state, commands);
                }
            }
            match menu {
                Menu::View => panels(ui, state, commands),
                Menu::Help => explanations(ui, commands),
                _ => {}
            }
        });
    }
}

fn entry(ui: &mut Ui, state: &State, action: Action, commands: &mut Commands) {
    let entry = action.entry();
    let icon =
        RichText::new(entry.icon.codepoint).font(egui::FontId::new(size::ICON, entry.icon.font_family()));
    let mut button = egui::Button::new((icon, entry.name)).min_size(egui::vec2(240.0, size::ROW));
    if let Some(keys) = widgets::shortcut_text(ui.ctx(), action) {
        button = button.shortcut_text(keys);
    }
    if ui.add_enabled(action.enabled(state), button).clicked() {
        commands.push(Command::Do(action));
        ui.close();
    }
}

fn recent(ui: &mut Ui, state: &State, commands: &mut Commands) {
    ui.menu_button("Open recent", |ui| {
        for file in &state.recent {
            if ui.button(file.display().to_string()).clicked() {
                commands.push(Command::Open(Target { file: file.clone(), function: None }));
                ui.close();
            }
        }
    });
}

fn panels(ui: &mut Ui, state: &State, commands: &mut Commands) {
    ui.separator();
    for panel in Panel::ALL {
        let mut shown = !state.hidden.contains(&panel);
        if ui.checkbox(&mut shown, panel.title()).changed() {
            commands.push(Command::ShowPanel(panel, shown));
        }
    }
}

fn explanations(ui: &mut Ui, commands: &mut Commands) {
    ui.separator();
    ui.menu_button("Explain a transformation", |ui| {
        for transform in weft_transforms::ALL {
            let name = transform.info().name;
            if ui.button(name).on_hover_text(transform.info().what).clicked() {
                commands.push(Command::Dialog(Some(crate::state::Dialog::Explain(name.into()))));
                ui.close();
            }
        }
    });
}

fn title(ui: &mut Ui, state: &State) {
    let c = colors(ui);
    let target =
        state.document.as_ref().map(|d| &d.kernel.target).or(state.refused.as_ref().map(|r| &r.target));
    let Some(target) = target else { return };
    let name = target.file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    ui.label(RichText::new(name).color(c.strong)).on_hover_text(target.file.display().to_string());
    if let Some(document) = &state.document {
        let mut nodes = 0;
        crate::state::visit(document.graph(), &mut |_, place, _| {
            nodes += usize::from(matches!(place, Place::Node(_)))
        });
        let function = document.graph().name;
        ui.label(RichText::new(format!("{function} · {nodes} nodes")).color(c.weak));
    }
}

fn threads(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let mut threads = state.threads;
    let most = std::thread::available_parallelism().map_or(1, |n| n.get()).max(threads);
    let suffix = if threads == 1 { " thread" } else { " threads" };
    let value = egui::DragValue::new(&mut threads).range(1..=most).suffix(suffix);
    let response = ui.add(value).on_hover_text("Threads of the measured code");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Threads"));
    if threads != state.threads {
        commands.push(Command::Threads(threads));
    }
}

fn busy(ui: &mut Ui, state: &State) {
    // Short jobs come and go without a word.
    let long = state.activities.iter().find(|a| a.since.elapsed().as_millis() > 300);
    if let Some(activity) = long {
        ui.label(RichText::new(&activity.what).color(colors(ui).weak));
        ui.add(egui::Spinner::new().size(14.0));
    } else if !state.activities.is_empty() {
        ui.ctx().request_repaint_after(std::time::Duration::from_millis(320));
    }
}
