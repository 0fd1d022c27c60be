//! `auto`: the first steps that an expert would take, as a recipe.

use std::collections::BTreeSet;

use weft_ir::sdfg::{Node, Schedule, Scopes, Sdfg, Verified};

use crate::nest::maps;
use crate::{Forwarding, Recipe, Setting, Settings, Site, Step, Transformation, apply, simplify};

/// A graph on its way, with what was done to it.
struct Journey {
    graph: Verified,
    recipe: Recipe,
    forwarding: Forwarding,
}

impl Journey {
    /// Plans and, if `accept` likes the preview, applies.
    fn step(
        &mut self,
        transform: &dyn Transformation,
        site: &Site,
        params: Settings,
        accept: impl Fn(&Verified, &Verified) -> bool,
    ) -> bool {
        let Ok(plan) = transform.plan(&self.graph, site, &params) else { return false };
        if !accept(&self.graph, plan.preview()) {
            return false;
        }
        let Ok((graph, forwarding)) = apply(plan, &self.graph) else { return false };
        self.graph = graph;
        self.forwarding = std::mem::take(&mut self.forwarding).then(&forwarding);
        self.recipe.0.push(Step { transform: transform.info().name.into(), at: site.label.clone(), params });
        true
    }

    /// Applies a transformation wherever it can be, until it can be nowhere.
    fn exhaust(
        &mut self,
        transform: &dyn Transformation,
        accept: impl Fn(&Verified, &Verified) -> bool,
    ) -> bool {
        let mut any = false;
        let mut tried: BTreeSet<String> = BTreeSet::new();
        // Every step removes a loop, a map or an array; the bound is for safety only.
        for _ in 0..10_000 {
            // What was refused may fit after a step elsewhere, so rounds go on until one has no
            // step; within a round every site is tried once.
            let mut progress = false;
            loop {
                let sites = transform.sites(&self.graph);
                let Some(site) = sites.into_iter().find(|s| !tried.contains(&s.label)) else { break };
                if self.step(transform, &site, Settings::new(), &accept) {
                    progress = true;
                } else {
                    tried.insert(site.label);
                }
            }
            any |= progress;
            if !progress || tried.is_empty() {
                break;
            }
            tried.clear();
        }
        any
    }

    fn simplify(&mut self) {
        let (graph, recipe, forwarding) = simplify(&self.graph);
        self.graph = graph;
        self.recipe.0.extend(recipe.0);
        self.forwarding = std::mem::take(&mut self.forwarding).then(&forwarding);
    }
}

/// Makes a graph fast on a CPU: it is simplified, independent loops become maps, maps fuse, nests
/// collapse, and the outermost maps are shared among threads (the run time decides by the
/// amount of work whether it is worth waking them).
pub fn auto(graph: &Verified) -> (Verified, Recipe, Forwarding) {
    let mut journey =
        Journey { graph: graph.clone(), recipe: Recipe::default(), forwarding: Forwarding::default() };
    journey.simplify();
    let no_more_work = |before: &Verified, after: &Verified| {
        let (before, after) = (work(before), work(after));
        after.tasklets <= before.tasklets && after.library <= before.library
    };
    loop {
        // Innermost loops first: what becomes a map leaves one state for the loop around it.
        let mapped = journey.exhaust(&crate::loop_to_map::LoopToMap, |_, _| true);
        if !mapped {
            break;
        }
        journey.simplify();
    }
    journey.exhaust(&crate::map_fusion::MapFusion, no_more_work);
    journey.exhaust(&crate::map_collapse::MapCollapse, |_, _| true);
    share_outermost(&mut journey);
    (journey.graph, journey.recipe, journey.forwarding)
}

/// What says that a fusion computes something again.
struct Work {
    tasklets: usize,
    /// Library nodes, each with the number of dimensions over which it is repeated: unlike a tasklet,
    /// one is never cheaper than the memory that it would save.
    library: usize,
}

fn work(graph: &Sdfg) -> Work {
    let mut work = Work { tasklets: 0, library: 0 };
    for (_, state) in graph.states() {
        for (id, node) in state.nodes() {
            match node {
                Node::Tasklet(_) => work.tasklets += 1,
                Node::Library(_) => {
                    let around = Scopes::of(state).map(|s| s.enclosing(id)).unwrap_or_default();
                    work.library += 1 + around.iter().map(|&m| state.map(m).params.len()).sum::<usize>();
                }
                _ => {}
            }
        }
    }
    work
}

fn share_outermost(journey: &mut Journey) {
    let graph = journey.graph.clone();
    for (_, state, id, map) in maps(&graph) {
        let outermost = Scopes::of(state).is_some_and(|scopes| scopes.around(id).is_none());
        if outermost && map.schedule == Schedule::Default {
            let site = crate::nest::site(state, &[(id, map)]);
            let params = Settings::from([("schedule".to_string(), Setting::Text("parallel".into()))]);
            journey.step(&crate::map_schedule::MapSchedule, &site, params, |_, _| true);
        }
    }
}
