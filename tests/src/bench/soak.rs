//! The soak: at full size, what the test suite does for seconds. It checks every line of connections
//! under a thousand swaps, opens a storm of connections during reloads, sends a burst of SIGHUPs, and
//! opens and closes connections for half an hour.
//!
//! In: which parts, and their sizes. Out: the results of each part. Fails at the first wrong line or
//! connection, when swaps or the burst take too long, and when the host holds more after the churn
//! than before.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use linemill_tests::outage::{Outage, Outages};
use linemill_tests::soak::{
    Burst, Changes, Churn, Departure, Departures, Observations, Pace, Phase, Siege, Soak, Storm,
};

use crate::idle::raise_files;

/// Signals of the burst, all within a second.
const SIGNALS: u32 = 100;
/// The most loads that they may cause.
const LOADS: u64 = 10;
/// The longest time until the last configuration is in force everywhere.
const SETTLED: Duration = Duration::from_secs(2);

/// Connections per second of the churn; one in this many is reset.
const CHURN: (f64, u64) = (200.0, 10);
/// Samples of memory during the churn.
const LOOKS: u32 = 300;
/// By how much resident memory may grow during the churn, as a share of its mean.
const SLOPE: f64 = 0.01;

/// Lines per second under which chains are swapped in a siege, at most.
const SIEGE_LINES: f64 = 640.0;

/// Changes of a key.
const CHANGES: u64 = 200;

/// How the upstream is struck: how long it is up, and then down.
const OUTAGES: [(Outage, Duration, Duration); 4] = [
    (
        Outage::Killed,
        Duration::from_secs(4),
        Duration::from_secs(2),
    ),
    (
        Outage::Stopped,
        Duration::from_secs(4),
        Duration::from_secs(3),
    ),
    (Outage::Cut, Duration::from_secs(4), Duration::from_secs(10)),
    (Outage::Restarted, Duration::from_secs(1), Duration::ZERO),
];
/// How soon lines must come again.
const RECOVERY: Duration = Duration::from_secs(2);

/// Options of the soak.
#[derive(Debug, Args)]
pub(crate) struct Whole {
    /// Parts to run; all if none is given
    parts: Vec<Part>,
    /// Minutes of the churn, and of the siege
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Connections that stay open while chains are swapped
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Lines per second over all of them
    #[arg(long, default_value_t = 20_000.0)]
    lines: f64,
    /// Minutes of each kind of outage, with `resend` and without
    #[arg(long, default_value_t = 5.0)]
    outage_minutes: f64,
    /// Kinds of outages; all if none is given
    #[arg(long = "outage", value_name = "KIND")]
    kinds: Vec<Outage>,
    /// Outages with this value of `resend` only
    #[arg(long)]
    resend: Option<bool>,
    /// Number of swaps
    #[arg(long, default_value_t = 1000)]
    swaps: u64,
    /// Seconds that the swaps may take
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Connections that stay open in the storm
    #[arg(long, default_value_t = 1000)]
    lasting: usize,
    /// New connections per second in the storm
    #[arg(long, default_value_t = 500.0)]
    visitors: f64,
    /// Reloads in the storm
    #[arg(long, default_value_t = 200)]
    reloads: u64,
}

/// A part of the soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Swaps under connections that stay open
    Swaps,
    /// Reloads while connections open and close
    Storm,
    /// A hundred SIGHUPs in a second
    Burst,
    /// Connections that open and close, one in ten of them by a reset
    Churn,
    /// Changes of where lines go and come from
    Changes,
    /// Stops and removals of a listener under senders that need no answer
    Departures,
    /// An upstream that is killed, stopped, cut off and restarted
    Outages,
    /// All of this at once, with one kind of abuse after another; needs root
    Siege,
}

impl Whole {
    /// Runs the parts and prints the results of each.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        ensure!(
            self.connections > 0 && self.lines > 0.0 && self.visitors > 0.0 && self.lasting > 0,
            "nothing to check"
        );
        // The host inherits the limit, so it is raised before it starts.
        raise_files(2 * self.lasting as u64 + 5000)?;
        for part in Part::value_variants() {
            if self.parts.is_empty() || self.parts.contains(part) {
                match part {
                    Part::Swaps => self.swaps().context("swaps")?,
                    Part::Storm => self.storm().context("storm")?,
                    Part::Burst => self.burst().context("burst")?,
                    Part::Churn => self.churn().context("churn")?,
                    Part::Changes => self.changes().context("changes")?,
                    Part::Departures => departures().context("departures")?,
                    Part::Outages => self.outages().context("outages")?,
                    Part::Siege => self.siege().context("siege")?,
                }
            }
        }
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace {
            connections: self.connections,
            lines: self.lines,
        }
    }

    fn swaps(&self) -> anyhow::Result<()> {
        let time = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let soak = Soak {
            pace: self.pace(),
            swaps: self.swaps,
            every: time.div_f64(self.swaps.max(1) as f64),
        };
        let start = Instant::now();
        let (found, swaps) = soak.run()?;
        let took = start.elapsed();
        let done = swaps.newest() - 1;
        println!(
            "swaps: {done} under {} connections in {:.1} s; {}, longest gap {:.1?}",
            self.connections,
            took.as_secs_f64(),
            seen(&found),
            found.gap(Phase::Swapping)
        );
        // Starting and settling do not count as swaps.
        let most = time.mul_f64(1.1) + Duration::from_secs(5);
        ensure!(
            took <= most,
            "{done} swaps took {took:.1?}, the limit is {time:?}"
        );
        Ok(())
    }

    fn storm(&self) -> anyhow::Result<()> {
        let storm = Storm {
            pace: Pace {
                connections: self.lasting,
                lines: self.lasting as f64,
            },
            new_per_second: self.visitors,
            reloads: self.reloads,
            every: Duration::from_millis(200),
        };
        let start = Instant::now();
        let stormed = storm.run()?;
        println!(
            "storm: {} reloads in {:.1} s, {} connections opened and closed, {} stayed open, none was refused or reset; {}",
            self.reloads,
            start.elapsed().as_secs_f64(),
            stormed.short_lived,
            self.lasting,
            seen(&stormed.observations)
        );
        Ok(())
    }

    fn burst(&self) -> anyhow::Result<()> {
        let burst = Burst {
            pace: self.pace(),
            signals: SIGNALS,
            within: Duration::from_secs(1),
        };
        let bursts = burst.run()?;
        println!(
            "burst: {SIGNALS} SIGHUPs within a second caused {} loads, all connections had the last one {:.0?} later; {} lines",
            bursts.loads, bursts.settled, bursts.observations.lines
        );
        ensure!(
            (1..=LOADS).contains(&bursts.loads),
            "{} loads, the limit is {LOADS}",
            bursts.loads
        );
        ensure!(
            bursts.settled <= SETTLED,
            "the last configuration took {:?}, the limit is {SETTLED:?}",
            bursts.settled
        );
        Ok(())
    }

    fn changes(&self) -> anyhow::Result<()> {
        let changes = Changes {
            pace: self.pace(),
            changes: CHANGES,
            every: Duration::from_millis(100),
        };
        let found = changes.run()?;
        println!(
            "changes: {CHANGES} of `to`, `routes`, `tee`, `bind` and `framing` under {} connections; {} lines, each once \
             and in order, and {} copies; a reload took {:.1?} at most",
            self.connections, found.lines, found.copies, found.slowest
        );
        Ok(())
    }

    fn outages(&self) -> anyhow::Result<()> {
        let time = Duration::try_from_secs_f64(self.outage_minutes * 60.0);
        let time = time.context("--outage-minutes")?;
        let mut wrong = Vec::new();
        for (kind, up, down) in OUTAGES {
            if !self.kinds.is_empty() && !self.kinds.contains(&kind) {
                continue;
            }
            for resend in [false, true] {
                if self.resend.is_some_and(|only| only != resend) {
                    continue;
                }
                let outages = Outages {
                    kind,
                    time,
                    up,
                    down,
                    lines: self.lines as u32,
                    resend,
                };
                // One that fails says nothing of the others.
                if let Err(error) = account(&outages) {
                    wrong.push(format!("{kind:?}, resend = {resend}: {error:#}"));
                }
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }

    fn churn(&self) -> anyhow::Result<()> {
        let (visitors, resets) = CHURN;
        let churn = Churn {
            new_per_second: visitors,
            resets,
            time: Duration::try_from_secs_f64(self.minutes * 60.0).context("--minutes")?,
            looks: LOOKS,
        };
        let churned = churn.run()?;
        let ([before, after], slope) = (churned.descriptors, churned.slope());
        let resident = churned.memory.last().map_or(0.0, |&(_, bytes)| bytes);
        println!(
            "churn: {} connections in {} minutes, one in {resets} reset; descriptors {before} before and {after} after, \
             {:.1} MiB resident at the end, growth {:.2} % by the line of least squares behind a warm-up of a tenth",
            churned.connections,
            self.minutes,
            resident / f64::from(1 << 20),
            100.0 * slope
        );
        no_growth(churned.descriptors, slope)
    }

    fn siege(&self) -> anyhow::Result<()> {
        let siege = Siege {
            time: Duration::try_from_secs_f64(self.minutes * 60.0).context("--minutes")?,
            pace: Pace {
                connections: self.connections,
                lines: self.lines.min(SIEGE_LINES),
            },
            swap_every: Duration::from_secs(2),
            new_per_second: 20.0,
            calm: Duration::from_secs(15),
            full: Duration::from_secs(3),
        };
        let found = siege.run()?;
        let ([sent, kept], [given, came, doubled]) = (found.kept, found.delivered);
        let ([before, after], slope) = (found.descriptors, found.slope());
        println!(
            "siege: {} attacks and {} swaps in {} minutes; {} lines came back filtered, {} short connections; file: \
             {sent} lines sent, {kept} kept, the disk was full {} times; upstream: {given} sent, {came} came, {doubled} \
             came twice, {} restarts; {} counted as lost; descriptors {before} before and {after} after, resident \
             memory grew by {:.2} %",
            found.attacks,
            found.swaps,
            self.minutes,
            found.answered,
            found.short_lived,
            found.full,
            found.restarts,
            found.lost,
            100.0 * slope
        );
        let missing = (sent - kept) + (given - came);
        ensure!(
            missing <= found.lost,
            "{missing} lines are missing, and {} counted as lost",
            found.lost
        );
        no_growth(found.descriptors, slope)
    }
}

fn no_growth(descriptors: [usize; 2], slope: f64) -> anyhow::Result<()> {
    let [before, after] = descriptors;
    ensure!(
        after == before,
        "{after} descriptors are open, {before} were open before"
    );
    ensure!(
        slope <= SLOPE,
        "resident memory grew by {:.2} %, the limit is {:.0} %",
        100.0 * slope,
        100.0 * SLOPE
    );
    Ok(())
}

fn departures() -> anyhow::Result<()> {
    for kind in [Departure::Stop, Departure::Removal] {
        for senders in [10, 100, 1000] {
            for gap in [20, 70, 300].map(Duration::from_millis) {
                let departures = Departures { kind, senders, gap };
                let what = format!("{kind:?} under {senders} senders with gaps of {gap:?}");
                let lines = departures.run().with_context(|| what.clone())?;
                println!("departures: {what}: {lines} lines sent, delivered and counted");
            }
        }
    }
    Ok(())
}

fn account(outages: &Outages) -> anyhow::Result<()> {
    let found = outages.run()?;
    println!(
        "outages: {:?} {} times, resend = {}; {} lines sent, {} delivered, {} counted as lost, {} came, {} missing, \
         {} of them not counted, {} came twice; lines came again within {:.1?}",
        outages.kind,
        found.recoveries.len(),
        outages.resend,
        found.sent,
        found.delivered,
        found.lost,
        found.came,
        found.missing(),
        found.unaccounted(),
        found.doubled,
        found.slowest(),
    );
    ensure!(
        !outages.resend || found.lost == 0,
        "lines were lost in spite of `resend`"
    );
    // A process that ends takes with it what its system has acknowledged and it has not read.
    let may_leave_unread = matches!(outages.kind, Outage::Killed | Outage::Restarted);
    ensure!(
        may_leave_unread || found.unaccounted() == 0,
        "{} lines are missing and not counted",
        found.unaccounted()
    );
    ensure!(
        outages.kind == Outage::Restarted || found.slowest() <= RECOVERY,
        "no line within {RECOVERY:?} after an outage"
    );
    Ok(())
}

fn seen(found: &Observations) -> String {
    let [median, late, last] = found.latency(Phase::Swapping, [50.0, 99.0, 100.0]);
    format!(
        "{} lines, each once, in order, by one generation; median {median:.1?}, p99 {late:.1?}, max {last:.1?}",
        found.lines
    )
}
