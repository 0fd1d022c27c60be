//! What is done with a list that [`grow`](crate::grow) has put into a container.

use ruff_python_ast as ast;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Fact};

use crate::args::Args;
use crate::bounds::Item;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::grow::{Grown, Length, Site};
use crate::ops::rekind;
use crate::value::{Kind, Value, View, view_of};

impl Importer<'_> {
    pub fn lengthen(&mut self, id: usize, from: &Expr, by: i64, span: Span) -> Res<()> {
        let Some(grown) = &mut self.lists[id].grown else { return Ok(()) };
        match &mut grown.length {
            Length::Steady { done, .. } => {
                *done = true;
                Ok(())
            }
            Length::Counted(count) => {
                let count = count.clone();
                self.store(&count, &Value::sym(from + by), span)
            }
        }
    }

    /// How many elements a list that grows has here.
    pub fn length_of(&mut self, id: usize, span: Span) -> Res<Expr> {
        let Some(grown) = self.lists[id].grown.clone() else { return Ok(Expr::zero()) };
        match grown.length {
            Length::Counted(count) => {
                let n = self.as_int(&Value::elem(Kind::Int, count), span)?;
                self.assume(Fact::NonNeg(n.clone()));
                self.assume(Fact::NonNeg(&grown.room.shape[0] - &n));
                if let Some(symbol) = n.as_sym() {
                    self.bounds.insert(symbol, grown.room.shape[0].clone());
                }
                Ok(n)
            }
            Length::Steady { first, loops, done } => {
                let each = |loops: &[(Site, Expr)]| loops.iter().fold(Expr::one(), |n, l| &n * &l.1);
                let (mut n, mut rest) = (first, each(&loops));
                for (at, (path, _)) in loops.iter().enumerate() {
                    let Some(around) = self.around.iter().find(|a| a.path == *path) else { break };
                    let Some((_, range)) = self.loops.iter().find(|l| l.0 == around.var) else { break };
                    rest = each(&loops[at + 1..]);
                    let index = &(&Expr::sym(around.var) - &range.begin) * &range.step;
                    n = &n + &(&index * &rest);
                }
                Ok(if done { &n + &rest } else { n })
            }
        }
    }

    /// The elements of a list that grows as an array: the container's own, not a copy.
    pub fn grown(&mut self, v: &Value, span: Span) -> Res<Option<View>> {
        let Value::List(id) = v else { return Ok(None) };
        let Some(grown) = self.lists[*id].grown.clone() else { return Ok(None) };
        let n = self.length_of(*id, span)?;
        Ok(Some(grown.room.slice_dim(0, &Expr::zero(), &Expr::one(), n)))
    }

    /// Is it a list in a container?
    pub fn is_grown(&self, v: &Value) -> bool {
        matches!(v, Value::List(id) if self.lists[*id].grown.is_some())
    }

    /// The kind of the numbers in a list that grows.
    pub fn grown_kind(&self, v: &Value) -> Option<Kind> {
        let Value::List(id) = v else { return None };
        self.lists[*id].grown.as_ref().filter(|g| !g.mixed)?.kind
    }

    /// `list[i:j]` of a list that grows: a new list.
    pub fn grown_part(&mut self, id: usize, part: Value, span: Span) -> Res<Value> {
        match (part, self.lists[id].grown.clone()) {
            (Value::Array(part), Some(grown)) if grown.kind.is_some() && !grown.nested => {
                let room = self.materialize(&part, part.dtype, span);
                let length = Length::steady(&room);
                Ok(self.list_of(vec![], Some(Grown { room, length, ..grown }), None))
            }
            _ => fail_hint(span, "a part of a list that has arrays or lists", "use an array"),
        }
    }

    /// What an index gives of a list that grows: a number, an array, or a list in it.
    pub fn grown_item(&mut self, id: usize, part: Value, span: Span) -> Res<Value> {
        let Some(grown) = self.lists[id].grown.clone() else { return Ok(part) };
        match (part, grown.kind) {
            (Value::Array(row), Some(_)) if grown.nested => {
                Ok(self.list_of(vec![], Some(grown.row(row)), None))
            }
            (_, Some(_)) if grown.mixed => {
                let hint = "convert all of them by float(...)";
                fail_hint(span, "an element of a list of numbers of different kinds", hint)
            }
            (part, Some(kind)) => Ok(rekind(part, kind)),
            (_, None) if grown.nested => {
                fail_hint(span, "an element of a list of lists that a loop fills", "use a list of arrays")
            }
            (part, None) => Ok(part),
        }
    }

    /// `list[i] = value` of a list that grows.
    pub fn set_grown_item(&mut self, id: usize, slice: &ast::Expr, value: Value, span: Span) -> Res<()> {
        let (Some(view), Some(grown)) = (self.grown(&Value::List(id), span)?, self.lists[id].grown.clone())
        else {
            return Ok(());
        };
        if grown.kind.is_none() {
            return fail_hint(span, "an array in a list that a loop fills is exchanged", "use an array");
        }
        if let Value::List(_) = value {
            return fail_hint(span, "a list in a list that a loop fills is exchanged", "use an array");
        }
        let element = self.element_of_list(value, &grown, span)?;
        let items = self.items(slice)?;
        let part = self.part(&view, &items, span)?;
        match view_of(&part) {
            Some(target) => self.store(&target, &element, span),
            None => fail(span, "this cannot be assigned to"),
        }
    }

    /// Methods of a list that grows, other than `append`.
    pub fn grown_method(&mut self, id: usize, name: &str, args: &Args) -> Res<Value> {
        let span = args.span;
        let list = Value::List(id);
        if let ("extend", [v]) = (name, &args.pos[..]) {
            for (i, item) in self.unpacked(v, span)?.into_iter().enumerate() {
                self.path.push(i as u32);
                let done = self.append_far(id, item, span);
                self.path.pop();
                done?;
            }
            return Ok(Value::None);
        }
        let Some(view) = self.grown(&list, span)? else { return Ok(Value::None) };
        match (name, &args.pos[..]) {
            ("pop", []) => {
                let site = self.lists[id].site.clone().unwrap_or_default();
                if let Some(growth) = self.plan.growing.get_mut(&site)
                    && !growth.counted
                {
                    growth.counted = true;
                    return self.restart();
                }
                let n = view.shape[0].clone();
                let last = self.part(&view, &[Item::Index(Expr::int(-1))], span)?;
                let last = self.grown_item(id, last, span)?;
                let last = match last {
                    Value::List(_) => return fail_hint(span, "pop from a list of lists", "use arrays"),
                    Value::Array(v) => Value::Array(self.materialize(&v, v.dtype, span)),
                    other => self.hold(other, span)?,
                };
                self.lengthen(id, &n, -1, span)?;
                return Ok(last);
            }
            ("copy", []) => return self.grown_part(id, Value::Array(view), span),
            ("reverse", []) | ("sort", []) if self.grown_kind(&list).is_some() => {
                let path = if name == "sort" { "numpy.sort" } else { "numpy.flip" };
                let array = Value::Array(view.clone());
                let value = self.call_path(path, Args::new(path, vec![array], span))?;
                self.store(&view, &value, span)?;
            }
            _ => {
                return fail_hint(
                    span,
                    format!("the method '{name}' of a list that a loop fills is not supported"),
                    "use an array",
                );
            }
        }
        Ok(Value::None)
    }
}
