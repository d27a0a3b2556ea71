//! Names that a client's certificate may have.

use std::fmt;
use std::str::FromStr;

use crate::host_port::Host;
use crate::malformed::Malformed;

/// A DNS name, or all names with one more label: `*.example.org`. Compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientName(String);

impl ClientName {
    /// Whether it stands for this name of a certificate. A `*` in the certificate is only a label here:
    /// a certificate for every name under a domain does not pass for any single one.
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_prefix("*.") {
            None => self.0.eq_ignore_ascii_case(name),
            Some(domain) => name.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && domain.eq_ignore_ascii_case(rest)
            }),
        }
    }
}

impl FromStr for ClientName {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        match name.parse() {
            Ok(Host::Name(_)) if !name.ends_with('.') => Ok(Self(text.to_owned())),
            _ => Err(Malformed {
                fault: "is not a name that a certificate can have",
                hint: "write a DNS name such as \"sensor-1.example.org\", or \"*.example.org\" for all names directly below",
            }),
        }
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        let matches = |pattern: &str, name| {
            let pattern: ClientName = pattern.parse().expect("a pattern");
            pattern.matches(name)
        };
        assert!(matches("sensor-1", "Sensor-1"));
        assert!(!matches("sensor-1", "sensor-1.example.org"));
        assert!(matches("*.example.org", "a.Example.ORG"));
        for name in [
            "example.org",
            ".example.org",
            "a.b.example.org",
            "aexample.org",
        ] {
            assert!(!matches("*.example.org", name), "{name}");
        }
        // A wildcard certificate does not pass for a single name.
        assert!(!matches("a.example.org", "*.example.org"));
        for wrong in [
            "", "*", "*.", "a.*.org", "*a.org", "a..b", "a b", "10.0.0.1", "a.",
        ] {
            wrong.parse::<ClientName>().expect_err(wrong);
        }
    }
}
