//! What is done with a list that [`grow`](crate::grow) has put into a container.

use ruff_python_ast as ast;
use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Fact};
use weft_ir::tasklet::{self, BinOp};

use crate::args::Args;
use crate::bounds::Item;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::diagnostic::NOT_IMPORTED;
use crate::grow::{Grown, Length, Mixed, Site};
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

    /// The elements of a list that grows as the array that NumPy makes of it.
    pub fn array_of_grown(&mut self, v: &Value, span: Span) -> Res<Option<View>> {
        let (Value::List(id), Some(view)) = (v, self.grown(v, span)?) else { return Ok(None) };
        let zero = || tasklet::Expr::Sym(Expr::zero());
        let n = view.shape[0].clone();
        if (view.rank() > 1 || view.dtype != DType::F64) && !self.nonneg_everywhere(&(&n - 1), span)?.is_yes()
        {
            let some = tasklet::Expr::bin(BinOp::Gt, tasklet::Expr::Sym(n.clone()), zero());
            self.check(
                some,
                format!("{NOT_IMPORTED}an empty list as an array of no elements (of float64)"),
                span,
            );
        }
        if let Some(wide) = self.lists[*id].grown.as_ref().and_then(|g| g.wide) {
            let none = tasklet::Expr::bin(BinOp::Eq, tasklet::Expr::Sym(n), zero());
            let cond = tasklet::Expr::bin(BinOp::Or, tasklet::Expr::Var(wide), none);
            let reason = "a list of integers as an array, which has floats where the loop adds them";
            self.check(cond, format!("{NOT_IMPORTED}{reason}"), span);
        }
        Ok(Some(view))
    }

    /// Is it a list in a container?
    pub fn is_grown(&self, v: &Value) -> bool {
        matches!(v, Value::List(id) if self.lists[*id].grown.is_some())
    }

    /// The kind of the numbers in a list that grows.
    pub fn grown_kind(&self, v: &Value) -> Option<Kind> {
        let Value::List(id) = v else { return None };
        self.lists[*id].grown.as_ref().filter(|g| g.mixed == Mixed::No && g.columns.is_empty())?.kind
    }

    /// `list[i:j]` of a list that grows: a new list.
    pub fn grown_part(&mut self, id: usize, part: Value, span: Span) -> Res<Value> {
        match (part, self.lists[id].grown.clone()) {
            (Value::Array(part), Some(grown))
                if grown.kind.is_some()
                    && grown.flags.is_none()
                    && (!grown.nested || !grown.columns.is_empty()) =>
            {
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
        if !grown.columns.is_empty() {
            return self.tuple_of_row(&part, &grown, span);
        }
        match (part, grown.kind) {
            (Value::Array(row), Some(_)) if grown.nested => {
                Ok(self.list_of(vec![], Some(grown.row(row)), None))
            }
            (part, Some(kind)) if grown.flags.is_some() => self.number_of_list(part, kind, &grown, span),
            (_, Some(_)) if grown.mixed != Mixed::No => {
                let hint = "convert all of them by float(...)";
                let of = grown.room.dtype.numpy();
                let reason = format!("an element of a list of numbers of different kinds, {of} as an array");
                fail_hint(span, reason, hint)
            }
            (part, Some(kind)) => Ok(rekind(part, kind)),
            (_, None) if grown.nested => {
                fail_hint(span, "an element of a list of lists that a loop fills", "use a list of arrays")
            }
            (part, None) => Ok(part),
        }
    }

    /// A number of which the list says whether it is NumPy's.
    fn number_of_list(&mut self, part: Value, kind: Kind, grown: &Grown, span: Span) -> Res<Value> {
        let (Some(place), Some(flags)) = (view_of(&part), &grown.flags) else { return Ok(part) };
        let held = self.hold(rekind(part, kind), span)?;
        if let Some(view) = view_of(&held) {
            let flag = self.doubted(&view, Kind::Int);
            let sure = View { base: flags.base, dtype: flags.dtype, ..place };
            self.store(&View::full(flag, DType::Bool, &[]), &Value::elem(Kind::Bool, sure), span)?;
        }
        Ok(held)
    }

    /// The tuple that is a row of a list of such, as it is now.
    fn tuple_of_row(&mut self, part: &Value, grown: &Grown, span: Span) -> Res<Value> {
        let Value::Array(row) = part else { return fail(span, "this is no tuple of the list") };
        let mut items = vec![];
        for (j, kind) in grown.columns.iter().enumerate() {
            let element = Value::elem(Kind::Np(row.dtype), row.fix_dim(0, &Expr::int(j as i64)));
            let element = self.convert(&element, kind.dtype(), span)?;
            let element = if element.kind() == Some(*kind) { element } else { rekind(element, *kind) };
            items.push(self.hold(element, span)?);
        }
        Ok(Value::Tuple(items))
    }

    /// Only the run knows how long the list is: the import starts again where that was not known.
    fn counted(&mut self, id: usize) -> Res<()> {
        let site = self.lists[id].site.clone().unwrap_or_default();
        if let Some(growth) = self.plan.growing.get_mut(&site)
            && !growth.counted
        {
            growth.counted = true;
            return self.restart();
        }
        Ok(())
    }

    /// `list.pop(i)`: what follows moves up.
    fn pop_grown(&mut self, id: usize, at: &Value, span: Span) -> Res<Value> {
        self.counted(id)?;
        let Some(view) = self.grown(&Value::List(id), span)? else { return Ok(Value::None) };
        let n = view.shape[0].clone();
        let at = self.as_int(at, span)?;
        let at = self.index(&at, &n, 0, "the list", span)?;
        let item = self.part(&view, &[Item::Index(at.clone())], span)?;
        let item = self.grown_item(id, item, span)?;
        let item = match item {
            Value::List(_) => return fail_hint(span, "pop from a list of lists", "use arrays"),
            Value::Array(v) => Value::Array(self.materialize(&v, v.dtype, span)),
            other => self.hold(other, span)?,
        };
        let count = &(&n - &at) - 1;
        let one = Expr::one();
        let rest = view.slice_dim(0, &(&at + 1), &one, count.clone());
        let rest = Value::Array(self.materialize(&rest, rest.dtype, span));
        self.store(&view.slice_dim(0, &at, &one, count), &rest, span)?;
        self.lengthen(id, &n, -1, span)?;
        Ok(item)
    }

    /// `list.insert(i, v)`: an `append` that is moved to its place.
    fn insert_grown(&mut self, id: usize, at: &Value, value: &Value, span: Span) -> Res<Value> {
        self.counted(id)?;
        let at = self.as_int(at, span)?;
        let before = self.length_of(id, span)?;
        let value = self.hold(value.clone(), span)?;
        if matches!(value, Value::List(_)) {
            return fail_hint(span, "a list is inserted in a list that a loop fills", "use arrays");
        }
        let at = self.clamp(&at, &before, &Expr::zero(), &before, span)?;
        self.append_far(id, value, span)?;
        let Some(grown) = self.lists[id].grown.clone() else { return Ok(Value::None) };
        let (one, count) = (Expr::one(), &before - &at);
        let last = grown.room.fix_dim(0, &before);
        let last = Value::Array(self.materialize(&last, last.dtype, span));
        let rest = grown.room.slice_dim(0, &at, &one, count.clone());
        let rest = Value::Array(self.materialize(&rest, rest.dtype, span));
        self.store(&grown.room.slice_dim(0, &(&at + 1), &one, count), &rest, span)?;
        self.store(&grown.room.fix_dim(0, &at), &last, span)?;
        Ok(Value::None)
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
        let given = value.clone();
        let element = self.element_of_list(value, &grown, span)?;
        let items = self.list_items(slice, span)?;
        let part = self.part(&view, &items, span)?;
        if let (Some(flags), Some(place)) = (&grown.flags, view_of(&part)) {
            let place = View { base: flags.base, dtype: flags.dtype, ..place };
            self.note_element(Some(place), &given, span)?;
        }
        match view_of(&part) {
            Some(target) => self.store(&target, &element, span),
            None => fail(span, "this cannot be assigned to"),
        }
    }

    /// `list(other)` of a list that grows.
    pub fn copied_list(&mut self, v: &Value, span: Span) -> Res<Value> {
        match (v, self.grown(v, span)?) {
            (Value::List(id), Some(view)) => self.grown_part(*id, Value::Array(view), span),
            _ => fail(span, "this is no list"),
        }
    }

    /// The elements from the last on: a list, or an array of those that are arrays.
    pub fn reversed_list(&mut self, v: &Value, span: Span) -> Res<Value> {
        let (Value::List(id), Some(view)) = (v, self.grown(v, span)?) else {
            return fail(span, "this is no list");
        };
        let n = view.shape[0].clone();
        let turned = view.slice_dim(0, &(&n - 1), &Expr::int(-1), n);
        match &self.lists[*id].grown {
            Some(grown) if grown.kind.is_none() && !grown.nested => Ok(Value::Array(turned)),
            _ => self.grown_part(*id, Value::Array(turned), span),
        }
    }

    /// `list.extend(array)`, of which only the run knows the length: a loop that appends.
    pub fn extend_by_loop(&mut self, id: usize, items: &Value, span: Span) -> Res<Value> {
        let range = ruff_text_size::TextRange::new(span.start.into(), span.end.into());
        let s = crate::syntax::Syntax { range };
        let [list, all, item] = ["list", "items", "item"].map(|what| s.hidden(what));
        self.frame().vars.insert(list.clone(), Value::List(id));
        self.frame().vars.insert(all.clone(), items.clone());
        let append = s.call(s.attribute(s.name(&list), "append"), vec![s.name(&item)]);
        let each = s.for_in(s.name(&item), s.name(&all), vec![s.expression(append)]);
        self.run_inside(&[ast::Stmt::For(each)])?;
        Ok(Value::None)
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
        if self.lists[id].grown.as_ref().is_some_and(|g| g.flags.is_some())
            && !(name == "pop" && args.pos.is_empty() || name == "clear")
        {
            let reason = format!("the method '{name}' of a list of numbers of different kinds");
            return fail_hint(span, reason, "convert all of them by float(...)");
        }
        match (name, &args.pos[..]) {
            ("pop", []) => {
                self.counted(id)?;
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
            ("pop", [at]) => return self.pop_grown(id, at, span),
            ("popleft", []) => return self.pop_grown(id, &Value::int(0), span),
            ("insert", [at, value]) => return self.insert_grown(id, at, value, span),
            ("appendleft", [value]) => return self.insert_grown(id, &Value::int(0), value, span),
            ("clear", []) => {
                self.counted(id)?;
                self.lengthen(id, &Expr::zero(), 0, span)?;
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
