//! DaCe's `.sdfg` files: written for DaCe 1.0.2, read as far as the graph has words for them.
//!
//! DaCe's dataflow is ours with inclusive range ends. Its control flow is a state machine (1.0.2
//! loads structured blocks but does not compile them), so writing flattens loops and branches, and
//! reading raises them again. What DaCe does not know (structure, labels, spans, guards, checks)
//! travels as our text form in an attribute `_meta_weft` that DaCe ignores and drops: a file that
//! has it, and was not changed since, reads back as the same graph.
//!
//! Of library calls DaCe has nodes for some ([`nameless_in_dace`]).
//!
//! Where the meanings differ: containers of rank 0 that the graph writes and the caller sees
//! become arrays of one element (DaCe passes scalars by value); results are called `__return`, so
//! that DaCe returns them; guards and checks do not run there; DaCe compiles with `-ffast-math`.

mod at;
mod code;
mod copies;
mod flatten;
mod foreign;
mod limits;
mod names;
mod open;
mod origin;
mod raise;
mod ranges;
mod read;
mod read_code;
mod read_control;
mod read_nodes;
mod read_state;
mod symbols;
#[cfg(test)]
mod tests;
mod transpose;
mod value;
mod views;
mod write;
mod write_state;

pub use limits::nameless_in_dace;
pub use origin::Origin;

use serde_json::{Value, json};

use crate::sdfg::{Sdfg, Verified, verify};

/// The version of DaCe whose format is written.
pub const DACE_VERSION: &str = "1.0.2";

/// The attribute that carries our text form.
const META: &str = "_meta_weft";

/// The class of library nodes that DaCe has not.
const OWN_CALL: &str = "weft.Call";

/// Why a file cannot be read: it is no `.sdfg`, or uses what the graph has no words for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct JsonError {
    /// Where in the file: `nodes[0].edges[3].attributes.data`.
    pub path: String,
    /// What it is, lowercase, no final period.
    pub message: String,
}

/// Reads an `.sdfg` file.
pub fn read(text: &str) -> Result<Sdfg, JsonError> {
    let mut root = value::parse(text)?;
    let meta = root.get_mut("attributes").and_then(Value::as_object_mut).and_then(|a| a.shift_remove(META));
    if let Some(sdfg) = meta.and_then(|meta| read::unchanged(&root, &meta)) {
        return Ok(sdfg);
    }
    Ok(read::graph(&root, &Default::default())?.0)
}

/// Reads an `.sdfg` file and verifies its graph. States of other people's files that are well-formed, but keep
/// an invariant not (a race that DaCe leaves to chance, say), stay foreign.
pub fn open(text: &str) -> Result<Verified, JsonError> {
    let mut root = value::parse(text)?;
    let meta = root.get_mut("attributes").and_then(Value::as_object_mut).and_then(|a| a.shift_remove(META));
    if let Some(sdfg) = meta.and_then(|meta| read::unchanged(&root, &meta)) {
        return verify(sdfg).map_err(|violations| JsonError {
            path: "$".into(),
            message: violations.first().map(|v| v.message.clone()).unwrap_or_default(),
        });
    }
    open::open(root)
}

/// The graph as DaCe's JSON: the file that it was read from, if nothing was changed since.
pub fn write_value(sdfg: &Sdfg) -> Value {
    if let Some(same) = sdfg.origin.as_ref().and_then(|o| o.unchanged(sdfg)) {
        return same;
    }
    let mut root = write::root(sdfg);
    let digest = value::digest(&root);
    let source = sdfg.source.as_ref().map(|s| {
        let others: Vec<Value> = s
            .others
            .iter()
            .map(|f| json!({"path": f.path, "module": f.module, "package": f.package, "start": f.start}))
            .collect();
        json!({"path": s.path, "text": s.text, "others": others})
    });
    let meta = json!({"version": 1, "text": crate::text::print_with_spans(sdfg), "source": source, "digest": digest});
    root["attributes"][META] = meta;
    root
}

/// The text of an `.sdfg` file.
pub fn write(sdfg: &Sdfg) -> String {
    value::to_text(&write_value(sdfg))
}
