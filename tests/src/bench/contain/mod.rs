//! Containment: hostile filters at full size, and what they cost others.
//!
//! In: which parts, and their sizes. Out: a table of figures with their limits. Fails when a line
//! comes back wrong and when a limit is exceeded. Each part starts its own hosts; the guests are those
//! of the tests. Not here: connections that open and close (`soak`).

mod abuse;
mod alternate;
mod bomb;
mod crowd;
mod growth;
mod health;
mod instances;
mod measure;
mod overflow;
mod spin;
mod starts;
mod traps;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use linemill_tests::Host;
use linemill_tests::abuse::Abuse;

use crate::idle::raise_files;
use crate::report::table;

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Contain {
    /// Parts to run; all if none is given
    parts: Vec<Part>,
    /// Seconds of each phase of `spin`, and of each quiet one of `bomb`
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Rounds of `traps` and of `bomb`
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Lines of each run of `traps`; one in a thousand traps
    #[arg(long, default_value_t = 1_000_000)]
    lines: usize,
    /// Instances that `instances` creates
    #[arg(long, default_value_t = 1_000_000)]
    count: u64,
    /// Stack overflows of `overflow`
    #[arg(long, default_value_t = 10_000)]
    overflows: u64,
    /// Kinds of abuse; all if none is given
    #[arg(long = "abuse", value_name = "KIND")]
    kinds: Vec<Abuse>,
    /// Seconds of each half of a round of `abuse`
    #[arg(long, default_value_t = 2.0)]
    half: f64,
    /// Connections that `crowd` tries
    #[arg(long, default_value_t = 100_000)]
    attempts: u64,
}

/// What is contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Eight filters that spin indefinitely, and a hundred innocent connections
    Spin,
    /// A trap on one line in a thousand
    Traps,
    /// Instances that are created, trap and are dropped, repeatedly
    Instances,
    /// Stack overflows
    Overflow,
    /// A filter that takes all memory it can get, and one that returns far too much
    Growth,
    /// A plugin designed to keep the compiler busy, loaded while lines flow
    Bomb,
    /// A hostile client, in each of more than twenty ways, and a hundred innocent connections
    Abuse,
    /// Clients for each of which a filter takes long to start
    Starts,
    /// A small budget of memory, and everything that takes memory at once
    Crowd,
    /// Answers of `/healthz` while the host has everything else to do
    Health,
}

impl Contain {
    /// Runs the parts and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let seconds = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let half = Duration::try_from_secs_f64(self.half).context("--half")?;
        // Hosts inherit the limit.
        raise_files(20_000)?;
        ensure!(
            !seconds.is_zero() && self.rounds > 0 && self.lines >= 1000,
            "nothing to measure"
        );
        let (mut rows, mut missed) = (Vec::new(), 0);
        for part in Part::value_variants() {
            if !self.parts.is_empty() && !self.parts.contains(part) {
                continue;
            }
            let (name, start) = (part.name(), Instant::now());
            let measures = match part {
                Part::Spin => spin::run(seconds),
                Part::Traps => traps::run(self.lines, self.rounds),
                Part::Instances => instances::run(self.count),
                Part::Overflow => overflow::run(self.overflows),
                Part::Growth => growth::run(),
                Part::Bomb => bomb::run(seconds, self.rounds),
                Part::Abuse => abuse::run(&self.kinds, half, self.rounds),
                Part::Starts => starts::run(seconds),
                Part::Crowd => crowd::run(self.attempts),
                Part::Health => health::run(seconds),
            };
            let measures = measures.with_context(|| name.clone())?;
            eprintln!("{name}: {:.1} s", start.elapsed().as_secs_f64());
            missed += measures.iter().filter(|measure| !measure.is_held()).count();
            rows.extend(measures.iter().map(|measure| measure.row(&name)));
        }
        let head = ["part", "what", "measured", "limit", ""];
        print!("{}", table(&head, &rows));
        ensure!(missed == 0, "{missed} of {} limits exceeded", rows.len());
        Ok(())
    }
}

impl Part {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Lines that failed in `filter` so far, of one `kind` or of all.
fn failures(host: &Host, filter: &str, kind: Option<&str>) -> u64 {
    let mut labels = vec![("filter", filter)];
    labels.extend(kind.map(|kind| ("kind", kind)));
    host.metric("linemill_filter_failures_total", &labels) as u64
}
