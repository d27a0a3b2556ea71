//! The data plane, in the order of the data: [`listener`] accepts, `arrival` lets in,
//! [`transport`] carries the bytes, [`connection`] serves a stream, `way` leads one direction of
//! it, [`mod@line`] frames it, the chain filters it (`linemill_sandbox`), `outlet` passes it on: back,
//! to a next hop of the connection's own ([`hop`]), or to an [`output`] that connections share.

mod activity;
mod addresses;
mod arrival;
pub mod connection;
pub mod end;
pub mod hop;
pub mod listener;
pub mod outlet;
pub mod output;
mod pump;
mod read;
mod timer;
pub mod transport;
mod write_queue;
