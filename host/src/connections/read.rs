//! Reading from a stream into blocks for the framer.
//!
//! In: any reader. Out: blocks that begin with the framer's partial line, and how many bytes are
//! new. While no bytes come, no block is held.
//! Not here: what the bytes mean (`linemill_framing`), how long to wait (`timer`).

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt};

use linemill_framing::Framer;
use linemill_framing::blocks::{self, BLOCK};

/// The result of one read.
pub(super) struct Block {
    /// The framer's partial line, then the bytes read.
    pub(super) bytes: Vec<u8>,
    /// How many bytes were read, at least 1.
    pub(super) new: usize,
}

/// Reads once, at most `most` bytes and no more than [`BLOCK`]. `None` is the end of the stream.
///
/// # Errors
/// Those of the reader.
pub(super) async fn read<R: AsyncRead + Unpin>(
    reader: &mut R,
    framer: &mut Framer,
    most: usize,
) -> io::Result<Option<Block>> {
    let mut reader = Pin::new(reader);
    poll_fn(|cx| poll_read(reader.as_mut(), framer, most.min(BLOCK), cx)).await
}

fn poll_read<R: AsyncRead + Unpin>(
    reader: Pin<&mut R>,
    framer: &mut Framer,
    most: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Option<Block>>> {
    if let Some(mut long) = framer.take_long_partial() {
        return match poll_into(reader, &mut long, most, cx) {
            Poll::Ready(Ok(new @ 1..)) => Poll::Ready(Ok(Some(Block { bytes: long, new }))),
            other => {
                framer.restore_partial(long);
                other.map_ok(|_| None)
            }
        };
    }
    let mut block = blocks::take(framer.partial().len());
    block.extend_from_slice(framer.partial());
    match poll_into(reader, &mut block, most, cx) {
        Poll::Ready(Ok(new @ 1..)) => Poll::Ready(Ok(Some(Block { bytes: block, new }))),
        other => {
            blocks::give_back(block);
            other.map_ok(|_| None)
        }
    }
}

/// Appends the bytes that are there. The future is created for each poll: it keeps no state between
/// two.
fn poll_into<R: AsyncRead + Unpin>(
    mut reader: Pin<&mut R>,
    block: &mut Vec<u8>,
    most: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut limited = block.limit(most);
    let reading = pin!(reader.read_buf(&mut limited));
    std::future::Future::poll(reading, cx)
}
