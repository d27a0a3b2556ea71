//! The control plane: decides which generation is in force.
//!
//! [`origin`] names the configuration, [`build`] makes a generation of it, and [`reloader`] publishes
//! it. It reaches listeners and sinks only by the traits in `crate::generation`. [`triggers`],
//! [`watcher`] and [`admin`] send [`request`]s to the reloader; [`history`] records what it did,
//! [`disk`] whether the files on disk are in force, and [`service_manager`] tells systemd.
//!
//! In: files, signals and requests. Out: generations, published through `crate::generation`.
//! Not here: anything that happens per connection or per line.

pub mod admin;
pub mod build;
mod certificates;
pub mod circles;
pub mod disk;
pub mod history;
pub mod origin;
pub mod reloader;
pub mod request;
pub mod sampler;
pub mod service_manager;
pub mod taps;
pub mod triggers;
pub mod warnings;
pub mod watcher;
