//! Numbers and arithmetic of a spec: what stands in `value` and in the bounds of a `fill`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A number as a user writes it: `2` is an int and `2.0` a float, as in Python.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Written {
    Int(i64),
    Float(f64),
}

impl Written {
    pub fn as_f64(self) -> f64 {
        match self {
            Written::Int(i) => i as f64,
            Written::Float(x) => x,
        }
    }
}

impl From<i64> for Written {
    fn from(value: i64) -> Written {
        Written::Int(value)
    }
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Written::Int(i) => write!(f, "{i}"),
            Written::Float(x) => write!(f, "{x:?}"),
        }
    }
}

impl std::str::FromStr for Written {
    type Err = std::num::ParseFloatError;

    fn from_str(text: &str) -> Result<Written, Self::Err> {
        // A whole number that 64 bits do not hold must not turn into another one.
        let whole = text.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(i) => Ok(Written::Int(i)),
            Err(_) if whole => "".parse::<f64>().map(Written::Float),
            Err(_) => text.parse().map(Written::Float),
        }
    }
}

/// Arithmetic on numbers and the symbols of the presets, with Python's meaning: `/` gives a
/// float, `//` and `%` round down.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    Number(Written),
    Symbol(String),
    Negated(Box<Formula>),
    Binary(Operator, Box<Formula>, Box<Formula>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
}

/// Parentheses and signs within each other; terms of one chain count too, since they nest.
const MAX_NESTING: u32 = 100;

impl Formula {
    /// The text's writer is at fault if this fails.
    pub fn parse(text: &str) -> Result<Formula, String> {
        let mut parser = Parser { rest: text.trim_start(), nesting: 0 };
        let found = parser.sum()?;
        if !parser.rest.is_empty() {
            return Err(format!("unexpected '{}'", parser.rest));
        }
        Ok(found)
    }

    /// The value, or why there is none.
    pub fn eval<V: Copy + Into<Written>>(&self, symbols: &BTreeMap<String, V>) -> Result<Written, String> {
        Ok(match self {
            Formula::Number(n) => *n,
            Formula::Symbol(name) => {
                (*symbols.get(name).ok_or_else(|| format!("no size is called {name}"))?).into()
            }
            Formula::Negated(inner) => match inner.eval(symbols)? {
                Written::Int(i) => Written::Int(i.checked_neg().ok_or("an integer out of range")?),
                Written::Float(x) => Written::Float(-x),
            },
            Formula::Binary(op, left, right) => apply(*op, left.eval(symbols)?, right.eval(symbols)?)?,
        })
    }

    /// The value where only an integer makes sense.
    pub fn integer<V: Copy + Into<Written>>(&self, symbols: &BTreeMap<String, V>) -> Result<i64, String> {
        match self.eval(symbols)? {
            Written::Int(i) => Ok(i),
            Written::Float(x) => Err(format!("{x:?} is not an integer")),
        }
    }
}

fn apply(op: Operator, left: Written, right: Written) -> Result<Written, String> {
    if matches!(op, Operator::Div | Operator::FloorDiv | Operator::Mod) && right.as_f64() == 0.0 {
        return Err("division by zero".into());
    }
    if let (Written::Int(a), Written::Int(b), false) = (left, right, op == Operator::Div) {
        let value = match op {
            Operator::Add => a.checked_add(b),
            Operator::Sub => a.checked_sub(b),
            Operator::Mul => a.checked_mul(b),
            Operator::FloorDiv => floor_mod(a, b).and_then(|r| a.checked_sub(r)?.checked_div(b)),
            Operator::Mod | Operator::Div => floor_mod(a, b),
        };
        return value.map(Written::Int).ok_or_else(|| "an integer out of range".into());
    }
    let (a, b) = (left.as_f64(), right.as_f64());
    let remainder = || match a % b {
        r if r != 0.0 && (r < 0.0) != (b < 0.0) => r + b,
        r => r,
    };
    Ok(Written::Float(match op {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mul => a * b,
        Operator::Div => a / b,
        Operator::FloorDiv => ((a - remainder()) / b).round(),
        Operator::Mod => remainder(),
    }))
}

/// Python's remainder, which has the divisor's sign.
fn floor_mod(a: i64, b: i64) -> Option<i64> {
    // The one case that overflows has no remainder.
    let r = if b == -1 { 0 } else { a.checked_rem(b)? };
    Some(if r != 0 && (r < 0) != (b < 0) { r + b } else { r })
}

struct Parser<'a> {
    rest: &'a str,
    nesting: u32,
}

impl Parser<'_> {
    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING { Err("an expression of too many parts".into()) } else { Ok(()) }
    }

    fn sum(&mut self) -> Result<Formula, String> {
        self.chain(&[("+", Operator::Add), ("-", Operator::Sub)], Self::product)
    }

    fn product(&mut self) -> Result<Formula, String> {
        use Operator::{Div, FloorDiv, Mod, Mul};
        self.chain(&[("*", Mul), ("//", FloorDiv), ("/", Div), ("%", Mod)], Self::unary)
    }

    fn chain(
        &mut self,
        operators: &[(&str, Operator)],
        part: fn(&mut Self) -> Result<Formula, String>,
    ) -> Result<Formula, String> {
        let mut left = part(self)?;
        while let Some((_, op)) = operators.iter().find(|(token, _)| self.eat(token)) {
            self.deeper()?;
            left = Formula::Binary(*op, Box::new(left), Box::new(part(self)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Formula, String> {
        if self.eat("-") {
            self.deeper()?;
            return Ok(Formula::Negated(Box::new(self.unary()?)));
        }
        if self.eat("(") {
            self.deeper()?;
            let inner = self.sum()?;
            return if self.eat(")") { Ok(inner) } else { Err("expected ')'".into()) };
        }
        match self.rest.chars().next() {
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => {
                let name = self.token(|c| c.is_alphanumeric() || c == '_');
                Ok(Formula::Symbol(name))
            }
            Some(c) => Err(format!("unexpected '{c}'")),
            None => Err("unexpected end".into()),
        }
    }

    fn number(&mut self) -> Result<Formula, String> {
        let mut previous = ' ';
        let text = self.token(|c| {
            let sign = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E');
            previous = c;
            sign || c.is_alphanumeric() || c == '.' || c == '_'
        });
        text.parse().map(Formula::Number).map_err(|_| format!("'{text}' is not a number"))
    }

    fn token(&mut self, mut belongs: impl FnMut(char) -> bool) -> String {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        token.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<Written, String> {
        let symbols = BTreeMap::from([("N".to_string(), Written::Int(7)), ("h".into(), Written::Float(0.5))]);
        Formula::parse(text)?.eval(&symbols)
    }

    #[test]
    fn arithmetic_is_pythons() {
        for (text, expected) in [
            ("(N + 4) * 2 - 9 // 3 % 2", Written::Int(21)),
            ("-N // 2", Written::Int(-4)),
            ("N % -4", Written::Int(-1)),
            ("1 / (2 * N)", Written::Float(1.0 / 14.0)),
            ("6 / 3", Written::Float(2.0)),
            ("N * h - .5", Written::Float(3.0)),
            ("-7.5 // 2", Written::Float(-4.0)),
            ("-7.5 % 2", Written::Float(0.5)),
            ("1e-1 + 1E+1", Written::Float(10.1)),
            ("1 - -1", Written::Int(2)),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
        let long = "1 + ".repeat(100_000) + "1";
        for text in [
            "",
            "N +",
            "K",
            "N ** 2",
            "f(N)",
            "N.real",
            "(N",
            "1.2.3",
            "1 / (N - 7)",
            "N % 0",
            "9223372036854775807 + 1",
            "99999999999999999999",
            "-9223372036854775807 * 2",
            &deep,
            &long,
        ] {
            assert!(value(text).is_err(), "{text}");
        }
        assert!(
            Formula::parse("N / 7").expect("parses").integer(&BTreeMap::from([("N".into(), 7)])).is_err()
        );
    }
}
