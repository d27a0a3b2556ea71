//! One HTTP/1.1 request to an admin address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::PATIENCE;

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Status line and header lines.
    pub head: String,
    /// The body, as text.
    pub body: String,
}

/// Sends a request without a body, and reads the answer to the end of the connection.
///
/// # Panics
/// When nothing answers, or not in HTTP.
#[track_caller]
pub fn request(address: SocketAddr, method: &str, path: &str) -> Response {
    let mut stream =
        TcpStream::connect_timeout(&address, PATIENCE).expect("the admin address accepts");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a fresh socket takes options");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
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
