//! Lists, tuples and comprehensions: sequences that are known element by element.

use ruff_python_ast as ast;
use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Span};
use weft_ir::symbolic::{Expr, Range};

use crate::args::Args;
use crate::bounds::Item;
use crate::context::{Importer, Res, fail, fail_hint, fail_raises, span_of};
use crate::truth::Test;
use crate::value::{Kind, Num, Value, View};

/// The longest list that is made element by element from a range that the arguments decide.
pub const LONGEST: i64 = 64;

impl Importer<'_> {
    /// A subscript of a list: Python's bool is an integer there, NumPy's is none.
    pub fn list_items(&mut self, slice: &ast::Expr, span: Span) -> Res<Vec<Item>> {
        let mut items = self.items(slice)?;
        for item in &mut items {
            if let Item::Flag(flag) = item {
                if flag.kind() != Some(Kind::Bool) {
                    return fail_raises(span, "list indices must be integers or slices", "");
                }
                *item = Item::Index(self.as_int(&flag.clone(), span)?);
            }
        }
        Ok(items)
    }

    /// `items[i]` and `items[i:j]` of a tuple, list or range.
    pub fn static_item(&mut self, base: &Value, slice: &ast::Expr, span: Span) -> Res<Value> {
        let item = self.list_items(slice, span)?;
        if let (Value::List(id), Some(view)) = (base, self.grown(base, span)?) {
            let part = self.part(&view, &item, span)?;
            return match &item[..] {
                [Item::Index(_)] => self.grown_item(*id, part, span),
                _ => self.grown_part(*id, part, span),
            };
        }
        let [item] = &item[..] else { return fail(span, format!("{} has one dimension", base.describe())) };
        if let (Value::Range(r), Item::Index(i)) = (base, item) {
            let n = self.steps(&r.begin.clone(), &r.end.clone(), &r.step.clone(), span)?;
            let at = self.index(i, &n, 0, "range", span)?;
            return Ok(Value::sym(&r.begin + &(&at * &r.step)));
        }
        let items = self.unpacked(base, span)?;
        let n = items.len() as i64;
        match item {
            Item::Index(i) => match i.as_int() {
                Some(i) if (-n..n).contains(&i) => Ok(items[i.rem_euclid(n.max(1)) as usize].clone()),
                Some(_) => fail(span, "list or tuple index out of range"),
                None => {
                    if i.free_symbols().iter().all(|s| self.values.contains_key(s)) {
                        return self.make_constant(i, span);
                    }
                    if let (Value::List(id), true) = (base, items.iter().any(|v| matches!(v, Value::List(_))))
                    {
                        return self.settle(*id, None, span);
                    }
                    let kinds = || items.iter().map(Value::kind);
                    if let Value::List(id) = base
                        && self.lists[*id].site.is_some()
                        && kinds().all(|k| k.is_some())
                        && kinds().any(|k| k != items[0].kind())
                        && items.iter().all(|v| matches!(v, Value::Num(_)))
                    {
                        return self.settle(*id, None, span);
                    }
                    // An index that the run decides: the elements as an array.
                    let array = self.array_like(Value::Tuple(items.clone()), span)?;
                    let kind = items.first().and_then(Value::kind);
                    let Value::Array(view) = &array else { return fail(span, "this cannot be indexed") };
                    let part = self.part(view, std::slice::from_ref(&Item::Index(i.clone())), span)?;
                    match (part, kind) {
                        (Value::Num(num), Some(kind)) if items.iter().all(|v| v.kind() == Some(kind)) => {
                            Ok(Value::Num(Num { kind, ..num }))
                        }
                        (_, _) if items.iter().any(|v| matches!(v, Value::Num(_))) => {
                            fail_hint(span, "the elements of the list have different types", "use an array")
                        }
                        (part, _) => Ok(part),
                    }
                }
            },
            Item::Slice { lower, upper, step } => {
                let constant = |e: &Option<Expr>| e.as_ref().map(|e| e.as_int());
                let (Some(step), lower, upper) = (step.as_int(), constant(lower), constant(upper)) else {
                    return fail_hint(span, "a list is sliced by constants only", "use an array");
                };
                if lower == Some(None) || upper == Some(None) || step == 0 {
                    return fail_hint(span, "a list is sliced by constants only", "use an array");
                }
                let normal = self.slice(
                    lower.flatten().map(Expr::int).as_ref(),
                    upper.flatten().map(Expr::int).as_ref(),
                    &Expr::int(step),
                    &Expr::int(n),
                    span,
                )?;
                let (begin, count) =
                    (normal.begin.as_int().unwrap_or(0), normal.extent.as_int().unwrap_or(0));
                let part = (0..count).filter_map(|k| items.get((begin + k * step) as usize).cloned());
                let part: Vec<Value> = part.collect();
                Ok(if matches!(base, Value::List(_)) { self.list(part) } else { Value::Tuple(part) })
            }
            _ => fail(span, "a list is indexed by an integer or a slice"),
        }
    }

    fn not_frozen(&self, id: usize, span: Span) -> Res<()> {
        if !self.lists[id].frozen {
            return Ok(());
        }
        fail_hint(span, "a list changes after it was appended to another", "append it when it is full")
    }

    /// Is a list changed where it was made, in no loop or branch inside of that?
    fn is_near(&self, id: usize) -> bool {
        self.lists[id].grown.is_none() && self.lists[id].depth == self.nesting()
    }

    pub fn list_method(&mut self, id: usize, name: &str, args: Args) -> Res<Value> {
        let span = args.span;
        if let ("extend", [items]) = (name, &args.pos[..])
            && self.is_open(items)
        {
            return self.extend_by_loop(id, &items.clone(), span);
        }
        if !matches!(name, "index" | "count" | "copy") {
            if self.iterated.contains(&id) {
                return fail_hint(
                    span,
                    "a list changes while a loop goes over it",
                    "use an array and an index",
                );
            }
            self.not_frozen(id, span)?;
            match (name, &args.pos[..]) {
                _ if self.is_near(id) => {}
                ("append", [v]) => {
                    let v = self.hold(v.clone(), span)?;
                    return self.append_far(id, v, span).map(|()| Value::None);
                }
                ("extend", [_]) => return self.grown_method(id, name, &args),
                ("insert" | "appendleft", [.., v]) if self.lists[id].grown.is_none() => {
                    let v = self.hold(v.clone(), span)?;
                    return self.append_far(id, v, span).map(|()| Value::None);
                }
                _ if self.lists[id].grown.is_some() => return self.grown_method(id, name, &args),
                _ => return self.settle(id, None, span),
            }
        }
        if self.lists[id].grown.is_some() {
            return self.grown_method(id, name, &args);
        }
        let mut items = self.lists[id].items.clone();
        let mut result = Value::None;
        let constant = |v: &Value| v.as_const_int();
        match (name, &args.pos[..]) {
            ("append", [v]) => items.push(self.hold(v.clone(), span)?),
            ("extend", [v]) => items.extend(self.unpacked(v, span)?),
            ("insert", [at, v]) => match constant(at) {
                Some(i) => {
                    let n = items.len() as i64;
                    let at = if i < 0 { (n + i).max(0) } else { i.min(n) };
                    items.insert(at as usize, v.clone());
                }
                None => return fail(span, "a list takes a constant position"),
            },
            ("pop", []) => match items.pop() {
                Some(v) => result = v,
                None => return fail_raises(span, "pop from an empty list", ""),
            },
            ("popleft", []) if !items.is_empty() => result = items.remove(0),
            ("appendleft", [v]) => items.insert(0, self.hold(v.clone(), span)?),
            ("pop", [at]) => match constant(at).map(|i| if i < 0 { items.len() as i64 + i } else { i }) {
                Some(i) if (0..items.len() as i64).contains(&i) => result = items.remove(i as usize),
                _ => return fail(span, "pop takes a constant position in the list"),
            },
            ("reverse", []) => items.reverse(),
            ("sort", []) => {
                let mut sorted = Args::new("sorted", vec![Value::Tuple(items)], span);
                sorted.kw = args.kw;
                let sorted = self.call_path("builtins.sorted", sorted)?;
                items = self.unpacked(&sorted, span)?;
            }
            ("clear", []) => items.clear(),
            ("copy", []) => return Ok(self.list(items)),
            _ => return fail(span, format!("the method '{name}' of a list is not supported")),
        }
        self.lists[id].items = items;
        Ok(result)
    }

    /// Does only the run know how many items there are?
    fn is_open(&self, items: &Value) -> bool {
        match items {
            Value::Array(v) => v
                .shape
                .first()
                .is_some_and(|n| n.as_int().is_none() && self.on_sample(n).is_none_or(|n| n > LONGEST)),
            other => self.is_grown(other),
        }
    }

    pub fn tuple_method(&mut self, items: &[Value], name: &str, args: Args) -> Res<Value> {
        let _ = items;
        fail(args.span, format!("the method '{name}' of a tuple is not supported"))
    }

    /// `list[i] = value`.
    pub fn set_list_item(&mut self, id: usize, slice: &ast::Expr, value: Value, span: Span) -> Res<()> {
        self.not_frozen(id, span)?;
        if self.lists[id].grown.is_some() {
            return self.set_grown_item(id, slice, value, span);
        }
        let at = self.eval(slice)?.as_const_int();
        if !self.is_near(id) || at.is_none() {
            return self.settle(id, Some(&value), span);
        }
        let n = self.lists[id].items.len() as i64;
        match at {
            Some(i) if (-n..n).contains(&i) => {
                self.lists[id].items[i.rem_euclid(n) as usize] = value;
                Ok(())
            }
            Some(_) => fail(span, "list assignment index out of range"),
            None => {
                fail_hint(span, "an element of a list is assigned by a constant index only", "use an array")
            }
        }
    }

    /// The items of a comprehension, one by one.
    pub fn comprehension(
        &mut self,
        elt: &ast::Expr,
        generators: &[ast::Comprehension],
        span: Span,
    ) -> Res<Vec<Value>> {
        let frame = self.frame();
        let saved = (frame.vars.clone(), frame.cells.clone());
        let mut out = vec![];
        let result = self.comprehend(elt, generators, &mut out, span);
        (self.frame().vars, self.frame().cells) = saved;
        result.map(|()| out)
    }

    fn comprehend(
        &mut self,
        elt: &ast::Expr,
        generators: &[ast::Comprehension],
        out: &mut Vec<Value>,
        span: Span,
    ) -> Res<()> {
        let Some((g, rest)) = generators.split_first() else {
            let v = self.eval(elt)?;
            out.push(self.hold(v, span)?);
            return Ok(());
        };
        let iter = self.eval(&g.iter)?;
        if let Value::Range(r) = &iter
            && r.extent().as_int().is_none()
            && self.on_sample(&r.extent()).is_some_and(|n| n > LONGEST)
        {
            if let Some(site) = self.comprehending.last().cloned()
                && self.plan.looped.insert(site)
            {
                return self.restart();
            }
            let hint = "make an array and fill it in a loop";
            return fail_hint(span, "this comprehension is too long to be known element by element", hint);
        }
        for item in self.unpacked(&iter, span_of(&g.iter))? {
            self.assign(&g.target, item, span)?;
            let mut take = true;
            for cond in &g.ifs {
                match self.test_expr(cond)? {
                    Test::Known(known) => take &= known,
                    Test::Cond(c) => {
                        self.decide(&c, span)?;
                        if let Some(site) = self.comprehending.last().cloned()
                            && self.plan.looped.insert(site)
                        {
                            return self.restart();
                        }
                        return fail_hint(
                            span,
                            "a condition in a comprehension that data decide",
                            "use a mask",
                        );
                    }
                }
            }
            if take {
                self.comprehend(elt, rest, out, span)?;
            }
        }
        Ok(())
    }

    /// `[elt for x in iter]` as an array, where the length is not known and one loop makes it.
    pub fn comprehension_array(
        &mut self,
        elt: &ast::Expr,
        generators: &[ast::Comprehension],
        span: Span,
    ) -> Res<Option<Value>> {
        Ok(self.comprehension_rows(elt, generators, span)?.map(|(_, array)| Value::Array(array)))
    }

    /// As [`Importer::comprehension_array`]; the first value is an element.
    pub fn comprehension_rows(
        &mut self,
        elt: &ast::Expr,
        generators: &[ast::Comprehension],
        span: Span,
    ) -> Res<Option<(Value, View)>> {
        let [g] = generators else { return Ok(None) };
        if !g.ifs.is_empty() {
            return Ok(None);
        }
        let iter = self.iterable(&g.iter, span)?;
        let Some(mut count) = self.dynamic_length(&iter, span)? else { return Ok(None) };
        if !self.nonneg_everywhere(&count, span)?.is_yes() {
            count = Expr::max(&count, &Expr::zero());
        }
        let var = self.fresh("i");
        let range = Range::new(0, &count);
        let mark = self.mark();
        let saved = (self.frame().vars.clone(), self.frame().cells.clone());
        self.push_region();
        self.assume_in(var, &range);
        self.loops.push((var, range.clone()));
        self.loop_depth += 1;
        self.whiles += 1;
        let made = self.one_of_array(elt, g, &iter, var, &count, span);
        self.whiles -= 1;
        self.loop_depth -= 1;
        self.loops.pop();
        self.forget(mark);
        let body = self.pop_region();
        (self.frame().vars, self.frame().cells) = saved;
        let out = made?;
        self.block("loop", BlockKind::Loop { var, range, body }, span);
        Ok(Some(out))
    }

    fn one_of_array(
        &mut self,
        elt: &ast::Expr,
        g: &ast::Comprehension,
        iter: &crate::iterate::Iter,
        var: Name,
        count: &Expr,
        span: Span,
    ) -> Res<(Value, View)> {
        let item = self.item_of(iter, &Expr::sym(var), span)?;
        self.assign(&g.target, item, span)?;
        let element = self.eval(elt)?;
        let value = self.array_like(element.clone(), span)?;
        let Some(kind) = value.kind() else {
            return fail(span, format!("{} cannot be an element of an array", value.describe()));
        };
        let mut shape = vec![count.clone()];
        shape.extend(value.shape());
        if shape.iter().any(|n| n.contains(var)) {
            return fail(span, "the elements of the list have different shapes");
        }
        let dtype = match kind {
            Kind::Int => DType::I64,
            kind => kind.dtype(),
        };
        let out = self.transient("array", dtype, shape);
        self.store(&out.fix_dim(0, &Expr::sym(var)), &value, span)?;
        Ok((element, out))
    }
}
