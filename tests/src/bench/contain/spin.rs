//! Eight filters that spin indefinitely on two workers, while a hundred innocent connections send a
//! line now and then.
//!
//! In: the length of each phase. Out: the 99th percentile of innocent lines, and how long after its
//! deadline a spin was cut. A deadline is processor time. A filter that spins alone gets all of it at
//! once, so the client's clock measures the cut. Eight filters share two workers, so there the host
//! measures it (`linemill_filter_overrun_seconds`). A good line follows each spin, so that no breaker
//! opens and eight filters spin all the time.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use linemill_tests::soak::{self, LongLived, Pace, Phase};
use linemill_tests::{Client, Folder, Host, guest};

use super::measure::Measure;

const FILTERS: usize = 8;
const WORKERS: usize = 2;
const DEADLINE: Duration = Duration::from_millis(50);
/// How long a spin may last beyond its deadline.
const LATE: Duration = Duration::from_millis(10);
/// How long innocent lines may take.
const INNOCENT: Duration = Duration::from_millis(50);
/// Connections that send meanwhile, ten lines per second each.
const PACE: Pace = Pace {
    connections: 100,
    lines: 1000.0,
};

pub(super) fn run(time: Duration) -> anyhow::Result<Vec<Measure>> {
    let folder = Folder::new();
    folder.write("loop.wasm", guest::batch("loop"));
    let mut config = soak::config();
    for nth in 0..FILTERS {
        let _written = write!(
            config,
            "\n[[listener]]\nname = \"spin{nth}\"\nbind = \"127.0.0.1:0\"\nchain = [\"spin{nth}\"]\n\
             [filter.spin{nth}]\nplugin = \"./loop.wasm\"\ndeadline = \"{}ms\"\n",
            DEADLINE.as_millis()
        );
    }
    let host = Host::serve_on_workers(WORKERS, folder, config);
    let address = |nth| host.listener(1 + nth);
    let alone = spins(&[address(0)], || thread::sleep(time))?;
    let traffic = LongLived::start(host.address(), PACE);
    traffic.expect_moved(1)?;
    traffic.phase(Phase::Steady);
    thread::sleep(time);
    let all: Vec<SocketAddr> = (0..FILTERS).map(address).collect();
    let (cut, in_time) = (overruns(&host, None), overruns(&host, Some(LATE)));
    let eight = spins(&all, || {
        // By now, all of them spin.
        thread::sleep(time / 10);
        traffic.phase(Phase::Harmed);
        thread::sleep(time);
        traffic.phase(Phase::Between);
    })?;
    let cut = overruns(&host, None) - cut;
    let in_time = overruns(&host, Some(LATE)) - in_time;
    let found = traffic.finish()?;
    ensure!(
        cut == eight.len() as u64,
        "{cut} spins were cut, but {} were sent",
        eight.len()
    );
    let p99 = |phase| found.latency(phase, [99.0])[0];
    let most = |spins: &[Duration]| spins.iter().max().copied().unwrap_or_default();
    eprintln!(
        "spin: {} spins alone, the longest {:.1?}; {} by eight, the longest {:.1?}; {} innocent lines, p99 {:.1?} before",
        alone.len(),
        most(&alone),
        eight.len(),
        most(&eight),
        found.lines,
        p99(Phase::Steady)
    );
    let late = LATE.as_millis() as f64;
    Ok(vec![
        Measure::at_most(
            INNOCENT.as_millis() as f64,
            " ms",
            "p99 of 100 innocent connections, while 8 filters spin",
            milliseconds(p99(Phase::Harmed)),
        ),
        Measure::at_most(
            late,
            " ms",
            "longest beyond its deadline, spinning alone, by the client's clock",
            milliseconds(most(&alone)) - milliseconds(DEADLINE),
        ),
        Measure::exactly(
            cut,
            format!("of {cut} spins by eight, cut within {late} ms of their deadline"),
            in_time,
        ),
    ])
}

/// Makes a connection to each of these addresses spin repeatedly until `meanwhile` returns. Returns how
/// long each spin took, from its line to the answer.
fn spins(to: &[SocketAddr], meanwhile: impl FnOnce()) -> anyhow::Result<Vec<Duration>> {
    let stop = AtomicBool::new(false);
    let one = |address| {
        let (mut client, mut took) = (Client::connect(address), Vec::new());
        while !stop.load(Ordering::Relaxed) {
            let sent = Instant::now();
            client.send(b"spin!\n");
            client.expect(b"spin!\n");
            took.push(sent.elapsed());
            client.send(b"good\n");
            client.expect(b"GOOD\n");
        }
        took
    };
    thread::scope(|scope| {
        let threads: Vec<_> = to
            .iter()
            .map(|address| scope.spawn(move || one(*address)))
            .collect();
        meanwhile();
        stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for thread in threads {
            all.extend(
                thread
                    .join()
                    .map_err(|_| anyhow!("a line came back wrong"))?,
            );
        }
        Ok(all)
    })
}

/// Calls that were cut at their deadline; with `within`, only those cut within that time after it.
fn overruns(host: &Host, within: Option<Duration>) -> u64 {
    let name = "linemill_filter_overrun_seconds";
    let count = match within {
        None => host.metric(&format!("{name}_count"), &[]),
        Some(within) => {
            let most = within.as_secs_f64().to_string();
            host.metric(&format!("{name}_bucket"), &[("le", &most)])
        }
    };
    count as u64
}

fn milliseconds(time: Duration) -> f64 {
    1000.0 * time.as_secs_f64()
}
