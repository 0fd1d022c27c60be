//! What Weft does, without a window: the command line and the window call the same functions.

mod arguments;
mod input;
mod measure;
mod optimize;
mod output;
mod picture;
mod report;
mod samples;
mod session;

pub use input::{Inputs, Kernel, Problem, Target};
pub use measure::{
    Comparison, Effort, Fault, Job, Measurement, Measuring, compare, max_rel_error, start_baseline,
    start_worker,
};
pub use optimize::{Optimized, Strategy, optimize};
pub use output::{Format, export};
pub use report::{BaselineReport, Report};
pub use samples::{is_shipped_sample, samples};
pub use session::Session;
