//! Reloads on demand, and what came of them.
//!
//! In: nothing; the files of the host are as they shall be. Out: the result, once there is one.
//! It asks `POST /reload`.

use serde_json::Value;

use super::Host;
use crate::{Response, request};

/// Counts reloads, by result.
const RELOADS: &str = "linemill_reloads_total";

/// What a reload came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A new generation is in force.
    Applied,
    /// Nothing is different from what is in force.
    Unchanged,
    /// Something is wrong; everything is as it was.
    Refused,
}

/// A reload that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reload {
    /// What it came to.
    pub outcome: Outcome,
    /// The generation in force after it.
    pub generation: u64,
}

impl Outcome {
    /// Each of them.
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
    /// Has the host reload, and waits until it has. Its watcher may have been quicker: then
    /// nothing is changed any more.
    #[track_caller]
    pub fn reload(&self) -> Reload {
        read(&request(self.admin(), "POST", "/reload"))
    }

    /// How many reloads came to this so far.
    #[track_caller]
    pub fn reloads(&self, outcome: Outcome) -> u64 {
        self.metric(RELOADS, &[("result", outcome.name())]) as u64
    }

    /// The number of the generation in force.
    #[track_caller]
    pub fn generation(&self) -> u64 {
        self.metric("linemill_generation", &[]) as u64
    }
}

#[track_caller]
fn read(answer: &Response) -> Reload {
    let said: Value = serde_json::from_str(&answer.body)
        .unwrap_or_else(|error| panic!("{error} in the answer {answer:?}"));
    let named = |outcome: &Outcome| said["result"] == outcome.name();
    let outcome = Outcome::ALL.into_iter().find(named);
    let outcome = outcome.unwrap_or_else(|| panic!("no result in {answer:?}"));
    let status = if outcome == Outcome::Refused {
        422
    } else {
        200
    };
    assert_eq!(answer.status, status, "{answer:?}");
    let generation = said["generation"].as_u64();
    Reload {
        outcome,
        generation: generation.unwrap_or_else(|| panic!("no generation in {answer:?}")),
    }
}
