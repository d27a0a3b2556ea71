//! Lines of a screen: headings, fields with labels, sentences with marks, and what keys do.
//!
//! In: text, not escaped. Out: lines that are no wider than the screen.

use ratatui::text::{Line, Span};

use super::look::Look;
use crate::columns::{cut, fitted, width, wrapped};
use crate::control::admin::status::text::layout::{Field, INDENT};
use linemill_config::shown;

/// The columns of the marks in front of a row: selected, wrong, and a space.
pub(super) const MARKS: usize = 3;

/// Lines, from the top.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) width: usize,
    pub(super) look: Look,
    /// Whether a sentence goes on in further lines. Otherwise its end is cut.
    wrap: bool,
    pub(super) lines: Vec<Line<'static>>,
}

impl Sheet {
    pub(super) fn new(width: usize, look: Look, wrap: bool) -> Self {
        Self {
            width,
            look,
            wrap,
            lines: Vec::new(),
        }
    }

    /// Whether sentences go on in further lines.
    pub(super) fn wraps(&self) -> bool {
        self.wrap
    }

    /// A line as it is; its end is cut.
    pub(super) fn plain(&mut self, text: &str) {
        let text = cut(&escaped(text), self.width).into_owned();
        self.lines.push(Line::raw(text));
    }

    pub(super) fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    /// A first line, with something at its right end that must not be missed.
    pub(super) fn head(&mut self, first: &str, right: &str) {
        let first = escaped(first);
        let left = self.width.saturating_sub(width(right) + 1);
        let left = if right.is_empty() { self.width } else { left };
        self.lines.push(Line::from_iter([
            Span::styled(fitted(&first, left), self.look.title()),
            Span::raw(if right.is_empty() { "" } else { " " }),
            Span::styled(cut(right, self.width).into_owned(), self.look.wrong()),
        ]));
    }

    /// A heading, and text that goes on below itself.
    pub(super) fn heading(&mut self, label: &str, text: &str) {
        let lines = wrapped(label, width(label) + 1, &escaped(text), self.width);
        let style = self.look.title();
        let lines = lines.into_iter().map(|line| Line::styled(line, style));
        self.lines.extend(lines);
    }

    /// A label, and text next to it, which is wrapped or cut.
    pub(super) fn field(&mut self, label: &str, text: &str) {
        let indent = INDENT + MARKS - 2;
        let indent = if self.width < 2 * indent {
            self.width / 3
        } else {
            indent
        };
        let text = escaped(text);
        let lines = if self.wrap {
            wrapped("", indent, &text, self.width)
        } else {
            let room = self.width.saturating_sub(indent);
            vec![format!("{:indent$}{}", "", cut(&text, room))]
        };
        for (at, line) in lines.into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let label = format!("{:MARKS$}{label}", "");
            let label = fitted(&fitted(&label, indent.saturating_sub(1)), indent);
            let text = line.get(indent..).unwrap_or_default().to_owned();
            self.lines.push(Line::from_iter([
                Span::styled(label, self.look.label()),
                Span::raw(text),
            ]));
        }
    }

    pub(super) fn fields(&mut self, fields: Vec<Field>) {
        for (label, text) in fields {
            self.field(label, &text);
        }
    }

    /// A sentence about something that is wrong, or else unusual.
    pub(super) fn wrong(&mut self, text: &str, serious: bool) {
        let (mark, style) = if serious {
            (" ! ", self.look.wrong())
        } else {
            (" - ", self.look.note())
        };
        let text = escaped(text);
        let lines = if self.wrap {
            wrapped(mark, MARKS, &text, self.width)
        } else {
            vec![cut(&format!("{mark}{text}"), self.width).into_owned()]
        };
        let lines = lines.into_iter().map(|line| Line::styled(line, style));
        self.lines.extend(lines);
    }
}

/// Keys with what they do, as many as fit.
pub(super) fn keys(keys: &[(&str, &str)], columns: usize, look: Look) -> Line<'static> {
    let mut spans = Vec::new();
    let mut used = 0;
    for (key, what) in keys {
        let before = if spans.is_empty() { " " } else { "  " };
        used += width(before) + width(key) + 1 + width(what);
        if used > columns {
            break;
        }
        spans.push(Span::raw(before));
        spans.push(Span::styled((*key).to_owned(), look.title()));
        spans.push(Span::raw(format!(" {what}")));
    }
    Line::from(spans)
}

/// Text from outside, so that it cannot do anything to the terminal.
pub(super) fn escaped(text: &str) -> String {
    shown(text).to_string()
}
