//! The bytes of a connection that carries one request without a body.
//!
//! In: a client's stream. Out: the bytes of its first request head, to whoever reads; what follows is
//! discarded. While the request is being answered, the end of the stream means that the client has left,
//! or that it has ended only its own direction, as `nc -N` does. TCP does not tell which, so the reader
//! learns of it [`GRACE`] later, and not at all once the answer is being written.
//! Not here: what a head means (`hyper`), seats (`http`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long the answer may take for a client that has ended its direction.
const GRACE: Duration = Duration::from_secs(2);
/// Most bytes after the head that are discarded; then the stream counts as ended.
const SURPLUS: usize = 64 * 1024;

/// What a connection notes about its request.
pub(super) trait Note: Send + Sync {
    /// The client ended its direction before its request was answered.
    fn client_left(&self);
}

/// A client's stream.
pub(super) struct OneRequest<S, N> {
    stream: S,
    note: Arc<N>,
    /// Set from the end of the head until the request has been answered.
    waits: Arc<AtomicBool>,
    head: Head,
    surplus: usize,
    /// Set once the client has ended its direction.
    grace: Option<Pin<Box<Sleep>>>,
}

/// Finds the end of a request head: the first empty line after a line that is not empty.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// Only line ends have come.
    #[default]
    NotBegun,
    InLine,
    /// After a line feed.
    LineEnd,
    /// After a line feed and CR.
    Cr,
    Over,
}

impl Head {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::NotBegun, b'\r' | b'\n') => Self::NotBegun,
            (Self::LineEnd | Self::Cr, b'\n') => Self::Over,
            (_, b'\n') => Self::LineEnd,
            (Self::LineEnd, b'\r') => Self::Cr,
            _ => Self::InLine,
        }
    }

    /// How many of `bytes` belong to the head.
    fn take(&mut self, bytes: &[u8]) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            *self = self.after(*byte);
            if *self == Self::Over {
                return at + 1;
            }
        }
        bytes.len()
    }
}

impl<S, N> OneRequest<S, N> {
    /// `waits` is to be cleared when the request has been answered.
    pub(super) fn new(stream: S, note: Arc<N>, waits: Arc<AtomicBool>) -> Self {
        Self {
            stream,
            note,
            waits,
            head: Head::default(),
            surplus: SURPLUS,
            grace: None,
        }
    }

    /// The stream itself.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin, N: Note> OneRequest<S, N> {
    /// Discards what follows the head. Ready at the end of the stream, or after too much.
    fn poll_surplus(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut room = [0; 4096];
        while self.surplus > 0 {
            let mut buffer = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            match buffer.filled().len() {
                0 => break,
                count => self.surplus = self.surplus.saturating_sub(count),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin, N: Note> AsyncRead for OneRequest<S, N> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.head != Head::Over {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
            let taken = this.head.take(&buffer.filled()[before..]);
            buffer.set_filled(before + taken);
            if this.head == Head::Over {
                this.waits.store(true, Ordering::Relaxed);
            }
            return Poll::Ready(Ok(()));
        }
        if this.grace.is_none() {
            ready!(this.poll_surplus(cx))?;
            if this.waits.load(Ordering::Relaxed) {
                this.note.client_left();
            }
        }
        // An answer is still written after the client has ended its direction.
        if !this.waits.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let grace = this.grace.get_or_insert_with(|| Box::pin(sleep(GRACE)));
        ready!(grace.as_mut().poll(cx));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin, N: Unpin> AsyncWrite for OneRequest<S, N> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    struct Nobody;

    impl Note for Nobody {
        fn client_left(&self) {}
    }

    /// The head of `sent`, found in another way.
    fn head_of(sent: &[u8]) -> &[u8] {
        let start = sent.iter().position(|byte| !b"\r\n".contains(byte));
        let ends = [&b"\n\n"[..], b"\n\r\n"].into_iter().filter_map(|end| {
            let body = &sent[start?..];
            let at = body.windows(end.len()).position(|part| part == end)?;
            Some(start? + at + end.len())
        });
        &sent[..ends.min().unwrap_or(sent.len())]
    }

    proptest! {
        #[test]
        fn only_the_head_is_passed_on(sent in "(GET /|a: b|\r\n|\n|\r){0,12}", cut in any::<prop::sample::Index>()) {
            let sent = sent.as_bytes();
            let at = cut.index(sent.len() + 1);
            let mut head = Head::default();
            let first = head.take(&sent[..at]);
            let second = if head == Head::Over { 0 } else { head.take(&sent[at..]) };
            prop_assert_eq!(&sent[..first + second], head_of(sent));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_is_noticed_and_has_a_moment() {
        struct Left(AtomicBool);
        impl Note for Left {
            fn client_left(&self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let (mut client, server) = duplex(1024);
        let left = Arc::new(Left(AtomicBool::new(false)));
        let waits = Arc::new(AtomicBool::new(false));
        let mut stream = OneRequest::new(server, Arc::clone(&left), Arc::clone(&waits));
        client
            .write_all(b"GET / HTTP/1.1\r\n\r\nmore")
            .await
            .expect("sent");
        let mut head = [0; 64];
        let count = stream.read(&mut head).await.expect("a head");
        assert_eq!(&head[..count], b"GET / HTTP/1.1\r\n\r\n");
        assert!(waits.load(Ordering::Relaxed));
        drop(client);
        let began = tokio::time::Instant::now();
        assert_eq!(stream.read(&mut head).await.expect("the end"), 0);
        assert_eq!(began.elapsed(), GRACE);
        assert!(left.0.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn a_request_without_a_reader_ends_at_once() {
        let (client, server) = duplex(64);
        drop(client);
        let waits = Arc::new(AtomicBool::new(false));
        let mut stream = OneRequest::new(server, Arc::new(Nobody), waits);
        assert_eq!(stream.read(&mut [0; 8]).await.expect("the end"), 0);
    }
}
