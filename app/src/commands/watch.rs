//! `weft open --watch`: a saved file is imported again, its steps are done again, and it is measured.

use std::path::Path;

use weft_transforms::Recipe;

use super::jobs::{Event, MEASURING};
use super::open::reopen;
use super::runner::Runner;
use crate::state::{Camera, ToastKind};
use crate::work::{Target, Watched};

/// What is watched, and what is needed to come back to the same picture.
#[derive(Default)]
pub struct Watch {
    pub on: bool,
    /// The job that waits.
    job: Option<u64>,
    /// Steps up to the version that was shown, and those that were undone.
    kept: Option<(Recipe, Recipe)>,
    /// Where the person looked.
    pub seen: Option<Camera>,
}

impl Watch {
    /// Another file is opened.
    pub fn forget(&mut self) {
        self.kept = None;
        self.seen = None;
    }
}

impl Runner {
    /// Waits for the next change of the files that were just read.
    pub(super) fn watch(&mut self, target: &Target, watched: Option<Watched>) {
        if let Some(job) = self.watch.job.take() {
            self.jobs.stop(job);
        }
        let Some(watched) = watched else { return };
        let target = target.clone();
        let job = self.jobs.spawn(0, "watch", move |post, stop| {
            if let Some(file) = watched.wait(&|| stop.stopped()) {
                post.send(Event::Saved(target, file));
            }
        });
        self.watch.job = Some(job);
    }

    /// A watched file was saved.
    pub(super) fn saved(&mut self, target: Target, file: &Path) {
        let shown = self.state.document.as_ref().map(|d| d.kernel.target.clone());
        let known = shown.or_else(|| self.state.refused.as_ref().map(|r| r.target.clone()));
        let is_session = target.file.extension().is_some_and(|e| e == "weft");
        if !is_session && known.is_some_and(|known| known.file != target.file) {
            return;
        }
        if let (Some(session), Some(document)) = (self.session(), &self.state.document) {
            self.watch.kept = Some((session.recipe, session.redo));
            self.watch.seen = Some(document.seen);
        }
        let measuring: Vec<u64> =
            self.state.activities.iter().filter(|a| a.what == MEASURING).map(|a| a.id).collect();
        measuring.into_iter().for_each(|id| self.jobs.stop(id));
        let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        self.say(ToastKind::Info, format!("{name} was saved: importing it again"));
        self.state.opening = Some(target.clone());
        let (inputs, kept) = (self.inputs(&target), self.watch.kept.clone().unwrap_or_default());
        self.start("opening", false, move |post, _| {
            let watched = Watched::of(&target, &inputs, &[]);
            let opened = reopen(&target, &inputs, kept);
            post.send(Event::Loaded(target, Box::new(opened), Some(watched)));
        });
    }
}
