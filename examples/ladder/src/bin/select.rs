//! Rung 4: let the system report which sockets are ready. `ladder-select ADDR:PORT`
//!
//! Teaches: one call waits for all sockets at once, each for what it needs next. A socket is
//! checked for readability only while more may be read, and for writability only while its write
//! queue is not empty. An idle socket is nearly always writable, so checking it would make each
//! call return at once.
//!
//! Breaks: sets have one bit per descriptor. The program builds them for each call, the system
//! reads them up to the highest descriptor, and the program reads the result. So the cost of one
//! event grows with the number of idle connections. With dozens of connections that does not
//! matter; with thousands it is most of the work. Silent clients are never disconnected.
//!
//! Differences from the C code:
//! - The C library's set has room for 1,024 descriptors (`FD_SETSIZE`). The C code refused higher
//!   descriptors, but by mistake not the first of them, and wrote past the end of its arrays for
//!   it. The limit is the library's, not the system's: here the sets are as long as the highest
//!   descriptor requires.
//! - Writability is checked as long as the write queue is not empty. The C code did not check it
//!   when its buffer was full without an LF, and dropped what it then read. So it stopped answering
//!   after 16 KiB of pipelined data.
//! - While the write queue is long, nothing is read, so nothing has to be dropped.
//! - After the end of input, the connection ends only when its write queue is empty.
//! - If no descriptor is available for another connection, the listener stays readable, so it is
//!   not checked for a while. The C code would have looped without waiting.

// The workspace denies unsafe code; one call here requires it and says why.

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    linemill_ladder::serve(server::run)
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    eprintln!("error: ladder-select requires Unix; try ladder-mio");
    ExitCode::FAILURE
}

#[cfg(unix)]
mod server {
    use std::collections::BTreeMap;
    use std::io::{self, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::{AsRawFd as _, RawFd};

    use linemill_ladder::{CHUNK, HIGH, Lines, WriteQueue, is_connection_error, is_retryable};
    use rustix::event::{
        FdSetElement, FdSetIter, Timespec, fd_set_insert, fd_set_num_elements, select,
    };

    /// How long not to check the listener if no file descriptor is available.
    const PAUSE: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };

    /// The state of a connection.
    struct Connection {
        stream: TcpStream,
        lines: Lines,
        queue: WriteQueue,
        /// The client has sent its FIN; nothing more is read.
        ended: bool,
    }

    /// Serves connections indefinitely.
    pub(super) fn run(listener: TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listening = listener.as_raw_fd();
        // Ordered by descriptor, as the sets are.
        let mut connections: BTreeMap<RawFd, Connection> = BTreeMap::new();
        let mut chunk = vec![0; CHUNK];
        let mut exhausted = false;
        loop {
            let highest = connections.keys().next_back().copied().unwrap_or(0);
            let bound = highest.max(listening) + 1;
            let length = fd_set_num_elements(connections.len() + 1, bound);
            let mut readable = vec![FdSetElement::default(); length];
            let mut writable = readable.clone();
            if !exhausted {
                fd_set_insert(&mut readable, listening);
            }
            for (&descriptor, connection) in &connections {
                if connection.may_read() {
                    fd_set_insert(&mut readable, descriptor);
                }
                if !connection.queue.is_empty() {
                    fd_set_insert(&mut writable, descriptor);
                }
            }
            let timeout = exhausted.then_some(&PAUSE);
            // SAFETY: each descriptor in a set must be open; otherwise its number could refer to
            // another file. Those here belong to the listener and to the connections in the map,
            // which all outlive the call.
            #[expect(unsafe_code, reason = "the call takes descriptors as bare numbers")]
            let ready = unsafe {
                select(
                    bound,
                    Some(&mut readable),
                    Some(&mut writable),
                    None,
                    timeout,
                )
            };
            match ready {
                Err(rustix::io::Errno::INTR) => continue,
                ready => ready?,
            };
            // Output for what was read is written at once. Usually the socket accepts all of it,
            // and the next round need not check for writability.
            let mut ended = Vec::new();
            for descriptor in FdSetIter::new(&readable).chain(FdSetIter::new(&writable)) {
                if let Some(connection) = connections.get_mut(&descriptor)
                    && !connection.advance(&mut chunk).unwrap_or(false)
                {
                    ended.push(descriptor);
                }
            }
            for descriptor in &ended {
                connections.remove(descriptor);
            }
            // Accept only now, so that no new connection gets a descriptor that is still in a set.
            if !exhausted || !ended.is_empty() || FdSetIter::new(&readable).next().is_none() {
                exhausted = accept(&listener, &mut connections);
            }
        }
    }

    /// Accepts all waiting connections. Returns whether one failed because a resource, such as file
    /// descriptors, is exhausted.
    fn accept(listener: &TcpListener, connections: &mut BTreeMap<RawFd, Connection>) -> bool {
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    let descriptor = stream.as_raw_fd();
                    let connection = Connection::new(stream);
                    connections.extend(connection.map(|connection| (descriptor, connection)));
                }
                Err(error) if is_connection_error(&error) => {}
                Err(error) => {
                    let exhausted = !is_retryable(&error);
                    if exhausted {
                        eprintln!("accept: {error}");
                    }
                    return exhausted;
                }
            }
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

        /// Whether more may be read: not after the FIN, nor while the write queue is long.
        fn may_read(&self) -> bool {
            !self.ended && self.queue.pending().len() < HIGH
        }

        /// Reads once and writes once, as far as possible without waiting. Returns whether the
        /// connection continues.
        fn advance(&mut self, chunk: &mut [u8]) -> io::Result<bool> {
            if self.may_read() {
                match self.stream.read(chunk) {
                    Ok(0) => {
                        self.ended = true;
                        self.lines.finish(|part| self.queue.enqueue(part));
                    }
                    Ok(count) => {
                        let chunk = &mut chunk[..count];
                        self.lines.push(chunk, |part| self.queue.enqueue(part));
                    }
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
}
