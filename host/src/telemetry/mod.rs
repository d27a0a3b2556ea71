//! The log of the host. Metrics are declared next to the code that counts them (`crate::metrics`).

pub mod log;
