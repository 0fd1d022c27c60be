//! Evaluation, substitution and linear decomposition.

use std::collections::BTreeSet;

use super::expr::{Atom, Expr, OPAQUE, Term};
use crate::Name;

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    #[error("symbol '{0}' has no value")]
    Unbound(Name),
    #[error("integer overflow")]
    Overflow,
    #[error("division by zero")]
    DivisionByZero,
    #[error("function '{0}' cannot be evaluated")]
    Opaque(Name),
}

impl Expr {
    pub fn free_symbols(&self) -> BTreeSet<Name> {
        let mut out = BTreeSet::new();
        self.visit_symbols(&mut |name| {
            out.insert(name);
            true
        });
        out
    }

    pub fn contains(&self, name: Name) -> bool {
        !self.visit_symbols(&mut |n| n != name)
    }

    /// Visits symbols until `f` answers false; whether it never did.
    fn visit_symbols(&self, f: &mut dyn FnMut(Name) -> bool) -> bool {
        self.terms().iter().flat_map(|t| t.factors.iter()).all(|(atom, _)| match atom {
            Atom::Sym(name) => f(*name),
            Atom::FloorDiv(a, b) | Atom::Mod(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => {
                a.visit_symbols(f) && b.visit_symbols(f)
            }
            Atom::Call(_, args) => args.iter().all(|a| a.visit_symbols(f)),
        })
    }

    /// Replaces all symbols at once; what replaces a symbol is not replaced again.
    pub fn subst(&self, map: &dyn Fn(Name) -> Option<Expr>) -> Expr {
        self.subst_changed(map).unwrap_or_else(|| self.clone())
    }

    pub fn subst1(&self, name: Name, with: &Expr) -> Expr {
        self.subst(&|n| (n == name).then(|| with.clone()))
    }

    /// `None` if no symbol is replaced.
    fn subst_changed(&self, map: &dyn Fn(Name) -> Option<Expr>) -> Option<Expr> {
        self.rewrite(&mut |atom| {
            let pair = |a: &Expr, b: &Expr| match (a.subst_changed(map), b.subst_changed(map)) {
                (None, None) => None,
                (x, y) => Some((x.unwrap_or_else(|| a.clone()), y.unwrap_or_else(|| b.clone()))),
            };
            match atom {
                Atom::Sym(name) => map(*name),
                Atom::FloorDiv(a, b) => pair(a, b).map(|(a, b)| a.floor_div(&b)),
                Atom::Mod(a, b) => pair(a, b).map(|(a, b)| a.modulo(&b)),
                Atom::Min(a, b) => pair(a, b).map(|(a, b)| a.min(b)),
                Atom::Max(a, b) => pair(a, b).map(|(a, b)| a.max(b)),
                Atom::Call(name, args) => {
                    let new: Vec<_> = args.iter().map(|a| a.subst_changed(map)).collect();
                    new.iter().any(Option::is_some).then(|| {
                        let args = new.into_iter().zip(args).map(|(n, a)| n.unwrap_or_else(|| a.clone()));
                        Expr::call(*name, args.collect())
                    })
                }
            }
        })
    }

    /// Replaces the outermost atoms for which `f` gives an expression; `None` if it gives none.
    pub(super) fn rewrite(&self, f: &mut dyn FnMut(&Atom) -> Option<Expr>) -> Option<Expr> {
        let mut kept: Vec<Term> = Vec::new();
        let mut changed: Option<Expr> = None;
        for term in self.terms() {
            let mut product: Option<Expr> = None;
            let new: Vec<_> = term.factors.iter().map(|(atom, _)| f(atom)).collect();
            if new.iter().any(Option::is_some) {
                let mut p = Expr::int(term.coef);
                for (new, factor) in new.into_iter().zip(term.factors.iter()) {
                    let base = new.unwrap_or_else(|| Expr::raw(factor.0.clone()));
                    p = p * base.pow(factor.1);
                }
                product = Some(p);
            }
            match product {
                None => kept.push(term.clone()),
                Some(p) => changed = Some(changed.map_or_else(|| p.clone(), |c| c + &p)),
            }
        }
        changed.map(|c| Expr::build(kept) + c)
    }

    /// The value under an assignment. Intermediate results may exceed `i64`, the value may not.
    pub fn eval(&self, value: &dyn Fn(Name) -> Option<i64>) -> Result<i64, EvalError> {
        i64::try_from(self.eval_wide(value)?).map_err(|_| EvalError::Overflow)
    }

    fn eval_wide(&self, value: &dyn Fn(Name) -> Option<i64>) -> Result<i128, EvalError> {
        let mut sum = 0i128;
        for term in self.terms() {
            let mut product = i128::from(term.coef);
            for (atom, power) in term.factors.iter() {
                let base = eval_atom(atom, value)?;
                let power = base.checked_pow(*power).ok_or(EvalError::Overflow)?;
                product = product.checked_mul(power).ok_or(EvalError::Overflow)?;
            }
            sum = sum.checked_add(product).ok_or(EvalError::Overflow)?;
        }
        Ok(sum)
    }

    /// `self = Σ c_i * vars_i + rest` with integer `c_i` and `rest` free of `vars`.
    pub fn linear(&self, vars: &[Name]) -> Option<(Vec<i64>, Expr)> {
        let (coefs, rest) = self.linear_sym(vars)?;
        Some((coefs.iter().map(Expr::as_int).collect::<Option<_>>()?, rest))
    }

    /// `self = Σ c_i * vars_i + rest` with `c_i` and `rest` free of `vars`.
    pub fn linear_sym(&self, vars: &[Name]) -> Option<(Vec<Expr>, Expr)> {
        let mut coefs: Vec<Vec<Term>> = vec![Vec::new(); vars.len()];
        let mut rest = Vec::new();
        for term in self.terms() {
            let mut at = None;
            for (i, (atom, power)) in term.factors.iter().enumerate() {
                match atom {
                    Atom::Sym(name) => {
                        if let Some(v) = vars.iter().position(|v| v == name) {
                            if *power != 1 || at.is_some() {
                                return None;
                            }
                            at = Some((i, v));
                        }
                    }
                    other if other.args().iter().any(|a| vars.iter().any(|&v| a.contains(v))) => return None,
                    _ => {}
                }
            }
            match at {
                None => rest.push(term.clone()),
                Some((i, v)) => {
                    let mut factors = term.factors.to_vec();
                    factors.remove(i);
                    coefs[v].push(Term { coef: term.coef, factors: factors.into() });
                }
            }
        }
        // Dividing by a variable can reorder terms: the remaining factors compare differently.
        let sorted = |mut terms: Vec<Term>| {
            terms.sort();
            Expr::build(terms)
        };
        Some((coefs.into_iter().map(sorted).collect(), Expr::build(rest)))
    }
}

fn eval_atom(atom: &Atom, value: &dyn Fn(Name) -> Option<i64>) -> Result<i128, EvalError> {
    let pair = |a: &Expr, b: &Expr| Ok((a.eval_wide(value)?, b.eval_wide(value)?));
    Ok(match atom {
        Atom::Sym(name) => i128::from(value(*name).ok_or(EvalError::Unbound(*name))?),
        Atom::Min(a, b) => pair(a, b).map(|(a, b)| a.min(b))?,
        Atom::Max(a, b) => pair(a, b).map(|(a, b)| a.max(b))?,
        Atom::FloorDiv(a, b) => {
            let (a, b) = pair(a, b)?;
            if b == 0 {
                return Err(EvalError::DivisionByZero);
            }
            let (q, r) =
                (a.checked_div(b).ok_or(EvalError::Overflow)?, a.checked_rem(b).ok_or(EvalError::Overflow)?);
            if r != 0 && (r < 0) != (b < 0) { q - 1 } else { q }
        }
        Atom::Mod(a, b) => {
            let (a, b) = pair(a, b)?;
            if b == 0 {
                return Err(EvalError::DivisionByZero);
            }
            let r = a.checked_rem(b).ok_or(EvalError::Overflow)?;
            if r != 0 && (r < 0) != (b < 0) { r + b } else { r }
        }
        Atom::Call(name, args) => {
            let o = &*OPAQUE;
            let [a, b] = &args[..] else { return Err(EvalError::Opaque(*name)) };
            if *name == o.add {
                let (a, b) = pair(a, b)?;
                a.checked_add(b).ok_or(EvalError::Overflow)?
            } else if *name == o.mul {
                let (a, b) = pair(a, b)?;
                a.checked_mul(b).ok_or(EvalError::Overflow)?
            } else if *name == o.pow {
                let (a, b) = pair(a, b)?;
                let b = u32::try_from(b).map_err(|_| EvalError::Opaque(*name))?;
                a.checked_pow(b).ok_or(EvalError::Overflow)?
            } else {
                return Err(EvalError::Opaque(*name));
            }
        }
    })
}
