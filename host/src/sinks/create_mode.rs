//! The mode of a file that a sink creates.
//!
//! In: `file_mode` of the listeners and filters that write to the file. Out: the mode for its writer,
//! which follows changes: it applies to files created from then on, for example after a log rotation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use linemill_config::settings::Mode;

/// The mode of a file, if it is created. Clones share it.
#[derive(Debug, Clone)]
pub struct CreateMode(Arc<AtomicU32>);

impl CreateMode {
    /// This mode.
    pub fn new(mode: Mode) -> Self {
        Self(Arc::new(AtomicU32::new(mode.bits())))
    }

    /// Changes it for all clones.
    pub(super) fn set(&self, mode: Mode) {
        self.0.store(mode.bits(), Ordering::Relaxed);
    }

    /// The mode as chmod(2) takes it.
    pub(super) fn bits(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for CreateMode {
    fn default() -> Self {
        Self::new(Mode::PRIVATE)
    }
}
