//! The black-box tests: bytes in and out of the real binary, in folders as the host's code is.
//!
//! In: the `linemill` binary beside this one, and what `linemill_tests` offers to drive it.
//! Out: one test binary; run a part of it by its path, such as `cargo test -p linemill-tests sinks::`.
//! Not here: anything that calls the host's code; its own tests do that.
//!
//! The modules below are the index: the line above each says what it holds the host to. A test
//! named `case_NN_…` checks the case with that number in the behaviour that linemill promises.
//! Names of guests are those of the files in `tests/guests`.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation fails the test that made it"
)]

/// How bytes become lines, and lines bytes.
mod framing {
    /// NUL-terminated lines, counted octets, and an output framed differently (cases 10, 11).
    mod framings;
    /// LF and CRLF: what comes back for which bytes, terminators, oversized lines (cases 1 to 9, 12, 13).
    mod lines;
}

/// Configuration files: what is accepted, and how everything else is refused.
mod config {
    /// The files of `config/` and `examples/`: accepted, with the outputs written beside them.
    mod examples;
    /// Broken configurations and plugins, tried at a reload: each is refused, and nothing changes.
    #[cfg(unix)]
    mod refusals;
}

/// Filters: what they do to lines, and what they cannot do to the host.
mod sandbox {
    /// The circuit breaker of a filter that keeps failing.
    mod breaker;
    /// Each bundled filter as a component, with each of its settings.
    mod bundled;
    /// Trap capsules: what they hold, and `replay`.
    mod capsules;
    /// Chains: order, empty chains, state per connection.
    mod chains;
    /// Plugins that keep the compiler busy or make it take memory.
    #[cfg(unix)]
    mod compile;
    /// Guests that trap, spin, grow, or answer nonsense.
    mod faults;
    /// What filters may import, and what they can do with it.
    mod grants;
    /// Guests that attack the host in other ways, and one that lies about its state.
    mod hostile;
    /// Each limit of a filter: at its border, above it, and raised.
    mod limits;
    /// Files that are not plugins, and guests that do not start.
    mod plugins;
    /// Canaries and shadows, and how a trial ends.
    mod trials;
}

/// The verbs of the command line.
mod cli {
    /// `new` and `build`: a filter of one's own.
    mod author;
    /// `pipe`: standard input through a chain to standard output.
    mod pipe;
    /// `pipe --to`: standard input through a chain to a destination.
    mod pipe_to;
    /// Every other verb: exit codes and output.
    mod verbs;
}

/// Where the host listens, and what is negotiated before the first line.
mod listeners {
    /// IPv6, one port for two hosts, sockets that systemd opened.
    pub(crate) mod binds;
    /// TLS: certificates, handshakes, truncation (cases 20, 21).
    mod tls;
    /// What handshakes, certificates and addresses cost other clients.
    mod transport;
    /// Unix sockets (case 22).
    #[cfg(unix)]
    mod unix;
}

/// Clients: well-behaved, slow, greedy, or written by others.
mod connections {
    /// `max_connections`, memory, and readers that do not read (cases 14, 18, 19).
    mod limits;
    /// Slow and faulty peers behind a proxy, floods of connections, watermarks.
    mod peers;
    /// Clients and servers that others wrote: netcat, socat, OpenSSL, logger, rsyslogd.
    mod programs;
    /// Rates, and limits per address.
    mod rates;
    /// Silent and slow connections are closed (cases 15 to 17).
    mod timeouts;
}

/// Where lines go.
mod sinks {
    /// Lines that a filter failed, sent to quarantine.
    #[cfg(unix)]
    mod quarantine;
    /// The example with redis-server as the upstream.
    mod redis;
    /// Routes, copies (`tee`), and conditions (`when`).
    mod routes;
    /// Sinks that connections share: one upstream connection for all, files.
    mod shared;
    /// `to = "stdout"`.
    mod stdout;
    /// An upstream connection per client, and the answers.
    mod upstreams;
}

/// Changes while the host runs, and its end.
mod control {
    /// SIGTERM and SIGINT with lines in flight.
    #[cfg(unix)]
    mod drain;
    /// The state of a stream, from one version of a filter to the next.
    #[cfg(unix)]
    mod handover;
    /// Hosts killed during a swap, and what the next start serves.
    #[cfg(unix)]
    mod kill;
    /// Reloads on request: what they answer, and what the host reports about its generations.
    mod reload;
    /// Back to the previous generation, on request and automatically.
    mod rollback;
    /// A new chain under live connections (cases 23, 24).
    #[cfg(unix)]
    mod swap;
}

/// The admin address.
mod admin {
    /// Health, readiness, access, and counters that add up.
    mod endpoint;
}

/// Everything at once, over time.
mod operation {
    /// Hostile clients of every kind of listener, next to innocent ones that must not notice.
    #[cfg(target_os = "linux")]
    mod assault;
    /// Swaps under many connections: every line is judged.
    #[cfg(unix)]
    mod soak;
}
