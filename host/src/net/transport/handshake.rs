//! Handshakes: from a connected socket to the two halves of a TLS stream.
//!
//! In: a socket, and the certificates (`net::tls`). Out: the halves, or why the handshake failed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::CertificateError;
use tokio::io::{AsyncWriteExt, copy, sink};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::half::split;
use super::{Plain, ReadHalf, WriteHalf};
use crate::net::tls::{BUFFER, Client, OtherClient, Server};
use linemill_config::Problem;
use linemill_sandbox::origin::TlsNames;

/// How long the host still reads from a client whose handshake failed: closing a socket with unread
/// bytes would reset it, and the client could lose the alert that says why.
const LINGER: Duration = Duration::from_millis(500);

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The peer ended the connection before its first byte, as a probe of a load balancer does.
    #[error("the peer closed before its TLS handshake")]
    NotBegun,
    /// It took longer than `handshake_timeout`.
    #[error("the TLS handshake took longer than {0:?}")]
    Timeout(Duration),
    /// The client's certificate is trusted, but has none of `client_names`.
    #[error("TLS handshake: {0}")]
    OtherClient(OtherClient),
    /// A certificate cannot contain the upstream's host name.
    #[error("{}", .0.what())]
    Name(#[from] Problem),
    /// The peer does not speak TLS, does not meet this end's requirements, or went away.
    #[error("TLS handshake: {0}")]
    Failed(#[from] io::Error),
}

/// The kinds of failed handshakes that are logged apart from each other, so that many of one kind do
/// not hide the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// The peer went away before or during the handshake.
    Broken,
    /// It took too long.
    Timeout,
    /// The peer's certificate is missing or not trusted.
    Certificate,
    /// The peer's certificate is trusted, but has none of `client_names`.
    ClientName,
    /// The peer does not trust this end, or has no version or cipher in common with it.
    Rejected,
    /// What the peer sent is not TLS.
    NotTls,
}

impl HandshakeFailure {
    /// How many kinds there are; each is less than that, as a number.
    pub const COUNT: usize = Self::NotTls as usize + 1;
}

impl HandshakeError {
    /// The kind of failure; `None` if there was no attempt.
    pub fn failure(&self) -> Option<HandshakeFailure> {
        use rustls::Error as Tls;
        let error = match self {
            Self::NotBegun => return None,
            Self::Timeout(_) => return Some(HandshakeFailure::Timeout),
            Self::OtherClient(_) => return Some(HandshakeFailure::ClientName),
            Self::Name(_) => return Some(HandshakeFailure::Certificate),
            Self::Failed(error) => error,
        };
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        Some(match inner {
            None => HandshakeFailure::Broken,
            Some(Tls::InvalidCertificate(_) | Tls::NoCertificatesPresented) => {
                HandshakeFailure::Certificate
            }
            Some(Tls::AlertReceived(_) | Tls::PeerIncompatible(_)) => HandshakeFailure::Rejected,
            Some(_) => HandshakeFailure::NotTls,
        })
    }
}

impl Server {
    /// Starts TLS on a client's connection, within `limit`.
    ///
    /// # Errors
    /// When the client does not speak TLS, does not present a trusted certificate where one is
    /// required, goes away, or takes longer than `limit`. Unless it took too long, a client
    /// that has begun gets an alert.
    pub async fn accept(
        &self,
        plain: Plain,
        limit: Duration,
    ) -> Result<(ReadHalf, WriteHalf), HandshakeError> {
        let acceptor = TlsAcceptor::from(Arc::clone(self.config()));
        let accepting = async {
            // An error, such as a reset, is an end as well.
            if plain.peek(&mut [0]).await.unwrap_or(0) == 0 {
                return Err(HandshakeError::NotBegun);
            }
            let accepting = acceptor.accept_with(plain, |tls| tls.set_buffer_limit(Some(BUFFER)));
            Ok(accepting.into_fallible().await)
        };
        match timeout(limit, accepting).await {
            Ok(Ok(Ok(stream))) => {
                let (reader, writer) = split(stream);
                Ok((ReadHalf::TlsServer(reader), WriteHalf::TlsServer(writer)))
            }
            Ok(Ok(Err((error, plain)))) => {
                give_up(plain).await;
                Err(other_client(&error).map_or_else(|| error.into(), HandshakeError::OtherClient))
            }
            Ok(Err(not_begun)) => Err(not_begun),
            Err(_) => Err(HandshakeError::Timeout(limit)),
        }
    }
}

impl ReadHalf {
    /// The names in the handshake of a client of `server`; `None` if there are none.
    pub fn names(&self, server: &Server) -> Option<TlsNames> {
        let Self::TlsServer(half) = self else {
            return None;
        };
        let names = half.look(|stream| {
            let (_, session) = stream.get_ref();
            let certificate = session.peer_certificates().and_then(<[_]>::first);
            TlsNames {
                server: session.server_name().map(Into::into),
                client: certificate.and_then(|certificate| server.client_name(certificate)),
            }
        });
        (names != TlsNames::default()).then_some(names)
    }
}

impl Client {
    /// Starts TLS on a connection to `host`. It has no time limit of its own.
    ///
    /// # Errors
    /// When the server does not speak TLS, its certificate is not trusted or not for `host`, or it
    /// goes away.
    pub async fn connect(
        &self,
        plain: Plain,
        host: &str,
    ) -> Result<(ReadHalf, WriteHalf), HandshakeError> {
        let name = self.name(host)?;
        let connector = TlsConnector::from(Arc::clone(self.config()));
        let connecting = connector.connect_with(name, plain, |tls| {
            tls.set_buffer_limit(Some(BUFFER));
        });
        let (reader, writer) = split(connecting.await?);
        Ok((ReadHalf::TlsClient(reader), WriteHalf::TlsClient(writer)))
    }
}

/// The client whose certificate was refused for its names, if that is why.
fn other_client(error: &io::Error) -> Option<OtherClient> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref().cloned()
        }
        _ => None,
    }
}

/// Closes a connection so that what was sent arrives.
async fn give_up(mut plain: Plain) {
    let closing = async {
        plain.shutdown().await?;
        copy(&mut plain, &mut sink()).await
    };
    // Either way the connection is over.
    drop(timeout(LINGER, closing).await);
}

#[cfg(test)]
mod tests;
