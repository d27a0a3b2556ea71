//! Handshakes: from a connected socket to the two halves of a TLS stream.
//!
//! In: a socket, and who the host is (`crate::tls`). Out: halves, or why there is no TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, copy, sink, split};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Plain, ReadHalf, WriteHalf};
use crate::tls::{BUFFER, Client, Server};
use linemill_config::Problem;

/// How long a client that failed is listened to yet: closing a socket with unread bytes would
/// reset it, and take back the alert that tells the client why.
const LINGER: Duration = Duration::from_millis(500);

/// Why a handshake came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It took longer than `handshake_timeout`.
    #[error("the TLS handshake took longer than {0:?}")]
    Timeout(Duration),
    /// The host of a next hop is no name that a certificate can have.
    #[error("{}", .0.what())]
    Name(#[from] Problem),
    /// The other end does not speak TLS, has not what this end asks for, or went away.
    #[error("TLS handshake: {0}")]
    Failed(#[from] io::Error),
}

impl Server {
    /// Makes TLS of a client's connection.
    ///
    /// # Errors
    /// When the client does not speak TLS, has no certificate that is trusted where one is asked
    /// for, goes away, or takes longer than `handshake_timeout`. It has been told so by an alert.
    pub async fn accept(&self, plain: Plain) -> Result<(ReadHalf, WriteHalf), HandshakeError> {
        let limit = self.handshake_timeout();
        let acceptor = TlsAcceptor::from(Arc::clone(self.config()));
        let accepting = acceptor.accept_with(plain, |tls| tls.set_buffer_limit(Some(BUFFER)));
        match timeout(limit, accepting.into_fallible()).await {
            Ok(Ok(stream)) => {
                let (reader, writer) = split(stream);
                Ok((ReadHalf::TlsServer(reader), WriteHalf::TlsServer(writer)))
            }
            Ok(Err((error, plain))) => {
                give_up(plain).await;
                Err(error.into())
            }
            Err(_) => Err(HandshakeError::Timeout(limit)),
        }
    }
}

impl Client {
    /// Makes TLS of a connection to `host`. It has no time limit of its own.
    ///
    /// # Errors
    /// When the other end does not speak TLS, its certificate is not trusted or not that of
    /// `host`, or it goes away.
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

/// Ends a connection so that what was sent arrives.
async fn give_up(mut plain: Plain) {
    let ending = async {
        plain.shutdown().await?;
        copy(&mut plain, &mut sink()).await
    };
    // Either way the connection is over.
    drop(timeout(LINGER, ending).await);
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
