//! Makes text that the host did not write safe for logs, reports and terminals.
//!
//! In: bytes from a configuration, a filter or a client. Out: text of bounded length, in which
//! control characters are escaped, so that it cannot move a cursor or forge a line of a log.

/// Most bytes that [`printable`] uses; the rest is omitted.
pub const PRINTABLE: usize = 1024;

/// Most characters of a value that a message repeats.
const QUOTE: usize = 60;

/// At most [`PRINTABLE`] bytes of `text` as text: control characters are escaped, and invalid UTF-8
/// becomes U+FFFD.
pub fn printable(text: impl AsRef<[u8]>) -> String {
    let bytes = text.as_ref();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(PRINTABLE)]);
    if text.contains(char::is_control) {
        escape(text.chars())
    } else {
        text.into_owned()
    }
}

/// A value inside a sentence: in backquotes, escaped as by [`printable`], cut after a few words.
pub(crate) fn quote(text: &str) -> String {
    let mut chars = text.chars();
    let shown = escape(chars.by_ref().take(QUOTE));
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("`{shown}{more}`")
}

fn escape(chars: impl Iterator<Item = char>) -> String {
    let mut shown = String::new();
    for c in chars {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_cannot_drive_a_terminal() {
        assert_eq!(printable("plain, é"), "plain, é");
        assert_eq!(printable("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(printable(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(quote("a\u{1b}[2Jb"), "`a\\u{1b}[2Jb`");
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(printable("a".repeat(PRINTABLE + 1)).len(), PRINTABLE);
        let whole = "é".repeat(QUOTE);
        assert_eq!(quote(&whole), format!("`{whole}`"));
        assert_eq!(quote(&format!("{whole}é")), format!("`{whole}…`"));
    }
}
