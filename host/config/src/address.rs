//! Addresses to listen on, as written.
//!
//! In: text such as `127.0.0.1:0` or `unix:PATH`. Out: [`Address`], and its text. Not here:
//! resolving paths, opening anything, where lines go (see
//! `destination`).

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

use super::host_port::HostPort;
use super::malformed::Malformed;
use super::settings::Address;

/// Longest path of a Unix socket that every supported system accepts, in bytes.
const UNIX_PATH: usize = 103;

const ADDRESS_HINT: &str = "write IP:PORT, such as \"127.0.0.1:40713\" or \"[::1]:0\", \"unix:PATH\", \"udp://IP:PORT\", \"unixgram:PATH\" or \"systemd:NAME\"";
const UDP_HINT: &str =
    "write \"udp://IP:PORT\", such as \"udp://127.0.0.1:514\" or \"udp://[::]:514\"";
const SYSTEMD_HINT: &str = "write \"systemd:NAME\", as FileDescriptorName= has it in the .socket unit, or \"systemd\" for the only socket of the unit";

impl FromStr for Address {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix_path(path).map(Self::Unix);
        }
        if let Some(path) = text.strip_prefix("unixgram:") {
            return unix_path(path).map(Self::Unixgram);
        }
        if let Some(rest) = text.strip_prefix("udp://") {
            return rest.parse().map(Self::Udp).map_err(|_| Malformed {
                hint: UDP_HINT,
                ..fault(rest)
            });
        }
        if text == "systemd" {
            return Ok(Self::Systemd(None));
        }
        if let Some(name) = text.strip_prefix("systemd:") {
            return systemd_name(name).map(|name| Self::Systemd(Some(name)));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        Err(fault(text))
    }
}

/// What is wrong with a text that is not an address.
fn fault(text: &str) -> Malformed {
    if text.contains("://") {
        let hint = if text.starts_with("tls://") {
            "write the IP address and the port alone, and the certificate in `tls`"
        } else {
            "write the IP address and the port alone, such as \"127.0.0.1:40713\" or \"[::]:514\""
        };
        let fault = "begins with a scheme";
        return Malformed { fault, hint };
    }
    let zoned = text.strip_prefix('[').and_then(|rest| rest.split_once('%'));
    if zoned.is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok()) {
        return Malformed {
            fault: "does not give its interface by number",
            hint: "write the number that `ip link` shows before the interface's name, such as \"[fe80::1%2]:514\"",
        };
    }
    let fault = match HostPort::parse(text, 0) {
        Ok(_) => "does not start with an IP address",
        Err(_) if !text.contains([':', '.']) => "is not an address",
        Err(fault) => fault,
    };
    Malformed {
        fault,
        hint: ADDRESS_HINT,
    }
}

/// A path that fits into a socket's address.
pub(super) fn unix_path(path: &str) -> Result<PathBuf, Malformed> {
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

/// What systemd accepts as a `FileDescriptorName`.
fn systemd_name(name: &str) -> Result<String, Malformed> {
    let wrong = |fault| Malformed {
        fault,
        hint: SYSTEMD_HINT,
    };
    match name.len() {
        0 => Err(wrong("has no name")),
        256.. => Err(wrong("has a name longer than 255 bytes")),
        _ if name
            .bytes()
            .all(|b| (b' '..=b'~').contains(&b) && b != b':') =>
        {
            Ok(name.to_owned())
        }
        _ => Err(wrong("has a name that is not ASCII, or has a : in it")),
    }
}

impl Address {
    /// Whether lines come in datagrams there, not in streams.
    pub fn is_datagram(&self) -> bool {
        matches!(self, Self::Udp(_) | Self::Unixgram(_))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Unixgram(path) => write!(f, "unixgram:{}", path.display()),
            Self::Systemd(None) => write!(f, "systemd"),
            Self::Systemd(Some(name)) => write!(f, "systemd:{name}"),
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
            "systemd",
            "systemd:lines.socket",
            "[fe80::1%2]:514",
            "udp://127.0.0.1:514",
            "udp://[::]:0",
            "unixgram:/dev/log",
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
            ("systemd:", "has no name"),
            (
                "systemd:a:b",
                "has a name that is not ASCII, or has a : in it",
            ),
            (
                "systemd:é",
                "has a name that is not ASCII, or has a : in it",
            ),
            (
                "systemd:a\n",
                "has a name that is not ASCII, or has a : in it",
            ),
            ("systemd-lines", "is not an address"),
            ("tcp://127.0.0.1:514", "begins with a scheme"),
            ("udp://127.0.0.1", "has no port"),
            ("udp://localhost:514", "does not start with an IP address"),
            ("unixgram:", "has no path"),
            ("tls://[::]:514", "begins with a scheme"),
            ("[fe80::1%lo]:514", "does not give its interface by number"),
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
        let long = format!("systemd:{}", "a".repeat(256));
        assert!(long.parse::<Address>().is_err());
        assert!(long[..long.len() - 1].parse::<Address>().is_ok());
    }

    proptest! {
        #[test]
        fn what_reads_shows_as_something_that_reads(text in "(unix:|unixgram:|udp://|systemd:?)?[\\[\\]a-f0-9.:/]{0,24}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
