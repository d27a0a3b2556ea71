//! An observation: what a stage did with the lines of a batch.
//!
//! In: copies of the lines that went in, and of the verdicts on them. Out: for each line what it was, what
//! it became, and why. Pure.
//! Not here: who observes (`observer`), which lines somebody wants to see.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use super::observer::Place;
use crate::FaultKind;
use crate::verdict::routed_lines::{HeldLines, RoutedLines};
use crate::verdict::{Close, Failed, Verdicts};
use linemill_config::Keyword;
use linemill_config::settings::OnError;
use linemill_framing::Lines;

#[cfg(test)]
mod tests;

/// What a stage did with the lines of a batch.
#[derive(Debug, Clone)]
pub struct Observation {
    /// When the lines reached the stage.
    pub time: SystemTime,
    /// The listener that accepted the connection.
    pub listener: Option<String>,
    /// The client's address, if it has one.
    pub peer: Option<SocketAddr>,
    /// Whether the chain is for answers of an upstream.
    pub reply: bool,
    /// The position of the stage in its chain, from 1; 0 in a chain without stages.
    pub position: usize,
    /// The name of the filter; empty in a chain without stages.
    pub filter: String,
    /// Which version of the filter it was.
    pub version: Version,
    /// The generation of the stage.
    pub generation: u64,
    /// What happens to a line that fails.
    pub on_error: OnError,
    pub(super) before: Lines,
    pub(super) after: Lines,
    /// As in [`Verdicts`].
    pub(super) counts: Vec<u32>,
    pub(super) routed: RoutedLines,
    /// The names of the routes that `routed` refers to.
    pub(super) routes: Vec<Arc<str>>,
    pub(super) failed: Vec<Failed>,
    pub(super) close: Option<Close>,
    /// If set, lines outside these runs went past the filter.
    pub(super) picked: Option<Vec<(usize, usize)>>,
    /// Lines that were held back and have failed, with their reasons.
    pub(super) failed_held: Vec<(Failed, Vec<u8>)>,
    /// `after` and `routed` were held back until the stream ended.
    pub(super) is_held: bool,
}

/// Which version of a filter ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The filter itself.
    Live,
    /// The canary, for a connection that takes part in the trial.
    Canary,
    /// The shadow: its output goes nowhere.
    Shadow,
}

/// What became of a line at a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineVerdict {
    /// It continued as it was.
    Passed,
    /// It continued with another content.
    Replaced,
    /// The filter dropped it.
    Dropped,
    /// It became several lines.
    Split,
    /// It failed, and `on_error` was applied.
    Failed,
    /// It left the chain by a route.
    Routed,
    /// The filter closed the connection at this line.
    Closed,
    /// The condition of the stage kept it from the filter, and it continued as it was.
    Bypassed,
    /// The filter had held it back until the stream ended.
    Held,
    /// It is lost, because the connection closes at an earlier line of the batch, or because the host could
    /// not run the filter.
    Cut,
}

impl Keyword for LineVerdict {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("passed", Self::Passed),
        ("replaced", Self::Replaced),
        ("dropped", Self::Dropped),
        ("split", Self::Split),
        ("failed", Self::Failed),
        ("routed", Self::Routed),
        ("closed", Self::Closed),
        ("bypassed", Self::Bypassed),
        ("held", Self::Held),
        ("cut", Self::Cut),
    ];
}

/// A line at a stage.
#[derive(Debug, Clone)]
pub struct ObservedLine<'a> {
    /// The content that went in; `None` if the line was held back.
    pub before: Option<&'a [u8]>,
    /// What became of it.
    pub verdict: LineVerdict,
    /// The kind of failure, and the reason.
    pub failure: Option<(FaultKind, Cow<'a, str>)>,
    observation: &'a Observation,
    /// The lines of `after` that it became.
    after: Range<usize>,
    routed: Vec<(&'a [u8], &'a str)>,
}

impl Version {
    /// The version whose filter has this name.
    pub(super) fn of(name: &str) -> Self {
        match name.split_once('@') {
            Some((_, "canary")) => Self::Canary,
            Some((_, "shadow")) => Self::Shadow,
            _ => Self::Live,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Canary => "canary",
            Self::Shadow => "shadow",
        }
    }
}

impl LineVerdict {
    /// Whether the line did not continue as it was.
    pub fn is_change(self) -> bool {
        !matches!(self, Self::Passed | Self::Bypassed)
    }
}

impl Observation {
    /// An observation at `place`, now, without lines.
    pub(super) fn at(place: &Place<'_>, generation: u64) -> Self {
        Self {
            time: SystemTime::now(),
            listener: place.listener.map(str::to_owned),
            peer: place.peer,
            reply: place.reply,
            position: place.position,
            filter: place.filter.to_owned(),
            version: Version::Live,
            generation,
            on_error: OnError::Pass,
            before: Lines::default(),
            after: Lines::default(),
            counts: Vec::new(),
            routed: RoutedLines::default(),
            routes: Vec::new(),
            failed: Vec::new(),
            close: None,
            picked: None,
            failed_held: Vec::new(),
            is_held: false,
        }
    }

    /// Adds what the stage did with `before`.
    pub(super) fn judge(&mut self, verdicts: &Verdicts, routes: &[Arc<str>]) {
        self.after = verdicts.lines.clone();
        self.counts.clone_from(&verdicts.counts);
        self.routed = verdicts.routed.clone();
        self.failed.clone_from(&verdicts.failed);
        self.close = verdicts.close;
        if !self.routed.is_empty() {
            self.routes = routes.to_vec();
        }
    }

    /// Adds what the stage held back.
    pub(super) fn hold(&mut self, held: &HeldLines, routes: &[Arc<str>]) {
        self.is_held = true;
        self.after = held.lines.clone();
        self.routed = held.routed.clone();
        self.failed_held.clone_from(&held.failed);
        if !self.routed.is_empty() {
            self.routes = routes.to_vec();
        }
    }

    /// How many lines it is about.
    pub fn len(&self) -> usize {
        if self.is_held {
            self.after.len() + self.routed.len() + self.failed_held.len()
        } else {
            self.before.len()
        }
    }

    /// Whether it is about no lines.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every line continued, either as it was or with another content.
    pub fn is_plain(&self) -> bool {
        self.counts.is_empty()
            && self.failed.is_empty()
            && self.routed.is_empty()
            && self.close.is_none()
            && self.picked.is_none()
            && !self.is_held
    }

    /// Bytes of memory that it takes, about.
    pub fn size(&self) -> usize {
        let lines = |lines: &Lines| lines.bytes().len() + 4 * lines.spans().len();
        let failed = |failed: &Failed| failed.reason.len() + size_of::<Failed>();
        let held = self.failed_held.iter();
        size_of::<Self>()
            + lines(&self.before)
            + lines(&self.after)
            + 4 * self.counts.len()
            + self.routed.size()
            + self.failed.iter().map(failed).sum::<usize>()
            + held
                .map(|(why, line)| failed(why) + line.len())
                .sum::<usize>()
    }

    /// The lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = ObservedLine<'_>> {
        let (mut from, mut failed, mut runs) = (0, 0, 0);
        let input =
            (0..self.before.len()).map(move |at| self.line(at, &mut from, &mut failed, &mut runs));
        let held = if self.is_held {
            self.held()
        } else {
            Vec::new()
        };
        input.chain(held)
    }

    /// The line at index `at` of `before`. `from` is the first line of `after` that is not an earlier
    /// line's; `failed` and `runs` count the failures and runs that are over.
    fn line(
        &self,
        at: usize,
        from: &mut usize,
        failed: &mut usize,
        runs: &mut usize,
    ) -> ObservedLine<'_> {
        let before = self.before.content(at);
        let count = match self.counts.get(at) {
            Some(count) => *count as usize,
            None => usize::from(self.counts.is_empty()),
        };
        let after = *from..(*from + count).min(self.after.len());
        *from = after.end;
        let line = |verdict| ObservedLine {
            before: Some(before),
            verdict,
            failure: None,
            observation: self,
            after: after.clone(),
            routed: Vec::new(),
        };
        // Lines from here on got no verdict.
        let judged = match (self.close, self.counts.len()) {
            (_, 0) => usize::MAX,
            (Some(Close::Host), judged) => judged - 1,
            (_, judged) => judged,
        };
        if at >= judged {
            return line(LineVerdict::Cut);
        }
        if let Some(picked) = &self.picked {
            while picked.get(*runs).is_some_and(|(_, to)| *to <= at) {
                *runs += 1;
            }
            if picked.get(*runs).is_none_or(|(start, _)| at < *start) {
                return line(LineVerdict::Bypassed);
            }
        }
        if let Some(why) = self.failed.get(*failed).filter(|why| why.line == at) {
            *failed += 1;
            return ObservedLine {
                failure: Some((why.kind, Cow::Borrowed(&why.reason))),
                ..line(LineVerdict::Failed)
            };
        }
        if !self.routed.is_empty() {
            let routed = self.routed.of_input(at);
            let routed: Vec<_> = routed
                .map(|(content, route)| (content, self.route(route)))
                .collect();
            if !routed.is_empty() {
                return ObservedLine {
                    routed,
                    ..line(LineVerdict::Routed)
                };
            }
        }
        if self.close == Some(Close::Verdict) && at + 1 == self.counts.len() {
            return line(LineVerdict::Closed);
        }
        match after.len() {
            0 => line(LineVerdict::Dropped),
            1 if self.after.content(after.start) == before => line(LineVerdict::Passed),
            1 => line(LineVerdict::Replaced),
            _ => line(LineVerdict::Split),
        }
    }

    /// The lines that were held back.
    fn held(&self) -> Vec<ObservedLine<'_>> {
        let line = |verdict, after, routed, failure| ObservedLine {
            before: None,
            verdict,
            failure,
            observation: self,
            after,
            routed,
        };
        let mut lines = Vec::new();
        for at in 0..=self.after.len() {
            for (content, route) in self.routed.of_input(at) {
                let routed = vec![(content, self.route(route))];
                lines.push(line(LineVerdict::Routed, 0..0, routed, None));
            }
            if at < self.after.len() {
                lines.push(line(LineVerdict::Held, at..at + 1, Vec::new(), None));
            }
        }
        for (why, content) in &self.failed_held {
            let failure = Some((why.kind, Cow::Borrowed(&*why.reason)));
            lines.push(ObservedLine {
                before: Some(content),
                ..line(LineVerdict::Failed, 0..0, Vec::new(), failure)
            });
        }
        lines
    }

    fn route(&self, index: u32) -> &str {
        self.routes.get(index as usize).map_or("", |name| name)
    }
}

impl<'a> ObservedLine<'a> {
    /// The contents that continued.
    pub fn after(&self) -> impl Iterator<Item = &'a [u8]> {
        let observation = self.observation;
        self.after
            .clone()
            .map(move |at| observation.after.content(at))
    }

    /// The contents that left by a route, each with its route.
    pub fn routed(&self) -> &[(&'a [u8], &'a str)] {
        &self.routed
    }
}
