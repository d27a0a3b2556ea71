//! Swaps under many connections: no line lost, doubled, out of order, filtered by two generations
//! or by an older one than the line before; no connection refused or reset. `cargo xtask soak`
//! does the same at full size, and judges times too.

use std::time::Duration;

use linemill_tests::soak::{Burst, Churn, Pace, Soak, Storm};

const PACE: Pace = Pace {
    connections: 16,
    lines: 2000.0,
};

#[test]
fn swaps_under_connections_that_send() {
    let soak = Soak {
        pace: PACE,
        swaps: 24,
        every: Duration::from_millis(100),
    };
    let (found, swaps) = soak.run().expect("every line is right");
    assert!(
        swaps.newest() > 24 && found.lines > 100,
        "{} lines",
        found.lines
    );
    assert_eq!(swaps.host().generation(), swaps.newest());
}

#[test]
fn reloads_while_connections_come_and_go() {
    let storm = Storm {
        pace: Pace {
            connections: 60,
            lines: 600.0,
        },
        visitors: 100.0,
        reloads: 10,
        every: Duration::from_millis(200),
    };
    let stormed = storm.run().expect("every connection is served");
    assert!(stormed.visitors > 10, "{} visitors", stormed.visitors);
}

#[test]
fn case_24_under_connections_that_send() {
    let burst = Burst {
        pace: PACE,
        signals: 100,
        within: Duration::from_secs(1),
    };
    let bursts = burst.run().expect("every line is right");
    let loads = bursts.loads;
    assert!((1..=10).contains(&loads), "{loads} loads of 100 SIGHUPs");
}

#[test]
#[cfg(target_os = "linux")]
fn connections_that_come_and_go_leave_no_descriptor() {
    let churn = Churn {
        visitors: 100.0,
        resets: 10,
        time: Duration::from_secs(2),
        looks: 10,
    };
    let churned = churn.run().expect("every connection is served");
    assert!(churned.visitors > 20, "{} visitors", churned.visitors);
    let [before, after] = churned.descriptors;
    assert_eq!(after, before, "descriptors");
}
