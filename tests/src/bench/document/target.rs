//! Targets, compared with results.
//!
//! In: parts by name. Out: a row for each target whose part was measured. Not here: failing when a
//! target is missed; the report only shows it.

use super::{Cell, Results};

/// The limit of a figure.
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

/// A target.
struct Target {
    what: &'static str,
    bound: Bound,
    found: fn(&Results) -> Option<f64>,
}

/// All targets. Ratios are medians over rounds.
const TARGETS: [Target; 11] = [
    Target {
        what: "throughput, compared with native tokio on blocks",
        bound: AtLeast(0.95),
        found: |all| all.figure("load", &[("peer", "linemill")], "ratio"),
    },
    Target {
        what: "throughput, compared with a C server on libevent's bufferevents",
        bound: AtLeast(8.0),
        found: |all| {
            let rate = |peer| all.figure("load", &[("peer", peer)], "M lines/s");
            Some(rate("linemill")? / rate("c-bufferevent")?)
        },
    },
    Target {
        what: "CPU seconds per GB, compared with the raw echo",
        bound: AtMost(1.25),
        found: |all| {
            let cost = |peer| all.figure("load", &[("peer", peer)], "CPU s/GB");
            Some(cost("linemill")? / cost("echo")?)
        },
    },
    Target {
        what: "throughput of a chain of 4, compared with a chain of 1",
        bound: AtLeast(0.6),
        found: |all| all.figure("chains", &[("filters", "4"), ("peer", "linemill")], "vs 1"),
    },
    Target {
        what: "CPU of one more filter, ns per line (chains of 8 and of 1)",
        bound: AtMost(15.0),
        found: |all| {
            let cost = |filters| {
                let row = [("filters", filters), ("peer", "linemill")];
                all.figure("chains", &row, "CPU ns/line")
            };
            Some((cost("8")? - cost("1")?) / 7.0)
        },
    },
    Target {
        what: "ping, median compared with native tokio",
        bound: AtMost(1.05),
        found: |all| all.figure("ping", &[("peer", "linemill")], "ratio"),
    },
    Target {
        what: "ping, 99th percentile compared with native tokio",
        bound: AtMost(1.1),
        found: |all| all.figure("ping", &[("peer", "linemill")], "p99 ratio"),
    },
    Target {
        what: "10,000 idle connections, KiB each in the host",
        bound: AtMost(4.0),
        found: |all| all.figure("memory", &[("peer", "linemill")], "KiB each"),
    },
    Target {
        what: "throughput of 1,000 active connections, compared with 4",
        bound: AtLeast(0.8),
        found: |all| {
            let row = [("connections", "1,000"), ("peer", "linemill")];
            all.figure("connections", &row, "vs 4")
        },
    },
    Target {
        what: "lines per core, compared with the same filter in the next best WASM engine",
        bound: AtLeast(10.0),
        found: |all| {
            let part = all.parts.get("engines")?;
            let times = part.column("linemill is faster by")?;
            let times = part.rows.iter().filter_map(|row| row[times].value());
            times.min_by(f64::total_cmp)
        },
    },
    Target {
        what: "TLS throughput, compared with an echo server on rustls",
        bound: AtLeast(0.8),
        found: |all| all.figure("tls", &[("peer", "linemill")], "ratio"),
    },
];

/// The head of a table of [`rows`].
pub(super) const HEAD: [&str; 4] = ["measure", "at least / at most", "found", ""];

/// A row for each target whose part was measured.
pub(super) fn rows(results: &Results) -> Vec<[String; 4]> {
    let row = |target: &Target| {
        let found = (target.found)(results)?;
        let (bound, held) = match target.bound {
            AtLeast(least) => (format!("≥ {least}"), found >= least),
            AtMost(most) => (format!("≤ {most}"), found <= most),
        };
        let held = if held { "holds" } else { "missed" };
        let found = Cell::number(found).shown();
        Some([target.what.to_owned(), bound, found, held.to_owned()])
    };
    TARGETS.iter().filter_map(row).collect()
}

impl Results {
    /// The number in a column of the first row with these texts.
    fn figure(&self, part: &str, row: &[(&str, &str)], column: &str) -> Option<f64> {
        let part = self.parts.get(part)?;
        let has = |cells: &[Cell], (column, text): (&str, &str)| {
            let place = part.column(column);
            place.is_some_and(|place| cells[place].shown() == text)
        };
        let fits = |cells: &&Vec<Cell>| row.iter().all(|&wanted| has(cells, wanted));
        let cells = part.rows.iter().find(fits)?;
        cells[part.column(column)?].value()
    }
}

#[cfg(test)]
mod tests {
    use super::rows;
    use crate::document::Results;

    #[test]
    fn targets_are_compared_with_measured_parts() {
        let results: Results = serde_json::from_str(
            r#"{ "parts": {
                "load": { "title": "", "about": "", "columns": ["peer", "CPU s/GB", "ratio"], "rows": [
                    ["native", 0.4, 1.0], ["echo", 0.4, 1.2], ["linemill", 0.6, 0.97]
                ] },
                "chains": { "title": "", "about": "", "columns": ["filters", "peer", "CPU ns/line"], "rows": [
                    ["1", "linemill", 50.0], ["8", "native", 20.0], ["8", "linemill", 120.0]
                ] }
            } }"#,
        )
        .expect("valid parts");
        let rows = rows(&results);
        let short: Vec<_> = rows
            .iter()
            .map(|[_, bound, found, held]| [bound, found, held])
            .collect();
        assert_eq!(
            short,
            [
                ["≥ 0.95", "0.97", "holds"],
                ["≤ 1.25", "1.50", "missed"],
                ["≤ 15", "10.0", "holds"],
            ]
        );
    }
}
