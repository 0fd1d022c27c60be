//! The text form, which parses back to the same expression, and DaCe's.

use std::fmt::{self, Display, Formatter, Write};

use super::expr::{Atom, Expr, OPAQUE, Term};

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Python,
    Dace,
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if f.width().is_some() || f.precision().is_some() {
            let mut text = String::new();
            sum(&mut text, self, Style::Python)?;
            return f.pad(&text);
        }
        sum(f, self, Style::Python)
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        sum(f, self, Style::Python)
    }
}

impl Expr {
    /// The text that DaCe's symbolic parser reads: `int_floor(a, b)`, `Min(a, b)`, `Max(a, b)`, `%`.
    pub fn to_dace(&self) -> String {
        let mut text = String::new();
        let _ = sum(&mut text, self, Style::Dace);
        text
    }

    /// Needs no parentheses as an operand of `//`, `%` and `**`.
    fn is_simple(&self, style: Style) -> bool {
        match self.as_atom() {
            Some(atom) => atom_is_simple(atom, style),
            None => self.as_int().is_some_and(|i| i >= 0),
        }
    }
}

fn atom_is_simple(atom: &Atom, style: Style) -> bool {
    match atom {
        Atom::FloorDiv(..) => style == Style::Dace || as_ceil(atom).is_some(),
        Atom::Mod(..) => false,
        _ => true,
    }
}

/// `-ceil(a/b)` is what the atom is; the negated numerator.
fn as_ceil(atom: &Atom) -> Option<(Expr, &Expr)> {
    match atom {
        Atom::FloorDiv(a, b)
            if b.as_int().is_none() && a.terms().iter().all(|t| t.coef < 0 && t.coef != i64::MIN) =>
        {
            Some((-a, b))
        }
        _ => None,
    }
}

fn sum(f: &mut dyn Write, e: &Expr, style: Style) -> fmt::Result {
    if e.is_zero() {
        return f.write_char('0');
    }
    let terms = e.terms();
    let first = terms.iter().position(|t| !negative(t)).unwrap_or(0);
    let rest = terms.iter().enumerate().filter(|&(i, _)| i != first).map(|(_, t)| t);
    for (i, t) in std::iter::once(&terms[first]).chain(rest).enumerate() {
        let minus = negative(t) && t.coef != i64::MIN;
        match (i, minus) {
            (0, true) => f.write_char('-')?,
            (0, false) => {}
            (_, true) => f.write_str(" - ")?,
            (_, false) => f.write_str(" + ")?,
        }
        let coef = t.coef;
        let coef = if minus { i128::from(coef).abs() } else { i128::from(effective(t)) };
        product(f, coef, t, i == 0 && minus, style)?;
    }
    Ok(())
}

/// The printed sign: a lone ceiling counts as positive although it is stored as a negated floor.
fn negative(t: &Term) -> bool {
    effective(t) < 0
}

fn effective(t: &Term) -> i64 {
    if t.coef == i64::MIN {
        return t.coef; // has no negation: `product` keeps the minus at the ceiling
    }
    let ceilings: u32 = t.factors.iter().filter(|f| as_ceil(&f.0).is_some()).map(|f| f.1 % 2).sum();
    if ceilings % 2 == 1 { -t.coef } else { t.coef }
}

/// `leading_minus`: a `-` was printed that binds tighter than `//`.
fn product(f: &mut dyn Write, coef: i128, t: &Term, leading_minus: bool, style: Style) -> fmt::Result {
    let mut alone = !leading_minus;
    if t.is_constant() {
        return write!(f, "{coef}");
    }
    if coef != 1 {
        write!(f, "{coef}")?;
        alone = false;
    }
    alone &= t.factors.len() == 1;
    for (i, (atom, power)) in t.factors.iter().enumerate() {
        if i > 0 || coef != 1 {
            f.write_char('*')?;
        }
        if t.coef == i64::MIN && as_ceil(atom).is_some() {
            f.write_str("(-")?;
            write_atom(f, atom, style)?;
            f.write_char(')')?;
        } else if (alone && *power == 1) || atom_is_simple(atom, style) {
            write_atom(f, atom, style)?;
        } else {
            f.write_char('(')?;
            write_atom(f, atom, style)?;
            f.write_char(')')?;
        }
        if *power > 1 {
            write!(f, "**{power}")?;
        }
    }
    Ok(())
}

fn operand(f: &mut dyn Write, e: &Expr, style: Style) -> fmt::Result {
    if e.is_simple(style) {
        return sum(f, e, style);
    }
    f.write_char('(')?;
    sum(f, e, style)?;
    f.write_char(')')
}

fn call<'a>(
    f: &mut dyn Write,
    name: &str,
    args: impl IntoIterator<Item = &'a Expr>,
    style: Style,
) -> fmt::Result {
    write!(f, "{name}(")?;
    for (i, a) in args.into_iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        sum(f, a, style)?;
    }
    f.write_char(')')
}

fn write_atom(f: &mut dyn Write, atom: &Atom, style: Style) -> fmt::Result {
    if let Some((a, b)) = as_ceil(atom) {
        return call(f, "int_ceil", [&a, b], style);
    }
    let infix = |f: &mut dyn Write, a: &Expr, op: &str, b: &Expr| {
        operand(f, a, style)?;
        f.write_str(op)?;
        operand(f, b, style)
    };
    let extremum = |f: &mut dyn Write, a: &Expr, b: &Expr, max: bool, name: &str| {
        call(f, name, std::iter::once(a).chain(b.extremum_args(max)), style)
    };
    match (atom, style) {
        (Atom::Sym(name), _) => f.write_str(name.as_str()),
        (Atom::FloorDiv(a, b), Style::Python) => infix(f, a, "//", b),
        (Atom::FloorDiv(a, b), Style::Dace) => call(f, "int_floor", [a, b], style),
        (Atom::Mod(a, b), _) => infix(f, a, " % ", b),
        (Atom::Min(a, b), Style::Python) => extremum(f, a, b, false, "min"),
        (Atom::Min(a, b), Style::Dace) => extremum(f, a, b, false, "Min"),
        (Atom::Max(a, b), Style::Python) => extremum(f, a, b, true, "max"),
        (Atom::Max(a, b), Style::Dace) => extremum(f, a, b, true, "Max"),
        (Atom::Call(name, args), Style::Dace) if args.len() == 2 && *name == OPAQUE.add => {
            f.write_char('(')?;
            infix(f, &args[0], " + ", &args[1])?;
            f.write_char(')')
        }
        (Atom::Call(name, args), Style::Dace) if args.len() == 2 && *name == OPAQUE.mul => {
            f.write_char('(')?;
            infix(f, &args[0], "*", &args[1])?;
            f.write_char(')')
        }
        (Atom::Call(name, args), _) => call(f, name.as_str(), args, style),
    }
}
