//! How much of standard input has been read, on the terminal.

#![expect(
    clippy::print_stderr,
    reason = "it moves the cursor, and prints numbers only"
)]

use std::fs::File;
use std::io::{self, IsTerminal};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use linemill::connections::source::Source;
use tokio::io::{AsyncRead, ReadBuf};

/// Interval at which the progress line is updated.
const PROGRESS: Duration = Duration::from_millis(200);

/// A reader that counts its bytes in `read`.
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) read: Arc<AtomicU64>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Counted<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.read
            .fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl<R: AsyncRead + Unpin> Source for Counted<R> {}

/// A progress line on the terminal; cleared when dropped.
pub(super) struct Progress(tokio::task::JoinHandle<()>);

impl Progress {
    /// Shows how much of standard input has been `read`; `None` unless it is a file and standard error is
    /// a terminal.
    pub(super) fn start(read: Arc<AtomicU64>) -> Option<Self> {
        let total = size_of_stdin().filter(|total| *total > 0 && io::stderr().is_terminal())?;
        Some(Self(tokio::spawn(async move {
            let mut tick = tokio::time::interval(PROGRESS);
            tick.tick().await;
            loop {
                tick.tick().await;
                let read = read.load(Ordering::Relaxed);
                eprint!(
                    "\r{:3} %  {} of {} MiB\x1b[K",
                    read * 100 / total,
                    read >> 20,
                    total >> 20
                );
            }
        })))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.abort();
        eprint!("\r\x1b[K");
    }
}

/// The size of standard input in bytes, if it is a file.
fn size_of_stdin() -> Option<u64> {
    #[cfg(unix)]
    let stdin = {
        use std::os::fd::AsFd;
        File::from(io::stdin().as_fd().try_clone_to_owned().ok()?)
    };
    #[cfg(windows)]
    let stdin = {
        use std::os::windows::io::AsHandle;
        File::from(io::stdin().as_handle().try_clone_to_owned().ok()?)
    };
    stdin
        .metadata()
        .ok()
        .filter(|metadata| metadata.is_file())
        .map(|metadata| metadata.len())
}
