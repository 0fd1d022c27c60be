//! The loop tree as readable pseudo-code.

use std::fmt::Write;

use weft_ir::dtype::{DType, Scalar};
use weft_ir::sdfg::{Guard, Wcr};
use weft_ir::symbolic::{Expr, Range};
use weft_ir::tasklet::{BinOp, Func, UnOp};

use crate::tree::{Buffer, LoopSchedule, Operand, Placement, Program, Stmt, Value};

/// Deterministic; one line a statement, two spaces a level.
pub fn print(program: &Program) -> String {
    let mut printer = Printer { program, out: String::new() };
    printer.header();
    printer.list(&program.body, 1);
    printer.out
}

struct Printer<'a> {
    program: &'a Program,
    out: String,
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|i| i.to_string()).collect::<Vec<_>>().join(", ")
}

fn range(range: &Range) -> String {
    if range.step.is_one() {
        format!("{}:{}", range.begin, range.end)
    } else {
        format!("{}:{}:{}", range.begin, range.end, range.step)
    }
}

impl Printer<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.out, "{:width$}{text}", "", width = depth * 2);
    }

    fn header(&mut self) {
        let p = self.program;
        let arguments = p.arguments.iter().map(|&b| {
            let buffer = &p.buffers[b.0 as usize];
            format!("{}: {}", buffer.name, self.buffer_type(buffer))
        });
        let symbols = p.symbols.iter().map(|s| format!("{s}: i64"));
        let all = list(arguments.chain(symbols));
        self.line(0, &format!("program {}({all})", p.name));
        for guard in &p.guards {
            match guard {
                Guard::NonNegative(e) => self.line(1, &format!("guard {e} >= 0")),
                Guard::Zero(e) => self.line(1, &format!("guard {e} == 0")),
            }
        }
    }

    fn buffer_type(&self, buffer: &Buffer) -> String {
        if buffer.shape.is_empty() {
            return buffer.dtype.to_string();
        }
        let text = format!("{}[{}]", buffer.dtype, list(&buffer.shape));
        if buffer.strides == weft_ir::sdfg::row_major(&buffer.shape) {
            text
        } else {
            format!("{text} strides [{}]", list(&buffer.strides))
        }
    }

    fn list(&mut self, stmts: &[Stmt], depth: usize) {
        for stmt in stmts {
            self.stmt(stmt, depth);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, depth: usize) {
        match stmt {
            Stmt::For(l) => {
                let schedule = match l.schedule {
                    LoopSchedule::Sequential => "",
                    LoopSchedule::Parallel => "parallel ",
                    LoopSchedule::Vector => "vector ",
                    LoopSchedule::Unordered => "unordered ",
                };
                let mut text = format!("{schedule}for {} in {}", l.var, range(&l.range));
                for (i, a) in l.accumulators.iter().enumerate() {
                    let word = if i == 0 { " with" } else { "," };
                    let _ =
                        write!(text, "{word} {} {}: {} = {}", op(a.op), a.name, a.dtype, self.value(&a.init));
                }
                if !l.work.is_zero() {
                    let _ = write!(text, "  # work {}", l.work);
                }
                self.line(depth, &text);
                self.list(&l.body, depth + 1);
            }
            Stmt::While { cond, body } => {
                self.line(depth, &format!("while {}", self.value(cond)));
                self.list(body, depth + 1);
            }
            Stmt::If { cond, then, otherwise } => {
                self.line(depth, &format!("if {}", self.value(cond)));
                self.list(then, depth + 1);
                if !otherwise.is_empty() {
                    self.line(depth, "else");
                    self.list(otherwise, depth + 1);
                }
            }
            other => {
                let text = self.simple(other);
                self.line(depth, &text);
            }
        }
    }

    fn simple(&self, stmt: &Stmt) -> String {
        match stmt {
            Stmt::Break => "break".into(),
            Stmt::Continue => "continue".into(),
            Stmt::Return => "return".into(),
            Stmt::Alloc(id) => {
                let buffer = &self.program.buffers[id.0 as usize];
                let place = match buffer.placement {
                    Placement::Argument(_) => "argument",
                    Placement::Heap => "heap",
                    Placement::Stack => "stack",
                };
                format!("alloc {}: {} {place}", buffer.name, self.buffer_type(buffer))
            }
            Stmt::Assign { symbol, value } => format!("{symbol} := {}", self.value(value)),
            Stmt::Let { name, value, .. } => format!("let {name} = {}", self.value(value)),
            Stmt::Store { buffer, index, value } => {
                format!("{} = {}", self.element(buffer.0, index), self.value(value))
            }
            Stmt::Combine { buffer, index, op: wcr, value, atomic } => {
                let atomic = if *atomic { "atomic " } else { "" };
                format!("{atomic}{} {} {}", self.element(buffer.0, index), op(*wcr), self.value(value))
            }
            Stmt::Update { accumulator, value } => format!("{accumulator} <- {}", self.value(value)),
            Stmt::Copy { from, to } => format!("copy {} -> {}", self.operand(from), self.operand(to)),
            Stmt::MatMul { a, b, c } => {
                format!("{} = {} @ {}", self.operand(c), self.operand(a), self.operand(b))
            }
            Stmt::Library { op, inputs, outputs, .. } => {
                let operands = |of: &[Operand]| list(of.iter().map(|o| self.operand(o)));
                let flag = op.flag().map_or(String::new(), |flag| format!(" {flag}"));
                format!("{} {} = {}{flag}", op.name(), operands(outputs), operands(inputs))
            }
            Stmt::Check { id, cond } => {
                let message = self.program.checks.get(*id as usize).map_or("", |c| &*c.message);
                format!("check {} {message:?}", self.value(cond))
            }
            Stmt::Comment(text) => format!("# {text}"),
            Stmt::For(_) | Stmt::While { .. } | Stmt::If { .. } => String::new(),
        }
    }

    fn element(&self, buffer: u32, index: &[Expr]) -> String {
        let name = self.program.buffers.get(buffer as usize).map_or("?", |b| b.name.as_str());
        if index.is_empty() { name.to_string() } else { format!("{name}[{}]", list(index)) }
    }

    /// `A[start; shape; strides]`, dimensions of the operand that follow the buffer's as slices.
    fn operand(&self, operand: &Operand) -> String {
        let Some(buffer) = self.program.buffers.get(operand.buffer.0 as usize) else { return "?".into() };
        let plain = operand.shape.len() == buffer.shape.len() && operand.strides == buffer.strides;
        if plain {
            let dims = operand.start.iter().zip(&operand.shape).map(|(s, n)| format!("{s}:{}", s + n));
            return format!("{}[{}]", buffer.name, list(dims));
        }
        format!(
            "{}[{}; shape {}; strides {}]",
            buffer.name,
            list(&operand.start),
            list(&operand.shape),
            list(&operand.strides)
        )
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::Lit(s) => scalar(*s),
            Value::Local(name) => name.to_string(),
            Value::Index(e) if e.as_sym().is_some() || e.as_int().is_some_and(|i| i >= 0) => e.to_string(),
            Value::Index(e) => format!("({e})"),
            Value::Load { buffer, index } => self.element(buffer.0, index),
            Value::Gather { buffer, index } => {
                let name = self.element(buffer.0, &[]);
                format!("{name}[{}]", list(index.iter().map(|v| self.value(v))))
            }
            Value::Un(op, a) => match op {
                UnOp::Neg => format!("-{}", self.value(a)),
                UnOp::Not => format!("not {}", self.value(a)),
                UnOp::Invert => format!("~{}", self.value(a)),
                UnOp::Abs => format!("abs({})", self.value(a)),
            },
            Value::Bin(op, a, b) => match infix(*op) {
                Ok(sign) => format!("({} {sign} {})", self.value(a), self.value(b)),
                Err(name) => format!("{name}({}, {})", self.value(a), self.value(b)),
            },
            Value::Call(f, a) => format!("{}({})", func(*f), self.value(a)),
            Value::Select(c, a, b) => {
                format!("({} if {} else {})", self.value(a), self.value(c), self.value(b))
            }
            Value::Cast(t, a) => format!("{t}({})", self.value(a)),
        }
    }
}

fn func(f: Func) -> String {
    format!("{f:?}").to_lowercase()
}

fn op(wcr: Wcr) -> &'static str {
    match wcr {
        Wcr::Sum => "+=",
        Wcr::Product => "*=",
        Wcr::Min => "min=",
        Wcr::Max => "max=",
        Wcr::And => "and=",
        Wcr::Or => "or=",
    }
}

/// The sign between the operands, or the name of the function.
fn infix(op: BinOp) -> Result<&'static str, &'static str> {
    Ok(match op {
        BinOp::Add => "+",
        BinOp::Sub => "-",
        BinOp::Mul => "*",
        BinOp::Div => "/",
        BinOp::FloorDiv => "//",
        BinOp::Mod => "%",
        BinOp::Pow => "**",
        BinOp::BitAnd => "&",
        BinOp::BitOr => "|",
        BinOp::BitXor => "^",
        BinOp::Shl => "<<",
        BinOp::Shr => ">>",
        BinOp::And => "and",
        BinOp::Or => "or",
        BinOp::Eq => "==",
        BinOp::Ne => "!=",
        BinOp::Lt => "<",
        BinOp::Le => "<=",
        BinOp::Gt => ">",
        BinOp::Ge => ">=",
        BinOp::Min => return Err("min"),
        BinOp::Max => return Err("max"),
        BinOp::Atan2 => return Err("atan2"),
        BinOp::Hypot => return Err("hypot"),
        BinOp::CopySign => return Err("copysign"),
        BinOp::Fmod => return Err("fmod"),
        BinOp::Complex => return Err("complex"),
        BinOp::NextAfter => return Err("nextafter"),
    })
}

fn scalar(s: Scalar) -> String {
    match s {
        Scalar::Bool(b) => b.to_string(),
        Scalar::Int(DType::I64, v) => v.to_string(),
        Scalar::Int(t, v) => format!("{v}{t}"),
        Scalar::F16(v) => format!("{v:?}f16"),
        Scalar::F32(v) => format!("{v:?}f32"),
        Scalar::F64(v) => format!("{v:?}"),
        Scalar::Complex(t, re, im) => format!("{t}({re:?}, {im:?})"),
    }
}
