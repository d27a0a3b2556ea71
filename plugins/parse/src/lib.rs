//! Parses lines of a known format into JSON objects, one per line.
//!
//! Values stay as they are written: a time is not converted, and numbers are text unless the settings say
//! otherwise. What a line lacks, its object lacks. A line that is not of the format fails, passes or is dropped.

mod about;
mod access;
mod csv;
mod expression;
mod format;
mod logfmt;
mod object;
mod pairs;
mod syslog;

use std::borrow::Cow;

use format::Format;
use linemill_sdk::{Error, Filter, Output, export};
use object::Object;
use serde::Deserialize;

/// Parses each line and writes it as an object.
pub struct Parse {
    format: Format,
    /// The name of the field that holds the line as it was.
    keep_original: Option<String>,
    otherwise: Otherwise,
    object: Object,
}

/// Whether a line was parsed, or why not.
type Parsed = Result<(), Cow<'static, str>>;

/// The settings. The README describes each key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    format: format::Name,
    columns: Option<Vec<String>>,
    delimiter: Option<String>,
    pattern: Option<String>,
    ignore_case: Option<bool>,
    #[serde(default)]
    numbers: Vec<String>,
    keep_original: Option<String>,
    #[serde(default)]
    otherwise: Otherwise,
}

/// What happens to a line that is not of the format.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Otherwise {
    #[default]
    Fail,
    Pass,
    Drop,
}

impl Filter for Parse {
    type Settings = Settings;

    fn new(mut settings: Settings) -> Result<Self, Error> {
        let format = Format::new(&mut settings)?;
        if let Some(fields) = format.fields() {
            let all = || fields.join("`, `");
            for (index, name) in settings.numbers.iter().enumerate() {
                if !fields.contains(&&**name) {
                    return Err(Error::setting(
                        format!("numbers[{index}]"),
                        format!("there is no field `{name}`; this format has `{}`", all()),
                    ));
                }
            }
            if let Some(name) = &settings.keep_original
                && fields.contains(&&**name)
            {
                return Err(Error::setting(
                    "keep_original",
                    format!(
                        "`{name}` is already a field of this format; it has `{}`",
                        all()
                    ),
                ));
            }
        }
        Ok(Self {
            format,
            keep_original: settings.keep_original,
            otherwise: settings.otherwise,
            object: Object::new(settings.numbers),
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        // JSON is UTF-8, so each invalid sequence becomes U+FFFD.
        let whole = String::from_utf8_lossy(line);
        let text = whole.strip_prefix('\u{FEFF}').unwrap_or(&whole);
        self.object.begin();
        let original = self.keep_original.as_deref();
        match self.format.parse(text, original, &mut self.object) {
            Ok(()) => {
                if let Some(name) = original {
                    self.object.name(name);
                    self.object.string(&whole);
                }
                out.emit(self.object.end());
            }
            Err(reason) => match self.otherwise {
                Otherwise::Fail => out.fail(reason.into_owned()),
                Otherwise::Pass => out.emit(line),
                Otherwise::Drop => {}
            },
        }
    }
}

export!(Parse: About);

#[cfg(test)]
mod tests;
