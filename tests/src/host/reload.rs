//! Reloads on request, and their results.
//!
//! In: the files of the host, written beforehand. Out: the result of `POST /reload`, and counts of
//! earlier results. Not here: what a reload changes.

use super::Host;
use crate::{Response, eventually};

/// Counts reloads, by result.
const RELOADS: &str = "linemill_reloads_total";

/// The outcome of a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A new generation is in force.
    Applied,
    /// The configuration equals the one in force.
    Unchanged,
    /// The configuration is invalid; the generation in force stays.
    Refused,
}

/// The result of a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reload {
    /// The outcome.
    pub outcome: Outcome,
    /// The generation in force after it.
    pub generation: u64,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Applied, Self::Unchanged, Self::Refused];

    /// Its name in metrics and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

impl Host {
    /// Reloads, and waits for the result. If the host's file watcher was faster, the result is
    /// [`Outcome::Unchanged`].
    #[track_caller]
    pub fn reload(&self) -> Reload {
        read(&self.post("/reload"))
    }

    /// Number of reloads with this outcome so far.
    #[track_caller]
    pub fn reloads(&self, outcome: Outcome) -> u64 {
        self.metric(RELOADS, &[("result", outcome.name())]) as u64
    }

    /// Waits until a generation after number `before` is in force.
    #[track_caller]
    pub fn wait_swap(&self, before: u64) {
        eventually("a new generation", || {
            (self.generation() > before).then_some(())
        });
    }

    /// Replaces the configuration, sends SIGHUP, and waits until it is in force.
    #[cfg(unix)]
    #[track_caller]
    pub fn swap(&self, config: impl AsRef<str>) {
        let before = self.generation();
        self.replace_config(config);
        self.hang_up();
        self.wait_swap(before);
    }

    /// The number of the generation in force.
    #[track_caller]
    pub fn generation(&self) -> u64 {
        self.metric("linemill_generation", &[]) as u64
    }
}

#[track_caller]
fn read(answer: &Response) -> Reload {
    let body = answer.json();
    let outcome = Outcome::ALL
        .into_iter()
        .find(|outcome| body["result"] == outcome.name())
        .unwrap_or_else(|| panic!("no result in {answer:?}"));
    let status = if outcome == Outcome::Refused {
        422
    } else {
        200
    };
    assert_eq!(answer.status, status, "{answer:?}");
    let generation = body["generation"].as_u64();
    Reload {
        outcome,
        generation: generation.unwrap_or_else(|| panic!("no generation in {answer:?}")),
    }
}
