//! Warnings about limits that cannot all be used at the same time: descriptors, memory, memory mappings.
//!
//! In: settings, the generation built of them, and what the system allows. Out: a warning for each limit.

use crate::generation::Generation;
use crate::memory::limit;
use linemill_budget::{Budget, Holder};
use linemill_config::Problem;
use linemill_config::settings::{Destination, ListenerSettings, Settings};
use linemill_sandbox::instance_mappings;

/// Descriptors that the host needs besides those of connections: sockets, files, pipes.
const OTHER_DESCRIPTORS: u64 = 64;

/// What is worth a warning.
pub(super) fn warnings(
    settings: &Settings,
    generation: &Generation,
    budget: &Budget,
) -> Vec<Problem> {
    let listeners = &settings.listeners;
    let for_guests = Holder::Guests.share_of(limit(&settings.host));
    let memory = listeners
        .iter()
        .filter_map(|listener| memory(listener, generation, for_guests));
    let mappings = mappings(listeners, generation, budget.usage().mappings_limit);
    descriptors(listeners, descriptor_limit())
        .into_iter()
        .chain(mappings)
        .chain(memory)
        .collect()
}

/// Whether the connections of all listeners need more descriptors than the process may have.
fn descriptors(listeners: &[ListenerSettings], limit: Option<u64>) -> Option<Problem> {
    let need = |listener: &ListenerSettings| {
        connections(listener) * if has_own_upstream(listener) { 2 } else { 1 }
    };
    let total = listeners.iter().map(need).sum::<u64>() + OTHER_DESCRIPTORS;
    let limit = limit.filter(|limit| total > *limit)?;
    let largest = listeners.iter().max_by_key(|listener| need(listener))?;
    let text = format!(
        "`max_connections` of all listeners may need {total} descriptors, with one more for each upstream \
         that a connection has of its own; the process may open {limit}"
    );
    let hint =
        "lower `max_connections`, or raise the limit: LimitNOFILE= of a systemd unit, `ulimit -n`";
    Some(largest.places.of("max_connections").problem(text, hint))
}

/// Whether connections may need more instances than there are mappings for.
fn mappings(
    listeners: &[ListenerSettings],
    generation: &Generation,
    limit: Option<u64>,
) -> Option<Problem> {
    let need = |listener: &ListenerSettings| {
        let exclusive = listener.stages().filter(|stage| {
            let filter = generation.filters.get(&stage.filter);
            filter.is_some_and(|filter| filter.is_exclusive())
        });
        connections(listener) * exclusive.count() as u64
    };
    let instances = listeners.iter().map(need).sum::<u64>();
    let total = instances * instance_mappings();
    let limit = limit.filter(|limit| total > *limit)?;
    let largest = listeners.iter().max_by_key(|listener| need(listener))?;
    let text = format!(
        "`max_connections` times the filters that have an instance per connection allow {instances} instances, \
         which need about {total} memory mappings; the system allows them {limit}"
    );
    let hint = "lower `max_connections`, or raise vm.max_map_count or `ulimit -v`";
    Some(largest.places.of("max_connections").problem(text, hint))
}

/// Whether the filters that keep something for each connection of a listener need more memory than there is.
fn memory(
    listener: &ListenerSettings,
    generation: &Generation,
    for_guests: u64,
) -> Option<Problem> {
    if listener.bind.is_datagram() {
        return None;
    }
    let service = generation.services.get(&listener.name)?;
    let chains = [&service.chain, &service.reply_chain];
    let stages = chains.into_iter().flat_map(|chain| chain.stages());
    let own = stages.filter_map(|stage| stage.filter().memory_of_own());
    let each: u64 = own.sum();
    let room = for_guests.checked_div(each)?;
    if room >= listener.max_connections as u64 {
        return None;
    }
    let (name, most) = (&listener.name, listener.max_connections);
    let text = format!(
        "listener `{name}`: `max_connections` is {most}, but there is memory for the instances of {room} \
         connections, at {each} bytes each; others will be refused"
    );
    let hint = "lower `max_connections`, or raise `memory` of `[host]`";
    Some(listener.places.of("max_connections").problem(text, hint))
}

/// How many connections a listener may have at the same time.
fn connections(listener: &ListenerSettings) -> u64 {
    if listener.bind.is_datagram() {
        1
    } else {
        listener.max_connections as u64
    }
}

/// Whether each connection has a connection to an upstream of its own.
fn has_own_upstream(listener: &ListenerSettings) -> bool {
    !listener.is_one_way() && listener.to != Destination::Reply
}

/// How many descriptors the process may have open, once `serve` has raised the soft limit.
#[cfg(unix)]
fn descriptor_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).maximum
}

#[cfg(not(unix))]
fn descriptor_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listeners(text: &str) -> Vec<ListenerSettings> {
        let parsed = linemill_config::parse("a.toml".as_ref(), text, &["rot13"]);
        parsed.expect("it is valid").listeners
    }

    #[test]
    fn connections_with_upstreams_need_two_descriptors() {
        let one = "[[listener]]\nname = \"a\"\nbind = \"127.0.0.1:0\"\nmax_connections = 1000\n";
        let two = format!("{one}to = \"tcp://127.0.0.1:9\"\n");
        let shared = format!("{two}shared = true\n");
        for (text, need) in [(one, 1064), (&two, 2064), (&shared, 1064)] {
            let listeners = listeners(text);
            assert!(descriptors(&listeners, Some(need)).is_none(), "{text}");
            let warning = descriptors(&listeners, Some(need - 1)).expect(text);
            let shown = warning.to_string();
            assert!(shown.contains("a.toml:4:"), "{shown}");
            assert!(shown.contains(&format!("{need} descriptors")), "{shown}");
            assert!(descriptors(&listeners, None).is_none());
        }
    }
}
