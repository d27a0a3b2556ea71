//! Where lines go, as written.
//!
//! In: text such as `stdout` or `tcp://HOST:PORT`. Out: [`Destination`], and its text. Not here:
//! resolving names or paths, opening anything.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::address::unix_path;
use super::circles::reaches;
use super::host_port::HostPort;
use super::malformed::Malformed;
use super::settings::{Address, Destination};

const DESTINATION_HINT: &str = "write \"reply\", \"stdout\", \"tcp://HOST:PORT\", \"tls://HOST:PORT\", \"unix:PATH\" or \"file:PATH\"";

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

/// `//HOST:PORT`.
fn host_port(rest: &str) -> Result<HostPort, Malformed> {
    let parsed = match rest.strip_prefix("//") {
        Some(text) => HostPort::parse(text, 1),
        None => Err("lacks // before the host"),
    };
    parsed.map_err(|fault| Malformed {
        fault,
        hint: DESTINATION_HINT,
    })
}

impl Destination {
    /// Whether lines sent there can arrive at a listener on `bind`, as far as the text shows.
    pub fn leads_to(&self, bind: &Address, ipv6_only: bool) -> bool {
        match (self, bind) {
            (Self::FailOver(_), _) => {
                let mut upstreams = self.upstreams().iter();
                upstreams.any(|one| one.leads_to(bind, ipv6_only))
            }
            (Self::Unix(path), Address::Unix(bind)) => plain(path) == plain(bind),
            (Self::Tcp(peer) | Self::Tls(peer), Address::Tcp(bind)) => {
                let mut addresses = peer.host.known_addresses().into_iter();
                peer.port == bind.port()
                    && addresses.any(|ip| reaches(ip, bind.ip(), ipv6_only, |_| false))
            }
            _ => false,
        }
    }
}

/// A path without `.` and `..`, as if no folder in it were a link.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            // The root is its own parent.
            Component::ParentDir if plain.has_root() => {}
            part => plain.push(part),
        }
    }
    plain
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
            Self::FailOver(_) => {
                for (index, one) in self.upstreams().iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{one}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::NotFailOver;
    use proptest::prelude::*;

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

    #[test]
    fn tells_what_leads_back() {
        let cases = [
            ("tcp://127.0.0.1:7", "127.0.0.1:7", true),
            ("tls://127.0.0.1:7", "0.0.0.0:7", true),
            ("tcp://[::1]:7", "[::]:7", true),
            ("unix:/a", "unix:/a", true),
            ("tcp://127.0.0.1:8", "127.0.0.1:7", false),
            ("tcp://192.0.2.1:7", "0.0.0.0:7", false),
            ("tcp://localhost:7", "127.0.0.1:7", true),
            ("tcp://LocalHost.:7", "[::1]:7", true),
            ("tcp://127.1:7", "127.0.0.1:7", true),
            ("tcp://0x7f.0.0.1:7", "127.0.0.1:7", true),
            ("tcp://2130706433:7", "127.0.0.1:7", true),
            ("tcp://0:7", "127.0.0.1:7", true),
            ("tcp://[::ffff:127.0.0.1]:7", "127.0.0.1:7", true),
            ("tcp://127.0.0.1:7", "[::ffff:127.0.0.1]:7", true),
            ("tcp://127.0.0.1:7", "[::]:7", true),
            ("tcp://example.org:7", "0.0.0.0:7", false),
            ("unix:/a/../b/./c", "unix:/b/c", true),
            ("unix:/../a", "unix:/a", true),
            ("unix:../a", "unix:a", false),
            ("unix:/a", "unix:/b", false),
            ("file:/a", "unix:/a", false),
            ("tcp://127.0.0.1:7", "systemd", false),
        ];
        for (to, bind, leads) in cases {
            let to: Destination = to.parse().expect("a destination");
            let bind: Address = bind.parse().expect("an address");
            assert_eq!(to.leads_to(&bind, false), leads, "{to} {bind}");
        }
    }

    fn list(texts: &[&str]) -> Result<Destination, NotFailOver> {
        let all = texts
            .iter()
            .map(|text| text.parse().expect("a destination"));
        Destination::fail_over(all.collect())
    }

    #[test]
    fn a_list_has_several_upstreams_in_order() {
        let two = list(&["tcp://b:2", "unix:/a"]).expect("a list");
        assert_eq!(two.to_string(), "tcp://b:2, unix:/a");
        assert!(two.is_socket() && !two.has_tls());
        assert!(two.leads_to(&"unix:/a".parse().expect("an address"), false));
        let names: Vec<_> = two.upstreams().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["tcp://b:2", "unix:/a"]);
        assert!(list(&["tcp://b:2", "tls://a:1"]).expect("a list").has_tls());
    }

    #[test]
    fn a_list_of_one_is_that_one() {
        let one = list(&["tcp://b:2"]).expect("a list");
        assert_eq!(one, "tcp://b:2".parse().expect("a destination"));
        assert_eq!(one.upstreams(), std::slice::from_ref(&one));
    }

    #[test]
    fn a_list_has_nothing_but_upstreams_each_once() {
        for (texts, entry, fault) in [
            (&[][..], None, "is empty"),
            (&["tcp://a:1", "reply"], Some(1), "is not an upstream"),
            (&["file:/a", "tcp://a:1"], Some(0), "is not an upstream"),
            (&["stdout"], Some(0), "is not an upstream"),
            (
                &["tcp://a:1", "tcp://b:1", "tcp://a:1"],
                Some(2),
                "is in the list already",
            ),
        ] {
            let wrong = list(texts).expect_err("refused");
            assert_eq!((wrong.entry, wrong.fault), (entry, fault), "{texts:?}");
        }
    }

    proptest! {
        #[test]
        fn what_reads_shows_as_something_that_reads(text in "(unix:|tcp://|tls://|file:)?[\\[\\]a-f0-9.:/]{0,24}") {
            if let Ok(destination) = text.parse::<Destination>() {
                prop_assert_eq!(destination.to_string().parse(), Ok(destination));
            }
        }
    }
}
