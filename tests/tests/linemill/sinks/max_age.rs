//! Connections to shared upstreams that are replaced when they are too old (`to_max_age`), under load.

use std::time::Duration;

use linemill_tests::{Host, Manner, Receiver, eventually};

use super::failover::{received, sending, settle, to};

/// Sends lines until so many connections have come. Asserts that every line comes once.
fn replaced(manner: Manner, connections: usize) {
    let upstream = Receiver::start(manner);
    let mut host = Host::with(&format!("{}to_max_age = \"1s\"\n", to(&[&upstream])));
    let sent = sending(&host, Duration::from_micros(200), |_| {
        for count in 1..=connections {
            eventually("another connection with lines", || {
                let found = upstream.connections();
                (found.get(count - 1)?.len() > 100_000).then_some(())
            });
        }
        // One before it is written to, and one that waits for its time.
        assert!(upstream.open() <= 2);
    });
    assert_eq!(settle(&mut host, sent), [0, 0]);
    assert!(received(&[&upstream], sent).iter().all(|times| *times == 1));
    let stderr = host.stderr();
    assert!(!stderr.contains(" WARN "), "{stderr}");
}

#[test]
fn a_connection_is_replaced_under_load_and_every_line_comes_once() {
    replaced(Manner::Reads, 3);
}

#[test]
fn an_upstream_that_takes_no_other_connection_stays_in_use() {
    let upstream = Receiver::start(Manner::Reads);
    let mut host = Host::with(&format!("{}to_max_age = \"5s\"\n", to(&[&upstream])));
    let sent = sending(&host, Duration::from_millis(2), |sent| {
        eventually("lines", || (upstream.bytes() > 10_000).then_some(()));
        upstream.behave(Manner::Full);
        host.expect_stderr("cannot replace a connection that is too old; it stays in use");
        let before = sent.load(std::sync::atomic::Ordering::Relaxed);
        eventually("further lines", || {
            let sent = sent.load(std::sync::atomic::Ordering::Relaxed);
            (sent > before + 500).then_some(())
        });
    });
    assert_eq!(settle(&mut host, sent), [0, 0]);
    assert_eq!(upstream.connections().len(), 1);
    assert!(received(&[&upstream], sent).iter().all(|times| *times == 1));
}

#[test]
fn the_greatest_age_changes_while_a_connection_is_open() {
    let upstream = Receiver::start(Manner::Reads);
    let mut host = Host::with(&to(&[&upstream]));
    let sent = sending(&host, Duration::from_millis(2), |_| {
        std::thread::sleep(Duration::from_secs(2));
        host.swap(Host::config(
            &format!("{}to_max_age = \"1s\"\n", to(&[&upstream])),
            "",
        ));
        eventually("another connection with lines", || {
            (upstream.connections().get(1)?.len() > 1000).then_some(())
        });
    });
    assert_eq!(settle(&mut host, sent), [0, 0]);
    assert!(received(&[&upstream], sent).iter().all(|times| *times == 1));
}
