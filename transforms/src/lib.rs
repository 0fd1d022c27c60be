//! Rewrites of SDFGs. Each is one file with its help, its conditions and its edit.

#[cfg(test)]
mod harness;
mod map_collapse;
mod map_expansion;
mod map_fusion;
mod map_interchange;
mod map_schedule;
mod map_tiling;
mod nest;
mod protocol;
mod recipe;
mod strip_mining;
mod support;

pub use protocol::*;
pub use recipe::{
    Recipe, ReplayError, Step, StepError, applicable, explain, find, parse_setting, plan_step, replay,
};
pub use support::{
    Holds, block_uses, editable, facts_around, find_site, int, ints, known_settings, no_such_site, require,
    same_site, text, uses_of,
};

/// Every transformation, in the order in which it is listed.
pub static ALL: &[&dyn Transformation] = &[
    &map_fusion::MapFusion,
    &map_tiling::MapTiling,
    &strip_mining::StripMining,
    &map_collapse::MapCollapse,
    &map_expansion::MapExpansion,
    &map_interchange::MapInterchange,
    &map_schedule::MapSchedule,
];
