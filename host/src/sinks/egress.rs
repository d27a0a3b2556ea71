//! All sinks of one listener.
//!
//! In: opened sinks (`open`). Out: the same, by what they are for. Not here: putting lines into them
//! (`connection_sink`).

use super::shared_sink::SharedSink;
use super::upstream::Upstream;

/// Where the lines of a listener's connections go.
#[derive(Debug)]
pub struct Egress {
    /// For lines that no filter sends by a route.
    pub to: Sink,
    /// For the lines of each route, by its name.
    pub routes: Vec<(String, SharedSink)>,
    /// Each gets a copy of what goes to `to`.
    pub tee: Vec<SharedSink>,
}

/// Takes the lines of a connection.
#[derive(Debug, Clone)]
pub enum Sink {
    /// The client that sent them.
    Reply,
    /// A server, over one connection per client connection.
    Upstream(Upstream),
    /// A sink that connections share.
    Shared(SharedSink),
}

impl Egress {
    /// All upstreams among the sinks, shared or not.
    pub fn upstreams(&self) -> impl Iterator<Item = &Upstream> {
        let (own, shared) = match &self.to {
            Sink::Reply => (None, None),
            Sink::Upstream(upstream) => (Some(upstream), None),
            Sink::Shared(sink) => (None, Some(sink)),
        };
        let routes = self.routes.iter().map(|(_, sink)| sink);
        let all = routes.chain(&self.tee).chain(shared);
        own.into_iter().chain(all.filter_map(SharedSink::upstream))
    }

    /// Whether lines go anywhere but to a socket of their own connection.
    pub(super) fn has_shared(&self) -> bool {
        matches!(self.to, Sink::Shared(_)) || !self.routes.is_empty() || !self.tee.is_empty()
    }
}
