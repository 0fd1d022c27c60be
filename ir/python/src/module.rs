//! The top level of the user's Python: functions, imports, constants, of all files as one.
//!
//! Names of the first file stay as they are. What another file of the user's defines gets that
//! module's name in front (`helpers.f`), which no name of Python's has, and whoever refers to it is
//! rewritten by [`crate::link`]: the rest of the front end sees one flat module.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ruff_python_ast::{self as ast, Expr, PySourceType, Stmt, StmtFunctionDef};
use ruff_python_parser::{parse_module, parse_unchecked_source};
use ruff_text_size::{Ranged, TextRange, TextSize};
use weft_ir::sdfg::{Source, Span};

use crate::context::{span, span_of};
use crate::diagnostic::Diagnostic;
use crate::import::deep;
use crate::link::{Files, Target, disturbed, globals_of, names_in, rename_expr, rename_function};

/// Files longer than this are refused before they are parsed.
const MAX_BYTES: usize = 2 << 20;

/// What the top level of a file defines.
pub struct Module {
    pub source: Arc<Source>,
    pub functions: BTreeMap<String, StmtFunctionDef>,
    /// Local name to dotted path: `np` to `numpy`, `sqrt` to `numpy.sqrt`.
    pub imports: BTreeMap<String, String>,
    pub constants: BTreeMap<String, Expr>,
}

/// What a name of a file's top level is, at the point that was reached.
#[derive(Clone)]
pub enum Bound {
    /// Defined in the file, under this key of [`Module`].
    Own(String),
    /// A module of the user's, by its dotted name.
    Module(String),
    /// A name of such a module.
    Member(String, String),
    /// Not of the user's: a dotted path.
    Library(String),
    /// Bound or changed in a way that is not followed, there.
    Unknown(TextRange),
}

/// An import of one of the user's modules as it is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Wanted {
    /// Dots in front: 0 is an absolute import.
    pub level: u32,
    /// Dotted, without the dots in front.
    pub module: String,
}

impl Module {
    pub fn parse(source: Arc<Source>) -> Result<Module, Vec<Diagnostic>> {
        let mut suites: Vec<Vec<Stmt>> = vec![];
        suites.resize_with(source.others.len() + 1, Vec::new);
        for stmt in parse(&source)? {
            suites[source.file_of(span_of(&stmt).start)].push(stmt);
        }
        let suites = suites.into_iter().map(Some).collect();
        let mut reader = Reader { files: Files::new(&source), suites, ..Reader::default() };
        reader.read(0);
        Ok(reader.finish(source))
    }

    /// Functions of the first file whose names do not begin with `_`, in the order of the file.
    pub fn public(&self) -> Vec<(String, Span)> {
        let mut found: Vec<(String, Span)> = self
            .functions
            .iter()
            .filter(|(name, f)| {
                let own = self.source.file_of(span_of(&f.name).start) == 0;
                own && !name.starts_with('_') && !name.contains(['.', '@'])
            })
            .map(|(name, f)| (name.clone(), span_of(&f.name)))
            .collect();
        found.sort_by_key(|f| f.1);
        found
    }
}

/// The statements of all files. Each is parsed by itself first, so that an open parenthesis in one
/// says nothing about another.
fn parse(source: &Source) -> Result<Vec<Stmt>, Vec<Diagnostic>> {
    let mut problems = vec![];
    for (i, (_, range)) in source.files().enumerate() {
        let start = range.start as u32;
        let text = source.text.get(range).unwrap_or_default();
        if text.len() > MAX_BYTES {
            let span = Span { start, end: start };
            problems.push(Diagnostic::new(span, "the file is larger than two megabytes"));
            continue;
        }
        let parsed = parse_unchecked_source(text, PySourceType::Python);
        // What follows an error on its line follows from it.
        let mut last = None;
        for error in parsed.errors() {
            let problem = syntax_error(error, start);
            let line = source.line_column(problem.span.start).0;
            if last.replace(line) != Some(line) {
                problems.push(problem);
            }
        }
        if i == 0 && source.others.is_empty() && problems.is_empty() {
            return Ok(parsed.into_suite().into_iter().collect());
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let parsed = parse_module(&source.text).map_err(|e| vec![syntax_error(&e, 0)])?;
    Ok(parsed.into_suite().into_iter().collect())
}

fn syntax_error(e: &ruff_python_parser::ParseError, start: u32) -> Diagnostic {
    let mut reason = e.error.to_string();
    if let Some(first) = reason.get(..1) {
        reason = first.to_lowercase() + &reason[1..];
    }
    let place = span(e.location + TextSize::from(start));
    Diagnostic::new(place, reason.trim_end_matches('.'))
}

/// The imports of a file's top level, also those that an `if` or a `try` guards. Empty for what is
/// not Python, which [`crate::import`] says.
pub fn wanted(text: &str) -> Vec<Wanted> {
    if text.len() > MAX_BYTES {
        return vec![];
    }
    deep(|| {
        let Ok(parsed) = parse_module(text) else { return vec![] };
        let mut found = BTreeSet::new();
        each_import(&parsed.into_suite(), 0, &mut found);
        found.into_iter().collect()
    })
}

fn each_import(body: &[Stmt], depth: u32, found: &mut BTreeSet<Wanted>) {
    if depth > 20 {
        return;
    }
    for stmt in body {
        match stmt {
            Stmt::Import(import) => {
                found.extend(import.names.iter().map(|a| Wanted { level: 0, module: a.name.to_string() }));
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map(|m| m.to_string()).unwrap_or_default();
                // A name may be a module of the package.
                for alias in import.names.iter().filter(|a| a.name.as_str() != "*") {
                    let dot = if module.is_empty() { "" } else { "." };
                    let module = format!("{module}{dot}{}", alias.name);
                    found.insert(Wanted { level: import.level, module });
                }
                found.insert(Wanted { level: import.level, module });
            }
            Stmt::If(s) => {
                each_import(&s.body, depth + 1, found);
                s.elif_else_clauses.iter().for_each(|c| each_import(&c.body, depth + 1, found));
            }
            Stmt::Try(s) => {
                each_import(&s.body, depth + 1, found);
                for ast::ExceptHandler::ExceptHandler(h) in &s.handlers {
                    each_import(&h.body, depth + 1, found);
                }
                each_import(&s.orelse, depth + 1, found);
            }
            _ => {}
        }
    }
}

/// A definition of the top level with the names that were bound when Python came to it.
enum Definition {
    Function(Box<StmtFunctionDef>),
    Constant(Box<Expr>),
}

/// Reads statement after statement, imported files first.
#[derive(Default)]
struct Reader {
    files: Files,
    suites: Vec<Option<Vec<Stmt>>>,
    file: usize,
    /// Key, file, definition, and what its names were bound to before.
    definitions: Vec<(String, usize, Definition, BTreeMap<String, Bound>)>,
    counts: BTreeMap<String, u32>,
}

impl Reader {
    /// Reads a file that was not read yet.
    fn read(&mut self, file: usize) {
        let Some(suite) = self.suites.get_mut(file).and_then(Option::take) else { return };
        let importer = std::mem::replace(&mut self.file, file);
        let mut globals = BTreeMap::new();
        for mut stmt in suite {
            if let Stmt::FunctionDef(f) = &mut stmt {
                crate::desugar::function(f);
                globals.extend(globals_of(&f.body).into_iter().map(|name| (name, f.name.range())));
            }
            self.stmt(stmt);
        }
        for (name, place) in globals {
            self.bind(&name, Bound::Unknown(place));
        }
        self.file = importer;
    }

    fn scope(&mut self) -> &mut BTreeMap<String, Bound> {
        &mut self.files.scopes[self.file]
    }

    fn bind(&mut self, name: &str, bound: Bound) {
        self.scope().insert(name.to_string(), bound);
    }

    /// A key of its own for each definition; the last one of a name is renamed in the end.
    fn define(&mut self, name: &str, definition: Definition) {
        let plain = format!("{}{name}", self.files.prefix(self.file));
        let count = self.counts.entry(plain.clone()).or_insert(0);
        *count += 1;
        let key = if *count == 1 { plain } else { format!("{plain}@{count}") };
        let mut used = BTreeSet::new();
        match &definition {
            Definition::Function(f) => {
                f.parameters.iter().filter_map(|p| p.default()).for_each(|d| names_in(d, &mut used))
            }
            Definition::Constant(e) => names_in(e, &mut used),
        }
        let scope = self.scope();
        let before = used.into_iter().filter_map(|n| Some((n.clone(), scope.get(&n)?.clone()))).collect();
        self.definitions.push((key.clone(), self.file, definition, before));
        self.bind(name, Bound::Own(key));
    }

    fn stmt(&mut self, stmt: Stmt) {
        match stmt {
            Stmt::FunctionDef(f) => {
                let name = f.name.to_string();
                self.define(&name, Definition::Function(Box::new(f)));
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    let path = alias.name.as_str();
                    let top = path.split('.').next().unwrap_or_default();
                    let bound = self.module(path);
                    match &alias.asname {
                        Some(name) => self.bind(name, bound),
                        None => {
                            let bound = self.module(top);
                            self.bind(top, bound);
                        }
                    }
                }
            }
            Stmt::ImportFrom(import) => self.import_from(&import),
            Stmt::Assign(assign) => assign.targets.iter().for_each(|t| self.assign(t, &assign.value)),
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.assign(&assign.target, value);
                }
            }
            Stmt::AugAssign(a) => self.aug_assign(a),
            Stmt::Try(s) => self.try_stmt(s),
            Stmt::If(s) if !runs(&s.test) => {}
            other => self.unknown(&[other]),
        }
    }

    /// Names that statements bind or change, which are not followed.
    fn unknown(&mut self, body: &[Stmt]) {
        let Some(first) = body.first() else { return };
        let (names, _) = disturbed(body);
        for name in names {
            let is_library = matches!(self.scope().get(&name), Some(Bound::Library(_) | Bound::Module(_)));
            // A method of a library's module changes no name: `np.seterr(...)`.
            if !(is_library && matches!(first, Stmt::Expr(_))) {
                self.bind(&name, Bound::Unknown(first.range()));
            }
        }
    }

    /// What `import path` binds.
    fn module(&mut self, path: &str) -> Bound {
        if !self.files.is_user(path) {
            return Bound::Library(path.into());
        }
        self.read_module(path);
        Bound::Module(path.into())
    }

    /// Reads a module and the packages that it is in, as Python runs them.
    fn read_module(&mut self, path: &str) {
        for (dot, _) in path.match_indices('.') {
            if let Some(file) = self.files.file(&path[..dot]) {
                self.read(file);
            }
        }
        if let Some(file) = self.files.file(path) {
            self.read(file);
        }
    }

    fn import_from(&mut self, import: &ast::StmtImportFrom) {
        let written = import.module.as_ref().map(|m| m.to_string()).unwrap_or_default();
        let module = match import.level {
            0 => written,
            level => self.files.absolute(self.file, level, &written),
        };
        let user = import.level > 0 || self.files.is_user(&module);
        if user {
            self.read_module(&module);
        }
        for alias in &import.names {
            let name = alias.asname.as_ref().unwrap_or(&alias.name).to_string();
            let member = alias.name.to_string();
            match (alias.name.as_str(), user) {
                ("*", true) => {
                    for name in self.files.exported(&module) {
                        self.bind(&name.clone(), Bound::Member(module.clone(), name));
                    }
                }
                ("*", false) => {}
                (_, true) => {
                    let dot = if module.is_empty() { "" } else { "." };
                    self.read_module(&format!("{module}{dot}{member}"));
                    self.bind(&name, Bound::Member(module.clone(), member));
                }
                (_, false) => self.bind(&name, Bound::Library(format!("{module}.{member}"))),
            }
        }
    }

    fn assign(&mut self, target: &Expr, value: &Expr) {
        match target {
            Expr::Name(name) => self.define(&name.id, Definition::Constant(Box::new(value.clone()))),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                let values = match value {
                    Expr::Tuple(t) => &t.elts[..],
                    Expr::List(t) => &t.elts[..],
                    _ => &[],
                };
                if values.len() == elts.len() && !values.iter().chain(elts).any(Expr::is_starred_expr) {
                    // All values are computed before the first name changes.
                    let scope = self.scope().clone();
                    for (target, value) in elts.iter().zip(values) {
                        let after = std::mem::replace(self.scope(), scope.clone());
                        self.assign(target, value);
                        let new = std::mem::replace(self.scope(), after);
                        let changed = new.into_iter().filter(|(n, _)| bound_by(target, n));
                        self.scope().extend(changed);
                    }
                } else {
                    self.forget(target);
                }
            }
            other => self.forget(other),
        }
    }

    fn aug_assign(&mut self, a: ast::StmtAugAssign) {
        let Expr::Name(name) = &*a.target else { return self.forget(&a.target) };
        let left = ast::ExprName { ctx: ast::ExprContext::Load, ..name.clone() };
        let value = ast::ExprBinOp {
            node_index: ast::AtomicNodeIndex::NONE,
            range: a.range,
            left: Box::new(Expr::Name(left)),
            op: a.op,
            right: a.value.clone(),
        };
        self.define(&name.id, Definition::Constant(Box::new(Expr::BinOp(value))));
    }

    /// What an import falls back to is a stand-in for it: `from numba import njit`, else an own one.
    fn try_stmt(&mut self, s: ast::StmtTry) {
        let mut fallback =
            s.handlers.into_iter().flat_map(|h| h.expect_except_handler().body).collect::<Vec<_>>();
        let imported: BTreeSet<String> = s
            .body
            .iter()
            .filter(|s| matches!(s, Stmt::Import(_) | Stmt::ImportFrom(_)))
            .flat_map(|s| disturbed(std::slice::from_ref(s)).0)
            .collect();
        fallback.retain(|s| {
            let (names, _) = disturbed(std::slice::from_ref(s));
            !names.iter().all(|n| imported.contains(n))
        });
        s.body.into_iter().chain(s.orelse).for_each(|stmt| self.stmt(stmt));
        self.unknown(&fallback);
        s.finalbody.into_iter().for_each(|stmt| self.stmt(stmt));
    }

    /// Something is done to what the target's names stand for.
    fn forget(&mut self, target: &Expr) {
        match target {
            Expr::Name(n) => self.bind(&n.id, Bound::Unknown(n.range)),
            Expr::Subscript(s) => self.forget(&s.value),
            Expr::Attribute(a) => self.forget(&a.value),
            Expr::Starred(s) => self.forget(&s.value),
            Expr::Tuple(t) => t.elts.iter().for_each(|e| self.forget(e)),
            Expr::List(t) => t.elts.iter().for_each(|e| self.forget(e)),
            _ => {}
        }
    }

    /// Gives the last definition of a name its plain key, and links all names.
    fn finish(mut self, source: Arc<Source>) -> Module {
        let mut renamed = BTreeMap::new();
        for (file, scope) in self.files.scopes.iter().enumerate() {
            for (name, bound) in scope {
                let plain = format!("{}{name}", self.files.prefix(file));
                match bound {
                    Bound::Own(key) if *key == plain => {}
                    bound => {
                        // The first definition has the plain key, and makes way.
                        renamed.insert(plain.clone(), format!("{plain}@1"));
                        if let Bound::Own(key) = bound {
                            renamed.insert(key.clone(), plain);
                        }
                    }
                }
            }
        }
        self.files.renamed = renamed;
        let files = &self.files;
        // Nothing to rewrite, the usual case.
        let alone = source.others.is_empty() && files.renamed.is_empty();
        let mut module = Module {
            source,
            functions: BTreeMap::new(),
            imports: BTreeMap::new(),
            constants: BTreeMap::new(),
        };
        for (key, file, definition, before) in self.definitions {
            let key = files.key(&key);
            match definition {
                Definition::Function(mut f) => {
                    if !alone {
                        rename_function(&mut f, files, file, &before);
                    }
                    module.functions.insert(key, *f);
                }
                Definition::Constant(mut e) => {
                    if !alone {
                        rename_expr(&mut e, files, file, &before);
                    }
                    module.constants.insert(key, *e);
                }
            }
        }
        for (file, scope) in files.scopes.iter().enumerate() {
            for (name, bound) in scope {
                let plain = format!("{}{name}", files.prefix(file));
                match bound {
                    Bound::Library(path) => drop(module.imports.insert(plain, path.clone())),
                    Bound::Unknown(place) => drop(module.constants.insert(plain, no_constant(*place))),
                    _ => {}
                }
            }
        }
        for (file, name) in files.shielded.borrow().iter() {
            module.imports.insert(format!("{}{name}", files.prefix(*file)), format!("builtins.{name}"));
        }
        // `from helpers import f`: the function can be named on the command line.
        for name in files.scopes[0].keys() {
            if let Some(Target::Key(key)) = files.find(0, name, 0)
                && let Some(f) = module.functions.get(&key).cloned()
            {
                module.functions.entry(name.clone()).or_insert(f);
            }
        }
        module
    }
}

fn bound_by(target: &Expr, name: &str) -> bool {
    match target {
        Expr::Name(n) => n.id.as_str() == name,
        Expr::Tuple(t) => t.elts.iter().any(|e| bound_by(e, name)),
        Expr::List(t) => t.elts.iter().any(|e| bound_by(e, name)),
        Expr::Subscript(s) => bound_by(&s.value, name),
        Expr::Attribute(a) => bound_by(&a.value, name),
        Expr::Starred(s) => bound_by(&s.value, name),
        _ => false,
    }
}

/// An expression that is never a constant.
fn no_constant(range: TextRange) -> Expr {
    Expr::Yield(ast::ExprYield { node_index: ast::AtomicNodeIndex::NONE, range, value: None })
}

/// May a branch of the top level run where the file is imported?
fn runs(test: &Expr) -> bool {
    match test {
        Expr::Compare(c) => !matches!(&*c.left, Expr::Name(n) if n.id.as_str() == "__name__"),
        Expr::Name(n) => n.id.as_str() != "TYPE_CHECKING",
        Expr::Attribute(a) => a.attr.as_str() != "TYPE_CHECKING",
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, bool, &str)], main: &str) -> Module {
        let mut source = Source::new("main.py", main);
        for (module, package, text) in files {
            source.push(format!("{module}.py"), *module, *package, text);
        }
        Module::parse(Arc::new(source)).unwrap_or_else(|d| panic!("{d:?}"))
    }

    /// The source text as names were rewritten: only names, in order.
    fn names(e: &Expr) -> Vec<String> {
        let mut found = BTreeSet::new();
        names_in(e, &mut found);
        found.into_iter().collect()
    }

    fn returned(module: &Module, function: &str) -> Vec<String> {
        let f = module.functions.get(function).unwrap_or_else(|| panic!("no {function}"));
        let value = f.body.iter().find_map(|s| match s {
            Stmt::Return(r) => r.value.as_deref(),
            _ => None,
        });
        names(value.expect("a return"))
    }

    #[test]
    fn modules_of_the_user_are_one_flat_module() {
        let helpers = "import numpy as np\nK = 3\nsum = 1\ndef f(x, k=K):\n    return np.sqrt(x) + k + K + g(x)\n\
                       def g(x):\n    K = x\n    return K + sum + len(x)\n";
        let main = "import helpers as h\nfrom helpers import f as twice, K\ndef len(x):\n    return x\n\
                    def kernel(x):\n    return h.f(x) + twice(x) + K + h.np.pi\n\
                    def other(h, K):\n    return h.f + K\n";
        let m = read(&[("helpers", false, helpers)], main);
        assert_eq!(returned(&m, "kernel"), ["helpers.K", "helpers.f", "helpers.np", "x"]);
        assert_eq!(returned(&m, "other"), ["K", "h"]);
        assert_eq!(returned(&m, "helpers.f"), ["helpers.K", "helpers.g", "helpers.np", "k", "x"]);
        // A builtin is not the first file's function of that name.
        assert_eq!(returned(&m, "helpers.g"), ["K", "helpers.len", "helpers.sum", "x"]);
        assert_eq!(m.imports["helpers.len"], "builtins.len");
        assert_eq!(m.imports["helpers.np"], "numpy");
        let public: Vec<String> = m.public().into_iter().map(|f| f.0).collect();
        assert_eq!(public, ["len", "kernel", "other"]);
    }

    #[test]
    fn packages_and_relative_imports() {
        let files = [
            ("pkg", true, "from .ops import scale\nfrom . import const\n"),
            (
                "pkg.ops",
                false,
                "from .const import C\nfrom ..up import U\ndef scale(x):\n    return C * x + U\n",
            ),
            ("pkg.const", false, "C = 2\n"),
            ("up", false, "U = 5\n"),
            ("^.above", false, "A = 7\n"),
        ];
        let main = "import pkg.const\nfrom pkg import scale\nfrom ..above import A\nfrom .up import *\n\
                    def kernel(x):\n    return scale(x) + pkg.const.C + A + U\n";
        let m = read(&files, main);
        assert_eq!(returned(&m, "kernel"), ["^.above.A", "pkg.const.C", "pkg.ops.scale", "up.U", "x"]);
        assert_eq!(returned(&m, "pkg.ops.scale"), ["pkg.const.C", "up.U", "x"]);
    }

    #[test]
    fn names_are_what_they_are_when_python_comes_by() {
        let main = "N = 3\nM = N * 2\nN = 5\nN += 1\na, b = N, a0\nfrom math import sqrt\n\
                    def sqrt(x, n=N):\n    return N\n\
                    L = [1]\nL.append(2)\nN = 9\nfor i in range(3):\n    Q = i\n";
        let m = read(&[], main);
        assert_eq!(names(&m.constants["M"]), ["N@1"]);
        assert_eq!(names(&m.constants["N@3"]), ["N@2"]);
        assert_eq!(names(&m.constants["a"]), ["N@3"]);
        assert!(names(&m.constants["N"]).is_empty());
        assert_eq!(returned(&m, "sqrt"), ["N"]);
        assert!(!m.imports.contains_key("sqrt"));
        let default = m.functions["sqrt"].parameters.iter().find_map(|p| p.default()).expect("a default");
        assert_eq!(names(default), ["N@3"]);
        for name in ["L", "Q", "i"] {
            assert!(m.constants[name].is_yield_expr(), "{name}");
        }
    }

    #[test]
    fn a_main_block_and_fallbacks_do_not_count() {
        let main = "try:\n    from numba import njit\nexcept ImportError:\n    def njit(f):\n        return f\n\
                    N = 4\nif __name__ == '__main__':\n    N = 5\n";
        let m = read(&[], main);
        assert_eq!(m.imports["njit"], "numba.njit");
        assert!(m.constants["N"].is_number_literal_expr());
    }

    #[test]
    fn a_syntax_error_is_in_its_file() {
        let mut source = Source::new("main.py", "import helpers\n");
        source.push("helpers.py", "helpers", false, "x = (1\n");
        let source = Arc::new(source);
        let Err(problems) = Module::parse(source.clone()) else { panic!("accepted") };
        assert_eq!(source.path_of(problems[0].span.start), "helpers.py");
    }
}
