//! Floor division, modulo, minimum and maximum, with the simplifications that cost nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expr::{Atom, Expr, Factors, Term};

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Expr {
    /// `self // divisor`, rounded towards minus infinity.
    pub fn floor_div(&self, divisor: &Expr) -> Expr {
        match divisor.as_int() {
            Some(0) => Expr::raw(Atom::FloorDiv(self.clone(), divisor.clone())),
            Some(1) => self.clone(),
            Some(i64::MIN) => Expr::raw(Atom::FloorDiv(self.clone(), divisor.clone())),
            Some(c) if c < 0 => (-self).floor_div(&Expr::int(-c)),
            Some(c) => div_const(self, c),
            None => {
                let (quotient, rest) = divide_out(self, divisor);
                if rest.is_zero() {
                    return quotient;
                }
                quotient + Expr::raw(Atom::FloorDiv(rest, divisor.clone()))
            }
        }
    }

    /// The quotient rounded towards plus infinity.
    pub fn ceil_div(&self, divisor: &Expr) -> Expr {
        match divisor.as_int() {
            Some(c) if c > 0 => (self + (c - 1)).floor_div(divisor),
            Some(c) if c < 0 && c != i64::MIN => (-self).ceil_div(&Expr::int(-c)),
            _ => -(-self).floor_div(divisor),
        }
    }

    /// `self % divisor`, with the divisor's sign.
    pub fn modulo(&self, divisor: &Expr) -> Expr {
        match divisor.as_int() {
            Some(0 | i64::MIN) => Expr::raw(Atom::Mod(self.clone(), divisor.clone())),
            Some(c) if c < 0 => -(-self).modulo(&Expr::int(-c)),
            Some(c) => mod_const(self, c),
            None => {
                let (_, rest) = divide_out(self, divisor);
                if rest.is_zero() {
                    return rest;
                }
                Expr::raw(Atom::Mod(rest, divisor.clone()))
            }
        }
    }

    pub fn min(&self, other: &Expr) -> Expr {
        extremum([self, other], false)
    }

    pub fn max(&self, other: &Expr) -> Expr {
        extremum([self, other], true)
    }

    /// The least of the arguments; `None` if there are none.
    pub fn min_of<'a>(args: impl IntoIterator<Item = &'a Expr>) -> Option<Expr> {
        let mut args = args.into_iter().peekable();
        args.peek()?;
        Some(extremum(args, false))
    }

    /// The greatest of the arguments; `None` if there are none.
    pub fn max_of<'a>(args: impl IntoIterator<Item = &'a Expr>) -> Option<Expr> {
        let mut args = args.into_iter().peekable();
        args.peek()?;
        Some(extremum(args, true))
    }

    /// The arguments of a nested minimum (or maximum), or the expression alone.
    pub(super) fn extremum_args(&self, max: bool) -> Vec<&Expr> {
        let (mut out, mut rest) = (Vec::new(), self);
        loop {
            match rest.as_atom() {
                Some(Atom::Min(a, b)) if !max => {
                    out.push(a);
                    rest = b;
                }
                Some(Atom::Max(a, b)) if max => {
                    out.push(a);
                    rest = b;
                }
                _ => {
                    out.push(rest);
                    return out;
                }
            }
        }
    }
}

/// What of the coefficients a positive constant shares: the terms with factors divided by it, the constant.
fn shared_divisor(e: &Expr, c: i64) -> Option<(i64, Expr, i64)> {
    let (varying, constant) = e.split_const();
    let g = varying.terms().iter().fold(c.unsigned_abs(), |g, t| gcd(g, t.coef.unsigned_abs())) as i64;
    if g == 1 {
        return None;
    }
    let terms = varying.terms().iter().map(|t| Term { coef: t.coef / g, ..t.clone() }).collect();
    Some((g, Expr::build(terms), constant))
}

/// `a // c` for `c >= 1`.
fn div_const(a: &Expr, c: i64) -> Expr {
    if c == 1 {
        return a.clone();
    }
    let (mut whole, mut rest) = (Vec::new(), Vec::new());
    for t in a.terms() {
        let (q, r) = if t.is_constant() || t.coef % c == 0 { (t.coef / c, t.coef % c) } else { (0, t.coef) };
        if q != 0 {
            whole.push(Term { coef: q, ..t.clone() });
        }
        if r != 0 {
            rest.push(Term { coef: r, ..t.clone() });
        }
    }
    let (whole, rest) = (Expr::build(whole), Expr::build(rest));
    if let Some(r) = rest.as_int() {
        return whole + r.div_euclid(c);
    }
    if let Some((g, varying, constant)) = shared_divisor(&rest, c) {
        return whole + div_const(&(varying + constant.div_euclid(g)), c / g);
    }
    let (varying, constant) = rest.split_const();
    if let Some(Atom::FloorDiv(x, d)) = varying.as_atom()
        && let Some(d) = d.as_int().filter(|&d| d > 0)
        && let (Some(product), Some(shift)) = (d.checked_mul(c), d.checked_mul(constant))
    {
        return whole + div_const(&(x + shift), product);
    }
    whole + Expr::raw(Atom::FloorDiv(rest, Expr::int(c)))
}

/// `a % c` for `c >= 1`.
fn mod_const(a: &Expr, c: i64) -> Expr {
    if c == 1 {
        return Expr::zero();
    }
    let rest = a.terms().iter().filter(|t| t.coef % c != 0);
    let rest = Expr::build(rest.map(|t| Term { coef: t.coef % c, ..t.clone() }).collect());
    if let Some(r) = rest.as_int() {
        return Expr::int(r.rem_euclid(c));
    }
    if let Some((g, varying, constant)) = shared_divisor(&rest, c) {
        return mod_const(&(varying + constant.div_euclid(g)), c / g) * g + constant.rem_euclid(g);
    }
    let (varying, constant) = rest.split_const();
    if let Some(Atom::Mod(x, d)) = varying.as_atom()
        && let Some(d) = d.as_int().filter(|&d| d > 0)
    {
        if d % c == 0 {
            return mod_const(&(x + constant), c);
        }
        if constant == 0 && d <= c {
            return varying;
        }
    }
    Expr::raw(Atom::Mod(rest, Expr::int(c)))
}

/// `a = quotient * b + rest` by dividing whole terms; valid for every non-zero `b`.
fn divide_out(a: &Expr, b: &Expr) -> (Expr, Expr) {
    let [divisor] = b.terms() else {
        if let (Some(x), Some(y)) = (a.terms().first(), b.terms().first())
            && let Some(k) = x.coef.checked_div(y.coef)
            && b * k == *a
        {
            return (Expr::int(k), Expr::zero());
        }
        return (Expr::zero(), a.clone());
    };
    let (mut whole, mut rest) = (Vec::new(), Vec::new());
    for t in a.terms() {
        match (t.coef.checked_rem(divisor.coef), divide_factors(&t.factors, &divisor.factors)) {
            (Some(0), Some(factors)) => whole.push((i128::from(t.coef / divisor.coef), factors)),
            _ => rest.push(t.clone()),
        }
    }
    match Expr::collect(whole) {
        Some(whole) => (whole, Expr::build(rest)),
        None => (Expr::zero(), a.clone()),
    }
}

/// `a / b` if every factor of `b` is in `a`.
pub(super) fn divide_factors(a: &Factors, b: &Factors) -> Option<Factors> {
    let mut out = a.to_vec();
    for (atom, power) in b.iter() {
        let at = out.iter().position(|f| f.0 == *atom)?;
        out[at].1 = out[at].1.checked_sub(*power)?;
    }
    out.retain(|f| f.1 > 0);
    Some(Arc::from(out))
}

fn extremum<'a>(args: impl IntoIterator<Item = &'a Expr>, max: bool) -> Expr {
    let mut best: BTreeMap<Expr, i64> = BTreeMap::new();
    for arg in args.into_iter().flat_map(|a| a.extremum_args(max)) {
        let (varying, constant) = arg.split_const();
        best.entry(varying)
            .and_modify(|c| *c = if max { constant.max(*c) } else { constant.min(*c) })
            .or_insert(constant);
    }
    let mut args: Vec<Expr> = best.into_iter().map(|(e, c)| e + c).collect();
    args.sort();
    let last = args.pop().unwrap_or_default();
    args.into_iter()
        .rev()
        .fold(last, |rest, a| Expr::raw(if max { Atom::Max(a, rest) } else { Atom::Min(a, rest) }))
}
