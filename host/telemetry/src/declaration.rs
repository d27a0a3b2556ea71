//! Declarations of metrics: what the documentation says about each.

use std::fmt;

/// The prefix of all names.
pub(crate) const PREFIX: &str = "linemill_";

/// A metric as it is declared. Made by [`metrics!`](crate::metrics).
#[derive(Debug, Clone)]
pub struct Declaration {
    /// The beginning of the name: `linemill_`, or another one that is standard for the metric.
    pub prefix: &'static str,
    /// The name without the prefix and without the suffix `_total`.
    pub name: &'static str,
    /// The type of the metric.
    pub kind: Kind,
    /// What its value counts or measures, such as `lines` or `seconds`.
    pub unit: &'static str,
    /// Its labels, in the order in which `/metrics` shows them.
    pub labels: Vec<Label>,
    /// What it means.
    pub help: String,
}

/// The types of metrics, as in OpenMetrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows while the host runs.
    Counter,
    /// A number that rises and falls.
    Gauge,
    /// Observations, counted by their size.
    Histogram,
}

/// A label of a metric.
#[derive(Debug, Clone)]
pub struct Label {
    /// The label's name.
    pub key: &'static str,
    /// The values that it can have.
    pub values: Values,
}

/// The values of a label.
#[derive(Debug, Clone)]
pub enum Values {
    /// An open set, such as the names of listeners; the text says which.
    Open(&'static str),
    /// A closed set: each value with its meaning.
    Closed(Vec<(&'static str, String)>),
}

impl Declaration {
    /// The name of the metric in `/metrics`. For a histogram, the part before `_bucket`, `_sum` and
    /// `_count`.
    pub fn full_name(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}{}_total", self.prefix, self.name),
            Kind::Gauge | Kind::Histogram => format!("{}{}", self.prefix, self.name),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// A doc comment as one line of text.
pub(crate) fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
