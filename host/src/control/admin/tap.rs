//! `GET /tap`: lines at the stages of chains, as they pass.
//!
//! In: a query, see [`TapQuery`]. Out: lines of JSON ([`Event`](crate::control::taps::event::Event)) until
//! the tap ends or the client leaves, or why there is no tap.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::http::Streams;
use super::{Admin, agent};
use crate::control::taps::query::TapQuery;
use crate::control::taps::reader::{Reader, stages};
use crate::generation::Generation;

/// The media type of the answer.
const LINES_OF_JSON: &str = "application/x-ndjson";

/// The chunks of an answer that lasts.
struct Chunks(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let chunk = self.0.poll_recv(cx);
        chunk.map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

/// Who saw payload, and of what, is in the log.
pub(super) async fn tap(State(admin): State<Admin>, uri: Uri, headers: HeaderMap) -> Response {
    let refuse = |status: StatusCode, why: String| (status, format!("{why}\n")).into_response();
    let query = match TapQuery::parse(uri.query().unwrap_or_default()) {
        Ok(query) => query,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, format!("wrong query: {why}")),
    };
    {
        let snapshot = admin.snapshot.borrow();
        let generation = snapshot.generation();
        if !generation.tap {
            let why = "tap is switched off: `tap = false` below `[host]`";
            return refuse(StatusCode::FORBIDDEN, why.to_owned());
        }
        if let Some(why) = unknown(generation, &query) {
            return refuse(StatusCode::NOT_FOUND, why);
        }
    }
    let opened = admin.taps.open(query.selection.clone(), &admin.budget);
    let opened = opened.map_err(|why| why.to_string()).and_then(|tap| {
        let metrics = admin.taps.metrics().clone();
        Reader::start(tap, query, admin.snapshot.clone(), metrics).map_err(|why| why.to_string())
    });
    match opened {
        Ok(chunks) => {
            let query = uri.query().unwrap_or_default();
            tracing::info!(query, "tap opened{}", agent(&headers));
            let kind = [(header::CONTENT_TYPE, LINES_OF_JSON)];
            let mut answer = (kind, Body::new(Chunks(chunks))).into_response();
            answer.extensions_mut().insert(Streams);
            answer
        }
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, format!("no tap: {why}")),
    }
}

/// What the query names that is not in force; `None` if everything is.
fn unknown(generation: &Generation, query: &TapQuery) -> Option<String> {
    if !stages(generation, query).is_empty() {
        return None;
    }
    let all = stages(generation, &TapQuery::default());
    let selection = &query.selection;
    let has_listener = all
        .iter()
        .any(|stage| selection.covers_listener(&stage.listener));
    let (what, mut known): (_, Vec<_>) = match (&selection.stage, has_listener) {
        (Some(stage), true) => {
            let of = all
                .iter()
                .filter(|stage| selection.covers_listener(&stage.listener));
            let names = of.filter_map(|stage| stage.stage.clone());
            (format!("stage `{stage}`"), names.collect())
        }
        _ => {
            let listener = selection.listener.as_deref().unwrap_or_default();
            let names = all.iter().map(|stage| stage.listener.clone());
            (format!("listener `{listener}`"), names.collect())
        }
    };
    known.sort();
    known.dedup();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    Some(format!("there is no {what}; known: {known}"))
}
