//! Ways in which a client, or a peer of its kind, tries to take the host away from others.
//!
//! In: a host with a listener for each of them ([`Ground`]), and one of the ways. Out: an [`Attack`] that
//! goes on until it is stopped. One thread makes each attack, at a low priority: an attacker would have a
//! machine of its own.
//!
//! | module | what it does |
//! |---|---|
//! | `ground` | the listeners that are attacked |
//! | `lines` | lines that are endless, expensive, or never read |
//! | `visits` | connections that come and go, or stay and say nothing |
//! | `borders` | TLS, PROXY protocol, lengths and requests that are wrong |
//!
//! Not here: what an attack costs others (`linemill-bench contain`, `soak::siege`).

mod borders;
mod ground;
mod lines;
mod visits;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use socket2::{Domain, Socket, Type};

pub use ground::Ground;
pub(crate) use ground::Targets;

/// How long an attack holds connections.
const STAY: Duration = Duration::from_secs(2);
/// Where attacks come from: another network than that of innocent clients.
const FROM: Ipv4Addr = Ipv4Addr::new(127, 66, 0, 1);

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Abuse {
    /// Connections that send lines and never read
    SlowReader,
    /// Lines that never end
    EndlessLine,
    /// Lines as fast as they are taken
    Flood,
    /// Lines in writes of one byte
    SingleBytes,
    /// Lines that are expensive for the filter of others
    ExpensiveLines,
    /// Lines on which a filter traps
    Traps,
    /// Lines on which a filter spins
    Spins,
    /// Lines on which a filter takes all memory that it gets
    Bloat,
    /// Lines that a filter answers with far more than it may
    HugeAnswers,
    /// Connections for each of which a filter is started that takes long to start
    SlowStarts,
    /// Connections for each of which filters keep state
    States,
    /// Connections of one line, one after another
    Reconnects,
    /// The same, ended by resets
    Resets,
    /// Connections that say nothing
    Silence,
    /// Connections that send lines and FIN, and never read
    HalfCloses,
    /// The first bytes of TLS handshakes
    HalfHellos,
    /// TLS handshakes, one after another
    Handshakes,
    /// Headers of the PROXY protocol that are wrong
    ProxyGarbage,
    /// Lengths of octet frames that are wrong, or never met
    BadLengths,
    /// Random bytes to every listener
    RandomBytes,
    /// Heads of admin requests that come byte by byte
    SlowHeads,
    /// Admin requests as fast as they are answered
    Requests,
}

/// An attack that goes on until it is stopped or dropped.
#[derive(Debug)]
pub struct Attack {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// Whether an attack is to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Abuse {
    /// All of them.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its name, as on the command line.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Begins it.
    pub fn start(self, ground: &Ground) -> Attack {
        let (targets, stop) = (ground.targets().clone(), Stop::default());
        let run = self.attack();
        let ends = stop.clone();
        let thread = thread::spawn(move || {
            #[cfg(unix)]
            // Failing that, the attack is harder than it should be.
            let _ = rustix::process::nice(10);
            while !ends.is_set() {
                run(&targets, &ends);
            }
        });
        Attack {
            stop,
            thread: Some(thread),
        }
    }

    /// What it does, until the stop is set or all of it has been done once.
    fn attack(self) -> fn(&Targets, &Stop) {
        match self {
            Self::SlowReader => lines::never_read,
            Self::EndlessLine => lines::never_end,
            Self::Flood => lines::flood,
            Self::SingleBytes => lines::single_bytes,
            Self::ExpensiveLines => lines::expensive,
            Self::Traps => lines::trap,
            Self::Spins => lines::spin,
            Self::Bloat => lines::bloat,
            Self::HugeAnswers => lines::huge_answers,
            Self::SlowStarts => visits::slow_starts,
            Self::States => visits::states,
            Self::Reconnects => visits::reconnect,
            Self::Resets => visits::reset,
            Self::Silence => visits::say_nothing,
            Self::HalfCloses => visits::half_close,
            Self::HalfHellos => borders::half_hellos,
            Self::Handshakes => borders::handshakes,
            Self::ProxyGarbage => borders::proxy_garbage,
            Self::BadLengths => borders::bad_lengths,
            Self::RandomBytes => borders::random_bytes,
            Self::SlowHeads => borders::slow_heads,
            Self::Requests => borders::requests,
        }
    }
}

impl Attack {
    /// Ends it, and closes its connections.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // An attack that panicked has ended, too.
            drop(thread.join());
        }
    }
}

impl Stop {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection from the attacker's network that never waits for long; `None` if the host refuses it.
fn open(address: SocketAddr) -> Option<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).ok()?;
    socket.bind(&SocketAddr::from((FROM, 0)).into()).ok()?;
    socket
        .connect_timeout(&address.into(), Duration::from_secs(1))
        .ok()?;
    socket.set_tcp_nodelay(true).ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(socket.into())
}

/// Sends what the host takes of `bytes` now. Returns how much that was; `None` if the connection has ended.
fn push(mut stream: &TcpStream, bytes: &[u8]) -> Option<usize> {
    match stream.write(bytes) {
        Ok(count) => Some(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(0),
        Err(_) => None,
    }
}

/// Reads what has come. Returns how much that was; `None` if the connection has ended.
fn pull(mut stream: &TcpStream, into: &mut [u8]) -> Option<usize> {
    match stream.read(into) {
        Ok(0) => None,
        Ok(count) => Some(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(0),
        Err(_) => None,
    }
}

/// Waits while connections are held, unless the attack ends.
fn stay(stop: &Stop) {
    let start = Instant::now();
    while start.elapsed() < STAY && !stop.is_set() {
        pause();
    }
}

/// Lets the host work for a moment.
fn pause() {
    thread::sleep(Duration::from_millis(2));
}
