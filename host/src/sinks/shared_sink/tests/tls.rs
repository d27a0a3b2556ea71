//! A TLS connection that ends in the middle of a line.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::cuts::{long, some};
use super::*;
use crate::net::tls::testing::Certificates;
use crate::net::transport::{Plain, ReadHalf, WriteHalf};
use crate::sinks::upstream::ConnectOptions;

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
