//! A parsed Python file: functions, imports, constants.

use std::collections::BTreeMap;
use std::sync::Arc;

use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};
use ruff_python_parser::parse_module;
use weft_ir::sdfg::{Source, Span};

use crate::context::{span, span_of};
use crate::diagnostic::Diagnostic;

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

impl Module {
    pub fn parse(source: Arc<Source>) -> Result<Module, Vec<Diagnostic>> {
        if source.text.len() > MAX_BYTES {
            let span = Span { start: 0, end: 0 };
            return Err(vec![Diagnostic::new(span, "the file is larger than two megabytes")]);
        }
        let parsed = parse_module(&source.text).map_err(|e| {
            let mut reason = e.error.to_string();
            if let Some(first) = reason.get(..1) {
                reason = first.to_lowercase() + &reason[1..];
            }
            vec![Diagnostic::new(span(e.location), reason.trim_end_matches('.'))]
        })?;
        let mut module = Module {
            source,
            functions: BTreeMap::new(),
            imports: BTreeMap::new(),
            constants: BTreeMap::new(),
        };
        for stmt in parsed.into_suite() {
            module.add(stmt);
        }
        Ok(module)
    }

    fn add(&mut self, stmt: Stmt) {
        match stmt {
            Stmt::FunctionDef(f) => {
                self.constants.remove(f.name.as_str());
                self.functions.insert(f.name.to_string(), f);
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    let path = alias.name.to_string();
                    match &alias.asname {
                        Some(name) => self.imports.insert(name.to_string(), path),
                        None => {
                            let top = path.split('.').next().unwrap_or_default().to_string();
                            self.imports.insert(top.clone(), top)
                        }
                    };
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map(|m| m.to_string()).unwrap_or_default();
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.imports.insert(name.to_string(), format!("{module}.{}", alias.name));
                }
            }
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    if let Expr::Name(name) = target {
                        self.functions.remove(name.id.as_str());
                        self.constants.insert(name.id.to_string(), (*assign.value).clone());
                    }
                }
            }
            Stmt::AnnAssign(assign) => {
                if let (Expr::Name(name), Some(value)) = (&*assign.target, assign.value) {
                    self.constants.insert(name.id.to_string(), *value);
                }
            }
            _ => {}
        }
    }

    /// Functions whose names do not begin with `_`, in the order of the file.
    pub fn public(&self) -> Vec<(String, Span)> {
        let mut found: Vec<(String, Span)> = self
            .functions
            .iter()
            .filter(|(name, _)| !name.starts_with('_'))
            .map(|(name, f)| (name.clone(), span_of(&f.name)))
            .collect();
        found.sort_by_key(|f| f.1);
        found
    }
}
