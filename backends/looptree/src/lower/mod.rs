//! SDFG to loop tree: first a straight translation, then the passes that place memory, make
//! accumulators and choose schedules.

mod call;
mod copy;
mod matmul;
mod reduce;
mod region;
mod slice;
mod state;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Place, Sdfg, Verified, Wcr, first_foreign};
use weft_ir::symbolic::{Assumptions, Expr, Range};

use crate::passes;
use crate::tree::{Accumulator, Buffer, BufferId, For, LoopSchedule, Placement, Program, Stmt, Value};
pub(crate) use reduce::compare;
use slice::View;

/// What cannot be lowered: the graph has a feature that the loop tree has no form for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct LowerError {
    pub place: Place,
    pub message: String,
}

type Result<T> = std::result::Result<T, LowerError>;

fn refuse<T>(place: Place, message: impl Into<String>) -> Result<T> {
    Err(LowerError { place, message: message.into() })
}

/// The program of a graph. Fails only on what the loop tree has no form for.
pub fn lower(sdfg: &Verified) -> std::result::Result<Program, LowerError> {
    if let Some((place, name, what)) = first_foreign(sdfg) {
        return refuse(place, format!("'{name}' is {what}, which is kept but not compiled"));
    }
    let mut lowerer = Lowerer::default();
    let env = lowerer.entry(sdfg)?;
    let ctx = Ctx { facts: sdfg.assumptions(), ..Ctx::default() };
    let mut body = lowerer.seed_reassigned(&env, sdfg);
    lowerer.region(&env, &ctx, &sdfg.body, &mut body)?;
    let mut program = Program {
        name: sdfg.name,
        arguments: lowerer.arguments.clone(),
        symbols: sdfg.symbols.keys().copied().collect(),
        buffers: std::mem::take(&mut lowerer.buffers),
        guards: sdfg.guards.clone(),
        checks: std::mem::take(&mut lowerer.checks),
        body,
    };
    match passes::run(
        &mut program,
        &sdfg.assumptions(),
        &mut lowerer.names,
        &lowerer.lifelong,
        &lowerer.private,
    ) {
        Ok(()) => {}
        Err(message) => return refuse(Place::Whole, message),
    }
    match crate::verify(&program) {
        Ok(()) => Ok(program),
        Err(found) => refuse(Place::Whole, format!("internal error: the loop tree is wrong: {}", found[0].0)),
    }
}

/// Names that are given away; each once.
#[derive(Clone, Default, Debug)]
pub(crate) struct Names(BTreeSet<Name>);

impl Names {
    pub fn fresh(&mut self, base: &str) -> Name {
        let name = Name::fresh(base, |n| self.0.contains(&n));
        self.0.insert(name);
        name
    }
}

/// What the names of one SDFG (the outermost, or a nested one at one place) stand for.
#[derive(Clone)]
struct Env<'s> {
    sdfg: &'s Sdfg,
    /// In terms of the program's symbols.
    symbols: BTreeMap<Name, Expr>,
    views: BTreeMap<Name, View>,
}

impl Env<'_> {
    fn symbol(&self, name: Name) -> Option<Expr> {
        self.symbols.get(&name).cloned()
    }

    fn expr(&self, e: &Expr) -> Expr {
        e.subst(&|n| self.symbol(n))
    }

    fn range(&self, r: &Range) -> Range {
        r.subst(&|n| self.symbol(n))
    }

    fn bind(&mut self, inner: Name, outer: Name) {
        self.symbols.insert(inner, Expr::sym(outer));
    }
}

/// What is known at a point of the program.
#[derive(Clone, Default)]
struct Ctx {
    facts: Assumptions,
    /// Inside a loop of any kind: library operations stay on one thread.
    in_loop: bool,
    /// Inside a parallel loop.
    in_parallel: bool,
    /// Inside a map.
    in_map: bool,
    /// Inside a nested SDFG: `Return` breaks the one-trip loop around it, unless other loops are
    /// in between.
    nested: Option<Nesting>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Direct,
    InLoop,
}

impl Ctx {
    fn inside(&self, var: Name, range: &Range) -> Ctx {
        let mut ctx = self.clone();
        ctx.facts.assume_in(var, range);
        ctx.in_loop = true;
        ctx
    }

    fn inside_while(&self) -> Ctx {
        let mut ctx = Ctx { in_loop: true, ..self.clone() };
        ctx.leave_direct();
        ctx
    }

    fn leave_direct(&mut self) {
        self.nested = self.nested.map(|_| Nesting::InLoop);
    }
}

#[derive(Default)]
struct Lowerer {
    names: Names,
    buffers: Vec<Buffer>,
    arguments: Vec<BufferId>,
    checks: Vec<crate::tree::CheckInfo>,
    /// Transients that live as long as the call.
    lifelong: BTreeSet<BufferId>,
    /// Transients that belong to one iteration of a map.
    private: BTreeSet<BufferId>,
    /// Symbols that an `Assign` gives a value: their facts may change.
    mutable: BTreeSet<Name>,
    locals: BTreeMap<Name, DType>,
}

impl Lowerer {
    /// Names and buffers of the outermost SDFG.
    fn entry<'s>(&mut self, sdfg: &'s Sdfg) -> Result<Env<'s>> {
        let mut env = Env { sdfg, symbols: BTreeMap::new(), views: BTreeMap::new() };
        for &symbol in sdfg.symbols.keys() {
            self.names.0.insert(symbol);
            env.bind(symbol, symbol);
        }
        let containers = sdfg.args.iter().chain(&sdfg.returns).filter(|n| sdfg.data.contains_key(n));
        for (position, name) in containers.enumerate() {
            let data = &sdfg.data[name];
            let id =
                self.buffer(*name, data.dtype, &data.shape, &data.strides, Placement::Argument(position));
            self.arguments.push(id);
            env.views.insert(*name, View::whole(id, &data.shape));
        }
        self.assigned_symbols(&mut env);
        self.transients(&mut env, false)?;
        Ok(env)
    }

    /// A name of its own for every symbol that the SDFG assigns.
    fn assigned_symbols(&mut self, env: &mut Env) {
        let mut found = BTreeSet::new();
        env.sdfg.body.walk(&mut |block| {
            if let BlockKind::Assign { symbol, .. } = &block.kind {
                found.insert(*symbol);
            }
        });
        for symbol in found {
            let name = self.names.fresh(symbol.as_str());
            self.mutable.insert(name);
            env.bind(symbol, name);
        }
    }

    /// A free symbol that is assigned again starts as what the caller gives.
    fn seed_reassigned(&mut self, env: &Env, sdfg: &Sdfg) -> Vec<Stmt> {
        let renamed = sdfg.symbols.keys().filter_map(|&s| {
            let now = env.symbol(s)?.as_sym()?;
            (now != s).then(|| Stmt::Assign { symbol: now, value: Value::Index(Expr::sym(s)) })
        });
        renamed.collect()
    }

    fn transients(&mut self, env: &mut Env, in_map: bool) -> Result<()> {
        for (name, data) in &env.sdfg.data {
            if env.views.contains_key(name) {
                continue;
            }
            if !data.transient {
                return refuse(
                    Place::Whole,
                    format!("container '{name}' is neither an argument nor a result"),
                );
            }
            let shape: Vec<Expr> = data.shape.iter().map(|e| env.expr(e)).collect();
            let strides: Vec<Expr> = data.strides.iter().map(|e| env.expr(e)).collect();
            let id = self.buffer(*name, data.dtype, &shape, &strides, Placement::Heap);
            if data.lifetime == weft_ir::sdfg::Lifetime::Sdfg {
                self.lifelong.insert(id);
            } else if in_map {
                self.private.insert(id);
            }
            env.views.insert(*name, View::whole(id, &shape));
        }
        Ok(())
    }

    fn buffer(
        &mut self,
        name: Name,
        dtype: DType,
        shape: &[Expr],
        strides: &[Expr],
        placement: Placement,
    ) -> BufferId {
        let id = BufferId(self.buffers.len() as u32);
        let name = self.names.fresh(name.as_str());
        self.buffers.push(Buffer {
            name,
            dtype,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            placement,
        });
        id
    }

    fn dtype(&self, buffer: BufferId) -> DType {
        self.buffers[buffer.0 as usize].dtype
    }
}

fn is_mutable(range: &Range, mutable: &BTreeSet<Name>) -> bool {
    crate::visit::range_exprs(range).iter().any(|e| e.free_symbols().iter().any(|n| mutable.contains(n)))
}

/// `for var in 0:size`.
fn count(var: Name, size: Expr, schedule: LoopSchedule, body: Vec<Stmt>) -> For {
    loop_over(var, Range::new(0, size), schedule, body)
}

fn loop_over(var: Name, range: Range, schedule: LoopSchedule, body: Vec<Stmt>) -> For {
    For { var, range, schedule, accumulators: vec![], work: Expr::zero(), body, span: None }
}

fn accumulator(name: Name, dtype: DType, op: Wcr, init: Value) -> Accumulator {
    Accumulator { name, dtype, op, init }
}

/// The value that an operation leaves everything as it is with; `None` where there is none.
/// For floating-point sums that is −0.0.
pub(crate) fn neutral(op: Wcr, dtype: DType) -> Option<Scalar> {
    let int = |v: i128| Scalar::Int(dtype, v);
    let bits = dtype.size() as u32 * 8;
    Some(match (op, dtype) {
        (Wcr::Sum | Wcr::Or | Wcr::Max, DType::Bool) => Scalar::Bool(false),
        (Wcr::Product | Wcr::And | Wcr::Min, DType::Bool) => Scalar::Bool(true),
        (Wcr::Sum | Wcr::Product | Wcr::Min | Wcr::Max, DType::F16) => {
            weft_ir::tasklet::cast(DType::F16, neutral(op, DType::F64)?)
        }
        (Wcr::Sum, DType::F32) => Scalar::F32(-0.0),
        (Wcr::Sum, DType::F64) => Scalar::F64(-0.0),
        (Wcr::Product, DType::F32) => Scalar::F32(1.0),
        (Wcr::Product, DType::F64) => Scalar::F64(1.0),
        (Wcr::Min, DType::F32) => Scalar::F32(f32::INFINITY),
        (Wcr::Min, DType::F64) => Scalar::F64(f64::INFINITY),
        (Wcr::Max, DType::F32) => Scalar::F32(f32::NEG_INFINITY),
        (Wcr::Max, DType::F64) => Scalar::F64(f64::NEG_INFINITY),
        (Wcr::Sum, t) if t.is_complex() => Scalar::Complex(t, -0.0, -0.0),
        (Wcr::Product, t) if t.is_complex() => Scalar::Complex(t, 1.0, 0.0),
        (Wcr::Sum, t) if t.is_int() => int(0),
        (Wcr::Product, t) if t.is_int() => int(1),
        (Wcr::Min, t) if t.is_signed() => int((1i128 << (bits - 1)) - 1),
        (Wcr::Min, t) if t.is_unsigned() => int((1i128 << bits) - 1),
        (Wcr::Max, t) if t.is_signed() => int(-(1i128 << (bits - 1))),
        (Wcr::Max, t) if t.is_unsigned() => int(0),
        _ => return None,
    })
}
