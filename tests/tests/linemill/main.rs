//! The black-box tests: bytes against the real binary, one module a subject.
//!
//! | module | what it holds the host to |
//! |---|---|
//! | [`lines`] | what comes back for which bytes: framings, terminators, sizes (cases 1 to 13) |
//! | [`framings`] | NUL, counted octets, and an output framed otherwise (cases 10, 11) |
//! | [`timeouts`] | when a connection is closed for being silent or slow (cases 15 to 17) |
//! | [`limits`] | connections, memory, slow readers (cases 14, 18, 19) |
//! | [`chain`] | several filters in order, none, options of the command line |
//! | [`swap`] | a new chain under live connections (cases 23, 24) |
//! | [`corpus`] | broken configurations and plugins under a live connection: each is refused, nothing moves |
//! | [`compile`] | plugins made to keep the compiler busy |
//! | [`killed`] | hosts killed in the middle of a swap, and what the next start serves |
//! | [`soak`] | swaps under many connections, each line judged |
//! | [`handover`] | what a filter knows of a stream, from one version to the next |
//! | [`filters`] | each bundled filter as a component, with each of its settings |
//! | [`examples`] | the files of `config/` and `examples/`: accepted, and their outputs as written |
//! | [`faults`] | guests that trap, spin, grow, or answer nonsense |
//! | [`grants`] | what filters may import, and what they can do with it |
//! | [`breaker`] | a filter that keeps failing, and one that fails now and then |
//! | [`capsules`] | lines on which a filter trapped, written down and run again |
//! | [`quarantine`] | where lines go that a filter failed |
//! | [`bounds`] | each limit of a filter at its border, beyond it, and raised |
//! | [`hostile`] | guests that mean harm in other ways, and one that lies about its state |
//! | [`plugins`] | files that are no plugin, and guests that do not start |
//! | [`pipe`] | the verb `pipe` |
//! | [`pipe_to`] | `pipe --to`: on to a next hop |
//! | [`verbs`] | the other verbs, their exit codes and their texts |
//! | [`author`] | a filter made by `new` and `build` |
//! | [`admin`] | health, readiness, counters that add up |
//! | [`drain`] | SIGTERM and SIGINT with lines in flight |
//! | [`sinks`] | `to = "stdout"` |
//! | [`hops`] | a next hop of each client's own, and what it answers |
//! | [`shared`] | outputs that connections share: one connection for all, files |
//! | [`routes`] | lines that part: routes, copies, conditions |
//! | [`tls`] | certificates, handshakes, truncation (cases 20, 21) |
//! | [`unix`] | listeners on Unix sockets (case 22) |
//! | [`binds`] | IPv6, one port for two hosts, sockets handed over |
//! | [`transport`] | what handshakes, certificates and addresses cost whom; who gets a socket that was handed over |
//! | [`assault`] | many clients that mean harm, of every listener, beside others that do not |
//! | [`peers`] | slow and odd peers through a proxy that makes faults; floods; watermarks |
//! | [`rates`] | rates, and limits by address |
//! | [`clients`] | clients and servers that others wrote |
//! | [`redis`] | the example with redis-server |
//!
//! The numbers of cases are those of the behaviour that linemill promises; each test of one has
//! its number in its name. Names of files are those of `tests/guests`.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation fails the test that made it"
)]

mod admin;
#[cfg(target_os = "linux")]
mod assault;
mod author;
mod binds;
mod bounds;
mod breaker;
mod capsules;
mod chain;
mod clients;
#[cfg(unix)]
mod compile;
#[cfg(unix)]
mod corpus;
#[cfg(unix)]
mod drain;
mod examples;
mod faults;
mod filters;
mod framings;
mod grants;
#[cfg(unix)]
mod handover;
mod hops;
mod hostile;
#[cfg(unix)]
mod killed;
mod limits;
mod lines;
mod peers;
mod pipe;
mod pipe_to;
mod plugins;
#[cfg(unix)]
mod quarantine;
mod rates;
mod redis;
mod reload;
mod rollback;
mod routes;
mod shared;
mod sinks;
#[cfg(unix)]
mod soak;
#[cfg(unix)]
mod swap;
mod timeouts;
mod tls;
mod transport;
mod trials;
#[cfg(unix)]
mod unix;
mod verbs;
