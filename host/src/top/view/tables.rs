//! The tables: their columns, and which of them fit.
//!
//! In: listeners, filters and outputs. Out: titles and rows. Columns keep their width whatever is in them;
//! names have what is left.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::sheet::{MARKS, Sheet, escaped};
use crate::columns::{cut, cut_middle, fitted, width};
use crate::control::admin::status::text::layout::{bytes, count, nanos, percent, rate};
use crate::control::admin::status::{FilterStatus, ListenerStatus, OutputStatus, WorkStatus};

/// The columns of names, at most: numbers stand next to what they are about.
const LONGEST: usize = 48;

/// Spaces between a name and what follows it.
const GAP: usize = 2;
/// Columns of what follows a name, at least: less says nothing.
const LEAST: usize = 6;

/// A column of a table of `T`.
pub(super) struct Column<T> {
    title: &'static str,
    width: usize,
    /// The lower, the sooner there is room for it.
    rank: u8,
    cell: fn(&T) -> Cell,
}

/// What is in a row of a column.
pub(super) struct Cell {
    text: String,
    wrong: bool,
}

/// What is shown in front of a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    pub(super) selected: bool,
    pub(super) wrong: bool,
}

/// Columns of a table that fit.
pub(super) struct Table<T: 'static> {
    columns: Vec<&'static Column<T>>,
    name: usize,
}

const fn column<T>(title: &'static str, width: usize, rank: u8, cell: fn(&T) -> Cell) -> Column<T> {
    Column {
        title,
        width,
        rank,
        cell,
    }
}

fn plain(text: String) -> Cell {
    Cell { text, wrong: false }
}

fn state(text: &str, wrong: &str) -> Cell {
    Cell {
        text: text.to_owned(),
        wrong: text == wrong,
    }
}

fn sum(counts: &std::collections::BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

fn size(per_second: f64) -> Cell {
    plain(bytes(per_second.round() as u64))
}

/// The columns of listeners.
pub(super) static LISTENERS: &[Column<ListenerStatus>] = &[
    column("CONN", 7, 2, |one| {
        plain(count(one.connections.unsigned_abs()))
    }),
    column("LINES/s", 8, 0, |one| plain(rate(one.rates.lines_in))),
    column("OUT/s", 8, 1, |one| plain(rate(one.rates.lines_out))),
    column("BYTES/s", 10, 3, |one| size(one.rates.bytes_in)),
    column("OUT/s", 10, 4, |one| size(one.rates.bytes_out)),
    column("DROPPED", 9, 5, |one| plain(count(sum(&one.lines.dropped)))),
    column("REFUSED", 9, 6, |one| plain(count(sum(&one.refused)))),
    column("LINES", 9, 7, |one| plain(count(one.lines.read))),
    column("ACCEPTED", 10, 8, |one| plain(count(one.accepted))),
];

/// The columns of filters, and of the stages of a chain.
pub(super) static FILTERS: &[Column<FilterStatus>] = &[
    column("LINES/s", 8, 0, |one| plain(rate(one.lines_per_second))),
    column("FAILED", 8, 1, |one| plain(count(one.work.failed))),
    column("/LINE", 8, 4, |one| plain(nanos(one.work.mean_ns_per_line))),
    column("P50", 8, 5, |one| plain(nanos(one.work.call_p50_ns))),
    column("P99", 8, 2, |one| plain(nanos(one.work.call_p99_ns))),
    column("INST", 6, 6, |one| {
        plain(count(one.instances.unsigned_abs()))
    }),
    column("BREAKER", 9, 3, |one| state(&one.breaker.state, "open")),
    column("DROPPED", 9, 7, |one| plain(count(one.work.dropped))),
    column("LINES", 9, 8, |one| plain(count(one.work.lines))),
    column("QUARANTINED", 13, 9, |one| plain(count(one.quarantined))),
];

/// The columns of outputs.
pub(super) static OUTPUTS: &[Column<OutputStatus>] = &[
    column("STATE", 7, 0, |one| state(&one.state, "down")),
    column("LINES/s", 9, 1, |one| plain(rate(one.lines_per_second))),
    column("BYTES/s", 10, 4, |one| size(one.bytes_per_second)),
    column("QUEUED", 10, 2, |one| plain(bytes(one.queued))),
    column("LOST", 8, 3, |one| plain(count(one.lost))),
    column("LINES", 9, 5, |one| plain(count(one.lines))),
    column("RESENT", 9, 6, |one| plain(count(one.resent))),
    column("FAILURES", 10, 7, |one| plain(count(one.failures))),
];

/// The columns of a version on trial, and of the filter that it may replace.
pub(super) static TRIALS: &[Column<WorkStatus>] = &[
    column("LINES", 8, 3, |one| plain(count(one.lines))),
    column("FAIL %", 8, 0, |one| plain(percent(one.failed, one.lines))),
    column("FAILED", 8, 1, |one| plain(count(one.failed))),
    column("DROPPED", 8, 5, |one| plain(count(one.dropped))),
    column("/LINE", 8, 4, |one| plain(nanos(one.mean_ns_per_line))),
    column("P50", 8, 6, |one| plain(nanos(one.call_p50_ns))),
    column("P99", 8, 2, |one| plain(nanos(one.call_p99_ns))),
];

impl<T> Table<T> {
    /// As many columns as fit next to names that can be told apart.
    pub(super) fn new(columns: &'static [Column<T>], width: usize) -> Self {
        let least = if width < 60 { 12 } else { 20 };
        let room = width.saturating_sub(MARKS);
        let mut ranks: Vec<_> = columns.iter().collect();
        ranks.sort_by_key(|column| column.rank);
        let mut left = room.saturating_sub(least);
        let fit = ranks.into_iter().take_while(|column| {
            let fits = column.width <= left;
            left = left.saturating_sub(column.width);
            fits
        });
        let most = fit.map(|column| column.rank).max();
        let fit = columns.iter().filter(|one| Some(one.rank) <= most);
        let columns: Vec<_> = fit.collect();
        let used: usize = columns.iter().map(|column| column.width).sum();
        Self {
            columns,
            name: room.saturating_sub(used).min(LONGEST),
        }
    }

    /// The line with the titles of the columns.
    pub(super) fn titles(&self, name: &str, sheet: &mut Sheet) {
        let name = fitted(name, MARKS + self.name);
        let titles = self
            .columns
            .iter()
            .map(|column| right(column.title, column.width));
        let line: String = std::iter::once(name).chain(titles).collect();
        sheet.lines.push(Line::styled(line, sheet.look.title()));
    }

    pub(super) fn row(&self, name: &str, one: &T, marks: Marks, sheet: &mut Sheet) {
        self.row_about(name, "", one, marks, sheet);
    }

    /// A row in which `about` follows the name, as much of it as fits.
    pub(super) fn row_about(
        &self,
        name: &str,
        about: &str,
        one: &T,
        marks: Marks,
        sheet: &mut Sheet,
    ) {
        let look = sheet.look;
        let front = [
            if marks.selected { ">" } else { " " },
            if marks.wrong { "! " } else { "  " },
        ];
        let name = cut_middle(&escaped(name), self.name).into_owned();
        let left = self.name - width(&name).min(self.name);
        let about = match left.checked_sub(GAP) {
            Some(room) if room >= LEAST => cut(&escaped(about), room).into_owned(),
            _ => String::new(),
        };
        let about = fitted(&format!("{:GAP$}{about}", ""), left);
        let style = if marks.wrong {
            look.wrong()
        } else {
            Style::new()
        };
        let front = [
            Span::styled(front.concat() + &name, style),
            Span::styled(about, look.quiet()),
        ];
        let cells = self.columns.iter().map(|column| {
            let cell = (column.cell)(one);
            let style = if cell.wrong {
                look.wrong()
            } else if matches!(&*cell.text, "0" | "0 B" | "-" | "0.0%") {
                look.quiet()
            } else {
                Style::new()
            };
            Span::styled(right(&escaped(&cell.text), column.width), style)
        });
        let mut line: Line<'static> = front.into_iter().chain(cells).collect();
        if marks.selected {
            line = line.style(look.selected());
        }
        sheet.lines.push(line);
    }
}

/// `text`, right-aligned in a number of columns. The first column stays free.
fn right(text: &str, room: usize) -> String {
    let text: Cow<'_, str> = cut(text, room.saturating_sub(1));
    let free = room - width(&text).min(room);
    format!("{:free$}{text}", "")
}
