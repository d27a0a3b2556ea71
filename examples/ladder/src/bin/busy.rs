//! Rung 3: ask every socket, all the time. `ladder-busy ADDR:PORT`
//!
//! Teaches: a socket that does not block answers at once, perhaps with "not now". One thread can
//! then look after many connections, but what it was about to do, it must remember: from here on
//! each connection has a state instead of a stack.
//!
//! Breaks: it takes a whole core even when nothing happens, and each round costs two calls a
//! connection, whether that has something or not: latency and cost grow with the connections that
//! are idle. Nothing ends a client that is silent.
//!
//! Done otherwise than in C:
//! - "Not now" and "interrupted" are told from errors; an error ends its own connection only.
//! - Writes do not block either. What a socket does not take is owed, and while much is owed
//!   nothing is read, so neither a slow reader nor its bytes can fill this program.
//! - The end of input ends the connection only after all that is owed was written.

#![forbid(unsafe_code)]

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

use linemill_ladder::{CHUNK, HIGH, Lines, Owed, not_now, serve};

fn main() -> ExitCode {
    serve(run)
}

/// What a blocking server has on its stack.
struct Connection {
    stream: TcpStream,
    lines: Lines,
    owed: Owed,
    /// The client has sent its FIN: nothing is read any more.
    ended: bool,
}

fn run(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut connections: Vec<Connection> = Vec::new();
    let mut chunk = vec![0; CHUNK];
    let mut told = false;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                told = false;
                connections.extend(Connection::new(stream));
            }
            Err(error) if not_now(&error) => {}
            // No descriptor is left, say. It is tried again at once, as is all else here, but
            // not told again at each round.
            Err(error) if !told => {
                told = true;
                eprintln!("accept: {error}");
            }
            Err(_) => {}
        }
        // An error is a client that has gone.
        connections.retain_mut(|connection| connection.try_all(&mut chunk).unwrap_or(false));
    }
}

impl Connection {
    /// `None` when it broke at once.
    fn new(stream: TcpStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self {
            stream,
            lines: Lines::default(),
            owed: Owed::default(),
            ended: false,
        })
    }

    /// Reads once and writes once, as far as that goes now. Says whether there will be more.
    fn try_all(&mut self, chunk: &mut [u8]) -> io::Result<bool> {
        if !self.ended && self.owed.rest().len() < HIGH {
            match self.stream.read(chunk) {
                Ok(0) => {
                    self.ended = true;
                    self.lines.finish(|part| self.owed.add(part));
                }
                Ok(count) => self
                    .lines
                    .push(&mut chunk[..count], |part| self.owed.add(part)),
                Err(error) if not_now(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if !self.owed.is_empty() {
            match self.stream.write(self.owed.rest()) {
                Ok(count) => self.owed.wrote(count),
                Err(error) if not_now(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(!self.ended || !self.owed.is_empty())
    }
}
