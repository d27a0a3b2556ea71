//! Decides what happens to each field of an object.
//!
//! In: the field names in the settings, then the names in an object. Out: an action for each field.
//! Not here: parsing objects.

use std::collections::BTreeMap;

use linemill_sdk::Error;

/// What to do with a field.
pub(crate) enum Action<'a> {
    Keep,
    Remove,
    /// Give it this name: JSON text, including quotes.
    Rename(&'a str),
}

/// The rule for each field, and which new names the current object has so far.
pub(crate) struct Fields {
    /// The fields that the settings name, sorted by name.
    named: Vec<(String, Rule)>,
    /// Whether fields that the settings do not name are kept.
    keep_others: bool,
    renames: Vec<Rename>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Keep,
    Remove,
    /// An index in `renames`.
    Rename(usize),
    /// Keep it. Its name is also the new name of the rename with this index, so an object that has
    /// both fields would have the name twice.
    KeepUnlessRenamed(usize),
}

struct Rename {
    /// The new name as JSON text.
    to: String,
    /// The current object has a field that was renamed to it.
    renamed: bool,
    /// The current object has a field that already had this name.
    original: bool,
}

impl Fields {
    /// Combines the settings of the same names.
    ///
    /// # Errors
    /// If they contradict each other.
    pub(crate) fn new(
        pick: Option<Vec<String>>,
        remove: Vec<String>,
        rename: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let keep_others = pick.is_none();
        let mut rules = BTreeMap::new();
        if pick.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::setting(
                "pick",
                "needs at least one field; omit the key to pick all fields",
            ));
        }
        for name in pick.into_iter().flatten() {
            rules.insert(name, Rule::Keep);
        }
        for name in remove {
            if rules.get(&name) == Some(&Rule::Keep) {
                return Err(Error::setting(
                    "remove",
                    format!("`{name}` is also in `pick`"),
                ));
            }
            rules.insert(name, Rule::Remove);
        }
        let mut renames: Vec<Rename> = Vec::new();
        for (name, to) in &rename {
            let key = format!("rename.{name}");
            match rules.get(name) {
                Some(Rule::Remove) => {
                    return Err(Error::setting(key, "the field is also in `remove`"));
                }
                None if !keep_others => {
                    return Err(Error::setting(
                        key,
                        "the field is not picked; add it to `pick`",
                    ));
                }
                _ => {}
            }
            let new_name = serde_json::to_string(to)?;
            if renames.iter().any(|other| other.to == new_name) {
                return Err(Error::setting(
                    key,
                    format!("another field is also renamed to {new_name}"),
                ));
            }
            rules.insert(name.clone(), Rule::Rename(renames.len()));
            renames.push(Rename {
                to: new_name,
                renamed: false,
                original: false,
            });
        }
        for (index, to) in rename.into_values().enumerate() {
            let rule = rules.entry(to).or_insert(if keep_others {
                Rule::Keep
            } else {
                Rule::Remove
            });
            if *rule == Rule::Keep {
                *rule = Rule::KeepUnlessRenamed(index);
            }
        }
        Ok(Self {
            named: rules.into_iter().collect(),
            keep_others,
            renames,
        })
    }

    /// Begins a new object.
    pub(crate) fn begin(&mut self) {
        for rename in &mut self.renames {
            (rename.renamed, rename.original) = (false, false);
        }
    }

    /// What to do with the field of this name, given as JSON text with its quotes.
    pub(crate) fn action(&mut self, name: &str) -> Action<'_> {
        let plain = name
            .get(1..name.len().saturating_sub(1))
            .unwrap_or_default();
        let rule = if plain.contains('\\') {
            // Rare, so an allocation is acceptable. The text is valid JSON, so it is a string.
            self.rule(&serde_json::from_str::<String>(name).unwrap_or_default())
        } else {
            self.rule(plain)
        };
        match rule {
            Rule::Keep => Action::Keep,
            Rule::Remove => Action::Remove,
            Rule::KeepUnlessRenamed(index) => {
                self.renames[index].original = true;
                Action::Keep
            }
            Rule::Rename(index) => {
                self.renames[index].renamed = true;
                Action::Rename(&self.renames[index].to)
            }
        }
    }

    /// A new name that the current object would have twice: once from a renamed field, and once
    /// from a field that already had it.
    pub(crate) fn conflict(&self) -> Option<&str> {
        let conflict = self
            .renames
            .iter()
            .find(|rename| rename.renamed && rename.original)?;
        Some(&conflict.to)
    }

    fn rule(&self, name: &str) -> Rule {
        match self
            .named
            .binary_search_by(|(other, _)| other.as_str().cmp(name))
        {
            Ok(index) => self.named[index].1,
            Err(_) if self.keep_others => Rule::Keep,
            Err(_) => Rule::Remove,
        }
    }
}
