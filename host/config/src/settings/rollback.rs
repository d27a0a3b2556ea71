//! Table `rollback` of `[host]`.

use std::time::Duration;

use super::Share;
use crate::keys::keys;
use crate::kind::{HOUR, Optional, Percentage, Time};

keys! {
    /// Table `rollback` of `[host]`: a swap is undone if a filter of a chain that it changed fails, or
    /// drops, a larger share of its lines within some time.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Rollback: "`rollback`" {
        /// The largest share of lines that a filter may fail after a swap that introduced it, or that
        /// changed a chain that it is in. If it failed lines at that place before, this is the share of
        /// those that it did not fail. Fewer than ten failed lines are always tolerated.
        share: Option<Share> = None, Optional(Percentage, "off"), Live, default "off";
        /// The largest share of lines that a filter may drop by its verdict, likewise. For filters that
        /// are not meant to lose many lines: `"50%"` undoes a swap if a filter drops more than half of
        /// the lines that it let through before.
        dropped: Option<Share> = None, Optional(Percentage, "off"), Live, default "off";
        /// How long lines are counted after the swap.
        window: Duration = Duration::from_secs(30), Time(Duration::from_secs(1), HOUR), Live;
    }
}
