//! Symbolic integers: expressions in normal form, facts about symbols, ranges and subsets.
//!
//! Everything here is over the mathematical integers, with Python's signs for `//` and `%`.
//! Comparisons answer [`Truth`]: `Yes` and `No` are proofs for every assignment that satisfies the
//! facts, `Unknown` claims nothing. Normalizing may only turn an evaluation that fails (division by
//! zero, overflow) into one that succeeds, never change a value.

mod assume;
mod divide;
mod examples;
mod expr;
mod image;
mod memo;
pub mod omega;
mod ops;
mod parse;
mod print;
mod prove;
mod query;
mod range;
mod relate;
mod subset;
#[cfg(test)]
mod tests;

pub use assume::{Assumptions, Fact, Truth};
pub use expr::{Atom, Expr, Factors, Term, View};
pub use omega::{Feasible, System};
pub use parse::ParseError;
pub use query::EvalError;
pub use range::Range;
pub use subset::Subset;
