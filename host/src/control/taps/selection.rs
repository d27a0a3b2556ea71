//! What a tap wants to see.
//!
//! In: names and numbers, as people write them. Out: whether a stage, a verdict or a line is among them.
//! Pure. Not here: contents (`reader`).

use std::fmt;
use std::str::FromStr;

use linemill_config::Keyword as _;
use linemill_config::settings::{self, Networks};
use linemill_sandbox::chain::observation::LineVerdict;
use linemill_sandbox::chain::observer::Place;

/// What can be decided before a line is copied, and which verdicts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The only listener; `None`: all.
    pub listener: Option<String>,
    /// The only stage: the name of its filter, or its number in the chain; `None`: all.
    pub stage: Option<String>,
    /// The networks of clients; `None`: all clients.
    pub peer: Option<Networks>,
    /// Which of the lines.
    pub sample: Sample,
    /// Which verdicts.
    pub only: Only,
}

/// A share of all lines: 1/N.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample(u64);

/// A set of verdicts; all by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only(Option<Vec<LineVerdict>>);

/// The word for all verdicts but those by which a line continues as it was.
const CHANGED: &str = "changed";

impl Selection {
    /// Whether lines at `place` may be among those that it wants.
    pub fn covers(&self, place: &Place<'_>) -> bool {
        let peer = |networks: &Networks| {
            let peer = place.peer.map(|peer| peer.ip());
            peer.is_some_and(|peer| networks.contains(peer))
        };
        let listener = self.listener.is_none()
            || place
                .listener
                .is_some_and(|name| self.covers_listener(name));
        listener
            && self.covers_stage(place.position, place.filter)
            && self.peer.as_ref().is_none_or(peer)
    }

    /// Whether lines of this listener may be among those that it wants.
    pub fn covers_listener(&self, name: &str) -> bool {
        self.listener.as_deref().is_none_or(|only| only == name)
    }

    /// Whether the stage at this position, from 1, with this filter may be among those that it wants.
    pub fn covers_stage(&self, position: usize, filter: &str) -> bool {
        let is = |stage: &str| stage == filter || stage.parse() == Ok(position);
        self.stage.as_deref().is_none_or(is)
    }
}

/// The network that `text` names; a single address is a network, too.
///
/// # Errors
/// When it is neither an address nor a network.
pub fn network(text: &str) -> Result<Networks, String> {
    let network = settings::network(text)
        .ok_or("it is neither an IP address nor a network such as 10.0.0.0/8")?;
    Ok(Networks::new([network]))
}

// === impl Sample ===

impl Default for Sample {
    fn default() -> Self {
        Self(1)
    }
}

impl Sample {
    /// Whether the line of this number is taken.
    pub fn takes(self, number: u64) -> bool {
        number.is_multiple_of(self.0)
    }

    /// How many of `lines` lines are taken, whose first has the number `first`.
    pub fn count(self, first: u64, lines: u64) -> u64 {
        (first + lines).div_ceil(self.0) - first.div_ceil(self.0)
    }
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let every = text.strip_prefix("1/").and_then(|every| every.parse().ok());
        match every {
            Some(every) if every > 0 => Ok(Self(every)),
            _ => Err("it is not a share such as 1/100".to_owned()),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1/{}", self.0)
    }
}

// === impl Only ===

impl Only {
    /// Whether this verdict is among them.
    pub fn takes(&self, verdict: LineVerdict) -> bool {
        self.0
            .as_ref()
            .is_none_or(|verdicts| verdicts.contains(&verdict))
    }

    /// Whether lines that continue, changed or not, can be among them.
    pub fn plain(&self) -> bool {
        self.takes(LineVerdict::Passed) || self.takes(LineVerdict::Replaced)
    }

    /// The words that it takes, for messages.
    pub fn words() -> String {
        let verdicts = LineVerdict::KEYWORDS.iter().map(|(word, _)| *word);
        verdicts.chain([CHANGED]).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut verdicts = Vec::new();
        for word in text.split(',').map(str::trim) {
            let all = LineVerdict::KEYWORDS.iter();
            let before = verdicts.len();
            verdicts.extend(all.filter_map(|(name, verdict)| {
                let takes = *name == word || (word == CHANGED && verdict.is_change());
                takes.then_some(*verdict)
            }));
            if verdicts.len() == before {
                return Err(format!("`{word}` is not one of: {}", Self::words()));
            }
        }
        Ok(Self(Some(verdicts)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place<'static> = Place {
        listener: Some("web"),
        peer: None,
        reply: false,
        position: 2,
        filter: "redact",
    };

    fn selection(listener: Option<&str>, stage: Option<&str>) -> Selection {
        Selection {
            listener: listener.map(str::to_owned),
            stage: stage.map(str::to_owned),
            ..Selection::default()
        }
    }

    #[test]
    fn a_stage_has_a_name_and_a_number() {
        for (listener, stage, covers) in [
            (None, None, true),
            (Some("web"), None, true),
            (Some("other"), None, false),
            (Some("web"), Some("redact"), true),
            (Some("web"), Some("2"), true),
            (Some("web"), Some("1"), false),
            (Some("web"), Some("rot13"), false),
        ] {
            let covered = selection(listener, stage).covers(&PLACE);
            assert_eq!(covered, covers, "{listener:?} {stage:?}");
        }
    }

    #[test]
    fn clients_are_told_by_their_networks() {
        let covers = |network: &str, peer: Option<&str>| {
            let selection = Selection {
                peer: Some(super::network(network).expect("a network")),
                ..Selection::default()
            };
            let peer = peer.map(|peer| peer.parse().expect("an address"));
            selection.covers(&Place { peer, ..PLACE })
        };
        assert!(covers("192.0.2.0/24", Some("192.0.2.7:1")));
        assert!(covers("192.0.2.7", Some("[::ffff:192.0.2.7]:1")));
        assert!(!covers("192.0.2.7", Some("192.0.2.8:1")));
        assert!(!covers("0.0.0.0/0", None));
        assert!(network("192.0.2.7:80").is_err() && network("").is_err());
    }

    #[test]
    fn verdicts_are_words() {
        let only = |text: &str| text.parse::<Only>();
        let changed = only("changed").expect("a word");
        assert!(changed.takes(LineVerdict::Replaced) && changed.plain());
        assert!(!changed.takes(LineVerdict::Passed) && !changed.takes(LineVerdict::Bypassed));
        let some = only("dropped, failed").expect("words");
        assert!(some.takes(LineVerdict::Failed) && !some.plain());
        assert!(Only::default().takes(LineVerdict::Passed));
        let wrong = only("dropped,lost").expect_err("not a verdict");
        assert!(
            wrong.contains("`lost`") && wrong.contains("bypassed"),
            "{wrong}"
        );
    }

    proptest! {
        #[test]
        fn a_sample_counts_what_it_takes(every in 1u64..50, first in 0u64..1000, lines in 0u64..200) {
            let sample: Sample = format!("1/{every}").parse().expect("a share");
            let taken = (first..first + lines).filter(|number| sample.takes(*number)).count();
            prop_assert_eq!(sample.count(first, lines), taken as u64);
        }
    }

    #[test]
    fn a_share_is_one_of_so_many() {
        for wrong in ["1/0", "100", "2/3", "1/", "1/-1", ""] {
            assert!(wrong.parse::<Sample>().is_err(), "{wrong}");
        }
    }
}
