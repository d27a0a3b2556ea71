//! Which lines belong to the same event.
//!
//! In: patterns from the settings, and lines one by one. Out: what each line does to the event that is under
//! way. Not here: the event's content, and when it is emitted (`event`).

use linemill_sdk::Error;
use pattern::{Options, Patterns};
use serde::Deserialize;

/// The patterns, as in the settings.
#[derive(Default)]
pub(crate) struct Texts {
    pub(crate) start: Option<String>,
    pub(crate) r#continue: Option<String>,
    pub(crate) end: Option<String>,
}

/// Patterns for the stack traces of a language.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Preset {
    Go,
    Java,
    Python,
}

/// Decides by patterns.
pub(crate) struct Rules {
    start: Option<Patterns>,
    r#continue: Option<Patterns>,
    end: Option<Patterns>,
}

/// What a line does to the event under way, and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// How the line relates to the event under way.
    pub(crate) place: Place,
    /// The event ends with this line.
    pub(crate) ends: bool,
}

/// Where a line belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// To the event under way.
    Inside,
    /// It begins an event. If one is under way, that one is over.
    Begins,
    /// To no event. If one is under way, it is over.
    Outside,
}

impl Rules {
    /// Compiles the patterns. An error names the key of the pattern that is not valid.
    pub(crate) fn new(texts: Texts) -> Result<Self, Error> {
        let compile = |key, text: Option<String>| {
            text.map(|text| Patterns::small(&[(key, text)], Options::default()))
                .transpose()
        };
        Ok(Self {
            start: compile("start", texts.start)?,
            r#continue: compile("continue", texts.r#continue)?,
            end: compile("end", texts.end)?,
        })
    }

    /// Places a line. `under_way` says whether an event is under way.
    pub(crate) fn place(&mut self, line: &[u8], under_way: bool) -> Step {
        let starts = self.start.as_mut().is_some_and(|start| start.matches(line));
        let place = if under_way && !starts && self.continues(line) {
            Place::Inside
        } else if starts || self.any_line_begins() {
            Place::Begins
        } else {
            Place::Outside
        };
        let ends =
            place != Place::Outside && self.end.as_mut().is_some_and(|end| end.matches(line));
        Step { place, ends }
    }

    /// Whether a line that does not begin an event continues the one under way.
    fn continues(&mut self, line: &[u8]) -> bool {
        self.r#continue
            .as_mut()
            .is_none_or(|inside| inside.matches(line))
    }

    /// Whether every line outside of events begins one. Without `start`, there is no other way to begin. With
    /// nothing but `start`, lines before the first match are the rest of an event that began earlier.
    fn any_line_begins(&self) -> bool {
        self.start.is_none() || (self.r#continue.is_none() && self.end.is_none())
    }
}

impl Preset {
    pub(crate) fn texts(self) -> Texts {
        let text = |pattern: &str| Some(pattern.to_owned());
        match self {
            // Blank lines, goroutines, calls, files behind a tab, and registers follow the message.
            Self::Go => Texts {
                start: text(r"^(?:panic: |fatal error: |SIG[A-Z]+: )|http: panic serving "),
                r#continue: text(
                    r"^(?:$|\t|goroutine |created by |\[signal |\.\.\.|exit status |[A-Za-z_][^ ]*\(.*\)$|r\w{1,5} +0x)",
                ),
                end: None,
            },
            // Frames are indented. The exception itself follows the line that reports it.
            Self::Java => Texts {
                start: None,
                r#continue: text(
                    r"^(?:[ \t]|Caused by: |Suppressed: |(?:[A-Za-z_$][\w$]*\.)+[\w$]*(?:Exception|Error|Throwable)\b)",
                ),
                end: None,
            },
            // Everything up to the first line of the exception itself, which is not indented.
            Self::Python => Texts {
                start: text(r"^Traceback \(most recent call last\):"),
                r#continue: None,
                end: text(r"^[A-Za-z_][\w.]*(?::|$)"),
            },
        }
    }
}
