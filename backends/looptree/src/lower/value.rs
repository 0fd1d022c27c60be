//! Expressions of tasklets and conditions to values.

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::Place;
use weft_ir::tasklet;

use super::{Env, Lowerer, Result, refuse};
use crate::tree::Value;

impl Lowerer {
    /// `vars` says what a variable is, `arrays` what one that is indexed stands for; others are
    /// scalar containers.
    pub(super) fn value(
        &self,
        env: &Env,
        expr: &tasklet::Expr,
        vars: &dyn Fn(Name) -> Option<Value>,
        arrays: &dyn Fn(Name) -> Option<Name>,
        place: Place,
    ) -> Result<Value> {
        let sub = |e: &tasklet::Expr| self.value(env, e, vars, arrays, place).map(Box::new);
        Ok(match expr {
            tasklet::Expr::Lit(s) => Value::Lit(*s),
            tasklet::Expr::Sym(e) => Value::Index(env.expr(e)),
            tasklet::Expr::Var(name) => match vars(*name) {
                Some(value) => value,
                None => self.scalar(env, *name, place)?,
            },
            tasklet::Expr::Un(op, a) => Value::Un(*op, sub(a)?),
            tasklet::Expr::Call(f, a) => Value::Call(*f, sub(a)?),
            tasklet::Expr::Cast(t, a) => Value::Cast(*t, sub(a)?),
            tasklet::Expr::Bin(op, a, b) => Value::Bin(*op, sub(a)?, sub(b)?),
            tasklet::Expr::Select(c, a, b) => Value::Select(sub(c)?, sub(a)?, sub(b)?),
            tasklet::Expr::Index(array, at) => {
                let Some(view) = arrays(*array).and_then(|data| env.views.get(&data)) else {
                    return refuse(place, format!("'{array}' is no array that is known here"));
                };
                if view.rank() != at.len() {
                    return refuse(place, format!("{} indices into '{array}'", at.len()));
                }
                let at: Result<Vec<Value>> =
                    at.iter().map(|e| self.value(env, e, vars, arrays, place)).collect();
                view.gather(at?)
            }
        })
    }

    /// A condition, or the value of a symbol.
    pub(super) fn condition(&self, env: &Env, expr: &tasklet::Expr, place: Place) -> Result<Value> {
        self.value(env, expr, &|_| None, &|_| None, place)
    }

    /// What an assignment gives a symbol, as an `i64`.
    pub(super) fn symbol_value(&self, env: &Env, expr: &tasklet::Expr, place: Place) -> Result<Value> {
        if let tasklet::Expr::Var(name) = expr
            && let Some(view) = env.views.get(name)
            && self.dtype(view.buffer) != DType::I64
        {
            return refuse(place, format!("symbols are i64 and '{name}' is {}", self.dtype(view.buffer)));
        }
        self.condition(env, expr, place)
    }

    fn scalar(&self, env: &Env, name: Name, place: Place) -> Result<Value> {
        if let Some(view) = env.views.get(&name) {
            if view.rank() != 0 {
                return refuse(place, format!("'{name}' is an array where a scalar is read"));
            }
            return Ok(Value::Load { buffer: view.buffer, index: view.index(&[]) });
        }
        match env.symbol(name) {
            Some(e) => Ok(Value::Index(e)),
            None => refuse(place, format!("'{name}' is not known here")),
        }
    }
}
