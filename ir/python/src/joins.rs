//! What becomes of a variable that is not the same on every way: a wider kind, a way out, or why not.

use weft_ir::dtype::DType;
use weft_ir::sdfg::Span;

use crate::cells::LOOP_CARRIED;
use crate::context::{Cell, Importer, Join, JoinKey, Res, Stop, fail_hint};
use crate::doubt::{same_type, stands_for};
use crate::value::{Kind, Stale, Value, View};

impl Importer<'_> {
    /// Another shape than the container's: extents that change, or a loop that is written out.
    pub fn shape_failed(&mut self, name: &str, cell: &Cell, view: &View, span: Span) -> Res<()> {
        let varies = view.shape.iter().any(|n| self.depends_on_loop(n));
        let known = self.plan.joins.get(&cell.key).copied();
        if view.rank() == cell.view.rank() && !varies && known == Some(Join::Carry) {
            self.plan.joins.insert(cell.key.clone(), Join::Resize);
            return self.restart();
        }
        self.unroll_for(&cell.key, name, span)
    }

    /// The loop that a variable belongs to is written out, iteration by iteration.
    pub fn unroll_for(&mut self, key: &JoinKey, name: &str, span: Span) -> Res<()> {
        if self.plan.unroll.insert(key.0.clone()) {
            return self.restart();
        }
        let reason = format!("'{name}' has another shape here than before");
        fail_hint(span, reason, "give the second array another name")
    }

    /// A cell got a value of another kind: import again with the kind that holds both, if there is one.
    pub fn join_failed(&mut self, name: &str, cell: &Cell, value: &Value, span: Span) -> Res<()> {
        if *value == Value::None && self.plan.joins.get(&cell.key) != Some(&Join::Optional) {
            self.plan.joins.insert(cell.key.clone(), Join::Optional);
            return self.restart();
        }
        let (Some(from), Some(to)) = (cell.kind, value.kind().filter(|_| matches!(value, Value::Num(_))))
        else {
            return self.drop_join(name, cell, value, span);
        };
        let joined = joined(from, to);
        match joined {
            Some(kind) if kind != from => {
                self.plan.joins.insert(cell.key.clone(), Join::Kind(kind));
                if self.doubt_of(value).is_some() {
                    self.plan.unsure.insert(cell.key.clone());
                }
                if let Some((_, other)) = stands_for(from, to).filter(|_| !same_type(from, to)) {
                    self.doubt_variable(&cell.key, other);
                }
                self.restart()
            }
            // The value converts to the cell's kind: a literal or a Python float in a NumPy cell.
            Some(_) => {
                if let Some((_, other)) = stands_for(from, to).filter(|_| !same_type(from, to))
                    && self.doubt_variable(&cell.key, other)
                {
                    return self.restart();
                }
                if let Some(flag) = cell.flag {
                    self.note_kind(flag, value, span);
                }
                self.store(&cell.view.clone(), value, span)?;
                let value = cell.value();
                self.frame().vars.insert(name.to_string(), value);
                Ok(())
            }
            None => self.drop_join(name, cell, value, span),
        }
    }

    /// Does the loop around give the variable a number of its container's kind, whatever the data are?
    pub fn is_certain(&self, key: &JoinKey) -> bool {
        self.certain.contains(key) && !self.plan.unsure.contains(key)
    }

    /// A variable is given numbers of NumPy's and of Python's; is that news?
    pub fn doubt_variable(&mut self, key: &JoinKey, other: Kind) -> bool {
        if self.is_certain(key) {
            return false;
        }
        let before = self.plan.doubtful.get(key).copied();
        let after = before.map_or(other, |kind| kind.max(other));
        self.plan.doubtful.insert(key.clone(), after);
        before != Some(after)
    }

    /// A cell's bool says whether its value is of its kind; one without a bool has no value that may not be.
    pub fn keep_doubt(&mut self, cell: &Cell, value: &Value, span: Span) -> Res<()> {
        match (cell.flag, self.doubt_of(value)) {
            (Some(flag), _) => self.note_kind(flag, value, span),
            (None, Some(doubt)) if !self.is_certain(&cell.key) => {
                if self.doubt_variable(&cell.key, doubt.other) {
                    return self.restart();
                }
                self.ensure_kind(value, span);
            }
            (None, Some(_)) => self.ensure_kind(value, span),
            (None, None) => {}
        }
        Ok(())
    }

    pub fn drop_join(&mut self, name: &str, cell: &Cell, value: &Value, span: Span) -> Res<()> {
        if !self.plan.joins.contains_key(&cell.key) {
            self.plan.joins.insert(cell.key.clone(), Join::Drop);
            return self.restart();
        }
        if self.plan.unroll.insert(cell.key.0.clone()) {
            return self.restart();
        }
        let (from, to) = (cell.value().describe(), value.describe());
        let reason = format!("'{name}' was {from} and becomes {to} here");
        fail_hint(span, reason, "give it one type from the start, such as 0.0 instead of 0")
    }

    /// A name that must not be read: another attempt may make it readable.
    pub fn stale(&mut self, name: &str, stale: &Stale, span: Span) -> Res<Value> {
        if self.carry_parts(name) {
            return self.restart();
        }
        if let Some((key, join)) = &stale.fix {
            let known = self.plan.joins.get(key).copied();
            if known.is_none() {
                self.plan.joins.insert(key.clone(), *join);
                return self.restart();
            }
            if self.again {
                // The next attempt knows more.
                return Err(Stop::Silent);
            }
            let kept = matches!(known, Some(Join::Keep | Join::Optional));
            let typed = self.plan.kinds.contains_key(key) || self.array_of(key).is_some();
            if kept && stale.why == LOOP_CARRIED && !typed {
                // Its kind is found where it is assigned, further down.
                self.wanted.entry(key.clone()).or_insert(span);
                return Err(Stop::Silent);
            }
            if self.plan.unroll.insert(key.0.clone()) {
                return self.restart();
            }
        }
        let reason = format!("'{name}' {}", stale.why);
        if stale.why == crate::stmt::UNASSIGNED {
            return crate::context::fail_raises(span, reason, "");
        }
        crate::context::fail(span, reason)
    }
}

/// The kind that holds the values of both, where computing in it from the start gives the same.
pub fn joined(from: Kind, to: Kind) -> Option<Kind> {
    let (Kind::Np(a), Kind::Np(b)) = (from, to) else {
        return Some(match crate::promote::strong(&[from, to]) {
            Some(t) => Kind::Np(t),
            None => from.max(to),
        });
    };
    let t = a.promote(b);
    let rounds = t != a && !(a.is_int() || a == DType::Bool) && !t.is_complex();
    (!rounds).then_some(Kind::Np(t))
}
