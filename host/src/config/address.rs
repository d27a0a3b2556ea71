//! Addresses and destinations as written.
//!
//! In: text such as `127.0.0.1:0`, `unix:PATH` or `tcp://HOST:PORT`. Out: [`Address`] and
//! [`Destination`], and their text. Not here: resolving names or paths, opening anything.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use super::settings::{Address, Destination};

/// Longest path of a Unix socket that every supported system takes, in bytes.
const UNIX_PATH: usize = 103;

/// Why a text is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it {fault}; {hint}")]
pub struct Malformed {
    /// Goes on from the text: "`localhost:80` … does not start with an IP address".
    pub fault: &'static str,
    /// What would be right.
    pub hint: &'static str,
}

const ADDRESS_HINT: &str =
    "write IP:PORT, such as \"127.0.0.1:40713\" or \"[::1]:0\", or \"unix:PATH\"";
const DESTINATION_HINT: &str = "write \"reply\", \"stdout\", \"tcp://HOST:PORT\", \"tls://HOST:PORT\", \"unix:PATH\" or \"file:PATH\"";

impl FromStr for Address {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix_path(path).map(Self::Unix);
        }
        let fault = match text.parse::<SocketAddr>() {
            Ok(address) => return Ok(Self::Tcp(address)),
            Err(_) if text.parse::<IpAddr>().is_ok() => "has no port",
            Err(_) => match text.rsplit_once(':') {
                None => "is not an address",
                Some((_, port)) if port.parse::<u16>().is_err() => {
                    "does not end in a port from 0 to 65535"
                }
                Some((host, _)) if host.contains(':') => "has an IPv6 address without brackets",
                Some(_) => "does not start with an IP address",
            },
        };
        Err(Malformed {
            fault,
            hint: ADDRESS_HINT,
        })
    }
}

impl FromStr for Destination {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match (text, text.split_once(':')) {
            ("reply", _) => Ok(Self::Reply),
            ("stdout", _) => Ok(Self::Stdout),
            (_, Some(("tcp", rest))) => host_port(rest).map(Self::Tcp),
            (_, Some(("tls", rest))) => host_port(rest).map(Self::Tls),
            (_, Some(("unix", path))) => unix_path(path).map(Self::Unix),
            (_, Some(("file", ""))) => Err(Malformed {
                fault: "has no path",
                hint: DESTINATION_HINT,
            }),
            (_, Some(("file", path))) => Ok(Self::File(PathBuf::from(path))),
            _ => Err(Malformed {
                fault: "is not a destination",
                hint: DESTINATION_HINT,
            }),
        }
    }
}

/// A path that fits into a socket's address.
fn unix_path(path: &str) -> Result<PathBuf, Malformed> {
    let hint = "write \"unix:PATH\", such as \"unix:/run/linemill.sock\"";
    match path.len() {
        0 => Err(Malformed {
            fault: "has no path",
            hint,
        }),
        1..=UNIX_PATH => Ok(PathBuf::from(path)),
        _ => Err(Malformed {
            fault: "has a path longer than the 103 bytes a socket can have",
            hint,
        }),
    }
}

/// `//HOST:PORT`, without the slashes; the host is a name, an IPv4 or a bracketed IPv6 address.
fn host_port(rest: &str) -> Result<String, Malformed> {
    let wrong = |fault| Malformed {
        fault,
        hint: DESTINATION_HINT,
    };
    let rest = rest
        .strip_prefix("//")
        .ok_or_else(|| wrong("lacks // before the host"))?;
    let (host, port) = rest.rsplit_once(':').ok_or_else(|| wrong("has no port"))?;
    if port.parse::<u16>().map_or(true, |port| port == 0) {
        return Err(wrong("does not end in a port from 1 to 65535"));
    }
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let right = match bracketed {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let part = |part: &str| {
                !part.is_empty()
                    && part
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            };
            host.len() <= 253 && host.strip_suffix('.').unwrap_or(host).split('.').all(part)
        }
    };
    if right {
        Ok(rest.to_owned())
    } else {
        Err(wrong("does not name a host"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd(None) => write!(f, "systemd"),
            Self::Systemd(Some(name)) => write!(f, "systemd:{name}"),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply => write!(f, "reply"),
            Self::Stdout => write!(f, "stdout"),
            Self::Tcp(peer) => write!(f, "tcp://{peer}"),
            Self::Tls(peer) => write!(f, "tls://{peer}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_read_and_show() {
        for text in [
            "127.0.0.1:40713",
            "[::1]:0",
            "0.0.0.0:65535",
            "unix:/run/a.sock",
            "unix:a b",
        ] {
            assert_eq!(text.parse::<Address>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn addresses_say_what_is_wrong() {
        let cases = [
            ("127.0.0.1", "has no port"),
            ("::1", "has no port"),
            ("localhost:80", "does not start with an IP address"),
            ("127.0.0.1:65536", "does not end in a port from 0 to 65535"),
            ("fe80::zz:80", "has an IPv6 address without brackets"),
            ("here", "is not an address"),
            ("unix:", "has no path"),
        ];
        for (text, fault) in cases {
            assert_eq!(
                text.parse::<Address>().expect_err(text).fault,
                fault,
                "{text}"
            );
        }
        let long = format!("unix:/{}", "a".repeat(UNIX_PATH));
        assert!(long.parse::<Address>().is_err());
    }

    #[test]
    fn destinations_read_and_show() {
        let texts = [
            "reply",
            "stdout",
            "tcp://log.example.org:514",
            "tls://[::1]:6514",
            "tcp://10.0.0.1:1",
            "unix:/a",
            "file:a",
        ];
        for text in texts {
            assert_eq!(text.parse::<Destination>().expect(text).to_string(), text);
        }
        let wrong = [
            "",
            "replay",
            "tcp:",
            "tcp:host:1",
            "tcp://host",
            "tcp://host:0",
            "tcp://:1",
            "tcp://a..b:1",
            "tcp://::1:1",
            "tcp://[::1:1",
            "tls://a/b:1",
            "file:",
            "unix:",
            "udp://a:1",
        ];
        for text in wrong {
            assert!(text.parse::<Destination>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_reads_shows_as_something_that_reads(text in "(unix:|tcp://|tls://|file:)?[\\[\\]a-f0-9.:/]{0,24}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
            if let Ok(destination) = text.parse::<Destination>() {
                prop_assert_eq!(destination.to_string().parse(), Ok(destination));
            }
        }
    }
}
