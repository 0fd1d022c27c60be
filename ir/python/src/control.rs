//! Loops and branches, and the variables that they carry.
//!
//! A scalar that a loop or branch assigns becomes a container (a cell) before it; its kind must be the
//! same on every way. Arrays do not become cells: a name that is given another array inside is stale
//! where the ways meet.

use std::collections::BTreeSet;

use ruff_python_ast::{self as ast, Stmt};
use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Region, Span};
use weft_ir::symbolic::{Expr, Range};
use weft_ir::tasklet;

use crate::bounds::Item;
use crate::context::{Cell, Importer, Join, Res, Stop, fail, fail_hint, span_of};
use crate::expr::{Test, not, sure};
use crate::module::assigned;
use crate::stmt::Flow;
use crate::value::{Kind, Value};

const LOOP_CARRIED: &str = "is given another array inside of a loop";
const ONE_BRANCH: &str = "is not the same after all branches";
const AFTER_LOOP: &str = "is assigned inside of a loop that may not run";

/// What to undo where a loop or branch ends.
struct Opened {
    cells: Vec<String>,
    stale: Vec<(String, Option<Value>)>,
}

impl Importer<'_> {
    pub fn branch_depth(&self) -> usize {
        self.open_branches
    }

    fn join_key(&self, name: &str) -> (Vec<u32>, String) {
        (self.path.clone(), name.to_string())
    }

    /// Turns the scalars that `names` assigns into cells; other names become stale.
    fn open(&mut self, names: &BTreeSet<String>, is_loop: bool, span: Span) -> Res<Opened> {
        let mut opened = Opened { cells: vec![], stale: vec![] };
        for name in names {
            if self.frame().cells.contains_key(name) {
                continue;
            }
            let value = self.frame().vars.get(name).cloned();
            let join = self.plan.joins.get(&self.join_key(name)).copied();
            match (value, join) {
                (Some(Value::Num(num)), join) if join != Some(Join::Drop) => {
                    let kind = match join {
                        Some(Join::Kind(kind)) => kind,
                        _ => num.kind,
                    };
                    self.open_cell(name, kind, Some(Value::Num(num)), span)?;
                    opened.cells.push(name.clone());
                }
                (None | Some(Value::Stale(_)), Some(Join::Kind(kind))) if !is_loop => {
                    self.open_cell(name, kind, None, span)?;
                    opened.cells.push(name.clone());
                }
                (Some(Value::Poison), _) => {}
                (before, _) => {
                    if is_loop
                        && let Some(v) = &before
                        && !matches!(v, Value::Stale(_))
                    {
                        self.frame().vars.insert(name.clone(), Value::Stale(LOOP_CARRIED.into()));
                    }
                    opened.stale.push((name.clone(), before));
                }
            }
        }
        Ok(opened)
    }

    fn open_cell(&mut self, name: &str, kind: Kind, value: Option<Value>, span: Span) -> Res<()> {
        self.hint = Some(name.to_string());
        let view = self.transient("var", kind.dtype(), vec![]);
        if let Some(value) = value {
            self.store(&view, &value, span)?;
        }
        let frame = self.frame();
        frame.vars.insert(name.to_string(), Value::elem(kind, view.clone()));
        frame.cells.insert(name.to_string(), Cell { kind, view });
        Ok(())
    }

    /// Cells end with their loop or branch: the container keeps the value.
    fn close(&mut self, opened: &Opened) {
        for name in &opened.cells {
            self.frame().cells.remove(name);
        }
    }

    /// A cell got a value of another kind: import again with the kind that holds both, if there is one.
    pub fn join_failed(&mut self, name: &str, cell: &Cell, value: &Value, span: Span) -> Res<()> {
        let Some(to) = value.kind().filter(|_| matches!(value, Value::Num(_))) else {
            return self.drop_join(name, cell, value, span);
        };
        let joined = match (cell.kind, to) {
            (Kind::Float, Kind::Np(t @ (DType::F64 | DType::F32))) => Some(Kind::Np(t)),
            (Kind::Np(t @ (DType::F64 | DType::F32)), Kind::Float) => Some(Kind::Np(t)),
            (Kind::Bool, Kind::Np(DType::Bool)) | (Kind::Np(DType::Bool), Kind::Bool) => {
                Some(Kind::Np(DType::Bool))
            }
            (Kind::Np(DType::F32), Kind::Np(DType::F64)) => None,
            _ => None,
        };
        match joined {
            Some(kind) if kind != cell.kind => {
                self.plan.joins.insert(self.join_key(name), Join::Kind(kind));
                Err(Stop::Restart)
            }
            // The value converts to the cell's kind: a literal or a Python float in a NumPy cell.
            Some(kind) => {
                self.store(&cell.view.clone(), value, span)?;
                let view = cell.view.clone();
                self.frame().vars.insert(name.to_string(), Value::elem(kind, view));
                Ok(())
            }
            None => self.drop_join(name, cell, value, span),
        }
    }

    fn drop_join(&mut self, name: &str, cell: &Cell, value: &Value, span: Span) -> Res<()> {
        let key = self.join_key(name);
        if self.plan.joins.get(&key) != Some(&Join::Drop) && !self.plan.joins.contains_key(&key) {
            self.plan.joins.insert(key, Join::Drop);
            return Err(Stop::Restart);
        }
        let reason = format!("'{name}' was {} and becomes {} here", cell.kind.describe(), value.describe());
        fail_hint(span, reason, "give it one type from the start, such as 0.0 instead of 0")
    }

    // ---- for -------------------------------------------------------------------------------

    pub fn for_loop(&mut self, f: &ast::StmtFor) -> Res<Flow> {
        let span = span_of(&*f.iter);
        if f.is_async || !f.orelse.is_empty() {
            return fail_hint(span_of(f), "'else' of a loop is not supported", "use a flag");
        }
        let whole = Span { start: span_of(f).start, end: span.end };
        let call = match &*f.iter {
            ast::Expr::Call(c) => match self.eval(&c.func)? {
                Value::Path(p) if p == "builtins.range" => Some(c),
                _ => None,
            },
            _ => None,
        };
        let Some(call) = call else { return self.for_rows(f, whole) };
        if !call.arguments.keywords.is_empty() {
            return fail(span, "range takes no keywords");
        }
        let mut bounds = vec![];
        for e in &call.arguments.args {
            let v = self.eval(e)?;
            if matches!(v, Value::Num(_)) && v.kind().is_some_and(|k| k.dtype().is_float()) {
                return fail_hint(span_of(e), "range takes integers", "convert by int(...) or divide by //");
            }
            bounds.push(self.as_int(&v, span_of(e))?);
        }
        let range = match &bounds[..] {
            [n] => Range::new(0, n),
            [a, b] => Range::new(a, b),
            [a, b, s] => match s.as_int() {
                Some(0) => return fail(span, "the step of range must not be zero"),
                Some(_) => Range::with_step(a, b, s),
                None => {
                    return fail_hint(
                        span,
                        "a step of range that is not a constant",
                        "write the step as a number",
                    );
                }
            },
            _ => return fail(span, "range takes one to three integers"),
        };
        let stem = match &*f.target {
            ast::Expr::Name(n) => n.id.to_string(),
            other => return fail(span_of(other), "the variable of a range loop must be a name"),
        };
        self.range_loop(f, &stem, range, whole, &|s, var| s.bind(&stem, Value::sym(Expr::sym(var)), whole))
    }

    /// `for row in array:`
    fn for_rows(&mut self, f: &ast::StmtFor, span: Span) -> Res<Flow> {
        let hint = "loop over range(...)";
        let view = match self.eval(&f.iter)? {
            Value::Array(view) if view.rank() > 0 => view,
            other => {
                return fail_hint(span, format!("a loop over {} is not supported", other.describe()), hint);
            }
        };
        let range = Range::new(0, &view.shape[0]);
        self.range_loop(f, "row", range, span, &|s, var| {
            let row = s.part(&view, &[Item::Index(Expr::sym(var))], span)?;
            s.assign(&f.target, row, span)
        })
    }

    fn range_loop(
        &mut self,
        f: &ast::StmtFor,
        stem: &str,
        range: Range,
        span: Span,
        bind: &dyn Fn(&mut Self, Name) -> Res<()>,
    ) -> Res<Flow> {
        let empty = range.is_empty(self.facts());
        if empty.is_yes() {
            return Ok(Flow::Next);
        }
        let mut names = assigned(&f.body);
        let mut loop_names = BTreeSet::new();
        if let ast::Expr::Name(n) = &*f.target {
            names.remove(n.id.as_str());
            loop_names.insert(n.id.to_string());
        } else {
            loop_names = assigned(std::slice::from_ref(&Stmt::For(ast::StmtFor {
                body: Default::default(),
                ..f.clone()
            })));
        }
        self.path.push(span.start);
        let result = self.range_body(f, stem, range, span, bind, &names, &loop_names);
        self.path.pop();
        result
    }

    #[expect(clippy::too_many_arguments, reason = "one loop, described once")]
    fn range_body(
        &mut self,
        f: &ast::StmtFor,
        stem: &str,
        range: Range,
        span: Span,
        bind: &dyn Fn(&mut Self, Name) -> Res<()>,
        names: &BTreeSet<String>,
        loop_names: &BTreeSet<String>,
    ) -> Res<Flow> {
        for name in loop_names {
            if self.frame().cells.contains_key(name) {
                let hint = "use another name for the loop's variable";
                return fail_hint(
                    span,
                    format!("the loop's variable '{name}' is carried by a loop around"),
                    hint,
                );
            }
        }
        let retyped =
            names.iter().any(|n| matches!(self.plan.joins.get(&self.join_key(n)), Some(Join::Kind(_))));
        if retyped {
            // A Python float that becomes NumPy's in the first iteration: the loop must have one.
            let count = range.extent() - 1;
            self.nonneg_everywhere(&count, span)?;
        }
        let opened = self.open(names, true, span)?;
        let var = self.fresh(stem);
        let mark = self.mark();
        self.push_region();
        self.assume_in(var, &range);
        self.loops.push((var, range.clone()));
        self.loop_depth += 1;
        let flow = bind(self, var).and_then(|()| self.run(&f.body));
        self.loop_depth -= 1;
        self.loops.pop();
        self.forget(mark);
        let body = self.pop_region();
        self.end_loop(&opened, loop_names);
        if let Flow::Return(_) = flow? {
            return fail_hint(
                span,
                "'return' inside of a loop of a called function",
                "assign the result and return it at the end",
            );
        }
        self.block("loop", BlockKind::Loop { var, range, body }, span);
        Ok(Flow::Next)
    }

    fn end_loop(&mut self, opened: &Opened, loop_names: &BTreeSet<String>) {
        self.close(opened);
        for (name, before) in &opened.stale {
            let why = match before {
                Some(Value::Stale(_)) | None => AFTER_LOOP,
                _ => LOOP_CARRIED,
            };
            self.frame().vars.insert(name.clone(), Value::Stale(why.into()));
        }
        for name in loop_names {
            self.frame().vars.insert(name.clone(), Value::Stale("is read after its loop".into()));
        }
    }

    // ---- while -----------------------------------------------------------------------------

    pub fn while_loop(&mut self, w: &ast::StmtWhile) -> Res<Flow> {
        let span = Span { start: span_of(w).start, end: span_of(&*w.test).end };
        if !w.orelse.is_empty() {
            return fail_hint(span, "'else' of a loop is not supported", "use a flag");
        }
        let names = assigned(&w.body);
        self.path.push(span.start);
        let result = self.while_body(w, &names, span);
        self.path.pop();
        result
    }

    fn while_body(&mut self, w: &ast::StmtWhile, names: &BTreeSet<String>, span: Span) -> Res<Flow> {
        let opened = self.open(names, true, span)?;
        let mark = self.mark();
        self.push_region();
        self.loop_depth += 1;
        let test = sure(self.test_expr(&w.test), span);
        let head = self.pop_region();
        self.push_region();
        let mut cond = tasklet::Expr::Lit(Scalar::Bool(true));
        let mut never = false;
        if let Ok(test) = &test {
            match test {
                Test::Known(true) => self.append(head),
                Test::Known(false) => never = true,
                Test::Cond(c) if head.blocks.is_empty() => {
                    self.assume_cond(c, true);
                    cond = c.clone();
                }
                Test::Cond(c) => {
                    self.append(head);
                    self.break_unless(c, span);
                    self.assume_cond(c, true);
                }
            }
        }
        let flow = match test {
            Ok(_) if never => Ok(Flow::Next),
            Ok(_) => self.run(&w.body),
            Err(stop) => Err(stop),
        };
        self.loop_depth -= 1;
        self.forget(mark);
        let body = self.pop_region();
        self.end_loop(&opened, &BTreeSet::new());
        if let Flow::Return(_) = flow? {
            return fail_hint(
                span,
                "'return' inside of a loop of a called function",
                "assign the result and return it at the end",
            );
        }
        if !never {
            self.block("while", BlockKind::While { cond, body }, span);
        }
        Ok(Flow::Next)
    }

    fn break_unless(&mut self, c: &tasklet::Expr, span: Span) {
        self.push_region();
        self.block("break", BlockKind::Break, span);
        let leave = self.pop_region();
        if let Test::Cond(done) = not(Test::Cond(c.clone())) {
            let kind = BlockKind::Conditional { branches: vec![(done, leave)], otherwise: Region::default() };
            self.block("if", kind, span);
        }
    }

    // ---- if --------------------------------------------------------------------------------

    pub fn if_stmt(&mut self, i: &ast::StmtIf) -> Res<Flow> {
        let mut arms: Vec<(Option<&ast::Expr>, &[Stmt])> = vec![(Some(&i.test), &i.body)];
        for clause in &i.elif_else_clauses {
            arms.push((clause.test.as_ref(), &clause.body));
        }
        let span = Span { start: span_of(i).start, end: span_of(&*i.test).end };
        self.arms(&arms, span, 0)
    }

    fn arms(&mut self, arms: &[(Option<&ast::Expr>, &[Stmt])], span: Span, nested: u32) -> Res<Flow> {
        let Some(((test, body), rest)) = arms.split_first() else { return Ok(Flow::Next) };
        let Some(test) = test else { return self.run(body) };
        if nested > 100 {
            return fail(span_of(*test), "too many branches");
        }
        let cond = match self.test_expr(test)? {
            Test::Known(true) => return self.run(body),
            Test::Known(false) => return self.arms(rest, span, nested + 1),
            Test::Cond(c) => c,
        };
        let mut names = assigned(body);
        rest.iter().for_each(|(_, b)| names.extend(assigned(b)));
        self.path.push(span_of(*test).start);
        let result = self.branch(&cond, body, rest, &names, span, nested);
        self.path.pop();
        result
    }

    fn branch(
        &mut self,
        cond: &tasklet::Expr,
        body: &[Stmt],
        rest: &[(Option<&ast::Expr>, &[Stmt])],
        names: &BTreeSet<String>,
        span: Span,
        nested: u32,
    ) -> Res<Flow> {
        let opened = self.open(names, false, span)?;
        let before = self.frame().vars.clone();
        self.open_branches += 1;
        let mut ends = vec![];
        let mut regions = vec![];
        for first in [true, false] {
            self.frame().vars = before.clone();
            self.push_region();
            let mark = self.mark();
            self.assume_cond(cond, first);
            let flow = if first { self.run(body) } else { self.arms(rest, span, nested + 1) };
            self.forget(mark);
            regions.push(self.pop_region());
            let vars = self.frame().vars.clone();
            ends.push((flow, vars));
        }
        self.open_branches -= 1;
        self.close(&opened);
        let otherwise = regions.pop().unwrap_or_default();
        let yes = regions.pop().unwrap_or_default();
        let (no_flow, no_vars) = ends.pop().expect("two ends");
        let (yes_flow, yes_vars) = ends.pop().expect("two ends");
        let (yes_flow, no_flow) = (yes_flow?, no_flow?);
        if matches!(yes_flow, Flow::Return(_)) || matches!(no_flow, Flow::Return(_)) {
            let hint = "assign the result in the branches and return it at the end";
            return fail_hint(span, "'return' inside of a branch of a called function", hint);
        }
        let lives = [(yes_flow == Flow::Next, yes_vars), (no_flow == Flow::Next, no_vars)];
        self.meet(&lives, &opened, span)?;
        let otherwise_empty = otherwise.blocks.is_empty();
        let kind = BlockKind::Conditional { branches: vec![(cond.clone(), yes)], otherwise };
        if let BlockKind::Conditional { branches, .. } = &kind
            && (!branches[0].1.blocks.is_empty() || !otherwise_empty)
        {
            self.block("if", kind, span);
        }
        Ok(if lives.iter().any(|l| l.0) { Flow::Next } else { Flow::Gone })
    }

    /// What names mean after two branches, of which some end here.
    fn meet(
        &mut self,
        lives: &[(bool, std::collections::BTreeMap<String, Value>); 2],
        opened: &Opened,
        span: Span,
    ) -> Res<()> {
        let alive: Vec<_> = lives.iter().filter(|l| l.0).map(|l| &l.1).collect();
        let Some(first) = alive.first() else { return Ok(()) };
        let mut vars = (*first).clone();
        if let [a, b] = &alive[..] {
            for (name, _) in &opened.stale {
                let (x, y) = (a.get(name), b.get(name));
                if x == y {
                    continue;
                }
                if let (Some(Value::Num(x)), Some(Value::Num(y))) = (x, y) {
                    // Both branches give it a scalar: it becomes a cell, if the kinds agree.
                    let kind = if x.kind == y.kind { Some(x.kind) } else { None };
                    let key = self.join_key(name);
                    if let (Some(kind), false) = (kind, self.plan.joins.contains_key(&key)) {
                        self.plan.joins.insert(key, Join::Kind(kind));
                        return Err(Stop::Restart);
                    }
                }
                let poison = matches!(x, Some(Value::Poison)) || matches!(y, Some(Value::Poison));
                let value = if poison { Value::Poison } else { Value::Stale(ONE_BRANCH.into()) };
                vars.insert(name.clone(), value);
            }
        }
        let _ = span;
        self.frame().vars = vars;
        Ok(())
    }
}
