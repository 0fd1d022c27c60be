//! Dictionaries whose keys are known.
//!
//! An entry that a loop or branch changes which the dictionary was not made in gets a container: the
//! plan says so for the place that makes the dictionary.

use ruff_python_ast as ast;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;

use crate::args::Args;
use crate::context::{Importer, Res, fail, fail_hint, fail_raises, span_of};
use crate::truth::Test;
use crate::value::{Kind, Num, Src, Value, View};

/// A dictionary: its entries in order, and where it was made.
#[derive(Clone, Debug)]
pub struct Dict {
    pub items: Vec<(Value, Value)>,
    pub depth: usize,
    pub site: Vec<u32>,
}

impl Importer<'_> {
    pub fn dict_of(&mut self, items: Vec<(Value, Value)>, span: Span) -> Res<Value> {
        let site: Vec<u32> = self.path.iter().copied().chain([span.start, span.end]).collect();
        self.dicts.push(Dict { items: vec![], depth: self.nesting(), site });
        let id = self.dicts.len() - 1;
        for (key, value) in items {
            self.set_entry(id, &key, value, span)?;
        }
        Ok(Value::Dict(id))
    }

    /// `{'a': x, **other}`
    pub fn dict_literal(&mut self, d: &ast::ExprDict, span: Span) -> Res<Value> {
        let mut items = vec![];
        for item in &d.items {
            match &item.key {
                Some(key) => {
                    let key = self.eval(key)?;
                    let key = self.dict_key(&key, span)?;
                    let value = self.eval(&item.value)?;
                    items.push((key, self.hold(value, span)?));
                }
                None => match self.eval(&item.value)? {
                    Value::Dict(id) => items.extend(self.dicts[id].items.clone()),
                    other => return fail(span, format!("'**' of {}", other.describe())),
                },
            }
        }
        self.dict_of(items, span)
    }

    /// `{key: value for ...}` over what is known item by item.
    pub fn dict_comprehension(&mut self, c: &ast::ExprDictComp, span: Span) -> Res<Value> {
        let Some(key) = &c.key else { return fail(span, "'**' in a comprehension") };
        let pair = ast::Expr::Tuple(ast::ExprTuple {
            node_index: ast::AtomicNodeIndex::NONE,
            range: c.range,
            elts: vec![(**key).clone(), (*c.value).clone()].into_iter().collect(),
            ctx: ast::ExprContext::Load,
            parenthesized: true,
        });
        let pairs = self.comprehension(&pair, &c.generators, span)?;
        let items = self.pairs(pairs, span)?;
        self.dict_of(items, span)
    }

    fn pairs(&mut self, pairs: Vec<Value>, span: Span) -> Res<Vec<(Value, Value)>> {
        let mut items = vec![];
        for pair in pairs {
            let pair = self.unpacked(&pair, span)?;
            let [key, value] = &pair[..] else { return fail(span, "a dict is made of pairs") };
            items.push((self.dict_key(key, span)?, value.clone()));
        }
        Ok(items)
    }

    /// `dict(...)`
    pub fn dict_call(&mut self, args: &mut Args) -> Res<Value> {
        let span = args.span;
        let mut items = match args.pos.first().cloned() {
            None => vec![],
            Some(Value::Dict(id)) => self.dicts[id].items.clone(),
            Some(other) => {
                let pairs = self.unpacked(&other, span)?;
                self.pairs(pairs, span)?
            }
        };
        for name in std::mem::take(&mut args.order) {
            if let Some(value) = args.kw.remove(&name) {
                items.push((Value::Str(name), value));
            }
        }
        self.dict_of(items, span)
    }

    /// A key that is known.
    fn dict_key(&mut self, key: &Value, span: Span) -> Res<Value> {
        match key {
            Value::Str(_) | Value::None | Value::Path(_) => Ok(key.clone()),
            Value::Tuple(items) => {
                let items = items.iter().map(|v| self.dict_key(v, span)).collect::<Res<Vec<_>>>()?;
                Ok(Value::Tuple(items))
            }
            Value::Num(Num { kind: Kind::Int | Kind::Bool, .. }) => match key.as_const_int() {
                Some(i) => Ok(Value::int(i)),
                None => match key {
                    Value::Num(Num { src: Src::Sym(e), .. })
                        if e.free_symbols().iter().all(|s| self.values.contains_key(s)) =>
                    {
                        self.make_constant(&e.clone(), span)
                    }
                    _ => fail_hint(span, "a key of a dict that only the run knows", "use an array"),
                },
            },
            Value::Poison => Err(crate::context::Stop::Silent),
            other => fail_hint(span, format!("a key of a dict that is {}", other.describe()), "use an array"),
        }
    }

    pub fn dict_keys(&mut self, id: usize) -> Value {
        Value::Tuple(self.dicts[id].items.iter().map(|i| i.0.clone()).collect())
    }

    fn entry(&self, id: usize, key: &Value) -> Option<Value> {
        self.dicts[id].items.iter().find(|i| i.0 == *key).map(|i| i.1.clone())
    }

    /// `d[key]`
    pub fn dict_item(&mut self, id: usize, key: &Value, span: Span) -> Res<Value> {
        let key = self.dict_key(key, span)?;
        match self.entry(id, &key) {
            Some(value) => Ok(value),
            None => fail_raises(span, "the dict has no such key", ""),
        }
    }

    /// `key in d`
    pub fn dict_has(&mut self, id: usize, key: &Value, span: Span) -> Res<Test> {
        let key = self.dict_key(key, span)?;
        Ok(Test::Known(self.entry(id, &key).is_some()))
    }

    /// `d[key] = value`
    pub fn set_entry(&mut self, id: usize, key: &Value, value: Value, span: Span) -> Res<()> {
        let key = self.dict_key(key, span)?;
        let value = self.hold(value, span)?;
        let place = (self.dicts[id].site.clone(), format!("{key:?}"));
        let old = self.entry(id, &key);
        if self.dicts[id].depth == self.nesting() {
            let value = match (self.plan.boxed.get(&place).copied(), value) {
                (Some(kind), value) => self.in_box(kind, &value, span)?,
                (None, value) => value,
            };
            let items = &mut self.dicts[id].items;
            match items.iter_mut().find(|i| i.0 == key) {
                Some(item) => item.1 = value,
                None => items.push((key, value)),
            }
            return Ok(());
        }
        let Some(old) = old else {
            let hint = "give every key a value where the dict is made";
            return fail_hint(span, "a key is added to a dict in a loop or branch", hint);
        };
        let boxed = self.plan.boxed.get(&place).copied();
        match (&old, &value) {
            (a, b) if a == b => Ok(()),
            (Value::Num(a), Value::Num(b)) => {
                let kind = crate::joins::joined(boxed.flatten().unwrap_or(a.kind), b.kind);
                let Some(kind) = kind else { return self.entry_changes(&old, &value, span) };
                if boxed != Some(Some(kind)) {
                    self.plan.boxed.insert(place, Some(kind));
                    return self.restart();
                }
                let Value::Num(Num { src: Src::Elem(view), .. }) = &old else { return self.restart() };
                self.store(&view.clone(), &value, span)
            }
            (Value::Array(a), Value::Array(b)) => {
                let mut same = a.dtype == b.dtype && a.rank() == b.rank();
                for (n, m) in a.shape.iter().zip(&b.shape) {
                    same = same && self.same(n, m)?.is_yes();
                }
                if !same {
                    return self.entry_changes(&old, &value, span);
                }
                if boxed.is_none() {
                    self.plan.boxed.insert(place, None);
                    return self.restart();
                }
                if !self.is_fresh(b, &[]) {
                    self.alias(a, b, "the dict", span);
                }
                let new = self.materialize(b, b.dtype, span);
                self.copy_into(&new, a, span);
                Ok(())
            }
            _ => self.entry_changes(&old, &value, span),
        }
    }

    fn entry_changes<T>(&mut self, old: &Value, new: &Value, span: Span) -> Res<T> {
        let (old, new) = (old.describe(), new.describe());
        let hint = "give the entry one type and shape from the start";
        fail_hint(span, format!("an entry of a dict was {old} and becomes {new} in a loop or branch"), hint)
    }

    /// A container for an entry that is changed elsewhere.
    fn in_box(&mut self, kind: Option<Kind>, value: &Value, span: Span) -> Res<Value> {
        match (kind, value) {
            (Some(kind), Value::Num(_)) => {
                let room = self.transient("entry", kind.dtype(), vec![Expr::one()]);
                let place: View = room.fix_dim(0, &Expr::zero());
                self.store(&place, value, span)?;
                Ok(Value::elem(kind, place))
            }
            (_, Value::Array(view)) => {
                let room = self.materialize(view, view.dtype, span);
                if !self.is_fresh(view, &[]) {
                    self.alias(&room, view, "the dict", span);
                }
                Ok(Value::Array(room))
            }
            _ => Ok(value.clone()),
        }
    }

    pub fn dict_method(&mut self, id: usize, name: &str, args: Args) -> Res<Value> {
        let span = args.span;
        let items = self.dicts[id].items.clone();
        let near = self.dicts[id].depth == self.nesting();
        match (name, &args.pos[..]) {
            ("keys", []) => Ok(self.dict_keys(id)),
            ("values", []) => Ok(Value::Tuple(items.into_iter().map(|i| i.1).collect())),
            ("items", []) => {
                Ok(Value::Tuple(items.into_iter().map(|(k, v)| Value::Tuple(vec![k, v])).collect()))
            }
            ("copy", []) => self.dict_of(items, span),
            ("get", [key, default @ ..]) if default.len() < 2 => {
                let key = self.dict_key(key, span)?;
                let default = default.first().cloned().unwrap_or(Value::None);
                Ok(self.entry(id, &key).unwrap_or(default))
            }
            ("setdefault", [key, default]) => {
                let key = self.dict_key(key, span)?;
                if let Some(value) = self.entry(id, &key) {
                    return Ok(value);
                }
                self.set_entry(id, &key, default.clone(), span)?;
                Ok(self.entry(id, &key).unwrap_or(Value::None))
            }
            ("update", _) => {
                let other = self.dict_call(&mut Args { name: "dict".into(), ..args })?;
                if let Value::Dict(other) = other {
                    for (key, value) in self.dicts[other].items.clone() {
                        self.set_entry(id, &key, value, span)?;
                    }
                }
                Ok(Value::None)
            }
            ("pop", [key, default @ ..]) if near => {
                let key = self.dict_key(key, span)?;
                match (self.entry(id, &key), default.first()) {
                    (Some(value), _) => {
                        self.dicts[id].items.retain(|i| i.0 != key);
                        Ok(value)
                    }
                    (None, Some(default)) => Ok(default.clone()),
                    (None, None) => fail_raises(span, "the dict has no such key", ""),
                }
            }
            _ => {
                fail_hint(span, format!("the method '{name}' of a dict is not supported here"), "use arrays")
            }
        }
    }

    /// The key that a subscript of a dict is.
    pub fn subscript_key(&mut self, slice: &ast::Expr) -> Res<Value> {
        let key = self.eval(slice)?;
        self.dict_key(&key, span_of(slice))
    }
}
