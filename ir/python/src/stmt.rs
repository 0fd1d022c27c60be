//! Statements: assignments, calls of the file's functions, results, checks.

use ruff_python_ast::{self as ast, Stmt};
use weft_ir::dtype::Scalar;
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Span};
use weft_ir::tasklet;

use crate::context::{Importer, Res, Stop, fail, fail_hint, span_of};
use crate::diagnostic::{Diagnostic, NOT_IMPORTED};
use crate::module::Module;
use crate::scan::{assigned, rebound, returns};
use crate::truth::{Test, not};
use crate::value::{Stale, Value};

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

/// Stands in the plan for a function that gives `None` on some ways.
pub const OPTIONAL: &str = "<optional>";

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
                Err(Stop::Diag(d)) if self.plan.defer && self.may_not_run(&d) => {
                    self.depth = 0;
                    self.refuse_there(&d);
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

    /// May a run pass by what is refused? A loop counts only where Python refuses it too.
    fn may_not_run(&self, d: &Diagnostic) -> bool {
        self.open_branches > 0 || self.left || (d.raises && self.nesting() > 1)
    }

    /// A run that comes here is refused.
    pub fn refuse_there(&mut self, d: &Diagnostic) {
        let hint = d.hint.iter().map(|h| format!(" ({h})")).collect::<String>();
        let never = tasklet::Expr::Lit(Scalar::Bool(false));
        self.check(never, format!("{NOT_IMPORTED}{}{hint}", d.reason), d.span);
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
                ast::Expr::Call(c) if self.is_print(&c.func) => self.print(c).map(|()| Flow::Next),
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
                if leave && let Some(Some(flag)) = self.breaks.last().copied() {
                    self.set_flag(flag, span)?;
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

    fn is_print(&mut self, func: &ast::Expr) -> bool {
        let ast::Expr::Name(name) = func else { return false };
        name.id.as_str() == "print"
            && self.lookup("print", span_of(func)).is_ok_and(|f| f == Value::Path("builtins.print".into()))
    }

    /// What is printed is no result; what computing it writes may be.
    fn print(&mut self, c: &ast::ExprCall) -> Res<()> {
        let arguments = c.arguments.args.iter().chain(c.arguments.keywords.iter().map(|k| &k.value));
        for e in arguments.filter(|e| self.calls_user(e, 0)).collect::<Vec<_>>() {
            self.eval(e)?;
        }
        Ok(())
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
