//! The watcher's task: looks at files, and decides what has changed.
//!
//! In: events, time, and what to watch. Out: reload requests, and the state of [`Disk`]. A file has changed
//! when its content is not what the last load found. A change that an event named is taken at once. One
//! that no event named is taken when two looks have found the same, because nothing says whether the file
//! is complete. Files that are being written to wait.
//! Not here: how files are looked at (`look`), what events mean (`file_events`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};

use super::file_events::{Identity, Source};
use super::look::{Found, Known as Looked, Target, look};
use super::{Known, Shared};
use crate::control::disk::Disk;
use crate::control::request::{Request, Trigger};
use linemill_config::settings::Watch;
use linemill_config::{Content, Files};

/// Interval at which files are looked at, whether or not the system has reported anything.
const INTERVAL: Duration = Duration::from_millis(1500);
/// Time after an event in which others are taken together with it.
const GATHER: Duration = Duration::from_millis(20);
/// Time until a change that no event named is looked at again.
const CONFIRM: Duration = Duration::from_millis(250);
/// The same difference requests a reload again after this time: whoever read the file found something else.
const AGAIN: Duration = Duration::from_secs(10);

/// The state of the task.
pub(super) struct Watching {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
    disk: Disk,
    /// The source of events, while it is used; `None` while files are polled.
    source: Option<Arc<Mutex<Source>>>,
    /// The mode that `source` belongs to.
    watch: Watch,
    /// What the source watched at the end of the last look.
    watched: BTreeMap<PathBuf, Identity>,
    /// What the last look found, by input.
    seen: BTreeMap<PathBuf, Found>,
    /// The inputs that had not changed at the last look, and of which the system reports changes since.
    reported_on: BTreeSet<PathBuf>,
    /// Changes that no event named, and that one look has found.
    unconfirmed: BTreeMap<PathBuf, Unconfirmed>,
    /// The inputs that events have named since they were last found unchanged.
    named: BTreeSet<PathBuf>,
    /// The differences for which a reload has been requested.
    requested: BTreeMap<PathBuf, (Content, Instant)>,
    /// Files that differ from what is in force.
    differing: BTreeSet<PathBuf>,
    /// The version of the plan at the last look.
    version: u64,
    /// What has been logged, which is said once.
    said: Said,
}

/// A change that no event named, and that one look has found.
struct Unconfirmed {
    content: Content,
    /// The system should have reported it.
    is_silent: bool,
}

/// An input that is being written to.
struct Waiting {
    /// When it counts as finished.
    until: Instant,
    /// It has only been created: a look shows whether it is complete.
    is_created: bool,
}

#[derive(Default)]
struct Said {
    silent: bool,
    no_events: bool,
}

/// What to look at, and against what to compare it.
struct Round {
    watch: Watch,
    wanted: Known,
    in_force: Known,
    decisions: Vec<String>,
    version: u64,
}

impl Watching {
    pub(super) fn new(shared: Arc<Shared>, requests: mpsc::Sender<Request>, disk: Disk) -> Self {
        Self {
            shared,
            requests,
            disk,
            source: None,
            watch: Watch::Off,
            watched: BTreeMap::new(),
            seen: BTreeMap::new(),
            reported_on: BTreeSet::new(),
            unconfirmed: BTreeMap::new(),
            named: BTreeSet::new(),
            requested: BTreeMap::new(),
            differing: BTreeSet::new(),
            version: 0,
            said: Said::default(),
        }
    }

    /// Looks whenever there may be something to see. Never ends.
    pub(super) async fn run(mut self) {
        let mut next = Instant::now() + INTERVAL;
        loop {
            let woken = tokio::select! {
                () = self.shared.events.wake.notified() => true,
                () = sleep_until(next) => false,
            };
            if woken {
                sleep(GATHER).await;
            }
            next = self.look().await;
        }
    }

    /// Looks once. Returns when to look again, if nothing happens before.
    async fn look(&mut self) -> Instant {
        let now = Instant::now();
        let round = self.begin();
        let waiting = self.waiting(&round);
        let targets = self.targets(&round, &waiting);
        let Ok(found) = spawn_blocking(move || look(targets)).await else {
            // The host is stopping.
            return now + INTERVAL;
        };
        let mut next = now + INTERVAL;
        let watched = self.keep(found);
        let is_new = self.watch_places(&round).await;
        let before = std::mem::take(&mut self.reported_on);
        if self.shared.plan().version != round.version {
            // There is another load to compare with.
            next = Instant::now();
        } else if is_new {
            // A change may have come before the events of it.
            next = Instant::now();
            self.differ(&round);
        } else {
            self.compare(&round, &watched, &before);
            if !self.unconfirmed.is_empty() {
                next = now + CONFIRM;
            }
            self.differ(&round);
            self.shared.taken_up.send_replace(round.version);
        }
        waiting.values().fold(next, |next, waiting| {
            // A moment later, so that it has passed.
            next.min(waiting.until + Duration::from_millis(5))
        })
    }

    /// Takes what to look at, and forgets what an earlier plan has left.
    fn begin(&mut self) -> Round {
        let plan = self.shared.plan();
        let round = Round {
            watch: plan.watch,
            wanted: Arc::clone(&plan.wanted),
            in_force: Arc::clone(&plan.in_force),
            decisions: plan.decisions.clone(),
            version: plan.version,
        };
        drop(plan);
        if self.version != round.version {
            self.version = round.version;
            let is_input = |path: &PathBuf| {
                round.wanted.contains_key(path) || round.in_force.contains_key(path)
            };
            self.seen.retain(|path, _| is_input(path));
            self.named.retain(is_input);
            self.differing
                .retain(|path| round.in_force.contains_key(path));
            for (path, input) in &*round.wanted {
                let seen = self.seen.entry(path.clone()).or_default();
                if seen.content.as_ref() != Some(&input.content) {
                    seen.known = Looked::of(input);
                }
            }
        }
        round
    }

    /// The inputs that are being written to.
    fn waiting(&self, round: &Round) -> BTreeMap<PathBuf, Waiting> {
        let told = self.shared.events.told();
        let waiting = round.wanted.keys().filter_map(|path| {
            let entries = &self.seen.get(path)?.entries;
            let until = entries
                .iter()
                .filter_map(|entry| told.writes.until(entry))
                .max()?;
            let waiting = Waiting {
                until,
                is_created: entries.iter().any(|entry| told.writes.is_created(entry)),
            };
            Some((path.clone(), waiting))
        });
        waiting.collect()
    }

    fn targets(&self, round: &Round, waiting: &BTreeMap<PathBuf, Waiting>) -> Vec<Target> {
        let mut inputs: BTreeMap<_, _> = round.in_force.iter().collect();
        inputs.extend(&*round.wanted);
        let mut targets = Vec::with_capacity(inputs.len());
        for (path, input) in inputs {
            // Reading it again at each write would be in vain.
            if waiting.get(path).is_some_and(|waiting| !waiting.is_created) {
                continue;
            }
            targets.push(Target {
                path: path.clone(),
                input: input.clone(),
                known: self.seen.get(path).and_then(|seen| seen.known.clone()),
            });
        }
        targets
    }

    /// Keeps what a look found. Returns the inputs that were watched while they were looked at.
    fn keep(&mut self, found: BTreeMap<PathBuf, Found>) -> BTreeSet<PathBuf> {
        let mut all_watched = BTreeSet::new();
        for (path, found) in found {
            let seen = self.seen.entry(path.clone()).or_default();
            if found.entries.is_empty() {
                // Its file system does not answer.
                seen.content = None;
                continue;
            }
            let watched = &self.watched;
            let mut places = found.places.iter();
            if places.all(|(place, identity)| watched.get(place) == Some(identity)) {
                all_watched.insert(path);
            }
            *seen = found;
        }
        all_watched
    }

    /// Gets events of the places that the last look found. Returns whether some are new.
    async fn watch_places(&mut self, round: &Round) -> bool {
        let entries: BTreeMap<_, _> = self
            .seen
            .iter()
            .map(|(path, seen)| (path.clone(), seen.entries.clone()))
            .collect();
        let all: BTreeSet<_> = entries.values().flatten().cloned().collect();
        {
            let mut told = self.shared.events.told();
            told.writes.retain(|path| all.contains(path));
            told.entries = all;
        }
        self.shared.plan().entries = entries;
        self.set_source(round.watch);
        let Some(source) = self.source.clone() else {
            return false;
        };
        let places = self.seen.values().flat_map(|seen| &seen.places);
        let places = places.map(|(place, identity)| (place.clone(), *identity));
        let places: BTreeMap<_, _> = places.collect();
        let watching = spawn_blocking(move || {
            // A file system that does not answer holds up its own events, and none of the looks.
            Files::within(Duration::from_secs(1)).ask(Path::new("file events"), move || {
                let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
                source.watch(&places)
            })
        });
        let Ok(Ok((watched, failed))) = watching.await else {
            return false;
        };
        if let Some(error) = failed
            && !self.said.no_events
        {
            self.said.no_events = true;
            tracing::warn!(%error, every = ?INTERVAL, "cannot get events of all files; looking at them regularly instead");
        }
        let is_new = watched
            .iter()
            .any(|(place, identity)| self.watched.get(place) != Some(identity));
        self.watched = watched;
        is_new
    }

    /// Starts or ends getting events.
    fn set_source(&mut self, watch: Watch) {
        if self.watch == watch {
            return;
        }
        self.watch = watch;
        self.watched.clear();
        self.source = None;
        if watch != Watch::Auto {
            self.shared.events.told().writes.clear();
            return;
        }
        match Source::new(&self.shared.events) {
            Ok(source) => self.source = Some(Arc::new(Mutex::new(source))),
            Err(error) => {
                tracing::warn!(%error, every = ?INTERVAL, "cannot get file events; looking at files regularly instead");
            }
        }
    }

    /// Compares what was found with what the last load found, and requests a reload if something has
    /// changed. `watched` are the inputs that were watched meanwhile, `reported_on` those
    /// that had not changed before.
    fn compare(
        &mut self,
        round: &Round,
        watched: &BTreeSet<PathBuf>,
        reported_on: &BTreeSet<PathBuf>,
    ) {
        let (events, lost) = {
            let mut told = self.shared.events.told();
            let lost = std::mem::take(&mut told.lost);
            (std::mem::take(&mut told.named), lost)
        };
        let before = std::mem::take(&mut self.unconfirmed);
        let mut changed = Vec::new();
        let wanted = round.wanted.iter().filter(|_| round.watch != Watch::Off);
        for (path, input) in wanted {
            let Some(seen) = self.seen.get(path) else {
                continue;
            };
            if lost || seen.entries.iter().any(|entry| events.contains(entry)) {
                self.named.insert(path.clone());
            }
            if self.is_overdue(&seen.entries) {
                changed.push((path.clone(), Content::Unsettled));
                continue;
            }
            let Some(content) = seen.content.clone() else {
                continue;
            };
            if !self.is_complete(seen) {
                continue;
            }
            if content == input.content {
                self.requested.remove(path);
                self.named.remove(path);
                if watched.contains(path) {
                    self.reported_on.insert(path.clone());
                }
                continue;
            }
            if !self.named.contains(path) {
                let first = before.get(path).filter(|first| first.content == content);
                let is_file = |content: &Content| matches!(content, Content::Digest(_));
                match first {
                    Some(first) if first.is_silent => self.say_silent(path),
                    Some(_) => {}
                    None => {
                        let unconfirmed = Unconfirmed {
                            is_silent: reported_on.contains(path)
                                && is_file(&content)
                                && is_file(&input.content),
                            content,
                        };
                        self.unconfirmed.insert(path.clone(), unconfirmed);
                        continue;
                    }
                }
            }
            let requested = self.requested.get(path);
            let is_new =
                requested.is_none_or(|(before, at)| *before != content || at.elapsed() > AGAIN);
            if is_new || input.content == Content::Unsettled {
                changed.push((path.clone(), content));
            }
        }
        self.request(changed);
    }

    /// Whether the files that lead to these entries have been written to for too long, which is said once.
    fn is_overdue(&self, entries: &[PathBuf]) -> bool {
        let mut told = self.shared.events.told();
        entries
            .iter()
            .any(|entry| told.writes.until(entry).is_some() && told.writes.is_overdue(entry))
    }

    /// Whether a file is complete: it is not being written to, or has only been created and is not empty.
    fn is_complete(&self, seen: &Found) -> bool {
        let stamp = seen.known.as_ref().map(Looked::stamp);
        let is_empty = stamp.is_some_and(|stamp| stamp.size() == 0);
        let mut told = self.shared.events.told();
        if !is_empty {
            for entry in &seen.entries {
                told.writes.found(entry);
            }
        }
        let mut entries = seen.entries.iter();
        !entries.any(|entry| told.writes.until(entry).is_some())
    }

    /// Requests a reload because of these changes, unless one has been requested and nothing has been
    /// loaded since.
    fn request(&mut self, changed: Vec<(PathBuf, Content)>) {
        let Some((first, _)) = changed.first() else {
            return;
        };
        let mut plan = self.shared.plan();
        let request = Request::reload(Trigger::Changed(first.clone()));
        // If the channel is full, the next look tries again.
        if !plan.requested && self.requests.try_send(request).is_ok() {
            plan.requested = true;
            let now = Instant::now();
            let requested = changed.into_iter();
            self.requested
                .extend(requested.map(|(path, content)| (path, (content, now))));
        }
    }

    /// Logs that a change was found that the system should have reported.
    fn say_silent(&mut self, path: &Path) {
        if !self.said.silent {
            self.said.silent = true;
            tracing::warn!(
                path = %path.display(),
                every = ?INTERVAL,
                "the file system reports no changes; its files are looked at regularly, so a reload may be late"
            );
        }
    }

    /// Reports how the files differ from what is in force.
    fn differ(&mut self, round: &Round) {
        for (path, input) in &*round.in_force {
            match self.seen.get(path).and_then(|seen| seen.content.as_ref()) {
                // Not known: as before.
                None => {}
                Some(content) if *content == input.content => drop(self.differing.remove(path)),
                Some(_) => drop(self.differing.insert(path.clone())),
            }
        }
        let files = self.differing.iter().map(|path| path.display().to_string());
        self.disk
            .differs(files.chain(round.decisions.iter().cloned()).collect());
    }
}
