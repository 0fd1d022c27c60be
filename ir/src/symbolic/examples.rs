//! Assignments that are tried where a proof would be in vain.

use super::Range;
use crate::Name;

/// Assignments that are likely to satisfy the facts, with elements of ranges at their first value and at
/// their last. They are tried where a proof would be in vain, and wrong ones do no harm.
///
/// There are two of each: at the suggested values, and at greater ones that are further apart, because what
/// is equal in one only does not have to be equal.
#[derive(Clone, Default, Debug)]
pub(super) struct Examples(Vec<(Name, [i64; 4])>);

impl Examples {
    pub(super) fn each(&self) -> impl Iterator<Item = impl Fn(Name) -> Option<i64>> {
        (0..4).map(|which| self.value_in(which))
    }

    /// What a symbol of which nothing is known is taken for: an extent, as a rule.
    fn value_in(&self, which: usize) -> impl Fn(Name) -> Option<i64> {
        move |name| {
            let known = self.0.iter().rev().find(|known| known.0 == name);
            Some(known.map_or_else(|| 64 + apart(name), |known| known.1[which]))
        }
    }

    pub(super) fn set(&mut self, name: Name, value: i64) {
        let greater = value.saturating_add(apart(name));
        self.put(name, [value, greater, value, greater]);
    }

    fn put(&mut self, name: Name, values: [i64; 4]) {
        match self.0.iter_mut().find(|known| known.0 == name) {
            Some(known) => known.1 = values,
            None => self.0.push((name, values)),
        }
    }

    pub(super) fn element(&mut self, of: Name, range: &Range) {
        let last = range.last();
        let ends = [&range.begin, &range.begin, &last, &last];
        let mut values = [0; 4];
        for (which, end) in ends.into_iter().enumerate() {
            let Ok(value) = end.eval(&self.value_in(which)) else { return };
            values[which] = value;
        }
        self.put(of, values);
    }
}

/// A small number that other names are not likely to have.
fn apart(name: Name) -> i64 {
    name.as_str().bytes().fold(5, |sum, byte| (3 * sum + i64::from(byte)) % 53)
}
