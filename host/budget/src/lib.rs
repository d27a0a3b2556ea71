//! One budget for the memory of a host.
//!
//! In: a limit, and requests of those who hold memory: connections, lines, queues, guests and plugins.
//! Out: a [`Lease`] for each, given back when it is dropped, or [`NoRoom`]. A [`Budget`] also bounds
//! how many memory mappings instances have, because the system ends a process that needs more.
//! [`machine`] reads the limits of the system.
//! Not here: who asks for how much, and what follows a refusal.
//!
//! What would only begin is refused first, what has begun may still grow for a while, and what drains
//! memory is always admitted (see [`Urgency`]). So a full budget empties itself.

mod budget;
mod holder;
mod lease;
pub mod machine;
mod mappings;
mod metrics;
#[cfg(test)]
mod tests;
mod usage;

pub use budget::{Budget, LastOne, NoRoom, Urgency};
pub use holder::Holder;
pub use lease::Lease;
pub use mappings::MappingLease;
pub use metrics::MemoryMetrics;
pub use usage::Usage;
