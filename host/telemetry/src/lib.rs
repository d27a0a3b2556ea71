//! What linemill's crates count with.
//!
//! In: declarations of metrics by [`metrics!`] and [`label_values!`], counts and durations from many
//! threads. Out: metrics that `prometheus-client` encodes, and the [`Declaration`] of each for the
//! documentation. [`BatchCounter`] and [`Durations`] are for what happens per batch of lines; [`Gate`]
//! limits log messages that would repeat, [`contained`] marks what may panic, and [`processor_time`] measures
//! what a thread has used.
//! Not here: which metrics there are; each is declared next to the code that counts it.

mod containment;
mod declaration;
mod durations;
mod families;
mod format;
mod gate;
mod instrument;
mod label;
mod label_text;
mod metrics;
mod process;
mod processor_time;
mod removed;
mod shards;

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::registry::Registry;

pub use containment::{contained, is_contained, panic_message};
pub use declaration::{Declaration, Kind, Label, Values};
pub use durations::{Distribution, Durations, Summary};
pub use families::{Families, Held};
pub use format::Format;
pub use gate::Gate;
pub use instrument::{EachValue, Instrument, Labels, Series, Single};
pub use label::{Indexed, LabelValue};
pub use label_text::LabelText;
pub use metrics::{Metrics, MetricsByName, registry};
pub use process::{ProcessMetrics, descriptors};
pub use processor_time::processor_time;
pub use shards::Shards;

/// A counter that all threads increase for each batch of lines.
pub type BatchCounter = Counter<u64, Shards<AtomicU64>>;

/// The declaration of a metric. For [`metrics!`].
#[doc(hidden)]
pub fn declare<I: Instrument>(
    name: &'static str,
    unit: &'static str,
    help: &str,
    first: &[Label],
) -> Declaration {
    Declaration {
        prefix: declaration::PREFIX,
        name,
        kind: <I::Single as Single>::KIND,
        unit,
        labels: first.iter().cloned().chain(I::label()).collect(),
        help: declaration::one_line(help),
    }
}

/// Registers all series of a metric. For [`metrics!`].
#[doc(hidden)]
pub fn register_family<I: Instrument>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Series<I> {
    let series = Series::<I>::default();
    registry.register(name, help_text(help), series.clone());
    series
}

/// Removes the series with these labels if they are gauges. For [`metrics!`].
#[doc(hidden)]
pub fn forget_gauge<I: Instrument>(series: &Series<I>, labels: &Labels) {
    if matches!(<I::Single as Single>::KIND, Kind::Gauge) {
        I::forget(series, labels);
    }
}

/// Registers a metric of a struct without labels. For [`metrics!`].
#[doc(hidden)]
pub fn register_alone<I: Instrument>(registry: &mut Registry, name: &str, help: &str) -> I {
    I::register_alone(registry, name, &help_text(help))
}

/// The help text of a doc comment; the encoder adds the final period.
fn help_text(doc: &str) -> String {
    let line = declaration::one_line(doc);
    line.strip_suffix('.').unwrap_or(&line).to_owned()
}
