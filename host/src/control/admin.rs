//! The admin address: HTTP for monitoring, and for verbs such as `linemill status` and `reload`.
//!
//! In: requests. Out: `/healthz` (the process answers), `/readyz` (the host accepts connections, and the
//! outputs that must be up are), `/metrics` (text of Prometheus or OpenMetrics), `/status`, `/log`,
//! `/config` and `/trials` (JSON), `/tap` (lines of JSON, see `taps`). `POST /reload`, `/rollback` and
//! `/promote` are passed to the reloader and answered with its outcome; `POST /log` changes the log
//! level. Off unless configured.
//!
//! Not here: which requests are answered (`access`), connections and their limits (`http`), what a reload
//! does (`reloader`).

mod access;
pub mod certificate_metrics;
pub mod client;
pub(crate) mod http;
pub mod local_token;
pub mod metrics;
mod one_request;
mod places;
mod readiness;
pub mod server;
pub mod status;
mod tap;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use axum::Router;
use axum::extract::{Request as Extract, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};

use super::disk::Disk;
use super::history::History;
use super::origin::Origin;
use super::reloader::metrics::ReloadMetrics;
use super::request::{Action, Outcome, ReloadStatus, Request, Trigger};
use super::sampler::Sampler;
use super::taps::Taps;
use crate::generation::Snapshot;
use crate::listeners::view::RunningListeners;
use crate::log;
use crate::sinks::metrics::OutputMetrics;
use crate::sinks::outage::SinkState;
use access::{Gives, PROBES, Rules};
use certificate_metrics::CertificateExpiry;
use http::Clients;
use linemill_budget::Budget;
use linemill_config::Keyword as _;
use linemill_config::settings::Token;
use linemill_config::{Malformed, printable, printable_json};
use linemill_telemetry::{Format, Registry};
use local_token::TokenFiles;
use metrics::{AdminMetrics, AdminRefusal};

/// Longest part of a `User-Agent` that is kept, in characters.
const AGENT: usize = 80;

/// What the handlers of the admin address read, and where they send actions.
#[derive(Clone)]
pub struct Admin {
    /// The metrics that `/metrics` shows.
    pub registry: Arc<Registry>,
    /// The metrics of the reloader; `old_generations` is set when they are read.
    pub reloads: ReloadMetrics,
    /// The listeners that run.
    pub listeners: RunningListeners,
    /// How fast listeners and filters work.
    pub sampler: Sampler,
    /// When the host began to serve.
    pub started: (SystemTime, Instant),
    /// When certificates expire.
    pub certificates: CertificateExpiry,
    /// The sinks that connections share, and what they count.
    pub outputs: Arc<dyn Fn() -> Vec<Output> + Send + Sync>,
    /// The generation in force.
    pub snapshot: watch::Receiver<Snapshot>,
    /// The generations that have been in force.
    pub history: History,
    /// The origin of the settings.
    pub origin: Origin,
    /// Whether the files on disk are in force.
    pub disk: Disk,
    /// The channel to the reloader.
    pub requests: mpsc::Sender<Request>,
    /// The memory of the host.
    pub budget: Arc<Budget>,
    /// What the admin address counts.
    pub metrics: AdminMetrics,
    /// Its clients.
    pub(crate) clients: Clients,
    /// The tokens for verbs of the host's own user.
    pub tokens: TokenFiles,
    /// The taps of the host.
    pub taps: Arc<Taps>,
}

/// By what an admin address is reached.
#[derive(Clone)]
pub(crate) enum Via {
    /// TCP.
    Tcp(LocalToken),
    /// A Unix socket.
    Unix,
}

/// The token for verbs of the host's own user. `None` while the settings have one, or if none could be made.
pub(crate) type LocalToken = Arc<RwLock<Option<Token>>>;

/// What decides whether a request is answered.
#[derive(Clone)]
struct Guard {
    admin: Admin,
    via: Via,
    gives: Gives,
}

/// A sink that connections share.
#[derive(Debug, Clone)]
pub struct Output {
    /// The value of the metrics' label `output`.
    pub name: String,
    /// Whether it is up, and why not.
    pub state: SinkState,
    /// What it counts.
    pub counts: OutputMetrics,
}

impl Admin {
    /// The handlers, by path, for requests that come `via` an address.
    pub(crate) fn routes(self, via: &Via) -> Router {
        let [healthz, readyz] = PROBES;
        let health = Router::new()
            .route(healthz, get(|| async { "ok\n" }))
            .route(readyz, get(ready));
        let state = Router::new()
            .route("/metrics", get(metrics_text))
            .route("/status", get(status))
            .route("/reload", post(reload))
            .route("/rollback", post(rollback))
            .route("/promote", post(promote))
            .route("/log", get(log_status).post(set_log))
            .fallback(|| async {
                let known =
                    "known paths: /healthz, /readyz, /metrics, /status, /log, /config, /trials, /tap, POST /reload, /rollback, /promote and /log\n";
                (StatusCode::NOT_FOUND, known)
            });
        let payload = Router::new()
            .route("/config", get(config))
            .route("/trials", get(trials))
            .route("/tap", get(tap::tap));
        let guarded = |routes: Router<Self>, gives| {
            let guard = Guard {
                admin: self.clone(),
                via: via.clone(),
                gives,
            };
            routes.layer(from_fn_with_state(guard, admit))
        };
        guarded(health, Gives::Health)
            .merge(guarded(state, Gives::State))
            .merge(guarded(payload, Gives::Payload))
            .layer(map_response(not_stored))
            .with_state(self)
    }

    /// Sends an action to the reloader, and answers with its outcome.
    async fn perform(&self, action: Action, verb: &str, headers: &HeaderMap) -> Response {
        let (answer, done) = oneshot::channel();
        let request = Request {
            action,
            trigger: Trigger::Admin(format!("POST /{verb}{}", agent(headers))),
            answer: Some(answer),
        };
        let outcome = match self.requests.send(request).await {
            Ok(()) => done.await.ok(),
            Err(_) => None,
        };
        if outcome.as_ref().is_some_and(|outcome| outcome.impossible) {
            self.metrics.refused.of(AdminRefusal::Impossible).inc();
        }
        match outcome {
            Some(outcome) => answered(outcome),
            None => (StatusCode::SERVICE_UNAVAILABLE, "the host is stopping\n").into_response(),
        }
    }
}

/// Answers a request that is admitted, or says why it is not.
async fn admit(State(guard): State<Guard>, request: Extract, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let admitted = {
        let snapshot = guard.admin.snapshot.borrow();
        let generation = snapshot.generation();
        let local = match &guard.via {
            Via::Tcp(local) => Some(local.read().unwrap_or_else(PoisonError::into_inner)),
            Via::Unix => None,
        };
        let rules = Rules {
            tcp: local.is_some(),
            names: &generation.admin_names,
            configured: generation.admin_token.as_ref(),
            local: local.as_ref().and_then(|local| local.as_ref()),
        };
        rules.admit(&head, guard.gives)
    };
    match admitted {
        Ok(()) => next.run(Extract::from_parts(head, body)).await,
        Err(refusal) => {
            guard.admin.metrics.refused.of(refusal.reason()).inc();
            refusal.into_response()
        }
    }
}

/// Answers are true for a moment, and are what they say they are.
async fn not_stored(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer
}

/// An answer in JSON. Texts of others in it cannot drive the terminal that shows it.
fn json_of(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (kind, printable_json(&text)).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// The user agent of a request, as ` by AGENT`; empty without one.
fn agent(headers: &HeaderMap) -> String {
    let header = headers.get(header::USER_AGENT);
    match header.and_then(|agent| agent.to_str().ok()) {
        Some(agent) => format!(" by {agent}").chars().take(AGENT).collect(),
        None => String::new(),
    }
}

fn answered(outcome: Outcome) -> Response {
    let status = match outcome.result {
        ReloadStatus::Applied | ReloadStatus::Unchanged => StatusCode::OK,
        ReloadStatus::Refused => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, json_of(&outcome)).into_response()
}

async fn ready(State(admin): State<Admin>) -> Response {
    let snapshot = admin.snapshot.borrow().clone();
    let reasons = readiness::not_ready(&snapshot);
    if reasons.is_empty() {
        return "ready\n".into_response();
    }
    let mut text = reasons.join("\n");
    text.push('\n');
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn metrics_text(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    let old = i64::try_from(admin.history.old_held()).unwrap_or(i64::MAX);
    admin.reloads.old_generations.set(old);
    // Series of sinks that have ended are removed.
    (admin.outputs)();
    admin.budget.show();
    admin
        .certificates
        .show(admin.snapshot.borrow().generation());
    let accept = headers.get_all(header::ACCEPT).iter();
    let format = Format::accepted(accept.filter_map(|value| value.to_str().ok()));
    match format.text(&admin.registry) {
        Ok(text) => {
            let head = [
                (header::CONTENT_TYPE, format.media_type()),
                (header::VARY, "Accept"),
            ];
            (head, text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn status(State(admin): State<Admin>) -> Response {
    json_of(&status::Status::of(&admin))
}

/// The texts of the configuration in force, and the options of the command line that override it. Values
/// from outside the files are shown as they are written.
async fn config(State(admin): State<Admin>) -> Response {
    let sources = admin.history.sources();
    let origin = &admin.origin;
    let files = sources.iter().map(|source| {
        json!({
            "path": std::path::absolute(&source.path).ok(),
            "text": source.text,
        })
    });
    json_of(&json!({
        "files": files.collect::<Vec<_>>(),
        "listen": origin.listen.as_ref().map(ToString::to_string),
        "chain": origin.chain,
        "grant": origin.grant.iter().map(|grant| grant.keyword()).collect::<Vec<_>>(),
    }))
}

/// Restores the previous generation; with `?filter=NAME`, ends the trial of that filter.
async fn rollback(State(admin): State<Admin>, uri: Uri, headers: HeaderMap) -> Response {
    let action = filter_of(&uri).map_or(Action::Rollback, Action::EndTrial);
    admin.perform(action, "rollback", &headers).await
}

async fn promote(State(admin): State<Admin>, uri: Uri, headers: HeaderMap) -> Response {
    match filter_of(&uri) {
        Some(filter) => {
            admin
                .perform(Action::Promote(filter), "promote", &headers)
                .await
        }
        None => (
            StatusCode::BAD_REQUEST,
            "name the filter: POST /promote?filter=NAME\n",
        )
            .into_response(),
    }
}

/// The filter that a query names. Names of filters contain no characters that need decoding.
fn filter_of(uri: &Uri) -> Option<String> {
    let name = uri.query()?.strip_prefix("filter=")?;
    Some(name.to_owned())
}

async fn log_status() -> Response {
    json_of(&log::status())
}

/// Changes the log level at once, even while the reloader is busy.
async fn set_log(uri: Uri, headers: HeaderMap) -> Response {
    let level = uri.query().and_then(|query| query.strip_prefix("level="));
    let Some(level) = level.and_then(|level| percent_decode_str(level).decode_utf8().ok()) else {
        let text = "name the level: POST /log?level=LEVEL\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    match log::set_level(&level, &format!("POST /log{}", agent(&headers))) {
        Ok(()) => json_of(&log::status()),
        Err(Malformed { fault, hint }) => {
            let text = format!("`{}` {fault}; {hint}\n", printable(&*level));
            (StatusCode::UNPROCESSABLE_ENTITY, text).into_response()
        }
    }
}

/// The state of all trials, with examples of lines that came out differently.
async fn trials(State(admin): State<Admin>) -> Response {
    let snapshot = admin.snapshot.borrow().clone();
    json_of(&status::trials(snapshot.generation(), true))
}

/// Reads the configuration again; with `?force`, puts it in force even if it has been rolled back.
async fn reload(State(admin): State<Admin>, uri: Uri, headers: HeaderMap) -> Response {
    let action = match uri.query() {
        None => Action::Reload,
        Some("force") => Action::ForcedReload,
        Some(_) => {
            let known = "POST /reload takes no query but ?force\n";
            return (StatusCode::BAD_REQUEST, known).into_response();
        }
    };
    admin.perform(action, "reload", &headers).await
}
