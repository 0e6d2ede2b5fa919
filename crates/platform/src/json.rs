//! Reads untrusted JSON text (RFC 8259).
//!
//! `serde_json::Value` must not be deserialised from such text. With `arbitrary_precision` and `raw_value` switched on
//! (`sqlx` needs the second), it gives two member names a meaning of its own: an object with the first is taken for a
//! number, and the string in an object with the second is parsed as JSON text with a fresh limit on depth, so that
//! strings within strings overflow the stack. This reader builds the same tree, treats every name alike and counts the
//! depth.
use serde_json::{Map, Number, Value};

/// Deepest accepted nesting of arrays and objects.
pub const DEEPEST: usize = 128;

/// The reason why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("it is nested more than {DEEPEST} levels deep")]
    TooDeep,
    /// Lines count from 1, columns are bytes and count from 1.
    #[error("{fault} at line {line} column {column}")]
    Malformed { fault: &'static str, line: usize, column: usize },
}

/// Parses a value. Numbers keep their digits; of members of the same name the last one counts. The stack use is bounded
/// by [`DEEPEST`], the time is linear in the length of the text.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => return Err(malformed(text, error.valid_up_to(), "the text is not UTF-8")),
    };
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    match reader.peek_after_blanks() {
        None => Ok(value),
        Some(_) => Err(reader.fault("text follows the value")),
    }
}

fn malformed(text: &[u8], at: usize, fault: &'static str) -> JsonError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.split(|byte| *byte == b'\n').count();
    let begins = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    JsonError::Malformed { fault, line, column: before.len() - begins + 1 }
}

const TOO_SHORT: &str = "the text ends too early";

struct Reader<'a> {
    text: &'a str,
    /// Index of the next byte; always the first of a character.
    at: usize,
}

impl<'a> Reader<'a> {
    fn fault(&self, fault: &'static str) -> JsonError {
        malformed(self.text.as_bytes(), self.at, fault)
    }

    /// Returns the fault `otherwise`, unless the text is at its end.
    fn fault_or_end(&self, otherwise: &'static str) -> JsonError {
        self.fault(if self.peek().is_none() { TOO_SHORT } else { otherwise })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek_after_blanks(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    /// Consumes `byte` if it is next; returns whether it was.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// `depth` is the number of arrays and objects around the value.
    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        match self.peek_after_blanks() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'[' | b'{') if depth == DEEPEST => Err(JsonError::TooDeep),
            Some(b'[') => self.array(depth + 1),
            Some(b'{') => self.object(depth + 1),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.fault_or_end("a value is expected")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fault("a value is expected"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek_after_blanks() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.peek_after_blanks();
            if self.takes(b']') {
                return Ok(Value::Array(items));
            }
            if !self.takes(b',') {
                return Err(self.fault_or_end("`,` or `]` is expected"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut members = Map::new();
        if self.peek_after_blanks() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek_after_blanks() != Some(b'"') {
                return Err(self.fault_or_end("the name of a member is expected"));
            }
            let name = self.string()?;
            self.peek_after_blanks();
            if !self.takes(b':') {
                return Err(self.fault_or_end("`:` is expected"));
            }
            members.insert(name, self.value(depth)?);
            self.peek_after_blanks();
            if self.takes(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.takes(b',') {
                return Err(self.fault_or_end("`,` or `}` is expected"));
            }
        }
    }

    /// `serde_json` decides which sequences of these characters are numbers; it keeps the digits.
    fn number(&mut self) -> Result<Value, JsonError> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        let digits = &rest[..length.unwrap_or(rest.len())];
        let number: Number = digits.parse().map_err(|_| self.fault("the number is not well-formed"))?;
        self.at += digits.len();
        Ok(Value::Number(number))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut string = self.plain()?.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => {
                    string.push(self.escape()?);
                    string.push_str(self.plain()?);
                }
                _ => return Err(self.fault_or_end("a control character in a string must be escaped")),
            }
        }
    }

    /// Returns the characters up to the next quote, backslash or control character.
    fn plain(&mut self) -> Result<&'a str, JsonError> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'));
        let length = length.ok_or_else(|| malformed(self.text.as_bytes(), self.text.len(), TOO_SHORT))?;
        self.at += length;
        Ok(&rest[..length])
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let begin = self.at;
        self.at += 1;
        let escaped = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(begin),
            _ => return Err(self.fault_or_end("unknown escape sequence")),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// Reads `\uXXXX`, or two of them that are the surrogates of one character.
    fn unicode_escape(&mut self, begin: usize) -> Result<char, JsonError> {
        let first = self.code_unit()?;
        let is_leading = (0xd800..0xdc00).contains(&first);
        let second = if is_leading && self.text[self.at..].starts_with("\\u") {
            self.at += 1;
            Some(self.code_unit()?)
        } else {
            None
        };
        let units = [first, second.unwrap_or_default()];
        let units = if second.is_some() { &units[..] } else { &units[..1] };
        let mut characters = char::decode_utf16(units.iter().copied());
        match (characters.next(), characters.next()) {
            (Some(Ok(character)), None) => Ok(character),
            _ => Err(malformed(self.text.as_bytes(), begin, "a surrogate lacks its other half")),
        }
    }

    /// Reads the four digits after a `u`, which is next.
    fn code_unit(&mut self) -> Result<u16, JsonError> {
        self.at += 1;
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digits = digits.ok_or_else(|| malformed(self.text.as_bytes(), self.text.len(), TOO_SHORT))?;
        let unit = digits.iter().try_fold(0_u16, |unit, byte| {
            let digit = char::from(*byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok())?;
            Some((unit << 4) | digit)
        });
        let unit = unit.ok_or_else(|| self.fault("four hexadecimal digits are expected"))?;
        self.at += 4;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests;
