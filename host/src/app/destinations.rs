//! From a listener's `to`, `routes` and `tee` to what takes its lines.
//!
//! In: settings, and the generation built of them, which has their certificates. Out: [`Opened`],
//! every file opened, or what is wrong with them. Next hops are not waited for: they may come later.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::config::report::{Report, Reports};
use crate::config::settings::{Destination, ListenerSettings, Settings};
use crate::generation::{Generation, Orders};
use crate::stream::hop::{Hop, Terms};
use crate::stream::outlet::{Destinations, Target};
use crate::stream::output::{Key, Outputs, SharedOutput};
use crate::telemetry::metrics::Metrics;

/// What takes the lines of all listeners.
#[derive(Debug, Default)]
pub struct Opened {
    /// By the listener's name.
    pub listeners: HashMap<String, Arc<Destinations>>,
    /// The outputs that they share.
    pub outputs: Outputs,
}

/// Opens what takes the lines of all listeners.
///
/// # Errors
/// Everything that cannot be opened.
pub fn open(
    settings: &Settings,
    generation: &Generation,
    metrics: &Metrics,
) -> Result<Opened, Reports> {
    let mut opened = Opened::default();
    let mut wrong = Vec::new();
    for listener in &settings.listeners {
        let Some(service) = generation.services.get(&listener.name) else {
            continue;
        };
        match destinations(listener, Terms::of(service), &mut opened.outputs, metrics) {
            Ok(destinations) => {
                let name = listener.name.clone();
                drop(opened.listeners.insert(name, Arc::new(destinations)));
            }
            Err(report) => wrong.push(report),
        }
    }
    Reports::new(wrong).map_or(Ok(opened), Err)
}

/// Looks for the folders of files; opens nothing.
///
/// # Errors
/// All that are missing.
pub fn check(settings: &Settings) -> Result<(), Reports> {
    let wrong = settings.listeners.iter().flat_map(|one| {
        all(one).filter_map(|(key, to)| match to {
            Destination::File(path) => {
                let error = missing(path).err()?;
                Some(unopened(one, key, to, &error))
            }
            _ => None,
        })
    });
    Reports::new(wrong.collect()).map_or(Ok(()), Err)
}

impl Opened {
    /// Gives next hops the timeout and the certificates of each generation that comes into force.
    pub async fn follow(self: Arc<Self>, mut orders: watch::Receiver<Orders>) {
        while orders.changed().await.is_ok() {
            let now = Arc::clone(&orders.borrow_and_update().generation);
            for (listener, destinations) in &self.listeners {
                // A listener that is gone leaves its last terms.
                if let Some(service) = now.services.get(listener) {
                    let terms = Terms::of(service);
                    destinations
                        .hops()
                        .for_each(|hop| hop.set_terms(terms.clone()));
                }
            }
        }
    }
}

fn destinations(
    listener: &ListenerSettings,
    terms: Terms,
    outputs: &mut Outputs,
    metrics: &Metrics,
) -> Result<Destinations, Report> {
    let hop = |to: &Destination| Hop::new(to, terms.clone());
    let mut shared = |key: &str, to: &Destination| -> Result<SharedOutput, Report> {
        let tls =
            matches!(to, Destination::Tls(_)).then(|| listener.to_tls.clone().unwrap_or_default());
        let id = Key {
            to: to.clone(),
            tls,
        };
        outputs
            .open(id, hop(to), listener.buffer, metrics)
            .map_err(|error| unopened(listener, key, to, &error))
    };
    let to = match (&listener.to, hop(&listener.to)) {
        (Destination::Reply, _) => Target::Reply,
        (_, Some(hop)) if !listener.shared => Target::Hop(hop),
        (to, _) => Target::Shared(shared("to", to)?),
    };
    let routes = listener.routes.iter();
    let routes = routes.map(|(route, to)| Ok((route.clone(), shared("routes", to)?)));
    let routes = routes.collect::<Result<_, Report>>()?;
    let tee = listener.tee.iter().map(|to| shared("tee", to));
    let tee = tee.collect::<Result<_, Report>>()?;
    Ok(Destinations { to, routes, tee })
}

/// Everywhere that a listener's lines go, with the key that says so.
fn all(listener: &ListenerSettings) -> impl Iterator<Item = (&'static str, &Destination)> {
    let routes = listener.routes.values().map(|to| ("routes", to));
    let tee = listener.tee.iter().map(|to| ("tee", to));
    [("to", &listener.to)].into_iter().chain(routes).chain(tee)
}

fn unopened(listener: &ListenerSettings, key: &str, to: &Destination, error: &io::Error) -> Report {
    let text = format!(
        "key `{key}` of listener `{}`: cannot open {to}: {error}",
        listener.name
    );
    let hint = "its folder must exist, and you must be allowed to write there";
    listener.places.of(key).report(text, hint)
}

/// Whether there can be a file at `path`, without opening it.
fn missing(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let folder = path.parent().unwrap_or(path);
    let folder = if folder == Path::new("") {
        Path::new(".")
    } else {
        folder
    };
    if folder.metadata()?.is_dir() {
        Ok(())
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}
