//! Signals: SIGHUP reloads; SIGTERM, SIGINT and SIGQUIT stop.
//!
//! In: signals. Out: [`Request`]s on a channel, and the signals that stop the host. Caught from the first
//! moment, so that none kills a host that starts: a SIGHUP is acted on as soon as there is something to
//! reload. SIGUSR1 and SIGUSR2, which other daemons have a use for, are caught to do nothing.
//! Not here: changed files (`watcher`), requests at the admin address (`admin`).

use std::fmt;
use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use super::request::Request;

/// All signals that a host catches, on other systems than Unix Ctrl-C only.
pub struct Signals {
    /// Those that stop it.
    pub stop: Stop,
    /// Those that reload it.
    pub hangups: Hangups,
    /// Those that do nothing.
    pub unused: Unused,
}

/// The signals that stop the host.
pub struct Stop {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    quit: Signal,
}

/// SIGHUP.
pub struct Hangups {
    #[cfg(unix)]
    hangup: Signal,
}

/// SIGUSR1 and SIGUSR2.
pub struct Unused {
    #[cfg(unix)]
    signals: [Signal; 2],
}

/// A signal that stops the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM.
    Terminate,
    /// SIGINT, or Ctrl-C.
    Interrupt,
    /// SIGQUIT.
    Quit,
}

impl Signals {
    /// Catches the signals from this call on.
    ///
    /// # Errors
    /// A signal cannot be caught.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            stop: Stop {
                #[cfg(unix)]
                terminate: signal(SignalKind::terminate())?,
                #[cfg(unix)]
                interrupt: signal(SignalKind::interrupt())?,
                #[cfg(unix)]
                quit: signal(SignalKind::quit())?,
            },
            hangups: Hangups {
                #[cfg(unix)]
                hangup: signal(SignalKind::hangup())?,
            },
            unused: Unused {
                #[cfg(unix)]
                signals: [
                    signal(SignalKind::user_defined1())?,
                    signal(SignalKind::user_defined2())?,
                ],
            },
        })
    }
}

impl Stop {
    /// The first signal, and the second one. Without a Tokio runtime, panics.
    pub fn split(
        mut self,
    ) -> (
        impl Future<Output = StopSignal>,
        impl Future<Output = StopSignal>,
    ) {
        let (first, is_first) = oneshot::channel();
        let (second, is_second) = oneshot::channel();
        tokio::spawn(async move {
            let _not_awaited = first.send(self.next().await);
            let _not_awaited = second.send(self.next().await);
        });
        (sent(is_first), sent(is_second))
    }

    /// Waits for the next signal. One that came before is not lost.
    pub async fn next(&mut self) -> StopSignal {
        #[cfg(unix)]
        return tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.quit.recv() => StopSignal::Quit,
        };
        #[cfg(not(unix))]
        {
            if let Err(error) = tokio::signal::ctrl_c().await {
                tracing::warn!(%error, "Ctrl-C cannot be caught");
                std::future::pending::<()>().await;
            }
            StopSignal::Interrupt
        }
    }
}

/// What is sent; never, if nothing is any more.
async fn sent(signal: oneshot::Receiver<StopSignal>) -> StopSignal {
    match signal.await {
        Ok(signal) => signal,
        Err(_) => std::future::pending().await,
    }
}

impl Hangups {
    /// At each signal, calls `before_reload` and requests a reload. Never ends.
    pub async fn reload(self, requests: mpsc::Sender<Request>, before_reload: impl Fn()) {
        #[cfg(unix)]
        {
            let mut hangup = self.hangup;
            while hangup.recv().await.is_some() {
                use super::request::Trigger;
                before_reload();
                // A full channel already contains a reload.
                let _full = requests.try_send(Request::reload(Trigger::Hangup));
            }
        }
        std::future::pending::<()>().await;
        drop((requests, before_reload));
    }
}

impl Unused {
    /// Logs that they do nothing. Never ends.
    pub async fn ignore(self) {
        #[cfg(unix)]
        {
            let [mut one, mut two] = self.signals;
            loop {
                let signal = tokio::select! {
                    _ = one.recv() => "SIGUSR1",
                    _ = two.recv() => "SIGUSR2",
                };
                tracing::info!(
                    signal,
                    "this signal does nothing; SIGHUP reloads, SIGTERM stops"
                );
            }
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}

impl StopSignal {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Quit => "SIGQUIT",
        }
    }

    /// The exit status of a host that it ends before the drain is over: that of a process which it kills, as
    /// shells show it.
    pub fn status(self) -> u8 {
        128 + match self {
            Self::Interrupt => 2,
            Self::Quit => 3,
            Self::Terminate => 15,
        }
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
