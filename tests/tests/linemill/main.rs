//! The black-box tests: bytes against the real binary, one module a subject.
//!
//! | module | what it holds the host to |
//! |---|---|
//! | [`lines`] | what comes back for which bytes: framings, terminators, sizes (cases 1 to 13) |
//! | [`timeouts`] | when a connection is closed for being silent or slow (cases 15 to 17) |
//! | [`limits`] | connections, memory, slow readers (cases 14, 18, 19) |
//! | [`chain`] | several filters in order, none, options of the command line |
//! | [`swap`] | a new chain under live connections (cases 23, 24) |
//! | [`filters`] | each bundled filter as a component, with each of its settings |
//! | [`examples`] | the files of `config/` and `examples/`: accepted, and their outputs as written |
//! | [`faults`] | guests that trap, spin, grow, or answer nonsense |
//! | [`plugins`] | files that are no plugin, and guests that do not start |
//! | [`pipe`] | the verb `pipe` |
//! | [`verbs`] | the other verbs, their exit codes and their texts |
//! | [`author`] | a filter made by `new` and `build` |
//! | [`admin`] | health, readiness, counters that add up |
//! | [`drain`] | SIGTERM and SIGINT with lines in flight |
//! | [`sinks`] | `to = "stdout"` |
//! | [`real`] | a client that others wrote |
//!
//! The numbers of cases are those of the behaviour that linemill promises; each test of one has
//! its number in its name. Names of files are those of `tests/guests`.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation fails the test that made it"
)]

mod admin;
mod author;
mod chain;
#[cfg(unix)]
mod drain;
mod examples;
mod faults;
mod filters;
mod limits;
mod lines;
mod pipe;
mod plugins;
mod real;
mod sinks;
#[cfg(unix)]
mod swap;
mod timeouts;
mod verbs;
