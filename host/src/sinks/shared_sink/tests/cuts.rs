//! Connections that end in the middle of a line.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// More than the buffers between the two hold.
const LONG: usize = 16 * 1024 * 1024;

async fn reset(peer: TcpStream) {
    let linger = Some(Duration::ZERO);
    socket2::SockRef::from(&peer)
        .set_linger(linger)
        .expect("set");
}

/// Reads a first line and some of the long one; what remains of it fills the buffers.
pub(super) async fn some(reader: &mut (impl AsyncReadExt + Unpin)) {
    let mut found = [0; 1000];
    reader.read_exact(&mut found).await.expect("read");
    assert!(found.starts_with(b"first\nxxx"));
}

pub(super) fn long() -> String {
    format!("{}\n", "x".repeat(LONG))
}

async fn cut_by(end: impl AsyncFnOnce(TcpStream)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = format!("tcp://{}", listener.local_addr().expect("its address"));
    let counts = metrics();
    let sink = SharedSink::to_upstream(upstream(&to), 64 * 1024, counts.clone());
    let (mut peer, _) = listener.accept().await.expect("accepted");
    sink.send(batch("first\n")).await.expect("taken");
    sink.send(batch(long())).await.expect("taken");
    some(&mut peer).await;
    end(peer).await;

    let (mut peer, _) = listener.accept().await.expect("accepted again");
    // There is no room before the long line is gone.
    let finishing = tokio::spawn(async move {
        sink.send(batch("last\n")).await.expect("taken");
        sink.finish(late()).await
    });
    let mut all = Vec::new();
    peer.read_to_end(&mut all).await.expect("to the FIN");
    assert_eq!(all.len(), LONG + 1 + 5);
    assert!(all == [long().as_bytes(), b"last\n"].concat());
    drop(peer);
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!(counts.lines.get(), 3);
    assert_eq!(counts.failures.get(), 1);
}

#[tokio::test]
async fn a_line_that_a_reset_cut_goes_again_whole() {
    cut_by(reset).await;
}

#[tokio::test]
async fn a_line_that_a_fin_cut_goes_again_whole() {
    cut_by(async |mut peer: TcpStream| {
        peer.shutdown().await.expect("FIN");
        // Bytes in flight may still arrive, then the host's FIN.
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.expect("to the FIN");
        assert!(!rest.contains(&b'\n'));
    })
    .await;
}

#[tokio::test]
async fn only_lines_that_were_not_whole_go_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = format!("tcp://{}", listener.local_addr().expect("its address"));
    let counts = metrics();
    let sink = SharedSink::to_upstream(upstream(&to), MUCH, counts.clone());
    let (mut peer, _) = listener.accept().await.expect("accepted");
    // In one batch: where its lines end is found when the connection breaks.
    let text = format!("first\n{}second\n", long());
    sink.send(batch(text)).await.expect("taken");
    some(&mut peer).await;
    reset(peer).await;
    let (mut peer, _) = listener.accept().await.expect("accepted again");
    let finishing = tokio::spawn(sink.finish(late()));
    let mut all = Vec::new();
    peer.read_to_end(&mut all).await.expect("to the FIN");
    assert!(all == format!("{}second\n", long()).into_bytes());
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!(counts.lines.get(), 3);
}

#[tokio::test]
async fn an_idle_connection_that_ends_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = format!("tcp://{}", listener.local_addr().expect("its address"));
    let sink = SharedSink::to_upstream(upstream(&to), MUCH, metrics());
    let (mut peer, _) = listener.accept().await.expect("accepted");
    peer.shutdown().await.expect("FIN");
    let (peer, _) = listener.accept().await.expect("accepted again");
    reset(peer).await;
    let (mut peer, _) = listener.accept().await.expect("accepted once more");
    sink.send(batch("a\n")).await.expect("taken");
    let mut found = [0; 2];
    peer.read_exact(&mut found).await.expect("read");
    assert_eq!(&found, b"a\n");
}
