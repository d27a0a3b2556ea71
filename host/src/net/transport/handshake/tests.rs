//! Both ends of TLS, and peers that do not keep to it.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;

use super::*;
use crate::net::tls::testing::Certificates;
use crate::net::transport::is_truncated;
use linemill_config::settings::{Tls, UpstreamTls};

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (connected.expect("connected"), accepted.expect("accepted").0)
}

const LIMIT: Duration = Duration::from_secs(10);

type Halves = (ReadHalf, WriteHalf);

/// A server named `localhost`, and what came of a client that connects to `host`.
async fn shake(
    server: &Server,
    client: &Client,
    host: &str,
) -> (
    Result<Halves, HandshakeError>,
    Result<Halves, HandshakeError>,
) {
    let (here, there) = pair().await;
    tokio::join!(
        server.accept(Plain::Tcp(there), LIMIT),
        client.connect(Plain::Tcp(here), host)
    )
}

/// A client that a test can misuse.
async fn raw(client: &Client, plain: TcpStream) -> TlsStream<TcpStream> {
    let name = client.name("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::clone(client.config()));
    connector.connect(name, plain).await.expect("shaken")
}

async fn rest(mut reader: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    reader.read_to_end(&mut found).await.map(|_| found)
}

#[tokio::test]
async fn bytes_go_both_ways_and_each_ends_by_itself() {
    let files = Certificates::new();
    let (accepted, connected) =
        shake(&files.server("localhost"), &files.client(), "localhost").await;
    let (server_in, mut server_out) = accepted.expect("accepted");
    let (client_in, mut client_out) = connected.expect("connected");
    assert!(server_out.is_write_vectored() && client_out.is_write_vectored());

    client_out.write_all(b"there").await.expect("written");
    client_out.shutdown().await.expect("closed");
    assert_eq!(rest(server_in).await.expect("a clean end"), b"there");
    // The client has closed its direction, and is answered yet.
    server_out.write_all(b"and back").await.expect("written");
    server_out.shutdown().await.expect("closed");
    assert_eq!(rest(client_in).await.expect("a clean end"), b"and back");
}

#[tokio::test]
async fn an_end_without_close_notify_is_told_apart() {
    let files = Certificates::new();
    let (server, client) = (files.server("localhost"), files.client());
    let (here, there) = pair().await;
    let (accepted, mut client) =
        tokio::join!(server.accept(Plain::Tcp(there), LIMIT), raw(&client, here));
    let (mut reader, _writer) = accepted.expect("accepted");
    client.write_all(b"abc\nde").await.expect("written");
    client.flush().await.expect("sent");
    client.get_mut().0.shutdown().await.expect("FIN");

    let mut found = Vec::new();
    let error = reader.read_to_end(&mut found).await.expect_err("truncated");
    assert!(is_truncated(&error), "{error:?}");
    assert_eq!(found, b"abc\nde");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_and_closed_at_once() {
    let server = Certificates::new().server("localhost");
    let (mut here, there) = pair().await;
    here.write_all(b"GET / HTTP/1.1\r\n")
        .await
        .expect("written");
    let client = async {
        let found = rest(&mut here).await.expect("FIN, not RST");
        // So that the server need not wait for us.
        drop(here);
        found
    };
    let (accepted, found) = tokio::join!(server.accept(Plain::Tcp(there), LIMIT), client);
    assert!(
        matches!(accepted, Err(HandshakeError::Failed(_))),
        "{accepted:?}"
    );
    // An alert: fatal.
    assert_eq!((found[0], found[5]), (21, 2), "{found:?}");
}

#[tokio::test]
async fn a_silent_client_has_as_long_as_it_is_given() {
    let files = Certificates::new();
    files.sign("localhost", "localhost");
    let limit = Duration::from_millis(50);
    let server = Server::load(
        &files.tls("localhost"),
        None,
        &linemill_config::Files::default(),
    )
    .expect("a server");
    let (_here, there) = pair().await;
    let start = tokio::time::Instant::now();
    let accepted = server.accept(Plain::Tcp(there), limit).await;
    assert!(matches!(accepted, Err(HandshakeError::Timeout(at)) if at == limit));
    assert!(start.elapsed() >= limit);
}

#[tokio::test]
async fn a_client_without_the_certificate_asked_for_is_refused() {
    let files = Certificates::new();
    files.sign("localhost", "localhost");
    files.sign("mine", "client");
    let settings = Tls {
        client_ca: Some(files.path("ca.pem")),
        ..files.tls("localhost")
    };
    let server =
        Server::load(&settings, None, &linemill_config::Files::default()).expect("a server");

    let (accepted, connected) = shake(&server, &files.client(), "localhost").await;
    let error = accepted.expect_err("no certificate").to_string();
    assert!(error.contains("peer sent no certificates"), "{error}");
    // In TLS 1.3 the client has finished by then, and hears of it as it reads.
    let (reader, _writer) = connected.expect("its own part");
    let error = rest(reader).await.expect_err("an alert").to_string();
    assert!(error.contains("CertificateRequired"), "{error}");

    let shown = |files: &Certificates| UpstreamTls {
        ca: Some(files.path("ca.pem")),
        cert: Some(files.path("mine.crt")),
        key: Some(files.path("mine.key")),
        name: None,
    };
    let own =
        Client::load(&shown(&files), None, &linemill_config::Files::default()).expect("a client");
    let (accepted, connected) = shake(&server, &own, "localhost").await;
    assert!(accepted.is_ok() && connected.is_ok());

    let others = Certificates::new();
    others.sign("mine", "client");
    let stranger = UpstreamTls {
        ca: Some(files.path("ca.pem")),
        ..shown(&others)
    };
    let stranger =
        Client::load(&stranger, None, &linemill_config::Files::default()).expect("a client");
    let (accepted, _) = shake(&server, &stranger, "localhost").await;
    let error = accepted.expect_err("another authority").to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn a_next_hop_must_be_who_it_is_taken_for() {
    let files = Certificates::new();
    let server = files.server("localhost");
    let (_, connected) = shake(&server, &files.client(), "other.test").await;
    let error = connected.expect_err("another's name").to_string();
    assert!(
        error.contains("not valid for name \"other.test\""),
        "{error}"
    );

    let named = UpstreamTls {
        name: Some("localhost".into()),
        ..files.upstream_tls()
    };
    let named = Client::load(&named, None, &linemill_config::Files::default()).expect("a client");
    let (_, connected) = shake(&server, &named, "192.0.2.1").await;
    assert!(connected.is_ok());

    let (_, connected) = shake(&server, &Certificates::new().client(), "localhost").await;
    let error = connected.expect_err("another authority").to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn a_probe_is_not_a_failure() {
    let server = Certificates::new().server("localhost");
    for resets in [false, true] {
        let (here, there) = pair().await;
        let socket = socket2::SockRef::from(&here);
        if resets {
            socket.set_linger(Some(Duration::ZERO)).expect("set");
        }
        drop(here);
        let error = server
            .accept(Plain::Tcp(there), LIMIT)
            .await
            .expect_err("gone");
        assert!(matches!(error, HandshakeError::NotBegun), "{error:?}");
        assert_eq!(error.failure(), None);
    }
    #[cfg(unix)]
    {
        let (here, there) = tokio::net::UnixStream::pair().expect("a pair");
        drop(here);
        let error = server
            .accept(Plain::Unix(there), LIMIT)
            .await
            .expect_err("gone");
        assert!(matches!(error, HandshakeError::NotBegun), "{error:?}");
    }
}

#[tokio::test]
async fn failures_are_of_different_kinds() {
    let files = Certificates::new();
    files.sign("localhost", "localhost");
    let settings = Tls {
        client_ca: Some(files.path("ca.pem")),
        ..files.tls("localhost")
    };
    let server =
        Server::load(&settings, None, &linemill_config::Files::default()).expect("a server");
    let sent = async |bytes: &[u8], ends: bool| {
        let (mut here, there) = pair().await;
        here.write_all(bytes).await.expect("written");
        if ends {
            here.shutdown().await.expect("FIN");
        }
        let limit = Duration::from_millis(if ends { 10_000 } else { 50 });
        let accepted = server.accept(Plain::Tcp(there), limit).await;
        let error = accepted.expect_err("no TLS");
        error.failure()
    };
    // The start of a record.
    let begun = [22, 3, 1, 2, 0];
    assert_eq!(sent(&begun, true).await, Some(HandshakeFailure::Broken));
    assert_eq!(sent(&begun, false).await, Some(HandshakeFailure::Timeout));
    let http = b"GET / HTTP/1.1\r\n";
    assert_eq!(sent(http, true).await, Some(HandshakeFailure::NotTls));

    let (accepted, _) = shake(&server, &files.client(), "localhost").await;
    let failure = accepted.expect_err("no certificate").failure();
    assert_eq!(failure, Some(HandshakeFailure::Certificate));
    let stranger = Certificates::new().client();
    let (accepted, _) = shake(&server, &stranger, "localhost").await;
    let failure = accepted.expect_err("not trusted").failure();
    assert_eq!(failure, Some(HandshakeFailure::Rejected));
}

#[tokio::test]
async fn clients_may_be_let_in_by_name() {
    let files = Certificates::new();
    files.sign("localhost", "localhost");
    let names = ["sensor-1", "*.example.org"].map(|name| name.parse().expect("a name"));
    let settings = Tls {
        client_ca: Some(files.path("ca.pem")),
        client_names: Some(names.to_vec()),
        ..files.tls("localhost")
    };
    let server =
        Server::load(&settings, None, &linemill_config::Files::default()).expect("a server");
    for (name, known) in [
        ("sensor-1", true),
        ("sensor-10", false),
        ("a.example.org", true),
        ("example.org", false),
        ("a.b.example.org", false),
        // Not a DNS name.
        ("10.0.0.1", false),
    ] {
        files.sign("mine", name);
        let shown = UpstreamTls {
            ca: Some(files.path("ca.pem")),
            cert: Some(files.path("mine.crt")),
            key: Some(files.path("mine.key")),
            name: None,
        };
        let client =
            Client::load(&shown, None, &linemill_config::Files::default()).expect("a client");
        let (accepted, _) = shake(&server, &client, "localhost").await;
        if known {
            accepted.unwrap_or_else(|error| panic!("{name}: {error}"));
        } else {
            let error = accepted.expect_err(name);
            assert_eq!(
                error.failure(),
                Some(HandshakeFailure::ClientName),
                "{error}"
            );
            assert!(error.to_string().contains("`client_names`"), "{error}");
        }
    }
    // The authority counts all the same.
    let (accepted, _) = shake(&server, &files.client(), "localhost").await;
    let failure = accepted.expect_err("no certificate").failure();
    assert_eq!(failure, Some(HandshakeFailure::Certificate));
}
