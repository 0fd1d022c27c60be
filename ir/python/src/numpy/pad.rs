//! `np.pad`.

use weft_ir::sdfg::Span;
use weft_ir::symbolic::{Expr, Fact, Truth};
use weft_ir::tasklet::{self, BinOp, Func};

use super::Function;
use super::rearrange::reversed;
use super::repeat::picked;
use crate::args::{Args, Bound};
use crate::context::{Importer, Res, fail, fail_hint};
use crate::value::{Kind, Value, View};

pub const FUNCTIONS: &[Function] = &[Function {
    name: "numpy.pad",
    parameters: "array, pad_width, mode='constant', *, stat_length=None, constant_values=0, end_values=0, reflect_type='even'",
    run: pad,
    limits: "`stat_length`, `reflect_type='odd'`, functions as modes and dicts as widths are not supported.",
}];

/// Elements before and after each axis.
type Widths = Vec<(Expr, Expr)>;

fn pad(s: &mut Importer, b: &mut Bound) -> Res<Value> {
    let span = b.span;
    let view = s.view_of(b.get("array"), span)?;
    let hint = s.hint.take();
    let pairs = b.get("pad_width");
    let mut widths = vec![];
    for [before, after] in s.pairs_of(&pairs, view.rank(), span)? {
        widths.push((s.shape_of(&before, span)?.remove(0), s.shape_of(&after, span)?.remove(0)));
    }
    s.hint = hint;
    if b.given("stat_length").is_some() {
        return fail_hint(span, "'stat_length' of np.pad", "compute the values, and use mode 'constant'");
    }
    if b.text("reflect_type")?.is_some_and(|t| t != "even") {
        return fail(span, "'reflect_type' of np.pad must be 'even'");
    }
    let Some(mode) = b.text("mode")? else { return fail(span, "np.pad lacks the mode") };
    match mode.as_str() {
        "constant" => {
            let values = b.get("constant_values");
            let values = s.pairs_of(&values, view.rank(), span)?;
            s.pad_constant(&view, &widths, &values, span)
        }
        "empty" => s.pad_constant(&view, &widths, &[], span),
        "edge" | "wrap" | "reflect" | "symmetric" => s.pad_from_inside(&view, &widths, &mode, span),
        "maximum" | "minimum" | "mean" | "median" | "linear_ramp" => {
            let ends = b.get("end_values");
            let ends = s.pairs_of(&ends, view.rank(), span)?;
            s.pad_computed(&view, &widths, &mode, &ends, span)
        }
        other => fail(span, format!("the mode '{other}' of np.pad is not supported")),
    }
    .map(Value::Array)
}

fn empty_axis(mode: &str) -> String {
    format!("cannot pad an empty axis by mode '{mode}'")
}

impl Importer<'_> {
    /// A value, a pair, or a pair for each axis: as pairs.
    fn pairs_of(&mut self, v: &Value, rank: usize, span: Span) -> Res<Vec<[Value; 2]>> {
        let rows = match v {
            Value::Tuple(_) | Value::List(_) => self.unpacked(v, span)?,
            Value::Array(a) if a.rank() > 0 => self.unpacked(v, span)?,
            other => vec![other.clone()],
        };
        let wrong = "np.pad takes a number, a pair, or a pair for each axis";
        let is_row = |v: &Value| match v {
            Value::Tuple(_) | Value::List(_) => true,
            Value::Array(a) => a.rank() > 0,
            _ => false,
        };
        if !rows.iter().any(is_row) {
            let pair = match &rows[..] {
                [one] => [one.clone(), one.clone()],
                [before, after] => [before.clone(), after.clone()],
                _ => return fail(span, wrong),
            };
            return Ok(vec![pair; rank]);
        }
        let mut pairs = vec![];
        for row in &rows {
            if !is_row(row) {
                return fail(span, wrong);
            }
            pairs.push(match &self.unpacked(row, span)?[..] {
                [one] => [one.clone(), one.clone()],
                [before, after] => [before.clone(), after.clone()],
                _ => return fail(span, wrong),
            });
        }
        match pairs.len() {
            1 => Ok(vec![pairs[0].clone(); rank]),
            n if n == rank => Ok(pairs),
            _ => fail(span, wrong),
        }
    }

    /// A new array of the padded shape, and the part of it that the view goes to.
    fn padded(&mut self, view: &View, widths: &Widths) -> (View, View) {
        let shape = view.shape.iter().zip(widths).map(|(n, (b, a))| &(n + b) + a).collect();
        let out = self.transient("padded", view.dtype, shape);
        let mut inside = out.clone();
        for (d, (before, _)) in widths.iter().enumerate() {
            inside = inside.slice_dim(d, before, &Expr::one(), view.shape[d].clone());
        }
        (out, inside)
    }

    /// Values around; nothing is written there where there are none.
    fn pad_constant(&mut self, view: &View, widths: &Widths, values: &[[Value; 2]], span: Span) -> Res<View> {
        let (out, inside) = self.padded(view, widths);
        let used = |d: usize| !(widths[d].0.is_zero() && widths[d].1.is_zero());
        let mut all = values.iter().enumerate().filter(|v| used(v.0)).flat_map(|v| v.1.iter());
        let first = all.next().cloned();
        let alike = all.all(|v| Some(v) == first.as_ref());
        match first {
            Some(value) if alike => self.store(&out, &value, span)?,
            Some(_) => {
                // An axis' values are over those of the axes before it, also in the corners.
                for (d, ([before, after], (left, right))) in values.iter().zip(widths).enumerate() {
                    let mut slab = out.clone();
                    for (k, (begin, _)) in widths.iter().enumerate().skip(d + 1) {
                        slab = slab.slice_dim(k, begin, &Expr::one(), view.shape[k].clone());
                    }
                    let end = left + &view.shape[d];
                    for (begin, n, value) in [(&Expr::zero(), left, before), (&end, right, after)] {
                        if !n.is_zero() {
                            self.store(&slab.slice_dim(d, begin, &Expr::one(), n.clone()), value, span)?;
                        }
                    }
                }
            }
            None => {}
        }
        self.fill_from(view, &inside, span);
        Ok(out)
    }

    /// Elements of the array itself around it: index `i` of the result is one of the array's.
    fn pad_from_inside(&mut self, view: &View, widths: &Widths, mode: &str, span: Span) -> Res<View> {
        let mut source = view.clone();
        for (d, (before, after)) in widths.iter().enumerate() {
            if before.is_zero() && after.is_zero() {
                continue;
            }
            let n = view.shape[d].clone();
            self.must_have_elements(&n, &empty_axis(mode), span)?;
            let room = if mode == "reflect" { &n - 1 } else { n.clone() };
            let short = self.holds_on_sample(&(&room - before), span)?
                && self.holds_on_sample(&(&room - after), span)?;
            let several = mode == "reflect" && self.holds_on_sample(&(&n - 2), span)?;
            let at = |i: &Expr| {
                let t = i - before;
                match mode {
                    "edge" => Expr::max(&Expr::zero(), &Expr::min(&t, &(&n - 1))),
                    "wrap" => t.modulo(&n),
                    "symmetric" => {
                        let period = &n * 2;
                        let t = if short { Expr::max(&t, &(-&t - 1)) } else { t.modulo(&period) };
                        Expr::min(&t, &(&period - 1 - &t))
                    }
                    _ => {
                        let period = &(&n - 1) * 2;
                        let t = if short {
                            Expr::max(&t, &-&t)
                        } else if several {
                            t.modulo(&period)
                        } else {
                            t.modulo(&Expr::max(&period, &Expr::one()))
                        };
                        Expr::min(&t, &(&period - &t))
                    }
                }
            };
            source = picked(&source, d, &(&n + before) + after, at);
        }
        let out = self.transient("padded", view.dtype, source.shape.clone());
        self.fill_from(&source, &out, span);
        Ok(out)
    }

    /// Is it non-negative? On the sample, and then guarded; never by making it a constant.
    fn holds_on_sample(&mut self, e: &Expr, span: Span) -> Res<bool> {
        if self.on_sample(e).is_some_and(|v| v < 0) {
            return Ok(false);
        }
        Ok(self.nonneg_everywhere(e, span)?.is_yes())
    }

    /// An extent that must not be zero; what the arguments decide is decided here.
    pub fn must_have_elements(&mut self, n: &Expr, message: &str, span: Span) -> Res<()> {
        match self.nonneg_everywhere(&(n - 1), span)? {
            Truth::Yes => Ok(()),
            Truth::No => fail(span, message),
            Truth::Unknown => {
                let sym = |e: &Expr| tasklet::Expr::Sym(e.clone());
                self.check(tasklet::Expr::bin(BinOp::Gt, sym(n), sym(&Expr::zero())), message, span);
                self.assume(Fact::NonNeg(n - 1));
                Ok(())
            }
        }
    }

    /// An axis after the other: what is computed of the array so far, before and after it.
    fn pad_computed(
        &mut self,
        view: &View,
        widths: &Widths,
        mode: &str,
        ends: &[[Value; 2]],
        span: Span,
    ) -> Res<View> {
        let mut so_far = view.clone();
        let hint = self.hint.take();
        for (d, (before, after)) in widths.iter().enumerate() {
            let n = so_far.shape[d].clone();
            self.must_have_elements(&n, &empty_axis(mode), span)?;
            let (left, right) = if mode == "linear_ramp" {
                let last = &n - 1;
                let [low, high] = &ends[d];
                let left = self.ramp(&so_far, d, &Expr::zero(), low, before, span)?;
                let right = self.ramp(&so_far, d, &last, high, after, span)?;
                (left, reversed(&right, d))
            } else {
                let value = self.padding_value(&so_far, d, mode, span)?;
                (value.repeat_dim(d, before.clone()), value.repeat_dim(d, after.clone()))
            };
            so_far = self.join(&[left, so_far, right], d, None, None, span)?;
        }
        self.hint = hint;
        Ok(if so_far.base == view.base { self.materialize(&so_far, view.dtype, span) } else { so_far })
    }

    /// The maximum, minimum, mean or median along an axis, in the array's type.
    fn padding_value(&mut self, view: &View, d: usize, mode: &str, span: Span) -> Res<View> {
        let name = match mode {
            "maximum" => "numpy.max",
            "minimum" => "numpy.min",
            "mean" => "numpy.mean",
            _ => "numpy.median",
        };
        let mut args = Args::new(name, vec![Value::Array(view.clone())], span);
        args.kw.insert("axis".into(), Value::int(d as i64));
        args.kw.insert("keepdims".into(), Value::bool(true));
        let mut value = self.call_path(name, args)?;
        let from = value.kind().map_or(view.dtype, Kind::dtype);
        if from != view.dtype {
            if view.dtype.is_int() {
                value = self.call1("rint", Func::Rint, &value, span)?;
            }
            value = self.convert(&value, view.dtype, span)?;
        }
        self.view_of(value, span)
    }

    /// From `end` to the elements at `edge`, which are not part of it.
    fn ramp(
        &mut self,
        view: &View,
        d: usize,
        edge: &Expr,
        end: &Value,
        count: &Expr,
        span: Span,
    ) -> Res<View> {
        let edge = self.result(view.fix_dim(d, edge));
        let mut args = Args::new("np.linspace", vec![end.clone(), edge, Value::sym(count.clone())], span);
        args.kw.insert("endpoint".into(), Value::bool(false));
        args.kw.insert("dtype".into(), Value::Path(format!("numpy.{}", view.dtype.numpy())));
        args.kw.insert("axis".into(), Value::int(d as i64));
        let value = self.call_path("numpy.linspace", args)?;
        self.view_of(value, span)
    }
}
