//! Library calls as functions of the prelude: sorting, Fourier transforms, equations, factorizations.
//! `weft.qr(a)` there; types, axes, stacks and modes are the prelude's.

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::library::Fit;
use weft_ir::sdfg::{Input, Library, LibraryKind, LibraryOp, Memlet, Span};
use weft_ir::symbolic::{Expr, Subset};

use super::Function;
use crate::args::Bound;
use crate::context::{Importer, Res, fail};
use crate::value::{Value, View};

pub const FUNCTIONS: &[Function] = &[
    Function::new("weft.sort", "a", |s, b| call(s, b, LibraryOp::Sort)),
    Function::new("weft.argsort", "a", |s, b| call(s, b, LibraryOp::ArgSort)),
    Function::new("weft.fft", "a", |s, b| call(s, b, LibraryOp::Fft { inverse: false })),
    Function::new("weft.ifft", "a", |s, b| call(s, b, LibraryOp::Fft { inverse: true })),
    Function::new("weft.cholesky", "a", |s, b| call(s, b, LibraryOp::Cholesky)),
    Function::new("weft.inv", "a", |s, b| call(s, b, LibraryOp::Inv)),
    Function::new("weft.det", "a", |s, b| call(s, b, LibraryOp::Det)),
    Function::new("weft.solve", "a, b", |s, b| call(s, b, LibraryOp::Solve)),
    Function::new("weft.qr", "a", |s, b| call(s, b, LibraryOp::Qr)),
    Function::new("weft.svd", "a", |s, b| call(s, b, LibraryOp::Svd { full: false })),
    Function::new("weft.full_svd", "a", |s, b| call(s, b, LibraryOp::Svd { full: true })),
    Function::new("weft.eigh", "a", |s, b| call(s, b, LibraryOp::Eigh)),
    Function::new("weft.lstsq", "a, b", |s, b| call(s, b, LibraryOp::Lstsq)),
];

/// The result, or a tuple of them. Right-hand sides are matrices, and so is what solves them.
fn call(s: &mut Importer, b: &mut Bound, op: LibraryOp) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let mut operands = vec![];
    for name in ["a", "b"].into_iter().take(op.inputs().len()) {
        let a = b.get(name);
        let a = s.view_of(a, span)?;
        operands.push(s.whole(a, span));
    }
    let types: Vec<(DType, Vec<Expr>)> = operands.iter().map(|v| (v.dtype, v.shape.clone())).collect();
    let Fit { outputs, equal } = match op.fit(&types) {
        Ok(fit) => fit,
        Err(message) => return fail(span, message),
    };
    for (x, y) in equal {
        s.must_be_zero(&(x - y), unequal(op), span)?;
    }
    s.hint = hint;
    let made: Vec<View> =
        outputs.into_iter().map(|(dtype, shape)| s.transient(op.name(), dtype, shape)).collect();
    s.library_call(op, &operands, &made, span);
    let mut results: Vec<Value> = made.into_iter().map(|v| s.result(v)).collect();
    Ok(if results.len() == 1 { results.remove(0) } else { Value::Tuple(results) })
}

/// NumPy's message where extents differ that must not.
fn unequal(op: LibraryOp) -> &'static str {
    match op {
        LibraryOp::Lstsq => "Incompatible dimensions",
        LibraryOp::Solve => {
            "Last 2 dimensions of the array must be square, and the right-hand sides as long as a side"
        }
        _ => "Last 2 dimensions of the array must be square",
    }
}

impl Importer<'_> {
    /// A container of which all is read: the view's own, or a copy.
    fn whole(&mut self, v: View, span: Span) -> View {
        let all = Subset::full(&v.shape);
        let rank = self.sdfg.data.get(&v.base).map_or(0, |d| d.shape.len());
        if v.is_plain() && rank == v.rank() && v.subset().as_ref() == Some(&all) {
            return v;
        }
        self.materialize(&v, v.dtype, span)
    }

    fn library_call(&mut self, op: LibraryOp, operands: &[View], made: &[View], span: Span) {
        let library = Library { label: self.numbered(op.name()), kind: LibraryKind::Call(op) };
        self.state(span, |s| {
            let mut read: Vec<(Name, _)> = vec![];
            for v in operands {
                if !read.iter().any(|r| r.0 == v.base) {
                    read.push((v.base, s.access(v.base, Some(span))));
                }
            }
            let written: Vec<_> = made.iter().map(|v| (v.base, s.access(v.base, Some(span)))).collect();
            let end = |v: &View, nodes: &[(Name, _)], conn: &str| Input {
                node: nodes.iter().find(|n| n.0 == v.base).map(|n| n.1).expect("a node of each container"),
                conn: Name::new(conn),
                memlet: Memlet::new(v.base, v.subset().unwrap_or_default()),
            };
            let inputs: Vec<Input> =
                operands.iter().zip(op.inputs()).map(|(v, c)| end(v, &read, c.0)).collect();
            let outputs: Vec<_> = made.iter().zip(op.outputs()).map(|(v, c)| end(v, &written, c.0)).collect();
            s.library(library, &inputs, &outputs, Some(span));
        });
    }
}
