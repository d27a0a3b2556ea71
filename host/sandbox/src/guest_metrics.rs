//! Counters and histograms that filters declare: `linemill_guest_…`.
//!
//! In: declarations and counts from guests, within the bounds of `wit/metrics.wit`. Out: the metrics as
//! `/metrics` shows them, with the label `filter`. Those of a name go on when a filter is replaced by a
//! version that declares the same, and disappear with the last filter that holds them.
//! Not here: the functions that guests call (`imports::metrics`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use linemill_telemetry::{LabelText, Registry};

mod rules;
#[cfg(test)]
mod tests;

use rules::MAX_SERIES;
pub(crate) use rules::{Declaration, Kind, Label, MAX_METRICS};

/// The beginning of all names.
const PREFIX: &str = "linemill_guest";

/// A declared metric of one filter.
#[derive(Debug)]
pub(crate) struct GuestMetric {
    filter: String,
    declaration: Declaration,
    series: Series,
}

/// One element for each combination of values; the last label changes fastest.
#[derive(Debug)]
enum Series {
    Counters(Vec<Counter>),
    Histograms(Vec<Histogram>),
}

/// The metrics of all filters, by their names. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct GuestMetrics(Arc<Mutex<ByName>>);

/// The metrics that all instances of one filter have declared, which exist as long as the filter.
pub(crate) struct DeclaredMetrics {
    filter: String,
    all: GuestMetrics,
    declared: Mutex<Vec<Arc<GuestMetric>>>,
}

/// The metrics that somebody has declared, the last declared last.
type ByName = BTreeMap<String, Vec<Weak<GuestMetric>>>;

impl GuestMetrics {
    /// The metrics of one filter, which has declared none yet.
    pub(crate) fn of(&self, filter: &str) -> DeclaredMetrics {
        DeclaredMetrics {
            filter: filter.to_owned(),
            all: self.clone(),
            declared: Mutex::default(),
        }
    }

    /// Registers the metrics.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// The metric of `filter` with this declaration: the one that exists, or a new one.
    ///
    /// # Errors
    /// When another filter has declared another kind of metric under this name.
    fn declare(&self, filter: &str, declaration: Declaration) -> Result<Arc<GuestMetric>, String> {
        let mut all = self.lock();
        let of_name = all.entry(declaration.name.clone()).or_default();
        of_name.retain(|metric| metric.strong_count() > 0);
        for metric in of_name.iter().filter_map(Weak::upgrade) {
            if metric.filter == filter && metric.declaration == declaration {
                return Ok(metric);
            }
            let kind = &metric.declaration.kind;
            if metric.filter != filter && !kind.is_like(&declaration.kind) {
                return Err(format!(
                    "metric `{}`: filter `{}` has declared {} of this name",
                    declaration.name,
                    metric.filter,
                    kind.name()
                ));
            }
        }
        let name = declaration.name.clone();
        let metric = Arc::new(GuestMetric::new(filter, declaration));
        all.entry(name).or_default().push(Arc::downgrade(&metric));
        Ok(metric)
    }

    /// The metrics to show under each name: for each filter the one that it declared last.
    fn shown(&self) -> Vec<Vec<Arc<GuestMetric>>> {
        let mut all = self.lock();
        all.retain(|_, of_name| {
            of_name.retain(|metric| metric.strong_count() > 0);
            !of_name.is_empty()
        });
        let by_name = all.values().map(|of_name| {
            let live = of_name.iter().filter_map(Weak::upgrade);
            let last: BTreeMap<_, _> = live.map(|metric| (metric.filter.clone(), metric)).collect();
            last.into_values().collect()
        });
        by_name.collect()
    }

    fn lock(&self) -> MutexGuard<'_, ByName> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeclaredMetrics {
    /// The metric with this declaration: the one that exists, or a new one.
    ///
    /// # Errors
    /// What is wrong with the declaration, for its author.
    pub(crate) fn declare(&self, declaration: Declaration) -> Result<Arc<GuestMetric>, String> {
        let mut declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = declared.iter();
        if let Some(known) = known.find(|known| known.declaration == declaration) {
            return Ok(Arc::clone(known));
        }
        declaration.check()?;
        let series: usize = declared
            .iter()
            .map(|metric| metric.declaration.series())
            .sum();
        if declared.len() >= MAX_METRICS {
            return Err(format!("it declares more than {MAX_METRICS} metrics"));
        }
        if series + declaration.series() > MAX_SERIES {
            let most = "all its metrics together have more than 1,024 series";
            return Err(most.to_owned());
        }
        let metric = self.all.declare(&self.filter, declaration)?;
        declared.push(Arc::clone(&metric));
        Ok(metric)
    }
}

impl Collector for GuestMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metrics in self.shown() {
            let Some(first) = metrics.first() else {
                continue;
            };
            let Declaration { name, help, .. } = &first.declaration;
            let (name, kind) = (format!("{PREFIX}_{name}"), first.metric_type());
            let mut family = encoder.encode_descriptor(&name, &escaped(help), None, kind)?;
            // Others of another kind would have been refused, unless the first was replaced meanwhile.
            let same = metrics
                .iter()
                .filter(|metric| metric.declaration.kind.is_like(&first.declaration.kind));
            for metric in same {
                for (index, labels) in metric.labels().enumerate() {
                    let encoder = family.encode_family(&labels)?;
                    match &metric.series {
                        Series::Counters(all) => all[index].encode(encoder)?,
                        Series::Histograms(all) => all[index].encode(encoder)?,
                    }
                }
            }
        }
        Ok(())
    }
}

/// A help text as both formats have it.
fn escaped(help: &str) -> String {
    help.replace('\\', "\\\\").replace('"', "\\\"")
}

impl GuestMetric {
    fn new(filter: &str, declaration: Declaration) -> Self {
        let count = declaration.combinations();
        let series = match &declaration.kind {
            Kind::Counter => Series::Counters((0..count).map(|_| Counter::default()).collect()),
            Kind::Histogram(buckets) => {
                let new = |_| Histogram::new(buckets.bounds());
                Series::Histograms((0..count).map(new).collect())
            }
        };
        Self {
            filter: filter.to_owned(),
            declaration,
            series,
        }
    }

    /// Adds to a counter. Returns `None` if it is not a counter, or if `values` are not indices of values of its
    /// labels.
    pub(crate) fn add(&self, values: &[u32], amount: u64) -> Option<()> {
        let index = self.declaration.index(values)?;
        let Series::Counters(counters) = &self.series else {
            return None;
        };
        counters[index].inc_by(amount);
        Some(())
    }

    /// Adds an observation to a histogram; likewise.
    pub(crate) fn observe(&self, values: &[u32], value: f64) -> Option<()> {
        let index = self.declaration.index(values)?;
        let Series::Histograms(histograms) = &self.series else {
            return None;
        };
        // An infinite sum would say nothing.
        if value.is_finite() {
            histograms[index].observe(value);
        }
        Some(())
    }

    fn metric_type(&self) -> MetricType {
        match self.series {
            Series::Counters(_) => MetricType::Counter,
            Series::Histograms(_) => MetricType::Histogram,
        }
    }

    /// The labels of each combination of values, in the order of the series.
    fn labels(&self) -> impl Iterator<Item = Vec<(&str, LabelText)>> {
        let labels = &self.declaration.labels;
        (0..self.declaration.combinations()).map(move |index| {
            let (mut left, mut pairs) = (index, Vec::new());
            for label in labels.iter().rev() {
                let value = &label.values[left % label.values.len()];
                left /= label.values.len();
                pairs.push((label.name.as_str(), LabelText::from(value.as_str())));
            }
            pairs.push(("filter", LabelText::from(self.filter.as_str())));
            pairs.reverse();
            pairs
        })
    }
}
