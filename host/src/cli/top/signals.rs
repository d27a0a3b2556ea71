//! Signals that end or stop the view.
//!
//! In: signals to the process. Out: what they ask for; the terminal is given back first (`terminal`).

use std::io;

#[cfg(unix)]
use tokio::sync::mpsc;

/// What a signal asks for.
pub(super) enum Caught {
    /// To stop the process until it is continued.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no such signals"))]
    Stop,
    /// To end it: the number of the signal.
    End(u8),
}

/// Stops the process until it is continued.
#[cfg(unix)]
pub(super) fn stop() -> io::Result<()> {
    use rustix::process::{Signal, getpid, kill_process};
    // SIGTSTP is caught.
    kill_process(getpid(), Signal::STOP)?;
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn stop() -> io::Result<()> {
    Ok(())
}

/// Signals, which the view catches so that it can give the terminal back.
#[cfg(unix)]
pub(super) struct Signals(mpsc::Receiver<Caught>);

#[cfg(unix)]
impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (sender, caught) = mpsc::channel(1);
        for kind in [
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::interrupt(),
            SignalKind::quit(),
            SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()),
        ] {
            let mut signal = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while signal.recv().await.is_some() {
                    let number = kind.as_raw_value();
                    let caught = if number == rustix::process::Signal::TSTP.as_raw() {
                        Caught::Stop
                    } else {
                        Caught::End(u8::try_from(number).unwrap_or(0))
                    };
                    if sender.send(caught).await.is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self(caught))
    }

    pub(super) async fn next(&mut self) -> Caught {
        match self.0.recv().await {
            Some(caught) => caught,
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> Caught {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Caught::End(2),
            Err(_) => std::future::pending().await,
        }
    }
}
