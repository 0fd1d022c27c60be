//! What a graph was read from: written back where nothing was changed, and where something was, the attributes
//! that the graph has no words for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::at::spelled;
use super::read::Trail;
use crate::sdfg::{NodeId, Sdfg};

/// The file that a graph was read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// All of the file.
    json: Value,
    /// The graph as it was read.
    read: Sdfg,
    /// Where nodes are in the file.
    nodes: BTreeMap<NodeId, String>,
}

/// What follows from the rest of a graph, or is about the file as a whole.
const DERIVED: [&str; 4] = ["hash", "in_connectors", "out_connectors", "sdfg"];

impl Origin {
    pub fn new(json: Value, read: Sdfg, trail: Trail) -> Origin {
        Origin { json, read, nodes: trail.nodes }
    }

    /// The file, if the graph is still what it was.
    pub fn unchanged(&self, sdfg: &Sdfg) -> Option<Value> {
        let mut now = sdfg.clone();
        now.origin = None;
        (now == self.read).then(|| self.json.clone())
    }

    /// Adds to a graph's attributes and containers those of the file that it has not.
    pub fn complete_graph(&self, value: &mut Value) {
        let Some(old) = self.json.get("attributes") else { return };
        if let Some(arrays) = value["attributes"]["_arrays"].as_object_mut() {
            for (name, new) in arrays {
                if let Some(old) =
                    old.get("_arrays").and_then(|a| a.get(name)).filter(|o| o["type"] == new["type"])
                {
                    add(&old["attributes"], &mut new["attributes"]);
                }
            }
        }
        add(old, &mut value["attributes"]);
        if let (Some(old), Some(new)) = (self.json.as_object(), value.as_object_mut()) {
            for (key, member) in old {
                new.entry(key.clone()).or_insert_with(|| member.clone());
            }
        }
    }

    /// Adds to a node's attributes those of the file that it has not.
    pub fn complete_node(&self, id: NodeId, value: &mut Value) {
        let old = self.nodes.get(&id).and_then(|path| follow(&self.json, path));
        let Some(old) = old.filter(|old| old.get("type") == value.get("type")) else { return };
        let labelled = value["attributes"].get("label").is_some();
        let Some(attributes) = old.get("attributes") else { return };
        add(attributes, &mut value["attributes"]);
        if !labelled && let Some(attributes) = value["attributes"].as_object_mut() {
            attributes.shift_remove("label");
        }
        if let (Some(old), Some(new)) = (old.as_object(), value.as_object_mut()) {
            for (key, member) in old {
                if !matches!(key.as_str(), "scope_entry" | "scope_exit" | "id") {
                    new.entry(key.clone()).or_insert_with(|| member.clone());
                }
            }
        }
    }
}

/// Of another version of DaCe, which the one that is written for does not read.
fn is_stranger(key: &str, value: &Value) -> bool {
    key == "debuginfo" && value.is_object() && value.get("end_column").is_none()
}

fn add(old: &Value, new: &mut Value) {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object_mut()) else { return };
    for (key, value) in old {
        if !DERIVED.contains(&key.as_str()) && !is_stranger(key, value) {
            new.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// The value at a path as in `$.nodes[0].attributes`.
fn follow<'v>(root: &'v Value, path: &str) -> Option<&'v Value> {
    let mut at = root;
    for step in path.trim_start_matches('$').split(['.', '[']).filter(|s| !s.is_empty()) {
        at = match step.strip_suffix(']') {
            Some(index) => at.get(index.parse::<usize>().ok()?)?,
            None => at.get(step)?,
        };
    }
    Some(at)
}

/// The JSON of a foreign part with its words replaced, where they mean names of the graph.
pub fn reworded(value: &Value, names: &BTreeMap<String, String>) -> Value {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    match value {
        Value::String(text) => {
            let mut out = String::new();
            let text = spelled(text);
            let mut rest = &*text;
            while let Some(first) = rest.chars().next() {
                let end = match word(first) {
                    true => rest.find(|c| !word(c)).unwrap_or(rest.len()),
                    false => first.len_utf8(),
                };
                out += names.get(&rest[..end]).map_or(&rest[..end], String::as_str);
                rest = &rest[end..];
            }
            Value::String(out)
        }
        Value::Array(items) => items.iter().map(|v| reworded(v, names)).collect(),
        Value::Object(map) => {
            let said =
                |key: &str| matches!(key, "debuginfo" | "guid" | "label" | "type" | "classpath" | "language");
            let new = map
                .iter()
                .filter(|(key, v)| !is_stranger(key, v))
                .map(|(key, v)| (key.clone(), if said(key) { v.clone() } else { reworded(v, names) }));
            Value::Object(new.collect::<Map<String, Value>>())
        }
        other => other.clone(),
    }
}
