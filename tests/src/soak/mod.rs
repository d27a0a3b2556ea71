//! Lines that prove what swaps do to them, and connections that send them while chains are swapped.
//!
//! In: how many connections, lines and swaps. Out: the [`Observations`] of the connections, or the
//! first line that was lost, doubled, out of order, filtered by two generations, or filtered by an
//! older generation than the line before it.
//!
//! | module | what it does |
//! |---|---|
//! | `line` | the configuration of each generation, and what its lines must look like |
//! | `long_lived` | connections that stay open and check every line |
//! | `short_lived` | connections that come and go |
//! | `swaps` | swaps at a steady pace, and bursts of SIGHUPs |
//! | `storm` | reloads under connections of both kinds |
//! | `changes` | changes of where lines go and come from |
//! | `departures` | stops and removals under senders that need no answer |
//! | `churn` | what short-lived connections leave behind in the host |
//! | `siege` | everything at once: swaps, outages, full disks, and every kind of abuse |
//! | `observations` | latencies, gaps and moves, added up |
//!
//! Not here: how fast is fast enough. The tests run this for seconds, `linemill-bench` at full size.

mod changes;
mod churn;
#[cfg(unix)]
mod departures;
mod line;
mod long_lived;
mod observations;
mod short_lived;
#[cfg(unix)]
mod siege;
mod storm;
mod swaps;

pub use changes::{Changes, ChangesReport};
pub use churn::{Churn, ChurnReport};
#[cfg(unix)]
pub use departures::{Departure, Departures};
pub use long_lived::{LongLived, Pace, Phase};
pub use observations::Observations;
#[cfg(unix)]
pub use siege::{Siege, SiegeReport};
pub use storm::{Storm, StormReport};
pub use swaps::{Burst, BurstReport, Soak, Swaps};

/// The configuration of the first generation. Further tables can be appended to it.
pub fn config() -> String {
    line::config(1)
}
