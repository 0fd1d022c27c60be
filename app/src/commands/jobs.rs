//! Work off the window's thread: named threads that send events. An event of a document that is no
//! longer open is dropped by the runner.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use weft_ir::sdfg::{Place, Verified};
use weft_measure::{Canceller, Machine};
use weft_transforms::{Forwarding, Plan, Recipe, Step};

use crate::layout::{Cache, Picture, picture};
use crate::state::{Offer, Purpose, Timing};
use crate::work::{Comparison, Format, Kernel, Problem, Session, Target, Watched};

pub const MEASURING: &str = "measuring";

/// A version as a background job made it.
pub struct Made {
    pub graph: Verified,
    pub label: String,
    pub steps: Recipe,
    pub forwarding: Forwarding,
}

/// What a job reports. `version` is the index in the document.
pub enum Event {
    /// With what its files were like before they were read, if they are watched.
    Loaded(Target, Box<Result<Opened, Problem>>, Option<Watched>),
    /// A watched file has changed.
    Saved(Target, PathBuf),
    Laid {
        version: usize,
        folds: u64,
        picture: Arc<Picture>,
    },
    Offered {
        version: usize,
        offers: Vec<Offer>,
        complete: bool,
    },
    Planned {
        version: usize,
        step: Step,
        plan: Result<Box<Plan>, String>,
    },
    Judged {
        version: usize,
        step: Step,
        verdict: Result<(), String>,
    },
    Previewed {
        step: Step,
        picture: Result<Arc<Picture>, String>,
    },
    /// A chain of versions, each made of the one before.
    Made {
        version: usize,
        what: String,
        chain: Result<Vec<Made>, String>,
    },
    Measured {
        versions: Vec<usize>,
        report: Box<Measured>,
    },
    Emitted {
        version: usize,
        format: Format,
        text: Result<String, String>,
    },
    Picked {
        purpose: Purpose,
        path: Option<PathBuf>,
    },
    Written {
        what: String,
        problem: Option<String>,
    },
    /// The job with this id is over.
    Done(u64),
    Fault(String),
}

/// A kernel with the versions that its session had.
pub struct Opened {
    pub kernel: Kernel,
    pub session: Session,
    pub chain: Vec<Made>,
    pub undone: Vec<Made>,
    /// Why the saved steps could not all be done again.
    pub problem: Option<String>,
    /// Is it what was open before, imported again?
    pub again: bool,
}

/// Where a measurement stands.
#[derive(Default, Clone)]
pub struct Measured {
    pub comparison: Comparison,
    pub timings: Vec<Timing>,
    pub machine: Option<Machine>,
    pub numpy: Option<String>,
    pub problem: Option<String>,
}

/// Stops a job: the flag for loops, the cancellers for workers.
#[derive(Clone, Default)]
pub struct Stop {
    pub flag: Arc<AtomicBool>,
    workers: Arc<Mutex<Vec<Canceller>>>,
}

impl Stop {
    pub fn stop(&self) {
        self.flag.store(true, Ordering::SeqCst);
        if let Ok(workers) = self.workers.lock() {
            workers.iter().for_each(Canceller::cancel);
        }
    }

    pub fn watch(&self, worker: Canceller) {
        if self.stopped() {
            worker.cancel();
        }
        if let Ok(mut workers) = self.workers.lock() {
            workers.push(worker);
        }
    }

    pub fn stopped(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }
}

/// Sends events of one document and wakes the window.
#[derive(Clone)]
pub struct Post {
    document: u64,
    sender: Sender<(u64, Event)>,
    ctx: egui::Context,
}

impl Post {
    pub fn send(&self, event: Event) {
        // The window has gone: nobody wants to know.
        let _ = self.sender.send((self.document, event));
        self.ctx.request_repaint();
    }
}

/// Writes sessions in the order in which they are sent.
struct SaveRequest {
    path: PathBuf,
    session: Session,
}

struct LayoutRequest {
    graph: Verified,
    folded: BTreeSet<Place>,
    reply: Box<dyn FnOnce(Picture) + Send>,
}

/// Starts jobs and receives what they report.
pub struct Jobs {
    ctx: egui::Context,
    sender: Sender<(u64, Event)>,
    receiver: Receiver<(u64, Event)>,
    layout: Sender<LayoutRequest>,
    save: Sender<SaveRequest>,
    running: BTreeMap<u64, Stop>,
    next: u64,
}

impl Jobs {
    pub fn new(ctx: &egui::Context) -> Jobs {
        let (sender, receiver) = channel();
        let (layout, requests) = channel::<LayoutRequest>();
        let spawned = std::thread::Builder::new().name("weft-layout".into()).spawn(move || {
            let mut cache = Cache::default();
            while let Ok(request) = requests.recv() {
                let work = || picture(&request.graph, &request.folded, &mut cache);
                // A graph that cannot be drawn is an empty picture, and the window stays.
                let drawn = catch_unwind(AssertUnwindSafe(work)).unwrap_or_default();
                (request.reply)(drawn);
            }
        });
        if let Err(error) = spawned {
            tracing::error!("no thread for the layout: {error}");
        }
        let (save, requests) = channel::<SaveRequest>();
        let spawned = std::thread::Builder::new().name("weft-save".into()).spawn(move || {
            while let Ok(mut request) = requests.recv() {
                // Only the newest matters.
                while let Ok(newer) = requests.try_recv() {
                    request = newer;
                }
                let folder = request.path.parent().map(std::fs::create_dir_all);
                let written = folder.unwrap_or(Ok(())).and_then(|()| request.session.write(&request.path));
                if let Err(error) = written {
                    tracing::warn!("the session is not saved: {}: {error}", request.path.display());
                }
            }
        });
        if let Err(error) = spawned {
            tracing::error!("no thread for saving: {error}");
        }
        Jobs { ctx: ctx.clone(), sender, receiver, layout, save, running: BTreeMap::new(), next: 1 }
    }

    pub fn post(&self, document: u64) -> Post {
        Post { document, sender: self.sender.clone(), ctx: self.ctx.clone() }
    }

    /// An event that has arrived.
    pub fn receive(&self) -> Option<(u64, Event)> {
        self.receiver.try_recv().ok()
    }

    /// An event that arrives within that time: small jobs are done in the frame that asks.
    pub fn receive_within(&self, time: std::time::Duration) -> Option<(u64, Event)> {
        self.receiver.recv_timeout(time).ok()
    }

    pub fn layout(
        &self,
        graph: &Verified,
        folded: &BTreeSet<Place>,
        reply: impl FnOnce(Picture) + Send + 'static,
    ) {
        let request = LayoutRequest { graph: graph.clone(), folded: folded.clone(), reply: Box::new(reply) };
        if self.layout.send(request).is_err() {
            tracing::error!("the layout thread is gone");
        }
    }

    /// Saves a session soon.
    pub fn save(&self, path: PathBuf, session: Session) {
        let _ = self.save.send(SaveRequest { path, session });
    }

    /// Runs `work` on a thread of that name and returns the job's id. A panic is a message.
    pub fn spawn(
        &mut self,
        document: u64,
        name: &str,
        work: impl FnOnce(&Post, &Stop) + Send + 'static,
    ) -> u64 {
        let id = self.next;
        self.next += 1;
        let stop = Stop::default();
        self.running.insert(id, stop.clone());
        let post = self.post(document);
        let name = name.to_string();
        let thread = std::thread::Builder::new().name(format!("weft-{name}"));
        let result = thread.spawn({
            let post = post.clone();
            move || {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(&post, &stop))) {
                    post.send(Event::Fault(format!("internal error in '{name}': {}", panic_text(&panic))));
                }
                post.send(Event::Done(id));
            }
        });
        if let Err(error) = result {
            post.send(Event::Fault(format!("no thread could be started: {error}")));
            post.send(Event::Done(id));
        }
        id
    }

    pub fn stop(&self, id: u64) {
        if let Some(stop) = self.running.get(&id) {
            stop.stop();
        }
    }

    pub fn done(&mut self, id: u64) {
        self.running.remove(&id);
    }

    pub fn stop_all(&self) {
        self.running.values().for_each(Stop::stop);
    }
}

fn panic_text(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".into())
}
