//! What of a line is compared.
//!
//! In: the settings `key`, `field` and `ignore`, and lines. Out: a hash of what counts. Not here: which
//! hashes are known (`window`).
//!
//! Each way to compare has a seed of its own, made from its settings. So what was remembered under other
//! settings, before a swap, never equals what is compared now.

use linemill_sdk::Error;
use pattern::{Budget, Captures, Cursor, Options};
use thinning::{Fields, Key};
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128, xxh3_128_with_seed};

pub(crate) enum Compare {
    /// The whole line.
    Whole,
    /// Its key. A line without a key is compared as a whole.
    Key { key: Box<Key>, seed: u64 },
    /// All but the parts that match.
    Without {
        ignored: Box<Captures>,
        hasher: Box<Xxh3>,
    },
}

impl Compare {
    pub(crate) fn new(
        key: Option<&str>,
        field: Option<&Fields>,
        ignore: &[String],
    ) -> Result<Self, Error> {
        match Key::new(key, field)? {
            Some(_) if !ignore.is_empty() => Err(Error::setting(
                "ignore",
                "it does not go with `key` or `field`, which say what is compared; remove one of them",
            )),
            Some(key_of_line) => Ok(Self::Key {
                key: Box::new(key_of_line),
                seed: match field {
                    Some(field) => seed("field", field.0.iter().map(String::as_str)),
                    None => seed("key", key),
                },
            }),
            None if ignore.is_empty() => Ok(Self::Whole),
            None => Ok(Self::Without {
                ignored: Box::new(any_of(ignore)?),
                hasher: Box::new(Xxh3::with_seed(seed(
                    "ignore",
                    ignore.iter().map(String::as_str),
                ))),
            }),
        }
    }

    /// A hash of what counts.
    pub(crate) fn hash(&mut self, line: &[u8]) -> u128 {
        match self {
            Self::Whole => xxh3_128(line),
            Self::Key { key, seed } => match key.of(line) {
                Some(key) => xxh3_128_with_seed(key, *seed),
                None => xxh3_128(line),
            },
            Self::Without { ignored, hasher } => hash_without(ignored, line, hasher),
        }
    }
}

/// An expression that matches what any of `ignore` does.
fn any_of(ignore: &[String]) -> Result<Captures, Error> {
    let compile = |key: &str, text: &str| {
        let mut budget = Budget::small();
        Captures::new(key, text, Options::default(), &mut budget)
    };
    let mut all = String::new();
    for (index, text) in ignore.iter().enumerate() {
        // On its own, so that an error names it.
        let one = compile(&format!("ignore[{index}]"), text)?;
        if ignore.len() == 1 {
            return Ok(one);
        }
        let or = if index == 0 { "" } else { "|" };
        all.push_str(&format!("{or}(?:{text})"));
    }
    compile("ignore", &all)
}

/// A hash of what does not match, and of where something did. Matches that follow each other directly count
/// as one.
fn hash_without(ignored: &mut Captures, line: &[u8], hasher: &mut Xxh3) -> u128 {
    hasher.reset();
    let mut end = None;
    // With its length behind it, each part can be told from the next one.
    let mut part = |from: usize, to: usize| {
        hasher.update(&line[from..to]);
        hasher.update(&((to - from) as u32).to_le_bytes());
    };
    let (mut cursor, mut at) = (Cursor::default(), 0);
    while at < line.len()
        && let Some(found) = ignored.find_next(line, at, &mut cursor)
    {
        at = found.end;
        if found.is_empty() {
            at += 1;
            continue;
        }
        if end != Some(found.start) {
            part(end.unwrap_or(0), found.start);
        }
        end = Some(found.end);
    }
    part(end.unwrap_or(0), line.len());
    hasher.digest128()
}

/// A seed for a way to compare. 0 stands for the whole line.
fn seed<'a>(way: &str, texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut settings = way.to_owned();
    for text in texts {
        settings.push('\0');
        settings.push_str(text);
    }
    xxh3_64(settings.as_bytes()).max(1)
}
