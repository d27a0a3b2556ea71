//! A connection that is watched without writing to it.
//!
//! In: an upstream, and for how long. Out: the connection, if it has lasted, or why it has not. Not
//! here: when to probe (`failover`), and lines.
//!
//! Without a line, little shows. A connection that cannot be made, is reset, or does not get through
//! its TLS handshake says that the upstream is down. A connection that lasts for ten seconds is not one
//! of a load balancer that looks for a server in vain. A FIN may come from either: from an upstream that
//! sends no answers and takes lines, or from one that has closed. A system forgets a socket that its
//! program has closed: Linux after a minute. From then on it answers a keepalive probe with a reset. So a
//! connection that has got FIN has to outlast that.
//! A program that has stopped, while its system still accepts connections, cannot be told from one that
//! works.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::connection::Broken;
use super::socket::Socket;
use super::trial::LONG_SETTLE;
use super::turn::{is_closed, read};
use super::{ConnectError, Link, Upstream};
#[cfg(unix)]
use crate::net::transport::WriteHalf;

/// How long a connection must last after FIN: until the peer's system would have forgotten it, and
/// another keepalive probe has been answered.
const AFTER_FIN: Duration = Duration::from_secs(80);
/// How often a connection after FIN is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How much of the upstream's answers is read at a time.
const ANSWERS: usize = 16 * 1024;

/// A connection that nothing has been written to.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) link: Link,
    pub(super) opened: Instant,
    /// Whether the peer has sent FIN.
    pub(super) ended: bool,
    /// Whether the peer may have closed it: it has sent FIN, and that has not been outlasted.
    doubtful: bool,
}

/// Why an upstream is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    /// There is no connection.
    #[error(transparent)]
    Unreachable(#[from] ConnectError),
    /// The connection did not last.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Connects to `upstream`, and watches the connection for `watch`, or until it is
/// [doubtful](Fresh::is_doubtful). `is_up` is called once it has lasted long enough for the upstream to
/// count as up.
pub(super) async fn probe(
    upstream: &Upstream,
    watch: Duration,
    is_up: impl FnOnce(),
) -> Result<Fresh, ProbeError> {
    let mut fresh = Fresh::new(upstream.link().await?);
    let until = fresh.opened + watch;
    let up = until.min(fresh.opened + LONG_SETTLE);
    let mut is_up = Some(is_up);
    let mut answers = vec![0; ANSWERS];
    loop {
        let now = Instant::now();
        if fresh.ended {
            fresh.still_lives()?;
        }
        if now >= up
            && let Some(is_up) = is_up.take()
        {
            is_up();
        }
        if now >= until {
            return Ok(fresh);
        }
        let wake = if is_up.is_some() { up } else { until };
        let look = if fresh.ended { now + LOOK } else { wake };
        tokio::select! {
            read = read(&mut fresh.link.reader, &mut answers), if !fresh.ended => {
                if read.map_err(Broken::from)? == 0 {
                    fresh.end_of_answers()?;
                    if fresh.doubtful {
                        return Ok(fresh);
                    }
                }
            }
            () = sleep_until(wake.min(look)) => {}
        }
    }
}

impl Fresh {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            opened: Instant::now(),
            ended: false,
            doubtful: false,
        }
    }

    /// Whether the peer may have closed it.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// Watches a doubtful connection until the peer's system would have forgotten it.
    pub(super) async fn outlast(mut self) -> Result<Self, ProbeError> {
        let until = Instant::now() + AFTER_FIN;
        while Instant::now() < until {
            self.still_lives()?;
            sleep(LOOK).await;
        }
        self.still_lives()?;
        self.doubtful = false;
        Ok(self)
    }

    /// The peer has sent FIN.
    fn end_of_answers(&mut self) -> Result<(), Broken> {
        self.ended = true;
        self.still_lives()?;
        match &self.link.socket {
            Some(socket) if socket.ask_often() => self.doubtful = true,
            // A Unix socket shows at once whether it has been closed.
            #[cfg(unix)]
            None if matches!(self.link.writer, WriteHalf::Unix(_)) => {}
            _ => return Err(Broken::Ended),
        }
        Ok(())
    }

    /// Whether the peer still has the connection, after its FIN.
    fn still_lives(&self) -> Result<(), Broken> {
        let socket = self.link.socket.as_ref();
        let error: Option<io::Error> = socket.and_then(Socket::error);
        match error {
            Some(error) => Err(error.into()),
            None if is_closed(&self.link.writer) => Err(Broken::Ended),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
