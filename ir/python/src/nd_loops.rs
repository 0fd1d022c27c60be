//! Loops over all indices of an array: `np.ndindex` and `np.ndenumerate` are loops in each other.

use ruff_python_ast::{self as ast, Stmt};
use ruff_text_size::Ranged;
use weft_ir::symbolic::Expr;

use crate::context::{Importer, Res, fail, span_of};
use crate::scan::breaks;
use crate::syntax::Syntax;
use crate::value::{Value, View};

/// A loop over indices, as it is written with plain loops.
struct Nest {
    syntax: Syntax,
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
                let [array] = &*call.arguments.args else {
                    return fail(span, "np.ndenumerate takes an array");
                };
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
            syntax: Syntax { range },
            at: (0..shape.len()).map(|d| id("index", d)).collect(),
            extents: (0..shape.len()).map(|d| id("extent", d)).collect(),
        };
        for (name, n) in nest.extents.iter().zip(shape) {
            self.frame().vars.insert(name.clone(), Value::sym(n.clone()));
        }
        let mut index = nest.syntax.tuple(nest.at.iter().map(|n| nest.syntax.name(n)).collect());
        if let Some(view) = array {
            let name = id("array", 0);
            self.frame().vars.insert(name.clone(), Value::Array(view));
            let element = nest.syntax.item(nest.syntax.name(&name), index.clone());
            index = nest.syntax.tuple(vec![index, element]);
        }
        nest.build(f, index)
    }
}

impl Nest {
    fn build(&self, f: &ast::StmtFor, index: ast::Expr) -> Stmt {
        let mut body: Vec<Stmt> = vec![self.syntax.assign((*f.target).clone(), index)];
        body.extend(f.body.iter().cloned());
        if self.at.is_empty() {
            return self.syntax.count_to(
                &format!("__once_{}", self.syntax.place()),
                self.syntax.int(1),
                body,
                f,
            );
        }
        if breaks(&f.body) {
            return self.flat(f, body);
        }
        for (i, (at, n)) in self.at.iter().zip(&self.extents).enumerate().rev() {
            let mut nested = self.syntax.count_to(at, self.syntax.name(n), std::mem::take(&mut body), f);
            if let (Stmt::For(inner), true) = (&mut nested, i > 0) {
                inner.orelse = Default::default();
            }
            body = vec![nested];
        }
        body.pop().unwrap_or(self.syntax.pass())
    }

    /// One loop, which a `break` leaves.
    fn flat(&self, f: &ast::StmtFor, mut body: Vec<Stmt>) -> Stmt {
        let counter = format!("__flat_{}", self.syntax.place());
        let mut left = self.syntax.name(&counter);
        let mut first = vec![];
        for (d, (at, n)) in self.at.iter().zip(&self.extents).enumerate().rev() {
            let here =
                if d == 0 { left.clone() } else { self.syntax.op(left.clone(), ast::Operator::Mod, n) };
            left = self.syntax.op(left, ast::Operator::FloorDiv, n);
            first.push(self.syntax.assign(self.syntax.name(at), here));
        }
        first.append(&mut body);
        let all =
            self.extents.iter().skip(1).fold(self.syntax.name(&self.extents[0]), |all, n| {
                self.syntax.op(all, ast::Operator::Mult, n)
            });
        self.syntax.count_to(&counter, all, first, f)
    }
}
