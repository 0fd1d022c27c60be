//! Interned names: symbols, containers, connectors and labels are all `Name`s.
//!
//! A `Name` is a `u32` into a process-wide table, so comparing and hashing cost nothing.
//! Ordering is by text, so that whatever is ordered by name prints the same in every run.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, OnceLock, RwLock};

/// An interned identifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name(u32);

static IDS: LazyLock<RwLock<HashMap<&'static str, u32>>> = LazyLock::new(Default::default);

/// The texts by id, in chunks that never move: chunk `k` has those of ids from `2^k - 1` on. A comparison
/// of names, which is what every ordered map of them is made of, takes no lock this way.
static TEXTS: [OnceLock<Box<[OnceLock<&'static str>]>>; 32] = [const { OnceLock::new() }; 32];

/// The chunk of an id and the place in it.
fn place(id: u32) -> (usize, usize) {
    let chunk = (id + 1).ilog2();
    (chunk as usize, (id + 1 - (1 << chunk)) as usize)
}

impl Name {
    /// The name with this text. Texts live as long as the process.
    pub fn new(text: &str) -> Name {
        if let Some(&id) = IDS.read().expect("name table").get(text) {
            return Name(id);
        }
        let mut ids = IDS.write().expect("name table");
        if let Some(&id) = ids.get(text) {
            return Name(id);
        }
        let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
        let id = ids.len() as u32;
        let (chunk, at) = place(id);
        let texts = TEXTS[chunk].get_or_init(|| vec![OnceLock::new(); 1 << chunk].into_boxed_slice());
        texts[at].set(text).expect("an id is given once");
        ids.insert(text, id);
        Name(id)
    }

    pub fn as_str(self) -> &'static str {
        let (chunk, at) = place(self.0);
        TEXTS[chunk].get().and_then(|texts| texts[at].get()).expect("a name of the table")
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
