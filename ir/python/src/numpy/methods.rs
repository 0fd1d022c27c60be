//! Methods and attributes of arrays.

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::Expr;
use weft_ir::tasklet::{self, Func};

use super::Function;
use super::PRELUDE_ID;
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail, fail_hint};
use crate::ops::rekind;
use crate::value::{Kind, Num, Src, Value, View, dim};

pub const FUNCTIONS: &[Function] = &[
    Function { name: "ndarray.copy", parameters: "self, ~order=None", run: copy, limits: "" },
    Function {
        name: "ndarray.astype",
        parameters: "self, dtype, ~order=None, ~casting=None, ~subok=None, copy=True",
        run: astype,
        limits: "",
    },
    Function { name: "ndarray.fill", parameters: "self, value", run: fill, limits: "" },
    Function { name: "ndarray.item", parameters: "self, *args", run: item, limits: "" },
    Function { name: "ndarray.transpose", parameters: "self, *axes", run: transpose, limits: "" },
    Function {
        name: "ndarray.reshape",
        parameters: "self, *shape, order='C', ~copy=None",
        run: reshape,
        limits: "",
    },
    Function { name: "ndarray.flatten", parameters: "self, order='C'", run: flatten, limits: "" },
    Function { name: "ndarray.dot", parameters: "self, b, out=None", run: dot, limits: "" },
];

/// Functions of NumPy that arrays have as methods with the same parameters.
const SAME: &[&str] = &[
    "sum",
    "prod",
    "max",
    "min",
    "any",
    "all",
    "mean",
    "std",
    "var",
    "ptp",
    "argmax",
    "argmin",
    "cumsum",
    "cumprod",
    "clip",
    "round",
    "ravel",
    "squeeze",
    "swapaxes",
    "repeat",
    "take",
    "nonzero",
    "argsort",
    "searchsorted",
    "trace",
    "diagonal",
    "conj",
    "conjugate",
    "choose",
    "put",
];

fn copy(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    match b.get("self") {
        Value::Num(num) => s.snapshot(&num, b.span).map(Value::Num),
        Value::Array(view) => Ok(Value::Array(s.materialize(&view, view.dtype, b.span))),
        other => Ok(other),
    }
}

fn astype(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (object, t) = (b.get("self"), b.get("dtype"));
    let t = s.dtype_of(&t, b.span)?;
    let copies = b.flag("copy")?;
    if !copies && object.kind().map(Kind::dtype) == Some(t) {
        return Ok(object);
    }
    s.convert(&object, t, b.span)
}

fn fill(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.as_view(&b.get("self"), b.span)?;
    let value = b.get("value");
    s.store(&view, &value, b.span)?;
    Ok(Value::None)
}

fn item(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let mut view = s.as_view(&b.get("self"), span)?;
    let rest = std::mem::take(&mut b.rest);
    if !rest.is_empty() {
        let mut items = vec![];
        for v in rest {
            items.push(crate::bounds::Item::Index(s.as_int(&v, span)?));
        }
        let element = s.part(&view, &items, span)?;
        view = s.as_view(&element, span)?;
    }
    while view.rank() > 0 {
        let n = view.shape[0].clone();
        if !s.same(&n, &Expr::one())?.is_yes() {
            if s.on_sample(&n).is_some() {
                return fail(span, "item() of an array that has more than one element");
            }
            let one = tasklet::Expr::bin(
                tasklet::BinOp::Eq,
                tasklet::Expr::Sym(n),
                tasklet::Expr::Sym(Expr::one()),
            );
            s.check(one, "item() of an array that does not have one element", span);
        }
        view = view.fix_dim(0, &Expr::zero());
    }
    let value = Value::elem(Kind::Np(view.dtype), view.clone());
    match view.dtype {
        t if t.is_float() => s.python_scalar(&value, Kind::Float, span),
        t if t.is_complex() => s.python_scalar(&value, Kind::Complex, span),
        DType::Bool => s.python_scalar(&value, Kind::Bool, span),
        _ => s.truncated(&value, span),
    }
}

fn transpose(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.as_view(&b.get("self"), b.span)?;
    let axes = match &b.rest[..] {
        [] => None,
        [one] if s.elements(one).is_some() || *one == Value::None => Some(one.clone()),
        many => Some(Value::Tuple(many.to_vec())),
    };
    s.transpose(&view, axes, b.span)
}

fn reshape(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.as_view(&b.get("self"), b.span)?;
    let shape = match &b.rest[..] {
        [one] => one.clone(),
        many => Value::Tuple(many.to_vec()),
    };
    let order = b.text("order")?;
    s.reshape_in(&view, &shape, order.as_deref(), b.span)
}

fn flatten(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let view = s.as_view(&b.get("self"), b.span)?;
    let order = b.text("order")?;
    let flat = s.reshape_in(&view, &Value::int(-1), order.as_deref(), b.span)?;
    match flat {
        Value::Array(v) if v.base == view.base => Ok(Value::Array(s.materialize(&v, v.dtype, b.span))),
        other => Ok(other),
    }
}

fn dot(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (x, y) = (b.get("self"), b.get("b"));
    let y = s.array_like(y, b.span)?;
    let value = s.product(&x, &y, false, b.span)?;
    s.give_out(b.given("out"), value, b.span)
}

impl Importer<'_> {
    pub fn call_method(&mut self, object: Value, name: &str, mut args: Args) -> Res<Value> {
        let span = args.span;
        args.name = name.to_string();
        match &object {
            Value::List(id) => return self.list_method(*id, name, args),
            Value::Tuple(items) => return self.tuple_method(&items.clone(), name, args),
            Value::Array(_) | Value::Num(Num { src: Src::Elem(_), .. }) => {}
            Value::Num(Num { kind: Kind::Np(_), .. }) => {}
            other => {
                return fail(span, format!("the method '{name}' of {} is not supported", other.describe()));
            }
        }
        if matches!(name, "conj" | "conjugate") && !object.kind().is_some_and(|k| k.dtype().is_complex()) {
            // The method gives real arrays themselves, the function a copy.
            return Ok(object);
        }
        args.pos.insert(0, object);
        if let Some(function) = super::find(&format!("ndarray.{name}")) {
            let mut bound = args.bind(function.parameters)?;
            return (function.run)(self, &mut bound);
        }
        if SAME.contains(&name) && super::is_known(&format!("numpy.{name}")) {
            return self.call_path(&format!("numpy.{name}"), args);
        }
        let in_prelude = format!("ndarray__{name}");
        if super::PRELUDE_MODULE.functions.contains_key(&in_prelude) {
            return self.inline(PRELUDE_ID, &in_prelude, args);
        }
        fail_hint(span, format!("the method '{name}' is not supported"), "use arithmetic, slices and loops")
    }

    /// `a.T`, `a.shape`, …, or a method.
    pub fn attribute(&mut self, base: Value, name: &str, span: Span) -> Res<Value> {
        let kind = base.kind();
        match (&base, name) {
            (Value::Path(path), _) => self.path_value(format!("{path}.{name}"), span),
            (Value::Array(_) | Value::Num(_), "shape") => {
                Ok(Value::Tuple(base.shape().into_iter().map(Value::sym).collect()))
            }
            (Value::Array(v), "T" | "mT") => {
                let n = v.rank();
                let mut perm: Vec<usize> = (0..n).rev().collect();
                if name == "mT" {
                    perm = (0..n).collect();
                    if n < 2 {
                        return fail(span, "mT takes at least two dimensions");
                    }
                    perm.swap(n - 1, n - 2);
                }
                Ok(Value::Array(v.permute(&perm)))
            }
            (Value::Array(v), "size") => Ok(Value::sym(v.shape.iter().fold(Expr::one(), |a, n| &a * n))),
            (Value::Array(v), "ndim") => Ok(Value::int(v.rank() as i64)),
            (Value::Num(Num { kind: Kind::Np(_), .. }), "size") => Ok(Value::int(1)),
            (Value::Num(Num { kind: Kind::Np(_), .. }), "ndim") => Ok(Value::int(0)),
            (Value::Num(Num { kind: Kind::Np(_), .. }), "T") => Ok(base),
            (Value::Array(_) | Value::Num(_), "dtype") => {
                Ok(Value::Path(format!("numpy.{}", kind.map_or("float64", |k| k.dtype().numpy()))))
            }
            (Value::Array(_) | Value::Num(Num { kind: Kind::Np(_), .. }), "itemsize" | "nbytes") => {
                let size = Expr::int(kind.map_or(8, |k| k.dtype().size()) as i64);
                let count = base.shape().iter().fold(Expr::one(), |a, n| &a * n);
                self.int_value(if name == "itemsize" { size } else { &size * &count }, span)
            }
            (Value::Array(_) | Value::Num(_), "real" | "imag") => self.complex_part(&base, name, span),
            (Value::Array(v), "flat") => {
                let flat = self.reshape(&v.clone(), &Value::int(-1), span)?;
                Ok(match flat {
                    Value::Array(flat) if flat.base != v.base => Value::Array(one_by_one(v)),
                    flat => flat,
                })
            }
            (Value::Array(_) | Value::Num(_), "strides" | "data" | "base" | "flags" | "ctypes") => fail_hint(
                span,
                format!("the attribute '{name}' is not supported"),
                "arithmetic, slices and shapes are",
            ),
            (Value::Array(_) | Value::Num(_) | Value::List(_) | Value::Tuple(_), _) => {
                Ok(Value::Method(Box::new(base), name.to_string()))
            }
            _ => fail(span, format!("{} has no attribute '{name}'", base.describe())),
        }
    }

    /// `x.real` and `x.imag`: of real numbers, themselves and zeros.
    pub fn complex_part(&mut self, v: &Value, name: &str, span: Span) -> Res<Value> {
        let t = v.kind().map_or(DType::F64, Kind::dtype);
        if t.is_complex() {
            let func = if name == "real" { Func::Real } else { Func::Imag };
            let part = self.map1(name, v, t, t.part(), |x| tasklet::Expr::call(func, x), span)?;
            let part = match v {
                Value::Array(whole) => self.stands_for(part, whole.base),
                _ => part,
            };
            return Ok(if v.kind() == Some(Kind::Complex) { rekind(part, Kind::Float) } else { part });
        }
        if name == "real" {
            return Ok(v.clone());
        }
        match v {
            Value::Array(view) => {
                let out = self.transient("array", t, view.shape.clone());
                self.store(&out, &Value::int(0), span)?;
                Ok(self.stands_for(Value::Array(out), view.base))
            }
            _ => Ok(Value::int(0)),
        }
    }

    /// A copy that NumPy does not make: a write to one of the two would have to reach the other.
    fn stands_for(&mut self, copy: Value, of: Name) -> Value {
        if let Value::Array(view) = &copy
            && view.base != of
        {
            self.parts.insert(view.base, of);
        }
        copy
    }
}

/// The elements of an array in the order of its rows, wherever they are.
fn one_by_one(view: &View) -> View {
    let at = Expr::sym(dim(0));
    let mut below = Expr::one();
    let mut index = vec![Expr::zero(); view.rank()];
    for d in (0..view.rank()).rev() {
        let place = at.floor_div(&below);
        index[d] = if d == 0 { place } else { place.modulo(&view.shape[d]) };
        below = &below * &view.shape[d];
    }
    // They have no common distance.
    View { at: view.index(&index), shape: vec![below], strides: vec![Expr::zero()], ..view.clone() }
}
