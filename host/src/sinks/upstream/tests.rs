//! Connecting to servers that are there, and to some that are not.

mod tls;

use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;
use crate::sinks::testing;

fn upstream(destination: &Destination, tls: Option<Arc<Client>>) -> Upstream {
    let options = ConnectOptions {
        tls,
        ..testing::options()
    };
    Upstream::new(destination, options).expect("an upstream")
}

fn destination(text: &str) -> Destination {
    text.parse().expect("a destination")
}

/// A port of this machine on which nothing listens, for a while.
async fn nobody() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("its address").port()
}

#[tokio::test]
async fn a_connection_sends_at_once_and_asks_whether_the_peer_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    // On many machines this name has two addresses, and the other one refuses.
    let to = destination(&format!("tcp://localhost:{port}"));
    let (reader, _writer) = upstream(&to, None).connect().await.expect("connected");
    let stream = reader.tcp().expect("TCP");
    assert!(stream.nodelay().expect("known"));
    assert!(SockRef::from(stream).keepalive().expect("known"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_system_gives_up_on_a_silent_peer_when_the_host_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = destination(&format!(
        "tcp://{}",
        listener.local_addr().expect("its address")
    ));
    let limit = Some(Duration::from_secs(7));
    let upstream = upstream(&to, None);
    upstream.set_options(ConnectOptions {
        write_timeout: limit,
        ..testing::options()
    });
    let (reader, _writer) = upstream.connect().await.expect("connected");
    let stream = reader.tcp().expect("TCP");
    let set = SockRef::from(stream).tcp_user_timeout().expect("known");
    assert_eq!(set, limit);
}

#[tokio::test]
async fn an_address_that_refuses_is_named() {
    let port = nobody().await;
    let to = destination(&format!("tcp://127.0.0.1:{port}"));
    let error = upstream(&to, None).connect().await.expect_err("refused");
    let text = error.to_string();
    let expected = format!("cannot connect to 127.0.0.1:{port}: ");
    assert!(text.starts_with(&expected), "{text}");
}

#[tokio::test]
async fn tls_is_never_left_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let to = destination(&format!("tls://127.0.0.1:{port}"));
    let error = upstream(&to, None).connect().await.expect_err("no TLS");
    assert!(matches!(error, ConnectError::NoTls), "{error}");
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_until_the_deadline() {
    let port = nobody().await;
    let upstream = testing::upstream(&format!("tcp://127.0.0.1:{port}"));
    let start = Instant::now();
    let deadline = start + Duration::from_secs(30);
    let error = upstream
        .connect_within(Some(deadline))
        .await
        .expect_err("refused");
    assert!(matches!(error, ConnectError::Tcp { .. }), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    assert!(upstream.is_down());
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn it_is_tried_until_it_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s");
    let upstream = testing::upstream(&format!("unix:{}", path.display()));
    let (connecting, watching) = (upstream.clone(), upstream.clone());
    let connecting = tokio::spawn(async move { connecting.connect_within(None).await });
    while !watching.is_down() {
        tokio::task::yield_now().await;
    }
    let _listener = tokio::net::UnixListener::bind(&path).expect("bound");
    connecting.await.expect("ended").expect("connected");
    assert!(upstream.is_down(), "a connection alone proves nothing");
    let first = upstream.iter().next().expect("one");
    first.opened().works();
    assert!(!upstream.is_down());
}

#[test]
fn brackets_are_no_part_of_an_address() {
    let upstream = upstream(&destination("tcp://[::1]:80"), None);
    assert!(
        matches!(&upstream.0.endpoint, Endpoint::Tcp { host, port: 80 } if host == "::1"),
        "{upstream:?}"
    );
}
