//! Writes what a tap sees, until it ends.
//!
//! In: the observations in the tap's queue, and the generations in force. Out: chunks of lines of JSON, for
//! the client. Each tap has a thread of its own, below the priority of the others: what it searches and
//! formats takes no time from a thread that lines are on, and little from their processors (`pace`).
//! Not here: which observations come into the queue (`taps`), HTTP (`admin::tap`).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::event::{Event, Stage, direction};
use super::metrics::TapMetrics;
use super::pace::Pace;
use super::query::TapQuery;
use super::{Delivery, OpenTap};
use crate::generation::{Generation, Service, Snapshot};
use crate::version::VERSION;
use linemill_config::settings::{Token, When};
use linemill_config::{is_unprintable, printable_json};
use linemill_sandbox::chain::Chain;
use linemill_sandbox::chain::observation::ObservedLine;
use linemill_telemetry::{contained, panic_message};

/// Bytes after which a chunk is sent, even if more lines wait.
const CHUNK: usize = 16 << 10;
/// Chunks that may wait for the client.
const CHUNKS: usize = 2;
/// How long a client may read nothing.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take to read the last chunk.
const LAST: Duration = Duration::from_secs(5);
/// How often it is said how many lines were missed.
const TICK: Duration = Duration::from_secs(1);
/// By how much a tap's thread steps back behind those of the lines; 19 is the most.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// Writes what one tap sees.
pub(crate) struct Reader {
    tap: OpenTap,
    query: TapQuery,
    snapshot: watch::Receiver<Snapshot>,
    /// `admin_token` when the tap was opened.
    token: Option<Token>,
    metrics: TapMetrics,
    output: Output,
    shown: u64,
    /// The missed lines that the client knows of.
    reported: u64,
    /// The generation in force that the client knows of.
    generation: u64,
}

/// Where lines of JSON go.
struct Output {
    chunk: Vec<u8>,
    client: mpsc::Sender<Bytes>,
}

/// Why a tap ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum End {
    #[error("limit")]
    Limit,
    #[error("time")]
    Time,
    #[error("the host stops")]
    Stopping,
    #[error("switched off by `tap = false`")]
    SwitchedOff,
    #[error("the token has changed")]
    Token,
    #[error("its reader is too slow")]
    Stuck,
    #[error("its reader is gone")]
    Gone,
}

impl Reader {
    /// Writes what `tap` sees. Returns the chunks.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) fn start(
        tap: OpenTap,
        query: TapQuery,
        snapshot: watch::Receiver<Snapshot>,
        metrics: TapMetrics,
    ) -> io::Result<mpsc::Receiver<Bytes>> {
        let (client, chunks) = mpsc::channel(CHUNKS);
        let token = snapshot.borrow().generation().admin_token.clone();
        let reader = Self {
            tap,
            query,
            snapshot,
            token,
            metrics,
            output: Output {
                chunk: Vec::new(),
                client,
            },
            shown: 0,
            reported: 0,
            generation: 0,
        };
        // Its own runtime, so that it outlives that of the host by a moment without harm.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let running = move || {
            step_back();
            let ran = contained(|| runtime.block_on(reader.run()));
            if let Err(panic) = ran {
                let panic = panic_message(&*panic);
                tracing::error!(panic, "tap ended by a bug in linemill");
            }
        };
        std::thread::Builder::new()
            .name("tap".to_owned())
            .spawn(running)?;
        Ok(chunks)
    }

    async fn run(mut self) {
        let ended = match self.query.time {
            Some(time) => timeout(time, self.follow()).await.unwrap_or(End::Time),
            None => self.follow().await,
        };
        tracing::info!(
            shown = self.shown,
            missed = self.tap.missed(),
            "tap ended: {ended}"
        );
        self.report_missed();
        self.output.write(&Event::End {
            reason: ended.to_string().into(),
            shown: self.shown,
            missed: self.tap.missed(),
        });
        // A client that does not read it has no use for it.
        let _ = timeout(LAST, self.output.send()).await;
    }

    async fn follow(&mut self) -> End {
        let stages = self.note_generation();
        self.output.write(&Event::Tap {
            version: VERSION.into(),
            generation: self.generation,
            stages,
        });
        if let Err(end) = self.output.send().await {
            return end;
        }
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let client = self.output.client.clone();
        // When it looks at observations again; `None` if it waits for one.
        let mut pauses_until: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let pauses = pauses_until.is_some_and(|until| until > now);
            let sent = tokio::select! {
                biased;
                () = client.closed() => Err(End::Gone),
                changed = self.snapshot.changed() => match changed {
                    Ok(()) => self.follow_snapshot().await,
                    Err(_) => Err(End::Stopping),
                },
                _ = tick.tick() => {
                    self.report_missed();
                    self.output.send().await
                }
                () = sleep_until(pauses_until.unwrap_or(now)), if pauses => Ok(()),
                Some(delivery) = self.tap.next(), if !pauses => {
                    let pace = Pace::begin();
                    let shown = self.show_from(delivery, &pace).await;
                    pauses_until = Some(Instant::now() + pace.pause(self.tap.open()));
                    shown
                }
            };
            if let Err(end) = sent {
                return end;
            }
        }
    }

    /// Writes what waits, from this observation on, until it is time for a pause.
    async fn show_from(&mut self, first: Delivery, pace: &Pace) -> Result<(), End> {
        let mut next = Some(first);
        while let Some(delivery) = next {
            self.show(delivery).await?;
            next = if pace.is_over() {
                None
            } else {
                self.tap.waiting()
            };
        }
        self.output.send().await
    }

    /// Writes the lines of an observation that the client wants to see.
    async fn show(&mut self, delivery: Delivery) -> Result<(), End> {
        let observation = Arc::clone(&delivery.observation);
        for (number, line) in (delivery.first..).zip(observation.lines()) {
            let wanted = self.query.selection.sample.takes(number)
                && self.query.selection.only.takes(line.verdict)
                && self
                    .query
                    .matches
                    .as_ref()
                    .is_none_or(|when| matches(when, &line));
            if !wanted {
                continue;
            }
            self.output.write(&Event::line(&observation, &line));
            self.shown += 1;
            self.metrics.shown.inc();
            if self.query.limit == Some(self.shown) {
                return Err(End::Limit);
            }
            if self.output.chunk.len() >= CHUNK {
                self.output.send().await?;
            }
        }
        self.tap.done(&delivery);
        Ok(())
    }

    /// Another snapshot is in force, and perhaps another generation.
    async fn follow_snapshot(&mut self) -> Result<(), End> {
        let before = self.generation;
        let stages = self.note_generation();
        let (tap, token) = {
            let snapshot = self.snapshot.borrow();
            let generation = snapshot.generation();
            (generation.tap, generation.admin_token == self.token)
        };
        if !tap {
            return Err(End::SwitchedOff);
        }
        if !token {
            return Err(End::Token);
        }
        if self.generation == before {
            return Ok(());
        }
        let generation = self.generation;
        self.output.write(&Event::Generation { generation, stages });
        self.output.send().await
    }

    /// Notes the generation in force. Returns those of its stages that the tap covers.
    fn note_generation(&mut self) -> Vec<Stage> {
        let snapshot = self.snapshot.borrow_and_update();
        let generation = snapshot.generation();
        self.generation = generation.number;
        stages(generation, &self.query)
    }

    fn report_missed(&mut self) {
        let missed = self.tap.missed();
        if missed > self.reported {
            let lines = missed - self.reported;
            self.output.write(&Event::Missed { lines });
            self.reported = missed;
        }
    }
}

/// The stages of `generation` that the tap covers, by listener.
pub(crate) fn stages(generation: &Generation, query: &TapQuery) -> Vec<Stage> {
    let selection = &query.selection;
    let mut services: Vec<_> = generation
        .services
        .iter()
        .filter(|(name, _)| selection.covers_listener(name))
        .collect();
    services.sort_by_key(|(name, _)| *name);
    let of_service = |(name, service): (&String, &Arc<Service>)| {
        let forward = of_chain(name, &service.chain, false);
        let reply = of_chain(name, &service.reply_chain, true);
        forward.into_iter().chain(reply)
    };
    let stages = services.into_iter().flat_map(of_service);
    let covers = |stage: &Stage| {
        selection.covers_stage(stage.position, stage.stage.as_deref().unwrap_or_default())
    };
    stages.filter(covers).collect()
}

fn of_chain(listener: &str, chain: &Chain, reply: bool) -> Vec<Stage> {
    let stage = |stage: Option<String>, position, keeps_state| Stage {
        listener: listener.to_owned(),
        direction: direction(reply).into(),
        stage,
        position,
        keeps_state,
    };
    if chain.stages().is_empty() {
        // Answers of an upstream without a chain are as common as listeners without an upstream.
        return if reply {
            Vec::new()
        } else {
            vec![stage(None, 0, false)]
        };
    }
    let stages = chain.stages().iter().zip(1..);
    let of = |(one, position): (&linemill_sandbox::chain::Stage, usize)| {
        let filter = one.filter();
        stage(
            Some(filter.base_name().to_owned()),
            position,
            filter.keeps_state(),
        )
    };
    stages.map(of).collect()
}

/// Whether a content of the line matches, before or after the stage.
fn matches(when: &When, line: &ObservedLine<'_>) -> bool {
    line.before.is_some_and(|content| when.is_match(content))
        || line.after().any(|content| when.is_match(content))
        || line
            .routed()
            .iter()
            .any(|(content, _)| when.is_match(content))
}

impl Output {
    fn write(&mut self, event: &Event<'_>) {
        let from = self.chunk.len();
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut self.chunk, event);
        if self.chunk[from..]
            .iter()
            .any(|byte| !(b' '..=b'~').contains(byte))
        {
            let text = String::from_utf8_lossy(&self.chunk[from..]).into_owned();
            if text.contains(is_unprintable) {
                self.chunk.truncate(from);
                self.chunk
                    .extend_from_slice(printable_json(&text).as_bytes());
            }
        }
        self.chunk.push(b'\n');
    }

    /// Sends what has been written. May be dropped at any time: nothing is lost then.
    async fn send(&mut self) -> Result<(), End> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        match timeout(PATIENCE, self.client.reserve()).await {
            Ok(Ok(permit)) => {
                permit.send(Bytes::from(std::mem::take(&mut self.chunk)));
                Ok(())
            }
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Stuck),
        }
    }
}

/// Steps back behind the threads that lines are on.
fn step_back() {
    // Elsewhere than on Linux, this is a property of the process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "a tap runs with the priority of other threads");
    }
}
