//! An upstream that works on its own: it keeps what it reads, and behaves as a test wants.
//!
//! In: how to behave, which may change at any time. Out: the bytes of each connection. Not here: an
//! upstream whose every step the test takes (`upstream`).

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{SockRef, Socket};

use crate::eventually;
use crate::upstream::bound;

/// How a receiver behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It accepts connections and reads.
    Reads,
    /// As `Reads`, and it ends its sending side at once: it answers nothing.
    OneWay,
    /// Its system accepts connections, but it has stopped.
    Frozen,
    /// It accepts and closes at once, as a load balancer without a server does.
    Empty,
    /// It goes on reading, and resets every further connection.
    Full,
    /// It refuses connections, and has closed those that there were.
    Down,
}

/// A running receiver. It ends when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    wanted: Manner,
    /// Equals `wanted` once the receiver behaves so.
    shown: Manner,
    /// What each connection brought, in the order in which they came.
    connections: Vec<Vec<u8>>,
    /// The connections that are open.
    open: usize,
    over: bool,
}

impl Receiver {
    /// Starts a receiver on a free port.
    pub fn start(manner: Manner) -> Self {
        let (held, address) = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let state = Arc::new(Mutex::new(State {
            wanted: manner,
            shown: Manner::Down,
            connections: Vec::new(),
            open: 0,
            over: false,
        }));
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || run(address, &held, &shared));
        let receiver = Self {
            address,
            state,
            thread: Some(thread),
        };
        receiver.behave(manner);
        receiver
    }

    /// Its destination, as written in a configuration.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Changes how it behaves, and waits until it does.
    #[track_caller]
    pub fn behave(&self, manner: Manner) {
        lock(&self.state).wanted = manner;
        eventually("the receiver to change", || {
            (lock(&self.state).shown == manner).then_some(())
        });
    }

    /// What each connection brought so far.
    pub fn connections(&self) -> Vec<Vec<u8>> {
        lock(&self.state).connections.clone()
    }

    /// How many bytes have come so far.
    pub fn bytes(&self) -> usize {
        lock(&self.state).connections.iter().map(Vec::len).sum()
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        lock(&self.state).open
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        lock(&self.state).over = true;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A connection that is read from, and its number.
type Open = (TcpStream, usize);

/// `_held` keeps the port while nothing listens.
fn run(address: SocketAddr, _held: &Socket, shared: &Mutex<State>) {
    let mut listening: Option<Socket> = None;
    let mut open: Vec<Open> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let (manner, over) = {
            let state = lock(shared);
            (state.wanted, state.over)
        };
        if over {
            return;
        }
        match manner {
            Manner::Down => {
                listening = None;
                open.clear();
            }
            _ if listening.is_none() => listening = Some(listen(address)),
            _ => {}
        }
        let mut busy = false;
        if matches!(
            manner,
            Manner::Reads | Manner::OneWay | Manner::Empty | Manner::Full
        ) {
            while let Some(peer) = listening.as_ref().and_then(accept) {
                if manner == Manner::Full {
                    let linger = Some(Duration::ZERO);
                    SockRef::from(&peer).set_linger(linger).expect("set");
                }
                if matches!(manner, Manner::Empty | Manner::Full) {
                    continue;
                }
                if manner == Manner::OneWay {
                    peer.shutdown(Shutdown::Write).expect("FIN");
                }
                let mut state = lock(shared);
                open.push((peer, state.connections.len()));
                state.connections.push(Vec::new());
            }
        }
        if matches!(manner, Manner::Reads | Manner::OneWay | Manner::Full) {
            open.retain_mut(|(peer, number)| match peer.read(&mut buffer) {
                Ok(count @ 1..) => {
                    busy = true;
                    lock(shared).connections[*number].extend_from_slice(&buffer[..count]);
                    true
                }
                Err(error) => error.kind() == ErrorKind::WouldBlock,
                Ok(0) => false,
            });
        }
        let mut state = lock(shared);
        (state.shown, state.open) = (manner, open.len());
        drop(state);
        if !busy {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn listen(address: SocketAddr) -> Socket {
    let (socket, _) = bound(address);
    socket.listen(128).expect("a bound socket listens");
    socket.set_nonblocking(true).expect("a fresh socket");
    socket
}

fn accept(listening: &Socket) -> Option<TcpStream> {
    let (peer, _) = listening.accept().ok()?;
    peer.set_nonblocking(true).expect("a fresh socket");
    Some(peer.into())
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
