//! `check`, `transforms`, `explain`, `apply` and `export`.

use std::path::Path;

use serde_json::json;
use weft_ir::sdfg::Verified;
use weft_transforms::{Info, ParamKind, Recipe, Setting, Settings, Site, Step};

use super::{FileArgs, InputArgs, write};

use crate::work::{self, Fault, Format, Kernel, Problem, Strategy, Target, optimize};

pub fn check(file: &FileArgs, as_json: bool) -> Result<(), Fault> {
    let loaded = file.load();
    if !as_json {
        let kernel = loaded?;
        let graph = &kernel.graph;
        let mut nodes = 0;
        for (_, state) in graph.states() {
            nodes += state.nodes().count();
        }
        println!("{}: imported, {} states, {nodes} nodes", graph.name, graph.states().len());
        for &arg in graph.args.iter().chain(&graph.returns) {
            if work::shape_of(arg.as_str(), &graph.returns).is_some() {
                continue;
            }
            let bound = graph.returns.iter().any(|n| work::shape_of(n.as_str(), &graph.returns) == Some(arg));
            let most = if bound { " at most" } else { "" };
            match graph.data.get(&arg) {
                Some(data) if data.is_scalar() => println!("  {arg}: {}", data.dtype.numpy()),
                Some(data) => {
                    let shape: Vec<String> = data.shape.iter().map(|e| e.to_string()).collect();
                    println!("  {arg}: {}[{}]{most}", data.dtype.numpy(), shape.join(", "));
                }
                None => println!("  {arg}: int"),
            }
        }
        for guard in &graph.guards {
            match guard {
                weft_ir::sdfg::Guard::NonNegative(e) => println!("  relies on {e} >= 0"),
                weft_ir::sdfg::Guard::Zero(e) => println!("  relies on {e} == 0"),
            }
        }
        if let (Some(source), Some(function)) = (&kernel.source, &kernel.function) {
            for note in weft_python::notes(source, function).unwrap_or_default() {
                println!("  note: {}: {}", source.place(note.span.start), note.reason);
            }
            for (span, why) in weft_python::left_out(graph) {
                println!("  note: {}: this part is not imported: {why}", source.place(span.start));
            }
        }
        return Ok(());
    }
    let problems = match &loaded {
        Ok(_) => vec![],
        Err(Problem::Python(source, problems)) => problems
            .iter()
            .map(|p| {
                let (line, column) = source.line_column(p.span.start);
                let (end_line, end_column) = source.line_column(p.span.end);
                json!({"file": source.path_of(p.span.start), "line": line, "column": column, "end_line": end_line,
                       "end_column": end_column, "reason": p.reason, "hint": p.hint})
            })
            .collect(),
        Err(problem) => vec![json!({"reason": problem.to_string()})],
    };
    println!("{}", json!({"imported": loaded.is_ok(), "problems": problems}));
    if let Err(problem) = loaded {
        return Err(problem.into());
    }
    Ok(())
}

pub fn transforms(
    file: Option<&str>,
    inputs: &InputArgs,
    strategy: &Strategy,
    as_json: bool,
) -> Result<(), Fault> {
    let Some(file) = file else {
        if as_json {
            let list: Vec<_> = weft_transforms::ALL.iter().map(|t| describe(t.info())).collect();
            println!("{}", json!(list));
        } else {
            for transform in weft_transforms::ALL {
                println!("{:<26} {}", transform.info().name, transform.info().what);
            }
        }
        return Ok(());
    };
    let kernel = Kernel::load(&Target::parse(file), &inputs.inputs()?)?;
    let graph = optimize(&kernel, strategy)?.graph;
    let found: Vec<_> = weft_transforms::applicable(&graph).collect();
    if as_json {
        let list: Vec<_> = found
            .iter()
            .map(|(t, site, verdict)| match verdict {
                Ok(()) => json!({"transform": t.info().name, "at": site.label, "applies": true}),
                Err(r) => json!({"transform": t.info().name, "at": site.label, "applies": false,
                                 "condition": r.condition, "reason": r.reason}),
            })
            .collect();
        println!("{}", json!(list));
        return Ok(());
    }
    for (transform, site, verdict) in found {
        match verdict {
            Ok(()) => println!("{:<26} {}", transform.info().name, site.label),
            Err(refusal) => {
                println!("{:<26} {}\n{:<26}   no: {}", transform.info().name, site.label, "", refusal.reason)
            }
        }
    }
    Ok(())
}

fn describe(info: &Info) -> serde_json::Value {
    let params: Vec<_> = info.params.iter().map(|p| json!({"name": p.name, "help": p.help})).collect();
    json!({"name": info.name, "what": info.what, "why": info.why, "params": params,
           "conditions": info.conditions.iter().map(|c| c.text).collect::<Vec<_>>()})
}

pub fn explain(name: &str) -> Result<(), Fault> {
    find(name)?;
    println!("{}", weft_transforms::explain(name).unwrap_or_default());
    Ok(())
}

fn find(name: &str) -> Result<&'static dyn weft_transforms::Transformation, Problem> {
    weft_transforms::find(name).ok_or_else(|| {
        let names: Vec<&str> = weft_transforms::ALL.iter().map(|t| t.info().name).collect();
        Problem::usage(format!("no transformation is called '{name}'; there are {}", names.join(", ")))
    })
}

pub fn apply(
    kernel: &Kernel,
    strategy: &Strategy,
    name: &str,
    at: Option<&str>,
    params: &[String],
    output: &Path,
) -> Result<(), Fault> {
    let graph = optimize(kernel, strategy)?.graph;
    let transform = find(name)?;
    let site = choose_site(&graph, transform, at)?;
    let settings = parse_settings(transform.info(), params)?;
    let step = Step { transform: transform.info().name.into(), at: site.label.clone(), params: settings };
    let (after, _) = weft_transforms::replay(&graph, &Recipe(vec![step])).map_err(Problem::usage)?;
    write(output, &work::export(&after, Format::Sdfg)?)?;
    println!("applied {} at {}", transform.info().name, site.label);
    Ok(())
}

fn choose_site(
    graph: &Verified,
    transform: &dyn weft_transforms::Transformation,
    at: Option<&str>,
) -> Result<Site, Problem> {
    let sites = transform.sites(graph);
    let list = || sites.iter().map(|s| format!("  {}", s.label)).collect::<Vec<_>>().join("\n");
    let name = transform.info().name;
    match at {
        Some(label) => sites.iter().find(|s| s.label == label).cloned().ok_or_else(|| {
            Problem::usage(format!("{name} fits no place called '{label}'; it fits at\n{}", list()))
        }),
        None if sites.len() == 1 => Ok(sites[0].clone()),
        None if sites.is_empty() => Err(Problem::usage(format!("{name} fits no place in this graph"))),
        None => {
            Err(Problem::usage(format!("{name} fits at several places, name one with --at:\n{}", list())))
        }
    }
}

fn parse_settings(info: &Info, params: &[String]) -> Result<Settings, Problem> {
    let mut settings = Settings::new();
    for text in params {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| Problem::usage(format!("--param {text}: write NAME=VALUE")))?;
        let param = info.params.iter().find(|p| p.name == key).ok_or_else(|| {
            let names: Vec<&str> = info.params.iter().map(|p| p.name).collect();
            Problem::usage(format!("{} has no parameter '{key}'; it has {}", info.name, names.join(", ")))
        })?;
        let bad = || Problem::usage(format!("--param {text}: {}", param.help));
        let setting = match param.kind {
            ParamKind::Int { .. } => Setting::Int(value.parse().map_err(|_| bad())?),
            ParamKind::Ints { .. } => {
                let list = value
                    .trim_matches(['[', ']'])
                    .split(',')
                    .map(|v| v.trim().parse())
                    .collect::<Result<_, _>>();
                Setting::Ints(list.map_err(|_| bad())?)
            }
            ParamKind::Choice { .. } | ParamKind::Text { .. } => Setting::Text(value.to_string()),
        };
        settings.insert(key.to_string(), setting);
    }
    Ok(settings)
}

pub fn export(kernel: &Kernel, strategy: &Strategy, format: Format, output: &Path) -> Result<(), Fault> {
    let graph = optimize(kernel, strategy)?.graph;
    write(output, &work::export(&graph, format)?)?;
    Ok(())
}
