//! The control plane: what decides which chains are in force.
//!
//! [`origin`] says where settings come from, [`load`] finds plugins, [`build`] makes a generation
//! of both, [`swap`] puts it in place, [`triggers`] says when, [`admin`] shows the state.

pub mod admin;
pub mod build;
mod certificates;
pub mod load;
pub mod origin;
pub mod swap;
pub mod triggers;
