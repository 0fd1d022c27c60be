//! Names that DaCe, Python, C++ and SymPy leave free.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::Name;
use crate::sdfg::{BlockKind, Node, Sdfg};

/// Keywords and names of functions that generated code calls.
const RESERVED: &str = "alignas alignof and and_eq asm auto bitand bitor bool break case catch char class co_await \
co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do \
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace \
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return \
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef \
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq False None True as assert async \
await def del elif except finally from global import in is lambda nonlocal pass raise with yield abs min max sum \
sqrt exp log sin cos tan pow floor ceil std dace math np numpy main complex inf nan round int_floor int_ceil Min Max \
Mod NULL errno stdin stdout stderr signal time yn jn gamma Sum Abs";

/// What SymPy takes for its own in conditions and subsets.
const SYMPY: &str = "LC LM LT CC QQ RR ZZ FF EX GF Ci Si Chi Shi \
Li Eq Ne Lt Le Gt Ge Or And Not Add Mul Pow Rel \
Set Sum Sym Tr Id Dict Float Integer Number Symbol Function Matrix Poly Range \
Union Line Point Plane Ray Curve Circle Tuple Dummy Wild Basic Expr apart arity \
ask atan atan2 bell binomial cancel catalan cbrt ceiling centroid cofactors collect comp compose \
composite conjugate content convolution cos cosh cot coth csc csch cse deg degree denom \
det diag diff div divisors doctest erf erfc euler evaluate exp expand expint eye \
factor factorial false ff fft field flatten fps frac fraction fresnelc fresnels fu gcd \
genocchi gff group harmonic hermite hessian horner hyper idiff ifft im invert isolate isprime \
jacobi laguerre lambdify latex lcm legendre lex li limit ln log logcombine lucas maximum \
minimum mobius monic motzkin multiplicity nan nroots nsimplify ntt numer ones oo ordered partition \
per periodicity plot poly polylog preview prime prod product public pycode python quo rad \
re real_root real_roots reduced refine rem reshape residue resultant rf ring root roots rotations \
satisfiable sec sech separatevars sequence series seterr shape sift sign simplify sin sinc singularities \
sinh solve solveset sqf sqrt srepr sstr sturm subsets substitution summation symbols sympify take \
tan tanh test textplot threaded timed together trace trailing transpose true trunc use variations \
vectorize viete xfield xring xthreaded zeros zoo";

/// New names by old ones; names that can stay are there as well.
#[derive(Default)]
pub struct Renames {
    of: BTreeMap<Name, Name>,
    taken: BTreeSet<Name>,
}

impl Renames {
    /// Names for the containers and symbols of a graph; results become `__return`.
    pub fn of(sdfg: &Sdfg, results: bool) -> Renames {
        let mut renames = Renames::default();
        if results {
            for (i, name) in sdfg.returns.iter().enumerate() {
                let text = if sdfg.returns.len() == 1 { "__return".into() } else { format!("__return_{i}") };
                if !sdfg.args.contains(name) {
                    renames.of.insert(*name, Name::new(&text));
                    renames.taken.insert(Name::new(&text));
                }
            }
        }
        let mut names: BTreeSet<Name> = sdfg.data.keys().chain(sdfg.symbols.keys()).copied().collect();
        sdfg.body.walk(&mut |block| match &block.kind {
            BlockKind::Loop { var, .. } => {
                names.insert(*var);
            }
            BlockKind::Assign { symbol, .. } => {
                names.insert(*symbol);
            }
            BlockKind::State(graph) => {
                names.extend(graph.maps().flat_map(|(_, m)| m.params.iter().map(|p| p.0)));
                for (_, node) in graph.nodes() {
                    if let Node::Tasklet(t) = node {
                        names.extend(t.code.iter().map(|a| a.target));
                        names.extend(t.inputs.iter().chain(&t.outputs).map(|c| c.0));
                    }
                }
            }
            _ => {}
        });
        let spoken = spoken(sdfg);
        // Good names keep theirs; the others give way.
        let (good, bad): (Vec<Name>, Vec<Name>) =
            names.into_iter().partition(|n| valid(n.as_str()) && !clashes(n, &spoken));
        for name in good.into_iter().chain(bad) {
            if clashes(&name, &spoken) {
                let new = renames.fresh(&format!("{name}_"));
                renames.of.entry(name).or_insert(new);
            }
            renames.get(name);
        }
        renames
    }

    /// The new name.
    pub fn get(&mut self, name: Name) -> Name {
        if let Some(&new) = self.of.get(&name) {
            return new;
        }
        let new = self.fresh(&identifier(name.as_str()));
        self.of.insert(name, new);
        new
    }

    /// The new name of what was there from the start.
    pub fn find(&self, name: Name) -> Name {
        self.of.get(&name).copied().unwrap_or(name)
    }

    /// A name that nothing has yet.
    pub fn fresh(&mut self, base: &str) -> Name {
        let name = Name::fresh(base, |n| self.taken.contains(&n) || !valid(n.as_str()));
        self.taken.insert(name);
        name
    }
}

/// Names that SymPy reads: symbols, parameters, and what conditions read.
fn spoken(sdfg: &Sdfg) -> BTreeSet<Name> {
    let mut found: BTreeSet<Name> = sdfg.symbols.keys().copied().collect();
    sdfg.body.walk(&mut |block| match &block.kind {
        BlockKind::Loop { var, .. } => {
            found.insert(*var);
        }
        BlockKind::While { cond, .. } => found.extend(cond.vars()),
        BlockKind::Conditional { branches, .. } => found.extend(branches.iter().flat_map(|b| b.0.vars())),
        BlockKind::Assign { symbol, value } => {
            found.insert(*symbol);
            found.extend(value.vars());
        }
        BlockKind::State(graph) => found.extend(graph.maps().flat_map(|(_, m)| m.params.iter().map(|p| p.0))),
        _ => {}
    });
    found
}

fn clashes(name: &Name, spoken: &BTreeSet<Name>) -> bool {
    spoken.contains(name) && SYMPY.split_whitespace().any(|word| word == name.as_str())
}

fn valid(text: &str) -> bool {
    identifier(text) == text && !RESERVED.split_whitespace().any(|word| word == text)
}

/// DaCe's name of what is called `return_0`, as it is read.
pub fn dace_result(name: Name) -> String {
    match name.as_str().strip_prefix("return_") {
        Some("0") => "__return".into(),
        Some(rest) if rest.chars().all(|c| c.is_ascii_digit()) => format!("__return_{rest}"),
        _ => name.to_string(),
    }
}

/// The text with what no identifier has replaced by `_`.
pub fn identifier(text: &str) -> String {
    let mut out: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !out.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        out.insert(0, '_');
    }
    out
}
