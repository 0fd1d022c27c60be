//! Statements that say nothing about arrays are taken out of a function before it is imported.
//!
//! Errors end the run here, so a handler never runs: of a `try`, what it tries is left. Of a `with` that
//! only says how warnings are shown, its body; of `match` on values, a chain of `if`.

use ruff_python_ast::{self as ast, Stmt};
use ruff_text_size::{Ranged, TextRange};

use crate::scan::{assigned, returns};

/// Deeper nests stay as they are.
const DEEPEST: u32 = 60;

/// Rewrites the statements of a function.
pub fn function(f: &mut ast::StmtFunctionDef) {
    let names = assigned(&f.body);
    f.body.retain(|s| !matches!(s, Stmt::Global(g) if g.names.iter().all(|n| !names.contains(n.as_str()))));
    let ends_with_none = |s: &Stmt| match s {
        Stmt::Return(r) => r.value.as_ref().is_none_or(|v| v.is_none_literal_expr()),
        _ => false,
    };
    while f.body.len() > 1 && f.body.last().is_some_and(ends_with_none) {
        f.body.pop();
    }
    let body = std::mem::take(&mut f.body);
    f.body = block(body.into_iter().collect(), 0).into_iter().collect();
}

fn block(body: Vec<Stmt>, depth: u32) -> Vec<Stmt> {
    if depth > DEEPEST {
        return body;
    }
    let mut out = vec![];
    for stmt in body {
        one(stmt, depth, &mut out);
    }
    if out.is_empty() {
        out.push(Stmt::Pass(ast::StmtPass {
            node_index: ast::AtomicNodeIndex::NONE,
            range: TextRange::default(),
        }));
    }
    out
}

fn one(stmt: Stmt, depth: u32, out: &mut Vec<Stmt>) {
    let inside = |body: ast::Suite| -> ast::Suite {
        if body.is_empty() {
            return body;
        }
        block(body.into_iter().collect(), depth + 1).into_iter().collect()
    };
    match stmt {
        Stmt::With(w) if w.items.iter().all(is_quiet) && !w.is_async => {
            out.extend(block(w.body.into_iter().collect(), depth + 1));
        }
        Stmt::Try(t) if t.finalbody.is_empty() || !returns(&t.body) && !returns(&t.orelse) => {
            for part in [t.body, t.orelse, t.finalbody] {
                if !part.is_empty() {
                    out.extend(block(part.into_iter().collect(), depth + 1));
                }
            }
        }
        Stmt::Match(m) => match chain(&m) {
            Some(statements) => out.extend(block(statements, depth + 1)),
            None => out.push(Stmt::Match(m)),
        },
        Stmt::For(mut f) => {
            (f.body, f.orelse) = (inside(f.body), inside(f.orelse));
            out.push(Stmt::For(f));
        }
        Stmt::While(mut w) => {
            (w.body, w.orelse) = (inside(w.body), inside(w.orelse));
            out.push(Stmt::While(w));
        }
        Stmt::If(mut i) => {
            i.body = inside(i.body);
            for clause in &mut i.elif_else_clauses {
                clause.body = inside(std::mem::take(&mut clause.body));
            }
            out.push(Stmt::If(i));
        }
        Stmt::FunctionDef(mut f) => {
            f.body = inside(f.body);
            out.push(Stmt::FunctionDef(f));
        }
        other => out.push(other),
    }
}

/// `np.errstate(...)` and the like.
fn is_quiet(item: &ast::WithItem) -> bool {
    let ast::Expr::Call(call) = &item.context_expr else { return false };
    let name = match &*call.func {
        ast::Expr::Attribute(a) => a.attr.as_str(),
        ast::Expr::Name(n) => n.id.as_str(),
        _ => return false,
    };
    item.optional_vars.is_none() && matches!(name, "errstate" | "catch_warnings" | "printoptions")
}

/// A `match` on values as `if` and `elif`.
fn chain(m: &ast::StmtMatch) -> Option<Vec<Stmt>> {
    let range = m.range;
    let name = format!("__matched_{}", u32::from(m.subject.range().start()));
    let subject = ast::Expr::Name(ast::ExprName {
        node_index: ast::AtomicNodeIndex::NONE,
        range: m.subject.range(),
        id: name.as_str().into(),
        ctx: ast::ExprContext::Load,
    });
    let mut clauses = vec![];
    for case in &m.cases {
        if case.guard.is_some() {
            return None;
        }
        let test = condition(&case.pattern, &subject)?;
        let last = test.is_none();
        clauses.push(ast::ElifElseClause {
            node_index: ast::AtomicNodeIndex::NONE,
            range: case.range,
            test,
            body: case.body.clone(),
        });
        if last {
            break;
        }
    }
    let assign = Stmt::Assign(ast::StmtAssign {
        node_index: ast::AtomicNodeIndex::NONE,
        range,
        targets: vec![subject],
        value: m.subject.clone(),
    });
    let first = if clauses.is_empty() { return None } else { clauses.remove(0) };
    let mut out = vec![assign];
    match first.test {
        None => out.extend(first.body),
        Some(test) => out.push(Stmt::If(ast::StmtIf {
            node_index: ast::AtomicNodeIndex::NONE,
            range,
            test: Box::new(test),
            body: first.body,
            elif_else_clauses: clauses.into_iter().collect(),
        })),
    }
    Some(out)
}

/// What a pattern asks; `Some(None)` where it takes everything.
fn condition(pattern: &ast::Pattern, subject: &ast::Expr) -> Option<Option<ast::Expr>> {
    let compare = |op: ast::CmpOp, with: ast::Expr| {
        ast::Expr::Compare(ast::ExprCompare {
            node_index: ast::AtomicNodeIndex::NONE,
            range: pattern.range(),
            left: Box::new(subject.clone()),
            ops: vec![op].into_boxed_slice(),
            comparators: vec![with].into_boxed_slice(),
        })
    };
    Some(match pattern {
        ast::Pattern::MatchValue(v) => Some(compare(ast::CmpOp::Eq, (*v.value).clone())),
        ast::Pattern::MatchSingleton(s) => {
            let (node_index, range) = (ast::AtomicNodeIndex::NONE, s.range);
            let constant = match s.value {
                ast::Singleton::None => ast::Expr::NoneLiteral(ast::ExprNoneLiteral { node_index, range }),
                ast::Singleton::True | ast::Singleton::False => {
                    let value = s.value == ast::Singleton::True;
                    ast::Expr::BooleanLiteral(ast::ExprBooleanLiteral { node_index, range, value })
                }
            };
            Some(compare(ast::CmpOp::Is, constant))
        }
        ast::Pattern::MatchAs(a) if a.pattern.is_none() && a.name.is_none() => None,
        ast::Pattern::MatchOr(or) => {
            let mut values = vec![];
            for p in &or.patterns {
                match condition(p, subject)? {
                    Some(test) => values.push(test),
                    None => return Some(None),
                }
            }
            Some(ast::Expr::BoolOp(ast::ExprBoolOp {
                node_index: ast::AtomicNodeIndex::NONE,
                range: pattern.range(),
                op: ast::BoolOp::Or,
                values: values.into_iter().collect(),
            }))
        }
        _ => return None,
    })
}
