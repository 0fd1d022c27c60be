//! Opens files and does the steps of their sessions again.

use std::path::Path;
use std::sync::Arc;

use weft_ir::sdfg::Verified;
use weft_transforms::{Recipe, apply, plan_step};

use super::jobs::{Made, Opened};
use crate::state::session_path;
use crate::work::{Done, Inputs, Kernel, Problem, Session, Target, replay_what_fits};

/// Reads a file; where it was worked on before, with the steps of then.
pub fn open(target: &Target, inputs: &Inputs) -> Result<Opened, Problem> {
    let is_session = target.file.extension().is_some_and(|e| e == "weft");
    if is_session {
        let session = Session::read(&target.file)?;
        let kernel = session.open(inputs)?;
        return Ok(with_steps(kernel, session));
    }
    let saved = session_path(&target.file, target.function.as_deref()).filter(|p| p.exists());
    if let Some(Ok(saved)) = saved.map(|p| Session::read(&p)) {
        // What the command line says comes before what was saved.
        let mut set = saved.set;
        set.extend(inputs.set.clone());
        let inputs = Inputs { set, size: inputs.size.clone().or(saved.size), ..inputs.clone() };
        let kernel = Kernel::load(target, &inputs)?;
        let session = Session { recipe: saved.recipe, redo: saved.redo, ..session_of(target, &inputs) };
        return Ok(with_steps(kernel, session));
    }
    let kernel = Kernel::load(target, inputs)?;
    Ok(with_steps(kernel, session_of(target, inputs)))
}

fn session_of(target: &Target, inputs: &Inputs) -> Session {
    let whole = |file: &Path| std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    Session {
        weft: Session::FORMAT,
        file: whole(&target.file),
        function: target.function.clone(),
        inputs: inputs.npz.as_deref().map(whole),
        size: inputs.size.clone(),
        set: inputs.set.clone(),
        recipe: Recipe::default(),
        redo: Recipe::default(),
    }
}

/// Reads a file that has changed, and does those of the steps that still apply.
pub fn reopen(target: &Target, inputs: &Inputs, (recipe, redo): (Recipe, Recipe)) -> Result<Opened, Problem> {
    let is_session = target.file.extension().is_some_and(|e| e == "weft");
    let (kernel, session) = if is_session {
        let session = Session::read(&target.file)?;
        (session.open(inputs)?, session)
    } else {
        (Kernel::load(target, inputs)?, session_of(target, inputs))
    };
    let (done, mut problems) = replay_what_fits(&kernel.graph, &recipe);
    let last = done.last().map_or(&kernel.graph, |(_, graph, _)| graph);
    let (undone, lost) = replay_what_fits(last, &redo);
    problems.extend(lost);
    let made = |(step, graph, forwarding): Done| {
        let label = format!("{} at {}", step.transform, step.at);
        Made { graph, label, steps: Recipe(vec![step]), forwarding }
    };
    let (chain, undone) = (done.into_iter().map(made).collect(), undone.into_iter().map(made).collect());
    let problem = (!problems.is_empty()).then(|| problems.join("; "));
    Ok(Opened { kernel, session, chain, undone, problem, again: true })
}

fn with_steps(kernel: Kernel, session: Session) -> Opened {
    let (chain, problem) = again(&kernel.graph, &session.recipe);
    let undone = if problem.is_none() {
        let last = chain.last().map_or(&kernel.graph, |m| &m.graph).clone();
        again(&last, &session.redo).0
    } else {
        vec![]
    };
    Opened { kernel, session, chain, undone, problem, again: false }
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
