//! `auto`: the first steps that an expert would take, as a recipe.

use std::collections::BTreeSet;

use weft_ir::sdfg::{MapId, Node, Schedule, Scopes, Sdfg, Verified, verify};

use crate::nest::maps;
use crate::{Forwarding, Recipe, Setting, Settings, Site, Step, Transformation, apply, map_fusion, simplify};

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

    /// Fuses maps until none is left that repeats no work. Each fusion is checked by its own
    /// conditions, and the verifier runs once, at the end. Should it find something, every fusion is
    /// verified and those that it rejects are left out.
    fn fuse(&mut self) {
        let mut graph = self.graph.clone_sdfg();
        let mut recipe = vec![];
        let mut forwarding = Forwarding::default();
        let mut refused: BTreeSet<(MapId, MapId)> = BTreeSet::new();
        loop {
            // As in `exhaust`.
            let mut progress = false;
            let open = |graph: &Sdfg, refused: &BTreeSet<(MapId, MapId)>| {
                let all = map_fusion::candidates(graph);
                all.into_iter().find(|c| !refused.contains(&(c.first, c.second)))
            };
            while let Some(at) = open(&graph, &refused) {
                let fused = map_fusion::fuse(&graph, &at).ok().filter(|f| no_more_work(&graph, &f.0));
                let Some((after, moved)) = fused else {
                    refused.insert((at.first, at.second));
                    continue;
                };
                let label = map_fusion::label(&graph, &at);
                recipe.push(Step { transform: "MapFusion".into(), at: label, params: Settings::new() });
                graph = after;
                forwarding = forwarding.then(&moved);
                progress = true;
            }
            if !progress || refused.is_empty() {
                break;
            }
            refused.clear();
        }
        match verify(graph) {
            Ok(graph) => {
                self.graph = graph;
                self.recipe.0.extend(recipe);
                self.forwarding = std::mem::take(&mut self.forwarding).then(&forwarding);
            }
            Err(_) => {
                self.exhaust(&map_fusion::MapFusion, |before, after| no_more_work(before, after));
            }
        }
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
    loop {
        // Innermost loops first: what becomes a map leaves one state for the loop around it.
        let mapped = journey.exhaust(&crate::loop_to_map::LoopToMap, |_, _| true);
        if !mapped {
            break;
        }
        journey.simplify();
    }
    journey.fuse();
    journey.exhaust(&crate::map_collapse::MapCollapse, |_, _| true);
    share_outermost(&mut journey);
    (journey.graph, journey.recipe, journey.forwarding)
}

/// A fusion must not compute anything again.
fn no_more_work(before: &Sdfg, after: &Sdfg) -> bool {
    let (before, after) = (work(before), work(after));
    after.tasklets <= before.tasklets && after.library <= before.library
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
        let mut scopes = None;
        for (id, node) in state.nodes() {
            match node {
                Node::Tasklet(_) => work.tasklets += 1,
                Node::Library(_) => {
                    let scopes = scopes.get_or_insert_with(|| Scopes::of(state));
                    let around = scopes.as_ref().map(|s| s.enclosing(id)).unwrap_or_default();
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
