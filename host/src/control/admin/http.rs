//! The admin socket: HTTP/1.1 for few clients, each limited in size and time.
//!
//! In: a socket, and the routes. Out: answered requests, one per connection. A client whose request head is
//! slow or too large, or that does not read its answer, is disconnected.
//!
//! A client has a place until its request has come ([`Places`]); a new client always gets one. A request
//! other than a probe then needs one of [`SEATS`] seats, and waits a moment for it. A probe needs none: its
//! answer is short, and known at once. A client that leaves while its request is being worked on gives its
//! seat up. An answer may last as long as its client stays ([`Streams`]); it keeps the seat.
//! Not here: which requests are answered (`access`), what they do (`admin`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::access::is_probe;
use super::metrics::{AdminMetrics, AdminRefusal};
use super::one_request::{Note, OneRequest};
use super::places::{Place, Places};
use crate::listeners::metrics::AcceptError;
use crate::net::bind::{Socket, is_of_one_connection};
use crate::net::transport::Plain;
use linemill_telemetry::Gate;

/// Requests answered at the same time, without probes.
const SEATS: usize = 32;
/// Clients without a seat.
const PLACES: usize = 64;
/// How long a client may take to send its first byte.
const FIRST_BYTE: Duration = Duration::from_secs(1);
/// How long it may then take to send the request line and headers.
const HEAD: Duration = Duration::from_secs(2);
/// Largest request line and headers together, bytes.
const HEAD_SIZE: usize = 16 * 1024;
/// How long a request waits for a seat.
const SEAT: Duration = Duration::from_secs(1);
/// How long a client may take to read its answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a client may take to read the answer to a probe.
const PROBE_ANSWER: Duration = Duration::from_secs(1);
/// How long a client may take to close after its answer. Closing while it still sends would reset the
/// connection, and it might never see the answer.
const LINGER: Duration = Duration::from_secs(1);
/// Most bytes that are discarded meanwhile.
const LINGER_BYTES: u64 = 64 * 1024;
/// Pause after a failed accept, for example when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

/// The clients of all admin sockets of a host. Clones share seats and places.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    seats: Arc<Semaphore>,
    places: Places,
    metrics: AdminMetrics,
}

/// An answer that has this among its extensions lasts as long as its client stays, and ends it itself if
/// the client does not read.
#[derive(Debug, Clone)]
pub(super) struct Streams;

/// What a client holds.
struct Client {
    clients: Clients,
    held: Mutex<Held>,
    /// Set from the end of its request head until it has an answer.
    waits: Arc<AtomicBool>,
    /// When its answer is ready.
    answered: Notify,
    /// How long it may take to read the answer.
    patience: Mutex<Duration>,
}

struct Held {
    place: Place,
    seat: Option<OwnedSemaphorePermit>,
}

/// Serves clients until the future is dropped; those already connected are answered.
pub(super) async fn serve(socket: Arc<Socket>, routes: Router, clients: Clients) {
    let log = Gate::default();
    loop {
        match socket.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(clients.clone().serve(stream, routes.clone()))),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                clients
                    .metrics
                    .accept_errors
                    .of(AcceptError::of(&error))
                    .inc();
                if let Some(held) = log.pass() {
                    tracing::error!(%error, not_logged = held, "the admin address cannot accept; pausing");
                }
                // Its descriptor is for the one that waits to be accepted.
                clients.places.evict_oldest();
                sleep(PAUSE).await;
            }
        }
    }
}

impl Clients {
    /// No client yet.
    pub(crate) fn new(metrics: AdminMetrics) -> Self {
        Self {
            seats: Arc::new(Semaphore::new(SEATS)),
            places: Places::new(PLACES),
            metrics,
        }
    }

    /// Serves one client.
    pub(super) async fn serve(self, stream: Plain, routes: Router) {
        let (place, evicted) = self.places.enter();
        let refused = self.metrics.refused.clone();
        let serving = async {
            match timeout(FIRST_BYTE, stream.peek(&mut [0])).await {
                Ok(Ok(0)) => {}
                Ok(Ok(_)) => self.answer_in(place, stream, routes).await,
                Ok(Err(error)) => tracing::debug!(%error, "a client of the admin address"),
                Err(_) => drop(refused.of(AdminRefusal::Slow).inc()),
            }
        };
        tokio::select! {
            biased;
            () = evicted.wait() => drop(refused.of(AdminRefusal::Crowded).inc()),
            () = serving => {}
        }
    }

    /// Answers one client, which may take its time for the first byte.
    #[cfg(any(test, fuzzing))]
    pub(crate) async fn answer(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        routes: Router,
    ) {
        let (place, evicted) = self.places.enter();
        tokio::select! {
            biased;
            () = evicted.wait() => {}
            () = self.answer_in(place, stream, routes) => {}
        }
    }

    async fn answer_in(
        self,
        place: Place,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        routes: Router,
    ) {
        let refused = self.metrics.refused.clone();
        let client = Arc::new(Client {
            clients: self,
            held: Mutex::new(Held { place, seat: None }),
            waits: Arc::default(),
            answered: Notify::new(),
            patience: Mutex::new(ANSWER),
        });
        let stream = OneRequest::new(stream, Arc::clone(&client), Arc::clone(&client.waits));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(HEAD_SIZE)
            // A client that stayed connected after its answer would take up a seat.
            .keep_alive(false);
        let (asking, routes) = (Arc::clone(&client), TowerToHyperService::new(routes));
        let service = service_fn(move |request| {
            let (client, routes) = (Arc::clone(&asking), routes.clone());
            Box::pin(async move { client.ask(request, &routes).await })
        });
        let served = http
            .serve_connection(TokioIo::new(stream), service)
            .without_shutdown();
        tokio::select! {
            served = served => match served {
                Ok(parts) => linger(parts.io.into_inner().into_inner()).await,
                Err(error) if error.is_timeout() => drop(refused.of(AdminRefusal::Slow).inc()),
                Err(error) => tracing::debug!(%error, "a client of the admin address"),
            },
            () = client.is_overdue() => {
                tracing::debug!("a client of the admin address does not read its answer");
            }
        }
    }
}

impl Client {
    /// The answer to its request.
    async fn ask(
        &self,
        request: hyper::Request<Incoming>,
        routes: &TowerToHyperService<Router>,
    ) -> Result<Response, std::convert::Infallible> {
        let probes = is_probe(request.uri().path());
        if probes {
            *self.patience.lock().unwrap_or_else(PoisonError::into_inner) = PROBE_ANSWER;
        }
        let answer = if probes || self.sit_down().await {
            routes.call(request).await
        } else {
            self.clients.metrics.refused.of(AdminRefusal::Busy).inc();
            let text = "too many requests are being answered; try again\n";
            let again = [(header::RETRY_AFTER, "1")];
            Ok((StatusCode::SERVICE_UNAVAILABLE, again, text).into_response())
        };
        let streams = |answer: &Response| answer.extensions().get::<Streams>().is_some();
        if answer.as_ref().is_ok_and(streams) {
            // The end of the client's direction goes on to mean that it has left.
            return answer;
        }
        self.waits.store(false, Ordering::Relaxed);
        self.answered.notify_one();
        answer
    }

    /// Takes a seat instead of its place; `false` if none gets free.
    async fn sit_down(&self) -> bool {
        let seat = Arc::clone(&self.clients.seats).acquire_owned();
        let Ok(Ok(seat)) = timeout(SEAT, seat).await else {
            return false;
        };
        let mut held = self.held();
        held.place.leave();
        held.seat = Some(seat);
        true
    }

    /// Waits until its answer has been ready for too long.
    async fn is_overdue(&self) {
        self.answered.notified().await;
        let patience = *self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        sleep(patience).await;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Note for Client {
    /// Gives its seat up.
    fn client_left(&self) {
        let mut held = self.held();
        if held.seat.take().is_some() {
            held.place.come_back();
        }
    }
}

/// Ends the answer, and waits a moment for the client to close.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let closing = async {
        // A client that has gone needs no end.
        if stream.shutdown().await.is_ok() {
            let mut rest = (&mut stream).take(LINGER_BYTES);
            let mut buffer = [0; 4096];
            while rest.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
        }
    };
    // Longer than that nobody waits.
    let _ = timeout(LINGER, closing).await;
}
