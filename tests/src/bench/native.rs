//! The peer `native`: the cost of a server that does the minimum.
//!
//! tokio's multi-thread runtime, one task per connection: reads blocks of up to 64 KiB, turns them in
//! place, and writes them back. It frames no lines, isolates nothing and cannot be changed while it
//! runs. With a certificate it does the same over TLS.

use std::path::PathBuf;

use clap::Args;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::listen::serve;
use crate::pattern::turn;
use crate::session;

const BLOCK: usize = 64 * 1024;

/// Options of the peer.
#[derive(Debug, Clone, Args)]
pub(crate) struct Native {
    /// How often to turn each block
    #[arg(long, default_value_t = 1)]
    passes: u32,
    /// A folder with `server.crt` and `server.key`: serve TLS
    #[arg(long)]
    tls: Option<PathBuf>,
}

impl Native {
    /// Serves until it is killed.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let passes = self.passes;
        let acceptor = self.tls.as_deref().map(session::acceptor).transpose()?;
        serve(|stream| {
            let acceptor = acceptor.clone();
            Ok(async move {
                match acceptor {
                    None => answer(stream, passes).await,
                    Some(acceptor) => answer(acceptor.accept(stream).await?, passes).await,
                }
            })
        })
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    passes: u32,
) -> anyhow::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        let count = stream.read(&mut block).await?;
        if count == 0 {
            return Ok(stream.shutdown().await?);
        }
        (0..passes).for_each(|_| turn(&mut block[..count]));
        stream.write_all(&block[..count]).await?;
        stream.flush().await?;
    }
}
