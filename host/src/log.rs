//! The log: what is logged, in which form, and that it is written without anybody waiting for it.
//!
//! In: tracing's events; the settings, `LINEMILL_LOG` and requests that say which of them are logged. Out:
//! standard error. A host writes it in a thread of its own ([`run_in_thread`]); other verbs write as they
//! go. Per-line events are logged at level trace only.
//!
//! The level in force is the last one that was set: by `LINEMILL_LOG` or, without it, by the configuration
//! when the process starts; then by a request, or by a reload of a configuration with another level.

mod json;
mod layer;
pub mod metrics;
mod output;
mod queue;
mod record;
#[cfg(test)]
mod tests;
mod text;
mod writer;

use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::Level;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use layer::LogLayer;
use linemill_config::settings::{LogFilter, LogFormat, LogLevel, LogSettings};
use linemill_config::{Keyword as _, Malformed, Problem, shown};
use metrics::LogMetrics;
use output::Output;
use record::{Fields, Value};

/// The environment variable with a level.
const VARIABLE: &str = "LINEMILL_LOG";
/// How long the end of the process waits for the log.
const LAST_LINES: Duration = Duration::from_secs(1);

static LOG: OnceLock<Log> = OnceLock::new();

/// The log of this process.
struct Log {
    output: &'static Output,
    filter: reload::Handle<Targets, Registry>,
    in_force: Mutex<InForce>,
}

/// Which messages are logged, and who says so.
struct InForce {
    level: LogFilter,
    set_by: SetBy,
}

/// Who has set the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetBy {
    /// `level` in the configuration, or its default.
    Config,
    /// `LINEMILL_LOG`.
    Environment,
    /// `linemill log`, or another request to the admin address.
    Request,
}

/// What `GET /log` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStatus {
    /// The level in force, as it is written in the configuration.
    pub level: String,
    /// Who has set it.
    pub set_by: SetBy,
    /// `text` or `json`.
    pub format: String,
}

/// Starts logging. Only the first call has an effect.
///
/// # Errors
/// `LINEMILL_LOG` is not a level.
pub fn init() -> Result<(), Problem> {
    let variable = std::env::var_os(VARIABLE).filter(|level| !level.is_empty());
    let (level, set_by) = match &variable {
        None => (LogFilter::of(LogLevel::Info), SetBy::Config),
        Some(level) => (of_variable(&level.to_string_lossy())?, SetBy::Environment),
    };
    let (filter, handle) = reload::Layer::new(targets(&level));
    let output: &'static Output = Box::leak(Box::new(Output::new()));
    let in_force = Mutex::new(InForce { level, set_by });
    let log = Log {
        output,
        filter: handle,
        in_force,
    };
    if LOG.set(log).is_ok() {
        let subscriber = tracing_subscriber::registry().with(filter);
        // Somebody else's subscriber stays.
        drop(subscriber.with(LogLayer(output)).try_init());
    }
    Ok(())
}

/// From now on, a thread of its own writes the log. What cannot be written is dropped, and counts in
/// `counts`.
///
/// # Errors
/// The system has no thread for it.
pub fn run_in_thread(counts: LogMetrics) -> std::io::Result<()> {
    LOG.get()
        .map_or(Ok(()), |log| log.output.run_in_thread(counts))
}

/// Puts the first settings in force.
pub fn start(settings: &LogSettings) {
    let Some(log) = LOG.get() else { return };
    log.output.set_format(settings.format);
    let mut in_force = log.in_force();
    if in_force.set_by == SetBy::Config {
        log.set(&mut in_force, settings.level.clone(), SetBy::Config);
    }
}

/// Puts what differs in the settings of a reload in force.
pub fn follow(old: &LogSettings, new: &LogSettings) {
    let Some(log) = LOG.get() else { return };
    log.output.set_format(new.format);
    if old.level != new.level {
        log.set(&mut log.in_force(), new.level.clone(), SetBy::Config);
    }
}

/// Sets the level because somebody asks for it, and logs that.
///
/// # Errors
/// It is not a level.
pub fn set_level(level: &str, by: &str) -> Result<(), Malformed> {
    let filter: LogFilter = level.parse()?;
    let Some(log) = LOG.get() else { return Ok(()) };
    let told = || tracing::info!(level = %filter, by, "the log has another level");
    // The more verbose of both levels shows it.
    let shows = tracing::enabled!(Level::INFO);
    if shows {
        told();
    }
    log.set(&mut log.in_force(), filter.clone(), SetBy::Request);
    if !shows {
        told();
    }
    Ok(())
}

/// What is in force.
pub fn status() -> LogStatus {
    let Some(log) = LOG.get() else {
        return LogStatus {
            level: LogLevel::Off.keyword().to_owned(),
            set_by: SetBy::Config,
            format: LogFormat::Text.keyword().to_owned(),
        };
    };
    let format = if log.output.is_json() {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    let in_force = log.in_force();
    LogStatus {
        level: in_force.level.to_string(),
        set_by: in_force.set_by,
        format: format.keyword().to_owned(),
    }
}

/// Writes a line whatever the level: where the host listens.
pub fn announce(line: fmt::Arguments<'_>) {
    if let Some(log) = LOG.get() {
        log.output.print(Level::INFO, &format!("{}\n", shown(line)));
    }
}

/// Writes a text whatever the level: the error with which a verb ended, or what it says besides its output.
/// It is escaped already, and ends with a line feed.
pub fn complain(text: &str) {
    match LOG.get() {
        Some(log) => log.output.print(Level::ERROR, text),
        None => drop(std::io::Write::write_all(
            &mut writer::Stderr,
            text.as_bytes(),
        )),
    }
}

/// Logs a panic, whatever the level, and without tracing, in which it may have happened.
pub(crate) fn panicked(message: &str, place: &str, backtrace: Option<&str>, not_logged: u64) {
    let Some(log) = LOG.get() else { return };
    let text = match backtrace {
        Some(backtrace) => format!("a bug in linemill: {message}\n{backtrace}"),
        None => format!("a bug in linemill: {message}"),
    };
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default().to_owned();
    let fields = Fields::of(text)
        .with("at", Value::Plain(place.to_owned()))
        .with("thread", Value::Plain(thread))
        .with("not_logged", Value::Unsigned(not_logged));
    log.output.write_now(Level::ERROR, &fields);
}

/// Waits until the log is written, for a second at the longest, and less if it cannot be written.
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.output.flush(LAST_LINES);
    }
}

impl Log {
    fn set(&self, in_force: &mut InForce, level: LogFilter, set_by: SetBy) {
        if level != in_force.level {
            // It fails only if the subscriber is gone.
            drop(self.filter.reload(targets(&level)));
        }
        *in_force = InForce { level, set_by };
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The level in `LINEMILL_LOG`.
fn of_variable(level: &str) -> Result<LogFilter, Problem> {
    level.parse().map_err(|Malformed { fault, hint }| {
        Problem::new(
            format!("the environment variable {VARIABLE}: `{level}` {fault}"),
            hint,
        )
    })
}

/// The filter as tracing takes it.
fn targets(filter: &LogFilter) -> Targets {
    let mut targets = Targets::new();
    for (target, level) in filter.levels() {
        let level = match level {
            LogLevel::Off => LevelFilter::OFF,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        };
        targets = match target {
            Some(target) => targets.with_target(target, level),
            None => targets.with_default(level),
        };
    }
    targets
}
