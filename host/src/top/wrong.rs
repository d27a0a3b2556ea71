//! What is wrong in a running host, or unusual, in sentences, the worst first.
//!
//! In: an answer of the host, and what its counts of failures have grown by lately. Out: sentences, each with
//! its subject. What failed long ago does not count: counts show it.

use std::time::SystemTime;

use super::Subject;
use super::history::{Counter, History, Reasons};
use crate::columns::cut_middle;
use crate::control::admin::status::text::{self, filters, layout};
use crate::control::admin::status::{
    FORMAT, FilterStatus, ListenerStatus, OutputStatus, Status, TrialStatus,
};
use crate::control::warnings::SOON;
use layout::{ago, by_reason, count, grouped, moment, percent, span};
use linemill_config::shown;

/// From this share of a limit on, in percent, reaching it is near.
const NEAR: u64 = 90;

/// Something that is wrong, or unusual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What it is about.
    pub(super) subject: Subject,
    /// Whether it is wrong; otherwise it is only worth knowing.
    pub(super) serious: bool,
    /// What is the matter, without its subject.
    pub(super) what: String,
}

impl Wrong {
    fn new(subject: Subject, what: String) -> Self {
        Self {
            subject,
            serious: true,
            what,
        }
    }

    fn note(subject: Subject, what: String) -> Self {
        Self {
            serious: false,
            ..Self::new(subject, what)
        }
    }

    /// The sentence with its subject, whose name is cut to a number of columns.
    pub(super) fn sentence(&self, most: usize) -> String {
        let what = &self.what;
        let (kind, name) = match &self.subject {
            Subject::Host => return what.clone(),
            Subject::Listener(name) => ("listener", name),
            Subject::Filter(name) => ("filter", name),
            Subject::Output(name) => ("output", name),
        };
        format!(
            "{kind} {}: {what}",
            cut_middle(&shown(name).to_string(), most)
        )
    }
}

/// All that is wrong or unusual.
pub(super) fn find(status: &Status, history: &History) -> Vec<Wrong> {
    let now = text::now(status);
    let lately = Lately { history };
    let mut all: Vec<_> = readiness(status).map(as_wrong(&Subject::Host)).collect();
    for (name, output) in &status.outputs {
        let subject = Subject::Output(name.clone());
        all.extend(of_output(output, &subject, now, &lately).map(as_wrong(&subject)));
    }
    for (name, filter) in &status.filters {
        let subject = Subject::Filter(name.clone());
        all.extend(of_filter(filter, &subject, now, &lately).map(as_wrong(&subject)));
    }
    for (name, listener) in &status.listeners {
        let subject = Subject::Listener(name.clone());
        all.extend(of_listener(listener, &subject, now, &lately).map(as_wrong(&subject)));
    }
    all.extend(limits(status, now, &lately).map(as_wrong(&Subject::Host)));
    all.extend(files(status, now).map(as_wrong(&Subject::Host)));
    all.extend(status.trials.iter().filter_map(of_trial));
    let removed = status.leaving.iter().map(|leaving| {
        let what = format!(
            "removed listener {}: {}",
            leaving.name,
            text::leaving(leaving)
        );
        Wrong::note(Subject::Host, what)
    });
    all.extend(removed);
    all
}

fn as_wrong(subject: &Subject) -> impl Fn(String) -> Wrong {
    |what| Wrong::new(subject.clone(), what)
}

/// What has happened in the last seconds.
struct Lately<'a> {
    history: &'a History,
}

impl Lately<'_> {
    /// How much something has grown by, as a sentence; `None` if it has not.
    fn grown(&self, what: &str, subject: &Subject, counter: Counter) -> Option<String> {
        let growth: Reasons = self.history.growth(subject, counter);
        let text = match growth.get("") {
            Some(number) => format!("{} {what}", count(*number)),
            None => by_reason(what, &growth),
        };
        let seconds = self.history.covered().as_secs_f64().round().max(1.0);
        (!text.is_empty()).then(|| format!("{text} in the last {seconds} s"))
    }
}

fn readiness(status: &Status) -> impl Iterator<Item = String> {
    let format = (status.format != FORMAT).then(|| {
        format!(
            "the host answers in format {} of /status; this version of linemill knows {FORMAT}",
            status.format
        )
    });
    format.into_iter().chain(status.not_ready.iter().cloned())
}

/// Whether what is in force is what somebody wanted.
fn files(status: &Status, now: Option<SystemTime>) -> impl Iterator<Item = String> {
    let mut all = Vec::new();
    if !status.last_reload.successful {
        let ago = lasting(&status.last_reload.at, now);
        let ago = ago.map_or_else(String::new, |time| format!(" {time} ago"));
        let error = status.last_refusal.as_ref();
        let error = error.and_then(|refusal| refusal.error.lines().next());
        let error = error.map_or_else(String::new, |error| format!(": {error}"));
        all.push(format!("last reload refused{ago}{error}"));
    }
    if status.disk.differs {
        let what = status.disk.what.join(", ");
        all.push(format!("disk differs from what is in force: {what}"));
    }
    all.into_iter()
}

/// What has been refused, or is near its end.
fn limits(
    status: &Status,
    now: Option<SystemTime>,
    lately: &Lately<'_>,
) -> impl Iterator<Item = String> {
    let memory = &status.memory;
    let mut all = Vec::new();
    let refused = "requests for memory refused or delayed";
    all.extend(lately.grown(refused, &Subject::Host, Counter::Memory));
    let refused = "requests for mappings refused";
    all.extend(lately.grown(refused, &Subject::Host, Counter::Mappings));
    if near(memory.used, memory.limit) {
        all.push(format!("memory: {}", text::memory_used(memory)));
    }
    let descriptors = &status.descriptors;
    for (what, used, limit) in [
        ("mappings", memory.mappings, memory.mappings_limit),
        (
            "descriptors",
            descriptors.open.unwrap_or(0),
            descriptors.limit,
        ),
    ] {
        if let Some(limit) = limit.filter(|limit| near(used, Some(*limit))) {
            let share = percent(used, limit);
            let (used, limit) = (grouped(used), grouped(limit));
            all.push(format!("{what}: {used} of {limit} ({share})"));
        }
    }
    for certificate in &status.certificates {
        let (listener, key) = (&certificate.listener, &certificate.key);
        let at = moment(&certificate.not_after);
        match text::expires_in(certificate, now) {
            Some(left) if left < SOON => all.push(format!(
                "certificate `{key}` of listener {listener} expires {at}, in {}",
                span(left)
            )),
            Some(_) => (),
            None => all.push(format!(
                "certificate `{key}` of listener {listener} EXPIRED {at}"
            )),
        }
    }
    all.into_iter()
}

fn near(used: u64, limit: Option<u64>) -> bool {
    limit.is_some_and(|limit| u128::from(used) * 100 >= u128::from(limit) * u128::from(NEAR))
}

fn of_listener(
    listener: &ListenerStatus,
    subject: &Subject,
    now: Option<SystemTime>,
    lately: &Lately<'_>,
) -> impl Iterator<Item = String> {
    let mut all = Vec::new();
    if listener.address.is_none() {
        all.push("not bound yet".to_owned());
    }
    let down = listener.upstreams.iter().filter(|one| one.state == "down");
    all.extend(down.map(|one| {
        let down = since("down", &one.since, one.reason.as_deref(), now);
        format!("upstream {} {down}", one.to)
    }));
    let most = u64::try_from(listener.max_connections).unwrap_or(u64::MAX);
    if most > 0 && listener.connections.unsigned_abs() >= most {
        all.push(format!("full: {}", text::connected(listener)));
    }
    all.extend(lately.grown("connections refused", subject, Counter::Refused));
    all.extend(lately.grown("lines dropped", subject, Counter::Dropped));
    all.into_iter()
}

fn of_filter(
    filter: &FilterStatus,
    subject: &Subject,
    now: Option<SystemTime>,
    lately: &Lately<'_>,
) -> impl Iterator<Item = String> {
    let mut all = Vec::new();
    if let Some(opened) = &filter.breaker.since {
        let open = since("breaker open", opened, None, now);
        let failed = filter.breaker.failed_probes;
        all.push(format!("{open}, {failed} probes failed"));
    }
    if let Some(failed) = lately.grown("lines failed", subject, Counter::Failed) {
        all.push(format!("{failed}; on_error = \"{}\"", filter.on_error));
    }
    if filter.suspended > 0 {
        all.push(format!("suspended for {}", filters::suspended(filter)));
    }
    let what = "calls failed because of the host";
    all.extend(lately.grown(what, subject, Counter::HostFaults));
    all.into_iter()
}

fn of_output(
    output: &OutputStatus,
    subject: &Subject,
    now: Option<SystemTime>,
    lately: &Lately<'_>,
) -> impl Iterator<Item = String> {
    let mut all = Vec::new();
    let down = output.state == "down";
    if down {
        all.push(since("down", &output.since, output.reason.as_deref(), now));
    }
    all.extend(lately.grown("lines lost", subject, Counter::Lost));
    // If the output is down, so are its upstreams.
    let upstreams = output.upstreams.iter();
    let others = upstreams.filter(|one| !down && one.state == "down");
    all.extend(others.map(|one| {
        let down = since("down", &one.since, one.reason.as_deref(), now);
        format!("upstream {} {down}", one.to)
    }));
    all.into_iter()
}

/// How long a state has lasted, and its reason. Its beginning is among the details.
fn since(state: &str, since: &str, reason: Option<&str>, now: Option<SystemTime>) -> String {
    let time = lasting(since, now).map_or_else(String::new, |time| format!(" for {time}"));
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{state}{time}{reason}")
}

fn lasting(since: &str, now: Option<SystemTime>) -> Option<String> {
    ago(since, now).map(span)
}

/// A shadow that answers differently is no fault, but what the trial is for.
fn of_trial(trial: &TrialStatus) -> Option<Wrong> {
    let subject = Subject::Filter(trial.filter.clone());
    let compared = filters::compared(trial);
    (trial.different > 0).then(|| Wrong::note(subject, format!("lines of the shadow: {compared}")))
}
