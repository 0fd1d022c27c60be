//! Calls: functions of the file are inlined, functions of NumPy and Python are looked up.

use std::sync::Arc;

use ruff_python_ast as ast;
use weft_ir::sdfg::Span;

use crate::args::Args;
use crate::context::{Frame, Importer, Join, Lazy, Res, Stop, fail, fail_hint, fail_raises, span_of};
use crate::scan::{assigned, returns_in_loop};
use crate::stmt::{Flow, RETURN, UNASSIGNED, check_signature};
use crate::value::{Body, Closure, Stale, Value};

/// Calls of functions inside of each other, and of one function inside of itself.
const MAX_FRAMES: usize = 40;
const MAX_RECURSION: usize = 12;
/// Functions that are inlined in all.
const MAX_CALLS: u32 = 20_000;

/// What a call runs.
struct Callee<'c> {
    name: String,
    module: usize,
    parameters: &'c ast::Parameters,
    body: Result<&'c [ast::Stmt], &'c ast::Expr>,
    closure: Option<Arc<Closure>>,
}

impl Importer<'_> {
    pub fn call(&mut self, c: &ast::ExprCall, hint: Option<String>, span: Span) -> Res<Value> {
        let func = self.eval(&c.func)?;
        if let Value::Path(p) = &func {
            if p == "builtins.print" {
                return fail_hint(span, "print is not supported", "return the value");
            }
            if let [
                ast::Expr::ListComp(ast::ExprListComp { elt, generators, .. })
                | ast::Expr::Generator(ast::ExprGenerator { elt, generators, .. }),
                ..,
            ] = &*c.arguments.args
                && !matches!(p.as_str(), "builtins.tuple" | "builtins.list")
                && let Some(array) = self.comprehension_array(elt, generators, span)?
            {
                let mut rest = c.clone();
                rest.arguments.args = rest.arguments.args[1..].to_vec().into_boxed_slice();
                let mut args = self.arguments_of(&rest, span)?;
                args.pos.insert(0, array);
                self.hint = hint;
                return self.call_value(func, args);
            }
        }
        let args = self.arguments_of(c, span)?;
        self.hint = hint;
        self.call_value(func, args)
    }

    pub fn call_value(&mut self, func: Value, args: Args) -> Res<Value> {
        match func {
            Value::User(module, name) => self.inline(module, &name, args),
            Value::Closure(c) => self.call_closure(&c, args),
            Value::Path(path) => {
                let given: Vec<Value> = args.pos.iter().chain(args.kw.values()).cloned().collect();
                let operands: Vec<&Value> = given.iter().collect();
                let turns = self.may_turn(&operands, &path);
                let result = self.call_path(&path, args)?;
                if turns {
                    self.note_turned(&result, &operands);
                }
                Ok(result)
            }
            Value::Method(object, name) => {
                let mut given = vec![(*object).clone()];
                given.extend(args.pos.iter().chain(args.kw.values()).cloned());
                let operands: Vec<&Value> = given.iter().collect();
                let turns = self.may_turn(&operands, &name);
                let result = self.call_method(*object, &name, args)?;
                if turns {
                    self.note_turned(&result, &operands);
                }
                Ok(result)
            }
            other => fail_raises(args.span, format!("{} is not a function", other.describe()), ""),
        }
    }

    /// Inlines a function at the top level of a module.
    pub fn inline(&mut self, module: usize, name: &str, args: Args) -> Res<Value> {
        let modules = self.modules.clone();
        let Some(function) = modules.get(module).and_then(|m| m.functions.get(name)) else {
            return fail(args.span, format!("no function '{name}'"));
        };
        check_signature(function, modules[module])?;
        let callee = Callee {
            name: name.to_string(),
            module,
            parameters: &function.parameters,
            body: Ok(&function.body),
            closure: None,
        };
        if module == 0 {
            return self.run_callee(&callee, args);
        }
        // Functions of NumPy have no place in the user's file but the call's.
        let (span, outer) = (args.span, self.at);
        self.at = Some(outer.unwrap_or(span));
        let errors = self.diags.len();
        let result = self.run_callee(&callee, args);
        self.at = outer;
        let mut new = self.diags.split_off(errors);
        new.truncate(1);
        for d in &mut new {
            d.span = span;
        }
        self.diags.append(&mut new);
        match result {
            Err(Stop::Diag(mut d)) => {
                d.span = span;
                Err(Stop::Diag(d))
            }
            other => other,
        }
    }

    fn call_closure(&mut self, closure: &Arc<Closure>, args: Args) -> Res<Value> {
        let body = match &closure.body {
            Body::Block(body) => Ok(&body[..]),
            Body::Value(e) => Err(e),
        };
        let callee = Callee {
            name: closure.name.clone(),
            module: closure.module,
            parameters: &closure.parameters,
            body,
            closure: Some(closure.clone()),
        };
        self.run_callee(&callee, args)
    }

    fn run_callee(&mut self, callee: &Callee, mut args: Args) -> Res<Value> {
        let span = args.span;
        let same = self.frames.iter().filter(|f| f.function == callee.name && f.module == callee.module);
        if same.count() > MAX_RECURSION || self.frames.len() > MAX_FRAMES {
            return fail_hint(span, format!("'{}' calls itself too deeply", callee.name), "write a loop");
        }
        self.calls += 1;
        if self.calls > MAX_CALLS {
            return fail(span, "too many calls of functions");
        }
        args.name = callee.name.clone();
        let mut frame = Frame {
            function: callee.name.clone(),
            id: self.frame_id(),
            module: callee.module,
            closure: callee.closure.clone(),
            ..Frame::default()
        };
        if let Ok(body) = callee.body {
            for local in assigned(body) {
                frame.vars.insert(local, Value::Stale(Stale::new(UNASSIGNED)));
            }
        }
        self.hint = None;
        self.parameters_of(callee, args, &mut frame)?;
        self.path.push(span.start);
        frame.path = self.path.clone();
        self.frames.push(frame);
        let (depth, loops) = (std::mem::take(&mut self.depth), std::mem::take(&mut self.loop_depth));
        let breaks = std::mem::take(&mut self.breaks);
        let errors = self.diags.len();
        let result = match callee.body {
            Ok(body) => self.run_body(body, span),
            Err(e) => {
                self.depth = depth;
                self.eval(e).and_then(|v| self.hold(v, span))
            }
        };
        self.depth = depth;
        self.loop_depth = loops;
        self.breaks = breaks;
        self.frames.pop();
        self.path.pop();
        let value = result?;
        if self.diags.len() > errors {
            return Err(Stop::Silent);
        }
        Ok(value)
    }

    fn run_body(&mut self, body: &[ast::Stmt], span: Span) -> Res<Value> {
        let early = returns_in_loop(body);
        if early {
            let flag = self.flag("returned", span)?;
            self.frame().early = Some(flag);
        }
        let key = (self.path.clone(), RETURN.to_string());
        if early || self.plan.joins.get(&key) == Some(&Join::Keep) {
            self.frame().lazy.insert(RETURN.into(), Lazy { key, flag: None });
        }
        Ok(match self.run(body)? {
            Flow::Return(value) => value,
            Flow::Gone if self.frame().early.is_some() => self.returned(span)?,
            Flow::Gone => return Err(Stop::Raises),
            Flow::Next if self.frame().early.is_some() && self.frame().returns.is_some() => {
                let reason = "the function may end without a result";
                return fail_hint(span, reason, "return a value at the end as well");
            }
            Flow::Next | Flow::Unless(_) => Value::None,
        })
    }

    fn parameters_of(&mut self, callee: &Callee, mut args: Args, frame: &mut Frame) -> Res<()> {
        let positional = callee.parameters.posonlyargs.iter().chain(&callee.parameters.args);
        let mut count = 0;
        for p in positional {
            let at = count;
            count += 1;
            let value = self.parameter(callee, &mut args, at, p)?;
            frame.vars.insert(p.parameter.name.to_string(), value);
        }
        if let Some(rest) = &callee.parameters.vararg {
            let mut items = vec![];
            for v in args.pos.drain(count.min(args.pos.len())..).collect::<Vec<_>>() {
                items.push(self.hold(v, args.span)?);
            }
            frame.vars.insert(rest.name.to_string(), Value::Tuple(items));
        }
        for p in &callee.parameters.kwonlyargs {
            let value = self.parameter(callee, &mut args, usize::MAX, p)?;
            frame.vars.insert(p.parameter.name.to_string(), value);
        }
        args.done(count)
    }

    fn parameter(
        &mut self,
        callee: &Callee,
        args: &mut Args,
        at: usize,
        p: &ast::ParameterWithDefault,
    ) -> Res<Value> {
        let name = p.parameter.name.as_str();
        match (args.take(at, name), &p.default) {
            (Some(value), _) => self.hold(value, args.span),
            (None, Some(default)) => {
                let frame =
                    Frame { module: callee.module, closure: callee.closure.clone(), ..Frame::default() };
                self.frames.push(frame);
                let value = self.eval(default);
                self.frames.pop();
                value
            }
            (None, None) => fail(args.span, format!("{} lacks the argument '{name}'", args.name)),
        }
    }

    /// What an inlined function has returned out of its loops and branches.
    pub fn returned(&mut self, span: Span) -> Res<Value> {
        match self.frame().returns {
            None => Ok(Value::None),
            Some(None) => self.result_named(RETURN, span),
            Some(Some(n)) => {
                let items = (0..n).map(|i| self.result_named(&format!("{RETURN}{i}"), span));
                items.collect::<Res<Vec<_>>>().map(Value::Tuple)
            }
        }
    }

    fn result_named(&mut self, name: &str, span: Span) -> Res<Value> {
        match self.frame().cells.get(name) {
            Some(cell) => Ok(cell.value()),
            None => fail(span, "the function may end without a result"),
        }
    }

    /// A function that is defined inside of a function.
    pub fn define(&mut self, f: &ast::StmtFunctionDef) -> Res<()> {
        check_signature(f, self.module())?;
        let closure = self.closure(f.name.as_str(), (*f.parameters).clone(), Body::Block(f.body.to_vec()));
        self.bind(f.name.as_str(), closure, span_of(f))
    }

    pub fn lambda(&mut self, l: &ast::ExprLambda) -> Value {
        let parameters = l.parameters.as_deref().cloned().unwrap_or_default();
        self.closure("lambda", parameters, Body::Value((*l.body).clone()))
    }

    fn closure(&mut self, name: &str, parameters: ast::Parameters, body: Body) -> Value {
        let frame = self.frame();
        let (id, module) = (frame.id, frame.module);
        let mut captured = frame.vars.clone();
        if let Some(around) = &frame.closure {
            for (name, value) in &around.captured {
                captured.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Value::Closure(Arc::new(Closure { name: name.into(), module, parameters, body, frame: id, captured }))
    }
}
