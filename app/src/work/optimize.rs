//! From the imported graph to the one that is compiled.

use std::path::PathBuf;
use std::time::Instant;

use weft_ir::sdfg::Verified;
use weft_measure::Phases;
use weft_transforms::Recipe;

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
    let mut phases = kernel.phases;
    let mut graph = kernel.graph.clone();
    let mut recipe = Recipe::default();
    let start = Instant::now();
    if let Some(stored) = &kernel.recipe {
        graph = replay(&graph, stored)?;
        recipe.0.extend(stored.0.iter().cloned());
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
            graph = replay(&graph, &steps)?;
            recipe.0.extend(steps.0);
            phases.optimize = Some(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(Optimized { graph, recipe, phases })
}

fn replay(graph: &Verified, recipe: &Recipe) -> Result<Verified, Problem> {
    weft_transforms::replay(graph, recipe).map(|(graph, _)| graph).map_err(Problem::usage)
}
