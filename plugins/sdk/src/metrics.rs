//! Counters and histograms of a filter, among the metrics of its host.
//!
//! A filter that uses them imports `metrics` of the WIT package, so its configuration must have
//! `grant = ["metrics"]`. Declare them in [`Filter::new`](crate::Filter::new), keep them in the filter, and
//! write to them in any call. A counter `logins` of the filter `auth` appears as
//! `linemill_guest_logins_total{filter="auth"}`. All instances write to the same metrics.
//!
//! `wit/metrics.wit` has the rules for names and labels, and how many there may be. In tests,
//! [`testing::counted`](crate::testing::counted) says what has been counted.
//!
//! ```
//! use linemill_sdk::metrics::Counter;
//! use linemill_sdk::testing::{self, json};
//! use linemill_sdk::{Error, Filter, NoSettings, Output, export};
//!
//! /// Counts empty lines and others.
//! pub struct Kinds {
//!     lines: Counter,
//! }
//!
//! impl Filter for Kinds {
//!     type Settings = NoSettings;
//!
//!     fn new(_: NoSettings) -> Result<Self, Error> {
//!         let kinds = ("kind", &["empty", "other"][..]);
//!         let lines = Counter::with_labels("lines", "Lines by kind.", &[kinds])?;
//!         Ok(Self { lines })
//!     }
//!
//!     fn line(&mut self, line: &[u8], out: &mut Output) {
//!         self.lines.add(&[u32::from(!line.is_empty())], 1);
//!         out.emit(line);
//!     }
//! }
//!
//! export!(Kinds);
//!
//! testing::lines::<Kinds>(json!({}), ["a", "", "b"]);
//! assert_eq!(testing::counted("lines", &["other"]), 2);
//! ```

use crate::Error;

/// A label: its name, and all the values it may have.
pub type Label<'a> = (&'a str, &'a [&'a str]);

/// A counter.
#[derive(Clone, Debug)]
pub struct Counter(u32);

/// A histogram.
#[derive(Clone, Debug)]
pub struct Histogram(u32);

impl Counter {
    /// Declares a counter without labels.
    ///
    /// # Errors
    /// The declaration breaks a rule, or another filter has declared another kind of metric by this name.
    pub fn new(name: &str, help: &str) -> Result<Self, Error> {
        Self::with_labels(name, help, &[])
    }

    /// Declares a counter with labels: see [`new`](Self::new).
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_labels(name: &str, help: &str, labels: &[Label<'_>]) -> Result<Self, Error> {
        let declared = source::counter(name, help, labels);
        declared.map(Self).map_err(Error::new)
    }

    /// Adds to the counter. `values` has the index of a value for each of its labels, from 0. A wrong
    /// index is a trap.
    pub fn add(&self, values: &[u32], amount: u64) {
        source::add(self.0, values, amount);
    }
}

impl Histogram {
    /// Declares a histogram with buckets up to these bounds: see [`Counter::new`].
    ///
    /// # Errors
    /// As for [`Counter::new`].
    pub fn new(name: &str, help: &str, buckets: &[f64]) -> Result<Self, Error> {
        Self::with_labels(name, help, &[], buckets)
    }

    /// Declares a histogram with labels: see [`new`](Self::new).
    ///
    /// # Errors
    /// As for [`Counter::new`].
    pub fn with_labels(
        name: &str,
        help: &str,
        labels: &[Label<'_>],
        buckets: &[f64],
    ) -> Result<Self, Error> {
        let declared = source::histogram(name, help, labels, buckets);
        declared.map(Self).map_err(Error::new)
    }

    /// Adds an observation: see [`Counter::add`].
    pub fn observe(&self, values: &[u32], value: f64) {
        source::observe(self.0, values, value);
    }
}

#[cfg(target_family = "wasm")]
mod source {
    use super::Label;
    use crate::component::import_bindings::linemill::filter::metrics as host;

    pub(super) use host::{add, observe};

    pub(super) fn counter(name: &str, help: &str, labels: &[Label<'_>]) -> Result<u32, String> {
        host::counter(&description(name, help, labels))
    }

    pub(super) fn histogram(
        name: &str,
        help: &str,
        labels: &[Label<'_>],
        buckets: &[f64],
    ) -> Result<u32, String> {
        host::histogram(&description(name, help, labels), buckets)
    }

    fn description(name: &str, help: &str, labels: &[Label<'_>]) -> host::Description {
        let label = |(name, values): &Label<'_>| host::Label {
            name: (*name).to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        host::Description {
            name: name.to_owned(),
            help: help.to_owned(),
            labels: labels.iter().map(label).collect(),
        }
    }
}

#[cfg(not(target_family = "wasm"))]
use crate::testing::metrics as source;
