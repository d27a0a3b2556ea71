//! Rung 5: be told what has changed. `ladder-mio ADDR:PORT`
//!
//! Teaches: a socket is registered once, and the system keeps the list; a wait costs what happened,
//! not what could have. mio is the thin layer over epoll, kqueue and IOCP that libevent's events
//! are. Buffers, partial writes and what to be told of are still this program's work.
//!
//! mio tells changes, not states: who is told that a socket is readable must read until it is not,
//! or remember that it did not. [`Connection::go_on`] stops only when all it wants would wait, and
//! says so when it stops for the others' sake.
//!
//! Breaks: at the programmer. All that a line server needs besides (timeouts, TLS, rates, names to
//! look up, a second core) would be written by hand, into this state machine. Nothing ends a client
//! that is silent.
//!
//! Done otherwise than in C:
//! - One index into what is owed, set to 0 when all has gone: see `owed.rs`.
//! - The end of input ends the connection only after all that is owed was written, and nothing is
//!   looked at after it was freed.
//! - Any descriptor is taken: nothing here has the 1,024 bits of `select`.
//! - While much is owed nothing is read, and the system is not asked about it either.
//! - One client that never pauses does not keep the others waiting.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use linemill_ladder::{CHUNK, HIGH, Lines, Owed, is_of_the_client, not_now, serve};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

/// The listener's name; connections have those above.
const DOOR: Token = Token(0);
/// Reads and writes of one connection before the others have their turn.
const TURNS: usize = 16;
/// How long to wait when no descriptor is left for another connection.
const PAUSE: Duration = Duration::from_millis(100);

struct Connection {
    stream: TcpStream,
    lines: Lines,
    owed: Owed,
    /// The client has sent its FIN: nothing is read any more.
    ended: bool,
    /// What the system was asked to tell.
    asked: Interest,
}

/// How a connection's turn ended.
enum Turn {
    /// All it wants would wait.
    Waits,
    /// It could go on, and nobody will tell.
    Stopped,
    /// All is done.
    Done,
}

fn main() -> ExitCode {
    serve(run)
}

fn run(listener: std::net::TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry()
        .register(&mut listener, DOOR, Interest::READABLE)?;
    let mut connections: HashMap<Token, Connection> = HashMap::new();
    let mut chunk = vec![0; CHUNK];
    let (mut next, mut full) = (DOOR, false);
    // Those that can go on without being told.
    let mut ready: Vec<Token> = Vec::new();
    loop {
        let wait = match (ready.is_empty(), full) {
            (false, _) => Some(Duration::ZERO),
            (true, true) => Some(PAUSE),
            (true, false) => None,
        };
        match poll.poll(&mut events, wait) {
            Err(error) if not_now(&error) => continue,
            done => done?,
        }
        // A listener that was full is tried again whatever happens: it is not told twice.
        if full || events.iter().any(|event| event.token() == DOOR) {
            full = accept(&listener, |stream| {
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
            let turn = connection.go_on(&mut chunk);
            match turn.and_then(|turn| connection.ask(turn, poll.registry(), token)) {
                Ok(Turn::Waits) => false,
                Ok(Turn::Stopped) => true,
                // An error is a client that has gone. What is dropped is no longer registered.
                Ok(Turn::Done) | Err(_) => {
                    connections.remove(&token);
                    false
                }
            }
        });
    }
}

/// Accepts all that wait; says whether the system had no room for one.
fn accept(listener: &TcpListener, mut admit: impl FnMut(TcpStream)) -> bool {
    loop {
        match listener.accept() {
            Ok((stream, _)) => admit(stream),
            Err(error) if is_of_the_client(&error) => {}
            Err(error) if not_now(&error) => return false,
            Err(error) => {
                eprintln!("accept: {error}");
                return true;
            }
        }
    }
}

impl Connection {
    /// `None` when it broke at once.
    fn new(mut stream: TcpStream, registry: &Registry, token: Token) -> Option<Self> {
        let asked = Interest::READABLE;
        stream.set_nodelay(true).ok()?;
        registry.register(&mut stream, token, asked).ok()?;
        Some(Self {
            stream,
            lines: Lines::default(),
            owed: Owed::default(),
            ended: false,
            asked,
        })
    }

    fn may_read(&self) -> bool {
        !self.ended && self.owed.rest().len() < HIGH
    }

    /// Reads and writes until both would wait, or it is the others' turn.
    fn go_on(&mut self, chunk: &mut [u8]) -> io::Result<Turn> {
        for _ in 0..TURNS {
            let mut moved = false;
            if self.may_read() {
                match self.stream.read(chunk) {
                    Ok(0) => {
                        self.ended = true;
                        self.lines.finish(|part| self.owed.add(part));
                    }
                    Ok(count) => {
                        moved = true;
                        let chunk = &mut chunk[..count];
                        self.lines.push(chunk, |part| self.owed.add(part));
                    }
                    Err(error) if not_now(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            if !self.owed.is_empty() {
                match self.stream.write(self.owed.rest()) {
                    Ok(count) => {
                        moved = true;
                        self.owed.wrote(count);
                    }
                    Err(error) if not_now(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            if self.ended && self.owed.is_empty() {
                return Ok(Turn::Done);
            }
            if !moved {
                return Ok(Turn::Waits);
            }
        }
        Ok(Turn::Stopped)
    }

    /// Asks to be told of what it waits for, when that has changed. The system then tells at once
    /// what is so already.
    fn ask(&mut self, turn: Turn, registry: &Registry, token: Token) -> io::Result<Turn> {
        let wanted = match (self.may_read(), self.owed.is_empty()) {
            (true, true) => Interest::READABLE,
            (true, false) => Interest::READABLE | Interest::WRITABLE,
            (false, _) => Interest::WRITABLE,
        };
        if matches!(turn, Turn::Waits) && wanted != self.asked {
            registry.reregister(&mut self.stream, token, wanted)?;
            self.asked = wanted;
        }
        Ok(turn)
    }
}
