//! Asking a running host, over its admin address.
//!
//! In: an address, a method and a path. Out: status and body, or why there is none. HTTP/1.1, one
//! request a connection, over TCP or a Unix socket.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use linemill_config::settings::Address;

/// How long the host has for its answer: it may compile plugins first.
const PATIENCE: Duration = Duration::from_secs(120);
/// Largest answer taken, bytes.
const ANSWER: usize = 16 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens there.
    #[error("no host answers at {address}: {source}")]
    Nobody {
        /// The admin address.
        address: Address,
        /// What the system said.
        source: std::io::Error,
    },
    /// That address says nothing of where.
    #[error("{0} is no address to connect to")]
    NoWay(Address),
    /// What answers does not speak HTTP, or stopped in the middle.
    #[error("what answers at {address} does not make sense: {problem}")]
    Nonsense {
        /// The admin address.
        address: Address,
        /// What is wrong.
        problem: String,
    },
    /// Nothing came back in time.
    #[error("no answer from {address} within {PATIENCE:?}")]
    Late {
        /// The admin address.
        address: Address,
    },
}

/// Sends a request without a body, which shows `token` if there is one.
///
/// # Errors
/// When no answer comes.
pub async fn ask(
    address: &Address,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> Result<(StatusCode, Bytes), AskError> {
    let nobody = |source| AskError::Nobody {
        address: address.clone(),
        source,
    };
    let asking = async {
        match address {
            Address::Tcp(at) => {
                let stream = tokio::net::TcpStream::connect(at).await.map_err(nobody)?;
                over(stream, address, method, path, token).await
            }
            #[cfg(unix)]
            Address::Unix(at) => {
                let stream = tokio::net::UnixStream::connect(at).await.map_err(nobody)?;
                over(stream, address, method, path, token).await
            }
            other => Err(AskError::NoWay(other.clone())),
        }
    };
    timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| Err(late(address)))
}

fn late(address: &Address) -> AskError {
    AskError::Late {
        address: address.clone(),
    }
}

async fn over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    address: &Address,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> Result<(StatusCode, Bytes), AskError> {
    let nonsense = |problem: String| AskError::Nonsense {
        address: address.clone(),
        problem,
    };
    let host = match address {
        Address::Tcp(at) => at.to_string(),
        _ => "localhost".to_owned(),
    };
    let mut request = Request::builder().method(method);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request
        .uri(path)
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .header(header::USER_AGENT, agent())
        .body(Empty::<Bytes>::new())
        .map_err(|error| nonsense(error.to_string()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| nonsense(error.to_string()))?;
    // Ends with the connection; what is wrong with that shows in the answer.
    tokio::spawn(async move { drop(connection.await) });
    let answer = sender
        .send_request(request)
        .await
        .map_err(|error| nonsense(error.to_string()))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER).collect().await;
    let body = body.map_err(|error| nonsense(error.to_string()))?;
    Ok((status, body.to_bytes()))
}

/// Who asks: the host keeps it for its history.
fn agent() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|user| user.bytes().all(|byte| byte.is_ascii_graphic()));
    match user {
        Some(user) => format!("linemill/{version} ({user})"),
        None => format!("linemill/{version}"),
    }
}
