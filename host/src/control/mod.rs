//! The control plane: what decides which chains are in force.
//!
//! [`origin`] says where settings come from, [`load`] finds plugins, [`build`] makes a generation
//! of both, [`swap`] puts it in place, [`fleet`] listens, [`triggers`] and [`watch`] say when, [`history`] knows
//! what was, [`admin`] shows it and takes requests, [`ask`] makes them.

pub mod admin;
pub mod ask;
pub mod build;
mod certificates;
pub mod destinations;
pub mod fleet;
pub mod history;
pub mod load;
pub mod origin;
pub mod request;
pub mod swap;
pub mod triggers;
pub mod watch;
