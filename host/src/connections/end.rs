//! Why a connection ended, and what that means for what is left of it.

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
    /// An invalid length prefix, with `framing = "octet"`.
    BadLength,
    /// A filter closed the stream, or failed with `on_error = "close"`.
    Filter(Close),
    /// The host drains.
    Drained,
    /// Reading failed.
    Broken(io::Error),
    /// Writing failed.
    Unwritable(io::Error),
    /// The connection's own upstream could not be reached, or broke off.
    NextHop(io::Error),
}

impl End {
    /// The label of the metric `connections_closed`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Eof => "eof",
            Self::IdleTimeout => "idle_timeout",
            Self::LineTimeout => "line_timeout",
            Self::WriteTimeout => "write_timeout",
            Self::Oversize => "oversize",
            Self::BadLength => "bad_length",
            Self::Filter(Close::Verdict) => "filter",
            Self::Filter(Close::OnError) => "on_error",
            Self::Drained => "drain",
            Self::Broken(error) if is_truncated(error) => "truncated",
            Self::Broken(_) => "read_error",
            Self::Unwritable(_) => "write_error",
            Self::NextHop(_) => "next_hop",
        }
    }

    /// The system's error, where there is one.
    pub fn error(&self) -> Option<&io::Error> {
        match self {
            Self::Broken(error) | Self::Unwritable(error) | Self::NextHop(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the lines that filters hold back go out.
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
            DeliveryEnd::Drained => Self::Drained,
        }
    }
}
