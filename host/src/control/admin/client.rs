//! The client of the admin address, for verbs that query a running host.
//!
//! In: an address, a method and a path. Out: status and body, or a [`ClientError`]; or an answer that goes
//! on ([`open`]). HTTP/1.1, one request per connection, over TCP or a Unix socket.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::version::VERSION;
use linemill_config::settings::Address;

/// How long the host may take to answer: it may compile plugins first.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Largest answer accepted, bytes.
const ANSWER: usize = 16 << 20;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection failed, for example because no process listens there.
    #[error("cannot connect to {address}: {source}")]
    Unreachable {
        /// The admin address.
        address: Address,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The address is of a kind that cannot be connected to, such as `systemd:NAME`.
    #[error("cannot connect to {0}: it is not IP:PORT or unix:PATH")]
    NotConnectable(Address),
    /// The answer is not HTTP, is incomplete, or is too large.
    #[error("invalid response from {address}: {problem}")]
    InvalidResponse {
        /// The admin address.
        address: Address,
        /// What is wrong.
        problem: String,
    },
    /// The answer did not arrive in time.
    #[error("no answer from {address} within {TIMEOUT:?}")]
    TimedOut {
        /// The admin address.
        address: Address,
    },
}

/// Sends a request without a body, with `token` as bearer token. Returns the status and the body of the
/// answer, whatever the status.
///
/// # Errors
/// No complete answer arrives.
pub async fn send(
    address: &Address,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> Result<(StatusCode, Bytes), ClientError> {
    let exchange = async {
        let answer = open_now(address, method, path, token).await?;
        let status = answer.status();
        Ok((status, body(answer, address).await?))
    };
    within(exchange, address).await
}

/// Sends a request as [`send`] does. Returns the answer as soon as its head has come; its body may go on
/// for as long as the host likes.
///
/// # Errors
/// No answer begins.
pub async fn open(
    address: &Address,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> Result<Response<Incoming>, ClientError> {
    within(open_now(address, method, path, token), address).await
}

/// The body of an answer, to its end.
///
/// # Errors
/// It is not complete, or too large.
pub async fn body(answer: Response<Incoming>, address: &Address) -> Result<Bytes, ClientError> {
    let body = Limited::new(answer.into_body(), ANSWER).collect().await;
    let body = body.map_err(|error| ClientError::InvalidResponse {
        address: address.clone(),
        problem: error.to_string(),
    })?;
    Ok(body.to_bytes())
}

async fn within<T>(
    exchange: impl Future<Output = Result<T, ClientError>>,
    address: &Address,
) -> Result<T, ClientError> {
    timeout(TIMEOUT, exchange).await.unwrap_or_else(|_| {
        Err(ClientError::TimedOut {
            address: address.clone(),
        })
    })
}

async fn open_now(
    address: &Address,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> Result<Response<Incoming>, ClientError> {
    let unreachable = |source| ClientError::Unreachable {
        address: address.clone(),
        source,
    };
    match address {
        Address::Tcp(at) => {
            let stream = tokio::net::TcpStream::connect(at)
                .await
                .map_err(unreachable)?;
            send_over(stream, address, method, path, token).await
        }
        #[cfg(unix)]
        Address::Unix(at) => {
            let stream = tokio::net::UnixStream::connect(at)
                .await
                .map_err(unreachable)?;
            send_over(stream, address, method, path, token).await
        }
        other => Err(ClientError::NotConnectable(other.clone())),
    }
}

async fn send_over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    address: &Address,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> Result<Response<Incoming>, ClientError> {
    let invalid = |problem: String| ClientError::InvalidResponse {
        address: address.clone(),
        problem,
    };
    let host = match address {
        Address::Tcp(at) => at.to_string(),
        _ => "localhost".to_owned(),
    };
    let mut head = Request::builder().method(method);
    if let Some(token) = token {
        head = head.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = head
        .uri(path)
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .header(header::USER_AGENT, user_agent())
        .body(Empty::<Bytes>::new())
        .map_err(|error| invalid(error.to_string()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| invalid(error.to_string()))?;
    // Drives the connection until it ends; its errors also appear at `send_request`.
    tokio::spawn(async move { drop(connection.await) });
    let answer = sender.send_request(request).await;
    answer.map_err(|error| invalid(error.to_string()))
}

/// The user agent, which the host shows in its history.
fn user_agent() -> String {
    let version = VERSION;
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|user| user.bytes().all(|byte| byte.is_ascii_graphic()));
    match user {
        Some(user) => format!("linemill/{version} ({user})"),
        None => format!("linemill/{version}"),
    }
}
