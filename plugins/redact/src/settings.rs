//! The settings, and what the filter makes of them.
//!
//! In: the settings of a configuration. Out: what to find and what to do with it, or an error that names the key.

use std::collections::BTreeMap;

use linemill_sdk::Error;
use serde::Deserialize;

use crate::action::{self, Action, Actions, DIGITS, Rule, Salt};
use crate::custom::Custom;
use crate::detect::{Keys, Mask};
use crate::detector::Detector;
use crate::read::Reader;

/// The settings. The README describes each key.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    patterns: Vec<Detector>,
    custom: BTreeMap<String, String>,
    keys: Vec<String>,
    exclude: Vec<String>,
    mask: String,
    masks: BTreeMap<String, String>,
    action: Action,
    actions: BTreeMap<String, Action>,
    salt: Option<String>,
    pub(crate) route: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            patterns: Detector::DEFAULT.to_vec(),
            custom: BTreeMap::new(),
            keys: Vec::new(),
            exclude: Vec::new(),
            mask: "[{name}]".to_owned(),
            masks: BTreeMap::new(),
            action: Action::Mask,
            actions: BTreeMap::new(),
            salt: None,
            route: "redact".to_owned(),
        }
    }
}

/// The longest text that may replace a secret, in bytes. It bounds the memory of a line with many secrets.
const MAX_MASK: usize = 128;
/// The shortest salt, in bytes.
const MIN_SALT: usize = 8;

impl Settings {
    /// Prepares the search.
    pub(crate) fn reader(self) -> Result<Reader, Error> {
        if self.patterns.is_empty() && self.custom.is_empty() {
            return Err(Error::new(
                "`patterns` or `custom`: one of them needs a pattern; omit `patterns` for the defaults",
            ));
        }
        for (table, names) in [
            ("actions", self.actions.keys().collect::<Vec<_>>()),
            ("masks", self.masks.keys().collect()),
        ] {
            for name in names {
                self.known(table, name)?;
            }
        }
        for name in self.custom.keys() {
            if Detector::ALL.iter().any(|detector| detector.name() == name) {
                let problem = format!("`{name}` is the name of a built-in pattern; choose another");
                return Err(Error::setting(format!("custom.{name}"), problem));
            }
        }
        let keys = self.names()?;
        let custom = Custom::new(&self.custom)?;
        let built_in = Detector::ALL
            .iter()
            .map(|detector| self.rule(detector.name()));
        let own = self.custom.keys().map(|name| self.rule(name));
        let actions = Actions {
            rules: built_in.chain(own).collect::<Result<_, Error>>()?,
            salt: self.salt()?,
            exclude: action::exclude(&self.exclude)?,
        };
        Ok(Reader::new(
            self.patterns.iter().copied().collect(),
            keys,
            custom,
            actions,
        ))
    }

    /// Whether lines may take the route.
    pub(crate) fn routes(&self) -> bool {
        let routes = |action: &Action| matches!(action, Action::Route | Action::Report);
        routes(&self.action) || self.actions.values().any(routes)
    }

    /// Refuses a name in a table that is not one of a pattern that is on.
    fn known(&self, table: &str, name: &str) -> Result<(), Error> {
        let on = self.patterns.iter().any(|detector| detector.name() == name);
        if on || self.custom.contains_key(name) {
            return Ok(());
        }
        let problem = if Detector::ALL.iter().any(|detector| detector.name() == name) {
            format!("`{name}` is off; add it to `patterns`")
        } else {
            format!("`{name}` is neither a built-in pattern nor one of `custom`")
        };
        Err(Error::setting(format!("{table}.{name}"), problem))
    }

    /// The names of keys that are secret, or are not.
    fn names(&self) -> Result<Keys, Error> {
        let mut keys = Keys::default();
        for (index, name) in self.keys.iter().enumerate() {
            if !keys.add(name) {
                let problem = format!(
                    "`{name}` is not a key's name; it needs a letter or digit, and at most 64 bytes"
                );
                return Err(Error::setting(format!("keys[{index}]"), problem));
            }
        }
        for entry in &self.exclude {
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
            if entry.bytes().all(plain) {
                keys.exclude(entry);
            }
        }
        Ok(keys)
    }

    /// What to do with the secrets of the pattern `name`.
    fn rule(&self, name: &str) -> Result<Rule, Error> {
        let action = self.actions.get(name).copied().unwrap_or(self.action);
        let (key, mask) = match self.masks.get(name) {
            Some(mask) => (format!("masks.{name}"), mask),
            None => ("mask".to_owned(), &self.mask),
        };
        let text = mask.replace("{name}", name);
        if text.chars().any(char::is_control) {
            let problem = "must not contain a line end or another control character, nor may the names that it shows";
            return Err(Error::setting(key, problem));
        }
        if text.len() > MAX_MASK {
            let problem = format!(
                "is too long: {} bytes with the name `{name}`; at most {MAX_MASK}",
                text.len()
            );
            return Err(Error::setting(key, problem));
        }
        let mask = match action {
            Action::Hash => match mask.split_once("{name}") {
                // The name comes first, then the hash, wherever the name stands.
                Some((before, after)) => Mask {
                    before: format!("{before}{name}:").into_bytes(),
                    digits: DIGITS,
                    after: after.replace("{name}", name).into_bytes(),
                },
                None => Mask {
                    before: Vec::new(),
                    digits: DIGITS,
                    after: Vec::new(),
                },
            },
            _ => Mask {
                before: text.into_bytes(),
                digits: 0,
                after: Vec::new(),
            },
        };
        Ok(Rule { action, mask })
    }

    /// The salt, which hashes need.
    fn salt(&self) -> Result<Option<Salt>, Error> {
        let hashes = self.action == Action::Hash
            || self.actions.values().any(|action| *action == Action::Hash);
        match &self.salt {
            Some(salt) if salt.len() < MIN_SALT => Err(Error::setting(
                "salt",
                format!("must have at least {MIN_SALT} bytes; better 32 at random"),
            )),
            Some(salt) => Ok(Some(Salt::new(salt.as_bytes()))),
            None if hashes => Err(Error::setting(
                "salt",
                "is needed for the action `hash`, such as salt = \"${REDACT_SALT}\"",
            )),
            None => Ok(None),
        }
    }
}
