//! Functions that take functions: `map`, `filter`, `reduce`, and `key=` of `sorted`, `min` and `max`.
//!
//! They are imported as the comprehension or loop that does the same.

use ruff_python_ast::{self as ast, Stmt};
use ruff_text_size::Ranged;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;

use crate::args::Args;
use crate::context::{Importer, Res, Stop, fail, fail_hint, fail_raises};
use crate::grow::{Grown, Length, Mixed};
use crate::numpy::PRELUDE_ID;
use crate::syntax::Syntax;
use crate::value::{Kind, Value, View};

/// The most items that functions of `itertools` give.
const MOST_ITEMS: usize = 5000;

impl Importer<'_> {
    /// A call whose arguments are not simply evaluated, if it is one.
    pub fn special_call(&mut self, path: &str, c: &ast::ExprCall, span: Span) -> Res<Option<Value>> {
        let plain = c.arguments.args.iter().all(|a| !a.is_starred_expr());
        let key = c.arguments.keywords.iter().find(|k| k.arg.as_ref().is_some_and(|n| n.as_str() == "key"));
        let args: Vec<&ast::Expr> = c.arguments.args.iter().collect();
        match (path, &args[..]) {
            ("builtins.map", [f, iters @ ..]) if plain && !iters.is_empty() => {
                self.map_call(f, iters, c, span).map(Some)
            }
            ("builtins.filter", [f, iter]) if plain => self.filter_call(f, iter, c, span).map(Some),
            ("functools.reduce", [f, iter, first @ ..]) if plain => {
                self.reduce_call(f, iter, first.first().copied(), c, span).map(Some)
            }
            ("builtins.sorted", [iter]) if key.is_some_and(|k| !k.value.is_none_literal_expr()) => {
                let key = &key.unwrap_or_else(|| unreachable!()).value;
                self.sorted_call(iter, key, c, span).map(Some)
            }
            ("builtins.len" | "builtins.sorted", [ast::Expr::Call(inner)])
                if c.arguments.keywords.is_empty() && self.is_set_call(inner)? =>
            {
                self.set_call(inner, path == "builtins.len", span).map(Some)
            }
            ("builtins.min" | "builtins.max", items) if key.is_some() && plain => {
                let key = &key.unwrap_or_else(|| unreachable!()).value;
                let items = match items {
                    [one] => (*one).clone(),
                    many => Syntax { range: c.range() }.tuple(many.iter().map(|e| (*e).clone()).collect()),
                };
                self.best_call(path == "builtins.max", &items, key, c, span).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Is it `set(x)`?
    fn is_set_call(&mut self, c: &ast::ExprCall) -> Res<bool> {
        let named = matches!(&*c.func, ast::Expr::Name(n) if n.id.as_str() == "set");
        let one = c.arguments.args.len() == 1 && c.arguments.keywords.is_empty();
        Ok(named && one && self.eval(&c.func)? == Value::Path("builtins.set".into()))
    }

    /// `sorted(set(x))` and `len(set(x))`, of numbers.
    fn set_call(&mut self, c: &ast::ExprCall, length: bool, span: Span) -> Res<Value> {
        let items = self.eval(&c.arguments.args[0])?;
        let kind = match (&items, self.elements(&items)) {
            (Value::Array(v), _) if v.rank() == 1 => Some(Kind::Np(v.dtype)),
            (_, Some(known)) => {
                let mut kinds: Vec<Option<Kind>> = known.iter().map(Value::kind).collect();
                kinds.dedup();
                if let [Some(kind)] = kinds[..] { Some(kind) } else { None }
            }
            _ => self.grown_kind(&items),
        };
        let Some(kind) = kind else {
            return fail_hint(span, "a set of what are not numbers of one kind", "use arrays");
        };
        let array = match self.grown(&items, span)? {
            Some(view) => Value::Array(view),
            None => self.array_like(items, span)?,
        };
        let unique = self.inline(PRELUDE_ID, "values_of_set", Args::new("set", vec![array], span))?;
        let Value::Array(room) = unique else { return fail(span, "a set of what is no sequence") };
        if length {
            return Ok(Value::sym(room.shape[0].clone()));
        }
        Ok(self.list_in(room, Some(kind), vec![]))
    }

    /// A name that stands for a value in what is written here.
    fn named(&mut self, name: &str, value: Value) {
        self.frame().vars.insert(name.to_string(), value);
    }

    fn map_call(&mut self, f: &ast::Expr, iters: &[&ast::Expr], c: &ast::ExprCall, span: Span) -> Res<Value> {
        let s = Syntax { range: c.range() };
        let function = self.eval(f)?;
        let name = s.hidden("f");
        self.named(&name, function);
        let items: Vec<ast::Expr> =
            (0..iters.len()).map(|i| s.name(&s.hidden(&format!("item{i}")))).collect();
        let (target, iter) = match iters {
            [one] => (items[0].clone(), (*one).clone()),
            many => {
                let zip = s.call(s.name("zip"), many.iter().map(|e| (*e).clone()).collect());
                (s.tuple(items.clone()), zip)
            }
        };
        let made = s.comprehension(s.call(s.name(&name), items), target, iter, None);
        self.list_comprehension(&made, span)
    }

    fn filter_call(&mut self, f: &ast::Expr, iter: &ast::Expr, c: &ast::ExprCall, span: Span) -> Res<Value> {
        let s = Syntax { range: c.range() };
        let item = s.name(&s.hidden("item"));
        let cond = match self.eval(f)? {
            Value::None => item.clone(),
            function => {
                let name = s.hidden("f");
                self.named(&name, function);
                s.call(s.name(&name), vec![item.clone()])
            }
        };
        let made = s.comprehension(item.clone(), item, iter.clone(), Some(cond));
        self.list_comprehension(&made, span)
    }

    fn reduce_call(
        &mut self,
        f: &ast::Expr,
        iter: &ast::Expr,
        first: Option<&ast::Expr>,
        c: &ast::ExprCall,
        span: Span,
    ) -> Res<Value> {
        let s = Syntax { range: c.range() };
        let function = self.eval(f)?;
        let mut items = self.eval(iter)?;
        let mut total = first.map(|e| self.eval(e)).transpose()?;
        if let Some(known) = self.elements(&items) {
            let mut known = known.into_iter();
            let Some(mut total) = total.take().or_else(|| known.next()) else {
                return fail_raises(span, "reduce of nothing", "give it a first value");
            };
            for item in known {
                total = self.call_value(function.clone(), Args::new("reduce", vec![total, item], span))?;
            }
            return Ok(total);
        }
        if total.is_none() {
            let Value::Array(view) = self.array_like(items, span)? else {
                return fail(span, "reduce takes a sequence");
            };
            let one = crate::bounds::Item::Index(Expr::zero());
            let start = self.part(&view, &[one], span)?;
            total = Some(self.hold(start, span)?);
            let rest =
                crate::bounds::Item::Slice { lower: Some(Expr::one()), upper: None, step: Expr::one() };
            items = self.part(&view, &[rest], span)?;
        }
        let [name, sum, all, item] = ["f", "total", "items", "item"].map(|what| s.hidden(what));
        self.named(&name, function);
        self.named(&all, items);
        self.bind(&sum, total.unwrap_or(Value::None), span)?;
        let next = s.call(s.name(&name), vec![s.name(&sum), s.name(&item)]);
        let body = vec![s.assign(s.name(&sum), next)];
        self.run_inside(&[Stmt::For(s.for_in(s.name(&item), s.name(&all), body))])?;
        self.lookup(&sum, span)
    }

    /// Statements that an expression stands for.
    pub fn run_inside(&mut self, body: &[Stmt]) -> Res<()> {
        let depth = self.depth;
        let flow = self.run(body);
        self.depth = depth;
        flow.map(drop)
    }

    /// The items of a sequence under a name, and their keys: values, or an array.
    fn keys(&mut self, iter: &ast::Expr, key: &ast::Expr, s: Syntax, span: Span) -> Res<(Value, Value)> {
        let function = self.eval(key)?;
        let items = match self.eval(iter)? {
            Value::Tuple(items) => self.list(items),
            Value::Dict(id) => self.dict_keys(id),
            other => other,
        };
        let [name, all, item] = ["f", "items", "item"].map(|what| s.hidden(what));
        self.named(&name, function);
        self.named(&all, items.clone());
        let item = s.name(&item);
        let made = s.comprehension(s.call(s.name(&name), vec![item.clone()]), item, s.name(&all), None);
        let keys = self.list_comprehension(&made, span)?;
        Ok((items, keys))
    }

    /// Keys that are numbers, as an array of one dimension.
    fn number_keys(&mut self, keys: Value, span: Span) -> Res<Value> {
        match self.array_like(keys, span)? {
            Value::Array(v) if v.rank() == 1 && !v.dtype.is_complex() => Ok(Value::Array(v)),
            _ => fail_hint(span, "keys that are not numbers", "sort by one number, or use np.lexsort"),
        }
    }

    fn sorted_call(
        &mut self,
        iter: &ast::Expr,
        key: &ast::Expr,
        c: &ast::ExprCall,
        span: Span,
    ) -> Res<Value> {
        let s = Syntax { range: c.range() };
        let reverse =
            c.arguments.keywords.iter().find(|k| k.arg.as_ref().is_some_and(|n| n.as_str() == "reverse"));
        let reverse = match reverse {
            Some(k) => match self.eval(&k.value)?.as_const_int() {
                Some(i) => i != 0,
                None => return fail(span, "'reverse' of sorted must be a constant"),
            },
            None => false,
        };
        let (items, keys) = self.keys(iter, key, s, span)?;
        if let (Some(items), Some(keys)) = (self.elements(&items), self.elements(&keys))
            && let Some(order) = known_order(&keys, reverse)
        {
            let sorted = order.into_iter().map(|i| items[i].clone()).collect();
            return self.list_at(sorted, &Expr::one(), span);
        }
        let keys = self.number_keys(keys, span)?;
        let args = Args::new("sorted", vec![keys, Value::bool(reverse)], span);
        let order = self.inline(PRELUDE_ID, "order_of_keys", args)?;
        self.picked_list(&items, &order, span)
    }

    /// The list of the items at these places.
    fn picked_list(&mut self, items: &Value, order: &Value, span: Span) -> Res<Value> {
        let known = self.elements(items);
        let kinds: Option<Vec<Kind>> = match (items, &known) {
            (Value::Range(_), _) => Some(vec![Kind::Int]),
            (Value::Array(v), _) if v.rank() == 1 => Some(vec![Kind::Np(v.dtype)]),
            (_, Some(known)) => {
                known.iter().map(|v| if let Value::Num(n) = v { Some(n.kind) } else { None }).collect()
            }
            _ => self.grown_kind(items).map(|k| vec![k]),
        };
        let mut columns = match (items, &known) {
            (Value::List(id), None) => self.lists[*id].grown.as_ref().map_or(vec![], |g| g.columns.clone()),
            _ => vec![],
        };
        if let Some(known) = &known
            && let Some(first) = known.first().and_then(crate::grow::columns_of)
            && known.iter().all(|v| crate::grow::columns_of(v).as_ref() == Some(&first))
        {
            columns = first;
        }
        let kind = kinds.filter(|k| k.iter().all(|x| *x == k[0])).and_then(|k| k.first().copied());
        if kind.is_none() && columns.is_empty() {
            return fail_hint(span, "sorted by a key of items of several types", "sort arrays by np.argsort");
        }
        let all = match self.grown(items, span)? {
            Some(view) => Value::Array(view),
            None => self.array_like(items.clone(), span)?,
        };
        let (Value::Array(all), Value::Array(order)) = (all, order) else {
            return fail(span, "sorted takes a sequence");
        };
        let picked = self.part(&all, &[crate::bounds::Item::Array(order.clone())], span)?;
        let Value::Array(room) = picked else { return fail(span, "sorted takes a sequence") };
        Ok(self.list_in(room, kind, columns))
    }

    /// A list whose elements are those of a container of its own.
    pub fn list_in(&mut self, room: View, kind: Option<Kind>, columns: Vec<Kind>) -> Value {
        let nested = room.rank() > 1;
        let kind = kind.or(Some(Kind::Np(room.dtype)));
        let length = Length::steady(&room);
        let grown = Grown {
            site: vec![],
            room,
            kind,
            nested,
            mixed: Mixed::No,
            columns,
            wide: None,
            flags: None,
            length,
        };
        self.list_of(vec![], Some(grown), None)
    }

    fn best_call(
        &mut self,
        most: bool,
        iter: &ast::Expr,
        key: &ast::Expr,
        c: &ast::ExprCall,
        span: Span,
    ) -> Res<Value> {
        let s = Syntax { range: c.range() };
        let (items, keys) = self.keys(iter, key, s, span)?;
        if let (Some(items), Some(keys)) = (self.elements(&items), self.elements(&keys))
            && let Some(order) = known_order(&keys, most)
        {
            return match order.first() {
                Some(&i) => Ok(items[i].clone()),
                None => fail_raises(span, "min or max of nothing", ""),
            };
        }
        let keys = self.number_keys(keys, span)?;
        let name = if most { "place_of_greatest" } else { "place_of_least" };
        let at = self.inline(PRELUDE_ID, name, Args::new("max", vec![keys], span))?;
        let (all, place) = (s.hidden("items"), s.hidden("place"));
        self.named(&all, items);
        self.named(&place, at);
        self.eval(&s.item(s.name(&all), s.name(&place)))
    }

    /// Functions of `itertools` and `collections` on what is known item by item.
    pub fn of_library(&mut self, path: &str, args: &mut Args) -> Res<Option<Value>> {
        let span = args.span;
        let Some(name) = path.strip_prefix("itertools.").or(path.strip_prefix("collections.")) else {
            return Ok(None);
        };
        let known = ["product", "permutations", "combinations", "combinations_with_replacement", "chain"];
        if !known.contains(&name) && !matches!(name, "accumulate" | "pairwise" | "deque") {
            return Ok(None);
        }
        let count = |v: Option<Value>| v.and_then(|v| v.as_const_int()).and_then(|r| usize::try_from(r).ok());
        if name == "product" {
            let repeat = count(args.kw.remove("repeat")).unwrap_or(1);
            args.done(usize::MAX)?;
            let mut all = vec![];
            for v in &args.pos {
                all.push(self.unpacked(v, span)?);
            }
            let all: Vec<Vec<Value>> = (0..repeat).flat_map(|_| all.clone()).collect();
            return product(&all, span).map(|rows| Some(Value::Tuple(rows)));
        }
        if name == "chain" {
            let mut all = vec![];
            for v in &args.pos {
                all.extend(self.unpacked(v, span)?);
            }
            return Ok(Some(Value::Tuple(all)));
        }
        let length = count(args.take(1, "r"));
        let Some(first) = args.pos.first().cloned() else {
            return match name {
                "deque" => self.list_at(vec![], &Expr::one(), span).map(Some),
                _ => fail(span, format!("{name} takes a sequence")),
            };
        };
        if args.pos.len() > 2 || !args.kw.is_empty() {
            return fail_hint(span, format!("an argument of {name} is not supported"), "leave it out");
        }
        let items = self.unpacked(&first, span)?;
        let n = items.len();
        let r = length.unwrap_or(n);
        Ok(Some(match name {
            "deque" => return self.list_at(items, &Expr::one(), span).map(Some),
            "pairwise" => Value::Tuple(items.windows(2).map(|w| Value::Tuple(w.to_vec())).collect()),
            "accumulate" => {
                let mut sums: Vec<Value> = vec![];
                for item in items {
                    let next = match sums.last().cloned() {
                        None => item,
                        Some(sum) => self.binary(weft_ir::tasklet::BinOp::Add, &sum, &item, span)?,
                    };
                    sums.push(self.hold(next, span)?);
                }
                Value::Tuple(sums)
            }
            _ => {
                let mut rows = vec![];
                choose(n, r, name, &mut vec![], &mut rows, span)?;
                let row = |at: Vec<usize>| Value::Tuple(at.into_iter().map(|i| items[i].clone()).collect());
                Value::Tuple(rows.into_iter().map(row).collect())
            }
        }))
    }

    /// `a.tolist()`: numbers become Python's.
    pub fn listed(&mut self, object: &Value, span: Span) -> Res<Value> {
        let Value::Array(view) = object else {
            return match object.kind() {
                Some(kind) => self.python_scalar(object, python_kind(kind), span),
                None => fail(span, "tolist of what is no array"),
            };
        };
        let kind = python_kind(Kind::Np(view.dtype));
        if view.rank() == 0 {
            return self.python_scalar(object, kind, span);
        }
        let room = self.materialize(view, kind.dtype(), span);
        Ok(self.list_in(room, Some(kind), vec![]))
    }

    /// `type(x)`
    pub fn type_of(&mut self, v: &Value, span: Span) -> Res<Value> {
        let path = match v {
            Value::Num(num) => match num.kind {
                Kind::Bool => "builtins.bool".into(),
                Kind::Int => "builtins.int".into(),
                Kind::Float => "builtins.float".into(),
                Kind::Complex => "builtins.complex".into(),
                Kind::Number => return crate::either::undecided(span),
                Kind::Np(t) => format!("numpy.{}", t.numpy()),
            },
            Value::Array(_) => "numpy.ndarray".into(),
            Value::Tuple(_) => "builtins.tuple".into(),
            Value::List(_) => "builtins.list".into(),
            Value::Str(_) => "builtins.str".into(),
            Value::Dict(_) => "builtins.dict".into(),
            Value::None => "builtins.NoneType".into(),
            other => return fail(span, format!("type of {}", other.describe())),
        };
        Ok(Value::Path(path))
    }

    /// Items of a comprehension that cannot be told one by one: the loop that appends them.
    pub fn looped_comprehension(&mut self, c: &ast::ExprListComp, span: Span) -> Res<Value> {
        let s = Syntax { range: c.range };
        let name = s.hidden("list");
        let list = self.list_at(vec![], &Expr::one(), span)?;
        let saved = self.frame().vars.clone();
        self.named(&name, list);
        let append = s.call(s.attribute(s.name(&name), "append"), vec![(*c.elt).clone()]);
        let mut body = vec![s.expression(append)];
        for g in c.generators.iter().rev() {
            for cond in g.ifs.iter().rev() {
                body = vec![s.if_then(cond.clone(), body)];
            }
            body = vec![Stmt::For(s.for_in(g.target.clone(), g.iter.clone(), body))];
        }
        let errors = self.diags.len();
        self.run_inside(&body)?;
        let made = self.lookup(&name, span);
        let mut bound = std::collections::BTreeSet::new();
        c.generators.iter().for_each(|g| bound.extend(crate::scan::targets(&g.target)));
        for target in bound {
            match saved.get(&target) {
                Some(old) => drop(self.frame().vars.insert(target, old.clone())),
                None => drop(self.frame().vars.remove(&target)),
            }
        }
        if self.diags.len() > errors {
            return Err(Stop::Silent);
        }
        made
    }
}

/// The kind of Python's that has the values of one of NumPy's.
fn python_kind(kind: Kind) -> Kind {
    match kind.dtype() {
        weft_ir::dtype::DType::Bool => Kind::Bool,
        t if t.is_int() => Kind::Int,
        t if t.is_complex() => Kind::Complex,
        _ => Kind::Float,
    }
}

/// The places of keys that are known, in order; equal ones stay as they are.
fn known_order(keys: &[Value], reverse: bool) -> Option<Vec<usize>> {
    let number = |v: &Value| v.as_const_int().map(|i| i as f64).or_else(|| crate::ops::as_f64(v));
    let known: Vec<Vec<f64>> = keys
        .iter()
        .map(|v| match v {
            Value::Tuple(items) => items.iter().map(number).collect::<Option<Vec<f64>>>(),
            one => number(one).map(|x| vec![x]),
        })
        .collect::<Option<_>>()?;
    if known.iter().flatten().any(|x| x.is_nan() || x.abs() > 9e15) {
        return None;
    }
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&a, &b| {
        let order = known[a].partial_cmp(&known[b]).unwrap_or(std::cmp::Ordering::Equal);
        if reverse { order.reverse() } else { order }
    });
    Some(order)
}

fn product(all: &[Vec<Value>], span: Span) -> Res<Vec<Value>> {
    let count = all.iter().try_fold(1usize, |n, v| n.checked_mul(v.len()));
    if count.is_none_or(|n| n > MOST_ITEMS) {
        return fail_hint(span, "so many items are not known one by one", "write loops in each other");
    }
    let mut rows: Vec<Vec<Value>> = vec![vec![]];
    for items in all {
        rows = rows
            .iter()
            .flat_map(|row| items.iter().map(move |v| row.iter().cloned().chain([v.clone()]).collect()))
            .collect();
    }
    Ok(rows.into_iter().map(Value::Tuple).collect())
}

/// The places that `permutations`, `combinations` and the like pick, in their order.
fn choose(
    n: usize,
    r: usize,
    name: &str,
    row: &mut Vec<usize>,
    rows: &mut Vec<Vec<usize>>,
    span: Span,
) -> Res<()> {
    if rows.len() > MOST_ITEMS || r > 64 {
        return fail_hint(span, "so many items are not known one by one", "write loops in each other");
    }
    if row.len() == r {
        rows.push(row.clone());
        return Ok(());
    }
    let last = row.last().copied();
    for i in 0..n {
        let take = match name {
            "permutations" => !row.contains(&i),
            "combinations" => last.is_none_or(|l| i > l),
            _ => last.is_none_or(|l| i >= l),
        };
        if take {
            row.push(i);
            choose(n, r, name, row, rows, span)?;
            row.pop();
        }
    }
    Ok(())
}
