//! Headers, whole and in pieces, and what comes after them.

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::*;

async fn pair() -> (TcpStream, Plain) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let accepted = accepted.expect("accepted").0;
    (connected.expect("connected"), Plain::Tcp(accepted))
}

const LIMIT: Duration = Duration::from_secs(10);

/// A header in version 2: what follows the signature.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("short").to_be_bytes();
    [SIGNATURE, &[0x20 | command, family], &length, rest].concat()
}

/// From 192.0.2.1:4660 to 192.0.2.2:514.
const IPV4: &[u8] = &[192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 2, 2];

/// Headers, and the address of the client in each.
fn headers() -> Vec<(Vec<u8>, Option<&'static str>)> {
    let ipv6 = [&[0; 15][..], &[1], &[0; 15], &[2], &[0x12, 0x34, 2, 2]].concat();
    let tlv = [IPV4, &[4, 1, 44], &[0; 300]].concat();
    let text = |text: &str| format!("{text}\r\n").into_bytes();
    vec![
        (
            text("PROXY TCP4 192.0.2.1 192.0.2.2 4660 514"),
            Some("192.0.2.1:4660"),
        ),
        (text("PROXY TCP6 ::1 ::2 4660 514"), Some("[::1]:4660")),
        (text("PROXY UNKNOWN"), None),
        (text("PROXY UNKNOWN ffff::1 ffff::2 1 2"), None),
        (binary(1, 0x11, IPV4), Some("192.0.2.1:4660")),
        (binary(1, 0x11, &tlv), Some("192.0.2.1:4660")),
        (binary(1, 0x21, &ipv6), Some("[::1]:4660")),
        // LOCAL: the addresses are to be ignored.
        (binary(0, 0x11, IPV4), None),
        (binary(0, 0, &[]), None),
        (binary(0, 0x11, &[1, 2, 3]), None),
        (binary(0, 0xff, &[]), None),
        // AF_UNSPEC, AF_UNIX.
        (binary(1, 0, &[]), None),
        (binary(1, 0x31, &[0; 216]), None),
    ]
}

#[tokio::test]
async fn what_follows_a_header_is_left() {
    for (header, expected) in headers() {
        let (mut proxy, mut plain) = pair().await;
        let sent = [&header[..], b"line\n"].concat();
        proxy.write_all(&sent).await.expect("written");
        let found = read_header(&mut plain, LIMIT).await;
        let found = found.unwrap_or_else(|error| panic!("{error}: {}", header.escape_ascii()));
        assert_eq!(
            found,
            expected.map(|address| address.parse().expect("an address"))
        );
        let mut line = [0; 5];
        plain.read_exact(&mut line).await.expect("there is more");
        assert_eq!(&line, b"line\n", "{}", header.escape_ascii());
    }
}

#[tokio::test]
async fn a_header_may_come_byte_by_byte() {
    for (header, expected) in headers() {
        let (mut proxy, mut plain) = pair().await;
        proxy.set_nodelay(true).expect("set");
        let sending = async {
            for byte in header.iter().chain(b"l") {
                proxy.write_all(&[*byte]).await.expect("written");
                tokio::task::yield_now().await;
            }
        };
        let (found, ()) = tokio::join!(read_header(&mut plain, LIMIT), sending);
        let expected = expected.map(|address| address.parse().expect("an address"));
        assert_eq!(found.expect("valid"), expected);
        let mut rest = [0];
        plain.read_exact(&mut rest).await.expect("there is more");
        assert_eq!(&rest, b"l");
    }
}

#[tokio::test]
async fn anything_else_is_refused() {
    let too_long = format!("PROXY UNKNOWN {}", "x".repeat(LONGEST_TEXT));
    for wrong in [
        &b"Hello\n"[..],
        b"P\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 4660\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 4660 99999\r\n",
        b"PROXY TCP4 ::1 ::2 1 2\r\n",
        b"PROXY UNKNOWN\n",
        b"PROXY\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\r\n\r\nX",
        too_long.as_bytes(),
        &binary(2, 0x11, IPV4),
        &binary(1, 0x11, &IPV4[1..]),
        &binary(1, 0x77, IPV4),
    ] {
        let (mut proxy, mut plain) = pair().await;
        proxy.write_all(wrong).await.expect("written");
        let error = read_header(&mut plain, LIMIT).await.expect_err("refused");
        assert!(
            matches!(error, ProxyError::Invalid(_)),
            "{error:?}: {}",
            wrong.escape_ascii()
        );
    }
}

#[tokio::test]
async fn a_header_must_be_complete_in_time() {
    let (proxy, mut plain) = pair().await;
    drop(proxy);
    let error = read_header(&mut plain, LIMIT).await.expect_err("gone");
    assert!(matches!(error, ProxyError::NotBegun), "{error:?}");

    let (mut proxy, mut plain) = pair().await;
    proxy.write_all(b"PROXY TCP4 ").await.expect("written");
    let limit = Duration::from_millis(50);
    let error = read_header(&mut plain, limit).await.expect_err("late");
    assert!(matches!(error, ProxyError::Timeout(_)), "{error:?}");
    drop(proxy);
    let (mut proxy, mut plain) = pair().await;
    proxy.write_all(b"PROXY TCP4 ").await.expect("written");
    drop(proxy);
    let error = read_header(&mut plain, LIMIT).await.expect_err("cut off");
    assert!(matches!(error, ProxyError::Broken(_)), "{error:?}");
}

#[test]
fn every_beginning_of_a_header_is_one() {
    for (header, _) in headers() {
        for cut in 0..header.len() {
            assert_eq!(part_of_header(&header[..cut]), Some(Part::Beginning));
        }
        for more in [&b""[..], b"\r\n", b"PROXY ", SIGNATURE] {
            let longer = [&header, more].concat();
            assert_eq!(part_of_header(&longer), Some(Part::Whole(header.len())));
        }
    }
}
