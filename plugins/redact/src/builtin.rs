//! The patterns that the filter brings along: expressions, and checks of what they found.

use std::net::Ipv6Addr;
use std::ops::Range;

use serde::Deserialize;

/// Says which part of a match is to be masked: all, the value behind a key, or nothing.
pub(crate) type Check = fn(line: &[u8], found: Range<usize>) -> Option<Range<usize>>;

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
    /// In the order of precedence where two start at one place. A MAC address says little about a
    /// person and a lot to whoever reads the log, so it has to be asked for.
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

    pub(crate) fn expression(self) -> String {
        // Whether a match ends inside a longer word is left to the checks where they can tell.
        const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
        const GROUP: &str = "[0-9A-Fa-f]{1,4}";
        match self {
            Self::Jwt => r"\beyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*".to_owned(),
            Self::Bearer => r"\b(?i:bearer|basic)[ \t]+[\w.~+/-]{8,}=*".to_owned(),
            Self::Password => concat!(
                r#"(?i:password|passwd|pwd|secret|token|api[_-]?key)["']?[ \t]*[=:][ \t]*"#,
                r#"(?:"[^"]+"|'[^']+'|[^\s"'&,;]+)"#,
            )
            .to_owned(),
            Self::Email => concat!(
                r"[\w.%+'\x80-\xff-]+@",
                r"(?:[A-Za-z0-9\x80-\xff](?:[A-Za-z0-9\x80-\xff-]*[A-Za-z0-9\x80-\xff])?\.)+",
                r"[A-Za-z\x80-\xff]{2,}",
            )
            .to_owned(),
            Self::Iban => r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b".to_owned(),
            Self::Card => r"\b[0-9](?:[ -]?[0-9]){12,18}\b".to_owned(),
            Self::Ipv4 => format!(r"\b(?:{OCTET}\.){{3}}{OCTET}\b"),
            Self::Ipv6 => format!(
                r"(?:{GROUP}:){{7}}{GROUP}|(?:{GROUP}(?::{GROUP}){{0,6}})?::(?:(?:{GROUP}:){{0,6}}(?:(?:{OCTET}\.){{3}}{OCTET}|{GROUP}))?"
            ),
            Self::Mac => r"\b[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})\b".to_owned(),
        }
    }

    pub(crate) fn check(self) -> Check {
        match self {
            Self::Bearer => credentials,
            Self::Password => value,
            Self::Iban => iban,
            Self::Card => card,
            Self::Ipv4 => ipv4,
            Self::Ipv6 => ipv6,
            Self::Jwt | Self::Email | Self::Mac => whole,
        }
    }
}

/// The match as it is.
pub(crate) fn whole(_: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    Some(found)
}

/// `Bearer abc`: what follows the blank.
fn credentials(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let blank = line[found.clone()].iter().rposition(|byte| matches!(byte, b' ' | b'\t'))?;
    Some(found.start + blank + 1..found.end)
}

/// `password: "abc"`: what follows the `=` or `:`, without blanks and quotes.
fn value(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let text = &line[found.clone()];
    let sign = text.iter().position(|byte| matches!(byte, b'=' | b':'))?;
    let blanks = text[sign + 1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let start = sign + 1 + blanks;
    let quoted = matches!(text.get(start)?, b'"' | b'\'');
    let quote = usize::from(quoted);
    Some(found.start + start + quote..found.end - quote)
}

/// The remainder by 97 of the account number moved to the front, letters as 10 to 35, is 1.
fn iban(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    // A trailing blank group that belongs to the text after it is given back bit by bit: the
    // longest prefix that ends where a group may end and has the right remainder.
    let text = &line[found.clone()];
    let characters: Vec<(usize, u8)> =
        text.iter().copied().enumerate().filter(|&(_, byte)| byte != b' ').collect();
    for count in (15..=characters.len().min(34)).rev() {
        let (last, _) = characters[count - 1];
        let end_of_word = text.get(last + 1).is_none_or(|&byte| byte == b' ');
        if end_of_word && remainder_97(&characters[..count]) == 1 {
            return Some(found.start..found.start + last + 1);
        }
    }
    None
}

fn remainder_97(characters: &[(usize, u8)]) -> u32 {
    let (country, account) = characters.split_at(4);
    account.iter().chain(country).fold(0, |rest, &(_, byte)| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

/// The check digit (ISO/IEC 7812, Luhn) is right, and it is not all zeros.
fn card(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let digits = line[found.clone()].iter().rev().filter(|byte| byte.is_ascii_digit());
    let (mut sum, mut any) = (0, 0);
    for (index, byte) in digits.enumerate() {
        let digit = u32::from(byte - b'0');
        any |= digit;
        let doubled = if index % 2 == 1 { digit * 2 } else { digit };
        sum += if doubled > 9 { doubled - 9 } else { doubled };
    }
    (sum % 10 == 0 && any != 0).then_some(found)
}

/// Not part of a longer dotted number, such as a version of five parts.
fn ipv4(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let before = found.start >= 2 && line[found.start - 1] == b'.' && line[found.start - 2].is_ascii_digit();
    let after = matches!(line[found.end..], [b'.', b'0'..=b'9', ..]);
    (!before && !after).then_some(found)
}

/// A true address by the standard library's reading, not part of a longer word, and with a digit
/// in it: `a::b` is likelier a path in a program.
fn ipv6(line: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_');
    let inside = line[..found.start].last().is_some_and(word) || line[found.end..].first().is_some_and(word);
    let text = std::str::from_utf8(&line[found.clone()]).ok()?;
    let digit = text.bytes().any(|byte| byte.is_ascii_digit());
    (!inside && digit && text.parse::<Ipv6Addr>().is_ok()).then_some(found)
}
