//! Listeners whose lines would come back to them.
//!
//! In: settings, and a function that tells which destinations lead to which listener. Out: a problem for
//! each circle of listeners. A chain from one listener to another is not a circle.
//! Not here: looking anything up. What shows without that is in [`Destination::leads_to`].

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::printable::quote;
use crate::problem::Problem;
use crate::problem::place::Place;
use crate::settings::{Destination, ListenerSettings, Settings};

/// A destination of a listener, where it is written, and the listener that it leads to.
struct Step<'a> {
    from: usize,
    to: usize,
    destination: &'a Destination,
    key: &'static str,
    place: &'a Place,
}

/// A problem for each circle, where `leads` tells whether lines for a destination arrive at a listener. No
/// listener is in two of the problems.
pub fn circles(
    settings: &Settings,
    leads: impl Fn(&Destination, &ListenerSettings) -> bool,
) -> Vec<Problem> {
    let listeners = &settings.listeners;
    let mut steps = Vec::new();
    for (from, listener) in listeners.iter().enumerate() {
        for ((key, place), destination) in settings.destinations(listener) {
            let arrives = |(_, listener): &(usize, &ListenerSettings)| leads(destination, listener);
            for (to, _) in listeners.iter().enumerate().filter(arrives) {
                steps.push(Step {
                    from,
                    to,
                    destination,
                    key,
                    place,
                });
            }
        }
    }
    let mut reported = BTreeSet::new();
    let mut problems = Vec::new();
    for start in 0..listeners.len() {
        let Some(circle) = shortest(&steps, start) else {
            continue;
        };
        if circle.iter().any(|step| reported.contains(&step.from)) {
            continue;
        }
        reported.extend(circle.iter().map(|step| step.from));
        problems.extend(problem(listeners, &circle));
    }
    problems
}

/// The shortest way from a listener back to itself.
fn shortest<'a, 's>(steps: &'s [Step<'a>], start: usize) -> Option<Vec<&'s Step<'a>>> {
    // The step by which each listener was first reached.
    let mut by: HashMap<usize, &Step<'a>> = HashMap::new();
    let mut reached = vec![start];
    while !reached.is_empty() {
        let mut next = Vec::new();
        for step in steps.iter().filter(|step| reached.contains(&step.from)) {
            if by.contains_key(&step.to) {
                continue;
            }
            by.insert(step.to, step);
            if step.to != start {
                next.push(step.to);
                continue;
            }
            let mut circle = vec![step];
            let mut at = step.from;
            while at != start {
                let before = by.get(&at)?;
                circle.push(before);
                at = before.from;
            }
            circle.reverse();
            return Some(circle);
        }
        reached = next;
    }
    None
}

fn problem(listeners: &[ListenerSettings], circle: &[&Step<'_>]) -> Option<Problem> {
    let first = circle.first()?;
    let name = |index: usize| listeners[index].name.as_str();
    let names = circle.iter().map(|step| name(step.to));
    let passed: Vec<_> = [name(first.from)].into_iter().chain(names).collect();
    let text = format!(
        "listener `{}`: `{}` sends lines to {}, which leads back here ({}), so lines would loop indefinitely",
        name(first.from),
        first.key,
        quote(&first.destination.to_string()),
        passed.join(" → "),
    );
    Some(
        first
            .place
            .problem(text, "name another address in one of them"),
    )
}

impl Settings {
    /// All destinations of a listener that take lines, each with the key that names it and its place: those
    /// of its own keys, and where the filters of its chains send failed lines.
    pub fn destinations<'a>(
        &'a self,
        listener: &'a ListenerSettings,
    ) -> impl Iterator<Item = ((&'static str, &'a Place), &'a Destination)> {
        let of = |key: &'static str| (key, listener.places.of(key));
        let own = listener.destinations().map(move |(key, to)| (of(key), to));
        let quarantines = listener.stages().filter_map(|stage| {
            let filter = self.filters.get(&stage.filter)?;
            let key = ("quarantine", filter.places.of("quarantine"));
            Some((key, filter.quarantine.as_ref()?))
        });
        own.chain(quarantines)
    }
}

/// Whether a connection to the address `to` arrives at a socket bound to `bind`, on the same port.
/// `is_ours` says which addresses belong to this machine, apart from those of the loopback interface.
pub fn reaches(
    to: IpAddr,
    bind: IpAddr,
    ipv6_only: bool,
    is_ours: impl Fn(IpAddr) -> bool,
) -> bool {
    let to = match to.to_canonical() {
        // The system takes it for this machine.
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        to => to,
    };
    let here = || to.is_loopback() || is_ours(to);
    match bind.to_canonical() {
        IpAddr::V4(bind) if bind.is_unspecified() => to.is_ipv4() && here(),
        IpAddr::V6(bind) if bind.is_unspecified() => (to.is_ipv6() || !ipv6_only) && here(),
        bind => bind == to,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn problems(text: &str) -> Vec<String> {
        match crate::parse(Path::new("a.toml"), text, &["rot13"]) {
            Ok(_) => Vec::new(),
            Err(problems) => problems
                .iter()
                .map(|problem| problem.what().to_owned())
                .collect(),
        }
    }

    /// A listener with a port, and where its lines go.
    fn listener(name: &str, bind: &str, keys: &str) -> String {
        format!("[[listener]]\nname = \"{name}\"\nbind = \"{bind}\"\n{keys}\n")
    }

    #[test]
    fn circles_are_refused_and_chains_are_not() {
        let chain = [
            listener("a", "127.0.0.1:1", "to = \"tcp://127.0.0.1:2\""),
            listener(
                "b",
                "127.0.0.1:2",
                "to = \"tcp://localhost:3\"\ntee = [\"stdout\"]",
            ),
            listener("c", "[::]:3", "to = \"stdout\""),
        ];
        assert_eq!(problems(&chain.concat()), [""; 0]);
        let ring = chain
            .concat()
            .replace("to = \"stdout\"", "tee = [\"tcp://127.1:1\"]");
        let text = "listener `a`: `to` sends lines to `tcp://127.0.0.1:2`, which leads back here (a → b → c → a), so lines would loop indefinitely";
        assert_eq!(problems(&ring), [text]);
    }

    #[test]
    fn each_circle_is_one_problem() {
        let text = [
            listener("a", "127.0.0.1:1", "to = \"tcp://127.0.0.1:2\""),
            listener(
                "b",
                "127.0.0.1:2",
                "routes = { x = \"tcp://[::ffff:127.0.0.1]:1\" }",
            ),
            listener("c", "unix:/a/c", "to = \"unix:/a/b/../d\"\nshared = true"),
            listener("d", "unix:/a/d", "to = \"unix:/a/./c\""),
            listener("e", "127.0.0.1:5", "to = \"tcp://127.0.0.1:1\""),
        ];
        let problems = problems(&text.concat());
        assert_eq!(problems.len(), 2, "{problems:#?}");
        assert!(problems[0].contains("(a → b → a)"), "{problems:#?}");
        assert!(problems[1].contains("(c → d → c)"), "{problems:#?}");
    }

    #[test]
    fn failed_lines_can_come_back_as_well() {
        let text = listener("a", "127.0.0.1:1", "chain = [\"f\"]\nto = \"stdout\"")
            + "[filter.f]\nplugin = \"rot13\"\non_error = \"quarantine\"\nquarantine = \"tcp://127.0.0.1:1\"\n";
        let problems = problems(&text);
        assert!(
            problems[0].contains("`quarantine` sends lines"),
            "{problems:#?}"
        );
    }

    #[test]
    fn what_reaches_a_socket() {
        let ip = |text: &str| -> IpAddr { text.parse().expect("an address") };
        let ours = |address: IpAddr| address == ip("192.0.2.9") || address == ip("2001:db8::9");
        for (to, bind, ipv6_only, arrives) in [
            ("127.0.0.1", "127.0.0.1", false, true),
            ("127.0.0.2", "127.0.0.1", false, false),
            ("127.0.0.2", "0.0.0.0", false, true),
            ("::ffff:127.0.0.1", "127.0.0.1", false, true),
            ("0.0.0.0", "127.0.0.1", false, true),
            ("::", "::1", true, true),
            ("192.0.2.9", "0.0.0.0", false, true),
            ("192.0.2.9", "::", false, true),
            ("192.0.2.9", "::", true, false),
            ("2001:db8::9", "::", true, true),
            ("2001:db8::9", "0.0.0.0", false, false),
            ("192.0.2.8", "0.0.0.0", false, false),
            ("127.0.0.1", "::", true, false),
            ("::1", "0.0.0.0", false, false),
        ] {
            let found = reaches(ip(to), ip(bind), ipv6_only, ours);
            assert_eq!(found, arrives, "{to} {bind} {ipv6_only}");
        }
    }
}
