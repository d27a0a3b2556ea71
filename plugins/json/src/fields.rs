//! The settings' names of fields → what becomes of each field of an object.

use std::collections::BTreeMap;

use linemill_sdk::Error;

/// What becomes of one field.
pub(crate) enum Fate<'a> {
    Keep,
    Remove,
    /// It gets this name: JSON text, quotes included.
    Rename(&'a str),
}

/// What becomes of every field, and which new names the object at hand has so far.
pub(crate) struct Fields {
    /// Sorted by name.
    named: Vec<(String, Plan)>,
    /// Fields that are not named are kept.
    keep_others: bool,
    renames: Vec<Rename>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    Keep,
    Remove,
    /// Index in `renames`.
    Rename(usize),
    /// Kept, and its name is the new one of this index: both in one object would clash.
    Taken(usize),
}

struct Rename {
    /// The new name as JSON text.
    to: String,
    /// The object at hand has a field that was renamed to it.
    made: bool,
    /// The object at hand has a field that had the name before.
    taken: bool,
}

impl Fields {
    pub(crate) fn new(
        pick: Option<Vec<String>>,
        remove: Vec<String>,
        rename: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let keep_others = pick.is_none();
        let mut plans = BTreeMap::new();
        if pick.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::setting(
                "pick",
                "needs at least one field; leave it out to pick all",
            ));
        }
        for name in pick.into_iter().flatten() {
            plans.insert(name, Plan::Keep);
        }
        for name in remove {
            if plans.get(&name) == Some(&Plan::Keep) {
                return Err(Error::setting(
                    "remove",
                    format!("`{name}` is in `pick` too"),
                ));
            }
            plans.insert(name, Plan::Remove);
        }
        let mut renames: Vec<Rename> = Vec::new();
        for (name, to) in &rename {
            let key = format!("rename.{name}");
            match plans.get(name) {
                Some(Plan::Remove) => {
                    return Err(Error::setting(key, "the field is in `remove` too"));
                }
                None if !keep_others => {
                    return Err(Error::setting(
                        key,
                        "the field is not picked; add it to `pick`",
                    ));
                }
                _ => {}
            }
            let to = serde_json::to_string(to)?;
            if renames.iter().any(|other| other.to == to) {
                return Err(Error::setting(
                    key,
                    format!("another field is renamed to {to} too"),
                ));
            }
            plans.insert(name.clone(), Plan::Rename(renames.len()));
            renames.push(Rename {
                to,
                made: false,
                taken: false,
            });
        }
        for (index, to) in rename.into_values().enumerate() {
            let plan = plans.entry(to).or_insert(if keep_others {
                Plan::Keep
            } else {
                Plan::Remove
            });
            if *plan == Plan::Keep {
                *plan = Plan::Taken(index);
            }
        }
        Ok(Self {
            named: plans.into_iter().collect(),
            keep_others,
            renames,
        })
    }

    /// A new object begins.
    pub(crate) fn begin(&mut self) {
        for rename in &mut self.renames {
            (rename.made, rename.taken) = (false, false);
        }
    }

    /// What becomes of the field of this name, given as JSON text with its quotes.
    pub(crate) fn fate(&mut self, name: &str) -> Fate<'_> {
        let plain = name
            .get(1..name.len().saturating_sub(1))
            .unwrap_or_default();
        let plan = if plain.contains('\\') {
            // Rare, so it may cost an allocation. The text has been checked, so it is a string.
            self.plan(&serde_json::from_str::<String>(name).unwrap_or_default())
        } else {
            self.plan(plain)
        };
        match plan {
            Plan::Keep => Fate::Keep,
            Plan::Remove => Fate::Remove,
            Plan::Taken(index) => {
                self.renames[index].taken = true;
                Fate::Keep
            }
            Plan::Rename(index) => {
                self.renames[index].made = true;
                Fate::Rename(&self.renames[index].to)
            }
        }
    }

    /// A name that the object at hand now has twice: one that was renamed to it, one of old.
    pub(crate) fn clash(&self) -> Option<&str> {
        let clash = self
            .renames
            .iter()
            .find(|rename| rename.made && rename.taken)?;
        Some(&clash.to)
    }

    fn plan(&self, name: &str) -> Plan {
        match self
            .named
            .binary_search_by(|(other, _)| other.as_str().cmp(name))
        {
            Ok(index) => self.named[index].1,
            Err(_) if self.keep_others => Plan::Keep,
            Err(_) => Plan::Remove,
        }
    }
}
