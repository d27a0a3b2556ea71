//! The admin address: HTTP for machines that watch the host, and for `linemill status` and
//! `reload`.
//!
//! In: requests. Out: `/healthz` (the process answers), `/readyz` (it takes connections),
//! `/metrics` (OpenMetrics text), `/status` and `/config` (JSON); `POST /reload` reads the
//! configuration again and answers when that is done. Off unless configured. Whoever reaches it
//! may do all of this, unless there is a token: it belongs on a loopback address or a Unix socket. A page in a browser of
//! the same machine may not: requests that change something and name an origin are refused.
//! Not here: what a reload does (`swap`), the client of it (`ask`).

pub(crate) mod door;
mod status;

use std::sync::Arc;

use axum::extract::{Request as Extract, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};

use super::history::History;
use super::origin::Origin;
use super::request::{Action, Outcome, ReloadStatus, Request, Trigger};
use crate::bind::Socket;
use crate::generation::Snapshot;
use crate::telemetry::metrics::Metrics;
use linemill_config::settings::Token;
pub use status::{
    BreakerStatus, ExampleStatus, FilterStatus, GenerationStatus, ListenerStatus, RefusalStatus,
    Status, TrialStatus,
};

/// What `/metrics` is, as OpenMetrics 1.0 names it.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Longest text of a requester that is kept, in characters.
const AGENT: usize = 80;

/// What the admin address shows and whom it asks.
#[derive(Clone)]
pub struct Admin {
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// What is in force.
    pub snapshot: watch::Receiver<Snapshot>,
    /// What has been in force.
    pub history: History,
    /// Where settings come from.
    pub origin: Origin,
    /// Who does what is asked for.
    pub requests: mpsc::Sender<Request>,
    /// What requests must show, if anything.
    pub token: Option<Token>,
}

impl Admin {
    /// Answers until the process ends.
    pub async fn serve(self, socket: Socket) {
        door::serve(socket, self.routes()).await;
    }

    /// What answers which path.
    pub(crate) fn routes(self) -> Router {
        let open = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready));
        let routes = Router::new()
            .route("/metrics", get(metrics_text))
            .route("/status", get(status))
            .route("/config", get(config))
            .route("/reload", post(reload))
            .route("/rollback", post(rollback))
            .route("/promote", post(promote))
            .route("/trials", get(trials))
            .fallback(|| async {
                let known =
                    "there are /healthz, /readyz, /metrics, /status, /config, /trials, POST /reload, /rollback and /promote\n";
                (StatusCode::NOT_FOUND, known)
            })
            .layer(from_fn_with_state(self.clone(), admit));
        open.merge(routes).with_state(self)
    }

    /// Has something done, and waits until it is.
    async fn ask(&self, what: Action, verb: &str, headers: &HeaderMap) -> Response {
        if headers.contains_key(header::ORIGIN) {
            let refusal = "not for pages in a browser: this request names an origin\n";
            return (StatusCode::FORBIDDEN, refusal).into_response();
        }
        let (answer, done) = oneshot::channel();
        let request = Request {
            what,
            trigger: Trigger::Asked(format!("POST /{verb}{}", agent(headers))),
            answer: Some(answer),
        };
        let outcome = match self.requests.send(request).await {
            Ok(()) => done.await.ok(),
            Err(_) => None,
        };
        match outcome {
            Some(outcome) => answered(outcome),
            None => (StatusCode::SERVICE_UNAVAILABLE, "the host is stopping\n").into_response(),
        }
    }
}

/// Lets a request in that shows the token, if there is one.
async fn admit(State(admin): State<Admin>, request: Extract, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match &admin.token {
        Some(token) if !shown.is_some_and(|shown| token.is(shown)) => {
            let wanted =
                "this admin address wants `Authorization: Bearer TOKEN`, with its `admin_token`\n";
            let how = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, how, wanted).into_response()
        }
        _ => next.run(request).await,
    }
}

/// Who asks, as far as they say.
fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let mut text = agent.map_or_else(String::new, |agent| format!(" by {agent}"));
    text = text.chars().take(AGENT).collect();
    text
}

fn answered(outcome: Outcome) -> Response {
    let status = match outcome.result {
        ReloadStatus::Applied | ReloadStatus::Unchanged => StatusCode::OK,
        ReloadStatus::Refused => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, Json(outcome)).into_response()
}

async fn ready(State(admin): State<Admin>) -> Response {
    if admin.snapshot.borrow().drain_until.is_some() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    "ready\n".into_response()
}

async fn metrics_text(State(admin): State<Admin>) -> Response {
    admin.metrics.old_generations(admin.history.old_held());
    match admin.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn status(State(admin): State<Admin>) -> Json<Status> {
    Json(Status::of(&admin))
}

/// The configuration in force, as it was read, with what the command line put on top of it.
async fn config(State(admin): State<Admin>) -> Response {
    let source = admin.history.source();
    let origin = &admin.origin;
    Json(json!({
        "path": source.as_ref().and_then(|source| std::path::absolute(&source.path).ok()),
        "text": source.as_ref().map(|source| &source.text),
        "listen": origin.listen.as_ref().map(ToString::to_string),
        "chain": origin.chain,
    }))
    .into_response()
}

/// Without `?filter=NAME`, of the generation; with it, of a trial.
async fn rollback(State(admin): State<Admin>, uri: Uri, headers: HeaderMap) -> Response {
    let what = filter_of(&uri).map_or(Action::Rollback, Action::End);
    admin.ask(what, "rollback", &headers).await
}

async fn promote(State(admin): State<Admin>, uri: Uri, headers: HeaderMap) -> Response {
    match filter_of(&uri) {
        Some(filter) => {
            admin
                .ask(Action::Promote(filter), "promote", &headers)
                .await
        }
        None => (
            StatusCode::BAD_REQUEST,
            "which? POST /promote?filter=NAME\n",
        )
            .into_response(),
    }
}

/// The filter that a query names. Names need no decoding.
fn filter_of(uri: &Uri) -> Option<String> {
    let name = uri.query()?.strip_prefix("filter=")?;
    Some(name.to_owned())
}

/// How trials go, with examples of lines that came out differently.
async fn trials(State(admin): State<Admin>) -> Json<Vec<TrialStatus>> {
    let snapshot = admin.snapshot.borrow().clone();
    Json(status::trials(snapshot.generation(), true))
}

async fn reload(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    admin.ask(Action::Reload, "reload", &headers).await
}
