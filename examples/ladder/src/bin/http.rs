//! Rung 1: a client that blocks. `ladder-http HOST:PORT [PATH]`
//!
//! Teaches: the sequence of calls, each of which returns when it has succeeded or failed. Connect,
//! send the whole request, and read to the end, which in HTTP/1.0 is the end of the connection
//! (RFC 1945).
//!
//! Breaks: a program that waits in a call cannot do anything else. It cannot serve a second
//! connection while the first is silent. There are no timeouts, so a server that never answers
//! blocks this program indefinitely. For a single request by a person at a terminal that is
//! acceptable.
//!
//! Differences from the C code:
//! - Names are resolved to IPv4 and IPv6 addresses, and each address is tried until one accepts.
//! - A send may accept only a part of the data. `write_all` continues with the rest, as the C code
//!   does by hand. It also continues after a signal, which the C code does not.
//! - A connection that breaks in the middle is reported as an error with an exit status, not as a
//!   short answer. So is output that cannot be written.

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

/// Requests `path` and copies the response, head and body, to standard output. Returns its length
/// in bytes.
fn get(server: &str, path: &str) -> io::Result<u64> {
    // A line end in the path would add a header.
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(io::Error::other(
            "the path may contain only visible ASCII characters",
        ));
    }
    // Waits for name resolution, then for the connection.
    let mut stream = TcpStream::connect(server)?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n");
    // Waits until the operating system has accepted all bytes.
    stream.write_all(request.as_bytes())?;
    // Waits for each part, until the server closes the connection.
    let mut output = io::stdout().lock();
    let length = io::copy(&mut stream, &mut output)?;
    output.flush()?;
    Ok(length)
}
