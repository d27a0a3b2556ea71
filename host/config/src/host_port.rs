//! A host and a port, as written: `HOST:PORT`.
//!
//! In: text such as `log.example.org:514` or `[::1]:0`. Out: [`HostPort`], and its text, or an
//! error message that suits every key with such a value. Not here: resolving names.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A host and a port. Displays as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// The name or the address of a host. Displays without brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name of the domain name system (RFC 1123), as written; `_` is allowed as well.
    Name(String),
    /// An IP address.
    Ip(IpAddr),
}

/// What is wrong with a text that should be `HOST:PORT`; continues a sentence that begins with the
/// text.
pub(crate) type Fault = &'static str;

/// Longest name of a host, in bytes (RFC 1035, section 2.3.4).
const NAME: usize = 253;

impl HostPort {
    /// Parses `HOST:PORT`. The host is a name, an IPv4 address, or an IPv6 address in brackets;
    /// `least` is the smallest port allowed, 0 or 1.
    pub(crate) fn parse(text: &str, least: u16) -> Result<Self, Fault> {
        let (host, port) = match text.rsplit_once(':') {
            // The colons of an IPv6 address do not begin a port.
            Some(parts) if text.parse::<Ipv6Addr>().is_err() => parts,
            _ => return Err("has no port"),
        };
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = match port.parse() {
            Ok(port) if digits && port >= least => port,
            _ if least == 0 => return Err("does not end in a port from 0 to 65535"),
            _ => return Err("does not end in a port from 1 to 65535"),
        };
        let bracketed = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host = match bracketed {
            Some(address) => address.parse().map(Host::Ip).ok(),
            None if host.contains(':') => return Err("has an IPv6 address without brackets"),
            None => host.parse().ok(),
        };
        let host = host.ok_or("does not name a host")?;
        Ok(Self { host, port })
    }

    /// The socket's address, if the host is given by its IP address.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match &self.host {
            Host::Name(_) => None,
            Host::Ip(ip) => Some(SocketAddr::new(*ip, self.port)),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

impl FromStr for Host {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if let Ok(ip) = text.parse() {
            return Ok(Self::Ip(ip));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let label = |label: &str| !label.is_empty() && label.bytes().all(allowed);
        let name = text.strip_suffix('.').unwrap_or(text);
        if text.len() <= NAME && name.split('.').all(label) {
            Ok(Self::Name(text.to_owned()))
        } else {
            Err("does not name a host")
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name}"),
            Self::Ip(ip) => write!(f, "{ip}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_and_ports_parse_and_show() {
        for text in ["log.example.org:514", "a_b.:1", "10.0.0.1:65535", "[::1]:0"] {
            let parsed = HostPort::parse(text, 0).expect(text);
            assert_eq!(parsed.to_string(), text);
        }
        let address = |text| HostPort::parse(text, 0).expect(text).socket_addr();
        assert_eq!(address("[::1]:7"), "[::1]:7".parse().ok());
        assert_eq!(address("localhost:7"), None);
    }

    #[test]
    fn each_fault_has_a_text_of_its_own() {
        let cases = [
            ("", "has no port"),
            ("host", "has no port"),
            ("::1", "has no port"),
            ("[::1]", "does not end in a port from 1 to 65535"),
            ("host:", "does not end in a port from 1 to 65535"),
            ("host:0", "does not end in a port from 1 to 65535"),
            ("host:+1", "does not end in a port from 1 to 65535"),
            ("host:65536", "does not end in a port from 1 to 65535"),
            ("fe80::zz:1", "has an IPv6 address without brackets"),
            ("[::1:1", "has an IPv6 address without brackets"),
            (":1", "does not name a host"),
            ("a..b:1", "does not name a host"),
            ("a/b:1", "does not name a host"),
            ("[1.2.3.4.5]:1", "does not name a host"),
        ];
        for (text, fault) in cases {
            assert_eq!(HostPort::parse(text, 1), Err(fault), "{text:?}");
        }
        assert_eq!(
            HostPort::parse("host:65536", 0),
            Err("does not end in a port from 0 to 65535")
        );
    }

    proptest! {
        #[test]
        fn what_parses_shows_as_something_that_parses(text in "[\\[\\]a-f0-9.:-]{0,24}") {
            if let Ok(parsed) = HostPort::parse(&text, 0) {
                prop_assert_eq!(HostPort::parse(&parsed.to_string(), 0), Ok(parsed));
            }
        }
    }
}
