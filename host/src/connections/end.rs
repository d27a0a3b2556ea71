//! Why a connection ended, and what that means for its remaining lines.

use std::io;

use crate::net::transport::is_truncated;
use crate::sinks::connection_sink::DeliveryEnd;
use linemill_sandbox::verdict::Close;

/// Why a connection, or one direction of it, ended.
#[derive(Debug)]
pub enum End {
    /// The peer sent its FIN, and everything before it has been written.
    Eof,
    /// `idle_timeout`.
    IdleTimeout,
    /// `line_timeout`.
    LineTimeout,
    /// `write_timeout`.
    WriteTimeout,
    /// A line longer than `max_line`, and `oversize = "close"`.
    Oversize,
    /// The host had no memory for the rest of a line for too long.
    Memory,
    /// An invalid length prefix, with `framing = "octet"`.
    BadLength,
    /// A filter closed the stream, or failed with `on_error = "close"`, or the host could not run it.
    Filter(Close),
    /// The host drains or the listener is gone, and there was a moment without input with nothing
    /// owed to anybody.
    Settled,
    /// The host drains or the listener is gone, and the grace period is over.
    Drained,
    /// The grace period ended while lines waited for a shared sink.
    Undelivered,
    /// Reading failed.
    Broken(io::Error),
    /// Writing failed.
    Unwritable(io::Error),
    /// The connection's own upstream could not be reached, or the connection to it broke.
    NextHop(io::Error),
}

linemill_telemetry::label_values! {
    /// Why a connection ended, as metrics and the log name it.
    pub enum EndReason as "reason" {
        /// The client ended its stream, and all output has been written.
        Eof = "eof",
        /// No byte in either direction for `idle_timeout`.
        IdleTimeout = "idle_timeout",
        /// A line was not complete within `line_timeout`.
        LineTimeout = "line_timeout",
        /// Output made no progress for `write_timeout`.
        WriteTimeout = "write_timeout",
        /// A line was longer than `max_line`, and `oversize = "close"`.
        Oversize = "oversize",
        /// The host had no memory for the rest of a long line for 30 seconds.
        Memory = "memory",
        /// A length prefix was invalid, with `framing = "octet"`.
        BadLength = "bad_length",
        /// A filter closed the connection by its verdict.
        Filter = "filter",
        /// A line failed in a filter with `on_error = "close"`.
        OnError = "on_error",
        /// The host could not run a filter for ten seconds, such as for lack of memory.
        Host = "host",
        /// The host stopped, or the listener was removed.
        Drain = "drain",
        /// TLS ended without `close_notify`.
        Truncated = "truncated",
        /// Reading from the client failed.
        ReadError = "read_error",
        /// Writing failed.
        WriteError = "write_error",
        /// The connection's own upstream could not be reached, or the connection to it broke.
        NextHop = "next_hop",
        /// A bug in linemill: the task of the connection panicked.
        Panic = "panic",
        /// The TLS handshake with the client failed.
        Handshake = "handshake",
        /// The client's certificate was trusted, but had none of `client_names`.
        ClientName = "client_name",
        /// The client closed before the first byte of its TLS handshake, as health probes do.
        NoHandshake = "no_handshake",
    }
}

impl End {
    /// The reason, for the metric `connections_closed` and for the log.
    pub fn reason(&self) -> EndReason {
        match self {
            Self::Eof => EndReason::Eof,
            Self::IdleTimeout => EndReason::IdleTimeout,
            Self::LineTimeout => EndReason::LineTimeout,
            Self::WriteTimeout => EndReason::WriteTimeout,
            Self::Oversize => EndReason::Oversize,
            Self::Memory => EndReason::Memory,
            Self::BadLength => EndReason::BadLength,
            Self::Filter(Close::Verdict) => EndReason::Filter,
            Self::Filter(Close::OnError) => EndReason::OnError,
            Self::Filter(Close::Host) => EndReason::Host,
            Self::Settled | Self::Drained | Self::Undelivered => EndReason::Drain,
            Self::Broken(error) if is_truncated(error) => EndReason::Truncated,
            Self::Broken(_) => EndReason::ReadError,
            Self::Unwritable(_) => EndReason::WriteError,
            Self::NextHop(_) => EndReason::NextHop,
        }
    }

    /// The system's error, where there is one.
    pub fn error(&self) -> Option<&io::Error> {
        match self {
            Self::Broken(error) | Self::Unwritable(error) | Self::NextHop(error) => Some(error),
            _ => None,
        }
    }

    /// Whether lines that come afterwards are still delivered, where they need no answer.
    pub(super) fn reads_on(&self) -> bool {
        matches!(self, Self::Settled | Self::Drained | Self::IdleTimeout)
    }

    /// Whether the lines that filters hold back are sent.
    pub(super) fn finishes_chain(&self) -> bool {
        !matches!(
            self,
            Self::WriteTimeout | Self::Unwritable(_) | Self::NextHop(_) | Self::Filter(_)
        )
    }

    /// Whether queued output is still written.
    pub(super) fn flushes(&self) -> bool {
        !matches!(
            self,
            Self::WriteTimeout | Self::Unwritable(_) | Self::NextHop(_)
        )
    }

    /// Whether the client gets a FIN; otherwise the socket is just closed.
    pub(super) fn sends_fin(&self) -> bool {
        match self {
            // The client may still read: only its own end is in doubt.
            Self::Broken(error) => is_truncated(error),
            Self::WriteTimeout | Self::Unwritable(_) => false,
            _ => true,
        }
    }
}

impl From<DeliveryEnd> for End {
    fn from(end: DeliveryEnd) -> Self {
        match end {
            DeliveryEnd::Filter(close) => Self::Filter(close),
            DeliveryEnd::SinkClosed => Self::Unwritable(io::ErrorKind::BrokenPipe.into()),
            DeliveryEnd::Drained => Self::Undelivered,
        }
    }
}
