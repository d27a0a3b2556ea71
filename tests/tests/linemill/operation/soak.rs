//! Swaps under many connections. No line is lost, doubled, reordered, filtered by two generations, or
//! filtered by an older generation than the line before; no connection is refused or reset.
//!
//! `cargo xtask soak` does the same at full size, and checks times as well.

use std::time::Duration;

use linemill_tests::soak::{Burst, Changes, Churn, Departure, Departures, Pace, Soak, Storm};

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
    let (observations, swaps) = soak.run().expect("every line is correct");
    assert!(
        swaps.newest() > 24 && observations.lines > 100,
        "{} lines",
        observations.lines
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
        new_per_second: 100.0,
        reloads: 10,
        every: Duration::from_millis(200),
    };
    let report = storm.run().expect("every connection is served");
    assert!(report.short_lived > 10, "{}", report.short_lived);
}

#[test]
fn case_24_under_connections_that_send() {
    let burst = Burst {
        pace: PACE,
        signals: 100,
        within: Duration::from_secs(1),
    };
    let report = burst.run().expect("every line is correct");
    let loads = report.loads;
    assert!((1..=10).contains(&loads), "{loads} loads of 100 SIGHUPs");
}

#[test]
#[cfg(target_os = "linux")]
fn short_lived_connections_leave_no_descriptor() {
    let churn = Churn {
        new_per_second: 100.0,
        resets: 10,
        time: Duration::from_secs(2),
        looks: 10,
    };
    let report = churn.run().expect("every connection is served");
    assert!(report.connections > 20, "{}", report.connections);
    let [before, after] = report.descriptors;
    assert_eq!(after, before, "descriptors");
}

#[test]
fn changes_of_where_lines_go_and_come_from() {
    let changes = Changes {
        pace: PACE,
        changes: 20,
        every: Duration::from_millis(100),
    };
    let report = changes.run().expect("every line is found once");
    assert!(report.lines > 100 && report.copies > 0, "{report:?}");
}

#[test]
fn departures_under_senders_that_need_no_answer() {
    for kind in [Departure::Stop, Departure::Removal] {
        let departures = Departures {
            kind,
            senders: 50,
            gap: Duration::from_millis(70),
        };
        let lines = departures.run().expect("every line is delivered");
        assert!(lines > 100, "{lines}");
    }
}
