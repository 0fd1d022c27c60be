//! Answers are never contradicted by an assignment that satisfies the facts.

use proptest::prelude::*;

use super::*;
use crate::symbolic::{Assumptions, Fact, Range, Truth};

fn facts() -> impl Strategy<Value = Vec<(Tree, bool)>> {
    prop::collection::vec((nearly_affine(), prop::bool::weighted(0.15)), 0..5)
}

fn assumptions(facts: &[(Tree, bool)]) -> Assumptions {
    let mut known = Assumptions::new();
    for (tree, equality) in facts {
        known.assume(if *equality { Fact::Zero(tree.expr()) } else { Fact::NonNeg(tree.expr()) });
    }
    known
}

fn worlds(facts: &[(Tree, bool)]) -> Vec<[i64; 4]> {
    let holds = |at: &[i64; 4]| {
        facts.iter().all(|(t, equality)| t.value(at).is_some_and(|v| if *equality { v == 0 } else { v >= 0 }))
    };
    assignments(-3, 5).filter(holds).collect()
}

fn check(
    truth: Truth,
    worlds: &[[i64; 4]],
    claim: impl Fn(&[i64]) -> Option<bool>,
    what: &str,
) -> Result<(), TestCaseError> {
    for at in worlds {
        if let Some(holds) = claim(at) {
            let contradicted = truth == if holds { Truth::No } else { Truth::Yes };
            prop_assert!(!contradicted, "{} is not {:?} at {:?}", what, truth, at);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn comparisons_are_sound(known in facts(), a in nearly_affine(), b in nearly_affine()) {
        let (worlds, assumed) = (worlds(&known), assumptions(&known));
        let (x, y) = (a.expr(), b.expr());
        let both = |at: &[i64]| a.value(at).zip(b.value(at));
        check(assumed.nonneg(&x), &worlds, |at| a.value(at).map(|v| v >= 0), &format!("{x} >= 0 if {assumed:?}"))?;
        check(assumed.le(&x, &y), &worlds, |at| both(at).map(|(x, y)| x <= y), &format!("{x} <= {y} if {assumed:?}"))?;
        check(assumed.lt(&x, &y), &worlds, |at| both(at).map(|(x, y)| x < y), &format!("{x} < {y} if {assumed:?}"))?;
        check(assumed.eq(&x, &y), &worlds, |at| both(at).map(|(x, y)| x == y), &format!("{x} == {y} if {assumed:?}"))?;
    }

    #[test]
    fn wild_comparisons_are_sound(known in facts(), a in small()) {
        let (worlds, assumed) = (worlds(&known), assumptions(&known));
        let x = a.expr();
        check(assumed.nonneg(&x), &worlds, |at| a.value(at).map(|v| v >= 0), &format!("{x} >= 0 if {assumed:?}"))?;
    }

    #[test]
    fn simplifying_keeps_the_value(known in facts(), a in prop_oneof![small(), nearly_affine()]) {
        let (worlds, assumed) = (worlds(&known), assumptions(&known));
        let e = assumed.simplify(&a.expr());
        for at in &worlds {
            if let Some(v) = a.value(at) {
                prop_assert_eq!(e.eval(&assign(at)).map(i128::from), Ok(v), "{} of {:?} at {:?}", e, a, at);
            }
        }
    }

    #[test]
    fn membership_is_sound(begin in -3i64..4, size in -2i64..7, step in prop::sample::select(vec![-3i64, -2, -1, 1, 2, 3]), a in nearly_affine()) {
        let range = Range::with_step(Expr::sym("N") + begin, Expr::sym("N") + (begin + size * step.signum()), step);
        let mut assumed = Assumptions::new();
        assumed.assume_in(Name::new("i"), &range);
        let inside = |at: &[i64; 4]| {
            let (first, end) = (at[1] + begin, at[1] + begin + size * step.signum());
            let i = at[2];
            (i - first) % step == 0 && if step > 0 { first <= i && i < end } else { end < i && i <= first }
        };
        let worlds: Vec<_> = assignments(-3, 5).filter(inside).collect();
        for at in &worlds {
            for fact in assumed.facts() {
                let v = fact.expr().eval(&assign(at));
                let holds = v.is_ok_and(|v| if matches!(fact, Fact::Zero(_)) { v == 0 } else { v >= 0 });
                prop_assert!(holds, "{:?} at {:?}", fact, at);
            }
        }
        let x = a.expr();
        check(assumed.nonneg(&x), &worlds, |at| a.value(at).map(|v| v >= 0), &format!("{x} >= 0 if {assumed:?}"))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn quotients_have_exact_bounds(
        x in nearly_affine(),
        d in prop_oneof![(2i64..5).prop_map(Tree::Int), Just(Tree::Sym(0))],
        (rising, k, shift) in (any::<bool>(), -1i64..2, -3i64..4),
    ) {
        let mut assumed = Assumptions::new();
        assumed.assume_gt(&Expr::sym("M"), &Expr::zero());
        let worlds: Vec<_> = assignments(-3, 5).filter(|at| at[0] > 0).collect();
        let (e, divisor) = (x.expr(), d.expr());
        let rest = &divisor * e.floor_div(&divisor) - &e;
        let claim = if rising { rest } else { -rest } + &divisor * k + shift;
        let value = |at: &[i64]| {
            let (x, d) = (x.value(at)?, d.value(at)?);
            let rest = -x.rem_euclid(d);
            Some(if rising { rest } else { -rest } + d * i128::from(k) + i128::from(shift) >= 0)
        };
        check(assumed.nonneg(&claim), &worlds, value, &format!("{claim} >= 0"))?;
    }

    #[test]
    fn nested_divisions_keep_the_value(
        x in nearly_affine(),
        levels in prop::collection::vec((any::<bool>(), 1i64..9, -5i64..6), 1..4),
        at in prop::array::uniform4(-30i64..30),
    ) {
        let tree = levels.into_iter().fold(x, |t, (quotient, d, shift)| {
            let t = Tree::Binary(if quotient { "//" } else { "%" }, Box::new((t, Tree::Int(d))));
            Tree::Binary("+", Box::new((t, Tree::Int(shift))))
        });
        prop_assert_eq!(tree.expr().eval(&assign(&at)).map(i128::from).ok(), tree.value(&at));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn suggestions_change_no_answer(known in facts(), a in nearly_affine(), at in prop::array::uniform4(-3i64..9)) {
        let (plain, x) = (assumptions(&known), a.expr());
        let mut told = plain.clone();
        NAMES.iter().zip(at).for_each(|(name, value)| told.suggest(Name::new(name), value));
        // Answers are kept for each thread.
        let answer = |facts: Assumptions, x: Expr| std::thread::spawn(move || facts.nonneg(&x)).join().ok();
        prop_assert_eq!(answer(told, x.clone()), answer(plain, x), "{:?} if {:?}", a, known);
    }
}

#[test]
fn hard_questions_end_soon() {
    let mut known = Assumptions::new();
    let sym = |k: usize| Expr::sym(format!("h{k}").as_str());
    for k in 0..60 {
        known.assume_ge(&(sym(k) * 3 + sym((k * 7 + 1) % 60) * 5), &(sym((k * 11 + 5) % 60) * 7 - 3));
        known.assume_ge(&sym(k), &sym((k + 1) % 60).floor_div(&Expr::int(3)).min(sym((k + 2) % 60)));
    }
    let started = std::time::Instant::now();
    let _ = known.nonneg(&(sym(0) * 2 - sym(9) * 5 + sym(20).max(sym(21))));
    let all: Vec<Expr> = (0..60).map(sym).collect();
    let _ = known.simplify(&Expr::min_of(&all).unwrap_or_default());
    let _ = known.find(&[Fact::NonNeg(sym(0) - 1)]);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
