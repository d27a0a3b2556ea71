//! One hostile client beside a hundred innocent connections, in each of the ways of
//! [`Abuse`]: every line of the innocents must come back filtered, and about as soon as without it.
//!
//! In: which ways, how many rounds, and how long each half of a round takes. Out: for each way, the ratio
//! of the 99th percentiles with it and without it, the median of the rounds. A round has both halves, one
//! right after the other and in turn first, so that other work on the machine affects both.

use std::thread;
use std::time::Duration;

use linemill_tests::abuse::{Abuse, Ground};
use linemill_tests::soak::{self, LongLived, Pace, Phase};
use linemill_tests::{Folder, Host};

use super::measure::Measure;

/// The highest ratio of the 99th percentiles.
const RATIO: f64 = 2.0;
/// How long an attack goes on before its half of a round, and the host is left alone after it.
const BETWEEN: Duration = Duration::from_millis(500);
/// The innocent connections.
const PACE: Pace = Pace {
    connections: 100,
    lines: 1000.0,
};

pub(super) fn run(kinds: &[Abuse], half: Duration, rounds: usize) -> anyhow::Result<Vec<Measure>> {
    let folder = Folder::new();
    let (tables, trust) = Ground::prepare(&folder);
    let mut host = Host::serve_in(folder, format!("{}\n{tables}", soak::config()));
    let ground = Ground::of(&host, 1, trust);
    let kinds = if kinds.is_empty() {
        Abuse::all()
    } else {
        kinds
    };
    let mut measures = Vec::new();
    for kind in kinds {
        let mut found = Vec::new();
        for number in 0..rounds {
            found.push(round(*kind, &host, &ground, half, number % 2 == 1)?);
        }
        host.expect_alive();
        found.sort_by(|one, other| one[2].total_cmp(&other[2]));
        let [without, with, ratio] = found[found.len() / 2];
        let [least, most] = [found[0][2], found[found.len() - 1][2]];
        let name = kind.name();
        eprintln!(
            "abuse: {name}: p99 {with:.2} ms, {without:.2} ms without it; ratios {least:.2} to {most:.2}"
        );
        measures.push(Measure::at_most(
            RATIO,
            "",
            format!("{name}: p99 of 100 innocent connections, with it / without it"),
            ratio,
        ));
    }
    Ok(measures)
}

/// One round: the 99th percentiles in milliseconds without the attack and with it, and their ratio.
fn round(
    kind: Abuse,
    host: &Host,
    ground: &Ground,
    half: Duration,
    attack_first: bool,
) -> anyhow::Result<[f64; 3]> {
    let traffic = LongLived::start(host.address(), PACE);
    traffic.expect_moved(1)?;
    let count = |phase| {
        traffic.phase(phase);
        thread::sleep(half);
        traffic.phase(Phase::Between);
    };
    let attacked = || {
        let attack = kind.start(ground);
        thread::sleep(BETWEEN);
        count(Phase::Harmed);
        attack.stop();
        thread::sleep(BETWEEN);
    };
    if attack_first {
        attacked();
        count(Phase::Steady);
    } else {
        thread::sleep(BETWEEN);
        count(Phase::Steady);
        attacked();
    }
    // A line that is not filtered, or does not come, is an error.
    let found = traffic.finish()?;
    let [without, with] = [Phase::Steady, Phase::Harmed]
        .map(|phase| 1000.0 * found.latency(phase, [99.0])[0].as_secs_f64());
    Ok([without, with, with / without])
}
