//! What a swap costs connections that send meanwhile: the same connections alternate between phases
//! with swaps and without, and every line is checked.
//!
//! In: a rate of lines and a rate of swaps. Out: latency with swaps and without, the longest time that
//! a connection had no answer, and how long after a swap the last connection moved, each with its
//! target. The last figure comes from `/status` if the host reports it there. Connections themselves
//! can only measure it from the moment when the host reported the swap as done.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use linemill_tests::Host;
use linemill_tests::soak::{LongLived, Observations, Pace, Phase, Swaps};
use serde_json::Value;

use crate::report::table;

/// The highest ratio of the 99th percentiles with swaps and without.
const RATIO: f64 = 2.0;
const GAP: Duration = Duration::from_millis(50);
const MOVE: Duration = Duration::from_millis(100);
/// Pause between two phases, in which lines that are under way come back.
const BETWEEN: Duration = Duration::from_millis(300);
/// Swaps between two queries of `/status`.
const LOOK: u64 = 10;

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Swap {
    /// Connections
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Lines per second over all connections
    #[arg(long, default_value_t = 20_000.0)]
    lines: f64,
    /// Milliseconds between swaps
    #[arg(long, default_value_t = 60)]
    every: u64,
    /// Seconds of one phase
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Phases of each kind; they alternate
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Fail when a target is missed
    #[arg(long)]
    strict: bool,
}

impl Swap {
    /// Measures and prints the figures with their targets.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        ensure!(
            self.connections > 0 && self.lines > 0.0 && self.every > 0 && self.rounds > 0,
            "nothing to measure"
        );
        let time = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let every = Duration::from_millis(self.every);
        let mut swaps = Swaps::start();
        let pace = Pace {
            connections: self.connections,
            lines: self.lines,
        };
        let traffic = LongLived::start(swaps.host().address(), pace);
        let mut reported = BTreeMap::new();
        let measured = self.measure(&mut swaps, &traffic, time, every, &mut reported);
        let found = traffic.finish()?;
        measured?;
        self.report(&found, &swaps, &reported)
    }

    fn measure(
        &self,
        swaps: &mut Swaps,
        traffic: &LongLived,
        time: Duration,
        every: Duration,
        reported: &mut BTreeMap<u64, Duration>,
    ) -> anyhow::Result<()> {
        traffic.expect_moved(1)?;
        // The first phase warms up.
        swaps.run(traffic, 8, every)?;
        let count = (time.as_secs_f64() / every.as_secs_f64()).ceil() as u64;
        for round in 1..=self.rounds {
            swaps.settle(traffic)?;
            thread::sleep(BETWEEN);
            traffic.phase(Phase::Steady);
            thread::sleep(time);
            traffic.phase(Phase::Swapping);
            for done in (0..count).step_by(LOOK as usize) {
                swaps.run(traffic, LOOK.min(count - done), every)?;
                reported.extend(moves(swaps.host()));
            }
            traffic.phase(Phase::Between);
            eprintln!("round {round}: {} swaps so far", swaps.newest() - 1);
        }
        swaps.settle(traffic)?;
        thread::sleep(BETWEEN);
        reported.extend(moves(swaps.host()));
        Ok(())
    }

    fn report(
        &self,
        found: &Observations,
        swaps: &Swaps,
        reported: &BTreeMap<u64, Duration>,
    ) -> anyhow::Result<()> {
        let percents = [50.0, 99.0, 99.9, 100.0];
        let row = |name: &str, phase| {
            let [median, late, later, last] = found.latency(phase, percents).map(shown);
            let gap = shown(found.gap(phase));
            [name.to_owned(), median, late, later, last, gap]
        };
        let rows = [
            row("steady", Phase::Steady),
            row("swapping", Phase::Swapping),
        ];
        println!(
            "{} connections, {} lines per second in all, {} swaps, {} rounds of {} s with swaps and without,\n{} lines judged; milliseconds\n",
            self.connections,
            self.lines,
            swaps.newest() - 1,
            self.rounds,
            self.seconds,
            found.lines
        );
        let head = ["", "median", "p99", "p99.9", "max", "longest gap"];
        print!("{}", table(&head, &rows));
        let p99 = |phase| found.latency(phase, [99.0])[0].as_secs_f64();
        let ratio = p99(Phase::Swapping) / p99(Phase::Steady);
        let seen = found.moves(swaps.published());
        let last = |moves: &mut dyn Iterator<Item = Duration>| moves.max().unwrap_or_default();
        let seen = last(&mut seen.into_iter());
        let (moved, by) = if reported.is_empty() {
            (seen, "the connections")
        } else {
            (last(&mut reported.values().copied()), "/status")
        };
        let gap = found.gap(Phase::Swapping);
        let verdicts = [
            (
                format!("p99 with swaps / without: {ratio:.2}"),
                format!("{RATIO}"),
                ratio <= RATIO,
            ),
            (
                format!("longest gap: {} ms", shown(gap)),
                format!("{} ms", shown(GAP)),
                gap <= GAP,
            ),
            (
                format!(
                    "last connection moved after at most: {} ms by {by}",
                    shown(moved)
                ),
                format!("{} ms", shown(MOVE)),
                moved <= MOVE,
            ),
        ];
        println!();
        for (what, target, held) in &verdicts {
            let held = if *held { "held" } else { "MISSED" };
            println!("{what}; target at most {target}: {held}");
        }
        if !reported.is_empty() {
            println!(
                "by what the connections saw: {} ms; {} moves reported by the host",
                shown(seen),
                reported.len()
            );
        }
        let missed = verdicts.iter().filter(|(.., held)| !held).count();
        ensure!(missed == 0 || !self.strict, "{missed} targets were missed");
        Ok(())
    }
}

/// How long the move to each generation took, if the host reports it.
fn moves(host: &Host) -> Vec<(u64, Duration)> {
    let answer = host.get("/status");
    let status: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let generations = status["generations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let moved = |one: &Value| {
        let number = ["generation", "number", "id"]
            .iter()
            .find_map(|&key| one[key].as_u64())?;
        let took = one["moved_ms"].as_f64()?;
        Some((number, Duration::from_secs_f64(took.max(0.0) / 1000.0)))
    };
    generations.iter().filter_map(moved).collect()
}

fn shown(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}
