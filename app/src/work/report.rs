//! `REPORT.json`.

use serde::Serialize;
use weft_measure::{Machine, Phases};
use weft_transforms::Step;

/// What one `weft run` found; times in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub kernel: String,
    pub device: &'static str,
    pub threads: usize,
    pub phases_ms: Phases,
    /// From the start of the process to a callable address in the worker.
    pub callable_ms: f64,
    /// From the start of the process to the end of the first call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_call_ms: Option<f64>,
    pub runs_ms: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci95_ms: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_rss_mb: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineReport>,
    /// Floating-point operations of one call.
    pub work_flop: f64,
    /// Bytes that have to move at least: every argument element that is used, once each way.
    pub moved_bytes: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    pub recipe: Vec<Step>,
}

#[derive(Clone, Debug, Serialize)]
pub struct BaselineReport {
    pub numpy: String,
    pub numpy_median_ms: f64,
    pub numpy_ci95_ms: [f64; 2],
    /// Relative to the largest magnitude of each array; `null` where results differ in kind.
    pub max_rel_error: Option<f64>,
}
