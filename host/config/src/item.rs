//! Values as written, each with its place and a name for error messages.
//!
//! In: the tree of a TOML parser. Out: [`Item`] and [`Table`], which read a value of the requested
//! kind or return a [`Problem`]. Not here: which keys exist (see `tables`), which values they may
//! have (see `validate`).

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::checker::Checker;
use super::keyword::Keyword;
use super::malformed::Malformed;
use super::printable::quote;
use super::problem::Problem;
use super::suggest;
use super::units::Quantity;
use crate::problem::place::{Place, Places, Source};
use crate::substitute::is_substituted;

/// One value.
pub(super) struct Item<'a> {
    source: &'a Arc<Source>,
    value: &'a DeValue<'a>,
    /// Names the value in a sentence: "key `bind` of listener `rot13`".
    label: String,
    pub(super) place: Place,
}

/// One table.
pub(super) struct Table<'a> {
    source: &'a Arc<Source>,
    entries: &'a DeTable<'a>,
    /// Names the table in a sentence: "listener `rot13`".
    pub(super) name: String,
    pub(super) place: Place,
}

impl<'a> Item<'a> {
    /// The text between the quotes, or the value as it is written in the file. Never a value from outside
    /// the file: it may be secret.
    fn found(&self) -> String {
        match self.value {
            DeValue::String(_) if self.substituted().is_some() => quote(self.written()),
            DeValue::String(text) if text.is_empty() => "`\"\"`".to_owned(),
            DeValue::String(text) => quote(text),
            DeValue::Integer(number) => quote(&number.to_string()),
            DeValue::Float(number) => quote(number.as_str()),
            DeValue::Boolean(flag) => quote(&flag.to_string()),
            DeValue::Datetime(time) => quote(&time.to_string()),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }

    /// The value, if it comes from outside the file. It is always a text.
    fn substituted(&self) -> Option<&str> {
        self.value.as_str().filter(|_| is_substituted(&self.place))
    }

    /// What the file contains here, without the quotes.
    fn written(&self) -> &str {
        let written = self.place.text().unwrap_or_default();
        written.trim_matches(['"', '\''])
    }

    /// "LABEL: FOUND FAULT".
    pub(super) fn refuse(&self, fault: impl Display, hint: impl Into<String>) -> Problem {
        let mut fault = fault.to_string();
        if let Some(value) = self.substituted().filter(|value| !value.is_empty()) {
            fault = fault.replace(value, self.written());
        }
        self.place
            .problem(format!("{}: {} {fault}", self.label, self.found()), hint)
    }

    /// Like [`Self::refuse`], for the part of a text that is wrong, in bytes.
    pub(super) fn refuse_part(
        &self,
        part: Range<usize>,
        fault: impl Display,
        hint: impl Into<String>,
    ) -> Problem {
        let problem = self.refuse(fault, hint);
        match self.value {
            DeValue::String(text) => problem.at(&self.place.part(text, part)),
            _ => problem,
        }
    }

    /// "LABEL has no effect: WHY". `hint` says how to give it one.
    pub(super) fn vain(&self, why: impl Display, hint: impl Display) -> Problem {
        self.place.problem(
            format!("{} has no effect: {why}", self.label),
            format!("{hint}, or leave this out"),
        )
    }

    /// The tree itself.
    pub(super) fn value(&self) -> &'a DeValue<'a> {
        self.value
    }

    /// An item inside this one; `label` names it.
    pub(super) fn inner(&self, value: &'a toml::Spanned<DeValue<'a>>, label: String) -> Self {
        let place = Place::new(self.source, value.span());
        Self {
            source: self.source,
            value: value.get_ref(),
            label,
            place,
        }
    }

    /// The place of a key of this table.
    pub(super) fn place_of_key(&self, key: &toml::Spanned<toml::de::DeString<'_>>) -> Place {
        Place::new(self.source, key.span())
    }

    /// A text that is not empty.
    pub(super) fn text(&self) -> Result<&'a str, Problem> {
        match self.value {
            DeValue::String(text) if text.is_empty() => {
                Err(self.refuse("is empty", "write something between the quotes"))
            }
            DeValue::String(text) => Ok(text),
            _ => Err(self.refuse("is not a text", "put it in double quotes")),
        }
    }

    /// A text of a form of its own.
    pub(super) fn parsed<T: FromStr<Err = Malformed>>(&self) -> Result<T, Problem> {
        self.text()?
            .parse()
            .map_err(|Malformed { fault, hint }| self.refuse(fault, hint))
    }

    /// Yes or no.
    pub(super) fn flag(&self) -> Result<bool, Problem> {
        let wrong = || {
            self.refuse(
                "is neither true nor false",
                "write true or false, without quotes",
            )
        };
        let flag = match self.substituted() {
            Some(text) => text.parse().ok(),
            None => self.value.as_bool(),
        };
        flag.ok_or_else(wrong)
    }

    /// One of several words.
    pub(super) fn choice<T: Keyword>(&self) -> Result<T, Problem> {
        let words: Vec<&str> = T::KEYWORDS.iter().map(|(word, _)| *word).collect();
        let text = self.value.as_str().unwrap_or_default();
        let choice = T::KEYWORDS.iter().find(|(word, _)| *word == text);
        let wrong = || {
            self.refuse(
                "is not one of the choices",
                suggest::hint(text, "choices", &words),
            )
        };
        choice.map(|(_, choice)| *choice).ok_or_else(wrong)
    }

    /// A whole number within `range`.
    pub(super) fn whole(&self, range: RangeInclusive<u64>) -> Result<u64, Problem> {
        let hint = format!(
            "write a whole number from {} to {}, without quotes",
            range.start(),
            range.end()
        );
        // `Some(None)`: more than 64 bits, or less than 0.
        let number = match (self.value, self.substituted()) {
            (_, Some(text)) => text.parse().ok().map(Some),
            (DeValue::Integer(number), _) => {
                Some(u64::from_str_radix(number.as_str(), number.radix()).ok())
            }
            _ => None,
        };
        let Some(number) = number else {
            let fault = if self.value.is_str() {
                "is a text, not"
            } else {
                "is not"
            };
            return Err(self.refuse(format_args!("{fault} a whole number"), hint));
        };
        let number = number.filter(|number| range.contains(number));
        number.ok_or_else(|| self.refuse("is out of range", hint))
    }

    /// A size or a time within `range`, both in the smallest unit.
    pub(super) fn quantity(
        &self,
        of: &Quantity,
        range: RangeInclusive<u64>,
    ) -> Result<u64, Problem> {
        let noun = of.noun;
        let (least, most) = (of.show(*range.start()), of.show(*range.end()));
        // Shows the right form with what the user most likely meant, if that is in range.
        let malformed = |fault: &str, text: &str| {
            let meant = of.meant(text).into_iter().chain([of.example.to_owned()]);
            let fits = |text: &String| of.read(text).is_some_and(|value| range.contains(&value));
            let example = meant
                .into_iter()
                .find(fits)
                .unwrap_or_else(|| least.clone());
            let units = of.names();
            self.refuse(
                fault,
                format!("write a whole number with {units}, such as \"{example}\""),
            )
        };
        match self.value {
            DeValue::Integer(number) if number.radix() == 10 => Err(malformed(
                &format!("is a number without a unit, not a {noun}"),
                number.as_str(),
            )),
            DeValue::String(text) => match of.read(text) {
                None => Err(malformed(&format!("is not a {noun}"), text)),
                Some(value) if range.contains(&value) => Ok(value),
                Some(value) => {
                    let fault = if value < *range.start() {
                        format!("is less than the smallest {noun} allowed, {least}")
                    } else {
                        format!("is more than the largest {noun} allowed, {most}")
                    };
                    Err(self.refuse(
                        fault,
                        format!("write a {noun} from \"{least}\" to \"{most}\""),
                    ))
                }
            },
            _ => Err(malformed(&format!("is not a {noun}"), "")),
        }
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// The items of a list.
    pub(super) fn list(&self) -> Result<Vec<Self>, Problem> {
        let DeValue::Array(items) = self.value else {
            return Err(self.refuse(
                "is not a list",
                "put it in square brackets, items separated by commas",
            ));
        };
        let inner =
            |(index, item)| self.inner(item, format!("item {} of {}", index + 1, self.label));
        Ok(items.iter().enumerate().map(inner).collect())
    }

    /// The item as a table called `name`. `right` is what to write instead if it is not a table.
    pub(super) fn table(&self, name: String, right: &str) -> Result<Table<'a>, Problem> {
        match self.value {
            DeValue::Table(entries) => Ok(Table {
                source: self.source,
                entries,
                name,
                place: self.place.clone(),
            }),
            _ => Err(self.refuse("is not a table", right)),
        }
    }

    /// The item as a table named after its key. `right` is what to write instead.
    pub(super) fn own_table(&self, right: &str) -> Result<Table<'a>, Problem> {
        self.table(self.name().to_owned(), right)
    }

    /// Names the value's key: "`chain` of listener `rot13`".
    pub(super) fn name(&self) -> &str {
        self.label.strip_prefix("key ").unwrap_or(&self.label)
    }

    /// Names the table that the value's key belongs to: "listener `rot13`".
    pub(super) fn owner(&self) -> &str {
        let parts = self.label.split_once("` of ");
        parts.map_or(&self.label, |(_, owner)| owner)
    }
}

impl<'a> Table<'a> {
    /// A whole file as a table.
    pub(super) fn root(source: &'a Arc<Source>, entries: &'a DeTable<'a>) -> Self {
        Self {
            source,
            entries,
            name: "the file".to_owned(),
            place: Place::file(&source.path),
        }
    }

    /// Whether the table has a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of a key.
    pub(super) fn item(&self, key: &str) -> Option<Item<'a>> {
        let value = self.entries.get(key)?;
        let place = Place::new(self.source, value.span());
        let label = format!("key `{key}` of {}", self.name);
        Some(Item {
            source: self.source,
            value: value.get_ref(),
            label,
            place,
        })
    }

    /// The places of the table and of those `keys` that it has.
    pub(super) fn places(&self, keys: &[&'static str]) -> Places {
        let mut places = Places::new(self.place.clone());
        for key in keys {
            if let Some(value) = self.entries.get(*key) {
                places.set(key, Place::new(self.source, value.span()));
            }
        }
        places
    }

    /// The problem that a required key is missing.
    pub(super) fn lacks(&self, key: &str, right: &str) -> Problem {
        self.place
            .problem(format!("key `{key}` of {} is missing", self.name), right)
    }

    /// Each key with its place and value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, Place, Item<'a>)> {
        self.entries.iter().map(|(key, value)| {
            let name: &'a str = key.get_ref();
            let label = format!("key {} of {}", quote(name), self.name);
            let item = Item {
                source: self.source,
                value: value.get_ref(),
                label,
                place: Place::new(self.source, value.span()),
            };
            (name, Place::new(self.source, key.span()), item)
        })
    }

    /// Reports every key that is not `known`. The hint names the table that has such a key, if
    /// there is one.
    pub(super) fn refuse_unknown(&self, known: &[&str], checker: &mut Checker<'_>) {
        for (name, place, _) in self.iter().filter(|(name, ..)| !known.contains(name)) {
            let hint = match checker.table_of(name) {
                Some(table) => format!("`{name}` is a key of {table}; it is unknown here"),
                None => suggest::hint(name, "known keys", known),
            };
            checker.problems.push(place.problem(
                format!("unknown key {} of {}", quote(name), self.name),
                hint,
            ));
        }
    }
}
