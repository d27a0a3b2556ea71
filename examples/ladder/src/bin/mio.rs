//! Rung 5: let the system report what has changed. `ladder-mio ADDR:PORT`
//!
//! Teaches: a socket is registered once, and the system keeps the list. So the cost of a wait
//! depends on the number of events, not on the number of sockets. mio is a thin layer over epoll,
//! kqueue and IOCP, like libevent's events. Buffers, partial writes and the choice of events are
//! still this program's work.
//!
//! mio reports changes, not states (edge-triggered events). A program that is notified that a
//! socket is readable must read until the socket would block, or remember that it did not.
//! [`Connection::advance`] stops only when all its calls would block, or reports that it stopped to
//! give the other connections a turn.
//!
//! Breaks: complexity. Everything else that a line server needs (timeouts, TLS, rate limits, name
//! resolution, a second core) would have to be written by hand into this state machine. Silent
//! clients are never disconnected.
//!
//! Differences from the C code:
//! - The write queue has a single index, which becomes 0 when everything has been written: see
//!   `write_queue.rs`.
//! - After the end of input, the connection ends only when its write queue is empty, and nothing is
//!   used after it was freed.
//! - Any descriptor is accepted: nothing here has the 1,024-bit limit of `select`.
//! - While the write queue is long, nothing is read, and no read events are requested.
//! - A client that never pauses does not keep the others waiting.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use linemill_ladder::{CHUNK, HIGH, Lines, WriteQueue, is_connection_error, is_retryable, serve};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

/// The listener's token. Connections have higher tokens.
const LISTENER: Token = Token(0);
/// How many times in a row one connection reads and writes before the others have their turn.
const ROUNDS: usize = 16;
/// How long to wait if no file descriptor is available for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// The state of a connection.
struct Connection {
    stream: TcpStream,
    lines: Lines,
    queue: WriteQueue,
    /// The client has sent its FIN; nothing more is read.
    ended: bool,
    /// The events for which the socket is registered.
    registered: Interest,
}

/// How a connection's turn ended.
enum Turn {
    /// All calls would block; an event will follow.
    Blocked,
    /// It could continue; no event will follow.
    Yielded,
    /// The connection has ended.
    Done,
}

fn main() -> ExitCode {
    serve(run)
}

/// Serves connections indefinitely.
fn run(blocking: std::net::TcpListener) -> io::Result<()> {
    blocking.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(blocking);
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: HashMap<Token, Connection> = HashMap::new();
    let mut chunk = vec![0; CHUNK];
    let (mut next, mut exhausted) = (LISTENER, false);
    // Connections that can continue without an event.
    let mut ready: Vec<Token> = Vec::new();
    loop {
        let timeout = if !ready.is_empty() {
            Some(Duration::ZERO)
        } else if exhausted {
            Some(PAUSE)
        } else {
            None
        };
        match poll.poll(&mut events, timeout) {
            Err(error) if is_retryable(&error) => continue,
            done => done?,
        }
        // If the last accept failed, try again in any case: there is no second event for it.
        if exhausted || events.iter().any(|event| event.token() == LISTENER) {
            exhausted = accept(&listener, |stream| {
                next.0 += 1;
                let connection = Connection::new(stream, poll.registry(), next);
                connections.extend(connection.map(|connection| (next, connection)));
            });
        }
        ready.extend(events.iter().map(|event| event.token()));
        ready.sort_unstable();
        ready.dedup();
        ready.retain(|&token| {
            let Some(connection) = connections.get_mut(&token) else {
                return false;
            };
            let turn = connection.advance(&mut chunk);
            match turn.and_then(|turn| connection.register(turn, poll.registry(), token)) {
                Ok(Turn::Blocked) => false,
                Ok(Turn::Yielded) => true,
                // An error means that the client has disconnected. Dropping the socket deregisters
                // it.
                Ok(Turn::Done) | Err(_) => {
                    connections.remove(&token);
                    false
                }
            }
        });
    }
}

/// Accepts all waiting connections and passes them to `admit`. Returns whether one failed because a
/// resource, such as file descriptors, is exhausted.
fn accept(listener: &TcpListener, mut admit: impl FnMut(TcpStream)) -> bool {
    loop {
        match listener.accept() {
            Ok((stream, _)) => admit(stream),
            Err(error) if is_connection_error(&error) => {}
            Err(error) if is_retryable(&error) => return false,
            Err(error) => {
                eprintln!("accept: {error}");
                return true;
            }
        }
    }
}

impl Connection {
    /// Prepares an accepted connection. Returns `None` if it is already broken.
    fn new(mut stream: TcpStream, registry: &Registry, token: Token) -> Option<Self> {
        let registered = Interest::READABLE;
        stream.set_nodelay(true).ok()?;
        registry.register(&mut stream, token, registered).ok()?;
        Some(Self {
            stream,
            lines: Lines::default(),
            queue: WriteQueue::default(),
            ended: false,
            registered,
        })
    }

    /// Whether more may be read: not after the FIN, nor while the write queue is long.
    fn may_read(&self) -> bool {
        !self.ended && self.queue.pending().len() < HIGH
    }

    /// Reads and writes until both would block, or it is the other connections' turn.
    fn advance(&mut self, chunk: &mut [u8]) -> io::Result<Turn> {
        for _ in 0..ROUNDS {
            let mut progress = false;
            if self.may_read() {
                match self.stream.read(chunk) {
                    Ok(0) => {
                        self.ended = true;
                        self.lines.finish(|part| self.queue.enqueue(part));
                    }
                    Ok(count) => {
                        progress = true;
                        let chunk = &mut chunk[..count];
                        self.lines.push(chunk, |part| self.queue.enqueue(part));
                    }
                    Err(error) if is_retryable(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            if !self.queue.is_empty() {
                match self.stream.write(self.queue.pending()) {
                    Ok(count) => {
                        progress = true;
                        self.queue.consume(count);
                    }
                    Err(error) if is_retryable(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            if self.ended && self.queue.is_empty() {
                return Ok(Turn::Done);
            }
            if !progress {
                return Ok(Turn::Blocked);
            }
        }
        Ok(Turn::Yielded)
    }

    /// Registers the socket for the events that the connection waits for, if they have changed. If
    /// such an event is already due, the system reports it at once.
    fn register(&mut self, turn: Turn, registry: &Registry, token: Token) -> io::Result<Turn> {
        let needed = if !self.may_read() {
            Interest::WRITABLE
        } else if self.queue.is_empty() {
            Interest::READABLE
        } else {
            Interest::READABLE | Interest::WRITABLE
        };
        if matches!(turn, Turn::Blocked) && needed != self.registered {
            registry.reregister(&mut self.stream, token, needed)?;
            self.registered = needed;
        }
        Ok(turn)
    }
}
