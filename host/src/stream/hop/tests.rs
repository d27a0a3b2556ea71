//! Connecting to what is there, and to what is not.

mod tls;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::*;

fn hop(destination: &Destination, tls: Option<Arc<Client>>) -> Hop {
    let terms = Terms {
        connect_timeout: Duration::from_secs(5),
        tls,
    };
    Hop::new(destination, terms).expect("a next hop")
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
    // A name with two addresses on many machines, of which the other refuses.
    let to = format!("tcp://localhost:{port}")
        .parse::<Destination>()
        .expect("a destination");
    let (reader, _writer) = hop(&to, None).connect().await.expect("connected");
    let ReadHalf::Tcp(reader) = &reader else {
        panic!("{reader:?}")
    };
    let stream: &TcpStream = reader.as_ref();
    assert!(stream.nodelay().expect("known"));
    assert!(SockRef::from(stream).keepalive().expect("known"));
}

#[tokio::test]
async fn whoever_refuses_is_named() {
    let port = nobody().await;
    let to = format!("tcp://127.0.0.1:{port}")
        .parse::<Destination>()
        .expect("a destination");
    let error = hop(&to, None).connect().await.expect_err("refused");
    let text = error.to_string();
    let expected = format!("cannot connect to 127.0.0.1:{port}: ");
    assert!(text.starts_with(&expected), "{text}");
}

#[tokio::test]
async fn tls_is_never_left_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let to = format!("tls://127.0.0.1:{port}")
        .parse::<Destination>()
        .expect("a destination");
    let error = hop(&to, None).connect().await.expect_err("no TLS");
    assert!(matches!(error, HopError::NoTls), "{error}");
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_until_the_deadline() {
    let port = nobody().await;
    let hop = hop(
        &format!("tcp://127.0.0.1:{port}")
            .parse::<Destination>()
            .expect("a destination"),
        None,
    );
    let start = Instant::now();
    let deadline = start + Duration::from_secs(30);
    let error = hop
        .connect_within(Some(deadline))
        .await
        .expect_err("refused");
    assert!(matches!(error, HopError::Tcp { .. }), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    assert!(hop.outage().is_down());
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn it_is_tried_until_it_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s");
    let hop = hop(&Destination::Unix(path.clone()), None);
    let (connecting, watching) = (hop.clone(), hop.clone());
    let connecting = tokio::spawn(async move { connecting.connect_within(None).await });
    while !watching.outage().is_down() {
        tokio::task::yield_now().await;
    }
    let _listener = tokio::net::UnixListener::bind(&path).expect("bound");
    connecting.await.expect("ended").expect("connected");
    assert!(!hop.outage().is_down());
}

#[test]
fn brackets_are_no_part_of_an_address() {
    let hop = hop(&"tcp://[::1]:80".parse().expect("a destination"), None);
    assert!(
        matches!(&hop.0.place, Place::Tcp { host, port: 80 } if host == "::1"),
        "{hop:?}"
    );
}
