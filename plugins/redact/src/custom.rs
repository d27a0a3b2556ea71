//! Patterns from the settings.
//!
//! In: names and regular expressions, and a text. Out: what they match, or what their groups match.

use std::collections::BTreeMap;
use std::ops::Range;

use linemill_sdk::Error;
use pattern::{Budget, Captures, Input, MAX_EXPRESSIONS, Options, Patterns};

use crate::detector::Detector;
use crate::found::{self, Found};

/// Patterns that are searched for together.
pub(crate) struct Custom {
    patterns: Patterns,
    /// Finds the groups of each pattern, if it has any.
    groups: Vec<Option<Captures>>,
}

impl Custom {
    /// Compiles the patterns. Returns `None` if there are none.
    pub(crate) fn new(custom: &BTreeMap<String, String>) -> Result<Option<Self>, Error> {
        if custom.is_empty() {
            return Ok(None);
        }
        let keyed: Vec<(String, &str)> = custom
            .iter()
            .map(|(name, text)| (format!("custom.{name}"), text.as_str()))
            .collect();
        let patterns = Patterns::new(&keyed, Options::default())?;
        let mut budget = Budget::new(keyed.len().min(MAX_EXPRESSIONS));
        let groups = keyed.iter().map(|(key, text)| {
            let captures = Captures::new(key, text, Options::default(), &mut budget)?;
            Ok((captures.names().len() > 1).then_some(captures))
        });
        let groups = groups.collect::<Result<_, Error>>()?;
        Ok(Some(Self { patterns, groups }))
    }

    /// Finds all matches in `text`.
    pub(crate) fn search(&mut self, text: &[u8], list: &mut Vec<Found>) {
        let mut input = Input::new(text);
        while let Some(found) = self.patterns.find(&input) {
            let index = found.pattern().as_usize();
            let rule = Detector::COUNT + index;
            let groups = match &mut self.groups[index] {
                Some(captures) => groups_of(captures, text, found.range()),
                None => Vec::new(),
            };
            if groups.is_empty() {
                found::add(list, Found::new(found.range(), rule));
            }
            for group in groups {
                found::add(list, Found::new(group, rule));
            }
            // An empty match replaces nothing.
            let next = found.end().max(found.start() + 1);
            if next > text.len() {
                break;
            }
            input.set_start(next);
        }
    }
}

/// What the groups of a match matched, in order, without groups in groups. It is empty if none of them took part.
fn groups_of(captures: &mut Captures, text: &[u8], found: Range<usize>) -> Vec<Range<usize>> {
    captures.find_groups(text, found);
    let mut groups: Vec<Range<usize>> = Vec::new();
    for index in 1..captures.names().len() {
        let group = captures.group(index);
        groups
            .extend(group.filter(|group| groups.last().is_none_or(|last| last.end <= group.start)));
    }
    groups
}
