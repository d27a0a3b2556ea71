//! Upstreams that are not there.
#![cfg(unix)]

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream};

use super::*;

/// The socket of an upstream, which may not be listening.
struct Socket(tempfile::TempDir);

impl Socket {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn upstream(&self) -> UpstreamList {
        upstream(&format!("unix:{}", self.0.path().join("s").display()))
    }

    fn listen(&self) -> UnixListener {
        UnixListener::bind(self.0.path().join("s")).expect("bound")
    }
}

async fn accept(listener: &UnixListener) -> UnixStream {
    listener.accept().await.expect("accepted").0
}

async fn rest(mut peer: UnixStream) -> String {
    let mut all = String::new();
    peer.read_to_string(&mut all).await.expect("to the FIN");
    all
}

#[tokio::test(start_paused = true)]
async fn lines_wait_for_a_peer_that_comes_later() {
    let (socket, counts) = (Socket::new(), metrics());
    let sink = SharedSink::to_upstreams(socket.upstream(), MUCH, counts.clone());
    sink.send(batch("a\nb\n")).await.expect("taken");
    sink.send(batch("c")).await.expect("taken");
    until(|| counts.failures.get() > 0).await;
    assert_eq!(counts.up.get(), 0);
    let listener = socket.listen();
    let peer = accept(&listener).await;
    sink.send(batch("d\n")).await.expect("taken");
    let finishing = tokio::spawn(sink.finish(late()));
    assert_eq!(rest(peer).await, "a\nb\nc\nd\n");
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!(counts.lines.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_not_there_is_tried_with_growing_waits() {
    let (socket, counts) = (Socket::new(), metrics());
    let upstream = socket.upstream();
    let sink = SharedSink::to_upstreams(upstream.clone(), MUCH, counts.clone());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let tried = counts.failures.get();
    assert!(ATTEMPTS_OF_A_MINUTE.contains(&tried), "{tried}");
    assert!(upstream.is_down());
    drop(sink);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_accepts_and_closes_is_down_too() {
    let (socket, counts) = (Socket::new(), metrics());
    let (listener, upstream) = (socket.listen(), socket.upstream());
    let sink = SharedSink::to_upstreams(upstream.clone(), MUCH, counts.clone());
    let closing = tokio::spawn(async move {
        loop {
            drop(accept(&listener).await);
        }
    });
    until(|| upstream.is_down()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let tried = counts.failures.get();
    assert!(ATTEMPTS_OF_A_MINUTE.contains(&tried), "{tried}");
    assert!(upstream.is_down(), "never up for a second");
    closing.abort();
    drop(sink);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_over_when_a_connection_lasts() {
    let socket = Socket::new();
    let (upstream, counts) = (socket.upstream(), metrics());
    let sink = SharedSink::to_upstreams(upstream.clone(), MUCH, counts.clone());
    until(|| upstream.is_down()).await;
    let listener = socket.listen();
    let peer = accept(&listener).await;
    assert!(upstream.is_down());
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert!(upstream.is_down() && counts.up.get() == 0);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!upstream.is_down() && counts.up.get() == 1);
    drop((peer, sink));
}

#[tokio::test(start_paused = true)]
async fn senders_wait_and_copies_are_dropped_when_the_queue_is_full() {
    let (socket, counts) = (Socket::new(), metrics());
    let sink = SharedSink::to_upstreams(socket.upstream(), 1024, counts.clone());
    let line = format!("{}\n", "x".repeat(255));
    for _ in 0..4 {
        assert!(sink.offer(&batch(line.clone())));
    }
    assert!(!sink.offer(&batch("copy\ncopy\n")));
    assert_eq!(counts.lost.of(LossReason::Full).get(), 2);
    assert_eq!(counts.queued.get(), 1024);
    let mut sending = pin!(sink.send(batch("waits\n")));
    let waits = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_pending())).await;
    assert!(waits);
    // Room was promised to the one that waits.
    let listener = socket.listen();
    let peer = accept(&listener).await;
    sending.await.expect("taken");
    let finishing = tokio::spawn(sink.clone().finish(late()));
    assert_eq!(rest(peer).await, format!("{}waits\n", line.repeat(4)));
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!(sink.send(batch("late\n")).await, Err(Lost));
    assert!(!sink.offer(&batch("late\n")));
    assert_eq!(counts.lost.of(LossReason::Closed).get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_larger_than_the_queue_passes_when_that_is_empty() {
    let (socket, counts) = (Socket::new(), metrics());
    let sink = SharedSink::to_upstreams(socket.upstream(), 1024, counts.clone());
    sink.send(batch("a\n")).await.expect("taken");
    let large = "y\n".repeat(100_000);
    let mut sending = pin!(sink.send(batch(large.clone())));
    let waits = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_pending())).await;
    assert!(waits, "something is in the queue");
    let listener = socket.listen();
    let peer = accept(&listener).await;
    sending.await.expect("taken");
    let finishing = tokio::spawn(sink.clone().finish(late()));
    assert_eq!(rest(peer).await, format!("a\n{large}"));
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!(counts.lines.get(), 100_001);
}

#[tokio::test(start_paused = true)]
async fn what_the_grace_period_leaves_is_counted() {
    let (socket, counts) = (Socket::new(), metrics());
    let sink = SharedSink::to_upstreams(socket.upstream(), MUCH, counts.clone());
    sink.send(batch("a\nb\n")).await.expect("taken");
    sink.send(batch("c\n")).await.expect("taken");
    let start = Instant::now();
    assert_eq!(sink.finish(start + Duration::from_secs(7)).await, 3);
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    assert_eq!(counts.lost.of(LossReason::Drain).get(), 3);
    assert_eq!(counts.queued.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_line_cut_by_the_end_is_lost_and_those_before_it_are_not() {
    let (socket, counts) = (Socket::new(), metrics());
    let listener = socket.listen();
    let sink = SharedSink::to_upstreams(socket.upstream(), MUCH, counts.clone());
    let peer = accept(&listener).await;
    let text = format!("a\nb\n{}\nc\n", "x".repeat(16 * 1024 * 1024));
    sink.send(batch(text)).await.expect("taken");
    let lost = sink.finish(Instant::now() + Duration::from_secs(9)).await;
    assert_eq!(lost, 2);
    assert_eq!(counts.lines.get(), 2);
    assert!(rest(peer).await.starts_with("a\nb\nxxx"));
}
