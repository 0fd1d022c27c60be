//! Normal form, text and substitution.

use proptest::prelude::*;

use super::*;
use crate::symbolic::EvalError;

fn extreme() -> BoxedStrategy<Tree> {
    let ints = prop_oneof![
        Just(i64::MIN),
        Just(i64::MIN + 1),
        Just(i64::MAX),
        Just(i64::MAX / 2 + 1),
        Just(-1i64),
        0i64..3,
        any::<i64>()
    ];
    trees(ints, 16)
}

/// The value of the normal form is the tree's where the tree has one.
fn check_value(tree: &Tree, at: &[i64]) -> Result<(), TestCaseError> {
    let e = tree.expr();
    if let Some(value) = tree.value(at) {
        match (e.eval(&assign(at)), i64::try_from(value)) {
            (Ok(v), Ok(value)) => prop_assert_eq!(v, value, "{:?} as {} at {:?}", tree, e, at),
            (Ok(v), Err(_)) => prop_assert!(false, "{v} for {value} in {e}"),
            (Err(EvalError::Overflow), _) => {}
            (Err(err), _) => {
                // Only values that fit neither form may be lost.
                prop_assert!(false, "{err}: {tree:?} as {e} at {at:?} is {value}")
            }
        }
    }
    Ok(())
}

fn check_text(tree: &Tree) -> Result<(), TestCaseError> {
    let e = tree.expr();
    prop_assert_eq!(Expr::parse(&e.to_string()), Ok(e.clone()), "{}", e);
    prop_assert_eq!(Expr::parse(&e.to_dace()), Ok(e.clone()), "{}", e.to_dace());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn normal_form_keeps_the_value(tree in small(), at in prop::array::uniform4(-20i64..20)) {
        check_value(&tree, &at)?;
        let overflow = tree.expr().eval(&assign(&at)) == Err(EvalError::Overflow);
        prop_assert!(!overflow || tree.value(&at).is_none_or(|v| v.abs() > 1 << 60));
    }

    #[test]
    fn extremes_never_wrap(tree in extreme(), at in prop::array::uniform4(any::<i64>())) {
        check_value(&tree, &at)?;
    }

    #[test]
    fn text_reads_back(tree in small()) {
        check_text(&tree)?;
    }

    #[test]
    fn extreme_text_reads_back(tree in extreme()) {
        check_text(&tree)?;
    }

    #[test]
    fn rebuilding_changes_nothing(tree in small()) {
        let e = tree.expr();
        let same = e.subst(&|n| Some(Expr::sym(n)));
        prop_assert_eq!(&same, &e);
        let sum = e.terms().iter().rev().fold(Expr::zero(), |s, t| s + t.to_expr());
        prop_assert_eq!(&sum, &e);
        prop_assert!((&e - &e).is_zero());
        for pair in e.terms().windows(2) {
            prop_assert!(pair[0] < pair[1], "{} before {}", pair[0].to_expr(), pair[1].to_expr());
        }
    }

    #[test]
    fn substitution_is_simultaneous(
        tree in small(),
        by in prop::array::uniform4(small()),
        at in prop::array::uniform4(-6i64..7),
    ) {
        let position = |n: Name| NAMES.iter().position(|m| Name::new(m) == n);
        let e = tree.expr().subst(&|n| position(n).map(|k| by[k].expr()));
        let inner: Option<Vec<i64>> =
            by.iter().map(|t| t.value(&at).and_then(|v| i64::try_from(v).ok())).collect();
        if let Some(inner) = inner
            && let Some(value) = tree.value(&inner)
            && let Ok(value) = i64::try_from(value)
        {
            let got = e.eval(&assign(&at));
            let given_up = matches!(got, Err(EvalError::Overflow | EvalError::Opaque(_)));
            prop_assert!(got == Ok(value) || given_up, "{e}: {got:?}, not {value}");
        }
    }

    #[test]
    fn linear_parts_add_up(tree in small(), symbolic in any::<bool>()) {
        let e = tree.expr();
        let vars = [Name::new("i"), Name::new("j")];
        let parts = if symbolic {
            e.linear_sym(&vars)
        } else {
            e.linear(&vars).map(|(c, rest)| (c.into_iter().map(Expr::int).collect(), rest))
        };
        if let Some((coefs, rest)) = parts {
            prop_assert!(vars.iter().all(|v| !rest.contains(*v) && coefs.iter().all(|c| !c.contains(*v))));
            let sum = vars.iter().zip(&coefs).fold(rest, |s, (v, c)| s + c * Expr::sym(*v));
            prop_assert_eq!(sum, e);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9a-cN+*/%(), :<-]{0,24}") {
        if let Ok(e) = Expr::parse(&text) {
            prop_assert_eq!(Expr::parse(&e.to_string()), Ok(e));
        }
        let _ = crate::symbolic::Subset::parse(&text);
    }
}

#[test]
fn growth_is_bounded() {
    let (x, y) = (Expr::sym("x"), Expr::sym("y"));
    let mut e = x.clone();
    for k in 0..2000 {
        e = (&e * &e + &y).floor_div(&(&e + k)).max(&e - 1);
        assert!(e.to_string().len() < 1 << 20);
    }
    assert!(e.contains(Name::new("y")));
    let sum = (0..300).fold(Expr::zero(), |s, k| s + Expr::sym(format!("s{k}").as_str()));
    let product = &sum * &sum * &sum;
    assert!(product.terms().len() < 5000);
    assert_eq!(product, &sum * &sum * &sum);
    let deep = (0..10_000).fold(x.clone(), |e, k| (e + k).modulo(&y));
    assert!(deep.contains(Name::new("x")));
    assert_eq!(deep.subst1(Name::new("x"), &y).free_symbols().len(), 1);
    assert_eq!(Expr::parse(&deep.to_string()), Ok(deep));
    assert_eq!((&x + &y).pow(u32::MAX).to_string(), "__pow(x + y, 4294967295)");
}
