//! The admin address: HTTP for machines that watch the host.
//!
//! In: requests. Out: `/healthz` (the process answers), `/readyz` (it takes connections),
//! `/metrics` (OpenMetrics text). Off unless configured. No payload of any stream is shown.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::generation::Orders;
use crate::telemetry::metrics::Metrics;

/// What `/metrics` is, as OpenMetrics 1.0 names it.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Shown {
    metrics: Arc<Metrics>,
    orders: watch::Receiver<Orders>,
}

/// Answers until the process ends.
///
/// # Errors
/// When the socket fails for good.
pub async fn serve(
    socket: TcpListener,
    metrics: Arc<Metrics>,
    orders: watch::Receiver<Orders>,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                "there are /healthz, /readyz and /metrics\n",
            )
        })
        .with_state(Shown { metrics, orders });
    axum::serve(socket, routes).await
}

async fn ready(State(shown): State<Shown>) -> Response {
    if shown.orders.borrow().drain_until.is_some() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    "ready\n".into_response()
}

async fn metrics_text(State(shown): State<Shown>) -> Response {
    match shown.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
