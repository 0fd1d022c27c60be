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
Mod NULL errno stdin stdout stderr signal time y0 y1 j0 j1 yn jn gamma Sum Abs";

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
        // Good names keep theirs; the others give way.
        let (good, bad): (Vec<Name>, Vec<Name>) = names.into_iter().partition(|n| valid(n.as_str()));
        for name in good.into_iter().chain(bad) {
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

fn valid(text: &str) -> bool {
    identifier(text) == text && !RESERVED.split_whitespace().any(|word| word == text)
}

/// The text with what no identifier has replaced by `_`.
pub fn identifier(text: &str) -> String {
    let mut out: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !out.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        out.insert(0, '_');
    }
    out
}
