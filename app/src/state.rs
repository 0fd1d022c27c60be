//! Everything that the window shows. Views read it; only the runner of [`crate::commands`] changes it.

mod settings;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use egui::Pos2;
use weft_ir::sdfg::{Place, Sdfg, Source, Span, Verified};
use weft_measure::Machine;
use weft_python::Diagnostic;
use weft_transforms::{Forwarding, Recipe, Refusal, Settings, Site, Step, Transformation};

use crate::layout::Picture;
use crate::theme::Mode;
use crate::work::{Format, Kernel, Measurement, Session, Target};

pub use settings::{Remembered, session_path};

/// The whole window.
#[derive(Default)]
pub struct State {
    pub mode: Mode,
    pub threads: usize,
    pub recent: Vec<PathBuf>,
    /// Files whose Python code may be executed for the baseline.
    pub trusted: BTreeSet<PathBuf>,
    pub document: Option<Document>,
    /// The file that is being opened.
    pub opening: Option<Target>,
    /// Why the last file could not be opened.
    pub refused: Option<Refused>,
    /// What runs in the background, oldest first.
    pub activities: Vec<Activity>,
    pub toasts: VecDeque<Toast>,
    pub dialog: Option<Dialog>,
    pub palette: Option<Palette>,
    pub hidden: BTreeSet<Panel>,
    /// Files whose execution was declined; not remembered.
    pub declined: BTreeSet<PathBuf>,
}

/// A file that is not imported.
pub struct Refused {
    pub target: Target,
    pub source: Option<Arc<Source>>,
    pub diagnostics: Vec<Diagnostic>,
    /// Where there are no diagnostics.
    pub message: String,
    /// The one that is shown in the source.
    pub shown: Option<usize>,
}

/// The parts of the window.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub enum Panel {
    Source,
    Graph,
    Inspector,
    Versions,
    Time,
    Code,
}

impl Panel {
    pub const ALL: [Panel; 6] =
        [Panel::Source, Panel::Graph, Panel::Inspector, Panel::Versions, Panel::Time, Panel::Code];

    pub fn title(self) -> &'static str {
        match self {
            Panel::Source => "Source",
            Panel::Graph => "Graph",
            Panel::Inspector => "Transform",
            Panel::Versions => "Versions",
            Panel::Time => "Time per call",
            Panel::Code => "Generated code",
        }
    }
}

/// Something that runs in the background.
pub struct Activity {
    pub id: u64,
    pub what: String,
    /// Can Esc stop it?
    pub cancellable: bool,
    pub since: Instant,
}

/// A message that goes by itself.
pub struct Toast {
    pub id: u64,
    pub kind: ToastKind,
    pub text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ToastKind {
    Good,
    Info,
    Bad,
}

/// A question that has to be answered first.
#[derive(Clone, PartialEq, Debug)]
pub enum Dialog {
    /// May this file be executed?
    Trust(PathBuf),
    /// A path for that purpose.
    Path {
        purpose: Purpose,
        text: String,
    },
    Shortcuts,
    /// The help of a transformation.
    Explain(String),
}

/// What a path is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    Open,
    Export(Format),
    ExportRecipe,
    ImportRecipe,
    SaveSession,
}

/// The command palette.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Palette {
    pub query: String,
    pub chosen: usize,
}

/// Which part of the picture is seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Camera {
    /// The point of the picture in the middle of the view.
    pub center: Pos2,
    /// Points on the screen for a point of the picture.
    pub zoom: f32,
}

/// What of the picture is wanted; the canvas makes a [`Camera`] of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum View {
    /// Readable, from the top.
    #[default]
    Start,
    All,
    Places(Vec<Place>),
    At(Camera),
}

/// A kernel and all its versions.
pub struct Document {
    /// Of this opening; what background jobs report for another is dropped.
    pub id: u64,
    pub kernel: Arc<Kernel>,
    /// Where its arguments come from; steps are filled in when it is saved.
    pub session: Session,
    pub versions: Vec<Version>,
    pub current: usize,
    /// Versions to go back to, last first.
    pub redo: Vec<usize>,
    pub selection: Vec<Place>,
    pub hover: Option<Place>,
    /// As the canvas showed it last.
    pub seen: Camera,
    pub folded: BTreeSet<Place>,
    /// Goes up with every change of `folded`.
    pub folds: u64,
    pub filter: String,
    /// Parameters that were changed, by transformation and place.
    pub drafts: BTreeMap<(String, String), Draft>,
    /// Where the details are open.
    pub opened: BTreeSet<(String, String)>,
    pub preview: Option<Preview>,
    pub numpy: Option<Measurement>,
    pub numpy_version: String,
    /// Why there is no NumPy time.
    pub numpy_problem: Option<String>,
    pub machine: Option<Machine>,
    pub code: Format,
    pub emitted: BTreeMap<(usize, Format), Result<Arc<str>, String>>,
}

/// Edited parameters, and what planning with them said for a version.
#[derive(Clone, Default)]
pub struct Draft {
    pub settings: Settings,
    pub verdict: Option<(usize, Result<(), String>)>,
}

/// What the graph would be after a step.
pub struct Preview {
    pub step: Step,
    pub picture: Option<Arc<Picture>>,
}

/// One graph in the history.
pub struct Version {
    pub graph: Verified,
    pub parent: Option<usize>,
    /// What made it of its parent.
    pub label: String,
    pub steps: Recipe,
    pub forwarding: Forwarding,
    /// With the value of [`Document::folds`] it was made for.
    pub picture: Option<(u64, Arc<Picture>)>,
    pub view: View,
    pub offers: Offers,
    pub time: Option<Timing>,
}

impl Version {
    pub fn new(graph: Verified, parent: Option<usize>, label: impl Into<String>, steps: Recipe) -> Version {
        Version {
            graph,
            parent,
            label: label.into(),
            steps,
            forwarding: Forwarding::default(),
            picture: None,
            view: View::Start,
            offers: Offers::default(),
            time: None,
        }
    }
}

/// What was measured of a version.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Timing {
    pub runs: Measurement,
    /// Floating-point operations and least bytes moved of a call.
    pub flop: f64,
    pub bytes: f64,
    /// From the graph to a callable address.
    pub compile_ms: f64,
    /// Largest difference from NumPy's results, relative to the largest magnitude.
    pub error: Option<f64>,
}

/// What fits a version.
#[derive(Default)]
pub struct Offers {
    pub list: Vec<Offer>,
    pub asked: bool,
    pub complete: bool,
}

/// A transformation at a place, and whether it can be done with its default parameters.
#[derive(Clone)]
pub struct Offer {
    pub transform: &'static dyn Transformation,
    pub site: Site,
    pub verdict: Result<(), Refusal>,
}

impl Offer {
    pub fn key(&self) -> (String, String) {
        (self.transform.info().name.to_string(), self.site.label.clone())
    }
}

impl Document {
    pub fn new(id: u64, kernel: Kernel, session: Session) -> Document {
        let imported = Version::new(kernel.graph.clone(), None, "imported", Recipe::default());
        Document {
            id,
            kernel: Arc::new(kernel),
            session,
            versions: vec![imported],
            current: 0,
            redo: vec![],
            selection: vec![],
            hover: None,
            seen: Camera { center: Pos2::ZERO, zoom: 1.0 },
            folded: BTreeSet::new(),
            folds: 0,
            filter: String::new(),
            drafts: BTreeMap::new(),
            opened: BTreeSet::new(),
            preview: None,
            numpy: None,
            numpy_version: String::new(),
            numpy_problem: None,
            machine: None,
            code: Format::Text,
            emitted: BTreeMap::new(),
        }
    }

    pub fn version(&self) -> &Version {
        &self.versions[self.current]
    }

    pub fn graph(&self) -> &Verified {
        &self.version().graph
    }

    /// The steps from the imported graph to a version.
    pub fn recipe(&self, version: usize) -> Recipe {
        let mut chain = vec![];
        let mut at = Some(version);
        while let Some(i) = at {
            chain.push(i);
            at = self.versions[i].parent;
        }
        Recipe(chain.iter().rev().flat_map(|&i| self.versions[i].steps.0.iter().cloned()).collect())
    }

    /// The picture that fits what is folded now, or the newest one there is.
    pub fn picture(&self) -> Option<&Arc<Picture>> {
        self.version().picture.as_ref().map(|(_, picture)| picture)
    }

    pub fn is_selected(&self, place: Place) -> bool {
        self.selection.contains(&place)
    }

    pub fn draft(&self, offer: &Offer) -> Settings {
        self.drafts.get(&offer.key()).map(|d| d.settings.clone()).unwrap_or_default()
    }

    /// Offers about the selection; all without one. Those that can be done come first.
    pub fn fitting(&self) -> Vec<&Offer> {
        let query = self.filter.to_lowercase();
        let mut found: Vec<&Offer> = self
            .version()
            .offers
            .list
            .iter()
            .filter(|o| self.selection.is_empty() || o.site.places.iter().any(|p| self.is_selected(*p)))
            .filter(|o| {
                let info = o.transform.info();
                query.is_empty()
                    || info.name.to_lowercase().contains(&query)
                    || o.site.label.to_lowercase().contains(&query)
            })
            .collect();
        found.sort_by_key(|o| o.verdict.is_err());
        found
    }
}

/// The span of a place, looking into nested SDFGs.
pub fn span_of(sdfg: &Sdfg, place: Place) -> Option<Span> {
    let mut found = None;
    visit(sdfg, &mut |_, here, span| {
        if here == place && found.is_none() {
            found = span;
        }
    });
    found
}

/// Every block, node and map with its span and the SDFG that holds it.
pub fn visit<'a>(sdfg: &'a Sdfg, f: &mut dyn FnMut(&'a Sdfg, Place, Option<Span>)) {
    use weft_ir::sdfg::Node;
    sdfg.body.walk(&mut |block| {
        f(sdfg, Place::Block(block.id), block.span);
        let Some(graph) = block.state() else { return };
        for (id, node) in graph.nodes() {
            f(sdfg, Place::Node(id), graph.span(id));
            match node {
                Node::MapEntry(map) => f(sdfg, Place::Map(*map), graph.span(id)),
                Node::Nested(nested) => visit(&nested.sdfg, f),
                _ => {}
            }
        }
    });
}

/// Maps and nodes whose span touches a [`Source::row`];
/// where there are none, the innermost block.
pub fn places_on_row(sdfg: &Sdfg, source: &Source, row: usize) -> Vec<Place> {
    let mut found = vec![];
    // The block of the fewest rows there.
    let mut block: Option<(usize, Place)> = None;
    visit(sdfg, &mut |_, place, span| {
        let Some(span) = span else { return };
        let (first, last) = (source.row(span.start), source.row(span.end.saturating_sub(1).max(span.start)));
        if !(first..=last).contains(&row) || found.contains(&place) {
            return;
        }
        if !matches!(place, Place::Block(_)) {
            found.push(place);
        } else if block.is_none_or(|(rows, _)| last - first < rows) {
            block = Some((last - first, place));
        }
    });
    if found.is_empty() {
        found.extend(block.map(|(_, place)| place));
    }
    found
}
