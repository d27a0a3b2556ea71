//! Rung 3: poll every socket all the time. `ladder-busy ADDR:PORT`
//!
//! Teaches: a call on a non-blocking socket returns at once, possibly with `WouldBlock`. One thread
//! can then serve many connections, but it must remember what it was about to do: from here on each
//! connection has a state instead of a stack.
//!
//! Breaks: it uses a whole core even if nothing happens. Each round takes up to two calls per
//! connection, whether it has data or not, so latency and cost grow with the number of idle
//! connections. Silent clients are never disconnected.
//!
//! Differences from the C code:
//! - `WouldBlock` and `Interrupted` are not treated as errors. An error ends only its own
//!   connection.
//! - Writes do not block either. Bytes that a socket does not accept go into a write queue. While
//!   the queue is long, nothing is read, so a slow reader cannot fill this program's memory.
//! - After the end of input, the connection ends only when its write queue is empty.

#![forbid(unsafe_code)]

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

use linemill_ladder::{CHUNK, HIGH, Lines, WriteQueue, is_retryable, serve};

fn main() -> ExitCode {
    serve(run)
}

/// The state that a blocking server has on its stack.
struct Connection {
    stream: TcpStream,
    lines: Lines,
    queue: WriteQueue,
    /// The client has sent its FIN; nothing more is read.
    ended: bool,
}

fn run(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut connections: Vec<Connection> = Vec::new();
    let mut chunk = vec![0; CHUNK];
    let mut reported = false;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                reported = false;
                connections.extend(Connection::new(stream));
            }
            Err(error) if is_retryable(&error) => {}
            // For example, no file descriptor is available. Like everything here, accept is tried
            // again at once, but the error is not reported in each round.
            Err(error) if !reported => {
                reported = true;
                eprintln!("accept: {error}");
            }
            Err(_) => {}
        }
        // An error means that the client has disconnected.
        connections.retain_mut(|connection| connection.advance(&mut chunk).unwrap_or(false));
    }
}

impl Connection {
    /// Prepares an accepted connection. Returns `None` if it is already broken.
    fn new(stream: TcpStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self {
            stream,
            lines: Lines::default(),
            queue: WriteQueue::default(),
            ended: false,
        })
    }

    /// Reads once and writes once, as far as possible without waiting. Returns whether the
    /// connection continues.
    fn advance(&mut self, chunk: &mut [u8]) -> io::Result<bool> {
        if !self.ended && self.queue.pending().len() < HIGH {
            match self.stream.read(chunk) {
                Ok(0) => {
                    self.ended = true;
                    self.lines.finish(|part| self.queue.enqueue(part));
                }
                Ok(count) => self
                    .lines
                    .push(&mut chunk[..count], |part| self.queue.enqueue(part)),
                Err(error) if is_retryable(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if !self.queue.is_empty() {
            match self.stream.write(self.queue.pending()) {
                Ok(count) => self.queue.consume(count),
                Err(error) if is_retryable(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(!self.ended || !self.queue.is_empty())
    }
}
