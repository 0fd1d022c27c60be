//! Reads tokens from one line.

use crate::names::Name;
use crate::symbolic::{Expr, Range, Subset};

/// What is wrong, at a byte offset into the line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub at: usize,
    pub message: String,
    pub hint: Option<String>,
}

pub type Parsed<T> = Result<T, Fault>;

/// A position in a line.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// Words that have a meaning where a name could stand; as names they are quoted.
const WORDS: [&str; 24] = [
    "and", "copy", "edge", "else", "False", "if", "inf", "inf16", "inf32", "let", "map", "matmul", "nan",
    "nan16", "nan32", "nested", "not", "or", "reads", "reduce", "sym", "tasklet", "True", "writes",
];

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A name as it is written: in backquotes unless it is a plain identifier.
pub fn quoted(name: Name) -> String {
    let text = name.as_str();
    let plain = text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(is_word)
        && !WORDS.contains(&text);
    if plain {
        return text.to_string();
    }
    let escaped = text.replace('\\', "\\\\").replace('`', "\\`").replace('\n', "\\n");
    format!("`{escaped}`")
}

/// A string as it is written, in double quotes.
pub fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn fault<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(Fault { at: self.at, message: message.into(), hint: None })
    }

    pub fn fault_at<T>(&self, at: usize, message: impl Into<String>, hint: &str) -> Parsed<T> {
        let hint = if hint.is_empty() { None } else { Some(hint.to_string()) };
        Err(Fault { at, message: message.into(), hint })
    }

    /// The next character after white space.
    pub fn peek(&mut self) -> Option<char> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    pub fn is_end(&mut self) -> bool {
        self.peek().is_none()
    }

    pub fn end(&mut self) -> Parsed<()> {
        match self.peek() {
            None => Ok(()),
            Some(c) => self.fault(format!("unexpected '{c}'")),
        }
    }

    pub fn sees(&mut self, token: &str) -> bool {
        self.peek();
        self.rest().starts_with(token)
    }

    pub fn eat(&mut self, token: &str) -> bool {
        let found = self.sees(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.eat(token) {
            return Ok(());
        }
        match self.peek() {
            Some(c) => self.fault(format!("expected '{token}', found '{c}'")),
            None => self.fault(format!("expected '{token}' at the end of the line")),
        }
    }

    /// The unquoted word here, not consumed; empty if there is none.
    pub fn peek_word(&mut self) -> &'a str {
        self.peek();
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return "";
        }
        &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())]
    }

    /// Consumes the word if it is next.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.peek_word() == word;
        if found {
            self.at += word.len();
        }
        found
    }

    /// Letters, digits and underscores, directly here.
    pub fn take_word(&mut self) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// Moves on by so many bytes, which the caller has seen.
    pub fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub fn sees_name(&mut self) -> bool {
        self.peek() == Some('`') || !self.peek_word().is_empty()
    }

    /// A plain or quoted name.
    pub fn name(&mut self, what: &str) -> Parsed<Name> {
        if self.peek() == Some('`') {
            return Ok(Name::new(&self.delimited('`')?));
        }
        let word = self.peek_word();
        if word.is_empty() {
            return match self.peek() {
                Some(c) => self.fault(format!("expected {what}, found '{c}'")),
                None => self.fault(format!("expected {what} at the end of the line")),
            };
        }
        self.at += word.len();
        Ok(Name::new(word))
    }

    /// A string in double quotes.
    pub fn string(&mut self) -> Parsed<String> {
        if self.peek() != Some('"') {
            return self.fault("expected a string in double quotes");
        }
        self.delimited('"')
    }

    fn delimited(&mut self, quote: char) -> Parsed<String> {
        let start = self.at;
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        chars.next();
        while let Some((i, c)) = chars.next() {
            if c == quote {
                self.at = start + i + 1;
                return Ok(out);
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, 't')) => out.push('\t'),
                Some((_, c)) => out.push(c),
                None => break,
            }
        }
        self.fault_at(start, format!("the closing {quote} is missing"), "")
    }

    pub fn integer(&mut self) -> Parsed<u64> {
        self.peek();
        let rest = self.rest();
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        match rest[..len].parse() {
            Ok(value) => {
                self.at += len;
                Ok(value)
            }
            Err(_) => self.fault("expected an integer"),
        }
    }

    /// The text up to a delimiter outside parentheses.
    fn slice(&mut self, colon_ends: bool) -> (usize, &'a str) {
        self.peek();
        let start = self.at;
        let mut depth = 0usize;
        let bytes = self.rest().as_bytes();
        let mut len = bytes.len();
        for (i, &b) in bytes.iter().enumerate() {
            let ends = match b {
                b'(' => {
                    depth += 1;
                    false
                }
                b')' if depth > 0 => {
                    depth -= 1;
                    false
                }
                b')' | b']' | b'[' | b'@' | b'=' | b'<' | b'>' | b'"' | b'?' => true,
                b',' => depth == 0,
                b':' => depth == 0 && colon_ends,
                b'-' => bytes.get(i + 1) == Some(&b'>'),
                _ => false,
            };
            if ends {
                len = i;
                break;
            }
        }
        self.at = start + len;
        (start, self.text[start..start + len].trim_end())
    }

    /// A symbolic expression, up to `,`, `:`, `=`, `@`, a closing bracket or the end.
    pub fn symbolic(&mut self) -> Parsed<Expr> {
        let (start, text) = self.slice(true);
        Expr::parse(text).map_err(|e| Fault { at: start + e.at, message: e.message, hint: None })
    }

    /// `begin:end`, `begin:end:step` or an index.
    pub fn range(&mut self) -> Parsed<Range> {
        let (start, text) = self.slice(false);
        Range::parse(text).map_err(|e| Fault { at: start + e.at, message: e.message, hint: None })
    }

    /// Symbolic expressions in brackets.
    pub fn extents(&mut self) -> Parsed<Vec<Expr>> {
        self.list("[", "]", |c| c.symbolic())
    }

    /// `[RANGE, …]`, or nothing for a scalar.
    pub fn subset(&mut self) -> Parsed<Subset> {
        if !self.sees("[") {
            return Ok(Subset(vec![]));
        }
        Ok(Subset(self.list("[", "]", |c| c.range())?))
    }

    /// Items separated by commas between two brackets.
    pub fn list<T>(
        &mut self,
        open: &str,
        close: &str,
        mut item: impl FnMut(&mut Cursor<'a>) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect(open)?;
        let mut items = vec![];
        while !self.eat(close) {
            items.push(item(self)?);
            if !self.eat(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(items)
    }
}
