//! Reads subsets and conflict resolutions.

use super::at::{At, Read};
use crate::sdfg::Wcr;
use crate::symbolic::{Expr, Range, Subset};

/// A `Range` or `Indices` of DaCe with half-open ends.
pub fn ranges(at: &At) -> Read<Subset> {
    if at.is("Indices") {
        let indices = at.get("indices")?.items()?;
        return Ok(Subset::indices(indices.iter().map(At::symbolic).collect::<Read<Vec<Expr>>>()?));
    }
    let mut out = vec![];
    for range in at.get("ranges")?.items()? {
        let part = |key| range.get(key)?.symbolic();
        let (begin, last, step) = (part("start")?, part("end")?, part("step")?);
        if range.find("tile").is_some() && !part("tile")?.is_one() {
            return range.beyond("a range with tiles");
        }
        if step.is_zero() {
            return range.error("a range with step 0");
        }
        let end = if step.as_int().is_some_and(|s| s < 0) { last - 1 } else { last + 1 };
        out.push(Range { begin, end, step });
    }
    Ok(Subset(out))
}

/// The operation of a `lambda a, b: (a + b)`.
pub fn wcr(at: &At) -> Read<Wcr> {
    let Some(text) = at.code() else { return at.error("expected a function of two values") };
    let compact: String = text.chars().filter(|c| !matches!(c, '(' | ')' | ' ')).collect();
    let found = compact.strip_prefix("lambda").and_then(|rest| {
        let (names, body) = rest.split_once(':')?;
        let (a, b) = names.split_once(',')?;
        let is = |format: [&str; 3]| {
            let [open, middle, close] = format;
            [(a, b), (b, a)].iter().any(|(a, b)| body == format!("{open}{a}{middle}{b}{close}"))
        };
        Some(match () {
            () if is(["", "+", ""]) => Wcr::Sum,
            () if is(["", "*", ""]) => Wcr::Product,
            () if is(["min", ",", ""]) => Wcr::Min,
            () if is(["max", ",", ""]) => Wcr::Max,
            () if is(["", "and", ""]) => Wcr::And,
            () if is(["", "or", ""]) => Wcr::Or,
            () => return None,
        })
    });
    match found {
        Some(op) => Ok(op),
        None => at.beyond(format!("conflict resolution by '{text}'")),
    }
}
