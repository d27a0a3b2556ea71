//! Table `log` of `[host]`.

use std::fmt;
use std::str::FromStr;

use crate::keys::keys;
use crate::keyword::Keyword;
use crate::kind::{Choice, LogLevels};
use crate::malformed::Malformed;

const HINT: &str = "write off, error, warn, info, debug or trace; or several of these for parts of the program, as \"warn,linemill=debug\"";

/// What the targets of the host's own messages begin with.
const OWN: &str = "linemill";
/// The crate that gets events of files.
const EVENTS: &str = "notify";

keys! {
    /// Table `log` of `[host]`: how the log is written, and what of it.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LogSettings: "`log`" {
        /// `"text"`: a line for people. `"json"`: an object per line, for programs.
        format: LogFormat = LogFormat::Text, Choice, Live;
        /// The least severe messages that are logged: `"off"`, `"error"`, `"warn"`, `"info"`,
        /// `"debug"` or `"trace"`. A level alone is for messages of linemill; those of its libraries
        /// are logged from `"warn"` on. `"warn,linemill=debug"` gives parts of the program levels of
        /// their own, as `TARGET=LEVEL`.
        level: LogFilter = LogFilter::of(LogLevel::Info), LogLevels, Live;
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object of JSON per line.
    Json,
}

impl Keyword for LogFormat {
    const KEYWORDS: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// How severe a message must be to be logged; from nothing to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing is logged.
    Off,
    /// Errors.
    Error,
    /// Warnings, too.
    Warn,
    /// What an operator wants to know, too.
    Info,
    /// Details, such as each connection.
    Debug,
    /// Everything.
    Trace,
}

impl Keyword for LogLevel {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("off", Self::Off),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

/// Which messages are logged: a level, or levels of parts of the program. Displays as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter {
    /// Never empty. Without a target: for all that have no level of their own.
    directives: Vec<(Option<String>, LogLevel)>,
}

impl LogFilter {
    /// A level for the messages of linemill.
    pub fn of(level: LogLevel) -> Self {
        Self {
            directives: vec![(None, level)],
        }
    }

    /// The level of each target; `None` is the level of all others. A target includes those that begin
    /// with it, unless they have a level of their own.
    pub fn levels(&self) -> Vec<(Option<&str>, LogLevel)> {
        if let [(None, level)] = self.directives[..] {
            // Messages of the compiler would drown the rest. Those of `notify` about watches that are gone
            // concern every file that is replaced.
            return vec![
                (None, level.min(LogLevel::Warn)),
                (Some(EVENTS), level.min(LogLevel::Error)),
                (Some(OWN), level),
            ];
        }
        let directives = self.directives.iter();
        directives
            .map(|(target, level)| (target.as_deref(), *level))
            .collect()
    }
}

impl FromStr for LogFilter {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let directives: Result<_, _> = text.split(',').map(directive).collect();
        Ok(Self {
            directives: directives?,
        })
    }
}

/// `LEVEL` or `TARGET=LEVEL`.
fn directive(text: &str) -> Result<(Option<String>, LogLevel), Malformed> {
    let wrong = |fault| Malformed { fault, hint: HINT };
    let (target, level) = match text.split_once('=') {
        Some((target, level)) => (Some(target.trim()), level),
        None => (None, text),
    };
    let level = level.trim();
    let known = LogLevel::KEYWORDS.iter();
    let mut known = known.filter(|(word, _)| word.eq_ignore_ascii_case(level));
    let Some((_, level)) = known.next() else {
        return Err(wrong(if text.contains(['[', ']', '{', '}']) {
            "selects spans, which is not supported"
        } else if text.trim().is_empty() {
            "lacks a level"
        } else {
            "is not a log level"
        }));
    };
    let is_target = |target: &str| {
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
        !target.is_empty() && target.chars().all(part)
    };
    if target.is_some_and(|target| !is_target(target)) {
        return Err(wrong("has a level for something that is not a target"));
    }
    Ok((target.map(str::to_owned), *level))
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (target, level)) in self.directives.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let level = level.keyword();
            match target {
                Some(target) => write!(f, "{comma}{target}={level}")?,
                None => write!(f, "{comma}{level}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LogLevel::{Debug, Error, Info, Off, Trace, Warn};

    fn levels(text: &str) -> Vec<(Option<String>, LogLevel)> {
        let filter: LogFilter = text.parse().expect(text);
        let levels = filter.levels().into_iter();
        levels
            .map(|(target, level)| (target.map(str::to_owned), level))
            .collect()
    }

    #[test]
    fn a_level_alone_is_for_the_host_itself() {
        let own = |all, own: LogLevel| {
            let [events, linemill] = ["notify", "linemill"].map(|name| Some(name.to_owned()));
            vec![(None, all), (events, own.min(Error)), (linemill, own)]
        };
        assert_eq!(levels("info"), own(Warn, Info));
        assert_eq!(levels("TRACE"), own(Warn, Trace));
        assert_eq!(levels("error"), own(Error, Error));
        assert_eq!(levels("off"), own(Off, Off));
    }

    #[test]
    fn parts_of_the_program_have_levels_of_their_own() {
        assert_eq!(
            levels("warn, linemill::sinks=debug"),
            [(None, Warn), (Some("linemill::sinks".to_owned()), Debug)]
        );
        assert_eq!(levels("hyper=info"), [(Some("hyper".to_owned()), Info)]);
        let filter: LogFilter = "Warn, linemill=DEBUG".parse().expect("valid");
        assert_eq!(filter.to_string(), "warn,linemill=debug");
    }

    #[test]
    fn what_is_not_a_level_is_refused() {
        for (text, fault) in [
            ("warning", "is not a log level"),
            ("verbose", "is not a log level"),
            ("linemill", "is not a log level"),
            ("linemill=loud", "is not a log level"),
            ("info,verbose", "is not a log level"),
            ("linemill=", "is not a log level"),
            ("", "lacks a level"),
            ("info,", "lacks a level"),
            ("=info", "has a level for something that is not a target"),
            ("a b=info", "has a level for something that is not a target"),
            (
                "linemill[a]=debug",
                "has a level for something that is not a target",
            ),
            (
                "[connection{peer=a}]",
                "selects spans, which is not supported",
            ),
        ] {
            let found = text.parse::<LogFilter>().map_err(|wrong| wrong.fault);
            assert_eq!(found, Err(fault), "{text}");
        }
    }
}
