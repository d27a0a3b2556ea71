//! The built-in detectors: their names, and which of them are on by default.

use serde::Deserialize;

/// A detector by its name in the settings.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Detector {
    Jwt,
    Bearer,
    Cookie,
    Password,
    Secret,
    Email,
    Iban,
    Card,
    Ipv4,
    Ipv6,
    Mac,
    Phone,
    Ssn,
}

impl Detector {
    /// How many detectors there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// All detectors, in the order of their numbers.
    pub(crate) const ALL: [Self; 13] = [
        Self::Jwt,
        Self::Bearer,
        Self::Cookie,
        Self::Password,
        Self::Secret,
        Self::Email,
        Self::Iban,
        Self::Card,
        Self::Ipv4,
        Self::Ipv6,
        Self::Mac,
        Self::Phone,
        Self::Ssn,
    ];

    /// The detectors that are on by default. A MAC address reveals little about a person but is useful to
    /// readers of the log. Telephone and social security numbers look too much like other numbers.
    pub(crate) const DEFAULT: [Self; 10] = [
        Self::Jwt,
        Self::Bearer,
        Self::Cookie,
        Self::Password,
        Self::Secret,
        Self::Email,
        Self::Iban,
        Self::Card,
        Self::Ipv4,
        Self::Ipv6,
    ];

    /// The name in the settings and in masks.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Bearer => "bearer",
            Self::Cookie => "cookie",
            Self::Password => "password",
            Self::Secret => "secret",
            Self::Email => "email",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Mac => "mac",
            Self::Phone => "phone",
            Self::Ssn => "ssn",
        }
    }
}

/// A set of detectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(u16);

impl Set {
    /// Whether `detector` is in the set.
    #[inline]
    pub(crate) const fn has(self, detector: Detector) -> bool {
        self.0 >> detector as u16 & 1 == 1
    }
}

impl FromIterator<Detector> for Set {
    fn from_iter<I: IntoIterator<Item = Detector>>(detectors: I) -> Self {
        let bits = detectors
            .into_iter()
            .fold(0, |bits, detector| bits | 1 << detector as u16);
        Self(bits)
    }
}
