//! The throughput of saturated connections, and its columns in a table.
//!
//! In: measurements of a peer and of the one it is compared with, round by round. Out: medians, and
//! the range of the rounds. Not here: measuring.

use std::time::Duration;

use crate::document::Cell;
use crate::spread::Spread;

/// The columns of a table of throughput.
pub(crate) const COLUMNS: [&str; 10] = [
    "M lines/s",
    "min",
    "max",
    "MiB/s",
    "CPU ns/line",
    "CPU s/GB",
    "peak MiB",
    "ratio",
    "least",
    "most",
];

/// Results of one measurement.
pub(crate) struct Measured {
    /// Bytes that were sent and correctly answered.
    pub(crate) bytes: f64,
    pub(crate) took: Duration,
    /// Processor time that the server used.
    pub(crate) cost: Duration,
    /// The server's peak memory in bytes.
    pub(crate) peak: u64,
}

/// Results of all measurements of a peer.
pub(crate) struct Throughput {
    /// The peer's name.
    pub(crate) name: String,
    /// Bytes per second.
    pub(crate) rate: Spread,
    /// Ratio to the first peer's rate in the same round.
    pub(crate) ratio: Spread,
    /// Peak memory in bytes: the median.
    pub(crate) peak: f64,
    /// Processor time of the server in seconds per byte: the median.
    pub(crate) cost: f64,
}

impl Throughput {
    /// Summarises a peer's measurements, compared with `first` in the same rounds.
    pub(crate) fn of(name: &str, own: &[Measured], first: &[Measured]) -> Self {
        let spread = |value: fn(&Measured) -> f64| Spread::of(own.iter().map(value).collect());
        let ratios = own.iter().zip(first);
        Self {
            name: name.to_owned(),
            rate: spread(Measured::rate),
            ratio: Spread::of(
                ratios
                    .map(|(own, first)| own.rate() / first.rate())
                    .collect(),
            ),
            peak: spread(|measured| measured.peak as f64).median,
            cost: spread(|measured| measured.cost.as_secs_f64() / measured.bytes).median,
        }
    }

    /// Its row in a table with its name and [`COLUMNS`], for lines of `line` bytes.
    pub(crate) fn row(&self, line: f64) -> Vec<Cell> {
        let name = [Cell::text(self.name.clone())];
        name.into_iter().chain(self.cells(line)).collect()
    }

    /// Its cells for [`COLUMNS`], for lines of `line` bytes.
    pub(crate) fn cells(&self, line: f64) -> Vec<Cell> {
        let million = |rate: f64| Cell::number(rate / line / 1e6);
        vec![
            million(self.rate.median),
            million(self.rate.min),
            million(self.rate.max),
            Cell::number(self.rate.median / f64::from(1 << 20)),
            Cell::number(self.cost * line * 1e9),
            Cell::number(self.cost * 1e9),
            Cell::number(self.peak / f64::from(1 << 20)),
            Cell::number(self.ratio.median),
            Cell::number(self.ratio.min),
            Cell::number(self.ratio.max),
        ]
    }
}

impl Measured {
    /// Bytes per second.
    pub(crate) fn rate(&self) -> f64 {
        self.bytes / self.took.as_secs_f64()
    }
}
