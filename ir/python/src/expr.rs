//! Evaluates Python expressions: the value, and the blocks that compute it.

use ruff_python_ast::{self as ast, Number, Operator, UnaryOp};
use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;
use weft_ir::tasklet::{self, BinOp, UnOp};

use crate::bounds::Item;
use crate::context::{Importer, Res, Stop, fail, fail_hint, fail_raises, span_of};
use crate::lists::LONGEST;
use crate::value::{Kind, Num, Src, Value, View};

/// Deeper expressions are refused.
pub const MAX_DEPTH: u32 = 200;

impl Importer<'_> {
    pub fn eval(&mut self, e: &ast::Expr) -> Res<Value> {
        let hint = self.hint.take();
        if self.depth > MAX_DEPTH {
            return fail_hint(
                span_of(e),
                "the expression is nested too deeply",
                "split it into several statements",
            );
        }
        self.depth += 1;
        let value = self.eval_inner(e, hint);
        self.depth -= 1;
        self.hint = None;
        value
    }

    fn eval_inner(&mut self, e: &ast::Expr, hint: Option<String>) -> Res<Value> {
        let span = span_of(e);
        match e {
            ast::Expr::NumberLiteral(n) => match &n.value {
                Number::Int(i) => match i.as_i64() {
                    Some(i) => Ok(Value::int(i)),
                    None => fail_hint(span, "the integer is too large", "integers have 64 bits here"),
                },
                Number::Float(x) => Ok(Value::float(*x)),
                Number::Complex { real, imag } => {
                    Ok(Value::lit(Kind::Complex, Scalar::Complex(DType::C128, *real, *imag)))
                }
            },
            ast::Expr::BooleanLiteral(b) => Ok(Value::bool(b.value)),
            ast::Expr::NoneLiteral(_) => Ok(Value::None),
            ast::Expr::EllipsisLiteral(_) => Ok(Value::Ellipsis),
            ast::Expr::StringLiteral(s) => Ok(Value::Str(s.value.to_str().to_string())),
            ast::Expr::Name(name) => self.lookup(name.id.as_str(), span),
            ast::Expr::Tuple(t) => self.eval_all(&t.elts).map(Value::Tuple),
            ast::Expr::List(t) => {
                let items = self.eval_all(&t.elts)?;
                self.list_at(items, &Expr::one(), span)
            }
            ast::Expr::Lambda(l) => Ok(self.lambda(l)),
            ast::Expr::ListComp(c) => self.list_comprehension(c, span),
            ast::Expr::Generator(c) => self.comprehension(&c.elt, &c.generators, span).map(Value::Tuple),
            ast::Expr::Named(n) => {
                let value = self.eval(&n.value)?;
                self.assign(&n.target, value, span)?;
                self.eval(&n.target)
            }
            ast::Expr::BinOp(b) => {
                let mut pair = self.eval_pair(&b.left, &b.right)?;
                let (right, left) = (pair.pop().unwrap_or(Value::None), pair.pop().unwrap_or(Value::None));
                self.hint = hint;
                self.operator(b.op, &left, &right, span)
            }
            ast::Expr::UnaryOp(u) => match u.op {
                UnaryOp::Not => {
                    let test = self.test_expr(e)?;
                    self.test_value(test, span)
                }
                op => {
                    let v = self.eval(&u.operand)?;
                    self.hint = hint;
                    match op {
                        UnaryOp::USub => self.unary(UnOp::Neg, &v, span),
                        UnaryOp::Invert => self.unary(UnOp::Invert, &v, span),
                        _ => match &v {
                            Value::Array(view) => Ok(Value::Array(self.materialize(view, view.dtype, span))),
                            Value::Num(n) if n.kind == Kind::Bool => {
                                let e = self.as_int(&v, span)?;
                                self.int_value(e, span)
                            }
                            Value::Num(_) => Ok(v),
                            _ => fail(span, format!("'+' of {}", v.describe())),
                        },
                    }
                }
            },
            ast::Expr::BoolOp(b) => self.bool_op(b, span),
            ast::Expr::Compare(c) => self.compare(c, hint, span),
            ast::Expr::Call(c) => self.call(c, hint, span),
            ast::Expr::Attribute(a) => {
                let base = self.eval(&a.value)?;
                self.attribute(base, a.attr.as_str(), span)
            }
            ast::Expr::Subscript(s) => {
                let base = self.eval(&s.value)?;
                self.subscript(&base, &s.slice, span)
            }
            ast::Expr::If(i) => self.if_expr(i, span),
            other => {
                let (what, hint) = unsupported(other);
                fail_hint(span, format!("{what} is not supported"), hint)
            }
        }
    }

    /// The values of a tuple or list, in order; the first are held if a later one may write what they read.
    pub fn eval_all(&mut self, list: &[ast::Expr]) -> Res<Vec<Value>> {
        let mut items = vec![];
        for (i, e) in list.iter().enumerate() {
            if let ast::Expr::Starred(star) = e {
                let v = self.eval(&star.value)?;
                items.extend(self.unpacked(&v, span_of(e))?);
                continue;
            }
            let value = self.eval(e)?;
            let later = list[i + 1..].iter().any(|e| self.calls_user(e, 0));
            items.push(if later { self.hold(value, span_of(e))? } else { value });
        }
        Ok(items)
    }

    /// Two operands in order; the first is held if the second may write what it reads.
    fn eval_pair(&mut self, a: &ast::Expr, b: &ast::Expr) -> Res<Vec<Value>> {
        let left = self.eval(a)?;
        let left = if self.calls_user(b, 0) { self.hold(left, span_of(a))? } else { left };
        Ok(vec![left, self.eval(b)?])
    }

    /// Scalars as they are now, whatever is written later.
    pub fn hold(&mut self, v: Value, span: Span) -> Res<Value> {
        match v {
            Value::Num(num) => Ok(Value::Num(self.snapshot(&num, span)?)),
            Value::Tuple(items) => {
                Ok(Value::Tuple(items.into_iter().map(|v| self.hold(v, span)).collect::<Res<Vec<_>>>()?))
            }
            other => Ok(other),
        }
    }

    /// May evaluating the expression write what was read before: does it call a function?
    pub fn calls_user(&self, e: &ast::Expr, depth: u32) -> bool {
        if depth > MAX_DEPTH {
            return true;
        }
        let sub = |e: &ast::Expr| self.calls_user(e, depth + 1);
        match e {
            ast::Expr::Call(c) => {
                let pure = match &*c.func {
                    ast::Expr::Name(n) => {
                        !self.is_local(n.id.as_str()) && !self.module().functions.contains_key(n.id.as_str())
                    }
                    ast::Expr::Attribute(_) => c
                        .arguments
                        .keywords
                        .iter()
                        .all(|k| k.arg.as_ref().is_none_or(|name| name.as_str() != "out")),
                    _ => false,
                };
                !pure
                    || c.arguments.args.iter().any(sub)
                    || c.arguments.keywords.iter().any(|k| sub(&k.value))
                    || sub(&c.func)
            }
            ast::Expr::BinOp(b) => sub(&b.left) || sub(&b.right),
            ast::Expr::UnaryOp(u) => sub(&u.operand),
            ast::Expr::BoolOp(b) => b.values.iter().any(sub),
            ast::Expr::Compare(c) => sub(&c.left) || c.comparators.iter().any(sub),
            ast::Expr::Subscript(s) => sub(&s.value) || sub(&s.slice),
            ast::Expr::Attribute(a) => sub(&a.value),
            ast::Expr::Tuple(t) => t.elts.iter().any(sub),
            ast::Expr::List(t) => t.elts.iter().any(sub),
            ast::Expr::If(i) => sub(&i.test) || sub(&i.body) || sub(&i.orelse),
            ast::Expr::ListComp(_) | ast::Expr::Generator(_) | ast::Expr::Named(_) => true,
            _ => false,
        }
    }

    fn is_local(&self, name: &str) -> bool {
        self.frames.last().is_some_and(|f| f.vars.contains_key(name) || f.closure.is_some())
    }

    pub fn operator(&mut self, op: Operator, a: &Value, b: &Value, span: Span) -> Res<Value> {
        let op = match op {
            Operator::MatMult => return self.product(a, b, true, span),
            other => operator(other),
        };
        match (a, b, op) {
            (Value::Tuple(x), Value::Tuple(y), BinOp::Add) => {
                Ok(Value::Tuple(x.iter().chain(y).cloned().collect()))
            }
            (Value::List(_), Value::List(_), BinOp::Add) => {
                let mut items = self.unpacked(a, span)?;
                items.extend(self.unpacked(b, span)?);
                Ok(self.list(items))
            }
            (Value::Tuple(_) | Value::List(_), Value::Num(_), BinOp::Mul)
            | (Value::Num(_), Value::Tuple(_) | Value::List(_), BinOp::Mul) => {
                let (items, n) = if matches!(a, Value::Num(_)) { (b, a) } else { (a, b) };
                let Some(count) = n.as_const_int() else {
                    return match n {
                        Value::Num(Num { src: Src::Sym(e), .. }) => {
                            if matches!(items, Value::List(_))
                                && self.on_sample(e).is_none_or(|n| n > LONGEST)
                            {
                                let (once, n) = (self.unpacked(items, span)?, e.clone());
                                return self.list_at(once, &n, span);
                            }
                            self.make_constant(&e.clone(), span)
                        }
                        _ => fail_hint(
                            span,
                            "a list is repeated a constant number of times only",
                            "use np.full",
                        ),
                    };
                };
                let once = self.unpacked(items, span)?;
                if once.len() as i64 * count > 10_000 {
                    return fail_hint(
                        span,
                        "the list is too long to be known element by element",
                        "use np.full",
                    );
                }
                if matches!(items, Value::List(_)) {
                    return self.list_at(once, &Expr::int(count), span);
                }
                Ok(Value::Tuple((0..count.max(0)).flat_map(|_| once.clone()).collect()))
            }
            (Value::Str(x), Value::Str(y), BinOp::Add) => Ok(Value::Str(format!("{x}{y}"))),
            (Value::Tuple(_) | Value::List(_), Value::Array(_), _)
            | (Value::Array(_), Value::Tuple(_) | Value::List(_), _) => {
                let (a, b) = (self.array_like(a.clone(), span)?, self.array_like(b.clone(), span)?);
                self.binary(op, &a, &b, span)
            }
            _ => self.binary(op, a, b, span),
        }
    }

    // ---- names -------------------------------------------------------------------------

    pub fn lookup(&mut self, name: &str, span: Span) -> Res<Value> {
        if let Some(value) = self.variable(name) {
            return match value {
                Value::Stale(why) => self.stale(name, &why, span),
                Value::Maybe(value, flag) => {
                    let message = format!("'{name}' {}", crate::stmt::UNASSIGNED);
                    self.check(tasklet::Expr::Var(flag), message, span);
                    Ok(*value)
                }
                Value::Poison => Err(Stop::Silent),
                value => Ok(value),
            };
        }
        let (module, id) = (self.module(), self.frames.last().map_or(0, |f| f.module));
        if let Some(path) = module.imports.get(name) {
            return self.path_value(path.clone(), span);
        }
        if module.functions.contains_key(name) {
            return Ok(Value::User(id, name.to_string()));
        }
        if let Some(e) = module.constants.get(name) {
            return self.module_constant(name, e, span);
        }
        if name == "Ellipsis" {
            return Ok(Value::Ellipsis);
        }
        let path = format!("builtins.{name}");
        let types = ["int", "float", "bool", "complex", "str", "print", "round", "map", "filter", "object"];
        if crate::numpy::is_known(&path) || types.contains(&name) {
            return Ok(Value::Path(path));
        }
        fail(span, format!("the name '{name}' is not defined"))
    }

    /// A variable of the function, or of the functions around its definition.
    fn variable(&self, name: &str) -> Option<Value> {
        let mut frame = self.frames.last()?;
        loop {
            if let Some(value) = frame.vars.get(name) {
                return Some(value.clone());
            }
            let closure = frame.closure.as_ref()?;
            match self.frames.iter().find(|f| f.id == closure.frame) {
                Some(around) => frame = around,
                None => return closure.captured.get(name).cloned(),
            }
        }
    }

    /// Values of the file's top level: numbers, types, tuples of them.
    fn module_constant(&mut self, name: &str, e: &ast::Expr, span: Span) -> Res<Value> {
        if self.depth > MAX_DEPTH {
            return fail(span, format!("'{name}' is defined by itself"));
        }
        self.depth += 20;
        let module = self.frames.last().map_or(0, |f| f.module);
        self.frames.push(crate::context::Frame { module, ..Default::default() });
        self.push_region();
        let value = self.eval(e);
        let region = self.pop_region();
        self.frames.pop();
        self.depth -= 20;
        let hint = "pass it as an argument, or make it a number";
        match value {
            Ok(v) if !region.blocks.is_empty() => {
                // An array or a computed number: made where it is used first in this call.
                self.append(region);
                Ok(v)
            }
            Ok(v) => Ok(v),
            Err(Stop::Silent) => Err(Stop::Silent),
            _ => fail_hint(span, format!("'{name}' of the file's top level is not a constant"), hint),
        }
    }

    /// Constants that a path stands for, or the path itself.
    pub fn path_value(&mut self, path: String, span: Span) -> Res<Value> {
        use std::f64::consts;
        let constant = match path.as_str() {
            "numpy.pi" | "math.pi" | "cmath.pi" => consts::PI,
            "numpy.e" | "math.e" | "cmath.e" => consts::E,
            "math.tau" | "cmath.tau" => consts::TAU,
            "numpy.inf" | "math.inf" | "cmath.inf" => f64::INFINITY,
            "numpy.nan" | "math.nan" | "cmath.nan" => f64::NAN,
            "numpy.euler_gamma" => 0.577_215_664_901_532_9,
            "numpy.newaxis" => return Ok(Value::None),
            "numpy.bool_" | "numpy.bool" => return Ok(Value::Path("numpy.bool".into())),
            _ => return self.type_attribute(path, span),
        };
        Ok(Value::float(constant))
    }

    // ---- subscripts --------------------------------------------------------------------

    pub fn subscript(&mut self, base: &Value, slice: &ast::Expr, span: Span) -> Res<Value> {
        match base {
            Value::Tuple(_) | Value::List(_) | Value::Range(_) => self.static_item(base, slice, span),
            Value::Array(view) => {
                let items = self.items(slice)?;
                self.part(view, &items, span)
            }
            Value::Num(Num { kind: Kind::Np(_), .. }) if matches!(slice, ast::Expr::Tuple(t) if t.elts.is_empty()) => {
                Ok(base.clone())
            }
            Value::Path(p) => match p.strip_prefix("numpy.") {
                Some(name @ ("mgrid" | "ogrid" | "r_" | "c_" | "s_" | "index_exp")) => {
                    self.grid(name, slice, span)
                }
                _ => fail_raises(span, format!("{} cannot be indexed", base.describe()), ""),
            },
            other => fail_raises(span, format!("{} cannot be indexed", other.describe()), ""),
        }
    }

    pub fn items(&mut self, slice: &ast::Expr) -> Res<Vec<Item>> {
        match slice {
            ast::Expr::Tuple(t) => t.elts.iter().map(|e| self.item(e)).collect(),
            ast::Expr::Slice(_) => Ok(vec![self.item(slice)?]),
            other => match self.eval(other)? {
                Value::Tuple(items) => {
                    items.into_iter().map(|v| self.item_value(v, span_of(other))).collect()
                }
                v => Ok(vec![self.item_value(v, span_of(other))?]),
            },
        }
    }

    fn item(&mut self, e: &ast::Expr) -> Res<Item> {
        let span = span_of(e);
        if let ast::Expr::Slice(s) = e {
            let mut bound = |b: &Option<Box<ast::Expr>>| match b {
                Some(b) => self.eval(b),
                None => Ok(Value::None),
            };
            let (lower, upper, step) = (bound(&s.lower)?, bound(&s.upper)?, bound(&s.step)?);
            return self.slice_item(&[lower, upper, step], span);
        }
        let v = self.eval(e)?;
        self.item_value(v, span)
    }

    /// A value as a part of a subscript.
    pub fn item_value(&mut self, v: Value, span: Span) -> Res<Item> {
        let hint = "loop over the elements, or use np.where";
        let v = if v.kind() == Some(Kind::Number) { self.decided(&v, span)? } else { v };
        match v {
            Value::None => Ok(Item::NewAxis),
            Value::Slice(parts) => self.slice_item(&parts, span),
            Value::Ellipsis => Ok(Item::Ellipsis),
            Value::Array(v) if v.rank() > 0 => Ok(Item::Array(v)),
            v @ (Value::Tuple(_) | Value::List(_) | Value::Range(_)) => {
                let empty = self.elements(&v).is_some_and(|items| items.is_empty());
                let v = self.array_like(v, span)?;
                let view = self.as_view(&v, span)?;
                let view = if empty { self.materialize(&view, DType::I64, span) } else { view };
                Ok(Item::Array(view))
            }
            v if matches!(v.kind(), Some(k) if k.dtype() == DType::Bool) => {
                fail_hint(span, "indexing by a bool is not supported", hint)
            }
            v if matches!(v.kind(), Some(k) if !k.dtype().is_int()) => {
                fail_raises(span, "indices must be integers, slices, '...' or None", "convert by int(...)")
            }
            v => self.as_int(&v, span).map(Item::Index),
        }
    }

    fn slice_item(&mut self, parts: &[Value; 3], span: Span) -> Res<Item> {
        let mut bounds = vec![];
        for v in parts {
            bounds.push(if *v == Value::None { None } else { Some(self.as_int(v, span)?) });
        }
        let step = bounds.pop().flatten().unwrap_or(Expr::one());
        let upper = bounds.pop().flatten();
        Ok(Item::Slice { lower: bounds.pop().flatten(), upper, step })
    }

    /// The part of an array that a subscript names.
    pub fn part(&mut self, view: &View, items: &[Item], span: Span) -> Res<Value> {
        if crate::fancy::is_fancy(items) {
            return self.gather(view, items, span);
        }
        let used = items.iter().filter(|i| matches!(i, Item::Index(_) | Item::Slice { .. })).count();
        let dots = items.iter().filter(|i| matches!(i, Item::Ellipsis)).count();
        if used > view.rank() || dots > 1 {
            let reason = format!(
                "too many indices: the array is {}-dimensional, but {used} were indexed",
                view.rank()
            );
            return fail(span, reason);
        }
        let what = view.base.as_str();
        let (mut out, mut d, mut axis) = (view.clone(), 0, 0);
        for item in items {
            match item {
                Item::NewAxis => {
                    out = out.insert_dim(d);
                    d += 1;
                }
                // Gathered above.
                Item::Array(_) => {}
                Item::Ellipsis => {
                    d += view.rank() - used;
                    axis += view.rank() - used;
                }
                Item::Index(i) => {
                    let at = self.index(i, &out.shape[d].clone(), axis, what, span)?;
                    out = out.fix_dim(d, &at);
                    axis += 1;
                }
                Item::Slice { lower, upper, step } => {
                    let n = out.shape[d].clone();
                    let normal = self.slice(lower.as_ref(), upper.as_ref(), step, &n, span)?;
                    out = out.slice_dim(d, &normal.begin, step, normal.extent);
                    d += 1;
                    axis += 1;
                }
            }
        }
        let element = out.rank() == 0 && items.iter().all(|i| matches!(i, Item::Index(_)));
        Ok(if element { Value::elem(Kind::Np(out.dtype), out) } else { Value::Array(out) })
    }
}

pub fn operator(op: Operator) -> BinOp {
    match op {
        Operator::Add | Operator::MatMult => BinOp::Add,
        Operator::Sub => BinOp::Sub,
        Operator::Mult => BinOp::Mul,
        Operator::Div => BinOp::Div,
        Operator::Mod => BinOp::Mod,
        Operator::Pow => BinOp::Pow,
        Operator::LShift => BinOp::Shl,
        Operator::RShift => BinOp::Shr,
        Operator::BitOr => BinOp::BitOr,
        Operator::BitXor => BinOp::BitXor,
        Operator::BitAnd => BinOp::BitAnd,
        Operator::FloorDiv => BinOp::FloorDiv,
    }
}

fn unsupported(e: &ast::Expr) -> (&'static str, &'static str) {
    match e {
        ast::Expr::Lambda(_) => ("a lambda", "write a function of the file"),
        ast::Expr::ListComp(_) | ast::Expr::Generator(_) | ast::Expr::SetComp(_) | ast::Expr::DictComp(_) => {
            ("a comprehension", "write a loop into an array")
        }
        ast::Expr::Dict(_) | ast::Expr::Set(_) => ("a dict or set", "use arrays and scalars"),
        ast::Expr::FString(_) | ast::Expr::TString(_) | ast::Expr::BytesLiteral(_) => {
            ("text", "kernels compute on numbers")
        }
        ast::Expr::Named(_) => ("':='", "write a statement of its own"),
        ast::Expr::Starred(_) => ("'*' before a value", "write the values one by one"),
        ast::Expr::Yield(_) | ast::Expr::YieldFrom(_) | ast::Expr::Await(_) => {
            ("a generator", "return arrays")
        }
        ast::Expr::Slice(_) => ("a slice outside of brackets", "write it inside of brackets"),
        _ => ("this expression", "write it with arithmetic, slices and NumPy functions"),
    }
}
