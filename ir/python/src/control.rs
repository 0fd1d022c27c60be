//! Loops and branches. The variables that they carry are in [`cells`](crate::cells).

use std::collections::BTreeSet;

use ruff_python_ast::{self as ast, Stmt};
use weft_ir::analysis::accesses_of_region;
use weft_ir::dtype::Scalar;
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Region, Span};
use weft_ir::symbolic::{Expr, Range};
use weft_ir::tasklet;

use crate::context::{Importer, Join, Res, fail, fail_hint, span_of};
use crate::grow::Around;
use crate::iterate::Iter;
use crate::scan::{assigned, breaks, certainly_assigned, jumps, rebound, returns, surely_given, targets};
use crate::stmt::Flow;
use crate::truth::{Test, not, sure};
use crate::value::{Kind, Num, Src, Value};

impl Importer<'_> {
    // ---- for -------------------------------------------------------------------------------

    pub fn for_loop(&mut self, f: &ast::StmtFor) -> Res<Flow> {
        let iter_span = span_of(&*f.iter);
        let span = Span { start: span_of(f).start, end: iter_span.end };
        if f.is_async {
            return fail(span, "an async loop is not supported");
        }
        if let Some(nest) = self.nested_loops(f)? {
            return self.run(std::slice::from_ref(&nest));
        }
        let mut iter = self.iterable(&f.iter, iter_span)?;
        self.keep_items(&mut iter, &rebound(&f.body), iter_span);
        let count = self.dynamic_length(&iter, iter_span)?;
        self.path.push(span.start);
        let unrolled = self.plan.unroll.contains(&self.path);
        let before = self.iterated.len();
        iter.lists(&mut self.iterated);
        let result = match (count, unrolled) {
            (Some(count), false) => self.counted_loop(f, &iter, &count, span),
            _ => self.unrolled_loop(f, &iter, span),
        };
        self.iterated.truncate(before);
        self.path.pop();
        result
    }

    /// A bool that a `break` sets, where the loop has an `else`.
    fn break_flag(&mut self, orelse: &[Stmt], body: &[Stmt], span: Span) -> Res<Option<Name>> {
        if orelse.is_empty() || !breaks(body) {
            return Ok(None);
        }
        self.flag("left", span).map(Some)
    }

    /// The `else` of a loop, and what follows a `return` inside of it.
    fn after_loop(&mut self, orelse: &[Stmt], body: &[Stmt], flag: Option<Name>, span: Span) -> Res<Flow> {
        if !orelse.is_empty() {
            let flow = match flag {
                None => self.run(orelse)?,
                Some(flag) => {
                    let cond = not(Test::Cond(tasklet::Expr::Var(flag)));
                    let Test::Cond(cond) = cond else { return Ok(Flow::Next) };
                    self.branch_on(&cond, orelse, &[], span)?
                }
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        if let Some(early) = self.frame().early
            && returns(body)
        {
            if self.loop_depth == 0 {
                return Ok(Flow::Unless(early));
            }
            self.leave_if(&tasklet::Expr::Var(early), span);
        }
        Ok(Flow::Next)
    }

    fn counted_loop(&mut self, f: &ast::StmtFor, iter: &Iter, count: &Expr, span: Span) -> Res<Flow> {
        if self.facts().le(count, &Expr::zero()).is_yes() {
            return self.after_loop(&f.orelse, &[], None, span);
        }
        let loop_names = targets(&f.target);
        let mut names = assigned(&f.body);
        let mut again = rebound(&f.body);
        let again_in = names.clone();
        let mut kept = BTreeSet::new();
        for name in &loop_names {
            // The loop's variable after the loop, or carried by a loop around, is a variable like others.
            let key = self.join_key(name);
            let carried = self.frame().cells.contains_key(name) || self.frame().lazy.contains_key(name);
            let join = self.plan.joins.get(&key).copied();
            if join.is_some_and(|j| j != Join::Last) || carried {
                kept.insert(name.clone());
                names.insert(name.clone());
                again.insert(name.clone());
            } else {
                names.remove(name);
                again.remove(name);
            }
        }
        self.not_retyped_in_vain(&names, count, span)?;
        let flag = self.break_flag(&f.orelse, &f.body, span)?;
        self.loop_clocks.push(self.clock);
        if self.on_sample(count).is_some_and(|n| n > 0) {
            let keys: Vec<_> = surely_given(&f.body).iter().map(|name| self.join_key(name)).collect();
            self.certain.extend(keys);
        }
        let opened = self.open(&names, &again, true, span)?;
        // A range with a constant step is the loop itself; else the loop counts the items.
        let direct = match (iter, &*f.target) {
            (Iter::Range(r), ast::Expr::Name(n)) if r.step.as_int().is_some() => Some((n.id.to_string(), r)),
            _ => None,
        };
        let (stem, range) = match (&direct, &*f.target) {
            (Some((name, r)), _) => (name.clone(), (*r).clone()),
            (None, ast::Expr::Name(n)) => (format!("{}_at", n.id), Range::new(0, count)),
            _ => ("at".to_string(), Range::new(0, count)),
        };
        let var = self.fresh(&stem);
        let mark = self.mark();
        self.push_region();
        self.assume_in(var, &range);
        self.loops.push((var, range.clone()));
        let whole = !jumps(&f.body) && !returns(&f.body);
        self.around.push(Around { var, path: self.path.clone(), count: count.clone(), whole });
        self.loop_depth += 1;
        self.breaks.push(flag);
        self.refresh_cells(span);
        let item = if direct.is_some() {
            Ok(Value::sym(Expr::sym(var)))
        } else {
            self.item_of(iter, &Expr::sym(var), span)
        };
        let flow = item.and_then(|item| self.assign(&f.target, item, span)).and_then(|()| self.run(&f.body));
        self.breaks.pop();
        self.loop_depth -= 1;
        self.around.pop();
        self.loops.pop();
        self.forget(mark);
        let body = self.pop_region();
        let mut sure = certainly_assigned(&f.body);
        sure.extend(loop_names.iter().cloned());
        let asks = !opened.is_empty() || self.has_aliases(&opened);
        let runs = asks && self.nonneg_everywhere(&(count - 1), span)?.is_yes();
        if runs {
            self.end_aliases(&opened, &sure);
        }
        self.end_loop(&opened, &if runs { sure } else { BTreeSet::new() });
        self.loop_clocks.pop();
        let left = breaks(&f.body) || returns(&f.body);
        let mut last = BTreeSet::new();
        for name in loop_names.iter().filter(|n| !kept.contains(*n)) {
            let key = self.join_key(name);
            if self.plan.joins.get(&key) == Some(&Join::Last) {
                last.insert(name.clone());
            }
            let join = if left || again_in.contains(name) { Join::Keep } else { Join::Last };
            let stale = crate::value::Stale { why: "is read after its loop", fix: Some((key, join)) };
            self.frame().vars.insert(name.clone(), Value::Stale(stale));
        }
        flow?;
        let written: BTreeSet<Name> = match last.is_empty() {
            true => BTreeSet::new(),
            false => accesses_of_region(&self.sdfg, &body)
                .iter()
                .filter(|access| access.write)
                .map(|access| access.data)
                .collect(),
        };
        self.block("loop", BlockKind::Loop { var, range, body }, span);
        if !last.is_empty() {
            self.last_items(f, iter, count, &last, &written, span)?;
        }
        self.refresh_closed(span);
        self.after_loop(&f.orelse, &f.body, flag, span)
    }

    /// A variable that takes another type in the first iteration: the loop must have one.
    fn not_retyped_in_vain(&mut self, names: &BTreeSet<String>, count: &Expr, span: Span) -> Res<()> {
        let retyped =
            names.iter().any(|n| matches!(self.plan.joins.get(&self.join_key(n)), Some(Join::Kind(_))));
        if retyped {
            self.nonneg_everywhere(&(count - 1), span)?;
        }
        Ok(())
    }

    /// One iteration after the other, each with its own types and shapes.
    fn unrolled_loop(&mut self, f: &ast::StmtFor, iter: &Iter, span: Span) -> Res<Flow> {
        let n = self.static_length(iter, span)?;
        if n > 0 && jumps(&f.body) {
            return fail_hint(
                span,
                "'break' or 'continue' in a loop over values of different types or shapes",
                "loop over range(...) or an array",
            );
        }
        for i in 0..n {
            let item = self.item_of(iter, &Expr::int(i), span)?;
            self.assign(&f.target, item, span)?;
            self.path.push(i as u32);
            let flow = self.run(&f.body);
            self.path.pop();
            match flow? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        self.run(&f.orelse)
    }

    // ---- while -----------------------------------------------------------------------------

    pub fn while_loop(&mut self, w: &ast::StmtWhile) -> Res<Flow> {
        let span = Span { start: span_of(w).start, end: span_of(&*w.test).end };
        self.path.push(span.start);
        self.whiles += 1;
        let result = self.while_body(w, span);
        self.whiles -= 1;
        self.path.pop();
        result
    }

    fn while_body(&mut self, w: &ast::StmtWhile, span: Span) -> Res<Flow> {
        let mut names = assigned(&w.body);
        names.extend(assigned(&[Stmt::Expr(ast::StmtExpr {
            node_index: Default::default(),
            range: Default::default(),
            value: w.test.clone(),
        })]));
        let flag = self.break_flag(&w.orelse, &w.body, span)?;
        self.loop_clocks.push(self.clock);
        let counter = counter_of(w);
        let from = counter.and_then(|(name, ..)| self.frame().vars.get(name).cloned());
        let opened = self.open(&names, &rebound(&w.body), true, span)?;
        let mark = self.mark();
        self.push_region();
        self.loop_depth += 1;
        self.breaks.push(flag);
        self.refresh_cells(span);
        let test = sure(self.test_expr(&w.test), span);
        let head = self.pop_region();
        self.push_region();
        let mut cond = tasklet::Expr::Lit(Scalar::Bool(true));
        let mut never = false;
        let endless = matches!(test, Ok(Test::Known(true))) && !breaks(&w.body);
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
                    if let Test::Cond(done) = not(Test::Cond(c.clone())) {
                        self.leave_if(&done, span);
                    }
                    self.assume_cond(c, true);
                }
            }
        }
        let flow = match test {
            Ok(_) if never => Ok(Flow::Next),
            Ok(_) => self.run(&w.body),
            Err(stop) => Err(stop),
        };
        self.breaks.pop();
        self.loop_depth -= 1;
        self.forget(mark);
        let body = self.pop_region();
        self.end_loop(&opened, &BTreeSet::new());
        self.loop_clocks.pop();
        flow?;
        if !never {
            self.block("while", BlockKind::While { cond, body }, span);
        }
        self.refresh_closed(span);
        if let (Some((name, step, limit)), Some(from)) = (counter, from) {
            self.counted_up(name, &from, step, limit)?;
        }
        if endless && !never {
            return self.after_endless(&w.body, span);
        }
        self.after_loop(&w.orelse, &w.body, flag, span)
    }

    /// What a counter is after `while i < n`, where arguments and loops around decide it.
    fn counted_up(&mut self, name: &str, from: &Value, step: i64, limit: &ast::Expr) -> Res<()> {
        if self.frame().cells.contains_key(name) || !limit.is_number_literal_expr() && !limit.is_name_expr() {
            return Ok(());
        }
        let (Value::Num(Num { kind: Kind::Int, src: Src::Sym(from) }), Value::Num(limit)) =
            (from, self.eval(limit)?)
        else {
            return Ok(());
        };
        let Num { kind: Kind::Int, src: Src::Sym(limit) } = limit else { return Ok(()) };
        let known = |e: &Expr| {
            let around = |s: &Name| self.loops.iter().any(|l| l.0 == *s);
            e.free_symbols().iter().all(|s| self.values.contains_key(s) || around(s))
        };
        if !known(from) || !known(&limit) {
            return Ok(());
        }
        let steps = Expr::max(&(&limit - from), &Expr::zero()).ceil_div(&Expr::int(step));
        let after = self.facts().simplify(&(from + &(&steps * &Expr::int(step))));
        self.frame().vars.insert(name.to_string(), Value::sym(after));
        Ok(())
    }

    /// After a loop that ends by `return` only.
    fn after_endless(&mut self, body: &[Stmt], span: Span) -> Res<Flow> {
        if self.frame().early.is_some() && returns(body) && self.loop_depth > 0 {
            self.block("break", BlockKind::Break, span);
        }
        Ok(Flow::Gone)
    }

    /// `if cond: break`
    fn leave_if(&mut self, cond: &tasklet::Expr, span: Span) {
        self.push_region();
        self.block("break", BlockKind::Break, span);
        let leave = self.pop_region();
        let kind =
            BlockKind::Conditional { branches: vec![(cond.clone(), leave)], otherwise: Region::default() };
        self.block("if", kind, span);
    }

    // ---- if --------------------------------------------------------------------------------

    /// An `if`, with the statements that follow it where a branch returns from an inlined function.
    pub fn if_stmt(&mut self, i: &ast::StmtIf, rest: &[Stmt]) -> Res<Flow> {
        let mut arms: Vec<(Option<&ast::Expr>, Vec<Stmt>)> = vec![(Some(&i.test), i.body.to_vec())];
        for clause in &i.elif_else_clauses {
            arms.push((clause.test.as_ref(), clause.body.to_vec()));
        }
        if !rest.is_empty() {
            if arms.last().is_some_and(|a| a.0.is_some()) {
                arms.push((None, vec![]));
            }
            for arm in &mut arms {
                arm.1.extend(rest.iter().cloned());
            }
        }
        let span = Span { start: span_of(i).start, end: span_of(&*i.test).end };
        self.arms(&arms, span, 0)
    }

    fn arms(&mut self, arms: &[(Option<&ast::Expr>, Vec<Stmt>)], span: Span, nested: u32) -> Res<Flow> {
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
        self.path.push(span_of(*test).start);
        let mut names = assigned(body);
        let mut again = rebound(body);
        rest.iter().for_each(|(_, b)| {
            names.extend(assigned(b));
            again.extend(rebound(b));
        });
        let result = self.branch(&cond, (&names, &again), span, &mut |s, first| {
            if first { s.run(body) } else { s.arms(rest, span, nested + 1) }
        });
        self.path.pop();
        result
    }

    /// `if cond: body else: other` for statements that are known.
    pub fn branch_on(
        &mut self,
        cond: &tasklet::Expr,
        body: &[Stmt],
        other: &[Stmt],
        span: Span,
    ) -> Res<Flow> {
        let both: Vec<Stmt> = body.iter().chain(other).cloned().collect();
        let (names, again) = (assigned(&both), rebound(&both));
        self.path.push(span.end);
        let result = self
            .branch(cond, (&names, &again), span, &mut |s, first| s.run(if first { body } else { other }));
        self.path.pop();
        result
    }

    pub fn branch(
        &mut self,
        cond: &tasklet::Expr,
        (names, again): (&BTreeSet<String>, &BTreeSet<String>),
        span: Span,
        run: &mut dyn FnMut(&mut Self, bool) -> Res<Flow>,
    ) -> Res<Flow> {
        let opened = self.open(names, again, false, span)?;
        let symbols = cond.symbols();
        if cond.vars().is_empty() && symbols.iter().all(|s| self.values.contains_key(s)) {
            self.undecided.extend(symbols);
        }
        let before = self.frame().vars.clone();
        self.open_branches += 1;
        let mut ends = vec![];
        let mut regions = vec![];
        for first in [true, false] {
            self.frame().vars = before.clone();
            self.push_region();
            let mark = self.mark();
            if !first {
                self.refresh_cells(span);
            }
            self.assume_cond(cond, first);
            let flow = run(self, first);
            self.forget(mark);
            regions.push(self.pop_region());
            let vars = self.frame().vars.clone();
            ends.push((flow, vars));
        }
        self.open_branches -= 1;
        let otherwise = regions.pop().unwrap_or_default();
        let yes = regions.pop().unwrap_or_default();
        let (no_flow, no_vars) = ends.pop().expect("two ends");
        let (yes_flow, yes_vars) = ends.pop().expect("two ends");
        if yes_flow.is_err() || no_flow.is_err() {
            self.close(&opened);
        }
        let (yes_flow, no_flow) = (yes_flow?, no_flow?);
        let lives = [(yes_flow == Flow::Next, yes_vars), (no_flow == Flow::Next, no_vars)];
        self.meet(&lives, &opened);
        if !yes.blocks.is_empty() || !otherwise.blocks.is_empty() {
            self.block("if", BlockKind::Conditional { branches: vec![(cond.clone(), yes)], otherwise }, span);
        }
        self.refresh_closed(span);
        match (yes_flow, no_flow) {
            (Flow::Return(a), Flow::Return(b)) if a == b => Ok(Flow::Return(a)),
            (Flow::Return(a), Flow::Gone) | (Flow::Gone, Flow::Return(a)) => Ok(Flow::Return(a)),
            (Flow::Return(a), Flow::Return(b)) => {
                let none = a == Value::None || b == Value::None;
                self.keep_returns(if none { Join::Optional } else { Join::Keep }, span)
            }
            (Flow::Return(_), _) | (_, Flow::Return(_)) if !self.is_kept_optional() => {
                self.keep_returns(Join::Optional, span)
            }
            (Flow::Return(_), _) | (_, Flow::Return(_)) => {
                let reason = "the function may end without a result";
                fail_hint(span, reason, "return a value at the end as well")
            }
            (Flow::Unless(flag), _) | (_, Flow::Unless(flag)) => Ok(Flow::Unless(flag)),
            _ => Ok(if lives.iter().any(|l| l.0) { Flow::Next } else { Flow::Gone }),
        }
    }

    /// Two branches return different values: they go into one container.
    fn keep_returns(&mut self, join: Join, span: Span) -> Res<Flow> {
        let name = if join == Join::Optional { crate::stmt::OPTIONAL } else { crate::stmt::RETURN };
        let key = (self.call_path_of_frame(), name.to_string());
        if self.plan.joins.insert(key, join).is_none() {
            return self.restart();
        }
        let hint = "return values of one type and shape everywhere";
        fail_hint(span, "the branches return values of different kinds", hint)
    }

    /// Is it known that the function gives `None` on some ways?
    fn is_kept_optional(&self) -> bool {
        let key = (self.call_path_of_frame(), crate::stmt::OPTIONAL.to_string());
        self.plan.joins.contains_key(&key)
    }

    /// The part of the path that led into the function that is being inlined.
    fn call_path_of_frame(&self) -> Vec<u32> {
        self.frames.last().map(|f| f.path.clone()).unwrap_or_default()
    }
}

/// The counter of `while i < n`, of which the body does nothing but add a constant to it: name, constant, limit.
fn counter_of(w: &ast::StmtWhile) -> Option<(&str, i64, &ast::Expr)> {
    let ast::Expr::Compare(test) = &*w.test else { return None };
    let (ast::Expr::Name(name), [ast::CmpOp::Lt], [limit]) = (&*test.left, &*test.ops, &*test.comparators)
    else {
        return None;
    };
    if jumps(&w.body) || returns(&w.body) {
        return None;
    }
    let writes = |s: &&Stmt| assigned(std::slice::from_ref(s)).contains(name.id.as_str());
    let mut found = w.body.iter().filter(writes);
    let (Some(Stmt::AugAssign(a)), None) = (found.next(), found.next()) else { return None };
    if let ast::Expr::Name(n) = limit
        && assigned(&w.body).contains(n.id.as_str())
    {
        return None;
    }
    match (&*a.value, a.op) {
        (ast::Expr::NumberLiteral(n), ast::Operator::Add) => match &n.value {
            ast::Number::Int(i) => {
                i.as_i64().filter(|i| (1..1 << 40).contains(i)).map(|i| (name.id.as_str(), i, limit))
            }
            _ => None,
        },
        _ => None,
    }
}
