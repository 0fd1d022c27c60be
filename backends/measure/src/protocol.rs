//! The messages between Weft and its worker. Framing is in [`crate::channel`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weft_ir::DType;

/// Of the protocol; both sides must have the same.
pub const VERSION: u32 = 1;

/// One array in a payload, `bytes` long from `offset` on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArrayHeader {
    pub name: String,
    /// NumPy's name of the type.
    pub dtype: String,
    pub shape: Vec<usize>,
    pub fortran: bool,
    pub offset: usize,
    pub bytes: usize,
}

impl ArrayHeader {
    pub fn dtype(&self) -> Option<DType> {
        DType::from_numpy(&self.dtype)
    }
}

/// What `emit` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emit {
    Looptree,
    Ll,
    Asm,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    Hello {
        version: u32,
    },
    /// The graph in the text form with spans. `cache` is the folder of compiled objects.
    Compile {
        sdfg: String,
        threads: usize,
        cache: Option<PathBuf>,
    },
    /// Arguments of one call; the payload has the arrays. The worker keeps them pristine.
    Load {
        kernel: u32,
        symbols: BTreeMap<String, i64>,
        arrays: Vec<ArrayHeader>,
    },
    /// One call on a fresh copy of the arguments.
    Run {
        arguments: u32,
    },
    /// That many timed calls, arguments restored before each.
    Measure {
        arguments: u32,
        runs: usize,
    },
    Emit {
        sdfg: String,
        what: Emit,
    },
    Machine {
        threads: usize,
    },
}

/// Milliseconds; a phase that did not run is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parse: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simplify: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimize: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looptree: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub llvm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The graph cannot be compiled.
    Refused,
    /// A run-time check of the kernel failed.
    Check,
    /// The arguments break a fact that the graph relies on.
    Guard,
    Memory,
    /// Weft's own fault.
    Internal,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    /// Byte offsets in the Python source.
    pub span: Option<(u32, u32)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reply {
    Hello {
        version: u32,
    },
    Compiled {
        kernel: u32,
        phases_ms: Phases,
        from_cache: bool,
    },
    Loaded {
        arguments: u32,
    },
    /// The payload has the array arguments as they stand after the call, then the results.
    Ran {
        arrays: Vec<ArrayHeader>,
        ms: f64,
    },
    Measured {
        runs_ms: Vec<f64>,
    },
    Emitted {
        text: String,
    },
    Machine {
        cpu: String,
        bandwidth_gbs: f64,
        peak_gflops: f64,
    },
    Failed(Failure),
}
