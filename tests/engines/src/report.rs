//! Rows for people, and for the report of all that is measured.
//!
//! In: [`Row`]s, and what was asked for. Out: a table, as text or as a part of a results file, whose
//! form `tests/README.md` tells. Not here: plots, pages.

use serde_json::{Value, json};

use crate::measure::{BLOCK, Load, Rounds, Row};

/// Names of the columns. The report judges by `linemill is faster by`.
const COLUMNS: [&str; 9] = [
    "engine",
    "input of a call",
    "M lines/s",
    "min",
    "max",
    "ns/line",
    "linemill is faster by",
    "least",
    "most",
];

/// What makes engines differ, for who sees the figures.
const NOTES: &str = include_str!("notes.md");

/// What was measured, and how.
pub(crate) struct Report<'a> {
    pub(crate) rows: &'a [Row],
    pub(crate) load: &'a Load,
    pub(crate) rounds: &'a Rounds,
}

impl Report<'_> {
    /// The table, and what it is of.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![COLUMNS.map(str::to_owned)];
        lines.extend(self.rows().iter().map(|row| row.each_ref().map(shown)));
        let width = |column: usize| lines.iter().map(|line| line[column].len()).max();
        let mut text = self.about() + "\n\n";
        for line in &lines {
            let cells = line.iter().enumerate().map(|(column, cell)| {
                let width = width(column).unwrap_or(0);
                match column {
                    0 | 1 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                }
            });
            text += cells.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        text
    }

    /// A results file with nothing but this table.
    pub(crate) fn json(&self) -> Value {
        let Load { line } = self.load;
        let Rounds { rounds, seconds } = self.rounds;
        json!({ "parts": { "engines": {
            "title": "Other WebAssembly engines",
            "about": format!("{}\n\n{}", self.about(), NOTES.trim_end()),
            "command": format!(
                "cargo xtask engines --line {line} --rounds {rounds} --seconds {seconds}"
            ),
            "columns": COLUMNS,
            "rows": self.rows(),
            "plots": [{
                "title": format!("ROT13 on lines of {line} bytes, one core"),
                "kind": "bars",
                "x": COLUMNS[0],
                "y": [COLUMNS[5]],
                "y_label": "ns per line, logarithmic",
                "log": true,
                "emphasis": self.rows[0].name,
            }],
        } } })
    }

    /// Texts and numbers. The first engine is not compared with itself.
    fn rows(&self) -> Vec<[Value; COLUMNS.len()]> {
        let row = |(nth, row): (usize, &Row)| {
            let Row { rate, ratio, .. } = row;
            let compared = |times| match nth {
                0 => Value::from(""),
                _ => number(times),
            };
            [
                row.name.into(),
                row.call.into(),
                number(rate.median / 1e6),
                number(rate.min / 1e6),
                number(rate.max / 1e6),
                number(1e9 / rate.median),
                compared(ratio.median),
                compared(ratio.min),
                compared(ratio.max),
            ]
        };
        self.rows.iter().enumerate().map(row).collect()
    }

    fn about(&self) -> String {
        format!(
            "ROT13 on lines of {} bytes in one process, called by one thread, without sockets. Engines take \
             turns with blocks of {} KiB: each finds the lines, filters them, and returns the bytes to \
             write. Medians of {} rounds of {} s, every byte checked; making and checking blocks is not \
             counted. Extism {}, fluvio-smartengine {}, wasmi {}.",
            self.load.line,
            BLOCK / 1024,
            self.rounds.rounds,
            self.rounds.seconds,
            locked("extism"),
            locked("fluvio-smartengine"),
            locked("wasmi"),
        )
    }
}

/// Four digits are kept: more would be noise.
fn number(value: f64) -> Value {
    format!("{value:.3e}").parse().unwrap_or(value).into()
}

/// Numbers with about three digits.
fn shown(cell: &Value) -> String {
    match (cell.as_f64(), cell.as_str()) {
        (Some(value), _) if value < 9.995 => format!("{value:.2}"),
        (Some(value), _) if value < 99.95 => format!("{value:.1}"),
        (Some(value), _) => format!("{value:.0}"),
        (None, text) => text.unwrap_or_default().to_owned(),
    }
}

/// The version of a crate that there is but once, by the lock file.
fn locked(name: &str) -> &'static str {
    let entry = format!("name = \"{name}\"\nversion = \"");
    let lock = include_str!("../Cargo.lock");
    let version = lock.split_once(&entry).map(|(_, version)| version);
    let version = version.and_then(|version| version.split_once('"'));
    version.map_or("of unknown version", |(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, Report, locked};
    use crate::measure::{Load, Rounds, Row};
    use crate::spread::Spread;

    fn row(name: &'static str, rate: f64) -> Row {
        let spread = |median: f64| Spread {
            median,
            min: median / 2.0,
            max: median * 2.0,
        };
        Row {
            name,
            call: "a line",
            rate: spread(rate),
            ratio: spread(50e6 / rate),
        }
    }

    #[test]
    fn the_report_gets_what_people_see() {
        let report = Report {
            rows: &[row("linemill", 50e6), row("other", 2.5e6)],
            load: &Load { line: 80 },
            rounds: &Rounds {
                rounds: 3,
                seconds: 0.5,
            },
        };
        let part = &report.json()["parts"]["engines"];
        let (first, other) = (&part["rows"][0], &part["rows"][1]);
        let at = |name| {
            COLUMNS
                .iter()
                .position(|column| *column == name)
                .expect("a column")
        };
        assert_eq!(first[at("linemill is faster by")], "");
        assert_eq!(first[at("ns/line")], 20.0);
        assert_eq!(other[at("linemill is faster by")], 20.0);
        assert_eq!(other[at("max")], 5.0);
        let command = "cargo xtask engines --line 80 --rounds 3 --seconds 0.5";
        assert_eq!(part["command"], command);
        let text = report.text();
        assert!(text.ends_with("  20.0   10.0  40.0\n"), "{text}");
        assert!(text.contains("lines of 80 bytes"), "{text}");
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        assert!(locked("wasmi").starts_with("2."), "{}", locked("wasmi"));
        assert_eq!(locked("no-such-crate"), "of unknown version");
    }
}
