//! The command palette: every command and transformation by a few letters of its name.

use egui::{Align2, Area, Context, Frame, Id, Key, Modifiers, Order, ScrollArea, vec2};
use weft_transforms::Step;

use super::{Commands, widgets};
use crate::commands::{Action, Command};
use crate::state::State;
use crate::theme::{colors, size};

struct Choice {
    text: String,
    note: String,
    right: String,
    command: Command,
    icon: egui_material_icons::MaterialIcon,
}

pub fn show(ctx: &Context, state: &State, commands: &mut Commands) {
    let Some(palette) = &state.palette else { return };
    let found = choices(ctx, state, &palette.query);
    let mut next = palette.clone();
    let move_by = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if move_by(Key::Escape) {
        return commands.push(Command::Palette(None));
    }
    if move_by(Key::ArrowDown) && next.chosen + 1 < found.len() {
        next.chosen += 1;
    }
    if move_by(Key::ArrowUp) {
        next.chosen = next.chosen.saturating_sub(1);
    }
    next.chosen = next.chosen.min(found.len().saturating_sub(1));
    let enter = move_by(Key::Enter);
    let mut taken = found.get(next.chosen).filter(|_| enter).map(|c| c.command.clone());
    let screen = ctx.content_rect();
    let width = size::PALETTE.min(screen.width() - 24.0);
    let area =
        Area::new(Id::unique("palette")).order(Order::Foreground).anchor(Align2::CENTER_TOP, vec2(0.0, 56.0));
    let response = area.show(ctx, |ui| {
        Frame::popup(ui.style()).fill(colors(ui).panel).inner_margin(10).show(ui, |ui| {
            ui.set_width(width - 20.0);
            let field = egui::TextEdit::singleline(&mut next.query)
                .hint_text("Search commands and transformations")
                .desired_width(f32::INFINITY)
                .margin(egui::Margin::symmetric(8, 6));
            let field = ui.add(field);
            field.request_focus();
            if field.changed() {
                next.chosen = 0;
            }
            ui.spacing_mut().item_spacing.y = 0.0;
            let height = (screen.height() - 180.0).clamp(60.0, 380.0);
            ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
                for (i, choice) in found.iter().enumerate() {
                    let mut row = widgets::Row::new(&choice.text);
                    row.note = &choice.note;
                    row.right = &choice.right;
                    row.selected = i == next.chosen;
                    row.icon = Some((choice.icon, colors(ui).weak));
                    let response = row.show(ui);
                    if i == next.chosen && (next.chosen != palette.chosen) {
                        response.scroll_to_me(None);
                    }
                    if response.clicked() {
                        taken = Some(choice.command.clone());
                    }
                }
                if found.is_empty() {
                    widgets::weak(ui, "nothing by that name");
                }
            });
        });
    });
    let outside = ctx.input(|i| {
        i.pointer.any_click() && i.pointer.interact_pos().is_some_and(|p| !response.response.rect.contains(p))
    });
    if let Some(command) = taken {
        commands.push(Command::Palette(None));
        commands.push(command);
    } else if outside {
        commands.push(Command::Palette(None));
    } else if next != *palette {
        commands.push(Command::Palette(Some(next)));
    }
}

/// All letters of the query, in order, in the text; lower is better.
fn score(text: &str, query: &str) -> Option<usize> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut at = 0;
    let mut gaps = 0;
    for wanted in query.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let found = text[at..].iter().position(|c| *c == wanted)?;
        gaps += found;
        at += found + 1;
    }
    Some(gaps)
}

fn choices(ctx: &Context, state: &State, query: &str) -> Vec<Choice> {
    let actions =
        Action::ALL.into_iter().filter(|a| *a != Action::Palette && a.enabled(state)).map(|action| {
            let entry = action.entry();
            Choice {
                text: entry.name.to_string(),
                note: format!("{:?}", entry.menu),
                right: widgets::shortcut_text(ctx, action).unwrap_or_default(),
                command: Command::Do(action),
                icon: entry.icon,
            }
        });
    let offers =
        state.document.iter().flat_map(|d| d.version().offers.list.iter()).filter(|o| o.verdict.is_ok());
    let offers = offers.map(|offer| {
        let name = offer.transform.info().name;
        let step = Step { transform: name.into(), at: offer.site.label.clone(), params: Default::default() };
        Choice {
            text: name.to_string(),
            note: format!("at {}", offer.site.label),
            right: "apply".into(),
            command: Command::Apply(step),
            icon: egui_material_icons::icons::ICON_CHECK,
        }
    });
    let scored =
        actions.chain(offers).filter_map(|c| Some((score(&format!("{} {}", c.text, c.note), query)?, c)));
    let mut found: Vec<(usize, Choice)> = scored.collect();
    found.sort_by_key(|(score, _)| *score);
    found.into_iter().map(|(_, c)| c).take(60).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn letters_in_order() {
        assert!(super::score("MapFusion at m0", "mfus").is_some());
        assert!(super::score("MapFusion", "xq").is_none());
        assert!(super::score("Undo", "undo") < super::score("Unfold all, do", "undo"));
    }
}
