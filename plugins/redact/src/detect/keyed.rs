//! Pairs of a key and a secret value.
//!
//! In: a text, and a separator in it. Out: the values of a secret key. Not here: which keys are secret
//! (`key`), where values end (`value`), and values that have a form of their own (`auth`).

mod harmless;
mod marks;

use std::ops::Range;

use super::key::{self, Class};
use super::value::{self, Quote};
use super::{Context, auth, ends_with_word, is_word, wrapped};
use crate::detector::Detector;
use crate::found::Found;
use harmless::{BEFORE_PROSE, has_pair, is_module, is_prose, is_report};
use marks::{
    Separator, after_escape, blanks_before, closing, in_structure, is_index, separator, trimmed,
    two_words,
};

pub(crate) use harmless::{is_folder, is_plain, is_switch};
pub(crate) use marks::{blanks_at, opening};

/// The most blanks on either side of a separator.
const MAX_BLANKS: usize = 8;

/// What stands before a value.
struct Pair {
    class: Class,
    key: Range<usize>,
    /// The quote behind the key, with its backslashes.
    quote: Range<usize>,
    /// Where the value begins.
    value: usize,
    /// The key is in doubled quotes, as in a field of CSV: `""password"":""x""`.
    doubled: bool,
    separator: Separator,
}

/// Finds the secret behind the separator at `at`, `=` or `:`. Returns where to go on, if there is one.
pub(super) fn pair(
    text: &[u8],
    at: usize,
    context: &Context<'_>,
    found: &mut impl FnMut(Found),
) -> Option<usize> {
    let pair = Pair::around(text, at, context)?;
    let rest = &text[pair.value..];
    if let Some(len) = context.masked(rest) {
        return Some(pair.value + len);
    }
    match pair.class {
        Class::Secret | Class::Text => context.has(Detector::Password).then_some(())?,
        Class::Authorization => context.has(Detector::Bearer).then_some(())?,
        Class::Cookie => context.has(Detector::Cookie).then_some(())?,
    }
    if pair.doubled
        && let Some(content) = rest.strip_prefix(b"\"\"")
    {
        return pair.in_doubled_quotes(text, text.len() - content.len(), found);
    }
    match pair.class {
        Class::Secret | Class::Text => pair.secret(text, context, found),
        Class::Authorization => {
            let range = auth::header(
                text,
                pair.value,
                pair.opening(text),
                pair.separator == Separator::ColonBlank,
            )?;
            if context.masked(&text[range.clone()]) != Some(range.len()) {
                found(Found::new(range.clone(), Detector::Bearer as usize));
            }
            Some(range.end)
        }
        Class::Cookie => {
            let range = auth::cookies(text, pair.value, pair.opening(text))?;
            if context.masked(&text[range.clone()]) != Some(range.len()) {
                found(Found::new(range.clone(), Detector::Cookie as usize));
            }
            Some(range.end)
        }
    }
}

impl Pair {
    /// The pair whose separator begins at `at`, if its key is secret.
    fn around(text: &[u8], at: usize, context: &Context<'_>) -> Option<Self> {
        let key_end = at - blanks_before(text, at);
        let doubled = text[..key_end].ends_with(b"\"\"");
        let (quote, end) = if doubled {
            (0..0, key_end - 2)
        } else {
            closing(text, key_end)
        };
        let quoted = !quote.is_empty();
        let belongs = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-' | b'.' | b'$')
                || quoted && byte == b' '
        };
        let window = &text[end.saturating_sub(key::MAX + 1)..end];
        let len = window
            .iter()
            .rev()
            .take_while(|&&byte| belongs(byte))
            .count();
        let mut start = end - len;
        if !quoted && text[start..end].eq_ignore_ascii_case(b"key") {
            start = two_words(text, start);
        }
        let key = start..end;
        if text.get(end) == Some(&b']') && !is_index(text, &key) {
            return None;
        }
        let class = key::class(&text[key.clone()], context.keys)
            // In a text that still has escapes, their last letter may be the first of the key, or precede it.
            .or_else(|| key::class(after_escape(text, key.clone())?, context.keys))?;
        // A line that was redacted before may have a key in a replacement.
        let is_form = matches!(text[end..], [b']', b'=', ..]) && is_index(text, &key);
        if !is_form
            && (context.masked(&text[start.saturating_sub(1)..]).is_some()
                || context.masked(&text[start..]).is_some())
        {
            return None;
        }
        let path = start > 0 && text[start - 1] == b'/';
        let (separator, behind) = separator(text, at)?;
        let blanks = blanks_at(text, behind);
        let value = behind + blanks;
        if value >= text.len() || path && separator != Separator::Equals {
            return None;
        }
        let separator = match separator {
            Separator::Equals if blanks > 0 && key_end == at => Separator::EqualsBlank,
            Separator::Colon if blanks > 0 => Separator::ColonBlank,
            other => other,
        };
        Some(Self {
            class,
            key,
            quote,
            value,
            doubled,
            separator,
        })
    }

    /// Adds the secret that begins at `start`, behind doubled quotes.
    fn in_doubled_quotes(
        &self,
        text: &[u8],
        start: usize,
        found: &mut impl FnMut(Found),
    ) -> Option<usize> {
        let rest = &text[start..];
        let end = start + memchr::memmem::find(rest, b"\"\"").unwrap_or(rest.len());
        let (detector, first) = match self.class {
            Class::Secret | Class::Text => (Detector::Password, start),
            Class::Cookie => (Detector::Cookie, start),
            Class::Authorization => (
                Detector::Bearer,
                start + auth::value(&text[start..end]).start,
            ),
        };
        if first < end {
            found(Found::new(first..end, detector as usize));
        }
        Some(end)
    }

    /// Adds the secret, or all secrets in an array or object.
    fn secret(
        &self,
        text: &[u8],
        context: &Context<'_>,
        found: &mut impl FnMut(Found),
    ) -> Option<usize> {
        let rule = Detector::Password as usize;
        let at = self.value;
        if let Some((start, open)) = opening(text, at) {
            if is_folder(&text[self.key.clone()], &text[start..]) {
                return None;
            }
            let end = value::string(text, start, open);
            if self.separator == Separator::ColonBlank
                && !text[start..end].iter().any(u8::is_ascii_alphanumeric)
                && self.is_in_prose(text)
            {
                return None;
            }
            if start < end {
                found(Found::new(start..end, rule));
            }
            return Some(value::skip_quote(text, end, open));
        }
        let quoted = !self.quote.is_empty();
        if matches!(text[at], b'[' | b'{')
            && (quoted || in_structure(&text[at + 1..]))
            && context.masked(&text[at + 1..]).is_none()
        {
            let end = value::structure(text, at, |scalar| {
                if self.class == Class::Text
                    && !scalar.quoted
                    && is_plain(&text[scalar.range.clone()])
                {
                    return;
                }
                let quote = if quoted && !scalar.quoted {
                    self.quote.clone()
                } else {
                    0..0
                };
                found(Found {
                    range: scalar.range,
                    rule,
                    quote,
                });
            });
            return Some(end);
        }
        if self.is_no_secret(text) {
            return None;
        }
        if let Some(wrapped) = wrapped::find(text, at) {
            let value = &text[wrapped.value.clone()];
            let plain = |part: &[u8]| is_plain(part.trim_ascii());
            if self.class == Class::Text && value.split(|&byte| byte == b',').all(plain)
                || value.is_empty()
            {
                return None;
            }
            if context.masked(value) != Some(value.len()) {
                found(Found::new(wrapped.value, rule));
            }
            return Some(wrapped.end);
        }
        let json = quoted
            && matches!(
                text[at],
                b'-' | b'0'..=b'9' | b't' | b'f' | b'n' | b'T' | b'F' | b'N'
            );
        let end = if json {
            value::literal(text, at)
        } else {
            let end = value::bare(text, at);
            self.end_of_whole(text, end, context.whole).unwrap_or(end)
        };
        let bytes = &text[at..end];
        if bytes.is_empty()
            || self.class == Class::Text && is_plain(bytes)
            || is_switch(&text[self.key.clone()], bytes)
        {
            return None;
        }
        let quote = if json { self.quote.clone() } else { 0..0 };
        found(Found {
            range: at..end,
            rule,
            quote,
        });
        Some(end)
    }

    /// Whether a bare value is something else. Its first bytes tell, so that a long one is not looked at in vain.
    fn is_no_secret(&self, text: &[u8]) -> bool {
        let rest = &text[self.value..];
        let first = &rest[..rest.len().min(key::MAX)];
        let word = first.iter().take_while(|&&byte| is_word(byte)).count();
        let other = match self.separator {
            // Another pair follows, and the value is empty.
            Separator::EqualsBlank => {
                let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'=';
                rest.iter().find(|byte| ends(byte)) == Some(&b'=')
            }
            Separator::ColonBlank => {
                let len = first
                    .iter()
                    .position(u8::is_ascii_whitespace)
                    .unwrap_or(first.len());
                is_prose(&first[..len])
                    || self.is_in_prose(text)
                    || is_report(&text[self.key.clone()], &first[..len])
            }
            Separator::Path => {
                let path = matches!(first[word..], [b':', b':', ..] | [b'(' | b'<' | b'!', ..]);
                path || !first[..word].iter().any(u8::is_ascii_digit)
            }
            Separator::Colon => {
                is_module(&first[..word]) && matches!(first.get(word), None | Some(b')'))
            }
            Separator::Equals => false,
        };
        other || is_folder(&text[self.key.clone()], first)
    }

    /// Where a value with blanks ends, if what is around the pair says so. Without that, it ends at `end`.
    /// `whole` says that the text is all of a string.
    fn end_of_whole(&self, text: &[u8], end: usize, whole: bool) -> Option<usize> {
        if !matches!(text.get(end), Some(b' ' | b'\t')) {
            return None;
        }
        let key = &text[self.key.clone()];
        match self.separator {
            Separator::Equals => {
                // A connection string: `Server=db;Password=a b;Encrypt=true`.
                if trimmed(&text[..self.key.start]).ends_with(b";") {
                    let near = &text[end..text.len().min(end + key::MAX)];
                    let stop = near.iter().position(|byte| b";=\"'\n".contains(byte));
                    return stop.filter(|&at| near[at] == b';').map(|at| end + at);
                }
                // A variable or flag in quotes: `"DB_PASSWORD=a b"`.
                let alone = key.starts_with(b"--") || !key.iter().any(u8::is_ascii_lowercase);
                let close = if !alone {
                    return None;
                } else if let Some(open) = self.opening(text) {
                    value::string(text, end, open)
                } else if whole && self.key.start == 0 {
                    text.len()
                } else {
                    return None;
                };
                (!has_pair(&text[end..close])).then_some(close)
            }
            // A line of a text of several lines: `user: ann\npassword: a b\n`.
            Separator::ColonBlank => {
                let before = trimmed(&text[..self.key.start]);
                let begins = before.ends_with(b"\n");
                if !begins && !before.is_empty() {
                    return None;
                }
                let rest = &text[end..];
                let line = memchr::memchr(b'\n', rest);
                let len = rest[..line.unwrap_or(rest.len())].trim_ascii_end().len();
                (begins || line.is_some()).then_some(end + len)
            }
            _ => None,
        }
    }

    /// Whether a word of an error stands before the key, so that it is none.
    fn is_in_prose(&self, text: &[u8]) -> bool {
        ends_with_word(trimmed(&text[..self.key.start]), &BEFORE_PROSE)
    }

    /// The quote before a key that is not in quotes itself: then the value ends with that string.
    fn opening(&self, text: &[u8]) -> Option<Quote> {
        let before = self.key.start.checked_sub(1)?;
        if self.quote.is_empty() {
            value::quote(text, before)
        } else {
            None
        }
    }
}

/// Whether a text ends with a secret key and its separator, so that what follows is its value.
pub(crate) fn ends_with_key(text: &[u8], context: &Context<'_>) -> bool {
    let end = text.len() - blanks_before(text, text.len());
    let marks = text[..end]
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b'=' | b':' | b'>'))
        .take(3)
        .count();
    // One byte stands for the value.
    let mut probe = text[end.saturating_sub(2 * key::MAX)..end].to_vec();
    let at = probe.len() - marks;
    probe.push(b'x');
    marks > 0 && Pair::around(&probe, at, context).is_some_and(|pair| pair.class == Class::Secret)
}
