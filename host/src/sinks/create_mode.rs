//! The mode of a file that a sink creates.
//!
//! In: `file_mode` of the listeners that write to the file. Out: the mode for its writer, which follows
//! changes: it applies to files created from then on, for example after a log rotation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use linemill_config::settings::Mode;

/// The mode of a file, if it is created. Clones share it. By default the umask decides.
#[derive(Debug, Clone, Default)]
pub struct CreateMode(Arc<AtomicU32>);

/// Leaves the mode to the umask. No mode is this, because each lets the owner write.
const UMASK: u32 = 0;

impl CreateMode {
    /// This mode; `None` leaves it to the umask.
    pub fn new(mode: Option<Mode>) -> Self {
        let create = Self::default();
        create.set(mode);
        create
    }

    /// Changes it for all clones.
    pub(super) fn set(&self, mode: Option<Mode>) {
        let bits = mode.map_or(UMASK, Mode::bits);
        self.0.store(bits, Ordering::Relaxed);
    }

    /// The mode as chmod(2) takes it; `None` leaves it to the umask.
    pub(super) fn bits(&self) -> Option<u32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|bits| *bits != UMASK)
    }
}
