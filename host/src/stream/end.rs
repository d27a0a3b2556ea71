//! Why a stream ended.

use std::io;

use super::transport::is_truncated;
use linemill_sandbox::verdict::Close;

/// Why a stream ended.
#[derive(Debug)]
pub enum End {
    /// The client sent its FIN, and got all output queue.
    Eof,
    /// `idle_timeout`.
    IdleTimeout,
    /// `line_timeout`.
    LineTimeout,
    /// `write_timeout`, or nothing could be written for the length of `idle_timeout`.
    WriteTimeout,
    /// A line longer than `max_line`, and `oversize = "close"`.
    Oversize,
    /// A length that is none, with `framing = "octet"`.
    BadLength,
    /// A filter.
    Filter(Close),
    /// The host drains.
    Drained,
    /// Reading failed.
    Broken(io::Error),
    /// Writing failed.
    Unwritable(io::Error),
    /// The next hop of the connection's own could not be reached, or broke off.
    NextHop(io::Error),
}

impl End {
    /// Label for metrics.
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

    /// Whether lines that filters still hold go out.
    pub(super) fn finishes_chain(&self) -> bool {
        !matches!(
            self,
            Self::WriteTimeout | Self::Unwritable(_) | Self::NextHop(_) | Self::Filter(_)
        )
    }

    /// Whether what is owed is written yet.
    pub(super) fn flushes(&self) -> bool {
        !matches!(
            self,
            Self::WriteTimeout | Self::Unwritable(_) | Self::NextHop(_)
        )
    }

    /// Whether the client is told by a FIN.
    pub(super) fn closes_politely(&self) -> bool {
        match self {
            // What was sent may be read yet: only the sender's end is in doubt.
            Self::Broken(error) => is_truncated(error),
            Self::WriteTimeout | Self::Unwritable(_) => false,
            _ => true,
        }
    }
}
