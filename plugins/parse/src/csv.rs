//! CSV as in RFC 4180, where a line is a record.
//!
//! In: a line. Out: a field for each column. Not here: the names of the columns, which the settings give.

use std::borrow::Cow;

use linemill_sdk::Error;
use memchr::memchr;

use crate::Parsed;
use crate::object::Object;

/// The columns of a record.
pub(crate) struct Csv {
    columns: Vec<String>,
    delimiter: char,
    /// A field whose doubled quotes were replaced.
    text: String,
}

impl Csv {
    pub(crate) fn new(
        columns: Option<Vec<String>>,
        delimiter: Option<&str>,
    ) -> Result<Self, Error> {
        let columns = columns.unwrap_or_default();
        if columns.is_empty() {
            return Err(Error::setting(
                "columns",
                "needs the name of each column, such as [\"time\", \"level\"]",
            ));
        }
        for (index, column) in columns.iter().enumerate() {
            if columns[..index].contains(column) {
                let key = format!("columns[{index}]");
                return Err(Error::setting(
                    key,
                    format!("`{column}` is already a column"),
                ));
            }
        }
        let mut characters = delimiter.unwrap_or(",").chars();
        let delimiter = match (characters.next(), characters.next()) {
            (Some(delimiter), None) if !"\"\r\n".contains(delimiter) => delimiter,
            _ => {
                return Err(Error::setting(
                    "delimiter",
                    "must be one character, such as \";\", and neither a quote nor a line ending",
                ));
            }
        };
        Ok(Self {
            columns,
            delimiter,
            text: String::new(),
        })
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    pub(crate) fn parse(&mut self, line: &str, object: &mut Object) -> Parsed {
        let mut rest = Some(line);
        let mut fields = 0;
        while let Some(from) = rest {
            let column = self.columns.get(fields);
            fields += 1;
            let plain;
            (plain, rest) = match from.strip_prefix('"') {
                Some(from) => quoted(from, self.delimiter, &mut self.text)?,
                None => match from.split_once(self.delimiter) {
                    Some((value, rest)) => (Some(value), Some(rest)),
                    None => (Some(from), None),
                },
            };
            if let Some(column) = column {
                object.name(column);
                object.value(column, plain.unwrap_or(&self.text));
            }
        }
        if fields == self.columns.len() {
            Ok(())
        } else {
            let plural = if fields == 1 { "" } else { "s" };
            let columns = self.columns.len();
            Err(format!("the line has {fields} field{plural}, but `columns` has {columns}").into())
        }
    }
}

/// A field after its opening quote, and what follows it. If the field contains quotes, it is `None` and in
/// `text` instead.
fn quoted<'a>(
    from: &'a str,
    delimiter: char,
    text: &mut String,
) -> Result<(Option<&'a str>, Option<&'a str>), Cow<'static, str>> {
    text.clear();
    let mut rest = from;
    let last = loop {
        let end = memchr(b'"', rest.as_bytes()).ok_or("not CSV: a quote is not closed")?;
        let (part, after) = (&rest[..end], &rest[end + 1..]);
        match after.strip_prefix('"') {
            Some(after) => {
                text.push_str(part);
                text.push('"');
                rest = after;
            }
            None => {
                rest = after;
                break part;
            }
        }
    };
    let after = match rest.strip_prefix(delimiter) {
        Some(after) => Some(after),
        None if rest.is_empty() => None,
        None => return Err("not CSV: text after a closing quote".into()),
    };
    if text.is_empty() {
        return Ok((Some(last), after));
    }
    text.push_str(last);
    Ok((None, after))
}
