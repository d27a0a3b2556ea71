//! Throughput as one dimension varies: the length of lines, the number of connections, the length of
//! the chain. Each is compared with native code that does the same work.
//!
//! In: lists of values. Out: a table per list. All measurements take turns in the same rounds, so
//! figures can be compared within a table and between tables.

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::document::{Cell, Part, Plot};
use crate::peer::{Binary, LINEMILL, Subject};
use crate::rounds::{Entry, Rounds};
use crate::throughput::{COLUMNS, Measured, Throughput};

/// The values of the dimensions that do not vary.
const LINE: usize = 80;
const FILTERS: usize = 1;

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Matrix {
    #[command(flatten)]
    pub(crate) binary: Binary,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
    /// Lengths of lines in bytes, terminator not counted
    #[arg(long, default_value = "16,80,256,1024,16384", value_delimiter = ',')]
    pub(crate) lines: Vec<usize>,
    /// Numbers of connections, in addition to --connections
    #[arg(long, default_value = "1,4,64,1000", value_delimiter = ',')]
    pub(crate) active: Vec<usize>,
    /// Lengths of the chain, in filters that turn each line
    #[arg(long, default_value = "1,2,4,8", value_delimiter = ',')]
    pub(crate) filters: Vec<usize>,
}

/// A load that both peers are measured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Load {
    line: usize,
    connections: usize,
    filters: usize,
}

/// A dimension that varies.
struct Dimension {
    name: &'static str,
    title: &'static str,
    /// The first column, and how to read its value from a load.
    column: &'static str,
    value: fn(&Load) -> usize,
    /// The column that plots show, and its label.
    shown: [&'static str; 2],
    /// The value that all others are compared with, if such a comparison is useful.
    base: Option<usize>,
    loads: Vec<Load>,
}

/// The results of all rounds.
struct Found {
    loads: Vec<Load>,
    /// Two per load: native code, then linemill.
    entries: Vec<Entry>,
    measured: Vec<Vec<Measured>>,
}

impl Matrix {
    /// Measures everything and prints a table per dimension.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        for (_, part) in self.measure()? {
            part.print();
            println!();
        }
        Ok(())
    }

    /// Measures everything. Returns the tables with their names.
    pub(crate) fn measure(&self) -> anyhow::Result<Vec<(String, Part)>> {
        let dimensions = self.dimensions();
        let mut loads: Vec<Load> = Vec::new();
        for load in dimensions.iter().flat_map(|dimension| &dimension.loads) {
            ensure!(
                load.line > 0 && load.connections > 0 && load.filters > 0,
                "nothing to measure"
            );
            if !loads.contains(load) {
                loads.push(*load);
            }
        }
        let mut entries = Vec::new();
        for Load {
            line,
            connections,
            filters,
        } in loads.iter().copied()
        {
            let subject = Subject::rot13(&self.binary, filters, line);
            let baseline = entries.len();
            for launch in subject.launches()? {
                entries.push(Entry {
                    pattern: launch.pattern(&subject),
                    connections,
                    baseline,
                    launch,
                });
            }
        }
        let measured = self.rounds.saturate(&mut entries)?;
        let found = Found {
            loads,
            entries,
            measured,
        };
        let part = |dimension: &Dimension| {
            let part = self.part(dimension, &found);
            Ok((dimension.name.to_owned(), part?))
        };
        dimensions.iter().map(part).collect()
    }

    fn dimensions(&self) -> [Dimension; 3] {
        let base = Load {
            line: LINE,
            connections: self.rounds.connections,
            filters: FILTERS,
        };
        let loads = |of: &[usize], with: fn(Load, usize) -> Load| -> Vec<Load> {
            of.iter().map(|&value| with(base, value)).collect()
        };
        let lines = ["M lines/s", "million lines per second"];
        [
            Dimension {
                name: "lines",
                title: "Length of lines",
                column: "bytes per line",
                value: |load| load.line,
                shown: ["MiB/s", "MiB per second"],
                base: None,
                loads: loads(&self.lines, |load, line| Load { line, ..load }),
            },
            Dimension {
                name: "connections",
                title: "Connections",
                column: "connections",
                value: |load| load.connections,
                shown: lines,
                base: Some(self.rounds.connections),
                loads: loads(&self.active, |load, connections| Load {
                    connections,
                    ..load
                }),
            },
            Dimension {
                name: "chains",
                title: "Chains",
                column: "filters",
                value: |load| load.filters,
                shown: lines,
                base: Some(FILTERS),
                loads: loads(&self.filters, |load, filters| Load { filters, ..load }),
            },
        ]
    }

    fn part(&self, dimension: &Dimension, found: &Found) -> anyhow::Result<Part> {
        let Dimension { column, value, .. } = dimension;
        let base = dimension.base.and_then(|base| {
            let has = |load: &&Load| value(load) == base;
            dimension.loads.iter().find(has).copied()
        });
        let versus = base.map(|base| format!("vs {}", Cell::count(value(&base)).shown()));
        let mut rows = Vec::new();
        for load in &dimension.loads {
            for peer in 0..2 {
                let nth = found.nth(load, peer)?;
                let own = Rounds::throughput(&found.entries, &found.measured, nth);
                let line = found.entries[nth].pattern.line();
                let mut row = vec![Cell::count(value(load)), Cell::text(own.name.clone())];
                row.extend(own.cells(line));
                if let Some(base) = &base {
                    let other = &found.measured[found.nth(base, peer)?];
                    let compared = Throughput::of(&own.name, &found.measured[nth], other);
                    row.push(Cell::number(compared.ratio.median));
                }
                rows.push(row);
            }
        }
        let columns = [*column, "peer"].into_iter().chain(COLUMNS);
        let compared = match &versus {
            Some(versus) => format!("; those in `{versus}` are to the same peer with that load"),
            None => String::new(),
        };
        Ok(Part {
            title: dimension.title.to_owned(),
            about: format!(
                "As above, but with one parameter varied: that in the first column. The others are lines of {LINE} bytes, {} connections and {FILTERS} filter; {}. \
                 The native peer transforms each block as many times as the chain has filters. Ratios are to the native peer with the same load in the same round{compared}.",
                self.rounds.connections,
                self.rounds.method(),
            ),
            command: String::new(),
            columns: columns.map(str::to_owned).chain(versus).collect(),
            rows,
            plots: vec![plot(dimension)],
        })
    }
}

impl Found {
    /// The entry of a load and a peer.
    fn nth(&self, load: &Load, peer: usize) -> anyhow::Result<usize> {
        let place = self.loads.iter().position(|known| known == load);
        Ok(2 * place.context("every load was measured")? + peer)
    }
}

fn plot(dimension: &Dimension) -> Plot {
    let [column, label] = dimension.shown;
    let spread = (column == "M lines/s").then(|| ["min".to_owned(), "max".to_owned()]);
    Plot {
        title: format!("{}: native code and {LINEMILL}", dimension.title),
        x: Some(dimension.column.to_owned()),
        y: vec![column.to_owned()],
        by: Some("peer".to_owned()),
        x_label: dimension.column.to_owned(),
        y_label: label.to_owned(),
        spread,
        ..Plot::default()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Matrix;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        matrix: Matrix,
    }

    #[test]
    fn one_dimension_varies_at_a_time() {
        let matrix = Cli::parse_from(["matrix", "--lines", "1,80", "--filters", "8"]).matrix;
        let [lines, connections, chains] = matrix.dimensions();
        let seen = |loads: &[super::Load]| -> Vec<_> {
            let one = |load: &super::Load| (load.line, load.connections, load.filters);
            loads.iter().map(one).collect()
        };
        assert_eq!(seen(&lines.loads), [(1, 4, 1), (80, 4, 1)]);
        assert_eq!(
            seen(&connections.loads),
            [(80, 1, 1), (80, 4, 1), (80, 64, 1), (80, 1000, 1)]
        );
        assert_eq!(seen(&chains.loads), [(80, 4, 8)]);
    }
}
