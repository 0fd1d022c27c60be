//! The Omega test (Pugh 1991) on dense integer rows.
//!
//! Equations are eliminated by Euclid's algorithm on their coefficients, inequalities by
//! Fourier-Motzkin where that is exact and by dark shadow, real shadow and splinters where it is not.
//! Every elimination is remembered, so that a model of the reduced problem extends to one of the whole.

use super::super::expr::Table;

/// `row[0] + Σ row[i + 1] * x_i`.
pub(super) type Row = Vec<i128>;

/// The budget is spent or a coefficient left `i128`.
#[derive(Debug)]
pub(super) struct GiveUp;

#[derive(Clone, Default)]
pub(super) struct Problem {
    /// Number of unknowns.
    pub n: usize,
    /// Rows that are zero.
    pub eqs: Vec<Row>,
    /// Rows that are not negative.
    pub ges: Vec<Row>,
}

enum Step {
    /// The old unknown is this row over the new ones (it may mention its own slot).
    Define(usize, Row),
    /// The unknown lies between these rows' bounds.
    Bounds(usize, Vec<Row>),
}

/// Values of all unknowns; `None` where there are none.
type Solution = Result<Option<Vec<i128>>, GiveUp>;

fn add_scaled(into: &mut Row, row: &Row, scale: i128) -> Result<(), GiveUp> {
    for (x, y) in into.iter_mut().zip(row) {
        *x = y.checked_mul(scale).and_then(|v| v.checked_add(*x)).ok_or(GiveUp)?;
    }
    Ok(())
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn content(row: &Row) -> i128 {
    let g = row[1..].iter().fold(0, |g, c| gcd(g, c.unsigned_abs()));
    i128::try_from(g).unwrap_or(1)
}

fn value(row: &Row, at: &[i128]) -> Result<i128, GiveUp> {
    row[1..]
        .iter()
        .zip(at)
        .try_fold(row[0], |sum, (c, x)| {
            if *c == 0 { Some(sum) } else { c.checked_mul(*x).and_then(|v| v.checked_add(sum)) }
        })
        .ok_or(GiveUp)
}

fn spend(budget: &mut u32, amount: usize) -> Result<(), GiveUp> {
    *budget = u32::try_from(amount).ok().and_then(|a| budget.checked_sub(a)).ok_or(GiveUp)?;
    Ok(())
}

/// What normalizing found.
enum Normal {
    Infeasible,
    NewEquations,
    Done,
}

impl Problem {
    pub(super) fn solve(mut self, budget: &mut u32) -> Solution {
        let mut steps = Vec::new();
        loop {
            if !self.eliminate_equations(&mut steps, budget)? {
                return Ok(None);
            }
            match self.normalize(budget)? {
                Normal::Infeasible => return Ok(None),
                Normal::NewEquations => continue,
                Normal::Done => {}
            }
            if self.ges.is_empty() {
                return extend(vec![0; self.n], steps).map(Some);
            }
            let (k, exact) = self.choose();
            let (mine, others): (Vec<Row>, Vec<Row>) = self.ges.drain(..).partition(|r| r[k + 1] != 0);
            if exact {
                self.ges = others;
                self.ges.extend(shadow(&mine, k, false, budget)?);
                steps.push(Step::Bounds(k, mine));
                continue;
            }
            let sub = |extra: Vec<Row>| Problem {
                n: self.n,
                eqs: Vec::new(),
                ges: others.iter().cloned().chain(extra).collect(),
            };
            if let Some(model) = sub(shadow(&mine, k, true, budget)?).solve(budget)? {
                steps.push(Step::Bounds(k, mine));
                return extend(model, steps).map(Some);
            }
            if sub(shadow(&mine, k, false, budget)?).solve(budget)?.is_none() {
                return Ok(None);
            }
            return match splinters(&sub(mine.clone()), &mine, k, budget)? {
                Some(model) => extend(model, steps).map(Some),
                None => Ok(None),
            };
        }
    }

    /// Whether the equations have an integer solution at all.
    fn eliminate_equations(&mut self, steps: &mut Vec<Step>, budget: &mut u32) -> Result<bool, GiveUp> {
        while let Some(mut eq) = self.eqs.pop() {
            loop {
                spend(budget, 1 + (self.eqs.len() + self.ges.len()) / 8)?;
                let g = content(&eq);
                if g == 0 {
                    if eq[0] != 0 {
                        return Ok(false);
                    }
                    break;
                }
                if eq[0] % g != 0 {
                    return Ok(false);
                }
                eq.iter_mut().for_each(|c| *c /= g);
                let Some(k) =
                    (0..self.n).filter(|&i| eq[i + 1] != 0).min_by_key(|&i| eq[i + 1].unsigned_abs())
                else {
                    break;
                };
                let a = eq[k + 1];
                // old x_k = new x_k - Σ q_i x_i - q_0 leaves remainders smaller than |a|.
                let mut define: Row = eq.iter().map(|c| c.checked_div_euclid(a).unwrap_or(0)).collect();
                let unit = a.unsigned_abs() == 1;
                define.iter_mut().for_each(|c| *c = -*c);
                define[k + 1] = if unit { 0 } else { 1 };
                for row in self.eqs.iter_mut().chain(self.ges.iter_mut()) {
                    substitute(row, k, &define)?;
                }
                if !unit {
                    substitute(&mut eq, k, &define)?;
                }
                steps.push(Step::Define(k, define));
                if unit {
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Divides by common factors, drops what another row implies, finds contradictions and equations.
    fn normalize(&mut self, budget: &mut u32) -> Result<Normal, GiveUp> {
        spend(budget, 1 + self.ges.len() / 8)?;
        let mut tightest: Table<Row, i128> = Table::default();
        let mut order = Vec::new();
        for mut row in self.ges.drain(..) {
            let g = content(&row);
            if g == 0 {
                if row[0] < 0 {
                    return Ok(Normal::Infeasible);
                }
                continue;
            }
            row[1..].iter_mut().for_each(|c| *c /= g);
            let constant = row[0].div_euclid(g);
            let key = row.split_off(1);
            match tightest.get_mut(&key) {
                Some(c) => *c = constant.min(*c),
                None => {
                    order.push(key.clone());
                    tightest.insert(key, constant);
                }
            }
        }
        for key in order {
            let constant = tightest[&key];
            let mut row = vec![constant];
            row.extend_from_slice(&key);
            let opposite: Row = key.iter().map(|c| -c).collect();
            if let Some(other) = tightest.get(&opposite) {
                let slack = constant.checked_add(*other).ok_or(GiveUp)?;
                if slack < 0 {
                    return Ok(Normal::Infeasible);
                }
                if slack == 0 {
                    if key > opposite {
                        self.eqs.push(row);
                    }
                    continue;
                }
            }
            self.ges.push(row);
        }
        Ok(if self.eqs.is_empty() { Normal::Done } else { Normal::NewEquations })
    }

    /// The cheapest unknown to eliminate, and whether Fourier-Motzkin is exact on it.
    fn choose(&self) -> (usize, bool) {
        let cost = |k: &usize| {
            let (mut lower, mut upper, mut unit_lower, mut unit_upper) = (0usize, 0usize, true, true);
            for c in self.ges.iter().map(|r| r[k + 1]) {
                if c > 0 {
                    lower += 1;
                    unit_lower &= c == 1;
                } else if c < 0 {
                    upper += 1;
                    unit_upper &= c == -1;
                }
            }
            let exact = unit_lower || unit_upper || lower == 0 || upper == 0;
            let spread =
                if exact { 0 } else { self.ges.iter().map(|r| r[k + 1].unsigned_abs()).max().unwrap_or(0) };
            (!exact, spread, lower * upper)
        };
        let used = (0..self.n).filter(|k| self.ges.iter().any(|r| r[k + 1] != 0));
        let k = used.min_by_key(cost).unwrap_or(0);
        (k, !cost(&k).0)
    }
}

/// `row` with unknown `k` replaced.
fn substitute(row: &mut Row, k: usize, define: &Row) -> Result<(), GiveUp> {
    let c = std::mem::take(&mut row[k + 1]);
    if c == 0 { Ok(()) } else { add_scaled(row, define, c) }
}

/// The rows' consequences without unknown `k`; the dark shadow leaves room for an integer.
fn shadow(rows: &[Row], k: usize, dark: bool, budget: &mut u32) -> Result<Vec<Row>, GiveUp> {
    let mut out = Vec::new();
    for lower in rows.iter().filter(|r| r[k + 1] > 0) {
        for upper in rows.iter().filter(|r| r[k + 1] < 0) {
            spend(budget, 1)?;
            let (a, b) = (lower[k + 1], upper[k + 1].checked_neg().ok_or(GiveUp)?);
            let mut row = vec![0; lower.len()];
            add_scaled(&mut row, lower, b)?;
            add_scaled(&mut row, upper, a)?;
            if dark {
                let room = (a - 1).checked_mul(b - 1).ok_or(GiveUp)?;
                row[0] = row[0].checked_sub(room).ok_or(GiveUp)?;
            }
            out.push(row);
        }
    }
    Ok(out)
}

/// Integer points that the dark shadow misses lie close above a lower bound.
fn splinters(whole: &Problem, rows: &[Row], k: usize, budget: &mut u32) -> Solution {
    let most = rows.iter().map(|r| -r[k + 1]).max().unwrap_or(1);
    for lower in rows.iter().filter(|r| r[k + 1] > 0) {
        let a = lower[k + 1];
        let last = a.checked_mul(most).ok_or(GiveUp)?.checked_sub(a + most).ok_or(GiveUp)?.div_euclid(most);
        for i in 0..=last {
            spend(budget, 1)?;
            let mut problem = whole.clone();
            let mut eq = lower.clone();
            eq[0] = eq[0].checked_sub(i).ok_or(GiveUp)?;
            problem.eqs.push(eq);
            if let Some(model) = problem.solve(budget)? {
                return Ok(Some(model));
            }
        }
    }
    Ok(None)
}

fn extend(mut model: Vec<i128>, steps: Vec<Step>) -> Result<Vec<i128>, GiveUp> {
    for step in steps.into_iter().rev() {
        match step {
            Step::Define(k, row) => model[k] = value(&row, &model)?,
            Step::Bounds(k, rows) => {
                model[k] = 0;
                let (mut low, mut high) = (i128::MIN, i128::MAX);
                for row in &rows {
                    let rest = value(row, &model)?;
                    let c = row[k + 1];
                    let bound = rest.checked_neg().and_then(|r| r.checked_div_euclid(c)).ok_or(GiveUp)?;
                    if c > 0 {
                        let exact = bound.checked_mul(c).and_then(|v| v.checked_add(rest)) == Some(0);
                        low = low.max(if exact { bound } else { bound + 1 });
                    } else {
                        high = high.min(bound_above(rest, c)?);
                    }
                }
                if low > high {
                    return Err(GiveUp);
                }
                model[k] = 0.clamp(low, high);
            }
        }
    }
    Ok(model)
}

/// The greatest `x` with `rest + c*x >= 0` for `c < 0`.
fn bound_above(rest: i128, c: i128) -> Result<i128, GiveUp> {
    rest.checked_div_euclid(c.checked_neg().ok_or(GiveUp)?).ok_or(GiveUp)
}
