//! The formats, by name.
//!
//! In: the settings, then lines. Out: the fields of each line, or why it is not of the format. Not here: the
//! grammar of each format.

use linemill_sdk::Error;
use serde::Deserialize;

use crate::csv::Csv;
use crate::expression::Expression;
use crate::object::Object;
use crate::pairs::Pairs;
use crate::syslog::{self, Dialect, Elements};
use crate::{Parsed, Settings, access, logfmt};

/// The value of `format`.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Name {
    Syslog,
    Syslog3164,
    Syslog5424,
    Logfmt,
    Csv,
    Common,
    Combined,
    Regex,
}

/// A format, with what it needs to parse a line.
pub(crate) enum Format {
    Syslog(Dialect, Elements),
    Logfmt(Pairs),
    Csv(Csv),
    Access { combined: bool },
    Regex(Expression),
}

impl Format {
    /// Takes the settings of the format.
    ///
    /// # Errors
    /// If one is missing, is invalid, or belongs to another format.
    pub(crate) fn new(settings: &mut Settings) -> Result<Self, Error> {
        let columns = settings.columns.take();
        let pattern = settings.pattern.take();
        let of_another = [
            ("columns", "csv", Name::Csv, columns.is_some()),
            ("delimiter", "csv", Name::Csv, settings.delimiter.is_some()),
            ("pattern", "regex", Name::Regex, pattern.is_some()),
            (
                "ignore_case",
                "regex",
                Name::Regex,
                settings.ignore_case.is_some(),
            ),
        ];
        for (key, format, name, is_set) in of_another {
            if is_set && settings.format != name {
                let problem = format!("only the format \"{format}\" has this key");
                return Err(Error::setting(key, problem));
            }
        }
        let syslog = |dialect| Self::Syslog(dialect, Elements::default());
        Ok(match settings.format {
            Name::Syslog => syslog(Dialect::Either),
            Name::Syslog3164 => syslog(Dialect::Rfc3164),
            Name::Syslog5424 => syslog(Dialect::Rfc5424),
            Name::Logfmt => Self::Logfmt(Pairs::default()),
            Name::Common => Self::Access { combined: false },
            Name::Combined => Self::Access { combined: true },
            Name::Csv => Self::Csv(Csv::new(columns, settings.delimiter.as_deref())?),
            Name::Regex => {
                let ignore_case = settings.ignore_case.unwrap_or(false);
                Self::Regex(Expression::new(pattern.as_deref(), ignore_case)?)
            }
        })
    }

    /// The fields that a line can have; `None` if it can have any.
    pub(crate) fn fields(&self) -> Option<Vec<&str>> {
        Some(match self {
            Self::Syslog(..) => syslog::FIELDS.to_vec(),
            Self::Logfmt(_) => return None,
            Self::Csv(csv) => csv.columns().collect(),
            Self::Access { combined: true } => access::FIELDS.to_vec(),
            Self::Access { combined: false } => access::FIELDS[..access::COMMON].to_vec(),
            Self::Regex(expression) => expression.fields().collect(),
        })
    }

    /// Writes the fields of a line, without a field named `omit`, which only a line of logfmt can have.
    pub(crate) fn parse(&mut self, line: &str, omit: Option<&str>, object: &mut Object) -> Parsed {
        match self {
            Self::Syslog(dialect, elements) => syslog::parse(line, *dialect, elements, object),
            Self::Logfmt(pairs) => logfmt::parse(line, omit, pairs, object),
            Self::Csv(csv) => csv.parse(line, object),
            Self::Access { combined } => access::parse(line, *combined, object),
            Self::Regex(expression) => expression.parse(line, object),
        }
    }
}
