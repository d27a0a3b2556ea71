//! Rows for people.

use std::fmt::Write as _;

use crate::measure::Row;

/// The rows under a head, numbers to the right.
pub(crate) fn table(rows: &[Row]) -> String {
    let names = rows.iter().map(|row| row.name.len());
    let width = names.max().unwrap_or(0).max("engine".len());
    let mut text = format!(
        "{:width$} {:>11} {:>8} {:>8} {:>8} {:>9} {:>7} {:>7}\n",
        "engine", "M lines/s", "min", "max", "ns/line", "linemill×", "least", "most"
    );
    for row in rows {
        let million = |rate: f64| rate / 1e6;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:width$} {:>11.3} {:>8.3} {:>8.3} {:>8.1} {:>9.1} {:>7.1} {:>7.1}",
            row.name,
            million(row.median),
            million(row.min),
            million(row.max),
            1e9 / row.median,
            row.ratio,
            row.ratio_min,
            row.ratio_max
        );
    }
    text
}
