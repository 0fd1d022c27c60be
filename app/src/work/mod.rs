//! What Weft does, without a window: the command line and the window call the same functions.

mod arguments;
mod declared;
mod init;
mod input;
mod measure;
mod modules;
mod optimize;
mod output;
mod picture;
mod report;
mod samples;
mod session;
mod watch;

pub use input::{Inputs, Kernel, Problem, Target};
pub use measure::{
    Comparison, Effort, Fault, Job, Measurement, Measuring, compare, max_rel_error, shape_of, start_baseline,
    start_worker,
};
pub use optimize::{Done, Optimized, Strategy, optimize, optimize_what_fits, replay_what_fits};
pub use output::{Format, export};
pub use report::{BaselineReport, Report};
pub use samples::{is_shipped_sample, samples};
pub use session::Session;
pub use watch::Watched;
