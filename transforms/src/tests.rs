//! What the fixtures do not say: whole kernels, planted errors, recipes.

use std::collections::BTreeMap;
use std::time::Instant;

use weft_ir::text;

use crate::harness::{differ, graph};
use crate::support::without;
use crate::{
    Keeps, Recipe, Settings, Step, StepError, Transformation, explain, find_site, inline_sdfg, loop_to_map,
    map_fusion, map_tiling, replay, simplify, strip_mining,
};

const FLOYD_WARSHALL: &str = "\
sdfg floyd_warshall(path: f64[N, N])
  guard N - 3 >= 0
  transient detour: f64[N, N]
  loop k = 0:N @rounds
    state s0
      map m0 [i = 0:N, j = 0:N]
        t0: detour[i, j] = path[i, k] + path[k, j]
    state s1
      map m1 [i1 = 0:N, j1 = 0:N]
        t1: path[i1, j1] = minimum(path[i1, j1], detour[i1, j1])
";

const JACOBI_IN_PLACE: &str = "\
sdfg jacobi(A: f64[N])
  guard N - 4 >= 0
  loop i = 1:N - 1 @sweep
    state s0
      t0: A[i] = 0.5 * (A[i - 1] + A[i + 1])
";

const CHOLESKY: &str = "\
sdfg cholesky(A: f64[N, N])
  guard N - 3 >= 0
  transient s: f64
  loop j = 0:N @columns
    state s0
      t0: s = 0.0
    loop k = 0:j @dots
      state s1
        t1: s = s + A[j, k] * A[j, k]
    state s2
      t2: A[j, j] = sqrt(abs(A[j, j] - s))
    loop i = j + 1:N @rows
      loop l = 0:j @inner
        state s3
          t3: A[i, j] = A[i, j] - A[i, l] * A[j, l]
      state s4
        t4: A[i, j] = A[i, j] / A[j, j]
";

/// Who saw that a planted step is wrong.
#[derive(Debug, PartialEq)]
enum Seen {
    ByTheVerifier(String),
    ByTheInterpreter(String),
}

/// Plans with a condition switched off that has just refused.
fn planted(source: &str, transform: &dyn Transformation, at: &str, condition: &str) -> Seen {
    let before = graph(source).unwrap();
    let site = find_site(transform.sites(&before), at).unwrap();
    let refusal = transform.plan(&before, &site, &Settings::new()).unwrap_err();
    assert_eq!(refusal.condition, condition, "{}", refusal.reason);
    match without(condition, || transform.plan(&before, &site, &Settings::new())) {
        Err(refusal) => Seen::ByTheVerifier(refusal.reason),
        Ok(plan) => {
            let wrong = differ(&before, plan.preview(), Keeps::UpToRounding, &BTreeMap::new()).unwrap();
            Seen::ByTheInterpreter(wrong.unwrap_or_else(|| panic!("nobody has seen the step at {at}")))
        }
    }
}

#[test]
fn an_illegal_loop_to_map_is_caught() {
    let condition = "no-carried-dependence";
    for (source, at) in [(JACOBI_IN_PLACE, "sweep"), (CHOLESKY, "columns")] {
        let seen = planted(source, &loop_to_map::LoopToMap, at, condition);
        assert!(matches!(seen, Seen::ByTheInterpreter(_)), "{at}: {seen:?}");
    }
    planted(FLOYD_WARSHALL, &loop_to_map::LoopToMap, "rounds", condition);
}

/// The textbook's wrong step: relaxing in place. The diagonal may be negative, as all data here.
#[test]
fn a_fusion_over_a_carried_dependence_is_caught() {
    let fused = FLOYD_WARSHALL.replace("    state s1\n", "");
    let seen = planted(&fused, &map_fusion::MapFusion, "m0, m1", "reads-before-writes");
    assert!(matches!(seen, Seen::ByTheInterpreter(_)), "{seen:?}");
}

#[test]
fn independent_rows_of_cholesky_become_a_map() {
    let before = graph(CHOLESKY).unwrap();
    let site = find_site(loop_to_map::LoopToMap.sites(&before), "rows").unwrap();
    let plan = loop_to_map::LoopToMap.plan(&before, &site, &Settings::new()).unwrap();
    assert_eq!(differ(&before, plan.preview(), Keeps::Exactly, &BTreeMap::new()).unwrap(), None);
}

const STATEMENTS: &str = "\
sdfg statements(A: f64[N], B: f64[N])
  guard N - 3 >= 0
  transient t0: f64[N - 2]
  transient t1: f64[N - 2]
  transient dead: f64[N]
  loop t = 0:3 @steps
    state s0
      map m0 [i = 0:N - 2]
        a: t0[i] = A[i] + A[i + 2]
    state s1
      map m1 [j = 0:N - 2]
        b: t1[j] = t0[j] * 0.5
    state s2
      copy t1[0:N - 2] -> B[1:N - 1]
    state s3
      map m2 [k = 0:N]
        c: dead[k] = B[k] * 2.0
    state s4
    state s5
      copy B[1:N - 1] -> A[1:N - 1]
";

#[test]
fn simplify_reaches_a_fixed_point_that_its_recipe_reaches_too() {
    for source in [STATEMENTS, FLOYD_WARSHALL, CHOLESKY] {
        let before = graph(source).unwrap();
        let started = Instant::now();
        let (after, recipe, forwarding) = simplify(&before);
        let took = started.elapsed();
        assert_eq!(differ(&before, &after, Keeps::Exactly, &BTreeMap::new()).unwrap(), None);
        let (again, more, _) = simplify(&after);
        assert!(more.0.is_empty() && text::equivalent(&again, &after));
        let json = serde_json::to_string(&recipe).unwrap();
        let read: Recipe = serde_json::from_str(&json).unwrap();
        let (replayed, moved) = replay(&before, &read).unwrap();
        assert!(text::equivalent(&replayed, &after), "{}", text::print(&replayed));
        assert_eq!(moved, forwarding);
        assert!(took.as_millis() < 250, "{took:?} for {} steps", recipe.0.len());
    }
    let (after, ..) = simplify(&graph(STATEMENTS).unwrap());
    assert_eq!(after.states().len(), 1, "{}", text::print(&after));
    assert!(!after.data.contains_key(&"dead".into()) && !after.data.contains_key(&"t1".into()));
}

/// Each row's sum is used once in a row of B, or in every element of it.
fn sums(at: &str, map: &str) -> String {
    format!(
        "\
sdfg sums(A: f64[N, M], B: f64[N, M])
  guard M - 1 >= 0
  transient tmp: f64[N]
  transient row: f64[M]
  state s0
    map m0 [i = 0:N]
      local row
      copy A[i, 0:M] -> row[0:M]
      sum: reduce sum tmp[i] = row[0:M] over 0 from 0.0
    map m1 [{map}]
      add: B[{at}] = tmp[j] + 1.0
"
    )
}

#[test]
fn auto_repeats_no_reduction() {
    let maps = |source: &str| {
        let before = graph(source).unwrap();
        let (after, ..) = crate::auto(&before);
        assert_eq!(differ(&before, &after, Keeps::UpToRounding, &BTreeMap::new()).unwrap(), None);
        after.states().iter().map(|(_, s)| s.maps().count()).sum::<usize>()
    };
    assert_eq!(maps(&sums("j, 0", "j = 0:N")), 1);
    assert_eq!(maps(&sums("j, k", "j = 0:N, k = 0:M")), 2);
}

/// What auto does without verifying each step is what its recipe does, verified at each step.
#[test]
fn the_recipe_of_auto_makes_the_same_graph() {
    for source in [STATEMENTS, FLOYD_WARSHALL, CHOLESKY, &sums("j, 0", "j = 0:N")] {
        let before = graph(source).unwrap();
        let (after, recipe, forwarding) = crate::auto(&before);
        let (replayed, moved) = replay(&before, &recipe).unwrap();
        assert!(text::equivalent(&replayed, &after), "{}", text::print(&replayed));
        // What a step adds has other ids in each.
        for (from, to) in &forwarding.0 {
            assert!(moved.0.get(from).is_none_or(|other| other.len() == to.len()), "{from:?}");
        }
    }
}

const CALL_AFTER_A_READ: &str = "\
sdfg f(A: f64[N], B: f64[N])
  state s0
    map m1 [j = 0:N]
      t1: B[j] = A[j] + 2.0
    nested call (N = N) after m1
      out A[0:N] = x
      sdfg inner(x: f64[N])
        state s1
          map m0 [i = 0:N]
            t0: x[i] = 1.0
";

/// Tiling makes the reader newer than what is inside of the nested SDFG; the order is not that of age.
#[test]
fn what_is_inlined_stays_after_what_it_was_after() {
    let before = graph(CALL_AFTER_A_READ).unwrap();
    let step = |graph: &weft_ir::sdfg::Verified, transform: &dyn Transformation, at: &str| {
        let site = find_site(transform.sites(graph), at).unwrap();
        transform.plan(graph, &site, &Settings::new()).unwrap().preview().clone()
    };
    let tiled = step(&before, &map_tiling::MapTiling, "m1");
    let inlined = step(&tiled, &inline_sdfg::InlineSDFG, "call");
    assert_eq!(differ(&before, &inlined, Keeps::Exactly, &BTreeMap::new()).unwrap(), None);
}

#[test]
fn a_dimension_that_a_map_does_not_have_is_a_wrong_setting() {
    let before = graph(STATEMENTS).unwrap();
    let site = find_site(strip_mining::StripMining.sites(&before), "m0").unwrap();
    let settings = Settings::from([("dim".to_string(), crate::Setting::Text("k".into()))]);
    let refusal = strip_mining::StripMining.plan(&before, &site, &settings).unwrap_err();
    assert_eq!(refusal.condition, "parameter");
    assert_eq!(refusal.reason, "parameter 'dim' of StripMining is 'k', but 'm0' iterates over i");
}

#[test]
fn errors_of_recipes_say_what_is_possible() {
    let before = graph(STATEMENTS).unwrap();
    let step = |transform: &str, at: &str| {
        Recipe(vec![Step { transform: transform.into(), at: at.into(), params: Settings::new() }])
    };
    let error = |recipe: Recipe| replay(&before, &recipe).unwrap_err();
    assert_eq!(
        error(step("Fusion", "m0")).to_string(),
        "step 1: no transformation is called 'Fusion'; is 'StateFusion' meant?"
    );
    let text = error(step("StateFusion", "s0")).to_string();
    assert!(text.starts_with("step 1: StateFusion fits nowhere at 's0'; it fits at: s0, s1; "), "{text}");
    let refused = error(step("LoopToMap", "steps"));
    assert!(matches!(refused.error, StepError::Refused { .. }), "{refused}");
}

#[test]
fn every_explanation_has_all_headings() {
    for t in crate::ALL {
        let text = explain(&t.info().name.to_lowercase()).expect("the help");
        for heading in ["What", "Why", "Applies when", "Parameters", "Example", "Keeps"] {
            assert!(text.lines().any(|l| l == heading), "{}: {heading}", t.info().name);
        }
    }
    assert_eq!(explain("Nothing"), None);
}
