//! The functions that are known: one table a family, from which the documentation is made as well.
//!
//! A function is either carried out here, on abstract values, or written in Python in `prelude/` and
//! inlined like the user's own: `numpy.linalg.norm` is `numpy__linalg__norm` there.

mod create;
mod einsum;
mod elementwise;
mod facts;
mod grid;
mod join;
mod library;
mod linspace;
mod methods;
mod pad;
mod product;
mod python;
mod rearrange;
mod reduce;
mod repeat;
mod shape;
mod types;
pub mod ufunc;
mod windows;

use std::sync::{Arc, LazyLock};

use weft_ir::names::Name;
use weft_ir::sdfg::{Source, Span};

use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail_hint};
use crate::module::Module;
use crate::value::Value;

pub use product::same_kind;

/// A function on abstract values.
pub struct Function {
    /// `numpy.zeros`, `builtins.len`, `ndarray.sum`, ….
    pub name: &'static str,
    /// As in Python; see [`Args::bind`].
    pub parameters: &'static str,
    pub run: fn(&mut Importer, &mut Bound) -> Res<Value>,
    /// What is not supported of it, as a sentence; empty if nothing.
    pub limits: &'static str,
}

impl Function {
    /// A function of which all is supported.
    pub const fn new(
        name: &'static str,
        parameters: &'static str,
        run: fn(&mut Importer, &mut Bound) -> Res<Value>,
    ) -> Function {
        Function { name, parameters, run, limits: "" }
    }
}

const TABLES: &[&[Function]] = &[
    create::FUNCTIONS,
    einsum::FUNCTIONS,
    elementwise::FUNCTIONS,
    facts::FUNCTIONS,
    grid::FUNCTIONS,
    join::FUNCTIONS,
    library::FUNCTIONS,
    linspace::FUNCTIONS,
    methods::FUNCTIONS,
    pad::FUNCTIONS,
    product::FUNCTIONS,
    python::FUNCTIONS,
    rearrange::FUNCTIONS,
    reduce::FUNCTIONS,
    repeat::FUNCTIONS,
    shape::FUNCTIONS,
    types::FUNCTIONS,
    windows::FUNCTIONS,
];

/// Other names of the same function.
const ALIASES: &[(&str, &str)] = &[
    ("amax", "max"),
    ("amin", "min"),
    ("product", "prod"),
    ("alltrue", "all"),
    ("sometrue", "any"),
    ("round_", "round"),
    ("around", "round"),
    ("cumproduct", "cumprod"),
    ("asanyarray", "asarray"),
    ("concat", "concatenate"),
    ("permute_dims", "transpose"),
    ("linalg.matrix_transpose", "matrix_transpose"),
    ("linalg.matmul", "matmul"),
    ("linalg.outer", "outer"),
    ("linalg.tensordot", "tensordot"),
    ("linalg.cross", "cross"),
    ("linalg.vecdot", "vecdot"),
    ("row_stack", "vstack"),
    ("trapz", "trapezoid"),
    ("in1d", "isin"),
    ("pow", "power"),
];

/// The functions that are written in Python.
const PRELUDE: &str = concat!(
    include_str!("../prelude/basic.py"),
    include_str!("../prelude/shape.py"),
    include_str!("../prelude/stats.py"),
    include_str!("../prelude/sort.py"),
    include_str!("../prelude/sets.py"),
    include_str!("../prelude/poly.py"),
    include_str!("../prelude/scalars.py"),
    include_str!("../prelude/ints.py"),
    include_str!("../prelude/complex.py"),
    include_str!("../prelude/linalg.py"),
    include_str!("../prelude/fft.py")
);

pub static PRELUDE_MODULE: LazyLock<Module> = LazyLock::new(|| {
    let source = Arc::new(Source::new("<numpy>", PRELUDE));
    Module::parse(source).unwrap_or_else(|d| panic!("the prelude does not parse: {d:?}"))
});

/// The prelude among [`Importer::modules`].
pub const PRELUDE_ID: usize = 1;

/// The canonical name of a path: `numpy.amax` is `numpy.max`.
fn canonical(path: &str) -> String {
    let Some(name) = path.strip_prefix("numpy.") else { return path.into() };
    match ALIASES.iter().find(|a| a.0 == name) {
        Some((_, to)) => format!("numpy.{to}"),
        None => path.into(),
    }
}

pub fn find(path: &str) -> Option<&'static Function> {
    TABLES.iter().flat_map(|t| t.iter()).find(|f| f.name == path)
}

/// The name that a function has in the prelude.
fn in_prelude(path: &str) -> Option<String> {
    let name = path.replace('.', "__");
    PRELUDE_MODULE.functions.contains_key(&name).then_some(name)
}

/// Is this path a function, as far as the tables say?
pub fn is_known(path: &str) -> bool {
    let path = canonical(path);
    find(&path).is_some() || in_prelude(&path).is_some() || ufunc::is_ufunc(&path)
}

impl Importer<'_> {
    /// New arrays in C order, as NumPy's are: that decides where a `reshape` of them copies.
    fn in_rows(&mut self, value: Value, given: &[Name], span: Span) -> Value {
        match value {
            Value::Array(v) if v.rank() > 1 && !given.contains(&v.base) => {
                let whole =
                    self.sdfg.data.get(&v.base).is_some_and(|d| d.transient && d.shape.len() == v.rank());
                let turned = whole && v.order().len() == v.rank() && !v.order().is_sorted();
                Value::Array(if turned { self.materialize(&v, v.dtype, span) } else { v })
            }
            Value::Tuple(items) => {
                Value::Tuple(items.into_iter().map(|v| self.in_rows(v, given, span)).collect())
            }
            other => other,
        }
    }

    /// Calls a function by its path.
    pub fn call_path(&mut self, path: &str, mut args: Args) -> Res<Value> {
        let path = canonical(path);
        args.name = path.strip_prefix("builtins.").unwrap_or(&path).replace("numpy.", "np.");
        if let Some(name) = path.strip_prefix("math.").filter(|_| in_prelude(&path).is_none()) {
            return self.call_math(name, args);
        }
        match path.as_str() {
            "builtins.dict" => return self.dict_call(&mut args),
            "builtins.type" if args.pos.len() == 1 => return self.type_of(&args.pos[0].clone(), args.span),
            "builtins.callable" if args.pos.len() == 1 => {
                let callable = matches!(
                    args.pos[0],
                    Value::Path(_) | Value::User(..) | Value::Closure(_) | Value::Method(..)
                );
                return Ok(Value::bool(callable));
            }
            _ => {}
        }
        if let Some(value) = self.of_library(&path, &mut args)? {
            return Ok(value);
        }
        let ours = self.frames.last().is_some_and(|f| f.module == PRELUDE_ID);
        if let Some(function) = find(&path).filter(|f| ours || !f.name.starts_with("weft.")) {
            let mut bound = args.bind(function.parameters)?;
            return (function.run)(self, &mut bound);
        }
        if let Some(name) = in_prelude(&path) {
            let (span, mut given) = (args.span, vec![]);
            args.pos.iter().chain(args.kw.values()).for_each(|v| bases(v, &mut given));
            let value = self.inline(PRELUDE_ID, &name, args)?;
            return Ok(self.in_rows(value, &given, span));
        }
        if let Some(value) = ufunc::call(self, &path, &mut args)? {
            return Ok(value);
        }
        if path.starts_with("numpy.")
            && let Ok(t) = self.dtype_of(&Value::Path(path.clone()), args.span)
        {
            let span = args.span;
            let mut bound = args.bind("x=0")?;
            let x = bound.get("x");
            let x = self.array_like(x, span)?;
            let value = self.convert(&x, t, span)?;
            return Ok(self.numpy_kind(value));
        }
        let module = path.split('.').next().unwrap_or(&path).to_string();
        match module.as_str() {
            "numpy" | "math" | "cmath" | "builtins" => fail_hint(
                args.span,
                format!("{} is not supported", args.name),
                "write it with arithmetic, slices and loops",
            ),
            _ => fail_hint(
                args.span,
                format!("'{path}' is not supported"),
                format!("NumPy and math are known, {module} is not"),
            ),
        }
    }
}

/// The containers of the arrays in a value.
fn bases(v: &Value, found: &mut Vec<Name>) {
    match v {
        Value::Array(view) => found.push(view.base),
        Value::Tuple(items) => items.iter().for_each(|v| bases(v, found)),
        _ => {}
    }
}

/// The table of what is supported: name, parameters, limits; for the documentation.
pub fn support() -> String {
    let mut rows: Vec<(String, String, String)> = vec![];
    for f in TABLES.iter().flat_map(|t| t.iter()).filter(|f| !f.name.starts_with("weft.")) {
        let parameters = f.parameters.replace('~', "");
        rows.push((f.name.replace("builtins.", ""), parameters, f.limits.to_string()));
    }
    for name in ufunc::FUNCTIONS.iter().map(|f| f.0).chain(ufunc::OTHERS.iter().copied()) {
        rows.push((format!("numpy.{name}"), "x, out=None, *, where=True, dtype=None".into(), String::new()));
    }
    for (name, f) in
        PRELUDE_MODULE.functions.iter().filter(|f| f.0.contains("__") && !f.0.starts_with("ufunc"))
    {
        let all = f.parameters.posonlyargs.iter().chain(&f.parameters.args).chain(&f.parameters.kwonlyargs);
        let parameters: Vec<&str> = all.map(|p| p.parameter.name.as_str()).collect();
        let doc = match f.body.first() {
            Some(ruff_python_ast::Stmt::Expr(e)) => match &*e.value {
                ruff_python_ast::Expr::StringLiteral(s) => s.value.to_str().trim().to_string(),
                _ => String::new(),
            },
            _ => String::new(),
        };
        rows.push((name.replace("__", "."), parameters.join(", "), doc));
    }
    rows.sort();
    rows.dedup();
    let mut out = String::from(
        "# NumPy and Python functions that are imported\n\nMade from the tables of the front end by \
         `UPDATE_DOCS=1 cargo test -p weft-python --test docs`. Ufuncs of two arguments take `out`, `where` and \
         `dtype` too, and have `.outer`, `.reduce`, `.accumulate` and `.at`.\n\n| function | parameters | limits |\n|---|---|---|\n",
    );
    for (name, parameters, limits) in rows {
        out += &format!("| `{name}` | `{parameters}` | {} |\n", limits.replace('\n', " "));
    }
    out
}
