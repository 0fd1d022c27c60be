//! Opens files and does the steps of their sessions again.

use std::sync::Arc;

use weft_ir::sdfg::Verified;
use weft_transforms::{Recipe, apply, plan_step};

use super::jobs::{Made, Opened};
use crate::state::session_path;
use crate::work::{Inputs, Kernel, Problem, Session, Target};

/// Reads a file; where it was worked on before, with the steps of then.
pub fn open(target: &Target) -> Result<Opened, Problem> {
    let is_session = target.file.extension().is_some_and(|e| e == "weft");
    if is_session {
        let session = Session::read(&target.file)?;
        let kernel = session.open(&Inputs::default())?;
        return Ok(with_steps(kernel, session));
    }
    let fresh = || Session {
        weft: Session::FORMAT,
        file: std::fs::canonicalize(&target.file).unwrap_or_else(|_| target.file.clone()),
        function: target.function.clone(),
        inputs: None,
        size: None,
        set: Default::default(),
        recipe: Recipe::default(),
        redo: Recipe::default(),
    };
    let saved = session_path(&target.file, target.function.as_deref()).filter(|p| p.exists());
    if let Some(Ok(saved)) = saved.map(|p| Session::read(&p)) {
        let mut kernel = Kernel::load(
            target,
            &Inputs { set: saved.set.clone(), size: saved.size.clone(), ..Inputs::default() },
        )?;
        kernel.recipe = None;
        return Ok(with_steps(kernel, Session { recipe: saved.recipe, redo: saved.redo, ..fresh() }));
    }
    let kernel = Kernel::load(target, &Inputs::default())?;
    Ok(with_steps(kernel, fresh()))
}

fn with_steps(kernel: Kernel, session: Session) -> Opened {
    let (chain, problem) = again(&kernel.graph, &session.recipe);
    let undone = if problem.is_none() {
        let last = chain.last().map_or(&kernel.graph, |m| &m.graph).clone();
        again(&last, &session.redo).0
    } else {
        vec![]
    };
    Opened { kernel, session, chain, undone, problem }
}

/// One version a step, as far as they go.
pub fn again(graph: &Verified, recipe: &Recipe) -> (Vec<Made>, Option<String>) {
    let mut current = graph.clone();
    let mut chain = vec![];
    for (i, step) in recipe.0.iter().enumerate() {
        let planned = plan_step(&current, step).map_err(|e| e.to_string());
        match planned.and_then(|plan| apply(plan, &current).map_err(|e| e.to_string())) {
            Ok((next, forwarding)) => {
                current = next.clone();
                let label = format!("{} at {}", step.transform, step.at);
                chain.push(Made { graph: next, label, steps: Recipe(vec![step.clone()]), forwarding });
            }
            Err(error) => return (chain, Some(format!("step {}: {error}", i + 1))),
        }
    }
    (chain, None)
}

/// The kernel's Python file, if NumPy can run it.
pub fn python_file(kernel: &Arc<Kernel>) -> Option<std::path::PathBuf> {
    kernel.function.as_ref()?;
    Some(std::fs::canonicalize(&kernel.target.file).unwrap_or_else(|_| kernel.target.file.clone()))
}
