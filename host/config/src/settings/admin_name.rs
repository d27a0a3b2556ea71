//! Names by which requests may call the admin address.

use std::fmt;
use std::str::FromStr;

use crate::host_port::Host;
use crate::malformed::Malformed;

/// A DNS name. Compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AdminName(String);

impl AdminName {
    /// Whether `name`, without a final dot, is the same.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }
}

impl FromStr for AdminName {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.parse() {
            Ok(Host::Name(_)) if !text.ends_with('.') => Ok(Self(text.to_owned())),
            _ => Err(Malformed {
                fault: "is not the name of a host",
                hint: "write a DNS name without a port, such as \"admin.example.org\"; IP addresses and localhost need not be named",
            }),
        }
    }
}

impl fmt::Display for AdminName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case() {
        let name: AdminName = "Admin.example.org".parse().expect("a name");
        assert!(name.is("admin.EXAMPLE.org") && !name.is("example.org"));
        for text in ["", "a b", "10.0.0.1", "::1", "a:80", "a."] {
            assert!(text.parse::<AdminName>().is_err(), "{text}");
        }
    }
}
