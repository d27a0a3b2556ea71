//! The control plane: what decides which chains are in force.
//!
//! [`origin`] says where settings come from, [`load`] finds plugins, [`build`] makes a generation
//! of both, [`reloader`] puts it in place, [`listeners`] listens, [`triggers`] and [`watch`] say when, [`history`] knows
//! what was, [`admin`] shows it and takes requests, [`ask`] makes them.

pub mod admin;
pub mod ask;
pub mod build;
mod certificates;
pub mod destinations;
pub mod history;
pub mod listeners;
pub mod load;
pub mod origin;
pub mod reloader;
pub mod request;
pub mod triggers;
pub mod watch;
