//! The log: to standard error, levels by consequence, filtered by `LINEMILL_LOG`.
//!
//! In: the environment. Out: a global tracing subscriber. Nothing is logged per line above trace.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Starts logging. Later calls have no effect.
pub fn init() {
    let asked = std::env::var("LINEMILL_LOG").unwrap_or_else(|_| "info".into());
    // A level alone is linemill's own: that of the compiler would drown it.
    let asked = match asked.parse::<LevelFilter>() {
        Ok(level) => format!("warn,linemill={level}"),
        Err(_) => asked,
    };
    let filter = EnvFilter::try_new(asked).unwrap_or_else(|_| EnvFilter::new("info"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // Already initialised: the first subscriber stays.
    drop(logging.try_init());
}
