//! The admin socket: HTTP/1.1 for few clients, with bounds on what each may send and how long it may
//! take.
//!
//! In: a socket, and what answers. Out: answered requests. A client that sends a head slowly, or too
//! much of it, is cut off; when [`CLIENTS`] are connected, the next one waits.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::bind::Socket;
use crate::telemetry::log::Gate;

/// Clients served at a time.
const CLIENTS: usize = 32;
/// How long a client may take for a request's line and headers.
const HEAD: Duration = Duration::from_secs(10);
/// Most bytes of them.
const HEAD_SIZE: usize = 16 * 1024;
/// Pause after the system refused an accept, for want of descriptors say.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers for ever.
pub(super) async fn serve(socket: Socket, routes: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_SIZE);
    let (clients, log) = (Arc::new(Semaphore::new(CLIENTS)), Gate::default());
    loop {
        // The semaphore is never closed.
        let Ok(seat) = Arc::clone(&clients).acquire_owned().await else {
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
        let service = TowerToHyperService::new(routes.clone());
        let serving = http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::debug!(%error, "a client of the admin address");
            }
            drop(seat);
        });
    }
}
