//! From a listener's `to`, `routes` and `tee` to what takes its lines.
//!
//! In: settings, and the generation built of them, which has their certificates. Out: [`Opened`],
//! every file opened, or what is wrong with them. Next hops are not waited for: they may come later.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::report::{Report, Reports};
use crate::config::settings::{Destination, ListenerSettings, Settings};
use crate::generation::Generation;
use crate::stream::hop::Hop;
use crate::stream::outlet::{Destinations, Target};
use crate::stream::output::{Key, Outputs, SharedOutput};
use crate::telemetry::metrics::Metrics;
use crate::tls::Client;

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
        let service = generation.services.get(&listener.name);
        let client = service.and_then(|service| service.to_tls.as_ref());
        match destinations(listener, client, &mut opened.outputs, metrics) {
            Ok(destinations) => {
                let name = listener.name.clone();
                drop(opened.listeners.insert(name, Arc::new(destinations)));
            }
            Err(report) => wrong.push(report),
        }
    }
    Reports::new(wrong).map_or(Ok(opened), Err)
}

fn destinations(
    listener: &ListenerSettings,
    client: Option<&Arc<Client>>,
    outputs: &mut Outputs,
    metrics: &Metrics,
) -> Result<Destinations, Report> {
    let hop = |to: &Destination| Hop::new(to, client.cloned(), listener.connect_timeout);
    let mut shared = |key: &str, to: &Destination| -> Result<SharedOutput, Report> {
        let tls =
            matches!(to, Destination::Tls(_)).then(|| listener.to_tls.clone().unwrap_or_default());
        let id = Key {
            to: to.clone(),
            tls,
        };
        outputs
            .open(id, hop(to), listener.buffer, metrics)
            .map_err(|error| {
                let text = format!(
                    "key `{key}` of listener `{}`: cannot open {to}: {error}",
                    listener.name
                );
                listener.places.of(key).report(
                    text,
                    "its folder must exist, and you must be allowed to write there",
                )
            })
    };
    let to = match (&listener.to, hop(&listener.to)) {
        (Destination::Reply, _) => Target::Reply,
        (_, Some(hop)) if !listener.shared => Target::Hop(Arc::new(hop)),
        (to, _) => Target::Shared(shared("to", to)?),
    };
    let routes = listener.routes.iter();
    let routes = routes.map(|(route, to)| Ok((route.clone(), shared("routes", to)?)));
    let routes = routes.collect::<Result<_, Report>>()?;
    let tee = listener.tee.iter().map(|to| shared("tee", to));
    let tee = tee.collect::<Result<_, Report>>()?;
    Ok(Destinations { to, routes, tee })
}
