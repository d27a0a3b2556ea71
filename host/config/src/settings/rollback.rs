//! Table `rollback` of `[host]`.

use std::time::Duration;

use super::Share;
use crate::keys::keys;
use crate::kind::{HOUR, Percentage, Time};

keys! {
    /// Table `rollback` of `[host]`: a swap is undone if a filter that it introduced fails a larger
    /// share of its lines within some time.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Rollback: "`rollback`" {
        /// The largest share of lines that a filter may fail after the swap that introduced it.
        /// Fewer than ten failed lines are always tolerated.
        share: Share = Share::ALL, Percentage, Live, default "required";
        /// How long lines are counted after the swap.
        window: Duration = Duration::from_secs(30), Time(Duration::from_secs(1), HOUR), Live;
    }
}
