//! What annotations and decorators say: types and shapes of parameters, compilers to be ignored.
//!
//! Read are DaCe's `dace.float64[N, M]`, `numpy.typing.NDArray[np.float64]`, `np.ndarray`, jaxtyping's
//! `Float[np.ndarray, "N M"]` and Python's `int`, `float`, `bool`, `complex`. Nothing is evaluated.

use std::sync::Arc;

use ruff_python_ast::{self as ast, Expr};
use ruff_python_parser::parse_expression;
use weft_ir::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::{Source, Span};
use weft_ir::symbolic;

use crate::context::span_of;
use crate::diagnostic::Diagnostic;
use crate::import::{Sample, deep, find};
use crate::module::Module;

/// What an annotation says about the values of a parameter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Declared {
    /// `int`, `float`, `bool` or `complex` of Python.
    Scalar(&'static str),
    /// A scalar of NumPy's.
    NumpyScalar(DType),
    Array {
        /// Any of these; the first is taken where none is given. All if empty.
        dtypes: Vec<DType>,
        /// The extents, where they are known; the rank is known with `Some`.
        shape: Option<Vec<Option<symbolic::Expr>>>,
    },
}

impl Declared {
    /// What the argument has that the annotation does not allow.
    pub fn mismatch(&self, sample: &Sample) -> Option<String> {
        let scalar = match sample {
            Sample::Int(_) => "an int",
            Sample::Float(_) => "a float",
            Sample::Bool(_) => "a bool",
            Sample::Complex(..) => "a complex number",
            Sample::NumpyScalar(_) => "a NumPy scalar",
            Sample::Array { dtype, shape, .. } => return self.array_mismatch(*dtype, shape.len()),
        };
        match self {
            // As Python's checkers see it: an int will do for a float. NumPy's scalars stand for Python's.
            Declared::Scalar(kind) => {
                let rank = |k: &str| ["bool", "int", "float", "complex"].iter().position(|x| *x == k);
                let given = match sample {
                    Sample::Int(_) => "int",
                    Sample::Float(_) => "float",
                    Sample::Bool(_) => "bool",
                    Sample::Complex(..) => "complex",
                    Sample::NumpyScalar(s) if s.dtype() == DType::Bool => "bool",
                    Sample::NumpyScalar(s) if s.dtype().is_int() => "int",
                    Sample::NumpyScalar(s) if s.dtype().is_float() => "float",
                    _ => "complex",
                };
                (rank(given) > rank(kind)).then(|| format!("is annotated as {kind}, and {scalar} is given"))
            }
            Declared::NumpyScalar(dtype) => match sample {
                Sample::NumpyScalar(s) if s.dtype() != *dtype => Some(format!(
                    "is annotated as {}, and a scalar of type {} is given",
                    dtype.numpy(),
                    s.dtype().numpy()
                )),
                _ => None,
            },
            // An array of anything: NumPy takes a number for one.
            Declared::Array { dtypes, shape: None } if dtypes.is_empty() => None,
            Declared::Array { .. } => Some(format!("is annotated as an array, and {scalar} is given")),
        }
    }

    fn array_mismatch(&self, dtype: DType, rank: usize) -> Option<String> {
        let dimensions = |n: usize| if n == 1 { "1 dimension".into() } else { format!("{n} dimensions") };
        match self {
            Declared::Array { dtypes, .. } if !dtypes.is_empty() && !dtypes.contains(&dtype) => {
                let first = dtypes[0].numpy();
                Some(format!("is annotated as an array of {first}, and one of {} is given", dtype.numpy()))
            }
            Declared::Array { shape: Some(shape), .. } if shape.len() != rank => Some(format!(
                "is annotated with {}, and an array of {} is given",
                dimensions(shape.len()),
                dimensions(rank)
            )),
            Declared::Array { .. } => None,
            // Written for one number, called with many: Python's annotations keep nobody from it.
            Declared::Scalar(_) => None,
            Declared::NumpyScalar(dtype) if rank > 0 => Some(format!(
                "is annotated as {}, and an array of {} is given",
                dtype.numpy(),
                dimensions(rank)
            )),
            _ => None,
        }
    }

    /// Symbolic extents, if all are known.
    pub fn extents(&self) -> Option<Vec<symbolic::Expr>> {
        match self {
            Declared::Array { shape: Some(shape), .. } => shape.iter().cloned().collect(),
            _ => None,
        }
    }
}

/// What the annotations of a function's parameters say, in order, with their places; `None` where
/// there is none that is understood.
///
/// # Errors
/// Where the file is not Python, or has no such function.
pub fn annotations(
    source: &Arc<Source>,
    function: &str,
) -> Result<Vec<Option<(Span, Declared)>>, Vec<Diagnostic>> {
    deep(|| {
        let module = Module::parse(source.clone())?;
        Ok(of_function(&module, find(&module, function)?))
    })
}

/// What of a function is read over, and why that is right.
///
/// # Errors
/// As [`annotations`].
pub fn notes(source: &Arc<Source>, function: &str) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    deep(|| {
        let module = Module::parse(source.clone())?;
        let decorators = &find(&module, function)?.decorator_list;
        let ignored = decorators.iter().filter_map(|d| Some((d, check_decorator(&module, d).ok()?)));
        Ok(ignored.map(|(d, note)| Diagnostic::new(span_of(d), note)).collect())
    })
}

fn of_function(module: &Module, f: &ast::StmtFunctionDef) -> Vec<Option<(Span, Declared)>> {
    let parameters = &f.parameters;
    let all = parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs);
    all.map(|p| {
        let annotation = p.parameter.annotation.as_deref()?;
        let reader = Reader { module, text: &module.source.text };
        Some((span_of(annotation), reader.read(annotation, 0)?))
    })
    .collect()
}

/// A decorator that compiles the function elsewhere, and that Weft may therefore ignore.
///
/// # Errors
/// For any other decorator: what it does to the function is not known.
pub(crate) fn check_decorator(module: &Module, d: &ast::Decorator) -> Result<String, Diagnostic> {
    const COMPILERS: [&str; 11] = [
        "dace.program",
        "dace.function",
        "dace.frontend.python.interface.program",
        "numba.jit",
        "numba.njit",
        "numba.decorators.jit",
        "numba.core.decorators.jit",
        "numba.core.decorators.njit",
        "jax.jit",
        "jit",
        "njit",
    ];
    let reader = Reader { module, text: &module.source.text };
    let mut e = &d.expression;
    if let Expr::Call(call) = e {
        e = &call.func;
        let is_partial = matches!(reader.path(e).as_deref(), Some("functools.partial"));
        if let (true, Some(first)) = (is_partial, call.arguments.args.first()) {
            e = first;
        }
    }
    let path = reader.path(e);
    match path.filter(|p| COMPILERS.contains(&p.as_str())) {
        Some(path) => Ok(format!("'@{path}' is ignored: Weft compiles the function itself")),
        None => Err(Diagnostic::new(span_of(d), "a decorated function is not supported")
            .hint("remove the decorator; only those of DaCe, Numba and JAX that compile are ignored")),
    }
}

struct Reader<'m> {
    module: &'m Module,
    /// What ranges refer to.
    text: &'m str,
}

impl Reader<'_> {
    fn read(&self, e: &Expr, depth: u32) -> Option<Declared> {
        if depth > 20 {
            return None;
        }
        match e {
            Expr::StringLiteral(s) => {
                let text = s.value.to_str();
                let parsed = parse_expression(text).ok()?;
                Reader { module: self.module, text }.read(parsed.expr(), depth + 1)
            }
            Expr::Name(n) => match n.id.as_str() {
                _ if self.bound(&n.id) => match self.module.constants.get(n.id.as_str()) {
                    Some(meant) => self.whole(meant, depth + 1),
                    None => self.simple(&self.path(e)?),
                },
                "int" => Some(Declared::Scalar("int")),
                "float" => Some(Declared::Scalar("float")),
                "bool" => Some(Declared::Scalar("bool")),
                "complex" => Some(Declared::Scalar("complex")),
                _ => None,
            },
            Expr::Attribute(_) => self.simple(&self.path(e)?),
            Expr::Subscript(s) => self.subscript(&s.value, &s.slice, depth),
            _ => None,
        }
    }

    /// Reads an expression of the file, wherever this one is.
    fn whole(&self, e: &Expr, depth: u32) -> Option<Declared> {
        Reader { module: self.module, text: &self.module.source.text }.read(e, depth)
    }

    fn bound(&self, name: &str) -> bool {
        let m = self.module;
        m.constants.contains_key(name) || m.imports.contains_key(name) || m.functions.contains_key(name)
    }

    /// The dotted path of a name that is imported.
    fn path(&self, e: &Expr) -> Option<String> {
        match e {
            Expr::Name(n) => match self.module.imports.get(n.id.as_str()) {
                Some(path) => Some(path.clone()),
                None => (!self.bound(&n.id)).then(|| n.id.to_string()),
            },
            Expr::Attribute(a) => Some(format!("{}.{}", self.path(&a.value)?, a.attr)),
            _ => None,
        }
    }

    fn simple(&self, path: &str) -> Option<Declared> {
        if path == "numpy.ndarray" {
            return Some(Declared::Array { dtypes: vec![], shape: None });
        }
        let dtype = dtype(path)?;
        Some(match (dtype, path.starts_with("dace.")) {
            // DaCe's scalar arguments are Python's numbers.
            (DType::I64, true) => Declared::Scalar("int"),
            (DType::F64, true) => Declared::Scalar("float"),
            (DType::C128, true) => Declared::Scalar("complex"),
            (DType::Bool, true) => Declared::Scalar("bool"),
            _ => Declared::NumpyScalar(dtype),
        })
    }

    fn subscript(&self, value: &Expr, slice: &Expr, depth: u32) -> Option<Declared> {
        // `DTYPE = dace.float64` at the top level.
        if let Expr::Name(n) = value
            && let Some(meant) = self.module.constants.get(n.id.as_str())
            && depth < 20
        {
            return self.subscript(meant, slice, depth + 1);
        }
        let path = self.path(value)?;
        let items: &[Expr] = match slice {
            Expr::Tuple(t) => &t.elts,
            one => std::slice::from_ref(one),
        };
        if let Some(dtype) = path.starts_with("dace.").then(|| dtype(&path)).flatten() {
            let shape = items.iter().map(|e| self.extent(e)).collect();
            return Some(Declared::Array { dtypes: vec![dtype], shape: Some(shape) });
        }
        match path.as_str() {
            "numpy.typing.NDArray" => {
                let dtypes = items.first().and_then(|e| dtype(&self.path(e)?)).into_iter().collect();
                Some(Declared::Array { dtypes, shape: None })
            }
            "numpy.ndarray" => Some(self.ndarray(items)),
            "typing.Annotated" | "typing_extensions.Annotated" => self.read(items.first()?, depth + 1),
            "typing.Final" => self.read(items.first()?, depth + 1),
            path => self.jaxtyping(path.strip_prefix("jaxtyping.")?, items),
        }
    }

    /// `np.ndarray[tuple[int, int], np.dtype[np.float64]]`, also with plain types.
    fn ndarray(&self, items: &[Expr]) -> Declared {
        let inside = |e: &Expr| match e {
            Expr::Subscript(s) if self.path(&s.value).as_deref() == Some("numpy.dtype") => {
                self.path(&s.slice)
            }
            other => self.path(other),
        };
        let dtypes = items.get(1).and_then(|e| dtype(&inside(e)?)).into_iter().collect();
        let shape = match items.first() {
            Some(Expr::Subscript(s))
                if matches!(self.path(&s.value).as_deref(), Some("tuple" | "typing.Tuple")) =>
            {
                match &*s.slice {
                    Expr::Tuple(t) if t.elts.iter().any(Expr::is_ellipsis_literal_expr) => None,
                    Expr::Tuple(t) => Some(vec![None; t.elts.len()]),
                    _ => Some(vec![None]),
                }
            }
            Some(Expr::Tuple(t)) => Some(t.elts.iter().map(|e| self.extent(e)).collect()),
            _ => None,
        };
        Declared::Array { dtypes, shape }
    }

    /// `Float[Array, "N M"]`: the type, and one word a dimension.
    fn jaxtyping(&self, name: &str, items: &[Expr]) -> Option<Declared> {
        use DType::*;
        let mut dtypes = match name {
            "Float" => vec![F64, F32],
            "Int" => vec![I64, I32, I16, I8],
            "UInt" => vec![U64, U32, U16, U8],
            "Integer" => vec![I64, I32, I16, I8, U64, U32, U16, U8],
            "Complex" => vec![C128, C64],
            "Inexact" => vec![F64, F32, C128, C64],
            "Real" => vec![F64, F32, I64, I32, I16, I8, U64, U32, U16, U8],
            "Num" => vec![F64, F32, C128, C64, I64, I32, I16, I8, U64, U32, U16, U8],
            "Bool" => vec![Bool],
            "Shaped" => vec![],
            other => vec![DType::from_numpy(&other.to_lowercase())?],
        };
        dtypes.dedup();
        let Some(Expr::StringLiteral(words)) = items.get(1) else {
            return Some(Declared::Array { dtypes, shape: None });
        };
        let mut shape = vec![];
        for word in words.value.to_str().split_whitespace() {
            if word.starts_with('*') || word == "..." {
                return Some(Declared::Array { dtypes, shape: None });
            }
            // `#N` may be broadcast: its extent is N or 1.
            let broadcast = word.starts_with('#');
            let word = word.trim_start_matches(['?', '_', '#']);
            let word = word.split_once('=').map_or(word, |(_, value)| value);
            let known = symbolic::Expr::parse(word).ok().filter(|_| !broadcast);
            shape.push(known.map(|e| self.constants(e)));
        }
        Some(Declared::Array { dtypes, shape: Some(shape) })
    }

    fn extent(&self, e: &Expr) -> Option<symbolic::Expr> {
        let span = span_of(e);
        let text = self.text.get(span.start as usize..span.end as usize)?;
        symbolic::Expr::parse(text).ok().map(|e| self.constants(e))
    }

    /// Numbers of the top level in place of their names.
    fn constants(&self, e: symbolic::Expr) -> symbolic::Expr {
        e.subst(&|name: Name| match self.module.constants.get(name.as_str()) {
            Some(Expr::NumberLiteral(ast::ExprNumberLiteral { value: ast::Number::Int(i), .. })) => {
                i.as_i64().map(symbolic::Expr::int)
            }
            _ => None,
        })
    }
}

/// The element type that a dotted path of NumPy or DaCe names.
fn dtype(path: &str) -> Option<DType> {
    let name = path.strip_prefix("numpy.").or_else(|| path.strip_prefix("dace."))?;
    match name {
        "bool" | "bool_" => Some(DType::Bool),
        "double" | "float_" => Some(DType::F64),
        "single" => Some(DType::F32),
        "intp" | "int_" => Some(DType::I64),
        "csingle" => Some(DType::C64),
        "cdouble" | "complex_" => Some(DType::C128),
        name => DType::from_numpy(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(text: &str) -> Module {
        Module::parse(Arc::new(Source::new("k.py", text))).unwrap_or_else(|d| panic!("{d:?}"))
    }

    const HEAD: &str = "import dace\nimport dace as dc\nimport numpy as np\nimport numpy.typing as npt\n\
        from numpy.typing import NDArray\nfrom jaxtyping import Float, Float64, Int32, Array\nfrom dace import float32\n\
        N = dace.symbol('N')\nN2, M = (dc.symbol(s, dtype=dc.int64) for s in ('N2', 'M'))\nT = dc.float64\nK = 4\n\
        V = np.float32\n";

    fn shown(annotation: &str) -> String {
        let m = module(&format!("{HEAD}def f(a: {annotation}):\n    pass\n"));
        let found = of_function(&m, &m.functions["f"]);
        match found.into_iter().next().flatten() {
            None => "nothing".into(),
            Some((_, Declared::Scalar(kind))) => kind.into(),
            Some((_, Declared::NumpyScalar(dtype))) => format!("np.{}", dtype.numpy()),
            Some((_, Declared::Array { dtypes, shape })) => {
                let types: Vec<&str> = dtypes.iter().map(|d| d.numpy()).collect();
                let shape = shape.map(|s| {
                    s.iter().map(|e| e.as_ref().map_or("?".into(), |e| e.to_string())).collect::<Vec<_>>()
                });
                format!(
                    "{}{}",
                    types.join("|"),
                    shape.map_or(String::new(), |s| format!("[{}]", s.join(", ")))
                )
            }
        }
    }

    #[test]
    fn annotations_are_read() {
        for (annotation, expected) in [
            ("dace.float64[N, M]", "float64[N, M]"),
            ("dc.float64[N + 1, 2 * M]", "float64[N + 1, 2*M]"),
            ("float32[N2]", "float32[N2]"),
            ("'dace.int32[N]'", "int32[N]"),
            ("T[K, N]", "float64[4, N]"),
            ("T", "float"),
            ("V", "np.float32"),
            ("dace.int64", "int"),
            ("dace.float32", "np.float32"),
            ("np.float64", "np.float64"),
            ("int", "int"),
            ("'float'", "float"),
            ("npt.NDArray[np.float64]", "float64"),
            ("NDArray[np.int32]", "int32"),
            ("NDArray", "nothing"),
            ("np.ndarray", ""),
            ("np.ndarray[tuple[int, int], np.dtype[np.float32]]", "float32[?, ?]"),
            ("np.ndarray[(N, 3), np.float64]", "float64[N, 3]"),
            ("Float[np.ndarray, 'N M']", "float64|float32[N, M]"),
            ("Float64[Array, 'N 3 K']", "float64[N, 3, 4]"),
            ("Int32[Array, '... N']", "int32"),
            ("Float64[Array, '#N _ n=5']", "float64[?, ?, 5]"),
            ("list[int]", "nothing"),
            ("undefined", "nothing"),
            ("int | None", "nothing"),
        ] {
            assert_eq!(shown(annotation), expected, "{annotation}");
        }
    }

    #[test]
    fn what_does_not_agree_is_said() {
        let array = |dtype, shape: &[i64]| Sample::Array {
            dtype,
            shape: shape.into(),
            fortran: false,
            extents: None,
        };
        let m = module(&format!("{HEAD}def f(a: dace.float64[N], b: float, c: int):\n    pass\n"));
        let found: Vec<Declared> =
            of_function(&m, &m.functions["f"]).into_iter().map(|f| f.expect("declared").1).collect();
        assert_eq!(found[0].mismatch(&array(DType::F64, &[3])), None);
        let wrong = found[0].mismatch(&array(DType::F32, &[3])).expect("another type");
        assert_eq!(wrong, "is annotated as an array of float64, and one of float32 is given");
        let wrong = found[0].mismatch(&array(DType::F64, &[3, 2])).expect("another rank");
        assert_eq!(wrong, "is annotated with 1 dimension, and an array of 2 dimensions is given");
        assert!(found[0].mismatch(&Sample::Int(1)).is_some());
        assert_eq!(found[1].mismatch(&Sample::Int(1)), None);
        assert_eq!(
            found[2].mismatch(&Sample::Float(1.0)).as_deref(),
            Some("is annotated as int, and a float is given")
        );
    }

    #[test]
    fn compilers_are_ignored_and_others_are_not() {
        let judge = |head: &str, decorator: &str| {
            let m = module(&format!("{head}\n@{decorator}\ndef f(a):\n    pass\n"));
            check_decorator(&m, &m.functions["f"].decorator_list[0])
        };
        for (head, decorator) in [
            ("import dace", "dace.program"),
            ("import dace as dc", "dc.program(auto_optimize=True)"),
            ("import numba as nb", "nb.jit(nopython=True, parallel=True)"),
            ("from numba import njit", "njit"),
            ("from numba import jit as compile", "compile(nopython=True)"),
            ("import jax\nfrom functools import partial", "partial(jax.jit, static_argnums=(0,))"),
        ] {
            assert!(judge(head, decorator).is_ok(), "{decorator}");
        }
        for (head, decorator) in [
            ("import functools", "functools.lru_cache"),
            ("import numba", "numba.vectorize"),
            ("def njit(f):\n    return None", "njit"),
            ("", "staticmethod"),
        ] {
            let problem = judge(head, decorator).expect_err(decorator);
            assert!(problem.hint.is_some());
        }
    }
}
