//! Python as it would be written for what is imported by means of other Python.

use ruff_python_ast::{self as ast, AtomicNodeIndex, Expr, Stmt};
use ruff_text_size::TextRange;

/// Builds syntax whose place in the file is that of what it stands for.
#[derive(Clone, Copy)]
pub struct Syntax {
    pub range: TextRange,
}

impl Syntax {
    /// Tells names that are made here from those of other places.
    pub fn place(&self) -> u32 {
        u32::from(self.range.start())
    }

    /// A name that no user has.
    pub fn hidden(&self, what: &str) -> String {
        format!("__{what}_{}_{}", self.place(), u32::from(self.range.end()))
    }

    pub fn name(&self, id: &str) -> Expr {
        Expr::Name(ast::ExprName {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            id: id.into(),
            ctx: ast::ExprContext::Load,
        })
    }

    pub fn int(&self, value: u32) -> Expr {
        Expr::NumberLiteral(ast::ExprNumberLiteral {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            value: ast::Number::Int(ast::Int::from(value)),
        })
    }

    pub fn tuple(&self, elts: Vec<Expr>) -> Expr {
        Expr::Tuple(ast::ExprTuple {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            elts: elts.into_iter().collect(),
            ctx: ast::ExprContext::Load,
            parenthesized: true,
        })
    }

    /// `value[slice]`
    pub fn item(&self, value: Expr, slice: Expr) -> Expr {
        Expr::Subscript(ast::ExprSubscript {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            value: Box::new(value),
            slice: Box::new(slice),
            ctx: ast::ExprContext::Load,
        })
    }

    pub fn op(&self, left: Expr, op: ast::Operator, right: &str) -> Expr {
        Expr::BinOp(ast::ExprBinOp {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            left: Box::new(left),
            op,
            right: Box::new(self.name(right)),
        })
    }

    pub fn call(&self, func: Expr, args: Vec<Expr>) -> Expr {
        Expr::Call(ast::ExprCall {
            node_index: AtomicNodeIndex::NONE,
            range_start: self.range.start(),
            func: Box::new(func),
            arguments: ast::Arguments {
                node_index: AtomicNodeIndex::NONE,
                range: self.range,
                args: args.into_boxed_slice(),
                keywords: Default::default(),
            },
        })
    }

    pub fn attribute(&self, value: Expr, name: &str) -> Expr {
        Expr::Attribute(ast::ExprAttribute {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            value: Box::new(value),
            attr: ast::Identifier::new(name, self.range),
            ctx: ast::ExprContext::Load,
        })
    }

    /// `[elt for target in iter if cond]`
    pub fn comprehension(
        &self,
        elt: Expr,
        target: Expr,
        iter: Expr,
        cond: Option<Expr>,
    ) -> ast::ExprListComp {
        ast::ExprListComp {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            elt: Box::new(elt),
            generators: vec![ast::Comprehension {
                range: self.range,
                node_index: AtomicNodeIndex::NONE,
                target,
                iter,
                ifs: cond.into_iter().collect(),
                is_async: false,
            }]
            .into_iter()
            .collect(),
        }
    }

    pub fn expression(&self, value: Expr) -> Stmt {
        Stmt::Expr(ast::StmtExpr {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            value: Box::new(value),
        })
    }

    pub fn assign(&self, target: Expr, value: Expr) -> Stmt {
        Stmt::Assign(ast::StmtAssign {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            targets: vec![target].into_iter().collect(),
            value: Box::new(value),
        })
    }

    pub fn pass(&self) -> Stmt {
        Stmt::Pass(ast::StmtPass { node_index: AtomicNodeIndex::NONE, range: self.range })
    }

    pub fn if_then(&self, test: Expr, body: Vec<Stmt>) -> Stmt {
        Stmt::If(ast::StmtIf {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            test: Box::new(test),
            body: body.into_iter().collect(),
            elif_else_clauses: Default::default(),
        })
    }

    pub fn for_in(&self, target: Expr, iter: Expr, body: Vec<Stmt>) -> ast::StmtFor {
        ast::StmtFor {
            node_index: AtomicNodeIndex::NONE,
            range: self.range,
            is_async: false,
            target: Box::new(target),
            iter: Box::new(iter),
            body: body.into_iter().collect(),
            orelse: Default::default(),
        }
    }

    /// `for target in range(count)` with what else the loop `f` has.
    pub fn count_to(&self, target: &str, count: Expr, body: Vec<Stmt>, f: &ast::StmtFor) -> Stmt {
        let iter = self.call(self.name("<range>"), vec![count]);
        let nested = self.for_in(self.name(target), iter, body);
        Stmt::For(ast::StmtFor { range: f.range, orelse: f.orelse.clone(), ..nested })
    }
}
