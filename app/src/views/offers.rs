//! The transformations that fit, with their parameters, or why they cannot be done.

use egui::{Frame, RichText, Ui};
use egui_material_icons::icons::*;
use weft_transforms::{Param, ParamKind, Setting, Settings, Step};

use super::{Commands, widgets};
use crate::commands::{Action, Command};
use crate::state::{Dialog, Document, Offer, State};
use crate::theme::{colors, size};

/// Longer lists end with a count; the filter finds the rest.
const MOST: usize = 120;

pub fn show(ui: &mut Ui, state: &State, document: &Document, commands: &mut Commands) {
    ui.horizontal(|ui| {
        widgets::action(ui, state, Action::Simplify, commands);
        widgets::action(ui, state, Action::Auto, commands);
    });
    ui.add_space(2.0);
    let fitting = document.fitting();
    let can = fitting.iter().filter(|o| o.verdict.is_ok()).count();
    let complete = document.version().offers.complete;
    ui.horizontal(|ui| {
        widgets::section(
            ui,
            if document.selection.is_empty() { "Transformations" } else { "For the selection" },
        );
        widgets::right(ui, |ui| {
            if !complete {
                ui.add(egui::Spinner::new().size(12.0));
            }
            widgets::weak(ui, format!("{can} of {} apply", fitting.len()));
        });
    });
    let mut filter = document.filter.clone();
    let field = egui::TextEdit::singleline(&mut filter)
        .hint_text("Filter by name or place")
        .desired_width(f32::INFINITY);
    if ui.add(field).changed() {
        commands.push(Command::Filter(filter));
    }
    if fitting.is_empty() && complete {
        let text = if document.selection.is_empty() {
            "No transformation fits this graph."
        } else {
            "No transformation fits here. Select a map or container, or press Esc to see all."
        };
        widgets::weak(ui, text);
    }
    ui.spacing_mut().item_spacing.y = 2.0;
    let mut hovered = None;
    if document.selection.is_empty() && document.filter.is_empty() {
        groups(ui, document, &fitting, commands, &mut hovered);
    } else {
        for offer in fitting.iter().take(MOST) {
            row(ui, document, offer, false, commands, &mut hovered);
        }
        if fitting.len() > MOST {
            widgets::weak(ui, format!("and {} more", fitting.len() - MOST));
        }
    }
    if document.preview.is_some() && hovered.is_none() {
        commands.push(Command::Preview(None));
    }
    if let Some(step) = hovered {
        commands.push(Command::Preview(Some(step)));
    }
}

/// One row a transformation, with its places inside.
fn groups(
    ui: &mut Ui,
    document: &Document,
    fitting: &[&Offer],
    commands: &mut Commands,
    hovered: &mut Option<Step>,
) {
    let c = colors(ui);
    for transform in weft_transforms::ALL {
        let info = transform.info();
        let here: Vec<&&Offer> = fitting.iter().filter(|o| o.transform.info().name == info.name).collect();
        if here.is_empty() {
            continue;
        }
        let can = here.iter().filter(|o| o.verdict.is_ok()).count();
        let open = document.opened.contains(&(info.name.to_string(), String::new()));
        let count = format!("{can} of {}", here.len());
        let mut head = widgets::Row::new(info.name);
        head.right = &count;
        head.weak = can == 0;
        head.icon = Some((if open { ICON_EXPAND_MORE } else { ICON_CHEVRON_RIGHT }, c.weak));
        if head.show(ui).on_hover_text(info.what).clicked() {
            commands.push(Command::Detail(info.name.to_string(), String::new()));
        }
        if open {
            for offer in here.into_iter().take(MOST) {
                row(ui, document, offer, true, commands, hovered);
            }
        }
    }
}

/// One place; `inside` its group, or by itself with the transformation's name.
fn row(
    ui: &mut Ui,
    document: &Document,
    offer: &Offer,
    inside: bool,
    commands: &mut Commands,
    hovered: &mut Option<Step>,
) {
    let c = colors(ui);
    let info = offer.transform.info();
    let key = offer.key();
    let open = document.opened.contains(&key);
    let able = offer.verdict.is_ok();
    let mut row = widgets::Row::new(info.name);
    row.note = &offer.site.label;
    if inside {
        row.text = &offer.site.label;
        row.note = "";
        row.indent = 16.0;
    }
    row.weak = !able;
    row.icon = Some(if open {
        (ICON_EXPAND_MORE, c.weak)
    } else if able {
        (ICON_CHEVRON_RIGHT, c.accent)
    } else {
        (ICON_BLOCK, c.weak)
    });
    let response = row.show(ui);
    if response.hovered()
        && let Some(place) = offer.site.places.first()
    {
        commands.push(Command::Hover(Some(*place)));
    }
    let response = if open { response } else { response.on_hover_text(info.what) };
    if response.clicked() {
        commands.push(Command::Detail(key.0.clone(), key.1.clone()));
    }
    if !open {
        return;
    }
    Frame::new().fill(c.raised).corner_radius(size::CORNER).inner_margin(10).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 6.0;
        details(ui, document, offer, commands, hovered);
    });
    ui.add_space(4.0);
}

fn details(
    ui: &mut Ui,
    document: &Document,
    offer: &Offer,
    commands: &mut Commands,
    hovered: &mut Option<Step>,
) {
    let c = colors(ui);
    let info = offer.transform.info();
    ui.add(egui::Label::new(RichText::new(info.what).color(c.text)).wrap());
    let settings = document.draft(offer);
    let step = |params: Settings| Step { transform: info.name.into(), at: offer.site.label.clone(), params };
    let mut edited = settings.clone();
    for param in info.params {
        editor(ui, param, &mut edited);
    }
    if edited != settings {
        commands.push(Command::Draft(step(edited)));
    }
    // With edited parameters the answer of the last planning counts.
    let judged = document.drafts.get(&offer.key()).map(|d| d.verdict.clone());
    let verdict: Option<Result<(), String>> = match judged {
        None => Some(offer.verdict.clone().map_err(|r| r.reason)),
        Some(Some((version, verdict))) if version == document.current => Some(verdict),
        Some(_) => None,
    };
    if let Some(Err(reason)) = &verdict {
        ui.horizontal_top(|ui| {
            ui.label(RichText::from(ICON_BLOCK).color(c.bad));
            ui.add(egui::Label::new(RichText::new(format!("Cannot be done: {reason}")).color(c.bad)).wrap());
        });
        if let Err(refusal) = &offer.verdict
            && ui.small_button("Show the place").clicked()
        {
            commands.push(Command::Reveal(vec![refusal.place]));
            commands.push(Command::Select { places: vec![refusal.place], extend: false });
        }
    }
    ui.horizontal(|ui| {
        let able = matches!(verdict, Some(Ok(())));
        let response = widgets::primary(ui, ICON_CHECK, "Apply", able);
        if response.hovered() && able {
            *hovered = Some(step(settings.clone()));
        }
        if response.clicked() {
            commands.push(Command::Apply(step(settings.clone())));
        }
        if widgets::button(ui, ICON_HELP, "Explain", true).clicked() {
            commands.push(Command::Dialog(Some(Dialog::Explain(info.name.into()))));
        }
        if verdict.is_none() {
            ui.add(egui::Spinner::new().size(14.0));
        }
    });
}

/// An editor for one parameter; the default is not stored.
fn editor(ui: &mut Ui, param: &Param, settings: &mut Settings) {
    ui.horizontal(|ui| {
        ui.label(param.name).on_hover_text(param.help);
        let now = settings.get(param.name).cloned();
        let next = match param.kind {
            ParamKind::Int { default, min, max } => {
                let mut value = if let Some(Setting::Int(v)) = now { v } else { default };
                ui.add(egui::DragValue::new(&mut value).range(min..=max));
                (value != default).then_some(Setting::Int(value))
            }
            ParamKind::Ints { default, min, max } => ints(ui, now, default, min, max),
            ParamKind::Choice { default, among } => {
                let mut value = if let Some(Setting::Text(t)) = now { t } else { default.to_string() };
                egui::ComboBox::from_id_salt(param.name).selected_text(value.clone()).show_ui(ui, |ui| {
                    for choice in among {
                        ui.selectable_value(&mut value, choice.to_string(), *choice);
                    }
                });
                (value != default).then_some(Setting::Text(value))
            }
            ParamKind::Text { default } => {
                let mut value = if let Some(Setting::Text(t)) = now { t } else { default.to_string() };
                ui.add(egui::TextEdit::singleline(&mut value).desired_width(140.0));
                (value != default).then_some(Setting::Text(value))
            }
        };
        match next {
            Some(value) => drop(settings.insert(param.name.to_string(), value)),
            None => drop(settings.remove(param.name)),
        }
    });
}

fn ints(ui: &mut Ui, now: Option<Setting>, default: &[i64], min: i64, max: i64) -> Option<Setting> {
    let mut values = match now {
        Some(Setting::Ints(v)) => v,
        Some(Setting::Int(v)) => vec![v],
        _ => default.to_vec(),
    };
    for value in &mut values {
        ui.add(egui::DragValue::new(value).range(min..=max));
    }
    if values.len() < 8 && ui.small_button("+").on_hover_text("one more dimension").clicked() {
        values.push(values.last().copied().unwrap_or(min));
    }
    if values.len() > 1 && ui.small_button("−").on_hover_text("one dimension less").clicked() {
        values.pop();
    }
    (values != default).then_some(Setting::Ints(values))
}
