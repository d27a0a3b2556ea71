//! The admin socket as axum wants it, whatever kind it is.

use std::time::Duration;

use axum::serve::Listener;
use tokio::time::sleep;

use crate::bind::Socket;
use crate::config::settings::Address;
use crate::stream::transport::{Peer, Plain};
use crate::telemetry::log::Gate;

/// Pause after the system refused an accept, for want of descriptors say.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Door {
    socket: Socket,
    log: Gate,
}

impl Door {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            log: Gate::default(),
        }
    }
}

impl Listener for Door {
    type Io = Plain;
    type Addr = (Address, Option<Peer>);

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => return (stream, (self.socket.name().clone(), Some(peer))),
                Err(error) => {
                    if let Some(held) = self.log.pass() {
                        tracing::error!(%error, not_logged = held, "the admin address cannot accept; pausing");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok((self.socket.name().clone(), None))
    }
}
