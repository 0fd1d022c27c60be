//! What background jobs report, taken into the state.

use std::time::Instant;

use weft_transforms::{Recipe, apply};

use super::jobs::{Event, Made, Measured, Opened};
use super::runner::{Runner, places_of};
use crate::state::{Dialog, Document, Refused, Remembered, Timing, ToastKind, Version, View};
use crate::work::{Problem, Target, Watched};

impl Runner {
    pub(super) fn event(&mut self, document: u64, event: Event) {
        match event {
            Event::Done(id) => {
                self.jobs.done(id);
                self.state.activities.retain(|a| a.id != id);
            }
            Event::Loaded(target, result, watched) => self.loaded(target, *result, watched),
            Event::Saved(target, file) => self.saved(target, &file),
            Event::Fault(text) => self.say(ToastKind::Bad, text),
            Event::Written { what, problem: None } => self.say(ToastKind::Good, format!("written: {what}")),
            Event::Written { what, problem: Some(problem) } => {
                self.say(ToastKind::Bad, format!("{what} is not written: {problem}"));
            }
            Event::Picked { purpose, path } => {
                if let (Some(path), Some(Dialog::Path { .. })) = (path, &self.state.dialog) {
                    self.state.dialog = Some(Dialog::Path { purpose, text: path.display().to_string() });
                }
            }
            // The rest is about one document; stale if another is open.
            event if self.state.document.as_ref().is_some_and(|d| d.id == document) => {
                self.of_document(event)
            }
            _ => {}
        }
    }

    fn of_document(&mut self, event: Event) {
        let Some(document) = &mut self.state.document else { return };
        match event {
            Event::Laid { version, folds, picture } => {
                tracing::debug!(
                    "picture of version {version}: {} boxes, {} curves",
                    picture.items.len(),
                    picture.wires.len()
                );
                if let Some(version) = document.versions.get_mut(version) {
                    version.picture = Some((folds, picture));
                }
            }
            Event::Offered { version, offers, complete } => {
                if let Some(version) = document.versions.get_mut(version) {
                    version.offers.list.extend(offers);
                    version.offers.complete |= complete;
                }
            }
            Event::Judged { version, step, verdict } => {
                if let Some(draft) = document.drafts.get_mut(&(step.transform, step.at))
                    && draft.settings == step.params
                {
                    draft.verdict = Some((version, verdict));
                }
            }
            Event::Previewed { step, picture } => {
                if let Some(preview) = document.preview.as_mut().filter(|p| p.step == step) {
                    preview.picture = picture.ok();
                }
            }
            Event::Emitted { version, format, text } => {
                document.emitted.insert((version, format), text.map(Into::into));
            }
            Event::Planned { version, step, plan } => {
                if version != document.current {
                    return self.say(ToastKind::Info, "the graph has changed since; apply the step again");
                }
                let label = format!("{} at {}", step.transform, step.at);
                let applied = plan.and_then(|plan| apply(*plan, document.graph()).map_err(|e| e.to_string()));
                match applied {
                    Ok((graph, forwarding)) => {
                        self.push(
                            version,
                            vec![Made { graph, label, steps: Recipe(vec![step]), forwarding }],
                        );
                    }
                    Err(reason) => self.say(ToastKind::Bad, format!("{label}: {reason}")),
                }
            }
            Event::Made { version, what, chain } => match chain {
                Ok(chain) if version == document.current => {
                    let steps: usize = chain.iter().map(|m| m.steps.0.len()).sum();
                    if steps == 0 {
                        return self.say(ToastKind::Info, format!("{what}: nothing left to do"));
                    }
                    self.push(version, chain);
                    self.say(
                        ToastKind::Good,
                        format!("{what}: {steps} step{}", if steps == 1 { "" } else { "s" }),
                    );
                }
                Ok(_) => {
                    self.say(ToastKind::Info, format!("{what} is dropped: another version is shown now"))
                }
                Err(problem) => self.say(ToastKind::Bad, problem),
            },
            Event::Measured { versions, report } => self.measured(&versions, *report),
            _ => {}
        }
    }

    /// Adds versions after `parent`, and shows the last one.
    fn push(&mut self, parent: usize, chain: Vec<Made>) {
        let start = Instant::now();
        let Some(document) = &mut self.state.document else { return };
        let mut at = parent;
        for made in chain {
            // Doing again what was undone leads to the same version.
            let same = (0..document.versions.len()).find(|&i| {
                let version = &document.versions[i];
                version.parent == Some(at) && version.steps == made.steps
            });
            at = same.unwrap_or_else(|| {
                // Where the person has moved to stays; else the new graph is shown from its start.
                let view = match &document.versions[at].view {
                    View::At(camera) => View::At(*camera),
                    _ => View::Start,
                };
                let mut version = Version::new(made.graph, Some(at), made.label, made.steps);
                version.view = view;
                version.forwarding = made.forwarding;
                document.versions.push(version);
                document.versions.len() - 1
            });
            let forwarding = &document.versions[at].forwarding;
            let known = places_of(&document.versions[at].graph);
            let mut selection: Vec<_> = document.selection.iter().flat_map(|&p| forwarding.get(p)).collect();
            selection.retain(|p| known.contains(p));
            selection.dedup();
            document.selection = selection;
        }
        document.redo.clear();
        self.show(at);
        tracing::debug!("version {at} after {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    }

    fn loaded(&mut self, target: Target, result: Result<Opened, Problem>, watched: Option<Watched>) {
        if self.state.opening.as_ref() != Some(&target) {
            return;
        }
        self.state.opening = None;
        self.watch(&target, watched);
        let opened = match result {
            Ok(opened) => opened,
            Err(problem) => {
                self.state.document = None;
                let (source, diagnostics, message) = match problem {
                    Problem::Python(source, list) => (Some(source), list, String::new()),
                    other => (None, vec![], other.to_string()),
                };
                self.state.refused = Some(Refused { target, source, diagnostics, message, shown: None });
                return;
            }
        };
        self.state.refused = None;
        let id = self.id();
        let mut document = Document::new(id, opened.kernel, opened.session);
        let mut at = 0;
        let undone = opened.undone.into_iter().map(|m| (m, true));
        for (made, is_undone) in opened.chain.into_iter().map(|m| (m, false)).chain(undone) {
            let parent = document.versions.len() - 1;
            let mut version = Version::new(made.graph, Some(parent), made.label, made.steps);
            version.forwarding = made.forwarding;
            document.versions.push(version);
            if is_undone {
                document.redo.insert(0, parent + 1);
            } else {
                at = parent + 1;
            }
        }
        document.current = at;
        if let Some(camera) = self.watch.seen.take().filter(|_| opened.again) {
            document.versions[at].view = View::At(camera);
        }
        self.state.document = Some(document);
        if opened.again {
            if let Some(problem) = opened.problem {
                self.say(ToastKind::Bad, problem);
            }
            return self.measure_again();
        }
        if let Some(problem) = opened.problem {
            self.say(ToastKind::Bad, format!("the saved steps no longer fit: {problem}"));
        } else if at > 0 {
            self.say(ToastKind::Info, format!("continued where you left off: {at} steps"));
        }
        let file = std::fs::canonicalize(&target.file).unwrap_or(target.file);
        self.state.recent.retain(|f| *f != file);
        self.state.recent.insert(0, file);
        self.state.recent.truncate(Remembered::MOST_RECENT);
        self.remembered.recent = self.state.recent.clone();
        self.remember();
    }

    fn measured(&mut self, versions: &[usize], report: Measured) {
        let Some(document) = &mut self.state.document else { return };
        for (&index, timing) in versions.iter().zip(&report.timings) {
            if timing.runs.runs_ms.is_empty() {
                continue;
            }
            if let Some(version) = document.versions.get_mut(index) {
                let error = timing.error.or(version.time.as_ref().and_then(|t| t.error));
                version.time = Some(Timing { error, ..timing.clone() });
            }
        }
        if report.comparison.numpy.is_some() {
            document.numpy = report.comparison.numpy;
        }
        if let Some(numpy) = report.numpy {
            document.numpy_version = numpy;
        }
        document.numpy_problem = report.comparison.numpy_problem;
        if report.machine.is_some() {
            document.machine = report.machine;
        }
        if let Some(problem) = report.problem {
            self.say(ToastKind::Bad, problem);
        }
    }
}
