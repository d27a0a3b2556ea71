//! Passwords in URLs and connection strings.
//!
//! In: a text, and the colon or `@` that tells one. Out: the range of the password.

use std::ops::Range;

/// The longest part of a URL before the host.
const MAX: usize = 1024;

/// Finds the password in the URL whose `://` is at `at`: `postgres://ann:secret@host`. A long name without a
/// password is a token: `https://0a1b2c3d4e5f6a7b8c9d@host`.
pub(super) fn password(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + 3;
    if !text[at..].starts_with(b"://") || !text[..at].last().is_some_and(u8::is_ascii_alphanumeric)
    {
        return None;
    }
    let rest = &text[start..text.len().min(start + MAX)];
    let ends = |&(at, byte): &(usize, &u8)| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
            || rest[at..].starts_with(b"://")
    };
    let len = rest
        .iter()
        .enumerate()
        .find(ends)
        .map_or(rest.len(), |(at, _)| at);
    let url = &rest[..len];
    let authority = url
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(len);
    let host = match memchr::memrchr(b'@', &url[..authority]) {
        Some(host) => host,
        None => {
            // A password may have a slash, but what stands behind a colon may be a port.
            let colon = memchr::memchr(b':', &url[..authority])?;
            if url.get(colon + 1).is_none_or(u8::is_ascii_digit) {
                return None;
            }
            memchr::memrchr(b'@', url)?
        }
    };
    let range = match memchr::memchr(b':', &url[..host]) {
        Some(colon) => colon + 1..host,
        None => {
            let token = host >= 20
                && url[..host].iter().any(u8::is_ascii_digit)
                && !url[..host].contains(&b'.');
            if !token {
                return None;
            }
            0..host
        }
    };
    (!range.is_empty()).then(|| start + range.start..start + range.end)
}

/// Finds the password before the `@` at `at` in a source name of Go: `ann:secret@tcp(host)/db`.
pub(super) fn source_name(text: &[u8], at: usize) -> Option<Range<usize>> {
    let networks: [&[u8]; 3] = [b"@tcp(", b"@unix(", b"@tcp6("];
    if !networks
        .iter()
        .any(|network| text[at..].starts_with(network))
    {
        return None;
    }
    let window = &text[at.saturating_sub(128)..at];
    let belongs = |byte: u8| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'=' | b'(' | b'/')
    };
    let start = at
        - window
            .iter()
            .rev()
            .take_while(|&&byte| belongs(byte))
            .count();
    let colon = memchr::memchr(b':', &text[start..at])?;
    (start + colon + 1 < at).then_some(start + colon + 1..at)
}

#[cfg(test)]
mod tests {
    use super::{password, source_name};

    fn first(text: &str) -> Option<&str> {
        password(text.as_bytes(), text.find("://")?).map(|range| &text[range])
    }

    #[test]
    fn passwords_are_found() {
        for (text, expected) in [
            ("postgres://app:pw@10.4.0.9/shop", "pw"),
            ("redis://:hunter2@localhost:6379/0", "hunter2"),
            ("mongodb+srv://u:p%40ss@h1,h2/db?x=@", "p%40ss"),
            ("https://ann:a@b@example.org/x", "a@b"),
            ("amqp://u:pa/ss@host", "pa/ss"),
            (
                "https://0a1b2c3d4e5f6a7b8c9d@github.com/x",
                "0a1b2c3d4e5f6a7b8c9d",
            ),
        ] {
            assert_eq!(first(text), Some(expected), "{text}");
        }
        assert_eq!(
            source_name(b"dsn=root:hunter2@tcp(db:3306)/x", 16),
            Some(9..16)
        );
    }

    #[test]
    fn other_urls_have_none() {
        for text in [
            "http://example.org:8080/a@b",
            "https://example.org",
            "https://ann@example.org",
            "://a:b@c",
            "http://h/p:x@y",
            "https://user:@host",
            "http://a.org, c:d@e",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
        assert_eq!(source_name(b"root@tcp(db)", 4), None);
        assert_eq!(source_name(b"a:b@host", 3), None);
    }
}
