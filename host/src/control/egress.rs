//! Opens the sinks that the configuration names: `to`, `routes` and `tee` of a listener, `quarantine` of
//! a filter.
//!
//! In: a listener's settings and its service, which has its certificates; or a filter's settings. Out:
//! [`Destinations`] or a [`Quarantine`] with all files open, or a report. Upstreams are connected later,
//! when there are lines for them.

use std::io;
use std::path::Path;

use crate::generation::Service;
use crate::stream::hop::{Hop, Terms};
use crate::stream::outlet::{Destinations, Target};
use crate::stream::output::{Batch, Key, Outputs, SharedOutput};
use crate::telemetry::metrics::Metrics;
use linemill_config::settings::{Destination, FilterSettings, ListenerSettings, Settings};
use linemill_config::{Problem, Problems};
use linemill_framing::Framing;
use linemill_sandbox::supervise::quarantine::Quarantine;

/// Checks that the folders of all file destinations exist, without opening anything.
///
/// # Errors
/// Every folder that is missing.
pub fn check(settings: &Settings) -> Result<(), Problems> {
    let wrong = settings.listeners.iter().flat_map(|one| {
        all(one).filter_map(|(key, to)| match to {
            Destination::File(path) => {
                let error = check_folder(path).err()?;
                Some(unopened(one, key, to, &error))
            }
            _ => None,
        })
    });
    let quarantines = settings.filters.values().filter_map(|filter| {
        let Some(to @ Destination::File(path)) = &filter.quarantine else {
            return None;
        };
        let error = check_folder(path).err()?;
        Some(no_quarantine(filter, to, &error))
    });
    Problems::new(wrong.chain(quarantines).collect()).map_or(Ok(()), Err)
}

/// Opens the quarantine of a filter, if its settings name one.
///
/// # Errors
/// The quarantine cannot be opened.
pub fn quarantine(
    filter: &FilterSettings,
    outputs: &Outputs,
    metrics: &Metrics,
) -> Result<Option<Quarantine>, Problem> {
    let Some(to) = &filter.quarantine else {
        return Ok(None);
    };
    let ListenerSettings {
        buffer,
        connect_timeout,
        ..
    } = ListenerSettings::default();
    let terms = Terms {
        connect_timeout,
        tls: None,
    };
    let key = Key {
        to: to.clone(),
        tls: None,
    };
    let output = outputs
        .open(key, Hop::new(to, terms), buffer, metrics)
        .map_err(|error| no_quarantine(filter, to, &error))?;
    let sink = QuarantineSink {
        output: Some(output),
        outputs: outputs.clone(),
    };
    let offer = move |bytes| sink.offer(bytes);
    Ok(Some(Quarantine::new(to.to_string(), Box::new(offer))))
}

/// A sink that a filter uses as quarantine; closed with the filter unless a listener shares it.
struct QuarantineSink {
    /// `Some` until this is dropped.
    output: Option<SharedOutput>,
    outputs: Outputs,
}

impl QuarantineSink {
    fn offer(&self, bytes: Vec<u8>) -> bool {
        let batch = Batch {
            bytes,
            lines: 1,
            framing: Framing::Lf,
        };
        self.output
            .as_ref()
            .is_some_and(|output| output.offer(&batch))
    }
}

impl Drop for QuarantineSink {
    fn drop(&mut self) {
        self.output = None;
        self.outputs.sweep();
    }
}

fn no_quarantine(filter: &FilterSettings, to: &Destination, error: &io::Error) -> Problem {
    let text = format!(
        "key `quarantine` of filter `{}`: cannot open {to}: {error}",
        filter.name
    );
    filter.places.of("quarantine").problem(text, UNOPENED)
}

/// The hint for a sink that cannot be opened.
const UNOPENED: &str = "its folder must exist, and you must be allowed to write there";

/// Opens the sinks of a listener. Sinks that several listeners share are registered in `outputs`.
///
/// # Errors
/// The first sink that cannot be opened.
pub fn open(
    listener: &ListenerSettings,
    service: &Service,
    outputs: &Outputs,
    metrics: &Metrics,
) -> Result<Destinations, Problem> {
    let terms = Terms::of(service);
    let hop = |to: &Destination| Hop::new(to, terms.clone());
    let shared = |key: &str, to: &Destination| -> Result<SharedOutput, Problem> {
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
    let routes = routes.collect::<Result<_, Problem>>()?;
    let tee = listener.tee.iter().map(|to| shared("tee", to));
    let tee = tee.collect::<Result<_, Problem>>()?;
    Ok(Destinations { to, routes, tee })
}

/// The destinations of a listener, each with the key that names it.
fn all(listener: &ListenerSettings) -> impl Iterator<Item = (&'static str, &Destination)> {
    let routes = listener.routes.values().map(|to| ("routes", to));
    let tee = listener.tee.iter().map(|to| ("tee", to));
    [("to", &listener.to)].into_iter().chain(routes).chain(tee)
}

fn unopened(
    listener: &ListenerSettings,
    key: &str,
    to: &Destination,
    error: &io::Error,
) -> Problem {
    let text = format!(
        "key `{key}` of listener `{}`: cannot open {to}: {error}",
        listener.name
    );
    listener.places.of(key).problem(text, UNOPENED)
}

/// Checks that a file can be created at `path`, without creating it.
fn check_folder(path: &Path) -> io::Result<()> {
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
