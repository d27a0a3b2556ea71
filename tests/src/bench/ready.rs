//! Selects ready connections in turn.
//!
//! In: non-blocking streams. Out: the index of one that is ready. A connection stays in the queue
//! until it would block. The poll is asked in between, so that no connection waits long. Not here:
//! reading and writing.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// A poll, and the queue of ready connections.
pub(crate) struct Ready {
    poll: Poll,
    events: Events,
    /// Connections that did not block yet. The poll does not report them again.
    queue: VecDeque<usize>,
    /// Whether each connection is in `queue`, or finished.
    queued: Vec<bool>,
    /// Turns left until the poll is asked again.
    turns: usize,
}

impl Ready {
    /// Watches all streams; their indices count from 0.
    pub(crate) fn new<'a>(
        streams: impl Iterator<Item = &'a mut TcpStream>,
        interest: Interest,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut queued = Vec::new();
        for stream in streams {
            let token = Token(queued.len());
            poll.registry().register(stream, token, interest)?;
            queued.push(false);
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            queue: VecDeque::new(),
            queued,
            turns: 0,
        })
    }

    /// A ready connection; `None` if none becomes ready within `patience`.
    pub(crate) fn next(&mut self, patience: Duration) -> io::Result<Option<usize>> {
        if self.turns == 0 {
            self.ask(patience)?;
            self.turns = self.queue.len();
        }
        let next = self.queue.pop_front();
        if let Some(nth) = next {
            self.turns -= 1;
            self.queued[nth] = false;
        }
        Ok(next)
    }

    /// Gives a connection that did not block another turn.
    pub(crate) fn again(&mut self, nth: usize) {
        if !self.queued[nth] {
            self.queued[nth] = true;
            self.queue.push_back(nth);
        }
    }

    /// Removes a connection. Later events of the poll, such as its end, are ignored.
    pub(crate) fn done(&mut self, nth: usize) {
        self.queued[nth] = true;
    }

    fn ask(&mut self, patience: Duration) -> io::Result<()> {
        let idle = self.queue.is_empty();
        let patience = if idle { patience } else { Duration::ZERO };
        match self.poll.poll(&mut self.events, Some(patience)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in &self.events {
            let nth = event.token().0;
            if !self.queued[nth] {
                self.queued[nth] = true;
                self.queue.push_back(nth);
            }
        }
        Ok(())
    }
}

/// The result of a read or write; `None` if it would block until the poll reports the connection
/// again.
pub(crate) fn settled(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
