//! What every rung of the ladder would repeat: ROT13, lines, bytes that are owed, the argument.
//!
//! In: bytes as they were read. Out: bytes as they are to be written. Not here: any reading,
//! writing or waiting, which is what the rungs differ in.

#![forbid(unsafe_code)]

mod lines;
mod owed;

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::process::ExitCode;

pub use lines::{Lines, MAX_LINE, rot13};
pub use owed::Owed;

/// Bytes of one read.
pub const CHUNK: usize = 16 * 1024;
/// While this much is owed to a client, nothing more is read from it: a client that never reads
/// then fills its own buffers, not this program's memory.
pub const HIGH: usize = 64 * 1024;

/// Binds the address that is the first argument, says so, and lets the rung serve.
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
            "no address to listen on\nhint: 127.0.0.1:40713, or port 0 for one that is free",
        ));
    };
    let listener = TcpListener::bind(&address)
        .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
    eprintln!("listening on {}", listener.local_addr()?);
    Ok(listener)
}

/// Whether a call failed only because it would have had to wait, or was interrupted: try later.
pub fn not_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Whether an accept failed because of the connection that was to be accepted, not of this
/// program: the next one may well succeed at once.
pub fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}
