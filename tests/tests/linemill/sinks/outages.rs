//! A shared upstream that is killed, stopped, cut off and restarted under a steady flow of lines: each
//! line comes, or is counted as lost; none comes twice unless `resend` allows it; and lines flow again
//! soon after the outage.
//!
//! `cargo xtask soak outages` does the same for minutes.

use std::time::Duration;

use linemill_tests::outage::{Outage, Outages, Report};
use linemill_tests::{Network, skip};

/// Fast enough for connections to be trusted before they break.
const LINES: u32 = 10_000;
/// Lines of a moment: what the system of an upstream may have acknowledged and a process that ends has
/// not read.
const MOMENT: u64 = LINES as u64 / 5;
/// How soon lines must flow again. The limit is 2 s; tests share the machine.
const RECOVERY: Duration = Duration::from_secs(4);

#[track_caller]
fn strike(kind: Outage, resend: bool) -> Report {
    let outages = Outages {
        kind,
        time: Duration::from_secs(4),
        up: Duration::from_millis(2500),
        down: Duration::from_secs(1),
        lines: LINES,
        resend,
    };
    let report = outages.run().expect("an account of every line");
    assert_eq!(report.delivered + report.lost, report.sent, "{report:?}");
    assert!(report.slowest() < RECOVERY, "{report:?}");
    if resend {
        assert_eq!(report.lost, 0, "{report:?}");
    } else {
        assert_eq!((report.doubled, report.resent), (0, 0), "{report:?}");
    }
    let unread = match kind {
        Outage::Killed | Outage::Restarted => MOMENT * report.recoveries.len() as u64,
        Outage::Stopped | Outage::Cut => 0,
    };
    assert!(report.unaccounted() <= unread, "{report:?}");
    report
}

#[test]
fn an_upstream_that_is_killed() {
    strike(Outage::Killed, false);
}

#[test]
fn an_upstream_that_is_killed_with_resend() {
    strike(Outage::Killed, true);
}

#[test]
fn an_upstream_that_is_restarted() {
    strike(Outage::Restarted, false);
}

#[test]
fn an_upstream_that_is_restarted_with_resend() {
    strike(Outage::Restarted, true);
}

/// Its connection stays open, so nothing is lost either way.
#[test]
fn an_upstream_that_is_stopped() {
    let report = strike(Outage::Stopped, false);
    assert_eq!((report.lost, report.missing()), (0, 0), "{report:?}");
}

/// As above.
#[test]
fn an_upstream_that_is_cut_off() {
    match Network::new() {
        Ok(_) => {}
        Err(why) => return skip("an upstream that is cut off", &why),
    }
    let report = strike(Outage::Cut, false);
    assert_eq!((report.lost, report.missing()), (0, 0), "{report:?}");
}
