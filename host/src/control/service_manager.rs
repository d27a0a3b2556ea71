//! The service manager, such as systemd, that has started the host and waits for news of it.
//!
//! In: `NOTIFY_SOCKET` and `WATCHDOG_USEC` in the environment. Out: the messages of sd_notify(3): that the host
//! is ready, reloads, stops, and lives. Without these variables, nothing is sent. A message that cannot be
//! sent is lost: nobody waits for the service manager.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

/// Where news goes. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ServiceManager {
    #[cfg(unix)]
    socket: Option<std::sync::Arc<std::os::unix::net::UnixDatagram>>,
    watchdog: Option<Duration>,
}

/// A question whether the one who gets it lives; answered by dropping or sending.
pub type Ping = oneshot::Sender<()>;

impl ServiceManager {
    /// The one that the environment names.
    pub fn from_env() -> Self {
        #[cfg(unix)]
        {
            let address = std::env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty());
            let socket = address.and_then(|address| match unix::connect(&address) {
                Ok(socket) => Some(std::sync::Arc::new(socket)),
                Err(error) => {
                    let address = address.to_string_lossy();
                    tracing::warn!(%address, %error, "the service manager in NOTIFY_SOCKET cannot be reached");
                    None
                }
            });
            let watchdog = socket.is_some().then(watchdog).flatten();
            Self { socket, watchdog }
        }
        #[cfg(not(unix))]
        Self::default()
    }

    /// The host serves; `status` says what.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}\n"));
    }

    /// A reload has begun, which ends with [`Self::ready`].
    pub fn reloading(&self) {
        #[cfg(unix)]
        self.send(&format!(
            "RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reloading\n",
            unix::monotonic().as_micros()
        ));
    }

    /// The host stops.
    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=draining\n");
    }

    /// While `control`, the control plane, answers, says so as often as the service manager requires. Ends
    /// with it, or if nothing is required.
    pub async fn keep_alive(self, control: mpsc::Sender<Ping>) {
        let Some(watchdog) = self.watchdog else {
            return;
        };
        loop {
            let (answer, lives) = oneshot::channel();
            if control.send(answer).await.is_err() || lives.await.is_err() {
                return;
            }
            self.send("WATCHDOG=1\n");
            // Twice as often as required.
            tokio::time::sleep(watchdog / 2).await;
        }
    }

    fn send(&self, news: &str) {
        #[cfg(unix)]
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(news.as_bytes())
        {
            tracing::debug!(%error, news, "the service manager takes no message");
        }
        #[cfg(not(unix))]
        let _ = news;
    }
}

/// How often the service manager must hear that this process lives.
#[cfg(unix)]
fn watchdog() -> Option<Duration> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    if number("WATCHDOG_PID").is_some_and(|id| id != u64::from(std::process::id())) {
        return None;
    }
    let every = number("WATCHDOG_USEC").filter(|every| *every > 0)?;
    Some(Duration::from_micros(every))
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::io;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::time::Duration;

    /// A socket whose messages go to `address`: a path or, after `@`, a name in the abstract namespace.
    pub(super) fn connect(address: &OsStr) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(&parsed(address)?)?;
        Ok(socket)
    }

    fn parsed(address: &OsStr) -> io::Result<SocketAddr> {
        match address.as_bytes() {
            #[cfg(target_os = "linux")]
            [b'@', name @ ..] => {
                use std::os::linux::net::SocketAddrExt as _;
                SocketAddr::from_abstract_name(name)
            }
            [b'/', ..] => SocketAddr::from_pathname(address),
            _ => {
                let text = "is neither a path nor a name after `@`";
                Err(io::Error::new(io::ErrorKind::InvalidInput, text))
            }
        }
    }

    /// The time that service managers compare.
    pub(super) fn monotonic() -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let (seconds, nanos) = (now.tv_sec, now.tv_nsec);
        Duration::new(
            seconds.try_into().unwrap_or_default(),
            nanos.try_into().unwrap_or_default(),
        )
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::sync::Arc;

    use super::*;

    const EVERY: Duration = Duration::from_secs(10);

    /// A service manager with a watchdog, and its end of the socket.
    fn manager() -> std::io::Result<(ServiceManager, UnixDatagram)> {
        let (ours, theirs) = UnixDatagram::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        let manager = ServiceManager {
            socket: Some(Arc::new(ours)),
            watchdog: Some(EVERY),
        };
        Ok((manager, theirs))
    }

    fn received(socket: &UnixDatagram) -> usize {
        let mut bytes = [0; 64];
        let mut count = 0;
        while let Ok(size) = socket.recv(&mut bytes) {
            assert_eq!(&bytes[..size], b"WATCHDOG=1\n");
            count += 1;
        }
        count
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_only_as_long_as_the_control_plane_answers() {
        let (manager, theirs) = manager().expect("a pair");
        let (ask, mut pings) = mpsc::channel(1);
        let telling = tokio::spawn(manager.keep_alive(ask));
        for _ in 0..5 {
            pings
                .recv()
                .await
                .expect("a ping")
                .send(())
                .expect("awaited");
        }
        // A control plane that hangs, and then goes on.
        let late = pings.recv().await.expect("a ping");
        assert_eq!(received(&theirs), 5);
        tokio::time::sleep(10 * EVERY).await;
        assert_eq!(received(&theirs), 0);
        late.send(()).expect("awaited");
        let next = pings.recv().await.expect("a ping");
        assert_eq!(received(&theirs), 1);
        // One that has ended.
        drop(next);
        telling.await.expect("it ends");
        assert_eq!(received(&theirs), 0);
    }

    #[test]
    fn nobody_waits_for_one_that_reads_nothing() {
        let (manager, _theirs) = manager().expect("a pair");
        for _ in 0..10_000 {
            manager.reloading();
        }
    }
}
