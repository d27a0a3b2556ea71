//! Tables `watermarks`, `rate` and `total_rate` of a listener: how much it reads.

use crate::keys::keys;
use crate::kind::{Count, Optional, Size};

keys! {
    /// Table `watermarks` of a listener: when to stop reading from a connection, and when to
    /// resume.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Watermarks: "`watermarks`" {
        /// Reading stops when more bytes than this are waiting.
        high: usize = 32 << 10, Size(1, 1 << 30), Live;
        /// Reading resumes when no more bytes than this are waiting; at most `high`.
        low: usize = 8 << 10, Size(0, 1 << 30), Live, default "a quarter of `high`";
    }
}

keys! {
    /// Tables `rate` and `total_rate` of a listener: limits on the input of a connection, or of all
    /// connections together.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Rate: "`rate`" {
        /// Bytes per second.
        bytes: Option<u64> = None, Optional(Size(1, 1 << 40), "no limit"), Live, default "no limit";
        /// Lines per second. Up to one second's worth of lines may arrive together.
        lines: Option<u64> = None, Optional(Count(1, 1 << 40), "no limit"), Live, default "no limit";
        /// How many bytes may arrive together; at least what `bytes` allows in 10 ms. Only with
        /// `bytes`.
        burst: Option<u64> = None, Optional(Size(1, 1 << 40), "as bytes"), Live,
            default "same as `bytes`";
    }
}
