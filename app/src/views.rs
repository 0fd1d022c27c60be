//! The panels. Each reads the state and sends commands.

mod canvas;
mod code;
mod dialogs;
mod draw;
mod highlight;
mod inspector;
mod offers;
mod palette;
mod source;
mod time;
mod toasts;
mod top;
mod versions;
mod widgets;

pub use draw::{octagon, pair, trapezoid};

use egui_tiles::{
    Container, Linear, LinearDir, SimplificationOptions, TabState, Tabs, TileId, Tiles, Tree, UiResponse,
};

use crate::commands::Command;
use crate::state::{Panel, State};
use crate::theme::{self, colors, size};

/// Commands that the views of one frame send.
pub type Commands = Vec<Command>;

/// What only the arrangement of the window remembers.
pub struct Layout {
    tree: Tree<Panel>,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout { tree: tree() }
    }
}

/// Source, graph and inspector above; versions, times and code below.
fn tree() -> Tree<Panel> {
    let mut tiles = Tiles::default();
    let mut pane = |panel| {
        let id = tiles.insert_pane(panel);
        tiles.insert_container(Tabs::new(vec![id]))
    };
    let (source, graph, inspector) = (pane(Panel::Source), pane(Panel::Graph), pane(Panel::Inspector));
    let versions = pane(Panel::Versions);
    let results = [tiles.insert_pane(Panel::Time), tiles.insert_pane(Panel::Code)];
    let results = tiles.insert_container(Tabs::new(results.to_vec()));
    let mut row = |children: &[(TileId, f32)], dir| {
        let mut linear = Linear::new(dir, children.iter().map(|c| c.0).collect());
        for &(id, share) in children {
            linear.shares.set_share(id, share);
        }
        tiles.insert_container(Container::Linear(linear))
    };
    let above = row(&[(source, 0.25), (graph, 0.48), (inspector, 0.27)], LinearDir::Horizontal);
    let below = row(&[(versions, 0.25), (results, 0.75)], LinearDir::Horizontal);
    let root = row(&[(above, 0.72), (below, 0.28)], LinearDir::Vertical);
    Tree::new(egui::Id::unique("weft-panels"), root, tiles)
}

/// The whole window.
pub fn show(ui: &mut egui::Ui, state: &State, layout: &mut Layout) -> Commands {
    let mut commands = Commands::new();
    top::show(ui, state, &mut commands);
    let frame = egui::Frame::new().fill(colors(ui).bar);
    egui::CentralPanel::default().frame(frame).show(ui, |ui| {
        if state.document.is_none() && state.refused.is_none() {
            return source::welcome(ui, state, &mut commands);
        }
        let shown: Vec<(TileId, bool)> = layout
            .tree
            .tiles
            .iter()
            .filter_map(|(id, tile)| match tile {
                egui_tiles::Tile::Pane(panel) => Some((*id, !state.hidden.contains(panel))),
                _ => None,
            })
            .collect();
        for (id, visible) in shown {
            layout.tree.tiles.set_visible(id, visible);
        }
        let mut panels = Panels { state, commands: &mut commands };
        layout.tree.ui(&mut panels, ui);
    });
    palette::show(ui.ctx(), state, &mut commands);
    dialogs::show(ui.ctx(), state, &mut commands);
    toasts::show(ui.ctx(), state, &mut commands);
    settle_hover(state, &mut commands);
    commands
}

/// Several views can say what is hovered; the last one counts, and only a change is a command.
fn settle_hover(state: &State, commands: &mut Commands) {
    let mut hover = None;
    commands.retain(|command| match command {
        Command::Hover(place) => {
            hover = *place;
            false
        }
        _ => true,
    });
    if state.document.as_ref().is_some_and(|d| d.hover != hover) {
        commands.push(Command::Hover(hover));
    }
}

struct Panels<'a> {
    state: &'a State,
    commands: &'a mut Commands,
}

impl egui_tiles::Behavior<Panel> for Panels<'_> {
    fn pane_ui(&mut self, ui: &mut egui::Ui, _: TileId, panel: &mut Panel) -> UiResponse {
        let (state, commands) = (self.state, &mut *self.commands);
        // A pane that is dragged shut, or a window of a few pixels: nothing fits, and egui asserts on
        // negative sizes.
        if ui.available_width() < 48.0 || ui.available_height() < 32.0 {
            return UiResponse::None;
        }
        match panel {
            Panel::Source => source::show(ui, state, commands),
            Panel::Graph => canvas::show(ui, state, commands),
            Panel::Inspector => inspector::show(ui, state, commands),
            Panel::Versions => versions::show(ui, state, commands),
            Panel::Time => time::show(ui, state, commands),
            Panel::Code => code::show(ui, state, commands),
        }
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, panel: &Panel) -> egui::WidgetText {
        panel.title().into()
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }

    fn tab_bar_height(&self, _: &egui::Style) -> f32 {
        size::TAB_BAR
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> egui::Color32 {
        mode_colors(visuals).bar
    }

    fn tab_bg_color(
        &self,
        visuals: &egui::Visuals,
        _: &Tiles<Panel>,
        _: TileId,
        state: &TabState,
    ) -> egui::Color32 {
        if state.active { mode_colors(visuals).panel } else { egui::Color32::TRANSPARENT }
    }

    fn tab_outline_stroke(
        &self,
        _: &egui::Visuals,
        _: &Tiles<Panel>,
        _: TileId,
        _: &TabState,
    ) -> egui::Stroke {
        egui::Stroke::NONE
    }

    fn tab_bar_hline_stroke(&self, visuals: &egui::Visuals) -> egui::Stroke {
        egui::Stroke::new(1.0, mode_colors(visuals).line)
    }

    fn tab_text_color(
        &self,
        visuals: &egui::Visuals,
        _: &Tiles<Panel>,
        _: TileId,
        state: &TabState,
    ) -> egui::Color32 {
        let colors = mode_colors(visuals);
        if state.active { colors.strong } else { colors.weak }
    }

    fn tab_title_spacing(&self, _: &egui::Visuals) -> f32 {
        12.0
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        4.0
    }

    fn min_size(&self) -> f32 {
        80.0
    }

    fn resize_stroke(&self, style: &egui::Style, state: egui_tiles::ResizeState) -> egui::Stroke {
        let colors = mode_colors(&style.visuals);
        match state {
            egui_tiles::ResizeState::Idle => egui::Stroke::new(1.0, colors.bar),
            _ => egui::Stroke::new(2.0, colors.accent),
        }
    }
}

fn mode_colors(visuals: &egui::Visuals) -> &'static theme::Colors {
    theme::of(if visuals.dark_mode { theme::Mode::Dark } else { theme::Mode::Light })
}
