//! The query of `GET /tap`.
//!
//! In: the text behind `?`. Out: a [`TapQuery`], or which parameter is wrong. `linemill tap` writes it, and
//! anybody may. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::selection::{Selection, network};
use linemill_config::settings::When;

/// What a tap shows, and how long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TapQuery {
    /// What can be decided before a line is copied, and which verdicts.
    pub selection: Selection,
    /// Only lines whose content matches, before or after the stage.
    pub matches: Option<When>,
    /// Ends after this many lines.
    pub limit: Option<u64>,
    /// Ends after this time.
    pub time: Option<Duration>,
}

impl TapQuery {
    /// Reads a query.
    ///
    /// # Errors
    /// The parameter that is wrong, and why.
    pub fn parse(query: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = decoded(value).ok_or_else(|| format!("`{name}`: it is not UTF-8"))?;
            parsed
                .set(name, value)
                .map_err(|why| format!("`{name}`: {why}"))?;
        }
        Ok(parsed)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "listener" => self.selection.listener = Some(value),
            "stage" => self.selection.stage = Some(value),
            "peer" => self.selection.peer = Some(network(&value)?),
            "sample" => self.selection.sample = value.parse()?,
            "only" => self.selection.only = value.parse()?,
            "match" => {
                let matches = When::new(&value).map_err(|error| error.to_string())?;
                self.matches = Some(matches);
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| *limit > 0);
                self.limit = Some(limit.ok_or("it is not a number above 0")?);
            }
            "for" => self.time = Some(time(&value)?),
            _ => {
                return Err(
                    "there is no such parameter; known: listener, stage, peer, sample, only, match, limit, for"
                        .to_owned(),
                );
            }
        }
        Ok(())
    }
}

/// A time such as `30s`.
///
/// # Errors
/// When it is not a time above 0.
pub fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).ok();
    let time = time.filter(|time| !time.is_zero());
    time.ok_or_else(|| "it is not a time such as 30s or 5m".to_owned())
}

/// A query with these parameters.
pub fn encode<'a>(parameters: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        let separator = if query.is_empty() { "" } else { "&" };
        let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
        // Writing to a string does not fail.
        let _ = write!(query, "{separator}{name}={value}");
    }
    query
}

fn decoded(value: &str) -> Option<String> {
    let spaces = value.replace('+', " ");
    let decoded = percent_decode_str(&spaces).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_says_what_is_shown() {
        let query =
            "listener=web&stage=redact&only=dropped&sample=1/10&limit=5&for=30s&match=a%2Bb+c";
        let query = TapQuery::parse(query).expect("a query");
        assert_eq!(query.selection.listener.as_deref(), Some("web"));
        assert_eq!(query.selection.sample.to_string(), "1/10");
        assert_eq!(query.time, Some(Duration::from_secs(30)));
        assert_eq!(query.limit, Some(5));
        assert_eq!(query.matches, When::new("a+b c").ok());
        assert_eq!(TapQuery::parse(""), Ok(TapQuery::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, part) in [
            ("limit=0", "`limit`"),
            ("limit=-1", "`limit`"),
            ("for=soon", "30s"),
            ("for=0s", "30s"),
            ("match=(", "`match`"),
            ("match=%ff", "UTF-8"),
            ("sample=3", "1/100"),
            ("only=lost", "dropped"),
            ("peer=me", "10.0.0.0/8"),
            ("color=red", "known: listener"),
        ] {
            let error = TapQuery::parse(query).expect_err(query);
            assert!(error.contains(part), "{query}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(listener in any::<String>(), stage in any::<String>()) {
            let parameters = [("listener", listener.clone()), ("stage", stage.clone())];
            let query = TapQuery::parse(&encode(parameters)).expect("a query");
            prop_assert_eq!(query.selection.listener, Some(listener));
            prop_assert_eq!(query.selection.stage, Some(stage));
        }
    }
}
