//! Runs the same black-box cases against each rung of the ladder and against linemill itself.
//!
//! [`cases`] is the table of cases, with the servers that are known to fail them. A server's test
//! fails if a case fails unexpectedly, or if it passes though it is known to fail. [`server`]
//! starts the servers. [`http`] tests the first rung, which is a client.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation fails the test that made it"
)]

#[cfg(unix)]
mod cases;
mod http;
#[cfg(unix)]
mod server;

#[cfg(unix)]
use std::panic::catch_unwind;

#[cfg(unix)]
use cases::CASES;
#[cfg(unix)]
use server::{Kind, Server};

/// Runs all cases of the table, each against a new server of this kind.
#[cfg(unix)]
#[track_caller]
fn check(kind: Kind) {
    let mut unexpected = Vec::new();
    for case in CASES {
        if let Some(reason) = case.skip_reason(kind) {
            eprintln!("{kind:?}, {}: skipped: {reason}", case.name);
            continue;
        }
        let known_failure = case.known_failure(kind);
        let passed = catch_unwind(|| (case.run)(&Server::start(kind, case.settings))).is_ok();
        let result = match (passed, known_failure) {
            (true, None) => "passes".to_owned(),
            (false, None) => "FAILS".to_owned(),
            (false, Some(reason)) => format!("fails, as known: {reason}"),
            (true, Some(reason)) => format!("PASSES, though known to fail: {reason}"),
        };
        eprintln!("{kind:?}, {}: {result}", case.name);
        if passed == known_failure.is_some() {
            unexpected.push(case.name);
        }
    }
    assert!(
        unexpected.is_empty(),
        "{kind:?}: these cases do not behave as the table says: {unexpected:?}"
    );
}

#[cfg(unix)]
#[test]
fn fork() {
    check(Kind::Fork);
}

#[cfg(unix)]
#[test]
fn busy() {
    check(Kind::Busy);
}

#[cfg(unix)]
#[test]
fn select() {
    check(Kind::Select);
}

#[cfg(unix)]
#[test]
fn mio() {
    check(Kind::Mio);
}

#[cfg(unix)]
#[test]
fn tokio() {
    check(Kind::Tokio);
}

#[cfg(unix)]
#[test]
fn linemill() {
    check(Kind::Linemill);
}
