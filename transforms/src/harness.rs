//! Checks every transformation against its fixtures, and adds what the author did not write.
//!
//! `transforms/fixtures/<stem>.fixture` holds cases:
//! ```text
//! === title
//! sdfg …                                 the graph before
//! sizes: N=4, M=1                        optional: instead of random sizes
//! apply: m0, m1 with {"sizes": [4]}      a site's label, and the parameters that are not defaults
//! ->
//! sdfg …                                 the graph after
//! ```
//! or, instead of `->`, `refused: condition "part of the reason"`. A refusal is taken back in the
//! test: with its condition switched off, the result must be wrong (invalid, a fault of the
//! interpreter, or other values), which shows that the condition is needed. There is no exception.
//!
//! Added to every case: the graphs verify, print and parse back; old places are forwarded to places
//! that exist; the interpreter gives the same results before and after, on random arguments, sizes
//! and orders of map iterations. `WEFT_FIXTURE=stem` runs one file.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use weft_ir::dtype::{DType, Scalar};
use weft_ir::interp::{self, Array, Fault};
use weft_ir::names::Name;
use weft_ir::sdfg::{Guard, Place, Region, Sdfg, Verified, verify};
use weft_ir::text;

use crate::support::without;
use crate::{ALL, Keeps, Plan, Refusal, Settings, Transformation, apply, find_site};

enum Outcome {
    Becomes(String),
    Refused { condition: String, reason: String },
}

struct Case {
    title: String,
    before: String,
    at: String,
    settings: Settings,
    sizes: BTreeMap<Name, i64>,
    outcome: Outcome,
}

/// `MapFusion` -> `map_fusion`, `InlineSDFG` -> `inline_sdfg`.
pub fn stem(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let starts = c.is_uppercase()
            && i > 0
            && (chars[i - 1].is_lowercase()
                || (chars.get(i + 1).is_some_and(|n| n.is_lowercase()) && chars[i - 1].is_uppercase()));
        if starts {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn read_cases(text: &str) -> Result<Vec<Case>, String> {
    let mut cases = vec![];
    for part in format!("\n{text}").split("\n=== ").skip(1) {
        let (title, body) = part.split_once('\n').ok_or("a case without a body")?;
        let mut case = Case {
            title: title.trim().to_string(),
            before: String::new(),
            at: String::new(),
            settings: Settings::new(),
            sizes: BTreeMap::new(),
            outcome: Outcome::Becomes(String::new()),
        };
        let wrong = |why: &str| format!("case '{title}': {why}");
        let mut after: Option<String> = None;
        let mut said = false;
        for line in body.lines() {
            if let Some(after) = &mut after {
                after.push_str(line);
                after.push('\n');
            } else if let Some(rest) = line.strip_prefix("apply:") {
                let (at, json) = rest.split_once(" with ").unwrap_or((rest, "{}"));
                case.at = at.trim().to_string();
                case.settings = serde_json::from_str(json).map_err(|e| wrong(&e.to_string()))?;
            } else if let Some(rest) = line.strip_prefix("sizes:") {
                for pair in rest.split(',') {
                    let (name, value) = pair.split_once('=').ok_or_else(|| wrong("sizes are NAME=VALUE"))?;
                    let value = value.trim().parse().map_err(|_| wrong("a size is an integer"))?;
                    case.sizes.insert(Name::new(name.trim()), value);
                }
            } else if line.trim() == "->" {
                (after, said) = (Some(String::new()), true);
            } else if let Some(rest) = line.strip_prefix("refused:") {
                let (condition, reason) = rest.trim().split_once(' ').unwrap_or((rest.trim(), "\"\""));
                case.outcome = Outcome::Refused {
                    condition: condition.to_string(),
                    reason: reason.trim().trim_matches('"').to_string(),
                };
                said = true;
            } else {
                case.before += &format!("{line}\n");
            }
        }
        if let Some(after) = after {
            case.outcome = Outcome::Becomes(after);
        }
        if !said {
            return Err(wrong("neither '->' nor 'refused:'"));
        }
        cases.push(case);
    }
    Ok(cases)
}

// ---- graphs ----------------------------------------------------------------------------

/// Parses and verifies, and checks that the text form keeps the graph.
pub fn graph(source: &str) -> Result<Verified, String> {
    let sdfg = text::parse(source).map_err(|e| format!("{e}\n{source}"))?;
    let graph = verify(sdfg).map_err(|v| {
        let lines: Vec<&str> = v.iter().map(|v| v.message.as_str()).collect();
        format!("does not verify: {}\n{source}", lines.join("; "))
    })?;
    round_trip(&graph)?;
    Ok(graph)
}

fn round_trip(graph: &Sdfg) -> Result<(), String> {
    let printed = text::print(graph);
    let again =
        text::parse(&printed).map_err(|e| format!("what is printed does not parse: {e}\n{printed}"))?;
    if !text::equivalent(graph, &again) {
        return Err(format!("printed and parsed it is another graph:\n{printed}\n{}", text::print(&again)));
    }
    let file = weft_ir::json::write(graph);
    let again =
        weft_ir::json::read(&file).map_err(|e| format!("what is saved cannot be read: {e:?}\n{printed}"))?;
    if !text::equivalent(graph, &again) {
        return Err(format!("saved and read it is another graph:\n{printed}\n{}", text::print(&again)));
    }
    Ok(())
}

fn places(sdfg: &Sdfg) -> BTreeSet<Place> {
    fn walk(region: &Region, found: &mut BTreeSet<Place>) {
        region.walk(&mut |block| {
            found.insert(Place::Block(block.id));
            let Some(graph) = block.state() else { return };
            found.extend(graph.edges().map(|e| Place::Edge(e.id)));
            found.extend(graph.maps().map(|(id, _)| Place::Map(id)));
            for (id, node) in graph.nodes() {
                found.insert(Place::Node(id));
                if let weft_ir::sdfg::Node::Nested(nested) = node {
                    walk(&nested.sdfg.body, found);
                }
            }
        });
    }
    let mut found = BTreeSet::from([Place::Whole]);
    walk(&sdfg.body, &mut found);
    found
}

// ---- running ---------------------------------------------------------------------------

/// A small generator: SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> i64 {
        (self.next() % n) as i64
    }

    fn value(&mut self, dtype: DType) -> Scalar {
        let real = (self.next() >> 11) as f64 / (1u64 << 53) as f64 * 4.0 - 1.5;
        match dtype {
            DType::Bool => Scalar::Bool(self.next() & 1 == 1),
            DType::F32 => Scalar::F32(real as f32),
            DType::F64 => Scalar::F64(real),
            DType::C64 => Scalar::Complex(dtype, (real as f32).into(), 0.5),
            DType::C128 => Scalar::Complex(dtype, real, 0.5),
            int if int.is_signed() => Scalar::Int(int, i128::from(self.below(9)) - 4),
            int => Scalar::Int(int, self.below(9).into()),
        }
    }
}

type Arguments = (BTreeMap<Name, i64>, BTreeMap<Name, Array>);

/// Random values for the symbols that keep the guards, and random arrays; `None` if no values
/// were found that keep them.
pub fn arguments(graph: &Sdfg, random: &mut Random, fixed: &BTreeMap<Name, i64>) -> Option<Arguments> {
    for _ in 0..400 {
        let mut symbols: BTreeMap<Name, i64> =
            graph.symbols.keys().map(|&n| (n, 1 + random.below(6))).collect();
        symbols.extend(fixed.iter().map(|(n, v)| (*n, *v)));
        let value = |n: Name| symbols.get(&n).copied();
        let kept = graph.guards.iter().all(|g| match g {
            Guard::NonNegative(e) => e.eval(&value).is_ok_and(|v| v >= 0),
            Guard::Zero(e) => e.eval(&value) == Ok(0),
        });
        if !kept {
            continue;
        }
        let mut arrays = BTreeMap::new();
        for (name, data) in graph.data.iter().filter(|(n, d)| !d.transient && !graph.returns.contains(n)) {
            let shape: Option<Vec<usize>> =
                data.shape.iter().map(|e| usize::try_from(e.eval(&value).ok()?).ok()).collect();
            let shape = shape?;
            let count = shape.iter().product();
            let values: Vec<Scalar> = (0..count).map(|_| random.value(data.dtype)).collect();
            arrays.insert(*name, Array::from_scalars(data.dtype, &shape, &values)?);
        }
        return Some((symbols, arrays));
    }
    None
}

fn run(graph: &Verified, arguments: &Arguments, seed: u64) -> Result<BTreeMap<Name, Array>, Fault> {
    let mut arrays = arguments.1.clone();
    let options = interp::Options { seed, max_steps: 2_000_000 };
    interp::run(graph, &arguments.0, &mut arrays, options)?;
    Ok(arrays)
}

fn close(a: Scalar, b: Scalar, keeps: Keeps) -> bool {
    let near = |x: f64, y: f64, tolerance: f64| {
        (x.is_nan() && y.is_nan())
            || x == y
            || (keeps == Keeps::UpToRounding && (x - y).abs() <= tolerance * (1.0 + x.abs().max(y.abs())))
    };
    match (a, b) {
        (Scalar::F64(x), Scalar::F64(y)) => near(x, y, 1e-10),
        (Scalar::F32(x), Scalar::F32(y)) => near(x.into(), y.into(), 1e-4),
        (Scalar::Complex(_, x, y), Scalar::Complex(_, u, v)) => near(x, u, 1e-4) && near(y, v, 1e-4),
        (a, b) => a == b,
    }
}

/// Interprets both graphs on random arguments and orders; says how they differ.
pub fn differ(
    before: &Verified,
    after: &Verified,
    keeps: Keeps,
    sizes: &BTreeMap<Name, i64>,
) -> Result<Option<String>, String> {
    let mut random = Random(7);
    for round in 0..6u64 {
        let arguments =
            arguments(before, &mut random, sizes).ok_or("no sizes were found that keep the guards")?;
        let expected = match run(before, &arguments, round) {
            Ok(expected) => expected,
            Err(fault) if run(after, &arguments, round).is_ok() => {
                return Ok(Some(format!("for {:?}: the graph before fails: {fault}", arguments.0)));
            }
            Err(fault) => return Err(format!("both graphs fail for {:?}: {fault}", arguments.0)),
        };
        for seed in 0..3u64 {
            let found = match run(after, &arguments, seed * 31 + round) {
                Ok(found) => found,
                Err(fault) => return Ok(Some(format!("for {:?}: {fault}", arguments.0))),
            };
            for (name, array) in &expected {
                let Some(other) = found.get(name) else { return Ok(Some(format!("'{name}' is missing"))) };
                let same = array.shape() == other.shape()
                    && array.scalars().zip(other.scalars()).all(|(a, b)| close(a, b, keeps));
                if !same {
                    return Ok(Some(format!(
                        "for {:?}: '{name}' is {:?} and not {:?}",
                        arguments.0,
                        other.scalars().collect::<Vec<_>>(),
                        array.scalars().collect::<Vec<_>>()
                    )));
                }
            }
        }
    }
    Ok(None)
}

// ---- cases -----------------------------------------------------------------------------

fn plan(t: &dyn Transformation, graph: &Verified, case: &Case) -> Result<Result<Plan, Refusal>, String> {
    let sites = t.sites(graph);
    let labels: Vec<String> = sites.iter().map(|s| s.label.clone()).collect();
    let site = find_site(sites, &case.at).ok_or(format!("no site '{}' among {labels:?}", case.at))?;
    let existing = places(graph);
    if let Some(place) = site.places.iter().find(|p| !existing.contains(p)) {
        return Err(format!("the site points at {place:?}, which is not in the graph"));
    }
    Ok(t.plan(graph, &site, &case.settings))
}

fn check_forwarding(before: &Sdfg, plan: &Plan) -> Result<(), String> {
    let (old, new) = (places(before), places(plan.preview()));
    for (from, to) in &plan.forwarding().0 {
        if !old.contains(from) {
            return Err(format!("forwards {from:?}, which was not there"));
        }
        if let Some(to) = to.iter().find(|p| !new.contains(p)) {
            return Err(format!("forwards {from:?} to {to:?}, which is not there"));
        }
    }
    for place in old.difference(&new).filter(|p| !matches!(p, Place::Edge(_))) {
        if !plan.forwarding().0.contains_key(place) {
            return Err(format!(
                "{place:?} ('{}') is gone and not forwarded",
                text::describe_place(before, *place)
            ));
        }
    }
    Ok(())
}

fn becomes(t: &dyn Transformation, before: &Verified, case: &Case, expected: &str) -> Result<(), String> {
    let plan = plan(t, before, case)?.map_err(|r| format!("refused: {} \"{}\"", r.condition, r.reason))?;
    check_forwarding(before, &plan)?;
    let (after, _) = apply(plan, before).expect("planned on this graph");
    round_trip(&after)?;
    if let Some(how) = differ(before, &after, t.info().keeps, &case.sizes)? {
        return Err(format!("the results differ {how}\n{}", text::print(&after)));
    }
    let expected = graph(expected)?;
    if !text::equivalent(&after, &expected) {
        return Err(format!("expected\n{}but got\n{}", text::print(&expected), text::print(&after)));
    }
    Ok(())
}

fn refuses(
    t: &dyn Transformation,
    before: &Verified,
    case: &Case,
    (condition, reason): (&str, &str),
) -> Result<(), String> {
    let Err(refusal) = plan(t, before, case)? else { return Err("not refused".into()) };
    if refusal.condition != condition || !refusal.reason.contains(reason) {
        return Err(format!("refused: {} \"{}\"", refusal.condition, refusal.reason));
    }
    if !places(before).contains(&refusal.place) {
        return Err(format!("the refusal is at {:?}, which is not in the graph", refusal.place));
    }
    // A condition that can be left out is too strict.
    let plan = match without(condition, || plan(t, before, case))? {
        Ok(plan) => plan,
        Err(refusal) if refusal.condition == "internal" => return Ok(()),
        Err(refusal) => {
            return Err(format!(
                "without the condition it is refused by another: {} \"{}\"",
                refusal.condition, refusal.reason
            ));
        }
    };
    match differ(before, plan.preview(), t.info().keeps, &case.sizes)? {
        Some(_) => Ok(()),
        None => Err(format!(
            "the condition is not needed here: without it the results are the same\n{}",
            text::print(plan.preview())
        )),
    }
}

fn check_case(t: &dyn Transformation, case: &Case) -> Result<(), String> {
    let before = graph(&case.before)?;
    match &case.outcome {
        Outcome::Becomes(after) => becomes(t, &before, case, after),
        Outcome::Refused { condition, reason } => refuses(t, &before, case, (condition, reason)),
    }
}

/// The example of the help: the first site of `before` for which the plan is `after`.
fn check_example(t: &dyn Transformation) -> Result<(), String> {
    let info = t.info();
    let (before, after) = (graph(info.before)?, graph(info.after)?);
    let mut seen = vec![];
    for site in t.sites(&before) {
        match t.plan(&before, &site, &Settings::new()) {
            Ok(plan) if text::equivalent(plan.preview(), &after) => return Ok(()),
            Ok(plan) => seen.push(text::print(plan.preview())),
            Err(refusal) => seen.push(format!("refused: {refusal}\n")),
        }
    }
    Err(format!("the example does not become what the help says, but:\n{}", seen.join("or\n")))
}

fn check_file(t: &dyn Transformation, source: &str) -> Vec<String> {
    let info = t.info();
    let stem = stem(info.name);
    let cases = match read_cases(source) {
        Ok(cases) => cases,
        Err(why) => return vec![format!("{stem}: {why}")],
    };
    let mut failures = vec![];
    let guarded = |f: &dyn Fn() -> Result<(), String>| {
        std::panic::catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|p| {
            let text = p
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| p.downcast_ref::<&str>().map(|s| s.to_string()));
            Err(format!("panics: {}", text.unwrap_or_default()))
        })
    };
    if let Err(why) = guarded(&|| check_example(t)) {
        failures.push(format!("{stem}, example: {why}"));
    }
    for case in &cases {
        if let Err(why) = guarded(&|| check_case(t, case)) {
            failures.push(format!("{stem}, case '{}': {why}", case.title));
        }
    }
    for condition in info.conditions {
        let has = cases
            .iter()
            .any(|c| matches!(&c.outcome, Outcome::Refused { condition: id, .. } if id == condition.id));
        if !has {
            failures.push(format!("{stem}: no fixture is refused by '{}'", condition.id));
        }
    }
    for case in &cases {
        if let Outcome::Refused { condition, .. } = &case.outcome
            && !info.conditions.iter().any(|c| c.id == condition)
        {
            failures.push(format!("{stem}, case '{}': the help does not name '{condition}'", case.title));
        }
    }
    if !cases.iter().any(|c| matches!(c.outcome, Outcome::Becomes(_))) {
        failures.push(format!("{stem}: no fixture that applies"));
    }
    failures
}

#[test]
fn fixtures() {
    let only = std::env::var("WEFT_FIXTURE").ok();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let mut failures = vec![];
    for t in ALL {
        let stem = stem(t.info().name);
        if only.as_ref().is_some_and(|o| *o != stem) {
            continue;
        }
        match std::fs::read_to_string(format!("{folder}/{stem}.fixture")) {
            Ok(source) => failures.extend(check_file(*t, &source)),
            Err(e) => failures.push(format!("{stem}: no fixture file: {e}")),
        }
    }
    assert!(failures.is_empty(), "{}\n{} failures", failures.join("\n\n"), failures.len());
}

#[test]
fn list_fixtures_and_sources_agree() {
    let root = env!("CARGO_MANIFEST_DIR");
    let listed: BTreeSet<String> = ALL.iter().map(|t| stem(t.info().name)).collect();
    assert_eq!(listed.len(), ALL.len(), "two transformations have one name");
    let files = |folder: &str, ending: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(format!("{root}/{folder}")).expect("folder");
        let names = entries.map(|e| e.expect("entry").file_name().into_string().expect("utf-8"));
        names.filter_map(|n| n.strip_suffix(ending).map(str::to_string)).collect()
    };
    assert_eq!(files("fixtures", ".fixture"), listed);
    let sources = files("src", ".rs");
    assert!(listed.is_subset(&sources), "without a source file: {:?}", listed.difference(&sources));
    for stem in sources.difference(&listed) {
        let source = std::fs::read_to_string(format!("{root}/src/{stem}.rs")).expect("source");
        assert!(!source.contains("\nimpl Transformation for"), "{stem} is not listed");
    }
    // A refusal that does not go through `require` could not be taken back.
    for stem in &listed {
        let source = std::fs::read_to_string(format!("{root}/src/{stem}.rs")).expect("source");
        assert!(!source.contains("Refusal {\n"), "{stem} refuses by itself");
    }
}
