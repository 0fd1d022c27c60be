//! Comparisons, conditions, and values that conditions choose.

use ruff_python_ast::{self as ast, CmpOp, UnaryOp};
use weft_ir::dtype::{DType, Scalar, f16};
use weft_ir::sdfg::{BlockKind, Data, Region, Span};
use weft_ir::symbolic::{Expr, Fact, Truth};
use weft_ir::tasklet::{self, BinOp, UnOp};

use crate::args::Args;
use crate::context::{Importer, Res, Stop, fail, fail_hint, fail_raises, span_of};
use crate::doubt::{same_type, stands_for};
use crate::emit::Inputs;
use crate::expr::MAX_DEPTH;
use crate::ops::zero;
use crate::value::{Kind, Num, Src, Value, View};

/// What an `if` or `while` asks.
#[derive(Clone, Debug)]
pub enum Test {
    Known(bool),
    Cond(tasklet::Expr),
}

impl Importer<'_> {
    pub fn compare(&mut self, c: &ast::ExprCompare, hint: Option<String>, span: Span) -> Res<Value> {
        if let [op @ (CmpOp::Is | CmpOp::IsNot)] = &*c.ops
            && let ([ast::Expr::NoneLiteral(_)], ast::Expr::Call(_)) = (&*c.comparators, &*c.left)
        {
            let given = match self.eval_any(&c.left)? {
                Value::Optional(_, flag) => Test::Cond(tasklet::Expr::Var(flag)),
                value => not(identical(&value, &Value::None, span)?),
            };
            return self.test_value(if *op == CmpOp::Is { not(given) } else { given }, span);
        }
        if let [op @ (CmpOp::Is | CmpOp::IsNot | CmpOp::Eq | CmpOp::NotEq)] = &*c.ops
            && let [ast::Expr::NoneLiteral(_)] = &*c.comparators
            && let Some((value, flag)) = self.optional_or_tuple(&c.left)
            && (matches!(op, CmpOp::Is | CmpOp::IsNot) || matches!(value, Value::Num(_)))
        {
            let given = Test::Cond(tasklet::Expr::Var(flag));
            let none = matches!(op, CmpOp::Is | CmpOp::Eq);
            return self.test_value(if none { not(given) } else { given }, span);
        }
        if let ([op @ (CmpOp::Eq | CmpOp::NotEq)], [right]) = (&*c.ops, &*c.comparators) {
            let pair = match (self.optional(&c.left), self.optional(right)) {
                (Some((value, flag)), None) => Some((value, self.eval(right)?, flag)),
                (None, Some((value, flag))) => Some((self.eval(&c.left)?, value, flag)),
                _ => None,
            };
            if let Some((a, b, flag)) = pair.filter(|p| matches!(p, (Value::Num(_), Value::Num(_), _))) {
                // No number equals None.
                let same = self.compare_two(CmpOp::Eq, &a, &b, span)?;
                let same = self.test(&same, span)?;
                let same = both(Test::Cond(tasklet::Expr::Var(flag)), same, true);
                return self.test_value(if *op == CmpOp::Eq { same } else { not(same) }, span);
            }
        }
        let mut left = self.eval(&c.left)?;
        let mut all: Option<Value> = None;
        for (op, right) in c.ops.iter().zip(&*c.comparators) {
            let right = match right {
                ast::Expr::Set(set) if matches!(op, CmpOp::In | CmpOp::NotIn) => {
                    Value::Tuple(self.eval_all(&set.elts)?)
                }
                other => self.eval(other)?,
            };
            self.hint = hint.clone().filter(|_| c.ops.len() == 1);
            let one = self.compare_two(*op, &left, &right, span)?;
            all = Some(match all {
                None => one,
                Some(before) => {
                    let (a, b) = (self.test(&before, span)?, self.test(&one, span)?);
                    self.test_value(both(a, b, true), span)?
                }
            });
            left = right;
        }
        Ok(all.unwrap_or(Value::bool(true)))
    }

    /// As [`Importer::optional`], also of tuples.
    fn optional_or_tuple(&self, e: &ast::Expr) -> Option<(Value, weft_ir::names::Name)> {
        let ast::Expr::Name(name) = e else { return None };
        if let Value::Parts(_) = self.variable(name.id.as_str())? {
            let first = self.variable(&crate::parts::part_name(name.id.as_str(), 0))?;
            let Value::Optional(value, flag) = first else { return None };
            return Some((*value, flag));
        }
        self.optional(e)
    }

    /// A name that is `None` where a bool is not set.
    fn optional(&self, e: &ast::Expr) -> Option<(Value, weft_ir::names::Name)> {
        let ast::Expr::Name(name) = e else { return None };
        match self.variable(name.id.as_str())? {
            Value::Optional(value, flag) => Some((*value, flag)),
            _ => None,
        }
    }

    fn compare_two(&mut self, op: CmpOp, left: &Value, right: &Value, span: Span) -> Res<Value> {
        let test = match op {
            CmpOp::Is | CmpOp::IsNot
                if is_small(left) && is_int(right) || is_int(left) && is_small(right) =>
            {
                // Python has each small integer once.
                let op = if op == CmpOp::Is { BinOp::Eq } else { BinOp::Ne };
                return self.binary(op, left, right, span);
            }
            CmpOp::Is | CmpOp::IsNot if matches!((left, right), (Value::Path(_), Value::Path(_))) => {
                Test::Known((left == right) == (op == CmpOp::Is))
            }
            CmpOp::Is => identical(left, right, span)?,
            CmpOp::IsNot => not(identical(left, right, span)?),
            CmpOp::In => self.contains(right, left, span)?,
            CmpOp::NotIn => not(self.contains(right, left, span)?),
            CmpOp::Eq | CmpOp::NotEq if is_text_and_array(left, right) => {
                let value = Value::bool(op == CmpOp::NotEq);
                let shape = if let Value::Array(_) = left { left.shape() } else { right.shape() };
                let out = self.transient("array", DType::Bool, shape);
                self.store(&out, &value, span)?;
                return Ok(Value::Array(out));
            }
            CmpOp::Eq if !are_numbers(left, right) => self.equal(left, right, span)?,
            CmpOp::NotEq if !are_numbers(left, right) => not(self.equal(left, right, span)?),
            CmpOp::Eq => return self.binary(BinOp::Eq, left, right, span),
            CmpOp::NotEq => return self.binary(BinOp::Ne, left, right, span),
            _ if is_order(op) && needs_array(left, right) => {
                let (a, b) = (self.array_like(left.clone(), span)?, self.array_like(right.clone(), span)?);
                return self.compare_two(op, &a, &b, span);
            }
            CmpOp::Lt => return self.binary(BinOp::Lt, left, right, span),
            CmpOp::LtE => return self.binary(BinOp::Le, left, right, span),
            CmpOp::Gt => return self.binary(BinOp::Gt, left, right, span),
            CmpOp::GtE => return self.binary(BinOp::Ge, left, right, span),
        };
        self.test_value(test, span)
    }

    /// Python's `==` as a condition: of sequences their elements, of different kinds of things no.
    fn equal(&mut self, a: &Value, b: &Value, span: Span) -> Res<Test> {
        match (a, b) {
            (Value::Path(_), Value::Str(_) | Value::Path(_)) | (Value::Str(_), Value::Path(_)) => {
                // Element types have several names.
                Ok(Test::Known(match (self.dtype_of(a, span), self.dtype_of(b, span)) {
                    (Ok(x), Ok(y)) => x == y,
                    _ => a == b,
                }))
            }
            (Value::Tuple(_), Value::Tuple(_)) | (Value::List(_), Value::List(_)) => {
                let (Some(x), Some(y)) = (self.elements(a), self.elements(b)) else {
                    return fail(span, "the elements of what is compared are not known");
                };
                let mut all = Test::Known(x.len() == y.len());
                for (x, y) in x.iter().zip(&y) {
                    let one = self.equal(x, y, span)?;
                    all = both(all, one, true);
                }
                Ok(all)
            }
            _ if are_numbers(a, b) => {
                let equal = self.binary(BinOp::Eq, a, b, span)?;
                self.test(&equal, span)
            }
            // No number equals a text.
            (Value::Num(_), Value::Str(_) | Value::None) | (Value::Str(_) | Value::None, Value::Num(_)) => {
                Ok(Test::Known(false))
            }
            _ if is_plain(a) && is_plain(b) => Ok(Test::Known(a == b)),
            _ => fail_hint(
                span,
                format!("comparing {} with {}", a.describe(), b.describe()),
                "compare numbers with numbers, or use np.array_equal",
            ),
        }
    }

    /// `item in container`.
    fn contains(&mut self, container: &Value, item: &Value, span: Span) -> Res<Test> {
        if let (Value::Str(whole), Value::Str(part)) = (container, item) {
            return Ok(Test::Known(whole.contains(part.as_str())));
        }
        if matches!(container, Value::Array(_)) || self.is_grown(container) {
            let hint = self.hint.take();
            let tuples = match container {
                Value::List(id) => self.lists[*id].grown.as_ref().is_some_and(|g| !g.columns.is_empty()),
                _ => false,
            };
            let rows = !matches!(container, Value::Array(_));
            let container = match self.grown(container, span)? {
                Some(view) => Value::Array(self.materialize(&view, view.dtype, span)),
                None => container.clone(),
            };
            let rows = rows && container.shape().len() > 1;
            if rows && !(tuples && matches!(item, Value::Tuple(_))) {
                return fail_hint(span, "'in' on a list of arrays", "compare with each of them");
            }
            let item = if rows { self.array_like(item.clone(), span)? } else { item.clone() };
            if rows && !self.same(&item.shape()[0], &container.shape()[1])?.is_yes() {
                return Ok(Test::Known(false));
            }
            let mut equal = self.binary(BinOp::Eq, &container, &item, span)?;
            if rows {
                let all = Args::new("np.all", vec![equal, Value::int(1)], span);
                equal = self.call_path("numpy.all", all)?;
            }
            let any = self.call_path("numpy.any", Args::new("np.any", vec![equal], span))?;
            self.hint = hint;
            return self.test(&any, span);
        }
        if let Value::Dict(id) = container {
            return self.dict_has(*id, item, span);
        }
        let Some(elements) = self.elements(container) else {
            return fail_hint(
                span,
                format!("'in' on {}", container.describe()),
                "tuples, lists of known length and arrays can be searched",
            );
        };
        let mut any = Test::Known(false);
        for element in elements {
            let one = self.equal(&element, item, span)?;
            any = both(any, one, false);
        }
        Ok(any)
    }

    /// A value as a condition.
    pub fn test(&mut self, v: &Value, span: Span) -> Res<Test> {
        Ok(match v {
            Value::None => Test::Known(false),
            Value::Tuple(items) => Test::Known(!items.is_empty()),
            Value::List(_) if self.is_grown(v) => {
                let n = self.grown(v, span)?.map_or(Expr::zero(), |view| view.shape[0].clone());
                return self.test(&Value::sym(n), span);
            }
            Value::Dict(id) => Test::Known(!self.dicts[*id].items.is_empty()),
            Value::List(_) => Test::Known(!self.elements(v).unwrap_or_default().is_empty()),
            Value::Str(s) => Test::Known(!s.is_empty()),
            Value::Num(Num { src: Src::Cond(c), .. }) => Test::Cond(c.clone()),
            Value::Num(Num { src: Src::Lit(s), .. }) => Test::Known(match *s {
                Scalar::Bool(b) => b,
                Scalar::Int(_, i) => i != 0,
                Scalar::F16(x) => x != f16::ZERO,
                Scalar::F32(x) => x != 0.0,
                Scalar::F64(x) => x != 0.0,
                Scalar::Complex(_, re, im) => re != 0.0 || im != 0.0,
            }),
            Value::Num(Num { src: Src::Sym(e), .. }) => match self.facts().eq(e, &Expr::zero()) {
                Truth::Yes => Test::Known(false),
                Truth::No => Test::Known(true),
                Truth::Unknown => {
                    Test::Cond(tasklet::Expr::bin(BinOp::Ne, tasklet::Expr::Sym(e.clone()), zero(DType::I64)))
                }
            },
            Value::Num(Num { src: Src::Elem(view), .. }) => self.test_element(&view.clone(), span)?,
            Value::Array(view) if view.rank() == 0 => self.test_element(&view.clone(), span)?,
            Value::Array(_) => {
                let reason = "the truth value of an array with more than one element is ambiguous";
                return fail_raises(span, reason, "use .any() or .all()");
            }
            other => return fail(span, format!("{} is not a condition", other.describe())),
        })
    }

    fn test_element(&mut self, view: &View, span: Span) -> Res<Test> {
        let var = self.scalar_var(view, span)?;
        let t = view.dtype;
        Ok(Test::Cond(if t == DType::Bool { var } else { tasklet::Expr::bin(BinOp::Ne, var, zero(t)) }))
    }

    /// An expression as a condition; `and`, `or` and `not` evaluate as little as Python does.
    pub fn test_expr(&mut self, e: &ast::Expr) -> Res<Test> {
        let span = span_of(e);
        match e {
            ast::Expr::UnaryOp(u) if u.op == UnaryOp::Not => {
                self.depth += 1;
                let test = if self.depth > MAX_DEPTH {
                    fail(span, "the expression is nested too deeply")
                } else {
                    self.test_expr(&u.operand)
                };
                self.depth -= 1;
                Ok(not(test?))
            }
            ast::Expr::BoolOp(b) => {
                let and = b.op == ast::BoolOp::And;
                let mut acc = Test::Known(and);
                for value in &b.values {
                    if matches!(acc, Test::Known(known) if known != and) {
                        break;
                    }
                    self.push_region();
                    let mark = self.mark();
                    let next = self.test_expr(value);
                    self.forget(mark);
                    let mut region = self.pop_region();
                    // What always raises is a check in the region: its value does not matter.
                    let next = match next {
                        Err(Stop::Raises) => Test::Known(false),
                        Err(Stop::Diag(d)) if self.plan.defer && matches!(acc, Test::Cond(_)) => {
                            self.push_region();
                            self.refuse_there(&d);
                            region = self.pop_region();
                            Test::Known(false)
                        }
                        other => other?,
                    };
                    acc = self.join_tests(acc, next, and, region, span);
                }
                Ok(acc)
            }
            other => {
                if let Some((value, flag)) = self.optional(other) {
                    let given = self.test(&value, span)?;
                    return Ok(both(Test::Cond(tasklet::Expr::Var(flag)), given, true));
                }
                let value = self.eval(other)?;
                self.test(&value, span)
            }
        }
    }

    /// `acc and next`, where `region` computes `next` and runs only if `acc` does not decide.
    fn join_tests(&mut self, acc: Test, next: Test, and: bool, region: Region, span: Span) -> Test {
        let first = match acc {
            Test::Known(_) => {
                self.append(region);
                return next;
            }
            Test::Cond(c) if region.blocks.is_empty() => return both(Test::Cond(c), next, and),
            Test::Cond(c) => c,
        };
        let cell = self.transient("test", DType::Bool, vec![]);
        self.push_region();
        self.append(region);
        self.set_test(&cell, next, span);
        let inner = self.pop_region();
        self.push_region();
        self.set_test(&cell, Test::Known(!and), span);
        let decided = self.pop_region();
        let (yes, no) = if and { (inner, decided) } else { (decided, inner) };
        self.block("if", BlockKind::Conditional { branches: vec![(first, yes)], otherwise: no }, span);
        Test::Cond(tasklet::Expr::Var(cell.base))
    }

    pub fn set_test(&mut self, cell: &View, test: Test, span: Span) {
        let mut inputs = Inputs::default();
        let code = match test {
            Test::Known(b) => tasklet::Expr::Lit(Scalar::Bool(b)),
            Test::Cond(c) => self.cond_code(&c, &mut inputs),
        };
        self.map_into("set", cell, &inputs, code, span);
    }

    /// A condition as tasklet code: its scalar containers become connectors.
    fn cond_code(&self, c: &tasklet::Expr, inputs: &mut Inputs) -> tasklet::Expr {
        let mut reads = std::collections::BTreeMap::new();
        for var in c.vars() {
            let dtype = self.sdfg.data.get(&var).map_or(DType::Bool, |d: &Data| d.dtype);
            reads.insert(var, inputs.read(&View::full(var, dtype, &[])));
        }
        c.subst_vars(&|n| reads.get(&n).cloned())
    }

    /// A condition as a Python bool.
    pub fn test_value(&mut self, test: Test, span: Span) -> Res<Value> {
        Ok(match test {
            Test::Known(b) => Value::bool(b),
            Test::Cond(c) if c.vars().is_empty() => Value::Num(Num { kind: Kind::Bool, src: Src::Cond(c) }),
            Test::Cond(c) => {
                let mut inputs = Inputs::default();
                let code = self.cond_code(&c, &mut inputs);
                Value::elem(Kind::Bool, self.elementwise("test", DType::Bool, vec![], &inputs, code, span))
            }
        })
    }

    /// `and` and `or` as values: the operand that decides.
    pub fn bool_op(&mut self, b: &ast::ExprBoolOp, span: Span) -> Res<Value> {
        let e = ast::Expr::BoolOp(b.clone());
        let mut boolean = true;
        for value in &b.values {
            boolean &= match value {
                ast::Expr::Compare(_) | ast::Expr::BooleanLiteral(_) => true,
                ast::Expr::UnaryOp(u) => u.op == UnaryOp::Not,
                ast::Expr::Name(n) => {
                    let sure = self.optional(value).is_none();
                    sure && matches!(self.lookup(n.id.as_str(), span)?.kind(), Some(Kind::Bool))
                }
                _ => false,
            };
        }
        if boolean {
            let test = self.test_expr(&e)?;
            return self.test_value(test, span);
        }
        let Some((first, rest)) = b.values.split_first() else { return Ok(Value::bool(true)) };
        let left = self.eval(first)?;
        let left = self.hold(left, span)?;
        let Some((_, more)) = rest.split_first() else { return Ok(left) };
        let right = match more {
            [] => rest[0].clone(),
            _ => ast::Expr::BoolOp(ast::ExprBoolOp { values: rest.to_vec(), ..b.clone() }),
        };
        let and = b.op == ast::BoolOp::And;
        match self.test(&left, span)? {
            Test::Known(known) if known == and => self.eval(&right),
            Test::Known(_) => Ok(left),
            Test::Cond(c) if and => self.choose(
                &c,
                &mut |s, first| {
                    if first { s.eval(&right) } else { Ok(left.clone()) }
                },
                span,
            ),
            Test::Cond(c) => self.choose(
                &c,
                &mut |s, first| {
                    if first { Ok(left.clone()) } else { s.eval(&right) }
                },
                span,
            ),
        }
    }

    pub fn if_expr(&mut self, i: &ast::ExprIf, span: Span) -> Res<Value> {
        let cond = match self.test_expr(&i.test)? {
            Test::Known(known) => return self.eval(if known { &i.body } else { &i.orelse }),
            Test::Cond(c) => c,
        };
        self.choose(&cond, &mut |s, first| s.eval(if first { &i.body } else { &i.orelse }), span)
    }

    /// One of two values by a condition; only the blocks of the one that is taken run.
    fn choose(
        &mut self,
        cond: &tasklet::Expr,
        eval: &mut dyn FnMut(&mut Self, bool) -> Res<Value>,
        span: Span,
    ) -> Res<Value> {
        let mut arms = vec![];
        for first in [true, false] {
            self.push_region();
            let mark = self.mark();
            self.assume_cond(cond, first);
            let value = match eval(self, first) {
                Err(Stop::Diag(d)) if self.plan.defer => {
                    self.refuse_there(&d);
                    Err(Stop::Raises)
                }
                other => other,
            };
            self.forget(mark);
            let region = self.pop_region();
            match value {
                Err(Stop::Raises) => arms.push((None, region)),
                value => arms.push((Some(value?), region)),
            }
        }
        let arms = match &arms[..] {
            [(Some(_), _), (Some(_), _)] => arms.into_iter().filter_map(|(v, r)| Some((v?, r))).collect(),
            _ => return self.only_arm(cond, arms, span),
        };
        let mut arms: Vec<(Value, Region)> = arms;
        let scalars = arms.iter().all(|a| matches!(a.0, Value::Num(_)));
        let kinds: Vec<Kind> = arms.iter().filter_map(|a| a.0.kind()).collect();
        let (kind, shape) = match (&kinds[..], &arms[0].0, &arms[1].0) {
            ([a, b], ..) if scalars && crate::joins::joined(*a, *b).is_some() => {
                if a != b {
                    self.decide(cond, span)?;
                }
                (crate::joins::joined(*a, *b).unwrap_or(*a), vec![])
            }
            (_, Value::Array(x), Value::Array(y))
                if x.dtype == y.dtype && x.rank() == y.rank() && self.same_shape(&x.shape, &y.shape)? =>
            {
                (Kind::Np(x.dtype), x.shape.clone())
            }
            _ => {
                self.decide(cond, span)?;
                return fail_hint(
                    span,
                    "the two values of 'if' and 'else' have different types or shapes",
                    "use np.where",
                );
            }
        };
        let cell = self.transient("chosen", kind.dtype(), shape);
        let flag = self.doubt_of_choice(&arms[0].0, &arms[1].0).map(|other| self.doubted(&cell, other));
        let mut regions = vec![];
        for (value, region) in std::mem::take(&mut arms) {
            self.push_region();
            self.append(region);
            let value = if scalars { self.settled_for(&value, kind.dtype()) } else { value };
            if let Some(flag) = flag {
                self.note_kind(flag, &value, span);
            }
            let stored = self.trusting(|s| s.store(&cell, &value, span));
            let region = self.pop_region();
            stored?;
            regions.push(region);
        }
        let otherwise = regions.pop().unwrap_or_default();
        let yes = regions.pop().unwrap_or_default();
        self.block("if", BlockKind::Conditional { branches: vec![(cond.clone(), yes)], otherwise }, span);
        Ok(if scalars { Value::elem(kind, cell) } else { Value::Array(cell) })
    }

    /// One of two values, where the other always raises.
    fn only_arm(
        &mut self,
        cond: &tasklet::Expr,
        arms: Vec<(Option<Value>, Region)>,
        span: Span,
    ) -> Res<Value> {
        let Some(first) = arms.iter().position(|a| a.0.is_some()) else { return Err(Stop::Raises) };
        let mut regions = vec![Region::default(), Region::default()];
        let mut made = None;
        for (i, (value, region)) in arms.into_iter().enumerate() {
            self.push_region();
            self.append(region);
            if i == first {
                made = value;
            }
            regions[i] = self.pop_region();
        }
        // What the one gives is computed whether or not it is asked for, unless that takes blocks.
        let Some(value) = made else { return Err(Stop::Raises) };
        let value = match &value {
            Value::Num(_) | Value::Array(_) => value,
            _ => return fail(span, "one of the two values of 'if' and 'else' always raises an error"),
        };
        let (kind, shape, scalar) = match &value {
            Value::Array(view) => (Kind::Np(view.dtype), view.shape.clone(), false),
            other => (other.kind().unwrap_or(Kind::Float), vec![], true),
        };
        let cell = self.transient("chosen", kind.dtype(), shape);
        self.push_region();
        self.append(std::mem::take(&mut regions[first]));
        let stored = self.store(&cell, &value, span);
        regions[first] = self.pop_region();
        stored?;
        let otherwise = regions.pop().unwrap_or_default();
        let yes = regions.pop().unwrap_or_default();
        self.block("if", BlockKind::Conditional { branches: vec![(cond.clone(), yes)], otherwise }, span);
        Ok(if scalar { Value::elem(kind, cell) } else { Value::Array(cell) })
    }

    /// The other kind of a number that is one of two.
    fn doubt_of_choice(&self, a: &Value, b: &Value) -> Option<Kind> {
        let (x, y) = match (a, b) {
            (Value::Num(x), Value::Num(y)) => (x.kind, y.kind),
            _ => return None,
        };
        let other = stands_for(x, y).filter(|_| !same_type(x, y)).map(|k| k.1);
        let inner = [a, b].into_iter().filter_map(|v| self.doubt_of(v)).map(|d| d.other);
        inner.chain(other).reduce(Kind::max)
    }

    fn same_shape(&mut self, a: &[Expr], b: &[Expr]) -> Res<bool> {
        for (x, y) in a.iter().zip(b) {
            if !self.same(x, y)?.is_yes() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Restarts with a condition's symbols as constants, if it is about arguments only.
    pub fn decide(&mut self, cond: &tasklet::Expr, span: Span) -> Res<()> {
        let symbols = cond.symbols();
        if cond.vars().is_empty() && symbols.iter().all(|s| self.values.contains_key(s)) {
            let sum = symbols.into_iter().fold(Expr::zero(), |e, s| e + &Expr::sym(s));
            return self.make_constant(&sum, span);
        }
        Ok(())
    }

    /// What a condition over symbols says about them, as facts.
    pub fn assume_cond(&mut self, cond: &tasklet::Expr, holds: bool) {
        let tasklet::Expr::Bin(op, a, b) = cond else { return };
        match (op, holds) {
            (BinOp::And, true) | (BinOp::Or, false) => {
                self.assume_cond(a, holds);
                self.assume_cond(b, holds);
                return;
            }
            _ => {}
        }
        let (tasklet::Expr::Sym(a), b) = (&**a, &**b) else { return };
        let b = match b {
            tasklet::Expr::Sym(b) => b.clone(),
            tasklet::Expr::Lit(Scalar::Int(_, i)) if i64::try_from(*i).is_ok() => Expr::int(*i as i64),
            _ => return,
        };
        let fact = match (op, holds) {
            (BinOp::Lt, true) | (BinOp::Ge, false) => Fact::NonNeg(&b - a - 1),
            (BinOp::Le, true) | (BinOp::Gt, false) => Fact::NonNeg(&b - a),
            (BinOp::Gt, true) | (BinOp::Le, false) => Fact::NonNeg(a - &b - 1),
            (BinOp::Ge, true) | (BinOp::Lt, false) => Fact::NonNeg(a - &b),
            (BinOp::Eq, true) | (BinOp::Ne, false) => Fact::Zero(a - &b),
            _ => return,
        };
        self.assume(fact);
    }
}

/// In what runs on a condition only, an error that always happens is refused.
pub fn sure<T>(value: Res<T>, span: Span) -> Res<T> {
    match value {
        Err(Stop::Raises) => fail(span, "a part of this always raises an error"),
        other => other,
    }
}

pub fn not(test: Test) -> Test {
    match test {
        Test::Known(b) => Test::Known(!b),
        Test::Cond(tasklet::Expr::Un(UnOp::Not, c)) => Test::Cond(*c),
        Test::Cond(c) => Test::Cond(tasklet::Expr::un(UnOp::Not, c)),
    }
}

pub fn both(a: Test, b: Test, and: bool) -> Test {
    match (a, b) {
        (Test::Known(x), other) | (other, Test::Known(x)) => {
            if x == and {
                other
            } else {
                Test::Known(!and)
            }
        }
        (Test::Cond(x), Test::Cond(y)) => {
            Test::Cond(tasklet::Expr::bin(if and { BinOp::And } else { BinOp::Or }, x, y))
        }
    }
}

/// Do NumPy's rules of comparison apply?
fn are_numbers(a: &Value, b: &Value) -> bool {
    let number = |v: &Value| matches!(v, Value::Num(_) | Value::Array(_));
    let sequence = |v: &Value| matches!(v, Value::Tuple(_) | Value::List(_));
    let array = |v: &Value| matches!(v, Value::Array(_)) || v.kind().is_some_and(|k| !k.is_python());
    number(a) && number(b) || array(a) && sequence(b) || sequence(a) && array(b)
}

fn is_int(v: &Value) -> bool {
    v.kind() == Some(Kind::Int)
}

fn is_small(v: &Value) -> bool {
    is_int(v) && v.as_const_int().is_some_and(|i| (-5..=256).contains(&i))
}

fn is_order(op: CmpOp) -> bool {
    matches!(op, CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE)
}

/// Does NumPy make an array of the sequence that is compared with an array?
fn needs_array(a: &Value, b: &Value) -> bool {
    let sequence = |v: &Value| matches!(v, Value::Tuple(_) | Value::List(_));
    let array = |v: &Value| matches!(v, Value::Array(_)) || v.kind().is_some_and(|k| !k.is_python());
    array(a) && sequence(b) || sequence(a) && array(b)
}

fn is_text_and_array(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::Str(_), Value::Array(_)) | (Value::Array(_), Value::Str(_)))
}

/// Nothing that NumPy compares by its elements.
fn is_plain(v: &Value) -> bool {
    match v {
        Value::None | Value::Str(_) | Value::Tuple(_) | Value::List(_) | Value::Path(_) => true,
        Value::Num(num) => num.kind.is_python(),
        _ => false,
    }
}

/// `is`, where it does not depend on what Python shares.
fn identical(a: &Value, b: &Value, span: Span) -> Res<Test> {
    let known = |v: &Value| match v {
        Value::None => Some(2),
        Value::Num(Num { kind: Kind::Bool, src: Src::Lit(Scalar::Bool(b)) }) => Some(i32::from(*b)),
        _ => None,
    };
    match (known(a), known(b)) {
        (Some(x), Some(y)) => Ok(Test::Known(x == y)),
        // A bool that is computed may be either, and what is no bool is neither.
        (Some(2), None) | (None, Some(2)) => Ok(Test::Known(false)),
        (Some(_), None) if b.kind() != Some(Kind::Bool) => Ok(Test::Known(false)),
        (None, Some(_)) if a.kind() != Some(Kind::Bool) => Ok(Test::Known(false)),
        _ => fail_hint(span, "'is' on values that are computed", "compare by =="),
    }
}
