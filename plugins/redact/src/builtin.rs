//! The built-in patterns: their names, expressions and checks.

use serde::Deserialize;

use crate::check::{self, Check};

/// A pattern by its name in the settings.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Builtin {
    Jwt,
    Bearer,
    Password,
    Email,
    Iban,
    Card,
    Ipv4,
    Ipv6,
    Mac,
}

impl Builtin {
    /// The default patterns, in order of precedence if several match at one place. `Mac` is not
    /// among them: a MAC address reveals little about a person but is useful to readers of the log.
    pub(crate) const DEFAULT: [Self; 8] = [
        Self::Jwt,
        Self::Bearer,
        Self::Password,
        Self::Email,
        Self::Iban,
        Self::Card,
        Self::Ipv4,
        Self::Ipv6,
    ];

    /// The name in the settings and in masks.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Bearer => "bearer",
            Self::Password => "password",
            Self::Email => "email",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Mac => "mac",
        }
    }

    /// The expression to search for. No match is longer than about fifty bytes: see
    /// `Redact::search`.
    pub(crate) fn expression(self) -> String {
        const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
        const GROUP: &str = "[0-9A-Fa-f]{1,4}";
        let expression = match self {
            Self::Jwt => r"\beyJ[\w-]{6}",
            Self::Bearer => r"\b(?i:bearer|basic)[ \t]{1,4}[\w.~+/-]{8}",
            Self::Password => concat!(
                r#"(?i:password|passwd|pwd|secret|token|api[_-]?key)"#,
                r#"\\?["']?[ \t]{0,4}[=:][ \t]{0,4}\\?["']?[^\s"'&,;]"#,
            ),
            Self::Email => r"@[A-Za-z0-9\x80-\xff]",
            Self::Iban => r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
            Self::Card => r"\b[0-9](?:[ -]?[0-9]){12,18}\b",
            Self::Mac => r"\b[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})\b",
            Self::Ipv4 => return format!(r"\b(?:{OCTET}\.){{3}}{OCTET}\b"),
            Self::Ipv6 => {
                let before = format!("(?:{GROUP}(?::{GROUP}){{0,6}})?");
                let after = format!(r"(?:{GROUP}:){{0,6}}(?:(?:{OCTET}\.){{3}}{OCTET}|{GROUP})");
                return format!("(?:{GROUP}:){{7}}{GROUP}|{before}::(?:{after})?");
            }
        };
        expression.to_owned()
    }

    /// The check that turns a match of the expression into the range to mask.
    pub(crate) fn check(self) -> Check {
        match self {
            Self::Jwt => check::jwt,
            Self::Bearer => check::credentials,
            Self::Password => check::value,
            Self::Email => check::email,
            Self::Iban => check::iban,
            Self::Card => check::card,
            Self::Ipv4 => check::ipv4,
            Self::Ipv6 => check::ipv6,
            Self::Mac => check::whole,
        }
    }
}
