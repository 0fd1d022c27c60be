//! The text form: what the window shows, fixtures hold and the worker protocol carries.
//!
//! Lossless up to ids: what is printed parses back to an [`equivalent`] graph and prints the same.
//! Spans are printed by [`print_with_spans`] only, the Python source never. Connector names of
//! tasklets and maps are not told apart, nor are several connectors for one and the same read.
//!
//! Indentation makes the blocks, `#` starts a comment, `@@start-end` at the end of a line is its
//! place in the source. Names that are no identifiers stand in backquotes.
//!
//! ```text
//! sdfg NAME(ARG, …) -> RESULT, …
//!   symbol S: TYPE                       symbols that are no argument and no plain extent of one
//!   guard EXPR >= 0                      or == 0
//!   transient NAME: DATA                 data NAME: DATA for other containers
//!   BLOCK …
//!
//! ARG, RESULT  NAME: DATA                a name alone repeats a container
//! DATA         TYPE [extents] [strides [..]] [storage register|heap|gpu_global|gpu_shared] [lifetime sdfg]
//!              an argument of integer type without brackets is a symbol; a scalar container is `n: i64[]`
//!
//! BLOCK        state L                   and its lines
//!              loop v = RANGE @L         and its blocks
//!              while COND @L             and its blocks
//!              if COND @L / elif COND / else
//!              assign s = EXPR @L
//!              check COND "message" @L
//!              break @L   continue @L   return @L
//! ```
//! A label that is left out is made up.
//!
//! Lines of a state, short form, one a node and in order:
//! ```text
//! map L [i = 0:N, j = 0:M] SCHEDULE      sequential, parallel, vector, gpu_device, gpu_block
//!   local buf, …                         containers whose access nodes are inside the scope
//!   reads A[..]   writes B[..]           memlets outside the map that are not the propagated ones
//!   lines …
//! L: REF = EXPR                          a tasklet; `+=`, `*=`, `min=`, `max=`, `and=`, `or=`
//! tasklet L                              several assignments: `let x = EXPR`, `REF = EXPR`
//! L: matmul REF = REF @ REF              `.T` after an operand transposes it
//! L: reduce OP REF = REF over AXES from LITERAL
//! copy REF -> REF
//! nested L (S = EXPR, …)
//!   in NAME = REF   out REF = NAME
//!   sdfg …
//! ```
//! and ` after X, …` at the end of a line: ordering edges from the newest access node of X or from
//! the node with label X. `REF` is `A[i, 0:N]`, a scalar's name alone, with `?` for a dynamic memlet.
//!
//! A read refers to the newest access node of that container in the scope or around it, and makes
//! one in the state where there is none. A write makes a new access node: in the scope where the
//! container is `local`; in the innermost scope for a scalar transient that is set (not updated);
//! else in the state, where all writes of one outermost map share it.
//!
//! Explicit form, where the short form does not give the same graph back:
//! ```text
//! %1 = access A
//! %2 = map m0 [i = 0:N] parallel         the entry
//! %3 = tasklet t (a: f64) -> (b: f64)    and its assignments `b = a`
//! %4 = exit m0
//! %5 = nested L (S = EXPR, …)            and its `sdfg`
//! %6 = foreign L (a) -> (b) using (S = EXPR) "reason" json "…"     kept as DaCe's JSON; a container's
//!                                        declaration may end in `foreign "reason" json "…"`
//! %6 = matmul L trans_a trans_b
//! %7 = reduce L OP over AXES from LITERAL
//! edge %1 -> %2.IN_A : A[0:N]            ` as [..]` the other subset, ` with OP`, nothing: ordering
//! ```

pub(crate) mod cursor;
mod equal;
mod explicit;
mod header;
mod lines;
mod order;
mod parse;
mod places;
mod print;
mod short;
mod show;
#[cfg(test)]
mod tests;

pub use cursor::Fault;
pub use equal::equivalent;
pub use places::{describe_place, find_label, name, reference};

use crate::sdfg::{Schedule, Sdfg, Wcr};

/// The text is no graph; whoever wrote the text is at fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    pub hint: Option<String>,
}

/// The text of a graph.
pub fn print(sdfg: &Sdfg) -> String {
    show::Printer { spans: false }.sdfg(sdfg)
}

/// The text with `@@start-end` after each line whose node or block has a place in the source.
pub fn print_with_spans(sdfg: &Sdfg) -> String {
    show::Printer { spans: true }.sdfg(sdfg)
}

/// Reads a graph. The text is checked for its form only: see [`crate::sdfg::verify`].
pub fn parse(text: &str) -> Result<Sdfg, ParseError> {
    let top = lines::tree(text)?;
    match &top[..] {
        [line] => parse::Parser::new(text).sdfg(line),
        [] => Err(ParseError { line: 1, column: 1, message: "expected 'sdfg NAME(…)'".into(), hint: None }),
        [_, second, ..] => Err(second.wrong("only one graph in a text", "indent what belongs to the graph")),
    }
}

/// The operation in words, as after `reduce` and `with`.
pub fn wcr_name(op: Wcr) -> &'static str {
    match op {
        Wcr::Sum => "sum",
        Wcr::Product => "product",
        Wcr::Min => "min",
        Wcr::Max => "max",
        Wcr::And => "and",
        Wcr::Or => "or",
    }
}

pub(crate) const WCRS: [(Wcr, &str); 6] = [
    (Wcr::Sum, "+="),
    (Wcr::Product, "*="),
    (Wcr::Min, "min="),
    (Wcr::Max, "max="),
    (Wcr::And, "and="),
    (Wcr::Or, "or="),
];

pub(crate) fn wcr_assign(op: Option<Wcr>) -> &'static str {
    WCRS.iter().find(|row| Some(row.0) == op).map_or("=", |row| row.1)
}

/// As after the parameters of a map; empty for the default.
pub fn schedule_name(schedule: Schedule) -> &'static str {
    match schedule {
        Schedule::Default => "",
        Schedule::Sequential => "sequential",
        Schedule::Parallel => "parallel",
        Schedule::Vector => "vector",
        Schedule::GpuDevice => "gpu_device",
        Schedule::GpuThreadBlock => "gpu_block",
    }
}

pub(crate) const SCHEDULES: [Schedule; 5] = [
    Schedule::Sequential,
    Schedule::Parallel,
    Schedule::Vector,
    Schedule::GpuDevice,
    Schedule::GpuThreadBlock,
];
