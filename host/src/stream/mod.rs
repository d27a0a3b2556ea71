//! The data plane, in the order of the data: [`listener`] accepts, [`connection`] serves a
//! stream, `way` leads one direction of it, [`mod@line`] frames it, the chain filters it
//! (`crate::filter`), `outlet` passes it on.

mod activity;
pub mod connection;
pub mod end;
pub mod line;
pub mod listener;
mod outlet;
mod owed;
mod read;
mod timer;
mod way;
