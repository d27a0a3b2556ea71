//! The log: written to standard error, filtered by `LINEMILL_LOG`.
//!
//! In: the environment. Out: a global tracing subscriber. Per-line events are logged at level trace only.

use std::fmt;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FormatFields, FormattedFields};

/// Starts logging. Only the first call has an effect.
pub fn init() {
    let variable = std::env::var("LINEMILL_LOG").unwrap_or_else(|_| "info".into());
    // A level without a target applies to linemill only: messages of the compiler would drown the rest.
    let directives = match variable.parse::<LevelFilter>() {
        Ok(level) => format!("warn,linemill={level}"),
        Err(_) => variable,
    };
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let logging = tracing_subscriber::fmt()
        .fmt_fields(LatestFields::default())
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // Already initialised: the first subscriber stays.
    drop(logging.try_init());
}

/// Formats fields as the default does, except that the last field of a span, recorded again, has its
/// new value only. The default would append the new value to the old one: a connection that has
/// moved would show all its generations.
#[derive(Debug, Default)]
struct LatestFields(DefaultFields);

impl<'writer> FormatFields<'writer> for LatestFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        self.0.format_fields(writer, fields)
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &tracing::span::Record<'_>,
    ) -> fmt::Result {
        let mut name = LastName::default();
        fields.record(&mut name);
        // Fields are separated by spaces, and escape codes for colours contain none.
        if let Some(at) = name.0.and_then(|name| current.fields.rfind(name)) {
            let start = current.fields[..at].rfind(' ').unwrap_or(0);
            current.fields.truncate(start);
        }
        if !current.fields.is_empty() {
            current.fields.push(' ');
        }
        self.0.format_fields(current.as_writer(), fields)
    }
}

/// The name of the field visited last.
#[derive(Default)]
struct LastName(Option<&'static str>);

impl tracing::field::Visit for LastName {
    fn record_debug(&mut self, field: &tracing::field::Field, _: &dyn fmt::Debug) {
        self.0 = Some(field.name());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_connection_shows_the_generation_it_is_on() {
        for ansi in [false, true] {
            let captured = Captured::default();
            let writer = captured.clone();
            let subscriber = tracing_subscriber::fmt()
                .fmt_fields(LatestFields::default())
                .with_writer(move || writer.clone())
                .with_ansi(ansi)
                .finish();
            tracing::subscriber::with_default(subscriber, || {
                let span = tracing::error_span!("connection", listener = "a", generation = 1_u64);
                let _entered = span.enter();
                for generation in [20_u64, 300] {
                    span.record("generation", generation);
                }
                tracing::warn!("here");
            });
            let text = captured.0.lock().expect("no panic").clone();
            let text = String::from_utf8(text).expect("text");
            assert_eq!(text.matches("generation").count(), 1, "{text:?}");
            assert!(text.contains("300") && text.contains("\"a\""), "{text:?}");
            if !ansi {
                let shown = "connection{listener=\"a\" generation=300}: ";
                assert!(text.contains(shown), "{text:?}");
            }
        }
    }
}
