//! What was measured: this version, the one before, NumPy; beside the limits of the machine.

use egui::{Align2, Rect, RichText, ScrollArea, Sense, Stroke, Ui, pos2, vec2};
use weft_measure::Summary;

use super::{Commands, widgets};
use crate::commands::Action;
use crate::state::{Document, State, Timing};
use crate::theme::{body, colors, panel_frame, size};

pub fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    ui.painter().rect_filled(ui.available_rect_before_wrap(), 0.0, colors(ui).panel);
    let Some(document) = &state.document else { return };
    panel_frame(ui).show(ui, |ui| {
        ui.horizontal(|ui| {
            if state.is_measuring() {
                widgets::action(ui, state, Action::Cancel, commands);
                ui.add(egui::Spinner::new().size(16.0));
                if let Some(activity) =
                    state.activities.iter().find(|a| a.what == crate::commands::jobs::MEASURING)
                {
                    widgets::weak(ui, format!("measuring, {:.1} s", activity.since.elapsed().as_secs_f64()));
                    ui.ctx().request_repaint_after(std::time::Duration::from_millis(100));
                }
            } else {
                widgets::action(ui, state, Action::Measure, commands);
                widgets::weak(ui, arguments(document, state));
            }
        });
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let timing = document.version().time.as_ref();
            let width = ui.available_width();
            if width < WIDE {
                bars(ui, document);
                if let Some(timing) = timing {
                    figures(ui, document, timing);
                }
                return;
            }
            ui.horizontal_top(|ui| {
                ui.allocate_ui(vec2(width * 0.55, 10.0), |ui| {
                    ui.vertical(|ui| bars(ui, document));
                });
                ui.add_space(20.0);
                if let Some(timing) = timing {
                    figures(ui, document, timing);
                }
            });
        });
    });
}

/// From this width on the figures are beside the bars.
const WIDE: f32 = 640.0;

/// The sizes of the call that is measured.
fn arguments(document: &Document, state: &State) -> String {
    let graph = document.graph();
    let symbols = document.kernel.symbols(graph).unwrap_or_default();
    let list: Vec<String> = symbols.iter().take(6).map(|(name, value)| format!("{name} = {value}")).collect();
    let threads = state.threads;
    format!("{}, {threads} thread{}", list.join(", "), if threads == 1 { "" } else { "s" })
}

struct Bar {
    name: String,
    summary: Summary,
    /// The one that the others are compared with.
    mine: bool,
}

fn bars(ui: &mut Ui, document: &Document) {
    let version = document.version();
    let mut bars = vec![];
    let mut add = |name: String, summary: Option<Summary>, mine| {
        bars.extend(summary.map(|summary| Bar { name, summary, mine }));
    };
    add("This version".into(), version.time.as_ref().and_then(|t| t.runs.summary()), true);
    if let Some(parent) = version.parent {
        let before = &document.versions[parent];
        add("The one before".into(), before.time.as_ref().and_then(|t| t.runs.summary()), false);
    }
    let numpy = format!("NumPy {}", document.numpy_version);
    add(numpy.trim().to_string(), document.numpy.as_ref().and_then(|m| m.summary()), false);
    if bars.is_empty() {
        ui.add_space(8.0);
        widgets::weak(
            ui,
            "Nothing is measured yet. M compiles this version, runs it, and times it beside the one before and NumPy.",
        );
    } else {
        chart(ui, &bars);
    }
    if let Some(problem) = &document.numpy_problem {
        widgets::weak(ui, format!("No NumPy time: {problem}"));
    }
}

fn chart(ui: &mut Ui, bars: &[Bar]) {
    let c = colors(ui);
    let longest = bars.iter().map(|b| b.summary.high).fold(f64::MIN_POSITIVE, f64::max);
    let mine = bars.iter().find(|b| b.mine).map(|b| b.summary.median);
    for bar in bars {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::hover());
        let names = 118.0;
        let numbers = 170.0;
        let painter = ui.painter();
        painter.text(rect.left_center(), Align2::LEFT_CENTER, &bar.name, body(size::BODY), c.text);
        let room = Rect::from_min_max(
            pos2(rect.left() + names, rect.center().y - size::BAR / 2.0),
            pos2((rect.right() - numbers).max(rect.left() + names + 8.0), rect.center().y + size::BAR / 2.0),
        );
        let x = |ms: f64| room.left() + room.width() * (ms / longest).clamp(0.0, 1.0) as f32;
        let filled =
            Rect::from_min_max(room.min, pos2(x(bar.summary.median).max(room.left() + 1.0), room.bottom()));
        painter.rect_filled(room, 3, c.raised);
        painter.rect_filled(filled, 3, if bar.mine { c.accent } else { c.weak.gamma_multiply(0.7) });
        let stroke = Stroke::new(1.5, c.strong);
        let (low, high, y) = (x(bar.summary.low), x(bar.summary.high), room.center().y);
        painter.line_segment([pos2(low, y), pos2(high, y)], stroke);
        for end in [low, high] {
            painter.line_segment([pos2(end, y - 3.0), pos2(end, y + 3.0)], stroke);
        }
        let at = pos2(room.right() + 12.0, rect.center().y);
        painter.text(
            at,
            Align2::LEFT_CENTER,
            widgets::duration(bar.summary.median),
            body(size::BODY),
            c.strong,
        );
        if let Some(mine) = mine.filter(|m| !bar.mine && *m > 0.0) {
            let factor = bar.summary.median / mine;
            let color = if factor >= 1.0 { c.good } else { c.bad };
            let at = pos2(rect.right(), rect.center().y);
            painter.text(
                at,
                Align2::RIGHT_CENTER,
                format!("{}× the time", factor_text(factor)),
                body(size::SMALL),
                color,
            );
        }
        let text = format!(
            "median {} of {} runs, 95 % interval {} to {}",
            widgets::duration(bar.summary.median),
            bar.summary.runs,
            widgets::duration(bar.summary.low),
            widgets::duration(bar.summary.high)
        );
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{}: {text}", bar.name))
        });
        response.on_hover_text(text);
    }
}

/// Three digits.
fn factor_text(factor: f64) -> String {
    match factor {
        f if f >= 100.0 => format!("{f:.0}"),
        f if f >= 10.0 => format!("{f:.1}"),
        f => format!("{f:.2}"),
    }
}

fn figures(ui: &mut Ui, document: &Document, timing: &Timing) {
    let c = colors(ui);
    let Some(summary) = timing.runs.summary().filter(|s| s.median > 0.0) else { return };
    let mut all: Vec<(String, String)> = vec![];
    let gbs = timing.bytes / summary.median / 1e6;
    let gflops = timing.flop / summary.median / 1e6;
    let limit = |value: f64, most: Option<f64>, unit: &str| match most {
        Some(most) if most > 0.0 => format!("{:.0} % of the machine's {most:.0}", value / most * 100.0),
        _ => unit.to_string(),
    };
    let machine = document.machine.as_ref();
    if timing.bytes > 0.0 {
        let of = limit(gbs, machine.map(|m| m.bandwidth_gbs), "has to be moved");
        all.push((format!("{} GB/s", factor_text(gbs)), of));
    }
    if timing.flop > 0.0 {
        let of = limit(gflops, machine.map(|m| m.peak_gflops), "computed");
        all.push((format!("{} GFLOP/s", factor_text(gflops)), of));
    }
    if let Some(error) = timing.error {
        let text = if error == 0.0 { "0".into() } else { format!("{error:.1e}") };
        all.push((
            if error.is_finite() { text } else { "differs".into() },
            "largest difference to NumPy".into(),
        ));
    }
    all.push((widgets::duration(timing.compile_ms), "to compile, with a new worker".into()));
    egui::Grid::new("figures").num_columns(2).spacing(vec2(24.0, 8.0)).show(ui, |ui| {
        for pair in all.chunks(2) {
            for (value, of) in pair {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    ui.add(
                        egui::Label::new(RichText::new(value).color(c.strong).size(size::HEADING)).extend(),
                    );
                    ui.add(egui::Label::new(RichText::new(of).color(c.weak).size(size::SMALL)).extend());
                });
            }
            ui.end_row();
        }
    });
}
