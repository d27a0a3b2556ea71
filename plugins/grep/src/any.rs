//! Patterns → whether any of them is in a line.
//!
//! A plain text is looked for with vector instructions, five times as fast as an expression; that
//! pays as long as there are few, because each is a pass of its own.

use linemill_sdk::Error;
use memchr::memmem::Finder;
use pattern::{Options, Patterns};

/// At least one pattern.
pub(crate) struct Any {
    texts: Vec<Finder<'static>>,
    expressions: Option<Patterns>,
}

/// More plain texts than this are left to the one pass that finds all expressions.
const FEW: usize = 4;

impl Any {
    /// `None` when there are no patterns. `key` is the one they were written under.
    pub(crate) fn new(
        key: &str,
        patterns: Vec<String>,
        options: Options,
    ) -> Result<Option<Self>, Error> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let keyed = patterns
            .into_iter()
            .enumerate()
            .map(|(index, text)| (format!("{key}[{index}]"), text));
        let (texts, expressions): (Vec<_>, Vec<_>) =
            keyed.partition(|(_, text)| is_plain(text, options));
        let (texts, expressions) = match texts.len() {
            0..=FEW => (texts, expressions),
            _ => (Vec::new(), [texts, expressions].concat()),
        };
        let expressions = match expressions.is_empty() {
            true => None,
            false => Some(Patterns::new(&expressions, options)?),
        };
        let texts = texts
            .iter()
            .map(|(_, text)| Finder::new(text).into_owned())
            .collect();
        Ok(Some(Self { texts, expressions }))
    }

    pub(crate) fn matches(&mut self, line: &[u8]) -> bool {
        self.texts.iter().any(|text| text.find(line).is_some())
            || self
                .expressions
                .as_mut()
                .is_some_and(|expressions| expressions.matches(line))
    }
}

/// Whether the pattern is a text to be found as it is.
fn is_plain(text: &str, options: Options) -> bool {
    let special = |byte| {
        matches!(
            byte,
            b'\\'
                | b'.'
                | b'+'
                | b'*'
                | b'?'
                | b'('
                | b')'
                | b'|'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'^'
                | b'$'
        )
    };
    !options.ignore_case && (options.literal || !text.bytes().any(special))
}
