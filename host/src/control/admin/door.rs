//! The admin socket: HTTP/1.1 for few clients, with bounds on what each may send and how long it may
//! take.
//!
//! In: a socket, and what answers. Out: answered requests, one a connection. A client that sends a
//! head slowly, or too much of it, or does not take its answer, is cut off; when [`CLIENTS`] are
//! connected, the next one waits. What is asked for may take as long as it takes.

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

use crate::bind::Socket;
use linemill_telemetry::Gate;

/// Clients served at a time.
const CLIENTS: usize = 32;
/// How long a client may take for a request's line and headers.
const HEAD: Duration = Duration::from_secs(10);
/// Most bytes of them.
const HEAD_SIZE: usize = 16 * 1024;
/// How long a client may take to read its answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Pause after the system refused an accept, for want of descriptors say.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers for ever.
pub(super) async fn serve(socket: Socket, routes: Router) {
    let (clients, log) = (Arc::new(Semaphore::new(CLIENTS)), Gate::default());
    loop {
        // The semaphore is never closed.
        let Ok(lease) = Arc::clone(&clients).acquire_owned().await else {
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
            drop(lease);
        });
    }
}

/// Answers one client.
pub(crate) async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Router,
) {
    let mut http = http1::Builder::new();
    // A client that is answered and stays would keep its seat.
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_SIZE)
        .keep_alive(false)
        // One that has sent its request and says so is answered.
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
