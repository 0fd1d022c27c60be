//! The normal form: a sum of integer multiples of products of powers of atoms.
//!
//! Invariants of every `Expr`: terms are strictly ordered (degree falling, then factors, the constant
//! last), no coefficient is zero, the factors of a term are strictly ordered and have powers ≥ 1.
//! Size and nesting are bounded: what would not fit becomes an opaque call, so that no operation on an
//! expression overflows the stack or takes unbounded time.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, LazyLock};

use crate::Name;

/// An integer expression in normal form. Immutable; cloning is O(1).
#[derive(Clone)]
pub struct Expr(Arc<Node>);

struct Node {
    terms: Vec<Term>,
    hash: u64,
    weight: u32,
    depth: u32,
}

/// The powers of atoms that a term multiplies, ordered by atom; empty for the constant.
pub type Factors = Arc<[(Atom, u32)]>;

/// `coef * Π atom**power`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// Never zero.
    pub coef: i64,
    pub factors: Factors,
}

/// What a product is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    Sym(Name),
    /// Quotient rounded towards minus infinity.
    FloorDiv(Expr, Expr),
    /// Remainder with the divisor's sign.
    Mod(Expr, Expr),
    /// Longer minima nest in the second argument.
    Min(Expr, Expr),
    /// Longer maxima nest in the second argument.
    Max(Expr, Expr),
    /// A function that nothing is known about, except that equal arguments give equal results.
    Call(Name, Vec<Expr>),
}

/// What a lowering sees of an expression.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    Int(i64),
    /// At least one term has factors; a constant, if any, is the last term.
    Sum(&'a [Term]),
}

const MAX_WEIGHT: u32 = 8192;
pub(super) const MAX_DEPTH: u32 = 100;
const MAX_PRODUCT: usize = 4096;

/// The opaque forms of what does not fit the normal form's limits.
pub(super) struct Opaque {
    pub add: Name,
    pub mul: Name,
    pub pow: Name,
    pub big: Name,
}

pub(super) static OPAQUE: LazyLock<Opaque> = LazyLock::new(|| Opaque {
    add: Name::new("__add"),
    mul: Name::new("__mul"),
    pow: Name::new("__pow"),
    big: Name::new("__big"),
});

static ZERO: LazyLock<Expr> = LazyLock::new(|| Expr::node(Vec::new()));
static ONE: LazyLock<Expr> = LazyLock::new(|| Expr::node(vec![Term::constant(1)]));
static NO_FACTORS: LazyLock<Factors> = LazyLock::new(|| Vec::new().into());

impl Term {
    pub(super) fn constant(coef: i64) -> Term {
        Term { coef, factors: NO_FACTORS.clone() }
    }

    /// The term has no factors.
    pub fn is_constant(&self) -> bool {
        self.factors.is_empty()
    }

    /// The term as an expression.
    pub fn to_expr(&self) -> Expr {
        Expr::build(vec![self.clone()])
    }
}

impl Atom {
    fn weight(&self) -> u32 {
        match self {
            Atom::Sym(_) => 1,
            Atom::FloorDiv(a, b) | Atom::Mod(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => {
                a.0.weight.saturating_add(b.0.weight).saturating_add(1)
            }
            Atom::Call(_, args) => args.iter().fold(1, |w: u32, a| w.saturating_add(a.0.weight)),
        }
    }

    fn depth(&self) -> u32 {
        self.args().iter().map(|a| a.0.depth + 1).max().unwrap_or(0)
    }

    /// The argument expressions; none for a symbol.
    pub fn args(&self) -> Vec<&Expr> {
        match self {
            Atom::Sym(_) => Vec::new(),
            Atom::FloorDiv(a, b) | Atom::Mod(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => vec![a, b],
            Atom::Call(_, args) => args.iter().collect(),
        }
    }
}

/// Degree falling, then factors; the constant comes last.
pub(super) fn cmp_factors(a: &Factors, b: &Factors) -> Ordering {
    if Arc::ptr_eq(a, b) {
        return Ordering::Equal;
    }
    let degree = |f: &Factors| f.iter().fold(0u64, |d, x| d + u64::from(x.1));
    degree(b).cmp(&degree(a)).then_with(|| {
        for (x, y) in a.iter().zip(b.iter()) {
            let order = x.0.cmp(&y.0).then(y.1.cmp(&x.1));
            if order.is_ne() {
                return order;
            }
        }
        a.len().cmp(&b.len())
    })
}

fn mul_factors(a: &Factors, b: &Factors) -> Option<Factors> {
    if a.is_empty() {
        return Some(b.clone());
    }
    if b.is_empty() {
        return Some(a.clone());
    }
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        match a[i].0.cmp(&b[j].0) {
            Ordering::Less => {
                out.push(a[i].clone());
                i += 1;
            }
            Ordering::Greater => {
                out.push(b[j].clone());
                j += 1;
            }
            Ordering::Equal => {
                out.push((a[i].0.clone(), a[i].1.checked_add(b[j].1)?));
                i += 1;
                j += 1;
            }
        }
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    Some(out.into())
}

/// A map with a hash of few instructions.
pub(super) type Table<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

/// A hash of few instructions, for tables in this module: each node of an expression is hashed when it is made, from the hashes
/// of its parts. Nobody else sees it, so it need not withstand an attack, and equality compares terms.
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(n.into());
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
    fn write_i64(&mut self, n: i64) {
        self.write_u64(n as u64);
    }
    fn write_u64(&mut self, n: u64) {
        // Both halves of the product: the lower one alone would not mix the upper bits down.
        let product = u128::from(self.0.rotate_left(23) ^ n ^ 0x9E37_79B9_7F4A_7C15) * 0xBF58_476D_1CE4_E5B9;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

impl Expr {
    fn node(terms: Vec<Term>) -> Expr {
        let mut hasher = Mix(0);
        terms.hash(&mut hasher);
        let (mut weight, mut depth) = (1u32, 0);
        for (atom, _) in terms.iter().flat_map(|t| t.factors.iter()) {
            weight = weight.saturating_add(atom.weight());
            depth = depth.max(atom.depth());
        }
        weight = weight.saturating_add(terms.len() as u32);
        Expr(Arc::new(Node { terms, hash: hasher.finish(), weight, depth }))
    }

    /// From terms that satisfy the invariants; too large a result becomes opaque.
    pub(super) fn build(terms: Vec<Term>) -> Expr {
        let e = Expr::node(terms);
        if e.0.weight <= MAX_WEIGHT && e.0.depth <= MAX_DEPTH {
            return e;
        }
        let symbols = e.free_symbols();
        let mut args = Vec::with_capacity(symbols.len() + 1);
        if let [Term { coef: 1, factors }] = e.terms()
            && let [(Atom::Call(name, _), 1)] = &factors[..]
            && *name == OPAQUE.big
            && e.0.depth <= 1
        {
            return e;
        }
        args.push(Expr::int(e.fingerprint()));
        args.extend(symbols.into_iter().map(Expr::sym));
        Expr::node(vec![Term { coef: 1, factors: Arc::new([(Atom::Call(OPAQUE.big, args), 1)]) }])
    }

    /// A hash of the text, the same in every run.
    fn fingerprint(&self) -> i64 {
        struct Fnv(u64);
        impl Write for Fnv {
            fn write_str(&mut self, s: &str) -> std::fmt::Result {
                for b in s.bytes() {
                    self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x100_0000_01b3);
                }
                Ok(())
            }
        }
        let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
        let _ = write!(fnv, "{self}");
        (fnv.0 >> 1) as i64
    }

    /// From unordered terms; `None` where a coefficient leaves `i64`.
    pub(super) fn collect(mut terms: Vec<(i128, Factors)>) -> Option<Expr> {
        terms.sort_by(|a, b| cmp_factors(&a.1, &b.1));
        let mut out: Vec<Term> = Vec::with_capacity(terms.len());
        let mut terms = terms.into_iter().peekable();
        while let Some((mut coef, factors)) = terms.next() {
            while let Some((c, _)) = terms.next_if(|t| cmp_factors(&t.1, &factors).is_eq()) {
                coef = coef.checked_add(c)?;
            }
            if coef != 0 {
                out.push(Term { coef: i64::try_from(coef).ok()?, factors });
            }
        }
        Some(Expr::build(out))
    }

    pub fn int(value: i64) -> Expr {
        match value {
            0 => Expr::zero(),
            1 => Expr::one(),
            _ => Expr::node(vec![Term::constant(value)]),
        }
    }

    pub fn zero() -> Expr {
        ZERO.clone()
    }

    pub fn one() -> Expr {
        ONE.clone()
    }

    pub fn sym(name: impl Into<Name>) -> Expr {
        Expr::raw(Atom::Sym(name.into()))
    }

    /// The atom itself, without simplification.
    pub(super) fn raw(atom: Atom) -> Expr {
        Expr::build(vec![Term { coef: 1, factors: Arc::new([(atom, 1)]) }])
    }

    /// The atom, simplified as by the function that makes it.
    pub fn atom(atom: &Atom) -> Expr {
        match atom {
            Atom::Sym(name) => Expr::sym(*name),
            Atom::FloorDiv(a, b) => a.floor_div(b),
            Atom::Mod(a, b) => a.modulo(b),
            Atom::Min(a, b) => a.min(b),
            Atom::Max(a, b) => a.max(b),
            Atom::Call(name, args) => Expr::call(*name, args.clone()),
        }
    }

    /// A function of which nothing is known.
    pub fn call(name: Name, args: Vec<Expr>) -> Expr {
        let o = &*OPAQUE;
        match &args[..] {
            [a, b] if name == o.add => return a + b,
            [a, b] if name == o.mul => return a * b,
            [a, b] if name == o.pow => {
                if let Some(power) = b.as_int().and_then(|p| u32::try_from(p).ok()) {
                    return a.pow(power);
                }
            }
            _ => {}
        }
        Expr::raw(Atom::Call(name, args))
    }

    /// The terms in order; none for zero.
    pub fn terms(&self) -> &[Term] {
        &self.0.terms
    }

    /// What a lowering walks over.
    pub fn view(&self) -> View<'_> {
        self.as_int().map_or(View::Sum(self.terms()), View::Int)
    }

    pub(super) fn depth(&self) -> u32 {
        self.0.depth
    }

    pub fn as_int(&self) -> Option<i64> {
        match self.terms() {
            [] => Some(0),
            [t] if t.is_constant() => Some(t.coef),
            _ => None,
        }
    }

    pub fn as_sym(&self) -> Option<Name> {
        match self.as_atom() {
            Some(Atom::Sym(name)) => Some(*name),
            _ => None,
        }
    }

    /// The expression is this atom and nothing else.
    pub fn as_atom(&self) -> Option<&Atom> {
        match self.terms() {
            [Term { coef: 1, factors }] => match &factors[..] {
                [(atom, 1)] => Some(atom),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn is_zero(&self) -> bool {
        self.terms().is_empty()
    }

    pub fn is_one(&self) -> bool {
        self.as_int() == Some(1)
    }

    /// The terms with factors, and the constant.
    pub fn split_const(&self) -> (Expr, i64) {
        match self.terms().split_last() {
            Some((last, _)) if self.terms().len() == 1 && last.is_constant() => (Expr::zero(), last.coef),
            Some((last, rest)) if last.is_constant() => (Expr::build(rest.to_vec()), last.coef),
            _ => (self.clone(), 0),
        }
    }

    /// `self**power`; opaque where the expansion is too large.
    pub fn pow(&self, power: u32) -> Expr {
        self.try_pow(power).unwrap_or_else(|| {
            Expr::raw(Atom::Call(OPAQUE.pow, vec![self.clone(), Expr::int(i64::from(power))]))
        })
    }

    fn try_pow(&self, power: u32) -> Option<Expr> {
        match self.terms() {
            _ if power == 0 => Some(Expr::one()),
            [] => Some(Expr::zero()),
            [t] => {
                let mut factors = t.factors.to_vec();
                for f in &mut factors {
                    f.1 = f.1.checked_mul(power)?;
                }
                Some(Expr::build(vec![Term { coef: t.coef.checked_pow(power)?, factors: factors.into() }]))
            }
            _ if power > 64 => None,
            _ => (1..power).try_fold(self.clone(), |e, _| e.try_mul(self)),
        }
    }

    fn try_add(&self, other: &Expr) -> Option<Expr> {
        let (a, b) = (self.terms(), other.terms());
        let mut out = Vec::with_capacity(a.len() + b.len());
        let (mut i, mut j) = (0, 0);
        while i < a.len() && j < b.len() {
            match cmp_factors(&a[i].factors, &b[j].factors) {
                Ordering::Less => {
                    out.push(a[i].clone());
                    i += 1;
                }
                Ordering::Greater => {
                    out.push(b[j].clone());
                    j += 1;
                }
                Ordering::Equal => {
                    let coef = a[i].coef.checked_add(b[j].coef)?;
                    if coef != 0 {
                        out.push(Term { coef, factors: a[i].factors.clone() });
                    }
                    i += 1;
                    j += 1;
                }
            }
        }
        out.extend_from_slice(&a[i..]);
        out.extend_from_slice(&b[j..]);
        Some(Expr::build(out))
    }

    fn try_mul(&self, other: &Expr) -> Option<Expr> {
        let (a, b) = (self.terms(), other.terms());
        if a.len().saturating_mul(b.len()) > MAX_PRODUCT {
            return None;
        }
        let mut out = Vec::with_capacity(a.len() * b.len());
        for x in a {
            for y in b {
                out.push((i128::from(x.coef) * i128::from(y.coef), mul_factors(&x.factors, &y.factors)?));
            }
        }
        Expr::collect(out)
    }

    pub(super) fn plus(&self, other: &Expr) -> Expr {
        match (self.is_zero(), other.is_zero()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => self.try_add(other).unwrap_or_else(|| opaque_pair(OPAQUE.add, self, other)),
        }
    }

    pub(super) fn times(&self, other: &Expr) -> Expr {
        match (self.is_one(), other.is_one()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => self.try_mul(other).unwrap_or_else(|| opaque_pair(OPAQUE.mul, self, other)),
        }
    }
}

fn opaque_pair(name: Name, a: &Expr, b: &Expr) -> Expr {
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    Expr::raw(Atom::Call(name, vec![a.clone(), b.clone()]))
}

impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.hash == other.0.hash && self.0.terms == other.0.terms)
    }
}

impl Eq for Expr {}

impl Hash for Expr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Term) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Term {
    fn cmp(&self, other: &Term) -> Ordering {
        cmp_factors(&self.factors, &other.factors).then(self.coef.cmp(&other.coef))
    }
}

impl PartialOrd for Expr {
    fn partial_cmp(&self, other: &Expr) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Expr {
    fn cmp(&self, other: &Expr) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.terms.cmp(&other.0.terms) }
    }

    // A call on owned expressions finds these before the inherent `min` and `max`: they must mean the same,
    // the integers' order and not the structural one.
    fn min(self, other: Expr) -> Expr {
        Expr::min(&self, &other)
    }

    fn max(self, other: Expr) -> Expr {
        Expr::max(&self, &other)
    }
}

impl Default for Expr {
    fn default() -> Expr {
        Expr::zero()
    }
}

impl From<i64> for Expr {
    fn from(value: i64) -> Expr {
        Expr::int(value)
    }
}

impl From<Name> for Expr {
    fn from(name: Name) -> Expr {
        Expr::sym(name)
    }
}

impl From<&Expr> for Expr {
    fn from(e: &Expr) -> Expr {
        e.clone()
    }
}
