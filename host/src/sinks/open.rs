//! Opening the sinks of a listener.
//!
//! In: its `to`, `routes` and `tee`, and its certificates. Out: an [`Egress`] whose files are open, or a
//! report of what cannot be opened. Upstreams are not connected yet: they may come later. Not here:
//! `quarantine` (`super::quarantine`).

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::egress::{Egress, Sink};
use super::registry::{Key, SinkRegistry};
use super::shared_sink::SharedSink;
use super::upstream::ConnectOptions;
use crate::net::tls::Client;
use linemill_config::settings::{Destination, FilterSettings, ListenerSettings, Settings};
use linemill_config::{Problem, Problems, is_shortage};

/// The hint for a file that cannot be opened.
const HINT: &str = "its folder must exist, and you must be allowed to write there";

/// Looks for the folders of all files that `settings` name as sinks; opens nothing.
///
/// # Errors
/// Every folder that is missing.
pub fn check(settings: &Settings) -> Result<(), Problems> {
    let sinks = settings.listeners.iter().flat_map(|listener| {
        listener.destinations().filter_map(move |(key, to)| {
            let error = unusable(to)?;
            Some(sink_problem(listener, key, to, &error))
        })
    });
    let quarantines = settings.filters.values().filter_map(|filter| {
        let to = filter.quarantine.as_ref()?;
        let error = unusable(to)?;
        Some(quarantine_problem(filter, to, &error))
    });
    Problems::new(sinks.chain(quarantines).collect()).map_or(Ok(()), Err)
}

/// Opens the sinks of `listener`, with `tls` for those that speak TLS. Sinks that are open already,
/// because another generation or listener has them, are used again.
///
/// # Errors
/// The first that cannot be opened.
pub fn open(
    listener: &ListenerSettings,
    tls: Option<Arc<Client>>,
    registry: &SinkRegistry,
) -> Result<Egress, Problem> {
    let options = ConnectOptions::of(listener, tls);
    let key = |to: &Destination| Key::of(to, listener);
    let shared = |named: &str, to: &Destination| -> Result<SharedSink, Problem> {
        registry
            .open_with(key(to), &options, listener.buffer, listener.file_mode)
            .map_err(|error| sink_problem(listener, named, to, &error))
    };
    let own = || registry.own_upstreams(&listener.name, key(&listener.to), &options);
    let own = (!listener.shared).then(own).flatten();
    let to = match (&listener.to, own) {
        (Destination::Reply, _) => Sink::Reply,
        (_, Some(upstreams)) => Sink::Upstreams(upstreams),
        (to, None) => Sink::Shared(shared("to", to)?),
    };
    let routes = listener
        .routes
        .iter()
        .map(|(route, to)| Ok((route.clone(), shared("routes", to)?)));
    let tee = listener.tee.iter().map(|to| shared("tee", to));
    Ok(Egress {
        to,
        routes: routes.collect::<Result<_, Problem>>()?,
        tee: tee.collect::<Result<_, Problem>>()?,
        options,
        buffer: listener.buffer,
        file_mode: listener.file_mode,
    })
}

/// Says that the `quarantine` of `filter` cannot be opened.
pub(super) fn quarantine_problem(
    filter: &FilterSettings,
    to: &Destination,
    error: &io::Error,
) -> Problem {
    let text = format!(
        "key `quarantine` of filter `{}`: cannot open {to}: {error}",
        filter.name
    );
    let problem = filter.places.of("quarantine").problem(text, HINT);
    problem.passing_if(is_shortage(error))
}

/// Says that a sink of `listener`, named by `key`, cannot be opened.
fn sink_problem(
    listener: &ListenerSettings,
    key: &str,
    to: &Destination,
    error: &io::Error,
) -> Problem {
    let text = format!(
        "key `{key}` of listener `{}`: cannot open {to}: {error}",
        listener.name
    );
    let problem = listener.places.of(key).problem(text, HINT);
    problem.passing_if(is_shortage(error))
}

/// Why `to` cannot be opened, as far as that shows without opening it; always `None` for anything
/// but files.
fn unusable(to: &Destination) -> Option<io::Error> {
    let Destination::File(path) = to else {
        return None;
    };
    if path.is_dir() {
        return Some(io::ErrorKind::IsADirectory.into());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) => Path::new("."),
        None => path,
    };
    match folder.metadata() {
        Ok(found) if found.is_dir() => None,
        Ok(_) => Some(io::ErrorKind::NotADirectory.into()),
        Err(error) => Some(error),
    }
}
