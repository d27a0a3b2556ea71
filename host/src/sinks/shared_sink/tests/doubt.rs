//! Upstreams that accept connections and may not read them.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::*;
use crate::sinks::upstream::ConnectOptions;

fn numbered(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!("{number:06}\n")).collect()
}

/// Sends so many lines, with a pause after each, and finishes. Returns how many lines were lost then.
async fn send_slowly(sink: SharedSink, lines: usize, pause: Duration) -> u64 {
    for number in 0..lines {
        sink.send(batch(numbered(number..number + 1)))
            .await
            .expect("taken");
        sleep(pause).await;
    }
    sink.finish(late()).await
}

async fn rest(mut peer: TcpStream) -> String {
    let mut all = String::new();
    peer.read_to_string(&mut all).await.expect("to the FIN");
    all
}

/// Accepts and closes at once, for a while.
async fn refuse(listener: &TcpListener, during: Duration) {
    let closing = async {
        loop {
            drop(accept(listener).await);
        }
    };
    assert!(timeout(during, closing).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_accepts_and_closes_gets_no_line_of_a_queue() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, counts.clone());
    let sending = tokio::spawn(send_slowly(sink, 200, Duration::from_millis(20)));
    refuse(&listener, Duration::from_secs(12)).await;
    assert_eq!((counts.up.get(), counts.lines.get()), (0, 0));
    let peer = accept(&listener).await;
    assert_eq!(rest(peer).await, numbered(0..200));
    assert_eq!(sending.await.expect("finished"), 0);
    assert_eq!((counts.lines.get(), unacknowledged(&counts)), (200, 0));
}

#[tokio::test(start_paused = true)]
async fn senders_wait_while_a_peer_accepts_and_closes() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), 64 * 1024, counts.clone());
    let sending = tokio::spawn(async move {
        for start in 0..200 {
            let lines = numbered(1000 * start..1000 * start + 1000);
            sink.send(batch(lines)).await.expect("taken");
        }
        sink.finish(late()).await
    });
    refuse(&listener, Duration::from_secs(12)).await;
    assert!(!sending.is_finished());
    assert!(counts.queued.get() <= 64 * 1024);
    assert_eq!(counts.bytes.get() % 7, 0, "whole lines were tried");
    assert_eq!(rest(accept(&listener).await).await, numbered(0..200_000));
    assert_eq!(sending.await.expect("finished"), 0);
    assert_eq!(counts.lines.get(), 200_000);
}

/// Reads what comes for three seconds and closes, as a proxy does that tries to reach a server
/// meanwhile. Sends lines for ten seconds. Returns the lines that a peer got after that, and the counts.
async fn a_proxy_without_a_server(resend: bool) -> (String, OutputMetrics) {
    let (listener, to) = listen().await;
    let counts = metrics();
    let options = ConnectOptions {
        resend,
        ..options()
    };
    let sink = SharedSink::to_upstreams(upstream_with(&to, options), MUCH, counts.clone());
    let sending = tokio::spawn(send_slowly(sink, 1000, Duration::from_millis(10)));
    let proxy = async {
        loop {
            let mut peer = accept(&listener).await;
            let mut ignored = Vec::new();
            let reading = peer.read_to_end(&mut ignored);
            assert!(timeout(Duration::from_secs(3), reading).await.is_err());
        }
    };
    assert!(timeout(Duration::from_secs(10), proxy).await.is_err());
    let all = rest(accept(&listener).await).await;
    assert_eq!(sending.await.expect("finished"), 0);
    (all, counts)
}

/// Something that reads everything for two seconds and ends, and then `listens` or refuses connections for a
/// while. Returns the lines that count as lost and as delivered, and how many came. None comes twice.
async fn a_receiver_that_ends(listens: bool) -> (u64, u64, u64) {
    let (listener, to) = listen().await;
    let address = listener.local_addr().expect("its address");
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, counts.clone());
    let sending = tokio::spawn(send_slowly(sink, 1000, Duration::from_millis(10)));
    let mut first = accept(&listener).await;
    let mut closed = None;
    if listens {
        closed = Some(listener);
    } else {
        drop(listener);
    }
    let mut all = Vec::new();
    let reading = async { while first.read_buf(&mut all).await.expect("read") > 0 {} };
    assert!(timeout(Duration::from_secs(2), reading).await.is_err());
    drop(first);
    sleep(Duration::from_secs(1)).await;
    let listener = match closed {
        Some(listener) => listener,
        None => TcpListener::bind(address).await.expect("its port"),
    };
    loop {
        let mut peer = accept(&listener).await;
        peer.read_to_end(&mut all).await.expect("to the FIN");
        if all.ends_with(b"000999\n") {
            break;
        }
    }
    let all = String::from_utf8(all).expect("lines");
    assert_eq!(sending.await.expect("finished"), 0);
    assert!(all.lines().is_sorted_by(|one, next| one < next));
    let came = all.lines().count() as u64;
    (unacknowledged(&counts), counts.lines.get(), came)
}

#[tokio::test(start_paused = true)]
async fn what_a_receiver_has_read_before_it_ended_is_delivered() {
    let (lost, delivered, came) = a_receiver_that_ends(false).await;
    // It may have left the last line unread.
    assert!(
        lost <= 1 && came == delivered,
        "{lost}, {came} of {delivered}"
    );
    assert_eq!(lost + delivered, 1000);
}

/// It could have been a proxy that swallowed lines.
#[tokio::test(start_paused = true)]
async fn what_something_took_that_goes_on_listening_counts_as_lost() {
    let (lost, delivered, came) = a_receiver_that_ends(true).await;
    assert!(
        (50..250).contains(&lost) && came > delivered,
        "{lost}, {came} of {delivered}"
    );
    assert_eq!(lost + delivered, 1000);
}

#[tokio::test(start_paused = true)]
async fn what_a_proxy_without_a_server_takes_is_counted() {
    let (got, counts) = a_proxy_without_a_server(false).await;
    let lost = unacknowledged(&counts);
    assert_eq!(got.lines().count() as u64, 1000 - lost);
    assert_eq!(counts.lines.get(), 1000 - lost);
    // Of the first connection, and one line of each after it.
    assert!((100..500).contains(&lost), "{lost}");
    let (mut lines, mut sorted) = (
        got.lines().collect::<Vec<_>>(),
        got.lines().collect::<Vec<_>>(),
    );
    sorted.sort_unstable();
    sorted.dedup();
    lines.dedup();
    assert_eq!(lines, sorted, "in order, and none twice");
}

#[tokio::test(start_paused = true)]
async fn what_a_proxy_without_a_server_takes_is_sent_again() {
    let (got, counts) = a_proxy_without_a_server(true).await;
    assert_eq!(got, numbered(0..1000));
    assert_eq!((counts.lines.get(), unacknowledged(&counts)), (1000, 0));
    assert!(counts.resent.get() >= 100, "{}", counts.resent.get());
}

/// Nothing listens for a moment between two connections, so each of them may be written to as if it were
/// the first.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_restarted_again_and_again_gets_lines_each_time() {
    let (listener, to) = listen().await;
    let address = listener.local_addr().expect("its address");
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, counts.clone());
    let sending = tokio::spawn(send_slowly(sink, 2000, Duration::from_millis(10)));
    let (mut listening, mut got) = (Some(listener), Vec::new());
    let lines = |got: &[u8]| memchr::memchr_iter(b'\n', got).count();
    while !sending.is_finished() {
        let listener = match listening.take() {
            Some(listener) => listener,
            None => TcpListener::bind(address).await.expect("the same port"),
        };
        let mut peer = accept(&listener).await;
        let before = lines(&got);
        let reading = peer.read_to_end(&mut got);
        if timeout(Duration::from_millis(1500), reading).await.is_ok() {
            break;
        }
        assert!(lines(&got) > before + 1, "more than a line came");
        drop((listener, peer));
        let failures = counts.failures.get();
        // The end of the connection, and a refusal.
        eventually(|| counts.failures.get() >= failures + 2).await;
    }
    assert_eq!(sending.await.expect("finished"), 0);
    let lost = unacknowledged(&counts);
    assert_eq!(counts.lines.get() + lost, 2000);
    // What a peer took and closed is in doubt, and nothing else.
    assert!(lines(&got) as u64 + lost >= 2000);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_fin_and_reads_keeps_its_connection() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, counts.clone());
    let mut peer = accept(&listener).await;
    peer.shutdown().await.expect("FIN");
    let sending = tokio::spawn(send_slowly(sink, 200, Duration::from_millis(20)));
    assert_eq!(rest(peer).await, numbered(0..200));
    assert_eq!(sending.await.expect("finished"), 0);
    assert_eq!((counts.lines.get(), counts.failures.get()), (200, 0));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_between_two_lines_loses_none() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let sink = SharedSink::to_upstreams(upstream(&to), MUCH, counts.clone());
    let mut all = String::new();
    for round in 0..5 {
        let mut peer = accept(&listener).await;
        sink.send(batch(numbered(2 * round..2 * round + 2)))
            .await
            .expect("taken");
        let mut found = vec![0; 14];
        peer.read_exact(&mut found).await.expect("read");
        all.push_str(std::str::from_utf8(&found).expect("digits"));
        // Until all of it counts as delivered.
        sleep(Duration::from_secs(6)).await;
        drop(peer);
    }
    assert_eq!(all, numbered(0..10));
    assert_eq!((counts.lines.get(), unacknowledged(&counts)), (10, 0));
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_left_after_the_write_timeout() {
    let (listener, to) = listen().await;
    let counts = metrics();
    let options = ConnectOptions {
        write_timeout: Some(Duration::from_secs(1)),
        ..options()
    };
    let sink = SharedSink::to_upstreams(upstream_with(&to, options), MUCH, counts.clone());
    let mut stopped = accept(&listener).await;
    // More than the buffers between the two hold, in lines of one kilobyte.
    const LINES: u64 = 16 * 1024;
    let line = |number: u64| format!("{number:06}{}\n", "x".repeat(1017));
    let sending = tokio::spawn(async move {
        for number in 0..LINES {
            sink.send(batch(line(number))).await.expect("taken");
        }
        sink.send(batch("the end\n")).await.expect("taken");
        sink.finish(late()).await
    });
    let reading = tokio::spawn(async move {
        let mut all = String::new();
        while !all.ends_with("the end\n") {
            let mut peer = accept(&listener).await;
            drop(peer.read_to_string(&mut all).await);
        }
        all
    });
    assert_eq!(sending.await.expect("finished"), 0);
    let after = reading.await.expect("read");
    let mut before = Vec::new();
    // To the reset.
    drop(stopped.read_to_end(&mut before).await);
    let count = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count() as u64;
    let got = count(&before) + count(after.as_bytes());
    let (lost, all) = (unacknowledged(&counts), LINES + 1);
    assert_eq!(counts.lines.get() + lost, all);
    assert!(
        (all - lost..=all).contains(&got),
        "{got} without {lost} of {all}"
    );
    assert!(counts.failures.get() > 0);
}
