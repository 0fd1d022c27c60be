//! The window: one runner, one arrangement of panels, one frame after the other.

#[cfg(test)]
mod tests;

use std::time::Instant;

use crate::commands::{Command, Runner, from_keys};
use crate::state::Remembered;
use crate::theme;
use crate::views::{self, Layout};
use crate::work::{Fault, Inputs, Problem, Target};

/// Opens the window on a file and returns when it is closed.
///
/// # Errors
/// Where there is no display that can be used.
pub fn open(target: Option<Target>, inputs: Inputs, watches: bool) -> Result<(), Fault> {
    let start = Instant::now();
    let viewport = egui::ViewportBuilder::default()
        .with_title("Weft")
        .with_app_id("weft")
        .with_inner_size(theme::size::WINDOW)
        .with_min_inner_size(theme::size::LEAST_WINDOW);
    let options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let target = target.or_else(first_file);
    let create: eframe::AppCreator = Box::new(move |context| {
        let mut window = Window::new(&context.egui_ctx, Remembered::read(), start);
        if let Some(target) = target {
            window.runner.launch(target, inputs, watches);
        }
        Ok(Box::new(window))
    });
    eframe::run_native("Weft", options, create)
        .map_err(|error| Problem::usage(format!("the window cannot be opened: {error}")).into())
}

/// Without a file: what was worked on last, or a sample.
fn first_file() -> Option<Target> {
    let last = Remembered::read().recent.into_iter().find(|file| file.exists());
    let sample = || crate::work::samples().into_iter().find(|f| f.ends_with("jacobi_2d.py"));
    last.or_else(sample).map(|file| Target { file, function: None })
}

/// The window without its frame; also what the interface tests drive.
pub struct Window {
    pub runner: Runner,
    layout: Layout,
    start: Instant,
    frames: u64,
    /// When the last command that changes the graph came.
    changed: Option<(Instant, &'static str)>,
}

impl Window {
    pub fn new(ctx: &egui::Context, remembered: Remembered, start: Instant) -> Window {
        theme::install(ctx);
        let runner = Runner::new(ctx, remembered);
        Window { runner, layout: Layout::default(), start, frames: 0, changed: None }
    }

    /// One frame.
    pub fn frame(&mut self, ui: &mut egui::Ui) {
        // What a key does is seen in the same frame.
        let keys = from_keys(ui.ctx(), &self.runner.state);
        self.note(&keys);
        for command in keys {
            self.runner.run(command);
        }
        self.runner.prepare();
        let commands = views::show(ui, &self.runner.state, &mut self.layout);
        self.time();
        self.note(&commands);
        if !commands.is_empty() {
            ui.ctx().request_repaint();
        }
        for command in commands {
            self.runner.run(command);
        }
    }

    /// Latency, for the log: to the first frame, and from a command to the new picture.
    fn time(&mut self) {
        if self.frames < 2 {
            tracing::debug!("frame {} after {:.0} ms", self.frames, self.start.elapsed().as_secs_f64() * 1e3);
        }
        self.frames += 1;
        let settled = self.runner.state.activities.is_empty()
            && self.runner.state.document.as_ref().is_some_and(|d| d.version().picture.is_some());
        if let Some((since, what)) = self.changed.filter(|_| settled) {
            tracing::debug!("{what}: new picture after {:.1} ms", since.elapsed().as_secs_f64() * 1e3);
            self.changed = None;
        }
    }

    fn note(&mut self, commands: &[Command]) {
        use crate::commands::Action;
        for command in commands {
            let what = match command {
                Command::Apply(_) => "apply",
                Command::Do(Action::Undo) => "undo",
                Command::Do(Action::Redo) => "redo",
                Command::Do(Action::Simplify) => "simplify",
                Command::Do(Action::Auto) => "auto",
                Command::Select { .. } => "select",
                Command::Open(_) => "open",
                _ => continue,
            };
            self.changed = Some((Instant::now(), what));
        }
    }
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.frame(ui);
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        self.runner.close();
    }
}
