//! The Python file: what is selected is marked, a click on a line selects what came from it.

use std::collections::{BTreeMap, BTreeSet};

use egui::{Align2, Rect, RichText, ScrollArea, Sense, Ui, pos2, vec2};
use egui_material_icons::icons::*;
use weft_ir::sdfg::{Place, Source};
use weft_python::Diagnostic;

use super::highlight::{Language, Open, line};
use super::{Commands, widgets};
use crate::commands::{Action, Command};
use crate::state::{Document, State, places_on_row, span_of};
use crate::theme::{colors, mono, size};
use crate::work::Target;

const LINE: f32 = 19.0;

pub fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    ui.painter().rect_filled(ui.available_rect_before_wrap(), 0.0, colors(ui).panel);
    if let Some(refused) = &state.refused {
        return match &refused.source {
            Some(source) => {
                let rows_of = |d: &Diagnostic| rows(source, d.span.start, d.span.end);
                let marked: BTreeSet<usize> = refused.diagnostics.iter().flat_map(rows_of).collect();
                let shown = refused.shown.and_then(|at| refused.diagnostics.get(at));
                let first = shown.and_then(|d| rows_of(d).first().copied()).or(marked.first().copied());
                let key = format!("refused-{:?}", refused.shown);
                let (hovered, left_out) = (BTreeSet::new(), BTreeMap::new());
                let looks =
                    Looks { marked: &marked, hovered: &hovered, left_out: &left_out, wrong: true, first };
                if let Some(row) = listing(ui, source, &looks, &key)
                    && let Some(at) = refused.diagnostics.iter().position(|d| rows_of(d).contains(&row))
                {
                    commands.push(Command::Problem(at));
                }
            }
            None => widgets::empty(ui, "no source"),
        };
    }
    let Some(document) = &state.document else { return };
    let Some(source) = document.kernel.source.clone().or_else(|| document.graph().source.clone()) else {
        return widgets::empty(ui, "this graph has no Python source");
    };
    let rows_of = |place: Place| {
        span_of(document.graph(), place).map(|s| rows(&source, s.start, s.end)).unwrap_or_default()
    };
    let marked: BTreeSet<usize> = document.selection.iter().flat_map(|&p| rows_of(p)).collect();
    let hovered: BTreeSet<usize> =
        document.hover.into_iter().filter(|p| is_part(*p)).flat_map(rows_of).collect();
    let key = format!("{}-{}", document.id, marked.first().copied().unwrap_or(0));
    let left_out: BTreeMap<usize, String> = weft_python::left_out(document.graph())
        .into_iter()
        .flat_map(|(span, why)| {
            rows(&source, span.start, span.end).into_iter().map(move |r| (r, why.clone()))
        })
        .collect();
    let first = marked.first().copied();
    let looks = Looks { marked: &marked, hovered: &hovered, left_out: &left_out, wrong: false, first };
    if let Some(at) = listing(ui, &source, &looks, &key) {
        commands.push(Command::Select { places: selection(document, &source, at), extend: false });
    }
}

fn is_part(place: Place) -> bool {
    !matches!(place, Place::Block(_) | Place::Whole)
}

fn selection(document: &Document, source: &Source, row: usize) -> Vec<Place> {
    let found = places_on_row(document.graph(), source, row);
    // A map stands for its nodes.
    let maps: Vec<Place> = found.iter().copied().filter(|p| matches!(p, Place::Map(_))).collect();
    if maps.is_empty() { found } else { maps }
}

fn rows(source: &Source, start: u32, end: u32) -> Vec<usize> {
    (source.row(start)..=source.row(end.saturating_sub(1).max(start))).collect()
}

/// How rows of the source ([`Source::row`]) are shown.
struct Looks<'l> {
    marked: &'l BTreeSet<usize>,
    hovered: &'l BTreeSet<usize>,
    /// Why they are not imported.
    left_out: &'l BTreeMap<usize, String>,
    /// In the colour of what is refused.
    wrong: bool,
    /// To be seen.
    first: Option<usize>,
}

/// What a line of the listing is.
enum Line<'s> {
    /// The name of the file that follows; only where there are several.
    File(&'s str),
    /// Index in the text, number in its file, and what it is called there.
    Code { at: usize, number: usize, file: &'s str },
}

fn arrange(source: &Source, count: usize) -> Vec<Line<'_>> {
    let several = !source.others.is_empty();
    let mut lines = vec![];
    let mut files = source.files().map(|(path, range)| (path, source.row(range.start as u32) - 1)).peekable();
    let (mut file, mut start) = ("", 0);
    for at in 0..count {
        while let Some((path, first)) = files.next_if(|(_, first)| *first <= at) {
            if several {
                lines.push(Line::File(path));
            }
            (file, start) = (path, first);
        }
        lines.push(Line::Code { at, number: at - start + 1, file });
    }
    lines
}

/// Numbered lines; returns the row that was clicked. `key` changes when it should scroll.
fn listing(ui: &mut Ui, source: &Source, looks: &Looks<'_>, key: &str) -> Option<usize> {
    let c = colors(ui);
    let Looks { marked, hovered, left_out, wrong, first } = *looks;
    let all: Vec<&str> = source.text.lines().collect();
    let digits = all.len().max(1).to_string().len().max(2) as f32;
    let gutter = digits * size::MONO * 0.6 + 22.0;
    let mut open: Open = None;
    let jobs: Vec<_> = all.iter().map(|text| line(text, Language::Python, &mut open, c)).collect();
    let widest = all.iter().map(|l| l.chars().count()).max().unwrap_or(0) as f32 * size::MONO * 0.61;
    let arranged = arrange(source, all.len());
    let mut clicked = None;
    let memory = ui.scope_id().with("scrolled-to");
    let scrolled: Option<String> = ui.data(|d| d.get_temp(memory));
    let mut area = ScrollArea::both().auto_shrink(false);
    if scrolled.as_deref() != Some(key) {
        ui.data_mut(|d| d.insert_temp(memory, key.to_string()));
        let index =
            |row: usize| arranged.iter().position(|l| matches!(l, Line::Code { at, .. } if at + 1 == row));
        if let Some(first) =
            first.and_then(index).filter(|l| (*l as f32 + 3.0) * LINE > ui.available_height())
        {
            area = area.vertical_scroll_offset((first as f32 * LINE - ui.available_height() / 2.0).max(0.0));
        }
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    area.show_rows(ui, LINE, arranged.len(), |ui, rows| {
        ui.set_min_width(gutter + widest + 16.0);
        for line in &arranged[rows] {
            let width = ui.available_width().max(gutter + widest + 16.0);
            let (rect, _) = ui.allocate_exact_size(vec2(width, LINE), Sense::hover());
            let (at, number, file) = match *line {
                Line::Code { at, number, file } => (at, number, file),
                Line::File(path) => {
                    let left = pos2(rect.left() + 8.0, rect.center().y);
                    ui.painter().text(left, Align2::LEFT_CENTER, path, mono(size::SMALL), c.weak);
                    continue;
                }
            };
            let row = at + 1;
            // Only what is seen of a long line can be clicked.
            let seen = rect.intersect(ui.clip_rect());
            let response = ui.interact(seen, ui.scope_id().with(("line", row)), Sense::click());
            let why = left_out.get(&row);
            let response = match why {
                Some(why) => response.on_hover_text(format!(
                    "Not imported: {why}.\nA run that comes here is refused; others are not affected."
                )),
                None => response,
            };
            let painter = ui.painter();
            if marked.contains(&row) {
                painter.rect_filled(
                    rect,
                    0.0,
                    if wrong { c.bad.gamma_multiply(0.18) } else { c.code.marked },
                );
                let edge = Rect::from_min_size(rect.min, vec2(3.0, LINE));
                painter.rect_filled(edge, 0.0, if wrong { c.bad } else { c.accent });
            } else if hovered.contains(&row) || response.hovered() {
                painter.rect_filled(rect, 0.0, c.code.hovered);
            }
            if why.is_some() {
                painter.rect_filled(rect, 0.0, c.warn.gamma_multiply(0.12));
                painter.rect_filled(Rect::from_min_size(rect.min, vec2(3.0, LINE)), 0.0, c.warn);
            }
            let color = if marked.contains(&row) { c.text } else { c.weak.gamma_multiply(0.7) };
            let at_number = pos2(rect.left() + gutter - 12.0, rect.center().y);
            painter.text(at_number, Align2::RIGHT_CENTER, number.to_string(), mono(size::SMALL), color);
            let galley = painter.layout_job(jobs[at].clone());
            painter.galley(
                pos2(rect.left() + gutter, rect.center().y - galley.size().y / 2.0),
                galley,
                c.text,
            );
            let main = source.others.is_empty() || file == source.path;
            let spoken = if main { format!("line {number}") } else { format!("{file} line {number}") };
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &spoken));
            if response.clicked() {
                clicked = Some(row);
            }
        }
    });
    clicked
}

/// Why a file was not imported, with the places.
pub fn refused_summary(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let Some(refused) = &state.refused else { return };
    let c = colors(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        egui::Frame::new().inner_margin(24).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::from(ICON_BLOCK).color(c.bad).size(22.0));
                let name =
                    refused.target.file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into());
                ui.heading(format!("{name} is not imported"));
            });
            ui.add_space(8.0);
            if !refused.message.is_empty() {
                ui.label(&refused.message);
            }
            for (at, diagnostic) in refused.diagnostics.iter().enumerate() {
                let place = refused.source.as_ref().map(|s| {
                    let (line, column) = s.line_column(diagnostic.span.start);
                    let file = if s.others.is_empty() { "" } else { s.path_of(diagnostic.span.start) };
                    let comma = if file.is_empty() { "" } else { ", " };
                    format!("{file}{comma}line {line}, column {column}")
                });
                let fill = if refused.shown == Some(at) { c.code.marked } else { c.panel };
                let card = egui::Frame::new().fill(fill).corner_radius(6).inner_margin(12).show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    if let Some(place) = place {
                        widgets::weak(ui, place);
                    }
                    ui.label(RichText::new(&diagnostic.reason).color(c.strong));
                    if let Some(hint) = &diagnostic.hint {
                        widgets::weak(ui, hint.clone());
                    }
                });
                let response =
                    ui.interact(card.response.rect, ui.scope_id().with(("problem", at)), Sense::click());
                let spoken = format!("Problem {}: {}", at + 1, diagnostic.reason);
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &spoken));
                if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
                    commands.push(Command::Problem(at));
                }
                ui.add_space(8.0);
            }
        });
    });
}

/// Nothing is open: what can be.
pub fn welcome(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let c = colors(ui);
    let width = 420.0f32.min(ui.available_width() - 32.0).max(50.0);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.22).max(8.0));
        if let Some(target) = &state.opening {
            ui.add(egui::Spinner::new().size(20.0));
            widgets::weak(ui, format!("opening {}", target.file.display()));
            return;
        }
        ui.label(
            RichText::new("Weft")
                .font(egui::FontId::new(28.0, crate::theme::strong_family()))
                .color(c.strong),
        );
        widgets::weak(ui, "See, rewrite and measure the dataflow of a NumPy kernel");
        ui.add_space(12.0);
        ui.allocate_ui(vec2(width, 10.0), |ui| {
            ui.vertical(|ui| {
                ui.set_width(width);
                if widgets::primary(ui, ICON_FOLDER_OPEN, "Open a file", true).clicked() {
                    commands.push(Command::Do(Action::Open));
                }
                ui.add_space(8.0);
                files(ui, "Recent", &state.recent, commands);
                files(ui, "Samples", &crate::work::samples(), commands);
            });
        });
    });
}

fn files(ui: &mut Ui, title: &str, files: &[std::path::PathBuf], commands: &mut Commands) {
    if files.is_empty() {
        return;
    }
    widgets::section(ui, title);
    ui.spacing_mut().item_spacing.y = 0.0;
    for file in files.iter().take(8) {
        let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let folder = file.parent().map_or_else(String::new, |p| p.display().to_string());
        let mut row = widgets::Row::new(&name);
        row.note = &folder;
        if row.show(ui).clicked() {
            commands.push(Command::Open(Target { file: file.clone(), function: None }));
        }
    }
    ui.add_space(12.0);
}
