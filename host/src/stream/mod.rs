//! The data plane, in the order of the data: [`listener`] accepts, [`connection`] serves a
//! stream whose bytes [`transport`] carries, [`mod@line`] frames it, the chain filters it
//! (`crate::filter`), [`sink`] takes it away.

pub mod connection;
pub mod end;
pub mod line;
pub mod listener;
mod read;
pub mod sink;
pub mod transport;
