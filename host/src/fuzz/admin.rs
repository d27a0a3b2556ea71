//! Sends any bytes to the admin address.
//!
//! In: the bytes of a client, in pieces, before it closes its sending side. Properties: the connection
//! ends; the answer is empty or one HTTP response, and limited in size; without a POST, and without the
//! token if there is one, no request reaches the reloader.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::control::admin::http::Clients;
use crate::control::admin::{Admin, Via};
use crate::control::disk::Disk;
use crate::control::request::{Outcome, Reloaded};
use crate::control::taps::Taps;
use crate::generation::{Generation, Snapshot};
use crate::metrics::Metrics;
use linemill_config::settings::Token;
use linemill_fuzz_inputs::Choices;

/// The token, in runs with one.
const TOKEN: &str = "0123456789abcdef";
/// Upper limit of an answer, bytes. The longest are the metrics of an idle host.
const ANSWER: usize = 64 * 1024;
/// Only a connection that hangs takes this long.
const HANGS: Duration = Duration::from_secs(30);

/// Runs the target on one input.
pub fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let token = choices.flag().then_some(TOKEN);
    let (sent, cuts) = choices.pieces();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let (answer, asked) = runtime.block_on(async {
        let talked = timeout(HANGS, talk(sent, &cuts, token)).await;
        talked.unwrap_or_else(|_| panic!("the connection does not end"))
    });
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1."),
        "{}",
        answer.escape_ascii()
    );
    assert!(answer.len() < ANSWER, "{} bytes of answer", answer.len());
    let has = |part: &str| {
        sent.windows(part.len())
            .any(|window| window == part.as_bytes())
    };
    assert!(
        asked <= usize::from(has("POST ")),
        "{asked} requests of the host"
    );
    assert!(
        asked == 0 || token.is_none_or(has),
        "done without the token"
    );
}

/// Returns the answer, and the number of requests that reached the reloader.
async fn talk(sent: &[u8], cuts: &[usize], token: Option<&str>) -> (Vec<u8>, usize) {
    let (requests, mut asked) = mpsc::channel(1);
    let (_publisher, snapshot) = Snapshot::first(Generation {
        number: 1,
        services: HashMap::new(),
        leaving: HashMap::new(),
        drain: Duration::ZERO,
        admin_token: token.map(Token::new),
        admin_names: Vec::new(),
        tap: true,
        drain_delay: Duration::ZERO,
        filters: HashMap::new(),
    });
    let metrics = Metrics::default();
    let admin = Admin {
        registry: metrics.registry,
        reloads: metrics.reloads.clone(),
        outputs: Arc::new(Vec::new),
        listeners: Default::default(),
        sampler: Default::default(),
        started: (std::time::SystemTime::now(), std::time::Instant::now()),
        certificates: metrics.certificates,
        snapshot,
        history: Default::default(),
        disk: Disk::new(metrics.reloads.clone()),
        origin: Default::default(),
        requests,
        clients: Clients::new(metrics.admin.clone()),
        metrics: metrics.admin,
        tokens: Default::default(),
        budget: linemill_budget::Budget::unlimited(),
        taps: Taps::new(metrics.taps),
    };
    let (client, server) = duplex(4096);
    let (mut reading, mut writing) = split(client);
    let answering = admin
        .clients
        .clone()
        .answer(server, admin.routes(&Via::Tcp(Default::default())));
    let sending = async move {
        let mut from = 0;
        for cut in cuts.iter().copied().chain([sent.len()]) {
            // The server may have answered and closed before all is sent.
            if writing.write_all(&sent[from..cut]).await.is_err() {
                return;
            }
            from = cut;
            tokio::task::yield_now().await;
        }
        // As above.
        let _ = writing.shutdown().await;
    };
    let receiving = async move {
        let mut answer = Vec::new();
        let received = reading.read_to_end(&mut answer).await;
        received.unwrap_or_else(|error| panic!("an end of another kind: {error}"));
        answer
    };
    let doing = async {
        let mut count = 0;
        while let Some(request) = asked.recv().await {
            count += 1;
            let outcome = Outcome::of(Ok(&Reloaded::Unchanged), 1, Duration::ZERO);
            let sent = request.answer.map(|answer| answer.send(outcome).is_ok());
            assert!(sent.is_some(), "the request does not wait for its answer");
        }
        count
    };
    let ((), (), answer, count) = tokio::join!(answering, sending, receiving, doing);
    (answer, count)
}
