//! Properties, with random assignments as the oracle.

mod examples;
mod expressions;
mod feasibility;
mod subsets;
mod truths;

use proptest::prelude::*;

use super::Expr;
use crate::Name;

const NAMES: [&str; 4] = ["M", "N", "i", "j"];

/// What an expression was before it was normalized.
#[derive(Clone, Debug)]
enum Tree {
    Int(i64),
    Sym(usize),
    Binary(&'static str, Box<(Tree, Tree)>),
    Pow(Box<Tree>, u32),
}

impl Tree {
    fn expr(&self) -> Expr {
        match self {
            Tree::Int(v) => Expr::int(*v),
            Tree::Sym(k) => Expr::sym(NAMES[*k]),
            Tree::Pow(a, p) => a.expr().pow(*p),
            Tree::Binary(op, pair) => {
                let (a, b) = (pair.0.expr(), pair.1.expr());
                match *op {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    "//" => a.floor_div(&b),
                    "ceil" => a.ceil_div(&b),
                    "%" => a.modulo(&b),
                    "min" => a.min(b),
                    _ => a.max(b),
                }
            }
        }
    }

    /// Python's arithmetic; `None` for division by zero and beyond 128 bits.
    fn value(&self, at: &[i64]) -> Option<i128> {
        Some(match self {
            Tree::Int(v) => i128::from(*v),
            Tree::Sym(k) => i128::from(at[*k]),
            Tree::Pow(a, p) => a.value(at)?.checked_pow(*p)?,
            Tree::Binary(op, pair) => {
                let (a, b) = (pair.0.value(at)?, pair.1.value(at)?);
                let floor = |a: i128, b: i128| {
                    let q = a.checked_div(b)?;
                    Some(if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q })
                };
                match *op {
                    "+" => a.checked_add(b)?,
                    "-" => a.checked_sub(b)?,
                    "*" => a.checked_mul(b)?,
                    "//" => floor(a, b)?,
                    "ceil" => -floor(-a, b)?,
                    "%" => a - floor(a, b)? * b,
                    "min" => a.min(b),
                    _ => a.max(b),
                }
            }
        })
    }
}

fn trees(ints: impl Strategy<Value = i64> + 'static, size: u32) -> BoxedStrategy<Tree> {
    let leaf = prop_oneof![ints.prop_map(Tree::Int), (0..NAMES.len()).prop_map(Tree::Sym)];
    leaf.prop_recursive(5, size, 2, |inner| {
        let op = prop::sample::select(vec!["+", "+", "-", "-", "*", "*", "//", "ceil", "%", "min", "max"]);
        prop_oneof![
            8 => (op, inner.clone(), inner.clone())
                .prop_map(|(op, a, b)| Tree::Binary(op, Box::new((a, b)))),
            1 => (inner, 0u32..4).prop_map(|(a, p)| Tree::Pow(Box::new(a), p)),
        ]
    })
    .boxed()
}

fn small() -> BoxedStrategy<Tree> {
    trees(-5i64..9, 12)
}

/// Sums of few symbols, sometimes with one quotient, remainder or extremum.
fn nearly_affine() -> BoxedStrategy<Tree> {
    let scaled = |t: BoxedStrategy<Tree>| {
        (-3i64..4, t).prop_map(|(c, t)| Tree::Binary("*", Box::new((Tree::Int(c), t))))
    };
    let symbol = (0..NAMES.len()).prop_map(Tree::Sym).boxed();
    let affine = (scaled(symbol.clone()), scaled(symbol), -5i64..6).prop_map(|(a, b, c)| {
        let sum = Tree::Binary("+", Box::new((a, b)));
        Tree::Binary("+", Box::new((sum, Tree::Int(c))))
    });
    let divided = (prop::sample::select(vec!["//", "%"]), affine.clone(), 2i64..5)
        .prop_map(|(op, a, d)| Tree::Binary(op, Box::new((a, Tree::Int(d)))));
    let extremum = (prop::sample::select(vec!["min", "max", "*"]), affine.clone(), affine.clone())
        .prop_map(|(op, a, b)| Tree::Binary(op, Box::new((a, b))));
    let odd = prop_oneof![divided, extremum].boxed();
    let mixed = (affine.clone(), scaled(odd)).prop_map(|(a, b)| Tree::Binary("+", Box::new((a, b))));
    prop_oneof![3 => affine, 2 => mixed].boxed()
}

fn assign(at: &[i64]) -> impl Fn(Name) -> Option<i64> {
    let at: Vec<_> = NAMES.iter().map(|n| Name::new(n)).zip(at.to_vec()).collect();
    move |name| at.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
}

/// Every assignment of the four symbols in a box.
fn assignments(low: i64, high: i64) -> impl Iterator<Item = [i64; 4]> {
    let width = high - low;
    (0..width.pow(4)).map(move |k| std::array::from_fn(|d| low + k / width.pow(d as u32) % width))
}
