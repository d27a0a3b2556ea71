//! One HTTP/1.1 request to an admin address.
//!
//! In: a method and a path. Out: status, head and body. Not here: bodies of requests, keep-alive.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::PATIENCE;

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Status line and header lines.
    pub head: String,
    /// The body, as text.
    pub body: String,
}

impl Response {
    /// The body, parsed as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the body:\n{}", self.body))
    }
}

/// Sends a request without a body, and reads the answer until the connection ends.
///
/// # Panics
/// When nothing answers, or the answer is not HTTP.
#[track_caller]
pub fn request(address: SocketAddr, method: &str, path: &str) -> Response {
    request_with(address, method, path, &[])
}

/// Sends a request as [`request`] does, with these headers as well. A `Host` among them replaces the
/// right one.
///
/// # Panics
/// As [`request`].
#[track_caller]
pub fn request_with(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Response {
    let host = format!("Host: {address}\r\n");
    let named = headers.iter().any(|(name, _)| *name == "Host");
    let headers = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = (!named)
        .then_some(host)
        .into_iter()
        .chain(headers)
        .collect();
    exchange(
        address,
        &format!(
            "{method} {path} HTTP/1.1\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
        ),
    )
}

/// Sends a request as it is written, and reads the answer until the connection ends.
///
/// # Panics
/// As [`request`].
#[track_caller]
pub fn exchange(address: SocketAddr, request: &str) -> Response {
    let mut stream =
        TcpStream::connect_timeout(&address, PATIENCE).expect("the admin address accepts");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a fresh socket takes options");
    stream
        .write_all(request.as_bytes())
        .expect("the admin address takes a request");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the answer is text and ends");
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .expect("the answer has a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("the head has a status");
    Response {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
