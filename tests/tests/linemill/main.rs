//! The black-box tests: bytes in and out of the real binary, in folders as the host's code is.
//!
//! In: the `linemill` binary next to this one, and what `linemill_tests` offers to drive it.
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
    /// Octet frames and lines on one connection (`framing = "auto"`).
    mod auto;
    /// NUL-terminated lines, counted octets, and an output framed differently (cases 10, 11).
    mod framings;
    /// LF and CRLF: bytes in, bytes out, terminators, partial lines (cases 1 to 9).
    mod lines;
    /// Lines longer than `max_line`, under each policy (cases 12, 13).
    mod oversized;
    /// Helper: input in pieces of every size.
    mod pieces;
}

/// Configuration files: what is accepted, and how everything else is refused.
mod config {
    /// Tests of whole chains: `[[test]]`.
    mod chain_tests;
    /// The files of `config/` and `examples/`: accepted, with the outputs written next to them.
    mod examples;
    /// Environment variables and files as values, and included files.
    #[cfg(unix)]
    mod outside;
    /// Broken files, tried at a reload: each is refused, and nothing changes.
    #[cfg(unix)]
    mod refusals {
        /// Entries: broken configurations.
        mod configurations;
        /// Helper: puts a link, a pipe, a folder or nothing where a file was.
        mod content;
        /// The tests: every entry and every golden report, on a host with a live connection.
        mod entries;
        /// Entries: broken plugins.
        mod plugins;
    }
}

/// Filters: what they do to lines, and what they cannot do to the host.
mod sandbox {
    /// Filters that describe themselves.
    mod about;
    /// Limits on a plugin as it is loaded, and changes of limits at a reload.
    mod admission;
    /// What filters may ask about their streams, and their last words.
    mod asking;
    /// The circuit breaker of a filter that keeps failing.
    mod breaker;
    /// The bundled filters, as components: exact output for each setting.
    mod bundled {
        /// Several of them in one chain.
        mod chained;
        /// `number`, `dedup`, `sample`.
        mod counting;
        /// `grep`.
        mod grep;
        /// `json`.
        mod json;
        /// `rot13`, `case`.
        mod letters;
        /// Helper: runs input through one filter.
        mod pipe;
        /// `redact`.
        mod redact;
        /// `replace`, `parse`, `join`, `fields`, `case`, `route` and `throttle`.
        mod shaping;
    }
    /// Compiled plugins on disk.
    #[cfg(unix)]
    mod cache;
    /// Trap capsules: what they contain, and `replay`.
    mod capsules;
    /// Chains: order, empty chains, state per connection.
    mod chains;
    /// Plugins that keep the compiler busy or exhaust its memory.
    #[cfg(unix)]
    mod compile;
    /// Stages that run only for lines that match `when`.
    mod conditions;
    /// A host without room for another instance: lines wait, and never pass unfiltered.
    #[cfg(target_os = "linux")]
    mod exhaustion;
    /// Filters that keep something back: lines that they cannot handle do not pass by default.
    mod fail_closed;
    /// Guests that trap, spin, grow, or answer nonsense, under each policy of `on_error`.
    mod faults;
    /// What filters may import, and what they can do with it.
    mod grants;
    /// Guests that attack the host in other ways, and one that lies about its state.
    mod hostile;
    /// Each limit on a call: at the limit, above it, and raised.
    mod limits;
    /// Files that are not plugins, and guests that do not start.
    mod plugins;
    /// After a fault: affected lines, batches, instances.
    mod recovery;
    /// The store and the metrics of a filter, and instances that retire.
    mod sharing;
    /// Filters that are called when no line comes.
    mod ticking;
    /// Canaries and shadows, and how a trial ends.
    mod trials;
    /// Verdicts on lines, and lines that a filter holds back.
    mod verdicts;
}

/// The verbs of the command line.
mod cli {
    /// Filters with their settings on the command line, and the list of `filters`.
    mod arguments;
    /// `new` and `build`: a new filter.
    mod author;
    /// Names and messages of others on the terminal: plugins, capsules, configurations, hosts.
    mod hostile;
    /// `--json` of the verbs that have it.
    mod json;
    /// `pipe`: standard input through a chain to standard output.
    mod pipe;
    /// `pipe --to`: standard input through a chain to a destination.
    mod pipe_to;
    /// `schema`: the JSON Schema of configurations.
    mod schema;
    /// `top`: the live view on a terminal, pages and documents.
    mod top;
    /// Every other verb that ends by itself: exit codes and output.
    mod verbs;
}

/// Where the host listens, and what is negotiated before the first line.
mod listeners {
    /// IPv6, both address families, one port for two hosts.
    mod binds;
    /// Lines in datagrams: UDP and Unix sockets.
    mod datagrams;
    /// TLS handshakes that fail or never finish, certificates replaced without a signal.
    mod handshakes;
    /// Lines that would come back to where they were.
    mod loops;
    /// Whose clients may connect: `allow` and `deny`.
    mod networks;
    /// Clients behind proxies: the PROXY protocol, also as haproxy sends it.
    mod proxied;
    /// The next host starts next to the last one.
    #[cfg(target_os = "linux")]
    mod restarts;
    /// Sockets that systemd opened.
    #[cfg(target_os = "linux")]
    pub(crate) mod systemd;
    /// TLS: certificates, truncation, plain text (cases 20, 21).
    mod tls;
    /// Unix sockets (case 22).
    #[cfg(unix)]
    mod unix;
}

/// Clients: well-behaved, slow, greedy, or written by others.
mod connections {
    /// What the log says of senders with another framing.
    mod complaints;
    /// Many connections at once, and no descriptors left.
    mod floods;
    /// haproxy, which sends its own log through a `ring`.
    #[cfg(unix)]
    mod haproxy_ring;
    /// `max_connections`, memory, readers that do not read (cases 14, 18, 19).
    mod limits;
    /// Clients and servers that others wrote: netcat, socat, OpenSSL.
    mod programs;
    /// Rates, and limits per address.
    mod rates;
    /// Resets anywhere in a stream.
    mod resets;
    /// Peers that send byte by byte, late, or not at all; watermarks.
    mod slow;
    /// Syslog senders that others wrote: logger, rsyslogd.
    mod syslog;
    /// syslog-ng as a sender, in every way that it has.
    #[cfg(unix)]
    mod syslog_ng;
    /// Silent and slow connections are closed (cases 15 to 17).
    mod timeouts;
}

/// Where lines go.
mod sinks {
    /// Several upstreams for one destination: fail-over, fail-back, and lists that change.
    #[cfg(unix)]
    mod failover;
    /// Upstreams and clients that are down, die, or do not read.
    mod failures;
    /// Files: shared, appended to, reopened at SIGHUP.
    mod files;
    /// A load balancer that accepts connections without a server behind it.
    #[cfg(unix)]
    mod haproxy;
    /// Connections to upstreams that are replaced when they are too old: `to_max_age`.
    #[cfg(unix)]
    mod max_age;
    /// An upstream that is killed, stopped, cut off and restarted under a steady flow of lines.
    #[cfg(target_os = "linux")]
    mod outages;
    /// Failed lines sent to quarantine.
    #[cfg(unix)]
    mod quarantine;
    /// The example with redis-server as the upstream.
    mod redis;
    /// Filters in both directions: `reply_chain`.
    mod replies;
    /// Lines that filters send to other sinks: `routes`.
    mod routes;
    /// One upstream connection that all clients share.
    mod shared;
    /// `to = "stdout"`.
    mod stdout;
    /// Syslog receivers that others wrote: rsyslogd, syslog-ng.
    #[cfg(unix)]
    mod syslog;
    /// Copies of lines: `tee`.
    mod tee;
    /// An upstream connection per client, over TCP, TLS and Unix sockets.
    mod upstreams;
}

/// Changes while the host runs, and its end.
mod control {
    /// Every way in which a file may change, each noticed in time.
    #[cfg(target_os = "linux")]
    mod changes {
        /// Entries: ways to change a file.
        mod entries;
        /// Helper: a host, one of its files, and what a change of it must lead to.
        mod site;
    }
    /// SIGTERM and SIGINT with lines in flight.
    #[cfg(unix)]
    mod drain;
    /// The state of a stream, handed over from one version of a filter to the next.
    #[cfg(unix)]
    mod handover;
    /// State that cannot be handed over.
    #[cfg(unix)]
    mod handover_failures;
    /// Files on a file system that never answers.
    #[cfg(target_os = "linux")]
    mod hanging;
    /// Hosts killed during a swap, and what the next start serves.
    #[cfg(unix)]
    mod kill;
    /// What clients send while the host stops or their listener is removed.
    #[cfg(unix)]
    mod last_lines;
    /// Listeners that a reload adds, removes, or cannot bind.
    mod listeners;
    /// Keys that a reload changes under open connections: sinks, framing, addresses, TLS, admin.
    mod live;
    /// Panics in a connection, and elsewhere.
    #[cfg(target_os = "linux")]
    mod panics;
    /// Reloads on request: what they answer, and `check --against`.
    pub(crate) mod reload;
    /// Back to the previous generation, on request and automatically.
    mod rollback;
    /// What a service manager is told.
    #[cfg(target_os = "linux")]
    mod service_manager;
    /// Each signal, also while the host starts and while it drains.
    #[cfg(unix)]
    mod signals;
    /// Helper: a host whose filter keeps state and is replaced.
    #[cfg(unix)]
    mod state;
    /// A new chain under live connections (cases 23, 24).
    #[cfg(unix)]
    mod swap;
    /// Files that are being written to, reloads that are tried again, and whether the disk is in force.
    #[cfg(unix)]
    mod watching;
}

/// The admin address.
mod admin {
    /// Tokens, Unix sockets, web pages, limits on clients.
    mod access;
    /// Many clients at once, slow ones, and those that leave.
    mod crowds;
    /// The text formats of `/metrics`, as Prometheus reads them.
    mod formats;
    /// What is logged, and who may change that.
    #[cfg(unix)]
    mod log;
    /// Health, readiness, and counters that add up.
    mod metrics;
    /// `/readyz` while outputs are down.
    #[cfg(target_os = "linux")]
    mod readiness;
    /// Which series there are, from the start of a host and after reloads.
    mod series;
    /// Generations, and what they still hold.
    mod status;
    /// Numbers in `/status`, compared with what clients and servers really sent and received.
    mod status_counts;
    /// Lines at stages, for those who have a token.
    mod tap;
}

/// Everything at once, over time.
mod operation {
    /// Thirty operations in a row, and what is known after each.
    #[cfg(target_os = "linux")]
    mod afternoon;
    /// Attackers of every kind, next to innocent connections that must not notice.
    #[cfg(target_os = "linux")]
    mod assault {
        /// The admin address under attack.
        mod admin;
        /// Lines around `max_line`, cut at every byte.
        mod borders;
        /// Random bytes, and more connections than are allowed.
        mod listeners;
        /// Clients and filters that take all the memory they can.
        mod memory;
        /// Resets in every phase of a connection.
        mod resets;
        /// Helper: a host with a listener of every kind, and innocent connections.
        mod scene;
        /// Clients that send single bytes, or never read.
        mod slow;
    }
    /// Standard error that takes nothing, or not enough.
    #[cfg(target_os = "linux")]
    mod log;
    /// Swaps, other changes and stops under many connections: every line is checked.
    #[cfg(unix)]
    mod soak;
}

/// The documentation: what it shows happens, and what it names exists.
mod documents {
    /// Files named in the pages.
    mod paths;
    /// The README's tour, command by command.
    #[cfg(target_os = "linux")]
    mod readme;
}
