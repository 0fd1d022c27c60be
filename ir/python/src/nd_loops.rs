//! Loops over all indices of an array: `np.ndindex` and `np.ndenumerate` are loops in each other.

use ruff_python_ast::{self as ast, Stmt};
use ruff_text_size::{Ranged, TextRange};
use weft_ir::symbolic::Expr;

use crate::context::{Importer, Res, fail, span_of};
use crate::scan::breaks;
use crate::value::{Value, View};

/// A loop over indices, as it is written with plain loops.
struct Nest {
    range: TextRange,
    /// Variables of the indices.
    at: Vec<String>,
    /// Variables that hold the extents.
    extents: Vec<String>,
}

impl Importer<'_> {
    /// `for i, j in np.ndindex(...)` and `for (i, j), v in np.ndenumerate(a)` with plain loops, if `f` is one.
    pub fn nested_loops(&mut self, f: &ast::StmtFor) -> Res<Option<Stmt>> {
        let ast::Expr::Call(call) = &*f.iter else { return Ok(None) };
        // The name alone tells that it is none, for nearly all loops.
        let name = match &*call.func {
            ast::Expr::Attribute(a) => a.attr.as_str(),
            ast::Expr::Name(n) => n.id.as_str(),
            _ => return Ok(None),
        };
        if !name.starts_with("nd") {
            return Ok(None);
        }
        let Value::Path(path) = self.eval(&call.func)? else { return Ok(None) };
        let span = span_of(&*f.iter);
        let (shape, array) = match path.as_str() {
            "numpy.ndindex" => (self.index_shape(call)?, None),
            "numpy.ndenumerate" => {
                let [array] = &*call.arguments.args else { return fail(span, "np.ndenumerate takes an array") };
                let value = self.eval(array)?;
                match self.array_like(value, span)? {
                    Value::Array(view) => (view.shape.clone(), Some(view)),
                    other => {
                        let view = self.as_view(&other, span)?;
                        (vec![], Some(view))
                    }
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(self.nest(f, &shape, array)))
    }

    /// The extents that the arguments of `np.ndindex` give.
    pub fn index_shape(&mut self, call: &ast::ExprCall) -> Res<Vec<Expr>> {
        let span = span_of(call);
        let args = self.arguments_of(call, span)?;
        let items = match &args.pos[..] {
            [shape @ (Value::Tuple(_) | Value::List(_))] => self.unpacked(shape, span)?,
            sizes => sizes.to_vec(),
        };
        items.iter().map(|n| self.as_int(n, span)).collect()
    }

    fn nest(&mut self, f: &ast::StmtFor, shape: &[Expr], array: Option<View>) -> Stmt {
        let range = f.iter.range();
        let id = |what: &str, d: usize| format!("__{what}{d}_{}", u32::from(range.start()));
        let nest = Nest {
            range,
            at: (0..shape.len()).map(|d| id("index", d)).collect(),
            extents: (0..shape.len()).map(|d| id("extent", d)).collect(),
        };
        for (name, n) in nest.extents.iter().zip(shape) {
            self.frame().vars.insert(name.clone(), Value::sym(n.clone()));
        }
        let mut index = nest.tuple(nest.at.iter().map(|n| nest.name(n)).collect());
        if let Some(view) = array {
            let name = id("array", 0);
            self.frame().vars.insert(name.clone(), Value::Array(view));
            let element = nest.item(nest.name(&name), index.clone());
            index = nest.tuple(vec![index, element]);
        }
        nest.build(f, index)
    }
}

impl Nest {
    fn build(&self, f: &ast::StmtFor, index: ast::Expr) -> Stmt {
        let mut body: Vec<Stmt> = vec![self.assign((*f.target).clone(), index)];
        body.extend(f.body.iter().cloned());
        if self.at.is_empty() {
            return self.one_loop(&format!("__once_{}", u32::from(self.range.start())), self.int(1), body, f);
        }
        if breaks(&f.body) {
            return self.flat(f, body);
        }
        for (i, (at, n)) in self.at.iter().zip(&self.extents).enumerate().rev() {
            let mut nested = self.one_loop(at, self.name(n), std::mem::take(&mut body), f);
            if let (Stmt::For(inner), true) = (&mut nested, i > 0) {
                inner.orelse = Default::default();
            }
            body = vec![nested];
        }
        body.pop().unwrap_or(Stmt::Pass(ast::StmtPass {
            node_index: ast::AtomicNodeIndex::NONE,
            range: self.range,
        }))
    }

    /// One loop, which a `break` leaves.
    fn flat(&self, f: &ast::StmtFor, mut body: Vec<Stmt>) -> Stmt {
        let counter = format!("__flat_{}", u32::from(self.range.start()));
        let mut left = self.name(&counter);
        let mut first = vec![];
        for (d, (at, n)) in self.at.iter().zip(&self.extents).enumerate().rev() {
            let here = if d == 0 { left.clone() } else { self.op(left.clone(), ast::Operator::Mod, n) };
            left = self.op(left, ast::Operator::FloorDiv, n);
            first.push(self.assign(self.name(at), here));
        }
        first.append(&mut body);
        let all = self.extents.iter().skip(1).fold(self.name(&self.extents[0]), |all, n| {
            self.op(all, ast::Operator::Mult, n)
        });
        self.one_loop(&counter, all, first, f)
    }

    fn one_loop(&self, target: &str, count: ast::Expr, body: Vec<Stmt>, f: &ast::StmtFor) -> Stmt {
        let arguments = ast::Arguments {
            node_index: ast::AtomicNodeIndex::NONE,
            range: self.range,
            args: vec![count].into_boxed_slice(),
            keywords: Default::default(),
        };
        let iter = ast::ExprCall {
            node_index: ast::AtomicNodeIndex::NONE,
            range_start: self.range.start(),
            func: Box::new(self.name("<range>")),
            arguments,
        };
        Stmt::For(ast::StmtFor {
            target: Box::new(self.name(target)),
            iter: Box::new(ast::Expr::Call(iter)),
            body: body.into_iter().collect(),
            ..f.clone()
        })
    }

    fn name(&self, id: &str) -> ast::Expr {
        ast::Expr::Name(ast::ExprName {
            node_index: ast::AtomicNodeIndex::NONE,
            range: self.range,
            id: id.into(),
            ctx: ast::ExprContext::Load,
        })
    }

    fn int(&self, value: u32) -> ast::Expr {
        ast::Expr::NumberLiteral(ast::ExprNumberLiteral {
            node_index: ast::AtomicNodeIndex::NONE,
            range: self.range,
            value: ast::Number::Int(ast::Int::from(value)),
        })
    }

    fn tuple(&self, elts: Vec<ast::Expr>) -> ast::Expr {
        ast::Expr::Tuple(ast::ExprTuple {
            node_index: ast::AtomicNodeIndex::NONE,
            range: self.range,
            elts: elts.into_iter().collect(),
            ctx: ast::ExprContext::Load,
            parenthesized: true,
        })
    }

    fn item(&self, value: ast::Expr, slice: ast::Expr) -> ast::Expr {
        ast::Expr::Subscript(ast::ExprSubscript {
            node_index: ast::AtomicNodeIndex::NONE,
            range: self.range,
            value: Box::new(value),
            slice: Box::new(slice),
            ctx: ast::ExprContext::Load,
        })
    }

    fn op(&self, left: ast::Expr, op: ast::Operator, right: &str) -> ast::Expr {
        ast::Expr::BinOp(ast::ExprBinOp {
            node_index: ast::AtomicNodeIndex::NONE,
            range: self.range,
            left: Box::new(left),
            op,
            right: Box::new(self.name(right)),
        })
    }

    fn assign(&self, target: ast::Expr, value: ast::Expr) -> Stmt {
        Stmt::Assign(ast::StmtAssign {
            node_index: ast::AtomicNodeIndex::NONE,
            range: self.range,
            targets: vec![target].into(),
            value: Box::new(value),
        })
    }
}
