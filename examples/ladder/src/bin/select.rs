//! Rung 4: let the system say which sockets are ready. `ladder-select ADDR:PORT`
//!
//! Teaches: one call waits for all sockets at once, each for what it can go on with. A socket is
//! asked for readability only while more may be read, and for writability only while something is
//! owed: an idle one is nearly always writable, and would never let the call wait.
//!
//! Breaks: sets are bits by descriptor. Each call builds them, the system reads all of them up to
//! the highest, and the answer is read again: what one event costs grows with the connections that
//! have none. With dozens that is nothing, with thousands it is most of the work. Nothing ends a
//! client that is silent.
//!
//! Done otherwise than in C:
//! - The C library's set has room for 1,024 descriptors (`FD_SETSIZE`); the C refused those above,
//!   the first of them by mistake not, and wrote past the end of its arrays for that. The limit is
//!   the library's, not the system's: here the sets are as long as the highest descriptor needs.
//! - Owed bytes are asked about as long as there are some; the C forgot to when its buffer was
//!   full without an LF, and dropped what was read then: silence, after 16 KiB pipelined.
//! - While much is owed nothing is read, so nothing has to be dropped.
//! - The end of input ends the connection only after all that is owed was written.
//! - When no descriptor is left for another connection, the listener, which stays readable, is not
//!   asked about for a while. The C would have gone round and round.

// `deny` by the workspace; one call needs it, and says why.

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    linemill_ladder::serve(server::run)
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    eprintln!("error: sets of bits by descriptor are Unix's; see ladder-mio");
    ExitCode::FAILURE
}

#[cfg(unix)]
mod server {
    use std::collections::BTreeMap;
    use std::io::{self, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::{AsRawFd as _, RawFd};

    use linemill_ladder::{CHUNK, HIGH, Lines, Owed, is_of_the_client, not_now};
    use rustix::event::{
        FdSetElement, FdSetIter, Timespec, fd_set_insert, fd_set_num_elements, select,
    };

    /// How long the listener is left alone when no descriptor is left.
    const PAUSE: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };

    struct Connection {
        stream: TcpStream,
        lines: Lines,
        owed: Owed,
        /// The client has sent its FIN: nothing is read any more.
        ended: bool,
    }

    pub(super) fn run(listener: TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let door = listener.as_raw_fd();
        // By descriptor, as the sets are.
        let mut connections: BTreeMap<RawFd, Connection> = BTreeMap::new();
        let mut chunk = vec![0; CHUNK];
        let mut full = false;
        loop {
            let highest = connections.keys().next_back().copied().unwrap_or(0);
            let bound = highest.max(door) + 1;
            let length = fd_set_num_elements(connections.len() + 1, bound);
            let mut readable = vec![FdSetElement::default(); length];
            let mut writable = readable.clone();
            if !full {
                fd_set_insert(&mut readable, door);
            }
            for (&descriptor, connection) in &connections {
                if connection.may_read() {
                    fd_set_insert(&mut readable, descriptor);
                }
                if !connection.owed.is_empty() {
                    fd_set_insert(&mut writable, descriptor);
                }
            }
            let wait = full.then_some(&PAUSE);
            // SAFETY: a descriptor in a set must be open, or it could be another's. Those here
            // belong to the listener and to the connections in the map, which live beyond the call.
            #[expect(unsafe_code, reason = "descriptors are bare numbers to this call")]
            let ready =
                unsafe { select(bound, Some(&mut readable), Some(&mut writable), None, wait) };
            match ready {
                Err(rustix::io::Errno::INTR) => continue,
                ready => ready?,
            };
            // Reading may make something owed, which is then tried at once: most often it goes,
            // and the next round need not ask.
            let mut gone = Vec::new();
            for descriptor in FdSetIter::new(&readable).chain(FdSetIter::new(&writable)) {
                if let Some(connection) = connections.get_mut(&descriptor)
                    && !connection.go_on(&mut chunk).unwrap_or(false)
                {
                    gone.push(descriptor);
                }
            }
            for descriptor in &gone {
                connections.remove(descriptor);
            }
            // Only now, so that no new connection has a number that is still in a set.
            if !full || !gone.is_empty() || FdSetIter::new(&readable).next().is_none() {
                full = accept(&listener, &mut connections);
            }
        }
    }

    /// Accepts all that wait; says whether the system had no room for one.
    fn accept(listener: &TcpListener, connections: &mut BTreeMap<RawFd, Connection>) -> bool {
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    let descriptor = stream.as_raw_fd();
                    let connection = Connection::new(stream);
                    connections.extend(connection.map(|connection| (descriptor, connection)));
                }
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    let full = !not_now(&error);
                    if full {
                        eprintln!("accept: {error}");
                    }
                    return full;
                }
            }
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

        fn may_read(&self) -> bool {
            !self.ended && self.owed.rest().len() < HIGH
        }

        /// Reads once and writes once, as far as that goes now. Says whether there will be more.
        fn go_on(&mut self, chunk: &mut [u8]) -> io::Result<bool> {
            if self.may_read() {
                match self.stream.read(chunk) {
                    Ok(0) => {
                        self.ended = true;
                        self.lines.finish(|part| self.owed.add(part));
                    }
                    Ok(count) => {
                        let chunk = &mut chunk[..count];
                        self.lines.push(chunk, |part| self.owed.add(part));
                    }
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
}
