//! What statements bind, and how they end, without evaluating them.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt};

/// Names that these statements bind.
pub fn assigned(body: &[Stmt]) -> BTreeSet<String> {
    let mut found = Names { found: BTreeSet::new(), in_place: true };
    found.visit_body(body);
    found.found
}

/// As [`assigned`], without names that are only changed in place if they are arrays (`a += 1`).
pub fn rebound(body: &[Stmt]) -> BTreeSet<String> {
    let mut found = Names { found: BTreeSet::new(), in_place: false };
    found.visit_body(body);
    found.found
}

/// The names of an assignment's target.
pub fn targets(target: &Expr) -> BTreeSet<String> {
    let mut found = Names { found: BTreeSet::new(), in_place: true };
    found.target(target);
    found.found
}

struct Names {
    found: BTreeSet<String>,
    in_place: bool,
}

impl Names {
    fn target(&mut self, target: &Expr) {
        match target {
            Expr::Name(name) => {
                self.found.insert(name.id.to_string());
            }
            Expr::Tuple(t) => t.elts.iter().for_each(|e| self.target(e)),
            Expr::List(t) => t.elts.iter().for_each(|e| self.target(e)),
            Expr::Starred(s) => self.target(&s.value),
            // `a.shape = …` gives the name another view.
            Expr::Attribute(a) => self.target(&a.value),
            _ => {}
        }
    }
}

impl<'a> Visitor<'a> for Names {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Assign(s) => s.targets.iter().for_each(|t| self.target(t)),
            Stmt::AugAssign(s) if self.in_place => self.target(&s.target),
            Stmt::AnnAssign(s) => self.target(&s.target),
            Stmt::For(s) => self.target(&s.target),
            Stmt::FunctionDef(f) => {
                self.found.insert(f.name.to_string());
                return;
            }
            Stmt::ClassDef(_) => return,
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, e: &'a Expr) {
        if let Expr::Named(n) = e {
            self.target(&n.target);
        }
        if !matches!(e, Expr::Lambda(_)) {
            walk_expr(self, e);
        }
    }
}

/// Does a function return out of one of its loops?
pub fn returns_in_loop(body: &[Stmt]) -> bool {
    body.iter().any(|s| match s {
        Stmt::For(f) => returns(&f.body) || returns(&f.orelse),
        Stmt::While(w) => returns(&w.body) || returns(&w.orelse),
        Stmt::If(i) => {
            returns_in_loop(&i.body) || i.elif_else_clauses.iter().any(|c| returns_in_loop(&c.body))
        }
        _ => false,
    })
}

/// Is there a `return` in these statements?
pub fn returns(body: &[Stmt]) -> bool {
    any_return(body, &|_| true)
}

/// Is there a `return` of something other than `None`?
pub fn returns_value(body: &[Stmt]) -> bool {
    any_return(body, &|r| r.value.as_ref().is_some_and(|v| !v.is_none_literal_expr()))
}

fn any_return(body: &[Stmt], wanted: &dyn Fn(&ruff_python_ast::StmtReturn) -> bool) -> bool {
    body.iter().any(|s| match s {
        Stmt::Return(r) => wanted(r),
        Stmt::For(f) => any_return(&f.body, wanted) || any_return(&f.orelse, wanted),
        Stmt::While(w) => any_return(&w.body, wanted) || any_return(&w.orelse, wanted),
        Stmt::If(i) => {
            any_return(&i.body, wanted) || i.elif_else_clauses.iter().any(|c| any_return(&c.body, wanted))
        }
        _ => false,
    })
}

/// Is there a `break` that leaves the loop around these statements?
pub fn breaks(body: &[Stmt]) -> bool {
    body.iter().any(|s| match s {
        Stmt::Break(_) => true,
        Stmt::If(i) => breaks(&i.body) || i.elif_else_clauses.iter().any(|c| breaks(&c.body)),
        _ => false,
    })
}

/// Is there a `break` or `continue` of the loop around these statements?
pub fn jumps(body: &[Stmt]) -> bool {
    body.iter().any(|s| match s {
        Stmt::Break(_) | Stmt::Continue(_) => true,
        Stmt::If(i) => jumps(&i.body) || i.elif_else_clauses.iter().any(|c| jumps(&c.body)),
        _ => false,
    })
}

/// Names that these statements bind on every way to their end, and before any jump out of them.
pub fn certainly_assigned(body: &[Stmt]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for stmt in body {
        let one = std::slice::from_ref(stmt);
        if jumps(one) || returns(one) {
            break;
        }
        match stmt {
            Stmt::Assign(s) => s.targets.iter().for_each(|t| found.extend(targets(t))),
            Stmt::If(i) if i.elif_else_clauses.last().is_some_and(|c| c.test.is_none()) => {
                let mut both = certainly_assigned(&i.body);
                for clause in &i.elif_else_clauses {
                    let other = certainly_assigned(&clause.body);
                    both.retain(|name| other.contains(name));
                }
                found.extend(both);
            }
            _ => {}
        }
    }
    found
}

/// As [`certainly_assigned`], with operators in place, and loops inside taken to run.
pub fn surely_given(body: &[Stmt]) -> BTreeSet<String> {
    let mut found = certainly_assigned(body);
    for stmt in body {
        let one = std::slice::from_ref(stmt);
        if jumps(one) || returns(one) {
            break;
        }
        match stmt {
            Stmt::AugAssign(s) => found.extend(targets(&s.target)),
            Stmt::For(f) => found.extend(surely_given(&f.body)),
            _ => {}
        }
    }
    found
}
