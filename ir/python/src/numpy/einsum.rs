//! Sums of products over named dimensions: `einsum`, `tensordot`, `inner`, and `dot` of more dimensions.
//!
//! Two operands at a time, the pair with the smallest result first. What both have and nothing else needs
//! is summed: as a library product where only that is shared, a stack of them where more is; a product
//! of broadcast operands where nothing is summed.

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::{Span, Wcr};
use weft_ir::symbolic::Expr;
use weft_ir::tasklet::BinOp;

use super::Function;
use crate::args::Bound;
use crate::context::{Importer, Res, fail, fail_hint};
use crate::promote::{Binary, convert};
use crate::value::{Num, Src, Value, View};

pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "numpy.einsum",
        parameters: "*operands, out=None, dtype=None, ~order=None, ~casting=None, ~optimize=None",
        run: einsum,
        limits: "",
    },
    Function::new("numpy.tensordot", "a, b, axes=2", tensordot),
    Function::new("numpy.inner", "a, b", inner),
];

/// A dimension's name: a letter, or a number above all letters for what `...` stands for.
type Label = u32;

/// Dimension `i` from the right of what `...` stands for.
const DOTS: Label = 0x20_0000;

/// An array whose dimensions have names, no two the same.
#[derive(Clone)]
struct Named {
    view: View,
    labels: Vec<Label>,
}

impl Named {
    fn at(&self, label: Label) -> Option<usize> {
        self.labels.iter().position(|&l| l == label)
    }

    fn has(&self, label: Label) -> bool {
        self.labels.contains(&label)
    }

    /// With its dimensions in this order; all of them are named.
    fn ordered(&self, labels: &[Label]) -> Named {
        let perm: Vec<usize> = labels.iter().filter_map(|&l| self.at(l)).collect();
        let view = if perm.iter().copied().eq(0..self.view.rank()) {
            self.view.clone()
        } else {
            self.view.permute(&perm)
        };
        Named { view, labels: labels.to_vec() }
    }
}

fn einsum(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let hint = s.hint.take();
    let mut operands = std::mem::take(&mut b.rest);
    let text = match operands.first() {
        Some(Value::Str(text)) => text.clone(),
        _ => {
            let hint = "write them as text, as in 'ij,jk->ik'";
            return fail_hint(span, "np.einsum takes the subscripts as text here", hint);
        }
    };
    operands.remove(0);
    let mut views = vec![];
    for v in operands {
        views.push(s.view_of(v, span)?);
    }
    let dtype = match b.given("dtype") {
        Some(t) => Some(s.dtype_of(&t, span)?),
        None => None,
    };
    let natural = views.iter().map(|v| v.dtype).reduce(DType::promote).unwrap_or(DType::F64);
    let t = dtype.unwrap_or(natural);
    let (inputs, output) = s.subscripts(&text, &views, span)?;
    let mut named = vec![];
    for (view, labels) in views.into_iter().zip(inputs) {
        let view = if view.dtype == t { view } else { s.convert_into_new(&view, t, span)? };
        named.push(s.diagonals(view, labels, span)?);
    }
    s.hint = hint;
    let value = s.contract_all(named, &output, span)?;
    s.give_out(b.given("out"), value, span)
}

fn tensordot(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (x, y) = (s.view_of(b.get("a"), span)?, s.view_of(b.get("b"), span)?);
    let axes = b.get("axes");
    let (left, right) = match s.elements(&axes) {
        Some(items) => match &items[..] {
            [p, q] => (s.ordered_axes(p, x.rank(), span)?, s.ordered_axes(q, y.rank(), span)?),
            _ => return fail(span, "the axes of np.tensordot are a number, or a pair"),
        },
        None => {
            let count = s.known_int(&axes, "the number of axes", span)?;
            match usize::try_from(count) {
                Ok(n) if n <= x.rank() && n <= y.rank() => {
                    ((x.rank() - n..x.rank()).collect(), (0..n).collect())
                }
                _ => return fail(span, "np.tensordot sums over more axes than there are"),
            }
        }
    };
    if left.len() != right.len() {
        return fail(span, "shape-mismatch for sum");
    }
    s.sum_over(&x, &y, &left, &right, span)
}

fn inner(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let (x, y) = (b.get("a"), b.get("b"));
    let (x, y) = (s.array_like(x, span)?, s.array_like(y, span)?);
    if x.shape().is_empty() || y.shape().is_empty() {
        let (x, y) = (s.as_array_kind(&x, span)?, s.as_array_kind(&y, span)?);
        return s.ufunc2(Binary::Op(BinOp::Mul), &x, &y, span);
    }
    let (x, y) = (s.view_of(x, span)?, s.view_of(y, span)?);
    s.sum_over(&x, &y, &[x.rank() - 1], &[y.rank() - 1], span)
}

impl Importer<'_> {
    /// The sum of products over pairs of dimensions; the others of both follow each other.
    pub fn sum_over(
        &mut self,
        x: &View,
        y: &View,
        left: &[usize],
        right: &[usize],
        span: Span,
    ) -> Res<Value> {
        let t = x.dtype.promote(y.dtype);
        let hint = self.hint.take();
        let x = if x.dtype == t { x.clone() } else { self.convert_into_new(x, t, span)? };
        let y = if y.dtype == t { y.clone() } else { self.convert_into_new(y, t, span)? };
        self.hint = hint;
        let first: Vec<Label> = (0..x.rank() as Label).collect();
        let mut second: Vec<Label> = (0..y.rank()).map(|d| (x.rank() + d) as Label).collect();
        for (&p, &q) in left.iter().zip(right) {
            let message = "shape-mismatch for sum";
            self.must_be_zero(&(&x.shape[p] - &y.shape[q]), message, span)?;
            second[q] = first[p];
        }
        let kept = |labels: &[Label], gone: &[usize]| {
            let kept = labels.iter().enumerate().filter(|(d, _)| !gone.contains(d));
            kept.map(|(_, &l)| l).collect::<Vec<_>>()
        };
        let output = [kept(&first, left), kept(&second, right)].concat();
        let operands = vec![Named { view: x, labels: first }, Named { view: y, labels: second }];
        self.contract_all(operands, &output, span)
    }

    /// The dimensions' names of each operand, and those of the result.
    fn subscripts(&self, text: &str, views: &[View], span: Span) -> Res<(Vec<Vec<Label>>, Vec<Label>)> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (&text[..], None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        if terms.len() != views.len() {
            return fail(span, "np.einsum: the number of operands differs from the subscripts'");
        }
        // The letters, and where `...` is among them.
        let parse = |term: &str| {
            let (before, after) = match term.split_once("...") {
                Some((before, after)) => (before, Some(after)),
                None => (term, None),
            };
            let letters: Vec<Label> =
                before.chars().chain(after.unwrap_or("").chars()).map(|c| c as Label).collect();
            let good = before.chars().chain(after.unwrap_or("").chars()).all(|c| c.is_ascii_alphabetic());
            good.then(|| (letters, after.map(|_| before.chars().count())))
        };
        let mut inputs = vec![];
        let mut most = 0;
        for (term, view) in terms.iter().zip(views) {
            let Some((mut labels, dots)) = parse(term) else {
                return fail(span, format!("np.einsum: invalid subscripts '{term}'"));
            };
            let count = view.rank().checked_sub(labels.len());
            match (dots, count) {
                (Some(at), Some(count)) => {
                    labels.splice(at..at, (0..count).rev().map(|i| DOTS + i as Label));
                    most = most.max(count);
                }
                (None, Some(0)) => {}
                _ => {
                    return fail(
                        span,
                        format!("np.einsum: '{term}' does not fit an array of {} dimensions", view.rank()),
                    );
                }
            }
            inputs.push(labels);
        }
        let all: Vec<Label> = inputs.iter().flatten().copied().collect();
        let dots = (0..most).rev().map(|i| DOTS + i as Label);
        let output = match right {
            Some(right) => {
                let Some((mut labels, at)) = parse(right) else {
                    return fail(span, format!("np.einsum: invalid subscripts '{right}'"));
                };
                if let Some(at) = at {
                    labels.splice(at..at, dots);
                }
                labels
            }
            None => {
                let once = |l: &Label| all.iter().filter(|m| *m == l).count() == 1;
                let mut single: Vec<Label> = all.iter().copied().filter(|&l| l < DOTS && once(&l)).collect();
                single.sort_unstable();
                dots.chain(single).collect()
            }
        };
        for (i, label) in output.iter().enumerate() {
            if !all.contains(label) || output[..i].contains(label) {
                return fail(span, "np.einsum: the result has a subscript twice, or one that no operand has");
            }
        }
        Ok((inputs, output))
    }

    /// Dimensions of the same name become one: their diagonal.
    fn diagonals(&mut self, mut view: View, mut labels: Vec<Label>, span: Span) -> Res<Named> {
        while let Some((p, q)) =
            (0..labels.len()).flat_map(|q| (0..q).map(move |p| (p, q))).find(|&(p, q)| labels[p] == labels[q])
        {
            let message = "np.einsum: dimensions of the same subscript have different extents";
            self.must_be_zero(&(&view.shape[p] - &view.shape[q]), message, span)?;
            let (zero, extent, label) = (Expr::zero(), view.shape[p].clone(), labels[p]);
            view = view.diagonal(p, q, (&zero, &zero), extent);
            labels.remove(q);
            labels.remove(p);
            labels.push(label);
        }
        Ok(Named { view, labels })
    }

    fn contract_all(&mut self, mut operands: Vec<Named>, output: &[Label], span: Span) -> Res<Value> {
        let hint = self.hint.take();
        if operands.iter().any(|o| o.view.dtype == DType::F16) {
            // Added up in single precision and rounded.
            for operand in &mut operands {
                operand.view = self.convert_into_new(&operand.view, DType::F32, span)?;
            }
            let product = self.contract_all(operands, output, span)?;
            self.hint = hint;
            return self.convert(&product, DType::F16, span);
        }
        self.drop_units(&mut operands, span)?;
        while operands.len() > 1 {
            let (i, j) = self.cheapest(&operands, output);
            let (right, left) = (operands.remove(j), operands.remove(i));
            let mut needed = output.to_vec();
            needed.extend(operands.iter().flat_map(|o| o.labels.iter().copied()));
            if operands.is_empty() {
                self.hint = hint.clone();
            }
            let product = self.contract(left, right, &needed, span)?;
            operands.push(product);
        }
        let Some(last) = operands.pop() else { return fail(span, "np.einsum takes at least one operand") };
        self.hint = hint;
        let last = self.summed(last, output, span)?;
        let view = last.ordered(output).view;
        Ok(self.result(view))
    }

    /// An extent of 1 is broadcast where another operand has more.
    fn drop_units(&mut self, operands: &mut [Named], span: Span) -> Res<()> {
        let mut labels: Vec<Label> = operands.iter().flat_map(|o| o.labels.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        for label in labels {
            let with: Vec<usize> = (0..operands.len()).filter(|&i| operands[i].has(label)).collect();
            let extent = |o: &Named| o.at(label).map(|d| vec![o.view.shape[d].clone()]);
            let shapes: Vec<Vec<Expr>> = with.iter().filter_map(|&i| extent(&operands[i])).collect();
            let common = self.broadcast(&shapes, span)?.into_iter().next().unwrap_or_else(Expr::one);
            if common.is_one() {
                continue;
            }
            for i in with {
                let o = &mut operands[i];
                if let Some(d) = o.at(label)
                    && o.view.shape[d].is_one()
                {
                    o.view = o.view.fix_dim(d, &Expr::zero());
                    o.labels.remove(d);
                }
            }
        }
        Ok(())
    }

    /// The pair whose product is smallest, on the sample; the first where that is not known.
    fn cheapest(&self, operands: &[Named], output: &[Label]) -> (usize, usize) {
        let size = |labels: &[Label], of: [&Named; 2]| {
            let extent = |l: &Label| {
                let o = of.iter().find(|o| o.has(*l))?;
                self.on_sample(&o.view.shape[o.at(*l)?])
            };
            labels.iter().map(extent).try_fold(1.0, |p, n| Some(p * n? as f64))
        };
        let mut best = ((0, 1), f64::INFINITY);
        for i in 0..operands.len() {
            for j in i + 1..operands.len() {
                let rest = || operands.iter().enumerate().filter(|(k, _)| *k != i && *k != j);
                let needed = |l: &Label| output.contains(l) || rest().any(|(_, o)| o.has(*l));
                let mut labels = operands[i].labels.clone();
                labels.extend(operands[j].labels.iter().filter(|l| !operands[i].has(**l)));
                labels.retain(|l| needed(l));
                let cost = size(&labels, [&operands[i], &operands[j]]).unwrap_or(f64::MAX);
                if cost < best.1 {
                    best = ((i, j), cost);
                }
            }
        }
        best.0
    }

    /// Summed over all dimensions that are not needed.
    fn summed(&mut self, o: Named, needed: &[Label], span: Span) -> Res<Named> {
        let dims: Vec<usize> = (0..o.labels.len()).filter(|&d| !needed.contains(&o.labels[d])).collect();
        if dims.is_empty() {
            return Ok(o);
        }
        let t = o.view.dtype;
        let op = if t == DType::Bool { Wcr::Or } else { Wcr::Sum };
        let view = self.reduce(&o.view, op, &dims, convert(Scalar::Bool(false), t), span);
        let labels = o.labels.iter().copied().filter(|l| needed.contains(l)).collect();
        Ok(Named { view, labels })
    }

    fn contract(&mut self, x: Named, y: Named, needed: &[Label], span: Span) -> Res<Named> {
        let hint = self.hint.take();
        let with = |o: &Named| [needed, &o.labels[..]].concat();
        let (for_x, for_y) = (with(&y), with(&x));
        let (x, y) = (self.summed(x, &for_x, span)?, self.summed(y, &for_y, span)?);
        let shared: Vec<Label> = x.labels.iter().copied().filter(|&l| y.has(l)).collect();
        let (batch, summed): (Vec<Label>, Vec<Label>) = shared.iter().partition(|l| needed.contains(l));
        let only = |a: &Named, b: &Named| a.labels.iter().copied().filter(|&l| !b.has(l)).collect::<Vec<_>>();
        let (rows, columns) = (only(&x, &y), only(&y, &x));
        let labels = [&batch[..], &rows, &columns].concat();
        if summed.is_empty() {
            self.hint = hint;
            return self.broadcast_product(&x, &y, [&batch, &rows, &columns], span);
        }
        if !batch.is_empty() && (rows.is_empty() || columns.is_empty()) {
            let both = [&batch[..], &summed].concat();
            let product = self.broadcast_product(&x, &y, [&both, &rows, &columns], span)?;
            self.hint = hint;
            let product = self.summed(product, &labels, span)?;
            return Ok(product.ordered(&labels));
        }
        let left = self.grouped(&x, &batch, [&rows, &summed], span)?;
        let right = self.grouped(&y, &batch, [&summed, &columns], span)?;
        let mut shape: Vec<Value> = vec![];
        for label in &labels {
            let o = if x.has(*label) { &x } else { &y };
            let Some(d) = o.at(*label) else { return fail(span, "np.einsum: an unknown subscript") };
            shape.push(Value::sym(o.view.shape[d].clone()));
        }
        self.hint = hint;
        let product = self.product(&Value::Array(left), &Value::Array(right), !batch.is_empty(), span)?;
        let mut view = self.computed(product, span)?;
        if view.rank() != shape.len() {
            let reshaped = self.reshape(&view, &Value::Tuple(shape), span)?;
            view = self.computed(reshaped, span)?;
        }
        Ok(Named { view, labels })
    }

    /// The view as a stack of matrices (of vectors, where a group is empty), each of two groups of dimensions.
    fn grouped(&mut self, o: &Named, batch: &[Label], groups: [&[Label]; 2], span: Span) -> Res<View> {
        let order = [batch, groups[0], groups[1]].concat();
        let view = o.ordered(&order).view;
        if groups.iter().all(|g| g.len() < 2) {
            return Ok(view);
        }
        let mut shape: Vec<Value> = view.shape[..batch.len()].iter().cloned().map(Value::sym).collect();
        let mut at = batch.len();
        for group in groups {
            let extents = &view.shape[at..at + group.len()];
            if !group.is_empty() {
                shape.push(Value::sym(extents.iter().fold(Expr::one(), |p, n| &p * n)));
            }
            at += group.len();
        }
        let reshaped = self.reshape(&view, &Value::Tuple(shape), span)?;
        self.view_of(reshaped, span)
    }

    /// Element by element: dimensions of both, of the first only, of the second only.
    fn broadcast_product(&mut self, x: &Named, y: &Named, groups: [&[Label]; 3], span: Span) -> Res<Named> {
        let [both, rows, columns] = groups;
        let mut left = x.ordered(&[both, rows].concat()).view;
        for _ in columns {
            left = left.insert_dim(left.rank());
        }
        let mut right = y.ordered(&[both, columns].concat()).view;
        for _ in rows {
            right = right.insert_dim(both.len());
        }
        let (left, right) = (self.result(left), self.result(right));
        let product = self.ufunc2(Binary::Op(BinOp::Mul), &left, &right, span)?;
        let view = self.computed(product, span)?;
        Ok(Named { view, labels: groups.concat() })
    }

    /// Where a result is that was just computed.
    fn computed(&mut self, v: Value, span: Span) -> Res<View> {
        match v {
            Value::Num(Num { src: Src::Elem(view), .. }) => Ok(view),
            other => self.view_of(other, span),
        }
    }
}
