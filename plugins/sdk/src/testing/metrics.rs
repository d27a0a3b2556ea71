//! The metrics that filters under test declare and write.
//!
//! In: calls of [`crate::metrics`]. Out: sums and numbers of observations, for this thread.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use crate::metrics::Label;

/// A metric, by its number.
struct Metric {
    name: String,
    labels: Vec<Vec<String>>,
    buckets: Option<Vec<f64>>,
    /// By the indices of the values: the sum, or the number of observations.
    counts: HashMap<Vec<u32>, u64>,
}

thread_local! {
    static METRICS: RefCell<Vec<Metric>> = const { RefCell::new(Vec::new()) };
}

/// What filters have counted on this thread in their last run, under this name and with these values of
/// its labels: the sum of a counter, or the number of observations of a histogram.
///
/// # Panics
/// If there is no such metric, or it has no such values.
#[track_caller]
pub fn counted(name: &str, values: &[&str]) -> u64 {
    METRICS.with_borrow(|metrics| {
        let Some(metric) = metrics.iter().find(|metric| metric.name == name) else {
            panic!("the filter has declared no metric `{name}`");
        };
        let pairs = values.iter().zip(&metric.labels);
        let indices = pairs.filter_map(|(value, known)| {
            let index = known.iter().position(|known| known == value)?;
            u32::try_from(index).ok()
        });
        let indices: Vec<u32> = indices.collect();
        assert!(
            indices.len() == values.len() && values.len() == metric.labels.len(),
            "metric `{name}` has no values {values:?}"
        );
        metric.counts.get(&indices).copied().unwrap_or(0)
    })
}

/// Forgets what was counted, but not what was declared: instances keep their numbers.
pub(crate) fn clear() {
    METRICS.with_borrow_mut(|metrics| {
        metrics.iter_mut().for_each(|metric| metric.counts.clear());
    });
}

/// Everything that was counted, in an order that does not depend on chance.
pub(crate) fn snapshot() -> Vec<(String, BTreeMap<Vec<u32>, u64>)> {
    let copied = |metric: &Metric| {
        let counts = metric.counts.iter();
        let counts = counts.map(|(values, &count)| (values.clone(), count));
        (metric.name.clone(), counts.collect())
    };
    METRICS.with_borrow(|metrics| {
        let counted = metrics.iter().filter(|metric| !metric.counts.is_empty());
        counted.map(copied).collect()
    })
}

pub(crate) fn counter(name: &str, _help: &str, labels: &[Label<'_>]) -> Result<u32, String> {
    declare(name, labels, None)
}

pub(crate) fn histogram(
    name: &str,
    _help: &str,
    labels: &[Label<'_>],
    buckets: &[f64],
) -> Result<u32, String> {
    declare(name, labels, Some(buckets.to_vec()))
}

fn declare(name: &str, labels: &[Label<'_>], buckets: Option<Vec<f64>>) -> Result<u32, String> {
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_name || name.ends_with("_total") {
        return Err(format!(
            "metric `{name}`: a name has 1 to 64 lower-case letters, digits and `_`, begins with a letter, and has no suffix `_total`"
        ));
    }
    if labels.len() > 4
        || labels
            .iter()
            .any(|(_, values)| !(1..=64).contains(&values.len()))
    {
        return Err(format!(
            "metric `{name}`: it has at most four labels with 1 to 64 values each"
        ));
    }
    let owned = |values: &&[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let labels: Vec<Vec<String>> = labels.iter().map(|(_, values)| owned(values)).collect();
    METRICS.with_borrow_mut(|metrics| {
        let known = metrics.iter().position(|metric| {
            metric.name == name && metric.labels == labels && metric.buckets == buckets
        });
        let index = known.unwrap_or_else(|| {
            metrics.push(Metric {
                name: name.to_owned(),
                labels,
                buckets,
                counts: HashMap::new(),
            });
            metrics.len() - 1
        });
        Ok(index as u32)
    })
}

#[track_caller]
pub(crate) fn add(counter: u32, values: &[u32], amount: u64) {
    count(counter, values, amount);
}

#[track_caller]
pub(crate) fn observe(histogram: u32, values: &[u32], value: f64) {
    if value.is_finite() {
        count(histogram, values, 1);
    }
}

#[track_caller]
fn count(metric: u32, values: &[u32], amount: u64) {
    METRICS.with_borrow_mut(|metrics| {
        let metric = &mut metrics[metric as usize];
        let fits = values.len() == metric.labels.len()
            && values
                .iter()
                .zip(&metric.labels)
                .all(|(value, values)| (*value as usize) < values.len());
        assert!(fits, "metric `{}` has no values {values:?}", metric.name);
        *metric.counts.entry(values.to_vec()).or_default() += amount;
    });
}
