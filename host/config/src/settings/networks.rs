//! Networks of IP addresses.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// A list of networks. Displays as a file has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Those networks. One of IPv4 addresses mapped into IPv6 stands for the IPv4 network.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().map(canonical).collect())
    }

    /// Whether an address is in one of them. An IPv4 address mapped into IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The network that `text` names; a single address is a network, too. `None` if it is neither.
pub fn network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>();
    let network = network.or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.ok()
}

/// Bits of an IPv6 address before a mapped IPv4 address (RFC 4291, section 2.5.5.2).
const MAPPED: u8 = 96;

fn canonical(network: IpNet) -> IpNet {
    let prefix = network.prefix_len().checked_sub(MAPPED);
    match (network.addr().to_canonical(), prefix) {
        (IpAddr::V4(address), Some(prefix)) if network.addr().is_ipv6() => {
            IpNet::new(address.into(), prefix).unwrap_or(network)
        }
        _ => network,
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = self.0.iter().map(|network| format!("\"{network}\""));
        write!(f, "[{}]", quoted.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_family() {
        let networks = |texts: &[&str]| {
            Networks::new(texts.iter().map(|text| text.parse().expect("a network")))
        };
        let contains = |texts: &[&str], address: &str| {
            networks(texts).contains(address.parse().expect("an address"))
        };
        let both = ["10.0.0.0/8", "2001:db8::/32"];
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
            assert!(contains(&both, inside), "{inside}");
        }
        for outside in ["11.1.2.3", "::ffff:11.1.2.3", "2001:db9::1", "::a01:203"] {
            assert!(!contains(&both, outside), "{outside}");
        }
        assert!(!contains(&["::/0"], "::ffff:10.1.2.3"));
        assert!(contains(&["0.0.0.0/0"], "::ffff:10.1.2.3"));
        assert!(contains(&["::ffff:10.0.0.0/104"], "10.1.2.3"));
        assert!(!contains(&[], "10.1.2.3"));
        let shown = networks(&["::ffff:10.0.0.0/104", "::1/128"]).to_string();
        assert_eq!(shown, r#"["10.0.0.0/8", "::1/128"]"#);
    }
}
