//! Connections that end in the middle of a line.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// More than the buffers between the two hold.
const LONG: usize = 16 * 1024 * 1024;

/// Reads a first line and some of the long one; what remains of it fills the buffers.
pub(super) async fn some(reader: &mut (impl AsyncReadExt + Unpin)) {
    let mut found = [0; 1000];
    reader.read_exact(&mut found).await.expect("read");
    assert!(found.starts_with(b"first\nxxx"));
}

pub(super) fn long() -> String {
    format!("{}\n", "x".repeat(LONG))
}

async fn rest(mut peer: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    peer.read_to_end(&mut all).await.expect("to the FIN");
    all
}

#[tokio::test(start_paused = true)]
async fn a_line_that_a_reset_cut_goes_again_whole() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), 64 * 1024, counts.clone());
    let mut peer = accept(&listener).await;
    sink.send(batch("first\n")).await.expect("taken");
    sink.send(batch(long())).await.expect("taken");
    some(&mut peer).await;
    reset(peer);

    let peer = accept(&listener).await;
    // There is no room before the long line is gone.
    let finishing = tokio::spawn(async move {
        sink.send(batch("last\n")).await.expect("taken");
        sink.finish(late()).await
    });
    assert!(rest(peer).await == [long().as_bytes(), b"last\n"].concat());
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!(counts.lines.get(), 3);
    assert_eq!(counts.failures.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fin_in_the_middle_of_a_line_ends_the_answers_only() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, counts.clone());
    let mut peer = accept(&listener).await;
    sink.send(batch(format!("first\n{}second\n", long())))
        .await
        .expect("taken");
    some(&mut peer).await;
    peer.shutdown().await.expect("FIN");
    let finishing = tokio::spawn(sink.finish(late()));
    let expected = format!("first\n{}second\n", long());
    assert!(rest(peer).await == expected.as_bytes()[1000..]);
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!((counts.lines.get(), counts.failures.get()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn only_lines_that_were_not_whole_go_again() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, counts.clone());
    let mut peer = accept(&listener).await;
    // In one batch: where its lines end is found when the connection breaks.
    let text = format!("first\n{}second\n", long());
    sink.send(batch(text)).await.expect("taken");
    some(&mut peer).await;
    reset(peer);
    let peer = accept(&listener).await;
    let finishing = tokio::spawn(sink.finish(late()));
    assert!(rest(peer).await == format!("{}second\n", long()).into_bytes());
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!(counts.lines.get() + unacknowledged(&counts), 3);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_ends_is_made_anew() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, counts.clone());
    let first = accept(&listener).await;
    eventually(|| counts.up.get() == 1).await;
    sink.send(batch("a\n")).await.expect("taken");
    let mut found = [0; 2];
    let mut first = first;
    first.read_exact(&mut found).await.expect("read");
    eventually(|| counts.lines.get() == 1).await;
    drop(first);
    reset(accept(&listener).await);
    let mut peer = accept(&listener).await;
    sink.send(batch("b\n")).await.expect("taken");
    peer.read_exact(&mut found).await.expect("read");
    assert_eq!(&found, b"b\n");
    assert_eq!(unacknowledged(&counts), 0);
}
