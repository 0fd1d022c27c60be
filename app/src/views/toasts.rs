//! Messages at the lower right: good news go by themselves, bad news wait longer.

use egui::{Align2, Area, Context, Frame, Id, Order, RichText, Sense, Stroke, vec2};
use egui_material_icons::icons::*;

use super::Commands;
use crate::commands::Command;
use crate::state::{State, ToastKind};
use crate::theme::{colors, size};

const SECONDS: f64 = 4.0;
const SECONDS_BAD: f64 = 14.0;

pub fn show(ctx: &Context, state: &State, commands: &mut Commands) {
    if state.toasts.is_empty() {
        return;
    }
    let now = ctx.input(|i| i.time);
    let area = Area::new(Id::unique("toasts"))
        .order(Order::Foreground)
        .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -16.0));
    area.show(ctx, |ui| {
        let width = 380.0f32.min(ctx.content_rect().width() - 32.0);
        for toast in &state.toasts {
            let c = colors(ui);
            let (icon, color) = match toast.kind {
                ToastKind::Good => (ICON_CHECK_CIRCLE, c.good),
                ToastKind::Info => (ICON_INFO, c.accent),
                ToastKind::Bad => (ICON_ERROR, c.bad),
            };
            let born: f64 =
                ui.data_mut(|d| *d.get_temp_mut_or_insert_with(Id::unique(("toast", toast.id)), || now));
            let life = if toast.kind == ToastKind::Bad { SECONDS_BAD } else { SECONDS };
            let left = born + life - now;
            if left <= 0.0 {
                commands.push(Command::Dismiss(toast.id));
            } else {
                ctx.request_repaint_after(std::time::Duration::from_secs_f64(left));
            }
            let frame =
                Frame::popup(ui.style()).fill(c.panel).stroke(Stroke::new(1.0, color)).inner_margin(10);
            let shown = frame.show(ui, |ui| {
                ui.set_width(width - 20.0);
                ui.horizontal_top(|ui| {
                    ui.label(RichText::from(icon).color(color).size(size::ICON));
                    let text: String = toast.text.chars().take(600).collect();
                    ui.add(egui::Label::new(RichText::new(text).color(c.text)).wrap());
                });
            });
            if shown.response.interact(Sense::click()).clicked() {
                commands.push(Command::Dismiss(toast.id));
            }
        }
    });
}
