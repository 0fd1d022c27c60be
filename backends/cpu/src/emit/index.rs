//! Integer expressions, and addresses of elements.

use std::rc::Rc;

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::symbolic::{Atom, Expr, Term, View};
use weft_looptree::BufferId;

use super::func::{Bind, Capture, Key, Ssa};
use super::{Emitter, Result, malformed, memory_type, scalar_type, unsupported};

impl Emitter<'_> {
    /// An operand of type `i64` with the expression's value.
    pub fn index(&mut self, e: &Expr) -> Result<String> {
        let View::Sum(terms) = e.view() else { return Ok(e.as_int().unwrap_or(0).to_string()) };
        if let Some(known) = self.f.recall(e) {
            return Ok(known.to_string());
        }
        let mut sum: Option<String> = None;
        for term in terms.iter().filter(|t| t.coef > 0).chain(terms.iter().filter(|t| t.coef < 0)) {
            sum = Some(self.add_term(sum, term)?);
        }
        let sum = sum.unwrap_or_else(|| "0".into());
        if self.assigned.is_empty() || !self.assigned.iter().any(|&s| e.contains(s)) {
            self.f.learn(e, Rc::from(sum.as_str()));
        }
        Ok(sum)
    }

    fn add_term(&mut self, sum: Option<String>, term: &Term) -> Result<String> {
        let mut product: Option<String> = None;
        for (atom, power) in term.factors.iter() {
            for _ in 0..*power {
                let value = self.atom(atom)?;
                product = Some(match product {
                    None => value,
                    Some(p) => self.f.op(&format!("mul nsw i64 {p}, {value}")),
                });
            }
        }
        let negative = sum.is_some() && term.coef < 0 && term.coef != i64::MIN;
        let coef = if negative { -term.coef } else { term.coef };
        let value = match product {
            None => coef.to_string(),
            Some(p) if coef == 1 => p,
            Some(p) => self.f.op(&format!("mul nsw i64 {p}, {coef}")),
        };
        Ok(match sum {
            None => value,
            Some(s) if negative => self.f.op(&format!("sub nsw i64 {s}, {value}")),
            Some(s) => self.f.op(&format!("add nsw i64 {s}, {value}")),
        })
    }

    fn atom(&mut self, atom: &Atom) -> Result<String> {
        match atom {
            Atom::Sym(name) => self.symbol(*name),
            Atom::FloorDiv(a, b) => {
                let (a, b) = (self.index(a)?, self.divisor(b)?);
                self.floor_division(DType::I64, &a, &b, true)
            }
            Atom::Mod(a, b) => {
                let (a, b) = (self.index(a)?, self.divisor(b)?);
                self.floor_division(DType::I64, &a, &b, false)
            }
            Atom::Min(a, b) => self.extremum("smin", a, b),
            Atom::Max(a, b) => self.extremum("smax", a, b),
            Atom::Call(name, args) => {
                let op = match name.as_str() {
                    "__add" => "add",
                    "__mul" => "mul",
                    _ => return Err(unsupported(format!("the index function {name}"))),
                };
                let [a, b] = &args[..] else {
                    return Err(malformed(format!("{name} of {} arguments", args.len())));
                };
                let (a, b) = (self.index(a)?, self.index(b)?);
                Ok(self.f.op(&format!("{op} i64 {a}, {b}")))
            }
        }
    }

    /// A divisor that may be zero divides by one instead: the value is not used then.
    fn divisor(&mut self, b: &Expr) -> Result<String> {
        if b.as_int().is_some_and(|v| v != 0 && v != -1) {
            return self.index(b);
        }
        let b = self.index(b)?;
        let zero = self.f.op(&format!("icmp eq i64 {b}, 0"));
        Ok(self.f.op(&format!("select i1 {zero}, i64 1, i64 {b}")))
    }

    fn extremum(&mut self, which: &str, a: &Expr, b: &Expr) -> Result<String> {
        let (a, b) = (self.index(a)?, self.index(b)?);
        self.declare(format!("declare i64 @llvm.{which}.i64(i64, i64)"));
        Ok(self.f.op(&format!("call i64 @llvm.{which}.i64(i64 {a}, i64 {b})")))
    }

    fn symbol(&mut self, name: Name) -> Result<String> {
        if let Some(found) = self.read(Key::Symbol(name))? {
            return Ok(found.0.first().to_owned());
        }
        // A scalar that lowering turned into a local may appear in an index.
        match self.read(Key::Local(name))? {
            Some((value, DType::I64)) => Ok(value.first().to_owned()),
            _ => Err(malformed(format!("the symbol {name} has no value here"))),
        }
    }

    /// The value that a key is bound to; captured from the enclosing function where needed.
    pub fn read(&mut self, key: Key) -> Result<Option<(Ssa, DType)>> {
        let Some((bind, dtype)) = self.f.lookup(key) else { return Ok(None) };
        let value = match bind {
            Bind::Value(value) => value,
            Bind::Slot(slot) => self.load_slot(&slot, dtype)?,
            Bind::Outer(source) => {
                let value = match &*source {
                    Bind::Value(value) if value.parts().is_some() => self.each(value, |e, part| {
                        Ok(e.capture(Bind::Value(part.into()), scalar_type(dtype.part())?))
                    })?,
                    _ => {
                        let ty = if matches!(key, Key::Buffer(_)) { "ptr" } else { scalar_type(dtype)? };
                        self.capture(*source, ty).into()
                    }
                };
                self.f.rebind(key, Bind::Value(value.clone()));
                value
            }
        };
        Ok(Some((value, dtype)))
    }

    /// A value of the enclosing function, loaded from the context at the start of this one.
    /// The first slot of the context is the status.
    pub fn capture(&mut self, source: Bind, ty: &'static str) -> String {
        if let Bind::Value(value) = &source
            && !value.first().starts_with('%')
        {
            return value.first().to_owned();
        }
        self.f.captures.push(Capture { source, ty });
        let offset = 8 * self.f.captures.len();
        let (at, value) = (self.f.fresh(), self.f.fresh());
        self.f.allocas.push_str(&format!(
            "  {at} = getelementptr inbounds i8, ptr %ctx, i64 {offset}\n  {value} = load {ty}, ptr {at}, align 8\n"
        ));
        value
    }

    /// The pointer of a buffer.
    pub fn base(&mut self, id: BufferId) -> Result<String> {
        match self.read(Key::Buffer(id))? {
            Some((pointer, _)) => Ok(pointer.first().to_owned()),
            None => Err(malformed(format!("the buffer {} is not allocated here", self.buffer(id)?.name))),
        }
    }

    /// The offset of an element from its buffer's start, in elements.
    pub fn offset(&mut self, id: BufferId, index: &[Expr]) -> Result<String> {
        let buffer = self.buffer(id)?;
        if buffer.strides.len() != index.len() {
            return Err(malformed(format!("{} indices for {}", index.len(), buffer.name)));
        }
        let mut constant = 0i64;
        let mut sum: Option<String> = None;
        for (e, stride) in index.iter().zip(&buffer.strides) {
            if let (Some(e), Some(stride)) = (e.as_int(), stride.as_int()) {
                constant = constant.wrapping_add(e.wrapping_mul(stride));
                continue;
            }
            let (e, s) = (self.index(e)?, self.index(stride)?);
            let term = match (e.as_str(), s.as_str()) {
                ("0", _) | (_, "0") => continue,
                (_, "1") => e,
                _ => self.f.op(&format!("mul nsw i64 {e}, {s}")),
            };
            sum = Some(match sum {
                None => term,
                Some(sum) => self.f.op(&format!("add nsw i64 {sum}, {term}")),
            });
        }
        Ok(match sum {
            None => constant.to_string(),
            Some(sum) if constant == 0 => sum,
            Some(sum) => self.f.op(&format!("add nsw i64 {sum}, {constant}")),
        })
    }

    /// The address of an element.
    pub fn address(&mut self, id: BufferId, index: &[Expr]) -> Result<String> {
        let base = self.base(id)?;
        let offset = self.offset(id, index)?;
        if offset == "0" {
            return Ok(base);
        }
        let ty = memory_type(self.buffer(id)?.dtype)?;
        Ok(self.f.op(&format!("getelementptr inbounds {ty}, ptr {base}, i64 {offset}")))
    }

    /// The metadata of an access: alias scopes, and the access groups of the loops around it whose
    /// iterations do not meet in it.
    pub fn access(&mut self, id: BufferId, meets: Option<&[Expr]>) -> String {
        let mut groups = Vec::new();
        for (depth, l) in self.f.loops.iter().enumerate() {
            let (Some(group), Some(var)) = (l.group, l.var) else { continue };
            let inner: Vec<Name> = self.f.loops[depth + 1..].iter().filter_map(|l| l.var).collect();
            let apart = |e: &Expr| {
                let moves = e.linear(&[var]).is_some_and(|(c, _)| c[0] != 0);
                moves && !inner.iter().any(|&v| e.contains(v))
            };
            if meets.is_none_or(|index| index.iter().any(apart)) {
                groups.push(group);
            }
        }
        let alias = self.alias[id.0 as usize].clone();
        // A buffer on the stack is shared by the iterations of loops around its allocation.
        let private =
            matches!(self.program.buffers[id.0 as usize].placement, weft_looptree::Placement::Stack);
        match groups[..] {
            _ if private => alias,
            [] => alias,
            [one] => format!("{alias}, !llvm.access.group !{one}"),
            _ => {
                let list: Vec<String> = groups.iter().map(|g| format!("!{g}")).collect();
                let text = format!("!{{{}}}", list.join(", "));
                let node = match self.metadata.iter().position(|m| *m == text) {
                    Some(node) => node,
                    None => self.node(&text),
                };
                format!("{alias}, !llvm.access.group !{node}")
            }
        }
    }
}
