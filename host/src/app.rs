//! Puts the planes together: the only place that knows every module.
//!
//! In: an [`Origin`]. Out: a host that serves until it is told to stop, and has drained.

pub mod destinations;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::report::{Place, Reports};
use crate::config::settings::{Address, ListenerSettings, Settings};
use crate::control::admin;
use crate::control::build::build;
use crate::control::load::Plugins;
use crate::control::origin::Origin;
use crate::control::swap::Swapper;
use crate::control::triggers::{self, Stop, Watcher};
use crate::filter::engine::Engine;
use crate::generation::Orders;
use crate::stream::listener::Listener;
use crate::stream::outlet::Destinations;
use crate::stream::output::Outputs;
use crate::telemetry::metrics::Metrics;

/// Runs the host: exits after a drain.
///
/// # Errors
/// When anything of the configuration cannot be had; nothing has been started then.
pub async fn serve(origin: Origin) -> anyhow::Result<()> {
    let settings = origin.load()?;
    raise_descriptor_limit();
    let metrics = Arc::new(Metrics::new());
    let plugins = Arc::new(Plugins::new(Arc::new(Engine::new()?)));
    let first = build(&settings, None, &plugins, &metrics).await?;
    metrics.in_force(first.number);
    let (orders, receiver) = Orders::first(first);

    let opened = Arc::new(destinations::open(&settings, &metrics)?);
    let bound = bind_all(&settings).await?;
    let admin_socket = match &settings.host.admin {
        Some(address) => {
            Some(bind(address, &settings.host.admin_place, "the admin address").await?)
        }
        None => None,
    };
    // Whoever reads `listening on` may send signals and change files at once.
    let mut stop = Stop::catch().context("cannot catch signals")?;
    let (sender, triggers) = mpsc::channel(16);
    let reopening = Arc::clone(&opened);
    let hangups = triggers::hangups(sender.clone(), move || reopening.outputs.reopen());
    let hangups = hangups.context("cannot catch signals")?;
    tokio::spawn(hangups);
    let mut watcher = Watcher::new(sender);
    watcher.follow(&origin, &settings);
    if let Some(socket) = admin_socket {
        eprintln!("admin listening on {}", socket.local_addr()?);
        tokio::spawn(admin::serve(socket, Arc::clone(&metrics), receiver.clone()));
    }
    let listeners = start(bound, &opened.listeners, &metrics, &receiver)?;
    let swapper = Swapper {
        origin,
        settings,
        plugins,
        metrics,
        orders: orders.clone(),
    };
    let swapping = tokio::spawn(swapper.run(triggers, watcher));

    let signal = stop.next().await.context("cannot catch signals")?;
    let drain = receiver.borrow().generation.drain;
    tracing::info!(signal, grace = ?drain, "draining");
    swapping.abort();
    drain_all(orders, listeners, &opened.outputs, drain, &mut stop).await;
    Ok(())
}

async fn bind_all(settings: &Settings) -> Result<Vec<(ListenerSettings, TcpListener)>, Reports> {
    let mut bound = Vec::new();
    for listener in &settings.listeners {
        let what = format!("listener `{}`", listener.name);
        bound.push((
            listener.clone(),
            bind(&listener.bind, &listener.bind_place, &what).await?,
        ));
    }
    Ok(bound)
}

async fn bind(address: &Address, place: &Place, what: &str) -> Result<TcpListener, Reports> {
    let wrong =
        |text: String, hint: &str| Reports::from(place.report(format!("{what}: {text}"), hint));
    let Address::Tcp(address) = address else {
        return Err(wrong(
            "not yet: other than IP addresses".into(),
            "use an IP address and a port",
        ));
    };
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program listens there; stop it, or choose another port (0 lets the system choose)",
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; choose a higher one",
            std::io::ErrorKind::AddrNotAvailable => "use an address of this machine, such as 127.0.0.1 or 0.0.0.0",
            _ => "check the address",
        };
        wrong(format!("cannot listen on {address}: {error}"), hint)
    })
}

/// Starts what has been bound, each with a line on standard error that says where.
fn start(
    bound: Vec<(ListenerSettings, TcpListener)>,
    destinations: &HashMap<String, Arc<Destinations>>,
    metrics: &Metrics,
    orders: &watch::Receiver<Orders>,
) -> anyhow::Result<JoinSet<()>> {
    let mut listeners = JoinSet::new();
    for (settings, socket) in bound {
        let address: SocketAddr = socket.local_addr()?;
        let Some(destinations) = destinations.get(&settings.name) else {
            continue;
        };
        let listener = Listener::new(
            &settings.name,
            socket,
            Arc::clone(destinations),
            orders.clone(),
            metrics.listener(&settings.name),
        );
        listeners.spawn(listener.serve());
        eprintln!("listening on {address}");
    }
    Ok(listeners)
}

/// How long after the grace period outputs have for their last lines.
const LAST: Duration = Duration::from_secs(1);

/// Lets connections end, and outputs write what they were given, within `grace`; a second signal ends them at once.
async fn drain_all(
    orders: watch::Sender<Orders>,
    mut listeners: JoinSet<()>,
    outputs: &Outputs,
    grace: Duration,
    stop: &mut Stop,
) {
    let until = Instant::now() + grace;
    orders.send_modify(|orders| orders.drain_until = Some(until));
    let drained = async {
        while listeners.join_next().await.is_some() {}
        outputs.finish(until + LAST).await;
    };
    tokio::select! {
        () = drained => tracing::info!("drained"),
        _ = stop.next() => tracing::warn!("second signal: not waiting for connections"),
    }
}

/// Every connection takes a descriptor; the soft limit is often 1,024 for the sake of `select`.
fn raise_descriptor_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit on open files stays as it is");
        }
    }
}
