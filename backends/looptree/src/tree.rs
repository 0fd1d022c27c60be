//! The loop tree: what every back end generates code from, written once for all machines.
//!
//! Indices are symbolic integer expressions over loop variables and symbols; values are typed
//! expressions whose leaves are loads, locals and literals. Containers are distinct memory.

use std::sync::Arc;

use weft_ir::dtype::{DType, Scalar};
use weft_ir::names::Name;
use weft_ir::sdfg::{Guard, LibraryOp, Span, Wcr};
use weft_ir::symbolic::{Expr, Range};
use weft_ir::tasklet::{BinOp, Func, UnOp};

/// Index into [`Program::buffers`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BufferId(pub u32);

/// Where a buffer's memory comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Placement {
    /// The caller's memory: the position among the program's array arguments.
    Argument(usize),
    /// Allocated at its [`Stmt::Alloc`], freed at the end of that statement list.
    Heap,
    /// A constant small number of elements on the stack of the thread, at its [`Stmt::Alloc`].
    Stack,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Buffer {
    pub name: Name,
    pub dtype: DType,
    /// Elements per dimension; empty for a scalar.
    pub shape: Vec<Expr>,
    /// In elements.
    pub strides: Vec<Expr>,
    pub placement: Placement,
}

/// A call passes one pointer per array argument and one `i64` per symbol, in this order.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    pub name: Name,
    /// Buffers that are arguments, then results, in the order of the SDFG's `args` and `returns`.
    pub arguments: Vec<BufferId>,
    /// Free symbols, ordered by name.
    pub symbols: Vec<Name>,
    pub buffers: Vec<Buffer>,
    /// Checked at entry.
    pub guards: Vec<Guard>,
    /// Message and source place of every check, by [`Stmt::Check::id`].
    pub checks: Vec<CheckInfo>,
    pub body: Vec<Stmt>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct CheckInfo {
    pub message: Arc<str>,
    pub span: Option<Span>,
}

/// How the iterations of a loop run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LoopSchedule {
    /// In order.
    Sequential,
    /// Unordered and independent, shared among the threads of the pool. The iterations that one
    /// thread gets run as if [`LoopSchedule::Vector`] when the body has no loop. Never inside
    /// another parallel loop.
    Parallel,
    /// Unordered and independent, on the SIMD lanes of one thread. The body has no control flow.
    Vector,
    /// Unordered and independent, on one thread: left to the optimizer.
    Unordered,
}

/// A reduction carried by a loop: starts as `init` (evaluated before the loop), takes every
/// [`Stmt::Update`], and is a local after the loop. May be reassociated: private copies start from
/// the neutral element of `op` and are folded into `init` in any order. The body does not read it.
#[derive(Clone, PartialEq, Debug)]
pub struct Accumulator {
    pub name: Name,
    pub dtype: DType,
    pub op: Wcr,
    pub init: Value,
}

#[derive(Clone, PartialEq, Debug)]
pub struct For {
    pub var: Name,
    /// Evaluated once; the step is a non-zero constant.
    pub range: Range,
    pub schedule: LoopSchedule,
    pub accumulators: Vec<Accumulator>,
    /// Estimated scalar operations of one iteration, over names defined before the loop. Set on
    /// parallel loops, where the runtime decides by it whether threads pay; zero elsewhere.
    pub work: Expr,
    pub body: Vec<Stmt>,
    pub span: Option<Span>,
}

/// One operand of a library call: the part of a buffer that starts at `offset`.
#[derive(Clone, PartialEq, Debug)]
pub struct Operand {
    pub buffer: BufferId,
    /// Index of the first element, one per dimension of the buffer.
    pub start: Vec<Expr>,
    /// Elements per dimension of the operand.
    pub shape: Vec<Expr>,
    /// In elements, per dimension of the operand.
    pub strides: Vec<Expr>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Stmt {
    For(For),
    While {
        cond: Value,
        body: Vec<Stmt>,
    },
    If {
        cond: Value,
        then: Vec<Stmt>,
        otherwise: Vec<Stmt>,
    },
    /// Of the innermost `For` or `While`, sequential only.
    Break,
    Continue,
    /// Ends the program.
    Return,
    /// The buffer exists from here to the end of the list.
    Alloc(BufferId),
    /// Assigns an `i64` symbol, which may have been assigned before and keeps its value after the
    /// list. Inside a parallel loop only symbols that are not defined outside of it.
    Assign {
        symbol: Name,
        value: Value,
    },
    /// Defines a local, once, for the rest of the list.
    Let {
        name: Name,
        dtype: DType,
        value: Value,
    },
    Store {
        buffer: BufferId,
        index: Vec<Expr>,
        value: Value,
    },
    /// `buffer[index] = op(buffer[index], value)`; atomic when iterations of a parallel loop can meet there.
    Combine {
        buffer: BufferId,
        index: Vec<Expr>,
        op: Wcr,
        value: Value,
        atomic: bool,
    },
    /// Folds a value into an accumulator of an enclosing loop.
    Update {
        accumulator: Name,
        value: Value,
    },
    /// `to[...] = from[...]`, same shapes, no overlap.
    Copy {
        from: Operand,
        to: Operand,
    },
    /// `c = a @ b`, ranks 1 and 2 as NumPy's `matmul`; transposition is in the strides.
    MatMul {
        a: Operand,
        b: Operand,
        c: Operand,
    },
    /// A library call. The operands have the forms that the operation has for them, columns being
    /// matrices. Where it can fail, it ends the program as the check does.
    Library {
        op: LibraryOp,
        inputs: Vec<Operand>,
        outputs: Vec<Operand>,
        check: Option<u32>,
    },
    /// Ends the program with an error unless `cond` holds.
    Check {
        id: u32,
        cond: Value,
    },
    /// Shown in the listing.
    Comment(Arc<str>),
}

/// A typed value. Operations mean what [`weft_ir::tasklet`] says.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Lit(Scalar),
    /// A local or a finished accumulator.
    Local(Name),
    /// An `i64` over symbols and loop variables.
    Index(Expr),
    Load {
        buffer: BufferId,
        index: Vec<Expr>,
    },
    /// The element at indices that are values: one `i64` for each dimension of the buffer. Nothing
    /// checks them in generated code.
    Gather {
        buffer: BufferId,
        index: Vec<Value>,
    },
    Un(UnOp, Box<Value>),
    Bin(BinOp, Box<Value>, Box<Value>),
    Call(Func, Box<Value>),
    /// Where a side has a [`Value::Gather`], only the side that is chosen is evaluated.
    Select(Box<Value>, Box<Value>, Box<Value>),
    Cast(DType, Box<Value>),
}
