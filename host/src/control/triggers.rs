//! Signals: SIGHUP reloads, SIGINT and SIGTERM stop.
//!
//! In: signals. Out: [`Request`]s on a channel, and the signals of [`Stop`].
//! Not here: changed files (`watcher`), requests at the admin address (`admin`).

use tokio::sync::{mpsc, oneshot};

use super::request::Request;

/// Catches SIGHUP from this call on. At each, the returned future calls `before_reload` and requests
/// a reload. It never ends. On Windows, which has no SIGHUP, it does nothing.
///
/// # Errors
/// The signal cannot be caught.
pub fn hangups(
    requests: mpsc::Sender<Request>,
    before_reload: impl Fn() + Send + 'static,
) -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut hangups = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup())?
    };
    Ok(async move {
        #[cfg(unix)]
        while hangups.recv().await.is_some() {
            use super::request::Trigger;
            before_reload();
            // A full channel already contains a reload.
            let _full = requests.try_send(Request::reload(Trigger::Hangup));
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
        drop((requests, before_reload));
    })
}

/// The signals that stop the host: SIGINT and SIGTERM (on Windows: Ctrl-C).
pub struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    /// Catches the signals from this call on; before it, they kill the process.
    ///
    /// # Errors
    /// A signal cannot be caught.
    pub fn catch() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// The first signal, with its name, and the second one. Without a Tokio runtime, panics.
    pub fn split(mut self) -> (impl Future<Output = &'static str>, impl Future<Output = ()>) {
        let (first, is_first) = oneshot::channel();
        let (second, is_second) = oneshot::channel();
        tokio::spawn(async move {
            // A signal that cannot be received stops the host, too.
            let _not_awaited = first.send(self.next().await.unwrap_or("no signal"));
            if self.next().await.is_ok() {
                let _not_awaited = second.send(());
            }
        });
        let shutdown = async { is_first.await.unwrap_or("no signal") };
        let abort = async {
            if is_second.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        (shutdown, abort)
    }

    /// Waits for the next signal, and returns its name.
    ///
    /// # Errors
    /// The signal cannot be caught.
    async fn next(&mut self) -> std::io::Result<&'static str> {
        #[cfg(unix)]
        return Ok(tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        });
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.map(|()| "Ctrl-C")
    }
}
