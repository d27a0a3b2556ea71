//! Who holds memory.

use crate::budget::of;

linemill_telemetry::label_values! {
    /// What memory is for.
    pub enum Holder as "holder" {
        /// The process itself as it was when it began to serve.
        Host = "host",
        /// What each open connection needs in any case.
        Connections = "connections",
        /// Blocks that have been read and wait for filters or sinks, and partial lines.
        Lines = "lines",
        /// Output that waits for the sockets of clients and of upstreams that a connection does not share.
        Queues = "queues",
        /// Lines that wait for shared sinks.
        Sinks = "sinks",
        /// Linear memory and tables of instances, and what the host needs for each instance.
        Guests = "guests",
        /// Compiled plugins.
        Plugins = "plugins",
        /// Stores of filters.
        Stores = "stores",
    }
}

impl Holder {
    /// The most that it may hold, in percent of the limit (except for the first, of what the host itself
    /// leaves of it), so that it leaves room for the others.
    pub(crate) fn share(self) -> u64 {
        match self {
            Self::Host | Self::Connections | Self::Plugins => 100,
            Self::Guests => 75,
            Self::Lines | Self::Queues | Self::Sinks | Self::Stores => 40,
        }
    }

    /// The most that it may hold of `limit` bytes, without what the host itself holds.
    pub fn share_of(self, limit: u64) -> u64 {
        of(limit, self.share())
    }
}
