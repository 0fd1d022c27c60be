//! JSON as Python writes it: `NaN` and `Infinity`, and deeper than serde_json goes.

use serde_json::{Map, Number, Value};

use super::JsonError;

/// Lists and objects inside each other.
const MAX_DEPTH: usize = 400;

/// What stands for Python's numbers that JSON has not.
pub const NAN: &str = "\u{0}NaN";
pub const INFINITY: &str = "\u{0}Infinity";
pub const NEG_INFINITY: &str = "\u{0}-Infinity";

/// A number, also one that JSON has not.
pub fn float(v: f64) -> Value {
    match Number::from_f64(v) {
        Some(n) => Value::Number(n),
        None if v.is_nan() => Value::String(NAN.into()),
        None if v > 0.0 => Value::String(INFINITY.into()),
        None => Value::String(NEG_INFINITY.into()),
    }
}

/// The value of a number.
pub fn as_f64(v: &Value) -> Option<f64> {
    match v {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => match s.as_str() {
            NAN => Some(f64::NAN),
            INFINITY => Some(f64::INFINITY),
            NEG_INFINITY => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// The text, with two spaces a level.
pub fn to_text(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.replace("\"\\u0000NaN\"", "NaN")
        .replace("\"\\u0000Infinity\"", "Infinity")
        .replace("\"\\u0000-Infinity\"", "-Infinity")
}

/// The text in one line.
pub fn compact(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A fingerprint of the content, to see whether a file was changed.
pub fn digest(value: &Value) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    feed(value, &mut hash);
    format!("{hash:016x}")
}

fn feed(value: &Value, hash: &mut u64) {
    let mut bytes = |text: &str| {
        for b in text.bytes().chain([0]) {
            *hash = (*hash ^ u64::from(b)).wrapping_mul(0x100_0000_01b3);
        }
    };
    match value {
        Value::Null => bytes("null"),
        Value::Bool(b) => bytes(if *b { "true" } else { "false" }),
        Value::Number(n) => bytes(&n.to_string()),
        Value::String(s) => {
            bytes("\"");
            bytes(s);
        }
        Value::Array(items) => {
            bytes("[");
            for item in items {
                feed(item, hash);
            }
            feed(&Value::String("]".into()), hash);
        }
        Value::Object(map) => {
            bytes("{");
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            for key in keys {
                feed(&Value::String(key.clone()), hash);
                feed(&map[key], hash);
            }
            feed(&Value::String("}".into()), hash);
        }
    }
}

/// Reads JSON with Python's extensions.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at < reader.bytes.len() {
        return reader.error("unexpected text after the end");
    }
    Ok(value)
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn error<T>(&self, message: &str) -> Result<T, JsonError> {
        let before = &self.bytes[..self.at.min(self.bytes.len())];
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        Err(JsonError { path: format!("line {line}"), message: format!("not JSON: {message}") })
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(token.as_bytes());
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        if depth > MAX_DEPTH {
            return self.error("nested too deeply");
        }
        self.space();
        match self.bytes.get(self.at) {
            None => self.error("unexpected end"),
            Some(b'{') => self.object(depth),
            Some(b'[') => {
                self.at += 1;
                let mut items = vec![];
                self.space();
                if self.eat("]") {
                    return Ok(Value::Array(items));
                }
                loop {
                    items.push(self.value(depth + 1)?);
                    self.space();
                    if self.eat("]") {
                        return Ok(Value::Array(items));
                    }
                    if !self.eat(",") {
                        return self.error("expected ',' or ']'");
                    }
                }
            }
            Some(b'"') => Ok(Value::String(self.string()?)),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut map = Map::new();
        self.space();
        if self.eat("}") {
            return Ok(Value::Object(map));
        }
        loop {
            self.space();
            if self.bytes.get(self.at) != Some(&b'"') {
                return self.error("expected a key");
            }
            let key = self.string()?;
            self.space();
            if !self.eat(":") {
                return self.error("expected ':'");
            }
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            self.space();
            if self.eat("}") {
                return Ok(Value::Object(map));
            }
            if !self.eat(",") {
                return self.error("expected ',' or '}'");
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        let start = self.at;
        let mut i = start + 1;
        loop {
            match self.bytes.get(i) {
                None => return self.error("a string without its end"),
                Some(b'"') => break,
                Some(b'\\') => i += 2,
                Some(_) => i += 1,
            }
        }
        match serde_json::from_slice(&self.bytes[start..=i]) {
            Ok(text) => {
                self.at = i + 1;
                Ok(text)
            }
            Err(_) => self.error("a malformed string"),
        }
    }

    fn word(&mut self) -> Result<Value, JsonError> {
        for (word, value) in [
            ("NaN", Value::String(NAN.into())),
            ("Infinity", Value::String(INFINITY.into())),
            ("-Infinity", Value::String(NEG_INFINITY.into())),
        ] {
            if self.eat(word) {
                return Ok(value);
            }
        }
        let is_word = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let len = self.bytes[self.at..].iter().take_while(is_word).count();
        match serde_json::from_slice(&self.bytes[self.at..self.at + len]) {
            Ok(value) if len > 0 => {
                self.at += len;
                Ok(value)
            }
            _ => self.error("expected a value"),
        }
    }
}
