//! A whole host in this process: bytes through a real socket, then a shutdown.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
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

/// A client that always has more to send, until it has sent this many blocks.
struct Hasty(u32);

impl AsyncRead for Hasty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(left) = self.0.checked_sub(1) {
            self.0 = left;
            let lines = b"one of many\n".repeat(buffer.remaining() / 12);
            buffer.put_slice(&lines);
        }
        Poll::Ready(Ok(()))
    }
}

impl Source for Hasty {
    fn has_input(&self) -> bool {
        true
    }
}

/// A writer that takes everything at once.
struct Open;

impl AsyncWrite for Open {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_client_that_always_has_more_to_send_lets_others_go_first() {
    const BLOCKS: u32 = 1000;
    let origin = Origin {
        listen: Some("127.0.0.1:0".parse().expect("an address")),
        ..Origin::default()
    };
    let loaded = load(origin, Metrics::default()).expect("loaded");
    let built = build(loaded).await.expect("built");
    let name = built.loaded.settings.listeners[0].name.as_str();
    let counts = Arc::new(LineMetrics::clone(&built.loaded.metrics.lines.of(name)));
    let (_publisher, snapshot) = Snapshot::first(built.generation);
    let connection = Connection::new(
        Hasty(BLOCKS),
        Open,
        name.into(),
        snapshot,
        Arc::clone(&counts),
    );
    let serving = tokio::spawn(async move { drop(connection.serve().await) });
    let mut turns = 0;
    while !serving.is_finished() {
        tokio::task::yield_now().await;
        turns += 1;
    }
    serving.await.expect("served");
    assert!(counts.totals().lines_in > u64::from(BLOCKS));
    // Not after each of them, and far more often than never.
    assert!((BLOCKS / 100..BLOCKS).contains(&turns), "{turns}");
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

/// A client that sends lines, and one more right after a reload has taken effect.
struct AcrossReload {
    lines: Box<dyn Iterator<Item = String> + Send>,
    reload: AfterReload,
}

impl AsyncRead for AcrossReload {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.lines.next() {
            Some(lines) => {
                buffer.put_slice(lines.as_bytes());
                Poll::Ready(Ok(()))
            }
            None if self.reload.next.is_none() => Poll::Pending,
            None => Pin::new(&mut self.reload).poll_read(context, buffer),
        }
    }
}

impl Source for AcrossReload {}

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

/// Cuts a connection that moves to another generation with a line in hand, if it can. Returns whether it
/// could, after checking that each line has been counted.
async fn cut_while_moving() -> bool {
    const LINES: u64 = 50_000;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("linemill.toml");
    let built = async |window: u64| {
        let config = format!(
            "[[listener]]\nname = \"in\"\nbind = \"127.0.0.1:0\"\nchain = [\"dedup\"]\n\
             [filter.dedup]\nplugin = \"dedup\"\nsettings = {{ window = {window} }}\n"
        );
        std::fs::write(&path, config).expect("written");
        let origin = Origin {
            config: Some(path.clone()),
            ..Origin::default()
        };
        let loaded = load(origin, Metrics::default()).expect("loaded");
        build(loaded).await.expect("built")
    };
    let first = built(LINES).await;
    // The filter hands over what it remembers, which takes several slices of processor time.
    let next = built(LINES - 1).await;
    let metrics = LineMetrics::clone(&first.loaded.metrics.lines.of("in"));
    let (publisher, snapshot) = Snapshot::first(first.generation);
    let blocks = (0..LINES / 1000).map(|block| {
        let numbers = 1000 * block..1000 * (block + 1);
        numbers.map(|number| format!("{number}\n")).collect()
    });
    let reader = AcrossReload {
        lines: Box::new(blocks),
        reload: AfterReload {
            publisher: publisher.clone(),
            next: Some(next.generation),
        },
    };
    let (writer, _client) = tokio::io::duplex(1 << 20);
    let counts = Arc::new(metrics.clone());
    let connection = Connection::new(reader, writer, "in".into(), snapshot, counts);
    let mut serving = Box::pin(connection.serve());
    let published = publisher.subscribe();
    // The poll in which the last line is read is the last one.
    while !published.has_changed().expect("a publisher") {
        let polled = poll_fn(|context| Poll::Ready(serving.as_mut().poll(context))).await;
        assert!(polled.is_pending(), "the client has not ended");
        tokio::task::yield_now().await;
    }
    drop(serving);
    let tally = metrics.tally();
    assert_eq!(metrics.totals().lines_in, LINES + 1);
    assert_eq!(tally.delivered + tally.dropped(), LINES + 1);
    metrics.dropped.of(DropReason::Closed).get() > 0
}

#[tokio::test]
async fn a_line_in_hand_is_counted_when_its_connection_is_cut_while_it_moves() {
    for _ in 0..10 {
        if cut_while_moving().await {
            return;
        }
    }
    panic!("moving never took longer than a slice");
}
