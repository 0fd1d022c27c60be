//! The history: every graph there was, as a tree of steps.

use egui::{ScrollArea, Ui};
use egui_material_icons::icons::*;

use super::{Commands, widgets};
use crate::commands::{Action, Command};
use crate::state::{Document, State};
use crate::theme::{colors, panel_frame};

pub fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    ui.painter().rect_filled(ui.available_rect_before_wrap(), 0.0, colors(ui).panel);
    let Some(document) = &state.document else { return };
    panel_frame(ui).show(ui, |ui| {
        ui.horizontal(|ui| {
            for action in [Action::Undo, Action::Redo] {
                widgets::icon(ui, state, action, commands);
            }
            widgets::right(ui, |ui| {
                for action in [Action::ImportRecipe, Action::ExportRecipe] {
                    widgets::icon(ui, state, action, commands);
                }
            });
        });
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for index in order(document) {
                row(ui, document, index, commands);
            }
        });
    });
}

/// Children after their parent, oldest first; a chain without branches keeps its indent.
fn order(document: &Document) -> Vec<usize> {
    let mut found = vec![];
    let mut stack = vec![0];
    while let Some(at) = stack.pop() {
        found.push(at);
        let children = (0..document.versions.len()).filter(|&i| document.versions[i].parent == Some(at));
        stack.extend(children.collect::<Vec<_>>().into_iter().rev());
    }
    found
}

fn indent(document: &Document, version: usize) -> f32 {
    let mut level = 0;
    let mut at = version;
    while let Some(parent) = document.versions[at].parent {
        let siblings = document.versions.iter().filter(|v| v.parent == Some(parent)).count();
        level += usize::from(siblings > 1);
        at = parent;
    }
    level.min(8) as f32 * 14.0
}

fn row(ui: &mut Ui, document: &Document, index: usize, commands: &mut Commands) {
    let c = colors(ui);
    let version = &document.versions[index];
    let time = version.time.as_ref().and_then(|t| t.runs.summary()).map(|s| widgets::duration(s.median));
    let time = time.unwrap_or_default();
    let steps = version.steps.0.len();
    let note = if steps > 1 { format!("{steps} steps") } else { String::new() };
    let mut row = widgets::Row::new(&version.label);
    row.note = &note;
    row.right = &time;
    row.indent = indent(document, index);
    row.selected = index == document.current;
    row.weak = document.redo.contains(&index);
    row.icon = Some(match index {
        0 => (ICON_DESCRIPTION, c.weak),
        _ if steps > 1 => (ICON_BOLT, c.weak),
        _ => (ICON_ARROW_RIGHT_ALT, c.weak),
    });
    let response = row.show(ui);
    // The current version comes into view when it changes.
    let memory = egui::Id::unique("shown-version");
    let shown = (document.id, document.current);
    if index == document.current && ui.data(|d| d.get_temp(memory)) != Some(shown) {
        ui.data_mut(|d| d.insert_temp(memory, shown));
        response.scroll_to_me(None);
    }
    let response = if steps > 0 {
        response.on_hover_ui(|ui| {
            for step in version.steps.0.iter().take(30) {
                widgets::weak(ui, format!("{} at {}", step.transform, step.at));
            }
        })
    } else {
        response
    };
    if response.clicked() && index != document.current {
        commands.push(Command::Goto(index));
    }
}
