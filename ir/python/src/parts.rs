//! Tuples that loops and branches assign: a variable for each of their items.
//!
//! What was seen of a variable is a tuple of this many items; where it must be carried, the plan says that
//! it is one, and the items are carried as any other variables.

use std::collections::BTreeSet;

use weft_ir::sdfg::Span;

use crate::context::{Importer, JoinKey, Res};
use crate::value::Value;

/// Longer tuples stay as they are.
const LONGEST: usize = 12;

/// The variable that has one item.
pub fn part_name(name: &str, i: usize) -> String {
    format!("__{name}_part{i}")
}

impl Importer<'_> {
    fn tuple_key(&self, name: &str) -> JoinKey {
        (self.frames.last().map(|f| f.path.clone()).unwrap_or_default(), name.to_string())
    }

    /// How many items the tuple has that the variable is carried as.
    fn tuple_length(&self, name: &str) -> Option<usize> {
        if self.plan.tuples.is_empty() {
            return None;
        }
        self.plan.tuples.get(&self.tuple_key(name)).copied()
    }

    /// Remembers that a variable was given a tuple.
    pub fn note_tuple(&mut self, name: &str, items: &[Value]) {
        let plain = items.iter().all(|v| matches!(v, Value::Num(_) | Value::Array(_)));
        if !plain || items.is_empty() || items.len() > LONGEST {
            return;
        }
        let key = self.tuple_key(name);
        let seen = self.plan.lengths.entry(key).or_insert(items.len());
        if *seen != items.len() {
            // Tuples of several lengths are no such variable.
            *seen = 0;
        }
    }

    /// A variable that must be carried is a tuple: the import starts again with its items.
    pub fn carry_parts(&mut self, name: &str) -> bool {
        let key = self.tuple_key(name);
        match self.plan.lengths.get(&key).copied() {
            Some(n) if n > 0 && !self.plan.tuples.contains_key(&key) => {
                self.plan.tuples.insert(key, n);
                true
            }
            _ => false,
        }
    }

    /// `name = value` where the items are variables; false where they are not.
    pub fn bind_parts(&mut self, name: &str, value: &Value, span: Span) -> Res<bool> {
        let Some(n) = self.tuple_length(name) else { return Ok(false) };
        let items = match value {
            Value::Tuple(items) if items.len() == n => items.clone(),
            Value::None => vec![Value::None; n],
            _ => return Ok(false),
        };
        for (i, item) in items.into_iter().enumerate() {
            self.bind(&part_name(name, i), item, span)?;
        }
        self.frame().vars.insert(name.to_string(), Value::Parts(n));
        Ok(true)
    }

    /// The tuple that the items of a variable make.
    pub fn tuple_of_parts(&mut self, name: &str, n: usize, span: Span) -> Res<Value> {
        let none = (0..n).all(|i| self.variable(&part_name(name, i)) == Some(Value::None));
        if none {
            return Ok(Value::None);
        }
        let items = (0..n).map(|i| self.lookup(&part_name(name, i), span));
        items.collect::<Res<Vec<_>>>().map(Value::Tuple)
    }

    /// Names that are assigned, with the items of tuples instead of those.
    pub fn with_parts(&mut self, names: &BTreeSet<String>) -> BTreeSet<String> {
        if self.plan.tuples.is_empty() {
            return names.clone();
        }
        let mut all = BTreeSet::new();
        for name in names {
            let Some(n) = self.tuple_length(name) else {
                all.insert(name.clone());
                continue;
            };
            let before = self.frame().vars.get(name).cloned();
            for i in 0..n {
                let part = part_name(name, i);
                let value = match &before {
                    Some(Value::Parts(_)) => None,
                    Some(Value::Tuple(items)) if items.len() == n => Some(items[i].clone()),
                    other => other.clone(),
                };
                if let Some(value) = value {
                    self.frame().vars.insert(part.clone(), value);
                }
                all.insert(part);
            }
            self.frame().vars.insert(name.clone(), Value::Parts(n));
        }
        all
    }
}
