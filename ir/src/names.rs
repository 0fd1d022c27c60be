//! Interned names: symbols, containers, connectors and labels are all `Name`s.
//!
//! A `Name` is a `u32` into a process-wide table, so comparing and hashing cost nothing.
//! Ordering is by text, so that whatever is ordered by name prints the same in every run.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, RwLock};

/// An interned identifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name(u32);

#[derive(Default)]
struct Table {
    ids: HashMap<&'static str, u32>,
    texts: Vec<&'static str>,
}

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(Default::default);

impl Name {
    /// The name with this text. Texts live as long as the process.
    pub fn new(text: &str) -> Name {
        if let Some(&id) = TABLE.read().expect("name table").ids.get(text) {
            return Name(id);
        }
        let mut table = TABLE.write().expect("name table");
        if let Some(&id) = table.ids.get(text) {
            return Name(id);
        }
        let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
        let id = table.texts.len() as u32;
        table.texts.push(text);
        table.ids.insert(text, id);
        Name(id)
    }

    pub fn as_str(self) -> &'static str {
        TABLE.read().expect("name table").texts[self.0 as usize]
    }

    /// `base`, or `base_0`, `base_1`, …: the first that `taken` does not claim.
    pub fn fresh(base: &str, taken: impl Fn(Name) -> bool) -> Name {
        let first = Name::new(base);
        if !taken(first) {
            return first;
        }
        (0u32..).map(|i| Name::new(&format!("{base}_{i}"))).find(|&n| !taken(n)).expect("a free name")
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> std::cmp::Ordering {
        if self.0 == other.0 { std::cmp::Ordering::Equal } else { self.as_str().cmp(other.as_str()) }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Name {
        Name::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
