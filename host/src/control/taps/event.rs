//! What a tap writes: one JSON object per line.
//!
//! In: lines at stages, and what happens to the tap. Out: [`Event`]s, as the host writes them and
//! `linemill tap` reads them.

use std::borrow::Cow;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use humantime::format_rfc3339_micros;
use serde::{Deserialize, Serialize};

use linemill_config::Keyword as _;
use linemill_sandbox::chain::observation::{LineVerdict, Observation, ObservedLine};

/// Longest content that is shown; the rest is cut off.
const LONGEST: usize = 64 << 10;

/// One line of a tap's output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Event<'a> {
    /// The first: what is tapped.
    Tap {
        /// The version of the host.
        version: Cow<'a, str>,
        /// The generation in force.
        generation: u64,
        /// The stages in force that the tap covers.
        stages: Vec<Stage>,
    },
    /// A line at a stage.
    #[serde(borrow)]
    Line(Box<Line<'a>>),
    /// Another generation is in force.
    Generation {
        /// Its number.
        generation: u64,
        /// The stages in force that the tap covers.
        stages: Vec<Stage>,
    },
    /// Lines that the tap has not looked at, because its reader was too slow.
    Missed {
        /// How many since the last such event.
        lines: u64,
    },
    /// The last.
    End {
        /// Why the tap ends.
        reason: Cow<'a, str>,
        /// Lines shown.
        shown: u64,
        /// Lines that it has not looked at.
        missed: u64,
    },
}

/// A stage of a chain in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The listener.
    pub listener: String,
    /// `forward`, or `reply` for the chain for answers of an upstream.
    pub direction: Cow<'static, str>,
    /// The filter; `None` stands for a chain without stages.
    pub stage: Option<String>,
    /// The position in the chain, from 1.
    pub position: usize,
    /// Whether the filter keeps state, so that what it does with a line depends on earlier ones.
    pub keeps_state: bool,
}

/// A line at a stage.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line<'a> {
    /// When it reached the stage.
    pub time: Cow<'a, str>,
    /// The listener.
    pub listener: Option<Cow<'a, str>>,
    /// The client, if it has an address.
    pub peer: Option<Cow<'a, str>>,
    /// As in [`Stage`].
    pub direction: Cow<'a, str>,
    /// As in [`Stage`].
    pub stage: Option<Cow<'a, str>>,
    /// As in [`Stage`].
    pub position: usize,
    /// The generation of the stage.
    pub generation: u64,
    /// `live`, `canary` or `shadow`.
    pub version: Cow<'a, str>,
    /// What became of the line.
    pub verdict: Cow<'a, str>,
    /// What went in; `None` for a line that the filter held back.
    pub before: Option<Content<'a>>,
    /// What continued through the chain.
    pub after: Vec<Content<'a>>,
    /// What left it by routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routed: Vec<Routed<'a>>,
    /// Why the line failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure<'a>>,
}

/// The content of a line: `text`, or `base64` if it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content<'a> {
    /// The content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    /// The content, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Bytes of the whole content, if only its start is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_from: Option<usize>,
}

/// A line that left the chain by a route.
#[derive(Debug, Serialize, Deserialize)]
pub struct Routed<'a> {
    /// The route.
    pub route: Cow<'a, str>,
    /// The content.
    #[serde(flatten)]
    pub content: Content<'a>,
}

/// Why a line failed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failure<'a> {
    /// The kind, as in metrics.
    pub kind: Cow<'a, str>,
    /// The reason.
    pub reason: Cow<'a, str>,
    /// What followed.
    pub on_error: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// A line of an observation.
    pub fn line(observation: &'a Observation, line: &ObservedLine<'a>) -> Self {
        let failure = line.failure.as_ref().map(|(kind, reason)| Failure {
            kind: kind.label().into(),
            reason: reason.to_string().into(),
            on_error: observation.on_error.keyword().into(),
        });
        let routed = line.routed().iter().map(|(content, route)| Routed {
            route: (*route).into(),
            content: Content::of(content),
        });
        Self::Line(Box::new(Line {
            time: format_rfc3339_micros(observation.time).to_string().into(),
            listener: observation.listener.as_deref().map(Cow::Borrowed),
            peer: observation.peer.map(|peer| peer.to_string().into()),
            direction: direction(observation.reply).into(),
            stage: (observation.position > 0).then(|| (&*observation.filter).into()),
            position: observation.position,
            generation: observation.generation,
            version: observation.version.name().into(),
            verdict: line.verdict.keyword().into(),
            before: line.before.map(Content::of),
            after: line.after().map(Content::of).collect(),
            routed: routed.collect(),
            failure,
        }))
    }
}

impl Line<'_> {
    /// What became of the line; `None` if the host has verdicts that are not known here.
    pub fn verdict(&self) -> Option<LineVerdict> {
        let mut all = LineVerdict::KEYWORDS.iter();
        all.find_map(|(word, verdict)| (*word == self.verdict).then_some(*verdict))
    }
}

/// The name of the direction of a chain.
pub(crate) fn direction(reply: bool) -> &'static str {
    if reply { "reply" } else { "forward" }
}

impl<'a> Content<'a> {
    /// That of these bytes.
    pub fn of(content: &'a [u8]) -> Self {
        let shown = &content[..content.len().min(LONGEST)];
        let cut_from = (shown.len() < content.len()).then_some(content.len());
        let text = match std::str::from_utf8(shown) {
            Ok(text) => Some(text),
            // The cut may be inside a character.
            Err(error) if cut_from.is_some() && error.error_len().is_none() => {
                std::str::from_utf8(&shown[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        Self {
            base64: text.is_none().then(|| BASE64_STANDARD.encode(shown)),
            text: text.map(Cow::Borrowed),
            cut_from,
        }
    }

    /// The bytes that are here; `None` if it is not valid.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        match (&self.text, &self.base64) {
            (Some(text), None) => Some(Cow::Borrowed(text.as_bytes())),
            (None, Some(base64)) => Some(Cow::Owned(BASE64_STANDARD.decode(base64).ok()?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_or_base64() {
        for content in [&b"plain"[..], b"", b"a\xffb", "é\u{1b}".as_bytes(), b"\0"] {
            let shown = Content::of(content);
            assert_eq!(shown.text.is_some(), std::str::from_utf8(content).is_ok());
            assert_eq!(shown.bytes().expect("valid").as_ref(), content);
            let json = serde_json::to_string(&shown).expect("JSON");
            let read: Content<'_> = serde_json::from_str(&json).expect("JSON");
            assert_eq!(read, shown, "{json}");
        }
    }

    #[test]
    fn long_contents_are_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        let content = [b"a", long.as_bytes()].concat();
        let shown = Content::of(&content);
        assert_eq!(shown.cut_from, Some(content.len()));
        assert_eq!(shown.text.map(|text| text.len()), Some(LONGEST - 1));
        let bytes = vec![0xff; LONGEST + 1];
        let shown = Content::of(&bytes);
        assert_eq!(shown.bytes().expect("valid").len(), LONGEST);
    }
}
