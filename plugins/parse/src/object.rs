//! Writes a JSON object.
//!
//! In: names and values, as text. Out: the object, in one line of UTF-8. Not here: where the values come from.

/// An object that is being written.
pub(crate) struct Object {
    json: Vec<u8>,
    /// The names of the fields whose values are numbers where they can be, sorted.
    numbers: Vec<String>,
}

impl Object {
    pub(crate) fn new(mut numbers: Vec<String>) -> Self {
        numbers.sort_unstable();
        Self {
            json: Vec::new(),
            numbers,
        }
    }

    /// Begins a new object. An earlier one is discarded.
    pub(crate) fn begin(&mut self) {
        self.json.clear();
        self.json.push(b'{');
    }

    /// Ends the object.
    pub(crate) fn end(&mut self) -> &[u8] {
        self.json.push(b'}');
        &self.json
    }

    /// Adds a field of a format, whose name has no characters that must be escaped.
    pub(crate) fn field(&mut self, name: &'static str, value: &str) {
        self.separate();
        self.json.push(b'"');
        self.json.extend_from_slice(name.as_bytes());
        self.json.extend_from_slice(b"\":");
        self.value(name, value);
    }

    /// Adds a field of a format, if it has a value.
    pub(crate) fn present(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    /// Begins a field of any name. A value must follow.
    pub(crate) fn name(&mut self, name: &str) {
        self.separate();
        self.string(name);
        self.json.push(b':');
    }

    fn separate(&mut self) {
        if !matches!(self.json.last(), Some(b'{')) {
            self.json.push(b',');
        }
    }

    /// The value of the field `name`: a number if it shall be one and is one, else a string.
    pub(crate) fn value(&mut self, name: &str, value: &str) {
        if self.is_number(name) && is_json_number(value) {
            self.json.extend_from_slice(value.as_bytes());
        } else {
            self.string(value);
        }
    }

    /// Writes JSON text as it is: brackets, or a literal.
    pub(crate) fn raw(&mut self, json: &str) {
        self.json.extend_from_slice(json.as_bytes());
    }

    /// Writes a string.
    pub(crate) fn string(&mut self, text: &str) {
        self.json.push(b'"');
        let mut rest = text.as_bytes();
        loop {
            let plain = plain(rest);
            self.json.extend_from_slice(&rest[..plain]);
            let Some((&byte, after)) = rest[plain..].split_first() else {
                break;
            };
            self.escape(byte);
            rest = after;
        }
        self.json.push(b'"');
    }

    fn escape(&mut self, byte: u8) {
        let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
        let short = match byte {
            b'\n' => b'n',
            b'\t' => b't',
            b'\r' => b'r',
            0x08 => b'b',
            0x0C => b'f',
            0..0x20 => {
                self.json.extend_from_slice(b"\\u00");
                self.json
                    .extend_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
                return;
            }
            _ => byte,
        };
        self.json.extend_from_slice(&[b'\\', short]);
    }

    fn is_number(&self, name: &str) -> bool {
        let compare = |other: &String| other.as_str().cmp(name);
        !self.numbers.is_empty() && self.numbers.binary_search_by(compare).is_ok()
    }
}

/// How many bytes at the start of a text stand for themselves in a string.
fn plain(text: &[u8]) -> usize {
    let is_special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    // The compiler makes vector instructions of it, since it looks at all bytes of a chunk.
    let is_plain = |chunk: &&[u8]| !chunk.iter().fold(false, |any, byte| any | is_special(byte));
    let chunks = text.chunks_exact(16).take_while(is_plain).count();
    let rest = &text[16 * chunks..];
    16 * chunks + rest.iter().take_while(|byte| !is_special(byte)).count()
}

/// Whether the text is a number of JSON, such as `-1.50e3`, and within the range of a double.
fn is_json_number(text: &str) -> bool {
    let digits = |from: &str| from.bytes().take_while(u8::is_ascii_digit).count();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (integer, mut rest) = unsigned.split_at(digits(unsigned));
    if integer.is_empty() || (integer.len() > 1 && integer.starts_with('0')) {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = digits(fraction);
        if end == 0 {
            return false;
        }
        rest = &fraction[end..];
    }
    if rest.is_empty() && integer.len() < 300 {
        return true;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.is_empty() || digits(unsigned) < unsigned.len() {
            return false;
        }
    } else if !rest.is_empty() {
        return false;
    }
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::{Object, is_json_number};

    #[test]
    fn every_character_is_escaped_as_json_requires() {
        let text: String = (0..0x300).filter_map(char::from_u32).collect();
        let mut object = Object::new(Vec::new());
        object.begin();
        object.name(&text);
        object.value(&text, &text);
        let json = object.end();
        let value: serde_json::Value = serde_json::from_slice(json).unwrap();
        assert_eq!(value, serde_json::json!({ &text: text }));
        assert!(json.iter().all(|byte| *byte >= b' '));
    }

    #[test]
    fn numbers_are_those_of_json() {
        for text in [
            "0",
            "-0",
            "7",
            "-12",
            "0.50",
            "1e3",
            "1E-3",
            "-1.5e+300",
            "123456789012345678901234567890",
        ] {
            assert!(is_json_number(text), "{text}");
            assert!(serde_json::from_str::<f64>(text).is_ok(), "{text}");
        }
        let huge = "9".repeat(400);
        for text in [
            "", "-", "+1", "01", "-01", ".5", "1.", "1e", "1e+", "0x1", "1 ", " 1", "NaN", "1e999",
            "1,5", "1.5.2", "1_000", "Infinity", &huge,
        ] {
            assert!(!is_json_number(text), "{text}");
        }
    }
}
