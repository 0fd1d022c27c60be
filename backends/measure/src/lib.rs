//! Runs and measures kernels: worker process and its protocol, arrays in and out, statistics,
//! the machine's own limits, and NumPy as the baseline.

mod arrays;
mod baseline;
mod call;
mod channel;
mod client;
mod initialize;
mod machine;
mod process;
mod protocol;
mod stats;
mod worker;

pub use arrays::{ArrayError, HostArray, read_npz, write_npz};
pub use baseline::{Baseline, BaselineError, find_python};
pub use call::{CallError, bind_symbols, elements};
pub use channel::Payload;
pub use client::{Canceller, Limits, Worker, WorkerError};
pub use initialize::{Given, InitError, Made, initialize};
pub use machine::{Machine, cache_folder, machine};
pub use process::kill_all;
pub use protocol::{ArrayHeader, Emit, Failure, FailureKind, Phases, Reply, Request, VERSION};
pub use stats::Summary;
pub use worker::{serve, written};
