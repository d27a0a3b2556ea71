//! TLS connections: one that ends in the middle of a line, and handshakes during reloads.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::cuts::{long, some};
use super::*;
use crate::net::tls::testing::Certificates;
use crate::net::transport::{Plain, ReadHalf, WriteHalf};
use crate::sinks::upstream::ConnectOptions;

/// A reload announces the list of upstreams to every sink.
#[tokio::test]
async fn an_attempt_to_connect_outlives_reloads_that_do_not_concern_it() {
    let files = Certificates::new();
    let server = files.server("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let options = ConnectOptions {
        tls: Some(files.client()),
        ..options()
    };
    let list = upstream_with(&format!("tls://localhost:{port}"), options.clone());
    let sink = SharedSink::to_upstreams(list.clone(), MUCH, metrics());
    let (peer, _) = listener.accept().await.expect("accepted");
    for _ in 0..3 {
        sink.set_upstreams(list.clone());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let shaken = server
        .accept(Plain::Tcp(peer), Duration::from_secs(10))
        .await;
    let (mut reader, _writer) = shaken.expect("the first attempt goes on");
    sink.send(batch("line\n")).await.expect("taken");
    let mut line = [0; 5];
    reader.read_exact(&mut line).await.expect("read");
    assert_eq!(&line, b"line\n");
    drop(sink);

    // Other certificates concern it.
    let sink = SharedSink::to_upstreams(list.clone(), MUCH, metrics());
    let (mut first, _) = listener.accept().await.expect("accepted");
    for upstream in list.iter() {
        upstream.set_options(ConnectOptions {
            tls: Some(files.client()),
            ..options.clone()
        });
    }
    sink.set_upstreams(list.clone());
    let mut hello = Vec::new();
    first.read_to_end(&mut hello).await.expect("given up");
    let (second, _) = listener.accept().await.expect("accepted");
    let shaken = server
        .accept(Plain::Tcp(second), Duration::from_secs(10))
        .await;
    shaken.expect("the next attempt has the other certificates");
}

#[tokio::test]
async fn over_tls_no_line_is_lost_and_none_goes_twice() {
    let files = Certificates::new();
    let server = files.server("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let options = ConnectOptions {
        tls: Some(files.client()),
        ..options()
    };
    let accept = async || -> (ReadHalf, WriteHalf) {
        let (peer, _) = listener.accept().await.expect("accepted");
        server
            .accept(Plain::Tcp(peer), Duration::from_secs(10))
            .await
            .expect("shaken hands")
    };
    let counts = metrics();
    let upstream = upstream_with(&format!("tls://localhost:{port}"), options);
    let sink = SharedSink::to_upstreams(upstream, MUCH, counts.clone());
    let (mut reader, writer) = accept().await;
    let text = format!("first\n{}second\n", long());
    sink.send(batch(text)).await.expect("taken");
    some(&mut reader).await;
    // Unread bytes make a reset of it.
    drop((reader, writer));

    let (mut reader, writer) = accept().await;
    let finishing = tokio::spawn(sink.finish(late()));
    let mut all = Vec::new();
    reader
        .read_to_end(&mut all)
        .await
        .expect("to the close_notify");
    assert!(all == format!("{}second\n", long()).into_bytes());
    drop((reader, writer));
    assert_eq!(finishing.await.expect("finished"), 0);
    assert_eq!(counts.lines.get() + unacknowledged(&counts), 3);
}
