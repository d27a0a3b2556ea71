//! The output of one direction of a connection that its socket has not taken yet.
//!
//! In: blocks of whole lines, framed for the wire, in order. Out: their bytes, as the socket takes
//! them, and how many lines it has taken whole. Not here: how much may be queued, and how long a
//! write may take (`connections::pump`).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use linemill_framing::Framing;
use linemill_framing::blocks::{self, BLOCK};

/// The most blocks handed to one vectored write.
const MAX_SLICES: usize = 16;

/// Blocks of lines that wait for a socket.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    /// No block is empty, and none has been written whole.
    blocks: VecDeque<Block>,
    /// Bytes of the first block that have been taken; fewer than it has.
    written: usize,
    /// Bytes not taken yet, of all blocks together.
    bytes: usize,
    /// Bytes of memory that the blocks have.
    held: usize,
    /// Whether the writer may still buffer bytes that it has taken, as TLS does.
    unflushed: bool,
}

#[derive(Debug)]
struct Block {
    bytes: Vec<u8>,
    lines: u64,
    framing: Framing,
}

/// What the socket took in one write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) bytes: usize,
    /// The lines of blocks that have been written whole by it.
    pub(crate) lines: u64,
}

impl WriteQueue {
    /// Adds a block of `lines` whole lines.
    pub(super) fn push(&mut self, bytes: Vec<u8>, lines: u64, framing: Framing) {
        if bytes.is_empty() {
            blocks::give_back(bytes);
            return;
        }
        self.bytes += bytes.len();
        let bytes = match self.blocks.back_mut() {
            Some(last) if last.takes(&bytes, framing) => {
                let before = last.bytes.capacity();
                last.bytes.extend_from_slice(&bytes);
                last.lines += lines;
                self.held += last.bytes.capacity() - before;
                blocks::give_back(bytes);
                return;
            }
            Some(_) => compact(bytes),
            None => bytes,
        };
        self.held += bytes.capacity();
        self.blocks.push_back(Block {
            bytes,
            lines,
            framing,
        });
    }

    /// Bytes of memory that the queue has.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Bytes queued.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether everything has been written, and has left the writer's buffer, too.
    pub(super) fn is_done(&self) -> bool {
        self.bytes == 0 && !self.unflushed
    }

    /// Writes once, and flushes once the queue is empty. Cancelling it loses nothing.
    ///
    /// # Errors
    /// Those of the writer. A write that takes no bytes is an error, too.
    pub(super) async fn write<W: AsyncWrite + Unpin>(&mut self, to: &mut W) -> io::Result<Taken> {
        poll_fn(|cx| self.poll_write(Pin::new(to), cx)).await
    }

    fn poll_write<W: AsyncWrite>(
        &mut self,
        mut to: Pin<&mut W>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Taken>> {
        let mut blocks = self.blocks.iter();
        let Some(first) = blocks.next() else {
            ready!(to.poll_flush(cx))?;
            self.unflushed = false;
            return Poll::Ready(Ok(Taken::default()));
        };
        let first = &first.bytes[self.written..];
        let taken = if self.blocks.len() == 1 || !to.is_write_vectored() {
            ready!(to.as_mut().poll_write(cx, first))?
        } else {
            let mut slices = [IoSlice::new(first); MAX_SLICES];
            let mut count = 1;
            for (slice, block) in slices[1..].iter_mut().zip(blocks) {
                *slice = IoSlice::new(&block.bytes);
                count += 1;
            }
            ready!(to.as_mut().poll_write_vectored(cx, &slices[..count]))?
        };
        if taken == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        let taken = self.advance(taken);
        self.unflushed = true;
        if self.bytes == 0
            && let Poll::Ready(flushed) = to.poll_flush(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(taken))
    }

    /// Removes the first `bytes` bytes from the queue.
    fn advance(&mut self, bytes: usize) -> Taken {
        self.bytes -= bytes;
        self.written += bytes;
        let mut lines = 0;
        while self
            .blocks
            .front()
            .is_some_and(|block| block.bytes.len() <= self.written)
        {
            if let Some(block) = self.blocks.pop_front() {
                self.written -= block.bytes.len();
                lines += block.lines;
                self.held -= block.bytes.capacity();
                blocks::give_back(block.bytes);
            }
        }
        if self.blocks.is_empty() {
            // An idle connection must not hold capacity for blocks to come.
            self.blocks = VecDeque::new();
        }
        Taken { bytes, lines }
    }

    /// Discards everything. Returns how many lines of the first block had been taken whole, and how
    /// many lines had not.
    pub(super) fn discard(&mut self) -> (u64, u64) {
        let all: u64 = self.blocks.iter().map(|block| block.lines).sum();
        let taken = self.lines_begun();
        *self = Self::default();
        (taken, all - taken)
    }

    /// Lines of the first block that have been taken whole.
    fn lines_begun(&self) -> u64 {
        let first = self.blocks.front();
        first.map_or(0, |block| {
            let (lines, _) = block.framing.whole_lines(&block.bytes[..self.written]);
            lines.min(block.lines)
        })
    }
}

impl Block {
    /// Whether a block that follows is added to this one: both are small.
    fn takes(&self, bytes: &[u8], framing: Framing) -> bool {
        self.framing == framing && self.bytes.len() + bytes.len() <= BLOCK
    }
}

/// The same bytes without the memory of a block that is mostly empty. The first block of a queue is not
/// copied: most are written at once.
fn compact(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.capacity() / 2 <= bytes.len() {
        return bytes;
    }
    let few = bytes.as_slice().to_vec();
    blocks::give_back(bytes);
    few
}

#[cfg(test)]
mod tests;
