//! The layer of tracing's subscriber that writes the log.
//!
//! In: events, and the spans that they are in. Out: records. The last value of a span's field counts:
//! otherwise a connection that has moved would show all its generations.

use std::time::SystemTime;

use tracing::span::{Attributes, Id, Record as Values};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::output::Output;
use super::record::{Fields, Record, Span};

/// Writes events to an output.
pub(super) struct LogLayer(pub(super) &'static Output);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Values<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = context.event_scope(event).into_iter();
        let spans: Vec<_> = spans
            .flat_map(|scope| scope.from_root())
            .map(|span| Span {
                name: span.name(),
                fields: span.extensions().get().cloned().unwrap_or_default(),
            })
            .collect();
        self.0.write(&Record {
            time: SystemTime::now(),
            level: level(event),
            spans: &spans,
            fields: &fields,
        });
    }
}

/// The level of an event; that of the original, if it comes by the crate `log`.
fn level(event: &Event<'_>) -> tracing::Level {
    *event.metadata().level()
}
