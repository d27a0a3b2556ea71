//! What all native peers share: a port, a runtime like linemill's, and a task per connection.
//!
//! In: a function that answers a connection. Out: the address, on standard error. It serves until it
//! is killed. Not here: what a peer does with the bytes.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpStream};

/// Serves each connection with the task that `answer` returns for it.
///
/// # Errors
/// No port is free, accepting fails, or `answer` fails.
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
            // The client reports a connection that breaks.
            drop(tokio::spawn(answer(stream)?));
        }
    })
}
