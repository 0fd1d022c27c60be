//! Prints graphs and blocks, and proves of each state which form gives it back.

use std::collections::BTreeSet;

use super::cursor::{quoted, string};
use super::header::{data_text, header_text, implied_symbols};
use super::parse::{Context, Parser};
use super::print::loop_text;
use super::{equal, explicit, lines, print};
use crate::dtype::DType;
use crate::sdfg::{Block, BlockKind, Guard, Nested, Region, Sdfg, Span, StateGraph, propagate};
use crate::tasklet;

/// One line of the text.
#[derive(Clone, Debug)]
pub struct Row {
    /// In levels, not in columns.
    pub indent: usize,
    pub text: String,
    pub span: Option<Span>,
}

pub struct Printer {
    pub spans: bool,
}

/// Labels of blocks stand from this column on.
const LABEL_COLUMN: usize = 56;

impl Printer {
    pub fn sdfg(&self, sdfg: &Sdfg) -> String {
        self.join(&rows(sdfg))
    }

    fn join(&self, rows: &[Row]) -> String {
        let mut out = String::new();
        for row in rows {
            out.extend(std::iter::repeat_n("  ", row.indent));
            out += &row.text;
            if let Some(span) = row.span.filter(|_| self.spans) {
                out += &format!(" @@{}-{}", span.start, span.end);
            }
            out.push('\n');
        }
        out
    }
}

pub fn rows(sdfg: &Sdfg) -> Vec<Row> {
    let mut rows = vec![Row { indent: 0, text: header_text(sdfg), span: None }];
    let mut line = |text: String| rows.push(Row { indent: 1, text, span: None });
    let implied = implied_symbols(sdfg);
    for (name, dtype) in &sdfg.symbols {
        let given = sdfg.args.contains(name) && dtype.is_int() && !sdfg.data.contains_key(name);
        let plain = implied.contains(name) && *dtype == DType::I64;
        if !given && !plain {
            line(format!("symbol {}: {dtype}", quoted(*name)));
        }
    }
    for guard in &sdfg.guards {
        line(match guard {
            Guard::NonNegative(e) => format!("guard {e} >= 0"),
            Guard::Zero(e) => format!("guard {e} == 0"),
        });
    }
    for (name, data) in &sdfg.data {
        if !sdfg.args.contains(name) && !sdfg.returns.contains(name) {
            let word = if data.transient { "transient" } else { "data" };
            line(format!("{word} {}: {}", quoted(*name), data_text(data, false)));
        }
    }
    let mut blocks = Blocks { sdfg, context: Context::of(sdfg), rows };
    blocks.region(&sdfg.body, 1);
    blocks.rows
}

struct Blocks<'s> {
    sdfg: &'s Sdfg,
    context: Context<'s>,
    rows: Vec<Row>,
}

impl Blocks<'_> {
    fn region(&mut self, region: &Region, indent: usize) {
        for block in &region.blocks {
            self.block(block, indent);
        }
    }

    fn line(&mut self, indent: usize, text: String, label: Option<&Block>) {
        let mut text = text;
        if let Some(block) = label {
            let used = indent * 2 + text.chars().count();
            text.extend(std::iter::repeat_n(' ', LABEL_COLUMN.saturating_sub(used).max(1)));
            text += &format!("@{}", quoted(block.label));
        }
        self.rows.push(Row { indent, text, span: label.and_then(|b| b.span) });
    }

    fn cond(&self, e: &tasklet::Expr) -> String {
        e.to_text(&|name| self.sdfg.data.contains_key(&name))
    }

    fn block(&mut self, block: &Block, indent: usize) {
        match &block.kind {
            BlockKind::State(graph) => {
                let text = format!("state {}", quoted(block.label));
                self.rows.push(Row { indent, text, span: block.span });
                let rows = state(graph, &self.context);
                self.rows.extend(rows.into_iter().map(|r| Row { indent: r.indent + indent + 1, ..r }));
            }
            BlockKind::Loop { var, range, body } => {
                self.line(indent, format!("loop {}", loop_text(*var, range)), Some(block));
                let outside = self.context.facts.clone();
                self.context.facts.assume_in(*var, range);
                self.region(body, indent + 1);
                self.context.facts = outside;
            }
            BlockKind::While { cond, body } => {
                self.line(indent, format!("while {}", self.cond(cond)), Some(block));
                self.region(body, indent + 1);
            }
            BlockKind::Conditional { branches, otherwise } => {
                for (i, (cond, body)) in branches.iter().enumerate() {
                    let word = if i == 0 { "if" } else { "elif" };
                    self.line(indent, format!("{word} {}", self.cond(cond)), (i == 0).then_some(block));
                    self.region(body, indent + 1);
                }
                if branches.is_empty() {
                    self.line(indent, "else".into(), Some(block));
                } else if !otherwise.blocks.is_empty() {
                    self.line(indent, "else".into(), None);
                }
                self.region(otherwise, indent + 1);
            }
            BlockKind::Assign { symbol, value } => {
                self.line(indent, format!("assign {} = {}", quoted(*symbol), self.cond(value)), Some(block));
            }
            BlockKind::Check { cond, message } => {
                self.line(indent, format!("check {} {}", self.cond(cond), string(message)), Some(block));
            }
            BlockKind::Break => self.line(indent, "break".into(), Some(block)),
            BlockKind::Continue => self.line(indent, "continue".into(), Some(block)),
            BlockKind::Return => self.line(indent, "return".into(), Some(block)),
        }
    }
}

/// The rows of a state: short where that parses back to the same graph.
fn state(graph: &StateGraph, context: &Context) -> Vec<Row> {
    // Nested graphs are printed once for both forms.
    let mut inner = |n: &Nested| rows(&n.sdfg);
    if let Some(short) = print::rows(graph, context.data, not_propagated(graph, context), &mut inner)
        && proves(&short, graph, context)
    {
        return short;
    }
    let mut inner = |n: &Nested| {
        rows(&n.sdfg).into_iter().map(|r| format!("{}{}", "  ".repeat(r.indent), r.text)).collect()
    };
    let row = |(indent, text, node): (usize, String, Option<_>)| Row {
        indent,
        text,
        span: node.and_then(|id| graph.span(id)),
    };
    explicit::lines(graph, &mut inner).into_iter().map(row).collect()
}

/// Edges that propagation would change.
fn not_propagated(graph: &StateGraph, context: &Context) -> BTreeSet<crate::sdfg::EdgeId> {
    let mut propagated = graph.clone();
    propagate(&mut propagated, context.data, &context.facts);
    graph.edges().zip(propagated.edges()).filter(|(a, b)| a.memlet != b.memlet).map(|(a, _)| a.id).collect()
}

fn proves(short: &[Row], graph: &StateGraph, context: &Context) -> bool {
    let text = Printer { spans: false }.join(short);
    let Ok(lines) = lines::tree(&text) else { return false };
    match Parser::new(&text).state(&lines, context) {
        Ok(parsed) => equal::states(graph, &parsed),
        Err(_) => false,
    }
}
