//! The same black-box cases against each rung of the ladder and against linemill itself.
//!
//! [`cases`] is the table: what is tried, and of whom it is known to fail, with the reason. A case
//! that fails elsewhere fails the test of that server; so does one that is known to fail and holds.
//! [`server`] starts the servers, [`http`] holds the client, which is no server, to its own. Numbers
//! of cases are those of the behaviour that linemill promises.

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

/// Tries all cases of the table on servers of one kind, a new one for each.
#[cfg(unix)]
#[track_caller]
fn hold(kind: Kind) {
    let mut wrong = Vec::new();
    for case in CASES {
        if let Some(reason) = case.left_out_of(kind) {
            eprintln!("{kind:?}, {}: not tried: {reason}", case.name);
            continue;
        }
        let known = case.known_of(kind);
        let held = catch_unwind(|| (case.run)(&Server::start(kind, case.settings))).is_ok();
        let verdict = match (held, known) {
            (true, None) => "holds".to_owned(),
            (false, None) => "FAILS".to_owned(),
            (false, Some(reason)) => format!("fails, as known: {reason}"),
            (true, Some(reason)) => format!("HOLDS, though known to fail: {reason}"),
        };
        eprintln!("{kind:?}, {}: {verdict}", case.name);
        if held == known.is_some() {
            wrong.push(case.name);
        }
    }
    assert!(
        wrong.is_empty(),
        "{kind:?}: not as the table says: {wrong:?}"
    );
}

#[cfg(unix)]
#[test]
fn fork() {
    hold(Kind::Fork);
}

#[cfg(unix)]
#[test]
fn busy() {
    hold(Kind::Busy);
}

#[cfg(unix)]
#[test]
fn select() {
    hold(Kind::Select);
}

#[cfg(unix)]
#[test]
fn mio() {
    hold(Kind::Mio);
}

#[cfg(unix)]
#[test]
fn tokio() {
    hold(Kind::Tokio);
}

#[cfg(unix)]
#[test]
fn linemill() {
    hold(Kind::Linemill);
}
