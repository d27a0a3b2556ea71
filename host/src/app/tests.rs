//! A whole host in this process: bytes through a real socket, then a shutdown.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::*;
use crate::connections::connection::Connection;
use crate::connections::metrics::LineMetrics;
use crate::connections::source::Source;
use crate::generation::Snapshot;
use crate::panics::contain;
use crate::sinks::metrics::DropReason;
use linemill_config::settings::Address;

/// Only a host that hangs takes this long.
const HANGS: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_host_serves_until_its_shutdown_and_drains() {
    let origin = Origin {
        listen: Some("127.0.0.1:0".parse().expect("an address")),
        ..Origin::default()
    };
    let built = build(load(origin, Metrics::default()).expect("loaded"))
        .await
        .expect("built");
    let host = bind(built).expect("bound");
    let Some((_, Address::Tcp(address))) = host.addresses().next() else {
        panic!("no TCP listener");
    };
    let address = *address;
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(host.serve(
        async { stopped.await.expect("the test stops the host") },
        std::future::pending(),
    ));

    let mut client = TcpStream::connect(address).await.expect("connected");
    client.write_all(b"Hello\n").await.expect("sent");
    let mut answer = [0; 6];
    client.read_exact(&mut answer).await.expect("answered");
    assert_eq!(&answer, b"Uryyb\n");

    // What is sent before the shutdown is answered, then the host ends the connection.
    client.write_all(b"bye\n").await.expect("sent");
    client.read_exact(&mut answer[..4]).await.expect("answered");
    assert_eq!(&answer[..4], b"olr\n");
    stop.send("test").expect("the host serves");
    let mut rest = Vec::new();
    client.shutdown().await.expect("closed");
    client.read_to_end(&mut rest).await.expect("ended");
    assert!(rest.is_empty(), "{rest:?}");
    timeout(HANGS, serving)
        .await
        .expect("the host drains")
        .expect("the host does not panic");
    assert!(
        TcpStream::connect(address).await.is_err(),
        "still listening"
    );
}

/// A client that sends this, and a bug that shows when more is read.
struct Broken(Option<&'static [u8]>);

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.0.take().expect("a bug");
        buffer.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

impl Source for Broken {}

#[tokio::test]
async fn lines_of_a_connection_that_panics_are_counted() {
    let origin = Origin {
        listen: Some("127.0.0.1:0".parse().expect("an address")),
        ..Origin::default()
    };
    let loaded = load(origin, Metrics::default()).expect("loaded");
    let built = build(loaded).await.expect("built");
    let name = built.loaded.settings.listeners[0].name.as_str();
    let metrics = LineMetrics::clone(&built.loaded.metrics.lines.of(name));
    let (_publisher, snapshot) = Snapshot::first(built.generation);
    // Room for one line, which nobody reads.
    let (writer, _client) = tokio::io::duplex(4);
    let reader = Broken(Some(b"one\ntwo\nthree\nrest"));
    let counts = Arc::new(metrics.clone());
    let connection = Connection::new(reader, writer, name.into(), snapshot, counts);
    let mut reported = String::new();
    let serving = async { drop(connection.serve().await) };
    contain(serving, |panic| reported.push_str(panic)).await;
    assert_eq!(reported, "a bug");
    let dropped = |reason| metrics.dropped.of(reason).get();
    let delivered = metrics.tally().delivered;
    assert!(delivered <= 1, "nobody reads");
    assert_eq!(delivered + dropped(DropReason::Closed), 3);
    assert_eq!(dropped(DropReason::Partial), 1);
}

/// A client that sends a line right after a reload has taken effect.
struct AfterReload {
    publisher: watch::Sender<Snapshot>,
    next: Option<Generation>,
}

impl AsyncRead for AfterReload {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Whoever reads has already looked for a new snapshot.
        if let Some(next) = self.next.take() {
            Snapshot::publish(&self.publisher, Arc::new(next));
            buffer.put_slice(b"Hello\n");
        }
        Poll::Ready(Ok(()))
    }
}

impl Source for AfterReload {}

#[tokio::test]
async fn a_line_that_follows_a_reload_goes_by_its_chain() {
    let origin = |chain: &[&str]| Origin {
        listen: Some("127.0.0.1:0".parse().expect("an address")),
        chain: Some(chain.iter().map(|name| (*name).to_owned()).collect()),
        ..Origin::default()
    };
    let loaded = load(origin(&["rot13"]), Metrics::default()).expect("loaded");
    let first = build(loaded).await.expect("built");
    let loaded = load(origin(&["case"]), Metrics::default()).expect("loaded");
    let next = build(loaded).await.expect("built");
    let name = first.loaded.settings.listeners[0].name.as_str();
    let counts = Arc::new(LineMetrics::clone(&first.loaded.metrics.lines.of(name)));
    let (publisher, snapshot) = Snapshot::first(first.generation);
    let reader = AfterReload {
        publisher,
        next: Some(next.generation),
    };
    let (writer, mut client) = tokio::io::duplex(64);
    let connection = Connection::new(reader, writer, name.into(), snapshot, counts);
    drop(connection.serve().await);
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("text");
    assert_eq!(answer, "hello\n");
}
