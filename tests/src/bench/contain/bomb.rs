//! A plugin designed to keep the compiler busy, loaded while lines flow: its cost for connections that
//! send, compared with phases without it, and how soon it is refused.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use linemill_tests::soak::{self, LongLived, Pace, Phase};
use linemill_tests::{Folder, Host, Outcome, guest};

use super::measure::Measure;

/// The longest time until it is refused.
const REFUSED: Duration = Duration::from_secs(30);
/// The highest ratio of the 99th percentiles with the plugin and without.
const RATIO: f64 = 2.0;
/// Pause between two phases, in which lines that are under way come back.
const BETWEEN: Duration = Duration::from_millis(500);
/// Connections that send meanwhile.
const PACE: Pace = Pace {
    connections: 64,
    lines: 2000.0,
};

pub(super) fn run(quiet: Duration, rounds: usize) -> anyhow::Result<Vec<Measure>> {
    let folder = Folder::new();
    let bomb = guest::bomb(600, 600, 200);
    let host = Host::serve_in(folder, soak::config());
    let traffic = LongLived::start(host.address(), PACE);
    traffic.expect_moved(1)?;
    let mut longest = Duration::ZERO;
    let mut measure = || -> anyhow::Result<()> {
        for round in 1..=rounds {
            thread::sleep(BETWEEN);
            traffic.phase(Phase::Steady);
            thread::sleep(quiet);
            traffic.phase(Phase::Harmed);
            // A different file each time, because the host may remember refused ones.
            let name = format!("bomb{round}.wasm");
            host.folder()
                .write(&name, guest::marked(bomb.clone(), &name));
            let took = refused(&host, &traffic, &name)?;
            traffic.phase(Phase::Between);
            eprintln!("bomb: refused after {:.1} s", took.as_secs_f64());
            longest = longest.max(took);
        }
        Ok(())
    };
    let measured = measure();
    let found = traffic.finish()?;
    measured?;
    ensure!(
        host.stderr().contains("compiling it takes more "),
        "it was refused for another reason:\n{}",
        host.stderr()
    );
    let [steady, harmed] =
        [Phase::Steady, Phase::Harmed].map(|phase| found.latency(phase, [99.0])[0].as_secs_f64());
    eprintln!(
        "bomb: {} lines; p99 {:.2} ms without it, {:.2} with",
        found.lines,
        1000.0 * steady,
        1000.0 * harmed
    );
    Ok(vec![
        Measure::at_most(
            RATIO,
            "",
            "p99 while it is compiled / without it",
            harmed / steady,
        ),
        Measure::at_most(
            REFUSED.as_secs_f64(),
            " s",
            "longest time until it was refused",
            longest.as_secs_f64(),
        ),
    ])
}

/// Adds a filter with this file to the configuration. Returns how long the host took to refuse it.
fn refused(host: &Host, traffic: &LongLived, file: &str) -> anyhow::Result<Duration> {
    let (before, start) = (host.reloads(Outcome::Refused), Instant::now());
    // The host watches the file and loads it once.
    host.replace_config(format!(
        "{}\n[filter.bomb]\nplugin = \"./{file}\"\n",
        soak::config()
    ));
    while host.reloads(Outcome::Refused) == before {
        ensure!(
            start.elapsed() < 2 * REFUSED && !traffic.stopped(),
            "still not refused after {:?}",
            start.elapsed()
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok(start.elapsed())
}
