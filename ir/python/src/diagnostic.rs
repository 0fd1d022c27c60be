//! What is wrong with a user's Python, and where.

use weft_ir::sdfg::{BlockKind, Sdfg, Source, Span};

/// One reason why a file is refused. Lowercase, no final period.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Diagnostic {
    pub span: Span,
    pub reason: String,
    /// What to write instead, where something can be said.
    pub hint: Option<String>,
    /// Python itself raises an error here, whatever the data are.
    pub raises: bool,
}

/// How the message of a check begins that stands for a part of the function which is not imported.
pub const NOT_IMPORTED: &str = "this part is not imported: ";

/// Why a check stands for a part of the function which is not imported; `None` for other checks.
pub fn why_left_out(message: &str) -> Option<&str> {
    message.strip_prefix(NOT_IMPORTED)
}

/// The parts of the function that are not imported, and why. A run that comes there is refused.
pub fn left_out(sdfg: &Sdfg) -> Vec<(Span, String)> {
    let mut found = vec![];
    sdfg.body.walk(&mut |block| {
        if let BlockKind::Check { message, .. } = &block.kind
            && let (Some(span), Some(why)) = (block.span, why_left_out(message))
        {
            found.push((span, why.to_string()));
        }
    });
    found
}

impl Diagnostic {
    pub fn new(span: Span, reason: impl Into<String>) -> Diagnostic {
        Diagnostic { span, reason: reason.into(), hint: None, raises: false }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    /// `file:line:col: reason`, the line of source, a caret under it, and the hint.
    pub fn render(&self, source: &Source) -> String {
        let (_, column) = source.line_column(self.span.start);
        let text = source.line(self.span.start);
        let rest = text.chars().count().saturating_sub(column - 1).max(1);
        let bytes = source.text.as_bytes();
        let (start, end) = (self.span.start as usize, self.span.end as usize);
        let marked = bytes.get(start..end.min(bytes.len())).unwrap_or_default();
        let width = String::from_utf8_lossy(marked).lines().next().map_or(1, |l| l.chars().count());
        let pad: String = text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let mut out = format!("{}: {}\n", source.place(self.span.start), self.reason);
        out += &format!("  {text}\n  {pad}{}", "^".repeat(width.clamp(1, rest)));
        if let Some(hint) = &self.hint {
            out += &format!("\n  hint: {hint}");
        }
        out
    }
}
