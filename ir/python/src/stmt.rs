//! Statements: assignments, calls of the file's functions, results, checks.

use ruff_python_ast::{self as ast, Stmt};
use weft_ir::dtype::Scalar;
use weft_ir::sdfg::{BlockKind, Data, Span};
use weft_ir::symbolic::Expr;
use weft_ir::tasklet;

use crate::bounds::Item;
use crate::calls::{Args, same_kind};
use crate::context::{Frame, Importer, Res, Stop, fail, fail_hint, span_of};
use crate::diagnostic::Diagnostic;
use crate::emit::Inputs;
use crate::expr::{Test, operator};
use crate::module::assigned;
use crate::promote::Binary;
use crate::value::{Kind, Num, Src, Value, View};

/// How a list of statements ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Flow {
    /// The next statement runs.
    Next,
    /// It does not: `break`, `continue`, `return` of the outermost function, `raise`.
    Gone,
    /// An inlined function returns.
    Return(Value),
}

/// Why a name cannot be read yet.
pub const UNASSIGNED: &str = "is read before it is assigned";

impl Importer<'_> {
    /// Runs statements; problems are collected, and what they would have assigned is poisoned.
    pub fn run(&mut self, body: &[Stmt]) -> Res<Flow> {
        for stmt in body {
            match self.stmt(stmt) {
                Ok(Flow::Next) => {}
                Ok(flow) => return Ok(flow),
                Err(Stop::Restart) => return Err(Stop::Restart),
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

    fn stmt(&mut self, stmt: &Stmt) -> Res<Flow> {
        let span = span_of(stmt);
        match stmt {
            Stmt::Pass(_) => Ok(Flow::Next),
            Stmt::Expr(e) => match &*e.value {
                ast::Expr::StringLiteral(_) | ast::Expr::EllipsisLiteral(_) => Ok(Flow::Next),
                value => self.eval(value).map(|_| Flow::Next),
            },
            Stmt::Assign(a) => {
                if let ([ast::Expr::Name(name)], false) = (&a.targets[..], a.targets.is_empty())
                    && !self.frame().cells.contains_key(name.id.as_str())
                {
                    self.hint = Some(name.id.to_string());
                }
                let value = self.eval(&a.value)?;
                let value = if a.targets.len() > 1 || matches!(value, Value::Tuple(_)) {
                    self.hold(value, span)?
                } else {
                    value
                };
                for target in &a.targets {
                    self.assign(target, value.clone(), span)?;
                }
                Ok(Flow::Next)
            }
            Stmt::AnnAssign(a) => {
                let Some(value) = &a.value else { return Ok(Flow::Next) };
                let value = self.eval(value)?;
                self.assign(&a.target, value, span)?;
                Ok(Flow::Next)
            }
            Stmt::AugAssign(a) => self.aug_assign(a).map(|()| Flow::Next),
            Stmt::For(f) => self.for_loop(f),
            Stmt::While(w) => self.while_loop(w),
            Stmt::If(i) => self.if_stmt(i),
            Stmt::Break(_) | Stmt::Continue(_) => {
                if self.loop_depth == 0 {
                    return fail(span, "'break' or 'continue' outside of a loop");
                }
                let leave = matches!(stmt, Stmt::Break(_));
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
            Stmt::Import(_) | Stmt::ImportFrom(_) => fail_hint(
                span,
                "an import inside of a function is not supported",
                "move it to the top of the file",
            ),
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

    pub fn assign(&mut self, target: &ast::Expr, value: Value, span: Span) -> Res<()> {
        match target {
            ast::Expr::Name(name) => self.bind(name.id.as_str(), value, span),
            ast::Expr::Tuple(t) => self.unpack(&t.elts, value, span),
            ast::Expr::List(t) => self.unpack(&t.elts, value, span),
            ast::Expr::Subscript(s) => {
                let base = self.eval(&s.value)?;
                let view = self.target(&base, &s.slice, span)?;
                match view.kind() {
                    Some(_) => {
                        let view = view_of(&view);
                        match view {
                            Some(view) => self.store(&view, &value, span),
                            None => fail(span, "this cannot be assigned to"),
                        }
                    }
                    None => fail(span, "this cannot be assigned to"),
                }
            }
            other => fail_hint(
                span_of(other),
                "this cannot be assigned to",
                "assign to a name or to a part of an array",
            ),
        }
    }

    fn target(&mut self, base: &Value, slice: &ast::Expr, span: Span) -> Res<Value> {
        let Value::Array(view) = base else {
            return fail(span, format!("{} cannot be assigned to by index", base.describe()));
        };
        let items: Vec<Item> = self.items(slice)?;
        self.part(view, &items, span)
    }

    fn unpack(&mut self, targets: &[ast::Expr], value: Value, span: Span) -> Res<()> {
        let items = match value {
            Value::Tuple(items) => items,
            Value::Array(view) if view.rank() > 0 && view.shape[0].as_int() == Some(targets.len() as i64) => {
                let at = |i| self.part(&view, &[Item::Index(Expr::int(i))], span);
                let items = (0..targets.len() as i64).map(at).collect::<Res<Vec<_>>>()?;
                items.into_iter().map(|v| self.hold(v, span)).collect::<Res<Vec<_>>>()?
            }
            other => return fail(span, format!("{} cannot be unpacked", other.describe())),
        };
        if items.len() != targets.len() {
            return fail(span, format!("{} values for {} names", items.len(), targets.len()));
        }
        for (target, item) in targets.iter().zip(items) {
            self.assign(target, item, span)?;
        }
        Ok(())
    }

    /// `name = value`: a new meaning of the name, or a write to the container that a loop or branch gave it.
    pub fn bind(&mut self, name: &str, value: Value, span: Span) -> Res<()> {
        if let Some(cell) = self.frame().cells.get(name).cloned() {
            let kind = match &value {
                Value::Num(num) => Some(num.kind),
                _ => None,
            };
            if kind != Some(cell.kind) {
                return self.join_failed(name, &cell, &value, span);
            }
            self.store(&cell.view, &value, span)?;
            self.frame().vars.insert(name.into(), Value::elem(cell.kind, cell.view));
            return Ok(());
        }
        // An element, or a variable that is written later, is bound by its value.
        let value = match value {
            Value::Num(num) => {
                let fresh = match &num.src {
                    Src::Elem(v) => v.axes.is_empty() && !self.is_cell(v) && self.is_transient(v),
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
                let part = self.target(&base, &s.slice, span)?;
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
            let value = self.hold(value, span)?;
            return Ok(Flow::Return(value));
        }
        let items = match value {
            Value::None => vec![],
            Value::Tuple(items) if matches!(r.value.as_deref(), Some(ast::Expr::List(_))) => {
                let _ = items;
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
        if self.loop_depth > 0 || self.branch_depth() > 0 {
            self.block("return", BlockKind::Return, span);
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

    // ---- calls of the file's functions -----------------------------------------------------

    pub fn inline(&mut self, name: &str, mut args: Args) -> Res<Value> {
        let span = args.span;
        let module = self.module;
        let Some(function) = module.functions.get(name) else {
            return fail(span, format!("no function '{name}'"));
        };
        if self.frames.iter().any(|f| f.function == name) {
            return fail_hint(span, format!("'{name}' calls itself"), "write a loop");
        }
        if self.frames.len() > 40 {
            return fail(span, "calls are nested too deeply");
        }
        args.name = name.to_string();
        let mut frame = Frame { function: name.to_string(), ..Frame::default() };
        for local in assigned(&function.body) {
            frame.vars.insert(local, Value::Stale(UNASSIGNED.into()));
        }
        check_signature(function)?;
        self.hint = None;
        let positional = function.parameters.posonlyargs.iter().chain(&function.parameters.args);
        let mut count = 0;
        for p in positional {
            let at = count;
            count += 1;
            let value = self.parameter(&mut args, at, p)?;
            frame.vars.insert(p.parameter.name.to_string(), value);
        }
        for p in &function.parameters.kwonlyargs {
            let value = self.parameter(&mut args, usize::MAX, p)?;
            frame.vars.insert(p.parameter.name.to_string(), value);
        }
        args.done(count)?;
        self.path.push(span.start);
        self.frames.push(frame);
        let (depth, loops) = (std::mem::take(&mut self.depth), std::mem::take(&mut self.loop_depth));
        let errors = self.diags.len();
        let flow = self.run(&function.body);
        self.depth = depth;
        self.loop_depth = loops;
        self.frames.pop();
        self.path.pop();
        let flow = flow?;
        if self.diags.len() > errors {
            return Err(Stop::Silent);
        }
        Ok(match flow {
            Flow::Return(value) => value,
            Flow::Gone => return Err(Stop::Raises),
            Flow::Next => Value::None,
        })
    }

    fn parameter(&mut self, args: &mut Args, at: usize, p: &ast::ParameterWithDefault) -> Res<Value> {
        let name = p.parameter.name.as_str();
        match (args.take(at, name), &p.default) {
            (Some(value), _) => self.hold(value, args.span),
            (None, Some(default)) => self.eval(default),
            (None, None) => fail(args.span, format!("{} lacks the argument '{name}'", args.name)),
        }
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
pub fn check_signature(f: &ast::StmtFunctionDef) -> Result<(), Diagnostic> {
    let span = span_of(&f.name);
    if f.is_async {
        return Err(Diagnostic::new(span, "an async function is not supported"));
    }
    if let Some(d) = f.decorator_list.first() {
        return Err(
            Diagnostic::new(span_of(d), "a decorated function is not supported").hint("remove the decorator")
        );
    }
    if f.parameters.vararg.is_some() || f.parameters.kwarg.is_some() {
        return Err(
            Diagnostic::new(span, "'*args' and '**kwargs' are not supported").hint("name every parameter")
        );
    }
    Ok(())
}

fn unsupported(s: &Stmt) -> (&'static str, &'static str) {
    match s {
        Stmt::FunctionDef(_) => ("a function inside of a function", "move it to the top of the file"),
        Stmt::ClassDef(_) => ("a class", "use functions of arrays and scalars"),
        Stmt::With(_) => ("'with'", "kernels compute on arrays only"),
        Stmt::Try(_) => ("'try'", "test for the case beforehand"),
        Stmt::Match(_) => ("'match'", "use if and elif"),
        Stmt::Delete(_) => ("'del'", "leave it out"),
        Stmt::Global(_) | Stmt::Nonlocal(_) => ("'global' or 'nonlocal'", "pass and return values"),
        _ => ("this statement", "write it with assignments, loops and branches"),
    }
}
