//! The log: to standard error, levels by consequence, filtered by `LINEMILL_LOG`.
//!
//! In: the environment. Out: a global tracing subscriber, and [`Gate`] for what could repeat
//! without end. Nothing is logged for each line above trace.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

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

/// Lets one in every second through, and counts the others.
#[derive(Debug)]
pub struct Gate {
    start: Instant,
    /// Second since `start` of the last pass, plus one; 0 before the first.
    last: AtomicU64,
    held: AtomicU64,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
            held: AtomicU64::new(0),
        }
    }
}

impl Gate {
    /// Lets nothing through.
    pub fn shut() -> Self {
        Self {
            last: AtomicU64::new(u64::MAX),
            ..Self::default()
        }
    }

    /// Whether nothing passes, ever.
    pub fn is_shut(&self) -> bool {
        self.last.load(Ordering::Relaxed) == u64::MAX
    }

    /// Whether to log now; if so, how many were held back since the last time.
    pub fn pass(&self) -> Option<u64> {
        let now = self.start.elapsed().as_secs() + 1;
        if self.last.fetch_max(now, Ordering::Relaxed) < now {
            return Some(self.held.swap(0, Ordering::Relaxed));
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        None
    }
}
