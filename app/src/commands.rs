//! What a person can do. One list feeds menus, shortcuts and the palette; views send commands, and
//! only the [`Runner`] changes the state.

mod events;
pub mod jobs;
mod measure;
mod open;
mod runner;
mod watch;

use egui::{Key, KeyboardShortcut, Modifiers};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::*;
use weft_ir::sdfg::Place;
use weft_transforms::Step;

use crate::state::{Camera, Dialog, Palette, Panel, Purpose, State};
use crate::theme::Mode;
use crate::work::{Format, Target};

pub use runner::Runner;

/// A change of the state, or a job.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    Do(Action),
    Open(Target),
    /// Replaces the selection, or adds to and takes from it.
    Select {
        places: Vec<Place>,
        extend: bool,
    },
    Hover(Option<Place>),
    /// The person moved the view.
    Camera(Camera),
    /// The canvas resolved what to show.
    Seen(Camera),
    /// Shows places in the middle.
    Reveal(Vec<Place>),
    Fold(Place),
    Goto(usize),
    Apply(Step),
    Preview(Option<Step>),
    /// Sets the parameters of a step that is not applied yet.
    Draft(Step),
    /// Opens or closes the details of an offer.
    Detail(String, String),
    Filter(String),
    ShowCode(Format),
    Palette(Option<Palette>),
    Dialog(Option<Dialog>),
    /// Asks the desktop for a path.
    Browse(Purpose),
    /// The answer to a path dialog.
    Path(Purpose, String),
    /// The answer to the question whether the file may be executed.
    Trust(bool),
    Dismiss(u64),
    /// Shows the place of one of the reasons why a file is refused.
    Problem(usize),
    Threads(usize),
    ShowPanel(Panel, bool),
    Copy(String),
}

/// The commands without an operand: the ones with a name, a shortcut, a place in a menu.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Open,
    ExportSdfg,
    ExportText,
    ExportSvg,
    ExportRecipe,
    ImportRecipe,
    SaveSession,
    Quit,
    Undo,
    Redo,
    Simplify,
    Auto,
    SelectNone,
    CopyText,
    Measure,
    Cancel,
    Fit,
    FitSelection,
    ZoomIn,
    ZoomOut,
    FoldAll,
    UnfoldAll,
    Light,
    Dark,
    Palette,
    Shortcuts,
}

/// Where a command is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Menu {
    File,
    Edit,
    View,
    Measure,
    Help,
}

/// How a command is shown.
pub struct Entry {
    pub name: &'static str,
    pub menu: Menu,
    pub icon: MaterialIcon,
    pub shortcut: Option<KeyboardShortcut>,
}

const fn key(modifiers: Modifiers, key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(modifiers, key))
}

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

impl Action {
    pub const ALL: [Action; 26] = {
        use Action::*;
        [
            Open,
            ExportSdfg,
            ExportText,
            ExportSvg,
            ExportRecipe,
            ImportRecipe,
            SaveSession,
            Quit,
            Undo,
            Redo,
            Simplify,
            Auto,
            SelectNone,
            CopyText,
            Measure,
            Cancel,
            Fit,
            FitSelection,
            ZoomIn,
            ZoomOut,
            FoldAll,
            UnfoldAll,
            Light,
            Dark,
            Palette,
            Shortcuts,
        ]
    };

    pub fn entry(self) -> Entry {
        let none = Modifiers::NONE;
        let ctrl = Modifiers::COMMAND;
        let (name, menu, icon, shortcut) = match self {
            Action::Open => ("Open…", Menu::File, ICON_FOLDER_OPEN, key(ctrl, Key::O)),
            Action::ExportSdfg => ("Export SDFG for DaCe…", Menu::File, ICON_DOWNLOAD, key(ctrl, Key::E)),
            Action::ExportText => ("Export text form…", Menu::File, ICON_DESCRIPTION, None),
            Action::ExportSvg => ("Export picture (SVG)…", Menu::File, ICON_IMAGE, None),
            Action::ExportRecipe => ("Export recipe…", Menu::File, ICON_LIST_ALT, None),
            Action::ImportRecipe => ("Apply recipe from file…", Menu::File, ICON_UPLOAD, None),
            Action::SaveSession => ("Save session as…", Menu::File, ICON_SAVE, key(ctrl, Key::S)),
            Action::Quit => ("Quit", Menu::File, ICON_LOGOUT, key(ctrl, Key::Q)),
            Action::Undo => ("Undo", Menu::Edit, ICON_UNDO, key(ctrl, Key::Z)),
            Action::Redo => ("Redo", Menu::Edit, ICON_REDO, key(CTRL_SHIFT, Key::Z)),
            Action::Simplify => ("Simplify", Menu::Edit, ICON_MOP, key(none, Key::S)),
            Action::Auto => ("Auto-optimize", Menu::Edit, ICON_BOLT, key(none, Key::A)),
            Action::SelectNone => ("Select nothing", Menu::Edit, ICON_DESELECT, None),
            Action::CopyText => ("Copy text form", Menu::Edit, ICON_CONTENT_COPY, None),
            Action::Measure => ("Measure", Menu::Measure, ICON_TIMER, key(none, Key::M)),
            Action::Cancel => ("Cancel", Menu::Measure, ICON_STOP, key(none, Key::Escape)),
            Action::Fit => ("Show all", Menu::View, ICON_FIT_SCREEN, key(none, Key::F)),
            Action::FitSelection => {
                ("Show selection", Menu::View, ICON_CENTER_FOCUS_STRONG, key(Modifiers::SHIFT, Key::F))
            }
            Action::ZoomIn => ("Zoom in", Menu::View, ICON_ZOOM_IN, key(none, Key::Plus)),
            Action::ZoomOut => ("Zoom out", Menu::View, ICON_ZOOM_OUT, key(none, Key::Minus)),
            Action::FoldAll => ("Fold all", Menu::View, ICON_UNFOLD_LESS, key(Modifiers::SHIFT, Key::Minus)),
            Action::UnfoldAll => {
                ("Unfold all", Menu::View, ICON_UNFOLD_MORE, key(Modifiers::SHIFT, Key::Plus))
            }
            Action::Light => ("Light theme", Menu::View, ICON_LIGHT_MODE, None),
            Action::Dark => ("Dark theme", Menu::View, ICON_DARK_MODE, None),
            Action::Palette => ("All commands…", Menu::Help, ICON_SEARCH, key(CTRL_SHIFT, Key::P)),
            Action::Shortcuts => ("Keyboard shortcuts", Menu::Help, ICON_KEYBOARD, key(none, Key::F1)),
        };
        Entry { name, menu, icon, shortcut }
    }

    /// Could it do anything now?
    pub fn enabled(self, state: &State) -> bool {
        let document = state.document.as_ref();
        match self {
            Action::Open | Action::Quit | Action::Palette | Action::Shortcuts => true,
            Action::Light => state.mode != Mode::Light,
            Action::Dark => state.mode != Mode::Dark,
            Action::Undo => document.is_some_and(|d| d.version().parent.is_some()),
            Action::Redo => document.is_some_and(|d| !d.redo.is_empty()),
            Action::SelectNone | Action::FitSelection => document.is_some_and(|d| !d.selection.is_empty()),
            Action::Cancel => {
                state.activities.iter().any(|a| a.cancellable)
                    || document.is_some_and(|d| !d.selection.is_empty() || d.preview.is_some())
            }
            Action::Measure => document.is_some() && !state.is_measuring(),
            _ => document.is_some(),
        }
    }
}

impl State {
    pub fn is_measuring(&self) -> bool {
        self.activities.iter().any(|a| a.what == jobs::MEASURING)
    }
}

/// Commands from the keys that were pressed, unless a text field or a question has them.
pub fn from_keys(ctx: &egui::Context, state: &State) -> Vec<Command> {
    let mut found = vec![];
    if ctx.input_mut(|i| i.consume_key(Modifiers::COMMAND, Key::P) || i.consume_key(CTRL_SHIFT, Key::P)) {
        let next = if state.palette.is_some() { None } else { Some(Palette::default()) };
        return vec![Command::Palette(next)];
    }
    if state.palette.is_some() || state.dialog.is_some() {
        return found;
    }
    let typing = ctx.egui_wants_keyboard_input();
    // Longer combinations first: consuming Ctrl+Z would also take Ctrl+Shift+Z.
    let mut actions: Vec<(Action, KeyboardShortcut)> =
        Action::ALL.into_iter().filter_map(|a| Some((a, a.entry().shortcut?))).collect();
    actions.sort_by_key(|(_, s)| !(s.modifiers.shift as u8 + s.modifiers.command as u8));
    for (action, shortcut) in actions {
        let bare = !shortcut.modifiers.command;
        if (bare && typing) || !action.enabled(state) {
            continue;
        }
        if ctx.input_mut(|i| i.consume_shortcut(&shortcut)) {
            found.push(Command::Do(action));
        }
    }
    if !typing && ctx.input_mut(|i| i.consume_key(Modifiers::COMMAND, Key::Y)) {
        found.push(Command::Do(Action::Redo));
    }
    found
}
