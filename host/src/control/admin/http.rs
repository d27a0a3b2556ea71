//! The admin socket: HTTP/1.1 for few clients, each limited in size and time.
//!
//! In: a socket, and the routes. Out: answered requests, one per connection. A client whose request
//! head is slow or too large, or that does not read its answer, is disconnected. When [`CLIENTS`] are
//! connected, the next one waits. A handler may take any time.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;

use crate::net::bind::Socket;
use linemill_telemetry::Gate;

/// Clients served at the same time.
const CLIENTS: usize = 32;
/// How long a client may take to send the request line and headers.
const HEAD: Duration = Duration::from_secs(10);
/// Largest request line and headers together, bytes.
const HEAD_SIZE: usize = 16 * 1024;
/// How long a client may take to read its answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Pause after a failed accept, for example when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves clients until the future is dropped; those already connected are answered.
pub(super) async fn serve(socket: Arc<Socket>, routes: Router) {
    let (clients, log) = (Arc::new(Semaphore::new(CLIENTS)), Gate::default());
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&clients).acquire_owned().await else {
            return;
        };
        let stream = match socket.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                if let Some(held) = log.pass() {
                    tracing::error!(%error, not_logged = held, "the admin address cannot accept; pausing");
                }
                sleep(PAUSE).await;
                continue;
            }
        };
        let answering = answer(stream, routes.clone());
        tokio::spawn(async move {
            answering.await;
            drop(permit);
        });
    }
}

/// Answers one client.
pub(crate) async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Router,
) {
    let mut http = http1::Builder::new();
    // A client that stayed connected after its answer would take up one of `CLIENTS`.
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_SIZE)
        .keep_alive(false)
        // A client may close its sending side after the request.
        .half_close(true);
    let (answered, routes) = (&Notify::new(), &TowerToHyperService::new(routes));
    let service = service_fn(move |request| async move {
        let answer = routes.call(request).await;
        answered.notify_one();
        answer
    });
    let overdue = async {
        answered.notified().await;
        sleep(ANSWER).await;
    };
    tokio::select! {
        served = http.serve_connection(TokioIo::new(stream), service) => {
            if let Err(error) = served {
                tracing::debug!(%error, "a client of the admin address");
            }
        }
        () = overdue => tracing::debug!("a client of the admin address does not read its answer"),
    }
}
