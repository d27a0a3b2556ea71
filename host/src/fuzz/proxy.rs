//! Sends any bytes to a listener with `proxy_protocol = "accept"`.
//!
//! In: the bytes of a proxy, in pieces, before it closes its sending side. Properties: they are a header
//! exactly if the reference says so, however they are cut; the client's address is the one that the
//! reference finds; and every byte after the header is left.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::net::proxy::{ProxyError, read_header};
use crate::net::transport::Plain;
use linemill_fuzz_inputs::Choices;

/// Only a header that hangs takes this long.
const HANGS: Duration = Duration::from_secs(30);

/// A header: its length, and the client's address if the proxy names one.
type Header = (usize, Option<SocketAddr>);

/// Runs the target on one input.
pub fn run(input: &[u8]) {
    let (sent, cuts) = Choices::new(input).pieces();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let (found, rest) = runtime.block_on(receive(sent, &cuts));
    match (found, reference(sent)) {
        (Ok(found), Some((length, client))) => {
            assert_eq!(found, client);
            assert_eq!(rest, &sent[length..]);
        }
        (Err(ProxyError::NotBegun), None) => assert!(sent.is_empty()),
        (Err(ProxyError::Timeout(after)), _) => panic!("no end within {after:?}"),
        (Err(_), None) => {}
        (found, expected) => panic!("found {found:?}, expected {expected:?}"),
    }
}

/// Returns what was found, and the bytes after it.
async fn receive(sent: &[u8], cuts: &[usize]) -> (Result<Option<SocketAddr>, ProxyError>, Vec<u8>) {
    let pair = UnixStream::pair();
    let (mut proxy, host) = pair.unwrap_or_else(|error| panic!("no sockets: {error}"));
    let mut plain = Plain::Unix(host);
    let sending = async move {
        let mut from = 0;
        for cut in cuts.iter().copied().chain([sent.len()]) {
            // The host may have closed before all is sent.
            if proxy.write_all(&sent[from..cut]).await.is_err() {
                return;
            }
            from = cut;
            tokio::task::yield_now().await;
        }
    };
    let receiving = async move {
        let found = read_header(&mut plain, HANGS).await;
        let mut rest = Vec::new();
        if found.is_ok() {
            let read = plain.read_to_end(&mut rest).await;
            read.unwrap_or_else(|error| panic!("an end of another kind: {error}"));
        }
        (found, rest)
    };
    tokio::join!(sending, receiving).1
}

/// The header that `bytes` begin with, read in another way than in the code.
fn reference(bytes: &[u8]) -> Option<Header> {
    text(bytes).or_else(|| binary(bytes))
}

/// Version 1: a line of at most 107 bytes (section 2.1).
fn text(bytes: &[u8]) -> Option<Header> {
    let end = bytes.iter().take(107).position(|byte| *byte == b'\n')?;
    let line = bytes[..end].strip_suffix(b"\r")?;
    let words = line.strip_prefix(b"PROXY ")?;
    if words.contains(&b'\r') {
        return None;
    }
    if words.starts_with(b"UNKNOWN") {
        return Some((end + 1, None));
    }
    let words = std::str::from_utf8(words).ok()?;
    let words: Vec<_> = words.split(' ').collect();
    let [family, source, destination, port, to] = words[..] else {
        return None;
    };
    let (port, _) = (port.parse().ok()?, to.parse::<u16>().ok()?);
    let client = match family {
        "TCP4" => client::<Ipv4Addr>(source, destination, port)?,
        "TCP6" => client::<Ipv6Addr>(source, destination, port)?,
        _ => return None,
    };
    Some((end + 1, Some(client)))
}

fn client<T: FromStr + Into<std::net::IpAddr>>(
    source: &str,
    destination: &str,
    port: u16,
) -> Option<SocketAddr> {
    let source: T = source.parse().ok()?;
    destination.parse::<T>().ok()?;
    Some(SocketAddr::new(source.into(), port))
}

/// Version 2 (section 2.2).
fn binary(bytes: &[u8]) -> Option<Header> {
    let (head, rest) = bytes.split_at_checked(16)?;
    if !head.starts_with(b"\r\n\r\n\0\r\nQUIT\n") {
        return None;
    }
    let length = usize::from(head[14]) << 8 | usize::from(head[15]);
    let block = rest.get(..length)?;
    let client = match (head[12], head[13]) {
        // LOCAL: whatever else there is, is to be ignored.
        (0x20, _) => None,
        (0x21, 0x00) => None,
        (0x21, 0x11 | 0x12) => {
            let source = <[u8; 4]>::try_from(block.get(..12)?.get(..4)?).ok()?;
            Some(SocketAddr::new(source.into(), port(&block[8..])))
        }
        (0x21, 0x21 | 0x22) => {
            let source = <[u8; 16]>::try_from(block.get(..36)?.get(..16)?).ok()?;
            Some(SocketAddr::new(source.into(), port(&block[32..])))
        }
        (0x21, 0x31 | 0x32) => {
            block.get(..216)?;
            None
        }
        _ => return None,
    };
    Some((16 + length, client))
}

fn port(bytes: &[u8]) -> u16 {
    u16::from(bytes[0]) << 8 | u16::from(bytes[1])
}
