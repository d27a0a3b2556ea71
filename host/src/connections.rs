//! Connections: a client's stream from its first byte to its last.
//!
//! In: byte streams that a listener let in, or standard input. Out: lines, filtered, handed to
//! `sinks`; for each connection an [`End`](end::End). A [`Connection`](connection::Connection) runs
//! one pump per direction, each of which reads (`read`), frames, filters and passes
//! lines on, until it ends or has waited for too long (`timer`).
//! Not here: accepting (`listeners`), writing to anything but the own peer (`sinks`).

mod activity;
mod closing;
pub mod connection;
mod context;
pub mod datagrams;
pub mod end;
pub mod metrics;
mod pump;
mod read;
pub mod source;
pub mod tally;
mod timer;
mod turn;
