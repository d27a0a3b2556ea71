//! The series of all listeners, filters or outputs, each shown for as long as what it is about exists.
//!
//! In: names, from those that count. Out: a [`Held`] struct of metrics. The series of a name appear with the
//! first hold on it and disappear with the last, so that `/metrics` does not grow with every name that was
//! ever in a configuration. Counters and histograms stay until their last values have been read (`removed`);
//! gauges say how things are, so they go at once.
//! Not here: which metrics there are (`metrics!`).

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;

use crate::instrument::Labels;
use crate::metrics::MetricsByName;
use crate::removed::Removed;

/// The registered metrics of all listeners, filters or outputs. Clones share them.
pub struct Families<M: MetricsByName>(Arc<Inner<M>>);

struct Inner<M: MetricsByName> {
    series: M::Families,
    names: Mutex<Names>,
}

/// The names that have series. None is in both fields.
#[derive(Default)]
struct Names {
    /// How many holds there are on each name; never 0.
    held: HashMap<Labels, usize>,
    removed: Removed,
}

/// Learns of each answer that has shown the series: what a registry collects comes after its metrics.
struct Answers<M: MetricsByName>(Arc<Inner<M>>);

/// The metrics of one listener, filter or output, which are shown until the last hold on them is dropped, and
/// their last counts have been read.
pub struct Held<M: MetricsByName> {
    metrics: M,
    families: Families<M>,
    labels: Labels,
}

impl<M: MetricsByName> Families<M> {
    /// Registers the metrics.
    pub fn register(registry: &mut Registry) -> Self {
        let inner = Arc::new(Inner {
            series: M::register_families(registry),
            names: Mutex::default(),
        });
        registry.register_collector(Box::new(Answers(Arc::clone(&inner))));
        Self(inner)
    }

    /// The metrics of one listener, filter or output. The same name gets the same series.
    pub fn of(&self, name: &str) -> Held<M> {
        self.of_all(&[name])
    }

    /// The metrics that have these names, one for each label. The same names get the same series.
    pub fn of_all(&self, names: &[&str]) -> Held<M> {
        debug_assert_eq!(names.len(), M::KEYS.len());
        let pairs = M::KEYS.iter().zip(names);
        self.hold(pairs.map(|(key, name)| (*key, (*name).into())).collect())
    }

    fn hold(&self, labels: Labels) -> Held<M> {
        let mut names = self.0.lock();
        names.removed.take(&labels);
        *names.held.entry(labels.clone()).or_default() += 1;
        // Under the lock: the last hold may be dropped at the same time.
        let metrics = M::of(&self.0.series, &labels);
        Held {
            metrics,
            families: self.clone(),
            labels,
        }
    }
}

impl<M: MetricsByName> Inner<M> {
    fn lock(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: MetricsByName> Clone for Families<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: MetricsByName> Default for Families<M> {
    /// Metrics that no registry shows.
    fn default() -> Self {
        Self::register(&mut Registry::default())
    }
}

impl<M: MetricsByName> fmt::Debug for Families<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Families").finish_non_exhaustive()
    }
}

// === impl Answers ===

impl<M: MetricsByName> Collector for Answers<M> {
    fn encode(&self, _: DescriptorEncoder<'_>) -> fmt::Result {
        let mut names = self.0.lock();
        for over in names.removed.shown(Instant::now()) {
            M::forget(&self.0.series, &over);
        }
        Ok(())
    }
}

impl<M: MetricsByName> fmt::Debug for Answers<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

// === impl Held ===

impl<M: MetricsByName> Deref for Held<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.metrics
    }
}

impl<M: MetricsByName> Clone for Held<M> {
    fn clone(&self) -> Self {
        self.families.hold(self.labels.clone())
    }
}

impl<M: MetricsByName> Drop for Held<M> {
    fn drop(&mut self) {
        let inner = &self.families.0;
        let mut names = inner.lock();
        let Some(count) = names.held.get_mut(&self.labels) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            names.held.remove(&self.labels);
            M::forget_gauges(&inner.series, &self.labels);
            let labels = std::mem::take(&mut self.labels);
            for over in names.removed.add(labels, Instant::now()) {
                M::forget(&inner.series, &over);
            }
        }
    }
}

impl<M: MetricsByName> fmt::Debug for Held<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.labels).finish()
    }
}
