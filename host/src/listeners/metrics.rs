//! What listeners count: connections.

use std::io;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::connections::end::EndReason;
use linemill_telemetry::EachValue;

linemill_telemetry::metrics! {
    /// The connections of one listener.
    pub struct ListenerMetrics by "listener" ("the listener's `name`") {
        /// Open connections.
        #[metric("connections", unit = "connections")]
        pub connections: Gauge,
        /// Connections that have been accepted.
        #[metric("connections_accepted", unit = "connections")]
        pub accepted: Counter,
        /// Connections that were closed at once, by reason.
        #[metric("connections_refused", unit = "connections")]
        pub refused: EachValue<RefusalReason, Counter>,
        /// Connections that the system refused to accept, by reason. Accepting pauses after each.
        #[metric("accept_errors", unit = "errors")]
        pub accept_errors: EachValue<AcceptError, Counter>,
        /// Connections that have ended, by reason.
        #[metric("connections_closed", unit = "connections")]
        pub closed: EachValue<EndReason, Counter>,
        /// Datagrams that have been received.
        #[metric("datagrams", unit = "datagrams")]
        pub datagrams: Counter,
        /// Datagrams longer than 64 KiB; only their first 64 KiB were processed.
        #[metric("datagrams_cut", unit = "datagrams")]
        pub datagrams_cut: Counter,
        /// Datagrams that have been dropped, by reason.
        #[metric("datagrams_dropped", unit = "datagrams")]
        pub datagrams_dropped: EachValue<DatagramDrop, Counter>,
    }
}

linemill_telemetry::label_values! {
    /// Why a datagram is dropped.
    pub enum DatagramDrop as "reason" {
        /// The sender's address was not in `allow`.
        NotAllowed = "not_allowed",
        /// The sender's address was in `deny`.
        Denied = "denied",
        /// The kernel's receive buffer was full. Only for UDP, on Linux.
        Kernel = "kernel",
        /// The grace period was over.
        Drain = "drain",
    }
}

linemill_telemetry::label_values! {
    /// Why the system refuses to accept a connection.
    pub enum AcceptError as "reason" {
        /// The process, or the whole system, had no descriptor left.
        Descriptors = "descriptors",
        /// The system had no memory for the connection.
        Memory = "memory",
        /// Another error; the log has its text.
        Other = "other",
    }
}

impl AcceptError {
    /// The reason of an error of accept(2).
    pub fn of(error: &io::Error) -> Self {
        #[cfg(unix)]
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => return Self::Descriptors,
            Some(libc::ENOBUFS | libc::ENOMEM) => return Self::Memory,
            _ => {}
        }
        match error.kind() {
            io::ErrorKind::OutOfMemory => Self::Memory,
            _ => Self::Other,
        }
    }
}

linemill_telemetry::label_values! {
    /// Why a connection is closed at once.
    pub enum RefusalReason as "reason" {
        /// `max_connections` connections were already open.
        MaxConnections = "max_connections",
        /// The memory of the host was used up (`memory` of `[host]`).
        Memory = "memory",
        /// The host had as many instances of filters as the system has memory mappings for.
        Instances = "instances",
        /// `max_per_address` connections from the client's address, or its IPv6 network, were already
        /// open.
        MaxPerAddress = "max_per_address",
        /// The process had no descriptors for more clients, for 5 seconds.
        Descriptors = "descriptors",
        /// The client was this host itself, and its lines would have come from the listener that they
        /// went to.
        Loop = "loop",
        /// The client's address was not in `allow`, or the client had none.
        NotAllowed = "not_allowed",
        /// The client's address was in `deny`.
        Denied = "denied",
        /// The peer was not in `trust`, with `proxy_protocol = "accept"`.
        NotTrusted = "not_trusted",
        /// The PROXY protocol header was missing, invalid, or late.
        ProxyHeader = "proxy_header",
        /// The proxy closed before its first byte, as health checks do, with `proxy_protocol = "accept"`.
        NoProxyHeader = "no_proxy_header",
    }
}
