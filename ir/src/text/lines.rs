//! Splits a text into lines and makes a tree of them by indentation.

use super::ParseError;
use super::cursor::{Cursor, Fault, Parsed};
use crate::sdfg::Span;

/// Blocks inside blocks.
const MAX_DEPTH: usize = 100;

/// A line with the lines indented below it.
#[derive(Debug)]
pub struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// The line without indentation, comment and span.
    pub text: &'a str,
    /// Place in the source, from `@@start-end`.
    pub span: Option<Span>,
    /// Columns before `text`.
    indent: usize,
    pub below: Vec<Line<'a>>,
}

impl<'a> Line<'a> {
    pub fn cursor(&self) -> Cursor<'a> {
        Cursor::new(self.text)
    }

    /// Adds the place to a fault.
    pub fn error(&self, fault: Fault) -> ParseError {
        let before = self.text.get(..fault.at).unwrap_or(self.text);
        let column = self.indent + before.chars().count() + 1;
        ParseError { line: self.number, column, message: fault.message, hint: fault.hint }
    }

    /// Reads the line to its end.
    pub fn read<T>(&self, f: impl FnOnce(&mut Cursor<'a>) -> Parsed<T>) -> Result<T, ParseError> {
        let mut cursor = self.cursor();
        f(&mut cursor).and_then(|v| cursor.end().map(|()| v)).map_err(|fault| self.error(fault))
    }

    /// An error about the whole line.
    pub fn wrong(&self, message: impl Into<String>, hint: &str) -> ParseError {
        let hint = if hint.is_empty() { None } else { Some(hint.to_string()) };
        self.error(Fault { at: 0, message: message.into(), hint })
    }
}

/// The top lines of a text, each with what is below it.
pub fn tree(text: &str) -> Result<Vec<Line<'_>>, ParseError> {
    // The open lines, outermost first.
    let mut open: Vec<Line> = vec![];
    let mut top = vec![];
    for (i, raw) in text.lines().enumerate() {
        let content = raw.trim_start_matches(' ');
        let indent = raw.len() - content.len();
        let mut line = Line {
            number: i + 1,
            text: without_comment(content).trim_end(),
            span: None,
            indent,
            below: vec![],
        };
        if line.text.is_empty() {
            continue;
        }
        if line.text.starts_with('\t') {
            return Err(line.wrong("a tab in the indentation", "indent by two spaces"));
        }
        take_span(&mut line)?;
        let mut closed = None;
        while open.last().is_some_and(|l| l.indent >= indent) {
            if let Some(line) = open.pop() {
                closed = Some(line.indent);
                close(&mut open, &mut top, line);
            }
        }
        if closed.is_some_and(|c| c != indent) {
            return Err(line.wrong("the indentation fits no line above", "indent by two spaces"));
        }
        if open.len() >= MAX_DEPTH {
            return Err(line.wrong("nested too deeply", ""));
        }
        open.push(line);
    }
    while let Some(line) = open.pop() {
        close(&mut open, &mut top, line);
    }
    Ok(top)
}

fn close<'a>(open: &mut [Line<'a>], top: &mut Vec<Line<'a>>, line: Line<'a>) {
    match open.last_mut() {
        Some(parent) => parent.below.push(line),
        None => top.push(line),
    }
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (i, c) in line.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, '#') => return &line[..i],
            _ => {}
        }
    }
    line
}

/// Takes `@@start-end` off the end of a line.
fn take_span(line: &mut Line) -> Result<(), ParseError> {
    let Some((before, digits)) = line.text.rsplit_once("@@") else { return Ok(()) };
    if !digits.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return Ok(());
    }
    let span =
        digits.split_once('-').and_then(|(a, b)| Some(Span { start: a.parse().ok()?, end: b.parse().ok()? }));
    if span.is_none() {
        let fault =
            Fault { at: before.len(), message: "expected a span such as '@@12-34'".into(), hint: None };
        return Err(line.error(fault));
    }
    line.span = span;
    line.text = before.trim_end();
    Ok(())
}
