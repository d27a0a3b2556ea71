//! Puts the planes together: the only place that knows every module.
//!
//! In: an [`Origin`]. Out: a host that serves until it is told to stop, and has drained.

pub mod destinations;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bind::{Handed, Socket, Wanted, bind};
use crate::config::report::Reports;
use crate::config::settings::Settings;
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
    let opened = Arc::new(destinations::open(&settings, &first, &metrics)?);
    metrics.in_force(first.number);
    let (orders, receiver) = Orders::first(first);

    let (bound, admin_socket) = bind_all(&settings)?;
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
    tokio::spawn(Arc::clone(&opened).follow(receiver.clone()));
    let listeners = start(&settings, bound, &opened.listeners, &metrics, &receiver);
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

/// Everything that listens: the sockets of the listeners and of the admin address.
fn bind_all(settings: &Settings) -> Result<(Vec<Socket>, Option<TcpListener>), Reports> {
    let mut handed = Handed::from_env();
    let mut bound = Vec::new();
    for listener in &settings.listeners {
        bound.push(bind(listener, &mut handed)?);
    }
    let host = &settings.host;
    let admin = host.admin.as_ref().map(|address| {
        let wanted = Wanted::new(address, "the admin address", &host.admin_place);
        wanted.bind(&mut handed)?.into_tcp().ok_or_else(|| {
            let hint = "use a loopback address, such as \"127.0.0.1:9713\"";
            (host.admin_place).report(format!("the admin address: not yet: {address}"), hint)
        })
    });
    let admin = admin.transpose()?;
    for name in handed.left() {
        tracing::warn!(
            name,
            "no listener takes this socket of systemd's: its clients wait in vain"
        );
    }
    Ok((bound, admin))
}

/// Starts what has been bound, each with a line on standard error that says where.
fn start(
    settings: &Settings,
    bound: Vec<Socket>,
    destinations: &HashMap<String, Arc<Destinations>>,
    metrics: &Metrics,
    orders: &watch::Receiver<Orders>,
) -> JoinSet<()> {
    let mut listeners = JoinSet::new();
    for (settings, socket) in settings.listeners.iter().zip(bound) {
        let name = socket.name().clone();
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
        eprintln!("listening on {name}");
    }
    listeners
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
