//! A message of the log as a line for people.
//!
//! Values of fields and messages may contain text of others: names, reasons, errors of peers. All of it is
//! escaped here, so that no log line is forged, and no terminal driven. Only a message may have several
//! lines, as reports of problems do; those after the first are indented.

use std::fmt::{self, Write};

use humantime::format_rfc3339_micros;
use tracing::Level;

use super::record::{Fields, Record, Value};
use linemill_config::{Escape, shown};

/// What the lines of a message begin with, after the first.
const INDENT: &str = "\n    ";

/// Styles of a terminal; empty where the log is none.
struct Style {
    bold: &'static str,
    faint: &'static str,
    italic: &'static str,
    end: &'static str,
}

const COLOURS: Style = Style {
    bold: "\u{1b}[1m",
    faint: "\u{1b}[2m",
    italic: "\u{1b}[3m",
    end: "\u{1b}[0m",
};

const NO_COLOURS: Style = Style {
    bold: "",
    faint: "",
    italic: "",
    end: "",
};

/// The line, with its line feed; with colours if `ansi`.
pub(super) fn line(record: &Record<'_>, ansi: bool) -> String {
    let mut line = String::new();
    // Writing to a string does not fail, unless the value of a field does not display.
    let _ = write_line(&mut line, record, ansi);
    line.push('\n');
    line
}

fn write_line(line: &mut String, record: &Record<'_>, ansi: bool) -> fmt::Result {
    let style = if ansi { COLOURS } else { NO_COLOURS };
    let Style {
        bold, faint, end, ..
    } = style;
    let time = format_rfc3339_micros(record.time);
    let colour = if ansi { colour(record.level) } else { "" };
    write!(line, "{faint}{time}{end} {colour}{:>5}{end} ", record.level)?;
    for span in record.spans {
        write!(line, "{bold}{}{end}", span.name)?;
        if !span.fields.named.is_empty() {
            write!(line, "{bold}{{{end}")?;
            write_fields(line, &span.fields, &style)?;
            write!(line, "{bold}}}{end}")?;
        }
        write!(line, "{faint}:{end}")?;
    }
    if !record.spans.is_empty() {
        line.push(' ');
    }
    if let Some(message) = &record.fields.message {
        let mut text = String::new();
        Escape::report(&mut text).write_str(message)?;
        line.push_str(&text.replace('\n', INDENT));
        if !record.fields.named.is_empty() {
            line.push(' ');
        }
    }
    write_fields(line, record.fields, &style)
}

fn write_fields(line: &mut String, fields: &Fields, style: &Style) -> fmt::Result {
    let Style {
        faint, italic, end, ..
    } = style;
    for (at, (name, value)) in fields.named.iter().enumerate() {
        let space = if at == 0 { "" } else { " " };
        write!(
            line,
            "{space}{italic}{name}{end}{faint}={end}{}",
            shown(value)
        )?;
    }
    Ok(())
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Signed(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Quoted(value) => write!(f, "{value:?}"),
            Self::Plain(value) => f.write_str(value),
        }
    }
}
