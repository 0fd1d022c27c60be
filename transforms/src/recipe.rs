//! Recipes: lists of transformations that can be saved, edited and replayed. Also the catalogue.

use std::fmt::Write;

use weft_ir::sdfg::Verified;

use crate::{
    ALL, Forwarding, Keeps, ParamKind, Plan, Refusal, Setting, Settings, Site, Transformation, apply,
};

/// One transformation at one place.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub transform: String,
    /// The label of a [`Site`].
    pub at: String,
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub params: Settings,
}

/// Steps in order; in JSON a plain list.
#[derive(Clone, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Recipe(pub Vec<Step>);

/// Why a step cannot be done. The recipe's writer is at fault, or the graph is another one.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum StepError {
    #[error("no transformation is called '{name}'{}", hint(.near))]
    NoTransformation { name: String, near: Option<&'static str> },
    #[error("{transform} fits nowhere at '{at}'{}", places(.sites))]
    NoSite { transform: &'static str, at: String, sites: Vec<String> },
    #[error("{transform} at '{at}': {refusal}")]
    Refused { transform: &'static str, at: String, refusal: Refusal },
}

fn hint(near: &Option<&'static str>) -> String {
    near.map(|n| format!("; is '{n}' meant?")).unwrap_or_default()
}

fn places(sites: &[String]) -> String {
    match sites {
        [] => "; there is no place for it in this graph".to_string(),
        _ => format!("; it fits at: {}", sites.iter().take(12).cloned().collect::<Vec<_>>().join("; ")),
    }
}

/// Why a recipe cannot be replayed: the position of the step, from 0, and the error.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("step {}: {error}", .step + 1)]
pub struct ReplayError {
    pub step: usize,
    pub error: StepError,
}

/// The transformation with this name, whatever the case of its letters.
pub fn find(name: &str) -> Option<&'static dyn Transformation> {
    ALL.iter().copied().find(|t| t.info().name.eq_ignore_ascii_case(name))
}

fn named(name: &str) -> Result<&'static dyn Transformation, StepError> {
    find(name).ok_or_else(|| {
        let lower = name.to_lowercase();
        let near = ALL.iter().map(|t| t.info().name).find(|n| {
            let n = n.to_lowercase();
            !lower.is_empty() && (n.contains(&lower) || lower.contains(&n))
        });
        StepError::NoTransformation { name: name.to_string(), near }
    })
}

/// Plans one step.
pub fn plan_step(graph: &Verified, step: &Step) -> Result<Plan, StepError> {
    let transformation = named(&step.transform)?;
    let transform = transformation.info().name;
    let sites = transformation.sites(graph);
    let labels: Vec<String> = sites.iter().map(|s| s.label.clone()).collect();
    let site = crate::find_site(sites, &step.at).ok_or_else(|| StepError::NoSite {
        transform,
        at: step.at.clone(),
        sites: labels,
    })?;
    transformation.plan(graph, &site, &step.params).map_err(|refusal| StepError::Refused {
        transform,
        at: step.at.clone(),
        refusal,
    })
}

/// Does all steps in order.
pub fn replay(graph: &Verified, recipe: &Recipe) -> Result<(Verified, Forwarding), ReplayError> {
    let mut current = graph.clone();
    let mut forwarding = Forwarding::default();
    for (at, step) in recipe.0.iter().enumerate() {
        let plan = plan_step(&current, step).map_err(|error| ReplayError { step: at, error })?;
        let (next, moved) = apply(plan, &current).expect("a plan of the current version");
        forwarding = forwarding.then(&moved);
        current = next;
    }
    Ok((current, forwarding))
}

/// What fits somewhere in the graph, and whether it can be done there with the default parameters.
pub fn applicable(
    graph: &Verified,
) -> impl Iterator<Item = (&'static dyn Transformation, Site, Result<(), Refusal>)> {
    let graph = graph.clone();
    ALL.iter().copied().flat_map(move |t| {
        let graph = graph.clone();
        t.sites(&graph).into_iter().map(move |site| {
            let result = t.plan(&graph, &site, &Settings::new()).map(|_| ());
            (t, site, result)
        })
    })
}

/// Text broken into lines of at most 90 characters; all but the first start with `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut width = indent.len();
    for word in text.split_whitespace() {
        if width + word.len() + 1 > 90 && !out.is_empty() {
            out = format!("{out}\n{indent}");
            width = indent.len();
        } else if !out.is_empty() {
            out.push(' ');
            width += 1;
        }
        out += word;
        width += word.len();
    }
    out
}

/// The help of a transformation under fixed headings; `None` if there is none with that name.
pub fn explain(name: &str) -> Option<String> {
    let info = find(name)?.info();
    let (what, why) = (wrapped(info.what, "  "), wrapped(info.why, "  "));
    let mut out = format!("{}\n\nWhat\n  {what}\n\nWhy\n  {why}\n\nApplies when\n", info.name);
    for condition in info.conditions {
        let _ = writeln!(out, "  - {}", wrapped(&format!("{}: {}", condition.id, condition.text), "    "));
    }
    if info.conditions.is_empty() {
        out += "  always\n";
    }
    out += "\nParameters\n";
    if info.params.is_empty() {
        out += "  none\n";
    }
    for param in info.params {
        let _ = writeln!(out, "  {} ({}): {}", param.name, values(param.kind), param.help);
    }
    out += "\nExample\n";
    for line in info.before.trim_end().lines() {
        let _ = writeln!(out, "  {line}");
    }
    out += "  ->\n";
    for line in info.after.trim_end().lines() {
        let _ = writeln!(out, "  {line}");
    }
    out += match info.keeps {
        Keeps::Exactly => "\nKeeps\n  results bit for bit\n",
        Keeps::UpToRounding => {
            "\nKeeps\n  results up to the rounding of reordered floating-point operations\n"
        }
    };
    Some(out)
}

fn values(kind: ParamKind) -> String {
    match kind {
        ParamKind::Int { default, min, max } => format!("integer from {min} to {max}, default {default}"),
        ParamKind::Ints { default, min, max } => {
            let default: Vec<String> = default.iter().map(i64::to_string).collect();
            format!("integers from {min} to {max}, default {}", default.join(", "))
        }
        ParamKind::Choice { default, among } => format!("one of {}, default {default}", among.join(", ")),
        ParamKind::Text { default: "" } => "text".to_string(),
        ParamKind::Text { default } => format!("text, default {default}"),
    }
}

/// `K=V` of the command line: an integer, integers separated by commas, or a text.
pub fn parse_setting(text: &str) -> Setting {
    let list = text.trim().trim_start_matches('[').trim_end_matches(']');
    let ints: Option<Vec<i64>> = list.split(',').map(|t| t.trim().parse().ok()).collect();
    match ints {
        Some(ints) if ints.len() == 1 && list == text.trim() => Setting::Int(ints[0]),
        Some(ints) => Setting::Ints(ints),
        None => Setting::Text(text.to_string()),
    }
}
