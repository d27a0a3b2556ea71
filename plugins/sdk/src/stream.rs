//! The stream whose lines a filter judges: who sent them, and where they came in.
//!
//! A filter that calls these functions imports `stream` of the WIT package, so its configuration must
//! have `grant = ["stream"]`. Call them from [`Filter::begin`](crate::Filter::begin),
//! [`Filter::line`](crate::Filter::line) and [`Filter::finish`](crate::Filter::finish). Elsewhere there is no stream, and a call is a trap; in tests
//! it panics. Tests say what the stream is by [`testing::with_stream`](crate::testing::with_stream).
//!
//! A filter that keeps no state serves many streams, so it must ask again in each call: see
//! [`Filter::begin`](crate::Filter::begin). Functions that return text take about three times as long as the
//! others.

use std::net::SocketAddr;

/// Which way the lines of a connection flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From the client to its destination. Lines that do not come from a connection are requests, too.
    #[default]
    Request,
    /// From an upstream back to the client.
    Reply,
}

/// How lines are told apart in the stream of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// LF ends a line, and so does CR LF.
    #[default]
    Lf,
    /// Only CR LF ends a line.
    Crlf,
    /// NUL ends a line.
    Nul,
    /// Each line has its length before it.
    Octet,
    /// Each line is framed in a way of its own.
    Auto,
}

/// The number of the connection among all of the host process; the same in both directions. It is 0
/// for lines that do not come from a connection.
pub fn connection() -> u64 {
    source::connection()
}

/// Which way the lines flow.
pub fn direction() -> Direction {
    source::direction()
}

/// The name of the listener in the host's configuration; `None` if the lines come from no listener.
pub fn listener() -> Option<String> {
    source::listener()
}

/// The client's address. `None` for clients without an IP address and for streams that several clients
/// share.
pub fn peer() -> Option<SocketAddr> {
    source::peer()
}

/// The name by which the client asked for the host in its TLS handshake (server name indication).
/// `None` without TLS, or if it named nothing.
pub fn server_name() -> Option<String> {
    source::server_name()
}

/// The name in the client's certificate by which it was admitted; `None` without one.
pub fn client_name() -> Option<String> {
    source::client_name()
}

/// The framing of the lines.
pub fn framing() -> Framing {
    source::framing()
}

#[cfg(target_family = "wasm")]
mod source {
    use super::{Direction, Framing, SocketAddr};
    use crate::component::import_bindings::linemill::filter::stream as host;

    pub(super) use host::{client_name, connection, listener, server_name};

    pub(super) fn direction() -> Direction {
        match host::direction() {
            host::Flow::Request => Direction::Request,
            host::Flow::Reply => Direction::Reply,
        }
    }

    pub(super) fn peer() -> Option<SocketAddr> {
        let peer = host::peer()?;
        let ip = match peer.ip {
            host::IpAddress::Ipv4(bytes) => <[u8; 4]>::from(bytes).into(),
            host::IpAddress::Ipv6(groups) => <[u16; 8]>::from(groups).into(),
        };
        Some(SocketAddr::new(ip, peer.port))
    }

    pub(super) fn framing() -> Framing {
        match host::framing() {
            host::LineFraming::Lf => Framing::Lf,
            host::LineFraming::Crlf => Framing::Crlf,
            host::LineFraming::Nul => Framing::Nul,
            host::LineFraming::Octet => Framing::Octet,
            host::LineFraming::Auto => Framing::Auto,
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod source {
    use super::{Direction, Framing, SocketAddr};
    use crate::testing::stream::current;

    pub(super) fn connection() -> u64 {
        current(|stream| stream.connection)
    }

    pub(super) fn direction() -> Direction {
        current(|stream| stream.direction)
    }

    pub(super) fn listener() -> Option<String> {
        current(|stream| stream.listener.clone())
    }

    pub(super) fn peer() -> Option<SocketAddr> {
        current(|stream| stream.peer)
    }

    pub(super) fn server_name() -> Option<String> {
        current(|stream| stream.server_name.clone())
    }

    pub(super) fn client_name() -> Option<String> {
        current(|stream| stream.client_name.clone())
    }

    pub(super) fn framing() -> Framing {
        current(|stream| stream.framing)
    }
}
