//! Questions, help, paths.

use egui::{Context, Id, Key, Modal, Modifiers, RichText, ScrollArea, Ui};
use egui_material_icons::icons::*;

use super::{Commands, widgets};
use crate::commands::{Action, Command};
use crate::state::{Dialog, Purpose, State};
use crate::theme::{colors, size};

pub fn show(ctx: &Context, state: &State, commands: &mut Commands) {
    let Some(dialog) = &state.dialog else { return };
    let modal = Modal::new(Id::unique("dialog"));
    let response = modal.show(ctx, |ui| {
        ui.set_width(size::DIALOG.min(ui.ctx().content_rect().width() - 48.0));
        match dialog {
            Dialog::Trust(file) => trust(ui, file, commands),
            Dialog::Path { purpose, text } => path(ui, *purpose, text, commands),
            Dialog::Shortcuts => shortcuts(ui, commands),
            Dialog::Explain(name) => explain(ui, name, commands),
        }
    });
    if response.should_close() {
        commands.push(Command::Dialog(None));
    }
}

fn trust(ui: &mut Ui, file: &std::path::Path, commands: &mut Commands) {
    ui.heading("Run this file for NumPy's time?");
    ui.label("The baseline imports the Python file and calls its function. That executes the file, as python would.");
    ui.label(RichText::new(file.display().to_string()).monospace());
    widgets::weak(ui, "Weft asks once for each file. Without it, only Weft's own code is measured.");
    ui.add_space(8.0);
    widgets::right(ui, |ui| {
        if widgets::primary(ui, ICON_PLAY_ARROW, "Run it", true).clicked() {
            commands.push(Command::Trust(true));
        }
        if widgets::button(ui, ICON_BLOCK, "Measure without NumPy", true).clicked() {
            commands.push(Command::Trust(false));
        }
    });
}

fn path(ui: &mut Ui, purpose: Purpose, text: &str, commands: &mut Commands) {
    let (title, verb) = match purpose {
        Purpose::Open => ("Open a kernel, graph or session", "Open"),
        Purpose::Export(_) => ("Export to", "Export"),
        Purpose::ExportRecipe => ("Export the recipe to", "Export"),
        Purpose::ImportRecipe => ("Apply the recipe in", "Apply"),
        Purpose::SaveSession => ("Save the session as", "Save"),
    };
    ui.heading(title);
    if purpose == Purpose::Open {
        widgets::weak(ui, "A .py file, .py::function, .sdfg, .sdfgz or .weft");
    }
    let mut edited = text.to_string();
    let field = egui::TextEdit::singleline(&mut edited)
        .hint_text("path")
        .font(egui::TextStyle::Monospace)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 6));
    let field = ui.add(field);
    if ui.memory(|m| m.focused().is_none()) {
        field.request_focus();
    }
    let enter = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if widgets::button(ui, ICON_FOLDER_OPEN, "Browse", true).clicked() {
            commands.push(Command::Browse(purpose));
        }
        widgets::right(ui, |ui| {
            let ready = !edited.trim().is_empty();
            let clicked = widgets::primary(ui, ICON_CHECK, verb, ready).clicked();
            if ready && (clicked || enter) {
                commands.push(Command::Path(purpose, edited.clone()));
            }
            if widgets::button(ui, ICON_CLOSE, "Cancel", true).clicked() {
                commands.push(Command::Dialog(None));
            }
        });
    });
    if edited != text && commands.is_empty() {
        commands.push(Command::Dialog(Some(Dialog::Path { purpose, text: edited })));
    }
}

fn shortcuts(ui: &mut Ui, commands: &mut Commands) {
    ui.heading("Keyboard shortcuts");
    ScrollArea::vertical().max_height(420.0).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let more = [
            ("Next box in that direction", "Arrows"),
            ("Fold or unfold the selection", "Enter"),
            ("Select several", "Shift+Click"),
            ("Fold or unfold", "Double-click"),
            ("Pan", "Drag, Shift+Wheel"),
            ("Zoom to the pointer", "Wheel, pinch"),
        ];
        let listed = Action::ALL.into_iter().filter_map(|action| {
            Some((action.entry().name.trim_end_matches('…'), widgets::shortcut_text(ui.ctx(), action)?))
        });
        let all: Vec<(&str, String)> = listed.chain(more.map(|(a, b)| (a, b.to_string()))).collect();
        for (name, keys) in all {
            ui.horizontal(|ui| {
                ui.label(name);
                widgets::right(ui, |ui| {
                    drop(ui.label(RichText::new(keys).monospace().color(colors(ui).weak)))
                });
            });
        }
    });
    close(ui, commands);
}

fn explain(ui: &mut Ui, name: &str, commands: &mut Commands) {
    ui.heading(name);
    let text = weft_transforms::explain(name).unwrap_or_default();
    ScrollArea::vertical().max_height(440.0).show(ui, |ui| {
        let body = text.trim_start_matches(name).trim_start();
        ui.add(egui::Label::new(RichText::new(body).monospace().size(size::SMALL)).wrap().selectable(true));
    });
    close(ui, commands);
}

fn close(ui: &mut Ui, commands: &mut Commands) {
    ui.add_space(8.0);
    widgets::right(ui, |ui| {
        if widgets::button(ui, ICON_CLOSE, "Close", true).clicked() {
            commands.push(Command::Dialog(None));
        }
    });
}
