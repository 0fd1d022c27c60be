//! Subsets against enumeration.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::symbolic::{Assumptions, Range, Subset, Truth};

/// `begin:end:step` with begin and end affine in the symbols.
fn ranges() -> impl Strategy<Value = Range> {
    let bound = || {
        (0..NAMES.len(), -2i64..3, -4i64..6).prop_map(|(k, c, shift)| Expr::sym(NAMES[k]) * c + shift).boxed()
    };
    let step = prop::sample::select(vec![1i64, 1, 1, 2, 3, -1, -2]);
    prop_oneof![
        2 => bound().prop_map(Range::index),
        3 => (bound(), bound(), step.clone()).prop_map(|(b, e, s)| Range::with_step(b, e, s)),
        2 => (bound(), 0i64..6, step)
            .prop_map(|(b, n, s)| Range::with_step(b.clone(), b + n * s.signum(), s)),
    ]
}

fn elements(r: &Range, at: &[i64]) -> Vec<i64> {
    let value = |e: &Expr| e.eval(&assign(at)).expect("a value");
    let (mut k, end, step) = (value(&r.begin), value(&r.end), value(&r.step));
    let mut out = Vec::new();
    while if step > 0 { k < end } else { k > end } {
        out.push(k);
        k += step;
    }
    out
}

fn points(s: &Subset, at: &[i64]) -> BTreeSet<Vec<i64>> {
    s.0.iter().fold(BTreeSet::from([Vec::new()]), |all, r| {
        let elements = elements(r, at);
        all.iter().flat_map(|p| elements.iter().map(|x| [p.clone(), vec![*x]].concat())).collect()
    })
}

fn subsets(rank: usize) -> impl Strategy<Value = Subset> {
    prop::collection::vec(ranges(), rank).prop_map(Subset)
}

/// `M, N >= 0` and `0 <= i < N`; or nothing.
fn known(some: bool) -> (Assumptions, Vec<[i64; 4]>) {
    let mut facts = Assumptions::new();
    if some {
        facts.assume_ge(&Expr::sym("M"), &Expr::zero());
        facts.assume_ge(&Expr::sym("N"), &Expr::zero());
        facts.assume_in(Name::new("i"), &Range::new(0, Expr::sym("N")));
    }
    let inside = |at: &[i64; 4]| !some || (at[0] >= 0 && at[1] >= 0 && at[2] >= 0 && at[2] < at[1]);
    let worlds = assignments(-2, 5).filter(inside).step_by(3).collect();
    (facts, worlds)
}

fn check(truth: Truth, holds: bool, what: &str, at: &[i64]) -> Result<(), TestCaseError> {
    let contradicted = truth == if holds { Truth::No } else { Truth::Yes };
    prop_assert!(!contradicted, "{} is not {:?} at {:?}", what, truth, at);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn sizes_count(r in ranges(), some in any::<bool>()) {
        let (facts, worlds) = known(some);
        for at in &worlds {
            let count = elements(&r, at).len() as i64;
            prop_assert_eq!(r.size().eval(&assign(at)), Ok(count), "{} at {:?}", r, at);
            prop_assert_eq!(r.size_under(&facts).eval(&assign(at)), Ok(count), "{} at {:?}", r, at);
            if count > 0 {
                prop_assert_eq!(r.last().eval(&assign(at)).ok(), elements(&r, at).last().copied());
            }
            check(r.is_empty(&facts), count == 0, &format!("{r} is empty"), at)?;
        }
    }

    #[test]
    fn subset_text_reads_back(s in subsets(3)) {
        prop_assert_eq!(Subset::parse(&s.to_string()), Ok(s.clone()), "{}", s);
    }

    #[test]
    fn relations_are_sound(a in subsets(2), b in subsets(2), some in any::<bool>()) {
        let (facts, worlds) = known(some);
        let (covers, disjoint) = (a.covers(&b, &facts), a.disjoint(&b, &facts));
        let hull = a.union_hull(&b, &facts);
        for at in &worlds {
            let (x, y) = (points(&a, at), points(&b, at));
            check(covers, y.is_subset(&x), &format!("[{a}] covers [{b}]"), at)?;
            check(disjoint, y.is_disjoint(&x), &format!("[{a}] disjoint from [{b}]"), at)?;
            if let Some(hull) = &hull {
                let z = points(hull, at);
                prop_assert!(x.is_subset(&z) && y.is_subset(&z), "[{}] holds [{}] and [{}] at {:?}", hull, a, b, at);
            }
        }
    }

    #[test]
    fn one_dimension_is_sound(a in ranges(), b in ranges(), some in any::<bool>()) {
        let (facts, worlds) = known(some);
        let (a, b) = (Subset(vec![a]), Subset(vec![b]));
        let (covers, disjoint) = (a.covers(&b, &facts), a.disjoint(&b, &facts));
        for at in &worlds {
            let (x, y) = (points(&a, at), points(&b, at));
            check(covers, y.is_subset(&x), &format!("[{a}] covers [{b}]"), at)?;
            check(disjoint, y.is_disjoint(&x), &format!("[{a}] disjoint from [{b}]"), at)?;
        }
    }

    #[test]
    fn images_hold_every_point(
        r in ranges(), odd in prop::option::of(nearly_affine()), pi in ranges(), pj in ranges(), some in any::<bool>(),
    ) {
        let (i, j) = (Name::new("i"), Name::new("j"));
        let fixed = |r: &Range, n: Name| Range {
            begin: r.begin.subst1(n, &Expr::int(1)),
            end: r.end.subst1(n, &Expr::int(1)),
            step: r.step.clone(),
        };
        // i does not depend on j or itself; j may depend on i.
        let (pi, pj) = (fixed(&fixed(&pi, i), j), fixed(&pj, j));
        let s = Subset(vec![odd.map_or(r, |t| Range::index(t.expr()))]);
        let mut facts = Assumptions::new();
        if some {
            facts.assume_ge(&Expr::sym("M"), &Expr::one());
            facts.assume_ge(&Expr::sym("N"), &Expr::zero());
        }
        let image = s.image(&[(i, pi.clone()), (j, pj.clone())], &facts);
        let Some(image) = image else { return Ok(()) };
        prop_assert!(!image.contains(i) && !image.contains(j), "{image}");
        for (m, n) in (-2..5).flat_map(|m| (-2..5).map(move |n| (m, n))) {
            if some && (m < 1 || n < 0) {
                continue;
            }
            let all = points(&image, &[m, n, 0, 0]);
            for x in elements(&pi, &[m, n, 0, 0]) {
                for y in elements(&pj, &[m, n, x, 0]) {
                    let some = points(&s, &[m, n, x, y]);
                    prop_assert!(some.is_subset(&all), "[{}] for i in {}, j in {}: [{}] lacks {:?} at M={m}, N={n}, i={x}, j={y}", s, pi, pj, image, some);
                }
            }
        }
    }

    #[test]
    fn composing_selects_from_the_selection(outer in subsets(2), inner in prop::collection::vec((0i64..3, 1i64..3, 1i64..3), 2)) {
        let inner = Subset(inner.into_iter().map(|(b, n, s)| Range::with_step(b, b + n, s)).collect());
        let whole = Subset::compose(&outer, &inner);
        for at in assignments(-2, 5).step_by(7) {
            for d in 0..2 {
                let base = elements(&outer.0[d], &at);
                let picked: Option<Vec<i64>> =
                    elements(&inner.0[d], &at).into_iter().map(|k| base.get(k as usize).copied()).collect();
                if let Some(picked) = picked {
                    prop_assert_eq!(elements(&whole.0[d], &at), picked, "[{}][{}] is [{}] at {:?}", outer, inner, whole, at);
                }
            }
        }
    }

    #[test]
    fn images_of_quotients_hold_every_point(c in -3i64..4, shift in -4i64..5, low in -4i64..3, n in 1i64..7, sign in any::<bool>()) {
        let (i, m) = (Name::new("i"), Expr::sym("M"));
        let index = (Expr::sym(i) * c + shift).floor_div(&m);
        let mut facts = Assumptions::new();
        if sign { facts.assume_gt(&m, &Expr::zero()) } else { facts.assume_gt(&Expr::zero(), &m) }
        let image = Subset::indices(vec![index.clone()]).image(&[(i, Range::new(low, low + n))], &facts);
        let Some(image) = image else { return Ok(()) };
        for m in if sign { 1..5 } else { -4..0 } {
            let all = points(&image, &[m, 0, 0, 0]);
            for x in low..low + n {
                let at = index.eval(&assign(&[m, 0, x, 0])).expect("a value");
                prop_assert!(all.contains(&vec![at]), "{} over {}:{}: [{}] lacks {} at M={}", index, low, low + n, image, at, m);
            }
        }
    }

    #[test]
    fn moving_moves(s in subsets(2), by in prop::array::uniform2(small())) {
        let by = [by[0].expr(), by[1].expr()];
        let back = s.offset_by(&by).offset_by(&[-&by[0], -&by[1]]);
        prop_assert_eq!(&back, &s);
        prop_assert!(s.relative_to(&s).0.iter().all(|r| r.begin.is_zero()));
    }
}
