//! The peer `native`: what a server costs that does only what must be done.
//!
//! tokio's multi-thread runtime, one task a connection, blocks of 64 KiB, ROT13 in place, written
//! back. It frames no lines, isolates nothing and cannot be changed while it runs.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::pattern::turn;

const BLOCK: usize = 64 * 1024;

/// Options of the peer.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Native {
    /// How often to turn each block
    #[arg(long, default_value_t = 1)]
    passes: u32,
}

impl Native {
    /// Serves until it is killed.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_io()
            .build()?;
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .context("no port is free")?;
            eprintln!("listening on {}", listener.local_addr()?);
            loop {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(async move {
                    // A connection that breaks is the client's to report.
                    let _ = self.answer(stream).await;
                });
            }
        })
    }

    async fn answer(self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut block = vec![0; BLOCK];
        loop {
            let count = stream.read(&mut block).await?;
            if count == 0 {
                return stream.shutdown().await;
            }
            (0..self.passes).for_each(|_| turn(&mut block[..count]));
            stream.write_all(&block[..count]).await?;
        }
    }
}
