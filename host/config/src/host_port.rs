//! A host and a port, as written: `HOST:PORT`.
//!
//! In: text such as `log.example.org:514` or `[::1]:0`. Out: [`HostPort`], and its text, or an
//! error message that suits every key with such a value. Not here: resolving names.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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

impl Host {
    /// The addresses that it has on every system: its own, those of `localhost` (RFC 6761, 6.3), or that of
    /// a number that systems read as an IPv4 address.
    pub fn known_addresses(&self) -> Vec<IpAddr> {
        let name = match self {
            Self::Ip(ip) => return vec![*ip],
            Self::Name(name) => name.strip_suffix('.').unwrap_or(name),
        };
        let domain = name.rsplit('.').next().unwrap_or(name);
        if domain.eq_ignore_ascii_case("localhost") {
            return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        numbers(name).map(IpAddr::from).into_iter().collect()
    }
}

/// An IPv4 address as inet_aton(3) reads it: one to four numbers, the last of which fills what is left;
/// `0x` and `0` begin hexadecimal and octal ones.
fn numbers(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| {
        let (digits, radix) = match part.strip_prefix("0x").or(part.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None if part.len() > 1 && part.starts_with('0') => (&part[1..], 8),
            None => (part, 10),
        };
        let is_sign = |byte: u8| b"+-".contains(&byte);
        (!digits.bytes().any(is_sign)).then_some(())?;
        u32::from_str_radix(digits, radix).ok()
    };
    let parts: Option<Vec<u32>> = text.split('.').map(number).collect();
    let parts = parts.filter(|parts| parts.len() <= 4)?;
    let (last, bytes) = parts.split_last()?;
    let mut address = *last;
    let left = 8 * (4 - bytes.len());
    if left < 32 && *last >= 1 << left {
        return None;
    }
    for (place, byte) in bytes.iter().enumerate() {
        address |= u32::from(u8::try_from(*byte).ok()?) << (24 - 8 * place);
    }
    Some(address.into())
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

    #[test]
    fn numbers_are_addresses_as_systems_read_them() {
        for (text, address) in [
            ("127.1", Some([127, 0, 0, 1])),
            ("127.0.1", Some([127, 0, 0, 1])),
            ("10.1.258", Some([10, 1, 1, 2])),
            ("2130706433", Some([127, 0, 0, 1])),
            ("0177.0.0.01", Some([127, 0, 0, 1])),
            ("0x7f000001", Some([127, 0, 0, 1])),
            ("0", Some([0, 0, 0, 0])),
            ("256.1", None),
            ("1.2.3.256", None),
            ("1.2.3.4.5", None),
            ("08", None),
            ("0x", None),
            ("a", None),
            ("1..2", None),
        ] {
            assert_eq!(numbers(text), address.map(Ipv4Addr::from), "{text}");
        }
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
