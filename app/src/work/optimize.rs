//! From the imported graph to the one that is compiled.

use std::path::PathBuf;
use std::time::Instant;

use weft_ir::sdfg::Verified;
use weft_measure::Phases;
use weft_transforms::{Forwarding, Recipe, Step, apply, plan_step};

use super::input::{Kernel, Problem};

/// `--optimize`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    None,
    Simplify,
    Auto,
    Recipe(PathBuf),
}

impl std::str::FromStr for Strategy {
    type Err = String;
    fn from_str(text: &str) -> Result<Strategy, String> {
        Ok(match text {
            "none" => Strategy::None,
            "simplify" => Strategy::Simplify,
            "auto" => Strategy::Auto,
            file if file.ends_with(".json") => Strategy::Recipe(file.into()),
            other => return Err(format!("'{other}' is neither none, simplify, auto nor a RECIPE.json")),
        })
    }
}

/// A version and how it was reached.
#[derive(Clone, Debug)]
pub struct Optimized {
    pub graph: Verified,
    pub recipe: Recipe,
    pub phases: Phases,
}

/// Applies a strategy to a kernel as imported. A session's own steps come first.
pub fn optimize(kernel: &Kernel, strategy: &Strategy) -> Result<Optimized, Problem> {
    steps(kernel, strategy, &mut |graph, recipe| {
        let (after, _) = weft_transforms::replay(graph, recipe).map_err(Problem::usage)?;
        Ok((after, recipe.clone()))
    })
}

/// Like [`optimize`] for a kernel that has changed since its steps were written down: those that no
/// longer apply are left out, and said.
pub fn optimize_what_fits(kernel: &Kernel, strategy: &Strategy) -> Result<(Optimized, Vec<String>), Problem> {
    let mut lost = vec![];
    let optimized = steps(kernel, strategy, &mut |graph, recipe| {
        let (chain, problems) = replay_what_fits(graph, recipe);
        lost.extend(problems);
        let after = chain.last().map_or(graph, |(_, after, _)| after).clone();
        Ok((after, Recipe(chain.into_iter().map(|(step, ..)| step).collect())))
    })?;
    Ok((optimized, lost))
}

/// A step, the graph after it, and where old places went.
pub type Done = (Step, Verified, Forwarding);

/// The steps that still apply, each with the graph after it, and why the others do not.
pub fn replay_what_fits(graph: &Verified, recipe: &Recipe) -> (Vec<Done>, Vec<String>) {
    let mut current = graph.clone();
    let (mut done, mut problems) = (vec![], vec![]);
    for (i, step) in recipe.0.iter().enumerate() {
        let planned = plan_step(&current, step).map_err(|e| e.to_string());
        match planned.and_then(|plan| apply(plan, &current).map_err(|e| e.to_string())) {
            Ok((next, forwarding)) => {
                current = next.clone();
                done.push((step.clone(), next, forwarding));
            }
            Err(error) => problems.push(format!("step {} no longer applies: {error}", i + 1)),
        }
    }
    (done, problems)
}

type Replay<'r> = &'r mut dyn FnMut(&Verified, &Recipe) -> Result<(Verified, Recipe), Problem>;

fn steps(kernel: &Kernel, strategy: &Strategy, replay: Replay<'_>) -> Result<Optimized, Problem> {
    let mut phases = kernel.phases;
    let mut graph = kernel.graph.clone();
    let mut recipe = Recipe::default();
    let start = Instant::now();
    if let Some(stored) = &kernel.recipe {
        let (after, done) = replay(&graph, stored)?;
        graph = after;
        recipe.0.extend(done.0);
        phases.optimize = Some(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut simplified = false;
    let mut simplify = |graph: &mut Verified, recipe: &mut Recipe, phases: &mut Phases| {
        let start = Instant::now();
        let (after, steps, _) = weft_transforms::simplify(graph);
        *graph = after;
        recipe.0.extend(steps.0);
        phases.simplify = Some(start.elapsed().as_secs_f64() * 1e3);
        simplified = true;
    };
    match strategy {
        Strategy::None => {}
        Strategy::Simplify => simplify(&mut graph, &mut recipe, &mut phases),
        Strategy::Auto => {
            simplify(&mut graph, &mut recipe, &mut phases);
            let start = Instant::now();
            let (after, steps, _) = weft_transforms::auto(&graph);
            graph = after;
            recipe.0.extend(steps.0);
            phases.optimize = Some(start.elapsed().as_secs_f64() * 1e3);
        }
        Strategy::Recipe(path) => {
            let start = Instant::now();
            let text = std::fs::read_to_string(path)
                .map_err(|e| Problem::usage(format!("{}: {e}", path.display())))?;
            let steps: Recipe = serde_json::from_str(&text)
                .map_err(|e| Problem::usage(format!("{}: not a recipe: {e}", path.display())))?;
            let (after, done) = replay(&graph, &steps)?;
            graph = after;
            recipe.0.extend(done.0);
            phases.optimize = Some(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(Optimized { graph, recipe, phases })
}
