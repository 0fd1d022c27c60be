//! The engine against brute force in a box.

use proptest::prelude::*;

use super::*;
use crate::symbolic::omega::{Feasible, System, solve};

fn constraints(trees: BoxedStrategy<Tree>) -> impl Strategy<Value = Vec<(Tree, bool)>> {
    prop::collection::vec((trees, prop::bool::weighted(0.3)), 1..6)
}

fn affine(most: i64) -> BoxedStrategy<Tree> {
    prop::collection::vec(-most..=most, 5)
        .prop_map(|c| {
            let term = |k: usize| Tree::Binary("*", Box::new((Tree::Int(c[k]), Tree::Sym(k))));
            (0..4).map(term).fold(Tree::Int(c[4]), |s, t| Tree::Binary("+", Box::new((s, t))))
        })
        .boxed()
}

const LOW: i64 = -4;
const HIGH: i64 = 5;

/// The constraints and the box.
fn system(constraints: &[(Tree, bool)]) -> System {
    let mut out = System::new();
    for (tree, equality) in constraints {
        if *equality { out.eq0(&tree.expr()) } else { out.ge0(&tree.expr()) }
    }
    for name in NAMES {
        out.le(&Expr::int(LOW), &Expr::sym(name));
        out.lt(&Expr::sym(name), &Expr::int(HIGH));
    }
    out
}

fn any_solution(constraints: &[(Tree, bool)]) -> Option<[i64; 4]> {
    assignments(LOW, HIGH).find(|at| {
        constraints
            .iter()
            .all(|(t, equality)| t.value(at).is_some_and(|v| if *equality { v == 0 } else { v >= 0 }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn affine_systems_are_decided(constraints in constraints(affine(7))) {
        let system = system(&constraints);
        match (solve(&system, 200_000), any_solution(&constraints)) {
            (Feasible::Yes(w), Some(_)) => prop_assert!(system.holds(&|n| w.get(&n).copied())),
            (Feasible::No, None) => {}
            (answer, found) => prop_assert!(false, "{:?}, but brute force finds {:?}", answer, found),
        }
    }

    #[test]
    fn quotients_and_extrema_are_decided(constraints in constraints(nearly_affine())) {
        let system = system(&constraints);
        match (solve(&system, 50_000), any_solution(&constraints)) {
            (Feasible::Yes(w), Some(_)) => prop_assert!(system.holds(&|n| w.get(&n).copied())),
            (Feasible::No, None) | (Feasible::Unknown, _) => {}
            (answer, found) => prop_assert!(false, "{:?}, but brute force finds {:?}", answer, found),
        }
    }

    #[test]
    fn anything_is_never_refuted_wrongly(constraints in constraints(small())) {
        let answer = solve(&system(&constraints), 5_000);
        let found = any_solution(&constraints);
        prop_assert!(answer != Feasible::No || found.is_none(), "{:?}", found);
    }

    #[test]
    fn unbounded_systems_have_true_witnesses(constraints in constraints(affine(1000))) {
        let mut system = System::new();
        for (tree, equality) in &constraints {
            if *equality { system.eq0(&tree.expr()) } else { system.ge0(&tree.expr()) }
        }
        match solve(&system, 20_000) {
            Feasible::Yes(w) => prop_assert!(system.holds(&|n| w.get(&n).copied())),
            Feasible::No => prop_assert!(any_solution(&constraints).is_none()),
            Feasible::Unknown => {}
        }
    }
}

#[test]
fn needs_splinters() {
    // Pugh's example: 27 <= 11x + 13y <= 45 and -10 <= 7x - 9y <= 4 has rational but no integer points.
    let mut system = System::new();
    let e = |text: &str| Expr::parse(text).expect("an expression");
    for (a, b) in [("27", "11*x + 13*y"), ("11*x + 13*y", "45"), ("-10", "7*x - 9*y"), ("7*x - 9*y", "4")] {
        system.le(&e(a), &e(b));
    }
    assert_eq!(solve(&system, 1000), Feasible::No);
    assert_eq!(solve(&system, 2), Feasible::Unknown);
}
