//! The line of a file that a report is about.
//!
//! In: a text and a range of it. Out: the line, safe for a terminal, and the marks under it.

use std::ops::Range;

use crate::printable::is_unprintable;

/// Longest part of a line that is shown, in characters.
const EXCERPT: usize = 120;

/// A line of the file and the part of it that a report is about.
pub(crate) struct Excerpt<'a> {
    /// Number of the line, from 1.
    pub(crate) number: usize,
    /// Characters of the line before the marked ones.
    pub(crate) before: usize,
    /// Characters marked; at least 1.
    marked: usize,
    line: &'a str,
}

impl<'a> Excerpt<'a> {
    /// The line of `text` where `span` starts; a span beyond the end of the text stands for its
    /// end.
    pub(crate) fn new(text: &'a str, span: Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.floor_char_boundary(span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        Self {
            number: text[..start].matches('\n').count() + 1,
            before: text[line_start..start].chars().count(),
            marked: text[start..end.min(line_end)]
                .trim_end()
                .chars()
                .count()
                .max(1),
            line: text[line_start..line_end].trim_end(),
        }
    }

    /// The line, cut to a width that a terminal can show, with what goes under it: padding and
    /// marks.
    pub(crate) fn window(&self) -> (String, String, String) {
        let skip = if self.before + self.marked > EXCERPT {
            self.before.saturating_sub(EXCERPT / 4)
        } else {
            0
        };
        let mut shown: String = self
            .line
            .chars()
            .skip(skip)
            .take(EXCERPT)
            .map(printable)
            .collect();
        let lead = if skip > 0 { "…" } else { "" };
        if self.line.chars().count() > skip + EXCERPT {
            shown.push('…');
        }
        let width = lead.chars().count() + self.before - skip;
        let line = format!("{lead}{shown}");
        let under = line.chars().chain(std::iter::repeat(' ')).take(width);
        let pad = under.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        (line, pad, "^".repeat(self.marked.min(EXCERPT)))
    }
}

/// Replaces a character that could move the cursor or do worse. Its place stays one column wide.
fn printable(c: char) -> char {
    if is_unprintable(c) && c != '\t' {
        '\u{fffd}'
    } else {
        c
    }
}
