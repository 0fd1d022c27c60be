//! Products of vectors and matrices.

use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Truth};
use weft_ir::tasklet::{self, BinOp};

use super::Function;
use super::PRELUDE_ID;
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail, fail_hint};
use crate::promote::Binary;
use crate::value::{Value, View};

pub const FUNCTIONS: &[Function] = &[
    Function { name: "numpy.dot", parameters: "a, b, out=None", run: dot, limits: "" },
    Function { name: "numpy.matmul", parameters: "a, b, out=None", run: matmul, limits: "" },
    Function { name: "numpy.outer", parameters: "a, b, out=None", run: outer, limits: "" },
    Function::new("numpy.vdot", "a, b", vdot),
    Function::new("numpy.kron", "a, b", kron),
    Function::new("numpy.linalg.multi_dot", "arrays, *, out=None", multi_dot),
    Function::new("numpy.linalg.matrix_power", "a, n", matrix_power),
];

fn vdot(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let (x, y) = (s.view_of(b.get("a"), span)?, s.view_of(b.get("b"), span)?);
    let mut x = Value::Array(x);
    if x.kind().is_some_and(|k| k.dtype().is_complex()) {
        x = s.call_path("numpy.conjugate", Args::new("np.conjugate", vec![x], span))?;
    }
    let (x, y) = (s.flattened(&x, span)?, s.flattened(&Value::Array(y), span)?);
    s.hint = hint;
    s.product(&x, &y, false, span)
}

fn kron(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (x, y) = (b.get("a"), b.get("b"));
    let (x, y) = (s.array_like(x, span)?, s.array_like(y, span)?);
    let rank = x.shape().len().max(y.shape().len());
    if rank == 0 {
        return s.ufunc2(Binary::Op(BinOp::Mul), &x, &y, span);
    }
    let (mut x, mut y) = (s.view_of(x, span)?, s.view_of(y, span)?);
    while x.rank() < rank {
        x = x.insert_dim(0);
    }
    while y.rank() < rank {
        y = y.insert_dim(0);
    }
    let shape = x.shape.iter().zip(&y.shape).map(|(n, m)| Value::sym(n * m)).collect();
    for d in (0..rank).rev() {
        x = x.insert_dim(d + 1);
        y = y.insert_dim(d);
    }
    let blocks = s.ufunc2(Binary::Op(BinOp::Mul), &Value::Array(x), &Value::Array(y), span)?;
    let blocks = s.view_of(blocks, span)?;
    s.reshape(&blocks, &Value::Tuple(shape), span)
}

fn multi_dot(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let arrays = b.get("arrays");
    let hint = s.hint.take();
    let parts = s.parts_of(&arrays, b.span)?;
    s.hint = hint;
    if parts.len() < 2 || parts.iter().any(|p| !(1..=2).contains(&p.rank())) {
        return fail(b.span, "multi_dot takes at least two matrices; the first and the last may be vectors");
    }
    if parts[1..parts.len() - 1].iter().any(|p| p.rank() != 2) {
        return fail(b.span, "only the first and the last array of multi_dot may be vectors");
    }
    let value = s.chain(&parts, b.span)?;
    s.give_out(b.given("out"), value, b.span)
}

fn matrix_power(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let (mut view, n) = (s.view_of(b.get("a"), span)?, b.get("n"));
    let n = s.known_int(&n, "the exponent of a matrix", span)?;
    let rank = view.rank();
    if rank < 2 {
        return fail(span, "matrix_power takes at least two dimensions");
    }
    let message = "last 2 dimensions of the array must be square";
    s.must_be_zero(&(&view.shape[rank - 1] - &view.shape[rank - 2]), message, span)?;
    if n == 0 {
        s.hint = hint;
        let out = s.transient("power", view.dtype, view.shape.clone());
        s.store(&out, &Value::int(0), span)?;
        let diagonal = s.diagonal_of(&out, rank - 2, rank - 1, &Expr::zero(), span)?;
        s.store(&diagonal, &Value::int(1), span)?;
        return Ok(Value::Array(out));
    }
    if n < 0 {
        let inverse =
            s.call_path("numpy.linalg.inv", Args::new("np.linalg.inv", vec![Value::Array(view)], span))?;
        view = s.view_of(inverse, span)?;
    }
    let mut left = n.unsigned_abs();
    if left == 1 {
        s.hint = hint;
        return Ok(Value::Array(s.materialize(&view, view.dtype, span)));
    }
    // Squares, as NumPy takes them; the third power is the square by the matrix.
    let (mut square, mut result) = (Value::Array(view.clone()), None);
    if left == 3 {
        let two = s.product(&square, &square, true, span)?;
        s.hint = hint;
        return s.product(&two, &square, true, span);
    }
    while left > 0 {
        if left & 1 == 1 {
            result = Some(match result {
                None => square.clone(),
                Some(r) => s.product(&r, &square, true, span)?,
            });
        }
        left >>= 1;
        if left > 0 {
            square = s.product(&square, &square, true, span)?;
        }
    }
    Ok(result.unwrap_or(square))
}

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
                let (a, b) = (&self.as_array_kind(a, span)?, &self.as_array_kind(b, span)?);
                return self.ufunc2(Binary::Op(BinOp::Mul), a, b, span);
            }
            (Value::Array(x), Value::Array(y), Some(1 | 2), Some(1 | 2)) => (x, y),
            (Value::Array(_), Value::Array(_), Some(1..), Some(1..)) => {
                if let (false, Value::Array(x), Value::Array(y)) = (matmul, a, b) {
                    let second = y.rank().saturating_sub(2);
                    return self.sum_over(x, y, &[x.rank() - 1], &[second], span);
                }
                let name = "stacked_matmul";
                return self.inline(PRELUDE_ID, name, Args::new(name, vec![a.clone(), b.clone()], span));
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
        if t == DType::F16 {
            // Added up in single precision and rounded.
            let (x, y) = (self.convert(a, DType::F32, span)?, self.convert(b, DType::F32, span)?);
            let product = self.product(&x, &y, matmul, span)?;
            self.hint = hint;
            return self.convert(&product, t, span);
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

    /// The product of a chain of matrices, in the order that needs the fewest multiplications on the sample.
    fn chain(&mut self, parts: &[View], span: Span) -> Res<Value> {
        let [first, .., last] = parts else { return Ok(Value::Array(parts[0].clone())) };
        if let [one, two] = parts {
            return self.product(&Value::Array(one.clone()), &Value::Array(two.clone()), false, span);
        }
        // The extents between the factors; a vector is a row at the front, a column at the end.
        let mut extents = vec![if first.rank() == 2 { first.shape[0].clone() } else { Expr::one() }];
        extents.extend(parts[..parts.len() - 1].iter().map(|p| p.shape[p.rank() - 1].clone()));
        extents.push(if last.rank() == 2 { last.shape[1].clone() } else { Expr::one() });
        let extent = |e: &Expr| self.on_sample(e).unwrap_or(1) as f64;
        let extents: Vec<f64> = extents.iter().map(extent).collect();
        let n = parts.len();
        let (mut cost, mut cut) = (vec![vec![0.0; n]; n], vec![vec![0; n]; n]);
        for length in 1..n {
            for i in 0..n - length {
                let j = i + length;
                cost[i][j] = f64::INFINITY;
                for k in i..j {
                    let c = cost[i][k] + cost[k + 1][j] + extents[i] * extents[k + 1] * extents[j + 1];
                    if c < cost[i][j] {
                        (cost[i][j], cut[i][j]) = (c, k);
                    }
                }
            }
        }
        let k = cut[0][n - 1];
        let hint = self.hint.take();
        let (left, right) = (self.chain(&parts[..=k], span)?, self.chain(&parts[k + 1..], span)?);
        self.hint = hint;
        self.product(&left, &right, false, span)
    }

    /// A Python number as what NumPy makes of it where it takes arrays.
    pub fn as_array_kind(&mut self, v: &Value, span: Span) -> Res<Value> {
        let v = self.as_numpy(v, span)?;
        Ok(self.numpy_kind(v))
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
