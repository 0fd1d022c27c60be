//! What a `for` loop goes over, and its items.

use std::collections::BTreeSet;

use ruff_python_ast::{self as ast};
use weft_ir::names::Name;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Range};

use crate::bounds::Item;
use crate::context::{Importer, Join, Res, fail, fail_hint};
use crate::value::{Num, Src, Value, View};

/// The most iterations that are written out.
const MOST_UNROLLED: i64 = 128;

/// What a `for` goes over.
#[derive(Clone, Debug)]
pub enum Iter {
    Range(Range),
    /// The rows of an array.
    Rows(View),
    Enumerate(Box<Iter>, Expr),
    Zip(Vec<Iter>),
    /// Values that are known one by one, and the list that has them.
    Items(Vec<Value>, Option<usize>),
    /// The elements of a list that grows.
    Grown(usize, View),
}

impl Iter {
    /// The lists among what is iterated over.
    pub fn lists(&self, found: &mut Vec<usize>) {
        match self {
            Iter::Grown(id, _) => found.push(*id),
            Iter::Enumerate(inner, _) => inner.lists(found),
            Iter::Zip(all) => all.iter().for_each(|i| i.lists(found)),
            Iter::Items(_, list) => found.extend(list),
            Iter::Range(_) | Iter::Rows(_) => {}
        }
    }
}

impl Importer<'_> {
    /// What an expression iterates over; `enumerate`, `zip` and `reversed` of ranges and arrays too.
    pub fn iterable(&mut self, e: &ast::Expr, span: Span) -> Res<Iter> {
        if let ast::Expr::Call(c) = e
            && c.arguments.args.iter().all(|a| !a.is_starred_expr())
            && let Value::Path(path) = self.eval(&c.func)?
        {
            let inner: Vec<&ast::Expr> = c.arguments.args.iter().collect();
            match (path.as_str(), &inner[..]) {
                ("builtins.enumerate", [inner, rest @ ..]) => {
                    let start = c.arguments.keywords.first().map(|k| &k.value).or(rest.first().copied());
                    let iter = self.iterable(inner, span)?;
                    let start = match start {
                        Some(e) => {
                            let v = self.eval(e)?;
                            self.as_int(&v, span)?
                        }
                        None => Expr::zero(),
                    };
                    return Ok(Iter::Enumerate(Box::new(iter), start));
                }
                ("builtins.zip", all) if !all.is_empty() => {
                    let iters = all.iter().map(|e| self.iterable(e, span)).collect::<Res<Vec<_>>>()?;
                    return Ok(Iter::Zip(iters));
                }
                _ => {}
            }
        }
        match self.eval(e)? {
            Value::Range(r) => Ok(Iter::Range(r)),
            Value::Array(view) if view.rank() > 0 => Ok(Iter::Rows(view)),
            Value::List(id) if self.is_grown(&Value::List(id)) => {
                let view = self.grown(&Value::List(id), span)?.unwrap_or_else(|| unreachable!());
                Ok(Iter::Grown(id, view))
            }
            other => match self.elements(&other) {
                Some(items) => {
                    let list = if let Value::List(id) = other { Some(id) } else { None };
                    Ok(Iter::Items(items, list))
                }
                None => fail_hint(
                    span,
                    format!("a loop over {} is not supported", other.describe()),
                    "loop over range(...) or an array",
                ),
            },
        }
    }

    /// The number of items, if there is no list among what is iterated over.
    pub fn dynamic_length(&mut self, iter: &Iter, span: Span) -> Res<Option<Expr>> {
        Ok(match iter {
            // A negative count is a loop that does not run.
            Iter::Range(r) if r.step.as_int().is_some() => Some(r.extent()),
            Iter::Range(r) => Some(self.steps(&r.begin, &r.end, &r.step, span)?),
            Iter::Rows(view) | Iter::Grown(_, view) => Some(view.shape[0].clone()),
            Iter::Enumerate(inner, _) => self.dynamic_length(inner, span)?,
            Iter::Zip(all) => {
                let mut least: Option<Expr> = None;
                for iter in all {
                    let Some(n) = self.dynamic_length(iter, span)? else { return Ok(None) };
                    least = Some(match least {
                        None => n,
                        Some(m) if self.same(&n, &m)?.is_yes() => m,
                        Some(m) => Expr::min(&m, &n),
                    });
                }
                least
            }
            Iter::Items(..) => None,
        })
    }

    /// The number of items, which must be known; small enough to write them all out.
    pub fn static_length(&mut self, iter: &Iter, span: Span) -> Res<i64> {
        let n = match iter {
            Iter::Items(items, _) => return Ok(items.len() as i64),
            Iter::Enumerate(inner, _) => return self.static_length(inner, span),
            Iter::Zip(all) if self.dynamic_length(iter, span)?.is_none() => {
                let mut least = i64::MAX;
                for iter in all {
                    least = least.min(self.static_length(iter, span)?);
                }
                return Ok(least);
            }
            _ => self.dynamic_length(iter, span)?.unwrap_or(Expr::zero()),
        };
        match (n.as_int(), self.on_sample(&n)) {
            (Some(n), _) if n <= MOST_UNROLLED => Ok(n),
            (None, Some(n)) if n <= MOST_UNROLLED => self.make_constant(&self.length_expr(iter), span),
            _ => fail_hint(
                span,
                "a variable of this loop changes its type or shape from one iteration to the next",
                "give the variable one type and shape from the start",
            ),
        }
    }

    /// The symbols that decide what a loop goes over.
    pub fn length_expr(&self, iter: &Iter) -> Expr {
        match iter {
            Iter::Range(r) => [&r.begin, &r.end, &r.step]
                .into_iter()
                .flat_map(|e| e.free_symbols())
                .fold(Expr::zero(), |e, s| e + &Expr::sym(s)),
            Iter::Rows(view) | Iter::Grown(_, view) => view.shape[0].clone(),
            Iter::Enumerate(inner, _) => self.length_expr(inner),
            Iter::Zip(all) => all.iter().map(|i| self.length_expr(i)).fold(Expr::zero(), |a, b| a + &b),
            Iter::Items(..) => Expr::zero(),
        }
    }

    /// Item number `i`.
    pub fn item_of(&mut self, iter: &Iter, i: &Expr, span: Span) -> Res<Value> {
        Ok(match iter {
            Iter::Range(r) => Value::sym(&r.begin + &(i * &r.step)),
            Iter::Rows(view) => self.part(view, &[Item::Index(i.clone())], span)?,
            Iter::Grown(id, view) => {
                let part = self.part(view, &[Item::Index(i.clone())], span)?;
                self.grown_item(*id, part, span)?
            }
            Iter::Enumerate(inner, start) => {
                Value::Tuple(vec![Value::sym(start + i), self.item_of(inner, i, span)?])
            }
            Iter::Zip(all) => {
                Value::Tuple(all.iter().map(|x| self.item_of(x, i, span)).collect::<Res<Vec<_>>>()?)
            }
            Iter::Items(items, _) => match i.as_int().and_then(|i| items.get(i as usize)) {
                Some(v) => v.clone(),
                None => return fail(span, "an item that is not known"),
            },
        })
    }

    /// Rows of an array whose name is given another one in the loop: Python goes on with the first.
    pub fn keep_items(&mut self, iter: &mut Iter, rebound: &BTreeSet<String>, span: Span) {
        match iter {
            Iter::Enumerate(inner, _) => self.keep_items(inner, rebound, span),
            Iter::Zip(all) => all.iter_mut().for_each(|one| self.keep_items(one, rebound, span)),
            Iter::Rows(view) => {
                let cells = &self.frame().cells;
                let name = rebound.iter().find(|n| cells.get(*n).is_some_and(|c| c.view.base == view.base));
                if let Some(name) = name {
                    let kept = self.materialize(view, view.dtype, span);
                    self.alias(&kept, view, name, span);
                    *view = kept;
                }
            }
            Iter::Range(_) | Iter::Items(..) | Iter::Grown(..) => {}
        }
    }

    /// After a loop that has run to its end: those of its variables are the last item's.
    pub fn last_items(
        &mut self,
        f: &ast::StmtFor,
        iter: &Iter,
        count: &Expr,
        names: &BTreeSet<String>,
        written: &BTreeSet<Name>,
        span: Span,
    ) -> Res<()> {
        let mut found = vec![];
        if self.nonneg_everywhere(&(count - 1), span)?.is_yes() {
            let item = self.item_of(iter, &(count - 1), span)?;
            named_parts(&f.target, &item, &mut found);
        }
        let mut missing = names.clone();
        for (name, value) in found.into_iter().filter(|(name, _)| names.contains(name)) {
            let as_it_was = match &value {
                Value::Num(Num { src: Src::Elem(view), .. }) => !written.contains(&view.base),
                Value::Num(_) => true,
                // A view shows what is written, unless its array has moved on.
                Value::Array(view) => !(written.contains(&view.base) && self.is_cell(view)),
                _ => false,
            };
            if as_it_was {
                missing.remove(&name);
                let value = self.hold(value, span)?;
                self.frame().vars.insert(name, value);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        for name in missing {
            let key = self.join_key(&name);
            self.plan.joins.insert(key, Join::Keep);
        }
        self.restart()
    }
}

/// The names of a target, and what an item gives to them.
pub fn named_parts(target: &ast::Expr, item: &Value, found: &mut Vec<(String, Value)>) {
    let elements = match target {
        ast::Expr::Name(name) => return found.push((name.id.to_string(), item.clone())),
        ast::Expr::Tuple(t) => &t.elts,
        ast::Expr::List(t) => &t.elts,
        _ => return,
    };
    if let Value::Tuple(items) = item
        && items.len() == elements.len()
    {
        elements.iter().zip(items).for_each(|(e, item)| named_parts(e, item, found));
    }
}
