//! Rewrites of SDFGs. Each is one file with its help, its conditions and its edit.

mod protocol;
mod recipe;
mod support;

pub use protocol::*;
pub use recipe::{
    Recipe, ReplayError, Step, StepError, applicable, explain, find, parse_setting, plan_step, replay,
};
pub use support::{
    Holds, facts_around, find_site, int, ints, known_settings, no_such_site, require, same_site, text,
};

/// Every transformation, in the order in which it is listed.
pub static ALL: &[&dyn Transformation] = &[];
