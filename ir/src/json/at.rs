//! Values with their place in the file, and what can be wrong with them.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use super::JsonError;
use crate::symbolic::Expr;

/// Why something cannot be read.
#[derive(Debug)]
pub struct Fault {
    pub error: JsonError,
    /// It is well-formed and only beyond what the graph has words for: kept as [`Foreign`](crate::sdfg::Foreign).
    pub beyond: bool,
}

pub type Read<T> = Result<T, Fault>;

/// A value and where it is in the file.
#[derive(Clone)]
pub struct At<'v> {
    pub value: &'v Value,
    path: Option<Rc<Step<'v>>>,
}

/// One step of a path, and the steps before it.
struct Step<'v> {
    before: Option<Rc<Step<'v>>>,
    to: Key<'v>,
}

#[derive(Clone, Copy)]
enum Key<'v> {
    Member(&'v str),
    Item(usize),
}

impl<'v> At<'v> {
    pub fn root(value: &'v Value) -> At<'v> {
        At { value, path: None }
    }

    fn to(&self, value: &'v Value, to: Key<'v>) -> At<'v> {
        At { value, path: Some(Rc::new(Step { before: self.path.clone(), to })) }
    }

    /// `$.nodes[0].edges[3].attributes`
    pub fn path(&self) -> String {
        let mut steps = vec![];
        let mut at = self.path.as_ref();
        while let Some(step) = at {
            steps.push(step.to);
            at = step.before.as_ref();
        }
        let mut out = String::from("$");
        for step in steps.into_iter().rev() {
            match step {
                Key::Member(name) => out += &format!(".{name}"),
                Key::Item(i) => out += &format!("[{i}]"),
            }
        }
        out
    }

    fn fault<T>(&self, message: impl Into<String>, beyond: bool) -> Read<T> {
        Err(Fault { error: JsonError { path: self.path(), message: message.into() }, beyond })
    }

    /// It is malformed.
    pub fn error<T>(&self, message: impl Into<String>) -> Read<T> {
        self.fault(message, false)
    }

    /// It is well-formed, but the graph has no words for it.
    pub fn beyond<T>(&self, message: impl Into<String>) -> Read<T> {
        self.fault(message, true)
    }

    /// A member that may be missing or null.
    pub fn find(&self, key: &'v str) -> Option<At<'v>> {
        let value = self.value.get(key).filter(|v| !v.is_null())?;
        Some(self.to(value, Key::Member(key)))
    }

    pub fn get(&self, key: &'v str) -> Read<At<'v>> {
        match self.find(key) {
            Some(found) => Ok(found),
            None => self.error(format!("'{key}' is missing")),
        }
    }

    pub fn text(&self) -> Read<&'v str> {
        match self.value.as_str() {
            Some(text) => Ok(text),
            None => self.error("expected a string"),
        }
    }

    /// A member that is text, where it is there at all.
    pub fn word(&self, key: &'v str) -> Option<&'v str> {
        self.value.get(key)?.as_str()
    }

    pub fn items(&self) -> Read<Vec<At<'v>>> {
        match self.value.as_array() {
            Some(items) => Ok(items.iter().enumerate().map(|(i, v)| self.to(v, Key::Item(i))).collect()),
            None => self.error("expected a list"),
        }
    }

    pub fn members(&self) -> Read<Vec<(&'v str, At<'v>)>> {
        match self.value.as_object() {
            Some(map) => {
                Ok(map.iter().map(|(key, v)| (key.as_str(), self.to(v, Key::Member(key)))).collect())
            }
            None => self.error("expected an object"),
        }
    }

    pub fn flag(&self, key: &str) -> bool {
        self.value.get(key).is_some_and(|v| v.as_bool() == Some(true))
    }

    /// A number in a string or as such, as an index.
    pub fn index(&self) -> Read<usize> {
        let number = self.value.as_u64().or_else(|| self.value.as_str()?.parse().ok());
        match number.and_then(|n| usize::try_from(n).ok()) {
            Some(n) => Ok(n),
            None => self.error("expected an index"),
        }
    }

    /// A symbolic expression in a string, a number, or the main part of `{"main", "approx"}`.
    pub fn symbolic(&self) -> Read<Expr> {
        let text = match self.value {
            Value::Number(n) => Cow::Owned(n.to_string()),
            Value::String(text) => spelled(text),
            Value::Object(map) if map.contains_key("main") => return self.get("main")?.symbolic(),
            _ => return self.error("expected an expression"),
        };
        match Expr::parse(&text) {
            Ok(e) => Ok(e),
            Err(e) => self.beyond(format!("the expression '{text}': {}", e.message)),
        }
    }

    /// The text of a code block, `None` for null.
    pub fn code(&self) -> Option<&'v str> {
        self.value.as_str().or_else(|| self.value.get("string_data")?.as_str())
    }

    pub fn is(&self, kind: &str) -> bool {
        self.word("type") == Some(kind)
    }
}

/// Symbols as DaCe 1.0 spells them: `symbol($N, dtype=dace.int64)` and `$N` of 2.0 are `N`.
pub fn spelled(text: &str) -> Cow<'_, str> {
    if !text.contains('$') && !text.contains("symbol(") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let Some(at) = rest.find("symbol(") else {
            out.push_str(rest);
            break;
        };
        let (before, after) = (&rest[..at], &rest[at + "symbol(".len()..]);
        out.push_str(before);
        let own = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        let end = after.find(')');
        let inside = end.map(|end| &after[..end]).and_then(|inside| inside.split(',').next());
        let name = inside.map(|name| name.trim().trim_matches(['\'', '"', '$']));
        match (own, end, name) {
            (true, Some(end), Some(name)) if is_name(name) => {
                out.push_str(name);
                rest = &after[end + 1..];
            }
            _ => {
                out.push_str("symbol(");
                rest = after;
            }
        }
    }
    Cow::Owned(out.replace('$', ""))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
