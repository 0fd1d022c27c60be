//! Names across the user's files: whoever refers to a name of another module gets its full name.
//!
//! Python looks a global name up in the module of the function, when the function runs. The files
//! are one flat module here ([`crate::module`]), so references are rewritten once: `helpers.f` and
//! an imported `f` become the one name `helpers.f`. Names that a function binds itself stay.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::visitor::transformer::{self, Transformer};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, ExprContext, Stmt, StmtFunctionDef};
use weft_ir::sdfg::Source;

use crate::module::Bound;

/// What a name stands for.
pub enum Target {
    /// A key of [`crate::module::Module`].
    Key(String),
    /// A module or package of the user's.
    Module(String),
}

/// The user's files and what their top levels bind.
#[derive(Default)]
pub struct Files {
    /// Dotted name to file.
    modules: BTreeMap<String, usize>,
    /// Dotted name, and whether it is a package; the first file has none.
    names: Vec<(String, bool)>,
    pub scopes: Vec<BTreeMap<String, Bound>>,
    /// Final keys of definitions that are not called as they were at first.
    pub renamed: BTreeMap<String, String>,
    /// Builtins that the first file redefines and others use.
    pub shielded: RefCell<BTreeSet<(usize, String)>>,
}

impl Files {
    pub fn new(source: &Source) -> Files {
        let mut files = Files { names: vec![(String::new(), true)], ..Files::default() };
        for (i, file) in source.others.iter().enumerate() {
            files.modules.insert(file.module.clone(), i + 1);
            files.names.push((file.module.clone(), file.package));
        }
        files.scopes = vec![BTreeMap::new(); files.names.len()];
        files
    }

    /// What the keys of a file's definitions begin with.
    pub fn prefix(&self, file: usize) -> String {
        if file == 0 { String::new() } else { format!("{}.", self.names[file].0) }
    }

    pub fn file(&self, module: &str) -> Option<usize> {
        self.modules.get(module).copied()
    }

    /// Is it a module of the user's, or a folder of some?
    pub fn is_user(&self, module: &str) -> bool {
        let below = format!("{module}.");
        self.modules.contains_key(module) || self.modules.keys().any(|m| m.starts_with(&below))
    }

    /// The dotted name that a relative import means.
    pub fn absolute(&self, file: usize, level: u32, written: &str) -> String {
        let (name, package) = &self.names[file];
        absolute(name, *package, level, written)
    }

    /// Names that `from module import *` binds.
    pub fn exported(&self, module: &str) -> Vec<String> {
        let scope = self.file(module).map(|f| &self.scopes[f]);
        scope.into_iter().flat_map(|s| s.keys()).filter(|n| !n.starts_with('_')).cloned().collect()
    }

    pub fn key(&self, key: &str) -> String {
        self.renamed.get(key).cloned().unwrap_or_else(|| key.to_string())
    }

    /// What a name of a file's top level is in the end.
    pub fn find(&self, file: usize, name: &str, depth: u32) -> Option<Target> {
        self.follow(file, name, self.scopes[file].get(name)?, depth)
    }

    fn follow(&self, file: usize, name: &str, bound: &Bound, depth: u32) -> Option<Target> {
        if depth > 50 {
            return None;
        }
        match bound {
            Bound::Own(key) => Some(Target::Key(self.key(key))),
            Bound::Module(module) => Some(Target::Module(module.clone())),
            Bound::Member(module, member) => self.member(module, member, depth + 1),
            Bound::Library(_) | Bound::Unknown(_) => {
                Some(Target::Key(format!("{}{name}", self.prefix(file))))
            }
        }
    }

    fn member(&self, module: &str, name: &str, depth: u32) -> Option<Target> {
        if let Some(found) = self.file(module).and_then(|file| self.find(file, name, depth)) {
            return Some(found);
        }
        let sub = if module.is_empty() { name.to_string() } else { format!("{module}.{name}") };
        self.is_user(&sub).then_some(Target::Module(sub))
    }
}

/// The dotted name of a relative import of `level` dots in the module of that name.
pub fn absolute(name: &str, package: bool, level: u32, written: &str) -> String {
    let mut parts: Vec<&str> = name.split('.').filter(|p| !p.is_empty()).collect();
    if !package {
        parts.pop();
    }
    for _ in 1..level {
        match parts.last() {
            None | Some(&"^") => parts.push("^"),
            Some(_) => drop(parts.pop()),
        }
    }
    parts.extend(written.split('.').filter(|p| !p.is_empty()));
    parts.join(".")
}

/// Rewrites what runs when the file is imported: names are what they are `before` it.
pub fn rename_expr(e: &mut Expr, files: &Files, file: usize, before: &BTreeMap<String, Bound>) {
    let renamer = Renamer { files, file, before: Some(before), locals: RefCell::default() };
    renamer.visit_expr(e);
}

/// Rewrites a function: defaults as when it is defined, the body as when it is called.
pub fn rename_function(
    f: &mut StmtFunctionDef,
    files: &Files,
    file: usize,
    before: &BTreeMap<String, Bound>,
) {
    Renamer { files, file, before: Some(before), locals: RefCell::default() }.defaults(&mut f.parameters);
    Renamer { files, file, before: None, locals: RefCell::default() }.body(f);
}

/// Names that occur in what runs when a definition is reached.
pub fn names_in(e: &Expr, found: &mut BTreeSet<String>) {
    struct Names<'f>(&'f mut BTreeSet<String>);
    impl<'a> Visitor<'a> for Names<'_> {
        fn visit_expr(&mut self, e: &'a Expr) {
            if let Expr::Name(n) = e {
                self.0.insert(n.id.to_string());
            }
            visitor::walk_expr(self, e);
        }
    }
    Names(found).visit_expr(e);
}

struct Renamer<'f> {
    files: &'f Files,
    file: usize,
    before: Option<&'f BTreeMap<String, Bound>>,
    locals: RefCell<Vec<BTreeSet<String>>>,
}

impl Renamer<'_> {
    fn within(&self, locals: BTreeSet<String>, visit: impl FnOnce()) {
        self.locals.borrow_mut().push(locals);
        visit();
        self.locals.borrow_mut().pop();
    }

    fn body(&self, f: &mut StmtFunctionDef) {
        self.within(locals_of(f), || self.visit_body(&mut f.body));
    }

    fn defaults(&self, parameters: &mut ast::Parameters) {
        let all =
            parameters.posonlyargs.iter_mut().chain(&mut parameters.args).chain(&mut parameters.kwonlyargs);
        all.filter_map(|p| p.default.as_mut()).for_each(|d| self.visit_expr(d));
    }

    fn target(&self, name: &str) -> Option<Target> {
        if self.locals.borrow().iter().any(|l| l.contains(name)) {
            return None;
        }
        let found = match self.before.and_then(|b| b.get(name)) {
            Some(bound) => self.files.follow(self.file, name, bound, 0),
            None => self.files.find(self.file, name, 0),
        };
        if found.is_none() && self.file > 0 && self.files.scopes[0].contains_key(name) {
            // Another file's name is not seen from here.
            self.files.shielded.borrow_mut().insert((self.file, name.to_string()));
            return Some(Target::Key(format!("{}{name}", self.files.prefix(self.file))));
        }
        found
    }

    /// `name`, or `module.name` through modules of the user's.
    fn chain(&self, e: &Expr) -> Option<Target> {
        match e {
            Expr::Name(n) => self.target(&n.id),
            Expr::Attribute(a) => match self.chain(&a.value)? {
                Target::Module(module) => self.files.member(&module, &a.attr, 0),
                Target::Key(_) => None,
            },
            _ => None,
        }
    }

    fn comprehension(&self, generators: &mut [ast::Comprehension], results: &mut [&mut Expr]) {
        let mut bound = Locals::default();
        generators.iter().for_each(|g| bound.visit_expr(&g.target));
        if let Some(first) = generators.first_mut() {
            self.visit_expr(&mut first.iter);
        }
        self.within(bound.names, || {
            for (i, generator) in generators.iter_mut().enumerate() {
                if i > 0 {
                    self.visit_expr(&mut generator.iter);
                }
                generator.ifs.iter_mut().for_each(|e| self.visit_expr(e));
            }
            results.iter_mut().for_each(|e| self.visit_expr(e));
        });
    }
}

impl Transformer for Renamer<'_> {
    fn visit_stmt(&self, stmt: &mut Stmt) {
        match stmt {
            Stmt::FunctionDef(f) => {
                self.defaults(&mut f.parameters);
                self.body(f);
            }
            other => transformer::walk_stmt(self, other),
        }
    }

    /// Not evaluated.
    fn visit_annotation(&self, _: &mut Expr) {}

    fn visit_expr(&self, e: &mut Expr) {
        match e {
            Expr::Name(_) | Expr::Attribute(_) => match self.chain(e) {
                Some(Target::Key(key)) => {
                    let range = ruff_text_size::Ranged::range(e);
                    let ctx = match e {
                        Expr::Name(n) => n.ctx,
                        _ => ExprContext::Load,
                    };
                    let name =
                        ast::ExprName { node_index: ast::AtomicNodeIndex::NONE, range, id: key.into(), ctx };
                    *e = Expr::Name(name);
                }
                _ => transformer::walk_expr(self, e),
            },
            Expr::Lambda(lambda) => {
                let mut bound = BTreeSet::new();
                if let Some(parameters) = &mut lambda.parameters {
                    self.defaults(parameters);
                    bound.extend(parameters.iter().map(|p| p.name().to_string()));
                }
                self.within(bound, || self.visit_expr(&mut lambda.body));
            }
            Expr::ListComp(c) => self.comprehension(&mut c.generators, &mut [&mut c.elt]),
            Expr::SetComp(c) => self.comprehension(&mut c.generators, &mut [&mut c.elt]),
            Expr::Generator(c) => self.comprehension(&mut c.generators, &mut [&mut c.elt]),
            other => transformer::walk_expr(self, other),
        }
    }
}

/// Names that a function binds.
pub fn locals_of(f: &StmtFunctionDef) -> BTreeSet<String> {
    let mut found = Locals::default();
    found.names.extend(f.parameters.iter().map(|p| p.name().to_string()));
    found.visit_body(&f.body);
    found.names.retain(|n| !found.globals.contains(n));
    found.names
}

/// Names that these statements bind or change, and those that they declare global.
pub fn disturbed(body: &[Stmt]) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut found = Locals { changes: true, ..Locals::default() };
    found.visit_body(body);
    (found.names, found.globals)
}

/// Names that functions, also inner ones, declare global.
pub fn globals_of(body: &[Stmt]) -> BTreeSet<String> {
    struct Globals(BTreeSet<String>);
    impl<'a> Visitor<'a> for Globals {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            if let Stmt::Global(g) = stmt {
                self.0.extend(g.names.iter().map(|n| n.to_string()));
            }
            visitor::walk_stmt(self, stmt);
        }
    }
    let mut found = Globals(BTreeSet::new());
    found.visit_body(body);
    found.0
}

#[derive(Default)]
struct Locals {
    names: BTreeSet<String>,
    globals: BTreeSet<String>,
    /// Also names whose object is changed: `x[0] = 1`, `x.append(1)`.
    changes: bool,
}

impl Locals {
    fn changed(&mut self, e: &Expr) {
        match e {
            Expr::Name(n) => drop(self.names.insert(n.id.to_string())),
            Expr::Subscript(s) => self.changed(&s.value),
            Expr::Attribute(a) => self.changed(&a.value),
            _ => {}
        }
    }
}

impl<'a> Visitor<'a> for Locals {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let bound = |alias: &ast::Alias| {
            let name = alias.asname.as_ref().unwrap_or(&alias.name).to_string();
            name.split('.').next().unwrap_or_default().to_string()
        };
        match stmt {
            Stmt::FunctionDef(f) => drop(self.names.insert(f.name.to_string())),
            Stmt::ClassDef(c) => drop(self.names.insert(c.name.to_string())),
            Stmt::Import(i) => self.names.extend(i.names.iter().map(bound)),
            Stmt::ImportFrom(i) => self.names.extend(i.names.iter().map(bound)),
            Stmt::Global(g) => self.globals.extend(g.names.iter().map(|n| n.to_string())),
            Stmt::Expr(e) if self.changes => {
                if let Expr::Call(call) = &*e.value
                    && let Expr::Attribute(a) = &*call.func
                {
                    self.changed(&a.value);
                }
            }
            other => visitor::walk_stmt(self, other),
        }
    }

    fn visit_expr(&mut self, e: &'a Expr) {
        match e {
            Expr::Name(n) if !matches!(n.ctx, ExprContext::Load) => {
                self.names.insert(n.id.to_string());
            }
            Expr::Subscript(ast::ExprSubscript { ctx: ExprContext::Store | ExprContext::Del, .. })
            | Expr::Attribute(ast::ExprAttribute { ctx: ExprContext::Store | ExprContext::Del, .. })
                if self.changes =>
            {
                self.changed(e)
            }
            Expr::Lambda(_) => {}
            other => visitor::walk_expr(self, other),
        }
    }

    fn visit_comprehension(&mut self, c: &'a ast::Comprehension) {
        // The target is seen in the comprehension only.
        self.visit_expr(&c.iter);
        c.ifs.iter().for_each(|e| self.visit_expr(e));
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(h) = handler;
        self.names.extend(h.name.iter().map(|n| n.to_string()));
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a ast::Pattern) {
        match pattern {
            ast::Pattern::MatchAs(p) => self.names.extend(p.name.iter().map(|n| n.to_string())),
            ast::Pattern::MatchStar(p) => self.names.extend(p.name.iter().map(|n| n.to_string())),
            _ => {}
        }
        visitor::walk_pattern(self, pattern);
    }
}
