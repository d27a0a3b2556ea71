//! What is done with a secret.
//!
//! In: rules from the settings, and a secret that a detector or custom pattern found. Out: an edit that replaces
//! it, or what the whole line does.

mod hash;

use linemill_sdk::Error;
use pattern::{Options, Patterns};
use serde::Deserialize;

use crate::detect::{Mask, Masks};
use crate::detector::Detector;
use crate::found::Found;
use crate::read::Edits;
pub(crate) use hash::Salt;

/// What to do with the secrets of a detector or custom pattern.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Replace it with a text.
    #[default]
    Mask,
    /// Replace all but its last four characters.
    KeepLast4,
    /// Replace it with a hash, which is the same for the same secret.
    Hash,
    /// Drop the line.
    Drop,
    /// Replace it with a text, and send the line by the route.
    Route,
    /// Change nothing, and send the line by the route.
    Report,
}

/// What to do with the secrets of one detector or custom pattern.
pub(crate) struct Rule {
    pub(crate) action: Action,
    /// The text before and after the hash; without a hash, all of the text is in the first.
    pub(crate) mask: Mask,
}

/// The rules, and what they need.
pub(crate) struct Actions {
    /// Of the detectors, then of the custom patterns.
    pub(crate) rules: Vec<Rule>,
    pub(crate) salt: Option<Salt>,
    /// What is not a secret.
    pub(crate) exclude: Option<Patterns>,
}

/// How many hexadecimal digits of a hash are shown.
pub(crate) const DIGITS: usize = 16;

impl Actions {
    /// Does with a secret that was found in `text` what its rule says.
    pub(crate) fn replace(&mut self, found: Found, text: &[u8], edits: &mut Edits) {
        let secret = &text[found.range.clone()];
        self.replace_by(found, secret, edits);
    }

    /// Does with a secret what its rule says. In the text, it is encoded.
    pub(crate) fn replace_by(&mut self, found: Found, secret: &[u8], edits: &mut Edits) {
        let rule = found.rule;
        if self
            .exclude
            .as_mut()
            .is_some_and(|exclude| exclude.matches(secret))
        {
            return;
        }
        let Rule { action, mask } = &self.rules[rule];
        match action {
            Action::Drop => edits.drop = true,
            Action::Report => edits.route = true,
            Action::Mask => edits.push(found),
            Action::Route => {
                edits.route = true;
                edits.push(found);
            }
            Action::KeepLast4 => edits.push_with(found, |out| keep_last_4(secret, out)),
            Action::Hash => edits.push_with(found, |out| {
                out.extend_from_slice(&mask.before);
                if let Some(salt) = &self.salt {
                    salt.hash(&canonical(rule, secret), out);
                }
                out.extend_from_slice(&mask.after);
            }),
        }
    }

    /// An empty list of edits.
    pub(crate) fn edits(&self) -> Edits {
        Edits::new(self.rules.iter().map(|rule| &*rule.mask.before))
    }

    /// The replacements that may be in a line that was redacted before.
    pub(crate) fn masks(&self) -> Masks {
        let replaces = |rule: &&Rule| {
            !matches!(
                rule.action,
                Action::KeepLast4 | Action::Drop | Action::Report
            )
        };
        self.rules
            .iter()
            .filter(replaces)
            .map(|rule| rule.mask.clone())
            .collect()
    }
}

/// What is not a secret, although a detector finds it: expressions for all of its text.
pub(crate) fn exclude(expressions: &[String]) -> Result<Option<Patterns>, Error> {
    if expressions.is_empty() {
        return Ok(None);
    }
    let keyed: Vec<(String, &String)> = expressions
        .iter()
        .enumerate()
        .map(|(index, text)| (format!("exclude[{index}]"), text))
        .collect();
    // Refuses with the text as it was written.
    Patterns::new(&keyed, Options::default())?;
    let whole: Vec<(String, String)> = keyed
        .into_iter()
        .map(|(key, text)| (key, format!("^(?:{text})$")))
        .collect();
    Patterns::new(&whole, Options::default()).map(Some)
}

/// `****1111`: the last four characters, or none if that would be much of a secret.
fn keep_last_4(secret: &[u8], out: &mut Vec<u8>) {
    /// A shorter secret is replaced as a whole.
    const LEAST: usize = 8;
    out.extend_from_slice(b"****");
    let starts = secret
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte & 0xc0 != 0x80);
    let Some((start, _)) = starts.take(4).last() else {
        return;
    };
    if secret.len() >= LEAST && str::from_utf8(&secret[start..]).is_ok() {
        out.extend_from_slice(&secret[start..]);
    }
}

/// A form that is the same however the same secret is written: numbers without separators, addresses in lower case.
fn canonical(rule: usize, secret: &[u8]) -> Vec<u8> {
    const NUMBERS: [Detector; 4] = [
        Detector::Card,
        Detector::Iban,
        Detector::Phone,
        Detector::Ssn,
    ];
    const ADDRESSES: [Detector; 3] = [Detector::Email, Detector::Ipv6, Detector::Mac];
    if NUMBERS.iter().any(|&detector| detector as usize == rule) {
        secret
            .iter()
            .copied()
            .filter(u8::is_ascii_alphanumeric)
            .collect()
    } else if ADDRESSES.iter().any(|&detector| detector as usize == rule) {
        secret.to_ascii_lowercase()
    } else {
        secret.to_vec()
    }
}
