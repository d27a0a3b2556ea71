//! What the fields of a metrics struct can be: one series, or one series for each value of a label.

use std::marker::PhantomData;
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Metric, Registry};

use crate::declaration::{Kind, Label, Values, one_line};
use crate::{BatchCounter, Durations, Indexed, LabelText, LabelValue};

/// The labels of a series: name and value each.
pub type Labels = Vec<(&'static str, LabelText)>;

/// What the registry shows of a field: all series of the metric.
pub type Series<I> = Family<Labels, <I as Instrument>::Single>;

/// A field of a struct that [`metrics!`](crate::metrics) declares.
pub trait Instrument: Sized {
    /// The type of one series.
    type Single: Single;

    /// The label that the field adds to those of its struct.
    fn label() -> Option<Label> {
        None
    }

    /// The series with these labels.
    fn member(series: &Series<Self>, labels: &Labels) -> Self;

    /// Removes the series with these labels.
    fn forget(series: &Series<Self>, labels: &Labels);

    /// Registers a metric of a struct without labels.
    fn register_alone(registry: &mut Registry, name: &str, help: &str) -> Self {
        let series = Series::<Self>::default();
        registry.register(name, help, series.clone());
        Self::member(&series, &Labels::new())
    }
}

/// A metric that can be one series.
pub trait Single: Metric + TypedMetric + Clone + Default {
    /// The type of the metric.
    const KIND: Kind = match Self::TYPE {
        MetricType::Counter => Kind::Counter,
        MetricType::Histogram => Kind::Histogram,
        _ => Kind::Gauge,
    };
}

impl Single for Counter {}
impl Single for Gauge {}
impl Single for BatchCounter {}
impl Single for Durations {}

impl<M: Single> Instrument for M {
    type Single = M;

    fn member(series: &Series<Self>, labels: &Labels) -> Self {
        series.get_or_create_owned(labels)
    }

    fn forget(series: &Series<Self>, labels: &Labels) {
        series.remove(labels);
    }

    // A family whose only series has no label would be shown with empty braces.
    fn register_alone(registry: &mut Registry, name: &str, help: &str) -> Self {
        let metric = M::default();
        registry.register(name, help, metric.clone());
        metric
    }
}

/// A series for each value of label `L`. All exist from the start, at zero.
#[derive(Debug, Clone)]
pub struct EachValue<L, M> {
    /// In the order of [`LabelValue::all`].
    series: Arc<[M]>,
    label: PhantomData<fn(L)>,
}

impl<L: Indexed, M> EachValue<L, M> {
    /// The series of one value.
    pub fn of(&self, value: L) -> &M {
        &self.series[value.index()]
    }

    /// Each value, as `/metrics` shows it, with its series.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &M)> {
        let values = L::all().into_iter().map(LabelValue::label);
        values.zip(self.series.iter())
    }
}

impl<L: Indexed, M: Single> Instrument for EachValue<L, M> {
    type Single = M;

    fn label() -> Option<Label> {
        Some(closed::<L>())
    }

    fn member(series: &Series<Self>, labels: &Labels) -> Self {
        let of = |value: L| series.get_or_create_owned(&with(labels, value));
        Self {
            series: L::all().into_iter().map(of).collect(),
            label: PhantomData,
        }
    }

    fn forget(series: &Series<Self>, labels: &Labels) {
        for value in L::all() {
            series.remove(&with(labels, value));
        }
    }
}

fn with<L: LabelValue>(labels: &Labels, value: L) -> Labels {
    let mut all = labels.clone();
    all.push((L::KEY, value.label().into()));
    all
}

fn closed<L: LabelValue>() -> Label {
    let values = L::all().into_iter();
    Label {
        key: L::KEY,
        values: Values::Closed(
            values
                .map(|value| (value.label(), one_line(value.meaning())))
                .collect(),
        ),
    }
}
