//! Many senders, one connection.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::task::JoinSet;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_fifty_senders_come_whole_and_in_order() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), 4 * 1024, counts.clone());
    let reading = tokio::spawn(async move {
        let (peer, _) = listener.accept().await.expect("accepted");
        let mut lines = BufReader::new(peer).lines();
        let mut next = [0; 50];
        while let Some(line) = lines.next_line().await.expect("read") {
            let words: Vec<&str> = line.split(' ').collect();
            let [sender, number, padding] = words[..] else {
                panic!("not whole: {line}");
            };
            let sender: usize = sender.parse().expect("a sender");
            assert_eq!(number, next[sender].to_string(), "of sender {sender}");
            assert_eq!(padding, "x".repeat(next[sender] % 200));
            next[sender] += 1;
        }
        next
    });
    let mut senders = JoinSet::new();
    for sender in 0..50 {
        let sink = sink.clone();
        senders.spawn(async move {
            let line = |number: usize| format!("{sender} {number} {}\n", "x".repeat(number % 200));
            for batch_number in 0..150 {
                let lines: String = (2 * batch_number..2 * batch_number + 2).map(line).collect();
                sink.send(batch(lines)).await.expect("taken");
            }
        });
    }
    senders.join_all().await;
    assert_eq!(sink.finish(late()).await, 0);
    assert_eq!(reading.await.expect("read"), [300; 50]);
    assert_eq!(counts.lines.get(), 50 * 300);
    assert_eq!(counts.queued.get(), 0);
    assert_eq!(
        counts.lost.of(LossReason::Drain).get() + counts.lost.of(LossReason::Closed).get(),
        0
    );
}

#[tokio::test]
async fn what_the_peer_sends_does_not_stop_it() {
    let (listener, to) = listen().await;
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, metrics());
    let (mut peer, _) = listener.accept().await.expect("accepted");
    // More than the buffers between the two hold.
    peer.write_all(&vec![b'x'; 16 * 1024 * 1024])
        .await
        .expect("taken");
    sink.send(batch("a\n")).await.expect("taken");
    let finishing = tokio::spawn(sink.finish(late()));
    let mut all = String::new();
    peer.read_to_string(&mut all).await.expect("to the FIN");
    assert_eq!(all, "a\n");
    drop(peer);
    assert_eq!(finishing.await.expect("finished"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_costs_no_more_than_the_queue() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), 64 * 1024, counts.clone());
    let (mut peer, _) = listener.accept().await.expect("accepted");
    let line = format!("{}\n", "x".repeat(1023));
    let mut sent = 0;
    // With time standing still but for those who wait, this ends when nothing moves.
    while tokio::time::timeout(Duration::from_secs(60), sink.send(batch(line.clone())))
        .await
        .is_ok()
    {
        sent += 1;
        assert!(counts.queued.get() <= 64 * 1024);
    }
    assert_eq!(counts.queued.get(), 64 * 1024);
    assert!(!sink.offer(&batch("a copy\n")));
    assert_eq!(counts.lost.of(LossReason::Full).get(), 1);

    let finishing = tokio::spawn(sink.finish(late()));
    let mut all = String::new();
    peer.read_to_string(&mut all).await.expect("to the FIN");
    assert_eq!(all, line.repeat(sent));
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!(counts.lines.get(), sent as u64);
}

#[tokio::test]
async fn a_peer_that_never_stops_talking_does_not_keep_lines_waiting() {
    let (listener, to) = listen().await;
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, metrics());
    let (mut reader, mut writer) = accept(&listener).await.into_split();
    let talking = tokio::spawn(async move {
        let much = vec![b'x'; 64 * 1024];
        while writer.write_all(&much).await.is_ok() {}
    });
    for number in 0..100 {
        sink.send(batch(format!("{number:03}\n")))
            .await
            .expect("taken");
    }
    let mut all = vec![0; 400];
    reader.read_exact(&mut all).await.expect("read");
    let expected: String = (0..100).map(|number| format!("{number:03}\n")).collect();
    assert_eq!(all, expected.as_bytes());
    talking.abort();
}
