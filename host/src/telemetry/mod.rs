//! What the host tells about itself: metrics for machines, a log for people.

pub mod log;
pub mod metrics;
