//! Makes text that the host did not write safe for logs, reports and terminals.
//!
//! In: text from a configuration, a plugin, a filter, a peer or a library. Out: the same text with every
//! character escaped that is not seen as itself, so that it cannot move a cursor, forge a line of a log,
//! or show itself in another order than it is read.
//!
//! [`shown`] is for one value inside a line. [`Escape`] is for whole reports, whose line breaks stay.

use std::fmt::{self, Write};

/// Most bytes that [`printable`] uses; the rest is omitted.
pub const PRINTABLE: usize = 1024;

/// Most characters of a value that a message repeats.
const QUOTE: usize = 60;

/// At most [`PRINTABLE`] bytes of `text` as text, escaped as by [`shown`]. Invalid UTF-8 becomes U+FFFD.
pub fn printable(text: impl AsRef<[u8]>) -> String {
    let bytes = text.as_ref();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(PRINTABLE)]);
    if text.contains(is_unprintable) {
        shown(text).to_string()
    } else {
        text.into_owned()
    }
}

/// Displays as `value` does, with every character escaped that [is not printable](is_unprintable).
pub fn shown<T: fmt::Display>(value: T) -> Shown<T> {
    Shown(value)
}

/// What [`shown`] returns.
#[derive(Debug, Clone, Copy)]
pub struct Shown<T>(T);

/// Passes text on to `W`, with every character escaped that [is not printable](is_unprintable).
#[derive(Debug)]
pub struct Escape<W> {
    writer: W,
    /// Whether line feeds and tabs are passed on as they are.
    layout: bool,
}

/// Whether a character is not seen as itself: control characters, and those characters of Unicode that
/// are invisible, break lines, or change the direction of the text around them.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text of a JSON document, with every character in its strings escaped that [is not
/// printable](is_unprintable). The document means the same.
pub fn printable_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        // Outside strings, JSON has no such characters but white space.
        if is_unprintable(c) && !matches!(c, '\n' | '\r' | '\t') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A value inside a sentence: in backquotes, escaped as by [`shown`], cut after a few words.
pub fn quote(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(QUOTE).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("`{}{more}`", shown(start))
}

// === impl Shown ===

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_some() || f.precision().is_some() {
            let mut text = String::new();
            write!(Escape::line(&mut text), "{}", self.0)?;
            return f.pad(&text);
        }
        write!(Escape::line(f), "{}", self.0)
    }
}

// === impl Escape ===

impl<W: Write> Escape<W> {
    /// For text that is part of one line: line feeds are escaped as well.
    pub fn line(writer: W) -> Self {
        Self {
            writer,
            layout: false,
        }
    }

    /// For a report: line feeds and tabs stay.
    pub fn report(writer: W) -> Self {
        Self {
            writer,
            layout: true,
        }
    }
}

impl<W: Write> Write for Escape<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        let escaped = |c: char| is_unprintable(c) && !(self.layout && matches!(c, '\n' | '\t'));
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| escaped(*c)) {
            self.writer.write_str(&rest[..at])?;
            // Tabs, CR and LF are escaped by name, others by number.
            write!(self.writer, "{}", c.escape_default())?;
            rest = &rest[at + c.len_utf8()..];
        }
        self.writer.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    #[test]
    fn what_is_not_seen_as_itself_is_escaped() {
        let controls = ('\0'..=' ')
            .chain('\u{7f}'..='\u{9f}')
            .filter(|c| *c != ' ');
        let marks = [
            '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{feff}',
        ];
        let bidi = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
        let tags = '\u{e0001}'..='\u{e007f}';
        for c in controls.chain(marks).chain(bidi).chain(tags) {
            let text = format!("a{c}b");
            let escaped = format!("a{}b", c.escape_default());
            assert_eq!(shown(&text).to_string(), escaped);
            assert_eq!(printable(&text), escaped);
        }
        for text in ["plain", "é 漢字 ع א", "e\u{301}", "🙂", "\u{a0}", "\\u{1b}"] {
            assert_eq!(shown(text).to_string(), text);
        }
    }

    #[test]
    fn a_report_keeps_its_lines() {
        let mut text = String::new();
        write!(Escape::report(&mut text), "a\n\tb\r\u{1b}c").expect("a string");
        assert_eq!(text, "a\n\tb\\r\\u{1b}c");
    }

    #[test]
    fn what_is_shown_can_be_aligned() {
        assert_eq!(format!("[{:>6}]", shown("a\n")), "[   a\\n]");
    }

    proptest! {
        #[test]
        fn nothing_unprintable_is_left(text in any::<String>(), cut in any::<prop::sample::Index>()) {
            let line = shown(&text).to_string();
            prop_assert!(!line.contains(is_unprintable));
            // Text comes in pieces, cut anywhere.
            let at = text.floor_char_boundary(cut.index(text.len() + 1));
            let mut pieces = String::new();
            let mut escape = Escape::line(&mut pieces);
            escape.write_str(&text[..at]).expect("a string");
            escape.write_str(&text[at..]).expect("a string");
            prop_assert_eq!(pieces, line);
        }

        #[test]
        fn json_means_the_same(text in any::<String>()) {
            let json = serde_json::to_string_pretty(&vec![&text]).expect("JSON");
            let printed = printable_json(&json);
            prop_assert!(!printed.replace('\n', "").contains(is_unprintable));
            let read: Vec<String> = serde_json::from_str(&printed).expect("JSON");
            prop_assert_eq!(read, vec![text]);
        }
    }
}
