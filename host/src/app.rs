//! Puts the planes together: the only place that knows every module.
//!
//! In: an [`Origin`]. Out: a host that serves until it is told to stop, and has drained.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use tokio::sync::mpsc;
use tokio::time;

use crate::control::admin::Admin;
use crate::control::build::build;
use crate::control::history::History;
use crate::control::origin::Origin;
use crate::control::reloader::{Reloader, SwapState};
use crate::control::request::Trigger;
use crate::control::triggers::{self, Stop};
use crate::control::watcher::Watcher;
use crate::generation::{DataPlane as _, Snapshot};
use crate::listeners::Listeners;
use crate::net::bind::{BindRequest, Socket, SystemdSockets};
use crate::sinks::registry::SinkRegistry;
use crate::telemetry::metrics::Metrics;
use linemill_config::Problems;
use linemill_config::settings::Settings;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::plugin::loader::Loader;

/// Runs the host: exits after a drain.
///
/// # Errors
/// When anything of the configuration cannot be had; nothing has been started then.
pub async fn serve(origin: Origin) -> anyhow::Result<()> {
    let started = Instant::now();
    let settings = origin.load()?;
    raise_descriptor_limit();
    let metrics = Arc::new(Metrics::new());
    let plugins = Loader::of_user(Arc::new(Engine::with_stack(settings.host.stack)?));
    let plugins = plugins
        .capturing(&settings.host)
        .map_err(|error| anyhow!("{error}\n   = hint: {}", error.hint))?;
    let plugins = Arc::new(plugins);
    let sinks = SinkRegistry::new(Arc::clone(&metrics));
    let first = build(&settings, None, &plugins, &metrics, Some(&sinks)).await?;
    metrics.reloads.in_force(first.number);
    let (snapshot, receiver) = Snapshot::first(first);
    let now = receiver.borrow().clone();

    let mut listeners = Listeners::new(
        SystemdSockets::from_env(),
        receiver.clone(),
        sinks.clone(),
        Arc::clone(&metrics),
    );
    let prepared = listeners.prepare(&settings, now.generation())?;
    let admin_socket = bind_admin(&settings, listeners.systemd())?;
    for name in listeners.systemd().left() {
        tracing::warn!(
            name,
            "no listener takes this socket of systemd's: its clients wait in vain"
        );
    }
    // Before `listening on` is printed: its reader may send signals and change files at once.
    let mut stop = Stop::catch().context("cannot catch signals")?;
    let (sender, requests) = mpsc::channel(16);
    let hangups = triggers::hangups(sender.clone(), move || sinks.reopen());
    let hangups = hangups.context("cannot catch signals")?;
    tokio::spawn(hangups);
    let mut watcher = Watcher::new(sender.clone());
    watcher.follow(&origin, &settings);
    let history = History::default();
    history.set_source(settings.place.source().cloned());
    history.add(
        now.generation(),
        &now.in_force.leases,
        Trigger::Start.to_string(),
        Vec::new(),
        started.elapsed(),
    );
    if let Some(socket) = admin_socket {
        eprintln!("admin listening on {}", socket.name());
        let admin = Admin {
            metrics: Arc::clone(&metrics),
            snapshot: receiver.clone(),
            history: history.clone(),
            origin: origin.clone(),
            requests: sender,
            token: settings.host.admin_token.clone(),
        };
        tokio::spawn(admin.serve(socket));
    }
    drop(now);
    listeners.start(prepared);
    let reloader = Reloader {
        origin,
        settings,
        plugins,
        listeners,
        metrics,
        history,
        snapshot: snapshot.clone(),
        watcher,
        swap_state: SwapState::default(),
    };
    let (end, ended) = tokio::sync::oneshot::channel();
    let swapping = tokio::spawn(reloader.run(requests, ended));

    let signal = stop.next().await.context("cannot catch signals")?;
    let grace = receiver.borrow().generation().drain;
    tracing::info!(signal, ?grace, "draining");
    let until = time::Instant::now() + grace;
    snapshot.send_modify(|snapshot| snapshot.drain_until = Some(until));
    // A reload under way is abandoned: what it built is either in force or not.
    let _ended_already = end.send(());
    let drained = async {
        if let Ok(mut listeners) = swapping.await {
            listeners.end(until).await;
        }
    };
    tokio::select! {
        () = drained => tracing::info!("drained"),
        _ = stop.next() => tracing::warn!("second signal: not waiting for connections"),
    }
    Ok(())
}

/// The socket of the admin address, if there is one.
fn bind_admin(
    settings: &Settings,
    systemd: &mut SystemdSockets,
) -> Result<Option<Socket>, Problems> {
    let host = &settings.host;
    let admin = host.admin.as_ref().map(|address| {
        let request = BindRequest::new(address, "the admin address", host.places.of("admin"));
        request.bind(systemd)
    });
    Ok(admin.transpose()?)
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
