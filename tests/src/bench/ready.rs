//! Which of many connections may be worked on, in turn.
//!
//! In: streams that do not block. Out: the index of one that is ready. A connection stays in turn
//! until it says that it would block, and while it is, others become ready too: none waits for long.
//! Not here: reading and writing.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// A poll, and whose turn it is.
pub(crate) struct Ready {
    poll: Poll,
    events: Events,
    /// Those that have not said yet that they would block: nothing tells of them again.
    queue: VecDeque<usize>,
    /// Whether each connection is in `queue`, or done.
    queued: Vec<bool>,
    /// Turns until the poll is asked again.
    turns: usize,
}

impl Ready {
    /// All streams, counted from 0.
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

    /// One that is ready, or none within `patience`.
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

    /// It did not say that it would block: it gets another turn.
    pub(crate) fn again(&mut self, nth: usize) {
        if !self.queued[nth] {
            self.queued[nth] = true;
            self.queue.push_back(nth);
        }
    }

    /// Nothing more is to be done on it, whatever the poll tells: it may well tell of its end.
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

/// What a read or write came to: `None` when it has to wait until the poll tells of it again.
pub(crate) fn settled(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
