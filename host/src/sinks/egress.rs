//! All sinks of one listener.
//!
//! In: opened sinks (`open`). Out: the same, by what they are for. Not here: putting lines into them
//! (`connection_sink`).

use super::shared_sink::SharedSink;
use super::upstream::{ConnectOptions, Upstream, UpstreamList};
use linemill_config::settings::{Mode, Readiness};

/// Where the lines of a listener's connections go. Holds every sink that it has: a sink ends when the
/// last generation that has it, and the last connection on that generation, are gone.
#[derive(Debug)]
pub struct Egress {
    /// For lines that no filter sends by a route.
    pub to: Sink,
    /// For the lines of each route, by its name.
    pub routes: Vec<(String, SharedSink)>,
    /// Each gets a copy of what goes to `to`.
    pub tee: Vec<SharedSink>,
    /// How its upstreams are connected to.
    pub(super) options: ConnectOptions,
    /// How many bytes may wait for each of its shared sinks.
    pub(super) buffer: usize,
    /// The mode of files that are created.
    pub(super) file_mode: Mode,
}

/// Takes the lines of a connection.
#[derive(Debug, Clone)]
pub enum Sink {
    /// The client that sent them.
    Reply,
    /// One of some servers, over one connection per client connection.
    Upstreams(UpstreamList),
    /// A sink that connections share.
    Shared(SharedSink),
}

impl Sink {
    /// The destination, as written in the configuration; several upstreams with commas between them.
    pub fn shown(&self) -> String {
        match self {
            Self::Reply => "reply".to_owned(),
            Self::Upstreams(list) => list.to(),
            Self::Shared(sink) => sink.to(),
        }
    }
}

impl Egress {
    /// Lines go back to their client, and nowhere else.
    pub fn reply(options: ConnectOptions) -> Self {
        Self {
            to: Sink::Reply,
            routes: Vec::new(),
            tee: Vec::new(),
            options,
            buffer: 0,
            file_mode: Mode::PRIVATE,
        }
    }

    /// Sets the options of all upstreams among the sinks, shared or not.
    pub(super) fn set_options(&self) {
        let own = match &self.to {
            Sink::Upstreams(list) => Some(list.clone()),
            Sink::Reply | Sink::Shared(_) => None,
        };
        let lists = own.into_iter();
        for list in lists.chain(self.shared().filter_map(SharedSink::upstreams)) {
            let set = |upstream: &Upstream| upstream.set_options(self.options.clone());
            list.iter().for_each(set);
        }
    }

    /// All shared sinks.
    pub(super) fn shared(&self) -> impl Iterator<Item = &SharedSink> {
        let to = match &self.to {
            Sink::Shared(sink) => Some(sink),
            Sink::Reply | Sink::Upstreams(_) => None,
        };
        let routes = self.routes.iter().map(|(_, sink)| sink);
        to.into_iter().chain(routes).chain(&self.tee)
    }

    /// The shared sinks that `readiness` asks for, each with the key that names it.
    pub fn needed(&self, readiness: Readiness) -> impl Iterator<Item = (String, &SharedSink)> {
        let to = match &self.to {
            Sink::Shared(sink) => Some(("to".to_owned(), sink)),
            Sink::Reply | Sink::Upstreams(_) => None,
        };
        let routes = self.routes.iter();
        let routes = routes.map(|(name, sink)| (format!("routes.{name}"), sink));
        let tee = self.tee.iter().map(|sink| ("tee".to_owned(), sink));
        to.into_iter()
            .filter(move |_| readiness.needs_to())
            .chain(routes.filter(move |_| readiness.needs_routes()))
            .chain(tee.filter(move |_| readiness.needs_tee()))
    }

    /// Whether lines are routed or copied.
    pub(super) fn has_more_than_to(&self) -> bool {
        !self.routes.is_empty() || !self.tee.is_empty()
    }
}
