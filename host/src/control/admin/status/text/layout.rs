//! Text that fits a terminal of 80 columns: fields with labels, and numbers with units.
//!
//! In: labels, texts and numbers. Out: lines, none wider than [`WIDTH`].

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::columns::{fitted, width, wrapped};

/// A label, and its text.
pub(crate) type Field = (&'static str, String);

/// The columns of a line.
pub(crate) const WIDTH: usize = 80;
/// Where the text of a field begins.
pub(crate) const INDENT: usize = 14;

/// The lines of a field: a label, and its text, which goes on below itself.
pub(super) fn field(label: &str, text: &str) -> Vec<String> {
    wrapped(&format!("  {label}"), INDENT, text, WIDTH)
}

/// The lines of several fields.
pub(super) fn fields(fields: Vec<Field>) -> Vec<String> {
    let fields = fields.iter();
    fields
        .flat_map(|(label, text)| field(label, text))
        .collect()
}

/// A heading with a text behind it, which goes on below itself.
pub(super) fn heading(label: &str, text: &str) -> Vec<String> {
    wrapped(label, width(label) + 1, text, WIDTH)
}

/// A row of a table: a name of [`NAME`] columns, and cells of [`CELL`] columns each. A longer name has a line
/// of its own.
pub(super) fn row(name: &str, cells: &[String]) -> Vec<String> {
    let numbers: String = cells.iter().map(|cell| format!("{cell:>CELL$}")).collect();
    if width(name) <= NAME {
        return vec![format!("{}{numbers}", fitted(name, NAME))];
    }
    let mut lines = wrapped("", 0, name, WIDTH);
    lines.push(format!("{:NAME$}{numbers}", ""));
    lines
}

const NAME: usize = 23;
const CELL: usize = 8;

/// Many of something: exact up to 99,999, then rounded to three digits.
pub(crate) fn count(number: u64) -> String {
    if number < 100_000 {
        return grouped(number);
    }
    scaled(
        number as f64,
        1000.0,
        &["", "k", "M", "G", "T", "P", "E"],
        "",
    )
}

/// A number with commas between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many of something there are, and by which reasons; empty if there are none.
pub(crate) fn by_reason(what: &str, all: &BTreeMap<String, u64>) -> String {
    let counted: Vec<_> = all.iter().filter(|(_, number)| **number > 0).collect();
    match &counted[..] {
        [] => String::new(),
        [(reason, number)] => format!("{} {what} ({reason})", count(**number)),
        several => {
            let total: u64 = several.iter().map(|(_, number)| **number).sum();
            let reasons = several.iter();
            let reasons: Vec<_> = reasons
                .map(|(reason, number)| format!("{reason} {}", count(**number)))
                .collect();
            format!("{} {what} ({})", count(total), reasons.join(", "))
        }
    }
}

/// A rate per second.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second > 0.0 && per_second < 10.0 {
        return format!("{per_second:.1}");
    }
    count(per_second.round() as u64)
}

/// A size.
pub(crate) fn bytes(bytes: u64) -> String {
    scaled(
        bytes as f64,
        1024.0,
        &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"],
        " ",
    )
}

/// A number in the largest unit that leaves at least 1 of it, with three digits.
fn scaled(number: f64, step: f64, units: &[&str], space: &str) -> String {
    let (mut number, mut unit) = (number, 0);
    while number.round() >= step && unit + 1 < units.len() {
        number /= step;
        unit += 1;
    }
    let digits = if unit == 0 || number >= 99.95 {
        0
    } else if number >= 9.995 {
        1
    } else {
        2
    };
    format!("{number:.digits$}{space}{}", units[unit])
}

/// A duration in nanoseconds, or a dash.
pub(crate) fn nanos(nanos: Option<u64>) -> String {
    let Some(nanos) = nanos else {
        return "-".to_owned();
    };
    scaled(nanos as f64, 1000.0, &["ns", "µs", "ms", "s"], "")
}

/// A part of a whole in percent, or a dash.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1}%", part as f64 * 100.0 / whole as f64)
}

/// A duration in its two largest units.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A time of `/status` to the second, as in `2026-11-28 01:45:32Z`.
pub(crate) fn moment(rfc3339: &str) -> String {
    match rfc3339.split_once('T') {
        Some((day, time)) => {
            let seconds = time.get(..8).unwrap_or(time);
            format!("{day} {seconds}Z")
        }
        None => rfc3339.to_owned(),
    }
}

/// How long ago a time of `/status` is at `now`; `None` if one of them cannot be read.
pub(crate) fn ago(rfc3339: &str, now: Option<SystemTime>) -> Option<Duration> {
    let then = humantime::parse_rfc3339(rfc3339).ok()?;
    now?.duration_since(then).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_or_all() {
        for (number, shown) in [
            (0, "0"),
            (99_999, "99,999"),
            (100_000, "100k"),
            (1_234_567, "1.23M"),
            (999_999, "1.00M"),
            (45_678_901_234, "45.7G"),
        ] {
            assert_eq!(count(number), shown);
        }
        for (number, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.50 KiB"),
            (20 << 30, "20.0 GiB"),
            (700 << 20, "700 MiB"),
        ] {
            assert_eq!(bytes(number), shown);
        }
        for (number, shown) in [
            (0.0, "0"),
            (9.94, "9.9"),
            (123.4, "123"),
            (250_000.0, "250k"),
        ] {
            assert_eq!(rate(number), shown);
        }
        for (number, shown) in [
            (500, "500ns"),
            (1250, "1.25µs"),
            (999_999, "1.00ms"),
            (17_000_000_000, "17.0s"),
        ] {
            assert_eq!(nanos(Some(number)), shown);
        }
        assert_eq!(
            (nanos(None), percent(1, 0), percent(1, 3)),
            ("-".to_owned(), "-".to_owned(), "33.3%".to_owned())
        );
    }

    #[test]
    fn times_are_short() {
        for (seconds, shown) in [
            (5, "5 s"),
            (65, "1 min 5 s"),
            (3600 * 5 + 61, "5 h 1 min"),
            (86_400 * 3 + 7200, "3 d 2 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), shown);
        }
        assert_eq!(moment("2026-11-28T01:45:32.540Z"), "2026-11-28 01:45:32Z");
        assert_eq!(moment("nonsense"), "nonsense");
    }
}
