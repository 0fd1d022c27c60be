//! Reads expressions from text. Depth is limited, so that no text overflows the stack.

use super::print::strength::{COMPARE, NOT, OR};
use super::{BinOp, Expr, Func, UnOp};
use crate::dtype::{DType, Scalar, f16, f16_of};
use crate::names::Name;
use crate::symbolic;
use crate::text::cursor::{Cursor, Fault, Parsed};

/// Nested parentheses, calls and unary operators.
const MAX_NESTING: u32 = 100;
/// Height of the tree, which chains such as `a + b + …` build without nesting.
const MAX_HEIGHT: u32 = 1000;

/// Makes a leaf of a plain name; the cursor is behind the name. May read further (`A[i, j]`); where it
/// leaves a bracket behind a variable, that is an array, and indices of its element follow.
pub type Leaf<'f> = dyn FnMut(&mut Cursor, Name, usize) -> Parsed<Expr> + 'f;

struct Parser<'c, 'a, 'f> {
    cursor: &'c mut Cursor<'a>,
    leaf: &'c mut Leaf<'f>,
    nesting: u32,
}

/// An expression with the height of its tree.
type Tree = (Expr, u32);

impl Expr {
    /// Reads a whole text. Plain names for which `is_var` holds are variables, others symbols.
    pub fn parse(text: &str, is_var: &dyn Fn(Name) -> bool) -> Parsed<Expr> {
        let mut cursor = Cursor::new(text);
        let e = parse_at(&mut cursor, &mut |_, name, _| Ok(leaf(name, is_var(name))))?;
        cursor.end()?;
        Ok(e)
    }
}

/// A variable or a symbol.
pub fn leaf(name: Name, is_var: bool) -> Expr {
    if is_var { Expr::Var(name) } else { Expr::Sym(symbolic::Expr::sym(name)) }
}

/// Reads the longest expression at the cursor.
pub fn parse_at(cursor: &mut Cursor, make_leaf: &mut Leaf) -> Parsed<Expr> {
    Ok(Parser { cursor, leaf: make_leaf, nesting: 0 }.select()?.0)
}

/// Reads a literal, with its sign.
pub fn parse_scalar(cursor: &mut Cursor) -> Parsed<Scalar> {
    cursor.peek();
    let at = cursor.at();
    match parse_at(cursor, &mut |c, _, at| c.fault_at(at, "expected a literal", ""))? {
        Expr::Lit(s) => Ok(s),
        _ => cursor.fault_at(at, "expected a literal", ""),
    }
}

impl<'a> Parser<'_, 'a, '_> {
    fn bin(&self, op: BinOp, a: Tree, b: Tree) -> Parsed<Tree> {
        let height = a.1.max(b.1) + 1;
        if height > MAX_HEIGHT {
            return self.cursor.fault("the expression is too long");
        }
        Ok((Expr::bin(op, a.0, b.0), height))
    }

    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= MAX_NESTING {
            return self.cursor.fault("nested too deeply");
        }
        self.nesting += 1;
        let out = f(self);
        self.nesting -= 1;
        out
    }

    fn select(&mut self) -> Parsed<Tree> {
        let yes = self.binary(OR)?;
        if !self.cursor.eat_word("if") {
            return Ok(yes);
        }
        let cond = self.binary(OR)?;
        if !self.cursor.eat_word("else") {
            return self.cursor.fault("expected 'else'");
        }
        let no = self.nested(Self::select)?;
        let height = yes.1.max(cond.1).max(no.1) + 1;
        Ok((Expr::select(cond.0, yes.0, no.0), height))
    }

    /// Operators that bind at least as strongly as `least`.
    fn binary(&mut self, least: u8) -> Parsed<Tree> {
        let mut left = if least <= NOT && self.cursor.eat_word("not") {
            let (e, height) = self.nested(|p| p.binary(NOT))?;
            (Expr::un(UnOp::Not, e), height + 1)
        } else {
            self.unary()?
        };
        let mut compared = false;
        while let Some((op, symbol, own)) = self.operator() {
            if own < least {
                break;
            }
            if own == COMPARE && std::mem::replace(&mut compared, true) {
                let at = self.cursor.at();
                return self.cursor.fault_at(at, "comparisons do not chain", "join them with 'and'");
            }
            let _ = if op.is_word() { self.cursor.eat_word(symbol) } else { self.cursor.eat(symbol) };
            let right = self.nested(|p| p.binary(own + 1))?;
            left = self.bin(op, left, right)?;
        }
        Ok(left)
    }

    /// The infix operator here, not consumed; `**` is read with its base.
    fn operator(&mut self) -> Option<(BinOp, &'static str, u8)> {
        use BinOp::*;
        const LONGEST_FIRST: [BinOp; 17] =
            [FloorDiv, Shl, Shr, Le, Ge, Eq, Ne, Lt, Gt, Add, Sub, Mul, Div, Mod, BitOr, BitXor, BitAnd];
        for op in [And, Or] {
            let (symbol, own) = op.infix()?;
            if self.cursor.peek_word() == symbol {
                return Some((op, symbol, own));
            }
        }
        self.cursor.peek();
        let rest = self.cursor.rest();
        if rest.starts_with("->") {
            return None;
        }
        LONGEST_FIRST.into_iter().find_map(|op| {
            let (symbol, own) = op.infix()?;
            rest.starts_with(symbol).then_some((op, symbol, own))
        })
    }

    fn unary(&mut self) -> Parsed<Tree> {
        match self.cursor.peek() {
            Some('-') => {
                self.cursor.eat("-");
                if self.starts_number() {
                    let number = self.number(true)?;
                    if !self.cursor.sees("**") {
                        return Ok((Expr::Lit(number), 1));
                    }
                    // As in Python, the power binds first.
                    let base = (Expr::Lit(negate(number)), 1);
                    let (e, height) = self.power(base)?;
                    return Ok((Expr::un(UnOp::Neg, e), height + 1));
                }
                let (e, height) = self.nested(Self::unary)?;
                Ok((Expr::un(UnOp::Neg, e), height + 1))
            }
            Some('~') => {
                self.cursor.eat("~");
                let (e, height) = self.nested(Self::unary)?;
                Ok((Expr::un(UnOp::Invert, e), height + 1))
            }
            _ => {
                let base = self.atom()?;
                self.power(base)
            }
        }
    }

    fn power(&mut self, base: Tree) -> Parsed<Tree> {
        if !self.cursor.eat("**") {
            return Ok(base);
        }
        let exponent = self.nested(Self::unary)?;
        self.bin(BinOp::Pow, base, exponent)
    }

    fn starts_number(&mut self) -> bool {
        let rest = self.cursor.rest();
        let next = |n: usize| rest.as_bytes().get(n).copied().unwrap_or(b' ');
        next(0).is_ascii_digit()
            || (next(0) == b'.' && next(1).is_ascii_digit())
            || matches!(self.cursor.peek_word(), "inf" | "inf16" | "inf32")
    }

    fn atom(&mut self) -> Parsed<Tree> {
        match self.cursor.peek() {
            None => self.cursor.fault("expected an expression at the end of the line"),
            Some('(') => {
                self.cursor.eat("(");
                let inner = self.nested(Self::select)?;
                self.cursor.expect(")")?;
                Ok(inner)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => Ok((Expr::Lit(self.number(false)?), 1)),
            Some(_) if self.cursor.sees_name() => self.named(),
            Some(c) => self.cursor.fault(format!("expected an expression, found '{c}'")),
        }
    }

    fn named(&mut self) -> Parsed<Tree> {
        let (at, word) = (self.cursor.at(), self.cursor.peek_word());
        match word {
            "True" | "False" => {
                self.cursor.take_word();
                return Ok((Expr::Lit(Scalar::Bool(word == "True")), 1));
            }
            "nan" | "nan16" | "nan32" | "inf" | "inf16" | "inf32" => {
                return Ok((Expr::Lit(self.number(false)?), 1));
            }
            "and" | "or" | "not" | "if" | "else" => {
                return self.cursor.fault_at(at, format!("expected an expression, found '{word}'"), "");
            }
            _ => {}
        }
        let name = self.cursor.name("an expression")?;
        if !word.is_empty() && self.cursor.sees("(") {
            return self.called(word, at);
        }
        match (self.leaf)(self.cursor, name, at)? {
            Expr::Var(array) if self.cursor.sees("[") => self.indexed(array),
            leaf => Ok((leaf, 1)),
        }
    }

    /// The indices of an array's element.
    fn indexed(&mut self, array: Name) -> Parsed<Tree> {
        self.cursor.expect("[")?;
        let (mut indices, mut height) = (vec![], 0);
        loop {
            let (e, h) = self.nested(Self::select)?;
            indices.push(e);
            height = height.max(h);
            if !self.cursor.eat(",") {
                break;
            }
        }
        self.cursor.expect("]")?;
        if height >= MAX_HEIGHT {
            return self.cursor.fault("the expression is too long");
        }
        Ok((Expr::Index(array, indices), height + 1))
    }

    fn called(&mut self, name: &str, at: usize) -> Parsed<Tree> {
        self.cursor.expect("(")?;
        if name == "sym" {
            let e = self.cursor.symbolic()?;
            self.cursor.expect(")")?;
            return Ok((Expr::Sym(e), 1));
        }
        if name == "var" {
            let name = self.cursor.name("a variable")?;
            self.cursor.expect(")")?;
            return Ok((Expr::Var(name), 1));
        }
        let first = self.nested(Self::select)?;
        let second = if self.cursor.eat(",") { Some(self.nested(Self::select)?) } else { None };
        self.cursor.expect(")")?;
        let height = first.1 + 1;
        let dtype = DType::from_short(name);
        match (second, dtype, BinOp::from_call(name), Func::from_name(name)) {
            (Some(second), _, Some(op), _) => self.bin(op, first, second),
            (Some(second), Some(dtype), ..) if dtype.is_complex() => match (first.0, second.0) {
                (Expr::Lit(Scalar::F64(re)), Expr::Lit(Scalar::F64(im))) => {
                    Ok((Expr::Lit(Scalar::Complex(dtype, re, im)), 1))
                }
                (re, im) => {
                    let height = height.max(second.1 + 1);
                    Ok((Expr::cast(dtype, Expr::bin(BinOp::Complex, re, im)), height + 1))
                }
            },
            (None, Some(dtype), ..) => Ok((Expr::cast(dtype, first.0), height)),
            (None, _, _, Some(func)) => Ok((Expr::call(func, first.0), height)),
            (None, ..) if name == "abs" => Ok((Expr::un(UnOp::Abs, first.0), height)),
            (None, None, None, None) => self.cursor.fault_at(at, format!("unknown function '{name}'"), ""),
            _ => self.cursor.fault_at(at, format!("wrong number of arguments for '{name}'"), ""),
        }
    }

    /// A number with its suffix; a minus before it has been consumed if `minus`.
    fn number(&mut self, minus: bool) -> Parsed<Scalar> {
        let (at, sign) = (self.cursor.at(), if minus { -1.0 } else { 1.0 });
        match self.cursor.peek_word() {
            "inf" => {
                self.cursor.take_word();
                return Ok(Scalar::F64(sign * f64::INFINITY));
            }
            "inf16" => {
                self.cursor.take_word();
                return Ok(Scalar::F16(f16_of(sign * f64::INFINITY)));
            }
            "inf32" => {
                self.cursor.take_word();
                return Ok(Scalar::F32(sign as f32 * f32::INFINITY));
            }
            word @ ("nan" | "nan16" | "nan32") => {
                self.cursor.take_word();
                return self.nan(DType::from_short(&word.replace("nan", "f")).unwrap_or(DType::F64), at);
            }
            _ => {}
        }
        let rest = self.cursor.rest();
        let (len, float) = number_length(rest);
        let digits = format!("{}{}", if minus { "-" } else { "" }, &rest[..len]);
        let bytes = rest[..len].len();
        self.cursor.skip(bytes);
        let suffix = self.cursor.take_word();
        let bad = |message: String| Err(Fault { at, message, hint: None });
        let dtype = match suffix {
            "" if float => DType::F64,
            "" => DType::I64,
            _ => match DType::from_short(suffix) {
                Some(dtype) => dtype,
                None => return bad(format!("unknown suffix '{suffix}' of a number")),
            },
        };
        match dtype {
            DType::F64 => digits.parse().map(Scalar::F64).or_else(|_| bad("malformed number".into())),
            DType::F16 => digits
                .parse()
                .map(|x: f64| Scalar::F16(f16_of(x)))
                .or_else(|_| bad("malformed number".into())),
            DType::F32 => digits.parse().map(Scalar::F32).or_else(|_| bad("malformed number".into())),
            _ if dtype.is_int() && !float => match digits.parse::<i128>() {
                Ok(v) if fits(dtype, v) => Ok(Scalar::Int(dtype, v)),
                _ => bad(format!("{digits} does not fit {dtype}")),
            },
            _ => bad(format!("a literal like this cannot be {dtype}")),
        }
    }

    fn nan(&mut self, dtype: DType, at: usize) -> Parsed<Scalar> {
        let bits = if self.cursor.eat("(") {
            let bits = self.cursor.integer()?;
            self.cursor.expect(")")?;
            Some(bits)
        } else {
            None
        };
        let value = match dtype {
            DType::F16 => Scalar::F16(bits.map_or(f16::NAN, |bits| f16::from_bits(bits as u16))),
            DType::F32 => Scalar::F32(bits.map_or(f32::NAN, |bits| f32::from_bits(bits as u32))),
            _ => Scalar::F64(bits.map_or(f64::NAN, f64::from_bits)),
        };
        match value {
            Scalar::F64(v) if !v.is_nan() => self.cursor.fault_at(at, "these bits are not a NaN", ""),
            Scalar::F16(v) if !v.is_nan() => self.cursor.fault_at(at, "these bits are not a NaN", ""),
            Scalar::F32(v) if !v.is_nan() => self.cursor.fault_at(at, "these bits are not a NaN", ""),
            value => Ok(value),
        }
    }
}

impl BinOp {
    fn is_word(self) -> bool {
        matches!(self, BinOp::And | BinOp::Or)
    }
}

/// Bytes of the number at the start, and whether it has a fraction or an exponent.
fn number_length(text: &str) -> (usize, bool) {
    let bytes = text.as_bytes();
    let digits =
        |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut len = digits(0);
    let mut float = false;
    if bytes.get(len) == Some(&b'.') {
        float = true;
        len += 1;
        len += digits(len);
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        let exponent = digits(len + 1 + sign);
        if exponent > 0 {
            float = true;
            len += 1 + sign + exponent;
        }
    }
    (len, float)
}

fn negate(s: Scalar) -> Scalar {
    match s {
        Scalar::Int(t, v) => Scalar::Int(t, -v),
        Scalar::F16(v) => Scalar::F16(-v),
        Scalar::F32(v) => Scalar::F32(-v),
        Scalar::F64(v) => Scalar::F64(-v),
        other => other,
    }
}

/// Is the value in the range of the integer type?
fn fits(dtype: DType, v: i128) -> bool {
    let bits = dtype.size() as u32 * 8;
    let (low, high) =
        if dtype.is_signed() { (-(1i128 << (bits - 1)), 1i128 << (bits - 1)) } else { (0, 1i128 << bits) };
    (low..high).contains(&v)
}
