//! The forms that are generated from a version: text form, loop tree, LLVM IR, assembly.

use egui::{RichText, ScrollArea, Ui};

use super::highlight::{Language, Open, line};
use super::{Commands, widgets};
use crate::commands::{Action, Command};
use crate::state::State;
use crate::theme::{colors, panel_frame};
use crate::work::Format;

const FORMS: [(Format, &str, Language); 4] = [
    (Format::Text, "Text form", Language::Weft),
    (Format::Looptree, "Loop tree", Language::Weft),
    (Format::Ll, "LLVM IR", Language::Llvm),
    (Format::Asm, "Assembly", Language::Assembly),
];

pub fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    ui.painter().rect_filled(ui.available_rect_before_wrap(), 0.0, colors(ui).panel);
    let Some(document) = &state.document else { return };
    panel_frame(ui).show(ui, |ui| {
        let mut chosen = document.code;
        ui.horizontal(|ui| {
            for (format, name, _) in FORMS {
                ui.selectable_value(&mut chosen, format, name);
            }
            widgets::right(ui, |ui| {
                if let Some(Ok(text)) = document.emitted.get(&(document.current, chosen))
                    && ui.small_button("Copy").clicked()
                {
                    commands.push(Command::Copy(text.to_string()));
                }
                if chosen == Format::Text {
                    widgets::icon(ui, state, Action::ExportText, commands);
                }
            });
        });
        let emitted = document.emitted.get(&(document.current, chosen));
        if chosen != document.code || emitted.is_none() {
            commands.push(Command::ShowCode(chosen));
        }
        match emitted {
            None => {
                ui.horizontal(|ui| {
                    ui.add(egui::Spinner::new().size(14.0));
                    widgets::weak(ui, "generating…");
                });
            }
            Some(Err(problem)) => drop(ui.label(RichText::new(problem).color(colors(ui).bad))),
            Some(Ok(text)) => {
                let language = FORMS.iter().find(|f| f.0 == chosen).map_or(Language::Weft, |f| f.2);
                listing(ui, text, language);
            }
        }
    });
}

fn listing(ui: &mut Ui, text: &str, language: Language) {
    let c = colors(ui);
    let all: Vec<&str> = text.lines().collect();
    let height = 17.0;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::both().auto_shrink(false).show_rows(ui, height, all.len(), |ui, rows| {
        for at in rows {
            let mut open: Open = None;
            let job = line(all[at], language, &mut open, c);
            ui.set_min_height(height);
            ui.add(egui::Label::new(job).extend().selectable(true));
        }
    });
}
