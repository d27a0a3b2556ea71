//! The value of a label, as `/metrics` shows it.
//!
//! In: any text, such as the path of a file. Out: the same text in quotes, in which `"`, `\` and line feeds
//! are escaped. The text formats of Prometheus and of OpenMetrics 1.0 agree on these three; without them a
//! name could end its line and begin another.

use std::fmt::{self, Write};

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// The value of a label. Every label has this type, so none is shown without being escaped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LabelText(Box<str>);

impl From<&str> for LabelText {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl EncodeLabelValue for LabelText {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        escape(&self.0, encoder)
    }
}

/// Writes `text` as a label's value, without the quotes.
fn escape(text: &str, writer: &mut impl Write) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\\', '\n']) {
        writer.write_str(&rest[..at])?;
        writer.write_str(match rest.as_bytes()[at] {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            _ => "\\n",
        })?;
        rest = &rest[at + 1..];
    }
    writer.write_str(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader of the formats gets, who unescapes a value up to its closing quote.
    fn read(escaped: &str) -> Option<(String, &str)> {
        let (mut value, mut chars) = (String::new(), escaped.chars());
        loop {
            match chars.next()? {
                '"' => return Some((value, chars.as_str())),
                '\n' => return None,
                '\\' => match chars.next()? {
                    'n' => value.push('\n'),
                    c @ ('"' | '\\') => value.push(c),
                    _ => return None,
                },
                c => value.push(c),
            }
        }
    }

    #[test]
    fn a_value_cannot_end_its_line() {
        let mut text = String::new();
        escape("a\"} 1\nb\\n", &mut text).expect("a string");
        assert_eq!(text, r#"a\"} 1\nb\\n"#);
    }

    proptest! {
        #[test]
        fn a_reader_gets_the_same_value(text in r#"([a-z{},= ]|"|\\|\n|\PC){0,24}"#) {
            let mut escaped = String::new();
            escape(&text, &mut escaped).expect("a string");
            escaped.push_str("\"} 1");
            prop_assert_eq!(read(&escaped), Some((text, "} 1")));
        }
    }
}
