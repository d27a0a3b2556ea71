//! What is counted about memory.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::Holder;
use linemill_telemetry::EachValue;

linemill_telemetry::metrics! {
    /// The memory of the host.
    pub struct MemoryMetrics {
        /// The budget: key `memory` of `[host]`, or what `auto` found.
        #[metric("memory_limit", unit = "bytes")]
        pub limit: Gauge,
        /// Memory that is held, by what it is for.
        #[metric("memory_used", unit = "bytes")]
        pub used: EachValue<Holder, Gauge>,
        /// The most that was held at one time, all holders together.
        #[metric("memory_peak", unit = "bytes")]
        pub peak: Gauge,
        /// Memory of the process that is resident, as the system counts it.
        #[metric("memory_resident", unit = "bytes")]
        pub resident: Gauge,
        /// Requests for memory that were refused or had to wait, by what it was for.
        #[metric("memory_refused", unit = "requests")]
        pub refused: EachValue<Holder, Counter>,
        /// Memory mappings that instances of filters may have.
        #[metric("mappings_limit", unit = "mappings")]
        pub mappings_limit: Gauge,
        /// Memory mappings that instances of filters have.
        #[metric("mappings_used", unit = "mappings")]
        pub mappings_used: Gauge,
    }
}
