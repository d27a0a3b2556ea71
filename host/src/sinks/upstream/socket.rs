//! What the system knows about the output of a connection.
//!
//! In: a connected socket. Out: how many bytes of what was written the peer's system has not
//! acknowledged, and how many never left this machine. Not here: which lines those are (`receipts`).
//!
//! Linux only: elsewhere, and for Unix sockets, what the system has taken counts as acknowledged.

#[cfg(target_os = "linux")]
pub(super) use linux::Socket;
#[cfg(not(target_os = "linux"))]
pub(super) use other::Socket;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::ioctl::{Getter, Opcode, ioctl};
    use socket2::{SockRef, TcpKeepalive};
    use tokio::net::TcpStream;

    /// `SIOCOUTQ` of tcp(7), under its other name: bytes not acknowledged.
    const OUTQ: Opcode = libc::TIOCOUTQ as Opcode;
    /// `SIOCOUTQNSD` of linux/sockios.h, the same on every architecture: bytes not sent.
    const OUTQ_NOT_SENT: Opcode = 0x894B;

    /// How often a peer is asked whether it still has a connection.
    const ASK: Duration = Duration::from_secs(10);

    /// Another handle of a connection's TCP socket. The connection ends when both are dropped.
    #[derive(Debug)]
    pub(in super::super) struct Socket(OwnedFd);

    impl Socket {
        pub(in super::super) fn of(stream: &TcpStream) -> Option<Self> {
            use std::os::fd::AsFd;
            stream.as_fd().try_clone_to_owned().ok().map(Self)
        }

        /// Bytes written that the peer's system has not acknowledged. After a reset, as of then. `None`
        /// if the system does not say.
        pub(in super::super) fn unacknowledged(&self) -> Option<usize> {
            self.bytes::<OUTQ>()
        }

        /// Of these, the last so many that were never sent.
        pub(in super::super) fn unsent(&self) -> Option<usize> {
            self.bytes::<OUTQ_NOT_SENT>()
        }

        #[expect(
            unsafe_code,
            reason = "no crate in the tree has a function for these two requests"
        )]
        fn bytes<const REQUEST: Opcode>(&self) -> Option<usize> {
            // SAFETY: both requests write one `int`, and read nothing (tcp(7), linux/sockios.h).
            let bytes = unsafe { ioctl(&self.0, Getter::<REQUEST, std::ffi::c_int>::new()) };
            bytes.ok().and_then(|bytes| usize::try_from(bytes).ok())
        }

        /// The error that has ended the connection, if one has since this was last asked.
        pub(in super::super) fn error(&self) -> Option<io::Error> {
            SockRef::from(&self.0).take_error().ok().flatten()
        }

        /// Makes the system ask every ten seconds whether the peer's still has the connection. Returns
        /// whether it does, and [`error`](Self::error) will say so if it has not.
        pub(in super::super) fn ask_often(&self) -> bool {
            let keepalive = TcpKeepalive::new().with_time(ASK).with_interval(ASK);
            SockRef::from(&self.0).set_tcp_keepalive(&keepalive).is_ok()
        }

        /// Makes the system reset the connection when it is closed, and forget what was not sent.
        pub(in super::super) fn abort_on_close(&self) {
            // Failing that, the peer may still get lines that are sent again.
            drop(SockRef::from(&self.0).set_linger(Some(Duration::ZERO)));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;

    /// Knows nothing.
    #[derive(Debug)]
    pub(in super::super) struct Socket;

    impl Socket {
        pub(in super::super) fn of(_: &tokio::net::TcpStream) -> Option<Self> {
            None
        }

        pub(in super::super) fn unacknowledged(&self) -> Option<usize> {
            None
        }

        pub(in super::super) fn unsent(&self) -> Option<usize> {
            None
        }

        pub(in super::super) fn error(&self) -> Option<io::Error> {
            None
        }

        pub(in super::super) fn ask_often(&self) -> bool {
            false
        }

        pub(in super::super) fn abort_on_close(&self) {}
    }
}
