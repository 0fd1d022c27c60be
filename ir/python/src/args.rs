//! Arguments of calls: evaluated, and bound to the parameters of a supported function.

use std::collections::BTreeMap;

use ruff_python_ast as ast;
use weft_ir::sdfg::Span;

use crate::context::{Importer, Res, fail, fail_hint, span_of};
use crate::value::Value;

/// Evaluated arguments of a call.
pub struct Args {
    pub pos: Vec<Value>,
    pub kw: BTreeMap<String, Value>,
    /// The keywords as they are written.
    pub order: Vec<String>,
    pub name: String,
    pub span: Span,
}

impl Args {
    pub fn new(name: &str, pos: Vec<Value>, span: Span) -> Args {
        Args { pos, kw: BTreeMap::new(), order: vec![], name: name.into(), span }
    }

    /// The argument at a position or by name; each is taken once.
    pub fn take(&mut self, at: usize, name: &str) -> Option<Value> {
        match self.pos.get_mut(at) {
            Some(value) => Some(std::mem::replace(value, Value::Poison)),
            None => self.kw.remove(name),
        }
    }

    /// No more than `count` positional arguments and no other keyword are given.
    pub fn done(&self, count: usize) -> Res<()> {
        if let Some((name, _)) = self.kw.iter().next() {
            return fail_hint(
                self.span,
                format!("the argument '{name}' of {} is not supported", self.name),
                "leave it out",
            );
        }
        if self.pos.len() > count {
            return fail(self.span, format!("{} has too many arguments", self.name));
        }
        Ok(())
    }

    /// Binds to parameters that are written as in Python: `a, axis=None, *, out=None`. A parameter
    /// after `~` is accepted and has no effect here; `*rest` takes what is left.
    pub fn bind(mut self, parameters: &'static str) -> Res<Bound> {
        let mut bound = Bound { name: self.name.clone(), span: self.span, values: vec![], rest: vec![] };
        let (mut at, mut keyword_only) = (0, false);
        for p in parameters.split(", ").filter(|p| !p.is_empty()) {
            if p == "*" {
                keyword_only = true;
                continue;
            }
            if p.starts_with('*') {
                bound.rest = self.pos.drain(at.min(self.pos.len())..).collect();
                keyword_only = true;
                continue;
            }
            let (name, default) = match p.split_once('=') {
                Some((name, default)) => (name, Some(default)),
                None => (p, None),
            };
            let ignored = name.starts_with('~');
            let name = name.trim_start_matches('~');
            let given = if keyword_only { self.kw.remove(name) } else { self.take(at, name) };
            at += usize::from(!keyword_only);
            match (given, default) {
                (Some(v), _) if !ignored => bound.values.push((name, v)),
                (None, None) => return fail(self.span, format!("{} lacks the argument '{name}'", self.name)),
                (None, Some(text)) if !ignored => bound.values.push((name, default_value(text))),
                _ => {}
            }
        }
        self.done(at)?;
        Ok(bound)
    }
}

/// A default as it is written in a table of parameters.
fn default_value(text: &str) -> Value {
    match text {
        "True" => Value::bool(true),
        "False" => Value::bool(false),
        _ if text.starts_with('\'') => Value::Str(text.trim_matches('\'').into()),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(i), _) => Value::int(i),
            (_, Ok(x)) => Value::float(x),
            _ => Value::None,
        },
    }
}

/// Arguments by the names of a function's parameters.
pub struct Bound {
    pub name: String,
    pub span: Span,
    /// What `*rest` took.
    pub rest: Vec<Value>,
    values: Vec<(&'static str, Value)>,
}

impl Bound {
    /// The value of a parameter; `None` where it was not given and has no other default.
    pub fn get(&mut self, name: &str) -> Value {
        let found = self.values.iter_mut().find(|v| v.0 == name);
        found.map_or(Value::None, |v| std::mem::replace(&mut v.1, Value::None))
    }

    /// The value, unless it is Python's `None`.
    pub fn given(&mut self, name: &str) -> Option<Value> {
        Some(self.get(name)).filter(|v| *v != Value::None)
    }

    /// A bool that is known.
    pub fn flag(&mut self, name: &str) -> Res<bool> {
        match self.get(name) {
            Value::None => Ok(false),
            v => match v.as_const_int() {
                Some(i) => Ok(i != 0),
                None => fail(self.span, format!("'{name}' of {} must be a constant", self.name)),
            },
        }
    }

    /// An integer that is known, or nothing where `None` is given.
    pub fn constant(&mut self, name: &str) -> Res<Option<i64>> {
        match self.get(name) {
            Value::None => Ok(None),
            v => match v.as_const_int() {
                Some(i) => Ok(Some(i)),
                None => fail_hint(
                    self.span,
                    format!("'{name}' of {} must be a constant integer", self.name),
                    "write it as a number",
                ),
            },
        }
    }

    /// A string.
    pub fn text(&mut self, name: &str) -> Res<Option<String>> {
        match self.get(name) {
            Value::None => Ok(None),
            Value::Str(s) => Ok(Some(s)),
            other => fail(self.span, format!("'{name}' of {} is {}", self.name, other.describe())),
        }
    }
}

impl Importer<'_> {
    /// The arguments of a call, in order; what is written later does not change them.
    pub fn arguments_of(&mut self, c: &ast::ExprCall, span: Span) -> Res<Args> {
        let mut args = Args::new("", vec![], span);
        let later = |s: &Self, i: usize| {
            c.arguments.args.iter().skip(i + 1).any(|e| s.calls_user(e, 0))
                || c.arguments.keywords.iter().any(|k| s.calls_user(&k.value, 0))
        };
        for (i, e) in c.arguments.args.iter().enumerate() {
            if let ast::Expr::Starred(star) = e {
                let v = self.eval(&star.value)?;
                args.pos.extend(self.unpacked(&v, span_of(e))?);
                continue;
            }
            let value = self.eval(e)?;
            let value = if later(self, i) { self.hold(value, span_of(e))? } else { value };
            args.pos.push(value);
        }
        for k in &c.arguments.keywords {
            let Some(name) = &k.arg else {
                match self.eval(&k.value)? {
                    Value::Dict(id) => {
                        for (key, value) in self.dicts[id].items.clone() {
                            let Value::Str(name) = key else { return fail(span, "keywords must be strings") };
                            args.order.push(name.clone());
                            args.kw.insert(name, value);
                        }
                    }
                    other => return fail(span, format!("'**' of {}", other.describe())),
                }
                continue;
            };
            let value = self.eval(&k.value)?;
            args.order.push(name.to_string());
            args.kw.insert(name.to_string(), value);
        }
        Ok(args)
    }
}
