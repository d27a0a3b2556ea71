//! What makes the host reload or stop: signals, and files that change.
//!
//! In: the system's events. Out: [`Request`]s on a channel, and the signals of [`Stop`].
//! Not here: files (`watch`), what is asked for at the admin address (`admin`).

use tokio::sync::mpsc;

use super::request::Request;

/// Catches SIGHUP from this call on; the future calls `also` and asks for a reload at each, for
/// ever. Without such signals (Windows), waits for ever.
///
/// # Errors
/// When the signal cannot be caught.
pub fn hangups(
    requests: mpsc::Sender<Request>,
    also: impl Fn() + Send + 'static,
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
            also();
            // A full channel holds a reload already.
            let _full = requests.try_send(Request::reload(Trigger::Hangup));
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
        drop((requests, also));
    })
}

/// The signals that end the host: SIGINT and SIGTERM (on Windows: Ctrl-C).
pub struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    /// Catches them from this call on: before that, they kill the process.
    ///
    /// # Errors
    /// When they cannot be caught.
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

    /// Waits for the next; gives its name.
    ///
    /// # Errors
    /// When it cannot be caught.
    pub async fn next(&mut self) -> std::io::Result<&'static str> {
        #[cfg(unix)]
        return Ok(tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        });
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.map(|()| "Ctrl-C")
    }
}
