//! What the rungs of the ladder share: ROT13, finding lines, the write queue, the command line.
//!
//! In: bytes as they were read. Out: bytes to be written. Not here: reading, writing or waiting,
//! which each rung does in its own way.

#![forbid(unsafe_code)]

mod lines;
mod write_queue;

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::process::ExitCode;

pub use lines::{Lines, MAX_LINE, rot13};
pub use write_queue::WriteQueue;

/// The maximum size of one read, in bytes.
pub const CHUNK: usize = 16 * 1024;
/// The high watermark of a write queue, in bytes. While a client's queue is this long, nothing more
/// is read from the client. So a client that never reads fills its own buffers, not this program's
/// memory.
pub const HIGH: usize = 64 * 1024;

/// Binds the address given as the first argument, prints it, and runs `rung` on the listener.
pub fn serve(rung: impl FnOnce(TcpListener) -> io::Result<()>) -> ExitCode {
    match listen().and_then(rung) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn listen() -> io::Result<TcpListener> {
    let Some(address) = std::env::args().nth(1) else {
        return Err(io::Error::other(
            "no address to listen on\nhint: pass one, such as 127.0.0.1:40713 (port 0 is a free one)",
        ));
    };
    let listener = TcpListener::bind(&address)
        .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
    eprintln!("listening on {}", listener.local_addr()?);
    Ok(listener)
}

/// Whether a call failed only because it would have had to wait, or because a signal interrupted
/// it. Trying it again later may succeed.
pub fn is_retryable(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Whether an accept failed because of the connection that was to be accepted rather than because
/// of this program. The next accept may succeed at once.
pub fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}
