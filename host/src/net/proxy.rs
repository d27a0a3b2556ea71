//! The PROXY protocol: the header in which a proxy says for whom it connects.
//!
//! In: a connection from a proxy that is trusted, before anything else has been read from it. Out: the
//! client's address, and the connection at the first byte after the header. Versions 1 and 2, as
//! haproxy's proxy-protocol.txt describes them.
//! Not here: whom to trust (`listeners`).
//!
//! No byte after the header is read: it belongs to a TLS handshake or to a line. So bytes are looked at
//! first, and taken once it is certain that they are the header's.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::transport::Plain;

/// What a header in version 2 begins with (section 2.2).
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, version, family, and length of the rest.
const FIXED: usize = SIGNATURE.len() + 4;
/// What a header in version 1 begins with (section 2.1).
const WORD: &[u8] = b"PROXY ";
/// Longest header in version 1, with its CR LF.
const LONGEST_TEXT: usize = 107;
/// How much is looked at together; a longer header takes several looks.
const LOOK: usize = 256;

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The peer ended the connection before its first byte, as a health check does.
    #[error("the peer closed before its PROXY protocol header")]
    NotBegun,
    /// The header was not complete in time.
    #[error("no complete PROXY protocol header within {0:?}")]
    Timeout(Duration),
    /// What came is not a header. Contains its first bytes.
    #[error("not a PROXY protocol header: \"{}\"", .0.escape_ascii())]
    Invalid(Vec<u8>),
    /// The peer went away, or reading failed.
    #[error("in the PROXY protocol header: {0}")]
    Broken(#[from] io::Error),
}

/// Reads a header, within `limit`. Returns the address of the client; `None` if the proxy speaks for
/// itself, or does not know or cannot express the address.
///
/// # Errors
/// When there is no valid header.
pub async fn read_header(
    plain: &mut Plain,
    limit: Duration,
) -> Result<Option<SocketAddr>, ProxyError> {
    let header = timeout(limit, whole_header(plain)).await;
    let header = header.unwrap_or(Err(ProxyError::Timeout(limit)))?;
    if is_local(&header) {
        return Ok(None);
    }
    let config = ParseConfig {
        include_tlvs: false,
        allow_v1: true,
        allow_v2: true,
    };
    match ProxyHeader::parse(&header, config) {
        Ok((parsed, length)) if length == header.len() => {
            Ok(parsed.proxied_address().map(|address| address.source))
        }
        _ => Err(invalid(&header)),
    }
}

/// Takes the bytes of the header, and no others.
async fn whole_header(plain: &mut Plain) -> Result<Vec<u8>, ProxyError> {
    let mut header = Vec::new();
    loop {
        let (taken, mut look) = (header.len(), [0; LOOK]);
        let seen = match plain.peek(&mut look).await {
            Ok(0) if taken == 0 => return Err(ProxyError::NotBegun),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(seen) => seen,
            Err(_) if taken == 0 => return Err(ProxyError::NotBegun),
            Err(error) => return Err(error.into()),
        };
        header.extend_from_slice(&look[..seen]);
        let (length, is_whole) = match part_of_header(&header) {
            Some(Part::Whole(length)) => (length, true),
            Some(Part::Beginning) => (header.len(), false),
            None => return Err(invalid(&header)),
        };
        header.truncate(length);
        plain.read_exact(&mut header[taken..]).await?;
        if is_whole {
            return Ok(header);
        }
    }
}

/// How much of some bytes is a header.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// This many bytes are the whole header.
    Whole(usize),
    /// All of them are, and more must come.
    Beginning,
}

/// `None` if no header begins with these bytes. A whole one may still be invalid.
fn part_of_header(bytes: &[u8]) -> Option<Part> {
    if bytes.starts_with(SIGNATURE) {
        let length = match bytes.get(FIXED - 2..FIXED) {
            Some(rest) => FIXED + usize::from(u16::from_be_bytes([rest[0], rest[1]])),
            None => FIXED,
        };
        let is_whole = bytes.len() >= length;
        return Some(if is_whole {
            Part::Whole(length)
        } else {
            Part::Beginning
        });
    }
    if bytes.starts_with(WORD) {
        let text = &bytes[..bytes.len().min(LONGEST_TEXT)];
        return match memchr::memchr(b'\n', text) {
            Some(end) => Some(Part::Whole(end + 1)),
            None if text.len() < LONGEST_TEXT => Some(Part::Beginning),
            None => None,
        };
    }
    let begins = SIGNATURE.starts_with(bytes) || WORD.starts_with(bytes);
    begins.then_some(Part::Beginning)
}

/// Whether a proxy speaks for itself by a header in version 2: whatever else is in it, is to be ignored.
fn is_local(header: &[u8]) -> bool {
    const LOCAL: u8 = 0x20;
    header.starts_with(SIGNATURE) && header.get(SIGNATURE.len()) == Some(&LOCAL)
}

/// With the first bytes of what came instead.
fn invalid(found: &[u8]) -> ProxyError {
    const SHOWN: usize = 32;
    ProxyError::Invalid(found[..found.len().min(SHOWN)].to_owned())
}

#[cfg(test)]
mod tests;
