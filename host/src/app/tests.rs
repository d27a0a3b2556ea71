//! A whole host in this process: bytes through a real socket, then a shutdown.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;
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
