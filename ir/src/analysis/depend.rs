//! Dependence between iterations, as affine questions to the integer-set engine.

use std::collections::BTreeMap;

use super::access::Access;
use crate::names::Name;
use crate::symbolic::{Assumptions, Expr, Feasible, Range, Subset, System, omega};

/// May two different iterations touch the same element, at least one of them writing?
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Carried {
    /// Proven: no.
    No,
    /// Two iterations do: `iterations i=1 and i=2 both touch A[1]`.
    Yes(String),
    /// Not decided; what stands in the way.
    Unknown(String),
}

/// Rows that the engine may derive for one question.
const BUDGET: u32 = 4000;
/// Distinct pairs of accesses that one question looks at.
const MAX_PAIRS: usize = 4000;

/// May two different iterations of the loop or map with these parameters conflict? `accesses` are
/// those of one iteration; containers for which `private` holds are left out (each iteration has
/// its own). Writes with the same write-conflict resolution do not conflict.
pub fn carried(
    params: &[(Name, Range)],
    accesses: &[Access],
    facts: &Assumptions,
    private: &dyn Fn(Name) -> bool,
) -> Carried {
    let mut by_data: BTreeMap<Name, Vec<&Access>> = BTreeMap::new();
    for access in accesses.iter().filter(|a| !private(a.data)) {
        let known = by_data.entry(access.data).or_default();
        let same = |a: &&Access| {
            a.subset == access.subset
                && a.write == access.write
                && a.wcr == access.wcr
                && a.params == access.params
                && a.exact == access.exact
                && a.always == access.always
        };
        if !known.iter().any(same) {
            known.push(access);
        }
    }
    let mut unknown = None;
    let mut pairs = 0;
    for (data, list) in &by_data {
        for (at, a) in list.iter().enumerate() {
            for b in &list[at..] {
                if !conflicting(a, b) {
                    continue;
                }
                pairs += 1;
                if pairs > MAX_PAIRS {
                    return Carried::Unknown(format!("'{data}' is accessed in too many ways"));
                }
                let question = Question { params, facts };
                match question.ask(a, b) {
                    Carried::No => {}
                    Carried::Yes(witness) => return Carried::Yes(witness),
                    Carried::Unknown(why) => unknown = unknown.or(Some(why)),
                }
            }
        }
    }
    unknown.map_or(Carried::No, Carried::Unknown)
}

/// May iteration `i` touch an element of `a` that a different iteration touches as `b`?
pub fn carried_between(params: &[(Name, Range)], a: &Subset, b: &Subset, facts: &Assumptions) -> Carried {
    let access = |subset: &Subset, write| Access {
        data: Name::new("it"),
        subset: subset.clone(),
        write,
        wcr: None,
        exact: true,
        always: true,
        params: vec![],
        place: crate::sdfg::Place::Whole,
    };
    let question = Question { params, facts };
    question.ask(&access(a, false), &access(b, true))
}

/// May two accesses touch the same element, at least one of them writing? Their parameters take all
/// values independently of each other; symbols outside have one value.
pub fn conflict(a: &Access, b: &Access, facts: &Assumptions) -> bool {
    if !conflicting(a, b) {
        return false;
    }
    let question = Question { params: &[], facts };
    question.meet(a, b, &[]) != Feasible::No
}

fn conflicting(a: &Access, b: &Access) -> bool {
    a.data == b.data && (a.write || b.write) && !(a.write && b.write && a.wcr.is_some() && a.wcr == b.wcr)
}

struct Question<'a> {
    params: &'a [(Name, Range)],
    facts: &'a Assumptions,
}

/// The names of one of the two iterations.
struct Instance {
    renamed: BTreeMap<Name, Name>,
}

impl Instance {
    fn subst<'s>(&'s self) -> impl Fn(Name) -> Option<Expr> + 's {
        |n| self.renamed.get(&n).map(|&to| Expr::sym(to))
    }
}

impl Question<'_> {
    fn ask(&self, a: &Access, b: &Access) -> Carried {
        let mut unknown = false;
        // Different: equal in the outer parameters, smaller or greater in one.
        for at in 0..self.params.len() {
            for less in [true, false] {
                let mut order = vec![std::cmp::Ordering::Equal; at];
                order.push(if less { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater });
                match self.meet(a, b, &order) {
                    Feasible::No => {}
                    Feasible::Yes(values) if a.exact && b.exact && a.always && b.always => {
                        return Carried::Yes(self.witness(a, &values));
                    }
                    _ => unknown = true,
                }
                // A pair of one access with itself is the same both ways.
                if a == b {
                    break;
                }
            }
        }
        if !unknown {
            return Carried::No;
        }
        Carried::Unknown(format!("different iterations may both touch {}[{}]", a.data, a.subset))
    }

    fn instance(&self, system: &mut System, access: &Access, which: &str) -> Instance {
        let mut instance = Instance { renamed: BTreeMap::new() };
        let own = self.params.iter().map(|(n, r)| (*n, Some(r)));
        let inner = access.params.iter().map(|(n, r)| (*n, r.as_ref()));
        for (name, range) in own.chain(inner) {
            let range = range.map(|r| r.subst(&instance.subst()));
            let unique = Name::new(&format!("{name}{which}"));
            instance.renamed.insert(name, unique);
            if let Some(range) = range {
                member(system, &Expr::sym(unique), &range, self.facts, &format!("{name}{which}#"));
            }
        }
        instance
    }

    /// Can both touch one element, the iteration of `a` being in this order to that of `b`?
    fn meet(&self, a: &Access, b: &Access, order: &[std::cmp::Ordering]) -> Feasible {
        if a.subset.rank() != b.subset.rank() {
            return Feasible::Unknown;
        }
        let mut system = System::under(self.facts);
        let first = self.instance(&mut system, a, "'1");
        let second = self.instance(&mut system, b, "'2");
        for ((name, _), order) in self.params.iter().zip(order) {
            let (i, j) = (Expr::sym(first.renamed[name]), Expr::sym(second.renamed[name]));
            match order {
                std::cmp::Ordering::Equal => system.eq0(&(i - j)),
                std::cmp::Ordering::Less => system.lt(&i, &j),
                std::cmp::Ordering::Greater => system.lt(&j, &i),
            }
        }
        for (d, (x, y)) in a.subset.0.iter().zip(&b.subset.0).enumerate() {
            let (x, y) = (x.subst(&first.subst()), y.subst(&second.subst()));
            let at = Expr::sym(element(d));
            member(&mut system, &at, &x, self.facts, &format!("x{d}#"));
            member(&mut system, &at, &y, self.facts, &format!("y{d}#"));
        }
        omega::solve(&system, BUDGET)
    }

    fn witness(&self, a: &Access, values: &BTreeMap<Name, i64>) -> String {
        let iteration = |which: &str| -> (Vec<Option<i64>>, String) {
            let of = |n: &Name| values.get(&Name::new(&format!("{n}{which}"))).copied();
            let parts = self.params.iter().filter_map(|(n, _)| Some(format!("{n}={}", of(n)?)));
            let text = parts.collect::<Vec<_>>().join(", ");
            (self.params.iter().map(|(n, _)| of(n)).collect(), text)
        };
        let mut both = [iteration("'1"), iteration("'2")];
        both.sort();
        let [(_, first), (_, second)] = both;
        let index: Vec<String> = (0..a.subset.rank())
            .map(|d| values.get(&element(d)).map_or("?".to_string(), i64::to_string))
            .collect();
        let index = if index.is_empty() { String::new() } else { format!("[{}]", index.join(", ")) };
        format!("iterations {first} and {second} both touch {}{index}", a.data)
    }
}

fn element(dimension: usize) -> Name {
    Name::new(&format!("at'{dimension}"))
}

/// Requires that `at` is an element of the range, as far as its step is known.
fn member(system: &mut System, at: &Expr, range: &Range, facts: &Assumptions, fresh: &str) {
    if let Some(index) = range.is_index() {
        system.eq0(&(at - index));
        return;
    }
    let step = range.step.as_int();
    let rising =
        step.is_some_and(|s| s > 0) || (step.is_none() && facts.gt(&range.step, &Expr::zero()).is_yes());
    let falling =
        step.is_some_and(|s| s < 0) || (step.is_none() && facts.lt(&range.step, &Expr::zero()).is_yes());
    if rising {
        system.le(&range.begin, at);
        system.lt(at, &range.end);
    } else if falling {
        system.le(at, &range.begin);
        system.lt(&range.end, at);
    }
    if let Some(step) = step.filter(|s| s.unsigned_abs() > 1) {
        let k = Expr::sym(Name::new(fresh));
        system.eq0(&(at - &range.begin - k * step));
    }
}
