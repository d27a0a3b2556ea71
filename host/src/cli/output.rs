//! What verbs print.
//!
//! In: text that may contain names and messages of others: plugins, configurations, capsules, hosts.
//! Out: the same text on standard output or standard error, in which every character is escaped that
//! could drive a terminal, forge a line, or show text in another order. Verbs print by [`say!`],
//! [`complain!`] and [`say_json`] only; `print!` and its like are refused by a lint.
//! Not here: lines of a stream (`pipe`), progress.

use std::fmt::{self, Display, Write as _};
use std::io::Write as _;

use linemill_config::{Escape, Problem, ProblemReport, Problems, printable_json, shown};
use serde::Serialize;
use serde_json::json;

/// Prints one line on standard output. Line feeds inside it are escaped: a line that a report has by
/// itself is one `say!` of its own.
macro_rules! say {
    ($($part:tt)*) => { $crate::cli::output::say_line(format_args!($($part)*)) };
}

/// Prints one line on standard error, as [`say!`] does.
macro_rules! complain {
    ($($part:tt)*) => { $crate::cli::output::complain_line(format_args!($($part)*)) };
}

pub(super) use {complain, say};

/// A verb has failed, and has already said why.
#[derive(Debug, thiserror::Error)]
#[error("failed")]
pub(crate) struct Reported;

/// An error whose message has several lines, each escaped already.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Report(String);

impl Report {
    /// The lines of `text`, each escaped.
    pub(super) fn of(text: impl Display) -> Self {
        let text = text.to_string();
        let lines: Vec<_> = text
            .split('\n')
            .map(|line| shown(line).to_string())
            .collect();
        Self(lines.join("\n"))
    }
}

pub(super) fn say_line(line: fmt::Arguments<'_>) {
    print(&format!("{}\n", shown(line)));
}

pub(super) fn complain_line(line: fmt::Arguments<'_>) {
    complain_text(&format!("{}\n", shown(line)));
}

/// Prints problems with which the verb goes on, and an empty line.
pub(super) fn complain_report(problems: &impl Display) {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(Escape::report(&mut text), "{problems}\n");
    complain_text(&text);
}

/// Prints a text of the host's own as it is.
pub(super) fn say_text(text: &str) {
    print(text);
}

/// Prints a JSON document, and a line feed.
pub(super) fn say_json(document: &str) {
    print(&format!("{}\n", printable_json(document)));
}

/// Prints `value` as a JSON document.
pub(super) fn say_value(value: &impl Serialize) -> anyhow::Result<()> {
    say_json(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// The result of a verb that prints JSON. An error becomes the document `{"problems": […]}`.
pub(super) fn in_json<T>(result: anyhow::Result<T>) -> anyhow::Result<T> {
    result.or_else(|error| {
        if !error.is::<Reported>() {
            say_value(&json!({ "problems": problems_of(&error) }))?;
        }
        Err(Reported.into())
    })
}

/// What an error says, in parts.
pub(super) fn problems_of(error: &anyhow::Error) -> Vec<ProblemReport> {
    if let Some(problems) = error.downcast_ref::<Problems>() {
        return problems.reports();
    }
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return vec![problem.into()];
    }
    vec![ProblemReport {
        severity: "error".to_owned(),
        message: format!("{error:#}"),
        ..ProblemReport::default()
    }]
}

/// Prints the error with which a verb ended. Problems and reports have a form of their own, of several
/// lines; any other message is one line.
pub(crate) fn complain_of(error: &anyhow::Error) {
    if error.is::<Reported>() {
        return;
    }
    let problems = error.downcast_ref::<Problems>();
    let problem = error.downcast_ref::<Problem>();
    let form = problems.map(|form| form as &dyn Display);
    let form = form.or(problem.map(|form| form as &dyn Display));
    let report = error.downcast_ref::<Report>();
    let text = match (form, report) {
        (Some(form), _) => format!("{form}\n"),
        (None, Some(report)) => as_error(&report.to_string()),
        (None, None) => as_error(&shown(format_args!("{error:#}")).to_string()),
    };
    let mut escaped = String::new();
    // Writing to a string does not fail.
    let _ = Escape::report(&mut escaped).write_str(&text);
    complain_text(&escaped);
}

/// The message of an error that may call itself one.
fn as_error(message: &str) -> String {
    let prefix = "error: ";
    let message = message.strip_prefix(prefix).unwrap_or(message);
    format!("{prefix}{message}\n")
}

/// Prints text that is escaped already.
///
/// # Errors
/// Its reader has left, as `head` does.
pub(super) fn try_print(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// A reader that has left, as `head` does, is no error of the verb.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// In the order of the log, which shares standard error.
fn complain_text(text: &str) {
    linemill::log::complain(text);
}
