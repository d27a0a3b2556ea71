//! What the log says of clients whose lines cannot be taken as they come.
//!
//! In: what is wrong, with the client and the first bytes. Out: at most one warning per second and kind,
//! for all connections of a listener: a sender with the wrong framing would otherwise lose its lines
//! without a word. Not here: counting (`metrics`), failed handshakes (`listeners`).

use linemill_sandbox::supervise::quarantine::Origin;
use linemill_telemetry::Gate;

/// Bytes that a warning shows.
const SHOWN: usize = 48;

/// What is wrong with a client's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// A frame does not begin with a valid length.
    BadLength,
    /// A line was not complete in time.
    LineTimeout,
    /// A line was too long, and the connection is closed for it.
    Oversize,
    /// A line without a terminator was dropped.
    Partial,
    /// Lines were dropped because the outgoing framing cannot contain them.
    Unfit,
}

/// A gate for each kind of complaint.
#[derive(Debug, Default)]
pub struct Complaints([Gate; 5]);

/// The first bytes of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstBytes {
    bytes: [u8; SHOWN],
    count: usize,
}

impl Complaints {
    /// Logs `complaint` about the client of `origin`, whose bytes begin with `first`.
    pub(crate) fn log(&self, complaint: Complaint, origin: &Origin, first: &[u8]) {
        let Some(not_logged) = self.0[complaint as usize].pass() else {
            return;
        };
        let listener = origin.listener.as_deref().unwrap_or_default();
        let peer = origin.peer.map(|peer| peer.to_string());
        let peer = peer.as_deref().unwrap_or("unix");
        let first = first[..first.len().min(SHOWN)].escape_ascii();
        tracing::warn!(listener, peer, %first, not_logged, "{}", complaint.text());
    }
}

impl Complaint {
    fn text(self) -> &'static str {
        match self {
            Self::BadLength => {
                "connection closed: no valid length where a frame begins; does the client send `octet` frames?"
            }
            Self::LineTimeout => {
                "connection closed: no terminator within `line_timeout`; does the client end its lines as `framing` says?"
            }
            Self::Oversize => {
                "connection closed: a line is longer than `max_line`; does the client end its lines as `framing` says?"
            }
            Self::Partial => "the end of the stream was dropped: it has no terminator",
            Self::Unfit => "lines dropped: the framing in `to_framing` cannot contain them",
        }
    }
}

impl FirstBytes {
    /// Those of `block`.
    #[inline]
    pub(crate) fn of(block: &[u8]) -> Self {
        let count = block.len().min(SHOWN);
        let mut bytes = [0; SHOWN];
        bytes[..count].copy_from_slice(&block[..count]);
        Self { bytes, count }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}
