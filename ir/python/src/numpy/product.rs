//! Products of vectors and matrices.

use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp};

use super::Function;
use crate::args::Bound;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::promote::Binary;
use crate::value::{Value, View};

pub const FUNCTIONS: &[Function] = &[
    Function { name: "numpy.dot", parameters: "a, b, out=None", run: dot, limits: "" },
    Function { name: "numpy.matmul", parameters: "a, b, out=None", run: matmul, limits: "" },
    Function { name: "numpy.outer", parameters: "a, b, out=None", run: outer, limits: "" },
];

fn dot(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    product(s, b, false)
}

fn matmul(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    product(s, b, true)
}

fn product(s: &mut Importer, b: &mut Bound, matmul: bool) -> Res<Value> {
    let hint = s.hint.take();
    let (x, y) = (b.get("a"), b.get("b"));
    let (x, y) = (s.array_like(x, b.span)?, s.array_like(y, b.span)?);
    s.hint = hint;
    let value = s.product(&x, &y, matmul, b.span)?;
    s.give_out(b.given("out"), value, b.span)
}

fn outer(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let (x, y) = (b.get("a"), b.get("b"));
    let (x, y) = (s.array_like(x, b.span)?, s.array_like(y, b.span)?);
    let (x, y) = (s.flattened(&x, b.span)?, s.flattened(&y, b.span)?);
    let value = s.outer("multiply", &x, &y, b.span)?;
    s.give_out(b.given("out"), value, b.span)
}

/// NumPy's `same_kind` casting.
pub fn same_kind(from: DType, to: DType) -> bool {
    let rank = |t: DType| match t {
        DType::Bool => 0,
        t if t.is_unsigned() => 1,
        t if t.is_signed() => 2,
        t if t.is_float() => 3,
        _ => 4,
    };
    rank(from) <= rank(to)
}

impl Importer<'_> {
    /// `a @ b` and `np.dot`.
    pub fn product(&mut self, a: &Value, b: &Value, matmul: bool, span: Span) -> Res<Value> {
        let rank = |v: &Value| match v {
            Value::Array(view) => Some(view.rank()),
            Value::Num(_) => Some(0),
            _ => None,
        };
        let (x, y) = match (a, b, rank(a), rank(b)) {
            (_, _, Some(0), Some(_)) | (_, _, Some(_), Some(0)) if !matmul => {
                return self.ufunc2(Binary::Op(BinOp::Mul), a, b, span);
            }
            (Value::Array(x), Value::Array(y), Some(1 | 2), Some(1 | 2)) => (x, y),
            (Value::Array(_), Value::Array(_), Some(1..), Some(1..)) => {
                let name = if matmul { "stacked_matmul" } else { "stacked_dot" };
                return self.inline(1, name, crate::args::Args::new(name, vec![a.clone(), b.clone()], span));
            }
            (_, _, Some(_), Some(_)) => {
                return fail_hint(span, "a product of scalars by '@'", "use '*'");
            }
            _ => return fail(span, format!("a product of {} and {}", a.describe(), b.describe())),
        };
        let (k, l) = (x.shape[x.rank() - 1].clone(), y.shape[0].clone());
        match self.same(&k, &l)? {
            Truth::Yes => {}
            Truth::No => {
                let (p, q) = (self.show_shape(&x.shape), self.show_shape(&y.shape));
                return fail_hint(
                    span,
                    format!("shapes {p} and {q} do not fit a product"),
                    "the inner extents must be equal",
                );
            }
            Truth::Unknown => {
                let cond = tasklet::Expr::bin(
                    BinOp::Eq,
                    tasklet::Expr::Sym(k.clone()),
                    tasklet::Expr::Sym(l.clone()),
                );
                self.check(cond, format!("the inner extents {k} and {l} of a product differ"), span);
            }
        }
        let t = x.dtype.promote(y.dtype);
        let hint = self.hint.take();
        if t == DType::Bool {
            // True where any pair is: a product of integers that is not zero.
            let (x, y) = (self.convert(a, DType::I64, span)?, self.convert(b, DType::I64, span)?);
            let product = self.product(&x, &y, matmul, span)?;
            self.hint = hint;
            return self.binary(BinOp::Ne, &product, &Value::int(0), span);
        }
        let to = |s: &mut Self, v: &View| if v.dtype == t { v.clone() } else { s.materialize(v, t, span) };
        let (x, y) = (to(self, x), to(self, y));
        self.hint = hint;
        if k.is_one() || l.is_one() {
            return self.product_of_one(&x, &y, span);
        }
        let shape = x.shape[..x.rank() - 1].iter().chain(&y.shape[1..]).cloned().collect();
        let out = self.matmul(&x, &y, shape, span);
        Ok(self.result(out))
    }

    /// A product over one element: in a subset, an extent of 1 cannot be told from an index, so a
    /// library node would not know which dimensions it multiplies.
    fn product_of_one(&mut self, x: &View, y: &View, span: Span) -> Res<Value> {
        let value = |s: &Self, v: View| if v.rank() == 0 { s.result(v) } else { Value::Array(v) };
        let left = if x.rank() == 2 && y.rank() == 2 {
            let mut column = x.clone();
            column.shape[1] = Expr::one();
            column
        } else {
            x.fix_dim(x.rank() - 1, &Expr::zero())
        };
        let (left, right) = (value(self, left), value(self, y.fix_dim(0, &Expr::zero())));
        self.ufunc2(Binary::Op(BinOp::Mul), &left, &right, span)
    }
}
