//! Containers that stand for one array of Python's: which must not be written while the other is read.

use std::collections::BTreeSet;

use weft_ir::names::Name;
use weft_ir::sdfg::Span;

use crate::cells::Opened;
use crate::context::{Alias, Importer, Res, fail_hint};
use crate::diagnostic::Diagnostic;
use crate::value::{Num, Src, Value, View};

impl Importer<'_> {
    /// A variable that lives in a container is given another array: other names keep the one that they have.
    /// `may_stay` where the variable may keep it too, so that both are names of one array.
    pub fn keep_others(&mut self, name: &str, may_stay: bool, span: Span) {
        let Some(cell) = self.frame().cells.get(name).cloned() else { return };
        let base = cell.view.base;
        let last = self.frames.len().saturating_sub(1);
        let others = self.frames.iter().enumerate().any(|(i, frame)| {
            let same = |n: &String| i == last && n == name;
            frame.vars.iter().any(|(n, v)| !same(n) && cell.kind.is_none() && mentions(v, base))
        });
        if !others {
            return;
        }
        let hint = self.hint.take();
        let old = self.materialize(&cell.view, cell.view.dtype, span);
        self.hint = hint;
        for (i, frame) in self.frames.iter_mut().enumerate() {
            for (n, value) in frame.vars.iter_mut().filter(|(n, _)| !(i == last && *n == name)) {
                let is_cell = frame.cells.get(n).is_some_and(|c| c.view.base == base);
                if !is_cell {
                    rebase(value, base, old.base);
                }
            }
        }
        if may_stay {
            self.alias(&old, &cell.view, name, span);
        }
    }

    /// Is this array only seen under these names, and not the caller's?
    pub fn is_fresh(&self, view: &View, names: &[String]) -> bool {
        let owned = self.sdfg.data.get(&view.base).is_some_and(|d| d.transient);
        owned && !self.parts.contains_key(&view.base) && !self.is_seen(view.base, names)
    }

    /// Is this a container of a call's own, which no name refers to?
    pub fn is_fresh_base(&self, base: Name) -> bool {
        self.sdfg.data.get(&base).is_some_and(|d| d.transient) && !self.is_seen(base, &[])
    }

    /// Does a name refer to the container, other than these of the innermost function?
    pub fn is_seen(&self, base: Name, but: &[String]) -> bool {
        let last = self.frames.len().saturating_sub(1);
        let names = |(i, f): (usize, &'_ crate::context::Frame)| {
            f.vars.iter().any(|(name, v)| mentions(v, base) && !(i == last && but.contains(name)))
        };
        self.frames.iter().enumerate().any(names)
            || self.dicts.iter().any(|d| d.items.iter().any(|i| mentions(&i.1, base)))
            || self.lists.iter().any(|l| {
                l.grown.as_ref().is_some_and(|g| g.room.base == base)
                    || l.items.iter().any(|v| mentions(v, base))
            })
    }

    /// A loop has certainly given these names other arrays than those that they had before.
    pub fn end_aliases(&mut self, opened: &Opened, certain: &BTreeSet<String>) {
        let cells = &self.frames.last().map(|f| &f.cells);
        let renewed = opened.cells.iter().filter(|name| certain.contains(*name));
        let renewed: Vec<Name> =
            renewed.filter_map(|name| cells.and_then(|c| c.get(name))).map(|c| c.view.base).collect();
        for alias in self.aliases.iter_mut().filter(|a| renewed.contains(&a.copy)) {
            alias.until = alias.until.min(self.clock);
        }
    }

    /// Is a cell of the loop or branch another name of an array that it may yet be rid of?
    pub fn has_aliases(&self, opened: &Opened) -> bool {
        let cells = self.frames.last().map(|f| &f.cells);
        let bases = opened.cells.iter().filter_map(|name| cells.and_then(|c| c.get(name)));
        bases.into_iter().any(|cell| self.aliases.iter().any(|a| a.copy == cell.view.base))
    }

    /// A list has a copy of an array.
    pub fn note_copy(&mut self, copy: &View, original: &View, span: Span) {
        if !self.is_fresh(original, &[]) {
            self.alias(copy, original, "the list", span);
        }
    }

    /// A container has a copy of an array that Python gives another name.
    pub fn alias(&mut self, copy: &View, original: &View, variable: &str, span: Span) {
        // Of a copy that stands for a view, what counts is the array itself.
        let original = self.parts.get(&original.base).copied().unwrap_or(original.base);
        let begun = self.loop_clocks.first().copied().unwrap_or(self.clock);
        // An array that each iteration makes anew is not the one that the last iteration wrote.
        let born = self.born.get(&original).copied().unwrap_or(0);
        let since = if born > begun { self.clock } else { begun };
        self.clock += 1;
        let names = self.frames.iter().flat_map(|f| &f.vars);
        let other = names.filter(|(name, v)| name.as_str() != variable && mentions(v, original));
        let other = other.map(|(name, _)| name.clone()).next();
        let variable = variable.into();
        let (copy, until) = (copy.base, u32::MAX);
        self.aliases.push(Alias { copy, original, since, variable, other, span, until, harmless: vec![] });
    }

    /// An array of the user's is about to be written in place: by an index, an operator, `out=`, a method.
    pub fn note_write(&mut self, target: &View, span: Span) -> Res<()> {
        let base = target.base;
        if let Some(original) = self.parts.get(&base).filter(|o| !self.is_fresh_base(**o)) {
            let reason = format!("a write to this part of '{original}' would not reach it");
            let hint = "assign to the array in its own order, or the whole number: z[i] = x + 1j * z[i].imag";
            return fail_hint(span, reason, hint);
        }
        if self.sdfg.data.get(&base).is_none_or(|d| d.is_scalar()) || !self.is_seen(base, &[]) {
            return Ok(());
        }
        self.clock += 1;
        let now = self.clock;
        self.writes.entry(base).or_default().push(now);
        let mut aliases = std::mem::take(&mut self.aliases);
        for alias in &mut aliases {
            let other = if alias.original == base { alias.copy } else { alias.original };
            let concerned = alias.original == base || alias.copy == base;
            if concerned && self.is_fresh_base(other) && !self.is_cell_base(other) {
                alias.harmless.push(now);
            }
        }
        self.aliases = aliases;
        let part = self.parts.iter().find(|(copy, original)| **original == base && self.is_seen(**copy, &[]));
        match part {
            Some((copy, _)) => {
                let reason = format!("'{copy}' is a part of '{base}', which is written in place here");
                fail_hint(span, reason, "copy the part where it is taken: z.real.copy()")
            }
            None => Ok(()),
        }
    }

    /// What was copied where Python gives another name must not be written under one of the names.
    pub fn check_aliases(&mut self) {
        let aliases = std::mem::take(&mut self.aliases);
        for alias in aliases {
            let written = |name: &Name| {
                let counts = |t: &u32| *t > alias.since && *t <= alias.until && !alias.harmless.contains(t);
                self.writes.get(name).is_some_and(|times| times.iter().any(counts))
            };
            if written(&alias.copy) || written(&alias.original) {
                let name = &alias.variable;
                let (reason, hint) = match &alias.other {
                    Some(other) => (
                        format!(
                            "'{name}' and '{other}' are two names of one array here, which is written in place"
                        ),
                        format!("make two arrays of them: {other} = {name}.copy()"),
                    ),
                    None => (
                        format!(
                            "'{name}' is the caller's array or another one here, and is written in place"
                        ),
                        format!("work on a copy: {name} = {name}.copy()"),
                    ),
                };
                self.diags.push(Diagnostic::new(alias.span, reason).hint(hint));
            }
        }
    }
}

/// Is the array, or a part of it, in a value?
pub fn mentions(value: &Value, base: Name) -> bool {
    match value {
        Value::Array(v) => v.base == base,
        Value::Num(Num { src: Src::Elem(v), .. }) => v.base == base && v.rank() > 0,
        Value::Tuple(items) => items.iter().any(|v| mentions(v, base)),
        Value::Maybe(v, _) | Value::Optional(v, _) => mentions(v, base),
        Value::Method(object, _) => mentions(object, base),
        _ => false,
    }
}

/// Views of one container become views of another.
pub fn rebase(value: &mut Value, from: Name, to: Name) {
    match value {
        Value::Array(v) | Value::Num(Num { src: Src::Elem(v), .. }) if v.base == from => v.base = to,
        Value::Tuple(items) => items.iter_mut().for_each(|v| rebase(v, from, to)),
        Value::Maybe(v, _) => rebase(v, from, to),
        Value::Method(object, _) => rebase(object, from, to),
        _ => {}
    }
}
