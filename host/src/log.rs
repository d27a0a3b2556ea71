//! The log: written to standard error, filtered by `LINEMILL_LOG`.
//!
//! In: the environment. Out: a global tracing subscriber. Per-line events are logged at level trace only.
//!
//! Values of fields and messages may contain text of others: names, reasons, errors of peers. All of it is
//! escaped here, so that no log line is forged, and no terminal driven. Only a message may have several
//! lines, as reports of problems do; those after the first are indented.

use std::fmt::{self, Write as _};
use std::io::{IsTerminal, Write as _};

use linemill_config::{Escape, shown};
use tracing::field::{Field, Visit};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FormatFields, FormattedFields};

/// The name that tracing gives to the message of an event.
const MESSAGE: &str = "message";
/// What the lines of a message begin with, after the first.
const INDENT: &str = "\n    ";

/// Prints a line on standard error that is no log line: where the host listens.
pub fn announce(line: fmt::Arguments<'_>) {
    // Without a reader, nobody waits for it.
    let _ = writeln!(std::io::stderr(), "{}", shown(line));
}

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
        .fmt_fields(EscapedFields)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // Already initialised: the first subscriber stays.
    drop(logging.try_init());
}

/// Formats fields as `NAME=VALUE`, with what is not printable in a value escaped. The last field of a
/// span, recorded again, has its new value only: otherwise a connection that has moved would show all its
/// generations.
#[derive(Debug, Default)]
struct EscapedFields;

/// Writes the fields of one event or span.
struct Fields<'a> {
    writer: Writer<'a>,
    is_first: bool,
    written: fmt::Result,
}

impl<'writer> FormatFields<'writer> for EscapedFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = Fields {
            writer,
            is_first: true,
            written: Ok(()),
        };
        fields.record(&mut visitor);
        visitor.written
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
        self.format_fields(current.as_writer(), fields)
    }
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.writer.write_char(' ')?;
        }
        if field.name() == MESSAGE {
            let mut text = String::new();
            write!(Escape::report(&mut text), "{value}")?;
            return self.writer.write_str(&text.replace('\n', INDENT));
        }
        let name = field.name();
        if self.writer.has_ansi_escapes() {
            // The name in italics, and a faint equals sign.
            write!(self.writer, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m")?;
        } else {
            write!(self.writer, "{name}=")?;
        }
        write!(self.writer, "{}", shown(value))
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == MESSAGE {
            self.record_debug(field, &format_args!("{value}"));
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.written.is_ok() {
            self.written = self.write(field, format_args!("{value:?}"));
        }
    }
}

/// The name of the field visited last.
#[derive(Default)]
struct LastName(Option<&'static str>);

impl Visit for LastName {
    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
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
                .fmt_fields(EscapedFields)
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

    /// What is logged inside `log`.
    fn logged(ansi: bool, log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(EscapedFields)
            .with_writer(move || writer.clone())
            .with_ansi(ansi)
            .with_target(false)
            .without_time()
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = captured.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn nobody_else_writes_a_line_of_the_log() {
        let hostile = "a\nERROR forged\u{1b}[2J\u{202e}\u{9b}1m";
        let escaped = "a\\nERROR forged\\u{1b}[2J\\u{202e}\\u{9b}1m";
        let text = logged(false, || {
            let span = tracing::error_span!("connection", peer = %hostile);
            span.in_scope(|| tracing::warn!(error = %hostile, text = hostile, "it fails"));
        });
        let expected = format!(
            " WARN connection{{peer={escaped}}}: it fails error={escaped} text=\"{escaped}\"\n"
        );
        assert_eq!(text, expected);
        let text = logged(false, || tracing::warn!("it fails: {hostile}"));
        let expected = " WARN it fails: a\n    ERROR forged\\u{1b}[2J\\u{202e}\\u{9b}1m\n";
        assert_eq!(text, expected);
        let text = logged(true, || tracing::warn!(error = %hostile, "it fails"));
        assert!(text.ends_with(&format!("{escaped}\n")), "{text:?}");
        assert!(!text.contains("\u{1b}[2J"), "{text:?}");
    }
}
