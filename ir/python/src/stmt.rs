//! Statements: assignments, calls of the file's functions, results, checks.

use ruff_python_ast::{self as ast, Stmt};
use std::collections::BTreeSet;

use weft_ir::dtype::Scalar;
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Data, Span};
use weft_ir::symbolic::Expr;
use weft_ir::tasklet;

use crate::bounds::Item;
use crate::context::{Importer, Res, Stop, fail, fail_hint, span_of};
use crate::diagnostic::Diagnostic;
use crate::emit::Inputs;
use crate::expr::{Test, not, operator};
use crate::module::Module;
use crate::numpy::same_kind;
use crate::promote::Binary;
use crate::scan::{assigned, rebound, returns, targets};
use crate::value::{Kind, Num, Src, Stale, Value, View};

/// How a list of statements ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Flow {
    /// The next statement runs.
    Next,
    /// It does not: `break`, `continue`, `return` of the outermost function, `raise`.
    Gone,
    /// An inlined function returns.
    Return(Value),
    /// The next statement runs unless this bool is set: a loop has returned.
    Unless(Name),
}

/// Why a name cannot be read yet.
pub const UNASSIGNED: &str = "is read before it is assigned";

/// The variable that holds what an inlined function returns early.
pub const RETURN: &str = "<result>";

impl Importer<'_> {
    /// Runs statements; problems are collected, and what they would have assigned is poisoned.
    pub fn run(&mut self, body: &[Stmt]) -> Res<Flow> {
        for (i, stmt) in body.iter().enumerate() {
            let rest = &body[i + 1..];
            let returning = matches!(stmt, Stmt::If(_)) && self.frames.len() > 1;
            if let Stmt::If(branch) = stmt
                && returning
                && returns(std::slice::from_ref(stmt))
            {
                return self.if_stmt(branch, rest);
            }
            match self.stmt(stmt) {
                Ok(Flow::Next) => {}
                Ok(Flow::Unless(_)) if rest.is_empty() => return Ok(Flow::Next),
                Ok(Flow::Unless(flag)) => return self.rest_unless(flag, rest, span_of(stmt)),
                Ok(flow) => return Ok(flow),
                Err(Stop::Raises) => {
                    self.depth = 0;
                    return Ok(Flow::Gone);
                }
                Err(stop) => {
                    if let Stop::Diag(d) = stop {
                        self.diags.push(*d);
                    }
                    self.depth = 0;
                    for name in assigned(std::slice::from_ref(stmt)) {
                        self.frame().vars.insert(name, Value::Poison);
                    }
                }
            }
        }
        Ok(Flow::Next)
    }

    /// What follows a loop that may have returned.
    fn rest_unless(&mut self, flag: Name, rest: &[Stmt], span: Span) -> Res<Flow> {
        let Test::Cond(cond) = not(Test::Cond(tasklet::Expr::Var(flag))) else { return Ok(Flow::Next) };
        self.path.push(span.end);
        let (names, again) = (assigned(rest), rebound(rest));
        let run = &mut |s: &mut Self, first: bool| if first { s.run(rest) } else { Ok(Flow::Gone) };
        let result = self.branch(&cond, (&names, &again), span, run);
        self.path.pop();
        result
    }

    fn stmt(&mut self, stmt: &Stmt) -> Res<Flow> {
        let span = span_of(stmt);
        match stmt {
            Stmt::Pass(_) => Ok(Flow::Next),
            Stmt::Expr(e) => match &*e.value {
                ast::Expr::StringLiteral(_) | ast::Expr::EllipsisLiteral(_) => Ok(Flow::Next),
                // What is printed is no result.
                ast::Expr::Call(c) if matches!(&*c.func, ast::Expr::Name(n) if n.id.as_str() == "print") => {
                    Ok(Flow::Next)
                }
                value => self.eval(value).map(|_| Flow::Next),
            },
            Stmt::Assign(a) => self.assign_stmt(a, span),
            Stmt::AnnAssign(a) => {
                let Some(value) = &a.value else { return Ok(Flow::Next) };
                let value = self.eval(value)?;
                self.assign(&a.target, value, span)?;
                Ok(Flow::Next)
            }
            Stmt::AugAssign(a) => self.aug_assign(a).map(|()| Flow::Next),
            Stmt::For(f) => self.for_loop(f),
            Stmt::While(w) => self.while_loop(w),
            Stmt::If(i) => self.if_stmt(i, &[]),
            Stmt::FunctionDef(f) => self.define(f).map(|()| Flow::Next),
            Stmt::Delete(d) => {
                for target in &d.targets {
                    if let ast::Expr::Name(n) = target {
                        self.frame().vars.insert(n.id.to_string(), Value::Stale(Stale::new("was deleted")));
                    }
                }
                Ok(Flow::Next)
            }
            Stmt::Break(_) | Stmt::Continue(_) => {
                if self.loop_depth == 0 {
                    return fail(span, "'break' or 'continue' outside of a loop");
                }
                let leave = matches!(stmt, Stmt::Break(_));
                if leave && let Some(Some(flag)) = self.breaks.last().cloned() {
                    self.store(&flag, &Value::bool(true), span)?;
                }
                let (stem, kind) =
                    if leave { ("break", BlockKind::Break) } else { ("continue", BlockKind::Continue) };
                self.block(stem, kind, span);
                Ok(Flow::Gone)
            }
            Stmt::Return(r) => self.return_stmt(r, span),
            Stmt::Assert(a) => {
                let text = match &a.msg {
                    Some(m) => match &**m {
                        ast::Expr::StringLiteral(s) => s.value.to_str().to_string(),
                        _ => "assertion failed".to_string(),
                    },
                    None => "assertion failed".to_string(),
                };
                let cond = match self.test_expr(&a.test)? {
                    Test::Known(true) => return Ok(Flow::Next),
                    Test::Known(false) => tasklet::Expr::Lit(Scalar::Bool(false)),
                    Test::Cond(c) => c,
                };
                self.check(cond.clone(), text, span);
                self.assume_cond(&cond, true);
                Ok(Flow::Next)
            }
            Stmt::Raise(r) => {
                let text = r.exc.as_deref().map(|e| self.exception(e)).unwrap_or_else(|| "raised".into());
                self.check(tasklet::Expr::Lit(Scalar::Bool(false)), text, span);
                Ok(Flow::Gone)
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    let path = alias.name.to_string();
                    let (name, path) = match &alias.asname {
                        Some(name) => (name.to_string(), path),
                        None => {
                            let top = path.split('.').next().unwrap_or_default().to_string();
                            (top.clone(), top)
                        }
                    };
                    self.frame().vars.insert(name, Value::Path(path));
                }
                Ok(Flow::Next)
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map(|m| m.to_string()).unwrap_or_default();
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).to_string();
                    let value = self.path_value(format!("{module}.{}", alias.name), span)?;
                    self.frame().vars.insert(name, value);
                }
                Ok(Flow::Next)
            }
            other => {
                let (what, hint) = unsupported(other);
                fail_hint(span, format!("{what} is not supported"), hint)
            }
        }
    }

    fn exception(&self, e: &ast::Expr) -> String {
        let name = |e: &ast::Expr| match e {
            ast::Expr::Name(n) => n.id.to_string(),
            _ => "error".into(),
        };
        match e {
            ast::Expr::Call(c) => match c.arguments.args.first() {
                Some(ast::Expr::StringLiteral(s)) => format!("{}: {}", name(&c.func), s.value.to_str()),
                _ => name(&c.func),
            },
            other => name(other),
        }
    }

    // ---- assignment ----------------------------------------------------------------------

    fn assign_stmt(&mut self, a: &ast::StmtAssign, span: Span) -> Res<Flow> {
        if let [ast::Expr::Name(name)] = &a.targets[..]
            && !self.frame().cells.contains_key(name.id.as_str())
        {
            self.hint = Some(name.id.to_string());
        }
        let value = self.eval(&a.value)?;
        let mut value = value;
        if a.targets.len() > 1 || matches!(value, Value::Tuple(_) | Value::List(_)) {
            value = self.hold(value, span)?;
        }
        let names: BTreeSet<String> = a.targets.iter().flat_map(targets).collect();
        if names.len() > 1 {
            // What the cells among the targets hold now goes to other names: it moves.
            let cells = &self.frame().cells;
            let bases: Vec<Name> = names.iter().filter_map(|n| cells.get(n)).map(|c| c.view.base).collect();
            value = self.detach(value, &bases, span);
            self.moving = bases;
        }
        let mut result = Ok(());
        for target in &a.targets {
            result = result.and_then(|()| self.assign(target, value.clone(), span));
        }
        self.moving.clear();
        result.map(|()| Flow::Next)
    }

    /// Copies arrays that are in containers which are about to be written.
    fn detach(&mut self, value: Value, bases: &[Name], span: Span) -> Value {
        match value {
            Value::Array(view) if bases.contains(&view.base) => {
                Value::Array(self.materialize(&view, view.dtype, span))
            }
            Value::Tuple(items) => {
                Value::Tuple(items.into_iter().map(|v| self.detach(v, bases, span)).collect())
            }
            other => other,
        }
    }

    pub fn assign(&mut self, target: &ast::Expr, value: Value, span: Span) -> Res<()> {
        match target {
            ast::Expr::Name(name) => self.bind(name.id.as_str(), value, span),
            ast::Expr::Tuple(t) => self.unpack(&t.elts, value, span),
            ast::Expr::List(t) => self.unpack(&t.elts, value, span),
            ast::Expr::Subscript(s) => {
                let base = self.eval(&s.value)?;
                if let Value::List(id) = base {
                    return self.set_list_item(id, &s.slice, value, span);
                }
                let items = self.items(&s.slice)?;
                if let Value::Array(view) = &base
                    && crate::fancy::is_fancy(&items)
                {
                    self.note_write(view.base);
                    return self.scatter(view, &items, &value, span);
                }
                let view = self.target(&base, &items, span)?;
                match view_of(&view) {
                    Some(view) => {
                        self.note_write(view.base);
                        self.store(&view, &value, span)
                    }
                    None => fail(span, "this cannot be assigned to"),
                }
            }
            ast::Expr::Attribute(a) if a.attr.as_str() == "shape" => {
                let base = self.eval(&a.value)?;
                let Value::Array(view) = &base else {
                    return fail(span, format!("{} has no shape to assign", base.describe()));
                };
                let reshaped = self.reshape(view, &value, span)?;
                if matches!(&reshaped, Value::Array(v) if v.base != view.base) {
                    let hint = "assign the result of reshape";
                    return fail_hint(span, "incompatible shape for in-place modification", hint);
                }
                self.assign(&a.value, reshaped, span)
            }
            ast::Expr::Attribute(a) if matches!(a.attr.as_str(), "flat" | "real" | "imag") => {
                let part = self.eval(target)?;
                match (view_of(&part), a.attr.as_str()) {
                    (Some(view), "flat") => {
                        self.note_write(view.base);
                        self.store(&view, &value, span)
                    }
                    _ => fail_hint(span, "this attribute cannot be assigned", "assign the whole number"),
                }
            }
            other => fail_hint(
                span_of(other),
                "this cannot be assigned to",
                "assign to a name or to a part of an array",
            ),
        }
    }

    fn target(&mut self, base: &Value, items: &[Item], span: Span) -> Res<Value> {
        let Value::Array(view) = base else {
            return fail(span, format!("{} cannot be assigned to by index", base.describe()));
        };
        self.part(view, items, span)
    }

    fn unpack(&mut self, targets: &[ast::Expr], value: Value, span: Span) -> Res<()> {
        let star = targets.iter().position(|t| t.is_starred_expr());
        let mut items = match (&value, star) {
            (Value::Array(view), None) if view.rank() > 0 => {
                if view.shape[0].as_int().is_none() {
                    let n = view.shape[0].clone();
                    match self.same(&n, &Expr::int(targets.len() as i64))? {
                        weft_ir::symbolic::Truth::Yes => {}
                        _ => return fail(span, format!("{n} values for {} names", targets.len())),
                    }
                }
                let at = |i| self.part(view, &[Item::Index(Expr::int(i))], span);
                if view.shape[0].as_int().is_some_and(|n| n != targets.len() as i64) {
                    return fail(span, format!("{} values for {} names", view.shape[0], targets.len()));
                }
                let items = (0..targets.len() as i64).map(at).collect::<Res<Vec<_>>>()?;
                items.into_iter().map(|v| self.hold(v, span)).collect::<Res<Vec<_>>>()?
            }
            _ => self.unpacked(&value, span)?,
        };
        if let Some(at) = star {
            let after = targets.len() - at - 1;
            if items.len() < at + after {
                return fail(span, format!("{} values for {} names", items.len(), targets.len() - 1));
            }
            let rest = items.drain(at..items.len() - after).collect();
            let rest = self.list(rest);
            items.insert(at, rest);
        }
        if items.len() != targets.len() {
            return fail(span, format!("{} values for {} names", items.len(), targets.len()));
        }
        for (target, item) in targets.iter().zip(items) {
            let target = match target {
                ast::Expr::Starred(star) => &star.value,
                other => other,
            };
            self.assign(target, item, span)?;
        }
        Ok(())
    }

    /// `name = value`: a new meaning of the name, or a write to the container that a loop or branch gave it.
    pub fn bind(&mut self, name: &str, value: Value, span: Span) -> Res<()> {
        if self.bind_cell(name, &value, span)? {
            return Ok(());
        }
        // An element, or a variable that is written later, is bound by its value.
        let value = match value {
            Value::Num(num) => {
                let fresh = match &num.src {
                    Src::Elem(v) => v.at.is_empty() && !self.is_cell(v) && self.is_transient(v),
                    _ => true,
                };
                if !fresh {
                    self.hint = Some(name.to_string());
                }
                let num = if fresh { num } else { self.snapshot(&num, span)? };
                self.hint = None;
                Value::Num(num)
            }
            Value::Tuple(_) => self.hold(value, span)?,
            other => other,
        };
        self.frame().vars.insert(name.into(), value);
        Ok(())
    }

    fn is_cell(&self, view: &View) -> bool {
        self.frames.iter().any(|f| f.cells.values().any(|c| c.view.base == view.base))
    }

    fn is_transient(&self, view: &View) -> bool {
        self.sdfg.data.get(&view.base).is_some_and(|d| d.transient)
    }

    fn aug_assign(&mut self, a: &ast::StmtAugAssign) -> Res<()> {
        let span = span_of(a);
        match &*a.target {
            ast::Expr::Name(name) => {
                let old = self.lookup(name.id.as_str(), span)?;
                if let Value::Array(view) = &old {
                    let value = self.eval(&a.value)?;
                    let value = self.array_like(value, span)?;
                    self.note_write(view.base);
                    return self.in_place(&view.clone(), a.op, &value, true, span);
                }
                let value = self.eval(&a.value)?;
                if !self.frame().cells.contains_key(name.id.as_str()) {
                    self.hint = Some(name.id.to_string());
                }
                let value = self.operator(a.op, &old, &value, span)?;
                self.hint = None;
                self.bind(name.id.as_str(), value, span)
            }
            ast::Expr::Subscript(s) => {
                let base = self.eval(&s.value)?;
                if let Value::List(id) = base {
                    let old = self.static_item(&base, &s.slice, span)?;
                    let value = self.eval(&a.value)?;
                    let value = self.operator(a.op, &old, &value, span)?;
                    return self.set_list_item(id, &s.slice, value, span);
                }
                let items = self.items(&s.slice)?;
                if let Value::Array(view) = &base
                    && crate::fancy::is_fancy(&items)
                {
                    // NumPy reads all elements, and then writes all.
                    let old = self.gather(view, &items, span)?;
                    let value = self.eval(&a.value)?;
                    let value = self.operator(a.op, &old, &value, span)?;
                    self.note_write(view.base);
                    return self.scatter(view, &items, &value, span);
                }
                let part = self.target(&base, &items, span)?;
                if let Some(view) = view_of(&part) {
                    self.note_write(view.base);
                }
                if matches!(part, Value::Num(_)) && self.calls_user(&a.value, 0) {
                    // The element is read before the call, which may write it.
                    let old = self.hold(part.clone(), span)?;
                    let value = self.eval(&a.value)?;
                    let value = self.operator(a.op, &old, &value, span)?;
                    return match view_of(&part) {
                        Some(view) => self.store(&view, &value, span),
                        None => fail(span, "this cannot be assigned to"),
                    };
                }
                let value = self.eval(&a.value)?;
                let value = self.array_like(value, span)?;
                match view_of(&part) {
                    Some(view) => self.in_place(&view, a.op, &value, matches!(part, Value::Array(_)), span),
                    None => fail(span, "this cannot be assigned to"),
                }
            }
            other => fail(span_of(other), "this cannot be assigned to"),
        }
    }

    /// `target op= value`. Arrays keep their type (`same_kind`); an element converts as by assignment.
    fn in_place(
        &mut self,
        target: &View,
        op: ast::Operator,
        value: &Value,
        array: bool,
        span: Span,
    ) -> Res<()> {
        let old = if array {
            Value::Array(target.clone())
        } else {
            Value::elem(Kind::Np(target.dtype), target.clone())
        };
        if op == ast::Operator::MatMult {
            let value = self.operator(op, &old, value, span)?;
            return self.store(target, &value, span);
        }
        let shape = self.broadcast(&[target.shape.clone(), value.shape()], span)?;
        let stretched = shape.len() > target.rank()
            || shape.iter().zip(&target.shape).any(|(n, t)| t.is_one() && !n.is_one());
        if stretched {
            let (from, to) = (self.show_shape(&value.shape()), self.show_shape(&target.shape));
            return fail(span, format!("non-broadcastable output operand: shape {from} does not fit {to}"));
        }
        let value = self.separate(target, value, span);
        let mut inputs = Inputs::default();
        let (dtype, code) = self.ufunc2_code(Binary::Op(operator(op)), &old, &value, &mut inputs, span)?;
        if array && !same_kind(dtype, target.dtype) {
            let reason =
                format!("cannot cast the result from {} to {} in place", dtype.numpy(), target.dtype.numpy());
            return fail_hint(span, reason, "assign to a slice, which converts: a[:] = a op b");
        }
        if dtype.is_complex() && !target.dtype.is_complex() {
            return fail(span, "a complex value cannot be stored in a real array");
        }
        let code = if dtype == target.dtype { code } else { tasklet::Expr::cast(target.dtype, code) };
        self.map_into(crate::promote::verb(Binary::Op(operator(op))), target, &inputs, code, span);
        Ok(())
    }

    // ---- results -------------------------------------------------------------------------

    fn return_stmt(&mut self, r: &ast::StmtReturn, span: Span) -> Res<Flow> {
        let value = match &r.value {
            Some(e) => self.eval(e)?,
            None => Value::None,
        };
        if self.frames.len() > 1 {
            return self.return_inlined(value, span);
        }
        let items = match value {
            Value::None => vec![],
            Value::List(_) => {
                return fail_hint(span, "returning a list is not supported", "return a tuple");
            }
            Value::Tuple(items) => items,
            other => vec![other],
        };
        let mut kinds = vec![];
        for item in &items {
            match item.kind() {
                Some(kind) => kinds.push((kind, item.shape(), matches!(item, Value::Array(_)))),
                None => return fail(span, format!("{} cannot be returned", item.describe())),
            }
        }
        match &self.results {
            None => self.declare_results(&kinds, span)?,
            Some(before) if *before != kinds => {
                return fail_hint(
                    span,
                    "another 'return' gives other types or shapes",
                    "return the same kind of value everywhere",
                );
            }
            Some(_) => {}
        }
        self.results = Some(kinds);
        let targets: Vec<View> = self
            .sdfg
            .returns
            .iter()
            .map(|&name| {
                let data = &self.sdfg.data[&name];
                View::full(name, data.dtype, &data.shape)
            })
            .collect();
        for (target, item) in targets.iter().zip(&items) {
            self.store(target, item, span)?;
        }
        if self.loop_depth > 0 || self.open_branches > 0 {
            self.block("return", BlockKind::Return, span);
        }
        Ok(Flow::Gone)
    }

    /// A `return` of an inlined function: by its value, or through containers where ways meet.
    fn return_inlined(&mut self, value: Value, span: Span) -> Res<Flow> {
        let value = self.hold(value, span)?;
        let early = self.frame().early.as_ref().map(|e| e.flag.clone());
        if early.is_none() && !self.frame().lazy.contains_key(RETURN) {
            return Ok(Flow::Return(value));
        }
        let (names, items, count) = match value {
            Value::None => (vec![], vec![], None),
            Value::Tuple(items) => {
                let names = (0..items.len()).map(|i| format!("{RETURN}{i}")).collect();
                let count = items.len();
                (names, items, Some(Some(count)))
            }
            value => (vec![RETURN.to_string()], vec![value], Some(None)),
        };
        let before = self.frame().returns;
        if before.is_some() && before != count {
            return fail_hint(
                span,
                "another 'return' gives another number of values",
                "return as many everywhere",
            );
        }
        self.frame().returns = count;
        for (name, item) in names.into_iter().zip(items) {
            if !self.frame().cells.contains_key(&name) {
                let key = (self.frame().path.clone(), name.clone());
                self.frame().lazy.insert(name.clone(), key);
            }
            if !self.bind_cell(&name, &item, span)? {
                return fail(span, format!("{} cannot be returned from a loop or branch", item.describe()));
            }
        }
        let Some(flag) = early else { return self.returned(span).map(Flow::Return) };
        self.store(&flag, &Value::bool(true), span)?;
        if self.loop_depth > 0 {
            self.block("break", BlockKind::Break, span);
        }
        Ok(Flow::Gone)
    }

    fn declare_results(&mut self, kinds: &[(Kind, Vec<Expr>, bool)], span: Span) -> Res<()> {
        for (i, (kind, shape, _)) in kinds.iter().enumerate() {
            for n in shape {
                if let Some(unknown) = n.free_symbols().into_iter().find(|s| !self.values.contains_key(s)) {
                    let hint =
                        "the caller must know the extents of results: they may depend on arguments only";
                    return fail_hint(span, format!("the result's extent {n} depends on '{unknown}'"), hint);
                }
            }
            let name = self.fresh(&format!("return_{i}"));
            self.sdfg.data.insert(name, Data::array(kind.dtype(), shape.clone(), false));
            self.sdfg.returns.push(name);
        }
        Ok(())
    }
}

/// The view that a value stands for.
pub fn view_of(v: &Value) -> Option<View> {
    match v {
        Value::Array(view) | Value::Num(Num { src: Src::Elem(view), .. }) => Some(view.clone()),
        _ => None,
    }
}

/// Refuses what a function's head has beyond plain parameters.
pub fn check_signature(f: &ast::StmtFunctionDef, module: &Module) -> Result<(), Diagnostic> {
    let span = span_of(&f.name);
    if f.is_async {
        return Err(Diagnostic::new(span, "an async function is not supported"));
    }
    for d in &f.decorator_list {
        crate::annotations::check_decorator(module, d)?;
    }
    if f.parameters.kwarg.is_some() {
        return Err(Diagnostic::new(span, "'**kwargs' is not supported").hint("name every parameter"));
    }
    Ok(())
}

fn unsupported(s: &Stmt) -> (&'static str, &'static str) {
    match s {
        Stmt::ClassDef(_) => ("a class", "use functions of arrays and scalars"),
        Stmt::With(_) => ("'with'", "kernels compute on arrays only"),
        Stmt::Try(_) => ("'try'", "test for the case beforehand"),
        Stmt::Match(_) => ("'match'", "use if and elif"),
        Stmt::Global(_) | Stmt::Nonlocal(_) => ("'global' or 'nonlocal'", "pass and return values"),
        _ => ("this statement", "write it with assignments, loops and branches"),
    }
}
