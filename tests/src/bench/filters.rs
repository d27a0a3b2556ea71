//! Throughput of real filters on real logs, compared with the same filters' code in a native server.
//!
//! In: options. Out: a table. The expected answer is the native code's output; every byte of both
//! servers is compared with it. Not here: the filters (`job`), the native server (`filtered`).

use clap::Args;
use linemill_tests::Folder;

use crate::document::{Cell, Kind, Part, Plot};
use crate::job::Job;
use crate::pattern::Pattern;
use crate::peer::{Binary, Launch};
use crate::rounds::{Entry, Rounds};
use crate::throughput::COLUMNS;

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Filters {
    #[command(flatten)]
    pub(crate) binary: Binary,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
}

impl Filters {
    /// Measures all and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        self.measure()?.print();
        Ok(())
    }

    /// Measures all jobs.
    pub(crate) fn measure(&self) -> anyhow::Result<Part> {
        // The folder of configurations must exist at each start.
        let folders = Job::ALL.map(|_| Folder::new());
        let mut entries = Vec::new();
        for (job, folder) in Job::ALL.into_iter().zip(&folders) {
            let baseline = entries.len();
            let native = Launch::own("native", 1, &["filtered", job.name()])?;
            let linemill = self.binary.configured(folder, 1, &job.config()?)?;
            for launch in [native, linemill] {
                let mut filters = job.natively()?;
                entries.push(Entry {
                    launch,
                    pattern: Pattern::of_log(job.log(), |log| filters.filter(log.to_vec())),
                    connections: self.rounds.connections,
                    baseline,
                });
            }
        }
        let found = self.rounds.saturate(&mut entries)?;
        let row = |nth: usize| {
            let job = Job::ALL[nth / 2];
            let own = Rounds::throughput(&entries, &found, nth);
            let mut row = [job.name(), job.file(), &own.name].map(Cell::text).to_vec();
            row.extend(own.cells(entries[nth].pattern.line()));
            row
        };
        let columns = ["chain", "log", "peer"].into_iter().chain(COLUMNS);
        Ok(Part {
            title: "Real filters".to_owned(),
            about: format!(
                "The filters of [examples](../examples/README.md) with their settings, repeatedly on the logs in that folder; {} saturated connections, {}. \
                 The native peer is the Rust code of the same filters without WebAssembly. A tokio server that finds lines with memchr calls it with the lines of one read at a time, \
                 which shows what the filters themselves cost. Lines and bytes count what is sent. Ratios are to the native peer in the same round.",
                self.rounds.connections,
                self.rounds.method()
            ),
            command: String::new(),
            columns: columns.map(str::to_owned).collect(),
            rows: (0..entries.len()).map(row).collect(),
            plots: vec![Plot {
                title: "The filters of the examples: median, least and most".to_owned(),
                kind: Kind::Bars,
                x: Some("chain".to_owned()),
                y: vec!["M lines/s".to_owned()],
                by: Some("peer".to_owned()),
                y_label: "million lines per second".to_owned(),
                spread: Some(["min".to_owned(), "max".to_owned()]),
                ..Plot::default()
            }],
        })
    }
}
