//! Rewrites of SDFGs. Each is one file with its help, its conditions and its edit.

mod auto;
mod dead_dataflow_elimination;
#[cfg(test)]
mod harness;
mod inline_sdfg;
mod loop_to_map;
mod map_collapse;
mod map_expansion;
mod map_fusion;
mod map_interchange;
mod map_schedule;
mod map_tiling;
mod map_to_for_loop;
mod nest;
mod order;
mod protocol;
mod recipe;
mod redundant_array;
mod rewrite;
mod simplify;
mod state_fusion;
mod strip_mining;
mod support;
#[cfg(test)]
mod tests;

pub use auto::auto;
pub use protocol::*;
pub use recipe::{
    Recipe, ReplayError, Step, StepError, applicable, explain, find, parse_setting, plan_step, replay,
};
pub use simplify::simplify;
pub use support::{
    Holds, block_uses, editable, facts_around, find_site, int, ints, known_settings, no_such_site, require,
    same_site, text, used_containers, uses_of, wrong_setting,
};

/// Every transformation, in the order in which it is listed.
pub static ALL: &[&dyn Transformation] = &[
    &state_fusion::StateFusion,
    &inline_sdfg::InlineSDFG,
    &redundant_array::RedundantArray,
    &dead_dataflow_elimination::DeadDataflowElimination,
    &loop_to_map::LoopToMap,
    &map_to_for_loop::MapToForLoop,
    &map_fusion::MapFusion,
    &map_tiling::MapTiling,
    &strip_mining::StripMining,
    &map_collapse::MapCollapse,
    &map_expansion::MapExpansion,
    &map_interchange::MapInterchange,
    &map_schedule::MapSchedule,
];
