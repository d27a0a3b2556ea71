//! Text in columns of a terminal: how wide it is, cut to a width, and wrapped.
//!
//! In: text. Out: text of a given width in columns. A character may take up two columns, or none.
//! Not here: escaping (`linemill_config::shown`); text is escaped before it is measured.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::Span;

/// The columns that `text` takes up.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    Span::raw(text).width()
}

/// `text` in at most `room` columns: its end is cut if there is more of it.
pub(crate) fn cut(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let (start, _) = split(text, room.saturating_sub(1));
    let mark = if room == 0 { "" } else { "…" };
    Cow::Owned(format!("{start}{mark}"))
}

/// `text` in at most `room` columns: its middle is cut if there is more of it. Names of one kind often begin
/// alike, so more of the end stays.
pub(crate) fn cut_middle(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let (start, rest) = split(text, room.saturating_sub(1) * 2 / 5);
    let left = room.saturating_sub(width(start) + 1);
    let mut end = rest;
    while width(end) > left {
        // One that is seen as a character goes as a whole.
        end = split_first(end);
    }
    let mark = if room == 0 { "" } else { "…" };
    Cow::Owned(format!("{start}{mark}{end}"))
}

/// `text` in exactly `room` columns, filled up with spaces.
pub(crate) fn fitted(text: &str, room: usize) -> String {
    let mut text = cut(text, room).into_owned();
    let missing = room - width(&text).min(room);
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// `first`, and next to it `text` from column `indent` on, in lines of at most `columns` columns. A word that
/// is longer than a line continues in the next.
pub(crate) fn wrapped(first: &str, indent: usize, text: &str, columns: usize) -> Vec<String> {
    let room = columns.saturating_sub(indent).max(1);
    let mut rows = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let mut word = word;
        let mut length = width(word);
        if used > 0 && used + 1 + length <= room {
            push(&mut rows, " ");
            used += 1;
        } else if used > 0 {
            rows.push(String::new());
            used = 0;
        }
        while length > room {
            let (part, rest) = match split(word, room) {
                // A character that is wider than a line.
                ("", rest) => rest.split_at(rest.chars().next().map_or(0, char::len_utf8)),
                parts => parts,
            };
            push(&mut rows, part);
            rows.push(String::new());
            (word, length) = (rest, width(rest));
        }
        push(&mut rows, word);
        used += length;
    }
    let lines = rows.iter().enumerate().map(|(at, row)| {
        let before = if at == 0 { first } else { "" };
        format!("{}{row}", fitted(before, indent))
            .trim_end()
            .to_owned()
    });
    lines.collect()
}

fn push(rows: &mut [String], text: &str) {
    if let Some(row) = rows.last_mut() {
        row.push_str(text);
    }
}

/// The start of `text` that takes up at most `room` columns, and the rest. What is seen as one character
/// stays together.
fn split(text: &str, room: usize) -> (&str, &str) {
    let span = Span::raw(text);
    let mut used = 0;
    let mut end = 0;
    for grapheme in span.styled_graphemes(Style::default()) {
        used += width(grapheme.symbol);
        if used > room {
            break;
        }
        end += grapheme.symbol.len();
    }
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `text` without what is seen as its first character.
fn split_first(text: &str) -> &str {
    let span = Span::raw(text);
    let first = span.styled_graphemes(Style::default()).next();
    let length = first.map_or(text.len(), |first| first.symbol.len());
    text.get(length..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_takes_up_exactly_its_columns() {
        for (text, room, expected) in [
            ("abc", 5, "abc  "),
            ("abcdef", 4, "abc…"),
            ("abcd", 4, "abcd"),
            ("", 2, "  "),
            ("abc", 0, ""),
            // Each of these takes up two columns, so that one is left.
            ("로그수집기", 10, "로그수집기"),
            ("로그수집기", 6, "로그… "),
            ("로그수집기", 5, "로그…"),
            // A letter and its accent.
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ] {
            assert_eq!(fitted(text, room), expected, "{text} in {room}");
            assert_eq!(width(&fitted(text, room)), room, "{text} in {room}");
        }
    }

    #[test]
    fn names_keep_both_ends() {
        for (text, room, expected) in [
            ("file:/var/log/out-07.log", 24, "file:/var/log/out-07.log"),
            ("file:/var/log/out-07.log", 16, "file:/…ut-07.log"),
            ("abcdef", 1, "…"),
            ("abcdef", 0, ""),
            ("로그수집기", 7, "로…집기"),
            ("로그수집기", 6, "로…기"),
        ] {
            assert_eq!(cut_middle(text, room), expected, "{text} in {room}");
        }
    }

    #[test]
    fn no_line_is_wider_than_its_columns() {
        let long = "x".repeat(500);
        let wide = "수집".repeat(50);
        for text in [
            &*long,
            &wide,
            "a few words that are together longer than one line has room for, and then more",
            &format!("to {long} and on"),
        ] {
            for columns in [80, 40, 16] {
                let lines = wrapped("  chain", 14, text, columns);
                assert!(lines.len() > 1);
                assert!(
                    lines.iter().all(|line| width(line) <= columns),
                    "{lines:#?}"
                );
                let back: String = lines.iter().map(|line| &line[14..]).collect();
                assert_eq!(back.replace(' ', ""), text.replace(' ', ""));
            }
        }
        assert_eq!(wrapped("  chain", 14, "a → b", 80), ["  chain       a → b"]);
        // What is wider than a line is not lost.
        assert_eq!(wrapped("", 3, "수", 4)[0], "   수");
    }
}
