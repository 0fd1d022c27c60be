//! One exact engine for affine questions over the integers.
//!
//! A [`System`] asks whether integers exist that satisfy all constraints. Division and modulo by
//! constants, minimum and maximum are encoded exactly; any other term becomes an unknown of its own,
//! which can only make a system look more feasible: `No` is always a proof, and `Yes` carries a witness
//! that was checked by evaluation.

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use self::rows::{GiveUp, Problem, Row};
use super::expr::{Atom, Expr, Factors};
use super::{Assumptions, Fact};
use crate::Name;

/// Constraints on integers, all of them existentially quantified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct System {
    eqs: Vec<Expr>,
    ges: Vec<Expr>,
}

/// Whether integers satisfy a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feasible {
    /// Proven: none do.
    No,
    /// These do.
    Yes(BTreeMap<Name, i64>),
    Unknown,
}

const MAX_UNKNOWNS: usize = 48;
const MAX_SPLITS: usize = 6;

impl System {
    pub fn new() -> System {
        System::default()
    }

    /// The facts as constraints.
    pub fn under(facts: &Assumptions) -> System {
        let mut system = System::new();
        facts.facts().for_each(|f| system.fact(f));
        system
    }

    pub fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::NonNeg(e) => self.ge0(e),
            Fact::Zero(e) => self.eq0(e),
        }
    }

    /// Requires `e == 0`.
    pub fn eq0(&mut self, e: &Expr) {
        self.eqs.push(e.clone());
    }

    /// Requires `e >= 0`.
    pub fn ge0(&mut self, e: &Expr) {
        self.ges.push(e.clone());
    }

    /// Requires `a <= b`.
    pub fn le(&mut self, a: &Expr, b: &Expr) {
        self.ge0(&(b - a));
    }

    /// Requires `a < b`.
    pub fn lt(&mut self, a: &Expr, b: &Expr) {
        self.ge0(&(b - a - 1));
    }

    /// The assignment satisfies every constraint.
    pub fn holds(&self, value: &dyn Fn(Name) -> Option<i64>) -> bool {
        self.eqs.iter().all(|e| e.eval(value) == Ok(0))
            && self.ges.iter().rev().all(|e| e.eval(value).is_ok_and(|v| v >= 0))
    }

    fn symbols(&self) -> BTreeSet<Name> {
        self.eqs.iter().chain(&self.ges).flat_map(Expr::free_symbols).collect()
    }
}

/// Decides the system; `budget` is about the number of rows that may be derived.
pub fn solve(system: &System, budget: u32) -> Feasible {
    let mut left = budget;
    let Ok((problem, encoding)) = Encoding::of(system) else { return Feasible::Unknown };
    let splits = encoding.extrema.len();
    let mut unknown = false;
    for choice in 0u32..1 << splits {
        let mut case = problem.clone();
        for (i, (m, a, b)) in encoding.extrema.iter().enumerate() {
            let first = choice >> i & 1 == 0;
            let (pick, other) = if first { (a, b) } else { (b, a) };
            let Some((equal, ordered)) = difference(m, pick).zip(difference(pick, other)) else {
                return Feasible::Unknown;
            };
            case.eqs.push(equal);
            // For a minimum the picked one is at most the other: the sign is in the stored order.
            case.ges.push(ordered.iter().map(|c| if encoding.is_max[i] { *c } else { -*c }).collect());
        }
        match case.solve(&mut left) {
            Ok(None) => {}
            Ok(Some(model)) => match encoding.witness(system, &model) {
                Some(witness) => return Feasible::Yes(witness),
                None => unknown = true,
            },
            Err(GiveUp) => return Feasible::Unknown,
        }
    }
    if unknown { Feasible::Unknown } else { Feasible::No }
}

fn difference(a: &Row, b: &Row) -> Option<Row> {
    a.iter().zip(b).map(|(x, y)| x.checked_sub(*y)).collect()
}

#[derive(Default)]
struct Encoding {
    symbols: Vec<(Name, usize)>,
    /// Quotients by constants, extrema and opaque products.
    others: BTreeMap<Factors, usize>,
    n: usize,
    eqs: Vec<Row>,
    ges: Vec<Row>,
    /// Unknown, first and second argument, to be split into cases.
    extrema: Vec<(Row, Row, Row)>,
    is_max: Vec<bool>,
}

impl Encoding {
    fn of(system: &System) -> Result<(Problem, Encoding), GiveUp> {
        let mut c = Encoding::default();
        for e in &system.eqs {
            let row = c.row(e)?;
            c.eqs.push(row);
        }
        for e in &system.ges {
            let row = c.row(e)?;
            c.ges.push(row);
        }
        let n = c.n;
        let pad = |rows: &mut Vec<Row>| rows.iter_mut().for_each(|r| r.resize(n + 1, 0));
        let (mut eqs, mut ges) = (std::mem::take(&mut c.eqs), std::mem::take(&mut c.ges));
        pad(&mut eqs);
        pad(&mut ges);
        for (m, a, b) in &mut c.extrema {
            [m, a, b].into_iter().for_each(|r| r.resize(n + 1, 0));
        }
        Ok((Problem { n, eqs, ges }, c))
    }

    fn fresh(&mut self) -> Result<usize, GiveUp> {
        if self.n >= MAX_UNKNOWNS {
            return Err(GiveUp);
        }
        self.n += 1;
        Ok(self.n - 1)
    }

    fn unit(k: usize) -> Row {
        let mut row = vec![0; k + 2];
        row[k + 1] = 1;
        row
    }

    fn add(into: &mut Row, row: &Row, scale: i128) -> Result<(), GiveUp> {
        if into.len() < row.len() {
            into.resize(row.len(), 0);
        }
        for (x, y) in into.iter_mut().zip(row) {
            *x = y.checked_mul(scale).and_then(|v| v.checked_add(*x)).ok_or(GiveUp)?;
        }
        Ok(())
    }

    fn row(&mut self, e: &Expr) -> Result<Row, GiveUp> {
        let mut row = vec![0];
        for t in e.terms() {
            let part = match &t.factors[..] {
                [] => vec![1],
                [(atom, 1)] => self.atom(atom, &t.factors)?,
                _ => Self::unit(self.other(&t.factors)?.0),
            };
            Self::add(&mut row, &part, i128::from(t.coef))?;
        }
        Ok(row)
    }

    /// The unknown for these factors, and whether it is new.
    fn other(&mut self, factors: &Factors) -> Result<(usize, bool), GiveUp> {
        if let Some(&k) = self.others.get(factors) {
            return Ok((k, false));
        }
        let k = self.fresh()?;
        self.others.insert(factors.clone(), k);
        Ok((k, true))
    }

    fn atom(&mut self, atom: &Atom, factors: &Factors) -> Result<Row, GiveUp> {
        let positive = |d: &Expr| d.as_int().filter(|&d| d > 0);
        match atom {
            Atom::Sym(name) => {
                if let Some((_, k)) = self.symbols.iter().find(|s| s.0 == *name) {
                    return Ok(Self::unit(*k));
                }
                let k = self.fresh()?;
                self.symbols.push((*name, k));
                Ok(Self::unit(k))
            }
            Atom::FloorDiv(x, d) if positive(d).is_some() => self.quotient(x, d),
            Atom::Mod(x, d) if let Some(c) = positive(d) => {
                let mut row = self.row(x)?;
                let quotient = self.quotient(x, d)?;
                Self::add(&mut row, &quotient, -i128::from(c))?;
                Ok(row)
            }
            Atom::Min(a, b) | Atom::Max(a, b) => {
                let (k, new) = self.other(factors)?;
                let unit = Self::unit(k);
                if new {
                    let max = matches!(atom, Atom::Max(..));
                    let (a, b) = (self.row(a)?, self.row(b)?);
                    if self.extrema.len() < MAX_SPLITS {
                        self.extrema.push((unit.clone(), a, b));
                        self.is_max.push(max);
                    } else {
                        for mut row in [a, b] {
                            Self::add(&mut row, &unit, -1)?;
                            self.ges.push(if max { row.iter().map(|c| -c).collect() } else { row });
                        }
                    }
                }
                Ok(unit)
            }
            _ => Ok(Self::unit(self.other(factors)?.0)),
        }
    }

    /// An unknown `q` with `0 <= x - d*q < d`.
    fn quotient(&mut self, x: &Expr, d: &Expr) -> Result<Row, GiveUp> {
        let c = i128::from(d.as_int().ok_or(GiveUp)?);
        let factors: Factors = vec![(Atom::FloorDiv(x.clone(), d.clone()), 1)].into();
        let (q, new) = self.other(&factors)?;
        if new {
            let mut rest = self.row(x)?;
            Self::add(&mut rest, &Self::unit(q), -c)?;
            let mut below: Row = rest.iter().map(|c| -c).collect();
            below[0] = below[0].checked_add(c - 1).ok_or(GiveUp)?;
            self.ges.push(rest);
            self.ges.push(below);
        }
        Ok(Self::unit(q))
    }

    /// The model's symbols if they satisfy the system; symbols inside opaque terms are zero.
    fn witness(&self, system: &System, model: &[i128]) -> Option<BTreeMap<Name, i64>> {
        let mut out: BTreeMap<Name, i64> = system.symbols().into_iter().map(|name| (name, 0)).collect();
        for (name, k) in &self.symbols {
            out.insert(*name, i64::try_from(*model.get(*k)?).ok()?);
        }
        system.holds(&|name| out.get(&name).copied()).then_some(out)
    }
}
