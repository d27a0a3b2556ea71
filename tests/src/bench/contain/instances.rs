//! Instances that are created, trap and are dropped, repeatedly. Each connection has its own instance,
//! which a trap ends, so every line that traps costs one instance. The host's counters confirm it.

use std::time::Instant;

use linemill_tests::{Host, guest};

use super::alternate;
use super::measure::Measure;

/// Instances after which memory has reached its level.
const FIRST: u64 = 10_000;
/// How far resident memory may be from that level afterwards, in percent.
const DRIFT: f64 = 5.0;

pub(super) fn run(count: u64) -> anyhow::Result<Vec<Measure>> {
    let host = Host::filtering(&guest::batch("trap"), "isolation = \"connection\"");
    let start = Instant::now();
    let (first, mut level, mut worst) = (FIRST.min(count / 10), None, 0.0_f64);
    alternate::send(host.address(), count, |done| {
        if done >= first {
            let resident = host.memory().resident as f64;
            let level = *level.get_or_insert(resident);
            let drift = (resident - level) / level;
            if drift.abs() > worst.abs() {
                worst = drift;
            }
        }
    })?;
    let took = start.elapsed();
    eprintln!(
        "instances: {count} in {:.1} s; {:.1} MiB resident after the first {first}, the worst drift was {:+.2} %",
        took.as_secs_f64(),
        level.unwrap_or_default() / f64::from(1 << 20),
        100.0 * worst
    );
    let calls = host.metric("linemill_filter_calls_total", &[("filter", "guest")]);
    Ok(vec![
        Measure::exactly(count, "instances that trapped", {
            super::failures(&host, "guest", Some("trap"))
        }),
        Measure::exactly(2 * count, "calls, one per line", calls as u64),
        Measure::at_most(
            DRIFT,
            " %",
            format!("drift of resident memory after the first {first}"),
            100.0 * worst.abs(),
        ),
    ])
}
