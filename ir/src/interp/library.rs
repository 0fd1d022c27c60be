//! Library nodes, by their definition.

use super::control::Frame;
use super::memory::View;
use super::plan::{LibraryPlan, Part};
use super::state::volume;
use super::{CallError, Fault, Machine, Operand, call, list};
use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::sdfg::library::Form;
use crate::sdfg::{LibraryKind, LibraryOp, Place, Wcr};
use crate::tasklet::ops::{self, OpError};
use crate::tasklet::{BinOp, binary, cast, combine};

impl<'g> Machine<'g> {
    pub fn library(&mut self, frame: &Frame<'g>, plan: &LibraryPlan<'g>) -> Result<(), Fault> {
        match &plan.library.kind {
            LibraryKind::MatMul { trans_a, trans_b } => self.matmul(frame, plan, *trans_a, *trans_b),
            LibraryKind::Reduce { op, axes, identity } => self.reduce(frame, plan, *op, axes, *identity),
            LibraryKind::Call(op) => self.call(frame, plan, *op),
            LibraryKind::Foreign(f) => {
                Err(Fault::Foreign { name: plan.library.label, what: f.reason.clone() })
            }
        }
    }

    fn call(&mut self, frame: &Frame<'g>, plan: &LibraryPlan<'g>, op: LibraryOp) -> Result<(), Fault> {
        let place = plan.place;
        let mut inputs: Vec<Operand> = vec![];
        for &(name, form) in op.inputs() {
            let part = find(&plan.operands, name, place)?;
            let view = self.part(frame, part, place)?;
            let dtype = frame.sdfg.data[&frame.plan.names[part.container]].dtype;
            let one_row = inputs.first().is_some_and(|a| a.shape.first() == Some(&1));
            let shape = formed(&view, part, form, one_row).ok_or_else(|| misfit(op, place))?;
            inputs.push(Operand { dtype, shape, values: self.read_all(&view, place)? });
        }
        // Cubic in the longest side, whatever it is.
        let longest = inputs.iter().flat_map(|i| &i.shape).max().copied().unwrap_or(0) as u64;
        let matrix = !matches!(op, LibraryOp::Sort | LibraryOp::ArgSort | LibraryOp::Fft { .. });
        self.step(if matrix { longest.saturating_mul(longest).saturating_mul(longest) } else { longest })?;
        let results = call(op, &inputs).map_err(|error| match error {
            CallError::Values(message) => Fault::Failed { message: message.into(), place },
            CallError::Shape(message) => Fault::Shape { message, place },
        })?;
        for (&(name, _), values) in op.outputs().iter().zip(&results) {
            let part = find(&plan.results, name, place)?;
            let view = self.part(frame, part, place)?;
            if volume(&view) != values.len() as u64 {
                return Err(misfit(op, place));
            }
            self.write_all(&view, part, values, place)?;
        }
        Ok(())
    }

    fn operand(
        &mut self,
        frame: &Frame<'g>,
        parts: &'_ [(Name, Part<'g>)],
        name: &str,
        place: Place,
    ) -> Result<View, Fault> {
        self.part(frame, find(parts, name, place)?, place)
    }

    fn matmul(&mut self, frame: &Frame<'g>, plan: &LibraryPlan<'g>, ta: bool, tb: bool) -> Result<(), Fault> {
        let place = plan.place;
        let a = self.operand(frame, &plan.operands, "a", place)?;
        let b = self.operand(frame, &plan.operands, "b", place)?;
        let c = self.operand(frame, &plan.results, "c", place)?;
        let shape = product_shape(&a, &b, &c, ta, tb).ok_or_else(|| {
            let sizes = |v: &View| list(&v.dims.iter().map(|d| d.0).collect::<Vec<_>>());
            let message = format!("matmul of [{}] and [{}] into [{}]", sizes(&a), sizes(&b), sizes(&c));
            Fault::Shape { message, place }
        })?;
        let [m, n, k] = shape;
        self.step((m as u64).saturating_mul(n as u64).saturating_mul(k as u64))?;
        let (av, bv) = (self.read_all(&a, place)?, self.read_all(&b, place)?);
        let dtype = frame.sdfg.data[&frame.plan.names[find(&plan.results, "c", place)?.container]].dtype;
        let mut values = Vec::with_capacity(m * n);
        for i in 0..m {
            for j in 0..n {
                let terms = (0..k).map(|l| {
                    let x = av[if ta { l * m + i } else { i * k + l }];
                    let y = bv[if tb { j * k + l } else { l * n + j }];
                    (x, y)
                });
                values.push(dot(dtype, terms).map_err(|e| Fault::Value { message: e.to_string(), place })?);
            }
        }
        self.write_all(&c, find(&plan.results, "c", place)?, &values, place)
    }

    fn reduce(
        &mut self,
        frame: &Frame<'g>,
        plan: &LibraryPlan<'g>,
        op: Wcr,
        axes: &[usize],
        identity: Option<Scalar>,
    ) -> Result<(), Fault> {
        let place = plan.place;
        let input = self.operand(frame, &plan.operands, "input", place)?;
        let output = self.operand(frame, &plan.results, "output", place)?;
        let sizes: Vec<i64> = input.dims.iter().map(|d| d.0).collect();
        let kept: Vec<usize> = (0..sizes.len()).filter(|d| !axes.contains(d)).collect();
        let long = |v: &mut dyn Iterator<Item = i64>| v.filter(|&n| n != 1).collect::<Vec<_>>();
        let fits = long(&mut kept.iter().map(|&d| sizes[d])) == long(&mut output.dims.iter().map(|d| d.0));
        if !fits {
            let to = list(&output.dims.iter().map(|d| d.0).collect::<Vec<_>>());
            let message = format!("reduction of [{}] over axes [{}] into [{to}]", list(&sizes), list(axes));
            return Err(Fault::Shape { message, place });
        }
        let values = self.read_all(&input, place)?;
        let mut results: Vec<Option<Scalar>> = vec![identity; volume(&output) as usize];
        for (k, &value) in values.iter().enumerate() {
            let index = super::memory::unravel(k, &sizes.iter().map(|&n| n as usize).collect::<Vec<_>>());
            let at = kept.iter().fold(0, |at, &d| at * sizes[d] as usize + index[d]);
            let folded = match results[at] {
                None => Ok(value),
                Some(old) => combine(op, old, value),
            };
            results[at] = Some(folded.map_err(|e| Fault::Value { message: e.to_string(), place })?);
        }
        let results: Option<Vec<Scalar>> = results.into_iter().collect();
        let message = "reduction of no elements, without an identity".into();
        let results = results.ok_or(Fault::Value { message, place })?;
        self.write_all(&output, find(&plan.results, "output", place)?, &results, place)
    }
}

fn misfit(op: LibraryOp, place: Place) -> Fault {
    Fault::Shape { message: format!("the shapes of '{}' do not fit", op.name()), place }
}

/// The shape of an operand in the form that the operation has for it.
fn formed(view: &View, part: &Part, form: Form, one_row: bool) -> Option<Vec<usize>> {
    let kept = form.dimensions(part.subset?)?;
    let extents = kept.into_iter().map(|d| view.dims[d].0 as usize).collect();
    Some(form.shape(extents, one_row, 1))
}

fn find<'p, 'g>(parts: &'p [(Name, Part<'g>)], name: &str, place: Place) -> Result<&'p Part<'g>, Fault> {
    let missing = || Fault::Internal { message: format!("connector '{name}' has no edge"), place };
    Ok(&parts.iter().find(|p| p.0.as_str() == name).ok_or_else(missing)?.1)
}

/// `m`, `n` and `k` of a product `[m, n] = [m, k] @ [k, n]`, where dimensions of one element may be
/// missing or in excess; they follow from the numbers of elements.
fn product_shape(a: &View, b: &View, c: &View, ta: bool, tb: bool) -> Option<[usize; 3]> {
    let (va, vb, vc) = (volume(a) as usize, volume(b) as usize, volume(c) as usize);
    let long = |v: &[usize]| v.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
    let dims = |v: &View| long(&v.dims.iter().map(|d| d.0 as usize).collect::<Vec<_>>());
    if vc == 0 {
        return Some([0, 0, 0]);
    }
    if va == 0 || vb == 0 {
        // An empty sum. Which factor of c is m does not matter.
        return (va == 0 && vb == 0).then_some([vc, 1, 0]);
    }
    let k = ((va as u128 * vb as u128 / vc as u128) as f64).sqrt().round() as usize;
    if k == 0 || va % k != 0 || vb % k != 0 {
        return None;
    }
    let (m, n) = (va / k, vb / k);
    let fits = dims(a) == long(&if ta { [k, m] } else { [m, k] })
        && dims(b) == long(&if tb { [n, k] } else { [k, n] })
        && dims(c) == long(&[m, n]);
    fits.then_some([m, n, k])
}

/// The sum of products; floats are added up in double precision.
fn dot(dtype: DType, terms: impl Iterator<Item = (Scalar, Scalar)>) -> Result<Scalar, OpError> {
    if dtype.is_float() {
        let sum: f64 = terms.fold(0.0, |sum, (x, y)| sum + ops::to_f64(x) * ops::to_f64(y));
        return Ok(cast(dtype, Scalar::F64(sum)));
    }
    let mut sum = cast(dtype, Scalar::Int(DType::I64, 0));
    for (x, y) in terms {
        sum = binary(BinOp::Add, sum, binary(BinOp::Mul, x, y)?)?;
    }
    Ok(sum)
}
