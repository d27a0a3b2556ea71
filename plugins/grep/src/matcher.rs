//! Searches a line for any of several patterns.
//!
//! In: patterns and a line. Out: whether any of the patterns matches. Not here: compiling
//! expressions (`pattern`).
//!
//! Plain text is searched for with vector instructions, which is five times as fast as an
//! expression. That pays off only for a few texts, because each of them takes a separate pass.

use linemill_sdk::Error;
use memchr::memmem::Finder;
use pattern::{Options, Patterns};

/// Matches lines that contain at least one of its patterns.
pub(crate) struct Matcher {
    texts: Vec<Finder<'static>>,
    expressions: Option<Patterns>,
}

/// If there are more plain texts than this, they are searched for in the same pass as all
/// expressions.
const MAX_TEXTS: usize = 4;

impl Matcher {
    /// Returns `None` if there are no patterns. `key` is their key in the settings, for errors.
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
        let (mut texts, mut expressions): (Vec<_>, Vec<_>) =
            keyed.partition(|(_, text)| is_plain(text, options));
        if texts.len() > MAX_TEXTS {
            texts.append(&mut expressions);
            expressions = std::mem::take(&mut texts);
        }
        Ok(Some(Self {
            texts: texts
                .iter()
                .map(|(_, text)| Finder::new(text).into_owned())
                .collect(),
            expressions: if expressions.is_empty() {
                None
            } else {
                Some(Patterns::new(&expressions, options)?)
            },
        }))
    }

    /// Whether any pattern matches somewhere in `line`.
    pub(crate) fn matches(&mut self, line: &[u8]) -> bool {
        self.texts.iter().any(|text| text.find(line).is_some())
            || self
                .expressions
                .as_mut()
                .is_some_and(|expressions| expressions.matches(line))
    }
}

/// Whether the pattern is plain text, without special characters.
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
