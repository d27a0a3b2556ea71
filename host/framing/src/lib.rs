//! Line framings: the bytes of a stream become lines, and lines become bytes again.
//!
//! In: blocks of bytes as they were read, and [`LineSettings`]. Out: [`Lines`], many in one block,
//! and [`Encoded`] bytes in the framing of the other side. Everything that depends on a framing's
//! grammar is in this crate.
//! Not here: sockets, time, filters, what a configuration calls these settings.

pub mod blocks;
mod encode;
mod framer;
mod framing;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod lines;
pub mod scan;
mod settings;

pub use encode::Encoded;
pub use framer::{Closed, Counts, Framer, SMALL};
pub use framing::Framing;
pub use lines::Lines;
pub use settings::{LineSettings, Oversize, Partial, Unfit};
