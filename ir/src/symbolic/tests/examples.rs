//! Small examples that say what the forms look like.

use crate::Name;
use crate::symbolic::*;

fn e(text: &str) -> Expr {
    Expr::parse(text).unwrap_or_else(|err| panic!("{text}: {err}"))
}

fn r(text: &str) -> Range {
    Range::parse(text).unwrap_or_else(|err| panic!("{text}: {err}"))
}

fn s(text: &str) -> Subset {
    Subset::parse(text).unwrap_or_else(|err| panic!("{text}: {err}"))
}

fn where_(facts: &[&str]) -> Assumptions {
    let mut known = Assumptions::new();
    for f in facts {
        if let Some((a, b)) = f.split_once(">=") {
            known.assume_ge(&e(a), &e(b));
        } else if let Some((a, b)) = f.split_once("==") {
            known.assume_eq(&e(a), &e(b));
        } else if let Some((a, b)) = f.split_once(" in ") {
            known.assume_in(Name::new(a.trim()), &r(b));
        }
    }
    known
}

#[test]
fn prints_the_normal_form() {
    for (text, printed) in [
        ("N-1", "N - 1"),
        ("1 + i*2", "2*i + 1"),
        ("(i+1)//2", "(i + 1)//2"),
        ("min(b, a, a + 3)", "min(a, b)"),
        ("-(-N//T)", "int_ceil(N, T)"),
        ("2*(i//2)", "2*(i//2)"),
        ("(a + b)**2 - a**2 - b**2", "2*a*b"),
        ("(N*i + j) // N", "i + j//N"),
        ("(64*i + 3) // 64", "i"),
        ("(64*i + 3) % 64", "3"),
        ("(i//4)//8", "i//32"),
        ("ceiling(N/32 - 1/32)", "(N + 30)//32"),
        ("int_ceil(N, 32)", "(N + 31)//32"),
        ("max(0, min(N, 4) + 1 - 1)", "max(0, min(N, 4))"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775807 + 1", "__add(1, 9223372036854775807)"),
        ("f(a, b + 1)*2", "2*f(a, b + 1)"),
        ("a - b//2", "a - b//2"),
        ("-(b//2)", "-(b//2)"),
        ("-b % 2", "(-b) % 2"),
        ("-i + N", "N - i"),
    ] {
        assert_eq!(e(text).to_string(), printed, "{text}");
        assert_eq!(e(printed), e(text), "{text}");
    }
    assert_eq!(
        e("(i+1)//2 + min(a, b, c) + max(a, i % 4)").to_dace(),
        "int_floor(i + 1, 2) + Min(a, b, c) + Max(a, i % 4)"
    );
}

#[test]
fn refuses_with_a_place() {
    for text in
        ["", "1 +", "a b", "(a", "a/2", "2**-1", "min()", "1.5", "a**b", "99999999999999999999", "a[1]", "ü$"]
    {
        assert!(Expr::parse(text).is_err(), "{text}");
    }
    assert_eq!(Expr::parse("a + $").map_err(|e| e.at), Err(4));
    for (open, close) in [("(", ")"), ("f(", ")"), ("-", ""), ("a//(1+", ")"), ("min(a, 1+", ")")] {
        let _ = Expr::parse(&format!("{}a{}", open.repeat(100_000), close.repeat(100_000)));
    }
    let _ = Expr::parse(&format!("a{}", "//b%c".repeat(10_000)));
    let _ = Expr::parse(&format!("a{}", "**9".repeat(10_000)));
}

#[test]
fn proves_what_kernels_ask() {
    let known = where_(&["N >= 1", "M >= 1", "i in 0:N", "j in 0:M", "t in 0:N:64", "k in t:min(t+64, N)"]);
    for (a, b) in [
        ("0", "i"),
        ("i + 1", "N"),
        ("i*M + j + 1", "N*M"),
        ("k + 1", "N"),
        ("t", "k"),
        ("i//2 + 1", "N"),
        ("max(0, N)", "N"),
        ("min(t + 64, N)", "N"),
        ("64*((N + 63)//64)", "N + 63"),
        ("N", "64*((N + 63)//64)"),
        ("t//64*64", "t"),
        ("t", "t//64*64"),
    ] {
        assert_eq!(known.le(&e(a), &e(b)), Truth::Yes, "{a} <= {b}");
        assert_eq!(known.gt(&e(a), &e(b)), Truth::No, "{a} > {b}");
    }
    assert_eq!(known.le(&e("i"), &e("j")), Truth::Unknown);
    assert_eq!(known.eq(&e("2*i"), &e("2*j + 1")), Truth::No);
    assert_eq!(known.simplify(&e("max(0, N - i)")), e("N - i"));
    assert_eq!(known.simplify(&e("t % 64")), e("0"));
    assert_eq!(r("0:N").size_under(&known), e("N"));
}

#[test]
fn propagates_memlets() {
    let known = where_(&["N >= 3", "M >= 1"]);
    let image = |subset: &str, params: &[(&str, &str)]| {
        let params: Vec<_> = params.iter().map(|(n, range)| (Name::new(n), r(range))).collect();
        s(subset).image(&params, &known).map(|s| s.to_string())
    };
    let some = |text: &str| Some(text.to_string());
    assert_eq!(image("i, j-1", &[("i", "1:N-1"), ("j", "1:N-1")]), some("1:N - 1, 0:N - 2"));
    assert_eq!(image("i", &[("i", "t:min(t+64, N)")]), some("t:min(N, t + 64)"));
    assert_eq!(image("t:min(t+64, N)", &[("t", "0:N:64")]), some("0:N"));
    assert_eq!(image("i", &[("t", "0:N:64"), ("i", "t:min(t+64, N)")]), some("0:N"));
    assert_eq!(image("2*i", &[("i", "0:N")]), some("0:2*N - 1:2"));
    assert_eq!(image("N - 1 - i", &[("i", "0:N")]), some("0:N"));
    assert_eq!(image("i*M + j", &[("i", "0:N"), ("j", "0:M")]), some("0:M*N"));
    assert_eq!(image("i, 0:M", &[("i", "0:N")]), some("0:N, 0:M"));
    assert_eq!(image("f(i)", &[("i", "0:N")]), None);
    assert_eq!(image("k", &[("k", "N")]), some("N"));
}

#[test]
fn relates_subsets() {
    let known = where_(&["N >= 3", "i in 1:N-1", "j in 0:N"]);
    let covers = |a: &str, b: &str| s(a).covers(&s(b), &known);
    let disjoint = |a: &str, b: &str| s(a).disjoint(&s(b), &known);
    assert_eq!(covers("0:N, 0:N", "i, 0:N"), Truth::Yes);
    assert_eq!(covers("1:N, 0:N", "0:N, j"), Truth::No);
    assert_eq!(covers("0:N", "i-1:i+2"), Truth::Yes);
    assert_eq!(covers("0:2*N:2", "2*i"), Truth::Yes);
    assert_eq!(covers("0:2*N:2", "2*i + 1"), Truth::No);
    assert_eq!(disjoint("i", "i + 1"), Truth::Yes);
    assert_eq!(disjoint("0:i", "i:N"), Truth::Yes);
    assert_eq!(disjoint("0:2*N:2", "1:2*N:2"), Truth::Yes);
    assert_eq!(disjoint("i", "i"), Truth::No);
    assert_eq!(disjoint("i", "j"), Truth::Unknown);
    assert_eq!(disjoint("0:i+1", "i:N"), Truth::No);
    assert_eq!(s("0:i").union_hull(&s("i:N"), &known), Some(s("0:N")));
    assert_eq!(Subset::compose(&s("i, 2:N:3"), &s("k")), s("i, 3*k + 2"));
    assert_eq!(Subset::compose(&s("4:8, 2:N"), &s("0:2, k")), s("4:6, k + 2"));
}
