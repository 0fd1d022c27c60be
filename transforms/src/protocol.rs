//! What a transformation is: places where it fits, a plan or a refusal, a commit.

use std::collections::{BTreeMap, BTreeSet};

use weft_ir::sdfg::{Place, Sdfg, Span, Verified};

/// What a transformation promises about results.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeps {
    /// Bit for bit.
    Exactly,
    /// Up to the rounding of reordered floating-point operations.
    UpToRounding,
}

/// One condition of a transformation. Every refusal names one, and each has a fixture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Condition {
    /// Kebab-case, unique in its transformation: `intermediate-used-elsewhere`.
    pub id: &'static str,
    /// What has to hold, one sentence.
    pub text: &'static str,
}

/// One parameter, with everything that an editor for it needs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Param {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: ParamKind,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ParamKind {
    Int {
        default: i64,
        min: i64,
        max: i64,
    },
    /// A list of integers; the last one repeats for further dimensions.
    Ints {
        default: &'static [i64],
        min: i64,
        max: i64,
    },
    Choice {
        default: &'static str,
        among: &'static [&'static str],
    },
    /// A name or a short text.
    Text {
        default: &'static str,
    },
}

/// The value of a parameter, as in recipes.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Setting {
    Int(i64),
    Ints(Vec<i64>),
    Text(String),
}

/// Parameters that differ from their defaults, by name.
pub type Settings = BTreeMap<String, Setting>;

/// Name and help of a transformation; the window and `weft explain` show it.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// The field's name, as in DaCe where it has one: `MapFusion`.
    pub name: &'static str,
    pub category: Category,
    /// One sentence.
    pub what: &'static str,
    /// When and why an expert reaches for it.
    pub why: &'static str,
    pub conditions: &'static [Condition],
    pub params: &'static [Param],
    /// In the text form; both parse, and the second is what the first becomes.
    pub before: &'static str,
    pub after: &'static str,
    pub keeps: Keeps,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Category {
    Simplify,
    Map,
    Loop,
    Data,
}

/// A place where the shape fits. `label` is what `--at` takes and recipes record: labels of the
/// text form, joined by commas where there are several (`m0, m1`), after `nested/` for places
/// inside a nested SDFG.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    pub label: String,
    /// The parts that it is about, the main one first.
    pub places: Vec<Place>,
    pub span: Option<Span>,
}

/// Why it cannot be done here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Id of the [`Condition`] that does not hold.
    pub condition: &'static str,
    pub place: Place,
    /// A sentence with the names and subsets in question, lowercase, no final period.
    pub reason: String,
}

/// Where old parts went: only parts that changed are listed; gone parts have an empty list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Forwarding(pub BTreeMap<Place, Vec<Place>>);

impl Forwarding {
    /// What became of a place.
    pub fn get(&self, place: Place) -> Vec<Place> {
        self.0.get(&place).cloned().unwrap_or_else(|| vec![place])
    }

    pub fn moved(&mut self, from: Place, to: Place) {
        self.0.entry(from).or_default().push(to);
    }

    pub fn gone(&mut self, place: Place) {
        self.0.entry(place).or_default();
    }

    /// First this, then `next`.
    pub fn then(mut self, next: &Forwarding) -> Forwarding {
        for targets in self.0.values_mut() {
            let mut moved: Vec<Place> = targets.iter().flat_map(|&t| next.get(t)).collect();
            moved.sort();
            moved.dedup();
            *targets = moved;
        }
        for (&from, to) in &next.0 {
            self.0.entry(from).or_insert_with(|| to.clone());
        }
        self
    }

    /// Many edits, in order, in time that is linear in what they moved.
    pub fn chain(edits: Vec<Forwarding>) -> Forwarding {
        let (mut later, mut found) = (Forwarding::default(), vec![]);
        for edit in edits.into_iter().rev() {
            for (from, targets) in edit.0 {
                let moved: BTreeSet<Place> = targets.into_iter().flat_map(|t| later.get(t)).collect();
                found.push((from, moved.into_iter().collect()));
            }
            later.0.extend(found.drain(..));
        }
        later
    }
}

/// A finished and verified edit that only has to be committed.
#[derive(Clone, Debug)]
pub struct Plan {
    base: Verified,
    result: Verified,
    forwarding: Forwarding,
}

impl Plan {
    /// Verifies the edited graph. A graph that does not verify is a fault of the transformation:
    /// it becomes a refusal with the condition `internal`, and nothing changes.
    pub fn new(base: &Verified, edited: Sdfg, forwarding: Forwarding) -> Result<Plan, Refusal> {
        match weft_ir::sdfg::verify(edited) {
            Ok(result) => Ok(Plan { base: base.clone(), result, forwarding }),
            Err(violations) => Err(Refusal {
                condition: "internal",
                place: violations.first().map_or(Place::Whole, |v| v.place),
                reason: format!(
                    "internal error: the edited graph is invalid: {}",
                    violations.iter().map(|v| v.message.as_str()).collect::<Vec<_>>().join("; ")
                ),
            }),
        }
    }

    pub fn forwarding(&self) -> &Forwarding {
        &self.forwarding
    }

    /// The graph after the edit, for previews.
    pub fn preview(&self) -> &Verified {
        &self.result
    }
}

/// The graph has changed since the plan was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the graph has changed since this step was planned; plan it again")]
pub struct Stale;

/// Commits a plan.
pub fn apply(plan: Plan, current: &Verified) -> Result<(Verified, Forwarding), Stale> {
    if plan.base.same_version(current) { Ok((plan.result, plan.forwarding)) } else { Err(Stale) }
}

/// One transformation: one file, one fixture file, one line in [`crate::ALL`].
pub trait Transformation: Sync {
    fn info(&self) -> &'static Info;

    /// Where the shape fits; cheap, in a fixed order. Says nothing about the conditions.
    fn sites(&self, graph: &Verified) -> Vec<Site>;

    /// Checks every condition and makes the edit.
    fn plan(&self, graph: &Verified, site: &Site, settings: &Settings) -> Result<Plan, Refusal>;
}
