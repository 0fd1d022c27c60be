//! Colours for Python, and for the generated forms: comments, strings, numbers, keywords.

use egui::Color32;
use egui::text::{LayoutJob, TextFormat};

use crate::theme::{Colors, mono, size};

/// Which words are keywords, and what starts a comment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Python,
    /// The text form and the loop tree.
    Weft,
    Llvm,
    Assembly,
}

const PYTHON: &[&str] = &[
    "and", "as", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except", "False",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "None", "nonlocal", "not",
    "or", "pass", "raise", "return", "True", "try", "while", "with", "yield",
];
const WEFT: &[&str] = &[
    "sdfg",
    "state",
    "loop",
    "map",
    "if",
    "elif",
    "else",
    "while",
    "assign",
    "check",
    "break",
    "continue",
    "return",
    "copy",
    "nested",
    "matmul",
    "reduce",
    "guard",
    "transient",
    "symbol",
    "parallel",
    "vector",
    "sequential",
    "for",
    "in",
    "alloc",
    "let",
    "strides",
    "over",
    "from",
    "by",
];
const LLVM: &[&str] = &[
    "define",
    "declare",
    "ret",
    "br",
    "load",
    "store",
    "getelementptr",
    "call",
    "phi",
    "icmp",
    "fcmp",
    "select",
    "fadd",
    "fsub",
    "fmul",
    "fdiv",
    "add",
    "sub",
    "mul",
    "label",
    "void",
    "double",
    "float",
    "ptr",
    "tail",
    "switch",
];

impl Language {
    fn keywords(self) -> &'static [&'static str] {
        match self {
            Language::Python => PYTHON,
            Language::Weft => WEFT,
            Language::Llvm => LLVM,
            Language::Assembly => &[],
        }
    }

    fn is_comment(self, rest: &str) -> bool {
        match self {
            Language::Python | Language::Weft => rest.starts_with('#'),
            Language::Llvm => rest.starts_with(';'),
            Language::Assembly => rest.starts_with('#') || rest.starts_with("//"),
        }
    }
}

/// The state between lines: inside a triple-quoted string with that quote.
pub type Open = Option<&'static str>;

/// One line with colours. `open` goes from line to line.
pub fn line(text: &str, language: Language, open: &mut Open, colors: &Colors) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = f32::INFINITY;
    let mut put = |text: &str, color: Color32| {
        if !text.is_empty() {
            job.append(text, 0.0, TextFormat::simple(mono(size::MONO), color));
        }
    };
    let code = &colors.code;
    let mut rest = text;
    let mut after_def = false;
    while !rest.is_empty() {
        if let Some(quote) = *open {
            let end = rest.find(quote).map(|at| at + quote.len());
            let (inside, after) = rest.split_at(end.unwrap_or(rest.len()));
            put(inside, code.text);
            rest = after;
            if end.is_some() {
                *open = None;
            }
            continue;
        }
        if language.is_comment(rest) {
            put(rest, code.comment);
            break;
        }
        let triple =
            ["\"\"\"", "'''"].into_iter().find(|q| language == Language::Python && rest.starts_with(q));
        if let Some(quote) = triple {
            put(quote, code.text);
            rest = &rest[quote.len()..];
            *open = Some(quote);
            continue;
        }
        let first = rest.chars().next().unwrap_or(' ');
        let length = token(rest, first);
        let (word, after) = rest.split_at(length);
        let color = match first {
            '"' | '\'' => code.text,
            c if c.is_ascii_digit() => code.number,
            c if c.is_alphabetic() || c == '_' => {
                if after_def || (after.starts_with('(') && !language.keywords().contains(&word)) {
                    code.function
                } else if language.keywords().contains(&word) {
                    code.keyword
                } else {
                    colors.text
                }
            }
            _ => colors.text,
        };
        if !word.trim().is_empty() {
            after_def = word == "def";
        }
        put(word, color);
        rest = after;
    }
    job
}

/// Bytes of the token that starts here; at least one character.
fn token(rest: &str, first: char) -> usize {
    let until = |stop: &dyn Fn(char) -> bool| rest.find(|c: char| stop(c)).unwrap_or(rest.len());
    match first {
        '"' | '\'' => {
            let mut escaped = false;
            for (at, c) in rest.char_indices().skip(1) {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    c if c == first => return at + c.len_utf8(),
                    _ => {}
                }
            }
            rest.len()
        }
        c if c.is_ascii_digit() => until(&|c| !(c.is_ascii_alphanumeric() || c == '.' || c == '_')),
        c if c.is_alphanumeric() || c == '_' => until(&|c| !(c.is_alphanumeric() || c == '_')),
        ' ' => until(&|c| c != ' '),
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Mode, of};

    #[test]
    fn nothing_is_lost_or_changed() {
        let mut open = None;
        for text in [
            "def f(x):  # π",
            "    s = 'a\\'b' + \"\"\"open",
            "still é\"\"\" + 1.5e3",
            "\t@x",
            "",
            "'unclosed",
        ] {
            assert_eq!(line(text, Language::Python, &mut open, of(Mode::Dark)).text, text);
        }
        assert!(open.is_none());
    }
}
