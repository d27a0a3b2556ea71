//! The certificates, keys and authorities of listeners.
//!
//! In: a listener's settings, and its service in the previous generation. Out: [`ListenerTls`], reused
//! when the files contain the same bytes. Not here: what the files must contain (`crate::net::tls`).

use std::sync::Arc;

use crate::generation::Service;
use crate::net::tls::{Client, Server};
use linemill_config::settings::ListenerSettings;
use linemill_config::{Files, Problem};

/// The TLS contexts of one listener.
#[derive(Debug, Clone, Default)]
pub(super) struct ListenerTls {
    /// For clients; `None` for plain.
    pub(super) tls: Option<Arc<Server>>,
    /// For upstreams; `None` when no destination is `tls://`.
    pub(super) to_tls: Option<Arc<Client>>,
}

impl ListenerTls {
    /// The contexts of a service.
    pub(super) fn of(service: &Service) -> Self {
        Self {
            tls: service.tls.clone(),
            to_tls: service.to_tls.clone(),
        }
    }
}

/// Loads the TLS contexts that `listener` needs, from some of the `files` of a load. Files are read on
/// blocking threads.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) async fn load(
    listener: &ListenerSettings,
    before: Option<&Service>,
    files: &Files,
) -> Result<ListenerTls, Vec<Problem>> {
    let server = listener.tls.clone().map(|settings| {
        let before = before.and_then(|before| before.tls.clone());
        let files = files.clone();
        on_blocking_thread(move || Server::load(&settings, before.as_ref(), &files))
    });
    let client = needs_client(listener).then(|| {
        let settings = listener.to_tls.clone().unwrap_or_default();
        let before = before.and_then(|before| before.to_tls.clone());
        let files = files.clone();
        on_blocking_thread(move || Client::load(&settings, before.as_ref(), &files))
    });
    let (mut loaded, mut wrong) = (ListenerTls::default(), Vec::new());
    let mut refuse = |key: &str, problem: Problem| {
        let subject = format!("key `{key}` of listener `{}`", listener.name);
        wrong.push(problem.of(subject).at(listener.places.of(key)));
    };
    if let Some(server) = server {
        match server.await {
            Ok(server) => loaded.tls = Some(server),
            Err(problem) => refuse("tls", problem),
        }
    }
    if let Some(client) = client {
        match client.await {
            Ok(client) => loaded.to_tls = Some(client),
            // Reported at `to_tls` even if the key is absent: setting it is the remedy.
            Err(problem) => refuse("to_tls", problem),
        }
    }
    if wrong.is_empty() {
        Ok(loaded)
    } else {
        Err(wrong)
    }
}

/// Whether any of the destinations of `listener` is `tls://`.
fn needs_client(listener: &ListenerSettings) -> bool {
    listener.destinations().any(|(_, to)| to.has_tls())
}

async fn on_blocking_thread<T: Send + 'static>(
    load: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let interrupted = |_| Problem::new("loading was interrupted: the host is stopping", "");
    tokio::task::spawn_blocking(load)
        .await
        .map_err(interrupted)?
}
