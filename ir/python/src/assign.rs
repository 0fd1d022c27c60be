//! Assignments: names, parts of arrays, several targets, and operators in place.

use std::collections::BTreeSet;

use ruff_python_ast as ast;
use weft_ir::names::Name;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;
use weft_ir::tasklet;

use crate::args::Args;
use crate::bounds::Item;
use crate::context::{Importer, Res, fail, fail_hint, span_of};
use crate::emit::Inputs;
use crate::expr::operator;
use crate::numpy::same_kind;
use crate::promote::Binary;
use crate::scan::targets;
use crate::stmt::Flow;
use crate::value::{Kind, Src, Value, View, view_of};

/// What an assignment writes to.
enum Written {
    Value(Value),
    /// The real or imaginary part of a complex array.
    Part(View, String),
}

impl Importer<'_> {
    pub fn assign_stmt(&mut self, a: &ast::StmtAssign, span: Span) -> Res<Flow> {
        if let [ast::Expr::Name(name)] = &a.targets[..]
            && !self.frame().cells.contains_key(name.id.as_str())
        {
            self.hint = Some(name.id.to_string());
        }
        let mut value = self.eval(&a.value)?;
        if a.targets.len() > 1 || matches!(value, Value::Tuple(_) | Value::List(_)) {
            value = self.hold(value, span)?;
        }
        let names: BTreeSet<String> = a.targets.iter().flat_map(targets).collect();
        if names.len() > 1 {
            // What the cells among the targets hold now goes to other names: it moves.
            let cells = &self.frame().cells;
            let bases: Vec<Name> = names.iter().filter_map(|n| cells.get(n)).map(|c| c.view.base).collect();
            value = self.detach(value, &bases, span);
            self.moving = bases;
        }
        let mut result = Ok(());
        for target in &a.targets {
            result = result.and_then(|()| self.assign(target, value.clone(), span));
        }
        self.moving.clear();
        result.map(|()| Flow::Next)
    }

    /// Copies arrays that are in containers which are about to be written.
    fn detach(&mut self, value: Value, bases: &[Name], span: Span) -> Value {
        match value {
            Value::Array(view) if bases.contains(&view.base) => {
                Value::Array(self.materialize(&view, view.dtype, span))
            }
            Value::Tuple(items) => {
                Value::Tuple(items.into_iter().map(|v| self.detach(v, bases, span)).collect())
            }
            other => other,
        }
    }

    pub fn assign(&mut self, target: &ast::Expr, value: Value, span: Span) -> Res<()> {
        match target {
            ast::Expr::Name(name) => self.bind(name.id.as_str(), value, span),
            ast::Expr::Tuple(t) => self.unpack(&t.elts, value, span),
            ast::Expr::List(t) => self.unpack(&t.elts, value, span),
            ast::Expr::Subscript(s) => {
                let base = self.written(&s.value)?;
                if let Written::Part(whole, name) = base {
                    let items = self.items(&s.slice)?;
                    let old = self.part(&whole, &items, span)?;
                    let new = self.with_part(&old, &name, &value, span)?;
                    return self.assign_items(&whole, &items, &new, span);
                }
                let Written::Value(base) = base else { return Ok(()) };
                if let Value::List(id) = base {
                    return self.set_list_item(id, &s.slice, value, span);
                }
                let items = self.items(&s.slice)?;
                if let Value::Array(view) = &base
                    && crate::fancy::is_fancy(&items)
                {
                    return self.scatter(view, &items, &value, span);
                }
                let view = self.target(&base, &items, span)?;
                match view_of(&view) {
                    Some(view) => self.store(&view, &self.settled_for(&value, view.dtype), span),
                    None => fail(span, "this cannot be assigned to"),
                }
            }
            ast::Expr::Attribute(a) if a.attr.as_str() == "shape" => {
                let base = self.eval(&a.value)?;
                let Value::Array(view) = &base else {
                    return fail(span, format!("{} has no shape to assign", base.describe()));
                };
                let whole =
                    self.sdfg.data.get(&view.base).is_some_and(|d| !d.transient && d.shape == view.shape);
                if self.names_of(&base) > 1 {
                    let hint = "give the reshaped array a name: b = a.reshape(...)";
                    return fail_hint(span, "the shape of an array that has several names", hint);
                }
                let reshaped = self.reshape(view, &value, span)?;
                if whole && reshaped.shape() != view.shape {
                    let hint = "give the reshaped array a name: b = a.reshape(...)";
                    return fail_hint(span, "the shape of the caller's array cannot be changed", hint);
                }
                if matches!(&reshaped, Value::Array(v) if v.base != view.base) {
                    let hint = "assign the result of reshape";
                    return fail_hint(span, "incompatible shape for in-place modification", hint);
                }
                self.assign(&a.value, reshaped, span)
            }
            ast::Expr::Attribute(a) if matches!(a.attr.as_str(), "flat" | "real" | "imag") => {
                match self.written(target)? {
                    Written::Part(whole, name) => {
                        let new = self.with_part(&Value::Array(whole.clone()), &name, &value, span)?;
                        self.store(&whole, &new, span)
                    }
                    Written::Value(part) => match view_of(&part) {
                        Some(part) => self.store(&part, &value, span),
                        None => fail(span, "this cannot be assigned to"),
                    },
                }
            }
            other => fail_hint(
                span_of(other),
                "this cannot be assigned to",
                "assign to a name or to a part of an array",
            ),
        }
    }

    /// What is written to: parts of complex arrays are no views here.
    fn written(&mut self, e: &ast::Expr) -> Res<Written> {
        let ast::Expr::Attribute(a) = e else { return self.eval(e).map(Written::Value) };
        if !matches!(a.attr.as_str(), "real" | "imag") {
            return self.eval(e).map(Written::Value);
        }
        match self.eval(&a.value)? {
            Value::Array(v) if v.dtype.is_complex() => Ok(Written::Part(v, a.attr.to_string())),
            other => self.attribute(other, a.attr.as_str(), span_of(e)).map(Written::Value),
        }
    }

    /// Complex numbers with one part replaced.
    fn with_part(&mut self, old: &Value, name: &str, new: &Value, span: Span) -> Res<Value> {
        let new = self.array_like(new.clone(), span)?;
        let other = self.complex_part(old, if name == "real" { "imag" } else { "real" }, span)?;
        if new.kind().is_none_or(|k| k.dtype().is_complex()) {
            return fail(span, format!("a part of a complex number is {}", new.describe()));
        }
        if new.shape().len() > old.shape().len() {
            return fail(span, "could not broadcast the new part to the shape of the array");
        }
        let (re, im) = if name == "real" { (&new, &other) } else { (&other, &new) };
        self.ufunc2(Binary::Op(tasklet::BinOp::Complex), re, im, span)
    }

    fn assign_items(&mut self, whole: &View, items: &[Item], value: &Value, span: Span) -> Res<()> {
        if crate::fancy::is_fancy(items) {
            return self.scatter(whole, items, value, span);
        }
        match view_of(&self.part(whole, items, span)?) {
            Some(view) => self.store(&view, value, span),
            None => fail(span, "this cannot be assigned to"),
        }
    }

    fn target(&mut self, base: &Value, items: &[Item], span: Span) -> Res<Value> {
        let Value::Array(view) = base else {
            return fail(span, format!("{} cannot be assigned to by index", base.describe()));
        };
        self.part(view, items, span)
    }

    fn unpack(&mut self, targets: &[ast::Expr], value: Value, span: Span) -> Res<()> {
        let star = targets.iter().position(|t| t.is_starred_expr());
        let mut items = match (&value, star) {
            (Value::Array(view), None) if view.rank() > 0 => {
                let n = view.shape[0].clone();
                if !self.same(&n, &Expr::int(targets.len() as i64))?.is_yes() {
                    return fail(span, format!("{n} values for {} names", targets.len()));
                }
                let at = |i| self.part(view, &[Item::Index(Expr::int(i))], span);
                let items = (0..targets.len() as i64).map(at).collect::<Res<Vec<_>>>()?;
                items.into_iter().map(|v| self.hold(v, span)).collect::<Res<Vec<_>>>()?
            }
            _ => self.unpacked(&value, span)?,
        };
        if let Some(at) = star {
            let after = targets.len() - at - 1;
            if items.len() < at + after {
                return fail(span, format!("{} values for {} names", items.len(), targets.len() - 1));
            }
            let rest = items.drain(at..items.len() - after).collect();
            let rest = self.list(rest);
            items.insert(at, rest);
        }
        if items.len() != targets.len() {
            return fail(span, format!("{} values for {} names", items.len(), targets.len()));
        }
        for (target, item) in targets.iter().zip(items) {
            let target = match target {
                ast::Expr::Starred(star) => &star.value,
                other => other,
            };
            self.assign(target, item, span)?;
        }
        Ok(())
    }

    /// How many names have this value, in the functions that are being called.
    fn names_of(&self, value: &Value) -> usize {
        self.frames.iter().flat_map(|f| f.vars.values()).filter(|v| *v == value).count()
    }

    /// `name = value`: a new meaning of the name, or a write to the container that a loop or branch gave it.
    pub fn bind(&mut self, name: &str, value: Value, span: Span) -> Res<()> {
        if self.bind_cell(name, &value, span)? {
            return Ok(());
        }
        // An element, or a variable that is written later, is bound by its value.
        let value = match value {
            Value::Num(num) => {
                let fresh = match &num.src {
                    Src::Elem(v) => v.at.is_empty() && !self.is_cell(v) && self.is_transient(v),
                    _ => true,
                };
                if !fresh {
                    self.hint = Some(name.to_string());
                }
                let num = if fresh { num } else { self.snapshot(&num, span)? };
                self.hint = None;
                Value::Num(num)
            }
            Value::Tuple(_) => self.hold(value, span)?,
            other => other,
        };
        self.frame().vars.insert(name.into(), value);
        Ok(())
    }

    /// Does a variable of a loop or branch live in the container?
    pub fn is_cell(&self, view: &View) -> bool {
        self.is_cell_base(view.base)
    }

    pub fn is_cell_base(&self, base: Name) -> bool {
        self.frames.iter().any(|f| f.cells.values().any(|c| c.view.base == base))
    }

    fn is_transient(&self, view: &View) -> bool {
        self.sdfg.data.get(&view.base).is_some_and(|d| d.transient)
    }

    pub fn aug_assign(&mut self, a: &ast::StmtAugAssign) -> Res<()> {
        let span = span_of(a);
        match &*a.target {
            ast::Expr::Name(name) => {
                let old = self.lookup(name.id.as_str(), span)?;
                if let Value::Array(view) = &old {
                    let value = self.eval(&a.value)?;
                    let value = self.array_like(value, span)?;
                    return self.in_place(&view.clone(), a.op, &value, true, span);
                }
                let value = self.eval(&a.value)?;
                if let (Value::List(id), ast::Operator::Add) = (&old, a.op) {
                    let args = Args::new("extend", vec![value], span);
                    return self.list_method(*id, "extend", args).map(drop);
                }
                if !self.frame().cells.contains_key(name.id.as_str()) {
                    self.hint = Some(name.id.to_string());
                }
                let value = self.operator(a.op, &old, &value, span)?;
                self.hint = None;
                self.bind(name.id.as_str(), value, span)
            }
            ast::Expr::Subscript(s) => {
                let base = self.written(&s.value)?;
                if let Written::Part(whole, name) = base {
                    let items = self.items(&s.slice)?;
                    let old = self.part(&whole, &items, span)?;
                    let part = self.complex_part(&old, &name, span)?;
                    let value = self.eval(&a.value)?;
                    let value = self.operator(a.op, &part, &value, span)?;
                    let new = self.with_part(&old, &name, &value, span)?;
                    return self.assign_items(&whole, &items, &new, span);
                }
                let Written::Value(base) = base else { return Ok(()) };
                if let Value::List(id) = base {
                    let old = self.static_item(&base, &s.slice, span)?;
                    let value = self.eval(&a.value)?;
                    let value = self.operator(a.op, &old, &value, span)?;
                    return self.set_list_item(id, &s.slice, value, span);
                }
                let items = self.items(&s.slice)?;
                if let Value::Array(view) = &base
                    && crate::fancy::is_fancy(&items)
                {
                    // NumPy reads all elements, and then writes all.
                    let old = self.gather(view, &items, span)?;
                    let value = self.eval(&a.value)?;
                    let value = self.operator(a.op, &old, &value, span)?;
                    return self.scatter(view, &items, &value, span);
                }
                let part = self.target(&base, &items, span)?;
                if matches!(part, Value::Num(_)) && self.calls_user(&a.value, 0) {
                    // The element is read before the call, which may write it.
                    let old = self.hold(part.clone(), span)?;
                    let value = self.eval(&a.value)?;
                    let value = self.operator(a.op, &old, &value, span)?;
                    return match view_of(&part) {
                        Some(view) => self.store(&view, &value, span),
                        None => fail(span, "this cannot be assigned to"),
                    };
                }
                let value = self.eval(&a.value)?;
                let value = self.array_like(value, span)?;
                match view_of(&part) {
                    Some(view) => self.in_place(&view, a.op, &value, matches!(part, Value::Array(_)), span),
                    None => fail(span, "this cannot be assigned to"),
                }
            }
            ast::Expr::Attribute(at) => {
                let Written::Part(whole, name) = self.written(&a.target)? else {
                    return fail(span_of(at), "this cannot be assigned to");
                };
                let old = self.complex_part(&Value::Array(whole.clone()), &name, span)?;
                let value = self.eval(&a.value)?;
                let value = self.operator(a.op, &old, &value, span)?;
                let new = self.with_part(&Value::Array(whole.clone()), &name, &value, span)?;
                self.store(&whole, &new, span)
            }
            other => fail(span_of(other), "this cannot be assigned to"),
        }
    }

    /// `target op= value`. Arrays keep their type (`same_kind`); an element converts as by assignment.
    fn in_place(
        &mut self,
        target: &View,
        op: ast::Operator,
        value: &Value,
        array: bool,
        span: Span,
    ) -> Res<()> {
        let old = if array {
            Value::Array(target.clone())
        } else {
            Value::elem(Kind::Np(target.dtype), target.clone())
        };
        if op == ast::Operator::MatMult {
            let value = self.operator(op, &old, value, span)?;
            return self.store(target, &value, span);
        }
        let shape = self.broadcast(&[target.shape.clone(), value.shape()], span)?;
        let stretched = shape.len() > target.rank()
            || shape.iter().zip(&target.shape).any(|(n, t)| t.is_one() && !n.is_one());
        if stretched {
            self.settle_ones(&shape, &target.shape, span)?;
        }
        if stretched && !self.ones_in_run(&shape, &target.shape, span) {
            let (from, to) = (self.show_shape(&value.shape()), self.show_shape(&target.shape));
            return fail(span, format!("non-broadcastable output operand: shape {from} does not fit {to}"));
        }
        self.note_write(target, span)?;
        let value = self.separate(target, value, span);
        let mut inputs = Inputs::default();
        let (dtype, code) = self.ufunc2_code(Binary::Op(operator(op)), &old, &value, &mut inputs, span)?;
        if array && !same_kind(dtype, target.dtype) {
            let reason =
                format!("cannot cast the result from {} to {} in place", dtype.numpy(), target.dtype.numpy());
            return fail_hint(span, reason, "assign to a slice, which converts: a[:] = a op b");
        }
        if dtype.is_complex() && !target.dtype.is_complex() {
            return fail(span, "a complex value cannot be stored in a real array");
        }
        let code = if dtype == target.dtype { code } else { tasklet::Expr::cast(target.dtype, code) };
        self.map_into(crate::promote::verb(Binary::Op(operator(op))), target, &inputs, code, span);
        Ok(())
    }
}
