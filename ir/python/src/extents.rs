//! How large an extent that data decide can be.

use weft_ir::symbolic::{Atom, Expr, Term};

use crate::context::Importer;

const DEEPEST: u32 = 64;

/// Bounds of expressions, in terms of the arguments.
pub struct Limits<'a, 'b> {
    pub importer: &'a Importer<'b>,
}

impl Limits<'_, '_> {
    fn is_known(&self, e: &Expr) -> bool {
        e.free_symbols().iter().all(|s| self.importer.values.contains_key(s))
    }

    /// No value of `e` is above (`upper`) or below this; `None` where nothing is known.
    pub fn of(&self, e: &Expr, upper: bool, depth: u32) -> Option<Expr> {
        if self.is_known(e) {
            return Some(e.clone());
        }
        if depth > DEEPEST {
            return None;
        }
        let terms = e.terms().iter().map(|t| self.of_term(t, upper, depth + 1));
        terms.collect::<Option<Vec<Expr>>>().map(|all| all.iter().fold(Expr::zero(), |sum, e| sum + e))
    }

    /// A product of which one factor is not known.
    fn of_term(&self, term: &Term, upper: bool, depth: u32) -> Option<Expr> {
        let whole = term.to_expr();
        if self.is_known(&whole) {
            return Some(whole);
        }
        let mut open = None;
        let mut rest = Expr::int(term.coef.checked_abs()?);
        for (atom, power) in term.factors.iter() {
            let factor = Expr::atom(atom);
            if self.is_known(&factor) {
                rest = &rest * &factor.pow(*power);
            } else if *power == 1 && open.is_none() {
                open = Some(atom);
            } else {
                return None;
            }
        }
        if !self.importer.facts().nonneg(&rest).is_yes() {
            return None;
        }
        let bound = &rest * &self.of_atom(open?, upper == (term.coef > 0), depth)?;
        Some(if term.coef > 0 { bound } else { -&bound })
    }

    fn of_atom(&self, atom: &Atom, upper: bool, depth: u32) -> Option<Expr> {
        let of = |e: &Expr| self.of(e, upper, depth);
        let is_positive = |e: &Expr| self.is_known(e) && self.importer.facts().gt(e, &Expr::zero()).is_yes();
        match atom {
            Atom::Sym(symbol) if upper => of(self.importer.bounds.get(symbol)?),
            Atom::Sym(_) => self.importer.facts().nonneg(&Expr::atom(atom)).is_yes().then_some(Expr::zero()),
            // One of the two is enough for a bound on the side that they press to.
            Atom::Min(a, b) => match (of(a), of(b)) {
                (Some(x), Some(y)) => Some(x.min(y)),
                (x, y) if upper => x.or(y),
                _ => None,
            },
            Atom::Max(a, b) => match (of(a), of(b)) {
                (Some(x), Some(y)) => Some(x.max(y)),
                (x, y) if !upper => x.or(y),
                _ => None,
            },
            Atom::FloorDiv(a, b) if is_positive(b) => Some(of(a)?.floor_div(b)),
            Atom::Mod(_, b) if is_positive(b) => Some(if upper { b - 1 } else { Expr::zero() }),
            _ => None,
        }
    }
}
