//! Lines that prove what swaps do to them, and whoever sends them while chains are swapped.
//!
//! In: how much of everything. Out: what was [`Found`], or the first line that was lost, doubled,
//! out of order, filtered by two generations, or by an older one than the line before it. The
//! generations' configurations and what they make of a line are in `line`, connections that
//! last in `traffic`, those that come and go in `visitors`, the swaps in `swaps`, what coming and
//! going leaves behind in `churn`. Not here:
//! a judgement on times; the test suite runs this for a few seconds, `linemill-bench` as a whole.

mod churn;
mod found;
mod line;
mod storm;
mod swaps;
mod traffic;
mod visitors;

pub use churn::{Churn, Churned};
pub use found::Found;
pub use storm::{Storm, Stormed};
pub use swaps::{Burst, Bursts, Soak, Swaps};
pub use traffic::{Pace, Phase, Traffic};

/// The configuration of the first generation, behind which more tables can be put.
pub fn config() -> String {
    line::config(1)
}
