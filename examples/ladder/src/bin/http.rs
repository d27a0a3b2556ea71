//! Rung 1: a client that blocks. `ladder-http HOST:PORT [PATH]`
//!
//! Teaches: the calls in their order, each of which returns when it is done or has failed. Connect,
//! send the whole request, read to the end, which by HTTP/1.0 is the end of the connection.
//!
//! Breaks: whoever waits can do nothing else. A second connection is not looked at while the first
//! is silent, and a server that never answers holds this program for ever, since nothing here has
//! a time limit. For one request by a person at a terminal that is all right.
//!
//! Done otherwise than in C:
//! - Names are looked up for IPv4 and IPv6, and each address is tried until one accepts.
//! - A send may take only a part; `write_all` goes on with the rest, as the C does by hand, and
//!   goes on after a signal, as the C does not.
//! - A connection that breaks in the middle is an error and an exit status, not a short answer;
//!   so is an output that cannot be written.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (server, path) = (arguments.next(), arguments.next());
    let Some(server) = server else {
        eprintln!("error: no server given\nhint: ladder-http HOST:PORT [PATH]");
        return ExitCode::from(2);
    };
    match get(&server, path.as_deref().unwrap_or("/")) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {server}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Asks for `path`; the answer, head and body, goes to standard output. Says how long it was.
fn get(server: &str, path: &str) -> io::Result<u64> {
    // A line end in it would be a second header.
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(io::Error::other("a path is of visible ASCII characters"));
    }
    // Waits for the name, then for the connection.
    let mut stream = TcpStream::connect(server)?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n");
    // Waits until the system has taken all of it.
    stream.write_all(request.as_bytes())?;
    // Waits for each part, until the server closes.
    let mut output = io::stdout().lock();
    let length = io::copy(&mut stream, &mut output)?;
    output.flush()?;
    Ok(length)
}
