//! Warnings about a configuration that is valid but likely to hurt: lines that would pass unfiltered, and
//! limits that cannot all be used at the same time.
//!
//! In: settings, and the generation built of them. Out: a warning for each, with its place. `check` prints
//! them; `serve` logs them at the start.
//! Not here: what is wrong (`build`).

use crate::generation::Generation;
use linemill_config::settings::{Destination, FilterSettings, ListenerSettings, Settings};
use linemill_config::{Problem, Problems};
use linemill_sandbox::instance_mappings;

/// Descriptors that the host needs besides those of connections: sockets, files, pipes.
const OTHER_DESCRIPTORS: u64 = 64;
/// Mappings that the host needs besides those of instances: code, stacks of threads, the allocator.
const OTHER_MAPPINGS: u64 = 2048;

/// What is worth a warning, in the order of the file; `None` if nothing is.
pub fn warnings(settings: &Settings, generation: &Generation) -> Option<Problems> {
    let warnings = settings
        .filters
        .values()
        .flat_map(|filter| filter_warnings(filter, settings, generation))
        .chain(descriptors(&settings.listeners, descriptor_limit()))
        .chain(mappings(&settings.listeners, generation, mapping_limit()));
    Problems::new(warnings.map(Problem::warning).collect())
}

/// Logs what is worth a warning.
pub fn log(settings: &Settings, generation: &Generation) {
    for warning in warnings(settings, generation)
        .iter()
        .flat_map(Problems::iter)
    {
        tracing::warn!(
            at = warning.place().spot(),
            hint = warning.hint(),
            "{}",
            warning.what()
        );
    }
}

fn filter_warnings(
    filter: &FilterSettings,
    settings: &Settings,
    generation: &Generation,
) -> Vec<Problem> {
    let name = &filter.name;
    let mut warnings = Vec::new();
    let built = generation.filters.get(name);
    if built.is_some_and(|built| built.passes_against_declaration()) {
        warnings.push(filter.places.of("on_error").problem(
            format!(
                "filter `{name}`: with `on_error` \"pass\", a line that it cannot handle passes unfiltered, \
                 which it is there to prevent"
            ),
            "write on_error = \"drop\", \"close\" or \"quarantine\", or leave it out: its default is \"drop\"",
        ));
    }
    let calls = |listener: &&ListenerSettings| listener.stages().any(|stage| stage.filter == *name);
    let longest = settings.listeners.iter().filter(calls);
    if let Some(listener) = longest.max_by_key(|listener| listener.lines.max_line)
        && listener.lines.max_line.saturating_mul(2) > filter.memory
    {
        let line = listener.lines.max_line;
        warnings.push(filter.places.of("memory").problem(
            format!(
                "filter `{name}`: `memory` of {} bytes has no room for a line of `max_line` of listener `{}`, \
                 {line} bytes, and the answer to it",
                filter.memory, listener.name
            ),
            "raise `memory` to at least three times `max_line`, or lower `max_line`",
        ));
    }
    warnings
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

/// Whether connections may need more instances than the system has mappings for.
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
    let total = instances * instance_mappings() + OTHER_MAPPINGS;
    let limit = limit.filter(|limit| instances > 0 && total > *limit)?;
    let largest = listeners.iter().max_by_key(|listener| need(listener))?;
    let text = format!(
        "`max_connections` times the filters that have an instance per connection allow {instances} instances, \
         which need about {total} memory mappings; the system allows {limit}"
    );
    let hint = "lower `max_connections`, or raise vm.max_map_count";
    Some(largest.places.of("max_connections").problem(text, hint))
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

/// How many memory mappings the system allows a process.
fn mapping_limit() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?;
    text.trim().parse().ok()
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
