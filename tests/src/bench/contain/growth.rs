//! Memory: a filter that takes and uses all it can get, and one that returns far more than it may. The
//! result is the host's peak above its memory with an instance that did normal work.

use anyhow::ensure;
use linemill_tests::{Host, guest};

use super::measure::Measure;

/// How often each is done, so that leaks would add up.
const TIMES: u64 = 10;
/// Enough time to touch that much memory.
const DEADLINE: &str = "deadline = \"5s\"";

pub(super) fn run() -> anyhow::Result<Vec<Measure>> {
    let hoards = cost("hoard", 64, "memory")?;
    // 100 MiB, and the instance's own memory.
    let returns = cost("vast", 101, "host_memory")?;
    Ok(vec![
        Measure::at_most(2.0, " MiB", "takes all memory: above its 64 MiB", hoards),
        Measure::at_most(4.0, " MiB", "returns 100 MiB: above its 101 MiB", returns),
    ])
}

/// The most MiB that a filter costs the host, above the memory that it may have.
fn cost(name: &str, memory: u32, kind: &str) -> anyhow::Result<f64> {
    let keys = format!("memory = \"{memory}MiB\"\n{DEADLINE}");
    let host = Host::filtering(&guest::batch(name), &keys);
    let mut client = host.connect();
    let mut good = || {
        client.send(b"good\n");
        client.expect(b"GOOD\n");
    };
    good();
    host.forget_peak();
    let before = host.memory().resident;
    let mut client = host.connect();
    for _ in 0..TIMES {
        client.send(b"bad!\n");
        client.expect(b"bad!\n");
        good();
    }
    let peak = host.peak_memory();
    let failed = super::failures(&host, "guest", Some(kind));
    ensure!(
        failed == TIMES,
        "{name}: {failed} lines failed by `{kind}`, expected {TIMES}"
    );
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let cost = mib(peak) - mib(before);
    eprintln!(
        "growth: {name} made the host grow by {cost:.1} MiB from {:.1}",
        mib(before)
    );
    Ok(cost - f64::from(memory))
}
