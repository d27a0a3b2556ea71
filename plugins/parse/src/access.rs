//! The access logs of Apache and nginx: the common and the combined log format.
//!
//! In: a line. Out: its fields. Not here: formats that a server is configured to; see the format `regex`.

use std::net::IpAddr;

use memchr::memchr;

use crate::Parsed;
use crate::logfmt::quoted;
use crate::object::Object;

/// How many fields the common format has.
pub(crate) const COMMON: usize = 11;

/// The names of the fields, in order. Those after the first [`COMMON`] are of the combined format alone.
pub(crate) const FIELDS: [&str; 14] = [
    "vhost",
    "client",
    "identity",
    "user",
    "timestamp",
    "method",
    "path",
    "protocol",
    "request",
    "status",
    "size",
    "referer",
    "agent",
    "forwarded_for",
];

const NOT_A_LOG: &str = "not an access log";

/// Parses a line, of the combined format or of the common one.
pub(crate) fn parse(line: &str, combined: bool, object: &mut Object) -> Parsed {
    let (vhost, line) = vhost(line);
    let (client, rest) = line.split_once(' ').ok_or(NOT_A_LOG)?;
    let (identity, rest) = rest.split_once(' ').ok_or(NOT_A_LOG)?;
    // The name of a user may contain blanks.
    let (user, rest) = rest
        .split_once(" [")
        .ok_or("not an access log: there is no `[` before a time")?;
    let (timestamp, rest) = rest
        .split_once("] \"")
        .ok_or("not an access log: there is no quoted request after the time")?;
    let (request, rest) = text(rest)?;
    let rest = rest.strip_prefix(' ').unwrap_or_default();
    let (status, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !(status == "-" || status.len() == 3 && is_number(status)) {
        return Err("not an access log: there is no status after the request".into());
    }
    let (size, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if !(size == "-" || is_number(size)) {
        return Err("not an access log: there is no size after the status".into());
    }
    if [client, identity, user, timestamp].contains(&"") {
        return Err(NOT_A_LOG.into());
    }
    if user.starts_with("- ") {
        return Err(
            "not an access log: there is more than client, identity and user before the time"
                .into(),
        );
    }
    object.present("vhost", vhost);
    object.present("client", given(client));
    object.present("identity", given(identity));
    object.present("user", given(&unescaped(user)));
    object.present("timestamp", given(timestamp));
    request_line(&unescaped(request), object);
    object.present("status", given(status));
    object.present("size", given(size));
    if combined {
        headers(rest, object)
    } else if rest.is_empty() {
        Ok(())
    } else {
        Err("not the common log format: there is more after the size".into())
    }
}

/// The virtual host that Apache's format `vhost_combined` begins with, and the rest of the line. It has a port, or
/// the address of the client follows it.
fn vhost(line: &str) -> (Option<&str>, &str) {
    let host = line.split_once(' ').filter(|(host, rest)| {
        let before_time = rest.split_once(" [").map_or("", |(before, _)| before);
        let mut words = before_time.split(' ');
        let client = words.next().unwrap_or_default();
        let port = host.rsplit_once(':').filter(|(name, port)| {
            let is_name = !name.contains(':') || name.starts_with('[') && name.ends_with(']');
            let is_port =
                (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
            !name.is_empty() && is_name && is_port
        });
        let is_followed = client.parse::<IpAddr>().is_ok() || port.is_some() && client != "-";
        words.count() >= 2 && is_followed && *host != "-"
    });
    host.map_or((None, line), |(host, rest)| (Some(host), rest))
}

/// The quoted headers at the end: two, or three as in the format `main` of nginx.
fn headers(mut rest: &str, object: &mut Object) -> Parsed {
    for name in &FIELDS[COMMON..] {
        let value;
        (value, rest) = text(rest.strip_prefix('"').ok_or(
            "not the combined log format: there is no quoted referer and agent after the size",
        )?)?;
        object.present(name, given(&unescaped(value)));
        match rest.strip_prefix(' ') {
            Some(more) => rest = more,
            None if rest.is_empty() && *name != "referer" => return Ok(()),
            None => {
                return Err(
                    "not the combined log format: there is no agent after the referer".into(),
                );
            }
        }
    }
    Err("not the combined log format: there is more after the agent".into())
}

/// Method, path and protocol; or the request as a whole, if it is not made of these.
fn request_line(request: &str, object: &mut Object) {
    let parts = request.split_once(' ').and_then(|(method, rest)| {
        let (path, protocol) = rest.rsplit_once(' ')?;
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_graphic());
        (is_method && protocol.starts_with("HTTP/")).then_some((method, path, protocol))
    });
    match parts {
        Some((method, path, protocol)) => {
            object.field("method", method);
            object.field("path", path);
            object.field("protocol", protocol);
        }
        None => object.present("request", given(request)),
    }
}

/// A value; `None` for the hyphen that stands for a missing one.
fn given(value: &str) -> Option<&str> {
    (value != "-").then_some(value)
}

/// The text up to its closing quote, with escapes, and what follows.
fn text(from: &str) -> Result<(&str, &str), &'static str> {
    let range = quoted(from.as_bytes(), 0).ok_or("not an access log: a quote is not closed")?;
    let end = range.end;
    Ok((&from[range], &from[end + 1..]))
}

/// The text that `escaped` stands for: `\x22` and `\"` are quotes. Escapes of bytes that are not UTF-8 together
/// become U+FFFD.
fn unescaped(escaped: &str) -> std::borrow::Cow<'_, str> {
    if memchr(b'\\', escaped.as_bytes()).is_none() {
        return escaped.into();
    }
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (escape, length) = match after {
            [b'x' | b'X', high, low, ..] if let Some(byte) = hex(*high, *low) => (byte, 3),
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [b'r', ..] => (b'\r', 1),
            [b'b', ..] => (8, 1),
            [b'f', ..] => (12, 1),
            [b'v', ..] => (11, 1),
            [same @ (b'"' | b'\\'), ..] => (*same, 1),
            _ => (b'\\', 0),
        };
        bytes.push(escape);
        rest = &after[length..];
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}
