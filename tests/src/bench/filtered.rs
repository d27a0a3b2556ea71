//! The peer of real filters: the same filters' code, natively, in a server that frames lines.
//!
//! tokio's multi-thread runtime, one task per connection, reads of up to 64 KiB. It filters the
//! complete lines of a read and writes the result at once. It isolates nothing, cannot be changed
//! while it runs, and accepts only lines that end in LF; it does not answer what follows the last LF.

use bytes::BytesMut;
use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::job::{Job, Natively};
use crate::listen::serve;

const BLOCK: usize = 64 * 1024;

/// Options of the peer.
#[derive(Debug, Clone, Args)]
pub(crate) struct Filtered {
    /// The job whose filters it runs
    job: Job,
}

impl Filtered {
    /// Serves until it is killed.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        serve(|stream| Ok(answer(stream, self.job.natively()?)))
    }
}

async fn answer(mut stream: TcpStream, mut filters: Natively) -> anyhow::Result<()> {
    let mut input = BytesMut::with_capacity(BLOCK);
    loop {
        input.reserve(BLOCK);
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(stream.shutdown().await?);
        }
        if let Some(last) = memchr::memrchr(b'\n', &input) {
            let lines = input.split_to(last + 1);
            stream.write_all(&filters.filter(lines.to_vec())).await?;
        }
    }
}
