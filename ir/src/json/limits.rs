//! What DaCe's files have no words for.

use std::collections::BTreeMap;

use crate::dtype::DType;
use crate::names::Name;
use crate::sdfg::{BlockKind, Library, LibraryKind, LibraryOp, Node, Sdfg, Tasklet};
use crate::tasklet::{BinOp, Expr, Func, type_of};

/// Why DaCe could not load or compile the file of a graph, if it could not: a function that its
/// run-time library has not, a library call that it has no node for. Lowercase, no final period.
pub fn nameless_in_dace(sdfg: &Sdfg) -> Option<String> {
    let mut found = None;
    let containers = |n: Name| sdfg.data.get(&n).map(|d| d.dtype);
    sdfg.body.walk(&mut |block| {
        let exprs: Vec<&Expr> = match &block.kind {
            BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => vec![cond],
            BlockKind::Assign { value, .. } => vec![value],
            BlockKind::Conditional { branches, .. } => branches.iter().map(|b| &b.0).collect(),
            _ => vec![],
        };
        let mut wrong = exprs.into_iter().find_map(|e| in_condition(e, &containers));
        if let BlockKind::State(graph) = &block.kind {
            wrong = graph.nodes().find_map(|(_, node)| match node {
                Node::Tasklet(tasklet) => in_tasklet(tasklet),
                Node::Library(Library { label, kind: LibraryKind::Call(op) }) => {
                    let known = matches!(op, LibraryOp::Cholesky | LibraryOp::Inv | LibraryOp::Solve);
                    let name = op.name();
                    (!known)
                        .then(|| format!("'{label}' is a call of {name}, for which DaCe has no library node"))
                }
                Node::Nested(nested) => nameless_in_dace(&nested.sdfg),
                _ => None,
            });
        }
        if found.is_none() {
            found = wrong.map(|w| if w.starts_with('\'') { w } else { format!("'{}' {w}", block.label) });
        }
    });
    found
}

fn in_tasklet(tasklet: &Tasklet) -> Option<String> {
    let mut types: BTreeMap<Name, DType> = tasklet.inputs.iter().chain(&tasklet.outputs).copied().collect();
    for assign in &tasklet.code {
        let known = |n: Name| types.get(&n).copied();
        let mut wrong = None;
        assign.value.visit(&mut |e| {
            if let Expr::Call(func @ (Func::Exp2 | Func::Expm1 | Func::Log2 | Func::Log1p), a) = e
                && type_of(a, &known).is_ok_and(DType::is_complex)
            {
                let text = format!("'{}' takes {} of a complex number", tasklet.label, func.name());
                wrong = Some(format!("{text}, for which DaCe has no function"));
            }
        });
        if wrong.is_some() {
            return wrong;
        }
        if let Ok(dtype) = type_of(&assign.value, &known) {
            types.insert(assign.target, dtype);
        }
    }
    None
}

/// SymPy reads conditions.
fn in_condition(cond: &Expr, types: &dyn Fn(Name) -> Option<DType>) -> Option<String> {
    let mut wrong = None;
    cond.visit(&mut |e| {
        let what = match e {
            Expr::Call(func @ (Func::Erf | Func::Erfc | Func::Gamma | Func::Lgamma | Func::SignBit), _) => {
                func.name()
            }
            Expr::Bin(BinOp::NextAfter, ..) => "nextafter",
            e if type_of(e, types).is_ok_and(DType::is_complex) => "complex numbers",
            _ => return,
        };
        wrong = Some(format!("uses {what}, which DaCe's conditions have not"));
    });
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        nameless_in_dace(&crate::text::parse(text).expect("a graph"))
    }

    #[test]
    fn functions_without_a_name_are_found() {
        let tasklet = |e: &str| {
            said(&format!(
                "sdfg f(z: c128[N], x: f64[N])\n  state s\n    map m [i = 0:N]\n      t: z[i] = {e}\n"
            ))
        };
        assert_eq!(tasklet("exp(z[i]) / z[i]"), None);
        assert_eq!(tasklet("c128(log2(x[i]))"), None);
        let text = "'t' takes log2 of a complex number, for which DaCe has no function";
        assert_eq!(tasklet("log2(z[i])"), Some(text.into()));
        let cond =
            |c: &str| said(&format!("sdfg f(z: c128, x: f64)\n  if {c} @b\n    state s\n      t: x = 1.0\n"));
        assert_eq!(cond("x > 0.5"), None);
        assert_eq!(cond("z == z"), Some("'b' uses complex numbers, which DaCe's conditions have not".into()));
        assert_eq!(cond("erf(x) > 0.5"), Some("'b' uses erf, which DaCe's conditions have not".into()));
    }
}
