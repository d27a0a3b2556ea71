//! A host whose sockets are bound: it serves, and drains.
//!
//! In: the first generation, a future that asks for the shutdown, and one that cuts the drain short. Out:
//! a host that has drained. Not here: signals (`app::run`).

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant as StdInstant, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{Built, Loaded};
use crate::connections::tally::Tally;
use crate::control::admin::http::Clients;
use crate::control::admin::local_token::TokenFiles;
use crate::control::admin::server::{AdminServer, LastSocket, PreparedAdmin};
use crate::control::admin::{Admin, Output};
use crate::control::disk::Disk;
use crate::control::history::History;
use crate::control::reloader::{Reloader, SwapState};
use crate::control::request::{Request, Trigger};
use crate::control::sampler::{self, Sampler, Sampling, Subject};
use crate::control::service_manager::ServiceManager;
use crate::control::triggers::StopSignal;
use crate::control::watcher::Watcher;
use crate::generation::{DataPlane as _, Snapshot};
use crate::listeners::view::RunningListeners;
use crate::listeners::{Listeners, Prepared};
use crate::memory::MemoryWatch;
use crate::net::bind::SystemdSockets;
use crate::sinks::metrics::OutputMetrics;
use crate::sinks::outage::SinkState;
use crate::sinks::registry::SinkRegistry;
use linemill_config::settings::Address;

/// Requests that may wait for the reloader; more than that wait at their senders.
const REQUESTS: usize = 16;

/// How long shared sinks may write their last lines after the grace period.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How long connections have to count what they hold when nobody waits for them.
const LAST_COUNTS: Duration = Duration::from_millis(500);
/// Interval at which it is looked whether they have.
const LOOK: Duration = Duration::from_millis(5);

/// How long a drain may last after that.
const OVERDUE: Duration = Duration::from_secs(5);

/// A host whose sockets are bound. It accepts no connections yet.
pub struct Host {
    loaded: Loaded,
    publisher: watch::Sender<Snapshot>,
    snapshot: watch::Receiver<Snapshot>,
    sinks: SinkRegistry,
    listeners: Listeners,
    /// The listeners to start.
    prepared: Prepared,
    /// The admin address to serve.
    admin: PreparedAdmin,
    sender: mpsc::Sender<Request>,
    requests: mpsc::Receiver<Request>,
}

/// Binds the sockets of the first generation.
///
/// # Errors
/// Every socket that cannot be bound.
pub fn bind(built: Built) -> anyhow::Result<Host> {
    let Built {
        loaded,
        sinks,
        generation,
    } = built;
    let metrics = &loaded.metrics;
    metrics.reloads.in_force(generation.number);
    let (publisher, snapshot) = Snapshot::first(generation);
    let first = Arc::clone(snapshot.borrow().generation());
    let mut listeners = Listeners::new(
        SystemdSockets::from_env(),
        snapshot.clone(),
        metrics.listeners.clone(),
        metrics.lines.clone(),
    );
    let prepared = listeners.prepare(&loaded.settings, &first)?;
    let admin = AdminServer::first(&loaded.settings, &mut listeners)?;
    for name in listeners.systemd().left() {
        tracing::warn!(
            name,
            "no listener uses this socket from systemd: its clients will hang"
        );
    }
    let (sender, requests) = mpsc::channel(REQUESTS);
    Ok(Host {
        loaded,
        publisher,
        snapshot,
        sinks,
        listeners,
        prepared,
        admin,
        sender,
        requests,
    })
}

impl Host {
    /// The bound address of each listener, by name.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, &Address)> {
        self.prepared.addresses()
    }

    /// Where to send requests for the reloader.
    pub fn requests(&self) -> mpsc::Sender<Request> {
        self.sender.clone()
    }

    /// The sinks that connections share.
    pub fn sinks(&self) -> SinkRegistry {
        self.sinks.clone()
    }

    /// Serves until `shutdown` resolves with the reason to log, and for `drain_delay` after that. Then
    /// stops accepting, and returns when all connections have ended, at the end of the grace period, or
    /// when `abort` resolves, with the signal that it resolves with.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = &'static str>,
        abort: impl Future<Output = StopSignal>,
    ) -> Option<StopSignal> {
        let (snapshot, publisher) = (self.snapshot.clone(), self.publisher.clone());
        let sinks = self.sinks.clone();
        let metrics = &self.loaded.metrics;
        let (lines, clients) = (metrics.lines.clone(), metrics.listeners.clone());
        let budget = Arc::clone(self.loaded.plugins.engine().budget());
        let _memory = MemoryWatch::start(budget);
        let tokens = TokenFiles::default();
        // However serving ends: requests of the admin address may outlive this.
        let socket = LastSocket::default();
        let _removed = RemovedAtEnd {
            tokens: tokens.clone(),
            socket: socket.clone(),
        };
        let manager = ServiceManager::from_env();
        let (reloader, requests, _sampling) = self.start(tokens, socket, manager.clone()).await;
        let (end, ended) = oneshot::channel();
        let (ask, pings) = mpsc::channel(1);
        manager.ready(&reloader.state());
        let reloading = tokio::spawn(reloader.run(requests, pings, ended));
        tokio::spawn(manager.clone().keep_alive(ask));

        let reason = shutdown.await;
        manager.stopping();
        let mut abort = pin!(abort);
        let mut aborted = None;
        let delay = snapshot.borrow().generation().drain_delay;
        if !delay.is_zero() {
            tracing::info!(
                signal = reason,
                ?delay,
                "stopping; connections are still accepted"
            );
            publisher.send_modify(|snapshot| snapshot.stopping = true);
            tokio::select! {
                () = sleep(delay) => {}
                signal = &mut abort => aborted = Some(signal),
            }
        }
        // Listeners that end take their counts along, unless somebody else holds them.
        let names = names(&snapshot.borrow());
        let counts: Vec<_> = names.iter().map(|name| lines.of(name)).collect();
        let open: Vec<_> = names.iter().map(|name| clients.of(name)).collect();
        let tally = || {
            let mut tally = Tally::default();
            for counts in &counts {
                tally.add(&counts.tally());
            }
            tally
        };
        let before = tally();
        let grace = snapshot.borrow().generation().drain;
        if aborted.is_none() {
            tracing::info!(signal = reason, ?grace, "draining");
        }
        let until = Instant::now() + grace;
        publisher.send_modify(|snapshot| {
            snapshot.stopping = true;
            snapshot.drain_until = Some(until);
        });
        // The reloader publishes whole generations, so it can be stopped at any time.
        let _already_ended = end.send(());
        let drained = async {
            let tally = match reloading.await {
                Ok(mut listeners) => listeners.end().await,
                Err(_) => Tally::default(),
            };
            // Connections may have delivered lines until a moment ago.
            let deadline = until.max(Instant::now()) + LAST_LINES;
            (tally, sinks.finish(deadline).await)
        };
        if aborted.is_none() {
            tokio::select! {
                (tally, lost) = drained => log_drained(&tally, lost),
                signal = &mut abort => aborted = Some(signal),
                // Each part has its own deadline; only a bug misses it.
                () = sleep_until(until + LAST_LINES + OVERDUE) => {
                    tracing::error!("the drain does not end: not waiting any longer");
                }
            }
        } else {
            drop(drained);
        }
        if let Some(signal) = aborted {
            // Without their listeners, connections end, and count what they hold.
            let counting = async {
                while open.iter().any(|one| one.connections.get() > 0) {
                    sleep(LOOK).await;
                }
            };
            // Whoever takes longer is cut as well.
            let _ = timeout(LAST_COUNTS, counting).await;
            let lost = timeout(LAST_COUNTS, sinks.finish(Instant::now())).await;
            log_aborted(signal, &tally().since(&before), lost.unwrap_or_default());
        }
        aborted
    }

    /// Starts the listeners, the admin address and the watcher. Returns the reloader, ready to run, and what
    /// looks at counts until it is dropped.
    async fn start(
        self,
        tokens: TokenFiles,
        socket: LastSocket,
        manager: ServiceManager,
    ) -> (Reloader<Listeners>, mpsc::Receiver<Request>, Sampling) {
        let Self {
            loaded,
            publisher,
            snapshot,
            sinks,
            mut listeners,
            prepared,
            admin,
            sender,
            requests,
        } = self;
        let Loaded {
            origin,
            settings,
            metrics,
            plugins,
            taps,
            inputs,
            started,
        } = loaded;
        let budget = Arc::clone(plugins.engine().budget());
        let disk = Disk::new(metrics.reloads.clone());
        let watcher = Watcher::new(sender.clone(), disk.clone());
        watcher.follow(&inputs);
        let inputs = Arc::new(inputs.all());
        watcher.in_force(settings.host.watch, Arc::clone(&inputs), Vec::new());
        watcher.is_watching().await;
        let history = History::default();
        history.set_sources(settings.sources.clone());
        {
            let first = snapshot.borrow();
            history.add(
                first.generation(),
                &first.in_force.leases,
                Trigger::Start.to_string(),
                Vec::new(),
                started.elapsed(),
            );
        }
        let (views, sampler) = (listeners.views(), Sampler::default());
        let sampling = sampler.start(sampled(views.clone(), snapshot.clone()));
        let shared = sinks.clone();
        let mut server = AdminServer::new(Admin {
            registry: Arc::clone(&metrics.registry),
            reloads: metrics.reloads.clone(),
            outputs: Arc::new(move || outputs(&shared)),
            listeners: views,
            sampler,
            started: (SystemTime::now(), StdInstant::now()),
            certificates: metrics.certificates,
            snapshot,
            history: history.clone(),
            origin: origin.clone(),
            disk: disk.clone(),
            requests: sender,
            clients: Clients::new(metrics.admin.clone()),
            metrics: metrics.admin,
            tokens,
            budget,
            taps: Arc::clone(&taps),
        })
        .known_by(socket);
        // Who asks the admin address must not see a host without listeners.
        listeners.start(prepared);
        server.start(admin, &settings);
        let reloader = Reloader {
            origin,
            settings,
            plugins,
            taps,
            sinks,
            listeners,
            admin: server,
            metrics: metrics.reloads,
            filter_metrics: metrics.filters,
            history,
            snapshot: publisher,
            inputs,
            watcher,
            disk,
            swap_state: SwapState::default(),
            manager,
        };
        (reloader, requests, sampling)
    }
}

/// Removes the files of the admin address when dropped.
struct RemovedAtEnd {
    tokens: TokenFiles,
    socket: LastSocket,
}

impl Drop for RemovedAtEnd {
    fn drop(&mut self) {
        self.tokens.remove_all();
        self.socket.remove_file();
    }
}

/// The listeners that have connections.
fn names(snapshot: &Snapshot) -> Vec<String> {
    let generation = snapshot.generation();
    let names = generation.services.keys().chain(generation.leaving.keys());
    names.cloned().collect()
}

/// Logs that a second signal came, and how many lines were delivered and dropped since the first one.
/// `lost` of the delivered ones did not leave the host.
fn log_aborted(signal: StopSignal, tally: &Tally, lost: u64) {
    let (delivered, dropped) = (tally.delivered.saturating_sub(lost), tally.dropped());
    let reasons = tally.reasons();
    tracing::warn!(%signal, delivered, dropped, %reasons, lost, "second signal: not waiting for connections");
}

/// Logs how many lines were delivered and dropped during a drain. `lost` of the delivered ones did not
/// leave the host.
fn log_drained(tally: &Tally, lost: u64) {
    let (delivered, dropped) = (tally.delivered.saturating_sub(lost), tally.dropped());
    if dropped + lost == 0 {
        tracing::info!(delivered, "drained");
    } else {
        let reasons = tally.reasons();
        tracing::warn!(delivered, dropped, %reasons, lost, "drained; lines were dropped");
    }
}

/// The sinks that connections share, with their counts.
fn outputs(sinks: &SinkRegistry) -> Vec<Output> {
    let states = sinks.states().into_iter();
    let output = |(name, state, counts): (String, SinkState, OutputMetrics)| Output {
        name,
        state,
        counts,
    };
    states.map(output).collect()
}

/// What rates are computed of: the counts of all listeners and filters.
fn sampled(
    listeners: RunningListeners,
    snapshot: watch::Receiver<Snapshot>,
) -> impl Fn() -> HashMap<Subject, sampler::Counts> + Send {
    move || {
        let generation = Arc::clone(snapshot.borrow().generation());
        let filters = generation.filters.iter();
        let filters =
            filters.map(|(name, filter)| (Subject::Filter(name.clone()), filter.sampled()));
        let listeners = listeners.all().into_iter().map(|view| {
            let subject = Subject::Listener(view.name().to_owned());
            (subject, view.lines().totals().sampled())
        });
        listeners.chain(filters).collect()
    }
}
