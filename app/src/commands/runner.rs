//! Carries commands out. Nothing else changes the state.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_ir::sdfg::{Node, Place, Sdfg};
use weft_transforms::{Recipe, Step, plan_step};

use super::jobs::{Event, Jobs, MEASURING, Post, Stop};
use super::measure::{Wanted, measure};
use super::open::{again, open, python_file};
use super::watch::Watch;
use super::{Action, Command};
use crate::layout::{Cache, picture};
use crate::state::{
    Activity, Camera, Dialog, Draft, Palette, Preview, Purpose, Remembered, State, Toast, ToastKind, View,
    session_path, visit,
};
use crate::theme::{self, Mode};
use crate::work::{self, Format, Inputs, Session, Target, Watched};

/// Owns the state and the jobs.
pub struct Runner {
    pub state: State,
    pub(super) jobs: Jobs,
    pub(super) ctx: egui::Context,
    next_id: u64,
    pub(super) remembered: Remembered,
    asked_layout: Option<(u64, usize, u64)>,
    asked_code: BTreeSet<(u64, usize, Format)>,
    /// What the command line said about the first file.
    pub(super) launched: Option<(Target, Inputs)>,
    pub(super) watch: Watch,
}

/// So long a frame waits for a layout, so that small graphs change without a flicker.
const PATIENCE: Duration = Duration::from_millis(12);

impl Runner {
    pub fn new(ctx: &egui::Context, remembered: Remembered) -> Runner {
        let state = State {
            mode: remembered.mode,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
            recent: remembered.recent.clone(),
            trusted: remembered.trusted.iter().cloned().collect(),
            ..State::default()
        };
        theme::choose(ctx, state.mode);
        Runner {
            state,
            jobs: Jobs::new(ctx),
            ctx: ctx.clone(),
            next_id: 1,
            remembered,
            asked_layout: None,
            asked_code: BTreeSet::new(),
            launched: None,
            watch: Watch::default(),
        }
    }

    pub(super) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub fn say(&mut self, kind: ToastKind, text: impl Into<String>) {
        let id = self.id();
        let text = text.into();
        tracing::debug!("{kind:?}: {text}");
        if kind != ToastKind::Bad {
            self.state.toasts.retain(|t| t.kind == ToastKind::Bad);
        }
        self.state.toasts.push_back(Toast { id, kind, text });
        while self.state.toasts.len() > 4 {
            self.state.toasts.pop_front();
        }
    }

    /// Starts a job that is shown while it runs.
    pub(super) fn start(
        &mut self,
        what: &str,
        cancellable: bool,
        work: impl FnOnce(&Post, &Stop) + Send + 'static,
    ) {
        let document = self.state.document.as_ref().map_or(0, |d| d.id);
        let id = self.jobs.spawn(document, what, work);
        self.state.activities.push(Activity {
            id,
            what: what.to_string(),
            cancellable,
            since: Instant::now(),
        });
    }

    // ---- every frame -------------------------------------------------------------------

    /// Takes what has arrived, and asks for what the views will need.
    pub fn prepare(&mut self) {
        while let Some((document, event)) = self.jobs.receive() {
            self.event(document, event);
        }
        let Some(document) = &self.state.document else { return };
        let (id, version, folds) = (document.id, document.current, document.folds);
        let has = document.version().picture.as_ref().is_some_and(|(f, _)| *f == folds);
        if !has && self.asked_layout != Some((id, version, folds)) {
            self.asked_layout = Some((id, version, folds));
            let post = self.jobs.post(id);
            self.jobs.layout(document.graph(), &document.folded, move |picture| {
                post.send(Event::Laid { version, folds, picture: Arc::new(picture) });
            });
            if let Some((document, event)) = self.jobs.receive_within(PATIENCE) {
                self.event(document, event);
            }
        }
        self.ask_offers(version);
    }

    fn ask_offers(&mut self, version: usize) {
        let Some(document) = &mut self.state.document else { return };
        if std::mem::replace(&mut document.versions[version].offers.asked, true) {
            return;
        }
        let graph = document.graph().clone();
        let id = document.id;
        self.jobs.spawn(id, "sites", move |post, stop| {
            let mut batch = vec![];
            let mut last = Instant::now();
            for (transform, site, verdict) in weft_transforms::applicable(&graph) {
                if stop.stopped() {
                    return;
                }
                batch.push(crate::state::Offer { transform, site, verdict });
                if last.elapsed() > Duration::from_millis(50) {
                    last = Instant::now();
                    let offers = std::mem::take(&mut batch);
                    post.send(Event::Offered { version, offers, complete: false });
                }
            }
            post.send(Event::Offered { version, offers: batch, complete: true });
        });
    }

    // ---- commands ----------------------------------------------------------------------

    pub fn run(&mut self, command: Command) {
        if !matches!(
            command,
            Command::Hover(_) | Command::Camera(_) | Command::Seen(_) | Command::ShowCode(_)
        ) {
            tracing::debug!("{command:?}");
        }
        match command {
            Command::Do(action) => self.act(action),
            Command::Open(target) => self.open(target),
            Command::Dialog(dialog) => self.state.dialog = dialog,
            Command::Palette(palette) => self.state.palette = palette,
            Command::Browse(purpose) => self.browse(purpose),
            Command::Path(purpose, text) => self.path(purpose, &text),
            Command::Trust(yes) => self.trust(yes),
            Command::Dismiss(id) => self.state.toasts.retain(|t| t.id != id),
            Command::Problem(at) => {
                if let Some(refused) = &mut self.state.refused {
                    refused.shown = Some(at);
                }
            }
            Command::Threads(n) => self.state.threads = n.clamp(1, 1024),
            Command::Copy(text) => {
                self.ctx.copy_text(text);
                self.say(ToastKind::Good, "copied");
            }
            Command::ShowPanel(panel, shown) => {
                if shown {
                    self.state.hidden.remove(&panel);
                } else {
                    self.state.hidden.insert(panel);
                }
            }
            Command::Apply(step) => self.apply(step),
            Command::Preview(step) => self.preview(step),
            Command::Draft(step) => self.draft(step),
            Command::ShowCode(format) => self.show_code(format),
            Command::Goto(version) => self.goto(version),
            other => self.look(other),
        }
    }

    /// What changes only what is seen of the document.
    fn look(&mut self, command: Command) {
        let Some(document) = &mut self.state.document else { return };
        let current = document.current;
        match command {
            Command::Select { places, extend } => {
                if !extend {
                    document.selection = places;
                    return;
                }
                for place in places {
                    match document.selection.iter().position(|p| *p == place) {
                        Some(at) => drop(document.selection.remove(at)),
                        None => document.selection.push(place),
                    }
                }
            }
            Command::Hover(place) => document.hover = place,
            Command::Camera(camera) => {
                document.versions[current].view = View::At(camera);
                document.seen = camera;
            }
            Command::Seen(camera) => document.seen = camera,
            Command::Reveal(places) => document.versions[current].view = View::Places(places),
            Command::Fold(place) => {
                if !document.folded.remove(&place) {
                    document.folded.insert(place);
                }
                document.folds += 1;
            }
            Command::Detail(transform, at) => {
                let key = (transform, at);
                if !document.opened.remove(&key) {
                    document.opened.insert(key);
                }
            }
            Command::Filter(text) => document.filter = text,
            _ => {}
        }
    }

    fn act(&mut self, action: Action) {
        if !action.enabled(&self.state) {
            return;
        }
        let ask = |purpose, text: String| Some(Dialog::Path { purpose, text });
        let name = self.state.document.as_ref().map_or("kernel".to_string(), |d| d.graph().name.to_string());
        match action {
            Action::Open => self.state.dialog = ask(Purpose::Open, String::new()),
            Action::ExportSdfg => {
                self.state.dialog = ask(Purpose::Export(Format::Sdfg), format!("{name}.sdfg"))
            }
            Action::ExportText => {
                self.state.dialog = ask(Purpose::Export(Format::Text), format!("{name}.txt"))
            }
            Action::ExportSvg => self.state.dialog = ask(Purpose::Export(Format::Svg), format!("{name}.svg")),
            Action::ExportRecipe => {
                self.state.dialog = ask(Purpose::ExportRecipe, format!("{name}.recipe.json"))
            }
            Action::ImportRecipe => self.state.dialog = ask(Purpose::ImportRecipe, String::new()),
            Action::SaveSession => self.state.dialog = ask(Purpose::SaveSession, format!("{name}.weft")),
            Action::Shortcuts => self.state.dialog = Some(Dialog::Shortcuts),
            Action::Palette => self.state.palette = Some(Palette::default()),
            Action::Quit => self.ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Action::Undo => self.undo(),
            Action::Redo => self.redo(),
            Action::Simplify => self.rewrite("Simplify", weft_transforms::simplify),
            Action::Auto => self.rewrite("Auto-optimize", weft_transforms::auto),
            Action::CopyText => {
                if let Some(document) = &self.state.document {
                    let text = weft_ir::text::print(document.graph());
                    self.run(Command::Copy(text));
                }
            }
            Action::Measure => self.measure(),
            Action::Cancel => self.cancel(),
            Action::Light => self.choose(Mode::Light),
            Action::Dark => self.choose(Mode::Dark),
            _ => self.move_view(action),
        }
    }

    fn move_view(&mut self, action: Action) {
        let Some(document) = &mut self.state.document else { return };
        let current = document.current;
        let zoomed = |factor: f32, seen: Camera| {
            View::At(Camera { zoom: (seen.zoom * factor).clamp(0.02, 6.0), ..seen })
        };
        match action {
            Action::SelectNone => document.selection.clear(),
            Action::Fit => document.versions[current].view = View::All,
            Action::FitSelection => {
                document.versions[current].view = View::Places(document.selection.clone())
            }
            Action::ZoomIn => document.versions[current].view = zoomed(1.25, document.seen),
            Action::ZoomOut => document.versions[current].view = zoomed(0.8, document.seen),
            Action::FoldAll | Action::UnfoldAll => {
                document.folded =
                    if action == Action::FoldAll { foldable(document.graph()) } else { BTreeSet::new() };
                document.folds += 1;
                document.versions[current].view = View::Start;
            }
            _ => {}
        }
    }

    fn choose(&mut self, mode: Mode) {
        self.state.mode = mode;
        theme::choose(&self.ctx, mode);
        self.remembered.mode = mode;
        self.remember();
    }

    pub(super) fn remember(&self) {
        let remembered = self.remembered.clone();
        let _ = std::thread::Builder::new().name("weft-settings".into()).spawn(move || {
            if let Err(error) = remembered.write() {
                tracing::warn!("settings are not saved: {error}");
            }
        });
    }

    /// Esc: stops what runs; if nothing does, the selection goes.
    fn cancel(&mut self) {
        let running: Vec<u64> =
            self.state.activities.iter().filter(|a| a.cancellable).map(|a| a.id).collect();
        for &id in &running {
            self.jobs.stop(id);
        }
        if let Some(document) = &mut self.state.document
            && running.is_empty()
        {
            document.selection.clear();
            document.preview = None;
        }
    }

    // ---- files -------------------------------------------------------------------------

    /// Opens the file that the command line names.
    pub fn launch(&mut self, target: Target, inputs: Inputs, watches: bool) {
        self.launched = Some((target.clone(), inputs));
        self.watch.on = watches;
        self.open(target);
    }

    pub fn open(&mut self, target: Target) {
        self.state.dialog = None;
        self.state.opening = Some(target.clone());
        self.watch.forget();
        let (inputs, watches) = (self.inputs(&target), self.watch.on);
        self.start("opening", false, move |post, _| {
            let watched = watches.then(|| Watched::of(&target, &inputs, &[]));
            let opened = open(&target, &inputs);
            post.send(Event::Loaded(target, Box::new(opened), watched));
        });
    }

    /// Where the arguments of a file come from.
    pub(super) fn inputs(&self, target: &Target) -> Inputs {
        let launched = self.launched.as_ref().filter(|(t, _)| t == target);
        launched.map(|(_, inputs)| inputs.clone()).unwrap_or_default()
    }

    /// The desktop's own dialog; where there is none, the path field is what there is.
    fn browse(&mut self, purpose: Purpose) {
        self.start("choosing a file", false, move |post, _| {
            let dialog = rfd::FileDialog::new();
            let path = match purpose {
                Purpose::Open => dialog.add_filter("Weft", &["py", "sdfg", "sdfgz", "weft"]).pick_file(),
                Purpose::ImportRecipe => dialog.add_filter("recipe", &["json"]).pick_file(),
                _ => dialog.save_file(),
            };
            post.send(Event::Picked { purpose, path });
        });
    }

    fn path(&mut self, purpose: Purpose, text: &str) {
        self.state.dialog = None;
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if purpose == Purpose::Open {
            return self.open(Target::parse(&expand_home(text)));
        }
        let path = PathBuf::from(expand_home(text));
        let Some(document) = &self.state.document else { return };
        let graph = document.graph().clone();
        let recipe = document.recipe(document.current);
        match purpose {
            Purpose::Open => {}
            Purpose::Export(format) => self.start("exporting", false, move |post, _| {
                let text = work::export(&graph, format).map_err(|e| e.to_string());
                write(post, &path, text);
            }),
            Purpose::ExportRecipe => self.start("exporting", false, move |post, _| {
                write(post, &path, serde_json::to_string_pretty(&recipe).map_err(|e| e.to_string()));
            }),
            Purpose::SaveSession => {
                let session = self.session();
                self.start("saving", false, move |post, _| {
                    let problem =
                        session.map(|s| s.write(&path)).and_then(Result::err).map(|e| e.to_string());
                    post.send(Event::Written { what: path.display().to_string(), problem });
                });
            }
            Purpose::ImportRecipe => {
                let version = document.current;
                self.start("applying the recipe", false, move |post, _| {
                    let steps = std::fs::read_to_string(&path).map_err(|e| e.to_string());
                    let steps =
                        steps.and_then(|t| serde_json::from_str::<Recipe>(&t).map_err(|e| e.to_string()));
                    let chain = steps.and_then(|recipe| match again(&graph, &recipe) {
                        (chain, None) => Ok(chain),
                        (_, Some(problem)) => Err(problem),
                    });
                    let chain = chain.map_err(|e| format!("{}: {e}", path.display()));
                    post.send(Event::Made { version, what: "recipe".into(), chain });
                });
            }
        }
    }

    /// The session as it stands.
    pub(super) fn session(&self) -> Option<Session> {
        let document = self.state.document.as_ref()?;
        let redo = document.redo.iter().rev().flat_map(|&v| document.versions[v].steps.0.iter().cloned());
        Some(Session {
            recipe: document.recipe(document.current),
            redo: Recipe(redo.collect()),
            ..document.session.clone()
        })
    }

    pub(super) fn autosave(&self) {
        let Some(session) = self.session() else { return };
        if let Some(path) = session_path(&session.file, session.function.as_deref()) {
            self.jobs.save(path, session);
        }
    }

    // ---- versions ----------------------------------------------------------------------

    fn undo(&mut self) {
        let Some(document) = &mut self.state.document else { return };
        let Some(parent) = document.version().parent else { return };
        document.redo.push(document.current);
        self.show(parent);
    }

    fn redo(&mut self) {
        let Some(document) = &mut self.state.document else { return };
        if let Some(next) = document.redo.pop() {
            self.show(next);
        }
    }

    fn goto(&mut self, version: usize) {
        let Some(document) = &mut self.state.document else { return };
        if version >= document.versions.len() {
            return;
        }
        document.redo.clear();
        self.show(version);
    }

    pub(super) fn show(&mut self, version: usize) {
        let Some(document) = &mut self.state.document else { return };
        document.current = version;
        document.preview = None;
        document.hover = None;
        let known = places_of(document.graph());
        document.selection.retain(|p| known.contains(p) || matches!(p, Place::Edge(_)));
        self.autosave();
    }

    fn apply(&mut self, step: Step) {
        let Some(document) = &self.state.document else { return };
        let (graph, version) = (document.graph().clone(), document.current);
        self.start("applying", false, move |post, _| {
            let plan = plan_step(&graph, &step).map(Box::new).map_err(|e| e.to_string());
            post.send(Event::Planned { version, step, plan });
        });
    }

    /// Simplify and auto: many steps that become one version.
    fn rewrite(
        &mut self,
        label: &'static str,
        f: impl FnOnce(&weft_ir::sdfg::Verified) -> Rewritten + Send + 'static,
    ) {
        let Some(document) = &self.state.document else { return };
        let (graph, version) = (document.graph().clone(), document.current);
        self.start(label, false, move |post, _| {
            let (after, steps, forwarding) = f(&graph);
            let made = super::jobs::Made { graph: after, label: label.into(), steps, forwarding };
            post.send(Event::Made { version, what: label.into(), chain: Ok(vec![made]) });
        });
    }

    fn preview(&mut self, step: Option<Step>) {
        let Some(document) = &mut self.state.document else { return };
        if document.preview.as_ref().map(|p| &p.step) == step.as_ref() {
            return;
        }
        document.preview = step.clone().map(|step| Preview { step, picture: None });
        let (graph, folded, id) = (document.graph().clone(), document.folded.clone(), document.id);
        let Some(step) = step else { return };
        self.jobs.spawn(id, "preview", move |post, _| {
            let drawn = plan_step(&graph, &step)
                .map(|plan| Arc::new(picture(plan.preview(), &folded, &mut Cache::default())))
                .map_err(|e| e.to_string());
            post.send(Event::Previewed { step, picture: drawn });
        });
    }

    fn draft(&mut self, step: Step) {
        let Some(document) = &mut self.state.document else { return };
        let key = (step.transform.clone(), step.at.clone());
        document.drafts.insert(key, Draft { settings: step.params.clone(), verdict: None });
        let (graph, version, id) = (document.graph().clone(), document.current, document.id);
        self.jobs.spawn(id, "plan", move |post, _| {
            let verdict = plan_step(&graph, &step).map(drop).map_err(|e| e.to_string());
            post.send(Event::Judged { version, step, verdict });
        });
    }

    fn show_code(&mut self, format: Format) {
        let Some(document) = &mut self.state.document else { return };
        document.code = format;
        let (id, version) = (document.id, document.current);
        if document.emitted.contains_key(&(version, format)) || !self.asked_code.insert((id, version, format))
        {
            return;
        }
        let graph = document.graph().clone();
        self.jobs.spawn(id, "code", move |post, _| {
            let text = work::export(&graph, format).map_err(|e| e.to_string());
            post.send(Event::Emitted { version, format, text });
        });
    }

    // ---- measurement -------------------------------------------------------------------

    fn measure(&mut self) {
        let Some(document) = &self.state.document else { return };
        let file = python_file(&document.kernel);
        let mut numpy = false;
        if let Some(file) = file {
            numpy = self.may_run(&file);
            if !numpy && !self.state.declined.contains(&file) {
                self.state.dialog = Some(Dialog::Trust(file));
                return;
            }
        }
        self.measure_beside(numpy);
    }

    fn may_run(&self, file: &Path) -> bool {
        work::is_shipped_sample(file) || self.state.trusted.contains(file)
    }

    /// Without a question: NumPy where the file may be executed.
    pub(super) fn measure_again(&mut self) {
        let file = self.state.document.as_ref().and_then(|d| python_file(&d.kernel));
        self.measure_beside(file.is_some_and(|file| self.may_run(&file)));
    }

    fn measure_beside(&mut self, numpy: bool) {
        let Some(document) = &self.state.document else { return };
        let current = document.current;
        let mut versions = vec![(current, document.graph().clone())];
        if let Some(parent) = document.version().parent {
            versions.push((parent, document.versions[parent].graph.clone()));
        }
        let wanted = Wanted { kernel: document.kernel.clone(), versions, numpy, threads: self.state.threads };
        self.start(MEASURING, true, move |post, stop| measure(wanted, post, stop));
    }

    fn trust(&mut self, yes: bool) {
        let Some(Dialog::Trust(file)) = self.state.dialog.take() else { return };
        if yes {
            self.state.trusted.insert(file);
            self.remembered.trusted = self.state.trusted.iter().cloned().collect();
            self.remember();
        } else {
            self.state.declined.insert(file);
        }
        self.measure();
    }

    /// Ends all jobs; the window closes.
    pub fn close(&self) {
        self.jobs.stop_all();
    }
}

type Rewritten = (weft_ir::sdfg::Verified, Recipe, weft_transforms::Forwarding);

fn write(post: &Post, path: &Path, text: Result<String, String>) {
    let written = text.and_then(|t| std::fs::write(path, t).map_err(|e| e.to_string()));
    post.send(Event::Written { what: path.display().to_string(), problem: written.err() });
}

fn expand_home(text: &str) -> String {
    match (text.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => text.to_string(),
    }
}

/// Everything that can be folded, but the outermost loops.
fn foldable(graph: &Sdfg) -> BTreeSet<Place> {
    let mut found = BTreeSet::new();
    visit(graph, &mut |sdfg, place, _| match place {
        Place::Map(_) => {
            found.insert(place);
        }
        Place::Node(id) => {
            let nested = sdfg.state_of(id).is_some_and(|(_, g)| matches!(g.get(id), Some(Node::Nested(_))));
            if nested {
                found.insert(place);
            }
        }
        _ => {}
    });
    found
}

pub(super) fn places_of(graph: &Sdfg) -> BTreeSet<Place> {
    let mut found = BTreeSet::from([Place::Whole]);
    visit(graph, &mut |_, place, _| {
        found.insert(place);
    });
    found
}
