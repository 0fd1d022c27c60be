//! The text of one function, and what names mean inside it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::rc::Rc;

use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::symbolic::Expr;
use weft_looptree::BufferId;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A symbol or loop variable.
    Symbol(Name),
    /// A local or finished accumulator.
    Local(Name),
    /// An accumulator of an enclosing loop.
    Accumulator(Name),
    Buffer(BufferId),
}

/// The operands that stand for a value: one, or the real and the imaginary part of a complex number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ssa {
    first: Rc<str>,
    second: Option<Rc<str>>,
}

impl Ssa {
    pub fn pair(re: impl Into<Rc<str>>, im: impl Into<Rc<str>>) -> Ssa {
        Ssa { first: re.into(), second: Some(im.into()) }
    }

    /// The only operand, or the real part.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// Real and imaginary part.
    pub fn parts(&self) -> Option<(&str, &str)> {
        Some((&self.first, self.second.as_deref()?))
    }
}

impl<T: Into<Rc<str>>> From<T> for Ssa {
    fn from(operand: T) -> Ssa {
        Ssa { first: operand.into(), second: None }
    }
}

/// How a name is reached.
#[derive(Clone, Debug)]
pub enum Bind {
    /// A value, or the pointer of a buffer.
    Value(Ssa),
    /// A memory slot of this function.
    Slot(Rc<str>),
    /// A value or slot of the function that this one is outlined from.
    Outer(Box<Bind>),
}

/// A loop around the place where code is being written.
pub struct LoopContext {
    pub var: Option<Name>,
    /// Metadata number of the access group, where iterations are independent.
    pub group: Option<usize>,
    pub continue_to: String,
    pub break_to: String,
}

/// A value of the enclosing function that an outlined one reads from its context.
pub struct Capture {
    pub source: Bind,
    pub ty: &'static str,
}

pub struct Func {
    /// Start of the entry block.
    pub allocas: String,
    code: String,
    /// The block being written.
    pub block: String,
    next: usize,
    env: Vec<(Key, Bind, DType)>,
    /// Slots of assigned symbols.
    symbol_slots: BTreeMap<Name, Rc<str>>,
    /// Known values of index expressions; one map per open statement list.
    known: Vec<HashMap<Expr, Rc<str>>>,
    pub loops: Vec<LoopContext>,
    /// Slots that hold live heap blocks or null.
    pub heap: Vec<String>,
    pub captures: Vec<Capture>,
    /// This is the body of a parallel loop.
    pub outlined: bool,
    /// Some path ends the program with a status.
    pub fails: bool,
}

impl Func {
    pub fn new(env: Vec<(Key, Bind, DType)>, outlined: bool) -> Func {
        Func {
            allocas: String::new(),
            code: String::new(),
            block: "start".into(),
            next: 0,
            env,
            symbol_slots: BTreeMap::new(),
            known: vec![HashMap::new()],
            loops: Vec::new(),
            heap: Vec::new(),
            captures: Vec::new(),
            outlined,
            fails: false,
        }
    }

    pub fn line(&mut self, text: &str) {
        self.code.push_str("  ");
        self.code.push_str(text);
        self.code.push('\n');
    }

    /// A new value name.
    pub fn fresh(&mut self) -> String {
        self.next += 1;
        format!("%v{}", self.next)
    }

    /// A new block name, without `%`.
    pub fn fresh_label(&mut self, stem: &str) -> String {
        self.next += 1;
        format!("{stem}{}", self.next)
    }

    /// Writes `%v = text` and returns `%v`.
    pub fn op(&mut self, text: &str) -> String {
        let name = self.fresh();
        let _ = writeln!(self.code, "  {name} = {text}");
        name
    }

    /// Starts a block.
    pub fn label(&mut self, name: &str) {
        let _ = writeln!(self.code, "{name}:");
        self.block = name.to_owned();
    }

    /// A slot in the entry block.
    pub fn alloca(&mut self, ty: &str, align: usize) -> String {
        let name = self.fresh();
        let _ = writeln!(self.allocas, "  {name} = alloca {ty}, align {align}");
        name
    }

    pub fn bind(&mut self, key: Key, bind: Bind, dtype: DType) {
        self.env.push((key, bind, dtype));
    }

    pub fn lookup(&self, key: Key) -> Option<(Bind, DType)> {
        if let Key::Symbol(name) = key
            && let Some(slot) = self.symbol_slots.get(&name)
        {
            return Some((Bind::Slot(slot.clone()), DType::I64));
        }
        self.env.iter().rev().find(|e| e.0 == key).map(|e| (e.1.clone(), e.2))
    }

    /// The slot of an assigned symbol of this function.
    pub fn slot_for_symbol(&mut self, symbol: Name) -> Rc<str> {
        if let Some(slot) = self.symbol_slots.get(&symbol) {
            return slot.clone();
        }
        let slot: Rc<str> = self.alloca("i64", 8).into();
        self.symbol_slots.insert(symbol, slot.clone());
        slot
    }

    /// Opens a statement list: what it binds and learns ends with [`Func::close`].
    pub fn open(&mut self) -> usize {
        self.known.push(HashMap::new());
        self.env.len()
    }

    pub fn close(&mut self, mark: usize) {
        self.known.pop();
        self.env.truncate(mark);
    }

    pub fn recall(&self, e: &Expr) -> Option<Rc<str>> {
        self.known.iter().rev().find_map(|k| k.get(e).cloned())
    }

    pub fn learn(&mut self, e: &Expr, value: Rc<str>) {
        if let Some(top) = self.known.last_mut() {
            top.insert(e.clone(), value);
        }
    }

    /// The environment for a function that is outlined from here.
    pub fn outer_env(&self) -> Vec<(Key, Bind, DType)> {
        let outer = |b: &Bind| Bind::Outer(Box::new(b.clone()));
        let slots =
            self.symbol_slots.iter().map(|(&n, s)| (Key::Symbol(n), Bind::Slot(s.clone()), DType::I64));
        let mut env: Vec<_> = self.env.iter().map(|(k, b, t)| (*k, outer(b), *t)).collect();
        env.extend(slots.map(|(k, b, t)| (k, outer(&b), t)));
        env
    }

    /// Replaces what a key is bound to.
    pub fn rebind(&mut self, key: Key, bind: Bind) {
        if let Some(entry) = self.env.iter_mut().rev().find(|e| e.0 == key) {
            entry.1 = bind;
        }
    }

    pub fn finish(&mut self, header: &str) -> String {
        format!(
            "{header} {{\nentry:\n{}  br label %start\nstart:\n{}}}\n",
            std::mem::take(&mut self.allocas),
            std::mem::take(&mut self.code)
        )
    }
}
