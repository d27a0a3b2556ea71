//! Throughput: peers under saturated connections, in rounds.
//!
//! In: options. Out: a table. Not here: the connections (`saturate`).

use clap::Args;

use crate::document::{Kind, Part, Plot};
use crate::others::Others;
use crate::peer::{LINEMILL, Subject};
use crate::rounds::{Bound, Entry, Rounds};
use crate::throughput::{COLUMNS, Throughput};

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Load {
    #[command(flatten)]
    pub(crate) subject: Subject,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
    #[command(flatten)]
    bound: Bound,
    #[command(flatten)]
    pub(crate) others: Others,
}

impl Load {
    /// Measures all peers and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let found = self.measure()?;
        self.part(&found).print();
        self.bound.judge(&found)
    }

    /// Measures all peers.
    pub(crate) fn measure(&self) -> anyhow::Result<Vec<Throughput>> {
        let launches = self.subject.launches_with(&self.others)?;
        let mut entries: Vec<_> = launches
            .into_iter()
            .map(|launch| Entry {
                pattern: launch.pattern(&self.subject),
                connections: self.rounds.connections,
                baseline: 0,
                launch,
            })
            .collect();
        let found = self.rounds.saturate(&mut entries)?;
        let each = 0..entries.len();
        Ok(each
            .map(|nth| Rounds::throughput(&entries, &found, nth))
            .collect())
    }

    /// The table of results.
    pub(crate) fn part(&self, found: &[Throughput]) -> Part {
        let line = (self.subject.line + 1) as f64;
        Part {
            title: "Throughput".to_owned(),
            about: format!(
                "{} saturated connections, lines of {} bytes, {}. Ratios are to {} in the same round.",
                self.rounds.connections,
                self.subject.line,
                self.rounds.method(),
                found[0].name
            ),
            command: String::new(),
            columns: ["peer"]
                .iter()
                .chain(&COLUMNS)
                .map(|&name| name.to_owned())
                .collect(),
            rows: found.iter().map(|found| found.row(line)).collect(),
            plots: vec![Plot {
                title: format!(
                    "Lines of {} bytes, {} connections: median, least and most",
                    self.subject.line, self.rounds.connections
                ),
                kind: Kind::Bars,
                x: Some("peer".to_owned()),
                y: vec!["M lines/s".to_owned()],
                x_label: String::new(),
                y_label: "million lines per second".to_owned(),
                spread: Some(["min".to_owned(), "max".to_owned()]),
                emphasis: Some(LINEMILL.to_owned()),
                ..Plot::default()
            }],
        }
    }
}
