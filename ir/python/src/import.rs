//! The entry: samples of arguments in, graph and bindings out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ruff_python_ast as ast;
use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::{Data, Guard, Sdfg, Source, Span, column_major};
use weft_ir::symbolic::Expr;

use crate::context::{Frame, Importer, Plan, Stop, span_of};
use crate::diagnostic::Diagnostic;
use crate::module::Module;
use crate::scan::assigned;
use crate::stmt::{Flow, UNASSIGNED, check_signature};
use crate::value::{Kind, Stale, Value, View};

/// What one argument is like.
#[derive(Clone, PartialEq, Debug)]
pub enum Sample {
    Int(i64),
    Float(f64),
    Bool(bool),
    Complex(f64, f64),
    NumpyScalar(Scalar),
    Array {
        dtype: DType,
        shape: Vec<i64>,
        /// Column-major.
        fortran: bool,
        /// Symbolic extents, one a dimension: `N`, `I + 4`.
        extents: Option<Vec<String>>,
    },
}

/// How a symbol follows from the arguments of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Binding {
    /// The integer parameter of this name.
    Arg(Name),
    /// The extent of an array argument in a dimension.
    Extent(Name, usize),
    /// `(extent - offset) / scale` of an array argument in a dimension, without remainder.
    Solved { arg: Name, dim: usize, scale: i64, offset: i64 },
}

/// An imported function.
#[derive(Clone, PartialEq, Debug)]
pub struct Import {
    pub sdfg: Sdfg,
    pub bindings: BTreeMap<Name, Binding>,
    /// Symbols whose value the graph is made for; each has a guard, or constant extents say it.
    pub constants: BTreeMap<Name, i64>,
}

/// Arguments that this graph is not made for: import again with them.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(pub String);

impl Import {
    /// The symbols' values for a call, if its arguments fit the graph and its guards.
    pub fn bind(&self, arguments: &[(String, Sample)]) -> Result<BTreeMap<Name, i64>, Mismatch> {
        let find = |name: Name| arguments.iter().find(|a| a.0 == name.as_str()).map(|a| &a.1);
        let mut values = BTreeMap::new();
        for (&symbol, binding) in &self.bindings {
            let value = match binding {
                Binding::Arg(name) => match find(*name) {
                    Some(Sample::Int(i)) => Some(*i),
                    _ => None,
                },
                Binding::Extent(arg, dim) => extent(find(*arg), *dim),
                Binding::Solved { arg, dim, scale, offset } => {
                    extent(find(*arg), *dim).map(|n| n - offset).filter(|n| n % scale == 0).map(|n| n / scale)
                }
            };
            let value = value.ok_or_else(|| Mismatch(format!("no value for the symbol '{symbol}'")))?;
            values.insert(symbol, value);
        }
        for &arg in &self.sdfg.args {
            let (Some(data), Some(sample)) = (self.sdfg.data.get(&arg), find(arg)) else { continue };
            fits(arg, data, sample, &values)?;
        }
        for guard in &self.sdfg.guards {
            let (Guard::NonNegative(e) | Guard::Zero(e)) = guard;
            let value = e.eval(&|n| values.get(&n).copied()).map_err(|e| Mismatch(e.to_string()))?;
            let holds = if matches!(guard, Guard::Zero(_)) { value == 0 } else { value >= 0 };
            if !holds {
                return Err(Mismatch(format!("the guard on {e} does not hold")));
            }
        }
        Ok(values)
    }
}

fn extent(sample: Option<&Sample>, dim: usize) -> Option<i64> {
    match sample {
        Some(Sample::Array { shape, .. }) => shape.get(dim).copied(),
        _ => None,
    }
}

fn fits(arg: Name, data: &Data, sample: &Sample, values: &BTreeMap<Name, i64>) -> Result<(), Mismatch> {
    let (dtype, shape) = describe(sample);
    let size = |e: &Expr| e.eval(&|n| values.get(&n).copied()).ok();
    let same =
        data.shape.len() == shape.len() && data.shape.iter().zip(&shape).all(|(e, n)| size(e) == Some(*n));
    if dtype != data.dtype || !same {
        return Err(Mismatch(format!("'{arg}' has another type or shape")));
    }
    if let Sample::Array { fortran, .. } = sample {
        let strides =
            if *fortran { column_major(&data.shape) } else { weft_ir::sdfg::row_major(&data.shape) };
        if strides != data.strides {
            return Err(Mismatch(format!("'{arg}' has another order in memory")));
        }
    }
    Ok(())
}

fn describe(sample: &Sample) -> (DType, Vec<i64>) {
    match sample {
        Sample::Int(_) => (DType::I64, vec![]),
        Sample::Float(_) => (DType::F64, vec![]),
        Sample::Bool(_) => (DType::Bool, vec![]),
        Sample::Complex(..) => (DType::C128, vec![]),
        Sample::NumpyScalar(s) => (s.dtype(), vec![]),
        Sample::Array { dtype, shape, .. } => (*dtype, shape.clone()),
    }
}

/// A parameter of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    pub name: String,
    pub span: Span,
    /// The default as it is written.
    pub default: Option<String>,
}

/// Reserved, not used, but by deeply nested input.
const STACK: usize = 512 << 20;

/// Runs on a stack that nested input does not exhaust.
pub(crate) fn deep<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let spawned =
            std::thread::Builder::new().name("import".into()).stack_size(STACK).spawn_scoped(scope, f);
        spawned.expect("a thread").join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The public functions of a file, in order.
pub fn functions(source: &Arc<Source>) -> Result<Vec<(String, Span)>, Vec<Diagnostic>> {
    deep(|| Module::parse(source.clone()).map(|m| m.public()))
}

/// The function that is meant where none is named: the only public one, or the one named like the file.
pub fn select(source: &Arc<Source>) -> Result<String, Vec<Diagnostic>> {
    let found = functions(source)?;
    let file = source.path.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let named = found.iter().find(|f| f.0 == stem || Some(f.0.as_str()) == stem.strip_suffix("_numpy"));
    match (named, &found[..]) {
        (Some((name, _)), _) => Ok(name.clone()),
        (None, [(name, _)]) => Ok(name.clone()),
        (None, []) => {
            Err(vec![Diagnostic::new(Span { start: 0, end: 0 }, "the file has no public function")])
        }
        (None, [_, second, ..]) => {
            let names: Vec<&str> = found.iter().map(|f| f.0.as_str()).collect();
            let reason = format!("the file has several functions: {}", names.join(", "));
            Err(vec![Diagnostic::new(second.1, reason).hint("name one: FILE.py::FUNCTION")])
        }
    }
}

/// The parameters of a function, in order.
pub fn parameters(source: &Arc<Source>, function: &str) -> Result<Vec<Parameter>, Vec<Diagnostic>> {
    deep(|| {
        let module = Module::parse(source.clone())?;
        let f = find(&module, function)?;
        Ok(all_parameters(f)
            .map(|p| Parameter {
                name: p.parameter.name.to_string(),
                span: span_of(&p.parameter.name),
                default: p.default.as_ref().map(|d| {
                    let span = span_of(&**d);
                    source.text.get(span.start as usize..span.end as usize).unwrap_or_default().to_string()
                }),
            })
            .collect())
    })
}

pub(crate) fn find<'m>(
    module: &'m Module,
    function: &str,
) -> Result<&'m ast::StmtFunctionDef, Vec<Diagnostic>> {
    module.functions.get(function).ok_or_else(|| {
        let reason = format!("the file has no function '{function}'");
        vec![Diagnostic::new(Span { start: 0, end: 0 }, reason)]
    })
}

fn all_parameters(f: &ast::StmtFunctionDef) -> impl Iterator<Item = &ast::ParameterWithDefault> {
    f.parameters.posonlyargs.iter().chain(&f.parameters.args).chain(&f.parameters.kwonlyargs)
}

/// Imports `function` for arguments like these, one for each parameter without a default.
///
/// # Errors
/// All problems that were found in the file, in its order. The fault is the file's.
pub fn import(
    source: Arc<Source>,
    function: &str,
    arguments: &[(String, Sample)],
) -> Result<Import, Vec<Diagnostic>> {
    deep(|| {
        let module = Module::parse(source)?;
        let f = find(&module, function)?;
        check_signature(f, &module).map_err(|d| vec![d])?;
        let mut plan = Plan::default();
        let mut refused = None;
        for _ in 0..400 {
            match attempt(&module, f, arguments, &mut plan) {
                Ok(import) => return Ok(import),
                Err(None) => {}
                Err(Some(mut diags)) => match refused {
                    None => {
                        diags.sort();
                        diags.dedup();
                        refused = Some(diags);
                        plan.defer = true;
                    }
                    Some(first) => return Err(first),
                },
            }
        }
        if let Some(first) = refused {
            return Err(first);
        }
        Err(vec![Diagnostic::new(span_of(&f.name), "the types of the function's variables do not settle")])
    })
}

/// `None` asks for another attempt.
fn attempt(
    module: &Module,
    f: &ast::StmtFunctionDef,
    arguments: &[(String, Sample)],
    plan: &mut Plan,
) -> Result<Import, Option<Vec<Diagnostic>>> {
    let modules = vec![module, &*crate::numpy::PRELUDE_MODULE];
    let mut importer = Importer::new(modules, plan, f.name.as_str());
    importer.sdfg.source = Some(module.source.clone());
    importer.frames.push(Frame { function: f.name.to_string(), ..Frame::default() });
    for local in assigned(&f.body) {
        importer.frame().vars.insert(local, Value::Stale(Stale::new(UNASSIGNED)));
    }
    importer.rest_parameters(f);
    importer.gives_values = crate::scan::returns_value(&f.body);
    let bindings = importer.arguments(f, arguments).map_err(|d| Some(vec![d]))?;
    let flow = importer.run(&f.body);
    match flow {
        Err(Stop::Diag(d)) => importer.diags.push(*d),
        Ok(Flow::Next) if importer.results.as_ref().is_some_and(|r| !r.is_empty()) => {
            importer.no_result(span_of(&f.name));
        }
        _ => {}
    }
    importer.check_aliases();
    for (key, span) in std::mem::take(&mut importer.wanted) {
        if importer.plan.kinds.contains_key(&key) || importer.plan.arrays.contains_key(&key) {
            importer.again = true;
        } else {
            importer.diags.push(Diagnostic::new(span, format!("'{}' {UNASSIGNED}", key.1)));
        }
    }
    if importer.again {
        return Err(None);
    }
    if !importer.diags.is_empty() {
        // What only arguments decide is decided where nothing else works.
        let mut decided = false;
        for symbol in std::mem::take(&mut importer.undecided) {
            let value = importer.values[&symbol];
            decided |= importer.plan.constants.insert(symbol, value).is_none();
        }
        if decided {
            return Err(None);
        }
        return Err(Some(std::mem::take(&mut importer.diags)));
    }
    let sdfg = importer.finish();
    Ok(Import { sdfg, bindings, constants: plan.constants.clone() })
}

impl Importer<'_> {
    /// `*args` and `**kwargs` of the outermost function, which are empty.
    fn rest_parameters(&mut self, f: &ast::StmtFunctionDef) {
        if let Some(rest) = &f.parameters.vararg {
            self.frame().vars.insert(rest.name.to_string(), Value::Tuple(vec![]));
        }
        if let Some(rest) = &f.parameters.kwarg {
            self.dicts.push(crate::dicts::Dict { items: vec![], depth: self.nesting(), site: vec![] });
            let dict = Value::Dict(self.dicts.len() - 1);
            self.frame().vars.insert(rest.name.to_string(), dict);
        }
    }

    /// Containers and symbols of the parameters.
    fn arguments(
        &mut self,
        f: &ast::StmtFunctionDef,
        arguments: &[(String, Sample)],
    ) -> Result<BTreeMap<Name, Binding>, Diagnostic> {
        let mut bindings = BTreeMap::new();
        let names: BTreeSet<&str> = all_parameters(f).map(|p| p.parameter.name.as_str()).collect();
        if let Some((extra, _)) = arguments.iter().find(|a| !names.contains(a.0.as_str())) {
            return Err(Diagnostic::new(
                span_of(&f.name),
                format!("'{}' has no parameter '{extra}'", f.name),
            ));
        }
        let mut given = vec![];
        for p in all_parameters(f) {
            let name = p.parameter.name.as_str();
            match arguments.iter().find(|a| a.0 == name) {
                Some((_, sample)) => given.push((Name::new(name), sample)),
                None if p.default.is_some() => {}
                None => {
                    let reason = format!("no value is given for the parameter '{name}'");
                    return Err(Diagnostic::new(span_of(&p.parameter.name), reason));
                }
            }
            self.reserve(Name::new(name));
        }
        for (name, sample) in &given {
            if let Sample::Int(value) = sample {
                self.symbol(*name, *value, Binding::Arg(*name), &mut bindings);
                self.sdfg.args.push(*name);
            } else {
                self.sdfg.args.push(*name);
            }
        }
        let shapes = self.extents(&given, &mut bindings);
        for (name, sample) in &given {
            let value = self.argument(*name, sample, shapes.get(name));
            self.frame().vars.insert(name.as_str().into(), value);
        }
        self.rebuild();
        for p in all_parameters(f) {
            let (name, Some(default)) = (p.parameter.name.as_str(), &p.default) else { continue };
            if given.iter().all(|g| g.0.as_str() != name) {
                let value = self.eval(default).map_err(|_| {
                    Diagnostic::new(span_of(&**default), "this default is not supported")
                        .hint("give the argument")
                })?;
                self.frame().vars.insert(name.into(), value);
            }
        }
        Ok(bindings)
    }

    fn symbol(&mut self, name: Name, value: i64, binding: Binding, bindings: &mut BTreeMap<Name, Binding>) {
        self.reserve(name);
        self.values.insert(name, value);
        let replaced = self.plan.constants.contains_key(&name) || self.plan.unify.contains_key(&name);
        if replaced && !matches!(binding, Binding::Arg(_)) {
            // No extent is written with it; those that it had say which values are allowed.
            return;
        }
        self.sdfg.symbols.insert(name, DType::I64);
        bindings.insert(name, binding);
        if self.plan.constants.contains_key(&name) {
            self.sdfg.guards.push(Guard::Zero(Expr::sym(name) - value));
        }
    }

    /// The symbol, or the value that it is fixed to, under the plan.
    pub fn known(&self, e: &Expr) -> Expr {
        let mut e = e.clone();
        while e.free_symbols().iter().any(|n| self.plan.unify.contains_key(n)) {
            e = e.subst(&|n| self.plan.unify.get(&n).map(|&to| Expr::sym(to)));
        }
        e.subst(&|n| self.plan.constants.get(&n).map(|&v| Expr::int(v)))
    }

    fn argument(&mut self, name: Name, sample: &Sample, shape: Option<&Vec<Expr>>) -> Value {
        let (dtype, _) = describe(sample);
        let kind = match sample {
            Sample::Int(_) => return Value::sym(self.known(&Expr::sym(name))),
            Sample::Float(x) => {
                self.floats.insert(name, *x);
                Kind::Float
            }
            Sample::Bool(_) => Kind::Bool,
            Sample::Complex(..) => Kind::Complex,
            Sample::NumpyScalar(_) | Sample::Array { .. } => Kind::Np(dtype),
        };
        let shape: Vec<Expr> = shape.cloned().unwrap_or_default();
        let mut data = Data::array(dtype, shape.clone(), false);
        if let Sample::Array { fortran: true, .. } = sample {
            data.strides = column_major(&shape);
        }
        self.sdfg.data.insert(name, data);
        let strides = self.sdfg.data[&name].strides.clone();
        let view = View::whole(name, dtype, &shape, strides);
        if matches!(sample, Sample::Array { .. }) { Value::Array(view) } else { Value::elem(kind, view) }
    }

    /// Symbolic shapes: the spec's where it fits the sample, else one symbol an extent.
    fn extents(
        &mut self,
        given: &[(Name, &Sample)],
        bindings: &mut BTreeMap<Name, Binding>,
    ) -> BTreeMap<Name, Vec<Expr>> {
        let mut dims = vec![];
        for (name, sample) in given {
            let Sample::Array { shape, extents, .. } = sample else { continue };
            for (d, &n) in shape.iter().enumerate() {
                let text = extents.as_ref().and_then(|e| e.get(d));
                let e = text.and_then(|t| Expr::parse(t).ok());
                let clash = |e: &Expr| {
                    e.free_symbols()
                        .iter()
                        .any(|s| given.iter().any(|g| g.0 == *s && !matches!(g.1, Sample::Int(_))))
                };
                dims.push((*name, d, n, e.filter(|e| !clash(e))));
            }
        }
        // Plain occurrences first, then those that must be solved.
        for plain in [true, false] {
            for (name, d, n, e) in &dims {
                let Some(e) = e else { continue };
                let unknown: Vec<Name> =
                    e.free_symbols().into_iter().filter(|s| !self.values.contains_key(s)).collect();
                let [symbol] = unknown[..] else { continue };
                if e.as_sym() == Some(symbol) {
                    self.symbol(symbol, *n, Binding::Extent(*name, *d), bindings);
                } else if !plain
                    && let Some((coefs, rest)) = e.linear(&[symbol])
                    && let Some(offset) = rest.as_int()
                    && coefs[0] != 0
                    && (n - offset) % coefs[0] == 0
                {
                    let binding = Binding::Solved { arg: *name, dim: *d, scale: coefs[0], offset };
                    self.symbol(symbol, (n - offset) / coefs[0], binding, bindings);
                }
            }
        }
        let mut shapes: BTreeMap<Name, Vec<Expr>> = BTreeMap::new();
        for (name, d, n, e) in dims {
            let fitting = e.filter(|e| self.on_sample(e) == Some(n));
            let extent = match fitting {
                Some(e) => e,
                None => self.own_extent(name, d, n, bindings),
            };
            let extent = self.known(&extent);
            shapes.entry(name).or_default().push(extent);
        }
        shapes
    }

    /// `A_0`, or the extent that it was found to equal.
    fn own_extent(&mut self, name: Name, d: usize, n: i64, bindings: &mut BTreeMap<Name, Binding>) -> Expr {
        let taken = |s: Name| self.sdfg.args.contains(&s) || self.values.contains_key(&s);
        let symbol = Name::fresh(&format!("{name}_{d}"), taken);
        if let Some(&same) = self.plan.unify.get(&symbol) {
            return Expr::sym(same);
        }
        self.symbol(symbol, n, Binding::Extent(name, d), bindings);
        Expr::sym(symbol)
    }
}
