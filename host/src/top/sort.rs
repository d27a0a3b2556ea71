//! The order of rows.
//!
//! In: an answer of the host, what is wrong in it, and a key. Out: the names of each table, in order. A key
//! that a table has no column for orders it by name. Names decide between rows that are equal otherwise.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Subject;
use super::wrong::Wrong;
use crate::control::admin::status::{FilterStatus, ListenerStatus, OutputStatus, Status};
use linemill_config::Keyword;

/// What rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// What is wrong, then names.
    #[default]
    Wrong,
    /// Names.
    Name,
    /// Lines per second, the most first.
    Lines,
    /// Bytes per second.
    Bytes,
    /// Lines that failed, were dropped by the host, or were lost.
    Failures,
    /// The 99th percentile of the duration of calls.
    Latency,
    /// Bytes that wait for an output, or connections of a listener.
    Queue,
}

impl Keyword for Sort {
    const KEYWORDS: &'static [(&'static str, Self)] = &[
        ("wrong", Self::Wrong),
        ("name", Self::Name),
        ("lines", Self::Lines),
        ("bytes", Self::Bytes),
        ("failures", Self::Failures),
        ("latency", Self::Latency),
        ("queue", Self::Queue),
    ];
}

impl Sort {
    /// The key after this one.
    pub(super) fn next(self) -> Self {
        let keys = || Self::KEYWORDS.iter().map(|(_, key)| *key);
        let after = keys().skip_while(|key| *key != self).nth(1);
        after.or_else(|| keys().next()).unwrap_or_default()
    }
}

/// The names of the rows, table by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) listeners: Vec<String>,
    pub(super) filters: Vec<String>,
    pub(super) outputs: Vec<String>,
}

impl Order {
    pub(super) fn of(status: &Status, wrong: &[Wrong], sort: Sort, reverse: bool) -> Self {
        let listener = |listener: &ListenerStatus| match sort {
            Sort::Lines => listener.rates.lines_in,
            Sort::Bytes => listener.rates.bytes_in,
            Sort::Failures => listener.lines.dropped.values().sum::<u64>() as f64,
            Sort::Queue => listener.connections as f64,
            Sort::Wrong | Sort::Name | Sort::Latency => 0.0,
        };
        let filter = |filter: &FilterStatus| match sort {
            Sort::Lines | Sort::Bytes => filter.lines_per_second,
            Sort::Failures => filter.work.failed as f64,
            Sort::Latency => filter.work.call_p99_ns.unwrap_or(0) as f64,
            Sort::Wrong | Sort::Name | Sort::Queue => 0.0,
        };
        let output = |output: &OutputStatus| match sort {
            Sort::Lines => output.lines_per_second,
            Sort::Bytes => output.bytes_per_second,
            Sort::Failures => output.lost as f64,
            Sort::Queue => output.queued as f64,
            Sort::Wrong | Sort::Name | Sort::Latency => 0.0,
        };
        let rank = |subject: Subject| {
            let is_wrong = wrong
                .iter()
                .any(|one| one.serious && one.subject == subject);
            f64::from(u8::from(sort == Sort::Wrong && is_wrong))
        };
        Self {
            listeners: ordered(&status.listeners, reverse, |name, one| {
                listener(one) + rank(Subject::Listener(name.clone()))
            }),
            filters: ordered(&status.filters, reverse, |name, one| {
                filter(one) + rank(Subject::Filter(name.clone()))
            }),
            outputs: ordered(&status.outputs, reverse, |name, one| {
                output(one) + rank(Subject::Output(name.clone()))
            }),
        }
    }

    /// All rows, in the order of the screen.
    pub(super) fn rows(&self) -> Vec<Subject> {
        let listeners = self.listeners.iter().cloned().map(Subject::Listener);
        let filters = self.filters.iter().cloned().map(Subject::Filter);
        let outputs = self.outputs.iter().cloned().map(Subject::Output);
        let rows = std::iter::once(Subject::Host).chain(listeners);
        rows.chain(filters).chain(outputs).collect()
    }
}

/// Names by what `number` says of them, the largest first.
fn ordered<T>(
    all: &BTreeMap<String, T>,
    reverse: bool,
    number: impl Fn(&String, &T) -> f64,
) -> Vec<String> {
    let mut rows: Vec<_> = all
        .iter()
        .map(|(name, one)| (number(name, one), name))
        .collect();
    rows.sort_by(|(one, name), (other, other_name)| {
        let order = other.total_cmp(one).then_with(|| name.cmp(other_name));
        if reverse {
            Ordering::reverse(order)
        } else {
            order
        }
    });
    rows.into_iter().map(|(_, name)| name.clone()).collect()
}
