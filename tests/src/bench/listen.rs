//! What all native peers have in common: a port, a runtime as linemill's, a task for each connection.
//!
//! In: what answers a connection. Out: where it listens, on standard error; it serves until it is
//! killed. Not here: what a peer does with the bytes.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpStream};

/// Serves each connection with what `answer` makes for it.
///
/// # Errors
/// When no port is free, accepting fails, or `answer` makes nothing.
pub(crate) fn serve<A>(answer: impl Fn(TcpStream) -> anyhow::Result<A>) -> anyhow::Result<()>
where
    A: Future<Output = anyhow::Result<()>> + Send + 'static,
{
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
            stream.set_nodelay(true)?;
            // A connection that breaks is the client's to report.
            drop(tokio::spawn(answer(stream)?));
        }
    })
}
