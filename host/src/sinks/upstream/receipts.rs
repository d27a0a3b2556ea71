//! Which bytes handed to a connection its peer has acknowledged.
//!
//! In: the sizes of writes, and what the system says about the socket. Out: how many of the last bytes
//! handed over are not acknowledged, and how many certainly did not arrive. Not here: lines
//! (`queue_reader`).
//!
//! Over TLS the system counts encrypted bytes. A record can be decrypted only when the peer has all of
//! it, so a record is acknowledged as a whole or not at all. Its encrypted size is known within bounds,
//! and the bound is used that cannot make a line look delivered.

use std::collections::VecDeque;

use super::socket::Socket;
use crate::sinks::queue_reader::Outstanding;

/// A TLS record is longer than its content by at least this: a header of 5 bytes and a tag of 16
/// (RFC 8446, 5.2; RFC 7905).
const LEAST_OVERHEAD: usize = 21;
/// A TLS record is longer than its content by less than this, in all versions and suites offered here.
const MOST_OVERHEAD: usize = 64;

/// The last TLS records of a connection.
#[derive(Debug, Default)]
struct Records {
    /// Their sizes before encryption, oldest first.
    sizes: VecDeque<usize>,
    /// The sum of `sizes`.
    all: usize,
}

/// Keeps account of what a connection was given.
#[derive(Debug)]
pub(super) struct Receipts {
    /// `None` if the system says nothing about it.
    socket: Option<Socket>,
    /// Over TLS, the last records.
    records: Option<Records>,
    /// Whether the last record has not been handed to the system whole.
    unflushed: bool,
    /// Whether FIN has been sent, which the system counts as one byte.
    finished: bool,
}

impl Receipts {
    pub(super) fn new(socket: Option<Socket>, tls: bool) -> Self {
        Self {
            socket,
            records: tls.then(Records::default),
            unflushed: false,
            finished: false,
        }
    }

    /// The socket, if the system says something about it.
    pub(super) fn socket(&self) -> Option<&Socket> {
        self.socket.as_ref()
    }

    /// Notes a write. Over TLS it is one record, and not [flushed](Self::flushed) yet.
    pub(super) fn wrote(&mut self, bytes: usize) {
        if let Some(records) = &mut self.records {
            records.sizes.push_back(bytes);
            records.all += bytes;
            self.unflushed = true;
        }
    }

    /// Notes that the system has everything written.
    pub(super) fn flushed(&mut self) {
        self.unflushed = false;
    }

    /// Whether something written must be flushed first.
    pub(super) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    /// Notes that FIN was sent.
    pub(super) fn finished(&mut self) {
        self.finished = true;
    }

    /// How many of `in_flight` bytes written are not acknowledged.
    pub(super) fn unacknowledged(&mut self, in_flight: usize) -> usize {
        if in_flight == 0 {
            return 0;
        }
        let socket = self.socket.as_ref();
        let unacknowledged = socket.and_then(Socket::unacknowledged);
        self.in_plain(unacknowledged.unwrap_or(0), 0, in_flight)
            .unacknowledged
    }

    /// What is outstanding of `in_flight` bytes written.
    pub(super) fn outstanding(&mut self, in_flight: usize) -> Outstanding {
        let socket = self.socket.as_ref();
        let unacknowledged = socket.and_then(Socket::unacknowledged);
        let unsent = socket.and_then(Socket::unsent);
        self.in_plain(unacknowledged.unwrap_or(0), unsent.unwrap_or(0), in_flight)
    }

    /// Turns what the system counts into what was written.
    fn in_plain(&mut self, unacknowledged: usize, unsent: usize, in_flight: usize) -> Outstanding {
        let fin = usize::from(self.finished);
        let counted = Outstanding {
            unacknowledged: unacknowledged.saturating_sub(fin),
            unsent: unsent.saturating_sub(fin),
        };
        let found = match &mut self.records {
            None => counted,
            Some(records) => {
                records.forget_all_but(in_flight);
                records.outstanding(self.unflushed, counted)
            }
        };
        let unacknowledged = found.unacknowledged.min(in_flight);
        Outstanding {
            unacknowledged,
            unsent: found.unsent.min(unacknowledged),
        }
    }
}

// === impl Records ===

impl Records {
    /// Forgets the first records but for those that the last `in_flight` bytes are in.
    fn forget_all_but(&mut self, in_flight: usize) {
        while let Some(first) = self.sizes.front()
            && self.all - first >= in_flight
        {
            self.all -= first;
            self.sizes.pop_front();
        }
    }

    /// What is outstanding of the records' content, if the system has counted so much of their
    /// encrypted form.
    fn outstanding(&self, unflushed: bool, counted: Outstanding) -> Outstanding {
        let mut newest = self.sizes.iter().rev().copied();
        let Outstanding {
            mut unacknowledged,
            mut unsent,
        } = counted;
        // Whatever the system has of a record that it does not have whole, it is not whole.
        let rest = if unflushed { newest.next() } else { None };
        let rest = rest.unwrap_or(0);
        if unflushed {
            unsent = unsent.saturating_sub(rest + MOST_OVERHEAD);
        }
        let mut found = Outstanding {
            unacknowledged: rest,
            unsent: rest,
        };
        for record in newest {
            if unacknowledged == 0 {
                break;
            }
            found.unacknowledged += record;
            unacknowledged = unacknowledged.saturating_sub(record + LEAST_OVERHEAD);
            if unsent > 0 {
                found.unsent += record;
                unsent = unsent.saturating_sub(record + MOST_OVERHEAD);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
