//! Reads the text form and DaCe's.

use super::expr::{Expr, MAX_DEPTH};
use super::range::Range;
use super::subset::Subset;
use crate::Name;

/// The text is not an expression, a range or a subset. The writer of the text is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at column {}", at + 1)]
pub struct ParseError {
    /// Byte offset into the text.
    pub at: usize,
    pub message: String,
}

/// Nested parentheses, calls and unary operators.
const MAX_NESTING: u32 = 100;

/// A quotient that is exact, or becomes exact under `ceiling` or `floor`.
struct Ratio {
    num: Expr,
    den: Expr,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    nesting: u32,
}

type Result<T> = std::result::Result<T, ParseError>;

impl Expr {
    /// Python's operators `+ - * // % **` (literal exponents), `min`, `max`, `int_floor`, `int_ceil`,
    /// `ceiling`, `floor`, `Mod`, `abs`; `/` where it is exact or rounded at once; other calls are opaque.
    pub fn parse(text: &str) -> Result<Expr> {
        let mut p = Parser::new(text);
        let e = p.expr()?;
        p.end()?;
        Ok(e)
    }
}

impl Range {
    /// `begin:end`, `begin:end:step` (half-open) or an index.
    pub fn parse(text: &str) -> Result<Range> {
        let mut p = Parser::new(text);
        let r = p.range()?;
        p.end()?;
        Ok(r)
    }
}

impl Subset {
    /// Ranges separated by commas, optionally in brackets.
    pub fn parse(text: &str) -> Result<Subset> {
        let mut p = Parser::new(text);
        let bracket = p.eat("[");
        let mut ranges = Vec::new();
        let close = |p: &mut Parser| if bracket { p.eat("]") } else { p.peek().is_none() };
        while !close(&mut p) {
            ranges.push(p.range()?);
            if !p.eat(",") {
                if !close(&mut p) {
                    return Err(p.error("expected ','"));
                }
                break;
            }
        }
        p.end()?;
        Ok(Subset(ranges))
    }
}

impl Ratio {
    fn whole(num: Expr) -> Ratio {
        Ratio { num, den: Expr::one() }
    }

    fn add(self, other: Ratio, sign: i64) -> Ratio {
        if self.den == other.den {
            return Ratio { num: self.num + other.num * sign, den: self.den };
        }
        Ratio { num: self.num * &other.den + other.num * &self.den * sign, den: self.den * other.den }
    }
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parser<'a> {
        Parser { text, at: 0, nesting: 0 }
    }

    fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError { at: self.at, message: message.into() }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&mut self) -> Option<char> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        self.peek();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.eat(token) { Ok(()) } else { Err(self.error(format!("expected '{token}'"))) }
    }

    fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(c) => Err(self.error(format!("unexpected '{c}'"))),
        }
    }

    fn range(&mut self) -> Result<Range> {
        let begin = self.expr()?;
        if !self.eat(":") {
            return Ok(Range::index(begin));
        }
        let end = self.expr()?;
        let step = if self.eat(":") { self.expr()? } else { Expr::one() };
        if step.is_zero() {
            return Err(self.error("the step is zero"));
        }
        Ok(Range { begin, end, step })
    }

    fn expr(&mut self) -> Result<Expr> {
        let at = self.at;
        let ratio = self.sum()?;
        self.exact(ratio, at)
    }

    fn exact(&self, ratio: Ratio, at: usize) -> Result<Expr> {
        if ratio.den.is_one() {
            return Ok(ratio.num);
        }
        if !ratio.den.is_zero() && ratio.num.modulo(&ratio.den).is_zero() {
            return Ok(ratio.num.floor_div(&ratio.den));
        }
        Err(ParseError { at, message: "the division '/' is not exact: write '//' or ceiling(..)".into() })
    }

    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= MAX_NESTING {
            return Err(self.error("nested too deeply"));
        }
        self.nesting += 1;
        let out = f(self);
        self.nesting -= 1;
        out
    }

    fn sum(&mut self) -> Result<Ratio> {
        let mut left = self.product()?;
        loop {
            let sign = match self.peek() {
                Some('+') => 1,
                Some('-') => -1,
                _ => return Ok(left),
            };
            self.at += 1;
            left = left.add(self.product()?, sign);
        }
    }

    fn product(&mut self) -> Result<Ratio> {
        let mut left = self.unary()?;
        loop {
            self.peek();
            let at = self.at;
            if self.rest().starts_with("**") {
                return Err(self.error("unexpected '**'"));
            } else if self.eat("//") {
                let (a, b) = (self.exact(left, at)?, self.unary()?);
                left = Ratio::whole(a.floor_div(&self.exact(b, at)?));
            } else if self.eat("*") {
                let b = self.unary()?;
                left = Ratio { num: left.num * b.num, den: left.den * b.den };
            } else if self.eat("%") {
                let (a, b) = (self.exact(left, at)?, self.unary()?);
                left = Ratio::whole(a.modulo(&self.exact(b, at)?));
            } else if self.eat("/") {
                let b = self.unary()?;
                left = Ratio { num: left.num * b.den, den: left.den * b.num };
            } else {
                return Ok(left);
            }
            if left.num.depth().max(left.den.depth()) > MAX_DEPTH {
                return Err(self.error("nested too deeply"));
            }
        }
    }

    fn unary(&mut self) -> Result<Ratio> {
        let mut negate = false;
        loop {
            match self.peek() {
                Some('-') => negate = !negate,
                Some('+') => {}
                _ => break,
            }
            self.at += 1;
        }
        let out = self.power(&mut negate)?;
        Ok(if negate { Ratio { num: -out.num, den: out.den } } else { out })
    }

    /// Takes the minus where the literal needs it, as in -9223372036854775808.
    fn power(&mut self, negate: &mut bool) -> Result<Ratio> {
        let base = match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                let at = self.at;
                let magnitude = self.digits()?;
                match i64::try_from(magnitude) {
                    Ok(value) => Ratio::whole(Expr::int(value)),
                    Err(_) if *negate && magnitude == i64::MIN.unsigned_abs() && !self.eat("**") => {
                        *negate = false;
                        return Ok(Ratio::whole(Expr::int(i64::MIN)));
                    }
                    Err(_) => return Err(ParseError { at, message: "integer out of range".into() }),
                }
            }
            Some('(') => {
                self.at += 1;
                let inner = self.nested(Self::sum)?;
                self.expect(")")?;
                inner
            }
            Some(c) if c.is_alphabetic() || c == '_' => self.name()?,
            Some(c) => return Err(self.error(format!("unexpected '{c}'"))),
            None => return Err(self.error("unexpected end")),
        };
        if !self.eat("**") {
            return Ok(base);
        }
        let parenthesized = self.eat("(");
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Err(self.error("the exponent must be a non-negative integer"));
        }
        let Ok(power) = u32::try_from(self.digits()?) else {
            return Err(self.error("the exponent is out of range"));
        };
        if parenthesized {
            self.expect(")")?;
        }
        if self.eat("**") {
            return Err(self.error("write parentheses between powers"));
        }
        Ok(Ratio { num: base.num.pow(power), den: base.den.pow(power) })
    }

    fn digits(&mut self) -> Result<u64> {
        let len = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let digits = &self.rest()[..len];
        if self.rest()[len..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
            return Err(self.error("expected an integer"));
        }
        let value = digits.parse().map_err(|_| self.error("integer out of range"))?;
        self.at += len;
        Ok(value)
    }

    fn name(&mut self) -> Result<Ratio> {
        let at = self.at;
        let len = self.rest().find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest().len());
        let name = &self.rest()[..len];
        self.at += len;
        if !self.eat("(") {
            return Ok(Ratio::whole(Expr::sym(name)));
        }
        let mut args = Vec::new();
        while !self.eat(")") {
            args.push(self.nested(Self::sum)?);
            if !self.eat(",") {
                self.expect(")")?;
                break;
            }
        }
        self.call(name, args, at)
    }

    fn call(&self, name: &str, mut args: Vec<Ratio>, at: usize) -> Result<Ratio> {
        let wrong = || ParseError { at, message: format!("wrong number of arguments for {name}") };
        if let "ceiling" | "ceil" | "floor" = name {
            let (Some(Ratio { num, den }), true) = (args.pop(), args.is_empty()) else { return Err(wrong()) };
            let value = if name == "floor" { num.floor_div(&den) } else { num.ceil_div(&den) };
            return Ok(Ratio::whole(value));
        }
        let args = args.into_iter().map(|r| self.exact(r, at)).collect::<Result<Vec<Expr>>>()?;
        let value = match (name, &args[..]) {
            ("min" | "Min", args) => Expr::min_of(args).ok_or_else(wrong)?,
            ("max" | "Max", args) => Expr::max_of(args).ok_or_else(wrong)?,
            ("int_floor", [a, b]) => a.floor_div(b),
            ("int_ceil", [a, b]) => a.ceil_div(b),
            ("Mod", [a, b]) => a.modulo(b),
            ("abs" | "Abs", [a]) => a.max(&-a),
            ("int_floor" | "int_ceil" | "Mod" | "abs" | "Abs", _) => return Err(wrong()),
            _ => Expr::call(Name::new(name), args),
        };
        if value.depth() > MAX_DEPTH {
            return Err(ParseError { at, message: "nested too deeply".into() });
        }
        Ok(Ratio::whole(value))
    }
}
